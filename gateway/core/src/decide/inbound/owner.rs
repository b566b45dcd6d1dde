//! The owner: who owns the partner's record.
//!
//! The owner changes when Salesforce's does, or when its owner gets another partner user. It is never bounced back:
//! a user who loses the partner user keeps what is owned already.

use crate::decide::inbound::Known;
use crate::decide::{AgreedPair, ChangeCause, FieldChange};
use crate::id::{FieldId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::owners::{OwnerDirectory, OwnerRung, ResolvedOwner};
use crate::record::FieldValue;

/// All that decides the owner.
pub(super) struct View<'a> {
    plan: &'a MappingPlan,
    owners: &'a OwnerDirectory,
    agreed: Option<&'a AgreedPair>,
    /// Who owns the partner's record; none before there is one.
    current: Option<&'a str>,
    /// Salesforce's owner, where it was read.
    read: Option<SalesforceId>,
}

/// The owner after the decision.
pub(super) struct Settled {
    /// Partner user.
    pub(super) partner: String,
    /// What both sides agree on, once Salesforce's owner is known.
    pub(super) pair: Option<AgreedPair>,
    /// What changed, if anything.
    pub(super) change: Option<FieldChange>,
}

impl<'a> View<'a> {
    pub(super) fn new(known: Known<'a>, read: Option<SalesforceId>) -> Self {
        View {
            plan: known.plan,
            owners: known.owners,
            agreed: known.link.and_then(|link| link.agreed.0.get(&FieldId::OWNER)),
            current: known.record.map(|record| record.owner.as_str()),
            read,
        }
    }

    pub(super) fn decide(self) -> Settled {
        let ladder = self.owners.partner_owner(self.read, &self.plan.default_owner);
        let Some(read) = self.read else {
            return Settled {
                partner: self.current.map_or(ladder.partner, str::to_owned),
                pair: self.agreed.cloned(),
                change: None,
            };
        };
        let salesforce = FieldValue::Reference(read);
        let same = self.agreed.is_some_and(|pair| pair.salesforce == salesforce);
        let rung = ladder.rung;
        let partner = match self.current {
            None => ladder.partner,
            Some(current) if same => self.follow_directory(ladder, current),
            Some(current) if rung == OwnerRung::Default && self.plan.keep_owner_on_update => {
                current.to_owned()
            }
            Some(_) => ladder.partner,
        };
        let changed = !same || self.current != Some(&partner);
        let change = changed.then(|| FieldChange {
            field: FieldId::OWNER,
            salesforce_before: self.agreed.map(|pair| pair.salesforce.clone()),
            salesforce_after: Some(salesforce.clone()),
            partner_before: self.current.map(|owner| FieldValue::Text(owner.to_owned())),
            partner_after: Some(FieldValue::Text(partner.clone())),
            cause: ChangeCause::Owner(rung),
        });
        let pair = match self.agreed {
            // The agreed partner side stays what the directory last gave, also where the partner chose another owner.
            Some(agreed) if !changed => agreed.clone(),
            _ => AgreedPair::new(salesforce, FieldValue::Text(partner.clone())),
        };
        Settled {
            partner,
            pair: Some(pair),
            change,
        }
    }

    /// Salesforce's owner stayed: the partner's changes only if the directory names somebody new.
    fn follow_directory(&self, ladder: ResolvedOwner, current: &str) -> String {
        let agreed = self.agreed.map(AgreedPair::partner);
        let new = agreed != Some(&FieldValue::Text(ladder.partner.clone()));
        if ladder.rung == OwnerRung::Mapped && new {
            ladder.partner
        } else {
            current.to_owned()
        }
    }
}
