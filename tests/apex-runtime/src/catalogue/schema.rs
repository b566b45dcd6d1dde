//! `Schema`: tokens and what is told of objects (Apex Reference Guide, "Schema Namespace").

use std::sync::Arc;

use super::declaration::Declarations;
use crate::host::{ObjectAccess, RecordType};
use crate::run::hash_table::HashTable;
use crate::run::value::{RecordObject, Value};
use crate::run::{Machine, Run};
use crate::schema::{ChildRelationship, SObjectType};
use crate::types::Type;

/// A `Schema.DescribeSObjectResult`, and its `fields`.
#[derive(Debug, Clone)]
struct DescribedObject {
    object: Arc<SObjectType>,
}

#[derive(Debug, Clone)]
struct Child {
    child: ChildRelationship,
}

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Schema")
        .method(
            "static Map<String, SObjectType> getGlobalDescribe()",
            global_describe,
        )
        .method(
            "static List<Schema.DescribeSObjectResult> describeSObjects(List<String> names)",
            describe_named,
        );
    catalogue.enumeration("Schema.SObjectDescribeOptions", &["DEFAULT", "DEFERRED", "FULL"]);
    catalogue
        .class("Schema.SObjectType")
        .method("Schema.DescribeSObjectResult getDescribe()", describe)
        .method(
            "Schema.DescribeSObjectResult getDescribe(Schema.SObjectDescribeOptions options)",
            describe,
        )
        .method("SObject newSObject()", new_record)
        .method("SObject newSObject(Id id)", new_record)
        .method(
            "SObject newSObject(Id recordType, Boolean defaults)",
            new_record_with_defaults,
        );
    catalogue
        .class("Schema.SObjectTypeFields")
        .method("Map<String, SObjectField> getMap()", field_map);
    let class = catalogue.class("Schema.DescribeSObjectResult");
    class
        .method("String getName()", |m, this, _| {
            text(m, this, |o| o.name.to_string())
        })
        .method("String getLocalName()", |m, this, _| {
            text(m, this, |o| o.name.to_string())
        })
        .method("String getLabel()", |m, this, _| {
            text(m, this, |o| o.label.clone())
        })
        .method("String getLabelPlural()", |m, this, _| {
            text(m, this, |o| o.label_plural.clone())
        })
        .method("String getKeyPrefix()", key_prefix)
        .method("Boolean isCustom()", |m, this, _| {
            Ok(Value::Boolean(described(m, this)?.custom))
        })
        .method("Boolean isCustomSetting()", |m, this, _| {
            Ok(Value::Boolean(described(m, this)?.setting.is_some()))
        })
        .method("Boolean isAccessible()", |m, this, _| may(m, this, |a| a.read))
        .method("Boolean isCreateable()", |m, this, _| may(m, this, |a| a.create))
        .method("Boolean isUpdateable()", |m, this, _| may(m, this, |a| a.edit))
        .method("Boolean isDeletable()", |m, this, _| may(m, this, |a| a.delete))
        .method("Boolean isUndeletable()", |m, this, _| {
            let able = abilities(m, this, |a| a.undeletable)?;
            may(m, this, |a| able && a.delete)
        })
        .method("Boolean isMergeable()", |m, this, _| {
            Ok(Value::Boolean(abilities(m, this, |a| a.mergeable)?))
        })
        .method("Boolean isQueryable()", |m, this, _| {
            Ok(Value::Boolean(abilities(m, this, |a| a.queryable)?))
        })
        .method("Boolean isSearchable()", |m, this, _| {
            Ok(Value::Boolean(abilities(m, this, |a| a.searchable)?))
        })
        .method("SObjectType getSObjectType()", |m, this, _| {
            Ok(Value::ObjectToken(Arc::clone(&described(m, this)?.name)))
        })
        .method(
            "List<Schema.ChildRelationship> getChildRelationships()",
            child_relationships,
        )
        .method("List<Schema.RecordTypeInfo> getRecordTypeInfos()", record_types)
        .method(
            "Map<Id, Schema.RecordTypeInfo> getRecordTypeInfosById()",
            |m, this, _| record_types_by(m, this, |t| Value::Id(Arc::clone(&t.id)), Type::Id),
        )
        .method(
            "Map<String, Schema.RecordTypeInfo> getRecordTypeInfosByName()",
            |m, this, _| record_types_by(m, this, |t| Value::String(Arc::clone(&t.name)), Type::String),
        )
        .method(
            "Map<String, Schema.RecordTypeInfo> getRecordTypeInfosByDeveloperName()",
            |m, this, _| {
                let key = |t: &RecordType| Value::String(Arc::clone(&t.developer_name));
                record_types_by(m, this, key, Type::String)
            },
        )
        .property("Schema.SObjectTypeFields fields", fields, None)
        .property("Schema.SObjectTypeFieldSets fieldSets", field_sets, None);
    catalogue
        .class("Schema.ChildRelationship")
        .method("SObjectType getChildSObject()", |m, this, _| {
            Ok(Value::ObjectToken(child(m, this)?.child))
        })
        .method("SObjectField getField()", |m, this, _| {
            let child = child(m, this)?;
            Ok(Value::FieldToken(child.child, child.field))
        })
        .method("String getRelationshipName()", |m, this, _| {
            let name = child(m, this)?.name;
            Ok(if name.is_empty() {
                Value::Null
            } else {
                Value::String(name)
            })
        })
        .method("Boolean isCascadeDelete()", |m, this, _| {
            Ok(Value::Boolean(child(m, this)?.cascade_delete))
        });
    catalogue
        .class("Schema.RecordTypeInfo")
        .method("Id getRecordTypeId()", |m, this, _| {
            Ok(Value::Id(record_type(m, this)?.id))
        })
        .method("String getName()", |m, this, _| {
            Ok(Value::String(record_type(m, this)?.name))
        })
        .method("String getDeveloperName()", |m, this, _| {
            Ok(Value::String(record_type(m, this)?.developer_name))
        })
        .method("Boolean isActive()", |m, this, _| {
            Ok(Value::Boolean(record_type(m, this)?.active))
        })
        .method("Boolean isAvailable()", |m, this, _| {
            Ok(Value::Boolean(record_type(m, this)?.available))
        })
        .method("Boolean isDefaultRecordTypeMapping()", |m, this, _| {
            Ok(Value::Boolean(record_type(m, this)?.default))
        })
        .method("Boolean isMaster()", |m, this, _| {
            Ok(Value::Boolean(record_type(m, this)?.master))
        });
}

