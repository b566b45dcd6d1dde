//! Which app a request comes from, and its proof.

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use super::form::{Form, same};
use super::{OAuthError, refuse};
use crate::app::App;
use crate::org::Org;

/// The app of a request, by `client_id` and `client_secret` in the body or by HTTP Basic.
///
/// A confidential client must send its secret, and a public one must not send any (Salesforce's security
/// requirements for partner apps, in force since May 2026).
pub(super) fn authenticated(org: &Org, headers: &HeaderMap, form: &Form) -> Result<Arc<App>, OAuthError> {
    let (id, secret) = credentials(org, headers, form)?;
    let (app, _) = org.app(&id).ok_or_else(|| unknown(org))?;
    let is_proven = match (&app.consumer_secret, &secret) {
        (Some(known), Some(sent)) => same(known, sent),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if is_proven {
        Ok(app)
    } else {
        Err(refuse("invalid_client", "invalid client credentials"))
    }
}

pub(super) fn unknown(org: &Org) -> OAuthError {
    if org.switches().unknown_apps_as_invalid_client {
        return refuse("invalid_client", "invalid client credentials");
    }
    refuse("invalid_client_id", "client identifier invalid")
}

fn credentials(org: &Org, headers: &HeaderMap, form: &Form) -> Result<(String, Option<String>), OAuthError> {
    if let Some(id) = form.get("client_id") {
        return Ok((id.to_owned(), form.get("client_secret").map(str::to_owned)));
    }
    let basic = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"))
        .and_then(|(_, encoded)| STANDARD.decode(encoded.trim()).ok())
        .and_then(|decoded| String::from_utf8(decoded).ok())
        .ok_or_else(|| unknown(org))?;
    let (id, secret) = basic.split_once(':').ok_or_else(|| unknown(org))?;
    let secret = decoded(secret);
    Ok((decoded(id), Some(secret).filter(|secret| !secret.is_empty())))
}

/// Ids and secrets are form-encoded before they become Basic credentials (RFC 6749, section 2.3.1).
fn decoded(text: &str) -> String {
    // A plus or ampersand that a client did not encode is meant as one: keys are made of such characters.
    let text = text.replace('+', "%2B").replace('&', "%26");
    form_urlencoded::parse(format!("v={text}").as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}
