//! Writing to Salesforce what the outbox holds.
//!
//! A round claims links of one mapping, reads their targets, keeps what is to be written as in flight, sends it,
//! reads back what was stored, and settles. What each step means is decided by the units of
//! [`causeway_core::units::outgoing`]; here is only what happens between them. Nothing that may have reached
//! Salesforce is ever sent again before its target was read: that is what "in flight" is kept for.

mod bulk;
mod keeper;
mod send;
mod sent;
mod targets;
pub(super) mod turns;
mod weight;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::decide::HeldReason;
use causeway_core::failure::{Call, Failure, NextStep, Policy, policy};
use causeway_core::id::{LinkId, SalesforceId};
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::outbox::{OutgoingClaim, Turn};
use causeway_core::ports::{Lane, StoreError};
use causeway_core::units::outgoing::{self as unit, Answer, Batch, Order, Orders, Preparing, Settled};
use chrono::TimeDelta;
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::app::failure::{store_failure, told};
use crate::app::org::{OrgError, remember_allowance, remember_org};
use crate::app::outgoing::keeper::Keeper;
use crate::app::outgoing::send::Sender;
use crate::app::outgoing::sent::Sent;
use crate::app::outgoing::targets::{Targets, read_back, read_targets};
use crate::app::outgoing::weight::is_too_much;
use crate::app::settings::{AccountError, find_account};
use crate::app::{App, AppOptions};
use crate::failpoint;
use crate::salesforce::Salesforce;
use crate::salesforce::ingest::IngestState;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Links that were claimed and looked at.
    pub claimed: usize,
    /// Writes that were sent.
    pub sent: usize,
}

/// Claims links that may have something to write and brings them to Salesforce.
///
/// # Errors
/// When nothing could be claimed. What fails after that comes back later by itself.
pub async fn write_outgoing(app: &App, worker: &str, stop: &CancellationToken) -> Result<Round, StoreError> {
    // What is claimed on a full disk can neither be settled nor given back.
    app.store.room().await?;
    let next = app
        .outgoing_turns
        .next(app.options.outbox_workers_per_connection)
        .await;
    let now = app.clock.now();
    let until = now + app.options.claim_lease;
    let (worker, size) = (worker.to_owned(), app.options.claim_links);
    let (first, except) = (next.first, next.except.clone());
    let claimed = app
        .store
        .write(Lane::Interactive, move |tx| {
            let turn = Turn {
                first,
                except: &except,
            };
            unit::claim(tx, &worker, &size, &turn, now, until)
        })
        .await?;
    let connection = claimed.batches.first().map(|batch| batch.connection);
    let _place = connection.map(|connection| next.take(connection));
    let mut round = Round {
        claimed: claimed.claimed,
        sent: 0,
    };
    if claimed.claimed > 0 {
        failpoint::reached("outgoing.claimed");
    }
    if claimed.put_off > 0 {
        tracing::error!(
            links = claimed.put_off,
            "workers ended again and again while they wrote these links; they are put off"
        );
    }
    // All are kept from now on, also those whose turn comes later.
    let works: Vec<Work<'_>> = claimed
        .batches
        .into_iter()
        .map(|batch| Work {
            app,
            _kept: Keeper::of(app, batch.claims()),
            batch: Arc::new(batch),
            stop,
        })
        .collect();
    for work in works {
        round.sent += Box::pin(work.run()).await;
    }
    Ok(round)
}

/// A batch being worked on.
struct Work<'a> {
    app: &'a App,
    batch: Arc<Batch>,
    stop: &'a CancellationToken,
    _kept: Keeper,
}

/// Why a batch came to no end.
enum Stuck {
    Salesforce(Failure),
    Store(StoreError),
    /// In words for a person.
    Setting(String),
}

impl From<Failure> for Stuck {
    fn from(failure: Failure) -> Self {
        Stuck::Salesforce(failure)
    }
}

impl From<StoreError> for Stuck {
    fn from(error: StoreError) -> Self {
        Stuck::Store(error)
    }
}

impl From<OrgError> for Stuck {
    fn from(error: OrgError) -> Self {
        match error {
            OrgError::Other(other) => Stuck::Setting(other.to_string()),
            OrgError::Salesforce(failure) => Stuck::Salesforce(failure),
            OrgError::Store(error) => Stuck::Store(error),
        }
    }
}

impl From<AccountError> for Stuck {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Org(error) => error.into(),
            AccountError::Not(_) => Stuck::Setting(error.to_string()),
        }
    }
}

