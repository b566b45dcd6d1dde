//! Several requests in one: `/composite` and `/composite/batch`.
//!
//! Source: Salesforce REST API Developer Guide, Composite, Composite Request Body, Composite Subrequest Result,
//! `allOrNone` Parameters in Composite and Collections Requests. Subrequests run in the order given: the guide allows
//! others where `collateSubrequests` is set.

mod batch;
mod references;
mod router;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use super::body::JsonBody;
use super::request_options::RequestOptions;
use super::{ApiError, ApiVersion, Caller, get_or_head, resource, wrote};
use crate::org::Org;
use crate::unit_of_work::UnitOfWork;
use references::Answers;
pub use router::Router;
use router::{Answer, Subrequest};
use target::{Target, method, uri};

/// Subrequests of one request.
const MAX_SUBREQUESTS: usize = 25;
/// Queries and sObject Collections among them.
const MAX_QUERIES_AND_COLLECTIONS: usize = 5;
/// The first version with this resource; believed.
const SINCE: u16 = 38;
/// The first version with `collateSubrequests`.
const COLLATE_SINCE: u16 = 48;
/// The first version that refuses reference ids with other characters; before, they cannot be referred to.
const STRICT_REFERENCE_IDS_SINCE: u16 = 52;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            resource("/composite", "GET,HEAD,POST")
                .route(get_or_head().to(list))
                .route(web::post().to(composite)),
        )
        .service(resource("/composite/batch", "POST").route(web::post().to(batch::batch)));
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Composite {
    all_or_none: Option<bool>,
    collate_subrequests: Option<bool>,
    composite_request: Vec<CompositeSubrequest>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CompositeSubrequest {
    method: String,
    url: String,
    reference_id: String,
    body: Option<Json>,
    http_headers: Option<BTreeMap<String, String>>,
}

/// The other composite resources. Composite Graph is not served, and so not listed.
async fn list(caller: Caller) -> HttpResponse {
    let root = caller.version.root();
    let resources: Map<String, Json> = ["tree", "batch", "sobjects"]
        .into_iter()
        .map(|name| (name.to_owned(), json!(format!("{root}/composite/{name}"))))
        .collect();
    HttpResponse::Ok().json(resources)
}

async fn composite(
    org: web::Data<Org>,
    caller: Caller,
    request: HttpRequest,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    if caller.version.0 < SINCE {
        return Err(ApiError::not_found());
    }
    let router = router(&request)?;
    let composite: Composite = read(&body)?;
    if let Some(refused) = composite.refused_as_a_whole(&org, caller.version)? {
        return Ok(refused);
    }
    let unit = composite
        .all_or_none
        .unwrap_or(false)
        .then(|| Arc::new(UnitOfWork::begin(org.clone().into_inner())));
    let mut answers = Answers::none(caller.version);
    let mut results: Vec<(String, Answer)> = Vec::with_capacity(composite.composite_request.len());
    let mut failed_at = None;
    for (at, subrequest) in composite.composite_request.into_iter().enumerate() {
        let reference_id = subrequest.reference_id.clone();
        if failed_at.is_some() {
            results.push((reference_id, rolled_back()));
            continue;
        }
        let answer = match subrequest.plan(&org, &caller, unit.as_ref(), &answers) {
            Ok((caller, subrequest)) => router.ask(&org, caller, subrequest).await,
            Err(error) => Answer::refused(&error),
        };
        if let Some(unit) = &unit
            && (answer.is_failure() || unit.has_refusal())
        {
            failed_at = Some(at);
        }
        answers.add(&reference_id, answer.body.clone());
        results.push((reference_id, answer));
    }
    match (&unit, failed_at) {
        (Some(unit), Some(failed_at)) => {
            unit.roll_back();
            // The one that failed shows what it met, a collection even the records that were taken back with it.
            for (at, (_, answer)) in results.iter_mut().enumerate() {
                if at == failed_at {
                    answer.has_written = false;
                } else {
                    *answer = rolled_back();
                }
            }
        }
        (Some(unit), None) => unit.commit().await,
        (None, _) => {}
    }
    let has_written = results.iter().any(|(_, answer)| answer.has_written);
    let results: Vec<Json> = results
        .into_iter()
        .map(|(reference_id, answer)| answer.as_composite(Some(reference_id)))
        .collect();
    let response = HttpResponse::Ok().json(json!({ "compositeResponse": results }));
    Ok(if has_written { wrote(response) } else { response })
}

impl Composite {
    /// Refuses what can be told wrong before any subrequest runs. That too many operations are answered with status
    /// 200 and one result without a reference is what a client's log of a real organisation shows; the text about
    /// queries and collections is believed.
    fn refused_as_a_whole(&self, org: &Org, version: ApiVersion) -> Result<Option<HttpResponse>, ApiError> {
        if self.collate_subrequests.is_some() && version.0 < COLLATE_SINCE {
            return Err(ApiError::json_parser("Unrecognized field \"collateSubrequests\""));
        }
        if self.composite_request.is_empty() {
            let message = "compositeRequest must not be empty.";
            return Err(ApiError::new(400, "MISSING_ARGUMENT", message));
        }
        let mut counted = 0;
        let mut reference_ids = BTreeMap::new();
        for subrequest in &self.composite_request {
            method(&subrequest.method)?;
            subrequest.headers()?;
            let target = subrequest.target(org)?;
            let is_counted = matches!(
                target.kind(),
                ("query" | "queryAll", _) | ("composite", "sobjects")
            );
            counted += usize::from(is_counted);
            refuse_reference_id(&subrequest.reference_id, version)?;
            if reference_ids.insert(&subrequest.reference_id, ()).is_some() {
                let message = format!(
                    "Duplicate referenceId '{}' provided in the request.",
                    subrequest.reference_id
                );
                return Err(ApiError::json_parser(message));
            }
        }
        let message = if self.composite_request.len() > MAX_SUBREQUESTS {
            format!("The request can’t contain more than {MAX_SUBREQUESTS} operations.")
        } else if counted > MAX_QUERIES_AND_COLLECTIONS {
            format!(
                "The request can’t contain more than {MAX_QUERIES_AND_COLLECTIONS} query or sObject Collections \
                 operations."
            )
        } else {
            return Ok(None);
        };
        let answer = Answer::refused(&ApiError::new(400, "LIMIT_EXCEEDED", message));
        let response = json!({ "compositeResponse": [answer.as_composite(None)] });
        Ok(Some(HttpResponse::Ok().json(response)))
    }
}

impl CompositeSubrequest {
    fn target(&self, org: &Org) -> Result<Target<'_>, ApiError> {
        let below = self.url.strip_prefix("/services/data/").ok_or_else(|| {
            let message = format!(
                "Invalid value for field url: {}. It must start with /services/data/vXX.X/",
                self.url
            );
            ApiError::json_parser(message)
        })?;
        Target::read(org, below)
    }

    /// The request's own `Accept`, `Authorization` and `Content-Type` hold for all subrequests, which must not name
    /// them; the code of that refusal is believed.
    fn headers(&self) -> Result<HeaderMap, ApiError> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.http_headers.iter().flatten() {
            let invalid = || {
                let message = format!("Invalid value for field httpHeaders: {name}");
                ApiError::json_parser(message)
            };
            let header: HeaderName = name.parse().ok().ok_or_else(invalid)?;
            if [ACCEPT, AUTHORIZATION, CONTENT_TYPE].contains(&header) {
                let message = format!("The HTTP header {name} can't be specified in a subrequest.");
                return Err(ApiError::new(400, "INVALID_INPUT", message));
            }
            let value = HeaderValue::from_str(value).ok().ok_or_else(invalid)?;
            headers.insert(header, value);
        }
        Ok(headers)
    }

    fn plan(
        mut self,
        org: &Org,
        caller: &Caller,
        unit: Option<&Arc<UnitOfWork>>,
        answers: &Answers,
    ) -> Result<(Caller, Subrequest), ApiError> {
        let target = self.target(org)?;
        let is_supported = matches!(
            target.kind(),
            ("sobjects" | "query" | "queryAll", _) | ("composite", "sobjects")
        );
        if !is_supported {
            return Err(ApiError::not_found());
        }
        let headers = self.headers()?;
        let mut options = RequestOptions::read(&headers, target.version)?;
        // One client sends all of it.
        options.client = options.client.or_else(|| caller.options.client.clone());
        let caller = Caller {
            version: target.version,
            options,
            unit: unit.map(Arc::clone),
            ..caller.clone()
        };
        if let Some(body) = &mut self.body {
            answers.fill(body)?;
        }
        let subrequest = Subrequest {
            method: method(&self.method)?,
            uri: uri(&answers.fill_url(&self.url)?)?,
            headers,
            body: self.body,
        };
        Ok((caller, subrequest))
    }
}

