//! News from Salesforce.
//!
//! `gate` asks whether the news is news at all; then both sides are merged. What has to travel to Salesforce is not
//! written here: the link's outgoing head is made ready, and the target is read before the write. `delete` follows the
//! mapping's delete policy, merges and conversions.

mod delete;
mod gate;

pub(super) use delete::{convert, delete_too, ended, follow_policy, history_of};
pub(super) use gate::gone;

use crate::Instant;
use crate::decide::merge::Sides;
use crate::decide::{
    Decision, DropReason, Effects, HeldReason, Identity, Incoming, Known, LinkEffect, LinkStatus, Outcome,
    Outgoing, Presence, Snapshot, breaker,
};
use gate::Gate;

/// Decides what news of a Salesforce record leads to.
///
/// News may come late, repeatedly and in any order. Where readings are complete, the end is the same as in order,
/// but for what keeps the partner's earlier value by its nature: a blank under "unless blank", an option that does
/// not sync, a held record, and records that a delete leaves in place.
pub fn decide(known: Known<'_>, incoming: &Incoming, now: Instant) -> Decision {
    match incoming {
        Incoming::Present(snapshot) => match gate::present(known, snapshot) {
            Gate::Drop(reason) => Decision::Drop(reason),
            Gate::ReadAgain => Decision::ReadAgain,
            Gate::Note => note(known, snapshot),
            Gate::Decide => present(known, snapshot, now),
            Gate::FillGaps(unknown) => present(known, &unknown, now),
        },
        Incoming::Deleted {
            salesforce_id,
            version,
            merged,
            ..
        } => delete::decide(known, *salesforce_id, *version, *merged),
    }
}

/// Keeps the times of edits that were made while a write is in flight.
fn note(known: Known<'_>, snapshot: &Snapshot) -> Decision {
    let mut link = known.link_effect();
    if let Some(before) = known.link {
        link.outgoing.noted.extend(gate::noted(known, before, snapshot));
    }
    apply(known.link_only(link, Outcome::Confirmed))
}

/// Merges a reading that counts.
pub(super) fn present(known: Known<'_>, snapshot: &Snapshot, now: Instant) -> Decision {
    let base = LinkEffect {
        salesforce_id: Some(snapshot.salesforce_id),
        version: snapshot.version,
        ..known.link_effect()
    };
    if let Some(to) = snapshot.converted {
        return apply(convert(known, base, to));
    }
    let status = known.link.map(|link| &link.status);
    let restored = status.is_some_and(gone);
    let is_held = matches!(status, Some(LinkStatus::Held { .. }));
    // What a deleted record held is no edit of the partner's.
    let standing = known.record.filter(|record| record.presence != Presence::Deleted);
    let sides = Sides {
        partner: standing.map(Into::into),
        again: known
            .link
            .is_some_and(|link| link.plan != known.plan.revision || restored || is_held),
        ..Sides::new(known, Some(snapshot))
    };
    if known.holder.is_some() && (standing.is_none() || restored) {
        return hold(
            known,
            base,
            HeldReason::Ambiguous {
                identity: identity_of(known, snapshot),
                candidates: vec![snapshot.salesforce_id],
            },
        );
    }
    let merge = match sides.merge() {
        Ok(merge) => merge,
        Err(problems) => return hold(known, base, HeldReason::Conversion { problems }),
    };
    let overrules = merge
        .overruled
        .iter()
        .any(|(id, value)| base.outgoing.overruled.get(id) != Some(value));
    let turns = match breaker::count(
        known.plan,
        base.outgoing.turns,
        merge.step(standing, overrules && merge.overwrites),
        now,
    ) {
        Ok(turns) => turns,
        Err(turns) => return hold(known, base, HeldReason::Flipping { turns }),
    };
    let waits = !merge.writes.is_empty() || merge.open;
    let pending = base.outgoing.pending || waits;
    let newly = !base.outgoing.pending || is_held || restored;
    let living = standing.filter(|_| !restored).map(|record| &record.fields);
    let (reserve, release) = known.identities(living, Some(&merge.fields));
    let record = merge.record(known.record);
    let moves = standing.is_none_or(|record| merge.moves_partner(record));
    let link = LinkEffect {
        status: LinkStatus::Linked,
        plan: known.plan.revision,
        outgoing: Outgoing {
            pending,
            overruled: merge.overruled,
            turns,
            ..base.outgoing
        },
        agreed: merge.agreed,
        ready: pending && newly,
        reserve,
        release,
        ..base
    };
    if record.is_none() && known.is_as_known(&link) {
        return Decision::Drop(DropReason::Unchanged);
    }
    apply(Effects {
        link,
        // A new record has no history: it begins with what its link agrees on.
        history: match known.record {
            Some(_) => merge.history,
            None => Vec::new(),
        },
        outcome: match known.record {
            None => Outcome::Created,
            Some(_) if restored => Outcome::Restored,
            Some(_) if moves => Outcome::Updated,
            Some(_) => Outcome::Confirmed,
        },
        record,
    })
}

/// Holds a record, unless it is held for the same reason at the same version already.
fn hold(known: Known<'_>, base: LinkEffect, reason: HeldReason) -> Decision {
    let effects = known.hold(base, reason);
    if known.is_as_known(&effects.link) {
        return Decision::Drop(DropReason::Unchanged);
    }
    apply(effects)
}

fn identity_of(known: Known<'_>, snapshot: &Snapshot) -> String {
    match Identity::of_snapshot(known.plan, snapshot) {
        Some(Identity::Value(text) | Identity::Key(text)) => text,
        None => snapshot.salesforce_id.to_string(),
    }
}

fn apply(effects: Effects) -> Decision {
    Decision::Apply(Box::new(effects))
}

#[cfg(test)]
mod tests;
