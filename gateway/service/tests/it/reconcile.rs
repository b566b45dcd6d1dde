//! Reconciles: everything is compared, and what differs is mended.

use std::time::Duration;

use causeway::app::AppOptions;
use causeway::app::sync::{self, SyncEnd};
use causeway_core::decide::{HeldReason, Outcome, Presence};
use causeway_core::failure::NextStep;
use causeway_core::mapping::Scope;
use causeway_core::ports::logs::LogFilter;
use causeway_core::ports::runs::{Run, RunKind};
use causeway_core::record::FieldValue;
use emulated_org::{Deed, RecordId, Value};
use serde_json::json;

use crate::linked::{Linked, documents, quick_options};

async fn synced(options: AppOptions, names: &[&str]) -> (Linked, Vec<RecordId>) {
    let linked = Linked::start(options, Vec::new()).await;
    linked.map(&documents().remove(1)).await;
    let rows = names.iter().map(|name| vec![("LastName", Value::text(*name))]);
    let ids = linked.org.seed("Contact", rows).unwrap();
    linked.sync().await;
    (linked, ids)
}

fn act(linked: &Linked, deed: &Deed) {
    linked.org.act(linked.org.admin_username(), deed);
}

fn id(record: RecordId) -> String {
    record.as_str().to_owned()
}

fn count(run: &Run, outcome: Outcome) -> u64 {
    run.parts
        .iter()
        .filter_map(|part| part.outcomes.get(&outcome))
        .sum()
}

fn assert_rows_add_up(run: &Run) {
    for part in &run.parts {
        assert_eq!(
            part.outcomes.values().sum::<u64>() + part.dropped,
            part.rows,
            "{part:?}"
        );
        assert_eq!(part.expected, Some(part.rows), "{part:?}");
    }
}

#[tokio::test]
async fn what_no_other_news_told_is_found_and_mended() {
    let (linked, ids) = synced(quick_options(), &["Stays", "Edited", "Binned", "Erased"]).await;
    act(
        &linked,
        &Deed::Update {
            id: id(ids[1]),
            fields: json!({"LastName": "Edited again"}).as_object().unwrap().clone(),
        },
    );
    act(&linked, &Deed::Delete { id: id(ids[2]) });
    act(&linked, &Deed::HardDelete { id: id(ids[3]) });
    linked
        .org
        .seed("Contact", [vec![("LastName", Value::text("New"))]])
        .unwrap();

    let run = linked.sync_kind(RunKind::Reconcile).await;
    assert_rows_add_up(&run);
    assert_eq!(count(&run, Outcome::Created), 1);
    assert_eq!(count(&run, Outcome::Updated), 1);
    assert_eq!(count(&run, Outcome::Deleted), 1);
    assert_eq!(count(&run, Outcome::Held), 1);
    let mut names: Vec<FieldValue> = linked
        .records("contact")
        .await
        .iter()
        .map(|record| record.fields["last_name"].clone())
        .collect();
    names.sort_by_key(|name| format!("{name:?}"));
    // What Salesforce neither shows nor remembers may only be hidden from the gateway's user: a person is asked.
    let expected = ["Edited again", "Erased", "New", "Stays"];
    assert_eq!(names, expected.map(|name| FieldValue::Text(name.to_owned())));
    let held = linked.held().await;
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].reason, HeldReason::OutOfSight);
    assert_eq!(
        held[0].salesforce_id.map(|id| id.as_str().to_owned()),
        Some(id(ids[3]))
    );

    let feed = linked.feed().await;
    let again = linked.sync_kind(RunKind::Reconcile).await;
    assert_rows_add_up(&again);
    for outcome in [
        Outcome::Created,
        Outcome::Updated,
        Outcome::Deleted,
        Outcome::Held,
    ] {
        assert_eq!(count(&again, outcome), 0, "{again:?}");
    }
    assert_eq!(linked.feed().await, feed);
    let deleted = feed.iter().filter(|record| record.presence == Presence::Deleted);
    assert_eq!(deleted.count(), 1);
}

#[tokio::test]
async fn counts_of_both_sides_are_logged_and_what_was_seen_is_forgotten() {
    let (linked, _) = synced(quick_options(), &["A", "B", "C"]).await;
    let run = linked.sync_kind(RunKind::Reconcile).await;
    let (connection, id, mapping) = (linked.connection, run.id, run.parts[0].mapping);
    let filter = LogFilter {
        run: Some(id),
        ..LogFilter::default()
    };
    let (logs, seen) = linked
        .app
        .store
        .read(move |tx| {
            Ok((
                tx.logs(connection, &filter, None, 10)?,
                tx.seen_count(connection, id, mapping)?,
            ))
        })
        .await
        .unwrap();
    assert_eq!(seen, 0);
    let data: serde_json::Value = serde_json::from_str(&logs[0].entry.data).unwrap();
    assert_eq!(data["inSalesforce"], 3, "{data}");
    assert_eq!(data["links"]["linked"], 3, "{data}");
}

#[tokio::test]
async fn a_reconcile_stops_at_its_budget_and_goes_on_later_by_itself() {
    let options = AppOptions {
        parked: Duration::from_millis(20),
        ..quick_options()
    };
    let (linked, ids) = synced(options, &["A", "B"]).await;
    act(&linked, &Deed::Delete { id: id(ids[1]) });
    let run = sync::start(&linked.app, linked.connection, RunKind::Reconcile, Vec::new())
        .await
        .unwrap();
    linked.org.set_daily_api_limit(1);
    match linked.work_on(run).await {
        SyncEnd::Passing { policy, .. } => assert_eq!(policy.next, NextStep::Park),
        end => panic!("{end:?}"),
    }
    linked.org.set_daily_api_limit(100_000);
    assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    assert_eq!(linked.records("contact").await.len(), 1);
}

#[tokio::test]
async fn where_only_the_future_counts_a_reconcile_brings_no_past() {
    let linked = Linked::start(quick_options(), Vec::new()).await;
    let mut document = documents().remove(1);
    document.scope = Scope::FutureOnly;
    linked.map(&document).await;
    let past = (0..3).map(|number| vec![("LastName", Value::text(format!("Past {number}")))]);
    let clock = linked.org.clock();
    let now = clock.now();
    clock.set(now - chrono::TimeDelta::days(30));
    let past = linked.org.seed("Contact", past).unwrap();
    clock.set(now);
    linked.sync().await;
    linked
        .org
        .seed("Contact", [vec![("LastName", Value::text("Future"))]])
        .unwrap();
    let run = linked.sync_kind(RunKind::Reconcile).await;
    assert_rows_add_up(&run);
    assert_eq!(count(&run, Outcome::Created), 1);
    assert_eq!(run.parts[0].dropped, u64::try_from(past.len()).unwrap());
}
