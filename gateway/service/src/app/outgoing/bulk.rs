//! Sending many writes in Bulk API 2.0 ingest jobs.
//!
//! A job is noted with every link that it carries before anything is uploaded to it. Whoever finds the note after a
//! crash follows the job to its end before the links are looked at again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use causeway_core::decide::WriteKind;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::LinkId;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::record::{FieldValue, Fields};
use causeway_core::units::outgoing::{Batch, Order, note_job};
use tokio::time::Instant as Ticks;

use crate::app::outgoing::send::Sender;
use crate::app::outgoing::sent::Sent;
use crate::app::outgoing::{LONGEST_POLL, fields, in_time, object};
use crate::failpoint;
use crate::salesforce::bulk::poll_delay;
use crate::salesforce::ingest::file::IngestFile;
use crate::salesforce::ingest::results::{IngestResult, IngestResults};
use crate::salesforce::ingest::{IngestOperation, IngestState};

/// How long an upload and the start after it may be under way, at most.
const UPLOAD_WITHIN: Duration = Duration::from_secs(180);

/// How long the start of a job may take. Whoever claims its links later finds out whether it started.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How often in a row a running job may fail to answer before it is left to its own; whoever claims its links next
/// asks for it again.
const MOST_UNANSWERED: u32 = 5;

/// How a job ended.
enum Ended {
    /// Its results tell what became of its rows.
    WithResults,
    /// Nothing was started: nothing was written.
    Unstarted,
    /// It goes on, or nobody knows.
    Left,
}

