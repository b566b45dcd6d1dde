//! Runs the Apex tests of SFDX folders in a fresh organisation and prints what the Salesforce CLI prints.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use apex_runtime::TestFilter;
use clap::Parser;
use emulated_org::apex::TestReport;
use emulated_org::{Options, Org};

/// Runs the Apex tests of SFDX folders in a fresh organisation.
#[derive(Debug, Parser)]
#[command(name = "apex-test")]
struct Cli {
    /// Folders with SFDX source.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Test classes to run; all without it.
    #[arg(long = "class-names", short = 'n', value_delimiter = ',')]
    classes: Vec<String>,
    /// Test methods to run, as `Class.method`; all without it.
    #[arg(long = "tests", short = 't', value_delimiter = ',')]
    tests: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(true) => ExitCode::SUCCESS,
        // What the CLI answers for failed tests.
        Ok(false) => ExitCode::from(100),
        Err(error) => {
            // Nothing is left to tell when standard error itself is gone.
            drop(writeln!(io::stderr(), "apex-test: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<bool, Box<dyn std::error::Error>> {
    let org = Org::new(&Options {
        sfdx_source: cli.folders,
        ..Options::default()
    })?;
    let mut filter = TestFilter {
        classes: cli.classes,
        methods: Vec::new(),
    };
    for test in cli.tests {
        match test.split_once('.') {
            Some((class, method)) => {
                filter.classes.push(class.to_owned());
                filter.methods.push(method.to_owned());
            }
            None => filter.classes.push(test),
        }
    }
    let run = org.run_apex_tests(&filter);
    let failed = run.failed();
    let mut out = io::stdout().lock();
    results(&mut out, &run)?;
    coverage(&mut out, &run)?;
    summary(&mut out, &run, failed, run.milliseconds)?;
    Ok(failed == 0)
}

fn results(out: &mut impl Write, run: &TestReport) -> io::Result<()> {
    let rows = run.results.iter().map(|result| {
        let (outcome, message) = match &result.failure {
            None => ("Pass", String::new()),
            Some(failure) => ("Fail", format!("{}\n{}", failure.message, failure.stack)),
        };
        vec![
            format!("{}.{}", result.class, result.method),
            outcome.to_owned(),
            message,
            result.milliseconds.to_string(),
        ]
    });
    let heads = ["TEST NAME", "OUTCOME", "MESSAGE", "RUNTIME (MS)"];
    table(out, "Test Results", &heads, &rows.collect::<Vec<_>>())
}

fn coverage(out: &mut impl Write, run: &TestReport) -> io::Result<()> {
    let rows = run.coverage();
    let rows = rows.iter().map(|(file, (yes, no))| {
        let lines: Vec<String> = no.iter().map(ToString::to_string).collect();
        vec![
            file.to_string(),
            percent(yes.len(), yes.len() + no.len()),
            lines.join(","),
        ]
    });
    let heads = ["CLASSES", "PERCENT", "UNCOVERED LINES"];
    table(
        out,
        "Apex Code Coverage by Class",
        &heads,
        &rows.collect::<Vec<_>>(),
    )
}

fn summary(out: &mut impl Write, run: &TestReport, failed: usize, milliseconds: u64) -> io::Result<()> {
    let ran = run.results.len();
    let (covered, all) = run.coverage().values().fold((0, 0), |(covered, all), (yes, no)| {
        (covered + yes.len(), all + yes.len() + no.len())
    });
    let outcome = if failed == 0 { "Passed" } else { "Failed" };
    let rows = [
        ("Outcome", outcome.to_owned()),
        ("Tests Ran", ran.to_string()),
        ("Pass Rate", percent(ran - failed, ran)),
        ("Fail Rate", percent(failed, ran)),
        ("Skip Rate", "0%".to_owned()),
        ("Test Execution Time", format!("{milliseconds} ms")),
        ("Org Wide Coverage", percent(covered, all)),
    ];
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    table(out, "Test Summary", &["NAME", "VALUE"], &rows)
}

fn percent(part: usize, whole: usize) -> String {
    match (part * 100).checked_div(whole) {
        Some(percent) => format!("{percent}%"),
        None => "0%".to_owned(),
    }
}

/// A table as the CLI draws it: a cell of several lines goes on in the rows below.
fn table(out: &mut impl Write, title: &str, heads: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .flat_map(|cell| cell.lines());
        let head = heads.get(column).copied().unwrap_or_default();
        cells
            .chain([head])
            .map(|line| line.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "\n=== {title}")?;
    writeln!(out, "{}", line(heads.to_vec()))?;
    let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    writeln!(out, "{}", rules.join("  "))?;
    for row in rows {
        let height = row
            .iter()
            .map(|cell| cell.lines().count())
            .max()
            .unwrap_or_default();
        for at in 0..height.max(1) {
            let cells = row
                .iter()
                .map(|cell| cell.lines().nth(at).unwrap_or_default())
                .collect();
            writeln!(out, "{}", line(cells))?;
        }
    }
    Ok(())
}
