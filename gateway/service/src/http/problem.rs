//! Everything the gateway can answer that is not success, as problem details (RFC 9457).
//!
//! To add a problem: add a line to the list below with its status, its id and its title. The id is a promise to
//! callers and is never changed. A problem's detail is written by us: no library's error text reaches a caller.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use causeway_core::ports::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::members::FieldError;

macro_rules! problems {
    ($($(#[$doc:meta])* $variant:ident = $status:literal $id:literal $title:literal;)*) => {
        /// The kinds of problem. Each has one stable id, one status and one title.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemKind {
            $($(#[$doc])* $variant,)*
        }

        impl ProblemKind {
            /// Every kind, in the order in which the documentation lists them.
            pub const ALL: &[ProblemKind] = &[$(ProblemKind::$variant),*];

            /// The stable id; `type` is `urn:causeway:problem:` and this.
            pub fn id(self) -> &'static str {
                match self { $(ProblemKind::$variant => $id,)* }
            }

            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(ProblemKind::$variant => $status,)* }
            }

            /// What happened, the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(ProblemKind::$variant => $title,)* }
            }
        }
    };
}

problems! {
    /// No `Authorization: Bearer` header.
    MissingToken = 401 "missing-token" "A bearer token is required";
    /// The token is no JWT, or lacks a claim.
    MalformedToken = 401 "malformed-token" "The token cannot be read";
    /// The token's algorithm is `none`, or not the one registered for its client.
    AlgorithmNotAllowed = 401 "algorithm-not-allowed" "The token's algorithm is not allowed";
    /// `iss` names no client.
    UnknownClient = 401 "unknown-client" "The token's issuer is not known here";
    /// The signature does not fit the client's key.
    WrongSignature = 401 "wrong-signature" "The token's signature is wrong";
    /// `aud` is not this gateway.
    WrongAudience = 401 "wrong-audience" "The token is meant for somebody else";
    /// `exp` has passed.
    TokenExpired = 401 "token-expired" "The token has expired";
    /// `nbf` or `iat` lies ahead.
    TokenNotYetValid = 401 "token-not-yet-valid" "The token is not valid yet";
    /// `exp` lies too far ahead.
    LifetimeTooLong = 401 "lifetime-too-long" "The token lives too long";
    /// The client was revoked.
    ClientRevoked = 401 "client-revoked" "The client was revoked";
    /// The session of an embedded page is over, or is none.
    EmbedSessionOver = 401 "embed-session-over" "The page's session is over";
    /// The token does not carry the scope this route needs.
    InsufficientScope = 403 "insufficient-scope" "The token does not allow this";
    /// The request speaks of another connection than the token.
    ConnectionMismatch = 403 "connection-mismatch" "The request and the token belong to different connections";
    /// The connection is switched off.
    ConnectionDisabled = 403 "connection-disabled" "The connection is switched off";
    /// The pairing code is wrong, was used, or has expired.
    PairingRefused = 403 "pairing-refused" "The pairing code is of no use";
    /// Metrics were asked for from elsewhere, or with another token.
    MetricsRefused = 403 "metrics-refused" "Metrics are not open to this caller";
    /// There is no such route.
    RouteNotFound = 404 "route-not-found" "There is nothing at this address";
    /// No mapping gives this partner object.
    ObjectNotFound = 404 "object-not-found" "There is no such object";
    /// There is no such record.
    RecordNotFound = 404 "record-not-found" "There is no such record";
    /// There is no such sync run.
    SyncNotFound = 404 "sync-not-found" "There is no such sync run";
    /// There is no such conflict.
    ConflictNotFound = 404 "conflict-not-found" "There is no such conflict";
    /// The Salesforce record is not linked with a partner record.
    NotLinked = 404 "not-linked" "The record is not linked";
    /// There is no such template.
    TemplateNotFound = 404 "template-not-found" "There is no such template";
    /// There is no such held record.
    HeldNotFound = 404 "held-not-found" "There is no such held record";
    /// The route knows other methods.
    MethodNotAllowed = 405 "method-not-allowed" "This address does not know that method";
    /// The client was too slow in sending the body.
    BodyTimeout = 408 "body-timeout" "The body took too long";
    /// Where the org shows its pages is not known yet.
    OrgNotKnown = 409 "org-not-known" "The org has not been heard from yet";
    /// Nothing is mapped yet.
    NothingMapped = 409 "nothing-mapped" "The connection has no mapping yet";
    /// A run of other objects is queued or running.
    SyncRunning = 409 "sync-running" "Another sync run is not finished yet";
    /// The record stands in the way of what was asked: it is deleted, was merged, or its mapping is one-way.
    RecordRefused = 409 "record-refused" "The record does not take this";
    /// The value that lost cannot be brought back.
    NotRestorable = 409 "not-restorable" "The value cannot be brought back";
    /// The held record waits for another decision than the one sent.
    OtherDecision = 409 "other-decision" "The record waits for another decision";
    /// The run has ended, so there is nothing to cancel.
    SyncEnded = 409 "sync-ended" "The sync run has ended already";
    /// The user whom the admin named as data owner is not there any more.
    DataOwnerGone = 409 "data-owner-gone" "The data owner is not there any more";
    /// The settings were changed since the caller read them.
    SettingsChanged = 412 "settings-changed" "The settings were changed meanwhile";
    /// The body is larger than allowed.
    BodyTooLarge = 413 "body-too-large" "The body is too large";
    /// The body is of another media type or encoding.
    UnsupportedMediaType = 415 "unsupported-media-type" "The body is of a form that is not read here";
    /// The request cannot be understood.
    MalformedRequest = 400 "malformed-request" "The request cannot be understood";
    /// The body ended early.
    BodyInterrupted = 400 "body-interrupted" "The body ended too early";
    /// The body is not UTF-8.
    BodyNotUtf8 = 400 "body-not-utf8" "The body is not UTF-8";
    /// The body is not JSON.
    BodyNotJson = 400 "body-not-json" "The body is not JSON";
    /// The body nests too deep.
    BodyTooDeep = 400 "body-too-deep" "The body nests too deep";
    /// Some query parameters are unknown or hold what they cannot hold.
    InvalidParameters = 400 "invalid-parameters" "Some parameters are wrong";
    /// Some fields of the body are unknown, missing or hold what they cannot hold.
    InvalidFields = 422 "invalid-fields" "Some fields are wrong";
    /// The idempotency key was used for another body.
    IdempotencyKeyReused = 422 "idempotency-key-reused" "The idempotency key was used before for something else";
    /// The gateway failed.
    Internal = 500 "internal-error" "The gateway failed";
    /// The store cannot be reached, or the gateway is stopping.
    Unavailable = 503 "unavailable" "The gateway cannot do this at the moment";
    /// The store is full.
    StorageFull = 507 "storage-full" "The gateway's store is full";
}