impl Answer {
    fn as_composite(&self, reference_id: Option<String>) -> Json {
        json!({
            "body": self.body,
            "httpHeaders": self.headers,
            "httpStatusCode": self.status,
            "referenceId": reference_id,
        })
    }
}

fn rolled_back() -> Answer {
    let message = "The transaction was rolled back since another operation in the same transaction failed.";
    Answer::refused(&ApiError::new(400, "PROCESSING_HALTED", message))
}

fn refuse_reference_id(reference_id: &str, version: ApiVersion) -> Result<(), ApiError> {
    let starts_well = reference_id.starts_with(|first: char| first.is_ascii_alphanumeric());
    let is_plain = reference_id
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if (starts_well && is_plain) || version.0 < STRICT_REFERENCE_IDS_SINCE {
        return Ok(());
    }
    Err(ApiError::json_parser(format!(
        "Provided referenceId ('{reference_id}') must start with a letter or a number, and it can contain only \
         letters, numbers and underscores ('_')."
    )))
}

/// The body in the form that a resource takes, and nothing besides.
fn read<T: DeserializeOwned>(body: &JsonBody) -> Result<T, ApiError> {
    serde_json::from_value(Json::Object(body.object()?)).map_err(|error| {
        let text = error.to_string();
        let unknown = text
            .strip_prefix("unknown field `")
            .and_then(|rest| rest.split_once('`'));
        ApiError::json_parser(match unknown {
            Some((field, _)) => format!("Unrecognized field \"{field}\""),
            None => text,
        })
    })
}

fn router(request: &HttpRequest) -> Result<&Router, ApiError> {
    request.app_data::<Router>().ok_or_else(|| {
        let message = "the server was built without routes of subrequests";
        ApiError::new(500, "UNKNOWN_EXCEPTION", message)
    })
}
