//! The refresh token flow.
//!
//! Source: Salesforce Help, OAuth 2.0 Refresh Token Flow for Renewed Sessions, and article 005316711 (rotation).

use actix_web::HttpResponse;

use super::approval::{Standing, not_admin_approved};
use super::token::{Asked, Granted};
use super::{OAuthError, client, refuse};
use crate::tokens::grants::RefreshRefused;

pub(super) fn exchange(asked: &Asked<'_>) -> Result<HttpResponse, OAuthError> {
    let Asked {
        org, headers, form, ..
    } = asked;
    let app = client::authenticated(org, headers, form)?;
    let expired = || refuse("invalid_grant", "expired access/refresh token");
    let token = form.get("refresh_token").ok_or_else(expired)?;
    // Before the token is rotated: who may not log in does not lose the grant.
    if let Some(grant) = org.grants.peek(token) {
        org.may_log_in(grant.user)?;
        if Standing::of(org, &app, grant.user) == Standing::NotAdminApproved {
            return Err(not_admin_approved());
        }
    }
    let policy = app.refresh_tokens;
    let refreshed = org
        .grants
        .refresh(token, &app.consumer_key, policy, org.clock.now());
    let (id, grant) = refreshed.map_err(|refused| {
        if let RefreshRefused::Reused(grant) = refused {
            org.tokens.revoke_grant(grant);
        }
        expired()
    })?;
    asked.give(Granted {
        app: &app,
        user: grant.user,
        refresh_token: policy.rotates.then(|| grant.refresh_token().to_owned()),
        scopes: grant.scopes,
        grant: Some(id),
        nonce: None,
        is_signed: true,
    })
}
