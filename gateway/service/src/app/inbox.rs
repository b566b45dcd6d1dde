//! Deciding what the inbox holds.
//!
//! A round claims heads, decides all of them in one transaction, and settles them in the same one. Records of which
//! only a fresh reading can tell are read over REST, without any lock, and decided in a second transaction. What
//! fails goes back with its changes for later; nothing is ever dropped for having failed.
//!
//! A head whose worker ended without a word is under suspicion: its change may be what killed the process. Such
//! heads are decided one at a time, so that they take no others with them, and after a few times only once in a
//! long while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::decide::ChangeSource;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::{ConnectionId, InboxId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::inbox::{Claim, PendingChange};
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::{Lane, StoreError, Transaction};

use crate::app::App;
use crate::app::apply::{News, Setting, apply};
use crate::app::coalesce::coalesce;
use crate::app::reread::{Reread, reread};
use crate::app::{incoming, users};
use crate::failpoint;

/// How long heads of a connection that is switched off wait before they are looked at again.
const SWITCHED_OFF: Duration = Duration::from_secs(60);
/// So often in a row workers may end without a word over a head until it is put off.
const MOST_ABANDONED: u32 = 10;
/// How long a head is put off that so many workers did not survive.
const PUT_OFF: Duration = Duration::from_secs(3600);

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

/// A claimed head with its waiting changes, oldest first.
#[derive(Debug, Clone)]
struct Head {
    claim: Claim,
    changes: Vec<PendingChange>,
}

impl Head {
    /// The claim with the last change that was looked at.
    fn settlement(&self) -> Option<(Claim, InboxId)> {
        let last = self.changes.iter().map(|change| change.id).max()?;
        Some((self.claim.clone(), last))
    }
}

/// What deciding heads in one transaction ended with.
#[derive(Debug, Default)]
struct Decided {
    settled: usize,
    /// Records to read again, with the plans that need it.
    read_again: Vec<(Arc<MappingPlan>, SalesforceId)>,
    switched_off: bool,
}

/// Claims heads and decides them.
///
/// # Errors
/// When nothing could be claimed. What fails after that is postponed.
pub async fn decide_inbox(app: &App, worker: &str) -> Result<Round, StoreError> {
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

/// What a worker claimed.
#[derive(Default)]
struct Claimed {
    /// Heads with as many of their changes as fit.
    heads: Vec<Head>,
    /// Heads that too many workers did not survive.
    abandoned: Vec<Claim>,
    more: bool,
}

async fn claim(app: &App, worker: &str) -> Result<Claimed, StoreError> {
    let now = app.clock.now();
    let until = now + app.options.claim_lease;
    let limit = app.options.claim_heads;
    let most_bytes = app.options.claim_bytes;
    let worker = worker.to_owned();
    app.store
        .write(Lane::Interactive, move |tx| {
            let claims = tx.claim(&worker, limit, now, until)?;
            let mut more = u32::try_from(claims.len()).is_ok_and(|count| count >= limit);
            let (abandoned, claims): (Vec<Claim>, Vec<Claim>) = claims
                .into_iter()
                .partition(|claim| claim.abandoned >= MOST_ABANDONED);
            let (claims, mut left) = suspects_apart(claims);
            let mut heads = Vec::new();
            if !claims.is_empty() {
                let pending = tx.pending(&claims, most_bytes)?;
                heads = with_changes(claims, pending.changes);
                if pending.more {
                    more = true;
                    let unread = heads.extract_if(.., |head| head.changes.is_empty());
                    left.extend(unread.map(|head| head.claim));
                }
            }
            if !left.is_empty() {
                more = true;
                tx.give_back(&left, now)?;
            }
            Ok(Claimed {
                heads,
                abandoned,
                more,
            })
        })
        .await
}

/// Heads to decide together now, and heads to give back: those under suspicion come after all others, each alone.
fn suspects_apart(claims: Vec<Claim>) -> (Vec<Claim>, Vec<Claim>) {
    let (mut suspects, others): (Vec<Claim>, Vec<Claim>) =
        claims.into_iter().partition(|claim| claim.abandoned > 0);
    if others.is_empty() {
        let others = suspects.split_off(suspects.len().min(1));
        (suspects, others)
    } else {
        (others, suspects)
    }
}

fn with_changes(claims: Vec<Claim>, pending: Vec<PendingChange>) -> Vec<Head> {
    let mut by_record: BTreeMap<(ConnectionId, String, SalesforceId), Vec<PendingChange>> = BTreeMap::new();
    for change in pending {
        let key = (
            change.connection,
            change.change.object.clone(),
            change.change.salesforce_id,
        );
        by_record.entry(key).or_default().push(change);
    }
    claims
        .into_iter()
        .map(|claim| {
            let key = (claim.connection, claim.object.clone(), claim.salesforce_id);
            Head {
                changes: by_record.remove(&key).unwrap_or_default(),
                claim,
            }
        })
        .collect()
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
            .write(Lane::Interactive, move |tx| {
                tx.append_logs(claim.connection, &[abandoned_entry(&claim, at)])?;
                tx.postpone(&claim, at + PUT_OFF)
            })
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
            decide_unit(tx, connection, &heads, at)
        })
        .await
}

