//! Trouble on demand, the log, and the knobs over HTTP.

#![cfg(test)]

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

fn accounts(client: &Client) -> usize {
    client.org.org().read().table("Account").expect("accounts").len()
}

#[tokio::test]
async fn a_cut_loses_the_answer_but_not_the_write() {
    let client = Client::start().await;
    client.org.faults().cut_after_next_writes(2);
    assert_eq!(client.get(V).await.status, 200, "reads are not cut");
    let refused = client.post(&format!("{V}/sobjects/Account"), &json!({})).await;
    assert_eq!(refused.status, 400, "what was not written is not cut");
    for written in 1..=2 {
        let request = client
            .request(Method::POST, &format!("{V}/sobjects/Account"))
            .json(&json!({ "Name": "A" }));
        let error = request.send().await.expect_err("no answer comes");
        assert!(error.is_request() && !error.is_timeout(), "{error:?}");
        assert_eq!(accounts(&client), written);
    }
    client.create("Account", json!({ "Name": "B" })).await;
    assert_eq!(accounts(&client), 3);
    let cut = client
        .org
        .request_log()
        .latest()
        .iter()
        .filter(|request| request.status == 0)
        .count();
    assert_eq!(cut, 2);
}

#[tokio::test]
async fn every_kind_of_write_can_be_cut() {
    let client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let record = json!({ "attributes": { "type": "Account", "referenceId": "r" }, "Name": "B" });
    let requests = [
        client
            .request(Method::PATCH, &format!("{V}/sobjects/Account/{id}"))
            .json(&json!({ "Name": "C" })),
        client
            .request(Method::POST, &format!("{V}/composite/sobjects"))
            .json(&json!({ "records": [record] })),
        client
            .request(Method::POST, &format!("{V}/composite/tree/Account"))
            .json(&json!({ "records": [record] })),
        client.request(Method::DELETE, &format!("{V}/sobjects/Account/{id}")),
    ];
    client.org.faults().cut_after_next_writes(4);
    for request in requests {
        request.send().await.expect_err("no answer comes");
    }
    assert_eq!(accounts(&client), 3);

    let jobs = format!("{V}/jobs/query");
    let job = json!({ "operation": "query", "query": "SELECT Id FROM Account" });
    client.org.faults().cut_after_next_writes(1);
    let create = client.request(Method::POST, &jobs).json(&job);
    create.send().await.expect_err("no answer comes");
    let listed = client.get(&jobs).await.json()["records"].clone();
    let job_id = listed[0]["id"].as_str().expect("the job was created").to_owned();
    let path = format!("{jobs}/{job_id}");
    client.org.faults().cut_after_next_writes(1);
    let wrong = json!({ "operation": "query", "query": "SELECT Nope FROM Account" });
    assert_eq!(
        client.post(&jobs, &wrong).await.status,
        400,
        "a job that is refused is not cut"
    );
    client.org.clock().advance(Duration::from_secs(60));
    let delete = client.request(Method::DELETE, &path);
    delete.send().await.expect_err("no answer comes");
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(
        client
            .get(&format!("{V}/sobjects/Account/{id}"))
            .await
            .refusal()
            .1,
        "ENTITY_IS_DELETED"
    );
}

#[tokio::test]
async fn canned_errors_answer_instead_of_the_work_and_then_end() {
    let client = Client::start().await;
    client.org.faults().answer_next(1, 503, "SERVER_UNAVAILABLE");
    client.org.faults().answer_next(1, 400, "UNABLE_TO_LOCK_ROW");
    let create = || client.post_owned(format!("{V}/sobjects/Account"), json!({ "Name": "A" }));
    assert_eq!(create().await.refusal(), (503, "SERVER_UNAVAILABLE".to_owned()));
    assert_eq!(create().await.refusal(), (400, "UNABLE_TO_LOCK_ROW".to_owned()));
    assert_eq!(accounts(&client), 0);
    assert_eq!(create().await.status, 201);
}

#[tokio::test]
async fn a_long_row_of_canned_errors_costs_no_memory_and_their_status_must_be_an_error() {
    let client = Client::start().await;
    let canned = |requests: u32, status: u16| json!({ "answerNext": { "requests": requests, "status": status, "code": "SERVER_UNAVAILABLE" } });
    let knob = async |body: Json| client.knob(Method::POST, "/emulator/faults", &body).await.status;
    // Four billion stored answers would take longer, and more memory, than any machine here has.
    assert_eq!(knob(canned(u32::MAX, 503)).await, 204);
    for _ in 0..3 {
        assert_eq!(client.get(V).await.status, 503);
    }
    client.org.faults().clear();
    for status in [0, 101, 200, 600] {
        assert_eq!(knob(canned(1, status)).await, 400, "{status}");
    }
    assert_eq!(client.get(V).await.status, 200);
}

