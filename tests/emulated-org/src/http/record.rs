//! Records on the wire: JSON objects into drafts, rows into JSON objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value as Json, json};

use super::body::{JsonBody, position};
use super::{ApiError, ApiVersion};
use crate::data::{Data, Draft, ParentKey, Row, SaveError, validate};
use crate::formula::Context;
use crate::id::RecordId;
use crate::schema::{Field, FieldType, Object, Schema};
use crate::value::Value;

/// Why a record's JSON is no draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The whole request is refused, as Salesforce does while it deserializes.
    Request(ApiError),
    /// Only this record is refused.
    Record(SaveError),
}

/// Reads the records of one request body.
#[derive(Clone, Copy, Debug)]
pub struct RecordReader<'a> {
    /// The organisation's metadata.
    pub schema: &'a Schema,
    /// The body's text, to name places in it.
    pub text: &'a str,
}

impl<'a> RecordReader<'a> {
    /// For the records of a body.
    ///
    /// # Errors
    /// The body is empty or no UTF-8.
    pub fn of(schema: &'a Schema, body: &'a JsonBody) -> Result<Self, ApiError> {
        Ok(Self {
            schema,
            text: body.text()?,
        })
    }

    /// Reads a record's fields. `attributes` and the keys in `skip` (lower case) are left out.
    ///
    /// # Errors
    /// A key that is no field, a value of another type, an id that is none.
    pub fn draft(
        &self,
        object: &Object,
        record: &Map<String, Json>,
        skip: &[&str],
    ) -> Result<Draft, ReadError> {
        let duplicate =
            |key: &str| ReadError::Request(ApiError::json_parser(format!("Duplicate field: {key}")));
        let mut draft = Draft::default();
        let mut by_relationship: Vec<(usize, &str)> = Vec::new();
        let mut refused = None;
        let mut skipped = BTreeSet::new();
        for (key, json) in record {
            if key == "attributes" {
                check_attributes(object, json)?;
                continue;
            }
            let lower = key.to_ascii_lowercase();
            if skip.contains(&lower.as_str()) {
                if !skipped.insert(lower) {
                    return Err(duplicate(key));
                }
                continue;
            }
            if let Some((at, field)) = object.field(key) {
                if draft.values.iter().any(|(known, _)| *known == at) {
                    return Err(duplicate(key));
                }
                match self.value(field, json) {
                    Ok(value) => draft.values.push((at, value)),
                    Err(ReadError::Record(error)) => refused = refused.or(Some(error)),
                    Err(error) => return Err(error),
                }
            } else if let Some((at, field)) = object.relationship(key) {
                if by_relationship.iter().any(|(known, _)| *known == at) {
                    return Err(duplicate(key));
                }
                by_relationship.push((at, key));
                match json {
                    Json::Null => {}
                    Json::Object(parent) => draft.parents.push(self.parent(at, field, parent)?),
                    other => return Err(self.mismatch(field, other)),
                }
            } else {
                return Err(ReadError::Request(ApiError::no_such_column(key, &object.name)));
            }
        }
        for (at, key) in by_relationship {
            if let Some(field) = object
                .fields
                .get(at)
                .filter(|_| draft.values.iter().any(|(known, _)| *known == at))
            {
                let message = format!(
                    "Cannot specify both an external ID reference {key} and a salesforce id, {}",
                    field.name
                );
                refused =
                    refused.or_else(|| Some(SaveError::of_field("INVALID_FIELD", &field.name, message)));
            } else if !draft.parents.iter().any(|parent| parent.reference == at) {
                draft.values.push((at, Value::Null));
            }
        }
        // A wrong column refuses the whole request even where a wrong id came before it.
        refused.map_or(Ok(draft), |error| Err(ReadError::Record(error)))
    }

