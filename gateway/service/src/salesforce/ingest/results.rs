//! What became of each row of an ingest job.

use std::collections::BTreeMap;

use bytes::Bytes;
use causeway_core::failure::{Call, Failure};
use causeway_core::id::SalesforceId;

use crate::salesforce::csv::{CsvError, CsvReader, Row};
use crate::salesforce::ingest::IngestOperation;
use crate::salesforce::transport::{Ask, Target, retry_delay};
use crate::salesforce::write::{RowFailure, Written};
use crate::salesforce::{Salesforce, errors};

/// What became of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IngestResult {
    /// It was written.
    Written(Written),
    /// Salesforce refused it.
    Refused(RowFailure),
    /// The job ended before it was tried.
    Unprocessed,
}

/// The results by key: Id in its 18-character form, or external id as it was sent.
pub type IngestResults = BTreeMap<String, IngestResult>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ResultFile {
    Successful,
    Failed,
    Unprocessed,
}

impl ResultFile {
    const ALL: [ResultFile; 3] = [
        ResultFile::Successful,
        ResultFile::Failed,
        ResultFile::Unprocessed,
    ];

    fn resource(self) -> &'static str {
        match self {
            ResultFile::Successful => "successfulResults",
            ResultFile::Failed => "failedResults",
            ResultFile::Unprocessed => "unprocessedrecords",
        }
    }
}

impl Salesforce {
    /// Reads what became of the rows of a job that has ended, streaming each of the three files; only keys and
    /// outcomes are kept. A row that is missing has an unknown fate.
    ///
    /// # Errors
    /// What Salesforce answered; NOT_FOUND when the job is gone.
    pub async fn ingest_results(
        &self,
        job: &str,
        operation: IngestOperation<'_>,
    ) -> Result<IngestResults, Failure> {
        let mut results = IngestResults::new();
        for file in ResultFile::ALL {
            let mut attempt = 1;
            let mut rows = loop {
                let failure = match self.read_results(job, operation, file).await {
                    Ok(rows) => break rows,
                    Err(failure) => failure,
                };
                match retry_delay(&self.retries, attempt, &failure, Call::Read, None) {
                    Some(delay) => tokio::time::sleep(delay).await,
                    None => return Err(failure),
                }
                attempt += 1;
            };
            results.append(&mut rows);
        }
        Ok(results)
    }

    async fn read_results(
        &self,
        job: &str,
        operation: IngestOperation<'_>,
        file: ResultFile,
    ) -> Result<IngestResults, Failure> {
        let path = ["jobs", "ingest", job, file.resource()];
        let mut response = self
            .exchange(&Ask::get(Target::Versioned(&path), &[]))
            .await?
            .response;
        let mut reader = ResultReader::new(operation, file);
        while let Some(bytes) = response
            .chunk()
            .await
            .map_err(|error| errors::no_answer(&error))?
        {
            reader.read(&bytes)?;
        }
        reader.finish()
    }
}

/// Reads one file of results.
#[derive(Debug)]
struct ResultReader<'a> {
    operation: IngestOperation<'a>,
    file: ResultFile,
    csv: CsvReader,
    columns: Option<Columns>,
    results: IngestResults,
}

#[derive(Debug, Clone, Copy)]
struct Columns {
    width: usize,
    key: usize,
    id: Option<usize>,
    created: Option<usize>,
    error: Option<usize>,
}

impl<'a> ResultReader<'a> {
    fn new(operation: IngestOperation<'a>, file: ResultFile) -> Self {
        ResultReader {
            operation,
            file,
            csv: CsvReader::default(),
            columns: None,
            results: IngestResults::new(),
        }
    }

