//! The owner: merged like a field, across the owner ladder.
//!
//! Where an owner has no user on the other side, the default owner stands in, and the pair is agreed on: so a default
//! owner never bounces back as if somebody had chosen it.

use crate::decide::field::{Crossing, Merged, View};
use crate::decide::merge::Sides;
use crate::decide::{AgreedPair, ChangeCause, FieldChange, Side};
use crate::id::FieldId;
use crate::mapping::{ConversionProblem, MappingPlan, SyncRule};
use crate::owners::{OwnerDirectory, OwnerRung};
use crate::record::FieldValue;

/// The ladder between both sides' owners.
pub(super) struct Ladder<'a> {
    pub(super) plan: &'a MappingPlan,
    pub(super) owners: &'a OwnerDirectory,
    /// Whether both records exist, so that a default owner may have to keep out.
    pub(super) updates: bool,
}

impl Ladder<'_> {
    fn keeps_default_out(&self, rung: OwnerRung) -> bool {
        self.updates && self.plan.keep_owner_on_update && rung == OwnerRung::Default
    }

    /// The rung that a Salesforce owner stands on.
    fn rung(&self, salesforce: &FieldValue) -> OwnerRung {
        match salesforce {
            FieldValue::Reference(id) => {
                self.owners
                    .partner_owner(Some(*id), &self.plan.default_owner)
                    .rung
            }
            _ => OwnerRung::Default,
        }
    }
}

impl Crossing for Ladder<'_> {
    fn to_partner(&self, salesforce: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem> {
        let id = match salesforce {
            FieldValue::Reference(id) => Some(*id),
            _ => None,
        };
        let owner = self.owners.partner_owner(id, &self.plan.default_owner);
        Ok((!self.keeps_default_out(owner.rung)).then_some(FieldValue::Text(owner.partner)))
    }

    fn to_salesforce(&self, partner: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem> {
        let FieldValue::Text(partner) = partner else {
            return Ok(None);
        };
        let default = self.plan.salesforce_default_owner;
        let owner = self.owners.salesforce_owner(partner, default);
        Ok(owner
            .filter(|owner| !self.keeps_default_out(owner.rung))
            .map(|owner| FieldValue::Reference(owner.id)))
    }

    fn same_in_salesforce(&self, one: &FieldValue, other: &FieldValue) -> bool {
        one == other
    }
}

/// Merges the owner. Its partner value is always given: every partner record has an owner.
pub(super) fn merge(sides: &Sides<'_>) -> Result<Merged, ConversionProblem> {
    let ladder = Ladder {
        plan: sides.plan,
        owners: sides.owners,
        updates: sides.partner.is_some(),
    };
    let held = sides
        .partner
        .map(|partner| FieldValue::Text(partner.owner.to_owned()));
    let read = sides
        .snapshot
        .and_then(|snapshot| snapshot.owner)
        .map(FieldValue::Reference);
    let salesforce_time = sides.salesforce_time(FieldId::OWNER, "OwnerId", read.as_ref());
    let view = View {
        id: FieldId::OWNER,
        rule: if sides.plan.has_owner {
            sides.plan.owner_rule
        } else {
            SyncRule::DoNotSync
        },
        crossing: &ladder,
        to_partner: sides.plan.writes_partner(),
        to_salesforce: sides.plan.writes_salesforce(),
        agreed: sides.agreed.0.get(&FieldId::OWNER),
        salesforce: read.as_ref(),
        partner: held.as_ref(),
        overruled: sides.outgoing.overruled.get(&FieldId::OWNER),
        ours: sides.is_ours(FieldId::OWNER, salesforce_time),
        salesforce_time,
        partner_time: sides
            .partner
            .and_then(|partner| partner.times.get(&FieldId::OWNER).copied()),
        again: sides.again,
    };
    if let Some(followed) = follow_directory(&ladder, &view) {
        return Ok(followed);
    }
    let mut merged = view.merge()?;
    if let Some(change) = &mut merged.change
        && let Some(salesforce) = &change.salesforce_after
        && matches!(
            change.cause,
            ChangeCause::SalesforceWins
                | ChangeCause::OptionDoesNotSync
                | ChangeCause::MostRecent {
                    winner: Side::Salesforce
                }
        )
    {
        change.cause = ChangeCause::Owner(ladder.rung(salesforce));
    }
    if merged.partner.is_none() {
        let default = sides.plan.default_owner.clone();
        merged.partner = Some(FieldValue::Text(default));
    }
    Ok(merged)
}

/// Neither side moved, but the directory names another partner user for Salesforce's owner. One who is no longer named
/// keeps what is owned already. Where the partner writes too, only the default owner gives way, since any other owner
/// may be the partner's own choice.
fn follow_directory(ladder: &Ladder<'_>, view: &View<'_>) -> Option<Merged> {
    let (salesforce, held, agreed) = (view.salesforce?, view.partner?, view.agreed?);
    let plan = ladder.plan;
    let stands_in = *held == FieldValue::Text(plan.default_owner.clone())
        && plan.salesforce_default_owner.map(FieldValue::Reference).as_ref() != Some(salesforce);
    let salesforce_leads =
        view.to_partner && !matches!(view.rule, SyncRule::Partner | SyncRule::PartnerUnlessBlank);
    let follows = salesforce_leads
        && view.rule != SyncRule::DoNotSync
        && (stands_in || !view.to_salesforce)
        && agreed.salesforce == *salesforce
        && agreed.partner() == held
        && ladder.rung(salesforce) == OwnerRung::Mapped;
    let named = ladder
        .to_partner(salesforce)
        .ok()?
        .filter(|named| named != held && follows)?;
    Some(Merged {
        pair: Some(AgreedPair::new(salesforce.clone(), named.clone())),
        change: Some(FieldChange {
            field: FieldId::OWNER,
            salesforce_before: Some(salesforce.clone()),
            salesforce_after: Some(salesforce.clone()),
            partner_before: Some(held.clone()),
            partner_after: Some(named.clone()),
            cause: ChangeCause::Owner(OwnerRung::Mapped),
            lost: None,
        }),
        partner: Some(named),
        ..Merged::default()
    })
}
