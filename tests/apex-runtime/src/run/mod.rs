//! The machine: runs a program's IR for one transaction.

mod batch;
mod cast;
mod collection;
mod compare;
mod construct;
pub mod decimal;
pub mod dml;
mod effects;
mod evaluate;
mod execute;
pub mod frozen;
pub mod hash_table;
mod invoke;
pub mod jobs;
pub mod limits;
pub(crate) mod metadata_query;
pub mod mixed;
mod operate;
pub mod outside;
pub mod page;
mod place;
mod raise;
mod sharing;
pub mod text;
pub mod trigger;
pub mod value;
mod weight;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

pub use compare::long_id;
pub use effects::TestState;
pub use jobs::RunningJob;
pub use trigger::EventDelivery;

use crate::catalogue::Catalogue;
use crate::catalogue::page::PageState;
use crate::catalogue::rest::RestState;
use crate::host::{CpuPace, Host};
use crate::program::Program;
use crate::types::{ClassId, MethodId, Type};
use limits::Limits;
use value::{Instance, TraceLine, Value};

/// Why evaluation stopped before its end.
#[derive(Debug, Clone)]
pub enum Interrupt {
    /// An exception that a `catch` may see.
    Exception(Rc<Instance>),
    /// Nothing catches this.
    Fatal(Box<Fatal>),
    /// A receiver left of `?.` was null: the chain around it is null.
    NullChain,
}

/// What no `catch` sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fatal {
    /// Which kind.
    pub kind: FatalKind,
    /// In words.
    pub message: String,
    /// Where.
    pub trace: Vec<TraceLine>,
}

/// The kinds of fatal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FatalKind {
    /// The runtime does not support what was reached.
    NotSupported,
    /// A governor limit.
    Limit,
    /// `System.assert*` failed, which Apex code cannot catch.
    Assertion,
}

/// What evaluation yields.
pub type Run<T> = Result<T, Interrupt>;

/// Method calls may nest this deep (Apex: "Maximum stack depth reached: 1001").
const MAXIMUM_DEPTH: usize = 1000;

/// Statements and loop turns after which a transaction counts as endless. Salesforce counts CPU time, which
/// is not claimed here.
pub(crate) const STEP_CEILING: u64 = 200_000_000;

/// A body in execution.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) class: ClassId,
    pub(crate) method: Option<MethodId>,
    /// A static initialiser, where there is no method.
    pub(crate) is_static: bool,
    pub(crate) line: u32,
}

/// The local state of a body.
pub(crate) struct Frame {
    pub(crate) locals: Vec<Value>,
    pub(crate) this: Value,
}

/// Runs one transaction: its statics, limits and coverage live as long as it does.
pub struct Machine<'a> {
    /// The program.
    pub program: &'a Program,
    /// The org.
    pub host: &'a dyn Host,
    /// The platform's classes.
    pub catalogue: &'static Catalogue,
    /// Governor limits.
    pub limits: Limits,
    /// What `Test` methods have set.
    pub test: TestState,
    /// What `RestContext` holds.
    pub rest: RestState,
    /// The asynchronous work that this transaction is, where it is one.
    pub job: Option<RunningJob>,
    /// What is not committed yet.
    pub uncommitted: dml::Uncommitted,
    /// What is known of the page that runs it.
    pub page: PageState,
    /// Which delivery of platform events their triggers are at.
    pub delivery: EventDelivery,
    /// Which kinds of objects were written.
    pub(crate) written: mixed::Written,
    /// Platform Cache of a test, by partition and key.
    pub(crate) cache: HashMap<(Arc<str>, Arc<str>), Value>,
    /// The child relationships of objects that a program has asked for: the same ones each time.
    pub(crate) child_describes: HashMap<Arc<str>, Value>,
    /// The id of the request, once a program has asked for it.
    pub(crate) request_id: Option<Arc<str>>,
    /// What the dynamic query that is being called binds from the scope around it.
    pub(crate) scope_binds: Vec<(Arc<str>, Value)>,
    pub(crate) triggers: Vec<Rc<trigger::TriggerContext>>,
    pub(crate) calls: Vec<Call>,
    statics: Vec<Option<Vec<Value>>>,
    covered: Vec<Vec<u64>>,
    steps: u64,
    pace: CpuPace,
}

impl<'a> Machine<'a> {
    /// A fresh transaction.
    pub fn new(program: &'a Program, host: &'a dyn Host) -> Self {
        let classes = program.code.len();
        Self {
            program,
            host,
            catalogue: Catalogue::standard(),
            limits: Limits::default(),
            test: TestState::default(),
            rest: RestState::default(),
            job: None,
            uncommitted: dml::Uncommitted::default(),
            page: PageState::default(),
            delivery: EventDelivery::default(),
            written: mixed::Written::default(),
            cache: HashMap::new(),
            child_describes: HashMap::new(),
            request_id: None,
            scope_binds: Vec::new(),
            triggers: Vec::new(),
            calls: Vec::new(),
            statics: vec![None; classes],
            covered: vec![Vec::new(); classes],
            steps: 0,
            pace: host.cpu_pace(),
        }
    }

