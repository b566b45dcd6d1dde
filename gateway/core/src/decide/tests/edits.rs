//! Edits of one side, and of records that never met.

use super::*;
use SyncRule as R;

#[test]
fn an_edit_in_salesforce_travels_or_is_taken_back() {
    let blank = FieldValue::Null;
    for (rule, edit, expected, lost, sent) in [
        (R::Salesforce, text("B"), both("B"), None, 0),
        (
            R::Salesforce,
            blank.clone(),
            (blank.clone(), blank.clone()),
            None,
            0,
        ),
        (R::SalesforceUnlessBlank, text("B"), both("B"), None, 0),
        (
            R::SalesforceUnlessBlank,
            blank.clone(),
            both("A"),
            Some(blank.clone()),
            1,
        ),
        (R::Partner, text("B"), both("A"), Some(text("B")), 1),
        (R::Partner, blank.clone(), both("A"), Some(blank.clone()), 1),
        (R::PartnerUnlessBlank, text("B"), both("A"), Some(text("B")), 1),
        (R::MostRecent, text("B"), both("B"), None, 0),
        (
            R::MostRecent,
            blank.clone(),
            (blank.clone(), blank.clone()),
            None,
            0,
        ),
    ] {
        for heard in [true, false] {
            let mut pair = Pair::under(rule);
            pair.edit("LastName", edit.clone());
            if heard {
                pair.hear();
            } else {
                // Only the reading before some other write shows it.
                pair.link.as_mut().unwrap().outgoing.pending = true;
            }
            assert_eq!(pair.flush(), sent, "{rule:?} {edit:?}");
            assert_eq!(pair.names(), expected, "{rule:?} {edit:?}");
            let lost: Vec<_> = lost
                .iter()
                .map(|value| (Side::Salesforce, value.clone()))
                .collect();
            assert_eq!(pair.lost(), lost, "{rule:?} {edit:?}");
            pair.is_at_rest();
            assert!(pair.outgoing().overruled.is_empty());
        }
    }
}

#[test]
fn an_edit_of_the_partners_travels_or_is_taken_back_at_once() {
    let blank = FieldValue::Null;
    for (rule, edit, expected, lost) in [
        (R::Salesforce, text("B"), both("A"), Some(text("B"))),
        (R::SalesforceUnlessBlank, text("B"), both("A"), Some(text("B"))),
        (R::Partner, text("B"), both("B"), None),
        (R::Partner, blank.clone(), (blank.clone(), blank.clone()), None),
        (R::PartnerUnlessBlank, text("B"), both("B"), None),
        (
            R::PartnerUnlessBlank,
            blank.clone(),
            both("A"),
            Some(blank.clone()),
        ),
        (R::MostRecent, text("B"), both("B"), None),
        (R::MostRecent, blank.clone(), (blank.clone(), blank.clone()), None),
    ] {
        let mut pair = Pair::under(rule);
        pair.posts(&[("name", edit.clone())], None);
        let taken_back = lost.is_some();
        assert_eq!(pair.outgoing().pending, !taken_back);
        assert_eq!(pair.record().fields["name"] == text("A"), taken_back);
        assert_eq!(pair.told, 2, "the partner is told what stands");
        assert_eq!(pair.flush(), u32::from(!taken_back), "{rule:?} {edit:?}");
        assert_eq!(pair.names(), expected, "{rule:?} {edit:?}");
        let lost: Vec<_> = lost.iter().map(|value| (Side::Partner, value.clone())).collect();
        assert_eq!(pair.lost(), lost, "{rule:?} {edit:?}");
        pair.is_at_rest();
    }
}

