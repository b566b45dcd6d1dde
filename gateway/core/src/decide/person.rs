//! What a person asked for: a retry, a value brought back, an answer to an asked delete.

use crate::Instant;
use crate::decide::known::record_effect;
use crate::decide::partner::{PartnerRefusal, RefusalCode, unheld};
use crate::decide::salesforce::delete_too;
use crate::decide::{
    ChangeCause, Effects, FieldChange, HeldReason, Known, LinkEffect, LinkState, LinkStatus, Lost, Outcome,
    Outgoing, Presence, RecordState, Side, Turns,
};
use crate::id::FieldId;
use crate::mapping::{MappingPlan, SyncRule, convert};
use crate::owners::OwnerRung;
use crate::record::FieldValue;

/// Takes a held record up again: its target is read and decided on. None: it is not held, or waits for an answer (see
/// [`decide_delete`]).
pub fn retry(known: Known<'_>, now: Instant) -> Option<Effects> {
    let link = known.link?;
    match &link.status {
        LinkStatus::Held {
            reason: HeldReason::DeleteAsked | HeldReason::PartnerDeleteAsked,
        } => None,
        LinkStatus::Held { .. } => {
            let freed = freed(known, link);
            Some(known.link_only(
                LinkEffect {
                    outgoing: Outgoing {
                        turns: freed.outgoing.turns.map(|turns| Turns {
                            since: now,
                            count: 0,
                            ..turns
                        }),
                        ..freed.outgoing
                    },
                    ..freed
                },
                Outcome::Confirmed,
            ))
        }
        _ => None,
    }
}

/// Brings back a value that lost, on both sides: the partner holds it at once, and it is written to Salesforce whatever
/// the field's rule says.
///
/// # Errors
/// A refusal where the record lives no more, or the value fits the mapping no more.
pub fn restore(
    known: Known<'_>,
    field: FieldId,
    lost: &Lost,
    now: Instant,
) -> Result<Effects, PartnerRefusal> {
    let (link, record) = restorable(known)?;
    let partner = brought_back(known, field, lost)?;
    let Some(pair) = link.agreed.0.get(&field) else {
        return Err(refused(
            known.plan,
            field,
            RefusalCode::TryAgain,
            "nothing is agreed on for this field yet, so what Salesforce holds in it is not known; wait until the \
             record is up to date, or post the value as an edit",
        ));
    };
    let held = match known.plan.field(field) {
        Some(field) => record.fields.get(&field.partner).cloned(),
        None => Some(FieldValue::Text(record.owner.clone())),
    };
    let mut after = record_effect(record);
    match (known.plan.field(field), &partner) {
        (Some(field), value) => {
            after.fields.insert(field.partner.clone(), value.clone());
        }
        (None, FieldValue::Text(owner)) => after.owner.clone_from(owner),
        (None, _) => {}
    }
    after.times.insert(field, now);
    let base = known.link_effect();
    let mut overruled = base.outgoing.overruled.clone();
    let salesforce = Some(pair.salesforce.clone());
    overruled.entry(field).or_insert_with(|| pair.salesforce.clone());
    let (reserve, release) = known.identities(Some(&record.fields), Some(&after.fields));
    Ok(Effects {
        link: LinkEffect {
            outgoing: Outgoing {
                pending: true,
                overruled,
                ..base.outgoing
            },
            ready: link.outgoing.in_flight.is_none(),
            reserve,
            release,
            ..base
        },
        record: Some(after),
        history: vec![FieldChange {
            field,
            salesforce_before: salesforce.clone(),
            salesforce_after: salesforce,
            partner_before: held.clone(),
            partner_after: Some(partner.clone()),
            cause: ChangeCause::Restored,
            // What gave way can be brought back in turn.
            lost: held.filter(|held| *held != partner).map(|value| Lost {
                side: Side::Partner,
                value,
            }),
        }],
        outcome: Outcome::Updated,
    })
}

/// Answers whether the other side's record goes too. None: nobody asked.
pub fn decide_delete(known: Known<'_>, too: bool) -> Option<Effects> {
    let link = known.link?;
    let base = known.link_effect();
    match &link.status {
        LinkStatus::Held {
            reason: HeldReason::DeleteAsked,
        } if too => Some(delete_too(known, base)),
        LinkStatus::Held {
            reason: HeldReason::DeleteAsked,
        } => Some(known.link_only(
            LinkEffect {
                status: LinkStatus::Deleted,
                release: known.ended(true),
                ..base
            },
            Outcome::Deleted,
        )),
        LinkStatus::Held {
            reason: HeldReason::PartnerDeleteAsked,
        } if too => Some(known.link_only(freed(known, link), Outcome::Confirmed)),
        LinkStatus::Held {
            reason: HeldReason::PartnerDeleteAsked,
        } => Some(known.link_only(
            LinkEffect {
                status: LinkStatus::Unlinked,
                outgoing: Outgoing {
                    pending: false,
                    ..base.outgoing
                },
                release: known.ended(true),
                ..base
            },
            Outcome::Deleted,
        )),
        _ => None,
    }
}

