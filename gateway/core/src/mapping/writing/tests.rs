//! What a direction asks of a mapping.

use super::*;
use crate::id::{MappingId, PlanRevision};
use crate::mapping::MappingPlan;
use crate::mapping::sample::{check, contact, document, field, field_plan, two_way};

fn ruled(rule: SyncRule) -> FieldMapping {
    FieldMapping {
        rule,
        ..field("name", PartnerType::Text, "LastName")
    }
}

/// The places of the problems of a document over an object.
fn places(document: &MappingDocument, object: &SalesforceObject) -> Vec<String> {
    match MappingPlan::check(MappingId(1), PlanRevision(1), document, object, None) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.at).collect(),
    }
}

fn towards_salesforce(fields: Vec<FieldMapping>) -> MappingDocument {
    MappingDocument {
        direction: Direction::PartnerToSalesforce,
        ..two_way(fields)
    }
}

#[test]
fn each_direction_takes_the_rules_that_can_decide_in_it() {
    use SyncRule as R;
    let all = [
        R::Salesforce,
        R::SalesforceUnlessBlank,
        R::Partner,
        R::PartnerUnlessBlank,
        R::MostRecent,
        R::DoNotSync,
    ];
    let base = field("mail", PartnerType::Email, "Email");
    for (direction, fitting) in [
        (
            Direction::SalesforceToPartner,
            &[R::Salesforce, R::SalesforceUnlessBlank, R::DoNotSync][..],
        ),
        (
            Direction::PartnerToSalesforce,
            &[R::Partner, R::PartnerUnlessBlank, R::DoNotSync],
        ),
        (Direction::Both, &all),
    ] {
        for rule in all {
            let mut moving = base.clone();
            moving.rule = if direction == Direction::PartnerToSalesforce {
                R::Partner
            } else {
                R::Salesforce
            };
            let document = MappingDocument {
                direction,
                ..two_way(vec![ruled(rule), moving])
            };
            let expected: &[&str] = if fitting.contains(&rule) {
                &[]
            } else {
                &["fields[0].rule"]
            };
            assert_eq!(places(&document, &contact()), expected, "{direction:?} {rule:?}");
            let owned = MappingDocument {
                owner_rule: Some(rule),
                ..MappingDocument {
                    fields: document.fields[1..].to_vec(),
                    ..document
                }
            };
            let expected: &[&str] = if fitting.contains(&rule) {
                &[]
            } else {
                &["ownerRule"]
            };
            assert_eq!(places(&owned, &contact()), expected, "{direction:?} {rule:?}");
        }
    }
}

#[test]
fn without_a_rule_the_side_that_leads_wins_the_owner() {
    for (direction, rule, expected) in [
        (
            Direction::SalesforceToPartner,
            SyncRule::Salesforce,
            SyncRule::Salesforce,
        ),
        (Direction::Both, SyncRule::Partner, SyncRule::Salesforce),
        (
            Direction::PartnerToSalesforce,
            SyncRule::Partner,
            SyncRule::Partner,
        ),
    ] {
        let document = MappingDocument {
            direction,
            ..two_way(vec![ruled(rule)])
        };
        assert_eq!(check(&document).unwrap().owner_rule, expected);
    }
}

#[test]
fn a_two_way_plan_knows_its_external_id_identity_and_default_owner() {
    let document = MappingDocument {
        external_id: Some("causewayid__C".to_owned()),
        identity: Some("mail".to_owned()),
        ..two_way(vec![
            ruled(SyncRule::MostRecent),
            field("mail", PartnerType::Email, "Email"),
        ])
    };
    let plan = check(&document).unwrap();
    assert_eq!(plan.external_id.as_deref(), Some("CausewayId__c"));
    assert_eq!(plan.identity, Some(FieldId(2)));
    assert_eq!(
        plan.salesforce_default_owner,
        SalesforceId::parse("005000000000008").ok()
    );
    assert_eq!(plan.partner_delete_policy, DeletePolicy::Delete);
    assert!(plan.has_last_modified_by);
    assert!(plan.writes_partner() && plan.writes_salesforce());
    assert!(plan.salesforce_fields().contains(&"CausewayId__c"));
}

