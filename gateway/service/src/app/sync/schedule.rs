//! When instant syncs come by themselves.

use std::time::Duration;

use causeway_core::ports::StoreError;
use causeway_core::ports::runs::{RunFilter, RunKind};
use causeway_core::ports::settings::AdminSettings;

use crate::app::App;
use crate::app::sync::{StartError, start};

/// How often instant syncs of a connection come by themselves; none: never. What the org's admin set comes before
/// what the gateway is configured with.
pub fn instant_every(settings: &AdminSettings, configured: Option<Duration>) -> Option<Duration> {
    match settings.instant {
        None => configured,
        Some(schedule) => schedule
            .enabled
            .then(|| Duration::from_secs(60 * u64::from(schedule.interval_minutes))),
    }
}

/// Queues an instant sync of every connection that is switched on, mapped, and had none queued for as long as its
/// admin set, or the gateway is configured with. Several gateways that share a database may do this side by side: a
/// run that is not finished is not doubled.
///
/// # Errors
/// When the store fails.
pub async fn start_due(app: &App, configured: Option<Duration>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let due = app
        .store
        .read(move |tx| {
            let mut due = Vec::new();
            for connection in tx.connections()? {
                let settings = tx.settings(connection.id)?;
                let Some(every) = instant_every(&settings, configured) else {
                    continue;
                };
                if !connection.enabled || tx.plans(connection.id)?.is_empty() {
                    continue;
                }
                let instant = RunFilter {
                    kind: Some(RunKind::Instant),
                    state: None,
                };
                let newest = tx.runs(connection.id, instant, None, 1)?;
                if newest.first().is_none_or(|last| last.created_at + every <= now) {
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
            // Switched off, or its mappings or the data owner taken away, since it was looked at.
            Err(error) => tracing::debug!(%connection, %error, "no instant sync"),
        }
    }
    Ok(())
}
