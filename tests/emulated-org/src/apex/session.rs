//! A transaction of Apex over the organisation's records.
//!
//! Records are held only for the length of one step, so that a trigger may come back while its own save is under
//! way. A transaction inside a save works on the records that the save has locked; one of its own takes the lock
//! at its first write and keeps it to its end, so that nobody sees half of it.

use std::cell::{Cell, RefCell};
use std::sync::{Arc, RwLockWriteGuard};

use apex_runtime::host::Job;
use chrono::{DateTime, Utc};

use super::Installed;
use super::events::Published;
use crate::access::Access;
use crate::data::{Author, Authority, Data, Draft, DuplicateOptions, Operation, Saved, Transaction, UndoLog};
use crate::id::RecordId;
use crate::org::Org;
use crate::row_locks::Claim;
use crate::schema::Schema;
use crate::value::Value;

/// The records as a session has them.
pub(super) enum Hold<'o> {
    /// Nothing is written yet.
    Open,
    /// Locked to the end.
    Locked(RwLockWriteGuard<'o, Data>),
    /// Locked by the save that the session is a part of.
    Lent(&'o mut Data),
}

/// Work for later that counts once the transaction has committed.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: RecordId,
    pub(crate) user: RecordId,
    pub(crate) job: Job,
    /// The program that handed it over, whose methods it names.
    pub(crate) installed: Arc<Installed>,
}

/// What is to be done once the transaction stays.
#[derive(Debug, Default)]
pub(crate) struct AfterCommit {
    pub(crate) jobs: Vec<Pending>,
    /// Platform events that are published after the commit.
    pub(crate) events: Vec<Published>,
    /// Records that programs wrote besides those of the save itself.
    pub(crate) saved: Vec<(Author, Saved)>,
}

/// A mark to roll back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    written: usize,
    jobs: usize,
    events: usize,
    saved: usize,
}

/// One transaction.
pub(super) struct Session<'o> {
    pub(super) org: &'o Org,
    pub(super) installed: &'o Arc<Installed>,
    pub(super) schema: Arc<Schema>,
    pub(super) now: DateTime<Utc>,
    pub(super) user: Cell<RecordId>,
    pub(super) claim: RefCell<&'o mut Claim>,
    hold: RefCell<Hold<'o>>,
    undo: RefCell<UndoLog>,
    pub(super) after: RefCell<AfterCommit>,
    /// Platform events that are published whatever becomes of the transaction.
    pub(super) at_once: RefCell<Vec<Published>>,
    pub(super) marks: RefCell<Vec<(u64, Mark)>>,
    pub(super) next_mark: Cell<u64>,
    pub(super) duplicates: Cell<DuplicateOptions>,
    /// What programs wrote into the debug log.
    pub(super) log: RefCell<Vec<String>>,
}

/// Whose rights a step has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// The platform's.
    System,
    /// The running user's.
    User,
}

impl<'o> Session<'o> {
    /// Begins a transaction.
    pub(super) fn new(
        org: &'o Org,
        installed: &'o Arc<Installed>,
        author: Author,
        hold: Hold<'o>,
        claim: &'o mut Claim,
    ) -> Self {
        Self {
            org,
            installed,
            schema: org.schema(),
            now: author.now,
            user: Cell::new(author.user),
            claim: RefCell::new(claim),
            hold: RefCell::new(hold),
            undo: RefCell::default(),
            after: RefCell::default(),
            at_once: RefCell::default(),
            marks: RefCell::default(),
            next_mark: Cell::new(1),
            duplicates: Cell::new(author.duplicates),
            log: RefCell::default(),
        }
    }

    /// A test's transaction, over metadata that need not be the organisation's yet.
    pub(super) fn of_test(mut self, schema: &Arc<Schema>) -> Self {
        self.schema = Arc::clone(schema);
        self
    }

    pub(super) fn author(&self) -> Author {
        Author {
            user: self.user.get(),
            now: self.now,
            authority: Authority::User,
            duplicates: self.duplicates.get(),
        }
    }

    /// Whether something is written that is not committed.
    pub(super) fn has_written(&self) -> bool {
        self.undo.borrow().len() > 0
    }

