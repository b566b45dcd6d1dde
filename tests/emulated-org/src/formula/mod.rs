//! Formulas: of formula fields, which are calculated when they are read, and of rules on records that are saved.
//!
//! A text is read into an expression, checked against the metadata, and calculated with exact decimals. What the
//! organisation does not know is refused when the metadata is loaded, as a deployment would refuse it.
//!
//! Source: Salesforce Help, Formula Operators and Functions; Formula Field Limits. Salesforce counts days in the time
//! zone of the user who reads or saves, this organisation in UTC.

mod ast;
mod call;
mod check;
mod evaluate;
mod function;
mod kind;
mod lexer;
mod parser;
mod path;
mod rule;

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};

pub(crate) use ast::{Expression, Operator};
pub use check::Place;
use check::{Checker, Node, PERCENT};
pub use evaluate::{Context, Save};
use kind::Kind;
pub(crate) use parser::parse as parse_expression;
pub use rule::{FormulaRule, FormulaRuleError};

use crate::schema::{Field, FieldType, Object, Schema};
use crate::value::Value;

/// Why a formula is refused, or has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FormulaError(String);

impl FormulaError {
    fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A checked formula.
#[derive(Clone)]
pub struct Formula {
    text: String,
    node: Node,
    kind: Kind,
    blank_as_zero: bool,
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Formula").field(&self.text).finish()
    }
}

impl Formula {
    /// Reads and checks a formula about records of an object.
    ///
    /// # Errors
    /// It is no formula, names what does not exist, or its types do not fit.
    pub fn new(text: &str, schema: &Schema, object: &Object, place: Place) -> Result<Self, FormulaError> {
        let expression = parser::parse(text)?;
        let (node, kind) = Checker {
            schema,
            object,
            place,
        }
        .check(&expression)?;
        Ok(Self {
            text: text.to_owned(),
            node,
            kind,
            blank_as_zero: false,
        })
    }

    /// Reads and checks the formula of a rule, which must say yes or no.
    ///
    /// # Errors
    /// Those of [`Formula::new`], and a formula of another type.
    pub fn condition(text: &str, schema: &Schema, object: &Object) -> Result<Self, FormulaError> {
        let formula = Self::new(text, schema, object, Place::Rule)?;
        if formula.kind.fits(Kind::Boolean) {
            return Ok(formula);
        }
        Err(wrong_result(formula.kind, Kind::Boolean))
    }

    /// Reads and checks the formula of a formula field.
    ///
    /// # Errors
    /// Those of [`Formula::new`], and a formula that gives another type than the field has.
    pub fn of_field(
        text: &str,
        schema: &Schema,
        object: &Object,
        field: &Field,
    ) -> Result<Self, FormulaError> {
        let mut formula = Self::new(text, schema, object, Place::Field)?;
        let wanted = Kind::of_field(field.kind)
            .ok_or_else(|| FormulaError::new(format!("Field {} cannot be a formula", field.name)))?;
        if !formula.kind.fits(wanted) {
            return Err(wrong_result(formula.kind, wanted));
        }
        formula.blank_as_zero = field.formula_treat_null_number_as_zero;
        Ok(formula)
    }

    /// The formula as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the formula is true for a record.
    ///
    /// # Errors
    /// It has no value: a division by zero, a day that is none.
    pub fn holds(&self, context: &Context<'_>) -> Result<bool, FormulaError> {
        context.holds(&self.node)
    }

    /// The value of a formula field, in the form in which such a field would store it; null where the formula has no
    /// value, as the API shows `#Error!`.
    #[must_use]
    pub fn field_value(&self, context: &Context<'_>, field: &Field) -> Value {
        self.value_for(context, field).unwrap_or(Value::Null)
    }

    fn value_for(&self, context: &Context<'_>, field: &Field) -> Result<Value, FormulaError> {
        let context = Context {
            blank_as_zero: self.blank_as_zero,
            ..*context
        };
        Ok(match (context.value(&self.node)?, field.kind) {
            (Value::Number(number), kind) => {
                let number = match kind {
                    FieldType::Percent => number.checked_mul(PERCENT).ok_or_else(evaluate::too_large)?,
                    _ => number,
                };
                let scale = u32::from(field.scale);
                let rounded = number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
                Value::Number(if rounded.is_zero() {
                    Decimal::ZERO
                } else {
                    rounded.normalize()
                })
            }
            (Value::Null, FieldType::Boolean) => Value::Boolean(false),
            (Value::Text(text), _) if text.is_empty() => Value::Null,
            (value, _) => value,
        })
    }

    /// The formula fields that this one reads, as object and field names.
    pub(crate) fn formula_fields(&self) -> Vec<(String, String)> {
        let mut read = Vec::new();
        self.node.each_field(&mut |path| {
            if path.is_calculated {
                read.push((path.object.clone(), path.field.clone()));
            }
        });
        read
    }
}

fn wrong_result(given: Kind, wanted: Kind) -> FormulaError {
    FormulaError::new(format!(
        "Formula result is data type ({}), incompatible with expected data type ({}).",
        given.name(),
        wanted.name()
    ))
}
