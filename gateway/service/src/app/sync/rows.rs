//! From pieces of Bulk results to batches of news, each with the place in the results that it reaches.

use std::collections::VecDeque;

use bytes::Bytes;
use causeway_core::decide::{ChangeSource, Incoming};
use causeway_core::failure::Failure;
use causeway_core::units::salesforce_news::News;
use tokio::sync::mpsc;

use crate::app::sync::row_reader::{MissingColumn, RowReader, RowSetting};
use crate::salesforce::bulk::Piece;
use crate::salesforce::csv::{CsvError, CsvReader};

/// Bytes of cell text after which a batch is full, however few rows it has: wide rows would make the transaction,
/// and what is held in memory, large.
const BATCH_BYTES: usize = 1024 * 1024;

/// Rows that go into one transaction.
#[derive(Debug)]
pub(super) struct Batch {
    /// The rows.
    pub news: Vec<News>,
    /// Page that they are of; `None` for the first.
    pub locator: Option<String>,
    /// Rows of that page that are applied once this batch is.
    pub row: u64,
    /// Set on the last batch of a page, which may be empty.
    pub page_end: Option<PageEnd>,
}

/// The end of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PageEnd {
    /// Locator of the next page; `None` behind the last.
    pub next: Option<String>,
}

/// Why results cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    Failure(Failure),
    Columns(MissingColumn),
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Unread::Failure(failure)
    }
}

impl From<MissingColumn> for Unread {
    fn from(missing: MissingColumn) -> Self {
        Unread::Columns(missing)
    }
}

/// Turns pieces into batches until the last page ends, and sends them on.
///
/// `skip` rows of the first page were applied before. The channel to `batches` bounds what is read ahead. Ends
/// quietly when the receiver is gone.
pub(super) async fn read_batches(
    mut rows: Rows,
    mut pieces: mpsc::Receiver<Piece>,
    batches: mpsc::Sender<Batch>,
) -> Result<(), Unread> {
    while let Some(piece) = pieces.recv().await {
        let last = matches!(&piece, Piece::PageEnd { next: None });
        rows.take(piece)?;
        while let Some(batch) = rows.batch() {
            if batches.send(batch).await.is_err() {
                return Ok(());
            }
        }
        if last {
            return Ok(());
        }
    }
    Err(Unread::Failure(Failure::NoAnswer {
        message: "reading the results ended before their last page".to_owned(),
    }))
}

/// Rows of results, page by page. Free of input and output.
#[derive(Debug)]
pub(super) struct Rows {
    setting: RowSetting,
    source: ChangeSource,
    batch_rows: usize,
    csv: CsvReader,
    reader: Option<RowReader>,
    page: Page,
    ready: VecDeque<ReadRow>,
}

#[derive(Debug)]
struct ReadRow {
    incoming: Incoming,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Page {
    locator: Option<String>,
    /// Rows that Salesforce said the page has.
    expected: Option<u64>,
    /// Rows met since the page began, for the last time it began.
    met: u64,
    /// Rows given out, or applied before, counted from the page's first.
    given: u64,
    end: Option<PageEnd>,
}

impl Rows {
    /// Rows of a query job, of which `skip` of the first page read were applied before.
    pub(super) fn new(setting: RowSetting, source: ChangeSource, batch_rows: usize, skip: u64) -> Self {
        Rows {
            setting,
            source,
            batch_rows: batch_rows.max(1),
            csv: CsvReader::default(),
            reader: None,
            page: Page {
                given: skip,
                ..Page::default()
            },
            ready: VecDeque::new(),
        }
    }

    /// Takes a piece in.
    ///
    /// # Errors
    /// What ended the stream, or what makes the results no results of this plan.
    pub(super) fn take(&mut self, piece: Piece) -> Result<(), Unread> {
        match piece {
            Piece::Page { locator, rows } => {
                self.csv = CsvReader::default();
                self.reader = None;
                self.page.locator = locator;
                self.page.expected = rows;
                // A page that begins again: rows that wait here are kept, so they are skipped below.
                self.page.met = 0;
                Ok(())
            }
            Piece::Bytes(bytes) => self.bytes(&bytes),
            Piece::PageEnd { next } => self.page_end(next),
            Piece::Failed(failure) => Err(failure.into()),
        }
    }

