//! The decisions, played against a small world that keeps links and records as the store does.

mod deletes;
mod fields;
mod order;
mod owners;
mod versions;

use std::collections::BTreeMap;

use chrono::DateTime;

use crate::Instant;
use crate::decide::salesforce::decide;
use crate::decide::{
    AgreedPair, Decision, DropReason, Effects, FieldChange, Incoming, Known, LinkState, LinkStatus,
    MergedInto, Outcome, RecordState, Snapshot,
};
use crate::id::{ConnectionId, FieldId, LinkId, RecordId, SalesforceId};
use crate::mapping::document::FieldMapping;
use crate::mapping::sample::{choices, field, plan};
use crate::mapping::{MappingPlan, PartnerType, SyncRule};
use crate::owners::OwnerDirectory;
use crate::record::{FieldValue, Fields};
use crate::version::SalesforceVersion;

/// One Salesforce record, its link and its partner record.
#[derive(Debug, Clone)]
struct World {
    plan: MappingPlan,
    owners: OwnerDirectory,
    link: Option<LinkState>,
    record: Option<RecordState>,
    /// Times the partner record was written: what the feed would show.
    writes: u32,
}

impl World {
    fn new(plan: MappingPlan) -> World {
        World {
            plan,
            owners: OwnerDirectory::new([(user(1), "u-1".to_owned()), (user(2), "u-2".to_owned())]),
            link: None,
            record: None,
            writes: 0,
        }
    }

    fn decide(&self, news: &Incoming) -> Decision {
        decide(
            Known {
                connection: ConnectionId(1),
                plan: &self.plan,
                owners: &self.owners,
                link: self.link.as_ref(),
                record: self.record.as_ref(),
                holder: None,
            },
            news,
            moment(1_000),
        )
    }

    /// Decides and writes, as the store does.
    fn hear(&mut self, news: &Incoming) -> Decision {
        let decision = self.decide(news);
        if let Decision::Apply(effects) = &decision {
            self.write(effects);
        }
        decision
    }

    /// Decides and writes; the news must have effects.
    fn take(&mut self, news: &Incoming) -> Effects {
        match self.hear(news) {
            Decision::Apply(effects) => *effects,
            other => panic!("{news:?} led to {other:?}"),
        }
    }

    /// Decides; the news must change nothing.
    fn ignore(&mut self, news: &Incoming) -> DropReason {
        match self.hear(news) {
            Decision::Drop(reason) => reason,
            other => panic!("{news:?} led to {other:?}"),
        }
    }

    fn write(&mut self, effects: &Effects) {
        let link = &effects.link;
        let expected = self
            .link
            .as_ref()
            .map(|known| (known.id, known.record, known.revision));
        let named = link
            .existing
            .map(|known| (known.id, known.record, known.revision));
        assert_eq!(named, expected, "effects name the link as it was read");
        let record = self.record.as_ref().map(|record| record.id);
        if let Some(record) = &effects.record {
            self.writes += 1;
            self.record = Some(RecordState {
                id: RecordId(7),
                fields: record.fields.clone(),
                owner: record.owner.clone(),
                presence: record.presence,
                times: record.times.clone(),
                key: record.key.clone(),
                successor: record.successor,
            });
        }
        self.link = Some(LinkState {
            id: LinkId(3),
            salesforce_id: link.salesforce_id,
            record: self.record.as_ref().map(|record| record.id).or(record),
            status: link.status.clone(),
            version: link.version,
            revision: expected.map_or(0, |(_, _, revision)| revision + 1),
            plan: link.plan,
            agreed: link.agreed.clone(),
            outgoing: link.outgoing.clone(),
        });
    }

    /// Puts another plan in force; fields keep their ids as the check gives them.
    fn replan(&mut self, fields: Vec<FieldMapping>) {
        let document = crate::mapping::sample::document(fields);
        let revision = crate::id::PlanRevision(self.plan.revision.0 + 1);
        let object = crate::mapping::sample::contact();
        let next =
            MappingPlan::check(self.plan.mapping, revision, &document, &object, Some(&self.plan)).unwrap();
        self.plan = MappingPlan {
            delete_policy: self.plan.delete_policy,
            keep_owner_on_update: self.plan.keep_owner_on_update,
            ..next
        };
    }

