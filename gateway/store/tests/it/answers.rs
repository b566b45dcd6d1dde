//! Answers that are kept for idempotency keys, and forgotten.

use causeway_core::Instant;
use causeway_core::ports::Lane;
use causeway_core::ports::inbox::{IdempotencyKey, SavedAnswer};
use causeway_store::Store;

use crate::given::at;
use crate::place::Place;

fn key(number: u32) -> IdempotencyKey {
    IdempotencyKey {
        client: "portal".to_owned(),
        route: "POST /v1/syncs".to_owned(),
        key: format!("k-{number}"),
    }
}

async fn save(store: &Store, number: u32, moment: Instant) {
    let answer = SavedAnswer {
        body_hash: [7; 32],
        status: 202,
        body: "{}".to_owned(),
    };
    store
        .write(Lane::Interactive, move |unit| {
            unit.save_answer(&key(number), &answer, moment)
        })
        .await
        .unwrap();
}

async fn kept(store: &Store) -> Vec<u32> {
    store
        .read(|unit| {
            let mut kept = Vec::new();
            for number in 1..=5 {
                if unit.answered(&key(number))?.is_some() {
                    kept.push(number);
                }
            }
            Ok(kept)
        })
        .await
        .unwrap()
}

pub async fn old_answers_are_forgotten_in_slices_oldest_first(place: &Place) {
    let store = place.store().await;
    for (number, second) in [(1, 3), (2, 1), (3, 2), (4, 4), (5, 5)] {
        save(&store, number, at(second)).await;
    }
    assert_eq!(store.forget_answers(at(4), 2).await, Ok(2));
    assert_eq!(kept(&store).await, [1, 4, 5]);
    assert_eq!(store.forget_answers(at(4), 2).await, Ok(1));
    assert_eq!(store.forget_answers(at(4), 2).await, Ok(0));
    assert_eq!(
        kept(&store).await,
        [4, 5],
        "what was kept at the moment itself stays"
    );
}
