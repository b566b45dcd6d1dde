//! `Object`, what every value has, and `Enum`, what every constant has.

use std::rc::Rc;

use super::declaration::Declarations;
use crate::compile::ir::EnumOwner;
use crate::run::value::Value;
use crate::run::{Machine, Run};
use crate::types::Type;

pub(super) fn declare(catalogue: &mut Declarations) {
    catalogue
        .class("System.Object")
        .method("Boolean equals(Object other)", equals)
        .method("Integer hashCode()", hash_code)
        .method("String toString()", to_string);
    catalogue
        .class("System.Enum")
        .method("String name()", name)
        .method("Integer ordinal()", ordinal)
        .method("String toString()", name)
        .method("Boolean equals(Object other)", equals)
        .method("Integer hashCode()", hash_code)
        // What `Season.values()` and `Season.valueOf(name)` are compiled to.
        .method("static List<Object> constantsOf(Object enumType)", constants_of)
        .method(
            "static Object constantNamed(Object enumType, String name)",
            constant_named,
        );
}

/// `String.equals` minds the case (Apex Reference Guide, "String Class"); of a String held as an Object a public test
/// suite (apex-mockery) expects the opposite.
fn equals(m: &mut Machine<'_>, this: &Value, arguments: &[Value]) -> Run<Value> {
    let other = m.any(arguments, 0);
    if let (Value::String(own), Value::String(other)) = (this, &other)
        && own != other
        && own.to_lowercase() == other.to_lowercase()
    {
        return Err(m.not_supported("Object.equals of Strings that differ in case alone"));
    }
    Ok(Value::Boolean(m.same_key(this, &other)?))
}

/// A hash of the value: stable within a run, not the number Salesforce computes.
fn hash_code(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    let hash = m.hash(this)?;
    let folded = u32::try_from(hash >> 32).unwrap_or(0) ^ u32::try_from(hash & 0xffff_ffff).unwrap_or(0);
    Ok(Value::Integer(folded.cast_signed()))
}

fn to_string(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    Ok(Value::from(m.concatenated(this)?))
}

fn name(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    match this {
        Value::Enum(owner, index) => Ok(Value::from(m.constant_name(*owner, *index))),
        _ => Err(m.null_pointer()),
    }
}

fn ordinal(m: &mut Machine<'_>, this: &Value, _: &[Value]) -> Run<Value> {
    match this {
        Value::Enum(_, index) => Ok(m.count_of(*index)),
        _ => Err(m.null_pointer()),
    }
}

fn constants(m: &Machine<'_>, arguments: &[Value]) -> Run<(Type, EnumOwner, Vec<String>)> {
    let Some(Value::Type(ty)) = arguments.first() else {
        return Err(m.null_pointer());
    };
    let (owner, count) = match &**ty {
        Type::User(id) => (EnumOwner::User(*id), m.program.classes.class(*id).constants.len()),
        Type::Platform(id, _) => (EnumOwner::Platform(*id), m.catalogue.class(*id).constants.len()),
        _ => return Err(m.not_supported("constants of this type")),
    };
    let names = (0..count).map(|index| m.constant_name(owner, index)).collect();
    Ok((Type::clone(ty), owner, names))
}

fn constants_of(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (ty, owner, names) = constants(m, arguments)?;
    Ok(Value::list(
        ty,
        (0..names.len()).map(|index| Value::Enum(owner, index)).collect(),
    ))
}

/// Enum names are compared without case, as identifiers are.
fn constant_named(m: &mut Machine<'_>, _: &Value, arguments: &[Value]) -> Run<Value> {
    let (ty, owner, names) = constants(m, arguments)?;
    let wanted = m.text(arguments, 1)?;
    match names.iter().position(|name| name.eq_ignore_ascii_case(&wanted)) {
        Some(index) => Ok(Value::Enum(owner, index)),
        None => {
            let ty = m.type_name(&ty);
            Err(m.raise(
                "NoSuchElementException",
                format!("No enum constant {ty}.{wanted}"),
            ))
        }
    }
}

/// Kept here since a type as a value is an object like any other.
pub(super) fn type_value(ty: Type) -> Value {
    Value::Type(Rc::new(ty))
}
