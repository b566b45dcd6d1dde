//! What to send, decided with the target at hand.

use std::collections::BTreeMap;

use crate::Instant;
use crate::decide::field::Crossing;
use crate::decide::known::reference;
use crate::decide::merge::Sides;
use crate::decide::owner::Ladder;
use crate::decide::salesforce::{self, convert, ended, follow_policy};
use crate::decide::write::Prepared;
use crate::decide::{
    Decision, Effects, HeldReason, Identity, InFlight, Known, LinkEffect, LinkState, LinkStatus, Outcome,
    Outgoing, Presence, RecordState, SalesforceWrite, Snapshot, Target, WriteKind, breaker,
};
use crate::id::{FieldId, RecordId, SalesforceId};
use crate::mapping::{ConversionCause, ConversionProblem, MappingPlan, SyncRule, convert as conversion};
use crate::record::FieldValue;

/// Decides what to send, with the target at hand.
///
/// `other` is another link of the Salesforce record that the target shows, if there is one. `until` is when no request
/// that carries the write can be under way any more: the end of the gateway's own sending, plus the longest that
/// Salesforce may still work on a request whose sender gave up. A link with a write in flight is to be settled first.
pub fn prepare(
    known: Known<'_>,
    other: Option<&LinkState>,
    target: &Target,
    until: Instant,
    now: Instant,
) -> Prepared {
    let Some(link) = known.link else {
        return Prepared::Nothing;
    };
    let waits = matches!(link.status, LinkStatus::Creating | LinkStatus::Linked);
    if !waits || link.outgoing.in_flight.is_some() {
        return Prepared::Nothing;
    }
    let attempt = Attempt {
        known,
        link,
        until,
        now,
    };
    match target {
        Target::Present(snapshot) => attempt.present(other, snapshot),
        Target::Deleted {
            salesforce_id,
            version,
            merged,
        } => {
            if other.is_some_and(|other| other.record.is_some()) {
                return attempt.ambiguous(vec![*salesforce_id]);
            }
            let base = LinkEffect {
                salesforce_id: Some(*salesforce_id),
                version: (*version).max(link.version),
                absorb: attempt.absorbed(other),
                ..known.link_effect()
            };
            effects(follow_policy(known, base, *merged))
        }
        Target::Missing if link.salesforce_id.is_none() => attempt.missing(),
        // A record that was in Salesforce once is out of sight, also where the partner deleted its own.
        Target::Missing | Target::OutOfSight => {
            effects(known.hold(known.link_effect(), HeldReason::OutOfSight))
        }
        Target::Ambiguous(candidates) => attempt.ambiguous(candidates.clone()),
    }
}

/// One look at a link that may have something to write.
struct Attempt<'a> {
    known: Known<'a>,
    link: &'a LinkState,
    until: Instant,
    now: Instant,
}

