//! Linked records carry the partner record's id in Salesforce, also those that were there first.

use std::path::PathBuf;
use std::time::Duration;

use causeway::app::budget;
use causeway::app::package;
use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, SyncEnd};
use causeway::app::{App, AppOptions};
use causeway_core::decide::Outcome;
use causeway_core::mapping::{Direction, MappingDocument, SyncRule};
use causeway_core::ports::links::HistoryEntry;
use causeway_core::ports::logs::{LogEntry, LogFilter};
use causeway_core::ports::runs::{Run, RunKind};
use emulated_org::access::{FieldPermission, PermissionSetDefinition};
use emulated_org::automation::{RuleDefinition, Then};
use emulated_org::{Deed, Options, RecordId, Value};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::killed::causeway;
use crate::linked::{Linked, quick_options};

const WRITES: &str = "/services/data/{version}/composite/sobjects";
const JOBS: &str = "/services/data/{version}/jobs/ingest";

/// The package's own fields, without its code.
fn metadata() -> Options {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/metadata");
    Options {
        sfdx_source: vec![PathBuf::from(folder)],
        ..Options::default()
    }
}

fn document() -> MappingDocument {
    serde_json::from_value(json!({
        "partnerObject": "contact", "salesforceObject": "Contact", "direction": "salesforceToPartner",
        "defaultOwner": "u-default", "externalId": "Partner_Id__c", "markLinked": true,
        "lastWritten": "Last_Synced__c",
        "fields": [{"partner": "last_name", "type": "Text", "salesforce": "LastName", "required": true}],
    }))
    .unwrap()
}

async fn started(options: AppOptions) -> Linked {
    let linked = Linked::start_on(metadata(), options, Vec::new()).await;
    linked.map(&document()).await;
    linked
}

fn seed(linked: &Linked, contacts: usize) -> Vec<RecordId> {
    let rows = (0..contacts).map(|number| vec![("LastName", Value::text(format!("N{number}")))]);
    linked.org.seed("Contact", rows).unwrap()
}

/// What the package's list view shows: contacts whose Partner Id is not empty.
async fn marked(linked: &Linked) -> usize {
    let soql = "SELECT Id FROM Contact WHERE Partner_Id__c != null AND Last_Synced__c != null";
    linked.rows(soql).await.len()
}

/// Each marked contact carries the number of its own partner record.
async fn assert_own_ids(linked: &Linked) {
    let rows = linked
        .rows("SELECT Id, Partner_Id__c FROM Contact WHERE Partner_Id__c != null")
        .await;
    let records = linked.records("contact").await;
    for row in rows {
        let own = records
            .iter()
            .find(|record| record.salesforce_id.map(|id| id.to_string()).as_deref() == row["Id"].as_str())
            .unwrap();
        let expected = format!("cw-{}-{}", linked.connection, own.id);
        assert_eq!(row["Partner_Id__c"], expected);
    }
}

fn writes(linked: &Linked) -> u64 {
    let log = linked.org.request_log();
    log.count("PATCH", WRITES) + log.count("POST", JOBS)
}

async fn history(linked: &Linked, record: causeway_core::id::RecordId) -> Vec<HistoryEntry> {
    let connection = linked.connection;
    linked
        .app
        .store
        .read(move |tx| tx.history(connection, record, 100))
        .await
        .unwrap()
}

async fn failed_logs(linked: &Linked) -> Vec<LogEntry> {
    let connection = linked.connection;
    let filter = LogFilter {
        failed: true,
        ..LogFilter::default()
    };
    linked
        .app
        .store
        .read(move |tx| tx.logs(connection, &filter, None, 1_000))
        .await
        .unwrap()
}

/// From now on the gateway's user has the rights of an ordinary user, who may edit the external id or not.
fn editable(linked: &Linked, editable: bool) {
    let field = |name: &str, editable| FieldPermission {
        field: format!("Contact.{name}"),
        readable: true,
        editable,
    };
    let definition = PermissionSetDefinition {
        field_permissions: vec![field("Partner_Id__c", editable), field("Last_Synced__c", true)],
        ..PermissionSetDefinition::default()
    };
    let org = linked.org.org();
    org.add_profile("Standard User", &definition).unwrap();
    org.set_profile(linked.org.admin_username(), "Standard User")
        .unwrap();
}

fn changed(run: &Run) -> u64 {
    let of = |outcome| {
        let parts = run.parts.iter();
        parts.filter_map(|part| part.outcomes.get(&outcome)).sum::<u64>()
    };
    of(Outcome::Created) + of(Outcome::Updated) + of(Outcome::Held) + of(Outcome::Deleted)
}

