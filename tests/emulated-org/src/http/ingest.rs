//! Bulk API 2.0 ingest jobs over HTTP.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Bulk API 2.0 Ingest.

use std::sync::Arc;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use super::body::JsonBody;
use super::bulk::{invalid_job, version_number};
use super::bulk_list::Filter;
use super::external_id::key_field;
use super::{ApiError, Caller, get_or_head, resource, wrote};
use crate::bulk::csv::{Delimiter, Format, LineEnding};
use crate::bulk::ingest::results::Which;
use crate::bulk::ingest::{Job, JobError, Kind, Order, State};
use crate::id::RecordId;
use crate::limits::Allocation;
use crate::org::Org;
use crate::schema::Schema;
use crate::value::datetime_json;

/// The most that may be uploaded: Salesforce allows 150 MB of what it becomes in Base64.
const MAX_UPLOAD_BYTES: usize = 150 * 1_000_000 / 4 * 3;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            resource("/jobs/ingest", "GET,HEAD,POST")
                .route(get_or_head().to(list))
                .route(web::post().to(create)),
        )
        .service(
            resource("/jobs/ingest/{job}", "DELETE,GET,HEAD,PATCH")
                .route(get_or_head().to(show))
                .route(web::patch().to(change))
                .route(web::delete().to(delete)),
        )
        .service(
            resource("/jobs/ingest/{job}/batches", "PUT")
                .app_data(web::PayloadConfig::new(MAX_UPLOAD_BYTES))
                .route(web::put().to(upload)),
        );
    for (file, which) in [
        ("successfulResults", Which::Successful),
        ("failedResults", Which::Failed),
        ("unprocessedrecords", Which::Unprocessed),
    ] {
        let path = format!("/jobs/ingest/{{job}}/{file}");
        let read = move |caller: Caller, org: web::Data<Org>, path: web::Path<(String, String)>| async move {
            result(&caller, &org, &path.1, which)
        };
        routes.service(resource(&path, "GET,HEAD").route(get_or_head().to(read)));
    }
}

async fn create(caller: Caller, org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let order = order(&body, &caller, &org)?;
    let job = org.ingest.create(order, org.clock.now()).map_err(refused)?;
    let mut answer = job_json(&job);
    let url = format!(
        "services/data/v{}.0/jobs/ingest/{}/batches",
        caller.version.0, job.id
    );
    answer.insert("contentUrl".to_owned(), json!(url));
    Ok(wrote(HttpResponse::Ok().json(answer)))
}

async fn upload(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    data: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    let job = find(&caller, &org, &path.1)?;
    let media_type = request.headers().get(CONTENT_TYPE);
    let media_type = media_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_csv = media_type
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/csv"));
    if !is_csv {
        let message = format!("The content type {media_type:?} is not supported. Use text/csv.");
        return Err(ApiError::new(415, "UNSUPPORTED_MEDIA_TYPE", message));
    }
    let data = data.map_err(|error| {
        let message =
            format!("The data could not be read, or is larger than {MAX_UPLOAD_BYTES} bytes: {error}");
        ApiError::new(413, "EXCEEDED_MAX_SIZE_REQUEST", message)
    })?;
    org.ingest
        .upload(job.id.as_str(), org.clock.now(), data)
        .map_err(|error| match error {
            JobError::SecondUpload => {
                let message = format!(
                    "Found multiple contents for job: <{}>, please 'Close' / 'Abort' / 'Delete' the current Job \
                     then create a new Job and make sure you only do 'PUT' once on a given Job.",
                    job.id
                );
                ApiError::new(400, "INVALIDREQUEST", message)
            }
            other => refused(other),
        })?;
    Ok(wrote(HttpResponse::Created().finish()))
}

