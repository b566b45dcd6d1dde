//! Receiving changes that the Salesforce package pushes.

use std::borrow::Cow;

use causeway_core::Instant;
use causeway_core::id::{ConnectionId, SalesforceId};
use causeway_core::mapping::literal;
use causeway_core::ports::inbox::{ChangeKind, IdempotencyKey, ReceivedChange, SavedAnswer};
use causeway_core::ports::{Lane, StoreError};
use causeway_core::version::SalesforceVersion;
use chrono::{SecondsFormat, TimeDelta};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::failpoint;
use crate::json::{JsonText, Kind};

/// Changes that one request may carry at most.
pub const MAX_CHANGES: usize = 1_000;

/// How far the org's clock may go ahead of the gateway's. A version further ahead would outdate all true news of its
/// record until then.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// Characters of a wrong value that are shown.
const SHOWN: usize = 60;

/// HTTP status of a first answer that is saved with its idempotency key.
const ACCEPTED: u16 = 202;

/// A posted batch. Its rows are still text, so that one that makes no sense is refused alone.
#[derive(Debug)]
pub struct Posted {
    /// Connection whose client posted it.
    pub connection: ConnectionId,
    /// Client that posted it.
    pub client: String,
    /// The org that the package says it runs in, 15 or 18 characters.
    pub organization: String,
    /// The rows, each the JSON text of one change.
    pub changes: Vec<String>,
    /// Makes the request safe to repeat.
    pub idempotency: Option<Idempotency>,
}

/// Names a request and what it carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// Client, route and key.
    pub key: IdempotencyKey,
    /// SHA-256 of the request's body as received.
    pub body_hash: [u8; 32],
}

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// Rows that are durable in the inbox and will be processed.
    pub accepted: usize,
    /// Rows that were refused.
    pub rejected: usize,
    /// One for each row, in the order posted.
    pub results: Vec<RowResult>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowResult {
    /// The Salesforce id as posted; empty where the row has none.
    pub id: String,
    /// Accepted or rejected.
    pub status: RowStatus,
    /// What is wrong with a rejected row, naming the field and the way out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Accepted or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowStatus {
    /// Durable in the inbox.
    Accepted,
    /// Refused; sending the same again is refused again.
    Rejected,
}

/// Why a batch is refused as a whole. Nothing of it was received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// Too many rows.
    #[error(
        "{count} changes in one request; at most {MAX_CHANGES} are taken, send the rest in further requests"
    )]
    TooMany {
        /// Rows posted.
        count: usize,
    },
    /// The org is not the one this connection is linked with.
    #[error("organization {organization} is not the one that this connection is linked with")]
    OtherOrganization {
        /// Organization as posted.
        organization: String,
    },
    /// The idempotency key was used for another body.
    #[error("this idempotency key was used for another request body; use a new key for each new request")]
    KeyReused,
    /// The connection does not exist any more.
    #[error("the connection does not exist")]
    NoConnection,
    /// The store failed.
    #[error("the changes could not be stored")]
    Store(#[from] StoreError),
}

/// A row as the package posts it.
#[derive(Debug, Default)]
struct PostedChange<'a> {
    object: Option<JsonText<'a>>,
    operation: Option<JsonText<'a>>,
    id: Option<JsonText<'a>>,
    system_modstamp: Option<JsonText<'a>>,
    observed_at: Option<JsonText<'a>>,
    fields: Option<JsonText<'a>>,
}

/// What a unit of receiving ended with.
#[derive(Debug)]
enum Stored {
    New,
    Seen(SavedAnswer),
}

