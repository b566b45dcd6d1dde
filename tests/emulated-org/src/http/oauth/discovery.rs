//! What OpenID Connect clients learn of the organisation without a session.
//!
//! Source: Salesforce Help, Query for the OpenID Connect Configuration. Only what this organisation can do is
//! listed.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value as Json, json};

use super::host::Host;
use crate::app::KNOWN_SCOPES;
use crate::org::Org;

pub(super) async fn configuration(org: web::Data<Org>, request: HttpRequest) -> HttpResponse {
    let host = Host::of_request(&org, &request);
    let origin = host.origin();
    HttpResponse::Ok().json(json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/services/oauth2/authorize"),
        "token_endpoint": format!("{origin}/services/oauth2/token"),
        "revocation_endpoint": format!("{origin}/services/oauth2/revoke"),
        "userinfo_endpoint": format!("{origin}/services/oauth2/userinfo"),
        "jwks_uri": format!("{origin}/id/keys"),
        "introspection_endpoint": format!("{origin}/services/oauth2/introspect"),
        "scopes_supported": KNOWN_SCOPES,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "display_values_supported": ["page", "popup", "touch"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

pub(super) async fn keys(org: web::Data<Org>) -> HttpResponse {
    let keys: Vec<Json> = org.signing_key.public().into_iter().collect();
    HttpResponse::Ok().json(json!({ "keys": keys }))
}
