//! Up to 200 records at a time, with a result for each.

#![cfg(test)]

use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};
use crate::crud::with_keys;

fn account(name: &str) -> Json {
    json!({ "attributes": { "type": "Account" }, "Name": name })
}

fn batch(all_or_none: bool, records: Vec<Json>) -> Json {
    json!({ "allOrNone": all_or_none, "records": records })
}

fn collection() -> String {
    format!("{V}/composite/sobjects")
}

/// For each row its success, or the code it failed with.
fn outcomes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let rows = answer.json();
    let outcome = |row: &Json| match row["success"].as_bool() {
        Some(true) => "saved".to_owned(),
        _ => row["errors"][0]["statusCode"]
            .as_str()
            .unwrap_or("no code")
            .to_owned(),
    };
    rows.as_array().expect("rows").iter().map(outcome).collect()
}

#[tokio::test]
async fn one_bad_row_does_not_hold_up_the_others_unless_asked() {
    let client = Client::start().await;
    let records = || vec![account("A"), account(""), account("C")];
    let partly = client.post(&collection(), &batch(false, records())).await;
    assert_eq!(outcomes(&partly), ["saved", "REQUIRED_FIELD_MISSING", "saved"]);
    let failed = &partly.json()[1];
    let error = json!({
        "statusCode": "REQUIRED_FIELD_MISSING",
        "message": "Required fields are missing: [Name]",
        "fields": ["Name"],
    });
    assert_eq!(failed, &json!({ "success": false, "errors": [error] }));

    let before = client.org.org().read().table("Account").expect("accounts").len();
    let wholly = client.post(&collection(), &batch(true, records())).await;
    let rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK";
    assert_eq!(
        outcomes(&wholly),
        [rolled_back, "REQUIRED_FIELD_MISSING", rolled_back]
    );
    assert_eq!(
        client.org.org().read().table("Account").expect("accounts").len(),
        before,
        "nothing stays"
    );
}

#[tokio::test]
async fn updates_name_their_records_in_the_body() {
    let client = Client::start().await;
    let kept = client.create("Account", json!({ "Name": "A" })).await;
    let gone = client.create("Account", json!({ "Name": "B" })).await;
    client.delete(&format!("{V}/sobjects/Account/{gone}")).await;
    let with_id = |id: Json| {
        let mut record = account("New");
        record["id"] = id;
        record
    };
    let ids = [
        json!(kept),
        json!(gone),
        json!("001000000000001"),
        json!("nonsense"),
        Json::Null,
        json!(kept),
    ];
    let answer = client
        .patch(&collection(), &batch(false, ids.map(with_id).into()))
        .await;
    let expected = [
        "saved",
        "ENTITY_IS_DELETED",
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
        "MISSING_ARGUMENT",
        "DUPLICATE_VALUE",
    ];
    assert_eq!(outcomes(&answer), expected);
    assert_eq!(answer.json()[1]["id"], gone, "a failed row repeats its id");
    assert_eq!(client.read("Account", &kept).await["Name"], "New");
}

#[tokio::test]
async fn an_all_or_none_update_restores_what_it_had_changed() {
    let client = with_keys().await;
    let first = client
        .create("Account", json!({ "Name": "A", "Key__c": "a" }))
        .await;
    let second = client
        .create("Account", json!({ "Name": "B", "Key__c": "b" }))
        .await;
    let rename = |id: &str, key: &str| json!({ "attributes": { "type": "Account" }, "Id": id, "Name": "X", "Key__c": key });
    let answer = client
        .patch(
            &collection(),
            &batch(true, vec![rename(&first, "c"), rename(&second, "c")]),
        )
        .await;
    assert_eq!(
        outcomes(&answer),
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "DUPLICATE_VALUE"]
    );
    assert_eq!(client.read("Account", &first).await["Name"], "A");
    assert_eq!(
        client.get(&format!("{V}/sobjects/Account/Key__c/a")).await.status,
        200,
        "its key is found again"
    );
    assert_eq!(
        client.get(&format!("{V}/sobjects/Account/Key__c/c")).await.status,
        404
    );
}

#[tokio::test]
async fn upserts_say_of_each_row_whether_it_is_new() {
    let client = with_keys().await;
    client
        .create("Account", json!({ "Name": "A", "Key__c": "old" }))
        .await;
    for name in ["G1", "G2"] {
        client
            .create("Account", json!({ "Name": name, "Group__c": "g" }))
            .await;
    }
    let row =
        |name: &str, key: &str| json!({ "attributes": { "type": "Account" }, "Name": name, "Key__c": key });
    let rows = vec![
        row("New", "new"),
        row("Old", "old"),
        row("", "other"),
        row("Twice", "twice"),
        row("Twice", "TWICE"),
        row("None", ""),
    ];
    let path = format!("{}/Account/Key__c", collection());
    let answer = client.patch(&path, &batch(false, rows)).await;
    let expected = [
        "saved",
        "saved",
        "REQUIRED_FIELD_MISSING",
        "DUPLICATE_VALUE",
        "DUPLICATE_VALUE",
        "MISSING_ARGUMENT",
    ];
    assert_eq!(outcomes(&answer), expected);
    let body = answer.json();
    assert_eq!(
        [0, 1].map(|at| body[at]["created"].clone()),
        [json!(true), json!(false)]
    );
    assert_eq!(body[2]["created"], true, "what Salesforce says of failed rows");

    let several = json!({ "attributes": { "type": "Account" }, "Name": "G", "Group__c": "g" });
    let answer = client
        .patch(
            &format!("{}/Account/Group__c", collection()),
            &batch(false, vec![several]),
        )
        .await;
    assert_eq!(outcomes(&answer), ["DUPLICATE_EXTERNAL_ID"]);
}

