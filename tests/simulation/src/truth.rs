//! What really happened, told by nobody but the parties themselves: the oracle's memory of the partner's side.
//! Salesforce's side is the org's journal.

use causeway_core::Instant;
use causeway_core::id::RecordId;
use causeway_core::units::partner_news::{PartnerPost, PostOutcome, PostResult, PostedEvent};
use serde_json::Value as Json;

/// An edit that the gateway answered with success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerEdit {
    /// The record that the answer named.
    pub record: RecordId,
    /// The partner field; `owner` for the owner.
    pub field: String,
    /// The value.
    pub value: Json,
    /// When it counts as made: as stated, but never after receipt.
    pub at: Instant,
    /// When it came in.
    pub received: Instant,
    /// Order of receipt.
    pub serial: u64,
    /// Whether the partner stated the time.
    pub stated: bool,
}

/// A delete or an undelete that the gateway answered with success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartnerLife {
    /// The record.
    pub record: RecordId,
    /// Whether it was to be deleted.
    pub deleted: bool,
    /// When it came in.
    pub received: Instant,
    /// Order of receipt.
    pub serial: u64,
}

/// The partner's side of the truth.
#[derive(Debug, Default)]
pub struct Truth {
    /// Accepted edits, in order of receipt.
    pub edits: Vec<PartnerEdit>,
    /// Accepted deletes and undeletes, in order of receipt.
    pub lives: Vec<PartnerLife>,
    serial: u64,
}

impl Truth {
    /// Notes what was posted and what the gateway answered.
    pub fn note(&mut self, posts: &[PartnerPost], results: &[PostResult], received: Instant) {
        for (post, result) in posts.iter().zip(results) {
            let (Some(record), false) = (result.record, matches!(result.outcome, PostOutcome::Refused(_)))
            else {
                continue;
            };
            self.serial += 1;
            let serial = self.serial;
            let at = post.changed_at.map_or(received, |stated| stated.min(received));
            let edit = |field: &str, value: Json| PartnerEdit {
                record,
                field: field.to_owned(),
                value,
                at,
                received,
                serial,
                stated: post.changed_at.is_some(),
            };
            let life = |deleted| PartnerLife {
                record,
                deleted,
                received,
                serial,
            };
            match &post.happened {
                PostedEvent::Upsert { fields, owner } => {
                    self.edits
                        .extend(fields.iter().map(|(field, value)| edit(field, value.clone())));
                    self.edits.extend(
                        owner
                            .iter()
                            .map(|owner| edit("owner", Json::String(owner.clone()))),
                    );
                }
                PostedEvent::Delete => self.lives.push(life(true)),
                PostedEvent::Undelete => self.lives.push(life(false)),
            }
        }
    }

    /// The serial of the first accepted edit of a record.
    pub fn first_of(&self, record: RecordId) -> Option<u64> {
        let mut edits = self.edits.iter();
        edits.find(|edit| edit.record == record).map(|edit| edit.serial)
    }

    /// The accepted edits of one field.
    pub fn edits_of(&self, record: RecordId, field: &str) -> Vec<&PartnerEdit> {
        let edits = self.edits.iter();
        edits
            .filter(|edit| edit.record == record && edit.field == field)
            .collect()
    }
}
