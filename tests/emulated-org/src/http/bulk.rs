//! Bulk API 2.0 query jobs over HTTP.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Query Jobs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Map, Value as Json, json};

use super::body::JsonBody;
use super::bulk_list::Filter;
use super::query::setting_of;
use super::{ApiError, Caller, get_or_head, resource, wrote};
use crate::bulk::csv::{Delimiter, Format, LineEnding};
use crate::bulk::query::{self, Unqueryable};
use crate::bulk::results::{Page, Results};
use crate::bulk::{Job, JobError, Order, State};
use crate::limits::{Allocation, LimitExceeded};
use crate::org::Org;
use crate::soql::Scope;
use crate::value::datetime_json;

/// The first version whose results can be read page by page in parallel.
const RESULT_PAGES_SINCE: u16 = 58;
/// How many pages one answer of `/resultPages` lists.
const LISTED_PAGES: usize = 5;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            resource("/jobs/query", "GET,HEAD,POST")
                .route(get_or_head().to(list))
                .route(web::post().to(create)),
        )
        .service(
            resource("/jobs/query/{job}", "DELETE,GET,HEAD,PATCH")
                .route(get_or_head().to(show))
                .route(web::patch().to(change))
                .route(web::delete().to(delete)),
        )
        .service(resource("/jobs/query/{job}/results", "GET,HEAD").route(get_or_head().to(results)))
        .service(resource("/jobs/query/{job}/resultPages", "GET,HEAD").route(get_or_head().to(result_pages)));
}

async fn create(caller: Caller, org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let request = CreateJob::read(&body)?;
    let now = org.clock.now();
    let plan = query::plan(&request.query, &setting_of(&caller, &org), &caller.schema(&org))?;
    org.limits
        .spend(Allocation::DailyBulkV2QueryJobs, 1, now)
        .map_err(|spent| {
            ApiError::new(
                400,
                "LIMIT_EXCEEDED",
                format!("{spent}. Bulk API 2.0 query jobs are counted over 24 hours."),
            )
        })?;
    let (stored, storable) = org.limits.usage(Allocation::DailyBulkV2QueryFileStorageMB, now);
    if stored >= storable {
        let spent = LimitExceeded(Allocation::DailyBulkV2QueryFileStorageMB);
        let message = format!("{spent}. Megabytes of Bulk API 2.0 query results are counted over 24 hours.");
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    let order = Order {
        plan,
        scope: request.scope,
        format: request.format,
        version: caller.version.0,
        user: caller.user,
    };
    let job = org.bulk.create(order, now).map_err(refused)?;
    Ok(wrote(HttpResponse::Ok().json(job_json(&job))))
}

async fn show(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let job = find(&caller, &org, &path.1)?;
    Ok(HttpResponse::Ok().json(job_details(&job)))
}

async fn list(caller: Caller, org: web::Data<Org>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let filter = Filter::read(&request)?;
    let mut shown = Vec::new();
    if filter.shows("V2Query") {
        let jobs = org.bulk.list(org.clock.now(), || org.read());
        let own = jobs.iter().filter(|job| job.order.user == caller.user);
        shown.extend(own.map(listed_job));
    }
    shown.extend(filter.classic(&caller, &org));
    Ok(filter.page(&request, &shown))
}

async fn change(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let fields = body.object()?;
    match fields.iter().next() {
        Some((key, Json::String(state))) if key == "state" && state == "Aborted" && fields.len() == 1 => {}
        _ => {
            let message = "The only change of a query job is its state. Send {\"state\":\"Aborted\"}.";
            return Err(ApiError::new(400, "INVALIDJOBSTATE", message));
        }
    }
    find(&caller, &org, &path.1)?;
    let job = org
        .bulk
        .abort(&path.1, org.clock.now(), || org.read())
        .map_err(refused)?;
    Ok(wrote(HttpResponse::Ok().json(job_json(&job))))
}

async fn delete(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    find(&caller, &org, &path.1)?;
    org.bulk
        .delete(&path.1, org.clock.now(), || org.read())
        .map_err(refused)?;
    Ok(wrote(HttpResponse::NoContent().finish()))
}

async fn results(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let job = find(&caller, &org, &path.1)?;
    let Some(results) = finished(&caller, &job)? else {
        return Ok(HttpResponse::NoContent().finish());
    };
    let (start, rows) = page_asked_for(&results, &org, &request)?;
    let (mut page, next) = results.page(start, rows);
    if start > 0 && org.switches().later_result_pages_without_header {
        page = page.without_header();
    }
    // A HEAD has no body to tear.
    let torn = request.method() == Method::GET && org.faults.take_page_cut();
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=UTF-8")
        .insert_header(("Sforce-NumberOfRecords", page.len().to_string()))
        // The end is told by the word null, not by a missing header.
        .insert_header(("Sforce-Locator", next.unwrap_or_else(|| "null".to_owned())))
        .streaming(stream_page(page, org, torn)))
}

