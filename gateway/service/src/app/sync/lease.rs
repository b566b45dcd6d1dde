//! The lease that lets one worker at a time sync a connection.
//!
//! Instant syncs have one of their own, so that they go on beside a long run over everything.

use std::sync::Arc;
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, RunId};
use causeway_core::ports::runs::RunKind;
use causeway_core::ports::{Lane, StoreError, Transaction};
use causeway_store::Store;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::clock::Clock;

/// The lease of runs over everything.
const WHOLE: &str = "sync";
/// The lease of instant syncs.
const INSTANT: &str = "instant";

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
    name: &'static str,
    owner: String,
    fence: i64,
    length: Duration,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl Lease {
    /// Takes the connection's lease for a run; `None` while another worker holds it.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn take(
        app: &App,
        connection: ConnectionId,
        run: RunId,
    ) -> Result<Option<Self>, StoreError> {
        let name = match app.store.read(move |tx| tx.run(connection, run)).await {
            Ok(Some(run)) if run.kind == RunKind::Instant => INSTANT,
            // A run that cannot be read is failed under this lease.
            Ok(_) | Err(StoreError::Corrupt { .. }) => WHOLE,
            Err(error) => return Err(error),
        };
        let owner = uuid::Uuid::new_v4().to_string();
        let length = app.options.sync_lease;
        let (holder, now) = (owner.clone(), app.clock.now());
        let fence = app
            .store
            .write(Lane::Interactive, move |tx| {
                tx.hold_lease(connection, name, &holder, now, now + length)
            })
            .await?;
        let Some(fence) = fence else {
            return Ok(None);
        };
        let pass = Pass {
            connection,
            name,
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
                tx.release_lease(pass.connection, pass.name, &pass.owner)
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
        Ok(tx.hold_lease(self.connection, self.name, &self.owner, now, until)? == Some(self.fence))
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
