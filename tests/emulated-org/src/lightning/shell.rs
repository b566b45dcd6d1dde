//! The bundle that draws the pages: one document for every address, and its files.

use std::path::{Component, Path, PathBuf};

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::PageError;
use super::login::redirect_to_login;
use super::trusted_urls::{Directive, trusted};
use crate::http::{NEVER_STORED, browser_of};
use crate::org::Org;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .route("/lightning/assets/{file:.+}", web::get().to(asset))
        .route("/lightning/data/{path:.*}", web::to(unknown))
        .route("/lightning", web::get().to(document))
        .route("/lightning/{path:.*}", web::get().to(document));
}

/// An address of data that leads nowhere is no page.
async fn unknown() -> Result<HttpResponse, PageError> {
    Err(PageError::not_found())
}

async fn document(org: web::Data<Org>, request: HttpRequest) -> Result<HttpResponse, PageError> {
    org.catch_up();
    if browser_of(&org, &request).is_none() {
        return Ok(redirect_to_login(&request));
    }
    let Some(folder) = org.lightning.bundle() else {
        return Ok(not_built());
    };
    let path = folder.join("index.html");
    let document = std::fs::read_to_string(&path)
        .map_err(|error| PageError::new(500, format!("{}: {error}", path.display())))?;
    Ok(HttpResponse::Ok()
        .content_type("text/html;charset=utf-8")
        .insert_header(("Content-Security-Policy", policy(&org)))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("X-Frame-Options", "SAMEORIGIN"))
        .insert_header(("Referrer-Policy", "origin-when-cross-origin"))
        .insert_header(NEVER_STORED)
        .body(document))
}

/// What pages of the app may load: as Lightning's policy, with the Trusted URLs of Setup.
///
/// Source: Lightning Web Components Developer Guide, Content Security Policy Overview; Salesforce Help, Manage Trusted
/// URLs.
fn policy(org: &Org) -> String {
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:{}; font-src \
         'self'{}; media-src 'self'{}; frame-src 'self'{}; connect-src 'self'{}; object-src 'none'; base-uri 'none'; \
         frame-ancestors 'self'",
        trusted(org, Directive::Img, "LEX"),
        trusted(org, Directive::Font, "LEX"),
        trusted(org, Directive::Media, "LEX"),
        trusted(org, Directive::Frame, "LEX"),
        trusted(org, Directive::Connect, "LEX"),
    )
}

const NOT_BUILT: &str = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Lightning pages</title></head>\
                         <body><main><h1>The Lightning pages are not built</h1><p>This organization runs, but the pages \
                         of its app were not built, which needs Node. Run <code>scripts/lightning-pages</code> and start \
                         the organization again with <code>--lightning</code> and the folder that it names.</p></main>\
                         </body></html>";

fn not_built() -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .content_type("text/html;charset=utf-8")
        .insert_header((
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'self'",
        ))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(NOT_BUILT)
}

async fn asset(
    org: web::Data<Org>,
    request: HttpRequest,
    file: web::Path<String>,
) -> Result<HttpResponse, PageError> {
    let path = org
        .lightning
        .bundle()
        .and_then(|folder| inside(&folder.join("assets"), &file))
        .ok_or_else(PageError::not_found)?;
    let content = std::fs::read(&path).map_err(|_unreadable| PageError::not_found())?;
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &content)));
    let known = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|one| one.trim().trim_start_matches("W/") == tag)
        });
    if known {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    Ok(HttpResponse::Ok()
        .content_type(media_type(&path))
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(content))
}

/// A file below a folder, by a path that does not climb out of it.
fn inside(folder: &Path, file: &str) -> Option<PathBuf> {
    let relative = Path::new(file);
    let plain = relative
        .components()
        .all(|component| matches!(component, Component::Normal(_)));
    let path = folder.join(relative);
    (plain && path.is_file()).then_some(path)
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("js" | "mjs") => "text/javascript;charset=utf-8",
        Some("css") => "text/css;charset=utf-8",
        Some("html") => "text/html;charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("woff") => "font/woff",
        _ => "application/octet-stream",
    }
}
