//! What the language itself does with collections; their methods are in the catalogue.

use std::rc::Rc;

use super::hash_table::HashTable;
use super::value::{ListObject, Value};
use super::{Machine, Run};
use crate::types::Type;

impl Machine<'_> {
    /// The elements of a list or set, as they are now.
    pub fn elements(&self, collection: &Value) -> Run<Vec<Value>> {
        match collection {
            Value::List(list) => Ok(list.items.borrow().clone()),
            Value::Set(set) => Ok(set.table.borrow().keys()),
            Value::Null => Err(self.null_pointer()),
            _ => Err(self.not_supported("the elements of this object")),
        }
    }

    /// How many elements or entries there are.
    pub(crate) fn size(&self, collection: &Value) -> usize {
        match collection {
            Value::List(list) => list.items.borrow().len(),
            Value::Set(set) => set.table.borrow().len(),
            Value::Map(map) => map.table.borrow().len(),
            _ => 0,
        }
    }

    /// Counts a loop over a collection in or out.
    pub(super) fn iterating(&self, collection: &Value, step: i32) -> bool {
        let counter = match collection {
            Value::List(list) => &list.iterating,
            Value::Set(set) => &set.iterating,
            Value::Map(map) => &map.iterating,
            _ => return false,
        };
        counter.set(counter.get().saturating_add_signed(step));
        true
    }

    /// Refuses to change a collection while a loop runs over it.
    pub(crate) fn may_change(&self, iterating: u32) -> Run<()> {
        if iterating > 0 {
            return Err(self.raise(
                "FinalException",
                "Cannot modify a collection while it is being iterated.",
            ));
        }
        Ok(())
    }

    /// The index, checked.
    pub(crate) fn list_index(&self, list: &ListObject, index: &Value) -> Run<usize> {
        let Value::Integer(index) = index else {
            return Err(self.null_pointer());
        };
        let length = list.items.borrow().len();
        match usize::try_from(*index).ok().filter(|i| *i < length) {
            Some(index) => Ok(index),
            None => Err(self.raise("ListException", format!("List index out of bounds: {index}"))),
        }
    }

    pub(crate) fn list_get(&self, list: &Value, index: &Value) -> Run<Value> {
        let Value::List(list) = list else {
            return Err(self.null_pointer());
        };
        let index = self.list_index(list, index)?;
        Ok(list.items.borrow().get(index).cloned().unwrap_or(Value::Null))
    }

    pub(crate) fn list_set(&self, list: &Value, index: &Value, value: Value) -> Run<()> {
        let Value::List(list) = list else {
            return Err(self.null_pointer());
        };
        let index = self.list_index(list, index)?;
        if let Some(place) = list.items.borrow_mut().get_mut(index) {
            *place = value;
        }
        Ok(())
    }

    fn find(&mut self, table: &std::cell::RefCell<HashTable>, key: &Value) -> Run<(u64, Option<usize>)> {
        let lower = match key {
            Value::String(text) if table.borrow().ignores_case => Some(Value::from(text.to_lowercase())),
            _ => None,
        };
        let key = lower.as_ref().unwrap_or(key);
        let hash = self.hash(key)?;
        // The borrow ends before equality runs: a class's own `equals` may touch the collection.
        let candidates = table.borrow().candidates(hash);
        for (place, candidate) in candidates {
            if self.same_key(key, &candidate)? {
                return Ok((hash, Some(place)));
            }
        }
        Ok((hash, None))
    }

    /// From now on the Strings among a map's keys, all of them in lower case, are found in any case.
    pub(crate) fn ignore_key_case(&self, map: &Value) {
        if let Value::Map(map) = map {
            map.table.borrow_mut().ignores_case = true;
        }
    }

    pub(crate) fn map_find(&mut self, map: &Value, key: &Value) -> Run<Option<Value>> {
        let Value::Map(map) = map else {
            return Err(self.null_pointer());
        };
        let map = Rc::clone(map);
        let (_, place) = self.find(&map.table, key)?;
        Ok(place.and_then(|place| map.table.borrow().value(place)))
    }

    /// Puts an entry and returns the value it replaced.
    pub fn map_put(&mut self, map: &Value, key: Value, value: Value) -> Run<Value> {
        let Value::Map(map) = map else {
            return Err(self.null_pointer());
        };
        let map = Rc::clone(map);
        self.may_change(map.iterating.get())?;
        let key = self.key_for(&map.key, key)?;
        let (hash, place) = self.find(&map.table, &key)?;
        let mut table = map.table.borrow_mut();
        Ok(match place {
            Some(place) => table.replace(place, value).unwrap_or(Value::Null),
            None => {
                table.push(hash, key, value);
                Value::Null
            }
        })
    }

    /// Collections of ids that hold texts become collections of Ids where they are copied.
    fn key_for(&self, ty: &Type, key: Value) -> Run<Value> {
        match (ty, key) {
            (Type::Id, Value::String(text)) => self.to_id(&text),
            (Type::String, Value::Id(id)) => Ok(Value::String(id)),
            (_, key) => Ok(key),
        }
    }

    pub(crate) fn map_remove(&mut self, map: &Value, key: &Value) -> Run<Value> {
        let Value::Map(map) = map else {
            return Err(self.null_pointer());
        };
        let map = Rc::clone(map);
        self.may_change(map.iterating.get())?;
        let (hash, place) = self.find(&map.table, key)?;
        let removed = place.and_then(|place| map.table.borrow_mut().remove(hash, place));
        Ok(removed.map_or(Value::Null, |(_, value)| value))
    }

    /// Adds to a set; true where it was new.
    pub fn set_add(&mut self, set: &Value, key: Value) -> Run<bool> {
        let Value::Set(set) = set else {
            return Err(self.null_pointer());
        };
        let set = Rc::clone(set);
        self.may_change(set.iterating.get())?;
        let key = self.key_for(&set.element, key)?;
        let (hash, place) = self.find(&set.table, &key)?;
        if place.is_some() {
            return Ok(false);
        }
        set.table.borrow_mut().push(hash, key, Value::Null);
        Ok(true)
    }

    pub(crate) fn set_remove(&mut self, set: &Value, key: &Value) -> Run<bool> {
        let Value::Set(set) = set else {
            return Err(self.null_pointer());
        };
        let set = Rc::clone(set);
        self.may_change(set.iterating.get())?;
        let (hash, place) = self.find(&set.table, key)?;
        Ok(place
            .and_then(|place| set.table.borrow_mut().remove(hash, place))
            .is_some())
    }

    pub(crate) fn contains(&mut self, collection: &Value, key: &Value) -> Run<bool> {
        match collection {
            Value::Set(set) => {
                let set = Rc::clone(set);
                Ok(self.find(&set.table, key)?.1.is_some())
            }
            Value::Map(map) => {
                let map = Rc::clone(map);
                Ok(self.find(&map.table, key)?.1.is_some())
            }
            Value::List(list) => {
                let items = list.items.borrow().clone();
                for item in items {
                    if self.same_key(&item, key)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(self.null_pointer()),
        }
    }

    pub(crate) fn contains_all(&mut self, collection: &Value, keys: &[Value]) -> Run<bool> {
        for key in keys {
            if !self.contains(collection, key)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A new collection, filled from another.
    pub(crate) fn new_collection(&mut self, ty: &Type, source: Option<Value>) -> Run<Value> {
        let collection = match ty {
            Type::List(element) => Value::list(Type::clone(element), Vec::new()),
            Type::Set(element) => Value::set(Type::clone(element), HashTable::default()),
            Type::Map(key, value) => Value::map(Type::clone(key), Type::clone(value), HashTable::default()),
            _ => return Err(self.not_supported("this collection")),
        };
        let Some(source) = source else {
            return Ok(collection);
        };
        match (&collection, &source) {
            (_, Value::Null) => return Err(self.raise("NullPointerException", "Argument cannot be null.")),
            (Value::List(list), _) => {
                let elements = self.elements(&source)?;
                let mut copied = Vec::with_capacity(elements.len());
                for element in elements {
                    copied.push(self.key_for(&list.element, element)?);
                }
                *list.items.borrow_mut() = copied;
            }
            (Value::Set(_), _) => {
                for element in self.elements(&source)? {
                    self.set_add(&collection, element)?;
                }
            }
            (Value::Map(_), Value::Map(other)) => {
                let entries: Vec<_> = other.table.borrow().iter().cloned().collect();
                for (key, value) in entries {
                    self.map_put(&collection, key, value)?;
                }
            }
            (Value::Map(_), Value::List(records)) => {
                let records = records.items.borrow().clone();
                self.put_records(&collection, &records)?;
            }
            _ => return Err(self.not_supported("a collection made from this")),
        }
        Ok(collection)
    }

    /// Puts records under their ids, as `new Map<Id, Account>(records)` and `putAll` do.
    pub(crate) fn put_records(&mut self, map: &Value, records: &[Value]) -> Run<()> {
        for (index, record) in records.iter().enumerate() {
            let id = match record {
                Value::Record(record) => record.fields.borrow().get("Id").cloned().unwrap_or(Value::Null),
                _ => Value::Null,
            };
            if id.is_null() {
                return Err(self.raise("ListException", format!("Row with null Id at index: {index}")));
            }
            self.map_put(map, id, record.clone())?;
        }
        Ok(())
    }

    pub(super) fn new_sized(&self, ty: &Type, size: &Value) -> Run<Value> {
        let Value::Integer(size) = size else {
            return Err(self.null_pointer());
        };
        let Ok(size) = usize::try_from(*size) else {
            return Err(self.not_supported("a list of negative size"));
        };
        match ty {
            Type::List(element) => Ok(Value::list(Type::clone(element), vec![Value::Null; size])),
            _ => Err(self.not_supported("this sized collection")),
        }
    }

    pub(super) fn new_values(&mut self, ty: &Type, values: Vec<Value>) -> Run<Value> {
        if let Type::List(element) = ty {
            return Ok(Value::list(Type::clone(element), values));
        }
        let set = self.new_collection(ty, None)?;
        for value in values {
            self.set_add(&set, value)?;
        }
        Ok(set)
    }
}
