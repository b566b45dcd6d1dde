//! Bulk API 2.0 ingest jobs: they run by themselves once uploaded, whoever still waits for them.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use chrono::TimeDelta;

use crate::org::row::Actor;
use crate::org::save::Save;
use crate::org::schema::{EXTERNAL_ID, Object};
use crate::org::{Made, Org, Refusal, normal};

/// One row of work.
#[derive(Debug, Clone)]
pub enum Work {
    /// Make, or change, the record of an external id.
    Upsert {
        /// The external id.
        external: String,
        /// What to save.
        save: Save,
        /// Owner if none is given.
        owner: SalesforceId,
    },
    /// Make a record that carries no external id.
    Insert {
        /// The external id that it would have: it tells what it was made for.
        label: String,
        /// What to save.
        save: Save,
        /// Owner if none is given.
        owner: SalesforceId,
    },
    /// Change a record.
    Update {
        /// The record.
        id: SalesforceId,
        /// What to save.
        save: Save,
    },
    /// Delete a record.
    Delete {
        /// The record.
        id: SalesforceId,
    },
}

/// What a row came to.
pub type Done = Result<SalesforceId, Refusal>;

/// A job.
#[derive(Debug)]
pub(super) struct Job {
    object: Object,
    work: Vec<Work>,
    /// When it will have run; none before the upload.
    ends_at: Option<Instant>,
    results: BTreeMap<usize, Done>,
    ended: bool,
    aborted: bool,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Nothing was uploaded.
    Open,
    /// It waits, or runs.
    Running,
    /// It has run; row by row what came of it.
    Complete(Vec<Option<Done>>),
    /// It was aborted before it ran.
    Aborted,
    /// There is no such job.
    Unknown,
}

impl Org {
    /// One row as collections and jobs do it.
    pub fn perform(&mut self, object: Object, work: &Work) -> Done {
        match work {
            Work::Upsert {
                external,
                save,
                owner,
            } => self.upsert(object, external, save, *owner).map(|(id, _)| id),
            Work::Insert { label, save, owner } => {
                let id = self.insert(Actor::Gateway, object, save, *owner, None)?;
                self.made.push(Made {
                    external: label.clone(),
                    id,
                    at: self.now,
                    read_at: save.read_at,
                    unmarked: true,
                });
                Ok(id)
            }
            Work::Update { id, save } => self.update(Actor::Gateway, *id, save).map(|()| *id),
            Work::Delete { id } => self.delete(Actor::Gateway, *id).map(|()| *id),
        }
    }

    /// A collections call. None: it failed as a whole and wrote nothing.
    pub fn collections(&mut self, object: Object, work: &[Work]) -> Option<Vec<Done>> {
        let poisoned = |work: &Work| match work {
            Work::Upsert { save, .. } | Work::Insert { save, .. } | Work::Update { save, .. } => {
                normal::is_poisoned(&save.values)
            }
            Work::Delete { .. } => false,
        };
        if work.len() > 1 && work.iter().any(poisoned) {
            return None;
        }
        Some(work.iter().map(|work| self.perform(object, work)).collect())
    }

    /// A collections call that arrives twice at once. The answer is that to the second: what the first made is there by
    /// then, though the second saw nothing of it.
    pub fn collections_twice(&mut self, object: Object, work: &[Work]) -> Option<Vec<Done>> {
        let before = self.made.len();
        let mut done = self.collections(object, work)?;
        let made: Vec<SalesforceId> = self.made.iter().skip(before).map(|made| made.id).collect();
        for (done, work) in done.iter_mut().zip(work) {
            if let (Ok(id), Work::Upsert { .. }) = (&*done, work)
                && made.contains(id)
            {
                *done = Err(Refusal {
                    code: "DUPLICATE_VALUE",
                    message: format!(
                        "duplicate value found: {EXTERNAL_ID} duplicates value on record with id: {id}"
                    ),
                    fields: Vec::new(),
                });
            }
        }
        Some(done)
    }

    /// Makes a job.
    pub fn open_job(&mut self, object: Object) -> String {
        self.serial += 1;
        let name = format!("750{:012}", self.serial);
        let job = Job {
            object,
            work: Vec::new(),
            ends_at: None,
            results: BTreeMap::new(),
            ended: false,
            aborted: false,
        };
        self.jobs.insert(name.clone(), job);
        name
    }

    /// Uploads a job's rows and lets it run.
    pub fn upload(&mut self, job: &str, work: Vec<Work>, takes_seconds: i64) {
        let ends_at = self.now + TimeDelta::seconds(takes_seconds);
        if let Some(job) = self
            .jobs
            .get_mut(job)
            .filter(|job| job.ends_at.is_none() && !job.aborted)
        {
            job.work = work;
            job.ends_at = Some(ends_at);
        }
    }

    /// Ends a job that has not run.
    pub fn abort(&mut self, job: &str) {
        if let Some(job) = self.jobs.get_mut(job).filter(|job| !job.ended) {
            job.aborted = true;
            job.ended = true;
        }
    }

    /// Where a job stands.
    pub fn job(&self, job: &str) -> JobState {
        match self.jobs.get(job) {
            None => JobState::Unknown,
            Some(job) if job.aborted => JobState::Aborted,
            Some(job) if job.ended => {
                let rows = 0..job.work.len();
                JobState::Complete(rows.map(|row| job.results.get(&row).cloned()).collect())
            }
            Some(job) if job.ends_at.is_some() => JobState::Running,
            Some(_) => JobState::Open,
        }
    }

    /// The rows of jobs that run, or will.
    pub fn running_work(&self) -> impl Iterator<Item = &Work> {
        let running = self
            .jobs
            .values()
            .filter(|job| !job.ended && job.ends_at.is_some());
        running.flat_map(|job| job.work.iter())
    }

    pub(super) fn has_running_jobs(&self) -> bool {
        self.jobs.values().any(|job| !job.ended && job.ends_at.is_some())
    }

    pub(super) fn run_jobs(&mut self) {
        let now = self.now;
        let due: Vec<String> = self
            .jobs
            .iter()
            .filter(|(_, job)| !job.ended && job.ends_at.is_some_and(|at| at <= now))
            .map(|(name, _)| name.clone())
            .collect();
        for name in due {
            let Some((object, work)) = self
                .jobs
                .get_mut(&name)
                .map(|job| (job.object, std::mem::take(&mut job.work)))
            else {
                continue;
            };
            let results = work
                .iter()
                .enumerate()
                .map(|(row, work)| (row, self.perform(object, work)))
                .collect();
            if let Some(job) = self.jobs.get_mut(&name) {
                job.work = work;
                job.results = results;
                job.ended = true;
            }
        }
    }
}
