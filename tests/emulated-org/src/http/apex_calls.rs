//! Apex called over HTTP: `/services/apexrest/…`, and `/apex/<Class>/<method>`.
//!
//! The second is none of Salesforce's: Lightning components reach their controllers through the platform's own
//! client there. Here it takes a JSON object with the method's arguments by name and answers its value as JSON, or
//! with 500 the `body` of the error that a component gets.
//!
//! Source: Apex Developer Guide, Apex REST Methods and Apex REST: HTTP methods; the messages are those that clients
//! report.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use apex_runtime::{RestCall, RestReply};
use bytes::Bytes;
use serde_json::{Map, Value as Json, json};

use super::cost::spend_call;
use super::gate::session_of;
use super::oauth::Host;
use super::{ApiError, wrote};
use crate::apex::outside::{CallError, Thrown};
use crate::id::RecordId;
use crate::lightning::Visitor;
use crate::org::Org;

/// What Apex REST takes as status codes (Apex Reference Guide, RestResponse, Status Codes).
const STATUSES: [u16; 24] = [
    200, 201, 202, 204, 206, 300, 301, 302, 304, 400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 414, 415,
    417, 500, 503,
];

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/services/apexrest/{path:.*}", web::to(serve))
        .route("/apex/{class}/{method}", web::post().to(call));
}

/// Adds the route of the app's pages.
pub(crate) fn configure_lightning(routes: &mut web::ServiceConfig) {
    routes.route("/lightning/apex/{class}/{method}", web::post().to(call_from_page));
}

/// The user of a request's session; the request costs a call.
fn admitted(org: &Org, request: &HttpRequest) -> Result<RecordId, ApiError> {
    Host::of_request(org, request).admits_data()?;
    let session = session_of(org, request.headers())?;
    spend_call(org, request)
        .map_err(|_spent| ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))?;
    Ok(session.user)
}

fn not_run(error: &actix_web::error::BlockingError) -> ApiError {
    ApiError::new(500, "UNKNOWN_EXCEPTION", error.to_string())
}

async fn serve(
    org: web::Data<Org>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    org.catch_up();
    let user = admitted(&org, &request)?;
    let body = body.map_err(|error| ApiError::new(413, "REQUEST_ENTITY_TOO_LARGE", error.to_string()))?;
    let method = request.method().as_str().to_owned();
    let call = RestCall {
        method: method.clone(),
        uri: request
            .path()
            .strip_prefix("/services/apexrest")
            .unwrap_or_default()
            .to_owned(),
        resource: String::new(),
        headers: request
            .headers()
            .iter()
            .filter(|(name, _)| !name.as_str().eq_ignore_ascii_case("authorization"))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect(),
        parameters: url::form_urlencoded::parse(request.query_string().as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect(),
        body: body.to_vec(),
        address: request
            .peer_addr()
            .map_or_else(String::new, |address| address.ip().to_string()),
    };
    let run = {
        let org = org.clone();
        move || org.serve_apex_rest(user, call)
    };
    // Programs may wait for other servers.
    let ended = web::block(run).await.map_err(|error| not_run(&error))?;
    match ended {
        Ok(reply) => answered(reply),
        Err(error) => Ok(refused(&error, &method).error_response()),
    }
}

fn answered(reply: RestReply) -> Result<HttpResponse, ApiError> {
    let status = match reply.status {
        None => StatusCode::OK,
        Some(number) => {
            let known = u16::try_from(number)
                .ok()
                .filter(|number| STATUSES.contains(number));
            let known = known.and_then(|number| StatusCode::from_u16(number).ok());
            known.ok_or_else(|| {
                let message = format!("Invalid status code for HTTP response: {number}");
                ApiError::new(500, "APEX_ERROR", message)
            })?
        }
    };
    let mut response = HttpResponse::build(status);
    if reply.is_value {
        response.insert_header((CONTENT_TYPE, "application/json;charset=UTF-8"));
    }
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            response.insert_header((name, value));
        }
    }
    Ok(wrote(response.body(reply.body)))
}

fn refused(error: &CallError, method: &str) -> ApiError {
    match error {
        CallError::Unknown => ApiError::new(404, "NOT_FOUND", "Could not find a match for URL"),
        CallError::NoAccess(class) => {
            let message = format!("You do not have access to the Apex class named: {class}");
            ApiError::new(403, "FORBIDDEN", message)
        }
        CallError::Method(served) => ApiError::method_not_allowed(method, &served.join(",")),
        CallError::Arguments(words) => ApiError::json_parser(words.clone()),
        CallError::Failed(thrown) => {
            let message = format!("{}\n\n{}", thrown.failure.message, thrown.failure.stack);
            ApiError::new(500, "APEX_ERROR", message)
        }
    }
}

async fn call(
    org: web::Data<Org>,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    org.catch_up();
    let user = admitted(&org, &request)?;
    run_controller(org, user, path.into_inner(), &body).await
}

/// The same for the pages of the app, which come with the session of a browser and cost no call.
async fn call_from_page(
    org: web::Data<Org>,
    visitor: Visitor,
    path: web::Path<(String, String)>,
    body: Bytes,
) -> Result<HttpResponse, ApiError> {
    run_controller(org, visitor.user, path.into_inner(), &body).await
}

async fn run_controller(
    org: web::Data<Org>,
    user: RecordId,
    (class, method): (String, String),
    body: &[u8],
) -> Result<HttpResponse, ApiError> {
    let arguments = match body {
        [] => Map::new(),
        bytes => match serde_json::from_slice(bytes) {
            Ok(Json::Object(arguments)) => arguments,
            Ok(_) => {
                return Err(ApiError::json_parser(
                    "The body must be an object with the arguments",
                ));
            }
            Err(error) => return Err(ApiError::json_parser(error.to_string())),
        },
    };
    let run = {
        let org = org.clone();
        move || org.call_controller(user, &class, &method, &arguments)
    };
    let ended = web::block(run).await.map_err(|error| not_run(&error))?;
    Ok(match ended {
        Ok(value) => wrote(HttpResponse::Ok().content_type("application/json").body(value)),
        // Lightning Web Components Developer Guide, Error Handling Best Practices: `error.body`.
        Err(CallError::Failed(thrown)) => HttpResponse::InternalServerError().json(error_body(&thrown)),
        Err(CallError::NoAccess(class)) => {
            let message = format!("You do not have access to the Apex class named '{class}'.");
            HttpResponse::Forbidden().json(json!({ "message": message }))
        }
        Err(other) => refused(&other, "POST").error_response(),
    })
}

fn error_body(thrown: &Thrown) -> Json {
    let message = thrown.for_clients.as_ref().unwrap_or(&thrown.message);
    let class = match &thrown.for_clients {
        Some(_) => "System.AuraHandledException",
        None => &thrown.class,
    };
    json!({
        "exceptionType": class,
        "isUserDefinedException": thrown.is_own,
        "message": message,
        "stackTrace": thrown.failure.stack,
    })
}
