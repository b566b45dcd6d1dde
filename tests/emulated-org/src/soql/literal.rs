//! Values written in a query.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;

use super::dates::RelativeDate;

/// A value on the right of an operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `null`
    Null,
    /// A quoted text, its escapes resolved.
    Text(String),
    /// `true` or `false`
    Boolean(bool),
    /// A number without quotes.
    Number(Decimal),
    /// `2026-11-22`
    Date(NaiveDate),
    /// `2026-11-22T06:04:37Z` or with an offset.
    DateTime(DateTime<Utc>),
    /// `08:30:00.000Z`
    Time(NaiveTime),
    /// `TODAY`, `LAST_N_DAYS:7` and the like.
    Relative(RelativeDate),
}

/// Reads a date, datetime or time written without quotes, e.g. `2026-11-22`, `2026-11-22T06:04:37Z`,
/// `2026-11-22T06:04:37.000+02:00`, `…+0200`, `08:30:00.000Z`.
///
/// `None` when the text is none of them, or names a day or time that does not exist.
#[must_use]
pub fn parse_temporal(text: &str) -> Option<Literal> {
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return (text.len() == 10).then_some(Literal::Date(date));
    }
    if text.as_bytes().get(2) == Some(&b':') {
        let local = text.strip_suffix('Z')?;
        return NaiveTime::parse_from_str(local, "%H:%M:%S%.f")
            .ok()
            .map(Literal::Time);
    }
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()
        .map(|instant| Literal::DateTime(instant.with_timezone(&Utc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporal_literals_of_every_accepted_form_are_read() {
        let instant = |text: &str| Literal::DateTime(text.parse().unwrap());
        for (text, expected) in [
            (
                "2026-11-22",
                Some(Literal::Date(NaiveDate::from_ymd_opt(2026, 11, 22).unwrap())),
            ),
            ("2026-11-22T06:04:37Z", Some(instant("2026-11-22T06:04:37Z"))),
            (
                "2026-11-22T06:04:37.250Z",
                Some(instant("2026-11-22T06:04:37.250Z")),
            ),
            ("2026-11-22T06:04:37+02:00", Some(instant("2026-11-22T04:04:37Z"))),
            (
                "2026-11-22T06:04:37.000+0000",
                Some(instant("2026-11-22T06:04:37Z")),
            ),
            (
                "08:30:00.000Z",
                Some(Literal::Time(NaiveTime::from_hms_opt(8, 30, 0).unwrap())),
            ),
            ("08:30:00", None),
            ("2026-02-30", None),
            ("2026-2-3", None),
            ("2026-11-22T25:04:37Z", None),
            ("2026-11-22T06:04:37", None),
        ] {
            assert_eq!(parse_temporal(text), expected, "{text}");
        }
    }
}
