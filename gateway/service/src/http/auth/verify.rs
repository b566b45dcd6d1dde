//! From a bearer token to the client behind it.

use std::collections::BTreeSet;

use aws_lc_rs::{hkdf, hmac};
use causeway_core::Instant;
use causeway_core::ports::connections::{Client, ClientKey, Connection};
use jsonwebtoken::DecodingKey;
use secrecy::{ExposeSecret, SecretBox};

use super::token::{LONGEST_LIFE, Token, VerifyKey};
use crate::app::scope::Scope;
use crate::app::{App, directory};
use crate::http::problem::{Problem, ProblemKind};
use crate::vault::client_secret_purpose;

/// Verifies tokens for one gateway.
pub struct Verifier {
    audience: String,
    token_url: String,
    access_key: hmac::Key,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The client.
    pub client: String,
    /// The connection it acts for.
    pub connection: Connection,
    /// What it may do with this token.
    pub scopes: BTreeSet<Scope>,
}

/// An access token that the gateway gives out.
#[derive(Debug)]
pub struct AccessToken {
    /// The token.
    pub text: String,
    /// Seconds that it lives.
    pub lives: i64,
    /// What it allows.
    pub scopes: BTreeSet<Scope>,
}

/// Why a token was not exchanged.
#[derive(Debug)]
pub enum ExchangeError {
    /// The assertion is refused.
    Refused(Problem),
    /// A scope was asked for that the client does not have.
    Scope(String),
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Verifier({})", self.audience)
    }
}

impl Verifier {
    /// A verifier for the gateway that callers reach at `public_url`. The key of its access tokens is derived from
    /// the master key, so all processes that share that key take each other's tokens.
    ///
    /// # Errors
    /// A text for the operator when no key can be derived.
    pub fn new(public_url: &str, master_key: &SecretBox<[u8]>) -> Result<Self, String> {
        let mut bytes = [0u8; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"causeway")
            .extract(master_key.expose_secret())
            .expand(&[b"access-token"], hkdf::HKDF_SHA256)
            .and_then(|derived| derived.fill(&mut bytes))
            .map_err(|_unspecified| {
                "no key for access tokens can be derived from the master key".to_owned()
            })?;
        Ok(Verifier {
            audience: public_url.to_owned(),
            token_url: format!("{public_url}/oauth/token"),
            access_key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        })
    }

    /// What every token must name as its audience.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Who sent this bearer token.
    ///
    /// # Errors
    /// The [`Problem`] that says what is wrong with the token, or that the store cannot be asked.
    pub async fn caller(&self, app: &App, text: &str) -> Result<Caller, Problem> {
        let token = Token::parse(text)?;
        if token.claims.issuer == self.audience {
            token.check_signature(&VerifyKey::Hs256(Box::new(self.access_key.clone())))?;
            token.claims.check(&[&self.audience], app.clock.now())?;
            let subject = token
                .claims
                .subject
                .as_deref()
                .ok_or_else(|| Problem::new(ProblemKind::MalformedToken, "it lacks `sub`"))?;
            let (client, connection) = self.client(app, subject).await?;
            return accept(&token, client, connection);
        }
        let (client, connection) = self.client(app, &token.claims.issuer).await?;
        token.check_signature(&verify_key(app, &client)?)?;
        token.claims.check(&[&self.audience], app.clock.now())?;
        accept(&token, client, connection)
    }

    /// Exchanges a token that a client signed for an access token (RFC 7523). `scope` asks for less than all.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub async fn exchange(
        &self,
        app: &App,
        assertion: &str,
        scope: Option<&str>,
    ) -> Result<AccessToken, ExchangeError> {
        let now = app.clock.now();
        let caller = self
            .asserted(app, assertion, now)
            .await
            .map_err(ExchangeError::Refused)?;
        let scopes = match scope {
            None => caller.scopes,
            Some(asked) => asked
                .split_ascii_whitespace()
                .map(|one| {
                    Scope::parse(one)
                        .filter(|scope| caller.scopes.contains(scope))
                        .ok_or_else(|| ExchangeError::Scope(one.chars().take(40).collect()))
                })
                .collect::<Result<_, _>>()?,
        };
        let text = self
            .sign(&caller.client, &scopes, now)
            .map_err(ExchangeError::Refused)?;
        Ok(AccessToken {
            text,
            lives: LONGEST_LIFE.num_seconds(),
            scopes,
        })
    }

    async fn asserted(&self, app: &App, assertion: &str, now: Instant) -> Result<Caller, Problem> {
        let token = Token::parse(assertion)?;
        let (client, connection) = self.client(app, &token.claims.issuer).await?;
        token.check_signature(&verify_key(app, &client)?)?;
        token.claims.check(&[&self.audience, &self.token_url], now)?;
        if token
            .claims
            .subject
            .as_ref()
            .is_some_and(|subject| *subject != client.id)
        {
            return Err(Problem::new(
                ProblemKind::MalformedToken,
                "`sub` must be the client itself, or be left out",
            ));
        }
        accept(&token, client, connection)
    }

    async fn client(&self, app: &App, id: &str) -> Result<(Client, Connection), Problem> {
        let found = directory::client(app, id).await?;
        found.ok_or_else(|| {
            Problem::new(
                ProblemKind::UnknownClient,
                "`iss` must be the id of a client that is registered with this gateway",
            )
        })
    }

    fn sign(&self, client: &str, scopes: &BTreeSet<Scope>, now: Instant) -> Result<String, Problem> {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;

        let claims = serde_json::json!({
            "iss": self.audience,
            "sub": client,
            "aud": self.audience,
            "iat": now.timestamp(),
            "exp": (now + LONGEST_LIFE).timestamp(),
            "jti": uuid::Uuid::new_v4(),
            "scope": join(scopes),
        });
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let tag = hmac::sign(&self.access_key, signed.as_bytes());
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref())))
    }
}

/// Scopes as tokens spell them.
pub fn join(scopes: &BTreeSet<Scope>) -> String {
    scopes
        .iter()
        .map(|scope| scope.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The caller behind a token whose signature is right.
fn accept(token: &Token<'_>, client: Client, connection: Connection) -> Result<Caller, Problem> {
    if client.revoked_at.is_some() {
        return Err(Problem::new(
            ProblemKind::ClientRevoked,
            "ask the gateway's operator for a new client",
        ));
    }
    let granted = client.scopes.iter().filter_map(|scope| Scope::parse(scope));
    let scopes = match &token.claims.scope {
        None => granted.collect(),
        Some(asked) => {
            let asked: Vec<&str> = asked.split_ascii_whitespace().collect();
            granted.filter(|scope| asked.contains(&scope.as_str())).collect()
        }
    };
    Ok(Caller {
        client: client.id,
        connection,
        scopes,
    })
}

fn verify_key(app: &App, client: &Client) -> Result<VerifyKey, Problem> {
    match &client.key {
        ClientKey::Hs256(sealed) => {
            let secret = app
                .vault
                .open(&client_secret_purpose(&client.id), sealed)
                .map_err(|error| Problem::internal(error.to_string()))?;
            Ok(VerifyKey::Hs256(Box::new(hmac::Key::new(
                hmac::HMAC_SHA256,
                secret.expose_secret(),
            ))))
        }
        ClientKey::Rs256(pem) => DecodingKey::from_rsa_pem(pem.as_bytes())
            .map(VerifyKey::Rs256)
            .map_err(|error| Problem::internal(format!("public key of client {}: {error}", client.id))),
    }
}
