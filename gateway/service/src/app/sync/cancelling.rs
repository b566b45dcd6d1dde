//! Ending a run since a person asked for it.

use std::time::Duration;

use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::runs::{PartProgress, Run, RunState};
use causeway_core::ports::{Lane, StoreError};

use crate::app::App;
use crate::app::sync::SyncEnd;
use crate::app::sync::comparing::forget;
use crate::app::sync::lease::Lease;
use crate::app::sync::state::{Moved, move_run};

/// How often it is looked whether a person asked for a run's end.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why a run is not cancelled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// There is no such run.
    #[error("there is no such sync run")]
    NotFound,
    /// It has ended.
    #[error("sync {run} has ended already")]
    Ended {
        /// The run.
        run: RunId,
    },
    /// The store failed.
    #[error("the run could not be cancelled")]
    Store(#[from] StoreError),
}

/// Asks for a run's end. One that waits for a worker ends at once; one that is worked on ends behind the batch being
/// written. Asking twice is asking once.
///
/// # Errors
/// [`CancelError`]; the run stays as it was then.
pub async fn cancel(app: &App, connection: ConnectionId, run: RunId) -> Result<Run, CancelError> {
    let at = app.clock.now();
    let known = app
        .store
        .write(Lane::Interactive, move |tx| {
            let Some(known) = tx.run(connection, run)? else {
                return Ok(Err(CancelError::NotFound));
            };
            let state = match known.state {
                RunState::Queued => RunState::Cancelled,
                RunState::Running => RunState::Cancelling,
                RunState::Cancelling => return Ok(Ok(known)),
                RunState::Completed | RunState::Failed | RunState::Cancelled => {
                    return Ok(Err(CancelError::Ended { run }));
                }
            };
            tx.set_run_state(connection, run, state, None, at)?;
            Ok(tx.run(connection, run)?.ok_or(CancelError::NotFound))
        })
        .await??;
    app.sync_bell.notify_one();
    Ok(known)
}

/// Ends when a person asked for the run's end. What the store fails to tell is asked again.
pub(super) async fn asked(app: &App, connection: ConnectionId, run: RunId) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let known = app.store.read(move |tx| tx.run(connection, run)).await;
        if known.is_ok_and(|known| known.is_some_and(|known| known.state == RunState::Cancelling)) {
            return;
        }
    }
}

/// Ends a run for good, with the Bulk job that it waits for.
pub(super) async fn end(app: &App, run: RunId, lease: &Lease) -> Result<SyncEnd, StoreError> {
    let connection = lease.pass().connection();
    let known = app.store.read(move |tx| tx.run(connection, run)).await?;
    match move_run(app, run, lease, RunState::Cancelled, None).await? {
        Moved::Here => {}
        Moved::EndedAlready(end) => return Ok(end),
        Moved::LeaseLost | Moved::ToBeCancelled => return Ok(SyncEnd::Elsewhere),
    }
    if let Err(error) = forget(app, connection, run).await {
        tracing::warn!(%run, %error, "what a cancelled run saw could not be forgotten; it takes space");
    }
    for part in known.into_iter().flat_map(|run| run.parts) {
        if let PartProgress::Reading { job, .. } = part.progress {
            abort(app, connection, &job).await;
        }
    }
    Ok(SyncEnd::Cancelled)
}

/// Ends a query job and deletes it. Where that fails, Salesforce ends it by itself and deletes it after seven days.
async fn abort(app: &App, connection: ConnectionId, job: &str) {
    let known = match app.store.read(move |tx| tx.connection(connection)).await {
        Ok(Some(known)) => known,
        _ => return,
    };
    let Ok(salesforce) = app.salesforce_for(&known) else {
        return;
    };
    let aborted = match salesforce.abort_query_job(job).await {
        Ok(()) => salesforce.delete_query_job(job).await,
        refused => refused,
    };
    if let Err(failure) = aborted {
        tracing::info!(
            job,
            ?failure,
            "the query job of a cancelled sync could not be ended"
        );
    }
}
