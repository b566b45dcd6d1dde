//! Which record a post is for, and which records its references name.

use std::collections::HashMap;

use crate::decide::partner::{PartnerRefusal, PostedFields, RefusalCode};
use crate::decide::{Holder, Identity, LinkStatus, Presence};
use crate::id::{LinkId, MappingId, RecordId, SalesforceId};
use crate::mapping::{FieldPlan, MappingPlan};
use crate::ports::links::Linked;
use crate::ports::{StoreError, Transaction};
use crate::record::Fields;
use crate::units::Setting;
use crate::units::known::{holder, holders, reference_to, resolve};
use crate::units::partner_news::{Address, ByRecord, PostedEvent, ReadPost, key};

/// So many merges in a row are followed.
const MOST_MERGES: usize = 8;

/// Whatever makes two posts concern one record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    Record(RecordId),
    Identity(Identity),
}

/// The marks of a post.
pub(super) fn marks(plan: &MappingPlan, read: &ReadPost<'_>) -> Vec<Mark> {
    let mut marks = Vec::new();
    if let Address::Record(record) = read.post.address {
        marks.push(Mark::Record(record));
    }
    marks.extend(identities(plan, read).into_iter().map(Mark::Identity));
    marks
}

/// The record that a post is for.
pub(super) struct Addressed<'a> {
    /// Its link; none for a new record.
    pub linked: Option<&'a Linked>,
    /// Another link that holds a key or an identity of the post.
    pub holder: Option<Holder>,
    /// Whether the post named a record whose place another took. Its key stays with it, for whoever still uses it.
    pub succeeded: bool,
}

impl Addressed<'_> {
    /// The links that the post concerns.
    pub(super) fn links(&self) -> impl Iterator<Item = LinkId> {
        let own = self.linked.map(|linked| linked.link.id);
        own.into_iter().chain(self.holder.map(|holder| holder.link))
    }
}

/// The links behind a round of posts.
pub(super) struct Addresses {
    mapping: MappingId,
    identity: Option<String>,
    by_record: ByRecord,
    by_link: HashMap<LinkId, Linked>,
    by_salesforce: HashMap<SalesforceId, Linked>,
    holders: HashMap<Identity, LinkId>,
    /// Other links that hold by now what a deleted record was recognised by.
    usurpers: HashMap<LinkId, Holder>,
    /// Links of the records that references name.
    referred: ByRecord,
    /// sObjects by mapping.
    objects: HashMap<MappingId, String>,
}

