//! The Bulk API before 2.0 over HTTP: jobs and batches.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

mod errors;
mod pk_chunking;

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use emulated_org::bulk::ProcessingTime;
use emulated_org::limits::Allocation;
use emulated_org::{Clock, Options};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client};

const JOB: &str = "/services/async/68.0/job";
const NAMESPACE: &str = "http://www.force.com/2009/06/asyncapi/dataload";

/// An organisation whose clock stands still and whose standard objects have a partner's ids. Batches wait one minute
/// and run for two.
async fn start() -> Client {
    let client = Client::start_with(Options {
        clock: Clock::fixed("2026-02-18T12:00:00Z".parse().unwrap()),
        session_timeout: Duration::from_hours(300),
        sfdx_source: vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sfdx/partner")],
        ..Options::default()
    })
    .await;
    client.org.org().bulk.set_processing_time(ProcessingTime {
        waiting: TimeDelta::minutes(1),
        running: TimeDelta::minutes(2),
    });
    client
}

fn request(client: &Client, method: Method, path: &str) -> reqwest::RequestBuilder {
    client
        .http
        .request(method, client.url(path))
        .header("X-SFDC-Session", &client.token)
}

pub async fn get(client: &Client, path: &str) -> Answer {
    client.send(request(client, Method::GET, path)).await
}

pub async fn post_json(client: &Client, path: &str, body: &Json) -> Answer {
    client.send(request(client, Method::POST, path).json(body)).await
}

async fn post(client: &Client, path: &str, content_type: &str, body: &str) -> Answer {
    let request = request(client, Method::POST, path)
        .header("content-type", content_type)
        .body(body.to_owned());
    client.send(request).await
}

/// The path of a new job.
pub async fn create(client: &Client, job: Json) -> String {
    let answer = post_json(client, JOB, &job).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    format!("{JOB}/{}", answer.json()["id"].as_str().unwrap())
}

/// The path of a new batch of CSV.
pub async fn add(client: &Client, job: &str, csv: &str) -> String {
    let answer = post(client, &format!("{job}/batch"), "text/csv", csv).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    format!("{job}/batch/{}", element(&answer, "id"))
}

/// The text of the first element of a name.
fn element(answer: &Answer, name: &str) -> String {
    let after = answer.text.split_once(&format!("<{name}>"));
    let text = after.and_then(|(_, rest)| rest.split_once(&format!("</{name}>")));
    text.unwrap_or_else(|| panic!("no {name} in {}", answer.text))
        .0
        .to_owned()
}

async fn state(client: &Client, path: &str) -> String {
    element(&get(client, path).await, "state")
}

fn wait(client: &Client, minutes: u64) {
    client.org.clock().advance(Duration::from_mins(minutes));
}

async fn count(client: &Client, soql: &str) -> u64 {
    let path = "/services/data/v68.0/query";
    let answer = client
        .send(client.request(Method::GET, path).query(&[("q", soql)]))
        .await;
    answer.json()["totalSize"]
        .as_u64()
        .unwrap_or_else(|| panic!("{}", answer.text))
}

pub fn job(operation: &str, object: &str) -> Json {
    json!({ "operation": operation, "object": object, "contentType": "CSV" })
}

