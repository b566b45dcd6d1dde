//! Deployments by REST: states, details, options, cancelling.

#![cfg(test)]

use std::time::Duration;

use emulated_org::Options;
use serde_json::json;

use super::{Zip, text_field};
use crate::client::{Client, V};

fn field() -> Zip {
    Zip::new().object("Account", &text_field("Tier__c"), &[("CustomField", "Tier__c")])
}

#[tokio::test]
async fn a_deployment_is_answered_with_its_id_and_then_with_its_details() {
    let client = Client::start_with(Options {
        is_sandbox: true,
        ..Options::default()
    })
    .await;
    let begun = client
        .begin_deploy(
            field().build(),
            json!({ "rollbackOnError": true, "testLevel": "NoTestRun" }),
        )
        .await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let begun = begun.json();
    assert!(begun["id"].as_str().expect("an id").starts_with("0Af"));
    assert_eq!(begun["deployOptions"]["testLevel"], "NoTestRun");
    let result = client.deploy_result(begun["id"].as_str().expect("an id")).await;
    assert_eq!(
        (&result["status"], &result["done"], &result["success"]),
        (&json!("Succeeded"), &json!(true), &json!(true))
    );
    assert_eq!(
        (
            &result["numberComponentsDeployed"],
            &result["numberComponentsTotal"],
            &result["numberComponentErrors"]
        ),
        (&json!(1), &json!(1), &json!(0))
    );
    let successes = result["details"]["componentSuccesses"]
        .as_array()
        .expect("successes");
    let tier = successes
        .iter()
        .find(|one| one["fullName"] == "Account.Tier__c")
        .expect("the field");
    assert_eq!(
        (
            &tier["componentType"],
            &tier["fileName"],
            &tier["created"],
            &tier["changed"]
        ),
        (
            &json!("CustomField"),
            &json!("objects/Account.object"),
            &json!(true),
            &json!(true)
        )
    );
    assert!(successes.iter().any(|one| one["fullName"] == "package.xml"));
    client
        .create("Account", json!({ "Name": "Northwind", "Tier__c": "Gold" }))
        .await;
}

#[tokio::test]
async fn states_follow_the_clock_and_a_waiting_deployment_can_be_canceled() {
    let client = Client::start().await;
    client
        .org
        .org()
        .metadata
        .set_processing_time(Duration::from_mins(2));
    client
        .org
        .clock()
        .set(chrono::DateTime::from_timestamp(1_800_000_000, 0).expect("a moment"));
    let client = {
        let mut client = client;
        client.log_in().await;
        client
    };
    let begin = async || {
        client.begin_deploy(field().build(), json!({})).await.json()["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let (first, second) = (begin().await, begin().await);
    let path = |id: &str| format!("{V}/metadata/deployRequest/{id}");
    assert_eq!(client.deploy_result(&first).await["status"], "Pending");
    client.org.clock().advance(Duration::from_secs(61));
    assert_eq!(client.deploy_result(&first).await["status"], "InProgress");
    let canceled = client
        .patch(
            &path(&second),
            &json!({ "deployResult": { "status": "Canceling" } }),
        )
        .await;
    assert_eq!(canceled.status, 202, "{}", canceled.text);
    client.org.clock().advance(Duration::from_secs(61));
    assert_eq!(client.deploy_result(&first).await["status"], "Succeeded");
    let canceled = client.deploy_result(&second).await;
    assert_eq!(
        (&canceled["status"], &canceled["done"]),
        (&json!("Canceled"), &json!(true))
    );
    let late = client
        .patch(
            &path(&first),
            &json!({ "deployResult": { "status": "Canceling" } }),
        )
        .await;
    assert_eq!(late.status, 400);
}

#[tokio::test]
async fn a_dry_run_keeps_nothing() {
    let client = Client::start().await;
    let result = client
        .deploy_with(field(), json!({ "checkOnly": true, "rollbackOnError": true }))
        .await;
    assert_eq!(
        (&result["status"], &result["checkOnly"]),
        (&json!("Succeeded"), &json!(true))
    );
    assert_eq!(result["details"]["componentSuccesses"][0]["created"], true);
    let refused = client
        .post(
            &format!("{V}/sobjects/Account"),
            &json!({ "Name": "A", "Tier__c": "Gold" }),
        )
        .await;
    assert_eq!(refused.refusal(), (400, "INVALID_FIELD".to_owned()));
}

#[tokio::test]
async fn without_rollback_the_rest_is_taken() {
    let client = Client::start().await;
    let broken = "<fields><fullName>Bad__c</fullName><label>Bad</label><type>Text</type></fields>";
    let zip = Zip::new().object(
        "Account",
        &format!("{}{broken}", text_field("Tier__c")),
        &[("CustomField", "Tier__c"), ("CustomField", "Bad__c")],
    );
    let result = client.deploy_with(zip, json!({ "rollbackOnError": false })).await;
    assert_eq!(
        (&result["status"], &result["success"]),
        (&json!("SucceededPartial"), &json!(false))
    );
    assert_eq!(
        (
            &result["numberComponentErrors"],
            &result["numberComponentsDeployed"]
        ),
        (&json!(1), &json!(1))
    );
    client
        .create("Account", json!({ "Name": "Northwind", "Tier__c": "Gold" }))
        .await;
}

#[tokio::test]
async fn relevant_tests_are_known_to_salesforce_alone() {
    let client = Client::start().await;
    let result = client
        .deploy_with(field(), json!({ "testLevel": "RunRelevantTests" }))
        .await;
    assert_eq!(result["status"], "Failed");
    assert!(
        result["errorMessage"]
            .as_str()
            .expect("why")
            .contains("not supported: testLevel RunRelevantTests")
    );
}

#[tokio::test]
async fn what_is_no_deployment_is_refused() {
    let client = Client::start().await;
    let unknown = client
        .begin_deploy(field().build(), json!({ "speed": true }))
        .await;
    assert_eq!(unknown.refusal(), (400, "JSON_PARSER_ERROR".to_owned()));
    let json = client
        .post(&format!("{V}/metadata/deployRequest"), &json!({}))
        .await;
    assert_eq!(json.refusal(), (400, "INVALID_MULTIPART_REQUEST".to_owned()));
    let nowhere = client
        .get(&format!("{V}/metadata/deployRequest/0Af000000000001AAA"))
        .await;
    assert_eq!(nowhere.status, 404);
    let begun = client.begin_deploy(b"no zip".to_vec(), json!({})).await.json();
    let result = client.deploy_result(begun["id"].as_str().expect("an id")).await;
    assert_eq!(result["status"], "Failed");
    assert!(result["errorMessage"].as_str().expect("why").contains("zip"));
}

#[tokio::test]
async fn whoever_may_not_modify_all_data_may_not_deploy() {
    let mut client = Client::start().await;
    client.token = client.token_of_another_user();
    let refused = client.begin_deploy(field().build(), json!({})).await;
    assert_eq!(refused.refusal(), (403, "INSUFFICIENT_ACCESS".to_owned()));
}
