//! What cells, columns and line ends mean to an ingest job.
#![cfg(test)]

use serde_json::{Value as Json, json};

use super::{failure, finished, insert, rows, soql, start};
use crate::client::V;

#[tokio::test]
async fn an_empty_cell_leaves_a_field_alone_and_the_mark_clears_it() {
    let client = start().await;
    let id = client
        .create(
            "Account",
            json!({ "Name": "A", "Phone": "1", "Fax": "2", "Site": "3" }),
        )
        .await;
    let csv = format!("Id,Name,Phone,Fax,AnnualRevenue\n{id},\"B, \"\"C\"\"\nD\",,#N/A,13\n");
    let update = json!({ "object": "Account", "operation": "update" });
    let job = finished(&client, update.clone(), &csv).await;
    let saved = rows(&client, &job, "successfulResults").await;
    assert_eq!(
        (saved[0]["sf__Id"].as_str(), saved[0]["sf__Created"].as_str()),
        (id.as_str(), "false")
    );
    let stored = client.read("Account", &id).await;
    assert_eq!(
        ["Name", "Phone", "Fax", "Site", "AnnualRevenue"].map(|name| stored[name].clone()),
        [
            json!("B, \"C\"\nD"),
            json!("1"),
            Json::Null,
            json!("3"),
            json!(13.0)
        ]
    );

    let gone = client.create("Account", json!({ "Name": "Gone" })).await;
    client.delete(&format!("{V}/sobjects/Account/{gone}")).await;
    let csv =
        format!("Id,Name,AnnualRevenue\n{gone},X,\nnonsense,X,\n,X,\n{id},X,twelve\n{id},Y,\n{id},Z,\n");
    let job = finished(&client, update, &csv).await;
    let mut errors: Vec<(String, String)> = rows(&client, &job, "failedResults")
        .await
        .into_iter()
        .map(|row| {
            let code = row["sf__Error"].split(':').next().unwrap_or_default().to_owned();
            (code, row["sf__Id"].clone())
        })
        .collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            ("DUPLICATE_VALUE".to_owned(), id.clone()),
            ("ENTITY_IS_DELETED".to_owned(), gone),
            ("INVALID_TYPE_ON_FIELD_IN_RECORD".to_owned(), id),
            ("MALFORMED_ID".to_owned(), String::new()),
            ("MISSING_ARGUMENT".to_owned(), String::new()),
        ]
    );
}

#[tokio::test]
async fn upserts_find_their_records_and_parents_by_external_ids() {
    let client = start().await;
    let account = client
        .create("Account", json!({ "Name": "A", "Partner_Id__c": "a1" }))
        .await;
    let known = client
        .create("Contact", json!({ "LastName": "Old", "Partner_Id__c": "c1" }))
        .await;
    let csv = "Partner_Id__c,LastName,Account.Partner_Id__c\nc1,New,a1\nc2,Other,a1\nc3,Lost,none\n,Nameless,a1\nc5,Alone,\n";
    let upsert =
        json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "Partner_Id__c" });
    let job = finished(&client, upsert, csv).await;
    let mut saved: Vec<_> = rows(&client, &job, "successfulResults")
        .await
        .into_iter()
        .map(|row| (row["Partner_Id__c"].clone(), row["sf__Created"].clone()))
        .collect();
    saved.sort();
    let pair = |key: &str, created: &str| (key.to_owned(), created.to_owned());
    assert_eq!(
        saved,
        [pair("c1", "false"), pair("c2", "true"), pair("c5", "true")]
    );
    let mut errors: Vec<_> = rows(&client, &job, "failedResults")
        .await
        .into_iter()
        .map(|row| row["sf__Error"].clone())
        .collect();
    errors.sort();
    assert_eq!(
        errors,
        [
            "INVALID_FIELD:Foreign key external ID: none not found for field Partner_Id__c in entity Account: --",
            "MISSING_ARGUMENT:Partner_Id__c not specified:Partner_Id__c --",
        ]
    );
    let stored = client.read("Contact", &known).await;
    assert_eq!(
        (&stored["LastName"], &stored["AccountId"]),
        (&json!("New"), &json!(account))
    );

    let by_id = json!({ "object": "Contact", "operation": "upsert", "externalIdFieldName": "Id" });
    let job = finished(&client, by_id, "LastName\nFresh\n").await;
    let saved = rows(&client, &job, "successfulResults").await;
    assert_eq!(saved[0]["sf__Created"], "true", "no id, so it is new");
}

#[tokio::test]
async fn a_table_that_breaks_the_rules_fails_the_whole_job() {
    let client = start().await;
    for (csv, message) in [
        (
            "Name\r\nA\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            "Name\nA\"\n",
            "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be within a quote",
        ),
        (
            "Name,Nonsense__c\nA,1\n",
            "InvalidBatch : Field name not found : Nonsense__c",
        ),
        ("Name,name\nA,B\n", "InvalidBatch : Duplicate column : name"),
        (
            "LastName,Owner.Email\nA,x@y.zz\n",
            "InvalidBatch : Field name not found : LastName",
        ),
    ] {
        assert_eq!(failure(&client, insert("Account"), csv).await, message);
    }
    assert_eq!(soql(&client, "SELECT COUNT() FROM Account").await["totalSize"], 0);
    let crlf = json!({ "object": "Account", "operation": "insert", "lineEnding": "CRLF", "columnDelimiter": "PIPE" });
    let job = finished(&client, crlf, "Name|Site\r\nA,B|C\r\n").await;
    let answer = client.get(&format!("{job}/successfulResults")).await;
    assert!(
        answer
            .text
            .starts_with("\"sf__Id\"|\"sf__Created\"|\"Name\"|\"Site\"\r\n"),
        "{}",
        answer.text
    );
    assert!(
        answer.text.ends_with("|\"true\"|\"A,B\"|\"C\"\r\n"),
        "{}",
        answer.text
    );

    let empty = finished(&client, insert("Account"), "").await;
    assert_eq!(client.get(&empty).await.json()["state"], "JobComplete");
    assert!(rows(&client, &empty, "successfulResults").await.is_empty());
}

#[tokio::test]
async fn binary_fields_are_refused_in_words() {
    let client = start().await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let csv = format!("ParentId,Name,Body\n{account},a.txt,YQ==\n");
    assert_eq!(
        failure(&client, insert("Attachment"), &csv).await,
        "InvalidBatch : Binary fields are not supported in CSV : Body"
    );
}
