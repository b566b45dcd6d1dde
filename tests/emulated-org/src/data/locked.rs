//! Which records a write locks.

use std::collections::BTreeSet;

use super::Data;
use super::draft::Draft;
use super::operation::Operation;
use super::row::Row;
use crate::id::RecordId;
use crate::schema::{FieldType, Object};
use crate::value::Value;

/// The records that Salesforce locks for a write: the record itself, the parents that the write names, and the
/// account of what it changes.
///
/// Source: Record Locking Cheat Sheet (Salesforce Developers): contacts, opportunities, tasks and events lock
/// their account on every write, look-ups to other objects lock their target when they are set or changed.
pub(crate) fn locked_by(data: &Data, operation: &Operation) -> BTreeSet<RecordId> {
    let mut locked = BTreeSet::new();
    match operation {
        Operation::Create { object, draft } => parents_given(data, object, draft, &mut locked),
        Operation::Update { object, id, draft } => {
            parents_given(data, object, draft, &mut locked);
            itself(data, object, *id, &mut locked);
        }
        Operation::Upsert {
            object,
            key_field,
            key,
            draft,
            ..
        } => {
            parents_given(data, object, draft, &mut locked);
            let table = data.table(&object.name);
            for id in table
                .map(|table| table.holders(*key_field, key))
                .unwrap_or_default()
            {
                itself(data, object, id, &mut locked);
            }
        }
        Operation::Delete { object, id }
        | Operation::Undelete { object, id }
        | Operation::HardDelete { object, id } => itself(data, object, *id, &mut locked),
        Operation::Merge {
            object,
            master,
            losers,
            ..
        } => {
            for id in losers.iter().chain([master]) {
                itself(data, object, *id, &mut locked);
            }
        }
        Operation::ConvertLead { lead, conversion } => {
            locked.insert(*lead);
            locked.extend(conversion.account);
            locked.extend(conversion.contact);
        }
    }
    locked
}

fn itself(data: &Data, object: &Object, id: RecordId, locked: &mut BTreeSet<RecordId>) {
    locked.insert(id);
    let row = data.table(&object.name).and_then(|table| table.get(&id));
    let account = |row: &Row| match row.get(object.field("AccountId")?.0) {
        Value::Id(account) => Some(*account),
        _ => None,
    };
    locked.extend(row.and_then(account));
}

fn parents_given(data: &Data, object: &Object, draft: &Draft, locked: &mut BTreeSet<RecordId>) {
    /// Users, profiles and record types are configuration, which a write does not lock.
    const NEVER_LOCKED: [&str; 3] = ["005", "00e", "012"];
    let mut lock = |id: RecordId| {
        if !NEVER_LOCKED.contains(&id.prefix()) {
            locked.insert(id);
        }
    };
    for (position, value) in &draft.values {
        let is_reference = object
            .fields
            .get(*position)
            .is_some_and(|field| field.kind == FieldType::Reference);
        if let (true, Value::Id(id)) = (is_reference, value) {
            lock(*id);
        }
    }
    for parent in &draft.parents {
        let table = data.table(&parent.parent.name);
        let holders = table.map(|table| table.holders(parent.key_field, &parent.key));
        holders.unwrap_or_default().into_iter().for_each(&mut lock);
    }
}
