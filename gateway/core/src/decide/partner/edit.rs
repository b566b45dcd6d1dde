//! A record that the partner makes or edits.

use std::collections::BTreeMap;

use crate::Instant;
use crate::decide::known::record_effect;
use crate::decide::merge::{Partner, Sides};
use crate::decide::partner::{PartnerDecision, PartnerRefusal, RefusalCode, unheld, waits_for_an_edit};
use crate::decide::{
    ChangeCause, Effects, FieldChange, FieldTimes, HeldReason, Identity, Known, LinkEffect, LinkState,
    LinkStatus, Lost, Outcome, Outgoing, PartnerNews, Presence, RecordEffect, RecordState, Side, breaker,
};
use crate::id::FieldId;
use crate::mapping::convert::{self, partner_json};
use crate::mapping::{ConversionCause, FieldPlan, SyncRule};
use crate::record::{FieldValue, Fields};

/// What was posted.
#[derive(Clone, Copy)]
pub(super) struct Posted<'a> {
    pub(super) fields: &'a Fields,
    pub(super) owner: Option<&'a str>,
    pub(super) news: &'a PartnerNews,
}

/// A record that the partner makes.
pub(super) fn create(known: Known<'_>, posted: Posted<'_>) -> PartnerDecision {
    let mut refusals = posted.refusals(known);
    refusals.extend(missing(known, posted.fields));
    if known.holder.is_some() {
        refusals.push(taken(known));
    }
    if !refusals.is_empty() {
        return PartnerDecision::Refuse(refusals);
    }
    let at = posted.news.stated.unwrap_or(posted.news.received);
    let named = posted
        .fields
        .keys()
        .filter_map(|name| field(known, name))
        .map(|field| field.id);
    let times: FieldTimes = named
        .chain(posted.owner.map(|_| FieldId::OWNER))
        .map(|id| (id, at))
        .collect();
    let key = posted.news.key.clone();
    let reserve = key
        .clone()
        .map(Identity::Key)
        .into_iter()
        .chain(Identity::of_fields(known.plan, posted.fields))
        .collect();
    PartnerDecision::Apply(Box::new(Effects {
        link: LinkEffect {
            status: LinkStatus::Creating,
            outgoing: Outgoing {
                pending: true,
                ..Outgoing::default()
            },
            ready: true,
            reserve,
            ..known.link_effect()
        },
        record: Some(RecordEffect {
            fields: posted.fields.clone(),
            owner: posted.owner.unwrap_or(&known.plan.default_owner).to_owned(),
            presence: Presence::Live,
            times,
            key,
            successor: None,
        }),
        history: Vec::new(),
        outcome: Outcome::Created,
    }))
}

/// A record that the partner edits.
pub(super) fn update(
    known: Known<'_>,
    link: &LinkState,
    record: &RecordState,
    posted: Posted<'_>,
) -> PartnerDecision {
    let mut refusals = posted.refusals(known);
    match record.presence {
        Presence::Live => {}
        Presence::Deleted => refusals.push(PartnerRefusal::of_record(
            RefusalCode::Deleted,
            "the record was deleted; undelete it first, or post it as a new one",
        )),
        Presence::Archived => refusals.push(PartnerRefusal::of_record(
            RefusalCode::Deleted,
            "the record was deleted in Salesforce and is kept as an archive; undelete it there first, or post it as a \
             new one",
        )),
    }
    let edited = posted.newer(known, record);
    let rekeyed = posted.news.key.is_some() && posted.news.key != record.key;
    if known.holder.is_some() && (rekeyed || recognised_anew(known, record, &edited)) {
        refusals.push(taken(known));
    }
    if !refusals.is_empty() {
        return PartnerDecision::Refuse(refusals);
    }
    let before = RecordEffect {
        times: edited.times.clone(),
        ..record_effect(record)
    };
    let restated = edited.changed.is_empty() && !rekeyed;
    let late = posted.late(known, link, record);
    if restated && edited.times == record.times && late.is_empty() {
        return PartnerDecision::Unchanged;
    }
    let key = posted.news.key.clone().or_else(|| record.key.clone());
    if restated {
        return PartnerDecision::Apply(Box::new(Effects {
            record: Some(before).filter(|_| edited.times != record.times),
            history: late,
            ..known.link_only(known.link_effect(), Outcome::Confirmed)
        }));
    }
    let mut effects = merged(known, link, record, &edited, posted.news.received);
    let after = effects.record.as_ref().map(|record| &record.fields);
    let (mut reserve, mut release) = known.identities(Some(&record.fields), after);
    if rekeyed {
        reserve.extend(posted.news.key.clone().map(Identity::Key));
        release.extend(record.key.clone().map(Identity::Key));
    }
    effects.link.reserve = reserve;
    effects.link.release = release;
    if let Some(record) = &mut effects.record {
        record.key = key;
    }
    effects.history.extend(late);
    PartnerDecision::Apply(Box::new(effects))
}

