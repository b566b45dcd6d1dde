//! Whether news is news.
//!
//! Readings are ordered by SystemModstamp, and at one stamp by their moment of observation. At one stamp a delete is
//! newer than any reading of the record but a fresh one: an undelete moves the stamp (believed of Salesforce), but a
//! stamp has whole seconds, so that an undelete may share it with its delete.

use std::cmp::Ordering;

use chrono::TimeDelta;

use crate::decide::merge::is_unreadable;
use crate::decide::write::{read, same};
use crate::decide::{
    DropReason, HeldReason, Known, LinkState, LinkStatus, Noted, Presence, Snapshot, WriteKind,
};
use crate::id::FieldId;
use crate::mapping::{FieldPlan, SyncRule};
use crate::record::{FieldValue, Fields};

/// Two readings this close together may have been made in either order: the gateway tells when it read by the `Date` of
/// the answer, which has whole seconds, and the package by a clock of its own.
const IN_EITHER_ORDER: TimeDelta = TimeDelta::seconds(2);

/// What to do with a reading.
pub(super) enum Gate {
    /// Nothing.
    Drop(DropReason),
    /// Read the record afresh: what is known does not tell which content is the right one.
    ReadAgain,
    /// Only note when fields were edited: a write is in flight, and a reading follows it.
    Note,
    /// Decide on all of it.
    Decide,
    /// Decide on what nothing is known of yet; the rest is known already, and better.
    FillGaps(Box<Snapshot>),
}

/// Whether Salesforce's record is gone as far as the link knows.
pub(in crate::decide) fn gone(status: &LinkStatus) -> bool {
    match status {
        LinkStatus::Deleted
        | LinkStatus::Merged { .. }
        | LinkStatus::Converted { .. }
        | LinkStatus::Held {
            reason: HeldReason::DeleteAsked,
        } => true,
        LinkStatus::Creating | LinkStatus::Linked | LinkStatus::Unlinked | LinkStatus::Held { .. } => false,
    }
}

/// Weighs a reading against what is known.
pub(super) fn present(known: Known<'_>, snapshot: &Snapshot) -> Gate {
    let Some(link) = known.link else {
        return newcomer(known, snapshot);
    };
    let flies = link.outgoing.in_flight.is_some();
    // Another record with the same identity must be weighed once it is known whether the one in flight was made.
    if flies && link.salesforce_id.is_none() && !is_ours(known, link, snapshot) {
        return Gate::ReadAgain;
    }
    if let Some(reason) = closed(known, link) {
        return Gate::Drop(reason);
    }
    if flies {
        return in_flight(known, link, snapshot);
    }
    // A conversion may share its second with the stamp that is known, and is never taken back.
    let is_as_new = snapshot.version.modstamp >= link.version.modstamp;
    if snapshot.converted.is_some() && is_as_new && !gone(&link.status) {
        return Gate::Decide;
    }
    match &link.status {
        LinkStatus::Creating => return Gate::Decide,
        LinkStatus::Linked => return linked(known, link, snapshot),
        status if gone(status) => return restoration(known, link, snapshot),
        _ if snapshot.version < link.version => return Gate::Drop(DropReason::Stale),
        // The same record would be refused again.
        LinkStatus::Held {
            reason: HeldReason::Refused { .. },
        } if snapshot.version.modstamp == link.version.modstamp => return Gate::Drop(DropReason::Unchanged),
        _ => {}
    }
    whole(known, snapshot)
}

