//! `Pattern` and `Matcher` (Apex Reference Guide, "Pattern Class", "Matcher Class"): Java's regular expressions.

use std::sync::Arc;

use fancy_regex::Regex;

use super::declaration::Declarations;
use super::string::own as own_text;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

#[derive(Debug, Clone)]
struct Pattern {
    source: Arc<str>,
    regex: Regex,
}

#[derive(Debug)]
struct Matcher {
    pattern: Pattern,
    input: Arc<str>,
    next: usize,
    groups: Option<Spans>,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Pattern")
        .method("static Pattern compile(String regex)", compile)
        .method("static Boolean matches(String regex, String text)", matches_whole)
        .method("static String quote(String text)", quote)
        .method("Matcher matcher(String text)", matcher)
        .method("String pattern()", source)
        .method("List<String> split(String text)", split);
    catalogue
        .class("System.Matcher")
        .method("Boolean find()", find)
        .method("Boolean matches()", matches)
        .method("Boolean lookingAt()", looking_at)
        .method("String group()", group)
        .method("String group(Integer index)", group)
        .method("Integer groupCount()", group_count)
        .method("Integer start()", start)
        .method("Integer start(Integer index)", start)
        .method("Integer end()", end)
        .method("Integer end(Integer index)", end)
        .method("Boolean hitEnd()", hit_end)
        .method("Matcher reset()", reset)
        .method("String replaceAll(String replacement)", replace_all)
        .method("String replaceFirst(String replacement)", replace_first);
}

/// Java's syntax in terms of this engine's: classes are ASCII there, `\Q…\E` quotes.
fn translate(m: &Machine<'_>, regex: &str) -> Run<String> {
    let mut out = String::new();
    let mut chars = regex.chars();
    let mut in_class = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '[' => in_class += 1,
            ']' => in_class = in_class.saturating_sub(1),
            _ => {}
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let set = |inside: &str| {
            if in_class > 0 {
                inside.to_owned()
            } else {
                format!("[{inside}]")
            }
        };
        match chars.next() {
            Some('d') => out.push_str(&set("0-9")),
            Some('w') => out.push_str(&set("a-zA-Z0-9_")),
            Some('s') => out.push_str(&set(" \\t\\n\\x0B\\f\\r")),
            Some('D') => out.push_str("[^0-9]"),
            Some('W') => out.push_str("[^a-zA-Z0-9_]"),
            Some('S') => out.push_str("[^ \\t\\n\\x0B\\f\\r]"),
            Some('Q') => {
                let rest = chars.as_str();
                let (quoted, after) = rest.split_once("\\E").unwrap_or((rest, ""));
                out.push_str(&fancy_regex::escape(quoted));
                chars = after.chars();
            }
            Some('p') => {
                let rest = chars.as_str();
                let name = rest.strip_prefix('{').and_then(|r| r.split_once('}'));
                let Some((name, after)) = name else {
                    return Err(m.not_supported("\\p without braces in a regular expression"));
                };
                match name {
                    "Alpha" => out.push_str(&set("a-zA-Z")),
                    "Digit" => out.push_str(&set("0-9")),
                    "Alnum" => out.push_str(&set("a-zA-Z0-9")),
                    "Upper" => out.push_str(&set("A-Z")),
                    "Lower" => out.push_str(&set("a-z")),
                    "Punct" => out.push_str(&set("!-/:-@\\[-`{-~")),
                    "Space" => out.push_str(&set(" \\t\\n\\x0B\\f\\r")),
                    "L" | "Lu" | "Ll" | "N" | "Nd" | "P" | "S" | "Z" | "M" => {
                        out.push_str(&format!("\\p{{{name}}}"))
                    }
                    other => return Err(m.not_supported(format!("\\p{{{other}}} in a regular expression"))),
                }
                chars = after.chars();
            }
            Some(refused @ ('h' | 'H' | 'v' | 'V' | 'R' | 'G' | 'X' | 'P' | 'c' | 'e' | 'a')) => {
                return Err(m.not_supported(format!("\\{refused} in a regular expression")));
            }
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    Ok(out)
}

fn build(m: &Machine<'_>, source: Arc<str>) -> Run<Pattern> {
    let translated = translate(m, &source)?;
    match Regex::new(&translated) {
        Ok(regex) => Ok(Pattern { source, regex }),
        Err(error) => Err(m.raise("StringException", format!("Invalid regex: {error}"))),
    }
}

fn native(m: &Machine<'_>, class: &str, state: impl crate::run::value::NativeState) -> Run<Value> {
    match m.catalogue.find(class) {
        Some(id) => Ok(Value::native(Type::platform(id), state)),
        None => Err(m.null_pointer()),
    }
}

fn compile(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = build(m, m.text(arguments, 0)?)?;
    native(m, "System.Pattern", pattern)
}

fn own(m: &Machine<'_>, this: &Value) -> Run<Pattern> {
    m.with_state(this, |pattern: &mut Pattern| pattern.clone())
}

fn too_hard(m: &Machine<'_>) -> crate::run::Interrupt {
    m.limit_exceeded("Regex too complicated")
}

/// Where a group begins and ends, in bytes; none where it took no part.
type Span = Option<(usize, usize)>;

type Spans = Vec<Span>;

fn search(m: &Machine<'_>, regex: &Regex, text: &str, from: usize) -> Run<Option<Spans>> {
    let found = regex
        .captures_from_pos(text, from)
        .ok()
        .ok_or_else(|| too_hard(m))?;
    Ok(found.map(|groups| groups.iter().map(|g| g.map(|g| (g.start(), g.end()))).collect()))
}

/// The pattern tied to both ends (or the start alone) of the text.
fn anchored(m: &Machine<'_>, pattern: &Pattern, text: &str, whole: bool) -> Run<Option<Spans>> {
    let end = if whole { "\\z" } else { "" };
    let source = format!("\\A(?:{}){end}", translate(m, &pattern.source)?);
    let regex = Regex::new(&source).ok().ok_or_else(|| too_hard(m))?;
    search(m, &regex, text, 0)
}

fn matches_whole(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = build(m, m.text(arguments, 0)?)?;
    let found = anchored(m, &pattern, &m.text(arguments, 1)?, true)?;
    Ok(Value::Boolean(found.is_some()))
}

fn quote(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::from(format!("\\Q{}\\E", m.text(arguments, 0)?)))
}