/// The record with the edits that count.
struct Edited {
    fields: Fields,
    owner: String,
    times: FieldTimes,
    /// What changed, with what was held before.
    changed: BTreeMap<FieldId, Option<FieldValue>>,
}

/// Merges the edited record with what is agreed.
fn merged(
    known: Known<'_>,
    link: &LinkState,
    record: &RecordState,
    edited: &Edited,
    now: Instant,
) -> Effects {
    let base = known.link_effect();
    let kept = RecordEffect {
        fields: edited.fields.clone(),
        owner: edited.owner.clone(),
        times: edited.times.clone(),
        ..record_effect(record)
    };
    let as_edited = Effects {
        link: base.clone(),
        record: Some(kept),
        history: edited.history(known, link),
        outcome: Outcome::Updated,
    };
    // Salesforce's record is gone: the partner's goes on alone.
    if crate::decide::salesforce::gone(&link.status) || link.status == LinkStatus::Unlinked {
        return as_edited;
    }
    let (status, freed) = match &link.status {
        LinkStatus::Held { reason } if waits_for_an_edit(reason) => (unheld(link), true),
        status => (status.clone(), false),
    };
    let waiting = Effects {
        link: LinkEffect {
            status,
            outgoing: Outgoing {
                pending: true,
                ..base.outgoing.clone()
            },
            ready: link.outgoing.in_flight.is_none()
                && !matches!(link.status, LinkStatus::Held { .. } if !freed),
            ..base.clone()
        },
        ..as_edited
    };
    let sides = Sides {
        partner: Some(Partner {
            fields: &edited.fields,
            owner: &edited.owner,
            times: &edited.times,
        }),
        ..Sides::new(known, None)
    };
    // What Salesforce holds is weighed when the target is read: it was not kept while the record was held, and what
    // was agreed under another plan may mean something else by now.
    if freed || sides.again {
        return waiting;
    }
    let Ok(merge) = sides.merge() else {
        return waiting;
    };
    let reverts = merge.fields != edited.fields || merge.owner != edited.owner;
    let step = breaker::Step {
        overwrites: merge.overwrites,
        to_partner: reverts,
        to_salesforce: false,
    };
    let turns = match breaker::count(known.plan, link.outgoing.turns, step, now) {
        Ok(turns) => turns,
        Err(turns) => {
            return Effects {
                link: LinkEffect {
                    status: LinkStatus::Held {
                        reason: HeldReason::Flipping { turns },
                    },
                    ready: false,
                    ..waiting.link
                },
                outcome: Outcome::Held,
                ..waiting
            };
        }
    };
    let pending = link.outgoing.pending || !merge.writes.is_empty() || merge.open;
    Effects {
        link: LinkEffect {
            ready: pending && waiting.link.ready,
            outgoing: Outgoing {
                pending,
                turns,
                ..waiting.link.outgoing
            },
            agreed: merge.agreed,
            ..waiting.link
        },
        record: waiting.record.map(|record| RecordEffect {
            fields: merge.fields,
            owner: merge.owner,
            ..record
        }),
        history: edited.with_merged(waiting.history, merge.history),
        outcome: waiting.outcome,
    }
}

