//! Which worker takes what next: no lane and no org keeps all workers to itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use causeway_core::id::ConnectionId;
use causeway_core::ports::Lane;

/// One claim in so many looks for bulk work first, so that it goes on however much interactive work comes in.
const BULK_EVERY: u64 = 4;

/// Who writes to which org at the moment.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Claims are made one after the other, each knowing what the others took.
    claiming: tokio::sync::Mutex<u64>,
    busy: Arc<Mutex<HashMap<ConnectionId, usize>>>,
}

/// What the next claim is to look for. No other claim is made while this is held.
pub(super) struct Next<'a> {
    turns: &'a Turns,
    /// The lane that comes first.
    pub first: Lane,
    /// Connections that have all the workers they may have.
    pub except: Vec<ConnectionId>,
    _claiming: tokio::sync::MutexGuard<'a, u64>,
}

/// A worker's place at a connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    busy: Arc<Mutex<HashMap<ConnectionId, usize>>>,
    connection: ConnectionId,
}

impl Turns {
    /// Waits for this worker's turn to claim; `most` workers may be at one connection.
    pub(super) async fn next(&self, most: usize) -> Next<'_> {
        let mut claiming = self.claiming.lock().await;
        *claiming = claiming.wrapping_add(1);
        let first = if claiming.is_multiple_of(BULK_EVERY) {
            Lane::Bulk
        } else {
            Lane::Interactive
        };
        let except = self
            .busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|(_, workers)| **workers >= most)
            .map(|(connection, _)| *connection)
            .collect();
        Next {
            turns: self,
            first,
            except,
            _claiming: claiming,
        }
    }
}

impl Next<'_> {
    /// Takes a place at the connection that was claimed for.
    pub(super) fn take(self, connection: ConnectionId) -> Place {
        let busy = Arc::clone(&self.turns.busy);
        *busy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(connection)
            .or_default() += 1;
        Place { busy, connection }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(workers) = busy.get_mut(&self.connection) {
            *workers = workers.saturating_sub(1);
        }
        busy.retain(|_, workers| *workers > 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: ConnectionId = ConnectionId(1);
    const OTHER: ConnectionId = ConnectionId(2);

    #[tokio::test]
    async fn a_connection_is_passed_over_while_it_has_all_the_workers_it_may_have() {
        let turns = Turns::default();
        let first = turns.next(2).await.take(SLOW);
        let second = turns.next(2).await;
        assert_eq!(second.except, []);
        let second = second.take(SLOW);
        let third = turns.next(2).await;
        assert_eq!(third.except, [SLOW]);
        let third = third.take(OTHER);
        drop(first);
        assert_eq!(turns.next(2).await.except, []);
        drop((second, third));
        assert!(turns.busy.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn every_fourth_claim_looks_for_bulk_work_first() {
        let turns = Turns::default();
        let mut firsts = Vec::new();
        for _ in 0..8 {
            firsts.push(turns.next(1).await.first);
        }
        let bulk = firsts.iter().filter(|lane| **lane == Lane::Bulk).count();
        assert_eq!((firsts[3], firsts[7], bulk), (Lane::Bulk, Lane::Bulk, 2));
    }
}
