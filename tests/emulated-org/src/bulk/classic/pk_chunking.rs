//! PK chunking: a query cut by ranges of record ids.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, PK Chunking Header: default and most rows of a chunk, the
//! objects, that soft-deleted rows count, and that ids in the filter, ORDER BY and LIMIT leave a query whole.

use std::ops::Range;

use crate::data::{Data, Row};
use crate::id::RecordId;
use crate::schema::Object;

/// Rows of a chunk unless the header says otherwise.
const DEFAULT_ROWS: usize = 100_000;
/// Most rows of a chunk.
const MAX_ROWS: usize = 250_000;
/// The standard objects whose tables may be cut.
const OBJECTS: [&str; 16] = [
    "Account",
    "Asset",
    "Campaign",
    "CampaignMember",
    "Case",
    "CaseArticle",
    "Contact",
    "Event",
    "EventRelation",
    "Lead",
    "LoginHistory",
    "Opportunity",
    "Task",
    "User",
    "WorkOrder",
    "WorkOrderLineItem",
];

/// How the queries of a job are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PkChunking {
    rows: usize,
    start: RecordId,
}

impl PkChunking {
    /// Reads the header `Sforce-Enable-PKChunking`; `None` where it switches chunking off.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(header: &str, object: &Object) -> Result<Option<Self>, String> {
        let mut chunking = Self {
            rows: DEFAULT_ROWS,
            start: RecordId::MIN,
        };
        let mut parent = None;
        for option in header
            .split([';', ','])
            .map(str::trim)
            .filter(|option| !option.is_empty())
        {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name.trim(), value.trim()),
                None if option.eq_ignore_ascii_case("true") => continue,
                None if option.eq_ignore_ascii_case("false") => return Ok(None),
                None => return Err(format!("Invalid PK chunking option: {option}")),
            };
            match name.to_ascii_lowercase().as_str() {
                "chunksize" => {
                    chunking.rows = value
                        .parse()
                        .ok()
                        .filter(|rows| (1..=MAX_ROWS).contains(rows))
                        .ok_or_else(|| {
                            format!("The chunkSize of PK chunking must be from 1 to {MAX_ROWS}, not {value}")
                        })?;
                }
                "startrow" => {
                    chunking.start = RecordId::parse(value)
                        .ok_or_else(|| format!("The startRow of PK chunking is no record id: {value}"))?;
                }
                "parent" => parent = Some(value.to_owned()),
                _ => return Err(format!("Invalid PK chunking option: {option}")),
            }
        }
        let cut = parent.as_deref().unwrap_or(&object.name);
        let supported = OBJECTS.contains(&cut) || cut.ends_with("__c");
        if supported {
            Ok(Some(chunking))
        } else {
            Err(format!("PK chunking is not supported for {cut}"))
        }
    }

    /// The ranges of ids into which an object's records fall.
    pub(super) fn ranges(&self, object: &Object, data: &Data) -> Vec<Range<RecordId>> {
        let rows = data.table(&object.name).map(|table| table.rows());
        let mut ids: Vec<RecordId> = rows.into_iter().flatten().map(Row::id).collect();
        ids.retain(|id| *id >= self.start);
        ids.sort_unstable();
        let starts: Vec<RecordId> = ids.iter().step_by(self.rows).copied().collect();
        let mut ranges = Vec::with_capacity(starts.len().max(1));
        let mut starts = starts.into_iter().peekable();
        while let Some(start) = starts.next() {
            let end = starts.peek().copied().unwrap_or(RecordId::MAX);
            ranges.push(start..end);
        }
        if ranges.is_empty() {
            ranges.push(self.start..RecordId::MAX);
        }
        ranges
    }
}
