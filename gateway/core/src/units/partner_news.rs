//! What a partner posts, decided in the unit that receives it.

mod address;
mod log;
mod positions;
mod rounds;

use std::collections::{HashMap, HashSet};

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use crate::Instant;
use crate::decide::partner::{
    PartnerDecision, PartnerRefusal, PostedFields, RefusalCode, decide, read_fields,
};
use crate::decide::{
    ChangeSource, Effects, HeldReason, Identity, Known, LinkStatus, Outcome, PartnerNews, PartnerNewsKind,
    RecordEffect,
};
use crate::id::{Position, RecordId};
use crate::ports::links::{Caused, Linked, Write, Written};
use crate::ports::{StoreError, Transaction};
use crate::units::Setting;
use crate::units::known::reserve_free;
use address::{Addressed, Addresses};
use positions::Positions;
use rounds::{MOST_BYTES, in_rounds, weight};

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
    /// Why nothing came of a post that was well formed, where that may surprise.
    pub note: Option<String>,
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
    let round = Round {
        setting,
        client,
        mode,
    };
    in_rounds(posts, |posts| {
        let decided = round.run(tx, &first_round(setting, posts))?;
        let count = decided.len();
        results.extend(decided);
        Ok::<usize, StoreError>(count)
    })?;
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
    /// It came too late to count.
    Outdated(Instant),
    /// Its effects are at this place in the write.
    Apply(usize),
}

