//! How much crossed, hour by hour.

use crate::Instant;
use crate::activity::Hour;
use crate::id::ConnectionId;
use crate::ports::StoreError;

/// What crossed, counted by the hour.
pub trait Activities {
    /// Adds to the hour that `at` lies in. Hours that ended more than 31 days before are forgotten.
    fn note_activity(
        &mut self,
        connection: ConnectionId,
        at: Instant,
        noted: &Hour,
    ) -> Result<(), StoreError>;

    /// Hours since `since` in which something crossed, by the hour's beginning.
    fn activity(
        &mut self,
        connection: ConnectionId,
        since: Instant,
    ) -> Result<Vec<(Instant, Hour)>, StoreError>;
}
