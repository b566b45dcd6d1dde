//! The inbox: received once, claimed by one, never lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use causeway_core::decide::MergedInto;
use causeway_core::id::{InboxId, SalesforceId};
use causeway_core::ports::inbox::{Backlog, ChangeKind, Claim, IdempotencyKey, PendingChange, SavedAnswer};
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_store::Store;

use crate::given::{at, change, connection, contact_id, received};
use crate::place::Place;

pub async fn claim(store: &Store, limit: u32, now: i64, lease_until: i64) -> Vec<Claim> {
    store
        .write(Lane::Interactive, move |unit| {
            unit.claim("worker", limit, at(now), at(lease_until))
        })
        .await
        .unwrap()
}

pub async fn settle(store: &Store, settled: Vec<(Claim, InboxId)>) -> Vec<Claim> {
    store
        .write(Lane::Interactive, move |unit| unit.settle(&settled))
        .await
        .unwrap()
}

async fn pending(store: &Store, claims: &[Claim]) -> Vec<PendingChange> {
    let claims = claims.to_vec();
    let pending = store.read(move |unit| unit.pending(&claims, usize::MAX)).await;
    let pending = pending.unwrap();
    assert!(!pending.more);
    pending.changes
}

pub fn ids(claims: &[Claim]) -> Vec<SalesforceId> {
    claims.iter().map(|claim| claim.salesforce_id).collect()
}

pub async fn received_changes_are_claimed_and_pend_in_order(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let changes = vec![change(2, 5), change(1, 5), change(2, 6)];
    let numbers = received(&store, id, Lane::Interactive, changes.clone(), 10).await;
    assert!(numbers.is_sorted_by(|a, b| a < b));
    let later = received(&store, id, Lane::Interactive, vec![change(1, 7)], 11).await;
    assert!(later[0] > numbers[2]);

    let claims = claim(&store, 10, 12, 20).await;
    assert_eq!(ids(&claims), [contact_id(1), contact_id(2)]);
    assert_eq!((claims[0].connection, claims[0].object.as_str()), (id, "Contact"));
    assert_eq!(claims[0].attempts, 0);
    let mut by_head: BTreeMap<SalesforceId, Vec<(InboxId, i64)>> = BTreeMap::new();
    let waiting = pending(&store, &claims).await;
    for change in &waiting {
        assert_eq!(change.connection, id);
        by_head
            .entry(change.change.salesforce_id)
            .or_default()
            .push((change.id, change.received_at.timestamp()));
    }
    assert_eq!(
        by_head[&contact_id(1)],
        [(numbers[1], at(10).timestamp()), (later[0], at(11).timestamp())]
    );
    assert_eq!(
        by_head[&contact_id(2)]
            .iter()
            .map(|(id, _)| *id)
            .collect::<Vec<_>>(),
        [numbers[0], numbers[2]]
    );
    let first = waiting.iter().find(|change| change.id == numbers[0]).unwrap();
    assert_eq!(first.change, changes[0]);
    let backlog = store.read(move |unit| unit.backlog(id)).await.unwrap();
    assert_eq!(
        backlog,
        Backlog {
            changes: 4,
            oldest: Some(at(10))
        }
    );
}

pub async fn a_claimed_head_is_not_claimed_again_until_its_lease_ends(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    received(&store, id, Lane::Interactive, vec![change(1, 1)], 10).await;
    assert!(claim(&store, 10, 9, 20).await.is_empty(), "not received yet");
    let first = claim(&store, 10, 10, 20).await;
    assert_eq!(ids(&first), [contact_id(1)]);
    // News for a claimed head waits with it.
    received(&store, id, Lane::Interactive, vec![change(1, 2)], 12).await;
    assert!(claim(&store, 10, 19, 30).await.is_empty());
    let second = claim(&store, 10, 20, 30).await;
    assert_eq!(ids(&second), [contact_id(1)]);
    assert!(second[0].fence > first[0].fence);
    assert_eq!(second[0].attempts, 1, "a lease that ran out is a failed attempt");
}

