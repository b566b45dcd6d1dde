//! What partners are answered: problems that name what was meant, in bounds, and first answers that are kept.

use std::time::Duration;

use causeway::app::idempotency::Idempotency;
use causeway::app::post::{PostError, Posted, Requested, RowOutcome, post};
use causeway_core::ports::Lane;
use causeway_core::ports::inbox::{IdempotencyKey, SavedAnswer};
use causeway_core::units::partner_news::PostMode;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::two_ways::{accepted, both_ways, post_one};

const CONTACTS: &str = "/v1/records/contact";

#[tokio::test]
async fn an_unknown_field_is_answered_with_the_nearest_one_and_where_all_are() {
    let gateway = both_ways("delete").await;
    let message = async |field: &str| {
        let refused = post_one(
            &gateway,
            "contact",
            json!({"fields": {"last_name": "Ng", field: "x"}}),
        )
        .await;
        assert_eq!(refused["problems"][0]["code"], "unknown-field", "{refused}");
        refused["problems"][0]["message"].as_str().unwrap().to_owned()
    };
    let near = message("emial").await;
    assert!(near.contains("Did you mean `email`?"), "{near}");
    let far = message("shoe_size").await;
    assert!(!far.contains("Did you mean"), "{far}");
    for message in [near, far] {
        assert!(message.contains("GET /v1/mappings"), "{message}");
        assert!(
            !message.contains("last_name") && !message.contains("birthday"),
            "{message}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn problems_are_named_up_to_a_bound_of_the_row_and_of_the_request() {
    let gateway = both_ways("delete").await;
    let unknown: serde_json::Map<String, Value> = (0..30)
        .map(|number| (format!("unknown{number}"), json!(1)))
        .collect();
    let mut rows = vec![json!({"fields": unknown}); 60];
    rows.push(json!({"fields": {"last_name": "Ng"}}));
    let answer = accepted(&gateway, CONTACTS, &json!({"records": rows})).await;
    let results = answer["results"].as_array().unwrap();
    for result in &results[..50] {
        assert_eq!(result["problems"].as_array().unwrap().len(), 20, "{result}");
    }
    for result in &results[50..60] {
        let problems = result["problems"].as_array().unwrap();
        assert_eq!(
            (problems.len(), &problems[0]["field"]),
            (1, &Value::Null),
            "{result}"
        );
        let message = problems[0]["message"].as_str().unwrap();
        assert!(message.contains("too many problems"), "{message}");
        assert_eq!(result["outcome"], "refused");
    }
    assert_eq!(results[60]["outcome"], "created", "{answer}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_repeat_gets_its_first_answer_also_when_the_mapping_is_gone() {
    let gateway = both_ways("delete").await;
    let ask = async |object: &str, hash: u8| {
        let posted = Posted {
            connection: gateway.connection,
            client: "partner".to_owned(),
            object: object.to_owned(),
            request: Requested::Edits {
                mode: PostMode::Upsert,
                rows: vec![r#"{"fields":{"last_name":"Ng"}}"#.to_owned()],
            },
            idempotency: Some(Idempotency {
                key: key("k-1"),
                body_hash: [hash; 32],
            }),
        };
        post(gateway.app(), posted).await
    };
    let first = ask("contact", 7).await.unwrap();
    assert_eq!(first[0].outcome, RowOutcome::Created);
    // The object stands for one whose mapping is gone: nothing maps it.
    assert_eq!(ask("person", 7).await, Ok(first));
    assert_eq!(ask("person", 8).await, Err(PostError::KeyReused));
    gateway.stop().await;
}

#[tokio::test]
async fn a_starting_gateway_forgets_answers_of_more_than_a_week() {
    let gateway = Gateway::start().await;
    let now = chrono::Utc::now();
    gateway
        .app()
        .store
        .write(Lane::Interactive, move |tx| {
            for (name, days) in [("old", 8), ("young", 6)] {
                let answer = SavedAnswer {
                    body_hash: [7; 32],
                    status: 202,
                    body: "[]".to_owned(),
                };
                tx.save_answer(&key(name), &answer, now - chrono::Duration::days(days))?;
            }
            Ok(())
        })
        .await
        .unwrap();
    let gateway = Gateway::reopen(gateway.stop_and_keep().await).await;
    let is_kept = async |name: &'static str| {
        let found = gateway.app().store.read(move |tx| tx.answered(&key(name))).await;
        found.unwrap().is_some()
    };
    tokio::time::timeout(Duration::from_secs(20), async {
        while is_kept("old").await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(is_kept("young").await);
    gateway.stop().await;
}

fn key(key: &str) -> IdempotencyKey {
    IdempotencyKey {
        client: "partner".to_owned(),
        route: "POST /v1/records/{object}".to_owned(),
        key: key.to_owned(),
    }
}
