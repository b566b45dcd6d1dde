//! Requests that partners craft, or that happen to be awkward.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::decide::partner::RefusalCode;
use causeway_core::decide::{
    Agreed, AgreedPair, ChangeSource, Effects, Identity, LinkEffect, LinkStatus, Outcome, Outgoing, Presence,
    RecordEffect,
};
use causeway_core::id::{ConnectionId, PlanRevision, Position, RecordId, SalesforceId};
use causeway_core::mapping::{MappingDocument, MappingPlan};
use causeway_core::owners::OwnerDirectory;
use causeway_core::ports::links::{Caused, Write};
use causeway_core::ports::logs::LogFilter;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::{FieldValue, Fields};
use causeway_core::units::Setting;
use causeway_core::units::partner_news::{
    Address, PartnerPost, PostMode, PostOutcome, PostResult, PostedEvent, receive,
};
use causeway_core::version::SalesforceVersion;
use chrono::DateTime;
use serde_json::{Value, json};
use simulation::memory::Memory;
use simulation::org::schema::{EXTERNAL_ID, Object};
use simulation::world::World;

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

/// A store with a mapping of people, who are recognised by their address.
struct People {
    store: Memory,
    connection: ConnectionId,
    plan: MappingPlan,
    clock: i64,
}

impl People {
    fn new() -> People {
        let world = World::new(1).unwrap();
        let (mut store, connection) = (world.store, world.connection);
        let document = json!({
            "partnerObject": "person", "salesforceObject": "Contact", "direction": "both",
            "defaultOwner": "u-default", "salesforceDefaultOwner": "005000000000001", "externalId": EXTERNAL_ID,
            "identity": "email",
            "fields": [
                {"partner": "last_name", "type": "Text", "salesforce": "LastName", "rule": "mostRecent"},
                {"partner": "email", "type": "Email", "salesforce": "Email", "rule": "salesforce"},
                {"partner": "notes", "type": "Text", "salesforce": "Title", "rule": "doNotSync"},
            ],
        });
        let parsed: MappingDocument = serde_json::from_value(document.clone()).unwrap();
        let describe = Object::Contact.describe();
        let plan = store
            .unit(|tx| {
                let mapping = tx.next_mapping(connection)?;
                let plan = MappingPlan::check(mapping, PlanRevision(1), &parsed, &describe, None).unwrap();
                tx.add_plan(connection, &plan, &document.to_string(), at(0))?;
                Ok(plan)
            })
            .unwrap();
        store.take_work();
        People {
            store,
            connection,
            plan,
            clock: 0,
        }
    }

    fn post(&mut self, posts: &[PartnerPost]) -> Vec<PostResult> {
        self.clock += 1;
        let (connection, plan, owners) = (self.connection, &self.plan, OwnerDirectory::default());
        let setting = Setting {
            connection,
            plan,
            owners: &owners,
            at: at(self.clock),
            lane: Lane::Interactive,
        };
        self.store
            .unit(|tx| receive(tx, &setting, "shop", PostMode::Upsert, posts))
            .unwrap()
    }

    /// What the log tells of the latest posts, newest first.
    fn logged(&mut self, entries: u32) -> Vec<(Value, String)> {
        let connection = self.connection;
        let entries = self
            .store
            .unit(|tx| tx.logs(connection, &LogFilter::default(), None, entries))
            .unwrap();
        entries
            .into_iter()
            .map(|entry| {
                (
                    serde_json::from_str(&entry.entry.data).unwrap(),
                    entry.entry.cause,
                )
            })
            .collect()
    }

