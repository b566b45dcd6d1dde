//! Units: grouped, apart from each other, run again, in lanes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::ports::connections::PartnerUser;
use causeway_core::ports::records::RecordFilter;
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_store::{Store, StoreOptions};

use crate::given::{apply, apply_in, at, change, connection, contact_id, first_contact};
use crate::place::Place;

fn put(unit: &mut dyn Transaction, connection: ConnectionId, id: &str) -> Result<(), StoreError> {
    unit.put_partner_users(
        connection,
        &[PartnerUser {
            id: id.to_owned(),
            email: String::new(),
            name: String::new(),
            active: true,
            salesforce_user: None,
        }],
    )
}

async fn users(store: &Store, connection: ConnectionId) -> Vec<String> {
    let users = store
        .read(move |unit| unit.partner_users(connection))
        .await
        .unwrap();
    users.into_iter().map(|user| user.id).collect()
}

fn refusal() -> StoreError {
    StoreError::Exists {
        what: "a reason to stop".to_owned(),
    }
}

/// A store with one writer that stands still until the sender is used or dropped.
async fn stopped_writer(place: &Place) -> (Store, mpsc::SyncSender<()>) {
    let store = place
        .store_with(StoreOptions {
            writers: 1,
            bulk_queue: 64,
            ..StoreOptions::default()
        })
        .await;
    let (go, stop) = mpsc::sync_channel::<()>(1);
    let (running, runs) = tokio::sync::oneshot::channel();
    let mut running = Some(running);
    let blocked = store.clone();
    tokio::spawn(async move {
        blocked
            .write(Lane::Interactive, move |_| {
                if let Some(running) = running.take() {
                    running.send(()).unwrap();
                }
                stop.recv().ok();
                Ok(())
            })
            .await
    });
    runs.await.unwrap();
    (store, go)
}

/// Starts a unit and gives it time to queue.
async fn queued<T: Send + 'static>(
    store: &Store,
    lane: Lane,
    unit: impl FnMut(&mut dyn Transaction) -> Result<T, StoreError> + Send + 'static,
) -> tokio::task::JoinHandle<Result<T, StoreError>> {
    let store = store.clone();
    let (polled, was_polled) = tokio::sync::oneshot::channel();
    let handle = tokio::spawn(async move {
        let mut writing = Box::pin(store.write(lane, unit));
        // The first poll puts the unit into its queue, which has room.
        let early = std::future::poll_fn(|context| {
            std::task::Poll::Ready(match writing.as_mut().poll(context) {
                std::task::Poll::Ready(answer) => Some(answer),
                std::task::Poll::Pending => None,
            })
        })
        .await;
        polled.send(()).unwrap();
        match early {
            Some(answer) => answer,
            None => writing.await,
        }
    });
    was_polled.await.unwrap();
    handle
}

pub async fn a_failing_unit_leaves_no_trace_and_its_neighbours_stay(place: &Place) {
    let (store, go) = stopped_writer(place).await;
    let id = {
        let store = store.clone();
        let adding = tokio::spawn(async move { connection(&store, "miller").await });
        go.send(()).unwrap();
        adding.await.unwrap()
    };
    let mut units = Vec::new();
    for number in 0..60 {
        units.push(
            queued(&store, Lane::Interactive, move |unit| {
                put(unit, id, &format!("u-{number:02}"))?;
                unit.receive(id, &[change(number, 1)], Lane::Interactive, at(1))?;
                if number % 3 == 0 {
                    Err(refusal())
                } else {
                    Ok(number)
                }
            })
            .await,
        );
    }
    let mut answers = Vec::new();
    for unit in units {
        answers.push(unit.await.unwrap());
    }

    let kept: Vec<u32> = (0..60).filter(|number| number % 3 != 0).collect();
    assert_eq!(
        answers
            .iter()
            .filter_map(|answer| answer.clone().ok())
            .collect::<Vec<_>>(),
        kept
    );
    assert!(answers.iter().step_by(3).all(|answer| *answer == Err(refusal())));
    assert_eq!(
        users(&store, id).await,
        kept.iter()
            .map(|number| format!("u-{number:02}"))
            .collect::<Vec<_>>()
    );
    let backlog = store.read(move |unit| unit.backlog(id)).await.unwrap();
    assert_eq!(backlog.changes, 40);
}