#[test]
fn an_edit_of_the_partners_leaves_its_trace_when_it_is_made_and_when_it_is_stored() {
    let mut pair = Pair::under(R::Partner);
    pair.posts(&[("name", text("B"))], Some(101));
    let edited = FieldChange {
        field: FieldId(1),
        salesforce_before: Some(text("A")),
        salesforce_after: Some(text("A")),
        partner_before: Some(text("A")),
        partner_after: Some(text("B")),
        cause: ChangeCause::PartnerEdited,
        lost: None,
    };
    assert_eq!(pair.history, std::slice::from_ref(&edited));
    assert_eq!(pair.record().times, [(FieldId(1), at(101))].into());
    pair.flush();
    let stored = FieldChange {
        salesforce_after: Some(text("B")),
        partner_before: Some(text("B")),
        ..edited
    };
    assert_eq!(pair.history[1..], [stored]);
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("B"), text("B"))));
}

#[test]
fn a_taken_back_edit_is_told_with_the_value_that_lost() {
    let mut pair = Pair::under(R::Salesforce);
    pair.posts(&[("name", text("B"))], None);
    assert_eq!(
        pair.history,
        [FieldChange {
            field: FieldId(1),
            salesforce_before: Some(text("A")),
            salesforce_after: Some(text("A")),
            partner_before: Some(text("A")),
            partner_after: Some(text("A")),
            cause: ChangeCause::SalesforceWins,
            lost: Some(Lost {
                side: Side::Partner,
                value: text("B")
            }),
        }]
    );
    let mut pair = Pair::under(R::Partner);
    pair.edit("LastName", text("B"));
    pair.hear();
    assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("B"))].into());
    assert!(pair.outgoing().pending);
    assert_eq!(
        pair.history,
        [FieldChange {
            field: FieldId(1),
            salesforce_before: Some(text("A")),
            salesforce_after: Some(text("B")),
            partner_before: Some(text("A")),
            partner_after: Some(text("A")),
            cause: ChangeCause::PartnerWins,
            lost: Some(Lost {
                side: Side::Salesforce,
                value: text("B")
            }),
        }]
    );
    pair.flush();
    assert_eq!(pair.history.len(), 2);
    assert_eq!(pair.history[1].salesforce_before, Some(text("B")));
    assert_eq!(pair.history[1].salesforce_after, Some(text("A")));
    assert_eq!(pair.history[1].cause, ChangeCause::PartnerWins);
}

#[test]
fn the_last_made_edit_of_a_field_stays_whatever_order_they_come_in() {
    let edits = [(text("B"), 110), (text("C"), 120), (text("A"), 130)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut pair = Pair::under(R::MostRecent);
        pair.clock = 200;
        for step in order {
            let (value, stated) = &edits[step];
            pair.posts(&[("name", value.clone())], Some(*stated));
        }
        assert_eq!(pair.record().fields["name"], text("A"), "{order:?}");
        assert_eq!(pair.record().times[&FieldId(1)], at(130));
        pair.flush();
        assert_eq!(pair.names(), both("A"));
    }
}

#[test]
fn two_edits_of_one_moment_end_alike_in_either_order() {
    for (first, second) in [("B", "C"), ("C", "B")] {
        let mut pair = Pair::under(R::Partner);
        pair.posts(&[("name", text(first))], Some(110));
        pair.posts(&[("name", text(second))], Some(110));
        assert_eq!(pair.record().fields["name"], text("C"));
    }
}

#[test]
fn an_edit_without_a_time_is_the_newest() {
    let mut pair = Pair::under(R::Partner);
    pair.posts(&[("name", text("B"))], Some(500));
    pair.posts(&[("name", text("C"))], None);
    assert_eq!(pair.record().fields["name"], text("C"));
    assert_eq!(pair.record().times[&FieldId(1)], at(500));
    let told = pair.told;
    assert_eq!(
        pair.posts(&[("name", text("C"))], None),
        PartnerDecision::Unchanged
    );
    assert_eq!(
        pair.posts(&[("name", text("D"))], Some(499)),
        PartnerDecision::Unchanged
    );
    assert_eq!(
        pair.posts(&[("name", text("C"))], Some(500)),
        PartnerDecision::Unchanged
    );
    assert_eq!(pair.told, told);
    pair.clock = 600;
    pair.posts(&[("name", text("E"))], None);
    assert_eq!(pair.record().times[&FieldId(1)], at(601));
}

