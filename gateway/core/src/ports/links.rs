//! Links with the records behind them, and their history.

use std::collections::HashMap;

use serde::Serialize;

use crate::Instant;
use crate::decide::{ChangeSource, Effects, HeldReason, Identity, LinkState, Lost, RecordState};
use crate::id::{ConnectionId, FieldId, LinkId, MappingId, PlanRevision, Position, RecordId, SalesforceId};
use crate::ports::{Lane, StoreError};
use crate::record::FieldValue;

/// Links.
pub trait Links {
    /// The links of a mapping for these Salesforce records, each with its partner record. Records without a link
    /// are not in the answer.
    fn linked(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        ids: &[SalesforceId],
    ) -> Result<HashMap<SalesforceId, Linked>, StoreError>;

    /// Links by their numbers, each with its partner record. Those that do not exist are not in the answer.
    fn links(
        &mut self,
        connection: ConnectionId,
        ids: &[LinkId],
    ) -> Result<HashMap<LinkId, Linked>, StoreError>;

    /// The links of partner records, each with its record.
    fn links_of(
        &mut self,
        connection: ConnectionId,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Linked>, StoreError>;

    /// The links for which these identities of a mapping are reserved. Free ones are not in the answer.
    fn holders(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        identities: &[Identity],
    ) -> Result<HashMap<Identity, LinkId>, StoreError>;

    /// Writes effects in order: absorbed links go, then links by compare and swap with their identities and outgoing
    /// heads, records at new feed positions, history. At most one effect for a link in one call.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a link was written, or made, since it was read. Nothing is written then.
    fn apply(&mut self, write: &Write<'_>) -> Result<Vec<Written>, StoreError>;

    /// History of a record, newest first.
    fn history(
        &mut self,
        connection: ConnectionId,
        record: RecordId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// Entries of a connection's history in which a value lost, newest first, older than `before`. `record` limits
    /// them to one partner record.
    fn conflicts(
        &mut self,
        connection: ConnectionId,
        record: Option<RecordId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// One entry of the history.
    fn history_entry(
        &mut self,
        connection: ConnectionId,
        id: i64,
    ) -> Result<Option<HistoryEntry>, StoreError>;

    /// Held links of a connection after `after`, by link number.
    fn held(
        &mut self,
        connection: ConnectionId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<HeldRecord>, StoreError>;

    /// How many links of a mapping stand where.
    fn link_counts(&mut self, connection: ConnectionId, mapping: MappingId)
    -> Result<LinkCounts, StoreError>;
}

/// A link with its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Its mapping.
    pub mapping: MappingId,
    /// The link.
    pub link: LinkState,
    /// The partner record behind it.
    pub record: Option<RecordState>,
}

/// Effects to write, with what they share.
#[derive(Debug, Clone, Copy)]
pub struct Write<'a> {
    /// Connection.
    pub connection: ConnectionId,
    /// Mapping.
    pub mapping: MappingId,
    /// Partner object of the records.
    pub partner_object: &'a str,
    /// When.
    pub at: Instant,
    /// The queue in which outgoing heads are made ready.
    pub lane: Lane,
    /// The effects.
    pub effects: &'a [Caused],
}

/// Effects and who caused them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caused {
    /// The effects.
    pub effects: Effects,
    /// Who caused them.
    pub source: ChangeSource,
    /// The Salesforce user whose save they follow from, where that is known.
    pub saved_by: Option<SalesforceId>,
}

/// What an effect became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The link.
    pub link: LinkId,
    /// The record, where there is one.
    pub record: Option<RecordId>,
    /// Where its state stands in the feed, if the record was written.
    pub position: Option<Position>,
}

/// One entry of a field's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// Number; grows with time.
    pub id: i64,
    /// Link.
    pub link: LinkId,
    /// Field.
    pub field: FieldId,
    /// When.
    pub at: Instant,
    /// Salesforce value before.
    pub salesforce_before: Option<FieldValue>,
    /// Salesforce value after.
    pub salesforce_after: Option<FieldValue>,
    /// Partner value before.
    pub partner_before: Option<FieldValue>,
    /// Partner value after.
    pub partner_after: Option<FieldValue>,
    /// Why.
    pub cause: crate::decide::ChangeCause,
    /// The value that lost, if one did.
    pub lost: Option<Lost>,
    /// Plan decided under.
    pub plan: PlanRevision,
    /// Who caused it.
    pub source: ChangeSource,
    /// The Salesforce user whose save it follows from, where that is known.
    pub saved_by: Option<SalesforceId>,
}

/// A record that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldRecord {
    /// Link.
    pub link: LinkId,
    /// Mapping.
    pub mapping: MappingId,
    /// Salesforce record, if there is one already.
    pub salesforce_id: Option<SalesforceId>,
    /// Partner record, if there is one already.
    pub record: Option<RecordId>,
    /// Why, and what to do.
    pub reason: HeldReason,
    /// Since when.
    pub since: Instant,
}

/// How many links stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct LinkCounts {
    /// In step.
    pub linked: u64,
    /// Waiting for a person.
    pub held: u64,
    /// Waiting to be made in Salesforce.
    pub creating: u64,
    /// Ended: tombstones, merged, converted and unlinked records.
    pub deleted: u64,
}
