//! One mapping's part of a run.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::ChangeSource;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::mapping::{MappingPlan, Scope};
use causeway_core::owners::OwnerDirectory;
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::runs::{PartProgress, RunPart};
use causeway_core::ports::{Lane, StoreError, Transaction};
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant as Ticks;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::apply::{Applied, News, Setting, apply};
use crate::app::initial_sync::Interrupt;
use crate::app::initial_sync::lease::{Lease, Pass};
use crate::app::initial_sync::progress::SyncProgress;
use crate::app::initial_sync::rows::{Batch, PageEnd, Rows, read_batches};
use crate::app::reread::{Readings, read_now};
use crate::app::users;
use crate::failpoint;
use crate::salesforce::Salesforce;
use crate::salesforce::bulk::{JobState, Results, poll_delay};

/// Batches that are parsed ahead of the one being written.
const BATCHES_AHEAD: usize = 2;

/// Jobs that one execution makes for a part before it gives up.
const MAX_JOBS: u32 = 3;

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

/// What every unit of a part needs. It owns all, since a unit may outlive the call that sent it.
#[derive(Debug, Clone)]
struct UnitSetting {
    connection: ConnectionId,
    run: RunId,
    plan: Arc<MappingPlan>,
    pass: Pass,
    at: Instant,
}

/// What a batch's unit ended with.
#[derive(Debug)]
enum Written {
    /// Durable, with the part as it stands now.
    Durable(RunPart),
    /// Some records must be read again first; nothing but the rest of the batch is written, and no checkpoint.
    ReadAgain(Applied),
    LeaseLost,
}

impl PartWork<'_> {
    /// Works on a part until it is done.
    pub(super) async fn run(&self, mut part: RunPart) -> Result<(), Interrupt> {
        let mut jobs = 0;
        while part.progress != PartProgress::Done {
            if part.progress == PartProgress::Waiting {
                jobs += 1;
                part = self.begin(part).await?;
                continue;
            }
            part = match Box::pin(self.read_job(part.clone())).await {
                Err(Interrupt::Failure(failure)) if starts_over(&failure) && jobs < MAX_JOBS => {
                    let object = &self.plan.salesforce_object;
                    tracing::warn!(
                        object,
                        ?failure,
                        "the query job is of no use any more; a new one is made"
                    );
                    self.save(restarted(&part)).await?
                }
                ended => ended?,
            };
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
            watermark,
            locator,
            row,
        } = part.progress.clone()
        else {
            return Ok(part);
        };
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
                reading.await.map_err(|_panicked| Failure::Unreadable {
                    message: "reading the results ended by a defect".to_owned(),
                })??;
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
                watermark,
                locator,
                row,
            },
            rows: part.rows + u64::try_from(batch.news.len()).unwrap_or(u64::MAX),
            ..part
        };
        let unit = {
            let (setting, reached) = (setting.clone(), reached.clone());
            let page = batch
                .page_end
                .is_some()
                .then(|| (batch.locator.clone(), batch.row));
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
            Written::ReadAgain(applied) => self.read_again(applied, &reached).await?,
        };
        self.progress
            .send_modify(|progress| progress.update(&part, Ticks::now()));
        Ok(part)
    }

    /// Resolves records of a batch of which only a fresh reading can tell, and writes the checkpoint behind it.
    async fn read_again(&self, applied: Applied, reached: &RunPart) -> Result<RunPart, Interrupt> {
        let now = self.app.clock.now();
        let readings = read_now(self.salesforce, Arc::clone(&self.plan), &applied.read_again, now).await?;
        let (setting, reached) = (self.unit_setting(), reached.clone());
        let written = self
            .app
            .store
            .write(Lane::Bulk, move |tx| {
                setting.readings(tx, &readings, &applied, &reached)
            })
            .await?;
        match written {
            Written::Durable(part) => Ok(part),
            Written::LeaseLost => Err(Interrupt::LeaseLost),
            Written::ReadAgain(_) => Err(Interrupt::Failure(Failure::Unreadable {
                message: "expected a fresh reading to settle two readings of one version".to_owned(),
            })),
        }
    }

    async fn finish(&self, part: RunPart, watermark: Instant) -> Result<RunPart, Interrupt> {
        let done = RunPart {
            progress: PartProgress::Done,
            expected: Some(part.rows),
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

    /// Waits for something, unless the work must end first.
    async fn unless_stopped<T>(&self, wait: impl Future<Output = T>) -> Result<T, Interrupt> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Interrupt::Stopped),
            () = self.lease.lost() => Err(Interrupt::LeaseLost),
            done = wait => Ok(done),
        }
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

impl UnitSetting {
    fn batch(
        &self,
        tx: &mut dyn Transaction,
        news: &[News],
        reached: &RunPart,
        page: Option<&(Option<String>, u64)>,
    ) -> Result<Written, StoreError> {
        if !self.pass.check(tx, self.at)? {
            return Ok(Written::LeaseLost);
        }
        let applied = self.apply(tx, news)?;
        if !applied.read_again.is_empty() {
            return Ok(Written::ReadAgain(applied));
        }
        let part = counted(reached, &applied);
        tx.save_part(self.connection, self.run, &part)?;
        if let Some((locator, rows)) = page {
            let entry = self.page_entry(&part, locator.as_deref(), *rows);
            tx.append_logs(self.connection, &[entry])?;
        }
        Ok(Written::Durable(part))
    }

    fn readings(
        &self,
        tx: &mut dyn Transaction,
        readings: &Readings,
        before: &Applied,
        reached: &RunPart,
    ) -> Result<Written, StoreError> {
        if !self.pass.check(tx, self.at)? {
            return Ok(Written::LeaseLost);
        }
        let mut applied = self.apply(tx, &readings.news)?;
        if !applied.read_again.is_empty() {
            return Ok(Written::ReadAgain(applied));
        }
        applied.dropped += u64::try_from(readings.out_of_sight.len()).unwrap_or(u64::MAX);
        let part = counted(&counted(reached, before), &applied);
        tx.save_part(self.connection, self.run, &part)?;
        Ok(Written::Durable(part))
    }

    fn apply(&self, tx: &mut dyn Transaction, news: &[News]) -> Result<Applied, StoreError> {
        let owners: OwnerDirectory = users::directory(&tx.partner_users(self.connection)?);
        let setting = Setting {
            connection: self.connection,
            plan: &self.plan,
            owners: &owners,
            at: self.at,
        };
        apply(tx, &setting, news)
    }

    fn page_entry(&self, part: &RunPart, locator: Option<&str>, rows: u64) -> NewLogEntry {
        NewLogEntry {
            at: self.at,
            direction: LogDirection::Incoming,
            method: LogMethod::Get,
            status: 200,
            object: "*".to_owned(),
            salesforce_id: None,
            record: None,
            run: Some(self.run),
            data: json!({
                "partnerObject": self.plan.partner_object,
                "salesforceObject": self.plan.salesforce_object,
                "page": locator,
                "pageRows": rows,
                "rowsSoFar": part.rows,
                "outcomesSoFar": part.outcomes,
                "droppedSoFar": part.dropped,
            })
            .to_string(),
            cause: String::new(),
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

fn counted(part: &RunPart, applied: &Applied) -> RunPart {
    let mut part = part.clone();
    for (outcome, count) in &applied.outcomes {
        *part.outcomes.entry(*outcome).or_default() += count;
    }
    part.dropped += applied.dropped;
    part
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
