//! Named leases, and the log.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::logs::{LogEntry, LogFilter, NewLogEntry};
use causeway_core::ports::{Leases, Logs, StoreError};

use super::{LeaseRow, Memory, next};

/// Entries that are kept; older ones are of no use to a history of some hundred steps.
const KEPT: usize = 64;

impl Leases for Memory {
    fn hold_lease(
        &mut self,
        connection: ConnectionId,
        name: &str,
        owner: &str,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError> {
        let space = self.space_mut(connection)?;
        let leases = Arc::make_mut(&mut space.leases);
        let lease = leases.entry(name.to_owned()).or_insert_with(|| LeaseRow {
            owner: String::new(),
            until: Instant::UNIX_EPOCH,
            fence: 0,
        });
        if lease.owner != owner {
            if !lease.owner.is_empty() && lease.until > now {
                return Ok(None);
            }
            lease.owner = owner.to_owned();
            lease.fence += 1;
        }
        lease.until = until;
        Ok(Some(lease.fence))
    }

    fn release_lease(&mut self, connection: ConnectionId, name: &str, owner: &str) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        if let Some(lease) = Arc::make_mut(&mut space.leases).get_mut(name)
            && lease.owner == owner
        {
            lease.owner.clear();
        }
        Ok(())
    }
}

impl Logs for Memory {
    fn append_logs(&mut self, connection: ConnectionId, entries: &[NewLogEntry]) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        let logs = Arc::make_mut(&mut space.logs);
        for entry in entries {
            logs.push(Arc::new(LogEntry {
                id: next(&mut space.numbers.log),
                entry: entry.clone(),
            }));
        }
        let surplus = logs.len().saturating_sub(KEPT);
        logs.drain(..surplus);
        Ok(())
    }

    fn logs(
        &mut self,
        connection: ConnectionId,
        filter: &LogFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(Vec::new());
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(space
            .logs
            .iter()
            .rev()
            .filter(|row| before.is_none_or(|before| row.id < before) && meets(&row.entry, filter))
            .take(limit)
            .map(|row| row.as_ref().clone())
            .collect())
    }
}

fn meets(entry: &NewLogEntry, filter: &LogFilter) -> bool {
    filter
        .direction
        .is_none_or(|direction| entry.direction == direction)
        && filter.method.is_none_or(|method| entry.method == method)
        && filter
            .object
            .as_ref()
            .is_none_or(|object| entry.object == *object)
        && filter
            .salesforce_id
            .is_none_or(|id| entry.salesforce_id == Some(id))
        && filter.run.is_none_or(|run| entry.run == Some(run))
        && filter.from.is_none_or(|from| entry.at >= from)
        && filter.to.is_none_or(|to| entry.at < to)
        && (!filter.failed || entry.status >= 400)
}
