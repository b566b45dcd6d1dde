//! Bulk API 2.0 query jobs over HTTP.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

mod listing;
mod results;

use std::time::Duration;

use chrono::TimeDelta;
use emulated_org::bulk::ProcessingTime;
use emulated_org::limits::Allocation;
use emulated_org::{Clock, Options, RecordId, Value};
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};

/// An organisation whose clock stands still. Jobs wait one minute and run for two.
async fn start() -> Client {
    let clock = Clock::fixed("2026-02-18T12:00:00Z".parse().unwrap());
    let client = Client::start_with(Options {
        clock,
        session_timeout: Duration::from_hours(300),
        ..Options::default()
    })
    .await;
    let processing = ProcessingTime {
        waiting: TimeDelta::minutes(1),
        running: TimeDelta::minutes(2),
    };
    client.org.org().bulk.set_processing_time(processing);
    client
}

fn seed_accounts(client: &Client, names: impl IntoIterator<Item = String>) -> Vec<RecordId> {
    let rows = names.into_iter().map(|name| vec![("Name", Value::text(name))]);
    client.org.seed("Account", rows).unwrap()
}

/// Creates a job and answers its path.
async fn create(client: &Client, job: Json) -> String {
    let answer = client.post(&format!("{V}/jobs/query"), &job).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    format!("{V}/jobs/query/{}", answer.json()["id"].as_str().unwrap())
}

/// The path of a job that is complete.
async fn completed(client: &Client, soql: &str) -> String {
    let job = create(client, json!({"operation": "query", "query": soql})).await;
    client.org.clock().advance(Duration::from_mins(3));
    job
}

async fn state(client: &Client, job: &str) -> String {
    client.get(job).await.json()["state"].as_str().unwrap().to_owned()
}

/// The column after the header line of a page of one column.
fn column(page: &Answer) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(page.text.as_bytes());
    reader.records().map(|row| row.unwrap()[0].to_owned()).collect()
}

#[tokio::test]
async fn a_job_waits_runs_and_ends_with_the_clock() {
    let client = start().await;
    seed_accounts(&client, ["Acme".to_owned()]);
    let soql = "SELECT Id FROM Account";
    let created = client
        .post(
            &format!("{V}/jobs/query"),
            &json!({"operation": "query", "query": soql}),
        )
        .await;
    let mut expected = json!({
        "id": created.json()["id"],
        "operation": "query",
        "object": "Account",
        "createdById": client.org.org().admin.as_str(),
        "createdDate": "2026-02-18T12:00:00.000+0000",
        "systemModstamp": "2026-02-18T12:00:00.000+0000",
        "state": "UploadComplete",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": 68.0,
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    });
    assert_eq!((created.status, created.json()), (200, expected.clone()));
    let job = format!("{V}/jobs/query/{}", created.json()["id"].as_str().unwrap());

    let results = format!("{job}/results");
    for (minutes, name) in [(1, "InProgress"), (1, "InProgress")] {
        let early = client.get(&results).await;
        assert_eq!((early.status, early.text.as_str()), (204, ""));
        client.org.clock().advance(Duration::from_mins(minutes));
        assert_eq!(state(&client, &job).await, name);
    }
    client.org.clock().advance(Duration::from_mins(1));
    let more = [
        ("state", json!("JobComplete")),
        ("systemModstamp", json!("2026-02-18T12:03:00.000+0000")),
        ("jobType", json!("V2Query")),
        ("numberRecordsProcessed", json!(1)),
        ("retries", json!(0)),
        ("totalProcessingTime", json!(120_000)),
        ("isPkChunkingSupported", json!(true)),
    ];
    for (key, value) in more {
        expected[key] = value;
    }
    assert_eq!(client.get(&job).await.json(), expected);
    assert_eq!(client.get(&results).await.status, 200);
}

