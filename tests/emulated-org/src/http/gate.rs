//! What every request passes: the log, the faults, the version, the session, the daily limit.

use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use serde_json::json;

use super::caller::{ApiVersion, Caller};
use super::cost::{Cost, spend_call};
use super::errors::ApiError;
use super::mishap::{self, Cut};
use super::oauth::Host;
use super::request_options::RequestOptions;
use crate::limits::Allocation;
use crate::org::Org;
use crate::request_log::LoggedRequest;
use crate::tokens::Session;

/// Says of a response that its request wrote something, so that the cut-after-write fault may apply.
#[must_use]
pub fn wrote(mut response: HttpResponse) -> HttpResponse {
    response.extensions_mut().insert(Wrote);
    response
}

/// Whether a response was said to be of a request that wrote something.
pub(super) fn has_written(response: &HttpResponse) -> bool {
    response.extensions().get::<Wrote>().is_some()
}

#[derive(Clone, Copy)]
struct Wrote;

/// The outermost layer: header case, the organisation's time, and the request log.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let org = org_of(&request)?;
    let method = request.method().to_string();
    let uri = request.uri().to_string();
    let client = client_of(request.headers()).map(str::to_owned);
    // The page at the root is none of Salesforce's either.
    let is_knob = request.path().starts_with("/emulator/") || request.path() == "/";
    let cost = Cost::default();
    request.extensions_mut().insert(cost.clone());
    if !is_knob {
        org.request_log.note_arrival();
    }
    let begun = Instant::now();
    let mut response = next.call(request).await?.map_into_boxed_body();
    // Some Salesforce clients look for header names in Title-Case.
    response.response_mut().head_mut().set_camel_case_headers(true);
    // Clients take this header for Salesforce's clock.
    let date = org.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(DATE, date);
    }
    if !is_knob {
        // One name for all paths without a route, or the log would grow with every made-up path.
        let route = response
            .request()
            .match_pattern()
            .unwrap_or_else(|| "unknown".to_owned());
        let cut = response.response().extensions().get::<Cut>().is_some();
        let status = if cut { 0 } else { response.status().as_u16() };
        org.request_log.record(LoggedRequest {
            at: org.clock.now(),
            method,
            route,
            uri,
            client,
            status,
            microseconds: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            api_calls: cost.calls(),
        });
    }
    Ok(response)
}

/// The layer around all versioned resources.
pub(super) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let org = org_of(&request)?;
    if request
        .uri()
        .path_and_query()
        .is_some_and(|uri| uri.as_str().len() > MAX_URI_BYTES)
    {
        let status = if org.switches().long_addresses_as_431 {
            431
        } else {
            414
        };
        let error = ApiError::new(status, "URI_TOO_LONG", "The URI is longer than 16,384 bytes.");
        return Ok(request.into_response(error.error_response()));
    }
    let under_way = org.long_requests.begin(org.clock.now());
    let delay = org.faults.current_delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if let Some(answer) = org.faults.take_answer() {
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!([{ "message": canned_message(&answer.code), "errorCode": answer.code }]);
        return Ok(request.into_response(HttpResponse::build(status).json(body)));
    }
    let mishap = org
        .faults
        .roll(client_of(request.headers()), mishap::writes_rows(&request));
    if let Some(mishap) = mishap
        && let Some(response) = mishap::before(mishap, &org, &request).await
    {
        return Ok(request.into_response(response));
    }
    org.catch_up();
    let caller = match admit(&org, &request) {
        Ok(mut caller) => {
            caller.unlucky = mishap.and_then(mishap::unlucky_rows);
            caller
        }
        Err(error) => {
            let mut response = error.error_response();
            if error.status == 401 {
                response
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token"));
            }
            return Ok(request.into_response(response));
        }
    };
    let refusal = if under_way.is_too_many {
        Some(org.concurrent_limit_message())
    } else if spend_call(&org, &request).is_err() {
        Some("TotalRequests Limit exceeded.")
    } else {
        None
    };
    request.extensions_mut().insert(caller);
    let mut response = match refusal {
        None => next.call(request).await?.map_into_boxed_body(),
        Some(message) => {
            let error = ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", message);
            request.into_response(error.error_response())
        }
    };
    drop(under_way);
    // After the work, so that the subrequests of a batch are in it.
    let (used, maximum) = org.limits.usage(Allocation::DailyApiRequests, org.clock.now());
    if let Ok(value) = HeaderValue::from_str(&format!("api-usage={used}/{maximum}")) {
        response
            .headers_mut()
            .insert(HeaderName::from_static("sforce-limit-info"), value);
    }
    if has_written(response.response()) && org.faults.take_cut() {
        return Ok(mishap::cut(response));
    }
    Ok(match mishap {
        Some(mishap) => mishap::after(mishap, response),
        None => response,
    })
}

