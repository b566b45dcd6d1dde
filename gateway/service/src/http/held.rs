//! `/v1/held`: what waits for a person, and what a person decides.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use causeway_core::id::LinkId;
use causeway_core::units::person::PersonRefusal;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, DecisionsWrite, LogsRead};
use super::body;
use super::cursor::{self, CursorKind};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::view::HeldView;
use crate::app::held::{self, PersonError};
use crate::app::read;

/// Records on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 100;
/// Records on a page at most.
const MOST: u32 = 1_000;

/// The reasons after which records can be tried again all at once: those that a decision on a delete settles are not
/// among them, nor those of unknown outcome, each of which has to be looked for first.
const REASONS: [&str; 5] = ["conversion", "refused", "ambiguous", "flipping", "outOfSight"];

/// A page of held records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeldList)]
pub struct HeldsView {
    /// Records that wait for a person.
    pub held: Vec<HeldView>,
    /// Cursor of the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// Which held records to try again.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes what `read_retry` reads")]
pub struct RetryOrder {
    /// Their reason: `conversion`, `refused`, `ambiguous`, `flipping` or `outOfSight`.
    #[schema(examples("refused"))]
    reason: String,
    /// `next` of the answer before, to go on from there.
    #[schema(required = false)]
    cursor: Option<String>,
}

/// What was tried again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Retried)]
pub struct RetriedView {
    /// How many records.
    #[schema(examples(12))]
    pub retried: u64,
    /// Send it as `cursor` to go on, since one request looks at some thousands; null when all were looked at.
    pub next: Option<String>,
}

/// A decision on a delete.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct DeleteOrder {
    /// Whether the other side's record is deleted too. Otherwise it stays and the link ends.
    #[schema(examples(true))]
    pub delete_too: bool,
}

