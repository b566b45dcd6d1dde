//! Deleting: a record goes into the recycle bin, and takes with it what its relationships cascade to.

use std::sync::Arc;

use super::audit::Touch;
use super::author::Authority;
use super::draft::Fields;
use super::outcome::{Outcome, SaveError, Saved};
use super::recycle::SweptAlong;
use super::row::Row;
use super::write::Transaction;
use crate::id::RecordId;
use crate::schema::Object;
use crate::value::Value;

impl Transaction<'_> {
    pub(super) fn delete(&mut self, object: &Arc<Object>, id: RecordId) -> Outcome {
        self.live(object, id)?;
        if !object.deletable && self.author.authority < Authority::Platform {
            let message = format!("entity type cannot be deleted: {}", object.label);
            return Err(SaveError::new("INSUFFICIENT_ACCESS_OR_READONLY", message).into());
        }
        // Children may themselves be parents; a list instead of recursion bounds the stack.
        let object = &self.document_of_note(object)?;
        let mut doomed = vec![(Arc::clone(object), id)];
        let root = (object.name.clone(), id);
        let mut swept = Vec::new();
        while let Some((object, id)) = doomed.pop() {
            // Two paths may lead to one child.
            let Ok(row) = self.live(&object, id) else { continue };
            self.refuse_if_restricted(&object, &row)?;
            let plan = self.plan(&object)?;
            let stamp = self.stamp_of_changed(&plan, &row, Touch::Deleted);
            let fields = Fields::from_row(&row).into_values();
            self.put(&object, Arc::new(Row::new(id, true, fields, stamp)));
            if (&object.name, id) != (&root.0, root.1) {
                swept.push(SweptAlong::Deleted(Arc::clone(&object), id));
            }
            if object.name == "ContentDocument"
                && let Ok(note) = self.content_object("ContentNote")
            {
                doomed.push((note, id));
            }
            for child in self.children(&object, id) {
                match child.fate {
                    Fate::Deleted => doomed.push((child.object, child.id)),
                    Fate::Cleared => {
                        let row = self.live(&child.object, child.id)?;
                        self.point(&child.object, &row, child.field, Value::Null)?;
                        swept.push(SweptAlong::Cleared {
                            object: child.object,
                            id: child.id,
                            field: child.field,
                            parent: id,
                        });
                    }
                    Fate::Forbids => {}
                }
            }
        }
        self.data.swept_along.insert(root.1, swept);
        Ok(Saved { id, created: false })
    }

    /// Deleting a note deletes its document.
    pub(super) fn document_of_note(&self, object: &Arc<Object>) -> Result<Arc<Object>, SaveError> {
        if object.name == "ContentNote" {
            self.content_object("ContentDocument")
        } else {
            Ok(Arc::clone(object))
        }
    }

    pub(super) fn children(&self, parent: &Object, id: RecordId) -> Vec<Child> {
        let mut children = Vec::new();
        for table in self.data.tables() {
            for (position, field) in table.object.fields.iter().enumerate() {
                if !field
                    .reference_to
                    .iter()
                    .any(|target| target.eq_ignore_ascii_case(&parent.name))
                {
                    continue;
                }
                let Some(ids) = table.find_by_reference(position, id) else {
                    continue;
                };
                let relationship = parent.child_relationships.iter().find(|child| {
                    child.child_sobject.eq_ignore_ascii_case(&table.object.name)
                        && child.field.eq_ignore_ascii_case(&field.name)
                });
                let fate = match relationship {
                    Some(child) if child.restricted_delete => Fate::Forbids,
                    Some(child) if child.cascade_delete => Fate::Deleted,
                    _ if field.cascade_delete => Fate::Deleted,
                    _ => Fate::Cleared,
                };
                children.extend(ids.map(|id| Child {
                    object: Arc::clone(&table.object),
                    id,
                    field: position,
                    fate,
                }));
            }
        }
        children
    }

    fn refuse_if_restricted(&self, object: &Object, row: &Row) -> Result<(), SaveError> {
        let forbidding: Vec<Child> = self
            .children(object, row.id())
            .into_iter()
            .filter(|child| child.fate == Fate::Forbids)
            .collect();
        let Some(first) = forbidding.first() else {
            return Ok(());
        };
        let name = match object.name_field().map(|(position, _)| row.get(position)) {
            Some(Value::Text(name)) => name.to_string(),
            _ => row.id().to_string(),
        };
        let ids: Vec<_> = forbidding.iter().map(|child| child.id.as_str15()).collect();
        let message = format!(
            "Your attempt to delete {name} could not be completed because it is associated with the following {}.: {}",
            first.object.label_plural,
            ids.join(", ")
        );
        Err(SaveError::new("DELETE_FAILED", message))
    }
}

/// A live record that refers to another.
pub(super) struct Child {
    pub object: Arc<Object>,
    pub id: RecordId,
    /// The position of its reference field.
    pub field: usize,
    pub fate: Fate,
}

/// What becomes of a child when its parent is deleted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Deleted,
    Cleared,
    Forbids,
}
