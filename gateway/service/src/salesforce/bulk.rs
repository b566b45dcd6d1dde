//! Bulk API 2.0 query jobs and their results as a stream of pages.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use reqwest::Method;
use serde_json::json;
use tokio::sync::mpsc;

use crate::salesforce::transport::{Ask, Body, Target, retry_delay};
use crate::salesforce::wire::Job;
use crate::salesforce::{Salesforce, errors};

/// Pieces of results that are fetched ahead. A piece is what one read of the socket gave, some 100 KB at most.
const PIECES_AHEAD: usize = 16;

/// Where a query job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobState {
    /// Salesforce works on it.
    Running,
    /// The results can be read.
    Complete {
        /// Rows in all.
        rows: Option<u64>,
    },
    /// It ended without results.
    Failed {
        /// What Salesforce says.
        message: String,
    },
}

/// One thing of a stream of results, in the order in which a reader meets them.
#[derive(Debug)]
pub enum Piece {
    /// A page begins. A page that broke off begins again, from its first row.
    Page {
        /// Its locator; `None` for the first.
        locator: Option<String>,
        /// Rows that it will have, where Salesforce said.
        rows: Option<u64>,
    },
    /// Bytes of the page's CSV. Each page has the header row.
    Bytes(Bytes),
    /// The page is complete.
    PageEnd {
        /// Locator of the next; `None` behind the last.
        next: Option<String>,
    },
    /// Reading ended here.
    Failed(Failure),
}

/// What to read of a job's results.
#[derive(Debug, Clone)]
pub struct Results {
    /// The job.
    pub job: String,
    /// Locator of the page to begin with; `None` for the first.
    pub from: Option<String>,
    /// Rows in a page.
    pub page_rows: u32,
}

impl Salesforce {
    /// Makes a query job. Making it twice costs one of 10,000 jobs a day and nothing else, so it is safe to repeat.
    ///
    /// # Errors
    /// What Salesforce answered; a query that it does not take is refused here.
    pub async fn create_query_job(&self, soql: &str) -> Result<String, Failure> {
        let body = json!({
            "operation": "query",
            "query": soql,
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        });
        let target = Target::Versioned(&["jobs", "query"]);
        let ask = Ask::repeatable(Method::POST, target, Body::Json(&body));
        let (job, _): (Job, _) = self.json(&ask).await?;
        Ok(job.id)
    }

    /// Where a job stands.
    ///
    /// # Errors
    /// What Salesforce answered; NOT_FOUND when the job is gone (jobs are kept for seven days).
    pub async fn query_job(&self, job: &str) -> Result<JobState, Failure> {
        let path = ["jobs", "query", job];
        let (job, _): (Job, _) = self.json(&Ask::get(Target::Versioned(&path), &[])).await?;
        match job.state.as_str() {
            "UploadComplete" | "InProgress" => Ok(JobState::Running),
            "JobComplete" => Ok(JobState::Complete {
                rows: job.number_records_processed,
            }),
            "Failed" | "Aborted" => Ok(JobState::Failed {
                message: errors::redact(&job.error_message.unwrap_or_else(|| job.state.clone())),
            }),
            other => Err(Failure::Unreadable {
                message: format!("expected a state of a query job, not {other:?}"),
            }),
        }
    }

    /// Ends a job that Salesforce may still work on. One that has ended, or is gone, is no failure.
    ///
    /// # Errors
    /// What Salesforce answered while it still works on the job.
    pub async fn abort_query_job(&self, job: &str) -> Result<(), Failure> {
        let path = ["jobs", "query", job];
        let body = json!({ "state": "Aborted" });
        let ask = Ask::repeatable(Method::PATCH, Target::Versioned(&path), Body::Json(&body));
        let Err(refused) = self.exchange(&ask).await else {
            return Ok(());
        };
        match self.query_job(job).await {
            Ok(JobState::Running) => Err(refused.failure),
            Ok(JobState::Complete { .. } | JobState::Failed { .. }) => Ok(()),
            Err(failure) if policy(&failure, Call::Read).next == NextStep::Gone => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Deletes a job with its results. A job that is gone already is no failure.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn delete_query_job(&self, job: &str) -> Result<(), Failure> {
        let path = ["jobs", "query", job];
        self.delete_job(&path).await
    }

    /// Deletes what lies at a job's path, if it is still there.
    pub(super) async fn delete_job(&self, path: &[&str]) -> Result<(), Failure> {
        let ask = Ask::repeatable(Method::DELETE, Target::Versioned(path), Body::None);
        match self.exchange(&ask).await {
            Ok(_) => Ok(()),
            Err(refused) if policy(&refused.failure, Call::Read).next == NextStep::Gone => Ok(()),
            Err(refused) => Err(refused.failure),
        }
    }

    /// Streams the results of a complete job, fetching ahead within a bound: a slow reader slows the socket down.
    /// The stream ends behind the last page or a [`Piece::Failed`]; dropping the receiver ends the fetching.
    pub fn results(self: &Arc<Self>, results: Results) -> mpsc::Receiver<Piece> {
        let (pieces, receiver) = mpsc::channel(PIECES_AHEAD);
        let salesforce = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(failure) = fetch_all(&salesforce, results, &pieces).await {
                // A reader who left does not want to know.
                drop(pieces.send(Piece::Failed(failure)).await);
            }
        });
        receiver
    }
}

