//! Connections, their clients, users and mappings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{ConnectionId, MappingId, PlanRevision, SalesforceId, TenantId};
use crate::mapping::MappingPlan;
use crate::ports::StoreError;

/// Settings of connections.
pub trait Connections {
    /// Adds a connection with its clients and users, all or nothing, and gives it its number. The tenant is found
    /// by name, or made.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when a connection has that name or a client id is taken.
    fn add_connection(&mut self, new: &NewConnection, at: Instant) -> Result<ConnectionId, StoreError>;

    /// All connections, by tenant and name.
    fn connections(&mut self) -> Result<Vec<Connection>, StoreError>;

    /// One connection.
    fn connection(&mut self, id: ConnectionId) -> Result<Option<Connection>, StoreError>;

    /// A connection by its name, which is unique over the gateway.
    fn connection_named(&mut self, name: &str) -> Result<Option<Connection>, StoreError>;

    /// Remembers the gateway's own Salesforce user, once a token named it.
    fn set_integration_user(&mut self, id: ConnectionId, user: SalesforceId) -> Result<(), StoreError>;

    /// Remembers the org's daily allowance of API calls, as an answer told it.
    fn set_daily_allowance(&mut self, id: ConnectionId, calls: u64) -> Result<(), StoreError>;

    /// Sets how many calls may be spent in 24 hours; none: as many as the org's allowance suggests.
    fn set_daily_calls(&mut self, id: ConnectionId, calls: Option<u64>) -> Result<(), StoreError>;

    /// Remembers the org that answered, and where it answers.
    fn set_org(&mut self, id: ConnectionId, org: SalesforceId, instance_url: &str) -> Result<(), StoreError>;

    /// A client by the id that its tokens name (`iss`), over all connections.
    fn client(&mut self, id: &str) -> Result<Option<Client>, StoreError>;

    /// The clients of a connection.
    fn clients(&mut self, connection: ConnectionId) -> Result<Vec<Client>, StoreError>;

    /// The partner's users.
    fn partner_users(&mut self, connection: ConnectionId) -> Result<Vec<PartnerUser>, StoreError>;

    /// Adds or replaces partner users by id.
    fn put_partner_users(
        &mut self,
        connection: ConnectionId,
        users: &[PartnerUser],
    ) -> Result<(), StoreError>;

    /// A number for a new mapping of this connection, never given twice.
    fn next_mapping(&mut self, connection: ConnectionId) -> Result<MappingId, StoreError>;

    /// Adds a revision of a mapping. It is in force from the commit on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the revision exists, [`StoreError::Exists`] when another mapping of this
    /// connection has the same partner object.
    fn add_plan(
        &mut self,
        connection: ConnectionId,
        plan: &MappingPlan,
        document: &str,
        at: Instant,
    ) -> Result<(), StoreError>;

    /// The plans in force, in the order of their mappings' numbers, each [under](MappingPlan::under) what the org's
    /// admin set. Cached by the store between revisions.
    fn plans(&mut self, connection: ConnectionId) -> Result<Vec<Arc<MappingPlan>>, StoreError>;

    /// A mapping's document at a revision.
    fn document(
        &mut self,
        connection: ConnectionId,
        mapping: MappingId,
        revision: PlanRevision,
    ) -> Result<Option<String>, StoreError>;
}

/// A connection to add.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// Tenant, by name.
    pub tenant: String,
    /// What is known of the connection. Its `id` and `tenant` are ignored.
    pub connection: Connection,
    /// Who may call on its behalf.
    pub clients: Vec<Client>,
    /// The partner's users.
    pub users: Vec<PartnerUser>,
}

/// One Salesforce org linked with one partner account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Number.
    pub id: ConnectionId,
    /// Owner.
    pub tenant: TenantId,
    /// Name, unique over the gateway.
    pub name: String,
    /// Production or sandbox.
    pub environment: Environment,
    /// Where tokens are asked for: `https://login.salesforce.com`, a My Domain, ….
    pub login_url: String,
    /// The app's consumer key.
    pub consumer_key: String,
    /// Salesforce user whom the gateway acts as.
    pub username: String,
    /// The app's private key, sealed (AES-256-GCM).
    pub sealed_private_key: Sealed,
    /// API version, for example `67.0`.
    pub api_version: String,
    /// Organization id, once the org has answered.
    pub organization: Option<SalesforceId>,
    /// Where the org answers, once known.
    pub instance_url: Option<String>,
    /// The gateway's own user in the org, once known.
    pub integration_user: Option<SalesforceId>,
    /// Salesforce calls that may be spent in 24 hours, where the admin set a number.
    pub daily_calls: Option<u64>,
    /// The org's own allowance of calls in 24 hours, once known.
    pub daily_allowance: Option<u64>,
    /// Master switch.
    pub enabled: bool,
    /// When it was added.
    pub created_at: Instant,
}

/// Production or sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A production org.
    Production,
    /// A sandbox, scratch or developer org.
    Sandbox,
}

/// Bytes that only the holder of the master key can read. Their debug form says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Sealed(…)")
    }
}

/// Somebody who may call the gateway on behalf of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// What its tokens name as `iss`; unique over the gateway.
    pub id: String,
    /// The connection it belongs to.
    pub connection: ConnectionId,
    /// How its tokens are verified.
    pub key: ClientKey,
    /// What it may do, for example `records:read`.
    pub scopes: Vec<String>,
    /// Since when it may do nothing any more.
    pub revoked_at: Option<Instant>,
}

/// How a client's tokens are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientKey {
    /// HS256 with a shared secret, sealed.
    Hs256(Sealed),
    /// RS256 with a public key (PEM).
    Rs256(String),
}

/// A user of the partner system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartnerUser {
    /// The partner's id of the user.
    pub id: String,
    /// E-mail address, by which users of both sides are matched.
    pub email: String,
    /// Name.
    pub name: String,
    /// Inactive users own nothing new.
    pub active: bool,
    /// The Salesforce user, once matched.
    pub salesforce_user: Option<SalesforceId>,
}
