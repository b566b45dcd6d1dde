//! What is to be sent, decided with the targets at hand.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Instant;
use crate::decide::write::{self, Prepared, WriteOutcome};
use crate::decide::{
    ChangeSource, Effects, Identity, LinkEffect, LinkRef, LinkState, Outcome, RecordState, SalesforceWrite,
    Target, WriteKind,
};
use crate::id::{FieldId, LinkId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::ports::links::{Caused, Linked};
use crate::ports::outbox::OutgoingClaim;
use crate::ports::{StoreError, Transaction};
use crate::record::FieldValue;
use crate::units::outgoing::targets::external_id;
use crate::units::outgoing::{
    Batch, Item, Now, WAIT, found_id, is_busy, job_wait, log, settle::effects_of, wait, waits,
};

/// What preparing a batch takes.
#[derive(Debug, Clone, Copy)]
pub struct Preparing<'a> {
    /// What was read of each link's target. A link without a target waits a moment.
    pub targets: &'a BTreeMap<LinkId, Target>,
    /// Bulk jobs that have ended, or are known to be gone.
    pub ended_jobs: &'a BTreeSet<String>,
    /// When no request that carries an order can be under way any more: the end of the gateway's own sending, plus the
    /// longest that Salesforce may still work on a request whose sender gave up.
    pub until: Instant,
    /// The new end of the leases.
    pub lease_until: Instant,
    /// Now.
    pub at: Instant,
}

/// What is to be sent, and what became of the other heads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// Writes that are kept as in flight, by parent and link. Once this is durable they may be sent, each once.
    pub orders: Vec<Order>,
    /// Heads that ended.
    pub released: usize,
    /// Heads that go back for later.
    pub postponed: usize,
    /// Heads whose lease was lost: another worker has them.
    pub lost: usize,
}

/// A write to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The claim of its head.
    pub claim: OutgoingClaim,
    /// What it does.
    pub kind: WriteKind,
    /// The record to write to; none for a create.
    pub salesforce_id: Option<SalesforceId>,
    /// The value of the plan's external id field, for a create of an object that takes one.
    pub external_id: Option<String>,
    /// Values by API name, in the plan's order, and what goes beside them. Empty for a delete.
    pub values: Vec<(String, FieldValue)>,
    /// The first record that it points to. Salesforce locks it, so writes with one parent go side by side in a call.
    pub parent: Option<SalesforceId>,
}

/// Merges each link with its target, keeps what is to be written as in flight, and gives it out. Everything that
/// needs no write ends here. A write in flight from an earlier attempt is settled by its target first.
///
/// # Errors
/// [`StoreError::Conflict`] when a link changed since it was read: the unit runs again.
pub fn prepare(
    tx: &mut dyn Transaction,
    batch: &Batch,
    preparing: &Preparing<'_>,
) -> Result<Orders, StoreError> {
    let claims = tx.extend_outgoing(&batch.claims(), preparing.lease_until)?;
    let lost = batch.items.len().saturating_sub(claims.len());
    let Some(mut now) = Now::of(tx, batch, &claims, preparing.at)? else {
        return Ok(Orders {
            postponed: claims.len(),
            lost,
            ..Orders::default()
        });
    };
    meet(tx, &mut now, preparing.targets)?;
    let mut unit = Unit {
        batch,
        preparing,
        now,
        ended: Vec::new(),
        later: BTreeMap::new(),
    };
    let ready = unit.ready(claims);
    let ready = unit.settle_earlier(tx, ready)?;
    let mut orders = unit.decide(tx, ready)?;
    orders.lost = lost;
    orders.released = unit.ended.len();
    if !unit.ended.is_empty() {
        tx.release_outgoing(&unit.ended)?;
    }
    for ((at, failed), claims) in &unit.later {
        orders.postponed += claims.len();
        tx.postpone_outgoing(claims, *at, *failed)?;
    }
    orders
        .orders
        .sort_by_key(|order| (order.parent, order.claim.link));
    Ok(orders)
}

