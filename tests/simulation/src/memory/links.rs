//! Links with the records behind them, and their history.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_core::decide::{Effects, Identity, LinkState, LinkStatus, RecordState};
use causeway_core::id::{ConnectionId, LinkId, MappingId, Position, RecordId, SalesforceId};
use causeway_core::ports::links::{Caused, HeldRecord, HistoryEntry, LinkCounts, Linked, Write, Written};
use causeway_core::ports::{Links, StoreError};

use super::{LinkRow, Memory, RecordRow, Space, conflict, next, outbox};

impl Links for Memory {
    fn linked(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        ids: &[SalesforceId],
    ) -> Result<HashMap<SalesforceId, Linked>, StoreError> {
        self.work.looked_up += ids.len();
        let Some(space) = self.space(connection) else {
            return Ok(HashMap::new());
        };
        let find = |id: &SalesforceId| {
            let link = space.by_salesforce.get(&(mapping, *id))?;
            Some((*id, linked(space, *link)?))
        };
        Ok(ids.iter().filter_map(find).collect())
    }

    fn links(
        &mut self,
        connection: ConnectionId,
        ids: &[LinkId],
    ) -> Result<HashMap<LinkId, Linked>, StoreError> {
        self.work.looked_up += ids.len();
        let Some(space) = self.space(connection) else {
            return Ok(HashMap::new());
        };
        let find = |id: &LinkId| Some((*id, linked(space, *id)?));
        Ok(ids.iter().filter_map(find).collect())
    }

    fn links_of(
        &mut self,
        connection: ConnectionId,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Linked>, StoreError> {
        self.work.looked_up += records.len();
        let Some(space) = self.space(connection) else {
            return Ok(HashMap::new());
        };
        let find = |id: &RecordId| Some((*id, linked(space, space.records.get(id)?.link)?));
        Ok(records.iter().filter_map(find).collect())
    }

    fn holders(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        identities: &[Identity],
    ) -> Result<HashMap<Identity, LinkId>, StoreError> {
        self.work.looked_up += identities.len();
        let Some(space) = self.space(connection) else {
            return Ok(HashMap::new());
        };
        let find = |identity: &Identity| {
            let link = space.identities.get(&(mapping, identity.clone()))?;
            Some((identity.clone(), *link))
        };
        Ok(identities.iter().filter_map(find).collect())
    }

    fn apply(&mut self, write: &Write<'_>) -> Result<Vec<Written>, StoreError> {
        self.work.largest_write = self.work.largest_write.max(write.effects.len());
        let before = self.tables.clone();
        let written = self
            .space_mut(write.connection)
            .and_then(|space| apply(space, write));
        if written.is_err() {
            self.tables = before;
        }
        written
    }

    fn history(
        &mut self,
        connection: ConnectionId,
        record: RecordId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let link = self
            .space(connection)
            .and_then(|space| space.records.get(&record))
            .map(|row| row.link);
        Ok(self.entries(connection, limit, |entry| Some(entry.link) == link))
    }

    fn conflicts(
        &mut self,
        connection: ConnectionId,
        record: Option<RecordId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let link = record.and_then(|record| {
            let space = self.space(connection)?;
            Some(space.records.get(&record)?.link)
        });
        Ok(self.entries(connection, limit, |entry| {
            entry.lost.is_some()
                && before.is_none_or(|before| entry.id < before)
                && (record.is_none() || Some(entry.link) == link)
        }))
    }

    fn history_entry(
        &mut self,
        connection: ConnectionId,
        id: i64,
    ) -> Result<Option<HistoryEntry>, StoreError> {
        Ok(self.entries(connection, 1, |entry| entry.id == id).pop())
    }

    fn held(
        &mut self,
        connection: ConnectionId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<HeldRecord>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        Ok(space
            .links
            .values()
            .filter(|row| after.is_none_or(|after| row.state.id > after))
            .filter_map(|row| match &row.state.status {
                LinkStatus::Held { reason } => Some(HeldRecord {
                    link: row.state.id,
                    mapping: row.mapping,
                    salesforce_id: row.state.salesforce_id,
                    record: row.state.record,
                    reason: reason.clone(),
                    since: row.since,
                }),
                _ => None,
            })
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .collect())
    }

    fn link_counts(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
    ) -> Result<LinkCounts, StoreError> {
        let mut counts = LinkCounts::default();
        let Some(space) = self.space(connection) else {
            return Ok(counts);
        };
        for row in space.links.values().filter(|row| row.mapping == mapping) {
            match row.state.status {
                LinkStatus::Linked => counts.linked += 1,
                LinkStatus::Held { .. } => counts.held += 1,
                LinkStatus::Creating => counts.creating += 1,
                LinkStatus::Deleted
                | LinkStatus::Unlinked
                | LinkStatus::Merged { .. }
                | LinkStatus::Converted { .. } => counts.deleted += 1,
            }
        }
        Ok(counts)
    }
}

impl Memory {
    fn entries(
        &self,
        connection: ConnectionId,
        limit: u32,
        wanted: impl Fn(&HistoryEntry) -> bool,
    ) -> Vec<HistoryEntry> {
        let Some(space) = self.space(connection) else {
            return Vec::new();
        };
        space
            .history
            .iter()
            .rev()
            .filter(|entry| wanted(entry))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .map(|entry| entry.as_ref().clone())
            .collect()
    }

