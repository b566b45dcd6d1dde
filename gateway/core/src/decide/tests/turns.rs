//! Which way values went last, and what counts as a turn.

use super::*;
use SyncRule as R;

fn turns(pair: &Pair) -> (Side, u32) {
    let turns = pair.outgoing().turns.unwrap();
    (turns.last, turns.count)
}

/// Salesforce's phone came last.
fn from_salesforce(rule: SyncRule) -> Pair {
    let mut pair = Pair::under(rule);
    pair.edit("Phone", text("2"));
    pair.hear();
    assert_eq!(turns(&pair), (Side::Salesforce, 0));
    pair
}

#[test]
fn a_conflict_that_salesforce_wins_is_no_turn() {
    let mut pair = from_salesforce(R::MostRecent);
    pair.posts(&[("name", text("P"))], None);
    pair.edit("LastName", text("S"));
    pair.hear();
    assert_eq!(pair.lost(), [(Side::Partner, text("P"))]);
    assert_eq!(turns(&pair), (Side::Salesforce, 0));
}

#[test]
fn a_conflict_that_the_partner_wins_turns_once() {
    let mut pair = from_salesforce(R::MostRecent);
    pair.posts(&[("name", text("P"))], Some(900));
    pair.edit("LastName", text("S"));
    pair.hear();
    assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("S"))].into());
    assert_eq!(turns(&pair), (Side::Partner, 1));
    assert_eq!((pair.flush(), pair.names()), (1, both("P")));
    assert_eq!(turns(&pair), (Side::Partner, 1));
}

#[test]
fn an_overwrite_turns_to_the_side_that_writes() {
    let mut pair = from_salesforce(R::Partner);
    pair.edit("LastName", text("S"));
    pair.hear();
    assert_eq!(turns(&pair), (Side::Partner, 1));
    let mut pair = Pair::under(R::Salesforce);
    pair.posts(&[("name", text("P"))], None);
    assert_eq!(pair.names(), both("A"));
    assert_eq!(turns(&pair), (Side::Salesforce, 1));
}

#[test]
fn a_partner_that_fights_the_rule_is_held_and_taken_up_again_with_the_count_begun_anew() {
    let mut pair = Pair::under(R::Salesforce);
    for round in 0..9 {
        pair.posts(&[("name", text(&format!("P{round}")))], None);
    }
    let flipping = HeldReason::Flipping { turns: 9 };
    assert_eq!(*pair.status(), LinkStatus::Held { reason: flipping });
    pair.clock += 60;
    let effects = person::retry(pair.known(), pair.now()).unwrap();
    let begun = effects.link.outgoing.turns.unwrap();
    assert_eq!((begun.since, begun.count), (pair.now(), 0));
}

#[test]
fn an_edit_that_waited_for_a_look_and_loses_turns_to_salesforce() {
    let mut pair = Pair::under(R::Salesforce);
    pair.plan.revision.0 += 1;
    pair.posts(&[("name", text("P"))], None);
    pair.hear();
    assert_eq!(pair.lost(), [(Side::Partner, text("P"))]);
    assert_eq!(turns(&pair), (Side::Salesforce, 1));
}

#[test]
fn an_edit_that_is_read_after_a_write_turns_to_salesforce() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.fields[1].rule = R::Partner;
    pair.posts(&[("phone", text("3"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    assert_eq!(turns(&pair), (Side::Partner, 0));
    let salesforce_id = pair.carry_out(&write);
    pair.edit("LastName", text("S"));
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(turns(&pair), (Side::Salesforce, 1));
}