pub async fn interactive_heads_are_claimed_before_bulk_ones_and_older_before_newer(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    received(&store, id, Lane::Bulk, vec![change(1, 1), change(2, 1)], 10).await;
    received(&store, id, Lane::Interactive, vec![change(4, 1)], 12).await;
    received(&store, id, Lane::Interactive, vec![change(3, 1)], 11).await;
    // Interactive news pulls a waiting head into its lane.
    received(&store, id, Lane::Interactive, vec![change(2, 2)], 13).await;

    let mut order = Vec::new();
    for _ in 0..4 {
        order.extend(ids(&claim(&store, 1, 20, 30).await));
    }
    assert_eq!(
        order,
        [contact_id(2), contact_id(3), contact_id(4), contact_id(1)]
    );
    assert!(claim(&store, 1, 20, 30).await.is_empty());
}

pub async fn no_head_is_claimed_by_two_workers_at_once(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    received(
        &store,
        id,
        Lane::Interactive,
        (0..300).map(|n| change(n, 1)).collect(),
        10,
    )
    .await;
    let mut workers = Vec::new();
    for _ in 0..8 {
        let store = store.clone();
        workers.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claims = claim(&store, 7, 11, 60).await;
                if claims.is_empty() {
                    return mine;
                }
                mine.extend(ids(&claims));
            }
        }));
    }
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    // A worker may find nothing while another one is about to claim; what is left is claimed now.
    claimed.extend(ids(&claim(&store, 300, 11, 60).await));
    assert_eq!(claimed.len(), 300);
    assert_eq!(claimed.iter().collect::<BTreeSet<_>>().len(), 300);
}

pub async fn settling_removes_what_was_decided_and_leaves_newer_changes_ready(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    received(
        &store,
        id,
        Lane::Interactive,
        vec![change(1, 1), change(1, 2), change(2, 1)],
        10,
    )
    .await;
    let claims = claim(&store, 10, 11, 60).await;
    let waiting = pending(&store, &claims).await;
    let last = |number| {
        let of_head = waiting
            .iter()
            .filter(|c| c.change.salesforce_id == contact_id(number));
        of_head.map(|change| change.id).max().unwrap()
    };
    let newer = received(&store, id, Lane::Interactive, vec![change(1, 3)], 12).await;

    let settled = vec![(claims[0].clone(), last(1)), (claims[1].clone(), last(2))];
    assert_eq!(settle(&store, settled).await, claims);

    let backlog = store.read(move |unit| unit.backlog(id)).await.unwrap();
    assert_eq!(
        backlog,
        Backlog {
            changes: 1,
            oldest: Some(at(12))
        }
    );
    let again = claim(&store, 10, 13, 60).await;
    assert_eq!(ids(&again), [contact_id(1)]);
    assert_eq!(again[0].attempts, 0);
    let waiting = pending(&store, &again).await;
    assert_eq!(waiting.iter().map(|change| change.id).collect::<Vec<_>>(), newer);
}

pub async fn settling_a_lost_lease_changes_nothing(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let numbers = received(
        &store,
        id,
        Lane::Interactive,
        vec![change(1, 1), change(2, 1)],
        10,
    )
    .await;
    let slow = claim(&store, 10, 11, 20).await;
    let second = claim(&store, 1, 21, 40).await;
    assert_eq!(ids(&second), [contact_id(1)]);

    let kept = settle(
        &store,
        vec![(slow[0].clone(), numbers[0]), (slow[1].clone(), numbers[1])],
    )
    .await;

    // The second head's lease had ended too, but nobody else took it: its work counts.
    assert_eq!(kept, slow[1..]);
    assert_eq!(pending(&store, &second).await.len(), 1);
    assert_eq!(
        settle(&store, vec![(second[0].clone(), numbers[0])]).await,
        second
    );
    assert_eq!(settle(&store, vec![(second[0].clone(), numbers[0])]).await, []);
}

