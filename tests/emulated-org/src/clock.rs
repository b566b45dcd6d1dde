//! The organisation's clock, which tests may set.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};

/// A clock that runs with the system's, shifted, or stands still. Clones share one state.
#[derive(Clone, Debug)]
pub struct Clock {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Running { ahead: TimeDelta },
    Fixed(DateTime<Utc>),
}

impl Clock {
    /// A clock that runs with the system's.
    #[must_use]
    pub fn system() -> Self {
        Self {
            state: Arc::new(Mutex::new(State::Running {
                ahead: TimeDelta::zero(),
            })),
        }
    }

    /// A clock that stands still until it is set or advanced.
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::Fixed(at))),
        }
    }

    /// The present moment, to the millisecond.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.lock().now()
    }

    /// Sets the time. A running clock runs on from there, a fixed one stands there. Salesforce's calendar
    /// ends with the year 3999; a later moment sets the clock to that end, an earlier one than 1700 to its start.
    pub fn set(&self, to: DateTime<Utc>) {
        self.lock().set(to);
    }

    /// Moves the time forward, at most to the end of the calendar.
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::MAX);
        let mut state = self.lock();
        let to = state.now().checked_add_signed(by);
        state.set(to.unwrap_or(DateTime::<Utc>::MAX_UTC));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A clock has no state that a panic could leave half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(self) -> DateTime<Utc> {
        match self {
            Self::Running { ahead } => system_now() + ahead,
            Self::Fixed(at) => at,
        }
    }

    fn set(&mut self, to: DateTime<Utc>) {
        // Beyond the calendar, sums of moments and spans would leave what a moment can hold.
        let first = DateTime::from_timestamp(FIRST_SECOND, 0).unwrap_or(to);
        let last = DateTime::from_timestamp(LAST_SECOND, 0).unwrap_or(to);
        let to = to.max(first).min(last);
        *self = match self {
            Self::Running { .. } => Self::Running {
                ahead: to - system_now(),
            },
            Self::Fixed(_) => Self::Fixed(to),
        };
    }
}

/// The first second of 1700, before the Unix epoch.
const FIRST_SECOND: i64 = -8_520_336_000;
/// The last second of 3999.
const LAST_SECOND: i64 = 64_060_588_799;

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

fn system_now() -> DateTime<Utc> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let milliseconds = i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX);
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let start = DateTime::from_timestamp_millis(1_800_000_000_000).expect("a moment");
        let clock = Clock::fixed(start);
        assert_eq!(clock.now(), start);
        clock.clone().advance(Duration::from_secs(60));
        assert_eq!(clock.now(), start + TimeDelta::seconds(60));
        clock.set(start);
        assert_eq!(clock.now(), start);
    }

    #[test]
    fn a_running_clock_runs_on_from_where_it_is_set() {
        let target = DateTime::from_timestamp_millis(1_900_000_000_000).expect("a moment");
        let clock = Clock::system();
        clock.set(target);
        let ahead = clock.now() - target;
        assert!(
            ahead >= TimeDelta::zero() && ahead < TimeDelta::seconds(30),
            "{ahead}"
        );
    }
}