#[test]
fn a_restated_value_moves_its_time_alone() {
    let mut pair = Pair::under(R::Partner);
    pair.posts(&[("name", text("B"))], Some(110));
    pair.flush();
    let history = pair.history.len();
    let PartnerDecision::Apply(effects) = pair.posts(&[("name", text("B"))], Some(120)) else {
        panic!("not taken")
    };
    assert_eq!((effects.outcome, effects.link.ready), (Outcome::Confirmed, false));
    assert_eq!((pair.history.len(), pair.outgoing().pending), (history, false));
    assert_eq!(pair.record().times[&FieldId(1)], at(120));
    assert_eq!(
        pair.posts(&[("name", text("C"))], Some(115)),
        PartnerDecision::Unchanged
    );
}

#[test]
fn several_fields_are_weighed_each_on_its_own() {
    let mut pair = Pair::under(R::Partner);
    pair.posts(&[("name", text("B")), ("phone", text("2"))], None);
    assert_eq!(pair.record().fields["phone"], text("1"));
    assert_eq!(pair.send(), [(FieldId(1), text("B"))].into());
    pair.is_at_rest();
}

#[test]
fn what_means_the_same_is_no_reason_to_write() {
    for (name, posted) in [("name", " A "), ("name", "A")] {
        let mut pair = Pair::under(R::Partner);
        pair.posts(&[(name, text(posted))], None);
        assert_eq!(pair.flush(), 0);
        assert_eq!(
            pair.record().fields[name],
            text(posted),
            "the partner keeps its own spelling"
        );
        assert_eq!(pair.remote.as_ref().unwrap().fields["LastName"], text("A"));
        assert!(pair.lost().is_empty());
        pair.is_at_rest();
    }
}

#[test]
fn a_record_that_the_partner_makes_is_made_in_salesforce_once() {
    for rule in RULES {
        let mut pair = Pair::new(&two_way(ruled(rule)));
        let PartnerDecision::Apply(effects) =
            pair.posts(&[("name", text("N")), ("phone", FieldValue::Null)], Some(99))
        else {
            panic!("not taken")
        };
        assert_eq!(effects.outcome, Outcome::Created);
        assert_eq!(effects.link.status, LinkStatus::Creating);
        assert!(effects.link.ready && effects.link.outgoing.pending && effects.history.is_empty());
        assert_eq!(pair.record().owner, "u-default");
        assert_eq!(
            pair.record().times,
            [(FieldId(1), at(99)), (FieldId(2), at(99))].into()
        );
        let values = pair.send();
        let default = FieldValue::Reference(user(8));
        assert_eq!(
            values,
            [(FieldId::OWNER, default.clone()), (FieldId(1), text("N"))].into()
        );
        assert_eq!(*pair.status(), LinkStatus::Linked);
        assert_eq!(
            pair.link.as_ref().unwrap().salesforce_id,
            Some(pair.remote.as_ref().unwrap().id)
        );
        assert_eq!(
            pair.remote.as_ref().unwrap().external_id.as_deref(),
            Some("cw-1-7")
        );
        assert_eq!(pair.agreed(0), Some(&AgreedPair::new(default, text("u-default"))));
        assert!(pair.history.is_empty());
        assert_eq!((pair.names(), pair.sent), (both("N"), 1));
        pair.is_at_rest();
    }
}

