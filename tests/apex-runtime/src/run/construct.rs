//! `new` of the program's classes: the initialisers of all its classes, superclass first, then the constructors. A
//! virtual method that a superclass's constructor calls finds the subclass's fields initialised, as a public test
//! (fflib_SObjectUnitOfWorkTest.DerivedUnitOfWork) shows.

use std::cell::RefCell;
use std::rc::Rc;

use super::value::{ExceptionState, Instance, ObjectClass, Value};
use super::{Frame, Machine, Run};
use crate::compile::ir::ConstructorTarget;
use crate::types::ClassId;

impl Machine<'_> {
    /// Makes an object and runs its constructor.
    pub(crate) fn construct(
        &mut self,
        class: ClassId,
        target: ConstructorTarget,
        arguments: Vec<Value>,
    ) -> Run<Value> {
        self.initialize(class)?;
        let program = self.program;
        let is_exception = program.classes.platform_base(class).is_some();
        let state = is_exception.then(|| {
            RefCell::new(ExceptionState {
                message: None,
                cause: None,
                client_message: None,
                made_by_apex: true,
                trace: self.trace(),
                rows: Vec::new(),
            })
        });
        let object = Rc::new(Instance {
            class: ObjectClass::User(class),
            slots: RefCell::new(vec![Value::Null; program.classes.class(class).instance_slots]),
            exception: state,
            stub: None,
        });
        for ancestor in program.classes.lineage(class).into_iter().rev() {
            self.initialize_fields(ancestor, &object)?;
        }
        self.construct_part(target, &object, arguments)?;
        Ok(Value::Object(object))
    }

    fn construct_part(
        &mut self,
        target: ConstructorTarget,
        object: &Rc<Instance>,
        arguments: Vec<Value>,
    ) -> Run<()> {
        let program = self.program;
        let (class, method) = match target {
            ConstructorTarget::Written(class, method) => (class, method),
            ConstructorTarget::Implicit(class) => {
                return self.construct_super(class, object);
            }
            ConstructorTarget::Exception => {
                self.fill_exception(object, arguments);
                return Ok(());
            }
        };
        let Some(body) = program.bodies.get(method.0).and_then(Option::as_ref) else {
            return Ok(());
        };
        self.enter(class, Some(method))?;
        let mut locals = arguments;
        locals.resize(body.slots.max(locals.len()), Value::Null);
        let mut frame = Frame {
            locals,
            this: Value::Object(Rc::clone(object)),
        };
        let mut run = || -> Run<()> {
            if let Some(chained) = &body.chained {
                self.step(chained.line)?;
                let mut values = Vec::with_capacity(chained.arguments.len());
                for argument in &chained.arguments {
                    values.push(self.evaluate(&mut frame, argument)?);
                }
                let of = if chained.same_class {
                    Some(class)
                } else {
                    program.classes.superclass(class)
                };
                match (chained.target, of) {
                    (ConstructorTarget::Exception, None) => self.fill_exception(object, values),
                    (ConstructorTarget::Implicit(own), None) if own == class => {}
                    (target, _) => self.construct_part(target, object, values)?,
                }
            }
            self.statements(&mut frame, &body.statements).map(|_| ())
        };
        let result = run();
        self.calls.pop();
        result
    }

    /// The superclass's constructor without parameters.
    fn construct_super(&mut self, class: ClassId, object: &Rc<Instance>) -> Run<()> {
        let classes = &self.program.classes;
        let Some(superclass) = classes.superclass(class) else {
            return Ok(());
        };
        let written = classes
            .class(superclass)
            .constructors
            .iter()
            .find(|c| classes.method(**c).parameters.is_empty())
            .map_or(ConstructorTarget::Implicit(superclass), |c| {
                ConstructorTarget::Written(superclass, *c)
            });
        self.construct_part(written, object, Vec::new())
    }

    fn initialize_fields(&mut self, class: ClassId, object: &Rc<Instance>) -> Run<()> {
        let program = self.program;
        let Some(code) = program.code.get(class.0) else {
            return Ok(());
        };
        if code.instances.statements.is_empty() {
            return Ok(());
        }
        self.enter(class, None)?;
        let mut frame = Frame {
            locals: vec![Value::Null; code.instances.slots],
            this: Value::Object(Rc::clone(object)),
        };
        let result = self.statements(&mut frame, &code.instances.statements);
        self.calls.pop();
        result.map(|_| ())
    }

    /// Message and cause, told apart by their types.
    pub(crate) fn fill_exception(&self, object: &Instance, arguments: Vec<Value>) {
        let Some(state) = &object.exception else { return };
        let mut state = state.borrow_mut();
        state.made_by_apex = true;
        for argument in arguments {
            match argument {
                Value::String(message) => state.message = Some(message),
                Value::Object(_) => state.cause = Some(argument),
                _ => {}
            }
        }
    }
}
