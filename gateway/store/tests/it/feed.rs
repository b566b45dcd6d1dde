//! The feed of records' latest states.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_core::decide::{LinkStatus, Presence};
use causeway_core::id::Position;
use causeway_core::ports::Lane;
use causeway_core::ports::links::{Caused, Write};

use crate::given::{
    PUSHED, account_id, apply, apply_in, at, connection, contact_id, first_contact, linked, renamed,
};
use crate::place::Place;

pub async fn the_feed_shows_each_record_once_at_its_latest_state(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(
        &store,
        id,
        (1..=3).map(|number| first_contact(number, "A")).collect(),
        1,
    )
    .await
    .unwrap();
    let changed = renamed(&linked(&store, id, 1).await.unwrap(), "B");
    apply(&store, id, vec![changed], 2).await.unwrap();
    store
        .write(Lane::Bulk, move |unit| {
            let mut effects = first_contact(9, "Acme");
            effects.link.salesforce_id = Some(account_id(9));
            unit.apply(&Write {
                connection: id,
                mapping: causeway_core::id::MappingId(2),
                partner_object: "account",
                at: at(3),
                lane: Lane::Bulk,
                effects: &[Caused {
                    effects,
                    source: PUSHED,
                    saved_by: None,
                }],
            })
        })
        .await
        .unwrap();

    let (all, pages, contacts) = store
        .read(move |unit| {
            let all = unit.feed(id, None, Position(0), 10)?;
            let mut pages = Vec::new();
            let mut after = Position(0);
            loop {
                let page = unit.feed(id, None, after, 3)?;
                let Some(last) = page.last() else { break };
                after = last.position;
                pages.extend(page);
            }
            Ok((all, pages, unit.feed(id, Some("contact"), Position(0), 10)?))
        })
        .await
        .unwrap();

    let ids: Vec<_> = all.iter().map(|record| record.salesforce_id.unwrap()).collect();
    assert_eq!(ids, [contact_id(2), contact_id(3), contact_id(1), account_id(9)]);
    assert!(all.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(pages, all);
    assert_eq!(contacts, all[..3]);
}

pub async fn a_deleted_record_stays_in_the_feed_without_its_fields(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    apply(&store, id, vec![first_contact(1, "A")], 1).await.unwrap();
    let mut gone = renamed(&linked(&store, id, 1).await.unwrap(), "");
    gone.link.status = LinkStatus::Deleted;
    let record = gone.record.as_mut().unwrap();
    record.presence = Presence::Deleted;
    record.fields.clear();
    let written = apply(&store, id, vec![gone], 2).await.unwrap();

    let feed = store
        .read(move |unit| unit.feed(id, None, Position(0), 10))
        .await
        .unwrap();
    assert_eq!(feed.len(), 1);
    assert_eq!(Some(feed[0].position), written[0].position);
    assert_eq!(feed[0].presence, Presence::Deleted);
    assert!(feed[0].fields.is_empty());
}

/// Positions become visible in order: whoever has seen one never meets a smaller one later.
pub async fn a_follower_of_the_feed_misses_nothing_while_many_write(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let done = Arc::new(AtomicBool::new(false));
    let follower = {
        let (store, done) = (store.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            let mut after = Position(0);
            loop {
                let finished = done.load(Ordering::Acquire);
                let page = store
                    .read(move |unit| unit.feed(id, None, after, 50))
                    .await
                    .unwrap();
                if let Some(last) = page.last() {
                    assert!(last.position > after);
                    after = last.position;
                } else if finished {
                    return seen;
                }
                seen.extend(page.iter().map(|record| record.salesforce_id.unwrap()));
            }
        })
    };
    let mut writers = Vec::new();
    for writer in 0..8_u32 {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..40_u32 {
                let first = (writer * 40 + round) * 5;
                let lane = if writer % 2 == 0 {
                    Lane::Interactive
                } else {
                    Lane::Bulk
                };
                store
                    .write(lane, move |unit| {
                        let effects: Vec<_> = (first..first + 5).map(|n| first_contact(n, "A")).collect();
                        apply_in(unit, id, &effects, 1)?;
                        if round % 7 == 3 {
                            return Err(causeway_core::ports::StoreError::Exists {
                                what: "a reason to stop".to_owned(),
                            });
                        }
                        Ok(())
                    })
                    .await
                    .ok();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::Release);
    let seen = follower.await.unwrap();

    let expected: BTreeSet<_> = (0..8 * 40_u32)
        .filter(|unit| unit % 40 % 7 != 3)
        .flat_map(|unit| (unit * 5..unit * 5 + 5).map(contact_id))
        .collect();
    assert_eq!(seen.len(), expected.len());
    assert_eq!(seen, expected);
}

/// Reads one object's feed, going on from the newest position each time, while others write that object and another.
pub async fn a_follower_of_one_object_may_skip_to_the_newest_position_and_misses_nothing(place: &Place) {
    let store = place.store().await;
    let id = connection(&store, "miller").await;
    let nothing = store.read(move |unit| unit.newest_position(id)).await.unwrap();
    assert_eq!(nothing, Position(0));
    let done = Arc::new(AtomicBool::new(false));
    let follower = {
        let (store, done) = (store.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            let mut after = Position(0);
            loop {
                let finished = done.load(Ordering::Acquire);
                let (page, newest) = store
                    .scan(move |unit| {
                        Ok((
                            unit.feed(id, Some("contact"), after, 10_000)?,
                            unit.newest_position(id)?,
                        ))
                    })
                    .await
                    .unwrap();
                assert!(page.iter().all(|record| record.position <= newest));
                seen.extend(page.iter().map(|record| record.salesforce_id.unwrap()));
                if finished && newest == after {
                    return seen;
                }
                after = newest;
            }
        })
    };
    let mut writers = Vec::new();
    for writer in 0..6_u32 {
        let store = store.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..40_u32 {
                let (object, mapping) = if round % 2 == 0 {
                    ("contact", 1)
                } else {
                    ("lead", 2)
                };
                store
                    .write(Lane::Interactive, move |unit| {
                        let caused = Caused {
                            effects: first_contact(writer * 40 + round, "A"),
                            source: PUSHED,
                            saved_by: None,
                        };
                        unit.apply(&Write {
                            connection: id,
                            mapping: causeway_core::id::MappingId(mapping),
                            partner_object: object,
                            at: at(1),
                            lane: Lane::Bulk,
                            effects: &[caused],
                        })
                    })
                    .await
                    .unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    done.store(true, Ordering::Release);
    assert_eq!(follower.await.unwrap().len(), 6 * 20);
}
