//! The partner's page of a record inside an org: opened once, framed by nobody else, and silent about its secrets.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use causeway::clock::{Clock, SystemClock};
use causeway_core::Instant;
use causeway_core::id::SalesforceId;
use causeway_core::ports::Lane;
use chrono::TimeDelta;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Gateway, ORGANIZATION, SECRET, hs256, now, problem};
use crate::two_ways::contact;

pub const NG: &str = "003ZM000001n4n1YAA";
const MY_DOMAIN: &str = "https://acme.my.salesforce.com";
const LIGHTNING: &str = "https://acme.lightning.force.com";

/// A clock that a test moves ahead.
#[derive(Debug, Default)]
pub struct Ahead(AtomicI64);

impl Ahead {
    fn by(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> Instant {
        SystemClock.now() + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

/// A gateway of an org with a My Domain, where one contact is linked.
pub async fn linked(fields: Value) -> (Gateway, Arc<Ahead>) {
    let clock = Arc::new(Ahead::default());
    let gateway = Gateway::start_at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    gateway.map_accounts_and_contacts().await;
    gateway.push_and_settle(json!([contact(NG, 1, fields)])).await;
    let connection = gateway.connection;
    gateway
        .app()
        .store
        .write(Lane::Interactive, move |tx| {
            tx.set_org(connection, SalesforceId::parse(ORGANIZATION).unwrap(), MY_DOMAIN)
        })
        .await
        .unwrap();
    (gateway, clock)
}

async fn ask(gateway: &Gateway, client: &str, body: &Value) -> Response {
    gateway
        .http
        .post(format!("{}/v1/embed/codes", gateway.url()))
        .bearer_auth(gateway.token(client))
        .json(body)
        .send()
        .await
        .unwrap()
}

/// An address that opens the contact's page.
pub async fn address(gateway: &Gateway, more: Value) -> String {
    let mut body = json!({"object": "Contact", "salesforceId": NG});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let answer = ask(gateway, "partner", &body).await;
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status, StatusCode::CREATED, "{body}");
    body["url"].as_str().unwrap().to_owned()
}

pub async fn open(gateway: &Gateway, url: &str) -> Response {
    gateway.http.get(url).send().await.unwrap()
}

/// The policy of an answer, by directive.
fn policy(answer: &Response) -> Vec<(String, String)> {
    let policies: Vec<_> = answer
        .headers()
        .get_all("content-security-policy")
        .iter()
        .collect();
    assert_eq!(policies.len(), 1);
    policies[0]
        .to_str()
        .unwrap()
        .split("; ")
        .map(|directive| {
            let (name, value) = directive.split_once(' ').unwrap();
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

fn directive<'a>(policy: &'a [(String, String)], name: &str) -> &'a str {
    &policy.iter().find(|(known, _)| known == name).unwrap().1
}

/// What the page's script was given.
fn session(html: &str) -> Value {
    let (_, rest) = html.split_once("\n})(").unwrap();
    let (text, _) = rest.split_once(");</script>").unwrap();
    serde_json::from_str(text).unwrap()
}

/// Checks every header of a page or card that these origins may frame.
fn check_headers(answer: &Response, framed_by: &str) {
    let policy = policy(answer);
    let names: Vec<&str> = policy.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "default-src",
            "script-src",
            "style-src",
            "img-src",
            "connect-src",
            "frame-src",
            "frame-ancestors",
            "base-uri",
            "form-action"
        ]
    );
    for (name, value) in [
        ("default-src", "'none'"),
        ("img-src", "data:"),
        ("connect-src", "'self'"),
        ("frame-src", "'none'"),
        ("frame-ancestors", framed_by),
        ("base-uri", "'none'"),
        ("form-action", "'none'"),
    ] {
        assert_eq!(directive(&policy, name), value, "{name}");
    }
    let nonces = ["script-src", "style-src"].map(|name| directive(&policy, name).to_owned());
    assert!(
        nonces
            .iter()
            .all(|nonce| nonce.starts_with("'nonce-") && nonce.len() >= 30),
        "{nonces:?}"
    );
    assert_ne!(nonces[0], nonces[1]);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers()[name], value, "{name}");
    }
    for name in ["set-cookie", "x-frame-options", "location", "refresh"] {
        assert!(!answer.headers().contains_key(name), "{name}");
    }
}

