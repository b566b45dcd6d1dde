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
    let bodies: [&[u8]; 17] = [
        br#"{"Name":"A","Name":"B"}"#,
        br#"{"Name":"A","N\u0061me":"B"}"#,
        br#"{"Name":"A","Site":{"b":[{"x":1,"x":1}]}}"#,
        br#"{"Name":"A\u0000B"}"#,
        br#"{"Na\u0000me":"A"}"#,
        b"{\"Name\":\"A\0B\"}",
        b"{\"Name\":\"A\"}\0",
        br#"{"Name":"\ud800"}"#,
        b"{\"Name\":\"A\xc3\x28\"}",
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
    let twice = br#"{"Name":"A","Site":"x","Name":"B"}"#;
    let answer = post_bytes(&client, twice.to_vec(), &[]).await;
    assert_eq!(answer.error().2, "Duplicate field 'Name' at [line:1, column:34]");
    let collections = format!("{V}/composite/sobjects");
    let twice = r#"{"records":[{"attributes":{"type":"Account"},"Name":"A","Name":"B"}]}"#;
    let request = client.request(Method::POST, &collections);
    let request = request.header("Content-Type", "application/json").body(twice);
    assert_eq!(client.send(request).await.refusal().1, "JSON_PARSER_ERROR");
    let numbers = br#"{"Name":"A","BillingLatitude":48.137,"Description":null,"NumberOfEmployees":7}"#;
    let read = post_bytes(&client, numbers.to_vec(), &[("Content-Type", "application/json")])
        .await
        .id();
    assert_eq!(
        client.read("Account", &read).await["BillingLatitude"].to_string(),
        "48.137"
    );
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

#[tokio::test]
async fn parameters_and_paths_that_cannot_be_read_are_refused_in_salesforces_form() {
    let client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let delete = format!("{V}/composite/sobjects?ids={id}&allOrNone=perhaps");
    assert_eq!(
        client.delete(&delete).await.refusal(),
        (400, "INVALID_QUERY_PARAMETER".to_owned())
    );
    let upsert = format!("{V}/sobjects/User/Username/a%00b");
    assert_eq!(
        client.patch(&upsert, &json!({})).await.refusal(),
        (400, "INVALID_FIELD".to_owned())
    );
    let strange = client.get(&format!("{V}/sobjects/Account/%FF%FE")).await;
    assert_eq!(strange.refusal(), (404, "NOT_FOUND".to_owned()));
    let long = format!(
        "{V}/query?q=SELECT+Id+FROM+Account+WHERE+Name='{}'",
        "x".repeat(16_384)
    );
    assert_eq!(
        client.get(&long).await.refusal(),
        (414, "URI_TOO_LONG".to_owned())
    );
}
