//! `/v1/syncs`: sync runs.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use causeway_core::decide::Outcome;
use causeway_core::id::RunId;
use causeway_core::pace;
use causeway_core::ports::runs::{PartProgress, Run, RunFilter, RunKind, RunPart, RunState};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, SyncsRead, SyncsWrite};
use super::body;
use super::cursor::{self, CursorKind};
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::view::Counts;
use crate::app::sync::{CancelError, StartError};
use crate::app::{directory, read, sync};
use crate::members::FieldError;

/// Runs on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 20;
/// Runs on a page at most.
const MOST: u32 = 100;

/// A sync run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Sync)]
pub struct SyncView {
    /// Number.
    #[schema(examples("3"))]
    pub id: String,
    /// What it does: `initial`, everything; `instant`, what changed since the last sync; `reconcile`, everything,
    /// and what is missing.
    #[schema(examples("initial"))]
    pub kind: &'static str,
    /// `queued`, `running`, `completed`, `failed`: a person has to see to `error`; `cancelling`: it ends behind the
    /// batch being written; or `cancelled`.
    #[schema(examples("running"))]
    pub state: &'static str,
    /// Why it failed and what to do about it.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Rows read so far.
    pub done: u64,
    /// Rows in all; null until Salesforce has said it of every part.
    pub total: Option<u64>,
    /// Rows read in a second of late; null while none are.
    #[schema(examples(2500))]
    pub records_per_second: Option<u64>,
    /// When it will have ended at that pace; null where that is past telling.
    pub finish_estimate: Option<DateTime<Utc>>,
    /// One for each mapping, in the order in which they run.
    pub parts: Vec<SyncPartView>,
}

/// A run's work on one mapping.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncPart)]
pub struct SyncPartView {
    /// Number of the mapping.
    #[schema(examples("1"))]
    pub mapping: String,
    /// `waiting`, `reading`, `comparing` (a reconcile looks up what Salesforce did not show),
    /// `marking` (linked records are given the partner record's id) or `done`.
    #[schema(examples("reading"))]
    pub state: &'static str,
    /// Rows read so far.
    pub rows: u64,
    /// Rows that Salesforce says there are; known once its query is done.
    pub expected: Option<u64>,
    /// What became of the rows: `created`, `updated`, `confirmed`, `deleted`, `restored`, `relinked` (merged or
    /// converted), `held`, and `dropped` for those that changed nothing. They add up to `rows`.
    #[schema(value_type = std::collections::BTreeMap<String, u64>)]
    pub outcomes: Counts,
}

impl SyncView {
    fn new(run: &Run, now: DateTime<Utc>) -> Self {
        let reached = pace::reached(run, now);
        SyncView {
            id: run.id.to_string(),
            kind: kind_name(run.kind),
            state: state_name(run.state),
            error: run.error.clone(),
            created_at: run.created_at,
            finished_at: run.finished_at,
            done: reached.done,
            total: reached.total,
            records_per_second: reached.per_second,
            finish_estimate: reached.ends_at,
            parts: run.parts.iter().map(SyncPartView::from).collect(),
        }
    }
}

impl From<&RunPart> for SyncPartView {
    fn from(part: &RunPart) -> Self {
        let mut outcomes: Counts = part
            .outcomes
            .iter()
            .map(|(outcome, rows)| (outcome_name(*outcome), *rows))
            .collect();
        outcomes.insert("dropped", part.dropped);
        SyncPartView {
            mapping: part.mapping.to_string(),
            state: match part.progress {
                PartProgress::Waiting => "waiting",
                PartProgress::Reading { .. }
                | PartProgress::Polling { .. }
                | PartProgress::PollingDeletes { .. } => "reading",
                PartProgress::Comparing { .. } => "comparing",
                PartProgress::Marking { .. } => "marking",
                PartProgress::Done => "done",
            },
            rows: part.rows,
            expected: part.expected,
            outcomes,
        }
    }
}

fn kind_name(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Initial => "initial",
        RunKind::Instant => "instant",
        RunKind::Reconcile => "reconcile",
    }
}

