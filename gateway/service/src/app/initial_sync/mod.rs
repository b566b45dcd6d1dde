//! The initial sync: every record of every mapped object, streamed from Bulk API 2.0 query jobs.
//!
//! A run has a part for each mapping, parents before children. A part takes the watermark from Salesforce's clock,
//! makes a query job, and applies its results in batches; each batch commits together with the place it reached
//! (locator and row), so that a run goes on there after a crash. Only the holder of the connection's lease works on
//! a run, and each batch checks that within its own transaction.

mod lease;
mod order;
mod part;
pub mod progress;
mod rows;
mod state;
mod unit;

use std::sync::Arc;
use std::time::Duration;

use causeway_core::failure::{Call, Failure, NextStep, Policy, policy};
use causeway_core::id::{ConnectionId, MappingId, RunId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::runs::{PartProgress, RunKind, RunState};
use causeway_core::ports::{Lane, StoreError};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::incoming::MissingColumn;
use crate::app::initial_sync::lease::Lease;
use crate::app::initial_sync::part::{MAX_JOBS, PartWork};
use crate::app::initial_sync::progress::SyncProgress;
use crate::app::initial_sync::state::{Moved, end_of, fail, give_up, move_run};
use crate::app::org::{OrgError, OtherOrg, remember_org};
use crate::app::users::{self, MatchError};
use crate::failpoint;
use crate::salesforce::ClientError;

/// How often a run that another worker works on is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Why no run was queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is no such connection.
    #[error("the connection does not exist")]
    NoConnection,
    /// The connection is switched off.
    #[error("the connection is switched off; switch it on first")]
    SwitchedOff,
    /// Nothing is mapped.
    #[error("the connection has no object mapping yet; apply one first")]
    NothingMapped,
    /// A mapping asked for does not exist.
    #[error("there is no mapping of partner object {object:?}; mapped are: {known}")]
    NoSuchMapping {
        /// Partner object asked for.
        object: String,
        /// Partner objects there are.
        known: String,
    },
    /// The store failed.
    #[error("the run could not be stored")]
    Store(#[from] StoreError),
}

/// How working on a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncEnd {
    /// All parts are done.
    Completed,
    /// A person has to act; the run says why.
    Failed {
        /// What the run says.
        error: String,
    },
    /// Another worker has the connection's lease. The run goes on there.
    Elsewhere,
    /// Stopped by request, or since the connection is switched off. The run goes on when a worker takes it up again.
    Stopped,
    /// Something passing came in between. The run goes on when a worker takes it up again.
    Passing {
        /// What went wrong.
        failure: Failure,
        /// What happens next and what to tell a person.
        policy: Policy,
    },
}

/// What interrupts the work on a run.
#[derive(Debug)]
enum Interrupt {
    /// The connection's key or address are of no use.
    NoClient(ClientError),
    Failure(Failure),
    Store(StoreError),
    /// The mapping has a newer plan than the one at work.
    OtherPlan(Arc<MappingPlan>),
    /// The job was made for another plan.
    OtherColumns(MissingColumn),
    /// The login leads to another org than the connection's.
    OtherOrg(OtherOrg),
    Incomplete(Incomplete),
    LeaseLost,
    Stopped,
}

/// A job's pages had another number of rows than the job says it found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query job of {object} found {expected} rows, but its results had {rows}")]
struct Incomplete {
    object: String,
    expected: u64,
    rows: u64,
}

impl From<ClientError> for Interrupt {
    fn from(error: ClientError) -> Self {
        Interrupt::NoClient(error)
    }
}

impl From<Failure> for Interrupt {
    fn from(failure: Failure) -> Self {
        Interrupt::Failure(failure)
    }
}

impl From<StoreError> for Interrupt {
    fn from(error: StoreError) -> Self {
        Interrupt::Store(error)
    }
}

impl From<OrgError> for Interrupt {
    fn from(error: OrgError) -> Self {
        match error {
            OrgError::Other(other) => Interrupt::OtherOrg(other),
            OrgError::Salesforce(failure) => Interrupt::Failure(failure),
            OrgError::Store(error) => Interrupt::Store(error),
        }
    }
}

