//! The log: one entry for each exchange of one record, and one for each page of an initial sync.

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{ConnectionId, RecordId, RunId, SalesforceId};
use crate::ports::StoreError;

/// The log.
pub trait Logs {
    /// Appends entries; their numbers grow in the order given.
    fn append_logs(&mut self, connection: ConnectionId, entries: &[NewLogEntry]) -> Result<(), StoreError>;

    /// Entries that meet every given filter, newest first, older than `before`.
    fn logs(
        &mut self,
        connection: ConnectionId,
        filter: &LogFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<LogEntry>, StoreError>;
}

/// Which way an exchange went, seen from the partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogDirection {
    /// Salesforce to partner.
    Incoming,
    /// Partner to Salesforce.
    Outgoing,
}

/// The HTTP method an exchange amounts to: POST creates, PUT updates, DELETE deletes, GET reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are HTTP's")]
pub enum LogMethod {
    Get,
    Post,
    Put,
    Delete,
}

/// An entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLogEntry {
    /// When.
    pub at: Instant,
    /// Which way.
    pub direction: LogDirection,
    /// What it amounts to.
    pub method: LogMethod,
    /// Outcome as an HTTP status: 200 updated, 201 created, 422 held, ….
    pub status: u16,
    /// Partner object, or `*` where the entry speaks of a whole page.
    pub object: String,
    /// Salesforce record.
    pub salesforce_id: Option<SalesforceId>,
    /// Partner record.
    pub record: Option<RecordId>,
    /// Run.
    pub run: Option<RunId>,
    /// Exactly the data that was exchanged (JSON), without secrets.
    pub data: String,
    /// Why it failed or was held; empty otherwise.
    pub cause: String,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Number; grows with time.
    pub id: i64,
    /// The entry.
    pub entry: NewLogEntry,
}

/// Which entries to read. Every filter that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Direction.
    pub direction: Option<LogDirection>,
    /// Method.
    pub method: Option<LogMethod>,
    /// Partner object.
    pub object: Option<String>,
    /// Salesforce record.
    pub salesforce_id: Option<SalesforceId>,
    /// Run.
    pub run: Option<RunId>,
    /// From this moment on, inclusive.
    pub from: Option<Instant>,
    /// Up to this moment, exclusive.
    pub to: Option<Instant>,
    /// Only failures and held records (status 400 and above).
    pub failed: bool,
}
