//! A part that reads what changed, and what was deleted, since the watermark.
//!
//! SystemModstamp alone is no place to go on from: long transactions commit later than their stamps say, and
//! thousands of rows may share one. So reading starts an overlap before the watermark, pages go by (SystemModstamp,
//! Id), and what is read twice changes nothing.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::decide::ChangeSource;
use causeway_core::failure::Failure;
use causeway_core::id::{PlanRevision, SalesforceId};
use causeway_core::mapping::reading::Reader;
use causeway_core::ports::runs::{PartProgress, RunPart, Watermark};
use causeway_core::units::salesforce_news::News;
use chrono::TimeDelta;

use crate::app::reread::delete_fields;
use crate::app::sync::failing::Interrupt;
use crate::app::sync::part::{PartWork, restarted};
use crate::app::sync::unit::ReadPage;
use crate::failpoint;
use crate::salesforce::rest::{JsonRecord, Seen};
use crate::salesforce::soql::{self, ChangesFrom};

/// How far before the watermark reading starts: a transaction is stamped when it saves and seen when it commits,
/// minutes later where it is long (REST API Developer Guide, "Get Updated": `latestDateCovered`; how many minutes is
/// only believed). What comes later still the reconcile finds.
pub(super) const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// Rows of a page. One query answers with up to 2,000 (SOQL and SOSL Reference, "Query Options Header").
const PAGE: usize = 2_000;

/// Place of the last row that was applied.
type Place = Option<(Instant, SalesforceId)>;

impl PartWork<'_> {
    /// Takes the next watermark. A mapping that has none yet was never synced: its past is the initial sync's.
    pub(super) async fn begin_polls(&self, part: RunPart) -> Result<RunPart, Interrupt> {
        let clock = self.clock.get_or_try_init(|| self.salesforce.server_time());
        let until = *self.unless_stopped(clock).await??;
        if self.watermark(Watermark::Changes).await?.is_none() {
            return self.finish(part, until).await;
        }
        self.save(RunPart {
            progress: PartProgress::Polling {
                plan: self.plan.revision,
                until,
                after: None,
            },
            ..restarted(&part)
        })
        .await
    }

    /// Reads on from where the part stands.
    pub(super) async fn poll(&self, part: RunPart) -> Result<RunPart, Interrupt> {
        match part.progress.clone() {
            PartProgress::Polling { plan, until, after } => {
                self.still_in_force(plan)?;
                let part = self.changes(part, until, after).await?;
                self.save(RunPart {
                    progress: PartProgress::PollingDeletes {
                        plan,
                        until,
                        after: None,
                    },
                    ..part
                })
                .await
            }
            PartProgress::PollingDeletes { plan, until, after } => {
                self.still_in_force(plan)?;
                let part = self.deletes(part, until, after).await?;
                self.finish(part, until).await
            }
            _ => Ok(part),
        }
    }

    async fn changes(
        &self,
        mut part: RunPart,
        until: Instant,
        mut after: Place,
    ) -> Result<RunPart, Interrupt> {
        let from = self.from(Watermark::Changes, until).await?;
        let fields = self.plan.salesforce_fields();
        let object = &self.plan.salesforce_object;
        loop {
            let soql = soql::changes(object, &fields, place(from, after), None, PAGE);
            let (records, read_at) = self.page(soql, Seen::Live).await?;
            let news = self.news(&records, read_at)?;
            let progress = |after| PartProgress::Polling {
                plan: self.plan.revision,
                until,
                after,
            };
            (part, after) = self.apply_page(part, after, news, progress).await?;
            if records.len() < PAGE {
                return Ok(part);
            }
        }
    }

    async fn deletes(
        &self,
        mut part: RunPart,
        until: Instant,
        mut after: Place,
    ) -> Result<RunPart, Interrupt> {
        let from = self.from(Watermark::Deletes, until).await?;
        let fields = delete_fields(&self.plan);
        let object = &self.plan.salesforce_object;
        loop {
            let soql = soql::changes(
                object,
                &fields,
                place(from, after),
                Some("IsDeleted = true"),
                PAGE,
            );
            let (records, read_at) = self.page(soql, Seen::Deleted).await?;
            let news = self.news(&records, read_at)?;
            let progress = |after| PartProgress::PollingDeletes {
                plan: self.plan.revision,
                until,
                after,
            };
            (part, after) = self.apply_page(part, after, news, progress).await?;
            if records.len() < PAGE {
                return Ok(part);
            }
        }
    }

    /// Applies a page in batches, each with the checkpoint behind it.
    async fn apply_page(
        &self,
        mut part: RunPart,
        mut after: Place,
        news: Vec<News>,
        progress: impl Fn(Place) -> PartProgress,
    ) -> Result<(RunPart, Place), Interrupt> {
        let rows = u64::try_from(news.len()).unwrap_or(u64::MAX);
        let batch = self.app.options.batch_rows.max(1);
        let mut left = news;
        while !left.is_empty() {
            let rest = left.split_off(left.len().min(batch));
            after = left
                .last()
                .map(|last| (last.incoming.version().modstamp, last.incoming.salesforce_id()));
            let reached = RunPart {
                progress: progress(after),
                rows: part.rows + u64::try_from(left.len()).unwrap_or(u64::MAX),
                ..part
            };
            let page = rest.is_empty().then_some(ReadPage { locator: None, rows });
            part = self.write(left, reached, page).await?;
            failpoint::reached("sync.page_applied");
            left = rest;
        }
        Ok((part, after))
    }

    fn news(&self, records: &[JsonRecord], read_at: Instant) -> Result<Vec<News>, Failure> {
        let reader = Reader {
            plan: &self.plan,
            gateway_user: self.gateway_user,
        };
        let source = ChangeSource::Run { run: self.run };
        records
            .iter()
            .map(|record| {
                Ok(News {
                    incoming: reader.record(record, read_at)?,
                    source: source.clone(),
                })
            })
            .collect()
    }

    /// One page, and Salesforce's clock when it was read.
    async fn page(&self, soql: String, seen: Seen) -> Result<(Vec<JsonRecord>, Instant), Interrupt> {
        let mut pages = self.salesforce.query(soql, seen);
        let mut records = Vec::new();
        // Salesforce may give a page in several answers.
        while let Some(mut more) = self.unless_stopped(pages.next()).await?? {
            records.append(&mut more);
        }
        let read_at = pages.at.unwrap_or_else(|| self.app.clock.now());
        Ok((records, read_at))
    }

    async fn from(&self, of: Watermark, until: Instant) -> Result<Instant, Interrupt> {
        let known = match self.watermark(of).await? {
            Some(known) => known,
            None => self.watermark(Watermark::Changes).await?.unwrap_or(until),
        };
        Ok(known - OVERLAP)
    }

    async fn watermark(&self, of: Watermark) -> Result<Option<Instant>, Interrupt> {
        let (connection, mapping) = (self.connection, self.plan.mapping);
        let known = self
            .app
            .store
            .read(move |tx| tx.watermark(connection, mapping, of))
            .await?;
        Ok(known)
    }

    pub(super) fn still_in_force(&self, plan: PlanRevision) -> Result<(), Interrupt> {
        if plan == self.plan.revision {
            Ok(())
        } else {
            Err(Interrupt::OtherPlan(Arc::clone(&self.plan)))
        }
    }
}

fn place(from: Instant, after: Place) -> ChangesFrom {
    match after {
        None => ChangesFrom::Stamp(from),
        Some((stamp, id)) => ChangesFrom::Record(stamp, id),
    }
}
