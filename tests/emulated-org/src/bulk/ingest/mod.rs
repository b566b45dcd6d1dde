//! Bulk API 2.0 ingest jobs.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Bulk API 2.0 Ingest. Rows are written in chunks of 200, each
//! a transaction of its own. A job moves on with the organisation's clock: a chunk takes its share of the job's
//! running time, its stamps are those of its beginning, and its rows are seen at its end, as with any
//! transaction.

pub(super) mod columns;
mod operation;
pub mod results;
pub mod upload;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use self::columns::Columns;
use self::results::RowFate;
use self::upload::Upload;
use super::csv::Format;
use super::{ProcessingTime, chunk};
use crate::id::RecordId;
use crate::limits::Allocation;
use crate::org::Org;
use crate::schema::Object;

/// Rows of one transaction.
pub const CHUNK_ROWS: usize = 200;
/// Rows of one batch, of which an organisation may spend so many a day.
pub const BATCH_ROWS: usize = 10_000;
/// How long a job and its results are kept.
const RETENTION: TimeDelta = TimeDelta::days(7);
const KEY_PREFIX: &str = "750";
/// Beyond the numbers of query jobs, which have the same prefix.
const FIRST_SERIAL: u64 = 62 * 62 * 62 * 62 * 31;

/// The ingest jobs of an organisation.
#[derive(Debug, Default)]
pub struct Jobs {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: BTreeMap<RecordId, Job>,
    created_so_far: u64,
    processing: ProcessingTime,
    hard_delete: bool,
    fail_after: Option<usize>,
}

/// What a job does with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the `operation` of the same name in Salesforce's guide"
)]
pub enum Kind {
    Insert,
    Update,
    Upsert {
        /// The position of the field behind `externalIdFieldName`.
        key_field: usize,
    },
    Delete,
    HardDelete,
}

impl Kind {
    /// The `operation` of a job.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Upsert { .. } => "upsert",
            Self::Delete => "delete",
            Self::HardDelete => "hardDelete",
        }
    }
}

/// What a new job is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The object whose records are written.
    pub object: Arc<Object>,
    /// What is done with them.
    pub kind: Kind,
    /// How the upload and the results are written.
    pub format: Format,
    /// The API version it is created with, by its major number.
    pub version: u16,
    /// Who creates it.
    pub user: RecordId,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the `state` of the same name in Salesforce's guide"
)]
pub enum State {
    Open,
    UploadComplete,
    InProgress,
    Aborted,
    JobComplete,
    Failed,
}

impl State {
    /// The `state` of a job.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::Aborted => "Aborted",
            Self::JobComplete => "JobComplete",
            Self::Failed => "Failed",
        }
    }
}

/// A job as it stands at one moment.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its id.
    pub id: RecordId,
    /// What it does.
    pub order: Arc<Order>,
    /// When it was created.
    pub created: DateTime<Utc>,
    /// When its state last changed.
    pub changed: DateTime<Utc>,
    /// Where it stands.
    pub state: State,
    /// How long it takes, as was set when it was created.
    pub processing: ProcessingTime,
    /// Why it failed.
    pub error: Option<String>,
    /// What was uploaded, once it could be read.
    pub upload: Arc<Upload>,
    /// What became of the first rows of the upload; the others were not processed yet.
    pub fates: Arc<Vec<RowFate>>,
    data: Option<Bytes>,
    closed: Option<DateTime<Utc>>,
    columns: Option<Arc<Columns>>,
    fail_after: Option<usize>,
    serial: u64,
}

/// Why a job cannot be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// No job has this id, or it is no longer kept.
    #[error("no such job")]
    Unknown,
    /// The job's state forbids it.
    #[error("not in state {}", .0.name())]
    State(State),
    /// The job has its data.
    #[error("data was uploaded already")]
    SecondUpload,
    /// The organisation has run out of job ids.
    #[error("no job ids left")]
    NoIdsLeft,
}

impl Jobs {
    /// Sets how long jobs created from now on take.
    pub fn set_processing_time(&self, processing: ProcessingTime) {
        self.lock().processing = processing;
    }

    /// Whether users have the permission "Bulk API Hard Delete", which no profile has by itself.
    pub fn permit_hard_delete(&self, permitted: bool) {
        self.lock().hard_delete = permitted;
    }

    /// Whether users have the permission "Bulk API Hard Delete".
    #[must_use]
    pub fn hard_delete_permitted(&self) -> bool {
        self.lock().hard_delete
    }

    /// Lets the next job that is created fail once this many of its rows are processed.
    pub fn fail_next_after(&self, rows: usize) {
        self.lock().fail_after = Some(rows);
    }

