//! `Long` (Apex Reference Guide, "Long Class").

use super::declaration::Declarations;
use crate::run::decimal::Decimal;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Long")
        .method("static Long valueOf(String text)", parse)
        .method("String format()", format)
        .method("Integer intValue()", int_value);
}

fn parse(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    match text.trim().parse::<i64>() {
        Ok(value) => Ok(Value::Long(value)),
        Err(_) => Err(m.raise("TypeException", format!("Invalid long: {text}"))),
    }
}

fn int_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let value = m.long(m.this(this), 0)?;
    Ok(Value::Integer(Decimal::from(value).to_i32()))
}

/// With the thousands separators of en_US; other locales are refused.
pub(super) fn format(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let digits = m.concatenated(this)?;
    if &*m.host.user().locale != "en_US" {
        return Err(m.not_supported("number formats outside en_US"));
    }
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest.to_owned()),
        None => ("", digits),
    };
    let grouped: Vec<String> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| String::from_utf8_lossy(group).into_owned())
        .collect();
    Ok(Value::from(format!("{sign}{}", grouped.join(","))))
}
