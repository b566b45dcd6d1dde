//! `System`: debug, asserts and the like (Apex Reference Guide, "System Class").

use super::assert::{assert, assert_equals, assert_not_equals};
use super::asynchronous::{abort_job, attach_finalizer, enqueue_job, schedule};
use super::declaration::Declarations;
use crate::host::JobKind;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration(
        "System.LoggingLevel",
        &[
            "NONE", "ERROR", "WARN", "INFO", "DEBUG", "FINE", "FINER", "FINEST", "INTERNAL",
        ],
    );
    catalogue
        .class("System.System")
        .method("static void assert(Boolean condition)", assert)
        .method("static void assert(Boolean condition, Object message)", assert)
        .method(
            "static void assertEquals(Object expected, Object actual)",
            assert_equals,
        )
        .method(
            "static void assertEquals(Object expected, Object actual, Object message)",
            assert_equals,
        )
        .method(
            "static void assertNotEquals(Object expected, Object actual)",
            assert_not_equals,
        )
        .method(
            "static void assertNotEquals(Object expected, Object actual, Object message)",
            assert_not_equals,
        )
        .method("static void debug(Object message)", debug)
        .method("static void debug(LoggingLevel level, Object message)", debug_at)
        .method("static Datetime now()", now)
        .method("static Date today()", today)
        .method("static Long currentTimeMillis()", current_time_millis)
        .method("static Boolean isBatch()", is_batch)
        .method("static Boolean isFuture()", is_future)
        .method("static Boolean isQueueable()", is_queueable)
        .method("static Boolean isScheduled()", is_scheduled)
        .method("static Id enqueueJob(Queueable job)", enqueue_job)
        .method("static Id enqueueJob(Queueable job, Integer delay)", enqueue_job)
        .method(
            "static Id enqueueJob(Queueable job, AsyncOptions options)",
            enqueue_job,
        )
        .method(
            "static void attachFinalizer(Finalizer finalizer)",
            attach_finalizer,
        )
        .method(
            "static String schedule(String name, String expression, Schedulable job)",
            schedule,
        )
        .method("static void abortJob(Id job)", abort_job)
        .method("static Boolean equals(Object a, Object b)", equals)
        .method("static Integer hashCode(Object value)", hash_code);
}

fn debug(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let text = m.concatenated(&m.any(arguments, 0))?;
    m.host.log("DEBUG", m.line(), &text);
    Ok(Value::Null)
}

fn debug_at(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let level = match arguments.first() {
        Some(Value::Enum(owner, index)) => m.constant_name(*owner, *index),
        _ => return Err(m.null_argument()),
    };
    let text = m.concatenated(&m.any(arguments, 1))?;
    m.host.log(&level, m.line(), &text);
    Ok(Value::Null)
}

fn now(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Datetime(m.host.now()))
}

/// Today in the user's time zone.
pub(super) fn today(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match chrono::DateTime::from_timestamp_millis(m.host.now()) {
        Some(moment) => Ok(Value::Date(
            moment.with_timezone(&m.host.user().time_zone).date_naive(),
        )),
        None => Err(m.not_supported("a clock outside the calendar")),
    }
}

fn current_time_millis(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Long(m.host.now()))
}

fn is_batch(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.runs_as(JobKind::Batch)))
}

fn is_future(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.runs_as(JobKind::Future)))
}

fn is_queueable(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.runs_as(JobKind::Queueable)))
}

fn is_scheduled(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.runs_as(JobKind::Scheduled)))
}

fn equals(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (a, b) = (m.any(arguments, 0), m.any(arguments, 1));
    Ok(Value::Boolean(m.same_key(&a, &b)?))
}

fn hash_code(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let value = m.any(arguments, 0);
    if value.is_null() {
        return Ok(Value::Integer(0));
    }
    let hash = m.hash(&value)?;
    Ok(Value::Integer(i32::try_from(hash & 0x7fff_ffff).unwrap_or(0)))
}