#[test]
fn first_contact_goes_by_the_rule_and_is_no_conflict() {
    let blank = FieldValue::Null;
    for (rule, salesforce, partner, expected) in [
        (R::Salesforce, text("S"), text("P"), both("S")),
        (
            R::Salesforce,
            blank.clone(),
            text("P"),
            (blank.clone(), blank.clone()),
        ),
        (R::SalesforceUnlessBlank, text("S"), text("P"), both("S")),
        (R::SalesforceUnlessBlank, blank.clone(), text("P"), both("P")),
        (R::Partner, text("S"), text("P"), both("P")),
        (
            R::Partner,
            text("S"),
            blank.clone(),
            (blank.clone(), blank.clone()),
        ),
        (R::PartnerUnlessBlank, text("S"), text("P"), both("P")),
        (R::PartnerUnlessBlank, text("S"), blank.clone(), both("S")),
        (R::MostRecent, blank.clone(), text("P"), both("P")),
        (R::MostRecent, text("S"), blank.clone(), both("S")),
        (R::MostRecent, text("S"), text("P"), both("S")),
    ] {
        let mut pair = Pair::new(&two_way(ruled(rule)));
        pair.posts(&[("name", partner.clone())], None);
        // A record with the same identity is there already.
        pair.made_in_salesforce(&[("LastName", salesforce.clone())]);
        pair.flush();
        assert_eq!(pair.names(), expected, "{rule:?} {salesforce:?} {partner:?}");
        assert!(pair.lost().is_empty(), "{rule:?}");
        assert_eq!(*pair.status(), LinkStatus::Linked);
        pair.is_at_rest();
    }
}

#[test]
fn at_first_contact_the_later_edit_wins_where_both_are_dated() {
    for (stated, expected) in [(90, "S"), (150, "P")] {
        let mut pair = Pair::new(&two_way(ruled(R::MostRecent)));
        pair.clock = 99;
        pair.posts(&[("name", text("P"))], Some(stated));
        pair.made_in_salesforce(&[("LastName", text("S"))]);
        pair.flush();
        assert_eq!(pair.names(), both(expected));
        pair.is_at_rest();
    }
}

#[test]
fn a_field_that_does_not_sync_belongs_to_each_side_alone() {
    let mut fields = ruled(R::DoNotSync);
    fields[1].rule = R::MostRecent;
    let mut pair = Pair::new(&two_way(fields));
    pair.posts(&[("name", text("P")), ("phone", text("1"))], None);
    assert!(!pair.send().contains_key(&FieldId(1)));
    pair.edit("LastName", text("S"));
    pair.hear();
    pair.posts(&[("name", text("Q"))], None);
    assert_eq!(pair.flush(), 0);
    assert_eq!(pair.names(), (text("S"), text("Q")));
    assert_eq!(pair.agreed(1), None);
}

#[test]
fn where_only_the_partner_writes_salesforce_changes_nothing_of_its_own() {
    let mut document = two_way(ruled(R::Partner));
    document.direction = Direction::PartnerToSalesforce;
    document.fields[1].rule = R::PartnerUnlessBlank;
    let mut born = Pair::new(&document);
    born.made_in_salesforce(&[("LastName", text("S"))]);
    assert_eq!(born.hear(), Decision::Drop(DropReason::OtherWay));

    let mut pair = Pair::new(&document);
    pair.posts(&[("name", text("A")), ("phone", FieldValue::Null)], None);
    pair.flush();
    pair.edit("LastName", text("B"));
    pair.edit("Phone", text("2"));
    pair.hear();
    pair.flush();
    assert_eq!(pair.names(), both("A"));
    assert_eq!(pair.record().fields["phone"], FieldValue::Null);
    assert_eq!(
        pair.agreed(2),
        Some(&AgreedPair::new(text("2"), FieldValue::Null))
    );
    assert!(
        pair.history
            .iter()
            .any(|change| change.cause == ChangeCause::Diverged)
    );
    pair.is_at_rest();
    pair.delete_remote();
    pair.hear();
    assert_eq!(
        (pair.status(), pair.record().presence),
        (&LinkStatus::Deleted, Presence::Live)
    );
}
