//! Interfaces that programs implement and the language knows.

use super::declaration::Declarations;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// An iterator over the elements that a collection had when it was made.
#[derive(Debug)]
struct Elements {
    items: Vec<Value>,
    next: usize,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .interface("System.Comparable")
        .abstract_method("Integer compareTo(Object other)");
    catalogue
        .interface("System.Comparator<T>")
        .abstract_method("Integer compare(T a, T b)");
    catalogue
        .interface("System.Callable")
        .abstract_method("Object call(String action, Map<String, Object> args)");
    catalogue
        .interface("System.Iterable<T>")
        .abstract_method("Iterator<T> iterator()");
    catalogue
        .interface("System.Iterator<T>")
        .method("Boolean hasNext()", has_next)
        .method("T next()", next);
}

/// The iterator of a list or set.
pub(super) fn iterator(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let items = m.elements(this)?;
    let element = m
        .runtime_type(this)
        .arguments()
        .into_iter()
        .next()
        .unwrap_or(Type::Object);
    Ok(Value::native(
        Type::Iterator(element.into()),
        Elements { items, next: 0 },
    ))
}

fn has_next(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |state: &mut Elements| {
        Value::Boolean(state.next < state.items.len())
    })
}

fn next(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let found = m.with_state(this, |state: &mut Elements| {
        let item = state.items.get(state.next).cloned();
        state.next += 1;
        item
    })?;
    found.ok_or_else(|| m.raise("NoSuchElementException", ""))
}
