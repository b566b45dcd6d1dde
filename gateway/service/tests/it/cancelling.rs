//! A person ends a sync: behind the batch being written, with its job in Salesforce, and with all that was applied.

use std::time::Duration;

use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, CancelError, SyncEnd};
use causeway_core::ports::Lane;
use causeway_core::ports::runs::{RunKind, RunState};
use emulated_org::Value;
use reqwest::StatusCode;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::{Gateway, problem};
use crate::linked::{Linked, quick_options};

const CONTACTS: usize = 3_000;
const JOB_ROUTE: &str = "/services/data/{version}/jobs/query/{job}";

#[tokio::test]
async fn a_sync_that_is_cancelled_ends_behind_its_batch_and_a_new_one_brings_the_rest() {
    let mut options = quick_options();
    options.batch_rows = 20;
    options.page_rows = 100;
    let linked = Linked::mapped(options, Vec::new()).await;
    let rows = (0..CONTACTS).map(|number| vec![("LastName", Value::text(format!("N{number}")))]);
    linked.org.seed("Contact", rows).unwrap();
    let run = linked.queue_sync().await;
    linked.org.faults().delay(Duration::from_millis(100));
    let (progress, mut watching) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let (end, asked) = tokio::join!(
        Box::pin(sync::run_to_end(
            &linked.app,
            linked.connection,
            run,
            &progress,
            &stop,
        )),
        async {
            watching
                .wait_for(|progress| progress.rows() >= 100)
                .await
                .unwrap();
            sync::cancel(&linked.app, linked.connection, run).await.unwrap()
        }
    );
    assert_eq!(asked.state, RunState::Cancelling);
    assert_eq!(end.unwrap(), SyncEnd::Cancelled);
    let ended = linked.run(run).await;
    assert_eq!(ended.state, RunState::Cancelled);
    assert!(ended.finished_at.is_some() && ended.pace.is_some(), "{ended:?}");
    let counted: u64 = ended.parts.iter().map(|part| part.rows).sum();
    assert!(counted >= 100 && counted < CONTACTS as u64, "{counted} rows");
    assert_eq!(linked.records("contact").await.len() as u64, counted);
    // The job of accounts was deleted when its rows were here, that of contacts since it was cancelled.
    let log = linked.org.request_log();
    assert_eq!(
        (log.count("PATCH", JOB_ROUTE), log.count("DELETE", JOB_ROUTE)),
        (1, 2)
    );
    assert_eq!(
        sync::cancel(&linked.app, linked.connection, run).await,
        Err(CancelError::Ended { run })
    );
    assert_eq!(
        linked.work_on(run).await,
        SyncEnd::Cancelled,
        "it is not begun again"
    );

    linked.org.faults().delay(Duration::ZERO);
    let next = linked.sync().await;
    assert!(next.id > run);
    assert_eq!(linked.records("contact").await.len(), CONTACTS);
}

#[tokio::test]
async fn a_run_that_waits_out_a_pause_is_cancelled_within_moments() {
    let mut options = quick_options();
    options.parked = Duration::from_secs(600);
    let linked = Linked::mapped(options, Vec::new()).await;
    let run = linked.queue_sync().await;
    linked
        .org
        .faults()
        .answer_next(1_000, 403, "REQUEST_LIMIT_EXCEEDED");
    let (progress, _) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let parked = sync::run_to_end(&linked.app, linked.connection, run, &progress, &stop);
    let (end, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(30), Box::pin(parked)),
        async {
            while linked.run(run).await.state != RunState::Running {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            sync::cancel(&linked.app, linked.connection, run).await.unwrap();
        }
    );
    assert_eq!(end.unwrap().unwrap(), SyncEnd::Cancelled);
}

#[tokio::test]
async fn over_http_a_waiting_run_is_cancelled_at_once_and_runs_are_listed_by_kind_and_state() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let connection = gateway.connection;
    let (first, second) = gateway
        .app()
        .store
        .write(Lane::Interactive, move |tx| {
            let now = chrono::Utc::now();
            // Somebody else works for this connection, so that no worker takes the runs up.
            let later = now + chrono::TimeDelta::hours(1);
            tx.hold_lease(connection, "sync", "somebody", now, later)?;
            tx.hold_lease(connection, "instant", "somebody", now, later)?;
            let mappings: Vec<_> = tx.plans(connection)?.iter().map(|plan| plan.mapping).collect();
            let first = tx.start_run(connection, RunKind::Initial, &mappings, now)?;
            let second = tx.start_run(connection, RunKind::Instant, &mappings, now)?;
            Ok((first, second))
        })
        .await
        .unwrap();
    let cancel = async |id: String| {
        gateway
            .http
            .post(format!("{}/v1/syncs/{id}/cancel", gateway.url()))
            .bearer_auth(gateway.token("partner"))
            .send()
            .await
            .unwrap()
    };
    let answer = cancel(first.to_string()).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((&body["state"], &body["done"]), (&json!("cancelled"), &json!(0)));
    assert_eq!(
        (&body["total"], &body["recordsPerSecond"], &body["finishEstimate"]),
        (&json!(null), &json!(null), &json!(null))
    );
    problem(cancel(first.to_string()).await, "sync-ended").await;
    problem(cancel("999".to_owned()).await, "sync-not-found").await;
    problem(cancel("first".to_owned()).await, "sync-not-found").await;

    let ids = async |query: &str| -> Vec<String> {
        let listed = gateway.get_json("partner", &format!("/v1/syncs?{query}")).await;
        let syncs = listed["syncs"].as_array().unwrap();
        syncs
            .iter()
            .map(|sync| sync["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids("").await, [second.to_string(), first.to_string()]);
    assert_eq!(ids("kind=initial").await, [first.to_string()]);
    assert_eq!(ids("state=queued").await, [second.to_string()]);
    assert_eq!(ids("kind=initial&state=queued").await, Vec::<String>::new());
    let wrong = gateway.get("partner", "/v1/syncs?kind=daily&state=gone").await;
    let wrong = problem(wrong, "invalid-parameters").await;
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 2);
    gateway.stop().await;
}
