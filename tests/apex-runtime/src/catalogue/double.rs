//! `Double` (Apex Reference Guide, "Double Class").

use super::declaration::Declarations;
use crate::run::decimal::Decimal;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Double")
        .method("static Double valueOf(String text)", parse)
        .method("static Double valueOf(Object value)", value_of)
        .method("String format()", format)
        .method("Integer intValue()", int_value)
        .method("Long longValue()", long_value)
        .method("Long round()", round);
}

fn parse(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    match text.trim().parse::<f64>() {
        Ok(value)
            if text
                .trim()
                .starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) =>
        {
            Ok(Value::Double(value))
        }
        _ => Err(m.raise("TypeException", format!("Invalid double: {text}"))),
    }
}

fn value_of(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Double(match arguments.first() {
        Some(Value::String(_)) => return parse(m, this, arguments),
        Some(Value::Integer(value)) => f64::from(*value),
        Some(Value::Long(value)) => Decimal::from(*value).to_f64(),
        Some(Value::Decimal(value)) => value.to_f64(),
        Some(Value::Double(value)) => *value,
        Some(Value::Null) | None => return Err(m.null_argument()),
        _ => return Err(m.not_supported("Double.valueOf of this value")),
    }))
}

fn own(m: &Machine<'_>, this: &Value) -> Run<Decimal> {
    let value = m.double(m.this(this), 0)?;
    Decimal::from_f64(value).ok_or_else(|| m.not_supported("an infinite Double as a whole number"))
}

/// As a Decimal of the same value.
fn format(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let value = Value::Decimal(own(m, this)?);
    super::decimal::format(m, &value, &[])
}

fn int_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)?.to_i32()))
}

fn long_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Long(own(m, this)?.to_i64()))
}

/// To the nearest, halves to the even neighbour.
fn round(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let rounded = own(m, this)?.rescale(0, crate::run::decimal::Rounding::HalfEven);
    Ok(Value::Long(rounded.map_or(0, |d| d.to_i64())))
}
