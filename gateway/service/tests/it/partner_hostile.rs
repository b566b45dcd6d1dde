//! Awkward values and requests of partners, over HTTP.

use causeway_core::mapping::SalesforceType;
use causeway_store::throwaway_postgres::ThrowawayPostgres;
use serde_json::{Value, json};

use crate::gateway::{Gateway, object};
use crate::two_ways::{accepted, both_ways, contact, post_one};

const PEOPLE: &str = "/v1/records/person";
const NG: &str = "003ZM000001n4n1YAA";

/// Maps contacts as people, who are recognised by their address.
async fn map_people(gateway: &Gateway) {
    let mut contact = object(
        "Contact",
        &[
            ("LastName", SalesforceType::String, &[]),
            ("Code__c", SalesforceType::String, &[]),
            ("Partner_Id__c", SalesforceType::String, &[]),
        ],
    );
    for field in contact.fields.values_mut() {
        field.nillable = field.name != "LastName";
        field.length = 100_000;
    }
    gateway
        .map(
            json!({"partnerObject": "person", "salesforceObject": "Contact", "direction": "both",
                "defaultOwner": "u-1", "salesforceDefaultOwner": "0058a00000rBqb8", "externalId": "Partner_Id__c",
                "identity": "code",
                "fields": [
                    {"partner": "last_name", "type": "Text", "salesforce": "LastName", "rule": "mostRecent"},
                    {"partner": "code", "type": "Text", "salesforce": "Code__c", "rule": "mostRecent"}]}),
            contact,
        )
        .await;
}

/// Values that no engine could index are refused by their row from the partner, and taken from Salesforce.
async fn long_codes(gateway: Gateway) {
    map_people(&gateway).await;
    let long = "c".repeat(60_000);
    let rows = json!({"records": [
        {"fields": {"last_name": "Ng", "code": "ng-1"}},
        {"fields": {"last_name": "Ba", "code": long}},
        {"fields": {"last_name": "Lu", "code": "c".repeat(256)}},
        {"fields": {"last_name": "Li", "code": "\u{1f600}".repeat(255)}},
    ]});
    let answer = accepted(&gateway, PEOPLE, &rows).await;
    for refused in [1, 2] {
        let problem = &answer["results"][refused]["problems"][0];
        assert_eq!(problem["field"], "fields.code", "{answer}");
        assert_eq!(problem["code"], "value-does-not-fit");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("255 characters"), "{message}");
    }
    assert_eq!(answer["results"][0]["outcome"], "created", "{answer}");
    assert_eq!(answer["results"][3]["outcome"], "created", "{answer}");
    let fields = json!({"LastName": "Ng", "Code__c": long, "OwnerId": "0058a00000rBqb8"});
    gateway.push_and_settle(json!([contact(NG, 1, fields)])).await;
    let path = format!("{PEOPLE}?salesforceId={NG}");
    let page = gateway.get_json("partner", &path).await;
    assert_eq!(
        page["records"][0]["fields"]["code"],
        json!(long),
        "taken as it is"
    );
    let edited = post_one(
        &gateway,
        "person",
        json!({"id": page["records"][0]["id"], "fields": {"last_name": "Nguyen"}}),
    )
    .await;
    assert_eq!(edited["outcome"], "updated", "{edited}");
    gateway.stop().await;
}

