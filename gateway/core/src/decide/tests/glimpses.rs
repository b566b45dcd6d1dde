//! Readings that carry a part of a record, or that come at a stamp that is known.

use super::*;
use crate::mapping::ConversionCause;
use SyncRule as R;

/// A record of which the name alone was read.
fn half_read(rule: SyncRule) -> Pair {
    let mut pair = Pair::new(&two_way(ruled(rule)));
    pair.made_in_salesforce(&[("LastName", text("A")), ("Phone", text("1"))]);
    let mut news = pair.snapshot();
    news.fields.remove("Phone");
    let decision = pair.hears(&Incoming::Present(news));
    assert!(matches!(decision, Decision::Apply(_)), "{decision:?}");
    pair
}

#[test]
fn a_value_of_the_partners_that_nobody_weighed_yet_waits_for_a_look() {
    let mut pair = half_read(R::Partner);
    assert!(!pair.outgoing().pending, "nothing of the partner's waits");
    let PartnerDecision::Apply(effects) = pair.posts(&[("phone", text("2"))], None) else {
        panic!("not taken")
    };
    assert!(effects.link.outgoing.pending && effects.link.ready);
    pair.flush();
    assert_eq!(pair.record().fields["phone"], text("1"), "Salesforce leads");
}

#[test]
fn a_value_that_is_about_to_be_overwritten_stays_so_through_a_reading_without_it() {
    let mut pair = Pair::under(R::Partner);
    pair.edit("LastName", text("S"));
    pair.hear();
    pair.edit("Phone", text("2"));
    let mut news = pair.snapshot();
    news.fields.remove("LastName");
    pair.tick();
    pair.hears(&Incoming::Present(news));
    assert_eq!(pair.record().fields["phone"], text("2"));
    assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("S"))].into());
}

#[test]
fn the_first_reading_tells_when_a_field_was_edited() {
    let pair = Pair::under(R::MostRecent);
    let stamp = pair.remote.as_ref().unwrap().stamp;
    assert_eq!(pair.record().times, [(FieldId(1), at(stamp))].into());
}

#[test]
fn a_gap_is_filled_by_another_reading_of_the_same_stamp_and_nothing_else_is() {
    let mut pair = half_read(R::MostRecent);
    let mut older = pair.snapshot();
    older.version.observed = pair.link.as_ref().unwrap().version.observed - TimeDelta::milliseconds(1);
    older.owner = Some(user(2));
    older.fields.insert("LastName".to_owned(), text("Z"));
    pair.hears(&Incoming::Present(older.clone()));
    assert_eq!(pair.record().fields["phone"], text("1"));
    assert_eq!(pair.record().fields["name"], text("A"));
    assert_eq!(pair.record().owner, "u-1");
    // A gap is filled also where what is known already cannot be read any more.
    let mut pair = half_read(R::MostRecent);
    let mut in_part = older.clone();
    in_part.fields.remove("LastName");
    in_part.unreadable = vec![pair.plan.fields[0].problem(ConversionCause::Required)];
    pair.hears(&Incoming::Present(in_part));
    assert_eq!(
        (pair.status(), &pair.record().fields["phone"]),
        (&LinkStatus::Linked, &text("1"))
    );
    // What cannot be read holds the record where it is a gap.
    for (field, held) in [(0, false), (1, true)] {
        let mut pair = half_read(R::MostRecent);
        let mut unreadable = older.clone();
        unreadable.fields.clear();
        unreadable.unreadable = vec![pair.plan.fields[field].problem(ConversionCause::Required)];
        let decision = pair.hears(&Incoming::Present(unreadable));
        assert_eq!(
            matches!(pair.status(), LinkStatus::Held { .. }),
            held,
            "{decision:?}"
        );
    }
}