/// The object of a token or describe.
fn object_of(m: &Machine<'_>, this: &Value) -> Run<Arc<SObjectType>> {
    let Value::ObjectToken(name) = this else {
        return Err(m.null_pointer());
    };
    match m.program.schema.object(name) {
        Some(object) => Ok(Arc::clone(object)),
        None => Err(m.not_supported(format!("the describe of {name}"))),
    }
}

fn described(m: &Machine<'_>, this: &Value) -> Run<Arc<SObjectType>> {
    m.with_state(this, |described: &mut DescribedObject| {
        Arc::clone(&described.object)
    })
}

fn text(m: &Machine<'_>, this: &Value, part: impl Fn(&SObjectType) -> String) -> Run<Value> {
    Ok(Value::from(part(&*described(m, this)?)))
}

/// The names are in lower case (Apex Developer Guide, "Using Schema Methods": they are case insensitive).
fn global_describe(m: &mut Machine<'_>, _: &Value, _: &[Value]) -> Run<Value> {
    let token = m
        .catalogue
        .find("Schema.SObjectType")
        .map_or(Type::Object, Type::platform);
    let map = Value::map(Type::String, token, HashTable::default());
    let schema = Arc::clone(&m.program.schema);
    for object in schema.objects() {
        let key = Value::from(object.name.to_ascii_lowercase());
        m.map_put(&map, key, Value::ObjectToken(Arc::clone(&object.name)))?;
    }
    m.ignore_key_case(&map);
    Ok(map)
}

fn describe_named(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let names = m.any(arguments, 0);
    let mut found = Vec::new();
    for name in m.elements(&names)? {
        let Value::String(name) = name else {
            return Err(m.null_argument());
        };
        let Some(object) = m.program.schema.object(&name).map(Arc::clone) else {
            let message = format!("sObject type '{name}' is not supported.");
            return Err(m.raise("InvalidParameterValueException", message));
        };
        found.push(m.platform_object("Schema.DescribeSObjectResult", DescribedObject { object })?);
    }
    let element = m
        .catalogue
        .find("Schema.DescribeSObjectResult")
        .map_or(Type::Object, Type::platform);
    Ok(Value::list(element, found))
}

fn describe(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let object = object_of(m, this)?;
    m.platform_object("Schema.DescribeSObjectResult", DescribedObject { object })
}

