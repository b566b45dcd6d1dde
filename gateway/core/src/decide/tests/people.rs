//! What a person asks for, and what a partner is refused.

use super::*;
use crate::decide::partner::{PostedFields, read_fields};
use crate::mapping::sample::document;
use SyncRule as R;

#[test]
fn a_value_that_lost_is_brought_back_on_both_sides() {
    for rule in RULES {
        let mut pair = Pair::under(rule);
        let lost = Lost {
            side: Side::Salesforce,
            value: text("S"),
        };
        let effects = person::restore(pair.known(), FieldId(1), &lost, at(140)).unwrap();
        assert!(effects.link.ready);
        assert_eq!(
            effects.history,
            [FieldChange {
                field: FieldId(1),
                salesforce_before: Some(text("A")),
                salesforce_after: Some(text("A")),
                partner_before: Some(text("A")),
                partner_after: Some(text("S")),
                cause: ChangeCause::Restored,
                lost: Some(Lost {
                    side: Side::Partner,
                    value: text("A")
                }),
            }]
        );
        pair.write(&effects);
        assert_eq!(pair.record().times[&FieldId(1)], at(140));
        assert_eq!((pair.flush(), pair.names()), (1, both("S")), "{rule:?}");
        pair.is_at_rest();
        let owner = Lost {
            side: Side::Salesforce,
            value: FieldValue::Reference(user(2)),
        };
        let effects = person::restore(pair.known(), FieldId::OWNER, &owner, at(150)).unwrap();
        pair.write(&effects);
        pair.flush();
        assert_eq!(
            (pair.remote.as_ref().unwrap().owner, pair.record().owner.as_str()),
            (user(2), "u-2")
        );
        pair.is_at_rest();
        let same = Lost {
            side: Side::Partner,
            value: text("S"),
        };
        let effects = person::restore(pair.known(), FieldId(1), &same, at(160)).unwrap();
        assert_eq!(effects.history[0].lost, None);
    }
}

#[test]
fn a_value_is_brought_back_over_one_that_is_on_its_way_out() {
    let mut pair = Pair::under(R::Partner);
    pair.edit("LastName", text("S"));
    pair.hear();
    let lost = Lost {
        side: Side::Salesforce,
        value: text("S"),
    };
    let effects = person::restore(pair.known(), FieldId(1), &lost, at(140)).unwrap();
    assert_eq!(effects.link.outgoing.overruled, [(FieldId(1), text("S"))].into());
    pair.write(&effects);
    assert_eq!((pair.flush(), pair.names()), (0, both("S")));
    pair.is_at_rest();
}

