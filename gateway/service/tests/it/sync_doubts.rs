//! The initial sync where something is not as it should be: another plan, another org, another worker, less than
//! was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use causeway::app::AppOptions;
use causeway::app::administer::{
    ConnectionSettings, MappingError, add_connection, apply_mapping, match_connection_users,
};
use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, SyncEnd};
use causeway::workers::{self, WorkerOptions};
use causeway_core::decide::{ChangeSource, Incoming, Snapshot};
use causeway_core::id::{ConnectionId, InboxId, MappingId, RunId, SalesforceId};
use causeway_core::mapping::MappingDocument;
use causeway_core::mapping::literal;
use causeway_core::ports::Lane;
use causeway_core::ports::connections::Environment;
use causeway_core::ports::logs::LogFilter;
use causeway_core::ports::runs::{PartProgress, RunKind, RunPart, RunState};
use causeway_core::record::FieldValue;
use causeway_core::units::salesforce_news::{News, apply};
use causeway_core::units::{Setting, directory};
use causeway_core::version::SalesforceVersion;
use emulated_org::{EmulatedOrg, Options, RecordId, Value};
use secrecy::SecretString;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::linked::{CONSUMER_KEY, Linked, documents, key_pair, partner_user, quick_options};

const JOBS: &str = "/services/data/{version}/jobs/query";

fn small_batches() -> AppOptions {
    AppOptions {
        batch_rows: 50,
        page_rows: 400,
        ..quick_options()
    }
}

fn contact_document() -> MappingDocument {
    documents().remove(1)
}

fn seed_contacts(org: &EmulatedOrg, count: usize) -> Vec<RecordId> {
    let rows = (0..count).map(|number| {
        vec![
            ("LastName", Value::text(format!("N{number}"))),
            ("Email", Value::text(format!("n{number}@example.com"))),
        ]
    });
    org.seed("Contact", rows).unwrap()
}

/// Works on the run until `rows` rows are durable, then stops.
async fn stop_after(linked: &Linked, run: RunId, rows: u64) {
    let (progress, mut watching) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let (end, ()) = tokio::join!(
        Box::pin(sync::run_once(
            &linked.app,
            linked.connection,
            run,
            &progress,
            &stop,
        )),
        async {
            watching
                .wait_for(|progress| progress.rows() >= rows)
                .await
                .unwrap();
            stop.cancel();
        }
    );
    assert_eq!(end.unwrap(), SyncEnd::Stopped);
}

/// The one part of a run.
async fn part(linked: &Linked, run: RunId) -> RunPart {
    linked.run(run).await.parts.remove(0)
}

async fn organization(linked: &Linked) -> Option<SalesforceId> {
    let connection = linked.connection;
    linked
        .app
        .store
        .read(move |tx| tx.connection(connection))
        .await
        .unwrap()
        .unwrap()
        .organization
}

#[tokio::test]
async fn rows_decided_under_an_old_plan_are_decided_again_when_a_stopped_run_goes_on() {
    let linked = Linked::start(small_batches(), Vec::new()).await;
    let mut document = contact_document();
    linked.map(&document).await;
    seed_contacts(&linked.org, 900);
    let run = linked.queue_sync().await;
    stop_after(&linked, run, 300).await;
    // The job has every column that the new plan needs, and one more.
    document.fields.retain(|field| field.partner != "email");
    linked.map(&document).await;

    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    let records = linked.records("contact").await;
    assert_eq!(records.len(), 900);
    assert!(records.iter().all(|record| !record.fields.contains_key("email")));
    assert_eq!(part(&linked, run).await.rows, 900);
    assert_eq!(linked.org.request_log().count("POST", JOBS), 2);
}

#[tokio::test]
async fn a_mapping_keeps_its_salesforce_object() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let other = MappingDocument {
        salesforce_object: "Lead".to_owned(),
        ..contact_document()
    };
    match Box::pin(apply_mapping(&linked.app, linked.connection, &other)).await {
        Err(MappingError::Problems(problems)) => {
            assert_eq!(problems.len(), 1);
            assert_eq!(problems[0].at, "salesforceObject");
            assert!(
                problems[0].message.contains("another partnerObject"),
                "{}",
                problems[0]
            );
        }
        other => panic!("{other:?}"),
    }
    let spelled = MappingDocument {
        salesforce_object: "contact".to_owned(),
        ..contact_document()
    };
    let applied = Box::pin(apply_mapping(&linked.app, linked.connection, &spelled))
        .await
        .unwrap();
    assert_eq!(applied.salesforce_object, "Contact");
}

