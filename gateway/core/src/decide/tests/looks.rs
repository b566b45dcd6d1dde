//! What a look at the target shows before a write and after it.

use super::*;
use crate::decide::write::unread;
use crate::mapping::ConversionCause;
use SyncRule as R;

/// A link of a Salesforce record that has no partner record.
fn tombstone(salesforce_id: SalesforceId, version: SalesforceVersion) -> LinkState {
    LinkState {
        id: LinkId(9),
        salesforce_id: Some(salesforce_id),
        record: None,
        status: LinkStatus::Deleted,
        version,
        revision: 4,
        plan: Pair::new(&two_way(ruled(R::Partner))).plan.revision,
        agreed: Agreed::default(),
        outgoing: Outgoing::default(),
    }
}

fn creating() -> Pair {
    let mut pair = Pair::new(&two_way(ruled(R::Partner)));
    pair.posts(&[("name", text("N"))], None);
    pair
}

#[test]
fn a_record_that_was_looked_for_takes_the_place_of_its_tombstone() {
    let mut pair = creating();
    pair.make(
        &[("LastName", text("N"))],
        user(1),
        Some("cw-1-7".to_owned()),
        true,
    );
    let mut news = tombstone(pair.remote.as_ref().unwrap().id, SalesforceVersion::NEVER);
    let id = news.salesforce_id;
    let target = pair.target();
    let Prepared::Effects(effects) = prepare(pair.known(), Some(&news), &target, at(900), pair.now()) else {
        panic!("sent")
    };
    assert_eq!(effects.link.salesforce_id, id);
    assert_eq!(effects.link.absorb, Some(known::reference(&news)));
    pair.delete_remote();
    news.version = pair.version();
    let target = pair.target();
    let Prepared::Effects(effects) = prepare(pair.known(), Some(&news), &target, at(900), pair.now()) else {
        panic!("sent")
    };
    assert_eq!(effects.link.salesforce_id, id);
    assert_eq!(effects.link.absorb, Some(known::reference(&news)));
    assert_eq!(effects.link.status, LinkStatus::Deleted);
}

#[test]
fn a_look_before_a_write_agrees_on_what_it_read_and_keeps_what_it_overwrites() {
    let mut pair = Pair::under(R::Partner);
    pair.posts(&[("name", text("P"))], None);
    pair.edit("Phone", text("2"));
    pair.edit("LastName", text("S"));
    let Prepared::Send { .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    assert_eq!(pair.agreed(2), Some(&AgreedPair::new(text("2"), text("2"))));
    assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("S"))].into());
}

#[test]
fn a_stored_create_whose_record_is_gone_at_that_very_stamp_ends() {
    let mut pair = creating();
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let salesforce_id = pair.carry_out(&write);
    let other = tombstone(salesforce_id, pair.version());
    let outcome = WriteOutcome::Stored { salesforce_id };
    let target = pair.target();
    let settled = settle(pair.known(), Some(&other), &outcome, Some(&target), pair.now());
    assert_eq!(settled.effects.unwrap().link.status, LinkStatus::Deleted);
}

#[test]
fn a_reading_of_another_record_tells_nothing_of_the_write() {
    let mut pair = creating();
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    pair.carry_out(&write);
    let target = pair.target();
    let outcome = WriteOutcome::Stored {
        salesforce_id: user(9),
    };
    pair.settle(&outcome, Some(&target));
    assert_eq!(pair.link.as_ref().unwrap().version, SalesforceVersion::NEVER);
    let (mut pair, _) = super::outcomes::flying(R::Partner);
    pair.edit("Phone", text("2"));
    pair.remote.as_mut().unwrap().id = user(9);
    let target = pair.target();
    let refusal = WriteOutcome::Refused {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "no P".to_owned(),
        fields: Vec::new(),
        advice: String::new(),
    };
    pair.settle(&refusal, Some(&target));
    assert!(matches!(pair.status(), LinkStatus::Held { .. }));
    assert_eq!(pair.record().fields["phone"], text("1"));
}

#[test]
fn what_cannot_be_read_after_a_write_holds_the_record_and_nothing_is_made_ready() {
    let (mut pair, write) = super::outcomes::flying(R::Partner);
    let salesforce_id = pair.carry_out(&write);
    let mut snapshot = pair.snapshot();
    snapshot.fields.remove("Phone");
    snapshot.unreadable = vec![pair.plan.fields[1].problem(ConversionCause::Required)];
    let outcome = WriteOutcome::Stored { salesforce_id };
    let settled = settle(
        pair.known(),
        None,
        &outcome,
        Some(&Target::Present(snapshot)),
        pair.now(),
    );
    let effects = settled.effects.unwrap();
    assert!(matches!(effects.link.status, LinkStatus::Held { .. }));
    assert!(!effects.link.ready);
}

