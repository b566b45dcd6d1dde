//! `SObject` (Apex Reference Guide, "SObject Class").

use std::rc::Rc;
use std::sync::Arc;

use super::absent_objects;
use super::declaration::Declarations;
use crate::run::dml::id_of;
use crate::run::hash_table::HashTable;
use crate::run::value::{AddedError, RecordObject, Value};
use crate::run::{Machine, Run};
use crate::schema::SObjectMember;
use crate::types::Type;

pub(super) fn declare(catalogue: &mut Declarations) {
    let class = catalogue.class("System.SObject");
    class
        .method("Object get(String field)", get)
        .method("Object get(SObjectField field)", get)
        .method("Object put(String field, Object value)", put)
        .method("Object put(SObjectField field, Object value)", put)
        .method("SObjectType getSObjectType()", object_type)
        .method("SObject getSObject(String relationship)", parent)
        .method("SObject getSObject(SObjectField field)", parent)
        .method("List<SObject> getSObjects(String relationship)", children)
        .method(
            "SObject putSObject(String relationship, SObject value)",
            put_parent,
        )
        .method(
            "SObject putSObject(SObjectField field, SObject value)",
            put_parent,
        )
        .method("Boolean isSet(String field)", is_set)
        .method("Boolean isSet(SObjectField field)", is_set)
        .method("Map<String, Object> getPopulatedFieldsAsMap()", populated)
        .method("Boolean hasErrors()", has_errors)
        .method("List<Database.Error> getErrors()", errors)
        .method("Boolean isClone()", is_clone)
        .method("Id getCloneSourceId()", clone_source)
        .method("void clear()", clear)
        .method("void addError(String message)", add_error)
        .method("void addError(Exception cause)", add_error)
        .method("void addError(String message, Boolean escape)", add_error)
        .method("void addError(Exception cause, Boolean escape)", add_error)
        .method("void addError(String field, String message)", add_field_error)
        .method(
            "void addError(SObjectField field, String message)",
            add_field_error,
        )
        .method(
            "void addError(String field, String message, Boolean escape)",
            add_field_error,
        )
        .method(
            "void addError(SObjectField field, String message, Boolean escape)",
            add_field_error,
        );
    for count in 0..=4 {
        let flags: Vec<_> = (0..count).map(|n| format!("Boolean flag{n}")).collect();
        class.method(&format!("SObject clone({})", flags.join(", ")), copy);
    }
}

/// The record behind a value.
pub(crate) fn record(m: &Machine<'_>, this: &Value) -> Run<Rc<RecordObject>> {
    match this {
        Value::Record(record) => Ok(Rc::clone(record)),
        _ => Err(m.null_pointer()),
    }
}

/// A field given by its name or token, as the schema writes it.
fn field_name(m: &Machine<'_>, record: &RecordObject, field: &Value) -> Run<Arc<str>> {
    let written = match field {
        Value::String(name) => Arc::clone(name),
        Value::FieldToken(object, name) if *object == record.object => return Ok(Arc::clone(name)),
        Value::FieldToken(_, name) => Arc::clone(name),
        _ => return Err(m.null_argument()),
    };
    if let Some(described) = m.program.schema.object(&record.object) {
        if let Some(field) = described.field(&written) {
            return Ok(Arc::clone(&field.name));
        }
    } else {
        // Rows of aggregates have the names that the query gave.
        let fields = record.fields.borrow();
        if let Some(name) = fields.keys().find(|name| name.eq_ignore_ascii_case(&written)) {
            return Ok(Arc::clone(name));
        }
    }
    if absent_objects::is_field(&record.object, &written) {
        return Err(m.not_supported(format!("{}.{written}", record.object)));
    }
    let message = format!("Invalid field {written} for {}", record.object);
    Err(m.raise("SObjectException", message))
}

fn get(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let name = field_name(m, &*record(m, this)?, &m.any(arguments, 0))?;
    m.record_field(this, &name)
}

/// Returns what the field held before.
fn put(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    let name = field_name(m, &target, &m.any(arguments, 0))?;
    let old = target.fields.borrow().get(&name).cloned().unwrap_or(Value::Null);
    let schema = Arc::clone(&m.program.schema);
    let kind = schema
        .object(&target.object)
        .and_then(|object| object.field(&name))
        .map(|field| field.kind);
    let mut value = m.any(arguments, 1);
    if let (Some(kind), false) = (kind, value.is_null()) {
        let (from, to) = (m.runtime_type(&value), kind.apex_type());
        value = match m.program.hierarchy().assign(&from, &to) {
            Some((conversion, _)) => m.convert(conversion, value)?,
            None => {
                let (from, to) = (m.type_name(&from), m.type_name(&to));
                let message = format!("Illegal assignment from {from} to {to}");
                return Err(m.raise("SObjectException", message));
            }
        };
    }
    m.set_record_member(this, &name, value)?;
    Ok(old)
}

fn object_type(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::ObjectToken(Arc::clone(&record(m, this)?.object)))
}

/// The relationship named, or behind a token of the field that points at the parent.
fn relationship(m: &Machine<'_>, record: &RecordObject, given: &Value) -> Run<(Arc<str>, bool)> {
    let written = match given {
        Value::String(name) | Value::FieldToken(_, name) => Arc::clone(name),
        _ => return Err(m.null_argument()),
    };
    let Some(described) = m.program.schema.object(&record.object) else {
        return Err(m.not_supported(format!("relationships of {}", record.object)));
    };
    match (given, described.member(&written)) {
        (_, Some(SObjectMember::Parent(_, name))) => Ok((name, false)),
        (_, Some(SObjectMember::Children(children))) => Ok((Arc::clone(&children.name), true)),
        (Value::FieldToken(..), Some(SObjectMember::Field(field))) if field.relationship_name.is_some() => {
            Ok((field.relationship_name.clone().unwrap_or_default(), false))
        }
        _ => {
            let message = format!("Invalid relationship {written} for {}", record.object);
            Err(m.raise("SObjectException", message))
        }
    }
}

