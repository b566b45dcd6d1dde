//! Apps that may ask for tokens: what a connected app or external client app is to the token endpoint.

use std::collections::BTreeSet;

/// Who may use an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Approval {
    /// Any active user, as when an admin approved all profiles.
    PreAuthorized,
    /// Only these users (lower-case usernames), as when an admin approved some profiles.
    PreAuthorizedFor(BTreeSet<String>),
    /// Users must have approved the app themselves; these have (lower-case usernames).
    SelfAuthorized(BTreeSet<String>),
}

/// An app to register with [`crate::EmulatedOrg::register_app`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// The consumer key, which is the `iss` of assertions.
    pub consumer_key: String,
    /// The X.509 certificate, or the RSA public key, whose private key signs assertions; PEM.
    pub certificate_pem_or_public_key_pem: String,
    /// The scopes that tokens get.
    pub scopes: Vec<String>,
    /// Who may use the app.
    pub approval: Approval,
}

impl App {
    /// An app approved for all users, with the scopes `api` and `refresh_token`.
    pub fn pre_authorized(
        consumer_key: impl Into<String>,
        certificate_or_public_key_pem: impl Into<String>,
    ) -> Self {
        Self {
            consumer_key: consumer_key.into(),
            certificate_pem_or_public_key_pem: certificate_or_public_key_pem.into(),
            scopes: vec!["api".to_owned(), "refresh_token".to_owned()],
            approval: Approval::PreAuthorized,
        }
    }
}
