//! What callers read: the shapes of answers, made from what the use cases give.

use std::collections::BTreeMap;

use causeway_core::decide::{ChangeCause, ChangeSource, HeldReason, Presence};
use causeway_core::mapping::convert::partner_json;
use causeway_core::owners::OwnerRung;
use causeway_core::ports::records::StoredRecord;
use causeway_core::record::FieldValue;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::app::read::{NamedHeld, NamedHistory, References};

/// A record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Record)]
pub struct RecordView {
    /// Its number within the connection. It never changes.
    #[schema(examples("42"))]
    pub id: String,
    /// Partner object.
    #[schema(examples("contact"))]
    pub object: String,
    /// Its Salesforce record, in 18 characters.
    #[schema(examples("003ZM000001n4n5YAA"))]
    pub salesforce_id: Option<String>,
    /// Partner user who owns it.
    #[schema(examples("u-7"))]
    pub owner: String,
    /// `live`; `archived`: its Salesforce record was deleted and the partner keeps it; `deleted`: only its id is
    /// left.
    #[schema(examples("live"))]
    pub presence: &'static str,
    /// Where its present state stands in the feed of changes.
    #[schema(examples(1234))]
    pub position: i64,
    /// When it was made here.
    pub created_at: DateTime<Utc>,
    /// When it was last written here.
    pub updated_at: DateTime<Utc>,
    /// Its fields by name. Numbers are exact; dates have no zone; a reference is an object with `id` (null until
    /// that record is here too), `object` and `salesforceId`.
    #[schema(value_type = Object, example = json!({
        "last_name": "Ng", "amount": 1054.00, "birthday": "1970-01-01",
        "account": {"id": "17", "object": "account", "salesforceId": "001ZM000001n4n5YAA"}
    }))]
    pub fields: Map<String, Value>,
}

impl RecordView {
    /// A record with its references resolved.
    pub fn new(record: &StoredRecord, references: &References) -> Self {
        RecordView {
            id: record.id.to_string(),
            object: record.object.clone(),
            salesforce_id: record.salesforce_id.map(|id| id.to_string()),
            owner: record.owner.clone(),
            presence: presence_name(record.presence),
            position: record.position.0,
            created_at: record.created_at,
            updated_at: record.updated_at,
            fields: record
                .fields
                .iter()
                .map(|(name, value)| (name.clone(), field_json(value, references)))
                .collect(),
        }
    }
}

fn field_json(value: &FieldValue, references: &References) -> Value {
    match value {
        FieldValue::Reference(salesforce) => {
            let found = references.find(*salesforce);
            json!({
                "id": found.map(|(_, id)| id.to_string()),
                "object": found.map(|(object, _)| object),
                "salesforceId": salesforce.as_str(),
            })
        }
        other => partner_json(other),
    }
}

fn presence_name(presence: Presence) -> &'static str {
    match presence {
        Presence::Live => "live",
        Presence::Deleted => "deleted",
        Presence::Archived => "archived",
    }
}

/// One field's change.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FieldHistory)]
pub struct HistoryView {
    /// Partner field, or `owner`. A field that is no longer mapped shows as `#` and its number.
    #[schema(examples("email"))]
    pub field: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Salesforce value before; null where it was empty or not known.
    #[schema(value_type = Option<Object>)]
    pub salesforce_before: Value,
    /// Salesforce value after.
    #[schema(value_type = Option<Object>)]
    pub salesforce_after: Value,
    /// Partner value before.
    #[schema(value_type = Option<Object>)]
    pub partner_before: Value,
    /// Partner value after.
    #[schema(value_type = Option<Object>)]
    pub partner_after: Value,
    /// Why: `salesforceWins`, `blankKeepsPartner`, `optionDoesNotSync`, `deleted`, `unmapped`, `ownerMapped` or
    /// `ownerDefault`.
    #[schema(examples("salesforceWins"))]
    pub cause: &'static str,
    /// Revision of the mapping that it was decided under.
    pub revision: i64,
    /// Who caused it: `run`, `push` or `readAgain`.
    #[schema(examples("push"))]
    pub source: &'static str,
    /// The sync run, where one caused it.
    pub run: Option<String>,
}

impl From<&NamedHistory> for HistoryView {
    fn from(named: &NamedHistory) -> Self {
        let entry = &named.entry;
        let field = named
            .partner_field
            .clone()
            .unwrap_or_else(|| format!("#{}", entry.field.0));
        let value = |value: &Option<FieldValue>| value.as_ref().map_or(Value::Null, plain_json);
        HistoryView {
            field,
            at: entry.at,
            salesforce_before: value(&entry.salesforce_before),
            salesforce_after: value(&entry.salesforce_after),
            partner_before: value(&entry.partner_before),
            partner_after: value(&entry.partner_after),
            cause: match entry.cause {
                ChangeCause::SalesforceWins => "salesforceWins",
                ChangeCause::BlankKeepsPartner => "blankKeepsPartner",
                ChangeCause::OptionDoesNotSync => "optionDoesNotSync",
                ChangeCause::Deleted => "deleted",
                ChangeCause::Unmapped => "unmapped",
                ChangeCause::Owner(OwnerRung::Mapped) => "ownerMapped",
                ChangeCause::Owner(OwnerRung::Default) => "ownerDefault",
            },
            revision: entry.plan.0,
            source: match entry.source {
                ChangeSource::Run { .. } => "run",
                ChangeSource::Push { .. } => "push",
                ChangeSource::ReadAgain { .. } => "readAgain",
            },
            run: match entry.source {
                ChangeSource::Run { run } => Some(run.to_string()),
                _ => None,
            },
        }
    }
}

fn plain_json(value: &FieldValue) -> Value {
    match value {
        FieldValue::Reference(id) => Value::from(id.as_str()),
        other => partner_json(other),
    }
}

/// A record that waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeldRecord)]
pub struct HeldView {
    /// The Salesforce record.
    #[schema(examples("003ZM000001n4n5YAA"))]
    pub salesforce_id: String,
    /// Partner object it would be, or is, a record of.
    #[schema(examples("contact"))]
    pub object: String,
    /// The partner record, if there is one already.
    pub record: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// `conversion`: some values cannot cross; `deleteAsked`: deleted in Salesforce, and a person decides.
    #[schema(examples("conversion"))]
    pub reason: &'static str,
    /// Why, and what to do, in one line.
    pub summary: String,
    /// Every field concerned.
    pub problems: Vec<HeldField>,
}

/// A value that cannot cross.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldField {
    /// Salesforce field.
    #[schema(examples("Email"))]
    pub salesforce_field: String,
    /// Partner field.
    #[schema(examples("email"))]
    pub partner_field: String,
    /// What is wrong and how to mend it.
    pub cause: String,
}

impl From<&NamedHeld> for HeldView {
    fn from(named: &NamedHeld) -> Self {
        let held = &named.held;
        let (reason, problems) = match &held.reason {
            HeldReason::Conversion { problems } => (
                "conversion",
                problems
                    .iter()
                    .map(|problem| HeldField {
                        salesforce_field: problem.salesforce_field.clone(),
                        partner_field: problem.partner_field.clone(),
                        cause: problem.cause.to_string(),
                    })
                    .collect(),
            ),
            HeldReason::DeleteAsked => ("deleteAsked", Vec::new()),
        };
        HeldView {
            salesforce_id: held.salesforce_id.to_string(),
            object: named.partner_object.clone(),
            record: held.record.map(|id| id.to_string()),
            since: held.since,
            reason,
            summary: held.reason.summary(),
            problems,
        }
    }
}

/// Counts by name.
pub type Counts = BTreeMap<&'static str, u64>;
