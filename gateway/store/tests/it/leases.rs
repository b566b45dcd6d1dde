//! Named leases.

use causeway_core::id::ConnectionId;
use causeway_core::ports::Lane;
use causeway_store::Store;

use crate::given::{at, connection};
use crate::place::Place;

async fn hold(store: &Store, id: ConnectionId, owner: &'static str, now: i64, until: i64) -> Option<i64> {
    store
        .write(Lane::Interactive, move |unit| {
            unit.hold_lease(id, "initial-sync", owner, at(now), at(until))
        })
        .await
        .unwrap()
}

pub async fn a_lease_is_held_by_one_owner_until_it_ends(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "smith").await;
    assert!(hold(&store, id, "a", 0, 10).await.is_some());
    assert_eq!(hold(&store, id, "b", 9, 20).await, None);
    assert!(
        hold(&store, other, "b", 9, 20).await.is_some(),
        "leases belong to connections"
    );
    assert!(hold(&store, id, "b", 10, 20).await.is_some());
    assert_eq!(hold(&store, id, "a", 11, 20).await, None);
}

pub async fn a_fence_grows_when_the_lease_changes_hands(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let release = |owner: &'static str| {
        let store = store.clone();
        async move {
            store
                .write(Lane::Interactive, move |unit| {
                    unit.release_lease(id, "initial-sync", owner)
                })
                .await
                .unwrap();
        }
    };
    let first = hold(&store, id, "a", 0, 10).await.unwrap();
    assert_eq!(hold(&store, id, "a", 5, 15).await, Some(first), "a renewal");
    let second = hold(&store, id, "b", 15, 25).await.unwrap();
    assert!(second > first);
    release("a").await;
    assert_eq!(hold(&store, id, "a", 16, 25).await, None, "not a's to release");
    release("b").await;
    let third = hold(&store, id, "a", 16, 25).await.unwrap();
    assert!(third > second);
}

pub async fn only_one_of_many_gets_a_lease(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mut owners = Vec::new();
    for owner in ["a", "b", "c", "d", "e", "f"] {
        let store = store.clone();
        owners.push(tokio::spawn(async move { hold(&store, id, owner, 0, 10).await }));
    }
    let mut holders = 0;
    for owner in owners {
        holders += usize::from(owner.await.unwrap().is_some());
    }
    assert_eq!(holders, 1);
}
