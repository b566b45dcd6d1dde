//! The second half of the web server flow: a code becomes a session.
//!
//! Source: Salesforce Help, OAuth 2.0 Web Server Flow for Web App Integration; RFC 7636.

use actix_web::HttpResponse;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::form::same;
use super::token::{Asked, Granted};
use super::{OAuthError, client, refuse};
use crate::app::RefreshTokenLifetime;
use crate::org::Org;
use crate::tokens::codes::CodeRefused;

pub(super) fn exchange(asked: &Asked<'_>) -> Result<HttpResponse, OAuthError> {
    let Asked {
        org, headers, form, ..
    } = asked;
    let app = client::authenticated(org, headers, form)?;
    let now = org.clock.now();
    let code = form.get("code").unwrap_or_default();
    let authorized = org
        .codes
        .redeem(code, &app.consumer_key, now)
        .map_err(|refused| match refused {
            CodeRefused::Unknown => refuse("invalid_grant", "invalid authorization code"),
            CodeRefused::Expired => refuse("invalid_grant", "expired authorization code"),
        })?;
    if form.get("redirect_uri") != Some(authorized.redirect_uri.as_str()) {
        return Err(refuse(
            "redirect_uri_mismatch",
            "redirect_uri must match configuration",
        ));
    }
    let verifier = form.get("code_verifier");
    let is_proven = match (&authorized.challenge, verifier) {
        (Some(challenge), Some(verifier)) => {
            is_verifier(org, verifier) && same(&challenge_of(verifier), challenge)
        }
        (None, None) => true,
        // A verifier without a challenge shows that somebody took the challenge out on the way (RFC 9700).
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !is_proven {
        return Err(refuse("invalid_grant", "invalid code verifier"));
    }
    org.may_log_in(authorized.user)?;
    let is_offline = authorized
        .scopes
        .iter()
        .any(|scope| scope == "refresh_token" || scope == "offline_access");
    let granted = (is_offline && app.refresh_tokens.lifetime != RefreshTokenLifetime::None).then(|| {
        let scopes = authorized.scopes.clone();
        org.grants.begin(&app.consumer_key, authorized.user, scopes, now)
    });
    let (grant, refresh_token) = granted.unzip();
    asked.give(Granted {
        app: &app,
        user: authorized.user,
        scopes: authorized.scopes,
        grant,
        refresh_token,
        nonce: authorized.nonce,
        is_signed: true,
    })
}

/// Whether it could be a verifier at all: at least 43 unreserved characters (RFC 7636, section 4.1), and no more than
/// 128 random bytes become in base64url.
fn is_verifier(org: &Org, text: &str) -> bool {
    const MOST: usize = 171;
    const MOST_BY_STANDARD: usize = 128;
    let most = match org.switches().lint_code_verifier {
        true => MOST_BY_STANDARD,
        false => MOST,
    };
    (43..=most).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
