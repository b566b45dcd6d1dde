//! The queue in front of a store's threads: two lanes, bounded, with callers waiting asynchronously for room.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use causeway_core::ports::{Lane, StoreError};
use tokio::sync::Semaphore;

use crate::error::unavailable;
use crate::unit::Waiting;

/// So many interactive units may overtake a waiting bulk unit in a row, so that bulk work never stands still.
const OVERTAKING: u32 = 64;

/// Units that wait for a thread.
pub(crate) struct Queue {
    interactive_room: Semaphore,
    bulk_room: Semaphore,
    lanes: Mutex<Lanes>,
    filled: Condvar,
}

#[derive(Default)]
struct Lanes {
    interactive: VecDeque<Waiting>,
    bulk: VecDeque<Waiting>,
    overtaken: u32,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(interactive: usize, bulk: usize) -> Queue {
        Queue {
            interactive_room: Semaphore::new(interactive.max(1)),
            bulk_room: Semaphore::new(bulk.max(1)),
            lanes: Mutex::default(),
            filled: Condvar::new(),
        }
    }

    /// Waits for room in the unit's lane, then queues it.
    pub(crate) async fn send(&self, waiting: Waiting) -> Result<(), StoreError> {
        let Ok(permit) = self.room(waiting.lane).acquire().await else {
            return Err(unavailable("the store is closed"));
        };
        let mut lanes = self.lanes();
        if lanes.closed {
            return Err(unavailable("the store is closed"));
        }
        // The room is given back by whoever takes the unit out.
        permit.forget();
        match waiting.lane {
            Lane::Interactive => lanes.interactive.push_back(waiting),
            Lane::Bulk => lanes.bulk.push_back(waiting),
        }
        drop(lanes);
        self.filled.notify_one();
        Ok(())
    }

    /// The next unit, waiting for one. `None` once the queue is closed and empty.
    pub(crate) fn next(&self) -> Option<Waiting> {
        let mut lanes = self.lanes();
        loop {
            if let Some(waiting) = self.take(&mut lanes) {
                return Some(waiting);
            }
            if lanes.closed {
                return None;
            }
            lanes = self.filled.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The next unit if one waits that may join a group. With `interactive_only` bulk units stay where they are.
    pub(crate) fn next_now(&self, interactive_only: bool) -> Option<Waiting> {
        let mut lanes = self.lanes();
        if interactive_only && (lanes.interactive.is_empty() || lanes.overtaken >= OVERTAKING) {
            return None;
        }
        self.take(&mut lanes)
    }

    /// Takes in nothing more. What waits is still handed out.
    pub(crate) fn close(&self) {
        self.lanes().closed = true;
        self.interactive_room.close();
        self.bulk_room.close();
        self.filled.notify_all();
    }

    fn take(&self, lanes: &mut Lanes) -> Option<Waiting> {
        let bulk_is_due = lanes.overtaken >= OVERTAKING && !lanes.bulk.is_empty();
        if !bulk_is_due && let Some(waiting) = lanes.interactive.pop_front() {
            lanes.overtaken = if lanes.bulk.is_empty() {
                0
            } else {
                lanes.overtaken + 1
            };
            self.interactive_room.add_permits(1);
            return Some(waiting);
        }
        lanes.overtaken = 0;
        let waiting = lanes.bulk.pop_front()?;
        self.bulk_room.add_permits(1);
        Some(waiting)
    }

    fn room(&self, lane: Lane) -> &Semaphore {
        match lane {
            Lane::Interactive => &self.interactive_room,
            Lane::Bulk => &self.bulk_room,
        }
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
