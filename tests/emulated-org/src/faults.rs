//! Trouble on demand: delays, lost answers, errors.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Faults that the server applies to data API requests (`/services/data/v…`), in this order:
/// the delay, then a canned error instead of the request's work, then the cut after a write.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    cut_after_writes: u32,
    answers: VecDeque<CannedAnswer>,
}

/// An error answer given instead of doing the request's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The error code in the body.
    pub code: String,
}

impl Faults {
    /// Makes every data API request wait first; zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// For the next `writes` requests that wrote something: the write takes place, and the connection
    /// is closed without an answer.
    pub fn cut_after_next_writes(&self, writes: u32) {
        self.lock().cut_after_writes = writes;
    }

    /// Answers the next `requests` data API requests with an error, without doing their work.
    /// Several calls queue up.
    pub fn answer_next(&self, requests: u32, status: u16, code: impl Into<String>) {
        let answer = CannedAnswer {
            status,
            code: code.into(),
        };
        let mut state = self.lock();
        for _ in 0..requests {
            state.answers.push_back(answer.clone());
        }
    }

    /// Ends all faults.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    pub(crate) fn current_delay(&self) -> Duration {
        self.lock().delay
    }

    pub(crate) fn take_answer(&self) -> Option<CannedAnswer> {
        self.lock().answers.pop_front()
    }

    pub(crate) fn take_cut(&self) -> bool {
        let mut state = self.lock();
        let cut = state.cut_after_writes > 0;
        state.cut_after_writes = state.cut_after_writes.saturating_sub(1);
        cut
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