async fn result_pages(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    if caller.version.0 < RESULT_PAGES_SINCE {
        return Err(ApiError::not_found());
    }
    let job = find(&caller, &org, &path.1)?;
    let Some(results) = finished(&caller, &job)? else {
        return Ok(HttpResponse::NoContent().finish());
    };
    let (mut start, rows) = page_asked_for(&results, &org, &request)?;
    // The listed pages must have the size that the list was cut by, or they would overlap.
    let size = if rows == org.bulk.page_rows() {
        String::new()
    } else {
        format!("&maxRecords={rows}")
    };
    let root = format!("{}/jobs/query/{}", caller.version.root(), job.id);
    let mut pages = Vec::new();
    let mut next = None;
    while start < results.rows.len() {
        if pages.len() == LISTED_PAGES {
            next = Some(format!(
                "{root}/resultPages?locator={}{size}",
                Results::locator(start)
            ));
            break;
        }
        pages.push(
            json!({ "resultUrl": format!("{root}/results?locator={}{size}", Results::locator(start)) }),
        );
        start = start.saturating_add(rows);
    }
    Ok(HttpResponse::Ok()
        .json(json!({ "resultPages": pages, "nextRecordsUrl": next, "done": next.is_none() })))
}

fn find(caller: &Caller, org: &Org, id: &str) -> Result<Job, ApiError> {
    let job = org
        .bulk
        .get(id, org.clock.now(), || org.read())
        .map_err(refused)?;
    if let Some(results) = job.results.as_ref().filter(|results| results.is_new()) {
        let megabytes = results.megabytes(&org.read());
        let allocation = Allocation::DailyBulkV2QueryFileStorageMB;
        org.limits.spend_up_to(allocation, megabytes, org.clock.now());
    }
    // Salesforce shows other users' jobs only to those who may manage data integrations.
    if job.order.user == caller.user {
        Ok(job)
    } else {
        Err(refused(JobError::Unknown))
    }
}

/// The results of a job that is complete; `None` while it is not.
fn finished(caller: &Caller, job: &Job) -> Result<Option<Arc<Results>>, ApiError> {
    if job.order.version != caller.version.0 {
        let message = format!(
            "The job was created with API version {}.0. Read its results with the same version.",
            job.order.version
        );
        return Err(ApiError::new(409, "API_VERSION_MISMATCH", message));
    }
    match job.state {
        State::UploadComplete | State::InProgress => Ok(None),
        State::Aborted => Err(ApiError::new(
            400,
            "INVALIDJOBSTATE",
            "The job was aborted and has no results. Create a new job.",
        )),
        State::JobComplete => Ok(job.results.clone()),
    }
}

fn page_asked_for(results: &Results, org: &Org, request: &HttpRequest) -> Result<(usize, usize), ApiError> {
    let mut page = (0, org.bulk.page_rows());
    for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
        match name.as_ref() {
            "locator" => {
                page.0 = results.start_of(&value).ok_or_else(|| {
                    ApiError::new(
                        400,
                        "INVALID_QUERY_LOCATOR",
                        format!("invalid query locator: {value}"),
                    )
                })?;
            }
            "maxRecords" => {
                page.1 = value.parse().ok().filter(|rows| *rows > 0).ok_or_else(|| {
                    let message = format!("maxRecords must be a number of at least 1, not '{value}'");
                    ApiError::new(400, "INVALID_QUERY_PARAMETER", message)
                })?;
            }
            _ => {}
        }
    }
    Ok(page)
}

/// The records are locked for the time of one piece only. A torn page breaks off within its middle row.
pub(super) fn stream_page(
    page: Page,
    org: web::Data<Org>,
    torn: bool,
) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    let page = if torn { page.first_half() } else { page };
    stream::unfold((page, org), move |(mut page, org)| async move {
        let Some(chunk) = page.next_chunk(&org.read()) else {
            if torn {
                // What is written waits for the stream to pause; a break at once would lose the head as well.
                tokio::time::sleep(PAUSE).await;
            }
            return torn.then(|| (Err(io::ErrorKind::ConnectionAborted.into()), (page, org)));
        };
        let kept = if torn && page.is_empty() {
            chunk.len().saturating_sub(TORN_OFF)
        } else {
            chunk.len()
        };
        Some((Ok(chunk.slice(..kept)), (page, org)))
    })
}

/// Long enough for the server to have sent what is written.
const PAUSE: Duration = Duration::from_millis(20);
/// The line's end, the last quote, and a little.
const TORN_OFF: usize = 3;

/// The body of a request for a new job.
struct CreateJob {
    query: String,
    scope: Scope,
    format: Format,
}

