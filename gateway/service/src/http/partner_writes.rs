//! `/v1/records`: what partners write.

use actix_web::{HttpRequest, HttpResponse, delete, post, web};
use causeway_core::decide::partner::{PartnerRefusal, RefusalCode};
use causeway_core::id::RecordId;
use causeway_core::units::partner_news::PostMode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, RecordsWrite};
use super::body;
use super::envelope::Envelope;
use super::idempotency::KeyHeader;
use super::parameters::Parameters;
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::records::{not_found, record_id};
use crate::app::post::{self, MAX_RECORDS, PostError, Posted, Requested, RowAnswer, RowOutcome};
use crate::app::read::ReadError;

const POST_ROUTE: &str = "POST /v1/records/{object}";
const DELETES_ROUTE: &str = "POST /v1/records/{object}/deletes";
const DELETE_ROUTE: &str = "DELETE /v1/records/{object}/{id}";
const UNDELETE_ROUTE: &str = "POST /v1/records/{object}/{id}/undelete";

/// Records to make or edit.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes what is read row by row, so that a wrong row is refused alone"
)]
pub struct RecordEdits {
    /// `upsert`: makes what does not exist and edits what does; `createOnly`: refuses what exists; `updateOnly`:
    /// refuses what does not. `upsert` when left out.
    #[schema(required = false, examples("upsert"))]
    mode: String,
    /// Up to 1,000 records. A wrong one is refused alone.
    #[schema(max_items = 1000)]
    records: Vec<RecordEdit>,
}

/// A record to make or edit. With neither `id` nor `key` a record is made, unless the mapping's identity tells that it
/// exists.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes what is read row by row, so that a wrong row is refused alone"
)]
#[schema(rename_all = "camelCase")]
pub struct RecordEdit {
    /// Its number, where it is known.
    #[schema(examples("42"))]
    id: Option<String>,
    /// The partner's own id of it: finds the record that was given it, or gives it to the record.
    #[schema(examples("crm-4711"), max_length = 255)]
    key: Option<String>,
    /// When the partner's user edited it. Decides which side's edit is the newer one, and which of the partner's own.
    /// A moment that lies ahead counts as now. Left out: now.
    changed_at: Option<DateTime<Utc>>,
    /// The edit counts only while the record stands at this place of the feed (its `position`).
    #[schema(examples(1234))]
    if_position: Option<i64>,
    /// Partner user who owns it from now on.
    #[schema(examples("u-7"))]
    owner: Option<String>,
    /// Values by field: each that is given is an edit, null empties the field, one that is left out says nothing. A
    /// reference is an object with `id`, or with `salesforceId`.
    #[schema(value_type = Object, example = json!({
        "last_name": "Ng", "amount": 1054.00, "birthday": "1970-01-01", "account": {"id": "17"}
    }))]
    fields: (),
}

/// Records to delete.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes what is read row by row, so that a wrong row is refused alone"
)]
pub struct RecordDeletes {
    /// Up to 1,000 records. A wrong one is refused alone.
    #[schema(max_items = 1000)]
    records: Vec<RecordDelete>,
}

/// A record to delete, named by its number or by the partner's own id.
#[derive(Debug, ToSchema)]
#[expect(
    dead_code,
    reason = "describes what is read row by row, so that a wrong row is refused alone"
)]
#[schema(rename_all = "camelCase")]
pub struct RecordDelete {
    /// Its number.
    #[schema(examples("42"))]
    id: Option<String>,
    /// The partner's own id of it.
    #[schema(examples("crm-4711"))]
    key: Option<String>,
    /// When the partner's user deleted it. A delete from before the record's newest edit changes nothing: it is
    /// answered `unchanged`, with a note. Left out: now.
    changed_at: Option<DateTime<Utc>>,
    /// The delete counts only while the record stands at this place of the feed (its `position`).
    #[schema(examples(1234))]
    if_position: Option<i64>,
}

/// What became of the rows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WriteResults)]
pub struct WriteResultsView {
    /// Rows that were taken. What they say is durable and reaches Salesforce.
    #[schema(examples(2))]
    pub accepted: usize,
    /// Rows that were refused.
    #[schema(examples(0))]
    pub refused: usize,
    /// One for each row, in the order posted.
    pub results: Vec<WriteResultView>,
}

/// What became of a row.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WriteResult)]
pub struct WriteResultView {
    /// The record's number; null where there is none.
    #[schema(examples("42"))]
    pub id: Option<String>,
    /// The partner's own id, as posted.
    #[schema(examples("crm-4711"))]
    pub key: Option<String>,
    /// `created`, `updated`, `unchanged` (all of it was known already), `deleted`, `restored`, or `refused`: nothing of
    /// the row was kept.
    #[schema(examples("created"))]
    pub outcome: &'static str,
    /// Why nothing came of a row that was well formed: a delete that was made before the record's newest edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Where the record's latest state stands in the feed; null where there is no record.
    #[schema(examples(1234))]
    pub position: Option<i64>,
    /// How the record stands with Salesforce: `upToDate`, `waitingForSalesforce`, or `held`: a person has to act. Null
    /// for a refused row.
    #[schema(examples("waitingForSalesforce"))]
    pub status: Option<&'static str>,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<WriteHeldView>,
    /// What is wrong with a refused row.
    pub problems: Vec<WriteProblemView>,
}