    /// A linked record whose address differs from the one that Salesforce holds and owns.
    fn astray(&mut self, held: &str, agreed: &str) -> RecordId {
        let fields = Fields::from([
            ("email".to_owned(), text(held)),
            ("last_name".to_owned(), text("Ng")),
        ]);
        let pairs = self.plan.fields.iter().filter_map(|field| {
            let value = match field.partner.as_str() {
                "email" => text(agreed),
                "last_name" => text("Ng"),
                _ => return None,
            };
            Some((field.id, AgreedPair::new(value.clone(), value)))
        });
        let effects = Effects {
            link: LinkEffect {
                existing: None,
                salesforce_id: Some(SalesforceId::parse("003000000000001").unwrap()),
                status: LinkStatus::Linked,
                version: SalesforceVersion {
                    modstamp: at(0),
                    observed: at(0),
                },
                plan: self.plan.revision,
                agreed: Agreed(pairs.collect()),
                outgoing: Outgoing::default(),
                ready: false,
                reserve: vec![Identity::Value(held.to_owned())],
                release: Vec::new(),
                absorb: None,
            },
            record: Some(RecordEffect {
                fields,
                owner: "u-default".to_owned(),
                presence: Presence::Live,
                times: BTreeMap::new(),
                key: None,
                successor: None,
            }),
            history: Vec::new(),
            outcome: Outcome::Created,
        };
        let (connection, plan) = (self.connection, &self.plan);
        let written = self.store.unit(|tx| {
            tx.apply(&Write {
                connection,
                mapping: plan.mapping,
                partner_object: &plan.partner_object,
                at: at(0),
                lane: Lane::Bulk,
                effects: &[Caused {
                    effects,
                    source: ChangeSource::Write { at: at(0) },
                    saved_by: None,
                }],
            })
        });
        written.unwrap()[0].record.unwrap()
    }

    fn email(&mut self, record: RecordId) -> FieldValue {
        let connection = self.connection;
        let found: Result<_, StoreError> = self.store.unit(|tx| tx.record(connection, "person", record));
        found.unwrap().unwrap().fields["email"].clone()
    }
}

fn upsert(address: Address, fields: Value) -> PartnerPost {
    let Value::Object(fields) = fields else {
        panic!("no object: {fields}")
    };
    PartnerPost {
        address,
        key: None,
        if_position: None,
        changed_at: None,
        happened: PostedEvent::Upsert { fields, owner: None },
    }
}

fn delete(record: RecordId, changed_at: Option<Instant>) -> PartnerPost {
    PartnerPost {
        changed_at,
        happened: PostedEvent::Delete,
        ..upsert(Address::Record(record), json!({}))
    }
}

fn keyed(number: usize) -> PartnerPost {
    upsert(Address::Key(format!("k-{number}")), json!({"last_name": "Ng"}))
}

