//! Bodies that carry many rows: what lies around the rows is read, and the rows stay text. No value is built, however
//! many there are.

use std::borrow::Cow;

use super::body;
use super::problem::{Problem, ProblemKind};
use crate::json::{JsonText, Kind};
use crate::members::FieldError;

/// Unknown members that are named at most.
const MOST_UNKNOWN: usize = 20;

/// The members of a body, taken one by one.
#[derive(Debug)]
pub struct Envelope<'a> {
    members: Vec<(&'static str, JsonText<'a>)>,
    errors: Vec<FieldError>,
    unknown: Vec<FieldError>,
}

impl<'a> Envelope<'a> {
    /// Begins to read a body. Of a member that is given twice the last counts.
    ///
    /// # Errors
    /// As [`body::json_text`]; [`ProblemKind::InvalidFields`] when it is no object.
    pub fn of(body: &'a [u8], accepted: &[&'static str]) -> Result<Self, Problem> {
        let Some(members) = body::json_text(body)?.members() else {
            return Err(invalid(vec![wrong("(whole)", "must be an object")]));
        };
        let mut envelope = Envelope {
            members: Vec::new(),
            errors: Vec::new(),
            unknown: Vec::new(),
        };
        for (name, value) in members {
            match accepted.iter().find(|known| **known == name) {
                Some(known) => {
                    envelope.members.retain(|(name, _)| name != known);
                    envelope.members.push((known, value));
                }
                None if envelope.unknown.len() < MOST_UNKNOWN => envelope.unknown.push(wrong(
                    &name.chars().take(60).collect::<String>(),
                    format!("unknown field; accepted here: {}", accepted.join(", ")),
                )),
                None => {}
            }
        }
        Ok(envelope)
    }

    /// Takes a mandatory text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let value = self.required(name)?;
        let text = value.text();
        if text.is_none() {
            self.error(name, "must be a text");
        }
        text.map(Cow::into_owned)
    }

    /// Takes an optional text and reads it; null counts as not given. `read` answers what to send instead.
    pub fn read<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.member(name).filter(|value| value.kind() != Kind::Null)?;
        let text = value.text();
        match text
            .as_deref()
            .map_or_else(|| Err("must be a text".to_owned()), read)
        {
            Ok(value) => Some(value),
            Err(message) => {
                self.error(name, message);
                None
            }
        }
    }

    /// Takes a mandatory list of up to `most` rows, each as its text.
    pub fn rows(&mut self, name: &str, most: usize) -> Option<Vec<String>> {
        let value = self.required(name)?;
        let Some(rows) = value.items() else {
            self.error(name, "must be a list");
            return None;
        };
        let count = rows.clone().count();
        if count > most {
            self.errors.push(too_many(name, count, most));
            return None;
        }
        Some(rows.map(|row| row.as_str().to_owned()).collect())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`ProblemKind::InvalidFields`] with every wrong and every unknown member.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.errors.append(&mut self.unknown);
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(invalid(self.errors))
        }
    }

    fn member(&self, name: &str) -> Option<JsonText<'a>> {
        self.members
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }

    fn required(&mut self, name: &str) -> Option<JsonText<'a>> {
        let value = self.member(name);
        if value.is_none() {
            self.error(name, "is missing");
        }
        value
    }

    fn error(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(wrong(name, message));
    }
}

/// A list with more rows than one request may carry.
pub fn too_many(name: &str, count: usize, most: usize) -> FieldError {
    wrong(
        name,
        format!("has {count} {name}; at most {most} are taken, send the rest in further requests"),
    )
}

fn invalid(errors: Vec<FieldError>) -> Problem {
    Problem::with_errors(ProblemKind::InvalidFields, errors)
}

fn wrong(field: &str, message: impl Into<String>) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.into(),
    }
}
