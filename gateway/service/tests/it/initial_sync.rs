//! The initial sync against the emulated org.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use causeway::app::AppOptions;
use causeway::app::administer::apply_mapping;
use causeway::app::receive::{Posted, receive_changes};
use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, SyncEnd};
use causeway_core::decide::Outcome;
use causeway_core::failure::NextStep;
use causeway_core::mapping::{MappingDocument, Scope};
use causeway_core::ports::logs::LogFilter;
use causeway_core::ports::runs::{PartProgress, Run, RunState, Watermark};
use causeway_core::record::FieldValue;
use emulated_org::{NewUser, RecordId, Value};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::linked::{Linked, documents, partner_user, quick_options};

const JOBS: &str = "/services/data/{version}/jobs/query";

fn contacts(count: usize, account: Option<RecordId>) -> impl Iterator<Item = Vec<(&'static str, Value)>> {
    (0..count).map(move |number| {
        let mut row = vec![
            ("LastName", Value::text(format!("Müller-{number}"))),
            ("Email", Value::text(format!("m{number}@example.com"))),
            (
                "Birthdate",
                Value::Date(chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap()),
            ),
        ];
        row.extend(account.map(|account| ("AccountId", Value::Id(account))));
        row
    })
}

fn small_batches() -> AppOptions {
    AppOptions {
        batch_rows: 50,
        page_rows: 400,
        ..quick_options()
    }
}

/// Every row is counted once, as one outcome or as dropped.
fn assert_rows_add_up(run: &Run) {
    for part in &run.parts {
        assert_eq!(
            part.outcomes.values().sum::<u64>() + part.dropped,
            part.rows,
            "{part:?}"
        );
        assert_eq!(part.expected, Some(part.rows), "{part:?}");
    }
}

fn outcomes(run: &Run) -> BTreeMap<Outcome, u64> {
    let mut all = BTreeMap::new();
    for (outcome, count) in run.parts.iter().flat_map(|part| &part.outcomes) {
        *all.entry(*outcome).or_default() += count;
    }
    all
}

