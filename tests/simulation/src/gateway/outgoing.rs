//! The worker that writes to Salesforce: claim, read targets, prepare, send, read back, settle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::{Incoming, WriteKind};
use causeway_core::id::{LinkId, SalesforceId};
use causeway_core::ports::Lane;
use causeway_core::ports::outbox::{ClaimSize, OutgoingClaim, Turn};
use causeway_core::record::FieldValue;
use causeway_core::units::outgoing::{self, Answer, Batch, Found, Order, Preparing};
use chrono::TimeDelta;

use crate::gateway::calls::read_record;
use crate::gateway::{LEASE, MARGIN, REQUEST};
use crate::org::ingest::JobState;
use crate::org::row::Value;
use crate::org::schema::Object;
use crate::told;
use crate::world::{Broken, World};

/// A reading older than this is no reading just before a write: the process stood still in between.
const FRESH: TimeDelta = TimeDelta::seconds(60);

/// What the worker holds.
#[derive(Debug, Default)]
pub struct State {
    /// Batches; the first is worked on.
    pub(super) batches: VecDeque<Batch>,
    pub(super) stage: Stage,
    pub(super) found: Found,
    pub(super) ended_jobs: BTreeSet<String>,
    /// When the targets were read.
    pub(super) read_at: Option<Instant>,
    /// When no request that carries an order may be under way any more.
    pub(super) until: Option<Instant>,
    /// What is to be sent, in calls.
    pub(super) calls: VecDeque<Vec<Order>>,
    /// Rows that were locked, each to be tried alone.
    pub(super) serially: bool,
    pub(super) answers: Vec<Answer>,
    /// The records that are written to.
    pub(super) written: BTreeMap<LinkId, SalesforceId>,
    pub(super) job: Option<(String, Vec<Order>)>,
    /// When the job is to be asked for again.
    pub(super) poll_at: Option<Instant>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// Claim.
    #[default]
    Claim,
    /// Ask for jobs that carry earlier writes.
    Jobs,
    /// Read targets by id.
    ById,
    /// Read targets by external id.
    ByExternalId,
    /// Read targets by identity.
    ByIdentity,
    /// Prepare.
    Prepare,
    /// Make a Bulk job.
    OpenJob,
    /// Upload to it.
    Upload,
    /// Wait for it.
    Poll,
    /// Send.
    Send,
    /// Read what was stored.
    ReadBack,
    /// Settle.
    Settle,
}

impl State {
    /// Whether it is between two pieces of work.
    pub fn is_idle(&self) -> bool {
        self.stage == Stage::Claim && self.batches.is_empty()
    }

    /// Where the process may end.
    pub fn name(&self) -> &'static str {
        match self.stage {
            Stage::Claim => "outgoing idle",
            Stage::Jobs => "outgoing claimed",
            Stage::ById | Stage::ByExternalId | Stage::ByIdentity => "outgoing reading targets",
            Stage::Prepare => "outgoing read targets",
            Stage::OpenJob => "outgoing before the job",
            Stage::Upload => "outgoing before the upload",
            Stage::Poll => "outgoing job runs",
            Stage::Send => "outgoing prepared",
            Stage::ReadBack => "outgoing sent",
            Stage::Settle => "outgoing read back",
        }
    }

    fn next_batch(&mut self) {
        self.batches.pop_front();
        *self = State {
            batches: std::mem::take(&mut self.batches),
            ..State::default()
        };
        if !self.batches.is_empty() {
            self.stage = Stage::Jobs;
        }
    }
}

impl World {
    pub(super) fn outgoing_step(&mut self, worker: &str, state: &mut State) -> Result<bool, Broken> {
        if state.stage == Stage::Claim {
            return self.claim_outgoing(worker, state);
        }
        let Some(batch) = state.batches.front().cloned() else {
            state.next_batch();
            return Ok(true);
        };
        if state.stage == Stage::Poll && state.poll_at.is_some_and(|at| at > self.now) {
            return Ok(false);
        }
        match state.stage {
            Stage::Claim => {}
            Stage::Jobs => self.look_at_jobs(&batch, state)?,
            Stage::ById => self.read_targets(&batch, state)?,
            Stage::ByExternalId => self.read_external(&batch, state)?,
            Stage::ByIdentity => self.read_identities(&batch, state)?,
            Stage::Prepare => self.prepare(&batch, state)?,
            Stage::OpenJob => self.open_job(&batch, state)?,
            Stage::Upload => self.upload(&batch, state)?,
            Stage::Poll => self.poll(&batch, state)?,
            Stage::Send => self.send(&batch, state)?,
            Stage::ReadBack => self.read_back(&batch, state)?,
            Stage::Settle => self.settle(&batch, state)?,
        }
        Ok(true)
    }