#[tokio::test]
async fn jobs_and_batches_are_told_of_in_xml_in_the_order_of_the_schema() {
    let client = start().await;
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<jobInfo xmlns=\"{NAMESPACE}\">\n \
         <operation>insert</operation>\n <object>Account</object>\n <contentType>CSV</contentType>\n</jobInfo>"
    );
    let xml = "application/xml; charset=utf-8";
    let created = post(&client, JOB, xml, &body).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.header("content-type"), "application/xml");
    let id = element(&created, "id");
    let user = client.org.org().admin;
    assert_eq!(
        created.text,
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><jobInfo\n   xmlns=\"{NAMESPACE}\">\n <id>{id}</id>\n \
             <operation>insert</operation>\n <object>Account</object>\n <createdById>{user}</createdById>\n \
             <createdDate>2026-02-18T12:00:00.000Z</createdDate>\n \
             <systemModstamp>2026-02-18T12:00:00.000Z</systemModstamp>\n <state>Open</state>\n \
             <concurrencyMode>Parallel</concurrencyMode>\n <contentType>CSV</contentType>\n \
             <numberBatchesQueued>0</numberBatchesQueued>\n \
             <numberBatchesInProgress>0</numberBatchesInProgress>\n \
             <numberBatchesCompleted>0</numberBatchesCompleted>\n <numberBatchesFailed>0</numberBatchesFailed>\n \
             <numberBatchesTotal>0</numberBatchesTotal>\n <numberRecordsProcessed>0</numberRecordsProcessed>\n \
             <numberRetries>0</numberRetries>\n <apiVersion>68.0</apiVersion>\n \
             <numberRecordsFailed>0</numberRecordsFailed>\n <totalProcessingTime>0</totalProcessingTime>\n \
             <apiActiveProcessingTime>0</apiActiveProcessingTime>\n \
             <apexProcessingTime>0</apexProcessingTime>\n</jobInfo>"
        )
    );
    let job = format!("{JOB}/{id}");
    let batch = add(&client, &job, "Name\nA\n\"B & C\"\n").await;
    let states = async || (state(&client, &batch).await, state(&client, &job).await);
    let both = |batch: &str, job: &str| (batch.to_owned(), job.to_owned());
    assert_eq!(states().await, both("Queued", "Open"));
    let close = format!("<jobInfo xmlns=\"{NAMESPACE}\"><state>Closed</state></jobInfo>");
    assert_eq!(
        element(&post(&client, &job, xml, &close).await, "state"),
        "Closed"
    );
    wait(&client, 1);
    assert_eq!(states().await, both("InProgress", "Closed"));
    let early = get(&client, &format!("{batch}/result")).await;
    assert_eq!(
        (early.status, element(&early, "exceptionCode")),
        (400, "InvalidBatch".to_owned())
    );
    wait(&client, 2);
    assert_eq!(states().await, both("Completed", "Closed"));
    let shown = get(&client, &job).await;
    assert_eq!(
        [
            "numberBatchesCompleted",
            "numberBatchesTotal",
            "numberRecordsProcessed",
            "totalProcessingTime"
        ]
        .map(|name| element(&shown, name)),
        ["1", "1", "2", "120000"]
    );
    let list = get(&client, &format!("{job}/batch")).await;
    assert!(list.text.contains("<batchInfoList\n"), "{}", list.text);
    assert_eq!(element(&list, "jobId"), id);
    let sent = get(&client, &format!("{batch}/request")).await;
    assert_eq!(sent.text, "Name\nA\n\"B & C\"\n");
}

