//! `causeway config check`.

use std::process::ExitCode;

use super::output;
use crate::config::{Config, ConfigError, Sources, redacted};

/// Prints the configuration in force, or everything that is wrong with it.
pub(super) fn check(sources: &Sources) -> ExitCode {
    match Config::load(sources) {
        Ok(config) => {
            output::block(&redacted(&config));
            ExitCode::SUCCESS
        }
        Err(ConfigError::Invalid(problems)) => {
            for problem in &problems {
                output::error(&problem.to_string());
            }
            ExitCode::from(1)
        }
        Err(unreadable @ ConfigError::Unreadable { .. }) => {
            output::error(&unreadable.to_string());
            ExitCode::from(2)
        }
    }
}
