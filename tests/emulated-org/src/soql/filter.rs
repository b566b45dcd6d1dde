//! Filters checked against field types, and their evaluation on values.

use std::cmp::Ordering;
use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use rust_decimal::Decimal;

use super::ast::{Condition, ListOperator, Operator};
use super::dates::DateSpan;
use super::error::SoqlError;
use super::like::Pattern;
use super::literal::Literal;
use super::path::FieldPath;
use crate::id::RecordId;
use crate::schema::FieldType;
use crate::value::Value;

/// A `WHERE` clause ready to be tried on rows.
#[derive(Clone, Debug)]
pub enum Filter {
    /// All of them hold.
    All(Vec<Filter>),
    /// At least one of them holds.
    Any(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// A field passes a test.
    Field(Box<FieldPath>, Test),
}

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
    Span(Operator, DateSpan),
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
    pub spans: Vec<DateSpan>,
}

impl Filter {
    /// Checks a condition; `resolve` turns its paths into checked ones.
    ///
    /// # Errors
    /// Whatever `resolve` refuses; `INVALID_FIELD` for a field that cannot be filtered or a value of another
    /// type; `INVALID_QUERY_FILTER_OPERATOR` for an operator that the field's type has not.
    pub fn check(
        condition: &Condition,
        text: &str,
        today: NaiveDate,
        resolve: &dyn Fn(&super::ast::Path) -> Result<FieldPath, SoqlError>,
    ) -> Result<Self, SoqlError> {
        let each = |conditions: &[Condition]| -> Result<Vec<Self>, SoqlError> {
            conditions
                .iter()
                .map(|condition| Self::check(condition, text, today, resolve))
                .collect()
        };
        let checked = |path| {
            let field = Checked {
                field: resolve(path)?,
                text,
                today,
            };
            field.must_be_filterable()?;
            Ok(field)
        };
        Ok(match condition {
            Condition::All(conditions) => Self::All(each(conditions)?),
            Condition::Any(conditions) => Self::Any(each(conditions)?),
            Condition::Not(condition) => Self::Not(Box::new(Self::check(condition, text, today, resolve)?)),
            Condition::Compare {
                path,
                operator,
                literal,
            } => {
                let field = checked(path)?;
                let test = field.comparison(*operator, literal)?;
                Self::Field(Box::new(field.field), test)
            }
            Condition::Like { path, pattern } => {
                let field = checked(path)?;
                if !field.field.kind.is_text() || field.field.kind == FieldType::Multipicklist {
                    return Err(field.invalid_operator());
                }
                Self::Field(Box::new(field.field), Test::Like(pattern.clone()))
            }
            Condition::Among {
                path,
                operator,
                literals,
            } => {
                let field = checked(path)?;
                let test = field.membership(*operator, literals)?;
                Self::Field(Box::new(field.field), test)
            }
        })
    }
}

/// A field with what is needed to check values against it.
struct Checked<'q> {
    field: FieldPath,
    text: &'q str,
    today: NaiveDate,
}

/// A literal that suits a field.
enum Suited {
    Null,
    Value(Comparand),
    Span(DateSpan),
}

