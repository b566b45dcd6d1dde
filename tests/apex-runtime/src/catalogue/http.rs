//! `Http`, `HttpRequest` and `HttpResponse` (Apex Reference Guide, "HTTP Classes"). In a test the registered
//! `HttpCalloutMock` answers; elsewhere the host does.

use super::blob::bytes;
use super::declaration::Declarations;
use crate::host::{Callout, CalloutAnswer};
use crate::run::limits::Limit;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// The default timeout of a callout (Apex Developer Guide, "Callout Limits and Limitations").
const DEFAULT_TIMEOUT: i32 = 10_000;
/// The longest one, and all callouts of a transaction together.
const MAXIMUM_TIMEOUT: i32 = 120_000;

#[derive(Debug)]
struct Http;

/// What an HttpRequest holds.
#[derive(Debug, Default)]
struct Request {
    endpoint: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Option<i32>,
    compressed: bool,
}

/// What an HttpResponse holds.
#[derive(Debug, Default)]
struct Response {
    status: Option<String>,
    code: i32,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Http")
        .constructor("new()", new_http)
        .method("HttpResponse send(HttpRequest request)", send)
        .method("String toString()", http_text);
    catalogue
        .class("System.HttpRequest")
        .constructor("new()", new_request)
        .method("void setEndpoint(String endpoint)", set_endpoint)
        .method("String getEndpoint()", endpoint)
        .method("void setMethod(String method)", set_method)
        .method("String getMethod()", method)
        .method("void setHeader(String key, String value)", set_request_header)
        .method("String getHeader(String key)", request_header)
        .method("void setBody(String body)", set_request_body)
        .method("void setBodyAsBlob(Blob body)", set_request_blob)
        .method("String getBody()", request_body)
        .method("Blob getBodyAsBlob()", request_blob)
        .method("void setTimeout(Integer milliseconds)", set_timeout)
        .method("void setCompressed(Boolean flag)", set_compressed)
        .method("Boolean getCompressed()", compressed)
        .method("String toString()", request_text);
    catalogue
        .class("System.HttpResponse")
        .constructor("new()", new_response)
        .method("void setStatus(String status)", set_status)
        .method("String getStatus()", status)
        .method("void setStatusCode(Integer code)", set_code)
        .method("Integer getStatusCode()", code)
        .method("void setHeader(String key, String value)", set_response_header)
        .method("String getHeader(String key)", response_header)
        .method("List<String> getHeaderKeys()", header_keys)
        .method("void setBody(String body)", set_response_body)
        .method("void setBodyAsBlob(Blob body)", set_response_blob)
        .method("String getBody()", response_body)
        .method("Blob getBodyAsBlob()", response_blob)
        .method("String toString()", response_text);
    catalogue
        .interface("System.HttpCalloutMock")
        .abstract_method("HttpResponse respond(HttpRequest request)");
}

fn optional(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::from)
}

fn given(arguments: &[Value], index: usize) -> Option<String> {
    match arguments.get(index) {
        Some(Value::String(text) | Value::Id(text)) => Some(text.to_string()),
        _ => None,
    }
}

fn new_http(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("Http", Http)
}

fn http_text(_: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::from("System.Http[]"))
}

fn new_request(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("HttpRequest", Request::default())
}

fn new_response(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("HttpResponse", Response::default())
}

/// An answer as the program sees it.
pub(super) fn response(m: &Machine<'_>, answer: CalloutAnswer) -> Run<Value> {
    m.platform_object(
        "HttpResponse",
        Response {
            status: Some(answer.reason),
            code: answer.status,
            headers: answer.headers,
            body: answer.body,
        },
    )
}

/// What a program wrote into an HttpRequest.
fn callout_of(m: &Machine<'_>, request: &Value) -> Run<Callout> {
    let (endpoint, method, callout) = m.with_state(request, |r: &mut Request| {
        let mut headers = r.headers.clone();
        if r.compressed {
            headers.push(("Content-Encoding".into(), "gzip".into()));
        }
        let callout = Callout {
            method: String::new(),
            endpoint: String::new(),
            headers,
            body: r.body.clone(),
            timeout: r.timeout.unwrap_or(DEFAULT_TIMEOUT),
        };
        (r.endpoint.clone(), r.method.clone(), callout)
    })?;
    let Some(endpoint) = endpoint else {
        return Err(m.not_supported("Http.send without an endpoint"));
    };
    let Some(method) = method else {
        return Err(m.not_supported("Http.send without a method"));
    };
    let scheme = endpoint
        .split_once(':')
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https" | "callout") => {}
        // The words are those of Java's MalformedURLException.
        Some(other) if other.bytes().all(|b| b.is_ascii_alphanumeric()) && !other.is_empty() => {
            return Err(m.raise("CalloutException", format!("unknown protocol: {other}")));
        }
        _ => return Err(m.raise("CalloutException", format!("no protocol: {endpoint}"))),
    }
    Ok(Callout {
        method,
        endpoint,
        ..callout
    })
}

