//! Allocations of the Bulk API, and who may read them.

use std::time::Duration;

use emulated_org::Options;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

async fn set(client: &Client, allocations: Json) -> u16 {
    let body = json!({ "allocations": allocations });
    client.knob(Method::POST, "/emulator/limits", &body).await.status
}

/// Makes an ingest job of so many contacts; the answer to closing it, and its id.
async fn ingest(client: &Client, rows: usize) -> (u16, Json, String) {
    let order = json!({ "object": "Contact", "operation": "insert" });
    let job = client.post(&format!("{V}/jobs/ingest"), &order).await.json();
    let job = format!("{V}/jobs/ingest/{}", job["id"].as_str().expect("a job"));
    let table = format!("LastName\n{}", "Berg\n".repeat(rows));
    let upload = client
        .request(Method::PUT, &format!("{job}/batches"))
        .header("content-type", "text/csv")
        .body(table);
    assert_eq!(client.send(upload).await.status, 201);
    let closed = client.patch(&job, &json!({ "state": "UploadComplete" })).await;
    (closed.status, closed.json(), job)
}

#[tokio::test]
async fn ingest_batches_of_ten_thousand_rows_are_counted_over_a_day() {
    let mut client = Client::start().await;
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(
        limits["DailyBulkApiBatches"],
        json!({ "Max": 15_000, "Remaining": 15_000 })
    );
    assert_eq!(set(&client, json!({ "DailyBulkApiBatches": 2 })).await, 204);
    assert_eq!(ingest(&client, 10_001).await.0, 200, "two batches");
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(limits["DailyBulkApiBatches"], json!({ "Max": 2, "Remaining": 0 }));
    let (status, body, job) = ingest(&client, 1).await;
    assert_eq!((status, &body[0]["errorCode"]), (400, &json!("LIMIT_EXCEEDED")));
    assert_eq!(
        client.get(&job).await.json()["state"],
        "Open",
        "it may be closed later"
    );
    client.org.clock().advance(Duration::from_secs(24 * 3_600 + 60));
    client.log_in().await;
    let closed = client.patch(&job, &json!({ "state": "UploadComplete" })).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
}

#[tokio::test]
async fn rows_beyond_the_daily_ones_fail_their_job_and_the_earlier_stay() {
    let client = Client::start().await;
    assert_eq!(
        set(&client, json!({ "DailyBulkV2IngestRecords": 450 })).await,
        204
    );
    let (_, _, job) = ingest(&client, 600).await;
    client.org.clock().advance(Duration::from_secs(60));
    let shown = client.get(&job).await.json();
    assert_eq!(shown["state"], "Failed", "{shown}");
    assert_eq!(
        shown["numberRecordsProcessed"], 400,
        "two chunks of 200 had room: {shown}"
    );
    let left = client.get(&format!("{job}/unprocessedrecords")).await.text;
    assert_eq!(left.lines().count(), 201);
}

#[tokio::test]
async fn query_jobs_and_their_megabytes_are_counted_over_a_day() {
    let client = Client::start().await;
    let limits = json!({ "DailyBulkV2QueryJobs": 2, "DailyBulkV2QueryFileStorageMB": 1 });
    assert_eq!(set(&client, limits).await, 204);
    client.create("Account", json!({ "Name": "A" })).await;
    let soql = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
    let job = client.post(&format!("{V}/jobs/query"), &soql).await.json();
    client.org.clock().advance(Duration::from_secs(60));
    let path = format!("{V}/jobs/query/{}", job["id"].as_str().expect("a job"));
    assert_eq!(client.get(&path).await.json()["state"], "JobComplete");
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(
        limits["DailyBulkV2QueryFileStorageMB"],
        json!({ "Max": 1, "Remaining": 0 }),
        "a begun megabyte counts"
    );
    let refused = client.post(&format!("{V}/jobs/query"), &soql).await.refusal();
    assert_eq!(refused, (400, "LIMIT_EXCEEDED".to_owned()));
    assert_eq!(
        set(&client, json!({ "DailyBulkV2QueryFileStorageMB": 9 })).await,
        204
    );
    let refused = client.post(&format!("{V}/jobs/query"), &soql).await.refusal();
    assert_eq!(
        refused.0, 400,
        "the job that was refused for its megabytes was the second"
    );
}

#[tokio::test]
async fn an_allocation_that_does_not_exist_cannot_be_set() {
    let client = Client::start().await;
    assert_eq!(set(&client, json!({ "DailyNothing": 2 })).await, 400);
}

#[tokio::test]
async fn a_full_sandbox_has_five_million_calls() {
    let client = Client::start_with(Options {
        is_sandbox: true,
        ..Options::default()
    })
    .await;
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(limits["DailyApiRequests"]["Max"], 5_000_000);
}

#[tokio::test]
async fn limits_are_told_to_those_who_may_view_setup() {
    let client = Client::start().await;
    let nina = client.token_of_another_user();
    let request = client
        .http
        .get(client.url(&format!("{V}/limits")))
        .bearer_auth(nina);
    let refused = client.send(request).await;
    assert_eq!(refused.refusal(), (403, "INSUFFICIENT_ACCESS".to_owned()));
    assert_eq!(refused.header("sforce-limit-info"), "api-usage=1/110000");
}
