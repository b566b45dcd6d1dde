//! Strings made from Strings: case, padding, trimming, removing, escaping.

use super::declaration::ClassBuilder;
use super::string::{from_units, own, units};
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(class: &mut ClassBuilder) {
    class
        .method("String abbreviate(Integer maximum)", abbreviate)
        .method("String capitalize()", capitalize)
        .method("String uncapitalize()", uncapitalize)
        .method("String center(Integer size)", center)
        .method("String center(Integer size, String padding)", center)
        .method("String leftPad(Integer size)", left_pad)
        .method("String leftPad(Integer size, String padding)", left_pad)
        .method("String rightPad(Integer size)", right_pad)
        .method("String rightPad(Integer size, String padding)", right_pad)
        .method("String deleteWhitespace()", delete_whitespace)
        .method("String normalizeSpace()", normalize_space)
        .method("String remove(String part)", remove)
        .method("String removeEnd(String part)", remove_end)
        .method("String removeEndIgnoreCase(String part)", remove_end_ignore_case)
        .method("String removeStart(String part)", remove_start)
        .method(
            "String removeStartIgnoreCase(String part)",
            remove_start_ignore_case,
        )
        .method("String repeat(Integer times)", repeat)
        .method("String repeat(String separator, Integer times)", repeat_separated)
        .method("String replace(String part, String replacement)", replace)
        .method("String reverse()", reverse)
        .method("String swapCase()", swap_case)
        .method("String toLowerCase()", to_lower_case)
        .method("String toUpperCase()", to_upper_case)
        .method("String trim()", trim)
        .method("String escapeCsv()", escape_csv)
        .method("String escapeXml()", escape_xml)
        .method("String unescapeXml()", unescape_xml)
        .method("String escapeHtml4()", escape_html)
        .method("String escapeJava()", escape_java);
}

/// A text made from the text alone.
macro_rules! made {
    ($($name:ident($text:ident) = $made:expr;)*) => {
        $(fn $name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
            let $text = own(m, this)?;
            Ok(Value::from($made))
        })*
    };
}

made! {
    capitalize(text) = with_first(&text, |c| c.to_uppercase().collect());
    uncapitalize(text) = with_first(&text, |c| c.to_lowercase().collect());
    delete_whitespace(text) = text.split_whitespace().collect::<String>();
    normalize_space(text) = text.split_whitespace().collect::<Vec<_>>().join(" ");
    reverse(text) = text.chars().rev().collect::<String>();
    swap_case(text) = text.chars().map(swapped).collect::<String>();
    to_lower_case(text) = text.to_lowercase();
    to_upper_case(text) = text.to_uppercase();
    // Java's trim takes everything up to the space.
    trim(text) = text.trim_matches(|c: char| c <= ' ');
    escape_xml(text) = replaced(&text, &[("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;"), ("'", "&apos;")]);
    unescape_xml(text) = replaced(&text, &[("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]);
}

fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn with_first(text: &str, change: impl Fn(char) -> String) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| change(first) + chars.as_str())
}

fn swapped(c: char) -> char {
    let other = if c.is_uppercase() {
        c.to_lowercase().next()
    } else {
        c.to_uppercase().next()
    };
    other.unwrap_or(c)
}

fn escape_csv(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = own(m, this)?;
    if text.contains([',', '"', '\n', '\r']) {
        return Ok(Value::from(format!("\"{}\"", text.replace('"', "\"\""))));
    }
    Ok(Value::String(text))
}

/// Beyond ASCII every character has a name of its own there, which this table lacks.
fn escape_html(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = own(m, this)?;
    if !text.is_ascii() {
        return Err(m.not_supported("String.escapeHtml4 beyond ASCII"));
    }
    Ok(Value::from(replaced(
        &text,
        &[("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")],
    )))
}

fn escape_java(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = own(m, this)?;
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            _ => {
                let mut buffer = [0; 2];
                for unit in c.encode_utf16(&mut buffer) {
                    out.push_str(&format!("\\u{unit:04X}"));
                }
            }
        }
    }
    Ok(Value::from(out))
}

fn abbreviate(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = own(m, this)?;
    let maximum = m.integer(arguments, 0)?;
    if maximum < 4 {
        return Err(m.raise("IllegalArgumentException", "Minimum abbreviation width is 4"));
    }
    let all = units(&text);
    let maximum = usize::try_from(maximum).unwrap_or(0);
    if all.len() <= maximum {
        return Ok(Value::String(text));
    }
    let mut short = all.get(..maximum - 3).unwrap_or_default().to_vec();
    short.extend("...".encode_utf16());
    Ok(from_units(&short))
}

/// How many units are missing to the size, and the padding; a null or empty padding is a space.
fn missing(m: &Machine<'_>, this: &Value, arguments: &[Value]) -> Run<(Vec<u16>, usize, Vec<u16>)> {
    let text = units(&own(m, this)?);
    let size = usize::try_from(m.integer(arguments, 0)?).unwrap_or(0);
    let padding = match arguments.get(1) {
        Some(Value::String(padding)) if !padding.is_empty() => units(padding),
        _ => units(" "),
    };
    let lacking = size.saturating_sub(text.len());
    Ok((text, lacking, padding))
}

fn padding(of: &[u16], count: usize) -> Vec<u16> {
    of.iter().copied().cycle().take(count).collect()
}

fn left_pad(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, lacking, pad) = missing(m, this, arguments)?;
    Ok(from_units(&[padding(&pad, lacking), text].concat()))
}

fn right_pad(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, lacking, pad) = missing(m, this, arguments)?;
    Ok(from_units(&[text, padding(&pad, lacking)].concat()))
}

fn center(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, lacking, pad) = missing(m, this, arguments)?;
    let before = lacking / 2;
    Ok(from_units(
        &[padding(&pad, before), text, padding(&pad, lacking - before)].concat(),
    ))
}

fn remove(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?, m.text(arguments, 0)?);
    Ok(Value::from(if part.is_empty() {
        text.to_string()
    } else {
        text.replace(&*part, "")
    }))
}

fn remove_end(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?, m.text(arguments, 0)?);
    Ok(Value::from(text.strip_suffix(&*part).unwrap_or(&text)))
}

fn remove_start(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?, m.text(arguments, 0)?);
    Ok(Value::from(text.strip_prefix(&*part).unwrap_or(&text)))
}

fn remove_end_ignore_case(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    let cut = text.len().saturating_sub(part.len());
    let (kept, end) = text.split_at(cut);
    let same = String::from_utf16_lossy(end).to_lowercase() == String::from_utf16_lossy(&part).to_lowercase();
    Ok(from_units(if same { kept } else { &text }))
}

fn remove_start_ignore_case(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    let (start, kept) = text.split_at(part.len().min(text.len()));
    let same =
        String::from_utf16_lossy(start).to_lowercase() == String::from_utf16_lossy(&part).to_lowercase();
    Ok(from_units(if same { kept } else { &text }))
}

fn repeat(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let times = usize::try_from(m.integer(arguments, 0)?).unwrap_or(0);
    Ok(Value::from(own(m, this)?.repeat(times)))
}

fn repeat_separated(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, separator) = (own(m, this)?, m.text(arguments, 0)?);
    let times = usize::try_from(m.integer(arguments, 1)?).unwrap_or(0);
    Ok(Value::from(vec![&*text; times].join(&*separator)))
}

fn replace(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part, by) = (own(m, this)?, m.text(arguments, 0)?, m.text(arguments, 1)?);
    Ok(Value::from(text.replace(&*part, &by)))
}