/// Queues an initial sync of these partner objects, or of all mapped ones where none is named. While one is queued
/// or running, that one is returned.
///
/// # Errors
/// [`StartError`] with what to do first.
pub async fn start(app: &App, connection: ConnectionId, objects: Vec<String>) -> Result<RunId, StartError> {
    let (known, plans) = app
        .store
        .read(move |tx| Ok((tx.connection(connection)?, tx.plans(connection)?)))
        .await?;
    let known = known.ok_or(StartError::NoConnection)?;
    if !known.enabled {
        return Err(StartError::SwitchedOff);
    }
    let mappings = choose(&plans, &objects)?;
    let at = app.clock.now();
    let run = app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.start_run(connection, RunKind::Initial, &mappings, at)
        })
        .await?;
    app.sync_bell.notify_one();
    Ok(run)
}

fn choose(plans: &[Arc<MappingPlan>], objects: &[String]) -> Result<Vec<MappingId>, StartError> {
    if plans.is_empty() {
        return Err(StartError::NothingMapped);
    }
    for object in objects {
        if !plans.iter().any(|plan| plan.partner_object == *object) {
            return Err(StartError::NoSuchMapping {
                object: object.clone(),
                known: plans
                    .iter()
                    .map(|plan| plan.partner_object.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
    }
    Ok(order::parents_first(plans)
        .into_iter()
        .filter(|plan| objects.is_empty() || objects.contains(&plan.partner_object))
        .map(|plan| plan.mapping)
        .collect())
}

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
        let reached = progress.borrow().rows();
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
                if progress.borrow().rows() > reached {
                    // It got on: what came in between is a new matter.
                    attempt = 1;
                }
                let Some(delay) = wait(app, attempt, policy) else {
                    return give_up(app, connection, run, told(failure, policy)).await;
                };
                tracing::warn!(%connection, %run, ?failure, ?delay, "the sync goes on after a pause");
                attempt += 1;
                delay
            }
            SyncEnd::Completed | SyncEnd::Failed { .. } | SyncEnd::Stopped => return Ok(end),
        };
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
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
        _ => app.options.sync_retries.delay(attempt, rand::random()),
    }
}

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
    let lease = match Lease::take(app, connection).await {
        Ok(Some(lease)) => lease,
        Ok(None) => return Ok(SyncEnd::Elsewhere),
        Err(error) => return passing_or_not(store_failure(&error)).map_err(|_lasting| error),
    };
    let worked = Box::pin(work(app, connection, run, &lease, progress, stop)).await;
    let end = conclude(app, run, &lease, worked).await;
    lease.release().await;
    end
}

async fn conclude(
    app: &App,
    run: RunId,
    lease: &Lease,
    worked: Result<SyncEnd, Interrupt>,
) -> Result<SyncEnd, StoreError> {
    match worked {
        Ok(end) => Ok(end),
        Err(Interrupt::OtherPlan(_)) => Ok(passing(Failure::Unreadable {
            message: "the mapping changed while its records were read".to_owned(),
        })),
        Err(Interrupt::OtherColumns(missing)) => Ok(passing(Failure::Unreadable {
            message: missing.to_string(),
        })),
        Err(Interrupt::LeaseLost) => Ok(SyncEnd::Elsewhere),
        Err(Interrupt::Stopped) => Ok(SyncEnd::Stopped),
        Err(Interrupt::NoClient(error)) => fail(app, run, lease, error.to_string()).await,
        Err(Interrupt::OtherOrg(other)) => fail(app, run, lease, other.to_string()).await,
        Err(Interrupt::Incomplete(incomplete)) => {
            let error = format!(
                "Salesforce gave incomplete results {MAX_JOBS} times: start the sync again, and if it goes on, check \
                 for a proxy between the gateway and Salesforce, or ask Salesforce's support ({incomplete})"
            );
            fail(app, run, lease, error).await
        }
        Err(Interrupt::Store(error)) => pass_or_fail(app, run, lease, store_failure(&error)).await,
        Err(Interrupt::Failure(failure)) => pass_or_fail(app, run, lease, failure).await,
    }
}

async fn pass_or_fail(app: &App, run: RunId, lease: &Lease, failure: Failure) -> Result<SyncEnd, StoreError> {
    match passing_or_not(failure) {
        Ok(passing) => Ok(passing),
        Err(failure) => {
            let policy = policy(&failure, Call::Read);
            fail(app, run, lease, told(&failure, &policy)).await
        }
    }
}

