//! Bringing links with something on their way to Salesforce there.
//!
//! 1. [`claim()`] takes heads of one mapping and reads their links: a [`Batch`].
//! 2. Outside, what the batch [looks up](Batch::lookups) is read in Salesforce, and [put beside](Batch::targets) the
//!    links.
//! 3. [`prepare()`] merges each link with its target. Where something has to be written, the write is kept as in
//!    flight and given out as an [`Order`]; everything else ends here.
//! 4. Outside, orders are sent, and what was stored is read back. A Bulk job is [noted](note_job) first.
//! 5. [`settle()`] takes the answers.
//!
//! A process may end between any two of these. The heads come back with their leases; a write in flight is then not
//! repeated until no request that carries it can be under way and its target was read again.

mod claim;
mod log;
mod prepare;
mod settle;
mod targets;
mod unread;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub use claim::{Claimed, claim};
pub use prepare::{Order, Orders, Preparing, note_job, prepare};
pub use settle::{Answer, Settled, settle};
pub use targets::{Found, Lookups, target};
pub use unread::hold_unread;

use crate::Instant;
use crate::decide::{Holder, Identity, Known, LinkState, LinkStatus, RecordState, Target};
use crate::id::{ConnectionId, LinkId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::owners::OwnerDirectory;
use crate::ports::links::{Caused, Linked, Write, Written};
use crate::ports::outbox::OutgoingClaim;
use crate::ports::{Lane, StoreError, Transaction};
use crate::units::known::{holder, holders, reserve_free, resolve};
use crate::units::{Setting, directory};

/// How long heads of a connection that is switched off wait before they are looked at again.
pub const SWITCHED_OFF: Duration = Duration::from_secs(60);
/// So often in a row workers may end without a word over a head until it is worked on alone.
pub const SUSPECT: u32 = 3;
/// So many such heads are worked on after one claim.
pub const MOST_SUSPECTS: usize = 16;
/// So often in a row workers may end without a word over a head until it is put off.
pub const MOST_ABANDONED: u32 = 10;
/// How long a head is put off that so many workers did not survive.
pub const PUT_OFF: Duration = Duration::from_secs(3600);
/// How long a record waits at first for another that it points to.
pub const WAIT: Duration = Duration::from_secs(1);
/// How long it waits at most before it is looked at again.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long a link waits at first whose Bulk job has not ended.
pub const JOB_WAIT: Duration = Duration::from_secs(30);
/// How long it waits at most before its job is asked for again.
pub const LONGEST_JOB_WAIT: Duration = Duration::from_secs(300);

/// Claimed heads of one mapping with their links as they were read. It is kept in memory only.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Connection.
    pub connection: ConnectionId,
    /// The plan in force when the heads were claimed.
    pub plan: Arc<MappingPlan>,
    /// The gateway's own Salesforce user, once known.
    pub gateway_user: Option<SalesforceId>,
    /// The heads.
    pub items: Vec<Item>,
}

/// A claimed head with its link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The claim.
    pub claim: OutgoingClaim,
    /// The link.
    pub link: LinkState,
    /// The partner record behind it.
    pub record: Option<RecordState>,
}

impl Batch {
    /// The claims of all heads.
    pub fn claims(&self) -> Vec<OutgoingClaim> {
        self.items.iter().map(|item| item.claim.clone()).collect()
    }

    /// Bulk jobs that carry writes in flight of this batch. They have to end, or to be aborted, before
    /// [`prepare()`] looks at those links.
    pub fn jobs(&self) -> std::collections::BTreeSet<String> {
        self.items
            .iter()
            .filter_map(|item| item.link.outgoing.in_flight.as_ref()?.job.clone())
            .collect()
    }

    fn lane(&self) -> Lane {
        let interactive = self.items.iter().any(|item| item.claim.lane == Lane::Interactive);
        if interactive {
            Lane::Interactive
        } else {
            Lane::Bulk
        }
    }

    fn write(
        &self,
        tx: &mut dyn Transaction,
        caused: &mut [Caused],
        at: Instant,
    ) -> Result<Vec<Written>, StoreError> {
        reserve_free(tx, self.connection, self.plan.mapping, caused)?;
        if caused.is_empty() {
            return Ok(Vec::new());
        }
        tx.apply(&Write {
            connection: self.connection,
            mapping: self.plan.mapping,
            partner_object: &self.plan.partner_object,
            at,
            lane: self.lane(),
            effects: caused,
        })
    }
}

/// What a unit reads anew of a batch.
struct Now {
    connection: ConnectionId,
    plan: Arc<MappingPlan>,
    owners: OwnerDirectory,
    links: HashMap<LinkId, Linked>,
    /// Other links that hold the identity of what was read for a link.
    holders: HashMap<LinkId, Holder>,
    /// Links of Salesforce records that were found for links which have none yet.
    others: HashMap<SalesforceId, Linked>,
}

