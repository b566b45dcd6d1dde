//! The real binary, ended without warning behind each durable step: what it did stays, what it had not done is
//! done after it, and nothing is done twice.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use causeway::app::read;
use causeway::app::receive::{Posted, receive_changes};
use causeway::app::sync::SyncEnd;
use causeway_core::ports::runs::RunState;
use causeway_core::record::FieldValue;
use emulated_org::Value as Seeded;
use serde_json::{Value, json};

use crate::linked::{Linked, quick_options};

const SIGABRT: i32 = 6;

pub async fn causeway(linked: &Linked, arguments: &[&str]) -> ExitStatus {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command
        .arg("--config")
        .arg(linked.config_file())
        .args(arguments)
        .env_clear()
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    tokio::task::spawn_blocking(move || command.status().unwrap())
        .await
        .unwrap()
}

async fn sync_killed_at(failpoint: &str, contacts: usize) {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let rows = (0..contacts).map(|number| vec![("LastName", Seeded::text(format!("N{number}")))]);
    let seeded: BTreeSet<String> = linked
        .org
        .seed("Contact", rows)
        .unwrap()
        .iter()
        .map(|id| id.as_str().to_owned())
        .collect();
    let killed = causeway(
        &linked,
        &[
            "--failpoint",
            failpoint,
            "sync",
            "initial",
            "--connection",
            "acme",
        ],
    )
    .await;
    assert_eq!(killed.signal(), Some(SIGABRT), "{failpoint}: {killed:?}");

    let linked = linked.an_hour_later().await;
    let (runs, _) = read::runs(
        &linked.app,
        linked.connection,
        causeway_core::ports::runs::RunFilter::default(),
        None,
        10,
    )
    .await
    .unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(linked.work_on(runs[0].id).await, SyncEnd::Completed);
    assert_eq!(linked.run(runs[0].id).await.state, RunState::Completed);
    let records = linked.records("contact").await;
    assert_eq!(records.len(), contacts, "{failpoint}: none doubled");
    let arrived: BTreeSet<String> = records
        .iter()
        .map(|record| record.salesforce_id.unwrap().to_string())
        .collect();
    assert_eq!(arrived, seeded, "{failpoint}: none lost");
    let counted: u64 = linked
        .run(runs[0].id)
        .await
        .parts
        .iter()
        .map(|part| part.rows)
        .sum();
    assert_eq!(counted, contacts as u64, "{failpoint}: each counted once");
}

#[tokio::test]
async fn a_sync_killed_behind_any_durable_step_is_ended_by_the_next_process() {
    for failpoint in [
        "sync.run_started",
        "sync.job_created:2",
        "sync.page_applied:3",
        "sync.part_done:2",
        "sync.run_finished",
    ] {
        Box::pin(sync_killed_at(failpoint, 1_700)).await;
    }
}

async fn inbox_killed_at(failpoint: &str) {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let changes = (0..300)
        .map(|number| {
            let row = json!({
                "object": "Contact", "operation": "create", "id": format!("003{number:012}"),
                "systemModstamp": "2026-11-22T06:04:37.000Z", "observedAt": "2026-11-22T06:04:38.000Z",
                "fields": {"LastName": format!("N{number}")},
            });
            row.to_string()
        })
        .collect();
    let posted = Posted {
        connection: linked.connection,
        client: "pump".to_owned(),
        organization: linked.org.organization_id().as_str().to_owned(),
        changes,
        idempotency: None,
    };
    assert_eq!(receive_changes(&linked.app, posted).await.unwrap().accepted, 300);
    let killed = causeway(&linked, &["--failpoint", failpoint, "serve"]).await;
    assert_eq!(killed.signal(), Some(SIGABRT), "{failpoint}: {killed:?}");

    let linked = linked.an_hour_later().await;
    linked.drain_inbox().await;
    let names: BTreeSet<String> = linked
        .records("contact")
        .await
        .into_iter()
        .map(|record| match &record.fields["last_name"] {
            FieldValue::Text(name) => name.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(names.len(), 300, "{failpoint}");
    assert_eq!(linked.records("contact").await.len(), 300, "{failpoint}");
    let backlog = read::backlog(&linked.app, linked.connection).await.unwrap();
    assert_eq!(backlog.changes, 0, "{failpoint}");
}

#[tokio::test]
async fn changes_whose_worker_was_killed_are_decided_by_the_next_process() {
    for failpoint in ["inbox.claimed", "inbox.claimed:2", "inbox.decided"] {
        Box::pin(inbox_killed_at(failpoint)).await;
    }
}

/// Leads that were posted; a process dies at a place while it writes them, another goes on. `posts`: how many leads,
/// `jobs`: how many Bulk jobs that takes in all.
async fn outbox_killed_at(failpoint: &str, posts: usize, jobs: u64) {
    const JOBS: &str = "/services/data/{version}/jobs/ingest";
    let linked = Linked::both_ways(quick_options()).await;
    let names: Vec<String> = (0..posts).map(|number| format!("N{number:04}")).collect();
    for names in names.chunks(1_000) {
        let rows: Vec<Value> = names
            .iter()
            .map(|name| json!({"fields": {"last_name": name, "company": "Acme"}}))
            .collect();
        linked.post("lead", &rows).await;
    }
    let killed = causeway(&linked, &["--failpoint", failpoint, "serve"]).await;
    assert_eq!(killed.signal(), Some(SIGABRT), "{failpoint}: {killed:?}");

    let linked = linked.an_hour_later().await;
    linked.drain_outbox().await;
    let leads = linked.rows("SELECT LastName FROM Lead ORDER BY LastName").await;
    let found: Vec<&str> = leads
        .iter()
        .map(|lead| lead["LastName"].as_str().unwrap())
        .collect();
    assert_eq!(found, names, "{failpoint}: none lost, none doubled");
    assert_eq!(linked.org.request_log().count("POST", JOBS), jobs, "{failpoint}");
    assert_eq!(linked.held().await, [], "{failpoint}");
    let records = linked.records("lead").await;
    assert!(
        records.iter().all(|record| record.salesforce_id.is_some()),
        "{failpoint}: every record knows its Salesforce record"
    );
}

#[tokio::test]
async fn writes_whose_worker_was_killed_are_ended_by_the_next_process_and_none_is_doubled() {
    for failpoint in [
        "outgoing.claimed",
        "outgoing.prepared",
        "outgoing.sent",
        "outgoing.read_back",
        "outgoing.settled",
        "outgoing.sent:2",
    ] {
        Box::pin(outbox_killed_at(failpoint, 450, 0)).await;
    }
}

#[tokio::test]
async fn a_bulk_job_whose_worker_was_killed_is_taken_over() {
    Box::pin(outbox_killed_at("bulk.created", 2_050, 2)).await;
    Box::pin(outbox_killed_at("bulk.uploaded", 2_050, 1)).await;
}
