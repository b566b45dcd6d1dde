//! Queueable, Schedulable and Batch Apex, finalizers and what they are told about themselves (Apex Reference
//! Guide: Queueable Interface, AsyncOptions Class, QueueableDuplicateSignature Class, Finalizer Interface,
//! AsyncInfo Class, Schedulable Interface, Database.Batchable Interface).

use std::sync::Arc;

use super::declaration::Declarations;
use crate::host::{HostError, Job, JobKind};
use crate::run::frozen::Frozen;
use crate::run::jobs::{EndedJob, JobView};
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// What `AsyncOptions` holds.
#[derive(Debug, Default)]
struct Options {
    delay: Option<i32>,
    depth: Option<i32>,
    signature: Option<Value>,
}

/// What a signature or its builder holds.
#[derive(Debug, Default)]
struct Signature(String);

pub(super) fn declare(catalogue: &mut Declarations) {
    contexts(catalogue);
    catalogue
        .class("System.AsyncOptions")
        .constructor("new()", new_options)
        .property("Integer MinimumQueueableDelayInMinutes", delay, Some(set_delay))
        .property("Integer MaximumQueueableStackDepth", depth, Some(set_depth))
        .property(
            "QueueableDuplicateSignature DuplicateSignature",
            signature,
            Some(set_signature),
        );
    catalogue
        .class("System.QueueableDuplicateSignature")
        .method("String toString()", signature_text);
    catalogue
        .class("QueueableDuplicateSignature.Builder")
        .constructor("new()", new_builder)
        .method("QueueableDuplicateSignature.Builder addId(Id value)", add)
        .method(
            "QueueableDuplicateSignature.Builder addInteger(Integer value)",
            add,
        )
        .method("QueueableDuplicateSignature.Builder addString(String value)", add)
        .method("QueueableDuplicateSignature build()", build);
    catalogue
        .class("System.AsyncInfo")
        .method("static Integer getCurrentQueueableStackDepth()", current_depth)
        .method("static Integer getMaximumQueueableStackDepth()", maximum_depth)
        .method(
            "static Integer getMinimumQueueableDelayInMinutes()",
            current_delay,
        )
        .method("static Boolean hasMaxStackDepth()", has_depth);
}

/// Interfaces that programs implement, and the contexts that they are called with.
fn contexts(catalogue: &mut Declarations) {
    catalogue
        .interface("System.QueueableContext")
        .method("Id getJobId()", job_id);
    catalogue
        .interface("System.Queueable")
        .abstract_method("void execute(QueueableContext context)");
    catalogue
        .interface("System.SchedulableContext")
        .method("Id getTriggerId()", job_id);
    catalogue
        .interface("System.Schedulable")
        .abstract_method("void execute(SchedulableContext context)");
    catalogue
        .interface("Database.BatchableContext")
        .method("Id getJobId()", job_id)
        .method("Id getChildJobId()", child_id);
    catalogue
        .interface("Database.Batchable<T>")
        .method(
            "Iterable<T> start(Database.BatchableContext context)",
            not_written,
        )
        .abstract_method("void execute(Database.BatchableContext context, List<T> scope)")
        .abstract_method("void finish(Database.BatchableContext context)");
    catalogue.interface("Database.Stateful");
    catalogue.interface("Database.AllowsCallouts");
    catalogue.interface("Database.RaisesPlatformEvents");
    catalogue.enumeration("System.ParentJobResult", &["SUCCESS", "UNHANDLED_EXCEPTION"]);
    catalogue
        .interface("System.FinalizerContext")
        .method("Id getAsyncApexJobId()", ended_id)
        .method("Exception getException()", ended_exception)
        .method("ParentJobResult getResult()", ended_result)
        .method("String getRequestId()", request_id);
    catalogue
        .interface("System.Finalizer")
        .abstract_method("void execute(FinalizerContext context)");
}

fn not_written(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Err(m.not_supported("Database.Batchable without start"))
}

fn id_value(id: &Arc<str>) -> Value {
    Value::Id(Arc::clone(id))
}

fn job_id(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |view: &mut JobView| id_value(&view.id))
}

fn child_id(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |view: &mut JobView| id_value(&view.child))
}

fn ended_id(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |ended: &mut EndedJob| id_value(&ended.id))
}

fn ended_exception(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |ended: &mut EndedJob| ended.exception.clone())
}

fn ended_result(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let failed = m.with_state(this, |ended: &mut EndedJob| !ended.exception.is_null())?;
    m.platform_constant(
        "ParentJobResult",
        if failed { "UNHANDLED_EXCEPTION" } else { "SUCCESS" },
    )
}

fn request_id(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Err(m.not_supported("FinalizerContext.getRequestId"))
}

fn new_options(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("AsyncOptions", Options::default())
}

fn number(value: Option<&Value>) -> Option<i32> {
    match value {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    }
}

fn shown(number: Option<i32>) -> Value {
    number.map_or(Value::Null, Value::Integer)
}

fn delay(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |o: &mut Options| shown(o.delay))
}

fn set_delay(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let given = number(arguments.first());
    m.with_state(this, |o: &mut Options| o.delay = given)?;
    Ok(Value::Null)
}

fn depth(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |o: &mut Options| shown(o.depth))
}

fn set_depth(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let given = number(arguments.first());
    m.with_state(this, |o: &mut Options| o.depth = given)?;
    Ok(Value::Null)
}

fn signature(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |o: &mut Options| o.signature.clone().unwrap_or(Value::Null))
}

fn set_signature(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let given = arguments.first().cloned();
    m.with_state(this, |o: &mut Options| o.signature = given)?;
    Ok(Value::Null)
}

fn signature_text(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |s: &mut Signature| Value::from(s.0.as_str()))
}