    /// Every link of a connection, by number.
    pub fn all_links(&self, connection: ConnectionId) -> Vec<Linked> {
        let Some(space) = self.space(connection) else {
            return Vec::new();
        };
        let find = |link: &LinkId| linked(space, *link);
        space.links.keys().filter_map(find).collect()
    }

    /// The links that have an outgoing head.
    pub fn outgoing_heads(&self, connection: ConnectionId) -> Vec<LinkId> {
        let space = self.space(connection);
        space.map_or_else(Vec::new, |space| space.outbox.keys().copied().collect())
    }

    /// All of a connection's history, oldest first.
    pub fn all_history(&self, connection: ConnectionId) -> &[Arc<HistoryEntry>] {
        self.space(connection)
            .map_or(&[], |space| space.history.as_slice())
    }
}

fn linked(space: &Space, link: LinkId) -> Option<Linked> {
    let row = space.links.get(&link)?;
    let record = row.state.record.and_then(|record| space.records.get(&record));
    Some(Linked {
        mapping: row.mapping,
        link: row.state.clone(),
        record: record.map(|record| record.state.clone()),
    })
}

/// Absorbed links go, known links are swapped, new ones are made; then identities, records, history and heads.
fn apply(space: &mut Space, write: &Write<'_>) -> Result<Vec<Written>, StoreError> {
    for Caused { effects, .. } in write.effects {
        if let Some(absorbed) = &effects.link.absorb {
            let row = swap(space, absorbed.id, absorbed.revision)?;
            if row.state.record.is_some() {
                return Err(conflict("a link to absorb that has a partner record"));
            }
            remove_link(space, &row);
        }
    }
    let mut written: Vec<Option<LinkId>> = vec![None; write.effects.len()];
    for known in [true, false] {
        for (caused, place) in write.effects.iter().zip(&mut written) {
            if caused.effects.link.existing.is_some() == known {
                *place = Some(put_link(space, write, &caused.effects)?);
            }
        }
    }
    let links: Vec<LinkId> = written.into_iter().flatten().collect();
    for (link, Caused { effects, .. }) in links.iter().zip(write.effects) {
        release(space, write.mapping, *link, &effects.link.release);
    }
    for (link, Caused { effects, .. }) in links.iter().zip(write.effects) {
        reserve(space, write.mapping, *link, &effects.link.reserve)?;
    }
    let mut answers = Vec::with_capacity(links.len());
    for (link, caused) in links.iter().zip(write.effects) {
        let (record, position) = put_record(space, write, *link, &caused.effects);
        put_history(space, write, *link, caused);
        if caused.effects.link.ready {
            outbox::ready(space, *link, write.mapping, write.lane, write.at);
        }
        answers.push(Written {
            link: *link,
            record,
            position,
        });
    }
    Ok(answers)
}

/// The link as it was read, or a conflict.
fn swap(space: &Space, link: LinkId, revision: i64) -> Result<Arc<LinkRow>, StoreError> {
    let row = space.links.get(&link).map(Arc::clone);
    row.filter(|row| row.state.revision == revision)
        .ok_or_else(|| conflict(format!("link {link}")))
}

fn remove_link(space: &mut Space, row: &LinkRow) {
    let id = row.state.id;
    Arc::make_mut(&mut space.links).remove(&id);
    if let Some(salesforce_id) = row.state.salesforce_id {
        Arc::make_mut(&mut space.by_salesforce).remove(&(row.mapping, salesforce_id));
    }
    Arc::make_mut(&mut space.identities).retain(|_, holder| *holder != id);
    Arc::make_mut(&mut space.outbox).remove(&id);
}

fn put_link(space: &mut Space, write: &Write<'_>, effects: &Effects) -> Result<LinkId, StoreError> {
    let link = &effects.link;
    let (id, revision, record, since) = match &link.existing {
        Some(existing) => {
            let row = swap(space, existing.id, existing.revision)?;
            if let Some(old) = row.state.salesforce_id {
                Arc::make_mut(&mut space.by_salesforce).remove(&(write.mapping, old));
            }
            let since = if row.state.status == link.status {
                row.since
            } else {
                write.at
            };
            (existing.id, existing.revision + 1, row.state.record, since)
        }
        None => (LinkId(next(&mut space.numbers.link)), 1, None, write.at),
    };
    if let Some(salesforce_id) = link.salesforce_id {
        let key = (write.mapping, salesforce_id);
        if Arc::make_mut(&mut space.by_salesforce).insert(key, id).is_some() {
            return Err(conflict(format!("the link of {salesforce_id}")));
        }
    }
    let state = LinkState {
        id,
        salesforce_id: link.salesforce_id,
        record,
        status: link.status.clone(),
        version: link.version,
        revision,
        plan: link.plan,
        agreed: link.agreed.clone(),
        outgoing: link.outgoing.clone(),
    };
    let row = LinkRow {
        mapping: write.mapping,
        state,
        since,
    };
    Arc::make_mut(&mut space.links).insert(id, Arc::new(row));
    Ok(id)
}

fn release(space: &mut Space, mapping: MappingId, link: LinkId, identities: &[Identity]) {
    for identity in identities {
        let key = (mapping, identity.clone());
        if space.identities.get(&key) == Some(&link) {
            Arc::make_mut(&mut space.identities).remove(&key);
        }
    }
}

fn reserve(
    space: &mut Space,
    mapping: MappingId,
    link: LinkId,
    identities: &[Identity],
) -> Result<(), StoreError> {
    for identity in identities {
        let holder = *Arc::make_mut(&mut space.identities)
            .entry((mapping, identity.clone()))
            .or_insert(link);
        if holder != link {
            return Err(conflict(format!("the identity {identity:?} of link {holder}")));
        }
    }
    Ok(())
}

fn put_record(
    space: &mut Space,
    write: &Write<'_>,
    link: LinkId,
    effects: &Effects,
) -> (Option<RecordId>, Option<Position>) {
    let known = space.links.get(&link).and_then(|row| row.state.record);
    let Some(effect) = &effects.record else {
        return (known, None);
    };
    let id = known.unwrap_or_else(|| RecordId(next(&mut space.numbers.record)));
    let position = Position(next(&mut space.numbers.position));
    let records = Arc::make_mut(&mut space.records);
    let created_at = records.get(&id).map_or(write.at, |row| row.created_at);
    let state = RecordState {
        id,
        fields: effect.fields.clone(),
        owner: effect.owner.clone(),
        presence: effect.presence,
        times: effect.times.clone(),
        key: effect.key.clone(),
        successor: effect.successor,
    };
    let row = RecordRow {
        object: write.partner_object.to_owned(),
        link,
        state,
        position,
        created_at,
        updated_at: write.at,
    };
    records.insert(id, Arc::new(row));
    if let Some(row) = Arc::make_mut(&mut space.links).get_mut(&link) {
        Arc::make_mut(row).state.record = Some(id);
    }
    (Some(id), Some(position))
}

fn put_history(space: &mut Space, write: &Write<'_>, link: LinkId, caused: &Caused) {
    for change in &caused.effects.history {
        let entry = HistoryEntry {
            id: next(&mut space.numbers.history),
            link,
            field: change.field,
            at: write.at,
            salesforce_before: change.salesforce_before.clone(),
            salesforce_after: change.salesforce_after.clone(),
            partner_before: change.partner_before.clone(),
            partner_after: change.partner_after.clone(),
            cause: change.cause,
            lost: change.lost.clone(),
            plan: caused.effects.link.plan,
            source: caused.source.clone(),
            saved_by: caused.saved_by,
        };
        Arc::make_mut(&mut space.history).push(Arc::new(entry));
    }
}
