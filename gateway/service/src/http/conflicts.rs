//! `/v1/conflicts`: values that lost, and bringing them back.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use causeway_core::units::person::PersonRefusal;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, DecisionsWrite, LogsRead};
use super::connection::rule_name;
use super::cursor::{self, CursorKind};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::records::record_id;
use super::view::{LostView, cause_name, known_json};
use crate::app::conflicts::{self, Conflict};
use crate::app::held::PersonError;

/// Conflicts on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 100;
/// Conflicts on a page at most.
const MOST: u32 = 1_000;

/// A page of conflicts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConflictList)]
pub struct ConflictsView {
    /// Conflicts, newest first.
    pub conflicts: Vec<ConflictView>,
    /// Cursor of the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// Values of one field of which one lost.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conflict)]
pub struct ConflictView {
    /// Number, by which the value that lost is brought back.
    #[schema(examples("7"))]
    pub id: String,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// Partner object; null where nothing maps it any more.
    #[schema(examples("contact"))]
    pub object: Option<String>,
    /// The partner record.
    #[schema(examples("42"))]
    pub record: Option<String>,
    /// Partner field, or `owner`. A field that is no longer mapped shows as `#` and its number.
    #[schema(examples("email"))]
    pub field: String,
    /// Salesforce field; null where it is no longer mapped.
    #[schema(examples("Email"))]
    pub salesforce_field: Option<String>,
    /// Salesforce value before the decision; null where it was empty or not known.
    #[schema(value_type = Option<Object>)]
    pub salesforce_before: Value,
    /// Salesforce value after it.
    #[schema(value_type = Option<Object>)]
    pub salesforce_after: Value,
    /// Partner value before the decision; null where it was empty or not known.
    #[schema(value_type = Option<Object>)]
    pub partner_before: Value,
    /// Partner value after it.
    #[schema(value_type = Option<Object>)]
    pub partner_after: Value,
    /// The value that lost, and its side. It can be brought back.
    pub lost: Option<LostView>,
    /// Why, as in a record's history.
    #[schema(examples("mostRecent"))]
    pub cause: &'static str,
    /// Who wins the field by the mapping in force; null where it is no longer mapped.
    #[schema(examples("mostRecent"))]
    pub rule: Option<&'static str>,
}

impl From<&Conflict> for ConflictView {
    fn from(conflict: &Conflict) -> Self {
        let entry = &conflict.entry.entry;
        ConflictView {
            id: entry.id.to_string(),
            at: entry.at,
            object: conflict.object.clone(),
            record: conflict.record.map(|id| id.to_string()),
            field: conflict.entry.field_name(),
            salesforce_field: conflict.entry.salesforce_field.clone(),
            salesforce_before: known_json(entry.salesforce_before.as_ref()),
            salesforce_after: known_json(entry.salesforce_after.as_ref()),
            partner_before: known_json(entry.partner_before.as_ref()),
            partner_after: known_json(entry.partner_after.as_ref()),
            lost: entry.lost.as_ref().map(LostView::from),
            cause: cause_name(entry.cause),
            rule: conflict.rule.map(rule_name),
        }
    }
}

/// List conflicts.
///
/// Every value that lost against the other side's, newest first: both values, who lost, by which rule and when.
#[utoipa::path(
    tag = "conflicts",
    security(("bearer" = ["logs:read"])),
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "Conflicts on a page, 1 to 1000; 100 when left out"),
        ("record" = Option<String>, Query, description = "Only those of this partner record, by its number"),
    ),
    responses(
        (status = 200, description = "A page", body = ConflictsView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/conflicts")]
pub async fn list_conflicts(
    state: web::Data<HttpState>,
    caller: Authorized<LogsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let before = parameters.read("cursor", |text| cursor::read(CursorKind::Conflicts, text));
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    let record = parameters.read("record", |text| {
        record_id(text).ok_or_else(|| "must be the number of a record".to_owned())
    });
    parameters.finish()?;
    let connection = caller.connection().id;
    let (found, more) = conflicts::conflicts(&state.app, connection, record, before, limit).await?;
    let last = found.last().map(|conflict| conflict.entry.entry.id);
    Ok(HttpResponse::Ok().json(ConflictsView {
        next: last
            .filter(|_| more)
            .map(|id| cursor::write(CursorKind::Conflicts, id)),
        has_more: more,
        conflicts: found.iter().map(ConflictView::from).collect(),
    }))
}

/// Bring back a value that lost.
///
/// The value becomes that of both sides, whatever the rule says. It may be sent twice.
#[utoipa::path(
    tag = "conflicts",
    security(("bearer" = ["decisions:write"])),
    params(("id" = String, Path, description = "Number of the conflict", example = "7")),
    responses(
        (status = 202, description = "The value is back here, durably, and on its way to Salesforce where it lacks it"),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such conflict", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The value cannot be brought back", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/conflicts/{id}/restore")]
pub async fn restore_conflict(
    state: web::Data<HttpState>,
    caller: Authorized<DecisionsWrite>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let missing = || {
        Problem::new(
            ProblemKind::ConflictNotFound,
            "see /v1/conflicts for those there are",
        )
    };
    let id = path.parse().ok().filter(|id: &i64| *id > 0).ok_or_else(missing)?;
    let client = &caller.caller.client;
    match conflicts::restore(&state.app, caller.connection().id, id, client).await {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(PersonError::Store(error)) => Err(Problem::from(error)),
        Err(PersonError::Refused(refusal)) => Err(match refusal {
            PersonRefusal::NotFound | PersonRefusal::NothingLost => missing(),
            refusal => Problem::new(ProblemKind::NotRestorable, refusal.to_string()),
        }),
    }
}
