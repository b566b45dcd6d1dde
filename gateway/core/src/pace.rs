//! When a run that gets on at some pace will have ended.

use chrono::TimeDelta;

use crate::Instant;
use crate::ports::runs::{Pace, Run, RunPart, RunState};

/// A pace that is older says nothing of now: the run waits for something.
const STALE_AFTER: TimeDelta = TimeDelta::seconds(60);

/// A run in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Rows that were read.
    pub done: u64,
    /// Rows in all; none while Salesforce has not said it of every part.
    pub total: Option<u64>,
    /// Rows in a second, of late; none while nothing is read.
    pub per_second: Option<u64>,
    /// When the run will have ended at that pace; none where that is past telling.
    pub ends_at: Option<Instant>,
}

/// How far a run is, and when it will have ended.
pub fn reached(run: &Run, now: Instant) -> Reached {
    let done = run.parts.iter().map(|part| part.rows).sum();
    let total: Option<u64> = run.parts.iter().map(expected).sum();
    let pace = run
        .pace
        .filter(|pace| run.state == RunState::Running && pace.at + STALE_AFTER >= now);
    let per_second = pace.map(|pace| pace.per_second);
    let ends_at = total
        .zip(pace.filter(|pace| pace.per_second > 0))
        .and_then(|(total, pace)| ends_at(total.saturating_sub(done), pace, now));
    Reached {
        done,
        total,
        per_second,
        ends_at,
    }
}

fn expected(part: &RunPart) -> Option<u64> {
    // A row that came after Salesforce counted is no reason to promise less than is done.
    part.expected.map(|expected| expected.max(part.rows))
}

fn ends_at(left: u64, pace: Pace, now: Instant) -> Option<Instant> {
    let seconds = i64::try_from(left.div_ceil(pace.per_second)).ok()?;
    now.checked_add_signed(TimeDelta::try_seconds(seconds)?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;
    use crate::id::{ConnectionId, MappingId, RunId};
    use crate::ports::runs::{PartProgress, RunKind};

    fn now() -> Instant {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn run(parts: &[(u64, Option<u64>)], pace: Option<(u64, i64)>) -> Run {
        Run {
            id: RunId(1),
            connection: ConnectionId(1),
            kind: RunKind::Initial,
            state: RunState::Running,
            error: None,
            created_at: now(),
            finished_at: None,
            pace: pace.map(|(per_second, seconds_ago)| Pace {
                per_second,
                at: now() - TimeDelta::seconds(seconds_ago),
            }),
            parts: parts
                .iter()
                .map(|(rows, expected)| RunPart {
                    mapping: MappingId(1),
                    progress: PartProgress::Waiting,
                    rows: *rows,
                    expected: *expected,
                    outcomes: BTreeMap::new(),
                    dropped: 0,
                })
                .collect(),
        }
    }

    #[test]
    fn the_end_is_told_once_every_part_is_counted_and_while_rows_come() {
        let counted = [(100, Some(100)), (50, Some(250))];
        let told = reached(&run(&counted, Some((20, 5))), now());
        assert_eq!(
            (told.done, told.total, told.per_second),
            (150, Some(350), Some(20))
        );
        assert_eq!(told.ends_at, Some(now() + TimeDelta::seconds(10)));
        for (parts, pace) in [
            (vec![(100, Some(100)), (0, None)], Some((20, 5))),
            (counted.to_vec(), None),
            (counted.to_vec(), Some((0, 5))),
            (counted.to_vec(), Some((20, 61))),
        ] {
            assert_eq!(
                reached(&run(&parts, pace), now()).ends_at,
                None,
                "{parts:?} {pace:?}"
            );
        }
        let ended = Run {
            state: RunState::Completed,
            ..run(&counted, Some((20, 5)))
        };
        assert_eq!(reached(&ended, now()).per_second, None);
    }

    proptest! {
        #[test]
        fn no_numbers_break_it_and_the_end_is_never_past(
            rows in any::<u32>(), expected in any::<u64>(), per_second in any::<u64>(),
        ) {
            let told = reached(&run(&[(rows.into(), Some(expected))], Some((per_second, 0))), now());
            prop_assert!(told.ends_at.is_none_or(|end| end >= now()));
            prop_assert!(told.total.is_some_and(|total| total >= told.done));
        }
    }
}
