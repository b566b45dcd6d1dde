//! Which records changed or were deleted in a span of time.

#![cfg(test)]

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};
use crate::crud::with_keys;

fn span(kind: &str, start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    let text = |moment: DateTime<Utc>| moment.format("%Y-%m-%dT%H:%M:%S%%2B00:00").to_string();
    format!(
        "{V}/sobjects/Account/{kind}/?start={}&end={}",
        text(start),
        text(end)
    )
}

async fn ask(client: &Client, kind: &str, start: DateTime<Utc>, end: DateTime<Utc>) -> Answer {
    client.get(&span(kind, start, end)).await
}

#[tokio::test]
async fn changes_are_reported_by_whole_minutes() {
    let client = with_keys().await;
    let start = client.org.clock().now();
    let first = client.create("Account", json!({ "Name": "A" })).await;
    client.org.clock().advance(Duration::from_secs(600));
    let second = client.create("Account", json!({ "Name": "B" })).await;
    client.org.clock().advance(Duration::from_secs(600));
    let now = client.org.clock().now();

    let all = ask(&client, "updated", start, now).await.json();
    assert_eq!(
        all,
        json!({ "ids": [first, second], "latestDateCovered": "2026-11-18T11:26:00.000+0000" })
    );
    let late = ask(&client, "updated", start + TimeDelta::seconds(300), now)
        .await
        .json();
    assert_eq!(late["ids"], json!([second]));
    // The end is cut to the minute and lies outside of the span; what is to come is not covered.
    let early = ask(&client, "updated", start, start + TimeDelta::seconds(601))
        .await
        .json();
    assert_eq!(early["ids"], json!([first]));
    let ahead = ask(&client, "updated", start, now + TimeDelta::days(1))
        .await
        .json();
    assert_eq!(ahead["latestDateCovered"], "2026-11-18T11:26:00.000+0000");
}

#[tokio::test]
async fn deletions_are_reported_until_the_log_is_purged() {
    let client = with_keys().await;
    let start = client.org.clock().now();
    let id = client.create("Account", json!({ "Name": "A" })).await;
    client.create("Account", json!({ "Name": "B" })).await;
    client.org.clock().advance(Duration::from_secs(60));
    client.delete(&format!("{V}/sobjects/Account/{id}")).await;
    client.org.clock().advance(Duration::from_secs(300));
    let now = client.org.clock().now();
    let body = ask(&client, "deleted", start, now).await.json();
    assert_eq!(
        body["deletedRecords"],
        json!([{ "deletedDate": "2026-11-18T11:07:40.000+0000", "id": id }])
    );
    assert_eq!(body["latestDateCovered"], "2026-11-18T11:12:00.000+0000");
    assert_eq!(body["earliestDateAvailable"], "2026-11-03T11:12:00.000+0000");
    let updated = ask(&client, "updated", start, now).await.json();
    assert_eq!(
        updated["ids"].as_array().map(Vec::len),
        Some(1),
        "a deleted record is not an updated one"
    );

    client.org.org().purge_recycle_bin();
    let purged = ask(&client, "deleted", start, now).await.json();
    assert_eq!(
        (&purged["deletedRecords"], &purged["earliestDateAvailable"]),
        (&json!([]), &json!("2026-11-18T11:12:00.000+0000"))
    );
}

#[tokio::test]
async fn spans_that_make_no_sense_or_reach_too_far_back_are_refused() {
    let client = with_keys().await;
    let now = client.org.clock().now();
    let refused = (400, "INVALID_REPLICATION_DATE".to_owned());
    for (kind, days) in [("updated", 30), ("deleted", 15)] {
        let edge = now - TimeDelta::days(days);
        assert_eq!(ask(&client, kind, edge, now).await.status, 200, "{kind}");
        assert_eq!(
            ask(&client, kind, edge - TimeDelta::minutes(1), now)
                .await
                .refusal(),
            refused,
            "{kind}"
        );
        assert_eq!(ask(&client, kind, now, now).await.refusal(), refused, "{kind}");
        for (seconds, status) in [(60, 400), (61, 200)] {
            let start = now - TimeDelta::seconds(seconds);
            assert_eq!(
                ask(&client, kind, start, now).await.status,
                status,
                "{kind} {seconds}"
            );
        }
        assert_eq!(
            ask(&client, kind, now, now - TimeDelta::hours(1)).await.refusal(),
            refused,
            "{kind}"
        );
        let no_dates = client.get(&format!("{V}/sobjects/Account/{kind}")).await;
        assert_eq!(no_dates.refusal(), (400, "MISSING_ARGUMENT".to_owned()));
        let nonsense = client
            .get(&format!("{V}/sobjects/Account/{kind}?start=yesterday&end=today"))
            .await;
        assert_eq!(nonsense.refusal(), refused);
    }
    let object = json!({
        "name": "Log__c", "keyPrefix": "a99", "replicateable": false, "fields": [{ "name": "Id", "type": "id" }],
    });
    let object = serde_json::from_value(object).expect("an object");
    client
        .org
        .org()
        .change_schema(|schema| schema.add_object(object))
        .expect("the object is added");
    let log = client
        .get(&span("updated", now - TimeDelta::hours(1), now).replace("Account", "Log__c"))
        .await;
    assert_eq!(log.refusal(), (400, "INVALID_TYPE".to_owned()));
}

#[tokio::test]
async fn children_deleted_along_are_reported_too() {
    let client = with_keys().await;
    let start = client.org.clock().now();
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let contact = client
        .create("Contact", json!({ "LastName": "C", "AccountId": account }))
        .await;
    client.delete(&format!("{V}/sobjects/Account/{account}")).await;
    client.org.clock().advance(Duration::from_secs(120));
    let path = span("deleted", start, client.org.clock().now()).replace("Account", "Contact");
    let deleted: Vec<Json> = client.get(&path).await.json()["deletedRecords"]
        .as_array()
        .cloned()
        .expect("records");
    assert_eq!(
        deleted.iter().map(|record| &record["id"]).collect::<Vec<_>>(),
        [&json!(contact)]
    );
}
