//! Where a run stands, moved by the holder of its connection's lease alone.

use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::runs::{Run, RunState};
use causeway_core::ports::{Lane, StoreError};

use crate::app::App;
use crate::app::sync::SyncEnd;
use crate::app::sync::comparing::forget;
use crate::app::sync::lease::Lease;

/// How a run ended; `None` while it has not.
pub(super) fn end_of(run: &Run) -> Option<SyncEnd> {
    match run.state {
        RunState::Queued | RunState::Running | RunState::Cancelling => None,
        RunState::Cancelled => Some(SyncEnd::Cancelled),
        RunState::Completed => Some(SyncEnd::Completed),
        RunState::Failed => Some(SyncEnd::Failed {
            error: run.error.clone().unwrap_or_default(),
        }),
    }
}

/// Fails a run that was tried often enough, unless somebody else has taken it up by now.
pub(super) async fn give_up(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    error: String,
) -> Result<SyncEnd, StoreError> {
    let Some(lease) = Lease::take(app, connection, run).await? else {
        return Ok(SyncEnd::Elsewhere);
    };
    let end = fail(app, run, &lease, error).await;
    lease.release().await;
    end
}

/// Fails an unfinished run for good.
pub(super) async fn fail(app: &App, run: RunId, lease: &Lease, error: String) -> Result<SyncEnd, StoreError> {
    let moved = match move_run(app, run, lease, RunState::Failed, Some(error.clone())).await {
        Err(StoreError::Corrupt { .. }) => fail_unread(app, run, lease, error.clone()).await?,
        moved => moved?,
    };
    match moved {
        Moved::Here => {
            tracing::error!(%run, error, "the sync failed");
            if let Err(error) = forget(app, lease.pass().connection(), run).await {
                tracing::warn!(%run, %error, "what a failed run saw could not be forgotten; it takes space");
            }
            Ok(SyncEnd::Failed { error })
        }
        Moved::EndedAlready(end) => Ok(end),
        Moved::LeaseLost | Moved::ToBeCancelled => Ok(SyncEnd::Elsewhere),
    }
}

/// What moving a run came to.
pub(super) enum Moved {
    Here,
    /// The run has ended; nothing is written.
    EndedAlready(SyncEnd),
    LeaseLost,
    /// A person asked for its end, so it is not begun again.
    ToBeCancelled,
}

/// Moves an unfinished run to a state, while the lease is held.
pub(super) async fn move_run(
    app: &App,
    run: RunId,
    lease: &Lease,
    state: RunState,
    error: Option<String>,
) -> Result<Moved, StoreError> {
    let (pass, at) = (lease.pass(), app.clock.now());
    app.store
        .write(Lane::Interactive, move |tx| {
            if !pass.check(tx, at)? {
                return Ok(Moved::LeaseLost);
            }
            let connection = pass.connection();
            let known = tx.run(connection, run)?;
            if let Some(end) = known.as_ref().and_then(end_of) {
                return Ok(Moved::EndedAlready(end));
            }
            if state == RunState::Running && known.is_some_and(|known| known.state == RunState::Cancelling) {
                return Ok(Moved::ToBeCancelled);
            }
            tx.set_run_state(connection, run, state, error.as_deref(), at)?;
            Ok(Moved::Here)
        })
        .await
}

/// Fails a run that cannot be read: else it would be taken up again for ever.
async fn fail_unread(app: &App, run: RunId, lease: &Lease, error: String) -> Result<Moved, StoreError> {
    let (pass, at) = (lease.pass(), app.clock.now());
    app.store
        .write(Lane::Interactive, move |tx| {
            if !pass.check(tx, at)? {
                return Ok(Moved::LeaseLost);
            }
            tx.set_run_state(pass.connection(), run, RunState::Failed, Some(&error), at)?;
            Ok(Moved::Here)
        })
        .await
}
