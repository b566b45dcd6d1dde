use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::mapping::document::{ChoiceMapping, DeletePolicy, Scope};
use crate::mapping::sample::{check, choices, contact, document, field, plan};

/// Where the problems are, with a word each must say.
fn assert_problems(document: &MappingDocument, expected: &[(&str, &str)]) {
    let problems = check(document).unwrap_err();
    let places: Vec<&str> = problems.iter().map(|problem| problem.at.as_str()).collect();
    let expected_places: Vec<&str> = expected.iter().map(|(at, _)| *at).collect();
    assert_eq!(places, expected_places, "{problems:?}");
    for (problem, (_, word)) in problems.iter().zip(expected) {
        assert!(problem.message.contains(word), "{problem}");
    }
}

fn name() -> FieldMapping {
    field("last_name", PartnerType::Text, "LastName")
}

#[test]
fn a_sound_document_becomes_a_plan() {
    let mut level = field("level", PartnerType::SingleChoice, "level__c");
    level.choices = choices(&[("Primary", "a"), ("Secondary", "a"), ("Tertiary", "")]);
    level.rule = SyncRule::SalesforceUnlessBlank;
    let mut note = field("note", PartnerType::MultiLine, "Description");
    note.rule = SyncRule::DoNotSync;
    let mut name = name();
    name.required = true;
    name.max_length = Some(40);
    let mut document = document(vec![name, level, note]);
    document.salesforce_object = "contact".to_owned();
    document.delete_policy = DeletePolicy::Archive;
    document.scope = Scope::FutureOnly;
    document.keep_owner_on_update = true;
    let plan = check(&document).unwrap();
    assert_eq!(plan.salesforce_object, "Contact");
    assert_eq!(plan.delete_policy, DeletePolicy::Archive);
    assert_eq!(plan.scope, Scope::FutureOnly);
    assert!(plan.keep_owner_on_update && plan.has_owner);
    let fields: Vec<_> = plan
        .fields
        .iter()
        .map(|field| {
            (
                field.id.0,
                field.partner.as_str(),
                field.salesforce.name.as_str(),
                field.rule,
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            (1, "last_name", "LastName", SyncRule::Salesforce),
            (2, "level", "Level__c", SyncRule::SalesforceUnlessBlank),
            (3, "note", "Description", SyncRule::DoNotSync),
        ]
    );
    assert_eq!(plan.last_field_id, FieldId(3));
    assert_eq!(
        plan.fields[1].choices,
        BTreeMap::from([
            ("Primary".to_owned(), Some("a".to_owned())),
            ("Secondary".to_owned(), Some("a".to_owned())),
            ("Tertiary".to_owned(), None),
        ])
    );
    assert!(plan.fields[0].required && plan.fields[0].max_length == Some(40));
}

#[test]
fn salesforce_is_asked_for_each_moving_field_once() {
    let mut silent = field("note", PartnerType::MultiLine, "Description");
    silent.rule = SyncRule::DoNotSync;
    let plan = plan(vec![
        field("number", PartnerType::Text, "id"),
        name(),
        field("surname", PartnerType::Text, "LastName"),
        field("seller", PartnerType::Reference, "OwnerId"),
        silent,
    ]);
    assert_eq!(
        plan.salesforce_fields(),
        ["Id", "LastName", "OwnerId", "LastModifiedById", "SystemModstamp"]
    );
    let mut ownerless = contact();
    ownerless.fields.remove("OwnerId");
    let plan = MappingPlan::check(
        MappingId(1),
        PlanRevision(1),
        &document(vec![name()]),
        &ownerless,
        None,
    )
    .unwrap();
    assert!(!plan.has_owner);
    assert_eq!(
        plan.salesforce_fields(),
        ["Id", "LastName", "LastModifiedById", "SystemModstamp"]
    );
}

#[test]
fn every_problem_is_reported_at_once() {
    let mut required = field("note", PartnerType::MultiLine, "Description");
    required.rule = SyncRule::DoNotSync;
    required.required = true;
    let mut document = document(vec![
        field("last_name", PartnerType::Text, "LastNam"),
        field("LastName", PartnerType::Date, "FirstName"),
        required,
    ]);
    document.partner_object = String::new();
    document.salesforce_object = "Lead".to_owned();
    document.direction = Direction::Both;
    document.default_owner = " ".to_owned();
    assert_problems(
        &document,
        &[
            ("partnerObject", "is empty"),
            ("salesforceObject", "write `Contact`"),
            ("defaultOwner", "mandatory"),
            ("externalId", "unique external id"),
            ("salesforceDefaultOwner", "mandatory"),
            ("fields[0].salesforce", "Did you mean `LastName`"),
            ("fields[1].partner", "lower-case"),
            ("fields[1].type", "Write `Text`"),
            ("fields[2].rule", "requires"),
        ],
    );
}

#[test]
fn partner_names_are_plain() {
    for (name, word) in [
        ("", "is empty"),
        ("9lives", "begin"),
        ("_x", "begin"),
        ("Name", "begin"),
        ("last name", "other characters"),
        ("last-name", "other characters"),
        ("größe", "other characters"),
    ] {
        let document = document(vec![field(name, PartnerType::Text, "LastName")]);
        assert_problems(&document, &[("fields[0].partner", word)]);
    }
    let long = "x".repeat(65);
    let document = document(vec![field(&long, PartnerType::Text, "LastName")]);
    assert_problems(&document, &[("fields[0].partner", "64 characters")]);
}

#[test]
fn a_partner_field_has_one_source() {
    let document = document(vec![
        name(),
        field("last_name", PartnerType::Text, "FirstName"),
        field("last_name", PartnerType::Text, "LastName"),
    ]);
    assert_problems(
        &document,
        &[
            ("fields[1].partner", "already by fields[0]"),
            ("fields[2].partner", "already by fields[0]"),
        ],
    );
}

#[test]
fn fields_that_cannot_be_read_are_explained() {
    for (salesforce, word) in [
        ("", "is empty"),
        ("Account.Name", "related object"),
        ("Zzzz", "has no field `Zzzz` that the integration user can see."),
    ] {
        let document = document(vec![name(), field("it", PartnerType::Text, salesforce)]);
        assert_problems(&document, &[("fields[1].salesforce", word)]);
    }
}

#[test]
fn compound_fields_are_mapped_by_their_components() {
    for (salesforce, word) in [
        ("MailingAddress", "(`MailingStreet`, `MailingCity`)"),
        ("Place__c", "(`Place__Latitude__s`)"),
        ("Photo__c", "bytes"),
        ("Anything__c", "no fixed type"),
    ] {
        let document = document(vec![field("it", PartnerType::Address, salesforce)]);
        assert_problems(&document, &[("fields[0].salesforce", word)]);
    }
}

#[test]
fn a_mapping_in_which_nothing_moves_is_refused() {
    let mut silent = name();
    silent.rule = SyncRule::DoNotSync;
    for fields in [Vec::new(), vec![silent]] {
        assert_problems(&document(fields), &[("fields", "no field moves")]);
    }
}

#[test]
fn an_object_without_stamp_is_refused() {
    let mut object = contact();
    object.fields.remove("SystemModstamp");
    let problems = MappingPlan::check(
        MappingId(1),
        PlanRevision(1),
        &document(vec![name()]),
        &object,
        None,
    )
    .unwrap_err();
    assert_eq!(problems[0].at, "salesforceObject");
}

#[test]
fn lengths_make_sense() {
    for (partner_type, salesforce, limit, word) in [
        (PartnerType::Text, "LastName", 0, "0 characters"),
        (PartnerType::Date, "Birthdate", 10, "no length"),
        (PartnerType::Currency, "Budget__c", 10, "no length"),
        (PartnerType::MultiChoice, "Languages__c", 10, "no length"),
    ] {
        let mut limited = field("it", partner_type, salesforce);
        limited.max_length = Some(limit);
        assert_problems(&document(vec![limited]), &[("fields[0].maxLength", word)]);
    }
}

#[test]
fn choices_are_checked_one_by_one() {
    let mut level = field("level", PartnerType::SingleChoice, "Level__c");
    level.choices = choices(&[("Primery", "a"), ("Primary", "b"), ("Primary", "c"), ("", "d")]);
    level.choices.push(ChoiceMapping {
        salesforce: "Tertiary".to_owned(),
        partner: Some(String::new()),
    });
    assert_problems(
        &document(vec![level]),
        &[
            ("fields[0].choices[0].salesforce", "Did you mean `Primary`"),
            ("fields[0].choices[2].salesforce", "mapped twice"),
            ("fields[0].choices[3].salesforce", "is empty"),
            ("fields[0].choices[4].partner", "write null"),
        ],
    );
    let mut text = name();
    text.choices = choices(&[("a", "b")]);
    assert_problems(&document(vec![text]), &[("fields[0].choices", "no options")]);
    let mut open = field("source", PartnerType::SingleChoice, "LeadSource");
    open.choices = choices(&[("Anything at all", "x")]);
    assert!(check(&document(vec![open])).is_ok());
}

#[test]
fn a_plan_survives_being_stored() {
    let mut level = field("level", PartnerType::SingleChoice, "Level__c");
    level.choices = choices(&[("Primary", "a"), ("Tertiary", "")]);
    let plan = plan(vec![name(), level]);
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<MappingPlan>(&stored).unwrap(), plan);
}

