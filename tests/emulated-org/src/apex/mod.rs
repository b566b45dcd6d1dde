//! Apex in the organisation: its classes and triggers, compiled against its metadata, and the transactions they
//! run in.
//!
//! `session` is a transaction, `host` is the door through which programs reach the organisation, `write`
//! fires triggers, `jobs` runs what was handed over for later.

mod cache_partitions;
pub mod callout;
mod checker;
mod convert;
mod cron;
mod dml;
mod events;
mod host;
mod installed;
mod job_rows;
pub(crate) mod jobs;
mod merge;
pub(crate) mod outside;
pub(crate) mod page;
pub(crate) mod publish;
mod query;
mod rows;
mod run;
mod schema;
mod session;
pub mod source;
pub(crate) mod test_records;
mod test_run;
pub mod trial;
mod user;
mod values;
mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use apex_runtime::Source;

pub use apex_runtime::host::CpuPace;
pub use checker::TypeChecker;
pub(crate) use installed::Installed;
pub(crate) use session::AfterCommit;
pub(crate) use test_run::{TestGround, methods_of as test_methods};
pub use test_run::{TestOutcome, TestReport};

use crate::data::{Author, Data, Operation, Outcome, SaveError, UndoLog};
use crate::dice::Dice;
use crate::org::Org;
use crate::row_locks::Claim;
use crate::schema::Object;
use session::{Hold, Rights, Session};

/// The organisation's Apex.
#[derive(Debug)]
pub(crate) struct ApexBook {
    installed: RwLock<Option<Arc<Installed>>>,
    /// What came from source folders or was set.
    loaded: RwLock<Vec<Source>>,
    /// Custom labels of source folders: name and text.
    pub(crate) labels: RwLock<BTreeMap<String, String>>,
    pub(crate) jobs: jobs::Jobs,
    pub(crate) sites: RwLock<Vec<callout::RemoteSite>>,
    pub(crate) coverage: Mutex<test_records::Coverage>,
    dice: Mutex<Dice>,
    pub(super) pace: RwLock<CpuPace>,
}

/// The stream of dice that programs roll.
const RANDOM: u64 = 5;

impl Default for ApexBook {
    fn default() -> Self {
        Self {
            installed: RwLock::default(),
            loaded: RwLock::default(),
            labels: RwLock::default(),
            jobs: jobs::Jobs::default(),
            sites: RwLock::default(),
            coverage: Mutex::default(),
            dice: Mutex::new(Dice::new(1, RANDOM, 0)),
            pace: RwLock::default(),
        }
    }
}

impl ApexBook {
    pub(crate) fn installed(&self) -> Option<Arc<Installed>> {
        self.installed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        self.labels.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn random(&self) -> u64 {
        self.dice.lock().unwrap_or_else(PoisonError::into_inner).bits()
    }
}

/// What a save left behind.
pub(crate) struct Written {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) undo: UndoLog,
    pub(crate) after: AfterCommit,
}

impl Org {
    /// The Apex that triggers on one of these operations, if there is any.
    pub(crate) fn triggered(&self, operations: &[Result<Operation, SaveError>]) -> Option<Arc<Installed>> {
        let installed = self
            .apex
            .installed()
            .filter(|installed| !installed.program.triggers.is_empty())?;
        operations
            .iter()
            .flatten()
            .any(|operation| has_triggers(&installed, operation))
            .then_some(installed)
    }

    /// Whether an object has triggers.
    pub(crate) fn has_triggers_on(&self, object: &Object) -> bool {
        let installed = self.apex.installed();
        installed.is_some_and(|installed| {
            let triggers = &installed.program.triggers;
            triggers
                .iter()
                .any(|trigger| trigger.object.eq_ignore_ascii_case(&object.name))
        })
    }

    /// Says how the CPU time of programs is estimated, and whether too much of it ends them.
    pub fn set_cpu_pace(&self, pace: CpuPace) {
        *self.apex.pace.write().unwrap_or_else(PoisonError::into_inner) = pace;
    }

    /// Writes records whose objects have triggers.
    pub(crate) fn write_triggering(
        &self,
        installed: &Arc<Installed>,
        data: &mut Data,
        author: Author,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        claim: &mut Claim,
    ) -> Written {
        let session = Session::new(self, installed, author, Hold::Lent(data), claim);
        let count = operations.len();
        let mut machine = apex_runtime::Machine::new(&installed.program, &session);
        let ended = session.save_all(&mut machine, operations, all_or_none, Rights::User);
        let outcomes = ended.unwrap_or_else(|interrupt| {
            let error = write::fatal_error(&interrupt, &machine);
            session.roll_back();
            vec![Err(error.into()); count]
        });
        drop(machine);
        let (undo, after) = session.finish();
        Written {
            outcomes,
            undo,
            after,
        }
    }

    /// Sets in motion what a transaction left to be done.
    pub(crate) fn after_commit(&self, after: AfterCommit) {
        for (author, saved) in after.saved {
            self.saved(author, std::iter::once(&saved));
        }
        self.add_events(after.events);
        self.add_jobs(after.jobs);
    }
}

/// Whether the objects that an operation is about have triggers.
fn has_triggers(installed: &Installed, operation: &Operation) -> bool {
    let on = |name: &str| {
        let triggers = &installed.program.triggers;
        triggers
            .iter()
            .any(|trigger| trigger.object.eq_ignore_ascii_case(name))
    };
    match operation {
        // Events reach their triggers once they are published.
        Operation::Create { object, .. } if publish::is_event(object) => false,
        Operation::Create { object, .. }
        | Operation::Update { object, .. }
        | Operation::Upsert { object, .. }
        | Operation::Delete { object, .. }
        | Operation::Undelete { object, .. }
        | Operation::HardDelete { object, .. }
        | Operation::Merge { object, .. } => on(&object.name),
        Operation::ConvertLead { .. } => ["Lead", "Account", "Contact", "Opportunity"].into_iter().any(on),
    }
}