fn read_kind(text: &str) -> Result<RunKind, String> {
    [RunKind::Initial, RunKind::Instant, RunKind::Reconcile]
        .into_iter()
        .find(|kind| kind_name(*kind) == text)
        .ok_or_else(|| "must be initial, instant or reconcile".to_owned())
}

fn read_state(text: &str) -> Result<RunState, String> {
    let known = RunState::ALL.into_iter().find(|state| state_name(*state) == text);
    known.ok_or_else(|| format!("must be one of {}", RunState::ALL.map(state_name).join(", ")))
}

/// A run's state as callers and metrics spell it.
pub fn state_name(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "queued",
        RunState::Running => "running",
        RunState::Completed => "completed",
        RunState::Failed => "failed",
        RunState::Cancelling => "cancelling",
        RunState::Cancelled => "cancelled",
    }
}

/// An outcome as callers and metrics spell it.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Created => "created",
        Outcome::Updated => "updated",
        Outcome::Confirmed => "confirmed",
        Outcome::Deleted => "deleted",
        Outcome::Restored => "restored",
        Outcome::Relinked => "relinked",
        Outcome::Held => "held",
    }
}

/// A page of sync runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SyncList)]
pub struct SyncsView {
    /// Runs, newest first.
    pub syncs: Vec<SyncView>,
    /// Cursor of the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// A sync run to start.
#[derive(Debug, ToSchema)]
#[schema(as = NewSync)]
pub struct SyncOrder {
    /// What it does: `initial`, everything that is mapped.
    #[schema(examples("initial"), value_type = String)]
    pub kind: RunKind,
    /// Partner objects; all that are mapped when left out.
    #[schema(examples(json!(["account", "contact"])), required = false)]
    pub objects: Vec<String>,
}

/// List sync runs.
#[utoipa::path(
    tag = "syncs",
    security(("bearer" = ["syncs:read"])),
    params(
        ("kind" = Option<String>, Query, description = "Only `initial`, `instant` or `reconcile`"),
        ("state" = Option<String>, Query, description = "Only runs in this state"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "Runs on a page, 1 to 100; 20 when left out"),
    ),
    responses(
        (status = 200, description = "A page", body = SyncsView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/syncs")]
pub async fn list_syncs(
    state: web::Data<HttpState>,
    caller: Authorized<SyncsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let filter = RunFilter {
        kind: parameters.read("kind", read_kind),
        state: parameters.read("state", read_state),
    };
    let before = parameters.read("cursor", |text| cursor::read(CursorKind::Syncs, text));
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    parameters.finish()?;
    let connection = caller.connection().id;
    let (runs, more) = read::runs(&state.app, connection, filter, before.map(RunId), limit).await?;
    let now = state.app.clock.now();
    let last = runs.last().map(|run| run.id.0);
    Ok(HttpResponse::Ok().json(SyncsView {
        next: last
            .filter(|_| more)
            .map(|id| cursor::write(CursorKind::Syncs, id)),
        has_more: more,
        syncs: runs.iter().map(|run| SyncView::new(run, now)).collect(),
    }))
}

/// Start a sync run.
///
/// While a run of that kind is queued or running, that one is answered with if it has all the objects asked for.
#[utoipa::path(
    tag = "syncs",
    security(("bearer" = ["syncs:write"])),
    request_body = SyncOrder,
    responses(
        (status = 202, description = "The run is queued; `Location` shows how it gets on", body = SyncView, headers(("Location" = String, description = "The run"))),
        (status = 400, description = "The body cannot be read", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "Nothing is mapped yet, the data owner is gone, or a run of other objects, or one being cancelled, is not finished", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is of another form", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/syncs")]
pub async fn start_sync(
    state: web::Data<HttpState>,
    caller: Authorized<SyncsWrite>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let body = body::read(&request, payload, "application/json", state.small_bodies()).await?;
    let order = read_order(&body)?;
    let connection = caller.connection().id;
    let objects = order.objects.clone();
    let id = sync::start(&state.app, connection, order.kind, order.objects)
        .await
        .map_err(refuse)?;
    let run = read::run(&state.app, connection, id)
        .await?
        .ok_or_else(|| Problem::internal(format!("sync {id} is gone")))?;
    if run.state == RunState::Cancelling {
        return Err(Problem::new(
            ProblemKind::SyncRunning,
            format!("sync {id} is being cancelled; see /v1/syncs/{id} and send this again when it has ended"),
        ));
    }
    let left_out = directory::left_out(&state.app, connection, &run, &objects).await?;
    if !left_out.is_empty() {
        return Err(Problem::new(
            ProblemKind::SyncRunning,
            format!(
                "sync {id} is not finished and leaves out {}; see /v1/syncs/{id} and send this again when it is done",
                left_out.join(", ")
            ),
        ));
    }
    Ok(HttpResponse::Accepted()
        .insert_header((header::LOCATION, format!("/v1/syncs/{id}")))
        .json(SyncView::new(&run, state.app.clock.now())))
}

/// Read a sync run.
#[utoipa::path(
    tag = "syncs",
    security(("bearer" = ["syncs:read"])),
    params(("id" = String, Path, description = "Number of the run", example = "3")),
    responses(
        (status = 200, description = "The run", body = SyncView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/syncs/{id}")]
pub async fn get_sync(
    state: web::Data<HttpState>,
    caller: Authorized<SyncsRead>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let id = path.parse().map(RunId).map_err(|_malformed| missing())?;
    let run = read::run(&state.app, caller.connection().id, id)
        .await?
        .ok_or_else(missing)?;
    Ok(HttpResponse::Ok().json(SyncView::new(&run, state.app.clock.now())))
}

/// Cancel a sync run.
///
/// It ends behind the batch being written, with its job in Salesforce. What it applied stays; a new run may be started
/// once it has ended.
#[utoipa::path(
    tag = "syncs",
    security(("bearer" = ["syncs:write"])),
    params(("id" = String, Path, description = "Number of the run", example = "3")),
    responses(
        (status = 202, description = "It is being cancelled, or is cancelled already where nobody worked on it", body = SyncView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such run", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "It has ended already", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "The store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/syncs/{id}/cancel")]
pub async fn cancel_sync(
    state: web::Data<HttpState>,
    caller: Authorized<SyncsWrite>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let id = path.parse().map(RunId).map_err(|_malformed| missing())?;
    let run = sync::cancel(&state.app, caller.connection().id, id)
        .await
        .map_err(|error| match error {
            CancelError::NotFound => missing(),
            CancelError::Ended { .. } => Problem::new(ProblemKind::SyncEnded, error.to_string()),
            CancelError::Store(error) => Problem::from(error),
        })?;
    Ok(HttpResponse::Accepted().json(SyncView::new(&run, state.app.clock.now())))
}

fn missing() -> Problem {
    Problem::new(ProblemKind::SyncNotFound, "see /v1/syncs for those there are")
}

fn read_order(body: &[u8]) -> Result<SyncOrder, Problem> {
    let mut members = body::members(body)?;
    let kind = members.read("kind", read_kind);
    let mut objects = Vec::new();
    for (at, object) in members.list("objects").into_iter().enumerate() {
        match object {
            serde_json::Value::String(object) => objects.push(object),
            _ => members.error(&format!("objects[{at}]"), "must be a text"),
        }
    }
    let errors = members.finish();
    match kind {
        Some(kind) if errors.is_empty() => Ok(SyncOrder { kind, objects }),
        _ => Err(Problem::with_errors(ProblemKind::InvalidFields, errors)),
    }
}

fn refuse(error: StartError) -> Problem {
    match error {
        StartError::NoConnection => Problem::internal("the caller's connection is gone"),
        StartError::SwitchedOff => Problem::new(
            ProblemKind::ConnectionDisabled,
            "ask the gateway's operator to switch the connection on",
        ),
        StartError::DataOwnerGone { .. } => Problem::new(ProblemKind::DataOwnerGone, error.to_string()),
        StartError::NothingMapped => Problem::new(
            ProblemKind::NothingMapped,
            "apply a mapping first: causeway mapping apply",
        ),
        StartError::NoSuchMapping { object, known } => Problem::with_errors(
            ProblemKind::InvalidFields,
            vec![FieldError {
                field: "objects".to_owned(),
                message: format!(
                    "{:?} is not mapped; mapped are: {known}",
                    object.chars().take(60).collect::<String>()
                ),
            }],
        ),
        StartError::Store(error) => Problem::from(error),
    }
}
