//! Salesforce calls spent.
//!
//! They are counted by the hour. An hour counts as long as any of it lies within the last 24, so that a cap is kept
//! whatever the minute: at worst a call counts for an hour longer than Salesforce counts it.

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Calls, StoreError};
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::upsert::excluded;

use crate::columns::{from_column, micros, moment};
use crate::engine::on_engine;
use crate::schema::call_hour;
use crate::session::Session;

/// Microseconds in an hour.
const HOUR: i64 = 3_600_000_000;
/// Hours for which a call counts.
const DAY: i64 = 24;

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
                .filter(call_hour::hour.ge(first_hour(now)))
                .filter(call_hour::calls.gt(0))
                .select(min(call_hour::hour))
                .get_result::<Option<i64>>(db));
            // The hour after the oldest one begins a day before it no longer counts.
            session
                .checked(oldest)?
                .map(|hour| moment((hour + 1 + DAY).saturating_mul(HOUR)))
                .transpose()
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
            .filter(call_hour::hour.lt(first_hour(now)))
    )
    .execute(db));
    session.checked(forgotten)?;
    Ok(taken)
}

fn spent(session: &mut Session, connection: ConnectionId, now: Instant) -> Result<u64, StoreError> {
    // Added up here: a sum in SQL has another type on each engine.
    let hours = on_engine!(session, |db| call_hour::table
        .filter(call_hour::connection_id.eq(connection.0))
        .filter(call_hour::hour.ge(first_hour(now)))
        .select(call_hour::calls)
        .load::<i64>(db));
    from_column("number of calls", session.checked(hours)?.into_iter().sum())
}

/// The hour, counted from 1970, that a moment lies in.
fn hour_of(moment: Instant) -> i64 {
    micros(moment).div_euclid(HOUR)
}

/// The oldest hour of which a part lies within the day that ends at this moment.
fn first_hour(now: Instant) -> i64 {
    // An hour that ended exactly a day ago lies outside.
    hour_of(now) - DAY
}
