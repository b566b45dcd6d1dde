//! The OAuth 2.0 endpoints, `/services/oauth2/*`, and what OpenID Connect puts beside them.
//!
//! Source: Salesforce Help, OAuth Authorization Flows and OAuth 2.0 Authorization Errors; RFC 6749, 7009, 7523, 7636
//! and 7662. Error texts are those that public bug reports and clients' own tests quote; the ones that nobody quotes
//! are marked as believed where they stand.

mod approval;
mod authorize;
mod client;
mod client_credentials;
mod discovery;
mod form;
mod host;
mod introspect;
mod jwt_bearer;
mod knobs;
mod pages;
mod refresh;
mod request;
mod revoke;
mod token;
mod user;
mod web_server;

use actix_web::{HttpResponse, ResponseError, web};
use serde_json::json;

pub(crate) use authorize::{browser_of, end_browser, session_cookie};
pub(crate) use form::Form;
pub(crate) use host::Host;
pub(crate) use pages::Escaped;

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/services/oauth2/authorize")
                .route(web::get().to(authorize::show))
                .route(web::post().to(authorize::submit)),
        )
        .service(web::resource("/services/oauth2/token").route(web::post().to(token::answer)))
        .service(web::resource("/services/oauth2/introspect").route(web::post().to(introspect::answer)))
        .service(
            web::resource("/services/oauth2/revoke")
                .route(web::post().to(revoke::by_body))
                .route(web::get().to(revoke::by_parameters)),
        )
        .route(
            "/.well-known/openid-configuration",
            web::get().to(discovery::configuration),
        )
        .route("/id/keys", web::get().to(discovery::keys))
        .configure(knobs::configure);
}

/// An error of the OAuth endpoints: status 400, `error` and `error_description`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthError {
    error: &'static str,
    description: &'static str,
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> actix_web::http::StatusCode {
        actix_web::http::StatusCode::BAD_REQUEST
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::BadRequest()
            .insert_header(NEVER_STORED)
            .json(json!({ "error": self.error, "error_description": self.description }))
    }
}

fn refuse(error: &'static str, description: &'static str) -> OAuthError {
    OAuthError { error, description }
}

/// What no cache may keep: answers with tokens, and the errors in their place.
pub(crate) const NEVER_STORED: (&str, &str) = ("Cache-Control", "no-cache, no-store");