async fn change(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    let job = find(&caller, &org, &path.1)?;
    let now = org.clock.now();
    let fields = body.object()?;
    let state = match fields.iter().next() {
        Some((key, Json::String(state))) if key == "state" && fields.len() == 1 => state.as_str(),
        _ => "",
    };
    let changed = match state {
        "UploadComplete" => {
            if job.state == State::Open {
                let batches = u64::try_from(job.batches()).unwrap_or(u64::MAX);
                org.limits
                    .spend(Allocation::DailyBulkApiBatches, batches, now)
                    .map_err(|spent| {
                        let message = format!("{spent}. Batches of 10,000 rows are counted over 24 hours.");
                        ApiError::new(400, "LIMIT_EXCEEDED", message)
                    })?;
            }
            org.ingest.close(job.id.as_str(), now)
        }
        "Aborted" => org.ingest.abort(job.id.as_str(), now),
        _ => {
            let message = "The only change of an ingest job is its state, to UploadComplete or Aborted.";
            return Err(ApiError::new(400, "INVALIDJOBSTATE", message));
        }
    };
    Ok(wrote(
        HttpResponse::Ok().json(job_json(&changed.map_err(refused)?)),
    ))
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
    if filter.shows("V2Ingest") {
        let mut jobs = org.ingest.list(org.clock.now());
        jobs.retain(|job| job.order.user == caller.user);
        shown.extend(jobs.iter().map(|job| {
            let mut fields = job_json(job);
            fields.insert("jobType".to_owned(), json!("V2Ingest"));
            Json::Object(fields)
        }));
    }
    shown.extend(filter.classic(&caller, &org));
    Ok(filter.page(&request, &shown))
}

async fn delete(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let job = find(&caller, &org, &path.1)?;
    org.ingest
        .delete(job.id.as_str(), org.clock.now())
        .map_err(refused)?;
    Ok(wrote(HttpResponse::NoContent().finish()))
}

fn result(caller: &Caller, org: &Org, id: &str, which: Which) -> Result<HttpResponse, ApiError> {
    let job = find(caller, org, id)?;
    match job.state {
        State::Open | State::UploadComplete | State::InProgress => Err(refused(JobError::State(job.state))),
        State::Aborted | State::JobComplete | State::Failed => Ok(HttpResponse::Ok()
            .content_type("text/csv; charset=UTF-8")
            .body(job.result(which, org.switches().ingest_results_in_upload_order))),
    }
}

fn find(caller: &Caller, org: &Org, id: &str) -> Result<Job, ApiError> {
    let job = org.ingest.get(id, org.clock.now()).map_err(refused)?;
    // Salesforce shows other users' jobs only to those who may manage data integrations.
    if job.order.user == caller.user {
        Ok(job)
    } else {
        Err(ApiError::not_found())
    }
}

fn order(body: &JsonBody, caller: &Caller, org: &Org) -> Result<Order, ApiError> {
    let mut format = Format::default();
    let (mut object, mut operation, mut key) = (None, None, None);
    for (name, value) in body.object()? {
        let text = match value {
            Json::String(text) => text,
            Json::Null => continue,
            _ => return Err(invalid_job(&format!("The value of {name} must be a text."))),
        };
        let invalid =
            |allowed: &str| invalid_job(&format!("The value '{text}' of {name} is not one of {allowed}."));
        match name.as_str() {
            "object" => object = Some(text),
            "operation" => operation = Some(text),
            "externalIdFieldName" => key = Some(text),
            "columnDelimiter" => {
                format.delimiter = Delimiter::parse(&text)
                    .ok_or_else(|| invalid("BACKQUOTE, CARET, COMMA, PIPE, SEMICOLON, TAB"))?;
            }
            "lineEnding" => {
                format.line_ending = LineEnding::parse(&text).ok_or_else(|| invalid("LF, CRLF"))?;
            }
            "contentType" if text == "CSV" => {}
            "contentType" => return Err(invalid("CSV")),
            "assignmentRuleId" if RecordId::parse(&text).is_some() => {}
            "assignmentRuleId" => return Err(invalid("the ids of assignment rules")),
            _ => {
                let message = format!("Unrecognized field \"{name}\" of an ingest job");
                return Err(ApiError::json_parser(message));
            }
        }
    }
    let name = object.ok_or_else(|| invalid_job("The object is missing."))?;
    let schema = caller.schema(org);
    let object = schema
        .object(&name)
        .filter(|object| object.createable || object.updateable || object.deletable)
        .ok_or_else(|| {
            let message = format!("Entity '{name}' is not supported by the Bulk API.");
            ApiError::new(400, "INVALIDENTITY", message)
        })?;
    let operation = operation.ok_or_else(|| invalid_job("The operation is missing."))?;
    Ok(Order {
        object: Arc::clone(object),
        kind: kind(&operation, key.as_deref(), &schema, &object.name, caller, org)?,
        format,
        version: caller.version.0,
        user: caller.user,
    })
}

