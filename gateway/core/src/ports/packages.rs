//! The package in the org: how it is paired with the gateway, and what it last told of itself.

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{ConnectionId, SalesforceId};
use crate::ports::StoreError;
use crate::ports::connections::Client;

/// Pairing codes and reports of packages.
pub trait Packages {
    /// Remembers a pairing code. Codes of the same client that were not used yet are of no use any more.
    fn add_pairing(&mut self, pairing: &Pairing) -> Result<(), StoreError>;

    /// A pairing code that nobody has used, whether it has expired or not.
    fn pairing(&mut self, code: &CodeHash) -> Result<Option<Pairing>, StoreError>;

    /// Uses a pairing code up. Codes of other clients that expired before `at` are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody else was first.
    fn use_pairing(&mut self, code: &CodeHash, at: Instant) -> Result<(), StoreError>;

    /// Adds a client to its connection, or gives the one of this id its new key and scopes; a revoked one may call
    /// again.
    ///
    /// # Errors
    /// [`StoreError::Exists`] when another connection has a client of this id.
    fn put_client(&mut self, client: &Client) -> Result<(), StoreError>;

    /// What the package last told.
    fn package_report(&mut self, connection: ConnectionId) -> Result<Option<PackageReport>, StoreError>;

    /// Remembers what the package told, in place of what it told before.
    fn put_package_report(
        &mut self,
        connection: ConnectionId,
        report: &PackageReport,
    ) -> Result<(), StoreError>;
}

/// SHA-256 of a pairing code, in lower-case hex. The code itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeHash(pub String);

/// A code with which a package, once, gives the gateway its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// The code.
    pub code: CodeHash,
    /// The connection that the package's org belongs to.
    pub connection: ConnectionId,
    /// The client that the package becomes.
    pub client: String,
    /// Until when it may be used.
    pub expires_at: Instant,
}

/// What a package told of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageReport {
    /// When it was received.
    pub at: Instant,
    /// Version of the package, as its org has it installed.
    pub version: String,
    /// The user as whom it runs in the background, where it told.
    pub running_user: Option<SalesforceId>,
    /// What waits in the org to be sent.
    pub queue: PackageQueue,
    /// Objects that have to be reconciled, since room ran short while they were saved.
    pub markers: Vec<String>,
    /// Whether the job is scheduled that sends what was left.
    pub sweeper_scheduled: bool,
    /// What keeps it from sending, where something does.
    pub trouble: Option<PackageTrouble>,
}

/// What waits in the org to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageQueue {
    /// Rows of the package's own queue; each holds the news of one save.
    pub rows: u64,
    /// Since when the oldest waits.
    pub oldest: Option<Instant>,
}

/// What keeps a package from sending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackageTrouble {
    /// Code of the package's own, such as `gateway-401`.
    pub code: String,
    /// What it says to people.
    pub message: String,
    /// Since when.
    pub since: Instant,
}
