//! Batches: what a client sends at once, and what becomes of it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{ContentType, Job, Serials, Work, json};
use crate::bulk::csv::{Delimiter, Format, LineEnding};
use crate::bulk::ingest::columns::Columns;
use crate::bulk::ingest::upload::Upload;
use crate::bulk::ingest::{self, CHUNK_ROWS};
use crate::bulk::query::{self, Unqueryable};
use crate::bulk::results::Results;
use crate::bulk::{ProcessingTime, chunk};
use crate::data::{Operation, Outcome, SaveError};
use crate::id::RecordId;
use crate::limits::Allocation;
use crate::org::Org;
use crate::soql::{Plan, Scope, Setting, run};

/// Most rows of a batch.
const MAX_ROWS: usize = 10_000;

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the `state` of the same name in Salesforce's guide"
)]
pub enum BatchState {
    Queued,
    InProgress,
    Completed,
    Failed,
    NotProcessed,
}

impl BatchState {
    /// The `state` of a batch.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::NotProcessed => "NotProcessed",
        }
    }

    pub(super) fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::InProgress)
    }
}

/// What became of one row.
#[derive(Clone, Debug)]
pub enum RowResult {
    /// It was written.
    Saved {
        /// The record.
        id: RecordId,
        /// Whether it is new.
        created: bool,
    },
    /// It was refused.
    Refused(Vec<SaveError>),
}

/// What a batch has come to.
#[derive(Clone, Debug)]
pub enum Findings {
    /// The rows that were processed so far, in the order of the batch.
    Rows(Arc<Vec<RowResult>>),
    /// The rows of a query, and the id of their result.
    Query(RecordId, Arc<Results>),
}

/// A batch as it stands at one moment.
#[derive(Clone, Debug)]
pub struct BatchInfo {
    /// Its id.
    pub id: RecordId,
    /// Its job.
    pub job: RecordId,
    /// Where it stands.
    pub state: BatchState,
    /// Why it failed.
    pub message: Option<String>,
    /// When it was added.
    pub created: DateTime<Utc>,
    /// When its state last changed.
    pub changed: DateTime<Utc>,
    /// How long it was processed.
    pub milliseconds: i64,
    /// What was sent.
    pub request: Bytes,
    /// What it has come to, from the time when it was begun.
    pub findings: Option<Findings>,
}

/// A batch and what is left to do of it.
#[derive(Debug)]
pub(super) struct Batch {
    pub info: BatchInfo,
    setting: Setting,
    /// The ids of a PK chunk.
    ids: Option<Range<RecordId>>,
    began: DateTime<Utc>,
    chunks: usize,
    written: usize,
    pending: VecDeque<Result<Operation, SaveError>>,
}

impl BatchInfo {
    /// How many records were processed.
    #[must_use]
    pub fn records_processed(&self) -> usize {
        match (&self.findings, self.state) {
            (Some(Findings::Rows(rows)), _) => rows.len(),
            (Some(Findings::Query(_, results)), BatchState::Completed) => results.rows.len(),
            _ => 0,
        }
    }

    /// How many of them were refused.
    #[must_use]
    pub fn records_failed(&self) -> usize {
        match &self.findings {
            Some(Findings::Rows(rows)) => {
                let refused = |row: &&RowResult| matches!(row, RowResult::Refused(_));
                rows.iter().filter(refused).count()
            }
            _ => 0,
        }
    }
}

impl Batch {
    pub fn new(id: RecordId, job: RecordId, request: Bytes, setting: Setting) -> Self {
        Self {
            info: BatchInfo {
                id,
                job,
                state: BatchState::Queued,
                message: None,
                created: setting.now,
                changed: setting.now,
                milliseconds: 0,
                request,
                findings: None,
            },
            setting,
            ids: None,
            began: setting.now,
            chunks: 1,
            written: 0,
            pending: VecDeque::new(),
        }
    }

