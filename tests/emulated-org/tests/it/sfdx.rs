//! Custom metadata from SFDX source.
#![cfg(test)]

use std::path::PathBuf;

use emulated_org::schema::sfdx::{self, SfdxError};
use emulated_org::schema::{Field, FieldType, Schema};
use emulated_org::{EmulatedOrg, Options, Value};
use serde_json::json;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/sfdx")
        .join(name)
}

fn venues() -> Schema {
    let mut schema = Schema::standard().expect("the standard objects");
    sfdx::load(&mut schema, &[fixture("venues")]).expect("the venues project");
    schema
}

fn field(schema: &Schema, object: &str, name: &str) -> Field {
    let object = schema
        .object(object)
        .unwrap_or_else(|| panic!("{object} is missing"));
    object
        .field(name)
        .unwrap_or_else(|| panic!("{}.{name} is missing", object.name))
        .1
        .clone()
}

#[test]
fn custom_objects_get_system_fields_and_key_prefixes() {
    let schema = venues();
    let venue = schema.object("venue__C").expect("names in any case");
    let names: Vec<&str> = venue
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .take(12)
        .collect();
    assert_eq!(
        names,
        [
            "Id",
            "OwnerId",
            "IsDeleted",
            "Name",
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
            "SystemModstamp",
            "LastActivityDate",
            "LastViewedDate",
            "LastReferencedDate"
        ]
    );
    assert_eq!(
        (venue.label.as_str(), venue.label_plural.as_str()),
        ("Venue", "Venues")
    );
    assert!(venue.custom && venue.createable && venue.triggerable);
    let prefixes: Vec<&str> = [
        "Billing_Settings__c",
        "Invoice__c",
        "Venue__c",
        "Rate__mdt",
        "Invoice_Paid__e",
    ]
    .iter()
    .map(|name| schema.object(name).expect("loaded").key_prefix.as_str())
    .collect();
    assert_eq!(prefixes, ["a00", "a01", "a02", "m00", "e00"]);
}

#[test]
fn a_detail_object_has_no_owner_and_an_automatic_name() {
    let schema = venues();
    let invoice = schema.object("Invoice__c").expect("loaded");
    assert!(invoice.field("OwnerId").is_none());
    let (_, name) = invoice.name_field().expect("a name field");
    assert!(name.auto_number && !name.createable && !name.nillable);
    assert_eq!(
        (name.display_format.as_deref(), name.starting_number),
        (Some("INV-{00000}"), 100)
    );
    let ticket = field(&schema, "Invoice__c", "Ticket__c");
    assert!(ticket.auto_number && !ticket.createable && !ticket.updateable);

    let master = field(&schema, "Invoice__c", "Venue__c");
    assert!(master.cascade_delete && !master.nillable && master.createable && !master.updateable);
    let venue = schema.object("Venue__c").expect("loaded");
    let invoices = venue
        .child_relationship("Invoices__r")
        .expect("seen from the parent");
    assert_eq!(
        (invoices.child_sobject.as_str(), invoices.cascade_delete),
        ("Invoice__c", true)
    );
}

#[test]
fn every_field_type_becomes_its_describe_type() {
    let schema = venues();
    for (name, kind, length, digits) in [
        ("Code__c", FieldType::String, 12, (0, 0)),
        ("Address_Line__c", FieldType::Textarea, 255, (0, 0)),
        ("Directions__c", FieldType::Textarea, 32_768, (0, 0)),
        ("Story__c", FieldType::Textarea, 5_000, (0, 0)),
        ("Seats__c", FieldType::Double, 0, (6, 0)),
        ("Rent__c", FieldType::Currency, 0, (16, 2)),
        ("Occupancy__c", FieldType::Percent, 0, (5, 2)),
        ("Open__c", FieldType::Boolean, 0, (0, 0)),
        ("Opened_On__c", FieldType::Date, 0, (0, 0)),
        ("Inspected_At__c", FieldType::Datetime, 0, (0, 0)),
        ("Doors__c", FieldType::Time, 0, (0, 0)),
        ("Desk_Email__c", FieldType::Email, 80, (0, 0)),
        ("Desk_Phone__c", FieldType::Phone, 40, (0, 0)),
        ("Site__c", FieldType::Url, 255, (0, 0)),
        ("Region__c", FieldType::Picklist, 255, (0, 0)),
        ("Equipment__c", FieldType::Multipicklist, 4_099, (0, 0)),
        ("Operator__c", FieldType::Reference, 18, (0, 0)),
        ("Yearly_Rent__c", FieldType::Currency, 0, (18, 2)),
        ("Position__c", FieldType::Location, 0, (0, 0)),
        ("Position__Latitude__s", FieldType::Double, 0, (9, 6)),
        ("Position__Longitude__s", FieldType::Double, 0, (9, 6)),
        ("Billed__c", FieldType::Currency, 0, (12, 2)),
    ] {
        let field = field(&schema, "Venue__c", name);
        assert_eq!(
            (field.kind, field.length, (field.precision, field.scale)),
            (kind, length, digits),
            "{name}"
        );
        assert!(field.custom, "{name}");
    }
}

