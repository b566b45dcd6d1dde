//! What a write gives for one record, typed but not yet checked.

use std::sync::Arc;

use super::row::Row;
use crate::schema::Object;
use crate::value::Value;

/// Field values for one record, as a client or a seed gave them.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// Field positions and values; null means "clear".
    pub values: Vec<(usize, Value)>,
    /// References given by an external id of the parent instead of its id.
    pub parents: Vec<ParentKey>,
}

/// A reference given as `"Account": {"External__c": "value"}`.
#[derive(Clone, Debug)]
pub struct ParentKey {
    /// The position of the child's reference field.
    pub reference: usize,
    /// The parent object.
    pub parent: Arc<Object>,
    /// The position of the parent's external-id field.
    pub key_field: usize,
    /// The external id.
    pub key: Value,
}

/// The fields of a record while it is being written, by position.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    /// In order of position.
    values: Vec<(usize, Value)>,
}

impl Fields {
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            values: Vec::with_capacity(capacity),
        }
    }

    pub fn from_row(row: &Row) -> Self {
        Self {
            values: row
                .own_fields()
                .map(|(position, value)| (position, value.clone()))
                .collect(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &Value)> {
        self.values.iter().map(|(position, value)| (*position, value))
    }

    /// Removes a value and hands it back; null when unset.
    pub fn take(&mut self, position: usize) -> Value {
        self.find(position)
            .map_or(Value::Null, |index| self.values.remove(index).1)
    }

    pub fn get(&self, position: usize) -> &Value {
        static NULL: Value = Value::Null;
        self.find(position)
            .ok()
            .and_then(|index| self.values.get(index))
            .map_or(&NULL, |(_, value)| value)
    }

    pub fn set(&mut self, position: usize, value: Value) {
        match self.find(position) {
            Ok(index) => {
                if let Some(slot) = self.values.get_mut(index) {
                    slot.1 = value;
                }
            }
            Err(index) => self.values.insert(index, (position, value)),
        }
    }

    pub fn into_values(self) -> Vec<(usize, Value)> {
        self.values
    }

    fn find(&self, position: usize) -> Result<usize, usize> {
        self.values.binary_search_by_key(&position, |(known, _)| *known)
    }
}
