//! Two automations that keep overwriting each other are stopped.

use super::*;

/// Salesforce's automation undoes what the partner owns, again and again; how often until somebody is asked.
fn quarrel(pair: &mut Pair, most: u32) -> u32 {
    for round in 0..most {
        pair.edit("LastName", text(&format!("S{round}")));
        pair.hear();
        if matches!(pair.status(), LinkStatus::Held { .. }) {
            return round;
        }
        pair.flush();
    }
    most
}

#[test]
fn a_ninth_overwrite_within_ten_minutes_holds_the_record() {
    let mut pair = Pair::under(SyncRule::Partner);
    let sent = pair.sent;
    assert_eq!(quarrel(&mut pair, 20), 8);
    assert_eq!(pair.sent - sent, 8, "each overwrite counts once");
    assert_eq!(
        *pair.status(),
        LinkStatus::Held {
            reason: HeldReason::Flipping { turns: 9 }
        }
    );
    assert_eq!(pair.prepare(), Prepared::Nothing);
    pair.edit("LastName", text("more"));
    assert_eq!(pair.hear(), Decision::Drop(DropReason::Unchanged));
    // The partner's edits are taken, and wait.
    pair.posts(&[("name", text("P"))], None);
    assert!(matches!(pair.status(), LinkStatus::Held { .. }));
    assert_eq!(pair.record().fields["name"], text("P"));
    let effects = person::retry(pair.known(), pair.now()).unwrap();
    assert!(effects.link.ready);
    pair.write(&effects);
    assert_eq!(pair.outgoing().turns.unwrap().count, 0);
    pair.flush();
    assert_eq!(pair.names(), both("P"));
}

#[test]
fn an_overwrite_counts_with_those_of_the_hour_before_it() {
    for (pause, most) in [(3_500, 8), (3_700, 20)] {
        let mut pair = Pair::under(SyncRule::Partner);
        let mut rounds = 0;
        while rounds < 20 && *pair.status() == LinkStatus::Linked {
            pair.clock += pause;
            rounds += quarrel(&mut pair, 1);
        }
        assert_eq!(rounds, most, "{pause}");
    }
    let mut exact = Pair::under(SyncRule::Partner);
    quarrel(&mut exact, 8);
    let turns = exact.outgoing().turns.unwrap();
    assert_eq!((turns.count, turns.last), (8, Side::Partner));
    exact.edit("LastName", text("S"));
    exact.clock = turns.since.timestamp() + 3_599;
    let mut late = exact.clone();
    exact.hear();
    assert!(matches!(exact.status(), LinkStatus::Held { .. }));
    late.clock += 1;
    late.hear();
    assert_eq!(late.outgoing().turns.unwrap().count, 1);
    assert_eq!(late.outgoing().turns.unwrap().since, late.now());
}

#[test]
fn values_that_go_to_and_fro_count_until_ten_calm_minutes() {
    for (pause, held) in [(590, true), (610, false)] {
        let mut pair = Pair::under(SyncRule::MostRecent);
        for round in 0..20 {
            pair.clock += pause;
            if round % 2 == 0 {
                pair.edit("LastName", text(&format!("S{round}")));
                pair.hear();
            } else {
                pair.posts(&[("name", text(&format!("P{round}")))], None);
                pair.flush();
            }
            if matches!(pair.status(), LinkStatus::Held { .. }) {
                break;
            }
        }
        assert_eq!(matches!(pair.status(), LinkStatus::Held { .. }), held, "{pause}");
    }
}

#[test]
fn a_partner_that_fights_the_rule_is_stopped_too() {
    let mut pair = Pair::under(SyncRule::Salesforce);
    for round in 0..8 {
        pair.posts(&[("name", text(&format!("P{round}")))], None);
        assert_eq!((pair.status(), pair.names()), (&LinkStatus::Linked, both("A")));
    }
    let PartnerDecision::Apply(effects) = pair.posts(&[("name", text("P"))], None) else {
        panic!("not taken")
    };
    assert_eq!((effects.outcome, effects.link.ready), (Outcome::Held, false));
    assert_eq!(pair.record().fields["name"], text("P"), "the edit is not lost");
}

#[test]
fn values_that_travel_to_and_fro_count_and_those_that_travel_one_way_do_not() {
    let mut pair = Pair::under(SyncRule::MostRecent);
    for round in 0..20 {
        pair.edit("LastName", text(&format!("S{round}")));
        pair.hear();
    }
    assert_eq!(
        pair.outgoing().turns.unwrap(),
        Turns {
            since: pair.outgoing().turns.unwrap().since,
            count: 0,
            last: Side::Salesforce
        }
    );
    for round in 0..20 {
        pair.posts(&[("name", text(&format!("P{round}")))], None);
        pair.flush();
    }
    assert_eq!(pair.outgoing().turns.unwrap().count, 1);
    assert_eq!(*pair.status(), LinkStatus::Linked);
    let mut held = false;
    for round in 0..8 {
        pair.edit("LastName", text(&format!("T{round}")));
        pair.hear();
        if matches!(pair.status(), LinkStatus::Held { .. }) {
            held = true;
            break;
        }
        pair.posts(&[("name", text(&format!("Q{round}")))], None);
        pair.prepare();
        if matches!(pair.status(), LinkStatus::Held { .. }) {
            held = true;
            break;
        }
        pair.link.as_mut().unwrap().outgoing.in_flight = None;
        pair.remote
            .as_mut()
            .unwrap()
            .fields
            .insert("LastName".to_owned(), text(&format!("Q{round}")));
        pair.flush();
    }
    assert!(held);
}

#[test]
fn a_one_way_mapping_counts_overwrites_alone() {
    let mut document = two_way(ruled(SyncRule::Partner));
    document.direction = Direction::PartnerToSalesforce;
    document.fields[1].rule = SyncRule::Partner;
    let mut pair = Pair::new(&document);
    for round in 0..20 {
        pair.posts(&[("name", text(&format!("A{round}")))], None);
        pair.flush();
    }
    assert_eq!(pair.outgoing().turns, None);
    assert_eq!(quarrel(&mut pair, 20), 8);
}