impl CreateJob {
    fn read(body: &JsonBody) -> Result<Self, ApiError> {
        let fields = body.object()?;
        let mut format = Format::default();
        let (mut query, mut scope) = (None, None);
        for (key, value) in fields {
            let text = match value {
                Json::String(text) => text,
                Json::Null => continue,
                _ => return Err(invalid_job(&format!("The value of {key} must be a text."))),
            };
            let invalid =
                |allowed: &str| invalid_job(&format!("The value '{text}' of {key} is not one of {allowed}."));
            match key.as_str() {
                "operation" => {
                    scope = Some(match text.as_str() {
                        "query" => Scope::Live,
                        "queryAll" => Scope::WithDeleted,
                        _ => return Err(invalid("query, queryAll")),
                    });
                }
                "query" => query = Some(text),
                "columnDelimiter" => {
                    format.delimiter = Delimiter::parse(&text)
                        .ok_or_else(|| invalid("BACKQUOTE, CARET, COMMA, PIPE, SEMICOLON, TAB"))?;
                }
                "lineEnding" => {
                    format.line_ending = LineEnding::parse(&text).ok_or_else(|| invalid("LF, CRLF"))?;
                }
                "contentType" if text == "CSV" => {}
                "contentType" => return Err(invalid("CSV")),
                "concurrencyMode" if text.eq_ignore_ascii_case("parallel") => {}
                "concurrencyMode" => return Err(invalid("Parallel")),
                _ => {
                    let message = format!("Unrecognized field \"{key}\" of a query job");
                    return Err(ApiError::json_parser(message));
                }
            }
        }
        let scope = scope.ok_or_else(|| invalid_job("The operation is missing. Use query or queryAll."))?;
        let query = query.ok_or_else(|| invalid_job("The query is missing."))?;
        Ok(Self { query, scope, format })
    }
}

/// The words about compound, blob and aggregate data are Salesforce's; that a wrong query keeps its own code here
/// is believed.
impl From<Unqueryable> for ApiError {
    fn from(reason: Unqueryable) -> Self {
        match reason {
            Unqueryable::Soql(error) => error.into(),
            Unqueryable::Compound => Self::new(
                400,
                "API_ERROR",
                "Selecting compound data not supported in Bulk Query",
            ),
            Unqueryable::Unsupported(what) => Self::new(
                400,
                "API_ERROR",
                format!("{what} not supported in Bulk V2 Query with CSV content type"),
            ),
        }
    }
}

pub(super) fn invalid_job(message: &str) -> ApiError {
    ApiError::new(400, "INVALIDJOB", message)
}

fn refused(error: JobError) -> ApiError {
    match error {
        JobError::Unknown => ApiError::not_found(),
        JobError::State(state) => {
            let message = format!(
                "The job is in state {}, in which this cannot be done.",
                state.name()
            );
            ApiError::new(400, "INVALIDJOBSTATE", message)
        }
        JobError::NoIdsLeft => ApiError::new(
            500,
            "UNKNOWN_EXCEPTION",
            "The organisation has run out of job ids",
        ),
    }
}

/// What the answers to creating and aborting a job say.
fn job_json(job: &Job) -> Map<String, Json> {
    let order = &job.order;
    let operation = if order.scope == Scope::Live {
        "query"
    } else {
        "queryAll"
    };
    let mut fields = Map::new();
    for (name, value) in [
        ("id", json!(job.id.as_str())),
        ("operation", json!(operation)),
        ("object", json!(order.plan.object.name)),
        ("createdById", json!(order.user.as_str())),
        ("createdDate", json!(datetime_json(job.created))),
        ("systemModstamp", json!(datetime_json(job.changed))),
        ("state", json!(job.state.name())),
        ("concurrencyMode", json!("Parallel")),
        ("contentType", json!("CSV")),
        ("apiVersion", version_number(order.version)),
        ("lineEnding", json!(order.format.line_ending.name())),
        ("columnDelimiter", json!(order.format.delimiter.name())),
    ] {
        fields.insert(name.to_owned(), value);
    }
    fields
}

/// What the answer about one job says.
fn job_details(job: &Job) -> Map<String, Json> {
    let mut fields = job_json(job);
    let time = match job.state {
        State::JobComplete => job.processing.running.num_milliseconds(),
        _ => 0,
    };
    fields.insert("jobType".to_owned(), json!("V2Query"));
    fields.insert("numberRecordsProcessed".to_owned(), json!(job.rows_processed()));
    fields.insert("retries".to_owned(), json!(0));
    fields.insert("totalProcessingTime".to_owned(), json!(time));
    fields.insert("isPkChunkingSupported".to_owned(), json!(true));
    fields
}

/// What a list of jobs says about each.
fn listed_job(job: &Job) -> Json {
    let mut fields = job_json(job);
    fields.remove("lineEnding");
    fields.remove("columnDelimiter");
    fields.insert("jobType".to_owned(), json!("V2Query"));
    Json::Object(fields)
}

/// `68.0` as a JSON number keeps its fraction.
pub(super) fn version_number(version: u16) -> Json {
    let text = format!("{version}.0");
    text.parse::<serde_json::Number>()
        .map_or(Json::Null, Json::Number)
}
