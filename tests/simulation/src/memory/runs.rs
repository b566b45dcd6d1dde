//! Sync runs, watermarks, and what a reconcile saw.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{HeldReason, LinkStatus};
use causeway_core::id::{ConnectionId, MappingId, RunId, SalesforceId};
use causeway_core::ports::runs::{Pace, PartProgress, Run, RunFilter, RunKind, RunPart, RunState, Watermark};
use causeway_core::ports::{Runs, StoreError};

use super::{Memory, corrupt, next};

impl Runs for Memory {
    fn start_run(
        &mut self,
        connection: ConnectionId,
        kind: RunKind,
        mappings: &[MappingId],
        at: Instant,
    ) -> Result<RunId, StoreError> {
        let space = self.space_mut(connection)?;
        if let Some(run) = space
            .runs
            .values()
            .find(|run| run.kind == kind && is_unfinished(run))
        {
            return Ok(run.id);
        }
        let id = RunId(next(&mut space.numbers.run));
        let parts = mappings.iter().map(|mapping| RunPart {
            mapping: *mapping,
            progress: PartProgress::Waiting,
            rows: 0,
            expected: None,
            outcomes: BTreeMap::new(),
            dropped: 0,
        });
        let run = Run {
            id,
            connection,
            kind,
            state: RunState::Queued,
            error: None,
            created_at: at,
            finished_at: None,
            pace: None,
            parts: parts.collect(),
        };
        Arc::make_mut(&mut space.runs).insert(id, run);
        Ok(id)
    }

    fn run(&mut self, connection: ConnectionId, id: RunId) -> Result<Option<Run>, StoreError> {
        Ok(self
            .space(connection)
            .and_then(|space| space.runs.get(&id).cloned()))
    }

    fn runs(
        &mut self,
        connection: ConnectionId,
        filter: RunFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        let older = |run: &&Run| before.is_none_or(|before| run.id < before);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(space
            .runs
            .values()
            .rev()
            .filter(older)
            .filter(|run| filter.kind.is_none_or(|kind| run.kind == kind))
            .filter(|run| filter.state.is_none_or(|state| run.state == state))
            .take(limit)
            .cloned()
            .collect())
    }

    fn unfinished_runs(&mut self) -> Result<Vec<(ConnectionId, RunId)>, StoreError> {
        let mut found: Vec<(Instant, ConnectionId, RunId)> = Vec::new();
        for (connection, space) in &self.tables.spaces {
            let runs = space.runs.values().filter(|run| is_unfinished(run));
            found.extend(runs.map(|run| (run.created_at, *connection, run.id)));
        }
        found.sort();
        Ok(found
            .into_iter()
            .map(|(_, connection, run)| (connection, run))
            .collect())
    }

    fn save_part(&mut self, connection: ConnectionId, run: RunId, part: &RunPart) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let parts = Arc::make_mut(&mut space.runs)
            .get_mut(&run)
            .map(|run| &mut run.parts);
        let place = parts.and_then(|parts| parts.iter_mut().find(|old| old.mapping == part.mapping));
        let place = place.ok_or_else(|| corrupt(format!("run {run} has no part for {}", part.mapping)))?;
        *place = part.clone();
        Ok(())
    }

    fn set_run_state(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        state: RunState,
        error: Option<&str>,
        at: Instant,
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let row = Arc::make_mut(&mut space.runs)
            .get_mut(&run)
            .ok_or_else(|| corrupt(format!("there is no run {run}")))?;
        row.state = state;
        row.error = error.map(str::to_owned);
        row.finished_at = (!state.is_unfinished()).then_some(at);
        Ok(())
    }

    fn set_run_pace(&mut self, connection: ConnectionId, run: RunId, pace: Pace) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let row = Arc::make_mut(&mut space.runs)
            .get_mut(&run)
            .ok_or_else(|| corrupt(format!("there is no run {run}")))?;
        row.pace = Some(pace);
        Ok(())
    }

    fn watermark(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        of: Watermark,
    ) -> Result<Option<Instant>, StoreError> {
        let space = self.space(connection);
        Ok(space.and_then(|space| space.watermarks.get(&(mapping, of)).copied()))
    }

    fn raise_watermark(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        of: Watermark,
        to: Instant,
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let mark = Arc::make_mut(&mut space.watermarks)
            .entry((mapping, of))
            .or_insert(to);
        *mark = (*mark).max(to);
        Ok(())
    }

    fn note_seen(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
        ids: &[SalesforceId],
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        Arc::make_mut(&mut space.seen).extend(ids.iter().map(|id| ((run, mapping, *id), ())));
        Ok(())
    }

    fn seen_count(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
    ) -> Result<u64, StoreError> {
        let count = self.space(connection).map_or(0, |space| {
            let seen = space.seen.keys();
            seen.filter(|key| key.0 == run && key.1 == mapping).count()
        });
        Ok(u64::try_from(count).unwrap_or(u64::MAX))
    }

    fn unseen(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
        before: Instant,
        after: Option<SalesforceId>,
        limit: u32,
    ) -> Result<Vec<SalesforceId>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        let links = space.links.values().filter(|row| {
            row.mapping == mapping && is_present(&row.state.status) && row.state.version.modstamp <= before
        });
        let mut ids: Vec<SalesforceId> = links
            .filter_map(|row| row.state.salesforce_id)
            .filter(|id| after.is_none_or(|after| *id > after))
            .filter(|id| !space.seen.contains_key(&(run, mapping, *id)))
            .collect();
        ids.sort();
        ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(ids)
    }

    fn forget_seen(&mut self, connection: ConnectionId, run: RunId, limit: u32) -> Result<u64, StoreError> {
        let space = self.space_mut(connection)?;
        let seen = Arc::make_mut(&mut space.seen);
        let keys: Vec<_> = seen
            .keys()
            .filter(|key| key.0 == run)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .copied()
            .collect();
        for key in &keys {
            seen.remove(key);
        }
        Ok(u64::try_from(keys.len()).unwrap_or(u64::MAX))
    }
}

fn is_unfinished(run: &Run) -> bool {
    run.state.is_unfinished()
}

/// Whether a link takes its Salesforce record for present.
fn is_present(status: &LinkStatus) -> bool {
    match status {
        LinkStatus::Creating | LinkStatus::Linked => true,
        LinkStatus::Held { reason } => !matches!(reason, HeldReason::DeleteAsked),
        LinkStatus::Deleted
        | LinkStatus::Unlinked
        | LinkStatus::Merged { .. }
        | LinkStatus::Converted { .. } => false,
    }
}
