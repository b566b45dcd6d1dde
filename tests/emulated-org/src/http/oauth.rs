//! The token endpoint: JWT bearer grant, revocation.
//!
//! Source: Salesforce Help, OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration, and OAuth 2.0 Error
//! Codes; RFC 7523. Error texts are observed, not documented.

use actix_web::{HttpResponse, ResponseError, web};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, Validation};
use serde_json::{Map, Value as Json, json};
use url::form_urlencoded;

use crate::app::{App, Approval};
use crate::id::RecordId;
use crate::org::Org;
use crate::tokens::Session;
use crate::value::Value;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LOGIN_HOSTS: [&str; 2] = ["https://login.salesforce.com", "https://test.salesforce.com"];
/// How far ahead `exp` may lie in lint mode: what the documentation asks for.
const LINT_CEILING: TimeDelta = TimeDelta::minutes(3);

/// Adds the routes.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(web::resource("/services/oauth2/token").route(web::post().to(token)))
        .service(
            web::resource("/services/oauth2/revoke")
                .route(web::post().to(revoke_by_body))
                .route(web::get().to(revoke_by_parameters)),
        );
}

/// An error of the token endpoint: status 400, `error` and `error_description`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {description}")]
pub struct OAuthError {
    error: &'static str,
    description: &'static str,
}

impl ResponseError for OAuthError {
    fn error_response(&self) -> HttpResponse {
        HttpResponse::BadRequest().json(json!({ "error": self.error, "error_description": self.description }))
    }
}

async fn token(org: web::Data<Org>, body: web::Bytes) -> Result<HttpResponse, OAuthError> {
    let form: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
    let parameter = |name: &str| {
        form.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    match parameter("grant_type") {
        Some(JWT_BEARER) => {}
        _ => return Err(refuse("unsupported_grant_type", "grant type not supported")),
    }
    let assertion = parameter("assertion").ok_or_else(|| refuse("invalid_grant", "invalid assertion"))?;
    let now = org.clock.now();
    let (app, claims) = verified(&org, assertion)?;
    check_expiry(&claims, now, org.switches.lint_jwt_expiry)?;
    check_audience(&org, &claims)?;
    let username = claims
        .get("sub")
        .or_else(|| claims.get("prn"))
        .and_then(Json::as_str)
        .unwrap_or_default();
    let user = approved_user(&org, &app, username)?;
    let session = Session {
        user,
        app: app.consumer_key.clone(),
        scopes: app.scopes.clone(),
    };
    let token = org.tokens.issue(org.id, session, now);
    Ok(HttpResponse::Ok().insert_header(("Cache-Control", "no-cache, no-store")).json(json!({
        "access_token": token,
        "scope": app.scopes.iter().filter(|scope| *scope != "refresh_token").cloned().collect::<Vec<_>>().join(" "),
        "instance_url": org.url(),
        "id": format!("{}/id/{}/{user}", org.url(), org.id),
        "token_type": "Bearer",
    })))
}

/// The app that the assertion names, and the claims that the app's key has signed.
fn verified(org: &Org, assertion: &str) -> Result<(std::sync::Arc<App>, Map<String, Json>), OAuthError> {
    let invalid = || refuse("invalid_grant", "invalid assertion");
    let unverified: Map<String, Json> =
        jsonwebtoken::dangerous::insecure_decode_claims(assertion).map_err(|_malformed| invalid())?;
    let issuer = unverified.get("iss").and_then(Json::as_str).unwrap_or_default();
    let (app, key) = org
        .app(issuer)
        .ok_or_else(|| refuse("invalid_client_id", "client identifier invalid"))?;
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

fn check_audience(org: &Org, claims: &Map<String, Json>) -> Result<(), OAuthError> {
    let audience = claims.get("aud").and_then(Json::as_str).unwrap_or_default();
    let audience = audience.strip_suffix('/').unwrap_or(audience);
    let own = org.origins();
    if LOGIN_HOSTS.contains(&audience) || own.iter().any(|origin| origin == audience) {
        return Ok(());
    }
    Err(refuse("invalid_grant", "audience is invalid"))
}

fn approved_user(org: &Org, app: &App, username: &str) -> Result<RecordId, OAuthError> {
    let unapproved = || refuse("invalid_grant", "user hasn't approved this consumer");
    let user = org.user_named(username).ok_or_else(unapproved)?;
    let username = username.to_lowercase();
    match &app.approval {
        Approval::PreAuthorized => {}
        Approval::PreAuthorizedFor(users) if users.contains(&username) => {}
        Approval::PreAuthorizedFor(_) => {
            return Err(refuse(
                "invalid_app_access",
                "user is not admin approved to access this app",
            ));
        }
        Approval::SelfAuthorized(users) if users.contains(&username) => {}
        Approval::SelfAuthorized(_) => return Err(unapproved()),
    }
    // An approval of nothing but refresh_token gives access to nothing.
    if app.scopes.iter().all(|scope| scope == "refresh_token") {
        return Err(unapproved());
    }
    if !user.is_active {
        return Err(refuse("inactive_user", "user is inactive"));
    }
    if org.is_frozen(user.id) {
        return Err(refuse("invalid_grant", "user is locked"));
    }
    Ok(user.id)
}

async fn revoke_by_body(org: web::Data<Org>, body: web::Bytes) -> Result<HttpResponse, OAuthError> {
    revoke(&org, &body)
}

async fn revoke_by_parameters(
    org: web::Data<Org>,
    request: actix_web::HttpRequest,
) -> Result<HttpResponse, OAuthError> {
    revoke(&org, request.query_string().as_bytes())
}

fn revoke(org: &Org, form: &[u8]) -> Result<HttpResponse, OAuthError> {
    let token = form_urlencoded::parse(form)
        .find(|(name, _)| name == "token")
        .map(|(_, token)| token);
    let token = token.ok_or_else(|| refuse("invalid_request", "token is missing"))?;
    if org.tokens.revoke(&token) {
        Ok(HttpResponse::Ok().finish())
    } else {
        Err(refuse("invalid_token", "invalid token"))
    }
}

fn refuse(error: &'static str, description: &'static str) -> OAuthError {
    OAuthError { error, description }
}

/// What the token endpoint needs to know of a user.
pub(crate) struct KnownUser {
    pub id: RecordId,
    pub is_active: bool,
}

impl Org {
    /// The user with this username, in any case.
    pub(crate) fn user_named(&self, username: &str) -> Option<KnownUser> {
        let data = self.read();
        let users = data.table("User")?;
        let (name, _) = users.object.field("Username")?;
        let id = *users.holders(name, &Value::text(username)).first()?;
        drop(data);
        Some(KnownUser {
            id,
            is_active: self.is_active(id),
        })
    }

    /// Whether a user exists and is active.
    pub(crate) fn is_active(&self, user: RecordId) -> bool {
        let data = self.read();
        let active = data.table("User").and_then(|users| {
            let (active, _) = users.object.field("IsActive")?;
            Some(users.get(&user)?.get(active) == &Value::Boolean(true))
        });
        active.unwrap_or(false)
    }
}
