//! What the units of a part do within their transaction.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::activity::Hour;
use causeway_core::decide::write::{Prepared, prepare};
use causeway_core::decide::{ChangeSource, HeldReason, Known, Outcome, Target};
use causeway_core::id::{ConnectionId, RunId, SalesforceId};
use causeway_core::mapping::{MappingPlan, Scope};
use causeway_core::ports::links::{Caused, Write};
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::marks::MarkLink;
use causeway_core::ports::runs::{Pace, RunKind, RunPart, Watermark};
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_core::units::inbox::Readings;
use causeway_core::units::salesforce_news::{Applied, News, apply};
use causeway_core::units::{Setting, directory};
use serde_json::{Value, json};

use crate::app::sync::lease::Pass;
use crate::app::sync::marking::late;
use crate::app::sync::polling::OVERLAP;

/// What every unit of a part needs. It owns all, since a unit may outlive the call that sent it.
#[derive(Debug, Clone)]
pub(super) struct UnitSetting {
    pub connection: ConnectionId,
    pub run: RunId,
    pub kind: RunKind,
    pub plan: Arc<MappingPlan>,
    pub pass: Pass,
    /// Rows in a second, of late.
    pub per_second: u64,
    pub at: Instant,
}

/// A page whose last row is in a batch.
#[derive(Debug, Clone)]
pub(super) struct ReadPage {
    /// Its locator; `None` for the first.
    pub locator: Option<String>,
    /// Rows that it has.
    pub rows: u64,
}

/// What comes after a batch.
#[derive(Debug, Default)]
pub(super) struct Then {
    /// Something may have to be written to Salesforce.
    pub outgoing: bool,
    /// Records to mark, whose turn was before.
    pub late: Vec<MarkLink>,
}

/// What a batch's unit ended with.
#[derive(Debug)]
pub(super) enum Written {
    /// Durable, with the part as it stands now, and what comes after it.
    Durable(RunPart, Then),
    /// Some records must be read again first; nothing but the rest of the batch is written, and no checkpoint.
    ReadAgain(Applied),
    /// The mapping has this newer plan; nothing is written.
    OtherPlan(Arc<MappingPlan>),
    LeaseLost,
}

impl UnitSetting {
    /// Applies a batch and writes the checkpoint behind it.
    pub(super) fn batch(
        &self,
        tx: &mut dyn Transaction,
        news: &[News],
        reached: &RunPart,
        page: Option<&ReadPage>,
    ) -> Result<Written, StoreError> {
        if let Some(barred) = self.barred(tx)? {
            return Ok(barred);
        }
        if self.kind == RunKind::Reconcile {
            let ids: Vec<SalesforceId> = news.iter().map(|one| one.incoming.salesforce_id()).collect();
            tx.note_seen(self.connection, self.run, self.plan.mapping, &ids)?;
        }
        let applied = if self.kind == RunKind::Reconcile && self.plan.scope == Scope::FutureOnly {
            self.apply_known_or_new(tx, news)?
        } else {
            self.apply(tx, news)?
        };
        if !applied.read_again.is_empty() {
            return Ok(Written::ReadAgain(applied));
        }
        let crossed = Hour::of_news(&applied.outcomes);
        let then = Then {
            outgoing: applied.outgoing,
            late: late(tx, self.connection, &self.plan, news)?,
        };
        self.checkpoint(tx, counted(reached, &applied), page, &crossed, then)
    }

    /// Applies fresh readings and writes the checkpoint of the batch that needed them.
    pub(super) fn readings(
        &self,
        tx: &mut dyn Transaction,
        readings: &Readings,
        before: &Applied,
        reached: &RunPart,
        page: Option<&ReadPage>,
    ) -> Result<Written, StoreError> {
        if let Some(barred) = self.barred(tx)? {
            return Ok(barred);
        }
        let mut applied = self.apply(tx, &readings.news)?;
        if !applied.read_again.is_empty() {
            return Ok(Written::ReadAgain(applied));
        }
        let held = match self.kind {
            RunKind::Reconcile => self.hold_out_of_sight(tx, &readings.out_of_sight)?,
            RunKind::Initial | RunKind::Instant => 0,
        };
        if held > 0 {
            *applied.outcomes.entry(Outcome::Held).or_default() += held;
        }
        applied.dropped += u64::try_from(readings.out_of_sight.len())
            .unwrap_or(u64::MAX)
            .saturating_sub(held);
        let then = Then {
            outgoing: applied.outgoing || before.outgoing,
            late: late(tx, self.connection, &self.plan, &readings.news)?,
        };
        let mut crossed = Hour::of_news(&before.outcomes);
        crossed.add(&Hour::of_news(&applied.outcomes));
        self.checkpoint(
            tx,
            counted(&counted(reached, before), &applied),
            page,
            &crossed,
            then,
        )
    }

    /// Says in the log how many records either side has, as a reconcile found it.
    pub(super) fn counts(&self, tx: &mut dyn Transaction, part: &RunPart) -> Result<(), StoreError> {
        let links = tx.link_counts(self.connection, self.plan.mapping)?;
        let seen = tx.seen_count(self.connection, self.run, self.plan.mapping)?;
        let entry = self.run_entry(json!({
            "partnerObject": self.plan.partner_object,
            "salesforceObject": self.plan.salesforce_object,
            "inSalesforce": seen,
            "lookedUp": part.rows.saturating_sub(seen),
            "links": links,
            "outcomes": part.outcomes,
            "dropped": part.dropped,
        }));
        tx.append_logs(self.connection, &[entry])
    }

