//! A record is gone in Salesforce.

use std::cmp::Ordering;

use crate::decide::inbound::{Known, apply, field, gate, hold, link_effect};
use crate::decide::{
    Agreed, ChangeCause, Decision, DropReason, Effects, HeldReason, LinkEffect, LinkStatus, Outcome,
    Presence, RecordEffect,
};
use crate::id::{FieldId, SalesforceId};
use crate::mapping::DeletePolicy;
use crate::record::Fields;
use crate::version::SalesforceVersion;

pub(super) fn decide(known: Known<'_>, salesforce_id: SalesforceId, version: SalesforceVersion) -> Decision {
    if let Some(link) = known.link {
        if gate::gone(&link.status) {
            match version.cmp(&link.version) {
                Ordering::Less => return Decision::Drop(DropReason::Tombstoned),
                Ordering::Equal if link.status == LinkStatus::Deleted => {
                    return Decision::Drop(DropReason::Unchanged);
                }
                Ordering::Greater if link.status == LinkStatus::Deleted => {
                    return apply(Effects {
                        link: link_effect(known, salesforce_id, version),
                        record: None,
                        history: Vec::new(),
                        outcome: Outcome::Confirmed,
                    });
                }
                Ordering::Equal | Ordering::Greater => {}
            }
        } else if version.modstamp < link.version.modstamp {
            return Decision::Drop(DropReason::Stale);
        }
    }
    let tombstone = Effects {
        link: LinkEffect {
            status: LinkStatus::Deleted,
            ..link_effect(known, salesforce_id, version)
        },
        record: None,
        history: Vec::new(),
        outcome: Outcome::Deleted,
    };
    let Some(record) = known.record.filter(|record| record.presence == Presence::Live) else {
        return apply(tombstone);
    };
    match known.plan.delete_policy {
        DeletePolicy::Ask => hold(known, salesforce_id, version, HeldReason::DeleteAsked),
        DeletePolicy::Unlink => apply(tombstone),
        DeletePolicy::Archive => apply(Effects {
            record: Some(RecordEffect {
                fields: record.fields.clone(),
                owner: record.owner.clone(),
                presence: Presence::Archived,
            }),
            ..tombstone
        }),
        DeletePolicy::Delete => apply(Effects {
            history: tombstone
                .link
                .agreed
                .0
                .iter()
                .filter(|(id, _)| **id != FieldId::OWNER)
                .map(|(id, pair)| field::withdrawn(*id, pair, ChangeCause::Deleted))
                .collect(),
            link: LinkEffect {
                agreed: Agreed::default(),
                ..tombstone.link
            },
            record: Some(RecordEffect {
                fields: Fields::new(),
                owner: record.owner.clone(),
                presence: Presence::Deleted,
            }),
            outcome: Outcome::Deleted,
        }),
    }
}
