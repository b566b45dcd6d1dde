//! What crossed between both sides, by the hour.

use causeway_core::Instant;
use causeway_core::activity::Hour;
use causeway_core::budget::{begins, hour_of};
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Activities, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::columns::{from_json, to_json};
use crate::engine::on_engine;
use crate::schema::activity_hour;
use crate::session::Session;

/// Hours that are kept.
const KEPT: i64 = 31 * 24;

impl Activities for Session {
    fn note_activity(
        &mut self,
        connection: ConnectionId,
        at: Instant,
        noted: &Hour,
    ) -> Result<(), StoreError> {
        self.port(|session| note(session, connection, hour_of(at), noted))
    }

    fn activity(
        &mut self,
        connection: ConnectionId,
        since: Instant,
    ) -> Result<Vec<(Instant, Hour)>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| activity_hour::table
                .filter(activity_hour::connection_id.eq(connection.0))
                .filter(activity_hour::hour.ge(hour_of(since)))
                .order(activity_hour::hour)
                .select((activity_hour::hour, activity_hour::noted))
                .load::<(i64, String)>(db));
            let rows = session.checked(rows)?.into_iter();
            rows.map(|(hour, noted)| Ok((begins(hour), read(&noted)?)))
                .collect()
        })
    }
}

fn note(session: &mut Session, connection: ConnectionId, hour: i64, noted: &Hour) -> Result<(), StoreError> {
    // Under the connection's counter nobody adds to the hour in between.
    session.take_numbers(connection, 0)?;
    let before = on_engine!(session, |db| activity_hour::table
        .find((connection.0, hour))
        .select(activity_hour::noted)
        .first::<String>(db)
        .optional());
    let before = session.checked(before)?;
    let is_new = before.is_none();
    let mut all = before.as_deref().map(read).transpose()?.unwrap_or_default();
    all.add(noted);
    let all = to_json(&all)?;
    let written = on_engine!(session, |db| diesel::insert_into(activity_hour::table)
        .values((
            activity_hour::connection_id.eq(connection.0),
            activity_hour::hour.eq(hour),
            activity_hour::noted.eq(&all),
        ))
        .on_conflict((activity_hour::connection_id, activity_hour::hour))
        .do_update()
        .set(activity_hour::noted.eq(excluded(activity_hour::noted)))
        .execute(db));
    session.checked(written)?;
    if is_new {
        let forgotten = on_engine!(session, |db| diesel::delete(
            activity_hour::table
                .filter(activity_hour::connection_id.eq(connection.0))
                .filter(activity_hour::hour.lt(hour - KEPT))
        )
        .execute(db));
        session.checked(forgotten)?;
    }
    Ok(())
}

fn read(noted: &str) -> Result<Hour, StoreError> {
    from_json("activity of an hour", noted)
}
