//! Bulk API 2.0 query jobs.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Query Jobs. A job moves on with the organisation's
//! clock: nothing runs in the background, its state is worked out when someone asks.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::csv::Format;
use super::results::Results;
use crate::data::Data;
use crate::id::RecordId;
use crate::soql::{Plan, Scope, run};

/// How long a job and its results are kept.
const RETENTION: TimeDelta = TimeDelta::days(7);
const KEY_PREFIX: &str = "750";
/// Real serial numbers do not begin at zero; short ones would look unlike ids.
const FIRST_SERIAL: u64 = 62 * 62 * 62 * 62 * 29;
/// How many rows a page has when the request does not say. Salesforce chooses by size and says only that the
/// server has a default; this is the order of magnitude that clients report.
const DEFAULT_PAGE_ROWS: usize = 50_000;

/// The jobs of an organisation.
#[derive(Debug)]
pub struct Jobs {
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    by_id: BTreeMap<RecordId, Job>,
    created_so_far: u64,
    processing: ProcessingTime,
    page_rows: usize,
}

/// How long jobs take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessingTime {
    /// From creation until the job's rows are fixed (state `UploadComplete`).
    pub waiting: TimeDelta,
    /// From then until the results can be read (state `InProgress`).
    pub running: TimeDelta,
}

impl Default for ProcessingTime {
    fn default() -> Self {
        Self {
            waiting: TimeDelta::milliseconds(10),
            running: TimeDelta::milliseconds(40),
        }
    }
}

/// What a new job is to do.
#[derive(Clone, Debug)]
pub struct Order {
    /// The checked query.
    pub plan: Plan,
    /// Whether deleted rows belong to it (`queryAll`).
    pub scope: Scope,
    /// How its results are written.
    pub format: Format,
    /// The API version it is created with, by its major number; its results are read with the same.
    pub version: u16,
    /// Who creates it.
    pub user: RecordId,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits to be run.
    UploadComplete,
    /// Runs; its rows are fixed.
    InProgress,
    /// Was ended by its user.
    Aborted,
    /// Its results can be read.
    JobComplete,
}

impl State {
    /// The `state` of a job.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadComplete => "UploadComplete",
            Self::InProgress => "InProgress",
            Self::Aborted => "Aborted",
            Self::JobComplete => "JobComplete",
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
    /// What it found, once it has begun to run.
    pub results: Option<Arc<Results>>,
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
    /// The organisation has run out of job ids.
    #[error("no job ids left")]
    NoIdsLeft,
}

impl Default for Jobs {
    fn default() -> Self {
        let kept = Kept {
            by_id: BTreeMap::new(),
            created_so_far: 0,
            processing: ProcessingTime::default(),
            page_rows: DEFAULT_PAGE_ROWS,
        };
        Self {
            kept: Mutex::new(kept),
        }
    }
}

impl Jobs {
    /// Sets how long jobs created from now on take.
    pub fn set_processing_time(&self, processing: ProcessingTime) {
        self.lock().processing = processing;
    }

    /// Sets how many rows a page has when the request does not say; at least 1.
    pub fn set_page_rows(&self, rows: usize) {
        self.lock().page_rows = rows.max(1);
    }

    /// How many rows a page has when the request does not say.
    #[must_use]
    pub fn page_rows(&self) -> usize {
        self.lock().page_rows
    }

    /// Creates a job.
    ///
    /// # Errors
    /// [`JobError::NoIdsLeft`].
    pub fn create(&self, order: Order, now: DateTime<Utc>) -> Result<Job, JobError> {
        let mut kept = self.lock();
        kept.forget_old(now);
        kept.created_so_far += 1;
        let id = RecordId::from_serial(KEY_PREFIX, 0, FIRST_SERIAL + kept.created_so_far)
            .ok_or(JobError::NoIdsLeft)?;
        let job = Job {
            id,
            order: Arc::new(order),
            created: now,
            changed: now,
            state: State::UploadComplete,
            processing: kept.processing,
            results: None,
        };
        kept.by_id.insert(id, job.clone());
        Ok(job)
    }

