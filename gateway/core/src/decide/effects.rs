//! What follows from a decision, as data for the store and the log.

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::decide::link::{Agreed, FieldTimes, Identity, LinkStatus, Outgoing, Presence};
use crate::id::{FieldId, LinkId, PlanRevision, RecordId, SalesforceId};
use crate::owners::OwnerRung;
use crate::record::{FieldValue, Fields};
use crate::version::SalesforceVersion;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The Salesforce org.
    Salesforce,
    /// The partner.
    Partner,
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
    /// The record was deleted later than this news, merged away, converted or unlinked.
    Tombstoned,
    /// A write is in flight; what is stored is read after it, and that reading is newer.
    InFlight,
    /// The mapping carries nothing from Salesforce to the partner for this record.
    OtherWay,
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
    /// The Salesforce record; none while it is not made.
    pub salesforce_id: Option<SalesforceId>,
    /// Where it stands now.
    pub status: LinkStatus,
    /// Version decided on.
    pub version: SalesforceVersion,
    /// Plan decided under.
    pub plan: PlanRevision,
    /// Agreed pairs.
    pub agreed: Agreed,
    /// What is on its way to Salesforce from now on.
    pub outgoing: Outgoing,
    /// Whether the link's outgoing head is to be made ready: something may be written now.
    pub ready: bool,
    /// Identities to reserve for this link. The store answers with a conflict where another link holds one.
    pub reserve: Vec<Identity>,
    /// Identities of this link to set free.
    pub release: Vec<Identity>,
    /// A link without a partner record that ends in this one, since it speaks of the same Salesforce record. The
    /// store removes it first, by compare and swap.
    pub absorb: Option<LinkRef>,
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
    /// When its fields were last edited.
    pub times: FieldTimes,
    /// The partner's own id of it.
    pub key: Option<String>,
    /// The Salesforce record whose partner record took its place.
    pub successor: Option<SalesforceId>,
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
    /// The value that lost a conflict, or was reverted. It can be restored.
    pub lost: Option<Lost>,
}

/// A value that lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lost {
    /// The side that held it.
    pub side: Side,
    /// The value, in that side's representation.
    pub value: FieldValue,
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
    /// The partner's value won by rule and stands in Salesforce.
    PartnerWins,
    /// The partner edited the field; the rule lets it travel.
    PartnerEdited,
    /// The newer edit won, and it was this side's.
    MostRecent {
        /// The side whose edit was newer.
        winner: Side,
    },
    /// Both sides came to mean the same.
    Agreed,
    /// Salesforce stored something else than was written: it trimmed, rounded or formatted, or a Flow changed it.
    StoredOtherwise,
    /// The field does not travel this way; both sides keep what they hold.
    Diverged,
    /// A person brought back a value that had lost.
    Restored,
    /// The Salesforce record was merged into another.
    Merged,
    /// The lead was converted.
    Converted,
    /// The record was deleted in Salesforce.
    Deleted,
    /// The record was deleted by the partner.
    PartnerDeleted,
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
    /// Another record took its place: it was merged or converted.
    Relinked,
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
    /// The partner posted it.
    Partner {
        /// The client that posted.
        client: String,
    },
    /// The target was read just before a write, or what was stored after it.
    Write {
        /// When.
        at: Instant,
    },
    /// A person asked for it: a retry, a restore, a decision on a held record.
    Person {
        /// The client that asked.
        client: String,
    },
}
