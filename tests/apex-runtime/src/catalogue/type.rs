//! `System.Type` (Apex Reference Guide, "Type Class").

use std::sync::Arc;

use super::declaration::Declarations;
use super::object::type_value;
use crate::compile::ir::ConstructorTarget;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::{Type, signature};

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Type")
        .method("static Type forName(String name)", for_name)
        .method("static Type forName(String namespace, String name)", for_name)
        .method("String getName()", name)
        .method("String toString()", name)
        .method("Object newInstance()", new_instance)
        .method("Boolean isAssignableFrom(Type other)", is_assignable_from)
        .method("Boolean equals(Object other)", equals);
}

fn own(m: &Machine<'_>, this: &Value) -> Run<Type> {
    match this {
        Value::Type(ty) => Ok(Type::clone(ty)),
        _ => Err(m.null_pointer()),
    }
}

fn resolve(m: &Machine<'_>, written: &signature::WrittenType) -> Option<Type> {
    let mut arguments = Vec::new();
    for argument in &written.arguments {
        arguments.push(resolve(m, argument)?);
    }
    if arguments.is_empty() {
        if let Some(class) = m.program.classes.by_qualified_name(&written.name) {
            return Some(Type::User(class));
        }
        // `Schema.Account` names the object, whatever class is called Account.
        let object = match written.name.split_once('.') {
            Some((namespace, object)) if namespace.eq_ignore_ascii_case("Schema") => object,
            _ => &*written.name,
        };
        if let Some(object) = m.program.schema.object(object) {
            return Some(Type::Record(Arc::clone(&object.name)));
        }
    }
    let name = match (&*written.name.to_ascii_lowercase(), arguments.is_empty()) {
        // How messages name Object within a collection.
        ("any", true) => "Object",
        // A public test suite (apex-mockery) takes lists of any type for one of this.
        ("list", true) => {
            arguments.push(Type::Object);
            "List"
        }
        _ => &*written.name,
    };
    m.catalogue.named_type(name, &arguments)
}

/// Null where there is no such type.
fn for_name(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let name = match arguments {
        [_, Value::String(name)] | [Value::String(name)] => Arc::clone(name),
        _ => return Ok(Value::Null),
    };
    let written = signature::parse_type(&name);
    let bare = |written: &signature::WrittenType| {
        let is = |name: &&str| written.arguments.is_empty() && written.name.eq_ignore_ascii_case(name);
        let uncertain = ["Set", "Map", "Iterable", "Iterator", "ANY"];
        uncertain.into_iter().find(is)
    };
    if let Some(what) = written.as_ref().and_then(bare) {
        return Err(m.not_supported(format!("Type.forName('{what}')")));
    }
    let found = written.and_then(|written| resolve(m, &written));
    Ok(found.map_or(Value::Null, type_value))
}

fn name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let ty = own(m, this)?;
    Ok(Value::from(m.type_name(&ty)))
}

pub(super) fn new_instance(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let ty = own(m, this)?;
    match &ty {
        Type::List(_) | Type::Set(_) | Type::Map(..) => m.new_collection(&ty, None),
        Type::Record(object) => Ok(Value::Record(std::rc::Rc::new(
            crate::run::value::RecordObject::new(Arc::clone(object)),
        ))),
        Type::User(class) => {
            let declared = m.program.classes.class(*class);
            if declared.is_abstract() {
                let message = format!("Type cannot be constructed: {}", declared.name);
                return Err(m.raise("TypeException", message));
            }
            let constructor = declared
                .constructors
                .iter()
                .find(|c| m.program.classes.method(**c).parameters.is_empty())
                .copied();
            let target = match constructor {
                Some(constructor) => ConstructorTarget::Written(*class, constructor),
                None if m.program.classes.platform_base(*class).is_some() => ConstructorTarget::Exception,
                None if declared.constructors.is_empty() => ConstructorTarget::Implicit(*class),
                None => {
                    let message = format!("Type cannot be constructed: {}", declared.name);
                    return Err(m.raise("TypeException", message));
                }
            };
            m.construct(*class, target, Vec::new())
        }
        other => {
            let name = m.type_name(other);
            Err(m.not_supported(format!("Type.newInstance of {name}")))
        }
    }
}

fn is_assignable_from(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let ty = own(m, this)?;
    match arguments.first() {
        Some(Value::Type(other)) => Ok(Value::Boolean(
            m.program.hierarchy().distance(other, &ty).is_some(),
        )),
        _ => Err(m.null_argument()),
    }
}

fn equals(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let other = m.any(arguments, 0);
    Ok(Value::Boolean(m.same_key(this, &other)?))
}