#[tokio::test]
async fn everything_arrives_mapped_and_owned() {
    let linked = Linked::mapped(
        quick_options(),
        vec![
            partner_user("u-rep", "REP@northwind.example"),
            partner_user("u-other", "nobody@northwind.example"),
        ],
    )
    .await;
    let rep = linked
        .org
        .create_user(&NewUser {
            first_name: "Rita".to_owned(),
            last_name: "Rep".to_owned(),
            username: "rep@northwind.example".to_owned(),
            is_active: true,
        })
        .unwrap();
    let accounts = linked
        .org
        .seed(
            "Account",
            [
                vec![("Name", Value::text("Owned")), ("OwnerId", Value::Id(rep))],
                vec![("Name", Value::text("Defaulted"))],
            ],
        )
        .unwrap();
    linked
        .org
        .seed("Contact", contacts(3, accounts.first().copied()))
        .unwrap();
    linked
        .org
        .seed(
            "Opportunity",
            [vec![
                ("Name", Value::text("Deal")),
                ("StageName", Value::text("Prospecting")),
                (
                    "CloseDate",
                    Value::Date(chrono::NaiveDate::from_ymd_opt(2026, 12, 24).unwrap()),
                ),
                ("Amount", Value::Number("1100.04".parse().unwrap())),
            ]],
        )
        .unwrap();

    let run = linked.sync().await;
    assert_eq!(run.state, RunState::Completed);
    assert_rows_add_up(&run);
    assert_eq!(outcomes(&run), BTreeMap::from([(Outcome::Created, 6)]));

    let accounts = linked.records("account").await;
    let owners: BTreeMap<String, String> = accounts
        .iter()
        .map(|record| match &record.fields["name"] {
            FieldValue::Text(name) => (name.clone(), record.owner.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(owners["Owned"], "u-rep");
    assert_eq!(owners["Defaulted"], "u-default");

    let contacts = linked.records("contact").await;
    assert_eq!(contacts.len(), 3);
    let owned = accounts.iter().find(|record| record.owner == "u-rep").unwrap();
    for contact in &contacts {
        assert_eq!(
            contact.fields["account"],
            FieldValue::Reference(owned.salesforce_id.unwrap())
        );
        assert_eq!(
            contact.fields["birthday"],
            FieldValue::Date(chrono::NaiveDate::from_ymd_opt(1970, 1, 1).unwrap())
        );
    }
    let deals = linked.records("deal").await;
    assert_eq!(
        deals[0].fields["amount"],
        FieldValue::Number("1100.04".parse().unwrap())
    );

    let page = causeway::app::read::records(
        &linked.app,
        linked.connection,
        "contact",
        causeway_core::ports::records::RecordFilter::default(),
        None,
        2,
    )
    .await
    .unwrap();
    assert!(page.more);
    assert_eq!(
        page.references.find(owned.salesforce_id.unwrap()),
        Some(("account", owned.id))
    );
}

#[tokio::test]
async fn a_second_sync_confirms_and_moves_nothing() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    linked.org.seed("Contact", contacts(120, None)).unwrap();
    linked.sync().await;
    let before = linked.feed().await;
    let run = linked.sync().await;
    assert_rows_add_up(&run);
    assert_eq!(
        outcomes(&run).get(&Outcome::Confirmed).copied().unwrap_or(0)
            + run.parts.iter().map(|part| part.dropped).sum::<u64>(),
        120
    );
    assert_eq!(linked.feed().await, before);
}

/// Works on the run until `rows` rows are durable, then stops.
async fn stop_after(linked: &Linked, run: causeway_core::id::RunId, rows: u64) -> SyncEnd {
    let (progress, mut watching) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let watcher = tokio::spawn(async move {
        if watching
            .wait_for(|progress| progress.rows() >= rows)
            .await
            .is_ok()
        {
            stopping.cancel();
        }
    });
    let end = Box::pin(sync::run_once(
        &linked.app,
        linked.connection,
        run,
        &progress,
        &stop,
    ))
    .await
    .unwrap();
    watcher.abort();
    end
}

#[tokio::test]
async fn a_run_that_was_stopped_goes_on_where_it_was() {
    let linked = Linked::mapped(small_batches(), Vec::new()).await;
    let seeded = linked.org.seed("Contact", contacts(1_500, None)).unwrap();
    let run = linked.queue_sync().await;
    for rows in [100, 450, 800, 1_200] {
        assert_eq!(stop_after(&linked, run, rows).await, SyncEnd::Stopped);
        let state = linked.run(run).await;
        assert_eq!(state.state, RunState::Running);
        let contacts = state.parts.iter().map(|part| part.rows).sum::<u64>();
        assert_eq!(
            linked.records("contact").await.len() as u64,
            contacts,
            "what is durable is what is counted"
        );
    }
    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    let state = linked.run(run).await;
    assert_rows_add_up(&state);
    assert_eq!(outcomes(&state), BTreeMap::from([(Outcome::Created, 1_500)]));
    let arrived: BTreeSet<String> = linked
        .records("contact")
        .await
        .iter()
        .map(|record| record.salesforce_id.unwrap().to_string())
        .collect();
    assert_eq!(arrived, seeded.iter().map(|id| id.as_str().to_owned()).collect());
    // One job for each mapped object: what was stopped went on with the same one.
    assert_eq!(linked.org.request_log().count("POST", JOBS), 3);
}

#[tokio::test]
async fn a_job_that_vanished_is_made_anew_and_nothing_is_doubled() {
    let linked = Linked::mapped(small_batches(), Vec::new()).await;
    linked.org.seed("Contact", contacts(900, None)).unwrap();
    let run = linked.queue_sync().await;
    assert_eq!(stop_after(&linked, run, 300).await, SyncEnd::Stopped);
    let state = linked.run(run).await;
    let job = state
        .parts
        .iter()
        .find_map(|part| match &part.progress {
            PartProgress::Reading { job, .. } => Some(job.clone()),
            _ => None,
        })
        .unwrap();
    linked.salesforce().await.delete_query_job(&job).await.unwrap();

    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    let state = linked.run(run).await;
    assert_rows_add_up(&state);
    assert_eq!(linked.records("contact").await.len(), 900);
    assert_eq!(state.parts.iter().map(|part| part.rows).sum::<u64>(), 900);
}

#[tokio::test]
async fn only_the_watermark_is_set_where_history_stays_behind() {
    let linked = Linked::start(quick_options(), Vec::new()).await;
    let document = MappingDocument {
        scope: Scope::FutureOnly,
        ..documents().remove(1)
    };
    linked.map(&document).await;
    linked.org.seed("Contact", contacts(10, None)).unwrap();
    let run = linked.sync().await;
    assert_eq!(run.parts[0].rows, 0);
    assert!(linked.records("contact").await.is_empty());
    assert_eq!(linked.org.request_log().count("POST", JOBS), 0);
    let (connection, mapping) = (linked.connection, run.parts[0].mapping);
    let watermark = linked
        .app
        .store
        .read(move |tx| tx.watermark(connection, mapping, Watermark::Changes))
        .await
        .unwrap();
    assert!(watermark.is_some());
}

#[tokio::test]
async fn rows_that_cannot_cross_are_held_with_their_reason_and_the_rest_arrives() {
    let linked = Linked::start(quick_options(), Vec::new()).await;
    let mut document = documents().remove(1);
    document.fields[0].max_length = Some(10);
    linked.map(&document).await;
    linked.org.seed("Contact", contacts(1_200, None)).unwrap();
    let run = linked.sync().await;
    assert_rows_add_up(&run);
    // `Müller-100` has ten characters, `Müller-1000` eleven.
    assert_eq!(
        outcomes(&run),
        BTreeMap::from([(Outcome::Created, 1_000), (Outcome::Held, 200)])
    );
    let (held, more) = causeway::app::read::held(&linked.app, linked.connection, None, 1_000)
        .await
        .unwrap();
    assert_eq!((held.len(), more), (200, false));
    assert!(held[0].held.reason.summary().contains("last_name"));
    let (logs, _) = causeway::app::read::logs(
        &linked.app,
        linked.connection,
        LogFilter {
            run: Some(run.id),
            ..LogFilter::default()
        },
        None,
        1_000,
    )
    .await
    .unwrap();
    let pages = logs.iter().filter(|log| log.entry.object == "*").count();
    assert_eq!((logs.len() - pages, pages), (200, 1));
}

#[tokio::test]
async fn newer_news_that_was_pushed_is_not_overwritten() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let ids = linked.org.seed("Contact", contacts(5, None)).unwrap();
    let ahead = |seconds| (chrono::Utc::now() + chrono::TimeDelta::seconds(seconds)).to_rfc3339();
    let row = json!({
        "object": "Contact", "operation": "update", "id": ids[0].as_str(),
        "systemModstamp": ahead(60), "observedAt": ahead(61),
        "fields": {"LastName": "Pushed", "Email": null, "Birthdate": null, "AccountId": null},
    });
    let posted = Posted {
        connection: linked.connection,
        client: "pump".to_owned(),
        organization: linked.org.organization_id().as_str().to_owned(),
        changes: vec![row.to_string()],
        idempotency: None,
    };
    assert_eq!(receive_changes(&linked.app, posted).await.unwrap().accepted, 1);
    linked.drain_inbox().await;
    let run = linked.sync().await;
    assert_eq!(run.parts.iter().map(|part| part.dropped).sum::<u64>(), 1);
    let pushed = linked
        .records("contact")
        .await
        .into_iter()
        .find(|record| record.salesforce_id.unwrap().as_str() == ids[0].as_str())
        .unwrap();
    assert_eq!(pushed.fields["last_name"], FieldValue::Text("Pushed".to_owned()));
}

#[tokio::test]
async fn an_expired_token_in_the_middle_is_no_matter() {
    let linked = Linked::mapped(small_batches(), Vec::new()).await;
    linked.org.seed("Contact", contacts(1_000, None)).unwrap();
    let run = linked.queue_sync().await;
    assert_eq!(stop_after(&linked, run, 100).await, SyncEnd::Stopped);
    linked.org.faults().expire_all_tokens();
    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    assert_eq!(linked.records("contact").await.len(), 1_000);
}

#[tokio::test]
async fn a_used_up_allowance_parks_the_run_and_it_goes_on_later() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    linked.org.seed("Contact", contacts(10, None)).unwrap();
    let run = linked.queue_sync().await;
    linked.org.set_daily_api_limit(1);
    match linked.work_on(run).await {
        SyncEnd::Passing { policy, .. } => assert_eq!(policy.next, NextStep::Park),
        other => panic!("{other:?}"),
    }
    assert_eq!(linked.run(run).await.state, RunState::Running);
    linked.org.set_daily_api_limit(100_000);
    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    assert_eq!(linked.records("contact").await.len(), 10);
}

