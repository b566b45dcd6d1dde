//! The checked plan of a mapping.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::{FieldId, MappingId, PlanRevision};
use crate::mapping::catalog::{PartnerType, SalesforceField};
use crate::mapping::convert::{ConversionCause, ConversionProblem};
use crate::mapping::document::{DeletePolicy, Direction, Scope, SyncRule};

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
    /// Leave the partner's owner alone on update rather than replace it by the default owner.
    pub keep_owner_on_update: bool,
    /// Whether the object has an owner (`OwnerId`).
    pub has_owner: bool,
    /// Fields, in the document's order. Those with [`SyncRule::DoNotSync`] have an id but never move.
    pub fields: Vec<FieldPlan>,
    /// The greatest field id ever given in this mapping, so that none is given twice.
    pub last_field_id: FieldId,
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
    /// `SystemModstamp`.
    pub fn salesforce_fields(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        std::iter::once("Id")
            .chain(self.synced_fields().map(|field| field.salesforce.name.as_str()))
            .chain(self.has_owner.then_some("OwnerId"))
            .chain(std::iter::once("SystemModstamp"))
            .filter(|name| seen.insert(*name))
            .collect()
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
