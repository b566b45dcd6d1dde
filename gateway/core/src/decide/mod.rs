//! What a change means: from news of one side and what is known, to effects as data.

pub mod inbound;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{FieldId, LinkId, PlanRevision, RecordId, SalesforceId};
use crate::mapping::{ConversionCause, ConversionProblem, FieldPlan, MappingPlan};
use crate::owners::OwnerRung;
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

/// What is known of a link. A link exists from the first news of a Salesforce record, also when that news was a
/// delete: it is then a tombstone, so that older news which arrives later changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkState {
    /// The link.
    pub id: LinkId,
    /// The Salesforce record.
    pub salesforce_id: SalesforceId,
    /// The partner record; none while held before its creation, or for a tombstone of a record never linked.
    pub record: Option<RecordId>,
    /// Where the link stands.
    pub status: LinkStatus,
    /// Newest Salesforce version decided on.
    pub version: SalesforceVersion,
    /// Counts every write of the link; a writer compares and swaps it.
    pub revision: i64,
    /// Plan under which it was last decided.
    pub plan: PlanRevision,
    /// Agreed pairs.
    pub agreed: Agreed,
}

/// Where a link stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "status")]
pub enum LinkStatus {
    /// Both records exist and are in step.
    Linked,
    /// A person has to act first.
    Held {
        /// Why, and what to do.
        reason: HeldReason,
    },
    /// The Salesforce record is gone. The link stays as a tombstone.
    Deleted,
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
        }
    }
}

/// What is known of the partner record behind a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordState {
    /// The record.
    pub id: RecordId,
    /// Its fields.
    pub fields: Fields,
    /// Partner user who owns it.
    pub owner: String,
    /// Whether it lives.
    pub presence: Presence,
}

/// Whether a partner record lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Presence {
    /// It lives.
    Live,
    /// It was deleted; partners see its id and nothing else.
    Deleted,
    /// Its Salesforce record was deleted; the partner keeps it.
    Archived,
}

/// News of a Salesforce record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// The record as it was read.
    Present(Snapshot),
    /// The record is gone.
    Deleted {
        /// The record.
        salesforce_id: SalesforceId,
        /// Its last version.
        version: SalesforceVersion,
    },
}

impl Incoming {
    /// The Salesforce record spoken of.
    pub fn salesforce_id(&self) -> SalesforceId {
        match self {
            Incoming::Present(snapshot) => snapshot.salesforce_id,
            Incoming::Deleted { salesforce_id, .. } => *salesforce_id,
        }
    }

    /// The version spoken of.
    pub fn version(&self) -> SalesforceVersion {
        match self {
            Incoming::Present(snapshot) => snapshot.version,
            Incoming::Deleted { version, .. } => *version,
        }
    }
}

/// A Salesforce record as it was read: typed Salesforce values by API name, before any mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The record.
    pub salesforce_id: SalesforceId,
    /// The reading's version.
    pub version: SalesforceVersion,
    /// Owner, where the object has one and the reading carries it.
    pub owner: Option<SalesforceId>,
    /// Values. A field that was not read is absent.
    pub fields: Fields,
    /// Fields that were read but not understood, for example because their type changed in Salesforce. They hold
    /// the record; the rest of the batch goes on.
    pub unreadable: Vec<ConversionProblem>,
}

impl Snapshot {
    /// Reads the fields that a plan moves. `read` gives a field's value, or `None` where the reading has none.
    pub fn read(
        plan: &MappingPlan,
        salesforce_id: SalesforceId,
        version: SalesforceVersion,
        owner: Option<SalesforceId>,
        mut read: impl FnMut(&FieldPlan) -> Option<Result<FieldValue, ConversionCause>>,
    ) -> Snapshot {
        let mut fields = Fields::new();
        let mut unreadable = Vec::new();
        for field in plan.synced_fields() {
            match read(field) {
                None => {}
                Some(Ok(value)) => {
                    fields.insert(field.salesforce.name.clone(), value);
                }
                Some(Err(cause)) => unreadable.push(field.problem(cause)),
            }
        }
        Snapshot {
            salesforce_id,
            version,
            owner,
            fields,
            unreadable,
        }
    }
}

/// What a change leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing is written.
    Drop(DropReason),
    /// Same version, other content: only a fresh reading can tell.
    ReadAgain,
    /// Write these.
    Apply(Box<Effects>),
}

/// Why news changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Something newer is held already.
    Stale,
    /// The same is held already.
    Unchanged,
    /// The record was deleted later than this news.
    Tombstoned,
}

/// Everything one decision writes. Ids that are not known yet are given by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effects {
    /// The link to write.
    pub link: LinkEffect,
    /// The record to write, if it changes.
    pub record: Option<RecordEffect>,
    /// Field by field, what changed and why.
    pub history: Vec<FieldChange>,
    /// What this amounts to.
    pub outcome: Outcome,
}

/// The new state of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkEffect {
    /// The link; `None` makes one.
    pub existing: Option<LinkRef>,
    /// The Salesforce record.
    pub salesforce_id: SalesforceId,
    /// Where it stands now.
    pub status: LinkStatus,
    /// Version decided on.
    pub version: SalesforceVersion,
    /// Plan decided under.
    pub plan: PlanRevision,
    /// Agreed pairs.
    pub agreed: Agreed,
}

/// A link as it was read, for compare and swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkRef {
    /// The link.
    pub id: LinkId,
    /// The partner record it had.
    pub record: Option<RecordId>,
    /// The revision it had.
    pub revision: i64,
}

/// The new state of a partner record. It gets the next feed position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordEffect {
    /// All its fields.
    pub fields: Fields,
    /// Its owner.
    pub owner: String,
    /// Whether it lives.
    pub presence: Presence,
}

/// One field's change, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field; [`FieldId::OWNER`] for the owner.
    pub field: FieldId,
    /// Salesforce value before; `None` where it was not known.
    pub salesforce_before: Option<FieldValue>,
    /// Salesforce value now.
    pub salesforce_after: Option<FieldValue>,
    /// Partner value before; `None` where there was none.
    pub partner_before: Option<FieldValue>,
    /// Partner value now.
    pub partner_after: Option<FieldValue>,
    /// Why.
    pub cause: ChangeCause,
}

/// The rule that decided a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChangeCause {
    /// The Salesforce value won by rule.
    SalesforceWins,
    /// The Salesforce value was blank and the rule keeps the partner's.
    BlankKeepsPartner,
    /// The Salesforce option is mapped to "does not sync", so the partner's value stays.
    OptionDoesNotSync,
    /// The record was deleted in Salesforce.
    Deleted,
    /// The mapping no longer has the field.
    Unmapped,
    /// The owner came off this rung of the ladder.
    Owner(OwnerRung),
}

/// What a decision amounts to, for logs and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// A partner record was made.
    Created,
    /// A partner record changed.
    Updated,
    /// Nothing that the partner sees changed: the version moved on, or the Salesforce value did within what the
    /// mapping takes for the same.
    Confirmed,
    /// A partner record was deleted or archived, or a tombstone set.
    Deleted,
    /// A deleted record lives again.
    Restored,
    /// A person has to act.
    Held,
}

/// Who or what caused a change, for history and log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum ChangeSource {
    /// A sync run read it.
    Run {
        /// The run.
        run: crate::id::RunId,
    },
    /// The package pushed it.
    Push {
        /// The inbox entry.
        inbox: crate::id::InboxId,
    },
    /// A fresh reading after an ambiguous version.
    ReadAgain {
        /// When.
        at: Instant,
    },
}
