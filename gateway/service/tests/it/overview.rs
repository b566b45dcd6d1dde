//! What the page Synchronization Information shows: the first sync, what crossed hour by hour, why records are held.

use causeway::app::activity;
use causeway::app::console::{self, FirstSync};
use causeway_core::ports::runs::RunKind;
use emulated_org::Value as OrgValue;
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::linked::{Linked, quick_options};

fn pushed(number: u32, fields: &Value) -> Value {
    json!({
        "object": "Contact", "operation": "update", "id": format!("00300000000000{number}"),
        "systemModstamp": chrono::Utc::now() - chrono::TimeDelta::seconds(3),
        "observedAt": chrono::Utc::now(), "fields": fields,
    })
}

#[tokio::test]
async fn what_crossed_and_why_records_are_held_is_counted() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let empty = gateway.get_json("partner", "/v1/activity?hours=3").await;
    assert_eq!(empty["hours"].as_array().unwrap().len(), 3);
    assert_eq!(empty["hours"][2]["records"], 0);
    assert_eq!(empty["hours"][2]["lagSecondsMedian"], Value::Null);

    gateway
        .push_and_settle(json!([
            pushed(1, &json!({"LastName": "Ann"})),
            pushed(2, &json!({"LastName": "Bob"})),
            pushed(3, &json!({"LastName": null, "Email": "a@example.com"})),
            pushed(4, &json!({"LastName": "x".repeat(10), "Birthdate": "1970-01-01"})),
            pushed(5, &json!({"LastName": null})),
        ]))
        .await;
    let hours = gateway.get_json("partner", "/v1/activity?hours=2").await;
    // The hour may have ended in between.
    let all = |member: &str| -> u64 {
        let hours = hours["hours"].as_array().unwrap();
        hours.iter().filter_map(|hour| hour[member].as_u64()).sum()
    };
    assert_eq!((all("records"), all("salesforceToPartner")), (3, 3));
    assert_eq!((all("partnerToSalesforce"), all("failures")), (0, 2));
    let lag = |member: &str| -> f64 {
        let hours = hours["hours"].as_array().unwrap();
        hours
            .iter()
            .filter_map(|hour| hour[member].as_f64())
            .fold(0.0, f64::max)
    };
    assert!(
        lag("lagSecondsMax") >= 3.0 && lag("lagSecondsMedian") >= 3.0,
        "{hours}"
    );

    let causes = gateway.get_json("partner", "/v1/held/causes").await;
    let causes = causes["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert_eq!(
        (&causes[0]["cause"], &causes[0]["object"], &causes[0]["count"]),
        (&json!("conversion"), &json!("contact"), &json!(2))
    );
    assert!(causes[0]["nextStep"].as_str().unwrap().contains("LastName"));
    let nobody = gateway.get_json("other-partner", "/v1/held/causes").await;
    assert_eq!(nobody["causes"], json!([]));
    for hours in ["0", "721", "x"] {
        let wrong = gateway
            .get("partner", &format!("/v1/activity?hours={hours}"))
            .await;
        crate::gateway::problem(wrong, "invalid-parameters").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn the_first_sync_is_done_once_and_what_crosses_both_ways_is_counted() {
    let linked = Linked::both_ways(quick_options()).await;
    let id = linked.connection;
    let known = linked
        .app
        .store
        .read(move |tx| tx.connection(id))
        .await
        .unwrap()
        .unwrap();
    let overview = async || console::overview(&linked.app, &known).await.unwrap();
    assert_eq!(overview().await.first_sync, FirstSync::NotDone);
    let account = vec![("Name", OrgValue::text("Acme"))];
    linked.org.seed("Account", [account]).unwrap();
    let run = linked.queue_sync().await;
    assert_eq!(overview().await.first_sync, FirstSync::Running);
    linked.work_on(run).await;
    let done = overview().await;
    let first = FirstSync::Done {
        at: linked.run(run).await.finished_at,
    };
    assert_eq!(done.first_sync, first);
    assert!(done.instant.watermarks.iter().all(|(_, _, at)| at.is_some()));
    assert_eq!((done.instant.every, done.instant.last_run_at), (None, None));
    let instant = linked.sync_kind(RunKind::Instant).await;
    linked.sync().await;
    let later = overview().await;
    assert_eq!(later.first_sync, first, "a later sync is not the first");
    assert_eq!(later.instant.last_run_at, Some(instant.created_at));

    linked
        .post(
            "lead",
            &[json!({"fields": {"last_name": "Ada", "company": "Acme"}})],
        )
        .await;
    linked.drain_outbox().await;
    let hours = activity::hours(&linked.app, id, 2).await.unwrap();
    let to_salesforce: u64 = hours.iter().map(|hour| hour.crossed.to_salesforce).sum();
    let to_partner: u64 = hours.iter().map(|hour| hour.crossed.to_partner).sum();
    let calls: u64 = hours.iter().map(|hour| hour.calls).sum();
    assert_eq!((to_salesforce, to_partner), (1, 1));
    assert!(calls > 0);
}