#[test]
fn flags_follow_the_metadata() {
    let schema = venues();
    let code = field(&schema, "Venue__c", "Code__c");
    assert!(
        code.external_id && code.id_lookup && code.unique && code.case_sensitive && code.required_on_create()
    );
    let open = field(&schema, "Venue__c", "Open__c");
    assert!(!open.nillable && open.defaulted_on_create);
    assert_eq!(open.default_value, Some(json!(true)));
    let seats = field(&schema, "Venue__c", "Seats__c");
    assert_eq!(
        (seats.default_value, seats.default_value_formula.as_deref()),
        (Some(json!(40)), Some("40"))
    );
    for (name, formula) in [("Yearly_Rent__c", Some("Rent__c * 12")), ("Billed__c", None)] {
        let field = field(&schema, "Venue__c", name);
        assert!(
            field.calculated && !field.createable && !field.updateable,
            "{name}"
        );
        assert_eq!(field.calculated_formula.as_deref(), formula, "{name}");
    }
    for name in ["Directions__c", "Story__c"] {
        let field = field(&schema, "Venue__c", name);
        assert!(!field.filterable && !field.sortable && !field.groupable, "{name}");
    }
    assert!(field(&schema, "Venue__c", "Story__c").html_formatted);
}

#[test]
fn lookups_tell_their_parents_what_a_delete_does() {
    let schema = venues();
    let account = schema.object("Account").expect("standard");
    let venues_of_account = account
        .child_relationship("Venues__r")
        .expect("a child relationship");
    assert!(!venues_of_account.cascade_delete && !venues_of_account.restricted_delete);
    let venue = schema.object("Venue__c").expect("loaded");
    assert!(
        venue
            .child_relationship("Annexes__r")
            .expect("to itself")
            .restricted_delete
    );
    let (_, operator) = venue.relationship("operator__r").expect("the path to the parent");
    assert_eq!(operator.reference_to, ["Account"]);
}

#[test]
fn picklists_take_values_from_their_own_and_from_global_sets() {
    let schema = venues();
    let values = |name: &str| {
        let field = field(&schema, "Venue__c", name);
        field
            .picklist_values
            .into_iter()
            .map(|value| value.value)
            .collect::<Vec<_>>()
    };
    assert_eq!(values("Region__c"), ["North", "South"]);
    assert!(field(&schema, "Venue__c", "Region__c").restricted_picklist);
    assert_eq!(values("Equipment__c"), ["Kitchen", "Stage"], "sorted by label");
    let style = field(&schema, "Venue__c", "Style__c");
    assert!(!style.restricted_picklist && style.defaulted_on_create);
    assert_eq!(style.default_value, Some(json!("Hall")));
    let active: Vec<bool> = style.picklist_values.iter().map(|value| value.active).collect();
    assert_eq!(active, [true, true, false]);
    assert_eq!(style.picklist_values[0].label.as_deref(), Some("Great Hall"));
}

#[test]
fn dependent_values_carry_a_bitmap_over_the_controlling_values() {
    let roof = field(&venues(), "Venue__c", "Roof__c");
    assert_eq!(roof.controller_name.as_deref(), Some("Style__c"));
    // Hall is the first controlling value (0x80), Barn the second (0x40).
    let bitmaps: Vec<_> = roof
        .picklist_values
        .iter()
        .map(|value| value.valid_for.as_deref())
        .collect();
    assert_eq!(bitmaps, [Some("gA=="), Some("wA==")]);
}

