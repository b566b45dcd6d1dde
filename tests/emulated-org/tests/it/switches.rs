//! Behaviour that the documentation leaves open, each way.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

mod bulk;
mod refusals;
mod saves;
mod sessions;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

/// Turns one switch.
pub async fn turn(client: &Client, name: &str, on: bool) {
    let answer = client
        .knob(Method::POST, "/emulator/switches", &json!({ name: on }))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()[name], on);
}

#[tokio::test]
async fn switches_are_off_turned_by_name_and_all_off_again() {
    let client = Client::start().await;
    let names = client.get("/emulator/switches").await.json();
    let names = names.as_object().expect("switches");
    assert!(names.values().all(|on| on == false), "{names:?}");
    turn(&client, "undeleteKeepsStamps", true).await;
    turn(&client, "deletedRecordsAs400", true).await;
    let all = client.get("/emulator/switches").await.json();
    let on = all
        .as_object()
        .expect("switches")
        .values()
        .filter(|on| **on == json!(true));
    assert_eq!(on.count(), 2);
    for wrong in [
        json!({ "gravity": false }),
        json!({ "undeleteKeepsStamps": 1 }),
        json!([]),
    ] {
        let answer = client.knob(Method::POST, "/emulator/switches", &wrong).await;
        assert_eq!(answer.refusal(), (400, "JSON_PARSER_ERROR".to_owned()), "{wrong}");
    }
    assert_eq!(
        client.get("/emulator/switches").await.json(),
        all,
        "nothing turned"
    );
    let reset = client
        .knob(Method::DELETE, "/emulator/switches", &json!(null))
        .await;
    assert_eq!(reset.status, 204);
    assert_eq!(
        client.get("/emulator/switches").await.json(),
        Json::Object(names.clone())
    );
}

#[tokio::test]
async fn every_switch_is_in_the_documentation() {
    let client = Client::start().await;
    let text = include_str!("../../../../docs/EMULATED-ORG.md");
    let all = client.get("/emulator/switches").await.json();
    for name in all.as_object().expect("switches").keys() {
        assert!(text.contains(&format!("| `{name}` |")), "{name}");
    }
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains("` | off"));
    assert_eq!(rows.count(), all.as_object().expect("switches").len());
}

/// Ids of what a collections request made, all of it.
async fn create_all(client: &Client, records: Json) -> Vec<String> {
    let body = json!({ "allOrNone": true, "records": records });
    let answer = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    let ids = answer.as_array().expect("results").iter();
    ids.map(|row| row["id"].as_str().unwrap_or_else(|| panic!("{row}")).to_owned())
        .collect()
}
