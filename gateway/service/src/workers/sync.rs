//! The loop that takes sync runs up: new ones, and those that a crash or a stop left unfinished.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::id::{ConnectionId, RunId};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::initial_sync::progress::SyncProgress;
use crate::app::initial_sync::{SyncEnd, run_to_end};

pub(super) async fn run(app: Arc<App>, at_once: usize, poll: Duration, stop: CancellationToken) {
    let mut running: JoinSet<ConnectionId> = JoinSet::new();
    let mut busy: BTreeSet<ConnectionId> = BTreeSet::new();
    while !stop.is_cancelled() {
        match app.store.read(|tx| tx.unfinished_runs()).await {
            Ok(runs) => {
                for (connection, run) in runs {
                    if running.len() < at_once && busy.insert(connection) {
                        running.spawn(work(Arc::clone(&app), connection, run, stop.clone()));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "sync runs could not be read"),
        }
        tokio::select! {
            Some(ended) = running.join_next() => match ended {
                Ok(connection) => {
                    busy.remove(&connection);
                }
                // Its connection is not told; all but the living are let go.
                Err(error) => {
                    tracing::error!(%error, "a sync ended by a defect");
                    if running.is_empty() {
                        busy.clear();
                    }
                }
            },
            () = app.sync_bell.notified() => {}
            () = tokio::time::sleep(poll) => {}
            () = stop.cancelled() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn work(app: Arc<App>, connection: ConnectionId, run: RunId, stop: CancellationToken) -> ConnectionId {
    let (progress, _) = watch::channel(SyncProgress::default());
    match Box::pin(run_to_end(&app, connection, run, &progress, &stop)).await {
        Ok(SyncEnd::Completed) => tracing::info!(%connection, %run, "sync completed"),
        Ok(SyncEnd::Failed { error }) => tracing::error!(%connection, %run, error, "sync failed"),
        Ok(SyncEnd::Elsewhere) => {
            tracing::debug!(%connection, %run, "another worker syncs this connection");
            leave_alone(&app, &stop).await;
        }
        Ok(SyncEnd::Stopped | SyncEnd::Passing { .. }) => {
            tracing::info!(%connection, %run, "sync paused; it goes on later");
            leave_alone(&app, &stop).await;
        }
        Err(error) => {
            tracing::error!(%connection, %run, %error, "sync could not go on");
            leave_alone(&app, &stop).await;
        }
    }
    connection
}

/// Keeps a connection out of this worker's hands for a while, so that its lease is not asked for at every poll.
async fn leave_alone(app: &App, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(app.options.sync_lease / 3) => {}
        () = stop.cancelled() => {}
    }
}
