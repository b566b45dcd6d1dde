//! Writing effects.

use causeway_core::decide::{Effects, FieldChange, LinkEffect, LinkRef, RecordEffect};
use causeway_core::id::{LinkId, Position, RecordId};
use causeway_core::ports::StoreError;
use causeway_core::ports::links::{Caused, Write, Written};
use causeway_core::record::FieldValue;
use diesel::dsl::case_when;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::ROWS;
use crate::columns::{Word, micros, status_columns, to_json};
use crate::engine::on_engine;
use crate::error::conflict;
use crate::schema::{field_history, link, record};
use crate::session::Session;
use crate::text;

/// Writes effects with a handful of statements for each [`ROWS`] of them: new links, known links, records, history.
pub(super) fn apply(session: &mut Session, write: &Write<'_>) -> Result<Vec<Written>, StoreError> {
    if write.effects.is_empty() {
        return Ok(Vec::new());
    }
    // The lock that comes with the numbers keeps others from writing links and records of this connection, so that
    // no two calls wait for each other's rows.
    let needed = write
        .effects
        .iter()
        .map(|caused| numbers_needed(&caused.effects))
        .sum();
    let mut rows = Rows::build(write, session.take_numbers(write.connection, needed)?)?;
    // Rows in the order of their keys are written fastest, and compared in one pass.
    rows.made.sort_unstable_by_key(|row| row.id);
    rows.known.sort_unstable_by_key(|row| row.id);
    rows.records.sort_unstable_by_key(|row| row.id);
    insert_links(session, &rows.made)?;
    swap_links(session, &rows.known)?;
    write_records(session, &rows.records)?;
    insert_history(session, &rows.history)?;
    session.shared.growth.add(write.connection, rows.written.len());
    Ok(rows.written)
}

/// How many numbers an effect takes: for a new link, a new record, the record's position, the history.
fn numbers_needed(effects: &Effects) -> usize {
    let known = effects.link.existing;
    let makes_record = effects.record.is_some() && known.and_then(|link| link.record).is_none();
    usize::from(known.is_none())
        + usize::from(makes_record)
        + usize::from(effects.record.is_some())
        + effects.history.len()
}

/// The rows that a call writes.
#[derive(Default)]
struct Rows<'a> {
    made: Vec<LinkRow<'a>>,
    known: Vec<LinkRow<'a>>,
    records: Vec<RecordRow<'a>>,
    history: Vec<HistoryRow>,
    written: Vec<Written>,
}

impl<'a> Rows<'a> {
    fn build(write: &'a Write<'a>, first_number: i64) -> Result<Rows<'a>, StoreError> {
        let mut numbers = first_number..;
        let mut number = move || numbers.next().unwrap_or(i64::MAX);
        let mut rows = Rows::default();
        for caused in write.effects {
            let effects = &caused.effects;
            let link = effects.link.existing.map_or_else(&mut number, |link| link.id.0);
            let mut record = effects.link.existing.and_then(|link| link.record);
            let mut position = None;
            if let Some(effect) = &effects.record {
                let id = record.map_or_else(&mut number, |record| record.0);
                let at = number();
                rows.records
                    .push(RecordRow::write(write, &effects.link, effect, link, id, at)?);
                record = Some(RecordId(id));
                position = Some(Position(at));
            }
            let row = LinkRow::write(write, &effects.link, link, record)?;
            match effects.link.existing {
                None => rows.made.push(row),
                Some(_) => rows.known.push(row),
            }
            for change in &effects.history {
                rows.history
                    .push(HistoryRow::write(write, caused, change, link, number())?);
            }
            rows.written.push(Written {
                link: LinkId(link),
                record,
                position,
            });
        }
        Ok(rows)
    }
}

fn insert_links(session: &mut Session, rows: &[LinkRow<'_>]) -> Result<(), StoreError> {
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

/// Compares the revisions of known links, then swaps the links.
///
/// Two steps are enough: whoever writes links of a connection holds its counter. The swap is an upsert, since that
/// is the update of many rows by many values which both engines know; its insert never takes place.
fn swap_links(session: &mut Session, rows: &[LinkRow<'_>]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        compare_revisions(session, rows)?;
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
                link::held_reason.eq(excluded(link::held_reason)),
                link::modstamp.eq(excluded(link::modstamp)),
                link::observed.eq(excluded(link::observed)),
                link::revision.eq(excluded(link::revision)),
                link::plan_revision.eq(excluded(link::plan_revision)),
                link::agreed.eq(excluded(link::agreed)),
            ))
            .execute(db));
        session.checked(swapped)?;
    }
    Ok(())
}

