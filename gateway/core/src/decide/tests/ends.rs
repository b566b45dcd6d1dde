//! What an end leaves behind: which identities are free again, what is still on its way, and what a life after it
//! begins with.

use super::*;
use SyncRule as R;

fn value(name: &str) -> Vec<Identity> {
    vec![Identity::Value(name.to_owned())]
}

/// A contact that is recognised by its name, and is `Ada` on both sides.
fn recognised() -> Pair {
    let mut pair = Pair::new(&by_name());
    pair.made_in_salesforce(&[("LastName", text("Ada")), ("Phone", text("1"))]);
    pair.hear();
    pair
}

fn by_name() -> MappingDocument {
    let mut document = two_way(ruled(R::MostRecent));
    document.identity = Some("name".to_owned());
    document
}

fn applied(decision: Decision) -> Box<Effects> {
    let Decision::Apply(effects) = decision else {
        panic!("{decision:?}")
    };
    effects
}

fn taken(decision: PartnerDecision) -> Box<Effects> {
    match decision {
        PartnerDecision::Apply(effects) | PartnerDecision::ApplyWithTombstone { effects, .. } => effects,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_stays_where_an_edit_names_none_and_where_the_record_was_merged() {
    let mut pair = recognised();
    pair.record.as_mut().unwrap().key = Some("k".to_owned());
    let known = Known {
        holder: Some(Holder {
            link: LinkId(9),
            creating: false,
        }),
        ..pair.known()
    };
    let edit = PartnerNews {
        kind: upsert(&[("phone", text("2"))]),
        stated: None,
        received: at(999),
        key: None,
    };
    let effects = taken(partner::decide(known, &edit));
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (Vec::new(), Vec::new())
    );
    assert_eq!(effects.record.unwrap().key.as_deref(), Some("k"));
    pair.delete_remote();
    let news = Incoming::Deleted {
        salesforce_id: pair.remote.as_ref().unwrap().id,
        version: pair.version(),
        merged: MergedInto::Record(user(3)),
        external_id: None,
    };
    let effects = applied(pair.hears(&news));
    assert_eq!(effects.link.release, value("ada"));
    assert_eq!(pair.record().key.as_deref(), Some("k"));
}

#[test]
fn what_a_question_about_a_delete_was_asked_of_may_turn_out_to_be_merged() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.delete_policy = DeletePolicy::Ask;
    pair.delete_remote();
    pair.hear();
    let mut version = pair.version();
    version.observed += TimeDelta::seconds(5);
    let into = user(3);
    let news = Incoming::Deleted {
        salesforce_id: pair.remote.as_ref().unwrap().id,
        version,
        merged: MergedInto::Record(into),
        external_id: None,
    };
    assert_eq!(
        applied(pair.hears(&news)).link.status,
        LinkStatus::Merged { into }
    );
}

#[test]
fn a_delete_that_is_told_again_is_no_news_and_needs_no_look() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.delete_policy = DeletePolicy::Unlink;
    pair.plan.mergeable = true;
    pair.delete_remote();
    applied(pair.hear());
    let news = Incoming::Deleted {
        salesforce_id: pair.remote.as_ref().unwrap().id,
        version: pair.link.as_ref().unwrap().version,
        merged: MergedInto::Unknown,
        external_id: None,
    };
    assert_eq!(pair.hears(&news), Decision::Drop(DropReason::Unchanged));
}

#[test]
fn a_delete_of_a_record_that_nobody_has_is_kept_where_salesforces_news_counts() {
    let mut pair = Pair::new(&two_way(ruled(R::MostRecent)));
    pair.made_in_salesforce(&[("LastName", text("A"))]);
    pair.delete_remote();
    let mut other_way = pair.clone();
    other_way.plan.direction = Direction::PartnerToSalesforce;
    assert_eq!(other_way.hear(), Decision::Drop(DropReason::OtherWay));
    let effects = applied(pair.hear());
    assert_eq!(effects.link.salesforce_id, Some(pair.remote.as_ref().unwrap().id));
    assert_eq!(effects.link.status, LinkStatus::Deleted);
}

