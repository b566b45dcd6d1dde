//! Binary operators on values (Apex Developer Guide, "Expression Operators"). Both sides already have a
//! common type; Integer and Long wrap around.

use std::cmp::Ordering;

use chrono::Duration;

use super::value::Value;
use super::{Machine, Run};
use crate::compile::ir::Operation;
use crate::run::decimal::Decimal;

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Machine<'_> {
    pub(super) fn operate(&mut self, operation: Operation, left: &Value, right: &Value) -> Run<Value> {
        match operation {
            Operation::Concatenate => {
                let text = format!("{}{}", self.concatenated(left)?, self.concatenated(right)?);
                Ok(Value::from(text))
            }
            Operation::Equal => Ok(Value::Boolean(self.equal(left, right)?)),
            Operation::NotEqual => Ok(Value::Boolean(!self.equal(left, right)?)),
            Operation::Identical => Ok(Value::Boolean(self.identical(left, right)?)),
            Operation::NotIdentical => Ok(Value::Boolean(!self.identical(left, right)?)),
            Operation::Less => self.compare_with(left, right, |o| o == Ordering::Less),
            Operation::LessOrEqual => self.compare_with(left, right, |o| o != Ordering::Greater),
            Operation::Greater => self.compare_with(left, right, |o| o == Ordering::Greater),
            Operation::GreaterOrEqual => self.compare_with(left, right, |o| o != Ordering::Less),
            Operation::AddDays => self.shift_days(left, right, 1),
            Operation::SubtractDays => self.shift_days(left, right, -1),
            _ => self.arithmetic(operation, left, right),
        }
    }

    fn arithmetic(&self, operation: Operation, left: &Value, right: &Value) -> Run<Value> {
        let by_zero = || self.raise("MathException", "Divide by 0");
        Ok(match (left, right) {
            (Value::Integer(a), Value::Integer(b)) => Value::Integer(match operation {
                Operation::Add => a.wrapping_add(*b),
                Operation::Subtract => a.wrapping_sub(*b),
                Operation::Multiply => a.wrapping_mul(*b),
                Operation::Divide if *b == 0 => return Err(by_zero()),
                Operation::Divide => a.wrapping_div(*b),
                Operation::BitAnd => a & b,
                Operation::BitOr => a | b,
                Operation::BitXor => a ^ b,
                _ => integer_shift(operation, *a, i64::from(*b)),
            }),
            (Value::Long(a), Value::Long(b)) => Value::Long(match operation {
                Operation::Add => a.wrapping_add(*b),
                Operation::Subtract => a.wrapping_sub(*b),
                Operation::Multiply => a.wrapping_mul(*b),
                Operation::Divide if *b == 0 => return Err(by_zero()),
                Operation::Divide => a.wrapping_div(*b),
                Operation::BitAnd => a & b,
                Operation::BitOr => a | b,
                Operation::BitXor => a ^ b,
                _ => long_shift(operation, *a, *b),
            }),
            (Value::Integer(a), Value::Long(b)) => Value::Integer(integer_shift(operation, *a, *b)),
            (Value::Long(a), Value::Integer(b)) => Value::Long(long_shift(operation, *a, i64::from(*b))),
            (Value::Double(a), Value::Double(b)) => Value::Double(match operation {
                Operation::Add => a + b,
                Operation::Subtract => a - b,
                Operation::Multiply => a * b,
                _ if *b == 0.0 => return Err(by_zero()),
                _ => a / b,
            }),
            (Value::Decimal(a), Value::Decimal(b)) => Value::Decimal(match operation {
                Operation::Add => a.add(b),
                Operation::Subtract => a.subtract(b),
                Operation::Multiply => a.multiply(b),
                _ => a.divide(b).ok_or_else(by_zero)?,
            }),
            (Value::Boolean(a), Value::Boolean(b)) => Value::Boolean(match operation {
                Operation::BitAnd => a & b,
                Operation::BitOr => a | b,
                _ => a ^ b,
            }),
            (Value::Null, _) | (_, Value::Null) => return Err(self.null_pointer()),
            _ => return Err(self.not_supported(format!("the operator {operation:?} on these values"))),
        })
    }

    fn shift_days(&self, left: &Value, days: &Value, sign: i32) -> Run<Value> {
        let out_of_range = || self.not_supported("a date outside the calendar");
        let whole = match days {
            Value::Integer(days) => i64::from(*days),
            Value::Long(days) => *days,
            Value::Double(_) | Value::Decimal(_) => 0,
            _ => return Err(self.null_pointer()),
        };
        match left {
            Value::Date(date) => {
                let shift = Duration::try_days(whole * i64::from(sign)).ok_or_else(out_of_range)?;
                date.checked_add_signed(shift)
                    .map(Value::Date)
                    .ok_or_else(out_of_range)
            }
            Value::Datetime(millis) => {
                let shift = match days {
                    Value::Double(d) => Decimal::from_f64(*d).ok_or_else(out_of_range)?,
                    Value::Decimal(d) => d.clone(),
                    _ => Decimal::from(whole),
                };
                let shift = shift.multiply(&Decimal::from(MILLIS_PER_DAY));
                let shift = shift
                    .rescale(0, super::decimal::Rounding::HalfUp)
                    .map_or(0, |d| d.to_i64());
                Ok(Value::Datetime(millis.wrapping_add(shift * i64::from(sign))))
            }
            _ => Err(self.null_pointer()),
        }
    }

    /// Comparisons with null are false (Apex Developer Guide: "the expression is false"), except that any
    /// String or Id is greater than null.
    fn compare_with(&self, left: &Value, right: &Value, accepts: fn(Ordering) -> bool) -> Run<Value> {
        let text = |v: &Value| matches!(v, Value::String(_) | Value::Id(_));
        let order = match (left, right) {
            (Value::Null, other) if text(other) => Some(Ordering::Less),
            (other, Value::Null) if text(other) => Some(Ordering::Greater),
            (Value::Null, _) | (_, Value::Null) => None,
            (Value::String(a), Value::String(b)) => Some(compare_ignoring_case(a, b)),
            _ => Some(self.natural_order(left, right)?),
        };
        Ok(Value::Boolean(order.is_some_and(accepts)))
    }
}

/// Operators on Strings ignore case; the rest of a locale's collation is not imitated.
fn compare_ignoring_case(a: &str, b: &str) -> Ordering {
    a.chars()
        .flat_map(char::to_lowercase)
        .cmp(b.chars().flat_map(char::to_lowercase))
}

fn integer_shift(operation: Operation, a: i32, by: i64) -> i32 {
    // Only the low five bits of the distance count, as in Java.
    let by = u32::try_from(by & 31).unwrap_or(0);
    match operation {
        Operation::ShiftLeft => a.wrapping_shl(by),
        Operation::ShiftRight => a.wrapping_shr(by),
        _ => a.cast_unsigned().wrapping_shr(by).cast_signed(),
    }
}

fn long_shift(operation: Operation, a: i64, by: i64) -> i64 {
    let by = u32::try_from(by & 63).unwrap_or(0);
    match operation {
        Operation::ShiftLeft => a.wrapping_shl(by),
        Operation::ShiftRight => a.wrapping_shr(by),
        _ => a.cast_unsigned().wrapping_shr(by).cast_signed(),
    }
}
