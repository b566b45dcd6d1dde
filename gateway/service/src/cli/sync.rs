//! `causeway sync`.

mod progress;
mod summary;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::runs::RunKind;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{CommandError, Outcome, output};
use crate::app::App;
use crate::app::sync::progress::SyncProgress;
use crate::app::sync::{self, SyncEnd};

use progress::Display;

/// Carries a sync out with its progress. While another process does, its progress is shown, and should it die the
/// run goes on here.
pub(super) async fn run(app: &Arc<App>, kind: RunKind, connection: &str) -> Outcome {
    let connection = super::connection::find(app, connection).await?;
    let began = Instant::now();
    let run = sync::start(app, connection.id, kind, Vec::new())
        .await
        .map_err(|error| CommandError::new(error.to_string()))?;
    output::note(&format!("{} sync {run} of {}", name(kind), connection.name));
    let mut end = carry_out(app, connection.id, run).await?;
    while end == SyncEnd::Elsewhere {
        end = carry_out(app, connection.id, run).await?;
    }
    if end == SyncEnd::Stopped {
        output::note(&format!(
            "stopped; sync {run} goes on where it is when the same command, or `causeway serve`, is started"
        ));
        return Ok(ExitCode::from(130));
    }
    summary::print(app, connection.id, run, began.elapsed()).await
}

fn name(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Initial => "initial",
        RunKind::Instant => "instant",
        RunKind::Reconcile => "reconciling",
    }
}

/// Works on the run in this process. Ctrl-C stops it between two batches.
async fn carry_out(app: &Arc<App>, connection: ConnectionId, run: RunId) -> Result<SyncEnd, CommandError> {
    let (sender, receiver) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let display = tokio::spawn(show(receiver));
    let on_signal = tokio::spawn({
        let stop = stop.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        }
    });
    let end = Box::pin(sync::run_to_end(app, connection, run, &sender, &stop)).await;
    drop(sender);
    on_signal.abort();
    if display.await.is_err() {
        tracing::debug!("the progress display broke");
    }
    end.map_err(|error| CommandError::new(error.to_string()))
}

/// Shows progress until its source ends.
async fn show(mut progress: watch::Receiver<SyncProgress>) {
    let mut display = Display::new();
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        display.show(&now);
    }
    display.finish();
}