#[tokio::test]
async fn deletes_and_reads_take_lists_of_ids() {
    let client = Client::start().await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let contact = client.create("Contact", json!({ "LastName": "C" })).await;
    let read = format!(
        "{}/Account?ids={account},001000000000001,{contact}&fields=Name",
        collection()
    );
    let records = client.get(&read).await.json();
    assert_eq!(
        (&records[0]["Name"], &records[1], &records[2]),
        (&json!("A"), &Json::Null, &Json::Null)
    );
    let body = json!({ "ids": [account], "fields": ["Id", "Name"] });
    let posted = client
        .post(&format!("{}/Account", collection()), &body)
        .await
        .json();
    assert_eq!(posted[0]["Id"], account);
    let wrong = json!({ "ids": [account], "fields": ["Nonsense"] });
    let refused = client.post(&format!("{}/Account", collection()), &wrong).await;
    assert_eq!(refused.refusal(), (400, "INVALID_FIELD".to_owned()));

    let none = client
        .delete(&format!("{}?ids={account},nonsense&allOrNone=true", collection()))
        .await;
    assert_eq!(
        outcomes(&none),
        ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
    );
    let all = client
        .delete(&format!("{}?ids={account},{contact},{account}", collection()))
        .await;
    assert_eq!(outcomes(&all), ["saved", "saved", "ENTITY_IS_DELETED"]);
    assert_eq!(client.get(&read).await.json()[0], Json::Null);
}

#[tokio::test]
async fn sizes_and_changes_of_type_are_bounded() {
    let client = Client::start().await;
    let full = client
        .post(&collection(), &batch(false, vec![account("A"); 200]))
        .await;
    assert_eq!(outcomes(&full), vec!["saved"; 200]);
    let over = client
        .post(&collection(), &batch(false, vec![account("A"); 201]))
        .await;
    assert_eq!(over.refusal(), (400, "EXCEEDED_ID_LIMIT".to_owned()));

    let contact = json!({ "attributes": { "type": "Contact" }, "LastName": "C" });
    let alternating = |runs: usize| {
        (0..runs)
            .map(|run| {
                if run % 2 == 0 {
                    account("A")
                } else {
                    contact.clone()
                }
            })
            .collect()
    };
    assert_eq!(
        outcomes(&client.post(&collection(), &batch(false, alternating(10))).await).len(),
        10
    );
    let eleven = client
        .post(&collection(), &batch(false, alternating(11)))
        .await
        .error();
    assert_eq!((eleven.0, eleven.1.as_str()), (400, "LIMIT_EXCEEDED"));
    assert!(
        eleven
            .2
            .starts_with("Cannot have more than 10 chunks in a single operation."),
        "{}",
        eleven.2
    );
}

#[tokio::test]
async fn bodies_that_are_no_batch_refuse_the_whole_request() {
    let client = Client::start().await;
    let cases = [
        (json!({}), "JSON_PARSER_ERROR"),
        (json!({ "records": "x" }), "JSON_PARSER_ERROR"),
        (json!({ "records": [5] }), "JSON_PARSER_ERROR"),
        (
            json!({ "records": [account("A")], "allOrNone": "yes" }),
            "JSON_PARSER_ERROR",
        ),
        (
            json!({ "records": [account("A")], "other": 1 }),
            "JSON_PARSER_ERROR",
        ),
        (json!({ "records": [] }), "MISSING_ARGUMENT"),
        (json!({ "records": [{ "Name": "A" }] }), "INVALID_INPUT"),
        (
            json!({ "records": [{ "attributes": { "type": "Nonsense" } }] }),
            "INVALID_TYPE",
        ),
        (
            json!({ "records": [account("A"), { "attributes": { "type": "Account" }, "Nonsense": 1 }] }),
            "INVALID_FIELD",
        ),
        (
            json!({ "records": [account("A"), { "attributes": { "type": "Account" }, "Name": 1 }] }),
            "JSON_PARSER_ERROR",
        ),
    ];
    let before = client.org.org().read().table("Account").expect("accounts").len();
    for (body, code) in cases {
        assert_eq!(
            client.post(&collection(), &body).await.refusal(),
            (400, code.to_owned()),
            "{body}"
        );
    }
    assert_eq!(
        client.org.org().read().table("Account").expect("accounts").len(),
        before
    );
}