#[tokio::test]
async fn after_the_first_sync_every_contact_carries_its_id_and_what_comes_back_of_it_changes_nothing() {
    let linked = started(quick_options()).await;
    seed(&linked, 450);
    linked.sync().await;
    assert_eq!(marked(&linked).await, 450);
    assert_own_ids(&linked).await;
    assert_eq!(writes(&linked), 3, "collections of 200");
    let feed = linked.feed().await;
    let before = history(&linked, feed[0].id).await;

    for kind in [RunKind::Instant, RunKind::Reconcile, RunKind::Initial] {
        let run = linked.sync_kind(kind).await;
        assert_eq!(changed(&run), 0, "{run:?}");
        assert_eq!(linked.feed().await, feed, "{kind:?}: no new positions");
        assert_eq!(writes(&linked), 3, "{kind:?} writes nothing");
    }
    assert_eq!(history(&linked, feed[0].id).await, before);
    assert!(linked.held().await.is_empty());

    // What is linked later is marked by the next instant sync.
    seed(&linked, 3);
    linked.sync_kind(RunKind::Instant).await;
    assert_eq!(marked(&linked).await, 453);
    assert_own_ids(&linked).await;
}

#[tokio::test]
async fn every_write_of_the_gateway_says_when_it_was() {
    let linked = Linked::start_on(metadata(), quick_options(), Vec::new()).await;
    let mut both = document();
    both.direction = Direction::Both;
    both.salesforce_default_owner = Some(linked.admin().await);
    both.fields[0].rule = SyncRule::MostRecent;
    linked.map(&both).await;
    let number = linked
        .post("contact", &[json!({"fields": {"last_name": "New"}})])
        .await[0];
    linked.drain_outbox().await;
    let read = async || {
        let rows = linked
            .rows("SELECT LastName, Partner_Id__c, Last_Synced__c FROM Contact")
            .await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(rows[0]["Partner_Id__c"].is_string(), "{rows:?}");
        let at = rows[0]["Last_Synced__c"].as_str().unwrap();
        (rows[0]["LastName"].clone(), at.to_owned())
    };
    let (_, made) = read().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let edit = json!({"id": number.to_string(), "fields": {"last_name": "Newer"}});
    linked.post("contact", &[edit]).await;
    linked.drain_outbox().await;
    let (name, edited) = read().await;
    assert_eq!(name, "Newer");
    assert!(edited > made, "{edited} {made}");
    // Neither is a write that the gateway would answer with another.
    linked.sync_kind(RunKind::Instant).await;
    linked.drain_outbox().await;
    assert_eq!(read().await, (name, edited));
}

#[tokio::test]
async fn many_are_marked_in_jobs() {
    let mut options = quick_options();
    (options.claim_links.bulk_from, options.claim_links.bulk) = (300, 400);
    let linked = started(options).await;
    seed(&linked, 900);
    linked.sync().await;
    assert_eq!(marked(&linked).await, 900);
    assert_own_ids(&linked).await;
    let log = linked.org.request_log();
    assert_eq!((log.count("POST", JOBS), log.count("PATCH", WRITES)), (2, 1));
}

#[tokio::test]
async fn a_run_that_was_interrupted_while_it_marked_goes_on() {
    let mut options = quick_options();
    options.claim_links.bulk = 100;
    let linked = Linked::start_on(metadata(), options, Vec::new()).await;
    let unmarked = MappingDocument {
        mark_linked: false,
        last_written: None,
        ..document()
    };
    linked.map(&unmarked).await;
    seed(&linked, 250);
    linked.sync().await;
    assert_eq!(writes(&linked), 0);
    linked.map(&document()).await;
    linked.org.faults().cut_after_next_writes(1);
    let run = sync::start(&linked.app, linked.connection, RunKind::Instant, Vec::new())
        .await
        .unwrap();
    let mut end = linked.work_on(run).await;
    assert!(matches!(end, SyncEnd::Passing { .. }), "{end:?}");
    while end != SyncEnd::Completed {
        end = linked.work_on(run).await;
        assert!(
            matches!(end, SyncEnd::Passing { .. } | SyncEnd::Completed),
            "{end:?}"
        );
    }
    assert_eq!(marked(&linked).await, 250);
    assert_own_ids(&linked).await;
    // The page whose answer was lost is read again, and found to carry its ids.
    assert_eq!(writes(&linked), 3);
}

#[tokio::test]
async fn a_process_killed_behind_a_marked_page_leaves_nothing_undone() {
    let linked = started(quick_options()).await;
    seed(&linked, 300);
    let killed = causeway(
        &linked,
        &[
            "--failpoint",
            "sync.marked",
            "sync",
            "initial",
            "--connection",
            "acme",
        ],
    )
    .await;
    assert!(!killed.success(), "{killed:?}");
    assert_eq!(marked(&linked).await, 300);
    let before = writes(&linked);
    let linked = linked.an_hour_later().await;
    let run = linked.queue_sync().await;
    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    assert_eq!(linked.records("contact").await.len(), 300);
    assert_own_ids(&linked).await;
    assert_eq!(
        writes(&linked),
        before,
        "what is marked is read, not written again"
    );
}

