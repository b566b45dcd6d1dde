//! Owners on both sides.

use super::*;
use crate::owners::OwnerRung;
use SyncRule as R;

fn owned(rule: SyncRule) -> Pair {
    let mut document = two_way(ruled(R::MostRecent));
    document.owner_rule = Some(rule);
    let mut pair = Pair::new(&document);
    pair.made_in_salesforce(&[("LastName", text("A"))]);
    pair.hear();
    pair
}

fn gives(pair: &mut Pair, owner: &str) {
    let kind = PartnerNewsKind::Upsert {
        fields: Fields::new(),
        owner: Some(owner.to_owned()),
    };
    assert!(matches!(pair.posted(kind, None), PartnerDecision::Apply(_)));
}

fn takes_over(pair: &mut Pair, owner: SalesforceId) {
    let stamp = pair.tick();
    let remote = pair.remote.as_mut().unwrap();
    (remote.owner, remote.stamp, remote.by_gateway) = (owner, stamp, false);
    pair.hear();
}

fn owners(pair: &Pair) -> (SalesforceId, &str) {
    (pair.remote.as_ref().unwrap().owner, &pair.record().owner)
}

#[test]
fn the_owner_follows_the_side_that_leads() {
    for (rule, by_partner, by_salesforce) in [
        (R::Salesforce, (user(1), "u-1"), (user(2), "u-2")),
        (R::SalesforceUnlessBlank, (user(1), "u-1"), (user(2), "u-2")),
        (R::Partner, (user(2), "u-2"), (user(1), "u-1")),
        (R::PartnerUnlessBlank, (user(2), "u-2"), (user(1), "u-1")),
        (R::MostRecent, (user(2), "u-2"), (user(2), "u-2")),
    ] {
        let mut pair = owned(rule);
        gives(&mut pair, "u-2");
        pair.flush();
        assert_eq!(owners(&pair), by_partner, "{rule:?}");
        pair.is_at_rest();
        let mut pair = owned(rule);
        takes_over(&mut pair, user(2));
        pair.flush();
        assert_eq!(owners(&pair), by_salesforce, "{rule:?}");
        pair.is_at_rest();
    }
    let mut apart = owned(R::DoNotSync);
    assert_eq!(owners(&apart), (user(1), "u-default"));
    gives(&mut apart, "u-2");
    takes_over(&mut apart, user(9));
    assert_eq!((apart.flush(), owners(&apart)), (0, (user(9), "u-2")));
}

#[test]
fn a_default_owner_stands_in_and_never_bounces_back() {
    let mut pair = owned(R::MostRecent);
    gives(&mut pair, "u-stranger");
    assert_eq!(
        pair.send(),
        [(FieldId::OWNER, FieldValue::Reference(user(8)))].into()
    );
    assert_eq!(owners(&pair), (user(8), "u-stranger"));
    assert_eq!(
        pair.history.last().unwrap().cause,
        ChangeCause::Owner(OwnerRung::Default)
    );
    pair.is_at_rest();
    // The user who stands in may have a partner user of its own.
    pair.owners = OwnerDirectory::new([(user(8), "u-8".to_owned())]);
    pair.is_at_rest();
    takes_over(&mut pair, user(9));
    assert_eq!(pair.flush(), 0);
    assert_eq!(owners(&pair), (user(9), "u-default"));
    pair.is_at_rest();
    // Somebody who gets a partner user replaces the default owner, but no owner whom the partner chose.
    pair.owners = OwnerDirectory::new([(user(9), "u-9".to_owned())]);
    pair.hear();
    pair.edit("LastName", text("B"));
    pair.hear();
    assert_eq!(owners(&pair), (user(9), "u-9"));
    pair.owners = OwnerDirectory::new([(user(9), "u-10".to_owned())]);
    pair.edit("LastName", text("C"));
    pair.hear();
    assert_eq!(owners(&pair), (user(9), "u-9"));
    assert_eq!(pair.flush(), 0);
}

#[test]
fn the_default_owner_may_be_kept_out_of_updates_on_both_sides() {
    let mut pair = owned(R::MostRecent);
    pair.plan.keep_owner_on_update = true;
    gives(&mut pair, "u-stranger");
    assert_eq!((pair.flush(), owners(&pair)), (0, (user(1), "u-stranger")));
    takes_over(&mut pair, user(9));
    assert_eq!((pair.flush(), owners(&pair)), (0, (user(9), "u-stranger")));
    pair.is_at_rest();
    gives(&mut pair, "u-2");
    assert_eq!((pair.flush(), owners(&pair)), (1, (user(2), "u-2")));
    // A create is no update.
    let mut made = Pair::new(&two_way(ruled(R::Partner)));
    made.plan.keep_owner_on_update = true;
    made.posts(&[("name", text("N"))], None);
    assert_eq!(made.send()[&FieldId::OWNER], FieldValue::Reference(user(8)));
    // Without a default owner Salesforce chooses.
    let mut chosen = Pair::new(&two_way(ruled(R::Partner)));
    chosen.plan.salesforce_default_owner = None;
    chosen.posts(&[("name", text("N"))], None);
    assert!(!chosen.send().contains_key(&FieldId::OWNER));
    assert_eq!(owners(&chosen), (user(7), "u-default"));
    chosen.is_at_rest();
}

#[test]
fn an_assignment_rule_that_gives_another_owner_is_not_fought() {
    for (rule, owner) in [(R::Partner, "u-2"), (R::MostRecent, "u-1")] {
        let mut pair = owned(rule);
        gives(&mut pair, "u-2");
        let Prepared::Send { write, .. } = pair.prepare() else {
            panic!("nothing to send")
        };
        let salesforce_id = pair.carry_out(&write);
        pair.remote.as_mut().unwrap().owner = user(1);
        let target = pair.target();
        pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
        assert_eq!((pair.flush(), owners(&pair)), (0, (user(1), owner)), "{rule:?}");
        pair.is_at_rest();
    }
}

#[test]
fn one_partner_user_of_several_salesforce_users_is_met_by_each() {
    let mut pair = owned(R::Partner);
    pair.owners = OwnerDirectory::new([(user(1), "u-1".to_owned()), (user(2), "u-1".to_owned())]);
    takes_over(&mut pair, user(2));
    assert_eq!((pair.flush(), owners(&pair)), (0, (user(2), "u-1")));
    assert!(pair.lost().is_empty());
    pair.is_at_rest();
}

#[test]
fn an_object_without_owner_keeps_the_partners_to_itself() {
    let mut pair = Pair::new(&two_way(ruled(R::MostRecent)));
    pair.plan.has_owner = false;
    pair.posts(&[("name", text("N"))], None);
    assert!(!pair.send().contains_key(&FieldId::OWNER));
    let mut snapshot = pair.snapshot();
    snapshot.owner = None;
    pair.hears(&Incoming::Present(snapshot));
    gives(&mut pair, "u-2");
    assert_eq!(
        (pair.outgoing().pending, pair.record().owner.as_str()),
        (false, "u-2")
    );
}