    /// Reads one field's value.
    ///
    /// # Errors
    /// The value is of another type, or an id that is none.
    pub fn value(&self, field: &Field, json: &Json) -> Result<Value, ReadError> {
        if field.kind.is_compound() {
            // Compound fields are never writable; the write says so.
            return Ok(Value::Null);
        }
        let mismatch = || self.mismatch(field, json);
        match (field.kind, json) {
            (_, Json::Null) => Ok(Value::Null),
            (FieldType::Boolean, Json::Bool(boolean)) => Ok(Value::Boolean(*boolean)),
            (FieldType::Id | FieldType::Reference, Json::String(text)) => match text.trim() {
                "" => Ok(Value::Null),
                text => RecordId::parse(text)
                    .map(Value::Id)
                    .ok_or_else(|| ReadError::Record(validate::malformed_id(field, text))),
            },
            // Even `5.0` is no whole number to Salesforce's parser (believed).
            (FieldType::Int | FieldType::Long, Json::Number(number))
                if number.to_string().contains(['.', 'e', 'E']) =>
            {
                Err(mismatch())
            }
            (kind, Json::Number(number)) if kind.is_number() => parse_decimal(&number.to_string(), kind)
                .map(Value::Number)
                .ok_or_else(mismatch),
            // Numbers, dates and check boxes may come as text.
            (_, Json::String(text)) => value_from_text(field, text).ok_or_else(mismatch),
            _ => Err(mismatch()),
        }
    }

    fn parent(&self, at: usize, field: &Field, record: &Map<String, Json>) -> Result<ParentKey, ReadError> {
        let refuse = |message: String| ReadError::Request(ApiError::new(400, "INVALID_FIELD", message));
        let named = record
            .get("attributes")
            .and_then(|attributes| attributes.get("type"))
            .and_then(Json::as_str);
        let target = match (named, field.reference_to.as_slice()) {
            (Some(named), targets) if targets.iter().any(|target| target.eq_ignore_ascii_case(named)) => {
                named
            }
            (None, [only]) => only.as_str(),
            _ => {
                let targets = field.reference_to.join(", ");
                return Err(refuse(format!(
                    "The relationship of {} needs attributes.type, one of: {targets}",
                    field.name
                )));
            }
        };
        let parent = self
            .schema
            .object(target)
            .ok_or_else(|| refuse(format!("sObject type '{target}' is not supported.")))?;
        let mut keys = record.iter().filter(|(key, _)| *key != "attributes");
        let (Some((key, json)), None) = (keys.next(), keys.next()) else {
            return Err(refuse(format!(
                "The nested {} must name exactly one external ID field and its value",
                parent.name
            )));
        };
        let (key_field, found) = parent
            .field(key)
            .filter(|(_, found)| found.external_id || found.id_lookup || found.kind == FieldType::Id)
            .ok_or_else(|| {
                let message = format!(
                    "Field name provided, {key} is not an External ID or indexed field for {}",
                    parent.name
                );
                refuse(message)
            })?;
        let key = self.value(found, json)?;
        if key.is_null() {
            return Err(refuse(format!(
                "The external ID {} of the nested {} is empty",
                found.name, parent.name
            )));
        }
        Ok(ParentKey {
            reference: at,
            parent: Arc::clone(parent),
            key_field,
            key,
        })
    }

    fn mismatch(&self, field: &Field, json: &Json) -> ReadError {
        let (token, shown) = match json {
            Json::String(text) => ("VALUE_STRING", text.clone()),
            Json::Number(number) => {
                let text = number.to_string();
                let token = if text.contains(['.', 'e', 'E']) {
                    "VALUE_NUMBER_FLOAT"
                } else {
                    "VALUE_NUMBER_INT"
                };
                (token, text)
            }
            Json::Bool(true) => ("VALUE_TRUE", "true".to_owned()),
            Json::Bool(false) => ("VALUE_FALSE", "false".to_owned()),
            Json::Object(_) => ("START_OBJECT", "{".to_owned()),
            Json::Array(_) => ("START_ARRAY", "[".to_owned()),
            Json::Null => ("VALUE_NULL", "null".to_owned()),
        };
        let key = format!("\"{}\"", field.name);
        let after_key = self.text.find(&key).map_or(0, |offset| offset + key.len());
        let (line, column) = position(self.text.as_bytes(), after_key);
        ReadError::Request(ApiError::json_parser(format!(
            "Cannot deserialize instance of {} from {token} value {shown} or request may be missing a required \
             field at [line:{line}, column:{column}]",
            field.kind.name()
        )))
    }
}

