//! Records that are deleted and brought back.

use super::*;
use SyncRule as R;

fn with_policy(policy: DeletePolicy) -> Pair {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.partner_delete_policy = policy;
    pair
}

#[test]
fn the_partners_delete_reaches_salesforce_and_is_not_undone_by_late_news() {
    let mut pair = with_policy(DeletePolicy::Delete);
    let late = Incoming::Present(pair.snapshot());
    let PartnerDecision::Apply(effects) = pair.posted(PartnerNewsKind::Delete, None) else {
        panic!("not taken")
    };
    assert_eq!((effects.outcome, effects.link.ready), (Outcome::Deleted, true));
    assert_eq!(effects.history.len(), 2);
    assert_eq!(
        effects.history[0],
        FieldChange {
            field: FieldId(1),
            salesforce_before: Some(text("A")),
            salesforce_after: Some(text("A")),
            partner_before: Some(text("A")),
            partner_after: None,
            cause: ChangeCause::PartnerDeleted,
            lost: None,
        }
    );
    assert_eq!(pair.record().presence, Presence::Deleted);
    assert_eq!(pair.record().fields["name"], text("A"), "kept, unseen");
    assert_eq!(
        pair.posted(PartnerNewsKind::Delete, None),
        PartnerDecision::Unchanged
    );
    assert_eq!(
        codes(&pair.refused(upsert(&[("name", text("B"))]))),
        [RefusalCode::Deleted]
    );
    // An edit in Salesforce meanwhile does not keep it alive.
    pair.edit("LastName", text("S"));
    assert_eq!(pair.hear(), Decision::Drop(DropReason::Tombstoned));
    assert!(pair.send().is_empty());
    assert!(pair.remote.as_ref().unwrap().deleted);
    assert_eq!(*pair.status(), LinkStatus::Deleted);
    assert_eq!(
        pair.link.as_ref().unwrap().version.modstamp,
        at(pair.remote.as_ref().unwrap().stamp)
    );
    assert_eq!(pair.outgoing(), &Outgoing::default());
    assert_eq!(pair.history.last().unwrap().salesforce_after, None);
    assert_eq!(pair.history.last().unwrap().partner_before, None);
    assert_eq!(pair.hears(&late), Decision::Drop(DropReason::Tombstoned));
    assert_eq!(pair.record().presence, Presence::Deleted);
    assert_eq!(pair.prepare(), Prepared::Nothing);
}

#[test]
fn a_delete_of_unknown_outcome_is_known_by_what_salesforce_shows() {
    for (target, ends) in [
        (Some(Target::OutOfSight), true),
        (Some(Target::Missing), true),
        (None, false),
    ] {
        let mut pair = with_policy(DeletePolicy::Delete);
        pair.posted(PartnerNewsKind::Delete, None);
        assert!(matches!(pair.prepare(), Prepared::Send { .. }));
        let decided = pair.clock;
        pair.clock += 5;
        let target = target.unwrap_or_else(|| pair.target());
        pair.settle(&WriteOutcome::Unknown, Some(&target));
        assert_eq!(*pair.status() == LinkStatus::Deleted, ends);
        assert_eq!(pair.outgoing().pending, !ends);
        if ends {
            let version = pair.link.as_ref().unwrap().version;
            assert_eq!(
                (version.modstamp, version.observed),
                (at(decided), at(decided + 5))
            );
        } else {
            assert!(pair.send().is_empty());
        }
    }
    // What cannot be seen may still be there to delete.
    for target in [Target::OutOfSight, Target::Missing] {
        let mut pair = with_policy(DeletePolicy::Delete);
        pair.posted(PartnerNewsKind::Delete, None);
        let Prepared::Effects(effects) = prepare(pair.known(), None, &target, pair.now(), pair.now()) else {
            panic!("sent")
        };
        let reason = HeldReason::OutOfSight;
        assert_eq!(
            (effects.outcome, effects.link.status),
            (Outcome::Held, LinkStatus::Held { reason })
        );
    }
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.delete_remote();
    assert!(matches!(pair.prepare(), Prepared::Effects(_)));
    assert_eq!(
        (pair.status(), pair.outgoing().pending),
        (&LinkStatus::Deleted, false)
    );
}