#[test]
fn what_both_sides_deleted_agrees_on_nothing() {
    let mut pair = Pair::under(R::MostRecent);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.delete_remote();
    assert_eq!(applied(pair.hear()).link.agreed, Agreed::default());
    assert_eq!(*pair.status(), LinkStatus::Deleted);
}

#[test]
fn a_life_after_an_archive_begins_with_nothing_agreed_on() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.delete_policy = DeletePolicy::Archive;
    pair.delete_remote();
    pair.hear();
    assert!(pair.agreed(1).is_some());
    pair.plan.revision.0 += 1;
    let effects = taken(pair.posted(PartnerNewsKind::Undelete, None));
    assert_eq!(effects.link.agreed, Agreed::default());
    assert_eq!(
        (effects.link.plan, effects.link.ready),
        (pair.plan.revision, true)
    );
    // Each life has a number of its own, also when one ends before the next.
    pair.remote = None;
    pair.flush();
    pair.posted(PartnerNewsKind::Delete, None);
    pair.flush();
    assert_eq!(
        (pair.status(), pair.outgoing().generation),
        (&LinkStatus::Deleted, 1)
    );
    pair.posted(PartnerNewsKind::Undelete, None);
    assert_eq!(pair.outgoing().generation, 2);
}

#[test]
fn what_comes_back_has_no_successor() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.partner_delete_policy = DeletePolicy::Unlink;
    pair.posted(PartnerNewsKind::Delete, None);
    pair.record.as_mut().unwrap().successor = Some(user(3));
    pair.posted(PartnerNewsKind::Undelete, None);
    assert_eq!(
        (pair.record().presence, pair.record().successor),
        (Presence::Live, None)
    );
}

#[test]
fn a_held_record_that_the_partner_deletes_is_held_no_longer() {
    let (mut pair, _) = super::outcomes::flying(R::Partner);
    let refusal = WriteOutcome::Refused {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "no P".to_owned(),
        fields: Vec::new(),
        advice: String::new(),
    };
    pair.settle(&refusal, None);
    assert!(matches!(pair.status(), LinkStatus::Held { .. }));
    assert!(taken(pair.posted(PartnerNewsKind::Delete, None)).link.ready);
    assert_eq!(*pair.status(), LinkStatus::Linked);
    assert!(pair.send().is_empty());
}

#[test]
fn a_delete_that_was_undone_before_it_was_settled_leaves_the_version_as_it_was() {
    let mut pair = Pair::under(R::MostRecent);
    pair.posted(PartnerNewsKind::Delete, None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let before = pair.link.as_ref().unwrap().version;
    let salesforce_id = pair.carry_out(&write);
    pair.remote.as_mut().unwrap().deleted = false;
    pair.edit("LastName", text("B"));
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(*pair.status(), LinkStatus::Deleted);
    assert_eq!(pair.link.as_ref().unwrap().version, before);
    pair.hear();
    assert_eq!((pair.status(), pair.names()), (&LinkStatus::Linked, both("B")));
}

#[test]
fn a_record_that_is_let_go_has_nothing_on_its_way() {
    let mut pair = Pair::under(R::Partner);
    pair.plan.partner_delete_policy = DeletePolicy::Ask;
    pair.posts(&[("name", text("P"))], None);
    pair.posted(PartnerNewsKind::Delete, None);
    assert!(pair.outgoing().pending);
    let effects = person::decide_delete(pair.known(), false).unwrap();
    pair.write(&effects);
    assert_eq!(
        (pair.status(), pair.outgoing().pending),
        (&LinkStatus::Unlinked, false)
    );
}

#[test]
fn an_edit_that_a_write_replaced_does_not_come_back_from_a_record_that_is_gone() {
    let (mut pair, write) = super::outcomes::flying(R::MostRecent);
    pair.plan.delete_policy = DeletePolicy::Archive;
    pair.edit("LastName", text("S"));
    let mut news = pair.snapshot();
    news.changed.insert("LastName".to_owned(), at(900));
    pair.hears(&Incoming::Present(news));
    assert_eq!(pair.outgoing().noted, [(FieldId(1), noted(900, "S"))].into());
    let salesforce_id = pair.carry_out(&write);
    pair.clock = 1_000;
    pair.delete_remote();
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(pair.record().presence, Presence::Archived);
    assert_eq!(pair.record().fields["name"], text("P"));
}
