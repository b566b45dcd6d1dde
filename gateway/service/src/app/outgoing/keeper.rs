//! Keeping claims while Salesforce is being asked.

use std::time::Duration;

use causeway_core::ports::Lane;
use causeway_core::ports::outbox::OutgoingClaim;
use tokio::task::JoinHandle;

use crate::app::App;

/// Moves the end of claims on in the background, until it is dropped.
#[derive(Debug)]
pub(super) struct Keeper(JoinHandle<()>);

impl Keeper {
    /// Keeps claims. One that is lost all the same is noticed by the units, which write nothing for it.
    pub(super) fn of(app: &App, claims: Vec<OutgoingClaim>) -> Self {
        let (store, clock, length) = (
            app.store.clone(),
            std::sync::Arc::clone(&app.clock),
            app.options.claim_lease,
        );
        Keeper(tokio::spawn(async move {
            let mut claims = claims;
            while !claims.is_empty() {
                tokio::time::sleep(renewal(length)).await;
                let held = claims.clone();
                let until = clock.now() + length;
                match store
                    .write(Lane::Interactive, move |tx| tx.extend_outgoing(&held, until))
                    .await
                {
                    Ok(still) => claims = still,
                    // The next try may still come in time.
                    Err(error) => tracing::warn!(%error, "claims of the outbox could not be extended"),
                }
            }
        }))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn renewal(length: Duration) -> Duration {
    length / 3
}
