//! A large inbox, and changes that no worker survives.

use std::collections::BTreeMap;

use causeway::app::inbox::decide_inbox;
use causeway::app::read;
use causeway_core::decide::MergedInto;
use causeway_core::id::SalesforceId;
use causeway_core::ports::Lane;
use causeway_core::ports::inbox::{ChangeKind, ReceivedChange};
use causeway_core::ports::logs::LogFilter;
use causeway_core::record::FieldValue;
use causeway_core::version::SalesforceVersion;
use chrono::TimeDelta;

use crate::linked::{Linked, quick_options};

fn contact_id(number: u32) -> SalesforceId {
    SalesforceId::parse(&format!("003{number:012}")).unwrap()
}

/// News of contact `number`, which says more than a little.
fn change(linked: &Linked, number: u32, second: u32) -> ReceivedChange {
    let moment = linked.app.clock.now() - TimeDelta::hours(1) + TimeDelta::seconds(i64::from(second));
    ReceivedChange {
        object: "Contact".to_owned(),
        salesforce_id: contact_id(number),
        kind: ChangeKind::Upsert,
        version: SalesforceVersion {
            modstamp: moment,
            observed: moment,
        },
        // Each has a field of its own, so none makes another one needless.
        fields: format!(
            "{{\"LastName\":\"N{second}\",\"Extra{second}\":\"{}\"}}",
            "x".repeat(2_000)
        ),
        changed: BTreeMap::new(),
        merged: MergedInto::Unknown,
        source: "pump".to_owned(),
    }
}

async fn receive(linked: &Linked, changes: Vec<ReceivedChange>) {
    let (connection, at) = (linked.connection, linked.app.clock.now());
    linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.receive(connection, &changes, Lane::Interactive, at)
        })
        .await
        .unwrap();
}

async fn waiting(linked: &Linked) -> u64 {
    read::backlog(&linked.app, linked.connection)
        .await
        .unwrap()
        .changes
}

#[tokio::test]
async fn a_backlog_beyond_the_memory_for_it_is_decided_in_rounds_completely_and_in_order() {
    let mut options = quick_options();
    options.claim_bytes = 10_000;
    let linked = Linked::mapped(options, Vec::new()).await;
    let changes = (0..90).map(|n| change(&linked, n % 6, n)).collect();
    receive(&linked, changes).await;

    let mut left = waiting(&linked).await;
    loop {
        let round = Box::pin(decide_inbox(&linked.app, "test")).await.unwrap();
        let now_left = waiting(&linked).await;
        let decided = left - now_left;
        assert!((1..=4).contains(&decided), "{decided} changes of 2 KB in 10 KB");
        assert_eq!(round.postponed, 0);
        left = now_left;
        if left == 0 {
            break;
        }
        assert!(round.more, "a worker goes on at once");
    }
    let records = linked.records("contact").await;
    assert_eq!(records.len(), 6);
    for record in records {
        let number = (0..6).find(|number| record.salesforce_id == Some(contact_id(*number)));
        let newest = FieldValue::Text(format!("N{}", 84 + number.unwrap()));
        assert_eq!(record.fields["last_name"], newest);
    }
}

/// Claims as a worker that then dies; its lease has run out by the next claim.
async fn die(linked: &Linked) {
    let now = linked.app.clock.now();
    linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            let claims = tx.claim("dead", 1, now, now - TimeDelta::seconds(1))?;
            assert_eq!(claims.len(), 1);
            Ok(())
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn a_change_that_no_worker_survives_is_put_off_and_reported() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    receive(&linked, vec![change(&linked, 1, 1)]).await;
    for _ in 0..10 {
        die(&linked).await;
    }
    let round = decide_inbox(&linked.app, "test").await.unwrap();
    assert_eq!((round.claimed, round.settled, round.postponed), (1, 0, 1));
    assert_eq!(decide_inbox(&linked.app, "test").await.unwrap().claimed, 0);
    assert_eq!(waiting(&linked).await, 1, "nothing is dropped");

    let failed = LogFilter {
        failed: true,
        ..LogFilter::default()
    };
    let (logs, _) = read::logs(&linked.app, linked.connection, failed, None, 10)
        .await
        .unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!(logs[0].entry.status, 500);
    assert_eq!(logs[0].entry.salesforce_id, Some(contact_id(1)));
    assert!(
        logs[0].entry.cause.contains("10 times"),
        "{}",
        logs[0].entry.cause
    );

    let linked = linked.an_hour_later().await;
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    linked.drain_inbox().await;
    assert_eq!(waiting(&linked).await, 0);
}

#[tokio::test]
async fn heads_left_by_dead_workers_are_decided_one_at_a_time_after_the_others() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    receive(&linked, vec![change(&linked, 1, 1), change(&linked, 2, 1)]).await;
    for _ in 0..3 {
        die(&linked).await;
    }
    let now = linked.app.clock.now();
    let before = linked
        .app
        .store
        .write(Lane::Interactive, move |tx| {
            tx.claim("dead", 9, now, now - TimeDelta::seconds(1))
        })
        .await
        .unwrap();
    assert_eq!(before.len(), 2);
    receive(&linked, vec![change(&linked, 3, 1), change(&linked, 4, 1)]).await;

    let first = decide_inbox(&linked.app, "test").await.unwrap();
    assert_eq!((first.claimed, first.settled, first.more), (2, 2, true));
    let records = linked.records("contact").await;
    let ids: Vec<_> = records.iter().filter_map(|record| record.salesforce_id).collect();
    assert_eq!(ids, [contact_id(3), contact_id(4)]);
    let second = decide_inbox(&linked.app, "test").await.unwrap();
    assert_eq!((second.claimed, second.more), (1, true));
    let third = decide_inbox(&linked.app, "test").await.unwrap();
    assert_eq!((third.claimed, third.more), (1, false));
    assert_eq!(waiting(&linked).await, 0);
}
