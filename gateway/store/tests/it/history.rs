//! The history of fields, and the values that lost.

use std::time::Duration;

use causeway_core::decide::{ChangeCause, FieldChange, Lost, Side};
use causeway_core::id::{FieldId, PlanRevision};
use causeway_core::ports::StoreError;
use causeway_core::ports::links::HistoryEntry;
use causeway_core::record::FieldValue;
use causeway_store::StoreOptions;

use crate::given::{PUSHED, apply, at, connection, first_contact, linked, renamed, text};
use crate::place::Place;

/// A change in which the partner's value lost.
pub fn lost(partner: &str, salesforce: &str) -> FieldChange {
    FieldChange {
        field: FieldId(1),
        salesforce_before: Some(text("before")),
        salesforce_after: Some(text(salesforce)),
        partner_before: Some(text(partner)),
        partner_after: Some(text(salesforce)),
        cause: ChangeCause::MostRecent {
            winner: Side::Salesforce,
        },
        lost: Some(Lost {
            side: Side::Partner,
            value: text(partner),
        }),
    }
}

pub async fn values_that_lost_are_listed_newest_first(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut first = first_contact(1, "A");
    let mut harmless = lost("C", "D");
    harmless.lost = None;
    first.history = vec![lost("A", "B"), harmless];
    let mut second = first_contact(2, "A");
    second.history = vec![lost("E", "F")];
    second.history[0].lost = Some(Lost {
        side: Side::Salesforce,
        value: FieldValue::Null,
    });
    let made = apply(&store, id, vec![first, second], 1).await.unwrap();
    let mut again = renamed(&linked(&store, id, 1).await.unwrap(), "H");
    again.history = vec![lost("G", "H")];
    apply(&store, id, vec![again], 2).await.unwrap();

    let record = made[0].record.unwrap();
    let (all, of_one, paged, of_nobody, entries) = store
        .read(move |unit| {
            let all = unit.conflicts(id, None, None, 10)?;
            let mut paged = Vec::new();
            loop {
                let before = paged.last().map(|entry: &HistoryEntry| entry.id);
                let page = unit.conflicts(id, None, before, 1)?;
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            let entries = [all[1].id, 999_999].map(|entry| unit.history_entry(id, entry));
            Ok((
                all,
                unit.conflicts(id, Some(record), None, 10)?,
                paged,
                unit.conflicts(id, Some(causeway_core::id::RecordId(999_999)), None, 10)?,
                entries,
            ))
        })
        .await
        .unwrap();
    let losers: Vec<_> = all
        .iter()
        .map(|entry| (entry.link, entry.lost.clone().unwrap().value))
        .collect();
    assert_eq!(
        losers,
        [
            (made[0].link, text("G")),
            (made[1].link, FieldValue::Null),
            (made[0].link, text("A"))
        ]
    );
    assert_eq!(all[1].lost.as_ref().map(|lost| lost.side), Some(Side::Salesforce));
    assert_eq!(paged, all);
    assert_eq!(of_one, [all[0].clone(), all[2].clone()]);
    assert!(of_nobody.is_empty());
    assert_eq!(entries, [Ok(Some(all[1].clone())), Ok(None)]);
}

pub async fn history_tells_what_changed_newest_first(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(&store, id, vec![first_contact(1, "A"), first_contact(2, "Z")], 1)
        .await
        .unwrap();
    for (before, after, second) in [("A", "B", 2), ("B", "C", 3)] {
        let mut effects = renamed(&linked(&store, id, 1).await.unwrap(), after);
        effects.link.plan = PlanRevision(second);
        effects.history = vec![
            FieldChange {
                field: FieldId(1),
                salesforce_before: Some(text(before)),
                salesforce_after: Some(text(after)),
                partner_before: None,
                partner_after: Some(text(after)),
                cause: ChangeCause::SalesforceWins,
                lost: None,
            },
            FieldChange {
                field: FieldId::OWNER,
                salesforce_before: None,
                salesforce_after: None,
                partner_before: Some(text("u-1")),
                partner_after: Some(text("u-2")),
                cause: ChangeCause::Owner(causeway_core::owners::OwnerRung::Default),
                lost: None,
            },
        ];
        apply(&store, id, vec![effects], second).await.unwrap();
    }
    let (record, other) = (made[0].record.unwrap(), made[1].record.unwrap());
    let (history, newest, others) = store
        .read(move |unit| {
            Ok((
                unit.history(id, record, 10)?,
                unit.history(id, record, 1)?,
                unit.history(id, other, 10)?,
            ))
        })
        .await
        .unwrap();

    let told: Vec<_> = history.iter().map(|entry| (entry.at, entry.field)).collect();
    assert_eq!(
        told,
        [
            (at(3), FieldId::OWNER),
            (at(3), FieldId(1)),
            (at(2), FieldId::OWNER),
            (at(2), FieldId(1))
        ]
    );
    assert_eq!(history[1].salesforce_before, Some(text("B")));
    assert_eq!(history[1].salesforce_after, Some(text("C")));
    assert_eq!(history[1].partner_before, None);
    assert_eq!(history[1].partner_after, Some(text("C")));
    assert_eq!(history[1].cause, ChangeCause::SalesforceWins);
    assert_eq!(history[1].plan, PlanRevision(3));
    assert_eq!(history[1].source, PUSHED);
    assert_eq!(newest, history[..1]);
    assert!(others.is_empty());
}

pub async fn scans_of_the_history_end_when_their_time_is_up(place: &Place) {
    let store = place
        .store_with(StoreOptions {
            scan_time: Duration::ZERO,
            ..StoreOptions::default()
        })
        .await;
    let id = connection(&store, "miller").await;
    let mut first = first_contact(1, "A");
    first.history = vec![lost("A", "B")];
    let record = apply(&store, id, vec![first], 1).await.unwrap()[0]
        .record
        .unwrap();
    let history = store.scan(move |unit| unit.history(id, record, 10)).await;
    let conflicts = store.scan(move |unit| unit.conflicts(id, None, None, 10)).await;
    let of_one = store
        .scan(move |unit| unit.conflicts(id, Some(record), None, 10))
        .await;
    for scanned in [history, conflicts, of_one] {
        let Err(StoreError::Unavailable { detail }) = scanned else {
            panic!("{scanned:?}");
        };
        assert!(detail.contains("longer than it may"), "{detail}");
    }
    let read = store.read(move |unit| unit.history(id, record, 10)).await;
    assert_eq!(read.unwrap().len(), 1, "only scans are bounded so");
}
