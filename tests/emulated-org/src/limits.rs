//! Allocations: how much of what the organisation may spend in 24 hours.
//!
//! Source: Salesforce Developer Limits and Allocations Quick Reference; Salesforce REST API Developer
//! Guide, Limits. Allocations are sums over a rolling day. Salesforce tolerates some excess for a while;
//! this organisation does not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// An allocation by its name in the `/limits` answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allocation {
    /// REST, SOAP and Bulk requests in 24 hours.
    DailyApiRequests,
    /// Bulk API 2.0 query jobs in 24 hours.
    DailyBulkV2QueryJobs,
    /// Megabytes of Bulk API 2.0 query results in 24 hours.
    DailyBulkV2QueryFileStorageMB,
    /// Bulk API batches in 24 hours.
    DailyBulkApiBatches,
    /// Records of Bulk API 2.0 ingest jobs in 24 hours; `/limits` does not tell it.
    DailyBulkV2IngestRecords,
    /// Asynchronous Apex executions in 24 hours.
    DailyAsyncApexExecutions,
    /// Platform events delivered in 24 hours.
    DailyDeliveredPlatformEvents,
    /// Platform events published in one hour.
    HourlyPublishedPlatformEvents,
    /// Megabytes of data storage.
    DataStorageMB,
    /// Megabytes of file storage.
    FileStorageMB,
}

impl Allocation {
    /// The allocations of the `/limits` answer, in its order.
    pub const ALL: [Self; 9] = [
        Self::DailyApiRequests,
        Self::DailyAsyncApexExecutions,
        Self::DailyBulkApiBatches,
        Self::DailyBulkV2QueryFileStorageMB,
        Self::DailyBulkV2QueryJobs,
        Self::DailyDeliveredPlatformEvents,
        Self::DataStorageMB,
        Self::FileStorageMB,
        Self::HourlyPublishedPlatformEvents,
    ];

    /// The name in the answer.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DailyApiRequests => "DailyApiRequests",
            Self::DailyBulkV2QueryJobs => "DailyBulkV2QueryJobs",
            Self::DailyBulkV2QueryFileStorageMB => "DailyBulkV2QueryFileStorageMB",
            Self::DailyBulkApiBatches => "DailyBulkApiBatches",
            Self::DailyBulkV2IngestRecords => "DailyBulkV2IngestRecords",
            Self::DailyAsyncApexExecutions => "DailyAsyncApexExecutions",
            Self::DailyDeliveredPlatformEvents => "DailyDeliveredPlatformEvents",
            Self::HourlyPublishedPlatformEvents => "HourlyPublishedPlatformEvents",
            Self::DataStorageMB => "DataStorageMB",
            Self::FileStorageMB => "FileStorageMB",
        }
    }

    fn window(self) -> TimeDelta {
        match self {
            Self::HourlyPublishedPlatformEvents => TimeDelta::hours(1),
            _ => TimeDelta::hours(24),
        }
    }
}

/// The allocation is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} limit exceeded", .0.name())]
pub struct LimitExceeded(pub Allocation);

/// What has been spent of each allocation.
#[derive(Debug)]
pub struct Limits {
    windows: Mutex<BTreeMap<Allocation, Window>>,
}

#[derive(Debug)]
struct Window {
    maximum: u64,
    /// Uses by the minute they fell into, oldest first.
    uses: VecDeque<(i64, u64)>,
    used: u64,
}

impl Limits {
    /// Allocations with the given sizes; the ones not named have room for nothing.
    #[must_use]
    pub fn new(maxima: impl IntoIterator<Item = (Allocation, u64)>) -> Self {
        let windows = maxima
            .into_iter()
            .map(|(allocation, maximum)| {
                (
                    allocation,
                    Window {
                        maximum,
                        uses: VecDeque::new(),
                        used: 0,
                    },
                )
            })
            .collect();
        Self {
            windows: Mutex::new(windows),
        }
    }

    /// Spends an amount.
    ///
    /// # Errors
    /// The amount does not fit; nothing is spent then.
    pub fn spend(
        &self,
        allocation: Allocation,
        amount: u64,
        now: DateTime<Utc>,
    ) -> Result<(), LimitExceeded> {
        let mut windows = self.lock();
        let window = windows.get_mut(&allocation).ok_or(LimitExceeded(allocation))?;
        window.forget_before(now - allocation.window());
        if window.used.saturating_add(amount) > window.maximum {
            return Err(LimitExceeded(allocation));
        }
        window.add(amount, now);
        Ok(())
    }

    /// Spends an amount, or what is left of the allocation where the amount does not fit.
    pub fn spend_up_to(&self, allocation: Allocation, amount: u64, now: DateTime<Utc>) {
        if let Some(window) = self.lock().get_mut(&allocation) {
            window.forget_before(now - allocation.window());
            window.add(amount.min(window.maximum.saturating_sub(window.used)), now);
        }
    }

    /// Spends an amount, whether it fits or not.
    pub fn overrun(&self, allocation: Allocation, amount: u64, now: DateTime<Utc>) {
        if let Some(window) = self.lock().get_mut(&allocation) {
            window.forget_before(now - allocation.window());
            window.add(amount, now);
        }
    }

    /// What has been spent in the rolling window, and what may be.
    pub fn usage(&self, allocation: Allocation, now: DateTime<Utc>) -> (u64, u64) {
        self.lock().get_mut(&allocation).map_or((0, 0), |window| {
            window.forget_before(now - allocation.window());
            (window.used, window.maximum)
        })
    }

    /// Changes what may be spent.
    pub fn set_maximum(&self, allocation: Allocation, maximum: u64) {
        self.lock()
            .entry(allocation)
            .or_insert(Window {
                maximum,
                uses: VecDeque::new(),
                used: 0,
            })
            .maximum = maximum;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Allocation, Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn add(&mut self, amount: u64, now: DateTime<Utc>) {
        let minute = now.timestamp().div_euclid(60);
        // In order even after the clock was set back: what is out of order would be freed late.
        match self.uses.binary_search_by_key(&minute, |(known, _)| *known) {
            Ok(at) => {
                if let Some((_, count)) = self.uses.get_mut(at) {
                    *count += amount;
                }
            }
            Err(at) => self.uses.insert(at, (minute, amount)),
        }
        self.used += amount;
    }

    fn forget_before(&mut self, moment: DateTime<Utc>) {
        let minute = moment.timestamp().div_euclid(60);
        while let Some((oldest, count)) = self.uses.front().copied()
            && oldest < minute
        {
            self.used -= count;
            self.uses.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_later_what_was_spent_is_free_again() {
        let limits = Limits::new([(Allocation::DailyApiRequests, 3)]);
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment");
        let spend = |hours| limits.spend(Allocation::DailyApiRequests, 1, start + TimeDelta::hours(hours));
        assert_eq!(
            [0, 1, 2, 3].map(|hour| spend(hour).is_ok()),
            [true, true, true, false]
        );
        assert_eq!(
            limits.usage(Allocation::DailyApiRequests, start + TimeDelta::hours(23)),
            (3, 3)
        );
        assert_eq!([25, 25].map(|hour| spend(hour).is_ok()), [true, false]);
    }

    #[test]
    fn an_allocation_that_was_not_given_has_no_room() {
        let limits = Limits::new([]);
        let refused = limits.spend(Allocation::DataStorageMB, 1, DateTime::UNIX_EPOCH);
        assert_eq!(refused, Err(LimitExceeded(Allocation::DataStorageMB)));
    }
}
