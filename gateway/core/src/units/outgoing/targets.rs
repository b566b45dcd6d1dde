//! What has to be read in Salesforce before a write, and what was found put beside the links.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;

use crate::decide::write::sent_identity;
use crate::decide::{Identity, Incoming, LinkState, RecordState, Snapshot, Target};
use crate::id::{LinkId, SalesforceId};
use crate::mapping::convert::to_salesforce;
use crate::mapping::{FieldPlan, MappingPlan};
use crate::record::FieldValue;
use crate::units::outgoing::{Batch, Item};

/// What has to be read in Salesforce for a batch. Every reading carries the plan's
/// [fields](MappingPlan::salesforce_fields).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lookups {
    /// By Id. Those that are not shown are asked for once more among the deleted ones (`queryAll`), with `IsDeleted`
    /// and, where the object may be merged, `MasterRecordId`.
    pub by_id: Vec<SalesforceId>,
    /// By the values of the plan's external id field, deleted records among them (`queryAll`).
    pub by_external_id: Vec<String>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Answers to [`Lookups::by_id`].
    pub by_id: Vec<Incoming>,
    /// Answers to [`Lookups::by_external_id`].
    pub by_external_id: Vec<Incoming>,
    /// Live records that carry one of [`Batch::identities`].
    pub by_identity: Vec<Incoming>,
}

impl Batch {
    /// What has to be read first.
    pub fn lookups(&self) -> Lookups {
        let mut by_id = BTreeSet::new();
        let mut by_external_id = BTreeSet::new();
        for item in &self.items {
            match item.link.salesforce_id {
                Some(id) => {
                    by_id.insert(id);
                }
                None => by_external_id.extend(self.external_id(item)),
            }
        }
        Lookups {
            by_id: by_id.into_iter().collect(),
            by_external_id: by_external_id.into_iter().collect(),
        }
    }

    /// The Salesforce field by which records are recognised, with the values to look for: those of records that are
    /// to be made and were not found by their external id. One that may have been made without an external id is looked
    /// for by what was sent. They are asked for after the other look-ups.
    pub fn identities(&self, found: &Found) -> Option<(&FieldPlan, Vec<FieldValue>)> {
        let field = self.plan.field(self.plan.identity?)?;
        let by_external_id = by_external_id(found);
        let mut values: Vec<FieldValue> = Vec::new();
        for item in self.items.iter().filter(|item| item.link.salesforce_id.is_none()) {
            let known = self
                .external_id(item)
                .is_some_and(|id| by_external_id.contains_key(&id));
            let value = match self.sent(item) {
                Some(sent) => sent.cloned(),
                None => item
                    .record
                    .as_ref()
                    .filter(|_| !known)
                    .and_then(|record| carried(field, record)),
            };
            values.extend(value.filter(|value| !values.contains(value)));
        }
        (!values.is_empty()).then_some((field, values))
    }

    /// The target of each link.
    pub fn targets(&self, found: &Found) -> BTreeMap<LinkId, Target> {
        let by_id: HashMap<SalesforceId, &Incoming> = found
            .by_id
            .iter()
            .map(|incoming| (incoming.salesforce_id(), incoming))
            .collect();
        let by_external_id = by_external_id(found);
        let by_identity = by_identity(&self.plan, found);
        self.items
            .iter()
            .map(|item| {
                let target = match item.link.salesforce_id {
                    Some(id) => by_id
                        .get(&id)
                        .map_or(Target::OutOfSight, |incoming| target(incoming)),
                    None => self.unmade(item, &by_external_id, &by_identity),
                };
                (item.link.id, after(&item.link, target))
            })
            .collect()
    }