impl Attempt<'_> {
    fn present(&self, other: Option<&LinkState>, snapshot: &Snapshot) -> Prepared {
        let known = self.known;
        let newest = other.map_or(self.link.version, |other| other.version.max(self.link.version));
        if snapshot.version.modstamp < newest.modstamp {
            return Prepared::Wait { records: Vec::new() };
        }
        if other.is_some_and(|other| other.record.is_some()) || self.is_anothers(snapshot) {
            return self.ambiguous(vec![snapshot.salesforce_id]);
        }
        let base = LinkEffect {
            salesforce_id: Some(snapshot.salesforce_id),
            status: LinkStatus::Linked,
            version: snapshot.version.max(self.link.version),
            absorb: self.absorbed(other),
            ..known.link_effect()
        };
        if let Some(to) = snapshot.converted {
            return effects(convert(known, base, to));
        }
        let Some(record) = known.record else {
            return self.recordless(snapshot);
        };
        if record.presence == Presence::Deleted {
            return self.send(base, WriteKind::Delete, BTreeMap::new(), BTreeMap::new(), None);
        }
        self.merge(base, record, snapshot)
    }

    /// Merges both sides, and writes what has to travel.
    fn merge(&self, base: LinkEffect, record: &RecordState, snapshot: &Snapshot) -> Prepared {
        let known = self.known;
        let merge = match Sides::new(known, Some(snapshot)).merge() {
            Ok(merge) => merge,
            Err(problems) => return effects(known.hold(base, HeldReason::Conversion { problems })),
        };
        let step = merge.step(Some(record), !merge.writes.is_empty());
        let turns = match breaker::count(known.plan, base.outgoing.turns, step, self.now) {
            Ok(turns) => turns,
            Err(turns) => return effects(known.hold(base, HeldReason::Flipping { turns })),
        };
        let basis = merge.basis(known.plan);
        let (reserve, release) = known.identities(Some(&record.fields), Some(&merge.fields));
        let record_effect = merge.record(Some(record));
        let outcome = if merge.moves_partner(record) {
            Outcome::Updated
        } else {
            Outcome::Confirmed
        };
        let writes = merge.writes;
        let decided = Effects {
            link: LinkEffect {
                plan: known.plan.revision,
                agreed: merge.agreed,
                outgoing: Outgoing {
                    pending: false,
                    overruled: merge.overruled,
                    noted: BTreeMap::new(),
                    turns,
                    ..base.outgoing
                },
                reserve,
                release,
                ..base
            },
            record: record_effect,
            history: merge.history,
            outcome,
        };
        if !writes.is_empty() {
            return self.send(
                decided.link.clone(),
                WriteKind::Update,
                writes,
                basis,
                Some(decided),
            );
        }
        if decided.record.is_none() && known.is_as_known(&decided.link) {
            return Prepared::Nothing;
        }
        effects(decided)
    }

    /// No record carries the external id: it is to be made.
    fn missing(&self) -> Prepared {
        let known = self.known;
        let Some(record) = known.record else {
            return Prepared::Nothing;
        };
        if record.presence == Presence::Deleted {
            return self.never_made();
        }
        match first_values(known, record) {
            Ok((values, _)) if self.is_lost_once_sent(&values) => {
                let identity = known
                    .plan
                    .identity
                    .and_then(|identity| known.plan.field(identity));
                let problem = identity.map(|field| field.problem(ConversionCause::NothingToFindBy));
                let problems = problem.into_iter().collect();
                effects(known.hold(known.link_effect(), HeldReason::Conversion { problems }))
            }
            Ok((values, basis)) => {
                let base = LinkEffect {
                    plan: known.plan.revision,
                    ..known.link_effect()
                };
                self.send(base, WriteKind::Create, values, basis, None)
            }
            Err(problems) => effects(known.hold(known.link_effect(), HeldReason::Conversion { problems })),
        }
    }

    /// Whether nothing would tell a record that is made with these values from others: neither the answer to a lost
    /// call, nor news that comes before the answer, could be known to be of it.
    fn is_lost_once_sent(&self, values: &BTreeMap<FieldId, FieldValue>) -> bool {
        let plan = self.known.plan;
        let identity = plan.identity.and_then(|identity| values.get(&identity));
        plan.external_id.is_none()
            && identity
                .and_then(|value| Identity::of_salesforce(plan, value))
                .is_none()
    }

    /// The write, in flight.
    fn send(
        &self,
        base: LinkEffect,
        kind: WriteKind,
        values: BTreeMap<FieldId, FieldValue>,
        basis: BTreeMap<FieldId, FieldValue>,
        decided: Option<Effects>,
    ) -> Prepared {
        let records: Vec<RecordId> = values
            .values()
            .filter_map(|value| match value {
                FieldValue::Record(record) => Some(*record),
                _ => None,
            })
            .collect();
        if !records.is_empty() {
            return Prepared::Wait { records };
        }
        let write = SalesforceWrite { kind, values };
        let salesforce_id = base.salesforce_id;
        let link = LinkEffect {
            outgoing: Outgoing {
                pending: true,
                in_flight: Some(InFlight {
                    write: write.clone(),
                    basis,
                    since: self.now,
                    until: self.until,
                    job: None,
                }),
                ..base.outgoing
            },
            ..base
        };
        let effects = match decided {
            Some(decided) => Effects { link, ..decided },
            None => self.known.link_only(link, Outcome::Confirmed),
        };
        Prepared::Send {
            effects: Box::new(effects),
            write,
            salesforce_id,
        }
    }

    /// The link has no partner record: it was held before there was one.
    fn recordless(&self, snapshot: &Snapshot) -> Prepared {
        let looked_at = LinkState {
            outgoing: Outgoing {
                pending: false,
                ..self.link.outgoing.clone()
            },
            ..self.link.clone()
        };
        let known = Known {
            link: Some(&looked_at),
            ..self.known
        };
        match salesforce::present(known, snapshot, self.now) {
            Decision::Apply(decided) => Prepared::Effects(decided),
            Decision::Drop(_) | Decision::ReadAgain => {
                effects(known.link_only(known.link_effect(), Outcome::Confirmed))
            }
        }
    }

    /// The partner deleted a record that Salesforce does not have: the link is at its end.
    fn never_made(&self) -> Prepared {
        let base = self.known.link_effect();
        effects(self.known.link_only(
            LinkEffect {
                status: LinkStatus::Deleted,
                outgoing: ended(&base.outgoing),
                release: self.known.ended(true),
                ..base
            },
            Outcome::Deleted,
        ))
    }

    fn ambiguous(&self, candidates: Vec<SalesforceId>) -> Prepared {
        let identity = match (self.known.record, candidates.first()) {
            (Some(record), Some(first)) => self.known.identity_text(&record.fields, *first),
            _ => String::new(),
        };
        effects(self.known.hold(
            self.known.link_effect(),
            HeldReason::Ambiguous { identity, candidates },
        ))
    }

    /// Whether the record was made for another partner record.
    fn is_anothers(&self, snapshot: &Snapshot) -> bool {
        let text = snapshot.external_id.as_ref().and_then(Option::as_deref);
        let named = text.and_then(|text| MappingPlan::record_of_external_id(self.known.connection, text));
        named.is_some_and(|(record, _)| self.link.record.is_some_and(|own| own != record))
    }

    /// A link of the same Salesforce record that has no partner record ends in this one.
    fn absorbed(&self, other: Option<&LinkState>) -> Option<crate::decide::LinkRef> {
        other.filter(|other| other.record.is_none()).map(reference)
    }
}

