//! Values and records between the tables and the programs.

use std::rc::Rc;
use std::sync::Arc;

use apex_runtime::Value as Apex;
use apex_runtime::run::value::RecordObject;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveTime, Timelike as _, Utc};
use rust_decimal::Decimal;

use crate::data::{Data, Row};
use crate::formula::Context;
use crate::id::RecordId;
use crate::schema::{Field, FieldType, Object};
use crate::value::Value;

/// A stored value as a program holds it. No check box is null to a program.
pub(super) fn to_apex(value: &Value, kind: FieldType) -> Apex {
    match value {
        Value::Null if kind == FieldType::Boolean => Apex::Boolean(false),
        Value::Null => Apex::Null,
        Value::Text(text) if kind == FieldType::Base64 => match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => Apex::Blob(Rc::from(bytes)),
            Err(_) => Apex::Blob(Rc::from(text.as_bytes())),
        },
        Value::Text(text) => Apex::string(&**text),
        Value::Boolean(boolean) => Apex::Boolean(*boolean),
        Value::Number(number) => number_to_apex(*number, kind),
        Value::Date(date) => Apex::Date(*date),
        Value::DateTime(moment) => Apex::Datetime(moment.timestamp_millis()),
        Value::Time(time) => {
            let milliseconds = time.num_seconds_from_midnight() * 1_000 + time.nanosecond() / 1_000_000;
            Apex::Time(i32::try_from(milliseconds).unwrap_or_default())
        }
        Value::Id(id) => Apex::Id(id.as_str().into()),
    }
}

fn number_to_apex(number: Decimal, kind: FieldType) -> Apex {
    let normal = number.normalize();
    match kind {
        FieldType::Int => i32::try_from(normal.trunc()).map_or(Apex::Null, Apex::Integer),
        FieldType::Long => i64::try_from(normal.trunc()).map_or(Apex::Null, Apex::Long),
        _ => normal.to_string().parse().map_or(Apex::Null, Apex::Decimal),
    }
}

/// What a program gives for a field, typed for the tables; `None` where it fits no field.
pub(super) fn from_apex(value: &Apex, field: &Field) -> Option<Value> {
    let is_id = matches!(field.kind, FieldType::Id | FieldType::Reference);
    Some(match value {
        Apex::Null => Value::Null,
        Apex::Boolean(boolean) => Value::Boolean(*boolean),
        Apex::Integer(number) => Value::Number((*number).into()),
        Apex::Long(number) => Value::Number((*number).into()),
        Apex::Double(number) => Value::Number(Decimal::from_f64_retain(*number)?.normalize()),
        Apex::Decimal(number) => Value::Number(number.to_plain_string().parse().ok()?),
        Apex::String(text) | Apex::Id(text) if is_id => Value::Id(RecordId::parse(text)?),
        Apex::String(text) | Apex::Id(text) if text.is_empty() => {
            debug_assert!(!is_id, "ids are read above");
            Value::Null
        }
        Apex::String(text) | Apex::Id(text) => Value::text(&**text),
        Apex::Blob(bytes) => Value::text(STANDARD.encode(bytes)),
        Apex::Date(date) => Value::Date(*date),
        Apex::Datetime(milliseconds) => {
            Value::DateTime(DateTime::<Utc>::from_timestamp_millis(*milliseconds)?)
        }
        Apex::Time(milliseconds) => {
            let milliseconds = u32::try_from(*milliseconds).ok()?;
            let nanoseconds = milliseconds % 1_000 * 1_000_000;
            Value::Time(NaiveTime::from_num_seconds_from_midnight_opt(
                milliseconds / 1_000,
                nanoseconds,
            )?)
        }
        _ => return None,
    })
}

/// The names of an object's fields, shared by its records.
pub(super) struct Names(Vec<Arc<str>>);

