//! What is known of the records that news speaks of: by their Salesforce ids, by the external id that the gateway
//! gave them, and by what a record is recognised by.

use std::collections::{HashMap, HashSet};

use crate::decide::{Holder, Identity, Incoming, LinkRef, LinkStatus, Presence};
use crate::id::{RecordId, SalesforceId};
use crate::mapping::MappingPlan;
use crate::ports::links::Linked;
use crate::ports::{StoreError, Transaction};
use crate::units::Setting;
use crate::units::known::{holder, holders, resolve};
use crate::units::salesforce_news::News;

/// Whatever makes two pieces of news concern one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    Salesforce(SalesforceId),
    ExternalId(String),
    Identity(Identity),
}

/// The marks of news.
pub(super) fn marks(plan: &MappingPlan, incoming: &Incoming) -> Vec<Mark> {
    let mut marks = vec![Mark::Salesforce(incoming.salesforce_id())];
    marks.extend(external_id(incoming).map(|id| Mark::ExternalId(id.to_owned())));
    marks.extend(identity(plan, incoming).map(Mark::Identity));
    marks
}

/// The links behind news.
pub(super) struct Acquaintance {
    by_salesforce: HashMap<SalesforceId, Linked>,
    /// Links without a partner record that end in the one which waits for their Salesforce record.
    absorbed: HashMap<SalesforceId, LinkRef>,
    /// The identity that a record's news carries, where a link holds it.
    holders: HashMap<SalesforceId, Holder>,
    /// What else than their news says records may come to be recognised by.
    former: HashMap<SalesforceId, Vec<Identity>>,
}

impl Acquaintance {
    /// Reads the links behind news.
    pub(super) fn of(
        tx: &mut dyn Transaction,
        setting: &Setting<'_>,
        news: &[News],
    ) -> Result<Acquaintance, StoreError> {
        let ids: Vec<SalesforceId> = news.iter().map(|one| one.incoming.salesforce_id()).collect();
        let by_salesforce = tx.linked(setting.connection, setting.plan.mapping, &ids)?;
        let made = made_by_the_gateway(tx, setting, news, &by_salesforce)?;
        let mut acquaintance = Acquaintance {
            by_salesforce,
            absorbed: HashMap::new(),
            holders: HashMap::new(),
            former: HashMap::new(),
        };
        for (id, waiting) in made {
            acquaintance.belongs(id, waiting);
        }
        acquaintance.find_holders(tx, setting, news)?;
        resolve(tx, setting.connection, acquaintance.by_salesforce.values_mut())?;
        Ok(acquaintance)
    }

    /// The link of the record that news speaks of.
    pub(super) fn linked(&self, incoming: &Incoming) -> Option<&Linked> {
        self.by_salesforce.get(&incoming.salesforce_id())
    }

    /// A link of that record which ends in the one that the news belongs to.
    pub(super) fn absorbed(&self, incoming: &Incoming) -> Option<LinkRef> {
        self.absorbed.get(&incoming.salesforce_id()).copied()
    }

    /// A Salesforce record belongs to the link that waits for it.
    fn belongs(&mut self, id: SalesforceId, waiting: Linked) {
        if let Some(before) = self.by_salesforce.insert(id, waiting) {
            self.absorbed.insert(
                id,
                LinkRef {
                    id: before.link.id,
                    record: before.link.record,
                    revision: before.link.revision,
                },
            );
        }
    }

    /// Another link that holds the identity which the news carries.
    pub(super) fn holder(&self, incoming: &Incoming) -> Option<Holder> {
        self.holders.get(&incoming.salesforce_id()).copied()
    }

