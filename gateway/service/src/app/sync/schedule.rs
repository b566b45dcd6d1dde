//! When instant syncs come by themselves.

use std::time::Duration;

use causeway_core::ports::StoreError;
use causeway_core::ports::runs::RunKind;

use crate::app::App;
use crate::app::sync::{StartError, start};

/// Newest runs of a connection among which its last instant sync is looked for.
const LOOKED_AT: u32 = 50;

/// Queues an instant sync of every connection that is switched on, mapped, and had none queued for so long. Several
/// gateways that share a database may do this side by side: a run that is not finished is not doubled.
///
/// # Errors
/// When the store fails.
pub async fn start_due(app: &App, every: Duration) -> Result<(), StoreError> {
    let now = app.clock.now();
    let due = app
        .store
        .read(move |tx| {
            let mut due = Vec::new();
            for connection in tx.connections()? {
                if !connection.enabled || tx.plans(connection.id)?.is_empty() {
                    continue;
                }
                let last = tx
                    .runs(connection.id, None, LOOKED_AT)?
                    .into_iter()
                    .find(|run| run.kind == RunKind::Instant)
                    .map(|run| run.created_at);
                if last.is_none_or(|last| last + every <= now) {
                    due.push(connection.id);
                }
            }
            Ok(due)
        })
        .await?;
    for connection in due {
        match start(app, connection, RunKind::Instant, Vec::new()).await {
            Ok(run) => tracing::debug!(%connection, %run, "an instant sync is due"),
            Err(StartError::Store(error)) => return Err(error),
            // Switched off, or its mappings taken away, since it was looked at.
            Err(error) => tracing::debug!(%connection, %error, "no instant sync"),
        }
    }
    Ok(())
}
