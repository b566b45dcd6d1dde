//! What happens around every request: its id, its log line, its count, the headers of its answer, and the one place
//! where errors become problem documents.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use futures_util::Stream;
use tracing::Instrument;

use super::HttpState;
use super::auth::CallerName;
use super::problem::{Problem, ProblemKind};

/// Names a request in its answer and in the log.
pub const REQUEST_ID: &str = "x-request-id";

/// How long a refused body is held on to: longer than it takes to send the refusal.
const HOLD_UNREAD: Duration = Duration::from_secs(1);

/// Longest request id that is taken over from a caller.
const LONGEST_ID: usize = 64;

/// The middleware.
pub async fn exchange(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let unread = share_chunked_payload(&mut request);
    let id = request_id(&request);
    let method = request.method().clone();
    let state = request.app_data::<web::Data<HttpState>>().cloned();
    let span = tracing::info_span!("request", id = %id);
    let (request, answer) = match next.call(request).instrument(span.clone()).await {
        Ok(response) => {
            let (request, response) = response.into_parts();
            let answer = match response.error().map(|error| problem_of(error, &response)) {
                Some(problem) => refuse(&problem, &id, &span),
                None => response.map_into_boxed_body(),
            };
            (request, answer)
        }
        // Nothing below answers so today; if something ever does, the request is gone and so is its route.
        Err(error) => return Err(error),
    };
    let mut response = ServiceResponse::new(request, answer);
    let secure = state.as_ref().is_some_and(|state| state.secure);
    set_headers(&mut response, &id, secure);
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "(none)".to_owned());
    let status = response.status().as_u16();
    let took = began.elapsed();
    if let Some(state) = &state {
        state.metrics.answered(&route, method.as_str(), status, took);
    }
    let client = response
        .request()
        .extensions()
        .get::<CallerName>()
        .map(|name| name.0.clone())
        .unwrap_or_default();
    if response.status().is_client_error()
        && let Some(unread) = unread
    {
        actix_web::rt::spawn(async move {
            tokio::time::sleep(HOLD_UNREAD).await;
            drop(unread);
        });
    }
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    // The route and not the path, and never the query: both can hold what a record holds.
    span.in_scope(|| {
        tracing::info!(%method, route, status, client, milliseconds, "answered");
    });
    Ok(response)
}

fn problem_of(error: &Error, response: &HttpResponse<impl MessageBody>) -> Problem {
    match error.as_error::<Problem>() {
        Some(problem) => problem.clone(),
        None => Problem::from_status(response.status()),
    }
}

fn refuse(problem: &Problem, id: &str, span: &tracing::Span) -> HttpResponse {
    span.in_scope(|| match problem.cause() {
        // The store tells of a full disk itself, and not for every request that meets it.
        Some(cause) if problem.kind() == ProblemKind::StorageFull => {
            tracing::debug!(cause, "a request found the store full");
        }
        Some(cause) => tracing::error!(problem = problem.kind().id(), cause, "a request failed"),
        None => tracing::debug!(problem = problem.kind().id(), "a request was refused"),
    });
    problem.answer(id)
}

/// Keeps a hand on a body that is sent in chunks.
///
/// The server reads what is left of such a body to its end once nobody holds it any more, however long that takes:
/// a refused caller could keep its connection for ever. While somebody holds it, the server closes the connection.
fn share_chunked_payload(request: &mut ServiceRequest) -> Option<Rc<RefCell<Payload>>> {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let held = Rc::new(RefCell::new(request.take_payload()));
    let shared = Rc::clone(&held);
    let stream =
        futures_util::stream::poll_fn(move |context| Pin::new(&mut *shared.borrow_mut()).poll_next(context));
    request.set_payload(Payload::Stream {
        payload: Box::pin(stream),
    });
    Some(held)
}

/// The caller's own id where it is harmless, else a new one.
fn request_id(request: &ServiceRequest) -> String {
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=LONGEST_ID).contains(&id.len()))
        .filter(|id| {
            id.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
        .map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

fn set_headers(response: &mut ServiceResponse<BoxBody>, id: &str, secure: bool) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        // A page inside an org has a policy of its own.
        if name != header::CONTENT_SECURITY_POLICY || !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if secure {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
}
