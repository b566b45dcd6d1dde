//! The decisions of both directions, played against a small world of one Salesforce record and one partner record.

mod book;
mod breaking;
mod conflicts;
mod converging;
mod doubts;
mod edits;
mod ends;
mod glimpses;
mod identities;
mod lives;
mod looks;
mod makers;
mod outcomes;
mod owners;
mod ownership;
mod people;
mod replanned;
mod stored;
mod successors;
mod turns;
mod unseen;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};

use crate::Instant;
use crate::decide::partner::{PartnerDecision, PartnerRefusal, RefusalCode};
use crate::decide::write::{Prepared, WriteOutcome, prepare, settle};
use crate::decide::*;
use crate::id::{ConnectionId, FieldId, LinkId, RecordId, SalesforceId};
use crate::mapping::document::FieldMapping;
use crate::mapping::sample::{check, field, two_way};
use crate::mapping::{DeletePolicy, Direction, MappingDocument, MappingPlan, PartnerType, SyncRule};
use crate::owners::OwnerDirectory;
use crate::record::{FieldValue, Fields};
use crate::version::SalesforceVersion;

/// The record as Salesforce has it.
#[derive(Debug, Clone, PartialEq)]
struct Remote {
    id: SalesforceId,
    fields: Fields,
    owner: SalesforceId,
    stamp: i64,
    made_by_gateway: bool,
    by_gateway: bool,
    external_id: Option<String>,
    deleted: bool,
}

/// One record on both sides, with the link between them.
#[derive(Clone)]
struct Pair {
    plan: MappingPlan,
    owners: OwnerDirectory,
    link: Option<LinkState>,
    record: Option<RecordState>,
    tombstones: Vec<LinkEffect>,
    remote: Option<Remote>,
    /// What Salesforce makes of what is written.
    stores: fn(&str, FieldValue) -> FieldValue,
    clock: i64,
    made: u8,
    /// Writes that Salesforce stored, and times the partner's record was written.
    sent: u32,
    told: u32,
    history: Vec<FieldChange>,
    /// Identities that the link holds.
    book: Vec<Identity>,
}

impl Pair {
    fn new(document: &MappingDocument) -> Pair {
        Pair {
            plan: check(document).unwrap(),
            owners: OwnerDirectory::new([(user(1), "u-1".to_owned()), (user(2), "u-2".to_owned())]),
            link: None,
            record: None,
            tombstones: Vec::new(),
            remote: None,
            stores: |_, value| value,
            clock: 100,
            made: 0,
            sent: 0,
            told: 0,
            history: Vec::new(),
            book: Vec::new(),
        }
    }

    /// A pair in which both sides hold `A` under a rule.
    fn under(rule: SyncRule) -> Pair {
        let mut pair = Pair::new(&two_way(ruled(rule)));
        pair.made_in_salesforce(&[("LastName", text("A")), ("Phone", text("1"))]);
        pair.hear();
        assert_eq!((pair.sent, pair.told), (0, 1));
        pair
    }