fn new_record(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let record = RecordObject::new(Arc::clone(&object_of(m, this)?.name));
    if let Some(id @ Value::Id(_)) = arguments.first() {
        record.fields.borrow_mut().insert("Id".into(), id.clone());
    }
    Ok(Value::Record(std::rc::Rc::new(record)))
}

/// Without defaults it is a record with a record type.
fn new_record_with_defaults(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    if m.boolean(arguments, 1)? {
        return Err(m.not_supported("newSObject with default values"));
    }
    let made = new_record(m, this, &[])?;
    if let Some(id @ Value::Id(_)) = arguments.first() {
        m.set_record_member(&made, &"RecordTypeId".into(), id.clone())?;
    }
    Ok(made)
}

fn fields(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let object = described(m, this)?;
    m.platform_object("Schema.SObjectTypeFields", DescribedObject { object })
}

fn field_sets(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let object = described(m, this)?;
    super::field_set::all_of(m, object)
}

/// Keys are in lower case, and found in any case.
fn field_map(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let object = described(m, this)?;
    let token = m
        .catalogue
        .find("Schema.SObjectField")
        .map_or(Type::Object, Type::platform);
    let map = Value::map(Type::String, token, HashTable::default());
    for field in &object.fields {
        let key = Value::from(field.name.to_ascii_lowercase());
        let token = Value::FieldToken(Arc::clone(&object.name), Arc::clone(&field.name));
        m.map_put(&map, key, token)?;
    }
    m.ignore_key_case(&map);
    Ok(map)
}

fn key_prefix(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let prefix = described(m, this)?.key_prefix.clone();
    Ok(prefix.map_or(Value::Null, Value::from))
}

fn may(m: &Machine<'_>, this: &Value, test: impl Fn(ObjectAccess) -> bool) -> Run<Value> {
    let object = described(m, this)?;
    let access = m
        .host
        .object_access(&object.name)
        .map_err(|error| m.from_host(error))?;
    Ok(Value::Boolean(test(access)))
}

fn abilities(
    m: &Machine<'_>,
    this: &Value,
    part: impl Fn(crate::schema::ObjectAbilities) -> bool,
) -> Run<bool> {
    let object = described(m, this)?;
    match object.abilities {
        Some(abilities) => Ok(part(abilities)),
        None => Err(m.not_supported(format!("what {} allows", object.name))),
    }
}

fn child_relationships(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let object = described(m, this)?;
    if let Some(Value::List(known)) = m.child_describes.get(&object.name) {
        return Ok(Value::list(known.element.clone(), known.items.borrow().clone()));
    }
    let mut found = Vec::new();
    for child in &object.children {
        let child = child.clone();
        found.push(m.platform_object("Schema.ChildRelationship", Child { child })?);
    }
    let element = m
        .catalogue
        .find("Schema.ChildRelationship")
        .map_or(Type::Object, Type::platform);
    let known = Value::list(element.clone(), found.clone());
    m.child_describes.insert(Arc::clone(&object.name), known);
    Ok(Value::list(element, found))
}

fn child(m: &Machine<'_>, this: &Value) -> Run<ChildRelationship> {
    m.with_state(this, |child: &mut Child| child.child.clone())
}

fn all_record_types(m: &Machine<'_>, this: &Value) -> Run<Vec<(RecordType, Value)>> {
    let object = described(m, this)?;
    let found = m
        .host
        .record_types(&object.name)
        .map_err(|error| m.from_host(error))?;
    let mut all = Vec::new();
    for record_type in found {
        let info = m.platform_object("Schema.RecordTypeInfo", record_type.clone())?;
        all.push((record_type, info));
    }
    Ok(all)
}

fn record_type_info(m: &Machine<'_>) -> Type {
    m.catalogue
        .find("Schema.RecordTypeInfo")
        .map_or(Type::Object, Type::platform)
}

fn record_types(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let all = all_record_types(m, this)?;
    let infos = all.into_iter().map(|(_, info)| info).collect();
    Ok(Value::list(record_type_info(m), infos))
}

fn record_types_by(
    m: &mut Machine<'_>,
    this: &Value,
    key: impl Fn(&RecordType) -> Value,
    ty: Type,
) -> Run<Value> {
    let map = Value::map(ty, record_type_info(m), HashTable::default());
    for (record_type, info) in all_record_types(m, this)? {
        m.map_put(&map, key(&record_type), info)?;
    }
    Ok(map)
}

fn record_type(m: &Machine<'_>, this: &Value) -> Run<RecordType> {
    m.with_state(this, |info: &mut RecordType| info.clone())
}
