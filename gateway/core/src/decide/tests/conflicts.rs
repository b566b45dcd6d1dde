//! Both sides edit one field before they hear of each other.

use super::*;
use SyncRule as R;

/// Both sides edit: the partner at a stated moment, Salesforce at another. Whether Salesforce's edit is heard by news,
/// or by the reading before the write, must not matter.
fn clash(
    rule: SyncRule,
    salesforce: &FieldValue,
    partner: &FieldValue,
    moments: (i64, i64),
    heard: bool,
) -> Pair {
    let mut pair = Pair::under(rule);
    pair.posts(&[("name", partner.clone())], Some(moments.1));
    pair.edit("LastName", salesforce.clone());
    pair.remote.as_mut().unwrap().stamp = moments.0;
    pair.clock = 150;
    if heard {
        pair.hear();
    } else {
        pair.link.as_mut().unwrap().outgoing.pending = true;
    }
    pair.flush();
    pair
}

#[test]
fn the_rule_decides_a_conflict_and_the_loser_is_kept() {
    for (rule, moments, expected, lost) in [
        (R::Salesforce, (120, 130), "S", vec![(Side::Partner, text("P"))]),
        (
            R::SalesforceUnlessBlank,
            (120, 130),
            "S",
            vec![(Side::Partner, text("P"))],
        ),
        (R::Partner, (130, 120), "P", vec![(Side::Salesforce, text("S"))]),
        (
            R::PartnerUnlessBlank,
            (130, 120),
            "P",
            vec![(Side::Salesforce, text("S"))],
        ),
        (
            R::MostRecent,
            (120, 130),
            "P",
            vec![(Side::Salesforce, text("S"))],
        ),
        (R::MostRecent, (130, 120), "S", vec![(Side::Partner, text("P"))]),
        (R::MostRecent, (125, 125), "S", vec![(Side::Partner, text("P"))]),
    ] {
        for heard in [true, false] {
            let mut pair = clash(rule, &text("S"), &text("P"), moments, heard);
            assert_eq!(pair.names(), both(expected), "{rule:?} {moments:?}");
            assert_eq!(pair.lost(), lost, "{rule:?} {moments:?}");
            if rule == R::MostRecent {
                let later = at(moments.0.max(moments.1));
                assert_eq!(pair.record().times[&FieldId(1)], later);
                let winner = if expected == "P" {
                    Side::Partner
                } else {
                    Side::Salesforce
                };
                let clash = pair.history.iter().find(|change| change.lost.is_some()).unwrap();
                assert_eq!(clash.cause, ChangeCause::MostRecent { winner });
            }
            pair.is_at_rest();
        }
    }
}

#[test]
fn both_sides_may_come_to_mean_the_same() {
    for rule in [R::Partner, R::PartnerUnlessBlank, R::MostRecent] {
        for (salesforce, partner) in [("B", "B"), ("B", " B")] {
            let pair = clash(rule, &text(salesforce), &text(partner), (120, 130), true);
            assert_eq!(pair.names(), (text(salesforce), text(partner)));
            assert_eq!((pair.sent, pair.lost()), (0, Vec::new()));
            assert_eq!(
                pair.agreed(1),
                Some(&AgreedPair::new(text(salesforce), text(partner)))
            );
            let agreed = pair.history.last().unwrap();
            assert_eq!(agreed.cause, ChangeCause::Agreed);
            let expected = at(130);
            assert_eq!(pair.record().times[&FieldId(1)], expected, "the later of the two");
        }
    }
}

#[test]
fn most_recent_goes_by_the_fields_own_time_where_it_is_told() {
    for (told, expected) in [(None, "S"), (Some(119), "P"), (Some(120), "S"), (Some(121), "S")] {
        let mut pair = Pair::under(R::MostRecent);
        pair.posts(&[("name", text("P"))], Some(120));
        pair.edit("LastName", text("S"));
        pair.remote.as_mut().unwrap().stamp = 140;
        let mut snapshot = pair.snapshot();
        snapshot.version.observed = at(141);
        snapshot.changed = told
            .map(|told| ("LastName".to_owned(), at(told)))
            .into_iter()
            .collect();
        pair.hears(&Incoming::Present(snapshot));
        pair.clock = 150;
        pair.flush();
        assert_eq!(pair.names(), both(expected), "{told:?}");
    }
}

#[test]
fn salesforces_edit_time_is_kept_only_where_it_will_be_compared() {
    for rule in RULES {
        let mut pair = Pair::under(rule);
        pair.edit("LastName", text("S"));
        let stamp = pair.remote.as_ref().unwrap().stamp;
        pair.hear();
        let kept = (rule == R::MostRecent).then(|| at(stamp));
        assert_eq!(pair.record().times.get(&FieldId(1)).copied(), kept, "{rule:?}");
    }
}

