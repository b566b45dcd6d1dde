//! The package in the org: it is paired by a code, told what to capture, and tells how it is.

use std::process::Output;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use causeway::app::package::{self, PairingRequest, Reconciling};
use causeway_core::ports::runs::RunKind;
use chrono::{TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Response, StatusCode};
use secrecy::SecretBox;
use serde_json::{Value, json};

use crate::command::{causeway, code, stderr, stdout};
use crate::gateway::{Gateway, ORGANIZATION, now, problem};
use crate::linked::{Linked, quick_options};

const KEY: [u8; 32] = [42; 32];

async fn invited(gateway: &Gateway, lives: Duration) -> String {
    let id = gateway.connection;
    let app = gateway.app();
    let connection = app
        .store
        .read(move |tx| tx.connection(id))
        .await
        .unwrap()
        .unwrap();
    package::invite(app, &connection, lives)
        .await
        .unwrap()
        .to_string()
}

fn pairing(code: &str) -> Value {
    json!({
        "code": code, "organizationId": ORGANIZATION, "key": STANDARD.encode(KEY), "packageVersion": "1.0",
    })
}

async fn pair(gateway: &Gateway, body: &Value) -> Response {
    let url = format!("{}/v1/salesforce/pairings", gateway.url());
    gateway.http.post(url).json(body).send().await.unwrap()
}

