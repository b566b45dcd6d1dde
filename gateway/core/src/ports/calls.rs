//! What Salesforce calls were spent, by hour.

use crate::Instant;
use crate::id::ConnectionId;
use crate::ports::StoreError;

/// Spent calls.
pub trait Calls {
    /// Takes up to `wanted` calls, no more than are left of `cap` for the 24 hours that end at `now`, and answers
    /// how many were taken. What is taken is spent, whether it is used or not: a call of unknown outcome may have
    /// been counted by Salesforce.
    fn take_calls(
        &mut self,
        connection: ConnectionId,
        wanted: u32,
        cap: u64,
        now: Instant,
    ) -> Result<u32, StoreError>;

    /// Gives back calls that were taken at `taken_at` and were never made. They no longer count.
    fn give_calls_back(
        &mut self,
        connection: ConnectionId,
        calls: u32,
        taken_at: Instant,
    ) -> Result<(), StoreError>;

    /// Calls spent in each hour since `since`, by the hour's beginning. Hours without any are left out, and so are
    /// those that ended more than 31 days ago.
    fn call_hours(
        &mut self,
        connection: ConnectionId,
        since: Instant,
    ) -> Result<Vec<(Instant, u64)>, StoreError>;

    /// Calls spent in the 24 hours that end at `now`.
    fn calls_spent(&mut self, connection: ConnectionId, now: Instant) -> Result<u64, StoreError>;

    /// When some of the spent calls will no longer count: the end of the oldest hour that has any. None: nothing is
    /// spent.
    fn calls_free_at(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<Option<Instant>, StoreError>;
}
