//! The one way in which news of Salesforce records is decided on and written: by the inbox, by syncs, and after a
//! fresh reading.

mod acquaintance;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use crate::decide::{
    ChangeSource, Decision, Effects, HeldReason, Incoming, Known, LinkStatus, Outcome, RecordState, Snapshot,
    salesforce,
};
use crate::id::{RecordId, SalesforceId};
use crate::ports::links::{Caused, Linked, Write};
use crate::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use crate::ports::{StoreError, Transaction};
use crate::units::Setting;
use crate::units::known::reserve_free;
use crate::units::record_log::{fields_json, record_json};
use acquaintance::{Acquaintance, marks};
use serde_json::{Value, json};

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
    /// Whether something may have to be written to Salesforce now.
    pub outgoing: bool,
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
    for round in rounds(setting, news) {
        let mut rest = round;
        while !rest.is_empty() {
            let decided = apply_round(tx, setting, rest, &mut applied)?;
            rest = rest.get(decided..).unwrap_or_default();
        }
    }
    Ok(applied)
}

/// Cuts news so that no record, and nothing that a record is recognised by, comes twice in one cut: what is decided
/// second must see what was written first.
fn rounds<'n>(setting: &Setting<'_>, news: &'n [News]) -> Vec<&'n [News]> {
    let mut rounds = Vec::new();
    let mut seen = HashSet::with_capacity(news.len());
    let mut from = 0;
    for (at, one) in news.iter().enumerate() {
        let marks = marks(setting.plan, &one.incoming);
        if marks.iter().any(|mark| seen.contains(mark)) {
            rounds.extend(news.get(from..at));
            from = at;
            seen.clear();
        }
        seen.extend(marks);
    }
    rounds.extend(news.get(from..).filter(|rest| !rest.is_empty()));
    rounds
}

/// Decides on news from the first on, up to one that concerns a link which was decided on already; returns how many
/// were decided on, at least one.
fn apply_round(
    tx: &mut dyn Transaction,
    setting: &Setting<'_>,
    news: &[News],
    applied: &mut Applied,
) -> Result<usize, StoreError> {
    let acquaintance = Acquaintance::of(tx, setting, news)?;
    let news = acquaintance.distinct(setting.plan, news);
    let mut caused = Vec::with_capacity(news.len());
    let mut decided = Vec::with_capacity(news.len());
    for one in news {
        let linked = acquaintance.linked(&one.incoming);
        let incoming = after_link(one, linked);
        let decision = salesforce::decide(
            Known {
                connection: setting.connection,
                plan: setting.plan,
                owners: setting.owners,
                link: linked.map(|linked| &linked.link),
                record: linked.and_then(|linked| linked.record.as_ref()),
                holder: acquaintance.holder(&one.incoming),
            },
            &incoming,
            setting.at,
        );
        match decision {
            Decision::Drop(_) => applied.dropped += 1,
            Decision::ReadAgain => applied.read_again.push(incoming.salesforce_id()),
            Decision::Apply(mut effects) => {
                if effects.link.salesforce_id == Some(incoming.salesforce_id()) {
                    effects.link.absorb = effects.link.absorb.or(acquaintance.absorbed(&incoming));
                }
                *applied.outcomes.entry(effects.outcome).or_default() += 1;
                applied.outgoing |= effects.link.ready;
                caused.push(Caused {
                    effects: *effects,
                    source: one.source.clone(),
                    saved_by: incoming.saved_by(),
                });
                decided.push((incoming, linked.and_then(|linked| linked.record.as_ref())));
            }
        }
    }
    if caused.is_empty() {
        return Ok(news.len());
    }
    reserve_free(tx, setting.connection, setting.plan.mapping, &mut caused)?;
    let written = tx.apply(&Write {
        connection: setting.connection,
        mapping: setting.plan.mapping,
        partner_object: &setting.plan.partner_object,
        at: setting.at,
        lane: setting.lane,
        effects: &caused,
    })?;
    let entries: Vec<NewLogEntry> = caused
        .iter()
        .zip(&decided)
        .zip(&written)
        .filter(|((caused, _), _)| is_logged(&caused.source, caused.effects.outcome))
        .map(
            |((Caused { effects, source, .. }, (incoming, before)), written)| {
                log_entry(setting, source, effects, incoming, written.record, *before)
            },
        )
        .collect();
    if !entries.is_empty() {
        tx.append_logs(setting.connection, &entries)?;
    }
    Ok(news.len())
}

/// A fresh reading is newer than what made it necessary, whatever Salesforce's clock shows: the `Date` of an answer
/// has whole seconds, so it may lie before the observation that it resolves.
fn after_link<'a>(news: &'a News, known: Option<&Linked>) -> Cow<'a, Incoming> {
    let (ChangeSource::ReadAgain { .. }, Some(known)) = (&news.source, known) else {
        return Cow::Borrowed(&news.incoming);
    };
    let seen = known.link.version;
    let mut incoming = news.incoming.clone();
    if let Incoming::Present(snapshot) = &mut incoming {
        snapshot.is_fresh = true;
    }
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

/// What news changed, as the log shows it.
pub(super) fn log_entry(
    setting: &Setting<'_>,
    source: &ChangeSource,
    effects: &Effects,
    incoming: &Incoming,
    record: Option<RecordId>,
    before: Option<&RecordState>,
) -> NewLogEntry {
    let (method, status) = match effects.outcome {
        Outcome::Created => (LogMethod::Post, 201),
        Outcome::Updated | Outcome::Confirmed | Outcome::Restored | Outcome::Relinked => {
            (LogMethod::Put, 200)
        }
        Outcome::Deleted => (LogMethod::Delete, 200),
        Outcome::Held if before.is_some() => (LogMethod::Put, 422),
        Outcome::Held => (LogMethod::Post, 422),
    };
    let (cause, held) = match &effects.link.status {
        LinkStatus::Held { reason } => (
            reason.summary(),
            match reason {
                HeldReason::Conversion { .. } => json!(reason),
                _ => Value::Null,
            },
        ),
        _ => (String::new(), Value::Null),
    };
    let run = match source {
        ChangeSource::Run { run } => Some(*run),
        _ => None,
    };
    let data = json!({
        "outcome": effects.outcome,
        "source": source,
        "version": effects.link.version,
        "received": received_json(incoming),
        "before": before.map(|state| record_json(&state.fields, &state.owner, state.presence)),
        "after": effects
            .record
            .as_ref()
            .map(|state| record_json(&state.fields, &state.owner, state.presence)),
        "held": held,
    });
    NewLogEntry {
        at: setting.at,
        direction: LogDirection::Incoming,
        method,
        status,
        object: setting.plan.partner_object.clone(),
        salesforce_id: Some(incoming.salesforce_id()),
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

#[cfg(test)]
mod tests;
