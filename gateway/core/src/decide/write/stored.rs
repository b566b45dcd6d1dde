//! What both sides agree on once a write was stored: what Salesforce really holds is read after it, since Salesforce
//! trims, rounds and formats, and Flows change fields.

use crate::decide::field::Crossing;
use crate::decide::merge::FieldCrossing;
use crate::decide::rules::{Contest, Moved};
use crate::decide::{AgreedPair, ChangeCause, FieldChange, InFlight, Known, LinkState, Side, Snapshot};
use crate::id::FieldId;
use crate::mapping::SyncRule;
use crate::owners::OwnerRung;
use crate::record::FieldValue;

/// Agrees on the written fields of a link, and forgets what the write replaced. Gives their history.
///
/// A value that was stored otherwise by the gateway's own write is not fought over where the rule would only send the
/// partner's again: what was sent and what is held count as agreed. Where the rule favours Salesforce's, or somebody
/// else edited the field since, what was sent is agreed, so that the merge sees an edit.
pub(super) fn agree(
    known: Known<'_>,
    link: &mut LinkState,
    flight: &InFlight,
    snapshot: Option<&Snapshot>,
) -> Vec<FieldChange> {
    let mut history = Vec::with_capacity(flight.write.values.len());
    for (id, expected) in &flight.write.values {
        let Some(basis) = flight.basis.get(id) else {
            continue;
        };
        let stored = snapshot.and_then(|snapshot| read(known, snapshot, *id));
        let settled = settled(known, link, snapshot, *id, expected, stored.as_ref(), basis);
        let before = link.outgoing.overruled.remove(id).or_else(|| {
            let agreed = link.agreed.0.get(id);
            agreed.map(|pair| pair.salesforce.clone())
        });
        history.push(FieldChange {
            field: *id,
            salesforce_before: before,
            salesforce_after: Some(settled.salesforce.clone()),
            partner_before: Some(basis.clone()),
            partner_after: Some(basis.clone()),
            cause: settled.cause,
            lost: None,
        });
        link.outgoing.noted.remove(id);
        link.agreed
            .0
            .insert(*id, AgreedPair::new(settled.salesforce, basis.clone()));
    }
    history
}

/// What a reading holds of a field; none where it was not read.
pub(in crate::decide) fn read(known: Known<'_>, snapshot: &Snapshot, id: FieldId) -> Option<FieldValue> {
    if id == FieldId::OWNER {
        return snapshot.owner.map(FieldValue::Reference);
    }
    let field = known.plan.field(id)?;
    snapshot.fields.get(&field.salesforce.name).cloned()
}

/// Whether two Salesforce values of a field mean the same.
pub(in crate::decide) fn same(known: Known<'_>, id: FieldId, one: &FieldValue, other: &FieldValue) -> bool {
    match known.plan.field(id) {
        Some(field) => FieldCrossing(field).same_in_salesforce(one, other),
        None => one == other,
    }
}

/// A written field's agreed Salesforce value, and why.
struct Settlement {
    salesforce: FieldValue,
    cause: ChangeCause,
}

fn settled(
    known: Known<'_>,
    link: &LinkState,
    snapshot: Option<&Snapshot>,
    id: FieldId,
    expected: &FieldValue,
    stored: Option<&FieldValue>,
    basis: &FieldValue,
) -> Settlement {
    let as_sent = |salesforce: &FieldValue| Settlement {
        salesforce: salesforce.clone(),
        cause: cause(known, link, id, basis),
    };
    let Some(stored) = stored else {
        return as_sent(expected);
    };
    if same(known, id, stored, expected) {
        return as_sent(stored);
    }
    let by_others = snapshot.is_some_and(|snapshot| snapshot.by_gateway == Some(false));
    if !by_others && would_send_again(known, id, stored, basis) {
        return Settlement {
            salesforce: stored.clone(),
            cause: ChangeCause::StoredOtherwise,
        };
    }
    as_sent(expected)
}

/// Whether the field's rule would put the partner's value over what was stored.
fn would_send_again(known: Known<'_>, id: FieldId, stored: &FieldValue, basis: &FieldValue) -> bool {
    let (rule, salesforce_blank) = match known.plan.field(id) {
        Some(field) => (field.rule, FieldCrossing(field).blank_at_partner(stored)),
        None => (known.plan.owner_rule, false),
    };
    let contest = Contest {
        moved: Moved::Salesforce,
        salesforce_blank,
        partner_blank: basis.is_blank(),
        salesforce_time: None,
        partner_time: None,
    };
    contest.winner(rule) == Side::Partner
}

/// Why a value was sent.
fn cause(known: Known<'_>, link: &LinkState, id: FieldId, basis: &FieldValue) -> ChangeCause {
    let Some(field) = known.plan.field(id) else {
        let rung = match basis {
            FieldValue::Text(owner) => known
                .owners
                .salesforce_owner(owner, known.plan.salesforce_default_owner)
                .map_or(OwnerRung::Default, |owner| owner.rung),
            _ => OwnerRung::Default,
        };
        return ChangeCause::Owner(rung);
    };
    match (link.outgoing.overruled.contains_key(&id), field.rule) {
        (true, SyncRule::MostRecent) => ChangeCause::MostRecent {
            winner: Side::Partner,
        },
        (true, _) => ChangeCause::PartnerWins,
        (false, _) => ChangeCause::PartnerEdited,
    }
}
