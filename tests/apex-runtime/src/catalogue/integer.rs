//! `Integer` (Apex Reference Guide, "Integer Class").

use super::declaration::Declarations;
use crate::run::decimal::Decimal;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Integer")
        .method("static Integer valueOf(String text)", parse)
        .method("static Integer valueOf(Object value)", value_of)
        .method("String format()", super::long::format)
        .method("Integer intValue()", itself);
}

/// Only digits with a sign; anything else is a TypeException.
fn parse(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    match text.trim().parse::<i32>() {
        Ok(value) => Ok(Value::Integer(value)),
        Err(_) => Err(m.raise("TypeException", format!("Invalid integer: {text}"))),
    }
}

fn value_of(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Integer(match arguments.first() {
        Some(Value::String(_)) => return parse(m, this, arguments),
        Some(Value::Integer(value)) => *value,
        Some(Value::Long(value)) => Decimal::from(*value).to_i32(),
        Some(Value::Decimal(value)) => value.to_i32(),
        Some(Value::Double(value)) => Decimal::from_f64(*value).map_or(0, |d| d.to_i32()),
        Some(Value::Null) | None => return Err(m.null_argument()),
        _ => return Err(m.not_supported("Integer.valueOf of this value")),
    }))
}

fn itself(_: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(this.clone())
}
