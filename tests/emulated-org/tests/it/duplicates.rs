//! Duplicate rules and matching rules from metadata.
#![cfg(test)]

use emulated_org::Options;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::client::{Answer, Client, V};

async fn start() -> Client {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/sfdx/duplicates");
    Client::start_with(Options {
        sfdx_source: vec![folder.into()],
        ..Options::default()
    })
    .await
}

async fn post(client: &Client, path: &str, header: &str, body: &Json) -> Answer {
    let request = client
        .request(Method::POST, &format!("{V}{path}"))
        .header("Sforce-Duplicate-Rule-Header", header)
        .json(body);
    client.send(request).await
}

#[tokio::test]
async fn an_alert_names_the_records_and_lets_the_save_pass_on_demand() {
    let client = start().await;
    let ann = json!({"FirstName": "Ann", "LastName": "Doe"});
    let first = client.create("Contact", ann.clone()).await;
    let refused = client.post(&format!("{V}/sobjects/Contact"), &ann).await;
    assert_eq!(refused.status, 400);
    let error = &refused.json()[0];
    assert_eq!(error["errorCode"], "DUPLICATES_DETECTED");
    assert_eq!(error["message"], "Use one of these records?");
    let result = &error["duplicateResult"];
    assert_eq!(result["allowSave"], true);
    assert_eq!(result["duplicateRule"], "Name");
    assert_eq!(result["duplicateRuleEntityType"], "Contact");
    let matched = &result["matchResults"][0];
    assert_eq!(
        (&matched["rule"], &matched["size"]),
        (&json!("Same_Name"), &json!(1))
    );
    let record = &matched["matchRecords"][0]["record"];
    assert_eq!(record["Id"], first);
    assert!(record.get("LastName").is_none());

    let detailed = post(&client, "/sobjects/Contact", "includeRecordDetails=true", &ann).await;
    let record = &detailed.json()[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"];
    assert_eq!(record["LastName"], "Doe");
    let saved = post(&client, "/sobjects/Contact", "allowSave=true", &ann).await;
    assert_eq!(saved.status, 201, "{}", saved.text);
}

#[tokio::test]
async fn a_block_is_never_passed() {
    let client = start().await;
    let contact = |name: &str| json!({"LastName": name, "Email": "a@b.co"});
    client.create("Contact", contact("One")).await;
    let refused = post(&client, "/sobjects/Contact", "allowSave=true", &contact("Two")).await;
    let error = &refused.json()[0];
    assert_eq!(error["message"], "That address is taken.");
    assert_eq!(error["duplicateResult"]["allowSave"], false);

    let other = client.create("Contact", json!({"LastName": "Three"})).await;
    let path = format!("{V}/sobjects/Contact/{other}");
    let refused = client.patch(&path, &json!({"Email": "A@B.co"})).await;
    assert_eq!(refused.json()[0]["errorCode"], "DUPLICATES_DETECTED");
    assert_eq!(client.patch(&path, &json!({"Title": "x"})).await.status, 204);
}

#[tokio::test]
async fn rows_of_one_save_are_not_compared_with_each_other() {
    let client = start().await;
    let row = json!({"attributes": {"type": "Contact"}, "LastName": "Doe", "Email": "d@b.co"});
    let body = json!({"allOrNone": false, "records": [row, row]});
    let results = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(true), &json!(true))
    );
    let results = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    let error = &results[1]["errors"][0];
    assert_eq!(error["statusCode"], "DUPLICATES_DETECTED");
    assert_eq!(error["duplicateResult"]["matchResults"][0]["size"], 2);
}

#[tokio::test]
async fn a_lead_is_compared_with_contacts_by_the_mapping() {
    let client = start().await;
    client
        .create("Contact", json!({"FirstName": "Ann", "LastName": "Doe"}))
        .await;
    let lead = json!({"FirstName": "ann", "LastName": "doe", "Company": "Acme"});
    let refused = client.post(&format!("{V}/sobjects/Lead"), &lead).await;
    let result = &refused.json()[0]["duplicateResult"];
    assert_eq!(result["duplicateRuleEntityType"], "Lead");
    assert_eq!(result["matchResults"][0]["entityType"], "Contact");
}

#[tokio::test]
async fn the_rows_of_a_bulk_job_say_it_in_their_error() {
    let client = start().await;
    client
        .create("Contact", json!({"LastName": "Doe", "Email": "a@b.co"}))
        .await;
    let job = json!({"object": "Contact", "operation": "insert"});
    let job = client.post(&format!("{V}/jobs/ingest"), &job).await.json();
    let path = format!("{V}/jobs/ingest/{}", job["id"].as_str().expect("an id"));
    let upload = client
        .request(Method::PUT, &format!("{path}/batches"))
        .header("Content-Type", "text/csv")
        .body("LastName,Email\nRoe,a@b.co\n");
    assert_eq!(client.send(upload).await.status, 201);
    client.patch(&path, &json!({"state": "UploadComplete"})).await;
    for _ in 0..200 {
        if client.get(&path).await.json()["state"] == "JobComplete" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let failed = client.get(&format!("{path}/failedResults")).await.text;
    assert!(
        failed.contains("DUPLICATES_DETECTED:That address is taken.:"),
        "{failed}"
    );
}

#[tokio::test]
async fn a_rule_can_be_added_and_all_be_removed_while_the_org_runs() {
    let client = Client::start().await;
    let path = "/emulator/duplicate-rules";
    let rule = json!({ "object": "Lead", "name": "Same_Mail", "fields": ["Email"], "onInsert": "block", "onUpdate": "allow" });
    for wrong in [
        json!({ "object": "Spaceship", "name": "R", "fields": ["Email"] }),
        json!({ "object": "Lead", "name": "R", "fields": ["Warp"] }),
        json!({ "object": "Lead", "name": "R", "fields": [] }),
    ] {
        assert_eq!(
            client.knob(Method::POST, path, &wrong).await.status,
            400,
            "{wrong}"
        );
    }
    assert_eq!(client.knob(Method::POST, path, &rule).await.status, 204);
    let lead = json!({ "LastName": "L", "Company": "C", "Email": "l@c.example" });
    client.create("Lead", lead.clone()).await;
    let refused = post(&client, "/sobjects/Lead", "allowSave=true", &lead)
        .await
        .json();
    assert_eq!(refused[0]["errorCode"], "DUPLICATES_DETECTED");
    assert_eq!(refused[0]["duplicateResult"]["duplicateRule"], "Same_Mail");
    let other = client
        .create("Lead", json!({ "LastName": "M", "Company": "C" }))
        .await;
    let mail = json!({ "Email": "l@c.example" });
    let path_of_other = format!("{V}/sobjects/Lead/{other}");
    assert_eq!(
        client.patch(&path_of_other, &mail).await.status,
        204,
        "updates are allowed"
    );
    assert_eq!(client.knob(Method::DELETE, path, &json!(null)).await.status, 204);
    client.create("Lead", lead).await;
}
