//! Partner records and their feed.

use std::collections::HashMap;

use causeway_core::decide::Presence;
use causeway_core::id::{ConnectionId, Position, RecordId, SalesforceId};
use causeway_core::mapping::convert::partner_json;
use causeway_core::ports::records::{RecordFilter, StoredRecord};
use causeway_core::ports::{Records, StoreError};
use serde_json::Value;

use super::{Memory, RecordRow, Space};

impl Records for Memory {
    fn record(
        &mut self,
        connection: ConnectionId,
        object: &str,
        id: RecordId,
    ) -> Result<Option<StoredRecord>, StoreError> {
        self.work.looked_up += 1;
        Ok(self.space(connection).and_then(|space| {
            let row = space.records.get(&id).filter(|row| row.object == object)?;
            Some(stored(space, row))
        }))
    }

    fn positions(
        &mut self,
        connection: ConnectionId,
        ids: &[RecordId],
    ) -> Result<HashMap<RecordId, Position>, StoreError> {
        self.work.looked_up += ids.len();
        let Some(space) = self.space(connection) else {
            return Ok(HashMap::new());
        };
        Ok(ids
            .iter()
            .filter_map(|id| Some((*id, space.records.get(id)?.position)))
            .collect())
    }

    fn records(
        &mut self,
        connection: ConnectionId,
        object: &str,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        Ok(space
            .records
            .values()
            .filter(|row| row.object == object && row.state.presence != Presence::Deleted)
            .filter(|row| after.is_none_or(|after| row.state.id > after))
            .map(|row| stored(space, row))
            .filter(|record| meets(record, filter))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }

    fn feed(
        &mut self,
        connection: ConnectionId,
        object: Option<&str>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        let mut found: Vec<StoredRecord> = space
            .records
            .values()
            .filter(|row| row.position > after && object.is_none_or(|object| row.object == object))
            .map(|row| stored(space, row))
            .collect();
        found.sort_by_key(|record| record.position);
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    fn newest_position(&mut self, connection: ConnectionId) -> Result<Position, StoreError> {
        let space = self.space(connection);
        Ok(Position(space.map_or(0, |space| space.numbers.position)))
    }

    fn records_behind(
        &mut self,
        connection: ConnectionId,
        ids: &[SalesforceId],
    ) -> Result<Vec<(SalesforceId, String, RecordId)>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for row in space.links.values() {
            let Some(id) = row.state.salesforce_id.filter(|id| ids.contains(id)) else {
                continue;
            };
            let record = row.state.record.and_then(|record| space.records.get(&record));
            if let Some(record) = record.filter(|record| record.state.presence != Presence::Deleted) {
                found.push((id, record.object.clone(), record.state.id));
            }
        }
        Ok(found)
    }
}

fn stored(space: &Space, row: &RecordRow) -> StoredRecord {
    let state = &row.state;
    StoredRecord {
        id: state.id,
        object: row.object.clone(),
        salesforce_id: space
            .links
            .get(&row.link)
            .and_then(|link| link.state.salesforce_id),
        owner: state.owner.clone(),
        fields: state.fields.clone(),
        presence: state.presence,
        position: row.position,
        key: state.key.clone(),
        successor: state.successor,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn meets(record: &StoredRecord, filter: &RecordFilter) -> bool {
    filter.owner.as_ref().is_none_or(|owner| record.owner == *owner)
        && filter
            .salesforce_id
            .is_none_or(|id| record.salesforce_id == Some(id))
        && filter
            .updated_since
            .is_none_or(|since| record.updated_at >= since)
        && filter.fields.iter().all(|(name, text)| {
            let value = record.fields.get(name).map(partner_json);
            let written = value.map(|value| match value {
                Value::String(held) => held,
                other => other.to_string(),
            });
            written.as_ref() == Some(text)
        })
}
