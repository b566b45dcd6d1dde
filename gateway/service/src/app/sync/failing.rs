//! What interrupts the work on a run, and what becomes of it.

use std::sync::Arc;

use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::RunId;
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::StoreError;

use crate::app::App;
use crate::app::failure::{store_failure, told};
use crate::app::org::{OrgError, OtherOrg};
use crate::app::sync::lease::Lease;
use crate::app::sync::part::MAX_JOBS;
use crate::app::sync::row_reader::MissingColumn;
use crate::app::sync::state::fail;
use crate::app::sync::{StartError, SyncEnd, cancelling};
use crate::salesforce::ClientError;

/// What interrupts the work on a run.
#[derive(Debug)]
pub(super) enum Interrupt {
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
    /// A person asked for the end.
    Cancelled,
    /// The user whom the admin named as data owner is not there any more.
    DataOwnerGone(StartError),
}

/// A job's pages had another number of rows than the job says it found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the query job of {object} found {expected} rows, but its results had {rows}")]
pub(super) struct Incomplete {
    pub object: String,
    pub expected: u64,
    pub rows: u64,
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

/// What an execution of a run came to.
pub(super) async fn conclude(
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
        Err(Interrupt::Cancelled) => cancelling::end(app, run, lease).await,
        Err(Interrupt::DataOwnerGone(gone)) => fail(app, run, lease, gone.to_string()).await,
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

pub(super) fn passing(failure: Failure) -> SyncEnd {
    let policy = policy(&failure, Call::Read);
    SyncEnd::Passing { failure, policy }
}

/// What passes by itself is tried again; for everything else a person is asked.
pub(super) fn passing_or_not(failure: Failure) -> Result<SyncEnd, Failure> {
    match policy(&failure, Call::Read).next {
        NextStep::Retry | NextStep::Pause | NextStep::ReadFirst | NextStep::Park | NextStep::RefreshToken => {
            Ok(passing(failure))
        }
        NextStep::Stop | NextStep::Gone | NextStep::StartOver => Err(failure),
    }
}
