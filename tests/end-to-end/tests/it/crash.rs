//! kill -9 at every moment that matters; afterwards nothing is lost and nothing is doubled.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use emulated_org::company::CompanyOptions;
use end_to_end::company;
use end_to_end::org_client::OrgClient;
use end_to_end::partner::Partner;
use end_to_end::pump;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::world::{Engine, World};

const RECORDS: u64 = 6_000;

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_initial_sync_loses_and_doubles_nothing_on_sqlite() {
    kill_in_the_initial_sync(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_in_the_initial_sync_loses_and_doubles_nothing_on_postgres() {
    kill_in_the_initial_sync(Engine::Postgres).await;
}

async fn kill_in_the_initial_sync(engine: Engine) {
    let reference = prepared(engine).await;
    let started = Instant::now();
    reference
        .gateway
        .command(&["sync", "initial", "--connection", "acme"])
        .unwrap();
    let whole = started.elapsed();
    reference.stop().await;

    for seed in 1..=3u64 {
        let mut world = prepared(engine).await;
        let mut random = StdRng::seed_from_u64(seed);
        let moment = whole.mul_f64(random.random_range(0.05..0.95));
        let mut sync = world
            .gateway
            .start(&["sync", "initial", "--connection", "acme"])
            .unwrap();
        tokio::time::sleep(moment).await;
        sync.kill().unwrap();
        sync.wait().unwrap();
        world
            .gateway
            .command(&["sync", "initial", "--connection", "acme"])
            .unwrap();
        assert_complete(
            &mut world,
            &format!("seed {seed}, killed after {moment:?} of {whole:?}"),
        )
        .await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn death_after_each_durable_step_of_the_initial_sync_loses_and_doubles_nothing_on_sqlite() {
    death_in_the_initial_sync(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_after_each_durable_step_of_the_initial_sync_loses_and_doubles_nothing_on_postgres() {
    death_in_the_initial_sync(Engine::Postgres).await;
}

/// One run dies at each step in turn and is taken up again each time.
async fn death_in_the_initial_sync(engine: Engine) {
    let mut world = prepared(engine).await;
    for failpoint in [
        "sync.run_started",
        "sync.job_created",
        "sync.page_applied:3",
        "sync.part_done",
        "sync.page_applied:5",
        "sync.run_finished",
    ] {
        let output = world
            .gateway
            .run(&[
                "--failpoint",
                failpoint,
                "sync",
                "initial",
                "--connection",
                "acme",
            ])
            .unwrap();
        assert!(
            !output.status.success(),
            "{failpoint} was never reached: {}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
    world
        .gateway
        .command(&["sync", "initial", "--connection", "acme"])
        .unwrap();
    assert_complete(&mut world, "every step").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_after_each_durable_step_of_a_push_loses_and_doubles_nothing_on_sqlite() {
    death_in_a_push(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn death_after_each_durable_step_of_a_push_loses_and_doubles_nothing_on_postgres() {
    death_in_a_push(Engine::Postgres).await;
}

async fn death_in_a_push(engine: Engine) {
    let mut world = prepared(engine).await;
    let org = world.admin().await;
    world
        .gateway
        .command(&["sync", "initial", "--connection", "acme"])
        .unwrap();
    let package = world.package("acme");
    let partner = world.partner("acme");
    for (number, failpoint) in ["push.received", "push.answered", "inbox.claimed", "inbox.decided"]
        .into_iter()
        .enumerate()
    {
        world.gateway.serve(&["--failpoint", failpoint]).await.unwrap();
        let changes = edit_ten(&org, number).await;
        // Like the package's pump: what was not answered with 202 is sent again.
        let answered = pump::post(&package, world.organization(), &changes).await.is_ok();
        let patience = Instant::now() + Duration::from_secs(20);
        while !world.gateway.has_died() {
            assert!(Instant::now() < patience, "{failpoint} was never reached");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        world.gateway.kill().unwrap();
        world.gateway.serve(&[]).await.unwrap();
        if !answered {
            pump::post(&package, world.organization(), &changes)
                .await
                .unwrap();
        }
        for change in &changes {
            let id = change["id"].as_str().unwrap();
            if change["operation"] == "delete" {
                wait_until_gone(&partner, id).await;
            } else {
                let email = &change["fields"]["Email"];
                partner
                    .wait_for("contact", id, |record| record["fields"]["email"] == *email)
                    .await
                    .unwrap();
            }
        }
        world.gateway.kill().unwrap();
    }
    assert_complete(&mut world, "every step of a push").await;
    world.stop().await;
}

/// Edits eight contacts, makes one and deletes one; the changes as the pump would post them.
async fn edit_ten(org: &OrgClient, round: usize) -> Vec<Value> {
    let fields = ["FirstName", "LastName", "Email", "AccountId", "OwnerId"];
    let rows = org
        .query(&format!(
            "SELECT Id, SystemModstamp, {} FROM Contact ORDER BY Id LIMIT 9",
            fields.join(", ")
        ))
        .await
        .unwrap();
    let mut changes = Vec::new();
    let (last, edited) = rows.split_last().unwrap();
    for row in edited {
        let id = row["Id"].as_str().unwrap();
        org.update(
            "Contact",
            id,
            &json!({"Email": format!("round{round}.{}@example.com", id.get(10..15).unwrap())}),
        )
        .await
        .unwrap();
        changes.push(
            pump::snapshot(org, "Contact", id, &fields, "update")
                .await
                .unwrap(),
        );
    }
    let made = org
        .create(
            "Contact",
            &json!({"LastName": "Neu", "Email": format!("neu{round}@example.com")}),
        )
        .await
        .unwrap();
    changes.push(
        pump::snapshot(org, "Contact", &made, &fields, "create")
            .await
            .unwrap(),
    );
    let gone = last["Id"].as_str().unwrap();
    org.delete("Contact", gone).await.unwrap();
    changes.push(pump::change("Contact", gone, "delete", last, chrono::Utc::now()));
    changes
}

async fn wait_until_gone(partner: &Partner, salesforce_id: &str) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let found = partner
            .get(&format!("/v1/records/contact?salesforceId={salesforce_id}"))
            .await
            .unwrap();
        if found["records"].as_array().unwrap().is_empty() {
            return;
        }
        assert!(Instant::now() < patience, "{salesforce_id} is still there");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

/// An org with a company, and a gateway connected to it, with mappings, that has synced nothing yet.
async fn prepared(engine: Engine) -> World {
    let company = CompanyOptions {
        seed: 7,
        records: RECORDS,
    };
    let world = World::start(engine, Vec::new(), Some(company)).await;
    let org = world.admin().await;
    world.connect("acme", company::partner_users(&org).await.unwrap());
    world
        .gateway
        .apply_mappings("acme", &company::mappings().unwrap())
        .unwrap();
    world
}

/// Both sides hold the same records, each once, and the run's counts say so too.
async fn assert_complete(world: &mut World, how: &str) {
    let org = world.admin().await;
    world.gateway.serve(&[]).await.unwrap();
    let partner = world.partner("acme");
    let runs = partner.get("/v1/syncs").await.unwrap();
    let run = &runs["syncs"][0];
    assert_eq!(run["state"], "completed", "{how}: {run}");
    for part in run["parts"].as_array().unwrap() {
        let outcomes: u64 = part["outcomes"]
            .as_object()
            .unwrap()
            .values()
            .map(|count| count.as_u64().unwrap())
            .sum();
        assert_eq!(
            outcomes,
            part["rows"].as_u64().unwrap(),
            "{how}: every row is counted once: {part}"
        );
    }
    for (object, sobject) in company::OBJECTS {
        let mut theirs: Vec<String> = org
            .query(&format!("SELECT Id FROM {sobject}"))
            .await
            .unwrap()
            .iter()
            .map(|row| row["Id"].as_str().unwrap().to_owned())
            .collect();
        let records = partner.records(object).await.unwrap();
        let mut ours: Vec<String> = records
            .iter()
            .map(|record| record["salesforceId"].as_str().unwrap().to_owned())
            .collect();
        theirs.sort_unstable();
        ours.sort_unstable();
        assert_eq!(ours.len(), theirs.len(), "{how}: {object}");
        assert!(ours == theirs, "{how}: {object} records differ from the org's");
    }
    let contacts: BTreeMap<String, Value> = partner
        .records("contact")
        .await
        .unwrap()
        .into_iter()
        .map(|record| {
            (
                record["salesforceId"].as_str().unwrap().to_owned(),
                record["fields"].clone(),
            )
        })
        .collect();
    for row in org
        .query("SELECT Id, LastName, Email, AccountId FROM Contact")
        .await
        .unwrap()
    {
        let fields = &contacts[row["Id"].as_str().unwrap()];
        assert_eq!(
            (
                &fields["last_name"],
                &fields["email"],
                &fields["account"]["salesforceId"]
            ),
            (&row["LastName"], &row["Email"], &row["AccountId"]),
            "{how}: {row}"
        );
        if !row["AccountId"].is_null() {
            assert!(
                fields["account"]["id"].is_string(),
                "{how}: the account's partner record is not found: {fields}"
            );
        }
    }
    world.gateway.kill().unwrap();
}