#[tokio::test]
async fn what_a_person_must_mend_fails_the_run_with_the_advice() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let run = linked.queue_sync().await;
    linked.salesforce().await.server_time().await.unwrap();
    linked.org.faults().answer_next(50, 403, "API_DISABLED_FOR_ORG");
    let SyncEnd::Failed { error } = linked.work_on(run).await else {
        panic!("the run did not fail");
    };
    assert!(error.contains("API_DISABLED_FOR_ORG"), "{error}");
    let state = linked.run(run).await;
    assert_eq!(state.state, RunState::Failed);
    assert_eq!(state.error, Some(error));
    linked.org.faults().clear();
    let next = linked.queue_sync().await;
    assert_ne!(next, run, "a failed run does not stand in the way of the next");
}

#[tokio::test]
async fn two_workers_never_sync_one_connection_together() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    linked.org.seed("Contact", contacts(50, None)).unwrap();
    let run = linked.queue_sync().await;
    assert_eq!(linked.queue_sync().await, run, "an unfinished run is returned");
    linked.org.faults().delay(Duration::from_millis(30));
    let (first, second) = tokio::join!(linked.work_on(run), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        linked.work_on(run).await
    });
    assert_eq!((first, second), (SyncEnd::Completed, SyncEnd::Elsewhere));
    assert_eq!(linked.records("contact").await.len(), 50);
}

