//! Writes values as JSON: fields in the order of their declaration, dates in ISO form, Blobs in Base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::run::value::{ObjectClass, Value};
use crate::run::{Machine, Run, text};

/// Collects the text.
pub(crate) struct Writer {
    out: String,
    pretty: bool,
    suppress_nulls: bool,
    depth: usize,
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Writer {
    pub(crate) fn new(pretty: bool, suppress_nulls: bool) -> Self {
        Self {
            out: String::new(),
            pretty,
            suppress_nulls,
            depth: 0,
        }
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    pub(crate) fn value(&mut self, m: &mut Machine<'_>, value: &Value) -> Run<()> {
        let scalar = match value {
            Value::Null => "null".to_owned(),
            Value::Boolean(b) => b.to_string(),
            Value::Integer(i) => i.to_string(),
            Value::Long(l) => l.to_string(),
            Value::Double(d) => text::double(*d),
            Value::Decimal(d) => d.to_plain_string(),
            Value::String(s) | Value::Id(s) => quoted(s),
            Value::Blob(bytes) => quoted(&STANDARD.encode(bytes)),
            Value::Date(d) => quoted(&text::date(*d)),
            Value::Datetime(millis) => quoted(&text::datetime_gmt(*millis, "%Y-%m-%dT%H:%M:%S%.3fZ")),
            Value::Time(millis) => quoted(&text::time(*millis)),
            Value::Enum(owner, index) => quoted(&m.constant_name(*owner, *index)),
            Value::List(_) | Value::Set(_) => return self.list(m, value),
            Value::Map(map) => {
                let entries: Vec<_> = map.table.borrow().iter().cloned().collect();
                let mut named = Vec::new();
                for (key, value) in entries {
                    let name = match &key {
                        Value::Object(_)
                        | Value::Record(_)
                        | Value::List(_)
                        | Value::Map(_)
                        | Value::Set(_) => {
                            return Err(m.raise("JSONException", "Apex Type unsupported in JSON: Map key"));
                        }
                        _ => m.string_value(&key)?,
                    };
                    named.push((name, value));
                }
                return self.object(m, named, false);
            }
            Value::Record(record) => {
                let fields = record.fields.borrow().clone();
                let related = record.related.borrow().clone();
                let mut named = vec![("attributes".to_owned(), attributes(m, record)?)];
                named.extend(fields.into_iter().map(|(name, value)| (name.to_string(), value)));
                for (name, value) in related {
                    if matches!(value, Value::List(_)) {
                        return Err(m.not_supported("JSON of a record with a list of children"));
                    }
                    named.push((name.to_string(), value));
                }
                return self.object(m, named, false);
            }
            Value::Object(object) => {
                let ObjectClass::User(class) = object.class else {
                    return Err(m.raise("JSONException", "Apex Type unsupported in JSON: Exception"));
                };
                if object.exception.is_some() {
                    return Err(m.not_supported("JSON of an exception"));
                }
                let mut named = Vec::new();
                for ancestor in m.program.classes.lineage(class).into_iter().rev() {
                    for field in &m.program.classes.class(ancestor).fields {
                        if field.is_static || field.modifiers.has("transient") {
                            continue;
                        }
                        if field.getter.is_some() {
                            return Err(m.not_supported("JSON of a property with a written getter"));
                        }
                        let held = object
                            .slots
                            .borrow()
                            .get(field.slot)
                            .cloned()
                            .unwrap_or(Value::Null);
                        named.push((field.name.to_string(), held));
                    }
                }
                return self.object(m, named, self.suppress_nulls);
            }
            Value::Type(_) | Value::Native(_) | Value::ObjectToken(_) | Value::FieldToken(..) => {
                let ty = m.runtime_type(value);
                let name = m.type_name(&ty);
                return Err(m.raise("JSONException", format!("Apex Type unsupported in JSON: {name}")));
            }
        };
        self.out.push_str(&scalar);
        Ok(())
    }

    fn list(&mut self, m: &mut Machine<'_>, list: &Value) -> Run<()> {
        let items = m.elements(list)?;
        self.out.push_str(if self.pretty { "[ " } else { "[" });
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push_str(if self.pretty { ", " } else { "," });
            }
            self.value(m, item)?;
        }
        self.out.push_str(if self.pretty && !items.is_empty() {
            " ]"
        } else {
            "]"
        });
        Ok(())
    }

    fn object(&mut self, m: &mut Machine<'_>, named: Vec<(String, Value)>, suppress: bool) -> Run<()> {
        self.out.push('{');
        self.depth += 1;
        let mut first = true;
        for (name, value) in named {
            if suppress && value.is_null() {
                continue;
            }
            if !first {
                self.out.push(',');
            }
            first = false;
            self.line();
            self.out.push_str(&quoted(&name));
            self.out.push_str(if self.pretty { " : " } else { ":" });
            self.value(m, &value)?;
        }
        self.depth -= 1;
        if first && self.pretty {
            self.out.push(' ');
        } else {
            self.line();
        }
        self.out.push('}');
        Ok(())
    }

    fn line(&mut self) {
        if self.pretty {
            self.out.push('\n');
            self.out.push_str(&"  ".repeat(self.depth));
        }
    }
}

fn attributes(m: &mut Machine<'_>, record: &crate::run::value::RecordObject) -> Run<Value> {
    use crate::types::Type;
    let map = m.new_collection(&Type::map(Type::String, Type::Object), None)?;
    m.map_put(&map, Value::from("type"), Value::from(&*record.object))?;
    let id = record.fields.borrow().get("Id").cloned();
    if let Some(Value::Id(id)) = id {
        // The package is written against this version of the API.
        let url = format!("/services/data/v67.0/sobjects/{}/{id}", record.object);
        m.map_put(&map, Value::from("url"), Value::from(url))?;
    }
    Ok(map)
}
