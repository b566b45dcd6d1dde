//! Changes that are pushed: received, decided, applied.

use causeway::app::idempotency::Idempotency;
use causeway::app::read;
use causeway::app::receive::{Posted, ReceiveError, Received, RowStatus, receive_changes};
use causeway_core::decide::Presence;
use causeway_core::ports::inbox::IdempotencyKey;
use causeway_core::ports::logs::{LogFilter, LogMethod};
use causeway_core::record::FieldValue;
use emulated_org::{RecordId, Value};
use serde_json::{Value as Json, json};

use crate::linked::{Linked, quick_options};

/// A change of a contact at second `at`, read half a second later.
fn change(id: &str, operation: &str, at: u32, fields: &Json) -> Json {
    json!({
        "object": "Contact", "operation": operation, "id": id,
        "systemModstamp": format!("2026-11-22T06:04:{at:02}.000+0000"),
        "observedAt": format!("2026-11-22T06:04:{at:02}.500Z"),
        "changedFields": ["LastName"], "fields": fields,
    })
}

fn fields(last_name: &str) -> Json {
    json!({"LastName": last_name, "Email": "a@b.example", "Birthdate": "1970-01-01", "AccountId": null})
}

fn posted(linked: &Linked, rows: &[Json]) -> Posted {
    Posted {
        connection: linked.connection,
        client: "pump".to_owned(),
        organization: linked.org.organization_id().as_str().to_owned(),
        changes: rows.iter().map(Json::to_string).collect(),
        idempotency: None,
    }
}

async fn push(linked: &Linked, rows: &[Json]) -> Received {
    receive_changes(&linked.app, posted(linked, rows)).await.unwrap()
}

async fn last_name(linked: &Linked, id: &str) -> Option<FieldValue> {
    linked
        .records("contact")
        .await
        .into_iter()
        .find(|record| record.salesforce_id.is_some_and(|found| found.as_str() == id))
        .map(|record| record.fields["last_name"].clone())
}

fn text(value: &str) -> Option<FieldValue> {
    Some(FieldValue::Text(value.to_owned()))
}

const ANN: &str = "003000000000001AAA";
const BOB: &str = "003000000000002AAA";

#[tokio::test]
async fn changes_out_of_order_and_twice_end_like_once_in_order() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    for at in [3, 1, 5, 2, 5, 4, 1] {
        let received = push(
            &linked,
            &[
                change(ANN, "update", at, &fields(&format!("Ann {at}"))),
                change(BOB, "update", at + 1, &fields(&format!("Bob {at}"))),
            ],
        )
        .await;
        assert_eq!(received.accepted, 2);
        if at % 2 == 0 {
            linked.drain_inbox().await;
        }
    }
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, ANN).await, text("Ann 5"));
    assert_eq!(last_name(&linked, BOB).await, text("Bob 5"));
    assert_eq!(linked.records("contact").await.len(), 2);
    let backlog = read::backlog(&linked.app, linked.connection).await.unwrap();
    assert_eq!(backlog.changes, 0);
}

#[tokio::test]
async fn bad_rows_are_refused_alone() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let mut unmapped = change(ANN, "update", 1, &fields("x"));
    unmapped["object"] = json!("Lead");
    let received = push(
        &linked,
        &[
            unmapped,
            change("003", "update", 1, &fields("x")),
            change(ANN, "update", 1, &fields("Ann")),
        ],
    )
    .await;
    let statuses: Vec<RowStatus> = received.results.iter().map(|row| row.status).collect();
    assert_eq!(
        statuses,
        [RowStatus::Rejected, RowStatus::Rejected, RowStatus::Accepted]
    );
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, ANN).await, text("Ann"));
}

