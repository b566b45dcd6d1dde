//! Posts in the log.

use serde_json::{Map, Value, json};

use crate::decide::{Effects, Presence, RecordEffect, RecordState};
use crate::ports::links::{Linked, Written};
use crate::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use crate::record::Fields;
use crate::units::Setting;
use crate::units::partner_news::{PartnerPost, PostOutcome, PostResult, PostedEvent, key};
use crate::units::record_log::value_json;

/// The entry of a post; none where nothing came of it. An edit that was reverted at once is told of.
pub(super) fn entry(
    setting: &Setting<'_>,
    client: &str,
    post: &PartnerPost,
    linked: Option<&Linked>,
    effects: Option<(&Effects, &Written)>,
    result: &PostResult,
) -> Option<NewLogEntry> {
    let method = match (&post.happened, &result.outcome) {
        (_, PostOutcome::Unchanged)
            if result.note.is_none() && effects.is_none_or(|(effects, _)| effects.history.is_empty()) =>
        {
            return None;
        }
        (PostedEvent::Delete, _) => LogMethod::Delete,
        (PostedEvent::Undelete, _) => LogMethod::Put,
        (PostedEvent::Upsert { .. }, _) if result.record.is_some() && linked.is_some() => LogMethod::Put,
        (PostedEvent::Upsert { .. }, _) => LogMethod::Post,
    };
    let held = result
        .held
        .as_ref()
        .map(|reason| reason.summary())
        .unwrap_or_default();
    let (status, cause) = match &result.outcome {
        PostOutcome::Refused(refusals) => (
            422,
            refusals
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        PostOutcome::Created => (201, held),
        _ => (200, result.note.clone().unwrap_or(held)),
    };
    let mut data = json!({
        "outcome": outcome_word(&result.outcome),
        "source": { "kind": "partner", "client": client },
    });
    if let (Some(data), false) = (
        data.as_object_mut(),
        matches!(result.outcome, PostOutcome::Refused(_)),
    ) {
        let before = linked.and_then(|linked| linked.record.as_ref());
        let after = effects.and_then(|(effects, _)| effects.record.as_ref());
        data.insert("received".to_owned(), received_json(post));
        data.extend(changed_json(before, after));
        data.insert("held".to_owned(), json!(result.held));
    }
    Some(NewLogEntry {
        at: setting.at,
        direction: LogDirection::Outgoing,
        method,
        status,
        object: setting.plan.partner_object.clone(),
        salesforce_id: linked.and_then(|linked| linked.link.salesforce_id),
        record: result.record,
        run: None,
        data: data.to_string(),
        cause,
    })
}

/// What was and what is, of that alone which changed.
fn changed_json(before: Option<&RecordState>, after: Option<&RecordEffect>) -> Map<String, Value> {
    let was = before.map(|state| Shown {
        fields: &state.fields,
        owner: &state.owner,
        presence: state.presence,
    });
    let is = after.map(|state| Shown {
        fields: &state.fields,
        owner: &state.owner,
        presence: state.presence,
    });
    let (was, is) = match (was, is) {
        (Some(_), None) => (Value::Null, Value::Null),
        (was, is) => (
            was.map_or(Value::Null, |state| state.but(is)),
            is.map_or(Value::Null, |state| state.but(was)),
        ),
    };
    Map::from_iter([("before".to_owned(), was), ("after".to_owned(), is)])
}

/// A state of a record.
#[derive(Clone, Copy)]
struct Shown<'a> {
    fields: &'a Fields,
    owner: &'a str,
    presence: Presence,
}

impl Shown<'_> {
    /// What is not so in the other state.
    fn but(&self, other: Option<Shown<'_>>) -> Value {
        let fields: Map<String, Value> = self
            .fields
            .iter()
            .filter(|(name, value)| other.is_none_or(|other| other.fields.get(*name) != Some(*value)))
            .map(|(name, value)| (name.clone(), value_json(value)))
            .collect();
        let mut shown = Map::from_iter([("fields".to_owned(), Value::Object(fields))]);
        if other.is_none_or(|other| other.owner != self.owner) {
            shown.insert("owner".to_owned(), json!(self.owner));
        }
        if other.is_none_or(|other| other.presence != self.presence) {
            shown.insert("presence".to_owned(), json!(self.presence));
        }
        Value::Object(shown)
    }
}

fn outcome_word(outcome: &PostOutcome) -> &'static str {
    match outcome {
        PostOutcome::Created => "created",
        PostOutcome::Updated => "updated",
        PostOutcome::Unchanged => "unchanged",
        PostOutcome::Deleted => "deleted",
        PostOutcome::Restored => "restored",
        PostOutcome::Refused(_) => "refused",
    }
}

fn received_json(post: &PartnerPost) -> Value {
    let mut received = Map::new();
    match &post.happened {
        PostedEvent::Upsert { fields, owner } => {
            received.insert("fields".to_owned(), Value::Object(fields.clone()));
            if let Some(owner) = owner {
                received.insert("owner".to_owned(), json!(owner));
            }
        }
        PostedEvent::Delete => {
            received.insert("deleted".to_owned(), json!(true));
        }
        PostedEvent::Undelete => {
            received.insert("deleted".to_owned(), json!(false));
        }
    }
    if let Some(key) = key(post) {
        received.insert("key".to_owned(), json!(key));
    }
    if let Some(at) = post.changed_at {
        received.insert("changedAt".to_owned(), json!(at));
    }
    Value::Object(received)
}