impl Checked<'_> {
    fn must_be_filterable(&self) -> Result<(), SoqlError> {
        if self.field.filterable {
            return Ok(());
        }
        let name = self.field.field_name();
        Err(self.error(
            "INVALID_FIELD",
            &format!("field '{name}' can not be filtered in a query call"),
        ))
    }

    fn comparison(&self, operator: Operator, literal: &Literal) -> Result<Test, SoqlError> {
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let ordered = !matches!(self.field.kind, FieldType::Boolean | FieldType::Multipicklist);
        if !equality && !ordered {
            return Err(self.invalid_operator());
        }
        Ok(match (self.suited(literal)?, operator) {
            (Suited::Null, Operator::Equal) => Test::Null,
            (Suited::Null, Operator::NotEqual) => Test::NotNull,
            (Suited::Null, _) => return Err(self.invalid_operator()),
            (Suited::Value(value), operator) => Test::Compare(operator, value),
            (Suited::Span(span), operator) => Test::Span(operator, span),
        })
    }

    fn membership(&self, operator: ListOperator, literals: &[Literal]) -> Result<Test, SoqlError> {
        let multiple = self.field.kind == FieldType::Multipicklist;
        if let ListOperator::Includes | ListOperator::Excludes = operator {
            if !multiple {
                return Err(self.invalid_operator());
            }
            let sets = literals.iter().map(|literal| match literal {
                Literal::Text(text) => Ok(text.split(';').map(|value| value.trim().to_lowercase()).collect()),
                _ => Err(self.wrong_type("string", true)),
            });
            let sets = sets.collect::<Result<Vec<Vec<String>>, _>>()?;
            return Ok(match operator {
                ListOperator::Includes => Test::Includes(sets),
                _ => Test::Excludes(sets),
            });
        }
        let mut members = Members::default();
        for literal in literals {
            match self.suited(literal)? {
                Suited::Null => members.null = true,
                Suited::Value(Comparand::Id(id)) => {
                    members.ids.insert(id);
                }
                Suited::Value(Comparand::Folded(text)) => {
                    members.folded.insert(text);
                }
                Suited::Value(value) => members.others.push(value),
                Suited::Span(span) => members.spans.push(span),
            }
        }
        Ok(if operator == ListOperator::In {
            Test::Among(members)
        } else {
            Test::NotAmong(members)
        })
    }

    fn suited(&self, literal: &Literal) -> Result<Suited, SoqlError> {
        if *literal == Literal::Null {
            return Ok(Suited::Null);
        }
        let kind = self.field.kind;
        let value = match (kind, literal) {
            (FieldType::Id | FieldType::Reference, Literal::Text(text)) => {
                Comparand::Id(RecordId::parse(text).ok_or_else(|| self.invalid_id(text))?)
            }
            (FieldType::Id | FieldType::Reference, _) => return Err(self.wrong_type("ID", true)),
            // Empty text is not stored, so it asks for null.
            (_, Literal::Text(text)) if kind.is_text() && text.is_empty() => return Ok(Suited::Null),
            (_, Literal::Text(text)) if kind.is_text() && self.field.case_sensitive => {
                Comparand::Exact(text.clone())
            }
            (_, Literal::Text(text)) if kind.is_text() => Comparand::Folded(text.to_lowercase()),
            (_, _) if kind.is_text() => return Err(self.wrong_type("string", true)),
            (FieldType::Boolean, Literal::Boolean(boolean)) => Comparand::Boolean(*boolean),
            (_, Literal::Number(number)) if kind.is_number() => Comparand::Number(*number),
            (FieldType::Date, Literal::Date(date)) => Comparand::Date(*date),
            (FieldType::Datetime, Literal::DateTime(instant)) => Comparand::DateTime(*instant),
            (FieldType::Date | FieldType::Datetime, Literal::Relative(relative)) => {
                let span = relative.span(self.today);
                return span.map(Suited::Span).ok_or_else(|| {
                    self.error(
                        "INVALID_FIELD",
                        "the date literal lies beyond the calendar; use a smaller number",
                    )
                });
            }
            _ => return Err(self.wrong_type(type_name(kind), false)),
        };
        Ok(Suited::Value(value))
    }

    fn wrong_type(&self, wanted: &str, quoted: bool) -> SoqlError {
        let name = self.field.field_name();
        let quotes = if quoted {
            "should be enclosed"
        } else {
            "should not be enclosed"
        };
        let message = format!(
            "value of filter criterion for field '{name}' must be of type {wanted} and {quotes} in quotes"
        );
        self.error("INVALID_FIELD", &message)
    }

    fn invalid_id(&self, text: &str) -> SoqlError {
        self.error(
            "INVALID_QUERY_FILTER_OPERATOR",
            &format!("invalid ID field: {text}"),
        )
    }

    fn invalid_operator(&self) -> SoqlError {
        let kind = match self.field.kind {
            FieldType::Reference => "id",
            other => other.name(),
        };
        self.error(
            "INVALID_QUERY_FILTER_OPERATOR",
            &format!("invalid operator on {kind} field"),
        )
    }

    fn error(&self, code: &'static str, message: &str) -> SoqlError {
        SoqlError::at(code, self.text, self.field.at, message)
    }
}

/// How a refusal names the type of a value that takes no quotes.
fn type_name(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Datetime => "dateTime",
        FieldType::Double | FieldType::Currency | FieldType::Percent => "double",
        other => other.name(),
    }
}

impl Test {
    /// Whether a value passes.
    #[must_use]
    pub fn passes(&self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::NotNull => !value.is_null(),
            Self::Compare(operator, with) => holds(*operator, compare(value, with)),
            Self::Span(operator, span) => span_holds(*operator, value, *span),
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
                    || self
                        .spans
                        .iter()
                        .any(|span| span_holds(Operator::Equal, other, *span))
            }
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

fn span_holds(operator: Operator, value: &Value, span: DateSpan) -> bool {
    let day = match value {
        Value::Date(date) => *date,
        Value::DateTime(instant) => instant.date_naive(),
        _ => return operator == Operator::NotEqual,
    };
    match operator {
        Operator::Equal => span.start <= day && day < span.end,
        Operator::NotEqual => day < span.start || span.end <= day,
        Operator::Less => day < span.start,
        Operator::LessOrEqual => day < span.end,
        Operator::Greater => span.end <= day,
        Operator::GreaterOrEqual => span.start <= day,
    }
}

fn has_any(value: &Value, sets: &[Vec<String>]) -> bool {
    let Value::Text(text) = value else { return false };
    let chosen: HashSet<String> = text.split(';').map(str::to_lowercase).collect();
    sets.iter()
        .any(|set| set.iter().all(|wanted| chosen.contains(wanted)))
}