fn source(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::String(own(m, this)?.source))
}

fn matcher(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let state = Matcher {
        pattern: own(m, this)?,
        input: m.text(arguments, 0)?,
        next: 0,
        groups: None,
    };
    native(m, "System.Matcher", state)
}

fn parts(m: &Machine<'_>, this: &Value) -> Run<(Pattern, Arc<str>, usize)> {
    m.with_state(this, |s: &mut Matcher| {
        (s.pattern.clone(), Arc::clone(&s.input), s.next)
    })
}

fn remember(m: &Machine<'_>, this: &Value, found: Option<Spans>) -> Run<Value> {
    let yes = found.is_some();
    m.with_state(this, |s: &mut Matcher| {
        if let Some(Some((start, end))) = found.as_ref().and_then(|g| g.first()) {
            // After an empty match the search goes on behind the next character.
            let step = s
                .input
                .get(*end..)
                .and_then(|rest| rest.chars().next())
                .map_or(1, char::len_utf8);
            s.next = if start == end { end + step } else { *end };
        }
        s.groups = found;
    })?;
    Ok(Value::Boolean(yes))
}

fn find(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let (pattern, input, next) = parts(m, this)?;
    let found = if next > input.len() {
        None
    } else {
        search(m, &pattern.regex, &input, next)?
    };
    remember(m, this, found)
}

fn matches(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let (pattern, input, _) = parts(m, this)?;
    let found = anchored(m, &pattern, &input, true)?;
    remember(m, this, found)
}

fn looking_at(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let (pattern, input, _) = parts(m, this)?;
    let found = anchored(m, &pattern, &input, false)?;
    remember(m, this, found)
}

/// The span of a group of the last match.
fn span(m: &Machine<'_>, this: &Value, arguments: &[Value]) -> Run<(Arc<str>, Span)> {
    let index = match arguments.first() {
        Some(_) => m.integer(arguments, 0)?,
        None => 0,
    };
    let (input, groups) = m.with_state(this, |s: &mut Matcher| (Arc::clone(&s.input), s.groups.clone()))?;
    let Some(groups) = groups else {
        return Err(m.raise("StringException", "No match found"));
    };
    match usize::try_from(index)
        .ok()
        .and_then(|index| groups.get(index).copied())
    {
        Some(span) => Ok((input, span)),
        None => Err(m.raise("StringException", format!("No group {index}"))),
    }
}

fn group(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (input, span) = span(m, this, arguments)?;
    Ok(span
        .and_then(|(a, b)| input.get(a..b))
        .map_or(Value::Null, Value::from))
}

fn group_count(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let count = m.with_state(this, |s: &mut Matcher| s.pattern.regex.captures_len())?;
    Ok(m.count_of(count.saturating_sub(1)))
}

fn in_units(m: &Machine<'_>, text: &str, at: Option<usize>) -> Value {
    match at.and_then(|at| text.get(..at)) {
        Some(before) => m.count_of(before.encode_utf16().count()),
        None => Value::Integer(-1),
    }
}

fn start(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (input, span) = span(m, this, arguments)?;
    Ok(in_units(m, &input, span.map(|s| s.0)))
}

