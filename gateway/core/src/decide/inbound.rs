//! News from Salesforce.
//!
//! `gate` asks whether the news is news at all; then each `field` and the `owner` are decided on their own,
//! and what they agree on together becomes the effects. A single value that cannot cross holds the whole record:
//! half a record would be worse than none. `delete` follows the mapping's delete policy.

mod delete;
mod field;
mod gate;
mod owner;

use crate::decide::{
    Agreed, Decision, DropReason, Effects, FieldChange, HeldReason, Incoming, LinkEffect, LinkRef, LinkState,
    LinkStatus, Outcome, Presence, RecordEffect, RecordState, Snapshot,
};
use crate::id::{FieldId, SalesforceId};
use crate::mapping::{ConversionProblem, MappingPlan};
use crate::owners::OwnerDirectory;
use crate::record::Fields;
use crate::version::SalesforceVersion;

use gate::Gate;

/// What the decision may look at. All of it was read in the transaction that will write the effects.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The plan in force.
    pub plan: &'a MappingPlan,
    /// Users of both sides.
    pub owners: &'a OwnerDirectory,
    /// The link, if there is one.
    pub link: Option<&'a LinkState>,
    /// The partner record behind the link, if there is one.
    pub record: Option<&'a RecordState>,
}

/// Decides what news of a Salesforce record leads to.
///
/// News may come late, repeatedly and in any order. Where readings are complete, the end is the same as in order,
/// but for what keeps the partner's earlier value by its nature: a blank under "unless blank", an option that does
/// not sync, a held record, and records that a delete leaves in place.
pub fn decide(known: Known<'_>, incoming: &Incoming) -> Decision {
    match incoming {
        Incoming::Present(snapshot) => match gate::present(known, snapshot) {
            Gate::Drop(reason) => Decision::Drop(reason),
            Gate::ReadAgain => Decision::ReadAgain,
            Gate::Decide => present(known, snapshot),
            Gate::FillGaps(unknown) => present(known, &unknown),
        },
        Incoming::Deleted {
            salesforce_id,
            version,
        } => delete::decide(known, *salesforce_id, *version),
    }
}

fn present(known: Known<'_>, snapshot: &Snapshot) -> Decision {
    let agreement = match agree(known, snapshot) {
        Ok(agreement) => agreement,
        Err(problems) => {
            let reason = HeldReason::Conversion { problems };
            return hold(known, snapshot.salesforce_id, snapshot.version, reason);
        }
    };
    let restored = known.link.is_some_and(|link| gate::gone(&link.status));
    let changed = known.record.is_none_or(|record| {
        record.presence != Presence::Live
            || record.fields != agreement.fields
            || record.owner != agreement.owner
    });
    apply(Effects {
        link: LinkEffect {
            status: LinkStatus::Linked,
            agreed: agreement.agreed,
            ..link_effect(known, snapshot.salesforce_id, snapshot.version)
        },
        record: changed.then_some(RecordEffect {
            fields: agreement.fields,
            owner: agreement.owner,
            presence: Presence::Live,
        }),
        // A new record has no history: it begins with what its link agrees on.
        history: match known.record {
            Some(_) => agreement.history,
            None => Vec::new(),
        },
        outcome: match known.record {
            None => Outcome::Created,
            Some(_) if restored => Outcome::Restored,
            Some(_) if changed => Outcome::Updated,
            Some(_) => Outcome::Confirmed,
        },
    })
}

/// What both sides hold from now on.
#[derive(Default)]
struct Agreement {
    agreed: Agreed,
    fields: Fields,
    owner: String,
    history: Vec<FieldChange>,
}

fn agree(known: Known<'_>, snapshot: &Snapshot) -> Result<Agreement, Vec<ConversionProblem>> {
    let mut agreement = Agreement::default();
    let mut problems = snapshot.unreadable.clone();
    for plan in &known.plan.fields {
        if gate::is_unreadable(snapshot, plan) {
            continue;
        }
        let decided = field::View::new(known, plan, snapshot).decide();
        match decided {
            Ok(Some(settled)) => {
                agreement.fields.insert(plan.partner.clone(), settled.partner);
                agreement.history.extend(settled.change);
                if let Some(pair) = settled.pair {
                    agreement.agreed.0.insert(plan.id, pair);
                }
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    agreement.history.extend(field::unmapped(known));
    let owner = owner::View::new(known, snapshot.owner).decide();
    agreement.history.extend(owner.change);
    agreement.owner = owner.partner;
    if let Some(pair) = owner.pair {
        agreement.agreed.0.insert(FieldId::OWNER, pair);
    }
    Ok(agreement)
}

/// Holds a record. Its partner record, if there is one, stays as it was.
fn hold(
    known: Known<'_>,
    salesforce_id: SalesforceId,
    version: SalesforceVersion,
    reason: HeldReason,
) -> Decision {
    let link = LinkEffect {
        status: LinkStatus::Held { reason },
        ..link_effect(known, salesforce_id, version)
    };
    let known_already = known.link.is_some_and(|before| {
        before.status == link.status && before.version == link.version && before.plan == link.plan
    });
    if known_already {
        return Decision::Drop(DropReason::Unchanged);
    }
    apply(Effects {
        link,
        record: None,
        history: Vec::new(),
        outcome: Outcome::Held,
    })
}

/// The link as it stands, decided on at a version; a link not made yet begins as a tombstone.
fn link_effect(known: Known<'_>, salesforce_id: SalesforceId, version: SalesforceVersion) -> LinkEffect {
    LinkEffect {
        existing: known.link.map(|link| LinkRef {
            id: link.id,
            record: link.record,
            revision: link.revision,
        }),
        salesforce_id,
        status: known.link.map_or(LinkStatus::Deleted, |link| link.status.clone()),
        version,
        plan: known.plan.revision,
        agreed: known
            .link
            .map_or_else(Agreed::default, |link| link.agreed.clone()),
    }
}

fn apply(effects: Effects) -> Decision {
    Decision::Apply(Box::new(effects))
}

#[cfg(test)]
mod tests;
