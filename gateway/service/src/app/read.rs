//! What partners and admins read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use causeway_core::id::{ConnectionId, FieldId, LinkId, Position, RecordId, RunId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::inbox::Backlog;
use causeway_core::ports::links::{HeldRecord, HistoryEntry, LinkCounts};
use causeway_core::ports::logs::{LogEntry, LogFilter};
use causeway_core::ports::records::{RecordFilter, StoredRecord};
use causeway_core::ports::runs::Run;
use causeway_core::ports::{StoreError, Transaction};
use causeway_core::record::FieldValue;

use crate::app::App;

/// Why something cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No mapping has this partner object.
    #[error("there is no object {object:?}; mapped are: {}", known.join(", "))]
    NoSuchObject {
        /// Object asked for.
        object: String,
        /// Partner objects there are.
        known: Vec<String>,
    },
    /// A filter names a field that is not mapped.
    #[error("object {object:?} has no field {field:?}; mapped are: {}", known.join(", "))]
    NoSuchField {
        /// Object.
        object: String,
        /// Field asked for.
        field: String,
        /// Partner fields there are.
        known: Vec<String>,
    },
    /// The store failed.
    #[error("the database could not be read")]
    Store(#[from] StoreError),
}

/// Records with what their references lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordPage {
    /// The records.
    pub records: Vec<StoredRecord>,
    /// What their references lead to.
    pub references: References,
    /// Whether more follow.
    pub more: bool,
}

/// What references lead to: partner records by Salesforce id. A reference to a record that is not here is not in
/// it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References(BTreeMap<SalesforceId, (String, RecordId)>);

impl References {
    /// The partner record behind a Salesforce id: its object and number.
    pub fn find(&self, id: SalesforceId) -> Option<(&str, RecordId)> {
        self.0.get(&id).map(|(object, record)| (object.as_str(), *record))
    }
}

/// An entry of a field's history, with the field's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHistory {
    /// Partner field, `owner` for the owner; `None` for a field that is no longer mapped.
    pub partner_field: Option<String>,
    /// Salesforce field; `None` for a field that is no longer mapped.
    pub salesforce_field: Option<String>,
    /// The entry.
    pub entry: HistoryEntry,
}

/// A held record with the objects of its mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHeld {
    /// Partner object.
    pub partner_object: String,
    /// sObject.
    pub salesforce_object: String,
    /// The record.
    pub held: HeldRecord,
}

/// A mapping in force with what became of its records.
#[derive(Debug, Clone)]
pub struct MappingState {
    /// The plan.
    pub plan: Arc<MappingPlan>,
    /// How many of its links stand where.
    pub links: LinkCounts,
}

/// One record, also a deleted one.
///
/// # Errors
/// [`ReadError`]; an object that is not mapped is one.
pub async fn record(
    app: &App,
    connection: ConnectionId,
    object: &str,
    id: RecordId,
) -> Result<Option<RecordPage>, ReadError> {
    let object = object.to_owned();
    app.store
        .read(move |tx| {
            let plans = tx.plans(connection)?;
            if plan_of(&plans, &object).is_none() {
                return Ok(Err(no_such_object(&plans, &object)));
            }
            let Some(found) = tx.record(connection, &object, id)? else {
                return Ok(Ok(None));
            };
            page(tx, connection, vec![found], 1).map(|page| Ok(Some(page)))
        })
        .await?
}

/// Live and archived records of an object, by number, that meet every filter.
///
/// # Errors
/// [`ReadError`]; an object or a field that is not mapped is one.
pub async fn records(
    app: &App,
    connection: ConnectionId,
    object: &str,
    filter: RecordFilter,
    after: Option<RecordId>,
    limit: u32,
) -> Result<RecordPage, ReadError> {
    let object = object.to_owned();
    app.store
        .scan(move |tx| {
            let plans = tx.plans(connection)?;
            let Some(plan) = plan_of(&plans, &object) else {
                return Ok(Err(no_such_object(&plans, &object)));
            };
            if let Some(error) = unknown_field(plan, &filter) {
                return Ok(Err(error));
            }
            let found = tx.records(connection, &object, &filter, after, limit.saturating_add(1))?;
            page(tx, connection, found, limit).map(Ok)
        })
        .await?
}

