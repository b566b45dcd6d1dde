//! One mapping's part of a run.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::failure::Failure;
use causeway_core::id::{ConnectionId, RunId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::Lane;
use causeway_core::ports::runs::{PartProgress, RunKind, RunPart, Watermark};
use causeway_core::units::inbox::Readings;
use causeway_core::units::salesforce_news::{Applied, News};
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant as Ticks;

use crate::app::App;
use crate::app::reread::ReadNow;
use crate::app::sync::failing::{Incomplete, Interrupt};
use crate::app::sync::lease::Lease;
use crate::app::sync::once::{Stops, unless_stopped};
use crate::app::sync::progress::SyncProgress;
use crate::app::sync::streaming::starts_over;
use crate::app::sync::unit::{ReadPage, Then, UnitSetting, Written};
use crate::salesforce::Salesforce;

/// Jobs that one execution makes for a part before it gives up.
pub(super) const MAX_JOBS: u32 = 3;

/// What working on a part needs.
#[derive(Debug, Clone)]
pub(super) struct PartWork<'a> {
    pub app: &'a App,
    pub connection: ConnectionId,
    pub run: RunId,
    pub kind: RunKind,
    pub salesforce: &'a Arc<Salesforce>,
    /// The gateway's own Salesforce user.
    pub gateway_user: Option<SalesforceId>,
    pub plan: Arc<MappingPlan>,
    pub lease: &'a Lease,
    pub progress: &'a watch::Sender<SyncProgress>,
    /// Who may ask for the end.
    pub stops: Stops<'a>,
    /// Salesforce's clock as this execution asked for it first.
    pub clock: &'a OnceCell<Instant>,
}

