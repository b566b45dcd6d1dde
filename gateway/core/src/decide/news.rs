//! What was heard of a record: from Salesforce, from the partner, or by reading a target before a write.

use std::collections::BTreeMap;

use crate::Instant;
pub use crate::decide::link::Converted;
use crate::id::SalesforceId;
use crate::mapping::{ConversionCause, ConversionProblem, FieldPlan, MappingPlan};
use crate::record::{FieldValue, Fields};
use crate::version::SalesforceVersion;

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
        /// Whether it was merged into another.
        merged: MergedInto,
        /// What its external id field held, where the news tells.
        external_id: Option<String>,
    },
}

/// Whether a deleted record was merged into another (`MasterRecordId`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergedInto {
    /// The news does not tell.
    Unknown,
    /// It was not.
    Nothing,
    /// It was.
    Record(SalesforceId),
}

impl Incoming {
    /// The Salesforce record spoken of.
    pub fn salesforce_id(&self) -> SalesforceId {
        match self {
            Incoming::Present(snapshot) => snapshot.salesforce_id,
            Incoming::Deleted { salesforce_id, .. } => *salesforce_id,
        }
    }

    /// Who saved the record in Salesforce, as far as the news tells.
    pub fn saved_by(&self) -> Option<SalesforceId> {
        match self {
            Incoming::Present(snapshot) => snapshot.saved_by(),
            Incoming::Deleted { .. } => None,
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
    /// Whether it was read on purpose, because earlier news left a doubt: it is newer than that news.
    pub is_fresh: bool,
    /// Owner, where the object has one and the reading carries it.
    pub owner: Option<SalesforceId>,
    /// Values. A field that was not read is absent.
    pub fields: Fields,
    /// Fields that were read but not understood, for example because their type changed in Salesforce. They hold
    /// the record; the rest of the batch goes on.
    pub unreadable: Vec<ConversionProblem>,
    /// When fields were last edited, by API name, as far as the news tells. A changed field without a time was
    /// edited no later than the record's stamp.
    pub changed: BTreeMap<String, Instant>,
    /// What the plan's external id field holds: absent where it was not read, `Some(None)` where it is empty.
    pub external_id: Option<Option<String>>,
    /// Whether the gateway's own user made the record; none where that was not read.
    pub made_by_gateway: Option<bool>,
    /// Whether the gateway's own user modified the record last; none where that was not read.
    pub by_gateway: Option<bool>,
    /// Who modified the record last; none where that was not read.
    pub modified_by: Option<SalesforceId>,
    /// What the record became, where it is a converted lead.
    pub converted: Option<Converted>,
}

impl Snapshot {
    /// Who saved the record as it was read, where that was not the gateway itself.
    pub fn saved_by(&self) -> Option<SalesforceId> {
        self.modified_by.filter(|_| self.by_gateway != Some(true))
    }

    /// Whether an edit told for a moment is the gateway's own write, the last that the record saw.
    pub(super) fn is_own_write(&self, at: Instant) -> bool {
        self.by_gateway == Some(true) && at >= self.version.modstamp
    }

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
            is_fresh: false,
            owner,
            fields,
            unreadable,
            changed: BTreeMap::new(),
            external_id: None,
            made_by_gateway: None,
            by_gateway: None,
            modified_by: None,
            converted: None,
        }
    }
}

/// News of a partner record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartnerNews {
    /// What happened.
    pub kind: PartnerNewsKind,
    /// When the partner says it happened, never later than `received`. None: on receipt.
    pub stated: Option<Instant>,
    /// When it came in.
    pub received: Instant,
    /// The partner's own id of the record, where the news carries one.
    pub key: Option<String>,
}

/// What happened to a partner record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartnerNewsKind {
    /// Made, or edited: each field given is an edit, each that is absent says nothing.
    Upsert {
        /// Values by partner field, in the partner's representation.
        fields: Fields,
        /// The owner, where given.
        owner: Option<String>,
    },
    /// Deleted.
    Delete,
    /// Not deleted after all.
    Undelete,
}

/// What Salesforce showed when a target was read just before a write, or after one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The record as it is.
    Present(Snapshot),
    /// It is gone.
    Deleted {
        /// The record.
        salesforce_id: SalesforceId,
        /// Its last version.
        version: SalesforceVersion,
        /// Whether it was merged into another.
        merged: MergedInto,
    },
    /// No record carries the external id, nor the identity: it is to be made.
    Missing,
    /// Salesforce neither shows the record nor remembers it as deleted.
    OutOfSight,
    /// Several records carry the identity.
    Ambiguous(Vec<SalesforceId>),
}
