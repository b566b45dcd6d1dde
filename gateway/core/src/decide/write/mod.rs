//! The write to Salesforce: what to send once the target was read, and what its outcome means.

mod missed;
mod prepare;
mod settle;
mod stored;
mod unread;

pub use prepare::prepare;
pub use settle::settle;
pub(super) use stored::{read, same};
pub use unread::unread;

use crate::decide::{Effects, Identity, InFlight, SalesforceWrite, WriteKind};
use crate::failure::{Call, Failure, NextStep, policy};
use crate::id::{RecordId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::record::FieldValue;

/// What comes of a target that was read just before a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prepared {
    /// Nothing is to be sent; write these.
    Effects(Box<Effects>),
    /// Nothing is to be sent or written.
    Nothing,
    /// Not yet: these records must be in Salesforce first; where none is named, the target has to be read again,
    /// since something newer is known.
    Wait {
        /// The records.
        records: Vec<RecordId>,
    },
    /// Write the effects; once they are durable, send.
    Send {
        /// They hold the write in flight.
        effects: Box<Effects>,
        /// What to send.
        write: SalesforceWrite,
        /// The record to write to; none for a create.
        salesforce_id: Option<SalesforceId>,
    },
}

/// How a write ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteOutcome {
    /// Salesforce stored it.
    Stored {
        /// The record it was stored in.
        salesforce_id: SalesforceId,
    },
    /// Salesforce refused it for good: nothing was stored, and the same would be refused again.
    Refused {
        /// `errorCode` or `statusCode`.
        code: String,
        /// Salesforce's words.
        message: String,
        /// API names of the fields that Salesforce named.
        fields: Vec<String>,
        /// What a person can do.
        advice: String,
    },
    /// Nothing was stored; the same may be stored later.
    NotNow,
    /// Whether it was stored is not known.
    Unknown,
}

/// What the outcome of a write leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Write these. None: no write was in flight, or its outcome is still unknown.
    pub effects: Option<Box<Effects>>,
    /// A new link to write after them, of a Salesforce record that the link gave up.
    pub tombstone: Option<Box<Effects>>,
}

/// How the refusal of one row, or of a call that carried one row, ended its write.
pub fn row_outcome(failure: &Failure) -> WriteOutcome {
    let policy = policy(failure, Call::Write);
    match (policy.next, failure) {
        (NextStep::Stop, Failure::Salesforce { code, message, .. }) => refused(code, message, policy.advice),
        // The value belongs to another record, and will as long as that one has it. Where the value is the external id,
        // that record is our own: see `is_doubtful`.
        (NextStep::ReadFirst, Failure::Salesforce { code, message, .. }) if code == "DUPLICATE_VALUE" => {
            refused(code, message, policy.advice)
        }
        (NextStep::Stop, _) => refused("", failure.message(), policy.advice),
        (NextStep::ReadFirst, _) => WriteOutcome::Unknown,
        // A record that is gone is found gone when the target is read again.
        (
            NextStep::Retry
            | NextStep::Pause
            | NextStep::RefreshToken
            | NextStep::Park
            | NextStep::Gone
            | NextStep::StartOver,
            _,
        ) => WriteOutcome::NotNow,
    }
}

/// Whether a refusal leaves open whether the record was made: its external id is taken. It was looked for just before,
/// so another request of ours has made it since, or is making it. Of two transactions at once Salesforce names neither
/// the field nor the record (`<unknown>`, believed).
pub fn is_doubtful(plan: &MappingPlan, flight: &InFlight, outcome: &WriteOutcome) -> bool {
    let (Some(external_id), WriteOutcome::Refused { code, message, .. }) = (&plan.external_id, outcome)
    else {
        return false;
    };
    let mut words = message.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    flight.write.kind == WriteKind::Create
        && code == "DUPLICATE_VALUE"
        && (message.contains("<unknown>") || words.any(|word| word.eq_ignore_ascii_case(external_id)))
}

/// What a create in flight that has no external id can be found by: the identity value that was sent, none where it has
/// none. The outer none: it is no such create.
pub fn sent_identity<'f>(plan: &MappingPlan, flight: &'f InFlight) -> Option<Option<&'f FieldValue>> {
    if flight.write.kind != WriteKind::Create || plan.external_id.is_some() {
        return None;
    }
    let sent = plan
        .identity
        .and_then(|identity| flight.write.values.get(&identity));
    Some(sent.filter(|sent| Identity::of_salesforce(plan, sent).is_some()))
}

fn refused(code: &str, message: &str, advice: String) -> WriteOutcome {
    WriteOutcome::Refused {
        code: code.to_owned(),
        message: message.to_owned(),
        fields: named_fields(message),
        advice,
    }
}

/// The fields that a message names in brackets, as "Required fields are missing: [LastName, Company]" does.
fn named_fields(message: &str) -> Vec<String> {
    let Some((_, rest)) = message.rsplit_once('[') else {
        return Vec::new();
    };
    let Some((names, _)) = rest.split_once(']') else {
        return Vec::new();
    };
    let is_name = |name: &&str| {
        !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
    };
    names
        .split(',')
        .map(str::trim)
        .filter(is_name)
        .map(str::to_owned)
        .collect()
}
