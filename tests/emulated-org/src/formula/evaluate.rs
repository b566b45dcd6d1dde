//! Formulas calculated for a record.

use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::FormulaError;
use super::ast::Operator;
use super::check::{Node, PERCENT};
use super::path::{FieldPath, Start};
use crate::access::Access;
use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::schema::{FieldType, Object};
use crate::value::Value;

/// A formula field may read another one; metadata that loads has no circles, and this bounds the stack.
const MOST_NESTED: u8 = 40;

/// The record that a formula is calculated for, and its surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Where parents are found.
    pub data: &'a Data,
    /// The record's object.
    pub object: &'a Object,
    /// The record.
    pub row: &'a Row,
    /// The present moment. Days are counted in UTC.
    pub now: DateTime<Utc>,
    /// What is being done to the record, for rules.
    pub save: Option<Save<'a>>,
    /// Whether numbers without a value count as zero.
    pub(super) blank_as_zero: bool,
    pub(super) depth: u8,
}

/// What is being done to a record.
#[derive(Clone, Copy, Debug)]
pub struct Save<'a> {
    /// The record as it was; none for one that is new.
    pub before: Option<&'a Row>,
    /// Who saves it.
    pub user: RecordId,
    /// What the one who saves it may do; none for the platform, which has no custom permission.
    pub access: Option<&'a Access>,
}

type Outcome = Result<Value, FormulaError>;

impl<'a> Context<'a> {
    /// A record that is read.
    #[must_use]
    pub fn reading(data: &'a Data, object: &'a Object, row: &'a Row, now: DateTime<Utc>) -> Self {
        Self {
            data,
            // A user may see less of the object than the formula reads.
            object: data.table(&object.name).map_or(object, |table| &table.object),
            row,
            now,
            save: None,
            blank_as_zero: false,
            depth: 0,
        }
    }

    /// A record that is being saved.
    #[must_use]
    pub fn saving(
        data: &'a Data,
        object: &'a Object,
        row: &'a Row,
        now: DateTime<Utc>,
        save: Save<'a>,
    ) -> Self {
        Self {
            save: Some(save),
            ..Self::reading(data, object, row, now)
        }
    }

    pub(super) fn value(&self, node: &Node) -> Outcome {
        Ok(match node {
            Node::Constant(value) => value.clone(),
            Node::Field(path) => self.at_path(path, self.row)?,
            Node::Binary(operator, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                binary(*operator, &left, &right)?
            }
            Node::Not(inner) => Value::Boolean(!self.holds(inner)?),
            Node::Negated(inner) => match self.value(inner)? {
                Value::Number(number) => Value::Number(-number),
                _ => Value::Null,
            },
            Node::All(nodes) => {
                for node in nodes {
                    if !self.holds(node)? {
                        return Ok(Value::Boolean(false));
                    }
                }
                Value::Boolean(true)
            }
            Node::Any(nodes) => {
                for node in nodes {
                    if self.holds(node)? {
                        return Ok(Value::Boolean(true));
                    }
                }
                Value::Boolean(false)
            }
            Node::If(parts) => {
                let (test, yes, no) = parts.as_ref();
                self.value(if self.holds(test)? { yes } else { no })?
            }
            Node::Case(subject, pairs, fallback) => {
                let subject = self.value(subject)?;
                for (value, then) in pairs {
                    if equal(&subject, &self.value(value)?) {
                        return self.value(then);
                    }
                }
                self.value(fallback)?
            }
            Node::IsBlank(inner) => Value::Boolean(is_blank(&self.value(inner)?)),
            Node::BlankValue(value, fallback) => match self.value(value)? {
                value if is_blank(&value) => self.value(fallback)?,
                value => value,
            },
            Node::Includes(field, choice) => {
                let (field, choice) = (self.value(field)?, self.value(choice)?);
                let (field, choice) = (text_of(&field), text_of(&choice));
                Value::Boolean(field.split(';').any(|chosen| chosen == choice))
            }
            Node::IsNew => Value::Boolean(self.is_new()),
            Node::IsChanged(path) => Value::Boolean(match self.save.and_then(|save| save.before) {
                Some(before) => self.at_path(path, before)? != self.at_path(path, self.row)?,
                None => false,
            }),
            Node::PriorValue(path) => {
                // Salesforce Help, PRIORVALUE: a new record's present value.
                let before = self.save.and_then(|save| save.before).unwrap_or(self.row);
                self.at_path(path, before)?
            }
            Node::IsNumber(inner) => {
                let value = self.value(inner)?;
                Value::Boolean(Decimal::from_str_exact(text_of(&value).trim()).is_ok())
            }
            Node::Text(inner) => shown(&self.value(inner)?),
            Node::Matches(text, regex) => {
                let value = self.value(text)?;
                Value::Boolean(regex.is_match(text_of(&value)))
            }
            Node::Permission(name) => Value::Boolean(self.has_permission(name)),
            Node::Call(function, nodes) => {
                let values = nodes
                    .iter()
                    .map(|node| self.value(node))
                    .collect::<Result<Vec<_>, _>>()?;
                super::call::call(*function, &values, self.now)?
            }
        })
    }