/// Attributes may be left out, but not speak of another object (code and message believed).
fn check_attributes(object: &Object, attributes: &Json) -> Result<(), ReadError> {
    let Json::Object(attributes) = attributes else {
        let message = "attributes must be a JSON object";
        return Err(ReadError::Request(ApiError::json_parser(message)));
    };
    match attributes.get("type").and_then(Json::as_str) {
        Some(name) if !name.eq_ignore_ascii_case(&object.name) => {
            let message = format!("attributes.type is {name}; the record is of type {}", object.name);
            Err(ReadError::Request(ApiError::new(400, "INVALID_TYPE", message)))
        }
        _ => Ok(()),
    }
}

/// Reads a value from text, as in a path, a CSV cell, or a JSON string; empty text is null. `None` if the text
/// is of another type.
#[must_use]
pub fn value_from_text(field: &Field, text: &str) -> Option<Value> {
    if field.kind == FieldType::Base64 {
        let content = STANDARD
            .decode(text.split_whitespace().collect::<String>())
            .ok()?;
        return Some(Value::text(STANDARD.encode(content)));
    }
    if field.kind.is_text() || field.kind == FieldType::Anytype {
        return Some(Value::text(text));
    }
    let text = text.trim();
    if text.is_empty() {
        return Some(Value::Null);
    }
    match field.kind {
        FieldType::Boolean if text.eq_ignore_ascii_case("true") => Some(Value::Boolean(true)),
        FieldType::Boolean if text.eq_ignore_ascii_case("false") => Some(Value::Boolean(false)),
        FieldType::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .filter(|date| has_shape(text, "0000-00-00") && text.len() == 10 && in_calendar(*date))
            .map(Value::Date),
        FieldType::Datetime => parse_datetime(text).map(Value::DateTime),
        FieldType::Time => parse_time(text).map(Value::Time),
        FieldType::Id | FieldType::Reference => RecordId::parse(text).map(Value::Id),
        kind if kind.is_number() => parse_decimal(text, kind).map(Value::Number),
        _ => None,
    }
}

/// A moment in ISO 8601 with a zone: `Z`, `+0200` or `+02:00`.
#[must_use]
pub fn parse_datetime(text: &str) -> Option<DateTime<Utc>> {
    if !has_shape(text, "0000-00-00T00:00:00") {
        return None;
    }
    ["%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.f%z"]
        .into_iter()
        .find_map(|format| DateTime::parse_from_str(text, format).ok())
        .or_else(|| DateTime::parse_from_rfc3339(text).ok())
        .map(|moment| moment.with_timezone(&Utc))
        .filter(|moment| in_calendar(moment.date_naive()))
}

/// A row as a REST record: the named fields, or all.
#[must_use]
pub fn record_json(data: &Data, object: &Object, row: &Row, fields: &[usize], version: ApiVersion) -> Json {
    let mut record = Map::new();
    let url = format!("{}/sobjects/{}/{}", version.root(), object.name, row.id());
    record.insert(
        "attributes".to_owned(),
        json!({ "type": object.name, "url": url }),
    );
    for at in fields {
        if let Some(field) = object.fields.get(*at) {
            let json = match &field.formula {
                Some(formula) => formula
                    .field_value(&Context::reading(data, object, row, data.now()), field)
                    .write_json(field),
                None if field.kind == FieldType::Base64 => content_url(object, row, *at, version),
                None => field_json(object, row, *at),
            };
            record.insert(field.name.clone(), json);
        }
    }
    Json::Object(record)
}

