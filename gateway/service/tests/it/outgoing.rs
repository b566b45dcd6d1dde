//! What the partner does reaches Salesforce, once.

use std::sync::Arc;
use std::time::Duration;

use causeway::app::AppOptions;
use causeway::app::post::{Requested, RowOutcome};
use causeway::salesforce::rest::{JsonRecord, Seen};
use causeway::workers::{self, WorkerOptions};
use causeway_core::decide::HeldReason;
use causeway_core::id::RecordId;
use causeway_core::ports::logs::{LogDirection, LogFilter, LogMethod};
use causeway_core::ports::outbox::ClaimSize;
use causeway_core::ports::runs::RunKind;
use causeway_core::record::FieldValue;
use emulated_org::Deed;
use serde_json::{Value, json};

use crate::linked::{Linked, quick_options};

const UPSERTS: &str = "/services/data/{version}/composite/sobjects/{object}/{field}";
const UPDATES: &str = "/services/data/{version}/composite/sobjects";
const JOBS: &str = "/services/data/{version}/jobs/ingest";

fn lead(name: &str) -> Value {
    json!({"fields": {"last_name": name, "company": "Acme"}})
}

fn edit(record: RecordId, fields: &Value) -> Value {
    json!({"id": record.to_string(), "fields": fields})
}

async fn leads(linked: &Linked) -> Vec<JsonRecord> {
    linked
        .rows("SELECT Id, LastName, Company, Phone, Title, Partner_Id__c FROM Lead ORDER BY LastName")
        .await
}

async fn names(linked: &Linked) -> Vec<String> {
    leads(linked)
        .await
        .iter()
        .map(|lead| lead["LastName"].as_str().unwrap().to_owned())
        .collect()
}

/// A further round of everything writes nothing, on either side.
async fn assert_at_rest(linked: &Linked) {
    let feed = linked.feed().await.last().map(|record| record.position);
    let writes = |linked: &Linked| {
        linked.org.request_log().count("PATCH", UPSERTS)
            + linked.org.request_log().count("PATCH", UPDATES)
            + linked.org.request_log().count("DELETE", UPDATES)
            + linked.org.request_log().count("POST", JOBS)
    };
    let before = writes(linked);
    linked.sync_kind(RunKind::Instant).await;
    linked.sync_kind(RunKind::Reconcile).await;
    linked.drain_outbox().await;
    assert_eq!(writes(linked), before);
    assert_eq!(linked.feed().await.last().map(|record| record.position), feed);
}