    fn claim_outgoing(&mut self, worker: &str, state: &mut State) -> Result<bool, Broken> {
        let now = self.now;
        let size = ClaimSize {
            usual: 4,
            bulk_from: self.setting.bulk_from,
            bulk: self.setting.bulk_from.max(50),
        };
        let until = now + TimeDelta::seconds(LEASE);
        let claimed = self.unit("claim the outbox", |tx| {
            outgoing::claim(tx, worker, &size, &Turn::USUAL, now, until)
        })?;
        if claimed.put_off > 0 {
            self.met.met("outgoing head put off");
        }
        let busy = !claimed.batches.is_empty() || claimed.more;
        state.batches = claimed.batches.into();
        if !state.batches.is_empty() {
            state.stage = Stage::Jobs;
        }
        Ok(busy)
    }

    fn look_at_jobs(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        for job in batch.jobs() {
            let seen = self.change_call(Lane::Interactive, |org| {
                let seen = org.job(&job);
                if seen == JobState::Open {
                    org.abort(&job);
                }
                seen
            })?;
            match seen {
                crate::gateway::calls::Wrote::Answer(JobState::Running) => {
                    self.met.met("takeover of a running job")
                }
                crate::gateway::calls::Wrote::Answer(_) => {
                    self.met.met("takeover of a job");
                    state.ended_jobs.insert(job);
                }
                _ => {}
            }
        }
        state.stage = Stage::ById;
        Ok(())
    }

    fn read_targets(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        state.read_at = Some(self.now);
        let ids = batch.lookups().by_id;
        if !ids.is_empty() {
            match self.read_by_id(batch_lane(batch), &batch.plan, &ids)? {
                Some(found) => state.found.by_id = found.news,
                None => return self.give_up(batch, state),
            }
        }
        state.stage = Stage::ByExternalId;
        Ok(())
    }

    fn read_external(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let wanted = batch.lookups().by_external_id;
        if !wanted.is_empty() {
            let mut fields = batch.plan.salesforce_fields();
            fields.extend(["IsDeleted", "MasterRecordId"]);
            let object = object_of(batch)?;
            let rows = self.read_call(batch_lane(batch), |org| {
                let rows = org.query_all(object, &fields, usize::MAX, |row| {
                    row.external.as_ref().is_some_and(|id| wanted.contains(id))
                });
                (rows, org.date())
            })?;
            let Some((rows, date)) = rows else {
                return self.give_up(batch, state);
            };
            state.found.by_external_id = self.read_all(batch, &rows, date)?;
        }
        state.stage = Stage::ByIdentity;
        Ok(())
    }

    fn read_identities(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let wanted = batch
            .identities(&state.found)
            .map(|(field, values)| (field.salesforce.name.clone(), values));
        if let Some((field, values)) = wanted {
            let texts: Vec<String> = values
                .iter()
                .filter_map(|value| match value {
                    FieldValue::Text(text) => Some(text.to_lowercase()),
                    _ => None,
                })
                .collect();
            let fields = batch.plan.salesforce_fields();
            let object = object_of(batch)?;
            let rows = self.read_call(batch_lane(batch), |org| {
                let rows = org.query(object, &fields, usize::MAX, |row| {
                    matches!(row.get(&field), Value::Text(text) if texts.contains(&text.to_lowercase()))
                });
                (rows, org.date())
            })?;
            let Some((rows, date)) = rows else {
                return self.give_up(batch, state);
            };
            state.found.by_identity = self.read_all(batch, &rows, date)?;
        }
        state.stage = Stage::Prepare;
        Ok(())
    }

