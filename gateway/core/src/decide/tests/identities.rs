//! What records are recognised by.

use super::*;
use SyncRule as R;

#[test]
fn identities_are_reserved_while_a_record_lives() {
    let mut document = two_way(ruled(R::MostRecent));
    document.identity = Some("name".to_owned());
    let value = |name: &str| vec![Identity::Value(name.to_owned())];
    let mut pair = Pair::new(&document);
    pair.made_in_salesforce(&[("LastName", text(" Ada"))]);
    let Decision::Apply(effects) = pair.hear() else {
        panic!("not heard")
    };
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (value("ada"), Vec::new())
    );
    pair.edit("LastName", text("ADA"));
    let Decision::Apply(effects) = pair.hear() else {
        panic!("not heard")
    };
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (Vec::new(), Vec::new())
    );
    let PartnerDecision::Apply(effects) = pair.posts(&[("name", text("Bob"))], None) else {
        panic!("not taken")
    };
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (value("bob"), value("ada"))
    );
    pair.flush();
    pair.edit("LastName", text("Cid"));
    pair.link.as_mut().unwrap().outgoing.pending = true;
    let Prepared::Effects(effects) = pair.prepare() else {
        panic!("sent")
    };
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (value("cid"), value("bob"))
    );
    // Taken by another link: it is not reserved, and the partner is refused.
    let holder = Some(Holder {
        link: LinkId(9),
        creating: false,
    });
    pair.edit("LastName", text("Dan"));
    let news = Incoming::Present(pair.snapshot());
    let known = Known {
        holder,
        ..pair.known()
    };
    let Decision::Apply(effects) = salesforce::decide(known, &news, pair.now()) else {
        panic!("not heard")
    };
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (Vec::new(), value("cid"))
    );
    assert_eq!(effects.link.status, LinkStatus::Linked);
    let fresh = Known {
        link: None,
        record: None,
        ..known
    };
    let Decision::Apply(effects) = salesforce::decide(fresh, &news, pair.now()) else {
        panic!("not heard")
    };
    let reason = HeldReason::Ambiguous {
        identity: "dan".to_owned(),
        candidates: vec![pair.remote.as_ref().unwrap().id],
    };
    assert_eq!(
        (effects.link.status, effects.record),
        (LinkStatus::Held { reason }, None)
    );
    let edit = |key: Option<&str>, name: &str| PartnerNews {
        kind: upsert(&[("name", text(name))]),
        stated: None,
        received: at(999),
        key: key.map(str::to_owned),
    };
    for (key, name, known) in [
        (None, "Eve", known),
        (Some("k"), "Cid", known),
        (None, "Cid", fresh),
    ] {
        let PartnerDecision::Refuse(refusals) = partner::decide(known, &edit(key, name)) else {
            panic!("taken")
        };
        assert_eq!(codes(&refusals), [RefusalCode::IdentityTaken]);
        assert!(refusals[0].message.contains("`name`"), "{}", refusals[0]);
    }
    assert!(matches!(
        partner::decide(known, &edit(None, "CID")),
        PartnerDecision::Apply(_)
    ));
    // Free again at the end, with the key where nothing is left to come back.
    let PartnerDecision::Apply(effects) = partner::decide(pair.known(), &edit(Some("k"), "Cid")) else {
        panic!("not taken")
    };
    assert_eq!(effects.link.reserve, [Identity::Key("k".to_owned())]);
    pair.write(&effects);
    assert_eq!(pair.record().key.as_deref(), Some("k"));
    let PartnerDecision::Apply(effects) = partner::decide(pair.known(), &edit(Some("l"), "Cid")) else {
        panic!("not taken")
    };
    assert_eq!(effects.link.release, [Identity::Key("k".to_owned())]);
    let mut deleted = pair.clone();
    deleted.delete_remote();
    let Decision::Apply(effects) = deleted.hear() else {
        panic!("not heard")
    };
    let all = vec![Identity::Key("k".to_owned()), Identity::Value("cid".to_owned())];
    assert_eq!(effects.link.release, all);
    assert_eq!(deleted.record().key, None);
    pair.posted(PartnerNewsKind::Delete, None);
    let Prepared::Send { write, .. } = pair.prepare() else {
        panic!("nothing to send")
    };
    let salesforce_id = pair.carry_out(&write);
    let outcome = WriteOutcome::Stored { salesforce_id };
    let effects = settle(pair.known(), None, &outcome, None, pair.now())
        .effects
        .unwrap();
    assert_eq!(effects.link.release, value("cid"));
    pair.write(&effects);
    let back = PartnerNews {
        kind: PartnerNewsKind::Undelete,
        ..edit(None, "")
    };
    let PartnerDecision::ApplyWithTombstone { effects, .. } = partner::decide(pair.known(), &back) else {
        panic!("not taken")
    };
    assert_eq!(effects.link.reserve, value("cid"));
    let PartnerDecision::Refuse(refusals) = partner::decide(
        Known {
            holder,
            ..pair.known()
        },
        &back,
    ) else {
        panic!("taken")
    };
    assert_eq!(codes(&refusals), [RefusalCode::IdentityTaken]);
}