impl Work<'_> {
    /// Works on the batch and answers how many writes were sent.
    async fn run(mut self) -> usize {
        let mut sent = 0;
        let mut waiting = vec![Arc::clone(&self.batch)];
        while let Some(batch) = waiting.pop() {
            self.batch = batch;
            if self.stop.is_cancelled() {
                self.leave().await;
                continue;
            }
            if is_too_much(&self.batch) {
                waiting.extend(halves(&self.batch));
                continue;
            }
            match Box::pin(self.attempt()).await {
                Ok(count) => sent += count,
                Err(Stuck::Store(StoreError::Corrupt { detail })) if self.batch.items.len() > 1 => {
                    // One link may be at fault: apart, it cannot hold the others up.
                    tracing::warn!(connection = %self.batch.connection, links = self.batch.items.len(), detail,
                        "links could not be decided together; deciding them in halves");
                    waiting.extend(halves(&self.batch));
                }
                Err(stuck) => self.give_back(stuck).await,
            }
        }
        sent
    }

    async fn attempt(&mut self) -> Result<usize, Stuck> {
        let salesforce = self.connect().await?;
        let ended_jobs = self.ended_jobs(&salesforce).await;
        let read_from = self.app.clock.now();
        let mut readable = self.readable(&ended_jobs);
        let Targets { found, unread } = read_targets(&salesforce, &readable, read_from).await?;
        if !unread.is_empty() {
            let held: HashSet<LinkId> = unread.iter().map(|(claim, _)| claim.link).collect();
            self.hold_unread(unread).await?;
            let items = |batch: &mut Batch| batch.items.retain(|item| !held.contains(&item.link.id));
            items(&mut readable);
            items(Arc::make_mut(&mut self.batch));
        }
        let began = Ticks::now();
        if self.app.clock.now() - read_from > OLDEST_READING {
            let late = "the targets took too long to read; what they hold may have changed since";
            return Err(Stuck::Setting(late.to_owned()));
        }
        let orders = self.prepare(readable, found, ended_jobs).await?;
        if orders.orders.is_empty() {
            return Ok(0);
        }
        failpoint::reached("outgoing.prepared");
        let count = orders.orders.len();
        let written = orders.orders.iter();
        let written = written.filter_map(|order| Some((order.claim.link, order.salesforce_id?)));
        let written: HashMap<LinkId, SalesforceId> = written.collect();
        let sender = Sender {
            app: self.app,
            salesforce: &salesforce,
            batch: &self.batch,
            deadline: began + self.app.options.write_within,
            stop: self.stop,
        };
        let sent = Box::pin(sender.send(orders.orders)).await;
        failpoint::reached("outgoing.sent");
        let answers = self.answers(&salesforce, sent, &written).await;
        failpoint::reached("outgoing.read_back");
        self.settle(answers).await?;
        failpoint::reached("outgoing.settled");
        Ok(count)
    }

    /// The client, certain to speak with the connection's own org.
    async fn connect(&mut self) -> Result<Arc<Salesforce>, Stuck> {
        let connection = self.batch.connection;
        let known = self
            .app
            .store
            .read(move |tx| tx.connection(connection))
            .await?
            .ok_or_else(|| Stuck::Setting("the connection does not exist any more".to_owned()))?;
        let interactive = self
            .batch
            .items
            .iter()
            .any(|item| item.claim.lane == Lane::Interactive);
        let lane = if interactive {
            Lane::Interactive
        } else {
            Lane::Bulk
        };
        let salesforce = self
            .app
            .salesforce_for(&known)
            .map_err(|error| Stuck::Setting(error.to_string()))?
            .in_lane(lane);
        let org = salesforce.org().await?;
        if known.organization != Some(org.organization) || known.integration_user != Some(org.user) {
            remember_org(self.app, connection, &salesforce).await?;
        }
        remember_allowance(self.app, &known, &salesforce).await?;
        if self.batch.plan.takes_account() {
            find_account(self.app, connection, &salesforce).await?;
        }
        Arc::make_mut(&mut self.batch).gateway_user = Some(org.user);
        Ok(salesforce)
    }

    /// Bulk jobs of earlier attempts that can write nothing any more. One that was never started is aborted first; one
    /// that cannot be asked holds up nothing but its own links.
    async fn ended_jobs(&self, salesforce: &Salesforce) -> BTreeSet<String> {
        let mut ended = BTreeSet::new();
        for job in self.batch.jobs() {
            let asking = async {
                match salesforce.ingest_job(&job).await {
                    Ok(IngestState::Open) => salesforce.abort_ingest_job(&job).await,
                    state => state,
                }
            };
            let state = in_time(LONGEST_POLL, asking).await;
            match state {
                Ok(IngestState::Open | IngestState::Running) => {}
                Ok(IngestState::Complete { .. } | IngestState::Failed { .. } | IngestState::Aborted) => {
                    ended.insert(job);
                }
                Err(failure) if policy(&failure, Call::Read).next == NextStep::Gone => {
                    ended.insert(job);
                }
                Err(failure) => {
                    tracing::warn!(connection = %self.batch.connection, job, ?failure,
                        "a Bulk job could not be asked for; its records wait for it");
                }
            }
        }
        ended
    }

    /// The batch without links whose Bulk job may still write: their targets would be read in vain.
    fn readable(&self, ended_jobs: &BTreeSet<String>) -> Batch {
        let mut batch = Batch::clone(&self.batch);
        batch.items.retain(|item| {
            let in_flight = item.link.outgoing.in_flight.as_ref();
            in_flight
                .and_then(|write| write.job.as_ref())
                .is_none_or(|job| ended_jobs.contains(job))
        });
        batch
    }

    /// Holds links that Salesforce refuses to look up; the others go on without them.
    async fn hold_unread(&self, unread: Vec<(OutgoingClaim, HeldReason)>) -> Result<(), StoreError> {
        let batch = Arc::clone(&self.batch);
        let at = self.app.clock.now();
        let later = at + self.later();
        let lease_until = at + self.app.options.claim_lease;
        let held = self
            .app
            .store
            .write(Lane::Interactive, move |tx| {
                unit::hold_unread(tx, &batch, &unread, lease_until, later, at)
            })
            .await?;
        tracing::warn!(connection = %self.batch.connection, object = self.batch.plan.salesforce_object, held,
            "Salesforce refuses to look records up; they are held");
        Ok(())
    }

    /// `readable`: the part of the batch whose targets were read.
    async fn prepare(
        &self,
        readable: Batch,
        found: unit::Found,
        ended_jobs: BTreeSet<String>,
    ) -> Result<Orders, StoreError> {
        let batch = Arc::clone(&self.batch);
        let at = self.app.clock.now();
        let until = at + under_way(&self.app.options);
        let lease_until = at + self.app.options.claim_lease;
        self.app
            .store
            .write(Lane::Interactive, move |tx| {
                let targets = readable.targets(&found);
                let preparing = Preparing {
                    targets: &targets,
                    ended_jobs: &ended_jobs,
                    until,
                    lease_until,
                    at,
                };
                unit::prepare(tx, &batch, &preparing)
            })
            .await
    }

    /// The answers to what was sent, with what Salesforce stored. Where that cannot be read, the writes are settled
    /// by what was sent.
    async fn answers(
        &self,
        salesforce: &Salesforce,
        sent: Vec<Sent>,
        written: &HashMap<LinkId, SalesforceId>,
    ) -> Vec<Answer> {
        let stored: BTreeSet<SalesforceId> = sent
            .iter()
            .filter_map(|sent| sent::shown_by(sent, written))
            .collect();
        let stored: Vec<SalesforceId> = stored.into_iter().collect();
        let read = read_back(salesforce, &self.batch, &stored, self.app.clock.now()).await;
        let shown = match read {
            Ok(shown) => shown,
            Err(failure) => {
                tracing::warn!(connection = %self.batch.connection, ?failure,
                    "what Salesforce stored could not be read back; what was sent is taken for it");
                Vec::new()
            }
        };
        sent::answers(sent, &shown, written)
    }

    /// Keeps what became of the writes. Where the disk is full that is tried until there is room: an answer that is
    /// not kept leaves a write of unknown outcome behind, which lies still until Salesforce can be at it no more.
    async fn settle(&self, answers: Vec<Answer>) -> Result<Settled, StoreError> {
        let until = Ticks::now() + self.app.options.unanswered_within;
        loop {
            match self.settle_once(answers.clone()).await {
                Err(StoreError::Full { .. }) if Ticks::now() < until && !self.stop.is_cancelled() => {}
                settled => return settled,
            }
            tokio::select! {
                () = tokio::time::sleep(self.app.options.store_pause) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn settle_once(&self, answers: Vec<Answer>) -> Result<Settled, StoreError> {
        let batch = Arc::clone(&self.batch);
        let retries = self.app.options.outbox_retries;
        let jitter = rand::random();
        let at = self.app.clock.now();
        let lease_until = at + self.app.options.claim_lease;
        self.app
            .store
            .write(Lane::Interactive, move |tx| {
                unit::settle(tx, &batch, &answers, &retries, jitter, lease_until, at)
            })
            .await
    }

    /// Gives the claims back for later. Where the store is at fault they come back with their leases.
    async fn give_back(&self, stuck: Stuck) {
        let connection = self.batch.connection;
        let (delay, cause) = match &stuck {
            Stuck::Salesforce(failure) => {
                let policy = policy(failure, Call::Read);
                (self.delay(&policy), told(failure, &policy))
            }
            Stuck::Store(error) => {
                let failure = store_failure(error);
                let policy = policy(&failure, Call::Read);
                (self.delay(&policy), told(&failure, &policy))
            }
            Stuck::Setting(message) => (self.later(), message.clone()),
        };
        tracing::warn!(%connection, object = self.batch.plan.salesforce_object, cause, ?delay,
            "nothing could be written to Salesforce; it is tried again");
        let at = self.app.clock.now();
        let (claims, entry) = (self.batch.claims(), stuck_entry(&self.batch, cause, at));
        let given_back = self
            .app
            .store
            .write(Lane::Interactive, move |tx| {
                tx.postpone_outgoing(&claims, at + delay, true)?;
                tx.append_logs(connection, std::slice::from_ref(&entry))
            })
            .await;
        if let Err(error) = given_back {
            tracing::error!(%connection, %error, "links could not be given back; they come back with their lease");
        }
    }

    /// Gives the claims back untouched.
    async fn leave(&self) {
        let (claims, now) = (self.batch.claims(), self.app.clock.now());
        let left = self
            .app
            .store
            .write(Lane::Interactive, move |tx| {
                tx.postpone_outgoing(&claims, now, false)
            })
            .await;
        if let Err(error) = left {
            tracing::warn!(%error, "links could not be given back; they come back with their lease");
        }
    }

    fn delay(&self, policy: &Policy) -> Duration {
        match policy.next {
            NextStep::Park => self.app.options.parked,
            NextStep::Pause => self.app.options.store_pause,
            _ => self.later(),
        }
    }

    /// The wait that the most tried of these links has earned.
    fn later(&self) -> Duration {
        let tried = self.batch.items.iter().map(|item| item.claim.attempts);
        let attempts = tried.max().unwrap_or(0);
        let schedule = &self.app.options.outbox_retries;
        schedule
            .delay(attempts.saturating_add(1), rand::random())
            .unwrap_or(schedule.longest)
    }
}

fn stuck_entry(batch: &Batch, cause: String, at: Instant) -> NewLogEntry {
    NewLogEntry {
        at,
        direction: LogDirection::Outgoing,
        method: LogMethod::Get,
        status: 503,
        object: batch.plan.partner_object.clone(),
        salesforce_id: None,
        record: None,
        run: None,
        data: serde_json::json!({
            "salesforceObject": batch.plan.salesforce_object,
            "waiting": batch.items.len(),
        })
        .to_string(),
        cause,
    }
}

fn halves(batch: &Batch) -> [Arc<Batch>; 2] {
    let (first, second) = batch.items.split_at(batch.items.len() / 2);
    [second, first].map(|items| {
        Arc::new(Batch {
            items: items.to_vec(),
            ..batch.clone()
        })
    })
}

/// Older readings of targets are not decided by: where the process stood still meanwhile, a record may have been made.
const OLDEST_READING: TimeDelta = TimeDelta::seconds(60);

/// How long one question about a Bulk job may take, with everything that is tried.
const LONGEST_POLL: Duration = Duration::from_secs(30);

/// How long a write may be under way: as long as the gateway sends, with a margin for a process that stands still, and
/// then as long as Salesforce may still be at it after nobody waits for the answer any more.
fn under_way(options: &AppOptions) -> Duration {
    let sending = options.write_within + options.write_within / 10 + Duration::from_millis(500);
    sending + options.unanswered_within
}

/// Gives something that only reads, or may be repeated, up after a while.
async fn in_time<T>(
    longest: Duration,
    asking: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(longest, asking)
        .await
        .unwrap_or_else(|_elapsed| {
            Err(Failure::NoAnswer {
                message: "no answer in time".to_owned(),
            })
        })
}

/// API name of the object that a batch is of.
fn object(batch: &Batch) -> &str {
    &batch.plan.salesforce_object
}

/// Values of an order as a record.
fn fields(order: &Order) -> causeway_core::record::Fields {
    order.values.iter().cloned().collect()
}
