//! References to earlier answers, `@{ref.field}` and `@{ref.list[0].field}`, in the URL and body of a subrequest.
//!
//! Source: Salesforce REST API Developer Guide, Composite Request Body and Composite Subrequest Result.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use url::form_urlencoded::byte_serialize;

use crate::http::{ApiError, ApiVersion};

/// The answers so far, by reference id.
#[derive(Debug)]
pub(super) struct Answers {
    bodies: BTreeMap<String, Json>,
    /// From this version on, a reference to a field without a value is no error.
    version: ApiVersion,
}

/// Since when null may be referred to.
const NULL_SINCE: u16 = 52;

impl Answers {
    pub(super) fn none(version: ApiVersion) -> Self {
        Self {
            bodies: BTreeMap::new(),
            version,
        }
    }

    pub(super) fn add(&mut self, reference_id: &str, body: Json) {
        self.bodies.insert(reference_id.to_owned(), body);
    }

    /// The body with all references replaced. A text that is nothing but a reference takes the value's type.
    ///
    /// # Errors
    /// A reference leads to no value.
    pub(super) fn fill(&self, json: &mut Json) -> Result<(), ApiError> {
        match json {
            Json::String(text) => {
                let only = text.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}'));
                if let Some(expression) = only.filter(|expression| !expression.contains("@{")) {
                    *json = self.value(expression)?.clone();
                } else if text.contains("@{") {
                    *text = self.replaced(text, |value| value)?;
                }
            }
            Json::Array(items) => items.iter_mut().try_for_each(|item| self.fill(item))?,
            Json::Object(members) => members.values_mut().try_for_each(|member| self.fill(member))?,
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
        Ok(())
    }

    /// The URL with all references replaced by their values, percent-encoded (believed: a value with an ampersand
    /// must not become two parameters).
    ///
    /// # Errors
    /// A reference leads to no value.
    pub(super) fn fill_url(&self, url: &str) -> Result<String, ApiError> {
        self.replaced(url, |value| {
            byte_serialize(value.as_bytes())
                .collect::<String>()
                .replace('+', "%20")
        })
    }

    fn replaced(&self, text: &str, written: impl Fn(String) -> String) -> Result<String, ApiError> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("@{") {
            let Some((expression, behind)) = after.split_once('}') else {
                break;
            };
            filled.push_str(before);
            let value = match self.value(expression)? {
                Json::String(text) => text.clone(),
                Json::Null => String::new(),
                other => other.to_string(),
            };
            filled.push_str(&written(value));
            rest = behind;
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn value(&self, expression: &str) -> Result<&Json, ApiError> {
        let end = expression.find(['.', '[']).unwrap_or(expression.len());
        let (reference_id, path) = expression.split_at_checked(end).unwrap_or((expression, ""));
        self.bodies
            .get(reference_id)
            .and_then(|body| follow(body, path))
            .filter(|value| !value.is_null() || self.version.0 >= NULL_SINCE)
            .ok_or_else(|| {
                let message = format!(
                    "Invalid reference specified. No value for {expression} found in {reference_id}. Provided \
                     referenceId ('{expression}') must start with a letter or a number, and it can contain only \
                     letters, numbers and underscores ('_')."
                );
                ApiError::new(400, "PROCESSING_HALTED", message)
            })
    }
}

/// The plain value at the end of a path. Names keep their case; lists and objects as a whole are nothing that can be
/// referred to.
fn follow<'j>(body: &'j Json, path: &str) -> Option<&'j Json> {
    let mut at = body;
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, behind) = after.split_at_checked(end)?;
            at = at.as_object()?.get(name)?;
            rest = behind;
        } else {
            let (index, behind) = rest.strip_prefix('[')?.split_once(']')?;
            at = at.as_array()?.get(index.parse::<usize>().ok()?)?;
            rest = behind;
        }
    }
    (!at.is_object() && !at.is_array()).then_some(at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answers(version: u16) -> Answers {
        let mut answers = Answers::none(ApiVersion(version));
        answers.add(
            "q",
            json!({ "records": [{ "Id": "001", "Name": "A & B", "Rating": null, "Parent": { "Size": 7 } }] }),
        );
        answers
    }

    #[test]
    fn references_are_replaced_in_bodies_and_urls() {
        let mut body = json!({ "a": "@{q.records[0].Id}", "b": ["x @{q.records[0].Name}!"],
            "c": "@{q.records[0].Parent.Size}", "d": "@{q.records[0].Rating}", "e": "a @{ b" });
        answers(52).fill(&mut body).expect("filled");
        assert_eq!(
            body,
            json!({ "a": "001", "b": ["x A & B!"], "c": 7, "d": null, "e": "a @{ b" })
        );
        let url = answers(52).fill_url("/x?q=@{q.records[0].Name}").expect("filled");
        assert_eq!(url, "/x?q=A%20%26%20B");
    }

    #[test]
    fn references_that_lead_nowhere_are_refused() {
        for wrong in [
            "p.id",
            "q.records[1].Id",
            "q.records[0].id",
            "q.records",
            "q",
            "q.records[x].Id",
            "",
        ] {
            let error = answers(52)
                .fill(&mut json!(format!("@{{{wrong}}}")))
                .expect_err(wrong);
            assert_eq!(error.code, "PROCESSING_HALTED", "{wrong}");
        }
        let null = answers(51).fill(&mut json!("@{q.records[0].Rating}"));
        assert!(null.is_err(), "until version 51 null is no value");
    }
}
