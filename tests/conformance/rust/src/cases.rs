//! Runs named cases one after another and writes one JSON line for each: what scripts/conformance reads.

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

/// How a case ends.
pub type Checked<T = ()> = Result<T, Box<dyn Error>>;

/// What a case may take at most: a client that hangs must not hang the run.
const PATIENCE: Duration = Duration::from_secs(60);

/// A setting from scripts/conformance.
pub fn environment(name: &str) -> Checked<String> {
    std::env::var(name)
        .map_err(|_| format!("{name} is not set: start this through scripts/conformance").into())
}

/// The file of results.
pub struct Cases(File);

impl Cases {
    /// Opens the file of results.
    pub fn open() -> Checked<Self> {
        let path = environment("CONFORMANCE_RESULTS")?;
        Ok(Self(OpenOptions::new().create(true).append(true).open(path)?))
    }

    /// Runs one case, which passes if it answers, and hands back its answer.
    pub async fn case<T>(
        &mut self,
        name: &str,
        check: impl Future<Output = Checked<T>>,
    ) -> Checked<Option<T>> {
        let outcome = tokio::time::timeout(PATIENCE, check)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs()).into()));
        let (line, value) = match outcome {
            Ok(value) => (json!({ "name": name, "passed": true }), Some(value)),
            Err(error) => {
                let detail: String = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
                (json!({ "name": name, "passed": false, "detail": detail }), None)
            }
        };
        writeln!(self.0, "{line}")?;
        Ok(value)
    }
}

/// Fails with both values where they differ.
pub fn equal<T: PartialEq + std::fmt::Debug>(actual: T, expected: T) -> Checked {
    if actual == expected {
        Ok(())
    } else {
        Err(format!("expected {expected:?}, got {actual:?}").into())
    }
}

/// Fails where a condition does not hold.
pub fn holds(condition: bool, what: impl std::fmt::Debug) -> Checked {
    if condition {
        Ok(())
    } else {
        Err(format!("does not hold: {what:?}").into())
    }
}
