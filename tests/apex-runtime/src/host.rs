//! The one door through which a program's effects leave: whoever embeds the runtime answers for the org.
//!
//! Methods take `&self` and the machine: a DML statement fires triggers, which run on the same machine and may
//! come back through this door before the first call has returned. Implementations keep their state in cells.

use std::rc::Rc;
use std::sync::Arc;

use crate::run::Machine;
use crate::run::value::{RecordObject, Value};
use crate::syntax::ast::{DmlKind, QueryShape};

/// A query as the program makes it.
#[derive(Debug, Clone)]
pub struct QueryCall {
    /// The text; binds are `:bind0`, `:bind1`, … or, in dynamic queries, `:name`.
    pub text: Arc<str>,
    /// What a literal query yields; none for dynamic ones.
    pub shape: Option<QueryShape>,
    /// Bind values by name.
    pub binds: Vec<(Arc<str>, Value)>,
    /// Whether object and field permissions count; none where the class's API version decides.
    pub user_mode: Option<bool>,
}

/// What a query found.
#[derive(Debug, Clone)]
pub enum QueryAnswer {
    /// Records, or rows of AggregateResult.
    Records(Vec<Rc<RecordObject>>),
    /// The number of `SELECT COUNT()`.
    Count(i32),
}

/// A DML operation as the program makes it.
#[derive(Debug, Clone)]
pub struct DmlCall {
    /// What is done.
    pub kind: DmlKind,
    /// The records.
    pub records: Vec<Rc<RecordObject>>,
    /// The field that an upsert matches by.
    pub key: Option<Arc<str>>,
    /// What a merge absorbs.
    pub duplicates: Vec<Value>,
    /// False for `Database.insert(records, false)`: each record by itself.
    pub all_or_none: bool,
    /// Whether permissions count; none where the class's API version decides.
    pub user_mode: Option<bool>,
}

/// What became of one record.
#[derive(Debug, Clone, Default)]
pub struct DmlOutcome {
    /// Its id where it was saved.
    pub id: Option<Arc<str>>,
    /// Whether an upsert inserted it.
    pub created: bool,
    /// Why it was refused: status code, message, fields.
    pub errors: Vec<(String, String, Vec<String>)>,
}

/// An HTTP request of the program.
#[derive(Debug, Clone, Default)]
pub struct Callout {
    /// GET, POST, …
    pub method: String,
    /// The endpoint as given, `callout:` names included.
    pub endpoint: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Milliseconds the program waits.
    pub timeout: i32,
}

/// What the other side answered.
#[derive(Debug, Clone, Default)]
pub struct CalloutAnswer {
    /// The status code.
    pub status: i32,
    /// Its words.
    pub reason: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Work for later.
#[derive(Debug, Clone)]
pub struct Job {
    /// Queueable, Batchable, Schedulable or a future method.
    pub kind: &'static str,
    /// The object, or the arguments of a future method.
    pub work: Value,
    /// The class, and the method of a future call.
    pub name: Arc<str>,
    /// What else was asked for: delay in minutes, chunk size, cron expression, signature.
    pub options: Vec<(&'static str, Value)>,
}

/// What an effect failed with.
#[derive(Debug, Clone)]
pub enum HostError {
    /// The org refuses the feature by name.
    NotSupported(String),
    /// An Apex exception: type without namespace, message.
    Exception(String, String),
}

/// Who runs the program.
#[derive(Debug, Clone)]
pub struct RunningUser {
    /// The user's id.
    pub id: Arc<str>,
    /// The user's name.
    pub name: Arc<str>,
    /// An IANA time zone.
    pub time_zone: chrono_tz::Tz,
    /// `en_US`
    pub locale: Arc<str>,
}

/// The org as the program sees it.
pub trait Host {
    /// Milliseconds since 1970 in GMT.
    fn now(&self) -> i64;

    /// Sixty-four random bits.
    fn random(&self) -> u64;

    /// Who runs the program.
    fn user(&self) -> RunningUser;

    /// A line of the debug log: level, line of the program, text.
    fn log(&self, level: &str, line: u32, text: &str);

    /// Runs a query.
    fn query(&self, call: &QueryCall) -> Result<QueryAnswer, HostError>;

    /// Writes records: ids, and what triggers change, are set in the records themselves. With `all_or_none`
    /// a refusal comes back in the outcomes and nothing is saved.
    fn dml(&self, machine: &mut Machine<'_>, call: &DmlCall) -> Result<Vec<DmlOutcome>, HostError>;

    /// Calls another system.
    fn callout(&self, call: &Callout) -> Result<CalloutAnswer, HostError>;

    /// Takes work for later and returns the job's id.
    fn enqueue(&self, job: Job) -> Result<Arc<str>, HostError>;

    /// Marks the data so that [`Host::rollback`] can return to it.
    fn savepoint(&self) -> Result<u64, HostError>;

    /// Returns the data to a mark.
    fn rollback(&self, savepoint: u64) -> Result<(), HostError>;
}

/// A host without an org: logic runs, every effect is refused by name.
#[derive(Debug, Default)]
pub struct NoOrg {
    log: std::cell::RefCell<Vec<String>>,
    dice: std::cell::Cell<u64>,
}

impl NoOrg {
    /// What was logged.
    pub fn logged(&self) -> Vec<String> {
        self.log.borrow().clone()
    }
}

fn refused<T>(what: &str) -> Result<T, HostError> {
    Err(HostError::NotSupported(format!("{what} without an org")))
}

impl Host for NoOrg {
    /// A fixed moment, 2026-01-15 12:00 GMT: tests without an org give the same answer on every day.
    fn now(&self) -> i64 {
        1_768_478_400_000
    }

    fn random(&self) -> u64 {
        // splitmix64: reproducible.
        let state = self.dice.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.dice.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn user(&self) -> RunningUser {
        RunningUser {
            id: "005000000000001AAA".into(),
            name: "Test User".into(),
            time_zone: chrono_tz::UTC,
            locale: "en_US".into(),
        }
    }

    fn log(&self, level: &str, line: u32, text: &str) {
        self.log.borrow_mut().push(format!("{level}|{line}|{text}"));
    }

    fn query(&self, _: &QueryCall) -> Result<QueryAnswer, HostError> {
        refused("SOQL")
    }

    fn dml(&self, _: &mut Machine<'_>, _: &DmlCall) -> Result<Vec<DmlOutcome>, HostError> {
        refused("DML")
    }

    fn callout(&self, _: &Callout) -> Result<CalloutAnswer, HostError> {
        refused("callouts")
    }

    fn enqueue(&self, job: Job) -> Result<Arc<str>, HostError> {
        refused(job.kind)
    }

    fn savepoint(&self) -> Result<u64, HostError> {
        refused("savepoints")
    }

    fn rollback(&self, _: u64) -> Result<(), HostError> {
        refused("savepoints")
    }
}
