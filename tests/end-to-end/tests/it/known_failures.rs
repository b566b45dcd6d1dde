//! Failures that products of this field are known for, each as a story that must end well here.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use emulated_org::{Deed, LeadConversion};
use end_to_end::pump;
use serde_json::{Value, json};

use crate::two_way_world::{CONNECTION, TwoWay, field, mapping};
use crate::world::Engine;

const PUMPED: [&str; 8] = [
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Department",
    "LeadSource",
    "Birthdate",
    "Partner_Id__c",
];

fn contact_mapping(owner: &str) -> Value {
    let mut source = field("source", "SingleChoice", "LeadSource", "mostRecent");
    source["choices"] = json!([
        {"salesforce": "Web", "partner": "online"},
        {"salesforce": "Purchased List", "partner": "online"},
        {"salesforce": "Other", "partner": "other"},
    ]);
    let mut last_name = field("last_name", "Text", "LastName", "mostRecent");
    last_name["required"] = json!(true);
    let mut contact = mapping(
        "contact",
        "Contact",
        owner,
        vec![
            field("first_name", "Text", "FirstName", "mostRecent"),
            last_name,
            field("email", "Email", "Email", "mostRecent"),
            field("phone", "Phone", "Phone", "mostRecent"),
            field("department", "Text", "Department", "partner"),
            source,
            field("birthday", "Date", "Birthdate", "mostRecent"),
            field("account", "Reference", "AccountId", "mostRecent"),
        ],
    );
    contact["identity"] = json!("email");
    contact
}

/// A served world with accounts, contacts and leads mapped both ways.
async fn served() -> TwoWay {
    let mut two_way = connected().await;
    two_way.sync("initial");
    two_way.world.gateway.serve(&[]).await.unwrap();
    two_way
}

async fn connected() -> TwoWay {
    let two_way = TwoWay::start(Engine::Sqlite).await;
    let owner = two_way.person_id.clone();
    let mut name = field("name", "Text", "Name", "mostRecent");
    name["required"] = json!(true);
    let mut company = field("company", "Text", "Company", "mostRecent");
    company["required"] = json!(true);
    let mut last_name = field("last_name", "Text", "LastName", "mostRecent");
    last_name["required"] = json!(true);
    two_way.connect(
        Vec::new(),
        &[
            mapping("account", "Account", &owner, vec![name]),
            contact_mapping(&owner),
            mapping("lead", "Lead", &owner, vec![last_name, company]),
        ],
    );
    two_way
}

/// What both sides hold of a contact's field, once nothing is under way.
async fn both(two_way: &TwoWay, record: &str, partner: &str, salesforce: &str) -> (Value, Value) {
    two_way.rest().await;
    let ours = two_way.record("contact", record).await;
    let id = ours["salesforceId"].as_str().unwrap();
    let rows = two_way
        .rows(&format!("SELECT {salesforce} FROM Contact WHERE Id = '{id}'"))
        .await;
    (ours["fields"][partner].clone(), rows[0][salesforce].clone())
}

