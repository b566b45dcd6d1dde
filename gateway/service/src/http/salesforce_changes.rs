//! `POST /v1/salesforce/changes`: what the package in the org pushes.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, post, web};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, SalesforceWrite};
use super::body;
use super::envelope::{self, Envelope};
use super::idempotency::KeyHeader;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use crate::app::receive::{self, MAX_CHANGES, Posted, ReceiveError, RowStatus};
use crate::failpoint;

const ROUTE: &str = "POST /v1/salesforce/changes";

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
    /// When each captured field that changed was edited, by the org's clock: an object of moments by field name. A
    /// moment behind `observedAt` counts as that. Or a list of names: they were edited when the record got its
    /// stamp. Left out: nothing is known.
    #[schema(required = false)]
    changed_fields: ChangedFields,
    /// For a delete: the record that this one was merged into (`MasterRecordId`); null: it was not merged. Left out:
    /// not known, and the gateway asks.
    #[schema(required = false)]
    master_record_id: Option<String>,
    /// The captured fields as they are now, null where they are empty. May be left out for a delete.
    #[schema(value_type = Object)]
    fields: (),
}

/// Fields that changed.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what `receive` reads")]
#[serde(untagged)]
enum ChangedFields {
    /// Moments by field name.
    Moments(BTreeMap<String, DateTime<Utc>>),
    /// Field names.
    Names(Vec<String>),
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
    let key = KeyHeader::of(&request)?;
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
        idempotency: key.names(&caller.caller, ROUTE, &[&body]),
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

fn read_changes(body: &[u8]) -> Result<Changes, Problem> {
    let mut envelope = Envelope::of(body, &["organizationId", "packageVersion", "changes"])?;
    let organization_id = envelope.text("organizationId").unwrap_or_default();
    let package_version = envelope.text("packageVersion").unwrap_or_default();
    let changes = envelope.rows("changes", MAX_CHANGES).unwrap_or_default();
    envelope.finish()?;
    Ok(Changes {
        organization_id,
        package_version,
        changes,
    })
}

fn refuse(error: ReceiveError) -> Problem {
    match error {
        ReceiveError::TooMany { count } => {
            let error = envelope::too_many("changes", count, MAX_CHANGES);
            Problem::with_errors(ProblemKind::InvalidFields, vec![error])
        }
        ReceiveError::OtherOrganization { .. } => other_organization(),
        ReceiveError::KeyReused => Problem::new(
            ProblemKind::IdempotencyKeyReused,
            "send a new key with each new body",
        ),
        ReceiveError::NoConnection => Problem::internal("the caller's connection is gone"),
        ReceiveError::Store(error) => Problem::from(error),
    }
}

/// What comes from an org that is not the connection's.
pub(super) fn other_organization() -> Problem {
    Problem::new(
        ProblemKind::ConnectionMismatch,
        "organizationId is not the org that this client's connection is linked with; use that connection's client",
    )
}
