use serde_json::json;

use super::*;
use crate::decide::partner::read_fields;
use crate::decide::{Converted, HeldReason};
use crate::units::partner_news::PartnerPost;
use crate::units::sample::{contact_plan, linked, sf};

fn post(address: Address, email: &str) -> PartnerPost {
    PartnerPost {
        address,
        key: None,
        if_position: None,
        changed_at: None,
        happened: PostedEvent::Upsert {
            fields: json!({ "email": email }).as_object().unwrap().clone(),
            owner: None,
        },
    }
}

fn event(address: Address, happened: PostedEvent) -> PartnerPost {
    PartnerPost {
        happened,
        ..post(address, "")
    }
}

fn read(post: &PartnerPost) -> ReadPost<'_> {
    let fields = match &post.happened {
        PostedEvent::Upsert { fields, .. } => read_fields(&contact_plan(), fields),
        PostedEvent::Delete | PostedEvent::Undelete => Ok(PostedFields::default()),
    };
    ReadPost { post, fields }
}

fn keyed(number: i64, email: &str, key: &str) -> Linked {
    let mut linked = linked(number, Some(sf(1)), email);
    linked.record.as_mut().unwrap().key = Some(key.to_owned());
    linked
}

/// What is known of these links, found by their records, keys and addresses.
fn addresses(links: &[Linked]) -> Addresses {
    let mut holders = HashMap::new();
    for linked in links {
        let record = linked.record.as_ref().unwrap();
        holders
            .extend(Identity::of_value(&record.fields["email"]).map(|identity| (identity, linked.link.id)));
        holders.extend(record.key.clone().map(|key| (Identity::Key(key), linked.link.id)));
    }
    Addresses {
        mapping: MappingId(1),
        identity: Some("email".to_owned()),
        by_record: links
            .iter()
            .map(|linked| (linked.link.record.unwrap(), linked.clone()))
            .collect(),
        by_link: links
            .iter()
            .map(|linked| (linked.link.id, linked.clone()))
            .collect(),
        by_salesforce: links
            .iter()
            .filter_map(|linked| Some((linked.link.salesforce_id?, linked.clone())))
            .collect(),
        holders,
        usurpers: HashMap::new(),
        referred: HashMap::new(),
        objects: HashMap::new(),
    }
}

/// The link that a post is for and the other one that holds what it carries, by number.
fn found(links: &[Linked], post: &PartnerPost) -> Result<(Option<i64>, Option<i64>), RefusalCode> {
    addresses(links)
        .find(&read(post))
        .map(|addressed| {
            (
                addressed.linked.map(|linked| linked.link.id.0),
                addressed.holder.map(|holder| holder.link.0),
            )
        })
        .map_err(|refusal| refusal.code)
}

fn key(key: &str) -> Address {
    Address::Key(key.to_owned())
}

#[test]
fn a_record_is_found_by_its_number_in_its_own_mapping_only() {
    let by_number = post(Address::Record(RecordId(1)), "a@x.org");
    let known = linked(1, None, "a@x.org");
    assert_eq!(
        found(std::slice::from_ref(&known), &by_number),
        Ok((Some(1), None))
    );
    assert_eq!(found(&[], &by_number), Err(RefusalCode::NotFound));
    let elsewhere = Linked {
        mapping: MappingId(2),
        ..known
    };
    assert_eq!(found(&[elsewhere], &by_number), Err(RefusalCode::NotFound));
}

#[test]
fn a_key_comes_before_what_records_are_recognised_by() {
    let links = [keyed(1, "a@x.org", "k1"), keyed(2, "b@x.org", "k2")];
    assert_eq!(found(&links, &post(key("k1"), "a@x.org")), Ok((Some(1), None)));
    assert_eq!(found(&links, &post(key("k1"), "b@x.org")), Ok((Some(1), Some(2))));
    assert_eq!(found(&links, &post(key("k3"), "c@x.org")), Ok((None, None)));
}

#[test]
fn a_record_that_came_from_salesforce_takes_the_partners_key_once() {
    let free = linked(1, Some(sf(1)), "a@x.org");
    assert_eq!(found(&[free], &post(key("k1"), " A@x.org")), Ok((Some(1), None)));
    let taken = keyed(1, "a@x.org", "k2");
    assert_eq!(found(&[taken], &post(key("k1"), "a@x.org")), Ok((None, Some(1))));
}

#[test]
fn a_post_without_address_is_for_the_record_of_its_identity() {
    let known = keyed(1, "a@x.org", "k1");
    assert_eq!(
        found(std::slice::from_ref(&known), &post(Address::New, "a@x.org")),
        Ok((Some(1), None))
    );
    assert_eq!(
        found(std::slice::from_ref(&known), &post(Address::New, "b@x.org")),
        Ok((None, None))
    );
    assert_eq!(found(&[known], &post(Address::New, "")), Ok((None, None)));
}

