//! How requests and jobs write: with row locks before, and the organisation's later updates after.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::apex::{AfterCommit, Written};
use crate::automation::Rule;
use crate::catch_up::Due;
use crate::data::{Author, Operation, Outcome, SaveError, Saved, Transaction, locked_by};
use crate::dice::Dice;
use crate::id::RecordId;
use crate::org::Org;
use crate::row_locks::Claim;
use crate::soql::passes;
use crate::unit_of_work::UnitOfWork;
use crate::value::Value;

/// Rows that one request is told are locked, whoever holds them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UnluckyRows {
    /// Decides which.
    pub seed: u64,
}

/// The stream of dice that decides about unlucky rows.
const UNLUCKY_ROWS: u64 = 2;

impl UnluckyRows {
    /// About every third row, the first always.
    pub(crate) fn hit(self, row: usize) -> bool {
        let row = u64::try_from(row).unwrap_or(u64::MAX);
        row == 0 || Dice::new(self.seed, UNLUCKY_ROWS, row).chance(33)
    }
}

impl Org {
    /// Writes several records in one transaction, as REST and Bulk requests do, or as a part of a unit of work.
    pub(crate) async fn save_rows(
        &self,
        author: Author,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        unlucky: Option<UnluckyRows>,
        unit: Option<&UnitOfWork>,
    ) -> Vec<Outcome> {
        if let Some(unit) = unit {
            return unit.save(author, operations, all_or_none, unlucky);
        }
        let mut claim = self.row_locks.claim();
        let outcomes = self.save_locked(author, operations, all_or_none, unlucky, &mut claim);
        let hold = self.row_locks.holding_time();
        if !hold.is_zero() {
            tokio::time::sleep(hold).await;
        }
        drop(claim);
        outcomes
    }

    /// Writes several records; their locks stay with `claim`.
    pub(crate) fn save_locked(
        &self,
        author: Author,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        unlucky: Option<UnluckyRows>,
        claim: &mut Claim,
    ) -> Vec<Outcome> {
        let written = self.write_locked(author, operations, all_or_none, unlucky, claim);
        let saved = written
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.as_ref().ok());
        self.saved(author, saved);
        self.after_commit(written.after);
        written.outcomes
    }

    /// Writes several records without setting the later updates in motion.
    pub(crate) fn write_locked(
        &self,
        author: Author,
        operations: Vec<Result<Operation, SaveError>>,
        all_or_none: bool,
        unlucky: Option<UnluckyRows>,
        claim: &mut Claim,
    ) -> Written {
        let schema = self.schema();
        let mut data = self.write();
        let mut operations = operations;
        let publishes = Self::publishes(&mut operations);
        let operations = operations
            .into_iter()
            .enumerate()
            .map(|(row, operation)| {
                let operation = operation?;
                let is_unlucky = unlucky.is_some_and(|unlucky| unlucky.hit(row));
                claim.take(locked_by(&data, &operation), is_unlucky)?;
                Ok(operation)
            })
            .collect::<Vec<_>>();
        if let Some(installed) = self.triggered(&operations) {
            return self.write_triggering(&installed, &mut data, author, operations, all_or_none, claim);
        }
        let access = self.access.of(author.user, &data, &schema);
        let mut transaction = Transaction::begin(&mut data, &schema, author)
            .with_rules(&self.automation)
            .with_access(Some(access));
        let outcomes = transaction.save_all(operations, all_or_none);
        let mut after = AfterCommit::default();
        if publishes {
            self.publish_saved(&mut transaction, author, &outcomes, &mut after);
        }
        Written {
            outcomes,
            undo: transaction.into_undo_log(),
            after,
        }
    }

    /// Whether one of the records that operations name was written at or after a moment.
    pub(crate) fn touched_since(
        &self,
        operations: &[Result<Operation, SaveError>],
        moment: DateTime<Utc>,
    ) -> bool {
        let schema = self.schema();
        let data = self.read();
        let written_since = |id: RecordId| {
            let object = schema.object_by_prefix(id.prefix())?;
            let (position, _) = object.field("SystemModstamp")?;
            match data.table(&object.name)?.get(&id)?.get(position) {
                Value::DateTime(stamp) => Some(stamp.timestamp() >= moment.timestamp()),
                _ => None,
            }
        };
        operations
            .iter()
            .flatten()
            .flat_map(|operation| locked_by(&data, operation))
            .any(|id| written_since(id).unwrap_or(false))
    }

    /// Sets the organisation's later updates in motion for records that were written.
    pub(crate) fn saved<'s>(&self, author: Author, saved: impl Iterator<Item = &'s Saved>) {
        let rules = self.automation.rules();
        if rules.is_empty() {
            return;
        }
        let schema = self.schema();
        let data = self.read();
        for record in saved {
            let Some(object) = schema.object_by_prefix(record.id.prefix()) else {
                continue;
            };
            let row = data.table(&object.name).and_then(|table| table.get(&record.id));
            let Some(row) = row.filter(|row| !row.is_deleted()) else {
                continue;
            };
            for rule in rules.of(object) {
                let Rule::AfterSave(later) = rule else { continue };
                let applies = |when| passes(when, row, &data);
                if later.update.when.as_ref().is_none_or(applies) {
                    let update = Due::Update {
                        update: Arc::clone(later),
                        object: Arc::clone(object),
                        id: record.id,
                    };
                    self.agenda.add(author.now + later.after, update);
                }
            }
        }
    }
}
