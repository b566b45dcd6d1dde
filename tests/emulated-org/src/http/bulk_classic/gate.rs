//! What every request of the Bulk API passes: faults, the version, the session, the daily limit.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, ResponseError};

use super::super::caller::{ApiVersion, Caller};
use super::super::cost::spend_call;
use super::super::gate::{RETIRED_VERSIONS, has_written, live_session, org_of};
use super::super::mishap;
use super::super::oauth::Host;
use super::error::AsyncError;
use super::info::Wire;
use crate::faults::Trouble;
use crate::org::Org;

/// The header that brings the session; the Bulk API takes no other.
const SESSION: &str = "x-sfdc-session";

/// The layer around all resources of the Bulk API.
pub(super) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let org = org_of(&request)?;
    let wire = wire_of(request.headers());
    let refuse = |request: ServiceRequest, error: &AsyncError| request.into_response(rendered(error, wire));
    let under_way = org.long_requests.begin(org.clock.now());
    let delay = org.faults.current_delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if let Some(answer) = org.faults.take_answer() {
        let error = AsyncError::with_status(answer.status, answer.code, "An unexpected error occurred.");
        return Ok(refuse(request, &error));
    }
    let mishap = org.faults.roll(None, false);
    if let Some(mishap) = mishap
        && let Some(response) = mishap::before(mishap, &org, &request).await
    {
        return Ok(request.into_response(response));
    }
    if mishap.is_some_and(|mishap| mishap.trouble == Trouble::ExpiredToken)
        && let Some(token) = token_of(request.headers())
    {
        org.tokens.revoke(token);
    }
    org.catch_up();
    let caller = match admit(&org, &request) {
        Ok(caller) => caller,
        Err(error) => return Ok(refuse(request, &error)),
    };
    if under_way.is_too_many {
        // Which code this API has for it is believed.
        let error = AsyncError::new("ExceededQuota", org.concurrent_limit_message());
        return Ok(refuse(request, &error));
    }
    if spend_call(&org, &request).is_err() {
        let error = AsyncError::new("ExceededQuota", "TotalRequests Limit exceeded.");
        return Ok(refuse(request, &error));
    }
    request.extensions_mut().insert(caller);
    let mut response = next.call(request).await?.map_into_boxed_body();
    let refused = response.response().extensions().get::<AsyncError>().cloned();
    if let Some(error) = refused {
        response = response.into_response(rendered(&error, wire));
    }
    if has_written(response.response()) && org.faults.take_cut() {
        return Ok(mishap::cut(response));
    }
    Ok(match mishap {
        Some(mishap) => mishap::after(mishap, response),
        None => response,
    })
}

/// What a request is written in, or asks to be answered in.
pub(super) fn wire_of(headers: &HeaderMap) -> Wire {
    let is_json = |name| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.trim().to_ascii_lowercase().starts_with("application/json"))
    };
    if is_json(CONTENT_TYPE) || is_json(ACCEPT) {
        Wire::Json
    } else {
        Wire::Xml
    }
}

fn rendered(error: &AsyncError, wire: Wire) -> actix_web::HttpResponse {
    match wire {
        Wire::Json => error.json(),
        Wire::Xml => error.error_response(),
    }
}

/// The token that a request brings.
fn token_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(SESSION)?.to_str().ok().map(str::trim)
}

fn admit(org: &Org, request: &ServiceRequest) -> Result<Caller, AsyncError> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    Host::of(org, request.headers(), authority)
        .admits_data()
        .map_err(|error| AsyncError::with_status(error.status, "InvalidUrl", error.message))?;
    let segment = request.match_info().get("version").unwrap_or_default();
    // A retired version is 400 InvalidVersion here (Salesforce Help, article 005321531), and so is one that never
    // was (believed).
    let version = ApiVersion::from_segment(&format!("v{segment}"))
        .filter(|version| org.api_versions.contains(&version.0) && !RETIRED_VERSIONS.contains(&version.0))
        .ok_or_else(|| AsyncError::new("InvalidVersion", format!("Api version not supported: {segment}")))?;
    let session = token_of(request.headers())
        .and_then(|token| live_session(org, token))
        .filter(|session| {
            let mut scopes = session.scopes.iter();
            scopes.any(|scope| scope == "api" || scope == "full")
        })
        .ok_or_else(AsyncError::invalid_session)?;
    if !org.access_of(session.user).has_permission("ApiEnabled") {
        // The guide's Errors section has the code for organisations without this API; for users it is believed.
        return Err(AsyncError::new("FeatureNotEnabled", "Async API not enabled"));
    }
    Ok(Caller {
        user: session.user,
        version,
        options: crate::http::request_options::RequestOptions::default(),
        unlucky: None,
        unit: None,
    })
}
