//! Links and records written together, compared and swapped.

use causeway_core::decide::{
    Converted, HeldReason, InFlight, LinkStatus, Noted, Outcome, Outgoing, Presence, SalesforceWrite, Side,
    Turns, WriteKind,
};
use causeway_core::id::{FieldId, PlanRevision};
use causeway_core::ports::links::LinkCounts;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::FieldValue;

use crate::given::{
    CONTACTS, agreed, apply, apply_in, at, connection, contact_id, first_contact, link_ref, linked, named,
    renamed, version,
};
use crate::place::Place;

fn held() -> LinkStatus {
    LinkStatus::Held {
        reason: HeldReason::DeleteAsked,
    }
}

pub async fn a_first_contact_makes_link_and_record(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let written = apply(
        &store,
        id,
        vec![first_contact(1, "Ånström"), first_contact(2, "O'Neil")],
        3,
    )
    .await
    .unwrap();

    assert_eq!(written.len(), 2);
    assert!(written[0].position < written[1].position);
    let found = linked(&store, id, 1).await.unwrap();
    assert_eq!(found.link.id, written[0].link);
    assert_eq!(found.link.salesforce_id, Some(contact_id(1)));
    assert_eq!(found.link.record, written[0].record);
    assert_eq!(found.link.status, LinkStatus::Linked);
    assert_eq!(found.link.version, version(1));
    assert_eq!(found.link.plan, PlanRevision(1));
    assert_eq!(found.link.agreed, agreed("Ånström"));
    let record = found.record.unwrap();
    assert_eq!(Some(record.id), written[0].record);
    assert_eq!(record.fields, named("Ånström"));
    assert_eq!(record.owner, "u-1");
    assert_eq!(record.presence, Presence::Live);
    assert!(linked(&store, id, 3).await.is_none());
}

pub async fn an_update_swaps_the_link_and_keeps_the_record(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(&store, id, vec![first_contact(1, "Old")], 3).await.unwrap();
    let before = linked(&store, id, 1).await.unwrap();

    let swapped = apply(&store, id, vec![renamed(&before, "New")], 9).await.unwrap();

    assert_eq!(swapped[0].link, made[0].link);
    assert_eq!(swapped[0].record, made[0].record);
    assert!(swapped[0].position > made[0].position);
    let after = linked(&store, id, 1).await.unwrap();
    assert!(after.link.revision > before.link.revision);
    assert_eq!(after.link.version, version(1000));
    assert_eq!(after.record.unwrap().fields, named("New"));
    let record = made[0].record.unwrap();
    let stored = store
        .read(move |unit| unit.record(id, "contact", record))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((stored.created_at, stored.updated_at), (at(3), at(9)));
}

pub async fn a_link_written_since_it_was_read_is_a_conflict_and_nothing_stays(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(&store, id, vec![first_contact(1, "A"), first_contact(2, "B")], 1)
        .await
        .unwrap();
    let first = linked(&store, id, 1).await.unwrap();
    let second = linked(&store, id, 2).await.unwrap();
    apply(&store, id, vec![renamed(&second, "Newer")], 2)
        .await
        .unwrap();

    let late = apply(
        &store,
        id,
        vec![first_contact(3, "C"), renamed(&first, "X"), renamed(&second, "Y")],
        3,
    )
    .await;

    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(linked(&store, id, 1).await.unwrap(), first);
    assert_eq!(
        linked(&store, id, 2).await.unwrap().record.unwrap().fields,
        named("Newer")
    );
    assert!(linked(&store, id, 3).await.is_none());
}

pub async fn a_link_made_twice_is_a_conflict_and_nothing_stays(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(&store, id, vec![first_contact(1, "A")], 1).await.unwrap();

    let again = apply(
        &store,
        id,
        vec![first_contact(2, "B"), first_contact(1, "Twin")],
        2,
    )
    .await;

    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    assert!(linked(&store, id, 2).await.is_none());
    assert_eq!(
        linked(&store, id, 1).await.unwrap().record.unwrap().fields,
        named("A")
    );
}