    /// When the next step is due; it does not begin before a moment.
    pub fn due(&self, processing: &ProcessingTime, not_before: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.info.state {
            BatchState::Queued => self
                .info
                .created
                .max(not_before)
                .checked_add_signed(processing.waiting),
            BatchState::InProgress => {
                chunk::edge(self.began, processing.running, self.written + 1, self.chunks)
            }
            BatchState::Completed | BatchState::Failed | BatchState::NotProcessed => None,
        }
    }

    /// Leaves a batch that waits as it is.
    pub fn give_up(&mut self, at: DateTime<Utc>) {
        if self.info.state == BatchState::Queued {
            self.enter(BatchState::NotProcessed, at);
        }
    }

    /// Takes the step that is due; the batches are those that this one is cut into.
    pub fn proceed(
        &mut self,
        at: DateTime<Utc>,
        job: &Job,
        org: &Org,
        serials: &mut Serials,
        next_failure: &mut Option<String>,
    ) -> Vec<Self> {
        if self.info.state == BatchState::InProgress {
            self.write_chunk(at, job, org);
            return Vec::new();
        }
        self.began = at;
        if let Some(message) = next_failure.take() {
            self.fail(at, message);
            return Vec::new();
        }
        let begun = match &job.order.work {
            Work::Ingest(order) => self.begin_writing(order, job.order.content_type, at, org),
            Work::Query(scope) => match self.plan(job, org) {
                Ok(plan) => match self.chunks_of(job, org, serials, at) {
                    Some(chunks) => {
                        self.enter(BatchState::NotProcessed, at);
                        return chunks;
                    }
                    None => self.begin_query(plan, *scope, at, org, serials),
                },
                Err(message) => Err(message),
            },
        };
        if let Err(message) = begun {
            self.fail(at, message);
        }
        Vec::new()
    }

    fn begin_writing(
        &mut self,
        order: &ingest::Order,
        content_type: ContentType,
        at: DateTime<Utc>,
        org: &Org,
    ) -> Result<(), String> {
        let access = org.access_of(order.user);
        let schema = access.schema();
        let operations: VecDeque<_> = match content_type {
            ContentType::Csv => {
                let upload = Upload::read(&self.info.request, format_of(&self.info.request))?;
                let columns = Columns::read(&upload.header, order, schema)?;
                let rows = upload.rows.iter();
                rows.map(|row| columns.operation(row, order).0).collect()
            }
            ContentType::Json => json::operations(&self.info.request, order, schema)?.into(),
        };
        if operations.len() > MAX_ROWS {
            return Err(format!(
                "InvalidBatch : Exceeded number of records: {}. Number of records should be less than or equal to \
                 {MAX_ROWS}",
                operations.len()
            ));
        }
        self.chunks = operations.len().div_ceil(CHUNK_ROWS).max(1);
        self.pending = operations;
        self.info.findings = Some(Findings::Rows(Arc::default()));
        self.enter(BatchState::InProgress, at);
        Ok(())
    }

    fn plan(&self, job: &Job, org: &Org) -> Result<Plan, String> {
        let text = std::str::from_utf8(&self.info.request)
            .map_err(|error| format!("InvalidBatch : The query is not UTF-8: {error}"))?;
        let plan = query::plan(text.trim(), &self.setting, org.access_of(job.order.user).schema())
            .map_err(refused)?;
        if plan.object.name != job.order.object.name {
            return Err(format!(
                "InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested \
                 query ({}) does not match the entity of the requested Bulk API Job ({}).",
                plan.object.name, job.order.object.name
            ));
        }
        Ok(plan)
    }