#[tokio::test]
async fn rows_of_csv_are_saved_or_refused_one_by_one_and_answered_in_order() {
    let client = start().await;
    let job = create(&client, job("insert", "Contact")).await;
    let batch = add(&client, &job, "LastName,Email\r\nBerg,\r\n,\r\nWolf,nonsense\r\n").await;
    wait(&client, 3);
    let result = get(&client, &format!("{batch}/result")).await;
    assert_eq!(result.header("content-type"), "text/csv; charset=UTF-8");
    let mut reader = csv::Reader::from_reader(result.text.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert!(rows[0][0].starts_with("003"), "{rows:?}");
    assert_eq!(rows[0][1..], ["true", "true", ""]);
    let refused = |error: &str| {
        vec![
            String::new(),
            "false".to_owned(),
            "false".to_owned(),
            error.to_owned(),
        ]
    };
    assert_eq!(
        rows[1..],
        [
            refused("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"),
            refused("INVALID_EMAIL_ADDRESS:Email: invalid email address: nonsense:Email --"),
        ]
    );
    assert_eq!(
        reader.headers().unwrap(),
        vec!["Id", "Success", "Created", "Error"]
    );
    let shown = get(&client, &batch).await;
    assert_eq!(
        ["numberRecordsProcessed", "numberRecordsFailed"].map(|name| element(&shown, name)),
        ["3", "2"]
    );
}

#[tokio::test]
async fn jobs_of_json_speak_json_throughout() {
    let client = start().await;
    // simple-salesforce sends the mode's place among the modes.
    let job = json!({ "operation": "upsert", "object": "Contact", "externalIdFieldName": "Partner_Id__c",
        "contentType": "JSON", "concurrencyMode": 1 });
    let created = post_json(&client, JOB, &job).await.json();
    let expected = json!({
        "apexProcessingTime": 0,
        "apiActiveProcessingTime": 0,
        "apiVersion": 68.0,
        "assignmentRuleId": null,
        "concurrencyMode": "Serial",
        "contentType": "JSON",
        "createdById": client.org.org().admin.as_str(),
        "createdDate": "2026-02-18T12:00:00.000+0000",
        "externalIdFieldName": "Partner_Id__c",
        "fastPathEnabled": false,
        "id": created["id"],
        "numberBatchesCompleted": 0,
        "numberBatchesFailed": 0,
        "numberBatchesInProgress": 0,
        "numberBatchesQueued": 0,
        "numberBatchesTotal": 0,
        "numberRecordsFailed": 0,
        "numberRecordsProcessed": 0,
        "numberRetries": 0,
        "object": "Contact",
        "operation": "upsert",
        "state": "Open",
        "systemModstamp": "2026-02-18T12:00:00.000+0000",
        "totalProcessingTime": 0,
    });
    assert_eq!(created, expected);
    let path = format!("{JOB}/{}/batch", created["id"].as_str().unwrap());
    let records = json!([
        { "Partner_Id__c": "p1", "LastName": "Berg", "Birthdate": null },
        { "Partner_Id__c": "p2" },
        { "LastName": "None" },
    ]);
    let batch = post_json(&client, &path, &records).await;
    assert_eq!((batch.status, &batch.json()["state"]), (201, &json!("Queued")));
    assert_eq!(batch.json()["stateMessage"], Json::Null);
    wait(&client, 3);
    let listed = get(&client, &path).await.json();
    assert_eq!(listed["batchInfo"][0]["state"], "Completed");
    let batch = format!("{path}/{}", batch.json()["id"].as_str().unwrap());
    let results = get(&client, &format!("{batch}/result")).await.json();
    assert_eq!(
        (
            &results[0]["success"],
            &results[0]["created"],
            &results[0]["errors"]
        ),
        (&json!(true), &json!(true), &json!([]))
    );
    assert_eq!(
        results[1],
        json!({
            "success": false,
            "created": false,
            "id": null,
            "errors": [{
                "message": "Required fields are missing: [LastName]",
                "fields": ["LastName"],
                "statusCode": "REQUIRED_FIELD_MISSING",
                "extendedErrorDetails": null,
            }],
        })
    );
    assert_eq!(results[2]["success"], false);
    assert_eq!(get(&client, &format!("{batch}/request")).await.json(), records);
}

#[tokio::test]
async fn queries_have_a_list_of_results_and_say_when_they_found_nothing() {
    let client = start().await;
    let account = client.create("Account", json!({ "Name": "Acme, \"Ltd\"" })).await;
    client
        .create("Contact", json!({ "LastName": "Berg", "AccountId": account }))
        .await;
    let query = create(&client, job("query", "Contact")).await;
    let found = add(&client, &query, "SELECT LastName, Account.Name FROM Contact").await;
    let nothing = add(
        &client,
        &query,
        "SELECT Id FROM Contact WHERE LastName = 'Nobody'",
    )
    .await;
    wait(&client, 3);
    let list = get(&client, &format!("{found}/result")).await;
    assert_eq!(list.header("content-type"), "application/xml");
    let id = element(&list, "result");
    assert!(id.starts_with("752"), "{id}");
    let result = get(&client, &format!("{found}/result/{id}")).await;
    assert_eq!(
        result.text,
        "\"LastName\",\"Account.Name\"\n\"Berg\",\"Acme, \"\"Ltd\"\"\"\n"
    );
    let id = element(&get(&client, &format!("{nothing}/result")).await, "result");
    let result = get(&client, &format!("{nothing}/result/{id}")).await;
    assert_eq!(result.text, "Records not found for this query");

    let body = json!({ "operation": "query", "object": "Contact", "contentType": "JSON" });
    let query = create(&client, body).await;
    let soql = "SELECT LastName, Account.Name, Account.CreatedDate FROM Contact";
    let batch = post(&client, &format!("{query}/batch"), "application/json", soql).await;
    let batch = format!("{query}/batch/{}", batch.json()["id"].as_str().unwrap());
    wait(&client, 3);
    let list = get(&client, &format!("{batch}/result")).await.json();
    let id = list[0].as_str().unwrap();
    let records = get(&client, &format!("{batch}/result/{id}")).await.json();
    assert_eq!(records[0]["LastName"], "Berg");
    assert_eq!(records[0]["attributes"]["type"], "Contact");
    assert_eq!(records[0]["Account"]["Name"], "Acme, \"Ltd\"");
    assert_eq!(
        records[0]["Account"]["CreatedDate"], 1_771_416_000_000_u64,
        "2026-02-18T12:00:00Z"
    );
}

#[tokio::test]
async fn batches_of_serial_jobs_wait_for_each_other() {
    let client = start().await;
    let mut serial = job("insert", "Account");
    serial["concurrencyMode"] = json!("Serial");
    let serial = create(&client, serial).await;
    let parallel = create(&client, job("insert", "Account")).await;
    let mut batches = Vec::new();
    for job in [&serial, &serial, &parallel, &parallel] {
        batches.push(add(&client, job, "Name\nA\n").await);
    }
    wait(&client, 3);
    let mut states = Vec::new();
    for batch in &batches {
        states.push(state(&client, batch).await);
    }
    assert_eq!(states, ["Completed", "Queued", "Completed", "Completed"]);
    wait(&client, 3);
    assert_eq!(state(&client, &batches[1]).await, "Completed");
}

#[tokio::test]
async fn an_aborted_job_ends_what_is_processed_and_leaves_what_waits() {
    let client = start().await;
    let job = create(&client, job("insert", "Account")).await;
    let rows: String = (0..450).map(|row| format!("n{row}\n")).collect();
    let begun = add(&client, &job, &format!("Name\n{rows}")).await;
    wait(&client, 1);
    get(&client, &begun).await;
    let waiting = add(&client, &job, "Name\nlate\n").await;
    client.org.clock().advance(Duration::from_secs(41));
    assert_eq!(
        count(&client, "SELECT COUNT() FROM Account").await,
        200,
        "a chunk of three is written"
    );
    let abort = json!({ "state": "Aborted" });
    assert_eq!(post_json(&client, &job, &abort).await.json()["state"], "Aborted");
    assert_eq!(state(&client, &waiting).await, "NotProcessed");
    wait(&client, 2);
    assert_eq!(state(&client, &begun).await, "Completed");
    assert_eq!(count(&client, "SELECT COUNT() FROM Account").await, 450);
    let again = post_json(&client, &job, &abort).await;
    assert_eq!(again.json()["exceptionCode"], "InvalidJobState");
}

#[tokio::test]
async fn batches_are_counted_with_those_of_bulk_api_2_even_for_closed_jobs() {
    let client = start().await;
    let limits = &client.org.org().limits;
    limits.set_maximum(Allocation::DailyBulkApiBatches, 2);
    let job = create(&client, job("insert", "Account")).await;
    add(&client, &job, "Name\nA\n").await;
    post_json(&client, &job, &json!({ "state": "Closed" })).await;
    let path = format!("{job}/batch");
    let closed = post(&client, &path, "text/csv", "Name\nB\n").await;
    assert_eq!(element(&closed, "exceptionCode"), "InvalidJobState");
    let spent = post(&client, &path, "text/csv", "Name\nC\n").await;
    assert_eq!(
        (
            element(&spent, "exceptionCode"),
            element(&spent, "exceptionMessage")
        ),
        (
            "ExceededQuota".to_owned(),
            "ApiBatchItems Limit exceeded.".to_owned()
        )
    );
    let list = client.get("/services/data/v68.0/limits").await.json();
    assert_eq!(list["DailyBulkApiBatches"], json!({ "Max": 2, "Remaining": 0 }));
}

#[tokio::test]
async fn jobs_take_batches_for_a_day_and_are_kept_for_seven_from_the_youngest() {
    let client = start().await;
    let job = create(&client, job("query", "Account")).await;
    client.org.clock().advance(Duration::from_hours(23));
    let batch = add(&client, &job, "SELECT Id FROM Account").await;
    client.org.clock().advance(Duration::from_hours(1));
    let late = post(
        &client,
        &format!("{job}/batch"),
        "text/csv",
        "SELECT Id FROM Account",
    )
    .await;
    assert_eq!(element(&late, "exceptionCode"), "InvalidJobState");
    client.org.clock().advance(Duration::from_hours(7 * 24 - 2));
    assert_eq!(state(&client, &batch).await, "Completed");
    client.org.clock().advance(Duration::from_hours(1));
    let gone = get(&client, &job).await;
    assert_eq!(
        (gone.status, element(&gone, "exceptionCode")),
        (400, "InvalidJob".to_owned())
    );
}

#[tokio::test]
async fn deletes_take_ids_alone_and_updates_find_their_rows() {
    let client = start().await;
    let account = client
        .create("Account", json!({ "Name": "A", "Site": "S" }))
        .await;
    let update = create(&client, job("update", "Account")).await;
    add(&client, &update, &format!("Id,Name,Site\n{account},B,#N/A\n")).await;
    wait(&client, 3);
    get(&client, &update).await;
    let stored = client.read("Account", &account).await;
    assert_eq!((&stored["Name"], &stored["Site"]), (&json!("B"), &Json::Null));
    let delete = create(&client, job("delete", "Account")).await;
    let wrong = add(&client, &delete, &format!("Id,Name\n{account},B\n")).await;
    add(&client, &delete, &format!("Id\n{account}\n")).await;
    wait(&client, 3);
    let failed = get(&client, &wrong).await;
    assert_eq!(element(&failed, "state"), "Failed");
    assert_eq!(
        element(&failed, "stateMessage"),
        "InvalidBatch : The &apos;delete&apos; batch must contain only ids"
    );
    let unread = get(&client, &format!("{wrong}/result")).await;
    assert_eq!(element(&unread, "exceptionMessage"), "Records not processed");
    assert_eq!(count(&client, "SELECT COUNT() FROM Account").await, 0);
}
