//! Asynchronous Apex: what the program hands over for later, and how it is run when its time has come. In a
//! test `Test.stopTest` runs it at once (Apex Developer Guide, "Using Limits, startTest, and stopTest");
//! statics are kept then, as public tests (apex-recipes) rely on.

use std::sync::Arc;

use super::frozen::Frozen;
use super::limits::{Limit, Limits};
use super::value::Value;
use super::{Fatal, FatalKind, Interrupt, Machine, Run};
use crate::host::{Job, JobKind};
use crate::types::{MethodId, Type};

/// The asynchronous work that a transaction is.
#[derive(Debug, Clone)]
pub struct RunningJob {
    /// What kind of work it is.
    pub kind: JobKind,
    /// The id of its AsyncApexJob or CronTrigger.
    pub id: Arc<str>,
    /// How many Queueables led here, this one counted.
    pub depth: i32,
    /// How many there may be.
    pub maximum_depth: Option<i32>,
    /// The delay it was started with, in minutes.
    pub delay_minutes: i32,
    /// What `System.attachFinalizer` was given.
    pub finalizer: Option<Value>,
    /// How many Queueables in a row have failed before this one; of a finalizer, the one before it counted.
    pub failures: u32,
}

/// A Finalizer's view of the job before it.
#[derive(Debug)]
pub(crate) struct EndedJob {
    pub(crate) id: Arc<str>,
    pub(crate) exception: Value,
}

/// The view that a Queueable, a Batchable and a Schedulable have of themselves.
#[derive(Debug)]
pub(crate) struct JobView {
    pub(crate) id: Arc<str>,
    pub(crate) child: Arc<str>,
}

/// Work that a test has handed over.
#[derive(Debug, Clone)]
pub struct TestJob {
    pub(crate) id: Arc<str>,
    pub(crate) job: Job,
}

