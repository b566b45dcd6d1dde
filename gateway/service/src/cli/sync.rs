//! `causeway sync`.

mod progress;
mod summary;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::StoreError;
use causeway_core::ports::runs::RunState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{CommandError, Outcome, output};
use crate::app::initial_sync::progress::SyncProgress;
use crate::app::initial_sync::{self, SyncEnd};
use crate::app::read;
use crate::app::{App, directory};

use progress::Display;

/// How often a run that another process carries out is looked at.
const WATCH_EVERY: Duration = Duration::from_millis(500);

/// Carries an initial sync out with its progress, or watches the process that does.
pub(super) async fn initial(app: &Arc<App>, connection: &str, wait: bool) -> Outcome {
    let connection = super::connection::find(app, connection).await?;
    let began = Instant::now();
    let run = initial_sync::start(app, connection.id, Vec::new())
        .await
        .map_err(|error| CommandError::new(error.to_string()))?;
    output::note(&format!("initial sync {run} of {}", connection.name));
    let end = carry_out(app, connection.id, run).await?;
    match end {
        SyncEnd::Elsewhere if !wait => {
            output::note(&format!(
                "another process carries sync {run} out; watch it with --wait, or with GET /v1/syncs/{run}"
            ));
            return Ok(ExitCode::SUCCESS);
        }
        SyncEnd::Elsewhere => watch_to_end(app, connection.id, run).await?,
        SyncEnd::Stopped => {
            output::note(&format!(
                "stopped; sync {run} goes on where it is when the same command, or `causeway serve`, is started"
            ));
            return Ok(ExitCode::from(130));
        }
        SyncEnd::Completed | SyncEnd::Failed { .. } | SyncEnd::Passing { .. } => {}
    }
    summary::print(app, connection.id, run, began.elapsed()).await
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
    let end = Box::pin(initial_sync::run_to_end(app, connection, run, &sender, &stop)).await;
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

async fn watch_to_end(app: &Arc<App>, connection: ConnectionId, run: RunId) -> Result<(), CommandError> {
    let failed = |error: StoreError| CommandError::new(error.to_string());
    let mut display = Display::new();
    loop {
        let Some(seen) = read::run(app, connection, run).await.map_err(failed)? else {
            return Err(CommandError::new(format!("sync {run} is gone")));
        };
        let plans = directory::plans(app, connection).await.map_err(failed)?;
        display.show(&SyncProgress::new(&seen, &plans));
        if matches!(seen.state, RunState::Completed | RunState::Failed) {
            display.finish();
            return Ok(());
        }
        tokio::time::sleep(WATCH_EVERY).await;
    }
}
