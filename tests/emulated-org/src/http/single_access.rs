//! One-time links into the user interface.
//!
//! Source: Salesforce Help, Generate a Frontdoor URL to Bridge into UI Sessions: a token with the scope `web` or
//! `full`, given as a bearer token or as `access_token`, by GET or POST; the answer's shape is what `@salesforce/core`
//! reads, and that an ended token is answered with 403 is what its comment tells. What a token without the scope and
//! a foreign `redirect_uri` are told is believed. There is no user interface behind the link.

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use url::form_urlencoded;

use super::gate::{bearer_token, live_session};
use crate::org::Org;

/// Adds the route.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes.service(
        web::resource("/services/oauth2/singleaccess")
            .route(web::get().to(answer))
            .route(web::post().to(answer)),
    );
}

async fn answer(org: web::Data<Org>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let parameter = |name: &str| {
        form_urlencoded::parse(request.query_string().as_bytes())
            .chain(form_urlencoded::parse(&body))
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.into_owned())
    };
    let given = parameter("access_token");
    let Some(token) = bearer_token(request.headers()).or(given.as_deref()) else {
        return HttpResponse::Forbidden().body("Missing_OAuth_Token");
    };
    let Some(session) = live_session(&org, token) else {
        return HttpResponse::Forbidden().body("Bad_OAuth_Token");
    };
    if !session
        .scopes
        .iter()
        .any(|scope| scope == "web" || scope == "full")
    {
        return HttpResponse::Forbidden()
            .json(json!({ "error": "invalid_scope", "error_description": "the scope web is required" }));
    }
    let start = parameter("redirect_uri").unwrap_or_default();
    let is_path = start.is_empty() || (start.starts_with('/') && !start.starts_with("//"));
    if !is_path {
        return HttpResponse::BadRequest().json(
            json!({ "error": "invalid_request", "error_description": "redirect_uri must be a relative path" }),
        );
    }
    let once: [u8; 48] = std::array::from_fn(|_| rand::random());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("otp", &URL_SAFE_NO_PAD.encode(once));
    if !start.is_empty() {
        query.append_pair("startURL", &start);
    }
    let link = format!("{}/secur/frontdoor.jsp?{}", org.instance_url(), query.finish());
    HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-cache, no-store"))
        .json(json!({ "frontdoor_uri": link }))
}
