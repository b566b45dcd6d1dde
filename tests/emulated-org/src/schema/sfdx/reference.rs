//! Lookups and master-details.

use std::path::Path;

use super::super::{ChildRelationship, Schema};
use crate::data::definitions::is_definition;

use super::metadata::{CustomField, DeleteConstraint, FieldKind};
use super::{Column, SfdxError, metadata_type};

/// Points a reference field at its object, and tells that object of the new child.
pub fn set_target(
    schema: &Schema,
    column: &mut Column,
    path: &Path,
    meta: &CustomField,
    kind: FieldKind,
) -> Result<(), SfdxError> {
    let refuse = |reason: String| SfdxError::invalid(path, reason);
    let target = match (kind, &meta.reference_to) {
        (_, Some(target)) => target.as_str(),
        (FieldKind::Hierarchy, None) if column.object == "User" => "User",
        _ => {
            return Err(refuse(
                "referenceTo is missing; name the object that the field refers to".to_owned(),
            ));
        }
    };
    let target = schema
        .object(target)
        .map(|object| object.name.clone())
        .ok_or_else(|| {
            refuse(format!(
                "referenceTo: object {target} is neither standard here nor in the source"
            ))
        })?;
    if kind == FieldKind::MetadataRelationship {
        metadata_type::check_target(&target, column, path, meta)?;
    }
    let is_detail = kind == FieldKind::MasterDetail;
    let constraint = meta.delete_constraint.unwrap_or(DeleteConstraint::SetNull);
    let field = &mut column.field;
    if meta.required && constraint == DeleteConstraint::SetNull && meta.delete_constraint.is_some() {
        return Err(refuse(
            "deleteConstraint: a required lookup takes Restrict or Cascade".to_owned(),
        ));
    }
    field.relationship_name = field.name.strip_suffix("__c").map(|stem| format!("{stem}__r"));
    field.reference_to = vec![target.clone()];
    field.search_prefilterable = true;
    field.cascade_delete = is_detail || constraint == DeleteConstraint::Cascade;
    field.restricted_delete = !is_detail
        && (constraint == DeleteConstraint::Restrict || meta.required && meta.delete_constraint.is_none());
    if is_detail {
        field.nillable = false;
        field.updateable = meta.reparentable_master_detail;
        field.relationship_order = Some(meta.relationship_order.unwrap_or(0));
        field.write_requires_master_read = meta.write_requires_master_read;
    }
    // Definitions have none of these children.
    if is_definition(&target) {
        return Ok(());
    }
    column.parents.push((
        target,
        ChildRelationship {
            child_sobject: column.object.clone(),
            field: field.name.clone(),
            relationship_name: meta.relationship_name.as_ref().map(|name| format!("{name}__r")),
            cascade_delete: field.cascade_delete,
            restricted_delete: field.restricted_delete,
            deprecated_and_hidden: false,
        },
    ));
    Ok(())
}
