//! A writing thread: takes what waits, runs it in one transaction, commits once, answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_core::ports::{Lane, StoreError};

use crate::engine::Role;
use crate::error::{Trouble, unavailable};
use crate::options::StoreOptions;
use crate::queue::Queue;
use crate::session::{Session, SharedState};
use crate::target::Target;
use crate::unit::Waiting;

/// How often a unit runs at most before its error is its answer.
pub(crate) const RUNS: u32 = 5;

/// A writing connection and the queue it works off.
pub(crate) struct Writer {
    queue: Arc<Queue>,
    connector: Connector,
    group_units: usize,
    group_time: Duration,
    /// Units that have to run again, each at the head of a group, where they may wait for locks.
    again: VecDeque<Waiting>,
}

/// What became of a unit in a group.
enum Ran {
    /// It waits for the commit.
    Done,
    /// It failed for good and was rolled back.
    Failed(StoreError),
    /// It was rolled back and has to run in a group of its own.
    Again,
    /// There is no room for it; the group's transaction is ended, the connection is well.
    Full(StoreError),
    /// The connection is gone, and with it the whole group.
    Lost(StoreError),
}

impl Writer {
    pub(crate) fn new(
        target: Target,
        queue: Arc<Queue>,
        shared: Arc<SharedState>,
        options: &StoreOptions,
    ) -> Writer {
        Writer {
            queue,
            connector: Connector::new(target, Role::Writer, shared),
            group_units: options.group_units.max(1),
            group_time: options.group_time,
            again: VecDeque::new(),
        }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn work(mut self) {
        while let Some(first) = self.again.pop_front().or_else(|| self.queue.next()) {
            if !first.job.is_abandoned() || first.runs > 0 {
                self.group(first);
            }
        }
    }

    /// Runs a group that begins with this unit, commits it and answers.
    fn group(&mut self, first: Waiting) {
        self.connector.shared.room.look();
        if let Err(error) = self.connector.session() {
            first.job.answer(Err(error));
            return;
        }
        let mut done = Vec::new();
        let result = self.fill(first, &mut done);
        let result = match result {
            Ok(()) if done.is_empty() => Ok(()),
            Ok(()) => self.commit(),
            Err(error) => {
                let error = self.connector.disconnect(error);
                self.rerun(done, &error);
                return;
            }
        };
        for waiting in done {
            waiting.job.answer(result.clone());
        }
        // After the answers, and in no transaction: nobody waits for it, and no lock is held meanwhile.
        if let Ok(session) = self.connector.session()
            && let Err((error, _)) = session.refresh_statistics()
        {
            self.connector.disconnect(error);
        }
    }

    /// Runs units into one transaction, left open if any unit is in `done`. An error means that the connection is
    /// gone; the units in `done` are then undone.
    fn fill(&mut self, first: Waiting, done: &mut Vec<Waiting>) -> Result<(), StoreError> {
        let started = Instant::now();
        let mut next = Some(first);
        while let Some(mut waiting) = next.take() {
            match self.run(&mut waiting, done.len()) {
                Ran::Done => done.push(waiting),
                Ran::Full(error) => {
                    waiting.job.answer(Err(error.clone()));
                    // There may be room for the others.
                    let others = std::mem::take(done);
                    self.rerun(others, &error);
                    return Ok(());
                }
                Ran::Failed(error) => waiting.job.answer(Err(error)),
                Ran::Again => {
                    self.again.push_back(waiting);
                    return Ok(());
                }
                Ran::Lost(error) => {
                    done.push(waiting);
                    return Err(error);
                }
            }
            if done.len() >= self.group_units || started.elapsed() >= self.group_time {
                return Ok(());
            }
            // Nobody who waits for an answer waits for a bulk unit that came later.
            let interactive_only = done.iter().any(|waiting| waiting.lane == Lane::Interactive);
            next = loop {
                match self.queue.next_now(interactive_only) {
                    Some(waiting) if waiting.job.is_abandoned() => {}
                    other => break other,
                }
            };
        }
        Ok(())
    }

    /// Runs one unit after `before` others of its transaction, as often as it loses a race that a new run can win.
    fn run(&mut self, waiting: &mut Waiting, before: usize) -> Ran {
        let Ok(session) = self.connector.session() else {
            return Ran::Lost(unavailable("the connection is closed"));
        };
        loop {
            waiting.runs += 1;
            let opened = if before == 0 {
                session.begin()
            } else {
                session.savepoint(before == 1)
            };
            if let Err((error, trouble)) = opened {
                return match trouble {
                    Trouble::Raced if before == 0 => Ran::Failed(error),
                    _ => Ran::Lost(error),
                };
            }
            let result = match session.lock(&waiting.locks) {
                Ok(()) => waiting.job.run(session),
                Err(error) => Err(error),
            };
            let (error, trouble) = match (session.take_failure(), result) {
                (None, Ok(())) => {
                    if before > 0
                        && let Err((error, _)) = session.control("RELEASE SAVEPOINT unit")
                    {
                        return Ran::Lost(error);
                    }
                    return Ran::Done;
                }
                (Some(failure), _) => failure,
                (None, Err(error)) => (error, Trouble::Plain),
            };
            match trouble {
                Trouble::Lost => return Ran::Lost(error),
                Trouble::Full => {
                    return match session.abandon() {
                        Ok(()) => {
                            self.connector.shared.room.refused(&error.to_string());
                            Ran::Full(error)
                        }
                        Err((error, _)) => Ran::Lost(error),
                    };
                }
                Trouble::Plain | Trouble::Raced | Trouble::Unclear => {}
            }
            let undone = if before == 0 {
                session.control("ROLLBACK")
            } else {
                session.control("ROLLBACK TO SAVEPOINT unit; RELEASE SAVEPOINT unit")
            };
            if let Err((error, _)) = undone {
                return Ran::Lost(error);
            }
            waiting.locks.append(&mut session.locks_taken());
            let lost_a_race = matches!(error, StoreError::Conflict { .. }) || trouble == Trouble::Raced;
            // What cannot be told apart is given one more chance, alone.
            let may_run = if lost_a_race {
                waiting.runs < RUNS
            } else {
                trouble == Trouble::Unclear && waiting.runs < 2
            };
            if !may_run {
                return Ran::Failed(error);
            }
            if before > 0 && trouble != Trouble::Plain {
                return Ran::Again;
            }
            tracing::debug!(%error, runs = waiting.runs, "a unit runs again");
        }
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let session = self.connector.session()?;
        let Err((error, trouble)) = session.control("COMMIT") else {
            return Ok(());
        };
        if trouble == Trouble::Full && session.abandon().is_ok() {
            self.connector.shared.room.refused(&error.to_string());
            return Err(error);
        }
        Err(match self.connector.disconnect(error) {
            error @ StoreError::Full { .. } => error,
            // Whether the commit took place is not known: the answer must not claim that it did not.
            error => unavailable(format!("the commit was not confirmed: {error}")),
        })
    }

    /// Units whose transaction vanished with its connection run again; nothing of them is durable.
    fn rerun(&mut self, units: Vec<Waiting>, error: &StoreError) {
        for waiting in units {
            if waiting.runs < RUNS {
                self.again.push_back(waiting);
            } else {
                waiting.job.answer(Err(error.clone()));
            }
        }
    }
}

/// Keeps one session open, and opens it again after it broke.
pub(crate) struct Connector {
    target: Target,
    role: Role,
    shared: Arc<SharedState>,
    session: Option<Session>,
    failures: u32,
    /// Why there is no connection, and until when that is not tried again.
    away: Option<(StoreError, Instant)>,
}

impl Connector {
    pub(crate) fn new(target: Target, role: Role, shared: Arc<SharedState>) -> Connector {
        Connector {
            target,
            role,
            shared,
            session: None,
            failures: 0,
            away: None,
        }
    }