/// Appends a batch to the inbox. When this answers, accepted rows are durable and will be processed.
///
/// # Errors
/// [`ReceiveError`]; nothing was received then.
pub async fn receive_changes(app: &App, posted: Posted) -> Result<Received, ReceiveError> {
    if posted.changes.len() > MAX_CHANGES {
        return Err(ReceiveError::TooMany {
            count: posted.changes.len(),
        });
    }
    let connection = posted.connection;
    let (known, plans) = app
        .store
        .read(move |tx| Ok((tx.connection(connection)?, tx.plans(connection)?)))
        .await?;
    let known = known.ok_or(ReceiveError::NoConnection)?;
    check_organization(known.organization, &posted.organization)?;

    let at = app.clock.now();
    let objects: Vec<&str> = plans.iter().map(|plan| plan.salesforce_object.as_str()).collect();
    let mut changes = Vec::with_capacity(posted.changes.len());
    let mut received = Received {
        accepted: 0,
        rejected: 0,
        results: Vec::with_capacity(posted.changes.len()),
    };
    for row in &posted.changes {
        received
            .results
            .push(match parse(row, &objects, &posted.client, at) {
                Ok(change) => {
                    received.accepted += 1;
                    let id = change.salesforce_id.to_string();
                    changes.push(change);
                    RowResult {
                        id,
                        status: RowStatus::Accepted,
                        problem: None,
                    }
                }
                Err(Refusal { id, problem }) => {
                    received.rejected += 1;
                    RowResult {
                        id,
                        status: RowStatus::Rejected,
                        problem: Some(problem),
                    }
                }
            });
    }

    let answer = match posted.idempotency {
        None => None,
        Some(idempotency) => {
            let saved = SavedAnswer {
                body_hash: idempotency.body_hash,
                status: ACCEPTED,
                body: serde_json::to_string(&received).map_err(|error| unusable_answer(&error))?,
            };
            Some((idempotency.key, saved))
        }
    };
    let expected_hash = answer.as_ref().map(|(_, saved)| saved.body_hash);
    let stored = app
        .store
        .write(Lane::Interactive, move |tx| {
            if let Some((key, _)) = &answer
                && let Some(seen) = tx.answered(key)?
            {
                return Ok(Stored::Seen(seen));
            }
            // The connection's numbers are locked before the key, as in every unit: two gateways that take the same
            // request at once then wait for each other in one order.
            tx.receive(connection, &changes, Lane::Interactive, at)?;
            if let Some((key, saved)) = &answer {
                tx.save_answer(key, saved, at)?;
            }
            Ok(Stored::New)
        })
        .await?;
    match stored {
        Stored::New => {
            failpoint::reached("push.received");
            app.inbox_bell.notify_one();
            Ok(received)
        }
        Stored::Seen(first) if Some(first.body_hash) == expected_hash => {
            serde_json::from_str(&first.body).map_err(|error| unusable_answer(&error))
        }
        Stored::Seen(_) => Err(ReceiveError::KeyReused),
    }
}

fn unusable_answer(error: &serde_json::Error) -> ReceiveError {
    ReceiveError::Store(StoreError::Corrupt {
        detail: format!("saved answer of an idempotency key: {error}"),
    })
}