#[tokio::test]
async fn what_records_are_recognised_by_changes_only_while_there_are_none() {
    let linked = Linked::start(quick_options(), Vec::new()).await;
    let by = |identity: Option<&str>| MappingDocument {
        identity: identity.map(str::to_owned),
        ..contact_document()
    };
    let applied =
        async |identity| Box::pin(apply_mapping(&linked.app, linked.connection, &by(identity))).await;
    applied(None).await.unwrap();
    applied(Some("last_name")).await.unwrap();
    assert!(applied(Some("email")).await.unwrap().changed);
    seed_contacts(&linked.org, 3);
    linked.sync().await;
    for identity in [None, Some("last_name")] {
        match applied(identity).await {
            Err(MappingError::Problems(problems)) => {
                assert_eq!((problems.len(), problems[0].at.as_str()), (1, "identity"));
                for words in ["3 records", "`email` (Email)", "another partnerObject"] {
                    assert!(problems[0].message.contains(words), "{}", problems[0]);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    // What else a mapping says may change, and what is refused leaves no trace.
    let mut other = by(Some("email"));
    other.keep_owner_on_update = !other.keep_owner_on_update;
    let applied = Box::pin(apply_mapping(&linked.app, linked.connection, &other))
        .await
        .unwrap();
    assert!(applied.changed && applied.revision.0 == 4, "{applied:?}");
}

#[tokio::test]
async fn a_login_that_answers_for_another_org_changes_nothing_and_says_what_to_do() {
    let linked = Linked::mapped(quick_options(), vec![partner_user("u", "u@acme.example")]).await;
    seed_contacts(&linked.org, 5);
    let (connection, before) = (linked.connection, SalesforceId::parse("00D000000000999").unwrap());
    linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.set_org(connection, before, "https://before.my.salesforce.com")
        })
        .await
        .unwrap();

    let run = linked.queue_sync().await;
    let SyncEnd::Failed { error } = linked.work_on(run).await else {
        panic!("the run did not fail");
    };
    let answered = linked.org.organization_id();
    assert_eq!(
        error,
        format!(
            "this connection belongs to org {before}, but the login answers for org {}; add a new connection for it",
            answered.as_str()
        )
    );
    assert_eq!(linked.run(run).await.error, Some(error.clone()));
    let mut document = contact_document();
    document.fields.pop();
    let refused = Box::pin(apply_mapping(&linked.app, connection, &document)).await;
    assert_eq!(refused.unwrap_err().to_string(), error);
    let refused = Box::pin(match_connection_users(&linked.app, connection)).await;
    assert_eq!(refused.unwrap_err().to_string(), error);
    assert_eq!(organization(&linked).await, Some(before));
    assert!(linked.records("contact").await.is_empty());
}

#[tokio::test]
async fn a_worker_that_was_overtaken_does_not_fail_the_run() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let run = linked.queue_sync().await;
    linked.salesforce().await.server_time().await.unwrap();
    linked.org.faults().delay(Duration::from_millis(400));
    linked.org.faults().answer_next(50, 403, "API_DISABLED_FOR_ORG");
    let (end, ()) = tokio::join!(linked.work_on(run), async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(linked.run(run).await.state, RunState::Running);
        let connection = linked.connection;
        let later = linked.app.clock.now() + chrono::TimeDelta::hours(1);
        let fence = linked
            .app
            .store
            .write(Lane::Interactive, move |tx| {
                tx.hold_lease(connection, "sync", "the next", later, later)
            })
            .await
            .unwrap();
        assert!(fence.is_some());
    });
    assert_eq!(end, SyncEnd::Elsewhere);
    let state = linked.run(run).await;
    assert_eq!((state.state, state.error), (RunState::Running, None));
}

#[tokio::test]
async fn what_the_store_will_never_do_fails_the_run() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let (connection, at) = (linked.connection, linked.app.clock.now());
    let run = linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.start_run(connection, RunKind::Initial, &[MappingId(999)], at)
        })
        .await
        .unwrap();
    let SyncEnd::Failed { error } = linked.work_on(run).await else {
        panic!("the run did not fail");
    };
    assert!(error.contains("mapping 999"), "{error}");
    assert_eq!(linked.run(run).await.state, RunState::Failed);
}

