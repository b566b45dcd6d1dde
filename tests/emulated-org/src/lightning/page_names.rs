//! What record pages call fields: by the record that a field leads to, where its own label speaks of an id.
//!
//! Source: User Interface API Developer Guide, Record Layout: the item of `OwnerId` is labelled "Account Owner", its
//! component "Owner ID"; Salesforce Fields Reference, the labels of `AccountId`, `ReportsToId` and `CreatedById`.

use super::translations::Words;
use crate::schema::{Field, FieldType, Object, Schema};

/// What a page calls a field.
pub(super) fn page_name(words: &Words<'_>, schema: &Schema, object: &Object, field: &Field) -> String {
    let own = words.field(object, field);
    if field.custom || field.kind != FieldType::Reference {
        return own;
    }
    match (field.name.as_str(), object.name.as_str()) {
        ("OwnerId", "Task" | "Event") => "Assigned To".to_owned(),
        ("OwnerId", _) if object.custom => "Owner".to_owned(),
        ("OwnerId", _) => format!("{} Owner", words.object(object, false)),
        ("AccountId", _) => schema
            .object("Account")
            .and_then(|account| account.name_field().map(|(_, name)| words.field(account, name)))
            .unwrap_or(own),
        _ => own.strip_suffix(" ID").unwrap_or(&own).to_owned(),
    }
}