fn check_organization(known: Option<SalesforceId>, posted: &str) -> Result<(), ReceiveError> {
    let mismatch = || ReceiveError::OtherOrganization {
        organization: posted.chars().take(18).collect(),
    };
    let posted_id = SalesforceId::parse(posted).map_err(|_invalid| mismatch())?;
    match known {
        Some(known) if known != posted_id => Err(mismatch()),
        // Before the gateway's first call to the org nothing is known to compare with; the token alone speaks then.
        _ => Ok(()),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    id: String,
    problem: String,
}

fn parse(row: &str, objects: &[&str], client: &str, now: Instant) -> Result<ReceivedChange, Refusal> {
    let members = JsonText::parse(row).ok().and_then(JsonText::members);
    let members = members.ok_or_else(|| Refusal {
        id: String::new(),
        problem: "this change is no JSON object; send one of the documented form".to_owned(),
    })?;
    let mut posted = PostedChange::default();
    for (name, value) in members {
        match name.as_ref() {
            "object" => posted.object = Some(value),
            "operation" => posted.operation = Some(value),
            "id" => posted.id = Some(value),
            "systemModstamp" => posted.system_modstamp = Some(value),
            "observedAt" => posted.observed_at = Some(value),
            "fields" => posted.fields = Some(value),
            _ => {}
        }
    }
    parse_change(&posted, objects, client, now).map_err(|problem| {
        let id = posted.id.and_then(JsonText::text).unwrap_or_default();
        Refusal {
            id: id.chars().take(18).collect(),
            problem,
        }
    })
}

fn parse_change(
    posted: &PostedChange<'_>,
    objects: &[&str],
    client: &str,
    now: Instant,
) -> Result<ReceivedChange, String> {
    let object = required("object", posted.object)?;
    let object = objects
        .iter()
        .find(|mapped| mapped.eq_ignore_ascii_case(&object))
        .ok_or_else(|| {
            format!(
                "object: {:?} is not mapped; add an object mapping for it, or take its trigger out",
                shown(&object)
            )
        })?;
    let salesforce_id =
        SalesforceId::parse(&required("id", posted.id)?).map_err(|error| format!("id: {error}"))?;
    let operation = required("operation", posted.operation)?;
    let kind = match operation.as_ref() {
        "create" | "update" | "undelete" => ChangeKind::Upsert,
        "delete" => ChangeKind::Delete,
        other => {
            return Err(format!(
                "operation: {:?} is none of create, update, undelete, delete",
                shown(other)
            ));
        }
    };
    let version = SalesforceVersion {
        modstamp: stamp("systemModstamp", posted.system_modstamp)?,
        observed: stamp("observedAt", posted.observed_at)?,
    };
    check_version(version, now)?;
    let fields = match (kind, given(posted.fields)) {
        (_, Some(fields)) => {
            check_fields(fields)?;
            fields.as_str().to_owned()
        }
        (ChangeKind::Delete, None) => "{}".to_owned(),
        (ChangeKind::Upsert, None) => {
            return Err("fields: missing; send the record's captured fields as they are now".to_owned());
        }
    };
    Ok(ReceivedChange {
        object: (*object).to_owned(),
        salesforce_id,
        kind,
        version,
        fields,
        source: client.to_owned(),
    })
}

/// Refuses moments that cannot be: taken as they are, they would make the record deaf to all later news.
fn check_version(version: SalesforceVersion, now: Instant) -> Result<(), String> {
    let written = |moment: Instant| moment.to_rfc3339_opts(SecondsFormat::Millis, true);
    if version.modstamp > version.observed {
        return Err(format!(
            "systemModstamp: {} is later than observedAt, {}; send the stamp that the record had when it was read",
            written(version.modstamp),
            written(version.observed)
        ));
    }
    if version.observed > now + AHEAD {
        return Err(format!(
            "observedAt: {} lies more than {} minutes ahead of the gateway's clock, which shows {}; send the moment \
             at which the record was read, or have the gateway's clock set right",
            written(version.observed),
            AHEAD.num_minutes(),
            written(now)
        ));
    }
    Ok(())
}

/// Every value must be one that a field of a record can have, so that what the worker finds later makes sense.
fn check_fields(fields: JsonText<'_>) -> Result<(), String> {
    let members = fields
        .members()
        .ok_or("fields: must be an object with the field values")?;
    for (name, value) in members {
        let is_api_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
        if name.is_empty() || !name.bytes().all(is_api_name) {
            return Err(format!(
                "fields: {:?} is no field's API name, which has letters, digits and `_`",
                shown(&name)
            ));
        }
        let wrong = match value.kind() {
            Kind::Null | Kind::Boolean | Kind::Number => continue,
            Kind::List | Kind::Object => {
                "holds a list or an object; send a text, a number, true, false or null"
            }
            Kind::Text => match value.text() {
                Some(text) if text.contains('\0') => {
                    "holds the character U+0000, which no text of Salesforce has; leave it out"
                }
                Some(_) => continue,
                None => "holds half of a character (a lone surrogate); leave it out",
            },
        };
        return Err(format!("fields.{}: {wrong}", shown(&name)));
    }
    Ok(())
}

/// A member that is there. Null counts as not given.
fn given(value: Option<JsonText<'_>>) -> Option<JsonText<'_>> {
    value.filter(|value| value.kind() != Kind::Null)
}

fn required<'a>(name: &str, value: Option<JsonText<'a>>) -> Result<Cow<'a, str>, String> {
    let value = given(value).ok_or_else(|| format!("{name}: missing"))?;
    match value.text() {
        Some(text) if text.is_empty() => Err(format!("{name}: missing")),
        Some(text) => Ok(text),
        None => Err(format!("{name}: must be a text")),
    }
}

