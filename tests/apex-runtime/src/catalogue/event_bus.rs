//! Platform events (Apex Reference Guide, "EventBus Class", "TestBroker Class"; Platform Events Developer Guide,
//! "Test Your Platform Event in Apex"). In a test they wait until `Test.stopTest` or `Test.getEventBus().deliver()`;
//! otherwise the org takes them.

use std::rc::Rc;
use std::sync::Arc;

use super::declaration::Declarations;
use crate::host::DmlOutcome;
use crate::run::dml::several;
use crate::run::limits::Limit;
use crate::run::trigger::{EventDelivery, TriggerEvent};
use crate::run::value::{RecordObject, Value};
use crate::run::{Interrupt, Machine, Run};
use crate::types::Type;

/// How many events a trigger gets at once.
const CHUNK: usize = 2000;

/// How often a trigger gets the same events again.
const RETRIES: u32 = 9;

/// `Test.getEventBus()`
#[derive(Debug)]
struct TestBroker;

/// `EventBus.TriggerContext.currentContext()`
#[derive(Debug)]
struct Context;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.EventBus")
        .method("static Database.SaveResult publish(SObject event)", publish)
        .method(
            "static List<Database.SaveResult> publish(List<SObject> events)",
            publish,
        );
    catalogue.exception("EventBus.RetryableException");
    catalogue
        .class("EventBus.TriggerContext")
        .method("static EventBus.TriggerContext currentContext()", |m, _, _| {
            m.platform_object("EventBus.TriggerContext", Context)
        })
        .property(
            "Integer retries",
            |m, _, _| {
                Ok(Value::Integer(
                    i32::try_from(m.delivery.retries).unwrap_or(i32::MAX),
                ))
            },
            None,
        )
        .property(
            "String lastError",
            |m, _, _| Ok(m.delivery.last_error.clone().map_or(Value::Null, Value::String)),
            None,
        );
    catalogue
        .class("EventBus.TestBroker")
        .method("void deliver()", deliver);
}

/// `Test.getEventBus()`
pub(super) fn test_broker(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.platform_object("EventBus.TestBroker", TestBroker)
}

fn publish(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let given = m.any(arguments, 0);
    if given.is_null() {
        return Err(m.null_argument());
    }
    let many = matches!(given, Value::List(_));
    let mut events = Vec::new();
    for event in several(given) {
        match event {
            Value::Record(record) if record.object.ends_with("__e") => events.push(record),
            Value::Record(record) => {
                return Err(m.not_supported(format!("EventBus.publish of {}", record.object)));
            }
            _ => return Err(m.null_argument()),
        }
    }
    // Events published after commit count as DML, those published at once have a limit of their own
    // (Apex Developer Guide, "Execution Governors and Limits").
    let at_once = events.first().and_then(|event| {
        let object = m.program.schema.object(&event.object);
        object.and_then(|object| object.publishes_immediately)
    });
    match at_once {
        Some(true) => m.count(Limit::PublishImmediate, 1)?,
        Some(false) => m.count(Limit::DmlStatements, 1)?,
        None if events.is_empty() => {}
        None => {
            return Err(m.not_supported("EventBus.publish of an event whose publishBehavior is not known"));
        }
    }
    let (complete, outcomes) = m.complete_events(&events)?;
    if m.test.running {
        m.test.events.extend(complete);
    } else {
        let host = m.host;
        host.publish(m, &complete).map_err(|error| m.from_host(error))?;
    }
    let mut results = Vec::new();
    for outcome in outcomes {
        results.push(m.database_result("Database.SaveResult", outcome)?);
    }
    if many {
        let element = m
            .catalogue
            .find("Database.SaveResult")
            .map_or(Type::Object, Type::platform);
        return Ok(Value::list(element, results));
    }
    Ok(results.into_iter().next().unwrap_or(Value::Null))
}

fn deliver(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    m.deliver_test_events()?;
    Ok(Value::Null)
}

impl Machine<'_> {
    /// Copies of events for their delivery; one that lacks a required field is refused.
    fn complete_events(
        &mut self,
        events: &[Rc<RecordObject>],
    ) -> Run<(Vec<Rc<RecordObject>>, Vec<DmlOutcome>)> {
        let (mut complete, mut outcomes) = (Vec::new(), Vec::new());
        for event in events {
            let schema = Arc::clone(&self.program.schema);
            let Some(described) = schema.object(&event.object) else {
                return Err(self.not_supported(format!("the object {}", event.object)));
            };
            let missing: Vec<String> = described
                .fields
                .iter()
                .filter(|field| field.createable && !field.nillable && field.default_value.is_none())
                .filter(|field| event.fields.borrow().get(&field.name).is_none_or(Value::is_null))
                .map(|field| field.name.to_string())
                .collect();
            if !missing.is_empty() {
                let message = format!("Required fields are missing: [{}]", missing.join(", "));
                outcomes.push(DmlOutcome {
                    errors: vec![("REQUIRED_FIELD_MISSING".into(), message, missing)],
                    ..DmlOutcome::default()
                });
                continue;
            }
            let id = crate::run::long_id("e01xx0000000001").map(Into::into);
            complete.push(self.copy_record(event));
            outcomes.push(DmlOutcome {
                id,
                ..DmlOutcome::default()
            });
        }
        Ok((complete, outcomes))
    }

    /// Whether a trigger asks for its events once more, and with which words.
    pub fn asks_for_retry(&self, interrupt: &Interrupt) -> Option<Arc<str>> {
        match interrupt {
            Interrupt::Exception(exception)
                if self.exception_type_name(exception) == "EventBus.RetryableException" =>
            {
                Some(self.exception_message(exception))
            }
            _ => None,
        }
    }

    /// Runs the triggers of what a test has published, and of what those publish. Events that a trigger asks for once
    /// more wait for the next delivery (Platform Events Developer Guide, "Test Retried Event Triggers").
    pub(crate) fn deliver_test_events(&mut self) -> Run<()> {
        let mut again = Vec::new();
        while !self.test.events.is_empty() {
            let waiting = std::mem::take(&mut self.test.events);
            let mut objects: Vec<Arc<str>> = Vec::new();
            for event in &waiting {
                if !objects.contains(&event.object) {
                    objects.push(Arc::clone(&event.object));
                }
            }
            for object in objects {
                let of_object: Vec<_> = waiting
                    .iter()
                    .filter(|event| event.object == object)
                    .cloned()
                    .collect();
                for chunk in of_object.chunks(CHUNK) {
                    let limits = std::mem::take(&mut self.limits);
                    let written = std::mem::take(&mut self.written);
                    self.delivery = self.test.asked_again.remove(&object).unwrap_or_default();
                    let mark = self.host.savepoint().map_err(|error| self.from_host(error))?;
                    let fired = self.fire(&object, TriggerEvent::AfterInsert, Some(chunk), None);
                    self.limits = limits;
                    self.written = written;
                    let Err(failure) = fired else { continue };
                    let Some(words) = self.asks_for_retry(&failure.interrupt) else {
                        return Err(failure.interrupt);
                    };
                    self.host.rollback(mark).map_err(|error| self.from_host(error))?;
                    let retries = self.delivery.retries + 1;
                    if retries <= RETRIES {
                        let delivery = EventDelivery {
                            retries,
                            last_error: Some(words),
                        };
                        self.test.asked_again.insert(Arc::clone(&object), delivery);
                        again.extend_from_slice(chunk);
                    }
                }
            }
        }
        self.test.events = again;
        Ok(())
    }
}