pub async fn an_old_claim_does_not_settle_a_head_that_was_made_anew(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let first = received(&store, id, Lane::Interactive, vec![change(1, 1)], 10).await;
    let slow = claim(&store, 1, 11, 20).await;
    let quick = claim(&store, 1, 21, 30).await;
    settle(&store, vec![(quick[0].clone(), first[0])]).await;
    let second = received(&store, id, Lane::Interactive, vec![change(1, 2)], 22).await;
    let current = claim(&store, 1, 23, 40).await;

    for old in [&slow[0], &quick[0]] {
        assert_eq!(settle(&store, vec![(old.clone(), second[0])]).await, []);
        let old = old.clone();
        store
            .write(Lane::Interactive, move |unit| unit.postpone(&old, at(99)))
            .await
            .unwrap();
    }
    assert_eq!(pending(&store, &current).await.len(), 1);
    assert_eq!(
        settle(&store, vec![(current[0].clone(), second[0])]).await,
        current
    );
}

pub async fn a_postponed_head_comes_back_when_it_is_time_or_when_news_arrive(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    received(
        &store,
        id,
        Lane::Interactive,
        vec![change(1, 1), change(2, 1)],
        10,
    )
    .await;
    for claim in claim(&store, 10, 11, 60).await {
        store
            .write(Lane::Interactive, move |unit| unit.postpone(&claim, at(100)))
            .await
            .unwrap();
    }
    assert!(claim(&store, 10, 99, 200).await.is_empty());
    received(&store, id, Lane::Interactive, vec![change(2, 2)], 50).await;
    let woken = claim(&store, 10, 51, 200).await;
    assert_eq!(ids(&woken), [contact_id(2)]);
    let due = claim(&store, 10, 100, 200).await;
    assert_eq!(ids(&due), [contact_id(1)]);
    assert_eq!(due[0].attempts, 1);
    assert_eq!(pending(&store, &due).await.len(), 1);
}

pub async fn leases_of_an_earlier_process_can_be_freed(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let numbers = received(
        &store,
        id,
        Lane::Interactive,
        vec![change(1, 1), change(2, 1)],
        10,
    )
    .await;
    let left_behind = claim(&store, 1, 11, 1000).await;

    let freed = store
        .write(Lane::Interactive, |unit| unit.free_leases())
        .await
        .unwrap();

    assert_eq!(freed, 1);
    assert_eq!(
        settle(&store, vec![(left_behind[0].clone(), numbers[0])]).await,
        []
    );
    assert_eq!(
        ids(&claim(&store, 10, 12, 60).await),
        [contact_id(1), contact_id(2)]
    );
}

/// Receivers, workers that settle, postpone or die, and nothing gets lost.
pub async fn changes_received_while_claimed_are_never_lost(place: &Place) {
    const ROUNDS: u32 = 40;
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let receiving = Arc::new(AtomicU32::new(4));
    let clock = Arc::new(AtomicU32::new(100));
    let mut tasks = Vec::new();
    for receiver in 0..4 {
        let (store, receiving) = (store.clone(), Arc::clone(&receiving));
        tasks.push(tokio::spawn(async move {
            for round in 0..ROUNDS {
                let second = i64::from(receiver * ROUNDS + round);
                let changes = vec![change(round % 5, second), change(5 + receiver, second)];
                received(&store, id, Lane::Interactive, changes, 10).await;
            }
            receiving.fetch_sub(1, Ordering::Release);
            Vec::new()
        }));
    }
    for worker in 0..3_u32 {
        let (store, receiving, clock) = (store.clone(), Arc::clone(&receiving), Arc::clone(&clock));
        tasks.push(tokio::spawn(async move {
            let mut decided = Vec::new();
            loop {
                let finished = receiving.load(Ordering::Acquire) == 0;
                let now = i64::from(clock.fetch_add(1, Ordering::Relaxed));
                // Short leases: another worker often takes over before this one settles.
                let claims = claim(&store, 4, now, now + 2).await;
                let left = store.read(move |unit| unit.backlog(id)).await.unwrap().changes;
                if finished && left == 0 {
                    return decided;
                }
                if now % 7 == i64::from(worker) {
                    continue; // as if it died
                }
                decided.extend(decide(&store, claims).await);
            }
        }));
    }
    let mut decided = Vec::new();
    for task in tasks {
        decided.extend(task.await.unwrap());
    }
    let distinct: BTreeSet<_> = decided.iter().collect();
    assert_eq!(decided.len(), distinct.len(), "no change is settled twice");
    assert_eq!(distinct.len(), 4 * ROUNDS as usize * 2);
}

