//! `/composite/batch`: up to 25 requests that know nothing of each other.
//!
//! Source: Salesforce REST API Developer Guide, Composite Batch. Texts of errors are believed.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::router::{Answer, Subrequest};
use super::target::{Target, method, uri};
use super::{MAX_SUBREQUESTS, read, router};
use crate::http::body::JsonBody;
use crate::http::cost::spend_call;
use crate::http::{ApiError, Caller, wrote};
use crate::org::Org;

/// The first version with this resource, and of its subrequests.
const SINCE: u16 = 34;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Batch {
    batch_requests: Vec<BatchRequest>,
    halt_on_error: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BatchRequest {
    method: String,
    url: String,
    rich_input: Option<Json>,
}

pub(super) async fn batch(
    org: web::Data<Org>,
    caller: Caller,
    request: HttpRequest,
    body: JsonBody,
) -> Result<HttpResponse, ApiError> {
    if caller.version.0 < SINCE {
        return Err(ApiError::not_found());
    }
    let router = router(&request)?;
    let batch: Batch = read(&body)?;
    if batch.batch_requests.is_empty() {
        return Err(ApiError::new(
            400,
            "MISSING_ARGUMENT",
            "batchRequests must not be empty.",
        ));
    }
    if batch.batch_requests.len() > MAX_SUBREQUESTS {
        let message = format!("The request can’t contain more than {MAX_SUBREQUESTS} operations.");
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    let mut planned = Vec::with_capacity(batch.batch_requests.len());
    for subrequest in batch.batch_requests {
        planned.push(plan(&org, &caller, subrequest)?);
    }
    let halts = batch.halt_on_error.unwrap_or(false);
    let mut results: Vec<Answer> = Vec::with_capacity(planned.len());
    let mut halted = false;
    for (at, (caller, subrequest)) in planned.into_iter().enumerate() {
        // "Each subrequest counts against rate limits"; the request itself was counted as its first.
        let spent = at == 0 || spend_call(&org, &request).is_ok();
        let answer = match subrequest {
            _ if halted => {
                let message = "Batch processing halted: an earlier subrequest failed and haltOnError is set.";
                Answer::refused(&ApiError::new(412, "BATCH_PROCESSING_HALTED", message))
            }
            _ if !spent => {
                let message = "TotalRequests Limit exceeded.";
                Answer::refused(&ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", message))
            }
            Err(error) => Answer::refused(&error),
            Ok(subrequest) => router.ask(&org, caller, subrequest).await,
        };
        halted |= halts && answer.status >= 400;
        results.push(answer);
    }
    let has_errors = results.iter().any(|answer| answer.status >= 400);
    let has_written = results.iter().any(|answer| answer.has_written);
    let results: Vec<Json> = results
        .into_iter()
        .map(|answer| json!({ "statusCode": answer.status, "result": answer.body }))
        .collect();
    let response = HttpResponse::Ok().json(json!({ "hasErrors": has_errors, "results": results }));
    Ok(if has_written { wrote(response) } else { response })
}

/// A subrequest with its caller, or why it alone is refused.
type Planned = (Caller, Result<Subrequest, ApiError>);

fn plan(org: &Org, caller: &Caller, subrequest: BatchRequest) -> Result<Planned, ApiError> {
    let method = method(&subrequest.method)?;
    let target = Target::read(org, &subrequest.url)?;
    if !(SINCE..=caller.version.0).contains(&target.version.0) {
        let message = format!(
            "Invalid value for field url: version {}.0 is not between {SINCE}.0 and {}.0",
            target.version.0, caller.version.0
        );
        return Err(ApiError::json_parser(message));
    }
    let caller = Caller {
        version: target.version,
        unit: None,
        ..caller.clone()
    };
    // Of the resources that can be batched, the ones that exist here.
    if !matches!(target.kind().0, "limits" | "sobjects" | "query" | "queryAll") {
        return Ok((caller, Err(ApiError::not_found())));
    }
    let subrequest = Subrequest {
        method,
        uri: uri(&format!("/services/data/{}", subrequest.url))?,
        headers: HeaderMap::new(),
        body: subrequest.rich_input,
    };
    Ok((caller, Ok(subrequest)))
}
