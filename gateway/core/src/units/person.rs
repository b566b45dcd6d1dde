//! What a person asks for: to try a held record again, to decide on a delete, to bring back a value that lost.

mod log;

use crate::Instant;
use crate::decide::partner::{PartnerRefusal, RefusalCode};
use crate::decide::person as decide;
use crate::decide::{ChangeSource, Effects, HeldReason, Identity, Known, LinkStatus, Lost, Side};
use crate::id::{ConnectionId, FieldId, LinkId};
use crate::mapping::convert::to_partner;
use crate::ports::links::{Caused, HistoryEntry, Linked, Write};
use crate::ports::{Lane, StoreError, Transaction};
use crate::record::FieldValue;
use crate::units::directory;
use crate::units::known::resolve;
use log::Action;

/// Held links looked at in one slice.
const SLICE: u32 = 500;

/// Why what a person asked for is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonRefusal {
    /// There is no such link, or no such entry of the history.
    #[error("there is no such record or entry; look it up again")]
    NotFound,
    /// The link is not held, or no longer.
    #[error("the record is not held any more; nothing is to be done")]
    NotHeld,
    /// The link is held, but for another reason.
    #[error("no delete of this record waits for a decision; it is held because: {summary}")]
    OtherReason {
        /// Why it is held.
        summary: String,
    },
    /// The mapping is gone.
    #[error("the record's mapping was taken away; add it again first")]
    Unmapped,
    /// No value lost in this entry.
    #[error("no value was lost in this entry of the history; choose one from the list of conflicts")]
    NothingLost,
    /// The value cannot be brought back.
    #[error("the value cannot be brought back: {0}")]
    Refused(PartnerRefusal),
}

/// Tries a held record again. Done already counts as done.
///
/// # Errors
/// When the store fails; [`PersonRefusal`] when there is nothing to try.
pub fn retry(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    link: LinkId,
    client: &str,
    at: Instant,
) -> Result<Result<(), PersonRefusal>, StoreError> {
    act(tx, connection, link, client, at, Action::Retry, |known| {
        held_reason(known)?;
        decide::retry(known, at).ok_or(PersonRefusal::NotHeld)
    })
}

/// Tries up to `most` records again that are held for one reason, from the link after `after` on. `reason` is the
/// reason's `kind`, for example `refused`.
///
/// # Errors
/// When the store fails.
pub fn retry_all(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    reason: &str,
    client: &str,
    after: Option<LinkId>,
    most: u32,
    at: Instant,
) -> Result<RetriedAll, StoreError> {
    let slice = tx.held(connection, after, most.min(SLICE))?;
    let mut retried = RetriedAll { count: 0, next: None };
    if u32::try_from(slice.len()).is_ok_and(|count| count >= most.min(SLICE)) {
        retried.next = slice.last().map(|held| held.link);
    }
    for held in slice.iter().filter(|held| code(&held.reason) == reason) {
        if retry(tx, connection, held.link, client, at)?.is_ok() {
            retried.count += 1;
        }
    }
    Ok(retried)
}

/// How far retrying all held records of a reason came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetriedAll {
    /// Records that are tried again.
    pub count: u64,
    /// Where the next slice begins; none when all were looked at.
    pub next: Option<LinkId>,
}

/// The word by which a reason is chosen: its `kind` in JSON.
pub fn code(reason: &HeldReason) -> &'static str {
    match reason {
        HeldReason::Conversion { .. } => "conversion",
        HeldReason::DeleteAsked => "deleteAsked",
        HeldReason::PartnerDeleteAsked => "partnerDeleteAsked",
        HeldReason::Refused { .. } => "refused",
        HeldReason::Ambiguous { .. } => "ambiguous",
        HeldReason::Flipping { .. } => "flipping",
        HeldReason::OutOfSight => "outOfSight",
        HeldReason::OutcomeUnknown => "outcomeUnknown",
    }
}

/// Carries out a person's decision on a delete that was asked about: `delete_too` deletes the other side's record,
/// otherwise it stays.
///
/// # Errors
/// When the store fails; [`PersonRefusal`] when no delete waits for a decision.
pub fn decide_delete(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    link: LinkId,
    delete_too: bool,
    client: &str,
    at: Instant,
) -> Result<Result<(), PersonRefusal>, StoreError> {
    let action = if delete_too {
        Action::DeleteToo
    } else {
        Action::Keep
    };
    act(tx, connection, link, client, at, action, |known| {
        match held_reason(known)? {
            HeldReason::DeleteAsked | HeldReason::PartnerDeleteAsked => {}
            other => {
                return Err(PersonRefusal::OtherReason {
                    summary: other.summary(),
                });
            }
        }
        decide::decide_delete(known, delete_too).ok_or(PersonRefusal::NotHeld)
    })
}

/// Brings back a value that lost, by the entry of the history that tells of it.
///
/// # Errors
/// When the store fails; [`PersonRefusal`] when there is no such value, or it does not fit any more.
pub fn restore(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    entry: i64,
    client: &str,
    at: Instant,
) -> Result<Result<(), PersonRefusal>, StoreError> {
    let Some(entry) = tx.history_entry(connection, entry)? else {
        return Ok(Err(PersonRefusal::NotFound));
    };
    let Some(lost) = entry.lost.clone() else {
        return Ok(Err(PersonRefusal::NothingLost));
    };
    let refusal = match taken(tx, connection, &entry, &lost)? {
        Some(refusal) => Some(refusal),
        None => unknown_owner(tx, connection, &entry, &lost)?,
    };
    act(tx, connection, entry.link, client, at, Action::Restore, |known| {
        if let Some(refusal) = refusal {
            return Err(PersonRefusal::Refused(refusal));
        }
        decide::restore(known, entry.field, &lost, at).map_err(PersonRefusal::Refused)
    })
}

