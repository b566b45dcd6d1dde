//! Measures the initial sync of many contacts: rows a second, and the gateway's greatest resident memory, on both
//! engines in one run. See `scripts/bench-initial-sync`.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

use causeway_store::throwaway_postgres::{Durability, ThrowawayPostgres};
use clap::Parser;
use emulated_org::{App, EmulatedOrg, Options, company::Company};
use end_to_end::company;
use end_to_end::gateway::{ConnectionSetup, Gateway};
use serde_json::Value;

const CONSUMER_KEY: &str = "3MVG9.causeway.bench";

/// Measures the initial sync.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many contacts the org has.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: u64,
    /// Memory that the gateway must stay under, in MB; the run fails above it.
    #[arg(long, default_value_t = 150)]
    memory_limit: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    println!("filling an org with {} contacts", arguments.contacts);
    let org = EmulatedOrg::start(Options::default()).await?;
    org.seed("Contact", Company::contacts(1, arguments.contacts))?;

    let postgres = ThrowawayPostgres::start(Durability::Full)?;
    println!("| Engine | Contacts | Seconds | Rows/s | Peak memory of the gateway |");
    println!("|---|---|---|---|---|");
    let mut greatest = 0;
    for engine in ["SQLite", "PostgreSQL"] {
        let folder = tempfile::tempdir()?;
        let store_url = match engine {
            "SQLite" => format!("sqlite://{}", folder.path().join("causeway.db").display()),
            _ => postgres.empty_database()?,
        };
        let gateway = Gateway::prepare(folder.path(), &store_url)?;
        org.register_app(App::pre_authorized(CONSUMER_KEY, gateway.app_certificate()?))?;
        gateway.connect(&ConnectionSetup {
            name: "bench".to_owned(),
            org_url: org.url().to_owned(),
            consumer_key: CONSUMER_KEY.to_owned(),
            username: org.admin_username().to_owned(),
            users: vec![(
                company::DEFAULT_OWNER.to_owned(),
                "desk@partner.example".to_owned(),
                "Desk".to_owned(),
            )],
        })?;
        let contact: Vec<Value> = company::mappings()?
            .into_iter()
            .filter(|mapping| mapping["partnerObject"] == "contact")
            .collect();
        gateway.apply_mappings("bench", &contact)?;

        let started = Instant::now();
        let mut sync = gateway.start(&["sync", "initial", "--connection", "bench"])?;
        let peak = watch(&mut sync).await?;
        let seconds = started.elapsed().as_secs_f64();
        let rate = arguments.contacts as f64 / seconds;
        println!(
            "| {engine} | {} | {seconds:.1} | {rate:.0} | {peak} MB |",
            arguments.contacts
        );
        greatest = greatest.max(peak);
    }
    org.stop().await;
    if greatest > arguments.memory_limit {
        return Err(format!(
            "the gateway took {greatest} MB, more than {} MB",
            arguments.memory_limit
        )
        .into());
    }
    Ok(())
}

/// Waits for the process and returns its greatest resident set in MB, as the kernel counted it.
async fn watch(process: &mut Child) -> Result<u64, Box<dyn std::error::Error>> {
    let status_file = PathBuf::from(format!("/proc/{}/status", process.id()));
    let mut peak = 0;
    loop {
        if let Ok(status) = std::fs::read_to_string(&status_file) {
            let kilobytes = status
                .lines()
                .find_map(|line| line.strip_prefix("VmHWM:"))
                .and_then(|rest| {
                    rest.trim()
                        .strip_suffix(" kB")
                        .and_then(|number| number.parse::<u64>().ok())
                });
            peak = kilobytes.map_or(peak, |kilobytes| kilobytes / 1024).max(peak);
        }
        match process.try_wait()? {
            Some(status) if status.success() => return Ok(peak),
            Some(status) => return Err(format!("the sync ended with {status}").into()),
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
