//! What people save, in both orgs alike.

use std::slice::from_ref;

use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::Report;
use super::deeds;
use super::world::{OBJECTS, Twins, World};
use crate::ScenarioError;
use crate::org_client::OrgClient;

/// Notes beyond which the package takes an object for noted.
const ENOUGH_NOTES: u64 = 20;
/// Records beyond which Bulk jobs delete instead of adding.
const MANY: usize = 3_000;

/// What became of a row: its id, or what it was refused with.
pub(super) type Row = Result<String, String>;

/// One save of somebody.
pub async fn one(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    match random.random_range(0..100) {
        0..28 => create(world, random, report, None).await.map(|_| ()),
        28..52 => update(world, random, report, None).await,
        52..60 => delete(world, random, report).await,
        60..64 => deeds::undelete(world, random, report),
        64..66 => deeds::merge(world, random, report),
        66..68 => deeds::convert(world, random, report).await,
        68..76 => collection(world, random, report).await,
        76..78 if world.live.len() > MANY => bulk_delete(world, random, report).await,
        76..78 => bulk(world, random, report).await,
        78..80 => long_save(world, random, report).await,
        _ => {
            let burn = match random.random_range(0..20) {
                0..6 => "burn dml",
                6..10 => "burn most",
                10..13 => "burn dml events",
                13..15 => "burn queries",
                15..17 => "burn jobs",
                17..19 => "burn heap",
                _ => "burn error",
            };
            report.meet(burn, 1);
            if matches!(burn, "burn dml" | "burn most") && random.random_range(0..2) == 0 {
                noted(world, random, report, Some(burn)).await
            } else if random.random_range(0..2) == 0 {
                create(world, random, report, Some(burn)).await.map(|_| ())
            } else {
                update(world, random, report, Some(burn)).await
            }
        }
    }
}

/// A save that asks for no trouble.
pub async fn plain(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    create(world, random, report, None).await.map(|_| ())
}

/// A save whose news has room in a note at most: there must be one then.
pub async fn noted(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
    burn: Option<&str>,
) -> Result<(), ScenarioError> {
    world.settle()?;
    let before = world.markers()?;
    let is_saved = create(world, random, report, burn).await?;
    world.settle()?;
    if is_saved && before < ENOUGH_NOTES && world.markers()? <= before {
        report.violate("what could not be kept as a row left no note".to_owned());
    }
    report.meet("saves without room for a row", 1);
    Ok(())
}

fn fresh(world: &mut World, random: &mut StdRng, burn: Option<&str>) -> (&'static str, Value) {
    world.named += 1;
    let name = format!("Name {}", world.named);
    let (object, mut fields) = match random.random_range(0..4) {
        0 => ("Account", json!({"Name": name})),
        1 => ("Lead", json!({"LastName": name, "Company": "Co"})),
        _ => ("Contact", json!({"LastName": name})),
    };
    if let (Some(burn), Some(fields)) = (burn, fields.as_object_mut()) {
        fields.insert("Description".to_owned(), burn.into());
    }
    (object, fields)
}

/// Compares what became of rows in both orgs.
pub(super) fn compare(what: &str, org: &[Row], twin: &[Row], report: &mut Report) {
    report.saves += 1;
    report.rows += u64::try_from(org.len()).unwrap_or_default();
    report.meet(what, 1);
    for (with, without) in org.iter().zip(twin) {
        match (with, without) {
            (Err(refused), Ok(_)) => {
                report.violate(format!("{what} failed because of the package: {refused}"))
            }
            (Ok(_), Err(refused)) => report.violate(format!("{what} failed in the twin alone: {refused}")),
            (Err(_), Err(_)) => report.refused_in_both += 1,
            (Ok(_), Ok(_)) => {}
        }
    }
}

fn row_of(answer: Result<String, ScenarioError>) -> Row {
    answer.map_err(|error| error.to_string())
}

async fn create(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
    burn: Option<&str>,
) -> Result<bool, ScenarioError> {
    let (object, fields) = fresh(world, random, burn);
    let at = random.random_range(0..world.people.len());
    let person = world.people.get(at).ok_or(ScenarioError::Missing("person"))?;
    let org = row_of(person.org.create(object, &fields).await);
    let twin = row_of(person.twin.create(object, &fields).await);
    compare("create", from_ref(&org), from_ref(&twin), report);
    if let (Ok(id), Ok(twin)) = (org, twin) {
        note(world, &id, burn);
        world.live.push(Twins { object, id, twin });
        return Ok(true);
    }
    Ok(false)
}

