//! What the references of records lead to, and which records took the place of others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_core::decide::LinkStatus;
use causeway_core::id::{ConnectionId, MappingId, RecordId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::records::StoredRecord;
use causeway_core::ports::{StoreError, Transaction};
use causeway_core::record::FieldValue;

/// How many records in a row may have taken each other's place.
const SUCCESSIONS: usize = 8;

/// What references lead to. A reference to a record that is not here is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    behind: BTreeMap<SalesforceId, (String, RecordId)>,
    unmade: BTreeMap<RecordId, (String, Option<SalesforceId>)>,
    last_in_line: BTreeMap<SalesforceId, SalesforceId>,
}

impl References {
    /// What these records refer to.
    pub(super) fn of(
        tx: &mut dyn Transaction,
        connection: ConnectionId,
        records: &[StoredRecord],
    ) -> Result<References, StoreError> {
        let mut found = References::default();
        let (mut targets, mut unmade) = (BTreeSet::new(), BTreeSet::new());
        for value in records.iter().flat_map(|record| record.fields.values()) {
            match value {
                FieldValue::Reference(id) => drop(targets.insert(*id)),
                FieldValue::Record(id) => drop(unmade.insert(*id)),
                _ => {}
            }
        }
        let successors: BTreeSet<SalesforceId> =
            records.iter().filter_map(|record| record.successor).collect();
        targets.extend(&successors);
        found.look_behind(tx, connection, &targets)?;
        if !unmade.is_empty() {
            let plans = tx.plans(connection)?;
            let unmade: Vec<RecordId> = unmade.into_iter().collect();
            for (record, linked) in tx.links_of(connection, &unmade)? {
                if let Some(object) = object_of(&plans, linked.mapping) {
                    found
                        .unmade
                        .insert(record, (object.to_owned(), linked.link.salesforce_id));
                }
            }
        }
        if !successors.is_empty() {
            found.follow(tx, connection, &successors)?;
        }
        Ok(found)
    }

    /// The partner record behind a Salesforce id: its object and number.
    pub fn find(&self, id: SalesforceId) -> Option<(&str, RecordId)> {
        self.behind
            .get(&id)
            .map(|(object, record)| (object.as_str(), *record))
    }

    /// A partner record that was not in Salesforce when it was referred to: its object, and its Salesforce record by
    /// now.
    pub fn unmade(&self, id: RecordId) -> Option<(&str, Option<SalesforceId>)> {
        self.unmade
            .get(&id)
            .map(|(object, salesforce)| (object.as_str(), *salesforce))
    }

    /// The record that stands for a successor now, since the successor itself may have been merged or converted.
    pub fn last_in_line(&self, successor: SalesforceId) -> SalesforceId {
        self.last_in_line.get(&successor).copied().unwrap_or(successor)
    }

    fn look_behind(
        &mut self,
        tx: &mut dyn Transaction,
        connection: ConnectionId,
        ids: &BTreeSet<SalesforceId>,
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids: Vec<SalesforceId> = ids.iter().copied().collect();
        for (id, object, record) in tx.records_behind(connection, &ids)? {
            self.behind.entry(id).or_insert((object, record));
        }
        Ok(())
    }

    fn follow(
        &mut self,
        tx: &mut dyn Transaction,
        connection: ConnectionId,
        successors: &BTreeSet<SalesforceId>,
    ) -> Result<(), StoreError> {
        let plans = tx.plans(connection)?;
        let mut places: BTreeMap<SalesforceId, SalesforceId> =
            successors.iter().map(|id| (*id, *id)).collect();
        for _ in 0..SUCCESSIONS {
            let open: BTreeSet<SalesforceId> = places
                .values()
                .filter(|id| !self.behind.contains_key(*id))
                .copied()
                .collect();
            let next = next_in_line(tx, connection, &plans, &open)?;
            if next.is_empty() {
                break;
            }
            for place in places.values_mut() {
                *place = next.get(place).copied().unwrap_or(*place);
            }
            self.look_behind(tx, connection, &next.into_values().collect())?;
        }
        self.last_in_line = places;
        Ok(())
    }
}

/// What took the place of each of these records.
fn next_in_line(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    plans: &[Arc<MappingPlan>],
    ids: &BTreeSet<SalesforceId>,
) -> Result<BTreeMap<SalesforceId, SalesforceId>, StoreError> {
    let mut next = BTreeMap::new();
    if ids.is_empty() {
        return Ok(next);
    }
    let ids: Vec<SalesforceId> = ids.iter().copied().collect();
    for plan in plans {
        for (id, linked) in tx.linked(connection, plan.mapping, &ids)? {
            let place = match linked.link.status {
                LinkStatus::Merged { into } => Some(into),
                LinkStatus::Converted { to } => to.contact.or(to.account),
                _ => None,
            };
            next.extend(place.map(|place| (id, place)));
        }
    }
    Ok(next)
}

fn object_of(plans: &[Arc<MappingPlan>], mapping: MappingId) -> Option<&str> {
    plans
        .iter()
        .find(|plan| plan.mapping == mapping)
        .map(|plan| plan.partner_object.as_str())
}