const OF_ACME: &str = "https://acme.lightning.force.com https://acme--c.vf.force.com \
                       https://acme--causeway.vf.force.com https://acme.my.salesforce.com";

#[tokio::test]
async fn a_page_opens_once_and_only_the_connections_org_may_frame_it() {
    let (gateway, _clock) =
        linked(json!({"LastName": "Ng", "Amount__c": 1234.5, "Birthdate": "1970-01-02"})).await;
    let url = address(&gateway, json!({"language": "de"})).await;
    let code = url
        .strip_prefix(&format!("{}/embed/open/", gateway.url()))
        .unwrap();
    assert!(code.len() >= 22, "{code}");

    let page = open(&gateway, &url).await;
    assert_eq!(page.status(), StatusCode::OK);
    check_headers(&page, OF_ACME);
    let nonce = directive(&policy(&page), "script-src")
        .trim_start_matches("'nonce-")
        .trim_end_matches('\'')
        .to_owned();
    let html = page.text().await.unwrap();
    assert!(
        html.contains("<html lang=\"de\">") && html.contains("Aktuell"),
        "{html}"
    );
    assert!(html.contains("<dd data-field=\"last_name\">Ng</dd>"), "{html}");
    assert!(html.contains("<dd data-field=\"amount\">1.234,5</dd>"), "{html}");
    assert!(
        html.contains("<dd data-field=\"birthday\">02.01.1970</dd>"),
        "{html}"
    );
    assert_eq!(html.matches("<script").count(), 1);
    assert!(html.contains(&format!("<script nonce=\"{nonce}\">")));
    // Neither the code nor the session stands in an address of the page.
    assert!(!html.contains(code));
    let session = session(&html);
    assert_eq!(session["origins"], json!(OF_ACME.split(' ').collect::<Vec<_>>()));
    assert_eq!(session["record"], "/embed/record");

    let again = open(&gateway, &url).await;
    assert_eq!(again.status(), StatusCode::GONE);
    check_headers(&again, OF_ACME);
    let card = again.text().await.unwrap();
    assert!(card.contains("Diese Seite war zu lange offen."), "{card}");
    assert!(!card.contains("Ng") && !card.contains("<script"), "{card}");
    gateway.stop().await;
}

