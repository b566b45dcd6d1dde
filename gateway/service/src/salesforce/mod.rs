//! A thin Salesforce client: JWT bearer tokens, REST reads and writes, Bulk API 2.0 queries and ingests.
//!
//! Every answer that is not a success becomes a [`causeway_core::failure::Failure`], and nothing here decides what
//! to do about one beyond what is safe to repeat (see [`transport`]). No token or key reaches a log.

pub mod address;
pub mod auth;
pub mod budget;
pub mod bulk;
pub mod csv;
pub mod errors;
pub mod ingest;
pub mod limits;
pub mod lookup;
pub mod rest;
pub mod soql;
pub mod transport;
pub mod values;
pub mod wire;
pub mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::ports::Lane;
use causeway_core::ports::connections::{Connection, Sealed};
use causeway_core::schedule::RetrySchedule;

use crate::clock::Clock;
use crate::salesforce::address::{BaseUrl, InvalidBaseUrl};
use crate::salesforce::auth::{AccessToken, Grant, InvalidPrivateKey, TokenKeeper};
use crate::salesforce::budget::{CallBudget, CallLedger};
use crate::salesforce::limits::{ApiUsage, LastUsage};
use crate::vault::{Vault, VaultError, private_key_purpose};

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may let itself be waited for, at its start and between its pieces. Large describes and slow
/// queries take a minute and more.
const READ_TIMEOUT: Duration = Duration::from_secs(120);

/// One Salesforce org, acted on as one user. Clones share the token and the budget.
#[derive(Debug, Clone)]
pub struct Salesforce {
    http: reqwest::Client,
    tokens: Arc<TokenKeeper>,
    api_version: String,
    usage: Arc<LastUsage>,
    calls: Arc<CallBudget>,
    lane: Lane,
    clock: Arc<dyn Clock>,
    retries: RetrySchedule,
}

/// The clients of all connections.
#[derive(Debug)]
pub struct SalesforceClients {
    remote: reqwest::Client,
    loopback: reqwest::Client,
    clock: Arc<dyn Clock>,
    retries: RetrySchedule,
    ledger: Option<Arc<dyn CallLedger>>,
    known: Mutex<HashMap<ConnectionId, Known>>,
}

/// A client and the settings that it was made from.
#[derive(Debug)]
struct Known {
    login_url: String,
    consumer_key: String,
    username: String,
    key: Sealed,
    api_version: String,
    client: Arc<Salesforce>,
}

