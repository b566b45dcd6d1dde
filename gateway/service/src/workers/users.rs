//! The loop that matches users of connections whose package was paired before their first sync.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::users::first::FirstMatches;
use crate::workers::complain;

/// How often it is looked, at least: packages are paired by other processes too.
const LOOK_EVERY: Duration = Duration::from_secs(10);

pub(super) async fn run(app: Arc<App>, stop: CancellationToken) {
    let mut matches = FirstMatches::default();
    while !stop.is_cancelled() {
        tokio::select! {
            looked = matches.make_due(&app) => {
                if let Err(error) = looked {
                    complain(&error, "connections could not be read; their users are matched later");
                }
            }
            () = stop.cancelled() => break,
        }
        tokio::select! {
            () = app.users_bell.notified() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}
