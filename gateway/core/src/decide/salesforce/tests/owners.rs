//! Who owns the partner's record.

use super::*;
use crate::decide::ChangeCause;
use crate::owners::OwnerRung;

fn owned(stamp: i64, owner: SalesforceId) -> Incoming {
    contact(stamp, stamp + 10).owned_by(Some(owner)).news()
}

#[test]
fn the_owner_follows_salesforce() {
    let mut world = linked();
    let effects = world.take(&owned(11, user(2)));
    assert_eq!(
        effects.history,
        [FieldChange {
            field: FieldId::OWNER,
            salesforce_before: Some(FieldValue::Reference(user(1))),
            salesforce_after: Some(FieldValue::Reference(user(2))),
            partner_before: Some(text("u-1")),
            partner_after: Some(text("u-2")),
            cause: ChangeCause::Owner(OwnerRung::Mapped),
            lost: None,
        }]
    );
    assert_eq!(world.record().owner, "u-2");
}

#[test]
fn an_owner_without_partner_user_becomes_the_default_owner() {
    let mut world = linked();
    let effects = world.take(&owned(11, user(9)));
    assert_eq!(effects.history[0].cause, ChangeCause::Owner(OwnerRung::Default));
    assert_eq!(world.record().owner, "u-default");

    let mut fresh = super::world();
    fresh.take(&owned(10, user(9)));
    assert_eq!(fresh.record().owner, "u-default");
}

#[test]
fn the_default_owner_may_be_kept_out_of_updates() {
    let mut world = linked();
    world.plan.keep_owner_on_update = true;
    let effects = world.take(&owned(11, user(9)));
    assert_eq!((effects.outcome, effects.record), (Outcome::Confirmed, None));
    assert_eq!(world.record().owner, "u-1");
    world.take(&owned(12, user(2)));
    assert_eq!(
        world.record().owner,
        "u-2",
        "a mapped owner is followed all the same"
    );

    let mut fresh = super::world();
    fresh.plan.keep_owner_on_update = true;
    fresh.take(&owned(10, user(9)));
    assert_eq!(fresh.record().owner, "u-default", "a create is no update");
}

#[test]
fn a_user_who_gets_a_partner_user_later_replaces_the_default_owner() {
    let mut world = world();
    world.take(&owned(10, user(9)));
    world.owners = OwnerDirectory::new([(user(9), "u-9".to_owned())]);
    let effects = world.take(&owned(11, user(9)));
    assert_eq!(effects.outcome, Outcome::Updated);
    assert_eq!(world.record().owner, "u-9");
}

#[test]
fn a_user_who_loses_the_partner_user_keeps_the_records() {
    let mut world = linked();
    world.owners = OwnerDirectory::default();
    assert_eq!(world.take(&owned(11, user(1))).outcome, Outcome::Confirmed);
    assert_eq!(world.record().owner, "u-1");
}

#[test]
fn a_reading_without_owner_says_nothing_of_it() {
    let mut world = linked();
    let effects = world.take(&contact(11, 21).owned_by(None).news());
    assert_eq!(effects.outcome, Outcome::Confirmed);
    assert_eq!(world.record().owner, "u-1");
    assert_eq!(
        world.pair(0),
        Some(&AgreedPair::new(FieldValue::Reference(user(1)), text("u-1")))
    );

    let mut ownerless = super::world();
    ownerless.take(&contact(10, 20).owned_by(None).news());
    assert_eq!(ownerless.record().owner, "u-default");
    assert_eq!(ownerless.pair(0), None);
}
