//! A target that cannot be looked up.

use crate::decide::{Effects, HeldReason, Known, LinkStatus};

/// Holds a link whose target Salesforce refuses to look up for good. None: nothing waits to be written, or a write is
/// in flight, of which only the target can tell.
pub fn unread(known: Known<'_>, reason: HeldReason) -> Option<Effects> {
    let link = known.link?;
    let waits = link.outgoing.pending && matches!(link.status, LinkStatus::Creating | LinkStatus::Linked);
    (waits && link.outgoing.in_flight.is_none()).then(|| known.hold(known.link_effect(), reason))
}
