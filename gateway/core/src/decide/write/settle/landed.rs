//! The write was stored: its fields are agreed on, and either side may have moved since.

use std::collections::BTreeMap;

use crate::decide::known::{record_effect, reference};
use crate::decide::merge::Sides;
use crate::decide::salesforce::{convert, follow_policy};
use crate::decide::write::Settled;
use crate::decide::write::missed::weigh;
use crate::decide::write::settle::{Landed, settled};
use crate::decide::write::stored::agree;
use crate::decide::{
    Effects, HeldReason, Known, LinkEffect, LinkRef, LinkStatus, MergedInto, Outcome, Outgoing, Presence,
    RecordState, Snapshot, Target, WriteKind, breaker,
};
use crate::id::SalesforceId;
use crate::mapping::SyncRule;
use crate::version::SalesforceVersion;

impl Landed<'_> {
    pub(super) fn stored(&self, salesforce_id: SalesforceId) -> Settled {
        if self.flight.write.kind == WriteKind::Delete {
            return self.deleted(salesforce_id);
        }
        if let Some(other) = self.other
            && other.record.is_some()
        {
            // Another partner record was made of it meanwhile: which of the two stays is for a person to say.
            let cleared = self.cleared();
            let known = Known {
                link: Some(&cleared),
                ..self.known
            };
            let identity = match known.record {
                Some(record) => known.identity_text(&record.fields, salesforce_id),
                None => salesforce_id.to_string(),
            };
            return settled(known.hold(
                known.link_effect(),
                HeldReason::Ambiguous {
                    identity,
                    candidates: vec![salesforce_id],
                },
            ));
        }
        let snapshot = match self.target {
            Some(Target::Present(snapshot)) if snapshot.salesforce_id == salesforce_id => Some(snapshot),
            _ => None,
        };
        let mut link = self.cleared();
        link.salesforce_id = Some(salesforce_id);
        if link.status == LinkStatus::Creating {
            link.status = LinkStatus::Linked;
        }
        let mut history = agree(self.known, &mut link, self.flight, snapshot);
        let mut record = self.known.record.cloned();
        let entered = snapshot.filter(|_| self.by_others);
        if let (Some(record), Some(snapshot)) = (&mut record, entered) {
            self.entered(record, snapshot);
        }
        let lives = self.waits() && self.gone(snapshot).is_none();
        let missed = record
            .as_mut()
            .filter(|_| lives)
            .map(|record| {
                weigh(
                    self.known,
                    &mut link,
                    record,
                    self.flight,
                    snapshot,
                    self.by_others,
                )
            })
            .unwrap_or_default();
        let known = Known {
            link: Some(&link),
            record: record.as_ref(),
            ..self.known
        };
        let base = LinkEffect {
            absorb: self.absorbed(),
            version: snapshot.map_or(link.version, |snapshot| snapshot.version.max(link.version)),
            ..known.link_effect()
        };
        let mut effects = self.after(known, base, snapshot);
        if self.flight.write.kind == WriteKind::Create {
            // A new record has no history: it begins with what its link agrees on. What Salesforce made of it has, and
            // what was edited there since and lost.
            effects
                .history
                .retain(|change| change.partner_before != change.partner_after || change.lost.is_some());
            history.clear();
        }
        history.extend(missed);
        effects.history.splice(0..0, history);
        // What came back to the partner is written also where the rest waits.
        let came_back = record.filter(|record| effects.record.is_none() && Some(record) != self.known.record);
        effects.record = effects.record.or(came_back.as_ref().map(record_effect));
        settled(effects)
    }

    /// Somebody entered what was sent as well, and it is told when: that is when it was edited last.
    fn entered(&self, record: &mut RecordState, snapshot: &Snapshot) {
        for id in self.flight.write.values.keys() {
            let (rule, name) = self.rule_of(*id);
            // What the partner edited since has its own time.
            if rule != SyncRule::MostRecent || self.held(*id).as_ref() != self.flight.basis.get(id) {
                continue;
            }
            let Some(at) = self.told(snapshot, *id, name) else {
                continue;
            };
            let time = record.times.entry(*id).or_insert(at);
            *time = at.max(*time);
        }
    }

    /// What follows once the written fields are agreed on: Salesforce's record may be gone already, and either side
    /// may have been edited since.
    fn after(&self, known: Known<'_>, base: LinkEffect, snapshot: Option<&Snapshot>) -> Effects {
        if let Some((version, merged)) = self.gone(snapshot) {
            if !self.waits() {
                return known.link_only(base, Outcome::Confirmed);
            }
            let version = version.max(base.version);
            return follow_policy(known, LinkEffect { version, ..base }, merged);
        }
        if !self.waits() {
            return known.link_only(base, Outcome::Confirmed);
        }
        let again = LinkEffect {
            ready: true,
            ..base.clone()
        };
        let (Some(snapshot), Some(record)) = (snapshot, known.record) else {
            return known.link_only(again, Outcome::Confirmed);
        };
        if record.presence == Presence::Deleted {
            return known.link_only(again, Outcome::Confirmed);
        }
        if let Some(to) = snapshot.converted {
            return convert(known, base, to);
        }
        let sides = Sides {
            written: Some(&self.flight.write),
            ..Sides::new(known, Some(snapshot))
        };
        let merge = match sides.merge() {
            Ok(merge) => merge,
            Err(problems) => return known.hold(again, HeldReason::Conversion { problems }),
        };
        let before = self.known.record.unwrap_or(record);
        let turns = match breaker::count(
            known.plan,
            base.outgoing.turns,
            merge.step(Some(before), false),
            self.now,
        ) {
            Ok(turns) => turns,
            Err(turns) => return known.hold(again, HeldReason::Flipping { turns }),
        };
        let pending = !merge.writes.is_empty();
        let (reserve, release) = known.identities(Some(&before.fields), Some(&merge.fields));
        Effects {
            record: merge.record(Some(before)),
            outcome: if merge.moves_partner(before) {
                Outcome::Updated
            } else {
                Outcome::Confirmed
            },
            link: LinkEffect {
                plan: known.plan.revision,
                agreed: merge.agreed,
                outgoing: Outgoing {
                    pending,
                    overruled: merge.overruled,
                    noted: BTreeMap::new(),
                    turns,
                    ..base.outgoing
                },
                ready: pending,
                reserve,
                release,
                ..base
            },
            history: merge.history,
        }
    }

    /// The version at which the written record is known to be gone.
    pub(super) fn gone(&self, snapshot: Option<&Snapshot>) -> Option<(SalesforceVersion, MergedInto)> {
        if let Some(Target::Deleted { version, merged, .. }) = self.target {
            return Some((*version, *merged));
        }
        let tombstone = self.other.filter(|other| other.status == LinkStatus::Deleted)?;
        let revived = snapshot.is_some_and(|snapshot| snapshot.version.modstamp > tombstone.version.modstamp);
        (!revived).then_some((tombstone.version, MergedInto::Nothing))
    }

    fn absorbed(&self) -> Option<LinkRef> {
        self.other.filter(|other| other.record.is_none()).map(reference)
    }
}
