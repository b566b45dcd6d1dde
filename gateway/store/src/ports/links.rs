//! Links: reading them, and what stands about them.

use std::collections::HashMap;

use causeway_core::decide::{Agreed, Identity, LinkState, LinkStatus, RecordState};
use causeway_core::id::{ConnectionId, LinkId, MappingId, PlanRevision, RecordId, SalesforceId};
use causeway_core::ports::links::{HeldRecord, HistoryEntry, LinkCounts, Linked, Write, Written};
use causeway_core::ports::{Links, StoreError};
use causeway_core::version::SalesforceVersion;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::{ROWS, history, identities};
use crate::columns::{
    CONVERTED, CREATING, DELETED, HELD, MERGED, UNLINKED, Word, from_column, from_json, from_optional_json,
    moment, optional_salesforce_id, status,
};
use crate::engine::on_engine;
use crate::error::unexpected;
use crate::schema::{link, record};
use crate::session::Session;

/// Letter for letter the condition of the partial index on links that are not in step, without a parameter: SQLite
/// uses the index only then.
const ASIDE: &str = "status <> 'linked'";

impl Links for Session {
    fn linked(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        ids: &[SalesforceId],
    ) -> Result<HashMap<SalesforceId, Linked>, StoreError> {
        self.port(|session| linked(session, connection, mapping, ids))
    }

    fn links(
        &mut self,
        connection: ConnectionId,
        ids: &[LinkId],
    ) -> Result<HashMap<LinkId, Linked>, StoreError> {
        self.port(|session| links(session, connection, ids))
    }

    fn links_of(
        &mut self,
        connection: ConnectionId,
        records: &[RecordId],
    ) -> Result<HashMap<RecordId, Linked>, StoreError> {
        self.port(|session| links_of(session, connection, records))
    }

    fn holders(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        identities: &[Identity],
    ) -> Result<HashMap<Identity, LinkId>, StoreError> {
        self.port(|session| identities::holders(session, connection, mapping, identities))
    }

    fn apply(&mut self, write: &Write<'_>) -> Result<Vec<Written>, StoreError> {
        self.port(|session| super::apply::apply(session, write))
    }

    fn history(
        &mut self,
        connection: ConnectionId,
        record: RecordId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.port(|session| history::of_record(session, connection, record, limit))
    }

    fn conflicts(
        &mut self,
        connection: ConnectionId,
        record: Option<RecordId>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.port(|session| history::conflicts(session, connection, record, before, limit))
    }

    fn history_entry(
        &mut self,
        connection: ConnectionId,
        id: i64,
    ) -> Result<Option<HistoryEntry>, StoreError> {
        self.port(|session| history::entry(session, connection, id))
    }

    fn held(
        &mut self,
        connection: ConnectionId,
        after: Option<LinkId>,
        limit: u32,
    ) -> Result<Vec<HeldRecord>, StoreError> {
        self.port(|session| {
            let rows = on_engine!(session, |db| link::table
                .filter(link::connection_id.eq(connection.0))
                .filter(link::status.eq(HELD))
                .filter(sql::<Bool>(ASIDE))
                .filter(link::id.gt(after.map_or(i64::MIN, |after| after.0)))
                .order(link::id)
                .limit(i64::from(limit))
                .select(HeldRow::as_select())
                .load(db));
            session.checked(rows)?.into_iter().map(HeldRow::read).collect()
        })
    }

    fn link_counts(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
    ) -> Result<LinkCounts, StoreError> {
        self.port(|session| {
            let all = on_engine!(session, |db| link::table
                .filter(link::connection_id.eq(connection.0))
                .filter(link::mapping_id.eq(mapping.0))
                .count()
                .get_result::<i64>(db));
            let all = session.checked(all)?;
            let aside = on_engine!(session, |db| link::table
                .filter(link::connection_id.eq(connection.0))
                .filter(link::mapping_id.eq(mapping.0))
                .filter(sql::<Bool>(ASIDE))
                .group_by(link::status)
                .select((link::status, count_star()))
                .load::<(String, i64)>(db));
            let aside: HashMap<String, i64> = session.checked(aside)?.into_iter().collect();
            let count = |word: &str| aside.get(word).copied().unwrap_or(0);
            let number = |count| from_column("number of links", count);
            Ok(LinkCounts {
                linked: number(all - aside.values().sum::<i64>())?,
                held: number(count(HELD))?,
                creating: number(count(CREATING))?,
                deleted: number([DELETED, UNLINKED, MERGED, CONVERTED].map(count).iter().sum())?,
            })
        })
    }
}

/// Links by what is asked of them, each with its record. Links are few and found by an index; so each record is
/// looked up by its number, not the other way round.
macro_rules! with_records {
    ($session:expr, $connection:expr, |$db:ident| $condition:expr) => {{
        let rows = on_engine!($session, |$db| link::table
            .left_join(
                record::table.on(record::connection_id
                    .eq(link::connection_id)
                    .and(record::id.nullable().eq(link::record_id)))
            )
            .filter(link::connection_id.eq($connection.0))
            .filter($condition)
            .select((LinkRow::as_select(), Option::<RecordRow>::as_select()))
            .load::<(LinkRow, Option<RecordRow>)>($db));
        $session.checked(rows)
    }};
}