fn stamp(name: &str, value: Option<JsonText<'_>>) -> Result<Instant, String> {
    let text = required(name, value)?;
    literal::date_time(&text).ok_or_else(|| {
        format!(
            "{name}: {:?} is no moment; write 2026-11-22T06:04:37.000Z",
            shown(&text)
        )
    })
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"object":"contact","operation":"update","id":"003ZM000001n4n5","systemModstamp":"2026-11-22T06:04:37.000+0000","observedAt":"2026-11-22T06:04:38.500Z","changedFields":["Email"],"fields":{"LastName":"Ng","Amount__c":1100.040}}"#;

    fn now() -> Instant {
        literal::date_time("2026-11-22T06:05:00.000Z").unwrap()
    }

    fn parse_text(text: &str) -> Result<ReceivedChange, Refusal> {
        parse(text, &["Account", "Contact"], "pump", now())
    }

    #[test]
    fn a_row_keeps_its_fields_letter_for_letter() {
        let change = parse_text(ROW).unwrap();
        assert_eq!(change.object, "Contact");
        assert_eq!(change.kind, ChangeKind::Upsert);
        assert_eq!(change.fields, r#"{"LastName":"Ng","Amount__c":1100.040}"#);
        assert_eq!(
            change.version.observed - change.version.modstamp,
            chrono::TimeDelta::milliseconds(1_500)
        );
    }

    #[test]
    fn every_bad_row_is_refused_by_the_name_of_its_field() {
        for (from, to, field) in [
            ("\"contact\"", "\"Lead\"", "object"),
            ("\"contact\"", "\"\"", "object"),
            ("\"update\"", "\"upsert\"", "operation"),
            ("003ZM000001n4n5", "003ZM000001n4", "id"),
            ("003ZM000001n4n5", "003zm000001n4n5YAA", "id"),
            ("2026-11-22T06:04:37.000+0000", "yesterday", "systemModstamp"),
            ("2026-11-22T06:04:38.500Z", "2026-11-22", "observedAt"),
            ("\"003ZM000001n4n5\"", "7", "id"),
            (
                "2026-11-22T06:04:37.000+0000",
                "2026-11-22T06:04:39.000+0000",
                "systemModstamp",
            ),
            (
                "2026-11-22T06:04:38.500Z",
                "2026-11-22T06:10:00.001Z",
                "observedAt",
            ),
            ("\"Ng\"", "\"N\\u0000g\"", "fields.LastName"),
            ("\"Ng\"", "\"\\ud800\"", "fields.LastName"),
            ("\"Ng\"", "[\"Ng\"]", "fields.LastName"),
            (
                "1100.040",
                "{\"$serde_json::private::Number\":\"1\"}",
                "fields.Amount__c",
            ),
            ("LastName", "$serde_json::private::RawValue", "fields"),
            ("LastName", "Last\\u0000Name", "fields"),
            ("{\"LastName\":\"Ng\",\"Amount__c\":1100.040}", "[1]", "fields"),
            (
                ",\"fields\":{\"LastName\":\"Ng\",\"Amount__c\":1100.040}",
                "",
                "fields",
            ),
        ] {
            let text = ROW.replace(from, to);
            assert_ne!(text, ROW, "{from} is not in the row");
            let refusal = parse_text(&text).unwrap_err();
            assert!(
                refusal.problem.starts_with(&format!("{field}: ")),
                "{field}: {}",
                refusal.problem
            );
        }
    }

    #[test]
    fn an_org_clock_may_be_a_little_ahead() {
        let text = ROW.replace("2026-11-22T06:04:38.500Z", "2026-11-22T06:10:00.000Z");
        assert!(parse_text(&text).is_ok());
    }

    #[test]
    fn rows_of_another_shape_are_refused() {
        for text in ["7", "[]", "", "{", r#"{"id":7}"#, "\"003ZM000001n4n5\""] {
            assert!(parse_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_delete_needs_no_fields() {
        let text = ROW
            .replace("\"update\"", "\"delete\"")
            .replace(",\"fields\":{\"LastName\":\"Ng\",\"Amount__c\":1100.040}", "");
        let change = parse_text(&text).unwrap();
        assert_eq!((change.kind, change.fields.as_str()), (ChangeKind::Delete, "{}"));
    }

    #[test]
    fn another_org_is_refused() {
        let org = SalesforceId::parse("00D8a00001rBqb8").unwrap();
        let other = "00D8a00001rBqb9";
        assert_eq!(check_organization(Some(org), "00D8a00001rBqb8"), Ok(()));
        assert!(check_organization(Some(org), other).is_err());
        assert!(check_organization(None, "nonsense").is_err());
        assert_eq!(check_organization(None, other), Ok(()));
    }
}