/// Notes the Bulk job that will carry orders, before anything is uploaded to it. `until` is when no request that
/// uploads can be under way any more; from then on the job itself tells whether anything may still be written. Returns
/// the claims that are still held; only their orders may be uploaded.
///
/// # Errors
/// [`StoreError::Conflict`] when a link changed since it was read: the unit runs again.
pub fn note_job(
    tx: &mut dyn Transaction,
    batch: &Batch,
    orders: &[Order],
    job: &str,
    until: Instant,
    lease_until: Instant,
    at: Instant,
) -> Result<Vec<OutgoingClaim>, StoreError> {
    let claims: Vec<OutgoingClaim> = orders.iter().map(|order| order.claim.clone()).collect();
    let mut held = tx.extend_outgoing(&claims, lease_until)?;
    let ids: Vec<LinkId> = held.iter().map(|claim| claim.link).collect();
    let links = tx.links(batch.connection, &ids)?;
    let mut caused = Vec::with_capacity(held.len());
    held.retain(|claim| {
        let Some(link) = links.get(&claim.link).map(|linked| &linked.link) else {
            return false;
        };
        let mut outgoing = link.outgoing.clone();
        let Some(write) = outgoing.in_flight.as_mut() else {
            return false;
        };
        write.job = Some(job.to_owned());
        write.until = until;
        caused.push(Caused {
            effects: Effects {
                link: LinkEffect {
                    outgoing,
                    ..unchanged(link)
                },
                record: None,
                history: Vec::new(),
                outcome: Outcome::Confirmed,
            },
            source: ChangeSource::Write { at },
            saved_by: None,
        });
        true
    });
    batch.write(tx, &mut caused, at)?;
    Ok(held)
}

fn unchanged(link: &LinkState) -> LinkEffect {
    LinkEffect {
        existing: Some(LinkRef {
            id: link.id,
            record: link.record,
            revision: link.revision,
        }),
        salesforce_id: link.salesforce_id,
        status: link.status.clone(),
        version: link.version,
        plan: link.plan,
        agreed: link.agreed.clone(),
        outgoing: link.outgoing.clone(),
        ready: false,
        reserve: Vec::new(),
        release: Vec::new(),
        absorb: None,
    }
}

fn meet(
    tx: &mut dyn Transaction,
    now: &mut Now,
    targets: &BTreeMap<LinkId, Target>,
) -> Result<(), StoreError> {
    let read = targets
        .iter()
        .map(|(link, target)| (*link, found_id(target), Some(target)));
    now.meet(tx, read)
}

struct Unit<'a> {
    batch: &'a Batch,
    preparing: &'a Preparing<'a>,
    now: Now,
    ended: Vec<OutgoingClaim>,
    later: BTreeMap<(Instant, bool), Vec<OutgoingClaim>>,
}

