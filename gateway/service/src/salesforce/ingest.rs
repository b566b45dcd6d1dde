//! Bulk API 2.0 ingest jobs: many writes in one upload, each row for itself.
//!
//! A job is made, its file is uploaded once, and only then is it started: whatever fails before the start has
//! written nothing. From then on the job goes its way in Salesforce, and whoever knows its id can follow it, also
//! after a crash. Source: Bulk API 2.0 Developer Guide, "Bulk API 2.0 Ingest".

pub mod file;
pub mod results;

use std::time::Duration;

use bytes::Bytes;
use causeway_core::failure::{Call, Failure};
use reqwest::Method;
use serde_json::json;
use tokio::time::Instant as Ticks;

use crate::salesforce::ingest::file::IngestFile;
use crate::salesforce::transport::{Ask, Body, Target, Unsuccessful};
use crate::salesforce::wire::Job;
use crate::salesforce::{Salesforce, errors};

/// How long an upload may take: a full file at a megabit a second.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(110);

/// What a job does with each of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IngestOperation<'a> {
    /// Makes the record, or writes to the one that carries the same value in this external id field.
    Upsert {
        /// API name of the field.
        external_id_field: &'a str,
    },
    /// Writes to the record with this Id.
    Update,
    /// Deletes the record with this Id.
    Delete,
}

impl<'a> IngestOperation<'a> {
    /// The column by which a result is matched with its row: results come in no order, and no column of our own may
    /// be added.
    pub fn key_column(self) -> &'a str {
        match self {
            IngestOperation::Upsert { external_id_field } => external_id_field,
            IngestOperation::Update | IngestOperation::Delete => "Id",
        }
    }

    fn name(self) -> &'static str {
        match self {
            IngestOperation::Upsert { .. } => "upsert",
            IngestOperation::Update => "update",
            IngestOperation::Delete => "delete",
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestState {
    /// Not started: nothing was written.
    Open,
    /// Salesforce works on it.
    Running,
    /// Every row was tried.
    Complete {
        /// Rows tried.
        processed: u64,
        /// Those of them that were refused.
        failed: u64,
    },
    /// It ended early. Rows that were written stay written: see the results.
    Failed {
        /// What Salesforce says.
        message: String,
    },
    /// It was aborted. Rows that were written before stay written: see the results.
    Aborted,
}

impl Salesforce {
    /// Makes a job, which writes nothing before it is started. Making it twice costs a job and nothing else.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn create_ingest_job(
        &self,
        object: &str,
        operation: IngestOperation<'_>,
    ) -> Result<String, Failure> {
        let mut body = json!({
            "object": object,
            "operation": operation.name(),
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        if let (IngestOperation::Upsert { external_id_field }, Some(body)) = (operation, body.as_object_mut())
        {
            body.insert("externalIdFieldName".to_owned(), external_id_field.into());
        }
        let target = Target::Versioned(&["jobs", "ingest"]);
        let ask = Ask::repeatable(Method::POST, target, Body::Json(&body));
        let (job, _): (Job, _) = self.json(&ask).await?;
        Ok(job.id)
    }

    /// Uploads a job's file. A job takes one upload, so this is tried once: after a failure abort the job, which has
    /// written nothing, and make another.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn upload(&self, job: &str, file: IngestFile) -> Result<(), Failure> {
        let path = ["jobs", "ingest", job, "batches"];
        let ask = Ask {
            method: Method::PUT,
            target: Target::Versioned(&path),
            query: &[],
            body: Body::Csv(Bytes::from(file.into_bytes())),
            call: Call::Write,
            deadline: Some(Ticks::now() + UPLOAD_TIMEOUT),
        };
        self.exchange(&ask).await?;
        Ok(())
    }

    /// Starts a job. A job that runs or has ended already is no failure.
    ///
    /// # Errors
    /// Why the job is not known to have been started; follow it by its id then.
    pub async fn start_ingest_job(&self, job: &str) -> Result<(), Unsuccessful> {
        let started = self.change_state(job, "UploadComplete").await;
        match started {
            Ok(()) => Ok(()),
            // A start that was lost on its way back is refused when it is tried again.
            Err(refused) => match self.ingest_job(job).await {
                Ok(IngestState::Open) => Err(Unsuccessful {
                    // An old request may still arrive.
                    may_have_written: refused.may_have_written,
                    failure: refused.failure,
                }),
                Ok(IngestState::Aborted) => Err(Unsuccessful::unsent(refused.failure)),
                Ok(_started) => Ok(()),
                Err(unknown) => Err(Unsuccessful {
                    failure: unknown,
                    may_have_written: refused.may_have_written,
                }),
            },
        }
    }

    /// Aborts a job and answers where it stands then: a job that has ended cannot be aborted any more.
    ///
    /// # Errors
    /// What Salesforce answered; NOT_FOUND when the job is gone.
    pub async fn abort_ingest_job(&self, job: &str) -> Result<IngestState, Failure> {
        let aborted = self.change_state(job, "Aborted").await;
        let state = self.ingest_job(job).await?;
        match (aborted, &state) {
            (Err(refused), IngestState::Open | IngestState::Running) => Err(refused.failure),
            _ => Ok(state),
        }
    }

    /// Where a job stands.
    ///
    /// # Errors
    /// What Salesforce answered; NOT_FOUND when the job is gone (jobs are kept for seven days).
    pub async fn ingest_job(&self, job: &str) -> Result<IngestState, Failure> {
        let path = ["jobs", "ingest", job];
        let (job, _): (Job, _) = self.json(&Ask::get(Target::Versioned(&path), &[])).await?;
        match job.state.as_str() {
            "Open" => Ok(IngestState::Open),
            "UploadComplete" | "InProgress" => Ok(IngestState::Running),
            "JobComplete" => Ok(IngestState::Complete {
                processed: job.number_records_processed.unwrap_or_default(),
                failed: job.number_records_failed.unwrap_or_default(),
            }),
            "Failed" => Ok(IngestState::Failed {
                message: errors::redact(&job.error_message.unwrap_or_else(|| job.state.clone())),
            }),
            "Aborted" => Ok(IngestState::Aborted),
            other => Err(Failure::Unreadable {
                message: format!("expected a state of an ingest job, not {other:?}"),
            }),
        }
    }

    /// Deletes a job that has ended, with its results. A job that is gone already is no failure.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn delete_ingest_job(&self, job: &str) -> Result<(), Failure> {
        self.delete_job(&["jobs", "ingest", job]).await
    }

    async fn change_state(&self, job: &str, state: &str) -> Result<(), Unsuccessful> {
        let body = json!({ "state": state });
        let path = ["jobs", "ingest", job];
        // The same state twice writes nothing twice.
        let ask = Ask::repeatable(Method::PATCH, Target::Versioned(&path), Body::Json(&body));
        self.exchange(&ask).await?;
        Ok(())
    }
}
