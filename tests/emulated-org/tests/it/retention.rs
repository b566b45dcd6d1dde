//! What the organisation keeps for a while only.
#![cfg(test)]

use std::time::Duration;

use apex_runtime::Source;
use emulated_org::{Clock, Options};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

const DAY: Duration = Duration::from_hours(24);

async fn start() -> Client {
    Client::start_with(Options {
        clock: Clock::fixed("2026-03-02T12:00:00Z".parse().expect("a moment")),
        session_timeout: DAY * 100,
        ..Options::default()
    })
    .await
}

async fn rows(client: &Client, door: &str, query: &str) -> Vec<Json> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = client.get(&format!("{V}/{door}?q={query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().cloned().expect("records")
}

async fn undeleted(client: &Client, id: &str) -> bool {
    let deeds = json!({ "as": client.org.admin_username(), "deeds": [{ "undelete": { "id": id } }] });
    let answer = client.knob(Method::POST, "/emulator/people", &deeds).await;
    answer.json()[0]["success"] == true
}

#[tokio::test]
async fn the_recycle_bin_keeps_records_for_fifteen_days() {
    let client = start().await;
    let mut accounts = Vec::new();
    for name in ["restored", "forgotten"] {
        let account = client.create("Account", json!({ "Name": name })).await;
        client
            .create("Contact", json!({ "LastName": name, "AccountId": account }))
            .await;
        let gone = client.delete(&format!("{V}/sobjects/Account/{account}")).await;
        assert_eq!(gone.status, 204, "{}", gone.text);
        accounts.push(account);
    }
    let kept = client.create("Account", json!({ "Name": "kept" })).await;

    client.org.clock().advance(DAY * 15 - Duration::from_mins(1));
    assert!(undeleted(&client, &accounts[0]).await);

    client.org.clock().advance(Duration::from_hours(2));
    assert!(!undeleted(&client, &accounts[1]).await);
    let names = async |object: &str| {
        let query = format!("SELECT Name FROM {object} ORDER BY Name");
        let found = rows(&client, "queryAll", &query).await;
        let names = found
            .iter()
            .map(|row| row["Name"].as_str().expect("a name").to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("Account").await, ["kept", "restored"]);
    assert_eq!(names("Contact").await, ["restored"]);
    assert_eq!(client.read("Account", &kept).await["Name"], "kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_jobs_that_ended_stay_for_seven_days() {
    let client = start().await;
    let org = client.org.org();
    let sources = [
        (
            "Quick",
            "public class Quick implements Queueable { public void execute(QueueableContext c) {} }",
        ),
        (
            "Wrong",
            "public class Wrong implements Queueable {
                 public void execute(QueueableContext c) { throw new IllegalArgumentException('no'); }
             }",
        ),
        (
            "Nightly",
            "public class Nightly implements Schedulable { public void execute(SchedulableContext c) {} }",
        ),
    ];
    let sources = sources.map(|(name, text)| Source::class(name, text));
    org.set_apex(sources.to_vec()).expect("the sources compile");
    let run = |text: &str| org.run_anonymous_apex(org.admin, text).expect("it runs");
    run("System.enqueueJob(new Quick()); System.enqueueJob(new Wrong());
         System.abortJob(System.schedule('Gone', '0 0 3 * * ?', new Nightly()));
         System.schedule('Every night', '0 30 2 * * ?', new Nightly());");
    assert!(org.wait_for_apex(Duration::from_secs(20)));
    let states = async || {
        let found = rows(
            &client,
            "query",
            "SELECT Status FROM AsyncApexJob ORDER BY Status",
        )
        .await;
        let states = found
            .iter()
            .map(|row| row["Status"].as_str().expect("a status").to_owned());
        states.collect::<Vec<_>>()
    };
    assert_eq!(states().await, ["Aborted", "Completed", "Failed", "Queued"]);
    client.org.clock().advance(DAY * 7 - Duration::from_mins(1));
    assert!(org.wait_for_apex(Duration::from_secs(20)));
    assert_eq!(states().await.len(), 4);
    client.org.clock().advance(Duration::from_hours(2));
    assert_eq!(states().await, ["Queued"], "what is still to come stays");
}
