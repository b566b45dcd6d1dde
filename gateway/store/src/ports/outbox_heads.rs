//! Heads of the outbox: readying, claiming, ending claims.
//!
//! As with heads of the inbox, a head is held by whoever claimed it last and has neither released nor postponed it:
//! `worker` is set and `fence` is the claim's. An expired lease that nobody else took is still held.

use std::collections::{BTreeMap, HashMap};

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, LinkId, MappingId};
use causeway_core::ports::outbox::{ClaimSize, OutgoingClaim, Turn};
use causeway_core::ports::{Lane, StoreError};
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::ROWS;
use crate::columns::{from_column, lane, lane_number, micros};
use crate::engine::{EngineConnection, on_engine};
use crate::schema::outbox;
use crate::session::Session;

/// Makes heads ready, and makes those that are missing. `links` are sorted and without repeats. A head that waits is
/// ready at the earlier moment, in the more urgent lane; one that a worker holds stays as it is.
pub(super) fn ready(
    session: &mut Session,
    connection: ConnectionId,
    links: &[(LinkId, MappingId)],
    lane: Lane,
    at: Instant,
) -> Result<(), StoreError> {
    let rows: Vec<HeadRow> = links
        .iter()
        .map(|(link, mapping)| HeadRow::ready(connection, *link, *mapping, lane, at))
        .collect();
    for rows in rows.chunks(ROWS) {
        let readied = on_engine!(session, |db| diesel::insert_into(outbox::table)
            .values(rows)
            .on_conflict((outbox::connection_id, outbox::link_id))
            .do_update()
            .set((
                outbox::lane.eq(case_when(
                    outbox::worker
                        .is_not_null()
                        .or(outbox::lane.lt(excluded(outbox::lane))),
                    outbox::lane
                )
                .otherwise(excluded(outbox::lane))),
                outbox::ready_at.eq(case_when(
                    outbox::worker
                        .is_not_null()
                        .or(outbox::ready_at.lt(excluded(outbox::ready_at))),
                    outbox::ready_at
                )
                .otherwise(excluded(outbox::ready_at))),
            ))
            .execute(db));
        session.checked(readied)?;
    }
    Ok(())
}

/// Forgets the failed attempts of heads that nobody holds.
pub(super) fn forgive(
    session: &mut Session,
    connection: ConnectionId,
    links: &[(LinkId, MappingId)],
) -> Result<(), StoreError> {
    for links in links.chunks(ROWS) {
        let ids: Vec<i64> = links.iter().map(|(link, _)| link.0).collect();
        let forgiven = on_engine!(session, |db| diesel::update(outbox::table)
            .filter(outbox::connection_id.eq(connection.0))
            .filter(outbox::link_id.eq_any(&ids))
            .filter(outbox::worker.is_null())
            .set((outbox::attempts.eq(0), outbox::abandoned.eq(0)))
            .execute(db));
        session.checked(forgiven)?;
    }
    Ok(())
}

/// Claims ready heads of one lane of one mapping: that of the oldest that is ready in the lane whose turn it is.
///
/// The lanes are never mixed: an edit that somebody waits for does not end up in a Bulk job because very many others
/// wait behind it, and what nobody waits for does not spend the calls that are kept for such edits.
pub(super) fn claim(
    session: &mut Session,
    worker: &str,
    most: &ClaimSize,
    turn: &Turn<'_>,
    now: Instant,
    lease_until: Instant,
) -> Result<Vec<OutgoingClaim>, StoreError> {
    let mut rows: Vec<HeadRow> = Vec::new();
    for lane in turn.lanes() {
        let Some(queue) = oldest(session, lane, turn.except, micros(now))? else {
            continue;
        };
        let many = holds(session, &queue, lane, micros(now), most.bulk_from)?;
        let limit = if many { most.bulk } else { most.usual };
        let ready = lock_ready(session, &queue, lane, micros(now), i64::from(limit));
        rows = session.checked(ready)?;
        break;
    }
    rows.sort_unstable_by_key(|row| row.link_id);
    for row in &mut rows {
        // The holder before died or was too slow.
        if row.worker.is_some() {
            row.attempts += 1;
            row.abandoned += 1;
        }
        row.worker = Some(worker.to_owned());
        // Grows with every claim, and over a head that was released and made anew: its claims come later.
        row.fence = micros(now).max(row.fence + 1);
        row.ready_at = micros(lease_until);
    }
    for rows in rows.chunks(ROWS) {
        let claimed = on_engine!(session, |db| diesel::insert_into(outbox::table)
            .values(rows)
            .on_conflict((outbox::connection_id, outbox::link_id))
            .do_update()
            .set((
                outbox::worker.eq(excluded(outbox::worker)),
                outbox::fence.eq(excluded(outbox::fence)),
                outbox::ready_at.eq(excluded(outbox::ready_at)),
                outbox::attempts.eq(excluded(outbox::attempts)),
                outbox::abandoned.eq(excluded(outbox::abandoned)),
            ))
            .execute(db));
        session.checked(claimed)?;
    }
    rows.into_iter().map(HeadRow::read).collect()
}

