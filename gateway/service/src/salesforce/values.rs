//! Field values as Salesforce takes them: in JSON bodies and in the CSV of ingest jobs, exactly or not at all.

use causeway_core::mapping::literal::write_date_time;
use causeway_core::record::{FieldValue, Fields};
use chrono::{NaiveDate, SecondsFormat};
use serde_json::{Map, Number, Value};

/// What a CSV cell says for "no value"; an empty cell leaves the field alone (Bulk API 2.0 Developer Guide, "Valid
/// CSV Record Rows").
pub const CSV_NULL: &str = "#N/A";

/// Why a value cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// The record referred to is not in Salesforce yet.
    #[error("{field} refers to partner record {record}, which is not in Salesforce yet")]
    NotMadeYet {
        /// API name of the field.
        field: String,
        /// The record.
        record: causeway_core::id::RecordId,
    },
    /// A number that JSON cannot carry exactly.
    #[error("{field} holds {text}, which is no number in JSON")]
    Number {
        /// API name of the field.
        field: String,
        /// The number.
        text: String,
    },
    /// Salesforce dates have four digits for the year.
    #[error("{field} holds {date}, which lies outside the years 1 to 9999")]
    Year {
        /// API name of the field.
        field: String,
        /// The date or moment.
        date: String,
    },
}

/// The values of a record as members of a JSON object.
///
/// # Errors
/// [`Unsendable`] for the first value that cannot be sent.
pub fn json_members(fields: &Fields) -> Result<Map<String, Value>, Unsendable> {
    fields
        .iter()
        .map(|(name, value)| Ok((name.clone(), json(name, value)?)))
        .collect()
}

fn json(field: &str, value: &FieldValue) -> Result<Value, Unsendable> {
    Ok(match value {
        FieldValue::Boolean(value) => Value::Bool(*value),
        FieldValue::Number(number) => {
            let text = number.to_string();
            let exact: Number = text.parse().map_err(|_malformed| Unsendable::Number {
                field: field.to_owned(),
                text: text.clone(),
            })?;
            Value::Number(exact)
        }
        other => text(field, other)?.map_or(Value::Null, Value::String),
    })
}

/// A value as text; none is no value.
fn text(field: &str, value: &FieldValue) -> Result<Option<String>, Unsendable> {
    Ok(match value {
        FieldValue::Null => None,
        FieldValue::Text(text) => Some(text.clone()),
        FieldValue::Boolean(value) => Some(value.to_string()),
        FieldValue::Number(number) => Some(number.to_string()),
        FieldValue::Date(date) => {
            four_digits(field, *date, || date.to_string())?;
            Some(date.format("%Y-%m-%d").to_string())
        }
        FieldValue::DateTime(moment) => {
            four_digits(field, moment.date_naive(), || write_date_time(*moment))?;
            // Salesforce keeps seconds and takes three digits behind them.
            Some(moment.to_rfc3339_opts(SecondsFormat::Millis, true))
        }
        FieldValue::Choices(choices) if choices.is_empty() => None,
        FieldValue::Choices(choices) => Some(choices.join(";")),
        FieldValue::Reference(id) => Some(id.as_str().to_owned()),
        FieldValue::Record(record) => {
            return Err(Unsendable::NotMadeYet {
                field: field.to_owned(),
                record: *record,
            });
        }
    })
}

fn four_digits(field: &str, date: NaiveDate, show: impl Fn() -> String) -> Result<(), Unsendable> {
    use chrono::Datelike;
    if (1..=9_999).contains(&date.year()) {
        return Ok(());
    }
    Err(Unsendable::Year {
        field: field.to_owned(),
        date: show(),
    })
}

/// A value as a CSV cell, not quoted yet. `Ok(None)`: a text that CSV cannot carry, since it would be read as "no
/// value".
///
/// # Errors
/// [`Unsendable`].
pub fn csv_cell(field: &str, value: &FieldValue) -> Result<Option<String>, Unsendable> {
    Ok(match text(field, value)? {
        // Salesforce keeps no empty text, so null says the same, and an empty cell would say nothing.
        None => Some(CSV_NULL.to_owned()),
        Some(text) if text.is_empty() => Some(CSV_NULL.to_owned()),
        Some(text) if text.trim() == CSV_NULL => None,
        Some(text) => Some(text),
    })
}

#[cfg(test)]
mod tests {
    use causeway_core::id::{RecordId, SalesforceId};
    use causeway_core::mapping::literal;

    use super::*;

    fn examples() -> Vec<(FieldValue, &'static str, &'static str)> {
        let number = |text| FieldValue::Number(literal::decimal(text).unwrap());
        vec![
            (FieldValue::Null, "null", "#N/A"),
            (FieldValue::Text("a \"b\"".to_owned()), r#""a \"b\"""#, "a \"b\""),
            (FieldValue::Text(String::new()), r#""""#, "#N/A"),
            (FieldValue::Boolean(false), "false", "false"),
            (number("1100.04"), "1100.04", "1100.04"),
            (
                number("123456789012345678.99"),
                "123456789012345678.99",
                "123456789012345678.99",
            ),
            (number("-0.1"), "-0.1", "-0.1"),
            (
                FieldValue::Date(literal::date("2024-02-29").unwrap()),
                r#""2024-02-29""#,
                "2024-02-29",
            ),
            (
                FieldValue::DateTime(literal::date_time("2026-11-22T07:04:37+01:00").unwrap()),
                r#""2026-11-22T06:04:37.000Z""#,
                "2026-11-22T06:04:37.000Z",
            ),
            (
                FieldValue::Choices(vec!["A".to_owned(), "B c".to_owned()]),
                r#""A;B c""#,
                "A;B c",
            ),
            (FieldValue::Choices(Vec::new()), "null", "#N/A"),
            (
                FieldValue::Reference(SalesforceId::parse("0018a00001rBqb8").unwrap()),
                r#""0018a00001rBqb8AAC""#,
                "0018a00001rBqb8AAC",
            ),
        ]
    }

    #[test]
    fn every_value_is_written_exactly_in_both_forms() {
        for (value, as_json, as_cell) in examples() {
            assert_eq!(json("F", &value).unwrap().to_string(), as_json);
            assert_eq!(csv_cell("F", &value).unwrap().as_deref(), Some(as_cell));
        }
    }

    #[test]
    fn a_text_that_csv_reads_as_no_value_is_left_to_json() {
        for text in ["#N/A", " #N/A "] {
            let value = FieldValue::Text(text.to_owned());
            assert_eq!(csv_cell("F", &value), Ok(None));
            assert_eq!(json("F", &value), Ok(Value::String(text.to_owned())));
        }
    }

    #[test]
    fn what_salesforce_cannot_take_is_named() {
        let record = FieldValue::Record(RecordId(7));
        let expected = Unsendable::NotMadeYet {
            field: "AccountId".to_owned(),
            record: RecordId(7),
        };
        assert_eq!(json("AccountId", &record), Err(expected.clone()));
        assert_eq!(csv_cell("AccountId", &record), Err(expected));
        let far = FieldValue::Date(NaiveDate::from_ymd_opt(12_026, 1, 1).unwrap());
        assert!(matches!(json("Birthdate", &far), Err(Unsendable::Year { .. })));
    }
}
