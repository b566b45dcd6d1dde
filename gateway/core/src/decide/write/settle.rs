//! What the outcome of a write means.

use std::collections::BTreeMap;

use crate::Instant;
use crate::decide::known::{record_effect, reference};
use crate::decide::merge::Sides;
use crate::decide::partner::{new_life, tombstone};
use crate::decide::salesforce::{self, convert, ended, follow_policy, history_of};
use crate::decide::write::missed::weigh;
use crate::decide::write::stored::agree;
use crate::decide::write::{Settled, WriteOutcome, read, same, sent_identity};
use crate::decide::{
    Agreed, ChangeCause, Decision, Effects, FieldChange, HeldReason, Identity, InFlight, Incoming, Known,
    LinkEffect, LinkRef, LinkState, LinkStatus, MergedInto, Outcome, Outgoing, Presence, RecordState,
    Snapshot, Target, WriteKind, breaker,
};
use crate::id::{FieldId, SalesforceId};
use crate::mapping::{MappingPlan, SyncRule};
use crate::record::FieldValue;
use crate::version::SalesforceVersion;

/// Decides what the outcome of the write in flight means. `target` is what was read after it, where that succeeded;
/// without it an unknown outcome stays unknown. What was not stored stays pending, to be prepared again.
///
/// `other` is another link of the Salesforce record that was stored or read, if there is one.
pub fn settle(
    known: Known<'_>,
    other: Option<&LinkState>,
    outcome: &WriteOutcome,
    target: Option<&Target>,
    now: Instant,
) -> Settled {
    let Some((link, flight)) = known
        .link
        .and_then(|link| link.outgoing.in_flight.as_ref().map(|flight| (link, flight)))
    else {
        return Settled::default();
    };
    let landed = Landed {
        known,
        link,
        flight,
        other,
        target,
        now,
        by_others: false,
    };
    let mut settled = landed.end(outcome);
    if let Some(effects) = &mut settled.effects {
        landed.let_go(effects);
    }
    settled
}

/// A write that ended.
struct Landed<'a> {
    known: Known<'a>,
    link: &'a LinkState,
    flight: &'a InFlight,
    other: Option<&'a LinkState>,
    target: Option<&'a Target>,
    now: Instant,
    /// Whether somebody else may have entered what was sent: the outcome was unknown, and theirs is the last save.
    by_others: bool,
}

