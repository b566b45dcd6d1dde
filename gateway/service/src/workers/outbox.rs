//! The loop of a worker that writes to Salesforce.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::outgoing::write_outgoing;
use crate::workers::complain;

/// The longest pause after the store failed again and again: people expect work to go on soon after it is mended.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) async fn run(app: Arc<App>, worker: String, poll: Duration, stop: CancellationToken) {
    let mut pause = poll;
    while !stop.is_cancelled() {
        match Box::pin(write_outgoing(&app, &worker, &stop)).await {
            Ok(round) if round.claimed > 0 => {
                pause = poll;
                continue;
            }
            Ok(_) => pause = poll,
            Err(error) => {
                complain(&error, "the outbox could not be read");
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        tokio::select! {
            () = app.outbox_bell.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => {}
        }
    }
}