/// What a new Salesforce record holds: every value that the partner has and Salesforce takes.
type FirstValues = (BTreeMap<FieldId, FieldValue>, BTreeMap<FieldId, FieldValue>);

fn first_values(known: Known<'_>, record: &RecordState) -> Result<FirstValues, Vec<ConversionProblem>> {
    let (mut values, mut basis, mut problems) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    let stands_in = known.plan.default_account;
    let account_field = known.plan.account_field().map(|field| field.id);
    for field in &known.plan.fields {
        let held = record.fields.get(&field.partner);
        if let Some(account) = stands_in.filter(|_| account_field == Some(field.id))
            && held.is_none_or(FieldValue::is_blank)
        {
            // Agreed on as what stands for nothing, so that neither side takes it for an edit.
            values.insert(field.id, FieldValue::Reference(account));
            basis.insert(field.id, held.cloned().unwrap_or(FieldValue::Null));
            continue;
        }
        let Some(held) = held.filter(|_| field.rule != SyncRule::DoNotSync && field.salesforce.createable)
        else {
            continue;
        };
        match conversion::to_salesforce(field, held) {
            Ok(FieldValue::Null) => {}
            Ok(value) => {
                values.insert(field.id, value);
                basis.insert(field.id, held.clone());
            }
            Err(problem) => problems.push(problem),
        }
    }
    let ladder = Ladder {
        plan: known.plan,
        owners: known.owners,
        updates: false,
    };
    let owner = FieldValue::Text(record.owner.clone());
    if known.plan.has_owner && known.plan.owner_rule != SyncRule::DoNotSync {
        match ladder.to_salesforce(&owner) {
            Ok(Some(value)) => {
                values.insert(FieldId::OWNER, value);
                basis.insert(FieldId::OWNER, owner);
            }
            Ok(None) => {}
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok((values, basis))
    } else {
        Err(problems)
    }
}

fn effects(effects: Effects) -> Prepared {
    Prepared::Effects(Box::new(effects))
}
