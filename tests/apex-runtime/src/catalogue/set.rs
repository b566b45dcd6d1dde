//! `Set` (Apex Reference Guide, "Set Class").

use super::comparable::iterator;
use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Set<T>")
        .method("Boolean add(T element)", add)
        .method("Boolean addAll(List<T> others)", add_all)
        .method("Boolean addAll(Set<T> others)", add_all)
        .method("void clear()", clear)
        .method("Set<T> clone()", copy)
        .method("Boolean contains(T element)", contains)
        .method("Boolean containsAll(List<T> others)", contains_all)
        .method("Boolean containsAll(Set<T> others)", contains_all)
        .method("Boolean isEmpty()", is_empty)
        .method("Iterator<T> iterator()", iterator)
        .method("Boolean remove(T element)", remove)
        .method("Boolean removeAll(List<T> others)", remove_all)
        .method("Boolean removeAll(Set<T> others)", remove_all)
        .method("Boolean retainAll(List<T> others)", retain_all)
        .method("Boolean retainAll(Set<T> others)", retain_all)
        .method("Integer size()", size);
}

fn add(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.set_add(this, m.any(arguments, 0))?))
}

fn others(m: &Machine<'_>, arguments: &[Value]) -> Run<Vec<Value>> {
    match arguments.first() {
        None | Some(Value::Null) => Err(m.null_argument()),
        Some(collection) => m.elements(collection),
    }
}

fn add_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let mut changed = false;
    for element in others(m, arguments)? {
        changed |= m.set_add(this, element)?;
    }
    Ok(Value::Boolean(changed))
}

fn clear(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let Value::Set(set) = this else {
        return Err(m.null_pointer());
    };
    m.may_change(set.iterating.get())?;
    set.table.borrow_mut().clear();
    Ok(Value::Null)
}

fn copy(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let Value::Set(set) = this else {
        return Err(m.null_pointer());
    };
    let table = set.table.borrow().clone();
    Ok(Value::set(set.element.clone(), table))
}

fn contains(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let element = m.any(arguments, 0);
    Ok(Value::Boolean(m.contains(this, &element)?))
}

fn contains_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let all = others(m, arguments)?;
    Ok(Value::Boolean(m.contains_all(this, &all)?))
}

fn is_empty(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.size(this) == 0))
}

fn remove(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let element = m.any(arguments, 0);
    Ok(Value::Boolean(m.set_remove(this, &element)?))
}

fn remove_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let mut changed = false;
    for element in others(m, arguments)? {
        changed |= m.set_remove(this, &element)?;
    }
    Ok(Value::Boolean(changed))
}

fn retain_all(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let kept = match arguments.first() {
        None | Some(Value::Null) => return Err(m.null_argument()),
        Some(collection) => collection.clone(),
    };
    let mut changed = false;
    for element in m.elements(this)? {
        if !m.contains(&kept, &element)? {
            changed |= m.set_remove(this, &element)?;
        }
    }
    Ok(Value::Boolean(changed))
}

fn size(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(m.count_of(m.size(this)))
}
