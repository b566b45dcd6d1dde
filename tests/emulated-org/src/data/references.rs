//! References between records: that they lead somewhere, and what follows from them.

use super::Data;
use super::author::Authority;
use super::convert::refuse_converted;
use super::draft::{Fields, ParentKey};
use super::outcome::SaveError;
use super::row::Row;
use super::validate::wrong_target;
use super::write::Transaction;
use crate::access::is_queue_for;
use crate::id::RecordId;
use crate::schema::{Field, FieldType, Object, Schema};
use crate::value::Value;

/// The record that a nested external id names.
pub(super) fn resolve(data: &Data, parent: &ParentKey) -> Result<RecordId, SaveError> {
    let key_name = parent
        .parent
        .fields
        .get(parent.key_field)
        .map_or("Id", |field| field.name.as_str());
    let shown = match &parent.key {
        Value::Text(text) => text.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Id(id) => id.to_string(),
        _ => String::new(),
    };
    let table = data.table(&parent.parent.name);
    let holders = table
        .map(|table| table.holders(parent.key_field, &parent.key))
        .unwrap_or_default();
    match holders.as_slice() {
        [id] => Ok(*id),
        [] => Err(SaveError::new(
            "INVALID_FIELD",
            format!(
                "Foreign key external ID: {shown} not found for field {key_name} in entity {}",
                parent.parent.name
            ),
        )),
        _ => Err(SaveError::new(
            "DUPLICATE_EXTERNAL_ID",
            format!("More than one record found for external id field: {holders:?}"),
        )),
    }
}

/// Checks the references that a write sets or changes.
pub(super) fn check(
    transaction: &Transaction<'_>,
    object: &Object,
    fields: &Fields,
    before: Option<&Row>,
) -> Vec<SaveError> {
    if transaction.author.authority == Authority::Platform {
        // The first records of an organisation refer to each other in a circle.
        return Vec::new();
    }
    let changed = fields
        .iter()
        .filter(|(position, value)| before.is_none_or(|row| row.get(*position) != *value));
    let mut errors: Vec<SaveError> = changed
        .filter_map(|(position, value)| match (object.fields.get(position), value) {
            (Some(field), Value::Id(target)) if field.kind == FieldType::Reference => {
                check_target(transaction, object, field, *target).err()
            }
            _ => None,
        })
        .collect();
    if errors.is_empty() {
        errors.extend(lead_with_other(object, fields));
        errors.extend(before.and_then(|row| own_ancestor(transaction.data, object, fields, row.id())));
    }
    errors
}

/// A lead is about nothing else: a task or event of one has no `WhatId` (Object Reference, Task and Event; the
/// message is believed).
fn lead_with_other(object: &Object, fields: &Fields) -> Option<SaveError> {
    if !matches!(object.name.as_str(), "Task" | "Event") {
        return None;
    }
    let given = |name: &str| match fields.get(object.field(name)?.0) {
        Value::Id(id) => Some(*id),
        _ => None,
    };
    let (who, _) = given("WhoId").zip(given("WhatId"))?;
    (who.prefix() == LEAD_PREFIX).then(|| SaveError {
        code: "FIELD_INTEGRITY_EXCEPTION",
        message: "If WhoId refers to a lead, WhatId must be empty".to_owned(),
        fields: vec!["WhoId".to_owned(), "WhatId".to_owned()],
    })
}

/// An account cannot stand above itself (that it is refused is observed, code and message are believed).
fn own_ancestor(data: &Data, object: &Object, fields: &Fields, id: RecordId) -> Option<SaveError> {
    if object.name != "Account" {
        return None;
    }
    let (parent, _) = object.field("ParentId")?;
    let accounts = data.table(&object.name)?;
    let mut above = fields.get(parent);
    // Stored accounts form no circle, so the way up ends.
    while let Value::Id(ancestor) = above {
        if *ancestor == id {
            let message = "The parent account is this account or one below it";
            return Some(SaveError::of_field("CIRCULAR_DEPENDENCY", "ParentId", message));
        }
        above = accounts.get(ancestor)?.get(parent);
    }
    None
}

