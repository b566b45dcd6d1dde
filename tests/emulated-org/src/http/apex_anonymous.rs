//! Anonymous Apex: `tooling/executeAnonymous`, and `executeAnonymous` of the Apex SOAP API, by which the Salesforce CLI
//! runs it because the debug log comes with the answer.
//!
//! Source: Tooling API Developer Guide, executeAnonymous; SOAP API Developer Guide, Apex-Related Calls,
//! executeAnonymous() and DebuggingHeader. Of the events of a debug log there is `USER_DEBUG` alone.

use actix_web::http::header::ContentType;
use actix_web::{HttpRequest, HttpResponse, web};
use apex_runtime::AnonymousError;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::apex_tests::admit;
use super::caller::ApiVersion;
use super::metadata::soap::{Call, ENVELOPE, Fault, admitted, prepared, refused};
use super::{ApiError, Caller, resource, wrote};
use crate::id::RecordId;
use crate::org::Org;

const NAMESPACE: &str = "http://soap.sforce.com/2006/08/apex";

/// Adds the route below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(resource("/tooling/executeAnonymous", "GET").route(web::get().to(execute)));
}

/// Adds the routes of the Apex SOAP API.
pub fn configure_soap(routes: &mut web::ServiceConfig) {
    for path in [
        "/services/Soap/s/{version}",
        "/services/Soap/s/{version}/{organization}",
    ] {
        routes.route(path, web::post().to(call));
    }
}

/// What became of a block.
struct Executed {
    ended: Result<(), AnonymousError>,
    log: Vec<String>,
}

/// Runs a block in a thread of its own: it may wait for other servers.
async fn run(org: &web::Data<Org>, user: RecordId, text: String) -> Result<Executed, String> {
    let org = org.clone();
    let run = move || {
        let (ended, log) = org.execute_anonymous(user, &text);
        Executed { ended, log }
    };
    web::block(run).await.map_err(|error| error.to_string())
}

impl Executed {
    fn result(&self) -> Json {
        let (line, column, problem, message, stack) = match &self.ended {
            Ok(()) => (-1, -1, None, None, None),
            Err(AnonymousError::Compile(errors)) => {
                let first = errors.first();
                let place = first.map(|error| (i64::from(error.at.line), i64::from(error.at.column)));
                let (line, column) = place.unwrap_or((-1, -1));
                let problem = first.map(|error| error.message.as_str());
                (line, column, problem, None, None)
            }
            Err(AnonymousError::Run(failure)) => (
                i64::from(failure.line),
                1,
                None,
                Some(failure.message.as_str()),
                Some(failure.stack.as_str()),
            ),
        };
        json!({
            "line": line,
            "column": column,
            "compiled": !matches!(self.ended, Err(AnonymousError::Compile(_))),
            "success": self.ended.is_ok(),
            "compileProblem": problem,
            "exceptionStackTrace": stack,
            "exceptionMessage": message,
        })
    }

    /// The debug log, as far as there is one.
    fn debug_log(&self, org: &Org, version: ApiVersion, text: &str) -> String {
        let mut log = format!("{}.0 APEX_CODE,DEBUG\n", version.0);
        for line in text.lines() {
            log.push_str(&format!("Execute Anonymous: {line}\n"));
        }
        let time = org.clock.now().format("%H:%M:%S.0").to_string();
        for entry in &self.log {
            let (level, rest) = entry.split_once('|').unwrap_or(("DEBUG", entry));
            let (line, said) = rest.split_once('|').unwrap_or(("[1]", rest));
            log.push_str(&format!("{time} (0)|USER_DEBUG|{line}|{level}|{said}\n"));
        }
        log
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    anonymous_body: String,
}

async fn execute(
    caller: Caller,
    org: web::Data<Org>,
    block: Result<web::Query<Block>, actix_web::Error>,
) -> Result<HttpResponse, ApiError> {
    admit(&org, &caller)?;
    let block =
        block.map_err(|_absent| ApiError::new(400, "MISSING_ARGUMENT", "anonymousBody must be given"))?;
    let executed = run(&org, caller.user, block.into_inner().anonymous_body)
        .await
        .map_err(|error| ApiError::new(500, "UNKNOWN_EXCEPTION", error))?;
    Ok(wrote(HttpResponse::Ok().json(executed.result())))
}

async fn call(
    org: web::Data<Org>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> HttpResponse {
    if let Err(fault) = prepared(&org).await {
        return refused(&fault);
    }
    match answered(&org, &request, body).await {
        Ok(response) => response,
        Err(fault) => refused(&fault),
    }
}

async fn answered(
    org: &web::Data<Org>,
    request: &HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> Result<HttpResponse, Fault> {
    let Call {
        user,
        version,
        envelope,
    } = admitted(org, request, body)?;
    let operation = envelope.child("Body").and_then(|body| body.children.first());
    let Some(operation) = operation.filter(|operation| operation.name == "executeAnonymous") else {
        let name = operation.map_or("", |operation| operation.name.as_str());
        let text = format!("No operation available for request {{{NAMESPACE}}}{name}");
        return Err(Fault::client(text));
    };
    if !org.access_of(user).has_permission("AuthorApex") {
        let text = "insufficient access rights: executeAnonymous takes the permission AuthorApex";
        return Err(Fault::new("INSUFFICIENT_ACCESS", text));
    }
    // The WSDL calls the block String, the Salesforce CLI apexcode.
    let text = operation.children.first();
    let text = text.map_or_else(String::new, |block| block.text.clone());
    let executed = run(org, user, text.clone())
        .await
        .map_err(|error| Fault::new("UNKNOWN_EXCEPTION", error))?;
    let wants_log = envelope
        .child("Header")
        .is_some_and(|header| header.child("DebuggingHeader").is_some());
    let mut body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"{ENVELOPE}\" xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
    );
    if wants_log {
        let log = executed.debug_log(org, version, &text);
        let log = quick_xml::escape::escape(&log);
        body.push_str(&format!(
            "<soapenv:Header><DebuggingInfo><debugLog>{log}</debugLog></DebuggingInfo></soapenv:Header>"
        ));
    }
    body.push_str("<soapenv:Body><executeAnonymousResponse><result>");
    for (name, value) in executed.result().as_object().into_iter().flatten() {
        match value {
            Json::Null => body.push_str(&format!("<{name} xsi:nil=\"true\"/>")),
            Json::String(text) => {
                body.push_str(&format!("<{name}>{}</{name}>", quick_xml::escape::escape(text)));
            }
            other => body.push_str(&format!("<{name}>{other}</{name}>")),
        }
    }
    body.push_str("</result></executeAnonymousResponse></soapenv:Body></soapenv:Envelope>");
    Ok(wrote(
        HttpResponse::Ok().content_type(ContentType::xml()).body(body),
    ))
}
