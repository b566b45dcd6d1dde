//! When to try again.

use std::time::Duration;

/// A bounded exponential schedule with full jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetrySchedule {
    /// Upper bound of the first delay.
    pub first: Duration,
    /// Upper bound of every delay.
    pub longest: Duration,
    /// Attempts before a person is asked; the first try counts.
    pub attempts: u32,
}

impl RetrySchedule {
    /// The delay after failed attempt number `attempt` (from 1), or `None` when a person has to act.
    ///
    /// `jitter` is a random number in [0, 1]; delays lie between half and all of the bound, so that many clients
    /// that failed together do not come back together.
    pub fn delay(&self, attempt: u32, jitter: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let bound = self
            .first
            .saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)))
            .min(self.longest);
        let share = if jitter.is_nan() {
            1.0
        } else {
            0.5 + jitter.clamp(0.0, 1.0) / 2.0
        };
        // A bound beyond what floating point counts to is kept whole.
        let delay = Duration::try_from_secs_f64(bound.as_secs_f64() * share).unwrap_or(bound);
        Some(delay.clamp(bound / 2, bound))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedules() -> impl Strategy<Value = RetrySchedule> {
        let durations = prop_oneof![
            (0u64..100_000).prop_map(Duration::from_millis),
            any::<(u64, u32)>().prop_map(|(seconds, nanos)| Duration::new(seconds, nanos % 1_000_000_000)),
        ];
        (durations.clone(), durations, any::<u32>()).prop_map(|(first, longest, attempts)| RetrySchedule {
            first,
            longest,
            attempts,
        })
    }

    #[test]
    fn delays_double_up_to_the_longest_and_end() {
        let schedule = RetrySchedule {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(5),
            attempts: 6,
        };
        let delays: Vec<_> = (1..=7).map(|attempt| schedule.delay(attempt, 1.0)).collect();
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(
            delays,
            [
                seconds(1),
                seconds(2),
                seconds(4),
                seconds(5),
                seconds(5),
                None,
                None
            ]
        );
        assert_eq!(schedule.delay(1, 0.0), Some(Duration::from_millis(500)));
    }

    proptest! {
        #[test]
        fn delays_stay_between_half_and_all_of_a_bound_that_never_shrinks(
            schedule in schedules(),
            attempt in any::<u32>(),
            jitter in any::<f64>(),
        ) {
            let full = schedule.delay(attempt, 1.0);
            prop_assert_eq!(full.is_none(), attempt >= schedule.attempts);
            if let (Some(full), Some(delay)) = (full, schedule.delay(attempt, jitter)) {
                prop_assert!(delay <= full && delay >= full / 2);
                prop_assert!(full <= schedule.longest);
                if let Some(next) = schedule.delay(attempt.saturating_add(1), 1.0) {
                    prop_assert!(next >= full);
                }
            }
        }

        #[test]
        fn more_jitter_never_waits_less(schedule in schedules(), attempt in 0u32..50, one in 0.0..=1.0f64, other in 0.0..=1.0f64) {
            let (low, high) = if one < other { (one, other) } else { (other, one) };
            prop_assert!(schedule.delay(attempt, low) <= schedule.delay(attempt, high));
        }
    }
}
