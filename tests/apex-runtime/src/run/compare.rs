//! Equality, order and hashes.

use std::cmp::Ordering;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::value::{ObjectClass, Value};
use super::{Machine, Run};
use crate::run::decimal::Decimal;

/// A number as a Decimal, so that numbers of different types compare by value.
fn as_decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Integer(i) => Some(Decimal::from(*i)),
        Value::Long(l) => Some(Decimal::from(*l)),
        Value::Double(d) => Decimal::from_f64(*d),
        Value::Decimal(d) => Some(d.clone()),
        _ => None,
    }
}

/// The 18 characters of an id given in 15 or 18; none where it is no id.
pub fn long_id(text: &str) -> Option<String> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric()) || !matches!(text.len(), 15 | 18) {
        return None;
    }
    let (short, suffix) = text.split_at(15);
    let mut checksum = String::with_capacity(3);
    for chunk in short.as_bytes().chunks(5) {
        let bits = chunk
            .iter()
            .rev()
            .fold(0usize, |bits, b| bits << 1 | usize::from(b.is_ascii_uppercase()));
        checksum.push(char::from(*b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345".get(bits)?));
    }
    // A wrong checksum is no id: the last three characters carry the case of the first fifteen.
    (suffix.is_empty() || suffix.eq_ignore_ascii_case(&checksum)).then(|| format!("{short}{checksum}"))
}

impl Machine<'_> {
    /// `==`: Strings without case, ids of 15 and 18 characters alike, collections and records by content,
    /// objects by reference unless their class wrote `equals`.
    pub(crate) fn equal(&mut self, left: &Value, right: &Value) -> Run<bool> {
        match (left, right) {
            (Value::String(a), Value::String(b)) => Ok(a
                .chars()
                .flat_map(char::to_lowercase)
                .eq(b.chars().flat_map(char::to_lowercase))),
            // What an org has not cannot be told from what its describes leave out.
            (Value::ObjectToken(a), Value::ObjectToken(b)) if a != b => {
                let absent = [a, b]
                    .into_iter()
                    .find(|name| self.program.schema.object(name).is_none());
                match absent {
                    Some(name) => Err(self.not_supported(format!("comparing {name}.SObjectType"))),
                    None => Ok(false),
                }
            }
            _ => self.same_key(left, right),
        }
    }

    /// `===`: collections, records and objects by reference.
    pub(super) fn identical(&mut self, left: &Value, right: &Value) -> Run<bool> {
        Ok(match (left, right) {
            (Value::List(a), Value::List(b)) => Rc::ptr_eq(a, b),
            (Value::Set(a), Value::Set(b)) => Rc::ptr_eq(a, b),
            (Value::Map(a), Value::Map(b)) => Rc::ptr_eq(a, b),
            (Value::Record(a), Value::Record(b)) => Rc::ptr_eq(a, b),
            (Value::Object(a), Value::Object(b)) => Rc::ptr_eq(a, b),
            (Value::Native(a), Value::Native(b)) => Rc::ptr_eq(a, b),
            _ => return self.equal(left, right),
        })
    }

    /// Equality as collections, `equals` and `System.assertEquals` have it: Strings with case.
    pub fn same_key(&mut self, left: &Value, right: &Value) -> Run<bool> {
        if let (Some(a), Some(b)) = (as_decimal(left), as_decimal(right)) {
            return Ok(a == b);
        }
        Ok(match (left, right) {
            (Value::Null, Value::Null) => true,
            (Value::Boolean(a), Value::Boolean(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Id(a), Value::Id(b)) => a == b,
            (Value::Id(id), Value::String(text)) | (Value::String(text), Value::Id(id)) => {
                long_id(text).is_some_and(|long| long == **id)
            }
            (Value::Blob(a), Value::Blob(b)) => a == b,
            (Value::Date(a), Value::Date(b)) => a == b,
            (Value::Datetime(a), Value::Datetime(b)) => a == b,
            (Value::Time(a), Value::Time(b)) => a == b,
            (Value::Enum(a, x), Value::Enum(b, y)) => a == b && x == y,
            (Value::Type(a), Value::Type(b)) => a == b,
            (Value::ObjectToken(a), Value::ObjectToken(b)) => a == b,
            (Value::FieldToken(a, x), Value::FieldToken(b, y)) => a == b && x == y,
            (Value::List(a), Value::List(b)) => {
                if Rc::ptr_eq(a, b) {
                    return Ok(true);
                }
                let (a, b) = (a.items.borrow().clone(), b.items.borrow().clone());
                a.len() == b.len() && self.all_same(&a, &b)?
            }
            (Value::Set(a), Value::Set(_)) => {
                let keys = a.table.borrow().keys();
                keys.len() == self.size(right) && self.contains_all(right, &keys)?
            }
            (Value::Map(a), Value::Map(b)) => {
                if a.table.borrow().len() != b.table.borrow().len() {
                    return Ok(false);
                }
                let entries: Vec<_> = a.table.borrow().iter().cloned().collect();
                for (key, value) in entries {
                    match self.map_find(right, &key)? {
                        Some(other) if self.same_key(&value, &other)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Value::Record(a), Value::Record(b)) => {
                if Rc::ptr_eq(a, b) {
                    return Ok(true);
                }
                if a.object != b.object {
                    return Ok(false);
                }
                let (mine, others) = (a.fields.borrow().clone(), b.fields.borrow().clone());
                for name in mine.keys().chain(others.keys()) {
                    let (x, y) = (
                        mine.get(name).unwrap_or(&Value::Null),
                        others.get(name).unwrap_or(&Value::Null),
                    );
                    if !self.same_key(x, y)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Value::Object(a), Value::Object(b)) => {
                if Rc::ptr_eq(a, b) {
                    return Ok(true);
                }
                let ObjectClass::User(class) = a.class else {
                    return Ok(false);
                };
                match self.written_object_method(class, "equals") {
                    Some(equals) => {
                        let result = self.invoke(equals, left.clone(), vec![right.clone()])?;
                        matches!(result, Value::Boolean(true))
                    }
                    None => false,
                }
            }
            (Value::Native(a), Value::Native(b)) => Rc::ptr_eq(a, b),
            _ => false,
        })
    }

    fn all_same(&mut self, a: &[Value], b: &[Value]) -> Run<bool> {
        for (x, y) in a.iter().zip(b) {
            if !self.same_key(x, y)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A hash that agrees with [`Machine::same_key`].
    pub(crate) fn hash(&mut self, value: &Value) -> Run<u64> {
        let mut hasher = DefaultHasher::new();
        if let Some(number) = as_decimal(value) {
            number.strip_trailing_zeros().to_plain_string().hash(&mut hasher);
            return Ok(hasher.finish());
        }
        match value {
            Value::Boolean(b) => b.hash(&mut hasher),
            Value::String(s) | Value::Id(s) => match long_id(s) {
                // A text that is an id may equal an Id.
                Some(long) => long.hash(&mut hasher),
                None => s.hash(&mut hasher),
            },
            Value::Blob(b) => b.hash(&mut hasher),
            Value::Date(d) => d.hash(&mut hasher),
            Value::Datetime(d) => d.hash(&mut hasher),
            Value::Time(t) => t.hash(&mut hasher),
            Value::Enum(owner, index) => (owner, index).hash(&mut hasher),
            Value::Type(ty) => ty.hash(&mut hasher),
            Value::ObjectToken(object) => object.hash(&mut hasher),
            Value::FieldToken(object, field) => (object, field).hash(&mut hasher),
            Value::List(list) => {
                let items = list.items.borrow().clone();
                for item in items {
                    self.hash(&item)?.hash(&mut hasher);
                }
            }
            Value::Set(set) => {
                let keys = set.table.borrow().keys();
                let mut sum = 0u64;
                for key in keys {
                    sum = sum.wrapping_add(self.hash(&key)?);
                }
                sum.hash(&mut hasher);
            }
            Value::Map(map) => map.table.borrow().len().hash(&mut hasher),
            Value::Record(record) => {
                record.object.hash(&mut hasher);
                let fields = record.fields.borrow().clone();
                let mut sum = 0u64;
                for (name, value) in fields {
                    if !value.is_null() {
                        let mut inner = DefaultHasher::new();
                        name.hash(&mut inner);
                        sum = sum.wrapping_add(inner.finish() ^ self.hash(&value)?);
                    }
                }
                sum.hash(&mut hasher);
            }
            Value::Object(object) => {
                let written = match object.class {
                    ObjectClass::User(class) => self.written_object_method(class, "hashCode"),
                    ObjectClass::Exception(_) => None,
                };
                match written {
                    Some(method) => {
                        let code = self.invoke(method, value.clone(), Vec::new())?;
                        self.hash(&code)?.hash(&mut hasher);
                    }
                    None => Rc::as_ptr(object).hash(&mut hasher),
                }
            }
            Value::Native(native) => Rc::as_ptr(native).addr().hash(&mut hasher),
            _ => {}
        }
        Ok(hasher.finish())
    }

    /// The order that `List.sort` gives to primitive values; null comes first.
    pub(crate) fn natural_order(&self, left: &Value, right: &Value) -> Run<Ordering> {
        if let (Some(a), Some(b)) = (as_decimal(left), as_decimal(right)) {
            return Ok(a.cmp(&b));
        }
        Ok(match (left, right) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Less,
            (_, Value::Null) => Ordering::Greater,
            (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
            (Value::String(a) | Value::Id(a), Value::String(b) | Value::Id(b)) => {
                a.encode_utf16().cmp(b.encode_utf16())
            }
            (Value::Date(a), Value::Date(b)) => a.cmp(b),
            (Value::Datetime(a), Value::Datetime(b)) => a.cmp(b),
            (Value::Time(a), Value::Time(b)) => a.cmp(b),
            (Value::Enum(_, a), Value::Enum(_, b)) => a.cmp(b),
            _ => return Err(self.not_supported("an order between values of these types")),
        })
    }
}
