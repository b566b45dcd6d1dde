//! The gateway's configuration: defaults, overridden by a TOML file, overridden by the environment.
//!
//! It is read once, checked as a whole and handed on as values. A key that is not known is an error, since a
//! misspelled limit that silently keeps its default is found only in an incident.

mod check;
mod read;
mod show;
pub(crate) mod toml;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use causeway_core::package::PackageRelease;
use secrecy::{SecretBox, SecretString};

pub use show::redacted;

/// Where configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A TOML file (`--config`, else the variable `CAUSEWAY_CONFIG`).
    pub file: Option<PathBuf>,
    /// Environment variables. Those called `CAUSEWAY__SECTION__KEY` count.
    pub environment: Vec<(String, String)>,
}

/// The checked configuration.
#[derive(Debug)]
pub struct Config {
    /// The HTTP server.
    pub http: Http,
    /// URL of the store, with an absolute path for SQLite. May hold a password.
    pub store_url: SecretString,
    /// The key under which secrets lie in the store: 32 bytes.
    pub master_key: SecretBox<[u8]>,
    /// Background work.
    pub workers: Workers,
    /// What one caller may ask of the gateway.
    pub limits: Limits,
    /// Bearer token that `/metrics` asks for. Without one it answers loopback callers only.
    pub metrics_token: Option<SecretString>,
    /// Who helps people that use the gateway.
    pub support: Support,
    /// The latest version of the package in an org.
    pub package: PackageRelease,
    /// Logging.
    pub log: Log,
}

/// The HTTP server.
#[derive(Debug, Clone)]
pub struct Http {
    /// Where it listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How callers reach the gateway, without a slash at the end. It is the audience that every token must name.
    /// `None`: the address the server listens on, which is then a loopback address.
    pub public_url: Option<String>,
    /// Threads that serve requests.
    pub threads: usize,
}

/// Background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Workers {
    /// Workers that decide what came in.
    pub inbox: usize,
    /// Workers that write to Salesforce.
    pub outbox: usize,
    /// How long a write to Salesforce may take.
    pub write_within: Duration,
    /// How long Salesforce may still work on a request whose answer nobody waits for any more.
    pub unanswered_within: Duration,
    /// Connections that are synced at a time.
    pub syncs: usize,
    /// How often what changed in Salesforce is read without being asked for; `None`: never.
    pub instant_every: Option<Duration>,
    /// How long work stays with the worker that took it up. After a crash this is how long it lies still where
    /// several gateways share the database.
    pub lease: Duration,
    /// How long a stop waits for requests and workers to finish.
    pub stop_within: Duration,
}

/// What one caller may ask of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Greatest body of `POST /v1/salesforce/changes` and `POST /v1/records/{object}`, in bytes.
    pub changes_bytes: usize,
    /// Greatest body of every other request, in bytes.
    pub body_bytes: usize,
    /// How long a client may take to send the head of a request.
    pub head_within: Duration,
    /// How long a client may take to send the body of a request.
    pub body_within: Duration,
    /// Connections that are served at once by each thread.
    pub connections: usize,
}

/// Who helps people that use the gateway; shown on the package's pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Support {
    /// E-mail address.
    pub email: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

/// Logging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Filter in the form of `tracing`: `info`, `info,causeway=debug`, ….
    pub filter: String,
    /// Form of a line.
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or is no TOML.
    #[error("{path}: {message}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and where.
        message: String,
    },
    /// Some keys are unknown or hold what they cannot hold.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Invalid(Vec<ConfigProblem>),
}

/// One thing wrong with the configuration, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}{}: {message}", .origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default())]
pub struct ConfigProblem {
    /// The key: `http.public_url`.
    pub key: String,
    /// The file or the variable that set it; none for a default.
    pub origin: Option<String>,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl Config {
    /// Reads and checks the configuration.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] when the file cannot be read at all, else [`ConfigError::Invalid`] with every
    /// problem found.
    pub fn load(sources: &Sources) -> Result<Config, ConfigError> {
        let (raw, origins) = read::read(sources)?;
        check::check(raw, &origins)
    }
}