/// The live session of a request's bearer token.
pub(super) fn session_of(
    org: &Org,
    headers: &actix_web::http::header::HeaderMap,
) -> Result<Session, ApiError> {
    bearer_token(headers)
        .and_then(|token| live_session(org, token))
        .ok_or_else(ApiError::invalid_session)
}

/// The live session of a token.
pub(super) fn live_session(org: &Org, token: &str) -> Option<Session> {
    org.tokens
        .session(token, org.clock.now())
        // Deactivating a user ends the user's sessions.
        .filter(|session| org.is_active(session.user))
}

/// The token that a request brings.
pub(super) fn bearer_token(headers: &actix_web::http::header::HeaderMap) -> Option<&str> {
    headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer") || scheme.eq_ignore_ascii_case("OAuth"))
        .map(|(_, token)| token.trim())
}

fn admit(org: &Org, request: &ServiceRequest) -> Result<Caller, ApiError> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    Host::of(org, request.headers(), authority).admits_data()?;
    let segment = request.match_info().get("version").unwrap_or_default();
    let version = served_version(org, segment)?;
    let session = session_of(org, request.headers())?;
    if !session
        .scopes
        .iter()
        .any(|scope| scope == "api" || scope == "full")
    {
        let message = "This session is not valid for use with the REST API";
        return Err(ApiError::new(401, "INVALID_SESSION_ID", message));
    }
    if !org.access_of(session.user).has_permission("ApiEnabled") {
        // What users without the permission are told; that the organisation is named is reported by many.
        let message = "The REST API is not enabled for this Organization.";
        return Err(ApiError::new(403, "API_DISABLED_FOR_ORG", message));
    }
    refuse_xml(request.headers())?;
    let options = RequestOptions::read(request.headers(), version)?;
    Ok(Caller {
        user: session.user,
        version,
        options,
        unlucky: None,
        unit: None,
    })
}

/// The version of a path segment such as `v68.0`.
pub(super) fn served_version(org: &Org, segment: &str) -> Result<ApiVersion, ApiError> {
    let version = ApiVersion::from_segment(segment).ok_or_else(ApiError::not_found)?;
    if RETIRED_VERSIONS.contains(&version.0) {
        let message = format!(
            "API version {}.0 has been retired. Use a later version.",
            version.0
        );
        return Err(ApiError::new(410, "UNSUPPORTED_API_VERSION", message));
    }
    if !org.api_versions.contains(&version.0) {
        return Err(ApiError::not_found());
    }
    Ok(version)
}

/// Salesforce answers XML too; this organisation speaks JSON alone, and says so rather than send what was not asked for.
fn refuse_xml(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else {
        return Ok(());
    };
    let mut types = accept
        .split(',')
        .map(|range| range.split(';').next().unwrap_or_default().trim());
    if types.all(|media_type| matches!(media_type, "application/xml" | "text/xml")) {
        let message = "This organisation answers application/json alone.";
        return Err(ApiError::new(406, "NOT_ACCEPTABLE", message));
    }
    Ok(())
}

/// The client that a request names (REST API Developer Guide, Call Options Header).
fn client_of(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("sforce-call-options")?
        .to_str()
        .ok()?
        .split([',', ';'])
        .find_map(|option| option.trim().strip_prefix("client="))
}

/// Salesforce takes no longer paths with their query (Salesforce REST API Developer Guide, Status Codes and Error
/// Responses: 414); what its answer says is believed.
const MAX_URI_BYTES: usize = 16_384;

/// Retired since Summer '25 (Salesforce Help, article 005321531).
pub(super) const RETIRED_VERSIONS: std::ops::RangeInclusive<u16> = 7..=30;

pub(super) fn org_of(request: &ServiceRequest) -> Result<Data<Org>, Error> {
    request.app_data::<Data<Org>>().cloned().ok_or_else(|| {
        actix_web::error::ErrorInternalServerError("the server was built without an organisation")
    })
}

fn canned_message(code: &str) -> &'static str {
    match code {
        "REQUEST_LIMIT_EXCEEDED" => "TotalRequests Limit exceeded.",
        "INVALID_SESSION_ID" => "Session expired or invalid",
        "UNABLE_TO_LOCK_ROW" => "unable to obtain exclusive access to this record or 1 records",
        "SERVER_UNAVAILABLE" => "The server is temporarily unavailable",
        _ => "An unexpected error occurred.",
    }
}
