//! Custom settings and custom metadata types (Apex Reference Guide, "Custom Settings Methods", "Custom Metadata
//! Type Methods"). They are read through the org's query without counting as queries.

use std::rc::Rc;
use std::sync::Arc;

use super::database::system_query;
use super::declaration::Declarations;
use crate::host::QueryAnswer;
use crate::run::hash_table::HashTable;
use crate::run::metadata_query::is_long_text;
use crate::run::value::{RecordObject, Value};
use crate::run::{Machine, Run};
use crate::schema::{CustomSetting, FieldKind, SObjectType};
use crate::types::Type;

/// The methods that `MySetting__c` and `MyType__mdt` have; the compiler passes the type first.
pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.CustomSettingOrMetadata")
        .method("static SObject getInstance(Object type)", instance)
        .method("static SObject getInstance(Object type, String key)", instance)
        .method("static SObject getInstance(Object type, Id owner)", instance)
        .method("static SObject getOrgDefaults(Object type)", org_defaults)
        .method("static SObject getValues(Object type, String key)", values)
        .method("static SObject getValues(Object type, Id owner)", values)
        .method("static Map<String, SObject> getAll(Object type)", all);
}

fn object_of(m: &Machine<'_>, arguments: &[Value]) -> Run<Arc<SObjectType>> {
    match arguments.first() {
        Some(Value::Type(ty)) => match &**ty {
            Type::Record(name) => match m.program.schema.object(name) {
                Some(object) => Ok(Arc::clone(object)),
                None => Err(m.not_supported(format!("the object {name}"))),
            },
            _ => Err(m.null_pointer()),
        },
        _ => Err(m.null_pointer()),
    }
}

fn rows(m: &Machine<'_>, object: &SObjectType, filter: &str) -> Run<Vec<Rc<RecordObject>>> {
    let fields: Vec<&str> = object
        .fields
        .iter()
        .filter(|field| !matches!(field.kind, FieldKind::Address | FieldKind::Location))
        .map(|field| &*field.name)
        .collect();
    let text = format!("SELECT {} FROM {}{filter}", fields.join(", "), object.name);
    match m
        .host
        .query(&system_query(text))
        .map_err(|error| m.from_host(error))?
    {
        QueryAnswer::Records(records) => {
            if is_metadata(object) {
                records.iter().for_each(|record| shorten(object, record));
            }
            Ok(records)
        }
        QueryAnswer::Count(_) => Err(m.not_supported("a count in place of records")),
    }
}

/// These methods give the beginning of long text areas alone (Apex Reference Guide, "Custom Metadata Type Methods").
fn shorten(object: &SObjectType, record: &RecordObject) {
    const CHARACTERS: usize = 255;
    let long = object.fields.iter().filter(|field| is_long_text(field));
    for field in long {
        let mut fields = record.fields.borrow_mut();
        if let Some(Value::String(text)) = fields.get_mut(&field.name)
            && text.chars().count() > CHARACTERS
        {
            *text = text.chars().take(CHARACTERS).collect::<String>().into();
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

fn first(m: &Machine<'_>, object: &SObjectType, filter: &str) -> Run<Option<Rc<RecordObject>>> {
    Ok(rows(m, object, filter)?.into_iter().next())
}

fn is_metadata(object: &SObjectType) -> bool {
    object.name.to_ascii_lowercase().ends_with("__mdt")
}

fn key(arguments: &[Value]) -> Option<Arc<str>> {
    match arguments.get(1) {
        Some(Value::String(text) | Value::Id(text)) => Some(Arc::clone(text)),
        _ => None,
    }
}

fn of_owner(m: &Machine<'_>, object: &SObjectType, owner: &str) -> Run<Option<Rc<RecordObject>>> {
    first(m, object, &format!(" WHERE SetupOwnerId = {}", quoted(owner)))
}

/// A copy of the nearest record that no lower level has a value for, field by field.
fn merged(m: &Machine<'_>, object: &SObjectType, owners: &[Arc<str>]) -> Run<Value> {
    let result = RecordObject::new(Arc::clone(&object.name));
    let mut nearest = true;
    for owner in owners {
        if let Some(found) = of_owner(m, object, owner)? {
            for (name, value) in found.fields.borrow().iter() {
                // The record's own identity is that of the level asked for, and of no other.
                let own = name.ends_with("__c");
                if !value.is_null() && (own || nearest) {
                    result
                        .fields
                        .borrow_mut()
                        .entry(Arc::clone(name))
                        .or_insert_with(|| value.clone());
                }
            }
        }
        nearest = false;
    }
    if let Some(owner) = owners.first() {
        result
            .fields
            .borrow_mut()
            .entry("SetupOwnerId".into())
            .or_insert_with(|| Value::Id(Arc::clone(owner)));
    }
    Ok(Value::Record(Rc::new(result)))
}

fn hierarchy_only(m: &Machine<'_>, object: &SObjectType) -> Run<()> {
    match object.setting {
        Some(CustomSetting::Hierarchy) => Ok(()),
        _ => Err(m.not_supported(format!("this method of {}", object.name))),
    }
}

fn instance(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let object = object_of(m, arguments)?;
    match (object.setting, key(arguments)) {
        (Some(CustomSetting::Hierarchy), owner) if owner.is_some() || arguments.len() == 1 => {
            let user = m.host.user();
            let organization = user.organization;
            let owners = match owner {
                None => vec![user.id, user.profile, organization],
                Some(owner) if owner.starts_with("00e") => vec![owner, organization],
                Some(owner) if owner == user.id => vec![owner, user.profile, organization],
                Some(_) => return Err(m.not_supported("getInstance for another user")),
            };
            merged(m, &object, &owners)
        }
        (Some(CustomSetting::List), Some(_)) => values(m, &Value::Null, arguments),
        (None, Some(key)) if is_metadata(&object) => {
            let field = if m.to_id(&key).is_ok() {
                "Id"
            } else {
                "DeveloperName"
            };
            let found = first(m, &object, &format!(" WHERE {field} = {}", quoted(&key)))?;
            Ok(found.map_or(Value::Null, Value::Record))
        }
        (_, None) => Err(m.null_argument()),
        _ => Err(m.not_supported(format!("getInstance of {}", object.name))),
    }
}

fn org_defaults(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let object = object_of(m, arguments)?;
    hierarchy_only(m, &object)?;
    let organization = m.host.user().organization;
    merged(m, &object, &[organization])
}

/// Null where that level or name has no record.
fn values(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let object = object_of(m, arguments)?;
    let key = key(arguments).ok_or_else(|| m.null_argument())?;
    let found = match object.setting {
        Some(CustomSetting::Hierarchy) => of_owner(m, &object, &key)?,
        Some(CustomSetting::List) => first(m, &object, &format!(" WHERE Name = {}", quoted(&key)))?,
        None => return Err(m.not_supported(format!("getValues of {}", object.name))),
    };
    Ok(found.map_or(Value::Null, Value::Record))
}

fn all(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let object = object_of(m, arguments)?;
    let named_by = match object.setting {
        Some(CustomSetting::List) => "Name",
        None if is_metadata(&object) => "DeveloperName",
        _ => return Err(m.not_supported(format!("getAll of {}", object.name))),
    };
    let record = Type::Record(Arc::clone(&object.name));
    let map = Value::map(Type::String, record, HashTable::default());
    for row in rows(m, &object, "")? {
        let name = row.fields.borrow().get(named_by).cloned().unwrap_or(Value::Null);
        m.map_put(&map, name, Value::Record(row))?;
    }
    Ok(map)
}