#[test]
fn a_field_that_nobody_may_write_cannot_be_the_partners() {
    for (rule, writes) in [
        (SyncRule::Salesforce, false),
        (SyncRule::SalesforceUnlessBlank, false),
        (SyncRule::Partner, true),
        (SyncRule::PartnerUnlessBlank, true),
        (SyncRule::MostRecent, true),
    ] {
        let formula = FieldMapping {
            rule,
            ..field("score", PartnerType::Number, "Formula__c")
        };
        let document = two_way(vec![formula]);
        let result = check(&document);
        assert_eq!(result.is_err(), writes, "{rule:?}");
        if let Err(problems) = result {
            assert_eq!(problems.len(), 1);
            assert!(problems[0].message.contains("is a formula"), "{}", problems[0]);
        }
        for closed in [(false, true), (true, false)] {
            let mut object = contact();
            let field = object.fields.get_mut("LastName").unwrap();
            (field.createable, field.updateable) = closed;
            let expected: &[&str] = if writes { &["fields[0].rule"] } else { &[] };
            assert_eq!(places(&two_way(vec![ruled(rule)]), &object), expected);
        }
    }
}

#[test]
fn what_the_partner_requires_cannot_stay_out() {
    let mut both = two_way(vec![
        ruled(SyncRule::DoNotSync),
        field("mail", PartnerType::Email, "Email"),
    ]);
    both.fields[0].required = true;
    assert_eq!(places(&both, &contact()), ["fields[0].rule"]);
    both.fields[0].required = false;
    assert_eq!(places(&both, &contact()), [""; 0]);
}

#[test]
fn a_default_owner_in_salesforce_is_mandatory_where_the_partner_writes_owned_records() {
    let place = ["salesforceDefaultOwner".to_owned()];
    let mut document = towards_salesforce(vec![ruled(SyncRule::Partner)]);
    for (owner, expected) in [
        (None, &place[..]),
        (Some("005000000000001"), &[]),
        (Some("00G000000000001EAA"), &[]),
        (Some("003000000000001"), &place),
        (Some("somebody"), &place),
    ] {
        document.salesforce_default_owner = owner.map(str::to_owned);
        assert_eq!(places(&document, &contact()), expected, "{owner:?}");
    }
    document.salesforce_default_owner = None;
    let mut ownerless = contact();
    ownerless.fields.remove("OwnerId");
    assert_eq!(places(&document, &ownerless), [""; 0]);
    let one_way = super::super::sample::document(vec![ruled(SyncRule::Salesforce)]);
    assert_eq!(places(&one_way, &contact()), [""; 0]);
}

#[test]
fn the_external_id_must_be_fit_to_find_records_by() {
    type Bend = fn(&mut SalesforceField);
    let bend: [(Bend, &str); 6] = [
        (|_| {}, ""),
        (|field| field.kind = SalesforceType::Double, "is no text field"),
        (|field| field.external_id = false, "is not marked as external id"),
        (|field| field.unique = false, "is not unique"),
        (|field| field.createable = false, "cannot be written"),
        (|field| field.length = 31, "is too short"),
    ];
    let document = two_way(vec![ruled(SyncRule::MostRecent)]);
    for (bend, message) in bend {
        let mut object = contact();
        bend(object.fields.get_mut("CausewayId__c").unwrap());
        match MappingPlan::check(MappingId(1), PlanRevision(1), &document, &object, None) {
            Ok(plan) => assert_eq!(
                (message, plan.external_id.as_deref()),
                ("", Some("CausewayId__c"))
            ),
            Err(problems) => {
                assert_eq!((problems.len(), problems[0].at.as_str()), (1, "externalId"));
                assert!(
                    !message.is_empty() && problems[0].message.contains(message),
                    "{}",
                    problems[0]
                );
            }
        }
    }
    let mut exact = contact();
    exact.fields.get_mut("CausewayId__c").unwrap().length = 32;
    assert_eq!(places(&document, &exact), [""; 0]);
    let unknown = MappingDocument {
        external_id: Some("CausewayIds__c".to_owned()),
        ..document.clone()
    };
    let problems = check(&unknown).unwrap_err();
    assert!(problems[0].message.contains("CausewayId__c"), "{}", problems[0]);
    let none = MappingDocument {
        external_id: None,
        ..document
    };
    assert_eq!(places(&none, &contact()), ["externalId"]);
    let recognised = MappingDocument {
        identity: Some("name".to_owned()),
        ..none
    };
    assert_eq!(check(&recognised).unwrap().identity, Some(FieldId(1)));
}

