//! Token introspection.
//!
//! Source: Salesforce Help, OpenID Connect Token Introspection; RFC 7662. An app learns of its own tokens alone,
//! unless an administrator lets it introspect all.

use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use serde_json::json;

use super::form::Form;
use super::host::Host;
use super::{NEVER_STORED, OAuthError, client, refuse};
use crate::id::RecordId;
use crate::org::Org;

struct Known {
    user: RecordId,
    app: String,
    scopes: Vec<String>,
    kind: &'static str,
    issued: DateTime<Utc>,
    expires: Option<DateTime<Utc>>,
}

pub(super) async fn answer(
    org: web::Data<Org>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, OAuthError> {
    let form = Form::parse(&body);
    let app = client::authenticated(&org, request.headers(), &form)?;
    // Without a secret anybody could ask in the app's name.
    if app.consumer_secret.is_none() {
        return Err(refuse("invalid_client", "invalid client credentials"));
    }
    let token = form
        .get("token")
        .ok_or_else(|| refuse("invalid_request", "token is missing"))?;
    let known = known(&org, token)
        .filter(|known| known.app == app.consumer_key || app.introspects_all_tokens)
        .filter(|known| org.may_log_in(known.user).is_ok());
    let mut answer = HttpResponse::Ok();
    answer.insert_header(NEVER_STORED);
    let Some(known) = known else {
        return Ok(answer.json(json!({ "active": false })));
    };
    let host = Host::of_request(&org, &request);
    let identity = host.origin();
    let mut body = json!({
        "active": true,
        "scope": known.scopes.join(" "),
        "client_id": known.app,
        "username": org.username(known.user),
        "sub": format!("{identity}/id/{}/{}", org.id, known.user),
        "token_type": known.kind,
        "iat": known.issued.timestamp(),
        "nbf": known.issued.timestamp(),
    });
    if let (Some(body), Some(expires)) = (body.as_object_mut(), known.expires) {
        body.insert("exp".to_owned(), expires.timestamp().into());
    }
    Ok(answer.json(body))
}

fn known(org: &Org, token: &str) -> Option<Known> {
    let now = org.clock.now();
    if let Some(live) = org.tokens.peek(token, now) {
        return Some(Known {
            user: live.session.user,
            app: live.session.app,
            scopes: live.session.scopes,
            kind: "access_token",
            issued: live.issued,
            expires: Some(live.expires),
        });
    }
    let grant = org.grants.peek(token)?;
    let lifetime = org.app(&grant.app)?.0.refresh_tokens.lifetime;
    let expires = grant.ends(lifetime);
    expires.is_none_or(|end| now < end).then_some(Known {
        user: grant.user,
        app: grant.app,
        scopes: grant.scopes,
        kind: "refresh_token",
        issued: grant.begun,
        expires,
    })
}
