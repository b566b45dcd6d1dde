//! What a partner posts, decided in the unit that receives it.

mod address;
mod log;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::Instant;
use crate::decide::partner::{
    PartnerDecision, PartnerRefusal, PostedFields, RefusalCode, decide, read_fields,
};
use crate::decide::{
    ChangeSource, Effects, HeldReason, Known, LinkStatus, Outcome, PartnerNews, PartnerNewsKind, RecordEffect,
};
use crate::id::{Position, RecordId};
use crate::ports::links::{Caused, Linked, Write, Written};
use crate::ports::{StoreError, Transaction};
use crate::units::Setting;
use crate::units::known::reserve_free;
use address::{Addressed, Addresses};

/// Whether records may be made, or must exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PostMode {
    /// Makes what does not exist and edits what does.
    #[default]
    Upsert,
    /// Refuses what exists.
    CreateOnly,
    /// Refuses what does not exist.
    UpdateOnly,
}

/// Which record a post is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// The record of this number.
    Record(RecordId),
    /// The record that the partner calls so, or a new one of that name.
    Key(String),
    /// A new one, unless the mapping's identity tells that it exists.
    New,
}

/// What one row of a request says of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerPost {
    /// The record.
    pub address: Address,
    /// The partner's own id to give to the record; with [`Address::Key`] the address is it.
    pub key: Option<String>,
    /// The post counts only while the record's latest state stands here in the feed.
    pub if_position: Option<Position>,
    /// When the partner says it happened.
    pub changed_at: Option<Instant>,
    /// What happened.
    pub happened: PostedEvent,
}

/// What a partner says happened to its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostedEvent {
    /// Made or edited.
    Upsert {
        /// Values as posted, by partner field; they are read under the plan in force.
        fields: Map<String, Value>,
        /// The owner, where given.
        owner: Option<String>,
    },
    /// Deleted.
    Delete,
    /// Not deleted after all.
    Undelete,
}

/// What became of a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostResult {
    /// The record, where there is one.
    pub record: Option<RecordId>,
    /// Where its latest state stands in the feed.
    pub position: Option<Position>,
    /// What happened.
    pub outcome: PostOutcome,
    /// Why the record waits for a person, where it does.
    pub held: Option<HeldReason>,
    /// Whether something may still have to be written to Salesforce.
    pub waiting: bool,
}

/// What a post led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostOutcome {
    /// A record was made.
    Created,
    /// The record changed, or what is known of its edits did.
    Updated,
    /// All of it was known already.
    Unchanged,
    /// The record was deleted.
    Deleted,
    /// A deleted record lives again.
    Restored,
    /// Nothing of the post was kept.
    Refused(Vec<PartnerRefusal>),
}

/// Decides on posts and writes what follows, with its log. Answers one result for each post, in order. A post for a
/// record that an earlier one made or changed sees what that one wrote.
///
/// # Errors
/// [`StoreError::Conflict`] when a link changed since it was read: the unit runs again.
pub fn receive(
    tx: &mut dyn Transaction,
    setting: &Setting<'_>,
    client: &str,
    mode: PostMode,
    posts: &[PartnerPost],
) -> Result<Vec<PostResult>, StoreError> {
    let mut results = Vec::with_capacity(posts.len());
    let mut rest = posts;
    while !rest.is_empty() {
        let read: Vec<ReadPost<'_>> = first_round(setting, rest);
        let round = Round {
            setting,
            client,
            mode,
        };
        let decided = round.run(tx, &read)?;
        let count = decided.len();
        results.extend(decided);
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(results)
}

/// A post with its values read.
struct ReadPost<'a> {
    post: &'a PartnerPost,
    fields: Result<PostedFields, Vec<PartnerRefusal>>,
}

/// Posts from the first on, up to one that names a record like a post before it.
fn first_round<'a>(setting: &Setting<'_>, posts: &'a [PartnerPost]) -> Vec<ReadPost<'a>> {
    let mut seen = HashSet::new();
    let mut round = Vec::with_capacity(posts.len());
    for post in posts {
        let fields = match &post.happened {
            PostedEvent::Upsert { fields, .. } => read_fields(setting.plan, fields),
            PostedEvent::Delete | PostedEvent::Undelete => Ok(PostedFields::default()),
        };
        let read = ReadPost { post, fields };
        let marks = address::marks(setting.plan, &read);
        if marks.iter().any(|mark| seen.contains(mark)) {
            break;
        }
        seen.extend(marks);
        round.push(read);
    }
    round
}

/// Posts that are decided together.
struct Round<'a> {
    setting: &'a Setting<'a>,
    client: &'a str,
    mode: PostMode,
}

