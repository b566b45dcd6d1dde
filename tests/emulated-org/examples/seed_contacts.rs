//! Seeds contacts and prints how long it took and what memory they take:
//! `cargo run --release -p emulated-org --example seed_contacts -- 1000000`

use std::io::{self, Write as _};
use std::time::Instant;

use emulated_org::company::Company;
use emulated_org::{EmulatedOrg, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(1_000_000), |argument| argument.parse())?;
    let org = EmulatedOrg::start(Options::default()).await?;
    let begun = Instant::now();
    let ids = org.seed("Contact", Company::contacts(1, count))?;
    let seconds = begun.elapsed().as_secs_f64();
    let memory = std::fs::read_to_string("/proc/self/status")?;
    let memory = memory
        .lines()
        .find(|line| line.starts_with("VmRSS"))
        .unwrap_or("VmRSS: unknown");
    writeln!(io::stdout(), "{} contacts in {seconds:.1} s; {memory}", ids.len())?;
    org.stop().await;
    Ok(())
}
