//! Error answers of the data API: a JSON array of message, error code and fields.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value as Json, json};

use super::record::ReadError;
use crate::data::SaveError;

/// An error as the data API answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// Salesforce's error code, such as `INVALID_FIELD`.
    pub code: &'static str,
    /// What is wrong, in Salesforce's words.
    pub message: String,
    /// The fields at fault, where the error speaks of fields.
    pub fields: Vec<String>,
}

impl ApiError {
    /// An error that speaks of no field.
    pub fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            fields: Vec::new(),
        }
    }

    /// 401: no session, or one that has ended.
    #[must_use]
    pub fn invalid_session() -> Self {
        Self::new(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }

    /// 404: no such resource or record.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// 404: the record lies in the recycle bin.
    #[must_use]
    pub fn entity_is_deleted() -> Self {
        Self::new(404, "ENTITY_IS_DELETED", "entity is deleted")
    }

    /// 405: the resource does not take this HTTP method.
    #[must_use]
    pub fn method_not_allowed(method: &str, allowed: &str) -> Self {
        let message = format!("HTTP Method '{method}' not allowed. Allowed are {allowed}");
        Self::new(405, "METHOD_NOT_ALLOWED", message)
    }

    /// 400: the body is not the JSON that the resource takes.
    pub fn json_parser(message: impl Into<String>) -> Self {
        Self::new(400, "JSON_PARSER_ERROR", message)
    }

    /// 400: a request header says nothing that can be read; the code is believed.
    #[must_use]
    pub fn invalid_header(name: &str) -> Self {
        Self::new(400, "INVALID_HEADER", format!("Invalid value for header {name}."))
    }

    /// 404: no object of this name.
    #[must_use]
    pub fn unknown_object() -> Self {
        Self::not_found()
    }

    /// 400: the object has no such field.
    #[must_use]
    pub fn no_such_column(field: &str, object: &str) -> Self {
        Self::new(
            400,
            "INVALID_FIELD",
            format!("No such column '{field}' on sobject of type {object}"),
        )
    }

    /// One entry of the answer's array.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut entry = Map::new();
        entry.insert("message".to_owned(), json!(self.message));
        entry.insert("errorCode".to_owned(), json!(self.code));
        if !self.fields.is_empty() {
            entry.insert("fields".to_owned(), json!(self.fields));
        }
        Json::Object(entry)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.status, self.code, self.message)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code()).json([self.to_json()])
    }
}

/// The errors of one record that was not written, as single-record resources answer them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRefused(pub Vec<SaveError>);

impl fmt::Display for RecordRefused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&errors.join("; "))
    }
}

impl std::error::Error for RecordRefused {}

impl ResponseError for RecordRefused {
    fn status_code(&self) -> StatusCode {
        let first = self.0.first();
        // A deleted record that a field refers to is a wrong value, not a missing resource.
        let names_field = first.is_some_and(|error| !error.fields.is_empty());
        match first.map(|error| error.code) {
            Some("NOT_FOUND" | "ENTITY_IS_DELETED") if !names_field => StatusCode::NOT_FOUND,
            Some("INSUFFICIENT_ACCESS_OR_READONLY") => StatusCode::FORBIDDEN,
            Some("UNKNOWN_EXCEPTION") => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let entries: Vec<Json> = self
            .0
            .iter()
            .map(|error| json!({ "message": error.message, "errorCode": error.code, "fields": error.fields }))
            .collect();
        HttpResponse::build(self.status_code()).json(entries)
    }
}

/// Any error of a data API resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The request is wrong.
    Request(ApiError),
    /// The record is.
    Record(RecordRefused),
    /// The record is like others: what the rule says, and what it found.
    Duplicates(String, Box<Json>),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(formatter),
            Self::Record(error) => error.fmt(formatter),
            Self::Duplicates(message, _) => formatter.write_str(message),
        }
    }
}

impl std::error::Error for Refused {}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Request(error) => error.status_code(),
            Self::Record(error) => error.status_code(),
            Self::Duplicates(..) => StatusCode::BAD_REQUEST,
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Request(error) => error.error_response(),
            Self::Record(error) => error.error_response(),
            Self::Duplicates(message, result) => {
                let mut entry = Map::new();
                if !result.is_null() {
                    entry.insert("duplicateResult".to_owned(), Json::clone(result));
                }
                entry.insert("errorCode".to_owned(), json!("DUPLICATES_DETECTED"));
                entry.insert("message".to_owned(), json!(message));
                HttpResponse::BadRequest().json([entry])
            }
        }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        Self::Request(error)
    }
}

impl From<SaveError> for Refused {
    fn from(error: SaveError) -> Self {
        Self::Record(RecordRefused(vec![error]))
    }
}

impl From<ReadError> for Refused {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Request(error) => error.into(),
            ReadError::Record(error) => error.into(),
        }
    }
}
