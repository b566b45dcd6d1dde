//! `POST /v1/salesforce/changes`: what the package in the org pushes.

use std::borrow::Cow;

use actix_web::{HttpRequest, HttpResponse, post, web};
use aws_lc_rs::digest;
use causeway_core::ports::inbox::IdempotencyKey;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, SalesforceWrite};
use super::body;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use crate::app::receive::{self, Idempotency, MAX_CHANGES, Posted, ReceiveError, RowStatus};
use crate::failpoint;
use crate::json::JsonText;
use crate::members::FieldError;

const ROUTE: &str = "POST /v1/salesforce/changes";

/// Longest idempotency key that is taken, in characters.
const LONGEST_KEY: usize = 200;

/// Unknown members that are named at most.
const MOST_UNKNOWN: usize = 20;

/// A batch of changes.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Changes {
    /// The org they come from, 15 or 18 characters.
    #[schema(examples("00D8a00001rBqb8EAC"))]
    pub organization_id: String,
    /// Version of the package that posts them.
    #[schema(examples("1.0"))]
    pub package_version: String,
    /// Up to 1,000 changes. A wrong one is refused alone.
    #[schema(value_type = Vec<Change>, max_items = 1000)]
    pub changes: Vec<String>,
}

/// A record's news.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes what `receive` reads row by row, so that a wrong row is refused alone"
)]
#[schema(rename_all = "camelCase")]
pub struct Change {
    /// sObject.
    #[schema(examples("Contact"))]
    object: String,
    /// `create`, `update`, `undelete` or `delete`.
    #[schema(examples("update"))]
    operation: String,
    /// The record, 15 or 18 characters.
    #[schema(examples("003ZM000001n4n5YAA"))]
    id: String,
    /// SystemModstamp of the reading.
    system_modstamp: DateTime<Utc>,
    /// When the record was read, by the org's clock.
    observed_at: DateTime<Utc>,
    /// Names of the captured fields that changed.
    #[schema(required = false)]
    changed_fields: Vec<String>,
    /// The captured fields as they are now, null where they are empty. May be left out for a delete.
    #[schema(value_type = Object)]
    fields: (),
}

/// What became of a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct Accepted {
    /// Changes that are durable and will be processed.
    #[schema(examples(2))]
    pub accepted: usize,
    /// Changes that were refused.
    #[schema(examples(0))]
    pub rejected: usize,
    /// One for each change, in the order posted.
    pub results: Vec<ChangeResult>,
}

/// What became of a change.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeResult {
    /// The Salesforce id as posted; empty where there was none.
    #[schema(examples("003ZM000001n4n5YAA"))]
    pub id: String,
    /// `accepted`, or `rejected`: sending the same again is refused again.
    #[schema(examples("accepted"))]
    pub status: &'static str,
    /// What is wrong with a refused change, naming the field and the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Push changes from Salesforce.