    /// Creates a job.
    ///
    /// # Errors
    /// [`JobError::NoIdsLeft`].
    pub fn create(&self, order: Order, now: DateTime<Utc>) -> Result<Job, JobError> {
        let mut kept = self.lock();
        kept.by_id.retain(|_, job| now - job.created < RETENTION);
        kept.created_so_far += 1;
        let serial = FIRST_SERIAL + kept.created_so_far;
        let id = RecordId::from_serial(KEY_PREFIX, 0, serial).ok_or(JobError::NoIdsLeft)?;
        let job = Job {
            id,
            order: Arc::new(order),
            created: now,
            changed: now,
            state: State::Open,
            processing: kept.processing,
            error: None,
            upload: Arc::default(),
            fates: Arc::default(),
            data: None,
            closed: None,
            columns: None,
            fail_after: kept.fail_after.take(),
            serial,
        };
        kept.by_id.insert(id, job.clone());
        Ok(job)
    }

    /// A job as it stands; [`Org::catch_up`] brings it up to date.
    ///
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn get(&self, id: &str, now: DateTime<Utc>) -> Result<Job, JobError> {
        self.change(id, now, |job| Ok(job.clone()))
    }

    /// All jobs that are still kept, oldest first.
    #[must_use]
    pub fn list(&self, now: DateTime<Utc>) -> Vec<Job> {
        let kept = self.lock();
        let young = kept.by_id.values().filter(|job| now - job.created < RETENTION);
        young.cloned().collect()
    }

    /// Takes a job's data, once.
    ///
    /// # Errors
    /// [`JobError::State`] unless it is open, [`JobError::SecondUpload`].
    pub fn upload(&self, id: &str, now: DateTime<Utc>, data: Bytes) -> Result<(), JobError> {
        self.change(id, now, |job| match (job.state, &job.data) {
            (State::Open, None) => {
                job.data = Some(data);
                Ok(())
            }
            (State::Open, Some(_)) => Err(JobError::SecondUpload),
            (state, _) => Err(JobError::State(state)),
        })
    }

    /// Closes a job, which is then processed.
    ///
    /// # Errors
    /// [`JobError::State`] unless it is open.
    pub fn close(&self, id: &str, now: DateTime<Utc>) -> Result<Job, JobError> {
        self.change(id, now, |job| match job.state {
            State::Open => {
                job.enter(State::UploadComplete, now);
                job.closed = Some(now);
                Ok(job.clone())
            }
            state => Err(JobError::State(state)),
        })
    }

    /// Ends a job that is not finished; what it has written stays.
    ///
    /// # Errors
    /// [`JobError::State`] for a job that is finished or aborted already.
    pub fn abort(&self, id: &str, now: DateTime<Utc>) -> Result<Job, JobError> {
        self.change(id, now, |job| match job.state {
            State::Open | State::UploadComplete | State::InProgress => {
                job.read_upload();
                job.enter(State::Aborted, now);
                Ok(job.clone())
            }
            state => Err(JobError::State(state)),
        })
    }

    /// Forgets a job and its results.
    ///
    /// # Errors
    /// [`JobError::State`] for a job that is open or in progress.
    pub fn delete(&self, id: &str, now: DateTime<Utc>) -> Result<(), JobError> {
        let job = self.change(id, now, |job| match job.state {
            State::Open | State::InProgress => Err(JobError::State(job.state)),
            _ => Ok(job.id),
        })?;
        self.lock().by_id.remove(&job);
        Ok(())
    }

    /// When the next step of any job is due.
    pub(crate) fn next_due(&self) -> Option<DateTime<Utc>> {
        self.lock().by_id.values().filter_map(Job::due).min()
    }

    /// Takes the earliest step that is due: a job begins, or a chunk of it is written.
    pub(crate) fn step(&self, now: DateTime<Utc>, org: &Org) {
        // The jobs stay locked meanwhile: two requests must not write one chunk twice.
        let mut kept = self.lock();
        let due = kept
            .by_id
            .values_mut()
            .filter_map(|job| Some((job.due()?, job)))
            .filter(|(due, _)| *due <= now)
            .min_by_key(|(due, _)| *due);
        if let Some((due, job)) = due {
            match job.state {
                State::UploadComplete => job.begin(due, org),
                _ => job.write_chunk(due, org),
            }
        }
    }

