//! How many posts are read and decided together.

use serde_json::Value;

use crate::ports::links::Linked;
use crate::record::FieldValue;
use crate::units::partner_news::{PostedEvent, ReadPost};

/// Posts of the first round. What the records behind them weigh is not known before they are read.
const FIRST: usize = 128;

/// A round reads so many posts, however few the one before it decided.
const LEAST: usize = 16;

/// Once values of so many bytes are at hand, posted and held, the round ends: each is copied several times on its way
/// into the store and the log.
pub(super) const MOST_BYTES: usize = 4 << 20;

/// Hands all posts over in order, a round at a time. `run` tells how many of a round it decided, at least one; the
/// rest comes again.
///
/// A round reads at most twice what the one before it decided. So wherever rounds have to end early, what is read
/// stays in proportion to what was posted.
pub(super) fn in_rounds<T, E>(all: &[T], mut run: impl FnMut(&[T]) -> Result<usize, E>) -> Result<(), E> {
    let mut rest = all;
    let mut most = FIRST;
    while !rest.is_empty() {
        let decided = run(rest.get(..most).unwrap_or(rest))?;
        rest = rest.get(decided..).unwrap_or_default();
        most = decided.saturating_mul(2).max(LEAST);
    }
    Ok(())
}

/// The bytes of a post's values and of those that its record holds, roughly.
pub(super) fn weight(read: &ReadPost<'_>, linked: Option<&Linked>) -> usize {
    let posted = match &read.post.happened {
        PostedEvent::Upsert { fields, .. } => fields
            .iter()
            .map(|(name, value)| name.len() + json_weight(value))
            .sum(),
        PostedEvent::Delete | PostedEvent::Undelete => 0,
    };
    let held: usize = linked
        .and_then(|linked| linked.record.as_ref())
        .map(|record| {
            let fields = record.fields.iter();
            fields.map(|(name, value)| name.len() + held_weight(value)).sum()
        })
        .unwrap_or_default();
    posted + held
}

/// Bytes of a value that has no length of its own.
const SMALL: usize = 16;

fn json_weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(json_weight).sum(),
        Value::Object(values) => values.values().map(json_weight).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => SMALL,
    }
}

fn held_weight(value: &FieldValue) -> usize {
    match value {
        FieldValue::Text(text) => text.len(),
        FieldValue::Choices(choices) => choices.iter().map(String::len).sum(),
        _ => SMALL,
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Posts read when each round ends after so many, and whether each came exactly once, in order.
    fn read(posts: usize, mut ends: impl FnMut(usize) -> usize) -> usize {
        let all: Vec<usize> = (0..posts).collect();
        let (mut read, mut decided) = (0, Vec::new());
        in_rounds(&all, |round| {
            read += round.len();
            let count = ends(round.len());
            decided.extend_from_slice(&round[..count]);
            Ok::<usize, Infallible>(count)
        })
        .unwrap();
        assert_eq!(decided, all);
        read
    }

    #[test]
    fn what_is_read_stays_in_proportion_wherever_rounds_end() {
        for posts in [1, 100, 1_000, 10_000] {
            let bound = FIRST + (2 + LEAST) * posts;
            assert_eq!(read(posts, |round| round), posts, "no round ends early");
            assert!(read(posts, |_| 1) <= bound);
            assert!(read(posts, |round| round.div_ceil(2)) <= bound);
            let mut turn = 0;
            let early_after_a_full_one = |round: usize| {
                turn += 1;
                if turn % 2 == 0 { 1 } else { round }
            };
            assert!(read(posts, early_after_a_full_one) <= bound);
        }
    }
}
