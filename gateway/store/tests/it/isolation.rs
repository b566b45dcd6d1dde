//! Connections do not see each other.

use causeway_core::decide::Identity;
use causeway_core::id::{InboxId, MappingId, PlanRevision, Position};
use causeway_core::ports::connections::{Client, ClientKey, PartnerUser, Sealed};
use causeway_core::ports::inbox::Backlog;
use causeway_core::ports::links::LinkCounts;
use causeway_core::ports::logs::{LogDirection, LogFilter, LogMethod, NewLogEntry};
use causeway_core::ports::outbox::{ClaimSize, OutgoingBacklog, Turn};
use causeway_core::ports::records::RecordFilter;
use causeway_core::ports::runs::{RunFilter, Watermark};
use causeway_core::ports::{Lane, StoreError};

use crate::given::{
    CONTACTS, apply, at, change, connection, contact_id, first_contact, linked, new_connection, plan,
    received, run,
};
use crate::place::Place;

/// One connection holds something of everything; another one, which knows all its numbers, finds nothing.
pub async fn nothing_of_another_connection_is_visible(place: &Place) {
    let store = place.store().await;
    let mut full = new_connection("full");
    full.clients.push(Client {
        id: "package".to_owned(),
        connection: causeway_core::id::ConnectionId(0),
        key: ClientKey::Hs256(Sealed(vec![1])),
        scopes: Vec::new(),
        revoked_at: None,
    });
    full.users.push(PartnerUser {
        id: "u-1".to_owned(),
        email: "ann@miller.example".to_owned(),
        name: "Ann".to_owned(),
        active: true,
        salesforce_user: None,
    });
    let full = store
        .write(Lane::Interactive, move |unit| unit.add_connection(&full, at(0)))
        .await
        .unwrap();
    let empty = connection(&store, "empty").await;
    let mut held = first_contact(2, "B");
    held.link.status = causeway_core::decide::LinkStatus::Held {
        reason: causeway_core::decide::HeldReason::DeleteAsked,
    };
    let mut outgoing = first_contact(1, "A");
    outgoing.link.ready = true;
    outgoing.link.reserve = vec![Identity::Key("p-1".to_owned())];
    outgoing.history = vec![crate::history::lost("A", "B")];
    let written = apply(&store, full, vec![outgoing, held], 1).await.unwrap();
    let record = written[0].record.unwrap();
    received(&store, full, Lane::Interactive, vec![change(1, 1)], 1).await;
    let number = run(&store, full, &[CONTACTS], 1).await;
    store
        .write(Lane::Bulk, move |unit| {
            unit.add_plan(full, &plan(CONTACTS, 1, "contact"), "{}", at(1))?;
            unit.raise_watermark(full, CONTACTS, Watermark::Changes, at(1))?;
            unit.take_calls(full, 5, 100, at(1))?;
            unit.note_seen(full, number, CONTACTS, &[contact_id(1)])?;
            unit.hold_lease(full, "sync", "a", at(1), at(100))?;
            unit.append_logs(
                full,
                &[NewLogEntry {
                    at: at(1),
                    direction: LogDirection::Incoming,
                    method: LogMethod::Post,
                    status: 201,
                    object: "contact".to_owned(),
                    salesforce_id: None,
                    record: None,
                    run: None,
                    data: "{}".to_owned(),
                    cause: String::new(),
                }],
            )
        })
        .await
        .unwrap();

    store
        .read(move |unit| {
            assert!(unit.clients(empty)?.is_empty());
            assert!(unit.partner_users(empty)?.is_empty());
            assert!(unit.plans(empty)?.is_empty());
            assert_eq!(unit.document(empty, CONTACTS, PlanRevision(1))?, None);
            assert!(
                unit.linked(empty, CONTACTS, &[contact_id(1), contact_id(2)])?
                    .is_empty()
            );
            assert!(unit.history(empty, record, 10)?.is_empty());
            assert!(unit.held(empty, None, 10)?.is_empty());
            assert_eq!(unit.link_counts(empty, CONTACTS)?, LinkCounts::default());
            assert_eq!(unit.record(empty, "contact", record)?, None);
            assert!(
                unit.records(empty, "contact", &RecordFilter::default(), None, 10)?
                    .is_empty()
            );
            let by_salesforce_id = RecordFilter {
                salesforce_id: Some(contact_id(1)),
                ..RecordFilter::default()
            };
            assert!(
                unit.records(empty, "contact", &by_salesforce_id, None, 10)?
                    .is_empty()
            );
            assert!(unit.feed(empty, None, Position(0), 10)?.is_empty());
            assert!(unit.records_behind(empty, &[contact_id(1)])?.is_empty());
            assert!(unit.links(empty, &[written[0].link])?.is_empty());
            assert!(unit.links_of(empty, &[record])?.is_empty());
            let key = Identity::Key("p-1".to_owned());
            assert!(unit.holders(empty, CONTACTS, &[key])?.is_empty());
            assert!(unit.conflicts(empty, None, None, 10)?.is_empty());
            assert!(unit.conflicts(empty, Some(record), None, 10)?.is_empty());
            let lost = unit.conflicts(full, None, None, 10)?;
            assert_eq!(unit.history_entry(empty, lost[0].id)?, None);
            assert_eq!(unit.outgoing_backlog(empty)?, OutgoingBacklog::default());
            assert_eq!(unit.calls_spent(empty, at(1))?, 0);
            assert_eq!(unit.calls_free_at(empty, at(1))?, None);
            assert_eq!(unit.seen_count(empty, number, CONTACTS)?, 0);
            assert!(unit.unseen(empty, number, CONTACTS, at(9), None, 10)?.is_empty());
            assert_eq!(unit.run(empty, number)?, None);
            assert!(unit.runs(empty, RunFilter::default(), None, 10)?.is_empty());
            assert_eq!(unit.watermark(empty, CONTACTS, Watermark::Changes)?, None);
            assert!(unit.logs(empty, &LogFilter::default(), None, 10)?.is_empty());
            assert_eq!(unit.backlog(empty)?, Backlog::default());
            Ok(())
        })
        .await
        .unwrap();

    // Nor can it write there: the numbers mean nothing in another connection.
    let of_full = linked(&store, full, 1).await.unwrap();
    let stolen = apply(&store, empty, vec![crate::given::renamed(&of_full, "Stolen")], 5).await;
    assert!(matches!(stolen, Err(StoreError::Conflict { .. })), "{stolen:?}");
    let claims = store
        .write(Lane::Interactive, |unit| unit.claim("w", 10, at(2), at(9)))
        .await
        .unwrap();
    let mut forged = claims[0].clone();
    forged.connection = empty;
    let (pending, settled) = store
        .write(Lane::Interactive, move |unit| {
            Ok((
                unit.pending(std::slice::from_ref(&forged), usize::MAX)?.changes,
                unit.settle(&[(forged.clone(), InboxId(i64::MAX))])?,
            ))
        })
        .await
        .unwrap();
    assert!(pending.is_empty() && settled.is_empty());
    let (outgoing, forgotten) = store
        .write(Lane::Interactive, move |unit| {
            let size = ClaimSize {
                usual: 10,
                bulk_from: 100,
                bulk: 100,
            };
            let mut forged = unit.claim_outgoing("w", &size, &Turn::USUAL, at(2), at(9))?;
            assert_eq!(forged.len(), 1);
            for claim in &mut forged {
                claim.connection = empty;
            }
            Ok((
                unit.release_outgoing(&forged)?,
                unit.forget_seen(empty, number, 10)?,
            ))
        })
        .await
        .unwrap();
    assert!(outgoing.is_empty() && forgotten == 0);
    assert_eq!(linked(&store, full, 1).await.unwrap(), of_full);
    // The same Salesforce record and mapping number may well exist in both.
    apply(&store, empty, vec![first_contact(1, "Other")], 6)
        .await
        .unwrap();
    assert_eq!(linked(&store, full, 1).await.unwrap(), of_full);
    let mapping = store
        .write(Lane::Interactive, move |unit| {
            unit.add_plan(empty, &plan(MappingId(1), 1, "contact"), "{}", at(6))?;
            unit.plans(empty)
        })
        .await
        .unwrap();
    assert_eq!(mapping.len(), 1);
}
