//! What is known of a link and of the partner record behind it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::decide::effects::Side;
use crate::decide::news::Snapshot;
use crate::id::{FieldId, LinkId, PlanRevision, RecordId, SalesforceId};
use crate::mapping::{ConversionProblem, MappingPlan, convert};
use crate::record::{FieldValue, Fields};
use crate::version::SalesforceVersion;

/// What both sides held when they last agreed, by field, each in its own representation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Agreed(pub BTreeMap<FieldId, AgreedPair>);

/// One field's agreed pair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreedPair {
    /// The Salesforce value.
    #[serde(rename = "s")]
    pub salesforce: FieldValue,
    /// The partner's value, kept only where it differs from the Salesforce value.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<FieldValue>,
}

impl AgreedPair {
    /// A pair, compact where both sides hold the same.
    pub fn new(salesforce: FieldValue, partner: FieldValue) -> Self {
        let partner = (partner != salesforce).then_some(partner);
        AgreedPair { salesforce, partner }
    }

    /// The partner's agreed value.
    pub fn partner(&self) -> &FieldValue {
        self.partner.as_ref().unwrap_or(&self.salesforce)
    }
}

/// When fields were last edited, as far as that is known. A field that is missing has no known time.
pub type FieldTimes = BTreeMap<FieldId, Instant>;

/// What is known of a link. A link exists from the first news of either record, also when that news was a delete
/// in Salesforce: it is then a tombstone, so that older news which arrives later changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// The link.
    pub id: LinkId,
    /// The Salesforce record; none while the link is [`LinkStatus::Creating`] and Salesforce has not answered.
    pub salesforce_id: Option<SalesforceId>,
    /// The partner record; none while held before its creation, or for a tombstone of a record never linked.
    pub record: Option<RecordId>,
    /// Where the link stands.
    pub status: LinkStatus,
    /// Newest Salesforce version decided on; [`SalesforceVersion::NEVER`] before the first.
    pub version: SalesforceVersion,
    /// Counts every write of the link; a writer compares and swaps it.
    pub revision: i64,
    /// Plan under which it was last decided.
    pub plan: PlanRevision,
    /// Agreed pairs.
    pub agreed: Agreed,
    /// What is on its way to Salesforce.
    pub outgoing: Outgoing,
}

/// Where a link stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub enum LinkStatus {
    /// The partner's record waits to be made in Salesforce, or it is not known yet whether it was.
    Creating,
    /// Both records exist and are in step, or on their way there.
    Linked,
    /// A person has to act first.
    Held {
        /// Why, and what to do.
        reason: HeldReason,
    },
    /// The Salesforce record is gone. The link stays as a tombstone.
    Deleted,
    /// The partner deleted its record, and the policy leaves Salesforce's alone. News of it changes nothing.
    Unlinked,
    /// The Salesforce record was merged into another, whose link stands for both.
    Merged {
        /// The record that survived.
        into: SalesforceId,
    },
    /// The lead was converted. The links of what it became stand for it.
    Converted {
        /// What it became.
        to: Converted,
    },
}

/// What a lead became.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Converted {
    /// `ConvertedContactId`.
    pub contact: Option<SalesforceId>,
    /// `ConvertedAccountId`.
    pub account: Option<SalesforceId>,
    /// `ConvertedOpportunityId`.
    pub opportunity: Option<SalesforceId>,
}

/// Why a record waits for a person. Each reason has one next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum HeldReason {
    /// Some values cannot cross.
    Conversion {
        /// Every field concerned.
        problems: Vec<ConversionProblem>,
    },
    /// Salesforce deleted the record and the policy is to ask.
    DeleteAsked,
    /// The partner deleted the record and the policy is to ask.
    PartnerDeleteAsked,
    /// Salesforce refused the write.
    Refused {
        /// `errorCode` or `statusCode`.
        code: String,
        /// Salesforce's words.
        message: String,
        /// API names of the fields that Salesforce named.
        fields: Vec<String>,
        /// What to do.
        advice: String,
    },
    /// Several records carry the identity by which this one is recognised.
    Ambiguous {
        /// The identity, as the partner holds it.
        identity: String,
        /// The Salesforce records that carry it.
        candidates: Vec<SalesforceId>,
    },
    /// Both sides kept overwriting each other.
    Flipping {
        /// How often in a row.
        turns: u32,
    },
    /// Salesforce neither shows the record nor remembers it as deleted.
    OutOfSight,
    /// Whether Salesforce made the record is not known, and it has nothing to be found by.
    OutcomeUnknown,
}

