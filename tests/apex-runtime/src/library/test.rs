//! `Test` (Apex Reference Guide, "Test Class"), as far as it needs no org.

use std::cell::RefCell;
use std::rc::Rc;

use super::declaration::Declarations;
use crate::run::value::{Instance, ObjectClass, Value};
use crate::run::{Machine, Run};
use crate::types::Type;

pub(super) fn declare(library: &mut Declarations) {
    library
        .interface("System.StubProvider")
        .abstract_method("Object handleMethodCall(Object stubbedObject, String stubbedMethodName, Type returnType, List<Type> parameterTypes, List<String> parameterNames, List<Object> arguments)");
    library
        .class("System.Test")
        .method("static Boolean isRunningTest()", is_running)
        .method(
            "static Object createStub(Type type, StubProvider provider)",
            create_stub,
        )
        .method("static void startTest()", start)
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

/// A fresh set of limits, once in a test.
fn start(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    if m.test.started {
        return Err(m.raise("UnexpectedException", "Testing already started"));
    }
    m.test.started = true;
    m.limits.start_test();
    Ok(Value::Null)
}

fn stop(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    if !m.test.started || m.test.stopped {
        return Err(m.raise("UnexpectedException", "Testing not in progress"));
    }
    m.test.stopped = true;
    m.limits.stop_test();
    Ok(Value::Null)
}
