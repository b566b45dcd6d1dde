//! The simulation's own machinery.

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Lane, StoreError};
use chrono::{DateTime, TimeDelta};
use simulation::dice::Dice;
use simulation::history::shortest;
use simulation::memory::Memory;
use simulation::world::World;

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_world_step_by_step() {
    let traced = |seed: u64| {
        let mut world = World::new(seed).unwrap();
        world.trace = Some(Vec::new());
        for step in 0..60 {
            world.dice = Dice::new(seed, 1_000 + step);
            world.step().unwrap();
        }
        world.trace.unwrap()
    };
    for seed in [3, 5, 8] {
        let first = traced(seed);
        assert!(first.len() > 60);
        assert_eq!(first, traced(seed));
    }
    assert_ne!(traced(3), traced(5));
}

#[test]
fn a_history_is_cut_down_to_the_steps_that_matter() {
    let needs = |steps: &[u32]| steps.contains(&7) && steps.contains(&31);
    assert_eq!(shortest((0..90).collect(), needs), [7, 31]);
    assert_eq!(shortest((0..90).collect(), |steps| !steps.is_empty()).len(), 1);
}

#[test]
fn a_unit_that_fails_leaves_nothing_behind() {
    let mut world = World::new(1).unwrap();
    let connection = world.connection;
    let failed: Result<(), StoreError> = world.store.unit(|tx| {
        tx.take_calls(connection, 5, 100, at(0))?;
        Err(StoreError::Unavailable {
            detail: "cut".to_owned(),
        })
    });
    assert!(failed.is_err());
    let spent = world.store.unit(|tx| tx.calls_spent(connection, at(1)));
    assert_eq!(spent, Ok(0));
}

#[test]
fn calls_are_given_up_to_the_cap_and_come_free_after_a_day() {
    let mut world = World::new(1).unwrap();
    let connection = world.connection;
    let mut take = |wanted, now| {
        world
            .store
            .unit(|tx| tx.take_calls(connection, wanted, 10, now))
            .unwrap()
    };
    assert_eq!(take(7, at(0)), 7);
    assert_eq!(take(7, at(60)), 3);
    assert_eq!(take(7, at(120)), 0);
    let day = TimeDelta::hours(25);
    assert_eq!(take(7, at(0) + day), 7);
}

#[test]
fn a_lease_that_ran_out_passes_to_another_with_a_greater_fence() {
    let mut world = World::new(1).unwrap();
    let connection = world.connection;
    let mut hold = |owner: &str, now: i64| {
        let unit = |tx: &mut dyn causeway_core::ports::Transaction| {
            tx.hold_lease(connection, "run", owner, at(now), at(now + 60))
        };
        world.store.unit(unit).unwrap()
    };
    assert_eq!(hold("a", 0), Some(1));
    assert_eq!(hold("b", 30), None);
    assert_eq!(hold("a", 50), Some(1));
    assert_eq!(hold("b", 111), Some(2));
}

#[test]
fn nothing_of_one_connection_is_seen_from_another() {
    let mut memory = Memory::default();
    let other = ConnectionId(99);
    let backlog = memory.unit(|tx| tx.backlog(other)).unwrap();
    assert_eq!(backlog.changes, 0);
    let received = memory.unit(|tx| tx.receive(other, &[], Lane::Bulk, at(0)));
    assert!(matches!(received, Err(StoreError::Corrupt { .. })));
}
