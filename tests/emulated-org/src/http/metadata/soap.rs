//! The Metadata API by SOAP: `/services/Soap/m/{version}`.
//!
//! Source: Metadata API Developer Guide, Metadata API calls; SOAP API Developer Guide, faults.

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::Value as Json;

use super::{NOT_ALLOWED, may_deploy, soap_calls};
use crate::http::caller::ApiVersion;
use crate::http::gate::{RETIRED_VERSIONS, live_session};
use crate::http::oauth::Host;
use crate::http::{MAX_BODY_BYTES, wrote};
use crate::id::RecordId;
use crate::limits::Allocation;
use crate::metadata::xml::{Element, NAMESPACE};
use crate::org::Org;

pub(in crate::http) const ENVELOPE: &str = "http://schemas.xmlsoap.org/soap/envelope/";

/// A fault: its code behind `sf:` or `soapenv:`, and its words.
#[derive(Debug)]
pub(in crate::http) struct Fault {
    code: String,
    text: String,
}

impl Fault {
    /// A fault of the Metadata API.
    pub(in crate::http) fn new(code: &str, text: impl AsRef<str>) -> Self {
        Self {
            code: format!("sf:{code}"),
            text: format!("{code}: {}", text.as_ref()),
        }
    }

    /// A request that is no such call.
    pub(in crate::http) fn client(text: impl Into<String>) -> Self {
        Self {
            code: "soapenv:Client".to_owned(),
            text: text.into(),
        }
    }
}

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    for path in [
        "/services/Soap/m/{version}",
        "/services/Soap/m/{version}/{organization}",
    ] {
        routes.service(
            web::resource(path)
                // Base64 makes a zip a third larger.
                .app_data(web::PayloadConfig::new(MAX_BODY_BYTES / 3 * 4))
                .route(web::post().to(call)),
        );
    }
}

async fn call(
    org: web::Data<Org>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    if let Err(fault) = prepared(&org).await {
        return refused(&fault);
    }
    match answered(&org, &request, body) {
        Ok(response) => response,
        Err(fault) => refused(&fault),
    }
}

/// What comes before any SOAP call: faults that were asked for, and the organisation's own time.
pub(in crate::http) async fn prepared(org: &Org) -> Result<(), Fault> {
    let delay = org.faults.current_delay();
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    if let Some(answer) = org.faults.take_answer() {
        return Err(Fault::new(&answer.code, "An unexpected error occurred."));
    }
    org.catch_up();
    Ok(())
}

/// A call whose session and version are in order.
pub(in crate::http) struct Call {
    pub(in crate::http) user: RecordId,
    pub(in crate::http) version: ApiVersion,
    pub(in crate::http) envelope: Element,
}

/// Admits a call, which costs one of the day's requests.
pub(in crate::http) fn admitted(
    org: &Org,
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<Call, Fault> {
    let authority = request.uri().authority().map(|authority| authority.as_str());
    Host::of(org, request.headers(), authority)
        .admits_data()
        .map_err(|error| Fault::new("UNKNOWN_EXCEPTION", error.message))?;
    let segment = request.match_info().get("version").unwrap_or_default();
    let version = ApiVersion::from_segment(&format!("v{segment}"))
        .filter(|version| org.api_versions.contains(&version.0) && !RETIRED_VERSIONS.contains(&version.0))
        .ok_or_else(|| Fault::new("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL"))?;
    let body = body.map_err(|_too_large| {
        let text =
            format!("Maximum size of request reached. Maximum size of request is {MAX_BODY_BYTES} bytes.");
        Fault::new("EXCEEDED_MAX_SIZE_REQUEST", text)
    })?;
    let text = std::str::from_utf8(&body).map_err(|error| Fault::client(error.to_string()))?;
    let envelope = Element::read(text).map_err(|malformed| Fault::client(malformed.reason))?;
    if envelope.name != "Envelope" {
        return Err(Fault::client(format!(
            "The root element is {}, not Envelope",
            envelope.name
        )));
    }
    let token = envelope
        .child("Header")
        .and_then(|header| header.child("SessionHeader"))
        .and_then(|session| session.text_of("sessionId"));
    let session = token
        .and_then(|token| live_session(org, token))
        .filter(|session| {
            let mut scopes = session.scopes.iter();
            scopes.any(|scope| scope == "api" || scope == "full")
        })
        .ok_or_else(|| {
            Fault::new(
                "INVALID_SESSION_ID",
                "Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing session hash",
            )
        })?;
    org.limits
        .spend(Allocation::DailyApiRequests, 1, org.clock.now())
        .map_err(|_spent| Fault::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."))?;
    Ok(Call {
        user: session.user,
        version,
        envelope,
    })
}

fn answered(
    org: &Org,
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let Call {
        user,
        version,
        envelope,
    } = admitted(org, request, body)?;
    let operation = envelope
        .child("Body")
        .and_then(|body| body.children.first())
        .ok_or_else(|| Fault::client("The body holds no call"))?;
    if !may_deploy(org, user) {
        return Err(Fault::new("INSUFFICIENT_ACCESS", NOT_ALLOWED));
    }
    let (results, writes) = soap_calls::answer(org, user, version, operation)?;
    let response = rendered(&operation.name, &results);
    Ok(if writes { wrote(response) } else { response })
}

fn rendered(operation: &str, results: &[Json]) -> HttpResponse {
    let mut body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"{ENVELOPE}\" xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body><{operation}Response>"
    );
    for result in results {
        write(&mut body, "result", result);
    }
    body.push_str(&format!(
        "</{operation}Response></soapenv:Body></soapenv:Envelope>"
    ));
    HttpResponse::Ok().content_type(ContentType::xml()).body(body)
}

/// Lists are repeated elements; what is null is left out.
fn write(body: &mut String, name: &str, value: &Json) {
    match value {
        Json::Null => {}
        Json::Array(values) => values.iter().for_each(|value| write(body, name, value)),
        Json::Object(members) => {
            body.push_str(&format!("<{name}>"));
            for (name, value) in members {
                write(body, name, value);
            }
            body.push_str(&format!("</{name}>"));
        }
        Json::String(text) => {
            body.push_str(&format!("<{name}>{}</{name}>", quick_xml::escape::escape(text)));
        }
        other => body.push_str(&format!("<{name}>{other}</{name}>")),
    }
}

pub(in crate::http) fn refused(fault: &Fault) -> HttpResponse {
    let text = quick_xml::escape::escape(&fault.text);
    let code = &fault.code;
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"{ENVELOPE}\" xmlns:sf=\"{NAMESPACE}\"><soapenv:Body><soapenv:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>"
    );
    HttpResponse::build(StatusCode::INTERNAL_SERVER_ERROR)
        .content_type(ContentType::xml())
        .body(body)
}
