//! Conversions and casts, and what type a value has at run time.

use super::compare::long_id;
use super::decimal::{Decimal, Rounding};
use super::value::{ObjectClass, Value};
use super::{Machine, Run};
use crate::compile::ir::EnumOwner;
use crate::types::{Conversion, Type};

const MILLIS_PER_DAY: i64 = 86_400_000;

impl Machine<'_> {
    /// Does an implicit conversion.
    pub(crate) fn convert(&self, conversion: Conversion, value: Value) -> Run<Value> {
        Ok(match (conversion, value) {
            (Conversion::Identity, value) => value,
            (_, Value::Null) => Value::Null,
            (Conversion::ToLong, Value::Integer(i)) => Value::Long(i64::from(i)),
            (Conversion::ToDouble, Value::Integer(i)) => Value::Double(f64::from(i)),
            (Conversion::ToDouble, Value::Long(l)) => Value::Double(Decimal::from(l).to_f64()),
            (Conversion::ToDouble, Value::Decimal(d)) => Value::Double(d.to_f64()),
            (Conversion::ToDecimal, Value::Integer(i)) => Value::Decimal(Decimal::from(i)),
            (Conversion::ToDecimal, Value::Long(l)) => Value::Decimal(Decimal::from(l)),
            (Conversion::ToDecimal, Value::Double(d)) => match Decimal::from_f64(d) {
                Some(decimal) => Value::Decimal(decimal),
                None => return Err(self.not_supported("a Decimal from an infinite Double")),
            },
            (Conversion::ToId, Value::String(text)) => self.to_id(&text)?,
            (Conversion::ToString, Value::Id(id)) => Value::String(id),
            (Conversion::ToDatetime, Value::Date(date)) => Value::Datetime(midnight(date)),
            (_, value) => value,
        })
    }

    /// Checks a text and makes an Id of it.
    pub fn to_id(&self, text: &str) -> Run<Value> {
        match long_id(text) {
            Some(id) => Ok(Value::Id(id.into())),
            None => Err(self.raise("StringException", format!("Invalid id: {text}"))),
        }
    }

    pub(super) fn cast(&self, value: Value, ty: &Type) -> Run<Value> {
        match (&value, ty) {
            (Value::Null, _) => return Ok(value),
            (Value::Double(d), Type::Integer) => {
                return Ok(Value::Integer(Decimal::from_f64(*d).map_or(0, |d| d.to_i32())));
            }
            (Value::Double(d), Type::Long) => {
                return Ok(Value::Long(Decimal::from_f64(*d).map_or(0, |d| d.to_i64())));
            }
            (Value::Long(l), Type::Integer) => return Ok(Value::Integer(Decimal::from(*l).to_i32())),
            (Value::String(text), Type::Id) => return self.to_id(text),
            _ => {}
        }
        if self.is_instance(&value, ty) {
            return Ok(value);
        }
        if let (Value::Decimal(d), Type::Integer | Type::Long) = (&value, ty) {
            let whole = d.rescale(0, Rounding::Down).unwrap_or_else(|| d.clone());
            return Ok(if *ty == Type::Integer {
                Value::Integer(whole.to_i32())
            } else {
                Value::Long(whole.to_i64())
            });
        }
        let conversion = match (&value, ty) {
            (Value::Integer(_), Type::Long) => Some(Conversion::ToLong),
            (Value::Integer(_) | Value::Long(_) | Value::Decimal(_), Type::Double) => {
                Some(Conversion::ToDouble)
            }
            (Value::Integer(_) | Value::Long(_) | Value::Double(_), Type::Decimal) => {
                Some(Conversion::ToDecimal)
            }
            (Value::Id(_), Type::String) => Some(Conversion::ToString),
            _ => None,
        };
        if let Some(conversion) = conversion {
            return self.convert(conversion, value);
        }
        let from = self.conversion_name(&self.runtime_type(&value));
        let to = self.conversion_name(ty);
        Err(self.raise(
            "TypeException",
            format!("Invalid conversion from runtime type {from} to {to}"),
        ))
    }

    /// What a failed conversion calls a type: `Map<String,ANY>`, as logs of public projects show.
    fn conversion_name(&self, ty: &Type) -> String {
        let within = |element: &Type| match element {
            Type::Object => "ANY".to_owned(),
            element => self.conversion_name(element),
        };
        match ty {
            Type::List(element) => format!("List<{}>", within(element)),
            Type::Set(element) => format!("Set<{}>", within(element)),
            Type::Map(key, value) => format!("Map<{},{}>", within(key), within(value)),
            _ => self.type_name(ty),
        }
    }

    /// The type a value has at run time.
    pub fn runtime_type(&self, value: &Value) -> Type {
        match value {
            Value::Null => Type::Null,
            Value::Boolean(_) => Type::Boolean,
            Value::Integer(_) => Type::Integer,
            Value::Long(_) => Type::Long,
            Value::Double(_) => Type::Double,
            Value::Decimal(_) => Type::Decimal,
            Value::String(_) => Type::String,
            Value::Id(_) => Type::Id,
            Value::Blob(_) => Type::Blob,
            Value::Date(_) => Type::Date,
            Value::Datetime(_) => Type::Datetime,
            Value::Time(_) => Type::Time,
            Value::Enum(EnumOwner::User(id), _) => Type::User(*id),
            Value::Enum(EnumOwner::Platform(id), _) => Type::platform(*id),
            Value::Type(_) => self
                .catalogue
                .find("System.Type")
                .map_or(Type::Object, Type::platform),
            Value::List(list) => Type::list(list.element.clone()),
            Value::Set(set) => Type::set(set.element.clone()),
            Value::Map(map) => Type::map(map.key.clone(), map.value.clone()),
            Value::Record(record) => Type::Record(std::sync::Arc::clone(&record.object)),
            Value::Object(object) => match object.class {
                ObjectClass::User(id) => Type::User(id),
                ObjectClass::Exception(id) => Type::platform(id),
            },
            Value::Native(native) => native.ty.clone(),
            Value::ObjectToken(_) => self
                .catalogue
                .find("Schema.SObjectType")
                .map_or(Type::Object, Type::platform),
            Value::FieldToken(..) => self
                .catalogue
                .find("Schema.SObjectField")
                .map_or(Type::Object, Type::platform),
        }
    }

    /// `instanceof`
    pub fn is_instance(&self, value: &Value, ty: &Type) -> bool {
        match value {
            Value::Null => false,
            // A Date is a Datetime, and a text that reads as an id is one (as public tests of fflib-apex-mocks show).
            Value::Date(_) if *ty == Type::Datetime => true,
            Value::String(text) if *ty == Type::Id => self.to_id(text).is_ok(),
            _ => self
                .program
                .hierarchy()
                .distance(&self.runtime_type(value), ty)
                .is_some(),
        }
    }
}

/// Midnight GMT of a date in milliseconds.
pub fn midnight(date: chrono::NaiveDate) -> i64 {
    let days = date
        .signed_duration_since(chrono::NaiveDate::default())
        .num_days();
    days * MILLIS_PER_DAY
}