#[test]
fn standard_objects_gain_custom_fields() {
    let schema = venues();
    let key = field(&schema, "Account", "partner_key__c");
    assert!(key.external_id && key.unique && !key.case_sensitive && key.nillable);
    for activity in ["Task", "Event"] {
        assert_eq!(
            field(&schema, activity, "Channel__c").length,
            40,
            "fields of Activity are fields of {activity}"
        );
        assert!(
            field(&schema, activity, "WhatId")
                .reference_to
                .iter()
                .any(|object| object == "Venue__c"),
            "{activity} may relate to an object with activities"
        );
    }
}

#[test]
fn settings_metadata_types_and_events_have_their_own_fields() {
    let schema = venues();
    let settings = schema.object("Billing_Settings__c").expect("loaded");
    assert!(
        settings.custom_setting
            && settings.field("SetupOwnerId").is_some()
            && settings.field("OwnerId").is_none()
    );
    let rate = schema.object("Rate__mdt").expect("loaded");
    assert!(!rate.createable && rate.field("DeveloperName").is_some() && rate.field("CreatedDate").is_none());
    let event = schema.object("Invoice_Paid__e").expect("loaded");
    assert!(event.createable && !event.queryable && event.field("ReplayId").is_some());
}

#[test]
fn refusals_name_the_file_and_the_fault() {
    for (case, file, reason) in [
        (
            "unknown_type",
            "Bad__c.field-meta.xml",
            "unknown variant `Sparkle`",
        ),
        (
            "unknown_element",
            "Bad__c.field-meta.xml",
            "unknown field `colour`",
        ),
        (
            "missing_parent",
            "Bad__c.field-meta.xml",
            "referenceTo: object Ghost__c is neither standard here nor",
        ),
        (
            "long_text",
            "Bad__c.field-meta.xml",
            "length is 300; a Text field takes 1 to 255",
        ),
        (
            "no_precision",
            "Bad__c.field-meta.xml",
            "precision or scale is missing",
        ),
        (
            "bad_number",
            "Bad__c.field-meta.xml",
            "string \"many\", expected u8",
        ),
        (
            "external_date",
            "Bad__c.field-meta.xml",
            "externalId: a Date field cannot be one",
        ),
        (
            "missing_value_set",
            "Bad__c.field-meta.xml",
            "global value set Nowhere is not in the source",
        ),
        (
            "missing_controller",
            "Bad__c.field-meta.xml",
            "field Account.Nothing__c does not exist",
        ),
        (
            "phone_formula",
            "Bad__c.field-meta.xml",
            "a Phone field cannot be a formula field",
        ),
        (
            "formula_circle",
            "A__c.field-meta.xml",
            "The formula refers to itself",
        ),
        (
            "formula_type",
            "A__c.field-meta.xml",
            "Formula result is data type (Number), incompatible with expected data type (Text)",
        ),
        (
            "rule_unknown_function",
            "Bad.validationRule-meta.xml",
            "Unknown function FOO",
        ),
        (
            "rule_unknown_field",
            "Bad.validationRule-meta.xml",
            "Field Nmae does not exist",
        ),
        (
            "rule_picklist_as_text",
            "Bad.validationRule-meta.xml",
            "Field Type is a picklist field",
        ),
        (
            "rule_number",
            "Bad.validationRule-meta.xml",
            "Formula result is data type (Number)",
        ),
        (
            "unknown_standard_field",
            "Pager.field-meta.xml",
            "Account has no standard field Pager",
        ),
        (
            "taken_name",
            "second/objects/Account/fields/Twice__c.field-meta.xml",
            "field Account.Twice__c exists already",
        ),
        (
            "case_only",
            "second/objects/Account/fields/twice__c.field-meta.xml",
            "field Account.twice__c exists already",
        ),
        ("no_object_file", "Orphan__c", "add Orphan__c.object-meta.xml"),
        ("unknown_object", "Spaceship", "Spaceship is no standard object"),
        ("double_default", "Bad__c.field-meta.xml", "value a appears twice"),
        ("other_name", "Bad__c.field-meta.xml", "fullName is Good__c"),
        (
            "wrong_root",
            "Bad__c.field-meta.xml",
            "the root element is CustomObject; it must be CustomField",
        ),
        (
            "unclosed",
            "Bad__c.field-meta.xml",
            "the file ends before its CustomField element does",
        ),
        ("crossed", "Bad__c.field-meta.xml", "malformed XML"),
        (
            "empty",
            "Bad__c.field-meta.xml",
            "exactly one CustomField element",
        ),
        (
            "no_name_field",
            "Thing__c.object-meta.xml",
            "nameField is missing",
        ),
        (
            "two_counters",
            "Thing__c.object-meta.xml",
            "must hold one counter",
        ),
        (
            "big_object",
            "Thing__b.object-meta.xml",
            "only objects ending in __c, __mdt and __e",
        ),
    ] {
        let mut schema = Schema::standard().expect("the standard objects");
        let error = sfdx::load(&mut schema, &[fixture("refused").join(case)])
            .expect_err(case)
            .to_string();
        assert!(error.contains(file), "{case}: {error}");
        assert!(error.contains(reason), "{case}: {error}");
    }
}

