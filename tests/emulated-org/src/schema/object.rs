//! One object: its flags, fields and relationships.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;

use super::{Field, SchemaError};
use crate::access::Sight;
use crate::data::DuplicateRule;
use crate::data::{Data, Row};
use crate::formula::FormulaRule;
use crate::id::RecordId;

/// An object's metadata. Member names and defaults follow Salesforce's describe result, so that
/// `objects/*.json` files read as describe answers with the usual values left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each member is the describe key of the same name, documented by Salesforce"
)]
pub struct Object {
    pub name: String,
    pub label: String,
    pub label_plural: String,
    pub key_prefix: String,
    pub queryable: bool,
    pub createable: bool,
    pub updateable: bool,
    pub deletable: bool,
    pub retrieveable: bool,
    pub replicateable: bool,
    pub searchable: bool,
    pub triggerable: bool,
    pub undeletable: bool,
    pub layoutable: bool,
    pub activateable: bool,
    pub feed_enabled: bool,
    pub mru_enabled: bool,
    pub custom: bool,
    pub custom_setting: bool,
    pub mergeable: bool,
    pub deprecated_and_hidden: bool,
    pub fields: Vec<Field>,
    pub child_relationships: Vec<ChildRelationship>,
    pub record_type_infos: Vec<RecordTypeInfo>,
    /// Whether nobody but the code of the managed package sees it that it belongs to; no describe key.
    #[serde(skip)]
    pub is_protected: bool,
    /// Of a platform event: whether it is published at once; `None` where its metadata does not say; no describe key.
    #[serde(skip)]
    pub publishes_immediately: Option<bool>,
    /// Lists of fields for programs and pages; no describe key.
    #[serde(skip)]
    pub field_sets: Vec<FieldSet>,
    /// What must not be true of a record that is saved; no describe key.
    #[serde(skip)]
    pub validation_rules: Vec<Arc<FormulaRule>>,
    /// What happens to records that match others; no describe key.
    #[serde(skip)]
    pub duplicate_rules: Vec<DuplicateRule>,
    /// Which picklist values records have, by the id of their type; no describe key.
    #[serde(skip)]
    pub record_type_picklists: BTreeMap<RecordId, Vec<RecordTypePicklist>>,
    /// What of others' records users see who hold no permission on all of them.
    #[serde(skip)]
    pub sharing: Sharing,
    /// Which rows the user sees whose view of the object this is; `None` for all.
    #[serde(skip)]
    pub(crate) sight: Option<Arc<Sight>>,
    /// Whether this is a user's view of the object, which lacks what the user must not see.
    #[serde(skip)]
    pub(crate) is_view: bool,
    /// The positions of the fields that the user does not see whose view of the object this is.
    #[serde(skip)]
    hidden: BTreeSet<usize>,
    #[serde(skip)]
    position_by_name: HashMap<String, usize>,
    #[serde(skip)]
    position_by_relationship: HashMap<String, usize>,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            name: String::new(),
            label: String::new(),
            label_plural: String::new(),
            key_prefix: String::new(),
            queryable: true,
            createable: true,
            updateable: true,
            deletable: true,
            retrieveable: true,
            replicateable: true,
            searchable: true,
            triggerable: true,
            undeletable: true,
            layoutable: true,
            activateable: false,
            feed_enabled: false,
            mru_enabled: false,
            custom: false,
            custom_setting: false,
            mergeable: false,
            deprecated_and_hidden: false,
            fields: Vec::new(),
            child_relationships: Vec::new(),
            record_type_infos: Vec::new(),
            is_protected: false,
            publishes_immediately: None,
            field_sets: Vec::new(),
            validation_rules: Vec::new(),
            duplicate_rules: Vec::new(),
            record_type_picklists: BTreeMap::new(),
            sharing: Sharing::default(),
            sight: None,
            is_view: false,
            hidden: BTreeSet::new(),
            position_by_name: HashMap::new(),
            position_by_relationship: HashMap::new(),
        }
    }
}

