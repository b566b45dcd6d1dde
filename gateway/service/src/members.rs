//! Reading of JSON and TOML objects member by member: what is unknown is refused, and every wrong one is named.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What is wrong with one field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// The parameter, or the field as a path: `changes[3].id`.
    #[schema(examples("changes[3].id"))]
    pub field: String,
    /// What is wrong and what to send instead.
    #[schema(examples("a Salesforce id has 15 or 18 letters and digits"))]
    pub message: String,
}

/// The members of a JSON object at a path.
#[derive(Debug)]
pub struct Members {
    path: String,
    left: Map<String, Value>,
    accepted: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl Members {
    /// Begins to read an object. `path` is empty for the body itself.
    ///
    /// # Errors
    /// The path's error when the value is no object.
    pub fn of(path: &str, value: Value) -> Result<Self, FieldError> {
        match value {
            Value::Object(left) => Ok(Members {
                path: path.to_owned(),
                left,
                accepted: Vec::new(),
                errors: Vec::new(),
            }),
            other => Err(FieldError {
                field: if path.is_empty() {
                    "(whole)".to_owned()
                } else {
                    path.to_owned()
                },
                message: format!("must be an object, not {}", kind(&other)),
            }),
        }
    }

    /// Takes a member, whatever it is.
    pub fn value(&mut self, name: &'static str) -> Option<Value> {
        self.accepted.push(name);
        self.left.shift_remove(name)
    }

    /// Takes a mandatory member, whatever it is.
    pub fn required(&mut self, name: &'static str) -> Option<Value> {
        let value = self.value(name);
        if value.is_none() {
            self.error(name, "is missing");
        }
        value
    }

    /// Takes an optional text. Null counts as not given.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        match self.value(name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => self.plain(name, text),
            Some(other) => {
                self.error(name, format!("must be a text, not {}", kind(&other)));
                None
            }
        }
    }

    /// Takes a text that must be given, be it null: one left out by mistake would empty what it stands for.
    pub fn nullable_text(&mut self, name: &'static str) -> Option<String> {
        if !self.left.contains_key(name) {
            self.error(name, "is missing; send null for none");
        }
        self.text(name)
    }

    /// Takes a mandatory text.
    pub fn required_text(&mut self, name: &'static str) -> Option<String> {
        match self.required(name)? {
            Value::String(text) => self.plain(name, text),
            other => {
                self.error(name, format!("must be a text, not {}", kind(&other)));
                None
            }
        }
    }

    /// Takes a mandatory text and reads it. `read` answers what is wrong and what to send instead.
    pub fn read<T>(&mut self, name: &'static str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let text = self.required_text(name)?;
        match read(&text) {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(name, message);
                None
            }
        }
    }

    /// Takes a list; without one it is empty.
    pub fn list(&mut self, name: &'static str) -> Vec<Value> {
        match self.value(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(other) => {
                self.error(name, format!("must be a list, not {}", kind(&other)));
                Vec::new()
            }
        }
    }

    /// Names a wrong member.
    pub fn error(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError {
            field: join(&self.path, name),
            message: message.into(),
        });
    }

    /// PostgreSQL keeps no text with this character.
    fn plain(&mut self, name: &str, text: String) -> Option<String> {
        if text.contains('\0') {
            self.error(name, "must not hold the character U+0000");
            return None;
        }
        Some(text)
    }

    /// Ends the reading: every wrong or unknown member. Empty when all is well.
    pub fn finish(mut self) -> Vec<FieldError> {
        let message = format!("unknown field; accepted here: {}", self.accepted.join(", "));
        let unknown: Vec<String> = self.left.keys().cloned().collect();
        for name in unknown {
            self.error(&name, message.clone());
        }
        self.errors
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_named_by_their_path() {
        let value = serde_json::json!({"id": 7, "name": "a\0b", "extra": true});
        let mut members = Members::of("changes[3]", value).unwrap();
        assert_eq!(members.required_text("id"), None);
        assert_eq!(members.text("name"), None);
        assert_eq!(members.required_text("object"), None);
        let fields: Vec<String> = members.finish().into_iter().map(|error| error.field).collect();
        assert_eq!(
            fields,
            [
                "changes[3].id",
                "changes[3].name",
                "changes[3].object",
                "changes[3].extra"
            ]
        );
    }
}
