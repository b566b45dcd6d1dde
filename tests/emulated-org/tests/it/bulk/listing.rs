//! The lists of jobs.
#![cfg(test)]

use std::time::Duration;

use emulated_org::limits::Allocation;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{completed, create, start};
use crate::client::{Client, V};

async fn classic(client: &Client, operation: &str, chunked: bool) {
    let body = json!({ "operation": operation, "object": "Contact", "contentType": "CSV" });
    let mut request = client
        .http
        .request(Method::POST, client.url("/services/async/68.0/job"))
        .header("X-SFDC-Session", &client.token);
    if chunked {
        request = request.header("Sforce-Enable-PKChunking", "chunkSize=1000");
    }
    assert_eq!(client.send(request.json(&body)).await.status, 201);
}

async fn listed(client: &Client, path: &str) -> Vec<(String, String)> {
    let list = client.get(&format!("{V}/jobs/{path}")).await.json();
    let jobs = list["records"].as_array().unwrap();
    let text = |job: &Json, name: &str| job[name].as_str().unwrap().to_owned();
    jobs.iter()
        .map(|job| (text(job, "jobType"), text(job, "operation")))
        .collect()
}

fn job(kind: &str, operation: &str) -> (String, String) {
    (kind.to_owned(), operation.to_owned())
}

#[tokio::test]
async fn both_lists_show_classic_jobs_and_can_be_narrowed() {
    let client = start().await;
    create(
        &client,
        json!({ "operation": "query", "query": "SELECT Id FROM Account" }),
    )
    .await;
    let ingest = json!({ "object": "Account", "operation": "insert" });
    client.post(&format!("{V}/jobs/ingest"), &ingest).await;
    classic(&client, "insert", false).await;
    classic(&client, "query", true).await;
    let both = [job("Classic", "insert"), job("Classic", "query")];
    let all = |own: (String, String)| [vec![own], both.to_vec()].concat();
    assert_eq!(listed(&client, "query").await, all(job("V2Query", "query")));
    assert_eq!(listed(&client, "ingest").await, all(job("V2Ingest", "insert")));
    assert_eq!(listed(&client, "query?jobType=Classic").await, both);
    assert_eq!(
        listed(&client, "ingest?jobType=V2Ingest").await,
        [job("V2Ingest", "insert")]
    );
    for list in ["query", "ingest"] {
        let chunked = listed(&client, &format!("{list}?isPkChunkingEnabled=true")).await;
        assert_eq!(chunked, [job("Classic", "query")]);
    }
    client.org.clock().advance(Duration::from_hours(7 * 24));
    assert_eq!(listed(&client, "ingest").await, []);
}

#[tokio::test]
async fn a_list_has_a_thousand_jobs_and_leads_on() {
    let client = start().await;
    let limits = &client.org.org().limits;
    limits.set_maximum(Allocation::DailyApiRequests, 10_000);
    let ingest = json!({ "object": "Account", "operation": "insert" });
    for _ in 0..1_001 {
        client.post(&format!("{V}/jobs/ingest"), &ingest).await;
    }
    let first = client
        .get(&format!("{V}/jobs/ingest?jobType=V2Ingest"))
        .await
        .json();
    assert_eq!(
        (first["records"].as_array().unwrap().len(), &first["done"]),
        (1_000, &json!(false))
    );
    let next = first["nextRecordsUrl"].as_str().unwrap();
    assert!(next.contains("jobType=V2Ingest"), "{next}");
    let second = client.get(next).await.json();
    assert_eq!(
        (second["records"].as_array().unwrap().len(), &second["done"]),
        (1, &json!(true))
    );
}

#[tokio::test]
async fn results_fill_the_daily_storage() {
    let client = start().await;
    super::seed_accounts(&client, ["Acme".to_owned()]);
    let limits = &client.org.org().limits;
    limits.set_maximum(Allocation::DailyBulkV2QueryFileStorageMB, 1);
    let soql = "SELECT Id FROM Account";
    let job = completed(&client, soql).await;
    for _ in 0..2 {
        assert_eq!(client.get(&format!("{job}/results")).await.status, 200);
    }
    let shown = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(
        shown["DailyBulkV2QueryFileStorageMB"],
        json!({ "Max": 1, "Remaining": 0 })
    );
    let body = json!({ "operation": "query", "query": soql });
    let refused = client.post(&format!("{V}/jobs/query"), &body).await;
    assert_eq!(refused.refusal(), (400, "LIMIT_EXCEEDED".to_owned()));
    client.org.clock().advance(Duration::from_hours(25));
    assert_eq!(client.post(&format!("{V}/jobs/query"), &body).await.status, 200);
}
