//! The daily limit, and what counts against it.

#![cfg(test)]

mod allocations;
mod concurrency;

use std::time::Duration;

use emulated_org::Options;
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, V};

#[tokio::test]
async fn every_request_counts_once_and_says_so() {
    let client = Client::start_with(Options {
        daily_api_limit: Some(1_000),
        ..Options::default()
    })
    .await;
    for used in 1..=3 {
        let answer = client.get(&format!("{V}/sobjects")).await;
        assert_eq!(
            answer.header("sforce-limit-info"),
            format!("api-usage={used}/1000")
        );
    }
    let wrong = client.get(&format!("{V}/nonsense")).await;
    assert_eq!(
        wrong.header("sforce-limit-info"),
        "api-usage=4/1000",
        "an error is a request too"
    );
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(
        limits["DailyApiRequests"],
        json!({ "Max": 1_000, "Remaining": 995 })
    );
    for name in [
        "DailyBulkV2QueryJobs",
        "DailyBulkV2QueryFileStorageMB",
        "DailyBulkApiBatches",
        "DataStorageMB",
    ] {
        assert!(
            limits[name]["Max"].is_u64() && limits[name]["Remaining"].is_u64(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn past_the_limit_everything_is_refused_until_a_day_has_passed() {
    let mut client = Client::start_with(Options {
        daily_api_limit: Some(2),
        ..Options::default()
    })
    .await;
    assert_eq!(client.get(V).await.status, 200);
    client.org.clock().advance(Duration::from_secs(3_600));
    assert_eq!(client.get(V).await.status, 200);
    let refused = client
        .post(&format!("{V}/sobjects/Account"), &json!({ "Name": "A" }))
        .await;
    let (status, code, message, _) = refused.error();
    assert_eq!((status, code.as_str()), (403, "REQUEST_LIMIT_EXCEEDED"));
    assert_eq!(message, "TotalRequests Limit exceeded.");
    assert_eq!(refused.header("sforce-limit-info"), "api-usage=2/2");
    assert!(
        client
            .org
            .org()
            .read()
            .table("Account")
            .expect("accounts")
            .is_empty(),
        "the write did not happen"
    );

    client.org.clock().advance(Duration::from_secs(23 * 3_600 + 60));
    client.log_in().await;
    assert_eq!(
        client.get(V).await.status,
        200,
        "the first request has left the window"
    );
    assert_eq!(client.get(V).await.status, 403, "the second has not");
}

#[tokio::test]
async fn past_the_limit_no_kind_of_call_gets_through() {
    let mut client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let soql = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
    let job = client.post(&format!("{V}/jobs/query"), &soql).await.json();
    let job = format!("{V}/jobs/query/{}", job["id"].as_str().expect("a job"));
    client.org.clock().advance(Duration::from_secs(60));
    assert_eq!(client.get(&format!("{job}/results")).await.status, 200);
    let answer = client.get(&format!("{V}/limits")).await;
    assert_eq!(
        answer.header("sforce-limit-info"),
        "api-usage=4/110000",
        "Bulk calls count"
    );
    assert_eq!(
        answer.json()["DailyApiRequests"],
        json!({ "Max": 110_000, "Remaining": 109_996 })
    );
    let bulk_jobs = &answer.json()["DailyBulkV2QueryJobs"];
    assert_eq!(
        bulk_jobs["Max"].as_u64(),
        bulk_jobs["Remaining"].as_u64().map(|left| left + 1)
    );

    client.org.set_daily_api_limit(4);
    let (get, post) = (Method::GET, Method::POST);
    let record = json!({ "attributes": { "type": "Account", "referenceId": "r" }, "Name": "B" });
    let records = json!({ "records": [record] });
    let span = "start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z";
    for (method, path, body) in [
        (&get, V.to_owned(), json!(null)),
        (&get, format!("{V}/limits"), json!(null)),
        (&get, format!("{V}/sobjects/Account/describe"), json!(null)),
        (&get, format!("{V}/sobjects/Account/{id}"), json!(null)),
        (&get, format!("{V}/sobjects/Account/updated?{span}"), json!(null)),
        (&get, format!("{V}/query?q=SELECT+Id+FROM+Account"), json!(null)),
        (&get, format!("{V}/nonsense"), json!(null)),
        (&get, format!("{job}/results"), json!(null)),
        (&get, job.clone(), json!(null)),
        (&post, format!("{V}/jobs/query"), soql.clone()),
        (&post, format!("{V}/sobjects/Account"), json!({ "Name": "B" })),
        (&post, format!("{V}/composite/sobjects"), records.clone()),
        (&post, format!("{V}/composite/tree/Account"), records.clone()),
        (
            &Method::PATCH,
            format!("{V}/sobjects/Account/{id}"),
            json!({ "Name": "B" }),
        ),
        (&Method::DELETE, format!("{V}/sobjects/Account/{id}"), json!(null)),
        (&Method::DELETE, job.clone(), json!(null)),
    ] {
        let answer = client
            .send(client.request(method.clone(), &path).json(&body))
            .await;
        assert_eq!(
            answer.refusal(),
            (403, "REQUEST_LIMIT_EXCEEDED".to_owned()),
            "{method} {path}"
        );
        assert_eq!(answer.header("sforce-limit-info"), "api-usage=4/4");
    }
    let versions = client.get("/services/data").await;
    assert_eq!((versions.status, versions.header("sforce-limit-info")), (200, ""));
    client.log_in().await;

    client.org.set_daily_api_limit(8);
    let name = client.read("Account", &id).await["Name"].clone();
    assert_eq!(name, "A", "nothing was written past the limit");
    client.org.clock().advance(Duration::from_secs(24 * 3_600 + 60));
    client.log_in().await;
    let answer = client.get(&format!("{V}/limits")).await;
    assert_eq!(answer.header("sforce-limit-info"), "api-usage=1/8");
    assert_eq!(
        answer.json()["DailyApiRequests"],
        json!({ "Max": 8, "Remaining": 7 })
    );
}

#[tokio::test]
async fn what_was_spent_before_a_clock_was_set_back_is_freed_in_its_time() {
    let mut client = Client::start().await;
    let now = client.org.clock().now();
    client.org.clock().set(now + chrono::TimeDelta::hours(10));
    client.log_in().await;
    client.get(V).await;
    client.org.clock().set(now);
    client.log_in().await;
    assert_eq!(
        client.get(V).await.header("sforce-limit-info"),
        "api-usage=2/110000"
    );
    client.org.clock().set(now + chrono::TimeDelta::hours(30));
    client.log_in().await;
    assert_eq!(
        client.get(V).await.header("sforce-limit-info"),
        "api-usage=2/110000"
    );
}

#[tokio::test]
async fn editions_have_their_allocations() {
    let options = Options {
        edition: emulated_org::Edition::Developer,
        ..Options::default()
    };
    let client = Client::start_with(options).await;
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(limits["DailyApiRequests"]["Max"], 15_000);
}

#[tokio::test]
async fn record_counts_are_told_of_the_objects_asked_for() {
    let client = Client::start().await;
    for name in ["One", "Two"] {
        client.create("Account", json!({ "Name": name })).await;
    }
    let path = format!("{V}/limits/recordCount?sObjects=Account,Nothing__c,Lead");
    let counts = client.get(&path).await;
    assert_eq!(counts.status, 200, "{}", counts.text);
    assert_eq!(
        counts.json(),
        json!({ "sObjects": [{ "count": 2, "name": "Account" }, { "count": 0, "name": "Lead" }] })
    );
    let all = client.get(&format!("{V}/limits/recordCount")).await.json();
    let all = all["sObjects"].as_array().expect("counts");
    assert!(all.iter().any(|count| count["name"] == "Contact"));
    let old = client
        .get("/services/data/v39.0/limits/recordCount")
        .await
        .refusal();
    assert_eq!(old, (404, "NOT_FOUND".to_owned()));
}
