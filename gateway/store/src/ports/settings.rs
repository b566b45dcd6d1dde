//! What the org's admin set.

use causeway_core::id::ConnectionId;
use causeway_core::ports::settings::AdminSettings;
use causeway_core::ports::{Settings, StoreError};
use diesel::prelude::*;

use crate::columns::{from_json, to_json};
use crate::engine::on_engine;
use crate::error::conflict;
use crate::schema::admin_settings;
use crate::session::Session;
use crate::text;

impl Settings for Session {
    fn settings(&mut self, connection: ConnectionId) -> Result<AdminSettings, StoreError> {
        self.port(|session| of(session, connection))
    }

    fn put_settings(
        &mut self,
        connection: ConnectionId,
        settings: &AdminSettings,
    ) -> Result<i64, StoreError> {
        self.port(|session| put(session, connection, settings))
    }
}

/// What is set for a connection.
pub(super) fn of(session: &mut Session, connection: ConnectionId) -> Result<AdminSettings, StoreError> {
    let row = on_engine!(session, |db| admin_settings::table
        .find(connection.0)
        .select((admin_settings::revision, admin_settings::settings))
        .first::<(i64, String)>(db)
        .optional());
    let Some((revision, settings)) = session.checked(row)? else {
        return Ok(AdminSettings::default());
    };
    Ok(AdminSettings {
        revision,
        ..from_json("settings", &settings)?
    })
}

fn put(session: &mut Session, connection: ConnectionId, settings: &AdminSettings) -> Result<i64, StoreError> {
    let (replaced, revision) = (settings.revision, settings.revision + 1);
    let text = to_json(settings)?;
    text::refuse_unstorable("settings", [&text])?;
    let written = if replaced == 0 {
        on_engine!(session, |db| diesel::insert_into(admin_settings::table)
            .values((
                admin_settings::connection_id.eq(connection.0),
                admin_settings::revision.eq(revision),
                admin_settings::settings.eq(&text),
            ))
            .on_conflict_do_nothing()
            .execute(db))
    } else {
        on_engine!(session, |db| diesel::update(
            admin_settings::table
                .find(connection.0)
                .filter(admin_settings::revision.eq(replaced))
        )
        .set((
            admin_settings::revision.eq(revision),
            admin_settings::settings.eq(&text),
        ))
        .execute(db))
    };
    match session.checked(written)? {
        0 => Err(conflict("the settings of a connection")),
        _ => Ok(revision),
    }
}
