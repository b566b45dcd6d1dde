//! What people in Salesforce did while a write was under way.

use super::outcomes::{flying, lost_answer};
use super::*;
use SyncRule as R;

/// An update of name and phone is in flight, both by most recent.
fn flying_twice() -> (Pair, SalesforceWrite) {
    let mut fields = ruled(R::MostRecent);
    fields[1].rule = R::MostRecent;
    let mut pair = Pair::new(&two_way(fields));
    pair.made_in_salesforce(&[("LastName", text("A")), ("Phone", text("1"))]);
    pair.hear();
    pair.posts(&[("name", text("P")), ("phone", text("2"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    (pair, write)
}

#[test]
fn a_person_who_enters_what_was_sent_stores_that_field_alone() {
    for read in [Some(false), None] {
        let (mut pair, _) = flying_twice();
        pair.edit("LastName", text("P"));
        let mut snapshot = pair.snapshot();
        snapshot.by_gateway = read;
        pair.settle(&WriteOutcome::Unknown, Some(&Target::Present(snapshot)));
        assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("P"), text("P"))));
        assert_eq!(pair.agreed(2), Some(&AgreedPair::new(text("1"), text("1"))));
        assert!(pair.outgoing().pending && pair.outgoing().in_flight.is_none());
        let settled = pair.history.last().unwrap();
        assert_eq!(
            (settled.field, settled.cause),
            (FieldId(1), ChangeCause::PartnerEdited)
        );
        assert_eq!(pair.send(), [(FieldId(2), text("2"))].into());
        assert_eq!((pair.names(), pair.lost()), (both("P"), Vec::new()));
        pair.is_at_rest();
    }
}

#[test]
fn a_persons_edit_after_the_update_meets_the_partners_value() {
    let (mut pair, write) = flying_twice();
    pair.carry_out(&write);
    pair.edit("LastName", text("S"));
    lost_answer(&mut pair);
    assert_eq!(pair.agreed(2), Some(&AgreedPair::new(text("2"), text("2"))));
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("S"), text("S"))));
    assert_eq!((pair.flush(), pair.names()), (0, both("S")));
    assert_eq!(pair.lost(), [(Side::Partner, text("P"))]);
    pair.is_at_rest();
}

#[test]
fn the_gateways_hand_on_the_record_tells_that_all_was_stored() {
    let (mut pair, write) = flying_twice();
    pair.stores = |name, value| if name == "LastName" { text("A") } else { value };
    pair.carry_out(&write);
    lost_answer(&mut pair);
    assert_eq!(pair.agreed(2), Some(&AgreedPair::new(text("2"), text("2"))));
    // A Flow put the name back, and by most recent it is Salesforce's.
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("A"), text("A"))));
    assert_eq!((pair.flush(), pair.names()), (0, both("A")));
    pair.is_at_rest();
}

/// The partner's `P` is being written over `A`; somebody saved `S` before the write arrived, and news of it came.
fn replaced(rule: SyncRule) -> (Pair, SalesforceId, i64) {
    let (mut pair, write) = flying(rule);
    pair.edit("LastName", text("S"));
    let stamp = pair.remote.as_ref().unwrap().stamp;
    let news = Incoming::Present(pair.snapshot());
    assert!(matches!(pair.hears(&news), Decision::Apply(_)));
    assert_eq!(pair.outgoing().noted, [(FieldId(1), noted(stamp, "S"))].into());
    assert_eq!(pair.hears(&news), Decision::Drop(DropReason::InFlight));
    (pair.clone(), pair.carry_out(&write), stamp)
}

/// As [`replaced`], with the record as the write left it.
fn written(rule: SyncRule) -> (Pair, SalesforceId, i64) {
    let (mut pair, write) = flying(rule);
    pair.edit("LastName", text("S"));
    let stamp = pair.remote.as_ref().unwrap().stamp;
    pair.hears(&Incoming::Present(pair.snapshot()));
    let salesforce_id = pair.carry_out(&write);
    (pair, salesforce_id, stamp)
}

