//! Reading partner records.

use std::collections::BTreeMap;

use causeway_core::decide::{Effects, Presence};
use causeway_core::id::{ConnectionId, FieldId, MappingId, Position, RecordId};
use causeway_core::ports::inbox::IdempotencyKey;
use causeway_core::ports::links::{Caused, Write};
use causeway_core::ports::logs::LogFilter;
use causeway_core::ports::records::RecordFilter;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::FieldValue;
use causeway_store::Store;

use crate::given::{
    PUSHED, account_id, apply, at, connection, contact_id, first_contact, linked, new_connection, renamed,
    text,
};
use crate::place::Place;

async fn contacts(store: &Store, connection: ConnectionId, filter: RecordFilter) -> Vec<String> {
    let found = store
        .read(move |unit| unit.records(connection, "contact", &filter, None, 100))
        .await
        .unwrap();
    found
        .into_iter()
        .map(|record| record.salesforce_id.unwrap().to_string())
        .collect()
}

fn ids(numbers: &[u32]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| contact_id(*number).to_string())
        .collect()
}

pub async fn records_are_paged_by_id(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(
        &store,
        id,
        (0..7).map(|number| first_contact(number, "A")).collect(),
        1,
    )
    .await
    .unwrap();
    let (pages, of_other_object) = store
        .read(move |unit| {
            let mut pages = Vec::new();
            let mut after = None;
            loop {
                let page = unit.records(id, "contact", &RecordFilter::default(), after, 3)?;
                let Some(last) = page.last() else { break };
                after = Some(last.id);
                pages.push(page);
            }
            Ok((
                pages,
                unit.records(id, "account", &RecordFilter::default(), None, 3)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 1]);
    let all: Vec<_> = pages.concat();
    assert!(all.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(all[6].salesforce_id, Some(contact_id(6)));
    assert_eq!(all[6].object, "contact");
    assert!(of_other_object.is_empty());
}

pub async fn every_given_filter_must_hold(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut effects: Vec<_> = (0..4).map(|number| first_contact(number, "A")).collect();
    for number in [1, 2] {
        effects[number].record.as_mut().unwrap().owner = "u-2".to_owned();
    }
    apply(&store, id, effects, 1).await.unwrap();
    let mut later = renamed(&linked(&store, id, 2).await.unwrap(), "B");
    later.record.as_mut().unwrap().owner = "u-2".to_owned();
    apply(&store, id, vec![later], 50).await.unwrap();

    let all = RecordFilter::default();
    let owned = RecordFilter {
        owner: Some("u-2".to_owned()),
        ..all.clone()
    };
    let recent = RecordFilter {
        updated_since: Some(at(50)),
        ..all.clone()
    };
    let third = RecordFilter {
        salesforce_id: Some(contact_id(3)),
        ..all.clone()
    };
    let owned_and_recent = RecordFilter {
        updated_since: Some(at(2)),
        ..owned.clone()
    };
    let contradicting = RecordFilter {
        owner: Some("u-2".to_owned()),
        ..third.clone()
    };
    for (filter, expected) in [
        (all, ids(&[0, 1, 2, 3])),
        (owned, ids(&[1, 2])),
        (recent, ids(&[2])),
        (third, ids(&[3])),
        (owned_and_recent, ids(&[2])),
        (contradicting, Vec::new()),
    ] {
        assert_eq!(contacts(&store, id, filter.clone()).await, expected, "{filter:?}");
    }
}

pub async fn fields_are_compared_as_exact_text(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let values = [
        ("name", text("Ann \"Anny\" O'Neil\n\\ Ünal")),
        ("name", text("true")),
        ("amount", FieldValue::Number("1054.00".parse().unwrap())),
        ("vip", FieldValue::Boolean(true)),
        ("vip", FieldValue::Boolean(false)),
        ("birthday", FieldValue::Date("1970-01-01".parse().unwrap())),
        ("account", FieldValue::Reference(account_id(1))),
        ("name", FieldValue::Null),
        ("we.ird $.na'me", text("x")),
    ];
    let effects: Vec<Effects> = (0..)
        .zip(&values)
        .map(|(number, (name, value))| {
            let mut effects = first_contact(number, "A");
            effects.record.as_mut().unwrap().fields = BTreeMap::from([((*name).to_owned(), value.clone())]);
            effects
        })
        .collect();
    apply(&store, id, effects, 1).await.unwrap();

    let account = account_id(1).to_string();
    for (name, wanted, expected) in [
        ("name", "Ann \"Anny\" O'Neil\n\\ Ünal", vec![0]),
        ("name", "true", vec![1]),
        ("amount", "1054.00", vec![2]),
        ("amount", "1054", vec![]),
        ("vip", "true", vec![3]),
        ("vip", "false", vec![4]),
        ("vip", "1", vec![]),
        ("birthday", "1970-01-01", vec![5]),
        ("account", account.as_str(), vec![6]),
        ("name", "", vec![]),
        ("name", "null", vec![]),
        ("we.ird $.na'me", "x", vec![8]),
        ("$.name", "true", vec![]),
        ("missing", "x", vec![]),
    ] {
        let filter = RecordFilter {
            fields: vec![(name.to_owned(), wanted.to_owned())],
            ..RecordFilter::default()
        };
        assert_eq!(
            contacts(&store, id, filter).await,
            ids(&expected),
            "{name} = {wanted}"
        );
    }
}

pub async fn a_text_with_a_nul_matches_nothing_and_is_not_stored(place: &Place) {
    const NUL: &str = "a\0b";
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let written = apply(
        &store,
        id,
        vec![first_contact(1, "Ann"), first_contact(2, NUL)],
        1,
    )
    .await;
    let error = written.unwrap_err().to_string();
    assert!(error.contains("last_name") && error.contains("NUL"), "{error}");
    apply(&store, id, vec![first_contact(1, "Ann")], 1).await.unwrap();

    for (owner, name, value) in [
        (Some(NUL), "last_name", "Ann"),
        (None, NUL, "Ann"),
        (None, "last_name", NUL),
    ] {
        let filter = RecordFilter {
            owner: owner.map(str::to_owned),
            fields: vec![(name.to_owned(), value.to_owned())],
            ..RecordFilter::default()
        };
        assert_eq!(contacts(&store, id, filter).await, ids(&[]));
    }
    store
        .read(move |unit| {
            assert!(unit.feed(id, Some(NUL), Position(0), 1)?.is_empty());
            assert_eq!(unit.record(id, NUL, RecordId(1))?, None);
            assert!(
                unit.records(id, NUL, &RecordFilter::default(), None, 1)?
                    .is_empty()
            );
            assert_eq!(unit.client(NUL)?, None);
            assert_eq!(unit.connection_named(NUL)?, None);
            let filter = LogFilter {
                object: Some(NUL.to_owned()),
                ..LogFilter::default()
            };
            assert!(unit.logs(id, &filter, None, 1)?.is_empty());
            let key = IdempotencyKey {
                client: "c".to_owned(),
                route: "r".to_owned(),
                key: NUL.to_owned(),
            };
            assert_eq!(unit.answered(&key)?, None);
            Ok(())
        })
        .await
        .unwrap();
    let named = new_connection(NUL);
    let added = store
        .write(Lane::Interactive, move |unit| unit.add_connection(&named, at(1)))
        .await;
    assert!(added.unwrap_err().to_string().contains("NUL"));
}

pub async fn deleted_records_are_read_by_id_alone(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(&store, id, vec![first_contact(1, "A"), first_contact(2, "B")], 1)
        .await
        .unwrap();
    for (number, presence) in [(1, Presence::Deleted), (2, Presence::Archived)] {
        let mut effects = renamed(&linked(&store, id, number).await.unwrap(), "A");
        effects.record.as_mut().unwrap().presence = presence;
        apply(&store, id, vec![effects], 2).await.unwrap();
    }
    assert_eq!(contacts(&store, id, RecordFilter::default()).await, ids(&[2]));
    let record = made[0].record.unwrap();
    let (found, of_other_object) = store
        .read(move |unit| {
            Ok((
                unit.record(id, "contact", record)?,
                unit.record(id, "account", record)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(found.unwrap().presence, Presence::Deleted);
    assert_eq!(of_other_object, None);
}

pub async fn references_lead_to_the_partners_records(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(
        &store,
        id,
        (1..=3).map(|number| first_contact(number, "A")).collect(),
        1,
    )
    .await
    .unwrap();
    let mut gone = renamed(&linked(&store, id, 2).await.unwrap(), "");
    gone.record.as_mut().unwrap().presence = Presence::Deleted;
    apply(&store, id, vec![gone], 2).await.unwrap();
    // The same Salesforce record under a second mapping.
    let second = store
        .write(Lane::Bulk, move |unit| {
            unit.apply(&Write {
                connection: id,
                mapping: MappingId(2),
                partner_object: "person",
                at: at(3),
                lane: Lane::Bulk,
                effects: &[Caused {
                    effects: first_contact(3, "A"),
                    source: PUSHED,
                    saved_by: None,
                }],
            })
        })
        .await
        .unwrap();

    let behind = store
        .read(move |unit| {
            unit.records_behind(id, &[contact_id(3), contact_id(2), contact_id(1), contact_id(99)])
        })
        .await
        .unwrap();

    assert_eq!(
        behind,
        [
            (contact_id(1), "contact".to_owned(), made[0].record.unwrap()),
            (contact_id(3), "contact".to_owned(), made[2].record.unwrap()),
            (contact_id(3), "person".to_owned(), second[0].record.unwrap()),
        ]
    );
}

pub async fn a_record_keeps_its_times_its_key_and_its_successor(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut effects = first_contact(1, "A");
    let record = effects.record.as_mut().unwrap();
    record.times = [(FieldId(1), at(3)), (FieldId::OWNER, at(4))].into();
    record.key = Some("p-1".to_owned());
    let times = record.times.clone();
    let made = apply(&store, id, vec![effects], 1).await.unwrap();
    let before = linked(&store, id, 1).await.unwrap();
    let state = before.record.as_ref().unwrap();
    assert_eq!((&state.times, state.key.as_deref()), (&times, Some("p-1")));
    assert_eq!(state.successor, None);

    let mut merged = renamed(&before, "A");
    let record = merged.record.as_mut().unwrap();
    record.presence = Presence::Deleted;
    record.key = Some("p-2".to_owned());
    record.successor = Some(contact_id(2));
    apply(&store, id, vec![merged], 2).await.unwrap();
    let state = linked(&store, id, 1).await.unwrap().record.unwrap();
    assert!(state.times.is_empty());
    assert_eq!(
        (state.key.as_deref(), state.successor),
        (Some("p-2"), Some(contact_id(2)))
    );
    let record = made[0].record.unwrap();
    let (read, feed) = store
        .read(move |unit| {
            Ok((
                unit.record(id, "contact", record)?.unwrap(),
                unit.feed(id, None, Position(0), 10)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(
        (read.key.as_deref(), read.successor),
        (Some("p-2"), Some(contact_id(2)))
    );
    assert_eq!(feed, [read]);

    let mut unstorable = renamed(&linked(&store, id, 1).await.unwrap(), "A");
    unstorable.record.as_mut().unwrap().key = Some("a\0b".to_owned());
    let refused = apply(&store, id, vec![unstorable], 3).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
}