    /// News from the first on, up to one that concerns a link which stands behind news before it, or that may take an
    /// identity which news before it took.
    pub(super) fn distinct<'n>(&self, plan: &MappingPlan, news: &'n [News]) -> &'n [News] {
        let mut links = HashSet::with_capacity(news.len());
        let mut taken = HashSet::with_capacity(news.len());
        let end = news
            .iter()
            .position(|one| {
                let held = self.holder(&one.incoming).map(|holder| holder.link);
                let own = self.linked(&one.incoming).map(|linked| linked.link.id);
                let said = identity(plan, &one.incoming);
                let former = self.former.get(&one.incoming.salesforce_id());
                let takes: HashSet<Identity> = said
                    .into_iter()
                    .chain(former.into_iter().flatten().cloned())
                    .collect();
                let meets = held.is_some_and(|link| links.contains(&link))
                    || own.is_some_and(|link| !links.insert(link))
                    || takes.iter().any(|identity| taken.contains(identity));
                taken.extend(takes);
                meets
            })
            .unwrap_or(news.len());
        news.get(..end).unwrap_or(news)
    }

    /// A record that carries the identity of one which is about to be made in Salesforce is that record.
    fn find_holders(
        &mut self,
        tx: &mut dyn Transaction,
        setting: &Setting<'_>,
        news: &[News],
    ) -> Result<(), StoreError> {
        self.former = self
            .by_salesforce
            .iter()
            .map(|(id, linked)| (*id, former(setting.plan, linked)))
            .collect();
        let carried: Vec<(SalesforceId, Identity)> = news
            .iter()
            .flat_map(|one| {
                let id = one.incoming.salesforce_id();
                let own = self.former.get(&id).cloned().unwrap_or_default();
                let read = identity(setting.plan, &one.incoming);
                read.into_iter().chain(own).map(move |identity| (id, identity))
            })
            .collect();
        let news: HashMap<SalesforceId, &Incoming> = news
            .iter()
            .map(|one| (one.incoming.salesforce_id(), &one.incoming))
            .collect();
        for (id, holding) in holders(tx, setting.connection, setting.plan.mapping, &carried)? {
            let linked = self.by_salesforce.get(&id);
            if linked.is_some_and(|linked| linked.link.id == holding.link.id) {
                continue;
            }
            let free = news.get(&id).is_some_and(|incoming| is_free(linked, incoming));
            if free && is_unmade(&holding) {
                self.belongs(id, holding);
            } else {
                self.holders.insert(id, holder(&holding));
            }
        }
        Ok(())
    }
}

/// Whether a record may belong to a link that waits for one: none knows it, or one that never had a partner record and
/// knows less. What is known to be gone later than the news stays gone.
fn is_free(linked: Option<&Linked>, incoming: &Incoming) -> bool {
    let Some(Linked { link, record, .. }) = linked else {
        return true;
    };
    let newer = match link.status {
        LinkStatus::Deleted => incoming.version().modstamp > link.version.modstamp,
        _ => incoming.version() > link.version,
    };
    record.is_none() && newer && matches!(incoming, Incoming::Present(_))
}

/// Records without a partner record whose external id the gateway gave out, with the link that waits for them. The link of a
/// record made anew after a delete waits for its own generation only.
fn made_by_the_gateway(
    tx: &mut dyn Transaction,
    setting: &Setting<'_>,
    news: &[News],
    known: &HashMap<SalesforceId, Linked>,
) -> Result<HashMap<SalesforceId, Linked>, StoreError> {
    let named: Vec<(SalesforceId, RecordId, u32)> = news
        .iter()
        .map(|one| &one.incoming)
        .filter(|incoming| is_free(known.get(&incoming.salesforce_id()), incoming))
        .filter_map(|incoming| {
            let (record, generation) =
                MappingPlan::record_of_external_id(setting.connection, external_id(incoming)?)?;
            Some((incoming.salesforce_id(), record, generation))
        })
        .collect();
    if named.is_empty() {
        return Ok(HashMap::new());
    }
    let records: Vec<RecordId> = named.iter().map(|(_, record, _)| *record).collect();
    let mut links = tx.links_of(setting.connection, &records)?;
    Ok(named
        .into_iter()
        .filter_map(|(id, record, generation)| {
            let fits = links.get(&record).is_some_and(|linked| {
                linked.mapping == setting.plan.mapping
                    && linked.link.salesforce_id.is_none()
                    && linked.link.outgoing.generation == generation
            });
            fits.then(|| links.remove(&record))
                .flatten()
                .map(|linked| (id, linked))
        })
        .collect())
}

/// Whether a link waits for its Salesforce record to be made. One whose partner record was deleted, and of which
/// nothing can be under way, waits for none.
fn is_unmade(linked: &Linked) -> bool {
    let Linked { link, record, .. } = linked;
    let wanted = record
        .as_ref()
        .is_none_or(|record| record.presence != Presence::Deleted);
    link.salesforce_id.is_none()
        && matches!(link.status, LinkStatus::Creating | LinkStatus::Held { .. })
        && (wanted || link.outgoing.in_flight.is_some())
}