    fn unmade(
        &self,
        item: &Item,
        by_external_id: &HashMap<String, &Incoming>,
        by_identity: &HashMap<Identity, Vec<&Snapshot>>,
    ) -> Target {
        let made = self
            .external_id(item)
            .and_then(|id| by_external_id.get(&id).copied());
        if let Some(incoming) = made {
            return target(incoming);
        }
        let identity = match self.sent(item) {
            Some(sent) => sent.and_then(|sent| Identity::of_salesforce(&self.plan, sent)),
            None => item
                .record
                .as_ref()
                .and_then(|record| Identity::of_fields(&self.plan, &record.fields)),
        };
        match identity
            .and_then(|identity| by_identity.get(&identity))
            .map(Vec::as_slice)
        {
            None | Some([]) => Target::Missing,
            Some([one]) => Target::Present((*one).clone()),
            Some(several) => {
                let mut ids: Vec<SalesforceId> =
                    several.iter().map(|snapshot| snapshot.salesforce_id).collect();
                ids.sort_unstable();
                Target::Ambiguous(ids)
            }
        }
    }

    /// The identity value that a create without an external id may have put into Salesforce: the partner may have
    /// edited its own since. None: no such create is in flight.
    fn sent<'i>(&self, item: &'i Item) -> Option<Option<&'i FieldValue>> {
        let flight = item.link.outgoing.in_flight.as_ref()?;
        sent_identity(&self.plan, flight)
    }

    /// The external id under which an item's record is, or will be, in Salesforce.
    pub(super) fn external_id(&self, item: &Item) -> Option<String> {
        external_id(self, &item.link)
    }
}

/// The external id under which a link's record is, or will be, in Salesforce.
pub(super) fn external_id(batch: &Batch, link: &LinkState) -> Option<String> {
    batch.plan.external_id.as_ref()?;
    Some(MappingPlan::external_id_of(
        batch.connection,
        link.record?,
        link.outgoing.generation,
    ))
}

/// A reading as a target.
pub fn target(incoming: &Incoming) -> Target {
    match incoming {
        Incoming::Present(snapshot) => Target::Present(snapshot.clone()),
        Incoming::Deleted {
            salesforce_id,
            version,
            merged,
            ..
        } => Target::Deleted {
            salesforce_id: *salesforce_id,
            version: *version,
            merged: *merged,
        },
    }
}

/// A reading that was made for a link is newer than what the link knows, whatever Salesforce's clock shows: the `Date`
/// of an answer has whole seconds.
pub(super) fn after(link: &LinkState, mut target: Target) -> Target {
    if let Target::Present(Snapshot { version, .. }) | Target::Deleted { version, .. } = &mut target {
        let seen = link.version;
        if version.modstamp == seen.modstamp && version.observed <= seen.observed {
            version.observed = seen.observed + TimeDelta::microseconds(1);
        }
    }
    target
}

/// Records by external id; a live one before deleted ones, and the last deleted before the others.
fn by_external_id(found: &Found) -> HashMap<String, &Incoming> {
    let mut by_external_id: HashMap<String, &Incoming> = HashMap::new();
    let rank = |incoming: &Incoming| (matches!(incoming, Incoming::Present(_)), incoming.version());
    for incoming in &found.by_external_id {
        let id = match incoming {
            Incoming::Present(snapshot) => snapshot.external_id.clone().flatten(),
            Incoming::Deleted { external_id, .. } => external_id.clone(),
        };
        let Some(id) = id.map(|id| id.to_lowercase()) else {
            continue;
        };
        let best = by_external_id.entry(id).or_insert(incoming);
        if rank(incoming) > rank(best) {
            *best = incoming;
        }
    }
    by_external_id
}

fn by_identity<'f>(plan: &MappingPlan, found: &'f Found) -> HashMap<Identity, Vec<&'f Snapshot>> {
    let mut by_identity: HashMap<Identity, Vec<&Snapshot>> = HashMap::new();
    for incoming in &found.by_identity {
        if let Incoming::Present(snapshot) = incoming
            && let Some(identity) = Identity::of_snapshot(plan, snapshot)
        {
            by_identity.entry(identity).or_default().push(snapshot);
        }
    }
    by_identity
}

/// The Salesforce value by which a partner's record is looked for. One that cannot cross is nowhere to be found.
fn carried(field: &FieldPlan, record: &RecordState) -> Option<FieldValue> {
    let value = record.fields.get(&field.partner)?;
    Identity::of_value(value)?;
    to_salesforce(field, value).ok().filter(|value| !value.is_blank())
}

#[cfg(test)]
mod tests;
