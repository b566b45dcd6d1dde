//! Claims: what a worker reads of them, and how they end without a decision.

use std::collections::BTreeMap;

use causeway_core::id::{InboxId, SalesforceId};
use causeway_core::ports::Lane;
use causeway_core::ports::inbox::{PendingChange, ReceivedChange};

use crate::given::{at, change, connection, contact_id, received};
use crate::inbox::{claim, ids, settle};
use crate::place::Place;

/// A change of contact `number` whose fields have so many bytes.
fn sized(number: u32, second: i64, bytes: usize) -> ReceivedChange {
    ReceivedChange {
        fields: format!("{{\"A\":\"{}\"}}", "\u{e9}".repeat((bytes - 8) / 2)),
        ..change(number, second)
    }
}

pub async fn a_large_backlog_is_read_in_pieces_and_in_order(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let changes = (0..60).map(|n| sized(n % 7, i64::from(n), 1_000)).collect();
    let mut expected = received(&store, id, Lane::Interactive, changes, 10).await;
    let large = vec![sized(3, 99, 50_000)];
    expected.extend(received(&store, id, Lane::Interactive, large, 11).await);
    let mut seen: BTreeMap<SalesforceId, Vec<InboxId>> = BTreeMap::new();
    for now in 20..200 {
        let (pieces, bytes) = store
            .write(Lane::Interactive, move |unit| {
                let claims = unit.claim("worker", 10, at(now), at(now + 50))?;
                let pending = unit.pending(&claims, 5_000)?;
                let bytes = pending.changes.iter().map(|change| change.change.fields.len());
                let bytes: Vec<usize> = bytes.collect();
                let mut settled = Vec::new();
                let mut left = Vec::new();
                for claim in claims {
                    let own = |change: &&PendingChange| change.change.salesforce_id == claim.salesforce_id;
                    match pending.changes.iter().rfind(own) {
                        Some(last) => settled.push((claim, last.id)),
                        None => left.push(claim),
                    }
                }
                assert_eq!(unit.settle(&settled)?.len(), settled.len());
                unit.give_back(&left, at(now))?;
                Ok((pending.changes, bytes))
            })
            .await
            .unwrap();
        if pieces.is_empty() {
            break;
        }
        assert!(
            bytes == [50_000] || bytes.iter().sum::<usize>() <= 5_000,
            "{bytes:?}"
        );
        for change in pieces {
            seen.entry(change.change.salesforce_id)
                .or_default()
                .push(change.id);
        }
    }
    assert!(seen.values().all(|ids| ids.is_sorted_by(|a, b| a < b)));
    let mut all: Vec<InboxId> = seen.into_values().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, expected, "each change once");
}

pub async fn claims_are_given_back_as_if_nothing_had_happened(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let changes = vec![change(1, 1), change(2, 1)];
    let numbers = received(&store, id, Lane::Interactive, changes, 10).await;
    claim(&store, 10, 11, 20).await;
    let claims = claim(&store, 1, 21, 60).await;
    let given_back = claims.clone();
    store
        .write(Lane::Interactive, move |unit| unit.give_back(&given_back, at(19)))
        .await
        .unwrap();
    let again = claim(&store, 1, 22, 60).await;
    assert_eq!(ids(&again), ids(&claims));
    assert_eq!((again[0].attempts, again[0].abandoned), (1, 1));
    // The claim that was given back is over.
    store
        .write(Lane::Interactive, move |unit| unit.give_back(&claims, at(23)))
        .await
        .unwrap();
    let number = if ids(&again) == [contact_id(1)] {
        numbers[0]
    } else {
        numbers[1]
    };
    assert_eq!(settle(&store, vec![(again[0].clone(), number)]).await, again);
}

pub async fn leases_that_ran_out_in_a_row_are_told_from_attempts_that_failed(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    received(&store, id, Lane::Interactive, vec![change(1, 1)], 10).await;
    for (now, abandoned) in [(11, 0), (21, 1), (31, 2)] {
        let claims = claim(&store, 1, now, now + 10).await;
        assert_eq!((claims[0].attempts, claims[0].abandoned), (abandoned, abandoned));
    }
    store
        .write(Lane::Interactive, |unit| unit.free_leases())
        .await
        .unwrap();
    let freed = claim(&store, 1, 41, 50).await;
    assert_eq!((freed[0].attempts, freed[0].abandoned), (3, 3));
    store
        .write(Lane::Interactive, move |unit| unit.postpone(&freed[0], at(60)))
        .await
        .unwrap();
    let postponed = claim(&store, 1, 60, 70).await;
    assert_eq!((postponed[0].attempts, postponed[0].abandoned), (4, 0));
}
