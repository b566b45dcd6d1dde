//! A record that the partner deletes, or brings back.

use crate::Instant;
use crate::decide::known::record_effect;
use crate::decide::partner::{PartnerDecision, PartnerRefusal, RefusalCode, unheld};
use crate::decide::salesforce::{ended, history_of};
use crate::decide::{
    Agreed, ChangeCause, Effects, FieldChange, HeldReason, Known, LinkEffect, LinkState, LinkStatus, Outcome,
    Outgoing, Presence, RecordEffect, RecordState,
};
use crate::id::SalesforceId;
use crate::mapping::DeletePolicy;
use crate::version::SalesforceVersion;

/// The partner deleted its record. What it held is kept, unseen, in case it comes back.
///
/// Older news is dropped: a delete that was stated to be older than an edit of a field is. The time of Salesforce's
/// version is none of an edit, since the gateway's own writes move it too.
pub(super) fn delete(
    known: Known<'_>,
    link: &LinkState,
    record: &RecordState,
    stated: Option<Instant>,
) -> PartnerDecision {
    if record.presence == Presence::Deleted {
        return PartnerDecision::Unchanged;
    }
    let newest = record.times.values().max().copied();
    if let Some(newest) = newest.filter(|newest| stated.is_some_and(|stated| stated < *newest)) {
        return PartnerDecision::Outdated { newest };
    }
    PartnerDecision::Apply(Box::new(Effects {
        link: deleted_link(known, link),
        record: Some(RecordEffect {
            presence: Presence::Deleted,
            ..record_effect(record)
        }),
        history: history_of(known, ChangeCause::PartnerDeleted)
            .into_iter()
            .map(|change| FieldChange {
                // Salesforce's record still stands.
                salesforce_after: change.salesforce_before.clone(),
                ..change
            })
            .collect(),
        outcome: Outcome::Deleted,
    }))
}

/// Where the link stands once the partner deleted its record.
fn deleted_link(known: Known<'_>, link: &LinkState) -> LinkEffect {
    let base = known.link_effect();
    let flying = link.outgoing.in_flight.is_some();
    let gone = crate::decide::salesforce::gone(&link.status);
    if is_doubtful(&link.status) {
        // Salesforce may have made it: a person looks first.
        return base;
    }
    if gone || (link.salesforce_id.is_none() && !flying) {
        return LinkEffect {
            status: LinkStatus::Deleted,
            outgoing: ended(&base.outgoing),
            release: known.ended(true),
            ..base
        };
    }
    match known.plan.partner_delete_policy {
        DeletePolicy::Delete => LinkEffect {
            status: unheld(link),
            outgoing: Outgoing {
                pending: true,
                ..base.outgoing
            },
            ready: !flying,
            ..base
        },
        DeletePolicy::Ask => LinkEffect {
            status: LinkStatus::Held {
                reason: HeldReason::PartnerDeleteAsked,
            },
            ..base
        },
        DeletePolicy::Unlink | DeletePolicy::Archive => LinkEffect {
            status: LinkStatus::Unlinked,
            outgoing: Outgoing {
                pending: false,
                ..base.outgoing
            },
            release: known.ended(true),
            ..base
        },
    }
}

/// Whether nobody knows if Salesforce made the record.
fn is_doubtful(status: &LinkStatus) -> bool {
    matches!(
        status,
        LinkStatus::Held {
            reason: HeldReason::OutcomeUnknown
        }
    )
}

/// The partner brings its record back.
pub(super) fn undelete(known: Known<'_>, link: &LinkState, record: &RecordState) -> PartnerDecision {
    if record.presence == Presence::Live {
        return PartnerDecision::Unchanged;
    }
    let back = RecordEffect {
        presence: Presence::Live,
        successor: None,
        ..record_effect(record)
    };
    let gone = crate::decide::salesforce::gone(&link.status);
    let freed = gone || link.status == LinkStatus::Unlinked;
    if freed && known.holder.is_some() {
        return refuse(
            RefusalCode::IdentityTaken,
            "another record was made in its place since; edit that one",
        );
    }
    if gone && record.fields.is_empty() {
        return refuse(
            RefusalCode::Deleted,
            "the record was deleted in Salesforce and its values are gone; post it as a new one",
        );
    }
    let (reserve, _) = known.identities(None, Some(&record.fields).filter(|_| freed));
    let effects = |link: LinkEffect| {
        Box::new(Effects {
            link,
            record: Some(back),
            history: Vec::new(),
            outcome: Outcome::Restored,
        })
    };
    if gone {
        let next = LinkEffect {
            reserve,
            ..new_life(known, link)
        };
        return match link.salesforce_id {
            Some(id) => PartnerDecision::ApplyWithTombstone {
                effects: effects(next),
                tombstone: Box::new(tombstone(known, id, link.version)),
            },
            None => PartnerDecision::Apply(effects(next)),
        };
    }
    let base = known.link_effect();
    PartnerDecision::Apply(effects(LinkEffect {
        status: match &link.status {
            LinkStatus::Held {
                reason:
                    HeldReason::Flipping { .. } | HeldReason::Ambiguous { .. } | HeldReason::OutcomeUnknown,
            } => base.status,
            _ => unheld(link),
        },
        outgoing: Outgoing {
            pending: true,
            ..base.outgoing
        },
        ready: link.outgoing.in_flight.is_none(),
        reserve,
        ..base
    }))
}

/// The link of a record whose Salesforce record is gone and which is to be made there anew.
pub(in crate::decide) fn new_life(known: Known<'_>, link: &LinkState) -> LinkEffect {
    LinkEffect {
        salesforce_id: None,
        status: LinkStatus::Creating,
        version: SalesforceVersion::NEVER,
        plan: known.plan.revision,
        agreed: Agreed::default(),
        outgoing: Outgoing {
            pending: true,
            generation: link.outgoing.generation.saturating_add(1),
            ..Outgoing::default()
        },
        ready: true,
        ..known.link_effect()
    }
}

/// A link of its own for a Salesforce record that a link gave up, so that late news of it revives nothing.
pub(in crate::decide) fn tombstone(
    known: Known<'_>,
    salesforce_id: SalesforceId,
    version: SalesforceVersion,
) -> Effects {
    let unlinked = Known { link: None, ..known };
    let link = LinkEffect {
        salesforce_id: Some(salesforce_id),
        version,
        ..unlinked.link_effect()
    };
    unlinked.link_only(link, Outcome::Deleted)
}

fn refuse(code: RefusalCode, message: &str) -> PartnerDecision {
    PartnerDecision::Refuse(vec![PartnerRefusal::of_record(code, message)])
}
