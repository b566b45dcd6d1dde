//! Partner records and the feed of their changes.
//!
//! The feed is the records themselves in the order of their positions: a record stands in it once, where its
//! latest state was committed. Positions become visible in order, so a reader that has seen position `p` never
//! meets a smaller one later.

use std::collections::HashMap;

use crate::Instant;
use crate::decide::Presence;
use crate::id::{ConnectionId, Position, RecordId, SalesforceId};
use crate::ports::StoreError;
use crate::record::Fields;

/// Partner records.
pub trait Records {
    /// One record, also a deleted one.
    fn record(
        &mut self,
        connection: ConnectionId,
        object: &str,
        id: RecordId,
    ) -> Result<Option<StoredRecord>, StoreError>;

    /// Where the latest states of these records stand in the feed. Records that do not exist are not in the answer.
    fn positions(
        &mut self,
        connection: ConnectionId,
        ids: &[RecordId],
    ) -> Result<HashMap<RecordId, Position>, StoreError>;

    /// Live and archived records of an object after `after`, by id, that meet every given filter.
    fn records(
        &mut self,
        connection: ConnectionId,
        object: &str,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError>;

    /// Records whose latest state was committed after `after`, deleted ones too, by position. `object` limits them
    /// to one partner object.
    fn feed(
        &mut self,
        connection: ConnectionId,
        object: Option<&str>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError>;

    /// The newest position of the feed that can be seen, [`Position`] 0 while the feed is empty. Every record that
    /// becomes visible later stands behind it.
    fn newest_position(&mut self, connection: ConnectionId) -> Result<Position, StoreError>;

    /// The partner records behind Salesforce ids, in any mapping, that are live or archived: to resolve references.
    fn records_behind(
        &mut self,
        connection: ConnectionId,
        ids: &[SalesforceId],
    ) -> Result<Vec<(SalesforceId, String, RecordId)>, StoreError>;
}

/// A record as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Number.
    pub id: RecordId,
    /// Partner object.
    pub object: String,
    /// Its Salesforce record.
    pub salesforce_id: Option<SalesforceId>,
    /// Owner.
    pub owner: String,
    /// Fields. Those of a deleted record are for the gateway alone: partners see its id.
    pub fields: Fields,
    /// Whether it lives.
    pub presence: Presence,
    /// Place of this state in the feed.
    pub position: Position,
    /// The partner's own id of it.
    pub key: Option<String>,
    /// The Salesforce record whose partner record took its place, after a merge or a conversion.
    pub successor: Option<SalesforceId>,
    /// When it was made.
    pub created_at: Instant,
    /// When it was last written.
    pub updated_at: Instant,
}

/// Which records to read. Every filter that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Owner.
    pub owner: Option<String>,
    /// Salesforce record.
    pub salesforce_id: Option<SalesforceId>,
    /// Written at or after.
    pub updated_since: Option<Instant>,
    /// Partner fields with the exact text they must hold (numbers as decimal text, dates as YYYY-MM-DD).
    pub fields: Vec<(String, String)>,
}
