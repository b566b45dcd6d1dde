//! Whether news is news.
//!
//! Readings are ordered by SystemModstamp; at one stamp a delete is newer than any reading of the record, since an
//! undelete moves the stamp (believed of Salesforce), and readings follow their moment of observation.

use std::cmp::Ordering;

use crate::decide::inbound::Known;
use crate::decide::{DropReason, HeldReason, LinkState, LinkStatus, Snapshot};
use crate::id::FieldId;
use crate::mapping::FieldPlan;
use crate::record::{FieldValue, Fields};

/// What to do with a reading.
pub(super) enum Gate {
    /// Nothing.
    Drop(DropReason),
    /// Read the record afresh: what is known does not tell which content is the right one.
    ReadAgain,
    /// Decide on all of it.
    Decide,
    /// Decide on what nothing is known of yet; the rest is known already, and better.
    FillGaps(Snapshot),
}

/// Whether Salesforce's record is gone as far as the link knows.
pub(super) fn gone(status: &LinkStatus) -> bool {
    match status {
        LinkStatus::Deleted
        | LinkStatus::Held {
            reason: HeldReason::DeleteAsked,
        } => true,
        LinkStatus::Linked
        | LinkStatus::Held {
            reason: HeldReason::Conversion { .. },
        } => false,
    }
}

/// Whether a field was read but not understood.
pub(super) fn is_unreadable(snapshot: &Snapshot, field: &FieldPlan) -> bool {
    snapshot
        .unreadable
        .iter()
        .any(|problem| problem.partner_field == field.partner)
}

/// Weighs a reading against what is known.
pub(super) fn present(known: Known<'_>, snapshot: &Snapshot) -> Gate {
    let Some(link) = known.link else {
        return Gate::Decide;
    };
    if link.status == LinkStatus::Linked {
        return match snapshot.version.cmp(&link.version) {
            Ordering::Greater => Gate::Decide,
            Ordering::Equal => again(known, link, snapshot),
            // At one stamp only formulas differ between readings, so what no reading carried before still holds.
            Ordering::Less if snapshot.version.modstamp == link.version.modstamp => {
                fill_gaps(known, link, snapshot, DropReason::Stale)
            }
            Ordering::Less => Gate::Drop(DropReason::Stale),
        };
    }
    if gone(&link.status) {
        if snapshot.version.modstamp <= link.version.modstamp {
            return Gate::Drop(DropReason::Tombstoned);
        }
    } else if snapshot.version < link.version {
        return Gate::Drop(DropReason::Stale);
    }
    // What was read while the record was held or gone was not kept, so the rest of a partial reading is not known.
    if is_complete(known, snapshot) {
        Gate::Decide
    } else {
        Gate::ReadAgain
    }
}

/// The very version that is known.
fn again(known: Known<'_>, link: &LinkState, snapshot: &Snapshot) -> Gate {
    let agreed = |id| link.agreed.0.get(&id).map(|pair| &pair.salesforce);
    let other_field = known.plan.synced_fields().any(|field| {
        agreed(field.id).is_some_and(|agreed| {
            let read = snapshot.fields.get(&field.salesforce.name);
            is_unreadable(snapshot, field) || read.is_some_and(|read| read != agreed)
        })
    });
    let other_owner = snapshot.owner.is_some_and(|owner| {
        agreed(FieldId::OWNER).is_some_and(|agreed| *agreed != FieldValue::Reference(owner))
    });
    if other_field || other_owner {
        Gate::ReadAgain
    } else if link.plan != known.plan.revision {
        Gate::Decide
    } else {
        fill_gaps(known, link, snapshot, DropReason::Unchanged)
    }
}

fn fill_gaps(known: Known<'_>, link: &LinkState, snapshot: &Snapshot, otherwise: DropReason) -> Gate {
    let unknown = |id| !link.agreed.0.contains_key(&id);
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
    Gate::FillGaps(Snapshot {
        salesforce_id: snapshot.salesforce_id,
        version: link.version,
        owner,
        fields,
        unreadable,
    })
}

fn is_complete(known: Known<'_>, snapshot: &Snapshot) -> bool {
    known
        .plan
        .synced_fields()
        .all(|field| snapshot.fields.contains_key(&field.salesforce.name) || is_unreadable(snapshot, field))
}
