//! Owners that follow the users that are matched, that are brought back, and that outlive their link.

use super::*;
use crate::owners::OwnerRung;
use SyncRule as R;

/// A record whose owner nobody had matched when it was first read.
fn unmatched(rule: SyncRule) -> Pair {
    let mut document = two_way(ruled(R::MostRecent));
    document.owner_rule = Some(rule);
    let mut pair = Pair::new(&document);
    pair.owners = OwnerDirectory::new([]);
    pair.made_in_salesforce(&[("LastName", text("A"))]);
    pair.hear();
    assert_eq!(pair.record().owner, "u-default");
    pair.owners = OwnerDirectory::new([(user(1), "u-1".to_owned()), (user(2), "u-2".to_owned())]);
    pair
}

#[test]
fn a_user_that_is_matched_later_replaces_the_default_owner_where_salesforce_leads() {
    for (rule, owner) in [
        (R::Salesforce, "u-1"),
        (R::SalesforceUnlessBlank, "u-1"),
        (R::MostRecent, "u-1"),
        (R::Partner, "u-default"),
        (R::PartnerUnlessBlank, "u-default"),
    ] {
        let mut pair = unmatched(rule);
        pair.edit("LastName", text("B"));
        pair.hear();
        assert_eq!(pair.record().owner, owner, "{rule:?}");
        let agreed = pair.link.as_ref().unwrap().agreed.0.get(&FieldId::OWNER);
        assert_eq!(
            agreed,
            Some(&AgreedPair::new(FieldValue::Reference(user(1)), text(owner))),
            "{rule:?}"
        );
        let told = pair
            .history
            .iter()
            .any(|change| change.cause == ChangeCause::Owner(OwnerRung::Mapped));
        assert_eq!(told, owner == "u-1", "{rule:?}");
    }
}

#[test]
fn an_owner_that_was_sent_is_told_by_how_it_was_found() {
    for (owner, rung) in [("u-2", OwnerRung::Mapped), ("u-x", OwnerRung::Default)] {
        let mut document = two_way(ruled(R::MostRecent));
        document.owner_rule = Some(R::Partner);
        let mut pair = Pair::new(&document);
        pair.made_in_salesforce(&[("LastName", text("A"))]);
        pair.hear();
        let kind = PartnerNewsKind::Upsert {
            fields: Fields::new(),
            owner: Some(owner.to_owned()),
        };
        pair.posted(kind, None);
        pair.history.clear();
        pair.send();
        let causes: Vec<ChangeCause> = pair.history.iter().map(|change| change.cause).collect();
        assert_eq!(causes, [ChangeCause::Owner(rung)]);
    }
}

#[test]
fn an_owner_that_the_partner_had_is_brought_back_and_so_is_what_a_required_field_held() {
    let mut pair = Pair::under(R::MostRecent);
    pair.plan.fields[0].required = true;
    let lost = |value: &str| Lost {
        side: Side::Partner,
        value: text(value),
    };
    let effects = person::restore(pair.known(), FieldId::OWNER, &lost("u-2"), at(140)).unwrap();
    assert_eq!(effects.record.unwrap().owner, "u-2");
    let effects = person::restore(pair.known(), FieldId(1), &lost("B"), at(140)).unwrap();
    assert_eq!(effects.record.unwrap().fields["name"], text("B"));
}

#[test]
fn an_owner_given_to_a_record_without_its_other_side_is_kept() {
    let mut pair = Pair::under(R::MostRecent);
    pair.link.as_mut().unwrap().status = LinkStatus::Unlinked;
    let kind = PartnerNewsKind::Upsert {
        fields: Fields::new(),
        owner: Some("u-2".to_owned()),
    };
    pair.posted(kind, None);
    assert_eq!(pair.record().owner, "u-2");
}