/// List held records.
///
/// Records that wait for a person, each with the reason and what to do.
#[utoipa::path(
    tag = "held",
    security(("bearer" = ["logs:read"])),
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "Records on a page, 1 to 1000; 100 when left out"),
    ),
    responses(
        (status = 200, description = "A page", body = HeldsView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/held")]
pub async fn list_held(
    state: web::Data<HttpState>,
    caller: Authorized<LogsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let after = parameters.read("cursor", |text| cursor::read(CursorKind::Held, text));
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    parameters.finish()?;
    let (held, more) = read::held(&state.app, caller.connection().id, after.map(LinkId), limit).await?;
    let last = held.last().map(|found| found.held.link.0);
    Ok(HttpResponse::Ok().json(HeldsView {
        next: last
            .filter(|_| more)
            .map(|id| cursor::write(CursorKind::Held, id)),
        has_more: more,
        held: held.iter().map(HeldView::from).collect(),
    }))
}

/// The causes for which records are held.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HeldCauseList)]
pub struct CausesView {
    /// The most frequent first.
    pub causes: Vec<CauseView>,
}

/// Records of one object that are held for one cause.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeldCause)]
pub struct CauseView {
    /// The reason, as in `/v1/held`.
    #[schema(examples("conversion"))]
    pub cause: &'static str,
    /// Partner object; empty where nothing maps the records any more.
    #[schema(examples("contact"))]
    pub object: String,
    /// Why one of them is held, and what to do.
    pub next_step: String,
    /// How many records.
    #[schema(examples(12))]
    pub count: u64,
    /// Since when the oldest is held.
    pub oldest: DateTime<Utc>,
}

/// List why records are held.
///
/// Held records by cause and object, counted.
#[utoipa::path(
    tag = "held",
    security(("bearer" = ["logs:read"])),
    responses(
        (status = 200, description = "The causes", body = CausesView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/held/causes")]
pub async fn list_causes(
    state: web::Data<HttpState>,
    caller: Authorized<LogsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let causes = held::causes(&state.app, caller.connection().id).await?;
    let causes = causes.into_iter().map(|cause| CauseView {
        cause: cause.reason,
        object: cause.object,
        next_step: cause.next_step,
        count: cause.count,
        oldest: cause.oldest,
    });
    Ok(HttpResponse::Ok().json(CausesView {
        causes: causes.collect(),
    }))
}

/// Try a held record again.
#[utoipa::path(
    tag = "held",
    security(("bearer" = ["decisions:write"])),
    params(("id" = String, Path, description = "`id` of the held record", example = "42")),
    responses(
        (status = 202, description = "It is tried again"),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such held record", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It waits for a decision, or its mapping is gone", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/held/{id}/retry")]
pub async fn retry_held(
    state: web::Data<HttpState>,
    caller: Authorized<DecisionsWrite>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let link = link_id(&path)?;
    held::retry(&state.app, caller.connection().id, link, &caller.caller.client).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Try all held records of one reason again.
#[utoipa::path(
    tag = "held",
    security(("bearer" = ["decisions:write"])),
    request_body = RetryOrder,
    responses(
        (status = 202, description = "They are tried again", body = RetriedView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/held/retry")]
pub async fn retry_all_held(
    state: web::Data<HttpState>,
    caller: Authorized<DecisionsWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let (reason, after) = read_retry(&body)?;
    let client = &caller.caller.client;
    let retried = held::retry_all(&state.app, caller.connection().id, reason, after, client).await?;
    Ok(HttpResponse::Accepted().json(RetriedView {
        retried: retried.count,
        next: retried.next.map(|link| cursor::write(CursorKind::Held, link.0)),
    }))
}

/// Decide on a delete.
///
/// For a record that is held since one side deleted it and the policy is to ask.
#[utoipa::path(
    tag = "held",
    security(("bearer" = ["decisions:write"])),
    params(("id" = String, Path, description = "`id` of the held record", example = "42")),
    request_body = DeleteOrder,
    responses(
        (status = 202, description = "Decided"),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such held record", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It does not wait for a decision on a delete, or its mapping is gone", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/held/{id}/delete")]
pub async fn decide_delete(
    state: web::Data<HttpState>,
    caller: Authorized<DecisionsWrite>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let order = read_decision(&body)?;
    let link = link_id(&path)?;
    let client = &caller.caller.client;
    held::decide_delete(&state.app, caller.connection().id, link, order.delete_too, client).await?;
    Ok(HttpResponse::Accepted().finish())
}

fn read_retry(body: &[u8]) -> Result<(&'static str, Option<LinkId>), Problem> {
    let mut members = body::members(body)?;
    let reason = members.read("reason", |text| {
        REASONS
            .into_iter()
            .find(|reason| *reason == text)
            .ok_or_else(|| format!("must be one of {}", REASONS.join(", ")))
    });
    let after = match members
        .text("cursor")
        .map(|text| cursor::read(CursorKind::Held, &text))
    {
        None => None,
        Some(Ok(link)) => Some(LinkId(link)),
        Some(Err(message)) => {
            members.error("cursor", message);
            None
        }
    };
    let errors = members.finish();
    match reason {
        Some(reason) if errors.is_empty() => Ok((reason, after)),
        _ => Err(Problem::with_errors(ProblemKind::InvalidFields, errors)),
    }
}

fn read_decision(body: &[u8]) -> Result<DeleteOrder, Problem> {
    let mut members = body::members(body)?;
    let delete_too = match members.required("deleteToo") {
        Some(Value::Bool(delete_too)) => Some(delete_too),
        Some(_) => {
            members.error("deleteToo", "must be true or false");
            None
        }
        None => None,
    };
    let errors = members.finish();
    match delete_too {
        Some(delete_too) if errors.is_empty() => Ok(DeleteOrder { delete_too }),
        _ => Err(Problem::with_errors(ProblemKind::InvalidFields, errors)),
    }
}

fn link_id(text: &str) -> Result<LinkId, Problem> {
    text.parse()
        .ok()
        .filter(|number| *number > 0)
        .map(LinkId)
        .ok_or_else(missing)
}

fn missing() -> Problem {
    Problem::new(ProblemKind::HeldNotFound, "see /v1/held for those there are")
}

impl From<PersonError> for Problem {
    fn from(error: PersonError) -> Self {
        match error {
            PersonError::Store(error) => Problem::from(error),
            PersonError::Refused(PersonRefusal::NotFound | PersonRefusal::NotHeld) => missing(),
            PersonError::Refused(refusal) => Problem::new(ProblemKind::OtherDecision, refusal.to_string()),
        }
    }
}
