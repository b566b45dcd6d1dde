//! Starting and stopping.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cli::prepared;
use crate::gateway::{Gateway, problem};

#[tokio::test]
async fn what_was_answered_is_still_there_after_a_stop_and_a_start() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let answer = gateway
        .push(
            json!([{"object": "Account", "operation": "create", "id": "001ZM000001n4n5",
            "systemModstamp": "2026-11-22T06:04:37.000Z", "observedAt": "2026-11-22T06:04:37.000Z",
            "fields": {"Name": "Acme"}}]),
        )
        .await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let folder = gateway.stop_and_keep().await;
    let gateway = Gateway::reopen(folder).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let page: Value = gateway.get_json("partner", "/v1/records/account").await;
        if page["records"][0]["fields"]["name"] == "Acme" {
            break;
        }
        assert!(Instant::now() < deadline, "{page}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_gateway_stops() {
    let gateway = Gateway::start().await;
    let body =
        json!({"organizationId": crate::gateway::ORGANIZATION, "packageVersion": "1.0", "changes": []})
            .to_string();
    let (first, rest) = body.split_at(10);
    let mut stream = TcpStream::connect(gateway.address()).await.unwrap();
    let head = format!(
        "POST /v1/salesforce/changes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        gateway.token("pump"),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The request counts as begun once the gateway has looked its client up.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let stopping = tokio::spawn(gateway.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = vec![0u8; 64];
    let count = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    drop(stream);
    tokio::time::timeout(Duration::from_secs(30), stopping)
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn without_its_store_the_gateway_lives_and_accepts_nothing() {
    let gateway = Gateway::start().await;
    gateway.app().store.clone().close().await;
    let get = async |path: &str| {
        gateway
            .http
            .get(format!("{}{path}", gateway.url()))
            .send()
            .await
            .unwrap()
    };
    assert_eq!(get("/healthz").await.status(), StatusCode::OK);
    problem(get("/readyz").await, "unavailable").await;
    let answer = gateway.push(json!([])).await;
    assert_eq!(answer.headers()["retry-after"], "5");
    problem(answer, "unavailable").await;
    gateway.stop().await;
}

#[test]
fn the_binary_serves_until_it_is_asked_to_stop() {
    let folder = prepared();
    let mut child = Command::new(env!("CARGO_BIN_EXE_causeway"))
        .arg("--config")
        .arg(folder.path().join("causeway.toml"))
        .arg("serve")
        .env_clear()
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = lines
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("causeway serves on ")
                .map(str::to_owned)
        })
        .unwrap();
    let health = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{url}/readyz")).send().await.unwrap();
        answer.status()
    });
    assert_eq!(health, StatusCode::OK);
    let signalled = Command::new("kill")
        .arg("-TERM")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(signalled.success());
    let deadline = Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success(), "{status}");
}

#[test]
fn a_taken_address_is_named_with_its_key() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = prepared();
    let output = Command::new(env!("CARGO_BIN_EXE_causeway"))
        .arg("--config")
        .arg(folder.path().join("causeway.toml"))
        .arg("serve")
        .env_clear()
        .env("CAUSEWAY__HTTP__LISTEN", taken.local_addr().unwrap().to_string())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("http.listen"), "{text}");
}
