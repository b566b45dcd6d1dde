//! What the org's admin set, and what it makes of the plans.

use causeway_core::ports::settings::{AdminSettings, DataOwner, InstantSchedule};
use causeway_core::ports::{Lane, StoreError};

use crate::given::{CONTACTS, at, connection, plan};
use crate::place::Place;

fn owned_by(user: &str, revision: i64) -> AdminSettings {
    AdminSettings {
        revision,
        data_owner: Some(DataOwner {
            typed: format!("{user}@example.com"),
            user: user.to_owned(),
        }),
        micro_site_key: Some("site".to_owned()),
        instant: Some(InstantSchedule {
            enabled: true,
            interval_minutes: 15,
        }),
        idle_cap: Some(7),
        ..AdminSettings::default()
    }
}

pub async fn settings_are_replaced_by_revision_and_belong_to_one_connection(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let other = connection(&store, "smith").await;
    let read = async |id| store.read(move |unit| unit.settings(id)).await.unwrap();
    let put = async |settings: AdminSettings| {
        store
            .write(Lane::Interactive, move |unit| unit.put_settings(id, &settings))
            .await
    };
    assert_eq!(read(id).await, AdminSettings::default());
    assert_eq!(put(owned_by("u-1", 0)).await, Ok(1));
    assert_eq!(read(id).await, owned_by("u-1", 1));
    assert_eq!(put(owned_by("u-2", 1)).await, Ok(2));
    for old in [0, 1, 3] {
        let refused = put(owned_by("u-3", old)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    assert_eq!(read(id).await, owned_by("u-2", 2));
    assert_eq!(read(other).await, AdminSettings::default());
}

pub async fn plans_stand_under_what_is_set_and_a_cap_is_set_and_lifted(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let mapped = plan(CONTACTS, 1, "contact");
    let own_default = mapped.default_owner.clone();
    store
        .write(Lane::Interactive, move |unit| {
            unit.add_plan(id, &mapped, "{}", at(1))
        })
        .await
        .unwrap();
    let owner = async || {
        let plans = store.read(move |unit| unit.plans(id)).await.unwrap();
        plans[0].default_owner.clone()
    };
    assert_eq!(owner().await, own_default);
    store
        .write(Lane::Interactive, move |unit| {
            unit.put_settings(id, &owned_by("u-9", 0))?;
            unit.set_daily_calls(id, Some(9))
        })
        .await
        .unwrap();
    assert_eq!(owner().await, "u-9");
    let cap = async || {
        store
            .read(move |unit| unit.connection(id))
            .await
            .unwrap()
            .unwrap()
            .daily_calls
    };
    assert_eq!(cap().await, Some(9));
    store
        .write(Lane::Interactive, move |unit| {
            let revision = 1;
            unit.put_settings(
                id,
                &AdminSettings {
                    revision,
                    ..AdminSettings::default()
                },
            )?;
            unit.set_daily_calls(id, None)
        })
        .await
        .unwrap();
    assert_eq!((owner().await, cap().await), (own_default, None));
}
