//! The inbox: changes that came in and wait to be decided, in order by Salesforce record.
//!
//! Each Salesforce record with waiting changes has one *head*. Workers claim heads, never changes: so one record's
//! changes are decided by one worker at a time, coalesced, while different records proceed side by side.

use std::collections::BTreeMap;

use crate::Instant;
use crate::decide::MergedInto;
use crate::id::{ConnectionId, InboxId, SalesforceId};
use crate::ports::{Lane, StoreError};
use crate::version::SalesforceVersion;

/// The inbox.
pub trait Inbox {
    /// The first answer to this idempotency key, if it was seen.
    fn answered(&mut self, key: &IdempotencyKey) -> Result<Option<SavedAnswer>, StoreError>;

    /// Keeps an answer for its idempotency key. Commits together with what was received.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another unit saved the key first.
    fn save_answer(
        &mut self,
        key: &IdempotencyKey,
        answer: &SavedAnswer,
        at: Instant,
    ) -> Result<(), StoreError>;

    /// Appends changes and readies the heads of their records. Once the unit is durable they will be processed,
    /// whatever process dies when.
    fn receive(
        &mut self,
        connection: ConnectionId,
        changes: &[ReceivedChange],
        lane: Lane,
        at: Instant,
    ) -> Result<Vec<InboxId>, StoreError>;

    /// Claims up to `limit` ready heads of any connection, interactive before bulk, oldest first, in sorted order.
    /// A head whose lease has run out may be claimed again: the fence then tells the old holder apart.
    fn claim(
        &mut self,
        worker: &str,
        limit: u32,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<Claim>, StoreError>;

    /// Waiting changes of claimed heads, head after head and oldest first within each, until their field texts come
    /// to `most_bytes`. The first change is returned whatever its size. So of every head the oldest changes are
    /// there, or none.
    fn pending(&mut self, claims: &[Claim], most_bytes: usize) -> Result<Pending, StoreError>;

    /// Ends claims: removes each head's changes up to and including its number, and the head if nothing newer
    /// waits; otherwise the head is ready for the rest. Returns the claims that were still held; those of a lost
    /// lease are left untouched.
    fn settle(&mut self, settled: &[(Claim, InboxId)]) -> Result<Vec<Claim>, StoreError>;

    /// Gives a claim back for later, with its changes, after an attempt that failed.
    fn postpone(&mut self, claim: &Claim, ready_at: Instant) -> Result<(), StoreError>;

    /// Gives claims back untouched: nothing was attempted, and they are ready at `now`.
    fn give_back(&mut self, claims: &[Claim], now: Instant) -> Result<(), StoreError>;

    /// Frees every lease held by workers of an earlier process, as leases that ran out. Only where one gateway owns
    /// the database.
    fn free_leases(&mut self) -> Result<u64, StoreError>;

    /// What waits.
    fn backlog(&mut self, connection: ConnectionId) -> Result<Backlog, StoreError>;
}

/// A change to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedChange {
    /// sObject as Salesforce spells it.
    pub object: String,
    /// The record.
    pub salesforce_id: SalesforceId,
    /// What happened.
    pub kind: ChangeKind,
    /// The reading's version.
    pub version: SalesforceVersion,
    /// The record's fields as they were posted (a JSON object), to be read under the plan in force when decided.
    pub fields: String,
    /// When fields were last edited, by API name, as far as the package tells.
    pub changed: BTreeMap<String, Instant>,
    /// For a delete: whether the record was merged into another, as far as the package tells.
    pub merged: MergedInto,
    /// Client that posted it.
    pub source: String,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Created, updated or undeleted: the fields say how it is now.
    Upsert,
    /// Deleted.
    Delete,
}

/// A claimed head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Connection.
    pub connection: ConnectionId,
    /// sObject.
    pub object: String,
    /// Record.
    pub salesforce_id: SalesforceId,
    /// Grows with every claim of the head.
    pub fence: i64,
    /// Failed attempts so far, those whose lease ran out among them.
    pub attempts: u32,
    /// How often in a row the lease ran out before its holder settled, postponed or gave back: the process died, or
    /// the work took too long.
    pub abandoned: u32,
}

/// Waiting changes of claimed heads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    /// The changes.
    pub changes: Vec<PendingChange>,
    /// Whether there are more that did not fit.
    pub more: bool,
}

/// A waiting change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingChange {
    /// Connection.
    pub connection: ConnectionId,
    /// Its number.
    pub id: InboxId,
    /// The change.
    pub change: ReceivedChange,
    /// When it came in.
    pub received_at: Instant,
}

/// Names an idempotent request: the same key of another client or route is another request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey {
    /// Client.
    pub client: String,
    /// Route, for example `POST /v1/salesforce/changes`.
    pub route: String,
    /// The key as sent.
    pub key: String,
}

/// The first answer to an idempotent request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAnswer {
    /// SHA-256 of the request's body.
    pub body_hash: [u8; 32],
    /// HTTP status.
    pub status: u16,
    /// Answer's body (JSON).
    pub body: String,
}

/// What waits in the inbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Changes.
    pub changes: u64,
    /// When the oldest came in.
    pub oldest: Option<Instant>,
}
