//! All records of one object, with their indexes.

mod columns;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::auto_number::formatted;
use super::index::{KeyIndex, ReferenceIndex, StampIndex, key_of};
use super::plan::Plan;
use super::row::Row;
use crate::id::RecordId;
use crate::schema::{FieldType, Object, Schema};
use crate::value::Value;

/// The records of one object, in order of their ids.
#[derive(Clone, Debug)]
pub struct Table {
    /// The object whose records these are.
    pub object: Arc<Object>,
    rows: Vec<Arc<Row>>,
    plan: Arc<Plan>,
    keys: BTreeMap<usize, KeyIndex>,
    references: BTreeMap<usize, ReferenceIndex>,
    stamps: StampIndex,
    next_serial: u64,
    auto_numbers: BTreeMap<usize, u64>,
    revision: u64,
}

impl Table {
    pub(super) fn new(object: Arc<Object>, schema: &Schema, first_serial: u64) -> Self {
        let mut table = Self {
            object: Arc::clone(&object),
            rows: Vec::new(),
            plan: Arc::new(Plan::of(&object)),
            keys: BTreeMap::new(),
            references: BTreeMap::new(),
            stamps: StampIndex::default(),
            next_serial: first_serial,
            auto_numbers: BTreeMap::new(),
            revision: 0,
        };
        table.adopt(object, schema);
        table
    }

    /// A copy with or without its rows; it counts its changes from elsewhere on.
    pub(super) fn copy(&self, with_rows: bool, revisions_from: u64) -> Self {
        if with_rows {
            return Self {
                revision: self.revision.wrapping_add(revisions_from),
                ..self.clone()
            };
        }
        Self {
            object: Arc::clone(&self.object),
            rows: Vec::new(),
            plan: Arc::clone(&self.plan),
            keys: self
                .keys
                .keys()
                .map(|field| (*field, KeyIndex::default()))
                .collect(),
            references: self
                .references
                .keys()
                .map(|field| (*field, ReferenceIndex::default()))
                .collect(),
            stamps: StampIndex::default(),
            next_serial: self.next_serial,
            auto_numbers: self.auto_numbers.clone(),
            revision: self.revision.wrapping_add(revisions_from),
        }
    }