#[tokio::test]
async fn the_same_document_makes_no_new_revision_and_a_changed_one_does() {
    let linked = Linked::start(quick_options(), Vec::new()).await;
    let mut document = documents().remove(0);
    let first = apply_mapping(&linked.app, linked.connection, &document)
        .await
        .unwrap();
    let again = apply_mapping(&linked.app, linked.connection, &document)
        .await
        .unwrap();
    assert!(first.changed && !again.changed);
    assert_eq!(again.revision, first.revision);
    document.fields.pop();
    let changed = apply_mapping(&linked.app, linked.connection, &document)
        .await
        .unwrap();
    assert!(changed.changed);
    assert_eq!(
        (changed.mapping, changed.revision.0),
        (first.mapping, first.revision.0 + 1)
    );
}

#[tokio::test]
async fn a_mapping_that_changes_in_the_middle_is_read_anew_under_its_new_plan() {
    let linked = Linked::start(small_batches(), Vec::new()).await;
    let mut document = documents().remove(1);
    let last = document.fields.remove(1);
    linked.map(&document).await;
    linked.org.seed("Contact", contacts(900, None)).unwrap();
    let run = linked.queue_sync().await;
    assert_eq!(stop_after(&linked, run, 300).await, SyncEnd::Stopped);
    document.fields.push(last);
    linked.map(&document).await;
    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    assert_rows_add_up(&linked.run(run).await);
    let records = linked.records("contact").await;
    assert_eq!(records.len(), 900);
    assert!(
        records
            .iter()
            .all(|record| matches!(record.fields["email"], FieldValue::Text(_))),
        "records read before the change have the new field too"
    );
}

#[tokio::test]
async fn a_mapping_that_changes_while_its_pages_are_applied_is_read_anew_at_once() {
    let linked = Linked::start(small_batches(), Vec::new()).await;
    let mut document = documents().remove(1);
    let last = document.fields.remove(1);
    linked.map(&document).await;
    linked.org.seed("Contact", contacts(4_000, None)).unwrap();
    let run = linked.queue_sync().await;
    let (progress, mut watching) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let (end, ()) = tokio::join!(
        Box::pin(sync::run_once(
            &linked.app,
            linked.connection,
            run,
            &progress,
            &stop
        )),
        async {
            watching
                .wait_for(|progress| progress.rows() >= 200)
                .await
                .unwrap();
            document.fields.push(last);
            linked.map(&document).await;
        }
    );
    assert_eq!(end.unwrap(), SyncEnd::Completed);
    assert_rows_add_up(&linked.run(run).await);
    let records = linked.records("contact").await;
    assert_eq!(records.len(), 4_000);
    assert!(
        records
            .iter()
            .all(|record| matches!(record.fields["email"], FieldValue::Text(_)))
    );
}
