//! Platform Cache in tests (Apex Reference Guide, "Cache Namespace"): what a test puts there is its own and gone with
//! it, so the transaction holds it. Outside of tests the cache outlives a transaction and is refused.

use std::rc::Rc;
use std::sync::Arc;

use super::declaration::{Declarations, NativeFunction};
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

/// A partition by its qualified name, of the org's or the session's cache.
#[derive(Debug, Clone)]
struct Partition {
    name: Arc<str>,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.exception("Cache.InvalidParamException");
    catalogue.enumeration("Cache.Visibility", &["ALL", "NAMESPACE"]);
    catalogue
        .interface("Cache.CacheBuilder")
        .abstract_method("Object doLoad(String key)");
    let class = catalogue.class("Cache.Partition");
    for (signature, function) in METHODS {
        class.method(signature, *function);
    }
    class.method("String getName()", name);
    catalogue.class("Cache.OrgPartition").extends("Cache.Partition");
    catalogue
        .class("Cache.SessionPartition")
        .extends("Cache.Partition");
    catalogue
        .class("Cache.Org")
        .method("static Cache.OrgPartition getPartition(String name)", org);
    catalogue
        .class("Cache.Session")
        .method("static Cache.SessionPartition getPartition(String name)", session)
        .method("static Boolean isAvailable()", available);
}

const METHODS: &[(&str, NativeFunction)] = &[
    ("Boolean contains(String key)", contains),
    ("Object get(String key)", get),
    ("Object get(Type builder, String key)", get_built),
    ("Double getCapacity()", capacity),
    ("Set<String> getKeys()", keys),
    ("Boolean isAvailable()", available),
    ("void put(String key, Object value)", put),
    ("void put(String key, Object value, Integer seconds)", put),
    ("Boolean remove(String key)", remove),
];

fn partition(m: &mut Machine<'_>, class: &str, prefix: &str, arguments: &[Value]) -> Run<Value> {
    if !m.test.running {
        return Err(m.not_supported("Platform Cache outside of tests"));
    }
    let name = m.text(arguments, 0)?;
    let name = format!("{prefix}.{name}").into();
    m.platform_object(class, Partition { name })
}

fn org(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    partition(m, "Cache.OrgPartition", "org", arguments)
}

fn session(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    partition(m, "Cache.SessionPartition", "session", arguments)
}

fn available(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(m.test.running))
}

/// The place of a key: keys are letters and digits, up to fifty.
fn place(m: &Machine<'_>, this: &Value, key: &Arc<str>) -> Run<(Arc<str>, Arc<str>)> {
    let partition = m.with_state(this, |p: &mut Partition| Arc::clone(&p.name))?;
    if key.is_empty() || key.len() > 50 || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(m.raise("Cache.InvalidParamException", format!("Invalid key: {key}")));
    }
    Ok((partition, Arc::clone(key)))
}

fn given(m: &Machine<'_>, this: &Value, arguments: &[Value]) -> Run<(Arc<str>, Arc<str>)> {
    let key = m.text(arguments, 0)?;
    place(m, this, &key)
}

fn contains(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let place = given(m, this, arguments)?;
    Ok(Value::Boolean(m.cache.contains_key(&place)))
}

fn get(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let place = given(m, this, arguments)?;
    Ok(m.cache.get(&place).cloned().unwrap_or(Value::Null))
}

/// What is not there yet is loaded by an object of the class.
fn get_built(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let Some(Value::Type(builder)) = arguments.first() else {
        return Err(m.null_argument());
    };
    let key = m.text(arguments, 1)?;
    // Entries of builders have keys of their own.
    let partition = m.with_state(this, |p: &mut Partition| Arc::clone(&p.name))?;
    let place = (partition, Arc::from(format!("{}:{key}", m.type_name(builder))));
    if let Some(found) = m.cache.get(&place) {
        return Ok(found.clone());
    }
    let builder = super::r#type::new_instance(m, &Value::Type(Rc::clone(builder)), &[])?;
    let loaded = m.invoke_interface("Cache.CacheBuilder", "doLoad", &builder, &[Value::String(key)])?;
    m.cache.insert(place, loaded.clone());
    Ok(loaded)
}

/// How much of the partition is used, in percent. What a value takes is not known here.
fn capacity(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let keys = keys(m, this, arguments)?;
    match m.elements(&keys)?.is_empty() {
        true => Ok(Value::Double(0.0)),
        false => Err(m.not_supported("Cache.Partition.getCapacity of a partition that holds something")),
    }
}

fn keys(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let partition = m.with_state(this, |p: &mut Partition| Arc::clone(&p.name))?;
    let mut keys: Vec<_> = m
        .cache
        .keys()
        .filter(|(of, _)| *of == partition)
        .map(|(_, key)| Arc::clone(key))
        .collect();
    keys.sort();
    let keys = keys.into_iter().map(Value::String).collect();
    m.new_collection(&Type::set(Type::String), Some(Value::list(Type::String, keys)))
}

fn put(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let place = given(m, this, arguments)?;
    let value = m.any(arguments, 1);
    if value.is_null() {
        return Err(m.null_argument());
    }
    m.cache.insert(place, value);
    Ok(Value::Null)
}

fn remove(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let place = given(m, this, arguments)?;
    Ok(Value::Boolean(m.cache.remove(&place).is_some()))
}

fn name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    m.with_state(this, |p: &mut Partition| Value::String(Arc::clone(&p.name)))
}