    /// A job as it stands now. `data` is asked for when the job's time to run has come.
    ///
    /// # Errors
    /// [`JobError::Unknown`].
    pub fn get<D: Deref<Target = Data>>(
        &self,
        id: &str,
        now: DateTime<Utc>,
        data: impl FnOnce() -> D,
    ) -> Result<Job, JobError> {
        let mut kept = self.lock();
        let job = kept.job(id, now)?;
        job.proceed(now, data);
        Ok(job.clone())
    }

    /// All jobs as they stand now, oldest first.
    pub fn list<D: Deref<Target = Data>>(&self, now: DateTime<Utc>, data: impl Fn() -> D) -> Vec<Job> {
        let mut kept = self.lock();
        kept.forget_old(now);
        kept.by_id
            .values_mut()
            .map(|job| {
                job.proceed(now, &data);
                job.clone()
            })
            .collect()
    }

    /// Ends a job that is not finished.
    ///
    /// # Errors
    /// [`JobError::Unknown`], or [`JobError::State`] for a job that is finished or aborted already.
    pub fn abort<D: Deref<Target = Data>>(
        &self,
        id: &str,
        now: DateTime<Utc>,
        data: impl FnOnce() -> D,
    ) -> Result<Job, JobError> {
        let mut kept = self.lock();
        let job = kept.job(id, now)?;
        job.proceed(now, data);
        match job.state {
            State::UploadComplete | State::InProgress => {
                job.state = State::Aborted;
                job.changed = now;
                job.results = None;
                Ok(job.clone())
            }
            state => Err(JobError::State(state)),
        }
    }

    /// Forgets a job that is finished or aborted, and its results.
    ///
    /// # Errors
    /// [`JobError::Unknown`], or [`JobError::State`] for a job that is not finished.
    pub fn delete<D: Deref<Target = Data>>(
        &self,
        id: &str,
        now: DateTime<Utc>,
        data: impl FnOnce() -> D,
    ) -> Result<(), JobError> {
        let mut kept = self.lock();
        let job = kept.job(id, now)?;
        job.proceed(now, data);
        match (job.state, job.id) {
            (State::Aborted | State::JobComplete, id) => {
                kept.by_id.remove(&id);
                Ok(())
            }
            (state, _) => Err(JobError::State(state)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Every change is made of whole steps, so a panic elsewhere leaves nothing half-done.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn forget_old(&mut self, now: DateTime<Utc>) {
        self.by_id.retain(|_, job| now - job.created < RETENTION);
    }

    fn job(&mut self, id: &str, now: DateTime<Utc>) -> Result<&mut Job, JobError> {
        self.forget_old(now);
        let id = RecordId::parse(id).ok_or(JobError::Unknown)?;
        self.by_id.get_mut(&id).ok_or(JobError::Unknown)
    }
}

impl Job {
    fn proceed<D: Deref<Target = Data>>(&mut self, now: DateTime<Utc>, data: impl FnOnce() -> D) {
        let runs_from = self.created + self.processing.waiting;
        let complete_from = runs_from + self.processing.running;
        if self.state == State::UploadComplete && now >= runs_from {
            let rows = run(&self.order.plan, &data(), self.order.scope);
            self.results = Some(Arc::new(Results {
                plan: self.order.plan.clone(),
                rows,
                format: self.order.format,
            }));
            self.state = State::InProgress;
            self.changed = runs_from;
        }
        if self.state == State::InProgress && now >= complete_from {
            self.state = State::JobComplete;
            self.changed = complete_from;
        }
    }

    /// How many rows the job has found so far.
    #[must_use]
    pub fn rows_processed(&self) -> usize {
        match (&self.results, self.state) {
            (Some(results), State::JobComplete) => results.rows.len(),
            _ => 0,
        }
    }
}
