//! The loop that takes sync runs up: new ones, and those that a crash or a stop left unfinished.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::id::{ConnectionId, RunId};
use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::initial_sync::progress::SyncProgress;
use crate::app::initial_sync::{SyncEnd, run_to_end_in_turn};

/// Takes up every unfinished run; at most `at_once` of them are worked on at a time. The others wait for their turn
/// or for a pause of their own to end.
pub(super) async fn run(app: Arc<App>, at_once: usize, poll: Duration, stop: CancellationToken) {
    let mut running: JoinSet<()> = JoinSet::new();
    let mut busy: HashMap<task::Id, ConnectionId> = HashMap::new();
    let slots = Arc::new(Semaphore::new(at_once));
    while !stop.is_cancelled() {
        match app.store.read(|tx| tx.unfinished_runs()).await {
            Ok(runs) => {
                for (connection, run) in runs {
                    if busy.values().all(|other| *other != connection) {
                        let slots = Arc::clone(&slots);
                        let work = work(Arc::clone(&app), connection, run, slots, stop.clone());
                        busy.insert(running.spawn(work).id(), connection);
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "sync runs could not be read"),
        }
        tokio::select! {
            Some(ended) = running.join_next_with_id() => match ended {
                Ok((task, ())) => {
                    busy.remove(&task);
                }
                Err(error) => {
                    tracing::error!(%error, "a sync ended by a defect");
                    busy.remove(&error.id());
                }
            },
            () = app.sync_bell.notified() => {}
            () = tokio::time::sleep(poll) => {}
            () = stop.cancelled() => {}
        }
    }
    while running.join_next().await.is_some() {}
}

async fn work(
    app: Arc<App>,
    connection: ConnectionId,
    run: RunId,
    slots: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let (progress, _) = watch::channel(SyncProgress::default());
    let moment = app.options.sync_lease / 3;
    match Box::pin(run_to_end_in_turn(
        &app, connection, run, &progress, &stop, &slots,
    ))
    .await
    {
        Ok(SyncEnd::Completed) => tracing::info!(%connection, %run, "sync completed"),
        Ok(SyncEnd::Failed { error }) => tracing::error!(%connection, %run, error, "sync failed"),
        Ok(SyncEnd::Elsewhere) => {
            tracing::debug!(%connection, %run, "another worker syncs this connection");
            leave_alone(moment, &stop).await;
        }
        Ok(SyncEnd::Stopped | SyncEnd::Passing { .. }) => {
            tracing::info!(%connection, %run, "sync paused; it goes on later");
            leave_alone(moment, &stop).await;
        }
        Err(error) => {
            tracing::error!(%connection, %run, %error, "sync could not go on");
            // The run could not even be marked as failed; the store will hardly mend within moments.
            leave_alone(app.options.sync_retries.longest, &stop).await;
        }
    }
}

/// Keeps a connection out of this worker's hands for a while, so that its lease is not asked for at every poll.
async fn leave_alone(span: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(span) => {}
        () = stop.cancelled() => {}
    }
}
