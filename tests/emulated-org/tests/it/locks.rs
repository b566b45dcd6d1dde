//! `UNABLE_TO_LOCK_ROW` by parent, whichever way the rows come.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::time::Duration;

use chrono::TimeDelta;
use emulated_org::bulk::ProcessingTime;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::composite::{composite, statuses, subrequest};
use crate::people::{NINA, nina};
use crate::tree::node;
use crate::{bulk_classic, ingest};

/// An organisation in which somebody's unfinished save of a contact locks the contact's account for an hour.
struct Locked {
    client: Client,
    account: String,
    free: String,
}

impl Locked {
    async fn start() -> Self {
        let client = ingest::start().await;
        let times = ProcessingTime {
            waiting: TimeDelta::seconds(1),
            running: TimeDelta::seconds(1),
        };
        client.org.org().ingest.set_processing_time(times);
        client.org.org().bulk.set_processing_time(times);
        nina(&client).await;
        let account = client.create("Account", json!({ "Name": "A" })).await;
        let free = client.create("Account", json!({ "Name": "B" })).await;
        let contact = client
            .create("Contact", json!({ "LastName": "C", "AccountId": account }))
            .await;
        let late = json!({
            "as": NINA,
            "deeds": [{ "update": { "id": contact, "fields": { "LastName": "D" } } }],
            "commitAfterMilliseconds": 3_600_000,
        });
        let begun = client.knob(Method::POST, "/emulator/people", &late).await;
        assert_eq!(begun.status, 200, "{}", begun.text);
        Self {
            client,
            account,
            free,
        }
    }

    fn contacts(&self) -> [Json; 2] {
        [&self.account, &self.free].map(|account| json!({ "LastName": "E", "AccountId": account }))
    }

    fn csv(&self) -> String {
        format!("LastName,AccountId\nE,{}\nE,{}\n", self.account, self.free)
    }

    /// The names of contacts that were made below the locked account and below the other one.
    async fn made(&self) -> [u64; 2] {
        let mut counts = [0; 2];
        for (count, account) in counts.iter_mut().zip([&self.account, &self.free]) {
            let soql = format!("SELECT+COUNT()+FROM+Contact+WHERE+LastName='E'+AND+AccountId='{account}'");
            let answer = self.client.get(&format!("{V}/query?q={soql}")).await.json();
            *count = answer["totalSize"].as_u64().expect("a count");
        }
        counts
    }

    async fn end(&self) {
        self.client.org.clock().advance(Duration::from_hours(1));
    }
}

const LOCKED: &str = "UNABLE_TO_LOCK_ROW";

#[tokio::test]
async fn rows_of_a_collection_below_a_locked_parent_are_refused_alone_or_with_all() {
    let locked = Locked::start().await;
    let records = locked.contacts().map(|mut contact| {
        contact["attributes"] = json!({ "type": "Contact" });
        contact
    });
    let path = format!("{V}/composite/sobjects");
    let rows = async |all_or_none: bool| {
        let body = json!({ "allOrNone": all_or_none, "records": records });
        let rows = locked.client.post(&path, &body).await.json();
        [0, 1].map(|row| rows[row]["errors"][0]["statusCode"].clone())
    };
    assert_eq!(
        rows(true).await,
        [json!(LOCKED), json!("ALL_OR_NONE_OPERATION_ROLLED_BACK")]
    );
    assert_eq!(locked.made().await, [0, 0]);
    assert_eq!(rows(false).await, [json!(LOCKED), Json::Null]);
    locked.end().await;
    assert_eq!(rows(true).await, [Json::Null, Json::Null]);
    assert_eq!(locked.made().await, [1, 2]);
}

