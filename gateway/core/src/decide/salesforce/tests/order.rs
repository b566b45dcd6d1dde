//! News late, repeated and out of order ends as news in order.

use proptest::prelude::*;

use super::*;
use crate::decide::Presence;
use crate::mapping::{DeletePolicy, convert};

/// What happened to the record in Salesforce, one step after the other.
#[derive(Debug, Clone)]
enum Step {
    Edited(Box<Reading>),
    /// A formula changed: the stamp stays.
    Recalculated(String),
    Deleted {
        moves_stamp: bool,
    },
}

impl std::fmt::Debug for Reading {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(out)
    }
}

/// Values that any plan converts without looking back; with `wild`, also those that hold a record or keep the
/// partner's value.
fn readings(wild: bool) -> impl Strategy<Value = Reading> {
    let sources: &[&str] = if wild {
        &["Web", "Portal", "Fair", "Secret", "Radio"]
    } else {
        &["Web", "Portal", "Fair"]
    };
    let phones: &[&str] = if wild { &["", "1", "2"] } else { &["1", "2"] };
    (
        "[a-c]{0,2}",
        prop::sample::select(sources),
        prop::sample::select(phones),
        0i64..4,
        prop::sample::select(vec![1u8, 2, 9]),
    )
        .prop_map(|(name, source, phone, budget, owner)| {
            contact(0, 0)
                .with("LastName", text(&name))
                .with("LeadSource", text(source))
                .with(
                    "Phone",
                    if phone.is_empty() {
                        FieldValue::Null
                    } else {
                        text(phone)
                    },
                )
                .with("Budget__c", number(&budget.to_string()))
                .owned_by(Some(user(owner)))
        })
}

/// A record's life as the readings it gives, in order: stamps grow with edits, observations with every reading,
/// far enough apart that nobody doubts their order.
fn lives(wild: bool) -> impl Strategy<Value = Vec<Incoming>> {
    let step = prop_oneof![
        4 => readings(wild).prop_map(Box::new).prop_map(Step::Edited),
        2 => "[0-9]".prop_map(Step::Recalculated),
        2 => any::<bool>().prop_map(|moves_stamp| Step::Deleted { moves_stamp }),
    ];
    (readings(wild), prop::collection::vec(step, 0..7)).prop_map(|(first, steps)| {
        let (mut stamp, mut latest, mut gone) = (10, first.clone(), false);
        let mut life = vec![at(&first, stamp, 100)];
        for (observed, step) in (110..).step_by(10).zip(steps) {
            match step {
                Step::Edited(reading) => {
                    stamp += 1;
                    gone = false;
                    latest = *reading;
                    life.push(at(&latest, stamp, observed));
                }
                Step::Recalculated(budget) if !gone => {
                    latest = latest.with("Budget__c", number(&budget));
                    life.push(at(&latest, stamp, observed));
                }
                Step::Recalculated(_) => {}
                Step::Deleted { moves_stamp } => {
                    stamp += i64::from(moves_stamp);
                    gone = true;
                    life.push(deleted(stamp, observed));
                }
            }
        }
        life
    })
}

fn at(reading: &Reading, stamp: i64, observed: i64) -> Incoming {
    let mut reading = reading.clone();
    reading.0.version = version(stamp, observed);
    reading.news()
}

/// A life, and its news in another order with repeats, none missing.
fn shuffled(wild: bool) -> impl Strategy<Value = (Vec<Incoming>, Vec<Incoming>)> {
    lives(wild).prop_flat_map(|life| {
        let repeats = prop::collection::vec(prop::sample::select(life.clone()), 0..6);
        let all = repeats.prop_map({
            let life = life.clone();
            move |repeats| life.iter().cloned().chain(repeats).collect::<Vec<_>>()
        });
        (Just(life), all.prop_shuffle())
    })
}

fn policies() -> impl Strategy<Value = DeletePolicy> {
    prop::sample::select(vec![
        DeletePolicy::Delete,
        DeletePolicy::Archive,
        DeletePolicy::Unlink,
        DeletePolicy::Ask,
    ])
}

fn live(policy: DeletePolicy, news: &[Incoming]) -> World {
    let mut world = world();
    world.plan.delete_policy = policy;
    for news in news {
        world.hear(news);
    }
    world
}

/// What anybody can see of a record: a partner that never saw it and one that saw it deleted know the same.
fn visible(world: &World) -> Option<(&Fields, &str)> {
    world
        .record
        .as_ref()
        .filter(|record| record.presence != Presence::Deleted)
        .map(|record| (&record.fields, record.owner.as_str()))
}