impl Object {
    /// A field and its position by its API name, in any case.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<(usize, &Field)> {
        let position = match self.position_by_name.get(name) {
            Some(position) => *position,
            None => *self.position_by_name.get(&name.to_ascii_lowercase())?,
        };
        Some((position, self.fields.get(position)?))
    }

    /// The reference field behind a relationship name such as `Account`, `Owner` or `Parent__r`, in any case.
    #[must_use]
    pub fn relationship(&self, name: &str) -> Option<(usize, &Field)> {
        let position = *self.position_by_relationship.get(&name.to_ascii_lowercase())?;
        Some((position, self.fields.get(position)?))
    }

    /// The fields that the user sees whose view of the object this is, with their positions.
    pub fn visible_fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        let all = self.fields.iter().enumerate();
        all.filter(|(position, _)| !self.hidden.contains(position))
    }

    /// Whether the user sees a row whose view of the object this is.
    pub(crate) fn shows(&self, row: &Row, data: &Data) -> bool {
        self.sight.as_ref().is_none_or(|sight| sight.sees(row, data))
    }

    /// Hides fields: no name leads to them any more, while stored rows keep their positions.
    pub(crate) fn hide(&mut self, positions: BTreeSet<usize>) {
        let shown = |position: &mut usize| !positions.contains(position);
        self.position_by_name.retain(|_, position| shown(position));
        self.position_by_relationship
            .retain(|_, position| shown(position));
        self.hidden = positions;
    }

    /// Whether its records are metadata.
    #[must_use]
    pub fn is_custom_metadata(&self) -> bool {
        self.custom && self.name.ends_with("__mdt")
    }

    /// The field that names a record in lists (`Name`, `Subject`, `CaseNumber`).
    #[must_use]
    pub fn name_field(&self) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| field.name_field)
    }

    /// The child relationship behind a plural name such as `Contacts`, in any case.
    #[must_use]
    pub fn child_relationship(&self, name: &str) -> Option<&ChildRelationship> {
        self.child_relationships.iter().find(|child| {
            child
                .relationship_name
                .as_deref()
                .is_some_and(|known| known.eq_ignore_ascii_case(name))
        })
    }

    /// Rebuilds the name look-ups after the fields changed.
    pub(super) fn index(&mut self) -> Result<(), SchemaError> {
        self.position_by_name.clear();
        self.position_by_relationship.clear();
        for (position, field) in self.fields.iter().enumerate() {
            let lower = field.name.to_ascii_lowercase();
            if self.position_by_name.insert(lower, position).is_some() {
                return Err(SchemaError::DuplicateField {
                    object: self.name.clone(),
                    field: field.name.clone(),
                });
            }
            // The exact spelling is kept too: it spares the common case a lower-casing.
            self.position_by_name.insert(field.name.clone(), position);
            if let Some(relationship) = &field.relationship_name {
                self.position_by_relationship
                    .insert(relationship.to_ascii_lowercase(), position);
            }
        }
        if !self.position_by_name.contains_key("id") {
            return Err(SchemaError::Invalid {
                object: self.name.clone(),
                reason: "has no field Id".to_owned(),
            });
        }
        if self.key_prefix.len() != 3 || !self.key_prefix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(SchemaError::Invalid {
                object: self.name.clone(),
                reason: format!("keyPrefix {:?} must be three letters or digits", self.key_prefix),
            });
        }
        Ok(())
    }
}

/// A field set, with the fields that it shows in their order and whether each is required.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each member is the metadata element of the same name")]
pub struct FieldSet {
    pub full_name: String,
    pub label: String,
    pub description: Option<String>,
    pub displayed_fields: Vec<(String, bool)>,
}

/// The organisation-wide default of an object: what of others' records users see and do.
///
/// Source: Salesforce Help, Organization-Wide Default Sharing Settings; Metadata API Developer Guide, `SharingModel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Sharing {
    /// Nothing.
    Private,
    /// They see them.
    Read,
    /// They see and change them.
    #[default]
    ReadWrite,
    /// They also give them to other owners; cases and leads alone.
    ReadWriteTransfer,
    /// They do all that the owner may; campaigns alone.
    FullAccess,
    /// What they see and do with the record's parent.
    ControlledByParent,
}

/// A relationship seen from the parent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct ChildRelationship {
    /// The child object's API name.
    #[serde(rename = "childSObject")]
    pub child_sobject: String,
    /// The child's reference field.
    pub field: String,
    /// The name used in subqueries and nested trees; some relationships have none.
    pub relationship_name: Option<String>,
    /// Whether deleting the parent deletes the child.
    pub cascade_delete: bool,
    /// Whether the child forbids deleting the parent.
    pub restricted_delete: bool,
    /// Whether Salesforce hides the relationship from new clients.
    pub deprecated_and_hidden: bool,
}

/// The values that one picklist has for records of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RecordTypePicklist {
    /// The field.
    pub picklist: String,
    /// Its values.
    pub values: Vec<RecordTypeValue>,
}

/// One value of a picklist that a record type has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RecordTypeValue {
    /// The value as metadata files spell it, with special characters behind per cent signs.
    pub full_name: String,
    /// Whether records that are given none get it.
    pub default: bool,
}

impl RecordTypeValue {
    /// The value as records hold it.
    #[must_use]
    pub fn name(&self) -> String {
        percent_encoding::percent_decode_str(&self.full_name)
            .decode_utf8_lossy()
            .into_owned()
    }
}

/// A record type of an object.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    missing_docs,
    reason = "each member is the describe key of the same name, documented by Salesforce"
)]
pub struct RecordTypeInfo {
    pub record_type_id: Option<String>,
    pub name: String,
    pub developer_name: String,
    pub available: bool,
    pub active: bool,
    pub master: bool,
    pub default_record_type_mapping: bool,
}

impl Default for RecordTypeInfo {
    fn default() -> Self {
        Self {
            record_type_id: None,
            name: String::new(),
            developer_name: String::new(),
            available: true,
            active: true,
            master: false,
            default_record_type_mapping: false,
        }
    }
}