#[test]
fn a_late_edit_of_the_partners_does_not_undo_a_newer_one_in_salesforce() {
    let mut pair = Pair::under(R::MostRecent);
    pair.clock = 200;
    pair.edit("LastName", text("S"));
    pair.hear();
    let told = pair.told;
    pair.posts(&[("name", text("P"))], Some(150));
    assert_eq!((pair.names(), pair.told), (both("S"), told));
    assert_eq!(pair.lost(), [(Side::Partner, text("P"))]);
    assert!(!pair.outgoing().pending);
    // Said again, it is the same; and an edit of the partner's own that came late lost to nobody.
    assert_eq!(
        pair.posts(&[("name", text("S"))], Some(150)),
        PartnerDecision::Unchanged
    );
    pair.posts(&[("name", text("Q"))], Some(260));
    assert_eq!(
        pair.posts(&[("name", text("R"))], Some(250)),
        PartnerDecision::Unchanged
    );
    assert_eq!(pair.lost().len(), 1);
    // An edit that comes late with one that counts is told too.
    pair.flush();
    pair.posts(&[("name", text("T")), ("phone", text("2"))], Some(255));
    assert_eq!(
        pair.lost()[1..],
        [(Side::Partner, text("2")), (Side::Partner, text("T"))]
    );
}

#[test]
fn there_and_back_again_with_the_first_edit_late_ends_where_it_began() {
    let mut pair = Pair::under(R::MostRecent);
    pair.edit("LastName", text("B"));
    let late = Incoming::Present(pair.snapshot());
    pair.edit("LastName", text("A"));
    pair.hear();
    assert_eq!(pair.hears(&late), Decision::Drop(DropReason::Stale));
    assert_eq!(pair.names(), both("A"));
    pair.is_at_rest();
}

#[test]
fn a_lost_salesforce_value_is_no_news_until_it_is_overwritten() {
    let mut pair = Pair::under(R::Partner);
    pair.edit("LastName", text("S"));
    pair.hear();
    let history = pair.history.len();
    // The same value again, at a newer version and at the same one.
    assert_eq!(
        pair.hears(&Incoming::Present(pair.snapshot())),
        Decision::Drop(DropReason::Unchanged)
    );
    pair.edit("Phone", text("2"));
    pair.hear();
    assert_eq!(
        pair.history[history..]
            .iter()
            .map(|change| change.field)
            .collect::<Vec<_>>(),
        [FieldId(2)]
    );
    assert_eq!(pair.lost().len(), 1);
    // Another value is news, and loses in its turn.
    pair.edit("LastName", text("T"));
    pair.hear();
    assert_eq!(
        pair.lost(),
        [(Side::Salesforce, text("S")), (Side::Salesforce, text("T"))]
    );
    assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("T"))].into());
    // Back at what was agreed, nothing is left to overwrite.
    pair.edit("LastName", text("A"));
    pair.hear();
    assert!(pair.outgoing().overruled.is_empty());
    assert_eq!(pair.flush(), 0);
    pair.is_at_rest();
}

#[test]
fn a_partner_who_clears_a_field_gives_way_also_to_a_value_that_lost() {
    let mut pair = Pair::under(R::PartnerUnlessBlank);
    pair.edit("LastName", text("S"));
    pair.hear();
    pair.posts(&[("name", FieldValue::Null)], None);
    pair.flush();
    assert_eq!(pair.names(), both("S"));
    pair.is_at_rest();
}

#[test]
fn a_formatters_work_is_no_edit() {
    let mut fields = ruled(R::MostRecent);
    fields[1].rule = R::Partner;
    let mut pair = Pair::new(&two_way(fields));
    pair.posts(&[("name", text("A")), ("phone", text("+41 44 123"))], None);
    pair.flush();
    pair.edit("Phone", text("+41-44-123"));
    pair.hear();
    assert_eq!(pair.flush(), 0);
    assert_eq!(pair.record().fields["phone"], text("+41 44 123"));
    assert_eq!(
        pair.agreed(2),
        Some(&AgreedPair::new(text("+41-44-123"), text("+41 44 123")))
    );
    pair.is_at_rest();
    // Nor does it win over an edit that was made before it.
    let mut pair = Pair::under(R::MostRecent);
    pair.posts(&[("name", text("P"))], Some(101));
    pair.edit("LastName", text("A "));
    pair.flush();
    assert_eq!(pair.names(), both("P"));
    assert_eq!(pair.lost(), [(Side::Salesforce, text("A "))]);
    assert_eq!(pair.outgoing().turns.unwrap().count, 0, "nor is it a turn");
}

