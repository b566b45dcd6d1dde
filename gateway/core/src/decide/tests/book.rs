//! The book of identities: a link holds what its record is recognised by for as long as the record can be met, and not
//! a moment longer.

use super::*;
use SyncRule as R;

/// Both sides hold `Ada`, by which the record is recognised; the partner knows it as `k-1`.
fn recognised(change: impl FnOnce(&mut MappingPlan)) -> Pair {
    let mut document = two_way(ruled(R::MostRecent));
    document.identity = Some("name".to_owned());
    let mut pair = Pair::new(&document);
    change(&mut pair.plan);
    pair.made_in_salesforce(&[("LastName", text("Ada"))]);
    pair.hear();
    assert_eq!(pair.book, value("ada"));
    pair.record.as_mut().unwrap().key = Some("k-1".to_owned());
    pair.book.push(Identity::Key("k-1".to_owned()));
    pair
}

/// A record of the partner's that is not in Salesforce yet.
fn unmade() -> Pair {
    let mut pair = recognised(|_| {});
    let news = PartnerNews {
        kind: upsert(&[("name", text("Ada"))]),
        stated: None,
        received: pair.now(),
        key: Some("k-1".to_owned()),
    };
    (pair.link, pair.record, pair.remote, pair.book) = (None, None, None, Vec::new());
    let PartnerDecision::Apply(effects) = partner::decide(pair.known(), &news) else {
        panic!("not taken")
    };
    pair.write(&effects);
    assert_eq!(sorted(&pair), (value("ada"), key()));
    pair
}

fn value(text: &str) -> Vec<Identity> {
    vec![Identity::Value(text.to_owned())]
}

fn key() -> Vec<Identity> {
    vec![Identity::Key("k-1".to_owned())]
}

/// Values and keys that the link holds.
fn sorted(pair: &Pair) -> (Vec<Identity>, Vec<Identity>) {
    pair.book
        .iter()
        .cloned()
        .partition(|one| matches!(one, Identity::Value(_)))
}

fn nothing() -> Vec<Identity> {
    Vec::new()
}

#[test]
fn a_delete_in_salesforce_frees_what_the_record_was_recognised_by() {
    for (policy, values, keys) in [
        (DeletePolicy::Delete, nothing(), nothing()),
        (DeletePolicy::Archive, nothing(), key()),
        (DeletePolicy::Unlink, nothing(), key()),
        (DeletePolicy::Ask, value("ada"), key()),
    ] {
        let mut pair = recognised(|plan| plan.delete_policy = policy);
        pair.delete_remote();
        pair.hear();
        assert_eq!(sorted(&pair), (values, keys), "{policy:?}");
    }
}

#[test]
fn an_answered_delete_frees_what_the_record_was_recognised_by() {
    for (too, keys) in [(true, nothing()), (false, key())] {
        let mut pair = recognised(|plan| plan.delete_policy = DeletePolicy::Ask);
        pair.posts(&[("phone", text("2"))], None);
        pair.delete_remote();
        pair.hear();
        let effects = person::decide_delete(pair.known(), too).unwrap();
        pair.write(&effects);
        assert_eq!(sorted(&pair), (nothing(), keys));
        assert_eq!(pair.outgoing(), &Outgoing::default());
    }
    for (too, values) in [(true, value("ada")), (false, nothing())] {
        let mut pair = recognised(|plan| plan.partner_delete_policy = DeletePolicy::Ask);
        pair.posted(PartnerNewsKind::Delete, None);
        assert_eq!(sorted(&pair), (value("ada"), key()));
        let effects = person::decide_delete(pair.known(), too).unwrap();
        pair.write(&effects);
        assert_eq!(sorted(&pair), (values, key()));
        if too {
            pair.send();
            assert_eq!(sorted(&pair), (nothing(), key()));
        }
    }
}

#[test]
fn a_delete_of_the_partners_frees_the_value_once_salesforces_record_is_gone_or_let_go() {
    for (policy, values) in [
        (DeletePolicy::Delete, value("ada")),
        (DeletePolicy::Unlink, nothing()),
        (DeletePolicy::Archive, nothing()),
        (DeletePolicy::Ask, value("ada")),
    ] {
        let mut pair = recognised(|plan| plan.partner_delete_policy = policy);
        pair.posted(PartnerNewsKind::Delete, None);
        assert_eq!(sorted(&pair), (values, key()), "{policy:?}");
        if policy == DeletePolicy::Delete {
            pair.send();
            assert_eq!(sorted(&pair), (nothing(), key()));
        }
        if policy == DeletePolicy::Unlink {
            pair.posted(PartnerNewsKind::Undelete, None);
            assert_eq!(sorted(&pair), (value("ada"), key()));
        }
    }
}

