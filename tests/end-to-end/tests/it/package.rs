//! The package in the org and the gateway: real triggers, real jobs, real tokens, real answers.

use emulated_org::{Deed, LeadConversion};
use end_to_end::partner::Partner;
use serde_json::{Map, Value, json};

use crate::package_world::Packaged;
use crate::world::Engine;

#[tokio::test(flavor = "multi_thread")]
async fn a_record_saved_through_rest_reaches_the_partners_feed() {
    on(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_saved_through_rest_reaches_the_partners_feed_on_postgres() {
    on(Engine::Postgres).await;
}

async fn on(engine: Engine) {
    let org = Packaged::paired(engine).await;
    let id = org
        .rep
        .create(
            "Contact",
            &json!({"FirstName": "Ada", "LastName": "Byron", "Email": "ada@example.com"}),
        )
        .await
        .unwrap();
    let partner = org.partner();
    let record = partner.wait_for("contact", &id, |_| true).await.unwrap();
    assert_eq!(
        (&record["fields"]["last_name"], &record["owner"]),
        (&json!("Byron"), &json!("rita"))
    );
    org.rep
        .update(
            "Contact",
            &id,
            &json!({"Title": "Countess", "Department": "not mapped"}),
        )
        .await
        .unwrap();
    let is_titled = |record: &Value| record["fields"]["title"] == "Countess";
    partner.wait_for("contact", &id, is_titled).await.unwrap();
    org.rest().await;
    assert_eq!(
        positions_of(&partner, &record["id"]).await,
        1,
        "the feed shows the latest state once"
    );
    assert_eq!(org.count("Outbox__c").await, 0);
    assert_eq!(org.pumps().await, 2, "one for each save");

    // A save of a field that nobody captures is no news.
    org.rep
        .update("Contact", &id, &json!({"Department": "still not mapped"}))
        .await
        .unwrap();
    org.rest().await;
    assert_eq!(org.pumps().await, 2);
    org.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_rows_by_bulk_are_a_few_jobs_and_calls() {
    let org = Packaged::paired(Engine::Sqlite).await;
    let mut table = "LastName,Email\n".to_owned();
    for row in 0..1_000 {
        table.push_str(&format!("Row {row},row{row}@example.com\n"));
    }
    org.rep.bulk("Contact", "insert", &table).await.unwrap();
    org.rest().await;
    let partner = org.partner();
    let records = partner.records("contact").await.unwrap();
    assert_eq!(records.len(), 1_000);
    assert_eq!(org.count("Outbox__c").await, 0);
    let pumps = org.pumps().await;
    assert!((1..=6).contains(&pumps), "{pumps} jobs for five chunks");
    let requests = org.answered("/v1/salesforce/changes");
    assert!((1..=5).contains(&requests), "{requests} requests for five chunks");
    org.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletes_undeletes_merges_and_conversions_reach_the_partner() {
    let org = Packaged::paired(Engine::Sqlite).await;
    let partner = org.partner();
    let contact = |name: &str| json!({"LastName": name, "Email": format!("{name}@example.com")});
    let gone = org.rep.create("Contact", &contact("gone")).await.unwrap();
    let master = org.rep.create("Contact", &contact("master")).await.unwrap();
    let loser = org.rep.create("Contact", &contact("loser")).await.unwrap();
    let lead = json!({"LastName": "Convert", "Company": "Converted Ltd"});
    let lead = org.rep.create("Lead", &lead).await.unwrap();
    org.rest().await;
    assert_eq!(partner.records("contact").await.unwrap().len(), 3);

    org.rep.delete("Contact", &gone).await.unwrap();
    org.rest().await;
    assert_eq!(names(&partner).await, ["loser", "master"]);

    org.deed(&Deed::Undelete { id: gone.clone() });
    org.rest().await;
    assert_eq!(names(&partner).await, ["gone", "loser", "master"]);

    org.deed(&Deed::Merge {
        master: master.clone(),
        losers: vec![loser],
        fields: Map::new(),
    });
    org.rest().await;
    assert_eq!(names(&partner).await, ["gone", "master"]);

    org.deed(&Deed::ConvertLead(LeadConversion {
        id: lead,
        without_opportunity: true,
        ..LeadConversion::default()
    }));
    org.rest().await;
    assert_eq!(names(&partner).await, ["Convert", "gone", "master"]);
    let accounts = partner.records("account").await.unwrap();
    assert_eq!(accounts.len(), 1, "{accounts:?}");
    assert_eq!(accounts[0]["fields"]["name"], "Converted Ltd");
    assert_eq!(org.count("Outbox__c").await, 0);
    org.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partners_post_comes_back_from_the_trigger_as_agreed_and_nobody_writes_again() {
    let org = Packaged::paired(Engine::Sqlite).await;
    let partner = org.partner();
    let body = json!({"records": [{"fields": {
        "first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com", "title": "Admiral",
    }}]});
    let answer = partner.post("/v1/records/contact", &body).await.unwrap();
    let id = answer["results"][0]["id"].clone();
    org.rest().await;
    let rows = org
        .rep
        .query("SELECT Id, LastName, Title FROM Contact")
        .await
        .unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["Title"], "Admiral");
    assert!(
        org.pumps().await >= 1,
        "the trigger fired for the gateway's own write"
    );
    let (writes, position) = (org.writes(), last_position(&partner).await);

    // At rest nobody has anything to say: not the org, not the gateway, not after another heartbeat.
    org.apex("Heartbeat.start();").unwrap();
    org.rest().await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    org.rest().await;
    assert_eq!(org.writes(), writes);
    assert_eq!(last_position(&partner).await, position);
    assert_eq!(org.count("Outbox__c").await, 0);

    // The next edit of each side travels once.
    let path = format!("/v1/records/contact/{}", id.as_str().unwrap());
    let edit = json!({"records": [{"id": id, "fields": {"title": "Rear Admiral"}}]});
    partner.post("/v1/records/contact", &edit).await.unwrap();
    org.rest().await;
    let rows = org.rep.query("SELECT Id, Title FROM Contact").await.unwrap();
    assert_eq!(rows[0]["Title"], "Rear Admiral");
    let salesforce = rows[0]["Id"].as_str().unwrap();
    org.rep
        .update("Contact", salesforce, &json!({"Title": "Retired"}))
        .await
        .unwrap();
    org.rest().await;
    let record = partner.get(&path).await.unwrap();
    assert_eq!(record["fields"]["title"], "Retired", "{record}");
    assert_eq!(
        org.writes(),
        writes + 1,
        "only the partner's own edit was written"
    );
    org.world.stop().await;
}

#[test]
fn the_versions_of_package_gateway_and_project_are_one() {
    let root = crate::package_world::package_source();
    let class = std::fs::read_to_string(root.join("main/shared/classes/PackageVersion.cls")).unwrap();
    let current = class
        .split("CURRENT = '")
        .nth(1)
        .and_then(|rest| rest.split('\'').next())
        .unwrap();
    assert_eq!(current, causeway::app::package::LATEST_VERSION.to_string());
    let project = std::fs::read_to_string(root.join("../sfdx-project.json")).unwrap();
    let project: Value = serde_json::from_str(&project).unwrap();
    let number = project["packageDirectories"][0]["versionNumber"]
        .as_str()
        .unwrap();
    assert!(number.starts_with(&format!("{current}.")), "{number}");
}

async fn names(partner: &Partner) -> Vec<String> {
    let mut names: Vec<String> = partner
        .records("contact")
        .await
        .unwrap()
        .iter()
        .filter(|record| record["presence"] == "live")
        .map(|record| {
            record["fields"]["last_name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

async fn positions_of(partner: &Partner, id: &Value) -> usize {
    let feed = partner.feed().await.unwrap();
    feed.iter().filter(|change| change["id"] == *id).count()
}

async fn last_position(partner: &Partner) -> Value {
    partner
        .feed()
        .await
        .unwrap()
        .last()
        .map_or(Value::Null, |change| change["position"].clone())
}
