//! The inbox and its heads.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, InboxId};
use causeway_core::ports::inbox::{
    Backlog, Claim, IdempotencyKey, Pending, PendingChange, ReceivedChange, SavedAnswer,
};
use causeway_core::ports::{Inbox, Lane, StoreError};
use causeway_core::version::SalesforceVersion;
use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::upsert::excluded;

use super::{ROWS, heads, outbox_heads};
use crate::columns::{
    Word, from_column, from_optional_json, lane_number, merged_column, merged_into, micros, moment,
    salesforce_id, to_optional_json,
};
use crate::engine::on_engine;
use crate::error::{conflict, unexpected};
use crate::schema::{head, idempotency, inbox};
use crate::session::Session;
use crate::text;

/// Changes of one object that are measured at once. A head may have gathered any number of small ones.
const MEASURED: i64 = 10_000;

/// Deletes up to `most` saved answers that were kept before this moment, oldest first. Answers how many.
pub(crate) fn forget_answers(session: &mut Session, before: Instant, most: u32) -> Result<u64, StoreError> {
    session.port(|session| {
        let forgotten = on_engine!(session, |db| diesel::sql_query(FORGET)
            .bind::<BigInt, _>(micros(before))
            .bind::<BigInt, _>(i64::from(most))
            .execute(db));
        let count = session.checked(forgotten)?;
        u64::try_from(count).map_err(|_overflow| unexpected("more answers were forgotten than there can be"))
    })
}

/// Both engines take numbered parameters so. Diesel knows no `IN` of several columns.
const FORGET: &str = "DELETE FROM idempotency WHERE (client, route, request_key) IN (
         SELECT client, route, request_key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2
     )";

impl Inbox for Session {
    fn answered(&mut self, key: &IdempotencyKey) -> Result<Option<SavedAnswer>, StoreError> {
        if !text::is_storable([&key.client, &key.route, &key.key]) {
            return Ok(None);
        }
        self.port(|session| {
            let row = on_engine!(session, |db| idempotency::table
                .find((&key.client, &key.route, &key.key))
                .select((idempotency::body_hash, idempotency::status, idempotency::body))
                .first::<(Vec<u8>, i64, String)>(db)
                .optional());
            let Some((hash, status, body)) = session.checked(row)? else {
                return Ok(None);
            };
            Ok(Some(SavedAnswer {
                body_hash: hash
                    .try_into()
                    .map_err(|_hash| unexpected("a body's hash has another length than SHA-256"))?,
                status: from_column("HTTP status", status)?,
                body,
            }))
        })
    }

    fn save_answer(
        &mut self,
        key: &IdempotencyKey,
        answer: &SavedAnswer,
        at: Instant,
    ) -> Result<(), StoreError> {
        self.port(|session| {
            text::refuse_unstorable("idempotency key", [&key.client, &key.route, &key.key])?;
            let saved = on_engine!(session, |db| diesel::insert_into(idempotency::table)
                .values((
                    idempotency::client.eq(&key.client),
                    idempotency::route.eq(&key.route),
                    idempotency::request_key.eq(&key.key),
                    idempotency::body_hash.eq(answer.body_hash.as_slice()),
                    idempotency::status.eq(i64::from(answer.status)),
                    idempotency::body.eq(&answer.body),
                    idempotency::created_at.eq(micros(at)),
                ))
                .on_conflict_do_nothing()
                .execute(db));
            match session.checked(saved)? {
                0 => Err(conflict("an idempotency key")),
                _ => Ok(()),
            }
        })
    }

    fn receive(
        &mut self,
        connection: ConnectionId,
        changes: &[ReceivedChange],
        lane: Lane,
        at: Instant,
    ) -> Result<Vec<InboxId>, StoreError> {
        self.port(|session| receive(session, connection, changes, lane, at))
    }

    fn claim(
        &mut self,
        worker: &str,
        limit: u32,
        now: Instant,
        lease_until: Instant,
    ) -> Result<Vec<Claim>, StoreError> {
        self.port(|session| heads::claim(session, worker, limit, now, lease_until))
    }

    fn pending(&mut self, claims: &[Claim], most_bytes: usize) -> Result<Pending, StoreError> {
        self.port(|session| pending(session, claims, most_bytes))
    }