fn codes(result: &PostResult) -> Vec<RefusalCode> {
    match &result.outcome {
        PostOutcome::Refused(refusals) => refusals.iter().map(|refusal| refusal.code).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn rows_that_each_end_a_round_are_read_in_proportion_to_the_request() {
    let mut people = People::new();
    let made = people.post(&(0..1_000).map(keyed).collect::<Vec<_>>());
    let plain = people.store.take_work();
    assert!(plain.looked_up <= 3_000, "{plain:?}");
    // Each row wants the key of the record of the row before.
    let crafted: Vec<PartnerPost> = (1..1_000)
        .map(|number| PartnerPost {
            key: Some(format!("k-{}", number - 1)),
            if_position: Some(made[number].position.unwrap_or(Position(0))),
            ..upsert(
                Address::Record(made[number].record.unwrap()),
                json!({"last_name": "Ba"}),
            )
        })
        .collect();
    let refused = people.post(&crafted);
    let work = people.store.take_work();
    for (result, before) in refused.iter().zip(&made[1..]) {
        assert_eq!(codes(result), [RefusalCode::IdentityTaken]);
        assert_eq!((result.record, result.position), (before.record, before.position));
    }
    assert!(work.looked_up <= 100_000, "{work:?}");
}

#[test]
fn a_round_ends_once_many_bytes_are_at_hand() {
    let mut people = People::new();
    let notes = "n".repeat(300_000);
    let posts: Vec<PartnerPost> = (0..60)
        .map(|number| {
            upsert(
                Address::Key(format!("k-{number}")),
                json!({"last_name": "Ng", "notes": notes}),
            )
        })
        .collect();
    let made = people.post(&posts);
    assert!(made.iter().all(|result| result.outcome == PostOutcome::Created));
    let work = people.store.take_work();
    assert!((10..20).contains(&work.largest_write), "{work:?}");
    // What the records hold counts too.
    let edits: Vec<PartnerPost> = (0..60)
        .map(|number| upsert(Address::Key(format!("k-{number}")), json!({"last_name": "Ba"})))
        .collect();
    let edited = people.post(&edits);
    assert!(edited.iter().all(|result| result.outcome == PostOutcome::Updated));
    let work = people.store.take_work();
    assert!((10..20).contains(&work.largest_write), "{work:?}");
}

#[test]
fn the_log_tells_what_changed_and_nothing_of_values_that_were_refused() {
    let mut people = People::new();
    let fields = json!({"last_name": "Ng", "email": "ng@example.com"});
    let made = people.post(&[upsert(Address::Key("k".to_owned()), fields.clone())]);
    let (data, _) = people.logged(1).remove(0);
    assert_eq!(data["outcome"], "created");
    assert_eq!(
        (&data["before"], &data["after"]["fields"]),
        (&Value::Null, &fields)
    );
    let record = Address::Record(made[0].record.unwrap());
    people.post(&[upsert(
        record.clone(),
        json!({"last_name": "Ba", "email": "ng@example.com"}),
    )]);
    let (data, _) = people.logged(1).remove(0);
    assert_eq!(data["outcome"], "updated");
    assert_eq!(data["before"], json!({"fields": {"last_name": "Ng"}}));
    assert_eq!(data["after"], json!({"fields": {"last_name": "Ba"}}));
    people.post(&[upsert(record, json!({"last_name": "y".repeat(81)}))]);
    let (data, cause) = people.logged(1).remove(0);
    assert_eq!(
        data,
        json!({"outcome": "refused", "source": {"kind": "partner", "client": "shop"}})
    );
    assert!(cause.starts_with("last_name: "), "{cause}");
}

#[test]
fn an_identity_that_a_merge_brings_never_fails_the_request() {
    let (ours, theirs) = ("ng@example.com", "ba@example.com");
    let edit = |record| upsert(Address::Record(record), json!({"last_name": "Ba"}));
    let new = || upsert(Address::New, json!({"last_name": "Lu", "email": theirs}));
    // The record goes back to Salesforce's address, so the next row is about it.
    let mut people = People::new();
    let record = people.astray(ours, theirs);
    let results = people.post(&[edit(record), new()]);
    assert_eq!(people.email(record), text(theirs));
    assert_eq!(results[0].outcome, PostOutcome::Updated);
    assert_eq!(results[1].record, Some(record), "{results:?}");
    // A record that was made before it in the same request keeps the address.
    let mut people = People::new();
    let record = people.astray(ours, theirs);
    let results = people.post(&[new(), edit(record)]);
    assert_eq!(people.email(record), text(theirs));
    assert_eq!(results[0].outcome, PostOutcome::Created);
    assert_eq!(results[1].outcome, PostOutcome::Updated);
    let again = people.post(&[new()]);
    assert_eq!(again[0].record, results[0].record);
    // So does one that was made earlier; the partner's own edit to that address is refused.
    let mut people = People::new();
    let record = people.astray(ours, theirs);
    let made = people.post(&[new()]);
    let results = people.post(&[
        edit(record),
        upsert(
            Address::Record(made[0].record.unwrap()),
            json!({"last_name": "Li"}),
        ),
        upsert(
            Address::Record(record),
            json!({"email": theirs, "last_name": "Lo"}),
        ),
    ]);
    assert_eq!(results[0].outcome, PostOutcome::Updated);
    assert_eq!(results[1].outcome, PostOutcome::Updated);
    let mut people = People::new();
    let record = people.astray(ours, "other@example.com");
    let made = people.post(&[new()]);
    let taken = people.post(&[upsert(Address::Record(record), json!({"email": theirs}))]);
    assert_eq!(codes(&taken[0]), [RefusalCode::IdentityTaken]);
    assert_ne!(made[0].record, Some(record));
}

#[test]
fn a_delete_from_before_the_newest_edit_is_answered_with_words_and_not_done() {
    let mut people = People::new();
    let made = people.post(&[PartnerPost {
        changed_at: Some(at(-100)),
        ..keyed(1)
    }]);
    let record = made[0].record.unwrap();
    let edited = people.post(&[PartnerPost {
        changed_at: Some(at(-50)),
        ..upsert(Address::Record(record), json!({"last_name": "Ba"}))
    }]);
    let late = people.post(&[delete(record, Some(at(-60)))]);
    assert_eq!(late[0].outcome, PostOutcome::Unchanged);
    assert_eq!(late[0].position, edited[0].position);
    let note = late[0].note.as_deref().unwrap();
    assert!(note.contains("`changedAt`"), "{note}");
    let (data, cause) = people.logged(1).remove(0);
    assert_eq!((&data["outcome"], cause.as_str()), (&json!("unchanged"), note));
    let done = people.post(&[delete(record, Some(at(-50)))]);
    assert_eq!((&done[0].outcome, &done[0].note), (&PostOutcome::Deleted, &None));
}