#[test]
fn what_cannot_be_brought_back_is_refused() {
    let mut source = field("source", PartnerType::SingleChoice, "LeadSource");
    source.choices = crate::mapping::sample::choices(&[("Web", "online"), ("Secret", "")]);
    let mut fields = ruled(R::Partner);
    fields.extend([source, field("score", PartnerType::Number, "Formula__c")]);
    fields[1].required = true;
    let mut pair = Pair::new(&two_way(fields));
    pair.made_in_salesforce(&[
        ("LastName", text("A")),
        ("Phone", text("1")),
        ("LeadSource", text("Web")),
    ]);
    pair.hear();
    let restore = |pair: &Pair, id: u32, side: Side, value: FieldValue| {
        person::restore(pair.known(), FieldId(id), &Lost { side, value }, pair.now())
            .unwrap_err()
            .code
    };
    let number = FieldValue::Number(1.into());
    assert_eq!(
        restore(&pair, 2, Side::Partner, FieldValue::Null),
        RefusalCode::ValueDoesNotFit
    );
    assert_eq!(
        restore(&pair, 3, Side::Salesforce, text("Secret")),
        RefusalCode::ValueDoesNotFit
    );
    assert_eq!(
        restore(&pair, 3, Side::Salesforce, text("Radio")),
        RefusalCode::ValueDoesNotFit
    );
    assert_eq!(
        restore(&pair, 3, Side::Partner, text("heard")),
        RefusalCode::ValueDoesNotFit
    );
    assert_eq!(
        restore(&pair, 4, Side::Partner, number),
        RefusalCode::ValueDoesNotFit
    );
    assert_eq!(
        restore(&pair, 9, Side::Partner, text("x")),
        RefusalCode::UnknownField
    );
    let mut held = pair.clone();
    held.link.as_mut().unwrap().status = LinkStatus::Held {
        reason: HeldReason::OutOfSight,
    };
    assert_eq!(restore(&held, 1, Side::Partner, text("x")), RefusalCode::TryAgain);
    let mut one_way = pair.clone();
    one_way.plan.direction = Direction::SalesforceToPartner;
    assert_eq!(
        restore(&one_way, 1, Side::Partner, text("x")),
        RefusalCode::OneWay
    );
    pair.delete_remote();
    pair.hear();
    assert_eq!(restore(&pair, 1, Side::Partner, text("x")), RefusalCode::Deleted);
    let nobody = Known {
        link: None,
        record: None,
        ..pair.known()
    };
    let lost = Lost {
        side: Side::Partner,
        value: text("x"),
    };
    assert_eq!(
        person::restore(nobody, FieldId(1), &lost, at(1))
            .unwrap_err()
            .code,
        RefusalCode::Deleted
    );
}

#[test]
fn what_does_not_sync_is_agreed_on_by_nobody_or_belonged_to_nobody_is_not_brought_back() {
    let refused = |pair: &Pair, field: FieldId, side: Side, value: FieldValue| {
        let refusal = person::restore(pair.known(), field, &Lost { side, value }, pair.now()).unwrap_err();
        (refusal.field.unwrap(), refusal.code)
    };
    let name = |code| ("name".to_owned(), code);
    let owner = |code| ("owner".to_owned(), code);
    let user = |number| FieldValue::Reference(user(number));
    let mut pair = Pair::under(R::MostRecent);
    let restored = |pair: &Pair| {
        let lost = Lost {
            side: Side::Partner,
            value: text("x"),
        };
        person::restore(pair.known(), FieldId(1), &lost, pair.now()).is_ok()
    };
    assert!(restored(&pair));
    assert_eq!(
        refused(&pair, FieldId::OWNER, Side::Salesforce, user(9)),
        owner(RefusalCode::ValueDoesNotFit)
    );
    let mut silent = pair.clone();
    silent.plan.fields[0].rule = R::DoNotSync;
    silent.plan.owner_rule = R::DoNotSync;
    assert_eq!(
        refused(&silent, FieldId(1), Side::Partner, text("x")),
        name(RefusalCode::OneWay)
    );
    assert_eq!(
        refused(&silent, FieldId::OWNER, Side::Salesforce, user(2)),
        owner(RefusalCode::OneWay)
    );
    pair.link.as_mut().unwrap().agreed.0.clear();
    assert_eq!(
        refused(&pair, FieldId(1), Side::Partner, text("x")),
        name(RefusalCode::TryAgain)
    );
    assert_eq!(
        refused(&pair, FieldId::OWNER, Side::Salesforce, user(2)),
        owner(RefusalCode::TryAgain)
    );
}

#[test]
fn an_asked_delete_is_answered() {
    let asked = || {
        let mut pair = Pair::under(R::Partner);
        pair.plan.delete_policy = DeletePolicy::Ask;
        pair.delete_remote();
        pair.hear();
        pair
    };
    let mut too = asked();
    assert_eq!(person::retry(too.known(), too.now()), None);
    let effects = person::decide_delete(too.known(), true).unwrap();
    too.write(&effects);
    assert_eq!(
        (effects.outcome, too.status()),
        (Outcome::Deleted, &LinkStatus::Deleted)
    );
    assert_eq!(
        (too.record().presence, too.record().fields.len()),
        (Presence::Deleted, 0)
    );
    assert_eq!(effects.history.len(), 2);
    let mut kept = asked();
    let effects = person::decide_delete(kept.known(), false).unwrap();
    kept.write(&effects);
    assert_eq!(
        (effects.outcome, kept.status()),
        (Outcome::Deleted, &LinkStatus::Deleted)
    );
    assert_eq!(kept.names(), both("A"));
    assert_eq!(person::decide_delete(kept.known(), true), None);
}

