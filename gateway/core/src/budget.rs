//! How many Salesforce calls a connection may spend.

use crate::ports::Lane;

/// Calls in 24 hours where neither the admin nor the org said a number: what a small paid org has to spare.
const UNTOLD: u64 = 5_000;

/// How many calls may be spent in 24 hours: the admin's own number, else half of the org's allowance.
pub fn cap(own: Option<u64>, allowance: Option<u64>) -> u64 {
    own.or(allowance.map(|calls| calls / 2)).unwrap_or(UNTOLD)
}

/// How much of the cap a lane may use up: work for which nobody waits leaves a fifth for the rest.
pub fn usable(cap: u64, lane: Lane) -> u64 {
    match lane {
        Lane::Interactive => cap,
        Lane::Bulk => cap - cap.div_ceil(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_admins_number_comes_before_half_of_the_orgs() {
        for (own, allowance, expected) in [
            (Some(7), Some(100_000), 7),
            (Some(0), Some(100_000), 0),
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
}
