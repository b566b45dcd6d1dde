//! The main job: an org's records reach the partner, and changes that are pushed follow at once.

use emulated_org::company::CompanyOptions;
use end_to_end::company;
use end_to_end::pump;
use serde_json::{Value, json};

use crate::world::{Engine, World};

#[tokio::test(flavor = "multi_thread")]
async fn records_reach_the_partner_mapped_and_owned_and_a_pushed_change_follows() {
    let mut world = World::start(
        Engine::Sqlite,
        Vec::new(),
        Some(CompanyOptions {
            seed: 3,
            records: 600,
        }),
    )
    .await;
    let org = world.admin().await;
    let users = company::partner_users(&org).await.unwrap();
    world.connect("acme", users.clone());
    world
        .gateway
        .apply_mappings("acme", &company::mappings().unwrap())
        .unwrap();
    let printed = world
        .gateway
        .command(&["sync", "initial", "--connection", "acme"])
        .unwrap();
    assert!(
        printed.contains("contact"),
        "the summary names the objects: {printed}"
    );
    world.gateway.serve(&[]).await.unwrap();
    let partner = world.partner("acme");

    let fields = [
        "FirstName",
        "LastName",
        "Email",
        "Birthdate",
        "AccountId",
        "OwnerId",
        "Owner.Email",
    ];
    let rows = org
        .query(&format!("SELECT Id, {} FROM Contact", fields.join(", ")))
        .await
        .unwrap();
    assert!(rows.len() > 50);
    for row in &rows {
        let id = row["Id"].as_str().unwrap();
        let record = partner.wait_for("contact", id, |_| true).await.unwrap();
        assert_eq!(record["fields"]["last_name"], row["LastName"]);
        assert_eq!(
            record["fields"]["birthday"], row["Birthdate"],
            "a date without zone is never shifted"
        );
        let owner = users
            .iter()
            .find(|(_, email, _)| row["Owner"]["Email"] == *email.as_str());
        assert_eq!(
            record["owner"],
            owner.map_or(company::DEFAULT_OWNER, |(id, _, _)| id.as_str())
        );
    }

    // A rep edits a contact; the package pushes it; the partner's feed goes on from where it was.
    let before = partner.feed().await.unwrap();
    let position = before.last().unwrap()["position"].clone();
    let id = rows[0]["Id"].as_str().unwrap();
    org.update(
        "Contact",
        id,
        &json!({"Email": "new.address@example.com", "Title": null}),
    )
    .await
    .unwrap();
    let change = pump::snapshot(
        &org,
        "Contact",
        id,
        &["FirstName", "LastName", "Email", "Title", "OwnerId"],
        "update",
    )
    .await
    .unwrap();
    let answer = pump::post(&world.package("acme"), world.organization(), &[change])
        .await
        .unwrap();
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(0)));
    let record = partner
        .wait_for("contact", id, |record| {
            record["fields"]["email"] == "new.address@example.com"
        })
        .await
        .unwrap();
    assert_eq!(
        record["fields"]["birthday"], rows[0]["Birthdate"],
        "what the push does not speak of stays"
    );
    let news: Vec<Value> = partner
        .feed()
        .await
        .unwrap()
        .into_iter()
        .filter(|change| change["position"].as_i64() > position.as_i64())
        .collect();
    assert_eq!(news.len(), 1, "{news:?}");
    assert_eq!(news[0]["id"], record["id"]);
    let history = partner
        .get(&format!(
            "/v1/records/contact/{}/history",
            record["id"].as_str().unwrap()
        ))
        .await
        .unwrap();
    let email = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["field"] == "email")
        .unwrap()
        .clone();
    assert_eq!(
        (&email["partnerBefore"], &email["partnerAfter"]),
        (&rows[0]["Email"], &json!("new.address@example.com"))
    );

    // No secret is in the log or in what a partner can read.
    let logged = world.gateway.logged().unwrap();
    for client in ["acme-partner", "acme-package"] {
        assert!(
            !logged.contains(&world.gateway.secret(client).unwrap()),
            "the log holds the secret of {client}"
        );
    }
    assert!(!logged.contains("PRIVATE KEY"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn terminate_ends_in_order_and_a_restart_goes_on() {
    let mut world = World::start(
        Engine::Sqlite,
        Vec::new(),
        Some(CompanyOptions {
            seed: 5,
            records: 200,
        }),
    )
    .await;
    let org = world.admin().await;
    world.connect("acme", company::partner_users(&org).await.unwrap());
    world
        .gateway
        .apply_mappings("acme", &company::mappings().unwrap())
        .unwrap();
    world.gateway.serve(&[]).await.unwrap();
    let partner = world.partner("acme");
    let run = partner
        .post("/v1/syncs", &json!({"kind": "initial"}))
        .await
        .unwrap();
    assert!(
        world
            .gateway
            .terminate(std::time::Duration::from_secs(15))
            .await
            .unwrap()
    );
    world.gateway.serve(&[]).await.unwrap();
    let path = format!("/v1/syncs/{}", run["id"].as_str().unwrap());
    for _ in 0..400 {
        if partner.get(&path).await.unwrap()["state"] == "completed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let run = partner.get(&path).await.unwrap();
    assert_eq!(run["state"], "completed", "{run}");
    let accounts = org.query("SELECT Id FROM Account").await.unwrap().len();
    assert_eq!(partner.records("account").await.unwrap().len(), accounts);
    world.stop().await;
}