    /// Forgets statics, as the next transaction finds them.
    pub fn reset_statics(&mut self) {
        self.statics.fill(None);
    }

    pub(crate) fn at(&mut self, line: u32) {
        if let Some(call) = self.calls.last_mut() {
            call.line = line;
        }
    }

    /// Counts a statement, marks its line as covered.
    pub(crate) fn step(&mut self, line: u32) -> Run<()> {
        self.steps += 1;
        if self.steps > self.program.most_steps || (self.pace.stops && self.cpu_estimate() > self.most_cpu())
        {
            return Err(self.limit_exceeded("Apex CPU time limit exceeded"));
        }
        let Some(call) = self.calls.last_mut() else {
            return Ok(());
        };
        call.line = line;
        if let Some(bits) = self.covered.get_mut(call.class.0) {
            let (word, bit) = (usize::try_from(line / 64).unwrap_or(0), line % 64);
            if bits.len() <= word {
                bits.resize(word + 1, 0);
            }
            if let Some(word) = bits.get_mut(word) {
                *word |= 1 << bit;
            }
        }
        Ok(())
    }

    /// Milliseconds, by the statements that ran.
    pub(crate) fn cpu_estimate(&self) -> u32 {
        let pace = u64::from(self.pace.per_millisecond).max(1);
        u32::try_from(self.steps / pace).unwrap_or(u32::MAX)
    }

    /// Milliseconds that a transaction may take.
    pub(crate) fn most_cpu(&self) -> u32 {
        if self.limits.asynchronous { 60_000 } else { 10_000 }
    }

    /// Bytes that static variables hold.
    pub(crate) fn heap_estimate(&self) -> u32 {
        let mut seen = HashSet::new();
        let bytes = self
            .statics
            .iter()
            .flatten()
            .flatten()
            .map(|value| value.weight(&mut seen))
            .sum::<usize>();
        u32::try_from(bytes).unwrap_or(u32::MAX)
    }

    /// The lines that ran, by file.
    pub fn covered_lines(&self) -> Vec<(Arc<str>, u32)> {
        let mut lines = Vec::new();
        for (id, class) in self.program.classes.all() {
            let Some(bits) = self.covered.get(id.0) else {
                continue;
            };
            for (index, word) in bits.iter().enumerate() {
                let base = u32::try_from(index).unwrap_or(0) * 64;
                lines.extend(
                    (0..64)
                        .filter(|bit| word & (1 << bit) != 0)
                        .map(|bit| (Arc::clone(&class.file), base + bit)),
                );
            }
        }
        lines
    }

    /// The name by which Apex speaks of a type.
    pub fn type_name(&self, ty: &Type) -> String {
        crate::compile::type_name(&self.program.classes, self.catalogue, ty)
    }

    /// The line that runs.
    pub fn line(&self) -> u32 {
        self.calls.last().map_or(0, |call| call.line)
    }

    /// Static fields of a class, initialised on first use.
    pub(crate) fn static_slot(&mut self, class: ClassId, slot: usize) -> Run<Value> {
        self.initialize(class)?;
        let values = self.statics.get(class.0).and_then(Option::as_ref);
        Ok(values
            .and_then(|values| values.get(slot))
            .cloned()
            .unwrap_or(Value::Null))
    }

    pub(crate) fn set_static_slot(&mut self, class: ClassId, slot: usize, value: Value) -> Run<()> {
        self.initialize(class)?;
        if let Some(place) = self
            .statics
            .get_mut(class.0)
            .and_then(Option::as_mut)
            .and_then(|values| values.get_mut(slot))
        {
            *place = value;
        }
        Ok(())
    }

    /// Runs the static initialisers of a class once in a transaction.
    pub(crate) fn initialize(&mut self, class: ClassId) -> Run<()> {
        let Some(place @ None) = self.statics.get_mut(class.0) else {
            return Ok(());
        };
        let program = self.program;
        *place = Some(vec![Value::Null; program.classes.class(class).static_slots]);
        if let Some(superclass) = program.classes.superclass(class) {
            self.initialize(superclass)?;
        }
        let Some(code) = program.code.get(class.0) else {
            return Ok(());
        };
        if code.statics.statements.is_empty() {
            return Ok(());
        }
        self.calls.push(Call {
            class,
            method: None,
            is_static: true,
            line: 0,
        });
        let mut frame = Frame {
            locals: vec![Value::Null; code.statics.slots],
            this: Value::Null,
        };
        let result = self.statements(&mut frame, &code.statics.statements);
        self.calls.pop();
        result.map(|_| ())
    }
}
