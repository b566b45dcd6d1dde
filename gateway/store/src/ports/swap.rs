//! Links written by compare and swap.
//!
//! Whoever writes links of a connection holds its counter, so comparing and swapping are two steps. A link's
//! Salesforce record changes rarely, and every write of that column costs an index entry: it is written for those
//! links alone where it changes.

use causeway_core::decide::{LinkEffect, LinkRef};
use causeway_core::id::{ConnectionId, RecordId};
use causeway_core::ports::StoreError;
use causeway_core::ports::links::Write;
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::{ROWS, identities, outbox_heads};
use crate::columns::{micros, status_columns, to_json, to_optional_json};
use crate::engine::on_engine;
use crate::error::{conflict, unexpected};
use crate::schema::{field_history, link, record};
use crate::session::Session;

/// A link that ends in another one.
pub(super) struct Absorbed {
    pub(super) absorbed: LinkRef,
    /// The link that it ends in.
    pub(super) by: i64,
}

/// What a swap compares: a link's number, its revision and its Salesforce record.
type Current = (i64, i64, Option<String>);

/// Removes absorbed links, if they are as they were read. Their history is told of the link that they end in.
pub(super) fn absorb(
    session: &mut Session,
    connection: ConnectionId,
    absorbed: &[Absorbed],
) -> Result<(), StoreError> {
    for absorbed in absorbed.chunks(ROWS) {
        if let Some(linked) = absorbed.iter().find(|link| link.absorbed.record.is_some()) {
            return Err(unexpected(format!(
                "link {} has a partner record, so it cannot end in another link",
                linked.absorbed.id
            )));
        }
        let mut expected: Vec<(i64, i64)> = absorbed
            .iter()
            .map(|link| (link.absorbed.id.0, link.absorbed.revision))
            .collect();
        expected.sort_unstable();
        let ids: Vec<i64> = expected.iter().map(|(id, _)| *id).collect();
        let current = current(session, connection, &ids)?;
        if !expected
            .into_iter()
            .eq(current.iter().map(|(id, revision, _)| (*id, *revision)))
        {
            return Err(conflict("the revision of a link that ends in another"));
        }
        for link in absorbed {
            let retold = on_engine!(session, |db| diesel::update(field_history::table)
                .filter(field_history::connection_id.eq(connection.0))
                .filter(field_history::link_id.eq(link.absorbed.id.0))
                .set(field_history::link_id.eq(link.by))
                .execute(db));
            session.checked(retold)?;
        }
        identities::release_all(session, connection, &ids)?;
        outbox_heads::remove(session, connection, &ids)?;
        let removed = on_engine!(session, |db| diesel::delete(link::table)
            .filter(link::connection_id.eq(connection.0))
            .filter(link::id.eq_any(&ids))
            .execute(db));
        session.checked(removed)?;
    }
    Ok(())
}

/// Compares the revisions of known links, then swaps the links. Returns those that moved to another Salesforce
/// record, to one at all, or to none.
pub(super) fn swap<'a>(
    session: &mut Session,
    connection: ConnectionId,
    rows: Vec<LinkRow<'a>>,
) -> Result<Vec<LinkRow<'a>>, StoreError> {
    let mut before = Vec::with_capacity(rows.len());
    for rows in rows.chunks(ROWS) {
        before.extend(compare(session, connection, rows)?);
    }
    let mut left = Vec::new();
    let (mut staying, mut moved) = (Vec::with_capacity(rows.len()), Vec::new());
    for (row, before) in rows.into_iter().zip(before) {
        if row.salesforce_id == before.as_deref() {
            staying.push(row);
        } else {
            if before.is_some() {
                left.push(row.id);
            }
            moved.push(row);
        }
    }
    // Before anybody takes one: a link may take what another gives up in the same call.
    for left in left.chunks(ROWS) {
        let given_up = on_engine!(session, |db| diesel::update(link::table)
            .filter(link::connection_id.eq(connection.0))
            .filter(link::id.eq_any(left))
            .set(link::salesforce_id.eq(None::<String>))
            .execute(db));
        session.checked(given_up)?;
    }
    write(session, &staying)?;
    write(session, &moved)?;
    take(session, &moved)?;
    Ok(moved)
}

/// Adds new links.
pub(super) fn insert(session: &mut Session, rows: &[LinkRow<'_>]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let inserted = on_engine!(session, |db| diesel::insert_into(link::table)
            .values(rows)
            .on_conflict((link::connection_id, link::salesforce_id, link::mapping_id))
            .do_nothing()
            .execute(db));
        if session.checked(inserted)? != rows.len() {
            return Err(conflict("a new link"));
        }
    }
    Ok(())
}

