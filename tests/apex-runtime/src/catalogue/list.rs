//! `List` (Apex Reference Guide, "List Class").

use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;

use super::comparable::iterator;
use super::declaration::Declarations;
use crate::run::value::{ListObject, Value};
use crate::run::{Interrupt, Machine, Run};
use crate::types::Type;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.List<T>")
        .method("void add(T element)", add)
        .method("void add(Integer index, T element)", insert)
        .method("void addAll(List<T> others)", add_all)
        .method("void addAll(Set<T> others)", add_all)
        .method("void clear()", clear)
        .method("List<T> clone()", copy)
        .method("List<T> deepClone()", deep_clone)
        .method("List<T> deepClone(Boolean keepId)", deep_clone)
        .method(
            "List<T> deepClone(Boolean keepId, Boolean keepTimestamps)",
            deep_clone,
        )
        .method(
            "List<T> deepClone(Boolean keepId, Boolean keepTimestamps, Boolean keepAutonumber)",
            deep_clone,
        )
        .method("SObjectType getSObjectType()", object_type)
        .method("Boolean contains(T element)", contains)
        .method("Boolean equals(Object other)", equals)
        .method("T get(Integer index)", get)
        .method("Integer indexOf(T element)", index_of)
        .method("Boolean isEmpty()", is_empty)
        .method("Iterator<T> iterator()", iterator)
        .method("T remove(Integer index)", remove)
        .method("void set(Integer index, T element)", set)
        .method("Integer size()", size)
        .method("void sort()", sort)
        .method("void sort(Comparator<T> order)", sort_by);
}

fn list(m: &Machine<'_>, this: &Value) -> Run<Rc<ListObject>> {
    match this {
        Value::List(list) => Ok(Rc::clone(list)),
        _ => Err(m.null_pointer()),
    }
}

/// The list, which no loop may be running over.
fn changing(m: &Machine<'_>, this: &Value) -> Run<Rc<ListObject>> {
    let list = list(m, this)?;
    m.may_change(list.iterating.get())?;
    Ok(list)
}

fn add(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    changing(m, this)?.items.borrow_mut().push(m.any(arguments, 0));
    Ok(Value::Null)
}

fn insert(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let list = changing(m, this)?;
    let index = m.integer(arguments, 0)?;
    let length = list.items.borrow().len();
    match usize::try_from(index).ok().filter(|i| *i <= length) {
        Some(index) => list.items.borrow_mut().insert(index, m.any(arguments, 1)),
        None => return Err(m.raise("ListException", format!("List index out of bounds: {index}"))),
    }
    Ok(Value::Null)
}

fn add_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let list = changing(m, this)?;
    let others = m.any(arguments, 0);
    if others.is_null() {
        return Err(m.null_argument());
    }
    let others = m.elements(&others)?;
    list.items.borrow_mut().extend(others);
    Ok(Value::Null)
}

fn clear(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    changing(m, this)?.items.borrow_mut().clear();
    Ok(Value::Null)
}

fn copy(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let list = list(m, this)?;
    let items = list.items.borrow().clone();
    Ok(Value::list(list.element.clone(), items))
}

/// Null for a list of anything but one sort of records.
fn object_type(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(match &list(m, this)?.element {
        Type::Record(object) => Value::ObjectToken(Arc::clone(object)),
        _ => Value::Null,
    })
}

/// Copies the records of a list; ids, timestamps and auto-numbers go unless they are to be kept.
fn deep_clone(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let list = list(m, this)?;
    let flag = |index: usize| matches!(arguments.get(index), Some(Value::Boolean(true)));
    let (keep_id, keep_timestamps, keep_numbers) = (flag(0), flag(1), flag(2));
    let items = list.items.borrow().clone();
    let mut copies = Vec::with_capacity(items.len());
    for item in items {
        match item {
            Value::Record(record) => {
                let copy = m.copy_record(&record);
                super::sobject::forget_identity(m, &copy, keep_id, keep_timestamps, keep_numbers);
                copies.push(Value::Record(copy));
            }
            Value::Null => copies.push(Value::Null),
            _ => return Err(m.not_supported("List.deepClone of anything but records")),
        }
    }
    Ok(Value::list(list.element.clone(), copies))
}

fn contains(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let element = m.any(arguments, 0);
    Ok(Value::Boolean(m.contains(this, &element)?))
}

fn equals(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let other = m.any(arguments, 0);
    Ok(Value::Boolean(m.same_key(this, &other)?))
}

fn get(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    m.list_get(this, &m.any(arguments, 0))
}

fn index_of(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let element = m.any(arguments, 0);
    for (index, item) in m.elements(this)?.into_iter().enumerate() {
        if m.same_key(&item, &element)? {
            return Ok(m.count_of(index));
        }
    }
    Ok(Value::Integer(-1))
}

fn is_empty(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.size(this) == 0))
}

fn remove(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let list = changing(m, this)?;
    let index = m.list_index(&list, &m.any(arguments, 0))?;
    Ok(list.items.borrow_mut().remove(index))
}

fn set(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    m.list_set(this, &m.any(arguments, 0), m.any(arguments, 1))?;
    Ok(Value::Null)
}

fn size(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(m.count_of(m.size(this)))
}

/// A stable merge sort whose order may fail: a class's own `compareTo` can throw.
fn sorted(
    m: &mut Machine<'_>,
    items: Vec<Value>,
    order: &mut dyn FnMut(&mut Machine<'_>, &Value, &Value) -> Run<Ordering>,
) -> Run<Vec<Value>> {
    if items.len() < 2 {
        return Ok(items);
    }
    let mut left = items;
    let right = left.split_off(left.len() / 2);
    let left = sorted(m, left, order)?;
    let right = sorted(m, right, order)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let next = if order(m, a, b)? == Ordering::Greater {
            right.next()
        } else {
            left.next()
        };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

fn from_number(m: &Machine<'_>, value: &Value) -> Result<Ordering, Interrupt> {
    match value {
        Value::Integer(number) => Ok(number.cmp(&0)),
        _ => Err(m.null_pointer()),
    }
}

fn sort(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let list = changing(m, this)?;
    let items = list.items.borrow().clone();
    let sorted = sorted(m, items, &mut |m, a, b| match (a, b) {
        (Value::Object(_), Value::Object(_)) => {
            let result = m.invoke_interface("Comparable", "compareTo", a, std::slice::from_ref(b))?;
            from_number(m, &result)
        }
        (Value::Record(_), _) | (_, Value::Record(_)) => Err(m.not_supported("List.sort of records")),
        _ => m.natural_order(a, b),
    })?;
    *list.items.borrow_mut() = sorted;
    Ok(Value::Null)
}

fn sort_by(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let list = changing(m, this)?;
    let comparator = m.any(arguments, 0);
    if comparator.is_null() {
        return Err(m.null_argument());
    }
    let items = list.items.borrow().clone();
    let sorted = sorted(m, items, &mut |m, a, b| {
        let result = m.invoke_interface("Comparator", "compare", &comparator, &[a.clone(), b.clone()])?;
        from_number(m, &result)
    })?;
    *list.items.borrow_mut() = sorted;
    Ok(Value::Null)
}
