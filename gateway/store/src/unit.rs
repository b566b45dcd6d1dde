//! Units on their way: a caller's function, where its answer goes, and how often it ran.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causeway_core::id::ConnectionId;
use causeway_core::ports::{Lane, StoreError};
use tokio::sync::oneshot;

use crate::error::{unavailable, unexpected};
use crate::session::Session;

/// A unit in a queue or in a group.
pub(crate) struct Waiting {
    pub(crate) lane: Lane,
    /// How often it ran already.
    pub(crate) runs: u32,
    /// Connections that it locked when it lost a race. It locks them at once the next time: what it reads then
    /// stays true until it writes, so it cannot lose the same race again.
    pub(crate) locks: BTreeSet<ConnectionId>,
    pub(crate) job: Box<dyn Job>,
}

impl Waiting {
    /// A unit and the place where its answer will appear.
    pub(crate) fn new<T, U>(lane: Lane, unit: U) -> (Waiting, oneshot::Receiver<Result<T, StoreError>>)
    where
        T: Send + 'static,
        U: FnMut(&mut Session) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Box::new(Answering {
            unit,
            result: None,
            answer,
        });
        let waiting = Waiting {
            lane,
            runs: 0,
            locks: BTreeSet::new(),
            job,
        };
        (waiting, answered)
    }
}

/// A unit whose result type is forgotten, so that units of all kinds share a queue.
pub(crate) trait Job: Send {
    /// Whether nobody waits for the answer any more.
    fn is_abandoned(&self) -> bool;

    /// Runs the unit and keeps its result for later. A panic of the unit becomes an error.
    fn run(&mut self, session: &mut Session) -> Result<(), StoreError>;

    /// Answers: with the kept result, or with what went wrong.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Answering<T, U> {
    unit: U,
    result: Option<T>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, U> Job for Answering<T, U>
where
    T: Send,
    U: FnMut(&mut Session) -> Result<T, StoreError> + Send,
{
    fn is_abandoned(&self) -> bool {
        self.answer.is_closed()
    }

    fn run(&mut self, session: &mut Session) -> Result<(), StoreError> {
        self.result = None;
        // One unit's defect must not end the thread that serves all others. What the unit captured is only ever
        // used by the unit itself, so nobody else sees it in a broken state.
        let result = catch_unwind(AssertUnwindSafe(|| (self.unit)(session)))
            .unwrap_or_else(|_| Err(unexpected("a unit panicked")))?;
        self.result = Some(result);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Answering { result, answer, .. } = *self;
        let result = match outcome {
            Ok(()) => result.ok_or_else(|| unavailable("the unit did not run")),
            Err(error) => Err(error),
        };
        // A caller that went away needs no answer; what it asked for is done all the same.
        drop(answer.send(result));
    }
}
