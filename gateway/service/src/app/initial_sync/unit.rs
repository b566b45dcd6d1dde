//! What the units of a part do within their transaction.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::runs::RunPart;
use causeway_core::ports::{StoreError, Transaction};
use serde_json::json;

use crate::app::apply::{Applied, News, Setting, apply};
use crate::app::initial_sync::lease::Pass;
use crate::app::reread::Readings;
use crate::app::users;

/// What every unit of a part needs. It owns all, since a unit may outlive the call that sent it.
#[derive(Debug, Clone)]
pub(super) struct UnitSetting {
    pub connection: ConnectionId,
    pub run: RunId,
    pub plan: Arc<MappingPlan>,
    pub pass: Pass,
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

/// What a batch's unit ended with.
#[derive(Debug)]
pub(super) enum Written {
    /// Durable, with the part as it stands now.
    Durable(RunPart),
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
        let applied = self.apply(tx, news)?;
        if !applied.read_again.is_empty() {
            return Ok(Written::ReadAgain(applied));
        }
        self.checkpoint(tx, counted(reached, &applied), page)
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
        applied.dropped += u64::try_from(readings.out_of_sight.len()).unwrap_or(u64::MAX);
        self.checkpoint(tx, counted(&counted(reached, before), &applied), page)
    }

    /// Writes how far the part is, and the log of the page that ends here.
    fn checkpoint(
        &self,
        tx: &mut dyn Transaction,
        part: RunPart,
        page: Option<&ReadPage>,
    ) -> Result<Written, StoreError> {
        tx.save_part(self.connection, self.run, &part)?;
        if let Some(page) = page {
            tx.append_logs(self.connection, &[self.page_entry(&part, page)])?;
        }
        Ok(Written::Durable(part))
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
        let owners = users::directory(&tx.partner_users(self.connection)?);
        let setting = Setting {
            connection: self.connection,
            plan: &self.plan,
            owners: &owners,
            at: self.at,
        };
        apply(tx, &setting, news)
    }

    fn page_entry(&self, part: &RunPart, page: &ReadPage) -> NewLogEntry {
        NewLogEntry {
            at: self.at,
            direction: LogDirection::Incoming,
            method: LogMethod::Get,
            status: 200,
            object: "*".to_owned(),
            salesforce_id: None,
            record: None,
            run: Some(self.run),
            data: json!({
                "partnerObject": self.plan.partner_object,
                "salesforceObject": self.plan.salesforce_object,
                "page": page.locator,
                "pageRows": page.rows,
                "rowsSoFar": part.rows,
                "outcomesSoFar": part.outcomes,
                "droppedSoFar": part.dropped,
            })
            .to_string(),
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
