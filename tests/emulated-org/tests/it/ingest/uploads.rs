//! How data comes in, and how much of it.
#![cfg(test)]

use emulated_org::limits::Allocation;
use reqwest::Method;
use serde_json::json;

use super::{close, create, finished, insert, put, rows, soql, start};

/// A gzip member of one stored block (RFC 1951, 1952).
fn gzip(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).unwrap();
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(text.as_bytes());
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
        }
    }
    out.extend((!crc).to_le_bytes());
    out.extend(u32::from(length).to_le_bytes());
    out
}

#[tokio::test]
async fn data_may_be_packed() {
    let client = start().await;
    let job = create(&client, insert("Account")).await;
    let request = client
        .request(Method::PUT, &format!("{job}/batches"))
        .header("content-type", "text/csv")
        .header("content-encoding", "gzip")
        .body(gzip("Name\nPacked\n"));
    assert_eq!(client.send(request).await.status, 201);
    close(&client, &job).await;
    client.org.clock().advance(std::time::Duration::from_mins(3));
    assert_eq!(
        soql(&client, "SELECT Name FROM Account").await["records"][0]["Name"],
        "Packed"
    );
}

#[tokio::test]
async fn an_upsert_by_id_without_ids_makes_every_row() {
    let client = start().await;
    let upsert = json!({ "object": "Account", "operation": "upsert", "externalIdFieldName": "Id" });
    let job = finished(&client, upsert.clone(), "Name\nA\nB\n").await;
    let made = rows(&client, &job, "successfulResults").await;
    assert_eq!(made.len(), 2);
    assert!(made.iter().all(|row| row["sf__Created"] == "true"));
    let table = format!("Id,Name\n{},C\n", made[0]["sf__Id"]);
    let job = finished(&client, upsert, &table).await;
    assert_eq!(
        rows(&client, &job, "successfulResults").await[0]["sf__Created"],
        "false"
    );
}

#[tokio::test]
async fn an_empty_table_is_a_job_with_three_empty_results() {
    let client = start().await;
    let job = create(&client, insert("Account")).await;
    assert_eq!(put(&client, &job, "").await.status, 201);
    close(&client, &job).await;
    client.org.clock().advance(std::time::Duration::from_mins(3));
    assert_eq!(client.get(&job).await.json()["state"], "JobComplete");
    for file in ["successfulResults", "failedResults", "unprocessedrecords"] {
        assert_eq!(rows(&client, &job, file).await.len(), 0);
    }
}

#[tokio::test]
async fn rows_beyond_the_daily_records_are_not_processed() {
    let client = start().await;
    let limits = &client.org.org().limits;
    limits.set_maximum(Allocation::DailyBulkV2IngestRecords, 300);
    let table: String = (0..450).map(|row| format!("n{row}\n")).collect();
    let job = finished(&client, insert("Account"), &format!("Name\n{table}")).await;
    let shown = client.get(&job).await.json();
    assert_eq!(
        (&shown["state"], &shown["numberRecordsProcessed"]),
        (&json!("Failed"), &json!(200))
    );
    assert_eq!(rows(&client, &job, "unprocessedrecords").await.len(), 250);
}
