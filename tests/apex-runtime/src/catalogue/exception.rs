//! `Exception` and the platform's exceptions (Apex Reference Guide, "Exception Class and Built-In Exceptions").

use super::declaration::Declarations;
use crate::run::value::{Instance, Value};
use crate::run::{Machine, Run};
use crate::types::Type;

const BUILT_IN: &[&str] = &[
    "AsyncException",
    "AssertException",
    "BigObjectException",
    "CalloutException",
    "DataWeaveScriptException",
    "DuplicateMessageException",
    "EmailException",
    "ExternalObjectException",
    "FinalException",
    "FlowException",
    "FormulaValidationException",
    "HandledException",
    "IllegalArgumentException",
    "InvalidHeaderException",
    "InvalidParameterValueException",
    "InvalidReadOnlyUserDmlException",
    "JSONException",
    "LimitException",
    "ListException",
    "MathException",
    "NoAccessException",
    "NoDataFoundException",
    "NoSuchElementException",
    "NullPointerException",
    "ProcedureException",
    "PolyglotException",
    "QueryException",
    "RequiredFeatureMissingException",
    "SearchException",
    "SecurityException",
    "SerializationException",
    "SObjectException",
    "StringException",
    "TouchHandledException",
    "TypeException",
    "UnexpectedException",
    "UnsupportedOperationException",
    "VisualforceException",
    "XmlException",
];

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Exception")
        .constructor("new()", construct)
        .constructor("new(String message)", construct)
        .constructor("new(Exception cause)", construct)
        .constructor("new(String message, Exception cause)", construct)
        .method("String getMessage()", message)
        .method("String getTypeName()", type_name)
        .method("Integer getLineNumber()", line_number)
        .method("String getStackTraceString()", stack_trace)
        .method("Exception getCause()", cause)
        .method("void initCause(Exception cause)", init_cause)
        .method("void setMessage(String message)", set_message);
    catalogue
        .exception("System.AuraHandledException")
        .constructor("new(String message)", construct_aura);
    for name in BUILT_IN {
        catalogue.exception(&format!("System.{name}"));
    }
}

fn construct(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let Value::Type(ty) = this else {
        return Err(m.null_pointer());
    };
    let Type::Platform(id, _) = &**ty else {
        return Err(m.null_pointer());
    };
    let exception = m.exception(*id, None, None);
    m.fill_exception(&exception, arguments.to_vec());
    Ok(Value::Object(exception))
}

/// The client gets the message; Apex itself sees it only where `setMessage` gave it (public tests,
/// apex-recipes, expect "Script-thrown exception").
fn construct_aura(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let made = construct(m, this, &[])?;
    if let (Value::Object(exception), Some(Value::String(text))) = (&made, arguments.first())
        && let Some(state) = &exception.exception
    {
        state.borrow_mut().client_message = Some(std::sync::Arc::clone(text));
    }
    Ok(made)
}

fn instance<'v>(m: &Machine<'_>, this: &'v Value) -> Run<&'v Instance> {
    match this {
        Value::Object(object) => Ok(object),
        _ => Err(m.null_pointer()),
    }
}

fn message(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::String(m.exception_message(instance(m, this)?)))
}

fn type_name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::from(m.exception_type_name(instance(m, this)?)))
}

fn line_number(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let state = &instance(m, this)?.exception;
    let line = state
        .as_ref()
        .and_then(|s| s.borrow().trace.first().map(|t| t.line))
        .unwrap_or(0);
    Ok(Value::Integer(i32::try_from(line).unwrap_or(0)))
}

fn stack_trace(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let state = &instance(m, this)?.exception;
    let lines: Vec<_> = state
        .as_ref()
        .map(|s| s.borrow().trace.iter().map(ToString::to_string).collect())
        .unwrap_or_default();
    Ok(Value::from(lines.join("\n")))
}

fn cause(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let state = &instance(m, this)?.exception;
    Ok(state
        .as_ref()
        .and_then(|s| s.borrow().cause.clone())
        .unwrap_or(Value::Null))
}

fn init_cause(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    if let Some(state) = &instance(m, this)?.exception {
        state.borrow_mut().cause = arguments.first().cloned();
    }
    Ok(Value::Null)
}

fn set_message(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.text(arguments, 0)?;
    if let Some(state) = &instance(m, this)?.exception {
        state.borrow_mut().message = Some(text);
    }
    Ok(Value::Null)
}
