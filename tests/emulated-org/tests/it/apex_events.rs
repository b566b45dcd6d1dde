//! Platform events from their publication to their triggers.
//!
//! Source: Platform Events Developer Guide.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use apex_runtime::Source;
use emulated_org::apex::source;
use emulated_org::{EmulatedOrg, Options};
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

/// Two events with a text: `After__e` is published after the commit, `At_Once__e` immediately.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, behavior) in [
        ("After__e", "PublishAfterCommit"),
        ("At_Once__e", "PublishImmediately"),
    ] {
        let object = folder.path().join("objects").join(name);
        fs::create_dir_all(object.join("fields")).expect("a folder");
        let text = format!(
            "<CustomObject xmlns=\"http://soap.sforce.com/2006/04/metadata\">
                <deploymentStatus>Deployed</deploymentStatus><eventType>HighVolume</eventType>
                <label>{name}</label><pluralLabel>{name}</pluralLabel>
                <publishBehavior>{behavior}</publishBehavior>
            </CustomObject>"
        );
        fs::write(object.join(format!("{name}.object-meta.xml")), text).expect("written");
        let text = "<CustomField xmlns=\"http://soap.sforce.com/2006/04/metadata\">
            <fullName>Text__c</fullName><label>Text</label><length>80</length><type>Text</type>
            </CustomField>";
        fs::write(object.join("fields/Text__c.field-meta.xml"), text).expect("written");
    }
    folder
}

const LISTENERS: [(&str, &str); 3] = [
    (
        "Heard",
        "public class Heard {
            public static Integer transactions = 0;
            public static void note(String text) {
                insert as system new Lead(LastName = text, Company = String.valueOf(++transactions),
                    Description = UserInfo.getName());
            }
        }",
    ),
    (
        "OnAfter",
        "trigger OnAfter on After__e (after insert) {
            List<String> texts = new List<String>();
            for (After__e event : Trigger.new) {
                texts.add(event.Text__c);
                Assert.areEqual(36, event.EventUuid.length());
                Assert.isNotNull(event.ReplayId);
                Assert.isNotNull(event.CreatedById);
            }
            Heard.note(String.join(texts, ','));
        }",
    ),
    (
        "OnAtOnce",
        "trigger OnAtOnce on At_Once__e (after insert) {
            for (At_Once__e event : Trigger.new) { Heard.note('at once ' + event.Text__c); }
        }",
    ),
];

async fn with(folders: Vec<PathBuf>, more: &[(&str, &str)]) -> Client {
    let client = Client::start_with(Options {
        sfdx_source: folders.clone(),
        ..Options::default()
    })
    .await;
    let mut sources = source::read(&folders).expect("the folders");
    sources.extend(more.iter().map(|(name, text)| {
        if text.trim_start().starts_with("trigger") {
            Source::trigger(*name, *text)
        } else {
            Source::class(*name, *text)
        }
    }));
    client.org.org().set_apex(sources).expect("the sources compile");
    client
}

async fn listening(more: &[(&str, &str)]) -> Client {
    let folder = folder();
    let sources: Vec<_> = LISTENERS.iter().chain(more).copied().collect();
    with(vec![folder.path().to_owned()], &sources).await
}

fn settle(org: &EmulatedOrg) {
    assert!(org.org().wait_for_apex(Duration::from_secs(20)), "it settles");
}

