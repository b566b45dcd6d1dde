//! How many Salesforce calls a connection may spend.
//!
//! Calls are counted by the hour in which they were taken. An hour counts as long as any of it lies within the last
//! 24, so that a cap is kept whatever the minute: at worst a call counts for an hour longer than Salesforce counts it.

use chrono::TimeDelta;

use crate::Instant;
use crate::ports::Lane;

/// Calls in 24 hours where neither the admin nor the org said a number: what a small paid org has to spare.
const UNTOLD: u64 = 5_000;

/// Seconds in an hour.
const HOUR: i64 = 3_600;

/// Hours for which a call counts.
const DAY: i64 = 24;

/// How many calls may be spent in 24 hours: the admin's own number, which is never above the org's allowance, else the
/// [automatic] one.
pub fn cap(own: Option<u64>, allowance: Option<u64>) -> u64 {
    own.map_or_else(
        || automatic(allowance),
        |own| allowance.map_or(own, |allowance| own.min(allowance)),
    )
}

/// How many calls may be spent in 24 hours where the admin set no number: half of the org's allowance.
pub fn automatic(allowance: Option<u64>) -> u64 {
    allowance.map_or(UNTOLD, |calls| calls / 2)
}

/// How much of the cap a lane may use up: work for which nobody waits leaves a fifth for the rest.
pub fn usable(cap: u64, lane: Lane) -> u64 {
    match lane {
        Lane::Interactive => cap,
        Lane::Bulk => cap - cap.div_ceil(5),
    }
}

/// The hour, counted from 1970, that a moment lies in.
pub fn hour_of(moment: Instant) -> i64 {
    moment.timestamp().div_euclid(HOUR)
}

/// When an hour begins.
pub fn begins(hour: i64) -> Instant {
    Instant::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// The oldest hour whose calls count: one that ended exactly a day ago does not.
pub fn first_counted(now: Instant) -> i64 {
    hour_of(now) - DAY
}

/// When the calls of an hour no longer count.
pub fn freed_at(hour: i64) -> Instant {
    begins(hour + 1 + DAY)
}

/// When work finds calls again that may use up `usable` of them, given what was spent by hour, oldest hour first. None
/// where it finds some now, and where it never will.
pub fn free_again(spent: &[(Instant, u64)], usable: u64, now: Instant) -> Option<Instant> {
    let counted = || {
        spent
            .iter()
            .map(|(from, calls)| (hour_of(*from), *calls))
            .filter(|(hour, _)| *hour >= first_counted(now))
    };
    let mut left: u64 = counted().map(|(_, calls)| calls).sum();
    if left < usable {
        return None;
    }
    counted().find_map(|(hour, calls)| {
        left = left.saturating_sub(calls);
        (left < usable).then(|| freed_at(hour))
    })
}

/// Until when calls may be made that are taken now. Made later, they would count for less than 24 hours.
pub fn made_until(now: Instant) -> Instant {
    begins(hour_of(now) + 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_admins_number_comes_before_half_of_the_orgs_and_is_never_above_it() {
        for (own, allowance, expected) in [
            (Some(7), Some(100_000), 7),
            (Some(0), Some(100_000), 0),
            (Some(200_000), Some(100_000), 100_000),
            (Some(200_000), None, 200_000),
            (None, Some(100_001), 50_000),
            (None, None, 5_000),
        ] {
            assert_eq!(cap(own, allowance), expected);
        }
    }

    #[test]
    fn bulk_work_leaves_a_fifth() {
        for (cap, bulk) in [
            (0, 0),
            (1, 0),
            (4, 3),
            (5, 4),
            (10, 8),
            (50_000, 40_000),
            (u64::MAX, u64::MAX / 5 * 4),
        ] {
            assert_eq!(usable(cap, Lane::Interactive), cap);
            assert_eq!(usable(cap, Lane::Bulk), bulk);
        }
    }

    #[test]
    fn calls_are_free_again_once_enough_hours_no_longer_count() {
        let now = begins(100);
        let spent = [
            (begins(70), 500),
            (begins(80), 30),
            (begins(90), 40),
            (begins(100), 10),
        ];
        for (usable, expected) in [
            (81, None),
            (80, Some(freed_at(80))),
            (51, Some(freed_at(80))),
            (50, Some(freed_at(90))),
            (11, Some(freed_at(90))),
            (10, Some(freed_at(100))),
            (0, None),
        ] {
            assert_eq!(free_again(&spent, usable, now), expected, "{usable}");
        }
        assert_eq!(free_again(&[], 1, now), None);
    }

    /// Calls that were made, with their moments in seconds: each taker takes what is left, and makes the calls at any
    /// time while they may be made.
    fn made(cap: u64, takers: &[(i64, u64, i64)]) -> Vec<(i64, u64)> {
        let mut taken: BTreeMap<i64, u64> = BTreeMap::new();
        let mut made = Vec::new();
        let mut second = 0;
        for (pause, wanted, delay) in takers {
            second += pause;
            let now = Instant::UNIX_EPOCH + TimeDelta::seconds(second);
            let spent: u64 = taken.range(first_counted(now)..).map(|(_, calls)| calls).sum();
            let calls = cap.saturating_sub(spent).min(*wanted);
            *taken.entry(hour_of(now)).or_default() += calls;
            let last = made_until(now).timestamp() - 1;
            made.push(((second + delay).min(last), calls));
        }
        made
    }

    proptest! {
        #[test]
        fn no_24_hours_see_more_calls_than_the_cap(
            cap in 0u64..200,
            takers in prop::collection::vec((0i64..20_000, 0u64..80, 0i64..5_000), 1..80),
        ) {
            let made = made(cap, &takers);
            for (end, _) in &made {
                let within = made.iter().filter(|(at, _)| *at <= *end && *at > end - 24 * HOUR);
                let calls: u64 = within.map(|(_, calls)| calls).sum();
                prop_assert!(calls <= cap, "{calls} calls in the 24 hours to {end}");
            }
        }

        #[test]
        fn what_was_spent_is_free_again_when_it_is_said_to_be(second in 0i64..10_000_000) {
            let now = Instant::UNIX_EPOCH + TimeDelta::seconds(second);
            let free = freed_at(hour_of(now));
            prop_assert!(first_counted(free) > hour_of(now));
            prop_assert!(first_counted(free - TimeDelta::seconds(1)) <= hour_of(now));
        }
    }
}
