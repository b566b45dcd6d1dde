//! The rows of a finished job, in pages.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;

use super::csv::{Format, Writer};
use crate::data::{Data, Row};
use crate::soql::{Output, Plan};

/// A page is sent in pieces of about this size, so that neither the whole page is in memory nor the records
/// are locked while a slow reader takes it.
const CHUNK: usize = 128 * 1024;
/// Room for the row that crosses the line.
const CHUNK_ROOM: usize = CHUNK + 16 * 1024;

/// What a job found: rows as they were when it ran.
#[derive(Debug)]
pub struct Results {
    /// The query.
    pub plan: Plan,
    /// Its rows. They are shared with the tables, so a result costs a pointer for each row.
    pub rows: Vec<Arc<Row>>,
    /// How they are written.
    pub format: Format,
    told: AtomicBool,
}

/// Rows by whose length that of all rows is estimated.
const SAMPLED_ROWS: usize = 500;

/// A part of the results that one request reads.
#[derive(Clone, Debug)]
pub struct Page {
    results: Arc<Results>,
    rows: Range<usize>,
    header_due: bool,
}

impl Results {
    /// The rows that a query found.
    #[must_use]
    pub fn new(plan: Plan, rows: Vec<Arc<Row>>, format: Format) -> Self {
        Self {
            plan,
            rows,
            format,
            told: AtomicBool::new(false),
        }
    }

    /// Whether nobody asked this before.
    #[must_use]
    pub fn is_new(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    /// About how many megabytes the rows make as CSV.
    #[must_use]
    pub fn megabytes(&self, data: &Data) -> u64 {
        let Output::Columns(columns) = &self.plan.output else {
            return 0;
        };
        let writer = Writer::new(columns, &self.plan.object, data, self.format);
        let every = self.rows.len().div_ceil(SAMPLED_ROWS).max(1);
        let mut sample = Vec::new();
        for row in self.rows.iter().step_by(every) {
            writer.row(row, &mut sample);
        }
        let bytes = sample.len().saturating_mul(every);
        u64::try_from(bytes.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// The locator of the page that begins at a row. It hides the row's number, as Salesforce's do
    /// (`MTAwMDA` is 10000 in Base64).
    #[must_use]
    pub fn locator(start: usize) -> String {
        STANDARD_NO_PAD.encode(start.to_string())
    }

    /// The row at which a locator's page begins; `None` for a text that is no locator of these results.
    #[must_use]
    pub fn start_of(&self, locator: &str) -> Option<usize> {
        let start: usize = String::from_utf8(STANDARD_NO_PAD.decode(locator).ok()?)
            .ok()?
            .parse()
            .ok()?;
        (Self::locator(start) == locator && start < self.rows.len()).then_some(start)
    }

    /// The page of at most `most` rows from a row on, and the locator of the one after it.
    #[must_use]
    pub fn page(self: &Arc<Self>, start: usize, most: usize) -> (Page, Option<String>) {
        let end = start.saturating_add(most).min(self.rows.len());
        let page = Page {
            results: Arc::clone(self),
            rows: start.min(end)..end,
            header_due: true,
        };
        (page, (end < self.rows.len()).then(|| Self::locator(end)))
    }
}

impl Page {
    /// How many rows the page has, its header not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether the page has nothing but its header.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The page with about half of its rows.
    #[must_use]
    pub fn first_half(mut self) -> Self {
        self.rows.end = self.rows.start + self.rows.len().div_ceil(2);
        self
    }

    /// The page without its header.
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.header_due = false;
        self
    }

    /// Writes the next piece of the page; `None` after the last. Every page begins with the header, unless that was
    /// left out.
    pub fn next_chunk(&mut self, data: &Data) -> Option<Bytes> {
        let results = Arc::clone(&self.results);
        let Output::Columns(columns) = &results.plan.output else {
            return None;
        };
        if self.rows.is_empty() && !self.header_due {
            return None;
        }
        let writer = Writer::new(columns, &results.plan.object, data, results.format);
        let mut chunk = Vec::with_capacity(CHUNK_ROOM);
        if std::mem::take(&mut self.header_due) {
            writer.header(&mut chunk);
        }
        while chunk.len() < CHUNK
            && let Some(row) = self.rows.next().and_then(|index| results.rows.get(index))
        {
            writer.row(row, &mut chunk);
        }
        Some(Bytes::from(chunk))
    }
}
