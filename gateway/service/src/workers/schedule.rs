//! The loop for what comes by itself: instant syncs, and forgetting what is kept for a while only.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::idempotency::forget_old;
use crate::app::sync::start_due;
use crate::workers::complain;

/// How often it is looked what is due, at least.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often old answers are forgotten, the first time when the gateway starts.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

pub(super) async fn run(app: Arc<App>, stop: CancellationToken) {
    let instant_every = app.options.instant_every;
    let mut forget_at = Instant::now();
    while !stop.is_cancelled() {
        if let Err(error) = start_due(&app, instant_every).await {
            complain(
                &error,
                "instant syncs could not be queued; they are as soon as the store answers",
            );
        }
        if forget_at <= Instant::now() {
            forget_at = Instant::now() + FORGET_EVERY;
            match forget_old(&app, &stop).await {
                Ok(0) => {}
                Ok(forgotten) => tracing::info!(forgotten, "answers to old idempotency keys were forgotten"),
                Err(error) => {
                    tracing::warn!(%error, "answers to old idempotency keys stay until the next hour");
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(instant_every.unwrap_or(LOOK_EVERY).min(LOOK_EVERY)) => {}
            () = stop.cancelled() => {}
        }
    }
}
