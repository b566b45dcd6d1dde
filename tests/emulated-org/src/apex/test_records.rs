//! Test runs as records, and the coverage of the last ones.
//!
//! Source: Object Reference, ApexTestQueueItem, ApexTestResult, ApexTestRunResult; Tooling API, ApexCodeCoverage,
//! ApexCodeCoverageAggregate, ApexOrgWideCoverage.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use super::test_methods;
use super::test_run::{Lines, TestOutcome, TestReport};
use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// What tests have covered since the Apex last changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Coverage {
    /// All lines that can be run, by class or trigger.
    pub(crate) lines: Lines,
    /// The lines that ran, by test class and method, then by class or trigger.
    pub(crate) by_test: BTreeMap<(Arc<str>, Arc<str>), Lines>,
}

impl Coverage {
    fn take(&mut self, report: &TestReport) {
        self.lines.clone_from(&report.lines);
        for result in &report.results {
            let key = (Arc::clone(&result.class), Arc::clone(&result.method));
            self.by_test.insert(key, result.covered.clone());
        }
    }

    /// Covered and uncovered lines by class or trigger.
    pub(crate) fn aggregate(&self) -> BTreeMap<Arc<str>, (BTreeSet<u32>, BTreeSet<u32>)> {
        let split = |(file, lines): (&Arc<str>, &BTreeSet<u32>)| {
            let ran = |line: &u32| {
                let mut tests = self.by_test.values().filter_map(|covered| covered.get(file));
                tests.any(|covered| covered.contains(line))
            };
            (Arc::clone(file), lines.iter().copied().partition(ran))
        };
        self.lines.iter().map(split).collect()
    }
}

/// The tests that somebody wants to run: classes, each with its methods or all of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    /// None for all tests.
    pub(crate) classes: Option<Vec<(String, Vec<String>)>>,
    /// Whether nobody wants to know what they cover.
    pub(crate) without_coverage: bool,
}

impl Selection {
    fn wants(&self, class: &str, method: &str) -> bool {
        self.classes.as_ref().is_none_or(|classes| {
            classes.iter().any(|(name, methods)| {
                let all =
                    methods.is_empty() || methods.iter().any(|wanted| wanted.eq_ignore_ascii_case(method));
                name.eq_ignore_ascii_case(class) && all
            })
        })
    }
}

/// Rows of a run that is under way.
#[derive(Debug)]
pub(crate) struct Enqueued {
    /// The job: what clients ask by.
    pub(crate) job: RecordId,
    run: RecordId,
    items: BTreeMap<Arc<str>, (RecordId, Value)>,
    user: RecordId,
    selection: Selection,
}

impl Org {
    /// Runs tests at once and remembers what they covered.
    pub(crate) fn run_tests_now(&self, user: RecordId, selection: &Selection) -> TestReport {
        let report = self.run_tests(user, |class, method| selection.wants(class, method));
        if !selection.without_coverage {
            let mut coverage = self.apex.coverage.lock().unwrap_or_else(PoisonError::into_inner);
            coverage.take(&report);
        }
        report
    }

    /// Whether there is a class of this name with test methods.
    pub(crate) fn has_test_class(&self, name: &str) -> bool {
        self.apex.installed().is_some_and(|installed| {
            let methods = test_methods(&installed.program);
            methods.iter().any(|(class, ..)| class.eq_ignore_ascii_case(name))
        })
    }

