//! Revocation.
//!
//! Source: Salesforce Help, Revoke OAuth Tokens: an access token ends alone, a refresh token with all access tokens
//! that hang on it.

use actix_web::{HttpRequest, HttpResponse, web};

use super::form::Form;
use super::{OAuthError, refuse};
use crate::org::Org;

pub(super) async fn by_body(org: web::Data<Org>, body: web::Bytes) -> Result<HttpResponse, OAuthError> {
    revoke(&org, &Form::parse(&body))
}

pub(super) async fn by_parameters(
    org: web::Data<Org>,
    request: HttpRequest,
) -> Result<HttpResponse, OAuthError> {
    revoke(&org, &Form::parse(request.query_string().as_bytes()))
}

fn revoke(org: &Org, form: &Form) -> Result<HttpResponse, OAuthError> {
    let token = form
        .get("token")
        .ok_or_else(|| refuse("invalid_request", "token is missing"))?;
    if org.tokens.revoke(token) {
        return Ok(HttpResponse::Ok().finish());
    }
    match org.grants.revoke(token) {
        Some(grant) => {
            org.tokens.revoke_grant(grant);
            Ok(HttpResponse::Ok().finish())
        }
        None => Err(refuse("invalid_token", "invalid token")),
    }
}