/// A token signed with the key's bytes.
fn token(gateway: &Gateway, key: &[u8]) -> String {
    let claims = json!({"iss": "acme-package", "aud": gateway.url(), "exp": now() + 300});
    let key = EncodingKey::from_secret(key);
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

async fn post(gateway: &Gateway, path: &str, body: &Value) -> Response {
    gateway
        .http
        .post(format!("{}/v1/salesforce/{path}", gateway.url()))
        .bearer_auth(gateway.token("pump"))
        .json(body)
        .send()
        .await
        .unwrap()
}

async fn answer(response: Response) -> Value {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    body
}

fn heartbeat() -> Value {
    json!({
        "organizationId": ORGANIZATION, "packageVersion": "1.0", "runningUserId": "005ZM000001n4n5",
        "queue": {"rows": 0, "oldestAt": null}, "markers": [], "sweeperScheduled": true, "trouble": null,
    })
}

fn issues(connection: &Value) -> Vec<&str> {
    let issues = connection["package"]["issues"].as_array().unwrap();
    issues
        .iter()
        .map(|issue| issue["code"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_package_is_paired_by_a_code_once_and_then_signs_with_its_own_key() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let code = invited(&gateway, Duration::from_secs(60)).await;

    let paired = answer(pair(&gateway, &pairing(&code.to_lowercase().replace('-', ""))).await).await;
    assert_eq!(paired["clientId"], "acme-package");
    assert_eq!(paired["audience"], gateway.url());
    assert_eq!(paired["connectionName"], "acme");
    assert_eq!(
        paired["captured"]["objects"],
        json!([
            {"object": "Account", "fields": ["Name", "OwnerId"]},
            {"object": "Contact", "fields":
                ["AccountId", "Amount__c", "Birthdate", "Email", "LastName", "OwnerId"]},
        ])
    );
    assert_eq!(
        gateway.with_token(&token(&gateway, &KEY)).await.status(),
        StatusCode::OK
    );
    problem(
        gateway.with_token(&token(&gateway, &[43; 32])).await,
        "wrong-signature",
    )
    .await;

    problem(pair(&gateway, &pairing(&code)).await, "pairing-refused").await;
    assert_eq!(
        gateway.with_token(&token(&gateway, &KEY)).await.status(),
        StatusCode::OK
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_new_pairing_replaces_the_key_and_a_new_code_the_old_one() {
    let gateway = Gateway::start().await;
    let first = invited(&gateway, Duration::from_secs(60)).await;
    let second = invited(&gateway, Duration::from_secs(60)).await;
    problem(pair(&gateway, &pairing(&first)).await, "pairing-refused").await;
    answer(pair(&gateway, &pairing(&second)).await).await;

    let third = invited(&gateway, Duration::from_secs(60)).await;
    let mut body = pairing(&third);
    body["key"] = json!(STANDARD.encode([7; 32]));
    answer(pair(&gateway, &body).await).await;
    problem(
        gateway.with_token(&token(&gateway, &KEY)).await,
        "wrong-signature",
    )
    .await;
    assert_eq!(
        gateway.with_token(&token(&gateway, &[7; 32])).await.status(),
        StatusCode::OK
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_pairing_that_is_refused_leaves_the_code_and_the_key_as_they_were() {
    let gateway = Gateway::start().await;
    let code = invited(&gateway, Duration::from_secs(60)).await;
    let wrong = |field: &str, value: Value| {
        let mut body = pairing(&code);
        body[field] = value;
        body
    };
    problem(
        pair(&gateway, &wrong("organizationId", json!("00D8a00001rBqb9"))).await,
        "connection-mismatch",
    )
    .await;
    for (field, value) in [
        ("key", json!(STANDARD.encode([1; 31]))),
        ("key", json!("no base64")),
        ("key", Value::Null),
        ("code", json!(7)),
        ("secret", json!("typed")),
    ] {
        let refused = problem(pair(&gateway, &wrong(field, value)).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], field);
    }
    problem(
        pair(&gateway, &wrong("code", json!("AAAAA-AAAAA-AAAAA-AAAAA"))).await,
        "pairing-refused",
    )
    .await;
    problem(gateway.with_token(&token(&gateway, &KEY)).await, "unknown-client").await;
    answer(pair(&gateway, &pairing(&code)).await).await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_expired_code_is_refused() {
    let gateway = Gateway::start().await;
    let code = invited(&gateway, Duration::ZERO).await;
    let refused = problem(pair(&gateway, &pairing(&code)).await, "pairing-refused").await;
    assert!(
        refused["detail"].as_str().unwrap().contains("expired"),
        "{refused}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn of_two_packages_with_one_code_one_is_paired() {
    let gateway = Gateway::start().await;
    let code = invited(&gateway, Duration::from_secs(60)).await;
    let request = |byte: u8| PairingRequest {
        code: code.clone(),
        organization: ORGANIZATION.to_owned(),
        key: SecretBox::from(vec![byte; 32].into_boxed_slice()),
    };
    let (one, other) = tokio::join!(
        package::pair(gateway.app(), request(1)),
        package::pair(gateway.app(), request(2))
    );
    assert_eq!(
        usize::from(one.is_ok()) + usize::from(other.is_ok()),
        1,
        "{one:?} {other:?}"
    );
    let key = if one.is_ok() { [1; 32] } else { [2; 32] };
    assert_eq!(
        gateway.with_token(&token(&gateway, &key)).await.status(),
        StatusCode::OK
    );
    gateway.stop().await;
}

#[tokio::test]
async fn the_command_line_makes_the_code() {
    let gateway = Gateway::start_with("[support]\nemail = \"help@example.com\"\n").await;
    let folder = gateway.stop_and_keep().await;
    let run = |arguments: &[&str]| -> Output { causeway(&folder, arguments).output().unwrap() };
    let made = run(&["connection", "pair", "acme", "--minutes", "5"]);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let text = stdout(&made);
    let typed = text
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .last()
        .unwrap()
        .to_owned();
    assert!(text.contains("for 5 minutes"), "{text}");

    let unknown = run(&["connection", "pair", "acne"]);
    assert_eq!(code(&unknown), 1);
    assert!(
        stderr(&unknown).contains("there are: acme"),
        "{}",
        stderr(&unknown)
    );
    let shown = run(&["connection", "show", "acme"]);
    assert!(
        stdout(&shown).contains("has not reported yet"),
        "{}",
        stdout(&shown)
    );

    let gateway = Gateway::reopen(folder).await;
    answer(pair(&gateway, &pairing(&typed)).await).await;
    let heard = answer(post(&gateway, "heartbeat", &heartbeat()).await).await;
    assert_eq!(
        heard["support"],
        json!({"email": "help@example.com", "phone": null})
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_package_hears_what_it_captures_when_that_has_changed() {
    let gateway = Gateway::start().await;
    let heard = answer(post(&gateway, "heartbeat", &heartbeat()).await).await;
    assert_eq!(heard["captured"]["objects"], json!([]));
    assert_eq!(
        (&heard["latestPackageVersion"], &heard["outOfDate"]),
        (&json!("1.0"), &json!(false))
    );

    gateway.map_accounts_and_contacts().await;
    let mut body = heartbeat();
    body["capturedRevision"] = heard["captured"]["revision"].clone();
    let heard = answer(post(&gateway, "heartbeat", &body).await).await;
    assert_eq!(heard["captured"]["objects"][1]["object"], "Contact");
    assert_eq!(
        answer(gateway.get("pump", "/v1/salesforce/captured").await).await,
        heard["captured"]
    );
    body["capturedRevision"] = heard["captured"]["revision"].clone();
    let heard = answer(post(&gateway, "heartbeat", &body).await).await;
    assert_eq!(heard["captured"], Value::Null);
    gateway.stop().await;
}

#[tokio::test]
async fn an_admin_reads_what_troubles_the_package_with_the_next_step() {
    let gateway = Gateway::start().await;
    let before = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(before["package"]["version"], Value::Null);
    assert_eq!(issues(&before), ["package-never-heard"]);

    answer(post(&gateway, "heartbeat", &heartbeat()).await).await;
    let well = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(well["package"]["version"], "1.0");
    assert_eq!(issues(&well), Vec::<&str>::new());

    let since = Utc::now() - TimeDelta::hours(2);
    let mut body = heartbeat();
    body["packageVersion"] = json!("0.9");
    body["queue"] = json!({"rows": 12, "oldestAt": since});
    body["markers"] = json!(["Contact"]);
    body["sweeperScheduled"] = json!(false);
    body["trouble"] =
        json!({"code": "gateway-401", "message": "The gateway refuses the key", "since": since});
    let heard = answer(post(&gateway, "heartbeat", &body).await).await;
    assert_eq!(heard["outOfDate"], true);
    let ill = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(ill["package"]["queue"]["waiting"], 12);
    assert_eq!(
        issues(&ill),
        [
            "package-trouble",
            "package-late",
            "package-unscheduled",
            "package-reconcile",
            "package-out-of-date"
        ]
    );
    for issue in ill["package"]["issues"].as_array().unwrap() {
        assert!(issue["nextStep"].as_str().unwrap().len() > 20, "{issue}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_package_hears_of_a_later_version_and_where_it_is() {
    let gateway =
        Gateway::start_with("[package]\nlatest_version = \"1.1\"\nversion_id = \"04tZM000000CqO2YAK\"\n")
            .await;
    let heard = answer(post(&gateway, "heartbeat", &heartbeat()).await).await;
    assert_eq!(
        (
            &heard["latestPackageVersion"],
            &heard["latestPackageId"],
            &heard["outOfDate"]
        ),
        (&json!("1.1"), &json!("04tZM000000CqO2YAK"), &json!(true))
    );
    let told = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(issues(&told), ["package-out-of-date"]);
    let issue = &told["package"]["issues"][0]["message"];
    assert_eq!(
        issue,
        "Version 1.0 of the package is not the latest, which is 1.1"
    );
    assert_eq!(told["package"]["latestId"], "04tZM000000CqO2YAK");

    let mut body = heartbeat();
    body["packageVersion"] = json!("1.1");
    let heard = answer(post(&gateway, "heartbeat", &body).await).await;
    assert_eq!(heard["outOfDate"], false);
    gateway.stop().await;
}

#[tokio::test]
async fn a_heartbeat_that_is_wrong_is_refused_by_field_and_changes_nothing() {
    let gateway = Gateway::start().await;
    answer(post(&gateway, "heartbeat", &heartbeat()).await).await;
    for (field, value, named) in [
        ("queue", json!(3), "queue"),
        ("queue", json!({"rows": -1}), "queue.rows"),
        (
            "queue",
            json!({"rows": 1, "oldestAt": "yesterday"}),
            "queue.oldestAt",
        ),
        ("queue", json!({"rows": 1, "size": 2}), "queue.size"),
        ("sweeperScheduled", json!("yes"), "sweeperScheduled"),
        ("markers", json!(["Contact; DROP"]), "markers[0]"),
        ("markers", json!(vec!["A"; 201]), "markers"),
        ("trouble", json!({"code": "x", "message": "y"}), "trouble.since"),
        ("runningUserId", json!("me"), "runningUserId"),
        ("key", json!("k"), "key"),
    ] {
        let mut body = heartbeat();
        body["packageVersion"] = json!("0.1");
        body[field] = value;
        let refused = problem(post(&gateway, "heartbeat", &body).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], named, "{refused}");
    }
    let mut body = heartbeat();
    body["organizationId"] = json!("00D8a00001rBqb9");
    problem(post(&gateway, "heartbeat", &body).await, "connection-mismatch").await;
    let connection = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(connection["package"]["version"], "1.0");
    gateway.stop().await;
}

#[tokio::test]
async fn what_a_package_asks_to_be_reconciled_is_queued_until_a_run_has_begun() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let order = async |objects: &[&str]| {
        let objects = objects.iter().map(|object| (*object).to_owned()).collect();
        package::reconcile(&linked.app, linked.connection, objects)
            .await
            .unwrap()
    };
    assert_eq!(order(&["Case"]).await, Reconciling::NotMapped);
    let Reconciling::Queued(run) = order(&["contact", "Case"]).await else {
        panic!("nothing was queued")
    };
    assert_eq!(order(&["Contact"]).await, Reconciling::Queued(run));
    assert_eq!(
        order(&["Contact", "Account"]).await,
        Reconciling::UnderWay(run),
        "it leaves Account out"
    );
    let found = linked.run(run).await;
    assert_eq!(found.kind, RunKind::Reconcile);
    linked.work_on(run).await;
    let Reconciling::Queued(next) = order(&["Contact"]).await else {
        panic!("nothing was queued")
    };
    assert!(next > run);
}

#[tokio::test]
async fn an_order_to_reconcile_names_objects_of_its_own_org() {
    let gateway = Gateway::start().await;
    let order =
        |organization: &str, objects: Value| json!({"organizationId": organization, "objects": objects});
    let none = answer(post(&gateway, "reconciles", &order(ORGANIZATION, json!(["Contact"]))).await).await;
    assert_eq!(none["run"], Value::Null, "nothing is mapped");
    for (objects, named) in [
        (json!([]), "objects"),
        (json!(["Con tact"]), "objects[0]"),
        (json!([""]), "objects[0]"),
        (json!("Contact"), "objects"),
    ] {
        let body = order(ORGANIZATION, objects);
        let refused = problem(post(&gateway, "reconciles", &body).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], named, "{refused}");
    }
    let body = order("00D8a00001rBqb9", json!(["Contact"]));
    problem(post(&gateway, "reconciles", &body).await, "connection-mismatch").await;
    gateway.stop().await;
}
