//! What partners and admins read.

pub mod panel;
mod references;

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::budget;
use causeway_core::decide::{HeldReason, LinkState, LinkStatus, Presence};
use causeway_core::id::{ConnectionId, FieldId, LinkId, Position, RecordId, RunId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::inbox::Backlog;
use causeway_core::ports::links::{HeldRecord, HistoryEntry, LinkCounts};
use causeway_core::ports::logs::{LogEntry, LogFilter};
use causeway_core::ports::outbox::OutgoingBacklog;
use causeway_core::ports::records::{RecordFilter, StoredRecord};
use causeway_core::ports::runs::{Run, RunFilter};
use causeway_core::ports::{StoreError, Transaction};

use crate::app::App;

pub use references::References;

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

/// A record and how it stands with Salesforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordStanding {
    /// The record alone, with what its references lead to.
    pub page: RecordPage,
    /// How it stands.
    pub standing: Standing,
}

/// How a record stands with Salesforce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is on its way to Salesforce.
    UpToDate,
    /// Something is on its way to Salesforce, or its outcome is not known yet.
    WaitingForSalesforce,
    /// A person has to act.
    Held {
        /// The link, by which the decision is sent.
        link: LinkId,
        /// Why, and what to do.
        reason: HeldReason,
    },
    /// The link has ended; the record is the partner's alone.
    Unlinked,
}

/// What waits on both ways, and what may still be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// News from Salesforce that waits to be decided.
    pub inbox: Backlog,
    /// Records that wait to be looked at for Salesforce.
    pub outbox: OutgoingBacklog,
    /// Salesforce calls spent in the last 24 hours.
    pub calls_spent: u64,
    /// Salesforce calls that may be spent in 24 hours.
    pub calls_cap: u64,
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

impl NamedHistory {
    /// The partner field; a field that is no longer mapped goes by `#` and its number.
    pub fn field_name(&self) -> String {
        self.partner_field
            .clone()
            .unwrap_or_else(|| format!("#{}", self.entry.field.0))
    }
}

/// A held record with its mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedHeld {
    /// The plan in force; `None` where nothing maps the record any more.
    pub plan: Option<Arc<MappingPlan>>,
    /// The record.
    pub held: HeldRecord,
}

impl NamedHeld {
    /// The partner object; empty where nothing maps the record any more.
    pub fn partner_object(&self) -> &str {
        self.plan.as_ref().map_or("", |plan| &plan.partner_object)
    }

    /// The partner field of a Salesforce field.
    pub fn partner_field(&self, salesforce_field: &str) -> Option<String> {
        self.plan
            .iter()
            .flat_map(|plan| &plan.fields)
            .find(|field| field.salesforce.name == salesforce_field)
            .map(|field| field.partner.clone())
    }
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
) -> Result<Option<RecordStanding>, ReadError> {
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
            let linked = tx.links_of(connection, &[id])?.remove(&id);
            let standing = linked.map_or(Standing::UpToDate, |linked| standing(linked.link, found.presence));
            let page = page(tx, connection, vec![found], 1)?;
            Ok(Ok(Some(RecordStanding { page, standing })))
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
            let named = entries
                .into_iter()
                .map(|entry| named(Some(plan), entry))
                .collect();
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
            let named = found.into_iter().map(|held| NamedHeld {
                plan: plans.iter().find(|plan| plan.mapping == held.mapping).cloned(),
                held,
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

/// Sync runs that meet the filter, newest first, older than `before`, and whether more follow.
///
/// # Errors
/// When the store fails.
pub async fn runs(
    app: &App,
    connection: ConnectionId,
    filter: RunFilter,
    before: Option<RunId>,
    limit: u32,
) -> Result<(Vec<Run>, bool), StoreError> {
    app.store
        .scan(move |tx| {
            let mut found = tx.runs(connection, filter, before, limit.saturating_add(1))?;
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

/// What waits on both ways, and what of the Salesforce calls is spent.
///
/// # Errors
/// When the store fails.
pub async fn waiting(app: &App, connection: &Connection) -> Result<Waiting, StoreError> {
    let now = app.clock.now();
    let connection = connection.clone();
    app.store.scan(move |tx| waits(tx, &connection, now)).await
}

/// As [`waiting`], inside a unit.
pub(super) fn waits(
    tx: &mut dyn Transaction,
    connection: &Connection,
    now: Instant,
) -> Result<Waiting, StoreError> {
    Ok(Waiting {
        inbox: tx.backlog(connection.id)?,
        outbox: tx.outgoing_backlog(connection.id)?,
        calls_spent: tx.calls_spent(connection.id, now)?,
        calls_cap: budget::cap(connection.daily_calls, connection.daily_allowance),
    })
}

/// Cuts what was read beyond the limit, and says whether there was any.
pub(super) fn cut<T>(found: &mut Vec<T>, limit: u32) -> bool {
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
    let references = References::of(tx, connection, &records)?;
    Ok(RecordPage {
        records,
        references,
        more,
    })
}

fn standing(link: LinkState, presence: Presence) -> Standing {
    let moving = link.outgoing.pending || link.outgoing.in_flight.is_some();
    match link.status {
        LinkStatus::Held { reason } => Standing::Held {
            link: link.id,
            reason,
        },
        LinkStatus::Creating => Standing::WaitingForSalesforce,
        LinkStatus::Deleted | LinkStatus::Unlinked if presence == Presence::Live => Standing::Unlinked,
        _ if moving => Standing::WaitingForSalesforce,
        _ => Standing::UpToDate,
    }
}

/// The plan in force for a partner object.
pub(super) fn plan_of<'a>(plans: &'a [Arc<MappingPlan>], object: &str) -> Option<&'a MappingPlan> {
    plans
        .iter()
        .find(|plan| plan.partner_object == object)
        .map(|plan| &**plan)
}

pub(super) fn no_such_object(plans: &[Arc<MappingPlan>], object: &str) -> ReadError {
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

/// An entry with the names that its field has in the plan in force.
pub(super) fn named(plan: Option<&MappingPlan>, entry: HistoryEntry) -> NamedHistory {
    if entry.field == FieldId::OWNER {
        return NamedHistory {
            partner_field: Some("owner".to_owned()),
            salesforce_field: Some("OwnerId".to_owned()),
            entry,
        };
    }
    let field = plan.and_then(|plan| plan.field(entry.field));
    NamedHistory {
        partner_field: field.map(|field| field.partner.clone()),
        salesforce_field: field.map(|field| field.salesforce.name.clone()),
        entry,
    }
}
