//! `Id` (Apex Reference Guide, "Id Class").

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(library: &mut Declarations) {
    library
        .class("System.Id")
        .method("static Id valueOf(String text)", value_of)
        .method("String to15()", to15)
        .method("String toString()", to_string);
}

fn value_of(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    m.to_id(&text)
}

fn to15(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = m.text(m.this(this), 0)?;
    Ok(Value::from(text.get(..15).unwrap_or(&text)))
}

fn to_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::String(m.text(m.this(this), 0)?))
}
