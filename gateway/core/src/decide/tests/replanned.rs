//! A mapping that was changed: every decision names the revision that it was made under, or the one whose pairs still
//! stand.

use super::*;
use crate::id::PlanRevision;
use SyncRule as R;

/// A pair whose link was last decided under an earlier revision.
fn outdated(mut pair: Pair) -> Pair {
    pair.link.as_mut().unwrap().plan = PlanRevision(pair.plan.revision.0 + 1);
    pair
}

fn is_up_to_date(pair: &Pair) -> bool {
    pair.link.as_ref().unwrap().plan == pair.plan.revision
}

#[test]
fn a_delete_a_merge_and_a_conversion_are_decided_under_the_plan_in_force() {
    for merged in [MergedInto::Nothing, MergedInto::Record(user(5))] {
        let mut pair = outdated(Pair::under(R::MostRecent));
        pair.delete_remote();
        let news = Incoming::Deleted {
            salesforce_id: pair.remote.as_ref().unwrap().id,
            version: pair.version(),
            merged,
            external_id: None,
        };
        pair.hears(&news);
        assert!(is_up_to_date(&pair), "{merged:?}");
    }
    let mut pair = outdated(Pair::under(R::MostRecent));
    pair.edit("Phone", text("3"));
    let mut snapshot = pair.snapshot();
    snapshot.converted = Some(Converted {
        account: Some(user(5)),
        contact: None,
        opportunity: None,
    });
    pair.hears(&Incoming::Present(snapshot));
    assert!(is_up_to_date(&pair));
}

#[test]
fn news_and_writes_are_decided_under_the_plan_in_force() {
    let mut heard = outdated(Pair::under(R::MostRecent));
    heard.edit("Phone", text("3"));
    heard.hear();
    assert!(is_up_to_date(&heard));

    let mut read = outdated(Pair::under(R::MostRecent));
    read.link.as_mut().unwrap().outgoing.pending = true;
    read.edit("Phone", text("3"));
    assert!(matches!(read.prepare(), Prepared::Effects(_)));
    assert!(is_up_to_date(&read));

    let mut sent = Pair::under(R::MostRecent);
    sent.posts(&[("name", text("P"))], None);
    let mut sent = outdated(sent);
    let Prepared::Send { write, .. } = sent.prepare() else {
        panic!("nothing to send")
    };
    assert!(is_up_to_date(&sent));
    // The plan may change while the write is under way.
    let mut sent = outdated(sent);
    let salesforce_id = sent.carry_out(&write);
    let target = sent.target();
    sent.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert!(is_up_to_date(&sent));
}

#[test]
fn a_record_to_be_made_and_one_brought_back_begin_under_the_plan_in_force() {
    let mut made = Pair::new(&two_way(ruled(R::Partner)));
    made.posts(&[("name", text("N"))], None);
    let mut made = outdated(made);
    assert!(matches!(made.prepare(), Prepared::Send { .. }));
    assert!(is_up_to_date(&made));

    let mut back = Pair::under(R::MostRecent);
    back.plan.delete_policy = DeletePolicy::Archive;
    back.delete_remote();
    back.hear();
    let mut back = outdated(back);
    back.posted(PartnerNewsKind::Undelete, None);
    assert!(is_up_to_date(&back));
    assert_eq!(back.link.as_ref().unwrap().agreed, Agreed::default());
}

#[test]
fn only_a_record_with_something_to_write_is_held_for_a_target_that_cannot_be_read() {
    let reason = || HeldReason::OutOfSight;
    let mut pair = Pair::under(R::MostRecent);
    assert_eq!(write::unread(pair.known(), reason()), None, "nothing waits");
    pair.posts(&[("name", text("P"))], None);
    let effects = write::unread(pair.known(), reason()).unwrap();
    assert_eq!(effects.link.status, LinkStatus::Held { reason: reason() });
    let held = {
        let mut held = pair.clone();
        held.write(&effects);
        held
    };
    assert_eq!(write::unread(held.known(), reason()), None, "held already");
    assert!(matches!(pair.prepare(), Prepared::Send { .. }));
    assert_eq!(
        write::unread(pair.known(), reason()),
        None,
        "only the target tells of a write in flight"
    );
}

#[test]
fn a_reading_that_is_known_already_is_weighed_anew_and_once() {
    let mut pair = outdated(Pair::under(R::MostRecent));
    let known = Incoming::Present(Snapshot {
        version: pair.link.as_ref().unwrap().version,
        ..pair.snapshot()
    });
    assert!(matches!(pair.hears(&known), Decision::Apply(_)));
    assert!(is_up_to_date(&pair));
    assert_eq!(pair.hears(&known), Decision::Drop(DropReason::Unchanged));
}

#[test]
fn an_edit_by_the_partner_waits_for_the_look_that_weighs_everything_anew() {
    let mut pair = outdated(Pair::under(R::Salesforce));
    let PartnerDecision::Apply(effects) = pair.posts(&[("name", text("P"))], None) else {
        panic!("not taken")
    };
    assert!(effects.link.ready && effects.link.outgoing.pending);
    assert_eq!(pair.record().fields["name"], text("P"));
    assert!(!is_up_to_date(&pair));
    assert_eq!((pair.flush(), pair.names()), (0, both("A")));
    assert!(is_up_to_date(&pair));
}
