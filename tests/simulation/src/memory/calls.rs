//! Spent calls, by hour.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::budget::{begins, first_counted, freed_at, hour_of};
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Calls, StoreError};

use super::{Memory, Space};

impl Calls for Memory {
    fn take_calls(
        &mut self,
        connection: ConnectionId,
        wanted: u32,
        cap: u64,
        now: Instant,
    ) -> Result<u32, StoreError> {
        let space = self.space_mut(connection)?;
        let left = cap.saturating_sub(spent(space, now));
        let taken = u32::try_from(left).unwrap_or(u32::MAX).min(wanted);
        *Arc::make_mut(&mut space.calls).entry(hour_of(now)).or_default() += u64::from(taken);
        Ok(taken)
    }

    fn give_calls_back(
        &mut self,
        connection: ConnectionId,
        calls: u32,
        taken_at: Instant,
    ) -> Result<(), StoreError> {
        let space = self.space_mut(connection)?;
        if let Some(taken) = Arc::make_mut(&mut space.calls).get_mut(&hour_of(taken_at)) {
            *taken = taken.saturating_sub(u64::from(calls));
        }
        Ok(())
    }

    fn call_hours(
        &mut self,
        connection: ConnectionId,
        since: Instant,
    ) -> Result<Vec<(Instant, u64)>, StoreError> {
        let space = self.space(connection);
        let hours = space.map(|space| space.calls.range(hour_of(since)..));
        Ok(hours
            .into_iter()
            .flatten()
            .filter(|(_, calls)| **calls > 0)
            .map(|(hour, calls)| (begins(*hour), *calls))
            .collect())
    }

    fn calls_spent(&mut self, connection: ConnectionId, now: Instant) -> Result<u64, StoreError> {
        Ok(self.space(connection).map_or(0, |space| spent(space, now)))
    }

    fn calls_free_at(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<Option<Instant>, StoreError> {
        let Some(space) = self.space(connection) else {
            return Ok(None);
        };
        let oldest = space
            .calls
            .iter()
            .find(|(hour, calls)| **hour >= first_counted(now) && **calls > 0)
            .map(|(hour, _)| *hour);
        Ok(oldest.map(freed_at))
    }
}

fn spent(space: &Space, now: Instant) -> u64 {
    space
        .calls
        .range(first_counted(now)..)
        .map(|(_, calls)| *calls)
        .sum()
}
