//! Records, `Database`, `Schema`, triggers and sharing against an org in memory: `data/*.cls` holds tests,
//! `data/*.trigger` what they fire.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

#[path = "data/memory.rs"]
mod memory;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use apex_runtime::schema::{CustomSetting, ObjectAbilities};
use apex_runtime::{
    ChildRelationship, FieldDetails, FieldKind, PicklistValue, Program, SObjectField, SObjectType, Schema,
    Source, TestFilter,
};
use memory::Memory;

fn field(name: &str, kind: FieldKind, describe_type: &str) -> SObjectField {
    SObjectField {
        name: name.into(),
        label: name.into(),
        kind,
        nillable: true,
        length: 255,
        createable: true,
        updateable: true,
        details: Some(FieldDetails {
            describe_type: describe_type.into(),
            ..FieldDetails::default()
        }),
        ..SObjectField::default()
    }
}

fn text(name: &str) -> SObjectField {
    field(name, FieldKind::Text, "string")
}

fn object(name: &str, prefix: &str, fields: Vec<SObjectField>) -> SObjectType {
    let mut all = vec![field("Id", FieldKind::Id, "id"), text("Name")];
    all.extend(fields);
    SObjectType {
        name: name.into(),
        label: name.into(),
        label_plural: format!("{name}s"),
        key_prefix: Some(prefix.into()),
        custom: name.ends_with("__c"),
        fields: all,
        abilities: Some(ObjectAbilities {
            queryable: true,
            searchable: true,
            mergeable: true,
            undeletable: true,
        }),
        ..SObjectType::default()
    }
}

fn schema() -> Arc<Schema> {
    let mut industry = field("Industry", FieldKind::Text, "picklist");
    if let Some(details) = &mut industry.details {
        details.picklist = vec![PicklistValue {
            value: "Energy".into(),
            label: "Energy".into(),
            active: true,
            default: false,
        }];
    }
    let mut parent = field("ParentId", FieldKind::Reference, "reference");
    parent.relationship_name = Some("Parent".into());
    parent.reference_to = vec!["Account".into()];
    let mut account = object(
        "Account",
        "001",
        vec![
            text("Phone"),
            field("AnnualRevenue", FieldKind::Decimal, "currency"),
            field("NumberOfEmployees", FieldKind::Integer, "int"),
            industry,
            parent,
        ],
    );
    account.children.push(ChildRelationship {
        name: "Contacts".into(),
        child: "Contact".into(),
        field: "AccountId".into(),
        cascade_delete: false,
    });
    let contact = object("Contact", "003", vec![text("LastName")]);
    let user = object("User", "005", vec![text("LastName")]);
    let owner = field("SetupOwnerId", FieldKind::Reference, "reference");
    let mut settings = object("Settings__c", "a00", vec![owner, text("Mode__c"), text("Url__c")]);
    settings.setting = Some(CustomSetting::Hierarchy);
    let mut routes = object("Route__c", "a01", vec![text("Path__c")]);
    routes.setting = Some(CustomSetting::List);
    let schema = Schema::new([account, contact, user, settings, routes]);
    Arc::new(schema.with_labels([("Greeting", "Good day")]))
}

fn sources() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut found: Vec<_> = fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    let mut sources = Vec::new();
    for path in found {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let extension = path.extension().map(|e| e.to_string_lossy().into_owned());
        let read = || fs::read_to_string(&path).expect("readable");
        match extension.as_deref() {
            Some("cls") if name.starts_with("Old") => {
                sources.push(Source::class(name, read()).with_api_version(66));
            }
            Some("cls") => sources.push(Source::class(name, read())),
            Some("trigger") => sources.push(Source::trigger(name, read())),
            _ => {}
        }
    }
    sources
}

#[test]
fn records_and_data_behave_as_documented() {
    let program = Program::compile(&sources(), &schema()).expect("it compiles");
    let mut failures = Vec::new();
    let mut ran = 0;
    for (_, class) in program.classes.all().filter(|(_, class)| class.is_test()) {
        for method in &class.methods {
            let name = program.classes.method(*method).name.to_string();
            let filter = TestFilter {
                classes: vec![class.name.to_string()],
                methods: vec![name],
            };
            // Each test has an org of its own: nothing is left over.
            for result in program.run_tests(&Memory::default(), &filter).results {
                ran += 1;
                if let Some(failure) = result.failure {
                    failures.push(format!("{}.{}: {failure:?}", result.class, result.method));
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {ran} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(ran > 20, "{ran} tests ran");
}

/// Sharing and user mode are decided by class, caller and API version before the org is asked.
#[test]
fn the_org_is_told_with_whose_rights() {
    let cases = [
        ("Plain.read();", "Account User sharing"),
        ("OldPlain.read();", "Account System sharing"),
        ("OldWithout.read();", "Account System everything"),
        ("OldWithout.readThroughPlain();", "Account System everything"),
        ("OldWithout.readAsUser();", "Account User sharing"),
        ("Plain.readAsSystem();", "Account System sharing"),
        ("Plain.readSecurely();", "Account SecurityEnforced sharing"),
        (
            "insert as system new Account(Name = 'A');",
            "Insert System sharing",
        ),
        (
            "Database.insert(new Account(Name = 'A'), AccessLevel.USER_MODE);",
            "Insert User sharing",
        ),
    ];
    let program = Program::compile(&sources(), &schema()).expect("it compiles");
    for (text, expected) in cases {
        let org = Memory::default();
        let result = program.execute_anonymous(&org, text);
        assert!(result.is_ok(), "{text}: {result:?}");
        let calls = org.calls.borrow();
        assert_eq!(calls.first().map(String::as_str), Some(expected), "{text}");
    }
}