    /// What tests have covered since the Apex last changed.
    pub(crate) fn coverage(&self) -> Coverage {
        self.apex
            .coverage
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes the rows of a run that is to come.
    pub(crate) fn enqueue_tests(&self, user: RecordId, selection: Selection) -> Option<Enqueued> {
        let installed = self.apex.installed();
        let wanted: Vec<_> = installed
            .iter()
            .flat_map(|installed| test_methods(&installed.program))
            .filter(|(class, method, _)| selection.wants(class, method))
            .collect();
        let classes: BTreeSet<_> = wanted.iter().map(|(class, ..)| Arc::clone(class)).collect();
        let number = |number: usize| Value::Number(number.into());
        let job = self.make_row(
            "AsyncApexJob",
            &[
                ("JobType", Value::text("TestRequest")),
                ("Status", Value::text("Queued")),
            ],
        )?;
        let run = self.make_row(
            "ApexTestRunResult",
            &[
                ("AsyncApexJobId", Value::Id(job)),
                ("UserId", Value::Id(user)),
                ("Status", Value::text("Queued")),
                ("StartTime", Value::DateTime(self.clock.now())),
                ("ClassesEnqueued", number(classes.len())),
                ("ClassesCompleted", number(0)),
                ("MethodsEnqueued", number(wanted.len())),
                ("MethodsCompleted", number(0)),
                ("MethodsFailed", number(0)),
                ("IsAllTests", Value::Boolean(selection.classes.is_none())),
            ],
        )?;
        let mut items = BTreeMap::new();
        for class in classes {
            let class_id = self.class_id(&class).map_or(Value::Null, Value::Id);
            let item = self.make_row(
                "ApexTestQueueItem",
                &[
                    ("ApexClassId", class_id.clone()),
                    ("Status", Value::text("Queued")),
                    ("ParentJobId", Value::Id(job)),
                    ("TestRunResultId", Value::Id(run)),
                ],
            )?;
            items.insert(class, (item, class_id));
        }
        Some(Enqueued {
            job,
            run,
            items,
            user,
            selection,
        })
    }

    /// Runs what was enqueued and writes down what became of it.
    pub(crate) fn run_enqueued_tests(&self, enqueued: &Enqueued) {
        let processing = [("Status", Value::text("Processing"))];
        self.change_row(enqueued.run, &processing);
        self.change_row(enqueued.job, &processing);
        for (item, _) in enqueued.items.values() {
            self.change_row(*item, &processing);
        }
        let report = self.run_tests_now(enqueued.user, &enqueued.selection);
        for result in &report.results {
            self.record_result(enqueued, result);
        }
        let number = |number: usize| Value::Number(number.into());
        for (class, (item, _)) in &enqueued.items {
            let own = || report.results.iter().filter(|result| result.class == *class);
            let passed = own().filter(|result| result.failure.is_none()).count();
            let fields = [
                ("Status", Value::text("Completed")),
                (
                    "ExtendedStatus",
                    Value::text(format!("({passed}/{})", own().count())),
                ),
            ];
            self.change_row(*item, &fields);
        }
        let now = Value::DateTime(self.clock.now());
        self.change_row(
            enqueued.job,
            &[
                ("Status", Value::text("Completed")),
                ("CompletedDate", now.clone()),
            ],
        );
        let outcome = if report.failed() == 0 {
            "Completed"
        } else {
            "Failed"
        };
        self.change_row(
            enqueued.run,
            &[
                ("Status", Value::text(outcome)),
                ("EndTime", now),
                ("TestTime", Value::Number(report.milliseconds.into())),
                ("TestSetupTime", number(0)),
                ("ClassesCompleted", number(enqueued.items.len())),
                ("MethodsCompleted", number(report.results.len())),
                ("MethodsFailed", number(report.failed())),
            ],
        );
    }

    fn record_result(&self, enqueued: &Enqueued, result: &TestOutcome) {
        let Some((item, class)) = enqueued.items.get(&result.class) else {
            return;
        };
        let text = |text: Option<&str>| {
            text.filter(|text| !text.is_empty())
                .map_or(Value::Null, Value::text)
        };
        let failure = result.failure.as_ref();
        self.make_row(
            "ApexTestResult",
            &[
                ("TestTimestamp", Value::DateTime(self.clock.now())),
                (
                    "Outcome",
                    Value::text(if failure.is_none() { "Pass" } else { "Fail" }),
                ),
                ("ApexClassId", class.clone()),
                ("MethodName", Value::text(&*result.method)),
                ("Message", text(failure.map(|failure| failure.message.as_str()))),
                ("StackTrace", text(failure.map(|failure| failure.stack.as_str()))),
                ("AsyncApexJobId", Value::Id(enqueued.job)),
                ("QueueItemId", Value::Id(*item)),
                ("ApexTestRunResultId", Value::Id(enqueued.run)),
                ("RunTime", Value::Number(result.milliseconds.into())),
            ],
        );
    }

    /// The record of a class or, failing that, of a trigger.
    pub(crate) fn class_id(&self, name: &str) -> Option<RecordId> {
        let data = self.read();
        ["ApexClass", "ApexTrigger"].iter().find_map(|object| {
            let table = data.table(object)?;
            let (position, _) = table.object.field("Name")?;
            table.holders(position, &Value::text(name)).first().copied()
        })
    }

    /// The name of a class by its record.
    pub(crate) fn class_named_by(&self, id: RecordId) -> Option<String> {
        let data = self.read();
        let table = data.table("ApexClass")?;
        let (position, _) = table.object.field("Name")?;
        match table.get(&id)?.get(position) {
            Value::Text(name) => Some(name.to_string()),
            _ => None,
        }
    }
}
