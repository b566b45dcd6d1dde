//! What Salesforce makes of a write.

use super::*;
use SyncRule as R;

fn posted(rule: SyncRule, stores: fn(&str, FieldValue) -> FieldValue) -> Pair {
    let mut pair = Pair::under(rule);
    pair.stores = stores;
    pair.posts(&[("name", text("P"))], None);
    pair
}

fn shouts(name: &str, value: FieldValue) -> FieldValue {
    match value {
        FieldValue::Text(text) if name == "LastName" => FieldValue::Text(format!("{text}!")),
        other => other,
    }
}

#[test]
fn a_value_that_salesforce_spells_otherwise_is_no_edit() {
    for rule in [R::Partner, R::PartnerUnlessBlank, R::MostRecent] {
        let mut pair = posted(rule, |_, value| match value {
            FieldValue::Text(text) => FieldValue::Text(format!(" {text}")),
            other => other,
        });
        assert_eq!(pair.flush(), 1);
        assert_eq!(pair.names(), (text(" P"), text("P")));
        assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text(" P"), text("P"))));
        assert_eq!(pair.history.last().unwrap().cause, ChangeCause::PartnerEdited);
        assert_eq!(pair.history.last().unwrap().salesforce_after, Some(text(" P")));
        pair.is_at_rest();
    }
}

#[test]
fn a_flow_that_edits_what_was_written_is_not_fought() {
    for (rule, names) in [
        (R::Partner, (text("P!"), text("P"))),
        (R::PartnerUnlessBlank, (text("P!"), text("P"))),
        (R::MostRecent, both("P!")),
    ] {
        let mut pair = posted(rule, shouts);
        assert_eq!(pair.flush(), 1, "{rule:?}");
        assert_eq!(pair.names(), names, "{rule:?}");
        let causes: Vec<_> = pair.history.iter().skip(1).map(|change| change.cause).collect();
        let expected = match rule {
            R::MostRecent => vec![
                ChangeCause::PartnerEdited,
                ChangeCause::MostRecent {
                    winner: Side::Salesforce,
                },
            ],
            _ => vec![ChangeCause::StoredOtherwise],
        };
        assert_eq!(causes, expected, "{rule:?}");
        pair.is_at_rest();
        // The partner's next edit travels all the same.
        pair.posts(&[("name", text("Q"))], None);
        assert_eq!(pair.send(), [(FieldId(1), text("Q"))].into());
    }
}

#[test]
fn a_flow_that_clears_a_field_is_not_filled_up_for_ever() {
    let mut pair = Pair::under(R::SalesforceUnlessBlank);
    pair.stores = |_, _| FieldValue::Null;
    pair.edit("LastName", FieldValue::Null);
    pair.hear();
    assert_eq!(pair.flush(), 1);
    assert_eq!(pair.names(), (FieldValue::Null, text("A")));
    pair.is_at_rest();
}

#[test]
fn a_flow_under_salesforces_rule_wins_when_the_partner_makes_the_record() {
    for (rule, names) in [(R::Salesforce, both("N!")), (R::Partner, (text("N!"), text("N")))] {
        let mut pair = Pair::new(&two_way(ruled(rule)));
        pair.stores = shouts;
        pair.posts(&[("name", text("N"))], None);
        assert_eq!(pair.flush(), 1);
        assert_eq!(pair.names(), names, "{rule:?}");
        pair.is_at_rest();
    }
}

#[test]
fn an_edit_by_somebody_else_right_after_the_write_is_an_edit() {
    for (rule, names, writes) in [
        (R::Partner, both("P"), 1),
        (R::PartnerUnlessBlank, both("P"), 1),
        (R::MostRecent, both("S"), 0),
    ] {
        let mut pair = posted(rule, |_, value| value);
        let Prepared::Send { write, .. } = pair.prepare() else {
            panic!("nothing to send")
        };
        let salesforce_id = pair.carry_out(&write);
        pair.edit("LastName", text("S"));
        pair.tick();
        let target = pair.target();
        pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
        assert_eq!(pair.flush(), writes, "{rule:?}");
        assert_eq!(pair.names(), names, "{rule:?}");
        pair.is_at_rest();
    }
}

#[test]
fn the_partners_edit_during_the_write_travels_next() {
    let mut pair = posted(R::MostRecent, |_, value| value);
    let Prepared::Send {
        write,
        effects,
        salesforce_id,
    } = pair.prepare()
    else {
        panic!("nothing to send")
    };
    assert_eq!(salesforce_id, Some(pair.remote.as_ref().unwrap().id));
    let flight = effects.link.outgoing.in_flight.clone().unwrap();
    assert_eq!(flight.basis, [(FieldId(1), text("P"))].into());
    assert_eq!(
        (flight.since, flight.until),
        (pair.now(), pair.now() + TimeDelta::seconds(30))
    );
    assert_eq!((flight.write.kind, flight.job), (WriteKind::Update, None));
    let PartnerDecision::Apply(effects) = pair.posts(&[("name", text("A"))], None) else {
        panic!("not taken")
    };
    assert!(!effects.link.ready && effects.link.outgoing.pending);
    assert_eq!(pair.prepare(), Prepared::Nothing, "one write at a time");
    let salesforce_id = pair.carry_out(&write);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert!(pair.outgoing().pending && pair.outgoing().in_flight.is_none());
    assert_eq!(pair.flush(), 1);
    assert_eq!(pair.names(), both("A"));
    pair.is_at_rest();
}

