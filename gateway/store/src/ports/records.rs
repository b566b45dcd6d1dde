//! Partner records and the feed.

use std::collections::HashMap;

use causeway_core::decide::Presence;
use causeway_core::id::{ConnectionId, Position, RecordId, SalesforceId};
use causeway_core::ports::records::{RecordFilter, StoredRecord};
use causeway_core::ports::{Records, StoreError};
use diesel::prelude::*;

use super::ROWS;
use crate::columns::{Word, from_json, micros, moment, optional_salesforce_id, salesforce_id};
use crate::engine::on_engine;
use crate::field_text::FieldText;
use crate::schema::{link, record};
use crate::session::Session;
use crate::text;
use crate::time_limit::InTime;

impl Records for Session {
    fn record(
        &mut self,
        connection: ConnectionId,
        object: &str,
        id: RecordId,
    ) -> Result<Option<StoredRecord>, StoreError> {
        if !text::is_storable([object]) {
            return Ok(None);
        }
        self.port(|session| {
            let row = on_engine!(session, |db| record::table
                .find((connection.0, id.0))
                .filter(record::object.eq(object))
                .select(Row::as_select())
                .first(db)
                .optional());
            session.checked(row)?.map(Row::read).transpose()
        })
    }

    fn positions(
        &mut self,
        connection: ConnectionId,
        ids: &[RecordId],
    ) -> Result<HashMap<RecordId, Position>, StoreError> {
        self.port(|session| {
            let mut positions = HashMap::with_capacity(ids.len());
            for ids in ids.chunks(ROWS) {
                let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
                let rows = on_engine!(session, |db| record::table
                    .filter(record::connection_id.eq(connection.0))
                    .filter(record::id.eq_any(&ids))
                    .select((record::id, record::position))
                    .load::<(i64, i64)>(db));
                let rows = session.checked(rows)?;
                positions.extend(
                    rows.into_iter()
                        .map(|(id, position)| (RecordId(id), Position(position))),
                );
            }
            Ok(positions)
        })
    }

    fn records(
        &mut self,
        connection: ConnectionId,
        object: &str,
        filter: &RecordFilter,
        after: Option<RecordId>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let fields = filter.fields.iter().flat_map(|(name, text)| [name, text]);
        if !text::is_storable([object]) || !text::is_storable(fields.chain(&filter.owner)) {
            return Ok(Vec::new());
        }
        self.port(|session| {
            let rows = on_engine!(session, |db| {
                let mut query = record::table
                    .filter(db.in_time())
                    .filter(record::connection_id.eq(connection.0))
                    .filter(record::object.eq(object))
                    .filter(record::presence.ne(Presence::Deleted.word()))
                    .order(record::id)
                    .limit(i64::from(limit))
                    .select(Row::as_select())
                    .into_boxed();
                if let Some(after) = after {
                    query = query.filter(record::id.gt(after.0));
                }
                if let Some(owner) = &filter.owner {
                    query = query.filter(record::owner.eq(owner));
                }
                if let Some(id) = &filter.salesforce_id {
                    // By way of the link, whose index leads with the Salesforce id.
                    let behind = link::table
                        .filter(link::connection_id.eq(connection.0))
                        .filter(link::salesforce_id.eq(id.as_str()))
                        .select(link::record_id);
                    query = query.filter(record::id.nullable().eq_any(behind));
                }
                if let Some(since) = filter.updated_since {
                    query = query.filter(record::updated_at.ge(micros(since)));
                }
                for (name, text) in &filter.fields {
                    query = query.filter(db.field_holds(name, text));
                }
                query.load(db)
            });
            session.checked(rows)?.into_iter().map(Row::read).collect()
        })
    }

    fn feed(
        &mut self,
        connection: ConnectionId,
        object: Option<&str>,
        after: Position,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        if !text::is_storable(object) {
            return Ok(Vec::new());
        }
        self.port(|session| {
            let rows = on_engine!(session, |db| {
                let mut query = record::table
                    .filter(db.in_time())
                    .filter(record::connection_id.eq(connection.0))
                    .filter(record::position.gt(after.0))
                    .order(record::position)
                    .limit(i64::from(limit))
                    .select(Row::as_select())
                    .into_boxed();
                if let Some(object) = object {
                    query = query.filter(record::object.eq(object));
                }
                query.load(db)
            });
            session.checked(rows)?.into_iter().map(Row::read).collect()
        })
    }

    fn newest_position(&mut self, connection: ConnectionId) -> Result<Position, StoreError> {
        self.port(|session| {
            let newest = on_engine!(session, |db| record::table
                .filter(record::connection_id.eq(connection.0))
                .order(record::position.desc())
                .select(record::position)
                .first::<i64>(db)
                .optional());
            Ok(Position(session.checked(newest)?.unwrap_or_default()))
        })
    }

    fn records_behind(
        &mut self,
        connection: ConnectionId,
        ids: &[SalesforceId],
    ) -> Result<Vec<(SalesforceId, String, RecordId)>, StoreError> {
        self.port(|session| {
            let mut behind = Vec::new();
            for ids in ids.chunks(ROWS) {
                let ids: Vec<&str> = ids.iter().map(SalesforceId::as_str).collect();
                let rows = on_engine!(session, |db| link::table
                    .inner_join(
                        record::table.on(record::connection_id
                            .eq(link::connection_id)
                            .and(record::id.nullable().eq(link::record_id)))
                    )
                    .filter(link::connection_id.eq(connection.0))
                    .filter(link::salesforce_id.assume_not_null().eq_any(&ids))
                    .filter(record::presence.ne(Presence::Deleted.word()))
                    .order((link::salesforce_id, record::id))
                    .select((link::salesforce_id.assume_not_null(), record::object, record::id))
                    .load::<(String, String, i64)>(db));
                for (id, object, record) in session.checked(rows)? {
                    behind.push((salesforce_id(&id)?, object, RecordId(record)));
                }
            }
            Ok(behind)
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = record)]
struct Row {
    id: i64,
    object: String,
    salesforce_id: Option<String>,
    owner: String,
    fields: String,
    presence: String,
    position: i64,
    created_at: i64,
    updated_at: i64,
    record_key: Option<String>,
    successor: Option<String>,
}

impl Row {
    fn read(self) -> Result<StoredRecord, StoreError> {
        Ok(StoredRecord {
            id: RecordId(self.id),
            object: self.object,
            salesforce_id: optional_salesforce_id(self.salesforce_id.as_deref())?,
            owner: self.owner,
            fields: from_json("fields of a record", &self.fields)?,
            presence: Word::from_word(&self.presence)?,
            position: Position(self.position),
            key: self.record_key,
            successor: optional_salesforce_id(self.successor.as_deref())?,
            created_at: moment(self.created_at)?,
            updated_at: moment(self.updated_at)?,
        })
    }
}
