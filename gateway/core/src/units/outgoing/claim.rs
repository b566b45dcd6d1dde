//! Taking heads of the outbox.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Instant;
use crate::decide::{LinkState, Presence, RecordState};
use crate::mapping::MappingPlan;
use crate::ports::links::Linked;
use crate::ports::outbox::{ClaimSize, OutgoingClaim, Turn};
use crate::ports::{StoreError, Transaction};
use crate::record::FieldValue;
use crate::units::known::resolve;
use crate::units::outgoing::{
    Batch, Item, MOST_ABANDONED, MOST_SUSPECTS, PUT_OFF, SUSPECT, SWITCHED_OFF, is_busy, log, wait,
};

/// What a worker claimed.
#[derive(Debug, Default)]
pub struct Claimed {
    /// Batches to work on, one after the other. Heads under suspicion of having ended their workers come last, each
    /// alone.
    pub batches: Vec<Batch>,
    /// Heads that were claimed, those included that were given back or ended at once.
    pub claimed: usize,
    /// Heads that were put off since too many workers did not survive them.
    pub put_off: usize,
    /// Whether there may be more that is ready.
    pub more: bool,
}

/// Claims ready heads of one mapping until `lease_until`, and reads their links. Heads with nothing to do end here;
/// those whose write may still be under way wait for its end.
///
/// # Errors
/// When the store fails.
pub fn claim(
    tx: &mut dyn Transaction,
    worker: &str,
    size: &ClaimSize,
    turn: &Turn<'_>,
    now: Instant,
    lease_until: Instant,
) -> Result<Claimed, StoreError> {
    let claims = tx.claim_outgoing(worker, size, turn, now, lease_until)?;
    let Some((connection, mapping)) = claims.first().map(|first| (first.connection, first.mapping)) else {
        return Ok(Claimed::default());
    };
    let mut claimed = Claimed {
        claimed: claims.len(),
        more: u32::try_from(claims.len()).is_ok_and(|count| count >= size.usual),
        ..Claimed::default()
    };
    let Some(known) = tx.connection(connection)?.filter(|known| known.enabled) else {
        tx.postpone_outgoing(&claims, now + SWITCHED_OFF, false)?;
        return Ok(claimed);
    };
    let plans = tx.plans(connection)?;
    let Some(plan) = plans.iter().find(|plan| plan.mapping == mapping) else {
        tx.release_outgoing(&claims)?;
        return Ok(claimed);
    };
    let ids: Vec<_> = claims.iter().map(|claim| claim.link).collect();
    let mut links = tx.links(connection, &ids)?;
    resolve(tx, connection, links.values_mut())?;

    let mut sorted = Sorted::default();
    for claim in claims {
        match links.remove(&claim.link) {
            Some(linked) => sorted.place(plan, claim, linked, now),
            None => sorted.ended.push(claim),
        }
    }
    claimed.put_off = sorted.abandoned.len();
    sorted.end(tx, plan, now)?;
    let batch = |items| Batch {
        connection,
        plan: Arc::clone(plan),
        gateway_user: known.integration_user,
        items,
    };
    let (together, alone, left) = suspects_apart(sorted.items);
    if !left.is_empty() {
        claimed.more = true;
        tx.postpone_outgoing(&left, now, false)?;
    }
    claimed
        .batches
        .extend((!together.is_empty()).then(|| batch(together)));
    claimed
        .batches
        .extend(alone.into_iter().map(|item| batch(vec![item])));
    Ok(claimed)
}

/// Claimed heads by what becomes of them.
#[derive(Default)]
struct Sorted {
    items: Vec<Item>,
    ended: Vec<OutgoingClaim>,
    later: BTreeMap<Instant, Vec<OutgoingClaim>>,
    waiting: BTreeMap<Instant, Vec<OutgoingClaim>>,
    abandoned: Vec<(OutgoingClaim, LinkState)>,
}

