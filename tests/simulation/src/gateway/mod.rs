//! The gateway's workers, each cut into steps between which the process may end.
//!
//! What a worker holds is lost with the process; what the core's units wrote stays. The steps call the very units
//! that the service runs.

pub mod calls;
pub mod inbox;
pub mod outgoing;
pub mod send;
pub mod sync;

use causeway_core::ports::StoreError;

use crate::world::{Broken, World};

/// A worker, and what it is about to do next.
#[derive(Debug)]
pub enum Worker {
    /// Decides what the inbox holds.
    Inbox(Box<inbox::Stage>),
    /// Writes to Salesforce.
    Outgoing(Box<outgoing::State>),
    /// Runs syncs.
    Sync(Box<sync::Stage>),
}

/// How long a claim lasts, in seconds.
pub const LEASE: i64 = 120;
/// How long a request may take, in seconds.
pub const REQUEST: i64 = 30;
/// What is added before a write in flight may be looked at, in seconds.
pub const MARGIN: i64 = 10;

impl Worker {
    /// Workers of every kind.
    pub fn crew(of_each: usize) -> Vec<Worker> {
        let mut crew = Vec::new();
        for _ in 0..of_each.max(1) {
            crew.push(Worker::Inbox(Box::default()));
            crew.push(Worker::Outgoing(Box::default()));
        }
        crew.push(Worker::Sync(Box::default()));
        crew
    }

    /// Whether it is between two pieces of work.
    pub fn is_idle(&self) -> bool {
        match self {
            Worker::Inbox(stage) => matches!(**stage, inbox::Stage::Idle),
            Worker::Outgoing(state) => state.is_idle(),
            Worker::Sync(stage) => matches!(**stage, sync::Stage::Idle),
        }
    }

    fn forget(&mut self) {
        match self {
            Worker::Inbox(stage) => **stage = inbox::Stage::Idle,
            Worker::Outgoing(state) => **state = outgoing::State::default(),
            Worker::Sync(stage) => **stage = sync::Stage::Idle,
        }
    }
}

impl World {
    /// Lets one worker do one step. False: it found nothing to do.
    ///
    /// # Errors
    /// What broke.
    pub fn work(&mut self, number: usize) -> Result<bool, Broken> {
        let name = format!("worker-{number}");
        let Some(worker) = self.workers.get_mut(number) else {
            return Ok(false);
        };
        // What the worker holds is taken out while it works, as the world is its too.
        match worker {
            Worker::Inbox(stage) => {
                let stage = std::mem::take(&mut **stage);
                let (next, busy) = self.inbox_step(&name, stage)?;
                if let Some(Worker::Inbox(place)) = self.workers.get_mut(number) {
                    **place = next;
                }
                Ok(busy)
            }
            Worker::Outgoing(state) => {
                let mut state = std::mem::take(&mut **state);
                let busy = self.outgoing_step(&name, &mut state)?;
                if let Some(Worker::Outgoing(place)) = self.workers.get_mut(number) {
                    **place = state;
                }
                Ok(busy)
            }
            Worker::Sync(stage) => {
                let stage = std::mem::take(&mut **stage);
                let (next, busy) = self.sync_step(&name, stage)?;
                if let Some(Worker::Sync(place)) = self.workers.get_mut(number) {
                    **place = next;
                }
                Ok(busy)
            }
        }
    }

    /// The process ends and starts again.
    ///
    /// # Errors
    /// What broke.
    pub fn crash(&mut self) -> Result<(), Broken> {
        for number in 0..self.workers.len() {
            let what = match self.workers.get(number) {
                Some(Worker::Inbox(stage)) => stage.name(),
                Some(Worker::Outgoing(state)) => state.name(),
                Some(Worker::Sync(stage)) => stage.name(),
                None => "nothing",
            };
            self.met.met(&format!("crash at {what}"));
            self.tell(|| format!("crash: worker {number} at {what}"));
        }
        for worker in &mut self.workers {
            worker.forget();
        }
        if self.dice.percent(50) {
            self.met.met("leases freed at start");
            self.unit("free leases", |tx| tx.free_leases())?;
        }
        Ok(())
    }
}

/// A reading that the org never gives wrongly.
fn unreadable(failure: &causeway_core::failure::Failure) -> StoreError {
    StoreError::Corrupt {
        detail: format!("an answer of the org: {failure:?}"),
    }
}
