//! Rows that commit later than their stamps, as those see them who read by stamps.
#![cfg(test)]

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::client::{Client, V};
use crate::ingest::start;
use crate::people::{NINA, nina};

/// The names of accounts whose SystemModstamp fits.
async fn names(client: &Client, condition: &str) -> Vec<String> {
    let soql = format!("SELECT Name FROM Account WHERE SystemModstamp {condition} ORDER BY Name");
    let request = client
        .request(Method::GET, &format!("{V}/query"))
        .query(&[("q", &soql)]);
    let answer = client.send(request).await.json();
    let records = answer["records"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer}"))
        .iter();
    records
        .map(|record| record["Name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// An organisation in which Nina begins to make an account and to change another at 12:00:10, which commits at
/// 12:02:10; a third is made at 12:01:10, when the clock stops.
async fn begun() -> (Client, String) {
    let client = start().await;
    nina(&client).await;
    let changed = client.create("Account", json!({ "Name": "Old" })).await;
    client.org.clock().advance(Duration::from_secs(10));
    let acts = json!({
        "as": NINA,
        "deeds": [
            { "create": { "object": "Account", "fields": { "Name": "Late" } } },
            { "update": { "id": changed, "fields": { "Name": "Later" } } },
        ],
        "commitAfterMilliseconds": 120_000,
    });
    let answer = client.knob(Method::POST, "/emulator/people", &acts).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    client.org.clock().advance(Duration::from_mins(1));
    client.create("Account", json!({ "Name": "Prompt" })).await;
    (client, changed)
}

#[tokio::test]
async fn a_cursor_that_follows_the_stamps_misses_them_and_an_overlap_finds_them() {
    let (client, changed) = begun().await;
    let since = "> 2026-02-18T12:00:05Z";
    assert_eq!(
        names(&client, since).await,
        ["Prompt"],
        "the others are not committed"
    );
    assert_eq!(
        names(&client, "= 2026-02-18T12:00:00Z").await,
        ["Old"],
        "as it was before"
    );
    client.org.clock().advance(Duration::from_mins(1));
    assert_eq!(
        names(&client, "> 2026-02-18T12:01:10Z").await,
        Vec::<String>::new(),
        "missed"
    );
    assert_eq!(
        names(&client, since).await,
        ["Late", "Later", "Prompt"],
        "seen by looking back"
    );
    assert_eq!(
        client.read("Account", &changed).await["SystemModstamp"],
        "2026-02-18T12:00:10.000+0000"
    );
}

#[tokio::test]
async fn the_updated_call_lists_them_in_the_minute_of_their_stamps() {
    let (client, changed) = begun().await;
    let updated = async |start: &str, end: &str| {
        let path = format!("{V}/sobjects/Account/updated/?start=2026-02-18T{start}Z&end=2026-02-18T{end}Z");
        let answer = client.get(&path).await.json();
        answer["ids"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .clone()
    };
    client.org.clock().advance(Duration::from_secs(55));
    let before = updated("12:00:00", "12:02:00").await;
    assert_eq!(before.len(), 2, "{before:?}");
    client.org.clock().advance(Duration::from_mins(2));
    assert!(updated("12:02:00", "12:04:00").await.is_empty());
    let after = updated("12:00:00", "12:02:00").await;
    assert!(after.len() == 3 && after.contains(&json!(changed)), "{after:?}");
}

#[tokio::test]
async fn a_bulk_query_that_ran_before_the_commit_has_not_got_them() {
    let (client, _) = begun().await;
    let accounts = async || {
        let job = json!({ "operation": "query", "query": "SELECT Name FROM Account ORDER BY Name" });
        let job = client.post(&format!("{V}/jobs/query"), &job).await.json();
        let id = job["id"].as_str().expect("an id");
        client.org.clock().advance(Duration::from_secs(10));
        client.get(&format!("{V}/jobs/query/{id}/results")).await.text
    };
    assert_eq!(accounts().await, "\"Name\"\n\"Old\"\n\"Prompt\"\n");
    client.org.clock().advance(Duration::from_mins(1));
    assert_eq!(accounts().await, "\"Name\"\n\"Late\"\n\"Later\"\n\"Prompt\"\n");
}
