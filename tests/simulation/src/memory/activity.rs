//! What crossed, by the hour.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::activity::Hour;
use causeway_core::budget::{begins, hour_of};
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Activities, StoreError};

use super::Memory;

impl Activities for Memory {
    fn note_activity(
        &mut self,
        connection: ConnectionId,
        at: Instant,
        noted: &Hour,
    ) -> Result<(), StoreError> {
        let hours = Arc::make_mut(&mut self.space_mut(connection)?.activity);
        hours.entry(hour_of(at)).or_default().add(noted);
        Ok(())
    }

    fn activity(
        &mut self,
        connection: ConnectionId,
        since: Instant,
    ) -> Result<Vec<(Instant, Hour)>, StoreError> {
        let space = self.space(connection);
        let hours = space.map(|space| space.activity.range(hour_of(since)..));
        Ok(hours
            .into_iter()
            .flatten()
            .map(|(hour, noted)| (begins(*hour), noted.clone()))
            .collect())
    }
}