    fn settle(&mut self, settled: &[(Claim, InboxId)]) -> Result<Vec<Claim>, StoreError> {
        self.port(|session| heads::settle(session, settled))
    }

    fn postpone(&mut self, claim: &Claim, ready_at: Instant) -> Result<(), StoreError> {
        self.port(|session| heads::postpone(session, claim, ready_at))
    }

    fn give_back(&mut self, claims: &[Claim], now: Instant) -> Result<(), StoreError> {
        self.port(|session| heads::give_back(session, claims, now))
    }

    fn free_leases(&mut self) -> Result<u64, StoreError> {
        self.port(|session| Ok(heads::free_leases(session)? + outbox_heads::free_leases(session)?))
    }

    fn backlog(&mut self, connection: ConnectionId) -> Result<Backlog, StoreError> {
        self.port(|session| {
            let changes = on_engine!(session, |db| inbox::table
                .filter(inbox::connection_id.eq(connection.0))
                .count()
                .get_result::<i64>(db));
            let changes = session.checked(changes)?;
            let oldest = on_engine!(session, |db| inbox::table
                .filter(inbox::connection_id.eq(connection.0))
                .order(inbox::id)
                .select(inbox::received_at)
                .first::<i64>(db)
                .optional());
            Ok(Backlog {
                changes: from_column("number of changes", changes)?,
                oldest: session.checked(oldest)?.map(moment).transpose()?,
            })
        })
    }
}

fn receive(
    session: &mut Session,
    connection: ConnectionId,
    changes: &[ReceivedChange],
    lane: Lane,
    at: Instant,
) -> Result<Vec<InboxId>, StoreError> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    let first = session.take_numbers(connection, changes.len())?;
    let rows: Vec<NewChange<'_>> = (first..)
        .zip(changes)
        .map(|(id, change)| NewChange::write(connection, id, change, at))
        .collect::<Result<_, _>>()?;
    for rows in rows.chunks(ROWS) {
        let inserted = on_engine!(session, |db| diesel::insert_into(inbox::table)
            .values(rows)
            .execute(db));
        session.checked(inserted)?;
    }
    ready_heads(session, &rows, lane)?;
    session.shared.growth.add(connection, rows.len());
    Ok(rows.iter().map(|row| InboxId(row.id)).collect())
}

/// Readies the heads of new changes. A head that a worker holds stays its own until it settles or its lease ends;
/// one that was put off is ready at once, since the news may be what it waited for.
fn ready_heads(session: &mut Session, changes: &[NewChange<'_>], lane: Lane) -> Result<(), StoreError> {
    // One row for each head, in the order of the key: all receivers lock heads in one order.
    let rows: BTreeMap<_, _> = changes
        .iter()
        .map(|change| {
            (
                (change.object, change.salesforce_id),
                NewHead::write(change, lane),
            )
        })
        .collect();
    let rows: Vec<NewHead<'_>> = rows.into_values().collect();
    for rows in rows.chunks(ROWS) {
        let readied = on_engine!(session, |db| diesel::insert_into(head::table)
            .values(rows)
            .on_conflict((head::connection_id, head::object, head::salesforce_id))
            .do_update()
            .set((
                head::lane.eq(case_when(head::lane.lt(excluded(head::lane)), head::lane)
                    .otherwise(excluded(head::lane))),
                head::ready_at.eq(case_when(
                    head::worker
                        .is_not_null()
                        .or(head::ready_at.lt(excluded(head::ready_at))),
                    head::ready_at
                )
                .otherwise(excluded(head::ready_at))),
            ))
            .execute(db));
        session.checked(readied)?;
    }
    Ok(())
}

fn pending(session: &mut Session, claims: &[Claim], most_bytes: usize) -> Result<Pending, StoreError> {
    let mut pending = Pending::default();
    let mut bytes = 0;
    for (connection, object, ids) in heads::by_object(claims) {
        let fitting = fitting(session, (connection, object, &ids), most_bytes, &mut bytes)?;
        for numbers in fitting.numbers.chunks(ROWS) {
            let rows = on_engine!(session, |db| inbox::table
                .filter(inbox::connection_id.eq(connection.0))
                .filter(inbox::id.eq_any(numbers))
                .order((inbox::salesforce_id, inbox::id))
                .select(ChangeRow::as_select())
                .load(db));
            for row in session.checked(rows)? {
                pending.changes.push(row.read()?);
            }
        }
        if fitting.more {
            pending.more = true;
            break;
        }
    }
    Ok(pending)
}

/// Changes that fit, by number, and whether more wait.
struct Fitting {
    numbers: Vec<i64>,
    more: bool,
}

/// Measures the changes of heads of one object, without reading them, and tells which of them fit.
fn fitting(
    session: &mut Session,
    (connection, object, ids): (ConnectionId, &str, &[&str]),
    most_bytes: usize,
    bytes: &mut usize,
) -> Result<Fitting, StoreError> {
    let sizes = on_engine!(session, |db| inbox::table
        .filter(inbox::connection_id.eq(connection.0))
        .filter(inbox::object.eq(object))
        .filter(inbox::salesforce_id.eq_any(ids))
        .order((inbox::salesforce_id, inbox::id))
        .limit(MEASURED + 1)
        .select((inbox::id, sql::<BigInt>("CAST(octet_length(fields) AS BIGINT)")))
        .load::<(i64, i64)>(db));
    let sizes = session.checked(sizes)?;
    let waiting = sizes.len();
    let mut numbers = Vec::new();
    for (number, size) in sizes
        .into_iter()
        .take(usize::try_from(MEASURED).unwrap_or(usize::MAX))
    {
        let grown = bytes.saturating_add(from_column("number of bytes", size)?);
        if grown > most_bytes && *bytes > 0 {
            break;
        }
        *bytes = grown;
        numbers.push(number);
    }
    Ok(Fitting {
        more: numbers.len() < waiting,
        numbers,
    })
}

#[derive(Insertable)]
#[diesel(table_name = inbox, treat_none_as_default_value = false)]
struct NewChange<'a> {
    connection_id: i64,
    id: i64,
    object: &'a str,
    salesforce_id: &'a str,
    kind: &'static str,
    modstamp: i64,
    observed: i64,
    fields: &'a str,
    source: &'a str,
    received_at: i64,
    changed: Option<String>,
    merged: Option<&'a str>,
}

