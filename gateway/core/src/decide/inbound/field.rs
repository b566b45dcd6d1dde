//! One field: what its news becomes.

use crate::decide::inbound::Known;
use crate::decide::{AgreedPair, ChangeCause, FieldChange, LinkStatus, Snapshot};
use crate::id::FieldId;
use crate::mapping::{ConversionCause, ConversionProblem, FieldPlan, SyncRule, convert};
use crate::record::FieldValue;

/// All that decides a field.
pub(super) struct View<'a> {
    plan: &'a FieldPlan,
    agreed: Option<&'a AgreedPair>,
    /// What the partner holds.
    held: Option<&'a FieldValue>,
    /// What Salesforce holds and must be weighed; none where it is as it was agreed.
    news: Option<&'a FieldValue>,
}

/// A field after its decision.
pub(super) struct Settled {
    /// What both sides agree on; none where the partner alone knows the field.
    pub(super) pair: Option<AgreedPair>,
    /// What the partner holds.
    pub(super) partner: FieldValue,
    /// What changed, if anything.
    pub(super) change: Option<FieldChange>,
}

impl<'a> View<'a> {
    pub(super) fn new(known: Known<'a>, plan: &'a FieldPlan, snapshot: &'a Snapshot) -> Self {
        let agreed = known.link.and_then(|link| link.agreed.0.get(&plan.id));
        let current = known.record.and_then(|record| record.fields.get(&plan.partner));
        // What was agreed under another plan, or before a person had to act, is weighed again: the same Salesforce
        // value may now mean something else to the partner. A field that was not read is as it was.
        let settled = known
            .link
            .is_some_and(|link| link.status == LinkStatus::Linked && link.plan == known.plan.revision);
        let agreed_value = agreed.map(|pair| &pair.salesforce);
        let read = snapshot.fields.get(&plan.salesforce.name);
        let news = match plan.rule {
            SyncRule::DoNotSync => None,
            _ if settled => read.filter(|read| Some(*read) != agreed_value),
            _ => read.or(agreed_value),
        };
        View {
            plan,
            agreed,
            held: current.or(agreed.map(AgreedPair::partner)),
            news,
        }
    }

    /// Decides the field; `None` where neither side is known to hold anything.
    pub(super) fn decide(&self) -> Result<Option<Settled>, ConversionProblem> {
        let Some(news) = self.news else {
            return self.keep();
        };
        let (partner, cause) = match convert::to_partner(self.plan, news)? {
            None => (
                self.held.cloned().unwrap_or(FieldValue::Null),
                ChangeCause::OptionDoesNotSync,
            ),
            Some(value) => match self.held {
                Some(held)
                    if self.plan.rule == SyncRule::SalesforceUnlessBlank
                        && value.is_blank()
                        && !held.is_blank() =>
                {
                    (held.clone(), ChangeCause::BlankKeepsPartner)
                }
                _ => (value, ChangeCause::SalesforceWins),
            },
        };
        self.require(&partner)?;
        let salesforce_before = self.agreed.map(|pair| &pair.salesforce);
        let changed = salesforce_before != Some(news) || self.held != Some(&partner);
        Ok(Some(Settled {
            pair: Some(AgreedPair::new(news.clone(), partner.clone())),
            change: changed.then(|| FieldChange {
                field: self.plan.id,
                salesforce_before: salesforce_before.cloned(),
                salesforce_after: Some(news.clone()),
                partner_before: self.held.cloned(),
                partner_after: Some(partner.clone()),
                cause,
            }),
            partner,
        }))
    }

    fn keep(&self) -> Result<Option<Settled>, ConversionProblem> {
        self.require(self.held.unwrap_or(&FieldValue::Null))?;
        Ok(self.held.map(|held| Settled {
            pair: self.agreed.cloned(),
            partner: held.clone(),
            change: None,
        }))
    }

    fn require(&self, value: &FieldValue) -> Result<(), ConversionProblem> {
        if self.plan.required && value.is_blank() {
            return Err(self.plan.problem(ConversionCause::Required));
        }
        Ok(())
    }
}

/// What leaves the partner's record because the mapping no longer has the field.
pub(super) fn unmapped(known: Known<'_>) -> impl Iterator<Item = FieldChange> {
    known
        .link
        .into_iter()
        .flat_map(|link| &link.agreed.0)
        .filter(move |(id, _)| {
            **id != FieldId::OWNER && known.plan.fields.iter().all(|field| field.id != **id)
        })
        .map(|(id, pair)| withdrawn(*id, pair, ChangeCause::Unmapped))
}

/// The change of a field that the partner no longer sees.
pub(super) fn withdrawn(id: FieldId, pair: &AgreedPair, cause: ChangeCause) -> FieldChange {
    FieldChange {
        field: id,
        salesforce_before: Some(pair.salesforce.clone()),
        salesforce_after: None,
        partner_before: Some(pair.partner().clone()),
        partner_after: None,
        cause,
    }
}