/// A decided post, before it is written.
enum Decided {
    Refused(Vec<PartnerRefusal>),
    Unchanged,
    /// Its effects are at this place in the write.
    Apply(usize),
}

impl Round<'_> {
    /// Decides on posts from the first on, up to one whose record an earlier one is about.
    fn run(&self, tx: &mut dyn Transaction, posts: &[ReadPost<'_>]) -> Result<Vec<PostResult>, StoreError> {
        let setting = self.setting;
        let addresses = Addresses::of(tx, setting, posts)?;
        let mut caused: Vec<Caused> = Vec::with_capacity(posts.len());
        let mut decided = Vec::with_capacity(posts.len());
        let mut taken = HashSet::new();
        for read in posts {
            let addressed = addresses.find(read);
            if let Ok(addressed) = &addressed {
                // What an earlier post wrote of this record, or freed for it, is seen in the next round.
                if addressed.links().any(|link| taken.contains(&link)) {
                    break;
                }
                taken.extend(addressed.linked.map(|linked| linked.link.id));
            }
            let decision = match &addressed {
                Ok(addressed) => self.decide(tx, &addresses, read, addressed)?,
                Err(refusal) => PartnerDecision::Refuse(vec![refusal.clone()]),
            };
            let linked = addressed.ok().and_then(|addressed| addressed.linked);
            decided.push((
                linked,
                match decision {
                    PartnerDecision::Refuse(refusals) => Decided::Refused(refusals),
                    PartnerDecision::Unchanged => Decided::Unchanged,
                    PartnerDecision::Apply(effects) => self.push(&mut caused, *effects, None),
                    PartnerDecision::ApplyWithTombstone { effects, tombstone } => {
                        self.push(&mut caused, *effects, Some(*tombstone))
                    }
                },
            ));
        }
        reserve_free(tx, setting.connection, setting.plan.mapping, &mut caused)?;
        let written = if caused.is_empty() {
            Vec::new()
        } else {
            tx.apply(&Write {
                connection: setting.connection,
                mapping: setting.plan.mapping,
                partner_object: &setting.plan.partner_object,
                at: setting.at,
                lane: setting.lane,
                effects: &caused,
            })?
        };
        let mut results = Vec::with_capacity(decided.len());
        let mut entries = Vec::with_capacity(decided.len());
        for ((linked, decided), read) in decided.iter().zip(posts) {
            let effects = match decided {
                Decided::Apply(at) => caused
                    .get(*at)
                    .map(|caused| &caused.effects)
                    .zip(written.get(*at)),
                _ => None,
            };
            let result = self.result(tx, read.post, *linked, decided, effects)?;
            entries.extend(log::entry(
                setting,
                self.client,
                read.post,
                *linked,
                effects,
                &result,
            ));
            results.push(result);
        }
        if !entries.is_empty() {
            tx.append_logs(setting.connection, &entries)?;
        }
        Ok(results)
    }

    fn push(&self, caused: &mut Vec<Caused>, effects: Effects, tombstone: Option<Effects>) -> Decided {
        let at = caused.len();
        for effects in std::iter::once(effects).chain(tombstone) {
            caused.push(Caused {
                effects,
                source: ChangeSource::Partner {
                    client: self.client.to_owned(),
                },
            });
        }
        Decided::Apply(at)
    }

    fn decide(
        &self,
        tx: &mut dyn Transaction,
        addresses: &Addresses,
        read: &ReadPost<'_>,
        addressed: &Addressed<'_>,
    ) -> Result<PartnerDecision, StoreError> {
        let setting = self.setting;
        let fields = match &read.fields {
            Ok(posted) => addresses.with_references(setting.plan, posted),
            Err(refusals) => Err(refusals.clone()),
        };
        let fields = match fields {
            Ok(fields) => fields,
            Err(refusals) => return Ok(PartnerDecision::Refuse(refusals)),
        };
        if let Some(refusal) = self.unmet(tx, read.post, addressed)? {
            return Ok(PartnerDecision::Refuse(vec![refusal]));
        }
        let news = PartnerNews {
            kind: match &read.post.happened {
                PostedEvent::Upsert { owner, .. } => PartnerNewsKind::Upsert {
                    fields,
                    owner: owner.clone(),
                },
                PostedEvent::Delete => PartnerNewsKind::Delete,
                PostedEvent::Undelete => PartnerNewsKind::Undelete,
            },
            stated: read.post.changed_at.map(|at| at.min(setting.at)),
            received: setting.at,
            key: key(read.post).filter(|_| !addressed.succeeded).map(str::to_owned),
        };
        Ok(decide(
            Known {
                connection: setting.connection,
                plan: setting.plan,
                owners: setting.owners,
                link: addressed.linked.map(|linked| &linked.link),
                record: addressed.linked.and_then(|linked| linked.record.as_ref()),
                holder: addressed.holder,
            },
            &news,
        ))
    }

    /// What the request asks of the record's present state, where that does not hold.
    fn unmet(
        &self,
        tx: &mut dyn Transaction,
        post: &PartnerPost,
        addressed: &Addressed<'_>,
    ) -> Result<Option<PartnerRefusal>, StoreError> {
        let record = addressed.linked.and_then(|linked| linked.link.record);
        let upsert = matches!(post.happened, PostedEvent::Upsert { .. });
        match (self.mode, record) {
            (PostMode::CreateOnly, Some(record)) if upsert => {
                return Ok(Some(PartnerRefusal::of_record(
                    RefusalCode::Exists,
                    format!("record {record} exists already; post it with its id and mode upsert to edit it"),
                )));
            }
            (PostMode::UpdateOnly, None) if upsert => {
                return Ok(Some(PartnerRefusal::of_record(
                    RefusalCode::NotFound,
                    "there is no such record; post it with mode upsert to make it",
                )));
            }
            _ => {}
        }
        let Some(expected) = post.if_position else {
            return Ok(None);
        };
        let position = match record {
            Some(record) => position_of(tx, self.setting, record)?,
            None => None,
        };
        Ok((position != Some(expected)).then(|| {
            PartnerRefusal::of_record(
                RefusalCode::PreconditionFailed,
                format!(
                    "the record does not stand at position {expected} of the feed any more; read it again and post \
                     with its new position"
                ),
            )
        }))
    }

    fn result(
        &self,
        tx: &mut dyn Transaction,
        post: &PartnerPost,
        linked: Option<&Linked>,
        decided: &Decided,
        effects: Option<(&Effects, &Written)>,
    ) -> Result<PostResult, StoreError> {
        let known = linked.and_then(|linked| linked.link.record);
        let record = effects.and_then(|(_, written)| written.record).or(known);
        let position = match (effects.and_then(|(_, written)| written.position), record) {
            (Some(position), _) => Some(position),
            (None, Some(record)) => position_of(tx, self.setting, record)?,
            (None, None) => None,
        };
        let (status, outgoing) = match effects {
            Some((effects, _)) => (Some(&effects.link.status), Some(&effects.link.outgoing)),
            None => (
                linked.map(|linked| &linked.link.status),
                linked.map(|linked| &linked.link.outgoing),
            ),
        };
        Ok(PostResult {
            record,
            position,
            outcome: match (decided, effects) {
                (Decided::Refused(refusals), _) => PostOutcome::Refused(refusals.clone()),
                (Decided::Unchanged, _) | (Decided::Apply(_), None) => PostOutcome::Unchanged,
                (Decided::Apply(_), Some((effects, _))) => outcome(post, linked, effects),
            },
            held: match status {
                Some(LinkStatus::Held { reason }) => Some(reason.clone()),
                _ => None,
            },
            waiting: outgoing.is_some_and(|outgoing| outgoing.pending || outgoing.in_flight.is_some()),
        })
    }
}

