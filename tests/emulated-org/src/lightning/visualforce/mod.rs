//! Visualforce pages: rendered as far as this organisation knows their tags, refused by name beyond.
//!
//! Source: Visualforce Developer Guide; Salesforce Help, Set Visualforce Page Security.

mod expression;
mod markup;
mod page;
mod render;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use apex_runtime::run::page::PageValue;

use super::error::PageError;
use super::login::redirect_to_login;
use super::trusted_urls::{Directive, trusted};
use super::visitor::Visitor;
use crate::apex::outside::CallError;
use crate::apex::page::PageCall;
use crate::http::{Escaped, NEVER_STORED};
use crate::org::Org;
use expression::Worth;
use page::Page;
use render::Renderer;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes.route("/apex/{page}", web::get().to(show));
}

async fn show(org: web::Data<Org>, request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let visitor = match Visitor::of(&request) {
        Ok(visitor) => visitor,
        Err(_no_session) => return redirect_to_login(&request),
    };
    let parameters = url::form_urlencoded::parse(request.query_string().as_bytes())
        .into_owned()
        .collect();
    let (shared, name) = (org.clone(), name.into_inner());
    // Controllers may wait for other servers.
    let ended = web::block(move || rendered(&shared, &visitor, &name, parameters)).await;
    let (status, document) = match ended {
        Ok(Ok(document)) => (StatusCode::OK, document),
        Ok(Err(error)) => (error.status_code(), failure(&error)),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            failure(&PageError::new(500, error.to_string())),
        ),
    };
    let policy = format!(
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-src \
         'self'{}; object-src 'none'; base-uri 'none'; frame-ancestors 'self'",
        trusted(&org, Directive::Frame, "VisualForce")
    );
    HttpResponse::build(status)
        .content_type("text/html;charset=utf-8")
        .insert_header(("Content-Security-Policy", policy))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("X-Frame-Options", "SAMEORIGIN"))
        .insert_header(("Referrer-Policy", "origin-when-cross-origin"))
        .insert_header(NEVER_STORED)
        .body(document)
}

fn failure(error: &PageError) -> String {
    let words = error.words();
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Visualforce Error</title></head><body><p \
         role=\"alert\">{}</p></body></html>",
        Escaped(words)
    )
}

fn rendered(
    org: &Org,
    visitor: &Visitor,
    name: &str,
    parameters: Vec<(String, String)>,
) -> Result<String, PageError> {
    let page = Page::open(org, visitor, name, parameters)?;
    let extensions: Vec<String> = page
        .root
        .attribute("extensions")
        .unwrap_or_default()
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let (Some(object), false) = (page.object.clone(), extensions.is_empty()) else {
        return Renderer::new(&page, &mut |_| Ok(None)).document();
    };
    let call = PageCall {
        extensions,
        address: page.address(),
        object,
        id: page.id.clone(),
        fields: page.fields.clone(),
    };
    let asked = org.with_page(visitor.user, &call, |ask| {
        let mut controllers = |name: &str| {
            let value = ask(name).map_err(|words| PageError::new(500, words))?;
            Ok(value.map(|value| match value {
                PageValue::Null => Worth::Null,
                PageValue::Boolean(boolean) => Worth::Boolean(boolean),
                PageValue::Text(text) => Worth::Text(text),
            }))
        };
        Renderer::new(&page, &mut controllers).document()
    });
    asked.map_err(|error| refused(&error))?
}

/// Source: Salesforce Help, Set Visualforce Page Security; Apex Developer Guide, Apex Class Access: classes of methods
/// that a page's controllers use are asked for as well.
fn refused(error: &CallError) -> PageError {
    match error {
        CallError::NoAccess(_) => PageError::insufficient(),
        CallError::Failed(thrown) => {
            let message = format!("{}: {}\n{}", thrown.class, thrown.message, thrown.failure.stack);
            PageError::new(500, message)
        }
        CallError::Arguments(words) => PageError::new(500, words.clone()),
        CallError::Unknown | CallError::Method(_) => {
            PageError::new(500, "The page's controllers do not exist")
        }
    }
}
