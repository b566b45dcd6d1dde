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

    /// How long jobs created from now on take.
    #[must_use]
    pub fn processing_time(&self) -> ProcessingTime {
        self.lock().processing
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
        let (mut kept, id) = self.up_to_date(id, now, data)?;
        kept.job(id).cloned()
    }

    /// All jobs as they stand now, oldest first.
    pub fn list<D: Deref<Target = Data>>(&self, now: DateTime<Utc>, data: impl Fn() -> D) -> Vec<Job> {
        let mut kept = self.lock();
        kept.forget_old(now);
        let ids: Vec<RecordId> = kept.by_id.keys().copied().collect();
        drop(kept);
        ids.into_iter()
            // A job that is deleted meanwhile is none.
            .filter_map(|id| self.proceed(id, now, &data).ok()?.job(id).ok().cloned())
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
        let (mut kept, id) = self.up_to_date(id, now, data)?;
        let job = kept.job(id)?;
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
        let (mut kept, id) = self.up_to_date(id, now, data)?;
        match kept.job(id)?.state {
            State::Aborted | State::JobComplete => {
                kept.by_id.remove(&id);
                Ok(())
            }
            state => Err(JobError::State(state)),
        }
    }

    /// The jobs, with the named one as it stands now.
    fn up_to_date<D: Deref<Target = Data>>(
        &self,
        id: &str,
        now: DateTime<Utc>,
        data: impl FnOnce() -> D,
    ) -> Result<(MutexGuard<'_, Kept>, RecordId), JobError> {
        let id = RecordId::parse(id).ok_or(JobError::Unknown)?;
        self.lock().forget_old(now);
        Ok((self.proceed(id, now, data)?, id))
    }

    /// Moves a job on. Its query runs while the jobs are not locked: it may take long, and the other jobs
    /// must answer meanwhile.
    fn proceed<D: Deref<Target = Data>>(
        &self,
        id: RecordId,
        now: DateTime<Utc>,
        data: impl FnOnce() -> D,
    ) -> Result<MutexGuard<'_, Kept>, JobError> {
        let mut kept = self.lock();
        if let Some(order) = kept.job(id)?.due(now) {
            drop(kept);
            let rows = run(&order.plan, &data(), order.scope);
            let results = Arc::new(Results::new(order.plan.clone(), rows, order.format));
            kept = self.lock();
            kept.job(id)?.begin(results);
        }
        kept.job(id)?.complete(now);
        Ok(kept)
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

    fn job(&mut self, id: RecordId) -> Result<&mut Job, JobError> {
        self.by_id.get_mut(&id).ok_or(JobError::Unknown)
    }
}

impl Job {
    /// What to run now.
    fn due(&self, now: DateTime<Utc>) -> Option<Arc<Order>> {
        let begins = self.begins()?;
        (self.state == State::UploadComplete && now >= begins).then(|| Arc::clone(&self.order))
    }

    /// Takes the rows that were found, unless the job was ended or begun by another request meanwhile.
    fn begin(&mut self, results: Arc<Results>) {
        if self.state == State::UploadComplete {
            self.results = Some(results);
            self.state = State::InProgress;
            self.changed = self.begins().unwrap_or(self.changed);
        }
    }

    fn complete(&mut self, now: DateTime<Utc>) {
        let ends = self
            .begins()
            .and_then(|begins| begins.checked_add_signed(self.processing.running));
        if let Some(ends) = ends
            && self.state == State::InProgress
            && now >= ends
        {
            self.state = State::JobComplete;
            self.changed = ends;
        }
    }

    /// When the job's rows are fixed; `None` for a moment beyond all calendars.
    fn begins(&self) -> Option<DateTime<Utc>> {
        self.created.checked_add_signed(self.processing.waiting)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    fn order(schema: &Schema) -> Order {
        Order {
            plan: Plan::new("SELECT Id FROM Account", schema, DateTime::UNIX_EPOCH).expect("a query"),
            scope: Scope::Live,
            format: Format::default(),
            version: 68,
            user: RecordId::parse("005000000000001").expect("an id"),
        }
    }

    #[test]
    fn other_jobs_answer_while_a_query_runs() {
        let now = DateTime::UNIX_EPOCH;
        let schema = Schema::standard().expect("the standard objects");
        let data = Data::new(&schema, 1);
        let jobs = Jobs::default();
        let ids: Vec<String> = (0..2)
            .map(|_| jobs.create(order(&schema), now).expect("a job").id.to_string())
            .collect();
        let later = now + TimeDelta::seconds(1);
        let job = jobs.get(&ids[0], later, || {
            // The query asks for the records when it begins: the jobs must not be locked then.
            jobs.get(&ids[1], now, || &data).expect("the other job");
            jobs.abort(&ids[0], now, || &data).expect("nothing holds the job");
            &data
        });
        let job = job.expect("the job");
        assert_eq!(job.state, State::Aborted, "what came while the query ran stays");
        assert!(job.results.is_none());
    }

    #[test]
    fn a_job_that_takes_for_ever_is_never_done() {
        let mut job = Job {
            id: RecordId::parse("750000000000001").expect("an id"),
            order: Arc::new(order(&Schema::standard().expect("the standard objects"))),
            created: DateTime::UNIX_EPOCH,
            changed: DateTime::UNIX_EPOCH,
            state: State::UploadComplete,
            processing: ProcessingTime {
                waiting: TimeDelta::MAX,
                running: TimeDelta::MAX,
            },
            results: None,
        };
        assert!(job.due(DateTime::<Utc>::MAX_UTC).is_none());
        job.complete(DateTime::<Utc>::MAX_UTC);
        assert_eq!(job.state, State::UploadComplete);
    }
}
