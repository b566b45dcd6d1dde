//! What a reconcile saw in Salesforce, compared with the links.

use causeway_core::Instant;
use causeway_core::decide::HeldReason;
use causeway_core::id::{ConnectionId, MappingId, RunId, SalesforceId};
use causeway_core::ports::StoreError;
use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::ROWS;
use crate::columns::{HELD, LINKED, from_column, micros, salesforce_id, to_json};
use crate::engine::on_engine;
use crate::error::unexpected;
use crate::schema::{link, seen};
use crate::session::Session;
use crate::time_limit::InTime;

/// Notes records.
pub(super) fn note(
    session: &mut Session,
    connection: ConnectionId,
    run: RunId,
    mapping: MappingId,
    ids: &[SalesforceId],
) -> Result<(), StoreError> {
    let mut ids: Vec<&str> = ids.iter().map(SalesforceId::as_str).collect();
    ids.sort_unstable();
    for ids in ids.chunks(ROWS) {
        let rows: Vec<_> = ids
            .iter()
            .map(|id| {
                (
                    seen::connection_id.eq(connection.0),
                    seen::run_id.eq(run.0),
                    seen::mapping_id.eq(mapping.0),
                    seen::salesforce_id.eq(*id),
                )
            })
            .collect();
        let noted = on_engine!(session, |db| diesel::insert_into(seen::table)
            .values(&rows)
            .on_conflict_do_nothing()
            .execute(db));
        session.checked(noted)?;
    }
    session.shared.growth.add(connection, ids.len());
    Ok(())
}

/// How many were noted.
pub(super) fn count(
    session: &mut Session,
    connection: ConnectionId,
    run: RunId,
    mapping: MappingId,
) -> Result<u64, StoreError> {
    let count = on_engine!(session, |db| seen::table
        .filter(seen::connection_id.eq(connection.0))
        .filter(seen::run_id.eq(run.0))
        .filter(seen::mapping_id.eq(mapping.0))
        .count()
        .get_result::<i64>(db));
    from_column("number of records", session.checked(count)?)
}

/// Records that links take for present but nobody noted.
pub(super) fn unseen(
    session: &mut Session,
    connection: ConnectionId,
    run: RunId,
    mapping: MappingId,
    before: Instant,
    after: Option<SalesforceId>,
    limit: u32,
) -> Result<Vec<SalesforceId>, StoreError> {
    // A link that waits for a person because Salesforce deleted the record knows that it is gone.
    let known_gone = to_json(&HeldReason::DeleteAsked)?;
    let after = after.as_ref().map_or("", SalesforceId::as_str);
    let ids = on_engine!(session, |db| link::table
        .filter(db.in_time())
        .filter(link::connection_id.eq(connection.0))
        .filter(link::mapping_id.eq(mapping.0))
        .filter(link::salesforce_id.gt(after))
        .filter(not(exists(
            seen::table
                .filter(seen::connection_id.eq(connection.0))
                .filter(seen::run_id.eq(run.0))
                .filter(seen::mapping_id.eq(mapping.0))
                .filter(seen::salesforce_id.nullable().eq(link::salesforce_id))
        )))
        .filter(
            link::status.eq(LINKED).or(link::status
                .eq(HELD)
                .and(link::status_data.assume_not_null().ne(&known_gone)))
        )
        .filter(link::modstamp.le(micros(before)))
        .order(link::salesforce_id)
        .limit(i64::from(limit))
        .select(link::salesforce_id.assume_not_null())
        .load::<String>(db));
    session.checked(ids)?.iter().map(|id| salesforce_id(id)).collect()
}

/// Forgets the first `limit` notes of a run, by mapping and record.
pub(super) fn forget(
    session: &mut Session,
    connection: ConnectionId,
    run: RunId,
    limit: u32,
) -> Result<u64, StoreError> {
    let Some(last) = limit.checked_sub(1) else {
        return Ok(0);
    };
    // Neither engine deletes so many and no more; so what is deleted ends at the last of them.
    let last = on_engine!(session, |db| seen::table
        .filter(seen::connection_id.eq(connection.0))
        .filter(seen::run_id.eq(run.0))
        .order((seen::mapping_id, seen::salesforce_id))
        .offset(i64::from(last))
        .limit(1)
        .select((seen::mapping_id, seen::salesforce_id))
        .first::<(i64, String)>(db)
        .optional());
    let forgotten = match session.checked(last)? {
        None => on_engine!(session, |db| diesel::delete(seen::table)
            .filter(seen::connection_id.eq(connection.0))
            .filter(seen::run_id.eq(run.0))
            .execute(db)),
        Some((mapping, id)) => on_engine!(session, |db| diesel::delete(seen::table)
            .filter(seen::connection_id.eq(connection.0))
            .filter(seen::run_id.eq(run.0))
            .filter(
                seen::mapping_id
                    .lt(mapping)
                    .or(seen::mapping_id.eq(mapping).and(seen::salesforce_id.le(&id)))
            )
            .execute(db)),
    };
    u64::try_from(session.checked(forgotten)?)
        .map_err(|_overflow| unexpected("more was forgotten than counts"))
}
