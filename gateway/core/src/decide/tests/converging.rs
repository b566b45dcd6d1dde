//! Whatever both sides do, they come to rest in agreement, and nobody writes any more.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Salesforce(FieldValue),
    Partner(FieldValue, i64),
    Hear,
    HearAgain,
    Send { lost: bool, unknown: bool },
}

fn values() -> impl Strategy<Value = FieldValue> {
    prop::sample::select(vec![
        text("A"),
        text("B"),
        text("C"),
        text(" B"),
        FieldValue::Null,
        text(""),
    ])
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => values().prop_map(Step::Salesforce),
        3 => (values(), -3i64..3).prop_map(|(value, ago)| Step::Partner(value, ago)),
        2 => Just(Step::Hear),
        1 => Just(Step::HearAgain),
        3 => (any::<bool>(), any::<bool>()).prop_map(|(lost, unknown)| Step::Send { lost, unknown }),
    ];
    prop::collection::vec(step, 0..24)
}

fn rules() -> impl Strategy<Value = SyncRule> {
    prop::sample::select(RULES.to_vec())
}

fn stored_as_is(_: &str, value: FieldValue) -> FieldValue {
    value
}

fn trimmed(_: &str, value: FieldValue) -> FieldValue {
    match value {
        FieldValue::Text(text) => FieldValue::Text(text.trim().to_owned()),
        other => other,
    }
}

fn flow(name: &str, value: FieldValue) -> FieldValue {
    match value {
        FieldValue::Text(text) if name == "LastName" && !text.ends_with('!') => {
            FieldValue::Text(format!("{text}!"))
        }
        other => other,
    }
}

fn clearing_flow(name: &str, value: FieldValue) -> FieldValue {
    if name == "LastName" {
        FieldValue::Null
    } else {
        value
    }
}

type Storing = fn(&str, FieldValue) -> FieldValue;

/// Plays steps; every value in an edit is unique to it where `marks` says so.
fn play(rule: SyncRule, stores: Storing, steps: Vec<Step>) -> Pair {
    let mut pair = Pair::under(rule);
    pair.stores = stores;
    let mut earlier = vec![pair.snapshot()];
    for step in steps {
        // Too slow for a fight: the loop breaker stays out of it.
        pair.clock += 4_000;
        match step {
            Step::Salesforce(value) => {
                // Salesforce keeps no blank text.
                let value = if value.is_blank() { FieldValue::Null } else { value };
                pair.edit("LastName", value);
            }
            Step::Partner(value, ago) => {
                let stated = pair.clock + ago;
                pair.posts(&[("name", value)], Some(stated.min(pair.clock)));
            }
            Step::Hear => {
                pair.hear();
                earlier.push(pair.snapshot());
            }
            Step::HearAgain => {
                let again = earlier[pair.sent as usize % earlier.len()].clone();
                pair.hears(&Incoming::Present(again));
            }
            Step::Send { lost, unknown } => {
                let Prepared::Send { write, .. } = pair.prepare() else {
                    continue;
                };
                let stored = (!lost).then(|| pair.carry_out(&write));
                pair.tick();
                let target = pair.target();
                match stored {
                    Some(salesforce_id) if !unknown => {
                        pair.settle(&WriteOutcome::Stored { salesforce_id }, Some(&target));
                    }
                    None if !unknown => pair.settle(&WriteOutcome::NotNow, None),
                    _ => {
                        pair.settle(&WriteOutcome::Unknown, None);
                        pair.settle(&WriteOutcome::Unknown, Some(&target));
                    }
                }
            }
        }
    }
    // The last word is heard on both sides.
    pair.clock += 1_000;
    if pair.outgoing().in_flight.is_some() {
        let target = pair.target();
        pair.settle(&WriteOutcome::Unknown, Some(&target));
    }
    pair.hear();
    pair.flush();
    pair
}

/// Whether both sides hold the same, or what their rule lets differ.
fn agree(pair: &Pair, stores: Storing) -> bool {
    let (salesforce, partner) = pair.names();
    let blank = salesforce.is_blank() && partner.is_blank();
    let plain = |value: &FieldValue| match value {
        FieldValue::Text(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let kept = pair
        .agreed(1)
        .is_some_and(|pair| stores("LastName", pair.partner().clone()) == pair.salesforce);
    blank || plain(&salesforce) == plain(&partner) || kept
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn both_sides_come_to_rest_in_agreement(
        rule in rules(),
        storing in prop::sample::select(vec![stored_as_is as Storing, trimmed, flow, clearing_flow]),
        steps in steps(),
    ) {
        let mut pair = play(rule, storing, steps);
        prop_assert_eq!(pair.status(), &LinkStatus::Linked);
        prop_assert!(agree(&pair, storing), "{:?} {:?}", rule, pair.names());
        let agreed = pair.agreed(1).cloned().unwrap();
        prop_assert_eq!((agreed.salesforce.clone(), agreed.partner().clone()), pair.names());
        prop_assert!(pair.outgoing().in_flight.is_none() && pair.outgoing().overruled.is_empty());
        pair.is_at_rest();
    }

    #[test]
    fn nothing_that_lost_is_lost_without_a_trace(rule in rules(), steps in steps()) {
        // Every value that an edit put on a side is either where it was put, was replaced by that side's own later
        // edit, or stands in the history.
        let edits: Vec<_> = steps.iter().filter_map(|step| match step {
            Step::Salesforce(value) | Step::Partner(value, _) => Some(value.clone()),
            _ => None,
        }).collect();
        let pair = play(rule, stored_as_is, steps);
        for (side, value) in pair.lost() {
            let known = edits.iter().any(|edit| *edit == value || (edit.is_blank() && value.is_blank()));
            prop_assert!(known || value == text("A"), "{:?} {:?} never was", side, value);
        }
        for change in &pair.history {
            if let Some(lost) = &change.lost {
                let stands = match lost.side {
                    Side::Salesforce => change.partner_after.as_ref(),
                    Side::Partner => change.partner_after.as_ref(),
                };
                prop_assert_ne!(stands, Some(&lost.value));
            }
        }
    }

    #[test]
    fn the_partners_edits_end_alike_in_every_order(
        rule in prop::sample::select(vec![SyncRule::Partner, SyncRule::MostRecent]),
        edits in prop::collection::vec((values(), 0i64..5), 1..6),
        seed in any::<u64>(),
    ) {
        let play = |order: &[usize]| {
            let mut pair = Pair::under(rule);
            pair.clock = 500;
            for at in order {
                let (value, stated) = &edits[*at];
                pair.posts(&[("name", value.clone())], Some(200 + stated));
            }
            (pair.record().fields.clone(), pair.record().times.clone())
        };
        let order: Vec<usize> = (0..edits.len()).collect();
        let mut mixed = order.clone();
        let mut state = seed;
        for at in (1..mixed.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            mixed.swap(at, usize::try_from(state >> 33).unwrap() % (at + 1));
        }
        prop_assert_eq!(play(&order), play(&mixed));
    }
}