#[test]
fn a_refused_deployment_changes_nothing() {
    let mut schema = Schema::standard().expect("the standard objects");
    let before = schema.objects().count();
    let folders = [fixture("venues"), fixture("refused/long_text")];
    sfdx::load(&mut schema, &folders).expect_err("one bad field refuses the whole deployment");
    assert_eq!(schema.objects().count(), before);
    assert!(
        schema
            .object("Account")
            .expect("standard")
            .field("Partner_Key__c")
            .is_none()
    );
}

#[test]
fn a_missing_folder_is_refused_by_name() {
    let mut schema = Schema::standard().expect("the standard objects");
    let error = sfdx::load(&mut schema, &[fixture("nowhere")]).expect_err("no such folder");
    assert!(
        matches!(&error, SfdxError::Read { path, .. } if path.ends_with("nowhere")),
        "{error}"
    );
}

#[tokio::test]
async fn records_of_loaded_objects_can_be_written() {
    let options = Options {
        sfdx_source: vec![fixture("venues")],
        ..Options::default()
    };
    let org = EmulatedOrg::start(options)
        .await
        .expect("the organisation starts");
    let row = |name: &str, code: &str| vec![("Name", Value::text(name)), ("Code__c", Value::text(code))];
    let venues = org
        .seed("Venue__c", [row("Town Hall", "TH1"), row("Barn", "th1")])
        .expect("codes differ in case");
    let refused = org
        .seed("Venue__c", [row("Copy", "TH1")])
        .expect_err("unique")
        .to_string();
    assert!(refused.contains("DUPLICATE_VALUE"), "{refused}");
    let refused = org
        .seed("Venue__c", [vec![("Name", Value::text("No code"))]])
        .expect_err("required")
        .to_string();
    assert!(
        refused.contains("REQUIRED_FIELD_MISSING") && refused.contains("Code__c"),
        "{refused}"
    );
    let away = [row("Far", "F"), vec![("Region__c", Value::text("West"))]].concat();
    let refused = org.seed("Venue__c", [away]).expect_err("restricted").to_string();
    assert!(
        refused.contains("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        "{refused}"
    );

    let invoice = vec![
        ("Venue__c", Value::Id(venues[0])),
        ("Amount__c", Value::Number(12.into())),
    ];
    let invoices = org
        .seed("Invoice__c", [invoice.clone(), invoice])
        .expect("details of the venue");
    {
        let data = org.org().read();
        let stored = |object: &str, id, field: &str| {
            let table = data.table(object).expect(object);
            let (at, _) = table.object.field(field).expect(field);
            table.get(&id).expect("stored").get(at).clone()
        };
        assert_eq!(
            stored("Invoice__c", invoices[1], "Name"),
            Value::text("INV-00101")
        );
        assert_eq!(stored("Venue__c", venues[0], "Open__c"), Value::Boolean(true));
        assert_eq!(
            stored("Venue__c", venues[0], "Seats__c"),
            Value::Number(40.into())
        );
        assert_eq!(stored("Venue__c", venues[0], "Style__c"), Value::text("Hall"));
    }

    let account = org
        .seed("Account", [vec![("Name", Value::text("Operators"))]])
        .expect("an account");
    let rated = vec![
        ("Partner_Key__c", Value::text("P-1")),
        ("Name", Value::text("Rated")),
    ];
    org.seed("Account", [rated.clone()])
        .expect("a custom field on a standard object");
    let refused = org.seed("Account", [rated]).expect_err("unique").to_string();
    assert!(refused.contains("DUPLICATE_VALUE"), "{refused}");

    let task = vec![
        ("Subject", Value::text("Call")),
        ("Channel__c", Value::text("Fax")),
        ("WhatId", Value::Id(account[0])),
    ];
    org.seed("Task", [task]).expect("fields of Activity on tasks");
    org.stop().await;
}
