//! The client credentials flow.
//!
//! Source: Salesforce Help, OAuth 2.0 Client Credentials Flow for Server-to-Server Integration. The texts are those
//! that users of the flow report.

use actix_web::HttpResponse;

use super::host::Kind;
use super::token::{Asked, Granted};
use super::{OAuthError, client, refuse};

pub(super) fn exchange(asked: &Asked<'_>) -> Result<HttpResponse, OAuthError> {
    let Asked {
        org,
        host,
        headers,
        form,
    } = asked;
    if host.kind != Kind::Instance && !org.switches().client_credentials_on_login_hosts {
        return Err(refuse("invalid_grant", "request not supported on this domain"));
    }
    let app = client::authenticated(org, headers, form)?;
    // The secret is all the proof there is.
    if app.consumer_secret.is_none() {
        return Err(refuse("invalid_client", "invalid client credentials"));
    }
    if !app.client_credentials {
        return Err(refuse("invalid_grant", "client credentials flow not enabled"));
    }
    let user = app
        .run_as
        .as_deref()
        // The user is a policy, and an app that is not installed has none.
        .filter(|_| app.is_installed)
        .and_then(|username| org.user_named(username))
        .ok_or_else(|| refuse("invalid_grant", "no client credentials user enabled"))?;
    org.may_log_in(user.id)?;
    let mut scopes = app.scopes.clone();
    // There is no user to come back for, so there is no refresh token.
    scopes.retain(|scope| scope != "refresh_token" && scope != "offline_access");
    asked.give(Granted {
        app: &app,
        user: user.id,
        scopes,
        grant: None,
        refresh_token: None,
        nonce: None,
        is_signed: true,
    })
}
