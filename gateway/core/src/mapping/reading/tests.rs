use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::mapping::sample::{field, plan};
use crate::mapping::{Direction, PartnerType};
use crate::record::FieldValue;

const STAMP: &str = "2026-11-22T06:04:37.000Z";
const GATEWAY: &str = "005000000000009";

fn id(text: &str) -> SalesforceId {
    SalesforceId::parse(text).unwrap()
}

fn stamp() -> Instant {
    literal::date_time(STAMP).unwrap()
}

fn linked_plan() -> MappingPlan {
    let mut plan = plan(vec![field("name", PartnerType::Text, "LastName")]);
    plan.external_id = Some("Causeway_Id__c".to_owned());
    plan.direction = Direction::Both;
    plan
}

fn read(record: Value) -> Incoming {
    read_under(&linked_plan(), record)
}

fn read_under(plan: &MappingPlan, record: Value) -> Incoming {
    let reader = Reader {
        plan,
        gateway_user: Some(id(GATEWAY)),
    };
    let mut whole = json!({"Id": "003000000000001", "SystemModstamp": STAMP, "LastName": "Ann"});
    whole
        .as_object_mut()
        .unwrap()
        .extend(record.as_object().unwrap().clone());
    reader
        .record(whole.as_object().unwrap(), Instant::UNIX_EPOCH)
        .unwrap()
}

fn present(incoming: Incoming) -> Snapshot {
    match incoming {
        Incoming::Present(snapshot) => snapshot,
        Incoming::Deleted { .. } => panic!("the record is there"),
    }
}

fn change(kind: ChangeKind, fields: &str) -> ReceivedChange {
    ReceivedChange {
        object: "Contact".to_owned(),
        salesforce_id: id("003000000000001"),
        kind,
        version: SalesforceVersion {
            modstamp: stamp(),
            observed: stamp(),
        },
        fields: fields.to_owned(),
        changed: BTreeMap::new(),
        merged: MergedInto::Unknown,
        source: "pump".to_owned(),
    }
}

fn read_change(change: &ReceivedChange) -> Result<Incoming, Failure> {
    let plan = linked_plan();
    Reader {
        plan: &plan,
        gateway_user: None,
    }
    .change(change)
}

#[test]
fn an_owner_that_is_no_id_holds_its_record_alone() {
    for owner in [json!("nobody"), json!(7)] {
        let snapshot = present(read(json!({ "OwnerId": owner })));
        assert_eq!(snapshot.owner, None);
        let problems: Vec<String> = snapshot.unreadable.iter().map(ToString::to_string).collect();
        assert_eq!(problems, ["OwnerId to owner: not a user's id"]);
        assert_eq!(
            snapshot.fields,
            BTreeMap::from([("LastName".to_owned(), FieldValue::Text("Ann".to_owned()))])
        );
    }
}

#[test]
fn an_owner_and_none_are_read() {
    for (owner, expected) in [
        (json!("005000000000001"), Some(id("005000000000001"))),
        (Value::Null, None),
    ] {
        let snapshot = present(read(json!({ "OwnerId": owner })));
        assert_eq!((snapshot.owner, snapshot.unreadable), (expected, Vec::new()));
    }
}

#[test]
fn an_external_id_that_was_not_read_is_told_from_one_that_is_empty() {
    for (record, expected) in [
        (json!({}), None),
        (json!({ "Causeway_Id__c": null }), Some(None)),
        (json!({ "Causeway_Id__c": "" }), Some(None)),
        (
            json!({ "causeway_id__C": "cw-1-2" }),
            Some(Some("cw-1-2".to_owned())),
        ),
    ] {
        assert_eq!(present(read(record)).external_id, expected);
    }
}

#[test]
fn the_gateways_own_writes_are_told_from_those_of_others() {
    for (record, expected) in [
        (json!({ "LastModifiedById": GATEWAY }), Some(true)),
        (json!({ "LastModifiedById": id(GATEWAY) }), Some(true)),
        (json!({ "LastModifiedById": "005000000000001" }), Some(false)),
        (json!({}), None),
    ] {
        assert_eq!(present(read(record)).by_gateway, expected);
    }
}

