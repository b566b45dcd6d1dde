//! Sync runs, their checkpoints and watermarks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::decide::Outcome;
use crate::id::{ConnectionId, MappingId, PlanRevision, RunId, SalesforceId};
use crate::ports::StoreError;

/// Sync runs.
pub trait Runs {
    /// Makes a run in state [`RunState::Queued`] with one part for each mapping, in the order given. While a run
    /// of the same kind is queued or running, that one is returned instead.
    fn start_run(
        &mut self,
        connection: ConnectionId,
        kind: RunKind,
        mappings: &[MappingId],
        at: Instant,
    ) -> Result<RunId, StoreError>;

    /// A run with its parts.
    fn run(&mut self, connection: ConnectionId, id: RunId) -> Result<Option<Run>, StoreError>;

    /// Runs that meet the filter, newest first, older than `before`.
    fn runs(
        &mut self,
        connection: ConnectionId,
        filter: RunFilter,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, StoreError>;

    /// Unfinished runs over all connections, oldest first.
    fn unfinished_runs(&mut self) -> Result<Vec<(ConnectionId, RunId)>, StoreError>;

    /// Writes a part: its state, checkpoint and counts. Commits together with the page that it speaks of.
    fn save_part(&mut self, connection: ConnectionId, run: RunId, part: &RunPart) -> Result<(), StoreError>;

    /// Moves a run to a state. `error` is what a person reads when it failed.
    fn set_run_state(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        state: RunState,
        error: Option<&str>,
        at: Instant,
    ) -> Result<(), StoreError>;

    /// Notes how fast a run gets on.
    fn set_run_pace(&mut self, connection: ConnectionId, run: RunId, pace: Pace) -> Result<(), StoreError>;

    /// Where the next instant sync of a mapping starts.
    fn watermark(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        of: Watermark,
    ) -> Result<Option<Instant>, StoreError>;

    /// Moves a mapping's watermark forward; an earlier moment changes nothing.
    fn raise_watermark(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        of: Watermark,
        to: Instant,
    ) -> Result<(), StoreError>;

    /// Notes records that a reconcile saw in Salesforce. Noting one twice is noting it once.
    fn note_seen(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
        ids: &[SalesforceId],
    ) -> Result<(), StoreError>;

    /// How many records a reconcile noted.
    fn seen_count(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
    ) -> Result<u64, StoreError>;

    /// Salesforce records of a mapping's links that a reconcile did not see though the link takes them for present,
    /// by id, after `after`. Links whose newest version is later than `before` are left out: they were made or
    /// changed after the reconcile began to look.
    fn unseen(
        &mut self,
        connection: ConnectionId,
        run: RunId,
        mapping: MappingId,
        before: Instant,
        after: Option<SalesforceId>,
        limit: u32,
    ) -> Result<Vec<SalesforceId>, StoreError>;

    /// Forgets up to `limit` of what a reconcile saw; answers how many were forgotten.
    fn forget_seen(&mut self, connection: ConnectionId, run: RunId, limit: u32) -> Result<u64, StoreError>;
}

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunKind {
    /// Everything.
    Initial,
    /// What changed since the watermark.
    Instant,
    /// Everything, and what is missing: counts and ids of both sides are compared, and what differs is mended.
    Reconcile,
}

/// What a watermark speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Watermark {
    /// Creates and updates, by SystemModstamp.
    Changes,
    /// Deletes.
    Deletes,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RunState {
    /// Waits for a worker.
    Queued,
    /// Being worked on, or to be taken up again after a crash.
    Running,
    /// Done.
    Completed,
    /// Ended by an error that a person has to see to.
    Failed,
    /// To be ended by whoever works on it, or takes it up: a person asked for that.
    Cancelling,
    /// Ended since a person asked for that. What was applied stays.
    Cancelled,
}

impl RunState {
    /// Every state.
    pub const ALL: [RunState; 6] = [
        RunState::Queued,
        RunState::Running,
        RunState::Completed,
        RunState::Failed,
        RunState::Cancelling,
        RunState::Cancelled,
    ];

    /// Whether the run has not ended.
    pub fn is_unfinished(self) -> bool {
        match self {
            RunState::Queued | RunState::Running | RunState::Cancelling => true,
            RunState::Completed | RunState::Failed | RunState::Cancelled => false,
        }
    }
}

/// Which runs are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this kind alone.
    pub kind: Option<RunKind>,
    /// In this state alone.
    pub state: Option<RunState>,
}

/// How fast a run got on of late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Rows in a second.
    pub per_second: u64,
    /// When that was.
    pub at: Instant,
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Number.
    pub id: RunId,
    /// Connection.
    pub connection: ConnectionId,
    /// Kind.
    pub kind: RunKind,
    /// State.
    pub state: RunState,
    /// What a person reads when it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: Instant,
    /// When it ended.
    pub finished_at: Option<Instant>,
    /// How fast it got on of late; none before its second batch.
    pub pace: Option<Pace>,
    /// One for each mapping, in the order in which they run.
    pub parts: Vec<RunPart>,
}

/// A run's work on one mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPart {
    /// Mapping.
    pub mapping: MappingId,
    /// How far it is.
    pub progress: PartProgress,
    /// Rows read in all, counted once.
    pub rows: u64,
    /// Rows that Salesforce says there are; known once the query is done.
    pub expected: Option<u64>,
    /// What the rows amounted to. The values add up to `rows` together with `dropped`.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Rows that changed nothing: older than, or the same as, what was held.
    pub dropped: u64,
}

/// How far a part is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "at")]
pub enum PartProgress {
    /// Nothing was asked of Salesforce yet.
    Waiting,
    /// A query job runs or its results are being read.
    Reading {
        /// The Bulk query job.
        job: String,
        /// The plan that the job was made under and its rows are decided by. Under another one the part starts over:
        /// rows decided before would lack what the new plan moves.
        plan: PlanRevision,
        /// Salesforce's clock before the job was made: the watermark, and the lower bound of every reading.
        watermark: Instant,
        /// Locator of the page being read; `None` for the first.
        locator: Option<String>,
        /// Rows of that page that are applied already.
        row: u64,
    },
    /// What changed is read page by page.
    Polling {
        /// The plan decided by.
        plan: PlanRevision,
        /// Salesforce's clock before the first page: the next watermark is an overlap before it.
        until: Instant,
        /// Last record applied, by (SystemModstamp, Id); none before the first page.
        after: Option<(Instant, SalesforceId)>,
    },
    /// What was deleted is read page by page.
    PollingDeletes {
        /// The plan decided by.
        plan: PlanRevision,
        /// As in `Polling`.
        until: Instant,
        /// As in `Polling`.
        after: Option<(Instant, SalesforceId)>,
    },
    /// Links that Salesforce did not show are looked up one by one.
    Comparing {
        /// The plan decided by.
        plan: PlanRevision,
        /// Salesforce's clock before the job was made.
        watermark: Instant,
        /// The last looked up.
        after: Option<SalesforceId>,
    },
    /// All rows are applied; linked records that do not carry the partner record's id are given it.
    Marking {
        /// Records that were given it.
        marked: u64,
    },
    /// All rows are applied, and what is to be marked is.
    Done,
}
