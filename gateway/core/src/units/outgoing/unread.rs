//! Links whose targets cannot be looked up.

use crate::Instant;
use crate::decide::{ChangeSource, HeldReason, write};
use crate::ports::links::Caused;
use crate::ports::outbox::OutgoingClaim;
use crate::ports::{StoreError, Transaction};
use crate::units::outgoing::{Batch, Now, log};

/// Holds links of a batch whose look-up Salesforce refuses for good, each for its reason, and ends their heads. One
/// whose write is in flight goes back until `later`: only its target tells what became of it. Returns how many were
/// held.
///
/// # Errors
/// [`StoreError::Conflict`] when a link changed since it was read: the unit runs again.
pub fn hold_unread(
    tx: &mut dyn Transaction,
    batch: &Batch,
    unread: &[(OutgoingClaim, HeldReason)],
    lease_until: Instant,
    later: Instant,
    at: Instant,
) -> Result<usize, StoreError> {
    let claims: Vec<OutgoingClaim> = unread.iter().map(|(claim, _)| claim.clone()).collect();
    let claims = tx.extend_outgoing(&claims, lease_until)?;
    let Some(now) = Now::of(tx, batch, &claims, at)? else {
        return Ok(0);
    };
    let setting = now.setting(at, batch.lane());
    let (mut caused, mut entries) = (Vec::new(), Vec::new());
    let (mut ended, mut waiting) = (Vec::new(), Vec::new());
    for (claim, reason) in unread.iter().filter(|(claim, _)| claims.contains(claim)) {
        let Some(linked) = now.links.get(&claim.link) else {
            ended.push(claim.clone());
            continue;
        };
        if linked.link.outgoing.in_flight.is_some() {
            waiting.push(claim.clone());
            continue;
        }
        ended.push(claim.clone());
        if let Some(effects) = write::unread(now.known(linked), reason.clone()) {
            entries.push(log::unread_entry(&setting, &linked.link, &effects));
            caused.push(Caused {
                effects,
                source: ChangeSource::Write { at },
                saved_by: None,
            });
        }
    }
    batch.write(tx, &mut caused, at)?;
    if !entries.is_empty() {
        tx.append_logs(batch.connection, &entries)?;
    }
    if !ended.is_empty() {
        tx.release_outgoing(&ended)?;
    }
    if !waiting.is_empty() {
        tx.postpone_outgoing(&waiting, later, true)?;
    }
    Ok(caused.len())
}