///
/// Answered with 202 once the accepted changes are durable; they are then processed whatever happens. The same
/// changes may be sent twice, late or out of order. With an `Idempotency-Key` a repeated request gets the first
/// answer again.
#[utoipa::path(
    tag = "salesforce",
    security(("bearer" = ["salesforce:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat; at most 200 printable characters")),
    request_body = Changes,
    responses(
        (status = 202, description = "Received", body = Accepted),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this, or belongs to another connection", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no JSON, or is encoded", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong, or the idempotency key was used for another body", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was received; send it again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "Nothing was received; the store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/salesforce/changes")]
pub async fn post_changes(
    state: web::Data<HttpState>,
    caller: Authorized<SalesforceWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let key = idempotency_key(&request)?;
    let body = body::read(&request, payload, "application/json", state.change_bodies()).await?;
    let changes = read_changes(&body)?;
    tracing::debug!(
        package = changes
            .package_version
            .escape_debug()
            .take(20)
            .collect::<String>(),
        "changes came in"
    );
    let posted = Posted {
        connection: caller.connection().id,
        client: caller.caller.client.clone(),
        organization: changes.organization_id,
        changes: changes.changes,
        idempotency: key.map(|key| Idempotency {
            key: IdempotencyKey {
                client: caller.caller.client.clone(),
                route: ROUTE.to_owned(),
                key,
            },
            body_hash: sha256(&body),
        }),
    };
    let received = receive::receive_changes(&state.app, posted)
        .await
        .map_err(refuse)?;
    let answer = HttpResponse::Accepted().json(Accepted {
        accepted: received.accepted,
        rejected: received.rejected,
        results: received
            .results
            .into_iter()
            .map(|row| ChangeResult {
                id: row.id,
                status: match row.status {
                    RowStatus::Accepted => "accepted",
                    RowStatus::Rejected => "rejected",
                },
                problem: row.problem,
            })
            .collect(),
    });
    // Runs once this request's task lets go, which is when the answer is on its way.
    actix_web::rt::spawn(async { failpoint::reached("push.answered") });
    Ok(answer)
}

/// Reads what lies around the rows and leaves the rows as text: no value is built, however many there are.
fn read_changes(body: &[u8]) -> Result<Changes, Problem> {
    let invalid = |errors| Problem::with_errors(ProblemKind::InvalidFields, errors);
    let Some(members) = body::json_text(body)?.members() else {
        return Err(invalid(vec![wrong("(whole)", "must be an object")]));
    };
    let (mut organization_id, mut package_version, mut changes) = (None, None, None);
    let mut unknown = Vec::new();
    for (name, value) in members {
        match name.as_ref() {
            "organizationId" => organization_id = Some(value),
            "packageVersion" => package_version = Some(value),
            "changes" => changes = Some(value),
            name if unknown.len() < MOST_UNKNOWN => unknown.push(wrong(
                &name.chars().take(60).collect::<String>(),
                "unknown field; accepted here: organizationId, packageVersion, changes",
            )),
            _ => {}
        }
    }
    let mut errors = Vec::new();
    let organization_id = required_text("organizationId", organization_id, &mut errors);
    let package_version = required_text("packageVersion", package_version, &mut errors);
    let changes = rows(changes, &mut errors);
    errors.append(&mut unknown);
    match (organization_id, package_version, changes) {
        (Some(organization_id), Some(package_version), Some(changes)) if errors.is_empty() => Ok(Changes {
            organization_id,
            package_version,
            changes,
        }),
        _ => Err(invalid(errors)),
    }
}

fn required_text(name: &str, value: Option<JsonText<'_>>, errors: &mut Vec<FieldError>) -> Option<String> {
    let Some(value) = value else {
        errors.push(wrong(name, "is missing"));
        return None;
    };
    let text = value.text();
    if text.is_none() {
        errors.push(wrong(name, "must be a text"));
    }
    text.map(Cow::into_owned)
}

fn rows(value: Option<JsonText<'_>>, errors: &mut Vec<FieldError>) -> Option<Vec<String>> {
    let Some(value) = value else {
        errors.push(wrong("changes", "is missing"));
        return None;
    };
    let Some(rows) = value.items() else {
        errors.push(wrong("changes", "must be a list"));
        return None;
    };
    let count = rows.clone().count();
    if count > MAX_CHANGES {
        errors.push(too_many(count));
        return None;
    }
    Some(rows.map(|row| row.as_str().to_owned()).collect())
}

fn too_many(count: usize) -> FieldError {
    wrong(
        "changes",
        &format!("has {count} changes; at most {MAX_CHANGES} are taken, send the rest in further requests"),
    )
}

fn wrong(field: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

fn idempotency_key(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(header) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    match header.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.trim().len()) => Ok(Some(key.trim().to_owned())),
        _ => Err(Problem::with_errors(
            ProblemKind::InvalidParameters,
            vec![wrong(
                "Idempotency-Key",
                &format!("must be 1 to {LONGEST_KEY} printable characters"),
            )],
        )),
    }
}

fn refuse(error: ReceiveError) -> Problem {
    match error {
        ReceiveError::TooMany { count } => {
            Problem::with_errors(ProblemKind::InvalidFields, vec![too_many(count)])
        }
        ReceiveError::OtherOrganization { .. } => Problem::new(
            ProblemKind::ConnectionMismatch,
            "organizationId is not the org that this client's connection is linked with; use that connection's client",
        ),
        ReceiveError::KeyReused => Problem::new(
            ProblemKind::IdempotencyKeyReused,
            "send a new key with each new body",
        ),
        ReceiveError::NoConnection => Problem::internal("the caller's connection is gone"),
        ReceiveError::Store(error) => Problem::from(error),
    }
}

fn sha256(body: &[u8]) -> [u8; 32] {
    let mut hash = [0u8; 32];
    for (slot, byte) in hash
        .iter_mut()
        .zip(digest::digest(&digest::SHA256, body).as_ref())
    {
        *slot = *byte;
    }
    hash
}
