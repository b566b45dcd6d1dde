//! `JSONGenerator` (Apex Reference Guide, "JSONGenerator Class"): JSON piece by piece. Indented output is not
//! here.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::blob::bytes;
use super::declaration::Declarations;
use super::json_write::Writer;
use crate::run::value::Value;
use crate::run::{Machine, Run, text};

/// What is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Object,
    Array,
}

/// A document under way.
#[derive(Debug, Default)]
struct Generator {
    out: String,
    open: Vec<Level>,
    /// Whether a name waits for its value.
    named: bool,
    /// Whether something stands before at this level.
    filled: bool,
    closed: bool,
}

impl Generator {
    /// Makes room for a value; false where none may stand.
    fn value(&mut self, json: &str) -> bool {
        let allowed = match self.open.last() {
            Some(Level::Object) => self.named,
            Some(Level::Array) => true,
            None => self.out.is_empty(),
        };
        if !allowed || self.closed {
            return false;
        }
        if !self.named && self.filled {
            self.out.push(',');
        }
        self.out.push_str(json);
        self.named = false;
        self.filled = true;
        true
    }

    fn name(&mut self, name: &str) -> bool {
        if self.open.last() != Some(&Level::Object) || self.named || self.closed {
            return false;
        }
        if self.filled {
            self.out.push(',');
        }
        let _infallible = write!(self.out, "{}:", serde_json::Value::from(name));
        self.named = true;
        true
    }

    fn start(&mut self, level: Level) -> bool {
        let started = self.value(if level == Level::Object { "{" } else { "[" });
        if started {
            self.open.push(level);
            self.filled = false;
        }
        started
    }

    fn end(&mut self, level: Level) -> bool {
        if self.open.last() != Some(&level) || self.named || self.closed {
            return false;
        }
        self.open.pop();
        self.out.push(if level == Level::Object { '}' } else { ']' });
        self.filled = true;
        true
    }
}

/// The methods that write one value, and those that write it with its name.
const KINDS: &[(&str, &str)] = &[
    ("Boolean", "Boolean"),
    ("Date", "Date"),
    ("DateTime", "Datetime"),
    ("Id", "Id"),
    ("Number", "Integer"),
    ("Number", "Long"),
    ("Number", "Double"),
    ("Number", "Decimal"),
    ("String", "String"),
    ("Time", "Time"),
    ("Blob", "Blob"),
    ("Object", "Object"),
];

pub(super) fn declare(catalogue: &mut Declarations) {
    let class = catalogue.class("System.JSONGenerator");
    for (name, ty) in KINDS {
        class.method(&format!("void write{name}({ty} value)"), write_value);
        class.method(
            &format!("void write{name}Field(String name, {ty} value)"),
            write_field,
        );
    }
    class
        .method("void writeNull()", write_null)
        .method("void writeNullField(String name)", write_null_field)
        .method("void writeFieldName(String name)", write_name)
        .method("void writeStartObject()", start_object)
        .method("void writeEndObject()", end_object)
        .method("void writeStartArray()", start_array)
        .method("void writeEndArray()", end_array)
        .method("String getAsString()", as_string)
        .method("void close()", close)
        .method("Boolean isClosed()", is_closed);
}

/// `JSON.createGenerator`
pub(super) fn create(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    if m.boolean(arguments, 0)? {
        return Err(m.not_supported("JSON.createGenerator(true)"));
    }
    m.platform_object("JSONGenerator", Generator::default())
}

fn step(m: &Machine<'_>, this: &Value, work: impl FnOnce(&mut Generator) -> bool) -> Run<Value> {
    if m.with_state(this, work)? {
        return Ok(Value::Null);
    }
    Err(m.not_supported("JSONGenerator methods in an order that makes no JSON"))
}

fn written(m: &mut Machine<'_>, value: &Value) -> Run<String> {
    match value {
        Value::Blob(_) => {
            let encoded = STANDARD.encode(bytes(m, Some(value))?);
            Ok(serde_json::Value::from(encoded).to_string())
        }
        Value::Time(millis) => Ok(format!("\"{}\"", text::time(*millis))),
        other => {
            let mut writer = Writer::new(false, false);
            writer.value(m, other)?;
            Ok(writer.finish())
        }
    }
}

fn write_value(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let value = m.any(arguments, 0);
    let json = written(m, &value)?;
    step(m, this, |g| g.value(&json))
}

fn write_field(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let name = m.text(arguments, 0)?;
    let value = m.any(arguments, 1);
    let json = written(m, &value)?;
    step(m, this, |g| g.name(&name) && g.value(&json))
}

fn write_null(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    step(m, this, |g| g.value("null"))
}

fn write_null_field(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let name = m.text(arguments, 0)?;
    step(m, this, |g| g.name(&name) && g.value("null"))
}

fn write_name(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let name = m.text(arguments, 0)?;
    step(m, this, |g| g.name(&name))
}

fn start_object(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    step(m, this, |g| g.start(Level::Object))
}

fn end_object(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    step(m, this, |g| g.end(Level::Object))
}

fn start_array(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    step(m, this, |g| g.start(Level::Array))
}

fn end_array(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    step(m, this, |g| g.end(Level::Array))
}

/// What is written so far.
fn as_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |g: &mut Generator| Value::from(g.out.as_str()))
}

fn close(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |g: &mut Generator| g.closed = true)?;
    Ok(Value::Null)
}

fn is_closed(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |g: &mut Generator| Value::Boolean(g.closed))
}
