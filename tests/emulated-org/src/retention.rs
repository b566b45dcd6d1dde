//! What Salesforce keeps for a while only: what lies in the recycle bin, and rows of Apex jobs that have ended.
//!
//! Source: Salesforce Help, Manage the Recycle Bin: records stay for 15 days and are then deleted for good; Apex
//! Reference Guide, `System.purgeOldAsyncJobs`: jobs that have finished are cleaned up when they are older than seven
//! days, by their CompletedDate. When of a day Salesforce does so is not documented. That a bin which is over its size
//! loses its oldest records earlier is left out.

use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::org::Org;

/// How long records stay in the recycle bin.
const IN_BIN: TimeDelta = TimeDelta::days(15);

/// How long rows of jobs stay that have ended.
const ENDED_JOBS: TimeDelta = TimeDelta::days(7);

/// How often it is looked what is too old, by the organisation's clock.
const EVERY: TimeDelta = TimeDelta::hours(1);

/// When it was last looked.
#[derive(Debug, Default)]
pub(crate) struct Retention {
    looked: Mutex<Option<DateTime<Utc>>>,
}

impl Retention {
    /// Whether it is time to look. A new organisation has nothing old.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let last = *looked.get_or_insert(now);
        // A clock that was set back begins anew.
        let is_due = now >= last + EVERY;
        if is_due || now < last {
            *looked = Some(now);
        }
        is_due
    }
}

impl Org {
    /// Deletes for good what is too old to be kept.
    pub(crate) fn forget_what_is_old(&self) {
        let now = self.clock.now();
        if !self.retention.is_due(now) {
            return;
        }
        let mut data = self.write();
        data.purge_until(now - IN_BIN);
        data.forget_jobs_until(now - ENDED_JOBS);
    }
}
