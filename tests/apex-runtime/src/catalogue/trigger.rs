//! `Trigger` (Apex Developer Guide, "Trigger Context Variables"). Inside a trigger the compiler knows the
//! object; in a class that a trigger calls the records are SObjects.

use super::declaration::Declarations;
use crate::run::trigger::{TriggerContext, TriggerEvent};
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration(
        "System.TriggerOperation",
        &[
            "BEFORE_INSERT",
            "BEFORE_UPDATE",
            "BEFORE_DELETE",
            "AFTER_INSERT",
            "AFTER_UPDATE",
            "AFTER_DELETE",
            "AFTER_UNDELETE",
        ],
    );
    catalogue
        .class("System.Trigger")
        .property("static Boolean isExecuting", is_executing, None)
        .property("static Boolean isInsert", is_insert, None)
        .property("static Boolean isUpdate", is_update, None)
        .property("static Boolean isDelete", is_delete, None)
        .property("static Boolean isUndelete", is_undelete, None)
        .property("static Boolean isBefore", is_before, None)
        .property("static Boolean isAfter", is_after, None)
        .property("static List<SObject> new", new_list, None)
        .property("static Map<Id, SObject> newMap", new_map, None)
        .property("static List<SObject> old", old_list, None)
        .property("static Map<Id, SObject> oldMap", old_map, None)
        .property("static TriggerOperation operationType", operation, None)
        .property("static Integer size", size, None);
}

fn is_executing(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(!m.triggers.is_empty()))
}

fn is_event(m: &Machine<'_>, test: impl Fn(TriggerEvent) -> bool) -> Run<Value> {
    Ok(Value::Boolean(m.triggers.last().is_some_and(|c| test(c.event))))
}

fn is_insert(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    is_event(m, |e| {
        matches!(e, TriggerEvent::BeforeInsert | TriggerEvent::AfterInsert)
    })
}

fn is_update(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    is_event(m, |e| {
        matches!(e, TriggerEvent::BeforeUpdate | TriggerEvent::AfterUpdate)
    })
}

fn is_delete(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    is_event(m, |e| {
        matches!(e, TriggerEvent::BeforeDelete | TriggerEvent::AfterDelete)
    })
}

fn is_undelete(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    is_event(m, |e| e == TriggerEvent::AfterUndelete)
}

fn is_before(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    is_event(m, TriggerEvent::is_before)
}

fn is_after(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    is_event(m, |e| !e.is_before())
}

fn of_context(m: &Machine<'_>, part: impl Fn(&TriggerContext) -> Value) -> Run<Value> {
    Ok(m.triggers.last().map_or(Value::Null, |context| part(context)))
}

fn new_list(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    of_context(m, |c| c.new.clone())
}

fn new_map(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    of_context(m, |c| c.new_map.clone())
}

fn old_list(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    of_context(m, |c| c.old.clone())
}

fn old_map(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    of_context(m, |c| c.old_map.clone())
}

fn operation(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    match m.triggers.last().map(|c| c.event.operation()) {
        Some(name) => m.platform_constant("System.TriggerOperation", &name),
        None => Ok(Value::Null),
    }
}

fn size(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(match m.triggers.last() {
        Some(context) => m.count_of(context.size),
        None => Value::Null,
    })
}
