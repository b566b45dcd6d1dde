//! Deciding what the inbox holds.
//!
//! A round claims heads, decides all of them in one transaction, and settles them in the same one. Records of which
//! only a fresh reading can tell are read over REST, without any lock, and decided in a second transaction. What
//! fails goes back with its changes for later; nothing is ever dropped for having failed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::failure::{Call, NextStep, policy};
use causeway_core::id::ConnectionId;
use causeway_core::ports::inbox::Claim;
use causeway_core::ports::{Lane, StoreError};
use causeway_core::units::inbox::{self as unit, Claimed, Decided, Head, SWITCHED_OFF};
use tokio::time::Instant as Ticks;

use crate::app::App;
use crate::app::reread::{Reread, reread};
use crate::failpoint;

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Heads that were claimed and looked at.
    pub claimed: usize,
    /// Whether there may be more that is ready.
    pub more: bool,
    /// Heads that are settled.
    pub settled: usize,
    /// Heads that go back for later.
    pub postponed: usize,
}

/// Claims heads and decides them.
///
/// # Errors
/// When nothing could be claimed. What fails after that is postponed.
pub async fn decide_inbox(app: &App, worker: &str) -> Result<Round, StoreError> {
    // What is claimed on a full disk can neither be settled nor given back.
    app.store.room().await?;
    let Claimed {
        heads,
        abandoned,
        more,
    } = claim(app, worker).await?;
    let mut round = Round {
        claimed: heads.len() + abandoned.len(),
        more,
        ..Round::default()
    };
    if round.claimed == 0 {
        return Ok(round);
    }
    failpoint::reached("inbox.claimed");
    put_off(app, &abandoned, &mut round).await;
    let mut by_connection: BTreeMap<ConnectionId, Vec<Head>> = BTreeMap::new();
    for head in heads {
        by_connection.entry(head.claim.connection).or_default().push(head);
    }
    for (connection, heads) in by_connection {
        decide_connection(app, connection, heads, &mut round).await;
    }
    Ok(round)
}

/// Frees the claims that an ended process left behind, where the database belongs to one process; elsewhere they
/// run out by themselves. Returns how many were freed.
///
/// # Errors
/// When the store fails.
pub async fn free_earlier_claims(app: &App) -> Result<u64, StoreError> {
    if app.store.is_exclusive() {
        app.store.write(Lane::Interactive, |tx| tx.free_leases()).await
    } else {
        Ok(0)
    }
}

async fn claim(app: &App, worker: &str) -> Result<Claimed, StoreError> {
    let now = app.clock.now();
    let until = now + app.options.claim_lease;
    let limit = app.options.claim_heads;
    let most_bytes = app.options.claim_bytes;
    let worker = worker.to_owned();
    app.store
        .write(Lane::Interactive, move |tx| {
            unit::claim(tx, &worker, limit, most_bytes, now, until)
        })
        .await
}

/// Puts heads off that too many workers did not survive, and says so where people look.
async fn put_off(app: &App, claims: &[Claim], round: &mut Round) {
    let at = app.clock.now();
    for claim in claims {
        let claim = claim.clone();
        tracing::error!(connection = %claim.connection, object = claim.object, salesforce_id = %claim.salesforce_id,
            "workers ended again and again while they decided this record's changes; they are put off");
        let put_off = app
            .store
            .write(Lane::Interactive, move |tx| unit::put_off(tx, &claim, at))
            .await;
        match put_off {
            Ok(()) => round.postponed += 1,
            Err(error) => {
                tracing::error!(%error, "a head could not be put off; it comes back with its lease")
            }
        }
    }
}