/// Whether what a record would be recognised by again has gone to another meanwhile.
fn taken(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    entry: &HistoryEntry,
    lost: &Lost,
) -> Result<Option<PartnerRefusal>, StoreError> {
    let Some(mapping) = tx
        .links(connection, &[entry.link])?
        .get(&entry.link)
        .map(|linked| linked.mapping)
    else {
        return Ok(None);
    };
    let plans = tx.plans(connection)?;
    let field = plans
        .iter()
        .find(|plan| plan.mapping == mapping && plan.identity == Some(entry.field))
        .and_then(|plan| plan.field(entry.field));
    let Some(field) = field else {
        return Ok(None);
    };
    let value = match lost.side {
        Side::Partner => Some(lost.value.clone()),
        Side::Salesforce => to_partner(field, &lost.value).ok().flatten(),
    };
    let Some(identity) = value.as_ref().and_then(Identity::of_value) else {
        return Ok(None);
    };
    let holder = tx
        .holders(connection, mapping, std::slice::from_ref(&identity))?
        .remove(&identity);
    Ok(holder.filter(|link| *link != entry.link).map(|_| {
        PartnerRefusal::of_field(
            &field.partner,
            RefusalCode::IdentityTaken,
            "another record is recognised by this value now; change that one first",
        )
    }))
}

/// Whether the partner no longer has the user to whom a record would be given back.
fn unknown_owner(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    entry: &HistoryEntry,
    lost: &Lost,
) -> Result<Option<PartnerRefusal>, StoreError> {
    let (FieldId::OWNER, Side::Partner, FieldValue::Text(owner)) = (entry.field, lost.side, &lost.value)
    else {
        return Ok(None);
    };
    let is_user = tx
        .partner_users(connection)?
        .iter()
        .any(|user| user.active && user.id == *owner);
    let known = is_user
        || tx
            .plans(connection)?
            .iter()
            .any(|plan| plan.default_owner == *owner);
    Ok((!known).then(|| {
        PartnerRefusal::of_field(
            "owner",
            RefusalCode::ValueDoesNotFit,
            format!("the partner has no active user {owner:?} any more; add the user, or give the record another owner"),
        )
    }))
}

fn held_reason<'a>(known: Known<'a>) -> Result<&'a HeldReason, PersonRefusal> {
    match known.link.map(|link| &link.status) {
        Some(LinkStatus::Held { reason }) => Ok(reason),
        Some(_) => Err(PersonRefusal::NotHeld),
        None => Err(PersonRefusal::NotFound),
    }
}

/// Decides on one link and writes what follows.
fn act(
    tx: &mut dyn Transaction,
    connection: ConnectionId,
    link: LinkId,
    client: &str,
    at: Instant,
    action: Action,
    decide: impl FnOnce(Known<'_>) -> Result<Effects, PersonRefusal>,
) -> Result<Result<(), PersonRefusal>, StoreError> {
    let Some(mut linked) = tx.links(connection, &[link])?.remove(&link) else {
        return Ok(Err(PersonRefusal::NotFound));
    };
    resolve(tx, connection, std::iter::once(&mut linked))?;
    let Linked {
        mapping,
        link,
        record,
    } = &linked;
    let plans = tx.plans(connection)?;
    let Some(plan) = plans.iter().find(|plan| plan.mapping == *mapping) else {
        return Ok(Err(PersonRefusal::Unmapped));
    };
    let owners = directory(&tx.partner_users(connection)?);
    let decided = decide(Known {
        connection,
        plan,
        owners: &owners,
        link: Some(link),
        record: record.as_ref(),
        holder: None,
    });
    let effects = match decided {
        Ok(effects) => effects,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let entry = log::entry(plan, &linked, &effects, action, client, at);
    tx.apply(&Write {
        connection,
        mapping: plan.mapping,
        partner_object: &plan.partner_object,
        at,
        lane: Lane::Interactive,
        effects: &[Caused {
            effects,
            source: ChangeSource::Person {
                client: client.to_owned(),
            },
            saved_by: None,
        }],
    })?;
    tx.append_logs(connection, &[entry])?;
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_chosen_by_the_word_that_answers_show() {
        let text = String::new;
        for reason in [
            HeldReason::Conversion { problems: Vec::new() },
            HeldReason::DeleteAsked,
            HeldReason::PartnerDeleteAsked,
            HeldReason::Refused {
                code: text(),
                message: text(),
                fields: Vec::new(),
                advice: text(),
            },
            HeldReason::Ambiguous {
                identity: text(),
                candidates: Vec::new(),
            },
            HeldReason::Flipping { turns: 9 },
            HeldReason::OutOfSight,
            HeldReason::OutcomeUnknown,
        ] {
            let shown = serde_json::to_value(&reason).unwrap();
            assert_eq!(shown["kind"], code(&reason));
        }
    }
}
