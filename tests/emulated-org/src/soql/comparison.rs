//! Tests of single values.

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;

use super::ast::Operator;
use super::dates::DateSpan;
use super::like::Pattern;
use crate::id::RecordId;
use crate::value::Value;

/// What a value is tried for. Every test has an answer for null: SOQL knows no third truth value.
#[derive(Clone, Debug)]
pub enum Test {
    /// There is no value.
    Null,
    /// There is a value.
    NotNull,
    /// The value stands in an order to another.
    Compare(Operator, Comparand),
    /// A day or moment stands in an order to a span of days.
    Span(Operator, Span),
    /// The text fits a pattern.
    Like(Pattern),
    /// The value is one of these.
    Among(Members),
    /// The value is none of these; null is none of them.
    NotAmong(Members),
    /// A multi-select picklist has all values of at least one of these sets.
    Includes(Vec<Vec<String>>),
    /// A multi-select picklist has all values of none of these sets.
    Excludes(Vec<Vec<String>>),
}

/// A value to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparand {
    /// Text in lower case, compared without regard to case.
    Folded(String),
    /// Text compared as it is.
    Exact(String),
    /// A check box.
    Boolean(bool),
    /// A number.
    Number(Decimal),
    /// A day.
    Date(NaiveDate),
    /// A moment.
    DateTime(DateTime<Utc>),
    /// A time of day.
    Time(NaiveTime),
    /// A record.
    Id(RecordId),
}

/// The days that a relative date literal covers, and the moments at which they begin and end where the user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The days.
    pub days: DateSpan,
    /// The first moment.
    pub from: DateTime<Utc>,
    /// The first moment after the last.
    pub until: DateTime<Utc>,
}

/// The values of an `IN` list.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Whether `null` is listed.
    pub null: bool,
    /// Listed ids.
    pub ids: HashSet<RecordId>,
    /// Listed texts in lower case.
    pub folded: HashSet<String>,
    /// All other listed values.
    pub others: Vec<Comparand>,
    /// Spans of days.
    pub spans: Vec<Span>,
}

impl Test {
    /// Whether a value passes.
    #[must_use]
    pub fn passes(&self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::NotNull => !value.is_null(),
            Self::Compare(operator, with) => holds(*operator, compare(value, with)),
            Self::Span(operator, span) => span.holds(*operator, value),
            Self::Like(pattern) => matches!(value, Value::Text(text) if pattern.matches(text)),
            Self::Among(members) => members.contain(value),
            Self::NotAmong(members) => !members.contain(value),
            Self::Includes(sets) => has_any(value, sets),
            Self::Excludes(sets) => !has_any(value, sets),
        }
    }
}

impl Members {
    fn contain(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.null,
            Value::Id(id) => self.ids.contains(id),
            Value::Text(text) if !self.folded.is_empty() => self.folded.contains(&text.to_lowercase()),
            other => {
                self.others
                    .iter()
                    .any(|listed| compare(other, listed) == Some(Ordering::Equal))
                    || self.spans.iter().any(|span| span.holds(Operator::Equal, other))
            }
        }
    }
}

impl Span {
    fn holds(&self, operator: Operator, value: &Value) -> bool {
        let (before, after) = match value {
            Value::Date(date) => (*date < self.days.start, self.days.end <= *date),
            Value::DateTime(instant) => (*instant < self.from, self.until <= *instant),
            _ => return operator == Operator::NotEqual,
        };
        match operator {
            Operator::Equal => !before && !after,
            Operator::NotEqual => before || after,
            Operator::Less => before,
            Operator::LessOrEqual => !after,
            Operator::Greater => after,
            Operator::GreaterOrEqual => !before,
        }
    }
}

/// The order of two texts without regard to case.
#[must_use]
pub fn compare_text(left: &str, right: &str) -> Ordering {
    left.chars()
        .flat_map(char::to_lowercase)
        .cmp(right.chars().flat_map(char::to_lowercase))
}

/// The order of two values of one field, neither of them null.
#[must_use]
pub fn compare_values(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => compare_text(left, right),
        (Value::Boolean(left), Value::Boolean(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Id(left), Value::Id(right)) => left.cmp(right),
        // One field holds values of one kind.
        _ => Ordering::Equal,
    }
}

fn compare(value: &Value, with: &Comparand) -> Option<Ordering> {
    Some(match (value, with) {
        (Value::Text(text), Comparand::Folded(folded)) => {
            text.chars().flat_map(char::to_lowercase).cmp(folded.chars())
        }
        (Value::Text(text), Comparand::Exact(exact)) => text.as_ref().cmp(exact.as_str()),
        (Value::Boolean(left), Comparand::Boolean(right)) => left.cmp(right),
        (Value::Number(left), Comparand::Number(right)) => left.cmp(right),
        (Value::Date(left), Comparand::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Comparand::DateTime(right)) => left.cmp(right),
        (Value::Time(left), Comparand::Time(right)) => left.cmp(right),
        (Value::Id(left), Comparand::Id(right)) => left.cmp(right),
        _ => return None,
    })
}

fn holds(operator: Operator, order: Option<Ordering>) -> bool {
    match operator {
        Operator::Equal => order == Some(Ordering::Equal),
        Operator::NotEqual => order != Some(Ordering::Equal),
        Operator::Less => order == Some(Ordering::Less),
        Operator::LessOrEqual => order.is_some_and(Ordering::is_le),
        Operator::Greater => order == Some(Ordering::Greater),
        Operator::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
    }
}

fn has_any(value: &Value, sets: &[Vec<String>]) -> bool {
    let Value::Text(text) = value else { return false };
    let chosen: HashSet<String> = text.split(';').map(str::to_lowercase).collect();
    sets.iter()
        .any(|set| set.iter().all(|wanted| chosen.contains(wanted)))
}
