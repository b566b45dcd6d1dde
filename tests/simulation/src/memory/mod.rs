//! A store in memory that keeps the ports' contracts to the letter.
//!
//! A unit runs on tables that are shared until they are written (copy on write), so undoing a unit that failed is
//! putting the old tables back.

mod activity;
mod calls;
mod connections;
mod inbox;
mod leases;
mod links;
mod marks;
mod outbox;
mod packages;
mod pages;
mod records;
mod runs;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::activity::Hour;
use causeway_core::decide::{Identity, LinkState, RecordState};
use causeway_core::id::{
    ConnectionId, InboxId, LinkId, MappingId, PlanRevision, Position, RecordId, RunId, SalesforceId, TenantId,
};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::connections::{Client, Connection, PartnerUser};
use causeway_core::ports::embeds::{EmbedCode, EmbedTemplate};
use causeway_core::ports::inbox::{IdempotencyKey, PendingChange, SavedAnswer};
use causeway_core::ports::links::HistoryEntry;
use causeway_core::ports::logs::LogEntry;
use causeway_core::ports::marks::Marking;
use causeway_core::ports::packages::{PackageReport, Pairing};
use causeway_core::ports::people::KnownUser;
use causeway_core::ports::runs::{Run, Watermark};
use causeway_core::ports::settings::AdminSettings;
use causeway_core::ports::{Lane, StoreError, Transaction};

/// The store.
#[derive(Debug, Default)]
pub struct Memory {
    tables: Tables,
    work: Work,
}

/// How much was asked of the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Links, identities and positions that were looked up.
    pub looked_up: usize,
    /// Effects in the largest write.
    pub largest_write: usize,
}

#[derive(Debug, Clone, Default)]
struct Tables {
    tenants: Arc<BTreeMap<String, TenantId>>,
    spaces: BTreeMap<ConnectionId, Arc<Space>>,
    answers: Arc<BTreeMap<(String, String, String), SavedAnswer>>,
    /// Pairing codes by hash, and whether they were used.
    pairings: Arc<BTreeMap<String, (Pairing, bool)>>,
    /// Codes of pages by hash, and whether they were used.
    embed_codes: Arc<BTreeMap<String, (EmbedCode, bool)>>,
}

/// Everything of one connection.
#[derive(Debug, Clone)]
struct Space {
    connection: Arc<Connection>,
    clients: Arc<BTreeMap<String, Client>>,
    users: Arc<BTreeMap<String, PartnerUser>>,
    plans: Arc<BTreeMap<MappingId, Vec<PlanRow>>>,
    links: Arc<BTreeMap<LinkId, Arc<LinkRow>>>,
    by_salesforce: Arc<BTreeMap<(MappingId, SalesforceId), LinkId>>,
    records: Arc<BTreeMap<RecordId, Arc<RecordRow>>>,
    identities: Arc<BTreeMap<(MappingId, Identity), LinkId>>,
    history: Arc<Vec<Arc<HistoryEntry>>>,
    logs: Arc<Vec<Arc<LogEntry>>>,
    inbox: Arc<BTreeMap<InboxId, Arc<PendingChange>>>,
    heads: Arc<BTreeMap<(String, SalesforceId), Head>>,
    outbox: Arc<BTreeMap<LinkId, OutgoingHead>>,
    calls: Arc<BTreeMap<i64, u64>>,
    runs: Arc<BTreeMap<RunId, Run>>,
    seen: Arc<BTreeMap<(RunId, MappingId, SalesforceId), ()>>,
    watermarks: Arc<BTreeMap<(MappingId, Watermark), Instant>>,
    markings: Arc<BTreeMap<(MappingId, String), Marking>>,
    leases: Arc<BTreeMap<String, LeaseRow>>,
    report: Option<PackageReport>,
    people: Arc<BTreeMap<SalesforceId, KnownUser>>,
    templates: Arc<BTreeMap<(String, Option<String>), EmbedTemplate>>,
    settings: AdminSettings,
    activity: Arc<BTreeMap<i64, Hour>>,
    numbers: Numbers,
}

