//! The table under sets and maps: keeps the order of insertion; hashing and equality are the machine's, since
//! a class of the program may define both.

use std::collections::HashMap;

use super::value::Value;

/// Entries in order of insertion, found by hash.
#[derive(Debug, Default, Clone)]
pub struct HashTable {
    entries: Vec<Option<(Value, Value)>>,
    by_hash: HashMap<u64, Vec<usize>>,
    live: usize,
    /// Whether Strings are found in any case; all keys are then in lower case.
    pub ignores_case: bool,
}

impl HashTable {
    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The entries that may hold a key, with their places.
    pub fn candidates(&self, hash: u64) -> Vec<(usize, Value)> {
        let places = self.by_hash.get(&hash).map(Vec::as_slice).unwrap_or_default();
        places
            .iter()
            .filter_map(|&place| Some((place, self.entries.get(place)?.as_ref()?.0.clone())))
            .collect()
    }

    /// The value at a place.
    pub fn value(&self, place: usize) -> Option<Value> {
        self.entries.get(place)?.as_ref().map(|(_, value)| value.clone())
    }

    /// Replaces the value at a place and returns the old one.
    pub fn replace(&mut self, place: usize, value: Value) -> Option<Value> {
        let entry = self.entries.get_mut(place)?.as_mut()?;
        Some(std::mem::replace(&mut entry.1, value))
    }

    /// Adds an entry that is known to be new.
    pub fn push(&mut self, hash: u64, key: Value, value: Value) {
        self.by_hash.entry(hash).or_default().push(self.entries.len());
        self.entries.push(Some((key, value)));
        self.live += 1;
    }

    /// Takes an entry out.
    pub fn remove(&mut self, hash: u64, place: usize) -> Option<(Value, Value)> {
        let entry = self.entries.get_mut(place)?.take()?;
        if let Some(places) = self.by_hash.get_mut(&hash) {
            places.retain(|&other| other != place);
        }
        self.live -= 1;
        Some(entry)
    }

    /// Takes everything out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = &(Value, Value)> {
        self.entries.iter().flatten()
    }

    /// The keys in order.
    pub fn keys(&self) -> Vec<Value> {
        self.iter().map(|(key, _)| key.clone()).collect()
    }

    /// The values in order.
    pub fn values(&self) -> Vec<Value> {
        self.iter().map(|(_, value)| value.clone()).collect()
    }
}
