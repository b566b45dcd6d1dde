//! What the shell is told where a request is refused.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value as Json, json};

use crate::data::{Refusal, SaveError};
use crate::http::ApiError;

/// An error answer: what to tell the user, and of which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PageError {
    status: u16,
    message: String,
    errors: Vec<SaveError>,
}

/// What heads the errors of a record that was not saved, in the words of Lightning's record pages.
const REVIEW: &str = "We hit a snag. Review the errors on this page.";

/// What users are told who lack a right on a page or in Setup.
const INSUFFICIENT: &str = "Insufficient Privileges. You do not have the level of access necessary to perform the \
                            operation you requested. Please contact the owner of the record or your administrator if \
                            access is necessary.";

impl PageError {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            errors: Vec::new(),
        }
    }

    /// No session, or one that has ended.
    pub(crate) fn no_session() -> Self {
        Self::new(401, "Your session has ended. Log in again.")
    }

    /// Who is logged in may not do this.
    pub(crate) fn insufficient() -> Self {
        Self::new(403, INSUFFICIENT)
    }

    /// Nothing of this name, or nothing that the user may see.
    pub(crate) fn not_found() -> Self {
        let message = "The page you're trying to view doesn't exist or you don't have access to it.";
        Self::new(404, message)
    }

    /// What the emulated organisation does not know, by its name.
    pub(crate) fn not_supported(what: impl fmt::Display) -> Self {
        Self::new(501, format!("not supported: {what}"))
    }

    /// The errors of a record that was not saved.
    pub(crate) fn of_record(errors: Vec<SaveError>) -> Self {
        let first = errors.first();
        let status = match first.map(|error| error.code) {
            Some("NOT_FOUND" | "ENTITY_IS_DELETED") if first.is_some_and(|error| error.fields.is_empty()) => {
                404
            }
            Some("INSUFFICIENT_ACCESS_OR_READONLY" | "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY") => 403,
            _ => 400,
        };
        Self {
            status,
            message: REVIEW.to_owned(),
            errors,
        }
    }

    /// What it says.
    pub(crate) fn words(&self) -> &str {
        &self.message
    }

    fn errors(&self) -> Vec<Json> {
        let entry = |field: Option<&String>, error: &SaveError| json!({ "field": field, "code": error.code, "message": error.message });
        let each = self.errors.iter().flat_map(|error| {
            let fields: Vec<Json> = match error.fields.as_slice() {
                [] => vec![entry(None, error)],
                fields => fields.iter().map(|field| entry(Some(field), error)).collect(),
            };
            fields
        });
        each.collect()
    }
}

impl From<Refusal> for PageError {
    fn from(refusal: Refusal) -> Self {
        Self::of_record(refusal.into_errors())
    }
}

impl From<SaveError> for PageError {
    fn from(error: SaveError) -> Self {
        Self::of_record(vec![error])
    }
}

impl From<ApiError> for PageError {
    fn from(error: ApiError) -> Self {
        match error.status {
            404 => Self::not_found(),
            status => Self {
                status,
                message: error.message.clone(),
                errors: vec![SaveError {
                    code: error.code,
                    message: error.message,
                    fields: error.fields,
                }],
            },
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.status, self.message)
    }
}

impl std::error::Error for PageError {}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .json(json!({ "message": self.message, "errors": self.errors() }))
    }
}
