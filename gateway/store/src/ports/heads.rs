//! Heads: claiming them, settling them, putting them off.
//!
//! A head is held by whoever claimed it last and has neither settled nor postponed it: `worker` is set and `fence`
//! is the claim's. An expired lease that nobody else took is still held.

use std::collections::{BTreeMap, HashMap};

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, InboxId, SalesforceId};
use causeway_core::ports::inbox::Claim;
use causeway_core::ports::{Lane, StoreError};
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::ROWS;
use crate::columns::{from_column, lane_number, micros, salesforce_id};
use crate::engine::{EngineConnection, on_engine};
use crate::schema::{head, inbox};
use crate::session::Session;

/// Names a head: connection, object, Salesforce id.
type HeadKey<'a> = (ConnectionId, &'a str, SalesforceId);

/// Claims ready heads.
pub(super) fn claim(
    session: &mut Session,
    worker: &str,
    limit: u32,
    now: Instant,
    lease_until: Instant,
) -> Result<Vec<Claim>, StoreError> {
    let mut ready = Vec::new();
    for lane in [Lane::Interactive, Lane::Bulk] {
        let room = i64::from(limit) - i64::try_from(ready.len()).unwrap_or(i64::MAX);
        if room > 0 {
            let found = lock_ready(session, lane, micros(now), room);
            ready.extend(session.checked(found)?);
        }
    }
    ready.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
    for row in &mut ready {
        // The holder before died or was too slow. It is counted, so that callers can tell a change which kills its
        // worker from one that merely fails.
        if row.worker.is_some() {
            row.attempts += 1;
            row.abandoned += 1;
        }
        row.worker = Some(worker.to_owned());
        // Grows with every claim, and over a head that was settled and made anew: its claims come later.
        row.fence = micros(now).max(row.fence + 1);
        row.ready_at = micros(lease_until);
    }
    for rows in ready.chunks(ROWS) {
        let claimed = on_engine!(session, |db| diesel::insert_into(head::table)
            .values(rows)
            .on_conflict((head::connection_id, head::object, head::salesforce_id))
            .do_update()
            .set((
                head::worker.eq(excluded(head::worker)),
                head::fence.eq(excluded(head::fence)),
                head::ready_at.eq(excluded(head::ready_at)),
                head::attempts.eq(excluded(head::attempts)),
                head::abandoned.eq(excluded(head::abandoned)),
            ))
            .execute(db));
        session.checked(claimed)?;
    }
    ready.into_iter().map(HeadRow::read).collect()
}

/// Removes what was settled of the heads that are still held.
pub(super) fn settle(session: &mut Session, settled: &[(Claim, InboxId)]) -> Result<Vec<Claim>, StoreError> {
    let settled_by_key: HashMap<HeadKey<'_>, &(Claim, InboxId)> =
        settled.iter().map(|settled| (key(&settled.0), settled)).collect();
    let claims: Vec<Claim> = settled.iter().map(|(claim, _)| claim.clone()).collect();
    let mut held = Vec::new();
    for (connection, object, ids) in by_object(&claims) {
        let fences = lock_held(session, connection, object, &ids);
        let mut piece = Vec::new();
        for (id, fence) in session.checked(fences)? {
            if let Some(settled) = settled_by_key.get(&(connection, object, salesforce_id(&id)?))
                && settled.0.fence == fence
            {
                piece.push(*settled);
            }
        }
        settle_held(session, connection, object, &piece)?;
        held.extend(piece.into_iter().map(|(claim, _)| claim.clone()));
    }
    Ok(held)
}

/// Gives a claim back for later.
pub(super) fn postpone(session: &mut Session, claim: &Claim, ready_at: Instant) -> Result<(), StoreError> {
    let postponed = on_engine!(session, |db| diesel::update(head::table.find((
        claim.connection.0,
        &claim.object,
        claim.salesforce_id.as_str()
    )))
    .filter(head::fence.eq(claim.fence))
    .filter(head::worker.is_not_null())
    .set((
        head::worker.eq(None::<String>),
        head::ready_at.eq(micros(ready_at)),
        head::attempts.eq(head::attempts + 1),
        head::abandoned.eq(0),
    ))
    .execute(db));
    session.checked(postponed).map(drop)
}

/// Gives claims back untouched.
pub(super) fn give_back(session: &mut Session, claims: &[Claim], now: Instant) -> Result<(), StoreError> {
    let fences: HashMap<HeadKey<'_>, i64> = claims.iter().map(|claim| (key(claim), claim.fence)).collect();
    for (connection, object, ids) in by_object(claims) {
        let held = lock_held(session, connection, object, &ids);
        let mut mine = Vec::new();
        for (id, fence) in session.checked(held)? {
            if fences.get(&(connection, object, salesforce_id(&id)?)) == Some(&fence) {
                mine.push(id);
            }
        }
        let given_back = on_engine!(session, |db| diesel::update(head::table)
            .filter(head::connection_id.eq(connection.0))
            .filter(head::object.eq(object))
            .filter(head::salesforce_id.eq_any(&mine))
            .set((head::worker.eq(None::<String>), head::ready_at.eq(micros(now))))
            .execute(db));
        session.checked(given_back)?;
    }
    Ok(())
}

/// Frees the heads that workers of an earlier process held. Their leases count as run out.
pub(super) fn free_leases(session: &mut Session) -> Result<u64, StoreError> {
    let freed = on_engine!(session, |db| diesel::update(head::table)
        .filter(head::worker.is_not_null())
        .set((
            head::worker.eq(None::<String>),
            head::ready_at.eq(0),
            head::attempts.eq(head::attempts + 1),
            head::abandoned.eq(head::abandoned + 1),
        ))
        .execute(db));
    let freed = session.checked(freed)?;
    Ok(u64::try_from(freed).unwrap_or(u64::MAX))
}