/// Has partner records name the Salesforce record that their link moved to.
pub(super) fn follow(
    session: &mut Session,
    connection: ConnectionId,
    moved: &[LinkRow<'_>],
) -> Result<(), StoreError> {
    for row in moved {
        let Some(record) = row.record_id else {
            continue;
        };
        let followed = on_engine!(session, |db| diesel::update(
            record::table.find((connection.0, record))
        )
        .set(record::salesforce_id.eq(row.salesforce_id))
        .execute(db));
        session.checked(followed)?;
    }
    Ok(())
}

/// Compares revisions; answers with the Salesforce records that the links have.
fn compare(
    session: &mut Session,
    connection: ConnectionId,
    rows: &[LinkRow<'_>],
) -> Result<impl Iterator<Item = Option<String>> + use<>, StoreError> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let current = current(session, connection, &ids)?;
    let expected = rows.iter().map(|row| (row.id, row.revision - 1));
    if !expected.eq(current.iter().map(|(id, revision, _)| (*id, *revision))) {
        return Err(conflict("a link's revision"));
    }
    Ok(current.into_iter().map(|(_, _, salesforce_id)| salesforce_id))
}

fn current(session: &mut Session, connection: ConnectionId, ids: &[i64]) -> Result<Vec<Current>, StoreError> {
    let current = on_engine!(session, |db| link::table
        .filter(link::connection_id.eq(connection.0))
        .filter(link::id.eq_any(ids))
        .order(link::id)
        .select((link::id, link::revision, link::salesforce_id))
        .load::<Current>(db));
    session.checked(current)
}

/// Writes all of known links but their Salesforce record.
///
/// An upsert, since that is the update of many rows by many values which both engines know; its insert never takes
/// place.
fn write(session: &mut Session, rows: &[LinkRow<'_>]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let swapped = on_engine!(session, |db| diesel::insert_into(link::table)
            .values(rows)
            .on_conflict((link::connection_id, link::id))
            .do_update()
            .set((
                link::record_id.eq(excluded(link::record_id)),
                link::status_since.eq(
                    case_when(link::status.eq(excluded(link::status)), link::status_since)
                        .otherwise(excluded(link::status_since))
                ),
                link::status.eq(excluded(link::status)),
                link::status_data.eq(excluded(link::status_data)),
                link::modstamp.eq(excluded(link::modstamp)),
                link::observed.eq(excluded(link::observed)),
                link::revision.eq(excluded(link::revision)),
                link::plan_revision.eq(excluded(link::plan_revision)),
                link::agreed.eq(excluded(link::agreed)),
                link::outgoing.eq(excluded(link::outgoing)),
            ))
            .execute(db));
        session.checked(swapped)?;
    }
    Ok(())
}

/// Writes the Salesforce record of known links. One that another link has is a lost race.
fn take(session: &mut Session, rows: &[LinkRow<'_>]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let taken = on_engine!(session, |db| diesel::insert_into(link::table)
            .values(rows)
            .on_conflict((link::connection_id, link::id))
            .do_update()
            .set(link::salesforce_id.eq(excluded(link::salesforce_id)))
            .execute(db));
        session.checked(taken)?;
    }
    Ok(())
}

/// A link's columns.
#[derive(Insertable)]
#[diesel(table_name = link, treat_none_as_default_value = false)]
pub(super) struct LinkRow<'a> {
    connection_id: i64,
    pub(super) id: i64,
    mapping_id: i64,
    salesforce_id: Option<&'a str>,
    record_id: Option<i64>,
    status: &'static str,
    status_data: Option<String>,
    modstamp: i64,
    observed: i64,
    revision: i64,
    plan_revision: i64,
    agreed: String,
    status_since: i64,
    outgoing: Option<String>,
}

impl<'a> LinkRow<'a> {
    /// The columns of an effect on link `id`.
    pub(super) fn write(
        write: &Write<'_>,
        effect: &'a LinkEffect,
        id: i64,
        record: Option<RecordId>,
    ) -> Result<LinkRow<'a>, StoreError> {
        let (status, status_data) = status_columns(&effect.status)?;
        Ok(LinkRow {
            connection_id: write.connection.0,
            id,
            mapping_id: write.mapping.0,
            salesforce_id: effect.salesforce_id.as_ref().map(|id| id.as_str()),
            record_id: record.map(|record| record.0),
            status,
            status_data,
            modstamp: micros(effect.version.modstamp),
            observed: micros(effect.version.observed),
            revision: effect.existing.map_or(1, |LinkRef { revision, .. }| revision + 1),
            plan_revision: effect.plan.0,
            agreed: to_json(&effect.agreed)?,
            status_since: micros(write.at),
            outgoing: to_optional_json(&effect.outgoing)?,
        })
    }
}
