//! Writes that were refused, or of which nobody knows how they ended.

use super::*;
use crate::decide::write::row_outcome;
use crate::failure::{Failure, StoreTrouble};
use SyncRule as R;

/// A write is in flight: the partner's `P` over `A`.
pub(super) fn flying(rule: SyncRule) -> (Pair, SalesforceWrite) {
    let mut pair = Pair::under(rule);
    pair.posts(&[("name", text("P"))], None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    (pair, write)
}

/// A create is in flight.
fn creating() -> (Pair, SalesforceWrite) {
    let mut pair = Pair::new(&two_way(ruled(R::Partner)));
    pair.posts(&[("name", text("N"))], None);
    let Prepared::Send {
        write, salesforce_id, ..
    } = pair.prepare()
    else {
        panic!("nothing to send")
    };
    assert_eq!((write.kind, salesforce_id), (WriteKind::Create, None));
    (pair, write)
}

pub(super) fn lost_answer(pair: &mut Pair) {
    let before = pair.link.clone();
    pair.settle(&WriteOutcome::Unknown, None);
    assert_eq!(pair.link, before, "without a reading it stays unknown");
    let target = pair.target();
    pair.settle(&WriteOutcome::Unknown, Some(&target));
}

#[test]
fn an_update_of_unknown_outcome_is_known_by_what_salesforce_holds() {
    // Not stored.
    let (mut pair, _) = flying(R::Partner);
    lost_answer(&mut pair);
    assert!(pair.outgoing().pending && pair.outgoing().in_flight.is_none());
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("A"), text("A"))));
    assert_eq!(pair.flush(), 1);
    // Stored.
    for stores in [
        |_: &str, value| value,
        |_: &str, value| match value {
            FieldValue::Text(text) => FieldValue::Text(format!("{text} ")),
            other => other,
        },
    ] {
        let (mut pair, write) = flying(R::Partner);
        pair.stores = stores;
        pair.carry_out(&write);
        lost_answer(&mut pair);
        assert!(!pair.outgoing().pending);
        assert_eq!(pair.agreed(1).unwrap().salesforce, stores("LastName", text("P")));
        pair.is_at_rest();
    }
    // Stored, and changed by a Flow.
    let (mut pair, write) = flying(R::Partner);
    pair.stores = |_, _| text("F");
    pair.carry_out(&write);
    lost_answer(&mut pair);
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("F"), text("P"))));
    assert_eq!(pair.history.last().unwrap().cause, ChangeCause::StoredOtherwise);
    pair.is_at_rest();
    // Edited by somebody else, whether it was stored before or not.
    let (mut pair, _) = flying(R::Partner);
    pair.edit("LastName", text("S"));
    lost_answer(&mut pair);
    assert_eq!(pair.agreed(1), Some(&AgreedPair::new(text("A"), text("A"))));
    assert_eq!(pair.flush(), 1);
    assert_eq!(
        (pair.names(), pair.lost()),
        (both("P"), vec![(Side::Salesforce, text("S"))])
    );
}

