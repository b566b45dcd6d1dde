//! What must be true in the end: the partner holds what the org holds, and the org what its twin holds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::Report;
use super::world::{OBJECTS, World};
use crate::ScenarioError;

/// The fields that are compared, by their names in the org and at the partner.
fn fields(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Account" => &[("Name", "name"), ("Phone", "phone")],
        "Lead" => &[
            ("LastName", "last_name"),
            ("Phone", "phone"),
            ("Company", "company"),
        ],
        _ => &[("LastName", "last_name"), ("Phone", "phone")],
    }
}

/// Compares after what the package itself asked for, and after the gateway's own comparison.
pub(super) async fn check(world: &mut World, report: &mut Report) -> Result<(), ScenarioError> {
    for (object, partner) in OBJECTS {
        for (id, difference) in differences(world, object, partner).await? {
            if world.unnoted.contains(&id) {
                report.found_by_comparison += 1;
            } else {
                report.violate(format!(
                    "{object} {id} is lost without a comparison: {difference}"
                ));
            }
        }
    }
    reconcile(world).await?;
    for (object, partner) in OBJECTS {
        for (id, difference) in differences(world, object, partner).await? {
            report.violate(format!("{object} {id} is lost: {difference}"));
        }
        let (org, twin) = (
            count(world, object, true).await?,
            count(world, object, false).await?,
        );
        report.compared += u64::try_from(org).unwrap_or_default();
        if org != twin {
            report.violate(format!(
                "{object}: {org} records with the package, {twin} without"
            ));
        }
    }
    same_as_twin(world, report).await
}

async fn count(world: &World, object: &str, with_package: bool) -> Result<usize, ScenarioError> {
    let admin = if with_package {
        &world.admins.0
    } else {
        &world.admins.1
    };
    Ok(admin.query(&format!("SELECT Id FROM {object}")).await?.len())
}

async fn reconcile(world: &mut World) -> Result<(), ScenarioError> {
    let started = world
        .partner()
        .post("/v1/syncs", &json!({"kind": "reconcile"}))
        .await?;
    let path = format!("/v1/syncs/{}", started["id"].as_str().unwrap_or_default());
    for _ in 0..1_200 {
        match world.partner().get(&path).await?["state"].as_str() {
            Some("completed") => return world.gateway_rests().await,
            Some("failed") => break,
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
    Err(ScenarioError::Timeout {
        what: "a reconcile".to_owned(),
        seconds: 60,
    })
}

/// Records that differ between org and partner, and how.
async fn differences(
    world: &mut World,
    object: &str,
    partner: &str,
) -> Result<Vec<(String, String)>, ScenarioError> {
    let names: Vec<&str> = fields(object).iter().map(|(name, _)| *name).collect();
    let which = if object == "Lead" {
        " WHERE IsConverted = FALSE"
    } else {
        ""
    };
    let soql = format!("SELECT Id, {} FROM {object}{which}", names.join(", "));
    let rows = world.admins.0.query(&soql).await?;
    let converted = "SELECT Id FROM Lead WHERE IsConverted = TRUE";
    let converted: BTreeSet<String> = if object == "Lead" {
        let rows = world.admins.0.query(converted).await?;
        let ids = rows.iter().filter_map(|row| Some(row["Id"].as_str()?.to_owned()));
        ids.collect()
    } else {
        BTreeSet::new()
    };
    let records = world.partner().records(partner).await?;
    let mut found = Vec::new();
    let mut known: BTreeMap<&str, &Value> = BTreeMap::new();
    for record in records.iter().filter(|record| record["presence"] == "live") {
        let Some(id) = record["salesforceId"].as_str() else {
            continue;
        };
        if known.insert(id, record).is_some() {
            found.push((id.to_owned(), "held twice by the partner".to_owned()));
        }
    }
    for row in &rows {
        let id = row["Id"].as_str().unwrap_or_default();
        let Some(record) = known.remove(id) else {
            found.push((id.to_owned(), "not at the partner".to_owned()));
            continue;
        };
        for (name, at_partner) in fields(object) {
            if row[*name] != record["fields"][*at_partner] {
                let difference = format!("{name} is {} and {}", row[*name], record["fields"][*at_partner]);
                found.push((id.to_owned(), difference));
            }
        }
    }
    found.extend(
        known
            .keys()
            .filter(|id| !converted.contains(**id))
            .map(|id| ((*id).to_owned(), "at the partner alone".to_owned())),
    );
    Ok(found)
}

/// The package has changed nothing of what people saved.
async fn same_as_twin(world: &mut World, report: &mut Report) -> Result<(), ScenarioError> {
    for (object, _) in OBJECTS {
        let names: Vec<&str> = fields(object).iter().map(|(name, _)| *name).collect();
        let soql = format!("SELECT Id, {} FROM {object}", names.join(", "));
        let by_id = |rows: Vec<Value>| -> BTreeMap<String, Vec<Value>> {
            rows.iter()
                .map(|row| {
                    let values = names.iter().map(|name| row[*name].clone()).collect();
                    (row["Id"].as_str().unwrap_or_default().to_owned(), values)
                })
                .collect()
        };
        let org = by_id(world.admins.0.query(&soql).await?);
        let twin = by_id(world.admins.1.query(&soql).await?);
        for twins in world.live.iter().filter(|twins| twins.object == object) {
            let (with, without) = (org.get(&twins.id), twin.get(&twins.twin));
            if with != without {
                report.violate(format!(
                    "{object} {}: {with:?} with the package, {without:?} without",
                    twins.id
                ));
            }
        }
    }
    Ok(())
}
