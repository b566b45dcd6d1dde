//! The budget of Salesforce calls, kept in the store: what every process of the gateway spends counts together.

use std::sync::Arc;

use causeway_core::Instant;
use causeway_core::budget;
use causeway_core::failure::Failure;
use causeway_core::id::ConnectionId;
use causeway_core::ports::Lane;
use causeway_store::Store;
use futures_util::future::BoxFuture;

use crate::app::failure::store_failure;
use crate::clock::Clock;
use crate::salesforce::budget::{Block, CallLedger};

/// The ledger of all connections.
#[derive(Debug)]
pub(super) struct StoredCalls {
    pub store: Store,
    pub clock: Arc<dyn Clock>,
}

impl CallLedger for StoredCalls {
    fn lease(
        &self,
        connection: ConnectionId,
        wanted: u32,
        lane: Lane,
    ) -> BoxFuture<'_, Result<Block, Failure>> {
        Box::pin(async move {
            let now = self.clock.now();
            let calls = self
                .store
                .write(Lane::Interactive, move |tx| {
                    let Some(known) = tx.connection(connection)? else {
                        return Ok(0);
                    };
                    let cap = budget::cap(known.daily_calls, known.daily_allowance);
                    tx.take_calls(connection, wanted, budget::usable(cap, lane), now)
                })
                .await
                .map_err(|error| store_failure(&error))?;
            Ok(Block {
                calls,
                leased_at: now,
            })
        })
    }

    fn give_back(&self, connection: ConnectionId, left: Block) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async move {
            self.store
                .write(Lane::Interactive, move |tx| {
                    tx.give_calls_back(connection, left.calls, left.leased_at)
                })
                .await
                .map_err(|error| store_failure(&error))
        })
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}
