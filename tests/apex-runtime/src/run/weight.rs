//! How much of the heap a value holds, by estimate: what it refers to counts once.

use std::collections::HashSet;
use std::rc::Rc;

use super::value::Value;

/// What a reference or a small value takes.
const SMALL: usize = 8;

impl Value {
    /// Bytes that the value holds and that were not `seen` before.
    pub(crate) fn weight(&self, seen: &mut HashSet<usize>) -> usize {
        let mut first = |address: *const ()| seen.insert(address.addr());
        let inside: Vec<Self> = match self {
            Self::String(text) | Self::Id(text) => return SMALL + text.len(),
            Self::Blob(bytes) => return SMALL + bytes.len(),
            Self::List(list) if first(Rc::as_ptr(list).cast()) => list.items.borrow().clone(),
            Self::Set(set) if first(Rc::as_ptr(set).cast()) => set.table.borrow().keys(),
            Self::Map(map) if first(Rc::as_ptr(map).cast()) => {
                let table = map.table.borrow();
                table
                    .iter()
                    .flat_map(|(key, value)| [key.clone(), value.clone()])
                    .collect()
            }
            Self::Record(record) if first(Rc::as_ptr(record).cast()) => {
                let fields = record.fields.borrow();
                fields
                    .values()
                    .chain(record.related.borrow().values())
                    .cloned()
                    .collect()
            }
            Self::Object(object) if first(Rc::as_ptr(object).cast()) => object.slots.borrow().clone(),
            _ => return SMALL,
        };
        SMALL + inside.iter().map(|value| value.weight(seen)).sum::<usize>()
    }
}