fn external_id(incoming: &Incoming) -> Option<&str> {
    match incoming {
        Incoming::Present(snapshot) => snapshot.external_id.as_ref()?.as_deref(),
        Incoming::Deleted { external_id, .. } => external_id.as_deref(),
    }
}

/// What a record that ended was recognised by: by what the partner held last, and by what both sides agreed on last. If
/// it comes back, another may have that by now.
fn former(plan: &MappingPlan, linked: &Linked) -> Vec<Identity> {
    let Linked { link, record, .. } = linked;
    if matches!(link.status, LinkStatus::Linked | LinkStatus::Creating) {
        return Vec::new();
    }
    let held = record
        .as_ref()
        .and_then(|record| Identity::of_fields(plan, &record.fields));
    let agreed = plan.identity.and_then(|field| link.agreed.0.get(&field));
    let agreed = agreed.and_then(|pair| Identity::of_value(pair.partner()));
    held.into_iter().chain(agreed).collect()
}

fn identity(plan: &MappingPlan, incoming: &Incoming) -> Option<Identity> {
    match incoming {
        Incoming::Present(snapshot) => Identity::of_snapshot(plan, snapshot),
        Incoming::Deleted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{AgreedPair, HeldReason, Snapshot};
    use crate::units::sample::{at, contact_plan, in_flight, linked, sf, text, version};

    fn read(seconds: i64) -> Incoming {
        Incoming::Present(Snapshot::read(
            &contact_plan(),
            sf(1),
            version(seconds),
            None,
            |_| Some(Ok(text("a@x.org"))),
        ))
    }

    fn recordless(status: LinkStatus) -> Linked {
        let mut linked = linked(1, Some(sf(1)), "");
        linked.record = None;
        linked.link.record = None;
        linked.link.status = status;
        linked
    }

    #[test]
    fn a_record_that_nobody_knows_may_belong_to_the_link_that_waits_for_one() {
        assert!(is_free(None, &read(1)));
        assert!(!is_free(Some(&linked(1, Some(sf(1)), "")), &read(99)));
    }

    #[test]
    fn a_record_that_ended_may_come_back_as_it_was_held_and_as_it_was_agreed() {
        let plan = contact_plan();
        let mut ended = linked(1, Some(sf(1)), "a@x.org");
        let pair = AgreedPair::new(text("b@x.org"), text("b@x.org"));
        ended.link.agreed.0.insert(plan.fields[0].id, pair);
        assert_eq!(former(&plan, &ended), []);
        ended.link.status = LinkStatus::Deleted;
        let identity = |value| Identity::of_value(&text(value)).unwrap();
        assert_eq!(former(&plan, &ended), [identity("a@x.org"), identity("b@x.org")]);
    }

    #[test]
    fn a_record_that_the_partner_deleted_waits_for_none_once_nothing_of_it_is_under_way() {
        let mut waiting = linked(1, None, "a@x.org");
        assert!(is_unmade(&waiting));
        waiting.link.status = LinkStatus::Held {
            reason: HeldReason::PartnerDeleteAsked,
        };
        waiting.record.as_mut().unwrap().presence = Presence::Deleted;
        assert!(!is_unmade(&waiting));
        waiting.link.outgoing.in_flight = Some(in_flight(at(30)));
        assert!(is_unmade(&waiting));
    }

    #[test]
    fn what_was_deleted_before_it_was_recognised_is_so_only_when_it_came_back() {
        let tombstone = recordless(LinkStatus::Deleted);
        assert!(is_free(Some(&tombstone), &read(11)));
        let mut later_look = read(10);
        if let Incoming::Present(snapshot) = &mut later_look {
            snapshot.version.observed = version(99).observed;
        }
        for older in [read(9), read(10), later_look] {
            assert!(!is_free(Some(&tombstone), &older));
        }
    }

    #[test]
    fn what_was_held_before_it_had_a_partner_record_is_so_when_it_is_read_anew() {
        let held = recordless(LinkStatus::Held {
            reason: HeldReason::OutOfSight,
        });
        assert!(is_free(Some(&held), &read(11)));
        assert!(!is_free(Some(&held), &read(10)));
    }
}
