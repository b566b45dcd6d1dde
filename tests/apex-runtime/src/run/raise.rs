//! Exceptions and fatal ends.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::value::{ExceptionState, Instance, ObjectClass, TraceLine, Value};
use super::{Fatal, FatalKind, Interrupt, Machine};
use crate::catalogue::PlatformMethodId;
use crate::host::HostError;
use crate::types::PlatformId;

/// The message of a method called on null.
pub(crate) const NULL_POINTER: &str = "Attempt to de-reference a null object";

impl Machine<'_> {
    /// An exception of the platform, by name: `"DmlException"`.
    pub fn raise(&self, class: &str, message: impl Into<Arc<str>>) -> Interrupt {
        match self.catalogue.find(class) {
            Some(id) => Interrupt::Exception(self.exception(id, Some(message.into()), None)),
            None => self.not_supported(format!("System.{class}: {}", message.into())),
        }
    }

    /// `System.NullPointerException`
    pub fn null_pointer(&self) -> Interrupt {
        self.raise("NullPointerException", NULL_POINTER)
    }

    /// An exception object of the platform, with the stack as it is now.
    pub fn exception(
        &self,
        class: PlatformId,
        message: Option<Arc<str>>,
        cause: Option<Value>,
    ) -> Rc<Instance> {
        let state = ExceptionState {
            message,
            cause,
            client_message: None,
            made_by_apex: false,
            trace: self.trace(),
            rows: Vec::new(),
        };
        Rc::new(Instance {
            class: ObjectClass::Exception(class),
            slots: RefCell::default(),
            exception: Some(RefCell::new(state)),
            stub: None,
        })
    }

    /// Stops the transaction: the runtime does not support this.
    pub fn not_supported(&self, what: impl AsRef<str>) -> Interrupt {
        let trace = self.trace();
        let place = trace
            .first()
            .map(|t| format!(", {}:{}", t.file, t.line))
            .unwrap_or_default();
        let message = format!("not supported: {}{place}", what.as_ref());
        Interrupt::Fatal(Box::new(Fatal {
            kind: FatalKind::NotSupported,
            message,
            trace,
        }))
    }

    /// Stops the transaction: a governor limit.
    pub fn limit_exceeded(&self, message: &str) -> Interrupt {
        let message = format!("System.LimitException: {message}");
        Interrupt::Fatal(Box::new(Fatal {
            kind: FatalKind::Limit,
            message,
            trace: self.trace(),
        }))
    }

    /// Stops the transaction: an assertion failed.
    pub fn assertion_failed(&self, message: &str) -> Interrupt {
        let message = format!("System.AssertException: {message}");
        Interrupt::Fatal(Box::new(Fatal {
            kind: FatalKind::Assertion,
            message,
            trace: self.trace(),
        }))
    }

    /// A method called on null. Those of a Blob say so in other words, as a public test (apex-recipes) relies on.
    pub(super) fn null_receiver(&self, method: PlatformMethodId) -> Interrupt {
        match &*self.catalogue.class(self.catalogue.method(method).class).name {
            "Blob" => self.null_argument(),
            _ => self.null_pointer(),
        }
    }

    /// What the org refused with.
    pub fn from_host(&self, error: HostError) -> Interrupt {
        match error {
            HostError::NotSupported(what) => self.not_supported(what),
            HostError::Exception(class, message) => self.raise(&class, message),
            HostError::Interrupted(interrupt) => interrupt,
        }
    }

    /// Counts against a governor limit.
    pub fn count(&mut self, limit: super::limits::Limit, amount: usize) -> super::Run<()> {
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        match self.limits.count(limit, amount) {
            Ok(()) => Ok(()),
            Err(message) => Err(self.limit_exceeded(&message)),
        }
    }

    /// The stack, innermost first.
    pub fn trace(&self) -> Vec<TraceLine> {
        let classes = &self.program.classes;
        self.calls
            .iter()
            .rev()
            .map(|call| {
                let class = classes.class(call.class);
                let hidden = class.simple_name.starts_with(' ');
                let method = call.method.map(|m| Arc::clone(&classes.method(m).name));
                let place = match method {
                    Some(name) if hidden && name.is_empty() => class.name.to_string(),
                    Some(name) if hidden => format!("{}.{name}", class.name),
                    Some(name) => format!("Class.{}.{name}", class.name),
                    None if call.is_static => format!("Class.{}.<clinit>", class.name),
                    None => format!("Class.{}.<init>", class.name),
                };
                TraceLine {
                    place,
                    file: Arc::clone(&class.file),
                    line: call.line,
                }
            })
            .collect()
    }

    /// `System.NullPointerException`, `Outer.MyException`
    pub fn exception_type_name(&self, instance: &Instance) -> String {
        match instance.class {
            ObjectClass::User(id) => self.program.classes.class(id).name.to_string(),
            ObjectClass::Exception(id) => self.catalogue.class(id).qualified_name(),
        }
    }

    /// The message, with the words Apex gives to exceptions without one.
    pub fn exception_message(&self, instance: &Instance) -> Arc<str> {
        let given = instance
            .exception
            .as_ref()
            .and_then(|state| state.borrow().message.clone());
        given.unwrap_or_else(|| Arc::from("Script-thrown exception"))
    }
}