/// Records whose latest state was committed after a position, deleted ones too, by position, and the position to
/// read on from. That is past everything that was looked at, also where nothing was found: whoever follows one object
/// does not read the others again and again.
///
/// # Errors
/// [`ReadError`]; an object that is not mapped is one.
pub async fn feed(
    app: &App,
    connection: ConnectionId,
    object: Option<&str>,
    after: Position,
    limit: u32,
) -> Result<(RecordPage, Position), ReadError> {
    let object = object.map(str::to_owned);
    app.store
        .scan(move |tx| {
            if let Some(object) = &object {
                let plans = tx.plans(connection)?;
                if plan_of(&plans, object).is_none() {
                    return Ok(Err(no_such_object(&plans, object)));
                }
            }
            let found = tx.feed(connection, object.as_deref(), after, limit.saturating_add(1))?;
            let page = page(tx, connection, found, limit)?;
            let last = page.records.last().map_or(after, |record| record.position);
            let next = if page.more {
                last
            } else {
                last.max(tx.newest_position(connection)?)
            };
            Ok(Ok((page, next)))
        })
        .await?
}

/// History of a record's fields, newest first. `None` where there is no such record.
///
/// # Errors
/// [`ReadError`]; an object that is not mapped is one.
pub async fn history(
    app: &App,
    connection: ConnectionId,
    object: &str,
    id: RecordId,
    limit: u32,
) -> Result<Option<Vec<NamedHistory>>, ReadError> {
    let object = object.to_owned();
    app.store
        .scan(move |tx| {
            let plans = tx.plans(connection)?;
            let Some(plan) = plan_of(&plans, &object) else {
                return Ok(Err(no_such_object(&plans, &object)));
            };
            if tx.record(connection, &object, id)?.is_none() {
                return Ok(Ok(None));
            }
            let entries = tx.history(connection, id, limit)?;
            let named = entries.into_iter().map(|entry| named(plan, entry)).collect();
            Ok(Ok(Some(named)))
        })
        .await?
}

/// Records that wait for a person, by link, after `after`, and whether more follow.
///
/// # Errors
/// When the store fails.
pub async fn held(
    app: &App,
    connection: ConnectionId,
    after: Option<LinkId>,
    limit: u32,
) -> Result<(Vec<NamedHeld>, bool), StoreError> {
    app.store
        .scan(move |tx| {
            let plans = tx.plans(connection)?;
            let mut found = tx.held(connection, after, limit.saturating_add(1))?;
            let more = cut(&mut found, limit);
            let named = found.into_iter().map(|held| {
                let plan = plans.iter().find(|plan| plan.mapping == held.mapping);
                NamedHeld {
                    partner_object: plan.map(|plan| plan.partner_object.clone()).unwrap_or_default(),
                    salesforce_object: plan
                        .map(|plan| plan.salesforce_object.clone())
                        .unwrap_or_default(),
                    held,
                }
            });
            Ok((named.collect(), more))
        })
        .await
}