proptest! {
    #[test]
    fn any_order_with_repeats_ends_as_in_order_once((life, news) in shuffled(false)) {
        let (ordered, mixed) = (live(DeletePolicy::Delete, &life), live(DeletePolicy::Delete, &news));
        prop_assert_eq!(visible(&ordered), visible(&mixed));
        let (ordered, mixed) = (ordered.link.unwrap(), mixed.link.unwrap());
        prop_assert_eq!(ordered.status, mixed.status);
        prop_assert_eq!(ordered.version, mixed.version);
        prop_assert_eq!(ordered.agreed, mixed.agreed);
    }

    #[test]
    fn whatever_the_values_and_the_policy_the_newest_version_is_the_one_decided_on(
        (life, news) in shuffled(true),
        policy in policies(),
    ) {
        let (ordered, mixed) = (live(policy, &life), live(policy, &news));
        prop_assert_eq!(ordered.version(), mixed.version());
        let gone = |world: &World| crate::decide::salesforce::gone(world.status());
        prop_assert_eq!(gone(&ordered), gone(&mixed));
        if *ordered.status() == LinkStatus::Linked {
            prop_assert_eq!(mixed.status(), &LinkStatus::Linked);
            for (id, pair) in &ordered.link.as_ref().unwrap().agreed.0 {
                prop_assert_eq!(&mixed.pair(id.0).unwrap().salesforce, &pair.salesforce);
            }
        }
    }

    #[test]
    fn news_heard_twice_changes_nothing_the_second_time((_, news) in shuffled(true), policy in policies()) {
        let mut world = live(policy, &[]);
        for news in news {
            world.hear(&news);
            let before = world.clone();
            let again = world.hear(&news);
            prop_assert!(matches!(again, Decision::Drop(_)), "{:?}", again);
            prop_assert_eq!(&world.record, &before.record);
            prop_assert_eq!(&world.link, &before.link);
        }
    }

    #[test]
    fn the_version_only_moves_on_and_stale_news_has_no_effect((_, news) in shuffled(true), policy in policies()) {
        let mut world = live(policy, &[]);
        for news in news {
            let before = world.clone();
            let decision = world.hear(&news);
            let Some(link) = &before.link else { continue };
            let stale = news.version().modstamp < link.version.modstamp;
            prop_assert!(!stale || matches!(decision, Decision::Drop(_)));
            prop_assert!(world.version().modstamp >= link.version.modstamp);
        }
    }

    #[test]
    fn a_tombstone_is_revived_by_newer_stamps_only((_, news) in shuffled(true), policy in policies()) {
        let mut world = live(policy, &[]);
        for news in news {
            let before = world.clone();
            world.hear(&news);
            if let Some(link) = before.link
                && link.status == LinkStatus::Deleted
                && *world.status() != LinkStatus::Deleted
            {
                prop_assert!(matches!(news, Incoming::Present(_)));
                prop_assert!(news.version().modstamp > link.version.modstamp);
            }
        }
    }

    #[test]
    fn a_linked_record_holds_what_both_sides_agree_on((_, news) in shuffled(true), policy in policies()) {
        let mut world = live(policy, &[]);
        for news in news {
            world.hear(&news);
            if *world.status() != LinkStatus::Linked {
                continue;
            }
            prop_assert_eq!(world.record().fields.len(), world.plan.fields.len());
            for plan in &world.plan.fields {
                let pair = world.pair(plan.id.0).unwrap();
                prop_assert_eq!(world.value(&plan.partner), Some(pair.partner()));
                let keeps_partner = plan.rule == SyncRule::SalesforceUnlessBlank && pair.salesforce.is_blank();
                match convert::to_partner(plan, &pair.salesforce).unwrap() {
                    Some(value) if !keeps_partner => prop_assert_eq!(pair.partner(), &value),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn history_tells_every_step_of_every_field((_, news) in shuffled(true), policy in policies()) {
        let mut world = live(policy, &[]);
        for news in news {
            let before = world.clone();
            let Decision::Apply(effects) = world.hear(&news) else { continue };
            let Some(record) = &before.record else { continue };
            for plan in &world.plan.fields {
                let change = effects.history.iter().find(|change| change.field == plan.id);
                let (was, is) = (record.fields.get(&plan.partner), world.value(&plan.partner));
                prop_assert!(was == is || change.is_some());
                if let Some(change) = change {
                    prop_assert_eq!(change.partner_before.as_ref(), was);
                    prop_assert_eq!(change.partner_after.as_ref(), is);
                    let agreed = before.pair(plan.id.0).map(|pair| &pair.salesforce);
                    prop_assert_eq!(change.salesforce_before.as_ref(), agreed);
                }
            }
            let visible_change = effects.record.is_some();
            let moved = record.fields != world.record().fields
                || record.owner != world.record().owner
                || record.presence != world.record().presence;
            prop_assert_eq!(visible_change, moved);
        }
    }
}
