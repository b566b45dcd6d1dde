//! The organisation's clock, as clients and other processes see it.

#![cfg(test)]

use emulated_org::{Clock, Options};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, V};

#[tokio::test]
async fn every_answer_carries_the_organisations_time() {
    let client = Client::start_with(Options {
        clock: Clock::fixed("2031-03-09T08:07:06.900Z".parse().expect("a moment")),
        ..Options::default()
    })
    .await;
    let expected = "Sun, 09 Mar 2031 08:07:06 GMT";
    let long = format!("{V}/query?q={}", "x".repeat(17_000));
    for (path, status) in [
        ("/services/data", 200),
        (V, 200),
        (&format!("{V}/nonsense"), 404),
        ("/services/data/v20.0", 410),
        ("/nowhere", 404),
        ("/services/oauth2/token", 405),
        ("/services/oauth2/userinfo", 200),
        ("/emulator/clock", 200),
        (&long, 414),
    ] {
        let answer = client.get(path).await;
        assert_eq!(
            (answer.status, answer.header("date")),
            (status, expected),
            "{path}"
        );
    }
    let unknown = client.send(client.http.get(client.url(V))).await;
    assert_eq!((unknown.status, unknown.header("date")), (401, expected));
    let refused = client.ask_token("nonsense").await;
    assert_eq!((refused.status, refused.header("date")), (400, expected));
    let broken = client
        .request(Method::POST, &format!("{V}/sobjects/Account"))
        .body("{");
    assert_eq!(client.send(broken).await.header("date"), expected);
    client.org.faults().answer_next(1, 503, "SERVER_UNAVAILABLE");
    let canned = client.get(V).await;
    assert_eq!((canned.status, canned.header("date")), (503, expected));

    client.org.clock().advance(std::time::Duration::from_secs(60));
    assert_eq!(
        client.get(V).await.header("date"),
        "Sun, 09 Mar 2031 08:08:06 GMT"
    );
    client
        .org
        .clock()
        .set("1750-01-01T00:00:00Z".parse().expect("a moment"));
    let old = client.get("/services/data").await;
    assert_eq!(old.header("date"), "Thu, 01 Jan 1750 00:00:00 GMT");
}

#[tokio::test]
async fn a_clock_moved_to_the_end_of_time_stops_there() {
    for clock in [
        Clock::system(),
        Clock::fixed("2026-11-22T00:00:00Z".parse().expect("a moment")),
    ] {
        let client = Client::start_with(Options {
            clock,
            ..Options::default()
        })
        .await;
        for _ in 0..2 {
            let answer = client
                .knob(
                    Method::POST,
                    "/emulator/clock",
                    &json!({ "advanceSeconds": u64::MAX }),
                )
                .await;
            assert_eq!(answer.status, 200, "{}", answer.text);
        }
        let now = client.org.clock().now().to_rfc3339();
        assert!(
            now.starts_with("3999-12-31T23:59:59") || now.starts_with("4000-01-01T00:00:"),
            "{now}"
        );
        assert_eq!(client.get("/services/data").await.status, 200);
    }
}