#[test]
fn a_record_brought_back_before_its_delete_was_settled_lives() {
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posted(PartnerNewsKind::Delete, None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let decided = pair.clock;
    let salesforce_id = pair.carry_out(&write);
    pair.remote.as_mut().unwrap().deleted = false;
    pair.edit("Phone", text("2"));
    pair.clock += 10;
    pair.settle(&WriteOutcome::Stored { salesforce_id }, None);
    let link = pair.link.as_ref().unwrap();
    assert_eq!(
        (&link.status, link.version.modstamp, link.version.observed),
        (&LinkStatus::Deleted, at(decided), pair.now())
    );
    pair.hear();
    assert_eq!(
        (pair.status(), pair.record().presence),
        (&LinkStatus::Linked, Presence::Live)
    );
    pair.is_at_rest();
    // Salesforce's clock may be ahead.
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.remote.as_mut().unwrap().stamp = 5_000;
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let salesforce_id = pair.carry_out(&write);
    pair.settle(&WriteOutcome::Stored { salesforce_id }, None);
    assert_eq!(pair.link.as_ref().unwrap().version.modstamp, at(5_000));
}

#[test]
fn a_record_deleted_before_it_was_sent_never_reaches_salesforce() {
    let mut pair = Pair::new(&two_way(ruled(R::Partner)));
    pair.posts(&[("name", text("N"))], None);
    pair.posted(PartnerNewsKind::Delete, None);
    assert_eq!(
        (pair.status(), pair.outgoing().pending),
        (&LinkStatus::Deleted, false)
    );
    let PartnerDecision::Apply(effects) = pair.posted(PartnerNewsKind::Undelete, None) else {
        panic!("not taken")
    };
    assert_eq!(effects.outcome, Outcome::Restored);
    assert_eq!(pair.outgoing().generation, 1);
    pair.flush();
    assert_eq!(
        pair.remote.as_ref().unwrap().external_id.as_deref(),
        Some("cw-1-7-1")
    );
}

#[test]
fn a_delete_races_a_create() {
    let mut pair = Pair::new(&two_way(ruled(R::Partner)));
    pair.posts(&[("name", text("N"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let PartnerDecision::Apply(effects) = pair.posted(PartnerNewsKind::Delete, None) else {
        panic!("not taken")
    };
    assert!(!effects.link.ready && effects.link.outgoing.pending);
    assert_eq!(*pair.status(), LinkStatus::Creating);
    // Lost: the record was never made.
    let mut lost = pair.clone();
    lost.settle(&WriteOutcome::Unknown, Some(&Target::Missing));
    assert_eq!(
        (lost.status(), lost.outgoing().pending),
        (&LinkStatus::Deleted, false)
    );
    // Whatever the policy: there is nothing to ask about, and nothing to unlink.
    for policy in [DeletePolicy::Ask, DeletePolicy::Unlink] {
        let mut pair = Pair::new(&two_way(ruled(R::Partner)));
        pair.plan.partner_delete_policy = policy;
        pair.posts(&[("name", text("N"))], None);
        assert!(matches!(pair.prepare(), Prepared::Send { .. }));
        pair.posted(PartnerNewsKind::Delete, None);
        assert_ne!(*pair.status(), LinkStatus::Deleted);
        // Somebody else's record of the same identity waits for the end.
        pair.made_in_salesforce(&[("LastName", text("N"))]);
        assert_eq!(pair.hear(), Decision::ReadAgain);
        let target = pair.target();
        pair.settle(&WriteOutcome::Unknown, Some(&target));
        assert_eq!(*pair.status(), LinkStatus::Deleted, "{policy:?}");
    }
    // Stored: it is deleted again.
    let salesforce_id = pair.carry_out(&write);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(
        (pair.status(), pair.outgoing().pending),
        (&LinkStatus::Linked, true)
    );
    assert!(pair.send().is_empty());
    assert!(pair.remote.as_ref().unwrap().deleted);
}

#[test]
fn an_unlinking_delete_leaves_salesforces_record_alone() {
    let mut pair = with_policy(DeletePolicy::Unlink);
    pair.posts(&[("name", text("P"))], None);
    pair.posted(PartnerNewsKind::Delete, None);
    assert_eq!(
        (pair.status(), pair.outgoing().pending),
        (&LinkStatus::Unlinked, false)
    );
    assert_eq!(pair.prepare(), Prepared::Nothing);
    pair.edit("LastName", text("S"));
    assert_eq!(pair.hear(), Decision::Drop(DropReason::Tombstoned));
    pair.delete_remote();
    assert_eq!(pair.hear(), Decision::Drop(DropReason::Tombstoned));
    pair.remote.as_mut().unwrap().deleted = false;
    // Taken back, the same two records belong together again.
    let PartnerDecision::Apply(effects) = pair.posted(PartnerNewsKind::Undelete, None) else {
        panic!("not taken")
    };
    assert!(effects.link.ready);
    pair.flush();
    assert_eq!((pair.made, pair.status()), (1, &LinkStatus::Linked));
    pair.is_at_rest();
    // The same with a write under way.
    let mut flying = with_policy(DeletePolicy::Unlink);
    flying.posts(&[("name", text("P"))], None);
    let Prepared::Send { write, .. } = flying.prepare() else {
        panic!("nothing to send")
    };
    flying.posted(PartnerNewsKind::Delete, None);
    let salesforce_id = flying.carry_out(&write);
    let target = flying.target();
    flying.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(*flying.status(), LinkStatus::Unlinked);
    assert_eq!(
        (flying.outgoing().pending, &flying.outgoing().in_flight),
        (false, &None)
    );
}

#[test]
fn an_undelete_finds_its_record_again_or_makes_it_anew() {
    // Nothing was sent yet.
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.posted(PartnerNewsKind::Undelete, None);
    assert_eq!(pair.flush(), 0);
    assert_eq!((pair.record().presence, pair.made), (Presence::Live, 1));
    assert_eq!(
        pair.posted(PartnerNewsKind::Undelete, None),
        PartnerDecision::Unchanged
    );
    pair.is_at_rest();
    // The delete is under way.
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posted(PartnerNewsKind::Delete, None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    pair.posted(PartnerNewsKind::Undelete, None);
    let salesforce_id = pair.carry_out(&write);
    let target = pair.target();
    pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
    assert_eq!(
        (pair.status(), pair.outgoing().generation),
        (&LinkStatus::Creating, 1)
    );
    assert_eq!(pair.tombstones[0].salesforce_id, Some(salesforce_id));
    pair.remote = None;
    assert_eq!(pair.flush(), 1);
    assert_eq!(pair.names(), both("A"));
    // The delete was carried out.
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.flush();
    let old = pair.link.clone().unwrap();
    pair.posted(PartnerNewsKind::Undelete, None);
    let [tombstone] = &pair.tombstones[..] else {
        panic!("{:?}", pair.tombstones)
    };
    assert_eq!(
        (tombstone.existing, &tombstone.status),
        (None, &LinkStatus::Deleted)
    );
    assert_eq!(
        (tombstone.salesforce_id, tombstone.version),
        (old.salesforce_id, old.version)
    );
    let link = pair.link.as_ref().unwrap();
    assert_eq!((link.salesforce_id, &link.status), (None, &LinkStatus::Creating));
    assert_eq!(
        (link.version, &link.agreed),
        (SalesforceVersion::NEVER, &Agreed::default())
    );
    assert!(link.outgoing.pending);
    pair.remote = None;
    assert_eq!(pair.flush(), 1);
    assert_eq!((pair.made, pair.names()), (2, both("A")));
    assert_eq!(
        pair.remote.as_ref().unwrap().external_id.as_deref(),
        Some("cw-1-7-1")
    );
    pair.is_at_rest();
}

#[test]
fn what_salesforce_deleted_cannot_be_undeleted_by_the_partner() {
    let mut pair = Pair::under(R::MostRecent);
    pair.delete_remote();
    pair.hear();
    assert_eq!(pair.record().fields, Fields::new());
    assert_eq!(
        codes(&pair.refused(PartnerNewsKind::Undelete)),
        [RefusalCode::Deleted]
    );
    assert_eq!(
        codes(&pair.refused(upsert(&[("name", text("B"))]))),
        [RefusalCode::Deleted]
    );
    // But by Salesforce.
    let remote = pair.remote.as_mut().unwrap();
    (remote.deleted, remote.stamp) = (false, 300);
    pair.clock = 310;
    pair.hear();
    assert_eq!(
        (pair.names(), pair.record().presence),
        (both("A"), Presence::Live)
    );
    pair.is_at_rest();
}

#[test]
fn what_the_partner_deleted_and_salesforce_brought_back_is_salesforces() {
    let mut pair = Pair::under(R::Partner);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.flush();
    let remote = pair.remote.as_mut().unwrap();
    (remote.deleted, remote.stamp) = (false, 300);
    remote.fields.insert("LastName".to_owned(), text("S"));
    pair.clock = 310;
    let Decision::Apply(effects) = pair.hear() else {
        panic!("not heard")
    };
    assert_eq!(effects.outcome, Outcome::Restored);
    assert_eq!((pair.names(), pair.sent), (both("S"), 1));
    pair.is_at_rest();
}

#[test]
fn a_delete_in_salesforce_is_found_before_a_write() {
    for (policy, status, presence) in [
        (DeletePolicy::Delete, LinkStatus::Deleted, Presence::Deleted),
        (DeletePolicy::Archive, LinkStatus::Deleted, Presence::Archived),
        (DeletePolicy::Unlink, LinkStatus::Deleted, Presence::Live),
        (
            DeletePolicy::Ask,
            LinkStatus::Held {
                reason: HeldReason::DeleteAsked,
            },
            Presence::Live,
        ),
    ] {
        let mut pair = Pair::under(R::Partner);
        pair.plan.delete_policy = policy;
        pair.posts(&[("name", text("P"))], None);
        pair.delete_remote();
        assert!(matches!(pair.prepare(), Prepared::Effects(_)));
        assert_eq!(
            (pair.status(), pair.record().presence),
            (&status, presence),
            "{policy:?}"
        );
        assert!(!pair.outgoing().pending);
        assert_eq!(
            pair.link.as_ref().unwrap().version.modstamp,
            at(pair.remote.as_ref().unwrap().stamp)
        );
        match presence {
            Presence::Archived => {
                assert_eq!(
                    codes(&pair.refused(upsert(&[("name", text("B"))]))),
                    [RefusalCode::Deleted]
                );
            }
            Presence::Live => {
                // It goes on by itself; nothing is sent.
                pair.posts(&[("name", text("Q"))], None);
                assert_eq!((pair.outgoing().pending, pair.status()), (false, &status));
                assert_eq!(pair.record().fields["name"], text("Q"));
                pair.posted(PartnerNewsKind::Delete, None);
                assert_eq!(*pair.status(), LinkStatus::Deleted);
            }
            Presence::Deleted => {}
        }
    }
}

#[test]
fn an_archived_record_may_be_made_anew() {
    let mut pair = Pair::under(R::Partner);
    pair.plan.delete_policy = DeletePolicy::Archive;
    pair.delete_remote();
    pair.hear();
    pair.posted(PartnerNewsKind::Undelete, None);
    assert_eq!((pair.tombstones.len(), pair.status()), (1, &LinkStatus::Creating));
    pair.remote = None;
    pair.flush();
    assert_eq!((pair.made, pair.names()), (2, both("A")));
}

#[test]
fn a_partners_delete_from_before_the_newest_edit_changes_nothing() {
    let mut pair = with_policy(DeletePolicy::Delete);
    pair.posts(&[("name", text("P"))], Some(101));
    pair.flush();
    // Salesforce's record was written since, by the gateway itself: that was no edit.
    assert!(pair.link.as_ref().unwrap().version.modstamp > at(101));
    let before = (pair.link.clone(), pair.record.clone());
    assert_eq!(
        pair.posted(PartnerNewsKind::Delete, Some(100)),
        PartnerDecision::Outdated { newest: at(101) }
    );
    assert_eq!((pair.link.clone(), pair.record.clone()), before);
    for stated in [Some(101), None] {
        let mut pair = pair.clone();
        let decision = pair.posted(PartnerNewsKind::Delete, stated);
        assert!(matches!(decision, PartnerDecision::Apply(_)), "{decision:?}");
        assert_eq!(pair.record().presence, Presence::Deleted);
    }
}