async fn count(two_way: &TwoWay, object: &str) -> usize {
    two_way.rows(&format!("SELECT Id FROM {object}")).await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn p1_a_row_that_commits_after_later_stamps_is_not_missed() {
    let two_way = connected().await;
    two_way.sync("initial");
    let at_once = two_way
        .person
        .create("Contact", &json!({"LastName": "Prompt"}))
        .await
        .unwrap();
    // The stamp lies before the sync, the commit behind it.
    let late = two_way.deed_later(
        &serde_json::from_value(json!({"create": {"object": "Contact", "fields": {"LastName": "Tardy"}}}))
            .unwrap(),
        TimeDelta::milliseconds(1_500),
    );
    two_way.sync("instant");
    assert!(two_way.is_open(late), "the transaction is still under way");
    tokio::time::sleep(Duration::from_secs(2)).await;
    two_way.sync("instant");
    let mut two_way = two_way;
    two_way.world.gateway.serve(&[]).await.unwrap();
    let records = two_way.partner().records("contact").await.unwrap();
    let mut names: Vec<&str> = records
        .iter()
        .filter_map(|record| record["fields"]["last_name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Prompt", "Tardy"]);
    assert!(
        records
            .iter()
            .any(|record| record["salesforceId"] == at_once.as_str())
    );
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p4_two_automations_that_fight_are_stopped_and_shown() {
    let two_way = served().await;
    two_way.automate(json!({
        "object": "Contact", "when": "Department != 'Sales'",
        "then": {"afterSave": {"update": {"set": {"Department": "Sales"}}, "afterMilliseconds": 20}},
    }));
    let (record, id) = two_way
        .made(
            "contact",
            json!({"fields": {"last_name": "Vampire", "department": "Service"}}),
        )
        .await;
    // The partner owns the department, and the org's automation writes it back each time.
    for _ in 0..200 {
        two_way.push("Contact", std::slice::from_ref(&id), &PUMPED).await;
        let known = two_way.record("contact", &record).await;
        if known["status"] == "held" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    two_way.rest().await;
    let held = two_way.partner().held().await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["reason"], "flipping");
    let writes = two_way.writes();
    assert!(writes < 40, "{writes} writes for one record");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(two_way.writes(), writes, "nobody writes any more");
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p5_quick_edits_and_a_delete_neither_flip_nor_revive() {
    let two_way = served().await;
    let (record, id) = two_way
        .made("contact", json!({"fields": {"last_name": "Quick", "phone": "1"}}))
        .await;
    let mut late = Vec::new();
    for number in 2..12 {
        two_way
            .post(
                "contact",
                json!([{"id": record, "fields": {"phone": number.to_string()}}]),
            )
            .await;
        late.push(
            pump::snapshot(&two_way.person, "Contact", &id, &PUMPED, "update")
                .await
                .unwrap(),
        );
    }
    assert_eq!(
        both(&two_way, &record, "phone", "Phone").await,
        (json!("11"), json!("11"))
    );
    two_way
        .partner()
        .delete(&format!("/v1/records/contact/{record}"))
        .await
        .unwrap();
    two_way.rest().await;
    late.reverse();
    pump::post(&two_way.package(), two_way.world.organization(), &late)
        .await
        .unwrap();
    two_way.rest().await;
    assert_eq!(
        count(&two_way, "Contact").await,
        0,
        "deleted in Salesforce, and not revived"
    );
    assert!(two_way.partner().records("contact").await.unwrap().is_empty());
    two_way.sync_served("instant").await;
    assert!(two_way.partner().records("contact").await.unwrap().is_empty());
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_one_bad_row_fails_alone() {
    let two_way = served().await;
    two_way.automate(json!({
        "object": "Contact", "when": "LastName = 'Refused'",
        "then": {"validation": {"message": "No such name here", "field": "LastName"}},
    }));
    let records: Vec<Value> = (0..200)
        .map(|number| {
            let name = if number == 77 {
                "Refused".to_owned()
            } else {
                format!("Good {number}")
            };
            json!({"key": format!("row-{number}"), "fields": {"last_name": name}})
        })
        .collect();
    let results = two_way.post("contact", json!(records)).await;
    assert_eq!(results.len(), 200);
    two_way.rest().await;
    assert_eq!(count(&two_way, "Contact").await, 199);
    let held = two_way.partner().held().await.unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!(held[0]["record"], results[77]["id"]);
    assert!(
        held[0]["summary"].as_str().unwrap().contains("No such name here"),
        "{}",
        held[0]
    );
    // The partner mends its record, and it goes through.
    two_way
        .post(
            "contact",
            json!([{"key": "row-77", "fields": {"last_name": "Mended"}}]),
        )
        .await;
    two_way.rest().await;
    assert_eq!(count(&two_way, "Contact").await, 200);
    assert!(two_way.partner().held().await.unwrap().is_empty());
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p9_deletes_undeletes_and_hard_deletes_follow_the_policy() {
    let two_way = served().await;
    let (ours, theirs) = two_way
        .made("contact", json!({"fields": {"last_name": "Gone"}}))
        .await;
    two_way.deed(&Deed::Delete { id: theirs.clone() });
    two_way.sync_served("instant").await;
    assert_eq!(two_way.record("contact", &ours).await["presence"], "deleted");
    // Salesforce's stamps are whole seconds: what happens within one is in no order.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    two_way.deed(&Deed::Undelete { id: theirs.clone() });
    two_way.sync_served("instant").await;
    let back = two_way.record("contact", &ours).await;
    eprintln!(
        "DEBUG {:#}",
        two_way.partner().get("/v1/logs?limit=20").await.unwrap()
    );
    eprintln!(
        "DEBUG {:#?}",
        two_way.rows("SELECT Id, SystemModstamp FROM Contact").await
    );
    assert_eq!(
        (&back["presence"], &back["fields"]["last_name"]),
        (&json!("live"), &json!("Gone"))
    );
    // A hard delete leaves no trace that a sync of changes could find; the reconcile does.
    two_way.deed(&Deed::HardDelete { id: theirs });
    two_way.sync_served("reconcile").await;
    two_way.rest().await;
    let known = two_way.record("contact", &ours).await;
    assert!(
        known["presence"] == "deleted" || known["status"] == "held",
        "a record that is nowhere in Salesforce is not shown as in step: {known}"
    );
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_a_merge_leaves_one_record_and_the_loser_points_to_it() {
    let two_way = served().await;
    let (stays, winner) = two_way
        .made(
            "contact",
            json!({"key": "one", "fields": {"last_name": "Double", "email": "one@double.example"}}),
        )
        .await;
    let (goes, loser) = two_way
        .made(
            "contact",
            json!({"key": "two", "fields": {"last_name": "Double", "email": "two@double.example"}}),
        )
        .await;
    two_way.deed(&Deed::Merge {
        master: winner.clone(),
        losers: vec![loser],
        fields: serde_json::Map::new(),
    });
    two_way.sync_served("instant").await;
    two_way.rest().await;
    let merged = two_way.record("contact", &goes).await;
    assert_eq!(merged["presence"], "deleted");
    assert_eq!(merged["supersededBy"]["id"], stays.as_str());
    // The partner still knows the loser by its key: what it posts goes to the record that stayed.
    let results = two_way
        .post("contact", json!([{"key": "two", "fields": {"phone": "555"}}]))
        .await;
    assert_eq!(results[0]["id"], stays.as_str(), "{}", results[0]);
    let held = both(&two_way, &stays, "phone", "Phone").await;
    assert_eq!(held, (json!("555"), json!("555")));
    assert_eq!(count(&two_way, "Contact").await, 1);
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p10_a_converted_lead_points_to_the_contact_that_it_became() {
    let two_way = served().await;
    let (lead, id) = two_way
        .made(
            "lead",
            json!({"fields": {"last_name": "Convert", "company": "Becoming Inc"}}),
        )
        .await;
    two_way.deed(&Deed::ConvertLead(LeadConversion {
        id,
        without_opportunity: true,
        ..LeadConversion::default()
    }));
    two_way.sync_served("instant").await;
    two_way.rest().await;
    let converted = two_way.record("lead", &lead).await;
    eprintln!(
        "DEBUG {:#}",
        two_way.partner().get("/v1/logs?limit=20").await.unwrap()
    );
    assert_eq!(converted["presence"], "archived");
    let contact = converted["supersededBy"]["id"].as_str().unwrap();
    assert_eq!(
        two_way.record("contact", contact).await["fields"]["last_name"],
        "Convert"
    );
    let refused = two_way
        .post("lead", json!([{"id": lead, "fields": {"company": "Other"}}]))
        .await;
    assert_ne!(
        refused[0]["outcome"], "updated",
        "a converted lead is not written to"
    );
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p11_a_create_whose_answer_is_lost_is_made_once() {
    let two_way = served().await;
    two_way.world.org.faults().cut_after_next_writes(1);
    let body = json!({"records": [{"key": "lost-answer", "fields": {"last_name": "Single"}}]});
    let first = two_way
        .partner()
        .post_once("/v1/records/contact", "key-1", &body)
        .await
        .unwrap();
    // The partner, too, thinks that its answer was lost, and asks again with the same key and with another.
    let again = two_way
        .partner()
        .post_once("/v1/records/contact", "key-1", &body)
        .await
        .unwrap();
    assert_eq!(again, first, "the same key is given the first answer");
    let other = two_way
        .partner()
        .post_once("/v1/records/contact", "key-2", &body)
        .await
        .unwrap();
    assert_eq!(other["results"][0]["id"], first["results"][0]["id"]);
    two_way.rest().await;
    assert_eq!(count(&two_way, "Contact").await, 1);
    assert_eq!(two_way.partner().records("contact").await.unwrap().len(), 1);
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p12_an_upsert_creates_only_where_it_should_and_never_guesses() {
    let two_way = served().await;
    let partner = two_way.partner();
    let post = async |mode: &str, record: Value| {
        let body = json!({"mode": mode, "records": [record]});
        partner.post("/v1/records/contact", &body).await.unwrap()["results"][0].clone()
    };
    let unknown = post("updateOnly", json!({"key": "a", "fields": {"last_name": "A"}})).await;
    assert_eq!(unknown["outcome"], "refused");
    let made = post(
        "createOnly",
        json!({"key": "a", "fields": {"last_name": "A", "email": "a@mail.example"}}),
    )
    .await;
    assert_eq!(made["outcome"], "created");
    let twice = post("createOnly", json!({"key": "a", "fields": {"last_name": "A"}})).await;
    assert_eq!(twice["outcome"], "refused");
    two_way.rest().await;

    // Two contacts in Salesforce share an address; the partner's third is recognised by it, but as which?
    for _ in 0..2 {
        two_way
            .person
            .create(
                "Contact",
                &json!({"LastName": "Shared", "Email": "shared@mail.example"}),
            )
            .await
            .unwrap();
    }
    let third = post(
        "upsert",
        json!({"key": "s", "fields": {"last_name": "Shared", "email": "Shared@mail.example"}}),
    )
    .await;
    two_way.rest().await;
    let held = partner.held().await.unwrap();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0]["record"], third["id"]);
    assert_eq!(held[0]["reason"], "ambiguous");
    assert_eq!(count(&two_way, "Contact").await, 3, "nothing was created");

    // One that is there once is linked, not made again.
    two_way
        .person
        .create(
            "Contact",
            &json!({"LastName": "Known", "Email": "known@mail.example"}),
        )
        .await
        .unwrap();
    let known = post(
        "upsert",
        json!({"key": "k", "fields": {"last_name": "Known", "email": "known@mail.example"}}),
    )
    .await;
    two_way.rest().await;
    assert_eq!(count(&two_way, "Contact").await, 4);
    let record = two_way.record("contact", known["id"].as_str().unwrap()).await;
    assert!(record["salesforceId"].is_string(), "{record}");
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p15_locked_rows_are_stored_in_the_end_and_nobody_is_bothered() {
    let two_way = served().await;
    let (account, _) = two_way.made("account", json!({"fields": {"name": "Busy"}})).await;
    two_way.world.org.org().row_locks.refuse(40, 5);
    let records: Vec<Value> = (0..60)
        .map(|number| {
            json!({"key": format!("c{number}"), "fields": {"last_name": format!("C{number}"), "account": {"id": account}}})
        })
        .collect();
    two_way.post("contact", json!(records)).await;
    two_way.rest().await;
    assert!(two_way.world.org.org().row_locks.refused() > 0, "no lock was met");
    assert_eq!(count(&two_way, "Contact").await, 60);
    assert!(two_way.partner().held().await.unwrap().is_empty());
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p16_absent_null_and_empty_are_three_things() {
    let two_way = served().await;
    let (record, id) = two_way
        .made(
            "contact",
            json!({"fields": {"last_name": "Three", "first_name": "Ways", "phone": "1", "email": "three@ways.example"}}),
        )
        .await;
    two_way
        .post(
            "contact",
            json!([{"id": record, "fields": {"phone": null, "first_name": ""}}]),
        )
        .await;
    two_way.rest().await;
    let rows = two_way
        .rows(&format!(
            "SELECT FirstName, Phone, Email FROM Contact WHERE Id = '{id}'"
        ))
        .await;
    assert_eq!(rows[0]["Phone"], Value::Null, "null clears");
    assert_eq!(
        rows[0]["FirstName"],
        Value::Null,
        "Salesforce keeps no empty text"
    );
    assert_eq!(rows[0]["Email"], "three@ways.example", "absent says nothing");
    let known = two_way.record("contact", &record).await;
    assert_eq!(
        known["fields"]["first_name"], "",
        "the partner keeps its empty text"
    );
    let (writes, position) = (two_way.writes(), known["position"].clone());
    two_way.push("Contact", &[id], &PUMPED).await;
    two_way.rest().await;
    assert_eq!(
        two_way.writes(),
        writes,
        "an empty text and null are no edit of each other"
    );
    assert_eq!(two_way.record("contact", &record).await["position"], position);
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn p17_a_date_is_the_same_day_in_every_zone() {
    for zone in ["Pacific/Niue", "Pacific/Kiritimati"] {
        let mut two_way = connected().await;
        two_way.world.gateway.set_zone(zone);
        two_way.world.gateway.serve(&[]).await.unwrap();
        let (record, id) = two_way
            .made(
                "contact",
                json!({"fields": {"last_name": "Day", "birthday": "1970-01-01"}}),
            )
            .await;
        assert_eq!(
            both(&two_way, &record, "birthday", "Birthdate").await,
            (json!("1970-01-01"), json!("1970-01-01")),
            "{zone}"
        );
        two_way
            .person
            .update("Contact", &id, &json!({"Birthdate": "2000-02-29"}))
            .await
            .unwrap();
        two_way.push("Contact", &[id], &PUMPED).await;
        assert_eq!(
            both(&two_way, &record, "birthday", "Birthdate").await,
            (json!("2000-02-29"), json!("2000-02-29")),
            "{zone}"
        );
        two_way.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_there_and_back_ends_as_it_began_though_the_first_comes_late() {
    let two_way = served().await;
    let (record, id) = two_way
        .made("contact", json!({"fields": {"last_name": "Back", "phone": "A"}}))
        .await;
    // In Salesforce: A, B, A; B is pushed last.
    two_way
        .person
        .update("Contact", &id, &json!({"Phone": "B"}))
        .await
        .unwrap();
    let first = pump::snapshot(&two_way.person, "Contact", &id, &PUMPED, "update")
        .await
        .unwrap();
    two_way
        .person
        .update("Contact", &id, &json!({"Phone": "A"}))
        .await
        .unwrap();
    let second = pump::snapshot(&two_way.person, "Contact", &id, &PUMPED, "update")
        .await
        .unwrap();
    for change in [second, first] {
        pump::post(&two_way.package(), two_way.world.organization(), &[change])
            .await
            .unwrap();
    }
    assert_eq!(
        both(&two_way, &record, "phone", "Phone").await,
        (json!("A"), json!("A"))
    );
    // At the partner: the same.
    let now = Utc::now();
    for (value, seconds) in [("A", 0), ("B", -1)] {
        let at = now + TimeDelta::seconds(seconds);
        two_way
            .post(
                "contact",
                json!([{"id": record, "changedAt": at, "fields": {"phone": value}}]),
            )
            .await;
    }
    assert_eq!(
        both(&two_way, &record, "phone", "Phone").await,
        (json!("A"), json!("A"))
    );
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_options_that_mean_one_never_look_like_an_edit() {
    let two_way = served().await;
    let id = two_way
        .person
        .create(
            "Contact",
            &json!({"LastName": "Options", "LeadSource": "Purchased List"}),
        )
        .await
        .unwrap();
    two_way.push("Contact", std::slice::from_ref(&id), &PUMPED).await;
    let record = two_way
        .partner()
        .wait_for("contact", &id, |_| true)
        .await
        .unwrap();
    let record = record["id"].as_str().unwrap();
    two_way
        .post(
            "contact",
            json!([{"id": record, "fields": {"source": "online", "phone": "7"}}]),
        )
        .await;
    assert_eq!(
        both(&two_way, record, "source", "LeadSource").await,
        (json!("online"), json!("Purchased List")),
        "the partner's option has two names in Salesforce, and the one there stays"
    );
    assert_eq!(
        both(&two_way, record, "phone", "Phone").await,
        (json!("7"), json!("7"))
    );
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_salesforce_formats_is_no_edit() {
    let two_way = served().await;
    two_way.automate(json!({"object": "Contact", "then": {"beforeSave": {"formatPhones": ["Phone"]}}}));
    let (record, id) = two_way
        .made(
            "contact",
            json!({"fields": {"last_name": "Format", "phone": "4155550132"}}),
        )
        .await;
    assert_eq!(
        both(&two_way, &record, "phone", "Phone").await,
        (json!("4155550132"), json!("(415) 555-0132"))
    );
    let writes = two_way.writes();
    two_way.push("Contact", &[id], &PUMPED).await;
    two_way.sync_served("instant").await;
    two_way.rest().await;
    assert_eq!(two_way.writes(), writes);
    assert_eq!(
        two_way.record("contact", &record).await["fields"]["phone"],
        "4155550132"
    );
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_that_edits_what_was_written_is_agreed_with_and_not_fought() {
    let two_way = served().await;
    two_way.automate(json!({
        "object": "Contact", "when": "Department = 'R&D'",
        "then": {"beforeSave": {"set": {"Department": "Research", "Phone": "911"}}},
    }));
    let (record, id) = two_way
        .made(
            "contact",
            json!({"fields": {"last_name": "Flow", "department": "R&D", "phone": "1"}}),
        )
        .await;
    // The partner owns its department and keeps its word for it; of the phone the newer edit wins, which is the Flow's.
    assert_eq!(
        both(&two_way, &record, "department", "Department").await,
        (json!("R&D"), json!("Research"))
    );
    assert_eq!(
        both(&two_way, &record, "phone", "Phone").await,
        (json!("911"), json!("911"))
    );
    let writes = two_way.writes();
    two_way.push("Contact", &[id], &PUMPED).await;
    two_way.sync_served("reconcile").await;
    two_way.rest().await;
    assert_eq!(two_way.writes(), writes);
    two_way.world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_that_races_the_create_wins_and_nothing_is_revived() {
    let two_way = served().await;
    // The create takes effect, its answer is lost, and before the gateway looks a person deletes the record.
    two_way.world.org.faults().cut_after_next_writes(1);
    let record = two_way
        .post_one("contact", json!({"fields": {"last_name": "Race"}}))
        .await;
    let id = loop {
        if let Some(row) = two_way.rows("SELECT Id FROM Contact").await.first() {
            break row["Id"].as_str().unwrap().to_owned();
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    two_way.deed(&Deed::Delete { id });
    two_way.rest().await;
    assert_eq!(count(&two_way, "Contact").await, 0, "not made again");
    assert_eq!(two_way.record("contact", &record).await["presence"], "deleted");
    assert_eq!(
        CONNECTION,
        two_way.partner().get("/v1/connection").await.unwrap()["name"]
    );
    two_way.world.stop().await;
}
