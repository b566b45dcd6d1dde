//! Reads JSON: untyped into maps and lists, typed into classes of the program, collections and records.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate};
use serde_json::Value as Tree;

use crate::run::decimal::Decimal;
use crate::run::value::{Instance, ObjectClass, RecordObject, Value};
use crate::run::{Machine, Run};
use crate::schema::SObjectMember;
use crate::types::{ClassId, FieldId, Type};

/// Whole numbers become Integer, or Long where they need it; others Decimal.
pub(super) fn read_untyped(m: &mut Machine<'_>, tree: &Tree) -> Run<Value> {
    Ok(match tree {
        Tree::Null => Value::Null,
        Tree::Bool(b) => Value::Boolean(*b),
        Tree::String(text) => Value::from(text.as_str()),
        Tree::Number(number) => {
            let text = number.to_string();
            if let Ok(integer) = text.parse::<i32>() {
                Value::Integer(integer)
            } else if let Ok(long) = text.parse::<i64>() {
                Value::Long(long)
            } else {
                Value::Decimal(decimal(m, &text)?)
            }
        }
        Tree::Array(items) => {
            let mut read = Vec::with_capacity(items.len());
            for item in items {
                read.push(read_untyped(m, item)?);
            }
            Value::list(Type::Object, read)
        }
        Tree::Object(members) => {
            let map = m.new_collection(&Type::map(Type::String, Type::Object), None)?;
            for (name, member) in members {
                let value = read_untyped(m, member)?;
                m.map_put(&map, Value::from(name.as_str()), value)?;
            }
            map
        }
    })
}

fn decimal(m: &Machine<'_>, text: &str) -> Run<Decimal> {
    text.parse()
        .ok()
        .ok_or_else(|| m.raise("JSONException", format!("Malformed JSON: {text}")))
}

fn mismatch(m: &Machine<'_>, tree: &Tree, ty: &Type) -> crate::run::Interrupt {
    let name = m.type_name(ty);
    m.raise(
        "JSONException",
        format!("Illegal value for primitive or type {name}: {tree}"),
    )
}

/// Reads a value of a type.
pub(crate) fn read_typed(m: &mut Machine<'_>, tree: &Tree, ty: &Type, strict: bool) -> Run<Value> {
    if tree.is_null() {
        return Ok(Value::Null);
    }
    Ok(match (ty, tree) {
        (Type::Object, _) => return read_untyped(m, tree),
        (Type::Boolean, Tree::Bool(b)) => Value::Boolean(*b),
        (Type::String, Tree::String(text)) => Value::from(text.as_str()),
        (Type::String, Tree::Number(number)) => Value::from(number.to_string()),
        (Type::String, Tree::Bool(b)) => Value::from(b.to_string()),
        (Type::Id, Tree::String(text)) => m.to_id(text)?,
        (Type::Integer, Tree::Number(n)) => match n.to_string().parse() {
            Ok(integer) => Value::Integer(integer),
            Err(_) => return Err(mismatch(m, tree, ty)),
        },
        (Type::Long, Tree::Number(n)) => match n.to_string().parse() {
            Ok(long) => Value::Long(long),
            Err(_) => return Err(mismatch(m, tree, ty)),
        },
        (Type::Double, Tree::Number(n)) => match n.to_string().parse() {
            Ok(double) => Value::Double(double),
            Err(_) => return Err(mismatch(m, tree, ty)),
        },
        (Type::Decimal, Tree::Number(n)) => Value::Decimal(decimal(m, &n.to_string())?),
        (Type::Date, Tree::String(text)) => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(date) => Value::Date(date),
            Err(_) => return Err(mismatch(m, tree, ty)),
        },
        (Type::Datetime, Tree::String(text)) => {
            let parsed = DateTime::parse_from_rfc3339(text)
                .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
            match parsed {
                Ok(moment) => Value::Datetime(moment.timestamp_millis()),
                Err(_) => return Err(mismatch(m, tree, ty)),
            }
        }
        (Type::Blob, Tree::String(text)) => match STANDARD.decode(text) {
            Ok(bytes) => Value::Blob(bytes.into()),
            Err(_) => return Err(mismatch(m, tree, ty)),
        },
        (Type::List(element) | Type::Set(element), Tree::Array(items)) => {
            let mut read = Vec::with_capacity(items.len());
            for item in items {
                read.push(read_typed(m, item, element, strict)?);
            }
            let list = Value::list(Type::clone(element), read);
            if matches!(ty, Type::Set(_)) {
                m.new_collection(ty, Some(list))?
            } else {
                list
            }
        }
        (Type::Map(key, value), Tree::Object(members)) => {
            let map = m.new_collection(ty, None)?;
            for (name, member) in members {
                let key = read_typed(m, &Tree::from(name.as_str()), key, strict)?;
                let member = read_typed(m, member, value, strict)?;
                m.map_put(&map, key, member)?;
            }
            map
        }
        (Type::Record(object), Tree::Object(members)) => return read_record(m, object, members, strict),
        (Type::User(class), Tree::String(text)) if !m.program.classes.class(*class).constants.is_empty() => {
            let constants = &m.program.classes.class(*class).constants;
            match constants.iter().position(|c| **c == **text) {
                Some(index) => Value::Enum(crate::compile::ir::EnumOwner::User(*class), index),
                None => return Err(mismatch(m, tree, ty)),
            }
        }
        (Type::User(class), Tree::Object(members)) => return read_object(m, *class, members, strict),
        (Type::SObject | Type::Platform(..) | Type::Time | Type::Unsupported(_), _) => {
            let name = m.type_name(ty);
            return Err(m.not_supported(format!("JSON.deserialize into {name}")));
        }
        _ => return Err(mismatch(m, tree, ty)),
    })
}

