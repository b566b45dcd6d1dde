//! Spent calls, by hour.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Calls, StoreError};
use chrono::{DateTime, TimeDelta};

use super::{Memory, Space};

const HOUR: i64 = 3600;

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
        *Arc::make_mut(&mut space.calls).entry(hour(now)).or_default() += u64::from(taken);
        Ok(taken)
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
            .find(|(start, calls)| counts(**start, now) && **calls > 0)
            .map(|(start, _)| *start);
        let free = |start: i64| DateTime::from_timestamp((start + 1) * HOUR, 0);
        Ok(oldest.and_then(free).map(|end| end + TimeDelta::hours(24)))
    }
}

fn hour(at: Instant) -> i64 {
    at.timestamp().div_euclid(HOUR)
}

/// Whether an hour still reaches into the 24 hours that end now.
fn counts(start: i64, now: Instant) -> bool {
    (start + 1) * HOUR > (now - TimeDelta::hours(24)).timestamp()
}

fn spent(space: &Space, now: Instant) -> u64 {
    let counted = space.calls.iter().filter(|(start, _)| counts(**start, now));
    counted.map(|(_, calls)| *calls).sum()
}
