use std::sync::Arc;

use super::*;
use crate::decide::{MergedInto, WriteKind};
use crate::id::ConnectionId;
use crate::units::sample::{at, claim, contact_plan, in_flight, linked, sf, text, version};

fn batch(links: &[(i64, Option<SalesforceId>, &str)]) -> Batch {
    Batch {
        connection: ConnectionId(1),
        plan: Arc::new(contact_plan()),
        gateway_user: None,
        items: links
            .iter()
            .map(|(number, salesforce_id, email)| {
                let linked = linked(*number, *salesforce_id, email);
                Item {
                    claim: claim(*number),
                    link: linked.link,
                    record: linked.record,
                }
            })
            .collect(),
    }
}

fn live(batch: &Batch, number: u32, email: &str, external_id: Option<&str>) -> Incoming {
    let mut snapshot = Snapshot::read(&batch.plan, sf(number), version(20), None, |_| {
        Some(Ok(FieldValue::Text(email.to_owned())))
    });
    snapshot.external_id = Some(external_id.map(str::to_owned));
    Incoming::Present(snapshot)
}

fn gone(number: u32, seconds: i64, external_id: Option<&str>) -> Incoming {
    Incoming::Deleted {
        salesforce_id: sf(number),
        version: version(seconds),
        merged: MergedInto::Nothing,
        external_id: external_id.map(str::to_owned),
    }
}

fn only(batch: &Batch, found: &Found) -> Target {
    batch.targets(found).remove(&LinkId(1)).unwrap()
}

#[test]
fn linked_records_are_looked_up_by_id_and_the_others_by_external_id() {
    let batch = batch(&[(1, None, "a@x.org"), (2, Some(sf(2)), "b@x.org")]);
    assert_eq!(
        batch.lookups(),
        Lookups {
            by_id: vec![sf(2)],
            by_external_id: vec!["cw-1-1".to_owned()],
        }
    );
}

#[test]
fn identities_are_looked_for_only_where_the_external_id_found_nothing() {
    let batch = batch(&[(1, None, "a@x.org"), (2, None, "b@x.org"), (3, None, " ")]);
    let found = Found {
        by_external_id: vec![live(&batch, 1, "a@x.org", Some("CW-1-1"))],
        ..Found::default()
    };
    let (field, values) = batch.identities(&found).unwrap();
    assert_eq!(field.salesforce.name, "Email");
    assert_eq!(values, [FieldValue::Text("b@x.org".to_owned())]);
    assert!(super::Batch::identities(&self::batch(&[(1, Some(sf(1)), "a@x.org")]), &found).is_none());
}

#[test]
fn a_record_found_by_its_external_id_comes_before_one_of_the_same_identity() {
    let batch = batch(&[(1, None, "a@x.org")]);
    let ours = live(&batch, 1, "other@x.org", Some("cw-1-1"));
    let found = Found {
        by_external_id: vec![gone(9, 99, Some("cw-1-1")), ours.clone()],
        by_identity: vec![live(&batch, 2, "a@x.org", None)],
        ..Found::default()
    };
    assert_eq!(only(&batch, &found), target(&ours));
}

#[test]
fn a_record_that_was_made_and_deleted_is_found_as_deleted() {
    let batch = batch(&[(1, None, "a@x.org")]);
    let last = gone(2, 30, Some("cw-1-1"));
    let found = Found {
        by_external_id: vec![
            gone(1, 20, Some("cw-1-1")),
            last.clone(),
            gone(3, 25, Some("cw-1-1")),
        ],
        ..Found::default()
    };
    assert_eq!(only(&batch, &found), target(&last));
}

#[test]
fn one_record_of_the_same_identity_is_the_target_and_several_are_ambiguous() {
    let batch = batch(&[(1, None, "A@x.org")]);
    let by = |by_identity: Vec<Incoming>| Found {
        by_identity,
        ..Found::default()
    };
    let one = live(&batch, 2, "a@X.org", None);
    let other = live(&batch, 1, "a@x.org ", None);
    let elsewhere = live(&batch, 3, "b@x.org", None);
    assert_eq!(only(&batch, &by(vec![])), Target::Missing);
    assert_eq!(only(&batch, &by(vec![elsewhere.clone()])), Target::Missing);
    assert_eq!(only(&batch, &by(vec![one.clone(), elsewhere])), target(&one));
    assert_eq!(
        only(&batch, &by(vec![one, other])),
        Target::Ambiguous(vec![sf(1), sf(2)])
    );
}

#[test]
fn a_linked_record_that_nobody_shows_is_out_of_sight() {
    let batch = batch(&[(1, Some(sf(1)), "a@x.org")]);
    let found = Found {
        by_id: vec![live(&batch, 2, "a@x.org", None)],
        by_identity: vec![live(&batch, 3, "a@x.org", None)],
        ..Found::default()
    };
    assert_eq!(only(&batch, &found), Target::OutOfSight);
}

#[test]
fn a_targets_reading_is_newer_than_the_link_at_the_same_stamp_only() {
    let batch = batch(&[(1, Some(sf(1)), "a@x.org")]);
    for (stamp, expected) in [
        (version(10), version(10).observed + TimeDelta::microseconds(1)),
        (version(9), version(9).observed),
        (version(11), version(11).observed),
    ] {
        let found = Found {
            by_id: vec![gone(1, stamp.modstamp.timestamp(), None)],
            ..Found::default()
        };
        let Target::Deleted { version, .. } = only(&batch, &found) else {
            panic!("the record is deleted")
        };
        assert_eq!((version.modstamp, version.observed), (stamp.modstamp, expected));
    }
}

#[test]
fn a_record_that_may_have_been_made_without_an_external_id_is_looked_for_by_what_was_sent() {
    let mut batch = batch(&[(1, None, "b@x.org")]);
    let mut plan = contact_plan();
    let identity = plan.identity.unwrap();
    let mut flight = in_flight(at(5));
    flight.write.kind = WriteKind::Create;
    flight.write.values.insert(identity, text("a@x.org"));
    batch.items[0].link.outgoing.in_flight = Some(flight);
    let other = live(&batch, 2, "b@x.org", None);
    let made = live(&batch, 1, "a@x.org", None);
    let found = |by_identity: &[&Incoming]| Found {
        by_identity: by_identity.iter().map(|one| (*one).clone()).collect(),
        ..Found::default()
    };
    let values = |batch: &Batch| batch.identities(&Found::default()).unwrap().1;
    assert_eq!(
        values(&batch),
        [text("b@x.org")],
        "its external id finds what was made"
    );

    plan.external_id = None;
    batch.plan = Arc::new(plan);
    assert_eq!(values(&batch), [text("a@x.org")]);
    assert_eq!(only(&batch, &found(&[&other, &made])), target(&made));
    assert_eq!(only(&batch, &found(&[&other])), Target::Missing);
    // With nothing sent to be found by, nothing is looked for.
    let flight = batch.items[0].link.outgoing.in_flight.as_mut().unwrap();
    flight.write.values.clear();
    assert!(batch.identities(&Found::default()).is_none());
    assert_eq!(only(&batch, &found(&[&other])), Target::Missing);
}
