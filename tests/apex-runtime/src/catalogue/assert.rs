//! `Assert` and the asserts of `System` (Apex Reference Guide, "Assert Class"). A failed assertion ends the
//! test: Apex code cannot catch it.

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Interrupt, Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Assert")
        .method(
            "static void areEqual(Object expected, Object actual)",
            assert_equals,
        )
        .method(
            "static void areEqual(Object expected, Object actual, String message)",
            assert_equals,
        )
        .method(
            "static void areNotEqual(Object expected, Object actual)",
            assert_not_equals,
        )
        .method(
            "static void areNotEqual(Object expected, Object actual, String message)",
            assert_not_equals,
        )
        .method("static void fail()", fail)
        .method("static void fail(String message)", fail)
        .method("static void isTrue(Boolean condition)", assert)
        .method("static void isTrue(Boolean condition, String message)", assert)
        .method("static void isFalse(Boolean condition)", is_false)
        .method("static void isFalse(Boolean condition, String message)", is_false)
        .method("static void isNull(Object value)", is_null)
        .method("static void isNull(Object value, String message)", is_null)
        .method("static void isNotNull(Object value)", is_not_null)
        .method("static void isNotNull(Object value, String message)", is_not_null)
        .method(
            "static void isInstanceOfType(Object value, Type expected)",
            is_instance,
        )
        .method(
            "static void isInstanceOfType(Object value, Type expected, String message)",
            is_instance,
        )
        .method(
            "static void isNotInstanceOfType(Object value, Type expected)",
            is_not_instance,
        )
        .method(
            "static void isNotInstanceOfType(Object value, Type expected, String message)",
            is_not_instance,
        );
}

/// The failure: `Assertion Failed: message: Expected: 1, Actual: 2`.
fn failure(m: &mut Machine<'_>, message: Value, detail: &str) -> Interrupt {
    let mut text = String::from("Assertion Failed");
    if !message.is_null() {
        match m.concatenated(&message) {
            Ok(message) => text.push_str(&format!(": {message}")),
            Err(interrupt) => return interrupt,
        }
    }
    if !detail.is_empty() {
        text.push_str(&format!(": {detail}"));
    }
    m.assertion_failed(&text)
}

fn require(m: &mut Machine<'_>, holds: bool, message: Value) -> Run<Value> {
    if holds {
        Ok(Value::Null)
    } else {
        Err(failure(m, message, ""))
    }
}

pub(super) fn assert(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let holds = m.boolean(arguments, 0)?;
    require(m, holds, m.any(arguments, 1))
}

fn is_false(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let holds = !m.boolean(arguments, 0)?;
    require(m, holds, m.any(arguments, 1))
}

pub(super) fn assert_equals(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (expected, actual) = (m.any(arguments, 0), m.any(arguments, 1));
    if m.same_key(&expected, &actual)? {
        return Ok(Value::Null);
    }
    let detail = format!(
        "Expected: {}, Actual: {}",
        m.concatenated(&expected)?,
        m.concatenated(&actual)?
    );
    Err(failure(m, m.any(arguments, 2), &detail))
}

pub(super) fn assert_not_equals(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (expected, actual) = (m.any(arguments, 0), m.any(arguments, 1));
    if !m.same_key(&expected, &actual)? {
        return Ok(Value::Null);
    }
    let detail = format!("Same value: {}", m.concatenated(&actual)?);
    Err(failure(m, m.any(arguments, 2), &detail))
}

fn fail(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    require(m, false, m.any(arguments, 0))
}

fn is_null(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let holds = m.any(arguments, 0).is_null();
    require(m, holds, m.any(arguments, 1))
}

fn is_not_null(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let holds = !m.any(arguments, 0).is_null();
    require(m, holds, m.any(arguments, 1))
}

fn instance_of(m: &Machine<'_>, arguments: &[Value]) -> Run<bool> {
    match arguments.get(1) {
        Some(Value::Type(ty)) => Ok(m.is_instance(&m.any(arguments, 0), ty)),
        _ => Err(m.null_argument()),
    }
}

fn is_instance(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let holds = instance_of(m, arguments)?;
    require(m, holds, m.any(arguments, 2))
}

fn is_not_instance(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let holds = !instance_of(m, arguments)?;
    require(m, holds, m.any(arguments, 2))
}
