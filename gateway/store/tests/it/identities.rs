//! What records are recognised by, and links that move from one Salesforce record to another.

use causeway_core::decide::{Effects, Identity, LinkStatus, Outgoing};
use causeway_core::id::{LinkId, MappingId, RecordId};
use causeway_core::ports::links::Linked;
use causeway_core::ports::outbox::{ClaimSize, Turn};
use causeway_core::ports::{Lane, StoreError};
use causeway_store::Store;

use crate::given::{
    CONTACTS, agreed, apply, at, connection, contact_id, first_contact, link_ref, linked, renamed, version,
};
use crate::place::Place;

fn key(text: &str) -> Identity {
    Identity::Key(text.to_owned())
}

fn value(text: &str) -> Identity {
    Identity::Value(text.to_owned())
}

/// A record of the partner that waits to be made in Salesforce.
fn creating(last_name: &str, reserve: &[Identity]) -> Effects {
    let mut effects = first_contact(0, last_name);
    effects.link.salesforce_id = None;
    effects.link.status = LinkStatus::Creating;
    effects.link.outgoing = Outgoing {
        pending: true,
        ..Outgoing::default()
    };
    effects.link.ready = true;
    effects.link.reserve = reserve.to_vec();
    effects
}

/// A link without a partner record for contact `number`.
fn without_record(number: u32, status: LinkStatus) -> Effects {
    let mut effects = first_contact(number, "");
    effects.link.status = status;
    effects.link.agreed = Default::default();
    effects.record = None;
    effects
}

async fn link(store: &Store, connection: causeway_core::id::ConnectionId, id: LinkId) -> Option<Linked> {
    store
        .read(move |unit| Ok(unit.links(connection, &[id])?.remove(&id)))
        .await
        .unwrap()
}

async fn holder(
    store: &Store,
    connection: causeway_core::id::ConnectionId,
    identity: Identity,
) -> Option<LinkId> {
    store
        .read(move |unit| {
            let found = unit.holders(connection, CONTACTS, std::slice::from_ref(&identity))?;
            Ok(found.get(&identity).copied())
        })
        .await
        .unwrap()
}

fn is_conflict<T>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Conflict { .. }))
}

