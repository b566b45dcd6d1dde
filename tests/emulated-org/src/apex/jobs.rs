//! Asynchronous Apex on the organisation's clock: what waits, what runs, and the rows that show it.
//!
//! Source: Apex Developer Guide, Asynchronous Apex; Object Reference, AsyncApexJob and CronTrigger. Jobs run one
//! after the other in a thread of their own, or in the thread of whoever asks for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use apex_runtime::host::JobKind;
use apex_runtime::run::Interrupt;
use apex_runtime::run::frozen::Frozen;
use apex_runtime::{Failure, Machine};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::Installed;
use super::cron::Cron;
use super::events::Events;
pub(crate) use super::session::Pending;
use super::session::{Hold, Session};
use crate::data::{Author, Authority, DuplicateOptions};
use crate::id::RecordId;
use crate::org::Org;
use crate::value::Value;

/// How often the worker looks at the clock, which may have been set.
const LOOK: Duration = Duration::from_millis(50);

/// What waits, and what runs.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    state: Mutex<State>,
    pub(crate) bell: Arc<Bell>,
    /// One job runs at a time.
    turn: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    waiting: BTreeMap<(DateTime<Utc>, u64), Pending>,
    added: u64,
    running: Vec<Pending>,
    events: Events,
}

/// Wakes the worker.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<bool>,
    ring: Condvar,
}

impl Bell {
    pub(super) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ring.notify_all();
    }

    fn wait(&self) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.ring.wait_timeout_while(rung, LOOK, |rung| !*rung);
        let (mut rung, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *rung = false;
    }
}

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a Queueable with this signature waits.
    pub(super) fn holds(&self, signature: &Arc<str>, running_too: bool) -> bool {
        let state = self.lock();
        let same = |pending: &Pending| pending.job.signature.as_ref() == Some(signature);
        state.waiting.values().any(same) || (running_too && state.running.iter().any(same))
    }

    fn add(&self, at: DateTime<Utc>, pending: Pending) {
        let mut state = self.lock();
        state.added += 1;
        let number = state.added;
        state.waiting.insert((at, number), pending);
    }

    fn take_due(&self, now: DateTime<Utc>) -> Option<Pending> {
        let mut state = self.lock();
        let first = state.waiting.first_entry().filter(|entry| entry.key().0 <= now)?;
        let pending = first.remove();
        state.running.push(pending.clone());
        Some(pending)
    }

    /// Forgets what waits under an id.
    pub(super) fn forget(&self, id: RecordId) {
        self.lock().waiting.retain(|_, pending| pending.id != id);
    }

    /// Looks at the platform events that wait.
    pub(super) fn events<T>(&self, look: impl FnOnce(&mut Events) -> T) -> T {
        look(&mut self.lock().events)
    }

    fn is_idle(&self, now: DateTime<Utc>) -> bool {
        let state = self.lock();
        state.running.is_empty()
            && state.events.is_empty()
            && state.waiting.keys().next().is_none_or(|(at, _)| *at > now)
    }
}

/// Which jobs of a class wait or run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct JobsOfClass {
    scheduled: bool,
    others: bool,
}

impl JobsOfClass {
    /// Why the class is not to be changed.
    pub(crate) fn words(self) -> String {
        let others = "Apex class has Batchable or Future jobs pending or in progress";
        let scheduled = "Schedulable class has jobs pending or in progress";
        let said = [(self.others, others), (self.scheduled, scheduled)];
        let said: Vec<&str> = said
            .into_iter()
            .filter_map(|(holds, words)| holds.then_some(words))
            .collect();
        said.join("; ")
    }
}

/// How a part of a job ended.
type Ended<T> = (Result<T, Failure>, Option<(Frozen, Option<Interrupt>)>);

/// Serves the jobs of an organisation until it is gone.
pub(crate) fn serve(org: &Arc<Org>) {
    let weak: Weak<Org> = Arc::downgrade(org);
    let bell = Arc::clone(&org.apex.jobs.bell);
    std::thread::spawn(move || {
        while let Some(org) = weak.upgrade() {
            org.run_apex_jobs();
            drop(org);
            bell.wait();
        }
    });
}

