//! What the values of a reading become.

use super::*;
use crate::decide::{ChangeCause, HeldReason, Presence};
use crate::mapping::ConversionCause;
use crate::owners::OwnerRung;

#[test]
fn a_first_reading_makes_a_record_of_the_converted_values() {
    let mut world = world();
    let effects = world.take(&contact(10, 20).news());
    assert_eq!(effects.outcome, Outcome::Created);
    assert_eq!(effects.link.existing, None);
    assert!(effects.history.is_empty());
    let record = world.record();
    assert_eq!(
        record.fields,
        fields([
            ("name", text("Ångström")),
            ("source", text("online")),
            ("phone", text("044 123")),
            ("budget", number("1100.04")),
        ])
    );
    assert_eq!((record.owner.as_str(), record.presence), ("u-1", Presence::Live));
    assert_eq!(*world.status(), LinkStatus::Linked);
    assert_eq!(world.pair(2), Some(&AgreedPair::new(text("Web"), text("online"))));
    assert_eq!(world.pair(1).unwrap().partner, None, "equal sides are kept once");
}

#[test]
fn a_changed_value_is_written_with_its_history() {
    let mut world = linked();
    let effects = world.take(&contact(11, 21).with("LastName", text("Ohm")).news());
    assert_eq!(effects.outcome, Outcome::Updated);
    assert_eq!(
        effects.history,
        [FieldChange {
            field: FieldId(1),
            salesforce_before: Some(text("Ångström")),
            salesforce_after: Some(text("Ohm")),
            partner_before: Some(text("Ångström")),
            partner_after: Some(text("Ohm")),
            cause: ChangeCause::SalesforceWins,
            lost: None,
        }]
    );
    assert_eq!(world.value("name"), Some(&text("Ohm")));
    assert_eq!(world.value("source"), Some(&text("online")));
}

#[test]
fn null_is_news_and_absence_is_none() {
    let mut world = linked();
    let effects = world.take(
        &contact(11, 21)
            .without("LastName")
            .with("Budget__c", FieldValue::Null)
            .news(),
    );
    assert_eq!(changed(&effects.history), [4]);
    assert_eq!(world.value("name"), Some(&text("Ångström")));
    assert_eq!(world.value("budget"), Some(&FieldValue::Null));
    world.take(
        &contact(12, 22)
            .with("LastName", text(""))
            .with("Budget__c", FieldValue::Null)
            .news(),
    );
    assert_eq!(world.value("name"), Some(&text("")));
}

#[test]
fn another_option_for_the_same_partner_option_is_agreed_but_no_news_to_the_partner() {
    let mut world = linked();
    let effects = world.take(&contact(11, 21).with("LeadSource", text("Portal")).news());
    assert_eq!((effects.outcome, effects.record), (Outcome::Confirmed, None));
    assert_eq!(changed(&effects.history), [2]);
    assert_eq!(
        world.pair(2),
        Some(&AgreedPair::new(text("Portal"), text("online")))
    );
}

#[test]
fn an_option_that_does_not_sync_leaves_the_partners_value() {
    let mut world = linked();
    let effects = world.take(&contact(11, 21).with("LeadSource", text("Secret")).news());
    assert_eq!(effects.record, None);
    assert_eq!(effects.history[0].cause, ChangeCause::OptionDoesNotSync);
    assert_eq!(world.value("source"), Some(&text("online")));
    assert_eq!(
        world.pair(2),
        Some(&AgreedPair::new(text("Secret"), text("online")))
    );
    world.take(&contact(12, 22).with("LeadSource", text("Fair")).news());
    assert_eq!(world.value("source"), Some(&text("met")));

    let mut fresh = super::world();
    fresh.take(&contact(10, 20).with("LeadSource", text("Secret")).news());
    assert_eq!(fresh.value("source"), Some(&FieldValue::Null));
}

#[test]
fn a_blank_keeps_the_partners_value_where_the_rule_says_so() {
    let mut world = linked();
    for (stamp, blank) in [(11, FieldValue::Null), (12, text(" "))] {
        let effects = world.take(&contact(stamp, 30).with("Phone", blank.clone()).news());
        assert_eq!(effects.record, None);
        assert_eq!(effects.history[0].cause, ChangeCause::BlankKeepsPartner);
        assert_eq!(world.value("phone"), Some(&text("044 123")));
        assert_eq!(world.pair(3), Some(&AgreedPair::new(blank, text("044 123"))));
    }
    world.take(&contact(13, 30).with("Phone", text("1")).news());
    assert_eq!(world.value("phone"), Some(&text("1")));

    let mut fresh = super::world();
    fresh.take(&contact(10, 20).with("Phone", FieldValue::Null).news());
    assert_eq!(fresh.value("phone"), Some(&FieldValue::Null));
    fresh.take(&contact(11, 21).with("Phone", text(" ")).news());
    assert_eq!(fresh.value("phone"), Some(&text(" ")), "a blank keeps no blank");
}

