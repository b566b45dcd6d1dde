//! What Visualforce controllers see of their page: `PageReference`, `ApexPages`, its messages and standard controllers
//! (Apex Reference Guide, "PageReference Class", "ApexPages Class", "Message Class", "StandardController Class").
//! Who renders a page asks its controllers here, through `run::page`.

use super::declaration::{Declarations, NativeFunction};
use crate::host::{AccessMode, DmlCall, DmlOptions};
use crate::run::dml::id_of;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::syntax::ast::DmlKind;
use crate::types::Type;

/// What a transaction knows of its page.
#[derive(Debug, Default)]
pub struct PageState {
    /// What `Test.setCurrentPage` was given.
    pub(crate) current: Option<Value>,
    messages: Vec<Value>,
}

/// `PageReference`
#[derive(Debug)]
struct Reference {
    path: String,
    anchor: Option<String>,
    redirect: bool,
    parameters: Value,
    headers: Value,
}

/// `ApexPages.Message`
#[derive(Debug)]
struct Message {
    severity: Value,
    summary: Value,
    detail: Option<Value>,
}

/// `ApexPages.StandardController`
#[derive(Debug)]
struct Controller {
    record: Value,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    let class = catalogue.class("System.PageReference");
    class
        .constructor("new(String url)", new_reference)
        .constructor("new(SObject record)", new_reference_to_record);
    for (signature, function) in REFERENCE {
        class.method(signature, *function);
    }
    catalogue
        .class("System.ApexPages")
        .method("static PageReference currentPage()", current_page)
        .method("static void addMessage(ApexPages.Message message)", add_message)
        .method("static List<ApexPages.Message> getMessages()", messages)
        .method("static Boolean hasMessages()", has_messages)
        .method(
            "static Boolean hasMessages(ApexPages.Severity severity)",
            has_messages,
        );
    catalogue.enumeration(
        "ApexPages.Severity",
        &["CONFIRM", "ERROR", "FATAL", "INFO", "WARNING"],
    );
    catalogue
        .class("ApexPages.Message")
        .constructor("new(ApexPages.Severity severity, String summary)", new_message)
        .constructor(
            "new(ApexPages.Severity severity, String summary, String detail)",
            new_message,
        )
        .method("ApexPages.Severity getSeverity()", |m, this, _| {
            m.with_state(this, |message: &mut Message| message.severity.clone())
        })
        .method("String getSummary()", |m, this, _| {
            m.with_state(this, |message: &mut Message| message.summary.clone())
        })
        .method("String getDetail()", detail);
    let class = catalogue.class("ApexPages.StandardController");
    class.constructor("new(SObject record)", new_controller);
    for (signature, function) in CONTROLLER {
        class.method(signature, *function);
    }
}

const REFERENCE: &[(&str, NativeFunction)] = &[
    ("String getUrl()", url),
    ("Map<String, String> getParameters()", |m, this, _| {
        m.with_state(this, |page: &mut Reference| page.parameters.clone())
    }),
    ("Map<String, String> getHeaders()", |m, this, _| {
        m.with_state(this, |page: &mut Reference| page.headers.clone())
    }),
    ("String getAnchor()", |m, this, _| {
        m.with_state(this, |page: &mut Reference| {
            page.anchor.clone().map_or(Value::Null, Value::from)
        })
    }),
    ("PageReference setAnchor(String anchor)", set_anchor),
    ("Boolean getRedirect()", |m, this, _| {
        m.with_state(this, |page: &mut Reference| Value::Boolean(page.redirect))
    }),
    ("PageReference setRedirect(Boolean redirect)", set_redirect),
    ("Blob getContent()", |m, _, _| {
        Err(m.not_supported("PageReference.getContent"))
    }),
    ("Blob getContentAsPDF()", |m, _, _| {
        Err(m.not_supported("PageReference.getContentAsPDF"))
    }),
];