fn end(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (input, span) = span(m, this, arguments)?;
    Ok(in_units(m, &input, span.map(|s| s.1)))
}

fn hit_end(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Err(m.not_supported("Matcher.hitEnd"))
}

fn reset(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |s: &mut Matcher| {
        s.next = 0;
        s.groups = None;
    })?;
    Ok(this.clone())
}

/// Java's replacement text: `$1`, `${name}` is refused, a backslash quotes.
fn expand(m: &Machine<'_>, replacement: &str, text: &str, groups: &Spans, out: &mut String) -> Run<()> {
    let mut chars = replacement.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '$' => {
                let Some(digit) = chars.next().and_then(|d| d.to_digit(10)) else {
                    return Err(m.raise("StringException", "Illegal group reference"));
                };
                let mut index = usize::try_from(digit).unwrap_or(0);
                while let Some(next) = chars.peek().and_then(|d| d.to_digit(10)) {
                    let longer = index * 10 + usize::try_from(next).unwrap_or(0);
                    if longer >= groups.len() {
                        break;
                    }
                    index = longer;
                    chars.next();
                }
                match groups.get(index) {
                    Some(Some((a, b))) => out.push_str(text.get(*a..*b).unwrap_or_default()),
                    Some(None) => {}
                    None => return Err(m.raise("StringException", format!("No group {index}"))),
                }
            }
            other => out.push(other),
        }
    }
    Ok(())
}

fn replaced(m: &Machine<'_>, pattern: &Pattern, text: &str, replacement: &str, all: bool) -> Run<Value> {
    let mut out = String::new();
    let (mut copied, mut from) = (0, 0);
    while from <= text.len() {
        let Some(groups) = search(m, &pattern.regex, text, from)? else {
            break;
        };
        let Some(Some((start, end))) = groups.first().copied() else {
            break;
        };
        out.push_str(text.get(copied..start).unwrap_or_default());
        expand(m, replacement, text, &groups, &mut out)?;
        copied = end;
        let step = text
            .get(end..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        from = if start == end { end + step } else { end };
        if !all {
            break;
        }
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Ok(Value::from(out))
}

fn replace_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (pattern, input, _) = parts(m, this)?;
    replaced(m, &pattern, &input, &m.text(arguments, 0)?, true)
}

fn replace_first(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (pattern, input, _) = parts(m, this)?;
    replaced(m, &pattern, &input, &m.text(arguments, 0)?, false)
}

/// `String.replaceAll`
pub(super) fn replace_all_in(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = build(m, m.text(arguments, 0)?)?;
    replaced(m, &pattern, &own_text(m, this)?, &m.text(arguments, 1)?, true)
}

/// `String.replaceFirst`
pub(super) fn replace_first_in(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = build(m, m.text(arguments, 0)?)?;
    replaced(m, &pattern, &own_text(m, this)?, &m.text(arguments, 1)?, false)
}

/// As Java splits: empty texts at the end are dropped unless a limit says otherwise, and a match of nothing at
/// the start gives no empty text.
fn split_by(m: &Machine<'_>, pattern: &Pattern, text: &str, limit: i32) -> Run<Value> {
    let mut pieces: Vec<String> = Vec::new();
    let (mut copied, mut from) = (0, 0);
    while from <= text.len() && (limit <= 0 || pieces.len() + 1 < usize::try_from(limit).unwrap_or(0)) {
        let Some(groups) = search(m, &pattern.regex, text, from)? else {
            break;
        };
        let Some(Some((start, end))) = groups.first().copied() else {
            break;
        };
        let step = text
            .get(end..)
            .and_then(|rest| rest.chars().next())
            .map_or(1, char::len_utf8);
        from = if start == end { end + step } else { end };
        if start == end && (start == 0 || start >= text.len()) {
            continue;
        }
        pieces.push(text.get(copied..start).unwrap_or_default().to_owned());
        copied = end;
    }
    pieces.push(text.get(copied..).unwrap_or_default().to_owned());
    if limit == 0 && pieces.len() > 1 {
        while pieces.len() > 1 && pieces.last().is_some_and(String::is_empty) {
            pieces.pop();
        }
        // A text of separators alone splits into nothing.
        if pieces.len() == 1 && pieces.first().is_some_and(String::is_empty) {
            pieces.clear();
        }
    }
    Ok(Value::list(
        Type::String,
        pieces.into_iter().map(Value::from).collect(),
    ))
}

fn split(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = own(m, this)?;
    split_by(m, &pattern, &m.text(arguments, 0)?, 0)
}

/// `String.split`
pub(super) fn split_text(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let pattern = build(m, m.text(arguments, 0)?)?;
    let limit = if arguments.len() > 1 {
        m.integer(arguments, 1)?
    } else {
        0
    };
    split_by(m, &pattern, &own_text(m, this)?, limit)
}