/// Settles claims and tells the changes that this ended.
async fn decide(store: &Store, claims: Vec<Claim>) -> Vec<InboxId> {
    store
        .write(Lane::Interactive, move |unit| decide_in(unit, &claims))
        .await
        .unwrap()
}

fn decide_in(unit: &mut dyn Transaction, claims: &[Claim]) -> Result<Vec<InboxId>, StoreError> {
    let waiting = unit.pending(claims, usize::MAX)?.changes;
    let mut settled = Vec::new();
    for claim in claims {
        let of_head = waiting
            .iter()
            .filter(|change| change.change.salesforce_id == claim.salesforce_id);
        if let Some(last) = of_head.map(|change| change.id).max() {
            settled.push((claim.clone(), last));
        }
    }
    let kept = unit.settle(&settled)?;
    Ok(waiting
        .iter()
        .filter(|change| {
            let id = change.change.salesforce_id;
            kept.iter().any(|claim| claim.salesforce_id == id)
        })
        .map(|change| change.id)
        .collect())
}

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey {
        client: "package".to_owned(),
        route: "POST /v1/salesforce/changes".to_owned(),
        key: key.to_owned(),
    }
}

fn answer(body: &str) -> SavedAnswer {
    SavedAnswer {
        body_hash: [7; 32],
        status: 202,
        body: body.to_owned(),
    }
}

pub async fn an_idempotency_key_is_answered_once(place: &Place) {
    let store = place.store().await;
    let other_route = IdempotencyKey {
        route: "POST /v1/syncs".to_owned(),
        ..key("k-1")
    };
    let other_client = IdempotencyKey {
        client: "portal".to_owned(),
        ..key("k-1")
    };
    store
        .write(Lane::Interactive, |unit| {
            assert_eq!(unit.answered(&key("k-1"))?, None);
            unit.save_answer(&key("k-1"), &answer("{\"accepted\":1}"), at(1))
        })
        .await
        .unwrap();
    let again = store
        .write(Lane::Interactive, |unit| {
            unit.save_answer(&key("k-1"), &answer("{}"), at(2))
        })
        .await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })));
    let found = store
        .read(move |unit| {
            let mut found = Vec::new();
            for key in [&key("k-1"), &key("k-2"), &other_route, &other_client] {
                found.push(unit.answered(key)?);
            }
            Ok(found)
        })
        .await
        .unwrap();
    assert_eq!(found, [Some(answer("{\"accepted\":1}")), None, None, None]);
}

pub async fn of_two_requests_with_one_key_one_is_first(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut requests = Vec::new();
    for number in 0..8 {
        let store = store.clone();
        requests.push(tokio::spawn(async move {
            store
                .write(Lane::Interactive, move |unit| {
                    if let Some(first) = unit.answered(&key("k"))? {
                        return Ok(first);
                    }
                    unit.receive(id, &[change(number, 1)], Lane::Interactive, at(1))?;
                    let answer = answer(&format!("{number}"));
                    unit.save_answer(&key("k"), &answer, at(1))?;
                    Ok(answer)
                })
                .await
                .unwrap()
        }));
    }
    let mut answers = BTreeSet::new();
    for request in requests {
        answers.insert(request.await.unwrap().body);
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
    let backlog = store.read(move |unit| unit.backlog(id)).await.unwrap();
    assert_eq!(backlog.changes, 1);
}

pub async fn a_change_keeps_the_times_of_its_fields_and_where_its_record_went(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut edited = change(1, 1);
    edited.changed = BTreeMap::from([("LastName".to_owned(), at(1)), ("Rating__c".to_owned(), at(0))]);
    let gone = |number, merged| {
        let mut gone = change(number, 1);
        gone.kind = ChangeKind::Delete;
        gone.merged = merged;
        gone
    };
    let changes = vec![
        edited,
        gone(2, MergedInto::Unknown),
        gone(3, MergedInto::Nothing),
        gone(4, MergedInto::Record(contact_id(9))),
    ];
    received(&store, id, Lane::Interactive, changes.clone(), 10).await;
    let claims = claim(&store, 10, 11, 20).await;
    let waiting: Vec<_> = pending(&store, &claims)
        .await
        .into_iter()
        .map(|change| change.change)
        .collect();
    assert_eq!(waiting, changes);
}
