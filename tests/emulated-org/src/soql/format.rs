//! `FORMAT()`: values as people read them.
//!
//! Source: SOQL and SOSL Reference, FORMAT(). Which text a locale gives is not documented; the organisation
//! formats for English (United States) alone, in the user's time zone, and in US dollars.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, Timelike, Utc};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::schema::{Field, FieldType};
use crate::value::Value;

/// The text of a value; `None` for null.
#[must_use]
pub fn formatted(value: &Value, field: &Field, zone: Tz) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Text(text) => text.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Number(number) => with_unit(*number, field),
        Value::Date(date) => day(*date),
        Value::DateTime(instant) => moment(*instant, zone),
        Value::Time(time) => clock(*time),
        Value::Id(id) => id.as_str().to_owned(),
    })
}

fn with_unit(number: Decimal, field: &Field) -> String {
    let text = grouped(number.abs(), field.scale);
    let sign = if number.is_sign_negative() { "-" } else { "" };
    match field.kind {
        FieldType::Currency => format!("{sign}${text}"),
        FieldType::Percent => format!("{sign}{text}%"),
        _ => format!("{sign}{text}"),
    }
}

fn grouped(number: Decimal, scale: u8) -> String {
    let rounded = number.round_dp_with_strategy(scale.into(), RoundingStrategy::MidpointAwayFromZero);
    let text = format!("{rounded:.*}", usize::from(scale));
    let (whole, fraction) = text
        .split_once('.')
        .map_or((text.as_str(), None), |(whole, fraction)| (whole, Some(fraction)));
    let mut grouped = String::with_capacity(text.len() + whole.len() / 3);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{grouped}.{fraction}"),
        None => grouped,
    }
}

fn day(date: NaiveDate) -> String {
    format!("{}/{}/{}", date.month(), date.day(), date.year())
}

fn clock(time: NaiveTime) -> String {
    let (afternoon, hour) = time.hour12();
    let half = if afternoon { "PM" } else { "AM" };
    format!("{hour}:{:02} {half}", time.minute())
}

fn moment(instant: DateTime<Utc>, zone: Tz) -> String {
    let local = instant.with_timezone(&zone);
    format!("{}, {}", day(local.date_naive()), clock(local.time()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_read_them() {
        let field = |kind, scale| Field {
            kind,
            scale,
            ..Field::default()
        };
        let number = |text: &str| Value::Number(text.parse().unwrap());
        let moment = Value::DateTime("2026-02-18T23:05:00Z".parse().unwrap());
        for (value, field, expected) in [
            (
                number("1234567.5"),
                field(FieldType::Currency, 2),
                "$1,234,567.50",
            ),
            (number("-999.995"), field(FieldType::Currency, 2), "-$1,000.00"),
            (number("100"), field(FieldType::Int, 0), "100"),
            (number("12.5"), field(FieldType::Percent, 1), "12.5%"),
            (moment, field(FieldType::Datetime, 0), "2/19/2026, 12:05 AM"),
        ] {
            assert_eq!(
                formatted(&value, &field, Tz::Europe__Berlin).as_deref(),
                Some(expected)
            );
        }
        assert_eq!(formatted(&Value::Null, &field(FieldType::Int, 0), Tz::UTC), None);
    }
}