/// The link, no longer held, with a look at its target ahead.
fn freed(known: Known<'_>, link: &LinkState) -> LinkEffect {
    let base = known.link_effect();
    LinkEffect {
        status: unheld(link),
        outgoing: Outgoing {
            pending: true,
            ..base.outgoing
        },
        ready: link.outgoing.in_flight.is_none(),
        ..base
    }
}

/// The link and record into which a value can be brought back.
fn restorable<'a>(known: Known<'a>) -> Result<(&'a LinkState, &'a RecordState), PartnerRefusal> {
    if known.plan.direction != crate::mapping::Direction::Both {
        return Err(PartnerRefusal::of_record(
            RefusalCode::OneWay,
            "the mapping carries values one way only, so nothing can be brought back on both sides; edit the record on \
             the side that leads",
        ));
    }
    let live = known.record.filter(|record| record.presence == Presence::Live);
    match (known.link, live) {
        (Some(link), Some(record)) if matches!(link.status, LinkStatus::Linked | LinkStatus::Creating) => {
            Ok((link, record))
        }
        (Some(_), Some(_)) => Err(PartnerRefusal::of_record(
            RefusalCode::TryAgain,
            "the record is held, or no longer linked; see to that first",
        )),
        _ => Err(PartnerRefusal::of_record(
            RefusalCode::Deleted,
            "the record lives no more; undelete it first",
        )),
    }
}

/// The partner's value of what lost.
fn brought_back(known: Known<'_>, id: FieldId, lost: &Lost) -> Result<FieldValue, PartnerRefusal> {
    let rule = known
        .plan
        .field(id)
        .map_or(known.plan.owner_rule, |field| field.rule);
    let Some(field) = known.plan.field(id) else {
        return owner_back(known, id, lost, rule);
    };
    if rule == SyncRule::DoNotSync {
        return Err(unsynced(known.plan, id));
    }
    let unfit =
        |message: String| PartnerRefusal::of_field(&field.partner, RefusalCode::ValueDoesNotFit, message);
    let value = match lost.side {
        Side::Partner => lost.value.clone(),
        Side::Salesforce => convert::to_partner(field, &lost.value)
            .map_err(|problem| unfit(problem.to_string()))?
            .ok_or_else(|| unfit("this option does not sync; choose another".to_owned()))?,
    };
    convert::to_salesforce(field, &value).map_err(|problem| unfit(problem.to_string()))?;
    if !field.salesforce.updateable {
        return Err(unfit(format!(
            "Salesforce takes no value for `{}`",
            field.salesforce.name
        )));
    }
    if field.required && value.is_blank() {
        return Err(unfit("a value is required".to_owned()));
    }
    Ok(value)
}

fn owner_back(
    known: Known<'_>,
    id: FieldId,
    lost: &Lost,
    rule: SyncRule,
) -> Result<FieldValue, PartnerRefusal> {
    let plan = known.plan;
    if id != FieldId::OWNER {
        return Err(PartnerRefusal::of_record(
            RefusalCode::UnknownField,
            "the mapping no longer has this field; choose another value",
        ));
    }
    if rule == SyncRule::DoNotSync {
        return Err(unsynced(plan, id));
    }
    let (owner, is_known) = match (&lost.side, &lost.value) {
        (Side::Salesforce, FieldValue::Reference(user)) => {
            let owner = known.owners.partner_owner(Some(*user), &plan.default_owner);
            let is_default = plan.salesforce_default_owner == Some(*user);
            (owner.partner, owner.rung == OwnerRung::Mapped || is_default)
        }
        // Whether the partner still has the user is asked where its users are read.
        (_, FieldValue::Text(owner)) => (owner.clone(), true),
        _ => (String::new(), false),
    };
    if is_known {
        Ok(FieldValue::Text(owner))
    } else {
        Err(refused(
            plan,
            id,
            RefusalCode::ValueDoesNotFit,
            "this owner has no active user at the partner any more; match the users again, or give the record another \
             owner",
        ))
    }
}

fn unsynced(plan: &MappingPlan, id: FieldId) -> PartnerRefusal {
    refused(
        plan,
        id,
        RefusalCode::OneWay,
        "it does not sync (`doNotSync`), so nothing can be brought back on both sides; give it another rule in the \
         mapping, or edit the record on either side",
    )
}

fn refused(plan: &MappingPlan, id: FieldId, code: RefusalCode, message: &str) -> PartnerRefusal {
    let name = plan.field(id).map_or("owner", |field| field.partner.as_str());
    PartnerRefusal::of_field(name, code, message)
}
