//! The Bulk API before 2.0 over HTTP: `/services/async/{version}/job`.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Bulk API. Jobs are written in XML or JSON, as the request is;
//! what is said of batches is XML in jobs of CSV and JSON in jobs of JSON, whatever the request says of itself
//! (tap-salesforce relies on both). Batches of XML and of zip files are refused when the job is created.

mod error;
mod gate;
pub(super) mod info;
mod request;
mod results;

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, Resource, web};
use bytes::Bytes;

pub use self::error::AsyncError;
use self::info::Wire;
use super::query::setting_of;
use super::{Caller, get_or_head, wrote};
use crate::bulk::classic::{BatchInfo, ContentType, Job, JobState, Work};
use crate::limits::Allocation;
use crate::org::Org;

/// Largest batch (Limits: 10 MB).
const MAX_BATCH_BYTES: usize = 10_000_000;

type Bytewise = Result<Bytes, actix_web::Error>;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(
        web::scope("/services/async/{version}")
            .wrap(from_fn(gate::gate))
            .app_data(web::PayloadConfig::new(MAX_BATCH_BYTES))
            .service(resource("/job", "POST").route(web::post().to(create)))
            .service(
                resource("/job/{job}", "GET,HEAD,POST")
                    .route(get_or_head().to(show))
                    .route(web::post().to(change)),
            )
            .service(
                resource("/job/{job}/batch", "GET,HEAD,POST")
                    .route(get_or_head().to(list))
                    .route(web::post().to(add)),
            )
            .service(resource("/job/{job}/batch/{batch}", "GET,HEAD").route(get_or_head().to(show_batch)))
            .service(
                resource("/job/{job}/batch/{batch}/request", "GET,HEAD")
                    .route(get_or_head().to(show_request)),
            )
            .service(
                resource("/job/{job}/batch/{batch}/result", "GET,HEAD").route(get_or_head().to(batch_result)),
            )
            .service(
                resource("/job/{job}/batch/{batch}/result/{result}", "GET,HEAD")
                    .route(get_or_head().to(query_result)),
            )
            .default_service(web::to(unknown)),
    );
}

fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        let message = format!(
            "HTTP Method '{}' not allowed. Allowed are {methods}",
            request.method()
        );
        Err::<HttpResponse, _>(AsyncError::with_status(405, "MethodNotAllowed", message))
    }))
}

async fn unknown() -> Result<HttpResponse, AsyncError> {
    Err(AsyncError::invalid_url())
}

async fn create(
    caller: Caller,
    org: web::Data<Org>,
    request: HttpRequest,
    body: Bytewise,
) -> Result<HttpResponse, AsyncError> {
    let wire = gate::wire_of(request.headers());
    let fields = request::fields(&readable(body)?, wire)?;
    let order = request::order(&fields, request.headers(), &caller, &org)?;
    let job = org
        .classic
        .create(order, org.bulk.processing_time(), org.clock.now())
        .map_err(|error| AsyncError::of_job(error, "", ""))?;
    Ok(wrote(info::job_answer(&job, StatusCode::CREATED, wire)))
}

