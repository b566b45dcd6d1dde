//! Workers: they take up what waits, and let go in good order.

use std::sync::Arc;
use std::time::Duration;

use causeway::app::read;
use causeway::app::receive::{Posted, receive_changes};
use causeway::workers::{self, WorkerOptions, Workers};
use causeway_core::ports::Lane;
use causeway_core::ports::runs::RunState;
use emulated_org::Value;
use serde_json::json;

use crate::linked::{Linked, quick_options};

/// Workers that look for work so rarely that only a bell can have woken them.
fn rung_only() -> WorkerOptions {
    WorkerOptions {
        poll: Duration::from_secs(600),
        ..WorkerOptions::default()
    }
}

async fn start(linked: &Linked, options: WorkerOptions) -> Workers {
    workers::start(Arc::clone(&linked.app), options).await.unwrap()
}

async fn push_one(linked: &Linked, last_name: &str) {
    let row = json!({
        "object": "Contact", "operation": "update", "id": "003000000000001",
        "systemModstamp": "2026-11-22T06:04:37.000Z", "observedAt": "2026-11-22T06:04:38.000Z",
        "fields": {"LastName": last_name},
    });
    let posted = Posted {
        connection: linked.connection,
        client: "pump".to_owned(),
        organization: linked.org.organization_id().as_str().to_owned(),
        changes: vec![row.to_string()],
        idempotency: None,
    };
    assert_eq!(receive_changes(&linked.app, posted).await.unwrap().accepted, 1);
}

async fn wait_for_contacts(linked: &Linked, count: usize) {
    for _ in 0..500 {
        if linked.records("contact").await.len() == count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{count} contacts did not arrive");
}

#[tokio::test]
async fn a_push_and_a_queued_sync_wake_their_workers() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let mut workers = start(&linked, rung_only()).await;
    // Until each has looked once and waits for its bell.
    tokio::time::sleep(Duration::from_millis(200)).await;
    push_one(&linked, "Ann").await;
    wait_for_contacts(&linked, 1).await;

    linked
        .org
        .seed("Contact", [vec![("LastName", Value::text("Bob"))]])
        .unwrap();
    let run = linked.queue_sync().await;
    wait_for_contacts(&linked, 2).await;
    for _ in 0..500 {
        if linked.run(run).await.state == RunState::Completed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(linked.run(run).await.state, RunState::Completed);
    assert!(workers.are_running());
    workers.stop().await;
}

#[tokio::test]
async fn what_an_ended_process_had_claimed_is_decided_after_the_next_start() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    push_one(&linked, "Ann").await;
    let now = linked.app.clock.now();
    let claimed = linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.claim("dead", 10, now, now + chrono::TimeDelta::hours(1))
        })
        .await
        .unwrap();
    assert_eq!(claimed.len(), 1);
    let workers = start(&linked, rung_only()).await;
    wait_for_contacts(&linked, 1).await;
    workers.stop().await;
}

#[tokio::test]
async fn stopping_in_the_middle_of_a_sync_keeps_what_is_durable_and_the_next_start_ends_it() {
    let mut options = quick_options();
    options.batch_rows = 20;
    options.page_rows = 200;
    let linked = Linked::mapped(options, Vec::new()).await;
    let rows = (0..2_000).map(|number| vec![("LastName", Value::text(format!("N{number}")))]);
    linked.org.seed("Contact", rows).unwrap();
    let run = linked.queue_sync().await;
    let workers = start(&linked, WorkerOptions::default()).await;
    for _ in 0..500 {
        if !linked.records("contact").await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    workers.stop().await;
    let state = linked.run(run).await;
    assert_eq!(state.state, RunState::Running);
    let counted: u64 = state.parts.iter().map(|part| part.rows).sum();
    assert!(counted > 0 && counted < 2_000, "{counted} rows");
    assert_eq!(linked.records("contact").await.len() as u64, counted);

    let workers = start(&linked, WorkerOptions::default()).await;
    wait_for_contacts(&linked, 2_000).await;
    workers.stop().await;
    assert_eq!(
        read::backlog(&linked.app, linked.connection)
            .await
            .unwrap()
            .changes,
        0
    );
}
