//! Loads custom objects and fields from SFDX source folders into a [`Schema`].
//!
//! Read are `objects/<Object>/<Object>.object-meta.xml`, `objects/<Object>/fields/*.field-meta.xml` and
//! `globalValueSets/*.globalValueSet-meta.xml` at any depth, then `validationRules/*.validationRule-meta.xml` and
//! `fieldSets/*.fieldSet-meta.xml` of objects, `duplicateRules/*.duplicateRule-meta.xml` and `matchingRules/*.matchingRule-meta.xml`. Fields under
//! `objects/Activity` land on Task and Event, as in Salesforce. Permissions and record types are read by `access`.
//! Lookup filters and page layouts are left alone.
//!
//! Source: Salesforce Metadata API Developer Guide, `CustomObject`, `CustomField`, `GlobalValueSet`, `ValidationRule`,
//! `DuplicateRule` and `MatchingRules`.

mod access;
mod duplicate_rule;
mod field;
mod field_set;
pub(crate) mod metadata;
mod metadata_type;
mod object;
mod picklist;
mod reference;
pub(crate) mod source;
mod validation_rule;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{ChildRelationship, Field, Object, Schema, SchemaError};
pub(crate) use access::{AccessSource, access};
use metadata::{CustomField, CustomObject, Visibility};
use source::ObjectSource;

/// Why SFDX source was refused. Every variant names the file at fault.
#[derive(Debug, thiserror::Error)]
pub enum SfdxError {
    /// A file or folder cannot be read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not well-formed XML.
    #[error("{}: malformed XML", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: quick_xml::Error,
    },
    /// A file's elements are not those of its metadata type, e.g. an unknown field type.
    #[error("{}: {source}", path.display())]
    Elements {
        /// The file.
        path: PathBuf,
        /// Which element, and what it should be.
        source: quick_xml::DeError,
    },
    /// A file's elements contradict each other or Salesforce's rules.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The schema refused the object or field that a file describes.
    #[error("{}: {source}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SchemaError,
    },
}

