//! Merging: several records become one.
//!
//! Source: Salesforce SOAP API Developer Guide, `merge()`: up to three accounts, contacts or leads; the losers go
//! into the recycle bin with `MasterRecordId` naming the master, and their children go to the master without any
//! trigger. Message texts are believed.

use std::sync::Arc;

use super::audit::Touch;
use super::convert::refuse_converted;
use super::draft::{Draft, Fields};
use super::outcome::{Outcome, SaveError, Saved};
use super::row::Row;
use super::write::Transaction;
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

/// Besides the master.
const MOST_LOSERS: usize = 2;

impl Transaction<'_> {
    pub(super) fn merge(
        &mut self,
        object: &Arc<Object>,
        master: RecordId,
        losers: &[RecordId],
        draft: Draft,
    ) -> Outcome {
        if !object.mergeable {
            let message = format!("entity type cannot be merged: {}", object.label);
            return Err(SaveError::new("INVALID_TYPE_FOR_OPERATION", message).into());
        }
        let refused = |message| Err(SaveError::new("INVALID_ID_FIELD", message).into());
        if losers.is_empty() || losers.len() > MOST_LOSERS {
            return refused("A merge takes one or two records besides the master");
        }
        if losers.contains(&master) || matches!(losers, [first, second] if first == second) {
            return refused("A merge needs different records");
        }
        self.update(object, master, draft)?;
        for loser in losers {
            let row = self.live(object, *loser)?;
            refuse_converted(object, &row)?;
            for child in self.children(object, *loser) {
                let Ok(row) = self.live(&child.object, child.id) else {
                    continue;
                };
                // Nothing may stand above itself.
                let to = if child.id == master {
                    Value::Null
                } else {
                    Value::Id(master)
                };
                self.point(&child.object, &row, child.field, to)?;
            }
            // The loser itself may have been the child of another loser.
            let row = self.live(object, *loser)?;
            let plan = self.plan(object)?;
            let mut fields = Fields::from_row(&row);
            if let Some((at, _)) = object.field("MasterRecordId") {
                fields.set(at, Value::Id(master));
            }
            let stamp = self.stamp_of_changed(&plan, &row, Touch::Deleted);
            self.put(
                object,
                Arc::new(Row::new(*loser, true, fields.into_values(), stamp)),
            );
        }
        Ok(Saved {
            id: master,
            created: false,
        })
    }
}
