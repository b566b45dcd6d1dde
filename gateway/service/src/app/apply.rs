//! The one way in which news of Salesforce records is decided on and written: by the inbox, by syncs, and after a
//! fresh reading.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use causeway_core::Instant;
use causeway_core::decide::inbound::{Known, decide};
use causeway_core::decide::{
    ChangeSource, Decision, Effects, HeldReason, Incoming, LinkStatus, Outcome, Presence, RecordState,
    Snapshot,
};
use causeway_core::id::{ConnectionId, RecordId, SalesforceId};
use causeway_core::mapping::MappingPlan;
use causeway_core::mapping::convert::partner_json;
use causeway_core::owners::OwnerDirectory;
use causeway_core::ports::links::{Caused, Linked, Write};
use causeway_core::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use causeway_core::ports::{StoreError, Transaction};
use causeway_core::record::{FieldValue, Fields};
use serde_json::{Value, json};

/// What all news of one call shares.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Connection.
    pub connection: ConnectionId,
    /// Plan in force.
    pub plan: &'a MappingPlan,
    /// Users of both sides.
    pub owners: &'a OwnerDirectory,
    /// Now.
    pub at: Instant,
}

/// News of one record, and who brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The news.
    pub incoming: Incoming,
    /// Who brought it.
    pub source: ChangeSource,
}

/// What the news amounted to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// How often each outcome came.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// News that changed nothing.
    pub dropped: u64,
    /// Records that only a fresh reading can tell about. They are in neither count.
    pub read_again: Vec<SalesforceId>,
}

/// Decides on news of records of one mapping and writes what follows, with its log.
///
/// Must run in the transaction that settles the news. News of one record may come several times; it is then decided
/// in the order given.
///
/// # Errors
/// [`StoreError::Conflict`] when a link changed since it was read: the unit runs again.
pub fn apply(tx: &mut dyn Transaction, setting: &Setting<'_>, news: &[News]) -> Result<Applied, StoreError> {
    let mut applied = Applied::default();
    for round in rounds(news) {
        apply_round(tx, setting, round, &mut applied)?;
    }
    Ok(applied)
}

/// Cuts news so that no record comes twice in one cut: what is decided second must see what was written first.
fn rounds(news: &[News]) -> Vec<&[News]> {
    let mut rounds = Vec::new();
    let mut seen = HashSet::with_capacity(news.len());
    let mut from = 0;
    for (at, one) in news.iter().enumerate() {
        if !seen.insert(one.incoming.salesforce_id()) {
            rounds.extend(news.get(from..at));
            from = at;
            seen.clear();
            seen.insert(one.incoming.salesforce_id());
        }
    }
    rounds.extend(news.get(from..).filter(|rest| !rest.is_empty()));
    rounds
}

fn apply_round(
    tx: &mut dyn Transaction,
    setting: &Setting<'_>,
    news: &[News],
    applied: &mut Applied,
) -> Result<(), StoreError> {
    let ids: Vec<SalesforceId> = news.iter().map(|one| one.incoming.salesforce_id()).collect();
    let linked = tx.linked(setting.connection, setting.plan.mapping, &ids)?;
    let mut caused = Vec::with_capacity(news.len());
    let mut decided = Vec::with_capacity(news.len());
    for one in news {
        let known = linked.get(&one.incoming.salesforce_id());
        let incoming = after_link(one, known);
        let decision = decide(
            Known {
                plan: setting.plan,
                owners: setting.owners,
                link: known.map(|linked| &linked.link),
                record: known.and_then(|linked| linked.record.as_ref()),
            },
            &incoming,
        );
        match decision {
            Decision::Drop(_) => applied.dropped += 1,
            Decision::ReadAgain => applied.read_again.push(incoming.salesforce_id()),
            Decision::Apply(effect) => {
                *applied.outcomes.entry(effect.outcome).or_default() += 1;
                caused.push(Caused {
                    effects: *effect,
                    source: one.source.clone(),
                });
                decided.push(incoming);
            }
        }
    }

    let written = tx.apply(&Write {
        connection: setting.connection,
        mapping: setting.plan.mapping,
        partner_object: &setting.plan.partner_object,
        at: setting.at,
        effects: &caused,
    })?;
    let entries: Vec<NewLogEntry> = caused
        .iter()
        .zip(&decided)
        .zip(&written)
        .filter(|((caused, _), _)| is_logged(&caused.source, caused.effects.outcome))
        .map(|((Caused { effects, source }, incoming), written)| {
            let before = linked
                .get(&effects.link.salesforce_id)
                .and_then(|linked| linked.record.as_ref());
            log_entry(setting, source, effects, incoming, written.record, before)
        })
        .collect();
    if entries.is_empty() {
        return Ok(());
    }
    tx.append_logs(setting.connection, &entries)
}