/// Asks the mock in a test, the host otherwise.
fn send(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let request = m.any(arguments, 0);
    if request.is_null() {
        return Err(m.null_argument());
    }
    m.count(Limit::Callouts, 1)?;
    m.check_callout()?;
    if m.test.running {
        let mock = m
            .test
            .mocks
            .iter()
            .rev()
            .find(|(name, _)| &**name == "HttpCalloutMock");
        let Some((_, mock)) = mock.cloned() else {
            let words = "Methods defined as TestMethod do not support Web service callouts";
            return Err(m.raise("TypeException", words));
        };
        return m.invoke_interface("HttpCalloutMock", "respond", &mock, &[request]);
    }
    let callout = callout_of(m, &request)?;
    if callout
        .headers
        .iter()
        .any(|(name, value)| name == "Content-Encoding" && value == "gzip")
    {
        return Err(m.not_supported("HttpRequest.setCompressed(true)"));
    }
    let host = m.host;
    let started = host.now();
    let answer = host.callout(&callout).map_err(|error| m.from_host(error));
    m.limits.callout_millis += host.now() - started;
    let answer = answer?;
    if m.limits.callout_millis > i64::from(MAXIMUM_TIMEOUT) {
        let words = "Exceeded maximum time allotted for callout (120000 ms)";
        return Err(m.raise("CalloutException", words));
    }
    response(m, answer)
}

fn set_endpoint(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = given(arguments, 0);
    m.with_state(this, |r: &mut Request| r.endpoint = text)?;
    Ok(Value::Null)
}

fn endpoint(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Request| optional(r.endpoint.clone()))
}

fn set_method(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = given(arguments, 0);
    m.with_state(this, |r: &mut Request| r.method = text)?;
    Ok(Value::Null)
}

fn method(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Request| optional(r.method.clone()))
}

/// A field's name counts in any case (RFC 9110, 5.1); a later value takes the earlier one's place.
fn put(headers: &mut Vec<(String, String)>, key: &str, value: &str) {
    match headers
        .iter_mut()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
    {
        Some(header) => *header = (key.to_owned(), value.to_owned()),
        None => headers.push((key.to_owned(), value.to_owned())),
    }
}

fn find(headers: &[(String, String)], key: &str) -> Value {
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    found.map_or(Value::Null, |(_, value)| Value::from(value.as_str()))
}

/// The value of a header as text; a null value is the refusal Salesforce gives for a null argument.
fn header_of(m: &Machine<'_>, arguments: &[Value]) -> Run<(String, String)> {
    Ok((
        m.text(arguments, 0)?.to_string(),
        m.text(arguments, 1)?.to_string(),
    ))
}

fn set_request_header(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (key, value) = header_of(m, arguments)?;
    m.with_state(this, |r: &mut Request| put(&mut r.headers, &key, &value))?;
    Ok(Value::Null)
}

fn request_header(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let key = m.text(arguments, 0)?;
    m.with_state(this, |r: &mut Request| find(&r.headers, &key))
}

fn set_response_header(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (key, value) = header_of(m, arguments)?;
    m.with_state(this, |r: &mut Response| put(&mut r.headers, &key, &value))?;
    Ok(Value::Null)
}

fn response_header(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let key = m.text(arguments, 0)?;
    m.with_state(this, |r: &mut Response| find(&r.headers, &key))
}

fn header_keys(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Response| {
        let keys = r.headers.iter().map(|(name, _)| Value::from(name.as_str()));
        Value::list(Type::String, keys.collect())
    })
}

fn body_text(m: &Machine<'_>, body: Vec<u8>) -> Run<Value> {
    match String::from_utf8(body) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err(m.not_supported("getBody of bytes that are not UTF-8")),
    }
}

fn set_request_body(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    m.with_state(this, |r: &mut Request| r.body = text.as_bytes().to_vec())?;
    Ok(Value::Null)
}

fn set_request_blob(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let body = bytes(m, arguments.first())?;
    m.with_state(this, |r: &mut Request| r.body = body.to_vec())?;
    Ok(Value::Null)
}

fn request_body(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let body = m.with_state(this, |r: &mut Request| r.body.clone())?;
    body_text(m, body)
}

fn request_blob(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Request| Value::Blob(r.body.as_slice().into()))
}

fn set_timeout(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let millis = m.integer(arguments, 0)?;
    if !(1..=MAXIMUM_TIMEOUT).contains(&millis) {
        return Err(m.not_supported(format!("a timeout of {millis} ms")));
    }
    m.with_state(this, |r: &mut Request| r.timeout = Some(millis))?;
    Ok(Value::Null)
}

fn set_compressed(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let flag = m.boolean(arguments, 0)?;
    m.with_state(this, |r: &mut Request| r.compressed = flag)?;
    Ok(Value::Null)
}

fn compressed(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Request| Value::Boolean(r.compressed))
}

fn request_text(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Request| {
        let endpoint = r.endpoint.as_deref().unwrap_or("null");
        let method = r.method.as_deref().unwrap_or("null");
        Value::from(format!(
            "System.HttpRequest[Endpoint={endpoint}, Method={method}]"
        ))
    })
}

fn set_status(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = given(arguments, 0);
    m.with_state(this, |r: &mut Response| r.status = text)?;
    Ok(Value::Null)
}

fn status(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Response| optional(r.status.clone()))
}

fn set_code(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let code = m.integer(arguments, 0)?;
    m.with_state(this, |r: &mut Response| r.code = code)?;
    Ok(Value::Null)
}

fn code(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Response| Value::Integer(r.code))
}

fn set_response_body(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    m.with_state(this, |r: &mut Response| r.body = text.as_bytes().to_vec())?;
    Ok(Value::Null)
}

fn set_response_blob(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let body = bytes(m, arguments.first())?;
    m.with_state(this, |r: &mut Response| r.body = body.to_vec())?;
    Ok(Value::Null)
}

fn response_body(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let body = m.with_state(this, |r: &mut Response| r.body.clone())?;
    body_text(m, body)
}

fn response_blob(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Response| Value::Blob(r.body.as_slice().into()))
}

fn response_text(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |r: &mut Response| {
        let status = r.status.as_deref().unwrap_or("null");
        Value::from(format!(
            "System.HttpResponse[Status={status}, StatusCode={}]",
            r.code
        ))
    })
}
