//! One field value as the organisation stores it, and its two forms on the wire.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Number, Value as Json};

use crate::id::RecordId;
use crate::schema::{Field, FieldType};

/// A stored field value. Empty text does not exist in Salesforce: it is stored as [`Value::Null`].
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// Text, picklist, e-mail, phone, URL.
    Text(Box<str>),
    /// A check box.
    Boolean(bool),
    /// Any number; integer fields hold no fraction.
    Number(Decimal),
    /// A day without a zone.
    Date(NaiveDate),
    /// A moment; millisecond precision at most.
    DateTime(DateTime<Utc>),
    /// A time of day without a zone.
    Time(NaiveTime),
    /// A record id or a reference to another record.
    Id(RecordId),
}

impl Value {
    /// Text as stored, from anything that becomes a boxed string.
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether no value is stored.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The REST form: datetimes as `2026-11-22T06:04:37.000+0000`, integer fields without a fraction,
    /// every other number with at least one decimal.
    #[must_use]
    pub fn write_json(&self, field: &Field) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Text(text) => Json::String(text.to_string()),
            Self::Boolean(boolean) => Json::Bool(*boolean),
            // The text of a decimal is always a JSON number.
            Self::Number(number) => number_text(*number, field)
                .parse::<Number>()
                .map_or(Json::Null, Json::Number),
            Self::Date(date) => Json::String(date.format("%Y-%m-%d").to_string()),
            Self::DateTime(instant) => Json::String(datetime_json(*instant)),
            Self::Time(time) => Json::String(time.format("%H:%M:%S%.3fZ").to_string()),
            Self::Id(id) => Json::String(id.as_str().to_owned()),
        }
    }

    /// The Bulk form, unquoted: as in JSON, but datetimes end in `Z` and null is empty.
    pub fn write_csv(&self, field: &Field, out: &mut Vec<u8>) {
        match self {
            Self::Null => {}
            Self::Text(text) => out.extend_from_slice(text.as_bytes()),
            Self::Boolean(true) => out.extend_from_slice(b"true"),
            Self::Boolean(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => out.extend_from_slice(number_text(*number, field).as_bytes()),
            Self::Date(date) => out.extend_from_slice(date.format("%Y-%m-%d").to_string().as_bytes()),
            Self::DateTime(instant) => {
                out.extend_from_slice(instant.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().as_bytes());
            }
            Self::Time(time) => out.extend_from_slice(time.format("%H:%M:%S%.3fZ").to_string().as_bytes()),
            Self::Id(id) => out.extend_from_slice(id.as_str().as_bytes()),
        }
    }
}

/// A moment as REST answers print it.
#[must_use]
pub fn datetime_json(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

fn number_text(number: Decimal, field: &Field) -> String {
    let normal = number.normalize();
    match field.kind {
        FieldType::Int | FieldType::Long => normal.trunc().to_string(),
        _ if normal.scale() == 0 => format!("{normal}.0"),
        _ => normal.to_string(),
    }
}