const CONTROLLER: &[(&str, NativeFunction)] = &[
    ("String getId()", |m, this, _| {
        m.with_state(this, |controller: &mut Controller| match &controller.record {
            Value::Record(record) => id_of(record).map_or(Value::Null, Value::Id),
            _ => Value::Null,
        })
    }),
    ("SObject getRecord()", |m, this, _| {
        m.with_state(this, |controller: &mut Controller| controller.record.clone())
    }),
    ("PageReference view()", view),
    ("PageReference save()", save),
    ("PageReference cancel()", |m, _, _| {
        Err(m.not_supported("StandardController.cancel"))
    }),
    ("PageReference edit()", |m, _, _| {
        Err(m.not_supported("StandardController.edit"))
    }),
    ("void reset()", |m, _, _| {
        Err(m.not_supported("StandardController.reset"))
    }),
    ("void addFields(List<String> names)", |m, _, _| {
        Err(m.not_supported("StandardController.addFields"))
    }),
];

fn reference(m: &mut Machine<'_>, text: &str) -> Run<Value> {
    let (text, anchor) = match text.split_once('#') {
        Some((text, anchor)) => (text, Some(anchor.to_owned())),
        None => (text, None),
    };
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let ty = Type::map(Type::String, Type::String);
    let parameters = m.new_collection(&ty, None)?;
    for (name, value) in url_pairs(query) {
        m.map_put(&parameters, Value::from(name), Value::from(value))?;
    }
    let headers = m.new_collection(&ty, None)?;
    m.platform_object(
        "System.PageReference",
        Reference {
            path: path.to_owned(),
            anchor,
            redirect: false,
            parameters,
            headers,
        },
    )
}

/// Names and values of a query string, decoded.
fn url_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let mut out = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let two: Vec<u8> = match byte {
                b'%' => bytes.clone().take(2).collect(),
                _ => Vec::new(),
            };
            let code = std::str::from_utf8(&two)
                .ok()
                .and_then(|digits| u8::from_str_radix(digits, 16).ok());
            match (byte, code) {
                (b'%', Some(code)) if two.len() == 2 => {
                    out.push(code);
                    bytes.next();
                    bytes.next();
                }
                (b'+', _) => out.push(b' '),
                _ => out.push(byte),
            }
        }
        String::from_utf8_lossy(&out).into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

fn new_reference(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    reference(m, &text)
}

fn new_reference_to_record(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    to_record(m, &m.any(arguments, 0))
}

fn to_record(m: &mut Machine<'_>, record: &Value) -> Run<Value> {
    let Value::Record(record) = record else {
        return Err(m.null_argument());
    };
    match id_of(record) {
        Some(id) => reference(m, &format!("/{}", id.get(..15).unwrap_or(&id))),
        None => Err(m.not_supported("a PageReference to a record without an id")),
    }
}

fn url(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let (path, anchor, parameters) = m.with_state(this, |page: &mut Reference| {
        (page.path.clone(), page.anchor.clone(), page.parameters.clone())
    })?;
    let mut out = path;
    if let Value::Map(map) = &parameters {
        let pairs: Vec<_> = map.table.borrow().iter().cloned().collect();
        for (at, (name, value)) in pairs.into_iter().enumerate() {
            out.push(if at == 0 { '?' } else { '&' });
            out.push_str(&super::encoding::encoded(&m.string_value(&name)?));
            out.push('=');
            if !value.is_null() {
                out.push_str(&super::encoding::encoded(&m.string_value(&value)?));
            }
        }
    }
    if let Some(anchor) = anchor {
        out.push('#');
        out.push_str(&anchor);
    }
    Ok(Value::from(out))
}

fn set_anchor(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let anchor = m.text(arguments, 0)?.to_string();
    m.with_state(this, |page: &mut Reference| page.anchor = Some(anchor))?;
    Ok(this.clone())
}

fn set_redirect(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let redirect = m.boolean(arguments, 0)?;
    m.with_state(this, |page: &mut Reference| page.redirect = redirect)?;
    Ok(this.clone())
}

