//! A Salesforce org as far as a sync can be hurt by one.

pub mod capture;
pub mod ingest;
pub mod life;
pub mod normal;
pub mod read;
pub mod row;
pub mod save;
pub mod schema;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use chrono::{DateTime, TimeDelta};

use crate::org::capture::Capture;
use crate::org::row::{Actor, Edit, Row, Values};
use crate::org::schema::Object;

/// What the org's automation does, fixed for a history.
#[derive(Debug, Clone, Copy, Default)]
pub struct Automation {
    /// Phones are brought into one form.
    pub formats_phones: bool,
    /// A Flow before each save writes titles in capitals.
    pub capitalises_titles: bool,
    /// A Flow before each save fills an empty level.
    pub defaults_level: bool,
    /// A Flow after each save, as another user, appends to titles that lack it.
    pub robot_marks_titles: bool,
}

/// The org.
#[derive(Debug)]
pub struct Org {
    rows: BTreeMap<SalesforceId, Row>,
    /// Everything that ever happened to a value.
    pub journal: Vec<Edit>,
    /// What triggers wrote down and the pump has not sent yet.
    pub captured: VecDeque<Capture>,
    open: Vec<OpenTransaction>,
    jobs: BTreeMap<String, ingest::Job>,
    /// Results of query jobs.
    queries: BTreeMap<String, Vec<read::Record>>,
    robots: Vec<(Instant, SalesforceId)>,
    locked: BTreeMap<SalesforceId, Instant>,
    /// Automation.
    pub automation: Automation,
    /// Ids given so far.
    serial: u64,
    now: Instant,
    /// When each API call was made.
    calls: VecDeque<Instant>,
    /// API calls made in all.
    pub calls_made: u64,
    /// Calls that the org allows in 24 hours.
    pub allowance: u64,
    /// Records made by the gateway.
    pub made: Vec<Made>,
    /// Records deleted by the gateway.
    pub gateway_deletes: usize,
    /// Since when each record lives, or lived.
    lives: BTreeMap<SalesforceId, Instant>,
    /// When somebody other than the gateway last saved each record.
    touched: BTreeMap<SalesforceId, Instant>,
    /// Records that came back from the bin.
    back: BTreeSet<SalesforceId>,
}

/// A record that the gateway made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// External id that it was made under, or would have been.
    pub external: String,
    /// The record.
    pub id: SalesforceId,
    /// When.
    pub at: Instant,
    /// When the gateway had looked whether there is such a record.
    pub read_at: Option<Instant>,
    /// Whether it carries no external id.
    pub unmarked: bool,
}

/// A transaction that has a stamp already, but is not committed.
#[derive(Debug, Clone)]
struct OpenTransaction {
    commits_at: Instant,
    stamp: Instant,
    row: SalesforceId,
    values: Values,
}

/// Why a row was not saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `statusCode`.
    pub code: &'static str,
    /// Words.
    pub message: String,
    /// Fields.
    pub fields: Vec<String>,
}

/// The gateway's user.
pub const GATEWAY_USER: &str = "005000000000009";
/// Users that people are.
pub const USERS: [&str; 3] = ["005000000000001", "005000000000002", "005000000000003"];

/// An id of this module's own making, which always parses.
pub fn id(text: &str) -> SalesforceId {
    match SalesforceId::parse(text) {
        Ok(id) => id,
        Err(_) => id("005000000000000"),
    }
}

impl Org {
    /// An empty org.
    pub fn new(now: Instant, automation: Automation, allowance: u64) -> Org {
        Org {
            rows: BTreeMap::new(),
            journal: Vec::new(),
            captured: VecDeque::new(),
            open: Vec::new(),
            jobs: BTreeMap::new(),
            queries: BTreeMap::new(),
            robots: Vec::new(),
            locked: BTreeMap::new(),
            automation,
            serial: 0,
            now,
            calls: VecDeque::new(),
            calls_made: 0,
            allowance,
            made: Vec::new(),
            gateway_deletes: 0,
            lives: BTreeMap::new(),
            back: BTreeSet::new(),
            touched: BTreeMap::new(),
        }
    }

