//! What the package does when sending goes wrong: nothing is lost, and the org's admin is told in plain words.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use emulated_org::faults::{CalloutFault, Statement, StatementFault};
use end_to_end::partner::Partner;
use serde_json::{Value, json};

use crate::package_world::{CONNECTION, Packaged};
use crate::two_way_world::at_rest;
use crate::world::Engine;

/// The org's clock begins a day ago and ends in the present, so that the gateway, whose clock is the machine's, takes
/// the tokens that are signed in the end.
#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_away_for_a_day_and_the_sweeper_sends_what_waited() {
    let mut org = Packaged::start(Engine::Sqlite).await;
    let clock = org.world.org.clock().clone();
    clock.set(Utc::now() - TimeDelta::hours(26));
    assert_eq!(org.pair(), None);
    org.settle();
    org.world.gateway.kill().unwrap();

    let mut ids = Vec::new();
    for hour in 0..24 {
        let name = format!("hour {hour}");
        ids.push(
            org.rep
                .create("Contact", &json!({"LastName": name}))
                .await
                .unwrap(),
        );
        org.settle();
        clock.advance(Duration::from_mins(58));
        org.settle();
    }
    assert_eq!(org.count("Outbox__c").await, 24, "every save waits");
    let state = org.state();
    assert_eq!(state["Trouble_Code__c"], "UNREACHABLE", "{state}");
    assert!(
        state["Trouble__c"].is_string() && state["Next_Step__c"].is_string(),
        "{state}"
    );
    let pumps = org.pumps().await;
    assert!(pumps < 80, "{pumps} attempts in a day");

    org.world.gateway.serve(&[]).await.unwrap();
    clock.set(Utc::now());
    org.rest().await;
    let partner = org.partner();
    assert_eq!(partner.records("contact").await.unwrap().len(), ids.len());
    assert_eq!(org.count("Outbox__c").await, 0);
    assert_eq!(org.state()["Trouble_Code__c"], Value::Null);
    let package = org.package().await;
    assert_eq!(package["version"], "1.0", "the sweeper's heartbeat: {package}");
    org.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_told_in_plain_words_and_pairing_again_sends_everything() {
    let org = Packaged::paired(Engine::Sqlite).await;
    // Another org took the client's place: its key is the one in force now.
    let code = org.pairing_code();
    let key = "c29tZWJvZHkgZWxzZSdzIGtleSBvZiAzMiBieXRlcyE=";
    let body = json!({
        "code": code, "organizationId": org.world.organization(), "key": key, "packageVersion": "1.0",
    });
    let answer = reqwest::Client::new()
        .post(format!("{}/v1/salesforce/pairings", org.world.gateway.url()))
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);

    org.rep
        .create("Contact", &json!({"LastName": "waits"}))
        .await
        .unwrap();
    org.settle();
    let state = org.state();
    assert_eq!(state["Trouble_Code__c"], "UNAUTHORIZED", "{state}");
    let told = state["Next_Step__c"].as_str().unwrap();
    assert!(told.to_lowercase().contains("pair"), "{told}");
    assert_eq!(org.count("Outbox__c").await, 1);

    assert_eq!(org.pair(), None);
    org.rest().await;
    assert_eq!(names(&org.partner()).await, ["waits"], "without another save");
    assert_eq!(org.state()["Trouble_Code__c"], Value::Null);
    org.rep
        .create("Contact", &json!({"LastName": "next"}))
        .await
        .unwrap();
    org.rest().await;
    assert_eq!(names(&org.partner()).await, ["next", "waits"]);
    assert_eq!(org.count("Outbox__c").await, 0);
    org.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_kept_as_a_row_is_compared_and_found() {
    let org = Packaged::paired(Engine::Sqlite).await;
    let faults = org.world.org.faults();
    faults.apex().fail_statements(
        Statement::Insert,
        "Outbox__c",
        0,
        1,
        StatementFault::Refused("STORAGE_LIMIT_EXCEEDED"),
    );
    let id = org
        .rep
        .create("Contact", &json!({"LastName": "no room"}))
        .await
        .unwrap();
    org.settle();
    assert_eq!(org.count("Outbox__c").await, 0);
    assert_eq!(org.markers(), ["Contact"]);

    org.apex("Heartbeat.start();").unwrap();
    org.rest().await;
    assert_eq!(org.markers(), Vec::<String>::new());
    let package = org.package().await;
    let issues: Vec<&str> = package["issues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["code"].as_str().unwrap())
        .collect();
    assert_eq!(issues, ["package-reconcile"], "{package}");
    org.partner().wait_for("contact", &id, |_| true).await.unwrap();
    let runs = org.partner().get("/v1/syncs").await.unwrap();
    assert!(runs.to_string().contains("reconcile"), "{runs}");
    org.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_the_gateway_refuses_holds_up_no_other_and_its_object_is_compared() {
    let org = Packaged::paired(Engine::Sqlite).await;
    // The gateway's answer to a claim of two, of which it refused the second: nothing else of the exchange differs.
    let results = json!({"accepted": 1, "rejected": 1, "results": [
        {"id": "", "status": "accepted"},
        {"id": "", "status": "rejected", "problem": "fields.Email: too long"},
    ]});
    org.world.org.faults().apex().fail_next_callouts(
        1,
        CalloutFault::Answered {
            status: 202,
            headers: Vec::new(),
            body: results.to_string(),
        },
    );
    let two = [json!({"LastName": "good"}), json!({"LastName": "bad"})];
    let ids = org.rep.create_all("Contact", &two).await.unwrap();
    org.settle();
    assert_eq!(org.count("Outbox__c").await, 0, "the row is not sent for ever");
    assert_eq!(org.markers(), ["Contact"]);
    let state = org.state();
    assert_eq!(state["Trouble_Code__c"], "CHANGES_REFUSED", "{state}");
    assert!(
        state["Trouble__c"]
            .as_str()
            .unwrap()
            .contains("fields.Email: too long"),
        "{state}"
    );

    org.apex("Heartbeat.start();").unwrap();
    org.rest().await;
    for id in &ids {
        org.partner().wait_for("contact", id, |_| true).await.unwrap();
    }
    assert_eq!(org.markers(), Vec::<String>::new());
    org.world.stop().await;
}

/// A full run, and then everything is searched for the key and the code: as text, as bytes, in base64.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_finds_the_key_or_the_code_anywhere() {
    let org = Packaged::start(Engine::Sqlite).await;
    let code = org.pairing_code();
    assert_eq!(org.pair_with(&code), None);
    let mut debugged = org.apex("Heartbeat.start();").unwrap();
    org.rep
        .create("Contact", &json!({"LastName": "seen"}))
        .await
        .unwrap();
    org.rest().await;
    // What the package says when its key is refused, and when the org refuses to keep one.
    org.world
        .org
        .faults()
        .apex()
        .fail_next_callouts(1, CalloutFault::answered(401));
    org.rep
        .create("Contact", &json!({"LastName": "refused"}))
        .await
        .unwrap();
    org.settle();
    org.world.org.faults().apex().fail_statements(
        Statement::Update,
        "Credential__c",
        0,
        1,
        StatementFault::Thrown("DmlException"),
    );
    let second = org.pairing_code();
    let refused = org
        .apex(&format!(
            "try {{ Pairing.pair('{}', '{second}'); }} catch (Exception e) {{ System.debug(e.getMessage()); }}",
            org.world.gateway.url()
        ))
        .unwrap();
    debugged.extend(refused);
    let wrong = org.apex(&format!(
        "try {{ Pairing.pair('{}', '{code}'); }} catch (Exception e) {{ System.debug(e.getMessage()); }}",
        org.world.gateway.url()
    ));
    debugged.extend(wrong.unwrap());

    // The test itself asks the package's own code, as nobody else can.
    let kept = org.value("Credential__c.getOrgDefaults().Key__c");
    let secrets = Secrets::of(kept.as_str().unwrap(), &[&code, &second]);

    let admin = &org.admin;
    for refused in [
        "SELECT Key__c FROM Credential__c",
        "SELECT Id FROM Credential__c",
        "SELECT SetupOwnerId FROM Connection__c",
    ] {
        let answer = admin.query(refused).await;
        assert!(
            answer
                .as_ref()
                .is_err_and(|error| error.to_string().contains("INVALID_TYPE")),
            "{refused}: {answer:?}"
        );
    }
    for path in ["/sobjects/Credential__c/describe", "/sobjects/Credential__c"] {
        assert!(admin.send("GET", path, None).await.is_err(), "{path}");
    }
    let described = admin.send("GET", "/sobjects", None).await.unwrap().to_string();
    assert!(!described.contains("Credential__c"));
    let mut read = vec![("describe".to_owned(), described)];
    for object in [
        "Outbox__c",
        "AsyncApexJob",
        "CronTrigger",
        "Contact",
        "Organization",
        "User",
    ] {
        let rows = admin
            .query(&format!("SELECT FIELDS(STANDARD) FROM {object} LIMIT 200"))
            .await;
        read.push((object.to_owned(), format!("{rows:?}")));
    }
    let shown = org.value("ConnectionSettings.read()");
    assert_eq!(shown["secretIsSet"], true);
    read.push(("the settings page".to_owned(), shown.to_string()));
    read.push(("the package's state".to_owned(), org.state().to_string()));
    read.push(("debug lines".to_owned(), debugged.join("\n")));
    let log = org.world.org.request_log().latest();
    read.push(("the org's requests".to_owned(), format!("{log:?}")));
    let logs = org.partner().get("/v1/logs?limit=1000").await.unwrap();
    read.push(("/v1/logs".to_owned(), logs.to_string()));
    read.push(("/v1/connection".to_owned(), org.package().await.to_string()));
    let shown = org
        .world
        .gateway
        .command(&["connection", "show", CONNECTION])
        .unwrap();
    read.push(("connection show".to_owned(), shown));
    for (place, text) in &read {
        secrets.are_not_in(place, text.as_bytes());
    }
    let mut files = 0;
    for entry in std::fs::read_dir(org.world.folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            secrets.are_not_in(&path.display().to_string(), &std::fs::read(&path).unwrap());
            files += 1;
        }
    }
    assert!(files > 5, "database, journal and log were searched");
    org.world.stop().await;
}

