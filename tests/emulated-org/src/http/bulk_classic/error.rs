//! Error answers of the Bulk API: one code and one message, in XML or JSON.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Bulk API Errors. That all of them but those of media types,
//! methods and faults have the status 400 is what clients expect (jsforce: `InvalidSessionId`; tap-salesforce:
//! `InvalidJob`).

use std::borrow::Cow;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::info::NAMESPACE;
use crate::bulk::classic::{JobError, JobState};

/// An error as the Bulk API answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AsyncError {
    status: u16,
    code: Cow<'static, str>,
    message: String,
}

impl AsyncError {
    /// An error with the status 400.
    pub(super) fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::with_status(400, code, message)
    }

    pub(super) fn with_status(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
        }
    }

    pub(super) fn invalid_session() -> Self {
        Self::new("InvalidSessionId", "Invalid session id")
    }

    pub(super) fn invalid_job(message: impl Into<String>) -> Self {
        Self::new("InvalidJob", message)
    }

    /// The text is believed.
    pub(super) fn invalid_url() -> Self {
        Self::new("InvalidUrl", "The URI is invalid.")
    }

    pub(super) fn batches_spent() -> Self {
        Self::new("ExceededQuota", "ApiBatchItems Limit exceeded.")
    }

    /// What an id that leads nowhere, or a state, stands in the way of. Texts but that of a batch for a job that is
    /// not open are believed.
    pub(super) fn of_job(error: JobError, job: &str, batch: &str) -> Self {
        match error {
            JobError::Unknown => Self::invalid_job(format!("Unable to find job: {job}")),
            JobError::UnknownBatch => Self::new("InvalidBatch", format!("Unable to find batch: {batch}")),
            JobError::State(JobState::Aborted) => Self::new("InvalidJobState", "Job already aborted"),
            JobError::State(_) => Self::new("InvalidJobState", "Job already closed"),
            JobError::TooOld => Self::new(
                "InvalidJobState",
                "Failed to create batch, since the Job is more than 24 hours old.",
            ),
            JobError::NoIdsLeft => Self::with_status(
                500,
                "InternalServerError",
                "The organisation has run out of job ids",
            ),
        }
    }

    pub(super) fn json(&self) -> HttpResponse {
        let body = json!({ "exceptionCode": self.code, "exceptionMessage": self.message });
        HttpResponse::build(self.status_code()).json(body)
    }

    fn xml(&self) -> HttpResponse {
        let (code, message) = (escaped(&self.code), escaped(&self.message));
        HttpResponse::build(self.status_code())
            .content_type("application/xml")
            .body(format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?><error\n   xmlns=\"{NAMESPACE}\">\n \
                 <exceptionCode>{code}</exceptionCode>\n <exceptionMessage>{message}</exceptionMessage>\n</error>"
            ))
    }
}

/// A text between XML tags.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    quick_xml::escape::escape(text)
}

impl fmt::Display for AsyncError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}: {}", self.status, self.code, self.message)
    }
}

impl std::error::Error for AsyncError {}

impl ResponseError for AsyncError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// XML; the gate, which knows what the request is written in, makes JSON of it where that is due.
    fn error_response(&self) -> HttpResponse {
        let mut response = self.xml();
        response.extensions_mut().insert(self.clone());
        response
    }
}