impl HeldReason {
    /// One line a person can act on.
    pub fn summary(&self) -> String {
        match self {
            HeldReason::Conversion { problems } => problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("; "),
            HeldReason::DeleteAsked => {
                "deleted in Salesforce; decide whether the partner's record goes too".to_owned()
            }
            HeldReason::PartnerDeleteAsked => {
                "deleted by the partner; decide whether the Salesforce record goes too".to_owned()
            }
            HeldReason::Refused {
                code,
                message,
                advice,
                ..
            } => format!("Salesforce refused the record ({code}: {message}). {advice}"),
            // The others are none that Salesforce was asked for: they are linked already.
            HeldReason::Ambiguous { identity, candidates } if candidates.len() == 1 => format!(
                "several records carry {identity:?}, among them {}; merge them, or link the right one",
                candidates.iter().map(ToString::to_string).collect::<String>()
            ),
            HeldReason::Ambiguous { identity, candidates } => format!(
                "{identity:?} is carried by {} Salesforce records ({}); merge them, or link the right one",
                candidates.len(),
                candidates
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            ),
            HeldReason::Flipping { turns } => format!(
                "Salesforce and the partner changed the record in turn {turns} times; find the automation that does \
                 it, then press retry"
            ),
            HeldReason::OutOfSight => {
                "Salesforce shows the integration user no such record, not even as deleted; check the user's access, \
                 or delete the record at the partner if it was erased"
                    .to_owned()
            }
            HeldReason::OutcomeUnknown => {
                "Salesforce gave no answer when the record was to be made, and the record has nothing to be found by; \
                 look for it in Salesforce, delete it there if it was made, then press retry"
                    .to_owned()
            }
        }
    }
}

/// What is on its way to Salesforce. Its default, nothing, is stored as nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outgoing {
    /// Something may have to be written. What exactly is decided with the target at hand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pending: bool,
    /// The one write whose outcome is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<InFlight>,
    /// Salesforce values that lost and are about to be overwritten by the partner's. While Salesforce still holds
    /// such a value it is no news. Also how a person's "restore" is carried: the value to overwrite loses whatever
    /// the rule says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overruled: BTreeMap<FieldId, FieldValue>,
    /// Edits of Salesforce's fields, told by news that came while a write was in flight.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub noted: BTreeMap<FieldId, Noted>,
    /// How often the sides overwrote each other lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<Turns>,
    /// How often the record was made in Salesforce anew after an undelete by the partner; part of its external id,
    /// so that a record which was deleted is never written to again.
    #[serde(skip_serializing_if = "is_zero")]
    pub generation: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An edit in Salesforce that was heard of while a write was in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Noted {
    /// When it was made, or a moment that is no earlier.
    pub at: Instant,
    /// The value, where the write may have replaced it unread: it is neither what was read before the write nor what
    /// was sent. An edit of which no news came before the write was settled leaves no trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<FieldValue>,
}

/// A write whose outcome is not known yet. It is durable before the write is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InFlight {
    /// What was, or was about to be, sent.
    pub write: SalesforceWrite,
    /// What the partner held in each written field when the write was decided.
    pub basis: BTreeMap<FieldId, FieldValue>,
    /// When it was decided.
    pub since: Instant,
    /// No request that carries it is under way after this, and Salesforce works on none that its sender gave up.
    pub until: Instant,
    /// The Bulk job that carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
}

/// A write to Salesforce.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SalesforceWrite {
    /// What it does.
    pub kind: WriteKind,
    /// The Salesforce values to write, by field; [`FieldId::OWNER`] is the owner. Empty for a delete.
    pub values: BTreeMap<FieldId, FieldValue>,
}

