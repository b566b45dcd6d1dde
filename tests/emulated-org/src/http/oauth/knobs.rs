//! Knobs that do for other processes what an administrator does in Setup. None of this exists in Salesforce.
//!
//! | Route | Method | Body | Effect |
//! |---|---|---|---|
//! | `/emulator/apps` | POST | `{"consumerKey", "name"?, "consumerSecret"?, "certificate"?, "callbackUrls"?, "scopes"?, "permittedUsers"?, "requiresPkce"?, "refreshTokens"?, "sessionTimeoutSeconds"?, "clientCredentials"?: {"runAs"?}, "isInstalled"?, "introspectsAllTokens"?}` | registers an app, or replaces the one with its key. `certificate` is PEM, or a public key; `permittedUsers` is `"selfAuthorize"` (the default), `"allPreAuthorized"` or `{"adminApproved": {"profiles"?: [name or id], "permissionSets"?: […]}}`; `refreshTokens` is `{"rotates"?, "expires"?}`, where `expires` is `"never"`, `"immediately"`, `{"unusedSeconds"}` or `{"afterSeconds"}` |
//! | `/emulator/apps` | GET | | `[{"consumerKey", "name"}]` |
//! | `/emulator/users/password` | POST | `{"username", "password"}` | gives a user a password for the login page |
//! | `/emulator/users/frozen` | POST | `{"username", "frozen"}` | freezes a user, or thaws it |

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::app::{App, Approval, IDLE_REFRESH_TOKEN, RefreshTokenLifetime, RefreshTokenPolicy};
use crate::http::ApiError;
use crate::http::body::JsonBody;
use crate::http::control::parse;
use crate::org::Org;

pub(super) fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(
            web::resource("/emulator/apps")
                .route(web::post().to(register))
                .route(web::get().to(list)),
        )
        .route("/emulator/users/password", web::post().to(set_password))
        .route("/emulator/users/frozen", web::post().to(freeze));
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AppFields {
    consumer_key: String,
    name: Option<String>,
    consumer_secret: Option<String>,
    certificate: Option<String>,
    #[serde(default)]
    callback_urls: Vec<String>,
    scopes: Option<Vec<String>>,
    #[serde(default)]
    permitted_users: PermittedUsers,
    requires_pkce: Option<bool>,
    refresh_tokens: Option<RefreshTokens>,
    session_timeout_seconds: Option<u64>,
    client_credentials: Option<ClientCredentials>,
    is_installed: Option<bool>,
    #[serde(default)]
    introspects_all_tokens: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum PermittedUsers {
    #[default]
    SelfAuthorize,
    AllPreAuthorized,
    AdminApproved(AdminApproved),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdminApproved {
    #[serde(default)]
    profiles: BTreeSet<String>,
    #[serde(default)]
    permission_sets: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RefreshTokens {
    rotates: Option<bool>,
    expires: Option<Expires>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Expires {
    Never,
    Immediately,
    UnusedSeconds(u64),
    AfterSeconds(u64),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ClientCredentials {
    run_as: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    username: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frozen {
    username: String,
    frozen: bool,
}

impl From<AppFields> for App {
    fn from(fields: AppFields) -> Self {
        let plain = Self::web(fields.consumer_key, fields.callback_urls);
        Self {
            name: fields.name.unwrap_or_else(|| plain.name.clone()),
            consumer_secret: fields.consumer_secret.filter(|secret| !secret.is_empty()),
            certificate_pem_or_public_key_pem: fields.certificate,
            scopes: fields.scopes.unwrap_or_else(|| plain.scopes.clone()),
            approval: match fields.permitted_users {
                PermittedUsers::SelfAuthorize => Approval::SelfAuthorized(BTreeSet::new()),
                PermittedUsers::AllPreAuthorized => Approval::PreAuthorized,
                PermittedUsers::AdminApproved(approved) => Approval::AdminApproved {
                    profiles: approved.profiles,
                    permission_sets: approved.permission_sets,
                },
            },
            requires_pkce: fields.requires_pkce.unwrap_or(plain.requires_pkce),
            refresh_tokens: fields.refresh_tokens.map(Into::into).unwrap_or_default(),
            session_timeout: fields.session_timeout_seconds.map(Duration::from_secs),
            client_credentials: fields.client_credentials.is_some(),
            run_as: fields.client_credentials.and_then(|flow| flow.run_as),
            is_installed: fields.is_installed.unwrap_or(plain.is_installed),
            introspects_all_tokens: fields.introspects_all_tokens,
            ..plain
        }
    }
}

impl From<RefreshTokens> for RefreshTokenPolicy {
    fn from(fields: RefreshTokens) -> Self {
        Self {
            rotates: fields.rotates.unwrap_or(true),
            lifetime: match fields.expires {
                None => RefreshTokenLifetime::Unused(IDLE_REFRESH_TOKEN),
                Some(Expires::Never) => RefreshTokenLifetime::UntilRevoked,
                Some(Expires::Immediately) => RefreshTokenLifetime::None,
                Some(Expires::UnusedSeconds(seconds)) => {
                    RefreshTokenLifetime::Unused(Duration::from_secs(seconds))
                }
                Some(Expires::AfterSeconds(seconds)) => {
                    RefreshTokenLifetime::After(Duration::from_secs(seconds))
                }
            },
        }
    }
}

async fn register(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let fields: AppFields = parse(&body)?;
    org.register_app(fields.into())
        .map_err(|error| ApiError::json_parser(error.to_string()))?;
    Ok(HttpResponse::NoContent().finish())
}

async fn list(org: web::Data<Org>) -> HttpResponse {
    let apps: Vec<Json> = org
        .registered_apps()
        .iter()
        .map(|app| json!({ "consumerKey": app.consumer_key, "name": app.name }))
        .collect();
    HttpResponse::Ok().json(apps)
}

async fn set_password(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let fields: Password = parse(&body)?;
    let user = known_user(&org, &fields.username)?;
    org.logins.set_password(user, fields.password);
    Ok(HttpResponse::NoContent().finish())
}

async fn freeze(org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    let fields: Frozen = parse(&body)?;
    let user = known_user(&org, &fields.username)?;
    org.freeze(user, fields.frozen);
    Ok(HttpResponse::NoContent().finish())
}

fn known_user(org: &Org, username: &str) -> Result<crate::RecordId, ApiError> {
    org.user_named(username)
        .map(|user| user.id)
        .ok_or_else(|| ApiError::json_parser(format!("{username} is nobody's username")))
}