    /// Whether a condition is true; one without a value is not.
    pub(super) fn holds(&self, node: &Node) -> Result<bool, FormulaError> {
        Ok(self.value(node)? == Value::Boolean(true))
    }

    fn is_new(&self) -> bool {
        self.save.is_some_and(|save| save.before.is_none())
    }

    fn has_permission(&self, name: &str) -> bool {
        let access = self.save.and_then(|save| save.access);
        access.is_some_and(|access| access.has_custom_permission(name))
    }

    fn at_path(&self, path: &FieldPath, row: &'a Row) -> Outcome {
        let Some((mut object, mut row)) = self.start(&path.start, row) else {
            return Ok(Value::Null);
        };
        for reference in &path.references {
            let Some((position, _)) = object.field(reference) else {
                return Ok(Value::Null);
            };
            let Value::Id(parent) = row.get(position) else {
                return Ok(Value::Null);
            };
            let Some((next, found)) = self.record(*parent) else {
                return Ok(Value::Null);
            };
            (object, row) = (next, found);
        }
        self.field(object, row, &path.field)
    }

    fn start(&self, start: &Start, row: &'a Row) -> Option<(&'a Object, &'a Row)> {
        let user = || self.record(self.save?.user);
        match start {
            Start::Record => Some((self.object, row)),
            Start::User => user(),
            Start::Profile => {
                let (object, row) = user()?;
                match row.get(object.field("ProfileId")?.0) {
                    Value::Id(profile) => self.record(*profile),
                    _ => None,
                }
            }
            Start::Organization => {
                let table = self.data.table("Organization")?;
                Some((&table.object, table.rows().next()?))
            }
            Start::Setting(name) => self.setting(name),
        }
    }

    /// The record of a hierarchy setting that holds for the user: the user's own, the profile's or the
    /// organisation's (Salesforce Help, Create Custom Settings). Every field is read from the first record that is
    /// there, not from the first that has a value (believed to differ).
    fn setting(&self, name: &str) -> Option<(&'a Object, &'a Row)> {
        let table = self.data.table(name)?;
        let (owner, _) = table.object.field("SetupOwnerId")?;
        let (_, profile) = self.start(&Start::Profile, self.row)?;
        let (_, organization) = self.start(&Start::Organization, self.row)?;
        let levels = [self.save?.user, profile.id(), organization.id()];
        levels.into_iter().find_map(|level| {
            let mut rows = table.rows().filter(|row| !row.is_deleted());
            rows.find(|row| row.get(owner) == &Value::Id(level))
                .map(|row| (table.object.as_ref(), row))
        })
    }

    fn record(&self, id: RecordId) -> Option<(&'a Object, &'a Row)> {
        let table = self.data.table_by_prefix(id.prefix())?;
        Some((&table.object, table.get(&id)?))
    }

    fn field(&self, object: &'a Object, row: &'a Row, name: &str) -> Outcome {
        let Some((position, field)) = object.field(name) else {
            return Ok(Value::Null);
        };
        let value = match (&field.formula, field.name.as_str()) {
            (Some(formula), _) => {
                if self.depth >= MOST_NESTED {
                    return Err(FormulaError::new("Formula fields refer to each other too deeply"));
                }
                let inner = Self {
                    object,
                    row,
                    save: None,
                    depth: self.depth + 1,
                    ..*self
                };
                formula.value_for(&inner, field)?
            }
            (None, "Id") if self.is_new() && row.id() == self.row.id() => Value::Null,
            (None, "Id") => Value::Id(row.id()),
            (None, "IsDeleted") => Value::Boolean(row.is_deleted()),
            (None, _) => row.get(position).clone(),
        };
        Ok(match (field.kind, value) {
            (FieldType::Percent, Value::Number(percent)) => Value::Number(percent / PERCENT),
            (kind, Value::Null) if kind.is_number() && self.blank_as_zero => Value::Number(Decimal::ZERO),
            // Formulas see ids of 15 characters (Salesforce Help, CASESAFEID).
            (_, Value::Id(id)) => Value::text(id.as_str15()),
            (_, value) => value,
        })
    }
}