/// At the end, when everything else is made good: saves without any room, of each object, which only the gateway's own
/// comparison finds.
pub async fn without_room(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
) -> Result<(), ScenarioError> {
    for _ in 0..6 {
        create(world, random, report, Some("burn dml events")).await?;
    }
    Ok(())
}

/// Where neither row nor note nor event has room, only the gateway's own comparison finds the news.
fn note(world: &mut World, id: &str, burn: Option<&str>) {
    if burn == Some("burn dml events") {
        world.unnoted.insert(id.to_owned());
    }
}

pub(super) fn any(world: &World, random: &mut StdRng) -> Option<(usize, Twins)> {
    if world.live.is_empty() {
        return None;
    }
    let at = random.random_range(0..world.live.len());
    Some((at, world.live.get(at)?.clone()))
}

fn name_field(object: &str) -> &'static str {
    if object == "Account" { "Name" } else { "LastName" }
}

async fn update(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
    burn: Option<&str>,
) -> Result<(), ScenarioError> {
    let Some((_, twins)) = any(world, random) else {
        return Ok(());
    };
    world.named += 1;
    let mut fields = json!({"Phone": format!("+49 {}", world.named)});
    if let (Some(burn), Some(fields)) = (burn, fields.as_object_mut()) {
        fields.insert("Description".to_owned(), burn.into());
    }
    let at = random.random_range(0..world.people.len());
    let person = world.people.get(at).ok_or(ScenarioError::Missing("person"))?;
    let done = |answer: Result<(), ScenarioError>| row_of(answer.map(|()| String::new()));
    let org = done(person.org.update(twins.object, &twins.id, &fields).await);
    let twin = done(person.twin.update(twins.object, &twins.twin, &fields).await);
    compare("update", from_ref(&org), &[twin], report);
    if org.is_ok() {
        note(world, &twins.id, burn);
    }
    Ok(())
}

async fn delete(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    let Some((at, twins)) = any(world, random) else {
        return Ok(());
    };
    let (org, twin) = &world.admins;
    let done = |answer: Result<(), ScenarioError>| row_of(answer.map(|()| String::new()));
    let org = done(org.delete(twins.object, &twins.id).await);
    let twin = done(twin.delete(twins.object, &twins.twin).await);
    compare("delete", from_ref(&org), &[twin], report);
    if org.is_ok() {
        world.live.swap_remove(at);
        // No trigger sees what goes with a parent.
        let swept = world.children.remove(&twins.id).unwrap_or_default();
        world.live.retain(|child| !swept.contains(&child.id));
        if world.deleted_with_children(&swept) {
            report.meet("cascade deletes", 1);
        }
        world.binned.push(twins);
    }
    Ok(())
}

/// Several records in one request, some of which lack what is required.
async fn collection(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
) -> Result<(), ScenarioError> {
    let count = random.random_range(2..40);
    let all_or_none = random.random_range(0..5) == 0;
    let mut rows = Vec::new();
    for _ in 0..count {
        let (object, mut fields) = fresh(world, random, None);
        if let Some(fields) = fields.as_object_mut() {
            if random.random_range(0..12) == 0 {
                fields.remove(name_field(object));
            }
            fields.insert("attributes".to_owned(), json!({"type": object}));
        }
        rows.push((object, fields));
    }
    // One object after the other: chunks of triggers are of one object.
    rows.sort_by_key(|(object, _)| *object);
    let records: Vec<Value> = rows.iter().map(|(_, fields)| fields.clone()).collect();
    let body = json!({"allOrNone": all_or_none, "records": records});
    let at = random.random_range(0..world.people.len());
    let person = world.people.get(at).ok_or(ScenarioError::Missing("person"))?;
    let org = collected(&person.org, &body, rows.len()).await;
    let twin = collected(&person.twin, &body, rows.len()).await;
    compare("collection", &org, &twin, report);
    for (((object, _), org), twin) in rows.iter().zip(org).zip(twin) {
        if let (Ok(id), Ok(twin)) = (org, twin) {
            world.live.push(Twins { object, id, twin });
        }
    }
    Ok(())
}

async fn collected(org: &OrgClient, body: &Value, rows: usize) -> Vec<Row> {
    match org.send("POST", "/composite/sobjects", Some(body)).await {
        Ok(answer) => answer
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| match row["id"].as_str() {
                Some(id) if row["success"] == true => Ok(id.to_owned()),
                _ => Err(row["errors"].to_string()),
            })
            .collect(),
        Err(error) => vec![Err(error.to_string()); rows],
    }
}

