//! `JSON` (Apex Reference Guide, "JSON Class"): serialization, typed and untyped reading.

use super::declaration::Declarations;
use super::json_read::{read_typed, read_untyped};
use super::json_write::Writer;
use super::{json_generator, json_parser};
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
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
            "static JSONGenerator createGenerator(Boolean pretty)",
            json_generator::create,
        )
        .method("static JSONParser createParser(String text)", json_parser::create)
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
    serde_json::from_str(&text).map_err(|error| {
        // The parser's name for a text that ends too early (apex-recipes tests for it).
        let words = if error.is_eof() {
            "Unexpected end-of-input"
        } else {
            "Malformed JSON"
        };
        m.raise("JSONException", format!("{words}: {error}"))
    })
}

/// The first sign of a text has to suit the type, before the rest is looked at.
fn check_beginning(m: &Machine<'_>, arguments: &[Value], ty: &Type) -> Run<()> {
    let text = m.text(arguments, 0)?;
    let (sign, of) = match ty {
        Type::List(_) | Type::Set(_) => ('[', "List/Set"),
        Type::Map(..) | Type::Record(_) | Type::User(_) => ('{', "object"),
        _ => return Ok(()),
    };
    match text.trim_start().chars().next() {
        Some(first) if first != sign && first != 'n' && first != '"' => {
            let words = format!("Malformed JSON: Expected '{sign}' at the beginning of {of}");
            Err(m.raise("JSONException", words))
        }
        Some('"') if sign == '[' => {
            let words = format!("Malformed JSON: Expected '{sign}' at the beginning of {of}");
            Err(m.raise("JSONException", words))
        }
        _ => Ok(()),
    }
}

fn typed(m: &mut Machine<'_>, arguments: &[Value], strict: bool) -> Run<Value> {
    let Some(Value::Type(ty)) = arguments.get(1).cloned() else {
        return Err(m.null_argument());
    };
    check_beginning(m, arguments, &ty)?;
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
