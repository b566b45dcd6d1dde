//! The command line.

mod config_check;
mod connection;
mod connection_file;
mod keys;
mod mapping;
mod openapi;
pub mod output;
mod secret_file;
mod serve;
mod sync;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use causeway_core::ports::runs::RunKind;
use clap::{Parser, Subcommand};

use crate::app::App;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Log, Sources};
use crate::{failpoint, startup, telemetry};

/// Shown with `causeway connection add --help`.
const CONNECTION_FILE: &str = r#"The file, with paths counted from its own folder:

  name = "acme"
  tenant = "acme"
  environment = "production"                      # or "sandbox"
  login_url = "https://login.salesforce.com"      # or test.salesforce.com, or your My Domain
  consumer_key = "3MVG9..."
  username = "integration@acme.example"
  private_key_file = "app.key"                    # see `causeway keys app`
  api_version = "67.0"
  daily_calls = 20000                             # Salesforce calls in 24 hours; without it half the org's allowance

  [[client]]                                      # who may call the gateway
  id = "pump"
  scopes = ["salesforce:write"]
  generate_secret_file = "pump.secret"            # or secret_file, or public_key_file

  [[user]]                                        # the partner's users, matched by e-mail
  id = "u-1"
  email = "ada@example.com"
  name = "Ada"

Scopes: salesforce:write, records:read, records:write, syncs:read, syncs:write, logs:read, decisions:write,
connection:read, connection:write, embed:write, embed:templates.
A shared secret is used as the text it is."#;

/// Links Salesforce orgs with partner systems.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, about)]
struct Arguments {
    /// Configuration file (TOML). Variables called CAUSEWAY__SECTION__KEY override it.
    #[arg(long, global = true, env = "CAUSEWAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ends the process at a named place, as a crash would; for tests.
    #[arg(long, global = true, hide = true, value_name = "NAME[:N]")]
    failpoint: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve HTTP, decide what comes in and carry out sync runs, until SIGTERM or SIGINT.
    Serve,
    /// The configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Keys of the gateway.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Connections: one Salesforce org linked with one partner account.
    #[command(subcommand)]
    Connection(ConnectionCommand),
    /// Mappings of objects and fields.
    #[command(subcommand)]
    Mapping(MappingCommand),
    /// Sync runs.
    #[command(subcommand)]
    Sync(SyncCommand),
    /// Print the OpenAPI document of the HTTP interface.
    Openapi,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print the configuration in force without its secrets, or everything that is wrong with it. Exit code 0: it is
    /// good; 1: keys are wrong; 2: it cannot be read at all.
    Check,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a master key, under which secrets lie in the store. Keep it apart from the database's backups.
    Master {
        /// Write it to a new file that only its owner may read, rather than print it.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make the key pair of a Salesforce app: `app.key` stays with the gateway, `app.crt` goes to Salesforce.
    App {
        /// The folder to write both into; it is made where missing.
        #[arg(long, value_name = "FOLDER")]
        out: PathBuf,
        /// Days until the certificate must be replaced.
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3650))]
        days: i64,
    },
}

#[derive(Debug, Subcommand)]
enum ConnectionCommand {
    /// Add a connection with its clients and partner users.
    #[command(after_help = CONNECTION_FILE)]
    Add {
        /// What to add (TOML).
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// List connections.
    List,
    /// Show a connection without its secrets.
    Show {
        /// The connection.
        name: String,
    },
    /// Make a code with which the package of the connection's org is paired with this gateway, once.
    Pair {
        /// The connection.
        name: String,
        /// How long the code is good for.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=10_080))]
        minutes: u64,
    },
}

#[derive(Debug, Subcommand)]
enum MappingCommand {
    /// Check mapping documents against the org and put them in force.
    Apply {
        /// The connection.
        #[arg(long, value_name = "NAME")]
        connection: String,
        /// Mapping documents (JSON).
        #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
        file: Vec<PathBuf>,
    },
    /// List the mappings in force.
    List {
        /// The connection.
        #[arg(long, value_name = "NAME")]
        connection: String,
    },
    /// Print a mapping's document.
    Show {
        /// The connection.
        #[arg(long, value_name = "NAME")]
        connection: String,
        /// Partner object.
        object: String,
    },
}

#[derive(Debug, Subcommand)]
enum SyncCommand {
    /// Carry everything that is mapped over from Salesforce. A run that was interrupted goes on where it stopped.
    Initial {
        /// The connection.
        #[arg(long, value_name = "NAME")]
        connection: String,
    },
    /// Carry over what changed or was deleted in Salesforce since the last sync.
    Instant {
        /// The connection.
        #[arg(long, value_name = "NAME")]
        connection: String,
    },
    /// Compare everything that is mapped with Salesforce, mend what differs, and look up what Salesforce does not show.
    Reconcile {
        /// The connection.
        #[arg(long, value_name = "NAME")]
        connection: String,
    },
}

/// What a command ends with: text for people on failure.
type Outcome = Result<ExitCode, CommandError>;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    message: String,
    code: u8,
}

