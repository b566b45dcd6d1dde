//! News from the partner: decided in the unit that receives it.
//!
//! What Salesforce's side of a record is by now is not asked here: it counts as agreed, reverts happen at once, and
//! the rest is decided with the target at hand. A write that is in flight goes on; its end sees what changed meanwhile.

mod edit;
mod life;
mod posted;
mod refusal;

pub(super) use life::{new_life, tombstone};
pub use posted::{PostedFields, PostedReference, read_fields};
pub use refusal::{PartnerRefusal, RefusalCode};

use crate::Instant;
use crate::decide::{Effects, HeldReason, Known, LinkState, LinkStatus, PartnerNews, PartnerNewsKind};

/// What news from the partner leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartnerDecision {
    /// It cannot be taken; every reason that was found.
    Refuse(Vec<PartnerRefusal>),
    /// It says nothing new.
    Unchanged,
    /// A delete that was made before the record's newest edit: it changes nothing.
    Outdated {
        /// When that edit was made.
        newest: Instant,
    },
    /// Write these.
    Apply(Box<Effects>),
    /// Write these, first the link's own: it gives up its Salesforce record, for which a link of its own is kept, so
    /// that late news of that record revives nothing.
    ApplyWithTombstone {
        /// The link's.
        effects: Box<Effects>,
        /// The new link of the given-up Salesforce record. It has no partner record.
        tombstone: Box<Effects>,
    },
}

/// Decides what news of a partner record leads to.
///
/// Edits may come late, repeatedly and in any order: each field keeps the one that was made last. Without a stated
/// time an edit counts as made on receipt, and a value that the record holds already is none: it may be a repeat of the
/// whole record.
pub fn decide(known: Known<'_>, news: &PartnerNews) -> PartnerDecision {
    if !known.plan.writes_salesforce() {
        return PartnerDecision::Refuse(vec![PartnerRefusal::of_record(
            RefusalCode::OneWay,
            format!(
                "`{}` records travel from Salesforce to the partner only; change the mapping's direction, or edit the \
                 record in Salesforce",
                known.plan.partner_object
            ),
        )]);
    }
    let moved = known.link.is_some_and(|link| {
        matches!(
            link.status,
            LinkStatus::Merged { .. } | LinkStatus::Converted { .. }
        )
    });
    if moved {
        return PartnerDecision::Refuse(vec![PartnerRefusal::of_record(
            RefusalCode::Moved,
            "another record took this one's place when it was merged or converted; write to its successor",
        )]);
    }
    match &news.kind {
        PartnerNewsKind::Upsert { fields, owner } => {
            let posted = edit::Posted {
                fields,
                owner: owner.as_deref(),
                news,
            };
            match (known.link, known.record) {
                (Some(link), Some(record)) => edit::update(known, link, record, posted),
                _ => edit::create(known, posted),
            }
        }
        PartnerNewsKind::Delete => match (known.link, known.record) {
            (Some(link), Some(record)) => life::delete(known, link, record, news.stated),
            _ => PartnerDecision::Refuse(vec![not_found()]),
        },
        PartnerNewsKind::Undelete => match (known.link, known.record) {
            (Some(link), Some(record)) => life::undelete(known, link, record),
            _ => PartnerDecision::Refuse(vec![not_found()]),
        },
    }
}

fn not_found() -> PartnerRefusal {
    PartnerRefusal::of_record(RefusalCode::NotFound, "there is no such record")
}

/// Where a link stands once nothing holds it: it waits for its Salesforce record, or has it.
pub(super) fn unheld(link: &LinkState) -> LinkStatus {
    match link.salesforce_id {
        Some(_) => LinkStatus::Linked,
        None => LinkStatus::Creating,
    }
}

/// Whether the partner's next edit may be what the record waits for.
fn waits_for_an_edit(reason: &HeldReason) -> bool {
    match reason {
        HeldReason::Conversion { .. } | HeldReason::Refused { .. } | HeldReason::OutOfSight => true,
        HeldReason::DeleteAsked
        | HeldReason::PartnerDeleteAsked
        | HeldReason::Ambiguous { .. }
        | HeldReason::Flipping { .. }
        | HeldReason::OutcomeUnknown => false,
    }
}