#[test]
fn a_record_that_waits_to_be_made_is_recognised_in_salesforce() {
    let mut document = two_way(ruled(R::Partner));
    document.identity = Some("name".to_owned());
    let mut pair = Pair::new(&document);
    pair.posts(&[("name", text("N")), ("phone", text("9"))], None);
    pair.made_in_salesforce(&[("LastName", text("n")), ("Phone", text("1"))]);
    let mut flying = pair.clone();
    let Decision::Apply(effects) = pair.hear() else {
        panic!("not heard")
    };
    assert_eq!(
        (&effects.link.status, effects.outcome),
        (&LinkStatus::Linked, Outcome::Updated)
    );
    assert_eq!(effects.link.salesforce_id, Some(pair.remote.as_ref().unwrap().id));
    assert_eq!(pair.flush(), 1);
    assert_eq!(
        (pair.names(), &pair.record().fields["phone"]),
        (both("N"), &text("1"))
    );
    assert_eq!(pair.made, 1);
    // While its create is in flight, only the record that was made is its own.
    let remote = flying.remote.take();
    let Prepared::Send { .. } = flying.prepare() else {
        panic!("nothing to send")
    };
    flying.remote = remote;
    assert_eq!(flying.hear(), Decision::ReadAgain);
    flying.remote.as_mut().unwrap().external_id = Some("cw-1-7".to_owned());
    assert_eq!(flying.hear(), Decision::Drop(DropReason::InFlight));
    flying.remote.as_mut().unwrap().external_id = Some("cw-1-7-1".to_owned());
    assert_eq!(flying.hear(), Decision::ReadAgain);
    // A reading that does not tell the external id of an unknown record tells too little.
    let mut unknown = Pair::new(&document);
    unknown.made_in_salesforce(&[("LastName", text("x"))]);
    let mut snapshot = unknown.snapshot();
    snapshot.external_id = None;
    assert_eq!(
        unknown.hears(&Incoming::Present(snapshot.clone())),
        Decision::ReadAgain
    );
    unknown.plan.direction = Direction::SalesforceToPartner;
    assert!(matches!(
        unknown.hears(&Incoming::Present(snapshot)),
        Decision::Apply(_)
    ));
}

#[test]
fn the_identity_of_a_value_that_is_put_back_stays_reserved() {
    let mut document = two_way(ruled(R::Salesforce));
    document.identity = Some("name".to_owned());
    let mut pair = Pair::new(&document);
    pair.made_in_salesforce(&[("LastName", text("Ada"))]);
    pair.hear();
    let PartnerDecision::Apply(effects) = pair.posts(&[("name", text("Bob"))], None) else {
        panic!("not taken")
    };
    assert_eq!(pair.record().fields["name"], text("Ada"));
    assert_eq!(
        (effects.link.reserve, effects.link.release),
        (Vec::new(), Vec::new())
    );
}

#[test]
fn values_that_are_too_long_to_recognise_a_record_by_are_refused_from_the_partner_and_left_out_from_salesforce()
 {
    let mut document = two_way(ruled(R::MostRecent));
    document.identity = Some("name".to_owned());
    let long = text(&"n".repeat(Identity::LONGEST + 1));
    // As long as it looks, and longer once case no longer tells records apart.
    let folded = text(&"\u{130}".repeat(Identity::LONGEST));
    let mut pair = Pair::new(&document);
    for value in [&long, &folded] {
        assert!(Identity::of_value(value).is_none() && Identity::is_too_long(value));
        pair.plan.fields[0].salesforce.length = 1_000;
        let refusals = pair.refused(upsert(&[("name", value.clone())]));
        assert_eq!(codes(&refusals), [RefusalCode::ValueDoesNotFit]);
        assert_eq!(refusals[0].field.as_deref(), Some("name"));
        assert!(
            refusals[0].message.contains("at most 255 characters"),
            "{}",
            refusals[0]
        );
    }
    assert!(Identity::of_value(&text(&"n".repeat(Identity::LONGEST))).is_some());
    // Salesforce's is taken; the record is recognised by its link alone.
    pair.made_in_salesforce(&[("LastName", long.clone())]);
    let Decision::Apply(effects) = pair.hear() else {
        panic!("not heard")
    };
    assert_eq!(
        (effects.outcome, effects.link.reserve.len()),
        (Outcome::Created, 0)
    );
    assert_eq!(pair.record().fields["name"], long);
    let PartnerDecision::Apply(effects) = pair.posts(&[("phone", text("1"))], None) else {
        panic!("not taken")
    };
    assert!(effects.link.reserve.is_empty());
}