    fn known(&self) -> Known<'_> {
        Known {
            connection: ConnectionId(1),
            plan: &self.plan,
            owners: &self.owners,
            link: self.link.as_ref(),
            record: self.record.as_ref(),
            holder: None,
        }
    }

    fn now(&self) -> Instant {
        at(self.clock)
    }

    /// Time goes by.
    fn tick(&mut self) -> i64 {
        self.clock += 1;
        self.clock
    }

    fn made_in_salesforce(&mut self, values: &[(&str, FieldValue)]) {
        self.make(values, user(1), None, false);
    }

    fn make(
        &mut self,
        values: &[(&str, FieldValue)],
        owner: SalesforceId,
        external_id: Option<String>,
        by_gateway: bool,
    ) -> SalesforceId {
        self.made += 1;
        let mut fields: Fields = self
            .plan
            .fields
            .iter()
            .map(|field| (field.salesforce.name.clone(), FieldValue::Null))
            .collect();
        fields.extend(
            values
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone())),
        );
        let id = SalesforceId::parse(&format!("00300000000000{}", self.made)).unwrap();
        self.remote = Some(Remote {
            id,
            fields,
            owner,
            stamp: self.tick(),
            made_by_gateway: by_gateway,
            by_gateway,
            external_id,
            deleted: false,
        });
        id
    }

    /// Somebody edits the record in Salesforce.
    fn edit(&mut self, name: &str, value: FieldValue) {
        let stamp = self.tick();
        let remote = self.remote.as_mut().unwrap();
        remote.fields.insert(name.to_owned(), value);
        (remote.stamp, remote.by_gateway) = (stamp, false);
    }

    fn delete_remote(&mut self) {
        let stamp = self.tick();
        let remote = self.remote.as_mut().unwrap();
        (remote.stamp, remote.deleted) = (stamp, true);
    }

    /// The record as it is read now.
    fn snapshot(&self) -> Snapshot {
        let remote = self.remote.as_ref().unwrap();
        Snapshot {
            salesforce_id: remote.id,
            version: self.version(),
            is_fresh: false,
            owner: Some(remote.owner),
            fields: remote.fields.clone(),
            unreadable: Vec::new(),
            changed: BTreeMap::new(),
            external_id: Some(remote.external_id.clone()),
            made_by_gateway: Some(remote.made_by_gateway),
            by_gateway: Some(remote.by_gateway),
            modified_by: None,
            converted: None,
        }
    }

    fn version(&self) -> SalesforceVersion {
        SalesforceVersion {
            modstamp: at(self.remote.as_ref().unwrap().stamp),
            observed: self.now(),
        }
    }

    fn target(&self) -> Target {
        match &self.remote {
            None => Target::Missing,
            Some(remote) if remote.deleted => Target::Deleted {
                salesforce_id: remote.id,
                version: self.version(),
                merged: MergedInto::Nothing,
            },
            Some(_) => Target::Present(self.snapshot()),
        }
    }

    /// The gateway hears how Salesforce's record is.
    fn hear(&mut self) -> Decision {
        self.tick();
        let news = match self.target() {
            Target::Present(snapshot) => Incoming::Present(snapshot),
            Target::Deleted {
                salesforce_id,
                version,
                merged,
            } => Incoming::Deleted {
                salesforce_id,
                version,
                merged,
                external_id: None,
            },
            other => panic!("no news of {other:?}"),
        };
        self.hears(&news)
    }

    fn hears(&mut self, news: &Incoming) -> Decision {
        let decision = salesforce::decide(self.known(), news, self.now());
        if let Decision::Apply(effects) = &decision {
            self.write(effects);
        }
        decision
    }

    /// The partner posts values, as edited at a moment.
    fn posts(&mut self, values: &[(&str, FieldValue)], stated: Option<i64>) -> PartnerDecision {
        let fields = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        self.posted(PartnerNewsKind::Upsert { fields, owner: None }, stated)
    }

    fn posted(&mut self, kind: PartnerNewsKind, stated: Option<i64>) -> PartnerDecision {
        self.tick();
        let news = PartnerNews {
            kind,
            stated: stated.map(at),
            received: self.now(),
            key: None,
        };
        let decision = partner::decide(self.known(), &news);
        match &decision {
            PartnerDecision::Apply(effects) => self.write(effects),
            PartnerDecision::ApplyWithTombstone { effects, tombstone } => {
                self.write(effects);
                self.tombstones.push(tombstone.link.clone());
            }
            PartnerDecision::Refuse(_) | PartnerDecision::Unchanged | PartnerDecision::Outdated { .. } => {}
        }
        decision
    }

    fn refused(&mut self, kind: PartnerNewsKind) -> Vec<PartnerRefusal> {
        match self.posted(kind, None) {
            PartnerDecision::Refuse(refusals) => refusals,
            other => panic!("taken: {other:?}"),
        }
    }

    /// Looks at the target and decides what to send.
    fn prepare(&mut self) -> Prepared {
        self.tick();
        let prepared = prepare(
            self.known(),
            None,
            &self.target(),
            self.now() + TimeDelta::seconds(30),
            self.now(),
        );
        if let Prepared::Effects(effects) | Prepared::Send { effects, .. } = &prepared {
            self.write(effects);
        }
        prepared
    }

    /// Salesforce carries out what was sent.
    fn carry_out(&mut self, write: &SalesforceWrite) -> SalesforceId {
        self.sent += 1;
        let mut values: Vec<(String, FieldValue)> = Vec::new();
        let mut owner = None;
        for (id, value) in &write.values {
            match (self.plan.field(*id), value) {
                (Some(field), value) => {
                    let name = field.salesforce.name.clone();
                    let value = (self.stores)(&name, value.clone());
                    values.push((name, value));
                }
                (None, FieldValue::Reference(id)) => owner = Some(*id),
                (None, other) => panic!("{other:?} owns nothing"),
            }
        }
        match write.kind {
            WriteKind::Create => {
                let link = self.link.as_ref().unwrap();
                let external_id = MappingPlan::external_id_of(
                    ConnectionId(1),
                    link.record.unwrap(),
                    link.outgoing.generation,
                );
                let values: Vec<(&str, FieldValue)> = values
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.clone()))
                    .collect();
                self.make(&values, owner.unwrap_or(user(7)), Some(external_id), true)
            }
            WriteKind::Update => {
                let stamp = self.tick();
                let remote = self.remote.as_mut().unwrap();
                remote.fields.extend(values);
                remote.owner = owner.unwrap_or(remote.owner);
                (remote.stamp, remote.by_gateway) = (stamp, true);
                remote.id
            }
            WriteKind::Delete => {
                self.delete_remote();
                self.remote.as_ref().unwrap().id
            }
        }
    }

    fn settle(&mut self, outcome: &WriteOutcome, target: Option<&Target>) {
        let settled = settle(self.known(), None, outcome, target, self.now());
        if let Some(effects) = &settled.effects {
            self.write(effects);
        }
        if let Some(tombstone) = settled.tombstone {
            self.tombstones.push(tombstone.link);
        }
    }

    /// Sends one write and reads what was stored; the values that were sent.
    fn send(&mut self) -> BTreeMap<FieldId, FieldValue> {
        let Prepared::Send { write, .. } = self.prepare() else {
            panic!("nothing to send")
        };
        let salesforce_id = self.carry_out(&write);
        self.tick();
        let target = self.target();
        self.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
        write.values
    }

    /// Works until nothing is on its way; how many writes that took.
    fn flush(&mut self) -> u32 {
        let before = self.sent;
        for _ in 0..20 {
            if !self.link.as_ref().unwrap().outgoing.pending
                || matches!(self.status(), LinkStatus::Held { .. })
            {
                return self.sent - before;
            }
            if let Prepared::Send { write, .. } = self.prepare() {
                let salesforce_id = self.carry_out(&write);
                self.tick();
                let target = self.target();
                self.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
            }
        }
        panic!("no rest: {:?}", self.link)
    }

    /// A further round of reading and writing changes nothing on either side.
    fn is_at_rest(&mut self) {
        let (sent, told) = (self.sent, self.told);
        for _ in 0..2 {
            self.hear();
            self.flush();
        }
        let link = self.link.as_mut().unwrap();
        link.outgoing.pending = link.status == LinkStatus::Linked;
        self.flush();
        assert_eq!((self.sent, self.told), (sent, told), "somebody wrote again");
    }

    fn write(&mut self, effects: &Effects) {
        let link = &effects.link;
        let expected = self.link.as_ref().map(known::reference);
        assert_eq!(link.existing, expected, "effects name the link as it was read");
        if link.outgoing.in_flight.is_some() {
            assert!(!link.ready, "a write in flight has its worker already");
        }
        if link.ready {
            assert!(link.outgoing.pending, "there is nothing to be ready for");
        }
        let record = self.record.as_ref().map(|record| record.id);
        self.book.retain(|held| !link.release.contains(held));
        self.book.extend(link.reserve.iter().cloned());
        self.history.extend(effects.history.clone());
        if let Some(record) = &effects.record {
            self.told += 1;
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
            revision: expected.map_or(0, |link| link.revision + 1),
            plan: link.plan,
            agreed: link.agreed.clone(),
            outgoing: link.outgoing.clone(),
        });
    }

    fn status(&self) -> &LinkStatus {
        &self.link.as_ref().unwrap().status
    }

    fn outgoing(&self) -> &Outgoing {
        &self.link.as_ref().unwrap().outgoing
    }

    fn agreed(&self, id: u32) -> Option<&AgreedPair> {
        self.link.as_ref().unwrap().agreed.0.get(&FieldId(id))
    }

    fn record(&self) -> &RecordState {
        self.record.as_ref().unwrap()
    }

    /// What both sides hold in the first field.
    fn names(&self) -> (FieldValue, FieldValue) {
        (
            self.remote.as_ref().unwrap().fields["LastName"].clone(),
            self.record().fields["name"].clone(),
        )
    }

    /// Values that lost, oldest first.
    fn lost(&self) -> Vec<(Side, FieldValue)> {
        self.history
            .iter()
            .filter_map(|change| change.lost.clone())
            .map(|lost| (lost.side, lost.value))
            .collect()
    }
}

