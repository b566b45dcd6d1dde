//! Puts one small mistake at a time into the Apex of SFDX folders and shows which of them no Apex test notices.
//!
//! Everything happens in this process: a mutant is compiled and tested in some milliseconds. Tests that run the lines of
//! the mistake are asked, the quickest first, until one fails.

mod equivalents;
mod report;
mod trials;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use apex_runtime::Source;
use apex_runtime::mutation::{Mutant, mutants};
use clap::Parser;

use equivalents::Equivalents;
use report::Report;

type Failing<T> = Result<T, Box<dyn std::error::Error>>;

/// Puts one small mistake at a time into the Apex of SFDX folders and shows which of them no Apex test notices.
#[derive(Debug, Parser)]
#[command(name = "apex-mutants")]
struct Cli {
    /// Folders with SFDX source: classes, triggers, tests, objects.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// Classes and triggers to change; all that are no tests without it.
    #[arg(long, value_delimiter = ',')]
    classes: Vec<String>,
    /// Tries this many mutants, chosen by the seed, instead of all.
    #[arg(long)]
    sample: Option<usize>,
    /// What chooses the sample.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many are tried at a time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Statements and loop turns of one test after which it counts as endless; its jobs count with it.
    #[arg(long, default_value_t = 300_000)]
    most_steps: u64,
    /// Mutants that no test can notice, each with the reason.
    #[arg(long)]
    equivalents: Option<PathBuf>,
    /// The document whose section of this name is written anew.
    #[arg(long)]
    report: Option<PathBuf>,
    /// Hundredths of the viable mutants that must be caught.
    #[arg(long, default_value_t = 85)]
    at_least: usize,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nothing is left to tell when standard error itself is gone.
            drop(writeln!(std::io::stderr(), "apex-mutants: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Whether enough was caught.
fn run(cli: &Cli) -> Failing<bool> {
    let sources = emulated_org::apex::source::read(&cli.folders)?;
    let baseline = trials::Baseline::measure(&cli.folders, &sources, cli.most_steps)?;
    for left_out in &baseline.left_out {
        writeln!(
            std::io::stderr(),
            "left out, for it fails without any mistake: {left_out}"
        )?;
    }
    let all = listed(cli, &sources, &baseline)?;
    let equivalents = match &cli.equivalents {
        Some(path) => Equivalents::read(path)?,
        None => Equivalents::default(),
    };
    let whole = cli.sample.is_none() && cli.classes.is_empty();
    if whole {
        equivalents.check(&all)?;
    }
    let chosen = match cli.sample {
        Some(count) => sample(all, count, cli.seed),
        None => all,
    };
    let verdicts = trials::decide(cli, &sources, &baseline, &chosen)?;
    let report = Report::new(&chosen, &verdicts, &equivalents)?;
    write!(std::io::stdout(), "{report}")?;
    if let Some(path) = cli.report.as_deref().filter(|_| whole) {
        report.write_into(path)?;
    }
    Ok(report.caught_hundredths() >= cli.at_least)
}

/// Every mutant of the classes and triggers that are asked for and are no tests.
fn listed(cli: &Cli, sources: &[Source], baseline: &trials::Baseline) -> Failing<Vec<Mutant>> {
    let mut all = Vec::new();
    for source in sources.iter().filter(|source| !baseline.is_test(&source.name)) {
        let wanted = cli.classes.is_empty()
            || cli
                .classes
                .iter()
                .any(|class| class.eq_ignore_ascii_case(&source.name));
        if wanted {
            all.extend(mutants(source)?);
        }
    }
    Ok(all)
}

/// Some of them, the same ones for the same seed, in their order.
fn sample(all: Vec<Mutant>, count: usize, seed: u64) -> Vec<Mutant> {
    let mut drawn: Vec<(u64, usize, Mutant)> = all
        .into_iter()
        .enumerate()
        .map(|(index, mutant)| (scattered(seed, index), index, mutant))
        .collect();
    drawn.sort_by_key(|(lot, index, _)| (*lot, *index));
    drawn.truncate(count);
    drawn.sort_by_key(|(_, index, _)| *index);
    drawn.into_iter().map(|(.., mutant)| mutant).collect()
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators).
fn scattered(seed: u64, index: usize) -> u64 {
    let position = u64::try_from(index).unwrap_or(u64::MAX).wrapping_add(1);
    let mut z = seed.wrapping_add(position.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The text of a file, with its name where it cannot be read.
fn read(path: &Path) -> Failing<String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_mutants_again_and_another_draws_others() {
        let source = Source::class(
            "Numbers",
            "class Numbers { Integer of() { return 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9; } }",
        );
        let all = mutants(&source).unwrap();
        let names = |seed| -> Vec<String> {
            let drawn = sample(all.clone(), 6, seed);
            drawn.into_iter().map(|mutant| mutant.name).collect()
        };
        assert_eq!(names(1), names(1));
        assert_eq!(names(1).len(), 6);
        assert_ne!(names(1), names(2));
    }
}
