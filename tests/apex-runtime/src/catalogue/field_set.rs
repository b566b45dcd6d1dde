//! Field sets (Apex Reference Guide, "FieldSet Class", "FieldSetMember Class").

use std::sync::Arc;

use super::declaration::Declarations;
use crate::run::hash_table::HashTable;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::schema::{FieldSet, SObjectField, SObjectMember, SObjectType};
use crate::types::Type;

/// The `fieldSets` of a describe.
#[derive(Debug, Clone)]
struct FieldSets {
    object: Arc<SObjectType>,
}

#[derive(Debug, Clone)]
struct OneSet {
    object: Arc<SObjectType>,
    set: FieldSet,
}

#[derive(Debug, Clone)]
struct Member {
    object: Arc<str>,
    path: Arc<str>,
    field: SObjectField,
    required: bool,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("Schema.SObjectTypeFieldSets")
        .method("Map<String, Schema.FieldSet> getMap()", map);
    catalogue
        .class("Schema.FieldSet")
        .method("String getName()", |m, this, _| {
            Ok(Value::String(set(m, this)?.set.name))
        })
        .method("String getLabel()", |m, this, _| {
            Ok(Value::from(set(m, this)?.set.label))
        })
        .method("String getDescription()", |m, this, _| {
            let description = set(m, this)?.set.description;
            Ok(description.map_or(Value::Null, Value::from))
        })
        // Nothing here has a namespace.
        .method("String getNamespace()", |_, _, _| Ok(Value::Null))
        .method("SObjectType getSObjectType()", |m, this, _| {
            Ok(Value::ObjectToken(Arc::clone(&set(m, this)?.object.name)))
        })
        .method("List<Schema.FieldSetMember> getFields()", fields);
    catalogue
        .class("Schema.FieldSetMember")
        .method("String getFieldPath()", |m, this, _| {
            Ok(Value::String(member(m, this)?.path))
        })
        .method("String getLabel()", |m, this, _| {
            Ok(Value::from(member(m, this)?.field.label))
        })
        .method("Boolean getRequired()", |m, this, _| {
            Ok(Value::Boolean(member(m, this)?.required))
        })
        .method("Boolean getDBRequired()", |m, this, _| {
            let field = member(m, this)?.field;
            Ok(Value::Boolean(
                !field.nillable && field.createable && field.default_value.is_none(),
            ))
        })
        .method("SObjectField getSObjectField()", |m, this, _| {
            let member = member(m, this)?;
            Ok(Value::FieldToken(member.object, member.field.name))
        })
        .method("Schema.DisplayType getType()", |m, this, _| {
            let field = member(m, this)?.field;
            super::schema_field::type_of(m, &field)
        });
}

/// The field sets of an object.
pub(super) fn all_of(m: &Machine<'_>, object: Arc<SObjectType>) -> Run<Value> {
    m.platform_object("Schema.SObjectTypeFieldSets", FieldSets { object })
}

fn set(m: &Machine<'_>, this: &Value) -> Run<OneSet> {
    m.with_state(this, |set: &mut OneSet| set.clone())
}

fn member(m: &Machine<'_>, this: &Value) -> Run<Member> {
    m.with_state(this, |member: &mut Member| member.clone())
}

/// Keys are in lower case, and found in any case, as those of fields.
fn map(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let object = m.with_state(this, |sets: &mut FieldSets| Arc::clone(&sets.object))?;
    let map = Value::map(Type::String, class(m, "Schema.FieldSet"), HashTable::default());
    for known in &object.field_sets {
        let key = Value::from(known.name.to_ascii_lowercase());
        let set = OneSet {
            object: Arc::clone(&object),
            set: known.clone(),
        };
        let set = m.platform_object("Schema.FieldSet", set)?;
        m.map_put(&map, key, set)?;
    }
    m.ignore_key_case(&map);
    Ok(map)
}

fn class(m: &Machine<'_>, name: &str) -> Type {
    m.catalogue.find(name).map_or(Type::Object, Type::platform)
}

fn fields(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let OneSet { object, set } = set(m, this)?;
    let mut members = Vec::with_capacity(set.fields.len());
    for (path, required) in set.fields {
        let Some((object, field)) = at_path(m, &object, &path) else {
            return Err(m.not_supported(format!("the field {path} of a field set")));
        };
        let member = Member {
            object,
            path,
            field,
            required,
        };
        members.push(m.platform_object("Schema.FieldSetMember", member)?);
    }
    Ok(Value::list(class(m, "Schema.FieldSetMember"), members))
}

/// The field at a path such as `Account.Name`, with its object.
fn at_path(m: &Machine<'_>, object: &Arc<SObjectType>, path: &str) -> Option<(Arc<str>, SObjectField)> {
    let mut object = Arc::clone(object);
    let mut steps: Vec<&str> = path.split('.').collect();
    let last = steps.pop()?;
    for step in steps {
        let Some(SObjectMember::Parent(reference, _)) = object.member(step) else {
            return None;
        };
        let [target] = reference.reference_to.as_slice() else {
            return None;
        };
        object = Arc::clone(m.program.schema.object(target)?);
    }
    let field = object.field(last)?.clone();
    Some((Arc::clone(&object.name), field))
}
