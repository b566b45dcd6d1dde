//! `RestContext`, `RestRequest` and `RestResponse` (Apex Reference Guide). Outside a call of Apex REST both are
//! null until the program sets them, as tests do.

use super::declaration::Declarations;
use crate::run::hash_table::HashTable;
use crate::run::outside::{RestCall, RestReply};
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// What a program and whoever serves Apex REST share.
#[derive(Debug, Clone)]
pub struct RestState {
    /// `RestContext.request`
    pub request: Value,
    /// `RestContext.response`
    pub response: Value,
}

impl Default for RestState {
    fn default() -> Self {
        Self {
            request: Value::Null,
            response: Value::Null,
        }
    }
}

/// The fields of a request or a response, in the order in which they are declared.
#[derive(Debug)]
struct Fields(Vec<Value>);

macro_rules! fields {
    ($class:ident, $($index:literal $text:literal;)*) => {
        $({
            fn read(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
                m.with_state(this, |f: &mut Fields| f.0.get($index).cloned().unwrap_or(Value::Null))
            }
            fn write(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
                let given = m.any(arguments, 0);
                m.with_state(this, |f: &mut Fields| {
                    if let Some(place) = f.0.get_mut($index) {
                        *place = given;
                    }
                })?;
                Ok(Value::Null)
            }
            $class.property($text, read, Some(write));
        })*
    };
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.RestContext")
        .property("static RestRequest request", request, Some(set_request))
        .property("static RestResponse response", response, Some(set_response));
    let class = catalogue.class("System.RestRequest");
    fields! { class,
        0 "Map<String, String> headers";
        1 "Map<String, String> params";
        2 "String httpMethod";
        3 "String requestURI";
        4 "String resourcePath";
        5 "String remoteAddress";
        6 "Blob requestBody";
    }
    class
        .constructor("new()", new_request)
        .method("void addHeader(String name, String value)", add_header)
        .method("void addParameter(String name, String value)", add_parameter);
    let class = catalogue.class("System.RestResponse");
    fields! { class,
        0 "Map<String, String> headers";
        1 "Blob responseBody";
        2 "Integer statusCode";
    }
    class
        .constructor("new()", new_response)
        .method("void addHeader(String name, String value)", add_header);
}

/// A request and its response while a program serves it.
pub(crate) struct Exchange {
    response: Value,
}

impl Exchange {
    /// Puts a request and an empty response before the program.
    pub(crate) fn begin(m: &mut Machine<'_>, call: &RestCall) -> Run<Self> {
        let request = new_request(m, &Value::Null, &[])?;
        let text = |text: &str| Value::from(text);
        for (name, value) in &call.headers {
            add(m, &request, &[text(name), text(value)], 0)?;
        }
        for (name, value) in &call.parameters {
            add(m, &request, &[text(name), text(value)], 1)?;
        }
        let given = [
            text(&call.method),
            text(&call.uri),
            text(&call.resource),
            text(&call.address),
            Value::Blob(call.body.as_slice().into()),
        ];
        m.with_state(&request, |fields: &mut Fields| {
            for (place, value) in fields.0.iter_mut().skip(2).zip(given) {
                *place = value;
            }
        })?;
        let response = new_response(m, &Value::Null, &[])?;
        m.rest.request = request;
        m.rest.response = response.clone();
        Ok(Self { response })
    }

    /// What the program put into the response.
    pub(crate) fn reply(&self, m: &mut Machine<'_>) -> Run<RestReply> {
        // A program may have put a response of its own in its place.
        let response = match &m.rest.response {
            Value::Native(_) => m.rest.response.clone(),
            _ => self.response.clone(),
        };
        let fields = m.with_state(&response, |fields: &mut Fields| fields.0.clone())?;
        let mut reply = RestReply::default();
        if let Some(Value::Map(map)) = fields.first() {
            let entries: Vec<_> = map.table.borrow().iter().cloned().collect();
            for (name, value) in entries {
                reply
                    .headers
                    .push((m.string_value(&name)?, m.string_value(&value)?));
            }
        }
        if let Some(Value::Blob(body)) = fields.get(1) {
            reply.body = body.to_vec();
        }
        if let Some(Value::Integer(status)) = fields.get(2) {
            reply.status = Some(*status);
        }
        Ok(reply)
    }
}

fn texts() -> Value {
    Value::map(Type::String, Type::String, HashTable::default())
}

fn new_request(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let mut fields = vec![Value::Null; 7];
    for (place, value) in fields.iter_mut().zip([texts(), texts()]) {
        *place = value;
    }
    m.platform_object("RestRequest", Fields(fields))
}

fn new_response(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("RestResponse", Fields(vec![texts(), Value::Null, Value::Null]))
}

fn add(m: &mut Machine<'_>, this: &Value, arguments: &[Value], index: usize) -> Run<Value> {
    let map = m.with_state(this, |f: &mut Fields| f.0.get(index).cloned())?;
    let (name, value) = (m.text(arguments, 0)?, m.any(arguments, 1));
    m.map_put(&map.unwrap_or(Value::Null), Value::String(name), value)?;
    Ok(Value::Null)
}

fn add_header(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    add(m, this, arguments, 0)
}

fn add_parameter(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    add(m, this, arguments, 1)
}

fn request(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(m.rest.request.clone())
}

fn set_request(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    m.rest.request = m.any(arguments, 0);
    Ok(Value::Null)
}

fn response(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(m.rest.response.clone())
}

fn set_response(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    m.rest.response = m.any(arguments, 0);
    Ok(Value::Null)
}
