//! `String` (Apex Reference Guide, "String Class"): the declarations, and what makes or compares Strings.
//! Positions count UTF-16 units, as Java's do.

use std::sync::Arc;

use super::declaration::Declarations;
use super::pattern;
use super::string_position as position;
use super::string_shape as shape;
use super::string_test as test;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

pub(super) fn declare(catalogue: &mut Declarations) {
    let class = catalogue.class("System.String");
    class
        .method("static String valueOf(Object value)", value_of)
        .method("static String valueOfGmt(Datetime value)", value_of_gmt)
        .method("static String join(List<Object> items, String separator)", join)
        .method("static String join(Set<Object> items, String separator)", join)
        .method(
            "static String join(Iterable<Object> items, String separator)",
            join,
        )
        .method(
            "static String format(String pattern, List<Object> values)",
            format,
        )
        .method(
            "static String escapeSingleQuotes(String text)",
            escape_single_quotes,
        )
        .method(
            "static String fromCharArray(List<Integer> characters)",
            from_characters,
        )
        .method("static String getCommonPrefix(List<String> texts)", common_prefix)
        .method("Integer compareTo(String other)", compare_to)
        .method("Boolean equals(Object other)", equals)
        .method("Boolean equalsIgnoreCase(String other)", equals_ignore_case)
        .method("Integer hashCode()", hash_code)
        .method("Integer length()", length)
        .method("List<Integer> getChars()", characters)
        .method("String toString()", itself)
        .method(
            "String replaceAll(String regex, String replacement)",
            pattern::replace_all_in,
        )
        .method(
            "String replaceFirst(String regex, String replacement)",
            pattern::replace_first_in,
        )
        .method("List<String> split(String regex)", pattern::split_text)
        .method(
            "List<String> split(String regex, Integer limit)",
            pattern::split_text,
        );
    test::declare(class);
    position::declare(class);
    shape::declare(class);
}

/// The UTF-16 units of a text.
pub(super) fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// The text of UTF-16 units.
pub(super) fn from_units(units: &[u16]) -> Value {
    Value::from(String::from_utf16_lossy(units))
}

/// The String itself.
pub(super) fn own(m: &Machine<'_>, this: &Value) -> Run<Arc<str>> {
    match this {
        Value::String(text) | Value::Id(text) => Ok(Arc::clone(text)),
        _ => Err(m.null_pointer()),
    }
}

fn value_of(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let value = m.any(arguments, 0);
    if value.is_null() {
        return Ok(Value::Null);
    }
    Ok(Value::from(m.string_value(&value)?))
}

fn value_of_gmt(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let moment = m.datetime(arguments, 0)?;
    Ok(Value::from(crate::run::text::datetime_gmt(
        moment,
        "%Y-%m-%d %H:%M:%S",
    )))
}

fn join(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let items = m.any(arguments, 0);
    let separator = m.text(arguments, 1)?;
    let mut parts = Vec::new();
    for item in m.elements(&items)? {
        // Nulls are joined as nothing.
        parts.push(if item.is_null() {
            String::new()
        } else {
            m.string_value(&item)?
        });
    }
    Ok(Value::from(parts.join(&*separator)))
}

/// Placeholders as `MessageFormat` has them: `{0}`, two single quotes for one, quoted parts as they stand.
fn format(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = m.text(arguments, 0)?;
    let values = m.elements(&m.any(arguments, 1))?;
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.peek() == Some(&'\'') => {
                chars.next();
                out.push('\'');
            }
            '\'' => quoted = !quoted,
            '{' if !quoted => {
                let mut inner = String::new();
                let closed = loop {
                    match chars.next() {
                        Some('}') => break true,
                        Some(c) => inner.push(c),
                        None => break false,
                    }
                };
                // The guide has values converted to strings first, and does not say what a number's or a date's format
                // makes of a string, nor how a pattern that Java refuses ends.
                let digits = !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_digit());
                let index = inner.parse::<usize>().ok().filter(|_| digits && closed);
                let Some(index) = index else {
                    return Err(m.not_supported(format!("String.format with {{{inner}")));
                };
                match values.get(index) {
                    Some(value) => out.push_str(&m.string_value(value)?),
                    None => out.push_str(&format!("{{{index}}}")),
                }
            }
            other => out.push(other),
        }
    }
    Ok(Value::from(out))
}

fn escape_single_quotes(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    Ok(Value::from(text.replace('\'', "\\'")))
}

fn from_characters(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let mut all = Vec::new();
    for item in m.elements(&m.any(arguments, 0))? {
        let Value::Integer(unit) = item else {
            return Err(m.null_argument());
        };
        let Ok(unit) = u16::try_from(unit) else {
            return Err(m.not_supported("String.fromCharArray beyond 16 bits"));
        };
        all.push(unit);
    }
    Ok(from_units(&all))
}

fn common_prefix(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let mut prefix: Option<Vec<u16>> = None;
    for item in m.elements(&m.any(arguments, 0))? {
        let text = match item {
            Value::String(text) => units(&text),
            _ => Vec::new(),
        };
        prefix = Some(match prefix {
            None => text,
            Some(prefix) => prefix
                .iter()
                .zip(&text)
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| *a)
                .collect(),
        });
    }
    Ok(from_units(&prefix.unwrap_or_default()))
}

/// Java's: the difference of the first differing units, or of the lengths.
fn compare_to(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (a, b) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    let differing = a.iter().zip(&b).find(|(x, y)| x != y);
    let difference = match differing {
        Some((x, y)) => i32::from(*x) - i32::from(*y),
        None => i32::try_from(a.len()).unwrap_or(i32::MAX) - i32::try_from(b.len()).unwrap_or(i32::MAX),
    };
    Ok(Value::Integer(difference))
}

fn equals(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let other = m.any(arguments, 0);
    Ok(Value::Boolean(m.same_key(this, &other)?))
}

fn equals_ignore_case(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = own(m, this)?;
    Ok(Value::Boolean(match arguments.first() {
        Some(Value::String(other) | Value::Id(other)) => text.to_lowercase() == other.to_lowercase(),
        _ => false,
    }))
}

/// Java's polynomial.
fn hash_code(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = own(m, this)?;
    let hash = units(&text).iter().fold(0i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(*unit))
    });
    Ok(Value::Integer(hash))
}

fn length(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let count = own(m, this)?.encode_utf16().count();
    Ok(m.count_of(count))
}

fn characters(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let all = units(&own(m, this)?)
        .into_iter()
        .map(|unit| Value::Integer(i32::from(unit)))
        .collect();
    Ok(Value::list(Type::Integer, all))
}

fn itself(_: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(this.clone())
}
