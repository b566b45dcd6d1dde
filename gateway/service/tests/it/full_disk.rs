//! The gateway whose own disk is full: it says so, keeps what it answered for, and goes on once there is room.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway::app::AppOptions;
use causeway::workers::{self, WorkerOptions};
use causeway_core::ports::runs::RunState;
use causeway_core::schedule::RetrySchedule;
use emulated_org::Options;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Gateway, ORGANIZATION, problem};
use crate::linked::{Linked, documents, quick_options};
use crate::small_disk::SmallDisk;

/// Within so long everything has to go on by itself once there is room: a pause of each worker, and on a busy machine
/// the end of a claim that it could not give back.
const SOON: Duration = Duration::from_secs(40);

fn id(number: usize) -> String {
    format!("003ZM00000{number:05}")
}

fn row(operation: &str, number: usize, second: u32) -> Value {
    json!({"object": "Contact", "operation": operation, "id": id(number),
        "systemModstamp": format!("2026-11-22T06:04:{second:02}.000Z"),
        "observedAt": format!("2026-11-22T06:04:{second:02}.000Z"), "masterRecordId": null,
        "fields": {"LastName": format!("Contact-{number}-{}", "x".repeat(200))}})
}

async fn push(gateway: &Gateway, key: &str, changes: &[Value]) -> Response {
    gateway
        .http
        .post(format!("{}/v1/salesforce/changes", gateway.url()))
        .bearer_auth(gateway.token("pump"))
        .header("Idempotency-Key", key)
        .json(&json!({"organizationId": ORGANIZATION, "packageVersion": "1.0", "changes": changes}))
        .send()
        .await
        .unwrap()
}

/// Pushes twenty contacts.
async fn push_many(gateway: &Gateway, batch: usize) -> Response {
    let changes: Vec<Value> = (batch * 20..batch * 20 + 20)
        .map(|number| row("create", number, 30))
        .collect();
    push(gateway, &format!("batch-{batch}"), &changes).await
}

/// Asserts that an answer tells of the full disk in words that help.
async fn told_full(answer: Response) {
    assert_eq!(answer.status(), StatusCode::INSUFFICIENT_STORAGE);
    assert!(answer.headers().contains_key("retry-after"));
    let document = problem(answer, "storage-full").await;
    let detail = document["detail"].as_str().unwrap();
    assert!(
        detail.contains("free space") && detail.contains("nothing was lost"),
        "{detail}"
    );
}

async fn plain(gateway: &Gateway, path: &str) -> Response {
    gateway
        .http
        .get(format!("{}{path}", gateway.url()))
        .send()
        .await
        .unwrap()
}

/// The last names, shortened, of the contacts that the partner sees.
async fn contacts(gateway: &Gateway) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut path = "/v1/records/contact?limit=1000".to_owned();
    loop {
        let page = gateway.get_json("partner", &path).await;
        for record in page["records"].as_array().unwrap() {
            let name = record["fields"]["last_name"].as_str().unwrap();
            seen.insert(name.trim_end_matches(['x', '-']).to_owned());
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/records/contact?limit=1000&cursor={next}"),
            None => return seen,
        }
    }
}

fn names(numbers: impl Iterator<Item = usize>) -> BTreeSet<String> {
    numbers.map(|number| format!("Contact-{number}")).collect()
}

