//! What the end-to-end scenarios and the demo share: the gateway's binary as a process, a partner system, the
//! package's pump, and a REST client of the org that shares nothing with the gateway's own.
#![expect(
    clippy::indexing_slicing,
    reason = "reading a JSON value by name never panics: what is missing is null"
)]

pub mod chaos;
pub mod company;
pub mod gateway;
pub mod org_client;
pub mod partner;
pub mod pump;

/// What a scenario stumbled over. Scenarios and the demo stop at it.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A process could not be started, or ended when it should not.
    #[error("{0}")]
    Process(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which one.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// No answer came.
    #[error("no answer: {}", with_causes(.0))]
    Http(#[from] reqwest::Error),
    /// An answer other than the one hoped for.
    #[error("{method} {url} answered {status}: {body}")]
    Answer {
        /// Method.
        method: String,
        /// Address.
        url: String,
        /// Status.
        status: u16,
        /// Body.
        body: String,
    },
    /// A token could not be signed.
    #[error("signing: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// An answer without what should be in it.
    #[error("the answer has no {0}")]
    Missing(&'static str),
    /// Something did not happen in time.
    #[error("waited {seconds} s for {what}")]
    Timeout {
        /// What was waited for.
        what: String,
        /// How long.
        seconds: u64,
    },
}

/// An error with everything that led to it: reqwest names the address alone.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