#[test]
fn an_edit_that_the_write_replaced_comes_back_where_it_wins() {
    for read in [true, false] {
        let (mut pair, salesforce_id, stamp) = written(R::MostRecent);
        let target = pair.target();
        pair.settle(&WriteOutcome::Stored { salesforce_id }, read.then_some(&target));
        assert_eq!(pair.names(), (text("P"), text("S")));
        assert_eq!(pair.record().times[&FieldId(1)], at(stamp));
        assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("P"), text("P"))));
        assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("P"))].into());
        assert!(pair.outgoing().pending && pair.outgoing().noted.is_empty());
        let expected = FieldChange {
            field: FieldId(1),
            salesforce_before: Some(text("S")),
            salesforce_after: Some(text("P")),
            partner_before: Some(text("P")),
            partner_after: Some(text("S")),
            cause: ChangeCause::MostRecent {
                winner: Side::Salesforce,
            },
            lost: Some(Lost {
                side: Side::Partner,
                value: text("P"),
            }),
        };
        assert_eq!(pair.history.last(), Some(&expected));
        assert_eq!((pair.flush(), pair.names()), (1, both("S")));
        assert_eq!(pair.lost().len(), 1);
        pair.is_at_rest();
    }
}

#[test]
fn an_edit_that_the_write_replaced_leaves_a_trace_where_it_loses() {
    for (rule, cause) in [
        (R::Partner, ChangeCause::PartnerWins),
        (R::PartnerUnlessBlank, ChangeCause::PartnerWins),
        (
            R::MostRecent,
            ChangeCause::MostRecent {
                winner: Side::Partner,
            },
        ),
    ] {
        let (mut pair, salesforce_id, stamp) = written(rule);
        // The partner edited once more, after it.
        pair.posts(&[("name", text("Q"))], Some(stamp + 1));
        let target = pair.target();
        pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
        let change = pair.history.last().unwrap();
        assert_eq!(
            (change.cause, change.partner_after.clone()),
            (cause, Some(text("Q")))
        );
        assert_eq!(pair.lost(), [(Side::Salesforce, text("S"))], "{rule:?}");
        assert_eq!((pair.flush(), pair.names()), (1, both("Q")));
        pair.is_at_rest();
    }
}

#[test]
fn a_blank_that_salesforce_filled_during_the_write_is_kept() {
    let mut pair = Pair::under(R::SalesforceUnlessBlank);
    pair.edit("LastName", FieldValue::Null);
    pair.hear();
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    pair.edit("LastName", text("S"));
    pair.hears(&Incoming::Present(pair.snapshot()));
    let salesforce_id = pair.carry_out(&write);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(pair.history.last().unwrap().cause, ChangeCause::SalesforceWins);
    assert_eq!(pair.lost().last(), Some(&(Side::Partner, text("A"))));
    assert!(!pair.record().times.contains_key(&FieldId(1)));
    assert_eq!((pair.flush(), pair.names()), (1, both("S")));
    pair.is_at_rest();
}

#[test]
fn an_edit_of_the_identity_that_the_write_replaced_can_only_be_restored() {
    let (mut pair, salesforce_id, _) = written(R::MostRecent);
    pair.plan.identity = Some(FieldId(1));
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(pair.names(), both("P"));
    assert_eq!(pair.history.last().unwrap().cause, ChangeCause::PartnerWins);
    assert_eq!(pair.lost(), [(Side::Salesforce, text("S"))]);
    assert!(!pair.outgoing().pending);
    pair.is_at_rest();
}

#[test]
fn an_edit_that_still_stands_is_weighed_as_it_is_read() {
    // After the write, in the reading or too late for it.
    let (pair, salesforce_id, stamp) = replaced(R::MostRecent);
    for in_reading in [true, false] {
        let mut pair = pair.clone();
        let mut snapshot = pair.snapshot();
        if !in_reading {
            snapshot.fields.insert("LastName".to_owned(), text("P"));
            snapshot.version.modstamp = at(stamp - 1);
            snapshot.by_gateway = Some(true);
        }
        pair.settle(
            &WriteOutcome::Stored { salesforce_id },
            Some(&Target::Present(snapshot)),
        );
        let held = if in_reading { "S" } else { "P" };
        assert_eq!(pair.record().fields["name"], text(held));
        pair.hear();
        assert_eq!((pair.flush(), pair.names()), (0, both("S")));
        pair.is_at_rest();
    }
}

