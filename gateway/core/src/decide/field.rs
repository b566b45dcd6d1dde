//! One field: what becomes of it once both sides' values are known. Who wins is said by `rules`.

use crate::Instant;
use crate::decide::rules::{Contest, Moved};
use crate::decide::{AgreedPair, ChangeCause, FieldChange, Lost, Side};
use crate::id::FieldId;
use crate::mapping::{ConversionProblem, SyncRule};
use crate::record::FieldValue;

/// How a field's values cross from one side to the other.
pub(super) trait Crossing {
    /// The partner's value of a Salesforce value; `None`: it does not cross, and the partner keeps what it holds.
    fn to_partner(&self, salesforce: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem>;

    /// The Salesforce value of a partner's value; `None`: it does not cross, and Salesforce keeps what it holds.
    fn to_salesforce(&self, partner: &FieldValue) -> Result<Option<FieldValue>, ConversionProblem>;

    /// Whether two Salesforce values mean the same.
    fn same_in_salesforce(&self, one: &FieldValue, other: &FieldValue) -> bool;

    /// Whether a Salesforce value would be blank at the partner.
    fn blank_at_partner(&self, salesforce: &FieldValue) -> bool {
        match self.to_partner(salesforce) {
            Ok(Some(value)) => value.is_blank(),
            Ok(None) => false,
            Err(_) => salesforce.is_blank(),
        }
    }

    /// Whether both sides hold the same, each in its own representation.
    fn same(&self, salesforce: &FieldValue, partner: &FieldValue) -> bool {
        let crossed = self.to_partner(salesforce);
        if crossed.is_ok_and(|value| value.as_ref() == Some(partner)) {
            return true;
        }
        let crossed = self.to_salesforce(partner);
        crossed.is_ok_and(|value| value.is_some_and(|value| self.same_in_salesforce(&value, salesforce)))
    }
}

/// All that decides a field.
pub(super) struct View<'a> {
    pub(super) id: FieldId,
    pub(super) rule: SyncRule,
    pub(super) crossing: &'a dyn Crossing,
    /// Whether values may travel to the partner.
    pub(super) to_partner: bool,
    /// Whether values may travel to Salesforce.
    pub(super) to_salesforce: bool,
    pub(super) agreed: Option<&'a AgreedPair>,
    /// What Salesforce holds, as it was read; none where it was not.
    pub(super) salesforce: Option<&'a FieldValue>,
    /// What the partner holds.
    pub(super) partner: Option<&'a FieldValue>,
    /// The Salesforce value that lost and is about to be overwritten.
    pub(super) overruled: Option<&'a FieldValue>,
    pub(super) salesforce_time: Option<Instant>,
    pub(super) partner_time: Option<Instant>,
    /// Whether the gateway itself wrote Salesforce's record last, so that its time is no edit's.
    pub(super) ours: bool,
    /// Whether what was agreed is weighed anew: the mapping may have another meaning now.
    pub(super) again: bool,
}

/// A field after its merge.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// What both sides agree on from now on; what they agreed on before, where a value has to travel to Salesforce.
    pub(super) pair: Option<AgreedPair>,
    /// What the partner holds from now on.
    pub(super) partner: Option<FieldValue>,
    /// The value to write to Salesforce.
    pub(super) write: Option<FieldValue>,
    /// Whether Salesforce has to be read before it can be said whether something is to be written.
    pub(super) open: bool,
    /// The Salesforce value that the write is to replace and that is no news until then.
    pub(super) overruled: Option<FieldValue>,
    /// What changed, if anything.
    pub(super) change: Option<FieldChange>,
    /// Whether one side's value was put over the other's edit.
    pub(super) overwrites: bool,
    /// When the value was edited, where that is known anew.
    pub(super) time: Option<Instant>,
}

