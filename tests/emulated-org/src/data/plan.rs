//! What a write of one object needs to know, worked out once from its metadata.

use serde_json::Value as Json;

use crate::schema::{Field, FieldType, Object};
use crate::value::Value;

/// Positions of the fields that the organisation fills itself, defaults, and required fields.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub id: usize,
    pub is_deleted: Option<usize>,
    pub created_date: Option<usize>,
    pub created_by: Option<usize>,
    pub last_modified_date: Option<usize>,
    pub last_modified_by: Option<usize>,
    pub system_modstamp: Option<usize>,
    pub owner: Option<usize>,
    pub required: Vec<usize>,
    pub defaults: Vec<(usize, Value)>,
    pub auto_numbers: Vec<usize>,
    pub unique: Vec<usize>,
    /// First name, middle name, last name and suffix of a person whose `Name` is made of them.
    pub name_parts: Option<NameParts>,
}

#[derive(Clone, Debug)]
pub(super) struct NameParts {
    pub name: usize,
    pub parts: Vec<usize>,
}

impl Plan {
    pub fn of(object: &Object) -> Self {
        let at = |name: &str| object.field(name).map(|(position, _)| position);
        let positions = |wanted: fn(&Field) -> bool| {
            object
                .fields
                .iter()
                .enumerate()
                .filter(|(_, field)| wanted(field))
                .map(|(position, _)| position)
                .collect()
        };
        let defaults = object
            .fields
            .iter()
            .enumerate()
            .filter(|(_, field)| !is_system(field))
            .filter_map(|(position, field)| Some((position, default_of(field)?)))
            .collect();
        // People's names are made of parts; where Name itself can be written it stands alone.
        let name_parts = object
            .field("Name")
            .filter(|(_, name)| !name.createable && at("LastName").is_some())
            .map(|(name, _)| NameParts {
                name,
                parts: ["FirstName", "MiddleName", "LastName", "Suffix"]
                    .into_iter()
                    .filter_map(at)
                    .collect(),
            });
        Self {
            id: at("Id").unwrap_or_default(),
            is_deleted: at("IsDeleted"),
            created_date: at("CreatedDate"),
            created_by: at("CreatedById"),
            last_modified_date: at("LastModifiedDate"),
            last_modified_by: at("LastModifiedById"),
            system_modstamp: at("SystemModstamp"),
            owner: at("OwnerId"),
            required: positions(Field::required_on_create),
            defaults,
            auto_numbers: positions(|field| field.auto_number),
            unique: positions(|field| field.unique),
            name_parts,
        }
    }
}

/// Fields that come from the clock and the user alone.
fn is_system(field: &Field) -> bool {
    matches!(
        field.name.as_str(),
        "Id" | "IsDeleted"
            | "CreatedDate"
            | "CreatedById"
            | "LastModifiedDate"
            | "LastModifiedById"
            | "SystemModstamp"
    )
}

fn default_of(field: &Field) -> Option<Value> {
    if field.kind == FieldType::Boolean && !field.calculated {
        return Some(Value::Boolean(matches!(
            field.default_value,
            Some(Json::Bool(true))
        )));
    }
    let chosen = field
        .picklist_values
        .iter()
        .find(|value| value.default_value && value.active);
    if let Some(chosen) = chosen {
        return Some(Value::text(chosen.value.as_str()));
    }
    match field.default_value.as_ref()? {
        Json::String(text) if field.kind.is_text() => Some(Value::text(text.as_str())),
        Json::Number(number) if field.kind.is_number() => number.to_string().parse().ok().map(Value::Number),
        _ => None,
    }
}