impl Unit<'_> {
    fn postpone(&mut self, claim: OutgoingClaim, at: Instant, failed: bool) {
        self.later.entry((at, failed)).or_default().push(claim);
    }

    /// The claims whose links can be decided on with what was read.
    fn ready(&mut self, claims: Vec<OutgoingClaim>) -> Vec<OutgoingClaim> {
        let read: HashMap<LinkId, &Item> = self.batch.items.iter().map(|item| (item.link.id, item)).collect();
        let at = self.preparing.at;
        let mut ready = Vec::with_capacity(claims.len());
        for claim in claims {
            let Some(Linked { link, record, .. }) = self.now.links.get(&claim.link) else {
                self.ended.push(claim);
                continue;
            };
            let in_flight = link.outgoing.in_flight.as_ref();
            let until = in_flight.map(|write| write.until).filter(|until| *until > at);
            let job = in_flight.and_then(|write| write.job.as_ref());
            if !is_busy(link) {
                self.ended.push(claim);
            } else if let Some(until) = until {
                self.postpone(claim, until, false);
            } else if job.is_some_and(|job| !self.preparing.ended_jobs.contains(job)) {
                let when = at + job_wait(&claim);
                self.postpone(claim, when, true);
            } else if !self.preparing.targets.contains_key(&claim.link) {
                self.postpone(claim, at + WAIT, true);
            } else if read.get(&claim.link).is_none_or(|read| {
                reads_elsewhere(&read.link, link)
                    || is_looked_for_anew(&self.now.plan, read, link, record.as_ref())
            }) {
                self.postpone(claim, at, false);
            } else {
                ready.push(claim);
            }
        }
        ready
    }

    /// Settles writes of earlier attempts by what their targets show now, and returns the claims to go on with.
    fn settle_earlier(
        &mut self,
        tx: &mut dyn Transaction,
        claims: Vec<OutgoingClaim>,
    ) -> Result<Vec<OutgoingClaim>, StoreError> {
        let (earlier, mut ready): (Vec<_>, Vec<_>) = claims
            .into_iter()
            .partition(|claim| self.linked(claim).is_some_and(in_flight));
        if earlier.is_empty() {
            return Ok(ready);
        }
        let at = self.preparing.at;
        let mut caused = Vec::new();
        let mut entries = Vec::new();
        let mut settled = Vec::with_capacity(earlier.len());
        let mut shown = BTreeSet::new();
        for claim in earlier {
            let Some(linked) = self.linked(&claim) else {
                continue;
            };
            let target = self.preparing.targets.get(&claim.link);
            if target.and_then(found_id).is_some_and(|id| !shown.insert(id)) {
                self.postpone(claim, at, false);
                continue;
            }
            let decided = write::settle(
                self.now.known(linked),
                self.now.other(linked, target.and_then(found_id)),
                &WriteOutcome::Unknown,
                target,
                at,
            );
            let effects = effects_of(decided);
            if effects.is_empty() {
                self.postpone(claim, at + WAIT, true);
                continue;
            }
            let looked_for_sent = linked
                .link
                .outgoing
                .in_flight
                .as_ref()
                .is_some_and(|flight| write::sent_identity(&self.now.plan, flight).is_some());
            let setting = self.now.setting(at, self.batch.lane());
            let of_claim = effects.first();
            entries.extend(of_claim.map(|effects| log::read_back_entry(&setting, &linked.link, effects)));
            caused.extend(effects.into_iter().map(|effects| Caused {
                effects,
                source: ChangeSource::Write { at },
                saved_by: None,
            }));
            settled.push((claim, linked.link.outgoing.generation, looked_for_sent));
        }
        self.batch.write(tx, &mut caused, at)?;
        if !entries.is_empty() {
            tx.append_logs(self.batch.connection, &entries)?;
        }
        // What was written may have taken in another link, or set an identity free.
        let read: Vec<_> = settled
            .iter()
            .map(|(claim, ..)| claim)
            .chain(&ready)
            .cloned()
            .collect();
        self.now.links.clear();
        self.now.read(tx, &read)?;
        meet(tx, &mut self.now, self.preparing.targets)?;
        let (mut ready, absorbed): (Vec<_>, Vec<_>) = std::mem::take(&mut ready)
            .into_iter()
            .partition(|claim| self.linked(claim).is_some());
        self.ended.extend(absorbed);
        for (claim, generation, looked_for_sent) in settled {
            match self.linked(&claim) {
                Some(linked) if in_flight(linked) => self.postpone(claim, at + WAIT, true),
                // The target was read for the life that ended, or looked for by what was sent, not by what the record
                // would be made with now.
                Some(linked)
                    if is_busy(&linked.link)
                        && (linked.link.outgoing.generation != generation
                            || (looked_for_sent && linked.link.salesforce_id.is_none())) =>
                {
                    self.postpone(claim, at, false);
                }
                Some(linked) if is_busy(&linked.link) => ready.push(claim),
                _ => self.ended.push(claim),
            }
        }
        Ok(ready)
    }

    fn decide(&mut self, tx: &mut dyn Transaction, claims: Vec<OutgoingClaim>) -> Result<Orders, StoreError> {
        let at = self.preparing.at;
        let mut orders = Orders::default();
        let mut caused = Vec::new();
        let mut merged = Vec::new();
        let mut shown: BTreeSet<SalesforceId> = claims
            .iter()
            .filter_map(|claim| self.linked(claim)?.link.salesforce_id)
            .collect();
        for claim in claims {
            let (Some(linked), Some(target)) = (self.linked(&claim), self.preparing.targets.get(&claim.link))
            else {
                continue;
            };
            // A link that found the record of another has to see what this one makes of it.
            let adopts = found_id(target).filter(|_| linked.link.salesforce_id.is_none());
            if adopts.is_some_and(|id| !shown.insert(id)) {
                self.postpone(claim, at, false);
                continue;
            }
            let other = self.now.other(linked, found_id(target));
            match write::prepare(self.now.known(linked), other, target, self.preparing.until, at) {
                Prepared::Nothing => self.ended.push(claim),
                Prepared::Wait { .. } => {
                    let when = at + wait(&claim);
                    self.postpone(claim, when, true);
                }
                Prepared::Effects(effects) => {
                    let more = waits(&effects.link.status, effects.link.outgoing.pending);
                    merged.push((caused.len(), claim.link));
                    caused.push(self.caused(*effects));
                    if more {
                        self.postpone(claim, at, false);
                    } else {
                        self.ended.push(claim);
                    }
                }
                Prepared::Send {
                    effects,
                    write,
                    salesforce_id,
                } => {
                    let created = write.kind == WriteKind::Create;
                    orders.orders.push(Order {
                        kind: write.kind,
                        salesforce_id,
                        external_id: created.then(|| external_id(self.batch, &linked.link)).flatten(),
                        values: self.named(&write),
                        parent: self.parent(linked),
                        claim: claim.clone(),
                    });
                    merged.push((caused.len(), claim.link));
                    caused.push(self.caused(*effects));
                }
            }
        }
        let written = self.batch.write(tx, &mut caused, at)?;
        let setting = self.now.setting(at, self.batch.lane());
        let entries: Vec<_> = merged
            .iter()
            .filter_map(|(at, link)| {
                log::merged_entry(
                    &setting,
                    &caused.get(*at)?.effects,
                    self.preparing.targets.get(link)?,
                    self.now.links.get(link)?,
                    written.get(*at)?.record,
                )
            })
            .collect();
        if !entries.is_empty() {
            tx.append_logs(self.batch.connection, &entries)?;
        }
        Ok(orders)
    }

    fn linked(&self, claim: &OutgoingClaim) -> Option<&Linked> {
        self.now.links.get(&claim.link)
    }

    fn caused(&self, effects: Effects) -> Caused {
        Caused {
            effects,
            source: ChangeSource::Write {
                at: self.preparing.at,
            },
            saved_by: None,
        }
    }

    /// Values under their API names.
    fn named(&self, write: &SalesforceWrite) -> Vec<(String, FieldValue)> {
        let values = &write.values;
        let beside = self
            .now
            .plan
            .account_beside()
            .filter(|_| write.kind == WriteKind::Create);
        let account = beside.map(|(name, account)| (name.to_owned(), FieldValue::Reference(account)));
        let owner = values
            .get(&FieldId::OWNER)
            .map(|owner| ("OwnerId".to_owned(), owner.clone()));
        let stamp = self.now.plan.written_beside(self.preparing.at);
        let stamp = stamp.filter(|_| write.kind != WriteKind::Delete);
        self.now
            .plan
            .fields
            .iter()
            .filter_map(|field| Some((field.salesforce.name.clone(), values.get(&field.id)?.clone())))
            .chain(owner)
            .chain(account)
            .chain(stamp)
            .collect()
    }

    fn parent(&self, linked: &Linked) -> Option<SalesforceId> {
        let record = linked.record.as_ref()?;
        self.now
            .plan
            .synced_fields()
            .find_map(|field| match record.fields.get(&field.partner) {
                Some(FieldValue::Reference(id)) => Some(*id),
                _ => None,
            })
    }
}