const LEAD_PREFIX: &str = "00Q";

/// Tasks and events belong to the account of what they are about, or else of whom.
pub(super) fn follow_activity(data: &Data, schema: &Schema, object: &Object, fields: &mut Fields) {
    if !matches!(object.name.as_str(), "Task" | "Event") {
        return;
    }
    let Some((account, _)) = object.field("AccountId") else {
        return;
    };
    let account_of = |reference: &str| {
        let (position, _) = object.field(reference)?;
        let Value::Id(target) = fields.get(position) else {
            return None;
        };
        let related = schema.object_by_prefix(target.prefix())?;
        if related.name == "Account" {
            return Some(Value::Id(*target));
        }
        let (of_related, _) = related.field("AccountId")?;
        Some(data.table(&related.name)?.get(target)?.get(of_related).clone()).filter(|value| !value.is_null())
    };
    let found = account_of("WhatId")
        .or_else(|| account_of("WhoId"))
        .unwrap_or(Value::Null);
    fields.set(account, found);
}

/// Whether a record lies in the recycle bin or is gone altogether.
pub(super) fn is_deleted(transaction: &Transaction<'_>, target: RecordId) -> bool {
    // Records of objects that this organisation does not hold cannot be deleted here.
    transaction.schema.object_by_prefix(target.prefix()).is_some()
        && transaction
            .data
            .find(transaction.schema, target)
            .is_none_or(Row::is_deleted)
}

/// Of the groups queues own records, each of the objects that it serves, while tasks may go to any group (Object
/// Reference, QueueSobject and Task; the message is the one that people report).
fn refuse_wrong_queue(data: &Data, object: &Object, field: &Field, group: RecordId) -> Result<(), SaveError> {
    if object.name == "Task" || is_queue_for(group, &object.name, data) {
        return Ok(());
    }
    let message = "Queue not associated with this SObject type";
    let code = if data.switches.wrong_queues_as_integrity_errors {
        "FIELD_INTEGRITY_EXCEPTION"
    } else {
        "INVALID_OPERATION"
    };
    Err(SaveError::of_field(code, &field.name, message))
}

fn check_target(
    transaction: &Transaction<'_>,
    object: &Object,
    field: &Field,
    target: RecordId,
) -> Result<(), SaveError> {
    let dangling = || {
        SaveError::of_field(
            "INVALID_CROSS_REFERENCE_KEY",
            &field.name,
            "invalid cross reference id",
        )
    };
    let Some(parent) = transaction.schema.object_by_prefix(target.prefix()) else {
        // A field may point to objects that this organisation does not hold, but never to a record of one.
        let points_beyond = field
            .reference_to
            .iter()
            .any(|name| transaction.schema.object(name).is_none());
        return Err(if points_beyond {
            dangling()
        } else {
            wrong_target(field, target.as_str())
        });
    };
    if !field
        .reference_to
        .iter()
        .any(|name| name.eq_ignore_ascii_case(&parent.name))
    {
        return Err(wrong_target(field, target.as_str()));
    }
    let table = transaction.data.table(&parent.name);
    let row = table.and_then(|table| table.get(&target)).ok_or_else(dangling)?;
    if row.is_deleted() {
        if transaction.data.switches.deleted_parents_as_unknown {
            return Err(dangling());
        }
        return Err(SaveError::of_field(
            "ENTITY_IS_DELETED",
            &field.name,
            "entity is deleted",
        ));
    }
    refuse_converted(parent, row)?;
    if parent.name == "Group" && field.name == "OwnerId" {
        refuse_wrong_queue(transaction.data, object, field, target)?;
    }
    let inactive = parent.name == "User"
        && field.name == "OwnerId"
        && parent
            .field("IsActive")
            .is_some_and(|(position, _)| row.get(position) == &Value::Boolean(false));
    if inactive {
        let message = format!(
            "operation performed with inactive user [{}] as owner of {}",
            target.as_str15(),
            object.name.to_lowercase()
        );
        return Err(SaveError::of_field(
            "INACTIVE_OWNER_OR_USER",
            &field.name,
            message,
        ));
    }
    Ok(())
}
