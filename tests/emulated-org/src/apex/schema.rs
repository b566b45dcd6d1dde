//! The organisation's metadata as programs see it.

use std::sync::Arc;

use apex_runtime::schema::{
    ChildRelationship, CustomSetting, FieldDetails, FieldKind, FieldSet as ApexFieldSet, ObjectAbilities,
    PicklistValue, SObjectField, SObjectType, Schema as ApexSchema,
};
use serde_json::Value as Json;

use crate::schema::{Field, FieldSet, FieldType, Object, Schema};

/// The fields of the object Name (Object Reference, Name).
const NAME_FIELDS: [(&str, FieldKind); 14] = [
    ("Id", FieldKind::Id),
    ("Alias", FieldKind::Text),
    ("Email", FieldKind::Text),
    ("FirstName", FieldKind::Text),
    ("IsActive", FieldKind::Boolean),
    ("LastName", FieldKind::Text),
    ("Name", FieldKind::Text),
    ("NameOrAlias", FieldKind::Text),
    ("Phone", FieldKind::Text),
    ("ProfileId", FieldKind::Reference),
    ("RecordTypeId", FieldKind::Reference),
    ("Title", FieldKind::Text),
    ("Type", FieldKind::Text),
    ("Username", FieldKind::Text),
];

/// All objects of a schema; fields keep their positions.
pub(super) fn convert(schema: &Schema) -> ApexSchema {
    let objects = schema.objects().map(|object| object_of(object));
    ApexSchema::new(objects.chain(std::iter::once(name())))
}

/// What a field that may point at several objects is seen as.
fn name() -> SObjectType {
    let fields = NAME_FIELDS.map(|(name, kind)| SObjectField {
        name: name.into(),
        label: name.to_owned(),
        kind,
        nillable: true,
        ..SObjectField::default()
    });
    SObjectType {
        name: "Name".into(),
        label: "Name".to_owned(),
        label_plural: "Names".to_owned(),
        fields: fields.into(),
        ..SObjectType::default()
    }
}

fn object_of(object: &Object) -> SObjectType {
    let children = object.child_relationships.iter().filter_map(|child| {
        Some(ChildRelationship {
            name: child.relationship_name.as_deref()?.into(),
            child: child.child_sobject.as_str().into(),
            field: child.field.as_str().into(),
            cascade_delete: child.cascade_delete,
        })
    });
    // A hierarchy setting belongs to the organisation, a profile or a user.
    let setting = object.custom_setting.then(|| match object.field("SetupOwnerId") {
        Some(_) => CustomSetting::Hierarchy,
        None => CustomSetting::List,
    });
    SObjectType {
        name: object.name.as_str().into(),
        label: object.label.clone(),
        label_plural: object.label_plural.clone(),
        key_prefix: Some(object.key_prefix.clone()),
        custom: object.custom,
        fields: object.fields.iter().map(field_of).collect(),
        children: children.collect(),
        setting,
        field_sets: object.field_sets.iter().map(field_set_of).collect(),
        publishes_immediately: object.publishes_immediately,
        abilities: Some(ObjectAbilities {
            queryable: object.queryable,
            searchable: object.searchable,
            mergeable: object.mergeable,
            undeletable: object.undeletable,
        }),
    }
}

fn field_set_of(set: &FieldSet) -> ApexFieldSet {
    let fields = set.displayed_fields.iter();
    ApexFieldSet {
        name: set.full_name.as_str().into(),
        label: set.label.clone(),
        description: set.description.clone(),
        fields: fields
            .map(|(path, required)| (path.as_str().into(), *required))
            .collect(),
    }
}

fn field_of(field: &Field) -> SObjectField {
    let default_value = match &field.default_value {
        Some(Json::String(text)) => Some(text.clone()),
        Some(Json::Null) | None => None,
        Some(other) => Some(other.to_string()),
    };
    SObjectField {
        name: field.name.as_str().into(),
        label: field.label.clone(),
        kind: kind_of(field.kind),
        nillable: field.nillable,
        relationship_name: field.relationship_name.as_deref().map(Arc::from),
        reference_to: field
            .reference_to
            .iter()
            .map(|name| name.as_str().into())
            .collect(),
        length: field.length,
        createable: field.createable,
        updateable: field.updateable,
        calculated: field.calculated,
        default_value,
        details: Some(details_of(field)),
    }
}

fn details_of(field: &Field) -> FieldDetails {
    let picklist = field.picklist_values.iter().map(|value| PicklistValue {
        value: value.value.clone(),
        label: value.label.clone().unwrap_or_else(|| value.value.clone()),
        active: value.active,
        default: value.default_value,
    });
    FieldDetails {
        describe_type: field.described_kind().name().to_owned(),
        precision: field.precision.into(),
        scale: field.scale.into(),
        digits: field.digits.into(),
        byte_length: field.length.saturating_mul(3),
        unique: field.unique,
        external_id: field.external_id,
        id_lookup: field.id_lookup,
        auto_number: field.auto_number,
        case_sensitive: field.case_sensitive,
        html_formatted: field.html_formatted,
        name_field: field.name_field,
        cascade_delete: field.cascade_delete,
        filterable: field.filterable,
        groupable: field.groupable,
        sortable: field.sortable,
        defaulted_on_create: field.defaulted_on_create,
        restricted_picklist: field.restricted_picklist,
        help_text: field.inline_help_text.clone(),
        formula: field.calculated_formula.clone(),
        controller: field.controller_name.as_deref().map(Arc::from),
        relationship_order: field.relationship_order.map(u32::from),
        picklist: picklist.collect(),
    }
}

fn kind_of(kind: FieldType) -> FieldKind {
    match kind {
        FieldType::Id => FieldKind::Id,
        FieldType::Reference => FieldKind::Reference,
        FieldType::Boolean => FieldKind::Boolean,
        FieldType::Int => FieldKind::Integer,
        FieldType::Long => FieldKind::Long,
        FieldType::Double | FieldType::Currency | FieldType::Percent => FieldKind::Decimal,
        FieldType::Date => FieldKind::Date,
        FieldType::Datetime => FieldKind::Datetime,
        FieldType::Time => FieldKind::Time,
        FieldType::Base64 => FieldKind::Base64,
        FieldType::Address => FieldKind::Address,
        FieldType::Location => FieldKind::Location,
        FieldType::String
        | FieldType::Textarea
        | FieldType::Picklist
        | FieldType::Multipicklist
        | FieldType::Combobox
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url
        | FieldType::Encryptedstring
        | FieldType::Anytype
        | FieldType::Complexvalue => FieldKind::Text,
    }
}
