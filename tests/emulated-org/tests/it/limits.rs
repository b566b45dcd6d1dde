//! The daily limit, and what counts against it.

#![cfg(test)]

use std::time::Duration;

use emulated_org::Options;
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
async fn editions_have_their_allocations() {
    let options = Options {
        edition: emulated_org::Edition::Developer,
        ..Options::default()
    };
    let client = Client::start_with(options).await;
    let limits = client.get(&format!("{V}/limits")).await.json();
    assert_eq!(limits["DailyApiRequests"]["Max"], 15_000);
}