    /// All rows in order of their ids, deleted ones included.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().map(Arc::as_ref)
    }

    /// All rows as shared snapshots: whoever keeps one sees it as it is now, whatever is written later.
    #[must_use]
    pub fn shared_rows(&self) -> &[Arc<Row>] {
        &self.rows
    }

    /// A row by its id, deleted ones included.
    #[must_use]
    pub fn get(&self, id: &RecordId) -> Option<&Row> {
        self.shared(id).map(Arc::as_ref)
    }

    /// A row by its id as a shared snapshot, deleted ones included.
    #[must_use]
    pub fn shared(&self, id: &RecordId) -> Option<&Arc<Row>> {
        self.rows.get(self.position(*id).ok()?)
    }

    /// The live rows that hold a value in a unique or external-id field; `None` if the field is not indexed.
    #[must_use]
    pub fn find_by_key(&self, field: usize, value: &Value) -> Option<&[RecordId]> {
        let index = self.keys.get(&field)?;
        let key = key_of(self.object.fields.get(field)?, value)?;
        Some(index.find(&key))
    }

    /// The live rows that hold a value, by index where there is one, else by looking at every row.
    #[must_use]
    pub fn holders(&self, field: usize, value: &Value) -> Vec<RecordId> {
        if let Some(found) = self.find_by_key(field, value) {
            return found.to_vec();
        }
        let Some(wanted) = self
            .object
            .fields
            .get(field)
            .and_then(|field| key_of(field, value))
        else {
            return Vec::new();
        };
        let Some(field_of) = self.object.fields.get(field) else {
            return Vec::new();
        };
        if let (FieldType::Id, Value::Id(id)) = (field_of.kind, value) {
            return self
                .get(id)
                .filter(|row| !row.is_deleted())
                .map(Row::id)
                .into_iter()
                .collect();
        }
        let live = self.rows().filter(|row| !row.is_deleted());
        live.filter(|row| key_of(field_of, row.get(field)).as_ref() == Some(&wanted))
            .map(Row::id)
            .collect()
    }

    /// The live rows that refer to a record through a field, by id; `None` if the field is not indexed.
    pub fn find_by_reference(
        &self,
        field: usize,
        parent: RecordId,
    ) -> Option<impl Iterator<Item = RecordId>> {
        Some(self.references.get(&field)?.children(parent))
    }

    /// The position of the field with the moment of the last change, by which [`Self::stamped_between`] finds.
    #[must_use]
    pub fn stamp_position(&self) -> Option<usize> {
        self.plan.system_modstamp
    }

    /// The rows changed from a moment on, until before another, deleted ones included; by moment, then by id.
    /// `None` if the object has no such field.
    pub fn stamped_between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Option<impl Iterator<Item = RecordId>> {
        self.stamp_position()?;
        Some(self.stamps.between(from, until))
    }

    /// How often rows were written: what is worked out of the rows holds as long as it stays.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// How many rows are stored, deleted ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Counts changes on from those of the table that it takes the place of.
    pub(super) fn count_on_from(&mut self, before: &Self) {
        self.revision = self.revision.wrapping_add(before.revision).wrapping_add(1);
    }

    /// Takes over changed metadata and builds the indexes that are new.
    pub(super) fn adopt(&mut self, object: Arc<Object>, schema: &Schema) {
        for (position, field) in object.fields.iter().enumerate() {
            let by_key = field.unique || field.external_id;
            if by_key && !self.keys.contains_key(&position) {
                let mut index = KeyIndex::default();
                for row in self.rows.iter().filter(|row| !row.is_deleted()) {
                    if let Some(key) = key_of(field, row.get(position)) {
                        index.insert(key, row.id());
                    }
                }
                self.keys.insert(position, index);
            }
            let deletable_parent = field.reference_to.iter().any(|parent| {
                // Only a parent that can be deleted is ever asked for its children.
                schema.object(parent).is_some_and(|parent| parent.deletable)
            });
            if field.kind == FieldType::Reference
                && deletable_parent
                && !self.references.contains_key(&position)
            {
                let mut index = ReferenceIndex::default();
                for row in self.rows.iter().filter(|row| !row.is_deleted()) {
                    if let Value::Id(parent) = row.get(position) {
                        index.insert(*parent, row.id());
                    }
                }
                self.references.insert(position, index);
            }
        }
        self.plan = Arc::new(Plan::of(&object));
        self.object = object;
    }

    pub(super) fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    pub(super) fn peek_serial(&self) -> u64 {
        self.next_serial
    }

    pub(super) fn next_serial(&mut self) -> u64 {
        let serial = self.next_serial;
        self.next_serial += 1;
        serial
    }

    pub(super) fn next_auto_number(&mut self, field: usize, start: u64) -> u64 {
        let next = self.auto_numbers.entry(field).or_insert(start);
        let number = *next;
        *next += 1;
        number
    }

    /// Takes back the numbers of a row that was never there, where they are the last that were given.
    pub(super) fn give_back_auto_numbers(&mut self, row: &Row) {
        let created = self.plan.created_date.map(|position| row.get(position));
        let Some(Value::DateTime(created)) = created else {
            return;
        };
        for position in &self.plan.auto_numbers {
            let Some((field, next)) = self
                .object
                .fields
                .get(*position)
                .zip(self.auto_numbers.get_mut(position))
            else {
                continue;
            };
            let last = next.saturating_sub(1);
            let pattern = field.display_format.as_deref().unwrap_or("{0}");
            if row.get(*position) == &Value::text(formatted(pattern, last, created.date_naive())) {
                *next = last;
            }
        }
    }

    /// Stores a row, replacing the one with the same id, which is handed back.
    pub(super) fn put(&mut self, row: Arc<Row>) -> Option<Arc<Row>> {
        self.revision += 1;
        match self.position(row.id()) {
            Ok(position) => {
                let slot = self.rows.get_mut(position)?;
                let before = std::mem::replace(slot, Arc::clone(&row));
                self.reindex(Some(&before), Some(&row));
                Some(before)
            }
            Err(position) => {
                self.reindex(None, Some(&row));
                self.rows.insert(position, row);
                None
            }
        }
    }

    /// Forgets a row altogether.
    pub(super) fn remove(&mut self, id: RecordId) -> Option<Arc<Row>> {
        self.revision += 1;
        let row = self.rows.remove(self.position(id).ok()?);
        self.reindex(Some(&row), None);
        Some(row)
    }

    /// Forgets all deleted rows that the test names, in one pass.
    pub(super) fn purge(&mut self, mut gone: impl FnMut(&Row) -> bool) -> usize {
        let before = self.rows.len();
        let (stamps, position) = (&mut self.stamps, self.plan.system_modstamp);
        // Deleted rows stand in no index but that of stamps.
        self.rows.retain(|row| {
            let kept = !(row.is_deleted() && gone(row));
            if !kept && let Some(stamp) = position.and_then(|position| stamp_of(row, position)) {
                stamps.remove(stamp, row.id());
            }
            kept
        });
        before - self.rows.len()
    }

    /// Forgets all rows that were deleted before a moment; none where the object does not say when that was.
    pub(super) fn purge_until(&mut self, until: DateTime<Utc>) -> usize {
        let Some(position) = self.plan.system_modstamp else {
            return 0;
        };
        self.purge(|row| stamp_of(row, position).is_some_and(|deleted| deleted < until))
    }

    fn position(&self, id: RecordId) -> Result<usize, usize> {
        // New rows come in order of their ids, so the end is the usual place.
        if self.rows.last().is_none_or(|last| last.id() < id) {
            return Err(self.rows.len());
        }
        self.rows.binary_search_by(|row| row.id().cmp(&id))
    }

    fn reindex(&mut self, before: Option<&Row>, after: Option<&Row>) {
        if let Some(position) = self.plan.system_modstamp {
            let old = before.and_then(|row| Some((stamp_of(row, position)?, row.id())));
            let new = after.and_then(|row| Some((stamp_of(row, position)?, row.id())));
            if old != new {
                if let Some((stamp, id)) = old {
                    self.stamps.remove(stamp, id);
                }
                if let Some((stamp, id)) = new {
                    self.stamps.insert(stamp, id);
                }
            }
        }
        let before = before.filter(|row| !row.is_deleted());
        let after = after.filter(|row| !row.is_deleted());
        for (position, index) in &mut self.keys {
            let Some(field) = self.object.fields.get(*position) else {
                continue;
            };
            let old = before.and_then(|row| Some((key_of(field, row.get(*position))?, row.id())));
            let new = after.and_then(|row| Some((key_of(field, row.get(*position))?, row.id())));
            if old != new {
                if let Some((key, id)) = old {
                    index.remove(&key, id);
                }
                if let Some((key, id)) = new {
                    index.insert(key, id);
                }
            }
        }
        for (position, index) in &mut self.references {
            let old = before.and_then(|row| parent_and_child(row, *position));
            let new = after.and_then(|row| parent_and_child(row, *position));
            if old != new {
                if let Some((parent, child)) = old {
                    index.remove(parent, child);
                }
                if let Some((parent, child)) = new {
                    index.insert(parent, child);
                }
            }
        }
    }
}

fn stamp_of(row: &Row, field: usize) -> Option<DateTime<Utc>> {
    match row.get(field) {
        Value::DateTime(stamp) => Some(*stamp),
        _ => None,
    }
}

fn parent_and_child(row: &Row, field: usize) -> Option<(RecordId, RecordId)> {
    match row.get(field) {
        Value::Id(parent) => Some((*parent, row.id())),
        _ => None,
    }
}
