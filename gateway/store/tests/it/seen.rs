//! What a reconcile saw, and what it did not.

use std::collections::BTreeSet;

use causeway_core::decide::{Effects, HeldReason, LinkStatus};
use causeway_core::id::{ConnectionId, MappingId, RunId, SalesforceId};
use causeway_core::ports::Lane;
use causeway_store::Store;

use crate::given::{CONTACTS, apply, at, connection, contact_id, first_contact};
use crate::place::Place;

const RUN: RunId = RunId(40);
/// No link of these tests is newer.
const LATER: i64 = 1_000_000;

async fn note(store: &Store, id: ConnectionId, run: RunId, numbers: impl IntoIterator<Item = u32>) {
    let ids: Vec<_> = numbers.into_iter().map(contact_id).collect();
    store
        .write(Lane::Bulk, move |unit| unit.note_seen(id, run, CONTACTS, &ids))
        .await
        .unwrap();
}

async fn unseen(store: &Store, id: ConnectionId, before: i64) -> Vec<SalesforceId> {
    store
        .scan(move |unit| {
            let all = unit.unseen(id, RUN, CONTACTS, at(before), None, 10_000)?;
            // The same in pages.
            let mut paged: Vec<SalesforceId> = Vec::new();
            loop {
                let after = paged.last().copied();
                let page = unit.unseen(id, RUN, CONTACTS, at(before), after, 2)?;
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            assert_eq!(paged, all);
            Ok(all)
        })
        .await
        .unwrap()
}

async fn count(store: &Store, id: ConnectionId, run: RunId) -> u64 {
    store
        .read(move |unit| unit.seen_count(id, run, CONTACTS))
        .await
        .unwrap()
}

fn standing(number: u32, status: LinkStatus) -> Effects {
    let mut effects = first_contact(number, "A");
    effects.link.status = status;
    effects
}

fn held(number: u32, reason: HeldReason) -> Effects {
    standing(number, LinkStatus::Held { reason })
}

pub async fn links_that_a_reconcile_did_not_see_are_told(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut waiting = standing(0, LinkStatus::Creating);
    waiting.link.salesforce_id = None;
    let effects = vec![
        first_contact(1, "A"),
        first_contact(2, "A"),
        first_contact(3, "A"),
        held(4, HeldReason::OutOfSight),
        held(5, HeldReason::Flipping { turns: 9 }),
        // These know that the record is gone, or do not follow it any more.
        held(6, HeldReason::DeleteAsked),
        standing(7, LinkStatus::Deleted),
        standing(8, LinkStatus::Unlinked),
        standing(9, LinkStatus::Merged { into: contact_id(1) }),
        waiting,
    ];
    apply(&store, id, effects, 1).await.unwrap();
    let ids = |numbers: &[u32]| numbers.iter().copied().map(contact_id).collect::<Vec<_>>();
    assert_eq!(unseen(&store, id, LATER).await, ids(&[1, 2, 3, 4, 5]));

    note(&store, id, RUN, [2, 900]).await;
    note(&store, id, RUN, [2, 2]).await;
    note(&store, id, RunId(41), [1]).await;
    store
        .write(Lane::Bulk, move |unit| {
            unit.note_seen(id, RUN, MappingId(2), &[contact_id(3)])
        })
        .await
        .unwrap();
    assert_eq!(count(&store, id, RUN).await, 2, "once each");
    assert_eq!(unseen(&store, id, LATER).await, ids(&[1, 3, 4, 5]));
    // The version of contact 3 is of second 3.
    assert_eq!(unseen(&store, id, 3).await, ids(&[1, 3]));
    assert_eq!(unseen(&store, id, 2).await, ids(&[1]));
}

pub async fn what_a_reconcile_saw_is_forgotten_in_pieces(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    note(&store, id, RUN, 0..1203).await;
    note(&store, id, RunId(41), 0..10).await;
    store
        .write(Lane::Bulk, move |unit| {
            unit.note_seen(id, RUN, MappingId(2), &[contact_id(3), contact_id(4)])
        })
        .await
        .unwrap();
    assert_eq!(count(&store, id, RUN).await, 1203);
    let mut pieces = Vec::new();
    loop {
        let forgotten = store
            .write(Lane::Bulk, move |unit| unit.forget_seen(id, RUN, 500))
            .await
            .unwrap();
        pieces.push(forgotten);
        if forgotten == 0 {
            break;
        }
    }
    assert_eq!(pieces, [500, 500, 205, 0]);
    let none = store
        .write(Lane::Bulk, move |unit| unit.forget_seen(id, RunId(41), 0))
        .await
        .unwrap();
    assert_eq!((none, count(&store, id, RunId(41)).await), (0, 10));
}

pub async fn thousands_of_links_are_compared(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(
        &store,
        id,
        (0..2500).map(|number| first_contact(number, "A")).collect(),
        1,
    )
    .await
    .unwrap();
    note(&store, id, RUN, (0..2500).filter(|number| number % 500 != 7)).await;
    let missing: BTreeSet<_> = unseen(&store, id, LATER).await.into_iter().collect();
    assert_eq!(missing, [7, 507, 1007, 1507, 2007].map(contact_id).into());
}
