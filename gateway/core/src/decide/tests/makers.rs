//! Who made a record tells whether a create of unknown outcome is what made it, and whether anybody edited it since.

use super::*;
use SyncRule as R;

/// A create is in flight; then its answer is lost, or its repeat is refused, and the partner edits the name.
fn creating(external_id: bool) -> (Pair, SalesforceWrite) {
    let mut document = two_way(ruled(R::MostRecent));
    document.fields[1].rule = R::MostRecent;
    if !external_id {
        document.external_id = None;
        document.identity = Some("phone".to_owned());
    }
    let mut pair = Pair::new(&document);
    pair.posts(&[("name", text("N")), ("phone", text("1"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    (pair, write)
}

fn tells_of_the_lost_name(pair: &Pair) -> bool {
    pair.history
        .iter()
        .any(|change| change.partner_before == Some(text("P")) && change.partner_after != Some(text("P")))
}

#[test]
fn a_record_that_a_person_made_is_not_what_a_lost_create_made() {
    let (mut pair, _) = creating(false);
    pair.posts(&[("name", text("P"))], None);
    pair.made_in_salesforce(&[("LastName", text("N")), ("Phone", text("1"))]);
    let target = pair.target();
    pair.settle(&WriteOutcome::Unknown, Some(&target));
    assert_eq!(*pair.status(), LinkStatus::Creating);
    // Met for the first time, the person's name is the newer one.
    assert_eq!((pair.flush(), pair.names()), (0, both("N")));
    assert!(tells_of_the_lost_name(&pair));
    pair.is_at_rest();
}

#[test]
fn where_it_is_not_told_who_made_it_the_record_found_by_what_was_sent_is_ours() {
    for made_by_gateway in [Some(true), None] {
        let (mut pair, write) = creating(false);
        pair.carry_out(&write);
        pair.posts(&[("name", text("P"))], None);
        let mut snapshot = pair.snapshot();
        snapshot.made_by_gateway = made_by_gateway;
        snapshot.external_id = None;
        pair.settle(&WriteOutcome::Unknown, Some(&Target::Present(snapshot)));
        assert_eq!(*pair.status(), LinkStatus::Linked, "{made_by_gateway:?}");
        assert_eq!((pair.flush(), pair.names()), (1, both("P")));
    }
}

/// A create arrived, but its repeat was refused, so that the gateway does not know; the partner's edit was made, by its
/// own clock, before the record.
fn made_unknown() -> Pair {
    let (mut pair, write) = creating(true);
    let early = pair.clock;
    pair.tick();
    pair.carry_out(&write);
    pair.posts(&[("name", text("P"))], Some(early));
    let refused = WriteOutcome::Refused {
        code: "DUPLICATE_VALUE".to_owned(),
        message: "duplicate value found".to_owned(),
        fields: Vec::new(),
        advice: String::new(),
    };
    pair.settle(&refused, None);
    assert_eq!(*pair.status(), LinkStatus::Creating);
    pair
}

#[test]
fn what_the_gateway_made_itself_is_no_edit_that_the_partners_could_lose_to() {
    let mut pair = made_unknown();
    assert_eq!((pair.flush(), pair.names()), (1, both("P")));
    pair.is_at_rest();
}

#[test]
fn what_somebody_saved_since_is_one() {
    let mut pair = made_unknown();
    pair.edit("LastName", text("S"));
    assert_eq!((pair.flush(), pair.names()), (0, both("S")));
    assert!(tells_of_the_lost_name(&pair));
    type Doubt = fn(&mut Remote);
    let doubts: [Doubt; 3] = [
        |remote| remote.by_gateway = false,
        |remote| remote.made_by_gateway = false,
        |remote| remote.external_id = None,
    ];
    for doubt in doubts {
        let mut pair = made_unknown();
        doubt(pair.remote.as_mut().unwrap());
        assert_eq!((pair.flush(), pair.names()), (0, both("N")));
    }
}

#[test]
fn a_record_that_carries_no_external_id_of_ours_is_not_what_a_lost_create_made() {
    let (mut pair, _) = creating(true);
    pair.make(&[("LastName", text("N"))], user(1), None, true);
    let target = pair.target();
    pair.settle(&WriteOutcome::Unknown, Some(&target));
    assert_eq!(
        (pair.status(), pair.link.as_ref().unwrap().salesforce_id),
        (&LinkStatus::Creating, None)
    );
}
