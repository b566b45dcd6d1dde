//! Apex in the organisation: triggers on every way to write, and what they hand over for later.
#![cfg(test)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use apex_runtime::{Source, TestFilter};
use chrono::TimeDelta;
use emulated_org::apex::callout::RemoteSite;
use emulated_org::bulk::ProcessingTime;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

async fn with(sources: &[(&str, &str)]) -> Client {
    let client = Client::start().await;
    let sources = sources.iter().map(|(name, text)| {
        if text.trim_start().starts_with("trigger") {
            Source::trigger(*name, *text)
        } else {
            Source::class(*name, *text)
        }
    });
    client
        .org
        .org()
        .set_apex(sources.collect())
        .expect("the sources compile");
    client
}

async fn soql(client: &Client, query: &str) -> Json {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = client.get(&format!("{V}/query?q={query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_before_trigger_changes_what_is_stored() {
    let client = with(&[(
        "AccountTrigger",
        "trigger AccountTrigger on Account (before insert, before update) {
            for (Account a : Trigger.new) {
                a.Description = (Trigger.isInsert ? 'made ' : 'changed ') + a.Name;
            }
        }",
    )])
    .await;
    let id = client
        .create("Account", json!({ "Name": "Acme", "NumberOfEmployees": 3 }))
        .await;
    let stored = client.read("Account", &id).await;
    assert_eq!(
        (&stored["Description"], &stored["NumberOfEmployees"]),
        (&json!("made Acme"), &json!(3))
    );
    let answer = client
        .patch(
            &format!("{V}/sobjects/Account/{id}"),
            &json!({ "Name": "Acme 2" }),
        )
        .await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    let stored = client.read("Account", &id).await;
    assert_eq!(
        (&stored["Description"], &stored["NumberOfEmployees"]),
        (&json!("changed Acme 2"), &json!(3))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_after_trigger_writes_in_the_same_transaction() {
    let client = with(&[(
        "AccountTrigger",
        "trigger AccountTrigger on Account (after insert) {
            List<Contact> contacts = new List<Contact>();
            for (Account a : Trigger.new) {
                contacts.add(new Contact(LastName = a.Name, AccountId = a.Id));
            }
            insert contacts;
            if ([SELECT COUNT() FROM Contact WHERE AccountId IN :Trigger.newMap.keySet()] != contacts.size()) {
                Trigger.new[0].addError('no contact');
            }
            if (Trigger.new[0].Name == 'Bad') { Trigger.new[0].addError('bad name'); }
        }",
    )])
    .await;
    let id = client.create("Account", json!({ "Name": "Acme" })).await;
    let found = soql(
        &client,
        &format!("SELECT LastName, AccountId FROM Contact WHERE AccountId = '{id}'"),
    )
    .await;
    assert_eq!(found["records"][0]["LastName"], "Acme");
    let answer = client
        .post(&format!("{V}/sobjects/Account"), &json!({ "Name": "Bad" }))
        .await;
    let (status, code, message, _) = answer.error();
    assert_eq!(
        (status, &*code, &*message),
        (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "bad name")
    );
    assert_eq!(
        soql(&client, "SELECT Id FROM Contact WHERE LastName = 'Bad'").await["totalSize"],
        0
    );
}

/// Apex Developer Guide, Bulk DML Exception Handling: the rows that are left go through the triggers again, and
/// statics are as the first attempt left them.
#[tokio::test(flavor = "multi_thread")]
async fn triggers_fire_again_for_the_rows_that_are_left() {
    let client = with(&[
        ("Seen", "public class Seen { public static Integer times = 0; }"),
        (
            "AccountTrigger",
            "trigger AccountTrigger on Account (before insert) {
                Seen.times++;
                for (Account a : Trigger.new) {
                    a.Description = Seen.times + ' of ' + Trigger.size;
                    if (a.Name == 'Bad') { a.Name.addError('bad name'); }
                }
            }",
        ),
    ])
    .await;
    let row = |name: &str| json!({ "attributes": { "type": "Account" }, "Name": name });
    let body = json!({ "allOrNone": false, "records": [row("A"), row("Bad"), row("C")] });
    let answer = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    assert_eq!(answer[1]["errors"][0]["message"], "bad name", "{answer}");
    let stored = client
        .read("Account", answer[2]["id"].as_str().expect("an id"))
        .await;
    assert_eq!(stored["Description"], "2 of 2");

    let body = json!({ "allOrNone": true, "records": [row("A"), row("Bad")] });
    let answer = client
        .post(&format!("{V}/composite/sobjects"), &body)
        .await
        .json();
    assert_eq!(
        answer[0]["errors"][0]["statusCode"],
        "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_trigger_throws_is_told_in_salesforces_words() {
    let client = with(&[(
        "AccountTrigger",
        "trigger AccountTrigger on Account (before insert) {
            String nothing;
            nothing.length();
        }",
    )])
    .await;
    let answer = client
        .post(&format!("{V}/sobjects/Account"), &json!({ "Name": "A" }))
        .await;
    let (status, code, message, _) = answer.error();
    assert_eq!((status, &*code), (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"));
    assert_eq!(
        message,
        "AccountTrigger: execution of BeforeInsert\n\ncaused by: System.NullPointerException: Attempt to \
         de-reference a null object\n\nTrigger.AccountTrigger: line 3, column 1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_fires_for_the_record_and_not_for_its_children() {
    let client = with(&[
        (
            "AccountTrigger",
            "trigger AccountTrigger on Account (before delete, after undelete) {
                if (Trigger.isDelete && Trigger.old[0].Name == 'Kept') { Trigger.old[0].addError('kept'); }
            }",
        ),
        (
            "ContactTrigger",
            "trigger ContactTrigger on Contact (before delete) { Trigger.old[0].addError('never'); }",
        ),
    ])
    .await;
    let kept = client.create("Account", json!({ "Name": "Kept" })).await;
    let answer = client.delete(&format!("{V}/sobjects/Account/{kept}")).await;
    assert_eq!(answer.error().2, "kept");
    let gone = client.create("Account", json!({ "Name": "Gone" })).await;
    let contact = client
        .create("Contact", json!({ "LastName": "C", "AccountId": gone }))
        .await;
    assert_eq!(
        client
            .delete(&format!("{V}/sobjects/Contact/{contact}"))
            .await
            .error()
            .2,
        "never"
    );
    assert_eq!(
        client
            .delete(&format!("{V}/sobjects/Account/{gone}"))
            .await
            .status,
        204
    );
}

/// One request on a socket, answered with 200.
fn server() -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = Vec::new();
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&request).contains("\"end\"") {
            let read = stream.read(&mut part).expect("bytes");
            if read == 0 {
                break;
            }
            request.extend_from_slice(&part[..read]);
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
        stream.write_all(answer.as_bytes()).expect("an answer");
        String::from_utf8_lossy(&request).into_owned()
    });
    (url, thread)
}