    /// Writes how far the part is, and the log of the page that ends here.
    fn checkpoint(
        &self,
        tx: &mut dyn Transaction,
        part: RunPart,
        page: Option<&ReadPage>,
        crossed: &Hour,
        then: Then,
    ) -> Result<Written, StoreError> {
        tx.save_part(self.connection, self.run, &part)?;
        if self.per_second > 0 {
            let pace = Pace {
                per_second: self.per_second,
                at: self.at,
            };
            tx.set_run_pace(self.connection, self.run, pace)?;
        }
        if !crossed.is_empty() {
            tx.note_activity(self.connection, self.at, crossed)?;
        }
        if let Some(page) = page {
            tx.append_logs(self.connection, &[self.page_entry(&part, page)])?;
        }
        Ok(Written::Durable(part, then))
    }

    /// What forbids to write: somebody else works on the run, or a newer plan is in force.
    fn barred(&self, tx: &mut dyn Transaction) -> Result<Option<Written>, StoreError> {
        if !self.pass.check(tx, self.at)? {
            return Ok(Some(Written::LeaseLost));
        }
        let newer = tx
            .plans(self.connection)?
            .into_iter()
            .find(|plan| plan.mapping == self.plan.mapping && plan.revision != self.plan.revision);
        Ok(newer.map(Written::OtherPlan))
    }

    fn apply(&self, tx: &mut dyn Transaction, news: &[News]) -> Result<Applied, StoreError> {
        let owners = directory(&tx.partner_users(self.connection)?);
        let setting = Setting {
            connection: self.connection,
            plan: &self.plan,
            owners: &owners,
            at: self.at,
            lane: Lane::Bulk,
        };
        apply(tx, &setting, news)
    }

    /// Holds links whose records Salesforce neither shows nor remembers, for a person to say whether they were erased
    /// or only hidden. Answers how many were not held before.
    fn hold_out_of_sight(&self, tx: &mut dyn Transaction, ids: &[SalesforceId]) -> Result<u64, StoreError> {
        if ids.is_empty() {
            return Ok(0);
        }
        let owners = directory(&tx.partner_users(self.connection)?);
        let linked = tx.linked(self.connection, self.plan.mapping, ids)?;
        let mut caused = Vec::new();
        for id in ids {
            let Some(found) = linked.get(id) else { continue };
            let known = Known {
                connection: self.connection,
                plan: &self.plan,
                owners: &owners,
                link: Some(&found.link),
                record: found.record.as_ref(),
                holder: None,
            };
            if let Prepared::Effects(effects) = prepare(known, None, &Target::OutOfSight, self.at, self.at) {
                caused.push(Caused {
                    effects: *effects,
                    source: ChangeSource::Run { run: self.run },
                    saved_by: None,
                });
            }
        }
        let written = tx.apply(&Write {
            connection: self.connection,
            mapping: self.plan.mapping,
            partner_object: &self.plan.partner_object,
            at: self.at,
            lane: Lane::Bulk,
            effects: &caused,
        })?;
        let entries: Vec<NewLogEntry> = caused
            .iter()
            .zip(&written)
            .map(|(caused, written)| NewLogEntry {
                method: LogMethod::Get,
                status: 404,
                object: self.plan.partner_object.clone(),
                salesforce_id: caused.effects.link.salesforce_id,
                record: written.record,
                cause: HeldReason::OutOfSight.summary(),
                ..self.run_entry(json!({}))
            })
            .collect();
        if !entries.is_empty() {
            tx.append_logs(self.connection, &entries)?;
        }
        Ok(u64::try_from(entries.len()).unwrap_or(u64::MAX))
    }

    /// Where history stays behind, only records that are linked and those that changed since the mapping's
    /// watermark are anybody's business. The others count as dropped.
    fn apply_known_or_new(&self, tx: &mut dyn Transaction, news: &[News]) -> Result<Applied, StoreError> {
        let ids: Vec<SalesforceId> = news.iter().map(|one| one.incoming.salesforce_id()).collect();
        let linked = tx.linked(self.connection, self.plan.mapping, &ids)?;
        let watermark = tx.watermark(self.connection, self.plan.mapping, Watermark::Changes)?;
        let concerns = |one: &&News| {
            linked.contains_key(&one.incoming.salesforce_id())
                || watermark.is_some_and(|watermark| one.incoming.version().modstamp >= watermark - OVERLAP)
        };
        let kept: Vec<News> = news.iter().filter(concerns).cloned().collect();
        let mut applied = self.apply(tx, &kept)?;
        applied.dropped += u64::try_from(news.len() - kept.len()).unwrap_or(u64::MAX);
        Ok(applied)
    }

    fn page_entry(&self, part: &RunPart, page: &ReadPage) -> NewLogEntry {
        self.run_entry(json!({
            "partnerObject": self.plan.partner_object,
            "salesforceObject": self.plan.salesforce_object,
            "page": page.locator,
            "pageRows": page.rows,
            "rowsSoFar": part.rows,
            "outcomesSoFar": part.outcomes,
            "droppedSoFar": part.dropped,
        }))
    }

    fn run_entry(&self, data: Value) -> NewLogEntry {
        NewLogEntry {
            at: self.at,
            direction: LogDirection::Incoming,
            method: LogMethod::Get,
            status: 200,
            object: "*".to_owned(),
            salesforce_id: None,
            record: None,
            run: Some(self.run),
            data: data.to_string(),
            cause: String::new(),
        }
    }
}

fn counted(part: &RunPart, applied: &Applied) -> RunPart {
    let mut part = part.clone();
    for (outcome, count) in &applied.outcomes {
        *part.outcomes.entry(*outcome).or_default() += count;
    }
    part.dropped += applied.dropped;
    part
}