/// Where the content of a row's field is read; null where there is none.
#[must_use]
pub fn content_url(object: &Object, row: &Row, at: usize, version: ApiVersion) -> Json {
    match object.fields.get(at) {
        Some(field) if !row.get(at).is_null() => Json::String(format!(
            "{}/sobjects/{}/{}/{}",
            version.root(),
            object.name,
            row.id(),
            field.name
        )),
        _ => Json::Null,
    }
}

/// One field of a row; compound fields are put together from their parts and null when all are.
#[must_use]
pub fn field_json(object: &Object, row: &Row, at: usize) -> Json {
    let Some(field) = object.fields.get(at) else {
        return Json::Null;
    };
    if !field.kind.is_compound() {
        return row.get(at).write_json(field);
    }
    let common = field.name.strip_suffix("Address").unwrap_or(&field.name);
    let mut parts: Vec<(String, Json)> = object
        .fields
        .iter()
        .enumerate()
        .filter(|(_, part)| part.compound_field_name.as_deref() == Some(field.name.as_str()))
        .map(|(at, part)| {
            let name = part.name.strip_prefix(common).unwrap_or(&part.name);
            (lower_first(name), row.get(at).write_json(part))
        })
        .collect();
    if parts.iter().all(|(_, value)| value.is_null()) {
        return Json::Null;
    }
    parts.sort_by(|(left, _), (right, _)| left.cmp(right));
    Json::Object(parts.into_iter().collect())
}

fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(characters).collect()
    })
}

fn parse_decimal(text: &str, kind: FieldType) -> Option<Decimal> {
    // The parser of decimals takes `1_000`.
    if text.contains('_') {
        return None;
    }
    let number = Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .or_else(|_| text.parse())
        .ok()?;
    let whole = matches!(kind, FieldType::Int | FieldType::Long);
    (!whole || number.fract().is_zero()).then_some(number)
}

fn parse_time(text: &str) -> Option<NaiveTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    if !has_shape(text, "00:00:00") {
        return None;
    }
    NaiveTime::parse_from_str(text, "%H:%M:%S%.f").ok()
}

/// Whether a text begins with this shape, in which 0 stands for any digit. Chrono takes signs, blanks and single
/// digits as well, which ISO 8601 has not.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(given, wanted)| given == wanted || wanted == b'0' && given.is_ascii_digit())
}

/// Salesforce keeps days from 1700 to 4000.
fn in_calendar(date: NaiveDate) -> bool {
    (1700..=4000).contains(&chrono::Datelike::year(&date))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_need_a_zone() {
        let expected = DateTime::from_timestamp(1_795_327_477, 0).expect("a moment");
        for text in [
            "2026-11-22T06:04:37Z",
            "2026-11-22T06:04:37.000+0000",
            "2026-11-22T08:04:37+02:00",
        ] {
            assert_eq!(parse_datetime(text), Some(expected), "{text}");
        }
        for text in [
            "2026-11-22T06:04:37",
            "2026-11-22",
            "22.11.2026",
            "1600-01-01T00:00:00Z",
            "",
        ] {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
    }

    #[test]
    fn text_becomes_what_the_field_holds_or_nothing() {
        let of = |kind| Field {
            kind,
            ..Field::default()
        };
        let number = |text: &str| Value::Number(text.parse().expect("a number"));
        assert_eq!(
            value_from_text(&of(FieldType::Double), "1.5e3"),
            Some(number("1500"))
        );
        assert_eq!(value_from_text(&of(FieldType::Int), "12"), Some(number("12")));
        assert_eq!(value_from_text(&of(FieldType::Int), "1.5"), None);
        assert_eq!(
            value_from_text(&of(FieldType::Boolean), "TRUE"),
            Some(Value::Boolean(true))
        );
        assert_eq!(value_from_text(&of(FieldType::Boolean), "1"), None);
        assert_eq!(value_from_text(&of(FieldType::Date), "2026-2-30"), None);
        assert_eq!(value_from_text(&of(FieldType::Date), ""), Some(Value::Null));
    }
}
