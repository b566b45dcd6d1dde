//! Salesforce calls spent, counted by the hour as [`causeway_core::budget`] wants it.

use causeway_core::Instant;
use causeway_core::budget::{begins, first_counted, freed_at, hour_of};
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Calls, StoreError};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::columns::from_column;
use crate::engine::on_engine;
use crate::schema::call_hour;
use crate::session::Session;

/// Hours for which spent calls are shown, longer than they count.
const SHOWN: i64 = 31 * 24;

impl Calls for Session {
    fn take_calls(
        &mut self,
        connection: ConnectionId,
        wanted: u32,
        cap: u64,
        now: Instant,
    ) -> Result<u32, StoreError> {
        self.port(|session| take(session, connection, wanted, cap, now))
    }

    fn calls_spent(&mut self, connection: ConnectionId, now: Instant) -> Result<u64, StoreError> {
        self.port(|session| spent(session, connection, now))
    }

    fn calls_free_at(
        &mut self,
        connection: ConnectionId,
        now: Instant,
    ) -> Result<Option<Instant>, StoreError> {
        self.port(|session| {
            let oldest = on_engine!(session, |db| call_hour::table
                .filter(call_hour::connection_id.eq(connection.0))
                .filter(call_hour::hour.ge(first_counted(now)))
                .filter(call_hour::calls.gt(0))
                .select(min(call_hour::hour))
                .get_result::<Option<i64>>(db));
            Ok(session.checked(oldest)?.map(freed_at))
        })
    }

    fn give_calls_back(
        &mut self,
        connection: ConnectionId,
        calls: u32,
        taken_at: Instant,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            let given_back = on_engine!(session, |db| diesel::update(
                call_hour::table.find((connection.0, hour_of(taken_at)))
            )
            .set(call_hour::calls.eq(call_hour::calls - i64::from(calls)))
            .execute(db));
            session.checked(given_back).map(drop)
        })
    }

    fn call_hours(
        &mut self,
        connection: ConnectionId,
        since: Instant,
    ) -> Result<Vec<(Instant, u64)>, StoreError> {
        self.port(|session| {
            let hours = on_engine!(session, |db| call_hour::table
                .filter(call_hour::connection_id.eq(connection.0))
                .filter(call_hour::hour.ge(hour_of(since)))
                .filter(call_hour::calls.gt(0))
                .order(call_hour::hour)
                .select((call_hour::hour, call_hour::calls))
                .load::<(i64, i64)>(db));
            let hours = session.checked(hours)?.into_iter();
            hours
                .map(|(hour, calls)| Ok((begins(hour), from_column("number of calls", calls)?)))
                .collect()
        })
    }
}

fn take(
    session: &mut Session,
    connection: ConnectionId,
    wanted: u32,
    cap: u64,
    now: Instant,
) -> Result<u32, StoreError> {
    // Under the connection's counter nobody takes what is left in between.
    session.take_numbers(connection, 0)?;
    let left = cap.saturating_sub(spent(session, connection, now)?);
    let taken = u32::try_from(left).map_or(wanted, |left| left.min(wanted));
    if taken == 0 {
        return Ok(0);
    }
    let counted = on_engine!(session, |db| diesel::insert_into(call_hour::table)
        .values((
            call_hour::connection_id.eq(connection.0),
            call_hour::hour.eq(hour_of(now)),
            call_hour::calls.eq(i64::from(taken)),
        ))
        .on_conflict((call_hour::connection_id, call_hour::hour))
        .do_update()
        .set(call_hour::calls.eq(call_hour::calls + excluded(call_hour::calls)))
        .execute(db));
    session.checked(counted)?;
    let forgotten = on_engine!(session, |db| diesel::delete(
        call_hour::table
            .filter(call_hour::connection_id.eq(connection.0))
            .filter(call_hour::hour.lt(hour_of(now) - SHOWN))
    )
    .execute(db));
    session.checked(forgotten)?;
    Ok(taken)
}

fn spent(session: &mut Session, connection: ConnectionId, now: Instant) -> Result<u64, StoreError> {
    // Added up here: a sum in SQL has another type on each engine.
    let hours = on_engine!(session, |db| call_hour::table
        .filter(call_hour::connection_id.eq(connection.0))
        .filter(call_hour::hour.ge(first_counted(now)))
        .select(call_hour::calls)
        .load::<i64>(db));
    from_column("number of calls", session.checked(hours)?.into_iter().sum())
}