impl<'a> NewChange<'a> {
    fn write(
        connection: ConnectionId,
        id: i64,
        change: &'a ReceivedChange,
        at: Instant,
    ) -> Result<NewChange<'a>, StoreError> {
        Ok(NewChange {
            connection_id: connection.0,
            id,
            object: &change.object,
            salesforce_id: change.salesforce_id.as_str(),
            kind: change.kind.word(),
            modstamp: micros(change.version.modstamp),
            observed: micros(change.version.observed),
            fields: &change.fields,
            source: &change.source,
            received_at: micros(at),
            changed: to_optional_json(&change.changed)?,
            merged: merged_column(&change.merged),
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = head, treat_none_as_default_value = false)]
struct NewHead<'a> {
    connection_id: i64,
    object: &'a str,
    salesforce_id: &'a str,
    lane: i64,
    ready_at: i64,
    fence: i64,
    attempts: i64,
    abandoned: i64,
}

impl<'a> NewHead<'a> {
    fn write(change: &NewChange<'a>, lane: Lane) -> NewHead<'a> {
        NewHead {
            connection_id: change.connection_id,
            object: change.object,
            salesforce_id: change.salesforce_id,
            lane: lane_number(lane),
            ready_at: change.received_at,
            fence: 0,
            attempts: 0,
            abandoned: 0,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = inbox)]
struct ChangeRow {
    connection_id: i64,
    id: i64,
    object: String,
    salesforce_id: String,
    kind: String,
    modstamp: i64,
    observed: i64,
    fields: String,
    source: String,
    received_at: i64,
    changed: Option<String>,
    merged: Option<String>,
}

impl ChangeRow {
    fn read(self) -> Result<PendingChange, StoreError> {
        Ok(PendingChange {
            connection: ConnectionId(self.connection_id),
            id: InboxId(self.id),
            change: ReceivedChange {
                object: self.object,
                salesforce_id: salesforce_id(&self.salesforce_id)?,
                kind: Word::from_word(&self.kind)?,
                version: SalesforceVersion {
                    modstamp: moment(self.modstamp)?,
                    observed: moment(self.observed)?,
                },
                fields: self.fields,
                changed: from_optional_json("times of changed fields", self.changed.as_deref())?,
                merged: merged_into(self.merged.as_deref())?,
                source: self.source,
            },
            received_at: moment(self.received_at)?,
        })
    }
}
