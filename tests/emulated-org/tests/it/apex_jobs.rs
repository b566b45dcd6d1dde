//! Asynchronous Apex on the organisation's clock, and the records that show it.
#![cfg(test)]

use std::time::Duration;

use apex_runtime::Source;
use emulated_org::{Clock, Options};
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

const NOON: &str = "2026-03-02T12:00:00Z";

const MARK: &str = "public class Mark implements Queueable {
    public void execute(QueueableContext context) { insert new Lead(LastName = 'Queueable', Company = 'C'); }
    @future
    public static void later(String name) { insert new Lead(LastName = name, Company = 'C'); }
}";
const NIGHTLY: &str = "public class Nightly implements Schedulable {
    public void execute(SchedulableContext context) { insert new Lead(LastName = 'Nightly', Company = 'C'); }
}";
const SWEEP: &str = "public class Sweep implements Database.Batchable<SObject>, Database.Stateful {
    private Integer seen = 0;
    public Database.QueryLocator start(Database.BatchableContext context) {
        return Database.getQueryLocator('SELECT Id, Name FROM Account ORDER BY Name');
    }
    public void execute(Database.BatchableContext context, List<Account> accounts) {
        for (Account a : accounts) {
            if (a.Name == 'row 3') { throw new IllegalArgumentException('not row 3'); }
            a.Site = 'swept';
        }
        update accounts;
        seen += accounts.size();
    }
    public void finish(Database.BatchableContext context) {
        insert new Lead(LastName = 'swept ' + seen, Company = 'C');
    }
}";

async fn at_noon() -> Client {
    let client = Client::start_with(Options {
        clock: Clock::fixed(NOON.parse().expect("a moment")),
        session_timeout: Duration::from_hours(24 * 30),
        ..Options::default()
    })
    .await;
    let sources = [("Mark", MARK), ("Nightly", NIGHTLY), ("Sweep", SWEEP)];
    let sources = sources.map(|(name, text)| Source::class(name, text));
    client
        .org
        .org()
        .set_apex(sources.to_vec())
        .expect("the sources compile");
    client
}

fn run(client: &Client, text: &str) {
    let org = client.org.org();
    let admin = org.admin;
    org.run_anonymous_apex(admin, text).expect("it runs");
}

fn settle(client: &Client) {
    assert!(
        client.org.org().wait_for_apex(Duration::from_secs(20)),
        "the jobs end"
    );
}