#[tokio::test]
async fn a_job_has_the_rows_of_the_moment_it_runs_as_they_were() {
    let client = start().await;
    let ids = seed_accounts(&client, ["First".to_owned(), "Second".to_owned()]);
    let job = create(
        &client,
        json!({"operation": "query", "query": "SELECT Name FROM Account"}),
    )
    .await;
    seed_accounts(&client, ["While waiting".to_owned()]);
    client.org.clock().advance(Duration::from_mins(1));
    assert_eq!(state(&client, &job).await, "InProgress");
    seed_accounts(&client, ["While running".to_owned()]);
    assert_eq!(
        client
            .delete(&format!("{V}/sobjects/Account/{}", ids[0]))
            .await
            .status,
        204
    );
    let renamed = client
        .patch(
            &format!("{V}/sobjects/Account/{}", ids[1]),
            &json!({"Name": "Renamed"}),
        )
        .await;
    assert_eq!(renamed.status, 204);
    client.org.clock().advance(Duration::from_mins(2));
    assert_eq!(
        column(&client.get(&format!("{job}/results")).await),
        ["First", "Second", "While waiting"]
    );
}

#[tokio::test]
async fn query_all_jobs_see_the_recycle_bin() {
    let client = start().await;
    let ids = seed_accounts(&client, ["Kept".to_owned(), "Gone".to_owned()]);
    client.delete(&format!("{V}/sobjects/Account/{}", ids[1])).await;
    let job = create(
        &client,
        json!({"operation": "queryAll", "query": "SELECT Name FROM Account"}),
    )
    .await;
    client.org.clock().advance(Duration::from_mins(3));
    assert_eq!(
        column(&client.get(&format!("{job}/results")).await),
        ["Kept", "Gone"]
    );
    assert_eq!(client.get(&job).await.json()["operation"], "queryAll");
}

#[tokio::test]
async fn a_job_is_aborted_while_it_lasts_and_deleted_after() {
    let client = start().await;
    let invalid_state = (400, "INVALIDJOBSTATE".to_owned());
    let aborted = json!({"state": "Aborted"});
    let job = create(
        &client,
        json!({"operation": "query", "query": "SELECT Id FROM Account"}),
    )
    .await;
    assert_eq!(client.delete(&job).await.refusal(), invalid_state);
    assert_eq!(
        client.patch(&job, &json!({"state": "JobComplete"})).await.status,
        400
    );
    assert_eq!(client.patch(&job, &aborted).await.json()["state"], "Aborted");
    client.org.clock().advance(Duration::from_mins(3));
    assert_eq!(state(&client, &job).await, "Aborted");
    assert_eq!(
        client.get(&format!("{job}/results")).await.refusal(),
        invalid_state
    );
    assert_eq!(client.patch(&job, &aborted).await.refusal(), invalid_state);

    let other = completed(&client, "SELECT Id FROM Account").await;
    assert_eq!(client.patch(&other, &aborted).await.refusal(), invalid_state);
    for path in [&job, &other] {
        assert_eq!(client.delete(path).await.status, 204);
        assert_eq!(client.get(path).await.refusal(), (404, "NOT_FOUND".to_owned()));
    }
}

#[tokio::test]
async fn the_jobs_of_others_are_out_of_sight() {
    let client = start().await;
    let job = completed(&client, "SELECT Id FROM Account").await;
    let token = client.token_of_another_user();
    let aborted = json!({"state": "Aborted"});
    for request in [
        client.http.get(client.url(&job)),
        client.http.get(client.url(&format!("{job}/results"))),
        client.http.patch(client.url(&job)).json(&aborted),
        client.http.delete(client.url(&job)),
    ] {
        let answer = client.send(request.bearer_auth(&token)).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()));
    }
    let list = client
        .http
        .get(client.url(&format!("{V}/jobs/query")))
        .bearer_auth(&token);
    assert_eq!(client.send(list).await.json()["records"], json!([]));
}