/// What a write does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum WriteKind {
    /// Makes the record: an upsert by external id, or an insert where the mapping has none.
    Create,
    /// Changes the record, by Id.
    Update,
    /// Deletes the record, by Id.
    Delete,
}

/// How often the two sides overwrote each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Turns {
    /// When the last turn was counted.
    pub since: Instant,
    /// Turns in a row, without a calm of [`Turns::CALM`] between two of them.
    pub count: u32,
    /// The side whose value was last written over the other's.
    pub last: Side,
}

impl Turns {
    /// After so long without a turn the count starts over.
    pub const CALM: chrono::TimeDelta = chrono::TimeDelta::minutes(10);
    /// After so long without one side's value put over the other's edit the count starts over: slow automations, and
    /// writes that wait for a Bulk job, take their time.
    pub const CALM_AFTER_OVERWRITE: chrono::TimeDelta = chrono::TimeDelta::hours(1);
    /// So many turns in a row are still let pass.
    pub const MOST: u32 = 8;
}

/// What a partner record is recognised by. Each is reserved for one link of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "of")]
pub enum Identity {
    /// The partner's own id of the record.
    Key(String),
    /// The value of the mapping's identity field, folded (see [`Identity::of_value`]).
    Value(String),
}

impl Identity {
    /// The longest value that records are recognised by, in characters: as long as Salesforce's unique fields are.
    pub const LONGEST: usize = 255;

    /// The identity that a field's value gives; none for a blank one, and for one that is too long. Case and
    /// surrounding space do not tell records apart.
    pub fn of_value(value: &FieldValue) -> Option<Identity> {
        folded(value)
            .filter(|text| !text.is_empty() && !is_long(text))
            .map(Identity::Value)
    }

    /// Whether a value is too long to recognise a record by.
    pub fn is_too_long(value: &FieldValue) -> bool {
        folded(value).is_some_and(|text| is_long(&text))
    }

    /// The value by which a mapping recognises a partner record, in these fields of it.
    pub fn of_fields(plan: &MappingPlan, fields: &Fields) -> Option<Identity> {
        let field = plan.field(plan.identity?)?;
        Identity::of_value(fields.get(&field.partner)?)
    }

    /// The value by which a mapping recognises a Salesforce record, as the partner would hold it.
    pub fn of_snapshot(plan: &MappingPlan, snapshot: &Snapshot) -> Option<Identity> {
        let field = plan.field(plan.identity?)?;
        Identity::of_salesforce(plan, snapshot.fields.get(&field.salesforce.name)?)
    }

    /// The identity that a Salesforce value of a mapping's identity field gives, as the partner would hold it.
    pub fn of_salesforce(plan: &MappingPlan, value: &FieldValue) -> Option<Identity> {
        let field = plan.field(plan.identity?)?;
        Identity::of_value(&convert::to_partner(field, value).ok()??)
    }
}

fn folded(value: &FieldValue) -> Option<String> {
    match value {
        FieldValue::Text(text) => Some(text.trim().to_lowercase()),
        FieldValue::Number(number) => Some(number.normalize().to_string()),
        _ => None,
    }
}

fn is_long(text: &str) -> bool {
    text.chars().nth(Identity::LONGEST).is_some()
}

/// What is known of the partner record behind a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordState {
    /// The record.
    pub id: RecordId,
    /// Its fields. A record that the partner deleted keeps them, unseen, until Salesforce's is gone too.
    pub fields: Fields,
    /// Partner user who owns it.
    pub owner: String,
    /// Whether it lives.
    pub presence: Presence,
    /// When its fields were last edited, on whichever side, as far as that is known.
    pub times: FieldTimes,
    /// The partner's own id of it.
    pub key: Option<String>,
    /// The Salesforce record whose partner record took this one's place: after a merge, or a conversion.
    pub successor: Option<SalesforceId>,
}

/// Whether a partner record lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// It lives.
    Live,
    /// It was deleted; partners see its id and nothing else.
    Deleted,
    /// Its Salesforce record was deleted or converted; the partner keeps it.
    Archived,
}
