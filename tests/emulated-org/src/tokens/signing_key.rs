//! The organisation's own key, which signs identity tokens.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::Value as Json;

/// An RSA key made when it is first needed.
#[derive(Default)]
pub(crate) struct SigningKey {
    key: OnceLock<Option<EncodingKey>>,
}

/// The organisation has one key, and this is its name.
const KEY_ID: &str = "1";

impl SigningKey {
    /// Signs claims with RS256.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Option<String> {
        let header = Header {
            kid: Some(KEY_ID.to_owned()),
            ..Header::new(Algorithm::RS256)
        };
        jsonwebtoken::encode(&header, claims, self.key()?).ok()
    }

    /// The public half as a JSON Web Key.
    pub(crate) fn public(&self) -> Option<Json> {
        let key = Jwk::from_encoding_key(self.key()?, Algorithm::RS256).ok()?;
        let mut key = serde_json::to_value(key).ok()?;
        let fields = key.as_object_mut()?;
        fields.insert("kid".to_owned(), KEY_ID.into());
        fields.insert("use".to_owned(), "sig".into());
        Some(key)
    }

    fn key(&self) -> Option<&EncodingKey> {
        self.key.get_or_init(generate).as_ref()
    }
}

fn generate() -> Option<EncodingKey> {
    let pair = KeyPair::generate(KeySize::Rsa2048).ok()?;
    let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
    let body = STANDARD.encode(der.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    EncodingKey::from_rsa_pem(pem.as_bytes()).ok()
}