impl Names {
    /// As the program's schema spells them, so that its records share the texts.
    pub(super) fn of(object: &Object, program: &apex_runtime::Program) -> Self {
        let known = program.schema.object(&object.name);
        let names = object.fields.iter().enumerate().map(|(position, field)| {
            let shared = known.and_then(|known| known.fields.get(position));
            match shared.filter(|shared| *shared.name == *field.name) {
                Some(shared) => Arc::clone(&shared.name),
                None => field.name.as_str().into(),
            }
        });
        Self(names.collect())
    }

    pub(super) fn get(&self, position: usize) -> Option<&Arc<str>> {
        self.0.get(position)
    }
}

/// A row as a trigger sees it: with every field that has a value.
pub(super) fn record_of_row(object: &Object, names: &Names, row: &Row, data: &Data) -> Rc<RecordObject> {
    let record = RecordObject::new(object.name.as_str().into());
    {
        let mut fields = record.fields.borrow_mut();
        for (position, field) in object.fields.iter().enumerate() {
            if field.kind.is_compound() {
                continue;
            }
            let value = match &field.formula {
                Some(formula) => {
                    let context = Context::reading(data, object, row, data.now());
                    to_apex(&formula.field_value(&context, field), field.kind)
                }
                None if field.name == "Id" => Apex::Id(row.id().as_str().into()),
                None => to_apex(row.get(position), field.kind),
            };
            if !value.is_null()
                && let Some(name) = names.get(position)
            {
                fields.insert(Arc::clone(name), value);
            }
        }
    }
    Rc::new(record)
}

/// The values of a record that is not stored yet, or not stored so.
pub(super) fn record_of_values(
    object: &Object,
    names: &Names,
    values: &[(usize, Value)],
) -> Rc<RecordObject> {
    let record = RecordObject::new(object.name.as_str().into());
    {
        let mut fields = record.fields.borrow_mut();
        for (position, value) in values {
            if let (Some(field), Some(name)) = (object.fields.get(*position), names.get(*position))
                && !value.is_null()
                && !field.kind.is_compound()
            {
                fields.insert(Arc::clone(name), to_apex(value, field.kind));
            }
        }
    }
    Rc::new(record)
}

/// What a program changed in a record since it was handed `before`: positions and values; the error names a
/// field whose value does not fit.
pub(super) fn changes(
    object: &Object,
    names: &Names,
    before: &[(Arc<str>, Apex)],
    record: &RecordObject,
) -> Result<Vec<(usize, Value)>, String> {
    let fields = record.fields.borrow();
    let mut changed = Vec::new();
    for (name, value) in fields.iter() {
        let old = before
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value);
        if old.is_some_and(|old| same(old, value)) || (old.is_none() && value.is_null()) {
            continue;
        }
        let (position, field) = object.field(name).ok_or_else(|| name.to_string())?;
        if names.get(position).is_some() {
            let value = from_apex(value, field).ok_or_else(|| name.to_string())?;
            changed.push((position, value));
        }
    }
    for (name, _) in before {
        if !fields.contains_key(name)
            && let Some((position, _)) = object.field(name)
        {
            changed.push((position, Value::Null));
        }
    }
    Ok(changed)
}

/// Whether two field values are the same to the letter.
fn same(one: &Apex, other: &Apex) -> bool {
    match (one, other) {
        (Apex::Null, Apex::Null) => true,
        (Apex::Boolean(a), Apex::Boolean(b)) => a == b,
        (Apex::Integer(a), Apex::Integer(b)) | (Apex::Time(a), Apex::Time(b)) => a == b,
        (Apex::Long(a), Apex::Long(b)) | (Apex::Datetime(a), Apex::Datetime(b)) => a == b,
        (Apex::Decimal(a), Apex::Decimal(b)) => a == b,
        (Apex::String(a) | Apex::Id(a), Apex::String(b) | Apex::Id(b)) => a == b,
        (Apex::Date(a), Apex::Date(b)) => a == b,
        (Apex::Blob(a), Apex::Blob(b)) => a == b,
        _ => false,
    }
}