/// Removes the heads of claims that are still held, and tells which were.
pub(super) fn release(
    session: &mut Session,
    claims: &[OutgoingClaim],
) -> Result<Vec<OutgoingClaim>, StoreError> {
    for_held(session, claims, |session, connection, ids| {
        remove(session, connection, ids)
    })
}

/// Gives claims back for later.
pub(super) fn postpone(
    session: &mut Session,
    claims: &[OutgoingClaim],
    ready_at: Instant,
    failed: bool,
) -> Result<(), StoreError> {
    for_held(session, claims, |session, connection, ids| {
        let postponed = on_engine!(session, |db| diesel::update(outbox::table)
            .filter(outbox::connection_id.eq(connection.0))
            .filter(outbox::link_id.eq_any(ids))
            .set((
                outbox::worker.eq(None::<String>),
                outbox::ready_at.eq(micros(ready_at)),
                outbox::attempts.eq(outbox::attempts + i64::from(failed)),
                outbox::abandoned.eq(0),
            ))
            .execute(db));
        session.checked(postponed).map(drop)
    })
    .map(drop)
}

/// Moves the end of leases that are still held, and tells which are.
pub(super) fn extend(
    session: &mut Session,
    claims: &[OutgoingClaim],
    lease_until: Instant,
) -> Result<Vec<OutgoingClaim>, StoreError> {
    for_held(session, claims, |session, connection, ids| {
        let extended = on_engine!(session, |db| diesel::update(outbox::table)
            .filter(outbox::connection_id.eq(connection.0))
            .filter(outbox::link_id.eq_any(ids))
            .set(outbox::ready_at.eq(micros(lease_until)))
            .execute(db));
        session.checked(extended).map(drop)
    })
}

/// Removes heads, whoever holds them.
pub(super) fn remove(
    session: &mut Session,
    connection: ConnectionId,
    links: &[i64],
) -> Result<(), StoreError> {
    let removed = on_engine!(session, |db| diesel::delete(outbox::table)
        .filter(outbox::connection_id.eq(connection.0))
        .filter(outbox::link_id.eq_any(links))
        .execute(db));
    session.checked(removed).map(drop)
}

/// Frees the heads that workers of an earlier process held. Their leases count as run out.
pub(super) fn free_leases(session: &mut Session) -> Result<u64, StoreError> {
    let freed = on_engine!(session, |db| diesel::update(outbox::table)
        .filter(outbox::worker.is_not_null())
        .set((
            outbox::worker.eq(None::<String>),
            outbox::ready_at.eq(0),
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::abandoned.eq(outbox::abandoned + 1),
        ))
        .execute(db));
    let freed = session.checked(freed)?;
    Ok(u64::try_from(freed).unwrap_or(u64::MAX))
}

/// Where heads wait that are claimed together.
struct Waiting {
    connection: i64,
    mapping: i64,
}

/// What the oldest ready head of a lane is claimed with. On PostgreSQL those that others are about to claim are
/// passed over, here as well as in `lock_ready`: otherwise two workers would ask for the same mapping, and one of
/// them go away with nothing while another mapping waits.
fn oldest(
    session: &mut Session,
    lane: Lane,
    except: &[ConnectionId],
    now: i64,
) -> Result<Option<Waiting>, StoreError> {
    let except: Vec<i64> = except.iter().map(|connection| connection.0).collect();
    let oldest = outbox::table
        .filter(outbox::lane.eq(lane_number(lane)))
        .filter(outbox::ready_at.le(now))
        .filter(outbox::connection_id.ne_all(&except))
        .order((outbox::ready_at, outbox::connection_id, outbox::link_id))
        .limit(1);
    let columns = (outbox::connection_id, outbox::mapping_id);
    let found = match &mut session.connection {
        EngineConnection::Sqlite(db) => oldest.select(columns).first::<(i64, i64)>(db).optional(),
        EngineConnection::Postgres(db) => oldest
            .select(columns)
            .for_update()
            .skip_locked()
            .first::<(i64, i64)>(&mut **db)
            .optional(),
    };
    let found = session.checked(found)?;
    Ok(found.map(|(connection, mapping)| Waiting { connection, mapping }))
}

/// Whether at least `count` heads of a lane are ready. Looks at so many and no more.
fn holds(
    session: &mut Session,
    queue: &Waiting,
    lane: Lane,
    now: i64,
    count: u32,
) -> Result<bool, StoreError> {
    let Some(before) = count.checked_sub(1) else {
        return Ok(true);
    };
    let last = on_engine!(session, |db| outbox::table
        .filter(outbox::connection_id.eq(queue.connection))
        .filter(outbox::mapping_id.eq(queue.mapping))
        .filter(outbox::lane.eq(lane_number(lane)))
        .filter(outbox::ready_at.le(now))
        .order((outbox::ready_at, outbox::link_id))
        .offset(i64::from(before))
        .limit(1)
        .select(outbox::link_id)
        .first::<i64>(db)
        .optional());
    Ok(session.checked(last)?.is_some())
}

