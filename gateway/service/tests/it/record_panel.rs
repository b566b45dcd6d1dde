//! What users of an org are told of the record that they look at.

use causeway::config::{Config, Sources};
use causeway::startup;
use causeway_core::ports::Lane;
use causeway_core::ports::connections::{Client, ClientKey};
use causeway_core::ports::runs::RunKind;
use emulated_org::Deed;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::gateway::{Gateway, SECRET, hs256, now, problem};
use crate::linked::{Linked, quick_options};
use crate::two_ways::{both_ways, contact, post_one, send};

const NG: &str = "003ZM000001n4n1YAA";

async fn panel(gateway: &Gateway, id: &str) -> Value {
    let path = format!("/v1/salesforce/records/{id}?object=Contact");
    gateway.get_json("partner", &path).await
}

async fn history(gateway: &Gateway, more: &str) -> Value {
    let path = format!("/v1/salesforce/records/{NG}/history?object=Contact{more}");
    gateway.get_json("partner", &path).await
}

#[tokio::test]
async fn a_linked_record_tells_its_values_on_both_sides() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    gateway
        .push_and_settle(json!([contact(
            NG,
            1,
            json!({"LastName": "Ng", "Email": "ng@acme.example"})
        )]))
        .await;
    // 15 characters name the same record.
    for id in [NG, NG.split_at(15).0] {
        let told = panel(&gateway, id).await;
        assert_eq!(told["status"], "upToDate", "{told}");
        assert_eq!(told["salesforceId"], NG);
        assert_eq!(told["object"], "contact");
        assert!(
            told["since"].is_string() && told["updatedAt"].is_string(),
            "{told}"
        );
        assert_eq!((&told["reason"], &told["nextStep"]), (&Value::Null, &Value::Null));
        assert_eq!(
            told["owner"],
            json!({"salesforceId": null, "partnerUser": "u-1", "partnerUserName": "Ada"})
        );
        let email = &told["fields"][1];
        assert!(email["agreedAt"].is_string(), "{email}");
        let mut email = email.clone();
        email.as_object_mut().unwrap().remove("agreedAt");
        assert_eq!(
            email,
            json!({"salesforceField": "Email", "partnerField": "email", "type": "Email", "rule": "salesforce",
                "partnerValue": "ng@acme.example", "salesforceValue": "ng@acme.example"})
        );
    }
    let record = panel(&gateway, NG).await["id"].as_str().unwrap().to_owned();
    let of_record: Value = gateway
        .get_json("partner", &format!("/v1/records/contact/{record}"))
        .await;
    assert_eq!(of_record["salesforceId"], NG);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_linked_or_not_mapped_says_so_and_is_never_missing() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let told = panel(&gateway, NG).await;
    assert_eq!(
        (&told["status"], &told["object"]),
        (&json!("notLinked"), &json!("contact"))
    );
    assert_eq!(told["fields"], json!([]));
    let told = gateway
        .get_json("partner", "/v1/salesforce/records/500ZM000001n4n1?object=Case")
        .await;
    assert_eq!(
        (&told["status"], &told["object"]),
        (&json!("notSynced"), &Value::Null)
    );
    let empty = history(&gateway, "").await;
    assert_eq!(empty, json!({"history": [], "next": null, "hasMore": false}));
    for (path, field) in [
        ("nonsense?object=Contact", "id"),
        ("003zm000001n4n1YAA?object=Contact", "id"),
        (NG, "object"),
    ] {
        let answer = gateway
            .get("partner", &format!("/v1/salesforce/records/{path}"))
            .await;
        let refused = problem(answer, "invalid-parameters").await;
        assert_eq!(refused["errors"][0]["field"], field, "{path}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn another_connections_record_is_not_linked_here() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    gateway
        .push_and_settle(json!([contact(NG, 1, json!({"LastName": "Ng"}))]))
        .await;
    let path = format!("/v1/salesforce/records/{NG}?object=Contact");
    let told = gateway.get_json("other-partner", &path).await;
    assert_eq!(
        (&told["status"], &told["id"]),
        (&json!("notSynced"), &Value::Null)
    );
    let told = gateway
        .get_json("other-partner", &path.replace('?', "/history?"))
        .await;
    assert_eq!(told["history"], json!([]));
    gateway.stop().await;
}

#[tokio::test]
async fn a_held_and_a_deleted_record_say_so_with_the_next_step() {
    let gateway = both_ways("ask").await;
    gateway
        .push_and_settle(json!([contact(
            NG,
            1,
            json!({"LastName": "Ng", "Email": "ng@acme.example"})
        )]))
        .await;
    let id = panel(&gateway, NG).await["id"].as_str().unwrap().to_owned();
    let deleted = send(
        &gateway,
        reqwest::Method::DELETE,
        &format!("/v1/records/contact/{id}"),
        None,
        None,
    )
    .await;
    assert!(deleted.status().is_success(), "{}", deleted.status());
    let told = panel(&gateway, NG).await;
    assert_eq!(
        (&told["status"], &told["reason"]),
        (&json!("held"), &json!("partnerDeleteAsked")),
        "{told}"
    );
    let held = gateway.get_json("partner", "/v1/held").await;
    assert_eq!(told["nextStep"], held["held"][0]["summary"]);
    assert_eq!(told["held"], held["held"][0]["id"]);
    assert_eq!(told["since"], held["held"][0]["since"]);

    let other = "003ZM000001n4n2YAA";
    let gone = json!({"object": "Contact", "operation": "delete", "id": other,
        "systemModstamp": "2026-11-22T06:04:09.000Z", "observedAt": "2026-11-22T06:04:09.000Z",
        "masterRecordId": null});
    gateway
        .push_and_settle(json!([contact(other, 1, json!({"LastName": "Ho"}))]))
        .await;
    gateway.push_and_settle(json!([gone])).await;
    let told = panel(&gateway, other).await;
    assert_eq!(
        (&told["status"], &told["fields"]),
        (&json!("deleted"), &json!([])),
        "{told}"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn a_change_that_is_on_its_way_makes_a_record_wait() {
    let gateway = both_ways("unlink").await;
    gateway
        .push_and_settle(json!([contact(NG, 1, json!({"LastName": "Ng"}))]))
        .await;
    let id = panel(&gateway, NG).await["id"].as_str().unwrap().to_owned();
    // The org of this connection does not answer.
    post_one(
        &gateway,
        "contact",
        json!({"id": id, "fields": {"last_name": "Ngo"}}),
    )
    .await;
    let told = panel(&gateway, NG).await;
    assert_eq!(told["status"], "waiting", "{told}");
    assert_eq!(told["fields"][0]["partnerValue"], "Ngo");
    assert_eq!(told["fields"][0]["salesforceValue"], "Ng");
    let told = history(&gateway, "&field=lastname&limit=1").await;
    let newest = &told["history"][0];
    assert_eq!(
        (&newest["source"], &newest["person"]),
        (&json!("partner"), &json!("partner"))
    );
    assert_eq!(
        (&newest["rule"], &newest["mappingRevision"]),
        (&json!("mostRecent"), &json!(1))
    );
    gateway.stop().await;
}

#[tokio::test]
async fn the_history_of_a_field_is_paged_and_another_field_is_named() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    for (second, name) in [(1, "A"), (2, "B"), (3, "C")] {
        gateway
            .push_and_settle(json!([contact(
                NG,
                second,
                json!({"LastName": name, "Email": null})
            )]))
            .await;
    }
    let mut names = Vec::new();
    let mut page = history(&gateway, "&field=LastName&limit=1").await;
    loop {
        names.push(page["history"][0]["salesforceAfter"].clone());
        assert_eq!(page["history"][0]["salesforceField"], "LastName");
        let Some(next) = page["next"].as_str() else { break };
        page = history(&gateway, &format!("&field=LastName&limit=1&cursor={next}")).await;
    }
    // With the first value it was made, which is no change.
    assert_eq!(names, [json!("C"), json!("B")]);
    let path = format!("/v1/salesforce/records/{NG}/history?object=Contact&field=Phone");
    let refused = problem(gateway.get("partner", &path).await, "invalid-parameters").await;
    assert!(
        refused["errors"][0]["message"]
            .as_str()
            .unwrap()
            .contains("LastName"),
        "{refused}"
    );
    gateway.stop().await;
}

/// The parts of a linked gateway with HTTP in front, and a client that may read.
async fn served(linked: &Linked) -> startup::RunningGateway {
    let config = Config::load(&Sources {
        file: Some(linked.config_file()),
        environment: Vec::new(),
    })
    .unwrap();
    let app = std::sync::Arc::clone(&linked.app);
    let key = app
        .vault
        .seal(
            &causeway::vault::client_secret_purpose("reader"),
            SECRET.as_bytes(),
        )
        .unwrap();
    let client = Client {
        id: "reader".to_owned(),
        connection: linked.connection,
        key: ClientKey::Hs256(key),
        scopes: vec!["logs:read".to_owned()],
        revoked_at: None,
    };
    app.store
        .write(Lane::Interactive, move |tx| tx.put_client(&client))
        .await
        .unwrap();
    startup::spawn_on(config, app).await.unwrap()
}

#[tokio::test]
async fn the_user_who_saved_in_salesforce_is_named_and_read_from_the_org_once() {
    let linked = Linked::mapped(quick_options(), Vec::new()).await;
    let seeded = linked
        .org
        .seed("Contact", [vec![("LastName", emulated_org::Value::text("Ng"))]])
        .unwrap();
    let contact = seeded[0];
    linked.sync().await;
    linked.org.act(
        linked.org.admin_username(),
        &Deed::Update {
            id: contact.to_string(),
            fields: json!({"LastName": "Ngo"}).as_object().unwrap().clone(),
        },
    );
    linked.sync_kind(RunKind::Instant).await;
    let gateway = served(&linked).await;
    let admin = linked.admin().await;
    let name = linked
        .rows(&format!("SELECT Name FROM User WHERE Id = '{admin}'"))
        .await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let read = async || {
        let url = format!(
            "{}/v1/salesforce/records/{contact}/history?object=Contact&field=LastName",
            gateway.url()
        );
        let claims = json!({"iss": "reader", "aud": gateway.url(), "exp": now() + 300});
        let answer = http
            .get(url)
            .bearer_auth(hs256(&claims, SECRET))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json::<Value>().await.unwrap()["history"].clone()
    };
    let spent = async || {
        let (connection, at) = (linked.connection, linked.app.clock.now());
        let spent = linked.app.store.read(move |tx| tx.calls_spent(connection, at));
        spent.await.unwrap()
    };
    let told = read().await;
    assert_eq!(told[0]["person"], name[0]["Name"], "{told}");
    let after = spent().await;
    assert_eq!(read().await[0]["person"], name[0]["Name"]);
    assert_eq!(spent().await, after);
    gateway.stop().await;
}