impl Org {
    /// Delivers all platform events and runs all jobs that are due, one after the other, with what follows from them.
    pub fn run_apex_jobs(&self) {
        let jobs = &self.apex.jobs;
        let _turn = jobs.turn.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.deliver_next_events() {
                continue;
            }
            let Some(pending) = jobs.take_due(self.clock.now()) else {
                break;
            };
            self.perform_job(&pending);
            jobs.lock().running.retain(|running| running.id != pending.id);
        }
    }

    /// Waits until no event is under way and no job due or running; false if it takes longer.
    #[must_use]
    pub fn wait_for_apex(&self, longest: Duration) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < longest {
            if self.apex.jobs.is_idle(self.clock.now()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// The classes of which jobs wait or run, and those that classes with scheduled jobs name, by lower-case name.
    ///
    /// Source: Apex Developer Guide, Apex Scheduler (neither the class nor a class that it references is updated);
    /// that this goes on from class to class is what people report.
    pub(crate) fn classes_with_jobs(&self) -> BTreeMap<String, JobsOfClass> {
        let state = self.apex.jobs.lock();
        let mut classes: BTreeMap<String, JobsOfClass> = BTreeMap::new();
        for pending in state.waiting.values().chain(&state.running) {
            let class = pending.job.name.split('.').next().unwrap_or_default();
            let jobs = classes.entry(class.to_ascii_lowercase()).or_default();
            if pending.job.kind == JobKind::Scheduled {
                jobs.scheduled = true;
            } else {
                jobs.others = true;
            }
        }
        drop(state);
        let scheduled = classes.iter().filter(|(_, jobs)| jobs.scheduled);
        let scheduled: Vec<String> = scheduled.map(|(class, _)| class.clone()).collect();
        if let Some(installed) = self.apex.installed() {
            for class in scheduled {
                for named in installed.program.classes_named_by(&class) {
                    classes.entry(named).or_default().scheduled = true;
                }
            }
        }
        classes
    }

    pub(super) fn add_jobs(&self, jobs: Vec<Pending>) {
        if jobs.is_empty() {
            return;
        }
        let now = self.clock.now();
        for pending in jobs {
            let at = match pending.job.kind {
                JobKind::Scheduled => match self.next_run(&pending, now) {
                    Some(at) => at,
                    None => continue,
                },
                _ => now + TimeDelta::minutes(pending.job.delay_minutes.into()),
            };
            self.apex.jobs.add(at, pending);
        }
        self.apex.jobs.bell.ring();
    }

    fn next_run(&self, pending: &Pending, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let cron = Cron::parse(pending.job.cron.as_deref()?).ok()?;
        let zone = crate::http::query::setting_in(pending.user, u16::MAX, self, &self.read()).zone;
        cron.next(after, zone)
    }

    fn perform_job(&self, pending: &Pending) {
        let (id, job) = (pending.id, &pending.job);
        let installed = Arc::clone(&pending.installed);
        self.change_row(id, &[("Status", Value::text("Processing"))]);
        let ended = match job.kind {
            JobKind::Batch => self.run_batch(&installed, pending),
            _ => {
                let run = |machine: &mut Machine<'_>| machine.run_job(job, id.as_str());
                let (result, finalizer) = self.transact(&installed, pending.user, run);
                if let Some((finalizer, failure)) = finalizer {
                    let run = |machine: &mut Machine<'_>| {
                        machine.run_finalizer(&finalizer, (job, id.as_str()), failure.as_ref())
                    };
                    // A finalizer that fails leaves its mark in no row that is read here.
                    drop(self.transact(&installed, pending.user, run));
                }
                result
            }
        };
        let completed = Value::DateTime(self.clock.now());
        match (&ended, job.kind) {
            (_, JobKind::Scheduled) => self.schedule_again(pending),
            (Ok(()), _) => {
                self.change_row(
                    id,
                    &[("Status", Value::text("Completed")), ("CompletedDate", completed)],
                );
            }
            (Err(failure), _) => {
                let fields = [
                    ("Status", Value::text("Failed")),
                    ("CompletedDate", completed),
                    ("NumberOfErrors", Value::Number(1.into())),
                    ("ExtendedStatus", Value::text(cut(&failure.message))),
                ];
                self.change_row(id, &fields);
            }
        }
    }

    /// Lets a scheduled job wait for its next time, whatever became of it now.
    fn schedule_again(&self, pending: &Pending) {
        let now = self.clock.now();
        let triggered = self.times_triggered(pending.id) + Decimal::ONE;
        let mut fields = vec![
            ("PreviousFireTime", Value::DateTime(now)),
            ("TimesTriggered", Value::Number(triggered)),
        ];
        match self.next_run(pending, now) {
            Some(at) => {
                self.apex.jobs.add(at, pending.clone());
                fields.push(("State", Value::text("WAITING")));
                fields.push(("NextFireTime", Value::DateTime(at)));
            }
            None => {
                fields.push(("State", Value::text("DELETED")));
                fields.push(("NextFireTime", Value::Null));
                let shown = super::job_rows::shown_job(&self.read(), pending.id);
                if let Some(shown) = shown {
                    let fields = [
                        ("Status", Value::text("Completed")),
                        ("CompletedDate", Value::DateTime(now)),
                    ];
                    self.change_row(shown, &fields);
                }
            }
        }
        self.change_row(pending.id, &fields);
    }

    fn times_triggered(&self, id: RecordId) -> Decimal {
        let data = self.read();
        let found = data.table("CronTrigger").and_then(|table| {
            let (position, _) = table.object.field("TimesTriggered")?;
            Some(table.get(&id)?.get(position).clone())
        });
        match found {
            Some(Value::Number(number)) => number,
            _ => Decimal::ZERO,
        }
    }

    fn run_batch(&self, installed: &Arc<Installed>, pending: &Pending) -> Result<(), Failure> {
        let (id, job, user) = (pending.id.as_str(), &pending.job, pending.user);
        let (started, _) = self.transact(installed, user, |machine| machine.batch_start(job, id));
        let (chunks, mut work) = started?;
        let total = Value::Number(chunks.len().into());
        self.change_row(pending.id, &[("TotalJobItems", total)]);
        let (mut failures, mut first) = (0_u32, None);
        for (done, chunk) in chunks.iter().enumerate() {
            let run = |machine: &mut Machine<'_>| machine.batch_execute(job, id, &work, chunk);
            match self.transact(installed, user, run).0 {
                Ok(after) => work = after,
                // A chunk that fails is rolled back alone (Apex Developer Guide, Using Batch Apex).
                Err(failure) => {
                    failures += 1;
                    first.get_or_insert(failure);
                }
            }
            let fields = [
                ("JobItemsProcessed", Value::Number((done + 1).into())),
                ("NumberOfErrors", Value::Number(failures.into())),
            ];
            self.change_row(pending.id, &fields);
        }
        if let Some(failure) = first {
            let words = format!("First error: {}", failure.message);
            self.change_row(pending.id, &[("ExtendedStatus", Value::text(cut(&words)))]);
        }
        self.transact(installed, user, |machine| machine.batch_finish(job, id, &work))
            .0
    }

    /// Runs something as a transaction of its own. What it had to be finished with comes along.
    pub(super) fn transact<T>(
        &self,
        installed: &Arc<Installed>,
        user: RecordId,
        run: impl FnOnce(&mut Machine<'_>) -> Result<T, Interrupt>,
    ) -> Ended<T> {
        let mut claim = self.row_locks.claim();
        let author = Author {
            user,
            now: self.clock.now(),
            authority: Authority::User,
            duplicates: DuplicateOptions::default(),
        };
        let session = Session::new(self, installed, author, Hold::Open, &mut claim);
        let (result, finalizer) = {
            let mut machine = Machine::new(&installed.program, &session);
            let ended = run(&mut machine);
            let finalizer = machine.take_finalizer().ok().flatten();
            let failure = ended.as_ref().err().cloned();
            let result = ended.map_err(|interrupt| Failure::of(&machine, &interrupt));
            (result, finalizer.map(|finalizer| (finalizer, failure)))
        };
        if result.is_err() {
            session.roll_back();
        }
        session.commit();
        (result, finalizer)
    }
}

/// `ExtendedStatus` holds 1,000 characters.
fn cut(text: &str) -> String {
    text.chars().take(1_000).collect()
}