pub async fn links_are_found_by_number_and_by_record(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(
        &store,
        id,
        vec![
            first_contact(1, "A"),
            creating("B", &[]),
            creating("C", &[]),
            without_record(4, LinkStatus::Deleted),
        ],
        1,
    )
    .await
    .unwrap();
    let numbers: Vec<LinkId> = made.iter().map(|written| written.link).collect();
    let records: Vec<RecordId> = made.iter().filter_map(|written| written.record).collect();
    assert_eq!(records.len(), 3);
    let (by_number, by_record, nothing) = store
        .read(move |unit| {
            let mut asked = numbers.clone();
            asked.push(LinkId(4711));
            let mut of_records = records.clone();
            of_records.push(RecordId(4711));
            Ok((
                unit.links(id, &asked)?,
                unit.links_of(id, &of_records)?,
                unit.links(id, &[])?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(by_number.len(), 4);
    assert_eq!(by_record.len(), 3);
    assert!(nothing.is_empty());
    for written in &made {
        let found = &by_number[&written.link];
        assert_eq!((found.mapping, found.link.id), (CONTACTS, written.link));
        assert_eq!(found.link.record, written.record);
        assert_eq!(found.record.as_ref().map(|record| record.id), written.record);
        if let Some(record) = written.record {
            assert_eq!(&by_record[&record], found);
        }
    }
    let waiting = &by_number[&made[1].link].link;
    assert_eq!(
        (waiting.salesforce_id, &waiting.status),
        (None, &LinkStatus::Creating)
    );
    assert!(waiting.outgoing.pending);
    assert_eq!(by_number[&made[0].link], linked(&store, id, 1).await.unwrap());
}

pub async fn an_identity_belongs_to_one_link(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mine = [key("p-1"), value("ann@miller.example")];
    let made = apply(&store, id, vec![creating("A", &mine)], 1).await.unwrap();
    for identity in &mine {
        assert_eq!(holder(&store, id, identity.clone()).await, Some(made[0].link));
    }
    // A key is not a value, and another mapping has its own.
    assert_eq!(holder(&store, id, value("p-1")).await, None);
    let elsewhere = store
        .read(move |unit| unit.holders(id, MappingId(2), &[key("p-1")]))
        .await
        .unwrap();
    assert!(elsewhere.is_empty());

    let second = apply(
        &store,
        id,
        vec![first_contact(7, "Z"), creating("B", &[value("bob"), key("p-1")])],
        2,
    )
    .await;
    assert!(is_conflict(&second), "{second:?}");
    assert!(linked(&store, id, 7).await.is_none(), "nothing stays of it");
    assert_eq!(holder(&store, id, value("bob")).await, None);
    let twins = vec![creating("B", &[key("p-2")]), creating("C", &[key("p-2")])];
    let twins = apply(&store, id, twins, 2).await;
    assert!(is_conflict(&twins), "{twins:?}");

    // What it holds it may reserve again.
    let mut again = renamed(&link(&store, id, made[0].link).await.unwrap(), "A");
    again.link.reserve = vec![key("p-1"), key("p-3")];
    apply(&store, id, vec![again], 3).await.unwrap();
    assert_eq!(holder(&store, id, key("p-3")).await, Some(made[0].link));
}

pub async fn a_released_identity_is_free_in_the_same_call(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(
        &store,
        id,
        vec![creating("A", &[value("a")]), creating("B", &[value("b")])],
        1,
    )
    .await
    .unwrap();
    let first = link(&store, id, made[0].link).await.unwrap();
    let second = link(&store, id, made[1].link).await.unwrap();
    // They change places.
    let mut to_b = renamed(&first, "A");
    to_b.link.release = vec![value("a")];
    to_b.link.reserve = vec![value("b")];
    let mut to_a = renamed(&second, "B");
    to_a.link.release = vec![value("b")];
    to_a.link.reserve = vec![value("a")];
    apply(&store, id, vec![to_b, to_a], 2).await.unwrap();
    assert_eq!(holder(&store, id, value("b")).await, Some(made[0].link));
    assert_eq!(holder(&store, id, value("a")).await, Some(made[1].link));
    // Nobody releases what another holds.
    let mut greedy = renamed(&link(&store, id, made[0].link).await.unwrap(), "A");
    greedy.link.release = vec![value("a"), value("never held")];
    apply(&store, id, vec![greedy], 3).await.unwrap();
    assert_eq!(holder(&store, id, value("a")).await, Some(made[1].link));
}

pub async fn an_identity_that_cannot_be_stored_is_refused_and_found_nowhere(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    assert_eq!(holder(&store, id, key("a\0b")).await, None);
    for text in ["a\0b".to_owned(), "x".repeat(2001)] {
        let refused = apply(&store, id, vec![creating("A", &[key(&text)])], 1).await;
        assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    }
    // The longest that fits does so on both engines, however little it can be pressed together.
    let long: String = (0..2000_u32)
        .map(|number| char::from(b'!' + u8::try_from(number * 7919 % 89).unwrap()))
        .collect();
    let made = apply(&store, id, vec![creating("A", &[key(&long)])], 1)
        .await
        .unwrap();
    assert_eq!(holder(&store, id, key(&long)).await, Some(made[0].link));
}

pub async fn thousands_of_identities_are_reserved_and_found(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let effects: Vec<_> = (0..1203)
        .map(|number| creating("A", &[value(&format!("v-{number}")), key(&format!("k-{number}"))]))
        .collect();
    let made = apply(&store, id, effects, 1).await.unwrap();
    let found = store
        .read(move |unit| {
            let asked: Vec<_> = (0..1300)
                .flat_map(|number| [key(&format!("k-{number}")), value(&format!("v-{number}"))])
                .collect();
            unit.holders(id, CONTACTS, &asked)
        })
        .await
        .unwrap();
    assert_eq!(found.len(), 2 * 1203);
    assert_eq!(found[&key("k-1202")], made[1202].link);
    assert_eq!(found[&value("v-700")], made[700].link);
}

pub async fn a_record_of_the_partner_gets_its_salesforce_record_later(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(&store, id, vec![creating("A", &[]), creating("B", &[])], 1)
        .await
        .unwrap();
    let mut stored = renamed(&link(&store, id, made[0].link).await.unwrap(), "A");
    stored.link.salesforce_id = Some(contact_id(5));
    stored.record = None;
    let written = apply(&store, id, vec![stored], 9).await.unwrap();

    assert_eq!((written[0].record, written[0].position), (made[0].record, None));
    let found = linked(&store, id, 5).await.unwrap();
    assert_eq!(
        (found.link.id, &found.link.status),
        (made[0].link, &LinkStatus::Linked)
    );
    assert_eq!(found.link.outgoing, Outgoing::default());
    let record = made[0].record.unwrap();
    let (read, behind) = store
        .read(move |unit| {
            Ok((
                unit.record(id, "contact", record)?.unwrap(),
                unit.records_behind(id, &[contact_id(5)])?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(read.salesforce_id, Some(contact_id(5)));
    assert_eq!((Some(read.position), read.updated_at), (made[0].position, at(1)));
    assert_eq!(behind, [(contact_id(5), "contact".to_owned(), record)]);
    // The other one may not have it too.
    let mut twin = renamed(&link(&store, id, made[1].link).await.unwrap(), "B");
    twin.link.salesforce_id = Some(contact_id(5));
    let twin = apply(&store, id, vec![twin], 10).await;
    assert!(is_conflict(&twin), "{twin:?}");
    assert_eq!(
        link(&store, id, made[1].link).await.unwrap().link.salesforce_id,
        None
    );
}

/// The partner's record lives on, and late news of the Salesforce record that it had finds a tombstone.
pub async fn a_link_gives_up_its_salesforce_record_to_a_tombstone(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let made = apply(&store, id, vec![first_contact(1, "A")], 1).await.unwrap();
    let mut anew = renamed(&linked(&store, id, 1).await.unwrap(), "A");
    anew.link.salesforce_id = None;
    anew.link.status = LinkStatus::Creating;
    anew.link.outgoing.generation = 1;
    let written = apply(&store, id, vec![without_record(1, LinkStatus::Deleted), anew], 2)
        .await
        .unwrap();

    assert_eq!(written[1].link, made[0].link);
    let tombstone = linked(&store, id, 1).await.unwrap();
    assert_eq!(tombstone.link.id, written[0].link);
    assert_eq!(
        (&tombstone.link.status, tombstone.record),
        (&LinkStatus::Deleted, None)
    );
    let reborn = link(&store, id, made[0].link).await.unwrap();
    assert_eq!(
        (reborn.link.salesforce_id, reborn.link.outgoing.generation),
        (None, 1)
    );
    let record = made[0].record.unwrap();
    let read = store
        .read(move |unit| unit.record(id, "contact", record))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read.salesforce_id, None);
}

pub async fn links_that_change_places_do_not_collide(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(&store, id, vec![first_contact(1, "A"), first_contact(2, "B")], 1)
        .await
        .unwrap();
    let first = linked(&store, id, 1).await.unwrap();
    let second = linked(&store, id, 2).await.unwrap();
    let mut to_second = renamed(&first, "A");
    to_second.link.salesforce_id = Some(contact_id(2));
    let mut to_first = renamed(&second, "B");
    to_first.link.salesforce_id = Some(contact_id(1));
    apply(&store, id, vec![to_second, to_first], 2).await.unwrap();
    assert_eq!(linked(&store, id, 2).await.unwrap().link.id, first.link.id);
    assert_eq!(linked(&store, id, 1).await.unwrap().link.id, second.link.id);
}

/// A record that waits to be made turns out to be one that Salesforce told of already.
pub async fn a_link_without_a_record_ends_in_the_link_that_absorbs_it(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut known = without_record(5, LinkStatus::Deleted);
    known.link.reserve = vec![value("ann")];
    known.link.ready = true;
    known.history = vec![crate::history::lost("Ann", "Anne")];
    let made = apply(&store, id, vec![known, creating("A", &[key("p-1")])], 1)
        .await
        .unwrap();
    let tombstone = linked(&store, id, 5).await.unwrap();
    let waiting = link(&store, id, made[1].link).await.unwrap();
    let absorbing = || {
        let mut effects = renamed(&waiting, "A");
        effects.link.salesforce_id = Some(contact_id(5));
        effects.link.agreed = agreed("A");
        effects.link.reserve = vec![value("ann")];
        effects.link.absorb = Some(link_ref(&tombstone));
        effects
    };
    // Not if it was written since it was read.
    let mut later = without_record(5, LinkStatus::Deleted);
    later.link.existing = Some(link_ref(&tombstone));
    later.link.version = version(50);
    apply(&store, id, vec![later], 2).await.unwrap();
    let late = apply(&store, id, vec![absorbing()], 3).await;
    assert!(is_conflict(&late), "{late:?}");
    assert_eq!(linked(&store, id, 5).await.unwrap().link.id, tombstone.link.id);

    let mut effects = absorbing();
    effects.link.absorb = Some(link_ref(&linked(&store, id, 5).await.unwrap()));
    apply(&store, id, vec![effects], 4).await.unwrap();

    let found = linked(&store, id, 5).await.unwrap();
    assert_eq!(found.link.id, made[1].link);
    assert_eq!(link(&store, id, made[0].link).await, None);
    assert_eq!(holder(&store, id, value("ann")).await, Some(made[1].link));
    let record = made[1].record.unwrap();
    let history = store
        .read(move |unit| unit.history(id, record, 10))
        .await
        .unwrap();
    assert_eq!(
        history.len(),
        1,
        "its history is told of the link that it ended in"
    );
    let size = ClaimSize {
        usual: 10,
        bulk_from: 100,
        bulk: 100,
    };
    let claims = store
        .write(Lane::Interactive, move |unit| {
            unit.claim_outgoing("w", &size, &Turn::USUAL, at(9), at(20))
        })
        .await
        .unwrap();
    assert_eq!(
        claims.iter().map(|claim| claim.link).collect::<Vec<_>>(),
        [made[1].link]
    );
    // One that has a partner record never ends in another.
    let other = apply(&store, id, vec![creating("C", &[])], 5).await.unwrap();
    let mut greedy = renamed(&link(&store, id, other[0].link).await.unwrap(), "C");
    greedy.link.absorb = Some(link_ref(&found));
    let greedy = apply(&store, id, vec![greedy], 6).await;
    assert!(matches!(greedy, Err(StoreError::Corrupt { .. })), "{greedy:?}");
}
