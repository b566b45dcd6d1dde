//! Work that nobody waits for: deciding what the inbox holds, writing to Salesforce, matching users, and
//! working on sync runs.

mod inbox;
mod outbox;
mod schedule;
mod sync;
mod users;

use std::sync::Arc;
use std::time::Duration;

use causeway_core::ports::StoreError;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::app::inbox::free_earlier_claims;

/// How many workers there are, and how they wait and stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerOptions {
    /// Workers that decide the inbox. One is enough on SQLite, which has one writer.
    pub inbox: usize,
    /// Workers that write to Salesforce. Each works on one mapping of one connection at a time.
    pub outbox: usize,
    /// How often work is looked for when nobody rings: what other processes queued, and what was postponed.
    pub poll: Duration,
    /// Connections that are synced at a time.
    pub syncs: usize,
    /// How long stopping waits for work under way. What is cut off then goes on after the next start.
    pub stop_within: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        WorkerOptions {
            inbox: 2,
            outbox: 3,
            poll: Duration::from_secs(1),
            syncs: 2,
            stop_within: Duration::from_secs(20),
        }
    }
}

/// Says that the store failed a worker. Of a full disk the store itself tells, once in a while and not at every try.
fn complain(error: &StoreError, what: &'static str) {
    match error {
        StoreError::Full { .. } => tracing::debug!(%error, what, "the store failed a worker"),
        _ => tracing::warn!(%error, what, "the store failed a worker"),
    }
}

/// Running workers.
#[derive(Debug)]
pub struct Workers {
    tasks: JoinSet<()>,
    stop: CancellationToken,
    stop_within: Duration,
}

/// Starts the workers. Claims that an earlier process left behind are freed first, where the database belongs to
/// one process.
///
/// # Errors
/// When the store fails.
pub async fn start(app: Arc<App>, options: WorkerOptions) -> Result<Workers, StoreError> {
    let freed = free_earlier_claims(&app).await?;
    if freed > 0 {
        tracing::info!(freed, "claims of an earlier process were freed");
    }
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for number in 0..options.inbox.max(1) {
        let name = format!("{}-{number}", uuid::Uuid::new_v4());
        tasks.spawn(inbox::run(Arc::clone(&app), name, options.poll, stop.clone()));
    }
    for number in 0..options.outbox.max(1) {
        let name = format!("{}-{number}", uuid::Uuid::new_v4());
        tasks.spawn(outbox::run(Arc::clone(&app), name, options.poll, stop.clone()));
    }
    tasks.spawn(schedule::run(Arc::clone(&app), stop.clone()));
    tasks.spawn(users::run(Arc::clone(&app), stop.clone()));
    tasks.spawn(sync::run(app, options.syncs.max(1), options.poll, stop.clone()));
    Ok(Workers {
        tasks,
        stop,
        stop_within: options.stop_within,
    })
}

impl Workers {
    /// Whether all workers run. A worker that ended by a defect makes this false.
    pub fn are_running(&mut self) -> bool {
        self.tasks.try_join_next().is_none() && !self.stop.is_cancelled()
    }

    /// Lets work under way end at its next durable step, within the time of the options, and ends the workers.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let ended = tokio::time::timeout(self.stop_within, async {
            while self.tasks.join_next().await.is_some() {}
        })
        .await;
        if ended.is_err() {
            tracing::warn!("workers were cut off; their work goes on after the next start");
            self.tasks.shutdown().await;
        }
    }
}
