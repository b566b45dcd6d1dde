//! What was pushed is what partners read.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::gateway::{Gateway, ORGANIZATION, problem};
use crate::two_ways::{self, both_ways};

const ACCOUNT: &str = "001ZM000001n4n5YAA";
const NG: &str = "003ZM000001n4n1YAA";

#[tokio::test]
async fn a_pushed_contact_is_read_with_its_values_exact_and_its_account_resolved() {
    let gateway = mapped().await;
    gateway
        .push_and_settle(json!([contact(NG, 1, "Ng", "1100.10")]))
        .await;
    let record = only(&gateway, "/v1/records/contact").await;
    assert_eq!(record["object"], "contact");
    assert_eq!(record["salesforceId"], sf(NG));
    assert_eq!(record["owner"], "u-1");
    assert_eq!(record["presence"], "live");
    assert_eq!(record["fields"]["last_name"], "Ng");
    assert_eq!(record["fields"]["email"], Value::Null);
    assert_eq!(record["fields"]["birthday"], "1970-01-01");
    // The account is not here yet.
    assert_eq!(
        record["fields"]["account"],
        json!({"id": null, "object": null, "salesforceId": ACCOUNT})
    );

    gateway
        .push_and_settle(json!([account(ACCOUNT, 1, "Acme")]))
        .await;
    let account = only(&gateway, "/v1/records/account").await;
    let id = record["id"].as_str().unwrap();
    let record: Value = gateway
        .get_json("partner", &format!("/v1/records/contact/{id}"))
        .await;
    assert_eq!(
        record["fields"]["account"],
        json!({"id": account["id"], "object": "account", "salesforceId": ACCOUNT})
    );
    let text = gateway
        .get("partner", &format!("/v1/records/contact/{id}"))
        .await
        .text()
        .await
        .unwrap();
    assert!(text.contains("\"amount\":1100.1"), "{text}");
    gateway.stop().await;
}

