//! `Request`, `Quiddity`, `Version`, install and uninstall scripts (Apex Reference Guide: Request Class, Quiddity
//! Enum, Version Class, InstallHandler Interface, UninstallHandler Interface, Test Class).

use super::declaration::Declarations;
use crate::host::JobKind;
use crate::run::value::Value;
use crate::run::{Machine, Run};

const QUIDDITIES: &[&str] = &[
    "ANONYMOUS",
    "AURA",
    "BATCH_ACS",
    "BATCH_APEX",
    "BATCH_CHUNK_PARALLEL",
    "BATCH_CHUNK_SERIAL",
    "BULK_API",
    "COMMERCE_INTEGRATION",
    "DISCOVERABLE_LOGIN",
    "EXTERNAL_SERVICE_CALLBACK",
    "FUNCTION_CALLBACK",
    "FUTURE",
    "INBOUND_EMAIL_SERVICE",
    "INVOCABLE_ACTION",
    "IOT",
    "PLATFORM_EVENT_PUBLISH_CALLBACK",
    "POST_INSTALL_SCRIPT",
    "QUEUEABLE",
    "QUICK_ACTION",
    "REMOTE_ACTION",
    "REST",
    "RUNTEST_ASYNC",
    "RUNTEST_DEPLOY",
    "RUNTEST_SYNC",
    "SCHEDULED",
    "SOAP",
    "SYNCHRONOUS",
    "TRANSACTION_FINALIZER_QUEUEABLE",
    "UNDEFINED",
    "VF",
];

#[derive(Debug)]
struct Request;

/// Major, minor and patch number.
#[derive(Debug, Clone)]
struct Version(i32, i32, Option<i32>);

#[derive(Debug)]
struct Install {
    previous: Value,
    push: bool,
}

#[derive(Debug)]
struct Uninstall;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration("System.Quiddity", QUIDDITIES);
    catalogue
        .class("System.Request")
        .method("static Request getCurrent()", current)
        .method("Quiddity getQuiddity()", quiddity)
        .method("String getRequestId()", request_id);
    catalogue
        .class("System.Version")
        .constructor("new(Integer major, Integer minor)", new_version)
        .constructor("new(Integer major, Integer minor, Integer patch)", new_version)
        .method("Integer major()", major)
        .method("Integer minor()", minor)
        .method("Integer patch()", patch)
        .method("Integer compareTo(Version other)", compare);
    catalogue
        .interface("System.InstallContext")
        .method("Id organizationId()", organization)
        .method("Id installerId()", installer)
        .method("Boolean isUpgrade()", is_upgrade)
        .method("Boolean isPush()", is_push)
        .method("Version previousVersion()", previous);
    catalogue
        .interface("System.InstallHandler")
        .abstract_method("void onInstall(InstallContext context)");
    catalogue
        .interface("System.UninstallContext")
        .method("Id organizationId()", organization)
        .method("Id uninstallerId()", installer);
    catalogue
        .interface("System.UninstallHandler")
        .abstract_method("void onUninstall(UninstallContext context)");
}

fn current(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("Request", Request)
}

/// One id for a transaction, as it is asked for first.
fn request_id(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let id = match &m.request_id {
        Some(id) => std::sync::Arc::clone(id),
        None => format!("4{:020x}", m.host.random()).into(),
    };
    m.request_id = Some(std::sync::Arc::clone(&id));
    Ok(Value::String(id))
}

/// What kind of transaction runs, as far as the machine knows it. In a test asynchronous work keeps its own
/// kind, as a public test (apex-recipes) shows for future methods.
fn quiddity(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let name = match m.job.as_ref().map(|job| job.kind) {
        Some(JobKind::Queueable) => "QUEUEABLE",
        Some(JobKind::Future) => "FUTURE",
        Some(JobKind::Batch) => "BATCH_APEX",
        Some(JobKind::Scheduled) => "SCHEDULED",
        Some(JobKind::Finalizer) => "TRANSACTION_FINALIZER_QUEUEABLE",
        None if m.test.running => "RUNTEST_SYNC",
        None => return Err(m.not_supported("Request.getQuiddity of a synchronous transaction")),
    };
    m.platform_constant("Quiddity", name)
}

fn new_version(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let patch = match arguments.get(2) {
        Some(_) => Some(m.integer(arguments, 2)?),
        None => None,
    };
    let version = Version(m.integer(arguments, 0)?, m.integer(arguments, 1)?, patch);
    m.platform_object("Version", version)
}

fn major(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |v: &mut Version| Value::Integer(v.0))
}

fn minor(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |v: &mut Version| Value::Integer(v.1))
}

fn patch(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |v: &mut Version| v.2.map_or(Value::Null, Value::Integer))
}

/// "If a two-part version is compared to a three-part version, the patch number is ignored."
fn compare(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let own = m.with_state(this, |v: &mut Version| v.clone())?;
    let other = m.with_state(&m.any(arguments, 0), |v: &mut Version| v.clone())?;
    let order = (own.0, own.1)
        .cmp(&(other.0, other.1))
        .then(match (own.2, other.2) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => std::cmp::Ordering::Equal,
        });
    match order {
        std::cmp::Ordering::Equal => Ok(Value::Integer(0)),
        // The guide promises no more than the sign.
        std::cmp::Ordering::Less => Ok(Value::Integer(-1)),
        std::cmp::Ordering::Greater => Ok(Value::Integer(1)),
    }
}

fn organization(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Id(m.host.user().organization))
}

fn installer(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Id(m.host.user().id))
}

fn is_upgrade(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |c: &mut Install| Value::Boolean(!c.previous.is_null()))
}

fn is_push(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |c: &mut Install| Value::Boolean(c.push))
}

fn previous(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |c: &mut Install| c.previous.clone())
}

/// `Test.testInstall`
pub(super) fn test_install(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let handler = m.any(arguments, 0);
    let state = Install {
        previous: m.any(arguments, 1),
        push: matches!(arguments.get(2), Some(Value::Boolean(true))),
    };
    let context = m.platform_object("InstallContext", state)?;
    m.invoke_interface("InstallHandler", "onInstall", &handler, &[context])
}

/// `Test.testUninstall`
pub(super) fn test_uninstall(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let handler = m.any(arguments, 0);
    let context = m.platform_object("UninstallContext", Uninstall)?;
    m.invoke_interface("UninstallHandler", "onUninstall", &handler, &[context])
}
