//! Giving records their ids: in collections, or in an ingest job where there are many.
//!
//! Writing the same id twice is as good as once, so nothing is kept of a call or a job whose end is not known.

use std::time::Duration;

use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::SalesforceId;
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::marks::MarkLink;
use causeway_core::record::{FieldValue, Fields};

use crate::app::App;
use crate::salesforce::Salesforce;
use crate::salesforce::bulk::poll_delay;
use crate::salesforce::ingest::file::IngestFile;
use crate::salesforce::ingest::results::IngestResult;
use crate::salesforce::ingest::{IngestOperation, IngestState};
use crate::salesforce::write::{ROWS_AT_ONCE, RowFailure, WriteError};

/// What a row is refused with whose record another transaction holds.
const LOCKED: &str = "UNABLE_TO_LOCK_ROW";

/// How often locked rows are tried again.
const LOCKED_TRIES: u32 = 3;

/// The first pause before that; it doubles.
const LOCKED_PAUSE: Duration = Duration::from_millis(100);

/// What a row is refused with whose field the user may not write, or whose field or object is gone: no other row fares
/// better.
const OF_ALL: [&str; 3] = ["INVALID_FIELD_FOR_INSERT_UPDATE", "INVALID_FIELD", "INVALID_TYPE"];

/// What a row is refused with where the user may not write this record, or none of the object.
const OF_ONE_OR_ALL: [&str; 2] = ["INSUFFICIENT_ACCESS", "INSUFFICIENT_ACCESS_OR_READONLY"];

/// Of fewer records nobody can say that all would be refused.
const FEW: usize = 10;

/// A record that is to be given its id.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub link: MarkLink,
    pub external_id: String,
}

/// A record that Salesforce refused to write.
#[derive(Debug)]
pub(super) struct Refused {
    pub row: Row,
    pub failure: RowFailure,
}

/// What became of rows.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub given: u64,
    pub refused: Vec<Refused>,
    /// What every row would be refused with.
    pub all: Option<Failure>,
}

/// Writes ids of one mapping.
pub(super) struct Writer<'a> {
    pub app: &'a App,
    pub salesforce: &'a Salesforce,
    pub plan: &'a MappingPlan,
    pub field: &'a str,
}