    /// Looks at the records as this transaction sees them.
    pub(super) fn read<T>(&self, look: impl FnOnce(&Data) -> T) -> T {
        match &*self.hold.borrow() {
            Hold::Open => look(&self.org.read()),
            Hold::Locked(data) => look(data),
            Hold::Lent(data) => look(data),
        }
    }

    /// Writes.
    pub(super) fn write<T>(&self, rights: Rights, step: impl FnOnce(&mut Transaction<'_>) -> T) -> T {
        let mut hold = self.hold.borrow_mut();
        if matches!(*hold, Hold::Open) {
            *hold = Hold::Locked(self.org.write());
        }
        let data = match &mut *hold {
            Hold::Lent(data) => &mut **data,
            Hold::Locked(data) => &mut **data,
            // Locked a moment ago.
            Hold::Open => return self.write(rights, step),
        };
        let access =
            (rights == Rights::User).then(|| self.org.access.of(self.user.get(), data, &self.schema));
        let log = self.undo.take();
        let mut transaction = Transaction::resume(data, &self.schema, self.author(), log)
            .with_rules_after_triggers(&self.org.automation)
            .with_access(access);
        let result = step(&mut transaction);
        self.undo.replace(transaction.into_undo_log());
        result
    }

    /// Writes in the platform's own name.
    fn write_as_platform<T>(&self, step: impl FnOnce(&mut Transaction<'_>) -> T) -> T {
        self.write(Rights::System, |transaction| transaction.as_platform(step))
    }

    /// Makes a row that programs only read.
    pub(super) fn write_row(&self, object: &str, fields: Vec<(&str, Value)>) -> Option<RecordId> {
        let object = Arc::clone(self.schema.object(object)?);
        let values = fields
            .into_iter()
            .filter_map(|(name, value)| Some((object.field(name)?.0, value)));
        let draft = Draft {
            values: values.collect(),
            parents: Vec::new(),
        };
        let operation = Operation::Create { object, draft };
        let outcome = self.write_as_platform(|transaction| transaction.save(operation));
        outcome.ok().map(|saved| saved.id)
    }

    /// Changes such a row.
    pub(super) fn change_row(&self, id: RecordId, fields: &[(&str, Value)]) {
        let Some(object) = self.schema.object_by_prefix(id.prefix()) else {
            return;
        };
        let values = fields
            .iter()
            .filter_map(|(name, value)| Some((object.field(name)?.0, value.clone())));
        let operation = Operation::Update {
            id,
            draft: Draft {
                values: values.collect(),
                parents: Vec::new(),
            },
            object: Arc::clone(object),
        };
        // A row that is gone needs no change.
        drop(self.write_as_platform(|transaction| transaction.save(operation)));
    }

    /// What the running user may do.
    pub(super) fn access(&self) -> Arc<Access> {
        self.read(|data| self.org.access.of(self.user.get(), data, &self.schema))
    }

    pub(super) fn mark(&self) -> Mark {
        let after = self.after.borrow();
        Mark {
            written: self.undo.borrow().len(),
            jobs: after.jobs.len(),
            events: after.events.len(),
            saved: after.saved.len(),
        }
    }

    /// Takes back what was done since a mark; jobs that were handed over go with it, and events but those that were
    /// published at once.
    pub(super) fn roll_back_to(&self, mark: Mark) {
        if self.undo.borrow().len() > mark.written {
            self.write(Rights::System, |transaction| {
                transaction.roll_back_to(mark.written);
            });
        }
        let mut after = self.after.borrow_mut();
        after.jobs.truncate(mark.jobs);
        after.events.truncate(mark.events);
        after.saved.truncate(mark.saved);
    }

    /// Takes everything back.
    pub(super) fn roll_back(&self) {
        self.roll_back_to(Mark {
            written: 0,
            jobs: 0,
            events: 0,
            saved: 0,
        });
    }

    /// Ends the transaction: what it wrote, and what is to be done after.
    pub(super) fn finish(self) -> (UndoLog, AfterCommit) {
        self.org.add_events(self.at_once.into_inner());
        (self.undo.into_inner(), self.after.into_inner())
    }

    /// Ends a transaction of its own, which stays.
    pub(super) fn commit(self) {
        let org = self.org;
        let hold = self.hold.into_inner();
        let after = self.after.into_inner();
        drop(hold);
        org.add_events(self.at_once.into_inner());
        org.after_commit(after);
    }
}