/// Texts and bytes that nobody may find.
struct Secrets(Vec<Vec<u8>>);

impl Secrets {
    fn of(key: &str, codes: &[&str]) -> Secrets {
        let raw = base64(key);
        assert_eq!(raw.len(), 32, "the key is kept as base64 of its bytes");
        let mut all = vec![key.trim_end_matches('=').as_bytes().to_vec(), raw.clone()];
        all.push(
            key.replace('+', "-")
                .replace('/', "_")
                .trim_end_matches('=')
                .as_bytes()
                .to_vec(),
        );
        all.push(
            raw.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
                .into_bytes(),
        );
        for code in codes {
            all.push(code.as_bytes().to_vec());
            all.push(code.replace('-', "").into_bytes());
        }
        Secrets(all)
    }

    fn are_not_in(&self, place: &str, bytes: &[u8]) {
        for secret in &self.0 {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_slice());
            assert!(!found, "a secret is in {place}");
        }
    }
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut held) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = ALPHABET.iter().position(|known| *known == letter).unwrap();
        bits = (bits << 6) | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}

async fn names(partner: &Partner) -> Vec<String> {
    at_rest(partner).await;
    let records = partner.records("contact").await.unwrap();
    let mut names: Vec<String> = records
        .iter()
        .map(|record| record["fields"]["last_name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}
