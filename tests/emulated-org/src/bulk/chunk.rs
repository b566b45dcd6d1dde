//! The chunks of Bulk jobs and batches: 200 rows, each a transaction of its own.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, How Requests Are Processed.

use chrono::{DateTime, TimeDelta, Utc};

use crate::data::{Author, Authority, DuplicateOptions, Operation, Outcome, SaveError};
use crate::id::RecordId;
use crate::org::Org;

/// Writes one chunk that began at one moment and ends at another.
pub(super) fn save(
    org: &Org,
    user: RecordId,
    operations: Vec<Result<Operation, SaveError>>,
    began: DateTime<Utc>,
    ends: DateTime<Utc>,
) -> Vec<Outcome> {
    // Had somebody else written one of the rows meanwhile, the chunk would have waited for the lock, and its
    // stamps would be later.
    let waited = org.touched_since(&operations, began);
    let author = Author {
        user,
        now: if waited { ends } else { began },
        authority: Authority::User,
        duplicates: DuplicateOptions::default(),
    };
    let mut claim = org.row_locks.claim();
    org.save_locked(author, operations, false, None, &mut claim)
}

/// The moment between a chunk and the one before it, where all chunks together take `running`.
pub(super) fn edge(
    begins: DateTime<Utc>,
    running: TimeDelta,
    chunk: usize,
    chunks: usize,
) -> Option<DateTime<Utc>> {
    let of = |chunks: usize| i64::from(i32::try_from(chunks).unwrap_or(i32::MAX));
    let share = running
        .num_milliseconds()
        .checked_mul(of(chunk.min(chunks)))?
        .checked_div(of(chunks))?;
    begins.checked_add_signed(TimeDelta::milliseconds(share))
}
