//! Instant syncs: what changed and what was deleted since the watermark.

use std::collections::BTreeMap;
use std::time::Duration;

use causeway::app::AppOptions;
use causeway::app::sync::progress::SyncProgress;
use causeway::app::sync::{self, SyncEnd, start_due};
use causeway_core::decide::{Outcome, Presence};
use causeway_core::ports::runs::{PartProgress, Run, RunFilter, RunKind, RunState, Watermark};
use causeway_core::record::FieldValue;
use chrono::TimeDelta;
use emulated_org::people::LateCommits;
use emulated_org::{Deed, RecordId, Value};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::linked::{Linked, documents, quick_options};

const QUERIES: &str = "/services/data/{version}/query";

/// Accounts, contacts and opportunities, synced once.
async fn synced(options: AppOptions) -> Linked {
    let linked = Linked::mapped(options, Vec::new()).await;
    linked.sync().await;
    linked
}

fn contacts(linked: &Linked, names: &[&str]) -> Vec<RecordId> {
    let rows = names.iter().map(|name| vec![("LastName", Value::text(*name))]);
    linked.org.seed("Contact", rows).unwrap()
}

fn act(linked: &Linked, deed: &Deed) {
    linked.org.act(linked.org.admin_username(), deed);
}

fn rename(linked: &Linked, id: RecordId, name: &str) {
    act(
        linked,
        &Deed::Update {
            id: id.as_str().to_owned(),
            fields: json!({"LastName": name}).as_object().unwrap().clone(),
        },
    );
}

fn delete(linked: &Linked, id: RecordId) {
    act(
        linked,
        &Deed::Delete {
            id: id.as_str().to_owned(),
        },
    );
}

