//! `Security.stripInaccessible` and its decision (Apex Reference Guide, "Security Class", "SObjectAccessDecision
//! Class"; Apex Developer Guide, "Enforce Security with the stripInaccessible Method").

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::declaration::Declarations;
use crate::host::{FieldAccess, ObjectAccess};
use crate::run::hash_table::HashTable;
use crate::run::value::{RecordObject, Value};
use crate::run::{Machine, Run};
use crate::schema::{SObjectField, SObjectMember};
use crate::types::Type;

/// What the user means to do with the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    Create,
    Update,
    Upsert,
}

impl Purpose {
    fn object(self, access: ObjectAccess) -> bool {
        match self {
            Self::Read => access.read,
            Self::Create => access.create,
            Self::Update => access.edit,
            Self::Upsert => access.create && access.edit,
        }
    }

    fn field(self, field: &SObjectField, access: FieldAccess) -> bool {
        let create = field.createable && access.create;
        let update = field.updateable && access.edit;
        match self {
            Self::Read => access.read,
            Self::Create => create,
            Self::Update => update,
            Self::Upsert => create && update,
        }
    }
}

/// What was found out.
#[derive(Debug, Clone)]
struct Decision {
    records: Value,
    removed: Value,
    modified: Value,
}

/// The fields taken away, by object.
type Removed = BTreeMap<Arc<str>, Vec<Arc<str>>>;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue.enumeration(
        "System.AccessType",
        &["READABLE", "CREATABLE", "UPDATABLE", "UPSERTABLE"],
    );
    catalogue
        .class("System.Security")
        .method(
            "static SObjectAccessDecision stripInaccessible(AccessType purpose, List<SObject> records)",
            strip,
        )
        .method(
            "static SObjectAccessDecision stripInaccessible(AccessType purpose, List<SObject> records, Boolean enforceRoot)",
            strip,
        );
    catalogue
        .class("System.SObjectAccessDecision")
        .method("List<SObject> getRecords()", |m, this, _| {
            m.with_state(this, |d: &mut Decision| d.records.clone())
        })
        .method("Map<String, Set<String>> getRemovedFields()", |m, this, _| {
            m.with_state(this, |d: &mut Decision| d.removed.clone())
        })
        .method("Set<Integer> getModifiedIndexes()", |m, this, _| {
            m.with_state(this, |d: &mut Decision| d.modified.clone())
        });
}

fn strip(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let purpose = match arguments.first() {
        Some(Value::Enum(owner, index)) => match &*m.constant_name(*owner, *index) {
            "CREATABLE" => Purpose::Create,
            "UPDATABLE" => Purpose::Update,
            "UPSERTABLE" => Purpose::Upsert,
            _ => Purpose::Read,
        },
        _ => return Err(m.null_argument()),
    };
    let Some(Value::List(given)) = arguments.get(1) else {
        return Err(m.null_argument());
    };
    let enforce_root = !matches!(arguments.get(2), Some(Value::Boolean(false)));
    let mut removed = Removed::new();
    let mut records = Vec::new();
    let mut modified = Vec::new();
    let items = given.items.borrow().clone();
    for (index, item) in items.iter().enumerate() {
        let Value::Record(record) = item else {
            return Err(m.null_argument());
        };
        if enforce_root && !may(m, &record.object, purpose)? {
            let message = format!("No access to entity: {}", record.object);
            return Err(m.raise("NoAccessException", message));
        }
        let mut changed = false;
        let copy = stripped(m, record, purpose, &mut removed, &mut changed)?;
        records.push(Value::Record(copy));
        if changed {
            modified.push(m.count_of(index));
        }
    }
    let texts = Type::set(Type::String);
    let by_object = Value::map(Type::String, texts.clone(), HashTable::default());
    for (object, fields) in removed {
        let fields = fields.into_iter().map(Value::String).collect();
        let fields = m.new_collection(&texts, Some(Value::list(Type::String, fields)))?;
        m.map_put(&by_object, Value::String(object), fields)?;
    }
    let modified = m.new_collection(
        &Type::set(Type::Integer),
        Some(Value::list(Type::Integer, modified)),
    )?;
    let decision = Decision {
        records: Value::list(given.element.clone(), records),
        removed: by_object,
        modified,
    };
    m.platform_object("SObjectAccessDecision", decision)
}

fn may(m: &Machine<'_>, object: &str, purpose: Purpose) -> Run<bool> {
    let access = m.host.object_access(object).map_err(|error| m.from_host(error))?;
    Ok(purpose.object(access))
}

fn note(removed: &mut Removed, object: &Arc<str>, field: &Arc<str>) {
    let fields = removed.entry(Arc::clone(object)).or_default();
    if !fields.contains(field) {
        fields.push(Arc::clone(field));
    }
}

/// A copy without what the user may not use; parents and children are looked through as well.
fn stripped(
    m: &mut Machine<'_>,
    record: &Rc<RecordObject>,
    purpose: Purpose,
    removed: &mut Removed,
    changed: &mut bool,
) -> Run<Rc<RecordObject>> {
    let copy = m.copy_record(record);
    let object = Arc::clone(&record.object);
    let Some(described) = m.program.schema.object(&object).cloned() else {
        return Err(m.not_supported(format!("stripInaccessible of {object}")));
    };
    // What a query asked for and found empty counts, too.
    let mut names: Vec<Arc<str>> = copy.fields.borrow().keys().cloned().collect();
    for name in copy.queried.borrow().iter().flatten() {
        if !names.contains(name) {
            names.push(Arc::clone(name));
        }
    }
    for name in names {
        let Some(field) = described.field(&name).filter(|_| &*name != "Id") else {
            continue;
        };
        let access = m
            .host
            .field_access(&object, &name)
            .map_err(|error| m.from_host(error))?;
        if !purpose.field(field, access) {
            copy.fields.borrow_mut().shift_remove(&name);
            // Reading it is an error, as of a field that was never asked for.
            if let Some(queried) = copy.queried.borrow_mut().as_mut() {
                queried.retain(|known| *known != name);
            }
            note(removed, &object, &name);
            *changed = true;
        }
    }
    let related = copy.related.borrow().clone();
    for (name, value) in related {
        let target = match described.member(&name) {
            Some(SObjectMember::Parent(field, _)) => field.reference_to.first().cloned(),
            Some(SObjectMember::Children(children)) => Some(Arc::clone(&children.child)),
            _ => None,
        };
        if let Some(target) = &target
            && !may(m, target, purpose)?
        {
            copy.related.borrow_mut().shift_remove(&name);
            note(removed, &object, &name);
            *changed = true;
            continue;
        }
        let kept = match value {
            Value::Record(parent) => Value::Record(stripped(m, &parent, purpose, removed, changed)?),
            Value::List(list) => {
                let mut children = Vec::new();
                for child in list.items.borrow().clone() {
                    if let Value::Record(child) = child {
                        children.push(Value::Record(stripped(m, &child, purpose, removed, changed)?));
                    }
                }
                Value::list(list.element.clone(), children)
            }
            other => other,
        };
        copy.related.borrow_mut().insert(name, kept);
    }
    Ok(copy)
}