fn parent(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let (name, _) = relationship(m, &*record(m, this)?, &m.any(arguments, 0))?;
    m.related(this, &name, false)
}

fn children(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    let (name, _) = relationship(m, &target, &m.any(arguments, 0))?;
    // Null where the subquery found none (Apex Reference Guide, getSObjects).
    let found = target.related.borrow().get(&name).cloned();
    match found {
        Some(Value::List(list)) if list.items.borrow().is_empty() => Ok(Value::Null),
        Some(list) => Ok(list),
        None => Ok(Value::Null),
    }
}

fn put_parent(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    let (name, many) = relationship(m, &target, &m.any(arguments, 0))?;
    if many {
        return Err(m.not_supported("putSObject of a list of children"));
    }
    let old = target.related.borrow().get(&name).cloned().unwrap_or(Value::Null);
    m.set_record_member(this, &name, m.any(arguments, 1))?;
    Ok(old)
}

/// Set in code, or brought by the query.
fn is_set(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    let name = field_name(m, &target, &m.any(arguments, 0))?;
    let queried = target.queried.borrow();
    let brought = queried.as_ref().is_some_and(|all| all.contains(&name));
    Ok(Value::Boolean(
        brought || target.fields.borrow().contains_key(&name),
    ))
}

fn populated(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    let map = Value::map(Type::String, Type::Object, HashTable::default());
    let mut entries: Vec<_> = target.fields.borrow().clone().into_iter().collect();
    // What a query found empty is not populated.
    let queried = target.queried.borrow().clone();
    entries
        .retain(|(name, value)| !value.is_null() || !queried.as_ref().is_some_and(|all| all.contains(name)));
    entries.extend(target.related.borrow().clone());
    for (name, value) in entries {
        m.map_put(&map, Value::String(name), value)?;
    }
    Ok(map)
}

fn clear(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    if target.read_only.get() {
        return Err(m.raise("FinalException", "Record is read-only"));
    }
    target.fields.borrow_mut().clear();
    target.related.borrow_mut().clear();
    Ok(Value::Null)
}

/// Takes from a copy what belongs to its original, unless it is to be kept.
pub(super) fn forget_identity(
    m: &Machine<'_>,
    copy: &RecordObject,
    keep_id: bool,
    keep_timestamps: bool,
    keep_numbers: bool,
) {
    const TIMESTAMPS: [&str; 4] = [
        "CreatedById",
        "CreatedDate",
        "LastModifiedById",
        "LastModifiedDate",
    ];
    let described = m.program.schema.object(&copy.object);
    copy.fields.borrow_mut().retain(|name, _| {
        let auto_number = described
            .and_then(|object| object.field(name))
            .and_then(|field| field.details.as_ref())
            .is_some_and(|details| details.auto_number);
        match &**name {
            "Id" => keep_id,
            name if TIMESTAMPS.contains(&name) => keep_timestamps,
            _ => keep_numbers || !auto_number,
        }
    });
}

/// `clone(preserveId, isDeepClone, preserveReadonlyTimestamps, preserveAutonumber)`, all false by default.
fn copy(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let source = record(m, this)?;
    let flag = |index: usize| matches!(arguments.get(index), Some(Value::Boolean(true)));
    let copy = m.copy_record(&source);
    forget_identity(m, &copy, flag(0), flag(2), flag(3));
    if flag(1) {
        for related in copy.related.borrow_mut().values_mut() {
            if let Value::Record(parent) = related {
                *related = Value::Record(m.copy_record(parent));
            }
        }
    }
    *copy.cloned_from.borrow_mut() = Some(id_of(&source).unwrap_or_default());
    Ok(Value::Record(copy))
}

fn is_clone(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(record(m, this)?.cloned_from.borrow().is_some()))
}

fn clone_source(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let source = record(m, this)?.cloned_from.borrow().clone();
    Ok(source.filter(|id| !id.is_empty()).map_or(Value::Null, Value::Id))
}

fn message(m: &Machine<'_>, given: &Value) -> Run<Arc<str>> {
    match given {
        Value::String(text) => Ok(Arc::clone(text)),
        Value::Object(exception) if exception.exception.is_some() => Ok(m.exception_message(exception)),
        _ => Err(m.null_argument()),
    }
}

fn add_error(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let message = message(m, &m.any(arguments, 0))?;
    let error = AddedError { field: None, message };
    record(m, this)?.errors.borrow_mut().push(error);
    Ok(Value::Null)
}

fn add_field_error(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let target = record(m, this)?;
    let field = Some(field_name(m, &target, &m.any(arguments, 0))?);
    let message = message(m, &m.any(arguments, 1))?;
    target.errors.borrow_mut().push(AddedError { field, message });
    Ok(Value::Null)
}

fn has_errors(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::Boolean(!record(m, this)?.errors.borrow().is_empty()))
}

fn errors(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let added = record(m, this)?.errors.borrow().clone();
    let all = added
        .into_iter()
        .map(|error| {
            let fields = error.field.iter().map(ToString::to_string).collect();
            let code = "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned();
            (code, error.message.to_string(), fields)
        })
        .collect::<Vec<_>>();
    m.database_errors(&all)
}
