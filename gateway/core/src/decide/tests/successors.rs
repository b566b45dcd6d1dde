//! Records that are merged and converted.

use super::*;
use SyncRule as R;

#[test]
fn a_merge_leads_to_the_record_that_survived() {
    let into = user(5);
    let mut pair = Pair::under(R::Partner);
    pair.plan.mergeable = true;
    pair.posts(&[("name", text("P"))], None);
    pair.delete_remote();
    let news = |merged| Incoming::Deleted {
        salesforce_id: pair.remote.as_ref().unwrap().id,
        version: pair.version(),
        merged,
        external_id: None,
    };
    let (unknown, merged) = (news(MergedInto::Unknown), news(MergedInto::Record(into)));
    let restored = Incoming::Present(Snapshot {
        version: SalesforceVersion {
            modstamp: at(900),
            observed: at(901),
        },
        ..pair.snapshot()
    });
    assert_eq!(pair.hears(&unknown), Decision::ReadAgain);
    let Decision::Apply(effects) = pair.hears(&merged) else {
        panic!("not heard")
    };
    assert_eq!(
        (effects.outcome, &effects.link.status),
        (Outcome::Relinked, &LinkStatus::Merged { into })
    );
    assert_eq!(effects.history[0].cause, ChangeCause::Merged);
    assert_eq!(
        (pair.record().presence, pair.record().successor),
        (Presence::Deleted, Some(into))
    );
    assert_eq!((pair.outgoing().pending, pair.record().fields.len()), (false, 0));
    assert_eq!(
        codes(&pair.refused(upsert(&[("name", text("B"))]))),
        [RefusalCode::Moved]
    );
    assert_eq!(
        codes(&pair.refused(PartnerNewsKind::Delete)),
        [RefusalCode::Moved]
    );
    assert_eq!(pair.hears(&merged), Decision::Drop(DropReason::Tombstoned));
    // It may have been undeleted within the second of the merge.
    assert_eq!(
        pair.hears(&Incoming::Present(pair.snapshot())),
        Decision::ReadAgain
    );
    pair.clock = 950;
    let Decision::Apply(effects) = pair.hears(&restored) else {
        panic!("not heard")
    };
    assert_eq!(
        (effects.outcome, effects.link.status),
        (Outcome::Restored, LinkStatus::Linked)
    );
    assert_eq!(pair.record().successor, None);
    // A record that nobody has needs no look at what it was merged into.
    let mut unknown_here = Pair::under(R::Partner);
    unknown_here.plan.mergeable = true;
    (unknown_here.link, unknown_here.record) = (None, None);
    assert!(matches!(unknown_here.hears(&unknown), Decision::Apply(_)));
    // A merge that is found before a write.
    let mut found = Pair::under(R::Partner);
    found.posts(&[("name", text("P"))], None);
    let target = Target::Deleted {
        salesforce_id: found.remote.as_ref().unwrap().id,
        version: SalesforceVersion {
            modstamp: at(500),
            observed: at(501),
        },
        merged: MergedInto::Record(into),
    };
    let Prepared::Effects(effects) = prepare(found.known(), None, &target, found.now(), found.now()) else {
        panic!("sent")
    };
    assert_eq!(effects.link.status, LinkStatus::Merged { into });
    // A record that the partner deleted itself has no successor.
    found.posted(PartnerNewsKind::Delete, None);
    let Prepared::Effects(effects) = prepare(found.known(), None, &target, found.now(), found.now()) else {
        panic!("sent")
    };
    assert_eq!((effects.link.status, effects.record), (LinkStatus::Deleted, None));
}

#[test]
fn a_converted_lead_leads_to_what_it_became() {
    let (contact, account) = (Some(user(3)), Some(user(4)));
    for (to, successor) in [
        (
            Converted {
                contact,
                account,
                opportunity: None,
            },
            contact,
        ),
        (
            Converted {
                contact: None,
                account,
                opportunity: None,
            },
            account,
        ),
    ] {
        let mut pair = Pair::under(R::MostRecent);
        pair.plan.convertible = true;
        pair.posts(&[("name", text("P"))], None);
        pair.edit("Phone", text("2"));
        let snapshot = Snapshot {
            converted: Some(to),
            ..pair.snapshot()
        };
        let mut found = pair.clone();
        let Decision::Apply(effects) = pair.hears(&Incoming::Present(snapshot.clone())) else {
            panic!("not heard")
        };
        assert_eq!(
            (effects.outcome, &effects.link.status),
            (Outcome::Relinked, &LinkStatus::Converted { to })
        );
        assert_eq!(
            (pair.record().presence, pair.record().successor),
            (Presence::Archived, successor)
        );
        assert_eq!(pair.record().fields["name"], text("P"));
        assert!(!pair.outgoing().pending);
        let change = effects.history.last().unwrap();
        assert_eq!(
            (change.cause, &change.partner_after),
            (ChangeCause::Converted, &Some(text("1")))
        );
        assert_eq!(change.salesforce_after, Some(text("1")));
        assert_eq!(
            codes(&pair.refused(upsert(&[("name", text("B"))]))),
            [RefusalCode::Moved]
        );
        pair.edit("LastName", text("S"));
        assert_eq!(pair.hear(), Decision::Drop(DropReason::Tombstoned));
        // Found before a write, and after one.
        let target = Target::Present(snapshot);
        let Prepared::Effects(effects) = prepare(found.known(), None, &target, found.now(), found.now())
        else {
            panic!("sent")
        };
        assert_eq!(effects.link.status, LinkStatus::Converted { to });
        let Prepared::Send { .. } = found.prepare() else {
            panic!("nothing to send")
        };
        let salesforce_id = found.remote.as_ref().unwrap().id;
        found.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
        assert_eq!(*found.status(), LinkStatus::Converted { to });
    }
    let mut never = Pair::new(&two_way(ruled(R::Salesforce)));
    never.made_in_salesforce(&[]);
    let snapshot = Snapshot {
        converted: Some(Converted::default()),
        ..never.snapshot()
    };
    let Decision::Apply(effects) = never.hears(&Incoming::Present(snapshot)) else {
        panic!("not heard")
    };
    assert_eq!((effects.record, effects.history.len()), (None, 0));
}