type Members = serde_json::Map<String, Tree>;

/// No constructor runs. What a field's own initialiser would have given where the text lacks the field is not
/// documented, so that is refused.
fn read_object(m: &mut Machine<'_>, class: ClassId, members: &Members, strict: bool) -> Run<Value> {
    let declared = m.program.classes.class(class);
    if declared.is_abstract() {
        return Err(m.raise(
            "JSONException",
            format!("Apex Type unsupported in JSON: {}", declared.name),
        ));
    }
    let mut slots = vec![Value::Null; declared.instance_slots];
    let mut given = Vec::new();
    for (name, member) in members {
        let found: Option<FieldId> = m.program.classes.find_field(class, name);
        let field = found
            .map(|id| m.program.classes.field(id))
            .filter(|field| !field.is_static);
        match field {
            Some(field) if field.setter.is_some() => {
                return Err(m.not_supported("JSON.deserialize into a property with a written setter"));
            }
            Some(field) => {
                let value = read_typed(m, member, &field.ty, strict)?;
                given.push(field.slot);
                if let Some(place) = slots.get_mut(field.slot) {
                    *place = value;
                }
            }
            None if strict => {
                return Err(m.raise("JSONException", format!("Unrecognized field \"{name}\"")));
            }
            None => {}
        }
    }
    for ancestor in m.program.classes.lineage(class) {
        let initialized = m
            .program
            .code
            .get(ancestor.0)
            .is_some_and(|c| !c.instances.statements.is_empty());
        let own = m
            .program
            .classes
            .class(ancestor)
            .fields
            .iter()
            .filter(|f| !f.is_static);
        if initialized && own.into_iter().any(|field| !given.contains(&field.slot)) {
            return Err(
                m.not_supported("JSON.deserialize that leaves out fields of a class with initialisers")
            );
        }
    }
    let class = ObjectClass::User(class);
    Ok(Value::Object(Rc::new(Instance {
        class,
        slots: RefCell::new(slots),
        stub: None,
        exception: None,
    })))
}

fn read_record(m: &mut Machine<'_>, object: &Arc<str>, members: &Members, strict: bool) -> Run<Value> {
    let record = RecordObject::new(Arc::clone(object));
    let schema = Arc::clone(&m.program.schema);
    let described = schema.object(object);
    for (name, member) in members {
        if name == "attributes" {
            continue;
        }
        match described.and_then(|d| d.member(name)) {
            Some(SObjectMember::Field(field)) => {
                let value = read_typed(m, member, &field.kind.apex_type(), strict)?;
                record.fields.borrow_mut().insert(Arc::clone(&field.name), value);
            }
            Some(SObjectMember::Parent(field, relationship)) => {
                let [target] = field.reference_to.as_slice() else {
                    return Err(m.not_supported("JSON.deserialize of a parent of several types"));
                };
                let value = read_typed(m, member, &Type::Record(Arc::clone(target)), strict)?;
                record.related.borrow_mut().insert(relationship, value);
            }
            Some(SObjectMember::Children(_)) => {
                return Err(m.not_supported("JSON.deserialize of a list of children"));
            }
            None => {
                let message = format!("No such column '{name}' on sobject of type {object}");
                return Err(m.raise("JSONException", message));
            }
        }
    }
    Ok(Value::Record(Rc::new(record)))
}
