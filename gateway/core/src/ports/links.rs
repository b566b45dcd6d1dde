//! Links with the records behind them, and their history.

use std::collections::HashMap;

use serde::Serialize;

use crate::Instant;
use crate::decide::{ChangeSource, Effects, HeldReason, LinkState, RecordState};
use crate::id::{ConnectionId, FieldId, LinkId, MappingId, PlanRevision, Position, RecordId, SalesforceId};
use crate::ports::StoreError;
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

    /// Writes effects in order: links by compare and swap, records at new feed positions, history. At most one
    /// effect for a link in one call.
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
    /// Plan decided under.
    pub plan: PlanRevision,
    /// Who caused it.
    pub source: ChangeSource,
}

/// A record that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldRecord {
    /// Link.
    pub link: LinkId,
    /// Mapping.
    pub mapping: MappingId,
    /// Salesforce record.
    pub salesforce_id: SalesforceId,
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
    /// Tombstones.
    pub deleted: u64,
}