/// A record that is gone as far as the link knows.
fn restoration(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> Gate {
    match snapshot.version.modstamp.cmp(&link.version.modstamp) {
        Ordering::Greater => whole(known, snapshot),
        Ordering::Equal if snapshot.version.observed <= link.version.observed => {
            Gate::Drop(DropReason::Tombstoned)
        }
        Ordering::Equal if snapshot.is_fresh => whole(known, snapshot),
        Ordering::Equal => Gate::ReadAgain,
        Ordering::Less => Gate::Drop(DropReason::Tombstoned),
    }
}

/// What was read while the record was held or gone was not kept, so the rest of a partial reading is not known.
fn whole(known: Known<'_>, snapshot: &Snapshot) -> Gate {
    if is_complete(known, snapshot) {
        Gate::Decide
    } else {
        Gate::ReadAgain
    }
}

/// A record that no link names.
fn newcomer(known: Known<'_>, snapshot: &Snapshot) -> Gate {
    if !known.plan.writes_partner() {
        return Gate::Drop(DropReason::OtherWay);
    }
    // It may be a record that the partner's became: only its external id tells.
    let untold = known.plan.external_id.is_some() && snapshot.external_id.is_none();
    if untold && known.plan.writes_salesforce() {
        Gate::ReadAgain
    } else {
        Gate::Decide
    }
}

/// Why no reading of the record counts any more.
fn closed(known: Known<'_>, link: &LinkState) -> Option<DropReason> {
    let deleted = known
        .record
        .is_some_and(|record| record.presence == Presence::Deleted);
    match &link.status {
        LinkStatus::Unlinked | LinkStatus::Converted { .. } => Some(DropReason::Tombstoned),
        LinkStatus::Held {
            reason: HeldReason::Flipping { .. },
        } => Some(DropReason::Unchanged),
        // The partner's delete is on its way, or waits for an answer.
        LinkStatus::Creating
        | LinkStatus::Linked
        | LinkStatus::Held {
            reason: HeldReason::PartnerDeleteAsked | HeldReason::Refused { .. },
        } if deleted => Some(DropReason::Tombstoned),
        _ => None,
    }
}

fn in_flight(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> Gate {
    if snapshot.version.modstamp < link.version.modstamp || noted(known, link, snapshot).next().is_none() {
        Gate::Drop(DropReason::InFlight)
    } else {
        Gate::Note
    }
}

/// Whether a record is the one that a link's create made.
fn is_ours(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> bool {
    let named = snapshot.external_id.as_ref().and_then(Option::as_deref);
    let expected = link.record.map(|record| {
        crate::mapping::MappingPlan::external_id_of(known.connection, record, link.outgoing.generation)
    });
    named.is_some() && named == expected.as_deref()
}

/// Edits that a reading tells and that are newer than those noted: when they were made, where times are compared, and
/// what they put where the write in flight may have replaced it.
pub(super) fn noted<'a>(
    known: Known<'a>,
    link: &'a LinkState,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (FieldId, Noted)> + 'a {
    let owner = (FieldId::OWNER, "OwnerId", known.plan.owner_rule);
    known
        .plan
        .fields
        .iter()
        .map(|field| (field.id, field.salesforce.name.as_str(), field.rule))
        .chain([owner])
        .filter_map(move |(id, name, rule)| {
            let told = snapshot.changed.get(name).copied();
            let value = contested(known, link, snapshot, id);
            let compared = told.filter(|_| rule == SyncRule::MostRecent);
            let at =
                compared.or_else(|| value.as_ref().map(|_| told.unwrap_or(snapshot.version.modstamp)))?;
            let before = link.outgoing.noted.get(&id);
            // The stamp tells nothing better of an edit that is noted.
            let newer =
                before.is_none_or(|before| at > before.at && (told.is_some() || before.value != value));
            (newer && !snapshot.is_own_write(at)).then_some((id, Noted { at, value }))
        })
}

/// What a reading shows in a field of the write in flight that is neither what was there nor what was sent.
fn contested(known: Known<'_>, link: &LinkState, snapshot: &Snapshot, id: FieldId) -> Option<FieldValue> {
    let flight = link.outgoing.in_flight.as_ref();
    let flight = flight.filter(|flight| flight.write.kind == WriteKind::Update)?;
    let expected = flight.write.values.get(&id)?;
    let agreed = link.agreed.0.get(&id).map(|pair| &pair.salesforce);
    let known_of = [Some(expected), agreed, link.outgoing.overruled.get(&id)];
    let value = read(known, snapshot, id).filter(|_| snapshot.version.modstamp > link.version.modstamp)?;
    let other = |one: &FieldValue| !same(known, id, one, &value);
    known_of.into_iter().flatten().all(other).then_some(value)
}

fn linked(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> Gate {
    match snapshot.version.cmp(&link.version) {
        Ordering::Greater if is_doubtful(known, link, snapshot) => Gate::ReadAgain,
        Ordering::Greater => Gate::Decide,
        Ordering::Equal => same_version(known, link, snapshot),
        // At one stamp only formulas differ between readings, so what no reading carried before still holds.
        Ordering::Less if snapshot.version.modstamp == link.version.modstamp => {
            fill_gaps(known, link, snapshot, DropReason::Stale)
        }
        Ordering::Less => Gate::Drop(DropReason::Stale),
    }
}

/// Two saves may share a stamp, a person's and the gateway's own among them: a reading of the first that arrives after
/// the second was read must not take it back.
fn is_doubtful(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> bool {
    snapshot.version.modstamp == link.version.modstamp
        && !snapshot.is_fresh
        && snapshot.version.observed - link.version.observed < IN_EITHER_ORDER
        && differs(known, link, snapshot)
}

/// The very version that is known.
fn same_version(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> Gate {
    if differs(known, link, snapshot) {
        if link.outgoing.pending {
            // The target is read before the write.
            Gate::Drop(DropReason::Unchanged)
        } else {
            Gate::ReadAgain
        }
    } else if link.plan != known.plan.revision {
        Gate::Decide
    } else {
        fill_gaps(known, link, snapshot, DropReason::Unchanged)
    }
}

/// Whether a reading holds anything else than the one before.
fn differs(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> bool {
    let read_before = |id| {
        let agreed = link.agreed.0.get(&id).map(|pair| &pair.salesforce);
        link.outgoing.overruled.get(&id).or(agreed)
    };
    let other_field = known.plan.synced_fields().any(|field| {
        read_before(field.id).is_some_and(|before| {
            let read = snapshot.fields.get(&field.salesforce.name);
            is_unreadable(snapshot, field) || read.is_some_and(|read| read != before)
        })
    });
    let other_owner = snapshot.owner.is_some_and(|owner| {
        read_before(FieldId::OWNER).is_some_and(|before| *before != FieldValue::Reference(owner))
    });
    other_field || other_owner
}

fn fill_gaps(known: Known<'_>, link: &LinkState, snapshot: &Snapshot, otherwise: DropReason) -> Gate {
    let unknown = |id| !link.agreed.0.contains_key(&id) && !link.outgoing.overruled.contains_key(&id);
    let gaps: Vec<&FieldPlan> = known
        .plan
        .synced_fields()
        .filter(|field| unknown(field.id))
        .collect();
    let fields: Fields = gaps
        .iter()
        .filter_map(|field| snapshot.fields.get_key_value(&field.salesforce.name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let unreadable: Vec<_> = snapshot
        .unreadable
        .iter()
        .filter(|problem| gaps.iter().any(|field| field.partner == problem.partner_field))
        .cloned()
        .collect();
    let owner = snapshot.owner.filter(|_| unknown(FieldId::OWNER));
    if fields.is_empty() && unreadable.is_empty() && owner.is_none() {
        return Gate::Drop(otherwise);
    }
    Gate::FillGaps(Box::new(Snapshot {
        version: link.version,
        owner,
        fields,
        unreadable,
        ..snapshot.clone()
    }))
}

fn is_complete(known: Known<'_>, snapshot: &Snapshot) -> bool {
    known
        .plan
        .synced_fields()
        .all(|field| snapshot.fields.contains_key(&field.salesforce.name) || is_unreadable(snapshot, field))
}
