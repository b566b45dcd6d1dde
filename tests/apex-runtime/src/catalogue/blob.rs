//! `Blob` (Apex Reference Guide, "Blob Class").

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Blob")
        .method("static Blob valueOf(String text)", value_of)
        .method("Integer size()", size)
        .method("String toString()", to_string);
}

/// The bytes of a Blob.
pub(super) fn bytes(m: &Machine<'_>, value: Option<&Value>) -> Run<std::rc::Rc<[u8]>> {
    match value {
        Some(Value::Blob(bytes)) => Ok(std::rc::Rc::clone(bytes)),
        _ => Err(m.null_argument()),
    }
}

fn value_of(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    Ok(Value::Blob(text.as_bytes().into()))
}

fn size(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let count = bytes(m, Some(this))?.len();
    Ok(m.count_of(count))
}

/// Only UTF-8 becomes text.
fn to_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    match std::str::from_utf8(&bytes(m, Some(this))?) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err(m.raise("StringException", "BLOB is not a valid UTF-8 string")),
    }
}
