//! Leases for work that only one worker may do at a time.

use crate::Instant;
use crate::id::ConnectionId;
use crate::ports::StoreError;

/// Named leases.
pub trait Leases {
    /// Takes or renews a lease. `Some(fence)` when held by `owner` now: the fence stays the same on renewal and
    /// grows when the lease changes hands. `None` while another owner holds it.
    fn hold_lease(
        &mut self,
        connection: ConnectionId,
        name: &str,
        owner: &str,
        now: Instant,
        until: Instant,
    ) -> Result<Option<i64>, StoreError>;

    /// Gives a lease back. Nothing happens when `owner` does not hold it.
    fn release_lease(&mut self, connection: ConnectionId, name: &str, owner: &str) -> Result<(), StoreError>;
}