impl View<'_> {
    /// Merges both sides.
    pub(super) fn merge(&self) -> Result<Merged, ConversionProblem> {
        if self.rule == SyncRule::DoNotSync {
            return Ok(self.keep());
        }
        if self.salesforce.is_none() && self.overruled.is_some() {
            return Ok(Merged {
                open: true,
                overruled: self.overruled.cloned(),
                ..self.keep()
            });
        }
        let partner = self.partner.or(self.agreed.map(AgreedPair::partner));
        let Some(salesforce) = self.salesforce.or(self.agreed.map(|pair| &pair.salesforce)) else {
            return Ok(Merged {
                open: self.to_salesforce && partner.is_some(),
                ..self.keep()
            });
        };
        let Some(partner) = partner else {
            return self.begin(salesforce);
        };
        if self.overruled == Some(salesforce) && !self.gives_way(salesforce, partner) {
            return self.overwrite(salesforce, partner);
        }
        let Some(moved) = self.moved(salesforce, partner) else {
            return Ok(self.keep());
        };
        let stays = self.crossing.to_partner(salesforce) == Ok(None);
        if moved == Moved::Salesforce && stays {
            return Ok(self.agree(moved, salesforce, partner, ChangeCause::OptionDoesNotSync));
        }
        if moved != Moved::Salesforce && self.crossing.same(salesforce, partner) {
            return Ok(self.agree(moved, salesforce, partner, ChangeCause::Agreed));
        }
        match self.contest(moved, salesforce, partner).winner(self.rule) {
            Side::Salesforce => self.take(moved, salesforce, partner),
            Side::Partner => self.send(moved, salesforce, partner),
        }
    }

    fn contest(&self, moved: Moved, salesforce: &FieldValue, partner: &FieldValue) -> Contest {
        Contest {
            moved,
            salesforce_blank: self.crossing.blank_at_partner(salesforce),
            partner_blank: partner.is_blank(),
            salesforce_time: self.salesforce_time,
            partner_time: self.partner_time,
        }
    }

    /// What moved since both sides last agreed; `None`: nothing.
    fn moved(&self, salesforce: &FieldValue, partner: &FieldValue) -> Option<Moved> {
        let Some(agreed) = self.agreed else {
            return Some(Moved::FirstContact);
        };
        let another = !self.crossing.same_in_salesforce(salesforce, &agreed.salesforce);
        match (another, partner != agreed.partner()) {
            (true, true) => Some(Moved::Both),
            (false, true) => Some(Moved::Partner),
            (true, false) => Some(Moved::Salesforce),
            (false, false) if *salesforce != agreed.salesforce => Some(Moved::Salesforce),
            (false, false) => {
                (self.again && !self.crossing.same(salesforce, partner)).then_some(Moved::FirstContact)
            }
        }
    }

    /// Whether the partner cleared a field whose blank does not win, so that nothing is overwritten any more.
    fn gives_way(&self, salesforce: &FieldValue, partner: &FieldValue) -> bool {
        self.rule == SyncRule::PartnerUnlessBlank && partner.is_blank() && !salesforce.is_blank()
    }

    fn keep(&self) -> Merged {
        Merged {
            pair: self.agreed.cloned(),
            partner: self.partner.or(self.agreed.map(AgreedPair::partner)).cloned(),
            ..Merged::default()
        }
    }

    /// The partner holds nothing yet.
    fn begin(&self, salesforce: &FieldValue) -> Result<Merged, ConversionProblem> {
        if !self.to_partner {
            return Ok(Merged::default());
        }
        let (value, cause) = match self.crossing.to_partner(salesforce)? {
            Some(value) => (value, self.cause(Side::Salesforce)),
            None => (FieldValue::Null, ChangeCause::OptionDoesNotSync),
        };
        Ok(Merged {
            pair: Some(AgreedPair::new(salesforce.clone(), value.clone())),
            change: Some(self.change(salesforce, None, &value, cause)),
            partner: Some(value),
            time: self.time(self.salesforce_time),
            ..Merged::default()
        })
    }

    /// Both sides are to be as they are.
    fn agree(
        &self,
        moved: Moved,
        salesforce: &FieldValue,
        partner: &FieldValue,
        cause: ChangeCause,
    ) -> Merged {
        let pair = AgreedPair::new(salesforce.clone(), partner.clone());
        let change =
            (self.agreed != Some(&pair)).then(|| self.change(salesforce, Some(partner), partner, cause));
        let edited = moved != Moved::Partner;
        Merged {
            pair: Some(pair),
            partner: Some(partner.clone()),
            change,
            time: self.time(self.salesforce_time.max(self.partner_time).filter(|_| edited)),
            ..Merged::default()
        }
    }

    /// Salesforce's value wins.
    fn take(
        &self,
        moved: Moved,
        salesforce: &FieldValue,
        partner: &FieldValue,
    ) -> Result<Merged, ConversionProblem> {
        if !self.to_partner {
            return Ok(self.agree(moved, salesforce, partner, ChangeCause::Diverged));
        }
        let Some(value) = self.crossing.to_partner(salesforce)? else {
            return Ok(self.agree(moved, salesforce, partner, ChangeCause::OptionDoesNotSync));
        };
        let edited = matches!(moved, Moved::Partner | Moved::Both) && value != *partner;
        let mut change = self.change(salesforce, Some(partner), &value, self.cause(Side::Salesforce));
        change.lost = edited.then(|| Lost {
            side: Side::Partner,
            value: partner.clone(),
        });
        let same = self.agreed.map(|pair| &pair.salesforce) == Some(salesforce) && value == *partner;
        Ok(Merged {
            pair: Some(AgreedPair::new(salesforce.clone(), value.clone())),
            partner: Some(value),
            change: (!same).then_some(change),
            overwrites: edited && moved == Moved::Partner,
            time: self.time(self.salesforce_time),
            ..Merged::default()
        })
    }

    /// The partner's value wins.
    fn send(
        &self,
        moved: Moved,
        salesforce: &FieldValue,
        partner: &FieldValue,
    ) -> Result<Merged, ConversionProblem> {
        if !self.to_salesforce {
            let cause = match self.rule {
                SyncRule::SalesforceUnlessBlank => ChangeCause::BlankKeepsPartner,
                _ => ChangeCause::Diverged,
            };
            return Ok(self.agree(moved, salesforce, partner, cause));
        }
        // A formatter's work is no edit, also where what is stored was never what the partner holds.
        let restyled = moved == Moved::Salesforce
            && self
                .agreed
                .is_some_and(|pair| self.crossing.same_in_salesforce(salesforce, &pair.salesforce));
        if restyled || self.crossing.same(salesforce, partner) {
            return Ok(self.agree(moved, salesforce, partner, ChangeCause::Agreed));
        }
        let Some(write) = self.crossing.to_salesforce(partner)? else {
            return Ok(self.agree(moved, salesforce, partner, ChangeCause::Diverged));
        };
        // Also another spelling of the agreed value may be somebody's work: it is not weighed, but it is not forgotten.
        let replaces = self.agreed.is_some_and(|pair| pair.salesforce != *salesforce);
        let mut change = self.change(salesforce, Some(partner), partner, self.cause(Side::Partner));
        change.lost = Some(Lost {
            side: Side::Salesforce,
            value: salesforce.clone(),
        });
        Ok(Merged {
            write: Some(write),
            overruled: (replaces || moved == Moved::FirstContact).then(|| salesforce.clone()),
            change: replaces.then_some(change),
            overwrites: matches!(moved, Moved::Salesforce | Moved::Both),
            ..self.keep()
        })
    }

    /// The Salesforce value lost already: the partner's is on its way.
    fn overwrite(&self, salesforce: &FieldValue, partner: &FieldValue) -> Result<Merged, ConversionProblem> {
        let sent = self.send(Moved::Partner, salesforce, partner)?;
        let Some(write) = sent.write else {
            return Ok(sent);
        };
        Ok(Merged {
            write: Some(write),
            overruled: Some(salesforce.clone()),
            ..self.keep()
        })
    }

    fn cause(&self, winner: Side) -> ChangeCause {
        match (self.rule, winner) {
            (SyncRule::MostRecent, winner) => ChangeCause::MostRecent { winner },
            (_, Side::Salesforce) => ChangeCause::SalesforceWins,
            (_, Side::Partner) => ChangeCause::PartnerWins,
        }
    }

    /// Salesforce's edit times are kept where they will be compared.
    fn time(&self, time: Option<Instant>) -> Option<Instant> {
        time.filter(|_| self.rule == SyncRule::MostRecent && !self.ours)
    }

    fn change(
        &self,
        salesforce: &FieldValue,
        before: Option<&FieldValue>,
        after: &FieldValue,
        cause: ChangeCause,
    ) -> FieldChange {
        FieldChange {
            field: self.id,
            salesforce_before: self.agreed.map(|pair| pair.salesforce.clone()),
            salesforce_after: Some(salesforce.clone()),
            partner_before: before.cloned(),
            partner_after: Some(after.clone()),
            cause,
            lost: None,
        }
    }
}