impl Addresses {
    /// Reads the links behind posts.
    pub(super) fn of(
        tx: &mut dyn Transaction,
        setting: &Setting<'_>,
        posts: &[ReadPost<'_>],
    ) -> Result<Addresses, StoreError> {
        let (connection, mapping) = (setting.connection, setting.plan.mapping);
        let records: Vec<RecordId> = posts
            .iter()
            .filter_map(|read| match read.post.address {
                Address::Record(record) => Some(record),
                Address::Key(_) | Address::New => None,
            })
            .collect();
        let by_record = if records.is_empty() {
            HashMap::new()
        } else {
            tx.links_of(connection, &records)?
        };
        let identities: Vec<Identity> = posts
            .iter()
            .flat_map(|read| identities(setting.plan, read))
            .collect();
        let holders = if identities.is_empty() {
            HashMap::new()
        } else {
            tx.holders(connection, mapping, &identities)?
        };
        let holding: Vec<LinkId> = holders.values().copied().collect();
        let by_link = if holding.is_empty() {
            HashMap::new()
        } else {
            tx.links(connection, &holding)?
        };
        let mut addresses = Addresses {
            mapping,
            identity: setting
                .plan
                .identity
                .and_then(|id| setting.plan.field(id))
                .map(|field| field.partner.clone()),
            by_record,
            by_link,
            by_salesforce: HashMap::new(),
            holders,
            usurpers: HashMap::new(),
            referred: HashMap::new(),
            objects: HashMap::new(),
        };
        addresses.follow_merges(tx, setting)?;
        addresses.find_usurpers(tx, setting, posts)?;
        addresses.read_references(tx, setting, posts)?;
        let all = addresses
            .by_record
            .values_mut()
            .chain(addresses.by_link.values_mut())
            .chain(addresses.by_salesforce.values_mut());
        resolve(tx, connection, all)?;
        Ok(addresses)
    }

    /// The record that a post is for.
    ///
    /// # Errors
    /// The refusal of a post whose record cannot take it.
    pub(super) fn find(&self, read: &ReadPost<'_>) -> Result<Addressed<'_>, PartnerRefusal> {
        let value = self.value_identity(read);
        let by_value = value.as_ref().and_then(|identity| self.held_by(identity));
        let by_key = key(read.post).and_then(|key| self.held_by(&Identity::Key(key.to_owned())));
        let linked = match &read.post.address {
            Address::Record(record) => {
                let linked = self
                    .by_record
                    .get(record)
                    .filter(|linked| linked.mapping == self.mapping)
                    .ok_or_else(|| {
                        PartnerRefusal::of_record(
                            RefusalCode::NotFound,
                            format!(
                                "there is no record {record}; look up its id, or leave the id out to make it"
                            ),
                        )
                    })?;
                Some(linked)
            }
            Address::Key(key) => by_key.or_else(|| by_value.filter(|linked| takes_key(linked, Some(key)))),
            Address::New => {
                by_key.or_else(|| by_value.filter(|linked| takes_key(linked, read.post.key.as_deref())))
            }
        };
        let named = linked.map(|linked| linked.link.id);
        let linked = match linked {
            Some(linked) => Some(self.successor(read, linked)?),
            None => None,
        };
        let meant = linked.map(|linked| linked.link.id);
        let holding = [by_key, by_value]
            .into_iter()
            .flatten()
            .find(|holding| ![named, meant].contains(&Some(holding.link.id)));
        let usurper = linked.and_then(|linked| self.usurpers.get(&linked.link.id).copied());
        Ok(Addressed {
            linked,
            holder: usurper.or(holding.map(holder)),
            succeeded: named != meant,
        })
    }

    /// Values with the records that they name turned into what the link compares.
    ///
    /// # Errors
    /// A refusal for each reference that names no record which can be pointed to.
    pub(super) fn with_references(
        &self,
        plan: &MappingPlan,
        posted: &PostedFields,
    ) -> Result<Fields, Vec<PartnerRefusal>> {
        let unfit: Vec<PartnerRefusal> = posted
            .references
            .iter()
            .filter_map(|(name, record)| self.unfit(plan, name, *record))
            .collect();
        if !unfit.is_empty() {
            return Err(unfit);
        }
        posted.clone().resolve(|record| {
            let linked = self.referred.get(&record)?;
            Some(reference_to(record, Some(&linked.link)))
        })
    }

    fn unfit(&self, plan: &MappingPlan, name: &str, record: RecordId) -> Option<PartnerRefusal> {
        let linked = self.referred.get(&record)?;
        let field = plan.fields.iter().find(|field| field.partner == name);
        let message = if !self.may_name(field, linked) {
            format!("record {record} is of another kind than this field points to; name another, or null")
        } else if ended(linked) {
            format!("record {record} is deleted; name another, or null")
        } else {
            return None;
        };
        Some(PartnerRefusal::of_field(
            name,
            RefusalCode::ValueDoesNotFit,
            message,
        ))
    }

    fn may_name(&self, field: Option<&FieldPlan>, linked: &Linked) -> bool {
        let Some(field) = field else { return true };
        let targets = &field.salesforce.reference_to;
        targets.is_empty()
            || self
                .objects
                .get(&linked.mapping)
                .is_some_and(|object| targets.iter().any(|target| target == object))
    }

    fn held_by(&self, identity: &Identity) -> Option<&Linked> {
        self.by_link.get(self.holders.get(identity)?)
    }

    fn value_identity(&self, read: &ReadPost<'_>) -> Option<Identity> {
        value_identity(self.identity.as_deref(), read)
    }

    /// A merge moves edits to the record that survived. A delete of the other stays with it: the survivor lives.
    fn successor<'a>(
        &'a self,
        read: &ReadPost<'_>,
        linked: &'a Linked,
    ) -> Result<&'a Linked, PartnerRefusal> {
        let mut linked = linked;
        for _ in 0..MOST_MERGES {
            let into = match (&linked.link.status, &read.post.happened) {
                (LinkStatus::Merged { into }, PostedEvent::Upsert { .. }) => into,
                (LinkStatus::Merged { into }, PostedEvent::Undelete) => {
                    return Err(PartnerRefusal::of_record(
                        RefusalCode::Moved,
                        format!(
                            "the record was merged into the one of Salesforce record {into}; edit that one"
                        ),
                    ));
                }
                (LinkStatus::Converted { .. }, PostedEvent::Upsert { .. } | PostedEvent::Undelete) => {
                    return Err(PartnerRefusal::of_record(
                        RefusalCode::Moved,
                        "the record was converted in Salesforce; edit the record that took its place (supersededBy)"
                            .to_owned(),
                    ));
                }
                _ => return Ok(linked),
            };
            linked = self.by_salesforce.get(into).ok_or_else(|| {
                PartnerRefusal::of_record(
                    RefusalCode::TryAgain,
                    format!(
                        "the record was merged into the one of Salesforce record {into}, which has not come in yet; \
                         post again in a minute"
                    ),
                )
            })?;
        }
        Ok(linked)
    }

