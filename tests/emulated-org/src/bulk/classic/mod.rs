//! The Bulk API before 2.0: jobs of batches that the client cuts itself.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Bulk API (Jobs, Batches, PK Chunking, Errors). Batches move on
//! with the organisation's clock, each by itself, or one after the other in a job of serial mode. A batch that is
//! processed when its job is aborted is processed to its end; one that waits becomes `NotProcessed`.

pub mod batch;
mod json;
mod pk_chunking;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use self::batch::Batch;
pub use self::batch::{BatchInfo, BatchState, Findings, RowResult};
pub use self::pk_chunking::PkChunking;
use super::{ProcessingTime, ingest};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::Object;
use crate::soql::{Scope, Setting};

/// How long a job is kept after its youngest batch.
const RETENTION: TimeDelta = TimeDelta::days(7);
/// How long a job takes batches.
const TAKES_BATCHES: TimeDelta = TimeDelta::hours(24);
const KEY_PREFIX: &str = "750";
/// Between the numbers of query and of ingest jobs, which have the same prefix.
const FIRST_SERIAL: u64 = 62 * 62 * 62 * 62 * 30;

/// The jobs of an organisation.
#[derive(Debug, Default)]
pub struct Jobs {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: BTreeMap<RecordId, Holder>,
    serials: Serials,
    next_failure: Option<String>,
}

/// How many ids were given out.
#[derive(Debug, Default)]
struct Serials {
    jobs: u64,
    batches: u64,
    results: u64,
}

/// A job and its batches.
#[derive(Debug)]
struct Holder {
    job: Job,
    batches: Vec<Batch>,
}

/// What a job's batches hold.
#[derive(Clone, Debug)]
pub enum Work {
    /// Records to write.
    Ingest(Arc<ingest::Order>),
    /// Queries, which see deleted records or not.
    Query(Scope),
}

/// How batches and results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the `contentType` of the same name in Salesforce's guide"
)]
pub enum ContentType {
    Csv,
    Json,
}

/// What a new job is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The object whose records are written or read.
    pub object: Arc<Object>,
    /// What is done.
    pub work: Work,
    /// How batches and results are written.
    pub content_type: ContentType,
    /// Whether its batches are processed one after the other.
    pub serial: bool,
    /// How its queries are cut.
    pub pk_chunking: Option<PkChunking>,
    /// The assignment rule it names.
    pub assignment_rule: Option<RecordId>,
    /// The API version it is created with, by its major number.
    pub version: u16,
    /// Who creates it.
    pub user: RecordId,
}

/// Where a job stands. (`Failed`, the fourth of Salesforce's states, is not met here.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each variant is the `state` of the same name in Salesforce's guide"
)]
pub enum JobState {
    Open,
    Closed,
    Aborted,
}

impl JobState {
    /// The `state` of a job.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "Open",
            Self::Closed => "Closed",
            Self::Aborted => "Aborted",
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
    pub state: JobState,
    /// How long each of its batches takes.
    pub processing: ProcessingTime,
    /// What its batches have come to.
    pub tally: Tally,
}

/// Sums over the batches of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Batches that wait.
    pub queued: usize,
    /// Batches that are processed now.
    pub in_progress: usize,
    /// Batches that are done.
    pub completed: usize,
    /// Batches that failed.
    pub failed: usize,
    /// All batches, those that are not processed among them.
    pub total: usize,
    /// Records that were processed.
    pub records_processed: usize,
    /// Records that were refused.
    pub records_failed: usize,
    /// Milliseconds of processing.
    pub milliseconds: i64,
}

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// No job has this id, or it is no longer kept.
    #[error("no such job")]
    Unknown,
    /// The job has no such batch.
    #[error("no such batch")]
    UnknownBatch,
    /// The job's state forbids it.
    #[error("not in state {}", .0.name())]
    State(JobState),
    /// The job is too old to take batches.
    #[error("the job is older than 24 hours")]
    TooOld,
    /// The organisation has run out of ids.
    #[error("no ids left")]
    NoIdsLeft,
}

