//! Posts in the log.

use serde_json::{Map, Value, json};

use crate::decide::Effects;
use crate::ports::links::{Linked, Written};
use crate::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use crate::units::Setting;
use crate::units::partner_news::{PartnerPost, PostOutcome, PostResult, PostedEvent, key};
use crate::units::record_log::record_json;

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
        (_, PostOutcome::Unchanged) if effects.is_none_or(|(effects, _)| effects.history.is_empty()) => {
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
        _ => (200, held),
    };
    let before = linked.and_then(|linked| linked.record.as_ref());
    let data = json!({
        "outcome": outcome_word(&result.outcome),
        "source": { "kind": "partner", "client": client },
        "received": received_json(post),
        "before": before.map(|state| record_json(&state.fields, &state.owner, state.presence)),
        "after": effects
            .and_then(|(effects, _)| effects.record.as_ref())
            .map(|state| record_json(&state.fields, &state.owner, state.presence)),
        "held": result.held,
    });
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
