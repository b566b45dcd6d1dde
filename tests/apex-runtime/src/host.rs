//! The one door through which a program's effects leave: whoever embeds the runtime answers for the org.
//!
//! Methods take `&self` and the machine: a DML statement fires triggers, which run on the same machine and may
//! come back through this door before the first call has returned. Implementations keep their state in cells.

use std::rc::Rc;
use std::sync::Arc;

use crate::run::frozen::Frozen;
use crate::run::value::{RecordObject, Value};
use crate::run::{Interrupt, Machine};
use crate::syntax::ast::{DmlKind, QueryShape};
use crate::types::MethodId;

/// With whose rights data is read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessMode {
    /// Object and field permissions do not count.
    #[default]
    System,
    /// The user's object and field permissions count, and row access in any case.
    User,
    /// `WITH SECURITY_ENFORCED`: a query that names an object or field without read access is refused; the
    /// words are `Insufficient permissions: secure query included inaccessible field` (QueryException).
    SecurityEnforced,
}

/// A query as the program makes it.
#[derive(Debug, Clone)]
pub struct QueryCall {
    /// The text; binds are `:bind0`, `:bind1`, … or, in dynamic queries, `:name`.
    pub text: Arc<str>,
    /// What a literal query yields; none for dynamic ones.
    pub shape: Option<QueryShape>,
    /// Bind values by name, in any case.
    pub binds: Vec<(Arc<str>, Value)>,
    /// With whose rights, decided: `WITH USER_MODE` and its like are no longer in the text.
    pub access: AccessMode,
    /// Whether row access counts: sharing of the class that runs, or user mode.
    pub sharing: bool,
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
    /// With whose rights, decided.
    pub access: AccessMode,
    /// Whether row access counts: sharing of the class that runs, or user mode.
    pub sharing: bool,
    /// What `Database.DMLOptions` asked for.
    pub options: DmlOptions,
}

/// `Database.DMLOptions` as a call carries them.
#[derive(Debug, Clone, Default)]
pub struct DmlOptions {
    /// `allowFieldTruncation`
    pub allow_field_truncation: bool,
    /// `DuplicateRuleHeader.allowSave`
    pub duplicates_allowed: bool,
    /// `AssignmentRuleHeader.useDefaultRule`
    pub default_assignment_rule: bool,
    /// `AssignmentRuleHeader.assignmentRuleId`
    pub assignment_rule: Option<Arc<str>>,
}

/// A lead to be converted (`Database.LeadConvert`).
#[derive(Debug, Clone, Default)]
pub struct LeadConversion {
    /// The lead.
    pub lead: Option<Arc<str>>,
    /// The account to merge into.
    pub account: Option<Arc<str>>,
    /// The contact to merge into.
    pub contact: Option<Arc<str>>,
    /// The opportunity to relate to.
    pub opportunity: Option<Arc<str>>,
    /// The new opportunity's name.
    pub opportunity_name: Option<Arc<str>>,
    /// Who owns what is made.
    pub owner: Option<Arc<str>>,
    /// The status that means converted.
    pub status: Option<Arc<str>>,
    /// Whether no opportunity is made.
    pub without_opportunity: bool,
    /// Whether the lead source is overwritten.
    pub overwrite_lead_source: bool,
    /// Whether the owner is told.
    pub send_email: bool,
}

/// What became of a lead.
#[derive(Debug, Clone, Default)]
pub struct LeadOutcome {
    /// The account.
    pub account: Option<Arc<str>>,
    /// The contact.
    pub contact: Option<Arc<str>>,
    /// The opportunity.
    pub opportunity: Option<Arc<str>>,
    /// Why it was refused.
    pub errors: Vec<(String, String, Vec<String>)>,
}

/// What the running user may do with an object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectAccess {
    /// Read records.
    pub read: bool,
    /// Insert records.
    pub create: bool,
    /// Update records.
    pub edit: bool,
    /// Delete and undelete records.
    pub delete: bool,
}

/// What the running user may do with a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FieldAccess {
    /// Read it.
    pub read: bool,
    /// Set it on insert.
    pub create: bool,
    /// Change it.
    pub edit: bool,
}

