//! What transactions wrote, kept so that it can be taken back after they ended.

use std::sync::Arc;

use super::Data;
use super::row::Row;
use crate::id::RecordId;
use crate::schema::Object;

/// One row as it was before it was written.
#[derive(Debug)]
pub(super) struct Undo {
    pub object: Arc<Object>,
    pub id: RecordId,
    /// `None` for a row that is new.
    pub before: Option<Arc<Row>>,
}

/// All that one transaction wrote, in order.
#[derive(Debug, Default)]
pub(crate) struct UndoLog(Vec<Undo>);

impl UndoLog {
    pub(super) fn of(undo: Vec<Undo>) -> Self {
        Self(undo)
    }

    pub(super) fn into_inner(self) -> Vec<Undo> {
        self.0
    }

    /// How many rows were written.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Data {
    /// Takes back what a transaction wrote. Whoever wrote the same rows since must be taken back before.
    pub(crate) fn take_back(&mut self, log: UndoLog) {
        for undo in log.0.into_iter().rev() {
            self.undo(undo);
        }
    }

    pub(super) fn undo(&mut self, undo: Undo) {
        let give_back = self.switches.rolled_back_numbers_are_used_again;
        let Some(table) = self.table_mut(&undo.object.name) else {
            return;
        };
        match undo.before {
            Some(row) => {
                table.put(row);
            }
            None => {
                let row = table.remove(undo.id);
                if give_back && let Some(row) = row {
                    table.give_back_auto_numbers(&row);
                }
            }
        }
    }
}