/// Why there is no client for a connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The private key does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The private key is none.
    #[error(transparent)]
    PrivateKey(#[from] InvalidPrivateKey),
    /// The login address is none.
    #[error("login_url: {0}")]
    LoginUrl(#[from] InvalidBaseUrl),
}

/// The HTTP client could not be made, for example since the machine has no certificates.
#[derive(Debug, thiserror::Error)]
#[error(
    "no HTTPS client could be made; are the system's CA certificates installed (Debian: ca-certificates)?"
)]
pub struct NoHttpClient(#[source] reqwest::Error);

/// Attempts of a read within one call, before the caller is told.
pub const READ_RETRIES: RetrySchedule = RetrySchedule {
    first: Duration::from_millis(500),
    longest: Duration::from_secs(20),
    attempts: 5,
};

impl SalesforceClients {
    /// No client yet, and nobody who counts their calls. `retries` is how often and how soon reads are tried again;
    /// see [`READ_RETRIES`].
    ///
    /// # Errors
    /// [`NoHttpClient`] when TLS cannot be set up.
    pub fn new(clock: Arc<dyn Clock>, retries: RetrySchedule) -> Result<Self, NoHttpClient> {
        Ok(SalesforceClients {
            remote: http_client(true)?,
            loopback: http_client(false)?,
            clock,
            retries,
            ledger: None,
            known: Mutex::default(),
        })
    }

    /// Every call of a connection's client is taken from this ledger first.
    #[must_use]
    pub fn counted_by(mut self, ledger: Arc<dyn CallLedger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// The client of a connection. It is made anew when the connection's settings have changed.
    ///
    /// # Errors
    /// [`ClientError`] when the connection's key or address are of no use.
    pub fn client(&self, vault: &Vault, connection: &Connection) -> Result<Arc<Salesforce>, ClientError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(&connection.id)
            && found.is_of(connection)
        {
            return Ok(Arc::clone(&found.client));
        }
        let private_key = vault.open_text(
            &private_key_purpose(&connection.name),
            &connection.sealed_private_key,
        )?;
        let grant = Grant::new(
            BaseUrl::parse(&connection.login_url)?,
            &connection.consumer_key,
            &connection.username,
            &private_key,
        )?;
        let calls = match &self.ledger {
            Some(ledger) => CallBudget::counted(connection.id, Arc::clone(ledger)),
            None => CallBudget::uncounted(),
        };
        let client = Arc::new(self.make(grant, &connection.api_version, calls));
        known.insert(
            connection.id,
            Known {
                login_url: connection.login_url.clone(),
                consumer_key: connection.consumer_key.clone(),
                username: connection.username.clone(),
                key: connection.sealed_private_key.clone(),
                api_version: connection.api_version.clone(),
                client: Arc::clone(&client),
            },
        );
        Ok(client)
    }

    /// A client for a grant that belongs to no connection yet, for example to try settings out. Nobody counts its
    /// calls.
    pub fn unshared(&self, grant: Grant, api_version: &str) -> Salesforce {
        self.make(grant, api_version, CallBudget::uncounted())
    }

    fn make(&self, grant: Grant, api_version: &str, calls: CallBudget) -> Salesforce {
        let http = if grant.login.is_loopback() {
            self.loopback.clone()
        } else {
            self.remote.clone()
        };
        let calls = Arc::new(calls);
        let tokens = TokenKeeper::new(
            grant,
            http.clone(),
            Arc::clone(&self.clock),
            self.retries,
            Arc::clone(&calls),
        );
        Salesforce {
            tokens: Arc::new(tokens),
            http,
            api_version: api_version.to_owned(),
            usage: Arc::default(),
            calls,
            lane: Lane::Interactive,
            clock: Arc::clone(&self.clock),
            retries: self.retries,
        }
    }
}

impl Known {
    fn is_of(&self, connection: &Connection) -> bool {
        self.login_url == connection.login_url
            && self.consumer_key == connection.consumer_key
            && self.username == connection.username
            && self.key == connection.sealed_private_key
            && self.api_version == connection.api_version
    }
}

/// Where an org answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    /// Organization id.
    pub organization: SalesforceId,
    /// Where it answers.
    pub instance_url: String,
    /// The user whom the gateway acts as. What the gateway writes carries it as `LastModifiedById`.
    pub user: SalesforceId,
}

impl Salesforce {
    /// The same client, its calls taken from the budget of this lane. A new client is interactive.
    #[must_use]
    pub fn in_lane(&self, lane: Lane) -> Arc<Salesforce> {
        Arc::new(Salesforce { lane, ..self.clone() })
    }

    /// Daily API usage as last told; `None` before the first answer.
    pub fn api_usage(&self) -> Option<ApiUsage> {
        self.usage.get()
    }

    /// Calls of this lane that were taken from the budget and not made yet.
    pub async fn calls_in_hand(&self, lane: Lane) -> u32 {
        self.calls.in_hand(lane).await
    }

    /// The org that the token is for. Asks for a token if there is none.
    ///
    /// # Errors
    /// What the token endpoint answered.
    pub async fn org(&self) -> Result<Org, causeway_core::failure::Failure> {
        let token: Arc<AccessToken> = self.tokens.token(self.lane).await?;
        Ok(Org {
            organization: token.organization,
            instance_url: token.instance.to_string(),
            user: token.user,
        })
    }
}

/// A client for hosts elsewhere keeps to https. One for this machine goes around any proxy of the environment.
fn http_client(remote: bool) -> Result<reqwest::Client, NoHttpClient> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        // Salesforce redirects no API call; following one could carry the token elsewhere.
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .gzip(true)
        .tls_version_min(reqwest::tls::Version::TLS_1_2);
    let builder = if remote {
        builder.https_only(true)
    } else {
        builder.no_proxy()
    };
    builder.build().map_err(NoHttpClient)
}