/// `Test.setCurrentPage`
pub(super) fn set_current_page(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    m.page.current = Some(m.any(arguments, 0));
    Ok(Value::Null)
}

/// Outside of a request for a page there is none; what a test gets that has set none is not documented.
fn current_page(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match &m.page.current {
        Some(page) => Ok(page.clone()),
        None if m.test.running => Err(m.not_supported("ApexPages.currentPage before Test.setCurrentPage")),
        None => Ok(Value::Null),
    }
}

fn add_message(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    match m.any(arguments, 0) {
        Value::Null => Err(m.null_argument()),
        message => {
            m.page.messages.push(message);
            Ok(Value::Null)
        }
    }
}

fn messages(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let element = m.catalogue.find("ApexPages.Message");
    let element = element.map_or(Type::Object, Type::platform);
    Ok(Value::list(element, m.page.messages.clone()))
}

fn has_messages(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let wanted = match arguments.first() {
        None => return Ok(Value::Boolean(!m.page.messages.is_empty())),
        Some(Value::Enum(_, index)) => *index,
        Some(_) => return Err(m.null_argument()),
    };
    for message in &m.page.messages {
        let severity = m.with_state(message, |message: &mut Message| message.severity.clone())?;
        if matches!(severity, Value::Enum(_, index) if index == wanted) {
            return Ok(Value::Boolean(true));
        }
    }
    Ok(Value::Boolean(false))
}

fn new_message(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let message = Message {
        severity: m.any(arguments, 0),
        summary: m.any(arguments, 1),
        detail: arguments.get(2).cloned(),
    };
    m.platform_object("ApexPages.Message", message)
}

fn detail(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let detail = m.with_state(this, |message: &mut Message| message.detail.clone())?;
    detail.ok_or_else(|| m.not_supported("ApexPages.Message.getDetail of a message made without one"))
}

/// From now on `ApexPages.currentPage` is the page at this address.
pub(crate) fn open(m: &mut Machine<'_>, address: &str) -> Run<()> {
    m.page.current = Some(reference(m, address)?);
    Ok(())
}

/// The standard controller of a record.
pub(crate) fn standard_controller(m: &mut Machine<'_>, record: Value) -> Run<Value> {
    m.platform_object("ApexPages.StandardController", Controller { record })
}

fn new_controller(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    match m.any(arguments, 0) {
        Value::Null => Err(m.null_argument()),
        record => m.platform_object("ApexPages.StandardController", Controller { record }),
    }
}

fn view(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let record = m.with_state(this, |controller: &mut Controller| controller.record.clone())?;
    to_record(m, &record)
}

/// Standard controllers run in user mode (Visualforce Developer Guide, "Standard Controllers"). What is refused becomes
/// messages on the page, and there is no next one.
fn save(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let record = m.with_state(this, |controller: &mut Controller| controller.record.clone())?;
    let Value::Record(object) = &record else {
        return Err(m.null_pointer());
    };
    let call = DmlCall {
        kind: if id_of(object).is_some() {
            DmlKind::Update
        } else {
            DmlKind::Insert
        },
        records: vec![std::rc::Rc::clone(object)],
        key: None,
        duplicates: Vec::new(),
        all_or_none: false,
        access: AccessMode::User,
        sharing: true,
        options: DmlOptions::default(),
    };
    let outcomes = m.run_dml(&call)?;
    let errors: Vec<_> = outcomes.into_iter().flat_map(|outcome| outcome.errors).collect();
    if errors.is_empty() {
        return to_record(m, &record);
    }
    for (_, words, _) in errors {
        let message = Message {
            severity: m.platform_constant("ApexPages.Severity", "ERROR")?,
            summary: Value::from(words),
            detail: None,
        };
        let message = m.platform_object("ApexPages.Message", message)?;
        m.page.messages.push(message);
    }
    Ok(Value::Null)
}
