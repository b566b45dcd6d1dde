//! `Id` (Apex Reference Guide, "Id Class").

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Id")
        .method("static Id valueOf(String text)", value_of)
        .method("SObjectType getSObjectType()", object_type)
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

fn object_type(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let id = m.text(m.this(this), 0)?;
    let prefix = id.get(..3).unwrap_or_default();
    match m.program.schema.object_by_prefix(prefix) {
        Some(object) => Ok(Value::ObjectToken(std::sync::Arc::clone(&object.name))),
        None => Err(m.not_supported(format!("the object of ids that start with {prefix}"))),
    }
}