    fn read(&mut self, bytes: &Bytes) -> Result<(), Failure> {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let step = self.csv.read(rest).map_err(unreadable_csv)?;
            let used = step.used;
            if let Some(row) = step.row {
                take(
                    row,
                    self.operation,
                    self.file,
                    &mut self.columns,
                    &mut self.results,
                )?;
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<IngestResults, Failure> {
        if let Some(row) = self.csv.finish().map_err(unreadable_csv)? {
            take(
                row,
                self.operation,
                self.file,
                &mut self.columns,
                &mut self.results,
            )?;
        }
        Ok(self.results)
    }
}

fn take(
    row: Row<'_>,
    operation: IngestOperation<'_>,
    file: ResultFile,
    columns: &mut Option<Columns>,
    results: &mut IngestResults,
) -> Result<(), Failure> {
    let Some(columns) = columns else {
        *columns = Some(Columns::read(row, operation)?);
        return Ok(());
    };
    if row.len() != columns.width {
        return Err(unreadable(format!(
            "expected {} columns in each result, not {}",
            columns.width,
            row.len()
        )));
    }
    let key = key_of(row.get(columns.key).unwrap_or_default(), operation)?;
    let result = match file {
        ResultFile::Successful => IngestResult::Written(written(row, columns)?),
        ResultFile::Failed => {
            let error = columns.error.and_then(|column| row.get(column));
            IngestResult::Refused(read_error(error.unwrap_or_default()))
        }
        ResultFile::Unprocessed => IngestResult::Unprocessed,
    };
    results.insert(key, result);
    Ok(())
}

impl Columns {
    fn read(header: Row<'_>, operation: IngestOperation<'_>) -> Result<Self, Failure> {
        let find = |name: &str| header.iter().position(|column| column.eq_ignore_ascii_case(name));
        let key = operation.key_column();
        Ok(Columns {
            width: header.len(),
            key: find(key).ok_or_else(|| unreadable(format!("expected a column {key} in the results")))?,
            id: find("sf__Id"),
            created: find("sf__Created"),
            error: find("sf__Error"),
        })
    }
}

fn key_of(text: &str, operation: IngestOperation<'_>) -> Result<String, Failure> {
    match operation {
        IngestOperation::Upsert { .. } => Ok(text.to_owned()),
        IngestOperation::Update | IngestOperation::Delete => SalesforceId::parse(text)
            .map(|id| id.to_string())
            .map_err(|error| unreadable(format!("expected the Id of each result: {error}"))),
    }
}

fn written(row: Row<'_>, columns: &Columns) -> Result<Written, Failure> {
    let id = columns
        .id
        .and_then(|column| row.get(column))
        .and_then(|id| SalesforceId::parse(id).ok())
        .ok_or_else(|| unreadable("expected the id of each record that was written".to_owned()))?;
    let created = columns.created.and_then(|column| row.get(column));
    Ok(Written {
        id,
        created: created.is_some_and(|created| created.eq_ignore_ascii_case("true")),
    })
}

/// Reads `REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --`: a code, Salesforce's words, which may
/// hold colons, and the fields.
fn read_error(text: &str) -> RowFailure {
    let (text, told_fields) = match text.trim().strip_suffix("--") {
        Some(text) => (text.trim_end(), true),
        None => (text.trim(), false),
    };
    let (code, rest) = text
        .split_once(':')
        .filter(|(code, _)| is_code(code))
        .unwrap_or(("", text));
    let (message, fields) = match rest.rsplit_once(':') {
        Some((message, fields)) if told_fields && fields.split([',', ' ']).all(is_field) => (message, fields),
        _ => (rest, ""),
    };
    RowFailure {
        code: code.to_owned(),
        message: errors::redact(message.trim()),
        fields: fields
            .split([',', ' '])
            .filter(|field| !field.is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_field(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
}

fn unreadable(message: String) -> Failure {
    Failure::Unreadable { message }
}

fn unreadable_csv(error: CsvError) -> Failure {
    unreadable(format!(
        "expected the results of an ingest job as CSV, not {error}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UPSERT: IngestOperation<'static> = IngestOperation::Upsert {
        external_id_field: "Ext__c",
    };

    fn read(
        operation: IngestOperation<'_>,
        file: ResultFile,
        text: &'static str,
    ) -> Result<IngestResults, Failure> {
        let mut reader = ResultReader::new(operation, file);
        for byte in text.as_bytes().chunks(3) {
            reader.read(&Bytes::from_static(byte))?;
        }
        reader.finish()
    }

    #[test]
    fn rows_are_matched_by_their_key_in_whatever_order_they_come() {
        let results = read(
            UPSERT,
            ResultFile::Successful,
            "\"sf__Id\",\"sf__Created\",Name,Ext__c\n\"0038a00001rBqb8AAC\",\"true\",\"A, B\",cw-1-2\n0038a00001rBqb9AAC,false,x,cw-1-1\n",
        );
        let written = |id: &str, created| {
            IngestResult::Written(Written {
                id: SalesforceId::parse(id).unwrap(),
                created,
            })
        };
        assert_eq!(
            results.unwrap(),
            IngestResults::from([
                ("cw-1-1".to_owned(), written("0038a00001rBqb9", false)),
                ("cw-1-2".to_owned(), written("0038a00001rBqb8", true)),
            ])
        );
        let unprocessed = read(
            IngestOperation::Update,
            ResultFile::Unprocessed,
            "Id,Name\n0038a00001rBqb8,x",
        );
        assert_eq!(
            unprocessed.unwrap(),
            IngestResults::from([("0038a00001rBqb8AAC".to_owned(), IngestResult::Unprocessed)])
        );
    }

    #[test]
    fn no_rows_are_no_results() {
        for text in ["", "sf__Id,sf__Error,Ext__c\n", "sf__Id,sf__Error,Ext__c"] {
            assert_eq!(read(UPSERT, ResultFile::Failed, text), Ok(IngestResults::new()));
        }
    }

    #[test]
    fn results_of_another_shape_are_refused() {
        for text in [
            "sf__Id,sf__Created,Name\n",
            "sf__Id,sf__Created,Ext__c\n0038a00001rBqb8AAC,true\n",
            "sf__Id,sf__Created,Ext__c\n,true,cw-1-1\n",
        ] {
            let read = read(UPSERT, ResultFile::Successful, text);
            assert!(matches!(read, Err(Failure::Unreadable { .. })), "{text}");
        }
    }

    #[test]
    fn an_error_is_a_code_words_and_fields() {
        for (text, code, message, fields) in [
            (
                "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
                "REQUIRED_FIELD_MISSING",
                "Required fields are missing: [Name]",
                vec!["Name"],
            ),
            (
                "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: 0018a00001rBqb8:--",
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record or 1 records: 0018a00001rBqb8",
                vec![],
            ),
            (
                "FIELD_CUSTOM_VALIDATION_EXCEPTION:Phone: wrong form:Phone,Fax --",
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "Phone: wrong form",
                vec!["Phone", "Fax"],
            ),
            (
                "FIELD_CUSTOM_VALIDATION_EXCEPTION:no: fields here",
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "no: fields here",
                vec![],
            ),
            ("odd words: here", "", "odd words: here", vec![]),
            ("", "", "", vec![]),
        ] {
            let read = read_error(text);
            assert_eq!(
                (read.code.as_str(), read.message.as_str(), read.fields),
                (code, message, fields.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }
}
