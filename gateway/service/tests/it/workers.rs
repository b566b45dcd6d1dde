//! Workers: they take up what waits, and let go in good order.

use std::sync::Arc;
use std::time::Duration;

use causeway::app::package::{self, PairingRequest};
use causeway::app::read;
use causeway::app::receive::{Posted, receive_changes};
use causeway::workers::{self, WorkerOptions, Workers};
use causeway_core::id::SalesforceId;
use causeway_core::ports::Lane;
use causeway_core::ports::runs::RunState;
use emulated_org::Value;
use secrecy::SecretBox;
use serde_json::json;

use crate::linked::{Linked, partner_user, quick_options};

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

/// The Salesforce users of the partner's users, in the order of their ids.
async fn matches(linked: &Linked) -> Vec<Option<SalesforceId>> {
    let connection = linked.connection;
    let users = linked.app.store.read(move |tx| tx.partner_users(connection));
    let mut users = users.await.unwrap();
    users.sort_by(|one, other| one.id.cmp(&other.id));
    users.into_iter().map(|user| user.salesforce_user).collect()
}

async fn pair(linked: &Linked) {
    let connection = linked.connection;
    let known = linked.app.store.read(move |tx| tx.connection(connection));
    let known = known.await.unwrap().unwrap();
    let code = package::invite(&linked.app, &known, Duration::from_secs(60));
    let request = PairingRequest {
        code: code.await.unwrap().to_string(),
        organization: linked.org.organization_id().as_str().to_owned(),
        key: SecretBox::from(vec![42; 32].into_boxed_slice()),
    };
    package::pair(&linked.app, request).await.unwrap();
}

#[tokio::test]
async fn pairing_lets_the_users_be_matched_before_any_sync_and_once() {
    let users = vec![
        partner_user("u-1", "ADMIN@northwind.example"),
        partner_user("u-2", "nobody@northwind.example"),
    ];
    let linked = Linked::mapped(quick_options(), users).await;
    let mut workers = start(&linked, rung_only()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(matches(&linked).await, [None, None], "nobody is paired");

    pair(&linked).await;
    let admin = SalesforceId::parse(linked.org.org().admin.as_str()).unwrap();
    for _ in 0..500 {
        if matches(&linked).await.first() == Some(&Some(admin)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(matches(&linked).await, [Some(admin), None]);

    // Who is paired anew has users already.
    let calls = linked.org.request_log().total();
    pair(&linked).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(linked.org.request_log().total(), calls);
    assert!(workers.are_running());
    workers.stop().await;
}

#[tokio::test]
async fn users_of_whom_nobody_is_found_are_not_asked_for_at_every_look() {
    let linked = Linked::mapped(quick_options(), vec![partner_user("u-1", "x@northwind.example")]).await;
    let workers = start(&linked, rung_only()).await;
    pair(&linked).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let calls = linked.org.request_log().total();
    for _ in 0..3 {
        linked.app.users_bell.notify_one();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(linked.org.request_log().total(), calls);
    workers.stop().await;
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
