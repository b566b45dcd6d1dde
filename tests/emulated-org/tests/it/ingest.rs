//! Bulk API 2.0 ingest jobs over HTTP.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

mod cells;
mod uploads;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use emulated_org::bulk::ProcessingTime;
use emulated_org::limits::Allocation;
use emulated_org::{Clock, Options};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};

/// An organisation whose clock stands still and whose standard objects have a partner's ids. Jobs wait one minute
/// and run for two.
pub async fn start() -> Client {
    let client = Client::start_with(Options {
        clock: Clock::fixed("2026-02-18T12:00:00Z".parse().unwrap()),
        session_timeout: Duration::from_hours(300),
        sfdx_source: vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sfdx/partner")],
        ..Options::default()
    })
    .await;
    client.org.org().ingest.set_processing_time(ProcessingTime {
        waiting: TimeDelta::minutes(1),
        running: TimeDelta::minutes(2),
    });
    client
}

fn jobs() -> String {
    format!("{V}/jobs/ingest")
}

pub async fn create(client: &Client, job: Json) -> String {
    let answer = client.post(&jobs(), &job).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    format!("{}/{}", jobs(), answer.json()["id"].as_str().unwrap())
}

pub async fn put(client: &Client, job: &str, csv: &str) -> Answer {
    let request = client
        .request(Method::PUT, &format!("{job}/batches"))
        .header("content-type", "text/csv")
        .body(csv.to_owned());
    client.send(request).await
}

pub async fn close(client: &Client, job: &str) -> Answer {
    client.patch(job, &json!({ "state": "UploadComplete" })).await
}

/// The path of a job that took this table and is finished.
pub async fn finished(client: &Client, job: Json, csv: &str) -> String {
    let job = create(client, job).await;
    assert_eq!(put(client, &job, csv).await.status, 201);
    assert_eq!(close(client, &job).await.status, 200);
    client.org.clock().advance(Duration::from_mins(3));
    job
}

/// A job that must have failed, and its message.
async fn failure(client: &Client, job: Json, csv: &str) -> String {
    let job = finished(client, job, csv).await;
    let shown = client.get(&job).await.json();
    assert_eq!(shown["state"], "Failed", "{shown}");
    shown["errorMessage"].as_str().unwrap().to_owned()
}

