//! Histories from seeds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use simulation::coverage::{Coverage, EXPECTED};
use simulation::history::{Failure, History};

const SEEDS: u64 = 2_000;

fn told(failure: &Failure) -> String {
    format!("{}\nreplay: {}", failure.broken, failure.history.command())
}

/// Runs whole histories on two threads; answers what they met and the first failure, made short.
fn run(from: u64, count: u64) -> Result<Coverage, String> {
    let next = AtomicU64::new(from);
    let met: Mutex<(Coverage, Option<u64>)> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count || met.lock().unwrap_or_else(PoisonError::into_inner).1.is_some()
                    {
                        return;
                    }
                    let run = History::of(seed).run(false);
                    let mut met = met.lock().unwrap_or_else(PoisonError::into_inner);
                    match run {
                        Ok(one) => met.0.add(&one),
                        Err(_) => met.1 = Some(seed),
                    }
                }
            });
        }
    });
    let (met, failed) = met.into_inner().unwrap_or_else(PoisonError::into_inner);
    match failed {
        None => Ok(met),
        Some(seed) => Err(History::of(seed).shrink().map_or_else(
            || format!("seed {seed} failed once and never again: a history is not the same every time"),
            |failure| told(&failure),
        )),
    }
}

#[test]
fn two_thousand_histories_keep_every_promise_and_meet_every_branch_and_fault() {
    let met = run(1, SEEDS).unwrap_or_else(|failure| panic!("{failure}"));
    let never: Vec<&str> = EXPECTED
        .iter()
        .copied()
        .filter(|what| met.count(what) == 0)
        .collect();
    assert!(never.is_empty(), "never met in {SEEDS} histories: {never:?}");
}

#[test]
fn histories_that_broke_a_promise_once_keep_it_now() {
    let seeds = include_str!("../../seeds.txt");
    let mut count = 0;
    for line in seeds.lines().filter(|line| !line.starts_with('#')) {
        let (seed, steps) = line.split_once(' ').unwrap_or((line, ""));
        let mut history = History::of(seed.parse().unwrap());
        let steps: Vec<u32> = steps
            .split(',')
            .filter(|step| !step.is_empty())
            .map(|step| step.parse().unwrap())
            .collect();
        if let Err(failure) = history.run(false) {
            panic!("{}", told(&failure));
        }
        if !steps.is_empty() {
            history.steps = steps;
            if let Err(failure) = history.run(false) {
                panic!("{}", told(&failure));
            }
        }
        count += 1;
    }
    assert!(count > 50, "only {count} seeds are kept");
}

#[test]
fn a_history_has_fifty_steps_or_more_and_its_command_names_it() {
    for seed in 1..200 {
        let history = History::of(seed);
        assert!(history.steps.len() >= 50);
        assert_eq!(history.command(), format!("scripts/simulate --seed {seed}"));
    }
    let mut short = History::of(7);
    short.steps = vec![3, 9];
    assert_eq!(short.command(), "scripts/simulate --seed 7 --steps 3,9");
}