/// The first field under a rule, and a phone under the ordinary one.
fn ruled(rule: SyncRule) -> Vec<FieldMapping> {
    let mut name = field("name", PartnerType::Text, "LastName");
    name.rule = rule;
    vec![name, field("phone", PartnerType::Phone, "Phone")]
}

const RULES: [SyncRule; 5] = [
    SyncRule::Salesforce,
    SyncRule::SalesforceUnlessBlank,
    SyncRule::Partner,
    SyncRule::PartnerUnlessBlank,
    SyncRule::MostRecent,
];

fn upsert(values: &[(&str, FieldValue)]) -> PartnerNewsKind {
    PartnerNewsKind::Upsert {
        fields: values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        owner: None,
    }
}

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

fn user(number: u8) -> SalesforceId {
    SalesforceId::parse(&format!("00500000000000{number}")).unwrap()
}

fn text(value: &str) -> FieldValue {
    FieldValue::Text(value.to_owned())
}

fn both(value: &str) -> (FieldValue, FieldValue) {
    (text(value), text(value))
}

fn codes(refusals: &[PartnerRefusal]) -> Vec<RefusalCode> {
    refusals.iter().map(|refusal| refusal.code).collect()
}

/// An edit heard of during a write.
fn noted(moment: i64, value: &str) -> Noted {
    Noted {
        at: at(moment),
        value: Some(text(value)),
    }
}
