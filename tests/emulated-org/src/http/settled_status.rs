//! Statuses that switches decide.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse};

use super::errors::{ApiError, Refused};
use super::gate::org_of;
use crate::switches::Switches;

/// The layer around resources that gives refusals the status that the switches say.
pub(super) async fn settle(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let switches = org_of(&request)?.switches();
    let mut response = next.call(request).await?;
    if let Some(status) = code_of(response.response()).and_then(|code| status_of(code, switches)) {
        *response.response_mut().status_mut() = status;
    }
    Ok(response)
}

fn code_of<B>(response: &HttpResponse<B>) -> Option<&'static str> {
    let error = response.error()?;
    if let Some(error) = error.as_error::<ApiError>() {
        return Some(error.code);
    }
    match error.as_error::<Refused>()? {
        Refused::Request(error) => Some(error.code),
        Refused::Record(refused) => refused.0.first().map(|error| error.code),
        Refused::Duplicates(..) => None,
    }
}

fn status_of(code: &str, switches: Switches) -> Option<StatusCode> {
    match code {
        "ENTITY_IS_DELETED" if switches.deleted_records_as_400 => Some(StatusCode::BAD_REQUEST),
        "INSUFFICIENT_ACCESS_OR_READONLY" if switches.insufficient_access_as_400 => {
            Some(StatusCode::BAD_REQUEST)
        }
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY" if switches.cross_reference_access_as_403 => {
            Some(StatusCode::FORBIDDEN)
        }
        _ => None,
    }
}