#[tokio::test]
async fn a_part_with_fewer_rows_than_its_job_found_starts_over() {
    let linked = Linked::start(small_batches(), Vec::new()).await;
    linked.map(&contact_document()).await;
    seed_contacts(&linked.org, 600);
    let run = linked.queue_sync().await;
    stop_after(&linked, run, 100).await;
    // As if twenty rows of the first page had been skipped.
    let mut reached = part(&linked, run).await;
    reached.rows -= 20;
    let connection = linked.connection;
    linked
        .app
        .store
        .write(Lane::Bulk, move |tx| tx.save_part(connection, run, &reached))
        .await
        .unwrap();

    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    let done = part(&linked, run).await;
    assert_eq!((done.rows, done.expected), (600, Some(600)));
    assert_eq!(linked.org.request_log().count("POST", JOBS), 2);
}

#[tokio::test]
async fn every_page_is_logged_also_one_whose_last_rows_were_read_again() {
    let linked = Linked::start(small_batches(), Vec::new()).await;
    linked.map(&contact_document()).await;
    // The last batch of the last page is not full, so it ends the page.
    let ids = seed_contacts(&linked.org, 910);
    let run = linked.queue_sync().await;
    stop_after(&linked, run, 100).await;
    let PartProgress::Reading { watermark, .. } = part(&linked, run).await.progress else {
        panic!("nothing is read");
    };
    let last = SalesforceId::parse(ids.last().unwrap().as_str()).unwrap();
    know_otherwise(&linked, last, watermark).await;

    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    let found = linked
        .records("contact")
        .await
        .into_iter()
        .find(|record| record.salesforce_id == Some(last));
    assert_eq!(
        found.unwrap().fields["last_name"],
        FieldValue::Text("N909".to_owned()),
        "the fresh reading decides"
    );
    let filter = LogFilter {
        run: Some(run),
        ..LogFilter::default()
    };
    let (logs, _) = causeway::app::read::logs(&linked.app, linked.connection, filter, None, 1_000)
        .await
        .unwrap();
    assert_eq!(logs.iter().filter(|log| log.entry.object == "*").count(), 3);
}

/// Makes the gateway know other content of a record, under the very version that the run will read.
async fn know_otherwise(linked: &Linked, id: SalesforceId, observed: causeway_core::Instant) {
    let salesforce = linked.salesforce().await;
    let read = salesforce
        .retrieve("Contact", &[id], &["Id", "SystemModstamp"])
        .await
        .unwrap();
    let modstamp = read.records[0].as_ref().unwrap()["SystemModstamp"]
        .as_str()
        .unwrap();
    let version = SalesforceVersion {
        modstamp: literal::date_time(modstamp).unwrap(),
        observed,
    };
    let (connection, at) = (linked.connection, linked.app.clock.now());
    let applied = linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            let plan = Arc::clone(&tx.plans(connection)?[0]);
            let owners = directory(&[]);
            let snapshot = Snapshot::read(&plan, id, version, None, |_field| {
                Some(Ok(FieldValue::Text("other".to_owned())))
            });
            let setting = Setting {
                connection,
                plan: &plan,
                owners: &owners,
                at,
                lane: Lane::Bulk,
            };
            let news = News {
                incoming: Incoming::Present(Snapshot {
                    fields: [("LastName".to_owned(), FieldValue::Text("other".to_owned()))].into(),
                    ..snapshot
                }),
                source: ChangeSource::Push { inbox: InboxId(1) },
            };
            apply(tx, &setting, &[news])
        })
        .await
        .unwrap();
    assert_eq!(applied.outcomes.values().sum::<u64>(), 1, "{applied:?}");
}

async fn connect(
    linked: &Linked,
    login_url: &str,
    username: &str,
    private_key: SecretString,
) -> ConnectionId {
    let settings = ConnectionSettings {
        tenant: "other".to_owned(),
        name: "other".to_owned(),
        environment: Environment::Sandbox,
        login_url: login_url.to_owned(),
        consumer_key: CONSUMER_KEY.to_owned(),
        username: username.to_owned(),
        private_key,
        api_version: "67.0".to_owned(),
        daily_calls: None,
        clients: Vec::new(),
        users: Vec::new(),
    };
    add_connection(&linked.app, settings).await.unwrap()
}

