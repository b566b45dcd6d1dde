//! Access to Apex classes and custom permissions as records: `SetupEntityAccess`, and the custom permissions
//! themselves.
//!
//! Source: Object Reference for the Salesforce Platform, SetupEntityAccess and CustomPermission; Metadata API Developer
//! Guide, CustomPermission. A permission set may name a class that comes later: until then no record can say so.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::extras::Extras;
use super::records::{all, one, referring};
use crate::data::{Author, Authority, Data, Draft, DuplicateOptions, Operation, Refusal, Transaction};
use crate::id::RecordId;
use crate::org::Org;
use crate::schema::sfdx::{SfdxError, metadata, source};
use crate::schema::{Object, Schema};
use crate::value::Value;

/// `CustomPermission`, as far as its record shows it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct CustomPermission {
    pub(crate) label: String,
    pub(crate) description: Option<String>,
    pub(crate) is_licensed: bool,
}

/// The fields of a custom permission's record.
pub(crate) fn permission_fields(name: &str, definition: &CustomPermission) -> Vec<(&'static str, Value)> {
    let description = definition.description.as_deref();
    vec![
        ("DeveloperName", Value::text(name)),
        ("MasterLabel", Value::text(definition.label.as_str())),
        ("Language", Value::text("en_US")),
        ("Description", description.map_or(Value::Null, Value::text)),
        ("IsLicensed", Value::Boolean(definition.is_licensed)),
    ]
}

/// What the records of a permission set open. Names are in lower case.
pub(super) fn opened_by(set: RecordId, data: &Data) -> Extras {
    let mut extras = Extras::default();
    for record in referring(data, "SetupEntityAccess", "ParentId", set) {
        let Some(entity) = record.id_in("SetupEntityId") else {
            continue;
        };
        if let Some(class) = one(data, "ApexClass", entity) {
            extras.classes.insert(class.text("Name").to_ascii_lowercase());
        } else if let Some(permission) = one(data, "CustomPermission", entity) {
            let name = permission.text("DeveloperName").to_ascii_lowercase();
            extras.custom_permissions.insert(name);
        }
    }
    extras
}

/// The record of a class or a custom permission.
pub(super) fn entity_named(data: &Data, kind: &str, name: &str) -> Option<RecordId> {
    let field = if kind == "ApexClass" {
        "Name"
    } else {
        "DeveloperName"
    };
    let found = all(data, kind).find(|record| record.text(field).eq_ignore_ascii_case(name));
    found.map(|record| record.row.id())
}

impl Org {
    /// Loads the custom permissions of source folders.
    pub(crate) fn load_custom_permissions(&self, folders: &[impl AsRef<Path>]) -> Result<(), SfdxError> {
        let schema = self.schema();
        let Some(object) = schema.object("CustomPermission") else {
            return Ok(());
        };
        for path in source::find(folders)?.custom_permissions {
            let definition: CustomPermission = metadata::read(&path, "CustomPermission")?;
            let name = source::file_stem(&path, ".customPermission-meta.xml").unwrap_or_default();
            let mut data = self.write();
            let mut transaction = Transaction::begin(&mut data, &schema, self.platform());
            let operation = Operation::Create {
                object: Arc::clone(object),
                draft: draft(object, permission_fields(name, &definition)),
            };
            transaction
                .save(operation)
                .map_err(|refusal| SfdxError::Invalid {
                    reason: words(refusal),
                    path,
                })?;
        }
        Ok(())
    }

    /// Writes as records what permission sets open, as far as there are records to name.
    pub(crate) fn record_entity_access(&self, data: &mut Data, schema: &Schema) {
        let Some(object) = schema.object("SetupEntityAccess") else {
            return;
        };
        let found = self
            .access
            .take_entities(|kind, name| entity_named(data, kind, name));
        let mut transaction = Transaction::begin(data, schema, self.platform());
        for (set, kind, entity) in found {
            let fields = vec![
                ("ParentId", Value::Id(set)),
                ("SetupEntityId", Value::Id(entity)),
                ("SetupEntityType", Value::text(kind)),
            ];
            let operation = Operation::Create {
                object: Arc::clone(object),
                draft: draft(object, fields),
            };
            // A permission set that is gone opens nothing.
            drop(transaction.save(operation));
        }
    }

    fn platform(&self) -> Author {
        Author {
            user: self.admin,
            now: self.clock.now(),
            authority: Authority::Platform,
            duplicates: DuplicateOptions::default(),
        }
    }
}

fn words(refusal: Refusal) -> String {
    let errors: Vec<String> = refusal.into_errors().iter().map(ToString::to_string).collect();
    errors.join("; ")
}

fn draft(object: &Object, fields: Vec<(&str, Value)>) -> Draft {
    let values = fields
        .into_iter()
        .filter_map(|(name, value)| Some((object.field(name)?.0, value)));
    Draft {
        values: values.collect(),
        parents: Vec::new(),
    }
}
