//! The standard objects are whole and consistent.
#![cfg(test)]

use std::collections::BTreeSet;

use emulated_org::data::definitions::{holds_durable_id, is_definition};
use emulated_org::schema::{Field, FieldType, Object, Schema};

fn standard() -> Schema {
    Schema::standard().expect("the standard objects")
}

fn fields(schema: &Schema) -> Vec<(&Object, &Field)> {
    schema
        .objects()
        .flat_map(|object| object.fields.iter().map(move |field| (object.as_ref(), field)))
        .collect()
}

#[test]
fn the_ten_standard_objects_are_there_with_their_prefixes() {
    let schema = standard();
    for (prefix, name, count) in [
        ("001", "Account", 58),
        ("003", "Contact", 61),
        ("00Q", "Lead", 55),
        ("006", "Opportunity", 41),
        ("00T", "Task", 39),
        ("00U", "Event", 48),
        ("005", "User", 186),
        ("00e", "Profile", 398),
        ("00D", "Organization", 55),
        ("012", "RecordType", 13),
    ] {
        let object = schema
            .object_by_prefix(prefix)
            .unwrap_or_else(|| panic!("{prefix}"));
        assert_eq!((object.name.as_str(), object.fields.len()), (name, count));
    }
}

#[test]
fn every_object_has_the_system_fields_and_nobody_can_write_them() {
    let schema = standard();
    // Object Reference: these say when they changed, but not who made them.
    const BRIEF: [&str; 11] = [
        "ApexTestQueueItem",
        "ApexTestResult",
        "AsyncApexJob",
        "ContentDocumentLink",
        "CronJobDetail",
        "CronTrigger",
        "FieldPermissions",
        "GroupMember",
        "PermissionSetAssignment",
        "QueueSobject",
        "SetupEntityAccess",
    ];
    for object in schema
        .objects()
        .filter(|object| !BRIEF.contains(&object.name.as_str()))
        .filter(|object| !is_definition(&object.name))
    {
        for name in [
            "Id",
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
            "SystemModstamp",
        ] {
            let (_, field) = object
                .field(name)
                .unwrap_or_else(|| panic!("{}.{name}", object.name));
            assert!(
                !field.createable && !field.updateable && !field.nillable,
                "{}.{name}",
                object.name
            );
        }
    }
}

#[test]
fn creates_must_give_just_the_fields_that_salesforce_requires() {
    let schema = standard();
    for (name, required) in [
        ("Account", vec!["Name"]),
        ("Contact", vec!["LastName"]),
        ("Lead", vec!["LastName", "Company"]),
        ("Opportunity", vec!["Name", "StageName", "CloseDate"]),
        ("Task", vec![]),
        (
            "User",
            vec![
                "Username",
                "LastName",
                "Email",
                "Alias",
                "TimeZoneSidKey",
                "LocaleSidKey",
                "EmailEncodingKey",
                "ProfileId",
                "LanguageLocaleKey",
            ],
        ),
    ] {
        let object = schema.object(name).expect(name);
        let found: Vec<&str> = object
            .fields
            .iter()
            .filter(|field| field.required_on_create())
            .map(|field| field.name.as_str())
            .collect();
        assert_eq!(found, required, "{name}");
    }
}

#[test]
fn types_carry_what_they_need() {
    let schema = standard();
    for (object, field) in fields(&schema) {
        let at = format!("{}.{}", object.name, field.name);
        assert!(!field.label.is_empty(), "{at} has no label");
        assert_eq!(
            field.kind.is_text() || matches!(field.kind, FieldType::Id | FieldType::Reference),
            field.length > 0,
            "{at}: length"
        );
        let decimal = matches!(
            field.kind,
            FieldType::Double | FieldType::Currency | FieldType::Percent
        );
        assert_eq!(decimal, field.precision > 0, "{at}: precision");
        assert!(field.scale <= field.precision, "{at}: scale");
        assert_eq!(field.kind == FieldType::Int, field.digits > 0, "{at}: digits");
        assert_eq!(
            field.kind == FieldType::Reference || holds_durable_id(field),
            !field.reference_to.is_empty(),
            "{at}: referenceTo"
        );
        assert!(
            !field.restricted_picklist || !field.picklist_values.is_empty(),
            "{at}: no values to choose from"
        );
        if field.kind == FieldType::Boolean {
            assert!(
                !field.nillable && field.defaulted_on_create,
                "{at}: booleans are never null"
            );
        }
        if field.polymorphic_foreign_key {
            assert!(
                field.reference_to.len() > 1 && field.name_pointing,
                "{at}: polymorphic"
            );
        }
    }
}

