//! `JSONParser` and `JSONToken` (Apex Reference Guide, "JSONParser Class"): JSON token by token.

use serde_json::Value as Tree;

use super::declaration::Declarations;
use super::json_read::{read_typed, read_untyped};
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// A token, the text it shows, and for values what they are.
#[derive(Debug, Clone)]
struct Token {
    kind: &'static str,
    text: String,
    name: Option<String>,
    tree: Option<Tree>,
    /// How many tokens the value that begins here has.
    width: usize,
}

#[derive(Debug)]
struct Parser {
    tokens: Vec<Token>,
    /// One more than the place of the current token.
    next: usize,
}

impl Parser {
    fn current(&self) -> Option<&Token> {
        self.tokens.get(self.next.checked_sub(1)?)
    }
}

const TOKENS: &[&str] = &[
    "END_ARRAY",
    "END_OBJECT",
    "FIELD_NAME",
    "NOT_AVAILABLE",
    "START_ARRAY",
    "START_OBJECT",
    "VALUE_EMBEDDED_OBJECT",
    "VALUE_FALSE",
    "VALUE_NULL",
    "VALUE_NUMBER_FLOAT",
    "VALUE_NUMBER_INT",
    "VALUE_STRING",
    "VALUE_TRUE",
];

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration("System.JSONToken", TOKENS);
    catalogue
        .class("System.JSONParser")
        .method("JSONToken nextToken()", next_token)
        .method("JSONToken nextValue()", next_value)
        .method("JSONToken getCurrentToken()", current_token)
        .method("Boolean hasCurrentToken()", has_token)
        .method("String getCurrentName()", current_name)
        .method("String getText()", text)
        .method("Boolean getBooleanValue()", boolean)
        .method("Integer getIntegerValue()", integer)
        .method("Long getLongValue()", long)
        .method("Decimal getDecimalValue()", decimal)
        .method("Double getDoubleValue()", double)
        .method("Id getIdValue()", id)
        .method("Date getDateValue()", date)
        .method("Datetime getDateTimeValue()", datetime)
        .method("Object readValueAs(Type type)", read_as)
        .method("Object readValueAsStrict(Type type)", read_strict)
        .method("void skipChildren()", skip_children);
}

/// `JSON.createParser`
pub(super) fn create(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    // Salesforce reads while the program asks; what is malformed is refused here before the first token.
    let Ok(tree) = serde_json::from_str::<Tree>(&text) else {
        return Err(m.not_supported("JSON.createParser of malformed JSON"));
    };
    let mut tokens = Vec::new();
    push(&mut tokens, &tree, None);
    m.platform_object("JSONParser", Parser { tokens, next: 0 })
}

fn push(tokens: &mut Vec<Token>, tree: &Tree, name: Option<&str>) {
    let place = tokens.len();
    let shown = match tree {
        Tree::String(text) => text.clone(),
        Tree::Array(_) => "[".into(),
        Tree::Object(_) => "{".into(),
        other => other.to_string(),
    };
    let kind = match tree {
        Tree::Null => "VALUE_NULL",
        Tree::Bool(true) => "VALUE_TRUE",
        Tree::Bool(false) => "VALUE_FALSE",
        Tree::Number(_) if shown.bytes().all(|b| b.is_ascii_digit() || b == b'-') => "VALUE_NUMBER_INT",
        Tree::Number(_) => "VALUE_NUMBER_FLOAT",
        Tree::String(_) => "VALUE_STRING",
        Tree::Array(_) => "START_ARRAY",
        Tree::Object(_) => "START_OBJECT",
    };
    let token = |kind, text: String, tree, name: Option<&str>| Token {
        kind,
        text,
        name: name.map(str::to_owned),
        tree,
        width: 1,
    };
    tokens.push(token(kind, shown, Some(tree.clone()), name));
    match tree {
        Tree::Array(items) => {
            for item in items {
                push(tokens, item, None);
            }
            tokens.push(token("END_ARRAY", "]".into(), None, name));
        }
        Tree::Object(members) => {
            for (key, member) in members {
                tokens.push(token("FIELD_NAME", key.clone(), None, Some(key)));
                push(tokens, member, Some(key));
            }
            tokens.push(token("END_OBJECT", "}".into(), None, name));
        }
        _ => {}
    }
    let width = tokens.len() - place;
    if let Some(first) = tokens.get_mut(place) {
        first.width = width;
    }
}

fn shown_token(m: &Machine<'_>, kind: Option<&'static str>) -> Run<Value> {
    kind.map_or(Ok(Value::Null), |kind| m.platform_constant("JSONToken", kind))
}

fn advance(m: &Machine<'_>, this: &Value) -> Run<Option<&'static str>> {
    m.with_state(this, |p: &mut Parser| {
        p.next = (p.next + 1).min(p.tokens.len() + 1);
        p.current().map(|token| token.kind)
    })
}

fn next_token(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let kind = advance(m, this)?;
    shown_token(m, kind)
}

/// Passes over the name of a field.
fn next_value(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let mut kind = advance(m, this)?;
    if kind == Some("FIELD_NAME") {
        kind = advance(m, this)?;
    }
    shown_token(m, kind)
}

fn current(m: &Machine<'_>, this: &Value) -> Run<Option<Token>> {
    m.with_state(this, |p: &mut Parser| p.current().cloned())
}

fn current_token(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let token = current(m, this)?;
    shown_token(m, token.map(|token| token.kind))
}

fn has_token(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(current(m, this)?.is_some()))
}

fn current_name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let name = current(m, this)?.and_then(|token| token.name);
    Ok(name.map_or(Value::Null, Value::from))
}

fn text(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(current(m, this)?.map_or(Value::Null, |token| Value::from(token.text)))
}

/// The current value as a type; what Salesforce says to a value of another kind is not documented.
fn read(m: &mut Machine<'_>, this: &Value, ty: &Type) -> Run<Value> {
    match current(m, this)?.and_then(|token| token.tree) {
        Some(tree @ (Tree::Bool(_) | Tree::Number(_) | Tree::String(_))) => read_typed(m, &tree, ty, false),
        _ => Err(m.not_supported("a JSONParser value where no value stands")),
    }
}

fn boolean(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Boolean)
}

fn integer(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Integer)
}

fn long(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Long)
}

fn decimal(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Decimal)
}

fn double(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Double)
}

fn id(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Id)
}

fn date(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Date)
}

fn datetime(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    read(m, this, &Type::Datetime)
}

/// Reads the value that begins at the current token and moves to its last one.
fn whole(m: &mut Machine<'_>, this: &Value, arguments: &[Value], strict: bool) -> Run<Value> {
    let Some(Value::Type(ty)) = arguments.first().cloned() else {
        return Err(m.null_argument());
    };
    let Some(Token {
        tree: Some(tree),
        width,
        ..
    }) = current(m, this)?
    else {
        return Err(m.not_supported("JSONParser.readValueAs where no value stands"));
    };
    m.with_state(this, |p: &mut Parser| p.next += width - 1)?;
    if *ty == Type::Object {
        return read_untyped(m, &tree);
    }
    read_typed(m, &tree, &ty, strict)
}

fn read_as(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    whole(m, this, arguments, false)
}

fn read_strict(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    whole(m, this, arguments, true)
}

fn skip_children(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |p: &mut Parser| {
        let width = p.current().map_or(1, |token| token.width);
        p.next += width - 1;
    })?;
    Ok(Value::Null)
}
