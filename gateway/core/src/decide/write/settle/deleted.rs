//! The write deleted Salesforce's record.

use crate::decide::partner::{new_life, tombstone};
use crate::decide::salesforce::{ended, history_of};
use crate::decide::write::Settled;
use crate::decide::write::settle::{Landed, settled};
use crate::decide::{
    Agreed, ChangeCause, Effects, FieldChange, Known, LinkEffect, LinkStatus, Outcome, Presence, Target,
};
use crate::id::SalesforceId;
use crate::version::SalesforceVersion;

impl Landed<'_> {
    /// The record was deleted for the partner.
    pub(super) fn deleted(&self, salesforce_id: SalesforceId) -> Settled {
        let version = match self.target {
            Some(Target::Deleted { version, .. }) => (*version).max(self.link.version),
            // It was brought back already; news of that must count as newer.
            Some(Target::Present(_)) => self.link.version,
            // When exactly it went is not known; whoever brings it back does so after the write was decided.
            _ => SalesforceVersion {
                modstamp: self.flight.since.max(self.link.version.modstamp),
                observed: self.now,
            },
        };
        let known = self.known;
        if self.record_is(Presence::Live) {
            // The partner brought it back while the delete was under way.
            let link = new_life(known, self.link);
            return Settled {
                effects: Some(Box::new(known.link_only(link, Outcome::Restored))),
                tombstone: Some(Box::new(tombstone(known, salesforce_id, version))),
            };
        }
        let base = known.link_effect();
        settled(Effects {
            link: LinkEffect {
                status: LinkStatus::Deleted,
                version,
                agreed: Agreed::default(),
                outgoing: ended(&base.outgoing),
                release: known.ended(true),
                ..base
            },
            record: None,
            history: self.deletion(known),
            outcome: Outcome::Deleted,
        })
    }

    /// The end of Salesforce's record; the partner's ended when it was decided.
    fn deletion(&self, known: Known<'_>) -> Vec<FieldChange> {
        history_of(known, ChangeCause::PartnerDeleted)
            .into_iter()
            .map(|change| FieldChange {
                partner_before: None,
                ..change
            })
            .collect()
    }
}