/// Does something while the next write is on its way, held up before the org looks at it.
async fn during_the_next_write(linked: &Linked, act: impl FnOnce(&Linked)) {
    let before = linked.org.request_log().total();
    linked.org.faults().delay(Duration::from_millis(250));
    let ((), ()) = tokio::join!(
        async {
            linked.write_once().await;
        },
        async {
            // The target's reading has been answered: what comes next is the write.
            while linked.org.request_log().total() == before {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            tokio::time::sleep(Duration::from_millis(60)).await;
            act(linked);
            linked.org.faults().delay(Duration::ZERO);
        }
    );
}

#[tokio::test]
async fn a_posted_record_is_made_edited_and_deleted_in_salesforce() {
    let linked = Linked::both_ways(quick_options()).await;
    let made = linked.post("lead", &[lead("Ada")]).await[0];
    linked.drain_outbox().await;
    let found = leads(&linked).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["LastName"], "Ada");
    assert_eq!(
        found[0]["Partner_Id__c"],
        format!("cw-{}-{made}", linked.connection)
    );
    let record = linked.records("lead").await.remove(0);
    assert_eq!(record.salesforce_id.unwrap().as_str(), found[0]["Id"]);
    assert_at_rest(&linked).await;

    linked
        .post(
            "lead",
            &[edit(made, &json!({"last_name": "Countess", "phone": "1"}))],
        )
        .await;
    linked.drain_outbox().await;
    let found = leads(&linked).await;
    assert_eq!(
        (&found[0]["LastName"], &found[0]["Phone"], &found[0]["Company"]),
        (&json!("Countess"), &json!("1"), &json!("Acme"))
    );
    linked
        .post("lead", &[edit(made, &json!({"phone": Value::Null}))])
        .await;
    linked.drain_outbox().await;
    assert_eq!(leads(&linked).await[0]["Phone"], Value::Null);
    assert_at_rest(&linked).await;

    let deleted = linked.ask("lead", Requested::Delete(made)).await;
    assert_eq!(deleted[0].outcome, RowOutcome::Deleted);
    linked.drain_outbox().await;
    assert_eq!(leads(&linked).await, Vec::<JsonRecord>::new());
    assert_eq!(linked.records("lead").await, []);
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn an_edit_in_salesforce_travels_to_the_partner_by_an_instant_sync_and_is_not_written_back() {
    let linked = Linked::both_ways(quick_options()).await;
    linked.sync().await;
    linked.post("lead", &[lead("Ada")]).await;
    linked.drain_outbox().await;
    let id = leads(&linked).await[0]["Id"].as_str().unwrap().to_owned();
    let fields = json!({"Phone": "020"}).as_object().unwrap().clone();
    linked
        .org
        .act(linked.org.integration_username(), &Deed::Update { id, fields });
    linked.sync_kind(RunKind::Instant).await;
    let record = linked.records("lead").await.remove(0);
    assert_eq!(record.fields["phone"], FieldValue::Text("020".to_owned()));
    assert_eq!(linked.outbox().await.links, 0);
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn a_child_waits_for_its_parent_and_names_it() {
    let linked = Linked::both_ways(quick_options()).await;
    // The child first: its head is ready before the parent's.
    let parent = linked
        .post("account", &[json!({"fields": {"name": "Acme"}})])
        .await[0];
    let contact = json!({"fields": {"last_name": "Ng", "account": {"id": parent.to_string()}}});
    linked.post("contact", &[contact]).await;
    linked.drain_outbox().await;
    let contacts = linked.rows("SELECT LastName, Account.Name FROM Contact").await;
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0]["Account"]["Name"], "Acme");
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn a_refused_row_is_held_with_its_reason_and_the_others_go_through() {
    let linked = Linked::both_ways(quick_options()).await;
    let rule = json!({"object": "Lead", "when": "LastName = 'Bad'",
        "then": {"validation": {"message": "No bad names", "field": "LastName"}}});
    linked
        .org
        .add_rule(serde_json::from_value(rule).unwrap())
        .unwrap();
    let made = linked.post("lead", &[lead("Ada"), lead("Bad"), lead("Cy")]).await;
    linked.drain_outbox().await;
    assert_eq!(names(&linked).await, ["Ada", "Cy"]);
    let held = linked.held().await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].record, Some(made[1]));
    match &held[0].reason {
        HeldReason::Refused {
            code,
            message,
            fields,
            advice,
        } => {
            assert_eq!(code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
            assert!(message.contains("No bad names"), "{message}");
            assert_eq!(fields, &["LastName"]);
            assert!(!advice.is_empty());
        }
        other => panic!("{other:?}"),
    }
    // A new edit by the partner is a new try.
    linked
        .post("lead", &[edit(made[1], &json!({"last_name": "Good"}))])
        .await;
    linked.drain_outbox().await;
    assert_eq!(names(&linked).await, ["Ada", "Cy", "Good"]);
    assert_eq!(linked.held().await, []);
}