#[tokio::test]
async fn deletes_and_undeletes_are_followed_and_older_news_revives_nothing() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    push(&linked, &[change(ANN, "create", 1, &fields("Ann"))]).await;
    linked.drain_inbox().await;
    push(&linked, &[change(ANN, "delete", 5, &json!({}))]).await;
    linked.drain_inbox().await;
    push(&linked, &[change(ANN, "update", 4, &fields("Zombie"))]).await;
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, ANN).await, None);
    let feed = linked.feed().await;
    assert_eq!((feed.len(), feed[0].presence), (1, Presence::Deleted));

    push(&linked, &[change(ANN, "undelete", 8, &fields("Ann again"))]).await;
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, ANN).await, text("Ann again"));
    assert_eq!(linked.feed().await.len(), 1, "the same record lives again");
}

async fn seeded_contact(linked: &Linked, last_name: &str) -> (RecordId, Json) {
    let ids = linked
        .org
        .seed("Contact", [vec![("LastName", Value::text(last_name))]])
        .unwrap();
    let id = ids[0];
    let salesforce = linked.salesforce().await;
    let soql = format!("SELECT SystemModstamp FROM Contact WHERE Id = '{}'", id.as_str());
    let found = salesforce
        .query(soql, causeway::salesforce::rest::Seen::Live)
        .all()
        .await
        .unwrap();
    (id, found[0]["SystemModstamp"].clone())
}

/// The same reading with other content, as two pumps may send it.
fn ambiguous(id: &str, stamp: &Json, last_name: &str) -> Json {
    let mut row = change(id, "update", 1, &fields(last_name));
    row["systemModstamp"] = stamp.clone();
    row["observedAt"] = stamp.clone();
    row
}

#[tokio::test]
async fn two_readings_of_one_version_that_differ_are_read_again() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let (id, stamp) = seeded_contact(&linked, "True").await;
    push(
        &linked,
        &[
            ambiguous(id.as_str(), &stamp, "One"),
            ambiguous(id.as_str(), &stamp, "Two"),
        ],
    )
    .await;
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, id.as_str()).await, text("True"));
    let backlog = read::backlog(&linked.app, linked.connection).await.unwrap();
    assert_eq!(backlog.changes, 0);
}

#[tokio::test]
async fn a_reading_of_an_earlier_save_of_the_same_second_takes_nothing_back() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let (id, stamp) = seeded_contact(&linked, "True").await;
    push(&linked, &[ambiguous(id.as_str(), &stamp, "True")]).await;
    linked.drain_inbox().await;

    let mut earlier = ambiguous(id.as_str(), &stamp, "Earlier");
    let second = stamp.as_str().unwrap();
    earlier["observedAt"] = json!(second.replace(".000", ".900"));
    push(&linked, &[earlier]).await;
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, id.as_str()).await, text("True"));
}

#[tokio::test]
async fn a_reading_that_salesforce_cannot_give_now_is_waited_for() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let (id, stamp) = seeded_contact(&linked, "True").await;
    push(
        &linked,
        &[
            ambiguous(id.as_str(), &stamp, "One"),
            ambiguous(id.as_str(), &stamp, "Two"),
        ],
    )
    .await;
    linked.org.faults().answer_next(4, 503, "SERVER_UNAVAILABLE");
    let round = causeway::app::inbox::decide_inbox(&linked.app, "test")
        .await
        .unwrap();
    assert_eq!((round.claimed, round.settled, round.postponed), (1, 0, 1));
    assert_eq!(
        read::backlog(&linked.app, linked.connection)
            .await
            .unwrap()
            .changes,
        2
    );

    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, id.as_str()).await, text("True"));
    assert_eq!(
        read::backlog(&linked.app, linked.connection)
            .await
            .unwrap()
            .changes,
        0
    );
}

#[tokio::test]
async fn a_record_deleted_in_between_is_found_deleted() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let (id, stamp) = seeded_contact(&linked, "True").await;
    push(
        &linked,
        &[
            ambiguous(id.as_str(), &stamp, "One"),
            ambiguous(id.as_str(), &stamp, "Two"),
        ],
    )
    .await;
    delete_in_org(&linked, id).await;
    linked.drain_inbox().await;
    assert_eq!(last_name(&linked, id.as_str()).await, None);
    assert_eq!(linked.feed().await[0].presence, Presence::Deleted);
}

