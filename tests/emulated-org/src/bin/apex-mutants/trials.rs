//! Tries mutants, several at a time, each thread in an organisation of its own.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use apex_runtime::mutation::Mutant;
use apex_runtime::syntax::ast::Unit;
use apex_runtime::syntax::parse::parse_unit;
use apex_runtime::{CompileError, FailureKind, Source};
use emulated_org::apex::TestOutcome;
use emulated_org::apex::trial::{TestName, Trial};
use emulated_org::{Options, Org};

use crate::{Cli, Failing};

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It does not compile.
    NotViable,
    /// A test failed.
    Caught,
    /// A test did not come to its end.
    TimedOut,
    /// No test noticed it.
    Survived,
}

/// Mutants between two lines of progress.
const REPORTED: usize = 25;

/// The tests without any mistake.
pub(crate) struct Baseline {
    /// Those that pass, the quickest first.
    passing: Vec<TestOutcome>,
    /// Those that do not, with the reason: they can notice nothing.
    pub(crate) left_out: Vec<String>,
    test_classes: BTreeSet<String>,
}

impl Baseline {
    pub(crate) fn measure(folders: &[PathBuf], sources: &[Source], most_steps: u64) -> Failing<Self> {
        let outcomes = trial(folders, most_steps)?
            .all(sources.to_vec())
            .map_err(|errors| words(&errors))?;
        let mut baseline = Self {
            passing: Vec::new(),
            left_out: Vec::new(),
            test_classes: sources
                .iter()
                .filter(|source| is_test(source))
                .map(|source| source.name.clone())
                .collect(),
        };
        for outcome in outcomes {
            match &outcome.failure {
                Some(failure) => baseline.left_out.push(format!(
                    "{}.{}: {}",
                    outcome.class, outcome.method, failure.message
                )),
                None => baseline.passing.push(outcome),
            }
        }
        baseline.passing.sort_by(|a, b| {
            (a.milliseconds, &a.class, &a.method).cmp(&(b.milliseconds, &b.class, &b.method))
        });
        Ok(baseline)
    }

    pub(crate) fn is_test(&self, name: &str) -> bool {
        self.test_classes.contains(name)
    }

    /// The tests that can notice a mutant: they run its lines. Where none does, the initial value of a field may be
    /// meant, which every user of the class runs.
    fn noticing(&self, mutant: &Mutant) -> Vec<TestName> {
        let named = |outcome: &TestOutcome| TestName {
            class: Arc::clone(&outcome.class),
            method: Arc::clone(&outcome.method),
        };
        let running = |within: &dyn Fn(&u32) -> bool| -> Vec<TestName> {
            let runs = |outcome: &&TestOutcome| {
                let lines = outcome.covered.get(mutant.file.as_str());
                lines.is_some_and(|lines| lines.iter().any(within))
            };
            self.passing.iter().filter(runs).map(named).collect()
        };
        let nearest = running(&|line| mutant.lines.contains(line));
        if nearest.is_empty() {
            running(&|_| true)
        } else {
            nearest
        }
    }
}

/// Whether a source is a class of the tests.
fn is_test(source: &Source) -> bool {
    match parse_unit(&source.name, &source.text) {
        Ok(Unit::Type(class)) => class.modifiers.annotation("istest").is_some(),
        _ => false,
    }
}

fn trial(folders: &[PathBuf], most_steps: u64) -> Failing<Trial> {
    let org = Org::new(&Options {
        sfdx_source: folders.to_vec(),
        ..Options::default()
    })?;
    Ok(Trial::new(org, most_steps))
}

fn words(errors: &[CompileError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// What becomes of each mutant, in their order.
pub(crate) fn decide(
    cli: &Cli,
    sources: &[Source],
    baseline: &Baseline,
    mutants: &[Mutant],
) -> Failing<Vec<Verdict>> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![Verdict::Survived; mutants.len()]);
    let mut trials = Vec::new();
    for _ in 0..cli.threads.max(1) {
        trials.push(trial(&cli.folders, cli.most_steps)?);
    }
    std::thread::scope(|scope| {
        for trial in trials {
            let (next, verdicts) = (&next, &verdicts);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(mutant) = mutants.get(at) else {
                        return;
                    };
                    let verdict = one(&trial, sources, baseline, mutant);
                    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(place) = verdicts.get_mut(at) {
                        *place = verdict;
                    }
                    drop(verdicts);
                    if (at + 1) % REPORTED == 0 {
                        // Progress that nobody sees is no loss.
                        drop(writeln!(
                            std::io::stderr(),
                            "{} of {} mutants",
                            at + 1,
                            mutants.len()
                        ));
                    }
                }
            });
        }
    });
    Ok(verdicts.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn one(trial: &Trial, sources: &[Source], baseline: &Baseline, mutant: &Mutant) -> Verdict {
    let changed = sources.iter().map(|source| {
        if source.name == mutant.file {
            Source {
                text: mutant.text_of(source),
                ..source.clone()
            }
        } else {
            source.clone()
        }
    });
    match trial.first_failure(changed.collect(), &baseline.noticing(mutant)) {
        Err(_) => Verdict::NotViable,
        Ok(None) => Verdict::Survived,
        Ok(Some(outcome)) => {
            let endless = outcome.failure.is_some_and(|failure| {
                failure.kind == FailureKind::Limit && failure.message.contains("CPU time")
            });
            if endless {
                Verdict::TimedOut
            } else {
                Verdict::Caught
            }
        }
    }
}
