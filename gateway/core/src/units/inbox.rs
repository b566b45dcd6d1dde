//! Deciding what the inbox holds.
//!
//! A worker claims heads, decides all of them in one unit and settles them in the same one. Records of which only a
//! fresh reading can tell are read outside, without any lock, and settled in a further unit. What fails goes back
//! with its changes for later; nothing is ever dropped for having failed.
//!
//! A head whose worker ended without a word is under suspicion: its change may be what killed the process. Such
//! heads are decided one at a time, so that they take no others with them, and after a few times only once in a
//! long while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::Instant;
use crate::activity::Hour;
use crate::decide::{ChangeSource, HeldReason, Incoming, MergedInto};
use crate::failure::Failure;
use crate::id::{ConnectionId, InboxId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::mapping::reading::Reader;
use crate::ports::inbox::{ChangeKind, Claim, PendingChange};
use crate::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use crate::ports::{Lane, StoreError, Transaction};
use crate::units::posted::coalesce;
use crate::units::salesforce_news::{News, apply};
use crate::units::{Setting, directory};

/// How long heads of a connection that is switched off wait before they are looked at again.
pub const SWITCHED_OFF: Duration = Duration::from_secs(60);
/// So often in a row workers may end without a word over a head until it is put off.
pub const MOST_ABANDONED: u32 = 10;
/// How long a head is put off that so many workers did not survive.
pub const PUT_OFF: Duration = Duration::from_secs(3600);

/// A claimed head with its waiting changes, oldest first.
#[derive(Debug, Clone)]
pub struct Head {
    /// The claim.
    pub claim: Claim,
    /// Its changes, or as many of the oldest as fitted.
    pub changes: Vec<PendingChange>,
}

impl Head {
    /// The claim with the last change that was looked at.
    pub fn settlement(&self) -> Option<(Claim, InboxId)> {
        let last = self.changes.iter().map(|change| change.id).max()?;
        Some((self.claim.clone(), last))
    }
}

/// What a worker claimed.
#[derive(Debug, Default)]
pub struct Claimed {
    /// Heads with as many of their changes as fit.
    pub heads: Vec<Head>,
    /// Heads that too many workers did not survive, to be [put off](put_off).
    pub abandoned: Vec<Claim>,
    /// Whether there may be more that is ready.
    pub more: bool,
}

/// What deciding heads in one unit ended with.
#[derive(Debug, Default)]
pub struct Decided {
    /// Heads that are settled.
    pub settled: usize,
    /// Records to read again, with the plans that need it. Their heads are not settled.
    pub read_again: Vec<(Arc<MappingPlan>, SalesforceId)>,
    /// The connection is switched off: nothing was decided.
    pub switched_off: bool,
    /// Whether something may have to be written to Salesforce now.
    pub outgoing: bool,
}

impl Decided {
    /// Those of the decided heads that wait for a fresh reading.
    pub fn waiting(&self, heads: &[Head]) -> Vec<Head> {
        heads.iter().filter(|head| self.waits(head)).cloned().collect()
    }

    fn waits(&self, head: &Head) -> bool {
        self.read_again
            .iter()
            .any(|(plan, id)| *id == head.claim.salesforce_id && plan.salesforce_object == head.claim.object)
    }
}

/// What fresh readings of one mapping's records say.
#[derive(Debug)]
pub struct Readings {
    /// The plan that they were read for.
    pub plan: Arc<MappingPlan>,
    /// What is known now.
    pub news: Vec<News>,
    /// Records that Salesforce neither shows nor remembers as deleted.
    pub out_of_sight: Vec<SalesforceId>,
}

impl Readings {
    /// Keeps what pushes told of when fields were edited, which no reading shows. Only of the version that was read: of
    /// a later one it may not be true any more.
    pub fn keep_edit_times(&mut self, heads: &[Head]) {
        let object = &self.plan.salesforce_object;
        for news in &mut self.news {
            let Incoming::Present(snapshot) = &mut news.incoming else {
                continue;
            };
            let told = heads
                .iter()
                .filter(|head| {
                    head.claim.salesforce_id == snapshot.salesforce_id && head.claim.object == *object
                })
                .flat_map(|head| &head.changes)
                .filter(|change| change.change.version.modstamp == snapshot.version.modstamp)
                .flat_map(|change| &change.change.changed);
            for (field, at) in told {
                let known = snapshot.changed.entry(field.clone()).or_insert(*at);
                *known = (*known).max(*at);
            }
        }
    }

    /// Takes a delete that was pushed for true where Salesforce neither shows the record nor remembers it: it was
    /// erased in between. Whether it was merged is past finding out; it counts as not merged.
    pub fn believe_deletes(&mut self, heads: &[Head]) {
        let news = &mut self.news;
        let object = &self.plan.salesforce_object;
        self.out_of_sight.retain(|id| {
            let told = heads
                .iter()
                .filter(|head| head.claim.salesforce_id == *id && head.claim.object == *object)
                .flat_map(|head| &head.changes)
                .max_by_key(|change| (change.change.version, change.id))
                .filter(|newest| newest.change.kind == ChangeKind::Delete);
            let Some(delete) = told else {
                return true;
            };
            news.push(News {
                incoming: Incoming::Deleted {
                    salesforce_id: *id,
                    version: delete.change.version,
                    merged: MergedInto::Nothing,
                    external_id: None,
                },
                source: ChangeSource::Push { inbox: delete.id },
            });
            false
        });
    }
}

/// Claims up to `most` heads with up to `most_bytes` of their changes, until `until`.
///
/// # Errors
/// When the store fails.
pub fn claim(
    tx: &mut dyn Transaction,
    worker: &str,
    most: u32,
    most_bytes: usize,
    now: Instant,
    until: Instant,
) -> Result<Claimed, StoreError> {
    let claims = tx.claim(worker, most, now, until)?;
    let mut more = u32::try_from(claims.len()).is_ok_and(|count| count >= most);
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
}

/// Puts a head off that too many workers did not survive, and says so where people look.
///
/// # Errors
/// When the store fails.
pub fn put_off(tx: &mut dyn Transaction, claim: &Claim, at: Instant) -> Result<(), StoreError> {
    tx.append_logs(claim.connection, &[abandoned_entry(claim, at)])?;
    tx.postpone(claim, at + PUT_OFF)
}

/// Gives heads back with their changes, for later.
///
/// # Errors
/// When the store fails.
pub fn postpone(tx: &mut dyn Transaction, claims: &[Claim], ready_at: Instant) -> Result<(), StoreError> {
    claims.iter().try_for_each(|claim| tx.postpone(claim, ready_at))
}

/// Decides on the changes of heads of one connection and settles those that need no fresh reading.
///
/// # Errors
/// When the store fails, or holds a change that makes no sense. Nothing is written then.
pub fn decide(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    heads: &[Head],
    at: Instant,
) -> Result<Decided, StoreError> {
    let Some(known) = tx.connection(connection)?.filter(|known| known.enabled) else {
        return Ok(Decided {
            switched_off: true,
            ..Decided::default()
        });
    };
    let plans = tx.plans(connection)?;
    let owners = directory(&tx.partner_users(connection)?);
    let mut decided = Decided::default();
    let mut crossed = Hour::default();
    for plan in &plans {
        let reader = Reader {
            plan,
            gateway_user: known.integration_user,
        };
        let of_plan = |head: &&Head| head.claim.object == plan.salesforce_object;
        let mut news = Vec::new();
        for head in heads.iter().filter(of_plan) {
            for change in coalesce(&head.changes) {
                news.push(News {
                    incoming: reader.change(&change.change).map_err(unreadable)?,
                    source: ChangeSource::Push { inbox: change.id },
                });
            }
        }
        let setting = Setting {
            connection,
            plan,
            owners: &owners,
            at,
            lane: Lane::Interactive,
        };
        let applied = apply(tx, &setting, &news)?;
        decided.outgoing |= applied.outgoing;
        crossed.add(&Hour::of_news(&applied.outcomes));
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
        .filter(|head| !decided.waits(head))
        .filter_map(Head::settlement)
        .collect();
    note_lags(&mut crossed, heads, &decided, at);
    if !crossed.is_empty() {
        tx.note_activity(connection, at, &crossed)?;
    }
    decided.settled = tx.settle(&settlements)?.len();
    Ok(decided)
}

/// Counts how long the newest change of each settled head took from its save to here.
fn note_lags(crossed: &mut Hour, heads: &[Head], decided: &Decided, at: Instant) {
    for head in heads.iter().filter(|head| !decided.waits(head)) {
        let saved = head
            .changes
            .iter()
            .map(|change| change.change.version.modstamp)
            .max();
        if let Some(saved) = saved {
            crossed.lags.note(saved, at);
        }
    }
}

/// What was decided on fresh readings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettledReadings {
    /// Heads that are settled.
    pub settled: usize,
    /// Whether something may have to be written to Salesforce now.
    pub outgoing: bool,
}

/// Decides on fresh readings and settles the heads that waited for them.
///
/// # Errors
/// When the store fails. Nothing is written then.
pub fn settle_readings(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    readings: &[Readings],
    settlements: &[(Claim, InboxId)],
    at: Instant,
) -> Result<SettledReadings, StoreError> {
    let owners = directory(&tx.partner_users(connection)?);
    let mut outgoing = false;
    for reading in readings {
        let setting = Setting {
            connection,
            plan: &reading.plan,
            owners: &owners,
            at,
            lane: Lane::Interactive,
        };
        let applied = apply(tx, &setting, &reading.news)?;
        outgoing |= applied.outgoing;
        let crossed = Hour::of_news(&applied.outcomes);
        if !crossed.is_empty() {
            tx.note_activity(connection, at, &crossed)?;
        }
        let entries = out_of_sight_entries(reading, at);
        if !entries.is_empty() {
            tx.append_logs(connection, &entries)?;
        }
    }
    Ok(SettledReadings {
        settled: tx.settle(settlements)?.len(),
        outgoing,
    })
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

/// Receiving lets only readable changes in, so this is a defect and stays visible as one.
fn unreadable(failure: Failure) -> StoreError {
    StoreError::Corrupt {
        detail: format!("a change in the inbox: {failure:?}"),
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

/// A record that cannot be seen any more is not taken for deleted: it may only have been hidden from the
/// integration user, and a person can tell.
fn out_of_sight_entries(reading: &Readings, at: Instant) -> Vec<NewLogEntry> {
    reading
        .out_of_sight
        .iter()
        .map(|id| NewLogEntry {
            at,
            direction: LogDirection::Incoming,
            method: LogMethod::Get,
            status: 404,
            object: reading.plan.partner_object.clone(),
            salesforce_id: Some(*id),
            record: None,
            run: None,
            data: "{}".to_owned(),
            cause: HeldReason::OutOfSight.summary(),
        })
        .collect()
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
