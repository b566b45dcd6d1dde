//! A reading thread: one unit, one transaction, and for scans a time limit.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::ports::StoreError;

use crate::engine::Role;
use crate::error::Trouble;
use crate::queue::Queue;
use crate::session::{Session, SharedState};
use crate::target::Target;
use crate::time_limit;
use crate::unit::{Job, Waiting};
use crate::writer::{Connector, RUNS};

/// A reading connection and the queue it works off.
pub(crate) struct Reader {
    queue: Arc<Queue>,
    connector: Connector,
    limit: Option<Duration>,
}

impl Reader {
    /// A reader of what is small.
    pub(crate) fn new(target: Target, queue: Arc<Queue>, shared: Arc<SharedState>) -> Reader {
        Reader {
            queue,
            connector: Connector::new(target, Role::Reader, shared),
            limit: None,
        }
    }

    /// A reader of what may be much, which gives every unit up after `limit`.
    pub(crate) fn scanning(
        target: Target,
        queue: Arc<Queue>,
        shared: Arc<SharedState>,
        limit: Duration,
    ) -> Reader {
        Reader {
            queue,
            connector: Connector::new(target, Role::Scanner { limit }, shared),
            limit: Some(limit),
        }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn work(mut self) {
        while let Some(waiting) = self.queue.next() {
            let Waiting { mut job, .. } = waiting;
            if job.is_abandoned() {
                continue;
            }
            let outcome = self.read(job.as_mut());
            job.answer(outcome);
        }
    }

    fn read(&mut self, job: &mut dyn Job) -> Result<(), StoreError> {
        let mut runs = 0;
        loop {
            runs += 1;
            let session = self.connector.session()?;
            time_limit::start(self.limit);
            match read_once(session, job) {
                Ok(()) => return Ok(()),
                Err((error, trouble)) => {
                    let error = if trouble == Trouble::Lost {
                        self.connector.disconnect(error)
                    } else {
                        error
                    };
                    if runs >= RUNS || !matches!(trouble, Trouble::Lost | Trouble::Raced) {
                        return Err(error);
                    }
                }
            }
        }
    }
}

fn read_once(session: &mut Session, job: &mut dyn Job) -> Result<(), (StoreError, Trouble)> {
    session.begin()?;
    let result = job.run(session);
    let failure = session.take_failure();
    session.abandon().map_err(|(error, _)| (error, Trouble::Lost))?;
    match (failure, result) {
        (Some(failure), _) => Err(failure),
        (None, Err(error)) => Err((error, Trouble::Plain)),
        (None, Ok(())) => Ok(()),
    }
}