    fn read_all(
        &mut self,
        batch: &Batch,
        rows: &[crate::org::read::Record],
        date: Instant,
    ) -> Result<Vec<Incoming>, Broken> {
        let reader = self.reader(&batch.plan);
        rows.iter().map(|row| read_record(&reader, row, date)).collect()
    }

    fn prepare(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let at = self.now;
        let until = at + TimeDelta::seconds(REQUEST + MARGIN + self.setting.unanswered);
        if state.read_at.is_none_or(|read_at| at > read_at + FRESH) {
            self.met.met("targets too old");
            state.stage = Stage::Jobs;
            return Ok(());
        }
        let targets: BTreeMap<LinkId, _> = batch.targets(&state.found);
        let ended_jobs = std::mem::take(&mut state.ended_jobs);
        self.tell(|| format!("targets {}", told::targets(&targets)));
        let orders = self.unit("prepare", |tx| {
            outgoing::prepare(
                tx,
                batch,
                &Preparing {
                    targets: &targets,
                    ended_jobs: &ended_jobs,
                    until,
                    lease_until: at + TimeDelta::seconds(LEASE),
                    at,
                },
            )
        })?;
        self.tell(|| format!("orders {}", told::orders(&orders.orders)));
        if orders.lost > 0 {
            self.met.met("lease lost before the write");
        }
        state.until = Some(until);
        let orders = orders.orders;
        if orders.is_empty() {
            state.next_batch();
            return Ok(());
        }
        for order in &orders {
            self.met.met(&format!("order {:?}", order.kind));
            state
                .written
                .extend(order.salesforce_id.map(|id| (order.claim.link, id)));
        }
        let one_kind = orders.windows(2).all(|pair| match pair {
            [one, two] => one.kind == two.kind,
            _ => true,
        });
        let bulk = u32::try_from(orders.len()).is_ok_and(|count| count >= self.setting.bulk_from);
        let unmarked = |order: &Order| order.kind == WriteKind::Create && order.external_id.is_none();
        let has_keys = !orders.iter().any(unmarked);
        if !has_keys {
            self.met.met("order Create without an external id");
        }
        if one_kind && bulk && has_keys {
            state.job = Some((String::new(), orders));
            state.stage = Stage::OpenJob;
        } else {
            state.calls = VecDeque::from([orders]);
            state.stage = Stage::Send;
        }
        Ok(())
    }

    /// Nothing could be read: the heads go back for later.
    fn give_up(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        self.met.met("targets could not be read");
        let claims: Vec<OutgoingClaim> = batch.claims();
        let ready_at = self.retry_at(batch_lane(batch))?;
        self.unit("postpone outgoing", |tx| {
            tx.postpone_outgoing(&claims, ready_at, true)
        })?;
        state.next_batch();
        Ok(())
    }

    fn settle(&mut self, batch: &Batch, state: &mut State) -> Result<(), Broken> {
        let at = self.now;
        let jitter = self.dice.jitter();
        let answers = std::mem::take(&mut state.answers);
        self.tell(|| format!("answers {}", told::answers(&answers)));
        let retries = causeway_core::schedule::RetrySchedule {
            first: std::time::Duration::from_secs(1),
            longest: std::time::Duration::from_secs(300),
            attempts: u32::MAX,
        };
        let settled = self.unit("settle writes", |tx| {
            let lease_until = at + TimeDelta::seconds(LEASE);
            outgoing::settle(tx, batch, &answers, &retries, jitter, lease_until, at)
        })?;
        if settled.lost > 0 {
            self.met.met("lease lost after the write");
        }
        state.next_batch();
        Ok(())
    }
}

/// The object of a batch.
pub(super) fn object_of(batch: &Batch) -> Result<Object, Broken> {
    Object::named(&batch.plan.salesforce_object)
        .ok_or_else(|| Broken::new("a batch of an object that does not exist"))
}

/// The budget's lane for a batch.
pub(super) fn batch_lane(batch: &Batch) -> Lane {
    let lanes = batch.items.iter().map(|item| item.claim.lane);
    lanes.min().unwrap_or(Lane::Bulk)
}

/// The plan of a batch, shared.
pub(super) fn plan_of(batch: &Batch) -> &Arc<causeway_core::mapping::MappingPlan> {
    &batch.plan
}
