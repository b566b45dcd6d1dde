//! `causeway openapi`.

use std::process::ExitCode;

use super::{CommandError, Outcome, output};
use crate::http;

/// Prints the OpenAPI document.
pub(super) fn print() -> Outcome {
    let document = http::openapi_json().map_err(CommandError::new)?;
    output::line(&document);
    Ok(ExitCode::SUCCESS)
}
