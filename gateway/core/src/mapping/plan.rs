//! The checked plan of a mapping.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::Instant;
use crate::id::{ConnectionId, FieldId, MappingId, PlanRevision, RecordId, SalesforceId};
use crate::mapping::catalog::{PartnerType, SalesforceField};
use crate::mapping::convert::{ConversionCause, ConversionProblem};
use crate::mapping::document::{DeletePolicy, Direction, Scope, SyncRule};
use crate::ports::settings::AdminSettings;
use crate::record::FieldValue;

/// What a lead tells of its conversion.
const CONVERTED: [&str; 4] = [
    "IsConverted",
    "ConvertedContactId",
    "ConvertedAccountId",
    "ConvertedOpportunityId",
];

/// Objects whose records may be attached to an account.
const ATTACHED: [&str; 2] = ["Contact", "Opportunity"];

/// Their field that names it.
const ACCOUNT_FIELD: &str = "AccountId";

fn ask() -> DeletePolicy {
    DeletePolicy::Ask
}

/// A mapping that was checked against Salesforce's describe and is safe to obey. [`MappingPlan::check`] makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingPlan {
    /// The mapping.
    pub mapping: MappingId,
    /// The revision; what is decided names it.
    pub revision: PlanRevision,
    /// Partner object.
    pub partner_object: String,
    /// sObject, as Salesforce spells it.
    pub salesforce_object: String,
    /// Which way records travel.
    pub direction: Direction,
    /// History, or only the future.
    pub scope: Scope,
    /// What a delete does.
    pub delete_policy: DeletePolicy,
    /// Owner of records whose Salesforce owner has no partner user.
    pub default_owner: String,
    /// What a delete by the partner does to the Salesforce record. Never [`DeletePolicy::Archive`].
    #[serde(default = "ask")]
    pub partner_delete_policy: DeletePolicy,
    /// Owner of records in Salesforce whose partner owner has no Salesforce user. Given where the partner writes.
    #[serde(default)]
    pub salesforce_default_owner: Option<SalesforceId>,
    /// Who wins the owner.
    #[serde(default)]
    pub owner_rule: SyncRule,
    /// The unique external id field (API name) that carries the partner record's id in Salesforce. Given where the
    /// partner writes, but for objects that take none; those have an identity.
    #[serde(default)]
    pub external_id: Option<String>,
    /// Whether each linked Salesforce record is to carry the partner record's id. Only with an external id.
    #[serde(default)]
    pub mark_linked: bool,
    /// The date/time field (API name) that each write sets to its moment.
    #[serde(default)]
    pub last_written: Option<String>,
    /// The field pair by which records are recognised as the same.
    #[serde(default)]
    pub identity: Option<FieldId>,
    /// Whether records of the object may be merged (it has `MasterRecordId`).
    #[serde(default)]
    pub mergeable: bool,
    /// Whether records of the object may be converted (it has `IsConverted`).
    #[serde(default)]
    pub convertible: bool,
    /// Whether the object tells who modified a record last (`LastModifiedById`).
    #[serde(default)]
    pub has_last_modified_by: bool,
    /// Whether the object tells who made a record (`CreatedById`).
    #[serde(default)]
    pub has_created_by: bool,
    /// Leave an owner alone on update rather than replace it by the default owner of its side.
    pub keep_owner_on_update: bool,
    /// Whether the object has an owner (`OwnerId`).
    pub has_owner: bool,
    /// Fields, in the document's order. Those with [`SyncRule::DoNotSync`] have an id but never move.
    pub fields: Vec<FieldPlan>,
    /// The greatest field id ever given in this mapping, so that none is given twice.
    pub last_field_id: FieldId,
    /// The account that new records in Salesforce are attached to where the partner names none. It is no part of the
    /// mapping: the org's admin sets it.
    #[serde(skip)]
    pub default_account: Option<SalesforceId>,
}

/// A pair of fields, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldPlan {
    /// Stable id.
    pub id: FieldId,
    /// Partner field.
    pub partner: String,
    /// Its type.
    pub partner_type: PartnerType,
    /// Salesforce field.
    pub salesforce: SalesforceField,
    /// Who wins.
    pub rule: SyncRule,
    /// The partner refuses records without a value here.
    pub required: bool,
    /// Greatest number of characters that the partner takes.
    pub max_length: Option<u32>,
    /// Partner option by Salesforce option; `None`: the option does not sync. Empty: options pass unchanged.
    pub choices: BTreeMap<String, Option<String>>,
}

