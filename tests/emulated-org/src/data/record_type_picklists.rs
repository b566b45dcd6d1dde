//! Picklists by record type: which values a record of a type may have, and which it gets.
//!
//! Source: Salesforce Metadata API Developer Guide, `RecordType`, `picklistValues`. That restricted picklists alone
//! refuse what the type has not, and in the same words as what the picklist has not, is believed.

use std::collections::BTreeSet;

use super::draft::Fields;
use super::outcome::SaveError;
use super::row::Row;
use crate::schema::{FieldType, Object, RecordTypePicklist};
use crate::value::Value;

/// Gives a new record the defaults of its type where it was given nothing.
pub(super) fn fill_defaults(object: &Object, given: &BTreeSet<usize>, fields: &mut Fields) {
    for (position, picklist) in picklists(object, fields) {
        let default = picklist.values.iter().find(|value| value.default);
        if let Some(default) = default
            && fields.get(position).is_null()
            && !given.contains(&position)
        {
            fields.set(position, Value::text(default.name()));
        }
    }
}

/// The values that the record's type does not have, among those that this write sets.
pub(super) fn unavailable(object: &Object, fields: &Fields, before: Option<&Row>) -> Vec<SaveError> {
    let mut errors = Vec::new();
    for (position, picklist) in picklists(object, fields) {
        let Some(field) = object
            .fields
            .get(position)
            .filter(|field| field.restricted_picklist)
        else {
            continue;
        };
        let value = fields.get(position);
        let Value::Text(text) = value else { continue };
        if before.is_some_and(|row| row.get(position) == value) {
            continue;
        }
        let chosen: Vec<&str> = match field.kind {
            FieldType::Multipicklist => text.split(';').collect(),
            _ => vec![text],
        };
        let wrong = chosen
            .into_iter()
            .find(|choice| !picklist.values.iter().any(|value| value.name() == *choice));
        if let Some(wrong) = wrong {
            let message = format!(
                "{}: bad value for restricted picklist field: {wrong}",
                field.label
            );
            errors.push(SaveError::of_field(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                &field.name,
                message,
            ));
        }
    }
    errors
}

/// The picklists of the record's type, with the positions of their fields.
fn picklists<'o>(object: &'o Object, fields: &Fields) -> Vec<(usize, &'o RecordTypePicklist)> {
    let record_type = object
        .field("RecordTypeId")
        .map(|(position, _)| fields.get(position));
    let Some(Value::Id(record_type)) = record_type else {
        return Vec::new();
    };
    let of_type = object.record_type_picklists.get(record_type);
    of_type
        .into_iter()
        .flatten()
        .filter_map(|picklist| Some((object.field(&picklist.picklist)?.0, picklist)))
        .collect()
}