pub async fn a_unit_that_swallows_a_ports_error_fails(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let nowhere = ConnectionId(4711);
    let answer = store
        .write(Lane::Interactive, move |unit| {
            put(unit, id, "u-1")?;
            let swallowed = put(unit, nowhere, "u-2");
            assert!(swallowed.is_err());
            Ok(())
        })
        .await;
    assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
    assert!(users(&store, id).await.is_empty());
}

pub async fn a_panicking_unit_harms_nobody_else(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let panicking = store.write::<(), _>(Lane::Interactive, move |unit| {
        put(unit, id, "u-1")?;
        panic!("a defect");
    });
    let fine = store.write(Lane::Interactive, move |unit| put(unit, id, "u-2"));
    let (panicked, fine) = tokio::join!(panicking, fine);
    assert!(matches!(panicked, Err(StoreError::Corrupt { .. })));
    assert_eq!(fine, Ok(()));
    assert_eq!(users(&store, id).await, ["u-2"]);
}

pub async fn a_unit_that_loses_a_race_runs_again_a_few_times(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let conflict = || StoreError::Conflict {
        what: "a race".to_owned(),
    };
    let mut runs = 0;
    let won = store
        .write(Lane::Interactive, move |unit| {
            runs += 1;
            put(unit, id, &format!("run-{runs}"))?;
            if runs < 3 { Err(conflict()) } else { Ok(runs) }
        })
        .await;
    assert_eq!(won, Ok(3));
    assert_eq!(users(&store, id).await, ["run-3"]);

    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let lost = store
        .write::<(), _>(Lane::Interactive, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            Err(conflict())
        })
        .await;
    assert_eq!(lost, Err(conflict()));
    assert_eq!(runs.load(Ordering::Relaxed), 5);
}

pub async fn interactive_units_overtake_waiting_bulk_units(place: &Place) {
    let (store, go) = stopped_writer(place).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut units = Vec::new();
    for (lane, name) in [
        (Lane::Bulk, "bulk 1"),
        (Lane::Bulk, "bulk 2"),
        (Lane::Interactive, "interactive 1"),
        (Lane::Interactive, "interactive 2"),
    ] {
        let order = Arc::clone(&order);
        units.push(
            queued(&store, lane, move |_| {
                order.lock().unwrap().push(name);
                Ok(())
            })
            .await,
        );
    }
    go.send(()).unwrap();
    for unit in units {
        assert_eq!(unit.await.unwrap(), Ok(()));
    }
    assert_eq!(
        *order.lock().unwrap(),
        ["interactive 1", "interactive 2", "bulk 1", "bulk 2"]
    );
}

pub async fn reading_does_not_wait_for_writing(place: &Place) {
    let (store, go) = stopped_writer(place).await;
    let read = tokio::time::timeout(Duration::from_secs(20), store.read(|unit| unit.connections())).await;
    assert_eq!(read, Ok(Ok(Vec::new())));
    go.send(()).unwrap();
}

