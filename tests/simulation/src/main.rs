//! Runs histories of a hostile world and tells what they met, or what broke.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use simulation::coverage::Coverage;
use simulation::history::{Failure, History};

/// Runs seeded histories of Salesforce, the gateway and a partner, in a hostile world.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Runs one seed and tells all of it.
    #[arg(long)]
    seed: Option<u64>,
    /// The steps of that seed to take.
    #[arg(long, value_delimiter = ',')]
    steps: Option<Vec<u32>>,
    /// Failures after which to stop.
    #[arg(long, default_value_t = 1)]
    failures: usize,
    /// Leaves failing histories as long as they are.
    #[arg(long)]
    whole: bool,
    /// Where to write the result as JSON.
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

fn main() -> std::io::Result<std::process::ExitCode> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    if let Some(seed) = arguments.seed {
        return one(&arguments, seed, &mut out);
    }
    many(&arguments, &mut out)
}

fn one(arguments: &Arguments, seed: u64, out: &mut impl Write) -> std::io::Result<std::process::ExitCode> {
    let mut history = History::of(seed);
    if let Some(steps) = &arguments.steps {
        history.steps.clone_from(steps);
    }
    match history.run(true) {
        Ok(met) => {
            for (what, count) in met.all() {
                writeln!(out, "{count:>8}  {what}")?;
            }
            writeln!(out, "seed {seed} keeps every promise")?;
            Ok(std::process::ExitCode::SUCCESS)
        }
        Err(failure) => {
            tell(&failure, true, out)?;
            Ok(std::process::ExitCode::FAILURE)
        }
    }
}

fn many(arguments: &Arguments, out: &mut impl Write) -> std::io::Result<std::process::ExitCode> {
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from.saturating_add(arguments.seeds);
    let result: Mutex<(Coverage, Vec<Box<Failure>>, u64)> = Mutex::default();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let run = History::of(seed).run(false);
                    let mut result = result.lock().unwrap_or_else(PoisonError::into_inner);
                    if result.1.len() >= arguments.failures {
                        return;
                    }
                    result.2 += 1;
                    match run {
                        Ok(met) => result.0.add(&met),
                        Err(failure) => result.1.push(failure),
                    }
                    if result.2.is_multiple_of(1_000) {
                        progress(result.2, arguments.seeds, began);
                    }
                }
            });
        }
    });
    let (met, failures, count) = result.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = began.elapsed().as_secs_f64();
    for (what, times) in met.all() {
        writeln!(out, "{times:>10}  {what}")?;
    }
    writeln!(
        out,
        "{count} histories from seed {} in {seconds:.1} s, {:.0} a second, {} failed",
        arguments.from,
        f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds.max(0.001),
        failures.len()
    )?;
    if let Some(path) = &arguments.json {
        let counts: &BTreeMap<String, u64> = met.all();
        let json = serde_json::json!({
            "from": arguments.from,
            "histories": count,
            "seconds": seconds,
            "failed": failures.iter().map(|failure| failure.history.seed).collect::<Vec<_>>(),
            "met": counts,
        });
        std::fs::write(path, format!("{json:#}\n"))?;
    }
    for failure in &failures {
        let short = if arguments.whole {
            None
        } else {
            failure.history.shrink()
        };
        tell(short.as_ref().unwrap_or(failure), false, out)?;
    }
    Ok(if failures.is_empty() {
        std::process::ExitCode::SUCCESS
    } else {
        std::process::ExitCode::FAILURE
    })
}

fn progress(count: u64, of: u64, began: Instant) {
    let line = format!(
        "\r{count} of {of} histories, {:.0} s",
        began.elapsed().as_secs_f64()
    );
    // Progress is for whoever looks; a closed terminal is no reason to stop.
    drop(std::io::stderr().write_all(line.as_bytes()));
}

fn tell(failure: &Failure, traced: bool, out: &mut impl Write) -> std::io::Result<()> {
    if traced {
        for line in &failure.trace {
            writeln!(out, "{line}")?;
        }
    }
    let at = failure
        .at
        .map_or("at rest".to_owned(), |step| format!("at step {step}"));
    writeln!(
        out,
        "seed {} breaks a promise {at}: {}",
        failure.history.seed, failure.broken
    )?;
    writeln!(out, "replay: {}", failure.history.command())
}