#[test]
fn a_conversion_counts_at_a_stamp_that_is_known_and_not_before_it() {
    for (earlier, counts) in [(0, true), (1, false)] {
        let mut pair = Pair::under(R::MostRecent);
        let mut news = pair.snapshot();
        news.version = pair.link.as_ref().unwrap().version;
        news.version.observed -= TimeDelta::milliseconds(1);
        news.version.modstamp -= TimeDelta::seconds(earlier);
        news.converted = Some(Converted {
            contact: Some(user(3)),
            account: None,
            opportunity: None,
        });
        pair.hears(&Incoming::Present(news));
        assert_eq!(
            matches!(pair.status(), LinkStatus::Converted { .. }),
            counts,
            "{earlier}"
        );
    }
}

#[test]
fn a_record_that_waits_to_be_made_is_recognised_by_a_part_of_it() {
    let mut document = two_way(ruled(R::Partner));
    document.identity = Some("name".to_owned());
    let mut pair = Pair::new(&document);
    pair.posts(&[("name", text("N"))], None);
    pair.made_in_salesforce(&[("LastName", text("n"))]);
    let mut news = pair.snapshot();
    news.fields.remove("Phone");
    assert!(matches!(pair.hears(&Incoming::Present(news)), Decision::Apply(_)));
    assert_eq!(*pair.status(), LinkStatus::Linked);
}

#[test]
fn an_edit_heard_of_during_a_write_gives_way_to_a_later_one_alone() {
    let (mut pair, _) = super::outcomes::flying(R::MostRecent);
    pair.edit("LastName", text("S"));
    let heard = |pair: &mut Pair, moment: i64| {
        let mut news = pair.snapshot();
        news.changed.insert("LastName".to_owned(), at(moment));
        pair.hears(&Incoming::Present(news))
    };
    let stamp = pair.remote.as_ref().unwrap().stamp;
    assert!(matches!(heard(&mut pair, stamp - 1), Decision::Apply(_)));
    assert_eq!(heard(&mut pair, stamp - 2), Decision::Drop(DropReason::InFlight));
    assert_eq!(
        pair.outgoing().noted,
        [(FieldId(1), noted(stamp - 1, "S"))].into()
    );
    assert!(matches!(heard(&mut pair, stamp), Decision::Apply(_)));
    assert_eq!(pair.outgoing().noted, [(FieldId(1), noted(stamp, "S"))].into());
    // Without a time, another value is another edit.
    pair.edit("LastName", text("T"));
    let stamp = pair.remote.as_ref().unwrap().stamp;
    pair.hear();
    assert_eq!(pair.outgoing().noted, [(FieldId(1), noted(stamp, "T"))].into());
}

#[test]
fn a_time_that_is_told_at_a_stamp_that_is_known_is_kept_during_a_write() {
    let (mut pair, _) = super::outcomes::flying(R::MostRecent);
    let mut news = pair.snapshot();
    news.changed.insert("LastName".to_owned(), at(90));
    assert!(matches!(pair.hears(&Incoming::Present(news)), Decision::Apply(_)));
    let told = Noted {
        at: at(90),
        value: None,
    };
    assert_eq!(pair.outgoing().noted, [(FieldId(1), told)].into());
}

#[test]
fn an_edit_of_the_very_moment_of_the_stored_write_was_replaced_by_it() {
    for (outcome_known, by_gateway) in [(true, true), (false, false)] {
        let (mut pair, write) = super::outcomes::flying(R::Partner);
        pair.edit("LastName", text("S"));
        pair.hear();
        let stamp = pair.remote.as_ref().unwrap().stamp;
        assert_eq!(pair.outgoing().noted, [(FieldId(1), noted(stamp, "S"))].into());
        let salesforce_id = pair.carry_out(&write);
        let remote = pair.remote.as_mut().unwrap();
        (remote.stamp, remote.by_gateway) = (stamp, by_gateway);
        let target = pair.target();
        let outcome = if outcome_known {
            WriteOutcome::Stored { salesforce_id }
        } else {
            WriteOutcome::Unknown
        };
        pair.settle(&outcome, Some(&target));
        assert_eq!(pair.lost(), [(Side::Salesforce, text("S"))], "{outcome:?}");
        assert!(pair.outgoing().noted.is_empty());
    }
}