impl Writer<'_> {
    /// Gives records their ids. Records that are gone are passed.
    pub(super) async fn write(&self, rows: Vec<Row>) -> Result<Written, Failure> {
        let mut written = Written::default();
        let mut locked = Vec::new();
        let asked = rows.len();
        if u32::try_from(asked).is_ok_and(|asked| asked < self.app.options.claim_links.bulk_from) {
            self.in_collections(rows, &mut written, &mut locked).await?;
        } else {
            self.in_a_job(rows, &mut written, &mut locked).await?;
        }
        let mut pause = LOCKED_PAUSE;
        for _ in 0..LOCKED_TRIES {
            if locked.is_empty() || written.all.is_some() {
                break;
            }
            let jitter: f64 = rand::random();
            tokio::time::sleep(pause.mul_f64(0.5 + jitter / 2.0)).await;
            pause *= 2;
            let again = std::mem::take(&mut locked);
            let rows = again.into_iter().map(|refused| refused.row).collect();
            self.in_collections(rows, &mut written, &mut locked).await?;
        }
        written.refused.append(&mut locked);
        if asked >= FEW
            && let Some(first) = written.refused.first()
            && written.refused.len() == asked
            && OF_ONE_OR_ALL.contains(&first.failure.code.as_str())
            && written
                .refused
                .iter()
                .all(|refused| refused.failure.code == first.failure.code)
        {
            written.all = Some(Failure::from(first.failure.clone()));
        }
        if written.all.is_some() {
            written.refused.clear();
        }
        Ok(written)
    }

    async fn in_collections(
        &self,
        rows: Vec<Row>,
        written: &mut Written,
        locked: &mut Vec<Refused>,
    ) -> Result<(), Failure> {
        for rows in rows.chunks(ROWS_AT_ONCE) {
            if written.all.is_some() {
                return Ok(());
            }
            let values: Vec<(SalesforceId, Fields)> = rows
                .iter()
                .map(|row| (row.link.salesforce_id, self.values(row)))
                .collect();
            let object = &self.plan.salesforce_object;
            let within = self.app.options.write_within;
            let results = self.salesforce.update_rows(object, &values, within).await;
            let results = results.map_err(|error| match error {
                WriteError::Call(unsuccessful) => unsuccessful.failure,
                other => Failure::Unreadable {
                    message: other.to_string(),
                },
            })?;
            for (row, result) in rows.iter().zip(results) {
                take(row.clone(), result.map(drop), written, locked);
            }
        }
        Ok(())
    }

    /// A job that goes on when nobody waits for it any more does no harm.
    async fn in_a_job(
        &self,
        rows: Vec<Row>,
        written: &mut Written,
        locked: &mut Vec<Refused>,
    ) -> Result<(), Failure> {
        let values: Vec<Fields> = rows.iter().map(|row| self.keyed(row)).collect();
        let packed = IngestFile::pack(&values);
        let (mut in_job, mut left) = (Vec::new(), Vec::new());
        let carried: std::collections::HashSet<usize> = packed.carried.into_iter().collect();
        for (place, row) in rows.into_iter().enumerate() {
            if carried.contains(&place) {
                in_job.push(row);
            } else {
                left.push(row);
            }
        }
        let operation = IngestOperation::Update;
        let object = &self.plan.salesforce_object;
        let job = self.salesforce.create_ingest_job(object, operation).await?;
        if let Err(failure) = self.salesforce.upload(&job, packed.file).await {
            if let Err(failure) = self.salesforce.abort_ingest_job(&job).await {
                tracing::info!(
                    job,
                    ?failure,
                    "a Bulk job that was never started could not be aborted"
                );
            }
            return Err(failure);
        }
        self.salesforce.start_ingest_job(&job).await?;
        let failed = self.follow(&job).await?;
        let results = self.salesforce.ingest_results(&job, operation).await?;
        if let Err(failure) = self.salesforce.delete_ingest_job(&job).await {
            tracing::info!(
                job,
                ?failure,
                "a Bulk job could not be deleted; Salesforce deletes it after seven days"
            );
        }
        for row in in_job {
            match results.get(&row.link.salesforce_id.to_string()) {
                Some(IngestResult::Written(_)) => take(row, Ok(()), written, locked),
                Some(IngestResult::Refused(failure)) => take(row, Err(failure.clone()), written, locked),
                Some(IngestResult::Unprocessed) | None => {
                    let message =
                        failed.unwrap_or_else(|| "a Bulk job ended before its rows were tried".to_owned());
                    return Err(Failure::NoAnswer { message });
                }
            }
        }
        self.in_collections(left, written, locked).await
    }

    /// Waits for the end of a job, and answers what Salesforce says where it failed.
    async fn follow(&self, job: &str) -> Result<Option<String>, Failure> {
        let mut poll = 0;
        loop {
            match self.salesforce.ingest_job(job).await? {
                IngestState::Open | IngestState::Running => {}
                IngestState::Complete { .. } | IngestState::Aborted => return Ok(None),
                IngestState::Failed { message } => return Ok(Some(message)),
            }
            tokio::time::sleep(poll_delay(poll)).await;
            poll += 1;
        }
    }

    /// What is written into a record.
    fn values(&self, row: &Row) -> Fields {
        let id = FieldValue::Text(row.external_id.clone());
        let stamp = self.plan.written_beside(self.app.clock.now());
        std::iter::once((self.field.to_owned(), id))
            .chain(stamp)
            .collect()
    }

    /// As a row of a job.
    fn keyed(&self, row: &Row) -> Fields {
        let mut values = self.values(row);
        let key = FieldValue::Text(row.link.salesforce_id.to_string());
        values.insert(IngestOperation::Update.key_column().to_owned(), key);
        values
    }
}

fn take(row: Row, result: Result<(), RowFailure>, written: &mut Written, locked: &mut Vec<Refused>) {
    match result {
        Ok(()) => written.given += 1,
        Err(failure) if failure.code == LOCKED => locked.push(Refused { row, failure }),
        Err(failure) if OF_ALL.contains(&failure.code.as_str()) => {
            written.all.get_or_insert_with(|| Failure::from(failure));
        }
        Err(failure) => {
            let as_failure = Failure::from(failure.clone());
            if policy(&as_failure, Call::Write).next != NextStep::Gone {
                written.refused.push(Refused { row, failure });
            }
        }
    }
}