    fn change<T>(
        &self,
        id: &str,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Job) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let id = RecordId::parse(id).ok_or(JobError::Unknown)?;
        let mut kept = self.lock();
        let job = kept.by_id.get_mut(&id).ok_or(JobError::Unknown)?;
        if now - job.created >= RETENTION {
            return Err(JobError::Unknown);
        }
        change(job)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every change is made of whole steps, so a panic elsewhere leaves nothing half-done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    /// How many of the processed rows were refused.
    #[must_use]
    pub fn failed_rows(&self) -> usize {
        let refused = |fate: &&RowFate| matches!(fate, RowFate::Refused { .. });
        self.fates.iter().filter(refused).count()
    }

    /// How many batches the upload makes; an upload that cannot be read makes none.
    #[must_use]
    pub fn batches(&self) -> usize {
        let data = self.data.as_deref().unwrap_or_default();
        let upload = Upload::read(data, self.order.format).unwrap_or_default();
        upload.rows.len().div_ceil(BATCH_ROWS)
    }

    /// A result file; its rows are `in_order` of the upload or mixed.
    #[must_use]
    pub fn result(&self, which: results::Which, in_order: bool) -> Vec<u8> {
        let seed = (!in_order).then_some(self.serial);
        results::write(which, &self.upload, &self.fates, self.order.format, seed)
    }

    /// When the job's next step is due.
    fn due(&self) -> Option<DateTime<Utc>> {
        match self.state {
            State::UploadComplete => self.begins(),
            State::InProgress => self.chunk_edge(self.fates.len() / CHUNK_ROWS + 1),
            _ => None,
        }
    }

    fn begins(&self) -> Option<DateTime<Utc>> {
        self.closed?.checked_add_signed(self.processing.waiting)
    }

    fn chunks(&self) -> usize {
        self.upload.rows.len().div_ceil(CHUNK_ROWS).max(1)
    }

    /// The moment between a chunk and the one before it.
    fn chunk_edge(&self, chunk: usize) -> Option<DateTime<Utc>> {
        chunk::edge(self.begins()?, self.processing.running, chunk, self.chunks())
    }

    fn enter(&mut self, state: State, at: DateTime<Utc>) {
        self.state = state;
        self.changed = at;
    }

    fn fail(&mut self, at: DateTime<Utc>, error: impl Into<String>) {
        self.error = Some(error.into());
        self.enter(State::Failed, at);
    }

    /// Reads what was uploaded, so that results can show it; a text that is no table shows nothing.
    fn read_upload(&mut self) {
        if let Some(data) = self.data.take() {
            self.upload = Arc::new(Upload::read(&data, self.order.format).unwrap_or_default());
        }
    }

    fn begin(&mut self, at: DateTime<Utc>, org: &Org) {
        self.enter(State::InProgress, at);
        let data = self.data.take().unwrap_or_default();
        let read = Upload::read(&data, self.order.format).and_then(|upload| {
            self.upload = Arc::new(upload);
            Columns::read(
                &self.upload.header,
                &self.order,
                org.access_of(self.order.user).schema(),
            )
        });
        match read {
            Ok(columns) => self.columns = Some(Arc::new(columns)),
            Err(error) => self.fail(at, error),
        }
    }

    fn write_chunk(&mut self, ends: DateTime<Utc>, org: &Org) {
        let first = self.fates.len();
        let began = self.chunk_edge(first / CHUNK_ROWS).unwrap_or(ends);
        if let Some(columns) = self.columns.clone() {
            let mut end = first.saturating_add(CHUNK_ROWS).min(self.upload.rows.len());
            if let Some(most) = self.fail_after {
                end = end.min(most);
            }
            let upload = Arc::clone(&self.upload);
            let rows = upload.rows.get(first..end).unwrap_or_default();
            let spent = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            // What does not fit is not processed, and fails the job (Bulk API 2.0, Limits); the words are believed.
            if org
                .limits
                .spend(Allocation::DailyBulkV2IngestRecords, spent, ends)
                .is_err()
            {
                let message = "ExceededQuota : Too many records in the past 24 hours";
                return self.fail(ends, message);
            }
            let (operations, named): (Vec<_>, Vec<_>) =
                rows.iter().map(|row| columns.operation(row, &self.order)).unzip();
            let outcomes = chunk::save(org, self.order.user, operations, began, ends);
            let fates = outcomes.into_iter().zip(named);
            let counts_as_new =
                org.switches().created_for_every_upsert && matches!(self.order.kind, Kind::Upsert { .. });
            Arc::make_mut(&mut self.fates)
                .extend(fates.map(|(outcome, named)| RowFate::of(outcome, named, counts_as_new)));
        }
        if self.fail_after.is_some_and(|most| self.fates.len() >= most) {
            self.fail(ends, "InternalServerError : Batch retried too many times");
        } else if self.fates.len() >= self.upload.rows.len() {
            self.enter(State::JobComplete, ends);
        }
    }
}
