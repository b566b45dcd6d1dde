//! Long requests at once.

use std::sync::Arc;
use std::time::Duration;

use emulated_org::options::Edition;
use emulated_org::{Options, Switches};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, V};

const REFUSED: (u16, &str) = (403, "REQUEST_LIMIT_EXCEEDED");

#[tokio::test]
async fn a_sixth_request_is_refused_while_five_are_long_in_developer_edition() {
    let client = Client::start_with(Options {
        edition: Edition::Developer,
        ..Options::default()
    })
    .await;
    let client = Arc::new(client);
    client.org.faults().delay(Duration::from_secs(3));
    let slow: Vec<_> = (0..5)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.get(&format!("{V}/sobjects")).await.status })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.org.faults().delay(Duration::ZERO);
    assert_eq!(client.get(V).await.status, 200, "none is long yet");
    client.org.clock().advance(Duration::from_secs(20));
    let spent = client.get("/emulator/org").await.json();
    assert_eq!(
        spent["concurrentLongRequests"],
        json!({ "used": 5, "maximum": 5 })
    );

    let refused = client.get(V).await;
    let (status, code, message, _) = refused.error();
    assert_eq!((status, code.as_str()), REFUSED);
    assert_eq!(message, "ConcurrentPerOrgLongTxn Limit exceeded.");
    assert_eq!(
        refused.header("sforce-limit-info"),
        "api-usage=1/15000",
        "a refused request costs nothing"
    );
    for request in slow {
        assert_eq!(request.await.expect("an answer"), 200, "those under way go on");
    }
    assert_eq!(client.get(V).await.status, 200);
}

#[tokio::test]
async fn long_requests_of_others_can_be_pretended() {
    let client = Client::start_with(Options {
        switches: Switches {
            concurrent_requests_in_old_words: true,
            ..Switches::default()
        },
        ..Options::default()
    })
    .await;
    let pretend = |of_others: u32| json!({ "longRequests": of_others });
    client.knob(Method::POST, "/emulator/faults", &pretend(24)).await;
    assert_eq!(client.get(V).await.status, 200);
    client.knob(Method::POST, "/emulator/faults", &pretend(25)).await;
    let (status, code, message, _) = client.get(V).await.error();
    assert_eq!((status, code.as_str()), REFUSED);
    assert_eq!(
        message,
        "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    );
    let classic = client
        .http
        .get(client.url("/services/async/68.0/job/750000000000001AAA"))
        .header("x-sfdc-session", &client.token);
    let classic = client.send(classic).await;
    assert!(classic.text.contains("ExceededQuota"), "{}", classic.text);
    client
        .knob(Method::DELETE, "/emulator/faults", &json!(null))
        .await;
    assert_eq!(client.get(V).await.status, 200);
}
