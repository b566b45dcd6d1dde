//! The cap of Salesforce calls as the org's admin sets it: it holds at once, and what waits for it goes on by itself.

use std::time::Duration;

use causeway::app::budget;
use causeway::app::settings::SettingsError;
use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, SyncEnd};
use causeway_core::ports::connections::Connection;
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::gateway::{Gateway, problem};
use crate::linked::{Linked, quick_options};

async fn connection(linked: &Linked) -> Connection {
    let id = linked.connection;
    let known = linked.app.store.read(move |tx| tx.connection(id)).await;
    known.unwrap().unwrap()
}

async fn save(linked: &Linked, enforced: bool, cap: Option<u64>) -> Result<budget::Budget, SettingsError> {
    budget::save(&linked.app, &connection(linked).await, enforced, cap).await
}

#[tokio::test]
async fn without_a_setting_half_of_what_the_org_allows_may_be_spent_and_an_own_cap_takes_its_place() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    linked.sync().await;
    let automatic = budget::of(&linked.app, &connection(&linked).await).await.unwrap();
    let maximum = automatic.maximum.unwrap();
    assert_eq!(automatic.cap, maximum / 2);
    assert_eq!((automatic.enforced, automatic.own_cap), (false, None));
    assert!(
        automatic.used > 0 && automatic.used_by_others.is_some(),
        "{automatic:?}"
    );

    let own = save(&linked, true, Some(77)).await.unwrap();
    assert_eq!(
        (own.enforced, own.own_cap, own.cap, own.bulk_cap),
        (true, Some(77), 77, 61)
    );
    assert_eq!(own.automatic_cap, maximum / 2);
    let kept = save(&linked, false, Some(88)).await.unwrap();
    assert_eq!(
        (kept.enforced, kept.own_cap, kept.cap),
        (false, Some(88), maximum / 2)
    );
    for (enforced, cap) in [
        (true, None),
        (true, Some(0)),
        (true, Some(maximum + 1)),
        (false, Some(0)),
    ] {
        let refused = save(&linked, enforced, cap).await;
        assert!(
            matches!(&refused, Err(SettingsError::Wrong(errors)) if errors[0].field == "cap"),
            "{refused:?}"
        );
    }
    let still = budget::of(&linked.app, &connection(&linked).await).await.unwrap();
    assert_eq!(still.own_cap, Some(88), "what is refused changes nothing");
}

#[tokio::test]
async fn a_sync_stands_still_at_the_cap_and_goes_on_by_itself_when_it_is_raised() {
    let mut options = quick_options();
    options.parked = Duration::from_secs(600);
    let linked = Linked::mapped(options, Vec::new()).await;
    let used = budget::of(&linked.app, &connection(&linked).await)
        .await
        .unwrap()
        .used;
    // What is left of the block in hand may be used up; no further one is given.
    save(&linked, true, Some(used)).await.unwrap();
    let run = linked.queue_sync().await;
    let (progress, _) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let working = sync::run_to_end(&linked.app, linked.connection, run, &progress, &stop);
    let (end, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_secs(60), Box::pin(working)),
        async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            let asked = linked.org.request_log().total();
            assert!(asked <= used, "{asked} requests, {used} allowed");
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert_eq!(linked.org.request_log().total(), asked, "it stands still");
            let still = budget::of(&linked.app, &connection(&linked).await).await.unwrap();
            let again = still.bulk_free_again_at.unwrap() - linked.app.clock.now();
            assert!(
                again > TimeDelta::hours(23) && again <= TimeDelta::hours(25),
                "{again}"
            );
            let raised = save(&linked, true, Some(5_000)).await.unwrap();
            assert_eq!((raised.free_again_at, raised.bulk_free_again_at), (None, None));
        }
    );
    assert_eq!(end.unwrap().unwrap(), SyncEnd::Completed);
}

#[tokio::test]
async fn the_cap_and_what_was_spent_outlive_the_process() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let before = save(&linked, true, Some(1_234)).await.unwrap();
    let linked = linked.an_hour_later().await;
    let after = budget::of(&linked.app, &connection(&linked).await).await.unwrap();
    assert_eq!((after.own_cap, after.cap), (Some(1_234), 1_234));
    assert_eq!(after.used, before.used);
}

#[tokio::test]
async fn over_http_the_cap_is_set_and_refused_by_its_field() {
    let gateway = Gateway::start().await;
    let put = async |body: Value| {
        gateway
            .http
            .put(format!("{}/v1/connection/budget", gateway.url()))
            .bearer_auth(gateway.token("partner"))
            .json(&body)
            .send()
            .await
            .unwrap()
    };
    let answer = put(json!({"enforced": true, "cap": 100})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let body: Value = answer.json().await.unwrap();
    let shown = gateway.get_json("partner", "/v1/connection").await["budget"].clone();
    assert_eq!(shown, body);
    assert_eq!(
        body,
        json!({
            "enforced": true, "ownCap": 100, "automaticCap": 5000, "cap": 100, "used24h": 0, "maximum": null,
            "usedByOthers24h": null, "lanes": {"interactive": 100, "bulk": 80},
            "freeAgainAt": {"interactive": null, "bulk": null},
        })
    );
    for (body, field) in [
        (json!({"enforced": true}), "cap"),
        (json!({"enforced": true, "cap": null}), "cap"),
        (json!({"enforced": true, "cap": "5"}), "cap"),
        (json!({"enforced": true, "cap": -5}), "cap"),
        (json!({"cap": 5}), "enforced"),
        (json!({"enforced": 1, "cap": 5}), "enforced"),
        (json!({"enforced": false, "limit": 5}), "limit"),
    ] {
        let refused = problem(put(body).await, "invalid-fields").await;
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    gateway.stop().await;
}