/// A record type as the running user sees it.
#[derive(Debug, Clone, Default)]
pub struct RecordType {
    /// Its id.
    pub id: Arc<str>,
    /// Its label.
    pub name: Arc<str>,
    /// Its API name.
    pub developer_name: Arc<str>,
    /// Whether it may be used.
    pub active: bool,
    /// Whether the user may choose it.
    pub available: bool,
    /// Whether it is the user's default.
    pub default: bool,
    /// Whether it is the master record type.
    pub master: bool,
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
    /// Of a merge: the records that were absorbed, and the children that have a new parent.
    pub merged: (Vec<Arc<str>>, Vec<Arc<str>>),
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

/// The kinds of work for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobKind {
    /// `System.enqueueJob`
    Queueable,
    /// A method with `@future`.
    Future,
    /// `Database.executeBatch`
    Batch,
    /// `System.schedule`
    Scheduled,
    /// What `System.attachFinalizer` was given; it follows its Queueable and is never enqueued.
    Finalizer,
}

/// Work for later. It is run with [`Machine::run_job`], a Batchable with [`Machine::batch_start`] and its like.
#[derive(Debug, Clone)]
pub struct Job {
    /// What kind it is.
    pub kind: JobKind,
    /// The object, or the list of a future method's arguments.
    pub work: Frozen,
    /// The class; of a future call the class, the method and its parameter types.
    pub name: Arc<str>,
    /// The future method.
    pub method: Option<MethodId>,
    /// Minutes until it may start.
    pub delay_minutes: i32,
    /// What `AsyncOptions.DuplicateSignature` says.
    pub signature: Option<Arc<str>>,
    /// How many Queueables led here, this one counted.
    pub depth: i32,
    /// How many Queueables in a row have failed before it, each started again by the finalizer of the one before.
    pub failures: u32,
    /// What `AsyncOptions.MaximumQueueableStackDepth` says.
    pub maximum_depth: Option<i32>,
    /// How many records a Batchable gets at once.
    pub chunk: usize,
    /// The name of a scheduled job.
    pub schedule_name: Option<Arc<str>>,
    /// The cron expression of a scheduled job.
    pub cron: Option<Arc<str>>,
}

impl Job {
    /// Work with nothing else asked for.
    pub fn new(kind: JobKind, name: Arc<str>, work: Frozen) -> Self {
        Self {
            kind,
            work,
            name,
            method: None,
            delay_minutes: 0,
            signature: None,
            depth: 1,
            failures: 0,
            maximum_depth: None,
            chunk: 200,
            schedule_name: None,
            cron: None,
        }
    }
}

/// What an effect failed with.
#[derive(Debug, Clone)]
pub enum HostError {
    /// The org refuses the feature by name.
    NotSupported(String),
    /// An Apex exception: type without namespace, message.
    Exception(String, String),
    /// What ended a trigger that the effect fired, where it must end the program too: governor limits,
    /// failed assertions, and what the runtime does not support.
    Interrupted(Interrupt),
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
    /// The language of labels: `en_US`.
    pub language: Arc<str>,
    /// First name.
    pub first_name: Arc<str>,
    /// Last name.
    pub last_name: Arc<str>,
    /// `user@example.com`
    pub user_name: Arc<str>,
    /// Email address.
    pub email: Arc<str>,
    /// The profile.
    pub profile: Arc<str>,
    /// The role, where the user has one.
    pub role: Option<Arc<str>>,
    /// `Standard`, `Guest`, …
    pub kind: Arc<str>,
    /// The org's id.
    pub organization: Arc<str>,
    /// The org's name.
    pub organization_name: Arc<str>,
    /// `EUR`, `USD`, …
    pub currency: Arc<str>,
    /// Whether the org has several currencies.
    pub multi_currency: bool,
}

impl RunningUser {
    /// A user of whom little is known, in GMT.
    pub fn new(id: &str, name: &str) -> Self {
        let (first, last) = name.rsplit_once(' ').unwrap_or(("", name));
        Self {
            id: id.into(),
            name: name.into(),
            time_zone: chrono_tz::UTC,
            locale: "en_US".into(),
            language: "en_US".into(),
            first_name: first.into(),
            last_name: last.into(),
            user_name: "test@example.com".into(),
            email: "test@example.com".into(),
            profile: "00e000000000001AAA".into(),
            role: None,
            kind: "Standard".into(),
            organization: "00D000000000001AAA".into(),
            organization_name: "Test".into(),
            currency: "USD".into(),
            multi_currency: false,
        }
    }
}

/// How the CPU time of a transaction is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuPace {
    /// Statements and loop turns that count as a millisecond.
    pub per_millisecond: u32,
    /// Whether more than the limit ends the transaction.
    pub stops: bool,
}

impl Default for CpuPace {
    fn default() -> Self {
        Self {
            per_millisecond: 1_000,
            stops: false,
        }
    }
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