impl PartWork<'_> {
    /// Works on a part until it is done.
    pub(super) async fn run(mut self, mut part: RunPart) -> Result<(), Interrupt> {
        let mut jobs = 0;
        loop {
            let step = match &part.progress {
                PartProgress::Waiting => {
                    jobs += 1;
                    part = Box::pin(self.begin(part)).await?;
                    continue;
                }
                PartProgress::Reading { .. } => Box::pin(self.stream(part.clone())).await,
                PartProgress::Polling { .. } | PartProgress::PollingDeletes { .. } => {
                    Box::pin(self.poll(part.clone())).await
                }
                PartProgress::Comparing { .. } => Box::pin(self.compare(part.clone())).await,
                PartProgress::Marking { .. } => Box::pin(self.mark(part.clone())).await,
                PartProgress::Done => return Ok(()),
            };
            let begin_again = match step {
                Err(Interrupt::OtherPlan(plan)) => {
                    self.plan = plan;
                    true
                }
                Err(Interrupt::Incomplete(incomplete)) if jobs < MAX_JOBS => {
                    tracing::warn!(%incomplete, "the results are not complete");
                    true
                }
                Err(Interrupt::OtherColumns(_)) => jobs < MAX_JOBS,
                Err(Interrupt::Failure(failure)) if starts_over(&failure) && jobs < MAX_JOBS => true,
                ended => {
                    part = ended?;
                    false
                }
            };
            if begin_again {
                let object = &self.plan.salesforce_object;
                tracing::warn!(
                    object,
                    "what was read is of no use any more; the part starts over"
                );
                part = self.save(restarted(&part)).await?;
            }
        }
    }

    async fn begin(&self, part: RunPart) -> Result<RunPart, Interrupt> {
        match self.kind {
            RunKind::Initial | RunKind::Reconcile => self.begin_stream(part).await,
            RunKind::Instant => self.begin_polls(part).await,
        }
    }

    /// Applies news and writes the checkpoint behind them in one transaction.
    pub(super) async fn write(
        &self,
        news: Vec<News>,
        reached: RunPart,
        page: Option<ReadPage>,
    ) -> Result<RunPart, Interrupt> {
        let setting = self.unit_setting();
        let written = {
            let (reached, page) = (reached.clone(), page.clone());
            self.app
                .store
                .write(Lane::Bulk, move |tx| {
                    setting.batch(tx, &news, &reached, page.as_ref())
                })
                .await?
        };
        let part = match written {
            Written::Durable(part, then) => self.wrote(part, then).await?,
            Written::LeaseLost => return Err(Interrupt::LeaseLost),
            Written::OtherPlan(plan) => return Err(Interrupt::OtherPlan(plan)),
            Written::ReadAgain(applied) => self.read_again(applied, &reached, page).await?,
        };
        Ok(part)
    }

    /// Resolves records of a batch of which only a fresh reading can tell, and writes the checkpoint behind it.
    async fn read_again(
        &self,
        applied: Applied,
        reached: &RunPart,
        page: Option<ReadPage>,
    ) -> Result<RunPart, Interrupt> {
        let ids = applied.read_again.clone();
        self.look_up(&ids, applied, reached, page).await
    }

    /// Reads records by id, applies what they say now, and writes the checkpoint behind them.
    pub(super) async fn look_up(
        &self,
        ids: &[SalesforceId],
        before: Applied,
        reached: &RunPart,
        page: Option<ReadPage>,
    ) -> Result<RunPart, Interrupt> {
        let readings = self.read_now(ids).await?;
        let (setting, reached) = (self.unit_setting(), reached.clone());
        let written = self
            .app
            .store
            .write(Lane::Bulk, move |tx| {
                setting.readings(tx, &readings, &before, &reached, page.as_ref())
            })
            .await?;
        match written {
            Written::Durable(part, then) => self.wrote(part, then).await,
            Written::LeaseLost => Err(Interrupt::LeaseLost),
            Written::OtherPlan(plan) => Err(Interrupt::OtherPlan(plan)),
            Written::ReadAgain(_) => Err(Interrupt::Failure(Failure::Unreadable {
                message: "expected a fresh reading to settle two readings of one version".to_owned(),
            })),
        }
    }

    /// Records as they are now.
    async fn read_now(&self, ids: &[SalesforceId]) -> Result<Readings, Interrupt> {
        let reader = ReadNow {
            salesforce: self.salesforce,
            plan: &self.plan,
            gateway_user: self.gateway_user,
            at: self.app.clock.now(),
        };
        Ok(self.unless_stopped(reader.read(ids)).await??)
    }

    /// Raises watermarks and ends the part, but for what is to be marked.
    pub(super) async fn finish(&self, part: RunPart, watermark: Instant) -> Result<RunPart, Interrupt> {
        self.check_complete(&part)?;
        let done = RunPart {
            progress: match self.plan.marked_field() {
                Some(_) => PartProgress::Marking { marked: 0 },
                None => PartProgress::Done,
            },
            expected: part.expected.or(Some(part.rows)),
            ..part
        };
        let setting = self.unit_setting();
        let saved = done.clone();
        let held = self
            .app
            .store
            .write(Lane::Bulk, move |tx| {
                if !setting.pass.check(tx, setting.at)? {
                    return Ok(false);
                }
                for of in [Watermark::Changes, Watermark::Deletes] {
                    tx.raise_watermark(setting.connection, setting.plan.mapping, of, watermark)?;
                }
                tx.save_part(setting.connection, setting.run, &saved)?;
                Ok(true)
            })
            .await?;
        self.held_or_lost(held, done)
    }

    /// Rows that were told of and did not come would be missing for ever.
    pub(super) fn check_complete(&self, part: &RunPart) -> Result<(), Interrupt> {
        match part.expected {
            Some(expected) if expected != part.rows => Err(Interrupt::Incomplete(Incomplete {
                object: self.plan.salesforce_object.clone(),
                expected,
                rows: part.rows,
            })),
            _ => Ok(()),
        }
    }

    pub(super) async fn save(&self, part: RunPart) -> Result<RunPart, Interrupt> {
        let setting = self.unit_setting();
        let saved = part.clone();
        let held = self
            .app
            .store
            .write(Lane::Bulk, move |tx| {
                if !setting.pass.check(tx, setting.at)? {
                    return Ok(false);
                }
                tx.save_part(setting.connection, setting.run, &saved)?;
                Ok(true)
            })
            .await?;
        self.held_or_lost(held, part)
    }

    fn held_or_lost(&self, held: bool, part: RunPart) -> Result<RunPart, Interrupt> {
        if !held {
            return Err(Interrupt::LeaseLost);
        }
        self.show(&part);
        Ok(part)
    }

    async fn wrote(&self, part: RunPart, then: Then) -> Result<RunPart, Interrupt> {
        if then.outgoing {
            self.app.outbox_bell.notify_one();
        }
        self.show(&part);
        Box::pin(self.mark_late(then.late)).await?;
        Ok(part)
    }

    pub(super) fn show(&self, part: &RunPart) {
        self.progress
            .send_modify(|progress| progress.update(part, Ticks::now()));
    }

    pub(super) async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T, Interrupt> {
        unless_stopped(self.stops, self.lease, wait).await
    }

    pub(super) fn unit_setting(&self) -> UnitSetting {
        UnitSetting {
            connection: self.connection,
            run: self.run,
            kind: self.kind,
            plan: Arc::clone(&self.plan),
            pass: self.lease.pass(),
            per_second: self.progress.borrow().rows_per_second,
            at: self.app.clock.now(),
        }
    }
}

/// The part as it was before it asked Salesforce for anything. What is applied stays applied: read again, it
/// changes nothing.
pub(super) fn restarted(part: &RunPart) -> RunPart {
    RunPart {
        mapping: part.mapping,
        progress: PartProgress::Waiting,
        rows: 0,
        expected: None,
        outcomes: std::collections::BTreeMap::new(),
        dropped: 0,
    }
}
