//! `Decimal` and `RoundingMode` (Apex Reference Guide, "Decimal Class").

use super::declaration::Declarations;
use crate::run::decimal::{Decimal, Rounding};
use crate::run::value::Value;
use crate::run::{Machine, Run};

const MODES: &[&str] = &[
    "CEILING",
    "DOWN",
    "FLOOR",
    "HALF_DOWN",
    "HALF_EVEN",
    "HALF_UP",
    "UNNECESSARY",
    "UP",
];

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration("System.RoundingMode", MODES);
    catalogue
        .class("System.Decimal")
        .method("static Decimal valueOf(String text)", parse)
        .method("static Decimal valueOf(Double value)", from_number)
        .method("static Decimal valueOf(Long value)", from_number)
        .method("Decimal abs()", abs)
        .method("Decimal divide(Decimal divisor, Integer scale)", divide)
        .method(
            "Decimal divide(Decimal divisor, Integer scale, RoundingMode mode)",
            divide,
        )
        .method("Double doubleValue()", double_value)
        .method("String format()", format)
        .method("Integer intValue()", int_value)
        .method("Long longValue()", long_value)
        .method("Decimal pow(Integer exponent)", pow)
        .method("Integer precision()", precision)
        .method("Long round()", round)
        .method("Long round(RoundingMode mode)", round)
        .method("Integer scale()", scale)
        .method("Decimal setScale(Integer scale)", set_scale)
        .method("Decimal setScale(Integer scale, RoundingMode mode)", set_scale)
        .method("Decimal stripTrailingZeros()", strip_trailing_zeros)
        .method("String toPlainString()", to_plain_string);
}

fn own(m: &Machine<'_>, this: &Value) -> Run<Decimal> {
    match this {
        Value::Decimal(value) => Ok(value.clone()),
        _ => Err(m.null_pointer()),
    }
}

/// The rounding mode at a place; half even where none is given.
pub(super) fn mode(m: &Machine<'_>, arguments: &[Value], index: usize) -> Run<Rounding> {
    let name = match arguments.get(index) {
        None => return Ok(Rounding::HalfEven),
        Some(Value::Enum(owner, index)) => m.constant_name(*owner, *index),
        Some(_) => return Err(m.null_argument()),
    };
    Ok(match name.as_str() {
        "CEILING" => Rounding::Ceiling,
        "DOWN" => Rounding::Down,
        "FLOOR" => Rounding::Floor,
        "HALF_DOWN" => Rounding::HalfDown,
        "HALF_EVEN" => Rounding::HalfEven,
        "HALF_UP" => Rounding::HalfUp,
        "UP" => Rounding::Up,
        _ => Rounding::Unnecessary,
    })
}

fn rounded(m: &Machine<'_>, result: Option<Decimal>) -> Run<Decimal> {
    result.ok_or_else(|| m.raise("MathException", "Rounding necessary"))
}

fn parse(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    match text.trim().parse::<Decimal>() {
        Ok(value) => Ok(Value::Decimal(value)),
        Err(_) => Err(m.raise("TypeException", format!("Invalid decimal: {text}"))),
    }
}

fn from_number(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let value = m.any(arguments, 0);
    if value.is_null() {
        return Err(m.null_argument());
    }
    m.convert(crate::types::Conversion::ToDecimal, value)
}

fn abs(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Decimal(own(m, this)?.abs()))
}

fn divide(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let divisor = m.decimal(arguments, 0)?;
    if divisor.signum() == 0 {
        return Err(m.raise("MathException", "Divide by 0"));
    }
    let scale = i64::from(m.integer(arguments, 1)?);
    let result = own(m, this)?.divide_to(&divisor, scale, mode(m, arguments, 2)?);
    Ok(Value::Decimal(rounded(m, result)?))
}

fn double_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Double(own(m, this)?.to_f64()))
}

/// With separators in en_US; other locales are refused.
pub(super) fn format(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = own(m, this)?.to_plain_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if fraction.len() > 3 {
        return Err(m.not_supported("Decimal.format with more than three fraction digits"));
    }
    let digits: Value = Value::from(whole);
    let grouped = super::long::format(m, &digits, &[])?;
    let grouped = m.concatenated(&grouped)?;
    let fraction = fraction.trim_end_matches('0');
    Ok(Value::from(if fraction.is_empty() {
        grouped
    } else {
        format!("{grouped}.{fraction}")
    }))
}

fn int_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(own(m, this)?.to_i32()))
}

fn long_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Long(own(m, this)?.to_i64()))
}

fn pow(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let exponent = m.integer(arguments, 0)?;
    match u32::try_from(exponent).ok().filter(|e| *e <= 32_767) {
        Some(exponent) => Ok(Value::Decimal(own(m, this)?.pow(exponent))),
        None => Err(m.raise("MathException", format!("Invalid exponent: {exponent}"))),
    }
}

fn precision(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(
        i32::try_from(own(m, this)?.precision()).unwrap_or(i32::MAX),
    ))
}

fn scale(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Integer(
        i32::try_from(own(m, this)?.scale()).unwrap_or(i32::MAX),
    ))
}

fn round(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let result = own(m, this)?.rescale(0, mode(m, arguments, 0)?);
    Ok(Value::Long(rounded(m, result)?.to_i64()))
}

/// Without a mode halves go to the even neighbour, Apex's default.
fn set_scale(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let scale = i64::from(m.integer(arguments, 0)?);
    let mode = if arguments.len() > 1 {
        mode(m, arguments, 1)?
    } else {
        Rounding::HalfEven
    };
    let result = own(m, this)?.rescale(scale, mode);
    Ok(Value::Decimal(rounded(m, result)?))
}

fn strip_trailing_zeros(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Decimal(own(m, this)?.strip_trailing_zeros()))
}

fn to_plain_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::from(own(m, this)?.to_plain_string()))
}
