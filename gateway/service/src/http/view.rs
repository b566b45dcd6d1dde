//! What callers read: the shapes of answers, made from what the use cases give.

use std::collections::BTreeMap;

use causeway_core::decide::{ChangeCause, ChangeSource, HeldReason, Lost, Presence, Side};
use causeway_core::id::SalesforceId;
use causeway_core::mapping::convert::partner_json;
use causeway_core::owners::OwnerRung;
use causeway_core::ports::records::StoredRecord;
use causeway_core::record::FieldValue;
use causeway_core::units::person;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::app::read::{NamedHeld, NamedHistory, References, Standing};

/// A record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Record)]
pub struct RecordView {
    /// Its number within the connection. It never changes.
    #[schema(examples("42"))]
    pub id: String,
    /// The partner's own id of it, where the partner gave one. Null for a deleted record.
    #[schema(examples("crm-4711"))]
    pub key: Option<String>,
    /// Partner object.
    #[schema(examples("contact"))]
    pub object: String,
    /// Its Salesforce record, in 18 characters. Null for a deleted record.
    #[schema(examples("003ZM000001n4n5YAA"))]
    pub salesforce_id: Option<String>,
    /// Partner user who owns it. Null for a deleted record.
    #[schema(examples("u-7"))]
    pub owner: Option<String>,
    /// `live`; `archived`: its Salesforce record was deleted or converted and the partner keeps it; `deleted`: only
    /// its id is left.
    #[schema(examples("live"))]
    pub presence: &'static str,
    /// How it stands with Salesforce, where one record is read: `upToDate`; `waitingForSalesforce`: something is on
    /// its way there; `held`: a person has to act, see `held`; `unlinked`: the link has ended and nothing travels any
    /// more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(examples("upToDate"))]
    pub status: Option<&'static str>,
    /// Why it is held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldStateView>,
    /// The record that took its place when it was merged or converted: an object with `id` (null until that record
    /// is here), `object` and `salesforceId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RecordRefView>,
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

/// Another record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RecordRef)]
pub struct RecordRefView {
    /// Its number; null until it is here.
    #[schema(examples("17"))]
    pub id: Option<String>,
    /// Its partner object; null until it is here.
    #[schema(examples("account"))]
    pub object: Option<String>,
    /// Its Salesforce record; null until it is made there.
    #[schema(examples("001ZM000001n4n5YAA"))]
    pub salesforce_id: Option<String>,
}

/// Why a record waits for a person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HeldState)]
pub struct HeldStateView {
    /// Names the held record in `/v1/held`.
    #[schema(examples("42"))]
    pub id: String,
    /// The reason, as in `/v1/held`.
    #[schema(examples("refused"))]
    pub reason: &'static str,
    /// Why, and what to do, in one line.
    pub summary: String,
}

impl RecordView {
    /// A record with its references resolved. Of a deleted one only its id is shown, and where it stands in the feed.
    pub fn new(record: &StoredRecord, references: &References) -> Self {
        let shown = match record.presence {
            Presence::Deleted => None,
            Presence::Live | Presence::Archived => Some(record),
        };
        RecordView {
            id: record.id.to_string(),
            key: shown.and_then(|record| record.key.clone()),
            object: record.object.clone(),
            salesforce_id: shown.and_then(|record| record.salesforce_id.map(|id| id.to_string())),
            owner: shown.map(|record| record.owner.clone()),
            presence: presence_name(record.presence),
            status: None,
            held: None,
            superseded_by: record
                .successor
                .map(|successor| to_salesforce(references.last_in_line(successor), references)),
            position: record.position.0,
            created_at: record.created_at,
            updated_at: record.updated_at,
            fields: shown
                .into_iter()
                .flat_map(|record| &record.fields)
                .map(|(name, value)| (name.clone(), field_json(value, references)))
                .collect(),
        }
    }

