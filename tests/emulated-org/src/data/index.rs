//! Look-ups over the rows of a table: live ones by unique and external-id fields and by reference, all by stamp.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::id::RecordId;
use crate::schema::Field;
use crate::value::Value;

/// Finds rows by the value of one field.
#[derive(Clone, Debug, Default)]
pub(super) struct KeyIndex {
    by_key: HashMap<Box<str>, Holders>,
}

/// Almost every key has one holder, so that one is kept without a list.
#[derive(Clone, Debug)]
enum Holders {
    One(RecordId),
    Many(Vec<RecordId>),
}

impl KeyIndex {
    pub(super) fn insert(&mut self, key: Box<str>, id: RecordId) {
        match self.by_key.get_mut(&key) {
            None => {
                self.by_key.insert(key, Holders::One(id));
            }
            Some(Holders::Many(ids)) => ids.push(id),
            Some(holders @ Holders::One(_)) => {
                let mut ids = holders.ids().to_vec();
                ids.push(id);
                *holders = Holders::Many(ids);
            }
        }
    }

    pub(super) fn remove(&mut self, key: &str, id: RecordId) {
        if let Some(holders) = self.by_key.get_mut(key) {
            match holders {
                Holders::Many(ids) if ids.len() > 1 => ids.retain(|other| *other != id),
                _ => {
                    self.by_key.remove(key);
                }
            }
        }
    }

    pub(super) fn find(&self, key: &str) -> &[RecordId] {
        self.by_key.get(key).map_or(&[], Holders::ids)
    }
}

impl Holders {
    fn ids(&self) -> &[RecordId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Many(ids) => ids,
        }
    }
}

/// Finds the rows that refer to a record through one field.
#[derive(Clone, Debug, Default)]
pub(super) struct ReferenceIndex {
    /// Parent before child. A set rather than lists, so that taking one child of a parent with
    /// hundreds of thousands stays cheap.
    pairs: BTreeSet<(RecordId, RecordId)>,
}

impl ReferenceIndex {
    pub(super) fn insert(&mut self, parent: RecordId, child: RecordId) {
        self.pairs.insert((parent, child));
    }

    pub(super) fn remove(&mut self, parent: RecordId, child: RecordId) {
        self.pairs.remove(&(parent, child));
    }

    pub(super) fn children(&self, parent: RecordId) -> impl Iterator<Item = RecordId> {
        self.pairs
            .range((parent, RecordId::MIN)..=(parent, RecordId::MAX))
            .map(|(_, child)| *child)
    }
}

/// Finds rows by the moment of their last change, in order; deleted rows stand in it as well, because a deletion
/// is a change that clients ask for.
#[derive(Clone, Debug, Default)]
pub(super) struct StampIndex {
    /// A set rather than lists: one moment can have a million rows, and each may leave it.
    pairs: BTreeSet<(i64, RecordId)>,
}

impl StampIndex {
    pub(super) fn insert(&mut self, stamp: DateTime<Utc>, id: RecordId) {
        self.pairs.insert((stamp.timestamp_millis(), id));
    }

    pub(super) fn remove(&mut self, stamp: DateTime<Utc>, id: RecordId) {
        self.pairs.remove(&(stamp.timestamp_millis(), id));
    }

    /// The rows changed from a moment on, until before another; by moment, then by id.
    pub(super) fn between(
        &self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> impl Iterator<Item = RecordId> {
        let (from, until) = (from.timestamp_millis(), until.timestamp_millis());
        // A range that ends before it begins is empty, not a mistake.
        self.pairs
            .range((from, RecordId::MIN)..(until.max(from), RecordId::MIN))
            .map(|(_, id)| *id)
    }
}

/// The form under which a value is looked up: text without regard to case unless the field minds it.
pub(super) fn key_of(field: &Field, value: &Value) -> Option<Box<str>> {
    Some(match value {
        Value::Null => return None,
        Value::Text(text) if field.case_sensitive => text.clone(),
        Value::Text(text) => text.to_lowercase().into(),
        Value::Boolean(boolean) => boolean.to_string().into(),
        Value::Number(number) => number.normalize().to_string().into(),
        Value::Date(date) => date.to_string().into(),
        Value::DateTime(instant) => instant.timestamp_millis().to_string().into(),
        Value::Time(time) => time.to_string().into(),
        Value::Id(id) => id.as_str().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(serial: u64) -> RecordId {
        RecordId::from_serial("001", 0, serial).expect("an id")
    }

    #[test]
    fn a_key_remembers_all_its_holders() {
        let mut index = KeyIndex::default();
        for serial in 1..=3 {
            index.insert("k".into(), id(serial));
        }
        assert_eq!(index.find("k"), [id(1), id(2), id(3)]);
        index.remove("k", id(2));
        assert_eq!(index.find("k"), [id(1), id(3)]);
        index.remove("k", id(1));
        index.remove("k", id(3));
        assert!(index.find("k").is_empty());
    }

    #[test]
    fn children_of_one_parent_are_found_without_those_of_its_neighbours() {
        let mut index = ReferenceIndex::default();
        for (parent, child) in [(1, 10), (2, 20), (2, 21), (3, 30)] {
            index.insert(id(parent), id(child));
        }
        assert_eq!(index.children(id(2)).collect::<Vec<_>>(), [id(20), id(21)]);
        index.remove(id(2), id(20));
        assert_eq!(index.children(id(2)).collect::<Vec<_>>(), [id(21)]);
    }
}