    /// Lets time pass: open transactions commit, robots run, jobs go on.
    pub fn pass_to(&mut self, now: Instant) {
        self.now = now;
        self.locked.retain(|_, until| *until > now);
        let (due, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|transaction| transaction.commits_at <= now);
        self.open = open;
        for transaction in due {
            self.commit(transaction);
        }
        let (due, robots): (Vec<_>, Vec<_>) = std::mem::take(&mut self.robots)
            .into_iter()
            .partition(|(at, _)| *at <= now);
        self.robots = robots;
        for (_, row) in due {
            self.run_robot(row);
        }
        self.run_jobs();
    }

    /// Now, as the org stamps it.
    pub fn stamp(&self) -> Instant {
        millis(self.now)
    }

    /// The moment that its answers carry in their `Date` header.
    pub fn date(&self) -> Instant {
        DateTime::from_timestamp(self.now.timestamp(), 0).unwrap_or(self.now)
    }

    /// A record, also a deleted one.
    pub fn row(&self, id: SalesforceId) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// Since when a record lives.
    pub fn lives_since(&self, id: SalesforceId) -> Option<Instant> {
        self.lives.get(&id).copied()
    }

    /// The stamp of the last save of a record by anybody but the gateway.
    pub fn touched(&self, id: SalesforceId) -> Option<Instant> {
        self.touched.get(&id).copied()
    }

    /// Whether a record was ever brought back from the bin.
    pub fn came_back(&self, id: SalesforceId) -> bool {
        self.back.contains(&id)
    }

    /// All records, also deleted ones.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.values()
    }

    /// Live records of an object.
    pub fn live(&self, object: Object) -> Vec<SalesforceId> {
        let rows = self.rows.values();
        let live = rows.filter(|row| row.object == object && row.is_live() && row.converted.is_none());
        live.map(|row| row.id).collect()
    }

    /// Whether something still happens by itself.
    pub fn is_busy(&self) -> bool {
        !self.open.is_empty() || !self.robots.is_empty() || self.has_running_jobs()
    }

    /// Locks a record for a while, as a long transaction of somebody else would.
    pub fn lock(&mut self, row: SalesforceId, for_seconds: i64) {
        self.locked
            .insert(row, self.now + TimeDelta::seconds(for_seconds));
    }

    /// Whether a record, or its parent, is locked.
    fn is_locked(&self, row: &Row) -> bool {
        let held = |id: &SalesforceId| {
            self.locked.contains_key(id) || self.open.iter().any(|transaction| transaction.row == *id)
        };
        held(&row.id) || row.parent().is_some_and(|parent| held(&parent))
    }

    /// Counts an API call. False: the org's own limit is used up.
    pub fn call(&mut self) -> bool {
        self.forget_old_calls();
        if self.spent() >= self.allowance {
            return false;
        }
        self.calls.push_back(self.now);
        self.calls_made += 1;
        true
    }

    /// Calls of the last 24 hours.
    pub fn spent(&self) -> u64 {
        let since = self.now - TimeDelta::hours(24);
        let recent = self.calls.iter().filter(|at| **at > since).count();
        u64::try_from(recent).unwrap_or(u64::MAX)
    }

    fn forget_old_calls(&mut self) {
        let since = self.now - TimeDelta::hours(24);
        while self.calls.front().is_some_and(|at| *at <= since) {
            self.calls.pop_front();
        }
    }

    fn new_id(&mut self, prefix: &str) -> SalesforceId {
        self.serial += 1;
        id(&format!("{prefix}{:012}", self.serial))
    }

    fn actor_user(actor: Actor) -> &'static str {
        match actor {
            Actor::Human => "005000000000001",
            Actor::Robot => "005000000000008",
            Actor::Gateway => GATEWAY_USER,
        }
    }
}

/// Salesforce stamps have milliseconds.
pub fn millis(at: Instant) -> Instant {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}
