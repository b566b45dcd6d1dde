//! How trouble by chance looks on the wire.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use actix_web::{HttpResponse, ResponseError};

use super::errors::ApiError;
use super::gate::bearer_token;
use crate::faults::{Mishap, Trouble};
use crate::org::Org;
use crate::writes::UnluckyRows;

/// Stands in a response that never reaches the client.
#[derive(Clone, Copy)]
pub(super) struct Cut;

/// Whether a request may write rows, and so meet locked ones.
pub(super) fn writes_rows(request: &ServiceRequest) -> bool {
    let changes = [Method::POST, Method::PATCH, Method::DELETE].contains(request.method());
    changes && !request.path().contains("/jobs/")
}

/// What goes wrong instead of the request's work; `None` lets the work go on.
pub(super) async fn before(mishap: Mishap, org: &Org, request: &ServiceRequest) -> Option<HttpResponse> {
    match mishap.trouble {
        Trouble::ServerUnavailable => {
            let message = "The server is temporarily unavailable";
            Some(ApiError::new(503, "SERVER_UNAVAILABLE", message).error_response())
        }
        Trouble::UnknownException => {
            let message = format!(
                "An unexpected error occurred. Please include this ErrorId if you contact support: {}-{} (-1)",
                mishap.seed % 1_000_000_000,
                mishap.seed % 1_000_000
            );
            Some(ApiError::new(500, "UNKNOWN_EXCEPTION", message).error_response())
        }
        Trouble::ConcurrentLimit => {
            let message = org.concurrent_limit_message();
            Some(ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", message).error_response())
        }
        Trouble::BadGateway if !mishap.after => Some(bad_gateway()),
        Trouble::CutBefore => {
            let mut response = HttpResponse::with_body(StatusCode::OK, BoxBody::new(CutConnection));
            response.extensions_mut().insert(Cut);
            Some(response)
        }
        Trouble::Delay => {
            tokio::time::sleep(mishap.delay).await;
            None
        }
        Trouble::ExpiredToken => {
            if let Some(token) = bearer_token(request.headers()) {
                org.tokens.revoke(token);
            }
            None
        }
        Trouble::BadGateway | Trouble::CutAfter | Trouble::LockedRows => None,
    }
}

/// The rows that a write is told are locked.
pub(super) fn unlucky_rows(mishap: Mishap) -> Option<UnluckyRows> {
    (mishap.trouble == Trouble::LockedRows).then_some(UnluckyRows { seed: mishap.seed })
}

/// What goes wrong once the work is done.
pub(super) fn after(mishap: Mishap, response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    match mishap.trouble {
        Trouble::CutAfter => cut(response),
        Trouble::BadGateway => response.into_response(bad_gateway()),
        _ => response,
    }
}

/// The response as a client sees it whose connection is cut.
pub(super) fn cut(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let mut cut = response.map_body(|_, _| BoxBody::new(CutConnection));
    cut.response_mut().extensions_mut().insert(Cut);
    cut
}

fn bad_gateway() -> HttpResponse {
    HttpResponse::BadGateway()
        .content_type("text/html; charset=utf-8")
        .body("<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>")
}

/// A body that fails before its first byte: the server then closes the connection, and what it had not yet
/// sent, the head included, is lost.
struct CutConnection;

impl MessageBody for CutConnection {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::from(
            std::io::ErrorKind::ConnectionAborted,
        ))))
    }
}