fn new_builder(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("QueueableDuplicateSignature.Builder", Signature::default())
}

/// Parts keep their kinds apart: the text 1 is not the number 1.
fn add(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let part = match arguments.first() {
        Some(Value::Id(id)) => format!("id:{id};"),
        Some(Value::Integer(number)) => format!("integer:{number};"),
        Some(Value::String(text)) => format!("string:{}:{text};", text.len()),
        _ => return Err(m.null_argument()),
    };
    m.with_state(this, |s: &mut Signature| s.0.push_str(&part))?;
    Ok(this.clone())
}

fn build(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let text = m.with_state(this, |s: &mut Signature| s.0.clone())?;
    m.platform_object("QueueableDuplicateSignature", Signature(text))
}

fn outside(m: &Machine<'_>) -> crate::run::Interrupt {
    m.not_supported("AsyncInfo outside a Queueable")
}

fn current_depth(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match &m.job {
        Some(job) if job.kind == JobKind::Queueable => Ok(Value::Integer(job.depth)),
        _ => Err(outside(m)),
    }
}

fn maximum_depth(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match &m.job {
        Some(job) if job.maximum_depth.is_some() => Ok(shown(job.maximum_depth)),
        _ => Err(outside(m)),
    }
}

fn current_delay(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match &m.job {
        Some(job) if job.kind == JobKind::Queueable => Ok(Value::Integer(job.delay_minutes)),
        _ => Err(outside(m)),
    }
}

fn has_depth(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match &m.job {
        Some(job) if job.kind == JobKind::Queueable => Ok(Value::Boolean(job.maximum_depth.is_some())),
        _ => Err(outside(m)),
    }
}

/// `System.enqueueJob`
pub(super) fn enqueue_job(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let work = m.any(arguments, 0);
    if work.is_null() {
        return Err(m.null_argument());
    }
    let (delay, maximum, signature) = match arguments.get(1) {
        None | Some(Value::Null) => (None, None, None),
        Some(Value::Integer(minutes)) => (Some(*minutes), None, None),
        Some(options) => m.with_state(options, |o: &mut Options| (o.delay, o.depth, o.signature.clone()))?,
    };
    // "The delay … must be from 0 to 10 minutes" (AsyncOptions Class); what is raised is not documented.
    if delay.is_some_and(|minutes| !(0..=10).contains(&minutes)) {
        return Err(m.not_supported("a delay of a Queueable that is not from 0 to 10 minutes"));
    }
    let signature = match signature {
        Some(signature) if !signature.is_null() => {
            Some(m.with_state(&signature, |s: &mut Signature| Arc::from(s.0.as_str()))?)
        }
        _ => None,
    };
    let running = m.job.as_ref().filter(|job| job.kind == JobKind::Queueable);
    let depth = running.map_or(1, |job| job.depth + 1);
    let maximum = maximum.or_else(|| running.and_then(|job| job.maximum_depth));
    let failures = m
        .job
        .as_ref()
        .filter(|job| job.kind == JobKind::Finalizer)
        .map_or(0, |job| job.failures);
    let job = Job {
        failures,
        delay_minutes: delay.unwrap_or(0),
        signature,
        depth,
        maximum_depth: maximum,
        ..job_of(m, JobKind::Queueable, &work)?
    };
    Ok(Value::Id(m.enqueue(job)?))
}

fn job_of(m: &Machine<'_>, kind: JobKind, work: &Value) -> Run<Job> {
    let ty: Type = m.runtime_type(work);
    Ok(Job::new(kind, m.type_name(&ty).into(), Frozen::of(m, work)?))
}

/// `Database.executeBatch`
pub(super) fn execute_batch(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let work = m.any(arguments, 0);
    if work.is_null() {
        return Err(m.null_argument());
    }
    let chunk = match arguments.get(1) {
        None => 200,
        Some(Value::Integer(size)) if *size > 0 => usize::try_from(*size).unwrap_or(200),
        Some(_) => return Err(m.not_supported("Database.executeBatch with this scope")),
    };
    let job = Job {
        chunk,
        ..job_of(m, JobKind::Batch, &work)?
    };
    Ok(Value::Id(m.enqueue(job)?))
}

/// `System.schedule`
pub(super) fn schedule(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (name, cron) = (m.text(arguments, 0)?, m.text(arguments, 1)?);
    let work = m.any(arguments, 2);
    if work.is_null() {
        return Err(m.null_argument());
    }
    let job = Job {
        schedule_name: Some(name),
        cron: Some(cron),
        ..job_of(m, JobKind::Scheduled, &work)?
    };
    Ok(Value::String(m.enqueue(job)?))
}

/// `System.abortJob`
pub(super) fn abort_job(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let id = m.text(arguments, 0)?;
    let waiting = m.test.jobs.len();
    m.test.jobs.retain(|job| job.id != id);
    let was_ours = m.test.jobs.len() < waiting;
    match m.host.abort_job(&id) {
        // What a test handed over waits here; an org may have no row of it.
        Err(HostError::NotSupported(_)) if was_ours => Ok(Value::Null),
        ended => ended.map(|()| Value::Null).map_err(|error| m.from_host(error)),
    }
}

/// `System.attachFinalizer`
pub(super) fn attach_finalizer(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let finalizer = m.any(arguments, 0);
    if finalizer.is_null() {
        return Err(m.null_argument());
    }
    match m.job.as_mut().filter(|job| job.kind == JobKind::Queueable) {
        Some(job) if job.finalizer.is_none() => {
            job.finalizer = Some(finalizer);
            Ok(Value::Null)
        }
        Some(_) => Err(m.not_supported("System.attachFinalizer twice in one Queueable")),
        None => Err(m.not_supported("System.attachFinalizer outside a Queueable")),
    }
}