async fn show(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, AsyncError> {
    let job = find(&caller, &org, &path.1)?;
    let wire = match job.order.content_type {
        ContentType::Csv => gate::wire_of(request.headers()),
        ContentType::Json => Wire::Json,
    };
    Ok(info::job_answer(&job, StatusCode::OK, wire))
}

async fn change(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    body: Bytewise,
) -> Result<HttpResponse, AsyncError> {
    let wire = gate::wire_of(request.headers());
    let job = find(&caller, &org, &path.1)?;
    let fields = request::fields(&readable(body)?, wire)?;
    let mut state = "";
    for (name, value) in &fields {
        match name.as_str() {
            "state" => state = value,
            // Salesforce's own client repeats the job's id.
            "id" if value == job.id.as_str() => {}
            _ => {
                let message = format!("{name} of a job cannot be changed");
                return Err(AsyncError::invalid_job(message));
            }
        }
    }
    let (id, now) = (job.id.as_str(), org.clock.now());
    let changed = match state {
        "Closed" => org.classic.close(id, now),
        "Aborted" => org.classic.abort(id, now),
        other => {
            let message = format!("The state of a job is changed to Closed or Aborted, not to '{other}'");
            return Err(AsyncError::new("InvalidJobState", message));
        }
    };
    let job = changed.map_err(|error| AsyncError::of_job(error, id, ""))?;
    Ok(wrote(info::job_answer(&job, StatusCode::OK, wire)))
}

async fn add(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    body: Bytewise,
) -> Result<HttpResponse, AsyncError> {
    let job = find(&caller, &org, &path.1)?;
    let given = request.headers().get(CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    let wanted = match job.order.content_type {
        ContentType::Csv => "text/csv",
        ContentType::Json => "application/json",
    };
    if !media_type.eq_ignore_ascii_case(wanted) {
        let message = format!("The batches of this job have the content type {wanted}, not '{given}'");
        return Err(AsyncError::new("InvalidBatch", message));
    }
    let body = readable(body)?;
    if body.is_empty() {
        let message = "A batch must contain some content";
        return Err(AsyncError::new("InvalidBatch", message));
    }
    let mut setting = setting_of(&caller, &org);
    setting.now = org.clock.now();
    // A batch for a closed job counts as well (Limits, Batch Allocation).
    org.limits
        .spend(Allocation::DailyBulkApiBatches, 1, setting.now)
        .map_err(|_spent| AsyncError::batches_spent())?;
    if job.state != JobState::Open {
        let message = format!(
            "Failed to create batch, since the Job is not Open. Current job state is '{}'",
            job.state.name()
        );
        return Err(AsyncError::new("InvalidJobState", message));
    }
    let batch = org
        .classic
        .add(job.id.as_str(), body, setting)
        .map_err(|error| AsyncError::of_job(error, job.id.as_str(), ""))?;
    Ok(wrote(info::batch_answer(&batch, StatusCode::CREATED, wire(&job))))
}

async fn list(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, AsyncError> {
    let job = find(&caller, &org, &path.1)?;
    let batches = org
        .classic
        .batches(job.id.as_str(), org.clock.now())
        .map_err(|error| AsyncError::of_job(error, &path.1, ""))?;
    Ok(info::batch_list(&batches, wire(&job)))
}

type BatchPath = web::Path<(String, String, String)>;

async fn show_batch(
    caller: Caller,
    org: web::Data<Org>,
    path: BatchPath,
) -> Result<HttpResponse, AsyncError> {
    let (job, batch) = find_batch(&caller, &org, &path.1, &path.2)?;
    Ok(info::batch_answer(&batch, StatusCode::OK, wire(&job)))
}

async fn show_request(
    caller: Caller,
    org: web::Data<Org>,
    path: BatchPath,
) -> Result<HttpResponse, AsyncError> {
    let (job, batch) = find_batch(&caller, &org, &path.1, &path.2)?;
    Ok(results::request(&batch, job.order.content_type))
}

async fn batch_result(
    caller: Caller,
    org: web::Data<Org>,
    path: BatchPath,
) -> Result<HttpResponse, AsyncError> {
    let (job, batch) = find_batch(&caller, &org, &path.1, &path.2)?;
    results::of_batch(&batch, job.order.content_type)
}

async fn query_result(
    caller: Caller,
    org: web::Data<Org>,
    path: web::Path<(String, String, String, String)>,
) -> Result<HttpResponse, AsyncError> {
    let (job, batch) = find_batch(&caller, &org, &path.1, &path.2)?;
    if matches!(job.order.work, Work::Ingest(_)) {
        return Err(AsyncError::invalid_url());
    }
    results::of_query(&job, &batch, &path.3, &caller, org)
}

fn find(caller: &Caller, org: &Org, id: &str) -> Result<Job, AsyncError> {
    let job = org
        .classic
        .get(id, org.clock.now())
        .map_err(|error| AsyncError::of_job(error, id, ""))?;
    if job.order.user == caller.user {
        return Ok(job);
    }
    // The guide: the job was created by another user.
    let message = "The job was created by another user";
    Err(AsyncError::new("InvalidUser", message))
}

fn find_batch(caller: &Caller, org: &Org, id: &str, batch: &str) -> Result<(Job, BatchInfo), AsyncError> {
    let job = find(caller, org, id)?;
    let found = org.classic.batch(id, batch, org.clock.now());
    let found = found.map_err(|error| AsyncError::of_job(error, id, batch))?;
    Ok((job, found))
}

fn wire(job: &Job) -> Wire {
    match job.order.content_type {
        ContentType::Csv => Wire::Xml,
        ContentType::Json => Wire::Json,
    }
}

fn readable(body: Bytewise) -> Result<Bytes, AsyncError> {
    body.map_err(|error| {
        let overflow = matches!(
            error.as_error::<actix_web::error::PayloadError>(),
            Some(actix_web::error::PayloadError::Overflow)
        );
        if overflow {
            let message = format!("Failed to read request. Exceeded max size limit of {MAX_BATCH_BYTES}");
            AsyncError::new("ClientInputError", message)
        } else {
            AsyncError::new("ClientInputError", format!("Failed to read request: {error}"))
        }
    })
}