async fn wait_for(gateway: &Gateway, expected: &BTreeSet<String>) {
    let deadline = Instant::now() + SOON;
    loop {
        let seen = contacts(gateway).await;
        if seen == *expected {
            return;
        }
        let missing: Vec<_> = expected.difference(&seen).take(5).collect();
        let more: Vec<_> = seen.difference(expected).take(5).collect();
        assert!(
            Instant::now() < deadline,
            "missing {missing:?}, too many {more:?}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_told_as_such_every_time_and_everything_arrives_once_there_is_room() {
    let Some(disk) = SmallDisk::of(12) else {
        return;
    };
    let store = disk.path().join("causeway.db");
    let gateway = Gateway::start_on(&format!("[store]\nurl = \"sqlite://{}\"\n", store.display())).await;
    gateway.map_accounts_and_contacts().await;
    gateway
        .push_and_settle(json!([row("create", 0, 1), row("create", 1, 1)]))
        .await;
    assert_eq!(plain(&gateway, "/readyz").await.status(), StatusCode::OK);

    disk.fill(64 << 10);
    let mut accepted = BTreeSet::new();
    let mut refused = BTreeSet::new();
    for batch in 1..60 {
        let answer = push_many(&gateway, batch).await;
        if answer.status() == StatusCode::ACCEPTED {
            accepted.insert(batch);
        } else {
            told_full(answer).await;
            refused.insert(batch);
        }
        if refused.len() >= 12 {
            break;
        }
    }
    assert!(refused.len() >= 12, "the disk is not full: {accepted:?}");
    let delete = [row("delete", 1, 40)];
    told_full(push(&gateway, "delete", &delete).await).await;
    told_full(plain(&gateway, "/readyz").await).await;
    assert_eq!(plain(&gateway, "/healthz").await.status(), StatusCode::OK);
    let connection = gateway.get_json("partner", "/v1/connection").await;
    let issue = &connection["package"]["issues"][0];
    assert_eq!(issue["code"], "store-full", "{connection}");
    assert!(
        issue["nextStep"].as_str().unwrap().contains("free space"),
        "{issue}"
    );
    assert!(contacts(&gateway).await.contains("Contact-1"));
    // Long enough for the workers to have tried.
    tokio::time::sleep(Duration::from_secs(4)).await;
    told_full(push(&gateway, "delete", &delete).await).await;

    disk.free();
    let kept = |batches: &BTreeSet<usize>| {
        let numbers: Vec<usize> = batches
            .iter()
            .flat_map(|batch| batch * 20..batch * 20 + 20)
            .collect();
        names([0, 1].into_iter().chain(numbers))
    };
    wait_for(&gateway, &kept(&accepted)).await;
    for batch in &refused {
        assert_eq!(push_many(&gateway, *batch).await.status(), StatusCode::ACCEPTED);
    }
    assert_eq!(
        push(&gateway, "delete", &delete).await.status(),
        StatusCode::ACCEPTED
    );
    let mut all = kept(&accepted.union(&refused).copied().collect());
    all.remove("Contact-1");
    wait_for(&gateway, &all).await;
    assert_eq!(plain(&gateway, "/readyz").await.status(), StatusCode::OK);
    let connection = gateway.get_json("partner", "/v1/connection").await;
    assert_ne!(connection["package"]["issues"][0]["code"], "store-full");
    gateway.stop().await;
}

#[tokio::test]
async fn a_sync_that_meets_a_full_disk_goes_on_within_seconds_of_there_being_room() {
    let Some(disk) = SmallDisk::of(40) else {
        return;
    };
    // Whoever waits by the schedule waits longer than this test.
    let options = AppOptions {
        sync_retries: RetrySchedule {
            first: Duration::from_secs(300),
            longest: Duration::from_secs(300),
            attempts: 3,
        },
        batch_rows: 50,
        ..quick_options()
    };
    let folder = tempfile::tempdir_in(disk.path()).unwrap();
    let linked = Linked::start_in(folder, Options::default(), options, Vec::new(), None).await;
    for document in documents() {
        linked.map(&document).await;
    }
    let rows = (0..3_000).map(|number| {
        vec![(
            "LastName",
            emulated_org::Value::text(format!("{number} {}", "x".repeat(60))),
        )]
    });
    linked.org.seed("Contact", rows).unwrap();
    disk.fill(1 << 20);
    let workers = workers::start(Arc::clone(&linked.app), WorkerOptions::default())
        .await
        .unwrap();
    let run = linked.queue_sync().await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while linked.app.store.full_for().is_none() {
        let state = linked.run(run).await;
        assert_ne!(state.state, RunState::Completed, "the disk was not full");
        assert!(Instant::now() < deadline, "{state:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(linked.app.store.room().await.is_err());
    let state = linked.run(run).await;
    assert_eq!(state.state, RunState::Running, "{state:?}");

    disk.free();
    let deadline = Instant::now() + SOON;
    while linked.run(run).await.state != RunState::Completed {
        assert!(Instant::now() < deadline, "{:?}", linked.run(run).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(linked.records("contact").await.len(), 3_000);
    assert_eq!(linked.app.store.full_for(), None);
    workers.stop().await;
}