/// A mapping as an admin might leave it: some of eight partner fields, each on one of three Salesforce fields.
fn edits() -> impl Strategy<Value = Vec<BTreeMap<u8, u8>>> {
    prop::collection::vec(prop::collection::btree_map(0u8..8, 0u8..3, 1..8), 1..12)
}

proptest! {
    #[test]
    fn a_field_id_is_kept_while_its_pair_persists_and_never_given_twice(edits in edits()) {
        let sources = ["FirstName", "LastName", "MailingCity"];
        let mut previous: Option<MappingPlan> = None;
        let mut retired: BTreeSet<FieldId> = BTreeSet::new();
        for edit in edits {
            let fields = edit
                .iter()
                .map(|(partner, source)| field(&format!("f{partner}"), PartnerType::Text, sources[usize::from(*source)]))
                .collect();
            let plan = MappingPlan::check(
                MappingId(1),
                PlanRevision(1),
                &document(fields),
                &contact(),
                previous.as_ref(),
            )
            .unwrap();
            let ids: BTreeSet<FieldId> = plan.fields.iter().map(|field| field.id).collect();
            prop_assert_eq!(ids.len(), plan.fields.len());
            prop_assert!(!ids.contains(&FieldId::OWNER));
            prop_assert!(ids.is_disjoint(&retired));
            prop_assert!(ids.iter().all(|id| *id <= plan.last_field_id));
            if let Some(previous) = &previous {
                prop_assert!(previous.last_field_id <= plan.last_field_id);
                for old in &previous.fields {
                    let persists = plan
                        .fields
                        .iter()
                        .find(|new| new.partner == old.partner && new.salesforce.name == old.salesforce.name);
                    match persists {
                        Some(new) => prop_assert_eq!(new.id, old.id),
                        None => {
                            prop_assert!(!ids.contains(&old.id));
                            retired.insert(old.id);
                        }
                    }
                }
            }
            previous = Some(plan);
        }
    }
}
