//! Flows and validation rules of the organisation's own, and row locks.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::ingest::start;
use crate::people::nina;

async fn rule(client: &Client, definition: Json) {
    let answer = client.knob(Method::POST, "/emulator/rules", &definition).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[tokio::test]
async fn a_flow_before_the_save_changes_what_is_stored_in_the_savers_name() {
    let client = start().await;
    rule(
        &client,
        json!({
            "object": "Account", "when": "Rating = 'Hot'",
            "then": { "beforeSave": { "set": { "Rating": "Warm", "Description": "cooled" } } },
        }),
    )
    .await;
    rule(
        &client,
        json!({
            "object": "Contact",
            "then": { "beforeSave": { "formatPhones": ["Phone"], "lowerCase": ["Email"] } },
        }),
    )
    .await;
    let hot = client
        .create("Account", json!({ "Name": "A", "Rating": "Hot" }))
        .await;
    let stored = client.read("Account", &hot).await;
    assert_eq!(
        (&stored["Rating"], &stored["Description"]),
        (&json!("Warm"), &json!("cooled"))
    );
    assert_eq!(stored["LastModifiedById"], client.org.org().admin.as_str());
    let cold = client
        .create("Account", json!({ "Name": "A", "Rating": "Cold" }))
        .await;
    assert_eq!(client.read("Account", &cold).await["Rating"], "Cold");

    let contact = json!({ "LastName": "C", "Phone": "415 555 1212", "MobilePhone": "4155551212", "Email": "A.B@Example.COM" });
    let contact = client.create("Contact", contact).await;
    let stored = client.read("Contact", &contact).await;
    assert_eq!(
        ["Phone", "MobilePhone", "Email"].map(|name| stored[name].clone()),
        [
            json!("(415) 555-1212"),
            json!("4155551212"),
            json!("a.b@example.com")
        ],
        "the API alone stores what it is sent"
    );
    let tally = client
        .knob(Method::GET, "/emulator/rules", &json!({}))
        .await
        .json();
    assert_eq!(tally["beforeSave"], 2, "{tally}");
    client.knob(Method::DELETE, "/emulator/rules", &json!({})).await;
    client
        .patch(
            &format!("{V}/sobjects/Account/{hot}"),
            &json!({ "Rating": "Hot" }),
        )
        .await;
    assert_eq!(client.read("Account", &hot).await["Rating"], "Hot");
}

#[tokio::test]
async fn a_flow_after_the_save_comes_later_and_in_another_name() {
    let client = start().await;
    let nina = nina(&client).await;
    rule(
        &client,
        json!({
            "object": "Account", "when": "Rating = 'Hot'",
            "then": { "afterSave": {
                "update": { "set": { "Rating": "Warm" } },
                "as": "nina@northwind.example", "afterMilliseconds": 2_000,
            } },
        }),
    )
    .await;
    let id = client
        .create("Account", json!({ "Name": "A", "Rating": "Hot" }))
        .await;
    assert_eq!(client.read("Account", &id).await["Rating"], "Hot");
    client.org.clock().advance(Duration::from_secs(30));
    let stored = client.read("Account", &id).await;
    assert_eq!(
        ["Rating", "LastModifiedById", "SystemModstamp"].map(|name| stored[name].clone()),
        [json!("Warm"), json!(nina), json!("2026-02-18T12:00:02.000+0000")]
    );
    let tally = client
        .knob(Method::GET, "/emulator/rules", &json!({}))
        .await
        .json();
    assert_eq!((&tally["afterSave"], &tally["due"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_validation_rule_refuses_in_its_own_words_what_flows_left() {
    let client = start().await;
    rule(
        &client,
        json!({
            "object": "Account", "when": "Rating = 'Hot' AND Phone = null",
            "then": { "validation": { "message": "Hot accounts need a phone.", "field": "phone" } },
        }),
    )
    .await;
    let hot = json!({ "Name": "A", "Rating": "Hot" });
    let refused = client.post(&format!("{V}/sobjects/Account"), &hot).await.error();
    let expected = (
        400,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION".to_owned(),
        "Hot accounts need a phone.".to_owned(),
        vec!["Phone".to_owned()],
    );
    assert_eq!(refused, expected);
    let id = client
        .create("Account", json!({ "Name": "A", "Phone": "1", "Rating": "Hot" }))
        .await;
    let cleared = client
        .patch(&format!("{V}/sobjects/Account/{id}"), &json!({ "Phone": "" }))
        .await;
    assert_eq!(cleared.refusal().1, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    for (wrong, says) in [
        (
            json!({ "object": "Nope", "then": { "beforeSave": {} } }),
            "object Nope does not exist",
        ),
        (
            json!({ "object": "Account", "then": { "validation": { "message": "No." } } }),
            "needs a condition",
        ),
        (
            json!({ "object": "Account", "when": "Nope = 1", "then": { "beforeSave": {} } }),
            "No such column 'Nope'",
        ),
        (
            json!({ "object": "Account", "then": { "beforeSave": { "set": { "Nope": 1 } } } }),
            "object Account has no field Nope",
        ),
    ] {
        let refused = client.knob(Method::POST, "/emulator/rules", &wrong).await.error();
        assert!(refused.0 == 400 && refused.2.contains(says), "{refused:?}");
    }
}

#[tokio::test]
async fn two_requests_that_write_below_one_account_lock_each_other_out() {
    let client = start().await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let other = client.create("Account", json!({ "Name": "B" })).await;
    client
        .knob(
            Method::POST,
            "/emulator/faults",
            &json!({ "holdLocksMilliseconds": 400 }),
        )
        .await;
    let path = format!("{V}/sobjects/Contact");
    let contact = |name: &str, account: &str| json!({ "LastName": name, "AccountId": account });
    let bodies = [
        contact("C", &account),
        contact("D", &account),
        contact("E", &other),
    ];
    let (first, second, elsewhere) = tokio::join!(
        client.post(&path, &bodies[0]),
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.post(&path, &bodies[1]).await
        },
        async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.post(&path, &bodies[2]).await
        },
    );
    assert_eq!((first.status, elsewhere.status), (201, 201));
    let (status, code, message, _) = second.error();
    assert_eq!((status, code.as_str()), (400, "UNABLE_TO_LOCK_ROW"));
    let wanted = format!(
        "unable to obtain exclusive access to this record or 1 records: {}",
        account.get(..15).unwrap()
    );
    assert_eq!(message, wanted);
    assert_eq!(
        client.post(&path, &bodies[1]).await.status,
        201,
        "once the first is done"
    );
}

#[tokio::test]
async fn rows_are_locked_at_random_when_asked() {
    let client = start().await;
    client
        .knob(
            Method::POST,
            "/emulator/faults",
            &json!({ "lockedRows": { "percent": 25, "seed": 9 } }),
        )
        .await;
    let records: Vec<Json> = (0..200)
        .map(|row| json!({ "attributes": { "type": "Account" }, "Name": format!("A{row}") }))
        .collect();
    let answer = client
        .post(
            &format!("{V}/composite/sobjects"),
            &json!({ "allOrNone": false, "records": records }),
        )
        .await
        .json();
    let refused: Vec<&Json> = answer
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["success"] == false)
        .collect();
    assert!((25..=75).contains(&refused.len()), "{}", refused.len());
    assert!(
        refused
            .iter()
            .all(|row| row["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW")
    );
    let counted = client
        .knob(Method::GET, "/emulator/faults", &json!({}))
        .await
        .json();
    assert_eq!(counted["lockedRows"], refused.len());
    client.knob(Method::DELETE, "/emulator/faults", &json!({})).await;
    assert_eq!(
        client
            .post(&format!("{V}/sobjects/Account"), &json!({ "Name": "A" }))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_trigger_that_throws_fails_all_rows_of_its_request() {
    let client = start().await;
    rule(
        &client,
        json!({
            "object": "Account", "when": "Name = 'Bad'",
            "then": { "triggerThrows": { "message": "System.NullPointerException: Attempt to de-reference a null object" } },
        }),
    )
    .await;
    let account = |name: &str| json!({ "attributes": { "type": "Account" }, "Name": name });
    let path = format!("{V}/composite/sobjects");
    let batch = json!({ "allOrNone": false, "records": [account("A"), account("Bad"), account("C")] });
    let answer = client.post(&path, &batch).await.json();
    let codes: Vec<&str> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["errors"][0]["statusCode"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"; 3]);
    let message = answer[0]["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("BeforeInsert") && message.contains("NullPointerException"),
        "{message}"
    );
    assert_eq!(client.org.org().read().table("Account").unwrap().len(), 0);
    let good = json!({ "allOrNone": false, "records": [account("A"), account("C")] });
    let answer = client.post(&path, &good).await.json();
    assert_eq!(
        (&answer[0]["success"], &answer[1]["success"]),
        (&json!(true), &json!(true))
    );
}