#[test]
fn two_options_mapped_to_one_bounce_nothing_back() {
    let mut source = field("source", PartnerType::SingleChoice, "LeadSource");
    source.choices = crate::mapping::sample::choices(&[
        ("Web", "online"),
        ("Portal", "online"),
        ("Fair", "met"),
        ("Secret", ""),
    ]);
    for rule in RULES {
        source.rule = rule;
        let mut pair = Pair::new(&two_way(vec![source.clone()]));
        pair.made_in_salesforce(&[("LeadSource", text("Web"))]);
        pair.hear();
        for option in ["Portal", "Web", "Secret"] {
            pair.edit("LeadSource", text(option));
            pair.hear();
            assert_eq!(pair.flush(), 0, "{rule:?} {option}");
            assert_eq!(pair.record().fields["source"], text("online"));
            assert_eq!(pair.agreed(1).unwrap().salesforce, text(option));
            pair.is_at_rest();
        }
    }
    // The partner's own edit may still take the place of an option that does not sync.
    source.rule = R::Partner;
    let mut pair = Pair::new(&two_way(vec![source]));
    pair.made_in_salesforce(&[("LeadSource", text("Secret"))]);
    pair.hear();
    assert_eq!(pair.record().fields["source"], FieldValue::Null);
    pair.posts(&[("source", text("met"))], None);
    assert_eq!(pair.send(), [(FieldId(1), text("Fair"))].into());
}

#[test]
fn the_gateways_own_write_is_no_edit_in_salesforce() {
    let mut fields = ruled(R::MostRecent);
    fields[1].rule = R::MostRecent;
    let mut pair = Pair::new(&two_way(fields));
    pair.stores = |name, value| if name == "Phone" { text("1") } else { value };
    pair.clock = 200;
    pair.posts(&[("name", text("A")), ("phone", text("2"))], Some(150));
    pair.flush();
    assert_eq!(
        pair.record().fields["phone"],
        text("1"),
        "a Flow's value is taken"
    );
    assert_eq!(
        pair.record().times,
        [(FieldId(1), at(150)), (FieldId(2), at(150))].into()
    );
    pair.posts(&[("name", text("B"))], Some(160));
    assert_eq!(
        pair.record().fields["name"],
        text("B"),
        "it is newer than the partner's first"
    );
    // The echo of a write that is in flight is not noted as an edit.
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let salesforce_id = pair.carry_out(&write);
    let stamp = pair.remote.as_ref().unwrap().stamp;
    for (told, by_gateway, noted) in [
        (stamp, Some(true), None),
        (stamp - 1, Some(true), Some(stamp - 1)),
        (stamp, Some(false), Some(stamp)),
    ] {
        let mut pair = pair.clone();
        let mut snapshot = pair.snapshot();
        snapshot.changed = [("LastName".to_owned(), at(told))].into();
        snapshot.by_gateway = by_gateway;
        pair.hears(&Incoming::Present(snapshot));
        assert_eq!(
            pair.outgoing().noted.get(&FieldId(1)).map(|noted| noted.at),
            noted.map(at)
        );
    }
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    pair.is_at_rest();
}

#[test]
fn records_that_meet_with_equal_values_take_the_later_time() {
    for (stated, expected) in [(90, 101), (150, 150)] {
        let mut pair = Pair::new(&two_way(ruled(R::MostRecent)));
        pair.posts(&[("name", text("A"))], Some(stated));
        pair.clock = 100;
        pair.made_in_salesforce(&[("LastName", text("A"))]);
        pair.flush();
        assert_eq!(pair.record().times[&FieldId(1)], at(expected));
    }
}

#[test]
fn an_option_that_does_not_sync_is_newer_than_an_edit_stated_before_it() {
    let mut source = field("source", PartnerType::SingleChoice, "LeadSource");
    source.choices = crate::mapping::sample::choices(&[("Web", "online"), ("Fair", "met"), ("Secret", "")]);
    source.rule = R::MostRecent;
    for pending in [false, true] {
        let mut pair = Pair::new(&two_way(vec![source.clone()]));
        pair.made_in_salesforce(&[("LeadSource", text("Web"))]);
        pair.hear();
        pair.clock = 200;
        if pending {
            pair.posts(&[("source", text("met"))], Some(150));
        }
        pair.edit("LeadSource", text("Secret"));
        let stamp = pair.remote.as_ref().unwrap().stamp;
        pair.hear();
        assert_eq!(pair.record().times[&FieldId(1)], at(stamp), "{pending}");
        let held = pair.record().fields["source"].clone();
        pair.posts(&[("source", text("met"))], Some(stamp - 1));
        assert_eq!((pair.flush(), pair.record().fields["source"].clone()), (0, held));
        assert_eq!(pair.remote.as_ref().unwrap().fields["LeadSource"], text("Secret"));
    }
}