impl SfdxError {
    fn invalid(path: &Path, reason: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// Hides the protected custom settings of installed managed packages from everything but the packages' own code.
///
/// Source: Apex Developer Guide, Custom Settings: "If the custom setting is contained in a managed package, subscribing
/// organizations can't see the custom setting" where its visibility is protected.
///
/// # Errors
/// Unreadable or malformed files.
pub fn protect(schema: &mut Schema, packages: &[impl AsRef<Path>]) -> Result<(), SfdxError> {
    for (name, object_source) in &source::find(packages)?.objects {
        let Some(path) = &object_source.object_file else {
            continue;
        };
        let definition: CustomObject = metadata::read(path, "CustomObject")?;
        if definition.visibility == Some(Visibility::Protected) && definition.custom_settings_type.is_some() {
            change(schema, path, name, |object| object.is_protected = true)?;
        }
    }
    Ok(())
}

/// Adds everything found in `folders` to `schema`. The folders are one deployment: a field in one may look up
/// to an object in another.
///
/// # Errors
/// Unreadable or malformed files, unknown field types, lookups to objects that neither exist nor are in the
/// source, and names, lengths or values that Salesforce would not deploy. The schema is left as it was.
pub fn load(schema: &mut Schema, folders: &[impl AsRef<Path>]) -> Result<(), SfdxError> {
    let source = source::find(folders)?;
    let value_sets = picklist::global_value_sets(&source.global_value_sets)?;

    let mut parsed = BTreeMap::new();
    for (name, object_source) in &source.objects {
        parsed.insert(name.as_str(), parse_object(object_source)?);
    }

    let mut loaded = schema.clone();
    for (name, (_, fields)) in &parsed {
        let Some(object_source) = source.objects.get(*name) else {
            continue;
        };
        add_object(&mut loaded, name, object_source, fields)?;
    }
    for (name, object_source) in &source.objects {
        if let Some(path) = object_source.record_types.first() {
            change(&mut loaded, path, name, crate::access::take_record_types)?;
        }
    }
    let mut built = Vec::new();
    for (name, (_, fields)) in &parsed {
        for (path, field) in fields {
            if !is_custom_name(&field.full_name) {
                field::check_standard(&loaded, name, path, &field.full_name)?;
                continue;
            }
            for target in objects_behind(name) {
                built.extend(field::build(&loaded, target, path, field, &value_sets)?);
            }
        }
    }
    field::complete(&loaded, &mut built)?;
    let mut files = BTreeMap::new();
    for column in built {
        files.insert(
            (column.object.clone(), column.field.name.clone()),
            column.path.clone(),
        );
        add_column(&mut loaded, column)?;
    }
    loaded.calculate().map_err(|refused| {
        let at = (refused.object.clone(), refused.field.clone());
        let path = files.get(&at).cloned().unwrap_or_default();
        SfdxError::invalid(&path, format!("formula: {}", refused.reason))
    })?;
    for (name, object_source) in &source.objects {
        validation_rule::add(&mut loaded, name, &object_source.validation_rules)?;
    }
    for (name, object_source) in &source.objects {
        field_set::add(&mut loaded, name, &object_source.field_sets)?;
    }
    duplicate_rule::add(&mut loaded, &source.duplicate_rules, &source.matching_rules)?;
    *schema = loaded;
    Ok(())
}

/// Takes over what the file of an object that is there changes of it: its names, if it is a custom one, and what users
/// see of others' records.
///
/// # Errors
/// Those of [`load`].
pub(crate) fn redefine(schema: &mut Schema, name: &str, path: &Path) -> Result<(), SfdxError> {
    let definition: metadata::CustomObject = metadata::read(path, "CustomObject")?;
    change(schema, path, name, |object| {
        if object.custom {
            object.label = definition.label.unwrap_or_else(|| object.label.clone());
            let plural = definition.plural_label;
            object.label_plural = plural.unwrap_or_else(|| object.label_plural.clone());
        }
        object.sharing = definition.sharing_model.unwrap_or(object.sharing);
    })
}

type ParsedObject = (Option<PathBuf>, Vec<(PathBuf, CustomField)>);

fn parse_object(source: &ObjectSource) -> Result<ParsedObject, SfdxError> {
    let mut fields = Vec::new();
    for path in &source.fields {
        let field: CustomField = metadata::read(path, "CustomField")?;
        let expected = source::file_stem(path, ".field-meta.xml");
        if expected != Some(field.full_name.as_str()) {
            return Err(SfdxError::invalid(
                path,
                format!("fullName is {}; it must equal the file's name", field.full_name),
            ));
        }
        fields.push((path.clone(), field));
    }
    Ok((source.object_file.clone(), fields))
}

fn add_object(
    schema: &mut Schema,
    name: &str,
    source: &ObjectSource,
    fields: &[(PathBuf, CustomField)],
) -> Result<(), SfdxError> {
    if !is_custom_name(name) {
        if objects_behind(name)
            .iter()
            .any(|object| schema.object(object).is_none())
        {
            return Err(SfdxError::invalid(
                &source.folder,
                format!(
                    "{name} is no standard object of this organisation, and a custom object's name ends in __c"
                ),
            ));
        }
        // Standard objects' own files rename labels and set options that change no field.
        if let Some(path) = &source.object_file {
            let definition: metadata::CustomObject = metadata::read(path, "CustomObject")?;
            if let Some(sharing) = definition.sharing_model {
                change(schema, path, name, |object| object.sharing = sharing)?;
            }
        }
        return Ok(());
    }
    let Some(path) = &source.object_file else {
        if schema.object(name).is_some() {
            return Ok(());
        }
        return Err(SfdxError::invalid(
            &source.folder,
            format!("object {name} does not exist; add {name}.object-meta.xml beside its fields"),
        ));
    };
    let definition = metadata::read(path, "CustomObject")?;
    let object = object::build(schema, name, path, &definition, fields)?;
    let activities = definition.enable_activities;
    let parents = object::parents_of(&object);
    schema.add_object(object).map_err(|source| SfdxError::Schema {
        path: path.clone(),
        source,
    })?;
    for (parent, child) in parents {
        if schema.object(&parent).is_some() {
            change(schema, path, &parent, |object| {
                object.child_relationships.push(child)
            })?;
        }
    }
    if activities {
        object::allow_activities(schema, path, name)?;
    }
    if name.ends_with("__c") && definition.custom_settings_type.is_none() {
        object::allow_files(schema, path, name)?;
    }
    Ok(())
}

/// A field about to be added, and what its parent objects learn of it.
struct Column {
    path: PathBuf,
    object: String,
    field: Field,
    parents: Vec<(String, ChildRelationship)>,
    after: Completion,
}

/// What a field needs from other fields of the same deployment.
enum Completion {
    Nothing,
    DependsOn {
        controller: String,
        allowed: Vec<(String, Vec<String>)>,
    },
    Summarizes {
        object: String,
        field: String,
    },
}

fn add_column(schema: &mut Schema, column: Column) -> Result<(), SfdxError> {
    let Column {
        path,
        object,
        field,
        parents,
        ..
    } = column;
    schema
        .add_field(&object, field)
        .map_err(|source| SfdxError::Schema {
            path: path.clone(),
            source,
        })?;
    for (parent, child) in parents {
        if let Some(name) = &child.relationship_name
            && schema
                .object(&parent)
                .is_some_and(|parent| parent.child_relationship(name).is_some())
        {
            return Err(SfdxError::invalid(
                &path,
                format!("relationshipName: {parent} already has a child relationship {name}; choose another"),
            ));
        }
        change(schema, &path, &parent, |object| {
            object.child_relationships.push(child)
        })?;
    }
    Ok(())
}

fn change(
    schema: &mut Schema,
    path: &Path,
    object: &str,
    change: impl FnOnce(&mut Object),
) -> Result<(), SfdxError> {
    schema
        .change_object(object, change)
        .map_err(|source| SfdxError::Schema {
            path: path.to_owned(),
            source,
        })
}

/// Custom names carry a suffix of two underscores and a kind.
fn is_custom_name(name: &str) -> bool {
    name.rsplit_once("__")
        .is_some_and(|(_, suffix)| !suffix.is_empty())
}

/// Fields of Activity are fields of Task and Event.
fn objects_behind(name: &str) -> Vec<&str> {
    if name == "Activity" {
        vec!["Task", "Event"]
    } else {
        vec![name]
    }
}