impl Sorted {
    fn place(&mut self, plan: &MappingPlan, claim: OutgoingClaim, linked: Linked, now: Instant) {
        let Linked { link, record, .. } = linked;
        let under_way = link.outgoing.in_flight.as_ref().map(|write| write.until);
        if !is_busy(&link) {
            self.ended.push(claim);
        } else if claim.abandoned >= MOST_ABANDONED {
            self.abandoned.push((claim, link));
        } else if let Some(until) = under_way.filter(|until| *until > now) {
            self.later.entry(until).or_default().push(claim);
        } else if under_way.is_none() && points_to_unmade(plan, &link, record.as_ref()) {
            self.waiting.entry(now + wait(&claim)).or_default().push(claim);
        } else {
            self.items.push(Item { claim, link, record });
        }
    }

    fn end(&self, tx: &mut dyn Transaction, plan: &MappingPlan, now: Instant) -> Result<(), StoreError> {
        if !self.ended.is_empty() {
            tx.release_outgoing(&self.ended)?;
        }
        for (until, claims) in &self.later {
            tx.postpone_outgoing(claims, *until, false)?;
        }
        for (until, claims) in &self.waiting {
            tx.postpone_outgoing(claims, *until, true)?;
        }
        if let Some((first, _)) = self.abandoned.first() {
            let entries: Vec<_> = self
                .abandoned
                .iter()
                .map(|(claim, link)| log::abandoned_entry(plan, claim, link, now))
                .collect();
            tx.append_logs(first.connection, &entries)?;
            let claims: Vec<_> = self.abandoned.iter().map(|(claim, _)| claim.clone()).collect();
            tx.postpone_outgoing(&claims, now + PUT_OFF, false)?;
        }
        Ok(())
    }
}

/// Whether a record points to one that is not in Salesforce yet. Nothing needs to be read of it until then, so that
/// waiting for a record that is held costs no calls.
fn points_to_unmade(plan: &MappingPlan, link: &LinkState, record: Option<&RecordState>) -> bool {
    let Some(record) = record.filter(|record| record.presence == Presence::Live) else {
        return false;
    };
    plan.synced_fields().any(|field| {
        let carried = match link.salesforce_id {
            Some(_) => field.salesforce.updateable,
            None => field.salesforce.createable,
        };
        carried && matches!(record.fields.get(&field.partner), Some(FieldValue::Record(_)))
    })
}