#[test]
fn an_edit_made_during_a_write_is_made_ready_when_the_write_is_settled() {
    let (mut pair, write) = super::outcomes::flying(R::Partner);
    pair.posts(&[("name", text("Q"))], None);
    let salesforce_id = pair.carry_out(&write);
    let outcome = WriteOutcome::Stored { salesforce_id };
    let target = pair.target();
    let settled = settle(pair.known(), None, &outcome, Some(&target), pair.now());
    let link = settled.effects.unwrap().link;
    assert!(link.ready && link.outgoing.pending);
}

#[test]
fn several_candidates_hold_only_a_create_that_is_found_by_its_identity() {
    let several = Target::Ambiguous(vec![user(1), user(2)]);
    let mut pair = creating();
    let Prepared::Send { .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    pair.settle(&WriteOutcome::Unknown, Some(&several));
    assert_eq!(*pair.status(), LinkStatus::Creating);
    let unmarked = || {
        let mut pair = super::doubts::without_external_id();
        pair.posts(&[("phone", text("2"))], None);
        pair
    };
    let mut pair = unmarked();
    pair.settle(&WriteOutcome::Unknown, Some(&several));
    let LinkStatus::Held {
        reason: HeldReason::Ambiguous { identity, .. },
    } = pair.status()
    else {
        panic!("{:?}", pair.status())
    };
    assert_eq!(identity, "2");
    // Nobody waits for a record that its partner gave up.
    let mut pair = unmarked();
    pair.plan.partner_delete_policy = DeletePolicy::Unlink;
    pair.posted(PartnerNewsKind::Delete, None);
    assert_eq!(*pair.status(), LinkStatus::Unlinked);
    pair.settle(&WriteOutcome::Unknown, Some(&several));
    assert_eq!(*pair.status(), LinkStatus::Deleted);
}

#[test]
fn a_record_that_was_never_made_and_that_the_partner_deleted_is_at_its_end() {
    let mut pair = super::doubts::without_external_id();
    let identity = pair.plan.identity.replace(FieldId(1_000));
    pair.settle(&WriteOutcome::Unknown, Some(&Target::Missing));
    pair.plan.identity = identity;
    pair.posted(PartnerNewsKind::Delete, None);
    let effects = person::retry(pair.known(), pair.now()).unwrap();
    pair.write(&effects);
    let Prepared::Effects(effects) = pair.prepare() else {
        panic!("sent")
    };
    assert_eq!(
        (pair.status(), pair.outgoing()),
        (&LinkStatus::Deleted, &Outgoing::default())
    );
    assert_eq!(effects.link.release, [Identity::Value("1".to_owned())]);
}

#[test]
fn a_target_that_cannot_be_looked_up_holds_what_waits_and_is_not_in_flight() {
    let reason = HeldReason::OutOfSight;
    let holds = |pair: &Pair| unread(pair.known(), reason.clone()).map(|effects| effects.link.status);
    let mut pair = Pair::under(R::Partner);
    assert_eq!(holds(&pair), None, "nothing waits");
    pair.posts(&[("name", text("P"))], None);
    let held = LinkStatus::Held {
        reason: reason.clone(),
    };
    assert_eq!(holds(&pair), Some(held.clone()));
    assert_eq!(holds(&creating()), Some(held));
    let mut unlinked = pair.clone();
    unlinked.link.as_mut().unwrap().status = LinkStatus::Unlinked;
    assert_eq!(holds(&unlinked), None);
    let (flying, _) = super::outcomes::flying(R::Partner);
    assert_eq!(holds(&flying), None);
}

#[test]
fn what_a_flow_made_of_a_value_is_agreed_on_once_the_partner_enters_it_too() {
    let mut pair = Pair::under(R::Partner);
    pair.stores = |_, _| text("F");
    pair.posts(&[("name", text("P"))], None);
    pair.flush();
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("F"), text("P"))));
    pair.posts(&[("name", text("F"))], None);
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("F"), text("F"))));
    assert!(!pair.outgoing().pending);
}