fn compare_revisions(session: &mut Session, rows: &[LinkRow<'_>]) -> Result<(), StoreError> {
    let Some(connection) = rows.first().map(|row| row.connection_id) else {
        return Ok(());
    };
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let current = on_engine!(session, |db| link::table
        .filter(link::connection_id.eq(connection))
        .filter(link::id.eq_any(&ids))
        .order(link::id)
        .select((link::id, link::revision))
        .load::<(i64, i64)>(db));
    let current = session.checked(current)?;
    let expected = rows.iter().map(|row| (row.id, row.revision - 1));
    if !expected.eq(current) {
        return Err(conflict("a link's revision"));
    }
    Ok(())
}

fn write_records(session: &mut Session, rows: &[RecordRow<'_>]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let written = on_engine!(session, |db| diesel::insert_into(record::table)
            .values(rows)
            .on_conflict((record::connection_id, record::id))
            .do_update()
            .set((
                record::owner.eq(excluded(record::owner)),
                record::fields.eq(excluded(record::fields)),
                record::presence.eq(excluded(record::presence)),
                record::position.eq(excluded(record::position)),
                record::updated_at.eq(excluded(record::updated_at)),
            ))
            .execute(db));
        session.checked(written)?;
    }
    Ok(())
}

fn insert_history(session: &mut Session, rows: &[HistoryRow]) -> Result<(), StoreError> {
    for rows in rows.chunks(ROWS) {
        let inserted = on_engine!(session, |db| diesel::insert_into(field_history::table)
            .values(rows)
            .execute(db));
        session.checked(inserted)?;
    }
    Ok(())
}

#[derive(Insertable)]
#[diesel(table_name = link, treat_none_as_default_value = false)]
struct LinkRow<'a> {
    connection_id: i64,
    id: i64,
    mapping_id: i64,
    salesforce_id: &'a str,
    record_id: Option<i64>,
    status: &'static str,
    held_reason: Option<String>,
    modstamp: i64,
    observed: i64,
    revision: i64,
    plan_revision: i64,
    agreed: String,
    status_since: i64,
}

impl<'a> LinkRow<'a> {
    fn write(
        write: &Write<'_>,
        effect: &'a LinkEffect,
        id: i64,
        record: Option<RecordId>,
    ) -> Result<LinkRow<'a>, StoreError> {
        let (status, held_reason) = status_columns(&effect.status)?;
        Ok(LinkRow {
            connection_id: write.connection.0,
            id,
            mapping_id: write.mapping.0,
            salesforce_id: effect.salesforce_id.as_str(),
            record_id: record.map(|record| record.0),
            status,
            held_reason,
            modstamp: micros(effect.version.modstamp),
            observed: micros(effect.version.observed),
            revision: effect.existing.map_or(1, |LinkRef { revision, .. }| revision + 1),
            plan_revision: effect.plan.0,
            agreed: to_json(&effect.agreed)?,
            status_since: micros(write.at),
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = record, treat_none_as_default_value = false)]
struct RecordRow<'a> {
    connection_id: i64,
    id: i64,
    object: &'a str,
    link_id: Option<i64>,
    salesforce_id: Option<&'a str>,
    owner: &'a str,
    fields: String,
    presence: &'static str,
    position: i64,
    created_at: i64,
    updated_at: i64,
}

impl<'a> RecordRow<'a> {
    fn write(
        write: &'a Write<'a>,
        link: &'a LinkEffect,
        effect: &'a RecordEffect,
        link_id: i64,
        id: i64,
        position: i64,
    ) -> Result<RecordRow<'a>, StoreError> {
        for (name, value) in &effect.fields {
            match value {
                FieldValue::Text(value) => text::refuse_unstorable(name, [value])?,
                FieldValue::Choices(values) => text::refuse_unstorable(name, values)?,
                _ => {}
            }
        }
        Ok(RecordRow {
            connection_id: write.connection.0,
            id,
            object: write.partner_object,
            link_id: Some(link_id),
            salesforce_id: Some(link.salesforce_id.as_str()),
            owner: &effect.owner,
            fields: to_json(&effect.fields)?,
            presence: effect.presence.word(),
            position,
            created_at: micros(write.at),
            updated_at: micros(write.at),
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = field_history, treat_none_as_default_value = false)]
struct HistoryRow {
    connection_id: i64,
    id: i64,
    link_id: i64,
    field: i64,
    at: i64,
    salesforce_before: Option<String>,
    salesforce_after: Option<String>,
    partner_before: Option<String>,
    partner_after: Option<String>,
    cause: String,
    plan_revision: i64,
    source: String,
}

impl HistoryRow {
    fn write(
        write: &Write<'_>,
        caused: &Caused,
        change: &FieldChange,
        link_id: i64,
        id: i64,
    ) -> Result<HistoryRow, StoreError> {
        let value = |value: &Option<FieldValue>| value.as_ref().map(to_json).transpose();
        Ok(HistoryRow {
            connection_id: write.connection.0,
            id,
            link_id,
            field: i64::from(change.field.0),
            at: micros(write.at),
            salesforce_before: value(&change.salesforce_before)?,
            salesforce_after: value(&change.salesforce_after)?,
            partner_before: value(&change.partner_before)?,
            partner_after: value(&change.partner_after)?,
            cause: to_json(&change.cause)?,
            plan_revision: caused.effects.link.plan.0,
            source: to_json(&caused.source)?,
        })
    }
}
