//! Apps that may ask for tokens: what a connected app or external client app is to the OAuth endpoints, with the
//! policies that an administrator sets on it.
//!
//! Source: Salesforce Help, Connected App and External Client App OAuth Settings, and Manage OAuth Access Policies.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use url::Url;

use crate::org::Org;

/// How long an unused refresh token lasts unless the policy says otherwise: what partner apps are held to
/// (Salesforce Help, Limit Idle Refresh Token Time To Live).
pub const IDLE_REFRESH_TOKEN: Duration = Duration::from_hours(30 * 24);

/// Which users are permitted to use an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Any active user, as when an admin approved all profiles.
    PreAuthorized,
    /// Only these users (lower-case usernames), as when an admin approved some profiles.
    PreAuthorizedFor(BTreeSet<String>),
    /// "Admin approved users are pre-authorized": only users with one of these profiles or permission sets.
    AdminApproved {
        /// Names or ids of profiles.
        profiles: BTreeSet<String>,
        /// Names or ids of permission sets.
        permission_sets: BTreeSet<String>,
    },
    /// "All users may self-authorize": users must have approved the app themselves; these have before now
    /// (lower-case usernames).
    SelfAuthorized(BTreeSet<String>),
}

/// When a refresh token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokenLifetime {
    /// "Refresh token is valid until revoked".
    UntilRevoked,
    /// "Immediately expire refresh token".
    None,
    /// "Expire refresh token if not used for" this long.
    Unused(Duration),
    /// "Expire refresh token after" this long.
    After(Duration),
}

/// The refresh token policy of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshTokenPolicy {
    /// Whether every refresh gives a new refresh token and ends the old one.
    pub rotates: bool,
    /// When a refresh token ends.
    pub lifetime: RefreshTokenLifetime,
}

impl Default for RefreshTokenPolicy {
    /// What Salesforce requires of partner apps since May 2026: rotation, and 30 days unused at most.
    fn default() -> Self {
        Self {
            rotates: true,
            lifetime: RefreshTokenLifetime::Unused(IDLE_REFRESH_TOKEN),
        }
    }
}

/// An app to register with [`crate::EmulatedOrg::register_app`].
#[derive(Clone, PartialEq, Eq)]
pub struct App {
    /// The name that people see when they are asked to allow access.
    pub name: String,
    /// The consumer key, which is the client id, and the `iss` of assertions.
    pub consumer_key: String,
    /// The consumer secret; `None` for a public client.
    pub consumer_secret: Option<String>,
    /// The X.509 certificate, or the RSA public key, whose private key signs assertions; PEM. `None` for an app that
    /// uses no digital signatures.
    pub certificate_pem_or_public_key_pem: Option<String>,
    /// Where users come back to after the authorization page; matched exactly.
    pub callback_urls: Vec<String>,
    /// The scopes that tokens may get.
    pub scopes: Vec<String>,
    /// Who may use the app.
    pub approval: Approval,
    /// Whether authorization requests must bring a code challenge.
    pub requires_pkce: bool,
    /// When refresh tokens end.
    pub refresh_tokens: RefreshTokenPolicy,
    /// How long an unused session of this app lasts; `None` for what the organisation says.
    pub session_timeout: Option<Duration>,
    /// Whether the client credentials flow is enabled.
    pub client_credentials: bool,
    /// The username that client credentials run as.
    pub run_as: Option<String>,
    /// Whether the app is installed in the organisation. Nobody may begin to use one that is not (Salesforce Help,
    /// article 005132365).
    pub is_installed: bool,
    /// Whether the app may introspect the tokens of all apps.
    pub introspects_all_tokens: bool,
}

impl App {
    /// An app approved for all users, with the scopes `api` and `refresh_token`.
    pub fn pre_authorized(
        consumer_key: impl Into<String>,
        certificate_or_public_key_pem: impl Into<String>,
    ) -> Self {
        Self {
            certificate_pem_or_public_key_pem: Some(certificate_or_public_key_pem.into()),
            approval: Approval::PreAuthorized,
            ..Self::web(consumer_key, Vec::new())
        }
    }