/// Whether news of Salesforce was decided on after the target was read, or the link came to another record.
fn reads_elsewhere(read: &LinkState, link: &LinkState) -> bool {
    read.version != link.version
        || read.salesforce_id != link.salesforce_id
        || read.outgoing.generation != link.outgoing.generation
}

/// Whether a record that is to be made was looked for by another identity than it would be made with.
fn is_looked_for_anew(
    plan: &MappingPlan,
    read: &Item,
    link: &LinkState,
    record: Option<&RecordState>,
) -> bool {
    let identity = |record: Option<&RecordState>| Identity::of_fields(plan, &record?.fields);
    link.salesforce_id.is_none() && identity(read.record.as_ref()) != identity(record)
}

fn in_flight(linked: &Linked) -> bool {
    linked.link.outgoing.in_flight.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::sample::{claim, contact_plan, linked, sf, version};

    #[test]
    fn a_record_to_be_made_is_looked_for_anew_when_what_it_is_recognised_by_changed() {
        let looked_for_anew = |id, email| {
            let Linked { link, record, .. } = linked(1, id, "a@x.org");
            let read = Item {
                claim: claim(1),
                link,
                record,
            };
            let now = linked(1, id, email);
            is_looked_for_anew(&contact_plan(), &read, &now.link, now.record.as_ref())
        };
        assert!(looked_for_anew(None, "b@x.org"));
        assert!(!looked_for_anew(None, " A@x.org"), "it is the same address");
        assert!(!looked_for_anew(Some(sf(1)), "b@x.org"), "it was read by its id");
    }

    #[test]
    fn a_target_is_read_again_when_its_link_learned_of_salesforce_meanwhile() {
        let read = linked(1, None, "a@x.org").link;
        assert!(!reads_elsewhere(&read, &read));
        let edited = LinkState {
            revision: read.revision + 1,
            ..read.clone()
        };
        assert!(
            !reads_elsewhere(&read, &edited),
            "an edit of the partner's is merged"
        );
        let newer = LinkState {
            version: version(11),
            ..read.clone()
        };
        let adopted = LinkState {
            salesforce_id: Some(sf(1)),
            ..read.clone()
        };
        let mut reborn = read.clone();
        reborn.outgoing.generation += 1;
        for link in [newer, adopted, reborn] {
            assert!(reads_elsewhere(&read, &link));
        }
    }
}