/// Log entries, newest first, older than `before`, and whether more follow.
///
/// # Errors
/// When the store fails.
pub async fn logs(
    app: &App,
    connection: ConnectionId,
    filter: LogFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<(Vec<LogEntry>, bool), StoreError> {
    app.store
        .scan(move |tx| {
            let mut found = tx.logs(connection, &filter, before, limit.saturating_add(1))?;
            let more = cut(&mut found, limit);
            Ok((found, more))
        })
        .await
}

/// Sync runs, newest first, older than `before`, and whether more follow.
///
/// # Errors
/// When the store fails.
pub async fn runs(
    app: &App,
    connection: ConnectionId,
    before: Option<RunId>,
    limit: u32,
) -> Result<(Vec<Run>, bool), StoreError> {
    app.store
        .scan(move |tx| {
            let mut found = tx.runs(connection, before, limit.saturating_add(1))?;
            let more = cut(&mut found, limit);
            Ok((found, more))
        })
        .await
}

/// One sync run.
///
/// # Errors
/// When the store fails.
pub async fn run(app: &App, connection: ConnectionId, id: RunId) -> Result<Option<Run>, StoreError> {
    app.store.read(move |tx| tx.run(connection, id)).await
}

/// The mappings in force, with what became of their records.
///
/// # Errors
/// When the store fails.
pub async fn mappings(app: &App, connection: ConnectionId) -> Result<Vec<MappingState>, StoreError> {
    app.store
        .scan(move |tx| {
            let plans = tx.plans(connection)?;
            plans
                .into_iter()
                .map(|plan| {
                    let links = tx.link_counts(connection, plan.mapping)?;
                    Ok(MappingState { plan, links })
                })
                .collect()
        })
        .await
}

/// What waits in the inbox.
///
/// # Errors
/// When the store fails.
pub async fn backlog(app: &App, connection: ConnectionId) -> Result<Backlog, StoreError> {
    app.store.scan(move |tx| tx.backlog(connection)).await
}

/// Cuts what was read beyond the limit, and says whether there was any.
fn cut<T>(found: &mut Vec<T>, limit: u32) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = found.len() > limit;
    found.truncate(limit);
    more
}

fn page(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    mut records: Vec<StoredRecord>,
    limit: u32,
) -> Result<RecordPage, StoreError> {
    let more = cut(&mut records, limit);
    let ids: BTreeSet<SalesforceId> = records
        .iter()
        .flat_map(|record| record.fields.values())
        .filter_map(|value| match value {
            FieldValue::Reference(id) => Some(*id),
            _ => None,
        })
        .collect();
    let mut references = References::default();
    if !ids.is_empty() {
        let ids: Vec<SalesforceId> = ids.into_iter().collect();
        for (id, object, record) in tx.records_behind(connection, &ids)? {
            references.0.entry(id).or_insert((object, record));
        }
    }
    Ok(RecordPage {
        records,
        references,
        more,
    })
}

fn plan_of<'a>(plans: &'a [Arc<MappingPlan>], object: &str) -> Option<&'a MappingPlan> {
    plans
        .iter()
        .find(|plan| plan.partner_object == object)
        .map(|plan| &**plan)
}

fn no_such_object(plans: &[Arc<MappingPlan>], object: &str) -> ReadError {
    ReadError::NoSuchObject {
        object: object.to_owned(),
        known: plans.iter().map(|plan| plan.partner_object.clone()).collect(),
    }
}

fn unknown_field(plan: &MappingPlan, filter: &RecordFilter) -> Option<ReadError> {
    let is_known = |name: &str| plan.fields.iter().any(|field| field.partner == name);
    let (field, _) = filter.fields.iter().find(|(name, _)| !is_known(name))?;
    Some(ReadError::NoSuchField {
        object: plan.partner_object.clone(),
        field: field.clone(),
        known: plan.fields.iter().map(|field| field.partner.clone()).collect(),
    })
}

fn named(plan: &MappingPlan, entry: HistoryEntry) -> NamedHistory {
    if entry.field == FieldId::OWNER {
        return NamedHistory {
            partner_field: Some("owner".to_owned()),
            salesforce_field: Some("OwnerId".to_owned()),
            entry,
        };
    }
    let field = plan.fields.iter().find(|field| field.id == entry.field);
    NamedHistory {
        partner_field: field.map(|field| field.partner.clone()),
        salesforce_field: field.map(|field| field.salesforce.name.clone()),
        entry,
    }
}