impl Landed<'_> {
    fn end(&self, outcome: &WriteOutcome) -> Settled {
        match outcome {
            WriteOutcome::Stored { salesforce_id } => self.stored(*salesforce_id),
            WriteOutcome::NotNow => self.not_stored(),
            WriteOutcome::Refused {
                code,
                message,
                fields,
                advice,
            } => self.refused(HeldReason::Refused {
                code: code.clone(),
                message: message.clone(),
                fields: fields.clone(),
                advice: advice.clone(),
            }),
            WriteOutcome::Unknown => match self.target {
                None => Settled::default(),
                Some(Target::Present(snapshot)) if self.flight.write.kind == WriteKind::Update => {
                    self.updated(snapshot)
                }
                Some(target) => match (self.found_in(target), target) {
                    (Some(salesforce_id), _) => self.stored(salesforce_id),
                    (None, Target::Ambiguous(candidates)) if self.is_open() && self.sent().is_some() => {
                        self.ambiguous(candidates)
                    }
                    (None, _) if self.is_open() && self.sent() == Some(None) => {
                        self.ask(HeldReason::OutcomeUnknown)
                    }
                    (None, _) => self.not_stored(),
                },
            },
        }
    }

    /// Sets the identity free under which a create was under way, unless the record has it.
    fn let_go(&self, effects: &mut Effects) {
        let Some(sent) = self
            .known
            .sent()
            .filter(|_| effects.link.outgoing.in_flight.is_none())
        else {
            return;
        };
        let fields = match (&effects.record, self.known.record) {
            (Some(record), _) => Some(&record.fields),
            (None, record) => record.map(|record| &record.fields),
        };
        let carried = fields.and_then(|fields| Identity::of_fields(self.known.plan, fields));
        let link = &mut effects.link;
        let lives = matches!(
            link.status,
            LinkStatus::Creating | LinkStatus::Linked | LinkStatus::Held { .. }
        );
        if (!lives || carried.as_ref() != Some(&sent)) && !link.release.contains(&sent) {
            link.release.push(sent);
        }
    }

    /// The record in which a create or a delete of unknown outcome is found stored; none where it is not.
    fn found_in(&self, target: &Target) -> Option<SalesforceId> {
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

    /// Whether a record is the one that the create in flight made. One that was found by its identity is not.
    fn made(&self, snapshot: &Snapshot) -> bool {
        if self.known.plan.external_id.is_none() {
            return true;
        }
        let generation = self.link.outgoing.generation;
        let expected = self
            .link
            .record
            .map(|record| MappingPlan::external_id_of(self.known.connection, record, generation));
        match &snapshot.external_id {
            None => true,
            Some(text) => *text == expected,
        }
    }

    /// An update of unknown outcome, by what a reading shows. Where the gateway's user changed the record last, all of it
    /// was stored, and what is not as it was sent was changed by a Flow. Where somebody else did, each field speaks for
    /// itself: one that holds what was sent may have been set by that person, and says nothing of the others.
    fn updated(&self, snapshot: &Snapshot) -> Settled {
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
    fn told(&self, snapshot: &Snapshot, id: FieldId, name: &str) -> Option<Instant> {
        let noted = self.link.outgoing.noted.get(&id);
        let noted = noted.filter(|noted| noted.value.is_none()).map(|noted| noted.at);
        snapshot.changed.get(name).copied().or(noted)
    }

    fn rule_of(&self, id: FieldId) -> (SyncRule, &str) {
        match self.known.plan.field(id) {
            Some(field) => (field.rule, field.salesforce.name.as_str()),
            None => (self.known.plan.owner_rule, "OwnerId"),
        }
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

    /// The link without the write, and as far as known with the record that holds it.
    fn cleared(&self) -> LinkState {
        LinkState {
            outgoing: Outgoing {
                in_flight: None,
                ..self.link.outgoing.clone()
            },
            ..self.link.clone()
        }
    }

    /// The identity by which a create without an external id was looked for; see [`sent_identity`].
    fn sent(&self) -> Option<Option<&FieldValue>> {
        sent_identity(self.known.plan, self.flight)
    }

    /// The write is over, and a person has to say how it ended, or what comes next.
    fn ask(&self, reason: HeldReason) -> Settled {
        let cleared = self.cleared();
        let known = Known {
            link: Some(&cleared),
            ..self.known
        };
        settled(known.hold(known.link_effect(), reason))
    }

    fn ambiguous(&self, candidates: &[SalesforceId]) -> Settled {
        let identity = match (self.known.record, candidates.first()) {
            (Some(record), Some(first)) => self.known.identity_text(&record.fields, *first),
            (None, Some(first)) => first.to_string(),
            _ => String::new(),
        };
        self.ask(HeldReason::Ambiguous {
            identity,
            candidates: candidates.to_vec(),
        })
    }

    /// Whether the link stands, held or not.
    fn is_open(&self) -> bool {
        self.waits() || matches!(self.link.status, LinkStatus::Held { .. })
    }

    fn waits(&self) -> bool {
        matches!(self.link.status, LinkStatus::Creating | LinkStatus::Linked)
    }

    fn record_is(&self, presence: Presence) -> bool {
        self.known
            .record
            .is_some_and(|record| record.presence == presence)
    }

    fn not_stored(&self) -> Settled {
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

    fn refused(&self, reason: HeldReason) -> Settled {
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
            plan: held.plan,
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

    /// What the partner holds in a field.
    fn held(&self, id: FieldId) -> Option<FieldValue> {
        let record = self.known.record?;
        match self.known.plan.field(id) {
            Some(field) => record
                .fields
                .get(&field.partner)
                .cloned()
                .or(Some(FieldValue::Null)),
            None => Some(FieldValue::Text(record.owner.clone())),
        }
    }

    fn stored(&self, salesforce_id: SalesforceId) -> Settled {
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
            outgoing: Outgoing {
                pending: true,
                ..base.outgoing.clone()
            },
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
    fn gone(&self, snapshot: Option<&Snapshot>) -> Option<(SalesforceVersion, MergedInto)> {
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

    /// The record was deleted for the partner.
    fn deleted(&self, salesforce_id: SalesforceId) -> Settled {
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
        let cleared = self.cleared();
        let known = Known {
            link: Some(&cleared),
            ..self.known
        };
        if self.record_is(Presence::Live) {
            // The partner brought it back while the delete was under way.
            let link = LinkEffect {
                existing: Some(reference(self.link)),
                ..new_life(known, &cleared)
            };
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

fn settled(effects: Effects) -> Settled {
    Settled {
        effects: Some(Box::new(effects)),
        tombstone: None,
    }
}