/// A second connection of the same gateway, to an org of its own.
async fn second_connection(linked: &Linked) -> (EmulatedOrg, ConnectionId) {
    let org = EmulatedOrg::start(Options::default()).await.unwrap();
    let (private_key, public_key) = key_pair();
    org.register_app(emulated_org::App::pre_authorized(CONSUMER_KEY, public_key))
        .unwrap();
    let connection = connect(linked, org.url(), org.admin_username(), private_key).await;
    Box::pin(apply_mapping(&linked.app, connection, &contact_document()))
        .await
        .unwrap();
    (org, connection)
}

#[tokio::test]
async fn a_run_that_waits_keeps_no_other_connection_waiting() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let (other, connection) = second_connection(&linked).await;
    seed_contacts(&linked.org, 10);
    other.set_daily_api_limit(1);
    let parked = sync::start(&linked.app, connection, RunKind::Initial, Vec::new())
        .await
        .unwrap();
    let options = WorkerOptions {
        syncs: 1,
        ..WorkerOptions::default()
    };
    let workers = workers::start(Arc::clone(&linked.app), options).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let run = linked.queue_sync().await;
    for _ in 0..500 {
        if linked.run(run).await.state == RunState::Completed {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(linked.run(run).await.state, RunState::Completed);
    let waiting = linked
        .app
        .store
        .read(move |tx| tx.run(connection, parked))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(waiting.state, RunState::Running);
    workers.stop().await;
    other.stop().await;
}

/// Answers as an org whose query jobs find three rows and whose results have two.
async fn short_of_a_row(request: HttpRequest, made: web::Data<AtomicU32>) -> HttpResponse {
    let url = format!("http://{}", request.connection_info().host());
    let path = request.path();
    if path.ends_with("/token") {
        return HttpResponse::Ok().json(json!({
            "access_token": "00D000000000001!token",
            "instance_url": url,
            "id": format!("{url}/id/00D000000000001/005000000000001"),
        }));
    }
    if path.ends_with("/describe") {
        let field =
            |name: &str, kind: &str| json!({"name": name, "type": kind, "length": 80, "nillable": true});
        return HttpResponse::Ok().json(json!({"name": "Contact", "fields": [
            field("Id", "id"), field("LastName", "string"), field("SystemModstamp", "datetime"),
        ]}));
    }
    if path.ends_with("/query") && request.method() == Method::POST {
        made.fetch_add(1, Ordering::SeqCst);
        return HttpResponse::Ok().json(json!({"id": "750000000000001", "state": "UploadComplete"}));
    }
    if path.ends_with("/results") {
        return HttpResponse::Ok()
            .insert_header(("Sforce-NumberOfRecords", "2"))
            .insert_header(("Sforce-Locator", "null"))
            .body(
                "Id,LastName,SystemModstamp\n\
                 003000000000001,Ann,2026-11-22T06:04:37.000Z\n\
                 003000000000002,Bob,2026-11-22T06:04:37.000Z\n",
            );
    }
    if path.contains("/jobs/query/") {
        return HttpResponse::Ok().json(json!({
            "id": "750000000000001", "state": "JobComplete", "numberRecordsProcessed": 3,
        }));
    }
    HttpResponse::Ok().json(json!({"totalSize": 0, "done": true, "records": []}))
}

#[tokio::test]
async fn results_that_stay_incomplete_fail_the_run_and_are_never_taken_for_all() {
    let made = web::Data::new(AtomicU32::new(0));
    let counted = web::Data::clone(&made);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&counted))
            .default_service(web::to(short_of_a_row))
    })
    .workers(1)
    .disable_signals()
    .bind("127.0.0.1:0")
    .unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    let serving = tokio::spawn(server);

    let linked = Linked::start(quick_options(), Vec::new()).await;
    let connection = connect(&linked, &url, "sync@acme.example", key_pair().0).await;
    let mut document = contact_document();
    document.fields.retain(|field| field.partner == "last_name");
    Box::pin(apply_mapping(&linked.app, connection, &document))
        .await
        .unwrap();
    let run = sync::start(&linked.app, connection, RunKind::Initial, Vec::new())
        .await
        .unwrap();
    let (progress, _) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let end = Box::pin(sync::run_once(&linked.app, connection, run, &progress, &stop))
        .await
        .unwrap();
    let SyncEnd::Failed { error } = end else {
        panic!("{end:?}");
    };
    assert!(
        error.contains("the query job of Contact found 3 rows, but its results had 2"),
        "{error}"
    );
    assert_eq!(made.load(Ordering::SeqCst), 3);
    handle.stop(true).await;
    serving.await.unwrap().unwrap();
}
