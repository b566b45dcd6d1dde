//! How one link stands, and what happened to it.

use std::collections::BTreeMap;

use causeway_core::decide::{ChangeCause, FieldChange};
use causeway_core::id::{FieldId, LinkId, SalesforceId};
use causeway_core::ports::Lane;
use causeway_core::ports::links::{Caused, Write};

use crate::given::{
    CONTACTS, PUSHED, apply, at, connection, contact_id, first_contact, linked, renamed, text,
};
use crate::place::Place;

fn change(field: FieldId, after: &str) -> FieldChange {
    FieldChange {
        field,
        salesforce_before: None,
        salesforce_after: Some(text(after)),
        partner_before: None,
        partner_after: Some(text(after)),
        cause: ChangeCause::SalesforceWins,
        lost: None,
    }
}

pub async fn a_links_history_is_paged_and_narrowed_to_a_field(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let (saver, other) = (SalesforceId::parse("005ZM0000000001").unwrap(), FieldId(2));
    let mut first = first_contact(1, "A");
    first.history = vec![change(FieldId(1), "A"), change(other, "x")];
    let mut neighbour = first_contact(2, "Z");
    neighbour.history = vec![change(FieldId(1), "Z")];
    let made = apply(&store, id, vec![first, neighbour], 1).await.unwrap();
    let mut again = renamed(&linked(&store, id, 1).await.unwrap(), "B");
    again.history = vec![change(FieldId(1), "B")];
    store
        .write(Lane::Interactive, move |unit| {
            unit.apply(&Write {
                connection: id,
                mapping: CONTACTS,
                partner_object: "contact",
                at: at(2),
                lane: Lane::Interactive,
                effects: &[Caused {
                    effects: again.clone(),
                    source: PUSHED,
                    saved_by: Some(saver),
                }],
            })
        })
        .await
        .unwrap();

    let link = made[0].link;
    let (all, of_field, older, changes, since, nobody) = store
        .read(move |unit| {
            let of_field = unit.history_of_link(id, link, Some(FieldId(1)), None, 10)?;
            let older = unit.history_of_link(id, link, Some(FieldId(1)), Some(of_field[0].id), 10)?;
            Ok((
                unit.history_of_link(id, link, None, None, 2)?,
                of_field,
                older,
                unit.field_changes(id, link)?,
                unit.standing_since(id, link)?,
                unit.standing_since(id, LinkId(999_999))?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].saved_by, all[1].saved_by), (Some(saver), None));
    let told = |entries: &[causeway_core::ports::links::HistoryEntry]| {
        let after = entries
            .iter()
            .map(|entry| entry.salesforce_after.clone().unwrap());
        after.collect::<Vec<_>>()
    };
    assert_eq!(told(&of_field), [text("B"), text("A")]);
    assert_eq!(told(&older), [text("A")]);
    assert_eq!(changes, BTreeMap::from([(FieldId(1), at(2)), (other, at(1))]));
    assert_eq!((since, nobody), (Some(at(1)), None));
}

pub async fn what_waits_for_a_record_is_found_by_its_salesforce_id(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "other").await;
    let (waiting, of_another) = store
        .write(Lane::Interactive, move |unit| {
            for (number, second) in [(1, 5), (1, 3), (2, 1)] {
                let change = crate::given::change(number, second);
                unit.receive(id, &[change], Lane::Interactive, at(second))?;
            }
            let mut waiting = Vec::new();
            for (object, number) in [("Contact", 1), ("Contact", 2), ("Contact", 3), ("Account", 1)] {
                waiting.push(unit.waiting_since(id, object, contact_id(number))?);
            }
            Ok((waiting, unit.waiting_since(other, "Contact", contact_id(1))?))
        })
        .await
        .unwrap();
    assert_eq!(waiting, [Some(at(3)), Some(at(1)), None, None]);
    assert_eq!(of_another, None);
}
