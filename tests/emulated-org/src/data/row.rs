//! One stored record. Only set fields take room, and audit stamps are shared by the rows of one write,
//! so that a million contacts fit into memory.

use std::sync::Arc;

use crate::id::RecordId;
use crate::value::Value;

static NULL: Value = Value::Null;

/// A stored record. Rows are immutable: a write replaces the row, so a shared row is a snapshot.
#[derive(Clone, Debug)]
pub struct Row {
    id: RecordId,
    is_deleted: bool,
    /// One bit for each field position; the set ones say which fields `values` holds, in order.
    present: Box<[u64]>,
    values: Box<[Value]>,
    stamp: Arc<Stamp>,
}

/// The audit fields of a row: few pairs of field position and value.
pub type Stamp = [(usize, Value)];

impl Row {
    /// A row of the given fields; nulls take no room.
    pub(crate) fn new(
        id: RecordId,
        is_deleted: bool,
        mut fields: Vec<(usize, Value)>,
        stamp: Arc<Stamp>,
    ) -> Self {
        fields.retain(|(_, value)| !value.is_null());
        fields.sort_unstable_by_key(|(position, _)| *position);
        let words = fields.last().map_or(0, |(position, _)| position / 64 + 1);
        let mut present = vec![0_u64; words];
        for (position, _) in &fields {
            if let Some(word) = present.get_mut(position / 64) {
                *word |= 1 << (position % 64);
            }
        }
        let values = fields.into_iter().map(|(_, value)| value).collect();
        Self {
            id,
            is_deleted,
            present: present.into(),
            values,
            stamp,
        }
    }

    /// The record's id.
    #[must_use]
    pub fn id(&self) -> RecordId {
        self.id
    }

    /// The value of the field at a position of the object's field list; `Value::Null` when unset.
    #[must_use]
    pub fn get(&self, field: usize) -> &Value {
        let bit = 1_u64 << (field % 64);
        match self.present.get(field / 64) {
            Some(word) if word & bit != 0 => {
                let before: u32 = self
                    .present
                    .iter()
                    .take(field / 64)
                    .map(|word| word.count_ones())
                    .sum();
                let rank = before + (word & (bit - 1)).count_ones();
                usize::try_from(rank)
                    .ok()
                    .and_then(|rank| self.values.get(rank))
                    .unwrap_or(&NULL)
            }
            _ => self
                .stamp
                .iter()
                .find(|(position, _)| *position == field)
                .map_or(&NULL, |(_, value)| value),
        }
    }

    /// Whether the record lies in the recycle bin.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.is_deleted
    }

    /// The set fields outside the stamp, in order of position.
    pub(crate) fn own_fields(&self) -> impl Iterator<Item = (usize, &Value)> {
        let positions = self.present.iter().enumerate().flat_map(|(index, word)| {
            (0..64_usize)
                .filter(move |bit| word >> bit & 1 == 1)
                .map(move |bit| index * 64 + bit)
        });
        positions.zip(self.values.iter())
    }

    /// The audit fields.
    pub(crate) fn stamp(&self) -> &Arc<Stamp> {
        &self.stamp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_fields_are_found_and_unset_ones_are_null() {
        let id = RecordId::parse("001000000000001").expect("an id");
        let fields = [(130, "c"), (0, "a"), (64, "b")].map(|(position, text)| (position, Value::text(text)));
        let stamp: Arc<Stamp> = Arc::new([(7, Value::Boolean(true))]);
        let row = Row::new(id, false, fields.into(), stamp);
        assert_eq!(
            [0, 64, 130].map(|at| row.get(at).clone()),
            ["a", "b", "c"].map(Value::text)
        );
        assert_eq!(row.get(7), &Value::Boolean(true));
        for unset in [1, 63, 65, 129, 131, 4000] {
            assert_eq!(row.get(unset), &Value::Null, "{unset}");
        }
        assert_eq!(
            row.own_fields().map(|(position, _)| position).collect::<Vec<_>>(),
            [0, 64, 130]
        );
    }
}
