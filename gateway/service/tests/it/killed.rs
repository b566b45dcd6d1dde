//! The real binary, ended without warning behind each durable step: what it did stays, what it had not done is
//! done after it, and nothing is done twice.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

use causeway::app::initial_sync::SyncEnd;
use causeway::app::read;
use causeway::app::receive::{Posted, receive_changes};
use causeway_core::ports::runs::RunState;
use causeway_core::record::FieldValue;
use emulated_org::Value;
use serde_json::json;

use crate::linked::{Linked, quick_options};

const SIGABRT: i32 = 6;

async fn causeway(linked: &Linked, arguments: &[&str]) -> ExitStatus {
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
    let rows = (0..contacts).map(|number| vec![("LastName", Value::text(format!("N{number}")))]);
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
    let (runs, _) = read::runs(&linked.app, linked.connection, None, 10)
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