    /// The next batch: a full one, or what is left of a page that ended.
    pub(super) fn batch(&mut self) -> Option<Batch> {
        let full = self.full();
        let count = full.unwrap_or(self.ready.len());
        let ends_page = self.page.end.is_some() && count == self.ready.len();
        if full.is_none() && !ends_page {
            return None;
        }
        let source = &self.source;
        let news: Vec<News> = self
            .ready
            .drain(..count)
            .map(|row| News {
                incoming: row.incoming,
                source: source.clone(),
            })
            .collect();
        self.page.given += u64::try_from(count).unwrap_or(u64::MAX);
        let batch = Batch {
            news,
            locator: self.page.locator.clone(),
            row: self.page.given,
            page_end: if ends_page { self.page.end.take() } else { None },
        };
        if ends_page {
            self.page = Page::default();
        }
        Some(batch)
    }

    /// How many of the rows that wait fill a batch; `None` while they do not.
    fn full(&self) -> Option<usize> {
        let mut bytes = 0;
        self.ready
            .iter()
            .take(self.batch_rows)
            .position(|row| {
                bytes += row.bytes;
                bytes >= BATCH_BYTES
            })
            .map(|last| last + 1)
            .or_else(|| (self.ready.len() >= self.batch_rows).then_some(self.batch_rows))
    }

    fn bytes(&mut self, bytes: &Bytes) -> Result<(), Unread> {
        let mut rest: &[u8] = bytes;
        while !rest.is_empty() {
            let step = self.csv.read(rest).map_err(no_csv)?;
            rest = rest.get(step.used..).unwrap_or_default();
            let Some(row) = step.row else {
                continue;
            };
            let Some(reader) = &self.reader else {
                self.reader = Some(RowReader::new(&self.setting, row)?);
                continue;
            };
            self.page.met += 1;
            if self.page.met > self.page.given + count(&self.ready) {
                self.ready.push_back(ReadRow {
                    incoming: reader.read(row)?,
                    bytes: row.bytes(),
                });
            }
        }
        Ok(())
    }

