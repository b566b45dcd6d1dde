//! Pages that partners make: checked when they are put, rendered as text, and kept in a sandbox.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::embed::{address, linked, open};
use crate::gateway::{Gateway, problem};
use crate::two_ways::send;

async fn put(gateway: &Gateway, name: &str, body: &Value) -> Response {
    let path = format!("/v1/embed/templates/{name}");
    send(gateway, Method::PUT, &path, Some(body), None).await
}

async fn taken(gateway: &Gateway, name: &str, body: Value) -> Value {
    let answer = put(gateway, name, &body).await;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// The page that opens for a name and a site.
async fn shown(gateway: &Gateway, frame_name: &str, site_key: &str) -> String {
    let more = json!({"frameName": frame_name, "siteKey": site_key});
    let url = address(gateway, more).await;
    let page = open(gateway, &url).await;
    assert_eq!(page.status(), StatusCode::OK);
    page.text().await.unwrap()
}

#[tokio::test]
async fn the_name_chooses_the_page_and_the_site_its_variant() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    taken(&gateway, "landing", json!({"html": "every site: {{last_name}}"})).await;
    taken(
        &gateway,
        "landing",
        json!({"site": "fairs", "html": "fairs: {{last_name}}"}),
    )
    .await;
    for (frame, site, expected) in [
        ("landing", "fairs", Some("fairs: Ng")),
        ("landing", "other", Some("every site: Ng")),
        ("landing", "", Some("every site: Ng")),
        ("record", "fairs", None),
        ("unheard of", "", None),
        ("", "", None),
    ] {
        let page = shown(&gateway, frame, site).await;
        match expected {
            Some(text) => assert!(
                page.contains(&format!("srcdoc=\"{text}\"")),
                "{frame} {site}: {page}"
            ),
            None => assert!(
                page.contains("<dd data-field=\"last_name\">Ng</dd>"),
                "{frame} {site}: {page}"
            ),
        }
    }
    // Another connection's pages are its own.
    let listed = gateway.get_json("other-partner", "/v1/embed/templates").await;
    assert_eq!(listed, json!({"templates": []}));
    gateway.stop().await;
}

#[tokio::test]
async fn what_the_request_leaves_out_the_connections_settings_name() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    for (site, html) in [
        (None, "every site: {{last_name}}"),
        (Some("fairs"), "fairs: {{last_name}}"),
    ] {
        taken(&gateway, "landing", json!({"site": site, "html": html})).await;
    }
    taken(&gateway, "other", json!({"html": "other: {{last_name}}"})).await;
    let settings =
        json!({"dataOwner": null, "accountName": null, "microSiteKey": "fairs", "frameName": "landing"});
    let path = "/v1/connection/settings";
    let answer = send(&gateway, Method::PUT, path, Some(&settings), None).await;
    assert_eq!(answer.status(), StatusCode::OK);
    for (more, expected) in [
        (json!({}), "fairs: Ng"),
        (json!({"frameName": null, "siteKey": ""}), "fairs: Ng"),
        (json!({"siteKey": "elsewhere"}), "every site: Ng"),
        (json!({"frameName": "other"}), "other: Ng"),
    ] {
        let url = address(&gateway, more.clone()).await;
        let page = open(&gateway, &url).await.text().await.unwrap();
        assert!(page.contains(&format!("srcdoc=\"{expected}\"")), "{more}: {page}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_runs_nothing_and_its_values_are_text() {
    let hostile = "<script>alert(1)</script>{{style.nonce}}";
    let (gateway, _clock) = linked(json!({"LastName": hostile})).await;
    taken(
        &gateway,
        "landing",
        json!({"html": "<style nonce=\"{{ style.nonce }}\">b{}</style><b title='{{last_name}}'>{{record.status}}</b>"}),
    )
    .await;
    let url = address(&gateway, json!({"frameName": "landing"})).await;
    let answer = open(&gateway, &url).await;
    let policy = answer.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    let page = answer.text().await.unwrap();
    // Nothing is allowed to what stands in the frame, and no scripts most of all.
    assert!(page.contains(" sandbox srcdoc=\""), "{page}");
    assert!(!page.contains("allow-"), "{page}");
    assert!(
        !page.contains("<script>alert") && !page.contains("<b title"),
        "{page}"
    );
    assert!(page.contains("&amp;lt;script&amp;gt;alert(1)"), "{page}");
    // The page's style nonce reaches the template's own style, and no value of a record.
    let (_, rest) = policy.split_once("style-src 'nonce-").unwrap();
    let (nonce, _) = rest.split_once('\'').unwrap();
    assert!(page.contains(&format!("nonce&#61;&quot;{nonce}&quot;")), "{page}");
    assert!(page.contains("{{style.nonce}}"), "{page}");
    let (_, rest) = policy.split_once("script-src 'nonce-").unwrap();
    let (script, _) = rest.split_once('\'').unwrap();
    assert_eq!(page.matches(script).count(), 1, "{page}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_broken_page_is_refused_and_the_one_before_stays() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    taken(&gateway, "landing", json!({"html": "good: {{last_name}}"})).await;
    for (name, body, field, said) in [
        (
            "landing",
            json!({"html": "{{last_name}} {{frist_name}}"}),
            "html",
            "{{frist_name}}",
        ),
        ("landing", json!({"html": "a\n{{last_name"}), "html", "line 2"),
        (
            "landing",
            json!({"html": "{{#if last_name}}"}),
            "html",
            "#if last_name",
        ),
        (
            "landing",
            json!({"html": "x".repeat(64 * 1024 + 1)}),
            "html",
            "65536",
        ),
        ("landing", json!({"site": " ", "html": ""}), "site", "null"),
        ("record", json!({"html": ""}), "name", "own page"),
        ("landing", json!({}), "html", "missing"),
        ("landing", json!({"html": "", "sight": 1}), "sight", "unknown"),
    ] {
        let refused = problem(put(&gateway, name, &body).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], field);
        let message = refused["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    assert!(
        shown(&gateway, "landing", "")
            .await
            .contains("srcdoc=\"good: Ng\"")
    );
    gateway.stop().await;
}

#[tokio::test]
async fn pages_are_listed_and_removed() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    let whole = taken(&gateway, "landing", json!({"html": "a"})).await;
    let of_site = taken(&gateway, "landing", json!({"site": "fairs", "html": "b"})).await;
    let listed = gateway.get_json("partner", "/v1/embed/templates").await;
    assert_eq!(listed, json!({"templates": [whole, of_site]}));
    let path = "/v1/embed/templates/landing";
    let removed = send(
        &gateway,
        Method::DELETE,
        &format!("{path}?site=fairs"),
        None,
        None,
    )
    .await;
    assert_eq!(removed.status(), StatusCode::NO_CONTENT);
    let again = send(
        &gateway,
        Method::DELETE,
        &format!("{path}?site=fairs"),
        None,
        None,
    )
    .await;
    problem(again, "template-not-found").await;
    let listed = gateway.get_json("partner", "/v1/embed/templates").await;
    assert_eq!(listed, json!({"templates": [whole]}));
    gateway.stop().await;
}
