//! A part that streams everything from a Bulk query job.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::ChangeSource;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::mapping::Scope;
use causeway_core::ports::runs::{PartProgress, RunKind, RunPart};
use tokio::sync::mpsc;

use crate::app::sync::failing::Interrupt;
use crate::app::sync::part::{PartWork, restarted};
use crate::app::sync::row_reader::RowSetting;
use crate::app::sync::rows::{Batch, PageEnd, Rows, Unread, read_batches};
use crate::app::sync::unit::ReadPage;
use crate::failpoint;
use crate::salesforce::bulk::{JobState, Results, poll_delay};

/// Batches that are parsed ahead of the one being written.
const BATCHES_AHEAD: usize = 2;

impl PartWork<'_> {
    /// Takes the watermark and makes the query job, or only the watermark where history stays behind.
    pub(super) async fn begin_stream(&self, part: RunPart) -> Result<RunPart, Interrupt> {
        let watermark = self.unless_stopped(self.salesforce.server_time()).await??;
        if self.plan.scope == Scope::FutureOnly && self.kind == RunKind::Initial {
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
    pub(super) async fn stream(&self, mut part: RunPart) -> Result<RunPart, Interrupt> {
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
            RowSetting {
                plan: Arc::clone(&self.plan),
                gateway_user: self.gateway_user,
                observed: watermark,
            },
            ChangeSource::Run { run: self.run },
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
            part = self.write_rows(part, batch, &job, watermark).await?;
            failpoint::reached("sync.page_applied");
            if end == Some(PageEnd { next: None }) {
                break;
            }
        }
        let part = if self.kind == RunKind::Reconcile {
            self.begin_comparing(part, watermark).await?
        } else {
            self.finish(part, watermark).await?
        };
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
    async fn write_rows(
        &self,
        part: RunPart,
        batch: Batch,
        job: &str,
        watermark: Instant,
    ) -> Result<RunPart, Interrupt> {
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
        self.write(batch.news, reached, page).await
    }
}

/// A job or a locator that Salesforce does not know any more.
pub(super) fn starts_over(failure: &Failure) -> bool {
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