#[test]
fn records_are_recognised_by_a_mapped_field_that_moves_and_has_one_value() {
    use PartnerType as P;
    let mut fields = vec![
        field("name", P::Text, "LastName"),
        field("mail", P::Email, "Email"),
        field("phone", P::Phone, "Phone"),
        field("level", P::SingleChoice, "Level__c"),
        field("score", P::Number, "Score__c"),
        field("budget", P::Currency, "Budget__c"),
        field("still", P::Text, "FirstName"),
        field("languages", P::MultiChoice, "Languages__c"),
        field("born", P::Date, "Birthdate"),
        field("notes", P::MultiLine, "Description"),
        field("account", P::Reference, "AccountId"),
        field("city", P::Address, "MailingCity"),
        field("optout", P::Boolean, "HasOptedOutOfEmail"),
    ];
    fields[6].rule = SyncRule::DoNotSync;
    for (at, name) in fields.iter().map(|field| field.partner.clone()).enumerate() {
        let document = MappingDocument {
            identity: Some(name.clone()),
            ..two_way(fields.clone())
        };
        let expected: &[&str] = if at < 6 { &[] } else { &["identity"] };
        assert_eq!(places(&document, &contact()), expected, "{name}");
    }
    let misspelt = MappingDocument {
        identity: Some("mial".to_owned()),
        ..two_way(fields.clone())
    };
    let problems = check(&misspelt).unwrap_err();
    assert!(problems[0].message.contains("mail"), "{}", problems[0]);
}

#[test]
fn without_an_external_id_records_are_recognised_by_what_the_gateway_may_set() {
    let mut object = contact();
    object.fields.get_mut("Email").unwrap().createable = false;
    let mut fields = vec![
        field("name", PartnerType::Text, "LastName"),
        field("mail", PartnerType::Email, "Email"),
    ];
    fields[1].rule = SyncRule::Salesforce;
    let marked = MappingDocument {
        identity: Some("mail".to_owned()),
        ..two_way(fields)
    };
    let unmarked = MappingDocument {
        external_id: None,
        ..marked.clone()
    };
    assert_eq!(places(&unmarked, &object), ["identity"]);
    assert_eq!(places(&unmarked, &contact()), [""; 0]);
    assert_eq!(places(&marked, &object), [""; 0]);
}

#[test]
fn records_are_recognised_only_by_what_salesforce_can_look_for() {
    let mut object = contact();
    object.fields.get_mut("Email").unwrap().filterable = false;
    let recognised = |direction, name: &str| MappingDocument {
        direction,
        identity: Some(name.to_owned()),
        ..two_way(vec![
            field("mail", PartnerType::Email, "email"),
            field("name", PartnerType::Text, "LastName"),
        ])
    };
    let by_mail = recognised(Direction::Both, "mail");
    assert_eq!(places(&by_mail, &object), ["identity"]);
    assert_eq!(places(&by_mail, &contact()), [""; 0]);
    assert_eq!(places(&recognised(Direction::Both, "name"), &object), [""; 0]);
    // Nobody looks for anything in Salesforce then.
    let one_way = MappingDocument {
        external_id: None,
        salesforce_default_owner: None,
        ..recognised(Direction::SalesforceToPartner, "mail")
    };
    assert_eq!(places(&one_way, &object), [""; 0]);
}

