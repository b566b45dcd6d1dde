//! What became of writes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::Instant;
use crate::activity::Hour;
use crate::decide::write::{self, WriteOutcome};
use crate::decide::{ChangeSource, Effects, LinkStatus, Outgoing, Target};
use crate::id::{LinkId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::ports::links::Caused;
use crate::ports::outbox::OutgoingClaim;
use crate::ports::{StoreError, Transaction};
use crate::schedule::RetrySchedule;
use crate::units::outgoing::targets::after;
use crate::units::outgoing::{Batch, Now, WAIT, found_id, log, waits};

/// After so many failed attempts a record whose external id is taken counts as refused.
const MOST_DOUBTS: u32 = 5;

/// The answer to one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The claim that the order carried.
    pub claim: OutgoingClaim,
    /// How the write ended.
    pub outcome: WriteOutcome,
    /// What the record holds now, read after the write; for a delete, how it lies among the deleted. None where it
    /// could not be read: the write is then settled without.
    pub read_back: Option<Target>,
    /// HTTP status of the answer, for the log; 0 where there was none.
    pub status: u16,
}

/// What settling ended with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Heads that ended.
    pub released: usize,
    /// Heads that go back for later.
    pub postponed: usize,
    /// Whether some of them are ready now: their partner's records changed while the write was under way.
    pub again: bool,
    /// Answers to claims that were lost: whoever holds them reads the target first.
    pub lost: usize,
}

/// Takes the answers to orders. What was not stored now comes back by the schedule, `jitter` being a random number in
/// [0, 1]; what is not known comes back when no request that carries it can be under way.
///
/// # Errors
/// [`StoreError::Conflict`] when a link changed since it was read: the unit runs again.
pub fn settle(
    tx: &mut dyn Transaction,
    batch: &Batch,
    answers: &[Answer],
    retries: &RetrySchedule,
    jitter: f64,
    lease_until: Instant,
    at: Instant,
) -> Result<Settled, StoreError> {
    let claims: Vec<OutgoingClaim> = answers.iter().map(|answer| answer.claim.clone()).collect();
    let held = tx.extend_outgoing(&claims, lease_until)?;
    let mut settled = Settled {
        lost: claims.len().saturating_sub(held.len()),
        ..Settled::default()
    };
    let Some(mut now) = Now::of(tx, batch, &held, at)? else {
        settled.postponed = held.len();
        return Ok(settled);
    };
    let read = answers
        .iter()
        .map(|answer| (answer.claim.link, stored_id(answer), answer.read_back.as_ref()));
    now.meet(tx, read)?;
    let held: HashMap<LinkId, &OutgoingClaim> = held.iter().map(|claim| (claim.link, claim)).collect();
    let setting = now.setting(at, batch.lane());
    let mut caused = Vec::with_capacity(answers.len());
    let mut entries = Vec::with_capacity(answers.len());
    let mut crossed = Hour::default();
    let mut ended = Vec::new();
    let mut later: BTreeMap<(Instant, bool), Vec<OutgoingClaim>> = BTreeMap::new();
    for answer in answers {
        let Some(claim) = held.get(&answer.claim.link).copied() else {
            continue;
        };
        let Some(linked) = now.links.get(&claim.link) else {
            ended.push(claim.clone());
            continue;
        };
        let doubted = doubted(&now.plan, claim, &linked.link.outgoing, answer);
        let answer = doubted.as_ref().unwrap_or(answer);
        let decided = write::settle(
            now.known(linked),
            now.other(linked, stored_id(answer)),
            &answer.outcome,
            answer
                .read_back
                .clone()
                .map(|target| after(&linked.link, target))
                .as_ref(),
            at,
        );
        let effects = effects_of(decided);
        match answer.outcome {
            WriteOutcome::Stored { .. } => crossed.to_salesforce += 1,
            WriteOutcome::Refused { .. } => crossed.failures += 1,
            WriteOutcome::NotNow | WriteOutcome::Unknown => {}
        }
        entries.extend(log::answer_entry(&setting, &linked.link, effects.first(), answer));
        let left = effects
            .first()
            .map_or((&linked.link.status, &linked.link.outgoing), |effects| {
                (&effects.link.status, &effects.link.outgoing)
            });
        match comes_back(left, &answer.outcome, claim, retries, jitter, at) {
            None => ended.push(claim.clone()),
            Some((when, failed)) => {
                settled.again |= when <= at;
                later.entry((when, failed)).or_default().push(claim.clone());
            }
        }
        caused.extend(effects.into_iter().map(|effects| Caused {
            effects,
            source: ChangeSource::Write { at },
            saved_by: None,
        }));
    }
    batch.write(tx, &mut caused, at)?;
    if !crossed.is_empty() {
        tx.note_activity(batch.connection, at, &crossed)?;
    }
    if !entries.is_empty() {
        tx.append_logs(batch.connection, &entries)?;
    }
    settled.released = ended.len();
    if !ended.is_empty() {
        tx.release_outgoing(&ended)?;
    }
    for ((when, failed), claims) in &later {
        settled.postponed += claims.len();
        tx.postpone_outgoing(claims, *when, *failed)?;
    }
    Ok(settled)
}

/// An answer that leaves open whether the record was made; see [`write::is_doubtful`]. One that was looked for so often
/// and never found is refused in the end: the gateway's user may not see it.
fn doubted(
    plan: &MappingPlan,
    claim: &OutgoingClaim,
    outgoing: &Outgoing,
    answer: &Answer,
) -> Option<Answer> {
    let flight = outgoing.in_flight.as_ref()?;
    let doubtful = claim.attempts < MOST_DOUBTS && write::is_doubtful(plan, flight, &answer.outcome);
    doubtful.then(|| Answer {
        outcome: WriteOutcome::Unknown,
        read_back: None,
        ..answer.clone()
    })
}

