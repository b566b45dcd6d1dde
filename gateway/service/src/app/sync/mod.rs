//! Sync runs: what the gateway reads of Salesforce by itself.
//!
//! - The *initial* sync streams every record of every mapped object from Bulk API 2.0 query jobs.
//! - The *instant* sync reads what changed since the watermark of each mapping, and what was deleted.
//! - The *reconcile* streams everything as the initial sync does, and then looks up every record that Salesforce did
//!   not show though a link takes it for present.
//!
//! Where the mapping says so, the last step of each gives linked records the partner record's id.
//!
//! A run has a part for each mapping, parents before children. Rows are applied in batches; each batch commits
//! together with the place it reached, so that a run goes on there after a crash. Only the holder of the
//! connection's lease for that kind of run works on it, and each batch checks that within its own transaction.

mod cancelling;
mod comparing;
mod failing;
mod lease;
pub(super) mod marking;
mod once;
pub(super) mod order;
mod part;
mod polling;
pub mod progress;
mod row_reader;
mod rows;
mod schedule;
mod state;
mod streaming;
mod turn;
mod unit;

use std::sync::Arc;

use causeway_core::failure::{Failure, Policy};
use causeway_core::id::{ConnectionId, MappingId, RunId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::runs::RunKind;
use causeway_core::ports::{Lane, StoreError};

use crate::app::{App, settings};

pub use cancelling::{CancelError, cancel};
pub use once::run_once;
pub use schedule::{instant_every, start_due};
pub use turn::{run_to_end, run_to_end_in_turn};

/// Why no run was queued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// There is no such connection.
    #[error("the connection does not exist")]
    NoConnection,
    /// The connection is switched off.
    #[error("the connection is switched off; switch it on first")]
    SwitchedOff,
    /// The user who is to own what has no owner is not there any more.
    #[error(
        "the partner has no active user {user:?} any more, who was named as data owner; name another in Connection \
         Settings"
    )]
    DataOwnerGone {
        /// What the admin typed.
        user: String,
    },
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
    /// Ended since a person asked for that. What was applied stays.
    Cancelled,
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

/// Queues a run of these partner objects, or of all mapped ones where none is named. While one of that kind is
/// queued or running, that one is returned.
///
/// # Errors
/// [`StartError`] with what to do first.
pub async fn start(
    app: &App,
    connection: ConnectionId,
    kind: RunKind,
    objects: Vec<String>,
) -> Result<RunId, StartError> {
    let (known, plans, missing) = app
        .store
        .read(move |tx| {
            Ok((
                tx.connection(connection)?,
                tx.plans(connection)?,
                settings::missing_data_owner(tx, connection)?,
            ))
        })
        .await?;
    let known = known.ok_or(StartError::NoConnection)?;
    if !known.enabled {
        return Err(StartError::SwitchedOff);
    }
    if let Some(user) = missing {
        return Err(StartError::DataOwnerGone { user });
    }
    let mappings = choose(&plans, &objects)?;
    let at = app.clock.now();
    let run = app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.start_run(connection, kind, &mappings, at)
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
