//! Rules over a whole record, or over all records of one request.

use std::collections::{BTreeSet, HashSet};

use super::draft::Fields;
use super::index::key_of;
use super::outcome::SaveError;
use super::plan::Plan;
use super::row::Row;
use super::table::Table;
use super::write::Operation;
use crate::schema::Object;
use crate::value::Value;

/// The required fields that have no value and were not refused for a wrong one. Fields that have a default on
/// create are among them only where this write `given` them as null.
pub(super) fn required_but_null(
    object: &Object,
    plan: &Plan,
    fields: &Fields,
    given: &BTreeSet<usize>,
    refused: &[SaveError],
) -> Option<SaveError> {
    let cleared = given
        .iter()
        .filter(|position| !plan.required.contains(position))
        .filter(|position| object.fields.get(**position).is_some_and(|field| !field.nillable));
    let missing: Vec<String> = plan
        .required
        .iter()
        .chain(cleared)
        .filter(|position| fields.get(**position).is_null())
        .filter_map(|position| object.fields.get(*position))
        .filter(|field| !refused.iter().any(|error| error.fields.contains(&field.name)))
        .map(|field| field.name.clone())
        .collect();
    (!missing.is_empty()).then(|| SaveError {
        code: "REQUIRED_FIELD_MISSING",
        message: format!("Required fields are missing: [{}]", missing.join(", ")),
        fields: missing,
    })
}

/// A value of a unique field that another record holds. `before` is the row as it was, for updates.
pub(super) fn duplicate(
    table: &Table,
    plan: &Plan,
    fields: &Fields,
    before: Option<&Row>,
) -> Option<SaveError> {
    plan.unique.iter().find_map(|position| {
        let field = table.object.fields.get(*position)?;
        let value = fields.get(*position);
        let holder = table.find_by_key(*position, value)?.iter().find(|id| before.is_none_or(|row| row.id() != **id))?;
        if field.name == "Username" {
            let message = "Duplicate Username.<br>The username already exists in this or another Salesforce \
                           organization. Usernames must be unique across all Salesforce organizations. To resolve, \
                           use a different username (it doesn't need to match the user's email address). ";
            return Some(SaveError::of_field("DUPLICATE_USERNAME", &field.name, message));
        }
        let message = format!(
            "duplicate value found: {} duplicates value on record with id: {}",
            field.name,
            holder.as_str15()
        );
        Some(SaveError::of_field("DUPLICATE_VALUE", &field.name, message))
    })
}

/// Refuses the second mention of one record in one request.
pub(super) fn refuse_repetition(operation: &Operation, seen: &mut HashSet<String>) -> Result<(), SaveError> {
    let (mention, message) = match operation {
        Operation::Update { id, .. } => (
            id.to_string(),
            format!("duplicate id specified: {}", id.as_str15()),
        ),
        Operation::Upsert { key: Value::Null, .. } | Operation::Create { .. } | Operation::Delete { .. } => {
            return Ok(());
        }
        Operation::Upsert {
            object,
            key_field,
            key,
            ..
        } => {
            let Some(field) = object.fields.get(*key_field) else {
                return Ok(());
            };
            let Some(key) = key_of(field, key) else {
                return Ok(());
            };
            let message = format!("Duplicate external id specified: {key}");
            (format!("{} {key_field} {key}", object.name), message)
        }
    };
    if seen.insert(mention) {
        Ok(())
    } else {
        Err(SaveError::new("DUPLICATE_VALUE", message))
    }
}