#[test]
fn who_saved_is_told_unless_it_was_the_gateway_itself() {
    for (record, direction, expected) in [
        (
            json!({ "LastModifiedById": "005000000000001" }),
            Direction::Both,
            Some("005000000000001"),
        ),
        (json!({ "LastModifiedById": GATEWAY }), Direction::Both, None),
        // Where the gateway writes nothing, its user's saves are a person's.
        (
            json!({ "LastModifiedById": GATEWAY }),
            Direction::SalesforceToPartner,
            Some(GATEWAY),
        ),
        (json!({}), Direction::Both, None),
    ] {
        let mut plan = linked_plan();
        plan.direction = direction;
        let read = present(read_under(&plan, record));
        assert_eq!(read.saved_by(), expected.map(id), "{direction:?}");
    }
}

#[test]
fn a_converted_lead_tells_what_it_became() {
    let snapshot = present(read(json!({
        "IsConverted": true, "ConvertedContactId": "003000000000002", "ConvertedAccountId": null,
    })));
    assert_eq!(
        snapshot.converted,
        Some(Converted {
            contact: Some(id("003000000000002")),
            account: None,
            opportunity: None,
        })
    );
    assert_eq!(present(read(json!({ "IsConverted": false }))).converted, None);
}

#[test]
fn a_record_among_the_deleted_tells_what_it_was_merged_into() {
    for (record, merged) in [
        (json!({ "IsDeleted": true }), MergedInto::Unknown),
        (
            json!({ "IsDeleted": true, "MasterRecordId": null }),
            MergedInto::Nothing,
        ),
        (
            json!({ "IsDeleted": true, "MasterRecordId": "003000000000002" }),
            MergedInto::Record(id("003000000000002")),
        ),
    ] {
        let expected = Incoming::Deleted {
            salesforce_id: id("003000000000001"),
            version: SalesforceVersion {
                modstamp: stamp(),
                observed: Instant::UNIX_EPOCH,
            },
            merged,
            external_id: None,
        };
        assert_eq!(read(record), expected);
    }
    present(read(json!({ "IsDeleted": false })));
}

#[test]
fn times_of_edits_come_under_the_mapped_names_and_never_after_the_record() {
    let mut change = change(ChangeKind::Upsert, r#"{"LastName":"Ann"}"#);
    let earlier = stamp() - TimeDelta::seconds(9);
    change.changed = BTreeMap::from([
        ("lastname".to_owned(), earlier),
        ("OWNERID".to_owned(), stamp() + TimeDelta::seconds(1)),
        ("Unmapped__c".to_owned(), earlier),
    ]);
    assert_eq!(
        present(read_change(&change).unwrap()).changed,
        BTreeMap::from([("LastName".to_owned(), earlier), ("OwnerId".to_owned(), stamp())])
    );
}

#[test]
fn a_pushed_delete_keeps_its_fate_and_external_id() {
    let mut change = change(ChangeKind::Delete, r#"{"Causeway_Id__c":"cw-1-2"}"#);
    change.merged = MergedInto::Nothing;
    assert_eq!(
        read_change(&change),
        Ok(Incoming::Deleted {
            salesforce_id: change.salesforce_id,
            version: change.version,
            merged: MergedInto::Nothing,
            external_id: Some("cw-1-2".to_owned()),
        })
    );
    change.fields = String::new();
    assert!(matches!(
        read_change(&change),
        Ok(Incoming::Deleted {
            external_id: None,
            ..
        })
    ));
}

#[test]
fn what_is_no_record_is_refused_with_what_was_expected() {
    let plan = linked_plan();
    let reader = Reader {
        plan: &plan,
        gateway_user: None,
    };
    for (record, expected) in [
        (
            json!({ "SystemModstamp": STAMP }),
            "expected the Id of each record",
        ),
        (
            json!({ "Id": "003000000000001", "SystemModstamp": "today" }),
            "expected the SystemModstamp of record 003000000000001AAA",
        ),
    ] {
        let read = reader.record(record.as_object().unwrap(), stamp());
        assert_eq!(
            read,
            Err(Failure::Unreadable {
                message: expected.to_owned()
            })
        );
    }
    assert!(read_change(&change(ChangeKind::Upsert, "[]")).is_err());
}
