//! The lists of Bulk jobs: which jobs they show, and their pages.
//!
//! Source: Bulk API 2.0 and Bulk API Developer Guide, Get Information About All Ingest Jobs, Get Information About All
//! Query Jobs: both lists show the jobs of the Bulk API before 2.0 as well, as `Classic`.

use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Map, Value as Json, json};

use super::bulk::version_number;
use super::bulk_classic::info;
use super::{ApiError, Caller};
use crate::org::Org;
use crate::value::datetime_json;

/// How many jobs one answer lists.
const LISTED_JOBS: usize = 1_000;

/// What a request for a list asks for.
#[derive(Debug, Default)]
pub(super) struct Filter {
    start: usize,
    kind: Option<String>,
    pk_chunking: bool,
}

impl Filter {
    pub(super) fn read(request: &HttpRequest) -> Result<Self, ApiError> {
        let mut filter = Self::default();
        for (name, value) in url::form_urlencoded::parse(request.query_string().as_bytes()) {
            match name.as_ref() {
                "queryLocator" => {
                    filter.start = value.parse().ok().ok_or_else(|| {
                        ApiError::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
                    })?;
                }
                "jobType" => filter.kind = Some(value.into_owned()),
                "isPkChunkingEnabled" => filter.pk_chunking = value == "true",
                _ => {}
            }
        }
        Ok(filter)
    }

    /// Whether jobs of a type are shown. Those of 2.0 are cut without being told to, and are none with PK chunking.
    pub(super) fn shows(&self, kind: &str) -> bool {
        let fits = self
            .kind
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(kind));
        fits && (kind == CLASSIC || !self.pk_chunking)
    }

    /// The jobs of the Bulk API before 2.0 that are shown.
    pub(super) fn classic(&self, caller: &Caller, org: &Org) -> Vec<Json> {
        if !self.shows(CLASSIC) {
            return Vec::new();
        }
        let mut jobs = org.classic.list(org.clock.now());
        jobs.retain(|job| {
            job.order.user == caller.user && (!self.pk_chunking || job.order.pk_chunking.is_some())
        });
        jobs.iter().map(classic_json).collect()
    }

    /// The page that is asked for.
    pub(super) fn page(&self, request: &HttpRequest, jobs: &[Json]) -> HttpResponse {
        let page: Vec<&Json> = jobs.iter().skip(self.start).take(LISTED_JOBS).collect();
        let end = self.start.saturating_add(page.len());
        let next = (end < jobs.len()).then(|| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("queryLocator", &end.to_string());
            if let Some(kind) = &self.kind {
                query.append_pair("jobType", kind);
            }
            if self.pk_chunking {
                query.append_pair("isPkChunkingEnabled", "true");
            }
            format!("{}?{}", request.path(), query.finish())
        });
        HttpResponse::Ok().json(json!({ "done": next.is_none(), "records": page, "nextRecordsUrl": next }))
    }
}

/// The `jobType` of the Bulk API before 2.0.
const CLASSIC: &str = "Classic";

fn classic_json(job: &crate::bulk::classic::Job) -> Json {
    let order = &job.order;
    let mut fields = Map::new();
    for (name, value) in [
        ("id", json!(job.id.as_str())),
        ("operation", json!(info::operation(&order.work))),
        ("object", json!(order.object.name)),
        ("createdById", json!(order.user.as_str())),
        ("createdDate", json!(datetime_json(job.created))),
        ("systemModstamp", json!(datetime_json(job.changed))),
        ("state", json!(job.state.name())),
        ("concurrencyMode", json!(info::concurrency(job))),
        ("contentType", json!(info::content_type(order.content_type))),
        ("apiVersion", version_number(order.version)),
        ("jobType", json!(CLASSIC)),
    ] {
        fields.insert(name.to_owned(), value);
    }
    if let Some(key) = info::external_id(&order.work) {
        fields.insert("externalIdFieldName".to_owned(), json!(key));
    }
    Json::Object(fields)
}
