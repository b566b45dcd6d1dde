//! What requests and answers say in their headers.

#![cfg(test)]

use std::time::Duration;

use emulated_org::App;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Answer, CONSUMER_KEY, Client, Key, V};

async fn with(
    client: &Client,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<Json>,
) -> Answer {
    let mut request = client.request(method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    client.send(request).await
}

#[tokio::test]
async fn an_account_is_changed_only_as_the_caller_knows_it() {
    let client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "First" })).await;
    let path = format!("{V}/sobjects/Account/{id}");
    let first = client.get(&path).await;
    let etag = first.header("etag").to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    assert_eq!(
        client.get(&path).await.header("etag"),
        etag,
        "it is of the content"
    );

    let name = |name: &str| Some(json!({ "Name": name }));
    let patch = |header: &'static str, value: String, body: Option<Json>| {
        let (client, path) = (&client, path.clone());
        async move { with(client, Method::PATCH, &path, &[(header, &value)], body).await }
    };
    let matching = format!("\"other\", {etag}");
    assert_eq!(patch("If-Match", matching, name("Second")).await.status, 204);
    let stale = patch("If-Match", etag.clone(), name("Third")).await;
    assert_eq!(stale.refusal().0, 412);
    let unreadable = patch("If-Match", "no tag".to_owned(), name("Third")).await;
    assert_eq!(unreadable.refusal().0, 400);
    assert_eq!(client.read("Account", &id).await["Name"], "Second");

    let etag = client.get(&path).await.header("etag").to_owned();
    let known = with(&client, Method::GET, &path, &[("If-None-Match", &etag)], None).await;
    assert_eq!((known.status, known.text.as_str()), (304, ""));
    assert_eq!(patch("If-None-Match", etag, name("Third")).await.status, 412);
    let unread = with(&client, Method::GET, &path, &[("If-None-Match", "no tag")], None).await;
    assert_eq!(unread.status, 200, "reads ignore what cannot be read");
}

#[tokio::test]
async fn records_are_read_and_changed_only_if_they_did_not_change_since() {
    let client = Client::start().await;
    let id = client.create("Contact", json!({ "LastName": "First" })).await;
    let path = format!("{V}/sobjects/Contact/{id}");
    let first = client.get(&path).await;
    assert_eq!(first.header("etag"), "", "only accounts have tags");
    let before = first.header("last-modified").to_owned();
    client.org.clock().advance(Duration::from_mins(1));
    let change = Some(json!({ "LastName": "Second" }));
    let since = [("If-Unmodified-Since", before.as_str())];
    let patched = with(&client, Method::PATCH, &path, &since, change.clone()).await;
    assert_eq!(patched.status, 204, "{}", patched.text);
    for method in [Method::GET, Method::PATCH] {
        let late = with(&client, method, &path, &since, change.clone()).await;
        assert_eq!(late.refusal().0, 412);
    }
    let wrong = [("If-Unmodified-Since", "yesterday")];
    assert_eq!(
        with(&client, Method::PATCH, &path, &wrong, change).await.status,
        400
    );
    let describe = format!("{V}/sobjects/Contact/describe");
    let long_ago = [("If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT")];
    assert_eq!(
        with(&client, Method::GET, &describe, &long_ago, None)
            .await
            .status,
        412
    );
}

#[tokio::test]
async fn headers_that_say_nothing_are_refused() {
    let client = Client::start().await;
    let path = format!("{V}/sobjects");
    for (name, value) in [
        ("Sforce-Call-Options", "client"),
        ("Sforce-Auto-Assign", "perhaps"),
        ("Sforce-Duplicate-Rule-Header", "allowSave=yes"),
        ("x-sfdc-packageversion-battle", "latest"),
    ] {
        let answer = with(&client, Method::GET, &path, &[(name, value)], None).await;
        assert_eq!(answer.refusal(), (400, "INVALID_HEADER".to_owned()), "{name}");
    }
    for (name, value) in [
        (
            "Sforce-Call-Options",
            "client=Sample/100; defaultNamespace=battle",
        ),
        ("Sforce-Auto-Assign", "false"),
        ("Sforce-Auto-Assign", "01Q000000000001EAA"),
        (
            "Sforce-Duplicate-Rule-Header",
            "allowSave=true; includeRecordDetails=TRUE",
        ),
        ("x-sfdc-packageversion-battle", "1.0"),
    ] {
        let answer = with(&client, Method::GET, &path, &[(name, value)], None).await;
        assert_eq!(answer.status, 200, "{name}: {value}");
    }
}

#[tokio::test]
async fn methods_and_forms_that_are_not_known_are_refused() {
    let client = Client::start().await;
    let path = format!("{V}/sobjects/Account");
    let answer = with(&client, Method::PUT, &path, &[], Some(json!({}))).await;
    assert_eq!(answer.refusal().0, 405);
    assert_eq!(answer.header("allow"), "GET,HEAD,POST");
    let xml = [("Accept", "application/xml")];
    assert_eq!(
        with(&client, Method::GET, &path, &xml, None).await.refusal().0,
        406
    );
    let either = [("Accept", "application/xml;q=0.5, application/json")];
    assert_eq!(with(&client, Method::GET, &path, &either, None).await.status, 200);
    let packed = [("Content-Encoding", "zstd")];
    let answer = with(
        &client,
        Method::POST,
        &path,
        &packed,
        Some(json!({ "Name": "A" })),
    )
    .await;
    assert_eq!(answer.refusal().0, 415);
}

#[tokio::test]
async fn a_token_for_the_web_gets_a_link_into_the_pages() {
    let mut client = Client::start().await;
    let path = "/services/oauth2/singleaccess";
    assert_eq!(client.get(path).await.status, 403, "the scope web is missing");
    let mut app = App::pre_authorized(CONSUMER_KEY, &*Key::of_app().public_pem);
    app.scopes.push("web".to_owned());
    client.org.register_app(app).expect("an app");
    client.log_in().await;
    let answer = client
        .get(&format!("{path}?redirect_uri=%2Flightning%2Fpage%2Fhome"))
        .await;
    let link = answer.json()["frontdoor_uri"]
        .as_str()
        .expect("a link")
        .to_owned();
    let expected = format!("{}/secur/frontdoor.jsp?otp=", client.org.url());
    assert!(link.starts_with(&expected), "{link}");
    assert!(link.ends_with("&startURL=%2Flightning%2Fpage%2Fhome"), "{link}");
    let form = [("access_token", client.token.as_str())];
    let posted = client.post_form(path, &form).await;
    assert_ne!(
        posted.json()["frontdoor_uri"],
        link.as_str(),
        "each link works once"
    );
    let elsewhere = client
        .get(&format!("{path}?redirect_uri=https%3A%2F%2Fexample.com"))
        .await;
    assert_eq!(elsewhere.status, 400);
    let unknown = client.post_form(path, &[("access_token", "00D!no")]).await;
    assert_eq!((unknown.status, unknown.text.as_str()), (403, "Bad_OAuth_Token"));
}
