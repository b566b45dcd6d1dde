//! Requests that mean harm, or were made by a broken client.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::gateway::{Gateway, ORGANIZATION, problem};

const CHANGES: &str = "/v1/salesforce/changes";

#[tokio::test]
async fn a_body_of_fifty_megabytes_is_refused_before_it_is_read() {
    let gateway = Gateway::start().await;
    let head = format!(
        "{}Content-Length: 52428800\r\n\r\n{{\"organizationId\":",
        head(&gateway, "POST", CHANGES)
    );
    let began = Instant::now();
    let answer = raw(&gateway, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("urn:causeway:problem:body-too-large"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(5));
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_without_a_told_length_is_cut_at_the_limit() {
    let gateway = Gateway::start_with("[limits]\nchanges_bytes = 100000\n").await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = format!(
        "{}Transfer-Encoding: chunked\r\n\r\n",
        head(&gateway, "POST", CHANGES)
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 10_000, "x".repeat(10_000));
    for _ in 0..11 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let answer = read_to_end(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("urn:causeway:problem:body-too-large"), "{answer}");
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_stranger_cannot_keep_a_connection_by_never_ending_its_body() {
    let gateway = Gateway::start().await;
    let head = format!(
        "POST {CHANGES} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        gateway.address()
    );
    let answer = raw(&gateway, head.as_bytes()).await;
    assert!(answer.contains("urn:causeway:problem:missing-token"), "{answer}");
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn other_routes_take_small_bodies_only() {
    let gateway = Gateway::start().await;
    let answer = post(&gateway, "/v1/syncs", "application/json", vec![b' '; 65 * 1024]).await;
    problem(answer, "body-too-large").await;
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_slow_body_is_given_up() {
    let gateway = Gateway::start_with("[limits]\nbody_seconds = 1\n").await;
    let head = format!("{}Content-Length: 100\r\n\r\n{{", head(&gateway, "POST", CHANGES));
    let answer = raw(&gateway, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("urn:causeway:problem:body-timeout"), "{answer}");
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_slow_head_is_given_up() {
    let gateway = Gateway::start_with("[limits]\nhead_seconds = 1\n").await;
    let began = Instant::now();
    let answer = raw(&gateway, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 408 "),
        "{answer}"
    );
    assert!(began.elapsed() < Duration::from_secs(8));
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn heads_without_end_are_refused() {
    let gateway = Gateway::start().await;
    let head = format!(
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Huge: {}\r\n\r\n",
        "x".repeat(2_000_000)
    );
    let answer = raw(&gateway, head.as_bytes()).await;
    assert!(!answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let head = format!(
        "GET /healthz HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X-Many: 1\r\n".repeat(5_000)
    );
    let answer = raw(&gateway, head.as_bytes()).await;
    assert!(!answer.starts_with("HTTP/1.1 200 "), "{answer}");
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_ends_early_harms_nobody() {
    let gateway = Gateway::start().await;
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = format!("{}Content-Length: 100\r\n\r\n{{", head(&gateway, "POST", CHANGES));
    stream.write_all(head.as_bytes()).await.unwrap();
    drop(stream);
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn every_unreadable_body_is_named_for_what_it_is() {
    let gateway = Gateway::start().await;
    let json = "application/json";
    let deep = format!(
        "{{\"organizationId\":\"{ORGANIZATION}\",\"packageVersion\":\"1.0\",\"changes\":[{{\"fields\":{}1{}}}]}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    for (media_type, body, id) in [
        (json, b"".to_vec(), "body-not-json"),
        (json, b"{\"organizationId\":".to_vec(), "body-not-json"),
        (json, b"\x00\x01\x02".to_vec(), "body-not-json"),
        (
            json,
            b"{\"organizationId\":\"\xc3\x28\"}".to_vec(),
            "body-not-utf8",
        ),
        (json, b"\xff\xfe{\x00}\x00".to_vec(), "body-not-utf8"),
        (json, deep.into_bytes(), "body-too-deep"),
        (json, b"[]".to_vec(), "invalid-fields"),
        (json, b"{}".to_vec(), "invalid-fields"),
        ("text/plain", b"{}".to_vec(), "unsupported-media-type"),
        ("application/xml", b"<a/>".to_vec(), "unsupported-media-type"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let document = problem(post(&gateway, CHANGES, media_type, body).await, id).await;
        let detail = document["detail"].as_str().unwrap();
        // What serde and serde_json say never reaches a caller.
        for theirs in ["expected", "recursion", "invalid type", "EOF", "serde"] {
            assert!(!detail.contains(theirs), "{shown}: {detail}");
        }
    }
    unharmed(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_compressed_body_is_refused_unread() {
    let gateway = Gateway::start().await;
    let answer = gateway
        .http
        .post(format!("{}{CHANGES}", gateway.url()))
        .bearer_auth(gateway.token("pump"))
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(vec![0x1f, 0x8b])
        .send()
        .await
        .unwrap();
    problem(answer, "unsupported-media-type").await;
    gateway.stop().await;
}

#[tokio::test]
async fn unknown_and_wrong_fields_are_all_named() {
    let gateway = Gateway::start().await;
    let body = json!({"organizationId": 7, "version": "1.0", "changes": {}});
    let answer = post(
        &gateway,
        CHANGES,
        "application/json",
        body.to_string().into_bytes(),
    )
    .await;
    let document = problem(answer, "invalid-fields").await;
    assert_eq!(
        fields(&document),
        ["organizationId", "packageVersion", "changes", "version"]
    );

    let body = json!({"kind": "everything", "objects": ["contact", 7], "extra": null});
    let answer = post(
        &gateway,
        "/v1/syncs",
        "application/json",
        body.to_string().into_bytes(),
    )
    .await;
    let document = problem(answer, "invalid-fields").await;
    assert_eq!(fields(&document), ["kind", "objects[1]", "extra"]);
    gateway.stop().await;
}

#[tokio::test]
async fn unknown_and_wrong_parameters_are_all_named() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let path = "/v1/records/contact?limit=5000&updatedSince=yesterday&salesforceId=003&cursor=abc&onwer=u-1";
    let document = problem(gateway.get("partner", path).await, "invalid-parameters").await;
    assert_eq!(
        fields(&document),
        ["cursor", "limit", "salesforceId", "updatedSince", "onwer"]
    );
    let path = "/v1/records/contact?field.nickname=x";
    let document = problem(gateway.get("partner", path).await, "invalid-parameters").await;
    assert_eq!(fields(&document), ["field.nickname"]);
    problem(
        gateway.get("partner", "/v1/changes?object=%FF").await,
        "invalid-parameters",
    )
    .await;
    problem(
        gateway.get("partner", "/v1/logs?from=now&method=PATCH").await,
        "invalid-parameters",
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn addresses_and_methods_that_are_unknown_are_told_apart() {
    let gateway = Gateway::start().await;
    for path in [
        "/",
        "/v2/records",
        "/v1/records/contact/1/2/3",
        "/v1/../etc/passwd",
        "/%00",
        "/%ff%fe",
    ] {
        let answer = gateway
            .http
            .get(format!("{}{path}", gateway.url()))
            .send()
            .await
            .unwrap();
        problem(answer, "route-not-found").await;
    }
    let answer = gateway
        .http
        .delete(format!("{}/v1/syncs", gateway.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers()["allow"], "GET, POST");
    problem(answer, "method-not-allowed").await;
    for (path, allow) in [
        ("/v1/records/contact", "GET, POST"),
        ("/v1/records/contact/1", "GET, DELETE"),
        ("/v1/records/contact/1/undelete", "POST"),
        ("/v1/held/1/retry", "POST"),
        ("/v1/conflicts/1/restore", "POST"),
    ] {
        let answer = gateway
            .http
            .patch(format!("{}{path}", gateway.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["allow"], allow, "{path}");
        problem(answer, "method-not-allowed").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn ids_that_name_nothing_are_not_found() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    for (path, id) in [
        ("/v1/records/contact/1", "record-not-found"),
        ("/v1/records/contact/-1", "record-not-found"),
        ("/v1/records/contact/99999999999999999999999", "record-not-found"),
        ("/v1/records/contact/1;drop", "record-not-found"),
        ("/v1/records/lead/1", "object-not-found"),
        ("/v1/records/lead", "object-not-found"),
        ("/v1/records/contact/1/history", "record-not-found"),
        ("/v1/changes?object=lead", "object-not-found"),
        ("/v1/syncs/1", "sync-not-found"),
        ("/v1/syncs/first", "sync-not-found"),
    ] {
        problem(gateway.get("partner", path).await, id).await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn more_than_a_thousand_changes_at_once_are_refused() {
    let gateway = Gateway::start().await;
    let changes: Vec<Value> = (0..1_001).map(|_| json!({})).collect();
    let document = problem(gateway.push(json!(changes)).await, "invalid-fields").await;
    assert_eq!(fields(&document), ["changes"]);
    gateway.stop().await;
}

#[tokio::test]
async fn a_sync_of_nothing_is_refused() {
    let gateway = Gateway::start().await;
    let answer = post(
        &gateway,
        "/v1/syncs",
        "application/json",
        b"{\"kind\":\"initial\"}".to_vec(),
    )
    .await;
    problem(answer, "nothing-mapped").await;
    gateway.map_accounts_and_contacts().await;
    let body = b"{\"kind\":\"initial\",\"objects\":[\"lead\"]}".to_vec();
    let document = problem(
        post(&gateway, "/v1/syncs", "application/json", body).await,
        "invalid-fields",
    )
    .await;
    assert_eq!(fields(&document), ["objects"]);
    gateway.stop().await;
}

#[tokio::test]
async fn every_answer_carries_its_request_id_and_keeps_browsers_out() {
    let gateway = Gateway::start().await;
    let url = format!("{}/healthz", gateway.url());
    let answer = gateway
        .http
        .get(&url)
        .header("x-request-id", "trace-7.a_b")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-request-id"], "trace-7.a_b");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(
        answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
    for hostile in ["x".repeat(65), "a b".to_owned(), "<script>".to_owned()] {
        let answer = gateway
            .http
            .get(&url)
            .header("x-request-id", &hostile)
            .send()
            .await
            .unwrap();
        let given = answer.headers()["x-request-id"].to_str().unwrap();
        assert_ne!(given, hostile);
        assert_eq!(given.len(), 36);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn metrics_are_for_the_own_machine_or_the_holder_of_their_token() {
    let open = Gateway::start().await;
    let url = format!("{}/metrics", open.url());
    open.get_json("partner", "/v1/connection").await;
    let text = open.http.get(&url).send().await.unwrap().text().await.unwrap();
    assert!(
        text.contains(
            "causeway_http_requests_total{method=\"GET\",route=\"/v1/connection\",status=\"200\"} 1"
        ),
        "{text}"
    );
    assert!(
        text.contains("causeway_inbox_changes{connection=\"acme\"} 0"),
        "{text}"
    );
    let forwarded = open
        .http
        .get(&url)
        .header("x-forwarded-for", "192.0.2.1")
        .send()
        .await
        .unwrap();
    problem(forwarded, "metrics-refused").await;
    open.stop().await;

    let closed = Gateway::start_with("[metrics]\ntoken = \"a-token-for-metrics\"\n").await;
    let url = format!("{}/metrics", closed.url());
    problem(closed.http.get(&url).send().await.unwrap(), "missing-token").await;
    let wrong = closed
        .http
        .get(&url)
        .bearer_auth("a-token-for-metricS")
        .send()
        .await
        .unwrap();
    problem(wrong, "metrics-refused").await;
    let right = closed
        .http
        .get(&url)
        .bearer_auth("a-token-for-metrics")
        .send()
        .await
        .unwrap();
    assert_eq!(right.status(), StatusCode::OK);
    closed.stop().await;
}

fn fields(document: &Value) -> Vec<&str> {
    let errors = document["errors"].as_array().unwrap();
    assert!(
        errors
            .iter()
            .all(|error| !error["message"].as_str().unwrap().is_empty())
    );
    errors
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect()
}

fn head(gateway: &Gateway, method: &str, path: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n",
        gateway.address(),
        gateway.token("pump")
    )
}

async fn post(gateway: &Gateway, path: &str, media_type: &str, body: Vec<u8>) -> reqwest::Response {
    gateway
        .http
        .post(format!("{}{path}", gateway.url()))
        .bearer_auth(gateway.token("partner"))
        .header("content-type", media_type)
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn raw(gateway: &Gateway, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    // The gateway may answer and close before all was sent.
    if let Err(error) = stream.write_all(bytes).await {
        assert!(
            matches!(
                error.kind(),
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
            ),
            "{error}"
        );
    }
    read_to_end(&mut stream).await
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = async {
        let mut chunk = [0u8; 4096];
        while let Ok(count) = stream.read(&mut chunk).await {
            if count == 0 {
                break;
            }
            answer.extend_from_slice(&chunk[..count]);
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(15), read).await.is_ok();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        closed,
        "the gateway does not close the connection after: {answer:?}"
    );
    answer
}

async fn unharmed(gateway: &Gateway) {
    let answer = gateway
        .http
        .get(format!("{}/readyz", gateway.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(body["name"], "acme");
}
