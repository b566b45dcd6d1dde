//! Where the records of a round stand in the feed.

use std::collections::HashMap;

use crate::id::{Position, RecordId};
use crate::ports::{StoreError, Transaction};
use crate::units::Setting;

/// Positions that were asked for.
#[derive(Default)]
pub(super) struct Positions(HashMap<RecordId, Position>);

impl Positions {
    /// Reads those that are not known yet, all at once.
    pub(super) fn read(
        &mut self,
        tx: &mut dyn Transaction,
        setting: &Setting<'_>,
        records: impl Iterator<Item = RecordId>,
    ) -> Result<(), StoreError> {
        let unknown: Vec<RecordId> = records.filter(|record| !self.0.contains_key(record)).collect();
        if !unknown.is_empty() {
            self.0.extend(tx.positions(setting.connection, &unknown)?);
        }
        Ok(())
    }

    /// Where a record stands.
    pub(super) fn of(&self, record: RecordId) -> Option<Position> {
        self.0.get(&record).copied()
    }
}
