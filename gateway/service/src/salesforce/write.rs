//! Writes of up to 200 records in one call, each record for itself.
//!
//! Source: Salesforce REST API Developer Guide, "sObject Collections". Nothing here is ever sent twice: whoever calls
//! knows what a second time would do. A call that is given up may still be at work in Salesforce.

use std::time::Duration;

use causeway_core::failure::{Call, Failure};
use causeway_core::id::SalesforceId;
use causeway_core::record::Fields;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant as Ticks;

pub use crate::salesforce::transport::Unsuccessful;
use crate::salesforce::transport::{Ask, Body, Target};
use crate::salesforce::values::{Unsendable, json_members};
use crate::salesforce::wire::SaveResult;
use crate::salesforce::{Salesforce, errors};

/// Records in one call.
pub const ROWS_AT_ONCE: usize = 200;

/// A record that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The record.
    pub id: SalesforceId,
    /// Whether it was made by this write.
    pub created: bool,
}

/// Why Salesforce did not write one record of a call, while others may have been written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct RowFailure {
    /// `statusCode`, such as `FIELD_CUSTOM_VALIDATION_EXCEPTION`.
    pub code: String,
    /// Salesforce's words, secrets redacted.
    pub message: String,
    /// API names of the fields that Salesforce names.
    pub fields: Vec<String>,
}

impl From<RowFailure> for Failure {
    /// As if the record had been refused alone, which is status 400.
    fn from(row: RowFailure) -> Self {
        Failure::Salesforce {
            status: 400,
            code: row.code,
            message: row.message,
        }
    }
}

/// What became of each record of a call, in the order in which they were given.
pub type RowResults = Vec<Result<Written, RowFailure>>;

/// Why a call wrote nothing, or why it is not known what it wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The value of one record cannot be sent; nothing was.
    #[error("record {row} of the call: {cause}")]
    Unsendable {
        /// Which record, from 0.
        row: usize,
        /// Why.
        cause: Unsendable,
    },
    /// More records than one call takes; nothing was sent.
    #[error("{rows} records in one call, which takes {ROWS_AT_ONCE}")]
    TooMany {
        /// Records given.
        rows: usize,
    },
    /// The call as a whole did not succeed.
    #[error("the call did not succeed: {:?}", .0.failure)]
    Call(Unsuccessful),
}

impl From<Unsuccessful> for WriteError {
    fn from(unsuccessful: Unsuccessful) -> Self {
        WriteError::Call(unsuccessful)
    }
}

impl Salesforce {
    /// Makes records, or writes to those that carry the same external id. `rows`: external id and the other values.
    /// The call is given up after `within`.
    ///
    /// # Errors
    /// [`WriteError`]; of records that were refused their results tell.
    pub async fn upsert_rows(
        &self,
        object: &str,
        external_id_field: &str,
        rows: &[(String, Fields)],
        within: Duration,
    ) -> Result<RowResults, WriteError> {
        let records = records(object, rows.iter().map(|(_, fields)| fields), |row, record| {
            if let Some((external_id, _)) = rows.get(row) {
                record.insert(external_id_field.to_owned(), Value::String(external_id.clone()));
            }
        })?;
        let path = ["composite", "sobjects", object, external_id_field];
        self.save(Method::PATCH, &path, records, within).await
    }

    /// Makes records. A second call makes them a second time: only for objects that take no external id.
    ///
    /// # Errors
    /// As [`Salesforce::upsert_rows`].
    pub async fn create_rows(
        &self,
        object: &str,
        rows: &[Fields],
        within: Duration,
    ) -> Result<RowResults, WriteError> {
        let records = records(object, rows, |_, _| {})?;
        let mut results = self
            .save(Method::POST, &["composite", "sobjects"], records, within)
            .await?;
        for written in results.iter_mut().flatten() {
            written.created = true;
        }
        Ok(results)
    }

    /// Writes to records by id.
    ///
    /// # Errors
    /// As [`Salesforce::upsert_rows`].
    pub async fn update_rows(
        &self,
        object: &str,
        rows: &[(SalesforceId, Fields)],
        within: Duration,
    ) -> Result<RowResults, WriteError> {
        let records = records(object, rows.iter().map(|(_, fields)| fields), |row, record| {
            if let Some((id, _)) = rows.get(row) {
                record.insert("Id".to_owned(), Value::String(id.to_string()));
            }
        })?;
        self.save(Method::PATCH, &["composite", "sobjects"], records, within)
            .await
    }