pub async fn of_many_writers_of_one_link_each_wins_once(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut tasks = Vec::new();
    for number in 0..24 {
        let store = store.clone();
        tasks.push(tokio::spawn(async move {
            store
                .write(Lane::Interactive, move |unit| {
                    let found = unit.linked(id, CONTACTS, &[contact_id(1)])?;
                    let effects = match found.get(&contact_id(1)) {
                        Some(found) => renamed(found, &format!("name {number}")),
                        None => first_contact(1, "first"),
                    };
                    apply_in(unit, id, &[effects], number).map(|written| written[0].position)
                })
                .await
        }));
    }
    let mut positions = Vec::new();
    for task in tasks {
        positions.push(task.await.unwrap().unwrap());
    }
    positions.sort();
    positions.dedup();
    assert_eq!(positions.len(), 24);
    let found = linked(&store, id, 1).await.unwrap();
    assert_eq!(found.link.revision, 24);
}

pub async fn a_held_link_gets_its_record_later(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut holding = first_contact(1, "A");
    holding.link.status = held();
    holding.record = None;
    holding.outcome = Outcome::Held;
    let made = apply(&store, id, vec![holding], 1).await.unwrap();
    assert_eq!((made[0].record, made[0].position), (None, None));
    let waiting = linked(&store, id, 1).await.unwrap();
    assert_eq!((&waiting.link.status, &waiting.record), (&held(), &None));

    let written = apply(&store, id, vec![renamed(&waiting, "A")], 2).await.unwrap();

    assert_eq!(written[0].link, made[0].link);
    let found = linked(&store, id, 1).await.unwrap();
    assert_eq!(found.link.status, LinkStatus::Linked);
    assert_eq!(found.link.record, written[0].record);
    assert_eq!(found.record.map(|record| record.id), written[0].record);
    assert!(written[0].record.is_some());
}

pub async fn held_links_are_listed_since_they_are_held(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(
        &store,
        id,
        (1..=4).map(|number| first_contact(number, "A")).collect(),
        1,
    )
    .await
    .unwrap();
    for (number, second) in [(2, 10), (3, 11), (4, 12), (2, 20)] {
        let mut effects = renamed(&linked(&store, id, number).await.unwrap(), "A");
        effects.link.status = held();
        effects.record = None;
        apply(&store, id, vec![effects], second).await.unwrap();
    }
    let freed = renamed(&linked(&store, id, 4).await.unwrap(), "A");
    apply(&store, id, vec![freed], 30).await.unwrap();

    let (all, rest) = store
        .read(move |unit| {
            let all = unit.held(id, None, 10)?;
            let rest = unit.held(id, Some(all[0].link), 10)?;
            assert_eq!(unit.held(id, None, 1)?, all[..1]);
            Ok((all, rest))
        })
        .await
        .unwrap();

    let listed: Vec<_> = all.iter().map(|held| (held.salesforce_id, held.since)).collect();
    assert_eq!(
        listed,
        [(Some(contact_id(2)), at(10)), (Some(contact_id(3)), at(11))]
    );
    assert_eq!(rest, all[1..]);
    assert_eq!(all[0].mapping, CONTACTS);
    assert_eq!(all[0].reason, HeldReason::DeleteAsked);
    assert!(all[0].record.is_some());
}

pub async fn a_tombstone_of_a_record_never_linked_is_kept(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut gone = first_contact(1, "A");
    gone.link.status = LinkStatus::Deleted;
    gone.link.agreed = Default::default();
    gone.record = None;
    gone.outcome = Outcome::Deleted;
    apply(&store, id, vec![gone], 1).await.unwrap();

    let found = linked(&store, id, 1).await.unwrap();
    assert_eq!(found.link.status, LinkStatus::Deleted);
    assert_eq!(found.link.version, version(1));
    assert_eq!((found.link.record, found.record), (None, None));
}