#[tokio::test]
async fn without_a_record_a_page_that_holds_nothing_tells_once_that_it_is_shown() {
    let (gateway, clock) = linked(json!({"LastName": "Ng"})).await;
    let code = async || -> String {
        let answer = ask(&gateway, "partner", &json!({"language": "de"})).await;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let body: Value = answer.json().await.unwrap();
        body["url"].as_str().unwrap().to_owned()
    };
    let url = code().await;
    let page = open(&gateway, &url).await;
    assert_eq!(page.status(), StatusCode::OK);
    check_headers(&page, OF_ACME);
    let html = page.text().await.unwrap();
    assert!(
        html.contains("Seiten des Gateways werden hier angezeigt."),
        "{html}"
    );
    assert!(!html.contains("Ng") && !html.contains("bearer"), "{html}");
    assert!(!html.contains(url.rsplit('/').next().unwrap()));
    assert_eq!(
        session(&html)["origins"],
        json!(OF_ACME.split(' ').collect::<Vec<_>>())
    );
    assert_eq!(open(&gateway, &url).await.status(), StatusCode::GONE);
    let late = code().await;
    clock.by(61);
    assert_eq!(open(&gateway, &late).await.status(), StatusCode::GONE);

    for (body, wrong) in [
        (json!({"object": "Contact"}), "salesforceId"),
        (json!({"salesforceId": NG}), "object"),
        (json!({"object": "Contact", "salesforceId": "Ng"}), "salesforceId"),
    ] {
        let refused = problem(ask(&gateway, "partner", &body).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], wrong);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn of_many_who_open_a_page_at_once_one_gets_it() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    let url = address(&gateway, json!({})).await;
    let opened = futures_util::future::join_all((0..8).map(|_| open(&gateway, &url))).await;
    let pages = opened
        .iter()
        .filter(|answer| answer.status() == StatusCode::OK)
        .count();
    assert_eq!(pages, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn a_code_that_expired_or_was_never_made_is_answered_by_a_card() {
    let (gateway, clock) = linked(json!({"LastName": "Ng"})).await;
    let url = address(&gateway, json!({"orgOrigins": [LIGHTNING]})).await;
    clock.by(61);
    let late = open(&gateway, &url).await;
    assert_eq!(late.status(), StatusCode::GONE);
    check_headers(&late, LIGHTNING);
    assert!(
        late.text()
            .await
            .unwrap()
            .contains("This page was open for too long. Reload the record.")
    );
    // Going back in time does not bring it back.
    clock.by(0);
    assert_eq!(open(&gateway, &url).await.status(), StatusCode::GONE);

    let unknown = format!("{}/embed/open/{}", gateway.url(), "A".repeat(43));
    for unknown in [unknown.as_str(), &format!("{}/embed/open/x%00y", gateway.url())] {
        let answer = open(&gateway, unknown).await;
        assert_eq!(answer.status(), StatusCode::GONE);
        check_headers(
            &answer,
            "https://*.lightning.force.com https://*.my.salesforce.com https://*.vf.force.com",
        );
        assert!(answer.text().await.unwrap().contains("Reload the record."));
    }
    gateway.stop().await;
}

#[tokio::test]
async fn origins_are_narrowed_and_never_widened() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    let url = address(
        &gateway,
        json!({"orgOrigins": ["https://ACME.lightning.force.com/", "https://evil.example"]}),
    )
    .await;
    let page = open(&gateway, &url).await;
    check_headers(&page, LIGHTNING);
    assert_eq!(
        session(&page.text().await.unwrap())["origins"],
        json!([LIGHTNING])
    );

    for (member, value) in [
        ("orgOrigins", json!(["https://evil.lightning.force.com"])),
        ("orgOrigins", json!([7])),
        ("language", json!("fr")),
        ("salesforceId", json!("nonsense")),
        ("surprise", json!(1)),
    ] {
        let mut body = json!({"object": "Contact", "salesforceId": NG});
        body[member] = value;
        let refused = problem(ask(&gateway, "partner", &body).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], member);
    }
    gateway.stop().await;
}

#[tokio::test]
async fn only_a_linked_record_of_the_callers_own_connection_has_a_page() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    let body = |object: &str, id: &str| json!({"object": object, "salesforceId": id});
    for (client, object, id) in [
        ("partner", "Contact", "003ZM000001n4n9YAA"),
        ("partner", "Case", "500ZM000001n4n1"),
        ("other-partner", "Contact", NG),
    ] {
        problem(ask(&gateway, client, &body(object, id)).await, "not-linked").await;
    }
    problem(
        ask(&gateway, "pump", &body("Contact", NG)).await,
        "insufficient-scope",
    )
    .await;
    problem(
        ask(&gateway, "off-partner", &body("Contact", NG)).await,
        "connection-disabled",
    )
    .await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_page_reads_its_own_record_for_a_quarter_of_an_hour_and_nothing_else() {
    let (gateway, clock) = linked(json!({"LastName": "Ng"})).await;
    let url = address(&gateway, json!({})).await;
    let html = open(&gateway, &url).await.text().await.unwrap();
    let bearer = session(&html)["bearer"].as_str().unwrap().to_owned();
    let read = async |bearer: &str| {
        let url = format!("{}/embed/record", gateway.url());
        gateway.http.get(url).bearer_auth(bearer).send().await.unwrap()
    };
    gateway
        .push_and_settle(json!([contact(NG, 2, json!({"LastName": "Ngo"}))]))
        .await;
    let answer = read(&bearer).await;
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let record: Value = answer.json().await.unwrap();
    assert_eq!(record["statusText"], "Up to date");
    assert_eq!(
        record["fields"][0],
        json!({"name": "last_name", "label": "Last name", "value": "Ngo"})
    );

    // A session is no token, and a token is no session.
    problem(gateway.with_token(&bearer).await, "malformed-token").await;
    problem(read(&gateway.token("partner")).await, "embed-session-over").await;
    problem(read("nonsense").await, "embed-session-over").await;
    clock.by(14 * 60);
    assert_eq!(read(&bearer).await.status(), StatusCode::OK);
    clock.by(15 * 60 + 1);
    problem(read(&bearer).await, "embed-session-over").await;
    gateway.stop().await;
}