fn pump(url: &str) -> [(&'static str, String); 2] {
    [
        (
            "Pump",
            format!(
                "public class Pump implements Queueable, Database.AllowsCallouts {{
                    private List<Id> ids;
                    public Pump(List<Id> ids) {{ this.ids = ids; }}
                    public void execute(QueueableContext context) {{
                        HttpRequest request = new HttpRequest();
                        request.setMethod('POST');
                        request.setEndpoint('{url}/push');
                        request.setBody('{{\"id\":\"' + ids[0] + '\",\"end\":1}}');
                        HttpResponse response = new Http().send(request);
                        update new Account(Id = ids[0], Description = response.getBody() + response.getStatusCode());
                    }}
                }}"
            ),
        ),
        (
            "AccountTrigger",
            "trigger AccountTrigger on Account (after insert) {
                System.enqueueJob(new Pump(new List<Id>(Trigger.newMap.keySet())));
            }"
            .to_owned(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_enqueues_a_queueable_that_calls_a_real_server() {
    let (url, served) = server();
    let sources = pump(&url);
    let sources: Vec<_> = sources
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let client = with(&sources).await;
    client.org.org().add_remote_site(RemoteSite::new(&url));
    let id = client.create("Account", json!({ "Name": "Acme" })).await;
    assert!(
        client.org.org().wait_for_apex(Duration::from_secs(20)),
        "the job ends"
    );
    let job = soql(
        &client,
        "SELECT Status, ExtendedStatus, JobType, ApexClass.Name FROM AsyncApexJob",
    )
    .await;
    assert_eq!(job["records"][0]["Status"], "Completed", "{job}");
    assert_eq!(job["records"][0]["ApexClass"]["Name"], "Pump");
    let request = served.join().expect("the request");
    assert!(
        request.starts_with("POST /push") && request.contains(&id),
        "{request}"
    );
    assert_eq!(client.read("Account", &id).await["Description"], "ok200");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_without_a_remote_site_is_refused() {
    let sources = pump("http://127.0.0.1:9");
    let sources: Vec<_> = sources
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    let client = with(&sources).await;
    client.create("Account", json!({ "Name": "Acme" })).await;
    assert!(
        client.org.org().wait_for_apex(Duration::from_secs(20)),
        "the job ends"
    );
    let job = soql(&client, "SELECT Status, ExtendedStatus FROM AsyncApexJob").await;
    assert_eq!(
        job["records"][0]["ExtendedStatus"],
        "System.CalloutException: Unauthorized endpoint, please check Setup->Security->Remote site settings. \
         endpoint = http://127.0.0.1:9/push",
        "{job}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_by_bulk_run_through_a_trigger() {
    let client = with(&[(
        "AccountTrigger",
        "trigger AccountTrigger on Account (before insert, after insert) {
            for (Account a : Trigger.new) {
                if (Trigger.isBefore) { a.Description = a.Name.toUpperCase(); }
            }
        }",
    )])
    .await;
    client.org.org().ingest.set_processing_time(ProcessingTime {
        waiting: TimeDelta::zero(),
        running: TimeDelta::zero(),
    });
    let job = json!({ "object": "Account", "operation": "insert" });
    let job = client.post(&format!("{V}/jobs/ingest"), &job).await.json();
    let path = format!("{V}/jobs/ingest/{}", job["id"].as_str().expect("an id"));
    let mut csv = String::from("Name,NumberOfEmployees\n");
    for row in 0..10_000 {
        csv.push_str(&format!("row {row},{row}\n"));
    }
    let begun = Instant::now();
    let upload = client
        .request(Method::PUT, &format!("{path}/batches"))
        .header("content-type", "text/csv");
    assert_eq!(client.send(upload.body(csv)).await.status, 201);
    let closed = client.patch(&path, &json!({ "state": "UploadComplete" })).await;
    assert_eq!(closed.status, 200, "{}", closed.text);
    let mut state = client.get(&path).await.json();
    while state["state"] != "JobComplete" && begun.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        state = client.get(&path).await.json();
    }
    assert_eq!(
        (&state["state"], &state["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(0)),
        "{state}"
    );
    let seconds = begun.elapsed();
    let done = soql(&client, "SELECT COUNT() FROM Account WHERE Name LIKE 'row %'").await;
    assert_eq!(done["totalSize"], 10_000);
    assert!(seconds < Duration::from_secs(60), "{seconds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_see_no_data_and_leave_none() {
    let client = with(&[(
        "AccountTest",
        "@IsTest
        private class AccountTest {
            @TestSetup static void setup() { insert new Account(Name = 'Setup'); }
            @IsTest static void first() {
                System.assertEquals(1, [SELECT COUNT() FROM Account]);
                insert new Account(Name = 'First');
            }
            @IsTest static void second() {
                System.assertEquals('Setup', [SELECT Name FROM Account].Name);
                try {
                    insert new Account();
                    System.assert(false, 'refused');
                } catch (DmlException e) {
                    System.assertEquals(
                        'Insert failed. First exception on row 0; first error: REQUIRED_FIELD_MISSING, Required fields are missing: [Name]: [Name]',
                        e.getMessage());
                }
            }
        }",
    )])
    .await;
    client.create("Account", json!({ "Name": "Real" })).await;
    let run = client.org.org().run_apex_tests(&TestFilter::default());
    let failures: Vec<_> = run
        .results
        .iter()
        .filter_map(|result| result.failure.clone())
        .collect();
    assert!(failures.is_empty() && run.results.len() == 2, "{failures:?}");
    assert_eq!(soql(&client, "SELECT Name FROM Account").await["totalSize"], 1);
}

#[tokio::test]
async fn what_does_not_compile_is_refused_with_its_place() {
    let client = Client::start().await;
    let source = Source::class("Broken", "public class Broken {\n    Integer x = 'text';\n}");
    let errors = client
        .org
        .org()
        .set_apex(vec![source])
        .expect_err("it does not compile");
    assert_eq!((&*errors[0].file, errors[0].at.line), ("Broken", 2), "{errors:?}");
}