#[derive(Debug, Clone)]
struct PlanRow {
    plan: Arc<MappingPlan>,
    document: String,
}

#[derive(Debug, Clone)]
struct LinkRow {
    mapping: MappingId,
    state: LinkState,
    since: Instant,
}

#[derive(Debug, Clone)]
struct RecordRow {
    object: String,
    link: LinkId,
    state: RecordState,
    position: Position,
    created_at: Instant,
    updated_at: Instant,
}

#[derive(Debug, Clone)]
struct Head {
    lane: Lane,
    ready_at: Instant,
    worker: Option<String>,
    fence: i64,
    attempts: u32,
    abandoned: u32,
}

#[derive(Debug, Clone)]
struct OutgoingHead {
    mapping: MappingId,
    head: Head,
}

#[derive(Debug, Clone)]
struct LeaseRow {
    owner: String,
    until: Instant,
    fence: i64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Numbers {
    link: i64,
    record: i64,
    position: i64,
    inbox: i64,
    history: i64,
    log: i64,
    run: i64,
    mapping: i64,
}

impl Memory {
    /// Runs a unit. Its writes stay only if it succeeds.
    ///
    /// # Errors
    /// The unit's own.
    pub fn unit<T>(
        &mut self,
        unit: impl FnOnce(&mut dyn Transaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let before = self.tables.clone();
        let result = unit(self);
        if result.is_err() {
            self.tables = before;
        }
        result
    }

    /// A copy of all that is stored, to look back at.
    pub fn copy(&self) -> Memory {
        Memory {
            tables: self.tables.clone(),
            work: self.work,
        }
    }

    /// How much was asked of the store since the last call.
    pub fn take_work(&mut self) -> Work {
        std::mem::take(&mut self.work)
    }

    fn space(&self, connection: ConnectionId) -> Option<&Space> {
        self.tables.spaces.get(&connection).map(Arc::as_ref)
    }

    fn space_mut(&mut self, connection: ConnectionId) -> Result<&mut Space, StoreError> {
        self.tables
            .spaces
            .get_mut(&connection)
            .map(Arc::make_mut)
            .ok_or_else(|| corrupt(format!("there is no connection {connection}")))
    }
}

impl Transaction for Memory {}

impl Head {
    fn new(lane: Lane, ready_at: Instant) -> Head {
        Head {
            lane,
            ready_at,
            worker: None,
            fence: 0,
            attempts: 0,
            abandoned: 0,
        }
    }

    /// Takes the head for a worker. A holder that never ended its claim is counted.
    fn claim(&mut self, worker: &str, now: Instant, lease_until: Instant) {
        if self.worker.is_some() {
            self.attempts += 1;
            self.abandoned += 1;
        }
        self.worker = Some(worker.to_owned());
        self.fence = now.timestamp_micros().max(self.fence + 1);
        self.ready_at = lease_until;
    }

    fn is_held_under(&self, fence: i64) -> bool {
        self.worker.is_some() && self.fence == fence
    }

    fn give_back(&mut self, ready_at: Instant) {
        self.worker = None;
        self.ready_at = ready_at;
    }

    /// More work came for it. Who holds it keeps it.
    fn ready(&mut self, lane: Lane, at: Instant) {
        self.lane = self.lane.min(lane);
        if self.worker.is_none() {
            self.ready_at = self.ready_at.min(at);
        }
    }

    /// A claim whose process is known to be gone.
    fn free(&mut self) {
        self.worker = None;
        self.ready_at = Instant::UNIX_EPOCH;
        self.attempts += 1;
        self.abandoned += 1;
    }
}

fn conflict(what: impl Into<String>) -> StoreError {
    StoreError::Conflict { what: what.into() }
}

fn corrupt(detail: impl Into<String>) -> StoreError {
    StoreError::Corrupt {
        detail: detail.into(),
    }
}

fn answer_key(key: &IdempotencyKey) -> (String, String, String) {
    (key.client.clone(), key.route.clone(), key.key.clone())
}

fn next(number: &mut i64) -> i64 {
    *number += 1;
    *number
}

fn revision(plan: &MappingPlan) -> PlanRevision {
    plan.revision
}
