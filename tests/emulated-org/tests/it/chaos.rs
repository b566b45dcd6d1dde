//! Trouble by chance, as a client meets it.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};

async fn chaos(client: &Client, percent: u8, kinds: Json) {
    let settings =
        json!({ "chaos": { "percent": percent, "seed": 5, "kinds": kinds, "mostDelayMilliseconds": 20 } });
    let answer = client.knob(Method::POST, "/emulator/faults", &settings).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

fn accounts(client: &Client) -> usize {
    client.org.org().read().table("Account").expect("accounts").len()
}

/// One write; `None` where the connection was cut.
async fn write(client: &Client) -> Option<Answer> {
    let request = client
        .request(Method::POST, &format!("{V}/sobjects/Account"))
        .json(&json!({ "Name": "A" }));
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Some(Answer {
        status,
        headers,
        text: response.text().await.ok()?,
    })
}

#[tokio::test]
async fn each_kind_of_trouble_looks_as_it_does_in_life() {
    let client = Client::start().await;
    for (kind, status, code) in [
        ("serverUnavailable", 503, "SERVER_UNAVAILABLE"),
        ("unknownException", 500, "UNKNOWN_EXCEPTION"),
        ("concurrentLimit", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("lockedRows", 400, "UNABLE_TO_LOCK_ROW"),
    ] {
        chaos(&client, 100, json!([kind])).await;
        let refused = write(&client).await.expect("an answer");
        assert_eq!(refused.refusal(), (status, code.to_owned()));
    }
    chaos(&client, 100, json!(["cutBefore"])).await;
    assert!(write(&client).await.is_none());
    assert_eq!(accounts(&client), 0, "none of them did the work");

    chaos(&client, 100, json!(["cutAfter"])).await;
    assert!(write(&client).await.is_none());
    assert_eq!(accounts(&client), 1);
    chaos(&client, 100, json!(["delay"])).await;
    assert_eq!(write(&client).await.expect("an answer").status, 201);
    chaos(&client, 100, json!(["badGateway"])).await;
    for _ in 0..20 {
        let page = write(&client).await.expect("an answer");
        assert_eq!(
            (page.status, page.header("content-type")),
            (502, "text/html; charset=utf-8")
        );
    }
    let done = accounts(&client) - 2;
    assert!((1..20).contains(&done), "{done} of 20 did their work");
    chaos(&client, 100, json!(["lockedRows"])).await;
    assert_eq!(client.get(V).await.status, 200, "reads lock nothing");
    chaos(&client, 0, json!([])).await;
    assert_eq!(write(&client).await.expect("an answer").status, 201);

    let counts = client
        .knob(Method::GET, "/emulator/faults", &json!({}))
        .await
        .json();
    assert_eq!(
        (&counts["chaos"]["badGateway"], &counts["chaos"]["cutAfter"]),
        (&json!(20), &json!(1))
    );
}

#[tokio::test]
async fn an_expired_session_stays_expired() {
    let mut client = Client::start().await;
    chaos(&client, 100, json!(["expiredToken"])).await;
    let expired = (401, "INVALID_SESSION_ID".to_owned());
    assert_eq!(client.get(V).await.refusal(), expired);
    chaos(&client, 0, json!([])).await;
    assert_eq!(client.get(V).await.refusal(), expired);
    client.log_in().await;
    assert_eq!(client.get(V).await.status, 200);
}

#[tokio::test]
async fn a_client_that_repeats_itself_gets_through_a_third_of_trouble() {
    let mut client = Client::start().await;
    let settings = json!({ "chaos": { "percent": 30, "seed": 11, "mostDelayMilliseconds": 5 } });
    client.knob(Method::POST, "/emulator/faults", &settings).await;
    let mut sent = 0;
    for _ in 0..100 {
        loop {
            sent += 1;
            assert!(sent < 1_000, "trouble without end");
            match write(&client).await {
                Some(answer) if answer.status == 201 => break,
                Some(answer) if answer.status == 401 => client.log_in().await,
                _ => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    }
    let counts = client
        .knob(Method::GET, "/emulator/faults", &json!({}))
        .await
        .json();
    let kinds = counts["chaos"].as_object().expect("counts");
    assert!(kinds.len() >= 7, "{counts}");
    let troubles: u64 = kinds.values().filter_map(Json::as_u64).sum();
    assert!(
        troubles * 10 >= sent * 2 && troubles * 10 <= sent * 4,
        "{troubles} of {sent}"
    );
    assert!(
        accounts(&client) > 100,
        "some writes took place without an answer"
    );
}

#[tokio::test]
async fn a_share_has_at_most_a_hundred_percent() {
    let client = Client::start().await;
    for name in ["chaos", "lockedRows"] {
        let refused = client
            .knob(
                Method::POST,
                "/emulator/faults",
                &json!({ name: { "percent": 101 } }),
            )
            .await
            .error();
        assert_eq!(
            refused.2,
            format!("{name}.percent must be from 0 to 100, not 101")
        );
    }
}
