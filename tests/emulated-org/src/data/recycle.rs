//! The recycle bin from inside: what comes back out of it, and what leaves it for good.
//!
//! Source: Salesforce SOAP API Developer Guide, `undelete()` and `emptyRecycleBin()`: undeleting a record brings
//! back the children that were deleted with it and the look-ups that its deletion cleared, unless somebody has
//! filled them since. Message texts are believed.

use std::sync::Arc;

use super::audit::Touch;
use super::draft::Fields;
use super::outcome::{Outcome, SaveError, Saved};
use super::references;
use super::row::Row;
use super::rules::duplicate;
use super::write::Transaction;
use crate::id::RecordId;
use crate::schema::{FieldType, Object};
use crate::value::Value;

/// What a deletion did besides deleting the record that was named.
#[derive(Clone, Debug)]
pub(super) enum SweptAlong {
    /// This record was deleted with it.
    Deleted(Arc<Object>, RecordId),
    /// This record's look-up to a deleted one was cleared.
    Cleared {
        object: Arc<Object>,
        id: RecordId,
        field: usize,
        parent: RecordId,
    },
}

impl Transaction<'_> {
    pub(super) fn undelete(&mut self, object: &Arc<Object>, id: RecordId) -> Outcome {
        if !object.undeletable {
            let message = format!("entity type cannot be undeleted: {}", object.label);
            return Err(SaveError::new("INSUFFICIENT_ACCESS_OR_READONLY", message).into());
        }
        let object = &self.document_of_note(object)?;
        self.restore(object, id)?;
        for swept in self.data.swept_along.remove(&id).unwrap_or_default() {
            match swept {
                // A child that has left the bin since, or whose key was given away, does not hold up the parent.
                SweptAlong::Deleted(object, id) => drop(self.restore(&object, id)),
                SweptAlong::Cleared {
                    object,
                    id,
                    field,
                    parent,
                } => self.refill(&object, id, field, parent)?,
            }
        }
        Ok(Saved { id, created: false })
    }

    pub(super) fn hard_delete(&mut self, object: &Arc<Object>, id: RecordId) -> Outcome {
        let object = &self.document_of_note(object)?;
        let stored = self.data.table(&object.name).and_then(|table| table.get(&id));
        let is_live = !stored.ok_or_else(SaveError::unknown_record)?.is_deleted();
        if is_live {
            self.delete(object, id)?;
        }
        for swept in self.data.swept_along.remove(&id).unwrap_or_default() {
            if let SweptAlong::Deleted(object, id) = swept
                && self.in_bin(&object, id).is_some()
            {
                self.remove(&object, id);
            }
        }
        self.remove(object, id);
        Ok(Saved { id, created: false })
    }

    fn in_bin(&self, object: &Object, id: RecordId) -> Option<Arc<Row>> {
        let row = self.data.table(&object.name)?.shared(&id)?;
        row.is_deleted().then(|| Arc::clone(row))
    }

    fn restore(&mut self, object: &Arc<Object>, id: RecordId) -> Result<(), SaveError> {
        let row = self
            .in_bin(object, id)
            .ok_or_else(|| SaveError::new("UNDELETE_FAILED", "Entity is not in the recycle bin"))?;
        let plan = self.plan(object)?;
        let mut fields = Fields::from_row(&row);
        if let Some((master, _)) = object.field("MasterRecordId") {
            fields.set(master, Value::Null);
        }
        for (position, field) in object.fields.iter().enumerate() {
            if let (FieldType::Reference, Value::Id(parent)) = (field.kind, fields.get(position))
                && references::is_deleted(self, *parent)
            {
                if field.cascade_delete {
                    let message = format!("{}: the parent record is deleted", field.label);
                    return Err(SaveError::of_field("UNDELETE_FAILED", &field.name, message));
                }
                fields.set(position, Value::Null);
            }
        }
        let table = self.data.table(&object.name);
        let names_record = !self.data.switches.duplicate_values_without_record;
        let taken = table.and_then(|table| duplicate(table, &plan, &fields, Some(&row), names_record));
        if let Some(taken) = taken {
            return Err(taken);
        }
        let stamp = self.stamp_of_changed(&plan, &row, Touch::Restored);
        self.put(object, Arc::new(Row::new(id, false, fields.into_values(), stamp)));
        Ok(())
    }

    fn refill(
        &mut self,
        object: &Arc<Object>,
        id: RecordId,
        field: usize,
        parent: RecordId,
    ) -> Result<(), SaveError> {
        let Ok(row) = self.live(object, id) else {
            return Ok(());
        };
        if !row.get(field).is_null() || references::is_deleted(self, parent) {
            return Ok(());
        }
        self.point(object, &row, field, Value::Id(parent))
    }

    /// Lets a reference point somewhere else without anybody having edited the record.
    pub(super) fn point(
        &mut self,
        object: &Arc<Object>,
        row: &Row,
        field: usize,
        to: Value,
    ) -> Result<(), SaveError> {
        let plan = self.plan(object)?;
        let mut fields = Fields::from_row(row);
        fields.set(field, to);
        references::follow_activity(self.data, self.schema, object, &mut fields);
        // Whether Salesforce moves LastModifiedDate here is not documented; SystemModstamp moves (believed).
        let stamp = self.stamp_of_changed(&plan, row, Touch::System);
        self.put(
            object,
            Arc::new(Row::new(row.id(), false, fields.into_values(), stamp)),
        );
        Ok(())
    }
}
