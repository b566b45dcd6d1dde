//! Access tokens by the JWT bearer grant (RFC 7523), kept in memory only.
//!
//! There is one [`TokenKeeper`] for a connection, and it asks for one token at a time: requests that find their
//! token refused together lead to one new grant, since each names the token that it found refused.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::SalesforceId;
use causeway_core::ports::Lane;
use causeway_core::schedule::RetrySchedule;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::Instant as Ticks;

use crate::clock::Clock;
use crate::salesforce::address::BaseUrl;
use crate::salesforce::budget::CallBudget;
use crate::salesforce::transport::{read_body, retry_delay};
use crate::salesforce::{errors, wire};

/// How long an assertion is good. Salesforce asks for three minutes at most.
const ASSERTION_SECONDS: i64 = 180;

/// How long a refusal that only a person can mend is answered from memory, so that waiting requests do not each
/// try again and lock the user out.
const REFUSAL_KEPT: Duration = Duration::from_secs(10);

/// Bytes of a token answer that are read at most.
const MAX_ANSWER: usize = 64 * 1024;

/// Who asks for a token, and with which key.
pub struct Grant {
    /// Where tokens are asked for; also the audience of the assertion.
    pub login: BaseUrl,
    /// Consumer key of the app.
    pub consumer_key: String,
    /// User whom the gateway acts as.
    pub username: String,
    key: EncodingKey,
}

impl std::fmt::Debug for Grant {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Grant")
            .field("login", &self.login)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// The private key is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key is no RSA key in PEM form (-----BEGIN PRIVATE KEY-----)")]
pub struct InvalidPrivateKey;

#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: String,
    exp: i64,
}

impl Grant {
    /// A grant with a private key in PEM form.
    ///
    /// # Errors
    /// [`InvalidPrivateKey`] when the text is no RSA private key.
    pub fn new(
        login: BaseUrl,
        consumer_key: &str,
        username: &str,
        private_key: &SecretString,
    ) -> Result<Self, InvalidPrivateKey> {
        let key = EncodingKey::from_rsa_pem(private_key.expose_secret().as_bytes())
            .map_err(|_no_key| InvalidPrivateKey)?;
        let grant = Grant {
            login,
            consumer_key: consumer_key.to_owned(),
            username: username.to_owned(),
            key,
        };
        // PEM of another kind of key passes until it first signs.
        grant.assertion(0).map_err(|_cannot_sign| InvalidPrivateKey)?;
        Ok(grant)
    }

    /// The signed assertion at `now`, in seconds since 1970.
    fn assertion(&self, now: i64) -> Result<SecretString, Failure> {
        let claims = Claims {
            iss: &self.consumer_key,
            sub: &self.username,
            aud: self.login.to_string(),
            exp: now.saturating_add(ASSERTION_SECONDS),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map(SecretString::from)
            .map_err(|_no_detail| Failure::Unreadable {
                message: "the private key of this connection does not sign".to_owned(),
            })
    }
}

/// An access token and where it is good.
#[derive(Debug)]
pub struct AccessToken {
    /// The token.
    pub secret: SecretString,
    /// Where the org answers.
    pub instance: BaseUrl,
    /// The org.
    pub organization: SalesforceId,
    /// The user whom the gateway acts as.
    pub user: SalesforceId,
}

/// Keeps one connection's access token.
#[derive(Debug)]
pub struct TokenKeeper {
    grant: Grant,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    retries: RetrySchedule,
    calls: Arc<CallBudget>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<Arc<AccessToken>>,
    refused: Option<(Ticks, Failure)>,
}

impl TokenKeeper {
    /// A keeper without a token yet.
    pub fn new(
        grant: Grant,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
        retries: RetrySchedule,
        calls: Arc<CallBudget>,
    ) -> Self {
        TokenKeeper {
            grant,
            http,
            clock,
            retries,
            calls,
            state: Mutex::default(),
        }
    }

    /// The token in hand, or a new one.
    ///
    /// # Errors
    /// What the token endpoint answered, or that no call is left.
    pub async fn token(&self, lane: Lane) -> Result<Arc<AccessToken>, Failure> {
        self.token_other_than(None, lane).await
    }

    /// A token other than `refused`: the one that somebody else got meanwhile, or a new one.
    ///
    /// # Errors
    /// What the token endpoint answered, or that no call is left.
    pub async fn replace(&self, refused: &Arc<AccessToken>, lane: Lane) -> Result<Arc<AccessToken>, Failure> {
        self.token_other_than(Some(refused), lane).await
    }

    async fn token_other_than(
        &self,
        refused: Option<&Arc<AccessToken>>,
        lane: Lane,
    ) -> Result<Arc<AccessToken>, Failure> {
        // Held while the token endpoint is asked: everybody else needs what it answers.
        let mut state = self.state.lock().await;
        if let Some(token) = &state.token
            && !refused.is_some_and(|refused| Arc::ptr_eq(refused, token))
        {
            return Ok(Arc::clone(token));
        }
        if let Some((at, failure)) = &state.refused
            && at.elapsed() < REFUSAL_KEPT
        {
            return Err(failure.clone());
        }
        state.token = None;
        state.refused = None;
        match self.ask_with_retries(lane).await {
            Ok(token) => {
                let token = Arc::new(token);
                state.token = Some(Arc::clone(&token));
                Ok(token)
            }
            Err(failure) => {
                if policy(&failure, Call::Read).next == NextStep::Stop {
                    state.refused = Some((Ticks::now(), failure.clone()));
                }
                Err(failure)
            }
        }
    }