    /// The session, connecting if there is none. While the database stays away, callers are told so at once and
    /// connecting is tried less and less often.
    pub(crate) fn session(&mut self) -> Result<&mut Session, StoreError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => self.connect()?,
        };
        Ok(self.session.insert(session))
    }

    /// Forgets a session that broke, and answers what broke it.
    pub(crate) fn disconnect(&mut self, error: StoreError) -> StoreError {
        self.session = None;
        let error = self.shared.room.named(error);
        match &error {
            StoreError::Full { detail } => self.shared.room.refused(detail),
            error => tracing::warn!(%error, "a database connection broke"),
        }
        error
    }

    fn connect(&mut self) -> Result<Session, StoreError> {
        if let Some((error, until)) = &self.away
            && Instant::now() < *until
        {
            return Err(match error {
                StoreError::Full { .. } => error.clone(),
                _ => unavailable("the database does not answer; connecting is tried again soon"),
            });
        }
        match Session::open(&self.target, self.role, Arc::clone(&self.shared)) {
            Ok(session) => {
                self.failures = 0;
                self.away = None;
                Ok(session)
            }
            Err(error) => {
                let pause = Duration::from_millis(100)
                    .saturating_mul(2u32.saturating_pow(self.failures))
                    .min(Duration::from_secs(5));
                self.failures = self.failures.saturating_add(1);
                let error = self.shared.room.named(error);
                match &error {
                    StoreError::Full { detail } => self.shared.room.refused(detail),
                    error => tracing::warn!(%error, "the database cannot be reached"),
                }
                self.away = Some((error.clone(), Instant::now() + pause));
                Err(error)
            }
        }
    }
}