fn outcome(post: &PartnerPost, linked: Option<&Linked>, effects: &Effects) -> PostOutcome {
    match (effects.outcome, &post.happened) {
        (Outcome::Created, _) => PostOutcome::Created,
        (Outcome::Restored, _) | (_, PostedEvent::Undelete) => PostOutcome::Restored,
        (Outcome::Deleted, _) | (_, PostedEvent::Delete) => PostOutcome::Deleted,
        (_, PostedEvent::Upsert { .. }) => {
            let before = linked.and_then(|linked| linked.record.as_ref());
            let same = match (&effects.record, before) {
                (Some(after), Some(before)) => same_to_partners(after, before),
                (after, _) => after.is_none(),
            };
            if same {
                PostOutcome::Unchanged
            } else {
                PostOutcome::Updated
            }
        }
    }
}

fn same_to_partners(after: &RecordEffect, before: &crate::decide::RecordState) -> bool {
    after.fields == before.fields
        && after.owner == before.owner
        && after.presence == before.presence
        && after.key == before.key
}

fn position_of(
    tx: &mut dyn Transaction,
    setting: &Setting<'_>,
    record: RecordId,
) -> Result<Option<Position>, StoreError> {
    let stored = tx.record(setting.connection, &setting.plan.partner_object, record)?;
    Ok(stored.map(|stored| stored.position))
}

/// The partner's own id that a post carries.
fn key(post: &PartnerPost) -> Option<&str> {
    match &post.address {
        Address::Key(key) => Some(key),
        Address::Record(_) | Address::New => post.key.as_deref(),
    }
}

/// Links by the records that posts name.
type ByRecord = HashMap<RecordId, Linked>;
