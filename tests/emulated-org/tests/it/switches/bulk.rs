//! Switches about Bulk results.
#![cfg(test)]

use std::time::Duration;

use emulated_org::Value;
use reqwest::Method;
use serde_json::json;

use super::turn;
use crate::ingest::{finished, insert, rows, start};

#[tokio::test]
async fn a_row_that_an_upsert_changed_counts_as_created_or_not() {
    let client = start().await;
    client
        .create("Account", json!({ "Name": "Old", "Partner_Id__c": "a1" }))
        .await;
    let job = json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Partner_Id__c" });
    for (on, created) in [(false, "false"), (true, "true")] {
        turn(&client, "createdForEveryUpsert", on).await;
        let job = finished(&client, job.clone(), "Partner_Id__c,Name\na1,New\n").await;
        assert_eq!(
            rows(&client, &job, "successfulResults").await[0]["sf__Created"],
            created
        );
    }
}

#[tokio::test]
async fn results_come_mixed_or_in_the_order_of_the_upload() {
    let client = start().await;
    let names: Vec<String> = (0..50).map(|row| format!("A{row:02}")).collect();
    let csv = format!("Name\n{}\n", names.join("\n"));
    let job = finished(&client, insert("Account"), &csv).await;
    let listed = async || -> Vec<String> {
        let rows = rows(&client, &job, "successfulResults").await;
        rows.into_iter().map(|row| row["Name"].clone()).collect()
    };
    assert_ne!(listed().await, names);
    turn(&client, "ingestResultsInUploadOrder", true).await;
    assert_eq!(listed().await, names);
}

#[tokio::test]
async fn later_pages_have_a_header_or_not() {
    let client = start().await;
    let account = |name: &str| vec![("Name", Value::text(name))];
    client
        .org
        .seed("Account", ["A", "B"].map(account))
        .expect("accounts");
    let order = json!({ "operation": "query", "query": "SELECT Name FROM Account ORDER BY Name" });
    let job = client
        .post("/services/data/v68.0/jobs/query", &order)
        .await
        .json();
    client.org.clock().advance(Duration::from_mins(3));
    let path = format!(
        "/services/data/v68.0/jobs/query/{}/results?maxRecords=1",
        job["id"].as_str().expect("an id")
    );
    for (on, second) in [(false, "\"Name\"\n\"B\"\n"), (true, "\"B\"\n")] {
        turn(&client, "laterResultPagesWithoutHeader", on).await;
        let page = client.get(&path).await;
        assert_eq!(page.text, "\"Name\"\n\"A\"\n");
        let next = format!("{path}&locator={}", page.header("sforce-locator"));
        let page = client.send(client.request(Method::GET, &next)).await;
        assert_eq!(page.text, second);
    }
}