#[tokio::test]
async fn a_call_refused_as_a_whole_is_sent_in_halves() {
    let linked = Linked::both_ways(quick_options()).await;
    let rows: Vec<Value> = (0..10).map(|number| lead(&format!("N{number}"))).collect();
    linked.post("lead", &rows).await;
    during_the_next_write(&linked, |linked| {
        linked.org.faults().answer_next(2, 400, "JSON_PARSER_ERROR");
    })
    .await;
    linked.drain_outbox().await;
    assert_eq!(leads(&linked).await.len(), 10);
    assert_eq!(linked.held().await, []);
    // All ten, five of them, two and three of those, and the other five.
    assert_eq!(linked.org.request_log().count("PATCH", UPSERTS), 5);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_repeated() {
    let mut options = quick_options();
    options.write_within = Duration::from_millis(500);
    let linked = Linked::both_ways(options).await;
    linked.org.faults().cut_after_next_writes(1);
    let made = linked.post("lead", &[lead("Ada"), lead("Bo")]).await;
    linked.write_once().await;
    assert_eq!(
        linked.outbox().await.links,
        2,
        "nobody knows yet whether they are there"
    );
    // Edits go on meanwhile.
    linked
        .post("lead", &[edit(made[0], &json!({"title": "Countess"}))])
        .await;
    linked.drain_outbox().await;
    let found = leads(&linked).await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["Title"], "Countess");
    assert_eq!(linked.org.request_log().count("PATCH", UPSERTS), 1);
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn locked_rows_are_tried_again_one_by_one_and_held_for_nobody() {
    let linked = Linked::both_ways(quick_options()).await;
    linked.org.org().row_locks.refuse(50, 7);
    let rows: Vec<Value> = (0..12).map(|number| lead(&format!("N{number:02}"))).collect();
    linked.post("lead", &rows).await;
    linked.drain_outbox().await;
    assert!(linked.org.org().row_locks.refused() > 0);
    linked.org.org().row_locks.clear();
    assert_eq!(leads(&linked).await.len(), 12);
    assert_eq!(linked.held().await, []);
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn many_go_in_a_bulk_job_each_row_for_itself() {
    let mut options = quick_options();
    options.claim_links = ClaimSize {
        usual: 20,
        bulk_from: 50,
        bulk: 200,
    };
    let linked = Linked::both_ways(options).await;
    let rule = json!({"object": "Lead", "when": "LastName = 'N007'",
        "then": {"validation": {"message": "Not him", "field": "LastName"}}});
    linked
        .org
        .add_rule(serde_json::from_value(rule).unwrap())
        .unwrap();
    let rows: Vec<Value> = (0..120)
        .map(|number| json!({"fields": {"last_name": format!("N{number:03}"), "company": "A, \"B\"\nC"}}))
        .collect();
    let made = linked.post("lead", &rows).await;
    linked.drain_outbox().await;
    let found = leads(&linked).await;
    assert_eq!(found.len(), 119);
    assert_eq!(found[0]["Company"], "A, \"B\"\nC");
    assert_eq!(linked.org.request_log().count("POST", JOBS), 1);
    let held = linked.held().await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].record, Some(made[7]));

    // Updates and deletes too.
    let edits: Vec<Value> = made
        .iter()
        .filter(|record| **record != made[7])
        .map(|record| edit(*record, &json!({"phone": Value::Null, "title": "T"})))
        .collect();
    linked.post("lead", &edits).await;
    linked.drain_outbox().await;
    assert!(leads(&linked).await.iter().all(|lead| lead["Title"] == "T"));
    assert_eq!(linked.org.request_log().count("POST", JOBS), 2);
    let deletes: Vec<String> = made
        .iter()
        .map(|record| json!({"id": record.to_string()}).to_string())
        .collect();
    linked.ask("lead", Requested::Deletes { rows: deletes }).await;
    linked.drain_outbox().await;
    assert_eq!(leads(&linked).await.len(), 0);
    assert_eq!(linked.org.request_log().count("POST", JOBS), 3);
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn what_salesforce_stored_otherwise_is_agreed_and_never_fought_over() {
    let linked = Linked::both_ways(quick_options()).await;
    let rule = json!({"object": "Lead", "when": "Title = 'Boss'",
        "then": {"beforeSave": {"set": {"Title": "Manager"}}}});
    linked
        .org
        .add_rule(serde_json::from_value(rule).unwrap())
        .unwrap();
    let row = json!({"fields": {"last_name": "  Ada ", "company": "Acme", "title": "Boss"}});
    linked.post("lead", &[row]).await;
    linked.drain_outbox().await;
    let found = leads(&linked).await;
    assert_eq!(
        (&found[0]["LastName"], &found[0]["Title"]),
        (&json!("Ada"), &json!("Manager"))
    );
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn every_write_is_logged_with_what_was_sent_and_how_it_ended() {
    let linked = Linked::both_ways(quick_options()).await;
    let made = linked.post("lead", &[lead("Ada")]).await[0];
    linked.drain_outbox().await;
    let (connection, filter) = (
        linked.connection,
        LogFilter {
            direction: Some(LogDirection::Outgoing),
            ..LogFilter::default()
        },
    );
    let logs = linked
        .app
        .store
        .read(move |tx| tx.logs(connection, &filter, None, 100))
        .await
        .unwrap();
    let sent: Vec<_> = logs
        .iter()
        .filter(|log| log.entry.method == LogMethod::Post && log.entry.salesforce_id.is_some())
        .collect();
    assert_eq!(sent.len(), 1, "{logs:?}");
    assert_eq!(sent[0].entry.status, 201);
    assert_eq!(sent[0].entry.record, Some(made));
    assert!(sent[0].entry.data.contains("\"Ada\""), "{}", sent[0].entry.data);
}

#[tokio::test]
async fn while_the_org_allows_no_calls_nothing_is_lost_and_it_goes_on_by_itself() {
    let mut options: AppOptions = quick_options();
    options.parked = Duration::from_millis(50);
    let linked = Linked::both_ways(options).await;
    linked.org.set_daily_api_limit(0);
    linked.post("lead", &[lead("Ada")]).await;
    linked.write_once().await;
    assert_eq!(linked.outbox().await.links, 1);
    linked.org.set_daily_api_limit(100_000);
    linked.drain_outbox().await;
    assert_eq!(names(&linked).await, ["Ada"]);
}

#[tokio::test]
async fn a_post_wakes_the_workers_and_they_stop_in_good_order() {
    let linked = Linked::both_ways(quick_options()).await;
    let options = WorkerOptions {
        poll: Duration::from_secs(600),
        ..WorkerOptions::default()
    };
    let mut workers = workers::start(Arc::clone(&linked.app), options).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    linked.post("lead", &[lead("Ada")]).await;
    for _ in 0..500 {
        if linked.outbox().await.links == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(names(&linked).await, ["Ada"]);
    assert!(workers.are_running());
    workers.stop().await;
}

#[tokio::test]
async fn a_record_deleted_in_salesforce_is_not_revived_by_a_later_edit() {
    let linked = Linked::both_ways(quick_options()).await;
    let made = linked.post("lead", &[lead("Ada")]).await[0];
    linked.drain_outbox().await;
    let id = leads(&linked).await[0]["Id"].as_str().unwrap().to_owned();
    linked
        .org
        .act(linked.org.integration_username(), &Deed::Delete { id });
    // The gateway has heard nothing of the delete yet.
    linked
        .post("lead", &[edit(made, &json!({"title": "Late"}))])
        .await;
    linked.drain_outbox().await;
    assert_eq!(leads(&linked).await.len(), 0);
    assert_eq!(linked.records("lead").await, []);
    let all = linked
        .salesforce()
        .await
        .query("SELECT Id, Title FROM Lead", Seen::Deleted)
        .all()
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["Title"], Value::Null);
    assert_at_rest(&linked).await;
}

#[tokio::test]
async fn the_gateways_own_cap_is_never_passed_and_what_waits_for_it_is_not_lost() {
    const CAP: u64 = 60;
    let mut options = quick_options();
    options.parked = Duration::from_millis(10);
    let linked = Linked::both_ways_capped(options, Some(CAP)).await;
    let made = linked.post("lead", &[lead("Ada")]).await[0];
    for round in 0..80 {
        let title = json!({"title": format!("T{round}")});
        linked.post("lead", &[edit(made, &title)]).await;
        linked.write_once().await;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(linked.org.request_log().total() <= CAP);
    assert_eq!(linked.outbox().await.links, 1, "the last edit waits");
    let connection = linked.connection;
    let now = linked.app.clock.now();
    let spent = linked
        .app
        .store
        .read(move |tx| tx.calls_spent(connection, now))
        .await
        .unwrap();
    assert_eq!(spent, CAP);
}
