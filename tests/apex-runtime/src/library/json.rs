//! `JSON` (Apex Reference Guide, "JSON Class"): serialization, typed and untyped reading. JSONGenerator and
//! JSONParser are not here.

use super::declaration::Declarations;
use super::json_read::{read_typed, read_untyped};
use super::json_write::Writer;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(library: &mut Declarations) {
    library
        .class("System.JSON")
        .method("static String serialize(Object value)", serialize)
        .method(
            "static String serialize(Object value, Boolean suppressNulls)",
            serialize,
        )
        .method("static String serializePretty(Object value)", serialize_pretty)
        .method(
            "static String serializePretty(Object value, Boolean suppressNulls)",
            serialize_pretty,
        )
        .method("static Object deserialize(String text, Type type)", deserialize)
        .method(
            "static Object deserializeStrict(String text, Type type)",
            deserialize_strict,
        )
        .method(
            "static Object deserializeUntyped(String text)",
            deserialize_untyped,
        );
}

fn written(m: &mut Machine<'_>, arguments: &[Value], pretty: bool) -> Run<Value> {
    let suppress = matches!(arguments.get(1), Some(Value::Boolean(true)));
    let value = m.any(arguments, 0);
    let mut writer = Writer::new(pretty, suppress);
    writer.value(m, &value)?;
    Ok(Value::from(writer.finish()))
}

fn serialize(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    written(m, arguments, false)
}

fn serialize_pretty(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    written(m, arguments, true)
}

fn tree(m: &Machine<'_>, arguments: &[Value]) -> Run<serde_json::Value> {
    let text = m.text(arguments, 0)?;
    serde_json::from_str(&text).map_err(|error| m.raise("JSONException", format!("Malformed JSON: {error}")))
}

fn typed(m: &mut Machine<'_>, arguments: &[Value], strict: bool) -> Run<Value> {
    let Some(Value::Type(ty)) = arguments.get(1).cloned() else {
        return Err(m.null_argument());
    };
    let tree = tree(m, arguments)?;
    read_typed(m, &tree, &ty, strict)
}

fn deserialize(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    typed(m, arguments, false)
}

fn deserialize_strict(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    typed(m, arguments, true)
}

fn deserialize_untyped(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let tree = tree(m, arguments)?;
    read_untyped(m, &tree)
}