pub async fn links_are_counted_by_where_they_stand(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut effects: Vec<_> = (0..10).map(|number| first_contact(number, "A")).collect();
    let ended = [
        LinkStatus::Deleted,
        LinkStatus::Unlinked,
        LinkStatus::Merged { into: contact_id(9) },
        LinkStatus::Converted {
            to: Converted::default(),
        },
    ];
    for (number, status) in ended.into_iter().enumerate() {
        effects[number].link.status = status;
    }
    for number in [4, 5] {
        effects[number].link.status = held();
    }
    effects[6].link.status = LinkStatus::Creating;
    effects[6].link.salesforce_id = None;
    apply(&store, id, effects, 1).await.unwrap();

    let counts = store
        .read(move |unit| unit.link_counts(id, CONTACTS))
        .await
        .unwrap();
    assert_eq!(
        counts,
        LinkCounts {
            linked: 3,
            held: 2,
            creating: 1,
            deleted: 4
        }
    );
    let none = store
        .read(move |unit| unit.link_counts(id, causeway_core::id::MappingId(99)))
        .await
        .unwrap();
    assert_eq!(none, LinkCounts::default());
}

pub async fn a_thousand_effects_are_written_in_one_call(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let count = 1203;
    apply(
        &store,
        id,
        (0..count).map(|number| first_contact(number, "A")).collect(),
        1,
    )
    .await
    .unwrap();
    // Known and new ones mixed, and not in the order of their numbers.
    let (renamed_count, written) = store
        .write(Lane::Bulk, move |unit| {
            let ids: Vec<_> = (0..count + 700).map(contact_id).collect();
            let found = unit.linked(id, CONTACTS, &ids)?;
            let effects: Vec<_> = (0..count + 700)
                .rev()
                .map(|number| match found.get(&contact_id(number)) {
                    Some(known) => renamed(known, "B"),
                    None => first_contact(number, "B"),
                })
                .collect();
            Ok((found.len(), apply_in(unit, id, &effects, 2)?.len()))
        })
        .await
        .unwrap();
    assert_eq!((renamed_count, written), (1203, 1903));
    let found = store
        .read(move |unit| {
            let ids: Vec<_> = (0..count + 700).map(contact_id).collect();
            unit.linked(id, CONTACTS, &ids)
        })
        .await
        .unwrap();
    assert_eq!(found.len(), 1903);
    for linked in found.values() {
        assert_eq!(linked.record.as_ref().unwrap().fields, named("B"));
        assert_eq!(
            link_ref(linked).record,
            linked.record.as_ref().map(|record| record.id)
        );
    }
}

pub async fn a_link_keeps_what_is_on_its_way_to_salesforce(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(&store, id, vec![first_contact(1, "A")], 1).await.unwrap();
    let quiet = linked(&store, id, 1).await.unwrap();
    assert_eq!(quiet.link.outgoing, Outgoing::default());
    let value = FieldValue::Number("100.00".parse().unwrap());
    let outgoing = Outgoing {
        pending: true,
        in_flight: Some(InFlight {
            write: SalesforceWrite {
                kind: WriteKind::Update,
                values: [(FieldId(3), value.clone())].into(),
            },
            basis: [(FieldId(3), value.clone())].into(),
            since: at(1),
            until: at(2),
            job: Some("750ZM".to_owned()),
        }),
        overruled: [(FieldId(3), value)].into(),
        noted: [(
            FieldId::OWNER,
            Noted {
                at: at(3),
                value: None,
            },
        )]
        .into(),
        turns: Some(Turns {
            since: at(1),
            count: 3,
            last: Side::Partner,
        }),
        generation: 2,
    };
    let mut sent = renamed(&quiet, "A");
    sent.link.outgoing = outgoing.clone();
    apply(&store, id, vec![sent], 2).await.unwrap();
    let sending = linked(&store, id, 1).await.unwrap();
    assert_eq!(sending.link.outgoing, outgoing);
    apply(&store, id, vec![renamed(&sending, "A")], 3).await.unwrap();
    let settled = linked(&store, id, 1).await.unwrap();
    assert_eq!(settled.link.outgoing, Outgoing::default());
}
