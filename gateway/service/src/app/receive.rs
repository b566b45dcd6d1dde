//! Receiving changes that the Salesforce package pushes.

mod row;

use causeway_core::id::ConnectionId;
use causeway_core::ports::{Lane, StoreError};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::app::idempotency::{Idempotency, Once, once};
use crate::app::org::is_of;
use crate::failpoint;

use row::Refusal;

/// Changes that one request may carry at most.
pub const MAX_CHANGES: usize = 1_000;

/// A posted batch. Its rows are still text, so that one that makes no sense is refused alone.
#[derive(Debug)]
pub struct Posted {
    /// Connection whose client posted it.
    pub connection: ConnectionId,
    /// Client that posted it.
    pub client: String,
    /// The org that the package says it runs in, 15 or 18 characters.
    pub organization: String,
    /// The rows, each the JSON text of one change.
    pub changes: Vec<String>,
    /// Makes the request safe to repeat.
    pub idempotency: Option<Idempotency>,
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Rows that are durable in the inbox and will be processed.
    pub accepted: usize,
    /// Rows that were refused.
    pub rejected: usize,
    /// One for each row, in the order posted.
    pub results: Vec<RowResult>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowResult {
    /// The Salesforce id as posted; empty where the row has none.
    pub id: String,
    /// Accepted or rejected.
    pub status: RowStatus,
    /// What is wrong with a rejected row, naming the field and the way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Accepted or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowStatus {
    /// Durable in the inbox.
    Accepted,
    /// Refused; sending the same again is refused again.
    Rejected,
}

/// Why a batch is refused as a whole. Nothing of it was received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// Too many rows.
    #[error(
        "{count} changes in one request; at most {MAX_CHANGES} are taken, send the rest in further requests"
    )]
    TooMany {
        /// Rows posted.
        count: usize,
    },
    /// The org is not the one this connection is linked with.
    #[error("organization {organization} is not the one that this connection is linked with")]
    OtherOrganization {
        /// Organization as posted.
        organization: String,
    },
    /// The idempotency key was used for another body.
    #[error("this idempotency key was used for another request body; use a new key for each new request")]
    KeyReused,
    /// The connection does not exist any more.
    #[error("the connection does not exist")]
    NoConnection,
    /// The store failed.
    #[error("the changes could not be stored")]
    Store(#[from] StoreError),
}

/// Appends a batch to the inbox. When this answers, accepted rows are durable and will be processed.
///
/// # Errors
/// [`ReceiveError`]; nothing was received then.
pub async fn receive_changes(app: &App, posted: Posted) -> Result<Received, ReceiveError> {
    if posted.changes.len() > MAX_CHANGES {
        return Err(ReceiveError::TooMany {
            count: posted.changes.len(),
        });
    }
    let connection = posted.connection;
    let (known, plans) = app
        .store
        .read(move |tx| Ok((tx.connection(connection)?, tx.plans(connection)?)))
        .await?;
    let known = known.ok_or(ReceiveError::NoConnection)?;
    if !is_of(known.organization, &posted.organization) {
        return Err(ReceiveError::OtherOrganization {
            organization: posted.organization.chars().take(18).collect(),
        });
    }

    let at = app.clock.now();
    let objects: Vec<&str> = plans.iter().map(|plan| plan.salesforce_object.as_str()).collect();
    let mut changes = Vec::with_capacity(posted.changes.len());
    let mut received = Received {
        accepted: 0,
        rejected: 0,
        results: Vec::with_capacity(posted.changes.len()),
    };
    for row in &posted.changes {
        received
            .results
            .push(match row::parse(row, &objects, &posted.client, at) {
                Ok(change) => {
                    received.accepted += 1;
                    let id = change.salesforce_id.to_string();
                    changes.push(change);
                    RowResult {
                        id,
                        status: RowStatus::Accepted,
                        problem: None,
                    }
                }
                Err(Refusal { id, problem }) => {
                    received.rejected += 1;
                    RowResult {
                        id,
                        status: RowStatus::Rejected,
                        problem: Some(problem),
                    }
                }
            });
    }

    let request = posted.idempotency;
    let stored = app
        .store
        .write(Lane::Interactive, move |tx| {
            once(tx, request.as_ref(), at, |tx| {
                tx.receive(connection, &changes, Lane::Interactive, at)?;
                Ok(received.clone())
            })
        })
        .await?;
    match stored {
        Once::Done(received) => {
            failpoint::reached("push.received");
            app.inbox_bell.notify_one();
            Ok(received)
        }
        Once::DoneBefore(first) => Ok(first),
        Once::KeyReused => Err(ReceiveError::KeyReused),
    }
}
