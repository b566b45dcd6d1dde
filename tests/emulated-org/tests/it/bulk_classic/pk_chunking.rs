//! Queries cut by ranges of ids.
#![cfg(test)]

use emulated_org::Value;
use emulated_org::limits::Allocation;
use reqwest::Method;
use serde_json::json;

use super::{JOB, add, element, get, job, request, start, wait};
use crate::client::{Answer, Client};

async fn create(client: &Client, header: &str) -> Answer {
    let request = request(client, Method::POST, JOB)
        .header("Sforce-Enable-PKChunking", header)
        .json(&job("query", "Account"));
    client.send(request).await
}

async fn job_of(client: &Client, header: &str) -> String {
    let answer = create(client, header).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    format!("{JOB}/{}", answer.json()["id"].as_str().unwrap())
}

fn seed(client: &Client, rows: usize) {
    let rows = (0..rows).map(|row| vec![("Name", Value::text(format!("n{row}")))]);
    client.org.seed("Account", rows).unwrap();
}

#[tokio::test]
async fn the_first_batch_is_not_processed_and_others_take_its_place() {
    let client = start().await;
    seed(&client, 25);
    let job = job_of(&client, "chunkSize=10; parent=Account").await;
    let first = add(&client, &job, "SELECT Name FROM Account").await;
    wait(&client, 1);
    assert_eq!(element(&get(&client, &first).await, "state"), "NotProcessed");
    wait(&client, 3);
    let list = get(&client, &format!("{job}/batch")).await;
    let ids: Vec<&str> = list
        .text
        .split("<id>")
        .skip(1)
        .filter_map(|part| part.split_once("</id>").map(|(id, _)| id))
        .collect();
    assert_eq!(ids.len(), 4, "{}", list.text);
    let mut sizes = Vec::new();
    let mut names = Vec::new();
    for id in &ids[1..] {
        let batch = format!("{job}/batch/{id}");
        let result = element(&get(&client, &format!("{batch}/result")).await, "result");
        let csv = get(&client, &format!("{batch}/result/{result}")).await.text;
        let rows: Vec<String> = csv.lines().skip(1).map(str::to_owned).collect();
        sizes.push(rows.len());
        names.extend(rows);
    }
    assert_eq!(sizes, [10, 10, 5]);
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 25);
    let shown = get(&client, &job).await;
    assert_eq!(
        [
            "numberBatchesCompleted",
            "numberBatchesTotal",
            "numberRecordsProcessed"
        ]
        .map(|name| element(&shown, name)),
        ["3", "4", "25"]
    );
    let (used, _) = client
        .org
        .org()
        .limits
        .usage(Allocation::DailyBulkApiBatches, client.org.clock().now());
    assert_eq!(used, 4);
}

#[tokio::test]
async fn queries_that_order_limit_or_ask_for_ids_stay_whole() {
    let client = start().await;
    seed(&client, 25);
    let job = job_of(&client, "chunkSize=10").await;
    let mut batches = Vec::new();
    for soql in [
        "SELECT Name FROM Account ORDER BY Name",
        "SELECT Name FROM Account LIMIT 20",
        "SELECT Name FROM Account WHERE Name != 'x' AND Id != null",
    ] {
        batches.push(add(&client, &job, soql).await);
    }
    wait(&client, 3);
    for batch in batches {
        assert_eq!(element(&get(&client, &batch).await, "state"), "Completed");
    }
}

#[tokio::test]
async fn a_batch_that_took_too_long_can_be_tried_again_in_chunks() {
    let client = start().await;
    seed(&client, 15);
    let message = "InternalServerError : Retried more than fifteen times";
    let knob = json!({ "failNextBatch": message });
    assert_eq!(
        client.knob(Method::POST, "/emulator/bulk", &knob).await.status,
        204
    );
    let whole = super::create(&client, job("queryAll", "Account")).await;
    let batch = add(&client, &whole, "SELECT Name FROM Account").await;
    wait(&client, 3);
    let failed = get(&client, &batch).await;
    assert_eq!(
        (
            element(&failed, "state").as_str(),
            element(&failed, "stateMessage").as_str()
        ),
        ("Failed", message)
    );
    let job = job_of(&client, "true; chunkSize=10").await;
    add(&client, &job, "SELECT Name FROM Account").await;
    wait(&client, 4);
    assert_eq!(element(&get(&client, &job).await, "numberRecordsProcessed"), "15");
}

#[tokio::test]
async fn headers_that_cannot_be_meant_are_refused() {
    let client = start().await;
    for header in [
        "chunkSize=250001",
        "chunkSize=0",
        "chunkSize=many",
        "startRow=nope",
        "nonsense",
        "true; parent=Organization",
    ] {
        let refused = create(&client, header).await;
        assert_eq!(
            (refused.status, &refused.json()["exceptionCode"]),
            (400, &json!("InvalidJob")),
            "{header}"
        );
    }
    assert_eq!(create(&client, "false").await.status, 201);
    assert_eq!(create(&client, "true; chunkSize=100000").await.status, 201);
}