#[tokio::test]
async fn lists_are_paged_without_gaps_and_filtered() {
    let gateway = mapped().await;
    let changes: Vec<Value> = (0..25)
        .map(|n| contact(&id(n), 1, &format!("Name {}", n % 5), "1.50"))
        .collect();
    gateway.push_and_settle(json!(changes)).await;

    let mut seen = Vec::new();
    let mut path = "/v1/records/contact?limit=10".to_owned();
    let mut pages = 0;
    loop {
        let page: Value = gateway.get_json("partner", &path).await;
        pages += 1;
        for record in page["records"].as_array().unwrap() {
            seen.push(record["salesforceId"].as_str().unwrap().to_owned());
        }
        assert_eq!(page["hasMore"], json!(!page["next"].is_null()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/v1/records/contact?limit=10&cursor={next}");
    }
    assert_eq!((pages, seen.len()), (3, 25));
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 25);

    for (filter, count) in [
        ("field.last_name=Name%203".to_owned(), 5),
        ("field.last_name=Name+3&field.amount=1.5".to_owned(), 5),
        ("field.last_name=Name".to_owned(), 0),
        ("field.birthday=1970-01-01".to_owned(), 25),
        ("owner=u-1".to_owned(), 25),
        ("owner=u-2".to_owned(), 0),
        (format!("salesforceId={}", short(&id(7))), 1),
        ("updatedSince=2000-01-01T00:00:00Z".to_owned(), 25),
        ("updatedSince=2100-01-01T00:00:00%2B02:00".to_owned(), 0),
    ] {
        let page: Value = gateway
            .get_json("partner", &format!("/v1/records/contact?{filter}"))
            .await;
        assert_eq!(page["records"].as_array().unwrap().len(), count, "{filter}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_feed_goes_on_where_it_was_left_and_shows_deletes() {
    let gateway = mapped().await;
    let empty: Value = gateway.get_json("partner", "/v1/changes").await;
    assert_eq!(empty["changes"], json!([]));
    gateway
        .push_and_settle(json!([
            contact(&id(1), 1, "One", "1"),
            contact(&id(2), 1, "Two", "2")
        ]))
        .await;
    let from = empty["next"].as_str().unwrap();
    let first: Value = gateway
        .get_json("partner", &format!("/v1/changes?after={from}&limit=1"))
        .await;
    assert_eq!(first["hasMore"], true);
    let next = first["next"].as_str().unwrap();
    let second: Value = gateway
        .get_json("partner", &format!("/v1/changes?after={next}&limit=1"))
        .await;
    assert_eq!(second["hasMore"], false);
    assert_ne!(first["changes"][0]["id"], second["changes"][0]["id"]);

    let deleted = json!({"object": "Contact", "operation": "delete", "id": id(1), "systemModstamp": stamp(5),
        "observedAt": stamp(5)});
    gateway.push_and_settle(json!([deleted])).await;
    let next = second["next"].as_str().unwrap();
    let third: Value = gateway
        .get_json("partner", &format!("/v1/changes?after={next}&object=contact"))
        .await;
    let changes = third["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["presence"], "deleted");
    for nothing in ["salesforceId", "key", "owner"] {
        assert_eq!(changes[0][nothing], json!(null), "{nothing}");
    }
    assert_eq!(changes[0]["fields"], json!({}));
    let page: Value = gateway.get_json("partner", "/v1/changes?object=account").await;
    assert_eq!(page["changes"], json!([]));
    // Whoever follows accounts does not read the contacts again at every poll.
    assert_eq!(page["next"], third["next"]);
    let from = page["next"].as_str().unwrap();
    gateway
        .push_and_settle(json!([account(ACCOUNT, 1, "Acme")]))
        .await;
    let path = format!("/v1/changes?object=account&after={from}");
    let page: Value = gateway.get_json("partner", &path).await;
    assert_eq!(page["changes"].as_array().unwrap().len(), 1);
    gateway.stop().await;
}

#[tokio::test]
async fn the_history_names_field_values_and_cause() {
    let gateway = mapped().await;
    gateway.push_and_settle(json!([contact(NG, 1, "Ng", "1")])).await;
    gateway
        .push_and_settle(json!([contact(NG, 2, "Nguyen", "1")]))
        .await;
    let record = only(&gateway, "/v1/records/contact").await;
    let path = format!("/v1/records/contact/{}/history", record["id"].as_str().unwrap());
    let history: Value = gateway.get_json("partner", &path).await;
    let entries = history["history"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{history}");
    assert_eq!(entries[0]["field"], "last_name");
    assert_eq!(entries[0]["salesforceBefore"], "Ng");
    assert_eq!(entries[0]["salesforceAfter"], "Nguyen");
    assert_eq!(entries[0]["partnerBefore"], "Ng");
    assert_eq!(entries[0]["partnerAfter"], "Nguyen");
    assert_eq!(entries[0]["cause"], "salesforceWins");
    assert_eq!(entries[0]["source"], "push");
    gateway.stop().await;
}

#[tokio::test]
async fn a_value_that_cannot_cross_is_held_and_logged_with_its_reason() {
    let gateway = mapped().await;
    let mut bad = contact(NG, 1, "Ng", "1");
    bad["fields"]["LastName"] = Value::Null;
    gateway
        .push_and_settle(json!([bad, contact(&id(3), 1, "Fine", "1")]))
        .await;
    let held: Value = gateway.get_json("partner", "/v1/held").await;
    let found = held["held"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{held}");
    assert_eq!(found[0]["salesforceId"], sf(NG));
    assert!(found[0]["id"].as_str().unwrap().parse::<i64>().unwrap() > 0);
    assert_eq!(found[0]["object"], "contact");
    assert_eq!(found[0]["reason"], "conversion");
    assert_eq!(found[0]["problems"][0]["partnerField"], "last_name");
    assert_eq!(found[0]["problems"][0]["salesforceField"], "LastName");

    let logs: Value = gateway.get_json("partner", "/v1/logs?failed=true").await;
    let entries = logs["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{logs}");
    assert_eq!(entries[0]["salesforceId"], sf(NG));
    assert_eq!(entries[0]["status"], 422);
    assert!(!entries[0]["cause"].as_str().unwrap().is_empty());
    for (filter, count) in [
        ("object=contact", 2),
        ("object=account", 0),
        ("direction=outgoing", 0),
        ("salesforceId=003ZM000001n4n1YAA", 1),
        ("to=2000-01-01T00:00:00Z", 0),
        ("limit=1", 1),
    ] {
        let logs: Value = gateway.get_json("partner", &format!("/v1/logs?{filter}")).await;
        assert_eq!(
            logs["entries"].as_array().unwrap().len(),
            count,
            "{filter}: {logs}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn one_bad_row_does_not_fail_its_batch() {
    let gateway = mapped().await;
    let mut bad = contact(&id(2), 1, "Two", "2");
    bad["systemModstamp"] = json!("yesterday");
    let answer = gateway
        .push(json!([contact(&id(1), 1, "One", "1"), bad, 7]))
        .await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(
        (body["accepted"].as_u64(), body["rejected"].as_u64()),
        (Some(1), Some(2))
    );
    assert_eq!(body["results"][0]["status"], "accepted");
    assert_eq!(body["results"][1]["status"], "rejected");
    assert!(
        body["results"][1]["problem"]
            .as_str()
            .unwrap()
            .contains("systemModstamp")
    );
    gateway.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_gets_the_first_answer_again_and_no_second_body() {
    let gateway = mapped().await;
    let body = |name: &str| json!({"organizationId": ORGANIZATION, "packageVersion": "1.0", "changes": [contact(NG, 1, name, "1")]});
    let send = async |body: &Value| {
        gateway
            .http
            .post(format!("{}/v1/salesforce/changes", gateway.url()))
            .bearer_auth(gateway.token("pump"))
            .header("idempotency-key", "batch-1")
            .json(body)
            .send()
            .await
            .unwrap()
    };
    let first: Value = send(&body("Ng")).await.json().await.unwrap();
    let again = send(&body("Ng")).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let other = send(&body("Nguyen")).await;
    assert_eq!(other.status(), StatusCode::UNPROCESSABLE_ENTITY);
    problem(other, "idempotency-key-reused").await;
    gateway.stop().await;
}

#[tokio::test]
async fn mappings_and_connection_are_shown_without_secrets() {
    let gateway = mapped().await;
    gateway.push_and_settle(json!([contact(NG, 1, "Ng", "1")])).await;
    let mappings: Value = gateway.get_json("partner", "/v1/mappings").await;
    let contact = &mappings["mappings"][1];
    assert_eq!(contact["partnerObject"], "contact");
    assert_eq!(contact["revision"], 1);
    assert_eq!(contact["direction"], "salesforceToPartner");
    assert_eq!(contact["externalId"], Value::Null);
    assert_eq!(contact["fields"][0]["partner"], "last_name");
    assert_eq!(contact["fields"][0]["required"], true);
    assert_eq!(
        contact["links"],
        json!({"linked": 1, "held": 0, "creating": 0, "deleted": 0})
    );
    let connection: Value = gateway.get_json("partner", "/v1/connection").await;
    let names: Vec<&str> = connection
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "name",
            "environment",
            "loginUrl",
            "username",
            "apiVersion",
            "organization",
            "instanceUrl",
            "enabled",
            "createdAt",
            "inbox",
            "outbox",
            "calls",
            "package",
            "settings",
            "instant",
            "firstSync",
            "firstSyncAt",
            "budget",
            "support"
        ]
    );
    assert_eq!(connection["inbox"], json!({"waiting": 0, "oldest": null}));
    assert_eq!(connection["outbox"], json!({"waiting": 0, "oldest": null}));
    assert_eq!(connection["calls"], json!({"spent": 0, "cap": 5000}));
    gateway.stop().await;
}

#[tokio::test]
async fn a_mapping_both_ways_shows_what_each_side_decides() {
    let gateway = both_ways("unlink").await;
    let mappings: Value = gateway.get_json("partner", "/v1/mappings").await;
    let contact = &mappings["mappings"][1];
    assert_eq!(contact["direction"], "both");
    assert_eq!(contact["deletePolicy"], "delete");
    assert_eq!(contact["partnerDeletePolicy"], "unlink");
    assert_eq!(contact["externalId"], "Partner_Id__c");
    assert_eq!(contact["salesforceDefaultOwner"], "0058a00000rBqb8AAC");
    assert_eq!(contact["ownerRule"], "salesforce");
    assert_eq!(contact["identity"], Value::Null);
    gateway.stop().await;
}

#[tokio::test]
async fn a_merged_record_names_the_one_that_stands_for_it_now() {
    let gateway = both_ways("delete").await;
    let fields = json!({"LastName": "Ng", "OwnerId": "0058a00000rBqb8"});
    gateway
        .push_and_settle(json!([
            two_ways::contact(&id(1), 1, fields.clone()),
            two_ways::contact(&id(2), 1, fields.clone()),
            two_ways::contact(&id(3), 1, fields),
        ]))
        .await;
    let mut records = Vec::new();
    for number in 1..=3 {
        let path = format!("/v1/records/contact?salesforceId={}", id(number));
        records.push(only(&gateway, &path).await["id"].as_str().unwrap().to_owned());
    }
    for (merged, second) in [(1, 5), (2, 6)] {
        let merge = json!({"object": "Contact", "operation": "delete", "id": id(merged),
            "systemModstamp": stamp(second), "observedAt": stamp(second), "masterRecordId": id(merged + 1)});
        gateway.push_and_settle(json!([merge])).await;
        let path = format!("/v1/records/contact/{}", records[0]);
        let record: Value = gateway.get_json("partner", &path).await;
        assert_eq!(record["presence"], "deleted", "{record}");
        assert_eq!(record["fields"], json!({}));
        let stands = usize::try_from(merged).unwrap();
        assert_eq!(
            record["supersededBy"],
            json!({"id": records[stands], "object": "contact", "salesforceId": id(merged + 1)}),
            "{record}"
        );
    }
    // What is posted for a merged record reaches the one that stands for it.
    let row = json!({"id": records[0], "fields": {"last_name": "Nguyen"}});
    let posted = two_ways::post_one(&gateway, "contact", row).await;
    assert_eq!(posted["id"], json!(records[2]), "{posted}");
    gateway.stop().await;
}

async fn mapped() -> Gateway {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    gateway
}

async fn only(gateway: &Gateway, path: &str) -> Value {
    let page: Value = gateway.get_json("partner", path).await;
    let records = page["records"].as_array().unwrap();
    assert_eq!(records.len(), 1, "{page}");
    records[0].clone()
}

/// A contact's id of 18 characters.
fn id(number: u32) -> String {
    sf(&format!("003ZM0000{number:06}"))
}

/// An id without its checksum.
fn short(id: &str) -> &str {
    id.get(..15).unwrap()
}

fn sf(id: &str) -> String {
    causeway_core::id::SalesforceId::parse(short(id))
        .unwrap()
        .to_string()
}

fn stamp(second: u32) -> String {
    format!("2026-11-22T06:04:{second:02}.000Z")
}

fn contact(id: &str, second: u32, name: &str, amount: &str) -> Value {
    let amount: Value = serde_json::from_str(amount).unwrap();
    json!({"object": "Contact", "operation": "update", "id": short(id), "systemModstamp": stamp(second),
        "observedAt": stamp(second), "changedFields": ["LastName"],
        "fields": {"LastName": name, "Email": null, "Birthdate": "1970-01-01", "Amount__c": amount,
            "AccountId": ACCOUNT, "OwnerId": "0058a00000rBqb8"}})
}

fn account(id: &str, second: u32, name: &str) -> Value {
    json!({"object": "Account", "operation": "create", "id": id, "systemModstamp": stamp(second),
        "observedAt": stamp(second), "fields": {"Name": name}})
}
