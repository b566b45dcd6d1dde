//! Requests that take long: so many may be under way at once, of all users together.
//!
//! Source: Salesforce Developer Limits and Allocations Quick Reference, API Request Limits and Allocations: concurrent
//! inbound requests of 20 seconds or longer; there is no limit on shorter ones. A request under way becomes long when
//! the organisation's clock says so. Believed: at the limit all new requests are refused, whatever they ask for, and
//! a refused one costs no call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// From this on a request is long.
pub const LONG: TimeDelta = TimeDelta::seconds(20);

/// The requests under way.
#[derive(Debug)]
pub struct LongRequests {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    most: u32,
    next: u64,
    begun: BTreeMap<u64, DateTime<Utc>>,
    of_others: u32,
}

/// A request under way, until it is dropped.
#[derive(Debug)]
pub(crate) struct UnderWay {
    requests: Arc<LongRequests>,
    number: u64,
    /// Whether as many long requests as may be were under way when this one came.
    pub is_too_many: bool,
}

impl LongRequests {
    /// None under way, and so many allowed.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self {
            state: Mutex::new(State {
                most,
                next: 0,
                begun: BTreeMap::new(),
                of_others: 0,
            }),
        }
    }

    /// How many requests are long at this moment, the pretended ones among them, and how many may be.
    #[must_use]
    pub fn usage(&self, now: DateTime<Utc>) -> (u32, u32) {
        let state = self.lock();
        (state.long(now), state.most)
    }

    /// Changes how many may be under way.
    pub fn set_maximum(&self, most: u32) {
        self.lock().most = most;
    }

    /// Pretends that other clients have so many long requests under way, until it is set to another number.
    pub fn pretend(&self, of_others: u32) {
        self.lock().of_others = of_others;
    }

    /// How many are pretended.
    #[must_use]
    pub fn pretended(&self) -> u32 {
        self.lock().of_others
    }

    pub(crate) fn begin(self: &Arc<Self>, now: DateTime<Utc>) -> UnderWay {
        let mut state = self.lock();
        let is_too_many = state.long(now) >= state.most;
        let number = state.next;
        state.next += 1;
        state.begun.insert(number, now);
        UnderWay {
            requests: Arc::clone(self),
            number,
            is_too_many,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn long(&self, now: DateTime<Utc>) -> u32 {
        let own = self.begun.values().filter(|begun| now - **begun >= LONG).count();
        u32::try_from(own)
            .unwrap_or(u32::MAX)
            .saturating_add(self.of_others)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.requests.lock().begun.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_long_from_twenty_seconds_until_it_ends() {
        let requests = Arc::new(LongRequests::new(1));
        let start = DateTime::from_timestamp(1_800_000_000, 0).expect("a moment");
        let first = requests.begin(start);
        let after = |seconds| requests.begin(start + TimeDelta::seconds(seconds)).is_too_many;
        assert_eq!([0, 19, 20].map(after), [false, false, true]);
        drop(first);
        assert!(!after(60));
        requests.pretend(1);
        assert!(after(60));
        assert_eq!(requests.usage(start), (1, 1));
    }
}
