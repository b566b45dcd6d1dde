//! Writes to Salesforce in the log.

use serde_json::{Map, Value, json};

use crate::Instant;
use crate::decide::write::WriteOutcome;
use crate::decide::{
    ChangeSource, Effects, Incoming, LinkState, LinkStatus, Outcome, SalesforceWrite, Snapshot, Target,
    WriteKind,
};
use crate::id::{FieldId, RecordId};
use crate::mapping::MappingPlan;
use crate::ports::links::Linked;
use crate::ports::logs::{LogDirection, LogMethod, NewLogEntry};
use crate::ports::outbox::OutgoingClaim;
use crate::units::outgoing::PUT_OFF;
use crate::units::outgoing::settle::Answer;
use crate::units::record_log::value_json;
use crate::units::{Setting, salesforce_news};

/// The answer to a write: exactly what was sent, and what Salesforce made of it.
pub(super) fn answer_entry(
    setting: &Setting<'_>,
    link: &LinkState,
    effects: Option<&Effects>,
    answer: &Answer,
) -> Option<NewLogEntry> {
    let write = &link.outgoing.in_flight.as_ref()?.write;
    let (word, status, cause) = match &answer.outcome {
        WriteOutcome::Stored { .. } => ("stored", stored_status(write.kind), String::new()),
        WriteOutcome::Refused {
            code,
            message,
            advice,
            ..
        } => (
            "refused",
            failed_status(answer.status, 422),
            format!("{code}: {message}. {advice}"),
        ),
        WriteOutcome::NotNow => (
            "notNow",
            failed_status(answer.status, 503),
            "Salesforce could not store it now; it is tried again".to_owned(),
        ),
        WriteOutcome::Unknown => (
            "unknown",
            failed_status(answer.status, 504),
            "whether it was stored is not known; the record is read before anything is written again"
                .to_owned(),
        ),
    };
    let stored = match &answer.read_back {
        Some(Target::Present(snapshot)) => stored_json(setting.plan, write, snapshot),
        Some(Target::Deleted { .. }) => json!({ "deleted": true }),
        _ => Value::Null,
    };
    let salesforce_id = match &answer.outcome {
        WriteOutcome::Stored { salesforce_id } => Some(*salesforce_id),
        _ => link.salesforce_id,
    };
    Some(NewLogEntry {
        salesforce_id,
        data: json!({
            "outcome": word,
            "sent": sent_json(setting.plan, write),
            "stored": stored,
            "held": held_json(effects),
        })
        .to_string(),
        cause,
        ..entry(setting, link, method(write.kind), status)
    })
}

/// What reading the record told of a write whose outcome was not known.
pub(super) fn read_back_entry(setting: &Setting<'_>, link: &LinkState, effects: &Effects) -> NewLogEntry {
    let write = link.outgoing.in_flight.as_ref().map(|in_flight| &in_flight.write);
    NewLogEntry {
        salesforce_id: effects.link.salesforce_id,
        data: json!({
            "outcome": "readBack",
            "sent": write.map(|write| sent_json(setting.plan, write)),
            "held": held_json(Some(effects)),
        })
        .to_string(),
        cause: held_cause(effects),
        ..entry(setting, link, LogMethod::Get, held_or(effects, 200))
    }
}

/// A record that is held since Salesforce refuses to look it up.
pub(super) fn unread_entry(setting: &Setting<'_>, link: &LinkState, effects: &Effects) -> NewLogEntry {
    NewLogEntry {
        data: json!({ "outcome": effects.outcome, "held": held_json(Some(effects)) }).to_string(),
        cause: held_cause(effects),
        ..entry(setting, link, LogMethod::Get, 422)
    }
}