#[tokio::test]
async fn made_up_paths_share_one_line_of_the_log() {
    let client = Client::start().await;
    client.org.request_log().clear();
    for index in 0..20 {
        client.get(&format!("/nowhere/{index}")).await;
        client.get(&format!("{V}/nowhere/{index}")).await;
    }
    assert_eq!(client.org.request_log().total(), 40);
    assert!(client.org.request_log().counts().len() <= 2);
}

#[tokio::test]
async fn a_delay_holds_every_answer_back() {
    let client = Client::start().await;
    client.org.faults().delay(Duration::from_millis(120));
    let begun = Instant::now();
    assert_eq!(client.get(V).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(120));
    client.org.faults().clear();
}

#[tokio::test]
async fn requests_are_counted_by_method_and_route() {
    let client = Client::start().await;
    client.org.request_log().clear();
    let id = client.create("Account", json!({ "Name": "A" })).await;
    client.read("Account", &id).await;
    client.read("Account", &id).await;
    let log = client.org.request_log();
    assert_eq!(log.count("POST", "/services/data/{version}/sobjects/{object}"), 1);
    assert_eq!(
        log.count("GET", "/services/data/{version}/sobjects/{object}/{id}"),
        2
    );
    assert_eq!(log.total(), 3);
    let last = log.latest().pop().expect("a request");
    assert_eq!(
        (last.uri.as_str(), last.status),
        (format!("{V}/sobjects/Account/{id}").as_str(), 200)
    );
}

#[tokio::test]
async fn other_processes_turn_the_same_knobs_over_http() {
    let client = Client::start().await;
    let knob = async |method: Method, path: &str, body: Json| client.knob(method, path, &body).await;
    let set = knob(
        Method::POST,
        "/emulator/clock",
        json!({ "set": "2030-01-01T00:00:00Z" }),
    )
    .await
    .json();
    assert!(
        set["now"]
            .as_str()
            .is_some_and(|now| now.starts_with("2030-01-01T00:00:0")),
        "{set}"
    );
    knob(Method::POST, "/emulator/clock", json!({ "advanceSeconds": 3600 })).await;
    assert!(
        client
            .org
            .clock()
            .now()
            .to_rfc3339()
            .starts_with("2030-01-01T01:00:0")
    );
    knob(
        Method::POST,
        "/emulator/clock",
        json!({ "set": "2026-11-22T00:00:00Z" }),
    )
    .await;

    let mut client2 = Client {
        org: client.org,
        http: client.http.clone(),
        token: String::new(),
    };
    client2.log_in().await;
    let client = client2;
    let knob = async |method: Method, path: &str, body: Json| client.knob(method, path, &body).await;
    let answer = json!({ "requests": 1, "status": 500, "code": "UNKNOWN_EXCEPTION" });
    let faults = json!({ "answerNext": answer, "cutAfterNextWrites": 1, "delayMilliseconds": 1 });
    assert_eq!(knob(Method::POST, "/emulator/faults", faults).await.status, 204);
    assert_eq!(
        client.get(V).await.refusal(),
        (500, "UNKNOWN_EXCEPTION".to_owned())
    );
    assert_eq!(
        knob(Method::DELETE, "/emulator/faults", Json::Null).await.status,
        204
    );
    client.create("Account", json!({ "Name": "not cut" })).await;
    assert_eq!(
        knob(Method::POST, "/emulator/faults", json!({ "typo": 1 }))
            .await
            .status,
        400
    );

    let requests = knob(Method::GET, "/emulator/requests", Json::Null).await.json();
    assert!(
        requests["total"].as_u64().is_some_and(|total| total >= 3),
        "{requests}"
    );
    let routes = requests["counts"]
        .as_array()
        .expect("counts")
        .iter()
        .map(|count| count["route"].to_string());
    assert!(
        routes.into_iter().all(|route| !route.contains("/emulator")),
        "{requests}"
    );
    assert_eq!(
        knob(Method::POST, "/emulator/limits", json!({ "dailyApiRequests": 1 }))
            .await
            .status,
        204
    );
    assert_eq!(client.get(V).await.status, 403);
    assert_eq!(
        knob(Method::POST, "/emulator/tokens/expire", Json::Null)
            .await
            .status,
        204
    );
    assert_eq!(client.get(V).await.status, 401);
}
