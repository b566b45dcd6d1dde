//! Saves in an org with the package, and in one without, while everything goes wrong: `chaos 10000`. With `--guards`
//! each guard of the package is taken out in turn, and the run has to fail.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use end_to_end::ScenarioError;
use end_to_end::chaos::guards::{self, GUARDS};
use end_to_end::chaos::record::{self, Table};
use end_to_end::chaos::{self, LONG, Plan, Report};

/// Lets people save records while everything goes wrong, and tells what the package made of it.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many saves.
    #[arg(default_value_t = 10_000)]
    saves: u32,
    /// Decides everything.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Takes each guard out of the package in turn: each run must fail.
    #[arg(long)]
    guards: bool,
    /// The one guard to take out, by a part of its name.
    #[arg(long)]
    guard: Option<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let ended = if arguments.guards || arguments.guard.is_some() {
        without_guards(&arguments).await
    } else {
        whole(&arguments).await
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            drop(writeln!(std::io::stderr(), "chaos: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../force-app")
}

fn say(text: &str) {
    // Nothing is left to tell when standard output itself is gone.
    drop(writeln!(std::io::stdout(), "{text}"));
}

async fn whole(arguments: &Arguments) -> Result<bool, ScenarioError> {
    let begun = Instant::now();
    let plan = Plan {
        saves: arguments.saves,
        seed: arguments.seed,
        package: package(),
        stops_early: false,
    };
    let shows = std::io::stderr().is_terminal();
    let mut violations = 0;
    let report = chaos::run(&plan, |save, report| {
        if let Some(violation) = report.violations.get(violations) {
            violations += 1;
            drop(writeln!(std::io::stderr(), "after {save} saves: {violation}"));
        }
        if save % 500 == 0 || (shows && save % 20 == 0) {
            let seconds = begun.elapsed().as_secs();
            drop(writeln!(
                std::io::stderr(),
                "{save} of {} saves, {seconds} s",
                arguments.saves
            ));
        }
    })
    .await?;
    tell(&report, begun);
    if plan.saves >= LONG {
        record::write(Table::Met, &record::of_run(&report, plan.seed))?;
    }
    Ok(report.violations.is_empty())
}

fn tell(report: &Report, begun: Instant) {
    for (what, times) in &report.met {
        say(&format!("| {what} | {times} |"));
    }
    say(&format!(
        "{} saves of {} rows in {} s: {} rows refused in both orgs, {} records compared, {} found by comparison alone",
        report.saves,
        report.rows,
        begun.elapsed().as_secs(),
        report.refused_in_both,
        report.compared,
        report.found_by_comparison
    ));
    for violation in &report.violations {
        say(&format!("VIOLATION {violation}"));
    }
    if report.untold > 0 {
        say(&format!("and {} more violations", report.untold));
    }
}

async fn without_guards(arguments: &Arguments) -> Result<bool, ScenarioError> {
    let mut all_matter = true;
    let mut lines = vec!["| Without | Noticed |".to_owned(), "|---|---|".to_owned()];
    for guard in GUARDS {
        if arguments
            .guard
            .as_ref()
            .is_some_and(|wanted| !guard.name.contains(wanted.as_str()))
        {
            continue;
        }
        let folder = tempfile::tempdir().map_err(|source| ScenarioError::File {
            path: "a temporary folder".to_owned(),
            source,
        })?;
        let plan = Plan {
            saves: arguments.saves.min(600),
            seed: arguments.seed,
            package: guards::without(guard, &package(), &folder.path().join("package"))?,
            stops_early: true,
        };
        let (noticed, how, short) = match chaos::run(&plan, |_, _| ()).await {
            Ok(report) => match report.violations.first() {
                Some(violation) => (
                    true,
                    format!("after {} saves: {violation}", report.saves),
                    format!("after {} saves: {}", report.saves, record::told(violation)),
                ),
                None => (false, "NOT NOTICED".to_owned(), "NOT NOTICED".to_owned()),
            },
            Err(error) => (true, error.to_string(), "the run does not work".to_owned()),
        };
        all_matter &= noticed;
        let how: String = how.replace('\n', " ").chars().take(160).collect();
        say(&format!("| {} | {how} |", guard.name));
        lines.push(format!("| {} | {short} |", guard.name));
    }
    if arguments.guard.is_none() {
        record::write(Table::Guards, &lines)?;
    }
    Ok(all_matter)
}
