//! The JWT bearer flow.
//!
//! Source: Salesforce Help, OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration; RFC 7523.

use std::sync::Arc;

use actix_web::HttpResponse;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value as Json};

use super::approval::Standing;
use super::host::Host;
use super::token::{Asked, Granted};
use super::{OAuthError, client, refuse};
use crate::app::App;
use crate::id::RecordId;
use crate::org::Org;

pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How far ahead `exp` may lie in lint mode: what the documentation asks for.
const LINT_CEILING: TimeDelta = TimeDelta::minutes(3);

pub(super) fn exchange(asked: &Asked<'_>) -> Result<HttpResponse, OAuthError> {
    let Asked { org, host, form, .. } = asked;
    let assertion = form
        .get("assertion")
        .ok_or_else(|| refuse("invalid_grant", "invalid assertion"))?;
    let (app, claims) = verified(org, assertion)?;
    check_expiry(&claims, org.clock.now(), org.switches().lint_jwt_expiry)?;
    check_audience(org, host, &claims)?;
    let username = claims
        .get("sub")
        .or_else(|| claims.get("prn"))
        .and_then(Json::as_str)
        .unwrap_or_default();
    let (user, scopes) = approved_user(org, host, &app, username)?;
    asked.give(Granted {
        app: &app,
        user,
        scopes,
        grant: None,
        refresh_token: None,
        nonce: None,
        is_signed: false,
    })
}

/// The app that the assertion names, and the claims that the app's key has signed.
fn verified(org: &Org, assertion: &str) -> Result<(Arc<App>, Map<String, Json>), OAuthError> {
    let invalid = || refuse("invalid_grant", "invalid assertion");
    let unverified: Map<String, Json> =
        jsonwebtoken::dangerous::insecure_decode_claims(assertion).map_err(|_malformed| invalid())?;
    let issuer = unverified.get("iss").and_then(Json::as_str).unwrap_or_default();
    let (app, key) = org.app(issuer).ok_or_else(|| client::unknown(org))?;
    let key = key.ok_or_else(invalid)?;
    let mut validation = Validation::new(Algorithm::RS256);
    // Expiry and audience follow Salesforce's own rules, below.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Map<String, Json>>(assertion, &key, &validation)
        .map_err(|_forged| invalid())?
        .claims;
    Ok((app, claims))
}

/// `exp` may be a number or text, and lie as far ahead as it likes: real clients send milliseconds.
fn check_expiry(claims: &Map<String, Json>, now: DateTime<Utc>, lint: bool) -> Result<(), OAuthError> {
    let expired = || refuse("invalid_grant", "expired authorization code");
    let seconds: i64 = match claims.get("exp") {
        Some(Json::Number(number)) => number
            .to_string()
            .split('.')
            .next()
            .and_then(|whole| whole.parse().ok()),
        Some(Json::String(text)) => text.trim().parse().ok(),
        _ => None,
    }
    .ok_or_else(|| refuse("invalid_grant", "invalid assertion"))?;
    let left = seconds.saturating_sub(now.timestamp());
    if left <= 0 || (lint && left > LINT_CEILING.num_seconds()) {
        return Err(expired());
    }
    Ok(())
}

fn check_audience(org: &Org, host: &Host, claims: &Map<String, Json>) -> Result<(), OAuthError> {
    let audience = claims.get("aud").and_then(Json::as_str).unwrap_or_default();
    let audience = audience.strip_suffix('/').unwrap_or(audience);
    if host.takes_audience(org, audience) {
        return Ok(());
    }
    Err(refuse("invalid_grant", "audience is invalid"))
}

fn approved_user(
    org: &Org,
    host: &Host,
    app: &App,
    username: &str,
) -> Result<(RecordId, Vec<String>), OAuthError> {
    let unapproved = || refuse("invalid_grant", "user hasn't approved this consumer");
    let user = org.user_named(username).filter(|_| host.serves(org));
    let user = user.ok_or_else(unapproved)?;
    let standing = Standing::of(org, app, user.id);
    let is_own_approval = matches!(standing, Standing::SelfApproved(_));
    let mut scopes = standing.scopes(app)?;
    let offline = |scope: &String| scope == "refresh_token" || scope == "offline_access";
    // A user's own approval counts here only if it was for refresh_token too.
    if is_own_approval && !scopes.iter().any(offline) {
        return Err(unapproved());
    }
    scopes.retain(|scope| !offline(scope));
    // An approval of nothing but refresh_token gives access to nothing.
    if scopes.is_empty() {
        return Err(unapproved());
    }
    org.may_log_in(user.id)?;
    Ok((user.id, scopes))
}
