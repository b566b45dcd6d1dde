//! Trouble inside the organisation's Apex: callouts that go wrong, statements and queries that are refused.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What becomes of a callout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalloutFault {
    /// Nobody listens there.
    Refused,
    /// The request never arrives, and the program is told that it waited too long. No time passes.
    TimedOut,
    /// The request arrives and is worked on, and the program is told that it waited too long for the answer.
    AnswerLost,
    /// The connection is cut in the middle of the request.
    Cut,
    /// Something on the way answers instead of the other side.
    Answered {
        /// HTTP status.
        status: u16,
        /// Headers.
        headers: Vec<(String, String)>,
        /// Body.
        body: String,
    },
}

impl CalloutFault {
    /// An answer of this status with a problem document, or what a proxy says.
    #[must_use]
    pub fn answered(status: u16) -> Self {
        Self::Answered {
            status,
            headers: Vec::new(),
            body: format!("{{\"status\":{status},\"title\":\"not today\"}}"),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Refused => "callout refused".to_owned(),
            Self::TimedOut => "callout timed out".to_owned(),
            Self::Cut => "callout cut".to_owned(),
            Self::AnswerLost => "callout answer lost".to_owned(),
            Self::Answered { status, .. } => format!("callout answered {status}"),
        }
    }
}

/// What becomes of a statement or a query of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementFault {
    /// Each row is refused with this status code.
    Refused(&'static str),
    /// The statement throws this exception.
    Thrown(&'static str),
}

impl StatementFault {
    fn name(&self) -> &'static str {
        match self {
            Self::Refused(code) => code,
            Self::Thrown(class) => class,
        }
    }
}

/// Which statements of programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Statement {
    /// `insert`
    Insert,
    /// `update`
    Update,
    /// `delete`
    Delete,
    /// A query.
    Query,
}

/// A method of a program that fails before anything of it has run.
#[derive(Debug)]
struct PlannedMethod {
    class: String,
    method: String,
    thrown: &'static str,
    /// How many calls pass before.
    passes: u32,
}

/// The faults of Apex that are set, and how often each was met.
#[derive(Debug, Default)]
pub struct ApexFaults {
    state: Mutex<State>,
    /// Whether methods are to fail: each call of a method asks.
    has_methods: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    methods: Vec<PlannedMethod>,
    callouts: VecDeque<(CalloutFault, u32)>,
    statements: Vec<Planned>,
    met: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Planned {
    statement: Statement,
    object: String,
    fault: StatementFault,
    /// How many pass before.
    passes: u32,
    /// How many meet it.
    left: u32,
}

impl ApexFaults {
    /// The next `callouts` end like this. Several calls queue up.
    pub fn fail_next_callouts(&self, callouts: u32, fault: CalloutFault) {
        if callouts > 0 {
            self.lock().callouts.push_back((fault, callouts));
        }
    }

    /// After `passes` statements of this kind on an object, the next `times` end like this. Only one fault of a kind
    /// and an object counts down at a time: what is set later waits.
    pub fn fail_statements(
        &self,
        statement: Statement,
        object: &str,
        passes: u32,
        times: u32,
        fault: StatementFault,
    ) {
        if times > 0 {
            self.lock().statements.push(Planned {
                statement,
                object: object.to_owned(),
                fault,
                passes,
                left: times,
            });
        }
    }

    /// After `passes` calls of a method, the next one throws this exception.
    pub fn fail_method(&self, class: &str, method: &str, passes: u32, thrown: &'static str) {
        self.lock().methods.push(PlannedMethod {
            class: class.to_owned(),
            method: method.to_owned(),
            thrown,
            passes,
        });
        self.has_methods.store(true, Ordering::Release);
    }

    /// How often each fault was met, by its name.
    #[must_use]
    pub fn met(&self) -> BTreeMap<String, u64> {
        self.lock().met.clone()
    }

    /// Ends all faults. What was met stays counted.
    pub fn end(&self) {
        let mut state = self.lock();
        state.callouts.clear();
        state.statements.clear();
        state.methods.clear();
        self.has_methods.store(false, Ordering::Release);
    }

    pub(crate) fn of_callout(&self) -> Option<CalloutFault> {
        let mut state = self.lock();
        let (fault, left) = state.callouts.front_mut()?;
        let fault = fault.clone();
        *left -= 1;
        if *left == 0 {
            state.callouts.pop_front();
        }
        *state.met.entry(fault.name()).or_default() += 1;
        Some(fault)
    }

    pub(crate) fn of_statement(&self, statement: Statement, object: &str) -> Option<StatementFault> {
        let mut state = self.lock();
        let at = state.statements.iter().position(|planned| {
            planned.statement == statement && planned.object.eq_ignore_ascii_case(object)
        })?;
        let planned = state.statements.get_mut(at)?;
        if planned.passes > 0 {
            planned.passes -= 1;
            return None;
        }
        let fault = planned.fault.clone();
        planned.left -= 1;
        if planned.left == 0 {
            state.statements.remove(at);
        }
        let name = format!("{statement:?} of {object}: {}", fault.name()).to_lowercase();
        *state.met.entry(name).or_default() += 1;
        Some(fault)
    }

    pub(crate) fn of_method(&self, class: &str, method: &str) -> Option<&'static str> {
        if !self.has_methods.load(Ordering::Acquire) {
            return None;
        }
        let mut state = self.lock();
        let at = state.methods.iter().position(|planned| {
            planned.class.eq_ignore_ascii_case(class) && planned.method.eq_ignore_ascii_case(method)
        })?;
        let planned = state.methods.get_mut(at)?;
        if planned.passes > 0 {
            planned.passes -= 1;
            return None;
        }
        let planned = state.methods.remove(at);
        let name = format!("call of {}.{}: {}", planned.class, planned.method, planned.thrown);
        *state.met.entry(name).or_default() += 1;
        Some(planned.thrown)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
