//! Runs Apex tests on a copy of the records: nobody waits for them, and nothing of them stays.
//!
//! Source: Apex Developer Guide, Unit Test Considerations, Isolation of Test Data; Code Coverage Best Practices: test
//! classes are not counted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use apex_runtime::syntax::ast::Modifiers;
use apex_runtime::{Failure, Program, TestFilter};

use super::Installed;
use super::session::{Hold, Session};
use crate::data::{Author, Authority, Data, DuplicateOptions};
use crate::id::RecordId;
use crate::org::Org;
use crate::row_locks::RowLocks;
use crate::schema::Schema;

/// Lines, by class or trigger.
pub(crate) type Lines = BTreeMap<Arc<str>, BTreeSet<u32>>;

/// What became of one test method.
#[derive(Clone, Debug)]
pub struct TestOutcome {
    /// The class.
    pub class: Arc<str>,
    /// The method.
    pub method: Arc<str>,
    /// None where it passed.
    pub failure: Option<Failure>,
    /// How long it took.
    pub milliseconds: u64,
    /// The lines that it ran, by class or trigger.
    pub covered: BTreeMap<Arc<str>, BTreeSet<u32>>,
}

/// What became of a run.
#[derive(Clone, Debug, Default)]
pub struct TestReport {
    /// The methods in the order in which they ran.
    pub results: Vec<TestOutcome>,
    /// All lines that can be run, by class or trigger.
    pub lines: BTreeMap<Arc<str>, BTreeSet<u32>>,
    /// How long it took.
    pub milliseconds: u64,
}

impl TestReport {
    /// The lines that ran and those that did not, by class or trigger.
    #[must_use]
    pub fn coverage(&self) -> BTreeMap<Arc<str>, (BTreeSet<u32>, BTreeSet<u32>)> {
        let mut coverage = BTreeMap::new();
        for (file, lines) in &self.lines {
            let ran = |line: &u32| {
                let mut all = self.results.iter().filter_map(|result| result.covered.get(file));
                all.any(|covered| covered.contains(line))
            };
            coverage.insert(Arc::clone(file), lines.iter().copied().partition(ran));
        }
        coverage
    }

    /// How many methods failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.results
            .iter()
            .filter(|result| result.failure.is_some())
            .count()
    }
}

/// What tests run against.
pub(crate) struct TestGround<'a> {
    pub(crate) installed: &'a Arc<Installed>,
    pub(crate) schema: &'a Arc<Schema>,
    pub(crate) user: RecordId,
}

impl Org {
    /// Runs test methods as the administrator; nothing of what they do stays.
    #[must_use]
    pub fn run_apex_tests(&self, filter: &TestFilter) -> TestReport {
        let names = |list: &[String], name: &str| {
            list.is_empty() || list.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
        };
        self.run_tests(self.admin, |class, method| {
            names(&filter.classes, class) && names(&filter.methods, method)
        })
    }

    /// Runs the wanted test methods in a user's name.
    pub(crate) fn run_tests(&self, user: RecordId, wanted: impl Fn(&str, &str) -> bool) -> TestReport {
        let Some(installed) = self.apex.installed() else {
            return TestReport::default();
        };
        let schema = self.schema();
        let ground = TestGround {
            installed: &installed,
            schema: &schema,
            user,
        };
        self.run_tests_on(&ground, wanted, |everything| self.read().for_tests(everything))
    }

    /// Runs test methods on copies of the records that `copy` makes, with all of them or with those that every test
    /// sees.
    pub(crate) fn run_tests_on(
        &self,
        ground: &TestGround<'_>,
        wanted: impl Fn(&str, &str) -> bool,
        copy: impl Fn(bool) -> Data,
    ) -> TestReport {
        let program = &ground.installed.program;
        let begun = Instant::now();
        let mut report = TestReport {
            lines: lines_of(program),
            ..TestReport::default()
        };
        // Copied when the first test asks for it.
        let mut copies: [Option<Data>; 2] = [None, None];
        for (class, method, everything) in methods_of(program) {
            if !wanted(&class, &method) {
                continue;
            }
            let [isolated, whole] = &mut copies;
            let place = if everything { whole } else { isolated };
            let data = place.get_or_insert_with(|| copy(everything));
            report.results.push(self.run_test(ground, data, class, method));
        }
        report.milliseconds = milliseconds_since(begun);
        report
    }

    pub(super) fn run_test(
        &self,
        ground: &TestGround<'_>,
        data: &mut Data,
        class: Arc<str>,
        method: Arc<str>,
    ) -> TestOutcome {
        let author = Author {
            user: ground.user,
            now: self.clock.now(),
            authority: Authority::User,
            duplicates: DuplicateOptions::default(),
        };
        // The rows are copies, and so are their locks.
        let locks = Arc::<RowLocks>::default();
        let mut claim = locks.claim();
        let begun = Instant::now();
        let session =
            Session::new(self, ground.installed, author, Hold::Lent(data), &mut claim).of_test(ground.schema);
        let filter = TestFilter {
            classes: vec![class.to_string()],
            methods: vec![method.to_string()],
        };
        let run = ground.installed.program.run_tests(&session, &filter);
        session.roll_back();
        let failure = run.results.into_iter().find_map(|result| result.failure);
        let covered = run.coverage.into_iter().map(|(file, (yes, _))| (file, yes));
        TestOutcome {
            class,
            method,
            failure,
            milliseconds: milliseconds_since(begun),
            covered: covered.filter(|(_, lines)| !lines.is_empty()).collect(),
        }
    }
}

fn milliseconds_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// All test methods, each with whether it sees all data.
pub(crate) fn methods_of(program: &Program) -> Vec<(Arc<str>, Arc<str>, bool)> {
    let sees_all = |modifiers: &Modifiers| {
        modifiers.annotation("istest").is_some_and(|annotation| {
            let mut values = annotation.values.iter();
            values.any(|(name, value)| {
                name.eq_ignore_ascii_case("seealldata") && value.eq_ignore_ascii_case("true")
            })
        })
    };
    let mut found = Vec::new();
    for (_, class) in program.classes.all().filter(|(_, class)| class.is_test()) {
        for method in class.methods.iter().map(|method| program.classes.method(*method)) {
            if method.is_test() {
                let everything = sees_all(&class.modifiers) || sees_all(&method.modifiers);
                found.push((Arc::clone(&class.name), Arc::clone(&method.name), everything));
            }
        }
    }
    found
}

fn lines_of(program: &Program) -> BTreeMap<Arc<str>, BTreeSet<u32>> {
    let is_test = |file: &str| {
        let class = program
            .classes
            .top_level(file)
            .map(|id| program.classes.class(id));
        class.is_some_and(|class| class.is_test())
    };
    let counted = program
        .lines
        .iter()
        .filter(|(file, lines)| !lines.is_empty() && !is_test(file));
    counted
        .map(|(file, lines)| (Arc::clone(file), lines.clone()))
        .collect()
}