/// What a target taught before anything was sent. None: nothing that the partner sees.
pub(super) fn merged_entry(
    setting: &Setting<'_>,
    effects: &Effects,
    target: &Target,
    linked: &Linked,
    record: Option<RecordId>,
) -> Option<NewLogEntry> {
    let silent = matches!(effects.outcome, Outcome::Confirmed) || effects.link.outgoing.in_flight.is_some();
    if silent && effects.record.is_none() {
        return None;
    }
    let source = ChangeSource::Write { at: setting.at };
    let incoming = match target {
        Target::Present(snapshot) => Some(Incoming::Present(snapshot.clone())),
        Target::Deleted {
            salesforce_id,
            version,
            merged,
        } => Some(Incoming::Deleted {
            salesforce_id: *salesforce_id,
            version: *version,
            merged: *merged,
            external_id: None,
        }),
        Target::Missing | Target::OutOfSight | Target::Ambiguous(_) => None,
    };
    let before = linked.record.as_ref();
    Some(match incoming {
        Some(incoming) => salesforce_news::log_entry(setting, &source, effects, &incoming, record, before),
        None => NewLogEntry {
            record,
            data: json!({
                "outcome": effects.outcome,
                "source": source,
                "held": held_json(Some(effects)),
            })
            .to_string(),
            cause: held_cause(effects),
            ..entry(setting, &linked.link, LogMethod::Put, held_or(effects, 200))
        },
    })
}

/// A head that is put off since its workers ended over it.
pub(super) fn abandoned_entry(
    plan: &MappingPlan,
    claim: &OutgoingClaim,
    link: &LinkState,
    at: Instant,
) -> NewLogEntry {
    NewLogEntry {
        at,
        direction: LogDirection::Outgoing,
        method: LogMethod::Put,
        status: 500,
        object: plan.partner_object.clone(),
        salesforce_id: link.salesforce_id,
        record: link.record,
        run: None,
        data: "{}".to_owned(),
        cause: format!(
            "the gateway ended {} times in a row while it wrote this record to Salesforce; the record is kept and \
             tried again in {} minutes. Tell whoever operates the gateway",
            claim.abandoned,
            PUT_OFF.as_secs() / 60
        ),
    }
}

fn entry(setting: &Setting<'_>, link: &LinkState, method: LogMethod, status: u16) -> NewLogEntry {
    NewLogEntry {
        at: setting.at,
        direction: LogDirection::Outgoing,
        method,
        status,
        object: setting.plan.partner_object.clone(),
        salesforce_id: link.salesforce_id,
        record: link.record,
        run: None,
        data: String::new(),
        cause: String::new(),
    }
}

fn method(kind: WriteKind) -> LogMethod {
    match kind {
        WriteKind::Create => LogMethod::Post,
        WriteKind::Update => LogMethod::Put,
        WriteKind::Delete => LogMethod::Delete,
    }
}

fn stored_status(kind: WriteKind) -> u16 {
    match kind {
        WriteKind::Create => 201,
        WriteKind::Update | WriteKind::Delete => 200,
    }
}

/// A failed row of an answer that succeeded as a whole has no status of its own.
fn failed_status(answered: u16, otherwise: u16) -> u16 {
    if answered >= 400 { answered } else { otherwise }
}

fn held_or(effects: &Effects, otherwise: u16) -> u16 {
    match effects.link.status {
        LinkStatus::Held { .. } => 422,
        _ => otherwise,
    }
}

fn held_json(effects: Option<&Effects>) -> Value {
    match effects.map(|effects| &effects.link.status) {
        Some(LinkStatus::Held { reason }) => json!(reason),
        _ => Value::Null,
    }
}

fn held_cause(effects: &Effects) -> String {
    match &effects.link.status {
        LinkStatus::Held { reason } => reason.summary(),
        _ => String::new(),
    }
}

fn sent_json(plan: &MappingPlan, write: &SalesforceWrite) -> Value {
    let beside = plan.account_beside().filter(|_| write.kind == WriteKind::Create);
    let values = write
        .values
        .iter()
        .map(|(field, value)| (name(plan, *field), value_json(value)))
        .chain(beside.map(|(name, account)| (name.to_owned(), json!(account))))
        .collect();
    Value::Object(values)
}

fn stored_json(plan: &MappingPlan, write: &SalesforceWrite, snapshot: &Snapshot) -> Value {
    let mut stored = Map::new();
    for field in write.values.keys() {
        let value = match plan.field(*field) {
            None => snapshot.owner.map(|owner| json!(owner)),
            Some(field) => snapshot.fields.get(&field.salesforce.name).map(value_json),
        };
        stored.extend(value.map(|value| (name(plan, *field), value)));
    }
    Value::Object(stored)
}

fn name(plan: &MappingPlan, field: FieldId) -> String {
    if field == FieldId::OWNER {
        return "OwnerId".to_owned();
    }
    plan.field(field)
        .map_or_else(|| field.0.to_string(), |field| field.salesforce.name.clone())
}
