//! Bodies and requests that are broken, huge, packed or slow.

#![cfg(test)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::client::{Answer, Client, V};

async fn post_bytes(client: &Client, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let request = client.request(Method::POST, &format!("{V}/sobjects/Account"));
    let request = headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value));
    client.send(request.body(body)).await
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg("-c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip is part of every Debian");
    let mut input = child.stdin.take().expect("a pipe");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&bytes));
    let output = child.wait_with_output().expect("packed bytes");
    writer.join().expect("no panic").expect("all is written");
    output.stdout
}

#[tokio::test]
async fn broken_json_is_refused_with_its_place() {
    let client = Client::start().await;
    let deep = "[".repeat(100_000);
    let nested = format!("{{\"Name\":{}1{}}}", "{\"a\":".repeat(500), "}".repeat(500));
    let bodies: [&[u8]; 8] = [
        b"",
        b"{",
        b"{\"Name\":}",
        b"[]",
        b"null",
        b"{\"Name\":\"\xff\xfe\"}",
        deep.as_bytes(),
        nested.as_bytes(),
    ];
    for body in bodies {
        let answer = post_bytes(&client, body.to_vec(), &[("Content-Type", "application/json")]).await;
        assert_eq!(
            answer.refusal(),
            (400, "JSON_PARSER_ERROR".to_owned()),
            "{:?}",
            body.get(..20)
        );
    }
    let other = post_bytes(
        &client,
        b"Name=A".to_vec(),
        &[("Content-Type", "application/x-www-form-urlencoded")],
    )
    .await;
    assert_eq!(other.refusal(), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
    let charset = post_bytes(
        &client,
        b"{\"Name\":\"A\"}".to_vec(),
        &[("Content-Type", "application/json; charset=UTF-8")],
    );
    assert_eq!(charset.await.status, 201);
}

#[tokio::test]
async fn packed_requests_and_answers_are_understood() {
    let client = Client::start().await;
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    let made = post_bytes(&client, gzip(br#"{"Name":"Packed"}"#), &headers).await;
    assert_eq!(client.read("Account", &made.id()).await["Name"], "Packed");

    // The client unpacks answers itself and then hides the header, so the raw bytes are looked at.
    let mut raw = TcpStream::connect(client.org.url().trim_start_matches("http://")).expect("a connection");
    let request = format!(
        "GET {V}/sobjects/Account/describe HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nAccept-Encoding: gzip\r\n\
         Connection: close\r\n\r\n",
        client.token
    );
    raw.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    raw.read_to_end(&mut answer).expect("an answer");
    let head = String::from_utf8_lossy(&answer[..answer.len().min(600)]).into_owned();
    assert!(head.contains("\r\nContent-Encoding: gzip\r\n"), "{head}");
    assert!(
        head.contains("\r\nSforce-Limit-Info: api-usage="),
        "names are in Title-Case: {head}"
    );
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_refused_packed_or_not() {
    let client = Client::start().await;
    let huge = vec![b' '; 51 * 1024 * 1024];
    let packed = gzip(&huge);
    assert!(packed.len() < 1024 * 1024);
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    assert_eq!(post_bytes(&client, packed, &headers).await.status, 413);

    let path = format!("{V}/sobjects/Account");
    let sent = client
        .request(Method::POST, &path)
        .header("Content-Type", "application/json")
        .body(huge)
        .send()
        .await;
    // The server may hang up before the client has sent everything.
    assert!(sent.map_or(true, |answer| answer.status() == 413));
    assert_eq!(client.get(V).await.status, 200, "the server lives on");
}

#[tokio::test]
async fn a_slow_request_does_not_hold_up_others() {
    let client = Client::start().await;
    let address = client.org.url().trim_start_matches("http://").to_owned();
    let mut slow: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(&address).expect("a connection"))
        .collect();
    for stream in &mut slow {
        let head = format!(
            "POST {V}/sobjects/Account HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{",
            client.token
        );
        stream.write_all(head.as_bytes()).expect("sent");
    }
    let quick = tokio::time::timeout(
        Duration::from_secs(5),
        client.create("Account", json!({ "Name": "Quick" })),
    );
    assert!(quick.await.is_ok());
}
