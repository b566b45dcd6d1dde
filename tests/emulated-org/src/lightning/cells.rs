//! Values of records as pages show them: the value, the text that people read, and what a reference leads to.

use chrono_tz::Tz;
use serde_json::{Map, Value as Json, json};

use super::visitor::Visitor;
use crate::data::{Data, Row};
use crate::formula::Context;
use crate::http::record::field_json;
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::{Field, FieldType, Object, Schema};
use crate::soql::format::formatted;
use crate::value::Value;

/// Reads values for one user.
pub(super) struct CellReader<'a> {
    pub(super) data: &'a Data,
    /// The metadata as the user sees it.
    pub(super) schema: &'a Schema,
    pub(super) zone: Tz,
}

impl<'a> CellReader<'a> {
    pub(super) fn new(org: &Org, visitor: &'a Visitor, data: &'a Data) -> Self {
        let setting = crate::http::query::setting_in(visitor.user, u16::MAX, org, data);
        Self {
            data,
            schema: visitor.schema(),
            zone: setting.zone,
        }
    }

    /// All fields of a row that the user sees, by name.
    pub(super) fn all(&self, object: &Object, row: &Row) -> Map<String, Json> {
        let fields = object.visible_fields();
        fields
            .map(|(at, field)| (field.name.clone(), self.cell(object, row, at)))
            .collect()
    }

    /// What stands at the end of a path such as `Account.Name`; null where the way ends before.
    pub(super) fn at_path(&self, object: &Object, row: &Row, path: &str) -> Json {
        let Some((step, rest)) = path.split_once('.') else {
            return match object.field(path) {
                Some((at, _)) => self.cell(object, row, at),
                None => nothing(),
            };
        };
        let Some((at, _)) = object.relationship(step) else {
            return nothing();
        };
        let Value::Id(id) = row.get(at) else {
            return nothing();
        };
        let Some((parent, found)) = self.found(*id) else {
            return nothing();
        };
        let mut cell = self.at_path(parent, found, rest);
        // A parent's name leads to the parent.
        if let Json::Object(entry) = &mut cell
            && parent.name_field().is_some_and(|(_, field)| field.name == rest)
        {
            entry.insert("id".to_owned(), json!(id.as_str()));
            entry.insert("object".to_owned(), json!(parent.name));
        }
        cell
    }

    /// One field of a row.
    pub(super) fn cell(&self, object: &Object, row: &Row, at: usize) -> Json {
        let Some(field) = object.fields.get(at) else {
            return nothing();
        };
        if field.kind.is_compound() {
            let value = field_json(object, row, at);
            let display = address_lines(&value);
            return json!({ "value": value, "display": display });
        }
        if field.kind == FieldType::Base64 {
            return nothing();
        }
        let calculated;
        let value = match &field.formula {
            Some(formula) => {
                let context = Context::reading(self.data, object, row, self.data.now());
                calculated = formula.field_value(&context, field);
                &calculated
            }
            None => row.get(at),
        };
        self.of_value(value, field)
    }

    /// A value of a field.
    pub(super) fn of_value(&self, value: &Value, field: &Field) -> Json {
        let wire = value.write_json(field);
        match (value, field.kind) {
            (Value::Id(id), FieldType::Reference) => match self.found(*id) {
                Some((parent, found)) => json!({
                    "value": wire,
                    "display": name_of(parent, found),
                    "id": id.as_str(),
                    "object": parent.name,
                }),
                // Who may not see the record learns no more than that there is one.
                None => json!({ "value": wire, "display": null }),
            },
            (Value::Text(text), FieldType::Picklist | FieldType::Combobox) => {
                json!({ "value": wire, "display": label_of(field, text) })
            }
            (Value::Text(text), FieldType::Multipicklist) => {
                let labels: Vec<&str> = text.split(';').map(|value| label_of(field, value)).collect();
                json!({ "value": wire, "display": labels.join("; ") })
            }
            _ => json!({ "value": wire, "display": formatted(value, field, self.zone) }),
        }
    }

    /// A live record that the user sees, by its id.
    pub(super) fn found(&self, id: RecordId) -> Option<(&'a Object, &'a Row)> {
        let object = self.schema.object_by_prefix(id.prefix())?;
        let row = self.data.table(&object.name)?.get(&id)?;
        (!row.is_deleted() && object.shows(row, self.data)).then_some((object.as_ref(), row))
    }
}

/// The text that names a record.
pub(super) fn name_of(object: &Object, row: &Row) -> String {
    let name = object.name_field().map(|(at, _)| row.get(at));
    match name {
        Some(Value::Text(name)) => name.to_string(),
        _ => row.id().as_str().to_owned(),
    }
}

fn label_of<'f>(field: &'f Field, value: &'f str) -> &'f str {
    let known = field.picklist_values.iter().find(|known| known.value == value);
    known.and_then(|known| known.label.as_deref()).unwrap_or(value)
}

fn nothing() -> Json {
    json!({ "value": null, "display": null })
}

/// An address as Lightning writes it in the United States.
fn address_lines(value: &Json) -> Option<String> {
    let part = |name: &str| value.get(name).and_then(Json::as_str).unwrap_or_default();
    let place = [part("city"), part("state")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let place = format!("{place} {}", part("postalCode"));
    let lines = [part("street"), place.trim(), part("country")];
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
