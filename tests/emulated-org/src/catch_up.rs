//! What happens by itself as the organisation's clock moves on: later updates, transactions that commit late,
//! Bulk jobs. Nothing runs in the background; whoever asks next does what has become due, in order of time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::automation::LaterUpdate;
use crate::data::{
    Author, Authority, Draft, DuplicateOptions, Operation, Outcome, SaveError, Transaction, locked_by,
};
use crate::id::RecordId;
use crate::org::Org;
use crate::row_locks::Claim;
use crate::schema::Object;

/// What is to be done later.
#[derive(Debug, Default)]
pub struct Agenda {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<(DateTime<Utc>, u64), Due>,
    added: u64,
    late: BTreeMap<u64, Outcome>,
}

/// One thing to be done later.
#[derive(Debug)]
pub(crate) enum Due {
    /// An after-save update of one record.
    Update {
        update: Arc<LaterUpdate>,
        object: Arc<Object>,
        id: RecordId,
    },
    /// A write whose transaction began earlier; its rows stay locked until it commits.
    Commit {
        ticket: u64,
        author: Author,
        operation: Box<Operation>,
        claim: Claim,
    },
}

/// How long a flow waits before it tries a locked row again.
const LOCK_WAIT: TimeDelta = TimeDelta::seconds(1);

impl Agenda {
    /// How many things are still to be done.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().entries.is_empty()
    }

    /// What became of the writes that have committed late, by ticket.
    #[must_use]
    pub fn committed(&self) -> BTreeMap<u64, Outcome> {
        self.lock().late.clone()
    }

    pub(crate) fn add(&self, at: DateTime<Utc>, due: Due) {
        let mut state = self.lock();
        state.added += 1;
        let number = state.added;
        state.entries.insert((at, number), due);
    }

    /// A number that no other late write has.
    pub(crate) fn ticket(&self) -> u64 {
        let mut state = self.lock();
        state.added += 1;
        state.added
    }

    fn next_due(&self) -> Option<DateTime<Utc>> {
        self.lock().entries.first_key_value().map(|((at, _), _)| *at)
    }

    fn take_due(&self, now: DateTime<Utc>) -> Option<(DateTime<Utc>, Due)> {
        let mut state = self.lock();
        let first = state.entries.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), due) = first.remove_entry();
        Some((at, due))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is made of whole steps, so a panic elsewhere leaves nothing half-done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Org {
    /// Does what has become due. Requests do it by themselves before anything else.
    pub fn catch_up(&self) {
        let now = self.clock.now();
        self.forget_what_is_old();
        loop {
            let entry = self.agenda.next_due();
            let chunk = self.ingest.next_due();
            let batch = self.classic.next_due();
            let deploy = self.metadata.next_due();
            match [entry, chunk, batch, deploy].into_iter().flatten().min() {
                Some(first) if first <= now => {
                    if entry == Some(first) {
                        if let Some((at, due)) = self.agenda.take_due(now) {
                            self.perform(at, due);
                        }
                    } else if chunk == Some(first) {
                        self.ingest.step(now, self);
                    } else if deploy == Some(first) {
                        self.metadata.step(now, self);
                    } else {
                        self.classic.step(now, self);
                    }
                }
                _ => return,
            }
        }
    }

    fn perform(&self, at: DateTime<Utc>, due: Due) {
        match due {
            Due::Update { update, object, id } => self.update_later(at, &update, object, id),
            Due::Commit {
                ticket,
                author,
                operation,
                mut claim,
            } => {
                let mut outcomes = self.save_locked(author, vec![Ok(*operation)], false, None, &mut claim);
                drop(claim);
                if let Some(outcome) = outcomes.pop() {
                    self.agenda.lock().late.insert(ticket, outcome);
                }
            }
        }
    }

    fn update_later(&self, at: DateTime<Utc>, later: &Arc<LaterUpdate>, object: Arc<Object>, id: RecordId) {
        let author = Author {
            user: later.user,
            now: at,
            authority: Authority::User,
            duplicates: DuplicateOptions::default(),
        };
        if !self.row_locks.claim().are_free(&[id].into()) {
            // A flow's own transaction waits for its rows.
            let update = Due::Update {
                update: Arc::clone(later),
                object,
                id,
            };
            self.agenda.add(at + LOCK_WAIT, update);
            return;
        }
        let schema = self.schema();
        let data = self.read();
        let row = data.table(&object.name).and_then(|table| table.get(&id));
        let Some(row) = row.filter(|row| !row.is_deleted()) else {
            return;
        };
        let draft = Draft {
            values: later.update.changes(|position| row.get(position)),
            parents: Vec::new(),
        };
        if draft.values.is_empty() {
            return;
        }
        drop(data);
        let operations = vec![Ok(Operation::Update { object, id, draft })];
        let triggered = self.triggered(&operations);
        let mut data = self.write();
        let saved = match triggered {
            Some(installed) => {
                let mut claim = self.row_locks.claim();
                let written =
                    self.write_triggering(&installed, &mut data, author, operations, false, &mut claim);
                drop(data);
                self.after_commit(written.after);
                written.outcomes.into_iter().all(|outcome| outcome.is_ok())
            }
            None => Transaction::begin(&mut data, &schema, author)
                .with_rules(&self.automation)
                .save_all(operations, false)
                .iter()
                .all(Result::is_ok),
        };
        // A flow that fails in its own transaction tells an administrator by e-mail, and nobody else.
        if saved {
            self.automation.tally().count_after_save();
        }
    }

    /// Begins a write whose transaction commits later; its stamps are those of now. The ticket finds its outcome
    /// in [`Agenda::committed`].
    ///
    /// # Errors
    /// A row is locked.
    pub(crate) fn commit_late(
        &self,
        author: Author,
        operation: Operation,
        at: DateTime<Utc>,
    ) -> Result<u64, SaveError> {
        let mut claim = self.row_locks.claim();
        claim.take(locked_by(&self.read(), &operation), false)?;
        let ticket = self.agenda.ticket();
        let due = Due::Commit {
            ticket,
            author,
            operation: Box::new(operation),
            claim,
        };
        self.agenda.add(at, due);
        Ok(ticket)
    }
}
