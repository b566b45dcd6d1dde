//! Nothing was stored: the write was refused, or is to be tried again.

use crate::decide::salesforce::{self, ended};
use crate::decide::write::Settled;
use crate::decide::write::settle::{Landed, settled};
use crate::decide::{
    Decision, Effects, HeldReason, Incoming, Known, LinkEffect, LinkState, LinkStatus, Outcome, Presence,
    Target, WriteKind,
};

impl Landed<'_> {
    pub(super) fn not_stored(&self) -> Settled {
        let cleared = self.cleared();
        let known = Known {
            link: Some(&cleared),
            ..self.known
        };
        let base = known.link_effect();
        if self.flight.write.kind == WriteKind::Create && self.record_is(Presence::Deleted) {
            // The partner deleted it meanwhile, and nothing of it ever was in Salesforce.
            return settled(known.link_only(
                LinkEffect {
                    status: LinkStatus::Deleted,
                    outgoing: ended(&base.outgoing),
                    release: known.ended(true),
                    ..base
                },
                Outcome::Deleted,
            ));
        }
        settled(known.link_only(base, Outcome::Confirmed))
    }

    pub(super) fn refused(&self, reason: HeldReason) -> Settled {
        let (deletes, deleted) = (
            self.flight.write.kind == WriteKind::Delete,
            self.record_is(Presence::Deleted),
        );
        let edited = self
            .flight
            .basis
            .iter()
            .any(|(id, basis)| self.held(*id).as_ref() != Some(basis));
        // The partner has moved on from what was refused: what it holds now is worth a try.
        if !self.waits() || edited || deletes != deleted {
            return self.not_stored();
        }
        let cleared = self.cleared();
        let known = Known {
            link: Some(&cleared),
            ..self.known
        };
        let held = known.hold(known.link_effect(), reason);
        settled(self.unheard(&held.link).unwrap_or(held))
    }

    /// What was read after a refusal, as news of a record that is held: news that came while the write was in flight was
    /// not taken. None: it tells nothing new.
    fn unheard(&self, held: &LinkEffect) -> Option<Effects> {
        let news = match self.target? {
            Target::Present(snapshot) => Incoming::Present(snapshot.clone()),
            Target::Deleted {
                salesforce_id,
                version,
                merged,
            } => Incoming::Deleted {
                salesforce_id: *salesforce_id,
                version: *version,
                merged: *merged,
                external_id: None,
            },
            Target::Missing | Target::OutOfSight | Target::Ambiguous(_) => return None,
        };
        let link = LinkState {
            status: held.status.clone(),
            ..self.cleared()
        };
        let known = Known {
            link: Some(&link),
            ..self.known
        };
        match salesforce::decide(known, &news, self.now) {
            Decision::Apply(effects) if self.link.salesforce_id == Some(news.salesforce_id()) => {
                Some(*effects)
            }
            _ => None,
        }
    }
}