async fn rows(client: &Client, query: &str) -> Vec<Json> {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let answer = client.get(&format!("{V}/query?q={query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().cloned().expect("records")
}

async fn heard(client: &Client) -> Vec<String> {
    settle(&client.org);
    let found = rows(client, "SELECT LastName FROM Lead ORDER BY LastName").await;
    found
        .iter()
        .map(|lead| lead["LastName"].as_str().expect("a name").to_owned())
        .collect()
}

const PUBLISHES: (&str, &str) = (
    "Publishes",
    "trigger Publishes on Account (after insert) {
        for (Account a : Trigger.new) {
            EventBus.publish(new After__e(Text__c = a.Name));
            EventBus.publish(new At_Once__e(Text__c = a.Name));
            if (a.Name.startsWith('bad')) { a.addError('no'); }
        }
    }",
);

#[tokio::test(flavor = "multi_thread")]
async fn events_reach_their_triggers_together_and_as_the_automated_process() {
    let client = listening(&[PUBLISHES]).await;
    let body = json!({ "allOrNone": true, "records": [
        { "attributes": { "type": "Account" }, "Name": "a" },
        { "attributes": { "type": "Account" }, "Name": "b" },
    ] });
    let answer = client.post(&format!("{V}/composite/sobjects"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(heard(&client).await, ["a,b", "at once a", "at once b"]);
    let query = "SELECT Description, CreatedBy.Name, CreatedBy.Alias FROM Lead WHERE LastName = 'a,b'";
    let lead = &rows(&client, query).await[0];
    assert_eq!(
        (
            &lead["Description"],
            &lead["CreatedBy"]["Name"],
            &lead["CreatedBy"]["Alias"]
        ),
        (
            &json!("Automated Process"),
            &json!("Automated Process"),
            &json!("autoproc")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_at_once_survives_the_rollback_of_its_save() {
    let client = listening(&[PUBLISHES]).await;
    let answer = client
        .post(&format!("{V}/sobjects/Account"), &json!({ "Name": "bad" }))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(heard(&client).await, ["at once bad"]);
    let text = "Savepoint before = Database.setSavepoint();
        EventBus.publish(new After__e(Text__c = 'lost'));
        EventBus.publish(new At_Once__e(Text__c = 'kept'));
        Database.rollback(before);
        EventBus.publish(new After__e(Text__c = 'later'));";
    let org = client.org.org();
    org.run_anonymous_apex(org.admin, text).expect("it runs");
    assert_eq!(heard(&client).await, ["at once bad", "at once kept", "later"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_fails_takes_back_what_waits_for_its_commit() {
    let client = listening(&[PUBLISHES]).await;
    let part = |name: &str| {
        json!({ "method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": name,
            "body": { "Name": name } })
    };
    let body = json!({ "allOrNone": true, "compositeRequest": [part("good"), part("bad")] });
    let answer = client.post(&format!("{V}/composite"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(heard(&client).await, ["at once bad", "at once good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_that_asks_again_gets_its_events_nine_times_more_and_then_stops() {
    let asks = "trigger Asks on After__e (after insert) {
        EventBus.publish(new At_Once__e(Text__c = Trigger.new[0].Text__c));
        throw new EventBus.RetryableException('later');
    }";
    let folder = folder();
    let [heard_class, _, at_once] = LISTENERS;
    let client = with(
        vec![folder.path().to_owned()],
        &[heard_class, at_once, ("Asks", asks)],
    )
    .await;
    let org = client.org.org();
    for text in ["one", "two"] {
        let text = format!("EventBus.publish(new After__e(Text__c = '{text}'));");
        org.run_anonymous_apex(org.admin, &text).expect("it runs");
        settle(&client.org);
    }
    assert_eq!(heard(&client).await, vec!["at once one"; 10]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_publishes_150_events_at_once_and_no_more() {
    let client = listening(&[]).await;
    let org = client.org.org();
    let text = "for (Integer i = 0; i < 151; i++) { EventBus.publish(new At_Once__e(Text__c = 'x')); }";
    let refused = org
        .run_anonymous_apex(org.admin, text)
        .expect_err("the limit is 150");
    assert!(
        format!("{refused:?}").contains("Too many publish immediate DML statements: 151"),
        "{refused:?}"
    );
    // What was published before the limit was met stays published.
    assert_eq!(heard(&client).await.len(), 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_package_asks_for_a_reconcile_by_event_where_a_save_has_no_dml_left() {
    let greedy = "trigger Greedy on Contact (before insert) {
        for (Integer i = 0; i < 145; i++) { insert as system new Lead(LastName = 'x', Company = 'x'); }
    }";
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../force-app/main");
    let parts = [
        "capture",
        "dispatch",
        "settings",
        "shared/classes",
        "shared/objects",
        "shared/labels",
        "shared/customPermissions",
    ];
    let parts = parts.iter().map(|part| package.join(part)).collect();
    let client = with(parts, &[("Greedy", greedy)]).await;
    let org = client.org.org();
    let text = "insert as system new Captured_Field__c(Name = 'LastName', Object__c = 'Contact', Field__c = 'LastName');";
    org.run_anonymous_apex(org.admin, text).expect("it runs");
    let answer = client
        .post(&format!("{V}/sobjects/Contact"), &json!({ "LastName": "Ng" }))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    settle(&client.org);
    let markers = rows(&client, "SELECT Object__c FROM Reconcile__c").await;
    assert_eq!(markers.len(), 1, "{markers:?}");
    assert_eq!(markers[0]["Object__c"], "Contact");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_systems_publish_events_by_inserting_them() {
    let client = listening(&[]).await;
    let made = client
        .post(&format!("{V}/sobjects/After__e"), &json!({ "Text__c": "one" }))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    assert_eq!(made["success"], true);
    assert_eq!(made["errors"][0]["statusCode"], "OPERATION_ENQUEUED");
    assert_eq!(made["errors"][0]["message"].as_str().map(str::len), Some(36));
    assert_eq!(heard(&client).await, ["one"]);
    let composite = json!({ "compositeRequest": [
        { "method": "POST", "url": format!("{V}/sobjects/After__e"), "referenceId": "a", "body": { "Text__c": "two" } },
        { "method": "POST", "url": format!("{V}/sobjects/After__e"), "referenceId": "b", "body": { "Ghost__c": "x" } },
    ] });
    let answer = client.post(&format!("{V}/composite"), &composite).await.json();
    let status = |at: usize| answer["compositeResponse"][at]["httpStatusCode"].clone();
    assert_eq!((status(0), status(1)), (json!(201), json!(400)), "{answer:#}");
    assert_eq!(heard(&client).await.len(), 2);
    let deleted = client
        .delete(&format!(
            "{V}/sobjects/After__e/{}",
            made["id"].as_str().expect("an id")
        ))
        .await;
    assert!(
        (400..500).contains(&deleted.status),
        "nothing is kept: {}",
        deleted.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_composite_request_that_is_taken_back_publishes_what_is_published_at_once() {
    let client = listening(&[]).await;
    let part = |object: &str, id: &str| {
        json!({ "method": "POST", "url": format!("{V}/sobjects/{object}"), "referenceId": id,
                "body": { "Text__c": object } })
    };
    let wrong =
        json!({ "method": "POST", "url": format!("{V}/sobjects/Account"), "referenceId": "c", "body": {} });
    let composite = json!({ "allOrNone": true, "compositeRequest": [
        part("After__e", "a"), part("At_Once__e", "b"), wrong,
    ] });
    client.post(&format!("{V}/composite"), &composite).await;
    assert_eq!(heard(&client).await, ["at once At_Once__e"]);
}