/// One thing wrong with a mapping document, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{at}: {message}")]
pub struct MappingProblem {
    /// Where, as a path in the document: `fields[3].salesforce`.
    pub at: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl MappingPlan {
    /// API names to ask Salesforce for, each once: `Id`, the fields that move, `OwnerId` where the object has one,
    /// what conversion and the partner's writes need, `SystemModstamp`.
    pub fn salesforce_fields(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let converted: &[&str] = if self.convertible { &CONVERTED } else { &[] };
        let created_by = self.writes_salesforce() && self.has_created_by;
        std::iter::once("Id")
            .chain(self.synced_fields().map(|field| field.salesforce.name.as_str()))
            .chain(self.has_owner.then_some("OwnerId"))
            .chain(self.external_id.as_deref())
            .chain(converted.iter().copied())
            .chain(created_by.then_some("CreatedById"))
            // Tells the gateway's own writes from others' edits, and the history who saved.
            .chain(self.has_last_modified_by.then_some("LastModifiedById"))
            .chain(std::iter::once("SystemModstamp"))
            .filter(|name| seen.insert(*name))
            .collect()
    }

    /// The plan as what the org's admin set makes it; none: that changes nothing.
    pub fn under(&self, settings: &AdminSettings) -> Option<MappingPlan> {
        let default_owner = settings.data_owner.as_ref().map(|owner| owner.user.clone());
        let account = settings.default_account.as_ref();
        let default_account = account
            .and_then(|account| account.id)
            .filter(|_| self.takes_account());
        let plan = MappingPlan {
            default_owner: default_owner.unwrap_or_else(|| self.default_owner.clone()),
            default_account,
            ..self.clone()
        };
        (plan != *self).then_some(plan)
    }

    /// Whether records of the object may be attached to an account that the admin names.
    pub fn takes_account(&self) -> bool {
        ATTACHED.contains(&self.salesforce_object.as_str())
    }

    /// The field that names the account of a record.
    pub fn account_field(&self) -> Option<&FieldPlan> {
        self.synced_fields()
            .find(|field| field.salesforce.name == ACCOUNT_FIELD && field.salesforce.createable)
    }

    /// The account that a new record is attached to beside its values, since no mapped field carries one.
    pub fn account_beside(&self) -> Option<(&'static str, SalesforceId)> {
        let account = self.default_account.filter(|_| self.account_field().is_none());
        account.map(|account| (ACCOUNT_FIELD, account))
    }

    /// Whether what happens in Salesforce reaches the partner.
    pub fn writes_partner(&self) -> bool {
        self.direction != Direction::PartnerToSalesforce
    }

    /// Whether what the partner does reaches Salesforce.
    pub fn writes_salesforce(&self) -> bool {
        self.direction != Direction::SalesforceToPartner
    }

    /// A mapped field by its id.
    pub fn field(&self, id: FieldId) -> Option<&FieldPlan> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// The external id of a partner's record in Salesforce; unique over connections, so that a sandbox made from a
    /// production org never answers for it. `generation`: see [`crate::decide::Outgoing::generation`].
    pub fn external_id_of(connection: ConnectionId, record: RecordId, generation: u32) -> String {
        match generation {
            0 => format!("cw-{connection}-{record}"),
            _ => format!("cw-{connection}-{record}-{generation}"),
        }
    }

    /// The partner record that an external id of this connection names, with its generation: the inverse of
    /// [`MappingPlan::external_id_of`]. None for any other text.
    pub fn record_of_external_id(connection: ConnectionId, text: &str) -> Option<(RecordId, u32)> {
        let mut parts = text.strip_prefix("cw-")?.split('-');
        let of: i64 = parts.next()?.parse().ok()?;
        let record = RecordId(parts.next()?.parse().ok()?);
        let generation = match parts.next() {
            None => 0,
            Some(generation) => generation.parse().ok()?,
        };
        // Other spellings of the same numbers are not ours.
        let ours = of == connection.0 && Self::external_id_of(connection, record, generation) == text;
        ours.then_some((record, generation))
    }

    /// Whether a text is the external id of a record of any connection.
    pub fn is_external_id(text: &str) -> bool {
        let connection = text
            .strip_prefix("cw-")
            .and_then(|rest| rest.split('-').next()?.parse().ok());
        connection
            .is_some_and(|connection| Self::record_of_external_id(ConnectionId(connection), text).is_some())
    }

    /// The field in which linked records carry the partner record's id; none where they are not marked.
    pub fn marked_field(&self) -> Option<&str> {
        self.external_id.as_deref().filter(|_| self.mark_linked)
    }

    /// What each write to Salesforce carries beside its values: the moment of the write.
    pub fn written_beside(&self, at: Instant) -> Option<(String, FieldValue)> {
        let field = self.last_written.clone()?;
        Some((field, FieldValue::DateTime(at)))
    }

    /// The fields that move.
    pub fn synced_fields(&self) -> impl Iterator<Item = &FieldPlan> {
        self.fields
            .iter()
            .filter(|field| field.rule != SyncRule::DoNotSync)
    }
}

impl FieldPlan {
    /// A problem with a value of this field.
    pub fn problem(&self, cause: ConversionCause) -> ConversionProblem {
        ConversionProblem {
            salesforce_field: self.salesforce.name.clone(),
            partner_field: self.partner.clone(),
            cause,
        }
    }
}