    fn status(&self) -> &LinkStatus {
        &self.link.as_ref().unwrap().status
    }

    fn version(&self) -> SalesforceVersion {
        self.link.as_ref().unwrap().version
    }

    fn pair(&self, id: u32) -> Option<&AgreedPair> {
        self.link.as_ref().unwrap().agreed.0.get(&FieldId(id))
    }

    fn record(&self) -> &RecordState {
        self.record.as_ref().unwrap()
    }

    fn value(&self, partner: &str) -> Option<&FieldValue> {
        self.record().fields.get(partner)
    }
}

/// The plan most tests start from: ids 1 to 4.
fn contact_fields() -> Vec<FieldMapping> {
    let mut source = field("source", PartnerType::SingleChoice, "LeadSource");
    source.choices = choices(&[
        ("Web", "online"),
        ("Portal", "online"),
        ("Fair", "met"),
        ("Secret", ""),
    ]);
    let mut phone = field("phone", PartnerType::Phone, "Phone");
    phone.rule = SyncRule::SalesforceUnlessBlank;
    vec![
        field("name", PartnerType::Text, "LastName"),
        source,
        phone,
        field("budget", PartnerType::Currency, "Budget__c"),
    ]
}

/// A complete reading of those fields.
fn contact(modstamp: i64, observed: i64) -> Reading {
    Reading(Snapshot {
        salesforce_id: id(),
        version: version(modstamp, observed),
        is_fresh: false,
        owner: Some(user(1)),
        fields: Fields::new(),
        unreadable: Vec::new(),
        changed: BTreeMap::new(),
        external_id: None,
        made_by_gateway: None,
        by_gateway: None,
        modified_by: None,
        converted: None,
    })
    .with("LastName", text("Ångström"))
    .with("LeadSource", text("Web"))
    .with("Phone", text("044 123"))
    .with("Budget__c", number("1100.04"))
}

/// A reading under construction.
#[derive(Clone)]
struct Reading(Snapshot);

impl Reading {
    fn with(mut self, name: &str, value: FieldValue) -> Self {
        self.0.fields.insert(name.to_owned(), value);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.fields.remove(name);
        self
    }

    fn owned_by(mut self, owner: Option<SalesforceId>) -> Self {
        self.0.owner = owner;
        self
    }

    fn news(self) -> Incoming {
        Incoming::Present(self.0)
    }
}

fn deleted(modstamp: i64, observed: i64) -> Incoming {
    Incoming::Deleted {
        salesforce_id: id(),
        version: version(modstamp, observed),
        merged: MergedInto::Nothing,
        external_id: None,
    }
}

fn world() -> World {
    World::new(plan(contact_fields()))
}

/// A world in which the complete reading of stamp 10, observed at 20, was heard.
fn linked() -> World {
    let mut world = world();
    assert_eq!(world.take(&contact(10, 20).news()).outcome, Outcome::Created);
    world
}

fn version(modstamp: i64, observed: i64) -> SalesforceVersion {
    SalesforceVersion {
        modstamp: moment(modstamp),
        observed: moment(observed),
    }
}

fn moment(seconds: i64) -> Instant {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn id() -> SalesforceId {
    SalesforceId::parse("003000000000001").unwrap()
}

fn user(number: u8) -> SalesforceId {
    SalesforceId::parse(&format!("00500000000000{number}")).unwrap()
}

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

fn number(value: &str) -> FieldValue {
    FieldValue::Number(value.parse().unwrap())
}

fn fields<const N: usize>(values: [(&str, FieldValue); N]) -> Fields {
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Field ids of a history, in its order.
fn changed(history: &[FieldChange]) -> Vec<u32> {
    history.iter().map(|change| change.field.0).collect()
}
