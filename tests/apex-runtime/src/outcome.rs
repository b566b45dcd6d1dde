//! Test runs and what they report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::host::Host;
use crate::program::Program;
use crate::run::value::Value;
use crate::run::{FatalKind, Interrupt, Machine};
use crate::syntax::ast::Modifiers;
use crate::types::{ClassId, MethodId};

/// Which test methods run.
#[derive(Debug, Clone, Default)]
pub struct TestFilter {
    /// Classes by name, in any case; all where it is empty.
    pub classes: Vec<String>,
    /// Methods by name, in any case; all where it is empty.
    pub methods: Vec<String>,
}

impl TestFilter {
    fn allows(list: &[String], name: &str) -> bool {
        list.is_empty() || list.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    }
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// An assertion.
    Assertion,
    /// An exception that nothing caught.
    Exception,
    /// A governor limit.
    Limit,
    /// The runtime does not support what was reached.
    NotSupported,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which kind.
    pub kind: FailureKind,
    /// As Salesforce reports it: `System.AssertException: Assertion Failed`.
    pub message: String,
    /// The stack trace, a line each.
    pub stack: String,
    /// The line where it happened.
    pub line: u32,
}

impl Failure {
    /// What an interrupt means to the outside.
    pub fn of(machine: &Machine<'_>, interrupt: &Interrupt) -> Self {
        let (kind, message, trace) = match interrupt {
            Interrupt::Exception(exception) => {
                let message = format!(
                    "{}: {}",
                    machine.exception_type_name(exception),
                    machine.exception_message(exception)
                );
                let trace = exception
                    .exception
                    .as_ref()
                    .map(|s| s.borrow().trace.clone())
                    .unwrap_or_default();
                (FailureKind::Exception, message, trace)
            }
            Interrupt::Fatal(fatal) => {
                let kind = match fatal.kind {
                    FatalKind::NotSupported => FailureKind::NotSupported,
                    FatalKind::Limit => FailureKind::Limit,
                    FatalKind::Assertion => FailureKind::Assertion,
                };
                (kind, fatal.message.clone(), fatal.trace.clone())
            }
            Interrupt::NullChain => (
                FailureKind::NotSupported,
                "a chain outside a chain".into(),
                Vec::new(),
            ),
        };
        let stack: Vec<_> = trace.iter().map(ToString::to_string).collect();
        Self {
            kind,
            message,
            stack: stack.join("\n"),
            line: trace.first().map_or(0, |t| t.line),
        }
    }
}

/// One test method.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// The class.
    pub class: Arc<str>,
    /// The method.
    pub method: Arc<str>,
    /// None where it passed.
    pub failure: Option<Failure>,
}

/// A test run.
#[derive(Debug, Clone, Default)]
pub struct TestRun {
    /// Results in order of class and method.
    pub results: Vec<TestResult>,
    /// By file: covered and uncovered lines.
    pub coverage: BTreeMap<Arc<str>, (BTreeSet<u32>, BTreeSet<u32>)>,
}

pub(crate) fn run_tests(program: &Program, host: &dyn Host, filter: &TestFilter) -> TestRun {
    let mut run = TestRun::default();
    let mut covered: BTreeSet<(Arc<str>, u32)> = BTreeSet::new();
    for (id, class) in program.classes.all() {
        if !class.is_test() || !TestFilter::allows(&filter.classes, &class.name) {
            continue;
        }
        for &method in &class.methods {
            let declared = program.classes.method(method);
            if !declared.is_test() || !TestFilter::allows(&filter.methods, &declared.name) {
                continue;
            }
            let (failure, lines) = run_test(program, host, id, method);
            covered.extend(lines);
            run.results.push(TestResult {
                class: Arc::clone(&class.name),
                method: Arc::clone(&declared.name),
                failure,
            });
        }
    }
    for (file, lines) in &program.lines {
        let (yes, no) = lines
            .iter()
            .partition(|line| covered.contains(&(Arc::clone(file), **line)));
        run.coverage.insert(Arc::clone(file), (yes, no));
    }
    run
}

/// A test method with its class's `@TestSetup` before it; statics of the setup are gone when it starts.
fn run_test(
    program: &Program,
    host: &dyn Host,
    class: ClassId,
    method: MethodId,
) -> (Option<Failure>, Vec<(Arc<str>, u32)>) {
    // What a test writes is taken back at its end; a host without an org has nothing to take back.
    let mark = host.savepoint().ok();
    let mut machine = Machine::new(program, host);
    machine.test.running = true;
    let sees_all = |modifiers: &Modifiers| {
        modifiers.annotation("istest").is_some_and(|annotation| {
            let mut values = annotation.values.iter();
            values.any(|(name, value)| name == "seealldata" && value.eq_ignore_ascii_case("true"))
        })
    };
    machine.test.sees_all_data = sees_all(&program.classes.class(class).modifiers)
        || sees_all(&program.classes.method(method).modifiers);
    let setups = program.classes.class(class).methods.iter().copied().filter(|m| {
        program
            .classes
            .method(*m)
            .modifiers
            .annotation("testsetup")
            .is_some()
    });
    let mut result = Ok(Value::Null);
    for setup in setups {
        result = machine.invoke(setup, Value::Null, Vec::new());
        machine.reset_statics();
        machine.limits = Default::default();
        // A transaction of its own.
        machine.uncommitted = Default::default();
        machine.written = Default::default();
        if result.is_err() {
            break;
        }
    }
    if result.is_ok() {
        result = machine.invoke(method, Value::Null, Vec::new());
    }
    let mut failure = result.err().map(|interrupt| Failure::of(&machine, &interrupt));
    if let Some(Err(error)) = mark.map(|mark| host.rollback(mark)) {
        let interrupt = machine.from_host(error);
        failure.get_or_insert_with(|| Failure::of(&machine, &interrupt));
    }
    (failure, machine.covered_lines())
}