    /// Writes records: ids are set in the records themselves. With `all_or_none` a refusal comes back in the
    /// outcomes and nothing is saved. Triggers are run with [`Machine::fire`]; where some records fail and the
    /// others are to be saved, they fire again for those others after a rollback (Apex Developer Guide, "Bulk
    /// DML Exception Handling").
    fn dml(&self, machine: &mut Machine<'_>, call: &DmlCall) -> Result<Vec<DmlOutcome>, HostError>;

    /// Calls another system.
    fn callout(&self, call: &Callout) -> Result<CalloutAnswer, HostError>;

    /// Takes work for later and returns the job's id.
    fn enqueue(&self, job: Job) -> Result<Arc<str>, HostError>;

    /// Takes work that a test hands over: the runtime runs it at `Test.stopTest`. Whoever shows it as
    /// AsyncApexJob or CronTrigger gives the ids.
    fn enqueue_in_test(&self, job: &Job) -> Result<Arc<str>, HostError> {
        let prefix = if job.kind == JobKind::Scheduled {
            "08e"
        } else {
            "707"
        };
        let number = self.random() % 1_000_000_000;
        let id = format!("{prefix}000{number:09}");
        Ok(crate::run::long_id(&id)
            .map_or(id, |long| long.to_string())
            .into())
    }

    /// Stops work that waits: `System.abortJob`.
    fn abort_job(&self, _id: &str) -> Result<(), HostError> {
        refused("System.abortJob")
    }

    /// RSA with SHA-256 by a certificate of the org, by its developer name.
    fn sign(&self, _certificate: &str, _input: &[u8]) -> Result<Vec<u8>, HostError> {
        refused("certificates of the org")
    }

    /// Publishes platform events that were found complete. Never called in a test, which keeps its events itself.
    fn publish(&self, _: &mut Machine<'_>, _: &[Rc<RecordObject>]) -> Result<(), HostError> {
        refused("EventBus.publish")
    }

    /// How CPU time is estimated; asked once for each transaction.
    fn cpu_pace(&self) -> CpuPace {
        CpuPace::default()
    }

    /// Hears that a method of the program begins, and may let it fail: nothing of it has run then.
    fn before_method(&self, _class: &str, _method: &str) -> Result<(), HostError> {
        Ok(())
    }

    /// Whether the running user holds a custom permission.
    fn custom_permission(&self, _name: &str) -> Result<bool, HostError> {
        refused("FeatureManagement.checkPermission")
    }

    /// The org's address: `https://MyDomainName.my.salesforce.com`.
    fn domain_url(&self) -> Result<String, HostError> {
        refused("URL.getOrgDomainUrl")
    }

    /// Marks the data so that [`Host::rollback`] can return to it.
    fn savepoint(&self) -> Result<u64, HostError>;

    /// Returns the data to a mark; marks set later end to be valid.
    fn rollback(&self, savepoint: u64) -> Result<(), HostError>;

    /// Forgets a mark and those set later.
    fn release_savepoint(&self, _: u64) -> Result<(), HostError> {
        refused("Database.releaseSavepoint")
    }

    /// Makes another user the running one, by id, until the next call.
    fn run_as(&self, _user: &str) -> Result<(), HostError> {
        refused("System.runAs")
    }

    /// What the running user may do with an object.
    fn object_access(&self, _object: &str) -> Result<ObjectAccess, HostError> {
        refused("object permissions")
    }

    /// What the running user may do with a field; for what no permission covers, what the field allows.
    fn field_access(&self, _object: &str, _field: &str) -> Result<FieldAccess, HostError> {
        refused("field permissions")
    }

    /// The record types of an object, the master one too.
    fn record_types(&self, _object: &str) -> Result<Vec<RecordType>, HostError> {
        refused("record types")
    }

    /// Converts leads; with `all_or_none` a refusal comes back in the outcomes and nothing is saved.
    fn convert_leads(
        &self,
        _: &mut Machine<'_>,
        _: &[LeadConversion],
        _all_or_none: bool,
    ) -> Result<Vec<LeadOutcome>, HostError> {
        refused("Database.convertLead")
    }
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
        RunningUser::new("005000000000001AAA", "Test User")
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
        refused(&format!("{:?} jobs", job.kind))
    }

    fn savepoint(&self) -> Result<u64, HostError> {
        refused("savepoints")
    }

    fn rollback(&self, _: u64) -> Result<(), HostError> {
        refused("savepoints")
    }
}