#[test]
fn what_was_held_or_gone_is_weighed_anew_when_it_is_heard_of() {
    let flown = || {
        let mut pair = Pair::under(R::Partner);
        pair.stores = |_, _| text("F");
        pair.posts(&[("name", text("P"))], None);
        pair.flush();
        pair.plan.fields[0].rule = R::Salesforce;
        pair
    };
    let mut linked = flown();
    linked.edit("Phone", text("2"));
    linked.hear();
    assert_eq!(linked.record().fields["name"], text("P"));
    let mut held = flown();
    held.link.as_mut().unwrap().status = LinkStatus::Held {
        reason: HeldReason::OutOfSight,
    };
    held.edit("Phone", text("2"));
    held.hear();
    assert_eq!(held.record().fields["name"], text("F"));
    let mut gone = flown();
    gone.plan.delete_policy = DeletePolicy::Unlink;
    gone.delete_remote();
    gone.hear();
    gone.remote.as_mut().unwrap().deleted = false;
    gone.edit("Phone", text("2"));
    gone.hear();
    assert_eq!(gone.record().fields["name"], text("F"));
}

#[test]
fn a_value_that_only_a_create_takes_is_checked_as_well() {
    let mut pair = Pair::new(&two_way(ruled(R::Partner)));
    pair.plan.fields[1].salesforce.updateable = false;
    pair.plan.fields[1].salesforce.length = 3;
    let refusals = pair.refused(upsert(&[("name", text("N")), ("phone", text("12345"))]));
    assert_eq!(codes(&refusals), [RefusalCode::ValueDoesNotFit]);
}

#[test]
fn the_number_of_a_life_is_stored_and_numbers_are_recognised() {
    let outgoing = Outgoing {
        generation: 2,
        ..Outgoing::default()
    };
    let stored = serde_json::to_value(&outgoing).unwrap();
    assert_eq!(stored["generation"], 2);
    let number = |digits: i64, scale: u32| FieldValue::Number(rust_decimal::Decimal::new(digits, scale));
    assert_eq!(
        Identity::of_value(&number(150, 2)),
        Some(Identity::Value("1.5".to_owned()))
    );
    assert_eq!(
        Identity::of_value(&number(15, 1)),
        Identity::of_value(&number(150, 2))
    );
}

#[test]
fn a_refused_write_stays_held_where_salesforces_record_is_as_it_was() {
    let (mut pair, _) = super::outcomes::flying(R::Partner);
    pair.tick();
    let target = pair.target();
    let refusal = WriteOutcome::Refused {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "no P".to_owned(),
        fields: Vec::new(),
        advice: String::new(),
    };
    pair.settle(&refusal, Some(&target));
    assert!(matches!(pair.status(), LinkStatus::Held { .. }));
    assert_eq!(pair.record().fields["name"], text("P"));
}

#[test]
fn news_with_something_to_write_wakes_the_writer_once() {
    let mut pair = Pair::under(R::Partner);
    let mut woken = Vec::new();
    for name in ["S", "T"] {
        pair.edit("LastName", text(name));
        let Decision::Apply(effects) = pair.hear() else {
            panic!("no news")
        };
        assert!(effects.link.outgoing.pending);
        woken.push(effects.link.ready);
    }
    assert_eq!(woken, [true, false]);
}

#[test]
fn an_edit_of_a_held_record_waits_for_a_look_at_what_salesforce_holds() {
    let mut pair = Pair::under(R::SalesforceUnlessBlank);
    pair.link.as_mut().unwrap().status = LinkStatus::Held {
        reason: HeldReason::OutOfSight,
    };
    pair.edit("LastName", FieldValue::Null);
    pair.posts(&[("name", text("P"))], None);
    assert_eq!(*pair.status(), LinkStatus::Linked);
    assert_eq!((pair.flush(), pair.names()), (1, both("P")));
}

#[test]
fn times_told_during_a_write_are_forgotten_with_it() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.fields[1].rule = R::Partner;
    pair.posts(&[("phone", text("2"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let mut news = pair.snapshot();
    news.changed.insert("LastName".to_owned(), at(90));
    pair.hears(&Incoming::Present(news));
    assert_eq!(pair.outgoing().noted.len(), 1);
    let salesforce_id = pair.carry_out(&write);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(
        *pair.outgoing(),
        Outgoing {
            turns: pair.outgoing().turns,
            ..Outgoing::default()
        }
    );
}
