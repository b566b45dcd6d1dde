//! Calls of methods, of the program and of the platform.

use std::rc::Rc;
use std::sync::Arc;

use super::value::{ObjectClass, Value};
use super::{Call, Frame, MAXIMUM_DEPTH, Machine, Run};
use crate::catalogue::PlatformMethodId;
use crate::program::MethodRef;
use crate::run::execute::Flow;
use crate::types::{ClassId, MethodId, Type};

/// Below this much stack a new piece is taken: Apex allows a thousand nested calls.
const RED_ZONE: usize = 256 * 1024;
const STACK_PIECE: usize = 8 * 1024 * 1024;

impl Machine<'_> {
    /// Calls a method of the program as it is, without looking for an override; one with `@future` later.
    pub fn invoke(&mut self, method: MethodId, this: Value, arguments: Vec<Value>) -> Run<Value> {
        if self
            .program
            .classes
            .method(method)
            .modifiers
            .annotation("future")
            .is_some()
        {
            return self.call_future(method, arguments);
        }
        self.run_method(method, this, arguments)
    }

    pub(super) fn run_method(&mut self, method: MethodId, this: Value, arguments: Vec<Value>) -> Run<Value> {
        let program = self.program;
        let declared = program.classes.method(method);
        self.initialize(declared.class)?;
        let Some(body) = program.bodies.get(method.0).and_then(Option::as_ref) else {
            return Err(self.not_supported(format!("the abstract method {}", declared.name)));
        };
        self.enter(declared.class, Some(method))?;
        let class = program.classes.class(declared.class);
        if let Err(error) = self.host.before_method(&class.name, &declared.name) {
            let interrupt = self.from_host(error);
            self.calls.pop();
            return Err(interrupt);
        }
        let mut locals = arguments;
        locals.resize(body.slots.max(locals.len()), Value::Null);
        let mut frame = Frame { locals, this };
        let result = stacker::maybe_grow(RED_ZONE, STACK_PIECE, || {
            self.statements(&mut frame, &body.statements)
        });
        self.calls.pop();
        match result? {
            Flow::Return(value) => Ok(value),
            _ => Ok(Value::Null),
        }
    }

    pub(super) fn enter(&mut self, class: ClassId, method: Option<MethodId>) -> Run<()> {
        if self.calls.len() >= MAXIMUM_DEPTH {
            return Err(self.limit_exceeded("Maximum stack depth reached: 1001"));
        }
        self.calls.push(Call {
            class,
            method,
            is_static: false,
            line: 0,
        });
        Ok(())
    }

    /// Calls the method that the object's own class has for a declared one.
    pub fn invoke_virtual(&mut self, method: MethodId, this: Value, arguments: Vec<Value>) -> Run<Value> {
        let target = match &this {
            Value::Null => return Err(self.null_pointer()),
            Value::Object(object) if object.stub.is_some() => {
                let provider = object.stub.clone().unwrap_or(Value::Null);
                return self.invoke_stub(method, &this, &provider, arguments);
            }
            Value::Object(object) => match object.class {
                ObjectClass::User(class) => self
                    .virtual_method(class, MethodRef::User(method))
                    .unwrap_or(method),
                ObjectClass::Exception(_) => method,
            },
            _ => method,
        };
        self.invoke(target, this, arguments)
    }

    /// Asks the StubProvider instead of the method.
    fn invoke_stub(
        &mut self,
        method: MethodId,
        this: &Value,
        provider: &Value,
        arguments: Vec<Value>,
    ) -> Run<Value> {
        let declared = self.program.classes.method(method);
        if declared.name.starts_with("__sfdc_") {
            return Err(self.not_supported("properties of stubbed objects"));
        }
        let system_type = self
            .catalogue
            .find("System.Type")
            .map_or(Type::Object, Type::platform);
        let types = declared
            .parameters
            .iter()
            .map(|p| Value::Type(Rc::new(p.ty.clone())))
            .collect();
        let names = declared
            .parameters
            .iter()
            .map(|p| Value::String(Arc::clone(&p.name)))
            .collect();
        let passed = [
            this.clone(),
            Value::String(Arc::clone(&declared.name)),
            Value::Type(Rc::new(declared.returns.clone())),
            Value::list(system_type, types),
            Value::list(Type::String, names),
            Value::list(Type::Object, arguments),
        ];
        let answer = self.invoke_interface("StubProvider", "handleMethodCall", provider, &passed)?;
        if declared.returns == Type::Void {
            Ok(Value::Null)
        } else {
            self.cast(answer, &declared.returns)
        }
    }

    fn virtual_method(&self, class: ClassId, declared: MethodRef) -> Option<MethodId> {
        self.program.vtables.get(class.0)?.get(&declared).copied()
    }

    /// Calls a method of the platform; a class of the program may implement or override it.
    pub fn invoke_platform(
        &mut self,
        method: PlatformMethodId,
        this: &Value,
        arguments: &[Value],
    ) -> Run<Value> {
        if let Value::Object(object) = this
            && let ObjectClass::User(class) = object.class
            && let Some(written) = self.virtual_method(class, MethodRef::Platform(method))
        {
            return self.invoke(written, Value::Object(Rc::clone(object)), arguments.to_vec());
        }
        let declared = self.catalogue.method(method);
        // An object of the platform may implement the interface that the call names.
        if let Value::Native(native) = this
            && let Some((id, _)) = self.catalogue.members(&native.ty)
            && id != declared.class
            && let Some(own) = self
                .catalogue
                .class(id)
                .methods
                .get(&declared.name.to_ascii_lowercase())
            && let Some(function) = own.iter().find_map(|own| {
                let own = self.catalogue.method(*own);
                own.function.filter(|_| own.parameters.len() == arguments.len())
            })
        {
            return function(self, this, arguments);
        }
        match declared.function {
            Some(function) => function(self, this, arguments),
            None => {
                let class = self.catalogue.class(declared.class).display_name();
                Err(self.not_supported(format!("{class}.{} on this object", declared.name)))
            }
        }
    }

    /// Calls a method by the platform interface that declares it: `("Comparable", "compareTo")`.
    pub fn invoke_interface(
        &mut self,
        interface: &str,
        method: &str,
        this: &Value,
        arguments: &[Value],
    ) -> Run<Value> {
        let found = self.catalogue.find(interface).and_then(|id| {
            self.catalogue
                .class(id)
                .methods
                .get(&method.to_ascii_lowercase())?
                .first()
                .copied()
        });
        match found {
            Some(id) => self.invoke_platform(id, this, arguments),
            None => Err(self.not_supported(format!("{interface}.{method}"))),
        }
    }

    /// Whether a class of the program wrote a method of `Object` itself: `equals`, `hashCode`, `toString`.
    pub(crate) fn written_object_method(&self, class: ClassId, name: &str) -> Option<MethodId> {
        let object = self.catalogue.find("Object")?;
        let methods = self
            .catalogue
            .class(object)
            .methods
            .get(&name.to_ascii_lowercase())?;
        methods
            .iter()
            .find_map(|method| self.virtual_method(class, MethodRef::Platform(*method)))
    }
}