async fn names(linked: &Linked) -> Vec<String> {
    let mut names: Vec<String> = linked
        .records("contact")
        .await
        .iter()
        .map(|record| match &record.fields["last_name"] {
            FieldValue::Text(name) => name.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    names.sort();
    names
}

fn outcomes(run: &Run) -> BTreeMap<Outcome, u64> {
    let mut all = BTreeMap::new();
    for (outcome, count) in run.parts.iter().flat_map(|part| &part.outcomes) {
        *all.entry(*outcome).or_default() += count;
    }
    all
}

/// Every row is counted once, as one outcome or as dropped.
fn assert_rows_add_up(run: &Run) {
    for part in &run.parts {
        assert_eq!(part.outcomes.values().sum::<u64>() + part.dropped, part.rows);
        assert_eq!(
            (part.expected, &part.progress),
            (Some(part.rows), &PartProgress::Done)
        );
    }
}

#[tokio::test]
async fn what_was_made_changed_and_deleted_since_arrives_and_a_second_sync_changes_nothing() {
    let linked = synced(quick_options()).await;
    let made = contacts(&linked, &["Ann", "Bob", "Cy"]);
    let run = linked.sync_kind(RunKind::Instant).await;
    assert_rows_add_up(&run);
    assert_eq!(outcomes(&run), BTreeMap::from([(Outcome::Created, 3)]));

    rename(&linked, made[0], "Anna");
    delete(&linked, made[1]);
    let run = linked.sync_kind(RunKind::Instant).await;
    assert_rows_add_up(&run);
    // What the overlap shows once more is at most confirmed.
    for (outcome, rows) in [(Outcome::Updated, 1), (Outcome::Deleted, 1)] {
        assert_eq!(outcomes(&run).get(&outcome), Some(&rows), "{run:?}");
    }
    assert_eq!(outcomes(&run).get(&Outcome::Created), None, "{run:?}");
    assert_eq!(names(&linked).await, ["Anna", "Cy"]);

    let feed = linked.feed().await;
    let run = linked.sync_kind(RunKind::Instant).await;
    assert_rows_add_up(&run);
    assert!(
        run.parts.iter().any(|part| part.rows > 0),
        "the overlap is read again"
    );
    for changed in [Outcome::Created, Outcome::Updated, Outcome::Deleted] {
        assert_eq!(outcomes(&run).get(&changed), None, "{run:?}");
    }
    assert_eq!(linked.feed().await, feed);
}

#[tokio::test]
async fn twenty_thousand_rows_of_one_second_are_neither_cut_nor_read_for_ever() {
    let linked = Linked::start(quick_options(), Vec::new()).await;
    linked.map(&documents().remove(1)).await;
    linked.sync().await;
    let before = linked.org.request_log().count("GET", QUERIES);
    let rows = (0..20_000).map(|number| vec![("LastName", Value::text(format!("N{number}")))]);
    let made = linked.org.seed("Contact", rows).unwrap();
    let run = linked.sync_kind(RunKind::Instant).await;
    assert_rows_add_up(&run);
    assert_eq!(outcomes(&run), BTreeMap::from([(Outcome::Created, 20_000)]));
    assert_eq!(linked.records("contact").await.len(), made.len());
    let pages = linked.org.request_log().count("GET", QUERIES) - before;
    assert!((11..=13).contains(&pages), "{pages} queries");
}

#[tokio::test]
async fn rows_that_commit_later_than_their_stamps_say_are_not_missed() {
    let linked = synced(quick_options()).await;
    let made = contacts(&linked, &["Ann", "Bob"]);
    linked.sync_kind(RunKind::Instant).await;
    linked
        .org
        .org()
        .set_late_commits(LateCommits::new(100, TimeDelta::milliseconds(1_500), 1));
    rename(&linked, made[0], "Late");
    linked.org.org().set_late_commits(LateCommits::default());
    rename(&linked, made[1], "Later");
    linked.sync_kind(RunKind::Instant).await;
    assert_eq!(names(&linked).await, ["Ann", "Later"]);
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    linked.sync_kind(RunKind::Instant).await;
    assert_eq!(names(&linked).await, ["Late", "Later"]);
}

#[tokio::test]
async fn a_sync_that_is_stopped_goes_on_behind_its_last_batch() {
    let linked = synced(AppOptions {
        batch_rows: 10,
        ..quick_options()
    })
    .await;
    let all: Vec<String> = (0..100).map(|number| format!("N{number:03}")).collect();
    contacts(&linked, &all.iter().map(String::as_str).collect::<Vec<_>>());
    let run = sync::start(&linked.app, linked.connection, RunKind::Instant, Vec::new())
        .await
        .unwrap();
    let (progress, mut watching) = watch::channel(SyncProgress::default());
    let stop = CancellationToken::new();
    let (end, ()) = tokio::join!(
        Box::pin(sync::run_once(
            &linked.app,
            linked.connection,
            run,
            &progress,
            &stop,
        )),
        async {
            watching.wait_for(|progress| progress.rows() >= 30).await.unwrap();
            stop.cancel();
        }
    );
    if end.unwrap() == SyncEnd::Stopped {
        assert_eq!(linked.work_on(run).await, SyncEnd::Completed);
    }
    let run = linked.run(run).await;
    assert_rows_add_up(&run);
    assert_eq!(names(&linked).await, all);
    assert_eq!(outcomes(&run), BTreeMap::from([(Outcome::Created, 100)]));
}

#[tokio::test]
async fn a_mapping_that_was_never_synced_starts_now_and_leaves_its_past_to_the_initial_sync() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    contacts(&linked, &["Past"]);
    let run = linked.sync_kind(RunKind::Instant).await;
    assert_eq!(run.state, RunState::Completed);
    assert_eq!(linked.records("contact").await, []);
    let (connection, mapping) = (linked.connection, run.parts[1].mapping);
    let watermark = linked
        .app
        .store
        .read(move |tx| tx.watermark(connection, mapping, Watermark::Deletes))
        .await
        .unwrap();
    assert!(watermark.is_some());
    linked.sync().await;
    assert_eq!(names(&linked).await, ["Past"]);
}

#[tokio::test]
async fn a_merge_and_a_conversion_are_told_from_deletes() {
    let linked = Linked::both_ways(quick_options()).await;
    linked.sync().await;
    let ids = contacts(&linked, &["Stays", "Goes"]);
    linked.sync_kind(RunKind::Instant).await;
    act(
        &linked,
        &Deed::Merge {
            master: ids[0].as_str().to_owned(),
            losers: vec![ids[1].as_str().to_owned()],
            fields: serde_json::Map::new(),
        },
    );
    let run = linked.sync_kind(RunKind::Instant).await;
    assert_eq!(outcomes(&run).get(&Outcome::Relinked), Some(&1));
    assert_eq!(names(&linked).await, ["Stays"]);
    let gone = linked
        .feed()
        .await
        .into_iter()
        .find(|record| record.presence == Presence::Deleted)
        .unwrap();
    assert_eq!(
        gone.successor.map(|id| id.as_str().to_owned()).as_deref(),
        Some(ids[0].as_str())
    );
}

#[tokio::test]
async fn instant_syncs_come_by_themselves_once_in_their_time() {
    let linked = synced(quick_options()).await;
    let runs = async || {
        let connection = linked.connection;
        let runs = linked
            .app
            .store
            .read(move |tx| tx.runs(connection, RunFilter::default(), None, 100));
        let runs = runs.await.unwrap();
        runs.into_iter()
            .filter(|run| run.kind == RunKind::Instant)
            .count()
    };
    start_due(&linked.app, Some(Duration::from_secs(600)))
        .await
        .unwrap();
    assert_eq!(runs().await, 1);
    start_due(&linked.app, Some(Duration::from_secs(600)))
        .await
        .unwrap();
    assert_eq!(runs().await, 1, "the first is not finished");
    let connection = linked.connection;
    let first = linked
        .app
        .store
        .read(move |tx| tx.runs(connection, RunFilter::default(), None, 1))
        .await
        .unwrap()
        .remove(0);
    assert_eq!(linked.work_on(first.id).await, SyncEnd::Completed);
    start_due(&linked.app, Some(Duration::from_secs(600)))
        .await
        .unwrap();
    assert_eq!(runs().await, 1, "the next is not due");
    start_due(&linked.app, Some(Duration::ZERO)).await.unwrap();
    assert_eq!(runs().await, 2);
}
