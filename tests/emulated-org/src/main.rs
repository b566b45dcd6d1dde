//! The emulated organisation as a server of its own.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use emulated_org::company::CompanyOptions;
use emulated_org::{App, Edition, EmulatedOrg, Options};
use tokio::signal::unix::{SignalKind, signal};

/// A strict Salesforce organisation over HTTP, for tests and demos.
#[derive(Debug, Parser)]
#[command(name = "emulated-org")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves one organisation until SIGTERM or Ctrl-C.
    Serve(Serve),
}

#[derive(Debug, Args)]
struct Serve {
    /// Port to listen on; 0 for a free one.
    #[arg(long, default_value_t = 8081)]
    port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// SFDX source folder with custom objects and fields; may be given several times.
    #[arg(long)]
    sfdx: Vec<PathBuf>,
    /// SFDX source folder of a managed package that is installed; may be given several times.
    #[arg(long)]
    package: Vec<PathBuf>,
    /// Fill the organisation with a generated company of about this many records.
    #[arg(long)]
    company: Option<u64>,
    /// Seed of the generated company: the same seed gives the same company.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// App to register, as `consumer-key=public-key-or-certificate.pem`; may be given several times.
    #[arg(long, value_parser = parse_app)]
    app: Vec<(String, PathBuf)>,
    /// My Domain origin that a proxy or a name leads here, such as https://acme.my.salesforce.com; tokens name it as
    /// their instance.
    #[arg(long)]
    my_domain: Option<String>,
    /// The organisation is a sandbox: its users log in at the test host.
    #[arg(long)]
    sandbox: bool,
    /// Edition, which decides the limits.
    #[arg(long, value_parser = parse_edition, default_value = "Enterprise")]
    edition: Edition,
    /// Folder with the Java archives of apex-ls: deployments then pass its type checks too (scripts/apex-test installs
    /// them).
    #[arg(long)]
    apex_checker: Option<PathBuf>,
    /// Folder of the built Lightning pages, with index.html and assets (scripts/lightning-pages makes it).
    #[arg(long)]
    lightning: Option<PathBuf>,
    /// Daily API requests, instead of the edition's.
    #[arg(long)]
    daily_api_limit: Option<u64>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let Command::Serve(serve) = Cli::parse().command;
    match run(serve).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to tell when standard error itself is gone.
            drop(writeln!(io::stderr(), "emulated-org: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(serve: Serve) -> Result<(), Box<dyn std::error::Error>> {
    let mut apps = Vec::new();
    for (consumer_key, path) in serve.app {
        let pem = std::fs::read_to_string(&path)
            .map_err(|error| format!("--app {consumer_key}: cannot read {}: {error}", path.display()))?;
        apps.push(App::pre_authorized(consumer_key, pem));
    }
    // Before the server starts, so that no signal falls between.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let org = EmulatedOrg::start(Options {
        bind: format!("{}:{}", serve.host, serve.port),
        sfdx_source: serve.sfdx,
        packages: serve.package,
        company: serve.company.map(|records| CompanyOptions {
            seed: serve.seed,
            records,
        }),
        apex_checker: serve.apex_checker,
        lightning: serve.lightning,
        edition: serve.edition,
        daily_api_limit: serve.daily_api_limit,
        my_domain: serve.my_domain,
        is_sandbox: serve.sandbox,
        ..Options::default()
    })
    .await?;
    for app in apps {
        org.register_app(app)?;
    }
    writeln!(
        io::stdout(),
        "emulated org at {} (admin {})",
        org.url(),
        org.admin_username()
    )?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    org.stop().await;
    Ok(())
}

fn parse_edition(text: &str) -> Result<Edition, String> {
    Edition::ALL
        .into_iter()
        .find(|edition| edition.name().eq_ignore_ascii_case(text))
        .ok_or_else(|| "expected Developer, Professional, Enterprise or Unlimited".to_owned())
}

fn parse_app(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((key, path)) if !key.is_empty() && !path.is_empty() => Ok((key.to_owned(), path.into())),
        _ => Err("expected consumer-key=path-of-a-PEM-file".to_owned()),
    }
}