#[test]
fn an_overwrite_of_unknown_outcome_knows_what_it_replaced() {
    let mut pair = Pair::under(R::Partner);
    pair.edit("LastName", text("S"));
    pair.hear();
    let Prepared::Send { .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    // Somebody's other edit by the gateway's user's hand left the stamp on the record, but the value is as it was.
    pair.remote.as_mut().unwrap().by_gateway = true;
    lost_answer(&mut pair);
    assert!(pair.outgoing().pending);
    assert_eq!(pair.outgoing().overruled, [(FieldId(1), text("S"))].into());
    assert_eq!(pair.flush(), 1);
    assert_eq!((pair.names(), pair.lost().len()), (both("A"), 1));
}

#[test]
fn a_create_of_unknown_outcome_is_found_by_its_external_id() {
    let (mut pair, _) = creating();
    lost_answer(&mut pair);
    assert_eq!(*pair.status(), LinkStatus::Creating);
    assert_eq!(pair.flush(), 1);

    let (mut pair, write) = creating();
    let id = pair.carry_out(&write);
    lost_answer(&mut pair);
    assert_eq!(*pair.status(), LinkStatus::Linked);
    assert_eq!(pair.link.as_ref().unwrap().salesforce_id, Some(id));
    assert_eq!((pair.made, pair.names()), (1, both("N")));
    pair.is_at_rest();
    // Another record with the same identity is not the one that was made; it is taken for it all the same.
    let (mut pair, _) = creating();
    pair.made_in_salesforce(&[("LastName", text("S"))]);
    lost_answer(&mut pair);
    assert_eq!(
        (pair.status(), pair.link.as_ref().unwrap().salesforce_id),
        (&LinkStatus::Creating, None)
    );
    assert_eq!(pair.flush(), 1);
    assert_eq!((pair.made, pair.names()), (1, both("N")));
    // Objects without an external id are found by their identity alone.
    let (mut pair, write) = creating();
    pair.plan.external_id = None;
    pair.carry_out(&write);
    pair.remote.as_mut().unwrap().external_id = None;
    lost_answer(&mut pair);
    assert_eq!(*pair.status(), LinkStatus::Linked);
}

#[test]
fn a_record_deleted_before_its_create_was_settled_is_not_made_again() {
    for heard in [true, false] {
        let (mut pair, write) = creating();
        let salesforce_id = pair.carry_out(&write);
        pair.delete_remote();
        let target = pair.target();
        let (outcome, other) = if heard {
            let tombstone = LinkState {
                id: LinkId(4),
                salesforce_id: Some(salesforce_id),
                record: None,
                status: LinkStatus::Deleted,
                version: pair.version(),
                revision: 2,
                outgoing: Outgoing::default(),
                ..pair.link.clone().unwrap()
            };
            (WriteOutcome::Stored { salesforce_id }, Some(tombstone))
        } else {
            (WriteOutcome::Unknown, None)
        };
        let read = (!heard).then_some(&target);
        let settled = settle(pair.known(), other.as_ref(), &outcome, read, pair.now());
        let effects = settled.effects.unwrap();
        let absorbed = other.as_ref().map(known::reference);
        assert_eq!(effects.link.absorb, absorbed);
        assert_eq!(
            (effects.outcome, &effects.link.status),
            (Outcome::Deleted, &LinkStatus::Deleted)
        );
        assert_eq!(effects.link.salesforce_id, Some(salesforce_id));
        assert_eq!(
            effects.link.version.modstamp,
            at(pair.remote.as_ref().unwrap().stamp)
        );
        pair.write(&effects);
        assert_eq!(pair.record().presence, Presence::Deleted);
        assert_eq!(pair.prepare(), Prepared::Nothing);
        assert_eq!(pair.made, 1);
    }
}

#[test]
fn a_create_whose_record_was_brought_back_meanwhile_lives() {
    let (mut pair, write) = creating();
    let salesforce_id = pair.carry_out(&write);
    let tombstone = LinkState {
        id: LinkId(4),
        salesforce_id: Some(salesforce_id),
        record: None,
        status: LinkStatus::Deleted,
        version: pair.version(),
        ..pair.link.clone().unwrap()
    };
    pair.edit("Phone", text("2"));
    let target = pair.target();
    let outcome = WriteOutcome::Stored { salesforce_id };
    let settled = settle(
        pair.known(),
        Some(&tombstone),
        &outcome,
        Some(&target),
        pair.now(),
    );
    let effects = settled.effects.unwrap();
    assert_eq!(
        (&effects.link.status, effects.link.absorb.is_some()),
        (&LinkStatus::Linked, true)
    );
}

#[test]
fn two_partner_records_of_one_salesforce_record_wait_for_a_person() {
    let (mut pair, write) = creating();
    let salesforce_id = pair.carry_out(&write);
    let other = LinkState {
        id: LinkId(4),
        salesforce_id: Some(salesforce_id),
        record: Some(RecordId(8)),
        ..pair.link.clone().unwrap()
    };
    let reason = |pair: &Pair| HeldReason::Ambiguous {
        identity: pair.remote.as_ref().unwrap().id.to_string(),
        candidates: vec![salesforce_id],
    };
    let target = pair.target();
    let outcome = WriteOutcome::Stored { salesforce_id };
    let effects = settle(pair.known(), Some(&other), &outcome, Some(&target), pair.now())
        .effects
        .unwrap();
    assert_eq!(
        effects.link.status,
        LinkStatus::Held {
            reason: reason(&pair)
        }
    );
    assert_eq!((effects.link.salesforce_id, effects.link.absorb), (None, None));
    assert_eq!(effects.link.outgoing.in_flight, None);
    // The same where the record was found before it was made.
    let mut early = pair.clone();
    early.link.as_mut().unwrap().outgoing.in_flight = None;
    let Prepared::Effects(effects) = prepare(early.known(), Some(&other), &target, early.now(), early.now())
    else {
        panic!("sent")
    };
    assert_eq!(
        effects.link.status,
        LinkStatus::Held {
            reason: reason(&pair)
        }
    );
    assert_eq!(effects.link.salesforce_id, None);
    // And where the record was made for another partner record.
    early.remote.as_mut().unwrap().external_id = Some("cw-1-8".to_owned());
    let Prepared::Effects(effects) = early.prepare() else {
        panic!("sent")
    };
    assert_eq!(
        effects.link.status,
        LinkStatus::Held {
            reason: reason(&pair)
        }
    );
    let Prepared::Nothing = early.prepare() else {
        panic!("looked again")
    };
    // Several candidates at once.
    early.link.as_mut().unwrap().status = LinkStatus::Creating;
    let candidates = vec![salesforce_id, user(1)];
    let Prepared::Effects(effects) = prepare(
        early.known(),
        None,
        &Target::Ambiguous(candidates.clone()),
        early.now(),
        early.now(),
    ) else {
        panic!("sent")
    };
    assert!(
        matches!(&effects.link.status, LinkStatus::Held { reason: HeldReason::Ambiguous { candidates: found, .. } } if *found == candidates)
    );
}

#[test]
fn a_refused_write_waits_for_an_edit_or_a_person() {
    let refusal = WriteOutcome::Refused {
        code: "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        message: "no P".to_owned(),
        fields: vec!["LastName".to_owned()],
        advice: "mend it".to_owned(),
    };
    let (mut pair, _) = flying(R::Partner);
    pair.settle(&refusal, None);
    let LinkStatus::Held {
        reason:
            HeldReason::Refused {
                code,
                message,
                fields,
                advice,
            },
    } = pair.status()
    else {
        panic!("{:?}", pair.status())
    };
    assert_eq!(
        (
            code.as_str(),
            message.as_str(),
            fields.as_slice(),
            advice.as_str()
        ),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "no P",
            &["LastName".to_owned()][..],
            "mend it"
        )
    );
    assert!(pair.outgoing().pending && pair.outgoing().in_flight.is_none());
    assert_eq!(
        pair.hear(),
        Decision::Drop(DropReason::Unchanged),
        "the same record would be refused again"
    );
    let mut retried = pair.clone();
    let effects = person::retry(retried.known(), retried.now()).unwrap();
    retried.write(&effects);
    assert_eq!(retried.flush(), 1);
    let mut edited = pair.clone();
    edited.edit("Phone", text("2"));
    let Decision::Apply(effects) = edited.hear() else {
        panic!("not heard")
    };
    assert!(effects.link.ready);
    assert_eq!(edited.flush(), 1);
    pair.posts(&[("name", text("Q"))], None);
    assert_eq!(*pair.status(), LinkStatus::Linked);
    assert_eq!(pair.flush(), 1);
    assert_eq!(pair.names(), both("Q"));
    // What the partner replaced meanwhile is not held.
    let (mut pair, _) = flying(R::Partner);
    pair.posts(&[("name", text("Q"))], None);
    pair.settle(&refusal, None);
    assert_eq!(*pair.status(), LinkStatus::Linked);
    // Nor is a record that the partner deleted meanwhile.
    let (mut pair, _) = flying(R::Partner);
    pair.posted(PartnerNewsKind::Delete, None);
    pair.settle(&refusal, None);
    assert_eq!(
        (pair.status(), pair.outgoing().pending),
        (&LinkStatus::Linked, true)
    );
    let (mut pair, _) = creating();
    pair.settle(&refusal, None);
    pair.posts(&[("name", text("Q"))], None);
    assert_eq!(*pair.status(), LinkStatus::Creating);
}

