//! Deciding what the inbox holds.
//!
//! A round claims heads, decides all of them in one transaction, and settles them in the same one. Records of which
//! only a fresh reading can tell are read over REST, without any lock, and decided in a second transaction. What
//! fails goes back with its changes for later; nothing is ever dropped for having failed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use causeway_core::Instant;
use causeway_core::decide::ChangeSource;
use causeway_core::failure::{Call, Failure, NextStep, policy};
use causeway_core::id::{ConnectionId, InboxId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::ports::inbox::{ChangeKind, Claim, PendingChange};
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::{Lane, StoreError, Transaction};
use serde::de::IgnoredAny;

use causeway_store::Engine;

use crate::app::App;
use crate::app::apply::{News, Setting, apply};
use crate::app::reread::{Reread, reread};
use crate::app::{incoming, users};
use crate::failpoint;

/// How long heads of a connection that is switched off wait before they are looked at again.
const SWITCHED_OFF: Duration = Duration::from_secs(60);

/// What a round did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Round {
    /// Heads that were claimed. As many as a round may claim: there may be more.
    pub claimed: usize,
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
    let heads = claim(app, worker).await?;
    if heads.is_empty() {
        return Ok(Round::default());
    }
    failpoint::reached("inbox.claimed");
    let mut round = Round {
        claimed: heads.len(),
        ..Round::default()
    };
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
    match app.store.engine() {
        Engine::Sqlite => app.store.write(Lane::Interactive, |tx| tx.free_leases()).await,
        Engine::Postgres => Ok(0),
    }
}

async fn claim(app: &App, worker: &str) -> Result<Vec<Head>, StoreError> {
    let now = app.clock.now();
    let until = now + app.options.claim_lease;
    let limit = app.options.claim_heads;
    let worker = worker.to_owned();
    let (claims, pending) = app
        .store
        .write(Lane::Interactive, move |tx| {
            let claims = tx.claim(&worker, limit, now, until)?;
            let pending = if claims.is_empty() {
                Vec::new()
            } else {
                tx.pending(&claims)?
            };
            Ok((claims, pending))
        })
        .await?;
    let mut by_record: BTreeMap<(ConnectionId, String, SalesforceId), Vec<PendingChange>> = BTreeMap::new();
    for change in pending {
        let key = (
            change.connection,
            change.change.object.clone(),
            change.change.salesforce_id,
        );
        by_record.entry(key).or_default().push(change);
    }
    Ok(claims
        .into_iter()
        .map(|claim| {
            let key = (claim.connection, claim.object.clone(), claim.salesforce_id);
            Head {
                changes: by_record.remove(&key).unwrap_or_default(),
                claim,
            }
        })
        .collect())
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

/// The changes of one record that are worth deciding, oldest version first.
///
/// A newer full snapshot makes older ones needless. An older change that carries a field the newer ones do not is
/// kept, since a field that is absent says nothing. Two changes of one version with other contents are both kept:
/// the core then asks for a fresh reading.
fn coalesce(changes: &[PendingChange]) -> Vec<&PendingChange> {
    let mut sorted: Vec<&PendingChange> = changes.iter().collect();
    sorted.sort_by_key(|change| (change.change.version, change.id));
    if sorted.len() < 2 {
        return sorted;
    }
    let mut kept: Vec<(&PendingChange, BTreeSet<String>)> = Vec::new();
    for change in sorted.into_iter().rev() {
        let names = field_names(change);
        if !kept
            .iter()
            .any(|(newer, newer_names)| covers(newer, newer_names, change, &names))
        {
            kept.push((change, names));
        }
    }
    kept.into_iter().rev().map(|(change, _)| change).collect()
}

fn covers(
    newer: &PendingChange,
    newer_names: &BTreeSet<String>,
    older: &PendingChange,
    older_names: &BTreeSet<String>,
) -> bool {
    if newer.change.version == older.change.version {
        return newer.change.kind == older.change.kind && newer.change.fields == older.change.fields;
    }
    newer.change.kind == ChangeKind::Delete
        || older.change.kind == ChangeKind::Delete
        || older_names.is_subset(newer_names)
}

fn field_names(change: &PendingChange) -> BTreeSet<String> {
    serde_json::from_str::<BTreeMap<String, IgnoredAny>>(&change.change.fields)
        .map(|fields| fields.into_keys().collect())
        .unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use causeway_core::ports::inbox::ReceivedChange;
    use causeway_core::version::SalesforceVersion;
    use chrono::TimeDelta;

    use super::*;

    fn change(id: i64, seconds: i64, kind: ChangeKind, fields: &str) -> PendingChange {
        let moment = Instant::UNIX_EPOCH + TimeDelta::seconds(seconds);
        PendingChange {
            connection: ConnectionId(1),
            id: InboxId(id),
            change: ReceivedChange {
                object: "Contact".to_owned(),
                salesforce_id: SalesforceId::parse("003000000000001").unwrap(),
                kind,
                version: SalesforceVersion {
                    modstamp: moment,
                    observed: moment,
                },
                fields: fields.to_owned(),
                source: "pump".to_owned(),
            },
            received_at: moment,
        }
    }

    fn kept(changes: &[PendingChange]) -> Vec<i64> {
        coalesce(changes).iter().map(|change| change.id.0).collect()
    }

    use ChangeKind::{Delete, Upsert};

    #[test]
    fn only_the_newest_full_snapshot_is_decided_whatever_order_it_came_in() {
        let full = r#"{"A":1,"B":2}"#;
        assert_eq!(
            kept(&[
                change(1, 30, Upsert, full),
                change(2, 10, Upsert, full),
                change(3, 20, Upsert, full)
            ]),
            [1]
        );
    }

    #[test]
    fn an_older_change_with_a_field_of_its_own_is_decided_first() {
        assert_eq!(
            kept(&[
                change(1, 20, Upsert, r#"{"A":1}"#),
                change(2, 10, Upsert, r#"{"A":0,"B":2}"#)
            ]),
            [2, 1]
        );
    }

    #[test]
    fn a_delete_and_a_later_life_each_end_what_was_before() {
        assert_eq!(
            kept(&[change(1, 10, Upsert, r#"{"A":1}"#), change(2, 20, Delete, "{}")]),
            [2]
        );
        assert_eq!(
            kept(&[change(1, 10, Delete, "{}"), change(2, 20, Upsert, r#"{"A":1}"#)]),
            [2]
        );
    }

    #[test]
    fn the_same_version_with_other_content_is_kept_beside() {
        let (one, two) = (r#"{"A":1}"#, r#"{"A":2}"#);
        assert_eq!(
            kept(&[
                change(1, 10, Upsert, one),
                change(2, 10, Upsert, two),
                change(3, 10, Upsert, two)
            ]),
            [1, 3]
        );
    }
}
