//! The log.

use causeway_core::id::{ConnectionId, RecordId, RunId};
use causeway_core::ports::logs::{LogEntry, LogFilter, NewLogEntry};
use causeway_core::ports::{Logs, StoreError};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::ROWS;
use crate::columns::{Word, from_column, micros, moment, optional_salesforce_id};
use crate::engine::on_engine;
use crate::schema::log_entry;
use crate::session::Session;
use crate::text;
use crate::time_limit::InTime;

impl Logs for Session {
    fn append_logs(&mut self, connection: ConnectionId, entries: &[NewLogEntry]) -> Result<(), StoreError> {
        self.port(|session| {
            if entries.is_empty() {
                return Ok(());
            }
            let first = session.take_numbers(connection, entries.len())?;
            let rows: Vec<NewRow<'_>> = (first..)
                .zip(entries)
                .map(|(id, entry)| NewRow::write(connection, id, entry))
                .collect();
            for rows in rows.chunks(ROWS) {
                let inserted = on_engine!(session, |db| diesel::insert_into(log_entry::table)
                    .values(rows)
                    .execute(db));
                session.checked(inserted)?;
            }
            Ok(())
        })
    }

    fn logs(
        &mut self,
        connection: ConnectionId,
        filter: &LogFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError> {
        if !text::is_storable(&filter.object) {
            return Ok(Vec::new());
        }
        self.port(|session| {
            let rows = on_engine!(session, |db| {
                let mut query = log_entry::table
                    .filter(db.in_time())
                    .filter(log_entry::connection_id.eq(connection.0))
                    .order(log_entry::id.desc())
                    .limit(i64::from(limit))
                    .select(Row::as_select())
                    .into_boxed();
                if let Some(before) = before {
                    query = query.filter(log_entry::id.lt(before));
                }
                if let Some(direction) = filter.direction {
                    query = query.filter(log_entry::direction.eq(direction.word()));
                }
                if let Some(method) = filter.method {
                    query = query.filter(log_entry::method.eq(method.word()));
                }
                if let Some(object) = &filter.object {
                    query = query.filter(log_entry::object.eq(object));
                }
                if let Some(id) = &filter.salesforce_id {
                    query = query.filter(log_entry::salesforce_id.eq(id.as_str()));
                }
                if let Some(run) = filter.run {
                    query = query.filter(log_entry::run_id.eq(run.0));
                }
                if let Some(from) = filter.from {
                    query = query.filter(log_entry::at.ge(micros(from)));
                }
                if let Some(to) = filter.to {
                    query = query.filter(log_entry::at.lt(micros(to)));
                }
                if filter.failed {
                    // Letter for letter the condition of the partial index, without a parameter: SQLite uses the
                    // index only then.
                    query = query.filter(sql::<Bool>("status >= 400"));
                }
                query.load(db)
            });
            session.checked(rows)?.into_iter().map(Row::read).collect()
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = log_entry, treat_none_as_default_value = false)]
struct NewRow<'a> {
    connection_id: i64,
    id: i64,
    at: i64,
    direction: &'static str,
    method: &'static str,
    status: i64,
    object: &'a str,
    salesforce_id: Option<&'a str>,
    record_id: Option<i64>,
    run_id: Option<i64>,
    data: &'a str,
    cause: &'a str,
}

impl<'a> NewRow<'a> {
    fn write(connection: ConnectionId, id: i64, entry: &'a NewLogEntry) -> NewRow<'a> {
        NewRow {
            connection_id: connection.0,
            id,
            at: micros(entry.at),
            direction: entry.direction.word(),
            method: entry.method.word(),
            status: i64::from(entry.status),
            object: &entry.object,
            salesforce_id: entry.salesforce_id.as_ref().map(|id| id.as_str()),
            record_id: entry.record.map(|record| record.0),
            run_id: entry.run.map(|run| run.0),
            data: &entry.data,
            cause: &entry.cause,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = log_entry)]
struct Row {
    id: i64,
    at: i64,
    direction: String,
    method: String,
    status: i64,
    object: String,
    salesforce_id: Option<String>,
    record_id: Option<i64>,
    run_id: Option<i64>,
    data: String,
    cause: String,
}

impl Row {
    fn read(self) -> Result<LogEntry, StoreError> {
        Ok(LogEntry {
            id: self.id,
            entry: NewLogEntry {
                at: moment(self.at)?,
                direction: Word::from_word(&self.direction)?,
                method: Word::from_word(&self.method)?,
                status: from_column("HTTP status", self.status)?,
                object: self.object,
                salesforce_id: optional_salesforce_id(self.salesforce_id.as_deref())?,
                record: self.record_id.map(RecordId),
                run: self.run_id.map(RunId),
                data: self.data,
                cause: self.cause,
            },
        })
    }
}
