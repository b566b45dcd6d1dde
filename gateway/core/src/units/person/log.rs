//! What persons did, in the log.

use serde_json::{Map, Value, json};

use crate::Instant;
use crate::decide::{Effects, LinkStatus};
use crate::mapping::MappingPlan;
use crate::ports::links::Linked;
use crate::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use crate::units::record_log::value_json;

/// What a person asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// To try a held record again.
    Retry,
    /// To delete the other side's record too.
    DeleteToo,
    /// To leave the other side's record alone.
    Keep,
    /// To bring back a value that lost.
    Restore,
}

/// Who did what with which record, and what it was held for before.
pub(super) fn entry(
    plan: &MappingPlan,
    linked: &Linked,
    effects: &Effects,
    action: Action,
    client: &str,
    at: Instant,
) -> NewLogEntry {
    let (outcome, method) = match action {
        Action::Retry => ("retried", LogMethod::Put),
        Action::DeleteToo => ("deletedToo", LogMethod::Delete),
        Action::Keep => ("kept", LogMethod::Put),
        Action::Restore => ("restored", LogMethod::Put),
    };
    let held = match &linked.link.status {
        LinkStatus::Held { reason } => json!(reason),
        _ => Value::Null,
    };
    let mut data = Map::from_iter([
        ("outcome".to_owned(), json!(outcome)),
        ("source".to_owned(), json!({ "kind": "person", "client": client })),
        ("held".to_owned(), held),
    ]);
    if action == Action::Restore {
        data.insert("restored".to_owned(), restored(plan, effects));
    }
    NewLogEntry {
        at,
        direction: LogDirection::Outgoing,
        method,
        status: 200,
        object: plan.partner_object.clone(),
        salesforce_id: linked.link.salesforce_id,
        record: linked.link.record,
        run: None,
        data: Value::Object(data).to_string(),
        cause: String::new(),
    }
}

/// The partner's values before and after, by field.
fn restored(plan: &MappingPlan, effects: &Effects) -> Value {
    let changes = effects.history.iter().map(|change| {
        let name = plan
            .field(change.field)
            .map_or("owner", |field| field.partner.as_str());
        let values = json!({
            "before": change.partner_before.as_ref().map(value_json),
            "after": change.partner_after.as_ref().map(value_json),
        });
        (name.to_owned(), values)
    });
    Value::Object(changes.collect())
}