/// Ready heads of a lane that are claimed together, oldest first. On PostgreSQL they are locked and those that others lock are
/// passed over; on SQLite the transaction is the only one that writes.
fn lock_ready(
    session: &mut Session,
    queue: &Waiting,
    lane: Lane,
    now: i64,
    limit: i64,
) -> QueryResult<Vec<HeadRow>> {
    let ready = outbox::table
        .filter(outbox::connection_id.eq(queue.connection))
        .filter(outbox::mapping_id.eq(queue.mapping))
        .filter(outbox::lane.eq(lane_number(lane)))
        .filter(outbox::ready_at.le(now))
        .order((outbox::ready_at, outbox::link_id))
        .limit(limit);
    match &mut session.connection {
        EngineConnection::Sqlite(db) => ready.select(HeadRow::as_select()).load(db),
        EngineConnection::Postgres(db) => ready
            .select(HeadRow::as_select())
            .for_update()
            .skip_locked()
            .load(&mut **db),
    }
}

/// Does something with the links whose claims are still held, a statement's worth at a time, and returns those
/// claims.
///
/// The connection's counter is taken first, as whoever readies heads does: so no two wait for each other, and a unit
/// that begins by asking which claims it still holds reads links that stay as they are until it commits.
fn for_held(
    session: &mut Session,
    claims: &[OutgoingClaim],
    mut work: impl FnMut(&mut Session, ConnectionId, &[i64]) -> Result<(), StoreError>,
) -> Result<Vec<OutgoingClaim>, StoreError> {
    let mut by_connection: BTreeMap<ConnectionId, Vec<&OutgoingClaim>> = BTreeMap::new();
    for claim in claims {
        by_connection.entry(claim.connection).or_default().push(claim);
    }
    let mut held = Vec::with_capacity(claims.len());
    for (connection, mut claims) in by_connection {
        session.take_numbers(connection, 0)?;
        claims.sort_unstable_by_key(|claim| claim.link);
        for claims in claims.chunks(ROWS) {
            let ids: Vec<i64> = claims.iter().map(|claim| claim.link.0).collect();
            let fences = lock_held(session, connection, &ids);
            let fences: HashMap<i64, i64> = session.checked(fences)?.into_iter().collect();
            let mine: Vec<&OutgoingClaim> = claims
                .iter()
                .copied()
                .filter(|claim| fences.get(&claim.link.0) == Some(&claim.fence))
                .collect();
            let ids: Vec<i64> = mine.iter().map(|claim| claim.link.0).collect();
            work(session, connection, &ids)?;
            held.extend(mine.into_iter().cloned());
        }
    }
    Ok(held)
}

/// The fences of held heads. On PostgreSQL the heads are locked.
fn lock_held(session: &mut Session, connection: ConnectionId, ids: &[i64]) -> QueryResult<Vec<(i64, i64)>> {
    let held = outbox::table
        .filter(outbox::connection_id.eq(connection.0))
        .filter(outbox::link_id.eq_any(ids))
        .filter(outbox::worker.is_not_null())
        .order(outbox::link_id)
        .select((outbox::link_id, outbox::fence));
    match &mut session.connection {
        EngineConnection::Sqlite(db) => held.load(db),
        EngineConnection::Postgres(db) => held.for_update().load(&mut **db),
    }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
struct HeadRow {
    connection_id: i64,
    link_id: i64,
    mapping_id: i64,
    lane: i64,
    ready_at: i64,
    worker: Option<String>,
    fence: i64,
    attempts: i64,
    abandoned: i64,
}

impl HeadRow {
    fn ready(connection: ConnectionId, link: LinkId, mapping: MappingId, lane: Lane, at: Instant) -> HeadRow {
        HeadRow {
            connection_id: connection.0,
            link_id: link.0,
            mapping_id: mapping.0,
            lane: lane_number(lane),
            ready_at: micros(at),
            worker: None,
            fence: 0,
            attempts: 0,
            abandoned: 0,
        }
    }

    fn read(self) -> Result<OutgoingClaim, StoreError> {
        Ok(OutgoingClaim {
            connection: ConnectionId(self.connection_id),
            link: LinkId(self.link_id),
            mapping: MappingId(self.mapping_id),
            lane: lane(self.lane)?,
            fence: self.fence,
            attempts: from_column("number of attempts", self.attempts)?,
            abandoned: from_column("number of abandoned attempts", self.abandoned)?,
        })
    }
}