#[test]
fn values_of_a_picklist_are_distinct_and_fit_their_field() {
    for (object, field) in fields(&standard()) {
        let mut seen = BTreeSet::new();
        let mut defaults = 0;
        for value in &field.picklist_values {
            assert!(
                seen.insert(&value.value),
                "{}.{}: {} twice",
                object.name,
                field.name,
                value.value
            );
            assert!(
                value.value.len() <= 255,
                "{}.{}: {}",
                object.name,
                field.name,
                value.value
            );
            defaults += usize::from(value.default_value);
        }
        assert!(
            defaults <= 1,
            "{}.{} has {defaults} defaults",
            object.name,
            field.name
        );
    }
}

#[test]
fn compound_fields_have_their_parts() {
    let schema = standard();
    for (name, compound, parts) in [
        ("Account", "BillingAddress", 8),
        ("Account", "ShippingAddress", 8),
        ("Contact", "MailingAddress", 8),
        ("Contact", "OtherAddress", 8),
        ("Contact", "Name", 3),
        ("Lead", "Address", 8),
        ("User", "Address", 8),
        ("Opportunity", "Fiscal", 2),
    ] {
        let object = schema.object(name).expect(name);
        let found = object
            .fields
            .iter()
            .filter(|field| field.compound_field_name.as_deref() == Some(compound))
            .count();
        assert_eq!(found, parts, "{name}.{compound}");
        let (_, whole) = object.field(compound).expect(compound);
        assert!(
            !whole.createable && !whole.updateable,
            "{name}.{compound} is written by its parts"
        );
    }
}

#[test]
fn child_relationships_mirror_the_reference_fields() {
    let schema = standard();
    let mut from_fields = BTreeSet::new();
    for (object, field) in fields(&schema) {
        for parent in field
            .reference_to
            .iter()
            .filter(|parent| schema.object(parent).is_some())
        {
            from_fields.insert((parent.clone(), object.name.clone(), field.name.clone()));
        }
    }
    let mut from_parents = BTreeSet::new();
    for parent in schema.objects() {
        for child in &parent.child_relationships {
            from_parents.insert((
                parent.name.clone(),
                child.child_sobject.clone(),
                child.field.clone(),
            ));
        }
    }
    assert_eq!(from_parents, from_fields);
    let account = schema.object("Account").expect("Account");
    for (name, cascades) in [
        ("Contacts", true),
        ("Opportunities", true),
        ("Tasks", true),
        ("ChildAccounts", false),
    ] {
        assert_eq!(
            account.child_relationship(name).expect(name).cascade_delete,
            cascades,
            "{name}"
        );
    }
}

#[test]
fn stages_and_statuses_say_what_they_mean() {
    let schema = standard();
    let values = |object: &str, field: &str| {
        schema
            .object(object)
            .expect(object)
            .field(field)
            .expect(field)
            .1
            .picklist_values
            .clone()
    };
    let stages = values("Opportunity", "StageName");
    let facts: Vec<(&str, Option<u8>, bool, bool)> = stages
        .iter()
        .map(|stage| {
            (
                stage.value.as_str(),
                stage.probability,
                stage.is_closed,
                stage.is_won,
            )
        })
        .collect();
    assert_eq!(facts.len(), 10);
    assert!(facts.contains(&("Qualification", Some(10), false, false)));
    assert!(facts.contains(&("Closed Won", Some(100), true, true)));
    assert!(facts.contains(&("Closed Lost", Some(0), true, false)));
    let categories: BTreeSet<String> = values("Opportunity", "ForecastCategory")
        .into_iter()
        .map(|value| value.value)
        .collect();
    for stage in &stages {
        assert!(
            stage
                .forecast_category
                .as_ref()
                .is_some_and(|category| categories.contains(category))
        );
    }
    let closed = |object: &str, field: &str| -> Vec<String> {
        values(object, field)
            .into_iter()
            .filter(|value| value.is_closed)
            .map(|value| value.value)
            .collect()
    };
    assert_eq!(closed("Task", "Status"), ["Completed"]);
    let converted: Vec<String> = values("Lead", "Status")
        .into_iter()
        .filter(|value| value.is_converted)
        .map(|value| value.value)
        .collect();
    assert_eq!(converted, ["Closed - Converted"]);
}