fn kind(
    operation: &str,
    key: Option<&str>,
    schema: &Schema,
    object: &str,
    caller: &Caller,
    org: &Org,
) -> Result<Kind, ApiError> {
    let may_hard_delete =
        org.ingest.hard_delete_permitted() || org.access_of(caller.user).has_permission("BulkApiHardDelete");
    let kind = match (operation, key) {
        ("upsert", None) => return Err(invalid_job("The externalIdFieldName of an upsert is missing.")),
        ("upsert", Some(key)) => {
            let object = schema.object(object).ok_or_else(ApiError::unknown_object)?;
            let (key_field, _) = key_field(object, key).map_err(|error| invalid_job(&error.message))?;
            return Ok(Kind::Upsert { key_field });
        }
        ("insert", _) => Kind::Insert,
        ("update", _) => Kind::Update,
        ("delete", _) => Kind::Delete,
        ("hardDelete", _) if !may_hard_delete => {
            let message = "hardDelete operation requires special user profile permission, please contact your \
                           system administrator";
            return Err(ApiError::new(400, "FEATURENOTENABLED", message));
        }
        ("hardDelete", _) => Kind::HardDelete,
        (other, _) => {
            let message = format!(
                "The value '{other}' of operation is not one of delete, hardDelete, insert, update, upsert."
            );
            return Err(invalid_job(&message));
        }
    };
    if key.is_some() {
        return Err(invalid_job("externalIdFieldName belongs to upserts alone."));
    }
    Ok(kind)
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
        JobError::SecondUpload => ApiError::new(400, "INVALIDREQUEST", error.to_string()),
        JobError::NoIdsLeft => ApiError::new(
            500,
            "UNKNOWN_EXCEPTION",
            "The organisation has run out of job ids",
        ),
    }
}

fn job_json(job: &Job) -> Map<String, Json> {
    let order = &job.order;
    let mut fields = Map::new();
    for (name, value) in [
        ("id", json!(job.id.as_str())),
        ("operation", json!(order.kind.name())),
        ("object", json!(order.object.name)),
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
    if let Kind::Upsert { key_field } = order.kind
        && let Some(field) = order.object.fields.get(key_field)
    {
        fields.insert("externalIdFieldName".to_owned(), json!(field.name));
    }
    fields
}

fn job_details(job: &Job) -> Map<String, Json> {
    let mut fields = job_json(job);
    let time = match job.state {
        State::JobComplete | State::Failed => job.processing.running.num_milliseconds(),
        _ => 0,
    };
    for (name, value) in [
        ("jobType", json!("V2Ingest")),
        ("numberRecordsProcessed", json!(job.fates.len())),
        ("numberRecordsFailed", json!(job.failed_rows())),
        ("retries", json!(0)),
        ("totalProcessingTime", json!(time)),
        ("apiActiveProcessingTime", json!(time)),
        ("apexProcessingTime", json!(0)),
    ] {
        fields.insert(name.to_owned(), value);
    }
    if let Some(error) = &job.error {
        fields.insert("errorMessage".to_owned(), json!(error));
    }
    fields
}
