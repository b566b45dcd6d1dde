//! The token endpoint: one route for all grant types, and the answer that they share.

use actix_web::{HttpRequest, HttpResponse, web};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value as Json, json};

use super::form::Form;
use super::host::Host;
use super::{NEVER_STORED, OAuthError, client_credentials, jwt_bearer, refresh, refuse, web_server};
use crate::app::App;
use crate::id::RecordId;
use crate::org::Org;
use crate::tokens::{GrantId, Lease, Session};

/// How long an identity token is good for.
const ID_TOKEN_SECONDS: i64 = 120;

pub(super) async fn answer(
    org: web::Data<Org>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let form = Form::parse(&body);
    let asked = Asked {
        org: &org,
        host: Host::of_request(&org, &request),
        headers: request.headers(),
        form: &form,
    };
    match form.get("grant_type") {
        Some("authorization_code") => web_server::exchange(&asked),
        Some("refresh_token") => refresh::exchange(&asked),
        Some("client_credentials") => client_credentials::exchange(&asked),
        Some(jwt_bearer::GRANT_TYPE) => jwt_bearer::exchange(&asked),
        // New organisations block the username-password flow, and external client apps cannot have it at all
        // (Salesforce Help, Block Authorization Flows to Improve Security). A blocked flow is answered like a
        // wrong password.
        Some("password") => Err(refuse("invalid_grant", "authentication failure")),
        _ => Err(refuse("unsupported_grant_type", "grant type not supported")),
    }
}

/// A request for a token.
pub(super) struct Asked<'a> {
    pub org: &'a Org,
    pub host: Host,
    pub headers: &'a actix_web::http::header::HeaderMap,
    pub form: &'a Form,
}

/// What a token is given for.
pub(super) struct Granted<'a> {
    pub app: &'a App,
    pub user: RecordId,
    /// What the token may do, and what the answer says of it.
    pub scopes: Vec<String>,
    pub grant: Option<GrantId>,
    /// A refresh token to tell the client.
    pub refresh_token: Option<String>,
    pub nonce: Option<String>,
    /// Whether the answer carries a signature and the moment of issue.
    pub is_signed: bool,
}

impl Asked<'_> {
    /// Opens a session and tells the client of it.
    pub(super) fn give(&self, granted: Granted<'_>) -> Result<HttpResponse, OAuthError> {
        let Self { org, host, .. } = self;
        let now = org.clock.now();
        let session = Session {
            user: granted.user,
            app: granted.app.consumer_key.clone(),
            scopes: granted.scopes.clone(),
        };
        let lease = Lease {
            timeout: granted.app.session_timeout,
            grant: granted.grant,
        };
        let token = org.tokens.issue_under(org.id, session, lease, now);
        let identity = format!("{}/id/{}/{}", host.origin(), org.id, granted.user);
        let issued_at = now.timestamp_millis().to_string();
        let has_openid = granted.scopes.iter().any(|scope| scope == "openid");

        let mut answer = Map::new();
        let mut add = |name: &str, value: String| answer.insert(name.to_owned(), Json::String(value));
        add("access_token", token.clone());
        if let Some(refresh_token) = granted.refresh_token {
            add("refresh_token", refresh_token);
        }
        if granted.is_signed {
            // Salesforce Help, OAuth 2.0 Web Server Flow: an HMAC over the identity URL and the moment of issue.
            let secret = granted.app.consumer_secret.as_deref().unwrap_or_default();
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let signature = hmac::sign(&key, format!("{identity}{issued_at}").as_bytes());
            add("signature", STANDARD.encode(signature));
        }
        add("scope", granted.scopes.join(" "));
        if has_openid && granted.is_signed {
            let hash = digest::digest(&digest::SHA256, token.as_bytes());
            let half = hash.as_ref().get(..16).unwrap_or_default();
            let mut claims = json!({
                "at_hash": URL_SAFE_NO_PAD.encode(half),
                "sub": identity,
                "aud": granted.app.consumer_key,
                "iss": host.origin(),
                "iat": now.timestamp(),
                "exp": now.timestamp() + ID_TOKEN_SECONDS,
            });
            if let (Some(claims), Some(nonce)) = (claims.as_object_mut(), granted.nonce) {
                claims.insert("nonce".to_owned(), Json::String(nonce));
            }
            let signed = org.signing_key.sign(&claims);
            add(
                "id_token",
                signed.ok_or_else(|| refuse("unknown_error", "generic processing error"))?,
            );
        }
        add("instance_url", org.instance_url().to_owned());
        add("id", identity);
        add("token_type", "Bearer".to_owned());
        if granted.is_signed {
            add("issued_at", issued_at);
        }
        Ok(HttpResponse::Ok().insert_header(NEVER_STORED).json(answer))
    }
}
