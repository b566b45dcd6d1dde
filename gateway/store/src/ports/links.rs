//! Links: reading them, and what stands about them.

use std::collections::HashMap;

use causeway_core::decide::{Agreed, LinkState, LinkStatus, RecordState};
use causeway_core::id::{ConnectionId, FieldId, LinkId, MappingId, PlanRevision, RecordId, SalesforceId};
use causeway_core::ports::links::{HeldRecord, HistoryEntry, LinkCounts, Linked, Write, Written};
use causeway_core::ports::{Links, StoreError};
use causeway_core::version::SalesforceVersion;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::ROWS;
use crate::columns::{DELETED, HELD, Word, from_column, from_json, moment, salesforce_id, status};
use crate::engine::on_engine;
use crate::error::unexpected;
use crate::schema::{field_history, link, record};
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

    fn apply(&mut self, write: &Write<'_>) -> Result<Vec<Written>, StoreError> {
        self.port(|session| super::apply::apply(session, write))
    }

    fn history(
        &mut self,
        connection: ConnectionId,
        record: RecordId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        self.port(|session| {
            let link = on_engine!(session, |db| record::table
                .find((connection.0, record.0))
                .select(record::link_id)
                .first::<Option<i64>>(db)
                .optional());
            let Some(link) = session.checked(link)?.flatten() else {
                return Ok(Vec::new());
            };
            let rows = on_engine!(session, |db| field_history::table
                .filter(field_history::connection_id.eq(connection.0))
                .filter(field_history::link_id.eq(link))
                .order(field_history::id.desc())
                .limit(i64::from(limit))
                .select(HistoryRow::as_select())
                .load(db));
            session.checked(rows)?.into_iter().map(HistoryRow::read).collect()
        })
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
                linked: number(all - count(HELD) - count(DELETED))?,
                held: number(count(HELD))?,
                deleted: number(count(DELETED))?,
            })
        })
    }
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
        let rows = on_engine!(session, |db| link::table
            .left_join(
                record::table.on(record::connection_id
                    .eq(link::connection_id)
                    .and(record::id.nullable().eq(link::record_id)))
            )
            .filter(link::connection_id.eq(connection.0))
            .filter(link::mapping_id.eq(mapping.0))
            .filter(link::salesforce_id.eq_any(&ids))
            .select((LinkRow::as_select(), Option::<RecordRow>::as_select()))
            .load::<(LinkRow, Option<RecordRow>)>(db));
        for (link, record) in session.checked(rows)? {
            let link = link.read()?;
            let record = record.map(RecordRow::read).transpose()?;
            if link.record != record.as_ref().map(|record| record.id) {
                return Err(unexpected(format!(
                    "link {} names a record that is not there",
                    link.id
                )));
            }
            found.insert(link.salesforce_id, Linked { link, record });
        }
    }
    Ok(found)
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = link)]
struct LinkRow {
    id: i64,
    salesforce_id: String,
    record_id: Option<i64>,
    status: String,
    held_reason: Option<String>,
    modstamp: i64,
    observed: i64,
    revision: i64,
    plan_revision: i64,
    agreed: String,
}

impl LinkRow {
    fn read(self) -> Result<LinkState, StoreError> {
        Ok(LinkState {
            id: LinkId(self.id),
            salesforce_id: salesforce_id(&self.salesforce_id)?,
            record: self.record_id.map(RecordId),
            status: status(&self.status, self.held_reason.as_deref())?,
            version: SalesforceVersion {
                modstamp: moment(self.modstamp)?,
                observed: moment(self.observed)?,
            },
            revision: self.revision,
            plan: PlanRevision(self.plan_revision),
            agreed: from_json::<Agreed>("agreed pairs", &self.agreed)?,
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
}

impl RecordRow {
    fn read(self) -> Result<RecordState, StoreError> {
        Ok(RecordState {
            id: RecordId(self.id),
            fields: from_json("fields of a record", &self.fields)?,
            owner: self.owner,
            presence: Word::from_word(&self.presence)?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = field_history)]
struct HistoryRow {
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
    fn read(self) -> Result<HistoryEntry, StoreError> {
        let value = |text: Option<String>| {
            text.map(|text| from_json("value in the history", &text))
                .transpose()
        };
        Ok(HistoryEntry {
            field: FieldId(from_column("field", self.field)?),
            at: moment(self.at)?,
            salesforce_before: value(self.salesforce_before)?,
            salesforce_after: value(self.salesforce_after)?,
            partner_before: value(self.partner_before)?,
            partner_after: value(self.partner_after)?,
            cause: from_json("cause of a change", &self.cause)?,
            plan: PlanRevision(self.plan_revision),
            source: from_json("source of a change", &self.source)?,
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = link)]
struct HeldRow {
    id: i64,
    mapping_id: i64,
    salesforce_id: String,
    record_id: Option<i64>,
    status: String,
    held_reason: Option<String>,
    status_since: i64,
}

impl HeldRow {
    fn read(self) -> Result<HeldRecord, StoreError> {
        let LinkStatus::Held { reason } = status(&self.status, self.held_reason.as_deref())? else {
            return Err(unexpected(format!("link {} is not held", self.id)));
        };
        Ok(HeldRecord {
            link: LinkId(self.id),
            mapping: MappingId(self.mapping_id),
            salesforce_id: salesforce_id(&self.salesforce_id)?,
            record: self.record_id.map(RecordId),
            reason,
            since: moment(self.status_since)?,
        })
    }
}
