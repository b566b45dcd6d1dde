//! Custom objects, custom settings, custom metadata types and platform events.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::{ChildRelationship, Field, FieldType, Object, RecordTypeInfo, Schema};
use super::metadata::{
    CustomField, CustomObject, CustomSettingsType, FieldKind, NameField, NameFieldKind, PublishBehavior,
};
use super::{SfdxError, change};

/// Builds the object that an object file describes, without its custom fields.
pub fn build(
    schema: &Schema,
    name: &str,
    path: &Path,
    definition: &CustomObject,
    fields: &[(PathBuf, CustomField)],
) -> Result<Object, SfdxError> {
    let kind = Kind::of(name, path)?;
    let label = definition
        .label
        .clone()
        .ok_or_else(|| SfdxError::invalid(path, "label is missing; every custom object needs one"))?;
    let is_detail = fields
        .iter()
        .any(|(_, field)| field.kind == Some(FieldKind::MasterDetail));
    let is_setting = definition.custom_settings_type.is_some();
    let is_data = kind == Kind::Data;
    let mut object = Object::default();
    object.name = name.to_owned();
    object.label_plural = definition.plural_label.clone().unwrap_or_else(|| label.clone());
    object.label = label;
    object.key_prefix = free_prefix(schema, kind.prefix_letter()).ok_or_else(|| {
        SfdxError::invalid(
            path,
            "the organisation has no key prefix left for another custom object",
        )
    })?;
    object.custom = true;
    object.custom_setting = is_setting;
    object.queryable = kind != Kind::Event;
    object.createable = kind != Kind::Metadata;
    object.updateable = is_data;
    object.deletable = is_data;
    object.retrieveable = kind != Kind::Event;
    object.replicateable = is_data;
    object.searchable = definition.enable_search && is_data;
    object.triggerable = kind != Kind::Metadata && !is_setting;
    object.undeletable = is_data;
    object.layoutable = is_data;
    object.mru_enabled = is_data && !is_setting;
    object.feed_enabled = definition.enable_feeds;
    let behavior = definition.publish_behavior;
    object.publishes_immediately = behavior.map(|behavior| behavior == PublishBehavior::PublishImmediately);
    object.sharing = definition.sharing_model.unwrap_or_default();
    object.record_type_infos = vec![master_record_type()];
    object.fields = match kind {
        Kind::Metadata => metadata_type_fields(),
        Kind::Event => event_fields(),
        Kind::Data => data_fields(path, definition, is_detail)?,
    };
    Ok(object)
}

/// What the parents of an object's standard reference fields learn of it.
pub fn parents_of(object: &Object) -> Vec<(String, ChildRelationship)> {
    let mut parents = Vec::new();
    for field in &object.fields {
        for parent in &field.reference_to {
            let child = ChildRelationship {
                child_sobject: object.name.clone(),
                field: field.name.clone(),
                ..ChildRelationship::default()
            };
            parents.push((parent.clone(), child));
        }
    }
    parents
}

/// Lets tasks and events relate to the object.
pub fn allow_activities(schema: &mut Schema, path: &Path, name: &str) -> Result<(), SfdxError> {
    for (activity, relationship) in [("Task", "Tasks"), ("Event", "Events")] {
        if schema.object(activity).is_none() {
            continue;
        }
        change(schema, path, activity, |object| {
            for field in object.fields.iter_mut().filter(|field| field.name == "WhatId") {
                field.reference_to.push(name.to_owned());
            }
        })?;
        change(schema, path, name, |object| {
            object.child_relationships.push(ChildRelationship {
                child_sobject: activity.to_owned(),
                field: "WhatId".to_owned(),
                relationship_name: Some(relationship.to_owned()),
                cascade_delete: true,
                ..ChildRelationship::default()
            });
        })?;
    }
    Ok(())
}

