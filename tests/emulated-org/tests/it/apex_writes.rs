//! Triggers on every way to write.
#![cfg(test)]

use std::time::{Duration, Instant};

use apex_runtime::Source;
use chrono::TimeDelta;
use emulated_org::bulk::ProcessingTime;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

async fn with(sources: &[(&str, &str)]) -> Client {
    let client = Client::start().await;
    install(&client, sources);
    client.org.org().ingest.set_processing_time(ProcessingTime {
        waiting: TimeDelta::zero(),
        running: TimeDelta::zero(),
    });
    client
}

fn install(client: &Client, sources: &[(&str, &str)]) {
    let sources = sources.iter().map(|(name, text)| {
        if text.trim_start().starts_with("trigger") {
            Source::trigger(*name, *text)
        } else {
            Source::class(*name, *text)
        }
    });
    let org = client.org.org();
    org.set_apex(sources.collect()).expect("the sources compile");
}

async fn rows(client: &Client, query: &str) -> Vec<Json> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = client.get(&format!("{V}/query?q={query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().cloned().expect("records")
}

/// Uploads a job of Bulk API 2.0 and waits for its end.
async fn ingest(client: &Client, object: &str, operation: &str, csv: String) -> Json {
    let job = json!({ "object": object, "operation": operation });
    let job = client.post(&format!("{V}/jobs/ingest"), &job).await.json();
    let path = format!("{V}/jobs/ingest/{}", job["id"].as_str().expect("an id"));
    let upload = client
        .request(Method::PUT, &format!("{path}/batches"))
        .header("content-type", "text/csv");
    assert_eq!(client.send(upload.body(csv)).await.status, 201);
    let closed = client.patch(&path, &json!({ "state": "UploadComplete" })).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    let begun = Instant::now();
    loop {
        let state = client.get(&path).await.json();
        if ["JobComplete", "Failed"].contains(&state["state"].as_str().expect("a state")) {
            return state;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{state}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets a person do something.
async fn act(client: &Client, deed: Json) -> Json {
    let body = json!({ "as": "admin@northwind.example", "deeds": [deed] });
    client.knob(Method::POST, "/emulator/people", &body).await.json()
}

/// Writes a log record for each call of a trigger.
const LOGGING: &str = "trigger Log on Contact (before insert, after insert, before update, after update, before delete, after delete, after undelete) {
    List<Note> notes = new List<Note>();
    Account journal = [SELECT Id FROM Account WHERE Name = 'Journal'];
    String when = (Trigger.isBefore ? 'before ' : 'after ')
        + (Trigger.isInsert ? 'insert' : Trigger.isUpdate ? 'update' : Trigger.isDelete ? 'delete' : 'undelete');
    notes.add(new Note(ParentId = journal.Id, Title = when + ' ' + Trigger.size));
    insert notes;
}";

async fn journal(client: &Client) -> Vec<String> {
    let notes = rows(client, "SELECT Title FROM Note ORDER BY Id").await;
    notes
        .iter()
        .map(|note| note["Title"].as_str().expect("a title").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_door_fires_before_and_after() {
    let client = with(&[("Log", LOGGING)]).await;
    client.create("Account", json!({ "Name": "Journal" })).await;
    let contact =
        |name: &str| json!({ "attributes": { "type": "Contact", "referenceId": name }, "LastName": name });
    let tree = json!({ "records": [contact("A"), contact("B"), contact("C")] });
    let made = client
        .post(&format!("{V}/composite/tree/Contact"), &tree)
        .await
        .json();
    assert_eq!(made["hasErrors"], false, "{made}");
    let id = |row: usize| made["results"][row]["id"].as_str().expect("an id").to_owned();
    let composite = json!({ "allOrNone": true, "compositeRequest": [
        { "method": "PATCH", "url": format!("{V}/sobjects/Contact/{}", id(0)), "referenceId": "one", "body": { "Title": "T" } },
        { "method": "DELETE", "url": format!("{V}/sobjects/Contact/{}", id(1)), "referenceId": "two" },
    ] });
    let done = client.post(&format!("{V}/composite"), &composite).await.json();
    assert_eq!(done["compositeResponse"][1]["httpStatusCode"], 204, "{done}");
    let both = format!("ids={},{}", id(0), id(2));
    let deleted = client
        .delete(&format!("{V}/composite/sobjects?{both}&allOrNone=true"))
        .await;
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    let undeleted = act(&client, json!({ "undelete": { "id": id(2) } })).await;
    assert_eq!(undeleted[0]["success"], true, "{undeleted}");
    assert_eq!(
        journal(&client).await,
        [
            "before insert 3",
            "after insert 3",
            "before update 1",
            "after update 1",
            "before delete 1",
            "after delete 1",
            "before delete 2",
            "after delete 2",
            "after undelete 1",
        ]
    );
}

/// Bulk API 2.0 Developer Guide, How Requests Are Processed: chunks of 200 records, each with its own limits.
#[tokio::test(flavor = "multi_thread")]
async fn bulk_rows_come_in_chunks_of_two_hundred() {
    let client = with(&[(
        "Stamp",
        "trigger Stamp on Contact (before insert) {
            for (Contact c : Trigger.new) {
                c.Title = String.valueOf(Trigger.size);
                if (c.LastName == 'row 250') { c.addError('not this one'); }
            }
        }",
    )])
    .await;
    let csv: String = (0..450).map(|row| format!("row {row}\n")).collect();
    let job = ingest(&client, "Contact", "insert", format!("LastName\n{csv}")).await;
    assert_eq!(
        (&job["state"], &job["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(1)),
        "{job}"
    );
    let found = rows(
        &client,
        "SELECT Title, COUNT(Id) n FROM Contact GROUP BY Title ORDER BY Title",
    )
    .await;
    let sizes: Vec<_> = found
        .iter()
        .map(|row| (row["Title"].clone(), row["n"].clone()))
        .collect();
    assert_eq!(
        sizes,
        [
            (json!("199"), json!(199)),
            (json!("200"), json!(200)),
            (json!("50"), json!(50))
        ]
    );
    let failed = client
        .get(&format!(
            "{V}/jobs/ingest/{}/failedResults",
            job["id"].as_str().expect("an id")
        ))
        .await;
    assert!(
        failed
            .text
            .contains("FIELD_CUSTOM_VALIDATION_EXCEPTION:not this one: --"),
        "{}",
        failed.text
    );
}

/// Apex Developer Guide, Triggers and Merge Statements.
#[tokio::test(flavor = "multi_thread")]
async fn a_merge_deletes_its_losers_and_updates_its_master() {
    let client = with(&[(
        "Watch",
        "trigger Watch on Account (before delete, after delete, before update, after update) {
            if (Trigger.isDelete && Trigger.isAfter) {
                for (Account a : Trigger.old) {
                    if (a.MasterRecordId == null) { a.addError('no master'); }
                }
            }
            if (Trigger.isDelete && Trigger.isBefore && Trigger.old[0].Name == 'Kept') { Trigger.old[0].addError('kept'); }
            if (Trigger.isUpdate && Trigger.isBefore) { Trigger.new[0].Site = 'merged'; }
        }",
    )])
    .await;
    let account = |name: &'static str| client.create("Account", json!({ "Name": name }));
    let (master, loser, kept) = (
        account("Master").await,
        account("Loser").await,
        account("Kept").await,
    );
    let merge = |loser: &str| json!({ "merge": { "master": master, "losers": [loser] } });
    let refused = act(&client, merge(&kept)).await;
    assert_eq!(refused[0]["errors"][0]["message"], "kept", "{refused}");
    let merged = act(&client, merge(&loser)).await;
    assert_eq!(merged[0]["success"], true, "{merged}");
    assert_eq!(client.read("Account", &master).await["Site"], "merged");
    assert_eq!(rows(&client, "SELECT Id FROM Account").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_fires_for_what_it_makes_and_for_the_lead() {
    let client = with(&[
        (
            "OnContact",
            "trigger OnContact on Contact (before insert, after insert) {
                for (Contact c : Trigger.new) {
                    if (Trigger.isBefore) { c.Department = 'by trigger'; }
                    else { insert new Task(WhoId = c.Id, Subject = 'Welcome ' + c.LastName); }
                }
            }",
        ),
        (
            "OnLead",
            "trigger OnLead on Lead (before update, after update) {
                Lead l = Trigger.new[0];
                if (l.LastName == 'Kept' && l.IsConverted) { l.addError('not this one'); }
                if (Trigger.isBefore && l.IsConverted) { l.Title = 'converted'; }
                if (Trigger.isAfter && l.IsConverted && !Trigger.old[0].IsConverted) {
                    update new Account(Id = l.ConvertedAccountId, Site = 'seen');
                }
            }",
        ),
    ])
    .await;
    let lead = |name: &'static str| client.create("Lead", json!({ "LastName": name, "Company": "Acme" }));
    let convert = |id: &str| json!({ "convertLead": { "id": id } });
    let kept = lead("Kept").await;
    let refused = act(&client, convert(&kept)).await;
    assert_eq!(refused[0]["errors"][0]["message"], "not this one", "{refused}");
    assert!(
        rows(&client, "SELECT Id FROM Account").await.is_empty(),
        "all is taken back"
    );
    assert!(rows(&client, "SELECT Id FROM Task").await.is_empty());
    let gone = lead("Gone").await;
    let done = act(&client, convert(&gone)).await;
    assert_eq!(done[0]["success"], true, "{done}");
    let contacts = rows(&client, "SELECT Department, Account.Site FROM Contact").await;
    assert_eq!(
        (
            contacts.len(),
            &contacts[0]["Department"],
            &contacts[0]["Account"]["Site"]
        ),
        (1, &json!("by trigger"), &json!("seen")),
        "{contacts:?}"
    );
    let leads = rows(
        &client,
        "SELECT Title, ConvertedContact.LastName FROM Lead WHERE IsConverted = true",
    )
    .await;
    assert_eq!(
        (&leads[0]["Title"], &leads[0]["ConvertedContact"]["LastName"]),
        (&json!("converted"), &json!("Gone"))
    );
    assert_eq!(
        rows(&client, "SELECT Subject FROM Task").await[0]["Subject"],
        "Welcome Gone"
    );
    assert_eq!(rows(&client, "SELECT Id FROM Opportunity").await.len(), 1);
}

/// Apex Developer Guide, Execution Governors and Limits: the stack depth of recursive triggers is 16.
#[tokio::test(flavor = "multi_thread")]
async fn recursion_ends_at_a_depth_of_sixteen() {
    let client = with(&[(
        "Again",
        "trigger Again on Account (after insert) { insert new Account(Name = Trigger.new[0].Name + '.'); }",
    )])
    .await;
    let refused = client
        .post(&format!("{V}/sobjects/Account"), &json!({ "Name": "A" }))
        .await;
    let (status, code, message, _) = refused.error();
    assert_eq!((status, &*code), (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"));
    assert!(message.contains("maximum trigger depth exceeded"), "{message}");
    assert!(
        rows(&client, "SELECT Id FROM Account").await.is_empty(),
        "all is taken back"
    );
}

/// Governor limits cannot be caught (Apex Developer Guide, System.LimitException); the chunk is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_limit_takes_the_whole_chunk_back() {
    let client = with(&[(
        "Greedy",
        "trigger Greedy on Account (before insert) {
            for (Account a : Trigger.new) {
                try { Integer n = [SELECT COUNT() FROM Contact]; } catch (Exception e) { a.Site = 'caught'; }
            }
        }",
    )])
    .await;
    let record = |row: usize| json!({ "attributes": { "type": "Account" }, "Name": format!("row {row}") });
    let records: Vec<_> = (0..101).map(record).collect();
    let body = json!({ "allOrNone": false, "records": records });
    let answer = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    for row in [0, 100] {
        let error = &answer[row]["errors"][0];
        assert_eq!(
            error["statusCode"], "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "{answer}"
        );
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains("System.LimitException: Too many SOQL queries: 101"),
            "{message}"
        );
    }
    assert!(rows(&client, "SELECT Id FROM Account").await.is_empty());
}

/// Apex Developer Guide, DML Operations: an insert takes no Id, an update needs one.
#[tokio::test(flavor = "multi_thread")]
async fn programs_insert_without_and_update_with_an_id() {
    let client = with(&[]).await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let admin = client.org.org().admin;
    for (statement, message) in [
        (
            format!("insert new Account(Id = '{account}', Name = 'B');"),
            "System.DmlException: Insert failed. First exception on row 0 with id ",
        ),
        (
            "update new Account(Name = 'B');".to_owned(),
            "System.DmlException: Update failed. First exception on row 0; first error: MISSING_ARGUMENT, Id not specified in an update call: []",
        ),
        (
            "delete new Account(Name = 'B');".to_owned(),
            "System.DmlException: Delete failed. First exception on row 0; first error: MISSING_ARGUMENT, Id not specified in a delete call: []",
        ),
    ] {
        let failed = client.org.org().run_anonymous_apex(admin, &statement);
        let text = format!("{failed:?}");
        assert!(text.contains(message), "{statement}: {text}");
    }
}

/// A trigger that asks for other records and writes them, over ten thousand rows.
#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_with_a_trigger_that_writes_elsewhere() {
    let client = with(&[(
        "Link",
        "trigger Link on Contact (before insert, after insert) {
            if (Trigger.isBefore) {
                Account home = [SELECT Id, Name FROM Account WHERE Name = 'Home'];
                for (Contact c : Trigger.new) { c.AccountId = home.Id; }
                return;
            }
            Map<Id, Account> accounts = new Map<Id, Account>([SELECT Id, Name FROM Account]);
            List<Task> tasks = new List<Task>();
            for (Contact c : Trigger.new) {
                tasks.add(new Task(WhoId = c.Id, Subject = 'Greet at ' + accounts.get(c.AccountId).Name));
            }
            insert tasks;
        }",
    )])
    .await;
    client.create("Account", json!({ "Name": "Home" })).await;
    let csv: String = (0..10_000)
        .map(|row| format!("row {row},{row}@example.com\n"))
        .collect();
    let begun = Instant::now();
    let job = ingest(&client, "Contact", "insert", format!("LastName,Email\n{csv}")).await;
    let took = begun.elapsed();
    assert_eq!(
        (&job["state"], &job["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(0)),
        "{job}"
    );
    let tasks = rows(
        &client,
        "SELECT COUNT(Id) n FROM Task WHERE Subject = 'Greet at Home'",
    )
    .await;
    assert_eq!(tasks[0]["n"], 10_000);
    assert!(took < Duration::from_secs(60), "{took:?}");
}