impl CommandError {
    /// A failure that a person reads.
    pub fn new(message: impl Into<String>) -> Self {
        CommandError {
            message: message.into(),
            code: 1,
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(&format!("the runtime does not start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error.message);
            ExitCode::from(error.code)
        }
    }
}

async fn run(arguments: Arguments) -> Outcome {
    if let Some(spec) = &arguments.failpoint {
        failpoint::arm(spec).map_err(|error| CommandError::new(format!("--failpoint: {error}")))?;
    }
    let sources = Sources {
        file: arguments.config,
        environment: std::env::vars().collect(),
    };
    match arguments.command {
        Command::Serve => {
            let config = read(&sources)?;
            telemetry::start(&config.log);
            serve::serve(config).await
        }
        Command::Config(ConfigCommand::Check) => Ok(config_check::check(&sources)),
        Command::Keys(KeysCommand::Master { out }) => keys::master(out.as_deref()),
        Command::Keys(KeysCommand::App { out, days }) => keys::app(&out, SystemClock.now(), days),
        Command::Connection(command) => {
            let config = load(&sources)?;
            with_app(&config, async |app| match command {
                ConnectionCommand::Add { file } => connection::add(app, &file).await,
                ConnectionCommand::List => connection::list(app).await,
                ConnectionCommand::Show { name } => connection::show(app, &name).await,
                ConnectionCommand::Pair { name, minutes } => {
                    connection::pair(app, &name, minutes, config.http.public_url.as_deref()).await
                }
            })
            .await
        }
        Command::Mapping(command) => {
            let config = load(&sources)?;
            with_app(&config, async |app| match command {
                MappingCommand::Apply { connection, file } => mapping::apply(app, &connection, &file).await,
                MappingCommand::List { connection } => mapping::list(app, &connection).await,
                MappingCommand::Show { connection, object } => mapping::show(app, &connection, &object).await,
            })
            .await
        }
        Command::Sync(command) => {
            let config = load(&sources)?;
            let (kind, connection) = match command {
                SyncCommand::Initial { connection } => (RunKind::Initial, connection),
                SyncCommand::Instant { connection } => (RunKind::Instant, connection),
                SyncCommand::Reconcile { connection } => (RunKind::Reconcile, connection),
            };
            with_app(&config, async |app| sync::run(app, kind, &connection).await).await
        }
        Command::Openapi => openapi::print(),
    }
}

/// The configuration of a command that ends by itself. It speaks to a person, so only what goes wrong is logged.
fn load(sources: &Sources) -> Result<Config, CommandError> {
    let config = read(sources)?;
    telemetry::start(&Log {
        filter: "warn".to_owned(),
        ..config.log.clone()
    });
    Ok(config)
}

fn read(sources: &Sources) -> Result<Config, CommandError> {
    Config::load(sources).map_err(|error| {
        CommandError::new(format!(
            "{error}\nrun `causeway config check` to see the configuration"
        ))
    })
}

/// Runs a command on an app, and closes the store whatever the command ends with.
async fn with_app(config: &Config, command: impl AsyncFnOnce(&Arc<App>) -> Outcome) -> Outcome {
    let app = startup::build_app(config)
        .await
        .map_err(|error| CommandError::new(error.to_string()))?;
    let outcome = command(&app).await;
    app.store.clone().close().await;
    outcome
}
