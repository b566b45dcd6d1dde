//! The lease that lets one worker at a time sync a connection.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::Clock;

const NAME: &str = "sync";

/// A held lease. It renews itself in the background; [`Pass::check`] tells within a transaction whether it is
/// still held, so that a worker that was overtaken writes nothing more.
#[derive(Debug)]
pub(super) struct Lease {
    pass: Pass,
    lost: CancellationToken,
    renewal: JoinHandle<()>,
}

/// What proves the lease inside a unit.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    connection: ConnectionId,
    owner: String,
    fence: i64,
    length: Duration,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Lease {
    /// Takes the connection's lease; `None` while another worker holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn take(app: &App, connection: ConnectionId) -> Result<Option<Self>, StoreError> {
        let owner = uuid::Uuid::new_v4().to_string();
        let length = app.options.sync_lease;
        let (name, now) = (owner.clone(), app.clock.now());
        let fence = app
            .store
            .write(Lane::Interactive, move |tx| {
                tx.hold_lease(connection, NAME, &name, now, now + length)
            })
            .await?;
        let Some(fence) = fence else {
            return Ok(None);
        };
        let pass = Pass {
            connection,
            owner,
            fence,
            length,
            store: app.store.clone(),
            clock: Arc::clone(&app.clock),
        };
        let lost = CancellationToken::new();
        let renewal = tokio::spawn(renew(pass.clone(), lost.clone()));
        Ok(Some(Lease { pass, lost, renewal }))
    }

    /// A pass to take into units.
    pub(super) fn pass(&self) -> Pass {
        self.pass.clone()
    }

    /// Ends when the lease is lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Gives the lease back. A failure is of no matter: it runs out by itself.
    pub(super) async fn release(self) {
        self.renewal.abort();
        let pass = self.pass.clone();
        let released = self
            .pass
            .store
            .write(Lane::Interactive, move |tx| {
                tx.release_lease(pass.connection, NAME, &pass.owner)
            })
            .await;
        if let Err(error) = released {
            tracing::warn!(%error, "a sync lease could not be given back; it runs out by itself");
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

impl Pass {
    /// The connection that the lease is of.
    pub(super) fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// Renews the lease within a unit. `false`: it changed hands, and the unit must write nothing.
    pub(super) fn check(&self, tx: &mut dyn Transaction, now: Instant) -> Result<bool, StoreError> {
        let until = now + self.length;
        Ok(tx.hold_lease(self.connection, NAME, &self.owner, now, until)? == Some(self.fence))
    }
}

async fn renew(pass: Pass, lost: CancellationToken) {
    loop {
        tokio::time::sleep(pass.length / 3).await;
        let (held, now) = (pass.clone(), pass.clock.now());
        let renewed = pass
            .store
            .write(Lane::Interactive, move |tx| held.check(tx, now))
            .await;
        match renewed {
            Ok(true) => {}
            Ok(false) => {
                lost.cancel();
                return;
            }
            // The next try may still come in time; units check for themselves.
            Err(error) => tracing::warn!(%error, "a sync lease could not be renewed"),
        }
    }
}