impl Machine<'_> {
    /// Whether the running job is of a kind.
    pub(crate) fn runs_as(&self, kind: JobKind) -> bool {
        self.job.as_ref().is_some_and(|job| job.kind == kind)
    }

    /// Refuses a callout where Salesforce does.
    pub(crate) fn check_callout(&self) -> Run<()> {
        let in_trigger = self
            .calls
            .iter()
            .any(|call| self.program.triggers.iter().any(|t| t.class == call.class));
        if in_trigger {
            let words = "Callout from triggers are currently not supported.";
            return Err(self.raise("CalloutException", words));
        }
        if self.uncommitted.dml {
            let words = "You have uncommitted work pending. Please commit or rollback before calling out";
            return Err(self.raise("CalloutException", words));
        }
        if !self.uncommitted.savepoints.is_empty() {
            return Err(self.not_supported("a callout while a savepoint is set"));
        }
        Ok(())
    }

    /// Hands work over: to the host, or in a test to `Test.stopTest`.
    pub fn enqueue(&mut self, job: Job) -> Run<Arc<str>> {
        match job.kind {
            JobKind::Queueable => {
                self.count(Limit::QueueableJobs, 1)?;
                self.check_depth(&job)?;
                self.check_retries(&job)?;
            }
            JobKind::Future => {
                if self.runs_as(JobKind::Future) || self.runs_as(JobKind::Batch) {
                    let words = format!(
                        "Future method cannot be called from a future or batch method: {}",
                        job.name
                    );
                    return Err(self.raise("AsyncException", words));
                }
                self.count(Limit::FutureCalls, 1)?;
            }
            _ => {}
        }
        let host = self.host;
        if !self.test.running {
            return host.enqueue(job).map_err(|error| self.from_host(error));
        }
        if let Some(signature) = &job.signature
            && self
                .test
                .jobs
                .iter()
                .any(|waiting| waiting.job.signature.as_ref() == Some(signature))
        {
            let words = "Attempt to enqueue job with duplicate queueable signature";
            return Err(self.raise("DuplicateMessageException", words));
        }
        let id = host
            .enqueue_in_test(&job)
            .map_err(|error| self.from_host(error))?;
        self.test.jobs.push(TestJob {
            id: Arc::clone(&id),
            job,
        });
        Ok(id)
    }

    /// What a test has handed over since a savepoint goes with its rollback, but not what was published at once
    /// (Platform Events Developer Guide, "Define Your Platform Event").
    pub(crate) fn take_back_in_test(&mut self, jobs: usize, events: usize) {
        self.test.jobs.truncate(jobs);
        let schema = &self.program.schema;
        let mut place = 0;
        self.test.events.retain(|event| {
            place += 1;
            let object = schema.object(&event.object);
            place <= events || object.and_then(|object| object.publishes_immediately) == Some(true)
        });
    }

    /// Queueables chain no further than AsyncOptions allows; in a test not at all without that.
    fn check_depth(&self, job: &Job) -> Run<()> {
        let Some(running) = self
            .job
            .as_ref()
            .filter(|running| running.kind == JobKind::Queueable)
        else {
            return Ok(());
        };
        let maximum = job.maximum_depth.or(running.maximum_depth);
        let allowed = match maximum {
            Some(maximum) => running.depth < maximum,
            None => !self.test.running,
        };
        if allowed {
            return Ok(());
        }
        Err(self.raise("AsyncException", "Maximum stack depth has been reached."))
    }

    /// A finalizer starts a Queueable again that has failed five times in a row, and no further (Apex Developer Guide,
    /// "Transaction Finalizers"; the words are believed).
    fn check_retries(&self, job: &Job) -> Run<()> {
        const RETRIES: u32 = 5;
        if job.failures <= RETRIES {
            return Ok(());
        }
        let words = "A failed Queueable can be enqueued again by its finalizer five times in a row.";
        Err(self.raise("AsyncException", words))
    }

    /// A call of a method with `@future`.
    pub(super) fn call_future(&mut self, method: MethodId, arguments: Vec<Value>) -> Run<Value> {
        let declared = self.program.classes.method(method);
        let class = &self.program.classes.class(declared.class).name;
        let types: Vec<_> = declared
            .parameters
            .iter()
            .map(|p| self.type_name(&p.ty))
            .collect();
        let name = format!("{class}.{}({})", declared.name, types.join(", "));
        let work = Frozen::of(self, &Value::list(Type::Object, arguments))?;
        let job = Job {
            method: Some(method),
            ..Job::new(JobKind::Future, name.into(), work)
        };
        self.enqueue(job)?;
        Ok(Value::Null)
    }

    /// Runs a Queueable, Schedulable or future method as this transaction; a Batchable goes by its parts.
    pub fn run_job(&mut self, job: &Job, id: &str) -> Run<()> {
        self.start_job(job, id);
        let work = job.work.thaw(self)?;
        let view = |m: &Self, class: &str| {
            m.platform_object(
                class,
                JobView {
                    id: id.into(),
                    child: id.into(),
                },
            )
        };
        match (job.kind, job.method) {
            (JobKind::Future, Some(method)) => {
                let arguments = self.elements(&work)?;
                self.run_method(method, Value::Null, arguments)?;
            }
            (JobKind::Queueable, _) => {
                let context = view(self, "QueueableContext")?;
                self.invoke_interface("Queueable", "execute", &work, &[context])?;
            }
            (JobKind::Scheduled, _) => {
                let context = view(self, "SchedulableContext")?;
                self.invoke_interface("Schedulable", "execute", &work, &[context])?;
            }
            (JobKind::Batch, _) => self.run_batch(job, id, &work)?,
            _ => return Err(self.not_supported("running this job")),
        }
        Ok(())
    }

    /// Makes this transaction the job's.
    pub fn start_job(&mut self, job: &Job, id: &str) {
        self.job = Some(RunningJob {
            kind: job.kind,
            id: id.into(),
            depth: job.depth,
            maximum_depth: job.maximum_depth,
            delay_minutes: job.delay_minutes,
            finalizer: None,
            failures: job.failures,
        });
        // Scheduled Apex has the limits of synchronous Apex.
        self.limits.asynchronous = job.kind != JobKind::Scheduled;
    }

    /// What `System.attachFinalizer` was given, frozen for the transaction that runs it.
    pub fn take_finalizer(&mut self) -> Run<Option<Frozen>> {
        let finalizer = self.job.as_mut().and_then(|job| job.finalizer.take());
        finalizer
            .map(|finalizer| Frozen::of(self, &finalizer))
            .transpose()
    }

    /// Runs a finalizer as this transaction; the failure is the message of what ended the job.
    pub fn run_finalizer(
        &mut self,
        finalizer: &Frozen,
        (job, id): (&Job, &str),
        failure: Option<&Interrupt>,
    ) -> Run<()> {
        self.job = Some(RunningJob {
            kind: JobKind::Finalizer,
            id: id.into(),
            depth: 1,
            maximum_depth: None,
            delay_minutes: 0,
            finalizer: None,
            failures: failure.map_or(0, |_| job.failures + 1),
        });
        // Synchronous limits but for the heap, Queueables and future calls (Apex Developer Guide, "Transaction
        // Finalizers").
        self.limits.finalizer = true;
        let exception = match failure {
            None => Value::Null,
            Some(Interrupt::Exception(exception)) => Value::Object(std::rc::Rc::clone(exception)),
            Some(Interrupt::Fatal(fatal)) => self.exception_for(fatal),
            Some(Interrupt::NullChain) => Value::Null,
        };
        let state = EndedJob {
            id: id.into(),
            exception,
        };
        let context = self.platform_object("FinalizerContext", state)?;
        let finalizer = finalizer.thaw(self)?;
        self.invoke_interface("Finalizer", "execute", &finalizer, &[context])?;
        Ok(())
    }

    fn exception_for(&self, fatal: &Fatal) -> Value {
        let class = match fatal.kind {
            FatalKind::Limit => "LimitException",
            FatalKind::Assertion => "AssertException",
            FatalKind::NotSupported => return Value::Null,
        };
        let message = fatal
            .message
            .split_once(": ")
            .map_or(&*fatal.message, |(_, text)| text);
        match self.raise(class, message) {
            Interrupt::Exception(exception) => Value::Object(exception),
            _ => Value::Null,
        }
    }

    /// Runs what the test handed over, each job with limits of its own. What a job fails with fails the test.
    pub(crate) fn run_test_jobs(&mut self) -> Run<()> {
        while !self.test.jobs.is_empty() {
            let TestJob { id, job } = self.test.jobs.remove(0);
            let limits = std::mem::take(&mut self.limits);
            let outer = self.job.take();
            // A job is a transaction of its own: what the test has written does not hold up its callouts.
            let uncommitted = std::mem::take(&mut self.uncommitted);
            let written = std::mem::take(&mut self.written);
            let host = self.host;
            let mark = host.savepoint().ok();
            let mut result = self.run_job(&job, &id);
            if let Err(Interrupt::Fatal(fatal)) = &result
                && fatal.kind == FatalKind::NotSupported
            {
                return result;
            }
            if let (Err(_), Some(mark)) = (&result, mark) {
                host.rollback(mark).map_err(|error| self.from_host(error))?;
            }
            let finalizer = self.take_finalizer();
            if let Some(finalizer) = finalizer? {
                self.limits = Limits::default();
                self.uncommitted = super::dml::Uncommitted::default();
                self.written = super::mixed::Written::default();
                let after = self.run_finalizer(&finalizer, (&job, &id), result.as_ref().err());
                result = result.and(after);
            }
            self.limits = limits;
            self.uncommitted = uncommitted;
            self.written = written;
            self.job = outer;
            result?;
        }
        Ok(())
    }
}