#[test]
fn a_delete_of_the_partners_is_answered() {
    let asked = || {
        let mut pair = Pair::under(R::Partner);
        pair.plan.partner_delete_policy = DeletePolicy::Ask;
        pair.posted(PartnerNewsKind::Delete, None);
        let reason = HeldReason::PartnerDeleteAsked;
        assert_eq!(*pair.status(), LinkStatus::Held { reason });
        pair
    };
    let mut waiting = asked();
    assert_eq!(waiting.prepare(), Prepared::Nothing);
    waiting.edit("LastName", text("S"));
    assert_eq!(waiting.hear(), Decision::Drop(DropReason::Tombstoned));
    assert_eq!(person::retry(waiting.known(), waiting.now()), None);
    let effects = person::decide_delete(waiting.known(), true).unwrap();
    assert!(effects.link.ready);
    waiting.write(&effects);
    assert!(waiting.send().is_empty());
    assert_eq!(*waiting.status(), LinkStatus::Deleted);
    let mut kept = asked();
    let effects = person::decide_delete(kept.known(), false).unwrap();
    kept.write(&effects);
    assert_eq!(
        (kept.status(), kept.outgoing().pending),
        (&LinkStatus::Unlinked, false)
    );
    let mut back = asked();
    back.posted(PartnerNewsKind::Undelete, None);
    assert_eq!(*back.status(), LinkStatus::Linked);
    assert_eq!(back.flush(), 0);
    let mut gone = asked();
    gone.delete_remote();
    gone.hear();
    assert_eq!(*gone.status(), LinkStatus::Deleted);
}

#[test]
fn a_record_that_was_held_before_it_was_known_is_taken_up_again() {
    let mut fields = ruled(R::Salesforce);
    fields[0].required = true;
    let mut pair = Pair::new(&two_way(fields));
    pair.made_in_salesforce(&[]);
    pair.hear();
    assert!(matches!(
        pair.status(),
        LinkStatus::Held {
            reason: HeldReason::Conversion { .. }
        }
    ));
    pair.plan.fields[0].required = false;
    let effects = person::retry(pair.known(), pair.now()).unwrap();
    pair.write(&effects);
    let Prepared::Effects(effects) = pair.prepare() else {
        panic!("sent")
    };
    assert_eq!(
        (effects.outcome, effects.link.outgoing.pending),
        (Outcome::Created, false)
    );
    assert_eq!(person::retry(pair.known(), pair.now()), None);
    let nobody = Known {
        link: None,
        ..pair.known()
    };
    assert_eq!(person::retry(nobody, pair.now()), None);
    assert_eq!(person::decide_delete(nobody, true), None);
}

