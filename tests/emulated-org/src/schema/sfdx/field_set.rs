//! Field sets from metadata.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::{FieldSet, Object, Schema};
use super::{SfdxError, change, metadata, objects_behind, source};

/// `FieldSet`. Unknown elements are refused, as a deployment would.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Definition {
    #[serde(rename = "@xmlns")]
    _namespace: Option<IgnoredAny>,
    #[serde(rename = "@xmlns:xsi")]
    _instance_namespace: Option<IgnoredAny>,
    full_name: String,
    label: String,
    description: Option<String>,
    displayed_fields: Vec<Item>,
    available_fields: Vec<Item>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    field: String,
    is_required: bool,
    #[serde(rename = "isFieldManaged")]
    _is_field_managed: Option<IgnoredAny>,
}

/// Adds an object's field sets; one of the same name is replaced.
pub fn add(schema: &mut Schema, object: &str, paths: &[PathBuf]) -> Result<(), SfdxError> {
    for path in paths {
        let definition: Definition = metadata::read(path, "FieldSet")?;
        let expected = source::file_stem(path, ".fieldSet-meta.xml");
        if expected != Some(definition.full_name.as_str()) {
            let reason = format!(
                "fullName is {}; it must equal the file's name",
                definition.full_name
            );
            return Err(SfdxError::invalid(path, reason));
        }
        for target in objects_behind(object) {
            let Some(known) = schema.object(target) else {
                let reason = format!("object {target} does not exist");
                return Err(SfdxError::invalid(path, reason));
            };
            let items = definition
                .displayed_fields
                .iter()
                .chain(&definition.available_fields);
            for item in items {
                check(schema, known, path, &item.field)?;
            }
            let shown = definition
                .displayed_fields
                .iter()
                .map(|item| (item.field.clone(), item.is_required));
            let set = FieldSet {
                full_name: definition.full_name.clone(),
                label: definition.label.clone(),
                description: definition.description.clone(),
                displayed_fields: shown.collect(),
            };
            change(schema, path, target, |object| {
                object.field_sets.retain(|known| known.full_name != set.full_name);
                object.field_sets.push(set);
            })?;
        }
    }
    Ok(())
}

/// The fields of a set are those of the object or of its parents.
fn check(schema: &Schema, object: &Object, path: &Path, field: &str) -> Result<(), SfdxError> {
    let mut at = object;
    let mut steps: Vec<&str> = field.split('.').collect();
    let last = steps.pop().unwrap_or_default();
    let missing = || SfdxError::invalid(path, format!("field: {field} is no field of {}", object.name));
    for step in steps {
        let (_, reference) = at.relationship(step).ok_or_else(missing)?;
        let parent = reference.reference_to.first().ok_or_else(missing)?;
        at = schema.object(parent).ok_or_else(missing)?;
    }
    at.field(last).map(|_| ()).ok_or_else(missing)
}