pub async fn reading_a_little_does_not_wait_for_scans(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let (end, ended) = mpsc::sync_channel::<()>(0);
    let ended = Arc::new(Mutex::new(ended));
    let scans: Vec<_> = (0..8)
        .map(|_| {
            let (store, ended) = (store.clone(), Arc::clone(&ended));
            tokio::spawn(async move {
                store
                    .scan(move |_| {
                        ended.lock().unwrap().recv().ok();
                        Ok(())
                    })
                    .await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let reading = store.read(move |unit| unit.connection(id));
    let found = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(found.unwrap().unwrap().is_some());
    assert!(scans.iter().all(|scan| !scan.is_finished()));
    drop(end);
    for scan in scans {
        scan.await.unwrap().unwrap();
    }
}

pub async fn a_scan_that_takes_too_long_is_given_up(place: &Place) {
    let store = place
        .store_with(StoreOptions {
            scanners: 1,
            scan_time: Duration::from_millis(1),
            ..StoreOptions::default()
        })
        .await;
    let id = connection(&store, "miller").await;
    for first in (0..20_000).step_by(5_000) {
        let effects = (first..first + 5_000).map(|number| first_contact(number, "A"));
        apply(&store, id, effects.collect(), 1).await.unwrap();
    }
    let all = RecordFilter {
        fields: vec![("last_name".to_owned(), "nobody".to_owned())],
        ..RecordFilter::default()
    };
    let filter = all.clone();
    let scanned = store
        .scan(move |unit| unit.records(id, "contact", &filter, None, 10))
        .await;
    let Err(StoreError::Unavailable { detail }) = scanned else {
        panic!("{scanned:?}");
    };
    assert!(detail.contains("longer than it may"), "{detail}");
    // Only scans are bounded so.
    let found = store
        .read(move |unit| unit.records(id, "contact", &all, None, 10))
        .await
        .unwrap();
    assert!(found.is_empty());
}

pub async fn a_reading_unit_cannot_write(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let answer = store.read(move |unit| put(unit, id, "u-1")).await;
    assert!(matches!(answer, Err(StoreError::Corrupt { .. })), "{answer:?}");
    assert!(users(&store, id).await.is_empty());
}

pub async fn what_was_answered_can_be_read_at_once(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    for number in 0..50 {
        let user = format!("u-{number:02}");
        let written = user.clone();
        store
            .write(Lane::Bulk, move |unit| put(unit, id, &written))
            .await
            .unwrap();
        assert_eq!(users(&store, id).await.last(), Some(&user));
    }
}

pub async fn a_unit_whose_caller_went_away_is_not_started(place: &Place) {
    let (store, go) = stopped_writer(place).await;
    let started = Arc::new(AtomicU32::new(0));
    let mut units = Vec::new();
    for _ in 0..3 {
        let started = Arc::clone(&started);
        units.push(
            queued(&store, Lane::Interactive, move |_| {
                started.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
            .await,
        );
    }
    units[1].abort();
    assert!(units.remove(1).await.unwrap_err().is_cancelled());
    go.send(()).unwrap();
    for unit in units {
        assert_eq!(unit.await.unwrap(), Ok(()));
    }
    assert_eq!(started.load(Ordering::Relaxed), 2);
}

pub async fn closing_finishes_what_waits_and_then_refuses(place: &Place) {
    let (store, go) = stopped_writer(place).await;
    let mut units = Vec::new();
    for lane in [Lane::Bulk, Lane::Interactive, Lane::Bulk] {
        units.push(queued(&store, lane, |unit| unit.connections().map(|all| all.len())).await);
    }
    let late = store.clone();
    let closing = tokio::spawn(store.close());
    go.send(()).unwrap();
    closing.await.unwrap();
    for unit in units {
        assert_eq!(unit.await.unwrap(), Ok(0));
    }
    for refused in [
        late.write(Lane::Interactive, |unit| unit.connections()).await,
        late.read(|unit| unit.connections()).await,
    ] {
        assert!(
            matches!(refused, Err(StoreError::Unavailable { .. })),
            "{refused:?}"
        );
    }
}

/// Units of many connections that lock in every order, as they meet in groups: all get through, soon.
pub async fn units_from_many_sides_do_not_stand_in_each_others_way(place: &Place) {
    let store = place.store().await;
    let mut ids = Vec::new();
    for number in 0..4 {
        ids.push(connection(&store, &format!("c-{number}")).await);
    }
    let started = std::time::Instant::now();
    let mut tasks = Vec::new();
    for task in 0..16_u32 {
        let store = store.clone();
        let ids = ids.clone();
        tasks.push(tokio::spawn(async move {
            for round in 0..12_u32 {
                let id = ids[((task + round) % 4) as usize];
                let number = task * 100 + round;
                store
                    .write(Lane::Interactive, move |unit| {
                        unit.receive(id, &[change(number, 1), change(7, 1)], Lane::Interactive, at(1))
                    })
                    .await
                    .unwrap();
                let claims = store
                    .write(Lane::Interactive, move |unit| unit.claim("w", 3, at(2), at(60)))
                    .await
                    .unwrap();
                store
                    .write(Lane::Interactive, move |unit| {
                        apply_in(unit, id, &[first_contact(number, "x")], 2)?;
                        let mut settled = Vec::new();
                        for change in unit.pending(&claims, usize::MAX)?.changes {
                            let claim = claims.iter().find(|claim| {
                                (claim.connection, claim.salesforce_id)
                                    == (change.connection, change.change.salesforce_id)
                            });
                            settled.push((claim.unwrap().clone(), change.id));
                        }
                        unit.settle(&settled)
                    })
                    .await
                    .unwrap();
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    // A deadlock costs the server a second before it is noticed.
    assert!(
        started.elapsed() < Duration::from_secs(60),
        "{:?}",
        started.elapsed()
    );
    let linked = store
        .read(move |unit| {
            let wanted: Vec<SalesforceId> = (0..1700).map(contact_id).collect();
            let mut linked = 0;
            for id in &ids {
                linked += unit.linked(*id, crate::given::CONTACTS, &wanted)?.len();
            }
            Ok(linked)
        })
        .await
        .unwrap();
    assert_eq!(linked, 16 * 12);
}
