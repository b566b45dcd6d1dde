//! Creates without an external id whose outcome is not known, and news that came during a write that was refused.

use super::outcomes::flying;
use super::*;
use SyncRule as R;

/// A contact that carries no external id and is recognised by its phone; its create is in flight.
pub(super) fn without_external_id() -> Pair {
    let mut pair = unmarked();
    pair.posts(&[("name", text("N")), ("phone", text("1"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    assert_eq!(write.kind, WriteKind::Create);
    pair
}

fn unmarked() -> Pair {
    let mut document = two_way(ruled(R::Partner));
    document.external_id = None;
    document.identity = Some("phone".to_owned());
    document.fields[1].rule = R::Partner;
    Pair::new(&document)
}

#[test]
fn a_record_with_nothing_to_be_found_by_is_not_sent() {
    let mut pair = unmarked();
    pair.posts(&[("name", text("N")), ("phone", text(" "))], None);
    let Prepared::Effects(_) = pair.prepare() else {
        panic!("sent")
    };
    let LinkStatus::Held { reason } = pair.status() else {
        panic!("{:?}", pair.status())
    };
    assert!(reason.summary().contains("phone"), "{}", reason.summary());
    assert!(reason.summary().contains("external id"));
    pair.posts(&[("phone", text("1"))], None);
    assert_eq!(pair.flush(), 1);
    assert_eq!(*pair.status(), LinkStatus::Linked);
}

#[test]
fn a_record_that_was_looked_for_and_not_found_is_made_again() {
    let mut pair = without_external_id();
    pair.settle(&WriteOutcome::Unknown, Some(&Target::Missing));
    assert_eq!(*pair.status(), LinkStatus::Creating);
    assert_eq!(pair.flush(), 1);
}

#[test]
fn a_record_that_can_be_looked_for_no_more_is_never_sent_twice_without_a_persons_word() {
    let mut pair = without_external_id();
    // The mapping came to recognise records by another field.
    let identity = pair.plan.identity.replace(FieldId(1_000));
    pair.settle(&WriteOutcome::Unknown, Some(&Target::Missing));
    let unknown = LinkStatus::Held {
        reason: HeldReason::OutcomeUnknown,
    };
    assert_eq!(*pair.status(), unknown);
    assert!(pair.outgoing().in_flight.is_none());
    assert_eq!(pair.prepare(), Prepared::Nothing);
    // Whatever the partner does, somebody has to look first.
    pair.posts(&[("name", text("Q"))], None);
    assert_eq!(*pair.status(), unknown);
    pair.posted(PartnerNewsKind::Delete, None);
    assert_eq!(*pair.status(), unknown);
    pair.posted(PartnerNewsKind::Undelete, None);
    assert_eq!((pair.status(), pair.sent), (&unknown, 0));
    pair.plan.identity = identity;
    let effects = person::retry(pair.known(), pair.now()).unwrap();
    pair.write(&effects);
    assert_eq!(pair.flush(), 1);
    assert_eq!(pair.names(), both("Q"));
}

#[test]
fn a_record_that_several_may_be_waits_for_a_person_whatever_the_partner_made_of_it_since() {
    let mut pair = without_external_id();
    pair.posts(&[("phone", text("2"))], None);
    let candidates = vec![user(1), user(2)];
    pair.settle(
        &WriteOutcome::Unknown,
        Some(&Target::Ambiguous(candidates.clone())),
    );
    let LinkStatus::Held {
        reason: HeldReason::Ambiguous {
            candidates: named, ..
        },
    } = pair.status()
    else {
        panic!("{:?}", pair.status())
    };
    assert_eq!(*named, candidates);
}

#[test]
fn what_a_record_may_have_been_made_with_stays_reserved_until_that_is_known() {
    let phone = |text: &str| Identity::Value(text.to_owned());
    let mut pair = without_external_id();
    let PartnerDecision::Apply(edit) = pair.posts(&[("phone", text("2"))], None) else {
        panic!("not taken")
    };
    assert_eq!((edit.link.reserve, edit.link.release), (vec![phone("2")], vec![]));
    // Salesforce's news of the record that was made finds its link by what was sent.
    let mut made = pair.clone();
    made.made_in_salesforce(&[("LastName", text("N")), ("Phone", text("1"))]);
    assert_eq!(made.hear(), Decision::ReadAgain);
    for target in [Target::Missing, made.target()] {
        let settled = settle(
            made.known(),
            None,
            &WriteOutcome::Unknown,
            Some(&target),
            made.now(),
        );
        assert_eq!(settled.effects.unwrap().link.release, vec![phone("1")]);
    }
    // Back at the value that was sent, nothing is set free.
    pair.posts(&[("phone", text("1"))], None);
    let target = Target::Missing;
    let settled = settle(
        pair.known(),
        None,
        &WriteOutcome::Unknown,
        Some(&target),
        pair.now(),
    );
    assert_eq!(settled.effects.unwrap().link.release, vec![]);
}

#[test]
fn news_that_came_during_a_write_that_was_refused_is_not_lost() {
    let refusal = WriteOutcome::Refused {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "no P".to_owned(),
        fields: Vec::new(),
        advice: String::new(),
    };
    let (mut pair, _) = flying(R::Partner);
    pair.edit("Phone", text("2"));
    assert_eq!(pair.hear(), Decision::Drop(DropReason::InFlight));
    let target = pair.target();
    pair.settle(&refusal, Some(&target));
    assert_eq!(pair.record().fields["phone"], text("2"));
    // What Salesforce holds now is worth a try; the same again is refused for good.
    assert_eq!(*pair.status(), LinkStatus::Linked);
    let Prepared::Send { .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let target = pair.target();
    pair.settle(&refusal, Some(&target));
    assert!(matches!(pair.status(), LinkStatus::Held { .. }));

    // A delete that came meanwhile is followed.
    let (mut pair, _) = flying(R::Partner);
    pair.delete_remote();
    assert_eq!(pair.hear(), Decision::Drop(DropReason::InFlight));
    let target = pair.target();
    pair.settle(&refusal, Some(&target));
    assert_eq!(*pair.status(), LinkStatus::Deleted);
    assert_eq!(pair.record().presence, Presence::Deleted);
}

#[test]
fn when_somebody_else_entered_what_was_sent_matters_only_where_the_newest_wins() {
    for (rule, taken) in [(R::Partner, true), (R::MostRecent, false)] {
        let (mut pair, _) = super::outcomes::flying(rule);
        let posted = pair.clock;
        pair.clock += 50;
        pair.edit("LastName", text("P"));
        let mut snapshot = pair.snapshot();
        snapshot.changed.insert("LastName".to_owned(), at(pair.clock));
        pair.settle(&WriteOutcome::Unknown, Some(&Target::Present(snapshot)));
        assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("P"), text("P"))));
        pair.posts(&[("name", text("Q"))], Some(posted + 10));
        assert_eq!(pair.record().fields["name"] == text("Q"), taken, "{rule:?}");
    }
}