#[tokio::test]
async fn a_subrequest_below_a_locked_parent_is_refused_alone_or_with_all() {
    let locked = Locked::start().await;
    let ask = async |all_or_none: bool| {
        let [first, second] = locked.contacts();
        let both = vec![
            subrequest("POST", "sobjects/Contact", "held", first),
            subrequest("POST", "sobjects/Contact", "free", second),
        ];
        composite(&locked.client, all_or_none, both).await
    };
    let answer = ask(true).await;
    assert_eq!(statuses(&answer), [400, 400]);
    let results = &answer.json()["compositeResponse"];
    assert_eq!(results[0]["body"][0]["errorCode"], LOCKED);
    assert_eq!(results[1]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(statuses(&ask(false).await), [400, 201]);
    locked.end().await;
    assert_eq!(statuses(&ask(true).await), [201, 201]);
    assert_eq!(locked.made().await, [1, 2]);
}

#[tokio::test]
async fn a_record_below_a_locked_parent_takes_its_tree_back() {
    let locked = Locked::start().await;
    let [held, free] = locked.contacts();
    let tree = json!({ "records": [node("Contact", "free", free), node("Contact", "held", held)] });
    let path = format!("{V}/composite/tree/Contact");
    let refused = locked.client.post(&path, &tree).await;
    assert_eq!(refused.status, 400);
    let results = refused.json()["results"].clone();
    assert_eq!(results.as_array().map(Vec::len), Some(1), "{results}");
    assert_eq!(
        (&results[0]["referenceId"], &results[0]["errors"][0]["statusCode"]),
        (&json!("held"), &json!(LOCKED))
    );
    assert_eq!(locked.made().await, [0, 0]);
    locked.end().await;
    assert_eq!(locked.client.post(&path, &tree).await.status, 201);
    assert_eq!(locked.made().await, [1, 1]);
}

#[tokio::test]
async fn trees_lock_out_who_writes_below_the_same_parent() {
    let client = Client::start().await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let hold = json!({ "holdLocksMilliseconds": 400 });
    client.knob(Method::POST, "/emulator/faults", &hold).await;
    let contact = json!({ "LastName": "C", "AccountId": account });
    let tree = json!({ "records": [node("Contact", "c", contact.clone())] });
    let (tree_path, contacts) = (
        format!("{V}/composite/tree/Contact"),
        format!("{V}/sobjects/Contact"),
    );
    let (first, second) = tokio::join!(client.post(&tree_path, &tree), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        client.post(&contacts, &contact).await
    });
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(second.refusal(), (400, LOCKED.to_owned()));
    assert_eq!(client.post(&contacts, &contact).await.status, 201);
}

#[tokio::test]
async fn rows_of_a_bulk_chunk_below_a_locked_parent_are_refused_alone() {
    let locked = Locked::start().await;
    let client = &locked.client;
    let run = async || {
        let job = ingest::create(client, ingest::insert("Contact")).await;
        assert_eq!(ingest::put(client, &job, &locked.csv()).await.status, 201);
        assert_eq!(ingest::close(client, &job).await.status, 200);
        client.org.clock().advance(Duration::from_secs(3));
        job
    };
    let job = run().await;
    assert_eq!(client.get(&job).await.json()["state"], "JobComplete");
    let refused = ingest::rows(client, &job, "failedResults").await;
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0]["AccountId"], locked.account);
    assert!(refused[0]["sf__Error"].starts_with("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access"));
    assert_eq!(locked.made().await, [0, 1]);
    locked.end().await;
    let job = run().await;
    assert_eq!(ingest::rows(client, &job, "successfulResults").await.len(), 2);
}

#[tokio::test]
async fn rows_of_a_batch_of_the_first_bulk_api_below_a_locked_parent_are_refused_alone() {
    let locked = Locked::start().await;
    let client = &locked.client;
    let run = async || {
        let job = bulk_classic::create(client, bulk_classic::job("insert", "Contact")).await;
        let batch = bulk_classic::add(client, &job, &locked.csv()).await;
        client.org.clock().advance(Duration::from_secs(3));
        let results = bulk_classic::get(client, &format!("{batch}/result")).await;
        let mut reader = csv::Reader::from_reader(results.text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
        rows.iter()
            .map(|row| (row[1].to_owned(), row[3].to_owned()))
            .collect::<Vec<_>>()
    };
    let rows = run().await;
    assert_eq!(
        (rows[0].0.as_str(), rows[1].0.as_str()),
        ("false", "true"),
        "{rows:?}"
    );
    assert!(rows[0].1.starts_with(LOCKED), "{rows:?}");
    assert_eq!(locked.made().await, [0, 1]);
    locked.end().await;
    assert!(run().await.iter().all(|(success, _)| success == "true"));
}