impl Jobs {
    /// Lets the next batch that is begun fail with this `stateMessage`.
    pub fn fail_next_batch(&self, message: String) {
        self.lock().next_failure = Some(message);
    }

    /// Creates a job.
    ///
    /// # Errors
    /// [`JobError::NoIdsLeft`].
    pub fn create(
        &self,
        order: Order,
        processing: ProcessingTime,
        now: DateTime<Utc>,
    ) -> Result<Job, JobError> {
        let mut kept = self.lock();
        kept.by_id.retain(|_, holder| holder.is_kept(now));
        kept.serials.jobs += 1;
        let id = RecordId::from_serial(KEY_PREFIX, 0, FIRST_SERIAL + kept.serials.jobs)
            .ok_or(JobError::NoIdsLeft)?;
        let job = Job {
            id,
            order: Arc::new(order),
            created: now,
            changed: now,
            state: JobState::Open,
            processing,
            tally: Tally::default(),
        };
        let holder = Holder {
            job: job.clone(),
            batches: Vec::new(),
        };
        kept.by_id.insert(id, holder);
        Ok(job)
    }

    /// A job as it stands; [`Org::catch_up`] brings it up to date.
    ///
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn get(&self, id: &str, now: DateTime<Utc>) -> Result<Job, JobError> {
        self.change(id, now, |holder, _| Ok(holder.shown()))
    }

    /// All jobs, oldest first.
    #[must_use]
    pub fn list(&self, now: DateTime<Utc>) -> Vec<Job> {
        let kept = self.lock();
        let young = kept.by_id.values().filter(|holder| holder.is_kept(now));
        young.map(Holder::shown).collect()
    }

    /// Takes no more batches; those that are there are processed.
    ///
    /// # Errors
    /// [`JobError::State`] unless it is open.
    pub fn close(&self, id: &str, now: DateTime<Utc>) -> Result<Job, JobError> {
        self.change(id, now, |holder, _| match holder.job.state {
            JobState::Open => {
                holder.enter(JobState::Closed, now);
                Ok(holder.shown())
            }
            state => Err(JobError::State(state)),
        })
    }

    /// Ends a job: what was written stays, what waits is not processed.
    ///
    /// # Errors
    /// [`JobError::State`] for a job that was aborted before.
    pub fn abort(&self, id: &str, now: DateTime<Utc>) -> Result<Job, JobError> {
        self.change(id, now, |holder, _| match holder.job.state {
            JobState::Open | JobState::Closed => {
                holder.enter(JobState::Aborted, now);
                for batch in &mut holder.batches {
                    batch.give_up(now);
                }
                Ok(holder.shown())
            }
            state => Err(JobError::State(state)),
        })
    }

    /// Adds a batch. `setting` is what its query, if it is one, depends on.
    ///
    /// # Errors
    /// [`JobError::State`] unless the job is open, [`JobError::TooOld`], [`JobError::NoIdsLeft`].
    pub fn add(&self, id: &str, request: Bytes, setting: Setting) -> Result<BatchInfo, JobError> {
        let now = setting.now;
        self.change(id, now, |holder, serials| {
            if holder.job.state != JobState::Open {
                return Err(JobError::State(holder.job.state));
            }
            if now - holder.job.created >= TAKES_BATCHES {
                return Err(JobError::TooOld);
            }
            let id = serials.batch().ok_or(JobError::NoIdsLeft)?;
            let batch = Batch::new(id, holder.job.id, request, setting);
            let info = batch.info.clone();
            holder.batches.push(batch);
            Ok(info)
        })
    }

    /// The batches of a job, oldest first.
    ///
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn batches(&self, id: &str, now: DateTime<Utc>) -> Result<Vec<BatchInfo>, JobError> {
        self.change(id, now, |holder, _| {
            Ok(holder.batches.iter().map(|batch| batch.info.clone()).collect())
        })
    }

