//! Switches about what a save does besides.
#![cfg(test)]

use std::path::PathBuf;
use std::time::Duration;

use emulated_org::{Clock, Options};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{create_all, turn};
use crate::client::{Client, V};

async fn start(fixture: &str) -> Client {
    Client::start_with(Options {
        clock: Clock::fixed("2026-02-18T12:00:00Z".parse().expect("a moment")),
        sfdx_source: vec![
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/sfdx/{fixture}")),
        ],
        ..Options::default()
    })
    .await
}

/// Lets the administrator do something in the organisation.
async fn deed(client: &Client, deed: Json) {
    let acts = json!({ "as": client.org.admin_username(), "deeds": [deed] });
    let results = client.knob(Method::POST, "/emulator/people", &acts).await.json();
    assert_eq!(results[0]["success"], true, "{results}");
}

async fn stamps(client: &Client, object: &str, id: &str) -> [String; 2] {
    let record = client.read(object, id).await;
    ["LastModifiedDate", "SystemModstamp"].map(|name| {
        let stamp = record[name].as_str().unwrap_or_default();
        stamp.get(14..19).unwrap_or_default().to_owned()
    })
}

#[tokio::test]
async fn a_duplicate_is_answered_with_what_was_found_or_without() {
    let client = start("duplicates").await;
    let ann = json!({ "FirstName": "Ann", "LastName": "Doe" });
    client.create("Contact", ann.clone()).await;
    for (on, has_result) in [(false, true), (true, false)] {
        turn(&client, "duplicatesWithoutResult", on).await;
        let answer = client.post(&format!("{V}/sobjects/Contact"), &ann).await.json();
        assert_eq!(answer[0]["errorCode"], "DUPLICATES_DETECTED");
        assert_eq!(answer[0].get("duplicateResult").is_some(), has_result, "{answer}");
    }
}

#[tokio::test]
async fn an_exception_refuses_all_rows_or_its_own() {
    let client = start("partner").await;
    let rule = json!({ "object": "Account", "when": "Name = 'Bad'", "then": { "triggerThrows": { "message": "No" } } });
    client.knob(Method::POST, "/emulator/rules", &rule).await;
    let account = |name: &str| json!({ "attributes": { "type": "Account" }, "Name": name });
    let batch = json!({ "records": [account("A"), account("Bad")] });
    for (on, first) in [(false, false), (true, true)] {
        turn(&client, "exceptionsRefuseTheirRowAlone", on).await;
        let rows = client
            .post(&format!("{V}/composite/sobjects"), &batch)
            .await
            .json();
        assert_eq!(
            (&rows[0]["success"], &rows[1]["success"]),
            (&json!(first), &json!(false)),
            "{rows}"
        );
    }
}

#[tokio::test]
async fn undeleting_moves_the_stamps_or_not() {
    let client = start("partner").await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    for (on, minute) in [(false, "02:00"), (true, "03:00")] {
        turn(&client, "undeleteKeepsStamps", on).await;
        client.org.clock().advance(Duration::from_mins(1));
        client.delete(&format!("{V}/sobjects/Account/{id}")).await;
        client.org.clock().advance(Duration::from_mins(1));
        deed(&client, json!({ "undelete": { "id": id } })).await;
        assert_eq!(stamps(&client, "Account", &id).await, [minute; 2]);
    }
}

#[tokio::test]
async fn a_child_of_a_merged_parent_counts_as_modified_or_not() {
    let client = start("partner").await;
    for (on, minutes) in [(false, ["00:00", "01:00"]), (true, ["02:00", "02:00"])] {
        turn(&client, "reparentingMovesLastModified", on).await;
        let records = json!([
            { "attributes": { "type": "Account" }, "Name": "A" },
            { "attributes": { "type": "Account" }, "Name": "B" },
        ]);
        let accounts = create_all(&client, records).await;
        let child = client
            .create("Contact", json!({ "LastName": "C", "AccountId": accounts[1] }))
            .await;
        client.org.clock().advance(Duration::from_mins(1));
        deed(
            &client,
            json!({ "merge": { "master": accounts[0], "losers": [accounts[1]] } }),
        )
        .await;
        assert_eq!(stamps(&client, "Contact", &child).await, minutes);
    }
}

#[tokio::test]
async fn numbers_of_records_that_were_taken_back_are_lost_or_used_again() {
    let client = start("venues").await;
    let numbered = client.org.org().schema();
    let (object, number) = numbered
        .objects()
        .flat_map(|object| object.fields.iter().map(move |field| (object, field)))
        .find(|(object, field)| field.auto_number && object.custom && field.name != "Name")
        .map(|(object, field)| (object.name.clone(), field.name.clone()))
        .expect("an object that counts");
    let digits = |text: &str| -> u64 {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("a number in {text}"))
    };
    let venue = client
        .create("Venue__c", json!({ "Name": "Hall", "Code__c": "h" }))
        .await;
    let row = json!({ "attributes": { "type": object }, "Venue__c": venue, "Amount__c": 1 });
    let wrong = json!({ "attributes": { "type": object }, "Venue__c": "nonsense", "Amount__c": 1 });
    let made = async || {
        let id = create_all(&client, json!([row])).await.remove(0);
        let text = client.read(&object, &id).await[&number]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        digits(&text)
    };
    let taken_back = json!({ "allOrNone": true, "records": [row, row, wrong] });
    for (on, step) in [(false, 3), (true, 1)] {
        turn(&client, "rolledBackNumbersAreUsedAgain", on).await;
        let before = made().await;
        let rows = client
            .post(&format!("{V}/composite/sobjects"), &taken_back)
            .await
            .json();
        assert_eq!(
            rows[0]["errors"][0]["statusCode"], "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "{rows}"
        );
        assert_eq!(made().await, before + step);
    }
}