#[test]
fn all_problems_of_a_record_hold_it_at_once() {
    let mut plan_fields = contact_fields();
    plan_fields[0].required = true;
    plan_fields[2].max_length = Some(3);
    let mut world = World::new(plan(plan_fields));
    let unreadable = world.plan.fields[3].problem(ConversionCause::Malformed {
        expected: "a number".to_owned(),
    });
    let mut reading = contact(10, 20)
        .with("LastName", FieldValue::Null)
        .with("LeadSource", text("Radio"))
        .without("Budget__c");
    reading.0.unreadable.push(unreadable.clone());
    let effects = world.take(&reading.clone().news());
    assert_eq!((effects.outcome, &effects.record), (Outcome::Held, &None));
    let LinkStatus::Held {
        reason: HeldReason::Conversion { problems },
    } = world.status()
    else {
        panic!("{:?}", world.status())
    };
    let mut places: Vec<_> = problems
        .iter()
        .map(|problem| problem.partner_field.as_str())
        .collect();
    places.sort_unstable();
    assert_eq!(places, ["budget", "name", "phone", "source"]);
    assert!(problems.contains(&unreadable));
    assert_eq!(world.ignore(&reading.news()), DropReason::Unchanged);

    let created = world.take(&contact(11, 21).with("Phone", text("123")).news());
    assert_eq!(created.outcome, Outcome::Created);
    assert!(created.history.is_empty());
    assert_eq!(created.link.existing.unwrap().record, None);
}

#[test]
fn a_held_update_leaves_the_partners_record_and_goes_on_from_there() {
    let mut world = linked();
    let before = world.record().clone();
    let bad = contact(11, 21)
        .with("LeadSource", text("Radio"))
        .with("LastName", text("Ohm"));
    assert_eq!(world.take(&bad.news()).outcome, Outcome::Held);
    assert_eq!(world.record(), &before);
    assert_eq!(world.version(), version(11, 21));
    assert_eq!(world.pair(1).unwrap().salesforce, text("Ångström"));

    let mended = world.take(&contact(12, 22).with("LastName", text("Ohm")).news());
    assert_eq!(mended.outcome, Outcome::Updated);
    assert_eq!(changed(&mended.history), [1]);
    assert_eq!(*world.status(), LinkStatus::Linked);
}

#[test]
fn a_held_record_is_decided_again_at_the_same_version_once_the_mapping_is_mended() {
    let mut world = world();
    let news = contact(10, 20).with("LeadSource", text("Radio")).news();
    world.take(&news);
    let mut mended = contact_fields();
    mended[1].choices.extend(choices(&[("Radio", "heard")]));
    world.replan(mended);
    assert_eq!(world.take(&news).outcome, Outcome::Created);
    assert_eq!(world.value("source"), Some(&text("heard")));
    assert_eq!(world.ignore(&news), DropReason::Unchanged);
}

#[test]
fn a_hold_names_the_mapping_it_was_last_decided_under() {
    let mut world = world();
    let news = contact(10, 20).with("LeadSource", text("Radio")).news();
    world.take(&news);
    world.replan(contact_fields());
    assert_eq!(world.take(&news).link.plan, world.plan.revision);
    assert_eq!(world.ignore(&news), DropReason::Unchanged);
}

#[test]
fn a_mapping_changed_while_the_record_was_held_is_weighed_once_it_goes_on() {
    let mut world = linked();
    let mut next = contact_fields();
    next[1].choices = choices(&[("Web", "internet")]);
    next[2].max_length = Some(8);
    world.replan(next);
    let long = contact(11, 21).with("Phone", text("044 123 45 67")).news();
    assert_eq!(world.take(&long).outcome, Outcome::Held);
    assert_eq!(world.value("source"), Some(&text("online")));
    world.take(&contact(12, 22).news());
    assert_eq!(world.value("source"), Some(&text("internet")));
}

#[test]
fn a_required_field_that_no_reading_carried_holds_the_record() {
    let mut plan_fields = contact_fields();
    plan_fields[0].required = true;
    let mut world = World::new(plan(plan_fields));
    assert_eq!(
        world.take(&contact(10, 20).without("LastName").news()).outcome,
        Outcome::Held
    );
    // The next partial reading could complete it, but what it lacks may have changed while it was held.
    assert_eq!(
        world.hear(&contact(11, 21).without("Phone").news()),
        Decision::ReadAgain
    );
    assert_eq!(world.take(&contact(11, 22).news()).outcome, Outcome::Created);
}

