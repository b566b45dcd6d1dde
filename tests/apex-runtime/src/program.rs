//! A compiled program and what can be done with it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::catalogue::{Catalogue, PlatformMethodId};
use crate::compile::ir::Body;
use crate::compile::{self};
use crate::error::{CompileError, Unsupported};
use crate::host::Host;
use crate::outcome::{Failure, TestFilter, TestRun};
use crate::run::value::Value;
use crate::run::{Interrupt, Machine, STEP_CEILING};
use crate::schema::Schema;
use crate::types::{ClassId, ClassTable, Hierarchy, MethodId};

/// A file of Apex.
#[derive(Debug, Clone)]
pub struct Source {
    /// The class or trigger, without extension.
    pub name: String,
    /// The text.
    pub text: String,
    /// What it holds.
    pub kind: SourceKind,
    /// The version of the API it was saved with, the whole number of `<apiVersion>`.
    pub api_version: u32,
}

/// The API version of sources that name none: Winter '27.
pub const CURRENT_API_VERSION: u32 = 68;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// `.cls`
    Class,
    /// `.trigger`
    Trigger,
    /// Statements.
    Anonymous,
}

impl Source {
    /// A class file.
    pub fn class(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            kind: SourceKind::Class,
            api_version: CURRENT_API_VERSION,
        }
    }

    /// A trigger file.
    pub fn trigger(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
            kind: SourceKind::Trigger,
            api_version: CURRENT_API_VERSION,
        }
    }

    /// The same, saved with another version of the API.
    #[must_use]
    pub fn with_api_version(self, api_version: u32) -> Self {
        Self { api_version, ..self }
    }
}

/// A method that is declared somewhere above the class that implements it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MethodRef {
    /// Of the program.
    User(MethodId),
    /// Of the platform: an interface's, or `Object`'s.
    Platform(PlatformMethodId),
}

/// For every inherited method of a class, what implements it.
pub type VirtualTable = HashMap<MethodRef, MethodId>;

/// Initialisers of a class.
#[derive(Debug, Clone, Default)]
pub struct ClassCode {
    /// Of the class.
    pub statics: Body,
    /// Of each instance.
    pub instances: Body,
}

/// A trigger.
#[derive(Debug, Clone)]
pub struct Trigger {
    /// Its name.
    pub name: Arc<str>,
    /// The sObject it is on.
    pub object: Arc<str>,
    /// `before insert`, …
    pub events: Vec<String>,
    /// The hidden class that holds its methods.
    pub class: ClassId,
    /// Its body.
    pub method: MethodId,
}

/// For every file the files whose classes it names.
pub(crate) type References = HashMap<Arc<str>, BTreeSet<Arc<str>>>;

/// A compiled program.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its classes.
    pub classes: ClassTable,
    /// The sObjects it was compiled against.
    pub schema: Arc<Schema>,
    /// Its triggers.
    pub triggers: Vec<Trigger>,
    /// What it names that the runtime refuses.
    pub unsupported: Vec<Unsupported>,
    /// Executable lines by file.
    pub lines: HashMap<Arc<str>, BTreeSet<u32>>,
    pub(crate) references: References,
    /// API versions by file, where they are not the current one.
    pub(crate) versions: HashMap<Arc<str>, u32>,
    /// Statements and loop turns after which a transaction counts as endless.
    pub(crate) most_steps: u64,
    pub(crate) bodies: Vec<Option<Arc<Body>>>,
    pub(crate) code: Vec<Arc<ClassCode>>,
    pub(crate) vtables: Vec<VirtualTable>,
}

impl Program {
    pub(crate) fn empty(schema: Arc<Schema>) -> Self {
        Self {
            classes: ClassTable::default(),
            schema,
            triggers: Vec::new(),
            unsupported: Vec::new(),
            lines: HashMap::new(),
            references: References::new(),
            versions: HashMap::new(),
            most_steps: STEP_CEILING,
            bodies: Vec::new(),
            code: Vec::new(),
            vtables: Vec::new(),
        }
    }