impl Edited {
    /// The edits as history.
    fn history(&self, known: Known<'_>, link: &LinkState) -> Vec<FieldChange> {
        let after = |id| match known.plan.field(id) {
            Some(field) => self.fields.get(&field.partner).cloned(),
            None => Some(FieldValue::Text(self.owner.clone())),
        };
        self.changed
            .iter()
            .map(|(id, before)| {
                let salesforce = link.agreed.0.get(id).map(|pair| pair.salesforce.clone());
                FieldChange {
                    field: *id,
                    salesforce_before: salesforce.clone(),
                    salesforce_after: salesforce,
                    partner_before: before.clone(),
                    partner_after: after(*id),
                    cause: ChangeCause::PartnerEdited,
                    lost: None,
                }
            })
            .collect()
    }

    /// The edits as history, where the merge made something else of some.
    fn with_merged(&self, mut edits: Vec<FieldChange>, merged: Vec<FieldChange>) -> Vec<FieldChange> {
        for change in merged {
            match edits.iter_mut().find(|edit| edit.field == change.field) {
                Some(edit) => {
                    *edit = FieldChange {
                        partner_before: edit.partner_before.clone(),
                        ..change
                    };
                }
                None => edits.push(change),
            }
        }
        edits
    }
}

impl Posted<'_> {
    /// Every reason not to take the values.
    fn refusals(&self, known: Known<'_>) -> Vec<PartnerRefusal> {
        let mut refusals = Vec::new();
        for (name, value) in self.fields {
            match field(known, name) {
                Some(field) => {
                    refusals.extend(refusal(field, value).or_else(|| unrecognisable(known, field, value)))
                }
                None => refusals.push(PartnerRefusal::of_field(
                    name,
                    RefusalCode::UnknownField,
                    format!("`{}` has no such field", known.plan.partner_object),
                )),
            }
        }
        if self.owner.is_some_and(|owner| owner.trim().is_empty()) {
            refusals.push(PartnerRefusal::of_field(
                "owner",
                RefusalCode::Required,
                "every record has an owner; write the id of a partner user, or leave it out",
            ));
        }
        refusals
    }

    /// The record with those of the edits that are newer than what it holds.
    fn newer(&self, known: Known<'_>, record: &RecordState) -> Edited {
        let mut edited = Edited {
            fields: record.fields.clone(),
            owner: record.owner.clone(),
            times: record.times.clone(),
            changed: BTreeMap::new(),
        };
        for (name, value) in self.fields {
            let Some(field) = field(known, name) else { continue };
            let held = record.fields.get(name);
            if self.counts(&mut edited.times, field.id, held, value) {
                edited.fields.insert(name.clone(), value.clone());
                edited.changed.insert(field.id, held.cloned());
            }
        }
        if let Some(owner) = self.owner {
            let (held, value) = (
                FieldValue::Text(record.owner.clone()),
                FieldValue::Text(owner.to_owned()),
            );
            if self.counts(&mut edited.times, FieldId::OWNER, Some(&held), &value) {
                owner.clone_into(&mut edited.owner);
                edited.changed.insert(FieldId::OWNER, Some(held));
            }
        }
        edited
    }

    /// Edits that came too late: Salesforce's newer value is agreed on already, or so it may be. They lost a conflict,
    /// and can be restored.
    fn late(&self, known: Known<'_>, link: &LinkState, record: &RecordState) -> Vec<FieldChange> {
        let lost = |plan: &FieldPlan, value: &FieldValue| {
            let pair = link.agreed.0.get(&plan.id)?;
            let held = record.fields.get(&plan.partner)?;
            // What the partner holds on its own was edited by the partner alone.
            let contested = plan.rule == SyncRule::MostRecent && held == pair.partner() && held != value;
            let counts = self.counts(&mut record.times.clone(), plan.id, Some(held), value);
            (contested && !counts).then(|| FieldChange {
                field: plan.id,
                salesforce_before: Some(pair.salesforce.clone()),
                salesforce_after: Some(pair.salesforce.clone()),
                partner_before: Some(held.clone()),
                partner_after: Some(held.clone()),
                cause: ChangeCause::MostRecent {
                    winner: Side::Salesforce,
                },
                lost: Some(Lost {
                    side: Side::Partner,
                    value: value.clone(),
                }),
            })
        };
        self.fields
            .iter()
            .filter_map(|(name, value)| lost(field(known, name)?, value))
            .collect()
    }

    /// Whether an edit replaces what is held; the time of the field's value moves on with it.
    fn counts(
        &self,
        times: &mut FieldTimes,
        id: FieldId,
        held: Option<&FieldValue>,
        value: &FieldValue,
    ) -> bool {
        let last = times.get(&id).copied();
        let other = held != Some(value);
        let Some(stated) = self.news.stated else {
            if other {
                times.insert(
                    id,
                    last.map_or(self.news.received, |last| last.max(self.news.received)),
                );
            }
            return other;
        };
        match last {
            Some(last) if stated < last => false,
            // Two edits of one moment: whichever comes first, the same one stays.
            Some(last) if stated == last => held.is_none_or(|held| text(value) > text(held)),
            _ => {
                times.insert(id, stated);
                other
            }
        }
    }
}