#[test]
fn a_link_held_before_it_had_a_record_is_nobodys_record() {
    let mut held = linked(1, Some(sf(1)), "a@x.org");
    let addresses = {
        let mut addresses = addresses(&[held.clone()]);
        held.record = None;
        addresses.by_link.insert(held.link.id, held);
        addresses
    };
    let post = post(Address::New, "a@x.org");
    let read = read(&post);
    let addressed = addresses.find(&read).unwrap();
    assert!(addressed.linked.is_none());
    assert_eq!(
        addressed.holder,
        Some(Holder {
            link: LinkId(1),
            creating: false
        })
    );
}

#[test]
fn edits_of_a_merged_record_reach_the_one_that_survived() {
    let mut loser = linked(1, Some(sf(1)), "a@x.org");
    loser.link.status = LinkStatus::Merged { into: sf(2) };
    let mut between = linked(2, Some(sf(2)), "b@x.org");
    between.link.status = LinkStatus::Merged { into: sf(3) };
    let survivor = linked(3, Some(sf(3)), "c@x.org");
    let at_loser = || Address::Record(RecordId(1));
    let all = [loser.clone(), between, survivor];
    assert_eq!(found(&all, &post(at_loser(), "d@x.org")), Ok((Some(3), None)));
    assert_eq!(
        found(&all, &event(at_loser(), PostedEvent::Delete)),
        Ok((Some(1), None)),
        "the survivor is not deleted"
    );
    assert_eq!(
        found(&all, &event(at_loser(), PostedEvent::Undelete)),
        Err(RefusalCode::Moved)
    );
    assert_eq!(
        found(&[loser], &post(at_loser(), "d@x.org")),
        Err(RefusalCode::TryAgain)
    );
}

#[test]
fn edits_of_a_converted_lead_are_refused_and_a_delete_means_the_lead_itself() {
    let mut lead = linked(1, Some(sf(1)), "a@x.org");
    lead.link.status = LinkStatus::Converted {
        to: Converted::default(),
    };
    let lead = [lead];
    let address = || Address::Record(RecordId(1));
    assert_eq!(found(&lead, &post(address(), "b@x.org")), Err(RefusalCode::Moved));
    assert_eq!(
        found(&lead, &event(address(), PostedEvent::Delete)),
        Ok((Some(1), None))
    );
}

#[test]
fn references_name_records_of_the_right_kind_that_live() {
    let mut plan = contact_plan();
    let mut account = plan.fields[0].clone();
    account.partner = "account".to_owned();
    account.salesforce.reference_to = vec!["Account".to_owned()];
    plan.fields.push(account);
    let account_of = |status: LinkStatus, salesforce_id| {
        let mut linked = linked(5, salesforce_id, "");
        linked.mapping = MappingId(2);
        linked.link.status = status;
        linked
    };
    let posted = PostedFields {
        fields: Fields::new(),
        references: [("account".to_owned(), RecordId(5))].into(),
    };
    let resolved = |linked: Option<Linked>, object: &str| {
        let mut addresses = addresses(&[]);
        addresses.referred = linked.into_iter().map(|linked| (RecordId(5), linked)).collect();
        addresses.objects = HashMap::from([(MappingId(2), object.to_owned())]);
        addresses
            .with_references(&plan, &posted)
            .map(|fields| fields["account"].clone())
            .map_err(|refusals| (refusals[0].field.clone().unwrap(), refusals[0].code))
    };
    use crate::record::FieldValue;
    let refused = |code| Err(("account".to_owned(), code));
    let deleted_by_the_partner = |status| {
        let mut linked = account_of(status, Some(sf(7)));
        linked.record.as_mut().unwrap().presence = Presence::Deleted;
        Some(linked)
    };
    let held = LinkStatus::Held {
        reason: HeldReason::OutOfSight,
    };
    for (linked, object, expected) in [
        (
            Some(account_of(LinkStatus::Linked, Some(sf(7)))),
            "Account",
            Ok(FieldValue::Reference(sf(7))),
        ),
        (
            Some(account_of(LinkStatus::Creating, None)),
            "Account",
            Ok(FieldValue::Record(RecordId(5))),
        ),
        (
            Some(account_of(held, None)),
            "Account",
            Ok(FieldValue::Record(RecordId(5))),
        ),
        (
            Some(account_of(LinkStatus::Linked, Some(sf(7)))),
            "Contact",
            refused(RefusalCode::ValueDoesNotFit),
        ),
        (
            Some(account_of(LinkStatus::Deleted, Some(sf(7)))),
            "Account",
            refused(RefusalCode::ValueDoesNotFit),
        ),
        (
            deleted_by_the_partner(LinkStatus::Linked),
            "Account",
            refused(RefusalCode::ValueDoesNotFit),
        ),
        (
            deleted_by_the_partner(LinkStatus::Held {
                reason: HeldReason::PartnerDeleteAsked,
            }),
            "Account",
            refused(RefusalCode::ValueDoesNotFit),
        ),
        // What it was merged into stands for it.
        (
            deleted_by_the_partner(LinkStatus::Merged { into: sf(8) }),
            "Account",
            Ok(FieldValue::Reference(sf(8))),
        ),
        (None, "Account", refused(RefusalCode::NotFound)),
    ] {
        assert_eq!(resolved(linked, object), expected);
    }
}