/// What is wrong with a row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WriteProblem)]
pub struct WriteProblemView {
    /// The member of the row, `fields.email` for a field; null where the row as a whole is refused.
    #[schema(examples("fields.email"))]
    pub field: Option<String>,
    /// What kind of thing is wrong, stable for ever: `unknown-field`, `wrong-type`, `value-does-not-fit`, `required`,
    /// `one-way`, `deleted`, `not-found`, `identity-taken`, `exists`, `moved`, `precondition-failed` or
    /// `try-again`: the same row succeeds later, with another idempotency key.
    #[schema(examples("value-does-not-fit"))]
    pub code: &'static str,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// Why a record waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WriteHeld)]
pub struct WriteHeldView {
    /// The reason, as in `/v1/held`.
    #[schema(examples("refused"))]
    pub reason: String,
    /// Why, and what to do, in one line.
    pub summary: String,
}

impl From<RowAnswer> for WriteResultView {
    fn from(answer: RowAnswer) -> Self {
        let status = match (&answer.held, answer.waiting) {
            (Some(_), _) => "held",
            (None, true) => "waitingForSalesforce",
            (None, false) => "upToDate",
        };
        WriteResultView {
            id: answer.record.map(|id| id.to_string()),
            key: answer.key,
            outcome: outcome_name(answer.outcome),
            note: answer.note,
            position: answer.position,
            status: (answer.outcome != RowOutcome::Refused).then_some(status),
            held: answer
                .held
                .map(|(reason, summary)| WriteHeldView { reason, summary }),
            problems: answer.problems.into_iter().map(WriteProblemView::from).collect(),
        }
    }
}

impl From<PartnerRefusal> for WriteProblemView {
    fn from(refusal: PartnerRefusal) -> Self {
        WriteProblemView {
            field: refusal.field,
            code: code_name(refusal.code),
            message: refusal.message,
        }
    }
}

fn outcome_name(outcome: RowOutcome) -> &'static str {
    match outcome {
        RowOutcome::Created => "created",
        RowOutcome::Updated => "updated",
        RowOutcome::Unchanged => "unchanged",
        RowOutcome::Deleted => "deleted",
        RowOutcome::Restored => "restored",
        RowOutcome::Refused => "refused",
    }
}

fn code_name(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::UnknownField => "unknown-field",
        RefusalCode::WrongType => "wrong-type",
        RefusalCode::ValueDoesNotFit => "value-does-not-fit",
        RefusalCode::Required => "required",
        RefusalCode::OneWay => "one-way",
        RefusalCode::Deleted => "deleted",
        RefusalCode::NotFound => "not-found",
        RefusalCode::IdentityTaken => "identity-taken",
        RefusalCode::Exists => "exists",
        RefusalCode::Moved => "moved",
        RefusalCode::PreconditionFailed => "precondition-failed",
        RefusalCode::TryAgain => "try-again",
    }
}

/// Make and edit records.
///
/// Each row is decided by the mapping's rules at once and answered alone, in order. With 202 all that was taken is
/// durable here and on its way to Salesforce, as far as something has to travel; `status` of a record tells how far it
/// is. With an `Idempotency-Key` a repeated request gets the first answer again.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:write"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat; at most 200 printable characters"),
    ),
    request_body = RecordEdits,
    responses(
        (status = 202, description = "Decided and durable, row by row", body = WriteResultsView),
        (status = 400, description = "The body cannot be read, or some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Nothing maps this object", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no JSON, or is encoded", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong, or the idempotency key was used for another request", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was kept; send it again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "Nothing was kept; the store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/records/{object}")]
pub async fn post_records(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsWrite>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let key = KeyHeader::of(&request)?;
    let body = body::read(&request, payload, "application/json", state.change_bodies()).await?;
    let mut envelope = Envelope::of(&body, &["mode", "records"])?;
    let mode = envelope.read("mode", read_mode).unwrap_or_default();
    let rows = envelope.rows("records", MAX_RECORDS).unwrap_or_default();
    envelope.finish()?;
    let object = path.into_inner();
    let posted = Posted {
        connection: caller.connection().id,
        client: caller.caller.client.clone(),
        idempotency: key.names(&caller.caller, POST_ROUTE, &[object.as_bytes(), &body]),
        object,
        request: Requested::Edits { mode, rows },
    };
    answer_all(post::post(&state.app, posted).await?)
}