    /// The chunks that PK chunking makes of this batch, each of which counts against the daily batches.
    fn chunks_of(&self, job: &Job, org: &Org, serials: &mut Serials, at: DateTime<Utc>) -> Option<Vec<Self>> {
        let chunking = job.order.pk_chunking.as_ref().filter(|_| self.ids.is_none())?;
        let text = std::str::from_utf8(&self.info.request).ok()?;
        if !query::is_divisible(text.trim()) {
            return None;
        }
        let ranges = chunking.ranges(&job.order.object, &org.read());
        let mut chunk = |ids| {
            let mut batch = Self::new(
                serials.batch()?,
                self.info.job,
                self.info.request.clone(),
                self.setting,
            );
            batch.info.created = at;
            batch.info.changed = at;
            batch.ids = Some(ids);
            if org.limits.spend(Allocation::DailyBulkApiBatches, 1, at).is_err() {
                batch.fail(at, "ExceededQuota : ApiBatchItems Limit exceeded.".to_owned());
            }
            Some(batch)
        };
        Some(ranges.into_iter().map_while(&mut chunk).collect())
    }

    fn begin_query(
        &mut self,
        plan: Plan,
        scope: Scope,
        at: DateTime<Utc>,
        org: &Org,
        serials: &mut Serials,
    ) -> Result<(), String> {
        let id = serials.result().ok_or("InternalServerError : No ids left")?;
        let mut rows = run(&plan, &org.read(), scope);
        if let Some(ids) = &self.ids {
            rows.retain(|row| ids.contains(&row.id()));
        }
        let results = Results::new(plan, rows, Format::default());
        self.info.findings = Some(Findings::Query(id, Arc::new(results)));
        self.enter(BatchState::InProgress, at);
        Ok(())
    }

    fn write_chunk(&mut self, ends: DateTime<Utc>, job: &Job, org: &Org) {
        let running = job.processing.running;
        let began = chunk::edge(self.began, running, self.written, self.chunks).unwrap_or(ends);
        let rows = self.pending.len().min(CHUNK_ROWS);
        let operations: Vec<_> = self.pending.drain(..rows).collect();
        if let Some(Findings::Rows(results)) = &mut self.info.findings {
            let outcomes = chunk::save(org, job.order.user, operations, began, ends);
            Arc::make_mut(results).extend(outcomes.into_iter().map(RowResult::of));
        }
        self.written += 1;
        if self.pending.is_empty() {
            self.info.milliseconds = (ends - self.began).num_milliseconds();
            self.enter(BatchState::Completed, ends);
        }
    }

    fn fail(&mut self, at: DateTime<Utc>, message: String) {
        self.info.message = Some(message);
        self.enter(BatchState::Failed, at);
    }

    fn enter(&mut self, state: BatchState, at: DateTime<Utc>) {
        self.info.state = state;
        self.info.changed = at;
    }
}

impl RowResult {
    fn of(outcome: Outcome) -> Self {
        match outcome {
            Ok(saved) => Self::Saved {
                id: saved.id,
                created: saved.created,
            },
            Err(refusal) => Self::Refused(refusal.into_errors()),
        }
    }
}

/// What clients report of queries that Bulk refuses; that wrong queries are worded alike is believed.
fn refused(reason: Unqueryable) -> String {
    match reason {
        Unqueryable::Soql(error) => {
            format!(
                "InvalidBatch : Failed to process query: {}: {}",
                error.code, error.message
            )
        }
        Unqueryable::Compound => {
            "FeatureNotEnabled : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting \
                                  compound data not supported in Bulk Query"
                .to_owned()
        }
        Unqueryable::Unsupported(what) => format!(
            "FeatureNotEnabled : Failed to process query: FUNCTIONALITY_NOT_ENABLED: {what} not supported in Bulk Query"
        ),
    }
}

/// A batch says nothing of its line endings: its first line shows them.
fn format_of(csv: &[u8]) -> Format {
    let first = csv.iter().position(|byte| *byte == b'\n');
    let before = first.and_then(|end| csv.get(end.checked_sub(1)?));
    Format {
        delimiter: Delimiter::Comma,
        line_ending: if before == Some(&b'\r') {
            LineEnding::Crlf
        } else {
            LineEnding::Lf
        },
    }
}