impl Now {
    /// Reads the present of these claims. None: the connection is switched off, or the mapping gone or changed; the
    /// claims were given back.
    fn of(
        tx: &mut dyn Transaction,
        batch: &Batch,
        claims: &[OutgoingClaim],
        at: Instant,
    ) -> Result<Option<Now>, StoreError> {
        let enabled = tx
            .connection(batch.connection)?
            .is_some_and(|known| known.enabled);
        if !enabled {
            tx.postpone_outgoing(claims, at + SWITCHED_OFF, false)?;
            return Ok(None);
        }
        let plans = tx.plans(batch.connection)?;
        let Some(plan) = plans
            .iter()
            .find(|plan| plan.mapping == batch.plan.mapping && plan.revision == batch.plan.revision)
        else {
            tx.postpone_outgoing(claims, at, false)?;
            return Ok(None);
        };
        let owners = directory(&tx.partner_users(batch.connection)?);
        let mut now = Now {
            connection: batch.connection,
            plan: Arc::clone(plan),
            owners,
            links: HashMap::new(),
            holders: HashMap::new(),
            others: HashMap::new(),
        };
        now.read(tx, claims)?;
        Ok(Some(now))
    }

    /// Reads which other links know the records that were found for these links, and what was read of them.
    fn meet<'t>(
        &mut self,
        tx: &mut dyn Transaction,
        read: impl Iterator<Item = (LinkId, Option<SalesforceId>, Option<&'t Target>)>,
    ) -> Result<(), StoreError> {
        let mut unlinked = Vec::new();
        let mut carried = Vec::new();
        for (link, found, target) in read {
            let unmade = self
                .links
                .get(&link)
                .is_some_and(|linked| linked.link.salesforce_id.is_none());
            unlinked.extend(found.filter(|_| unmade));
            if let Some(Target::Present(snapshot)) = target {
                carried.extend(Identity::of_snapshot(&self.plan, snapshot).map(|identity| (link, identity)));
            }
        }
        let mapping = self.plan.mapping;
        self.holders = holders(tx, self.connection, mapping, &carried)?
            .into_iter()
            .filter(|(link, holding)| holding.link.id != *link)
            .map(|(link, holding)| (link, holder(&holding)))
            .collect();
        self.others = if unlinked.is_empty() {
            HashMap::new()
        } else {
            tx.linked(self.connection, mapping, &unlinked)?
        };
        Ok(())
    }

    /// What is known of a link.
    fn known<'k>(&'k self, linked: &'k Linked) -> Known<'k> {
        Known {
            connection: self.connection,
            plan: &self.plan,
            owners: &self.owners,
            link: Some(&linked.link),
            record: linked.record.as_ref(),
            holder: self.holders.get(&linked.link.id).copied(),
        }
    }

    /// Another link of a Salesforce record.
    fn other(&self, linked: &Linked, id: Option<SalesforceId>) -> Option<&LinkState> {
        let other = &self.others.get(&id?)?.link;
        (other.id != linked.link.id).then_some(other)
    }

    /// Reads links anew.
    fn read(&mut self, tx: &mut dyn Transaction, claims: &[OutgoingClaim]) -> Result<(), StoreError> {
        let ids: Vec<LinkId> = claims.iter().map(|claim| claim.link).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let mut links = tx.links(self.connection, &ids)?;
        resolve(tx, self.connection, links.values_mut())?;
        self.links.extend(links);
        Ok(())
    }

    fn setting(&self, at: Instant, lane: Lane) -> Setting<'_> {
        Setting {
            connection: self.connection,
            plan: &self.plan,
            owners: &self.owners,
            at,
            lane,
        }
    }
}

/// Whether a link's head has anything to do: a write whose outcome is not known, or something to merge. A held link
/// waits for whoever ends that to make its head ready anew.
fn is_busy(link: &LinkState) -> bool {
    link.outgoing.in_flight.is_some() || waits(&link.status, link.outgoing.pending)
}

fn waits(status: &LinkStatus, pending: bool) -> bool {
    pending && matches!(status, LinkStatus::Creating | LinkStatus::Linked)
}

/// The record that a target shows.
fn found_id(target: &Target) -> Option<SalesforceId> {
    match target {
        Target::Present(snapshot) => Some(snapshot.salesforce_id),
        Target::Deleted { salesforce_id, .. } => Some(*salesforce_id),
        Target::Missing | Target::OutOfSight | Target::Ambiguous(_) => None,
    }
}

/// A record that waits for another is looked at less and less often: the other may be held.
fn wait(claim: &OutgoingClaim) -> Duration {
    WAIT.saturating_mul(2u32.saturating_pow(claim.attempts))
        .min(LONGEST_WAIT)
}

/// A job that has not ended is asked for less and less often. The write itself counts as the first attempt.
fn job_wait(claim: &OutgoingClaim) -> Duration {
    JOB_WAIT
        .saturating_mul(2u32.saturating_pow(claim.attempts.saturating_sub(1)))
        .min(LONGEST_JOB_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::sample::claim;

    #[test]
    fn a_job_that_has_not_ended_is_asked_for_less_and_less_often() {
        let waits = [0, 1, 2, 3, 4, 5, 60].map(|attempts| job_wait(&OutgoingClaim { attempts, ..claim(1) }));
        assert_eq!(waits.map(|wait| wait.as_secs()), [30, 30, 60, 120, 240, 300, 300]);
    }

    #[test]
    fn a_record_that_waits_for_another_is_looked_at_less_and_less_often() {
        let waits = [0, 1, 3, 6, 40].map(|attempts| wait(&OutgoingClaim { attempts, ..claim(1) }));
        assert_eq!(waits.map(|wait| wait.as_secs()), [1, 2, 8, 30, 30]);
    }
}
