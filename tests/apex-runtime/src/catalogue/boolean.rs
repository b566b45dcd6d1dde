//! `Boolean` (Apex Reference Guide, "Boolean Class").

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Boolean")
        .method("static Boolean valueOf(Object value)", value_of);
}

/// Only the text "true", in any case, is true.
fn value_of(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    match arguments.first() {
        Some(Value::Boolean(value)) => Ok(Value::Boolean(*value)),
        Some(Value::String(text)) => Ok(Value::Boolean(text.eq_ignore_ascii_case("true"))),
        Some(Value::Null) | None => Err(m.null_argument()),
        Some(_) => Err(m.not_supported("Boolean.valueOf of this value")),
    }
}
