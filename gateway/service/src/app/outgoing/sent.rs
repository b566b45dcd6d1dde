//! What became of writes that were sent.

use std::collections::HashMap;

use causeway_core::decide::Incoming;
use causeway_core::decide::write::{WriteOutcome, row_outcome};
use causeway_core::failure::{Call, Failure, policy};
use causeway_core::id::{LinkId, SalesforceId};
use causeway_core::ports::outbox::OutgoingClaim;
use causeway_core::units::outgoing::{Answer, target};

use crate::salesforce::values::Unsendable;
use crate::salesforce::write::{RowFailure, Written};

/// A write, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// The claim of its link.
    pub claim: OutgoingClaim,
    /// What became of it.
    pub outcome: WriteOutcome,
    /// HTTP status that the answer amounts to; 0 where there was none.
    pub status: u16,
}

impl Sent {
    /// It was stored.
    pub(super) fn stored(claim: OutgoingClaim, written: Written) -> Self {
        Sent {
            claim,
            outcome: WriteOutcome::Stored {
                salesforce_id: written.id,
            },
            status: if written.created { 201 } else { 200 },
        }
    }

    /// Salesforce did not store this row, whatever became of the others.
    pub(super) fn refused(claim: OutgoingClaim, row: RowFailure) -> Self {
        let named = row.fields.clone();
        let mut outcome = row_outcome(&Failure::from(row));
        if let WriteOutcome::Refused { fields, .. } = &mut outcome
            && !named.is_empty()
        {
            *fields = named;
        }
        Sent {
            claim,
            outcome,
            status: 400,
        }
    }

    /// A call that carried this row alone was refused as a whole.
    pub(super) fn refused_alone(claim: OutgoingClaim, failure: &Failure) -> Self {
        Sent {
            claim,
            outcome: row_outcome(failure),
            status: status(failure),
        }
    }

    /// A value of it cannot be sent.
    pub(super) fn unsendable(claim: OutgoingClaim, cause: &Unsendable) -> Self {
        Sent {
            claim,
            outcome: match cause {
                // Known only once the other record is made; until then it is tried again now and then.
                Unsendable::NotMadeYet { .. } => WriteOutcome::NotNow,
                Unsendable::Number { field, .. } | Unsendable::Year { field, .. } => WriteOutcome::Refused {
                    code: "UNSENDABLE_VALUE".to_owned(),
                    message: cause.to_string(),
                    fields: vec![field.clone()],
                    advice: "Correct the value in the partner system.".to_owned(),
                },
            },
            status: 0,
        }
    }

    /// It never went out, or was refused for a reason that passes.
    pub(super) fn not_now(claim: OutgoingClaim, failure: Option<&Failure>) -> Self {
        Sent {
            claim,
            outcome: WriteOutcome::NotNow,
            status: failure.map_or(0, status),
        }
    }

    /// Nobody knows whether it was stored.
    pub(super) fn unknown(claim: OutgoingClaim, failure: Option<&Failure>) -> Self {
        Sent {
            claim,
            outcome: WriteOutcome::Unknown,
            status: failure.map_or(0, status),
        }
    }
}

fn status(failure: &Failure) -> u16 {
    match failure {
        Failure::Salesforce { status, .. } => *status,
        Failure::NoAnswer { .. } | Failure::Unreadable { .. } | Failure::Store { .. } => 0,
    }
}

/// What a person should know of a failure that held a whole call up.
pub(super) fn advice(failure: &Failure) -> String {
    policy(failure, Call::Write).advice
}

/// The record to read after a write: what was stored, and what a refused write, sent to a record of `written`, left as
/// it was. News of that record was not taken while the write was in flight.
pub(super) fn shown_by(sent: &Sent, written: &HashMap<LinkId, SalesforceId>) -> Option<SalesforceId> {
    match &sent.outcome {
        WriteOutcome::Stored { salesforce_id } => Some(*salesforce_id),
        WriteOutcome::Refused { .. } => written.get(&sent.claim.link).copied(),
        WriteOutcome::NotNow | WriteOutcome::Unknown => None,
    }
}

/// Puts what was read back beside the outcomes.
pub(super) fn answers(
    sent: Vec<Sent>,
    shown: &[Incoming],
    written: &HashMap<LinkId, SalesforceId>,
) -> Vec<Answer> {
    let shown: HashMap<SalesforceId, &Incoming> = shown
        .iter()
        .map(|incoming| (incoming.salesforce_id(), incoming))
        .collect();
    sent.into_iter()
        .map(|sent| {
            let read_back = shown_by(&sent, written)
                .and_then(|id| shown.get(&id))
                .map(|incoming| target(incoming));
            Answer {
                claim: sent.claim,
                outcome: sent.outcome,
                read_back,
                status: sent.status,
            }
        })
        .collect()
}
