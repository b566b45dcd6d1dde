//! Rules over a whole record, or over all records of one request.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::draft::Fields;
use super::index::key_of;
use super::operation::Operation;
use super::outcome::SaveError;
use super::plan::Plan;
use super::row::Row;
use super::table::Table;
use crate::id::RecordId;
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
        .filter(|field| field.name != "ProfileId" || !is_automated_process(object, fields))
        .map(|field| field.name.clone())
        .collect();
    (!missing.is_empty()).then(|| SaveError {
        code: "REQUIRED_FIELD_MISSING",
        message: format!("Required fields are missing: [{}]", missing.join(", ")),
        fields: missing,
    })
}

/// The user of event triggers has no profile, whatever the describe says of the field.
fn is_automated_process(object: &Object, fields: &Fields) -> bool {
    let kind = object.field("UserType").map(|(position, _)| fields.get(position));
    object.name == "User" && kind == Some(&Value::text("AutomatedProcess"))
}

/// A value of a unique field that another record holds. `before` is the row as it was, for updates.
pub(super) fn duplicate(
    table: &Table,
    plan: &Plan,
    fields: &Fields,
    before: Option<&Row>,
    names_record: bool,
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
        let (name, id) = if names_record {
            (field.name.as_str(), holder.as_str15())
        } else {
            ("<unknown>", "<unknown>")
        };
        let message = format!("duplicate value found: {name} duplicates value on record with id: {id}");
        Some(SaveError::of_field("DUPLICATE_VALUE", &field.name, message))
    })
}

/// The mentions of records in one request, none of which may come twice: of an id the second is refused, of an
/// external id every one (that all rows that share a key are refused is reported by clients).
#[derive(Debug, Default)]
pub(super) struct Mentions {
    ids: HashSet<RecordId>,
    keys: HashMap<String, usize>,
}

impl Mentions {
    /// Counts the external ids of a request.
    pub fn of<'o>(operations: impl Iterator<Item = &'o Operation>) -> Self {
        let mut mentions = Self::default();
        for operation in operations {
            if let Some((key, _)) = upsert_key(operation) {
                *mentions.keys.entry(key).or_default() += 1;
            }
        }
        mentions
    }

    /// Refuses an operation whose record is mentioned elsewhere in the request.
    pub fn refuse_repetition(&mut self, operation: &Operation) -> Result<(), SaveError> {
        let message = match operation {
            Operation::Update { id, .. } if !self.ids.insert(*id) => {
                format!("duplicate id specified: {}", id.as_str15())
            }
            _ => match upsert_key(operation) {
                Some((key, shown)) if self.keys.get(&key).is_some_and(|mentions| *mentions > 1) => {
                    format!("Duplicate external id specified: {shown}")
                }
                _ => return Ok(()),
            },
        };
        Err(SaveError::new("DUPLICATE_VALUE", message))
    }
}

/// What an upsert finds its record by: as a key over all objects and fields, and as messages show it.
fn upsert_key(operation: &Operation) -> Option<(String, Box<str>)> {
    let Operation::Upsert {
        object,
        key_field,
        key,
        ..
    } = operation
    else {
        return None;
    };
    let shown = key_of(object.fields.get(*key_field)?, key)?;
    Some((format!("{} {key_field} {shown}", object.name), shown))
}