/// The Salesforce ids of claims by connection and object, each list sorted, in pieces that fit one statement.
pub(super) fn by_object(claims: &[Claim]) -> Vec<(ConnectionId, &str, Vec<&str>)> {
    let mut grouped: BTreeMap<(ConnectionId, &str), Vec<&str>> = BTreeMap::new();
    for claim in claims {
        grouped
            .entry((claim.connection, claim.object.as_str()))
            .or_default()
            .push(claim.salesforce_id.as_str());
    }
    let mut pieces = Vec::new();
    for ((connection, object), mut ids) in grouped {
        ids.sort_unstable();
        pieces.extend(ids.chunks(ROWS).map(|ids| (connection, object, ids.to_vec())));
    }
    pieces
}

/// Settles locked heads of one connection and object.
fn settle_held(
    session: &mut Session,
    connection: ConnectionId,
    object: &str,
    settled: &[&(Claim, InboxId)],
) -> Result<(), StoreError> {
    let up_to: BTreeMap<&str, InboxId> = settled
        .iter()
        .map(|(claim, id)| (claim.salesforce_id.as_str(), *id))
        .collect();
    let ids: Vec<&str> = up_to.keys().copied().collect();
    let changes = on_engine!(session, |db| inbox::table
        .filter(inbox::connection_id.eq(connection.0))
        .filter(inbox::object.eq(object))
        .filter(inbox::salesforce_id.eq_any(&ids))
        .order((inbox::salesforce_id, inbox::id))
        .select((inbox::salesforce_id, inbox::id, inbox::received_at))
        .load::<(String, i64, i64)>(db));
    let changes = session.checked(changes)?;
    let mut over = Vec::new();
    let mut newer: BTreeMap<&str, i64> = BTreeMap::new();
    for (id, number, received_at) in &changes {
        match up_to.get(id.as_str()) {
            Some(last) if *number <= last.0 => over.push(*number),
            _ => {
                newer.entry(id).or_insert(*received_at);
            }
        }
    }
    for over in over.chunks(ROWS) {
        let removed = on_engine!(session, |db| diesel::delete(inbox::table)
            .filter(inbox::connection_id.eq(connection.0))
            .filter(inbox::id.eq_any(over))
            .execute(db));
        session.checked(removed)?;
    }
    let empty: Vec<&str> = ids.into_iter().filter(|id| !newer.contains_key(id)).collect();
    let removed = on_engine!(session, |db| diesel::delete(head::table)
        .filter(head::connection_id.eq(connection.0))
        .filter(head::object.eq(object))
        .filter(head::salesforce_id.eq_any(&empty))
        .execute(db));
    session.checked(removed)?;
    for (id, received_at) in newer {
        let readied = on_engine!(session, |db| diesel::update(head::table.find((
            connection.0,
            object,
            id
        )))
        .set((
            head::worker.eq(None::<String>),
            head::ready_at.eq(received_at),
            head::attempts.eq(0),
            head::abandoned.eq(0),
        ))
        .execute(db));
        session.checked(readied)?;
    }
    Ok(())
}

/// Ready heads of a lane, oldest first. On PostgreSQL they are locked and those that others lock are passed over; on
/// SQLite the transaction is the only one that writes.
fn lock_ready(session: &mut Session, lane: Lane, now: i64, limit: i64) -> QueryResult<Vec<HeadRow>> {
    let ready = head::table
        .filter(head::lane.eq(lane_number(lane)))
        .filter(head::ready_at.le(now))
        .order(head::ready_at)
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

/// The fences of held heads. On PostgreSQL the heads are locked, so that nothing is received for them meanwhile.
fn lock_held(
    session: &mut Session,
    connection: ConnectionId,
    object: &str,
    ids: &[&str],
) -> QueryResult<Vec<(String, i64)>> {
    let held = head::table
        .filter(head::connection_id.eq(connection.0))
        .filter(head::object.eq(object))
        .filter(head::salesforce_id.eq_any(ids))
        .filter(head::worker.is_not_null())
        .order(head::salesforce_id)
        .select((head::salesforce_id, head::fence));
    match &mut session.connection {
        EngineConnection::Sqlite(db) => held.load(db),
        EngineConnection::Postgres(db) => held.for_update().load(&mut **db),
    }
}

fn key(claim: &Claim) -> HeadKey<'_> {
    (claim.connection, claim.object.as_str(), claim.salesforce_id)
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = head, treat_none_as_default_value = false)]
struct HeadRow {
    connection_id: i64,
    object: String,
    salesforce_id: String,
    lane: i64,
    ready_at: i64,
    worker: Option<String>,
    fence: i64,
    attempts: i64,
    abandoned: i64,
}

impl HeadRow {
    fn key(&self) -> (i64, &str, &str) {
        (self.connection_id, &self.object, &self.salesforce_id)
    }

    fn read(self) -> Result<Claim, StoreError> {
        Ok(Claim {
            connection: ConnectionId(self.connection_id),
            salesforce_id: salesforce_id(&self.salesforce_id)?,
            object: self.object,
            fence: self.fence,
            attempts: from_column("number of attempts", self.attempts)?,
            abandoned: from_column("number of abandoned attempts", self.abandoned)?,
        })
    }
}