/// The wait before a job's state is asked for the `poll`-th time, from 0: short at first, so that small jobs end
/// quickly, then up to ten seconds, so that large ones cost few calls.
pub fn poll_delay(poll: u32) -> Duration {
    Duration::from_millis(250)
        .saturating_mul(2u32.saturating_pow(poll))
        .min(Duration::from_secs(10))
}

async fn fetch_all(
    salesforce: &Salesforce,
    results: Results,
    pieces: &mpsc::Sender<Piece>,
) -> Result<(), Failure> {
    let mut locator = results.from;
    loop {
        let mut attempt = 1;
        let next = loop {
            match fetch_page(
                salesforce,
                &results.job,
                results.page_rows,
                locator.as_deref(),
                pieces,
            )
            .await
            {
                Ok(Fetched::Page { next }) => break next,
                Ok(Fetched::ReaderLeft) => return Ok(()),
                Err(failure) => {
                    // What fails before the first byte was retried by `exchange`; this is a page that broke off.
                    match retry_delay(&salesforce.retries, attempt, &failure, Call::Read, None) {
                        Some(delay) => {
                            tracing::info!(
                                attempt,
                                ?failure,
                                "a page of results broke off; reading it again"
                            );
                            tokio::time::sleep(delay).await;
                        }
                        None => return Err(failure),
                    }
                    attempt += 1;
                }
            }
        };
        let last = next.is_none();
        if pieces.send(Piece::PageEnd { next: next.clone() }).await.is_err() || last {
            return Ok(());
        }
        locator = next;
    }
}

enum Fetched {
    Page { next: Option<String> },
    ReaderLeft,
}

async fn fetch_page(
    salesforce: &Salesforce,
    job: &str,
    page_rows: u32,
    locator: Option<&str>,
    pieces: &mpsc::Sender<Piece>,
) -> Result<Fetched, Failure> {
    let path = ["jobs", "query", job, "results"];
    let page_rows = page_rows.to_string();
    let mut query = vec![("maxRecords", page_rows.as_str())];
    query.extend(locator.map(|locator| ("locator", locator)));
    let ask = Ask::get(Target::Versioned(&path), &query);
    let mut response = salesforce.exchange(&ask).await?.response;

    let header = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let rows = header("Sforce-NumberOfRecords").and_then(|rows| rows.parse().ok());
    // The end is told by the text "null".
    let next = header("Sforce-Locator").filter(|next| next != "null");
    if next.is_some() && next.as_deref() == locator {
        return Err(Failure::Unreadable {
            message: "expected the locator of a next page, not of the same".to_owned(),
        });
    }

    let page = Piece::Page {
        locator: locator.map(str::to_owned),
        rows,
    };
    if pieces.send(page).await.is_err() {
        return Ok(Fetched::ReaderLeft);
    }
    while let Some(bytes) = response
        .chunk()
        .await
        .map_err(|error| errors::no_answer(&error))?
    {
        if pieces.send(Piece::Bytes(bytes)).await.is_err() {
            return Ok(Fetched::ReaderLeft);
        }
    }
    Ok(Fetched::Page { next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polling_starts_fast_and_becomes_patient() {
        assert_eq!(poll_delay(0), Duration::from_millis(250));
        assert!(
            (0..200)
                .map(poll_delay)
                .collect::<Vec<_>>()
                .windows(2)
                .all(|pair| pair[0] <= pair[1])
        );
        assert_eq!(poll_delay(u32::MAX), Duration::from_secs(10));
    }
}