    /// Compiles sources against the sObjects of an org.
    pub fn compile(sources: &[Source], schema: &Arc<Schema>) -> Result<Self, Vec<CompileError>> {
        compile::compile(sources, schema)
    }

    /// The same, but a transaction of more statements and loop turns than these counts as endless.
    #[must_use]
    pub fn with_most_steps(self, most_steps: u64) -> Self {
        Self { most_steps, ..self }
    }

    pub(crate) fn hierarchy(&self) -> Hierarchy<'_> {
        Hierarchy {
            classes: &self.classes,
            catalogue: Catalogue::standard(),
        }
    }

    /// The top-level classes that a top-level class names, those that these name, and so on; in lower case, without
    /// the class itself.
    pub fn classes_named_by(&self, class: &str) -> BTreeSet<String> {
        let file = |class: ClassId| &self.classes.class(class).file;
        let mut reached = BTreeSet::new();
        let mut open: Vec<_> = self
            .classes
            .by_qualified_name(class)
            .map(file)
            .into_iter()
            .collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(self.references.get(next).into_iter().flatten());
            }
        }
        let top_level = self.classes.all().filter(|(_, known)| known.outer.is_none());
        let named = top_level.filter(|(_, known)| reached.contains(&known.file));
        let names = named.map(|(_, known)| known.name.to_ascii_lowercase());
        names.filter(|name| !name.eq_ignore_ascii_case(class)).collect()
    }

    /// The triggers on an object that run at an event (`before insert`), in the order of their names:
    /// Salesforce promises no order.
    pub fn triggers_for(&self, object: &str, event: &str) -> Vec<&Trigger> {
        let mut found: Vec<_> = self
            .triggers
            .iter()
            .filter(|t| t.object.eq_ignore_ascii_case(object) && t.events.iter().any(|e| e == event))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Runs test methods, each in a transaction of its own.
    pub fn run_tests(&self, host: &dyn Host, filter: &TestFilter) -> TestRun {
        crate::outcome::run_tests(self, host, filter)
    }

    /// Compiles and runs statements.
    pub fn execute_anonymous(&self, host: &dyn Host, text: &str) -> Result<(), AnonymousError> {
        let (program, method) = compile::compile_anonymous(self, text).map_err(AnonymousError::Compile)?;
        let mut machine = Machine::new(&program, host);
        match machine.invoke(method, Value::Null, Vec::new()) {
            Ok(_) => Ok(()),
            Err(interrupt) => Err(AnonymousError::Run(Failure::of(&machine, &interrupt))),
        }
    }

    /// Calls a static method by name in a transaction of the caller's.
    pub fn invoke(
        &self,
        machine: &mut Machine<'_>,
        class: &str,
        method: &str,
        arguments: Vec<Value>,
    ) -> Result<Value, InvokeError> {
        let id = self
            .classes
            .by_qualified_name(class)
            .ok_or(InvokeError::NoSuchMethod)?;
        let found = self.classes.class(id).methods.iter().copied().find(|m| {
            let m = self.classes.method(*m);
            m.is_static && m.name.eq_ignore_ascii_case(method) && m.parameters.len() == arguments.len()
        });
        let method = found.ok_or(InvokeError::NoSuchMethod)?;
        machine
            .invoke(method, Value::Null, arguments)
            .map_err(InvokeError::Interrupted)
    }
}

/// Why anonymous statements did not end well.
#[derive(Debug, Clone)]
pub enum AnonymousError {
    /// They do not compile.
    Compile(Vec<CompileError>),
    /// They failed.
    Run(Failure),
}

/// Why a call from outside failed.
#[derive(Debug, Clone)]
pub enum InvokeError {
    /// No static method of that name and number of parameters.
    NoSuchMethod,
    /// It ended before its end.
    Interrupted(Interrupt),
}
