//! `Test` (Apex Reference Guide, "Test Class"), as far as it needs no org.

use std::cell::RefCell;
use std::rc::Rc;

use super::declaration::Declarations;
use super::request::{test_install, test_uninstall};
use crate::run::value::{Instance, ObjectClass, Value};
use crate::run::{Machine, Run};
use crate::types::Type;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .interface("System.StubProvider")
        .abstract_method("Object handleMethodCall(Object stubbedObject, String stubbedMethodName, Type returnType, List<Type> parameterTypes, List<String> parameterNames, List<Object> arguments)");
    catalogue
        .class("System.Test")
        .method("static Boolean isRunningTest()", is_running)
        .method(
            "static Object createStub(Type type, StubProvider provider)",
            create_stub,
        )
        .method("static void setMock(Type interface, Object mock)", set_mock)
        .method(
            "static void testInstall(InstallHandler handler, Version previous)",
            test_install,
        )
        .method(
            "static void testInstall(InstallHandler handler, Version previous, Boolean isPush)",
            test_install,
        )
        .method(
            "static void testUninstall(UninstallHandler handler)",
            test_uninstall,
        )
        .method(
            "static EventBus.TestBroker getEventBus()",
            super::event_bus::test_broker,
        )
        .method("static void startTest()", start)
        .method(
            "static void setCurrentPage(PageReference page)",
            super::page::set_current_page,
        )
        .method(
            "static void setCurrentPageReference(PageReference page)",
            super::page::set_current_page,
        )
        .method(
            "static void setFixedSearchResults(List<Id> ids)",
            set_fixed_search_results,
        )
        .method("static void stopTest()", stop);
}

fn is_running(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.test.running))
}

/// An object of the type whose every method the provider answers; no constructor runs.
fn create_stub(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (Some(Value::Type(ty)), Some(provider)) = (arguments.first(), arguments.get(1)) else {
        return Err(m.null_argument());
    };
    let Type::User(class) = &**ty else {
        let name = m.type_name(ty);
        return Err(m.not_supported(format!("Test.createStub of {name}")));
    };
    let slots = m.program.classes.class(*class).instance_slots;
    Ok(Value::Object(Rc::new(Instance {
        class: ObjectClass::User(*class),
        slots: RefCell::new(vec![Value::Null; slots]),
        exception: None,
        stub: Some(provider.clone()),
    })))
}

/// What SOSL finds in this test.
fn set_fixed_search_results(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    m.test.search_results = m.elements(&m.any(arguments, 0))?;
    Ok(Value::Null)
}

/// A fresh set of limits, once in a test.
fn start(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    if m.test.started {
        return Err(m.raise("UnexpectedException", "Testing already started"));
    }
    m.test.started = true;
    m.limits.start_test();
    // What a test inserts before does not keep it from calling out (Apex Developer Guide, "Performing DML
    // Operations and Mock Callouts").
    m.uncommitted = Default::default();
    Ok(Value::Null)
}

fn stop(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    if !m.test.started || m.test.stopped {
        return Err(m.raise("UnexpectedException", "Testing not in progress"));
    }
    m.test.stopped = true;
    let result = m.run_test_jobs();
    m.limits.stop_test();
    result?;
    m.deliver_test_events()?;
    Ok(Value::Null)
}

/// The object answers in place of the network.
fn set_mock(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let Some(Value::Type(ty)) = arguments.first() else {
        return Err(m.null_argument());
    };
    let name = m.type_name(ty);
    let name = name.strip_prefix("System.").unwrap_or(&name);
    if name != "HttpCalloutMock" {
        return Err(m.not_supported(format!("Test.setMock of {name}")));
    }
    let mock = m.any(arguments, 1);
    if mock.is_null() {
        return Err(m.null_argument());
    }
    m.test.mocks.push((name.into(), mock));
    Ok(Value::Null)
}