#[test]
fn what_was_there_before_or_was_sent_is_no_edit_that_the_write_may_replace() {
    let (pair, _) = flying(R::Partner);
    let stamp = pair.remote.as_ref().unwrap().stamp;
    for (value, later, by_gateway, expected) in [
        ("A", 1, false, None),
        ("P ", 1, false, None),
        ("S", 0, false, None),
        ("S", 1, true, None),
        ("S", 1, false, Some(noted(stamp + 1, "S"))),
    ] {
        let mut pair = pair.clone();
        let mut snapshot = pair.snapshot();
        snapshot.fields.insert("LastName".to_owned(), text(value));
        snapshot.version.modstamp = at(stamp + later);
        snapshot.by_gateway = Some(by_gateway);
        pair.hears(&Incoming::Present(snapshot));
        assert_eq!(
            pair.outgoing().noted.get(&FieldId(1)),
            expected.as_ref(),
            "{value} {later}"
        );
    }
}

#[test]
fn an_owner_that_the_write_replaced_comes_back() {
    let mut pair = Pair::under(R::Salesforce);
    pair.plan.owner_rule = R::MostRecent;
    let kind = PartnerNewsKind::Upsert {
        fields: Fields::new(),
        owner: Some("u-2".to_owned()),
    };
    pair.posted(kind, None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    pair.owners = OwnerDirectory::new([
        (user(1), "u-1".to_owned()),
        (user(2), "u-2".to_owned()),
        (user(3), "u-3".to_owned()),
    ]);
    let stamp = pair.tick();
    let remote = pair.remote.as_mut().unwrap();
    (remote.owner, remote.stamp, remote.by_gateway) = (user(3), stamp, false);
    pair.hears(&Incoming::Present(pair.snapshot()));
    let salesforce_id = pair.carry_out(&write);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(pair.record().owner, "u-3");
    assert_eq!((pair.flush(), pair.remote.as_ref().unwrap().owner), (1, user(3)));
    pair.is_at_rest();
}

#[test]
fn what_comes_back_is_written_also_where_the_rest_waits_for_a_person() {
    let (mut pair, salesforce_id, _) = written(R::MostRecent);
    let mut snapshot = pair.snapshot();
    let problem = pair.plan.fields[1].problem(crate::mapping::ConversionCause::Required);
    snapshot.unreadable.push(problem);
    pair.settle(
        &WriteOutcome::Stored { salesforce_id },
        Some(&Target::Present(snapshot)),
    );
    assert!(matches!(pair.status(), LinkStatus::Held { .. }));
    assert_eq!(pair.names(), (text("P"), text("S")));
    pair.edit("Phone", text("2"));
    pair.hear();
    assert_eq!((pair.flush(), pair.names()), (1, both("S")));
}

#[test]
fn an_edit_of_a_record_that_the_partner_deleted_meanwhile_is_not_weighed() {
    let (mut pair, salesforce_id, _) = written(R::MostRecent);
    pair.posted(PartnerNewsKind::Delete, None);
    let (before, told) = (pair.record().clone(), pair.told);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!((pair.record(), pair.told), (&before, told));
    assert_eq!(pair.lost(), []);
}

#[test]
fn where_only_the_partner_writes_an_edit_that_the_write_replaced_leaves_a_trace() {
    let (mut pair, salesforce_id, _) = written(R::MostRecent);
    pair.plan.direction = Direction::PartnerToSalesforce;
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(
        (pair.names(), pair.lost()),
        (both("P"), vec![(Side::Salesforce, text("S"))])
    );
    assert_eq!(pair.history.last().unwrap().cause, ChangeCause::PartnerWins);
}

#[test]
fn a_later_save_of_what_was_sent_ends_an_edit_noted_before_it() {
    for rule in [R::Partner, R::MostRecent] {
        // The write never arrives; the person first enters `S`, then `P`.
        let (mut pair, _) = flying(rule);
        pair.edit("LastName", text("S"));
        pair.hears(&Incoming::Present(pair.snapshot()));
        pair.edit("LastName", text("P"));
        lost_answer(&mut pair);
        assert_eq!((pair.names(), pair.lost()), (both("P"), Vec::new()));
        assert!(!pair.outgoing().pending && pair.outgoing().noted.is_empty());
        pair.is_at_rest();
    }
}

#[test]
fn a_field_that_the_write_did_not_carry_was_edited_no_later_than_it() {
    let (mut pair, _) = flying_twice();
    pair.link.as_mut().unwrap().outgoing.in_flight = None;
    pair.record
        .as_mut()
        .unwrap()
        .fields
        .insert("phone".to_owned(), text("1"));
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    assert_eq!(write.values, [(FieldId(1), text("P"))].into());
    pair.edit("Phone", text("3"));
    let salesforce_id = pair.carry_out(&write);
    let (stamp, name_time) = (pair.clock, pair.record().times[&FieldId(1)]);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(pair.record().fields["phone"], text("3"));
    assert_eq!(pair.record().times[&FieldId(2)], at(stamp));
    assert_eq!(pair.record().times[&FieldId(1)], name_time);
    pair.posts(&[("phone", text("4"))], Some(stamp - 1));
    assert_eq!((pair.flush(), &pair.record().fields["phone"]), (0, &text("3")));
    pair.is_at_rest();
}

/// Somebody enters a name, and the package's push tells that.
fn enters_and_tells(pair: &mut Pair, name: &str) {
    pair.edit("LastName", text(name));
    let mut pushed = pair.snapshot();
    pushed.changed = [("LastName".to_owned(), at(pair.clock))].into();
    pair.hears(&Incoming::Present(pushed));
}

#[test]
fn what_a_person_entered_as_it_was_sent_has_the_time_that_was_told() {
    for (told, by_gateway, later) in [
        (true, Some(false), true),
        (false, Some(false), false),
        (true, Some(true), false),
        (true, None, false),
    ] {
        let (mut pair, _) = flying(R::MostRecent);
        let before = pair.record().times[&FieldId(1)];
        if told {
            enters_and_tells(&mut pair, "P");
        } else {
            pair.edit("LastName", text("P"));
        }
        let stamp = pair.remote.as_ref().unwrap().stamp;
        let mut snapshot = pair.snapshot();
        snapshot.by_gateway = by_gateway;
        pair.settle(&WriteOutcome::Unknown, Some(&Target::Present(snapshot)));
        let expected = if later { at(stamp) } else { before };
        assert_eq!(
            pair.record().times[&FieldId(1)],
            expected,
            "{told} {by_gateway:?}"
        );
    }
}

#[test]
fn an_edit_found_when_a_create_is_settled_leaves_a_trace_where_it_loses() {
    let mut pair = Pair::new(&two_way(ruled(R::Partner)));
    pair.posts(&[("name", text("N"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    pair.carry_out(&write);
    pair.edit("LastName", text("S"));
    lost_answer(&mut pair);
    assert_eq!(pair.lost(), [(Side::Salesforce, text("S"))]);
    assert_eq!((pair.flush(), pair.names()), (1, both("N")));
    assert_eq!(pair.lost().len(), 1);
}

#[test]
fn what_a_person_entered_as_it_was_sent_meets_what_the_partner_entered_meanwhile() {
    for (person_first, names) in [(false, both("P")), (true, both("Q"))] {
        let (mut pair, _) = flying(R::MostRecent);
        if person_first {
            enters_and_tells(&mut pair, "P");
        }
        pair.posts(&[("name", text("Q"))], None);
        if !person_first {
            enters_and_tells(&mut pair, "P");
        }
        lost_answer(&mut pair);
        pair.flush();
        assert_eq!(pair.names(), names);
        pair.is_at_rest();
    }
}

#[test]
fn a_later_save_of_another_field_over_our_own_write_does_not_end_what_the_partner_entered_meanwhile() {
    let (mut pair, write) = flying(R::MostRecent);
    pair.carry_out(&write);
    pair.posts(&[("name", text("Q"))], None);
    pair.edit("Phone", text("2"));
    lost_answer(&mut pair);
    pair.flush();
    assert_eq!(pair.names(), both("Q"));
    pair.is_at_rest();
}
