//! An authorization request, read and checked; and the ways back to the app.
//!
//! Source: Salesforce Help, OAuth 2.0 Web Server Flow and OAuth 2.0 Authorization Errors. What cannot be sent back
//! safely, because app or callback URL are unknown, is shown as plain text in the form that bug reports quote.

use std::sync::Arc;

use actix_web::HttpResponse;
use url::form_urlencoded;

use super::form::Form;
use super::{NEVER_STORED, OAuthError, client, refuse};
use crate::app::App;
use crate::id::RecordId;
use crate::org::Org;
use crate::tokens::codes::Authorized;

/// What an app asks for on behalf of a user.
pub(super) struct AuthorizationRequest {
    pub app: Arc<App>,
    pub scopes: Vec<String>,
    pub login_hint: Option<String>,
    redirect_uri: String,
    state: Option<String>,
    challenge: Option<String>,
    nonce: Option<String>,
    prompts: Vec<String>,
}

impl AuthorizationRequest {
    /// Reads a request, or answers what went wrong with it.
    pub(super) fn read(org: &Org, query: &Form) -> Result<Self, Box<HttpResponse>> {
        let get = |name: &str| query.get(name).map(str::to_owned);
        let app = get("client_id").and_then(|id| org.app(&id));
        let (app, _) = app.ok_or_else(|| Box::new(shown(&client::unknown(org))))?;
        let redirect_uri = get("redirect_uri")
            .filter(|uri| app.callback_urls.contains(uri))
            .ok_or_else(|| {
                Box::new(shown(&refuse(
                    "redirect_uri_mismatch",
                    "redirect_uri must match configuration",
                )))
            })?;
        let scopes = query.get("scope").map_or_else(
            || app.scopes.clone(),
            |scopes| scopes.split_ascii_whitespace().map(str::to_owned).collect(),
        );
        let request = Self {
            scopes,
            login_hint: get("login_hint"),
            redirect_uri,
            state: get("state"),
            challenge: get("code_challenge"),
            nonce: get("nonce"),
            prompts: query
                .get("prompt")
                .map(|prompts| prompts.split_ascii_whitespace().map(str::to_owned).collect())
                .unwrap_or_default(),
            app,
        };
        match request.fault(query) {
            None => Ok(request),
            Some(error) => Err(Box::new(request.refused(&error))),
        }
    }

    fn fault(&self, query: &Form) -> Option<OAuthError> {
        if query.get("response_type") != Some("code") {
            // The user-agent flow is blocked in new organisations (Salesforce Help, Block Authorization Flows).
            return Some(refuse("unsupported_response_type", "response type not supported"));
        }
        if !self.scopes.iter().all(|scope| self.app.may_have(scope)) {
            return Some(refuse(
                "invalid_scope",
                "the requested scope is invalid, unknown, or malformed",
            ));
        }
        match &self.challenge {
            None if self.app.requires_pkce => {
                Some(refuse("invalid_request", "missing required code challenge"))
            }
            None => None,
            // Without a method it is S256: jsforce sends none. The text is believed.
            Some(challenge)
                if !is_challenge(challenge)
                    || query
                        .get("code_challenge_method")
                        .is_some_and(|method| method != "S256") =>
            {
                Some(refuse("invalid_request", "invalid code challenge"))
            }
            Some(_) => None,
        }
    }

    /// Whether the app asks for this (OpenID Connect Core, section 3.1.2.1).
    pub(super) fn prompts(&self, prompt: &str) -> bool {
        self.prompts.iter().any(|known| known == prompt)
    }

    /// Where forms of this request may lead to in the end, as a source of a content security policy: browsers hold
    /// redirects after a form to it too.
    pub(super) fn form_target(&self) -> String {
        match url::Url::parse(&self.redirect_uri) {
            Ok(url) if url.origin().is_tuple() => url.origin().ascii_serialization(),
            Ok(url) => format!("{}:", url.scheme()),
            Err(_unreachable_after_registration) => String::new(),
        }
    }

    /// Sends the user back with a code.
    pub(super) fn granted(&self, org: &Org, user: RecordId) -> HttpResponse {
        let authorized = Authorized {
            user,
            app: self.app.consumer_key.clone(),
            scopes: self.scopes.clone(),
            redirect_uri: self.redirect_uri.clone(),
            challenge: self.challenge.clone(),
            nonce: self.nonce.clone(),
        };
        let code = org.codes.issue(authorized, org.clock.now());
        self.back(&[("code", code.as_str())])
    }

    /// Sends the user back with an error.
    pub(super) fn refused(&self, error: &OAuthError) -> HttpResponse {
        self.back(&[("error", error.error), ("error_description", error.description)])
    }

    fn back(&self, parameters: &[(&str, &str)]) -> HttpResponse {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = &self.state {
            query.append_pair("state", state);
        }
        let mark = if self.redirect_uri.contains('?') { '&' } else { '?' };
        HttpResponse::Found()
            .insert_header((
                "Location",
                format!("{}{mark}{}", self.redirect_uri, query.finish()),
            ))
            .insert_header(NEVER_STORED)
            .insert_header(("Referrer-Policy", "no-referrer"))
            .finish()
    }
}

/// The base64url form of a SHA-256 hash.
fn is_challenge(text: &str) -> bool {
    text.len() == 43
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn shown(error: &OAuthError) -> HttpResponse {
    let description = error.description.replace(' ', "%20");
    HttpResponse::BadRequest()
        .content_type("text/plain;charset=utf-8")
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(NEVER_STORED)
        .body(format!("error={}&error_description={description}", error.error))
}
