//! `Map` (Apex Reference Guide, "Map Class").

use std::rc::Rc;

use super::declaration::Declarations;
use crate::run::hash_table::HashTable;
use crate::run::value::{MapObject, Value};
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Map<K, V>")
        .method("void clear()", clear)
        .method("Map<K, V> clone()", copy)
        .method("Map<K, V> deepClone()", deep_clone)
        .method("Boolean containsKey(K key)", contains_key)
        .method("Boolean equals(Object other)", equals)
        .method("V get(K key)", get)
        .method("Boolean isEmpty()", is_empty)
        .method("Set<K> keySet()", key_set)
        .method("V put(K key, V value)", put)
        .method("void putAll(Map<K, V> others)", put_all)
        .method("void putAll(List<SObject> records)", put_all)
        .method("V remove(K key)", remove)
        .method("Integer size()", size)
        .method("List<V> values()", values);
}

fn map(m: &Machine<'_>, this: &Value) -> Run<Rc<MapObject>> {
    match this {
        Value::Map(map) => Ok(Rc::clone(map)),
        _ => Err(m.null_pointer()),
    }
}

fn clear(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let map = map(m, this)?;
    m.may_change(map.iterating.get())?;
    map.table.borrow_mut().clear();
    Ok(Value::Null)
}

fn copy(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let map = map(m, this)?;
    let table = map.table.borrow().clone();
    Ok(Value::map(map.key.clone(), map.value.clone(), table))
}

/// Copies the records among the values too.
fn deep_clone(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let map = map(m, this)?;
    let copy = Value::map(map.key.clone(), map.value.clone(), HashTable::default());
    let entries: Vec<_> = map.table.borrow().iter().cloned().collect();
    for (key, value) in entries {
        let value = match value {
            Value::Record(record) => Value::Record(m.copy_record(&record)),
            other => other,
        };
        m.map_put(&copy, key, value)?;
    }
    Ok(copy)
}

fn contains_key(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let key = m.any(arguments, 0);
    Ok(Value::Boolean(m.contains(this, &key)?))
}

fn equals(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let other = m.any(arguments, 0);
    Ok(Value::Boolean(m.same_key(this, &other)?))
}

fn get(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let key = m.any(arguments, 0);
    Ok(m.map_find(this, &key)?.unwrap_or(Value::Null))
}

fn is_empty(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.size(this) == 0))
}

/// A copy of the keys; whether Salesforce's follows later changes of the map is not documented.
fn key_set(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let map = map(m, this)?;
    let set = Value::set(map.key.clone(), HashTable::default());
    for key in map.table.borrow().keys() {
        m.set_add(&set, key)?;
    }
    Ok(set)
}

fn put(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    m.map_put(this, m.any(arguments, 0), m.any(arguments, 1))
}

fn put_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    match arguments.first() {
        Some(Value::Map(others)) => {
            let entries: Vec<_> = others.table.borrow().iter().cloned().collect();
            for (key, value) in entries {
                m.map_put(this, key, value)?;
            }
        }
        Some(Value::List(records)) => {
            let records = records.items.borrow().clone();
            m.put_records(this, &records)?;
        }
        _ => return Err(m.null_argument()),
    }
    Ok(Value::Null)
}

fn remove(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let key = m.any(arguments, 0);
    m.map_remove(this, &key)
}

fn size(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(m.count_of(m.size(this)))
}

fn values(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let map = map(m, this)?;
    let values = map.table.borrow().values();
    Ok(Value::list(map.value.clone(), values))
}
