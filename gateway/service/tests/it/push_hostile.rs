//! Pushed changes that mean harm, or were made by a broken sender.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use causeway::app::idempotency::Idempotency;
use causeway::app::receive::{Posted, receive_changes};
use causeway_core::ports::Lane;
use causeway_core::ports::inbox::{IdempotencyKey, SavedAnswer};
use causeway_store::throwaway_postgres::ThrowawayPostgres;
use causeway_store::{Store, StoreOptions};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Gateway, ORGANIZATION, SECRET, hs256, now, problem};

const CHANGES: &str = "/v1/salesforce/changes";
const RAW: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// An object in an object in an object, each as text in the one around it. A backslash is written so that a level
/// adds a few letters rather than doubling all.
fn raw_in_raw(levels: usize) -> String {
    let mut text = "1".to_owned();
    for _ in 0..levels {
        let escaped = text.replace('\\', r"\u005c").replace('"', r"\u0022");
        text = format!(r#"{{"{RAW}":"{escaped}"}}"#);
    }
    text
}

fn row(fields: &str) -> String {
    format!(
        r#"{{"object":"Contact","operation":"update","id":"003ZM000001n4n5","systemModstamp":"2026-11-22T06:04:37.000Z","observedAt":"2026-11-22T06:04:38.000Z","fields":{fields}}}"#
    )
}

fn body(rows: &[String]) -> String {
    format!(
        r#"{{"organizationId":"{ORGANIZATION}","packageVersion":"1.0","changes":[{}]}}"#,
        rows.join(",")
    )
}

async fn post(http: &reqwest::Client, url: &str, token: &str, body: String) -> Response {
    http.post(format!("{url}{CHANGES}"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap()
}

async fn pushed(gateway: &Gateway, body: String) -> Response {
    post(&gateway.http, gateway.url(), &gateway.token("pump"), body).await
}

async fn problems_of_rows(gateway: &Gateway, rows: &[String]) -> Vec<String> {
    let answer = pushed(gateway, body(rows)).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let answer: Value = answer.json().await.unwrap();
    answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["problem"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn keys_that_mean_something_to_the_parser_are_refused_wherever_they_stand() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let bombs = [
        raw_in_raw(12),
        format!(r#"{{"{NUMBER}":"1"}}"#),
        format!(r#"{{"{NUMBER}":"no number"}}"#),
        r#"{"\u0024serde_json::private::RawValue":"[1]"}"#.to_owned(),
    ];
    for bomb in &bombs {
        let envelope = format!(r#"{{"organizationId":{bomb},"packageVersion":"1.0","changes":[]}}"#);
        for body in [
            bomb.clone(),
            envelope,
            body(std::slice::from_ref(bomb)),
            body(&[row(bomb)]),
            body(&[row(&format!(r#"{{"LastName":{bomb}}}"#))]),
        ] {
            problem(pushed(&gateway, body).await, "malformed-request").await;
        }
        let token = {
            let claims = gateway.claims("partner").to_string();
            let claims = claims.replacen('{', &format!(r#"{{"sub":{bomb},"#), 1);
            signed(&claims)
        };
        problem(gateway.with_token(&token).await, "malformed-token").await;
        let syncs = gateway
            .http
            .post(format!("{}/v1/syncs", gateway.url()))
            .bearer_auth(gateway.token("partner"))
            .header("content-type", "application/json")
            .body(format!(r#"{{"kind":{bomb}}}"#))
            .send()
            .await
            .unwrap();
        problem(syncs, "malformed-request").await;
    }
    gateway.get_json("partner", "/v1/connection").await;
    gateway.stop().await;
}

/// A token with claims that no library would write.
fn signed(claims: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let head = hs256(&json!({}), SECRET);
    let head = head.split('.').next().unwrap();
    let text = format!("{head}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

#[tokio::test]
async fn values_that_no_field_can_have_are_refused_row_by_row() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let problems = problems_of_rows(
        &gateway,
        &[
            row(r#"{"LastName":"Ng","Email":null,"Amount__c":1.50}"#),
            row(r#"{"LastName":"N\u0000g"}"#),
            row(r#"{"LastName":{"a":1}}"#),
            row(r#"{"LastName":"Ng","Email":[]}"#),
            row(r#"{"LastName":"\ud83d"}"#),
            "7".to_owned(),
        ],
    )
    .await;
    for (problem, begins) in problems.iter().zip([
        "",
        "fields.LastName: ",
        "fields.LastName: ",
        "fields.Email: ",
        "fields.LastName: ",
        "this change is no JSON object",
    ]) {
        assert!(
            problem.starts_with(begins) && problem.is_empty() == begins.is_empty(),
            "{begins}: {problem}"
        );
    }
    assert_eq!(problems.len(), 6);
    gateway.stop().await;
}

#[tokio::test]
async fn a_version_that_cannot_be_leaves_the_record_open_to_true_news() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let change = |modstamp: i64, observed: i64, name: &str| {
        let at = |seconds| {
            chrono::DateTime::from_timestamp(now() + seconds, 0)
                .unwrap()
                .to_rfc3339()
        };
        json!({"object": "Contact", "operation": "update", "id": "003ZM000001n4n5",
            "systemModstamp": at(modstamp), "observedAt": at(observed), "fields": {"LastName": name}})
        .to_string()
    };
    let problems = problems_of_rows(
        &gateway,
        &[
            change(-5, -10, "Later than read"),
            change(3600, 3600, "An hour ahead"),
            change(-20, -20, "True"),
        ],
    )
    .await;
    assert!(problems[0].starts_with("systemModstamp: ") && problems[0].contains("send the stamp"));
    assert!(problems[1].starts_with("observedAt: ") && problems[1].contains("5 minutes"));
    assert_eq!(problems[2], "");
    gateway
        .push_and_settle(json!([
            serde_json::from_str::<Value>(&change(-10, -10, "Truer")).unwrap()
        ]))
        .await;
    let page = gateway.get_json("partner", "/v1/records/contact").await;
    assert_eq!(page["records"][0]["fields"]["last_name"], "Truer");
    gateway.stop().await;
}

#[tokio::test]
async fn the_character_zero_gets_into_no_query() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    for path in [
        "/v1/records/contact?owner=u%001",
        "/v1/records/contact?field.email=%00",
        "/v1/records/contact?field.%00=x",
        "/v1/changes?object=contact%00",
    ] {
        problem(gateway.get("partner", path).await, "invalid-parameters").await;
    }
    for (path, id) in [
        ("/v1/records/contact%00", "object-not-found"),
        ("/v1/records/contact%00/1", "object-not-found"),
        ("/v1/records/contact/1%00", "record-not-found"),
        ("/v1/syncs/1%00", "sync-not-found"),
    ] {
        problem(gateway.get("partner", path).await, id).await;
    }
    for claim in ["iss", "sub", "scope"] {
        let mut claims = gateway.claims("partner");
        claims[claim] = json!("partner\0");
        let token = hs256(&claims, SECRET);
        problem(gateway.with_token(&token).await, "malformed-token").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_sync_of_other_objects_is_not_mistaken_for_the_one_that_runs() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let start = async |order: Value| {
        gateway
            .http
            .post(format!("{}/v1/syncs", gateway.url()))
            .bearer_auth(gateway.token("partner"))
            .json(&order)
            .send()
            .await
            .unwrap()
    };
    // Another gateway holds the connection's syncs, so that the run stays unfinished.
    let connection = gateway.connection;
    gateway
        .app()
        .store
        .write(Lane::Interactive, move |tx| {
            let now = chrono::Utc::now();
            tx.hold_lease(
                connection,
                "sync",
                "elsewhere",
                now,
                now + chrono::TimeDelta::hours(1),
            )
        })
        .await
        .unwrap();
    let answer = start(json!({"kind": "initial", "objects": ["account"]})).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let first: Value = answer.json().await.unwrap();
    let id = first["id"].as_str().unwrap();

    let again = start(json!({"kind": "initial", "objects": ["account"]})).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.json::<Value>().await.unwrap()["id"], id);
    for order in [
        json!({"kind": "initial", "objects": ["account", "contact"]}),
        json!({"kind": "initial"}),
    ] {
        let document = problem(start(order).await, "sync-running").await;
        let detail = document["detail"].as_str().unwrap();
        assert!(
            detail.contains(&format!("sync {id} ")) && detail.contains("contact"),
            "{detail}"
        );
    }
    gateway.stop().await;
}

/// The gateway as a process of its own.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(folder: &tempfile::TempDir) -> Served {
        let mut child = Command::new(env!("CARGO_BIN_EXE_causeway"))
            .arg("--config")
            .arg(folder.path().join("causeway.toml"))
            .arg("serve")
            .env_clear()
            .env("CAUSEWAY__LOG__FILTER", "warn")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .find_map(|line| Some(line.unwrap().strip_prefix("causeway serves on ")?.to_owned()))
            .unwrap();
        // What it says later is read too, or it would write into a closed pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Served { child, url }
    }

    /// The most memory it ever had, in kB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let ended = self.child.kill().and_then(|()| self.child.wait());
        assert!(ended.is_ok(), "{ended:?}");
    }
}

#[tokio::test]
async fn a_large_body_of_tiny_values_takes_a_few_times_its_size() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let folder = gateway.stop_and_keep().await;
    let served = Served::start(&folder);
    let http = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .unwrap();
    let token = hs256(
        &json!({"iss": "pump", "aud": served.url, "exp": now() + 300}),
        SECRET,
    );
    let send = async |body: String| {
        let answer = post(&http, &served.url, &token, body).await;
        let status = answer.status();
        (status, answer.text().await.unwrap())
    };
    send(body(&[])).await;
    let before = served.peak();
    for (tiny, count) in [("{},", 1_900_000), ("[0],", 1_450_000)] {
        let many = tiny.repeat(count);
        let list = format!("[{}]", many.trim_end_matches(','));
        assert!(list.len() > 5_600_000);
        let (status, said) = send(body(&[row(&format!(r#"{{"LastName":{list}}}"#))])).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{said}");
        assert!(said.contains("fields.LastName: "), "{said}");
        // In place of the fields, of the rows, and beside a wrong envelope.
        let (_, said) = send(body(&[row(&list)])).await;
        assert!(said.contains("fields: must be an object"), "{said}");
        let (status, _) = send(format!(
            r#"{{"organizationId":"{ORGANIZATION}","packageVersion":"1.0","changes":{list}}}"#
        ))
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let (status, _) = send(format!(
            r#"{{"organizationId":7,"changes":[{{"fields":{list}}}]}}"#
        ))
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let members: Vec<String> = (0..500_000).map(|number| format!("\"a{number}\":1")).collect();
    let (status, said) = send(body(&[row(&format!("{{{}}}", members.join(",")))])).await;
    assert_eq!(status, StatusCode::ACCEPTED, "{said}");
    let grown = served.peak() - before;
    assert!(grown < 100 * 1024, "{grown} kB for bodies of 5.8 MB");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_at_two_gateways_locks_in_one_order() {
    let url = ThrowawayPostgres::shared().unwrap().database().unwrap();
    let sections = format!("[store]\nurl = \"{url}\"\n");
    let gateway = Gateway::start_on(&sections).await;
    gateway.map_accounts_and_contacts().await;
    let other = Store::open(&url, StoreOptions::default()).await.unwrap();
    let key = IdempotencyKey {
        client: "pump".to_owned(),
        route: "POST /v1/salesforce/changes".to_owned(),
        key: "k-1".to_owned(),
    };
    let row = row(r#"{"LastName":"Ng"}"#);
    let tries = Arc::new(AtomicU32::new(0));
    let (holds, held) = tokio::sync::oneshot::channel();
    let mut holds = Some(holds);
    let connection = gateway.connection;
    let neighbour = tokio::spawn({
        let (key, tries, other) = (key.clone(), Arc::clone(&tries), other.clone());
        async move {
            other
                .write(Lane::Interactive, move |tx| {
                    tries.fetch_add(1, Ordering::Relaxed);
                    let at = chrono::Utc::now();
                    let change = causeway_core::ports::inbox::ReceivedChange {
                        object: "Contact".to_owned(),
                        salesforce_id: causeway_core::id::SalesforceId::parse("003ZM000001n4n6").unwrap(),
                        kind: causeway_core::ports::inbox::ChangeKind::Upsert,
                        version: causeway_core::version::SalesforceVersion {
                            modstamp: at,
                            observed: at,
                        },
                        fields: r#"{"LastName":"Ann"}"#.to_owned(),
                        changed: std::collections::BTreeMap::new(),
                        merged: causeway_core::decide::MergedInto::Unknown,
                        source: "pump".to_owned(),
                    };
                    tx.receive(connection, &[change], Lane::Interactive, at)?;
                    if let Some(holds) = holds.take() {
                        holds.send(()).unwrap();
                    }
                    // Longer than PostgreSQL waits before it looks for a deadlock, so that this one is its victim.
                    std::thread::sleep(Duration::from_millis(1_800));
                    let saved = SavedAnswer {
                        body_hash: [1; 32],
                        status: 202,
                        body: "{}".to_owned(),
                    };
                    tx.save_answer(&key, &saved, at)
                })
                .await
        }
    });
    held.await.unwrap();
    let posted = Posted {
        connection,
        client: "pump".to_owned(),
        organization: ORGANIZATION.to_owned(),
        changes: vec![row],
        idempotency: Some(Idempotency {
            key,
            body_hash: [2; 32],
        }),
    };
    let received = receive_changes(gateway.app(), posted).await;
    assert_eq!(
        received,
        Err(causeway::app::receive::ReceiveError::KeyReused),
        "the neighbour's answer stands, and nothing of this one was received"
    );
    neighbour.await.unwrap().unwrap();
    assert_eq!(
        tries.load(Ordering::Relaxed),
        1,
        "no deadlock threw the neighbour out"
    );
    other.close().await;
    gateway.stop().await;
}