    fn follow_merges(&mut self, tx: &mut dyn Transaction, setting: &Setting<'_>) -> Result<(), StoreError> {
        for _ in 0..MOST_MERGES {
            let ahead: Vec<SalesforceId> = self
                .by_record
                .values()
                .chain(self.by_link.values())
                .chain(self.by_salesforce.values())
                .filter_map(|linked| match linked.link.status {
                    LinkStatus::Merged { into } if !self.by_salesforce.contains_key(&into) => Some(into),
                    _ => None,
                })
                .collect();
            if ahead.is_empty() {
                break;
            }
            let found = tx.linked(setting.connection, setting.plan.mapping, &ahead)?;
            if found.is_empty() {
                break;
            }
            self.by_salesforce.extend(found);
        }
        Ok(())
    }

    /// An undelete brings back what the record was recognised by; that may have gone to another meanwhile.
    fn find_usurpers(
        &mut self,
        tx: &mut dyn Transaction,
        setting: &Setting<'_>,
        posts: &[ReadPost<'_>],
    ) -> Result<(), StoreError> {
        let carried: Vec<(LinkId, Identity)> = posts
            .iter()
            .filter(|read| matches!(read.post.happened, PostedEvent::Undelete))
            .filter_map(|read| match read.post.address {
                Address::Record(record) => self.by_record.get(&record),
                Address::Key(_) | Address::New => None,
            })
            .filter_map(|linked| {
                let record = linked.record.as_ref()?;
                let identity = Identity::of_fields(setting.plan, &record.fields)?;
                Some((linked.link.id, identity))
            })
            .collect();
        self.usurpers = holders(tx, setting.connection, setting.plan.mapping, &carried)?
            .into_iter()
            .filter(|(link, holding)| holding.link.id != *link)
            .map(|(link, holding)| (link, holder(&holding)))
            .collect();
        Ok(())
    }

    fn read_references(
        &mut self,
        tx: &mut dyn Transaction,
        setting: &Setting<'_>,
        posts: &[ReadPost<'_>],
    ) -> Result<(), StoreError> {
        let mut records: Vec<RecordId> = posts
            .iter()
            .filter_map(|read| read.fields.as_ref().ok())
            .flat_map(|posted| posted.references.values().copied())
            .collect();
        records.sort_unstable();
        records.dedup();
        if records.is_empty() {
            return Ok(());
        }
        self.referred = tx.links_of(setting.connection, &records)?;
        self.objects = tx
            .plans(setting.connection)?
            .iter()
            .map(|plan| (plan.mapping, plan.salesforce_object.clone()))
            .collect();
        Ok(())
    }
}

/// Whether a record is not there to be named any more, on either side.
fn ended(linked: &Linked) -> bool {
    let deleted = linked
        .record
        .as_ref()
        .is_some_and(|record| record.presence == Presence::Deleted);
    let replaced = matches!(
        linked.link.status,
        LinkStatus::Merged { .. } | LinkStatus::Converted { .. }
    );
    matches!(linked.link.status, LinkStatus::Deleted | LinkStatus::Unlinked) || (deleted && !replaced)
}

/// Whether the record recognised by its value may be the one that the partner calls so.
fn takes_key(linked: &Linked, key: Option<&str>) -> bool {
    match &linked.record {
        Some(record) => record.key.is_none() || key.is_none() || record.key.as_deref() == key,
        None => false,
    }
}

/// What a post's record is recognised by.
pub(super) fn identities(plan: &MappingPlan, read: &ReadPost<'_>) -> Vec<Identity> {
    let field = plan.identity.and_then(|id| plan.field(id));
    key(read.post)
        .map(|key| Identity::Key(key.to_owned()))
        .into_iter()
        .chain(value_identity(field.map(|field| field.partner.as_str()), read))
        .collect()
}

fn value_identity(field: Option<&str>, read: &ReadPost<'_>) -> Option<Identity> {
    Identity::of_value(read.fields.as_ref().ok()?.fields.get(field?)?)
}

#[cfg(test)]
mod tests;