    fn page_end(&mut self, next: Option<String>) -> Result<(), Unread> {
        if let Some(row) = self.csv.finish().map_err(no_csv)? {
            if self.reader.is_some() {
                // Salesforce ends every row with its line end; a value without one may be half a value.
                return Err(Unread::Failure(Failure::Unreadable {
                    message: "expected the page's last row to end with its line end".to_owned(),
                }));
            }
            self.reader = Some(RowReader::new(&self.setting, row)?);
        }
        if let Some(expected) = self.page.expected
            && expected != self.page.met
        {
            return Err(Unread::Failure(Failure::Unreadable {
                message: format!(
                    "expected a page of {expected} rows, but it had {met}",
                    met = self.page.met
                ),
            }));
        }
        self.page.end = Some(PageEnd { next });
        Ok(())
    }
}

/// Rows that wait to be given out; all are of the present page.
fn count(ready: &VecDeque<ReadRow>) -> u64 {
    u64::try_from(ready.len()).unwrap_or(u64::MAX)
}

fn no_csv(error: CsvError) -> Failure {
    Failure::Unreadable {
        message: format!("expected CSV results, but met {error}"),
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::Instant;
    use causeway_core::id::{RunId, SalesforceId};
    use proptest::prelude::*;

    use super::*;
    use crate::app::sample::contact_plan;

    fn rows(batch_rows: usize, skip: u64) -> Rows {
        let setting = RowSetting {
            plan: contact_plan(&[]),
            gateway_user: None,
            observed: Instant::UNIX_EPOCH,
        };
        let source = ChangeSource::Run { run: RunId(1) };
        Rows::new(setting, source, batch_rows, skip)
    }

    fn csv(numbers: std::ops::Range<usize>) -> String {
        let mut text = "\"Id\",\"Name\",\"SystemModstamp\"\n".to_owned();
        for number in numbers {
            text.push_str(&format!(
                "\"003{number:012}\",\"N\n{number}\",\"2026-11-22T06:04:37.000Z\"\n"
            ));
        }
        text
    }

    fn page(locator: Option<&str>, count: usize) -> Piece {
        Piece::Page {
            locator: locator.map(str::to_owned),
            rows: Some(count as u64),
        }
    }

    fn end(next: Option<&str>) -> Piece {
        Piece::PageEnd {
            next: next.map(str::to_owned),
        }
    }

    fn drain(rows: &mut Rows, into: &mut Vec<Batch>) {
        while let Some(batch) = rows.batch() {
            into.push(batch);
        }
    }

    fn ids(batches: &[Batch]) -> Vec<String> {
        batches
            .iter()
            .flat_map(|batch| &batch.news)
            .map(|news| news.incoming.salesforce_id().to_string())
            .collect()
    }

    fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
        range
            .map(|number| {
                SalesforceId::parse(&format!("003{number:012}"))
                    .unwrap()
                    .to_string()
            })
            .collect()
    }

    proptest! {
        /// Wherever a page breaks off and begins again, and wherever the run itself stopped before, each row comes
        /// once, in order, and every checkpoint tells how many rows of the page are out.
        #[test]
        fn each_row_comes_once_however_often_its_page_breaks_off(
            count in 0usize..60,
            batch_rows in 1usize..20,
            skip in 0usize..60,
            breaks in prop::collection::vec(0usize..4_000, 0..4),
        ) {
            let skip = skip.min(count);
            let text = csv(0..count);
            let mut rows = rows(batch_rows, skip as u64);
            let mut batches = Vec::new();
            for at in breaks {
                rows.take(page(None, count)).unwrap();
                for chunk in text.as_bytes()[..at.min(text.len())].chunks(97) {
                    rows.take(Piece::Bytes(Bytes::copy_from_slice(chunk))).unwrap();
                    drain(&mut rows, &mut batches);
                }
            }
            rows.take(page(None, count)).unwrap();
            rows.take(Piece::Bytes(Bytes::copy_from_slice(text.as_bytes()))).unwrap();
            rows.take(end(Some("next"))).unwrap();
            drain(&mut rows, &mut batches);

            prop_assert_eq!(ids(&batches), numbers(skip..count));
            let mut reached = skip as u64;
            for batch in &batches {
                reached += batch.news.len() as u64;
                prop_assert_eq!(batch.row, reached);
                prop_assert!(batch.news.len() <= batch_rows);
            }
            let ends: Vec<bool> = batches.iter().map(|batch| batch.page_end.is_some()).collect();
            prop_assert_eq!(ends.iter().filter(|end| **end).count(), 1);
            prop_assert_eq!(ends.last(), Some(&true));
        }
    }

    #[test]
    fn pages_follow_each_other_and_only_the_last_has_no_next() {
        let mut rows = rows(2, 0);
        let mut batches = Vec::new();
        for (locator, range, next) in [(None, 0..3, Some("b")), (Some("b"), 3..4, None)] {
            rows.take(page(locator, range.len())).unwrap();
            rows.take(Piece::Bytes(Bytes::from(csv(range)))).unwrap();
            rows.take(end(next)).unwrap();
            drain(&mut rows, &mut batches);
        }
        let seen: Vec<String> = batches
            .iter()
            .map(|batch| {
                let page = batch.locator.as_deref().unwrap_or("first");
                let end = batch
                    .page_end
                    .as_ref()
                    .map(|end| end.next.as_deref().unwrap_or("last"));
                format!("{page} {} {}", batch.row, end.unwrap_or("-"))
            })
            .collect();
        assert_eq!(seen, ["first 2 -", "first 3 b", "b 1 last"]);
    }

    #[test]
    fn a_page_that_is_cut_short_is_no_page() {
        let mut rows = rows(10, 0);
        rows.take(page(None, 3)).unwrap();
        rows.take(Piece::Bytes(Bytes::from(csv(0..2)))).unwrap();
        assert!(matches!(
            rows.take(end(None)),
            Err(Unread::Failure(Failure::Unreadable { .. }))
        ));
    }

    #[test]
    fn a_last_row_without_its_line_end_may_be_half_a_row() {
        let whole = csv(0..2);
        // Cut within the last value: CSV and the number of rows are good, the stamp is not what was sent.
        let cut = whole.trim_end_matches("Z\"\n").to_owned() + "\"";
        for text in [cut.as_str(), whole.trim_end_matches('\n')] {
            let mut rows = rows(10, 0);
            rows.take(page(None, 2)).unwrap();
            rows.take(Piece::Bytes(Bytes::copy_from_slice(text.as_bytes())))
                .unwrap();
            assert!(
                matches!(
                    rows.take(end(None)),
                    Err(Unread::Failure(Failure::Unreadable { .. }))
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn rows_with_more_or_fewer_values_than_the_header_are_refused() {
        for row in [
            "003000000000001,2026-11-22T06:04:37.000Z",
            "003000000000001,2026-11-22T06:04:37.000Z,N,x",
        ] {
            let mut rows = rows(10, 0);
            rows.take(page(None, 1)).unwrap();
            let text = format!("Id,SystemModstamp,Name\n{row}\n");
            let taken = rows.take(Piece::Bytes(Bytes::from(text)));
            assert!(
                matches!(taken, Err(Unread::Failure(Failure::Unreadable { .. }))),
                "{row}"
            );
        }
    }

    #[test]
    fn wide_rows_fill_a_batch_by_their_bytes() {
        let name = "x".repeat(300_000);
        let mut rows = rows(500, 0);
        rows.take(page(None, 10)).unwrap();
        let mut text = "Id,Name,SystemModstamp\n".to_owned();
        for number in 0..10 {
            text.push_str(&format!("003{number:012},{name},2026-11-22T06:04:37.000Z\n"));
        }
        rows.take(Piece::Bytes(Bytes::from(text))).unwrap();
        rows.take(end(None)).unwrap();
        let mut batches = Vec::new();
        drain(&mut rows, &mut batches);
        let sizes: Vec<usize> = batches.iter().map(|batch| batch.news.len()).collect();
        assert_eq!(sizes, [4, 4, 2]);
        assert_eq!(ids(&batches), numbers(0..10));
        assert_eq!(
            batches.iter().map(|batch| batch.row).collect::<Vec<_>>(),
            [4, 8, 10]
        );
    }

    #[test]
    fn results_without_a_column_or_an_id_are_refused() {
        for text in ["Id,Name\n", "Name,SystemModstamp\n", "<html>\n"] {
            let mut rows = rows(10, 0);
            rows.take(page(None, 0)).unwrap();
            let taken = rows.take(Piece::Bytes(Bytes::from(text)));
            assert!(matches!(taken, Err(Unread::Columns(_))), "{text}");
        }
        let mut rows = rows(10, 0);
        rows.take(page(None, 1)).unwrap();
        let taken = rows.take(Piece::Bytes(Bytes::from("Id,Name,SystemModstamp\nx,y,z\n")));
        assert!(matches!(taken, Err(Unread::Failure(Failure::Unreadable { .. }))));
    }

    #[tokio::test]
    async fn a_stream_that_ends_early_says_so() {
        let (pieces, receiver) = mpsc::channel(4);
        let (batches, _kept) = mpsc::channel(4);
        pieces.send(page(None, 0)).await.unwrap();
        drop(pieces);
        let ended = read_batches(rows(10, 0), receiver, batches).await;
        assert!(matches!(ended, Err(Unread::Failure(Failure::NoAnswer { .. }))));
    }
}
