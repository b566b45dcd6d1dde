//! `/v1/records`: records as partners read them.

use actix_web::{HttpRequest, HttpResponse, get, web};
use causeway_core::id::{RecordId, SalesforceId};
use causeway_core::ports::records::RecordFilter;
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, LogsRead, RecordsRead};
use super::cursor::{self, CursorKind};
use super::parameters::{Parameters, moment};
use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::view::{HistoryView, RecordView};
use crate::app::read::{self, ReadError, RecordPage};
use crate::members::FieldError;

/// Records on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 100;
/// Records on a page at most.
const MOST: u32 = 1_000;

/// A page of records.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordList)]
pub struct RecordsView {
    /// The records, by number.
    pub records: Vec<RecordView>,
    /// Cursor of the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// The history of a record.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryList)]
pub struct HistoriesView {
    /// Changes of its fields, newest first.
    pub history: Vec<HistoryView>,
}

/// List records.
///
/// Live and archived records of a partner object by number. Every filter that is given must hold. `field.<name>`
/// compares a partner field with exactly this text: numbers as decimal text, dates as YYYY-MM-DD.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:read"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "Records on a page, 1 to 1000; 100 when left out"),
        ("owner" = Option<String>, Query, description = "Partner user who owns them"),
        ("updatedSince" = Option<DateTime<Utc>>, Query, description = "Written here at or after this moment"),
        ("salesforceId" = Option<String>, Query, description = "Their Salesforce record, 15 or 18 characters"),
        ("field.name" = Option<String>, Query, description = "Value of a partner field; `name` stands for any field's name"),
    ),
    responses(
        (status = 200, description = "A page", body = RecordsView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "Nothing maps this object", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/records/{object}")]
pub async fn list_records(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsRead>,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let after = parameters.read("cursor", |text| cursor::read(CursorKind::Records, text));
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    let filter = RecordFilter {
        owner: parameters.text("owner"),
        salesforce_id: parameters.read("salesforceId", |text| {
            SalesforceId::parse(text).map_err(|error| error.to_string())
        }),
        updated_since: parameters.read("updatedSince", moment),
        fields: parameters.prefixed("field."),
    };
    parameters.finish()?;
    let after = after.map(RecordId);
    let page = read::records(&state.app, caller.connection().id, &path, filter, after, limit).await?;
    let last = page.records.last().map(|record| record.id.0);
    Ok(HttpResponse::Ok().json(RecordsView {
        next: last
            .filter(|_| page.more)
            .map(|id| cursor::write(CursorKind::Records, id)),
        has_more: page.more,
        records: views(&page),
    }))
}

/// Read a record.
///
/// With `status`: how it stands with Salesforce. A deleted record shows none of its values.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["records:read"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("id" = String, Path, description = "Number of the record", example = "42"),
    ),
    responses(
        (status = 200, description = "The record", body = RecordView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such record", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/records/{object}/{id}")]
pub async fn get_record(
    state: web::Data<HttpState>,
    caller: Authorized<RecordsRead>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    Parameters::parse(request.query_string())?.finish()?;
    let (object, id) = path.into_inner();
    let missing = || not_found(&object, &id);
    let number = record_id(&id).ok_or_else(missing)?;
    let found = read::record(&state.app, caller.connection().id, &object, number)
        .await?
        .ok_or_else(missing)?;
    let view = views(&found.page).into_iter().next().ok_or_else(missing)?;
    Ok(HttpResponse::Ok().json(view.standing(&found.standing)))
}

/// Read a record's history.
///
/// What changed in its fields since it came here, newest first: values on both sides, the rule that decided and who
/// caused it.
#[utoipa::path(
    tag = "records",
    security(("bearer" = ["logs:read"])),
    params(
        ("object" = String, Path, description = "Partner object", example = "contact"),
        ("id" = String, Path, description = "Number of the record", example = "42"),
        ("limit" = Option<u32>, Query, description = "Changes, 1 to 1000; 100 when left out"),
    ),
    responses(
        (status = 200, description = "The history", body = HistoriesView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "There is no such record", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/records/{object}/{id}/history")]
pub async fn record_history(
    state: web::Data<HttpState>,
    caller: Authorized<LogsRead>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    parameters.finish()?;
    let (object, id) = path.into_inner();
    let missing = || not_found(&object, &id);
    let number = record_id(&id).ok_or_else(missing)?;
    let history = read::history(&state.app, caller.connection().id, &object, number, limit)
        .await?
        .ok_or_else(missing)?;
    Ok(HttpResponse::Ok().json(HistoriesView {
        history: history.iter().map(HistoryView::from).collect(),
    }))
}

/// The records of a page as callers read them.
pub(super) fn views(page: &RecordPage) -> Vec<RecordView> {
    page.records
        .iter()
        .map(|record| RecordView::new(record, &page.references))
        .collect()
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NoSuchObject { object, known } => Problem::new(
                ProblemKind::ObjectNotFound,
                format!(
                    "no mapping gives {:?}; mapped are: {}",
                    short(&object),
                    known.join(", ")
                ),
            ),
            ReadError::NoSuchField { field, known, .. } => Problem::with_errors(
                ProblemKind::InvalidParameters,
                vec![FieldError {
                    field: format!("field.{}", short(&field)),
                    message: format!("is no field of this object; mapped are: {}", known.join(", ")),
                }],
            ),
            ReadError::Store(error) => Problem::from(error),
        }
    }
}

/// An id that is no number names no record.
pub(super) fn record_id(text: &str) -> Option<RecordId> {
    text.parse().ok().filter(|number| *number > 0).map(RecordId)
}

pub(super) fn not_found(object: &str, id: &str) -> Problem {
    Problem::new(
        ProblemKind::RecordNotFound,
        format!(
            "{} {} does not exist in this connection",
            short(object),
            short(id)
        ),
    )
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
