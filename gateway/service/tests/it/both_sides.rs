//! Both sides edit while a third of the org's answers go wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use causeway::app::AppOptions;
use causeway::app::post::Requested;
use causeway::app::sync::{self, SyncEnd};
use causeway::salesforce::rest::Seen;
use causeway_core::id::RecordId;
use causeway_core::ports::runs::RunKind;
use causeway_core::record::FieldValue;
use emulated_org::Deed;
use emulated_org::faults::Chaos;
use serde_json::{Value, json};

use crate::linked::{Linked, quick_options};

/// Numbers that look random and are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((number ^ (number >> 31)) % u64::try_from(sides).unwrap()).unwrap()
    }
}

fn options() -> AppOptions {
    AppOptions {
        write_within: Duration::from_millis(600),
        parked: Duration::from_millis(50),
        ..quick_options()
    }
}

fn chaos(linked: &Linked, percent: u8, seed: u64) {
    linked.org.faults().set_chaos(Chaos {
        percent,
        seed,
        most_delay_milliseconds: 50,
        ..Chaos::default()
    });
}

/// An instant sync that may fail on its way; what it missed the next one reads.
async fn instant_sync(linked: &Linked) {
    let run = sync::start(&linked.app, linked.connection, RunKind::Instant, Vec::new())
        .await
        .unwrap();
    for _ in 0..20 {
        match linked.work_on(run).await {
            SyncEnd::Passing { .. } => {}
            SyncEnd::Completed => return,
            end => panic!("{end:?}"),
        }
    }
}

/// Ids of the leads that live in the org.
fn living(linked: &Linked) -> Vec<String> {
    linked
        .org
        .org()
        .read()
        .table("Lead")
        .map(|table| {
            table
                .rows()
                .filter(|row| !row.is_deleted())
                .map(|row| row.id().as_str().to_owned())
                .collect()
        })
        .unwrap_or_default()
}

async fn storm(seed: u64) {
    let linked = Linked::both_ways(options()).await;
    linked.sync().await;
    let mut dice = Dice(seed);
    let mut made: Vec<RecordId> = Vec::new();
    chaos(&linked, 30, seed);
    for step in 0..120 {
        match dice.roll(8) {
            0 | 1 => {
                let rows: Vec<Value> = (0..=dice.roll(3))
                    .map(|row| json!({"fields": {"last_name": format!("L{step}-{row}"), "company": "Acme"}}))
                    .collect();
                made.extend(linked.post("lead", &rows).await);
            }
            2 | 3 if !made.is_empty() => {
                let record = made[dice.roll(made.len())];
                let field = ["phone", "title", "company"][dice.roll(3)];
                linked
                    .posted(
                        "lead",
                        &[json!({"id": record.to_string(), "fields": {field: format!("p{step}")}})],
                    )
                    .await;
            }
            4 => {
                let leads = living(&linked);
                if !leads.is_empty() {
                    let id = leads[dice.roll(leads.len())].clone();
                    let field = ["Phone", "Title", "Company"][dice.roll(3)];
                    let fields = json!({field: format!("s{step}")}).as_object().unwrap().clone();
                    linked
                        .org
                        .act(linked.org.integration_username(), &Deed::Update { id, fields });
                }
            }
            5 if step % 3 == 0 => {
                let leads = living(&linked);
                if dice.roll(2) == 0 && !leads.is_empty() {
                    let id = leads[dice.roll(leads.len())].clone();
                    linked
                        .org
                        .act(linked.org.integration_username(), &Deed::Delete { id });
                } else if !made.is_empty() {
                    let record = made[dice.roll(made.len())];
                    linked.ask("lead", Requested::Delete(record)).await;
                }
            }
            6 => instant_sync(&linked).await,
            _ => {
                linked.write_once().await;
            }
        }
    }
    chaos(&linked, 0, 0);
    linked.drain_outbox().await;
    instant_sync(&linked).await;
    linked.drain_outbox().await;
    instant_sync(&linked).await;
    linked.drain_outbox().await;

    assert_eq!(linked.held().await, [], "seed {seed}");
    let salesforce = linked.salesforce().await;
    let soql = "SELECT Id, LastName, Company, Phone, Title, Partner_Id__c, IsDeleted FROM Lead";
    let all = salesforce.query(soql, Seen::Deleted).all().await.unwrap();
    let marks: Vec<&str> = all
        .iter()
        .map(|lead| lead["Partner_Id__c"].as_str().unwrap())
        .collect();
    let distinct: BTreeSet<&str> = marks.iter().copied().collect();
    assert_eq!(
        marks.len(),
        distinct.len(),
        "seed {seed}: a record was made twice"
    );
    let theirs: BTreeMap<String, [Value; 4]> = all
        .iter()
        .filter(|lead| lead["IsDeleted"] == false)
        .map(|lead| {
            let values = ["LastName", "Company", "Phone", "Title"].map(|field| lead[field].clone());
            (lead["Id"].as_str().unwrap().to_owned(), values)
        })
        .collect();
    let ours: BTreeMap<String, [Value; 4]> = linked
        .records("lead")
        .await
        .into_iter()
        .map(|record| {
            let values =
                ["last_name", "company", "phone", "title"].map(|field| match record.fields.get(field) {
                    Some(FieldValue::Text(text)) => json!(text),
                    Some(FieldValue::Null) | None => Value::Null,
                    other => panic!("{other:?}"),
                });
            (record.salesforce_id.unwrap().as_str().to_owned(), values)
        })
        .collect();
    assert_eq!(ours, theirs, "seed {seed}: both sides hold the same");

    // Nobody writes any more.
    let feed = linked.feed().await;
    let modified = "SELECT Id, SystemModstamp FROM Lead ORDER BY Id";
    let before = linked.rows(modified).await;
    linked.sync_kind(RunKind::Reconcile).await;
    linked.drain_outbox().await;
    assert_eq!(linked.rows(modified).await, before, "seed {seed}");
    assert_eq!(linked.feed().await, feed, "seed {seed}");
}

#[tokio::test]
async fn both_sides_end_equal_with_nothing_lost_or_doubled() {
    for seed in 1..4 {
        Box::pin(storm(seed)).await;
    }
}