/// A value's JSON text.
fn text(value: &FieldValue) -> String {
    partner_json(value).to_string()
}

fn field<'a>(known: Known<'a>, name: &str) -> Option<&'a FieldPlan> {
    known.plan.fields.iter().find(|field| field.partner == name)
}

/// Why a field does not take a value.
fn refusal(field: &FieldPlan, value: &FieldValue) -> Option<PartnerRefusal> {
    let cause = convert::fits_partner(field, value).err().or_else(|| {
        let target = &field.salesforce;
        let travels = field.rule != SyncRule::DoNotSync && (target.createable || target.updateable);
        let crossed = convert::to_salesforce(field, value);
        crossed.err().filter(|_| travels).map(|problem| problem.cause)
    });
    let cause = cause.or((field.required && value.is_blank()).then_some(ConversionCause::Required))?;
    let code = match cause {
        ConversionCause::Required | ConversionCause::NothingToFindBy => RefusalCode::Required,
        ConversionCause::Malformed { .. }
        | ConversionCause::UnmappedChoice { .. }
        | ConversionCause::TooLong { .. } => RefusalCode::ValueDoesNotFit,
    };
    Some(PartnerRefusal::of_field(&field.partner, code, cause.to_string()))
}

/// Why a record could not be recognised by a value.
fn unrecognisable(known: Known<'_>, field: &FieldPlan, value: &FieldValue) -> Option<PartnerRefusal> {
    (known.plan.identity == Some(field.id) && Identity::is_too_long(value)).then(|| {
        PartnerRefusal::of_field(
            &field.partner,
            RefusalCode::ValueDoesNotFit,
            format!(
                "records are recognised by this field, so its values have at most {} characters; shorten it",
                Identity::LONGEST
            ),
        )
    })
}

/// What a new record lacks.
fn missing(known: Known<'_>, posted: &Fields) -> impl Iterator<Item = PartnerRefusal> {
    known
        .plan
        .fields
        .iter()
        .filter(|field| !posted.contains_key(&field.partner) && is_required(field))
        .map(|field| {
            PartnerRefusal::of_field(
                &field.partner,
                RefusalCode::Required,
                ConversionCause::Required.to_string(),
            )
        })
}

/// Whether no record can be made without the field.
fn is_required(field: &FieldPlan) -> bool {
    let target = &field.salesforce;
    let by_salesforce = target.createable && !target.nillable && !target.defaulted_on_create;
    field.required || (by_salesforce && field.rule != SyncRule::DoNotSync)
}

/// Whether the edit is what gives the record the value by which it is recognised.
fn recognised_anew(known: Known<'_>, record: &RecordState, edited: &Edited) -> bool {
    Identity::of_fields(known.plan, &record.fields) != Identity::of_fields(known.plan, &edited.fields)
}

fn taken(known: Known<'_>) -> PartnerRefusal {
    let by = known
        .plan
        .identity
        .and_then(|id| known.plan.field(id))
        .map_or_else(|| "key".to_owned(), |field| format!("key or `{}`", field.partner));
    PartnerRefusal::of_record(
        RefusalCode::IdentityTaken,
        format!("another record has this {by}; edit that one, or give this one another"),
    )
}
