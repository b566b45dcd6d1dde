//! One mapping's part of a run.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::ChangeSource;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::mapping::{MappingPlan, Scope};
use causeway_core::ports::Lane;
use causeway_core::ports::runs::{PartProgress, RunPart};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::apply::Applied;
use crate::app::initial_sync::lease::Lease;
use crate::app::initial_sync::progress::SyncProgress;
use crate::app::initial_sync::rows::{Batch, PageEnd, Rows, Unread, read_batches};
use crate::app::initial_sync::unit::{ReadPage, UnitSetting, Written};
use crate::app::initial_sync::{Incomplete, Interrupt, unless_stopped};
use crate::app::reread::read_now;
use crate::failpoint;
use crate::salesforce::Salesforce;
use crate::salesforce::bulk::{JobState, Results, poll_delay};

/// Batches that are parsed ahead of the one being written.
const BATCHES_AHEAD: usize = 2;

/// Jobs that one execution makes for a part before it gives up.
pub(super) const MAX_JOBS: u32 = 3;

/// What working on a part needs.
#[derive(Debug, Clone)]
pub(super) struct PartWork<'a> {
    pub app: &'a App,
    pub connection: ConnectionId,
    pub run: RunId,
    pub salesforce: &'a Arc<Salesforce>,
    pub plan: Arc<MappingPlan>,
    pub lease: &'a Lease,
    pub progress: &'a watch::Sender<SyncProgress>,
    pub stop: &'a CancellationToken,
}

impl PartWork<'_> {
    /// Works on a part until it is done.
    pub(super) async fn run(mut self, mut part: RunPart) -> Result<(), Interrupt> {
        let mut jobs = 0;
        while part.progress != PartProgress::Done {
            if part.progress == PartProgress::Waiting {
                jobs += 1;
                part = self.begin(part).await?;
                continue;
            }
            let begin_again = match Box::pin(self.read_job(part.clone())).await {
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
                tracing::warn!(object, "the query job is of no use any more; a new one is made");
                part = self.save(restarted(&part)).await?;
            }
        }
        Ok(())
    }

    /// Takes the watermark and makes the query job, or only the watermark where history stays behind.
    async fn begin(&self, part: RunPart) -> Result<RunPart, Interrupt> {
        let watermark = self.unless_stopped(self.salesforce.server_time()).await??;
        if self.plan.scope == Scope::FutureOnly {
            return self.finish(part, watermark).await;
        }
        let soql = format!(
            "SELECT {} FROM {}",
            self.plan.salesforce_fields().join(","),
            self.plan.salesforce_object
        );
        let job = self
            .unless_stopped(self.salesforce.create_query_job(&soql))
            .await??;
        let part = self
            .save(RunPart {
                progress: PartProgress::Reading {
                    job,
                    plan: self.plan.revision,
                    watermark,
                    locator: None,
                    row: 0,
                },
                ..restarted(&part)
            })
            .await?;
        failpoint::reached("sync.job_created");
        Ok(part)
    }

    /// Waits for the job and applies its results from where the part stands.
    async fn read_job(&self, mut part: RunPart) -> Result<RunPart, Interrupt> {
        let PartProgress::Reading {
            job,
            plan,
            watermark,
            locator,
            row,
        } = part.progress.clone()
        else {
            return Ok(part);
        };
        if plan != self.plan.revision {
            return Err(Interrupt::OtherPlan(Arc::clone(&self.plan)));
        }
        let expected = self.wait_for(&job).await?;
        if expected.is_some() && expected != part.expected {
            part.expected = expected;
            part = self.save(part).await?;
        }

        let rows = Rows::new(
            Arc::clone(&self.plan),
            ChangeSource::Run { run: self.run },
            watermark,
            self.app.options.batch_rows,
            row,
        );
        let pieces = self.salesforce.results(Results {
            job: job.clone(),
            from: locator,
            page_rows: self.app.options.page_rows,
        });
        let (sender, mut batches) = mpsc::channel(BATCHES_AHEAD);
        let reading = tokio::spawn(read_batches(rows, pieces, sender));
        loop {
            let Some(batch) = self.unless_stopped(batches.recv()).await? else {
                // The reader ended before the last page, and says why.
                let ended = reading.await.map_err(|_panicked| Failure::Unreadable {
                    message: "reading the results ended by a defect".to_owned(),
                })?;
                ended.map_err(|unread| match unread {
                    Unread::Failure(failure) => Interrupt::Failure(failure),
                    Unread::Columns(missing) => Interrupt::OtherColumns(missing),
                })?;
                return Err(Interrupt::Failure(Failure::NoAnswer {
                    message: "the results ended before their last page".to_owned(),
                }));
            };
            let end = batch.page_end.clone();
            part = self.write(part, batch, &job, watermark).await?;
            failpoint::reached("sync.page_applied");
            if end == Some(PageEnd { next: None }) {
                break;
            }
        }
        let part = self.finish(part, watermark).await?;
        if let Err(failure) = self.salesforce.delete_query_job(&job).await {
            tracing::info!(
                job,
                ?failure,
                "a query job could not be deleted; Salesforce deletes it after seven days"
            );
        }
        Ok(part)
    }

    async fn wait_for(&self, job: &str) -> Result<Option<u64>, Interrupt> {
        let mut poll = 0;
        loop {
            match self.unless_stopped(self.salesforce.query_job(job)).await?? {
                JobState::Complete { rows } => return Ok(rows),
                JobState::Failed { message } => return Err(Interrupt::Failure(job_failure(&message))),
                JobState::Running => {
                    self.unless_stopped(tokio::time::sleep(poll_delay(poll))).await?;
                    poll += 1;
                }
            }
        }
    }

    /// Writes a batch together with the checkpoint behind it.
    async fn write(
        &self,
        part: RunPart,
        batch: Batch,
        job: &str,
        watermark: Instant,
    ) -> Result<RunPart, Interrupt> {
        let setting = self.unit_setting();
        let (locator, row) = match &batch.page_end {
            Some(PageEnd { next: Some(next) }) => (Some(next.clone()), 0),
            _ => (batch.locator.clone(), batch.row),
        };
        let reached = RunPart {
            progress: PartProgress::Reading {
                job: job.to_owned(),
                plan: self.plan.revision,
                watermark,
                locator,
                row,
            },
            rows: part.rows + u64::try_from(batch.news.len()).unwrap_or(u64::MAX),
            ..part
        };
        let page = batch.page_end.is_some().then_some(ReadPage {
            locator: batch.locator,
            rows: batch.row,
        });
        let unit = {
            let (reached, page) = (reached.clone(), page.clone());
            let news = batch.news;
            self.app
                .store
                .write(Lane::Bulk, move |tx| {
                    setting.batch(tx, &news, &reached, page.as_ref())
                })
                .await?
        };
        let part = match unit {
            Written::Durable(part) => part,
            Written::LeaseLost => return Err(Interrupt::LeaseLost),
            Written::OtherPlan(plan) => return Err(Interrupt::OtherPlan(plan)),
            Written::ReadAgain(applied) => self.read_again(applied, &reached, page).await?,
        };
        self.progress
            .send_modify(|progress| progress.update(&part, Ticks::now()));
        Ok(part)
    }

    /// Resolves records of a batch of which only a fresh reading can tell, and writes the checkpoint behind it.
    async fn read_again(
        &self,
        applied: Applied,
        reached: &RunPart,
        page: Option<ReadPage>,
    ) -> Result<RunPart, Interrupt> {
        let now = self.app.clock.now();
        let readings = read_now(self.salesforce, Arc::clone(&self.plan), &applied.read_again, now).await?;
        let (setting, reached) = (self.unit_setting(), reached.clone());
        let written = self
            .app
            .store
            .write(Lane::Bulk, move |tx| {
                setting.readings(tx, &readings, &applied, &reached, page.as_ref())
            })
            .await?;
        match written {
            Written::Durable(part) => Ok(part),
            Written::LeaseLost => Err(Interrupt::LeaseLost),
            Written::OtherPlan(plan) => Err(Interrupt::OtherPlan(plan)),
            Written::ReadAgain(_) => Err(Interrupt::Failure(Failure::Unreadable {
                message: "expected a fresh reading to settle two readings of one version".to_owned(),
            })),
        }
    }

    async fn finish(&self, part: RunPart, watermark: Instant) -> Result<RunPart, Interrupt> {
        if let Some(expected) = part.expected
            && expected != part.rows
        {
            return Err(Interrupt::Incomplete(Incomplete {
                object: self.plan.salesforce_object.clone(),
                expected,
                rows: part.rows,
            }));
        }
        let done = RunPart {
            progress: PartProgress::Done,
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
                tx.raise_watermark(setting.connection, setting.plan.mapping, watermark)?;
                tx.save_part(setting.connection, setting.run, &saved)?;
                Ok(true)
            })
            .await?;
        self.held_or_lost(held, done)
    }

    async fn save(&self, part: RunPart) -> Result<RunPart, Interrupt> {
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
        self.progress
            .send_modify(|progress| progress.update(&part, Ticks::now()));
        Ok(part)
    }

    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T, Interrupt> {
        unless_stopped(self.stop, self.lease, wait).await
    }

    fn unit_setting(&self) -> UnitSetting {
        UnitSetting {
            connection: self.connection,
            run: self.run,
            plan: Arc::clone(&self.plan),
            pass: self.lease.pass(),
            at: self.app.clock.now(),
        }
    }
}

