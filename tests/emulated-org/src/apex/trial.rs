//! Apex on trial: tests of the organisation run against sources that it does not have, and it keeps its own.

use std::sync::Arc;

use apex_runtime::{CompileError, FailureKind, Program, Schema as ApexSchema, Source};

use super::Installed;
use super::schema::convert;
use super::test_run::{TestGround, TestOutcome, methods_of};
use crate::org::Org;
use crate::schema::Schema;

/// An organisation that sources are tried in.
pub struct Trial {
    org: Org,
    schema: Arc<Schema>,
    apex_schema: Arc<ApexSchema>,
    most_steps: u64,
}

/// A test method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestName {
    /// Its class.
    pub class: Arc<str>,
    /// Its name.
    pub method: Arc<str>,
}

impl Trial {
    /// In `org`, as it is now. A transaction of more than `most_steps` statements and loop turns counts as endless.
    #[must_use]
    pub fn new(org: Org, most_steps: u64) -> Self {
        let schema = org.schema();
        let labels = org.apex.labels();
        let labels = labels.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let apex_schema = Arc::new(convert(&schema).with_labels(labels));
        Self {
            org,
            schema,
            apex_schema,
            most_steps,
        }
    }

    /// Runs tests against `sources`, one after the other in the order given, until one fails: that one, if any does.
    /// A test that stops at what the runtime does not support has not failed: nobody knows what it would have said.
    ///
    /// # Errors
    /// The sources do not compile.
    pub fn first_failure(
        &self,
        sources: Vec<Source>,
        tests: &[TestName],
    ) -> Result<Option<TestOutcome>, Vec<CompileError>> {
        let mut failure = None;
        self.run(sources, tests, |outcome| {
            let failed = outcome
                .failure
                .as_ref()
                .is_some_and(|failure| failure.kind != FailureKind::NotSupported);
            if failed {
                failure = Some(outcome);
            }
            !failed
        })?;
        Ok(failure)
    }

    /// Runs all tests of `sources`.
    ///
    /// # Errors
    /// The sources do not compile.
    pub fn all(&self, sources: Vec<Source>) -> Result<Vec<TestOutcome>, Vec<CompileError>> {
        let mut outcomes = Vec::new();
        let program = Program::compile(&sources, &self.apex_schema)?;
        let tests: Vec<TestName> = methods_of(&program)
            .into_iter()
            .map(|(class, method, _)| TestName { class, method })
            .collect();
        self.run(sources, &tests, |outcome| {
            outcomes.push(outcome);
            true
        })?;
        Ok(outcomes)
    }

    fn run(
        &self,
        sources: Vec<Source>,
        tests: &[TestName],
        mut goes_on: impl FnMut(TestOutcome) -> bool,
    ) -> Result<(), Vec<CompileError>> {
        let program = Program::compile(&sources, &self.apex_schema)?.with_most_steps(self.most_steps);
        let methods = methods_of(&program);
        let installed = Arc::new(Installed {
            sources,
            program: Arc::new(program),
        });
        let ground = TestGround {
            installed: &installed,
            schema: &self.schema,
            user: self.org.admin,
        };
        let mut copies = [None, None];
        for test in tests {
            let known = methods
                .iter()
                .find(|(class, method, _)| *class == test.class && *method == test.method);
            let Some((class, method, everything)) = known else {
                continue;
            };
            let [isolated, whole] = &mut copies;
            let place = if *everything { whole } else { isolated };
            let data = place.get_or_insert_with(|| self.org.read().for_tests(*everything));
            let outcome = self
                .org
                .run_test(&ground, data, Arc::clone(class), Arc::clone(method));
            if !goes_on(outcome) {
                break;
            }
        }
        Ok(())
    }
}