#[tokio::test]
async fn who_was_revoked_opens_nothing_and_what_was_opened_ends() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    let (open_page, unopened) = (
        address(&gateway, json!({})).await,
        address(&gateway, json!({})).await,
    );
    let html = open(&gateway, &open_page).await.text().await.unwrap();
    let bearer = session(&html)["bearer"].as_str().unwrap().to_owned();
    gateway
        .app()
        .store
        .write(Lane::Interactive, |tx| {
            let mut client = tx.client("partner")?.unwrap();
            client.revoked_at = Some(chrono::Utc::now());
            tx.put_client(&client)
        })
        .await
        .unwrap();
    let answer = open(&gateway, &unopened).await;
    assert_eq!(answer.status(), StatusCode::GONE);
    check_headers(&answer, OF_ACME);
    let url = format!("{}/embed/record", gateway.url());
    let answer = gateway.http.get(url).bearer_auth(&bearer).send().await.unwrap();
    problem(answer, "embed-session-over").await;
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_record_holds_is_text_on_its_page() {
    let hostile = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>\"";
    let (gateway, _clock) = linked(json!({"LastName": hostile})).await;
    let url = address(&gateway, json!({})).await;
    let html = open(&gateway, &url).await.text().await.unwrap();
    assert!(
        !html.contains("<script>alert") && !html.contains("<img"),
        "{html}"
    );
    assert!(html.contains("&lt;/script&gt;&lt;script&gt;alert(1)"), "{html}");
    gateway.stop().await;
}

#[tokio::test]
async fn neither_code_nor_session_is_found_in_any_log_or_in_the_store() {
    let (gateway, _clock) = linked(json!({"LastName": "Ng"})).await;
    let folder = gateway.stop_and_keep().await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_causeway"))
        .arg("--config")
        .arg(folder.path().join("causeway.toml"))
        .arg("serve")
        .env_clear()
        .env("CAUSEWAY__LOG__FILTER", "trace")
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = child.stderr.take().unwrap();
    let (told, url) = std::sync::mpsc::sync_channel(1);
    let reading = std::thread::spawn(move || {
        let mut all = String::new();
        let mut chunk = [0_u8; 4096];
        let mut is_told = false;
        while let Ok(count) = log.read(&mut chunk) {
            if count == 0 {
                break;
            }
            all.push_str(&String::from_utf8_lossy(&chunk[..count]));
            if let Some((_, rest)) = all.split_once("causeway serves on ")
                && let Some((url, _)) = rest.split_once('\n')
                && !is_told
            {
                told.send(url.to_owned()).unwrap();
                is_told = true;
            }
        }
        all
    });
    let gateway_url = url.recv_timeout(Duration::from_secs(30)).unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let claims = json!({"iss": "partner", "aud": gateway_url, "exp": now() + 300});
    let answer = http
        .post(format!("{gateway_url}/v1/embed/codes"))
        .bearer_auth(hs256(&claims, SECRET))
        .json(&json!({"object": "Contact", "salesforceId": NG}))
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let url = answer["url"].as_str().unwrap();
    let code = url.rsplit('/').next().unwrap();
    let html = http.get(url).send().await.unwrap().text().await.unwrap();
    let bearer = session(&html)["bearer"].as_str().unwrap().to_owned();
    let record = http
        .get(format!("{gateway_url}/embed/record"))
        .bearer_auth(&bearer)
        .send()
        .await
        .unwrap();
    assert_eq!(record.status(), StatusCode::OK);
    // Also where it is used again, or with another method.
    assert_eq!(http.get(url).send().await.unwrap().status(), StatusCode::GONE);
    let other = http.post(url).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert!(!other.text().await.unwrap().contains(code));
    let stopped = Command::new("kill")
        .arg("-TERM")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(stopped.success());
    assert!(child.wait().unwrap().success());
    let log = reading.join().unwrap();
    assert!(log.contains("/embed/open/{code}"), "{log}");
    for secret in [code, bearer.as_str()] {
        assert!(!log.contains(secret));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found);
        }
    }
}
