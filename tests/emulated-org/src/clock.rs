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
        match *self.lock() {
            State::Running { ahead } => system_now() + ahead,
            State::Fixed(at) => at,
        }
    }

    /// Sets the time. A running clock runs on from there, a fixed one stands there.
    pub fn set(&self, to: DateTime<Utc>) {
        let mut state = self.lock();
        *state = match *state {
            State::Running { .. } => State::Running {
                ahead: to - system_now(),
            },
            State::Fixed(_) => State::Fixed(to),
        };
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        let by = TimeDelta::from_std(by).unwrap_or(TimeDelta::zero());
        let mut state = self.lock();
        *state = match *state {
            State::Running { ahead } => State::Running { ahead: ahead + by },
            State::Fixed(at) => State::Fixed(at + by),
        };
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A clock has no state that a panic could leave half-written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