fn decide_unit(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    heads: &[Head],
    at: Instant,
) -> Result<Decided, StoreError> {
    if !tx.connection(connection)?.is_some_and(|known| known.enabled) {
        return Ok(Decided {
            switched_off: true,
            ..Decided::default()
        });
    }
    let plans = tx.plans(connection)?;
    let owners = users::directory(&tx.partner_users(connection)?);
    let mut decided = Decided::default();
    for plan in &plans {
        let of_plan = |head: &&Head| head.claim.object == plan.salesforce_object;
        let mut news = Vec::new();
        for head in heads.iter().filter(of_plan) {
            for change in coalesce(&head.changes) {
                news.push(News {
                    incoming: incoming::from_change(plan, &change.change).map_err(unreadable)?,
                    source: ChangeSource::Push { inbox: change.id },
                });
            }
        }
        let setting = Setting {
            connection,
            plan,
            owners: &owners,
            at,
        };
        let applied = apply(tx, &setting, &news)?;
        let again = applied.read_again.into_iter().map(|id| (Arc::clone(plan), id));
        decided.read_again.extend(again);
    }
    let unmapped: Vec<NewLogEntry> = heads
        .iter()
        .filter(|head| {
            !plans
                .iter()
                .any(|plan| plan.salesforce_object == head.claim.object)
        })
        .map(|head| unmapped_entry(head, at))
        .collect();
    if !unmapped.is_empty() {
        tx.append_logs(connection, &unmapped)?;
    }
    let settlements: Vec<(Claim, InboxId)> = heads
        .iter()
        .filter(|head| {
            !decided.read_again.iter().any(|(plan, id)| {
                *id == head.claim.salesforce_id && plan.salesforce_object == head.claim.object
            })
        })
        .filter_map(Head::settlement)
        .collect();
    decided.settled = tx.settle(&settlements)?.len();
    Ok(decided)
}

async fn finish(app: &App, connection: ConnectionId, heads: &[Head], decided: Decided, round: &mut Round) {
    if decided.switched_off {
        postpone(app, heads, SWITCHED_OFF, round).await;
        return;
    }
    failpoint::reached("inbox.decided");
    round.settled += decided.settled;
    if decided.read_again.is_empty() {
        return;
    }
    let waiting: Vec<Head> = heads
        .iter()
        .filter(|head| {
            decided.read_again.iter().any(|(plan, id)| {
                *id == head.claim.salesforce_id && plan.salesforce_object == head.claim.object
            })
        })
        .cloned()
        .collect();
    let settlements = waiting.iter().filter_map(Head::settlement).collect();
    match reread(app, connection, &decided.read_again, settlements).await {
        Ok(settled) => {
            failpoint::reached("inbox.decided");
            round.settled += settled;
        }
        Err(Reread::Failed(failure)) => {
            let policy = policy(&failure, Call::Read);
            tracing::warn!(%connection, ?failure, advice = policy.advice, "records could not be read again");
            let delay = if policy.next == NextStep::Park {
                app.options.parked
            } else {
                later(app, &waiting)
            };
            postpone(app, &waiting, delay, round).await;
        }
        Err(Reread::Store(error)) => {
            tracing::error!(%connection, %error, "fresh readings could not be applied");
            postpone(app, &waiting, later(app, &waiting), round).await;
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
    let ready_at = app.clock.now() + delay;
    let claims: Vec<Claim> = heads.iter().map(|head| head.claim.clone()).collect();
    let count = claims.len();
    let postponed = app
        .store
        .write(Lane::Interactive, move |tx| {
            claims.iter().try_for_each(|claim| tx.postpone(claim, ready_at))
        })
        .await;
    match postponed {
        Ok(()) => round.postponed += count,
        // The lease runs out by itself, so the heads come back all the same.
        Err(error) => {
            tracing::error!(%error, "heads could not be given back; they come back with their lease")
        }
    }
}

fn unmapped_entry(head: &Head, at: Instant) -> NewLogEntry {
    NewLogEntry {
        at,
        direction: LogDirection::Incoming,
        method: LogMethod::Put,
        status: 404,
        object: head.claim.object.clone(),
        salesforce_id: Some(head.claim.salesforce_id),
        record: None,
        run: None,
        data: head
            .changes
            .last()
            .map(|change| change.change.fields.clone())
            .unwrap_or_else(|| "{}".to_owned()),
        cause: "the object's mapping was taken away after this change had come in".to_owned(),
    }
}

/// Receiving lets only readable changes in, so this is a defect and stays visible as one.
fn unreadable(failure: Failure) -> StoreError {
    StoreError::Corrupt {
        detail: format!("a change in the inbox: {failure:?}"),
    }
}

fn abandoned_entry(claim: &Claim, at: Instant) -> NewLogEntry {
    NewLogEntry {
        at,
        direction: LogDirection::Incoming,
        method: LogMethod::Put,
        status: 500,
        object: claim.object.clone(),
        salesforce_id: Some(claim.salesforce_id),
        record: None,
        run: None,
        data: "{}".to_owned(),
        cause: format!(
            "the gateway ended {} times in a row while it decided this record's changes; they are kept and tried \
             again in {} minutes, or when the record changes again. Tell whoever operates the gateway",
            claim.abandoned,
            PUT_OFF.as_secs() / 60
        ),
    }
}