    /// A public client of the web server flow that users authorise themselves, with the scopes `api` and
    /// `refresh_token`.
    pub fn web(consumer_key: impl Into<String>, callback_urls: Vec<String>) -> Self {
        let consumer_key = consumer_key.into();
        Self {
            name: consumer_key.clone(),
            consumer_key,
            consumer_secret: None,
            certificate_pem_or_public_key_pem: None,
            callback_urls,
            scopes: vec!["api".to_owned(), "refresh_token".to_owned()],
            approval: Approval::SelfAuthorized(BTreeSet::new()),
            requires_pkce: true,
            refresh_tokens: RefreshTokenPolicy::default(),
            session_timeout: None,
            client_credentials: false,
            run_as: None,
            is_installed: true,
            introspects_all_tokens: false,
        }
    }

    /// Whether a token of this app may have the scope. `full` stands for all but `refresh_token`, and
    /// `offline_access` is another name of that (Salesforce Help, OAuth Tokens and Scopes).
    pub(crate) fn may_have(&self, scope: &str) -> bool {
        let has = |name: &str| self.scopes.iter().any(|known| known == name);
        match scope {
            "refresh_token" | "offline_access" => has("refresh_token") || has("offline_access"),
            _ => has(scope) || (has("full") && KNOWN_SCOPES.contains(&scope)),
        }
    }
}

/// The scopes that Salesforce knows and this organisation can give (Salesforce Help, OAuth Tokens and Scopes).
pub(crate) const KNOWN_SCOPES: [&str; 13] = [
    "address",
    "api",
    "chatter_api",
    "custom_permissions",
    "email",
    "full",
    "id",
    "offline_access",
    "openid",
    "phone",
    "profile",
    "refresh_token",
    "web",
];

// By hand, so that no log ever shows a secret.
impl std::fmt::Debug for App {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("App")
            .field("consumer_key", &self.consumer_key)
            .field("scopes", &self.scopes)
            .field("approval", &self.approval)
            .finish_non_exhaustive()
    }
}

/// Why an app could not be registered.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The key is none that verifies RS256.
    #[error(
        "app {consumer_key}: the PEM holds no X.509 certificate with an RSA key and no RSA public key: {source}"
    )]
    Key {
        /// The app.
        consumer_key: String,
        /// What the PEM reader says.
        source: jsonwebtoken::errors::Error,
    },
    /// A callback URL is none that Salesforce takes.
    #[error(
        "app {consumer_key}: callback URL {url:?} must be https, a custom scheme, or http on this machine alone, and have no fragment"
    )]
    CallbackUrl {
        /// The app.
        consumer_key: String,
        /// The URL.
        url: String,
    },
}

/// A registered app and the key of its assertions.
pub(crate) type RegisteredApp = (Arc<App>, Option<DecodingKey>);

impl Org {
    /// Registers an app, or replaces the one with its consumer key.
    ///
    /// # Errors
    /// Its key is no RSA certificate or public key, or a callback URL is none that Salesforce takes.
    pub fn register_app(&self, app: App) -> Result<(), AppError> {
        let key = app.certificate_pem_or_public_key_pem.as_deref().map(|pem| {
            DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|source| AppError::Key {
                consumer_key: app.consumer_key.clone(),
                source,
            })
        });
        let key = key.transpose()?;
        if let Some(url) = app.callback_urls.iter().find(|url| !is_callback(url)) {
            return Err(AppError::CallbackUrl {
                consumer_key: app.consumer_key.clone(),
                url: url.clone(),
            });
        }
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        apps.insert(app.consumer_key.clone(), (Arc::new(app), key));
        Ok(())
    }

    pub(crate) fn registered_apps(&self) -> Vec<Arc<App>> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        apps.values().map(|(app, _)| Arc::clone(app)).collect()
    }

    pub(crate) fn app(&self, consumer_key: &str) -> Option<RegisteredApp> {
        self.apps
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(consumer_key)
            .cloned()
    }
}

fn is_callback(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain
        && url.fragment().is_none()
        && match url.scheme() {
            "https" => true,
            "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
            // These would run or show what the app names, not go back to it.
            "javascript" | "data" | "file" | "blob" | "about" => false,
            _ => true,
        }
}
