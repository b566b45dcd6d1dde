//! What custom metadata types have in place of what objects have.

use std::path::Path;

use super::metadata::{CustomField, FieldKind};
use super::{Column, SfdxError};
use crate::data::definitions::{FIELDS, is_definition};

/// Custom metadata types have some types of fields, and metadata relationships for themselves.
///
/// Source: Salesforce Help, Create Custom Metadata Types and Fields.
pub fn check_place(object: &str, path: &Path, kind: FieldKind) -> Result<(), SfdxError> {
    let of_metadata = matches!(
        kind,
        FieldKind::MetadataRelationship
            | FieldKind::Checkbox
            | FieldKind::Date
            | FieldKind::DateTime
            | FieldKind::Email
            | FieldKind::LongTextArea
            | FieldKind::Number
            | FieldKind::Percent
            | FieldKind::Phone
            | FieldKind::Picklist
            | FieldKind::Text
            | FieldKind::TextArea
            | FieldKind::Url
    );
    let reason = match object.ends_with("__mdt") {
        true if !of_metadata => "type: custom metadata types have no such fields",
        false if kind == FieldKind::MetadataRelationship => {
            "type: MetadataRelationship fields belong to custom metadata types"
        }
        _ => return Ok(()),
    };
    Err(SfdxError::invalid(path, reason))
}

/// A metadata relationship leads to a custom metadata type, an object or a field of an object that another field names.
///
/// Source: Salesforce Help, Custom Metadata Relationships and Create Custom Metadata Relationship Fields.
pub fn check_target(
    target: &str,
    column: &mut Column,
    path: &Path,
    meta: &CustomField,
) -> Result<(), SfdxError> {
    if !target.ends_with("__mdt") && !is_definition(target) {
        let reason = "referenceTo: a metadata relationship refers to a custom metadata type, EntityDefinition or \
                      FieldDefinition";
        return Err(SfdxError::invalid(path, reason));
    }
    if target != FIELDS {
        return Ok(());
    }
    let governing = meta.metadata_relationship_controlling_field.as_deref();
    let Some(governing) = governing.map(str::trim).filter(|name| !name.is_empty()) else {
        return Err(SfdxError::invalid(
            path,
            "metadataRelationshipControllingField is missing; name the field with the object",
        ));
    };
    let own = governing.rsplit('.').next().unwrap_or(governing);
    column.field.governing_entity = Some(own.to_owned());
    Ok(())
}
