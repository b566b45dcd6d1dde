//! `causeway serve`.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, Outcome, output};
use crate::config::Config;
use crate::startup;

/// Serves until SIGTERM or SIGINT.
pub(super) async fn serve(config: Config) -> Outcome {
    let failed = |error: std::io::Error| CommandError::new(format!("signals cannot be awaited: {error}"));
    // Before anything starts, so that a signal during start-up is not lost.
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let gateway = startup::spawn(config)
        .await
        .map_err(|error| CommandError::new(error.to_string()))?;
    output::note(&format!("causeway serves on {}", gateway.url()));
    let mut gateway = gateway;
    let stopped_by_itself = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
        () = gateway.ended() => true,
    };
    output::note("stopping: finishing what was begun");
    gateway.stop().await;
    if stopped_by_itself {
        return Err(CommandError::new(
            "the HTTP server ended by itself; the log says why",
        ));
    }
    Ok(ExitCode::SUCCESS)
}
