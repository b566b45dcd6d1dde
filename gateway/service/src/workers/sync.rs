//! The loop that takes sync runs up: new ones, and those that a crash or a stop left unfinished.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::StoreError;
use causeway_core::ports::runs::RunKind;
use tokio::sync::{Semaphore, watch};
use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::failure::passes;
use crate::app::sync::progress::SyncProgress;
use crate::app::sync::{SyncEnd, run_to_end_in_turn};
use crate::workers::complain;

/// Takes up every unfinished run; at most `at_once` of them are worked on at a time. The others wait for their turn
/// or for a pause of their own to end.
pub(super) async fn run(app: Arc<App>, at_once: usize, poll: Duration, stop: CancellationToken) {
    let mut running: JoinSet<()> = JoinSet::new();
    let mut busy: HashMap<task::Id, (ConnectionId, bool)> = HashMap::new();
    let slots = Arc::new(Semaphore::new(at_once));
    while !stop.is_cancelled() {
        match unfinished(&app).await {
            Ok(runs) => {
                for Unfinished {
                    connection,
                    run,
                    instant,
                } in runs
                {
                    // An instant sync goes on beside a long run over everything.
                    if busy.values().all(|other| *other != (connection, instant)) {
                        let slots = Arc::clone(&slots);
                        let work = work(Arc::clone(&app), connection, run, slots, stop.clone());
                        busy.insert(running.spawn(work).id(), (connection, instant));
                    }
                }
            }
            Err(error) => complain(&error, "sync runs could not be read"),
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

struct Unfinished {
    connection: ConnectionId,
    run: RunId,
    instant: bool,
}

async fn unfinished(app: &App) -> Result<Vec<Unfinished>, StoreError> {
    app.store
        .read(|tx| {
            let mut unfinished = Vec::new();
            for (connection, run) in tx.unfinished_runs()? {
                // A run that cannot be read is taken up all the same: it is failed then.
                let instant = match tx.run(connection, run) {
                    Ok(state) => state.is_some_and(|state| state.kind == RunKind::Instant),
                    Err(StoreError::Corrupt { .. }) => false,
                    Err(error) => return Err(error),
                };
                unfinished.push(Unfinished {
                    connection,
                    run,
                    instant,
                });
            }
            Ok(unfinished)
        })
        .await
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
        Ok(SyncEnd::Cancelled) => tracing::info!(%connection, %run, "sync cancelled"),
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
            // The run could not even be marked as failed.
            let pause = if passes(&error) {
                app.options.store_pause
            } else {
                app.options.sync_retries.longest
            };
            tracing::error!(%connection, %run, %error, ?pause, "sync could not go on; it is taken up again");
            leave_alone(pause, &stop).await;
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
