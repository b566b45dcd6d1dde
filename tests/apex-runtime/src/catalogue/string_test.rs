//! Questions about Strings: what they contain, start with and consist of.

use super::declaration::ClassBuilder;
use super::string::own;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(class: &mut ClassBuilder) {
    class
        .method("static Boolean isBlank(String text)", is_blank)
        .method("static Boolean isNotBlank(String text)", is_not_blank)
        .method("static Boolean isEmpty(String text)", is_empty)
        .method("static Boolean isNotEmpty(String text)", is_not_empty)
        .method("Boolean contains(String part)", contains)
        .method("Boolean containsAny(String characters)", contains_any)
        .method("Boolean containsIgnoreCase(String part)", contains_ignore_case)
        .method("Boolean containsNone(String characters)", contains_none)
        .method("Boolean containsOnly(String characters)", contains_only)
        .method("Boolean containsWhitespace()", contains_whitespace)
        .method("Boolean startsWith(String prefix)", starts_with)
        .method(
            "Boolean startsWithIgnoreCase(String prefix)",
            starts_with_ignore_case,
        )
        .method("Boolean endsWith(String suffix)", ends_with)
        .method("Boolean endsWithIgnoreCase(String suffix)", ends_with_ignore_case)
        .method("Boolean isAllLowerCase()", is_all_lower_case)
        .method("Boolean isAllUpperCase()", is_all_upper_case)
        .method("Boolean isAlpha()", is_alpha)
        .method("Boolean isAlphaSpace()", is_alpha_space)
        .method("Boolean isAlphanumeric()", is_alphanumeric)
        .method("Boolean isAlphanumericSpace()", is_alphanumeric_space)
        .method("Boolean isAsciiPrintable()", is_ascii_printable)
        .method("Boolean isNumeric()", is_numeric)
        .method("Boolean isNumericSpace()", is_numeric_space)
        .method("Boolean isWhitespace()", is_whitespace);
}

fn blank(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text) | Value::Id(text)) => text.chars().all(char::is_whitespace),
        _ => true,
    }
}

fn empty(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text) | Value::Id(text)) => text.is_empty(),
        _ => true,
    }
}

fn is_blank(_: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(blank(arguments.first())))
}

fn is_not_blank(_: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(!blank(arguments.first())))
}

fn is_empty(_: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(empty(arguments.first())))
}

fn is_not_empty(_: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(!empty(arguments.first())))
}

/// A question about the text and one other.
macro_rules! with_other {
    ($($name:ident($text:ident, $other:ident) = $answer:expr;)*) => {
        $(fn $name(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
            let ($text, $other) = (own(m, this)?, m.text(arguments, 0)?);
            Ok(Value::Boolean($answer))
        })*
    };
}

with_other! {
    contains(text, part) = text.contains(&*part);
    contains_any(text, characters) = text.chars().any(|c| characters.contains(c));
    contains_ignore_case(text, part) = text.to_lowercase().contains(&part.to_lowercase());
    contains_none(text, characters) = !text.chars().any(|c| characters.contains(c));
    contains_only(text, characters) = text.chars().all(|c| characters.contains(c));
    starts_with(text, prefix) = text.starts_with(&*prefix);
    starts_with_ignore_case(text, prefix) = text.to_lowercase().starts_with(&prefix.to_lowercase());
    ends_with(text, suffix) = text.ends_with(&*suffix);
    ends_with_ignore_case(text, suffix) = text.to_lowercase().ends_with(&suffix.to_lowercase());
}

/// Whether all characters are of a kind; the second value is the answer for the empty text.
macro_rules! all_of {
    ($($name:ident($character:ident) = $test:expr, $empty:expr;)*) => {
        $(fn $name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
            let text = own(m, this)?;
            Ok(Value::Boolean(if text.is_empty() { $empty } else { text.chars().all(|$character| $test) }))
        })*
    };
}

all_of! {
    is_all_lower_case(c) = c.is_lowercase(), false;
    is_all_upper_case(c) = c.is_uppercase(), false;
    is_alpha(c) = c.is_alphabetic(), false;
    is_alpha_space(c) = c.is_alphabetic() || c == ' ', true;
    is_alphanumeric(c) = c.is_alphanumeric(), false;
    is_alphanumeric_space(c) = c.is_alphanumeric() || c == ' ', true;
    is_ascii_printable(c) = (' '..='~').contains(&c), true;
    is_numeric(c) = c.is_numeric(), false;
    is_numeric_space(c) = c.is_numeric() || c == ' ', true;
    is_whitespace(c) = c.is_whitespace(), true;
}

fn contains_whitespace(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(own(m, this)?.chars().any(char::is_whitespace)))
}
