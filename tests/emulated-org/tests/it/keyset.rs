//! What clients that follow changes ask: pages by stamp and id, keys in lists, deletions.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use emulated_org::Value;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::ingest::start;

async fn rows(client: &Client, path: &str, soql: &str) -> Vec<Json> {
    let request = client
        .request(Method::GET, &format!("{V}/{path}"))
        .query(&[("q", soql)]);
    let answer = client.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().expect("records").clone()
}

#[tokio::test]
async fn twenty_thousand_rows_of_one_second_are_read_in_pages_each_once() {
    let client = start().await;
    let seeded = (0..20_000).map(|row| vec![("LastName", Value::text(format!("Name {row}")))]);
    client.org.seed("Contact", seeded).expect("seeded");
    client.org.clock().advance(Duration::from_secs(1));
    let last = client.create("Contact", json!({ "LastName": "Later" })).await;
    let started = Instant::now();
    let mut seen = BTreeSet::new();
    let mut filter = "SystemModstamp >= 2026-02-18T12:00:00Z".to_owned();
    loop {
        let soql = format!(
            "SELECT Id, SystemModstamp FROM Contact WHERE {filter} ORDER BY SystemModstamp, Id LIMIT 2000"
        );
        let page = rows(&client, "query", &soql).await;
        for row in &page {
            let id = row["Id"].as_str().expect("an id").to_owned();
            assert!(seen.insert(id), "{row} twice");
        }
        let Some(row) = page.last() else { break };
        let stamp = row["SystemModstamp"]
            .as_str()
            .expect("a stamp")
            .replace("+0000", "Z");
        let id = row["Id"].as_str().expect("an id");
        filter = format!("(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}'))");
    }
    assert_eq!(seen.len(), 20_001);
    assert!(seen.contains(&last));
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn records_are_found_by_lists_of_keys_deleted_ones_too() {
    let client = start().await;
    for key in ["k1", "k2", "k3"] {
        client
            .create(
                "Lead",
                json!({ "LastName": key, "Company": "C", "Partner_Id__c": key }),
            )
            .await;
    }
    client
        .delete(&format!("{V}/sobjects/Lead/Partner_Id__c/k2"))
        .await;
    let soql = "SELECT Partner_Id__c, IsDeleted, LastModifiedById, MasterRecordId, IsConverted, ConvertedContactId \
                FROM Lead WHERE Partner_Id__c IN ('k1', 'k2', 'K3', 'none') ORDER BY Partner_Id__c";
    let keys = |rows: &[Json]| -> Vec<(String, bool)> {
        rows.iter()
            .map(|row| {
                let key = row["Partner_Id__c"].as_str().expect("a key").to_owned();
                (key, row["IsDeleted"].as_bool().expect("a mark"))
            })
            .collect()
    };
    assert_eq!(
        keys(&rows(&client, "query", soql).await),
        [("k1".to_owned(), false)],
        "case matters"
    );
    assert_eq!(
        keys(&rows(&client, "queryAll", soql).await),
        [("k1".to_owned(), false), ("k2".to_owned(), true)]
    );
    let admin = client.org.org().admin;
    let deleted = format!("SELECT Id FROM Lead WHERE IsDeleted = true AND LastModifiedById = '{admin}'");
    assert_eq!(rows(&client, "queryAll", &deleted).await.len(), 1);
}

#[tokio::test]
async fn a_list_of_two_thousand_ids_is_retrieved_in_one_call() {
    let client = start().await;
    let seeded = (0..2_000).map(|row| vec![("Name", Value::text(format!("A{row}")))]);
    let mut ids: Vec<String> = client
        .org
        .seed("Account", seeded)
        .expect("seeded")
        .iter()
        .map(ToString::to_string)
        .collect();
    client.delete(&format!("{V}/sobjects/Account/{}", ids[5])).await;
    let path = format!("{V}/composite/sobjects/Account");
    let answer = client
        .post(&path, &json!({ "ids": ids, "fields": ["Name"] }))
        .await;
    let found = answer.json();
    assert_eq!(found.as_array().map(Vec::len), Some(2_000));
    assert_eq!((&found[4]["Name"], &found[5]), (&json!("A4"), &Json::Null));
    ids.push("001000000000001".to_owned());
    let refused = client
        .post(&path, &json!({ "ids": ids, "fields": ["Name"] }))
        .await;
    assert_eq!(refused.refusal(), (400, "EXCEEDED_ID_LIMIT".to_owned()));
}

#[tokio::test]
async fn a_partners_ids_and_other_unique_fields_come_from_metadata() {
    let client = start().await;
    for (object, fields) in [
        ("Account", json!({ "Name": "A" })),
        ("Contact", json!({ "LastName": "C" })),
        ("Lead", json!({ "LastName": "L", "Company": "C" })),
        (
            "Opportunity",
            json!({ "Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01" }),
        ),
    ] {
        let path = format!("{V}/sobjects/{object}/Partner_Id__c/p-1");
        assert_eq!(client.patch(&path, &fields).await.status, 201, "{object}");
        assert_eq!(client.patch(&path, &fields).await.status, 200, "{object}");
        let mut second = fields.clone();
        second["Partner_Id__c"] = json!("p-1");
        let refused = client.post(&format!("{V}/sobjects/{object}"), &second).await;
        assert_eq!(refused.refusal(), (400, "DUPLICATE_VALUE".to_owned()), "{object}");
        let describe = client
            .get(&format!("{V}/sobjects/{object}/describe"))
            .await
            .json();
        let fields = describe["fields"].as_array().expect("fields");
        let described = fields
            .iter()
            .find(|field| field["name"] == "Partner_Id__c")
            .expect("the field");
        assert_eq!(
            ["externalId", "unique", "idLookup", "caseSensitive"].map(|flag| described[flag].as_bool()),
            [Some(true); 4],
            "{object}"
        );
    }
    client
        .create("Contact", json!({ "LastName": "A", "Badge__c": "b7" }))
        .await;
    let taken = json!({ "LastName": "B", "Badge__c": "B7" });
    let refused = client.post(&format!("{V}/sobjects/Contact"), &taken).await;
    assert_eq!(refused.refusal(), (400, "DUPLICATE_VALUE".to_owned()));
    let by_badge = client.get(&format!("{V}/sobjects/Contact/Badge__c/b7")).await;
    assert_eq!(by_badge.status, 404, "unique is not yet an external id");
}