fn binary(operator: Operator, left: &Value, right: &Value) -> Outcome {
    let ordered =
        |holds: fn(std::cmp::Ordering) -> bool| Value::Boolean(order(left, right).is_some_and(holds));
    Ok(match operator {
        Operator::Or => Value::Boolean(is_true(left) || is_true(right)),
        Operator::And => Value::Boolean(is_true(left) && is_true(right)),
        Operator::Equal => Value::Boolean(equal(left, right)),
        Operator::NotEqual => Value::Boolean(!equal(left, right)),
        Operator::Less => ordered(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => ordered(std::cmp::Ordering::is_le),
        Operator::Greater => ordered(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => ordered(std::cmp::Ordering::is_ge),
        Operator::Concatenate => joined(left, right),
        Operator::Add | Operator::Subtract => sum(operator, left, right)?,
        Operator::Multiply | Operator::Divide | Operator::Power => match (left, right) {
            (Value::Number(left), Value::Number(right)) => Value::Number(product(operator, *left, *right)?),
            _ => Value::Null,
        },
    })
}

fn sum(operator: Operator, left: &Value, right: &Value) -> Outcome {
    let subtract = operator == Operator::Subtract;
    let signed = |number: Decimal| if subtract { -number } else { number };
    Ok(match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            Value::Number(left.checked_add(signed(*right)).ok_or_else(too_large)?)
        }
        (Value::Date(left), Value::Date(right)) => Value::Number((*left - *right).num_days().into()),
        (Value::DateTime(left), Value::DateTime(right)) => {
            let seconds = Decimal::from((*left - *right).num_seconds());
            Value::Number(seconds / Decimal::from(SECONDS_OF_DAY))
        }
        (Value::Date(day), Value::Number(days)) => Value::Date(later_day(*day, signed(*days))?),
        (Value::Number(days), Value::Date(day)) => Value::Date(later_day(*day, *days)?),
        (Value::DateTime(moment), Value::Number(days)) => Value::DateTime(later(*moment, signed(*days))?),
        (Value::Number(days), Value::DateTime(moment)) => Value::DateTime(later(*moment, *days)?),
        (Value::Text(_), _) | (_, Value::Text(_)) => joined(left, right),
        _ => Value::Null,
    })
}

const SECONDS_OF_DAY: i64 = 86_400;

fn later_day(day: NaiveDate, days: Decimal) -> Result<NaiveDate, FormulaError> {
    let days = i64::try_from(days.trunc()).ok().and_then(TimeDelta::try_days);
    days.and_then(|days| day.checked_add_signed(days))
        .filter(|day| (1700..=4000).contains(&day.year()))
        .ok_or_else(too_large)
}

fn later(moment: DateTime<Utc>, days: Decimal) -> Result<DateTime<Utc>, FormulaError> {
    let seconds = days
        .checked_mul(Decimal::from(SECONDS_OF_DAY))
        .map(|seconds| seconds.round());
    let seconds = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    seconds
        .and_then(TimeDelta::try_seconds)
        .and_then(|span| moment.checked_add_signed(span))
        .filter(|moment| (1700..=4000).contains(&moment.year()))
        .ok_or_else(too_large)
}

fn product(operator: Operator, left: Decimal, right: Decimal) -> Result<Decimal, FormulaError> {
    let result = match operator {
        Operator::Divide if right.is_zero() => return Err(FormulaError::new("Division by zero")),
        Operator::Divide => left.checked_div(right),
        Operator::Power => return power(left, right),
        _ => left.checked_mul(right),
    };
    result.ok_or_else(too_large)
}

/// Whole exponents alone: roots would not be exact.
fn power(base: Decimal, exponent: Decimal) -> Result<Decimal, FormulaError> {
    const LARGEST: u32 = 64;
    let whole = exponent.fract().is_zero();
    let times = u32::try_from(exponent.abs().trunc()).unwrap_or(u32::MAX);
    if !whole || times > LARGEST {
        return Err(FormulaError::new(
            "an exponent that is no whole number up to 64 is not supported by the emulated org",
        ));
    }
    let mut result = Decimal::ONE;
    for _ in 0..times {
        result = result.checked_mul(base).ok_or_else(too_large)?;
    }
    if exponent.is_sign_negative() {
        return Decimal::ONE
            .checked_div(result)
            .ok_or_else(|| FormulaError::new("Division by zero"));
    }
    Ok(result)
}

pub(super) fn too_large() -> FormulaError {
    FormulaError::new("The value is too large for a formula")
}

fn joined(left: &Value, right: &Value) -> Value {
    text(format!("{}{}", text_of(left), text_of(right)))
}

/// A text as values keep it: none at all where it has no characters.
pub(super) fn text(text: String) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::text(text)
    }
}

/// A text's characters; none where there is no text.
pub(super) fn text_of(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

fn is_true(value: &Value) -> bool {
    value == &Value::Boolean(true)
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Text(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Texts are the same with regard to case; no value is the same as an empty text.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Text(text)) | (Value::Text(text), Value::Null) => text.is_empty(),
        (Value::Null, Value::Boolean(boolean)) | (Value::Boolean(boolean), Value::Null) => !boolean,
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    Some(match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::Date(left), Value::Date(right)) => left.cmp(right),
        (Value::DateTime(left), Value::DateTime(right)) => left.cmp(right),
        (Value::Time(left), Value::Time(right)) => left.cmp(right),
        (Value::Text(left), Value::Text(right)) => left.cmp(right),
        _ => return None,
    })
}

fn shown(value: &Value) -> Value {
    match value {
        Value::Number(number) => Value::text(number.normalize().to_string()),
        Value::Date(day) => Value::text(day.format("%Y-%m-%d").to_string()),
        Value::DateTime(moment) => Value::text(moment.format("%Y-%m-%d %H:%M:%SZ").to_string()),
        Value::Time(time) => Value::text(time.format("%H:%M:%S%.3f").to_string()),
        Value::Boolean(_) | Value::Null | Value::Id(_) => Value::Null,
        Value::Text(text) => Value::Text(text.clone()),
    }
}
