//! Working on a run until it ends.

use std::time::Duration;

use causeway_core::failure::{NextStep, Policy};
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::StoreError;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::failure::told;
use crate::app::sync::once::run_once;
use crate::app::sync::progress::SyncProgress;
use crate::app::sync::state::{end_of, give_up};
use crate::app::sync::{SyncEnd, cancelling};

/// How often a run that another worker works on is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Works on a run until it ends, trying again after what passes, on the schedule of the options.
///
/// While another worker holds the connection's lease its progress is shown. If that worker is dead, its lease runs
/// out and the run goes on here; if it lives beyond that, the end is [`SyncEnd::Elsewhere`].
///
/// # Errors
/// When the store fails for good; the run can be taken up again.
pub async fn run_to_end(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    progress: &watch::Sender<SyncProgress>,
    stop: &CancellationToken,
) -> Result<SyncEnd, StoreError> {
    let own = Semaphore::new(1);
    Box::pin(run_to_end_in_turn(app, connection, run, progress, stop, &own)).await
}

/// As [`run_to_end`], sharing `slots` with other runs. A slot is held while the run is worked on and given back for
/// each pause, so that a run that waits keeps nobody else waiting.
///
/// # Errors
/// As [`run_to_end`].
pub async fn run_to_end_in_turn(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    progress: &watch::Sender<SyncProgress>,
    stop: &CancellationToken,
    slots: &Semaphore,
) -> Result<SyncEnd, StoreError> {
    let mut attempt = 1;
    let mut elsewhere: Option<Ticks> = None;
    loop {
        let reached = progress.borrow().reached();
        let end = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(SyncEnd::Stopped),
            // The slots are never closed; without one the run would be worked on all the same.
            _slot = slots.acquire() => Box::pin(run_once(app, connection, run, progress, stop)).await?,
        };
        let delay = match &end {
            SyncEnd::Elsewhere => {
                let since = *elsewhere.get_or_insert_with(Ticks::now);
                if since.elapsed() > app.options.sync_lease * 3 / 2 {
                    return Ok(end);
                }
                if let Some(end) = look_on(app, connection, run, progress).await? {
                    return Ok(end);
                }
                LOOK_EVERY
            }
            SyncEnd::Passing { failure, policy } => {
                elsewhere = None;
                if progress.borrow().reached() > reached {
                    // It got on: what came in between is a new matter.
                    attempt = 1;
                }
                let Some(delay) = wait(app, attempt, policy) else {
                    return give_up(app, connection, run, told(failure, policy)).await;
                };
                if policy.next == NextStep::Pause {
                    // Told by the store, which knows how often it was told already; and no try of the schedule's.
                    tracing::debug!(%connection, %run, ?failure, ?delay, "the sync goes on after a pause");
                } else {
                    tracing::warn!(%connection, %run, ?failure, ?delay, "the sync goes on after a pause");
                    attempt += 1;
                }
                delay
            }
            SyncEnd::Completed | SyncEnd::Failed { .. } | SyncEnd::Cancelled | SyncEnd::Stopped => {
                return Ok(end);
            }
        };
        let wakes = async {
            tokio::select! {
                () = cancelling::asked(app, connection, run) => {}
                () = app.budget_bell.notified() => {}
            }
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = wakes => {}
            () = stop.cancelled() => return Ok(SyncEnd::Stopped),
        }
    }
}

/// Shows how far another worker is, and how the run ended if it did.
async fn look_on(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    progress: &watch::Sender<SyncProgress>,
) -> Result<Option<SyncEnd>, StoreError> {
    let (state, plans) = app
        .store
        .read(move |tx| Ok((tx.run(connection, run)?, tx.plans(connection)?)))
        .await?;
    let Some(state) = state else {
        return Ok(None);
    };
    progress.send_replace(SyncProgress::new(&state, &plans));
    Ok(end_of(&state))
}

/// How long to wait before the run is taken up again; `None` when it was tried often enough.
fn wait(app: &App, attempt: u32, policy: &Policy) -> Option<Duration> {
    match policy.next {
        // The daily allowance frees hour by hour; that is waited for as long as it takes.
        NextStep::Park => Some(app.options.parked),
        NextStep::Pause => Some(app.options.store_pause),
        _ => app.options.sync_retries.delay(attempt, rand::random()),
    }
}