    /// An assertion may be sent again: it makes another token and nothing else.
    async fn ask_with_retries(&self, lane: Lane) -> Result<AccessToken, Failure> {
        let mut attempt = 1;
        loop {
            self.calls.take(lane).await?;
            let failure = match self.ask().await {
                Ok(token) => return Ok(token),
                Err(failure) => failure,
            };
            match retry_delay(&self.retries, attempt, &failure, Call::Read, None) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(failure),
            }
            attempt += 1;
        }
    }

    #[tracing::instrument(name = "salesforce.token", skip_all, fields(login = %self.grant.login, username = %self.grant.username))]
    async fn ask(&self) -> Result<AccessToken, Failure> {
        let assertion = self.grant.assertion(self.clock.now().timestamp())?;
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("assertion", assertion.expose_secret()),
        ];
        let response = self
            .http
            .post(self.grant.login.path(["services", "oauth2", "token"]))
            .form(&form)
            .send()
            .await
            .map_err(|error| errors::no_answer(&error))?;
        let status = response.status();
        if !status.is_success() {
            let body = read_body(response, errors::MAX_ERROR_BODY)
                .await
                .unwrap_or_default();
            let failure = errors::failure(status.as_u16(), &body);
            tracing::warn!(status = status.as_u16(), ?failure, "no access token");
            return Err(failure);
        }
        let body = read_body(response, MAX_ANSWER).await?;
        let token = read_token(&body)?;
        tracing::info!(organization = %token.organization, instance = %token.instance, "access token granted");
        Ok(token)
    }
}

fn read_token(body: &[u8]) -> Result<AccessToken, Failure> {
    let unreadable = |message: String| Failure::Unreadable { message };
    let answer: wire::TokenAnswer = serde_json::from_slice(body).map_err(|_malformed| {
        unreadable("expected a token answer with access_token, instance_url and id".to_owned())
    })?;
    let instance = BaseUrl::parse(&answer.instance_url)
        .map_err(|error| unreadable(format!("instance_url of the token answer: {error}")))?;
    // https://login.salesforce.com/id/<organization>/<user>
    let mut named = answer.id.rsplit('/').map(|id| SalesforceId::parse(id).ok());
    let (Some(Some(user)), Some(Some(organization))) = (named.next(), named.next()) else {
        return Err(unreadable(
            "expected the identity URL of the token answer to name the organization and the user".to_owned(),
        ));
    };
    Ok(AccessToken {
        secret: answer.access_token,
        instance,
        organization,
        user,
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};
    use aws_lc_rs::signature::KeyPair as _;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    /// A new RSA key: private key as PEM, public key as DER.
    pub(crate) fn key() -> (SecretString, Vec<u8>) {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let body: Vec<String> = STANDARD
            .encode(der.as_ref())
            .as_bytes()
            .chunks(64)
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            body.join("\n")
        );
        (SecretString::from(pem), pair.public_key().as_ref().to_vec())
    }

    fn login() -> BaseUrl {
        BaseUrl::parse("https://test.salesforce.com/").unwrap()
    }

    #[test]
    fn the_assertion_says_who_for_whom_where_and_how_long() {
        let (private, public) = key();
        let grant = Grant::new(login(), "3MVG9", "sync@acme.example", &private).unwrap();
        let now = chrono::Utc::now().timestamp();
        let assertion = grant.assertion(now).unwrap();
        let mut rules = Validation::new(Algorithm::RS256);
        rules.set_audience(&["https://test.salesforce.com"]);
        let claims = jsonwebtoken::decode::<Value>(
            assertion.expose_secret(),
            &DecodingKey::from_rsa_der(&public),
            &rules,
        )
        .unwrap()
        .claims;
        assert_eq!(claims["iss"], "3MVG9");
        assert_eq!(claims["sub"], "sync@acme.example");
        assert_eq!(claims["exp"].as_i64(), Some(now + 180));
    }

    #[test]
    fn a_text_that_is_no_key_is_refused_and_never_shown() {
        for text in [
            "",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let error = Grant::new(login(), "k", "u", &SecretString::from(text)).err();
            assert_eq!(error, Some(InvalidPrivateKey), "{text}");
        }
        let (private, _) = key();
        let grant = Grant::new(login(), "k", "u", &private).unwrap();
        assert!(!format!("{grant:?}").contains("key:"));
    }

    #[test]
    fn a_token_answer_names_org_and_instance() {
        let token = read_token(
            br#"{"access_token":"00D8a00001rBqb8!AQ.x","scope":"api","instance_url":"https://acme.my.salesforce.com",
                "id":"https://login.salesforce.com/id/00D8a00001rBqb8/0058a00000Integ","token_type":"Bearer"}"#,
        );
        let error = read_token(br#"{"access_token":"x"}"#).unwrap_err();
        assert!(matches!(error, Failure::Unreadable { .. }));
        match token {
            Ok(token) => {
                assert_eq!(token.instance.to_string(), "https://acme.my.salesforce.com");
                assert_eq!(token.organization.as_str(), "00D8a00001rBqb8EAC");
                assert_eq!(token.user, SalesforceId::parse("0058a00000Integ").unwrap());
                assert!(!format!("{token:?}").contains("AQ.x"));
            }
            Err(failure) => panic!("{failure:?}"),
        }
    }

    #[test]
    fn a_token_is_never_sent_to_a_host_without_tls() {
        let error = read_token(
            br#"{"access_token":"t","instance_url":"http://acme.my.salesforce.com","id":"https://x/id/00D8a00001rBqb8/005"}"#,
        )
        .unwrap_err();
        assert!(matches!(error, Failure::Unreadable { message } if message.contains("instance_url")));
    }
}
