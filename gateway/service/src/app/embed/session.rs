//! The session of a page: what it may read, sealed, so that nothing of it lies in the store. The page keeps it in memory
//! and sends it as a bearer, in no address and no cookie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use causeway_core::Instant;
use causeway_core::id::{ConnectionId, MappingId, SalesforceId};
use causeway_core::ports::connections::Sealed;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::vault::{Vault, VaultError};

/// Sealed for nothing else: neither does a session open what else is sealed, nor the other way round.
const PURPOSE: &str = "embed:session";

/// What a page may read, and how it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Connection.
    pub connection: ConnectionId,
    /// Mapping of the record.
    pub mapping: MappingId,
    /// The one record that it may read.
    pub salesforce_id: SalesforceId,
    /// Client that asked for the page.
    pub client: String,
    /// Name of the template.
    pub frame_name: Option<String>,
    /// The partner's site.
    pub site_key: Option<String>,
    /// Language of the page.
    pub language: String,
    /// What lets the template's style through the page's content security policy.
    pub style_nonce: String,
    /// When it ends.
    pub expires_at: Instant,
}

impl Session {
    /// The session as a bearer.
    ///
    /// # Errors
    /// [`VaultError::Seal`] when the system gives no randomness.
    pub fn seal(&self, vault: &Vault) -> Result<String, VaultError> {
        let text = serde_json::to_vec(self).map_err(|_unwritable| VaultError::Seal)?;
        let sealed = vault.seal(PURPOSE, &text)?;
        Ok(URL_SAFE_NO_PAD.encode(sealed.0))
    }

    /// The session of a bearer, over or not. None for what is no bearer of this gateway.
    pub fn open(vault: &Vault, bearer: &str) -> Option<Session> {
        let sealed = Sealed(URL_SAFE_NO_PAD.decode(bearer).ok()?);
        let text = vault.open(PURPOSE, &sealed).ok()?;
        serde_json::from_slice(text.expose_secret()).ok()
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretBox;

    use super::*;

    #[test]
    fn a_session_opens_with_the_key_it_was_sealed_with_and_says_nothing_else() {
        let vault = |byte: u8| Vault::new(&SecretBox::from(vec![byte; 32].into_boxed_slice())).unwrap();
        let session = Session {
            connection: ConnectionId(2),
            mapping: MappingId(1),
            salesforce_id: SalesforceId::parse("003ZM000001n4n5").unwrap(),
            client: "acme-package".to_owned(),
            frame_name: None,
            site_key: Some("landing".to_owned()),
            language: "en".to_owned(),
            style_nonce: "n".to_owned(),
            expires_at: Instant::UNIX_EPOCH,
        };
        let bearer = session.seal(&vault(7)).unwrap();
        assert_eq!(Session::open(&vault(7), &bearer), Some(session));
        assert_eq!(Session::open(&vault(8), &bearer), None);
        let of_something_else = vault(7).seal("client:acme", b"{}").unwrap();
        let of_something_else = URL_SAFE_NO_PAD.encode(of_something_else.0);
        for wrong in ["", "abc", bearer.split_at(1).1, &of_something_else] {
            assert_eq!(Session::open(&vault(7), wrong), None, "{wrong}");
        }
    }
}
