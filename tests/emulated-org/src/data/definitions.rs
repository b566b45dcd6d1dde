//! What the organisation says of its own objects and fields: the rows of `EntityDefinition` and `FieldDefinition`.
//!
//! They follow the metadata and are written by nobody. Others refer to them by their durable ids, which are texts.
//! Source: Tooling API Reference, EntityDefinition and FieldDefinition ("DurableId": the name of what is standard, an
//! id for what is custom). Columns that the metadata here does not decide are left out.

use std::sync::Arc;

use super::Data;
use super::row::{Row, Stamp};
use super::table::Table;
use crate::id::RecordId;
use crate::schema::{Field, Object, Schema};
use crate::value::Value;

/// The object of objects.
pub const ENTITIES: &str = "EntityDefinition";
/// The object of fields.
pub const FIELDS: &str = "FieldDefinition";

/// Whether rows of an object are made of the metadata.
#[must_use]
pub fn is_definition(object: &str) -> bool {
    object == ENTITIES || object == FIELDS
}

/// Whether a field holds the durable id of a row of a definition instead of an id.
#[must_use]
pub fn holds_durable_id(field: &Field) -> bool {
    field.reference_to.iter().any(|target| is_definition(target))
}

/// The durable id of an object.
#[must_use]
pub fn durable_id(object: &Object, pod: u16) -> String {
    if !object.custom {
        return object.name.clone();
    }
    id_of("01I", pod, serial(object, 0)).unwrap_or_else(|| object.name.clone())
}

/// The durable id of the field at a position of an object.
#[must_use]
pub fn durable_field_id(object: &Object, position: usize, pod: u16) -> Option<String> {
    let field = object.fields.get(position)?;
    let own = if field.custom {
        id_of("00N", pod, serial(object, position))?
    } else {
        field.name.clone()
    };
    Some(format!("{}.{own}", durable_id(object, pod)))
}

/// The first fifteen characters, as these ids are written.
fn id_of(prefix: &str, pod: u16, serial: u64) -> Option<String> {
    let id = RecordId::from_serial(prefix, pod, serial)?;
    id.as_str().get(..15).map(str::to_owned)
}

/// A number that stays as long as the object does: its key prefix is its own, and fields keep their positions.
fn serial(object: &Object, position: usize) -> u64 {
    let own = object
        .key_prefix
        .bytes()
        .fold(0_u64, |number, byte| number << 7 | u64::from(byte));
    own * 1_000 + u64::try_from(position).unwrap_or_default()
}

impl Data {
    /// Makes the rows of the definitions anew.
    pub(super) fn define(&mut self, schema: &Schema) {
        let (Some(entities), Some(fields)) = (schema.object(ENTITIES), schema.object(FIELDS)) else {
            return;
        };
        let pod = self.pod;
        let defined = || schema.objects().filter(|object| !is_definition(&object.name));
        let objects = defined().map(|object| entity(object, pod));
        self.replace(entities, schema, objects.collect());
        let all = defined().flat_map(|object| {
            let each = object.fields.iter().enumerate();
            each.filter_map(|(position, field)| definition(object, position, field, pod))
        });
        self.replace(fields, schema, all.collect());
    }

    fn replace(&mut self, object: &Arc<Object>, schema: &Schema, rows: Vec<Vec<(&'static str, Value)>>) {
        let mut table = Table::new(Arc::clone(object), schema, 1);
        let stamp: Arc<Stamp> = Arc::new([]);
        for (values, serial) in rows.into_iter().zip(1..) {
            let Some(id) = RecordId::from_serial(&object.key_prefix, self.pod, serial) else {
                continue;
            };
            let values = values
                .into_iter()
                .filter_map(|(name, value)| Some((object.field(name)?.0, value)));
            table.put(Arc::new(Row::new(
                id,
                false,
                values.collect(),
                Arc::clone(&stamp),
            )));
        }
        let key = object.name.to_ascii_lowercase();
        if let Some(before) = self.tables.get(&key) {
            table.count_on_from(before);
        }
        self.tables.insert(key, table);
    }

    /// The row that a durable id in a field names.
    #[must_use]
    pub fn defined(&self, field: &Field, durable: &Value) -> Option<RecordId> {
        let mut targets = field.reference_to.iter().filter(|target| is_definition(target));
        let table = self.table(targets.next()?)?;
        let (position, _) = table.object.field("DurableId")?;
        table.find_by_key(position, durable)?.first().copied()
    }
}

fn entity(object: &Object, pod: u16) -> Vec<(&'static str, Value)> {
    let name = object.name.as_str();
    vec![
        ("DurableId", Value::text(durable_id(object, pod))),
        ("QualifiedApiName", Value::text(name)),
        ("DeveloperName", Value::text(without_suffix(name))),
        ("MasterLabel", Value::text(object.label.as_str())),
        ("Label", Value::text(object.label.as_str())),
        ("PluralLabel", Value::text(object.label_plural.as_str())),
        ("KeyPrefix", Value::text(object.key_prefix.as_str())),
        ("IsCustomSetting", Value::Boolean(object.custom_setting)),
        (
            "IsDeprecatedAndHidden",
            Value::Boolean(object.deprecated_and_hidden),
        ),
        ("IsReplicateable", Value::Boolean(object.replicateable)),
        ("IsRetrieveable", Value::Boolean(object.retrieveable)),
        ("IsSearchable", Value::Boolean(object.searchable)),
        ("IsLayoutable", Value::Boolean(object.layoutable)),
        ("IsApexTriggerable", Value::Boolean(object.triggerable)),
        ("IsTriggerable", Value::Boolean(object.triggerable)),
        ("IsQueryable", Value::Boolean(object.queryable)),
    ]
}

/// None for the parts of compound fields, which have no definition of their own.
fn definition(
    object: &Object,
    position: usize,
    field: &Field,
    pod: u16,
) -> Option<Vec<(&'static str, Value)>> {
    if field.compound_field_name.is_some() && !field.name_field {
        return None;
    }
    let name = field.name.as_str();
    // `OwnerId` is the field Owner.
    let developer = match &field.relationship_name {
        Some(relationship) if !field.custom => relationship.as_str(),
        _ => without_suffix(name),
    };
    let relationship = field.relationship_name.as_deref();
    let number = |number: u32| Value::Number(number.into());
    Some(vec![
        ("DurableId", Value::text(durable_field_id(object, position, pod)?)),
        ("QualifiedApiName", Value::text(name)),
        ("EntityDefinitionId", Value::text(durable_id(object, pod))),
        ("DeveloperName", Value::text(developer)),
        ("MasterLabel", Value::text(field.label.as_str())),
        ("Label", Value::text(field.label.as_str())),
        ("Length", number(field.length)),
        ("Precision", number(field.precision.into())),
        ("Scale", number(field.scale.into())),
        ("RelationshipName", relationship.map_or(Value::Null, Value::text)),
        ("IsCalculated", Value::Boolean(field.calculated)),
        ("IsHtmlFormatted", Value::Boolean(field.html_formatted)),
        ("IsNameField", Value::Boolean(field.name_field)),
        ("IsNillable", Value::Boolean(field.nillable)),
        ("IsApiFilterable", Value::Boolean(field.filterable)),
        ("IsApiGroupable", Value::Boolean(field.groupable)),
        ("IsApiSortable", Value::Boolean(field.sortable)),
    ])
}

fn without_suffix(name: &str) -> &str {
    name.split_once("__").map_or(name, |(stem, _)| stem)
}
