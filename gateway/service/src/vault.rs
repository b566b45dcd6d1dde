//! Sealing of secrets that must lie in the database: private keys and shared secrets.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway_core::ports::connections::Sealed;
use secrecy::{ExposeSecret, SecretBox, SecretString};

/// First byte of everything sealed: which form follows. 1: AES-256-GCM, 12-byte nonce, ciphertext, 16-byte tag.
const FORM: u8 = 1;

/// Seals and opens secrets with the master key.
///
/// What is sealed is bound to a purpose, for example `connection:acme:private_key`: sealed bytes copied to another
/// place do not open there.
pub struct Vault {
    key: RandomizedNonceKey,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Vault(…)")
    }
}

/// Why the vault could not do its work. Says nothing about the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The master key is not 32 bytes.
    #[error("the master key must be 32 bytes as base64; make one with `causeway keys master`")]
    MasterKey,
    /// Sealing failed.
    #[error("a secret could not be sealed")]
    Seal,
    /// The bytes do not open: another master key, another purpose, or damage.
    #[error(
        "the secret for {purpose} does not open; was the master key changed, or the database copied from another gateway?"
    )]
    Open {
        /// What it was meant to be.
        purpose: String,
    },
}

impl Vault {
    /// A vault that opens what was sealed with the same 32-byte key.
    ///
    /// # Errors
    /// [`VaultError::MasterKey`] when the key does not have 32 bytes.
    pub fn new(master_key: &SecretBox<[u8]>) -> Result<Self, VaultError> {
        let key = RandomizedNonceKey::new(&AES_256_GCM, master_key.expose_secret())
            .map_err(|_unspecified| VaultError::MasterKey)?;
        Ok(Vault { key })
    }

    /// A vault from the master key as base64, the form of configuration files.
    ///
    /// # Errors
    /// [`VaultError::MasterKey`] when the text is not the base64 of 32 bytes.
    pub fn from_base64(master_key: &SecretString) -> Result<Self, VaultError> {
        let bytes = STANDARD
            .decode(master_key.expose_secret().trim())
            .map_err(|_malformed| VaultError::MasterKey)?;
        Vault::new(&SecretBox::from(bytes.into_boxed_slice()))
    }

    /// Seals a secret for a purpose.
    ///
    /// # Errors
    /// [`VaultError::Seal`] when the system gives no randomness.
    pub fn seal(&self, purpose: &str, secret: &[u8]) -> Result<Sealed, VaultError> {
        let mut body = secret.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut body)
            .map_err(|_unspecified| VaultError::Seal)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(FORM);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.append(&mut body);
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`VaultError::Open`] when the bytes were sealed with another key or for another purpose, or are damaged.
    pub fn open(&self, purpose: &str, sealed: &Sealed) -> Result<SecretBox<[u8]>, VaultError> {
        let refused = || VaultError::Open {
            purpose: purpose.to_owned(),
        };
        let (form, rest) = sealed.0.split_first().ok_or_else(refused)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(refused)?;
        if *form != FORM {
            return Err(refused());
        }
        let mut body = body.to_vec();
        let opened = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(purpose.as_bytes()),
                &mut body,
            )
            .map_err(|_unspecified| refused())?;
        Ok(SecretBox::from(Box::<[u8]>::from(&*opened)))
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// As [`Vault::open`], and when the bytes are not UTF-8.
    pub fn open_text(&self, purpose: &str, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let bytes = self.open(purpose, sealed)?;
        let text = std::str::from_utf8(bytes.expose_secret()).map_err(|_not_utf8| VaultError::Open {
            purpose: purpose.to_owned(),
        })?;
        Ok(SecretString::from(text))
    }
}

/// Purpose of a connection's private key.
pub fn private_key_purpose(connection: &str) -> String {
    format!("connection:{connection}:private_key")
}

/// Purpose of a client's shared secret.
pub fn client_secret_purpose(client: &str) -> String {
    format!("client:{client}:secret")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(byte: u8) -> Vault {
        Vault::new(&SecretBox::from(vec![byte; 32].into_boxed_slice())).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_again() {
        let sealed = vault(1).seal("client:a:secret", b"s3cret").unwrap();
        assert_eq!(
            vault(1).open("client:a:secret", &sealed).unwrap().expose_secret(),
            b"s3cret"
        );
    }

    #[test]
    fn the_same_secret_never_looks_the_same_and_never_shows() {
        let one = vault(1).seal("p", b"s3cret").unwrap();
        let two = vault(1).seal("p", b"s3cret").unwrap();
        assert_ne!(one.0, two.0);
        assert!(!one.0.windows(6).any(|bytes| bytes == b"s3cret"));
    }

    #[test]
    fn another_key_another_purpose_and_damage_do_not_open() {
        let sealed = vault(1).seal("client:a:secret", b"s3cret").unwrap();
        assert!(vault(2).open("client:a:secret", &sealed).is_err());
        assert!(vault(1).open("client:b:secret", &sealed).is_err());
        for at in 0..sealed.0.len() {
            let mut damaged = sealed.clone();
            damaged.0[at] ^= 1;
            assert!(vault(1).open("client:a:secret", &damaged).is_err(), "byte {at}");
        }
        assert!(vault(1).open("client:a:secret", &Sealed(Vec::new())).is_err());
    }

    #[test]
    fn a_master_key_of_another_length_is_refused() {
        assert_eq!(
            Vault::from_base64(&SecretString::from("c2hvcnQ=")).err(),
            Some(VaultError::MasterKey)
        );
        assert_eq!(
            Vault::from_base64(&SecretString::from("not base64!")).err(),
            Some(VaultError::MasterKey)
        );
        let key = STANDARD.encode([7u8; 32]);
        assert!(Vault::from_base64(&SecretString::from(key)).is_ok());
    }
}