/// Seconds a caller is asked to wait before it tries again what may succeed later.
const RETRY_AFTER_SECONDS: u32 = 5;

/// One occurrence of a problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {detail}", .kind.id())]
pub struct Problem {
    kind: ProblemKind,
    detail: String,
    errors: Vec<FieldError>,
    allow: Option<String>,
    cause: Option<String>,
}

/// A problem as callers read it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// The kind of problem, stable for ever.
    #[serde(rename = "type")]
    #[schema(examples("urn:causeway:problem:token-expired"))]
    pub kind: String,
    /// What happened, the same for every occurrence of the kind.
    #[schema(examples("The token has expired"))]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(examples(401))]
    pub status: u16,
    /// What happened this time and what to do about it.
    pub detail: String,
    /// This occurrence: the request's id, as in the header `X-Request-Id` and in the gateway's log.
    #[schema(examples("urn:causeway:request:0198c5c2-5d1e-7c3f-a6a0-0c8f3bb8d4f5"))]
    pub instance: String,
    /// What is wrong, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// A problem with what happened this time and what to do about it.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Problem {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            allow: None,
            cause: None,
        }
    }

    /// A problem with several fields or parameters.
    pub fn with_errors(kind: ProblemKind, errors: Vec<FieldError>) -> Self {
        let names: Vec<&str> = errors.iter().map(|error| error.field.as_str()).take(3).collect();
        let more = if errors.len() > names.len() { ", …" } else { "" };
        let detail = format!("see `errors`: {}{more}", names.join(", "));
        Problem {
            errors,
            ..Problem::new(kind, detail)
        }
    }

    /// A failure of the gateway itself. `cause` goes to the log and never to the caller.
    pub fn internal(cause: impl Into<String>) -> Self {
        Problem {
            cause: Some(cause.into()),
            ..Problem::new(
                ProblemKind::Internal,
                "this is a defect of the gateway; its log has more under this request's id",
            )
        }
    }

    /// The gateway cannot do this now. `cause` goes to the log and never to the caller.
    pub fn unavailable(cause: impl Into<String>) -> Self {
        Problem {
            cause: Some(cause.into()),
            ..Problem::new(
                ProblemKind::Unavailable,
                format!("nothing was lost; send the same again in {RETRY_AFTER_SECONDS} seconds"),
            )
        }
    }

    /// A method that the route does not know; `allow` lists those it knows.
    pub fn method_not_allowed(allow: String) -> Self {
        Problem {
            detail: format!("this address knows {allow}"),
            allow: Some(allow),
            ..Problem::new(ProblemKind::MethodNotAllowed, "")
        }
    }

    /// What stands for an error status that was not raised by the gateway's own code.
    pub fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => {
                Problem::new(ProblemKind::RouteNotFound, "see /openapi.json for what there is")
            }
            StatusCode::PAYLOAD_TOO_LARGE => Problem::new(ProblemKind::BodyTooLarge, "send less at once"),
            StatusCode::REQUEST_TIMEOUT => Problem::new(ProblemKind::BodyTimeout, "send the body faster"),
            status if status.is_client_error() => Problem::new(
                ProblemKind::MalformedRequest,
                "the address, a header or the body is not well-formed HTTP",
            ),
            status => Problem::internal(format!("an answer of {status} that no problem stands for")),
        }
    }

    /// The kind.
    pub fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// What happened this time.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What the log is told besides, if anything.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The answer to the request with this id.
    pub fn answer(&self, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status());
        answer.content_type("application/problem+json");
        if let Some(allow) = &self.allow {
            answer.insert_header((header::ALLOW, allow.as_str()));
        }
        match self.kind {
            ProblemKind::MissingToken => {
                answer.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"causeway\""));
            }
            ProblemKind::InsufficientScope => {
                answer.insert_header((
                    header::WWW_AUTHENTICATE,
                    "Bearer realm=\"causeway\", error=\"insufficient_scope\"",
                ));
            }
            kind if kind.status() == 401 => {
                answer.insert_header((
                    header::WWW_AUTHENTICATE,
                    "Bearer realm=\"causeway\", error=\"invalid_token\"",
                ));
            }
            ProblemKind::Unavailable | ProblemKind::StorageFull => {
                answer.insert_header((header::RETRY_AFTER, RETRY_AFTER_SECONDS.to_string()));
            }
            // What is left of such a body is not read, so the connection is of no more use.
            ProblemKind::BodyTooLarge | ProblemKind::BodyTimeout | ProblemKind::BodyInterrupted => {
                answer.force_close();
            }
            _ => {}
        }
        answer.json(ProblemDocument {
            kind: format!("urn:causeway:problem:{}", self.kind.id()),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: self.detail.clone(),
            instance: format!("urn:causeway:request:{request_id}"),
            errors: self.errors.clone(),
        })
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// Lets handlers return problems. The request's id is not known here, so the middleware around every route
/// answers in its place.
impl actix_web::ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.answer("unknown")
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { .. } | StoreError::Unavailable { .. } => {
                Problem::unavailable(error.to_string())
            }
            StoreError::Full { .. } => Problem {
                cause: Some(error.to_string()),
                ..Problem::new(
                    ProblemKind::StorageFull,
                    "the disk of the gateway's database is full; nothing of this was kept and nothing was lost: free \
                     space on that disk, then send the same again; no restart is needed",
                )
            },
            StoreError::Exists { .. } | StoreError::Corrupt { .. } => Problem::internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_an_id_of_its_own_and_an_error_status() {
        let ids: BTreeSet<_> = ProblemKind::ALL.iter().map(|kind| kind.id()).collect();
        assert_eq!(ids.len(), ProblemKind::ALL.len());
        for kind in ProblemKind::ALL {
            assert!((400..600).contains(&kind.status()), "{}", kind.id());
            assert!(
                kind.id()
                    .chars()
                    .all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-'),
                "{}",
                kind.id()
            );
        }
    }

    #[tokio::test]
    async fn every_kind_is_answered_as_a_problem_document() {
        for kind in ProblemKind::ALL {
            let answer = Problem::new(*kind, "what to do").answer("r-1");
            assert_eq!(answer.status().as_u16(), kind.status());
            assert_eq!(
                answer.headers().get(header::CONTENT_TYPE).unwrap(),
                "application/problem+json"
            );
            assert_eq!(
                answer.headers().contains_key(header::WWW_AUTHENTICATE),
                kind.status() == 401 || *kind == ProblemKind::InsufficientScope,
                "{}",
                kind.id()
            );
            let body = actix_web::body::to_bytes(answer.into_body()).await.unwrap();
            let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                document,
                serde_json::json!({
                    "type": format!("urn:causeway:problem:{}", kind.id()),
                    "title": kind.title(),
                    "status": kind.status(),
                    "detail": "what to do",
                    "instance": "urn:causeway:request:r-1",
                })
            );
        }
    }

    #[test]
    fn what_the_store_says_stays_in_the_log() {
        let problem = Problem::from(StoreError::Corrupt {
            detail: "column x of table y".to_owned(),
        });
        assert!(problem.cause().unwrap().contains("table y"));
        assert!(!problem.detail().contains("table y"));
    }
}