    /// The same with how it stands.
    pub fn standing(self, standing: &Standing) -> Self {
        let status = match standing {
            Standing::UpToDate => "upToDate",
            Standing::WaitingForSalesforce => "waitingForSalesforce",
            Standing::Held { .. } => "held",
            Standing::Unlinked => "unlinked",
        };
        let held = match standing {
            Standing::Held { link, reason } => Some(HeldStateView {
                id: link.to_string(),
                reason: person::code(reason),
                summary: reason.summary(),
            }),
            _ => None,
        };
        RecordView {
            status: Some(status),
            held,
            ..self
        }
    }
}

/// A value as partners read it, with what a reference leads to.
pub(super) fn field_json(value: &FieldValue, references: &References) -> Value {
    let reference = match value {
        FieldValue::Reference(salesforce) => to_salesforce(*salesforce, references),
        FieldValue::Record(record) => {
            let found = references.unmade(*record);
            RecordRefView {
                id: Some(record.to_string()),
                object: found.map(|(object, _)| object.to_owned()),
                salesforce_id: found
                    .and_then(|(_, salesforce)| salesforce)
                    .map(|id| id.to_string()),
            }
        }
        other => return partner_json(other),
    };
    json!({
        "id": reference.id,
        "object": reference.object,
        "salesforceId": reference.salesforce_id,
    })
}

fn to_salesforce(id: SalesforceId, references: &References) -> RecordRefView {
    let found = references.find(id);
    RecordRefView {
        id: found.map(|(_, record)| record.to_string()),
        object: found.map(|(object, _)| object.to_owned()),
        salesforce_id: Some(id.to_string()),
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
    /// Number. A value that lost is brought back by it, see `/v1/conflicts`.
    #[schema(examples("7"))]
    pub id: String,
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
    /// Why: `salesforceWins`, `partnerWins`, `mostRecent`, `blankKeepsPartner`, `optionDoesNotSync`, `partnerEdited`,
    /// `agreed`, `storedOtherwise`, `diverged`, `restored`, `merged`, `converted`, `deleted`, `partnerDeleted`,
    /// `unmapped`, `ownerMapped` or `ownerDefault`.
    #[schema(examples("salesforceWins"))]
    pub cause: &'static str,
    /// The value that lost, where one did.
    pub lost: Option<LostView>,
    /// Revision of the mapping that it was decided under.
    pub revision: i64,
    /// Who caused it: `run`, `push`, `readAgain`, `partner`, `write` (the record was read for a write to Salesforce)
    /// or `person`.
    #[schema(examples("push"))]
    pub source: &'static str,
    /// The client, where a partner or a person caused it.
    pub client: Option<String>,
    /// The sync run, where one caused it.
    pub run: Option<String>,
}

/// A value that lost.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Lost)]
pub struct LostView {
    /// The side that held it: `salesforce` or `partner`.
    #[schema(examples("partner"))]
    pub side: &'static str,
    /// The value, as that side writes it.
    #[schema(value_type = Option<Object>)]
    pub value: Value,
}

impl From<&Lost> for LostView {
    fn from(lost: &Lost) -> Self {
        LostView {
            side: match lost.side {
                Side::Salesforce => "salesforce",
                Side::Partner => "partner",
            },
            value: plain_json(&lost.value),
        }
    }
}

impl From<&NamedHistory> for HistoryView {
    fn from(named: &NamedHistory) -> Self {
        let entry = &named.entry;
        HistoryView {
            id: entry.id.to_string(),
            field: named.field_name(),
            at: entry.at,
            salesforce_before: known_json(entry.salesforce_before.as_ref()),
            salesforce_after: known_json(entry.salesforce_after.as_ref()),
            partner_before: known_json(entry.partner_before.as_ref()),
            partner_after: known_json(entry.partner_after.as_ref()),
            cause: cause_name(entry.cause),
            lost: entry.lost.as_ref().map(LostView::from),
            revision: entry.plan.0,
            source: match entry.source {
                ChangeSource::Run { .. } => "run",
                ChangeSource::Push { .. } => "push",
                ChangeSource::ReadAgain { .. } => "readAgain",
                ChangeSource::Partner { .. } => "partner",
                ChangeSource::Write { .. } => "write",
                ChangeSource::Person { .. } => "person",
            },
            client: match &entry.source {
                ChangeSource::Partner { client } | ChangeSource::Person { client } => Some(client.clone()),
                _ => None,
            },
            run: match entry.source {
                ChangeSource::Run { run } => Some(run.to_string()),
                _ => None,
            },
        }
    }
}

/// A cause as histories and conflicts spell it.
pub(super) fn cause_name(cause: ChangeCause) -> &'static str {
    match cause {
        ChangeCause::SalesforceWins => "salesforceWins",
        ChangeCause::BlankKeepsPartner => "blankKeepsPartner",
        ChangeCause::OptionDoesNotSync => "optionDoesNotSync",
        ChangeCause::PartnerWins => "partnerWins",
        ChangeCause::PartnerEdited => "partnerEdited",
        ChangeCause::MostRecent { .. } => "mostRecent",
        ChangeCause::Agreed => "agreed",
        ChangeCause::StoredOtherwise => "storedOtherwise",
        ChangeCause::Diverged => "diverged",
        ChangeCause::Restored => "restored",
        ChangeCause::Merged => "merged",
        ChangeCause::Converted => "converted",
        ChangeCause::Deleted => "deleted",
        ChangeCause::PartnerDeleted => "partnerDeleted",
        ChangeCause::Unmapped => "unmapped",
        ChangeCause::Owner(OwnerRung::Mapped) => "ownerMapped",
        ChangeCause::Owner(OwnerRung::Default) => "ownerDefault",
    }
}

/// A value of the history: null where it was empty or not known.
pub(super) fn known_json(value: Option<&FieldValue>) -> Value {
    value.map_or(Value::Null, plain_json)
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
    /// Names it where a decision is sent.
    #[schema(examples("42"))]
    pub id: String,
    /// The Salesforce record; null while it is not made.
    #[schema(examples("003ZM000001n4n5YAA"))]
    pub salesforce_id: Option<String>,
    /// Partner object it would be, or is, a record of; empty where nothing maps it any more.
    #[schema(examples("contact"))]
    pub object: String,
    /// The partner record, if there is one already.
    pub record: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// `conversion`: some values cannot cross; `deleteAsked`: deleted in Salesforce, and a person decides;
    /// `partnerDeleteAsked`: deleted by the partner, and a person decides; `refused`: Salesforce refused the write;
    /// `ambiguous`: several records carry its identity; `flipping`: both sides kept overwriting each other;
    /// `outOfSight`: Salesforce neither shows the record nor remembers it as deleted; `outcomeUnknown`: whether
    /// Salesforce made the record is not known, and it has nothing to be found by.
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
    /// Partner field; null where Salesforce named a field that is not mapped.
    #[schema(examples("email"))]
    pub partner_field: Option<String>,
    /// What is wrong and how to mend it.
    pub cause: String,
}

impl From<&NamedHeld> for HeldView {
    fn from(named: &NamedHeld) -> Self {
        let held = &named.held;
        let problems = match &held.reason {
            HeldReason::Conversion { problems } => problems
                .iter()
                .map(|problem| HeldField {
                    salesforce_field: problem.salesforce_field.clone(),
                    partner_field: Some(problem.partner_field.clone()),
                    cause: problem.cause.to_string(),
                })
                .collect(),
            HeldReason::Refused { message, fields, .. } => fields
                .iter()
                .map(|field| HeldField {
                    salesforce_field: field.clone(),
                    partner_field: named.partner_field(field),
                    cause: message.clone(),
                })
                .collect(),
            _ => Vec::new(),
        };
        HeldView {
            id: held.link.to_string(),
            salesforce_id: held.salesforce_id.map(|id| id.to_string()),
            object: named.partner_object().to_owned(),
            record: held.record.map(|id| id.to_string()),
            since: held.since,
            reason: person::code(&held.reason),
            summary: held.reason.summary(),
            problems,
        }
    }
}

/// Counts by name.
pub type Counts = BTreeMap<&'static str, u64>;