    /// Deletes records by id. They lie in the recycle bin afterwards.
    ///
    /// # Errors
    /// As [`Salesforce::upsert_rows`].
    pub async fn delete_rows(
        &self,
        ids: &[SalesforceId],
        within: Duration,
    ) -> Result<RowResults, WriteError> {
        at_most_one_call(ids.len())?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let list = ids.iter().map(SalesforceId::as_str).collect::<Vec<_>>().join(",");
        let ask = Ask {
            method: Method::DELETE,
            target: Target::Versioned(&["composite", "sobjects"]),
            query: &[("ids", &list), ("allOrNone", "false")],
            body: Body::None,
            call: Call::Write,
            deadline: Some(Ticks::now() + within),
        };
        self.save_results(&ask, ids.len()).await
    }

    async fn save(
        &self,
        method: Method,
        path: &[&str],
        records: Vec<Value>,
        within: Duration,
    ) -> Result<RowResults, WriteError> {
        at_most_one_call(records.len())?;
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let rows = records.len();
        let body = json!({ "allOrNone": false, "records": records });
        let ask = Ask {
            method,
            target: Target::Versioned(path),
            query: &[],
            body: Body::Json(&body),
            call: Call::Write,
            deadline: Some(Ticks::now() + within),
        };
        self.save_results(&ask, rows).await
    }

    async fn save_results(&self, ask: &Ask<'_>, rows: usize) -> Result<RowResults, WriteError> {
        let (results, _): (Vec<SaveResult>, _) = self.json(ask).await?;
        let unreadable = |message: String| Unsuccessful::sent(Failure::Unreadable { message });
        if results.len() != rows {
            let message = format!("expected the results of {rows} records, not of {}", results.len());
            return Err(unreadable(message).into());
        }
        let results: Result<RowResults, String> = results.into_iter().map(read_result).collect();
        Ok(results.map_err(unreadable)?)
    }
}

/// Reads one result. A failed upsert says `created: true` too, so that word counts only beside a success.
fn read_result(result: SaveResult) -> Result<Result<Written, RowFailure>, String> {
    if !result.success {
        let mut failures = result.errors.into_iter();
        let first = failures.next().map_or_else(
            || RowFailure {
                code: String::new(),
                message: "refused without a reason".to_owned(),
                fields: Vec::new(),
            },
            |error| RowFailure {
                code: error.status_code,
                message: errors::redact(&error.message),
                fields: error.fields,
            },
        );
        return Ok(Err(failures.fold(first, |mut all, error| {
            all.message.push_str("; ");
            all.message.push_str(&errors::redact(&error.message));
            all.fields.extend(error.fields);
            all
        })));
    }
    let id = result
        .id
        .as_deref()
        .and_then(|id| SalesforceId::parse(id).ok())
        .ok_or_else(|| "expected the id of each record that was written".to_owned())?;
    Ok(Ok(Written {
        id,
        created: result.created.unwrap_or(false),
    }))
}

fn records<'a>(
    object: &str,
    rows: impl IntoIterator<Item = &'a Fields>,
    key: impl Fn(usize, &mut Map<String, Value>),
) -> Result<Vec<Value>, WriteError> {
    rows.into_iter()
        .enumerate()
        .map(|(row, fields)| {
            let mut record = Map::new();
            record.insert("attributes".to_owned(), json!({ "type": object }));
            let members = json_members(fields).map_err(|cause| WriteError::Unsendable { row, cause })?;
            record.extend(members);
            key(row, &mut record);
            Ok(Value::Object(record))
        })
        .collect()
}

fn at_most_one_call(rows: usize) -> Result<(), WriteError> {
    if rows > ROWS_AT_ONCE {
        return Err(WriteError::TooMany { rows });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Result<Written, RowFailure>, String> {
        read_result(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn created_counts_only_beside_a_success() {
        let id = SalesforceId::parse("0018a00001rBqb8").unwrap();
        assert_eq!(
            read(r#"{"id":"0018a00001rBqb8AAC","success":true,"created":true,"errors":[]}"#),
            Ok(Ok(Written { id, created: true }))
        );
        assert_eq!(
            read(r#"{"id":"0018a00001rBqb8AAC","success":true,"errors":[]}"#),
            Ok(Ok(Written { id, created: false }))
        );
        let refused = read(
            r#"{"success":false,"created":true,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING",
                "message":"Required fields are missing: [Name]","fields":["Name"]},
                {"statusCode":"STRING_TOO_LONG","message":"too long","fields":["Phone"]}]}"#,
        );
        assert_eq!(
            refused,
            Ok(Err(RowFailure {
                code: "REQUIRED_FIELD_MISSING".to_owned(),
                message: "Required fields are missing: [Name]; too long".to_owned(),
                fields: vec!["Name".to_owned(), "Phone".to_owned()],
            }))
        );
    }

    #[test]
    fn a_refusal_without_a_reason_is_one_and_a_success_without_an_id_is_none() {
        assert!(matches!(read(r#"{"success":false}"#), Ok(Err(_))));
        assert!(read(r#"{"success":true,"errors":[]}"#).is_err());
        assert!(read(r#"{"id":"nonsense","success":true,"errors":[]}"#).is_err());
    }
}