/// A save of 200 records that finds hardly any CPU time left. It becomes a note.
async fn long_save(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    world.settle()?;
    let before = world.markers()?;
    let mut records = Vec::new();
    for row in 0..200 {
        world.named += 1;
        let mut fields =
            json!({"attributes": {"type": "Contact"}, "LastName": format!("Name {}", world.named)});
        if row == 0 {
            fields["Description"] = "burn cpu".into();
        }
        records.push(fields);
    }
    let body = json!({"allOrNone": false, "records": records});
    let at = random.random_range(0..world.people.len());
    let person = world.people.get(at).ok_or(ScenarioError::Missing("person"))?;
    let org = collected(&person.org, &body, records.len()).await;
    let twin = collected(&person.twin, &body, records.len()).await;
    compare("burn cpu", &org, &twin, report);
    let is_saved = org.iter().any(Result::is_ok);
    for (org, twin) in org.into_iter().zip(twin) {
        if let (Ok(id), Ok(twin)) = (org, twin) {
            let object = OBJECTS[1].0;
            world.live.push(Twins { object, id, twin });
        }
    }
    world.settle()?;
    if is_saved && before < ENOUGH_NOTES && world.markers()? <= before {
        report.violate("a save without CPU time left no note".to_owned());
    }
    Ok(())
}

/// Deletes a good part of the contacts with one Bulk job in each org.
async fn bulk_delete(
    world: &mut World,
    random: &mut StdRng,
    report: &mut Report,
) -> Result<(), ScenarioError> {
    let mut chosen = Vec::new();
    let rows = random.random_range(300..900);
    let mut at = 0;
    while let Some(twins) = world.live.get(at) {
        if chosen.len() < rows && twins.object == "Contact" && !world.is_family(&twins.id) {
            chosen.push(world.live.swap_remove(at));
        } else {
            at += 1;
        }
    }
    let table = |id: fn(&Twins) -> &str| {
        let ids: Vec<&str> = chosen.iter().map(id).collect();
        format!("Id\n{}\n", ids.join("\n"))
    };
    let org = world
        .admins
        .0
        .bulk("Contact", "delete", &table(|twins| &twins.id))
        .await?;
    let twin = world
        .admins
        .1
        .bulk("Contact", "delete", &table(|twins| &twins.twin))
        .await?;
    compare("Bulk deletes", &[], &[], report);
    if org > 0 || twin > 0 {
        report.violate(format!(
            "a Bulk deletion: {org} rows failed with the package, {twin} without"
        ));
    }
    report.rows += u64::try_from(chosen.len()).unwrap_or_default();
    Ok(())
}

async fn bulk(world: &mut World, random: &mut StdRng, report: &mut Report) -> Result<(), ScenarioError> {
    let rows = random.random_range(150..450);
    world.named += 1;
    let mut table = "LastName\n".to_owned();
    let mut names = std::collections::BTreeSet::new();
    for row in 0..rows {
        let name = format!("Bulk {}.{row}", world.named);
        // About every fiftieth lacks its name.
        table.push_str(if row % 50 == 49 { "\"\"" } else { &name });
        table.push('\n');
        names.insert(name);
    }
    let at = random.random_range(0..world.people.len());
    let person = world.people.get(at).ok_or(ScenarioError::Missing("person"))?;
    let failed = |failed: u64| {
        vec![Err::<String, _>("a row of a Bulk job".to_owned()); usize::try_from(failed).unwrap_or_default()]
    };
    let org = person.org.bulk("Contact", "insert", &table).await?;
    let twin = person.twin.bulk("Contact", "insert", &table).await?;
    compare("Bulk job", &failed(org), &failed(twin), report);
    if org != twin {
        report.violate(format!(
            "a Bulk job: {org} rows failed with the package, {twin} without"
        ));
    }
    report.rows += rows;
    let soql = &format!(
        "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Bulk {}.%'",
        world.named
    );
    let known: std::collections::BTreeSet<String> = world.live.iter().map(|twins| twins.id.clone()).collect();
    let (org, twin) = (
        world.admins.0.query(soql).await?,
        world.admins.1.query(soql).await?,
    );
    let twins: std::collections::BTreeMap<&str, &str> = twin
        .iter()
        .filter_map(|row| Some((row["LastName"].as_str()?, row["Id"].as_str()?)))
        .collect();
    for row in &org {
        let (Some(id), Some(name)) = (row["Id"].as_str(), row["LastName"].as_str()) else {
            continue;
        };
        let is_new = !known.contains(id) && names.contains(name);
        if let (true, Some(twin)) = (is_new, twins.get(name)) {
            world.live.push(Twins {
                object: OBJECTS[1].0,
                id: id.to_owned(),
                twin: (*twin).to_owned(),
            });
        }
    }
    Ok(())
}