#[tokio::test]
async fn values_too_long_to_recognise_a_record_by_harm_no_other_row() {
    long_codes(Gateway::start().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_too_long_to_recognise_a_record_by_harm_no_other_row_on_postgresql() {
    let url = ThrowawayPostgres::shared().unwrap().database().unwrap();
    long_codes(Gateway::start_on(&format!("[store]\nurl = \"{url}\"\n")).await).await;
}

#[tokio::test]
async fn a_late_delete_is_answered_with_a_note_and_the_record_stays() {
    let gateway = both_ways("delete").await;
    let made = post_one(&gateway, "contact", json!({"fields": {"last_name": "Ng"}})).await;
    let deletes = |at: &str| json!({"records": [{"id": made["id"], "changedAt": at}]});
    let path = "/v1/records/contact/deletes";
    let answer = accepted(&gateway, path, &deletes("2001-01-01T00:00:00Z")).await;
    let late = &answer["results"][0];
    assert_eq!(late["outcome"], "unchanged", "{answer}");
    assert!(late["note"].as_str().unwrap().contains("changedAt"), "{answer}");
    let record = format!("/v1/records/contact/{}", made["id"].as_str().unwrap());
    let shown = gateway.get_json("partner", &record).await;
    assert_eq!(shown["presence"], "live", "{shown}");
    let answer = accepted(&gateway, path, &json!({"records": [{"id": made["id"]}]})).await;
    assert_eq!(answer["results"][0]["outcome"], "deleted", "{answer}");
    assert_eq!(answer["results"][0].get("note"), None);
    gateway.stop().await;
}

#[tokio::test]
async fn a_record_that_the_partner_deleted_is_named_by_no_other() {
    // Whatever the policy: in Salesforce the record may still be there.
    for policy in ["delete", "ask", "unlink"] {
        let gateway = both_ways(policy).await;
        let fields = json!({"Name": "Acme", "OwnerId": "0058a00000rBqb8"});
        let mut account = contact("001ZM000001n4n1YAA", 1, fields);
        account["object"] = json!("Account");
        gateway.push_and_settle(json!([account])).await;
        let page = gateway.get_json("partner", "/v1/records/account").await;
        let account = page["records"][0]["id"].clone();
        let child = json!({"fields": {"last_name": "Ng", "account": {"id": account}}});
        let named = post_one(&gateway, "contact", child.clone()).await;
        assert_eq!(named["outcome"], "created", "{named}");
        let deletes = json!({"records": [{"id": account}]});
        accepted(&gateway, "/v1/records/account/deletes", &deletes).await;
        let refused = post_one(&gateway, "contact", child).await;
        let problem = &refused["problems"][0];
        assert_eq!(problem["field"], "fields.account", "{policy}: {refused}");
        assert_eq!(problem["code"], "value-does-not-fit", "{refused}");
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("name another, or null"), "{message}");
        gateway.stop().await;
    }
}

#[tokio::test]
async fn what_a_person_does_is_in_the_log_with_who_did_it() {
    let gateway = both_ways("delete").await;
    let fields = json!({"LastName": "Ng", "Birthdate": "1970-01-01", "OwnerId": "0058a00000rBqb8"});
    gateway.push_and_settle(json!([contact(NG, 1, fields)])).await;
    let path = format!("/v1/records/contact?salesforceId={NG}");
    let page = gateway.get_json("partner", &path).await;
    let row = json!({"id": page["records"][0]["id"], "fields": {"birthday": "1971-01-01"}});
    post_one(&gateway, "contact", row).await;
    let conflicts = gateway.get_json("partner", "/v1/conflicts").await;
    let id = conflicts["conflicts"][0]["id"].as_str().unwrap();
    accepted(&gateway, &format!("/v1/conflicts/{id}/restore"), &json!({})).await;
    let logged = newest_log(&gateway, "restored").await;
    assert_eq!(
        logged["data"]["source"],
        json!({"kind": "person", "client": "partner"})
    );
    assert_eq!(
        logged["data"]["restored"],
        json!({"birthday": {"before": "1970-01-01", "after": "1971-01-01"}})
    );

    let wrong = json!({"LastName": null, "OwnerId": "0058a00000rBqb8"});
    gateway
        .push_and_settle(json!([contact("003ZM000001n4n2YAA", 1, wrong)]))
        .await;
    let held = gateway.get_json("partner", "/v1/held").await;
    let link = held["held"][0]["id"].as_str().unwrap();
    accepted(&gateway, &format!("/v1/held/{link}/retry"), &json!({})).await;
    let logged = newest_log(&gateway, "retried").await;
    assert_eq!(logged["data"]["held"]["kind"], "conversion");
    gateway.stop().await;
}

/// The newest entry with this outcome. Workers write entries of their own.
async fn newest_log(gateway: &Gateway, outcome: &str) -> Value {
    let page = gateway.get_json("partner", "/v1/logs?limit=20").await;
    let entries = page["entries"].as_array().unwrap();
    let found = entries.iter().find(|entry| entry["data"]["outcome"] == outcome);
    found.unwrap_or_else(|| panic!("{page}")).clone()
}