#[test]
fn a_write_that_could_not_be_read_back_is_looked_at_again() {
    let mut pair = posted(R::Partner, |_, value| value);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let salesforce_id = pair.carry_out(&write);
    let settled = settle(
        pair.known(),
        None,
        &WriteOutcome::Stored { salesforce_id },
        None,
        pair.now(),
    );
    let effects = settled.effects.unwrap();
    assert!(effects.link.ready && effects.link.outgoing.pending);
    pair.write(&effects);
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("P"), text("P"))));
    assert_eq!(pair.flush(), 0);
    pair.is_at_rest();
}

#[test]
fn news_during_a_write_waits_for_its_end_and_leaves_the_time_of_edits() {
    let mut pair = posted(R::MostRecent, |_, value| value);
    pair.prepare();
    pair.edit("LastName", text("S"));
    let mut snapshot = pair.snapshot();
    snapshot.changed = [("LastName".to_owned(), at(50)), ("Phone".to_owned(), at(60))].into();
    let version = pair.link.as_ref().unwrap().version;
    assert!(matches!(
        pair.hears(&Incoming::Present(snapshot.clone())),
        Decision::Apply(_)
    ));
    assert_eq!(
        pair.outgoing().noted,
        [(FieldId(1), noted(50, "S"))].into(),
        "the phone is Salesforce's anyway"
    );
    assert_eq!(pair.link.as_ref().unwrap().version, version);
    assert_eq!(
        pair.hears(&Incoming::Present(snapshot.clone())),
        Decision::Drop(DropReason::InFlight)
    );
    snapshot.changed = BTreeMap::new();
    assert_eq!(
        pair.hears(&Incoming::Present(snapshot.clone())),
        Decision::Drop(DropReason::InFlight),
        "the stamp is but a bound"
    );
    snapshot.changed = [("OwnerId".to_owned(), at(70))].into();
    assert_eq!(
        pair.hears(&Incoming::Present(snapshot.clone())),
        Decision::Drop(DropReason::InFlight)
    );
    // Older news tells nothing.
    snapshot.changed = [("LastName".to_owned(), at(80))].into();
    snapshot.version.modstamp = at(1);
    assert_eq!(
        pair.hears(&Incoming::Present(snapshot)),
        Decision::Drop(DropReason::InFlight)
    );
    pair.delete_remote();
    assert_eq!(pair.hear(), Decision::Drop(DropReason::InFlight));
    pair.remote.as_mut().unwrap().deleted = false;
    // The write was lost; Salesforce's edit is older than the partner's.
    pair.settle(&WriteOutcome::NotNow, None);
    assert_eq!(pair.flush(), 1);
    assert_eq!(pair.names(), both("P"));
    assert_eq!(pair.lost(), [(Side::Salesforce, text("S"))]);
    assert!(pair.outgoing().noted.is_empty());
}

#[test]
fn a_reading_older_than_what_is_known_is_read_again() {
    let mut pair = posted(R::Partner, |_, value| value);
    let target = pair.target();
    pair.edit("Phone", text("2"));
    pair.hear();
    let prepared = prepare(pair.known(), None, &target, pair.now(), pair.now());
    assert_eq!(prepared, Prepared::Wait { records: Vec::new() });
}

#[test]
fn a_record_that_waits_for_another_is_not_sent() {
    let mut pair = Pair::new(&two_way(vec![
        field("name", PartnerType::Text, "LastName"),
        field("account", PartnerType::Reference, "AccountId"),
    ]));
    pair.posts(
        &[("name", text("N")), ("account", FieldValue::Record(RecordId(9)))],
        None,
    );
    assert_eq!(
        pair.prepare(),
        Prepared::Wait {
            records: vec![RecordId(9)]
        }
    );
    let account = SalesforceId::parse("001000000000001").unwrap();
    // The unit looked it up meanwhile.
    let record = pair.record.as_mut().unwrap();
    record
        .fields
        .insert("account".to_owned(), FieldValue::Reference(account));
    assert_eq!(pair.send()[&FieldId(2)], FieldValue::Reference(account));
    pair.is_at_rest();
}

#[test]
fn values_that_cannot_cross_hold_the_record_before_anything_is_sent() {
    let mut pair = posted(R::Partner, |_, value| value);
    let mut snapshot = pair.snapshot();
    let problem = pair.plan.fields[1].problem(crate::mapping::ConversionCause::Required);
    snapshot.unreadable.push(problem.clone());
    let Prepared::Effects(effects) = prepare(
        pair.known(),
        None,
        &Target::Present(snapshot),
        pair.now(),
        pair.now(),
    ) else {
        panic!("sent")
    };
    assert_eq!(effects.outcome, Outcome::Held);
    assert!(effects.link.outgoing.pending && !effects.link.ready);
    let reason = HeldReason::Conversion {
        problems: vec![problem],
    };
    assert_eq!(effects.link.status, LinkStatus::Held { reason });
    pair.write(&effects);
    // The next edit, of either side, takes it up again.
    let mut by_partner = pair.clone();
    by_partner.posts(&[("name", text("Q"))], None);
    assert_eq!(*by_partner.status(), LinkStatus::Linked);
    by_partner.flush();
    assert_eq!(by_partner.names(), both("Q"));
    pair.edit("Phone", text("3"));
    pair.hear();
    assert_eq!(*pair.status(), LinkStatus::Linked);
    pair.flush();
    assert_eq!(pair.names(), both("P"));
}

#[test]
fn what_a_flow_makes_of_a_write_is_no_later_edit() {
    let mut pair = Pair::under(R::MostRecent);
    pair.stores = |_, _| text("F");
    pair.posts(&[("name", text("P"))], None);
    let edited = pair.clock;
    pair.clock += 50;
    pair.flush();
    assert_eq!(pair.names(), both("F"));
    pair.stores = |_, value| value;
    pair.posts(&[("name", text("Q"))], Some(edited + 1));
    pair.flush();
    assert_eq!(pair.names(), both("Q"));
}