/// Delete records.
///
/// As many deletes at once, each answered alone. What becomes of the Salesforce records is said by the mapping's
/// `partnerDeletePolicy`. With an `Idempotency-Key` a repeated request gets the first answer again.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:write"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat; at most 200 printable characters"),
    ),
    request_body = RecordDeletes,
    responses(
        (status = 202, description = "Decided and durable, row by row", body = WriteResultsView),
        (status = 400, description = "The body cannot be read, or some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Nothing maps this object", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 408, description = "The body took too long", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 413, description = "The body is too large", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 415, description = "The body is no JSON, or is encoded", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "Some fields are wrong, or the idempotency key was used for another request", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was kept; send it again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "Nothing was kept; the store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/records/{object}/deletes")]
pub async fn post_deletes(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsWrite>,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let key = KeyHeader::of(&request)?;
    let body = body::read(&request, payload, "application/json", state.change_bodies()).await?;
    let mut envelope = Envelope::of(&body, &["records"])?;
    let rows = envelope.rows("records", MAX_RECORDS).unwrap_or_default();
    envelope.finish()?;
    let object = path.into_inner();
    let posted = Posted {
        connection: caller.connection().id,
        client: caller.caller.client.clone(),
        idempotency: key.names(&caller.caller, DELETES_ROUTE, &[object.as_bytes(), &body]),
        object,
        request: Requested::Deletes { rows },
    };
    answer_all(post::post(&state.app, posted).await?)
}

/// Delete a record.
///
/// What becomes of the Salesforce record is said by the mapping's `partnerDeletePolicy`.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:write"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("id" = String, Path, description = "Number of the record", example = "42"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat; at most 200 printable characters"),
    ),
    responses(
        (status = 202, description = "Deleted here, durably", body = WriteResultView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such record", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The record does not take this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The idempotency key was used for another request", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was kept; send it again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "Nothing was kept; the store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[delete("/v1/records/{object}/{id}")]
pub async fn delete_record(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsWrite>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    one(
        &state,
        &caller,
        &request,
        path.into_inner(),
        DELETE_ROUTE,
        Requested::Delete,
    )
    .await
}

/// Bring a deleted record back.
///
/// It lives again with the values it had. Where its Salesforce record is gone, another is made.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:write"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("id" = String, Path, description = "Number of the record", example = "42"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat; at most 200 printable characters"),
    ),
    responses(
        (status = 202, description = "Lives again here, durably", body = WriteResultView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such record", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "The record does not take this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "The idempotency key was used for another request", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "Nothing was kept; send it again", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 507, description = "Nothing was kept; the store is full", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[post("/v1/records/{object}/{id}/undelete")]
pub async fn undelete_record(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsWrite>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    one(
        &state,
        &caller,
        &request,
        path.into_inner(),
        UNDELETE_ROUTE,
        Requested::Undelete,
    )
    .await
}

async fn one(
    state: &HttpState,
    caller: &Authorized<RecordsWrite>,
    request: &HttpRequest,
    (object, id): (String, String),
    route: &str,
    requested: impl FnOnce(RecordId) -> Requested,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let key = KeyHeader::of(request)?;
    let missing = || not_found(&object, &id);
    let record = record_id(&id).ok_or_else(missing)?;
    let posted = Posted {
        connection: caller.connection().id,
        client: caller.caller.client.clone(),
        idempotency: key.names(&caller.caller, route, &[object.as_bytes(), id.as_bytes()]),
        object: object.clone(),
        request: requested(record),
    };
    let answer = post::post(&state.app, posted).await?.into_iter().next();
    let answer = answer.ok_or_else(|| Problem::internal("a post of one row was answered with none"))?;
    match answer.problems.first() {
        Some(refusal) if refusal.code == RefusalCode::NotFound => Err(missing()),
        Some(refusal) if refusal.code == RefusalCode::TryAgain => {
            Err(Problem::new(ProblemKind::Unavailable, refusal.message.clone()))
        }
        Some(refusal) => Err(Problem::new(ProblemKind::RecordRefused, refusal.message.clone())),
        None => Ok(HttpResponse::Accepted().json(WriteResultView::from(answer))),
    }
}

fn answer_all(answers: Vec<RowAnswer>) -> Result<HttpResponse, Problem> {
    let refused = answers
        .iter()
        .filter(|answer| answer.outcome == RowOutcome::Refused)
        .count();
    Ok(HttpResponse::Accepted().json(WriteResultsView {
        accepted: answers.len() - refused,
        refused,
        results: answers.into_iter().map(WriteResultView::from).collect(),
    }))
}

fn read_mode(text: &str) -> Result<PostMode, String> {
    match text {
        "upsert" => Ok(PostMode::Upsert),
        "createOnly" => Ok(PostMode::CreateOnly),
        "updateOnly" => Ok(PostMode::UpdateOnly),
        _ => Err("must be upsert, createOnly or updateOnly".to_owned()),
    }
}

impl From<PostError> for Problem {
    fn from(error: PostError) -> Self {
        match error {
            PostError::NoSuchObject { object, known } => {
                Problem::from(ReadError::NoSuchObject { object, known })
            }
            PostError::KeyReused => Problem::new(
                ProblemKind::IdempotencyKeyReused,
                "send a new key with each new request",
            ),
            PostError::Store(error) => Problem::from(error),
        }
    }
}