#[test]
fn what_salesforce_requires_must_be_mapped_where_the_partner_makes_records() {
    let mut object = contact();
    object.fields.get_mut("LastName").unwrap().nillable = false;
    object.fields.get_mut("OwnerId").unwrap().nillable = false;
    let without = |direction| MappingDocument {
        direction,
        ..two_way(vec![field("mail", PartnerType::Email, "Email")])
    };
    assert_eq!(places(&without(Direction::Both), &object), ["fields"]);
    assert_eq!(places(&without(Direction::SalesforceToPartner), &object), [""; 0]);
    let mapped = two_way(vec![field("name", PartnerType::Text, "lastname")]);
    assert_eq!(places(&mapped, &object), [""; 0]);
    let mut still = two_way(vec![
        ruled(SyncRule::DoNotSync),
        field("mail", PartnerType::Email, "Email"),
    ]);
    assert_eq!(places(&still, &object), ["fields"]);
    still.fields[0].rule = SyncRule::Partner;
    assert_eq!(places(&still, &object), [""; 0]);
    for excuse in [
        |field: &mut SalesforceField| field.defaulted_on_create = true,
        |field: &mut SalesforceField| field.createable = false,
        |field: &mut SalesforceField| field.nillable = true,
    ] {
        let mut object = object.clone();
        excuse(object.fields.get_mut("LastName").unwrap());
        assert_eq!(places(&without(Direction::Both), &object), [""; 0]);
    }
}

#[test]
fn a_salesforce_field_that_the_partner_writes_has_one_source() {
    let twice = vec![
        field("name", PartnerType::Text, "LastName"),
        field("surname", PartnerType::Text, "lastname"),
    ];
    assert_eq!(
        places(&two_way(twice.clone()), &contact()),
        ["fields[1].salesforce"]
    );
    assert_eq!(places(&document(twice.clone()), &contact()), [""; 0]);
    let mut still = twice;
    still[0].rule = SyncRule::DoNotSync;
    assert_eq!(places(&two_way(still), &contact()), [""; 0]);
    let own = vec![
        field("name", PartnerType::Text, "LastName"),
        field("id", PartnerType::Text, "CausewayId__c"),
    ];
    let problems = check(&two_way(own)).unwrap_err();
    assert_eq!(problems[0].at, "fields[1].salesforce");
    assert!(problems[0].message.contains("own ids"), "{}", problems[0]);
}

#[test]
fn salesforce_keeps_no_archive_for_the_partner() {
    let mut document = two_way(vec![ruled(SyncRule::Partner)]);
    for (policy, expected) in [
        (DeletePolicy::Archive, &["partnerDeletePolicy"][..]),
        (DeletePolicy::Delete, &[]),
        (DeletePolicy::Unlink, &[]),
        (DeletePolicy::Ask, &[]),
    ] {
        document.partner_delete_policy = policy;
        assert_eq!(places(&document, &contact()), expected);
    }
}

#[test]
fn an_external_id_names_its_record_and_nothing_else_does() {
    use crate::id::{ConnectionId, RecordId};
    let (connection, record) = (ConnectionId(3), RecordId(17));
    for (generation, text) in [(0, "cw-3-17"), (2, "cw-3-17-2")] {
        assert_eq!(MappingPlan::external_id_of(connection, record, generation), text);
        assert_eq!(
            MappingPlan::record_of_external_id(connection, text),
            Some((record, generation))
        );
    }
    for other in [
        "cw-4-17",
        "cw-3-17-0",
        "cw-3-017",
        "cw-3-17-2-1",
        "cw-3-",
        "cw-3",
        "3-17",
        "",
        "cw-3-17 ",
        "cw-3-x",
        "cw-3-17-x",
    ] {
        assert_eq!(
            MappingPlan::record_of_external_id(connection, other),
            None,
            "{other}"
        );
    }
    // A field of a plan is found by its id.
    let plan = check(&two_way(vec![field("name", PartnerType::Text, "LastName")])).unwrap();
    assert_eq!(
        plan.field(FieldId(1)).map(|field| field.partner.as_str()),
        Some("name")
    );
    assert_eq!(plan.field(FieldId(9)), None);
    assert_eq!(
        field_plan(field("name", PartnerType::Text, "LastName")).id,
        FieldId(1)
    );
}
