//! How much each connection grew since PostgreSQL last looked.
//!
//! PostgreSQL plans by statistics, and for a connection that it never sampled it expects next to no rows: it then
//! reads all of the connection's links to find five hundred of them. Its own sampling comes a minute late, which is
//! half an initial sync. So the store asks for a sample itself whenever a connection has grown fourfold.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use causeway_core::id::ConnectionId;

/// Rows after which a connection is sampled for the first time.
const FIRST: u64 = 500;
/// How much it then has to grow.
const FACTOR: u64 = 4;

/// Rows written for each connection by this process.
#[derive(Default)]
pub(crate) struct Growth(Mutex<State>);

#[derive(Default)]
struct State {
    connections: HashMap<ConnectionId, Grown>,
    due: bool,
}

struct Grown {
    rows: u64,
    sample_at: u64,
}

impl Growth {
    /// Counts rows that were written. Those of a unit that fails later count too: it is an estimate.
    pub(crate) fn add(&self, connection: ConnectionId, rows: usize) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let grown = state.connections.entry(connection).or_insert(Grown {
            rows: 0,
            sample_at: FIRST,
        });
        grown.rows = grown.rows.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
        if grown.rows >= grown.sample_at {
            grown.sample_at = grown.rows.saturating_mul(FACTOR);
            state.due = true;
        }
    }

    /// Whether a sample is due. Only the first who asks is told so.
    pub(crate) fn take_due(&self) -> bool {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_due_whenever_a_connection_has_grown_fourfold() {
        let growth = Growth::default();
        let mut due_at = Vec::new();
        for hundred in 1..=100 {
            growth.add(ConnectionId(1), 100);
            if growth.take_due() {
                due_at.push(hundred * 100);
            }
        }
        assert_eq!(due_at, [500, 2000, 8000]);
        growth.add(ConnectionId(2), 400);
        assert!(!growth.take_due(), "each connection for itself");
        growth.add(ConnectionId(2), 100);
        assert!(growth.take_due());
        assert!(!growth.take_due(), "told once");
    }
}