#[test]
fn values_that_salesforce_would_not_take_are_refused_at_the_door() {
    let mut level = field("level", PartnerType::SingleChoice, "Level__c");
    level.choices = crate::mapping::sample::choices(&[("Primary", "first")]);
    let mut fields = ruled(R::MostRecent);
    fields.push(level);
    fields[1].required = true;
    fields[0].max_length = Some(3);
    let mut still = field("still", PartnerType::Text, "FirstName");
    still.rule = R::DoNotSync;
    fields.push(still);
    let mut pair = Pair::new(&two_way(fields));
    pair.plan.fields[0].salesforce.nillable = false;
    pair.plan.fields[3].salesforce.length = 1;
    let refused = |pair: &mut Pair, kind| -> Vec<(Option<String>, RefusalCode)> {
        let refusals = pair.refused(kind);
        refusals
            .into_iter()
            .map(|refusal| (refusal.field, refusal.code))
            .collect()
    };
    let at = |field: &str, code| (Some(field.to_owned()), code);
    assert_eq!(
        refused(
            &mut pair,
            upsert(&[("level", text("second")), ("nobody", text("x"))])
        ),
        [
            at("level", RefusalCode::ValueDoesNotFit),
            at("nobody", RefusalCode::UnknownField),
            at("name", RefusalCode::Required),
            at("phone", RefusalCode::Required),
        ]
    );
    assert_eq!(
        pair.refused(PartnerNewsKind::Delete)[0].code,
        RefusalCode::NotFound
    );
    assert_eq!(
        pair.refused(PartnerNewsKind::Undelete)[0].code,
        RefusalCode::NotFound
    );
    let made = pair.posts(
        &[("name", text("N")), ("phone", text("1")), ("still", text("long"))],
        None,
    );
    assert!(matches!(made, PartnerDecision::Apply(_)), "{made:?}");
    for (kind, expected) in [
        (
            upsert(&[("name", FieldValue::Null)]),
            at("name", RefusalCode::Required),
        ),
        (
            upsert(&[("phone", text(" "))]),
            at("phone", RefusalCode::Required),
        ),
        (
            upsert(&[("name", text("four"))]),
            at("name", RefusalCode::ValueDoesNotFit),
        ),
        (
            upsert(&[("name", FieldValue::Boolean(true))]),
            at("name", RefusalCode::ValueDoesNotFit),
        ),
        (
            PartnerNewsKind::Upsert {
                fields: Fields::new(),
                owner: Some(" ".to_owned()),
            },
            at("owner", RefusalCode::Required),
        ),
    ] {
        let before = pair.record().clone();
        assert_eq!(refused(&mut pair, kind), [expected]);
        assert_eq!(*pair.record(), before, "nothing of it is kept");
    }
    pair.plan.fields[0].salesforce.defaulted_on_create = true;
    pair.plan.fields[1].required = false;
    (pair.link, pair.record) = (None, None);
    assert!(matches!(pair.posts(&[], None), PartnerDecision::Apply(_)));
    let mut one_way = Pair::new(&document(ruled(R::Salesforce)));
    assert_eq!(refused(&mut one_way, upsert(&[])), [(None, RefusalCode::OneWay)]);
}

