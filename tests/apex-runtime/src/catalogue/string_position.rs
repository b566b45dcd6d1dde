//! Positions in Strings and parts by position.

use super::declaration::ClassBuilder;
use super::string::{from_units, own, units};
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(class: &mut ClassBuilder) {
    class
        .method("Integer charAt(Integer index)", char_at)
        .method("Integer countMatches(String part)", count_matches)
        .method("Integer getLevenshteinDistance(String other)", levenshtein)
        .method("Integer indexOf(String part)", index_of)
        .method("Integer indexOf(String part, Integer start)", index_of)
        .method("Integer indexOfIgnoreCase(String part)", index_of_ignore_case)
        .method(
            "Integer indexOfIgnoreCase(String part, Integer start)",
            index_of_ignore_case,
        )
        .method("Integer indexOfChar(Integer character)", index_of_char)
        .method("Integer indexOfAny(String characters)", index_of_any)
        .method("Integer indexOfAnyBut(String characters)", index_of_any_but)
        .method("Integer indexOfDifference(String other)", index_of_difference)
        .method("String difference(String other)", difference)
        .method("Integer lastIndexOf(String part)", last_index_of)
        .method("Integer lastIndexOf(String part, Integer end)", last_index_of)
        .method(
            "Integer lastIndexOfIgnoreCase(String part)",
            last_index_of_ignore_case,
        )
        .method("String left(Integer length)", left)
        .method("String right(Integer length)", right)
        .method("String mid(Integer start, Integer length)", mid)
        .method("String substring(Integer start)", substring)
        .method("String substring(Integer start, Integer end)", substring)
        .method("String substringAfter(String separator)", substring_after)
        .method(
            "String substringAfterLast(String separator)",
            substring_after_last,
        )
        .method("String substringBefore(String separator)", substring_before)
        .method(
            "String substringBeforeLast(String separator)",
            substring_before_last,
        )
        .method("String substringBetween(String tag)", substring_between)
        .method(
            "String substringBetween(String open, String close)",
            substring_between,
        );
}

fn find(text: &[u16], part: &[u16], start: usize) -> Option<usize> {
    if part.is_empty() {
        return Some(start.min(text.len()));
    }
    (start..text.len()).find(|at| text.get(*at..at + part.len()) == Some(part))
}

fn find_last(text: &[u16], part: &[u16], end: usize) -> Option<usize> {
    (0..=end.min(text.len().saturating_sub(part.len())))
        .rev()
        .find(|at| text.get(*at..at + part.len()) == Some(part))
}

fn position(m: &Machine<'_>, found: Option<usize>) -> Value {
    found.map_or(Value::Integer(-1), |at| m.count_of(at))
}

fn start(arguments: &[Value]) -> usize {
    match arguments.get(1) {
        Some(Value::Integer(start)) => usize::try_from(*start).unwrap_or(0),
        _ => 0,
    }
}

fn char_at(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = units(&own(m, this)?);
    let index = m.integer(arguments, 0)?;
    match usize::try_from(index).ok().and_then(|i| text.get(i)) {
        Some(unit) => Ok(Value::Integer(i32::from(*unit))),
        None => Err(m.raise("StringException", format!("String index out of range: {index}"))),
    }
}

fn count_matches(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?, m.text(arguments, 0)?);
    let count = if part.is_empty() {
        0
    } else {
        text.matches(&*part).count()
    };
    Ok(m.count_of(count))
}

fn levenshtein(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (a, b) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(0) + 1;
            let diagonal = row.get(j).copied().unwrap_or(0) + usize::from(x != y);
            let left = next.last().copied().unwrap_or(0) + 1;
            next.push(above.min(diagonal).min(left));
        }
        row = next;
    }
    Ok(m.count_of(row.last().copied().unwrap_or(0)))
}

fn index_of(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    Ok(position(m, find(&text, &part, start(arguments))))
}

fn index_of_ignore_case(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?.to_lowercase(), m.text(arguments, 0)?.to_lowercase());
    Ok(position(m, find(&units(&text), &units(&part), start(arguments))))
}

fn index_of_char(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let wanted = m.integer(arguments, 0)?;
    let found = units(&own(m, this)?)
        .iter()
        .position(|unit| i32::from(*unit) == wanted);
    Ok(position(m, found))
}

fn index_of_any(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, set) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    Ok(position(m, text.iter().position(|unit| set.contains(unit))))
}

