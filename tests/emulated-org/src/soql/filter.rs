//! Conditions checked against field types, ready to be tried.

use std::sync::Arc;

use super::ast::{Condition, Expression, ListOperator, Operator, Query};
use super::comparison::{Comparand, Members, Span, Test};
use super::dates::RelativeDate;
use super::error::SoqlError;
use super::literal::Literal;
use super::semi_join::SemiJoin;
use super::setting::Setting;
use super::term::Term;
use crate::access::Sight;
use crate::id::RecordId;
use crate::schema::FieldType;

/// A condition ready to be tried on what its leaves read: rows for `WHERE`, groups for `HAVING`.
#[derive(Clone, Debug)]
pub enum Filter<L = Term> {
    /// All of them hold.
    All(Vec<Self>),
    /// At least one of them holds.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// A value passes a test.
    Leaf(L, Test),
    /// A reference is among those of other rows, or negated among none of them.
    Join(L, Box<SemiJoin>),
    /// Who asks sees the row.
    Shown(Arc<Sight>),
}

/// What a filter must know of a value before it can be tested.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What refusals call it.
    pub name: String,
    /// Its type.
    pub kind: FieldType,
    /// Whether its texts differ by case.
    pub case_sensitive: bool,
    /// Whether it may stand in a filter at all.
    pub filterable: bool,
    /// Byte offset in the query.
    pub at: usize,
}

/// Turns an expression of a condition into what a filter reads.
type LeafOf<'q, L> = dyn Fn(&Expression) -> Result<(L, Subject), SoqlError> + 'q;
/// Checks the inside of a semi-join against the field on its left.
type JoinOf<'q, L> = dyn Fn(&L, bool, &Query) -> Result<SemiJoin, SoqlError> + 'q;

/// What is needed to check conditions.
#[expect(missing_debug_implementations, reason = "holds functions")]
pub struct Checker<'q, L> {
    /// The query, for refusals.
    pub text: &'q str,
    /// The query's surroundings.
    pub setting: &'q Setting,
    /// Turns an expression of a condition into what a filter reads.
    pub leaf: &'q LeafOf<'q, L>,
    /// Checks the inside of a semi-join against the field on its left.
    pub join: &'q JoinOf<'q, L>,
}

impl<L> Checker<'_, L> {
    /// Checks a condition.
    ///
    /// # Errors
    /// Whatever the leaves and joins refuse; `INVALID_FIELD` for a field that cannot be filtered or a value of
    /// another type; `INVALID_QUERY_FILTER_OPERATOR` for an operator that the field's type has not.
    pub fn check(&self, condition: &Condition) -> Result<Filter<L>, SoqlError> {
        let each = |conditions: &[Condition]| -> Result<Vec<Filter<L>>, SoqlError> {
            conditions.iter().map(|condition| self.check(condition)).collect()
        };
        Ok(match condition {
            Condition::All(conditions) => Filter::All(each(conditions)?),
            Condition::Any(conditions) => Filter::Any(each(conditions)?),
            Condition::Not(condition) => Filter::Not(Box::new(self.check(condition)?)),
            Condition::Compare {
                left,
                operator,
                literal,
            } => {
                let (leaf, subject) = self.checked(left)?;
                Filter::Leaf(leaf, subject.comparison(*operator, literal)?)
            }
            Condition::Like { left, pattern } => {
                let (leaf, subject) = self.checked(left)?;
                let kind = subject.subject.kind;
                if !kind.is_text() || kind == FieldType::Multipicklist {
                    return Err(subject.invalid_operator());
                }
                Filter::Leaf(leaf, Test::Like(pattern.clone()))
            }
            Condition::Among {
                left,
                operator,
                literals,
            } => {
                let (leaf, subject) = self.checked(left)?;
                Filter::Leaf(leaf, subject.membership(*operator, literals)?)
            }
            Condition::Join { left, negated, query } => {
                let (leaf, _) = self.checked(left)?;
                let join = (self.join)(&leaf, *negated, query)?;
                Filter::Join(leaf, Box::new(join))
            }
        })
    }

    fn checked(&self, expression: &Expression) -> Result<(L, Checked<'_>), SoqlError> {
        let (leaf, subject) = (self.leaf)(expression)?;
        let checked = Checked {
            subject,
            text: self.text,
            setting: self.setting,
        };
        if checked.subject.filterable {
            return Ok((leaf, checked));
        }
        let message = format!(
            "field '{}' can not be filtered in a query call",
            checked.subject.name
        );
        Err(checked.error("INVALID_FIELD", &message))
    }
}

/// A subject with what is needed to check values against it.
struct Checked<'q> {
    subject: Subject,
    text: &'q str,
    setting: &'q Setting,
}

/// A literal that suits a field.
enum Suited {
    Null,
    Value(Comparand),
    Span(Span),
}

impl Checked<'_> {
    fn comparison(&self, operator: Operator, literal: &Literal) -> Result<Test, SoqlError> {
        let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
        let ordered = !matches!(self.subject.kind, FieldType::Boolean | FieldType::Multipicklist);
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
        let multiple = self.subject.kind == FieldType::Multipicklist;
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
        let kind = self.subject.kind;
        let value = match (kind, literal) {
            (FieldType::Id | FieldType::Reference, Literal::Text(text)) => {
                Comparand::Id(RecordId::parse(text).ok_or_else(|| self.invalid_id(text))?)
            }
            (FieldType::Id | FieldType::Reference, _) => return Err(self.wrong_type("ID", true)),
            // Empty text is not stored, so it asks for null.
            (_, Literal::Text(text)) if kind.is_text() && text.is_empty() => return Ok(Suited::Null),
            (_, Literal::Text(text)) if kind.is_text() && self.subject.case_sensitive => {
                Comparand::Exact(text.clone())
            }
            (_, Literal::Text(text)) if kind.is_text() => Comparand::Folded(text.to_lowercase()),
            (_, _) if kind.is_text() => return Err(self.wrong_type("string", true)),
            (FieldType::Boolean, Literal::Boolean(boolean)) => Comparand::Boolean(*boolean),
            (_, Literal::Number(number)) if kind.is_number() => Comparand::Number(*number),
            (FieldType::Date, Literal::Date(date)) => Comparand::Date(*date),
            (FieldType::Datetime, Literal::DateTime(instant)) => Comparand::DateTime(*instant),
            (FieldType::Time, Literal::Time(time)) => Comparand::Time(*time),
            (FieldType::Date | FieldType::Datetime, Literal::Relative(relative)) => {
                return self.span(*relative).map(Suited::Span);
            }
            _ => return Err(self.wrong_type(type_name(kind), false)),
        };
        Ok(Suited::Value(value))
    }

    fn span(&self, relative: RelativeDate) -> Result<Span, SoqlError> {
        let days = relative.span(self.setting).ok_or_else(|| {
            self.error(
                "INVALID_FIELD",
                "the date literal lies beyond the calendar; use a smaller number",
            )
        })?;
        Ok(Span {
            days,
            from: self.setting.beginning_of(days.start),
            until: self.setting.beginning_of(days.end),
        })
    }

    fn wrong_type(&self, wanted: &str, quoted: bool) -> SoqlError {
        let name = &self.subject.name;
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
        let kind = match self.subject.kind {
            FieldType::Reference => "id",
            other => other.name(),
        };
        self.error(
            "INVALID_QUERY_FILTER_OPERATOR",
            &format!("invalid operator on {kind} field"),
        )
    }

    fn error(&self, code: &'static str, message: &str) -> SoqlError {
        SoqlError::at(code, self.text, self.subject.at, message)
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
