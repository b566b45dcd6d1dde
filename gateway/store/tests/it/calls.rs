//! Salesforce calls, spent by the hour and never above the cap.

use causeway_core::Instant;
use causeway_core::id::ConnectionId;
use causeway_core::ports::Lane;
use causeway_store::Store;

use crate::given::connection;
use crate::place::Place;

/// Minute `minute` after midnight.
fn minute(minute: i64) -> Instant {
    Instant::from_timestamp_micros((1_763_769_600 + minute * 60) * 1_000_000).unwrap()
}

async fn take(store: &Store, id: ConnectionId, wanted: u32, cap: u64, at: i64) -> u32 {
    store
        .write(Lane::Interactive, move |unit| {
            unit.take_calls(id, wanted, cap, minute(at))
        })
        .await
        .unwrap()
}

async fn spent(store: &Store, id: ConnectionId, at: i64) -> u64 {
    store
        .read(move |unit| unit.calls_spent(id, minute(at)))
        .await
        .unwrap()
}

async fn free_at(store: &Store, id: ConnectionId, at: i64) -> Option<Instant> {
    store
        .read(move |unit| unit.calls_free_at(id, minute(at)))
        .await
        .unwrap()
}

pub async fn calls_are_taken_up_to_the_cap_and_free_again_a_day_later(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "smith").await;
    assert_eq!(
        (spent(&store, id, 30).await, free_at(&store, id, 30).await),
        (0, None)
    );
    assert_eq!(take(&store, id, 60, 100, 30).await, 60);
    assert_eq!(take(&store, id, 60, 100, 90).await, 40, "no more than are left");
    assert_eq!(take(&store, id, 1, 100, 95).await, 0);
    assert_eq!(
        take(&store, id, 5, 50, 95).await,
        0,
        "the cap was lowered meanwhile"
    );
    assert_eq!(take(&store, id, 0, 1000, 95).await, 0);
    assert_eq!(spent(&store, id, 95).await, 100);
    assert_eq!(
        take(&store, other, 7, 100, 95).await,
        7,
        "each connection for itself"
    );

    // The first hour ends at minute 60, and counts for a day from then.
    let day = 24 * 60;
    assert_eq!(free_at(&store, id, 95).await, Some(minute(60 + day)));
    assert_eq!(spent(&store, id, 60 + day - 1).await, 100);
    assert_eq!(spent(&store, id, 60 + day).await, 40);
    assert_eq!(free_at(&store, id, 60 + day).await, Some(minute(120 + day)));
    assert_eq!(take(&store, id, 100, 100, 60 + day).await, 60);
    assert_eq!(spent(&store, id, 120 + day).await, 60);
    assert_eq!(spent(&store, id, 120 + 2 * day).await, 0);
    assert_eq!(free_at(&store, id, 120 + 2 * day).await, None);
}

pub async fn many_who_take_calls_at_once_stay_below_the_cap(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut takers = Vec::new();
    for taker in 0..20 {
        let store = store.clone();
        takers.push(tokio::spawn(
            async move { take(&store, id, 9, 100, 55 + taker).await },
        ));
    }
    let mut taken = 0;
    for taker in takers {
        taken += taker.await.unwrap();
    }
    assert_eq!(taken, 100);
    assert_eq!(spent(&store, id, 80).await, 100);
}
