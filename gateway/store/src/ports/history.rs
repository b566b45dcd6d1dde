//! The history of fields, and the values that lost.

use causeway_core::decide::Lost;
use causeway_core::id::{ConnectionId, FieldId, LinkId, PlanRevision, RecordId};
use causeway_core::ports::StoreError;
use causeway_core::ports::links::HistoryEntry;
use diesel::prelude::*;

use crate::columns::{Word, from_column, from_json, moment, optional_salesforce_id};
use crate::engine::on_engine;
use crate::error::unexpected;
use crate::schema::{field_history, record};
use crate::session::Session;
use crate::time_limit::InTime;

/// History of a record, newest first.
pub(super) fn of_record(
    session: &mut Session,
    connection: ConnectionId,
    record: RecordId,
    limit: u32,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let Some(link) = link_of(session, connection, record)? else {
        return Ok(Vec::new());
    };
    let rows = on_engine!(session, |db| field_history::table
        .filter(db.in_time())
        .filter(field_history::connection_id.eq(connection.0))
        .filter(field_history::link_id.eq(link))
        .order(field_history::id.desc())
        .limit(i64::from(limit))
        .select(HistoryRow::as_select())
        .load(db));
    session.checked(rows)?.into_iter().map(HistoryRow::read).collect()
}

/// Entries in which a value lost, newest first.
pub(super) fn conflicts(
    session: &mut Session,
    connection: ConnectionId,
    record: Option<RecordId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let link = match record {
        None => None,
        Some(record) => match link_of(session, connection, record)? {
            None => return Ok(Vec::new()),
            link => link,
        },
    };
    let rows = on_engine!(session, |db| {
        let mut query = field_history::table
            .filter(db.in_time())
            .filter(field_history::connection_id.eq(connection.0))
            // As in the condition of the partial indexes, which serve these questions.
            .filter(field_history::lost_side.is_not_null())
            .filter(field_history::id.lt(before.unwrap_or(i64::MAX)))
            .order(field_history::id.desc())
            .limit(i64::from(limit))
            .select(HistoryRow::as_select())
            .into_boxed();
        if let Some(link) = link {
            query = query.filter(field_history::link_id.eq(link));
        }
        query.load(db)
    });
    session.checked(rows)?.into_iter().map(HistoryRow::read).collect()
}

/// History of a link, of all fields or of one, newest first.
pub(super) fn of_link(
    session: &mut Session,
    connection: ConnectionId,
    link: LinkId,
    field: Option<FieldId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<HistoryEntry>, StoreError> {
    let rows = on_engine!(session, |db| {
        let mut query = field_history::table
            .filter(db.in_time())
            .filter(field_history::connection_id.eq(connection.0))
            .filter(field_history::link_id.eq(link.0))
            .filter(field_history::id.lt(before.unwrap_or(i64::MAX)))
            .order(field_history::id.desc())
            .limit(i64::from(limit))
            .select(HistoryRow::as_select())
            .into_boxed();
        if let Some(field) = field {
            query = query.filter(field_history::field.eq(i64::from(field.0)));
        }
        query.load(db)
    });
    session.checked(rows)?.into_iter().map(HistoryRow::read).collect()
}

/// One entry.
pub(super) fn entry(
    session: &mut Session,
    connection: ConnectionId,
    id: i64,
) -> Result<Option<HistoryEntry>, StoreError> {
    let row = on_engine!(session, |db| field_history::table
        .find((connection.0, id))
        .select(HistoryRow::as_select())
        .first(db)
        .optional());
    session.checked(row)?.map(HistoryRow::read).transpose()
}

fn link_of(
    session: &mut Session,
    connection: ConnectionId,
    record: RecordId,
) -> Result<Option<i64>, StoreError> {
    let link = on_engine!(session, |db| record::table
        .find((connection.0, record.0))
        .select(record::link_id)
        .first::<Option<i64>>(db)
        .optional());
    Ok(session.checked(link)?.flatten())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = field_history)]
struct HistoryRow {
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
    lost_side: Option<String>,
    lost_value: Option<String>,
    saved_by: Option<String>,
}

impl HistoryRow {
    fn read(self) -> Result<HistoryEntry, StoreError> {
        let value = |text: Option<String>| {
            text.map(|text| from_json("value in the history", &text))
                .transpose()
        };
        let lost = match (self.lost_side, value(self.lost_value)?) {
            (Some(side), Some(value)) => Some(Lost {
                side: Word::from_word(&side)?,
                value,
            }),
            (None, None) => None,
            _ => {
                return Err(unexpected(format!(
                    "entry {} of the history lost half a value",
                    self.id
                )));
            }
        };
        Ok(HistoryEntry {
            id: self.id,
            link: LinkId(self.link_id),
            field: FieldId(from_column("field", self.field)?),
            at: moment(self.at)?,
            salesforce_before: value(self.salesforce_before)?,
            salesforce_after: value(self.salesforce_after)?,
            partner_before: value(self.partner_before)?,
            partner_after: value(self.partner_after)?,
            cause: from_json("cause of a change", &self.cause)?,
            lost,
            plan: PlanRevision(self.plan_revision),
            source: from_json("source of a change", &self.source)?,
            saved_by: optional_salesforce_id(self.saved_by.as_deref())?,
        })
    }
}
