//! One execution of a run.

use std::sync::Arc;

use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::connections::Connection;
use causeway_core::ports::runs::{PartProgress, Run, RunKind, RunState};
use causeway_core::ports::{Lane, StoreError};
use tokio::sync::{OnceCell, watch};
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::failure::store_failure;
use crate::app::org::{remember_allowance, remember_org};
use crate::app::settings;
use crate::app::sync::comparing::forget;
use crate::app::sync::failing::{Interrupt, conclude, passing, passing_or_not};
use crate::app::sync::lease::Lease;
use crate::app::sync::part::PartWork;
use crate::app::sync::progress::SyncProgress;
use crate::app::sync::state::{Moved, end_of, move_run};
use crate::app::sync::{StartError, SyncEnd, cancelling};
use crate::app::users::{self, MatchError};
use crate::failpoint;
use crate::salesforce::Salesforce;

/// Works on a run once, from where it stands.
///
/// # Errors
/// When the store fails for good; the run can be taken up again.
pub async fn run_once(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    progress: &watch::Sender<SyncProgress>,
    stop: &CancellationToken,
) -> Result<SyncEnd, StoreError> {
    // Begun on a full disk, a run could keep neither what it reads nor how far it came.
    let room = app.store.room().await.map_err(|error| store_failure(&error));
    if let Err(failure) = room {
        return Ok(passing(failure));
    }
    let lease = match Lease::take(app, connection, run).await {
        Ok(Some(lease)) => lease,
        Ok(None) => return Ok(SyncEnd::Elsewhere),
        Err(error) => return passing_or_not(store_failure(&error)).map_err(|_lasting| error),
    };
    let cancelled = CancellationToken::new();
    let watch = async {
        cancelling::asked(app, connection, run).await;
        cancelled.cancel();
        std::future::pending::<()>().await;
    };
    let stops = Stops {
        stop,
        cancelled: &cancelled,
    };
    let worked = tokio::select! {
        worked = Box::pin(work(app, connection, run, &lease, progress, stops)) => worked,
        () = watch => Err(Interrupt::Cancelled),
    };
    let end = conclude(app, run, &lease, worked).await;
    lease.release().await;
    end
}

async fn work(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    lease: &Lease,
    progress: &watch::Sender<SyncProgress>,
    stops: Stops<'_>,
) -> Result<SyncEnd, Interrupt> {
    let (known, state, missing) = app
        .store
        .read(move |tx| {
            Ok((
                tx.connection(connection)?,
                tx.run(connection, run)?,
                settings::missing_data_owner(tx, connection)?,
            ))
        })
        .await?;
    let (Some(known), Some(state)) = (known, state) else {
        return Err(Interrupt::Store(StoreError::Corrupt {
            detail: format!("run {run} of connection {connection} is not there"),
        }));
    };
    if let Some(end) = end_of(&state) {
        return Ok(end);
    }
    if state.state == RunState::Cancelling {
        return Err(Interrupt::Cancelled);
    }
    if !known.enabled {
        return Err(Interrupt::Stopped);
    }
    let lane = match state.kind {
        RunKind::Instant => Lane::Interactive,
        RunKind::Initial | RunKind::Reconcile => Lane::Bulk,
    };
    let salesforce = app.salesforce_for(&known)?.in_lane(lane);
    match move_run(app, run, lease, RunState::Running, None).await? {
        Moved::Here => {}
        Moved::EndedAlready(end) => return Ok(end),
        Moved::LeaseLost => return Err(Interrupt::LeaseLost),
        Moved::ToBeCancelled => return Err(Interrupt::Cancelled),
    }
    if let Some(user) = missing {
        return Err(Interrupt::DataOwnerGone(StartError::DataOwnerGone { user }));
    }
    failpoint::reached("sync.run_started");
    unless_stopped(stops, lease, get_ready(app, &known, &salesforce, &state)).await??;

    let (plans, gateway_user) = app
        .store
        .read(move |tx| {
            let known = tx.connection(connection)?;
            Ok((
                tx.plans(connection)?,
                known.and_then(|known| known.integration_user),
            ))
        })
        .await?;
    progress.send_replace(SyncProgress::new(&state, &plans));
    let clock = OnceCell::new();
    for part in state.parts {
        if part.progress == PartProgress::Done {
            continue;
        }
        let Some(plan) = plans.iter().find(|plan| plan.mapping == part.mapping) else {
            return Err(Interrupt::Store(StoreError::Corrupt {
                detail: format!("mapping {} of run {run} is not there", part.mapping),
            }));
        };
        let work = PartWork {
            app,
            connection,
            run,
            kind: state.kind,
            salesforce: &salesforce,
            gateway_user,
            plan: Arc::clone(plan),
            lease,
            progress,
            stops,
            clock: &clock,
        };
        Box::pin(work.run(part)).await?;
        failpoint::reached("sync.part_done");
    }
    if state.kind == RunKind::Reconcile {
        forget(app, connection, run).await?;
    }

    match move_run(app, run, lease, RunState::Completed, None).await? {
        Moved::Here => {
            failpoint::reached("sync.run_finished");
            Ok(SyncEnd::Completed)
        }
        Moved::EndedAlready(end) => Ok(end),
        Moved::LeaseLost | Moved::ToBeCancelled => Err(Interrupt::LeaseLost),
    }
}

/// Makes sure that it is the connection's org that answers, and matches users. Instant syncs come often: they leave
/// users as the last other run matched them.
async fn get_ready(
    app: &App,
    known: &Connection,
    salesforce: &Salesforce,
    run: &Run,
) -> Result<(), Interrupt> {
    let connection = run.connection;
    remember_org(app, connection, salesforce).await?;
    if run.kind == RunKind::Instant {
        // Answers of earlier runs have told it.
        return Ok(remember_allowance(app, known, salesforce).await?);
    }
    match users::match_users(app, connection, salesforce).await {
        Ok(matched) => {
            tracing::info!(
                %connection,
                matched = matched.matched,
                without = matched.without.len(),
                ambiguous = matched.ambiguous.len(),
                "users matched"
            );
            Ok(remember_allowance(app, known, salesforce).await?)
        }
        Err(MatchError::Salesforce(failure)) => Err(failure.into()),
        Err(MatchError::Store(error)) => Err(error.into()),
    }
}

/// Who may ask for the end of the work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stops<'a> {
    /// Whoever runs the worker; the run goes on later.
    stop: &'a CancellationToken,
    /// A person; the run ends.
    cancelled: &'a CancellationToken,
}

/// Waits for something, unless the work must end first.
pub(super) async fn unless_stopped<T>(
    stops: Stops<'_>,
    lease: &Lease,
    wait: impl Future<Output = T>,
) -> Result<T, Interrupt> {
    tokio::select! {
        biased;
        () = stops.cancelled.cancelled() => Err(Interrupt::Cancelled),
        () = stops.stop.cancelled() => Err(Interrupt::Stopped),
        () = lease.lost() => Err(Interrupt::LeaseLost),
        done = wait => Ok(done),
    }
}
