//! Use cases: what the gateway does, free of HTTP and of SQL.
//!
//! A use case takes an [`App`] and typed arguments and gives typed results. It reaches Salesforce through
//! [`crate::salesforce`] and the database through units over the ports of `causeway_core`.

pub mod activity;
pub mod administer;
pub mod budget;
mod calls;
pub mod conflicts;
pub mod console;
pub mod directory;
pub mod embed;
pub mod failure;
pub mod held;
pub mod idempotency;
pub mod inbox;
pub mod org;
pub mod outgoing;
pub mod package;
pub mod people;
pub mod post;
pub mod read;
pub mod receive;
pub mod reread;
#[cfg(test)]
mod sample;
pub mod scope;
pub mod settings;
pub mod sync;
pub mod users;

use std::sync::Arc;
use std::time::Duration;

use causeway_core::package::PackageRelease;
use causeway_core::ports::connections::Connection;
use causeway_core::ports::outbox::ClaimSize;
use causeway_core::schedule::RetrySchedule;
use causeway_store::Store;
use tokio::sync::Notify;

use crate::app::calls::StoredCalls;
use crate::app::outgoing::turns::Turns;
use crate::clock::Clock;
use crate::salesforce::{ClientError, Salesforce, SalesforceClients};
use crate::vault::Vault;

/// Everything a use case may reach. Made once at start-up and shared.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Salesforce, one client for each connection.
    pub salesforce: SalesforceClients,
    /// Seals and opens secrets.
    pub vault: Arc<Vault>,
    /// Sizes and times.
    pub options: AppOptions,
    /// Rings when something was added to the inbox.
    pub inbox_bell: Notify,
    /// Rings when something may have to be written to Salesforce.
    pub outbox_bell: Notify,
    /// Rings when a sync run was queued.
    pub sync_bell: Notify,
    /// Rings when a package was paired.
    pub users_bell: Notify,
    /// Rings for everybody who waits when more Salesforce calls may be spent.
    pub budget_bell: Notify,
    /// Who writes to which org at the moment.
    pub(crate) outgoing_turns: Turns,
}

/// Sizes and times of the use cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppOptions {
    /// Heads of the inbox that a worker claims at once.
    pub claim_heads: u32,
    /// Bytes of posted fields that a worker takes into memory at once. One change may be larger.
    pub claim_bytes: usize,
    /// How long a claimed head stays with its worker unless it is settled. After a crash this is how long a change
    /// lies still where several gateways share the database. Calls to Salesforce get two thirds of it.
    pub claim_lease: Duration,
    /// When a change that could not be decided is tried again.
    pub inbox_retries: RetrySchedule,
    /// How many links a worker claims at once to write them to Salesforce.
    pub claim_links: ClaimSize,
    /// How long a write to Salesforce may take in all. After a crash a link whose write may still be under way lies
    /// still for so long, and as long again as [`unanswered_within`](Self::unanswered_within) says.
    pub write_within: Duration,
    /// How long Salesforce may still work on a request whose sender gave up; only then its target tells how it ended.
    pub unanswered_within: Duration,
    /// How long a worker stays with a Bulk job that it started. One that takes longer is asked for again later.
    pub follow_within: Duration,
    /// How many workers may write to one connection's org at a time: where there are more, a slow org leaves some to
    /// the others.
    pub outbox_workers_per_connection: usize,
    /// When a link is tried again that could not be written.
    pub outbox_retries: RetrySchedule,
    /// How long a sync run stays with its worker unless it renews. After a crash this is how long a run lies still.
    pub sync_lease: Duration,
    /// When a run that met a passing failure is tried again, and after how many tries it is failed.
    pub sync_retries: RetrySchedule,
    /// How long work waits while the org's daily API allowance is used up.
    pub parked: Duration,
    /// How long work waits that met trouble of the gateway's own store, however often it has met it.
    pub store_pause: Duration,
    /// How often instant syncs of a connection come by themselves whose admin set nothing; `None`: never.
    pub instant_every: Option<Duration>,
    /// The latest version of the package in an org.
    pub latest_package: PackageRelease,
    /// Rows of an initial sync that are applied in one unit.
    pub batch_rows: usize,
    /// Rows asked for in one page of Bulk results.
    pub page_rows: u32,
}

impl Default for AppOptions {
    fn default() -> Self {
        AppOptions {
            claim_heads: 200,
            claim_bytes: 4 << 20,
            claim_lease: Duration::from_secs(30),
            inbox_retries: RetrySchedule {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(300),
                attempts: u32::MAX,
            },
            claim_links: ClaimSize {
                usual: 200,
                bulk_from: 2_000,
                bulk: 5_000,
            },
            write_within: Duration::from_secs(60),
            unanswered_within: Duration::from_secs(600),
            follow_within: Duration::from_secs(60),
            outbox_workers_per_connection: usize::MAX,
            outbox_retries: RetrySchedule {
                first: Duration::from_secs(1),
                longest: Duration::from_secs(300),
                attempts: u32::MAX,
            },
            sync_lease: Duration::from_secs(10),
            sync_retries: RetrySchedule {
                first: Duration::from_secs(2),
                longest: Duration::from_secs(300),
                attempts: 8,
            },
            parked: Duration::from_secs(15 * 60),
            store_pause: Duration::from_secs(3),
            instant_every: None,
            latest_package: PackageRelease {
                version: package::LATEST_VERSION,
                id: None,
            },
            batch_rows: 500,
            page_rows: 50_000,
        }
    }
}

impl App {
    /// An app on these parts. What its clients spend of an org's allowance is counted in the store.
    pub fn new(
        store: Store,
        clock: Arc<dyn Clock>,
        salesforce: SalesforceClients,
        vault: Arc<Vault>,
        options: AppOptions,
    ) -> Self {
        let calls = StoredCalls {
            store: store.clone(),
            clock: Arc::clone(&clock),
        };
        App {
            store,
            clock,
            salesforce: salesforce.counted_by(Arc::new(calls)),
            vault,
            options,
            inbox_bell: Notify::new(),
            outbox_bell: Notify::new(),
            sync_bell: Notify::new(),
            users_bell: Notify::new(),
            budget_bell: Notify::new(),
            outgoing_turns: Turns::default(),
        }
    }

    /// The client of a connection.
    ///
    /// # Errors
    /// [`ClientError`] when the connection's key or address are of no use.
    pub(crate) fn salesforce_for(&self, connection: &Connection) -> Result<Arc<Salesforce>, ClientError> {
        self.salesforce.client(&self.vault, connection)
    }
}