/// The part as it was before it asked Salesforce for anything. What is applied stays applied: read again, it
/// changes nothing.
fn restarted(part: &RunPart) -> RunPart {
    RunPart {
        mapping: part.mapping,
        progress: PartProgress::Waiting,
        rows: 0,
        expected: None,
        outcomes: std::collections::BTreeMap::new(),
        dropped: 0,
    }
}

/// A job or a locator that Salesforce does not know any more.
fn starts_over(failure: &Failure) -> bool {
    matches!(
        policy(failure, Call::Read).next,
        NextStep::Gone | NextStep::StartOver
    )
}

/// A failed job says its code first: `INVALIDENTITY: Entity 'X' is not supported`.
fn job_failure(message: &str) -> Failure {
    let (code, rest) = message
        .split_once(':')
        .map(|(code, rest)| (code.trim(), rest.trim()))
        .filter(|(code, _)| {
            !code.is_empty()
                && code
                    .chars()
                    .all(|character| character.is_ascii_uppercase() || character == '_')
        })
        .unwrap_or(("", message));
    Failure::Salesforce {
        status: 400,
        code: code.to_owned(),
        message: rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_failed_job_is_read_out_of_its_message() {
        for (message, code) in [
            ("INVALIDENTITY: Entity 'X' is not supported", "INVALIDENTITY"),
            ("QUERY_TIMEOUT: too long", "QUERY_TIMEOUT"),
            ("Something: else", ""),
            ("Aborted", ""),
        ] {
            let Failure::Salesforce { code: read, .. } = job_failure(message) else {
                panic!("{message}");
            };
            assert_eq!(read, code, "{message}");
        }
    }
}
