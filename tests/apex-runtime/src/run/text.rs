//! How values are written as text.

use chrono::{DateTime, NaiveDate};

use super::value::{Instance, ObjectClass, Value};
use super::{Machine, Run};
use crate::compile::ir::EnumOwner;

/// Collections show this many elements.
const SHOWN: usize = 10;

/// A Double as Java writes it: at least one digit behind the point, exponents from 10^7 and below 10^-3.
pub fn double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.into();
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0.0" } else { "0.0" }.into();
    }
    if (1e-3..1e7).contains(&value.abs()) {
        let plain = format!("{value}");
        return if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    if mantissa.contains('.') {
        format!("{mantissa}E{exponent}")
    } else {
        format!("{mantissa}.0E{exponent}")
    }
}

/// `2026-01-15`
pub fn date(value: NaiveDate) -> String {
    value.format("%Y-%m-%d").to_string()
}

/// `12:30:00.000Z`
pub fn time(millis: i32) -> String {
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!(
        "{:02}:{:02}:{:02}.{millis:03}Z",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// A Datetime in GMT by a chrono pattern.
pub fn datetime_gmt(millis: i64, pattern: &str) -> String {
    DateTime::from_timestamp_millis(millis)
        .map(|d| d.format(pattern).to_string())
        .unwrap_or_default()
}

/// Bytes from hexadecimal digits and back are elsewhere; this is for showing a Blob.
fn blob(bytes: &[u8]) -> String {
    format!("Blob[{}]", bytes.len())
}

impl Machine<'_> {
    /// As a part of a concatenated String or a debug line: a Date with its midnight, a Datetime in GMT.
    pub fn concatenated(&mut self, value: &Value) -> Run<String> {
        Ok(match value {
            Value::Null => "null".into(),
            Value::Boolean(b) => b.to_string(),
            Value::Integer(i) => i.to_string(),
            Value::Long(l) => l.to_string(),
            Value::Double(d) => double(*d),
            Value::Decimal(d) => d.to_plain_string(),
            Value::String(s) | Value::Id(s) => s.to_string(),
            Value::Blob(bytes) => blob(bytes),
            Value::Date(d) => format!("{} 00:00:00", date(*d)),
            Value::Datetime(millis) => datetime_gmt(*millis, "%Y-%m-%d %H:%M:%S"),
            Value::Time(millis) => time(*millis),
            Value::Enum(owner, index) => self.constant_name(*owner, *index),
            Value::Type(ty) => self.type_name(ty),
            // A token reads as the API name (Apex Developer Guide, "Dynamic Apex", tokens).
            Value::ObjectToken(object) => object.to_string(),
            Value::FieldToken(_, field) => field.to_string(),
            Value::List(list) => {
                let items = list.items.borrow().clone();
                format!("({})", self.joined(&items)?)
            }
            Value::Set(set) => {
                let items = set.table.borrow().keys();
                format!("{{{}}}", self.joined(&items)?)
            }
            Value::Map(map) => {
                let entries: Vec<_> = map.table.borrow().iter().cloned().collect();
                let mut parts = Vec::new();
                for (key, value) in entries {
                    parts.push(format!(
                        "{}={}",
                        self.concatenated(&key)?,
                        self.concatenated(&value)?
                    ));
                }
                format!("{{{}}}", parts.join(", "))
            }
            Value::Record(record) => {
                let fields = record.fields.borrow().clone();
                let mut parts = Vec::new();
                for (name, value) in fields {
                    parts.push(format!("{name}={}", self.concatenated(&value)?));
                }
                format!("{}:{{{}}}", record.object, parts.join(", "))
            }
            Value::Object(object) => {
                // Public test suites (fflib-apex-mocks) show the class that the platform makes for a stub.
                if let (Some(_), ObjectClass::User(class)) = (&object.stub, object.class) {
                    let name = &self.program.classes.class(class).simple_name;
                    return Ok(format!("{name}__sfdc_ApexStub:[]"));
                }
                if let ObjectClass::User(class) = object.class
                    && let Some(method) = self.written_object_method(class, "toString")
                {
                    let text = self.invoke(method, value.clone(), Vec::new())?;
                    return self.concatenated(&text);
                }
                if object.exception.is_some() {
                    return self.exception_text(object);
                }
                let ObjectClass::User(class) = object.class else {
                    return Ok(String::new());
                };
                let mut parts = Vec::new();
                for ancestor in self.program.classes.lineage(class).into_iter().rev() {
                    for field in &self.program.classes.class(ancestor).fields {
                        if !field.is_static {
                            let held = object
                                .slots
                                .borrow()
                                .get(field.slot)
                                .cloned()
                                .unwrap_or(Value::Null);
                            parts.push(format!("{}={}", field.name, self.concatenated(&held)?));
                        }
                    }
                }
                format!(
                    "{}:[{}]",
                    self.program.classes.class(class).simple_name,
                    parts.join(", ")
                )
            }
            Value::Native(native) if self.has_own_text(&native.ty) => {
                let ty = native.ty.clone();
                let text = self.invoke_named(&ty, "toString", value)?;
                return self.concatenated(&text);
            }
            Value::Native(native) => {
                return Err(self.not_supported(format!("the text of a {}", self.type_name(&native.ty))));
            }
        })
    }

    /// A program's own exception is written as its objects are, one that the platform raised is not: seen in a
    /// debug log of an org (`ProbeException:[]: words`, `System.MathException: Divide by 0`). Of the platform's
    /// exceptions that Apex makes a public test suite (apex-mockery) shows one, written as the former.
    fn exception_text(&self, exception: &Instance) -> Run<String> {
        let message = self.exception_message(exception);
        let name = self.exception_type_name(exception);
        let by_apex = exception
            .exception
            .as_ref()
            .is_some_and(|state| state.borrow().made_by_apex);
        if let ObjectClass::User(class) = exception.class {
            let mut lineage = self.program.classes.lineage(class).into_iter();
            let mut fields = lineage
                .by_ref()
                .flat_map(|c| &self.program.classes.class(c).fields);
            if fields.any(|field| !field.is_static) {
                return Err(self.not_supported("the text of an exception with fields"));
            }
            let name = &self.program.classes.class(class).simple_name;
            return Ok(format!("{name}:[]: {message}"));
        }
        match (name.as_str(), by_apex) {
            ("System.IllegalArgumentException", true) => {
                Ok(format!("IllegalArgumentException:[]: {message}"))
            }
            ("System.IllegalArgumentException", false) | (_, true) => {
                Err(self.not_supported(format!("the text of a {name}")))
            }
            _ => Ok(format!("{name}: {message}")),
        }
    }

    fn has_own_text(&self, ty: &crate::types::Type) -> bool {
        self.catalogue
            .members(ty)
            .is_some_and(|(id, _)| self.catalogue.class(id).methods.contains_key("tostring"))
    }

    fn joined(&mut self, items: &[Value]) -> Run<String> {
        let mut parts = Vec::new();
        for item in items.iter().take(SHOWN) {
            parts.push(self.concatenated(item)?);
        }
        if items.len() > SHOWN {
            parts.push("...".into());
        }
        Ok(parts.join(", "))
    }

    /// `String.valueOf`: a Date without time, a Datetime in the user's time zone.
    pub fn string_value(&mut self, value: &Value) -> Run<String> {
        match value {
            Value::Date(d) => Ok(date(*d)),
            Value::Datetime(millis) => {
                let zone = self.host.user().time_zone;
                let local = DateTime::from_timestamp_millis(*millis).map(|d| d.with_timezone(&zone));
                Ok(local
                    .map(|d| d.format("%Y-%m-%d %H:%M:%S").to_string())
                    .unwrap_or_default())
            }
            _ => self.concatenated(value),
        }
    }

    /// The name of an enum's constant.
    pub fn constant_name(&self, owner: EnumOwner, index: usize) -> String {
        let constants = match owner {
            EnumOwner::User(id) => &self.program.classes.class(id).constants,
            EnumOwner::Platform(id) => &self.catalogue.class(id).constants,
        };
        constants.get(index).map(ToString::to_string).unwrap_or_default()
    }
}
