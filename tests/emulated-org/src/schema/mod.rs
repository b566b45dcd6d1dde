//! What objects and fields the organisation has: Salesforce's own metadata, as its describe calls show it.

mod calculated;
mod field;
mod object;
mod person_account;
mod redefine;
pub mod sfdx;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use field::{Field, FieldType, PicklistValue};
pub use object::{
    ChildRelationship, FieldSet, Object, RecordTypeInfo, RecordTypePicklist, RecordTypeValue, Sharing,
};
pub(crate) use person_account::{
    IS_PERSON_ACCOUNT, IS_PERSON_TYPE, PERSON_CONTACT_ID, PERSON_RECORD_TYPE, name_on_account,
};

include!(concat!(env!("OUT_DIR"), "/object_files.rs"));

/// Why a schema could not be built or extended.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A standard object's file does not follow the describe keys.
    #[error("objects/{file}: {source}")]
    ObjectFile {
        /// The file's name inside `objects/`.
        file: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Two objects share a name.
    #[error("object {0} exists already")]
    DuplicateObject(String),
    /// Two objects share a key prefix.
    #[error("key prefix {prefix} of {object} is taken by {other}")]
    DuplicateKeyPrefix {
        /// The prefix both ask for.
        prefix: String,
        /// The object that came second.
        object: String,
        /// The object that has it.
        other: String,
    },
    /// Two fields of one object share a name.
    #[error("field {object}.{field} exists already")]
    DuplicateField {
        /// The object.
        object: String,
        /// The field that came twice.
        field: String,
    },
    /// A field or child relationship names an object that does not exist.
    #[error("object {0} does not exist")]
    UnknownObject(String),
    /// The object's metadata contradicts itself.
    #[error("object {object}: {reason}")]
    Invalid {
        /// The object.
        object: String,
        /// What is wrong and what would be right.
        reason: String,
    },
}

/// All objects of an organisation.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    by_name: BTreeMap<String, Arc<Object>>,
    name_by_prefix: BTreeMap<String, String>,
}

impl Schema {
    /// The standard objects, from the files in `objects/`.
    ///
    /// # Errors
    /// A file that does not follow the describe keys, or objects that contradict each other.
    pub fn standard() -> Result<Self, SchemaError> {
        let mut schema = Self::default();
        for (file, text) in OBJECT_FILES {
            let object =
                serde_json::from_str(text).map_err(|source| SchemaError::ObjectFile { file, source })?;
            schema.add_object(object)?;
        }
        Ok(schema)
    }

    /// An object by its API name, in any case.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&Arc<Object>> {
        self.by_name.get(&name.to_ascii_lowercase())
    }

    /// The object whose ids begin with this prefix.
    #[must_use]
    pub fn object_by_prefix(&self, prefix: &str) -> Option<&Arc<Object>> {
        self.by_name.get(self.name_by_prefix.get(prefix)?)
    }

    /// All objects, by name.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.by_name.values()
    }

    /// Adds an object.
    ///
    /// # Errors
    /// A name or key prefix that is taken, or fields that share a name.
    pub fn add_object(&mut self, mut object: Object) -> Result<(), SchemaError> {
        object.index()?;
        let key = object.name.to_ascii_lowercase();
        if self.by_name.contains_key(&key) {
            return Err(SchemaError::DuplicateObject(object.name));
        }
        // An enhanced note is a view of its document, and has its id.
        if object.name == "ContentNote" {
            self.by_name.insert(key, Arc::new(object));
            return Ok(());
        }
        if let Some(other) = self.object_by_prefix(&object.key_prefix) {
            return Err(SchemaError::DuplicateKeyPrefix {
                prefix: object.key_prefix,
                other: other.name.clone(),
                object: object.name,
            });
        }
        self.name_by_prefix.insert(object.key_prefix.clone(), key.clone());
        self.by_name.insert(key, Arc::new(object));
        Ok(())
    }

    /// Adds a field at the end of an object's fields, so that stored rows keep their positions.
    ///
    /// # Errors
    /// An object that does not exist, or a field that does.
    pub fn add_field(&mut self, object: &str, field: Field) -> Result<(), SchemaError> {
        self.change_object(object, |object| object.fields.push(field))
    }

    /// Adds a child relationship to a parent object.
    ///
    /// # Errors
    /// An object that does not exist.
    pub fn add_child_relationship(
        &mut self,
        parent: &str,
        child: ChildRelationship,
    ) -> Result<(), SchemaError> {
        self.change_object(parent, |object| object.child_relationships.push(child))
    }

    /// Sets what of others' records of an object users see.
    ///
    /// # Errors
    /// An object that does not exist.
    pub fn set_sharing(&mut self, object: &str, sharing: Sharing) -> Result<(), SchemaError> {
        self.change_object(object, |object| object.sharing = sharing)
    }

    /// The metadata as `seen` shows it of each object; `None` leaves the object out.
    pub(crate) fn seen(&self, seen: impl Fn(&Arc<Object>) -> Option<Arc<Object>>) -> Self {
        let by_name: BTreeMap<String, Arc<Object>> = self
            .by_name
            .iter()
            .filter_map(|(name, object)| Some((name.clone(), seen(object)?)))
            .collect();
        let name_by_prefix = self
            .name_by_prefix
            .iter()
            .filter(|(_, name)| by_name.contains_key(*name))
            .map(|(prefix, name)| (prefix.clone(), name.clone()))
            .collect();
        Self {
            by_name,
            name_by_prefix,
        }
    }

    pub(crate) fn change_object(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut Object),
    ) -> Result<(), SchemaError> {
        let stored = self
            .by_name
            .get_mut(&name.to_ascii_lowercase())
            .ok_or_else(|| SchemaError::UnknownObject(name.to_owned()))?;
        let mut changed = Object::clone(stored);
        change(&mut changed);
        changed.index()?;
        *stored = Arc::new(changed);
        Ok(())
    }
}