impl Round<'_> {
    /// Decides on posts from the first on, up to one whose record an earlier one is about, or until enough values are
    /// at hand.
    fn run(&self, tx: &mut dyn Transaction, posts: &[ReadPost<'_>]) -> Result<Vec<PostResult>, StoreError> {
        let setting = self.setting;
        let addresses = Addresses::of(tx, setting, posts)?;
        let mut positions = Positions::default();
        let conditional = posts.iter().filter(|read| read.post.if_position.is_some());
        let conditional = conditional.filter_map(|read| addresses.find(read).ok()?.linked?.link.record);
        positions.read(tx, setting, conditional)?;
        let mut caused: Vec<Caused> = Vec::with_capacity(posts.len());
        let mut decided: Vec<(Option<&Linked>, Decided)> = Vec::with_capacity(posts.len());
        let mut taken = HashSet::new();
        let mut reserved: HashSet<Identity> = HashSet::new();
        let mut at_hand = 0;
        for read in posts {
            let addressed = addresses.find(read);
            if let Ok(addressed) = &addressed {
                // What an earlier post wrote of this record, or freed or took of what it is recognised by, is seen in
                // the next round.
                let met = addressed.links().any(|link| taken.contains(&link))
                    || address::identities(setting.plan, read)
                        .iter()
                        .any(|identity| reserved.contains(identity));
                if met || at_hand > MOST_BYTES {
                    break;
                }
                taken.extend(addressed.linked.map(|linked| linked.link.id));
                at_hand += weight(read, addressed.linked);
            }
            let decision = match &addressed {
                Ok(addressed) => self.decide(&addresses, &positions, read, addressed),
                Err(refusal) => PartnerDecision::Refuse(vec![refusal.clone()]),
            };
            let linked = addressed.ok().and_then(|addressed| addressed.linked);
            decided.push((
                linked,
                match decision {
                    PartnerDecision::Refuse(refusals) => Decided::Refused(refusals),
                    PartnerDecision::Unchanged => Decided::Unchanged,
                    PartnerDecision::Outdated { newest } => Decided::Outdated(newest),
                    PartnerDecision::Apply(effects) => {
                        reserved.extend(effects.link.reserve.iter().cloned());
                        self.push(&mut caused, *effects, None)
                    }
                    PartnerDecision::ApplyWithTombstone { effects, tombstone } => {
                        reserved.extend(effects.link.reserve.iter().cloned());
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
        let effects_of = |decided: &Decided| match decided {
            Decided::Apply(at) => caused
                .get(*at)
                .map(|caused| &caused.effects)
                .zip(written.get(*at)),
            _ => None,
        };
        let unwritten = decided.iter().filter_map(|(linked, decided)| {
            let written = effects_of(decided).and_then(|(_, written)| written.position);
            linked.filter(|_| written.is_none())?.link.record
        });
        positions.read(tx, setting, unwritten)?;
        let mut results = Vec::with_capacity(decided.len());
        let mut entries = Vec::with_capacity(decided.len());
        for ((linked, decided), read) in decided.iter().zip(posts) {
            let effects = effects_of(decided);
            let result = result(&positions, read.post, *linked, decided, effects);
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
                saved_by: None,
            });
        }
        Decided::Apply(at)
    }

    fn decide(
        &self,
        addresses: &Addresses,
        positions: &Positions,
        read: &ReadPost<'_>,
        addressed: &Addressed<'_>,
    ) -> PartnerDecision {
        let setting = self.setting;
        let fields = match &read.fields {
            Ok(posted) => addresses.with_references(setting.plan, posted),
            Err(refusals) => Err(refusals.clone()),
        };
        let fields = match fields {
            Ok(fields) => fields,
            Err(refusals) => return PartnerDecision::Refuse(refusals),
        };
        if let Some(refusal) = self.unmet(positions, read.post, addressed) {
            return PartnerDecision::Refuse(vec![refusal]);
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
        decide(
            Known {
                connection: setting.connection,
                plan: setting.plan,
                owners: setting.owners,
                link: addressed.linked.map(|linked| &linked.link),
                record: addressed.linked.and_then(|linked| linked.record.as_ref()),
                holder: addressed.holder,
            },
            &news,
        )
    }

    /// What the request asks of the record's present state, where that does not hold.
    fn unmet(
        &self,
        positions: &Positions,
        post: &PartnerPost,
        addressed: &Addressed<'_>,
    ) -> Option<PartnerRefusal> {
        let record = addressed.linked.and_then(|linked| linked.link.record);
        let upsert = matches!(post.happened, PostedEvent::Upsert { .. });
        match (self.mode, record) {
            (PostMode::CreateOnly, Some(record)) if upsert => {
                return Some(PartnerRefusal::of_record(
                    RefusalCode::Exists,
                    format!("record {record} exists already; post it with its id and mode upsert to edit it"),
                ));
            }
            (PostMode::UpdateOnly, None) if upsert => {
                return Some(PartnerRefusal::of_record(
                    RefusalCode::NotFound,
                    "there is no such record; post it with mode upsert to make it",
                ));
            }
            _ => {}
        }
        let expected = post.if_position?;
        let position = record.and_then(|record| positions.of(record));
        (position != Some(expected)).then(|| {
            PartnerRefusal::of_record(
                RefusalCode::PreconditionFailed,
                format!(
                    "the record does not stand at position {expected} of the feed any more; read it again and post \
                     with its new position"
                ),
            )
        })
    }
}

fn result(
    positions: &Positions,
    post: &PartnerPost,
    linked: Option<&Linked>,
    decided: &Decided,
    effects: Option<(&Effects, &Written)>,
) -> PostResult {
    let known = linked.and_then(|linked| linked.link.record);
    let record = effects.and_then(|(_, written)| written.record).or(known);
    let written = effects.and_then(|(_, written)| written.position);
    let (status, outgoing) = match effects {
        Some((effects, _)) => (Some(&effects.link.status), Some(&effects.link.outgoing)),
        None => (
            linked.map(|linked| &linked.link.status),
            linked.map(|linked| &linked.link.outgoing),
        ),
    };
    PostResult {
        record,
        position: written.or_else(|| positions.of(record?)),
        outcome: match (decided, effects) {
            (Decided::Refused(refusals), _) => PostOutcome::Refused(refusals.clone()),
            (Decided::Unchanged | Decided::Outdated(_), _) | (Decided::Apply(_), None) => {
                PostOutcome::Unchanged
            }
            (Decided::Apply(_), Some((effects, _))) => outcome(post, linked, effects),
        },
        note: match decided {
            Decided::Outdated(newest) => Some(format!(
                "the record was edited at {}, after it was deleted by `changedAt`, so it stays; delete it with a later \
                 `changedAt`, or with none",
                newest.to_rfc3339_opts(SecondsFormat::AutoSi, true)
            )),
            _ => None,
        },
        held: match status {
            Some(LinkStatus::Held { reason }) => Some(reason.clone()),
            _ => None,
        },
        waiting: outgoing.is_some_and(|outgoing| outgoing.pending || outgoing.in_flight.is_some()),
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

/// The partner's own id that a post carries.
fn key(post: &PartnerPost) -> Option<&str> {
    match &post.address {
        Address::Key(key) => Some(key),
        Address::Record(_) | Address::New => post.key.as_deref(),
    }
}

/// Links by the records that posts name.
type ByRecord = HashMap<RecordId, Linked>;
