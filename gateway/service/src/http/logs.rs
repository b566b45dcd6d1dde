//! `/v1/logs`: what was exchanged.

use actix_web::{HttpRequest, HttpResponse, get, web};
use causeway_core::id::{RunId, SalesforceId};
use causeway_core::ports::logs::{LogDirection, LogEntry, LogFilter, LogMethod};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::HttpState;
use super::auth::{Authorized, LogsRead};
use super::cursor::{self, CursorKind};
use super::parameters::{Parameters, moment};
use super::problem::{Problem, ProblemDocument};
use crate::app::read;

/// Entries on a page where a caller names no number.
const DEFAULT_LIMIT: u32 = 100;
/// Entries on a page at most.
const MOST: u32 = 1_000;

/// A page of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogList)]
pub struct LogsView {
    /// Entries, newest first.
    pub entries: Vec<LogView>,
    /// Cursor of the next page; null on the last.
    pub next: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

/// One exchange of one record, or one page of an initial sync.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LogEntry)]
pub struct LogView {
    /// Number.
    #[schema(examples("7"))]
    pub id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// `incoming`: from Salesforce to the partner; `outgoing`: the other way.
    #[schema(examples("incoming"))]
    pub direction: &'static str,
    /// What it amounts to: `POST` creates, `PUT` updates, `DELETE` deletes, `GET` reads.
    #[schema(examples("PUT"))]
    pub method: &'static str,
    /// Outcome as an HTTP status: 200 updated, 201 created, 422 held, ….
    #[schema(examples(200))]
    pub status: u16,
    /// Partner object; `*` where the entry speaks of a whole page.
    #[schema(examples("contact"))]
    pub object: String,
    /// Salesforce record.
    pub salesforce_id: Option<String>,
    /// Partner record.
    pub record: Option<String>,
    /// Sync run.
    pub run: Option<String>,
    /// Exactly the data that was exchanged.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Why it failed or was held; empty otherwise.
    pub cause: String,
}

impl From<LogEntry> for LogView {
    fn from(found: LogEntry) -> Self {
        let entry = found.entry;
        LogView {
            id: found.id.to_string(),
            at: entry.at,
            direction: match entry.direction {
                LogDirection::Incoming => "incoming",
                LogDirection::Outgoing => "outgoing",
            },
            method: match entry.method {
                LogMethod::Get => "GET",
                LogMethod::Post => "POST",
                LogMethod::Put => "PUT",
                LogMethod::Delete => "DELETE",
            },
            status: entry.status,
            object: entry.object,
            salesforce_id: entry.salesforce_id.map(|id| id.to_string()),
            record: entry.record.map(|id| id.to_string()),
            run: entry.run.map(|id| id.to_string()),
            data: serde_json::from_str(&entry.data).unwrap_or(Value::String(entry.data)),
            cause: entry.cause,
        }
    }
}

/// Read the log.
///
/// One entry for each exchange of one record, and one for each page of an initial sync, newest first. Every filter
/// that is given must hold.
#[utoipa::path(
    tag = "logs",
    security(("bearer" = ["logs:read"])),
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "Entries on a page, 1 to 1000; 100 when left out"),
        ("direction" = Option<String>, Query, description = "`incoming` or `outgoing`"),
        ("method" = Option<String>, Query, description = "`GET`, `POST`, `PUT` or `DELETE`"),
        ("object" = Option<String>, Query, description = "Partner object"),
        ("salesforceId" = Option<String>, Query, description = "Salesforce record, 15 or 18 characters"),
        ("run" = Option<String>, Query, description = "Sync run"),
        ("from" = Option<DateTime<Utc>>, Query, description = "From this moment on"),
        ("to" = Option<DateTime<Utc>>, Query, description = "Before this moment"),
        ("failed" = Option<bool>, Query, description = "`true`: only failures and held records"),
    ),
    responses(
        (status = 200, description = "A page", body = LogsView),
        (status = 400, description = "Some parameters are wrong", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, description = "The token is refused", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 403, description = "The token does not allow this", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be asked", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/v1/logs")]
pub async fn list_logs(
    state: web::Data<HttpState>,
    caller: Authorized<LogsRead>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut parameters = Parameters::parse(request.query_string())?;
    let before = parameters.read("cursor", |text| cursor::read(CursorKind::Logs, text));
    let limit = parameters.limit(DEFAULT_LIMIT, MOST);
    let filter = LogFilter {
        direction: parameters.read("direction", |text| match text {
            "incoming" => Ok(LogDirection::Incoming),
            "outgoing" => Ok(LogDirection::Outgoing),
            _ => Err("must be incoming or outgoing".to_owned()),
        }),
        method: parameters.read("method", |text| match text {
            "GET" => Ok(LogMethod::Get),
            "POST" => Ok(LogMethod::Post),
            "PUT" => Ok(LogMethod::Put),
            "DELETE" => Ok(LogMethod::Delete),
            _ => Err("must be GET, POST, PUT or DELETE".to_owned()),
        }),
        object: parameters.text("object"),
        salesforce_id: parameters.read("salesforceId", |text| {
            SalesforceId::parse(text).map_err(|error| error.to_string())
        }),
        run: parameters.read("run", |text| {
            text.parse()
                .map(RunId)
                .map_err(|_malformed| "must be the number of a sync run".to_owned())
        }),
        from: parameters.read("from", moment),
        to: parameters.read("to", moment),
        failed: parameters
            .read("failed", |text| {
                text.parse()
                    .map_err(|_malformed| "must be true or false".to_owned())
            })
            .unwrap_or_default(),
    };
    parameters.finish()?;
    let (entries, more) = read::logs(&state.app, caller.connection().id, filter, before, limit).await?;
    let last = entries.last().map(|entry| entry.id);
    Ok(HttpResponse::Ok().json(LogsView {
        next: last
            .filter(|_| more)
            .map(|id| cursor::write(CursorKind::Logs, id)),
        has_more: more,
        entries: entries.into_iter().map(LogView::from).collect(),
    }))
}
