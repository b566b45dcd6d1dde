//! The same news twice, late and out of order ends as once and in order.

use causeway_core::decide::Presence;
use causeway_core::ports::inbox::{ChangeKind, ReceivedChange};
use causeway_core::units::partner_news::{Address, PartnerPost, PostMode, PostedEvent};
use causeway_core::version::SalesforceVersion;
use chrono::TimeDelta;
use serde_json::{Value, json};
use simulation::dice::Dice;
use simulation::org::schema::Object;
use simulation::partner::Request;
use simulation::world::{Message, World};

/// A world in which nothing goes wrong.
fn calm(seed: u64) -> World {
    let mut world = World::new(seed).unwrap();
    world.faults_on = false;
    world
}

/// What partners see of every record.
fn seen(world: &World) -> Vec<(String, String, Presence)> {
    let links = world.store.all_links(world.connection);
    let mut records: Vec<_> = links
        .iter()
        .filter_map(|linked| {
            let record = linked.record.as_ref()?;
            Some((
                format!("{:?}", record.fields),
                record.owner.clone(),
                record.presence,
            ))
        })
        .collect();
    records.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    records
}

fn work_off(world: &mut World) {
    for _ in 0..400 {
        let mut busy = false;
        for worker in 0..world.workers.len() {
            busy |= world.work(worker).unwrap();
        }
        if !busy {
            return;
        }
    }
    panic!("the workers never end");
}

/// Readings of one account as it changes and goes.
fn readings(world: &World, dice: &mut Dice) -> Vec<ReceivedChange> {
    let names = ["Ann", "Bob", "Cid"];
    let phones = [json!("1"), json!("2"), Value::Null];
    (1..=6)
        .map(|second| {
            let at = world.now - TimeDelta::seconds(60 - second);
            let gone = second == 6 && dice.percent(40);
            let fields = json!({
                "Id": "001000000000001AAA", "Name": names[dice.below(3)], "Phone": phones[dice.below(3)],
                "AnnualRevenue": 5, "Industry": "Banking", "Rank__c": null, "OwnerId": "005000000000001AAA",
                "CausewayId__c": null, "LastModifiedById": "005000000000001AAA",
                "SystemModstamp": "2026-01-01T00:00:00.000+0000",
            });
            ReceivedChange {
                object: "Account".to_owned(),
                salesforce_id: simulation::org::id("001000000000001"),
                kind: if gone {
                    ChangeKind::Delete
                } else {
                    ChangeKind::Upsert
                },
                version: SalesforceVersion {
                    modstamp: at,
                    observed: at,
                },
                fields: if gone { "{}".to_owned() } else { fields.to_string() },
                changed: std::collections::BTreeMap::new(),
                merged: causeway_core::decide::MergedInto::Nothing,
                source: "pump".to_owned(),
            }
        })
        .collect()
}

#[test]
fn pushed_readings_in_any_order_and_number_end_like_in_order() {
    let mut compared = 0;
    for seed in 1..400 {
        let mut ordered = calm(seed);
        let rules = ordered.setting.rules(Object::Account);
        // Under the other rules a value may rightly stay that came first.
        let plain = |field: &str| {
            rules.get(field).is_some_and(|rule| {
                matches!(
                    rule,
                    causeway_core::mapping::SyncRule::Salesforce
                        | causeway_core::mapping::SyncRule::DoNotSync
                )
            })
        };
        if !ordered.setting.plans[0].writes_partner() || !plain("Name") || !plain("Phone") {
            continue;
        }
        let mut dice = Dice::new(seed, 77);
        let readings = readings(&ordered, &mut dice);
        let push = |world: &mut World, at: usize, change: &ReceivedChange| {
            let push = Message::Push {
                key: format!("k{at}"),
                changes: vec![change.clone()],
            };
            assert_eq!(world.deliver(push), Ok(true));
        };
        for (at, change) in readings.iter().enumerate() {
            push(&mut ordered, at, change);
            work_off(&mut ordered);
        }
        let mut shuffled = calm(seed);
        let mut copies: Vec<&ReceivedChange> = readings.iter().chain(readings.iter()).collect();
        dice.shuffle(&mut copies);
        for (at, change) in copies.into_iter().enumerate() {
            push(&mut shuffled, at, change);
            if dice.percent(50) {
                work_off(&mut shuffled);
            }
        }
        work_off(&mut shuffled);
        let gone = readings.iter().any(|change| change.kind == ChangeKind::Delete);
        let presence = |world: &World| seen(world).into_iter().map(|record| record.2).collect::<Vec<_>>();
        if gone {
            // What a deleted record held is nobody's business; it may also never have been made.
            let lives = |world: &World| presence(world).contains(&Presence::Live);
            if ordered.setting.plans[0].delete_policy == causeway_core::mapping::DeletePolicy::Delete {
                assert_eq!(lives(&ordered), lives(&shuffled), "seed {seed}");
            }
        } else {
            assert_eq!(seen(&ordered), seen(&shuffled), "seed {seed}");
        }
        compared += 1;
    }
    assert!(compared > 10, "only {compared} worlds were compared");
}

#[test]
fn partner_edits_with_stated_times_in_any_order_and_number_end_like_in_order() {
    let mut compared = 0;
    for seed in 1..300 {
        let world = calm(seed);
        if !world.setting.plans[0].writes_salesforce() {
            continue;
        }
        let mut dice = Dice::new(seed, 78);
        let now = world.now;
        let made = PartnerPost {
            address: Address::Key("a".to_owned()),
            key: None,
            if_position: None,
            changed_at: Some(now - TimeDelta::minutes(30)),
            happened: PostedEvent::Upsert {
                fields: serde_json::Map::from_iter([("name".to_owned(), json!("Ann"))]),
                owner: None,
            },
        };
        let edits: Vec<PartnerPost> = (0..6)
            .map(|minute| {
                let field = ["name", "phone"][dice.below(2)];
                let value = json!(["Ann", "Bob", "Cid"][dice.below(3)]);
                PartnerPost {
                    changed_at: Some(now - TimeDelta::minutes(20 - minute)),
                    happened: PostedEvent::Upsert {
                        fields: serde_json::Map::from_iter([(field.to_owned(), value)]),
                        owner: None,
                    },
                    ..made.clone()
                }
            })
            .collect();
        let post = |world: &mut World, post: &PartnerPost| {
            let request = Request {
                key: None,
                object: Object::Account,
                mode: PostMode::Upsert,
                posts: vec![post.clone()],
            };
            assert_eq!(world.deliver(Message::Post(request)), Ok(true));
        };
        let mut ordered = calm(seed);
        let mut shuffled = calm(seed);
        post(&mut ordered, &made);
        post(&mut shuffled, &made);
        edits.iter().for_each(|edit| post(&mut ordered, edit));
        let mut copies: Vec<&PartnerPost> = edits.iter().chain(edits.iter()).collect();
        dice.shuffle(&mut copies);
        copies.into_iter().for_each(|edit| post(&mut shuffled, edit));
        assert_eq!(seen(&ordered), seen(&shuffled), "seed {seed}");
        assert_eq!(seen(&ordered).len(), 1);
        compared += 1;
    }
    assert!(compared > 100, "only {compared} worlds were compared");
}
