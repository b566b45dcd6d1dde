//! Which readings count.

use super::*;
use crate::mapping::ConversionCause;

#[test]
fn older_readings_change_nothing() {
    let mut world = linked();
    for (modstamp, observed) in [(9, 99), (10, 19)] {
        let news = contact(modstamp, observed).with("LastName", text("older")).news();
        assert_eq!(world.ignore(&news), DropReason::Stale);
    }
}

#[test]
fn the_same_reading_again_changes_nothing() {
    let mut world = linked();
    assert_eq!(world.ignore(&contact(10, 20).news()), DropReason::Unchanged);
    assert_eq!(
        world.ignore(&contact(10, 20).without("LastName").news()),
        DropReason::Unchanged
    );
}

#[test]
fn one_version_with_two_contents_asks_for_a_fresh_reading() {
    let mut world = linked();
    let mut unreadable = contact(10, 20).without("Budget__c");
    unreadable
        .0
        .unreadable
        .push(world.plan.fields[3].problem(ConversionCause::Malformed {
            expected: "a number".to_owned(),
        }));
    for news in [
        contact(10, 20).with("LastName", text("other")).news(),
        contact(10, 20).with("LeadSource", text("Portal")).news(),
        contact(10, 20).owned_by(Some(user(2))).news(),
        unreadable.news(),
    ] {
        assert_eq!(world.hear(&news), Decision::ReadAgain);
    }
    let fresh = world.take(&fresh(contact(10, 21).with("LastName", text("other"))));
    assert_eq!(fresh.outcome, Outcome::Updated);
}

#[test]
fn two_saves_of_one_second_ask_for_a_fresh_reading_unless_read_in_a_certain_order() {
    let mut world = linked();
    let other = |observed| contact(10, observed).with("LastName", text("other"));
    assert_eq!(world.hear(&other(21).news()), Decision::ReadAgain);
    assert_eq!(world.take(&contact(10, 21).news()).outcome, Outcome::Confirmed);
    assert_eq!(world.hear(&other(22).news()), Decision::ReadAgain);
    assert_eq!(world.take(&fresh(other(22))).outcome, Outcome::Updated);
    let again = contact(10, 24).with("LastName", text("a third"));
    assert_eq!(world.take(&again.news()).outcome, Outcome::Updated);
}

/// What is read on purpose, because of a doubt.
fn fresh(mut reading: Reading) -> Incoming {
    reading.0.is_fresh = true;
    reading.news()
}

#[test]
fn a_formula_changes_without_moving_the_stamp() {
    let mut world = linked();
    let effects = world.take(&contact(10, 25).with("Budget__c", number("7")).news());
    assert_eq!(effects.outcome, Outcome::Updated);
    assert_eq!(world.version(), version(10, 25));
}

#[test]
fn a_newer_version_with_nothing_new_is_confirmed_without_noise() {
    let mut world = linked();
    let writes = world.writes;
    let effects = world.take(&contact(11, 21).news());
    assert_eq!(effects.outcome, Outcome::Confirmed);
    assert_eq!((effects.record, effects.history), (None, Vec::new()));
    assert_eq!((world.version(), world.writes), (version(11, 21), writes));
}

#[test]
fn an_older_reading_of_the_same_stamp_fills_what_no_reading_carried() {
    let mut world = world();
    world.take(&contact(10, 20).without("Phone").owned_by(None).news());
    let rest = contact(10, 15)
        .with("LastName", text("older formula"))
        .owned_by(Some(user(2)));
    let effects = world.take(&rest.clone().news());
    assert_eq!(changed(&effects.history), [3, 0]);
    assert_eq!(world.value("phone"), Some(&text("044 123")));
    assert_eq!(world.value("name"), Some(&text("Ångström")));
    assert_eq!(world.record().owner, "u-2");
    assert_eq!(world.version(), version(10, 20));
    assert_eq!(world.ignore(&rest.news()), DropReason::Stale);
}

#[test]
fn the_same_version_may_bring_more_fields() {
    let mut world = world();
    world.take(&contact(10, 20).without("Phone").news());
    assert_eq!(changed(&world.take(&contact(10, 20).news()).history), [3]);
    assert_eq!(world.ignore(&contact(10, 20).news()), DropReason::Unchanged);
}

#[test]
fn an_older_stamp_fills_nothing() {
    let mut world = world();
    world.take(&contact(10, 20).without("Phone").news());
    assert_eq!(world.ignore(&contact(9, 30).news()), DropReason::Stale);
}

#[test]
fn a_held_record_ignores_older_readings() {
    let mut world = world();
    world.take(&contact(10, 20).with("LeadSource", text("Radio")).news());
    for (modstamp, observed) in [(9, 30), (10, 19)] {
        assert_eq!(
            world.ignore(&contact(modstamp, observed).news()),
            DropReason::Stale
        );
    }
}
