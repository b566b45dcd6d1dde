//! What a reading shows of a write whose outcome is not known.

use crate::Instant;
use crate::decide::write::settle::{Landed, settled};
use crate::decide::write::{Settled, read, same, sent_identity};
use crate::decide::{HeldReason, Known, Snapshot, Target, WriteKind};
use crate::id::{FieldId, SalesforceId};
use crate::mapping::SyncRule;
use crate::record::FieldValue;

impl Landed<'_> {
    /// The record in which a create or a delete of unknown outcome is found stored; none where it is not.
    pub(super) fn found_in(&self, target: &Target) -> Option<SalesforceId> {
        match (self.flight.write.kind, target) {
            (WriteKind::Create, Target::Present(snapshot)) => {
                self.made(snapshot).then_some(snapshot.salesforce_id)
            }
            (WriteKind::Create | WriteKind::Delete, Target::Deleted { salesforce_id, .. }) => {
                Some(*salesforce_id)
            }
            // A record that cannot be found has been deleted, by the write or before it.
            (WriteKind::Delete, Target::Missing | Target::OutOfSight) => self.link.salesforce_id,
            _ => None,
        }
    }

    /// Whether a record is the one that the create in flight made. One that another user made is not, also where it
    /// was found by the identity that was sent.
    fn made(&self, snapshot: &Snapshot) -> bool {
        if snapshot.made_by_gateway == Some(false) {
            return false;
        }
        match &snapshot.external_id {
            Some(text) if self.known.plan.external_id.is_some() => *text == self.known.external_id(),
            _ => true,
        }
    }

    /// An update of unknown outcome, by what a reading shows. Where the gateway's user changed the record last, all of it
    /// was stored, and what is not as it was sent was changed by a Flow. Where somebody else did, each field speaks for
    /// itself: one that holds what was sent may have been set by that person, and says nothing of the others.
    pub(super) fn updated(&self, snapshot: &Snapshot) -> Settled {
        let altered: Vec<FieldId> = self.altered(snapshot).collect();
        if altered.is_empty() {
            return self.not_stored();
        }
        if snapshot.by_gateway == Some(true) {
            return self.stored(snapshot.salesforce_id);
        }
        let mut flight = self.flight.clone();
        flight.write.values.retain(|id, expected| {
            altered.contains(id)
                && !self.outdated(snapshot, *id)
                && read(self.known, snapshot, *id).is_some_and(|now| same(self.known, *id, &now, expected))
        });
        if flight.write.values.is_empty() {
            return self.not_stored();
        }
        let shown = Landed {
            flight: &flight,
            by_others: snapshot.by_gateway == Some(false),
            ..*self
        };
        shown.stored(snapshot.salesforce_id)
    }

    /// Whether it is told that somebody else entered what was sent, and after what the partner entered since, so that
    /// the two are weighed. A later save alone does not tell that: it may have been of other fields, over our own write.
    fn outdated(&self, snapshot: &Snapshot, id: FieldId) -> bool {
        let (rule, name) = self.rule_of(id);
        let moved = self.held(id).as_ref() != self.flight.basis.get(&id);
        let time = self.known.record.and_then(|record| record.times.get(&id));
        let newer = self
            .told(snapshot, id, name)
            .zip(time)
            .is_some_and(|(at, time)| at >= *time);
        rule == SyncRule::MostRecent && snapshot.by_gateway == Some(false) && moved && newer
    }

    /// When somebody entered what a field holds, where that was told.
    pub(super) fn told(&self, snapshot: &Snapshot, id: FieldId, name: &str) -> Option<Instant> {
        let noted = self.link.outgoing.noted.get(&id);
        let noted = noted.filter(|noted| noted.value.is_none()).map(|noted| noted.at);
        snapshot.changed.get(name).copied().or(noted)
    }

    /// The fields of the update in flight that hold something else than they did before it.
    fn altered(&self, snapshot: &Snapshot) -> impl Iterator<Item = FieldId> {
        self.flight.write.values.keys().copied().filter(|id| {
            let agreed = self.link.agreed.0.get(id).map(|pair| &pair.salesforce);
            let before = self.link.outgoing.overruled.get(id).or(agreed);
            read(self.known, snapshot, *id)
                .is_some_and(|now| before.is_none_or(|before| !same(self.known, *id, &now, before)))
        })
    }

    /// The identity by which a create without an external id was looked for; see [`sent_identity`].
    pub(super) fn sent(&self) -> Option<Option<&FieldValue>> {
        sent_identity(self.known.plan, self.flight)
    }

    /// The write is over, and a person has to say how it ended, or what comes next.
    pub(super) fn ask(&self, reason: HeldReason) -> Settled {
        let cleared = self.cleared();
        let known = Known {
            link: Some(&cleared),
            ..self.known
        };
        settled(known.hold(known.link_effect(), reason))
    }

    pub(super) fn ambiguous(&self, candidates: &[SalesforceId]) -> Settled {
        let identity = match (self.known.record, candidates.first()) {
            (Some(record), Some(first)) => self.known.identity_text(&record.fields, *first),
            _ => String::new(),
        };
        self.ask(HeldReason::Ambiguous {
            identity,
            candidates: candidates.to_vec(),
        })
    }
}