fn linked(
    session: &mut Session,
    connection: ConnectionId,
    mapping: MappingId,
    ids: &[SalesforceId],
) -> Result<HashMap<SalesforceId, Linked>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        let ids: Vec<&str> = ids.iter().map(SalesforceId::as_str).collect();
        let rows = with_records!(session, connection, |db| link::mapping_id
            .eq(mapping.0)
            .and(link::salesforce_id.assume_not_null().eq_any(&ids)))?;
        for row in rows {
            let linked = read_linked(row)?;
            if let Some(id) = linked.link.salesforce_id {
                found.insert(id, linked);
            }
        }
    }
    Ok(found)
}

fn links(
    session: &mut Session,
    connection: ConnectionId,
    ids: &[LinkId],
) -> Result<HashMap<LinkId, Linked>, StoreError> {
    let mut found = HashMap::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows = with_records!(session, connection, |db| link::id.eq_any(&ids))?;
        for row in rows {
            let linked = read_linked(row)?;
            found.insert(linked.link.id, linked);
        }
    }
    Ok(found)
}

fn links_of(
    session: &mut Session,
    connection: ConnectionId,
    records: &[RecordId],
) -> Result<HashMap<RecordId, Linked>, StoreError> {
    let mut ids = Vec::with_capacity(records.len());
    for records in records.chunks(ROWS) {
        let numbers: Vec<i64> = records.iter().map(|record| record.0).collect();
        let behind = on_engine!(session, |db| record::table
            .filter(record::connection_id.eq(connection.0))
            .filter(record::id.eq_any(&numbers))
            .filter(record::link_id.is_not_null())
            .select(record::link_id.assume_not_null())
            .load::<i64>(db));
        ids.extend(session.checked(behind)?.into_iter().map(LinkId));
    }
    let found = links(session, connection, &ids)?;
    Ok(found
        .into_values()
        .filter_map(|linked| Some((linked.link.record?, linked)))
        .collect())
}

fn read_linked((link, record): (LinkRow, Option<RecordRow>)) -> Result<Linked, StoreError> {
    let mapping = MappingId(link.mapping_id);
    let link = link.read()?;
    let record = record.map(RecordRow::read).transpose()?;
    if link.record != record.as_ref().map(|record| record.id) {
        return Err(unexpected(format!(
            "link {} names a record that is not there",
            link.id
        )));
    }
    Ok(Linked {
        mapping,
        link,
        record,
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = link)]
struct LinkRow {
    id: i64,
    mapping_id: i64,
    salesforce_id: Option<String>,
    record_id: Option<i64>,
    status: String,
    status_data: Option<String>,
    modstamp: i64,
    observed: i64,
    revision: i64,
    plan_revision: i64,
    agreed: String,
    outgoing: Option<String>,
}

impl LinkRow {
    fn read(self) -> Result<LinkState, StoreError> {
        Ok(LinkState {
            id: LinkId(self.id),
            salesforce_id: optional_salesforce_id(self.salesforce_id.as_deref())?,
            record: self.record_id.map(RecordId),
            status: status(&self.status, self.status_data.as_deref())?,
            version: SalesforceVersion {
                modstamp: moment(self.modstamp)?,
                observed: moment(self.observed)?,
            },
            revision: self.revision,
            plan: PlanRevision(self.plan_revision),
            agreed: from_json::<Agreed>("agreed pairs", &self.agreed)?,
            outgoing: from_optional_json("outgoing state of a link", self.outgoing.as_deref())?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = record)]
struct RecordRow {
    id: i64,
    owner: String,
    fields: String,
    presence: String,
    times: Option<String>,
    record_key: Option<String>,
    successor: Option<String>,
}

impl RecordRow {
    fn read(self) -> Result<RecordState, StoreError> {
        Ok(RecordState {
            id: RecordId(self.id),
            fields: from_json("fields of a record", &self.fields)?,
            owner: self.owner,
            presence: Word::from_word(&self.presence)?,
            times: from_optional_json("times of a record", self.times.as_deref())?,
            key: self.record_key,
            successor: optional_salesforce_id(self.successor.as_deref())?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = link)]
struct HeldRow {
    id: i64,
    mapping_id: i64,
    salesforce_id: Option<String>,
    record_id: Option<i64>,
    status: String,
    status_data: Option<String>,
    status_since: i64,
}

impl HeldRow {
    fn read(self) -> Result<HeldRecord, StoreError> {
        let LinkStatus::Held { reason } = status(&self.status, self.status_data.as_deref())? else {
            return Err(unexpected(format!("link {} is not held", self.id)));
        };
        Ok(HeldRecord {
            link: LinkId(self.id),
            mapping: MappingId(self.mapping_id),
            salesforce_id: optional_salesforce_id(self.salesforce_id.as_deref())?,
            record: self.record_id.map(RecordId),
            reason,
            since: moment(self.status_since)?,
        })
    }
}