/// Deletes over the org's public API, as a user's session would.
async fn delete_in_org(linked: &Linked, id: RecordId) {
    let session = emulated_org::tokens::Session {
        user: linked.org.org().admin,
        app: "user".to_owned(),
        scopes: vec!["api".to_owned()],
    };
    let token =
        linked
            .org
            .org()
            .tokens
            .issue(linked.org.organization_id(), session, linked.org.clock().now());
    let url = format!(
        "{}/services/data/v67.0/sobjects/Contact/{}",
        linked.org.url(),
        id.as_str()
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.delete(url).bearer_auth(token).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 204);
}

fn with_key(linked: &Linked, key: &str, hash: u8, rows: &[Json]) -> Posted {
    Posted {
        idempotency: Some(Idempotency {
            key: IdempotencyKey {
                client: "pump".to_owned(),
                route: "POST /v1/salesforce/changes".to_owned(),
                key: key.to_owned(),
            },
            body_hash: [hash; 32],
        }),
        ..posted(linked, rows)
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_is_received_once() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let rows = [change(ANN, "update", 1, &fields("Ann"))];
    let first = receive_changes(&linked.app, with_key(&linked, "k", 1, &rows))
        .await
        .unwrap();
    let again = receive_changes(&linked.app, with_key(&linked, "k", 1, &rows))
        .await
        .unwrap();
    assert_eq!(again, first);
    assert_eq!(
        read::backlog(&linked.app, linked.connection)
            .await
            .unwrap()
            .changes,
        1
    );
    let other = receive_changes(&linked.app, with_key(&linked, "k", 2, &rows)).await;
    assert_eq!(other, Err(ReceiveError::KeyReused));
}

#[tokio::test]
async fn changes_of_another_org_are_refused_as_a_whole() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let mut posted = posted(&linked, &[change(ANN, "update", 1, &fields("Ann"))]);
    posted.organization = "00D000000000999".to_owned();
    assert!(matches!(
        receive_changes(&linked.app, posted).await,
        Err(ReceiveError::OtherOrganization { .. })
    ));
    assert_eq!(
        read::backlog(&linked.app, linked.connection)
            .await
            .unwrap()
            .changes,
        0
    );
}

#[tokio::test]
async fn every_decided_change_is_in_the_log_with_what_was_and_what_is() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    push(&linked, &[change(ANN, "create", 1, &fields("Ann"))]).await;
    linked.drain_inbox().await;
    push(&linked, &[change(ANN, "update", 2, &fields("Anna"))]).await;
    linked.drain_inbox().await;
    push(&linked, &[change(ANN, "update", 3, &fields(""))]).await;
    linked.drain_inbox().await;

    let (logs, more) = read::logs(&linked.app, linked.connection, LogFilter::default(), None, 10)
        .await
        .unwrap();
    assert!(!more);
    let methods: Vec<(LogMethod, u16)> = logs
        .iter()
        .map(|log| (log.entry.method, log.entry.status))
        .collect();
    assert_eq!(
        methods,
        [
            (LogMethod::Put, 422),
            (LogMethod::Put, 200),
            (LogMethod::Post, 201)
        ]
    );
    let data: Json = serde_json::from_str(&logs[1].entry.data).unwrap();
    assert_eq!(data["before"]["fields"]["last_name"], "Ann");
    assert_eq!(data["after"]["fields"]["last_name"], "Anna");
    assert!(
        logs[0].entry.cause.contains("last_name"),
        "{}",
        logs[0].entry.cause
    );

    let record = linked.records("contact").await.remove(0);
    let history = read::history(&linked.app, linked.connection, "contact", record.id, 10)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].partner_field.as_deref(), Some("last_name"));
    assert_eq!(history[0].entry.partner_before, text("Ann"));
}
