//! How one link stands and what happened to it, for a person who looks at its record.

use std::collections::BTreeMap;

use crate::Instant;
use crate::id::{ConnectionId, FieldId, LinkId, SalesforceId};
use crate::ports::StoreError;
use crate::ports::links::HistoryEntry;

/// Links one at a time.
pub trait Standings {
    /// Since when a link has stood where it stands.
    fn standing_since(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
    ) -> Result<Option<Instant>, StoreError>;

    /// When the oldest change of a Salesforce record came in that waits to be decided.
    fn waiting_since(
        &mut self,
        connection: ConnectionId,
        object: &str,
        salesforce_id: SalesforceId,
    ) -> Result<Option<Instant>, StoreError>;

    /// When each field of a link last changed on either side.
    fn field_changes(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
    ) -> Result<BTreeMap<FieldId, Instant>, StoreError>;

    /// History of a link, of all fields or of one, newest first, older than `before`.
    fn history_of_link(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
        field: Option<FieldId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError>;
}