/// Lets notes, attachments and files belong to the object.
pub fn allow_files(schema: &mut Schema, path: &Path, name: &str) -> Result<(), SfdxError> {
    for (child, reference, relationship) in [
        ("Attachment", "ParentId", "Attachments"),
        ("ContentDocumentLink", "LinkedEntityId", "ContentDocumentLinks"),
        ("Note", "ParentId", "Notes"),
    ] {
        if schema.object(child).is_none() {
            continue;
        }
        change(schema, path, child, |object| {
            for field in object.fields.iter_mut().filter(|field| field.name == reference) {
                field.reference_to.push(name.to_owned());
            }
        })?;
        change(schema, path, name, |object| {
            object.child_relationships.push(ChildRelationship {
                child_sobject: child.to_owned(),
                field: reference.to_owned(),
                relationship_name: Some(relationship.to_owned()),
                cascade_delete: true,
                ..ChildRelationship::default()
            });
        })?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Data,
    Metadata,
    Event,
}

impl Kind {
    fn of(name: &str, path: &Path) -> Result<Self, SfdxError> {
        match name.rsplit_once("__") {
            Some((_, "c")) => Ok(Self::Data),
            Some((_, "mdt")) => Ok(Self::Metadata),
            Some((_, "e")) => Ok(Self::Event),
            _ => Err(SfdxError::invalid(
                path,
                format!("{name}: only objects ending in __c, __mdt and __e can be loaded"),
            )),
        }
    }

    fn prefix_letter(self) -> char {
        match self {
            Self::Data => 'a',
            Self::Metadata => 'm',
            Self::Event => 'e',
        }
    }
}

/// Custom objects count up in base 62 behind a letter for their kind.
fn free_prefix(schema: &Schema, letter: char) -> Option<String> {
    let digits = || ('0'..='9').chain('A'..='Z').chain('a'..='z');
    digits()
        .flat_map(|high| digits().map(move |low| String::from_iter([letter, high, low])))
        .find(|prefix| schema.object_by_prefix(prefix).is_none())
}

fn master_record_type() -> RecordTypeInfo {
    RecordTypeInfo {
        record_type_id: Some("012000000000000AAA".to_owned()),
        name: "Master".to_owned(),
        developer_name: "Master".to_owned(),
        master: true,
        default_record_type_mapping: true,
        ..RecordTypeInfo::default()
    }
}

fn data_fields(path: &Path, definition: &CustomObject, is_detail: bool) -> Result<Vec<Field>, SfdxError> {
    let mut fields = vec![id_field("Record ID")];
    match definition.custom_settings_type {
        Some(kind) => {
            fields.push(deleted_field());
            fields.push(setting_name_field());
            if kind == CustomSettingsType::Hierarchy {
                fields.push(setup_owner_field());
            }
        }
        None => {
            if !is_detail {
                fields.push(owner_field());
            }
            fields.push(deleted_field());
            let name_field = definition.name_field.as_ref().ok_or_else(|| {
                SfdxError::invalid(
                    path,
                    "nameField is missing; give it type Text or AutoNumber and a label",
                )
            })?;
            fields.push(record_name_field(path, name_field)?);
        }
    }
    fields.extend(audit_fields());
    if definition.enable_activities {
        fields.push(read_only(
            "LastActivityDate",
            "Last Activity Date",
            FieldType::Date,
        ));
    }
    if definition.custom_settings_type.is_none() {
        fields.push(read_only(
            "LastViewedDate",
            "Last Viewed Date",
            FieldType::Datetime,
        ));
        fields.push(read_only(
            "LastReferencedDate",
            "Last Referenced Date",
            FieldType::Datetime,
        ));
    }
    Ok(fields)
}

fn metadata_type_fields() -> Vec<Field> {
    let mut fields = vec![id_field("Custom Metadata Record ID")];
    for (name, label, length) in [
        ("DeveloperName", "Custom Metadata Record Name", 40),
        ("MasterLabel", "Label", 40),
        ("Language", "Master Language", 40),
        ("NamespacePrefix", "Namespace Prefix", 15),
        ("Label", "Label", 40),
        ("QualifiedApiName", "Qualified API Name", 70),
    ] {
        let nillable = name == "NamespacePrefix";
        fields.push(Field {
            length,
            nillable,
            name_field: name == "MasterLabel",
            ..read_only(name, label, FieldType::String)
        });
    }
    fields.push(Field {
        nillable: false,
        ..read_only("SystemModstamp", "System Modstamp", FieldType::Datetime)
    });
    fields
}

fn event_fields() -> Vec<Field> {
    vec![
        id_field("Record ID"),
        Field {
            length: 20,
            ..read_only("ReplayId", "Replay ID", FieldType::String)
        },
        Field {
            length: 36,
            ..read_only("EventUuid", "Event UUID", FieldType::String)
        },
        Field {
            nillable: false,
            ..read_only("CreatedDate", "Created Date", FieldType::Datetime)
        },
        user_field("CreatedById", "Created By ID", "CreatedBy"),
    ]
}

fn id_field(label: &str) -> Field {
    Field {
        length: 18,
        nillable: false,
        defaulted_on_create: true,
        id_lookup: true,
        ..read_only("Id", label, FieldType::Id)
    }
}

fn owner_field() -> Field {
    Field {
        createable: true,
        updateable: true,
        reference_to: vec!["Group".to_owned(), "User".to_owned()],
        name_pointing: true,
        polymorphic_foreign_key: true,
        ..user_field("OwnerId", "Owner ID", "Owner")
    }
}

/// A hierarchy setting belongs to the organisation, a profile or a user.
fn setup_owner_field() -> Field {
    Field {
        reference_to: vec!["Organization".to_owned(), "Profile".to_owned(), "User".to_owned()],
        createable: true,
        name_pointing: true,
        polymorphic_foreign_key: true,
        ..user_field("SetupOwnerId", "Location", "SetupOwner")
    }
}

fn deleted_field() -> Field {
    Field {
        nillable: false,
        defaulted_on_create: true,
        default_value: Some(json!(false)),
        ..read_only("IsDeleted", "Deleted", FieldType::Boolean)
    }
}

fn setting_name_field() -> Field {
    Field {
        length: 38,
        createable: true,
        updateable: true,
        name_field: true,
        id_lookup: true,
        ..read_only("Name", "Name", FieldType::String)
    }
}

fn record_name_field(path: &Path, definition: &NameField) -> Result<Field, SfdxError> {
    let label = definition
        .label
        .clone()
        .ok_or_else(|| SfdxError::invalid(path, "nameField: label is missing; every name field needs one"))?;
    // Salesforce fills a Name that a create leaves out, hence the default even for text.
    let field = Field {
        label,
        length: 80,
        name_field: true,
        id_lookup: true,
        defaulted_on_create: true,
        ..read_only("Name", "", FieldType::String)
    };
    match definition.kind {
        NameFieldKind::Text => Ok(Field {
            createable: true,
            updateable: true,
            ..field
        }),
        NameFieldKind::AutoNumber => Ok(Field {
            nillable: false,
            auto_number: true,
            display_format: Some(display_format(
                path,
                "nameField",
                definition.display_format.as_deref(),
            )?),
            starting_number: definition.starting_number.unwrap_or(1),
            ..field
        }),
    }
}

/// An auto-number's pattern, which must have exactly one counter such as `{0000}`.
pub fn display_format(path: &Path, element: &str, format: Option<&str>) -> Result<String, SfdxError> {
    let format = format.unwrap_or("{0}");
    let counters = format
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .filter(|(inside, _)| !inside.is_empty() && inside.bytes().all(|byte| byte == b'0'))
        .count();
    if counters == 1 {
        return Ok(format.to_owned());
    }
    Err(SfdxError::invalid(
        path,
        format!("{element}: displayFormat {format:?} must hold one counter such as {{0000}}"),
    ))
}

fn audit_fields() -> [Field; 5] {
    let moment = |name: &str, label: &str| Field {
        nillable: false,
        defaulted_on_create: true,
        ..read_only(name, label, FieldType::Datetime)
    };
    [
        moment("CreatedDate", "Created Date"),
        user_field("CreatedById", "Created By ID", "CreatedBy"),
        moment("LastModifiedDate", "Last Modified Date"),
        user_field("LastModifiedById", "Last Modified By ID", "LastModifiedBy"),
        moment("SystemModstamp", "System Modstamp"),
    ]
}

fn user_field(name: &str, label: &str, relationship: &str) -> Field {
    Field {
        length: 18,
        nillable: false,
        defaulted_on_create: true,
        reference_to: vec!["User".to_owned()],
        relationship_name: Some(relationship.to_owned()),
        ..read_only(name, label, FieldType::Reference)
    }
}

fn read_only(name: &str, label: &str, kind: FieldType) -> Field {
    Field {
        name: name.to_owned(),
        label: label.to_owned(),
        kind,
        createable: false,
        updateable: false,
        groupable: kind != FieldType::Datetime,
        aggregatable: kind != FieldType::Boolean,
        ..Field::default()
    }
}