/// What a decision on an outcome writes: the link's own effects first.
pub(super) fn effects_of(decided: write::Settled) -> Vec<Effects> {
    let write::Settled { effects, tombstone } = decided;
    effects
        .into_iter()
        .chain(tombstone)
        .map(|effects| *effects)
        .collect()
}

/// When a head is to be looked at again, and whether that counts as a failed attempt. None: it ends.
fn comes_back(
    (status, outgoing): (&LinkStatus, &Outgoing),
    outcome: &WriteOutcome,
    claim: &OutgoingClaim,
    retries: &RetrySchedule,
    jitter: f64,
    at: Instant,
) -> Option<(Instant, bool)> {
    if let Some(write) = &outgoing.in_flight {
        return Some((write.until.max(at + WAIT), true));
    }
    if !waits(status, outgoing.pending) {
        return None;
    }
    match outcome {
        WriteOutcome::NotNow => {
            let delay = retries
                .delay(claim.attempts.saturating_add(1), jitter)
                .unwrap_or(retries.longest);
            Some((at + delay.max(Duration::from_millis(1)), true))
        }
        WriteOutcome::Stored { .. } | WriteOutcome::Refused { .. } | WriteOutcome::Unknown => {
            Some((at, false))
        }
    }
}

fn stored_id(answer: &Answer) -> Option<SalesforceId> {
    match &answer.outcome {
        WriteOutcome::Stored { salesforce_id } => Some(*salesforce_id),
        _ => answer.read_back.as_ref().and_then(found_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::WriteKind;
    use crate::units::sample::{at, claim, contact_plan, in_flight, sf};

    const RETRIES: RetrySchedule = RetrySchedule {
        first: Duration::from_secs(2),
        longest: Duration::from_secs(60),
        attempts: 3,
    };

    fn comes_back_after(
        outcome: &WriteOutcome,
        attempts: u32,
        pending: bool,
        until: Option<Instant>,
    ) -> Option<(Instant, bool)> {
        let outgoing = Outgoing {
            pending,
            in_flight: until.map(in_flight),
            ..Outgoing::default()
        };
        let mut claim = claim(1);
        claim.attempts = attempts;
        comes_back(
            (&LinkStatus::Linked, &outgoing),
            outcome,
            &claim,
            &RETRIES,
            1.0,
            at(100),
        )
    }

    #[test]
    fn a_head_with_nothing_left_ends_whatever_the_answer_was() {
        for outcome in [
            WriteOutcome::Stored { salesforce_id: sf(1) },
            WriteOutcome::NotNow,
            WriteOutcome::Unknown,
        ] {
            assert_eq!(comes_back_after(&outcome, 0, false, None), None);
        }
    }

    #[test]
    fn what_changed_during_the_write_is_ready_at_once() {
        let stored = WriteOutcome::Stored { salesforce_id: sf(1) };
        assert_eq!(comes_back_after(&stored, 5, true, None), Some((at(100), false)));
    }

    #[test]
    fn what_was_not_stored_now_comes_back_by_the_schedule_and_then_at_its_longest() {
        for (attempts, seconds) in [(0, 102), (1, 104), (2, 160), (9, 160)] {
            assert_eq!(
                comes_back_after(&WriteOutcome::NotNow, attempts, true, None),
                Some((at(seconds), true))
            );
        }
    }

    #[test]
    fn a_create_whose_external_id_is_taken_is_looked_for_until_it_was_often_enough() {
        let plan = contact_plan();
        let is_doubted = |kind, message: &str, attempts| {
            let mut flight = in_flight(at(100));
            flight.write.kind = kind;
            let outgoing = Outgoing {
                in_flight: Some(flight),
                ..Outgoing::default()
            };
            let mut claim = claim(1);
            claim.attempts = attempts;
            let answer = Answer {
                claim: claim.clone(),
                outcome: WriteOutcome::Refused {
                    code: "DUPLICATE_VALUE".to_owned(),
                    message: message.to_owned(),
                    fields: Vec::new(),
                    advice: String::new(),
                },
                read_back: None,
                status: 400,
            };
            let doubted = doubted(&plan, &claim, &outgoing, &answer);
            doubted.is_some_and(|answer| answer.outcome == WriteOutcome::Unknown)
        };
        let ours =
            "duplicate value found: Causeway_Id__c duplicates value on record with id: 003000000000001";
        let at_once = "duplicate value found: <unknown> duplicates value on record with id: <unknown>";
        let other = "duplicate value found: Tax_Id__c duplicates value on record with id: 003000000000001";
        assert!(is_doubted(WriteKind::Create, ours, 0));
        assert!(is_doubted(WriteKind::Create, at_once, MOST_DOUBTS - 1));
        assert!(!is_doubted(WriteKind::Create, ours, MOST_DOUBTS));
        assert!(!is_doubted(WriteKind::Create, other, 0));
        assert!(!is_doubted(WriteKind::Update, ours, 0));
    }

    #[test]
    fn what_is_not_known_comes_back_when_nothing_can_be_under_way() {
        for (until, expected) in [(at(130), at(130)), (at(90), at(101))] {
            assert_eq!(
                comes_back_after(&WriteOutcome::Unknown, 0, true, Some(until)),
                Some((expected, true))
            );
        }
    }
}