#[test]
fn what_a_rows_error_means() {
    let error = |code: &str, message: &str| Failure::Salesforce {
        status: 400,
        code: code.to_owned(),
        message: message.to_owned(),
    };
    for code in [
        "UNABLE_TO_LOCK_ROW",
        "REQUEST_LIMIT_EXCEEDED",
        "ENTITY_IS_DELETED",
        "INVALID_SESSION_ID",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "QUERY_TIMEOUT",
    ] {
        assert_eq!(row_outcome(&error(code, "")), WriteOutcome::NotNow, "{code}");
    }
    for failure in [
        Failure::NoAnswer {
            message: String::new(),
        },
        Failure::Unreadable {
            message: String::new(),
        },
        Failure::Salesforce {
            status: 503,
            code: String::new(),
            message: String::new(),
        },
    ] {
        assert_eq!(row_outcome(&failure), WriteOutcome::Unknown);
    }
    for (code, message, fields) in [
        (
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName, Company]",
            &["LastName", "Company"][..],
        ),
        (
            "DUPLICATE_VALUE",
            "duplicate value found: X__c duplicates value on record with id: 003",
            &[],
        ),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "[ask sales!]", &[]),
        ("SOMETHING_NEW", "no [", &[]),
    ] {
        let WriteOutcome::Refused {
            code: told,
            message: said,
            fields: named,
            advice,
        } = row_outcome(&error(code, message))
        else {
            panic!("{code} was not refused")
        };
        assert_eq!((told.as_str(), said.as_str()), (code, message));
        assert_eq!(named, fields);
        assert!(!advice.is_empty());
    }
    let defect = Failure::Store {
        message: "broken".to_owned(),
        trouble: StoreTrouble::Broken,
    };
    assert!(matches!(row_outcome(&defect), WriteOutcome::Refused { message, .. } if message == "broken"));
}

#[test]
fn a_record_out_of_sight_waits_and_goes_on_once_it_is_seen() {
    let mut pair = Pair::under(R::Partner);
    pair.posts(&[("name", text("P"))], None);
    for target in [Target::OutOfSight, Target::Missing] {
        let Prepared::Effects(effects) = prepare(pair.known(), None, &target, pair.now(), pair.now()) else {
            panic!("sent")
        };
        assert_eq!(
            effects.link.status,
            LinkStatus::Held {
                reason: HeldReason::OutOfSight
            }
        );
        let mut pair = pair.clone();
        pair.write(&effects);
        pair.tick();
        pair.hear();
        assert_eq!(*pair.status(), LinkStatus::Linked);
        pair.flush();
        assert_eq!(pair.names(), both("P"));
    }
    let nothing = Known {
        link: None,
        ..pair.known()
    };
    assert_eq!(
        prepare(nothing, None, &Target::Missing, pair.now(), pair.now()),
        Prepared::Nothing
    );
    let outcome = WriteOutcome::NotNow;
    assert_eq!(
        settle(pair.known(), None, &outcome, None, pair.now()),
        write::Settled::default()
    );
}