#[tokio::test]
async fn a_field_that_may_not_be_written_is_told_once_and_marked_once_it_may() {
    let linked = started(quick_options()).await;
    editable(&linked, false);
    seed(&linked, 450);
    linked.sync().await;
    assert_eq!(marked(&linked).await, 0);
    assert_eq!(linked.records("contact").await.len(), 450, "the sync goes on");
    assert!(linked.held().await.is_empty());
    assert_eq!(writes(&linked), 1, "it is not repeated for every record");
    for _ in 0..3 {
        linked.sync_kind(RunKind::Instant).await;
    }
    assert_eq!(writes(&linked), 1, "an instant sync does not try so soon again");
    linked.sync_kind(RunKind::Reconcile).await;
    let told = failed_logs(&linked).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let entry = &told[0].entry;
    assert_eq!((entry.status, entry.object.as_str()), (403, "*"));
    assert!(
        entry.cause.contains("Partner_Id__c") && entry.cause.contains("INVALID_FIELD_FOR_INSERT_UPDATE"),
        "{entry:?}"
    );
    let issues = package::state(&linked.app, linked.connection)
        .await
        .unwrap()
        .issues;
    let issue = issues
        .iter()
        .find(|issue| issue.code == "records-unmarked")
        .unwrap();
    assert!(issue.message.contains("Contact"), "{issue:?}");

    editable(&linked, true);
    linked.sync_kind(RunKind::Reconcile).await;
    assert_eq!(marked(&linked).await, 450);
    let issues = package::state(&linked.app, linked.connection)
        .await
        .unwrap()
        .issues;
    assert!(issues.iter().all(|issue| issue.code != "records-unmarked"));
}

#[tokio::test]
async fn records_that_salesforce_refuses_or_that_carry_anothers_id_are_named_and_the_others_are_marked() {
    let linked = started(quick_options()).await;
    let ids = seed(&linked, 30);
    let update = |id: RecordId, value: Option<&str>| {
        let fields = json!({ "Partner_Id__c": value }).as_object().unwrap().clone();
        let deed = Deed::Update {
            id: id.as_str().to_owned(),
            fields,
        };
        linked.org.act(linked.org.admin_username(), &deed);
    };
    update(ids[0], Some("LEGACY-1"));
    // A record of the org that this one was copied from.
    update(ids[1], Some("cw-77-1"));
    linked.sync().await;
    let told = failed_logs(&linked).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let entry = &told[0].entry;
    assert_eq!(entry.salesforce_id.unwrap().to_string(), ids[0].as_str());
    assert!(
        entry.status == 409 && entry.cause.contains("LEGACY-1"),
        "{entry:?}"
    );
    assert_eq!(marked(&linked).await, 29);

    // One is emptied by hand, and marked by the sync that reads that.
    update(ids[0], None);
    linked.sync_kind(RunKind::Instant).await;
    assert_eq!(marked(&linked).await, 30);
    assert_own_ids(&linked).await;
}

#[tokio::test]
async fn rows_that_a_rule_of_the_org_refuses_are_told_in_its_words_and_hold_nobody() {
    let linked = started(quick_options()).await;
    let ids = seed(&linked, 12);
    let fields = json!({"Title": "Locked"}).as_object().unwrap().clone();
    let deed = Deed::Update {
        id: ids[4].as_str().to_owned(),
        fields,
    };
    linked.org.act(linked.org.admin_username(), &deed);
    linked
        .org
        .add_rule(RuleDefinition {
            object: "Contact".to_owned(),
            when: Some("Title = 'Locked'".to_owned()),
            then: Then::Validation {
                message: "This person is closed.".to_owned(),
                field: None,
            },
        })
        .unwrap();
    linked.sync().await;
    assert_eq!(marked(&linked).await, 11);
    let told = failed_logs(&linked).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let entry = &told[0].entry;
    assert_eq!(entry.salesforce_id.unwrap().to_string(), ids[4].as_str());
    assert!(entry.cause.contains("This person is closed."), "{entry:?}");
    assert!(linked.held().await.is_empty());
}

#[tokio::test]
async fn marking_stands_still_at_the_cap_and_goes_on_when_it_is_raised() {
    let mut options = quick_options();
    options.parked = Duration::from_secs(600);
    options.claim_links.bulk = 20;
    let linked = started(options).await;
    seed(&linked, 400);
    let connection = async |app: &App| {
        let id = linked.connection;
        app.store
            .read(move |tx| tx.connection(id))
            .await
            .unwrap()
            .unwrap()
    };
    let known = connection(&linked.app).await;
    budget::save(&linked.app, &known, true, Some(40)).await.unwrap();
    let run = linked.queue_sync().await;
    let (progress, _) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let working = sync::run_to_end(&linked.app, linked.connection, run, &progress, &stop);
    let (end, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(60), Box::pin(working)),
        async {
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let (asked, written) = (linked.org.request_log().total(), writes(&linked));
            assert!(written > 0 && written < 20, "{written}");
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(linked.org.request_log().total(), asked, "it stands still");
            let known = connection(&linked.app).await;
            budget::save(&linked.app, &known, true, Some(5_000))
                .await
                .unwrap();
        }
    );
    assert_eq!(end.unwrap().unwrap(), SyncEnd::Completed);
    assert_eq!(marked(&linked).await, 400);
}