#[test]
fn posted_fields_are_read_by_their_types() {
    let plan = check(&two_way(vec![
        field("name", PartnerType::Text, "LastName"),
        field("account", PartnerType::Reference, "AccountId"),
        field("budget", PartnerType::Currency, "Budget__c"),
    ]))
    .unwrap();
    let read = |json: &str| match serde_json::from_str(json).unwrap() {
        serde_json::Value::Object(posted) => read_fields(&plan, &posted),
        other => panic!("{other}"),
    };
    let posted = read(r#"{"name": "", "account": {"id": "17"}, "budget": 1100.04}"#).unwrap();
    let expected = PostedFields {
        fields: [
            ("name".to_owned(), text("")),
            (
                "budget".to_owned(),
                FieldValue::Number("1100.04".parse().unwrap()),
            ),
        ]
        .into(),
        references: [("account".to_owned(), RecordId(17))].into(),
    };
    assert_eq!(posted, expected);
    let waits = posted.clone().resolve(|id| Some(FieldValue::Record(id))).unwrap();
    assert_eq!(waits["account"], FieldValue::Record(RecordId(17)));
    let refusals = posted.resolve(|_| None).unwrap_err();
    assert_eq!(
        (refusals[0].field.as_deref(), refusals[0].code),
        (Some("account"), RefusalCode::NotFound)
    );
    let account = SalesforceId::parse("001000000000001").unwrap();
    let named = read(r#"{"account": {"salesforceId": "001000000000001"}}"#).unwrap();
    assert_eq!(named.fields["account"], FieldValue::Reference(account));
    assert_eq!(
        read(r#"{"account": null}"#).unwrap().fields["account"],
        FieldValue::Null
    );
    for (json, field, code) in [
        (r#"{"nam": "x"}"#, "nam", RefusalCode::UnknownField),
        (r#"{"name": 1}"#, "name", RefusalCode::WrongType),
        (r#"{"budget": "1"}"#, "budget", RefusalCode::WrongType),
        (
            r#"{"account": "001000000000001"}"#,
            "account",
            RefusalCode::WrongType,
        ),
        (r#"{"account": {"id": 17}}"#, "account", RefusalCode::WrongType),
        (r#"{"account": {"id": "x"}}"#, "account", RefusalCode::WrongType),
        (
            r#"{"account": {"salesforceId": "x"}}"#,
            "account",
            RefusalCode::WrongType,
        ),
        (
            r#"{"account": {"id": "1", "salesforceId": "001000000000001"}}"#,
            "account",
            RefusalCode::WrongType,
        ),
        (
            r#"{"account": {"other": "1"}}"#,
            "account",
            RefusalCode::WrongType,
        ),
        (r#"{"account": {}}"#, "account", RefusalCode::WrongType),
    ] {
        let refusals = read(json).unwrap_err();
        assert_eq!(
            (refusals.len(), refusals[0].field.as_deref(), refusals[0].code),
            (1, Some(field), code),
            "{json}"
        );
    }
    let refusal = &read(r#"{"nam": "x"}"#).unwrap_err()[0];
    assert!(refusal.to_string().starts_with("nam: "), "{refusal}");
    assert!(
        refusal.message.contains("`name`, `account`, `budget`"),
        "{refusal}"
    );
    assert_eq!(serde_json::to_value(refusal.code).unwrap(), "unknown-field");
}

#[test]
fn what_is_on_its_way_survives_being_stored() {
    let mut pair = Pair::under(R::Partner);
    pair.edit("LastName", text("S"));
    pair.hear();
    pair.prepare();
    let outgoing = pair.outgoing().clone();
    assert!(outgoing.in_flight.is_some() && outgoing.turns.is_some());
    let stored = serde_json::to_string(&outgoing).unwrap();
    assert_eq!(serde_json::from_str::<Outgoing>(&stored).unwrap(), outgoing);
    assert_eq!(serde_json::to_string(&Outgoing::default()).unwrap(), "{}");
    for reason in [
        HeldReason::PartnerDeleteAsked,
        HeldReason::Flipping { turns: 9 },
        HeldReason::OutOfSight,
        HeldReason::OutcomeUnknown,
        HeldReason::Ambiguous {
            identity: "ada".to_owned(),
            candidates: vec![user(1), user(2)],
        },
    ] {
        let stored = serde_json::to_string(&reason).unwrap();
        assert_eq!(serde_json::from_str::<HeldReason>(&stored).unwrap(), reason);
    }
    let alone = HeldReason::Ambiguous {
        identity: "ada".to_owned(),
        candidates: vec![user(1)],
    };
    assert!(
        alone
            .summary()
            .starts_with("several records carry \"ada\", among them 005000000000001AAA;"),
        "{}",
        alone.summary()
    );
    let ambiguous = HeldReason::Ambiguous {
        identity: "ada".to_owned(),
        candidates: vec![user(1), user(2)],
    };
    assert!(
        ambiguous
            .summary()
            .contains("2 Salesforce records (005000000000001AAA, 005000000000002AAA)")
    );
    assert!(
        HeldReason::Flipping { turns: 9 }
            .summary()
            .contains("in turn 9 times")
    );
    assert!(
        HeldReason::PartnerDeleteAsked
            .summary()
            .contains("deleted by the partner")
    );
    assert!(HeldReason::OutOfSight.summary().contains("access"));
    assert!(
        HeldReason::OutcomeUnknown
            .summary()
            .contains("look for it in Salesforce")
    );
}
