//! Writing effects.

use causeway_core::decide::{Effects, FieldChange, LinkEffect, RecordEffect};
use causeway_core::id::{LinkId, MappingId, Position, RecordId};
use causeway_core::ports::StoreError;
use causeway_core::ports::links::{Caused, Write, Written};
use causeway_core::record::FieldValue;
use diesel::prelude::*;
use diesel::upsert::excluded;

use super::identities::{self, OfLinks};
use super::swap::{self, Absorbed, LinkRow};
use super::{ROWS, outbox_heads};
use crate::columns::{Word, micros, to_json, to_optional_json};
use crate::engine::on_engine;
use crate::schema::{field_history, record};
use crate::session::Session;
use crate::text;

/// Writes effects with a handful of statements for each [`ROWS`] of them.
///
/// The order matters: absorbed links and known ones may give up the Salesforce record that another link takes, and
/// identities are set free before they are reserved.
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
    rows.ready.sort_unstable_by_key(|(link, _)| link.0);
    let connection = write.connection;
    swap::absorb(session, connection, &rows.absorbed)?;
    let moved = swap::swap(session, connection, rows.known)?;
    swap::insert(session, &rows.made)?;
    identities::release(session, connection, write.mapping, &rows.released)?;
    identities::reserve(session, connection, write.mapping, &rows.reserved)?;
    write_records(session, &rows.records)?;
    swap::follow(session, connection, &moved)?;
    insert_history(session, &rows.history)?;
    outbox_heads::ready(session, connection, &rows.ready, write.lane, write.at)?;
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
    absorbed: Vec<Absorbed>,
    made: Vec<LinkRow<'a>>,
    known: Vec<LinkRow<'a>>,
    released: OfLinks<'a>,
    reserved: OfLinks<'a>,
    records: Vec<RecordRow<'a>>,
    history: Vec<HistoryRow>,
    ready: Vec<(LinkId, MappingId)>,
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
            if let Some(absorbed) = effects.link.absorb {
                rows.absorbed.push(Absorbed { absorbed, by: link });
            }
            let of_link = |identity| (link, identity);
            rows.released.extend(effects.link.release.iter().map(of_link));
            rows.reserved.extend(effects.link.reserve.iter().map(of_link));
            if effects.link.ready {
                rows.ready.push((LinkId(link), write.mapping));
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
                record::times.eq(excluded(record::times)),
                record::record_key.eq(excluded(record::record_key)),
                record::successor.eq(excluded(record::successor)),
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
    times: Option<String>,
    record_key: Option<&'a str>,
    successor: Option<&'a str>,
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
        text::refuse_unstorable("partner's id of a record", &effect.key)?;
        Ok(RecordRow {
            connection_id: write.connection.0,
            id,
            object: write.partner_object,
            link_id: Some(link_id),
            salesforce_id: link.salesforce_id.as_ref().map(|id| id.as_str()),
            owner: &effect.owner,
            fields: to_json(&effect.fields)?,
            presence: effect.presence.word(),
            position,
            created_at: micros(write.at),
            updated_at: micros(write.at),
            times: to_optional_json(&effect.times)?,
            record_key: effect.key.as_deref(),
            successor: effect.successor.as_ref().map(|id| id.as_str()),
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
    lost_side: Option<&'static str>,
    lost_value: Option<String>,
    saved_by: Option<String>,
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
            lost_side: change.lost.as_ref().map(|lost| lost.side.word()),
            lost_value: change
                .lost
                .as_ref()
                .map(|lost| to_json(&lost.value))
                .transpose()?,
            saved_by: caused.saved_by.map(|user| user.to_string()),
        })
    }
}
