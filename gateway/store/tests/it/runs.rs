//! Sync runs and watermarks.

use std::collections::BTreeMap;

use causeway_core::decide::Outcome;
use causeway_core::id::{MappingId, PlanRevision};
use causeway_core::ports::Lane;
use causeway_core::ports::runs::{PartProgress, RunFilter, RunKind, RunPart, RunState, Watermark};

use crate::given::{CONTACTS, at, connection, run};
use crate::place::Place;

const ACCOUNTS: MappingId = MappingId(2);

fn waiting(mapping: MappingId) -> RunPart {
    RunPart {
        mapping,
        progress: PartProgress::Waiting,
        rows: 0,
        expected: None,
        outcomes: BTreeMap::new(),
        dropped: 0,
    }
}

pub async fn a_run_is_made_with_its_parts_and_moves_on(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let number = run(&store, id, &[ACCOUNTS, CONTACTS], 5).await;
    let read = || async {
        store
            .read(move |unit| unit.run(id, number))
            .await
            .unwrap()
            .unwrap()
    };
    let made = read().await;
    assert_eq!(
        (made.id, made.connection, made.state),
        (number, id, RunState::Queued)
    );
    assert_eq!(
        (made.created_at, made.finished_at, made.error),
        (at(5), None, None)
    );
    assert_eq!(made.parts, [waiting(ACCOUNTS), waiting(CONTACTS)]);

    let reading = RunPart {
        mapping: ACCOUNTS,
        progress: PartProgress::Reading {
            job: "750ZM".to_owned(),
            plan: PlanRevision(3),
            watermark: at(4),
            locator: Some("MTAwMDA".to_owned()),
            row: 1500,
        },
        rows: 11_500,
        expected: Some(20_000),
        outcomes: BTreeMap::from([(Outcome::Created, 11_000), (Outcome::Held, 400)]),
        dropped: 100,
    };
    let saved = reading.clone();
    store
        .write(Lane::Bulk, move |unit| {
            unit.set_run_state(id, number, RunState::Running, None, at(6))?;
            unit.save_part(id, number, &saved)
        })
        .await
        .unwrap();
    let running = read().await;
    assert_eq!((running.state, running.finished_at), (RunState::Running, None));
    assert_eq!(running.parts, [reading, waiting(CONTACTS)]);

    store
        .write(Lane::Bulk, move |unit| {
            unit.set_run_state(id, number, RunState::Failed, Some("the org is away"), at(8))
        })
        .await
        .unwrap();
    let failed = read().await;
    assert_eq!(
        (failed.state, failed.finished_at),
        (RunState::Failed, Some(at(8)))
    );
    assert_eq!(failed.error.as_deref(), Some("the org is away"));
    let unknown = store
        .read(move |unit| unit.run(id, causeway_core::id::RunId(999_999)))
        .await
        .unwrap();
    assert_eq!(unknown, None);
}

pub async fn a_second_run_of_a_kind_waits_for_the_first(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut starts = Vec::new();
    for _ in 0..6 {
        let store = store.clone();
        starts.push(tokio::spawn(async move { run(&store, id, &[CONTACTS], 1).await }));
    }
    let mut numbers = Vec::new();
    for start in starts {
        numbers.push(start.await.unwrap());
    }
    numbers.dedup();
    assert_eq!(numbers.len(), 1);
    let first = numbers[0];
    store
        .write(Lane::Bulk, move |unit| {
            unit.set_run_state(id, first, RunState::Completed, None, at(2))
        })
        .await
        .unwrap();
    let second = run(&store, id, &[CONTACTS], 3).await;
    assert!(second > first);

    let (all, older) = store
        .read(move |unit| {
            Ok((
                unit.runs(id, RunFilter::default(), None, 10)?,
                unit.runs(id, RunFilter::default(), Some(second), 10)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(all.iter().map(|run| run.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!(all[1].parts.len(), 1);
    assert_eq!(older, all[1..]);
}

pub async fn unfinished_runs_of_all_connections_are_found_oldest_first(place: &Place) {
    let store = place.store().await;
    let miller = connection(&store, "miller").await;
    let smith = connection(&store, "smith").await;
    let jones = connection(&store, "jones").await;
    let of_miller = run(&store, miller, &[CONTACTS], 30).await;
    let of_smith = run(&store, smith, &[CONTACTS], 20).await;
    let of_jones = run(&store, jones, &[CONTACTS], 10).await;
    store
        .write(Lane::Bulk, move |unit| {
            unit.set_run_state(smith, of_smith, RunState::Running, None, at(21))?;
            unit.set_run_state(jones, of_jones, RunState::Completed, None, at(31))
        })
        .await
        .unwrap();
    let unfinished = store.read(|unit| unit.unfinished_runs()).await.unwrap();
    assert_eq!(unfinished, [(smith, of_smith), (miller, of_miller)]);
}

pub async fn a_watermark_only_rises(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let read = |mapping| {
        let store = store.clone();
        async move {
            store
                .read(move |unit| unit.watermark(id, mapping, Watermark::Changes))
                .await
                .unwrap()
        }
    };
    assert_eq!(read(CONTACTS).await, None);
    for (to, expected) in [(10, 10), (5, 10), (10, 10), (12, 12)] {
        store
            .write(Lane::Bulk, move |unit| {
                unit.raise_watermark(id, CONTACTS, Watermark::Changes, at(to))
            })
            .await
            .unwrap();
        assert_eq!(read(CONTACTS).await, Some(at(expected)));
    }
    assert_eq!(read(ACCOUNTS).await, None);
}

pub async fn watermarks_of_changes_and_deletes_are_apart(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let read = || {
        let store = store.clone();
        async move {
            let both = store.read(move |unit| {
                Ok([Watermark::Changes, Watermark::Deletes].map(|of| unit.watermark(id, CONTACTS, of)))
            });
            both.await.unwrap()
        }
    };
    store
        .write(Lane::Bulk, move |unit| {
            unit.raise_watermark(id, CONTACTS, Watermark::Deletes, at(5))
        })
        .await
        .unwrap();
    assert_eq!(read().await, [Ok(None), Ok(Some(at(5)))]);
    store
        .write(Lane::Bulk, move |unit| {
            unit.raise_watermark(id, CONTACTS, Watermark::Changes, at(9))
        })
        .await
        .unwrap();
    assert_eq!(read().await, [Ok(Some(at(9))), Ok(Some(at(5)))]);
}

pub async fn runs_of_different_kinds_stand_beside_each_other(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let kinds = [RunKind::Initial, RunKind::Instant, RunKind::Reconcile];
    let (runs, again) = store
        .write(Lane::Bulk, move |unit| {
            let mut runs = Vec::new();
            let mut again = Vec::new();
            for kind in kinds {
                runs.push(unit.start_run(id, kind, &[CONTACTS], at(1))?);
            }
            for kind in kinds {
                again.push(unit.start_run(id, kind, &[CONTACTS], at(2))?);
            }
            Ok((runs, again))
        })
        .await
        .unwrap();
    assert_eq!(runs, again);
    let listed = store
        .read(move |unit| unit.runs(id, RunFilter::default(), None, 10))
        .await
        .unwrap();
    assert_eq!(
        listed
            .iter()
            .rev()
            .map(|run| (run.id, run.kind))
            .collect::<Vec<_>>(),
        runs.into_iter().zip(kinds).collect::<Vec<_>>()
    );
}