fn passing(failure: Failure) -> SyncEnd {
    let policy = policy(&failure, Call::Read);
    SyncEnd::Passing { failure, policy }
}

/// What passes by itself is tried again; for everything else a person is asked.
fn passing_or_not(failure: Failure) -> Result<SyncEnd, Failure> {
    match policy(&failure, Call::Read).next {
        NextStep::Retry | NextStep::ReadFirst | NextStep::Park | NextStep::RefreshToken => {
            Ok(passing(failure))
        }
        NextStep::Stop | NextStep::Gone | NextStep::StartOver => Err(failure),
    }
}

fn store_failure(error: &StoreError) -> Failure {
    Failure::Store {
        message: error.to_string(),
        transient: matches!(
            error,
            StoreError::Unavailable { .. } | StoreError::Conflict { .. }
        ),
    }
}

/// What the run says of a failure: what to do, then what happened.
fn told(failure: &Failure, policy: &Policy) -> String {
    format!("{} ({})", policy.advice, describe(failure))
}

/// A failure in one line for a person.
pub fn describe(failure: &Failure) -> String {
    match failure {
        Failure::Salesforce {
            status,
            code,
            message,
        } if code.is_empty() => format!("Salesforce answered {status}: {message}"),
        Failure::Salesforce { code, message, .. } => format!("Salesforce answered {code}: {message}"),
        Failure::NoAnswer { message } => format!("Salesforce did not answer: {message}"),
        Failure::Unreadable { message } => format!("Salesforce's answer was not understood: {message}"),
        Failure::Store { message, .. } => message.clone(),
    }
}

async fn work(
    app: &App,
    connection: ConnectionId,
    run: RunId,
    lease: &Lease,
    progress: &watch::Sender<SyncProgress>,
    stop: &CancellationToken,
) -> Result<SyncEnd, Interrupt> {
    let (known, state) = app
        .store
        .read(move |tx| Ok((tx.connection(connection)?, tx.run(connection, run)?)))
        .await?;
    let (Some(known), Some(state)) = (known, state) else {
        return Err(Interrupt::Store(StoreError::Corrupt {
            detail: format!("run {run} of connection {connection} is not there"),
        }));
    };
    if let Some(end) = end_of(&state) {
        return Ok(end);
    }
    if !known.enabled {
        return Err(Interrupt::Stopped);
    }
    let salesforce = app.salesforce.client(&app.vault, &known)?;
    match move_run(app, run, lease, RunState::Running, None).await? {
        Moved::Here => {}
        Moved::EndedAlready(end) => return Ok(end),
        Moved::LeaseLost => return Err(Interrupt::LeaseLost),
    }
    failpoint::reached("sync.run_started");
    let asked = async {
        remember_org(app, connection, &salesforce).await?;
        Ok::<_, Interrupt>(users::match_users(app, connection, &salesforce).await)
    };
    match unless_stopped(stop, lease, asked).await?? {
        Ok(matched) => tracing::info!(
            %connection,
            matched = matched.matched,
            without = matched.without.len(),
            ambiguous = matched.ambiguous.len(),
            "users matched"
        ),
        Err(MatchError::Salesforce(failure)) => return Err(failure.into()),
        Err(MatchError::Store(error)) => return Err(error.into()),
    }

    let plans = app.store.read(move |tx| tx.plans(connection)).await?;
    progress.send_replace(SyncProgress::new(&state, &plans));
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
            salesforce: &salesforce,
            plan: Arc::clone(plan),
            lease,
            progress,
            stop,
        };
        Box::pin(work.run(part)).await?;
        failpoint::reached("sync.part_done");
    }

    match move_run(app, run, lease, RunState::Completed, None).await? {
        Moved::Here => {
            failpoint::reached("sync.run_finished");
            Ok(SyncEnd::Completed)
        }
        Moved::EndedAlready(end) => Ok(end),
        Moved::LeaseLost => Err(Interrupt::LeaseLost),
    }
}

/// Waits for something, unless the work must end first.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    lease: &Lease,
    wait: impl Future<Output = T>,
) -> Result<T, Interrupt> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Interrupt::Stopped),
        () = lease.lost() => Err(Interrupt::LeaseLost),
        done = wait => Ok(done),
    }
}