#[tokio::test]
async fn jobs_are_listed_and_kept_for_seven_days() {
    let client = start().await;
    let old = completed(&client, "SELECT Id FROM Account").await;
    client.org.clock().advance(Duration::from_hours(24));
    let young = create(
        &client,
        json!({"operation": "query", "query": "SELECT Id FROM Contact"}),
    )
    .await;
    let list = client.get(&format!("{V}/jobs/query")).await.json();
    assert_eq!(
        (&list["done"], &list["nextRecordsUrl"]),
        (&json!(true), &Json::Null)
    );
    let listed: Vec<_> = list["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| (&job["object"], &job["state"], &job["jobType"]))
        .collect();
    let kind = json!("V2Query");
    assert_eq!(
        listed,
        [
            (&json!("Account"), &json!("JobComplete"), &kind),
            (&json!("Contact"), &json!("UploadComplete"), &kind),
        ]
    );
    assert_eq!(
        client
            .get(&format!("{V}/jobs/query?jobType=Classic"))
            .await
            .json()["records"],
        json!([])
    );

    client
        .org
        .clock()
        .advance(Duration::from_hours(6 * 24) - Duration::from_mins(4));
    assert_eq!(client.get(&old).await.status, 200);
    client.org.clock().advance(Duration::from_mins(4));
    assert_eq!(client.get(&old).await.status, 404);
    assert_eq!(client.get(&young).await.status, 200);
}

#[tokio::test]
async fn jobs_count_against_a_daily_limit() {
    let client = start().await;
    client
        .org
        .org()
        .limits
        .set_maximum(Allocation::DailyBulkV2QueryJobs, 2);
    let job = json!({"operation": "query", "query": "SELECT Id FROM Account"});
    let jobs = format!("{V}/jobs/query");
    let refused = client
        .post(
            &jobs,
            &json!({"operation": "query", "query": "SELECT Nope FROM Account"}),
        )
        .await;
    assert_eq!(refused.status, 400);
    for expected in [200, 200, 400] {
        assert_eq!(client.post(&jobs, &job).await.status, expected);
    }
    assert_eq!(
        client.post(&jobs, &job).await.refusal(),
        (400, "LIMIT_EXCEEDED".to_owned())
    );
    client.org.clock().advance(Duration::from_hours(25));
    assert_eq!(client.post(&jobs, &job).await.status, 200);
}

#[tokio::test]
async fn what_bulk_cannot_query_is_refused_when_the_job_is_created() {
    let client = start().await;
    let query = |soql: &str| json!({"operation": "query", "query": soql});
    for (body, code) in [
        (query("SELECT Id FORM Account"), "MALFORMED_QUERY"),
        (query("SELECT Id FROM Nope"), "INVALID_TYPE"),
        (query("SELECT Nope FROM Account"), "INVALID_FIELD"),
        (
            query("SELECT Id, (SELECT Id FROM Contacts) FROM Account"),
            "API_ERROR",
        ),
        (query("SELECT COUNT() FROM Account"), "API_ERROR"),
        (query("SELECT Name FROM Account GROUP BY Name"), "API_ERROR"),
        (query("SELECT Id FROM Account OFFSET 5"), "API_ERROR"),
        (query("SELECT BillingAddress FROM Account"), "API_ERROR"),
        (query("SELECT Account.BillingAddress FROM Contact"), "API_ERROR"),
        (
            query("SELECT FIELDS(ALL) FROM Account LIMIT 10"),
            "MALFORMED_QUERY",
        ),
        (json!({"operation": "query"}), "INVALIDJOB"),
        (json!({"query": "SELECT Id FROM Account"}), "INVALIDJOB"),
        (
            json!({"operation": "insert", "query": "SELECT Id FROM Account"}),
            "INVALIDJOB",
        ),
        (
            json!({"operation": "query", "query": "SELECT Id FROM Account", "columnDelimiter": ";"}),
            "INVALIDJOB",
        ),
        (
            json!({"operation": "query", "query": "SELECT Id FROM Account", "lineEnding": "CR"}),
            "INVALIDJOB",
        ),
        (
            json!({"operation": "query", "query": "SELECT Id FROM Account", "priority": "high"}),
            "JSON_PARSER_ERROR",
        ),
        (json!([1]), "JSON_PARSER_ERROR"),
    ] {
        let answer = client.post(&format!("{V}/jobs/query"), &body).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{body}");
    }
}