/// A fresh reading is newer than what made it necessary, whatever Salesforce's clock shows: the `Date` of an answer
/// has whole seconds, so it may lie before the observation that it resolves.
fn after_link<'a>(news: &'a News, known: Option<&Linked>) -> Cow<'a, Incoming> {
    let (ChangeSource::ReadAgain { .. }, Some(known)) = (&news.source, known) else {
        return Cow::Borrowed(&news.incoming);
    };
    let seen = known.link.version;
    let mut incoming = news.incoming.clone();
    let (Incoming::Present(Snapshot { version, .. }) | Incoming::Deleted { version, .. }) = &mut incoming;
    if version.modstamp == seen.modstamp && version.observed <= seen.observed {
        version.observed = seen.observed + chrono::TimeDelta::microseconds(1);
    }
    Cow::Owned(incoming)
}

/// Syncs log once per page, beside the records that somebody must see to.
fn is_logged(source: &ChangeSource, outcome: Outcome) -> bool {
    !matches!(source, ChangeSource::Run { .. }) || outcome == Outcome::Held
}

fn log_entry(
    setting: &Setting<'_>,
    source: &ChangeSource,
    effect: &Effects,
    incoming: &Incoming,
    record: Option<RecordId>,
    before: Option<&RecordState>,
) -> NewLogEntry {
    let (method, status) = match effect.outcome {
        Outcome::Created => (LogMethod::Post, 201),
        Outcome::Updated | Outcome::Confirmed | Outcome::Restored => (LogMethod::Put, 200),
        Outcome::Deleted => (LogMethod::Delete, 200),
        Outcome::Held if before.is_some() => (LogMethod::Put, 422),
        Outcome::Held => (LogMethod::Post, 422),
    };
    let cause = match &effect.link.status {
        LinkStatus::Held { reason } => reason.summary(),
        LinkStatus::Linked | LinkStatus::Deleted => String::new(),
    };
    let run = match source {
        ChangeSource::Run { run } => Some(*run),
        ChangeSource::Push { .. } | ChangeSource::ReadAgain { .. } => None,
    };
    let data = json!({
        "outcome": effect.outcome,
        "source": source,
        "version": effect.link.version,
        "received": received_json(incoming),
        "before": before.map(|state| record_json(&state.fields, &state.owner, state.presence)),
        "after": effect
            .record
            .as_ref()
            .map(|state| record_json(&state.fields, &state.owner, state.presence)),
        "held": match &effect.link.status {
            LinkStatus::Held { reason: reason @ HeldReason::Conversion { .. } } => json!(reason),
            _ => Value::Null,
        },
    });
    NewLogEntry {
        at: setting.at,
        direction: LogDirection::Incoming,
        method,
        status,
        object: setting.plan.partner_object.clone(),
        salesforce_id: Some(effect.link.salesforce_id),
        record,
        run,
        data: data.to_string(),
        cause,
    }
}

fn received_json(incoming: &Incoming) -> Value {
    match incoming {
        Incoming::Present(snapshot) => json!({
            "owner": snapshot.owner,
            "fields": fields_json(&snapshot.fields),
        }),
        Incoming::Deleted { .. } => json!({ "deleted": true }),
    }
}

fn record_json(fields: &Fields, owner: &str, presence: Presence) -> Value {
    json!({ "fields": fields_json(fields), "owner": owner, "presence": presence })
}

fn fields_json(fields: &Fields) -> Value {
    Value::Object(
        fields
            .iter()
            .map(|(name, value)| {
                let value = match value {
                    FieldValue::Reference(id) => json!(id),
                    value => partner_json(value),
                };
                (name.clone(), value)
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use causeway_core::version::SalesforceVersion;

    use super::*;

    fn news(ids: &[&str]) -> Vec<News> {
        let version = SalesforceVersion {
            modstamp: Instant::UNIX_EPOCH,
            observed: Instant::UNIX_EPOCH,
        };
        ids.iter()
            .map(|id| News {
                incoming: Incoming::Deleted {
                    salesforce_id: SalesforceId::parse(id).unwrap(),
                    version,
                },
                source: ChangeSource::ReadAgain {
                    at: Instant::UNIX_EPOCH,
                },
            })
            .collect()
    }

    #[test]
    fn no_record_comes_twice_in_a_round_and_the_order_stays() {
        let [a, b, c] = ["003000000000001", "003000000000002", "003000000000003"];
        let all = news(&[a, b, a, a, c, b]);
        let rounds = rounds(&all);
        assert_eq!(rounds.concat(), all);
        assert_eq!(
            rounds.iter().map(|round| round.len()).collect::<Vec<_>>(),
            [2, 1, 3]
        );
        assert!(super::rounds(&[]).is_empty());
    }
}
