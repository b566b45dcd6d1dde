//! `/openapi.json`: the interface, described from the code that serves it.

use actix_web::{HttpResponse, get};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Info, PathItem, Server};
use utoipa::{Modify, OpenApi};

use super::problem::{Problem, ProblemDocument, ProblemKind};
use super::surface::Surface;

/// The interface's description.
#[utoipa::path(
    tag = "operation",
    security(()),
    responses(
        (status = 200, description = "This document", body = Object),
        (status = 500, description = "The gateway failed", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
#[get("/openapi.json")]
pub async fn get_openapi() -> Result<HttpResponse, Problem> {
    let document = openapi_json().map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(document))
}

/// The document as JSON, with a line for each member so that changes to it can be read.
///
/// # Errors
/// When the document cannot be written: a defect.
pub fn openapi_json() -> Result<String, String> {
    Surface::openapi()
        .to_pretty_json()
        .map_err(|error| error.to_string())
}

/// Every path with its methods.
pub(super) fn routes() -> Vec<(String, Vec<&'static str>)> {
    Surface::openapi()
        .paths
        .paths
        .iter()
        .map(|(path, item)| (path.clone(), methods(item)))
        .collect()
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ]
    .into_iter()
    .filter_map(|(name, operation)| operation.as_ref().map(|_| name))
    .collect()
}

/// Fills in what belongs to the document as a whole.
pub(super) struct Finish;

impl Modify for Finish {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        document.info = Info::new("Causeway gateway", env!("CARGO_PKG_VERSION"));
        document.info.description = Some(description());
        document.servers = Some(vec![Server::new("/")]);
        let components = document.components.get_or_insert_default();
        let mut bearer = Http::new(HttpAuthScheme::Bearer);
        bearer.bearer_format = Some("JWT".to_owned());
        bearer.description = Some(
            "A JWT that names its client (`iss`), this gateway's public URL (`aud`) and an expiry at most ten \
             minutes ahead (`exp`), signed with HS256 or RS256 as registered for the client; or an access token \
             from `/oauth/token`. `scope` may limit it to some of the client's scopes."
                .to_owned(),
        );
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let mut page = Http::new(HttpAuthScheme::Bearer);
        page.description = Some(
            "What a page inside Salesforce was given when it was opened. It reads that page's record, for 15 minutes."
                .to_owned(),
        );
        components.add_security_scheme("page", SecurityScheme::Http(page));
    }
}

fn description() -> String {
    let mut text =
        "Pages are asked for by `cursor` or `after`: send back `next` of the page before, unread. \
                    Every error is a problem document (RFC 9457) whose `type` is one of these:\n\n\
                    | type | status | title |\n|---|---|---|\n"
            .to_owned();
    for kind in ProblemKind::ALL {
        text.push_str(&format!(
            "| `urn:causeway:problem:{}` | {} | {} |\n",
            kind.id(),
            kind.status(),
            kind.title()
        ));
    }
    text
}