#[test]
fn a_new_field_is_first_contact_and_a_removed_one_leaves_the_record() {
    let mut world = linked();
    let mut next = contact_fields();
    next.remove(2);
    next.push(field("born", PartnerType::Date, "Birthdate"));
    world.replan(next);
    let day = FieldValue::Date(chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap());
    let news = contact(10, 20).with("Birthdate", day.clone()).news();
    let effects = world.take(&news);
    assert_eq!(effects.outcome, Outcome::Updated);
    let causes: Vec<_> = effects
        .history
        .iter()
        .map(|change| (change.field.0, change.cause, change.partner_after.clone()))
        .collect();
    assert_eq!(
        causes,
        [
            (5, ChangeCause::SalesforceWins, Some(day.clone())),
            (3, ChangeCause::Unmapped, None),
        ]
    );
    assert_eq!(effects.history[0].salesforce_before, None);
    assert_eq!(effects.history[1].partner_before, Some(text("044 123")));
    assert_eq!((world.value("born"), world.value("phone")), (Some(&day), None));
    assert_eq!(world.ignore(&news), DropReason::Unchanged);
}

#[test]
fn a_changed_mapping_is_weighed_against_values_that_stayed_or_were_not_read() {
    for reading in [contact(11, 21), contact(11, 21).without("LeadSource")] {
        let mut world = linked();
        let mut next = contact_fields();
        next[1].choices = choices(&[("Web", "internet"), ("Portal", "internet")]);
        world.replan(next);
        let effects = world.take(&reading.news());
        assert_eq!(changed(&effects.history), [2]);
        assert_eq!(world.value("source"), Some(&text("internet")));
    }
}

#[test]
fn a_field_that_does_not_sync_any_more_stays_as_it_is() {
    let mut world = linked();
    let mut next = contact_fields();
    next[0].rule = SyncRule::DoNotSync;
    world.replan(next);
    let effects = world.take(&contact(11, 21).with("LastName", text("Ohm")).news());
    assert_eq!(
        (effects.outcome, effects.history),
        (Outcome::Confirmed, Vec::new())
    );
    assert_eq!(world.value("name"), Some(&text("Ångström")));
    world.replan(contact_fields());
    let effects = world.take(&contact(11, 25).with("LastName", text("Ohm")).news());
    assert_eq!(effects.history[0].partner_after, Some(text("Ohm")));

    let mut never = contact_fields();
    never[0].rule = SyncRule::DoNotSync;
    let mut fresh = World::new(plan(never));
    fresh.take(&contact(10, 20).news());
    assert_eq!((fresh.value("name"), fresh.pair(1)), (None, None));
}

#[test]
fn a_readings_values_come_from_the_plan() {
    let world = world();
    let problem = ConversionCause::Malformed {
        expected: "a number".to_owned(),
    };
    let snapshot = Snapshot::read(&world.plan, id(), version(1, 2), None, |field| {
        match field.salesforce.name.as_str() {
            "LastName" => Some(Ok(text("x"))),
            "Budget__c" => Some(Err(problem.clone())),
            _ => None,
        }
    });
    assert_eq!(snapshot.fields, fields([("LastName", text("x"))]));
    assert_eq!(snapshot.unreadable, [world.plan.fields[3].problem(problem)]);
}

#[test]
fn what_a_link_keeps_survives_being_stored() {
    let mut world = linked();
    world.take(&contact(11, 21).with("LeadSource", text("Radio")).news());
    let link = world.link.unwrap();
    let status = serde_json::to_string(&link.status).unwrap();
    assert_eq!(serde_json::from_str::<LinkStatus>(&status).unwrap(), link.status);
    let agreed = serde_json::to_string(&link.agreed).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::decide::Agreed>(&agreed).unwrap(),
        link.agreed
    );
    let too_long = HeldReason::Conversion {
        problems: vec![world.plan.fields[0].problem(ConversionCause::TooLong {
            length: u32::MAX,
            limit: 40,
        })],
    };
    let stored = serde_json::to_string(&too_long).unwrap();
    assert_eq!(serde_json::from_str::<HeldReason>(&stored).unwrap(), too_long);
    let cause = ChangeCause::Owner(OwnerRung::Default);
    let stored = serde_json::to_string(&cause).unwrap();
    assert_eq!(serde_json::from_str::<ChangeCause>(&stored).unwrap(), cause);
    let source = crate::decide::ChangeSource::Push {
        inbox: crate::id::InboxId(i64::MAX),
    };
    let stored = serde_json::to_string(&source).unwrap();
    assert_eq!(
        serde_json::from_str::<crate::decide::ChangeSource>(&stored).unwrap(),
        source
    );
}