/// The rows of a result file, each by the names of its columns.
pub async fn rows(client: &Client, job: &str, file: &str) -> Vec<BTreeMap<String, String>> {
    let answer = client.get(&format!("{job}/{file}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut reader = csv::Reader::from_reader(answer.text.as_bytes());
    reader
        .deserialize()
        .map(|row| row.expect("a row of the header's width"))
        .collect()
}

async fn soql(client: &Client, query: &str) -> Json {
    let request = client
        .request(Method::GET, &format!("{V}/query"))
        .query(&[("q", query)]);
    let answer = client.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

pub fn insert(object: &str) -> Json {
    json!({ "object": object, "operation": "insert" })
}

#[tokio::test]
async fn a_job_opens_takes_its_data_runs_and_ends_with_the_clock() {
    let client = start().await;
    let created = client.post(&jobs(), &insert("Account")).await;
    let id = created.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("750"), "{id}");
    let expected = json!({
        "id": id,
        "operation": "insert",
        "object": "Account",
        "createdById": client.org.org().admin.as_str(),
        "createdDate": "2026-02-18T12:00:00.000+0000",
        "systemModstamp": "2026-02-18T12:00:00.000+0000",
        "state": "Open",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 68.0,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
        "contentUrl": format!("services/data/v68.0/jobs/ingest/{id}/batches"),
    });
    assert_eq!(created.json(), expected);
    let job = format!("{}/{id}", jobs());

    let uploaded = put(&client, &job, "Name\nAcme\n").await;
    assert_eq!((uploaded.status, uploaded.text.as_str()), (201, ""));
    let twice = put(&client, &job, "Name\nOther\n").await;
    assert_eq!(twice.refusal(), (400, "INVALIDREQUEST".to_owned()));
    let early = client.get(&format!("{job}/successfulResults")).await;
    assert_eq!(early.refusal(), (400, "INVALIDJOBSTATE".to_owned()));
    assert_eq!(close(&client, &job).await.json()["state"], "UploadComplete");
    let late = put(&client, &job, "Name\nOther\n").await;
    assert_eq!(late.refusal(), (400, "INVALIDJOBSTATE".to_owned()));

    let state = async |advance: Duration| {
        client.org.clock().advance(advance);
        let shown = client.get(&job).await.json();
        (
            shown["state"].as_str().unwrap().to_owned(),
            shown["numberRecordsProcessed"].as_u64().unwrap(),
        )
    };
    assert_eq!(
        state(Duration::from_secs(59)).await,
        ("UploadComplete".to_owned(), 0)
    );
    assert_eq!(state(Duration::from_secs(1)).await, ("InProgress".to_owned(), 0));
    assert_eq!(soql(&client, "SELECT Id FROM Account").await["totalSize"], 0);
    assert_eq!(state(Duration::from_mins(2)).await, ("JobComplete".to_owned(), 1));
    let stored = soql(&client, "SELECT Name, SystemModstamp FROM Account").await;
    assert_eq!(stored["records"][0]["Name"], "Acme");
    assert_eq!(
        stored["records"][0]["SystemModstamp"], "2026-02-18T12:01:00.000+0000",
        "the transaction's beginning, two minutes before anybody could see the row"
    );
    assert_eq!(client.get(&jobs()).await.json()["records"][0]["id"], id);
    assert_eq!(client.delete(&job).await.status, 204);
    assert_eq!(client.get(&job).await.status, 404);
}

#[tokio::test]
async fn what_a_job_may_be_is_checked_when_it_is_created() {
    let client = start().await;
    for (job, code) in [
        (json!({ "operation": "insert" }), "INVALIDJOB"),
        (json!({ "object": "Account" }), "INVALIDJOB"),
        (
            json!({ "object": "Nonsense", "operation": "insert" }),
            "INVALIDENTITY",
        ),
        (
            json!({ "object": "Account", "operation": "upsert" }),
            "INVALIDJOB",
        ),
        (
            json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Phone" }),
            "INVALIDJOB",
        ),
        (
            json!({ "object": "Account", "operation": "insert", "externalIdFieldName": "Partner_Id__c" }),
            "INVALIDJOB",
        ),
        (
            json!({ "object": "Account", "operation": "hardDelete" }),
            "FEATURENOTENABLED",
        ),
        (
            json!({ "object": "Account", "operation": "insert", "lineEnding": "CR" }),
            "INVALIDJOB",
        ),
        (
            json!({ "object": "Account", "operation": "insert", "nonsense": "x" }),
            "JSON_PARSER_ERROR",
        ),
    ] {
        assert_eq!(
            client.post(&jobs(), &job).await.refusal(),
            (400, code.to_owned()),
            "{job}"
        );
    }
    let job = create(&client, insert("Account")).await;
    let json_data = client
        .request(Method::PUT, &format!("{job}/batches"))
        .json(&json!([]));
    assert_eq!(client.send(json_data).await.refusal().0, 415);
    assert_eq!(
        client.delete(&job).await.refusal(),
        (400, "INVALIDJOBSTATE".to_owned())
    );
}

#[tokio::test]
async fn each_row_is_saved_or_refused_by_itself_and_results_are_not_in_order() {
    let client = start().await;
    let mut csv = "Partner_Id__c,LastName,Email\n".to_owned();
    for row in 0..450 {
        let (name, email) = match row {
            7 => (String::new(), "a@example.com".to_owned()),
            300 => ("Wrong".to_owned(), "nonsense".to_owned()),
            _ => (format!("Name {row}"), String::new()),
        };
        csv.push_str(&format!("p{row},{name},{email}\n"));
    }
    let job = finished(&client, insert("Contact"), &csv).await;
    let shown = client.get(&job).await.json();
    assert_eq!(
        (&shown["numberRecordsProcessed"], &shown["numberRecordsFailed"]),
        (&json!(450), &json!(2))
    );
    let saved = rows(&client, &job, "successfulResults").await;
    assert_eq!(saved.len(), 448);
    assert!(
        saved
            .iter()
            .all(|row| row["sf__Created"] == "true" && row["sf__Id"].starts_with("003"))
    );
    let keys: Vec<&str> = saved.iter().map(|row| row["Partner_Id__c"].as_str()).collect();
    let in_order: Vec<String> = (0..450)
        .filter(|row| ![7, 300].contains(row))
        .map(|row| format!("p{row}"))
        .collect();
    assert_ne!(keys, in_order);
    let mut failed = rows(&client, &job, "failedResults").await;
    failed.sort_by_key(|row| row["Partner_Id__c"].clone());
    let errors: Vec<(&str, &str)> = failed
        .iter()
        .map(|row| (row["sf__Id"].as_str(), row["sf__Error"].as_str()))
        .collect();
    assert_eq!(
        errors,
        [
            (
                "",
                "INVALID_EMAIL_ADDRESS:Email: invalid email address: nonsense:Email --"
            ),
            (
                "",
                "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
            ),
        ]
    );
    assert!(rows(&client, &job, "unprocessedrecords").await.is_empty());
    assert_eq!(
        soql(&client, "SELECT COUNT() FROM Contact").await["totalSize"],
        448
    );
}

#[tokio::test]
async fn deletes_take_ids_alone_and_hard_deletes_need_a_permission() {
    let client = start().await;
    let [soft, hard] = ["A", "B"].map(|name| json!({ "Name": name }));
    let (soft, hard) = (
        client.create("Account", soft).await,
        client.create("Account", hard).await,
    );
    let delete = |operation: &str| json!({ "object": "Account", "operation": operation });
    assert_eq!(
        failure(&client, delete("delete"), &format!("Id,Name\n{soft},A\n")).await,
        "InvalidBatch : The 'delete' batch must contain only ids"
    );
    finished(&client, delete("delete"), &format!("Id\n{soft}\n")).await;
    let permit = json!({ "hardDelete": true });
    assert_eq!(
        client.knob(Method::POST, "/emulator/bulk", &permit).await.status,
        204
    );
    finished(&client, delete("hardDelete"), &format!("Id\n{hard}\n")).await;
    client.get(V).await;
    let all = client
        .send(
            client
                .request(Method::GET, &format!("{V}/queryAll"))
                .query(&[("q", "SELECT Id, IsDeleted FROM Account")]),
        )
        .await
        .json();
    let left: Vec<_> = all["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["Id"].as_str().unwrap(), row["IsDeleted"].as_bool().unwrap()))
        .collect();
    assert_eq!(left, [(soft.as_str(), true)]);
}

#[tokio::test]
async fn what_an_aborted_or_failed_job_had_written_stays() {
    let client = start().await;
    let table = |prefix: &str| {
        let rows: String = (0..600).map(|row| format!("{prefix}{row}\n")).collect();
        format!("Name\n{rows}")
    };
    let job = create(&client, insert("Account")).await;
    put(&client, &job, &table("a")).await;
    close(&client, &job).await;
    client.org.clock().advance(Duration::from_secs(60 + 85));
    let aborted = client.patch(&job, &json!({ "state": "Aborted" })).await;
    assert_eq!(aborted.json()["state"], "Aborted");
    client.org.clock().advance(Duration::from_mins(10));
    assert_eq!(
        soql(&client, "SELECT COUNT() FROM Account").await["totalSize"],
        400
    );
    assert_eq!(rows(&client, &job, "successfulResults").await.len(), 400);
    assert_eq!(rows(&client, &job, "unprocessedrecords").await.len(), 200);
    let again = client.patch(&job, &json!({ "state": "Aborted" })).await;
    assert_eq!(again.refusal(), (400, "INVALIDJOBSTATE".to_owned()));

    client
        .knob(
            Method::POST,
            "/emulator/bulk",
            &json!({ "failNextAfterRows": 250 }),
        )
        .await;
    let job = finished(&client, insert("Account"), &table("b")).await;
    let shown = client.get(&job).await.json();
    assert_eq!(
        (&shown["state"], &shown["numberRecordsProcessed"]),
        (&json!("Failed"), &json!(250))
    );
    assert_eq!(rows(&client, &job, "unprocessedrecords").await.len(), 350);
    assert_eq!(
        soql(&client, "SELECT COUNT() FROM Account").await["totalSize"],
        650
    );
}

#[tokio::test]
async fn batches_of_ten_thousand_rows_are_an_allocation() {
    let client = start().await;
    client
        .org
        .org()
        .limits
        .set_maximum(Allocation::DailyBulkApiBatches, 2);
    let rows: String = (0..10_001).map(|row| format!("n{row}\n")).collect();
    let table = format!("Name\n{rows}");
    let job = finished(&client, insert("Account"), &table).await;
    assert_eq!(client.get(&job).await.json()["numberRecordsProcessed"], 10_001);
    let job = create(&client, insert("Account")).await;
    put(&client, &job, "Name\nA\n").await;
    assert_eq!(
        close(&client, &job).await.refusal(),
        (400, "LIMIT_EXCEEDED".to_owned())
    );
    assert_eq!(client.get(&job).await.json()["state"], "Open");
}

#[tokio::test]
async fn the_jobs_of_other_users_are_not_seen() {
    let client = start().await;
    let job = create(&client, insert("Account")).await;
    let token = client.token_of_another_user();
    let request = client.http.get(client.url(&job)).bearer_auth(&token);
    assert_eq!(client.send(request).await.status, 404);
    let list = client.http.get(client.url(&jobs())).bearer_auth(&token);
    assert_eq!(client.send(list).await.json()["records"], json!([]));
}

#[tokio::test]
async fn a_chunk_that_had_to_wait_for_a_row_has_the_later_stamp() {
    let client = start().await;
    let [first, second] = ["A", "B"].map(|name| json!({ "Name": name }));
    let first = client.create("Account", first).await;
    let second = client.create("Account", second).await;
    let update = json!({ "object": "Account", "operation": "update" });
    let stamps = async |touched: bool| {
        let job = create(&client, update.clone()).await;
        put(&client, &job, &format!("Id,Site\n{first},S\n{second},S\n")).await;
        close(&client, &job).await;
        client.org.clock().advance(Duration::from_secs(90));
        if touched {
            let path = format!("{V}/sobjects/Account/{first}");
            client.patch(&path, &json!({ "Phone": "1" })).await;
        }
        client.org.clock().advance(Duration::from_secs(90));
        let stored = client.read("Account", &second).await;
        stored["SystemModstamp"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        stamps(false).await,
        "2026-02-18T12:01:00.000+0000",
        "seen at 12:03"
    );
    assert_eq!(stamps(true).await, "2026-02-18T12:06:00.000+0000");
}
