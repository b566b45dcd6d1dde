//! Deletes and undeletes.

use super::*;
use crate::decide::{Agreed, ChangeCause, HeldReason, Presence};
use crate::mapping::DeletePolicy;

fn under(policy: DeletePolicy) -> World {
    let mut world = linked();
    world.plan.delete_policy = policy;
    world
}

#[test]
fn a_delete_of_an_unknown_record_leaves_a_tombstone() {
    let mut world = world();
    let effects = world.take(&deleted(11, 20));
    assert_eq!((effects.outcome, effects.record), (Outcome::Deleted, None));
    assert_eq!(*world.status(), LinkStatus::Deleted);
    assert_eq!(world.ignore(&contact(10, 30).news()), DropReason::Tombstoned);
    assert_eq!(world.ignore(&contact(11, 20).news()), DropReason::Tombstoned);
    assert_eq!(world.take(&contact(12, 31).news()).outcome, Outcome::Created);
}

#[test]
fn policy_delete_empties_the_record_and_remembers_what_it_held() {
    let mut world = under(DeletePolicy::Delete);
    let effects = world.take(&deleted(11, 21));
    assert_eq!(effects.outcome, Outcome::Deleted);
    assert_eq!(changed(&effects.history), [1, 2, 3, 4]);
    let source = &effects.history[1];
    assert_eq!(source.cause, ChangeCause::Deleted);
    assert_eq!(
        (&source.salesforce_before, &source.partner_before),
        (&Some(text("Web")), &Some(text("online")))
    );
    assert_eq!((&source.salesforce_after, &source.partner_after), (&None, &None));
    assert_eq!(
        (world.record().presence, world.record().fields.len()),
        (Presence::Deleted, 0)
    );
    assert_eq!(world.link.as_ref().unwrap().agreed, Agreed::default());

    let restored = world.take(&contact(12, 22).news());
    assert_eq!(restored.outcome, Outcome::Restored);
    assert_eq!(changed(&restored.history), [1, 2, 3, 4, 0]);
    assert!(
        restored
            .history
            .iter()
            .all(|change| change.salesforce_before.is_none())
    );
    assert_eq!(world.record().presence, Presence::Live);
    assert_eq!(world.value("source"), Some(&text("online")));
}

#[test]
fn policy_archive_keeps_the_record_as_it_was() {
    let mut world = under(DeletePolicy::Archive);
    let before = world.record().fields.clone();
    let effects = world.take(&deleted(11, 21));
    assert_eq!((effects.outcome, effects.history), (Outcome::Deleted, Vec::new()));
    assert_eq!(
        (world.record().presence, &world.record().fields),
        (Presence::Archived, &before)
    );

    for (name, history) in [("Ohm", &[1][..]), ("Ångström", &[])] {
        let mut world = world.clone();
        let restored = world.take(&contact(12, 22).with("LastName", text(name)).news());
        assert_eq!(restored.outcome, Outcome::Restored);
        assert_eq!(changed(&restored.history), history);
        assert_eq!(world.record().presence, Presence::Live);
    }
}

#[test]
fn policy_unlink_leaves_the_record_alone() {
    let mut world = under(DeletePolicy::Unlink);
    let effects = world.take(&deleted(11, 21));
    assert_eq!((effects.outcome, effects.record), (Outcome::Deleted, None));
    assert_eq!(
        (world.record().presence, world.status()),
        (Presence::Live, &LinkStatus::Deleted)
    );
    assert_eq!(world.ignore(&contact(11, 21).news()), DropReason::Tombstoned);
    assert_eq!(world.take(&contact(12, 22).news()).outcome, Outcome::Restored);
}

#[test]
fn policy_ask_holds_the_record_until_somebody_answers() {
    let mut world = under(DeletePolicy::Ask);
    let effects = world.take(&deleted(11, 21));
    assert_eq!((effects.outcome, effects.record), (Outcome::Held, None));
    let asked = LinkStatus::Held {
        reason: HeldReason::DeleteAsked,
    };
    assert_eq!(*world.status(), asked);
    assert_eq!(world.ignore(&deleted(11, 21)), DropReason::Unchanged);
    assert_eq!(world.ignore(&deleted(10, 99)), DropReason::Tombstoned);
    assert_eq!(world.ignore(&contact(11, 21).news()), DropReason::Tombstoned);

    let mut undeleted = world.clone();
    assert_eq!(undeleted.take(&contact(12, 22).news()).outcome, Outcome::Restored);
    assert_eq!(*undeleted.status(), LinkStatus::Linked);

    world.replan(contact_fields());
    world.plan.delete_policy = DeletePolicy::Delete;
    assert_eq!(world.take(&deleted(11, 21)).outcome, Outcome::Deleted);
    assert_eq!(world.record().presence, Presence::Deleted);
}

#[test]
fn a_delete_is_newer_than_any_reading_of_the_same_stamp_but_a_fresh_one() {
    let mut world = linked();
    assert_eq!(world.take(&deleted(10, 5)).outcome, Outcome::Deleted);
    assert_eq!(world.ignore(&contact(10, 4).news()), DropReason::Tombstoned);
    // It may have been undeleted within the second of its delete.
    assert_eq!(world.hear(&contact(10, 20).news()), Decision::ReadAgain);
    let mut fresh = contact(10, 21);
    fresh.0.is_fresh = true;
    assert_eq!(world.take(&fresh.news()).outcome, Outcome::Restored);
    assert_eq!(world.record().presence, Presence::Live);
}

#[test]
fn a_delete_that_an_undelete_overtook_is_stale() {
    let mut world = linked();
    assert_eq!(world.ignore(&deleted(9, 99)), DropReason::Stale);
    assert_eq!(world.record().presence, Presence::Live);
}

#[test]
fn a_second_delete_only_moves_the_version() {
    let mut world = linked();
    world.take(&deleted(11, 21));
    assert_eq!(world.ignore(&deleted(11, 21)), DropReason::Unchanged);
    assert_eq!(world.ignore(&deleted(10, 30)), DropReason::Tombstoned);
    let effects = world.take(&deleted(12, 22));
    assert_eq!((effects.outcome, effects.record), (Outcome::Confirmed, None));
    assert_eq!(
        (world.version(), world.status()),
        (version(12, 22), &LinkStatus::Deleted)
    );
    assert_eq!(world.ignore(&contact(12, 22).news()), DropReason::Tombstoned);
}

#[test]
fn a_held_record_that_is_deleted_waits_no_longer() {
    for policy in [DeletePolicy::Delete, DeletePolicy::Ask] {
        let mut world = world();
        world.plan.delete_policy = policy;
        world.take(&contact(10, 20).with("LeadSource", text("Radio")).news());
        assert_eq!(world.take(&deleted(11, 21)).outcome, Outcome::Deleted);
        assert_eq!((world.status(), &world.record), (&LinkStatus::Deleted, &None));
    }
}

#[test]
fn a_record_is_restored_only_from_a_complete_reading() {
    let mut world = linked();
    world.take(&deleted(11, 21));
    assert_eq!(
        world.hear(&contact(12, 22).without("Phone").news()),
        Decision::ReadAgain
    );
}