#[test]
fn a_record_deleted_before_it_was_made_frees_its_value() {
    let mut pair = unmade();
    pair.posted(PartnerNewsKind::Delete, None);
    assert_eq!(sorted(&pair), (nothing(), key()));
    pair.posted(PartnerNewsKind::Undelete, None);
    assert_eq!(sorted(&pair), (value("ada"), key()));
    // Deleted while its create was under way, which turns out to have come to nothing.
    for outcome in [WriteOutcome::NotNow, WriteOutcome::Unknown] {
        let mut pair = unmade();
        assert!(matches!(pair.prepare(), Prepared::Send { .. }));
        pair.posted(PartnerNewsKind::Delete, None);
        pair.settle(&outcome, Some(&Target::Missing));
        assert_eq!(*pair.status(), LinkStatus::Deleted);
        assert_eq!(sorted(&pair), (nothing(), key()), "{outcome:?}");
    }
    // Deleted with a look at Salesforce still to come.
    let mut pair = unmade();
    pair.record.as_mut().unwrap().presence = Presence::Deleted;
    assert!(matches!(pair.prepare(), Prepared::Effects(_)));
    assert_eq!(
        (pair.status(), pair.outgoing()),
        (&LinkStatus::Deleted, &Outgoing::default())
    );
    assert_eq!(sorted(&pair), (nothing(), key()));
}

#[test]
fn a_record_that_became_another_frees_its_value_and_keeps_its_key() {
    let mut pair = recognised(|plan| plan.mergeable = true);
    pair.posts(&[("phone", text("2"))], None);
    pair.delete_remote();
    let merged = Incoming::Deleted {
        salesforce_id: pair.remote.as_ref().unwrap().id,
        version: pair.version(),
        merged: MergedInto::Record(user(5)),
        external_id: None,
    };
    pair.hears(&merged);
    assert_eq!(sorted(&pair), (nothing(), key()));
    assert_eq!(pair.record().key.as_deref(), Some("k-1"));
    let mut pair = recognised(|_| {});
    pair.posts(&[("phone", text("2"))], None);
    pair.edit("Phone", text("3"));
    let mut snapshot = pair.snapshot();
    snapshot.converted = Some(Converted {
        account: Some(user(5)),
        contact: None,
        opportunity: None,
    });
    pair.hears(&Incoming::Present(snapshot));
    assert!(matches!(pair.status(), LinkStatus::Converted { .. }));
    assert_eq!(sorted(&pair), (nothing(), key()));
    assert_eq!(pair.outgoing(), &Outgoing::default());
}

#[test]
fn a_value_that_is_brought_back_is_what_the_record_is_recognised_by() {
    let mut pair = recognised(|_| {});
    let lost = Lost {
        side: Side::Partner,
        value: text("Bob"),
    };
    let effects = person::restore(pair.known(), FieldId(1), &lost, pair.now()).unwrap();
    pair.write(&effects);
    assert_eq!(sorted(&pair), (value("bob"), key()));
}

#[test]
fn a_value_that_salesforce_put_in_its_place_is_what_the_record_is_recognised_by() {
    let mut pair = recognised(|plan| {
        plan.fields[0].rule = R::Salesforce;
        plan.fields[1].rule = R::Partner;
    });
    let Some(FieldId(1)) = pair.plan.identity else {
        panic!("the name is the identity")
    };
    pair.posts(&[("phone", text("2"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let salesforce_id = pair.carry_out(&write);
    pair.edit("LastName", text("Cid"));
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(pair.names(), both("Cid"));
    assert_eq!(sorted(&pair), (value("cid"), key()));
}

#[test]
fn no_two_lives_of_a_record_share_an_external_id() {
    let mut pair = recognised(|plan| plan.delete_policy = DeletePolicy::Archive);
    let mut made = Vec::new();
    for _ in 0..3 {
        pair.delete_remote();
        pair.hear();
        assert_eq!(pair.record().presence, Presence::Archived);
        pair.posted(PartnerNewsKind::Undelete, None);
        pair.remote = None;
        pair.flush();
        made.push(pair.remote.as_ref().unwrap().external_id.clone().unwrap());
    }
    assert_eq!(made, ["cw-1-7-1", "cw-1-7-2", "cw-1-7-3"]);
}
