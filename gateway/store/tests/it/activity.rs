//! What crossed, by the hour.

use causeway_core::Instant;
use causeway_core::activity::Hour;
use causeway_core::ports::Lane;

use crate::given::connection;
use crate::place::Place;

/// Minute `minute` after midnight.
fn minute(minute: i64) -> Instant {
    Instant::from_timestamp_micros((1_763_769_600 + minute * 60) * 1_000_000).unwrap()
}

fn crossed(count: u64, lag_minutes: i64) -> Hour {
    let mut hour = Hour {
        to_partner: count,
        to_salesforce: 1,
        failures: 2,
        ..Hour::default()
    };
    hour.lags.note(minute(0), minute(lag_minutes));
    hour
}

pub async fn what_crossed_is_added_up_by_the_hour_and_forgotten_after_a_month(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "smith").await;
    let note = async |at: i64, noted: Hour| {
        store
            .write(Lane::Bulk, move |unit| unit.note_activity(id, minute(at), &noted))
            .await
            .unwrap();
    };
    let read = async |id, since: i64| {
        store
            .read(move |unit| unit.activity(id, minute(since)))
            .await
            .unwrap()
    };
    note(59, crossed(3, 1)).await;
    note(0, crossed(4, 5)).await;
    note(60, crossed(10, 2)).await;
    let mut both = crossed(3, 1);
    both.add(&crossed(4, 5));
    assert_eq!(
        read(id, 30).await,
        [(minute(0), both), (minute(60), crossed(10, 2))]
    );
    assert_eq!(read(id, 60).await, [(minute(60), crossed(10, 2))]);
    assert_eq!(read(other, 0).await, []);

    let month = 31 * 24 * 60;
    note(60 + month, crossed(1, 1)).await;
    assert_eq!(
        read(id, 0).await,
        [(minute(60), crossed(10, 2)), (minute(60 + month), crossed(1, 1))]
    );
}

pub async fn calls_that_were_never_made_are_given_back_to_their_hour(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let (hours, spent) = store
        .write(Lane::Interactive, move |unit| {
            unit.take_calls(id, 10, 100, minute(30))?;
            unit.take_calls(id, 20, 100, minute(90))?;
            unit.give_calls_back(id, 4, minute(30))?;
            unit.give_calls_back(id, 20, minute(90))?;
            unit.give_calls_back(id, 5, minute(600))?;
            Ok((unit.call_hours(id, minute(0))?, unit.calls_spent(id, minute(95))?))
        })
        .await
        .unwrap();
    assert_eq!((hours, spent), (vec![(minute(0), 6)], 6));
}