fn index_of_any_but(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, set) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    Ok(position(m, text.iter().position(|unit| !set.contains(unit))))
}

fn first_difference(a: &[u16], b: &[u16]) -> Option<usize> {
    let common = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    (common < a.len().max(b.len())).then_some(common)
}

fn index_of_difference(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (a, b) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    Ok(position(m, first_difference(&a, &b)))
}

fn difference(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (a, b) = (units(&own(m, this)?), units(&m.text(arguments, 0)?));
    let rest = first_difference(&a, &b)
        .and_then(|at| b.get(at..))
        .unwrap_or_default();
    Ok(from_units(rest))
}

fn last(m: &Machine<'_>, text: &str, part: &str, arguments: &[Value]) -> Value {
    let end = match arguments.get(1) {
        Some(Value::Integer(end)) => match usize::try_from(*end) {
            Ok(end) => end,
            Err(_) => return Value::Integer(-1),
        },
        _ => usize::MAX,
    };
    let (text, part) = (units(text), units(part));
    if part.len() > text.len() {
        return Value::Integer(-1);
    }
    position(m, find_last(&text, &part, end))
}

fn last_index_of(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?, m.text(arguments, 0)?);
    Ok(last(m, &text, &part, arguments))
}

fn last_index_of_ignore_case(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, part) = (own(m, this)?.to_lowercase(), m.text(arguments, 0)?.to_lowercase());
    Ok(last(m, &text, &part, arguments))
}

fn left(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = units(&own(m, this)?);
    let length = usize::try_from(m.integer(arguments, 0)?)
        .unwrap_or(0)
        .min(text.len());
    Ok(from_units(text.get(..length).unwrap_or_default()))
}

fn right(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = units(&own(m, this)?);
    let length = usize::try_from(m.integer(arguments, 0)?)
        .unwrap_or(0)
        .min(text.len());
    Ok(from_units(text.get(text.len() - length..).unwrap_or_default()))
}

fn mid(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = units(&own(m, this)?);
    let start = usize::try_from(m.integer(arguments, 0)?)
        .unwrap_or(0)
        .min(text.len());
    let length = usize::try_from(m.integer(arguments, 1)?).unwrap_or(0);
    let end = start.saturating_add(length).min(text.len());
    Ok(from_units(text.get(start..end).unwrap_or_default()))
}

fn substring(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = units(&own(m, this)?);
    let start = m.integer(arguments, 0)?;
    let length = i32::try_from(text.len()).unwrap_or(i32::MAX);
    let end = if arguments.len() > 1 {
        m.integer(arguments, 1)?
    } else {
        length
    };
    let part = usize::try_from(start)
        .ok()
        .zip(usize::try_from(end).ok())
        .filter(|(start, end)| start <= end)
        .and_then(|(start, end)| text.get(start..end));
    match part {
        Some(part) => Ok(from_units(part)),
        None => {
            let message = format!("Starting position out of bounds: {start}");
            let message = if start < 0 || start > length {
                message
            } else {
                format!("Ending position out of bounds: {end}")
            };
            Err(m.raise("StringException", message))
        }
    }
}

fn substring_after(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, separator) = (own(m, this)?, m.text(arguments, 0)?);
    Ok(Value::from(
        text.split_once(&*separator).map_or("", |(_, after)| after),
    ))
}

fn substring_after_last(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, separator) = (own(m, this)?, m.text(arguments, 0)?);
    let after = if separator.is_empty() {
        None
    } else {
        text.rsplit_once(&*separator)
    };
    Ok(Value::from(after.map_or("", |(_, after)| after)))
}

fn substring_before(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, separator) = (own(m, this)?, m.text(arguments, 0)?);
    Ok(Value::from(
        text.split_once(&*separator).map_or(&*text, |(before, _)| before),
    ))
}

fn substring_before_last(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, separator) = (own(m, this)?, m.text(arguments, 0)?);
    let before = if separator.is_empty() {
        None
    } else {
        text.rsplit_once(&*separator)
    };
    Ok(Value::from(before.map_or(&*text, |(before, _)| before)))
}

fn substring_between(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (text, open) = (own(m, this)?, m.text(arguments, 0)?);
    let close = if arguments.len() > 1 {
        m.text(arguments, 1)?
    } else {
        std::sync::Arc::clone(&open)
    };
    let between = text
        .split_once(&*open)
        .and_then(|(_, rest)| rest.split_once(&*close));
    Ok(between.map_or(Value::Null, |(between, _)| Value::from(between)))
}
