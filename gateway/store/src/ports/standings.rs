//! How one link stands, and what happened to it.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, FieldId, LinkId, SalesforceId};
use causeway_core::ports::links::HistoryEntry;
use causeway_core::ports::{Standings, StoreError};
use diesel::dsl::{max, min};
use diesel::prelude::*;

use super::history;
use crate::columns::{from_column, moment};
use crate::engine::on_engine;
use crate::schema::{field_history, inbox, link};
use crate::session::Session;
use crate::text;
use crate::time_limit::InTime;

impl Standings for Session {
    fn standing_since(
        &mut self,
        connection: ConnectionId,
        id: LinkId,
    ) -> Result<Option<Instant>, StoreError> {
        self.port(|session| {
            let since = on_engine!(session, |db| link::table
                .find((connection.0, id.0))
                .select(link::status_since)
                .first::<i64>(db)
                .optional());
            session.checked(since)?.map(moment).transpose()
        })
    }

    fn waiting_since(
        &mut self,
        connection: ConnectionId,
        object: &str,
        salesforce_id: SalesforceId,
    ) -> Result<Option<Instant>, StoreError> {
        if !text::is_storable([object]) {
            return Ok(None);
        }
        self.port(|session| {
            let oldest = on_engine!(session, |db| inbox::table
                .filter(inbox::connection_id.eq(connection.0))
                .filter(inbox::object.eq(object))
                .filter(inbox::salesforce_id.eq(salesforce_id.as_str()))
                .select(min(inbox::received_at))
                .first::<Option<i64>>(db));
            session.checked(oldest)?.map(moment).transpose()
        })
    }

    fn field_changes(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
    ) -> Result<BTreeMap<FieldId, Instant>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| field_history::table
                .filter(db.in_time())
                .filter(field_history::connection_id.eq(connection.0))
                .filter(field_history::link_id.eq(link.0))
                .group_by(field_history::field)
                .select((field_history::field, max(field_history::at)))
                .load::<(i64, Option<i64>)>(db));
            session
                .checked(rows)?
                .into_iter()
                .filter_map(|(field, at)| Some((field, at?)))
                .map(|(field, at)| Ok((FieldId(from_column("field", field)?), moment(at)?)))
                .collect()
        })
    }

    fn history_of_link(
        &mut self,
        connection: ConnectionId,
        link: LinkId,
        field: Option<FieldId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.port(|session| history::of_link(session, connection, link, field, before, limit))
    }
}
