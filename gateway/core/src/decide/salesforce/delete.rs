//! A record is gone in Salesforce: deleted, merged into another, or converted.

use std::cmp::Ordering;

use crate::decide::known::record_effect;
use crate::decide::merge::withdrawn;
use crate::decide::salesforce::{apply, gone};
use crate::decide::{
    Agreed, ChangeCause, Converted, Decision, DropReason, Effects, FieldChange, HeldReason, Known,
    LinkEffect, LinkStatus, MergedInto, Outcome, Outgoing, Presence, RecordEffect, RecordState,
};
use crate::id::{FieldId, SalesforceId};
use crate::mapping::DeletePolicy;
use crate::record::Fields;
use crate::version::SalesforceVersion;

/// News of a delete.
pub(super) fn decide(
    known: Known<'_>,
    salesforce_id: SalesforceId,
    version: SalesforceVersion,
    merged: MergedInto,
) -> Decision {
    let base = LinkEffect {
        salesforce_id: Some(salesforce_id),
        version,
        ..known.link_effect()
    };
    match known.link {
        None if !known.plan.writes_partner() => return Decision::Drop(DropReason::OtherWay),
        None => {}
        Some(link) => {
            let replaced = matches!(
                link.status,
                LinkStatus::Merged { .. } | LinkStatus::Converted { .. } | LinkStatus::Unlinked
            );
            if replaced {
                return Decision::Drop(DropReason::Tombstoned);
            }
            if link.outgoing.in_flight.is_some() {
                return Decision::Drop(DropReason::InFlight);
            }
            if gone(&link.status) {
                match version.cmp(&link.version) {
                    Ordering::Less => return Decision::Drop(DropReason::Tombstoned),
                    Ordering::Equal if link.status == LinkStatus::Deleted => {
                        return Decision::Drop(DropReason::Unchanged);
                    }
                    Ordering::Greater if link.status == LinkStatus::Deleted => {
                        return apply(known.link_only(base, Outcome::Confirmed));
                    }
                    Ordering::Equal | Ordering::Greater => {}
                }
            } else if version.modstamp < link.version.modstamp {
                return Decision::Drop(DropReason::Stale);
            }
        }
    }
    let lives = known
        .record
        .is_some_and(|record| record.presence == Presence::Live);
    if lives && known.plan.mergeable && merged == MergedInto::Unknown {
        return Decision::ReadAgain;
    }
    let effects = follow_policy(known, base, merged);
    if known.is_as_known(&effects.link) && effects.record.is_none() {
        return Decision::Drop(DropReason::Unchanged);
    }
    apply(effects)
}

/// What a delete in Salesforce does. `base` is the link with the deleted record and its last version.
pub(in crate::decide) fn follow_policy(known: Known<'_>, base: LinkEffect, merged: MergedInto) -> Effects {
    let tombstone = Effects {
        link: LinkEffect {
            status: LinkStatus::Deleted,
            plan: known.plan.revision,
            outgoing: ended(&base.outgoing),
            release: known.ended(true),
            ..base
        },
        record: None,
        history: Vec::new(),
        outcome: Outcome::Deleted,
    };
    let Some(record) = known.record else {
        return tombstone;
    };
    if record.presence == Presence::Deleted {
        return erased(tombstone);
    }
    if let MergedInto::Record(into) = merged {
        let mut effects = erased(tombstone);
        effects.history = history_of(known, ChangeCause::Merged);
        effects.link.status = LinkStatus::Merged { into };
        // Who knows the record by its key finds what took its place.
        effects.link.release = known.ended(true);
        effects.record = Some(RecordEffect {
            successor: Some(into),
            key: record.key.clone(),
            ..emptied(record)
        });
        effects.outcome = Outcome::Relinked;
        return effects;
    }
    if record.presence == Presence::Archived {
        return tombstone;
    }
    // Where only the partner writes, its record is not Salesforce's to delete.
    let policy = if known.plan.writes_partner() {
        known.plan.delete_policy
    } else {
        DeletePolicy::Unlink
    };
    match policy {
        DeletePolicy::Ask => Effects {
            link: LinkEffect {
                status: LinkStatus::Held {
                    reason: HeldReason::DeleteAsked,
                },
                release: Vec::new(),
                ..tombstone.link
            },
            outcome: Outcome::Held,
            ..tombstone
        },
        DeletePolicy::Unlink => tombstone,
        DeletePolicy::Archive => Effects {
            record: Some(RecordEffect {
                presence: Presence::Archived,
                ..record_effect(record)
            }),
            ..tombstone
        },
        DeletePolicy::Delete => delete_too(known, tombstone.link),
    }
}

/// Deletes the partner's record with Salesforce's. Nothing is on its way any more: `link` is a tombstone, or was one
/// until somebody was asked.
pub(in crate::decide) fn delete_too(known: Known<'_>, link: LinkEffect) -> Effects {
    Effects {
        link: LinkEffect {
            status: LinkStatus::Deleted,
            agreed: Agreed::default(),
            release: known.ended(false),
            ..link
        },
        record: known.record.map(emptied),
        history: history_of(known, ChangeCause::Deleted),
        outcome: Outcome::Deleted,
    }
}

/// A deleted record: nobody may read its values any more, nor find it by its key.
fn emptied(record: &RecordState) -> RecordEffect {
    RecordEffect {
        fields: Fields::new(),
        presence: Presence::Deleted,
        key: None,
        ..record_effect(record)
    }
}

/// What a conversion does: the partner's record is kept, and names what took its place.
pub(in crate::decide) fn convert(known: Known<'_>, base: LinkEffect, to: Converted) -> Effects {
    let standing = known.record.filter(|record| record.presence != Presence::Deleted);
    Effects {
        link: LinkEffect {
            status: LinkStatus::Converted { to },
            plan: known.plan.revision,
            outgoing: ended(&base.outgoing),
            release: known.ended(true),
            ..base
        },
        record: standing.map(|record| RecordEffect {
            presence: Presence::Archived,
            successor: to.contact.or(to.account),
            ..record_effect(record)
        }),
        history: match standing {
            Some(_) => history_of(known, ChangeCause::Converted),
            None => Vec::new(),
        },
        outcome: Outcome::Relinked,
    }
}

/// The end of a record, field by field.
pub(in crate::decide) fn history_of(known: Known<'_>, cause: ChangeCause) -> Vec<FieldChange> {
    let agreed = known.link.into_iter().flat_map(|link| &link.agreed.0);
    agreed
        .filter(|(id, _)| **id != FieldId::OWNER)
        .map(|(id, pair)| {
            let change = withdrawn(*id, pair, cause);
            match cause {
                // The partner keeps what it held.
                ChangeCause::Converted => FieldChange {
                    salesforce_after: change.salesforce_before.clone(),
                    partner_after: change.partner_before.clone(),
                    ..change
                },
                _ => change,
            }
        })
        .collect()
}

/// Nothing is on its way any more.
pub(in crate::decide) fn ended(outgoing: &Outgoing) -> Outgoing {
    Outgoing {
        generation: outgoing.generation,
        ..Outgoing::default()
    }
}

fn erased(tombstone: Effects) -> Effects {
    Effects {
        link: LinkEffect {
            agreed: Agreed::default(),
            ..tombstone.link
        },
        ..tombstone
    }
}