async fn rows(client: &Client, query: &str) -> Vec<Json> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = client.get(&format!("{V}/query?q={query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().cloned().expect("records")
}

async fn leads(client: &Client) -> Vec<String> {
    let found = rows(client, "SELECT LastName FROM Lead ORDER BY Id").await;
    found
        .iter()
        .map(|lead| lead["LastName"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_queueable_waits_for_the_clock() {
    let client = at_noon().await;
    run(&client, "System.enqueueJob(new Mark(), 5); Mark.later('Future');");
    settle(&client);
    assert_eq!(leads(&client).await, ["Future"]);
    let query =
        "SELECT Status, JobType, MethodName, CompletedDate, ApexClass.Name FROM AsyncApexJob ORDER BY Id";
    let jobs = rows(&client, query).await;
    assert_eq!(
        (&jobs[0]["Status"], &jobs[0]["JobType"], &jobs[0]["CompletedDate"]),
        (&json!("Queued"), &json!("Queueable"), &json!(null))
    );
    assert_eq!(
        (
            &jobs[1]["Status"],
            &jobs[1]["JobType"],
            &jobs[1]["MethodName"],
            &jobs[1]["ApexClass"]["Name"]
        ),
        (
            &json!("Completed"),
            &json!("Future"),
            &json!("later"),
            &json!("Mark")
        )
    );
    client.org.clock().advance(Duration::from_mins(5));
    settle(&client);
    assert_eq!(leads(&client).await, ["Future", "Queueable"]);
    assert_eq!(
        rows(&client, query).await[0]["CompletedDate"],
        "2026-03-02T12:05:00.000+0000"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_class_runs_every_night_until_it_is_aborted() {
    let client = at_noon().await;
    run(
        &client,
        "System.schedule('Every night', '0 30 2 * * ?', new Nightly());",
    );
    let query = "SELECT State, CronExpression, NextFireTime, TimesTriggered FROM CronTrigger";
    let waiting = rows(&client, query).await;
    assert_eq!(
        (
            &waiting[0]["State"],
            &waiting[0]["NextFireTime"],
            &waiting[0]["TimesTriggered"]
        ),
        (
            &json!("WAITING"),
            &json!("2026-03-03T02:30:00.000+0000"),
            &json!(0)
        )
    );
    for night in 1..=2 {
        client.org.clock().advance(Duration::from_hours(24));
        settle(&client);
        assert_eq!(leads(&client).await.len(), night);
    }
    let waiting = rows(&client, query).await;
    assert_eq!(
        (&waiting[0]["NextFireTime"], &waiting[0]["TimesTriggered"]),
        (&json!("2026-03-05T02:30:00.000+0000"), &json!(2))
    );
    run(&client, "System.abortJob([SELECT Id FROM CronTrigger].Id);");
    client.org.clock().advance(Duration::from_hours(24));
    settle(&client);
    assert_eq!(leads(&client).await.len(), 2);
}

/// Apex Developer Guide, Using Batch Apex: a chunk that fails is taken back alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_chunk_by_chunk() {
    let client = at_noon().await;
    for row in 0..5 {
        client
            .create("Account", json!({ "Name": format!("row {row}") }))
            .await;
    }
    run(&client, "Database.executeBatch(new Sweep(), 2);");
    settle(&client);
    let query =
        "SELECT Status, TotalJobItems, JobItemsProcessed, NumberOfErrors, ExtendedStatus FROM AsyncApexJob";
    let job = rows(&client, query).await;
    assert_eq!(
        (
            &job[0]["Status"],
            &job[0]["TotalJobItems"],
            &job[0]["JobItemsProcessed"],
            &job[0]["NumberOfErrors"]
        ),
        (&json!("Completed"), &json!(3), &json!(3), &json!(1)),
        "{job:?}"
    );
    assert_eq!(leads(&client).await, ["swept 3"]);
    let swept = rows(&client, "SELECT Id FROM Account WHERE Site = 'swept'").await;
    assert_eq!(swept.len(), 3);
}

const STUBBORN: &str = "public class Stubborn implements Queueable, Finalizer {
    public void execute(QueueableContext context) {
        System.attachFinalizer(this);
        throw new IllegalArgumentException('again');
    }
    public void execute(FinalizerContext context) {
        insert as system new Lead(LastName = context.getResult().name(), Company = 'C');
        System.enqueueJob(new Stubborn());
    }
}";

#[tokio::test(flavor = "multi_thread")]
async fn a_finalizer_starts_a_failed_job_again_five_times_in_a_row() {
    let client = at_noon().await;
    let sources = vec![Source::class("Stubborn", STUBBORN)];
    client.org.org().set_apex(sources).expect("it compiles");
    run(&client, "System.enqueueJob(new Stubborn());");
    settle(&client);
    let jobs = rows(&client, "SELECT Status FROM AsyncApexJob").await;
    assert_eq!(jobs.len(), 6, "{jobs:?}");
    assert!(jobs.iter().all(|job| job["Status"] == "Failed"), "{jobs:?}");
    // The finalizer that was refused is taken back.
    assert_eq!(leads(&client).await, vec!["UNHANDLED_EXCEPTION"; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_job_is_shown_and_its_name_is_taken() {
    let client = at_noon().await;
    run(
        &client,
        "System.schedule('nightly', '0 0 3 * * ?', new Nightly());",
    );
    let org = client.org.org();
    let refused = org
        .run_anonymous_apex(
            org.admin,
            "System.schedule('nightly', '0 0 4 * * ?', new Nightly());",
        )
        .expect_err("the name is taken");
    assert!(
        format!("{refused:?}").contains("is already scheduled for execution"),
        "{refused:?}"
    );
    let query = "SELECT JobType, Status, ApexClass.Name, CronTrigger.CronJobDetail.Name FROM AsyncApexJob";
    let jobs = rows(&client, query).await;
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(
        (
            &jobs[0]["JobType"],
            &jobs[0]["Status"],
            &jobs[0]["ApexClass"]["Name"],
            &jobs[0]["CronTrigger"]["CronJobDetail"]["Name"]
        ),
        (
            &json!("ScheduledApex"),
            &json!("Queued"),
            &json!("Nightly"),
            &json!("nightly")
        )
    );
    run(
        &client,
        "System.abortJob([SELECT Id FROM CronTrigger WHERE State != 'DELETED'].Id);",
    );
    assert_eq!(rows(&client, query).await[0]["Status"], "Aborted");
}