impl Sender<'_> {
    /// Sends orders of one kind in one job, as many as it takes. What CSV cannot carry goes in collections before it;
    /// what has no room is decided again before it is sent: it would be old once this job has ended.
    pub(super) async fn in_a_job(&self, kind: WriteKind, orders: Vec<Order>) -> Vec<Sent> {
        let mut sent = Vec::with_capacity(orders.len());
        let rows: Vec<Fields> = orders.iter().map(|order| self.row(kind, order)).collect();
        let packed = IngestFile::pack(&rows);
        let unsendable: HashMap<usize, _> = packed.unsendable.into_iter().collect();
        let carried: HashSet<usize> = packed.carried.into_iter().collect();
        let misfits: HashSet<usize> = packed.unfit.into_iter().collect();
        let (mut in_job, mut left, mut unfit) = (Vec::new(), Vec::new(), Vec::new());
        for (place, order) in orders.into_iter().enumerate() {
            if let Some(cause) = unsendable.get(&place) {
                sent.push(Sent::unsendable(order.claim, cause));
            } else if misfits.contains(&place) {
                unfit.push(order);
            } else if carried.contains(&place) {
                in_job.push(order);
            } else {
                left.push(order);
            }
        }
        if in_job.is_empty() {
            // A file that takes nothing will not take more in the next round.
            unfit.append(&mut left);
        }
        if !unfit.is_empty() {
            sent.extend(Box::pin(self.in_collections(kind, unfit)).await);
        }
        sent.extend(not_now(left, None));
        if self.is_over() {
            sent.extend(not_now(in_job, None));
        } else if !in_job.is_empty() {
            sent.extend(Box::pin(self.in_one_job(kind, in_job)).await);
        }
        sent
    }

    async fn in_one_job(&self, kind: WriteKind, orders: Vec<Order>) -> Vec<Sent> {
        let operation = self.operation(kind);
        let creating = self.salesforce.create_ingest_job(object(self.batch), operation);
        let job = match in_time(self.left(), creating).await {
            Ok(job) => job,
            Err(failure) => {
                tracing::warn!(connection = %self.batch.connection, ?failure, "no Bulk job could be made");
                return not_now(orders, Some(&failure));
            }
        };
        let orders = match self.note(&orders, &job).await {
            Ok(held) => orders
                .into_iter()
                .filter(|order| held.contains(&order.claim.link))
                .collect::<Vec<_>>(),
            Err(error) => {
                tracing::error!(connection = %self.batch.connection, %error, "a Bulk job could not be noted");
                self.abort(&job).await;
                return not_now(orders, None);
            }
        };
        if orders.is_empty() {
            self.abort(&job).await;
            return Vec::new();
        }
        failpoint::reached("bulk.created");
        let ended = self.carry_out(&job, kind, &orders).await;
        let results = match ended {
            Ended::Unstarted => return not_now(orders, None),
            Ended::Left => return unknown(orders),
            Ended::WithResults => self.salesforce.ingest_results(&job, operation).await,
        };
        match results {
            Ok(results) => {
                self.forget(&job).await;
                self.match_results(kind, orders, &results)
            }
            Err(failure) => {
                tracing::warn!(connection = %self.batch.connection, job, ?failure,
                    "the results of a Bulk job could not be read; its records are read instead");
                unknown(orders)
            }
        }
    }

    /// Uploads, starts and follows a job.
    async fn carry_out(&self, job: &str, kind: WriteKind, orders: &[Order]) -> Ended {
        let connection = self.batch.connection;
        let rows: Vec<Fields> = orders.iter().map(|order| self.row(kind, order)).collect();
        if let Err(failure) = self.salesforce.upload(job, IngestFile::pack(&rows).file).await {
            tracing::warn!(%connection, job, ?failure, "a Bulk job took no upload");
            self.abort(job).await;
            return Ended::Unstarted;
        }
        let starting = tokio::time::timeout(START_WITHIN, self.salesforce.start_ingest_job(job));
        let Ok(started) = starting.await else {
            tracing::warn!(%connection, job, "a Bulk job may not have started");
            return Ended::Left;
        };
        if let Err(unsuccessful) = started {
            tracing::warn!(%connection, job, failure = ?unsuccessful.failure, "a Bulk job may not have started");
            let aborted = in_time(LONGEST_POLL, self.salesforce.abort_ingest_job(job)).await;
            return match aborted {
                Ok(IngestState::Complete { .. } | IngestState::Failed { .. }) => Ended::WithResults,
                Ok(IngestState::Running) => Ended::Left,
                Ok(IngestState::Aborted) if unsuccessful.may_have_written => Ended::WithResults,
                _ if unsuccessful.may_have_written => Ended::Left,
                _ => Ended::Unstarted,
            };
        }
        failpoint::reached("bulk.uploaded");
        self.follow(job).await
    }

    /// Waits for the end of a job, for a while: other links wait for this worker.
    async fn follow(&self, job: &str) -> Ended {
        let until = Ticks::now() + self.app.options.follow_within;
        let mut poll = 0;
        let mut unanswered = 0;
        loop {
            match in_time(LONGEST_POLL, self.salesforce.ingest_job(job)).await {
                Ok(IngestState::Open | IngestState::Running) => unanswered = 0,
                Ok(IngestState::Complete { .. } | IngestState::Aborted) => return Ended::WithResults,
                Ok(IngestState::Failed { message }) => {
                    tracing::warn!(connection = %self.batch.connection, job, message, "a Bulk job failed");
                    return Ended::WithResults;
                }
                Err(failure) => {
                    unanswered += 1;
                    let next = policy(&failure, Call::Read).next;
                    let lasting = !matches!(next, NextStep::Retry | NextStep::Pause);
                    if lasting || unanswered >= MOST_UNANSWERED {
                        tracing::warn!(connection = %self.batch.connection, job, ?failure,
                            "a Bulk job is left to its own; it is asked for again later");
                        return Ended::Left;
                    }
                }
            }
            let delay = poll_delay(poll);
            if Ticks::now() + delay > until {
                tracing::info!(connection = %self.batch.connection, job,
                    "a Bulk job takes its time; it is asked for again later");
                return Ended::Left;
            }
            tokio::select! {
                () = tokio::time::sleep(delay) => {}
                () = self.stop.cancelled() => return Ended::Left,
            }
            poll += 1;
        }
    }

    /// Notes the job with the links that it will carry, and answers which of them are still this worker's.
    async fn note(&self, orders: &[Order], job: &str) -> Result<HashSet<LinkId>, StoreError> {
        let batch: Arc<Batch> = Arc::new(self.batch.clone());
        let (orders, job) = (orders.to_vec(), job.to_owned());
        let at = self.app.clock.now();
        let until = at + UPLOAD_WITHIN;
        let lease_until = at + self.app.options.claim_lease;
        let held = self
            .app
            .store
            .write(Lane::Interactive, move |tx| {
                note_job(tx, &batch, &orders, &job, until, lease_until, at)
            })
            .await?;
        Ok(held.into_iter().map(|claim| claim.link).collect())
    }

    fn match_results(&self, kind: WriteKind, orders: Vec<Order>, results: &IngestResults) -> Vec<Sent> {
        orders
            .into_iter()
            .map(|order| {
                let result = self.key(kind, &order).and_then(|key| results.get(&key));
                match result {
                    Some(IngestResult::Written(written)) => Sent::stored(order.claim, *written),
                    Some(IngestResult::Refused(row)) => Sent::refused(order.claim, row.clone()),
                    Some(IngestResult::Unprocessed) => Sent::not_now(order.claim, None),
                    None => Sent::unknown(order.claim, None),
                }
            })
            .collect()
    }

    /// A row of the file: the values and the key.
    fn row(&self, kind: WriteKind, order: &Order) -> Fields {
        let mut row = fields(order);
        if let Some(key) = self.key(kind, order) {
            row.insert(
                self.operation(kind).key_column().to_owned(),
                FieldValue::Text(key),
            );
        }
        row
    }

    fn key(&self, kind: WriteKind, order: &Order) -> Option<String> {
        match kind {
            WriteKind::Create => order.external_id.clone(),
            WriteKind::Update | WriteKind::Delete => order.salesforce_id.map(|id| id.to_string()),
        }
    }

    fn operation(&self, kind: WriteKind) -> IngestOperation<'_> {
        match kind {
            WriteKind::Create => IngestOperation::Upsert {
                external_id_field: self.batch.plan.external_id.as_deref().unwrap_or("Id"),
            },
            WriteKind::Update => IngestOperation::Update,
            WriteKind::Delete => IngestOperation::Delete,
        }
    }

    async fn abort(&self, job: &str) {
        if let Err(failure) = self.salesforce.abort_ingest_job(job).await {
            tracing::info!(
                job,
                ?failure,
                "a Bulk job that was never started could not be aborted"
            );
        }
    }

    async fn forget(&self, job: &str) {
        if let Err(failure) = self.salesforce.delete_ingest_job(job).await {
            tracing::info!(
                job,
                ?failure,
                "a Bulk job could not be deleted; Salesforce deletes it after seven days"
            );
        }
    }
}

fn not_now(orders: Vec<Order>, failure: Option<&Failure>) -> Vec<Sent> {
    orders
        .into_iter()
        .map(|order| Sent::not_now(order.claim, failure))
        .collect()
}

fn unknown(orders: Vec<Order>) -> Vec<Sent> {
    orders
        .into_iter()
        .map(|order| Sent::unknown(order.claim, None))
        .collect()
}
