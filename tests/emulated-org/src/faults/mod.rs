//! Trouble on demand: delays, lost answers, errors; and trouble by chance.

mod apex;
mod chaos;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use apex::{ApexFaults, CalloutFault, Statement, StatementFault};
use chaos::Chances;
pub(crate) use chaos::Mishap;
pub use chaos::{Chaos, Trouble};
use serde::Serialize;

/// Faults that the server applies to data API requests (`/services/data/v…`), in this order:
/// the delay, then a canned error instead of the request's work, then the cut after a write or within a page.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
    apex: ApexFaults,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    cut_after_writes: u32,
    cut_result_pages: u32,
    /// Each with how many requests it still answers.
    answers: VecDeque<(CannedAnswer, u32)>,
    chances: Chances,
}

/// An error answer given instead of doing the request's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The error code in the body.
    pub code: String,
}

/// The faults that are set at a moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveFaults {
    /// How long every data API request waits.
    pub delay_milliseconds: u64,
    /// How many writes still lose their answers.
    pub cut_after_next_writes: u32,
    /// How many result pages are still cut.
    pub cut_next_result_pages: u32,
    /// The canned errors that wait, each with how many requests it still answers.
    pub answer_next: Vec<WaitingAnswer>,
    /// The trouble by chance.
    pub chaos: Option<Chaos>,
}

/// A canned error that waits for requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitingAnswer {
    /// How many requests it still answers.
    pub requests: u32,
    /// The HTTP status.
    pub status: u16,
    /// The error code in the body.
    pub code: String,
}

impl Faults {
    /// The faults that are set now.
    #[must_use]
    pub fn active(&self) -> ActiveFaults {
        let state = self.lock();
        ActiveFaults {
            delay_milliseconds: u64::try_from(state.delay.as_millis()).unwrap_or(u64::MAX),
            cut_after_next_writes: state.cut_after_writes,
            cut_next_result_pages: state.cut_result_pages,
            answer_next: state
                .answers
                .iter()
                .map(|(answer, requests)| WaitingAnswer {
                    requests: *requests,
                    status: answer.status,
                    code: answer.code.clone(),
                })
                .collect(),
            chaos: state.chances.active(),
        }
    }

    /// Makes every data API request wait first; zero ends it.
    pub fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    /// For the next `writes` requests that wrote something, Bulk jobs included: the write takes place, and the
    /// connection is closed without an answer.
    pub fn cut_after_next_writes(&self, writes: u32) {
        self.lock().cut_after_writes = writes;
    }

    /// Closes the connection in the middle of the body of each of the next `pages` Bulk result pages: head and
    /// about half of the rows arrive, the last of them torn.
    pub fn cut_next_result_pages(&self, pages: u32) {
        self.lock().cut_result_pages = pages;
    }

    /// Answers the next `requests` data API requests with an error, without doing their work.
    /// Several calls queue up.
    pub fn answer_next(&self, requests: u32, status: u16, code: impl Into<String>) {
        let answer = CannedAnswer {
            status,
            code: code.into(),
        };
        if requests > 0 {
            self.lock().answers.push_back((answer, requests));
        }
    }

    /// Trouble inside the organisation's Apex.
    #[must_use]
    pub fn apex(&self) -> &ApexFaults {
        &self.apex
    }

    /// Lets a share of all data API answers go wrong from now on.
    pub fn set_chaos(&self, chaos: Chaos) {
        self.lock().chances.set(chaos);
    }

    /// How many answers went wrong by chance, by the way they did.
    #[must_use]
    pub fn troubles(&self) -> BTreeMap<Trouble, u64> {
        self.lock().chances.counts.clone()
    }

    /// Ends all faults and forgets their counts.
    pub fn clear(&self) {
        self.apex.end();
        *self.lock() = State::default();
    }

    pub(crate) fn roll(&self, client: Option<&str>, writes_rows: bool) -> Option<Mishap> {
        self.lock().chances.roll(client, writes_rows)
    }

    pub(crate) fn current_delay(&self) -> Duration {
        self.lock().delay
    }

    pub(crate) fn take_answer(&self) -> Option<CannedAnswer> {
        let mut state = self.lock();
        let (answer, left) = state.answers.front_mut()?;
        let answer = answer.clone();
        *left -= 1;
        if *left == 0 {
            state.answers.pop_front();
        }
        Some(answer)
    }

    pub(crate) fn take_cut(&self) -> bool {
        count_down(&mut self.lock().cut_after_writes)
    }

    pub(crate) fn take_page_cut(&self) -> bool {
        count_down(&mut self.lock().cut_result_pages)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether one was left; it is gone then.
fn count_down(left: &mut u32) -> bool {
    let any = *left > 0;
    *left = left.saturating_sub(1);
    any
}
