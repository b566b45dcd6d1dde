//! What crossed between both sides in an hour, in a form whose size does not grow with it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::decide::Outcome;

/// What crossed in an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hour {
    /// Records whose news of Salesforce changed the partner's side.
    pub to_partner: u64,
    /// Writes that Salesforce stored.
    pub to_salesforce: u64,
    /// Records that were held, and writes that Salesforce refused.
    pub failures: u64,
    /// How long pushed changes were on their way.
    pub lags: Lags,
}

impl Hour {
    /// What decided news amounted to.
    pub fn of_news(outcomes: &BTreeMap<Outcome, u64>) -> Hour {
        let mut hour = Hour::default();
        for (outcome, count) in outcomes {
            match outcome {
                Outcome::Held => hour.failures += count,
                Outcome::Confirmed => {}
                Outcome::Created
                | Outcome::Updated
                | Outcome::Deleted
                | Outcome::Restored
                | Outcome::Relinked => hour.to_partner += count,
            }
        }
        hour
    }

    /// Adds another count.
    pub fn add(&mut self, other: &Hour) {
        self.to_partner += other.to_partner;
        self.to_salesforce += other.to_salesforce;
        self.failures += other.failures;
        self.lags.add(&other.lags);
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Hour::default()
    }
}

/// How long changes took from one side to the other: counts by powers of two of milliseconds, and the longest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lags {
    /// How many took less than two to the power of the key, in milliseconds, and no less than half of that.
    counts: BTreeMap<u32, u64>,
    /// The longest, in milliseconds.
    longest: u64,
}

impl Lags {
    /// Counts a change that was made at one moment and known at another. Clocks of two systems differ: one that
    /// seems to have come before it was made took no time.
    pub fn note(&mut self, made: Instant, known: Instant) {
        let millis = u64::try_from((known - made).num_milliseconds()).unwrap_or(0);
        *self.counts.entry(u64::BITS - millis.leading_zeros()).or_default() += 1;
        self.longest = self.longest.max(millis);
    }

    /// The longest; none where nothing was counted.
    pub fn longest(&self) -> Option<Duration> {
        (!self.counts.is_empty()).then(|| Duration::from_millis(self.longest))
    }

    /// What half of the changes took no longer than, up to the next power of two of milliseconds; never more than the
    /// longest.
    pub fn median(&self) -> Option<Duration> {
        let all: u64 = self.counts.values().sum();
        let mut passed = 0;
        for (power, count) in &self.counts {
            passed += count;
            if passed >= all.div_ceil(2) {
                let bound = 1_u64.checked_shl(*power).map_or(u64::MAX, |bound| bound - 1);
                return Some(Duration::from_millis(bound.min(self.longest)));
            }
        }
        None
    }

    fn add(&mut self, other: &Lags) {
        for (power, count) in &other.counts {
            *self.counts.entry(*power).or_default() += count;
        }
        self.longest = self.longest.max(other.longest);
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use proptest::prelude::*;

    use super::*;

    fn lags(millis: &[i64]) -> Lags {
        let mut lags = Lags::default();
        for millis in millis {
            let known = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(*millis);
            lags.note(DateTime::UNIX_EPOCH, known);
        }
        lags
    }

    #[test]
    fn without_changes_there_is_no_lag_and_a_clock_that_is_behind_makes_none() {
        assert_eq!((lags(&[]).median(), lags(&[]).longest()), (None, None));
        let behind = lags(&[-5_000]);
        assert_eq!(behind.median(), Some(Duration::ZERO));
        assert_eq!(behind.longest(), Some(Duration::ZERO));
    }

    #[test]
    fn held_records_are_failures_and_confirmed_ones_are_nothing() {
        let outcomes = [(Outcome::Created, 3), (Outcome::Held, 2), (Outcome::Confirmed, 9)];
        let hour = Hour::of_news(&outcomes.into());
        assert_eq!((hour.to_partner, hour.failures), (3, 2));
        assert!(Hour::of_news(&[(Outcome::Confirmed, 9)].into()).is_empty());
    }

    proptest! {
        #[test]
        fn the_median_lies_between_the_true_one_and_twice_that(
            mut millis in prop::collection::vec(0i64..100_000_000, 1..60),
        ) {
            let told = lags(&millis).median().unwrap();
            millis.sort_unstable();
            let middle = millis[(millis.len() - 1) / 2];
            let middle = Duration::from_millis(u64::try_from(middle).unwrap());
            prop_assert!(told >= middle && told <= middle * 2 + Duration::from_millis(1), "{told:?} {middle:?}");
        }

        #[test]
        fn adding_counts_is_counting_all(
            one in prop::collection::vec(0i64..1_000_000, 0..20),
            other in prop::collection::vec(0i64..1_000_000, 0..20),
        ) {
            let mut both = lags(&one);
            both.add(&lags(&other));
            let all: Vec<i64> = one.into_iter().chain(other).collect();
            prop_assert_eq!(both, lags(&all));
        }
    }
}