    /// One batch of a job.
    ///
    /// # Errors
    /// [`JobError::Unknown`], [`JobError::UnknownBatch`].
    pub fn batch(&self, id: &str, batch: &str, now: DateTime<Utc>) -> Result<BatchInfo, JobError> {
        let batch = RecordId::parse(batch).ok_or(JobError::UnknownBatch);
        self.change(id, now, |holder, _| {
            let wanted = batch?;
            let found = holder.batches.iter().find(|batch| batch.info.id == wanted);
            found
                .map(|batch| batch.info.clone())
                .ok_or(JobError::UnknownBatch)
        })
    }

    /// When the next step of any batch is due.
    pub(crate) fn next_due(&self) -> Option<DateTime<Utc>> {
        let kept = self.lock();
        kept.by_id
            .values()
            .filter_map(Holder::due)
            .map(|(due, _)| due)
            .min()
    }

    /// Takes the earliest step that is due: a batch begins, or a part of it is done.
    pub(crate) fn step(&self, now: DateTime<Utc>, org: &Org) {
        // The jobs stay locked meanwhile: two requests must not write one chunk twice.
        let mut kept = self.lock();
        let Kept {
            by_id,
            serials,
            next_failure,
        } = &mut *kept;
        let due = by_id
            .values_mut()
            .filter_map(|holder| Some((holder.due()?, holder)))
            .filter(|((due, _), _)| *due <= now)
            .min_by_key(|((due, _), _)| *due);
        if let Some(((due, place), holder)) = due {
            let Holder { job, batches } = holder;
            if let Some(batch) = batches.get_mut(place) {
                let chunks = batch.proceed(due, job, org, serials, next_failure);
                batches.extend(chunks);
            }
        }
    }

    fn change<T>(
        &self,
        id: &str,
        now: DateTime<Utc>,
        change: impl FnOnce(&mut Holder, &mut Serials) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let id = RecordId::parse(id).ok_or(JobError::Unknown)?;
        let mut kept = self.lock();
        let Kept { by_id, serials, .. } = &mut *kept;
        let holder = by_id.get_mut(&id).ok_or(JobError::Unknown)?;
        if !holder.is_kept(now) {
            return Err(JobError::Unknown);
        }
        change(holder, serials)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every change is made of whole steps, so a panic elsewhere leaves nothing half-done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serials {
    fn batch(&mut self) -> Option<RecordId> {
        self.batches += 1;
        RecordId::from_serial("751", 0, FIRST_SERIAL + self.batches)
    }

    fn result(&mut self) -> Option<RecordId> {
        self.results += 1;
        RecordId::from_serial("752", 0, FIRST_SERIAL + self.results)
    }
}

impl Holder {
    fn is_kept(&self, now: DateTime<Utc>) -> bool {
        let youngest = self.batches.iter().map(|batch| batch.info.created).max();
        now - youngest.unwrap_or(self.job.created) < RETENTION
    }

    fn enter(&mut self, state: JobState, now: DateTime<Utc>) {
        self.job.state = state;
        self.job.changed = now;
    }

    fn shown(&self) -> Job {
        let mut job = self.job.clone();
        for Batch { info, .. } in &self.batches {
            let tally = &mut job.tally;
            match info.state {
                BatchState::Queued => tally.queued += 1,
                BatchState::InProgress => tally.in_progress += 1,
                BatchState::Completed => tally.completed += 1,
                BatchState::Failed => tally.failed += 1,
                BatchState::NotProcessed => {}
            }
            tally.total += 1;
            tally.records_processed += info.records_processed();
            tally.records_failed += info.records_failed();
            tally.milliseconds += info.milliseconds;
        }
        job
    }

    /// When which of the batches takes its next step.
    fn due(&self) -> Option<(DateTime<Utc>, usize)> {
        let mut after = self.job.created;
        let mut first: Option<(DateTime<Utc>, usize)> = None;
        for (place, batch) in self.batches.iter().enumerate() {
            if batch.info.state.is_final() {
                after = after.max(batch.info.changed);
                continue;
            }
            let not_before = if self.job.order.serial {
                after
            } else {
                self.job.created
            };
            if let Some(due) = batch.due(&self.job.processing, not_before)
                && first.is_none_or(|(earliest, _)| due < earliest)
            {
                first = Some((due, place));
            }
            if self.job.order.serial {
                break;
            }
        }
        first
    }
}
