//! Reads over REST: versions, describe, queries, records by id, limits.

use std::collections::BTreeMap;

use causeway_core::Instant;
use causeway_core::failure::Failure;
use causeway_core::id::SalesforceId;
use causeway_core::mapping::SalesforceObject;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::salesforce::Salesforce;
use crate::salesforce::transport::{Ask, Body, Target, is_too_large};
use crate::salesforce::wire::{Describe, Limit, QueryPage, Version};

/// Records that one call may read by id (REST API Developer Guide, "Get Records with sObject Collections").
const MOST_RETRIEVED: usize = 2_000;

/// Values that one call may read, so that the answer of a wide object stays of a size that can be held.
const VALUES_RETRIEVED: usize = 100_000;

/// A record as REST answers: values by API name.
pub type JsonRecord = Map<String, Value>;

/// Which records a query sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Those that live.
    Live,
    /// Deleted and archived ones too (`queryAll`).
    Deleted,
}

/// Records read by id.
#[derive(Debug)]
pub struct Retrieved {
    /// One for each id asked for, in that order; `None` where there is no such record, or none that this user sees.
    pub records: Vec<Option<JsonRecord>>,
    /// Salesforce's clock at the reading, in whole seconds rounded down; of several calls the first.
    pub at: Instant,
}

/// The pages of a query.
#[derive(Debug)]
pub struct QueryPages<'a> {
    salesforce: &'a Salesforce,
    next: Next,
    /// Records in all, known after the first page.
    pub total: Option<u64>,
    /// Salesforce's clock at the first page.
    pub at: Option<Instant>,
}

#[derive(Debug)]
enum Next {
    First { soql: String, seen: Seen },
    Link(String),
    End,
}

impl Salesforce {
    /// API versions that the org offers, oldest first.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn versions(&self) -> Result<Vec<String>, Failure> {
        let (versions, _): (Vec<Version>, _) = self.json(&Ask::get(Target::Unversioned(&[]), &[])).await?;
        Ok(versions.into_iter().map(|version| version.version).collect())
    }

    /// Describes an object as the user sees it: fields hidden from the user are not in it.
    ///
    /// # Errors
    /// What Salesforce answered; NOT_FOUND when there is no such object.
    pub async fn describe(&self, object: &str) -> Result<SalesforceObject, Failure> {
        let path = ["sobjects", object, "describe"];
        let (describe, _): (Describe, _) = self.json(&Ask::get(Target::Versioned(&path), &[])).await?;
        Ok(describe.into())
    }

    /// Starts a query. Nothing is asked before the first page is.
    pub fn query(&self, soql: impl Into<String>, seen: Seen) -> QueryPages<'_> {
        QueryPages {
            salesforce: self,
            next: Next::First {
                soql: soql.into(),
                seen,
            },
            total: None,
            at: None,
        }
    }

    /// Reads records by id.
    ///
    /// # Errors
    /// What Salesforce answered, or [`Failure::Unreadable`] when it gave another number of records than asked for.
    pub async fn retrieve(
        &self,
        object: &str,
        ids: &[SalesforceId],
        fields: &[&str],
    ) -> Result<Retrieved, Failure> {
        let mut records = Vec::with_capacity(ids.len());
        let mut first = None;
        let mut at_once = retrieved_at_once(fields.len());
        let mut rest = ids;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(at_once.min(rest.len()));
            let (mut found, at) = match self.retrieve_once(object, now, fields).await {
                // Long texts: fewer records at a time.
                Err(failure) if is_too_large(&failure) && at_once > 1 => {
                    at_once = (now.len() / 2).max(1);
                    continue;
                }
                answered => answered?,
            };
            records.append(&mut found);
            first.get_or_insert(at);
            rest = later;
        }
        Ok(Retrieved {
            records,
            at: first.unwrap_or_else(|| self.clock.now()),
        })
    }

    async fn retrieve_once(
        &self,
        object: &str,
        ids: &[SalesforceId],
        fields: &[&str],
    ) -> Result<(Vec<Option<JsonRecord>>, Instant), Failure> {
        let body = json!({ "ids": ids, "fields": fields });
        let path = ["composite", "sobjects", object];
        // By POST only since many ids make a long URL.
        let ask = Ask::repeatable(Method::POST, Target::Versioned(&path), Body::Json(&body));
        let (found, at): (Vec<Option<JsonRecord>>, _) = self.json(&ask).await?;
        if found.len() != ids.len() {
            return Err(Failure::Unreadable {
                message: format!("expected {} records by id, not {}", ids.len(), found.len()),
            });
        }
        Ok((found, at))
    }

    /// The org's limits by name. The user needs "View Setup and Configuration".
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn limits(&self) -> Result<BTreeMap<String, Limit>, Failure> {
        let (limits, _) = self.json(&Ask::get(Target::Versioned(&["limits"]), &[])).await?;
        Ok(limits)
    }

    /// Salesforce's clock, in whole seconds rounded down, told with an answer that every user may have.
    ///
    /// # Errors
    /// What Salesforce answered.
    pub async fn server_time(&self) -> Result<Instant, Failure> {
        let query = [("q", "SELECT Id FROM Organization LIMIT 1")];
        let ask = Ask::get(Target::Versioned(&["query"]), &query);
        let (_, at): (QueryPage, _) = self.json(&ask).await?;
        Ok(at)
    }
}

impl QueryPages<'_> {
    /// The next page; `None` behind the last.
    ///
    /// # Errors
    /// What Salesforce answered; INVALID_QUERY_LOCATOR when the pages were left lying for two days.
    pub async fn next(&mut self) -> Result<Option<Vec<JsonRecord>>, Failure> {
        let (page, at): (QueryPage, _) = match &self.next {
            Next::First { soql, seen } => {
                let resource = match seen {
                    Seen::Live => ["query"],
                    Seen::Deleted => ["queryAll"],
                };
                let query = [("q", soql.as_str())];
                self.salesforce
                    .json(&Ask::get(Target::Versioned(&resource), &query))
                    .await?
            }
            Next::Link(link) => self.salesforce.json(&Ask::get(Target::Link(link), &[])).await?,
            Next::End => return Ok(None),
        };
        self.total.get_or_insert(page.total_size);
        self.at.get_or_insert(at);
        self.next = match (page.done, page.next_records_url) {
            (false, Some(link)) => Next::Link(link),
            (true, _) => Next::End,
            (false, None) => {
                return Err(Failure::Unreadable {
                    message: "expected a query page that is not the last to name the next".to_owned(),
                });
            }
        };
        Ok(Some(page.records))
    }

    /// All pages at once, for results known to be small.
    ///
    /// # Errors
    /// As [`QueryPages::next`].
    pub async fn all(mut self) -> Result<Vec<JsonRecord>, Failure> {
        let mut records = Vec::new();
        while let Some(mut page) = self.next().await? {
            records.append(&mut page);
        }
        Ok(records)
    }
}

/// Records to read by one call, where so many fields are asked of each.
fn retrieved_at_once(fields: usize) -> usize {
    (VALUES_RETRIEVED / fields.max(1)).clamp(1, MOST_RETRIEVED)
}

/// A SOQL list of ids, for `WHERE Id IN (…)`. Ids are letters and digits, so nothing needs quoting.
pub fn id_list(ids: &[SalesforceId]) -> String {
    ids.iter()
        .map(|id| format!("'{id}'"))
        .collect::<Vec<_>>()
        .join(",")
}
