//! What the org's admin set.

use causeway_core::id::ConnectionId;
use causeway_core::ports::settings::AdminSettings;
use causeway_core::ports::{Settings, StoreError};

use super::{Memory, conflict};

impl Settings for Memory {
    fn settings(&mut self, connection: ConnectionId) -> Result<AdminSettings, StoreError> {
        let space = self.space(connection);
        Ok(space.map(|space| space.settings.clone()).unwrap_or_default())
    }

    fn put_settings(
        &mut self,
        connection: ConnectionId,
        settings: &AdminSettings,
    ) -> Result<i64, StoreError> {
        let space = self.space_mut(connection)?;
        if space.settings.revision != settings.revision {
            return Err(conflict("the settings of a connection"));
        }
        let revision = settings.revision + 1;
        space.settings = AdminSettings {
            revision,
            ..settings.clone()
        };
        Ok(revision)
    }
}
