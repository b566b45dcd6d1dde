//! Which requests the organisation has seen, so that tests can count calls.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Counts of all requests, and the latest ones in full. Requests to `/emulator/…` are left out.
#[derive(Debug, Default)]
pub struct RequestLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<(String, String), u64>,
    latest: VecDeque<LoggedRequest>,
    arrived: u64,
}

/// One request. Headers and bodies are not kept: they hold tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// When it was answered, by the organisation's clock.
    pub at: DateTime<Utc>,
    /// The HTTP method.
    pub method: String,
    /// The route it matched, such as `/services/data/{version}/sobjects/{object}/{id}`.
    pub route: String,
    /// Path and query as sent.
    pub uri: String,
    /// The client that it named (`Sforce-Call-Options`), or none.
    pub client: Option<String>,
    /// The HTTP status; 0 where the connection was cut instead of an answer.
    pub status: u16,
    /// How long the organisation took for the answer's head, in microseconds.
    pub microseconds: u64,
    /// How many API calls it cost.
    #[serde(rename = "apiCalls")]
    pub api_calls: u64,
}

impl RequestLog {
    /// How many requests had this method and matched this route.
    #[must_use]
    pub fn count(&self, method: &str, route: &str) -> u64 {
        self.lock()
            .counts
            .get(&(method.to_owned(), route.to_owned()))
            .copied()
            .unwrap_or(0)
    }

    /// The counts by method and route.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(String, String), u64> {
        self.lock().counts.clone()
    }

    /// How many requests there were.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.lock().counts.values().sum()
    }

    /// How many requests arrived, those included that are still without an answer.
    #[must_use]
    pub fn arrived(&self) -> u64 {
        self.lock().arrived
    }

    /// The latest 10,000 requests, oldest first.
    #[must_use]
    pub fn latest(&self) -> Vec<LoggedRequest> {
        self.lock().latest.iter().cloned().collect()
    }

    /// The latest so many requests, oldest first.
    #[must_use]
    pub fn last(&self, most: usize) -> Vec<LoggedRequest> {
        let state = self.lock();
        let skipped = state.latest.len().saturating_sub(most);
        state.latest.iter().skip(skipped).cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    pub(crate) fn note_arrival(&self) {
        self.lock().arrived += 1;
    }

    pub(crate) fn record(&self, request: LoggedRequest) {
        const KEPT: usize = 10_000;
        let mut state = self.lock();
        *state
            .counts
            .entry((request.method.clone(), request.route.clone()))
            .or_default() += 1;
        if state.latest.len() == KEPT {
            state.latest.pop_front();
        }
        state.latest.push_back(request);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