/// Heads to work on together, heads to work on alone, and claims to give back. Suspects come in another order after
/// each claim, so that the one that ends its workers does not stand before the others for ever.
fn suspects_apart(items: Vec<Item>) -> (Vec<Item>, Vec<Item>, Vec<OutgoingClaim>) {
    let (mut alone, together): (Vec<Item>, Vec<Item>) = items
        .into_iter()
        .partition(|item| item.claim.abandoned >= SUSPECT);
    let turn = alone.iter().map(|item| item.claim.fence).max().unwrap_or(0);
    let turn = usize::try_from(turn)
        .unwrap_or(0)
        .checked_rem(alone.len())
        .unwrap_or(0);
    alone.rotate_left(turn);
    let left = alone.split_off(alone.len().min(MOST_SUSPECTS));
    (together, alone, left.into_iter().map(|item| item.claim).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{HeldReason, LinkStatus};
    use crate::id::RecordId;
    use crate::units::sample::{at, claim, contact_plan, in_flight, linked, sf};

    fn pending(number: i64) -> Linked {
        let mut linked = linked(number, Some(sf(1)), "a@x.org");
        linked.link.outgoing.pending = true;
        linked
    }

    /// Where a head goes: to work, ended, later or abandoned.
    fn place(claim: OutgoingClaim, linked: Linked) -> (usize, usize, Vec<Instant>, usize) {
        let mut sorted = Sorted::default();
        sorted.place(&contact_plan(), claim, linked, at(100));
        (
            sorted.items.len(),
            sorted.ended.len(),
            sorted.later.into_keys().collect(),
            sorted.abandoned.len(),
        )
    }

    #[test]
    fn a_link_with_nothing_to_do_or_held_ends_its_head() {
        assert_eq!(place(claim(1), linked(1, Some(sf(1)), "")), (0, 1, vec![], 0));
        let mut held = pending(1);
        held.link.status = LinkStatus::Held {
            reason: HeldReason::OutOfSight,
        };
        assert_eq!(place(claim(1), held), (0, 1, vec![], 0));
        assert_eq!(place(claim(1), pending(1)), (1, 0, vec![], 0));
    }

    #[test]
    fn a_write_that_may_be_under_way_is_waited_for_and_then_looked_into_whatever_the_link_became() {
        for (until, expected) in [(at(101), (0, 0, vec![at(101)], 0)), (at(100), (1, 0, vec![], 0))] {
            let mut flying = linked(1, Some(sf(1)), "");
            flying.link.status = LinkStatus::Deleted;
            flying.link.outgoing.in_flight = Some(in_flight(until));
            assert_eq!(place(claim(1), flying), expected);
        }
    }

    #[test]
    fn a_head_that_ended_too_many_workers_is_put_off() {
        let mut suspect = claim(1);
        suspect.abandoned = MOST_ABANDONED;
        assert_eq!(place(suspect.clone(), pending(1)), (0, 0, vec![], 1));
        suspect.abandoned -= 1;
        assert_eq!(place(suspect, pending(1)), (1, 0, vec![], 0));
    }

    #[test]
    fn a_record_that_points_to_one_not_made_yet_waits_without_being_read() {
        let mut pointing = pending(1);
        let fields = &mut pointing.record.as_mut().unwrap().fields;
        fields.insert("email".to_owned(), FieldValue::Record(RecordId(2)));
        let waits_until = |attempts, linked: &Linked| {
            let mut sorted = Sorted::default();
            let claim = OutgoingClaim { attempts, ..claim(1) };
            sorted.place(&contact_plan(), claim, linked.clone(), at(100));
            assert_eq!(sorted.items.len() + sorted.waiting.len(), 1);
            sorted.waiting.into_keys().next()
        };
        assert_eq!(waits_until(0, &pointing), Some(at(101)));
        assert_eq!(waits_until(2, &pointing), Some(at(104)));
        let mut flying = pointing.clone();
        flying.link.outgoing.in_flight = Some(in_flight(at(90)));
        assert_eq!(
            waits_until(0, &flying),
            None,
            "a write in flight is looked into first"
        );
        let mut deleted = pointing.clone();
        deleted.record.as_mut().unwrap().presence = Presence::Deleted;
        assert_eq!(waits_until(0, &deleted), None, "a delete points nowhere");
    }

    fn items(suspects: impl IntoIterator<Item = (i64, i64, u32)>) -> Vec<Item> {
        suspects
            .into_iter()
            .map(|(number, fence, abandoned)| {
                let Linked { link, record, .. } = pending(number);
                let mut claim = claim(number);
                claim.fence = fence;
                claim.abandoned = abandoned;
                Item { claim, link, record }
            })
            .collect()
    }

    #[test]
    fn suspects_are_worked_on_alone_and_only_so_many_of_them() {
        let (together, alone, left) = suspects_apart(items((1..=40).map(|number| {
            let abandoned = if number <= 10 { SUSPECT - 1 } else { SUSPECT };
            (number, 1, abandoned)
        })));
        assert_eq!(together.len(), 10);
        assert!(together.iter().all(|item| item.claim.link.0 <= 10));
        assert_eq!((alone.len(), left.len()), (MOST_SUSPECTS, 14));
    }

    #[test]
    fn a_suspect_does_not_stand_first_at_every_claim() {
        let firsts: std::collections::BTreeSet<_> = (1..=8)
            .map(|fence| {
                let (_, alone, _) = suspects_apart(items((1..=5).map(|number| (number, fence, SUSPECT))));
                alone[0].claim.link
            })
            .collect();
        assert_eq!(firsts.len(), 5, "{firsts:?}");
    }
}
