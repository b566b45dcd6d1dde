//! The outbox: links that may have something to write to Salesforce, in order by link.
//!
//! An entry says only that a link is to be looked at: what is written is decided with the target at hand, so that
//! edits which came meanwhile travel with it. Each link has at most one entry, its *head*. Workers claim heads.

use crate::Instant;
use crate::id::{ConnectionId, LinkId, MappingId};
use crate::ports::{Lane, StoreError};

/// The outbox.
pub trait Outbox {
    /// Claims ready heads of one lane and one mapping of one connection: the mapping of the oldest that is ready, in
    /// the lane whose turn it is before the other. A head whose lease has run out may be claimed again: the fence
    /// then tells the old holder apart.
    fn claim_outgoing(
        &mut self,
        worker: &str,
        most: &ClaimSize,
        turn: &Turn<'_>,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<OutgoingClaim>, StoreError>;

    /// Ends claims. Returns those that were still held; those of a lost lease are left untouched.
    fn release_outgoing(&mut self, claims: &[OutgoingClaim]) -> Result<Vec<OutgoingClaim>, StoreError>;

    /// Gives claims back for later. `failed` counts an attempt. Those of a lost lease are left untouched.
    fn postpone_outgoing(
        &mut self,
        claims: &[OutgoingClaim],
        ready_at: Instant,
        failed: bool,
    ) -> Result<(), StoreError>;

    /// Moves the end of leases. Returns the claims that are still held.
    fn extend_outgoing(
        &mut self,
        claims: &[OutgoingClaim],
        lease_until: Instant,
    ) -> Result<Vec<OutgoingClaim>, StoreError>;

    /// Makes heads ready at a moment, makes those that are missing, and forgets their failed attempts. A claimed
    /// head stays with its worker.
    fn ready_outgoing(
        &mut self,
        connection: ConnectionId,
        links: &[(LinkId, MappingId)],
        lane: Lane,
        at: Instant,
    ) -> Result<(), StoreError>;

    /// What waits.
    fn outgoing_backlog(&mut self, connection: ConnectionId) -> Result<OutgoingBacklog, StoreError>;
}

/// How many heads a claim may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimSize {
    /// As a rule.
    pub usual: u32,
    /// From so many ready heads of a mapping on, a claim takes more, since a Bulk job carries them.
    pub bulk_from: u32,
    /// So many then.
    pub bulk: u32,
}

/// Whose turn it is to be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// The lane that comes first; the other one comes where nothing of this one is ready.
    pub first: Lane,
    /// Connections that are passed over.
    pub except: &'a [ConnectionId],
}

impl Turn<'_> {
    /// Interactive first, every connection: how most claims are made.
    pub const USUAL: Turn<'static> = Turn {
        first: Lane::Interactive,
        except: &[],
    };

    /// The lanes in their order.
    pub fn lanes(&self) -> [Lane; 2] {
        match self.first {
            Lane::Interactive => [Lane::Interactive, Lane::Bulk],
            Lane::Bulk => [Lane::Bulk, Lane::Interactive],
        }
    }
}

/// A claimed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingClaim {
    /// Connection.
    pub connection: ConnectionId,
    /// Link.
    pub link: LinkId,
    /// Its mapping.
    pub mapping: MappingId,
    /// Queue.
    pub lane: Lane,
    /// Grows with every claim of the head.
    pub fence: i64,
    /// Failed attempts so far.
    pub attempts: u32,
    /// How often in a row the lease ran out before its holder ended the claim.
    pub abandoned: u32,
}

/// What waits in the outbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OutgoingBacklog {
    /// Links.
    pub links: u64,
    /// Since when the oldest is ready.
    pub oldest: Option<Instant>,
}
