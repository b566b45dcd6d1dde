//! One object: its flags, fields and relationships.

use std::collections::HashMap;

use serde::Deserialize;

use super::{Field, SchemaError};

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