async fn decide_connection(app: &App, connection: ConnectionId, heads: Vec<Head>, round: &mut Round) {
    let heads = Arc::new(heads);
    match decide_heads(app, connection, &heads).await {
        Ok(decided) => finish(app, connection, &heads, decided, round).await,
        Err(StoreError::Full { detail }) => {
            tracing::debug!(%connection, detail, "changes wait until there is room");
            postpone(app, &heads, app.options.store_pause, round).await;
        }
        Err(error) if heads.len() == 1 => {
            tracing::error!(%connection, %error, "a change could not be decided; it stays for later");
            postpone(app, &heads, later(app, &heads), round).await;
        }
        Err(error) => {
            // One head may be at fault: alone, it cannot hold the others up.
            tracing::warn!(%connection, %error, "changes could not be decided together; deciding one by one");
            for head in heads.iter() {
                let one = vec![head.clone()];
                Box::pin(decide_connection(app, connection, one, round)).await;
            }
        }
    }
}

async fn decide_heads(
    app: &App,
    connection: ConnectionId,
    heads: &Arc<Vec<Head>>,
) -> Result<Decided, StoreError> {
    let at = app.clock.now();
    let heads = Arc::clone(heads);
    app.store
        .write(Lane::Interactive, move |tx| {
            unit::decide(tx, connection, &heads, at)
        })
        .await
}

async fn finish(app: &App, connection: ConnectionId, heads: &[Head], decided: Decided, round: &mut Round) {
    if decided.switched_off {
        postpone(app, heads, SWITCHED_OFF, round).await;
        return;
    }
    failpoint::reached("inbox.decided");
    round.settled += decided.settled;
    if decided.outgoing {
        app.outbox_bell.notify_one();
    }
    if decided.read_again.is_empty() {
        return;
    }
    let waiting = decided.waiting(heads);
    match reread(app, connection, &decided.read_again, &waiting).await {
        Ok(settled) => {
            failpoint::reached("inbox.decided");
            round.settled += settled.settled;
            if settled.outgoing {
                app.outbox_bell.notify_one();
            }
        }
        Err(Reread::Failed(failure)) => {
            let policy = policy(&failure, Call::Read);
            tracing::warn!(%connection, ?failure, advice = policy.advice, "records could not be read again");
            let delay = match policy.next {
                NextStep::Park => app.options.parked,
                NextStep::Pause => app.options.store_pause,
                _ => later(app, &waiting),
            };
            postpone(app, &waiting, delay, round).await;
        }
        Err(Reread::Store(error)) => {
            let delay = if matches!(error, StoreError::Full { .. }) {
                app.options.store_pause
            } else {
                tracing::error!(%connection, %error, "fresh readings could not be applied");
                later(app, &waiting)
            };
            postpone(app, &waiting, delay, round).await;
        }
    }
}

/// The wait that the most tried of these heads has earned.
fn later(app: &App, heads: &[Head]) -> Duration {
    let attempts = heads.iter().map(|head| head.claim.attempts).max().unwrap_or(0);
    let schedule = &app.options.inbox_retries;
    schedule
        .delay(attempts.saturating_add(1), rand::random())
        .unwrap_or(schedule.longest)
}

async fn postpone(app: &App, heads: &[Head], delay: Duration, round: &mut Round) {
    let claims: Vec<Claim> = heads.iter().map(|head| head.claim.clone()).collect();
    let count = claims.len();
    let lease = Ticks::now() + app.options.claim_lease;
    let postponed = loop {
        let (claims, ready_at) = (claims.clone(), app.clock.now() + delay);
        let postponed = app
            .store
            .write(Lane::Interactive, move |tx| unit::postpone(tx, &claims, ready_at))
            .await;
        match postponed {
            // Given back as soon as there is room, they need not lie still until their lease runs out.
            Err(StoreError::Full { .. }) if Ticks::now() < lease => {
                tokio::time::sleep(app.options.store_pause).await;
            }
            postponed => break postponed,
        }
    };
    match postponed {
        Ok(()) => round.postponed += count,
        // The lease runs out by itself, so the heads come back all the same.
        Err(error) => {
            tracing::error!(%error, "heads could not be given back; they come back with their lease")
        }
    }
}
