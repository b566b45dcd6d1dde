//! What partners write over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Gateway, SECRET, hs256, problem};
use crate::two_ways::{accepted, both_ways, contact, post_one, send};

const CONTACTS: &str = "/v1/records/contact";
const NG: &str = "003ZM000001n4n1YAA";

#[tokio::test]
async fn a_posted_record_is_there_at_once_and_waits_for_salesforce() {
    let gateway = both_ways("delete").await;
    let made = post_one(
        &gateway,
        "contact",
        json!({"key": "crm-1", "owner": "u-1", "fields": {"last_name": "Ng", "amount": 1100.10,
            "topics": ["News", "Offers"], "birthday": "1970-01-01"}}),
    )
    .await;
    assert_eq!(made["outcome"], "created", "{made}");
    assert_eq!(made["status"], "waitingForSalesforce");
    assert_eq!(made["key"], "crm-1");
    assert_eq!(made["problems"], json!([]));
    let path = format!("{CONTACTS}/{}", made["id"].as_str().unwrap());
    let text = gateway.get("partner", &path).await.text().await.unwrap();
    assert!(text.contains("\"amount\":1100.1"), "{text}");
    let record: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(record["key"], "crm-1");
    assert_eq!(record["salesforceId"], Value::Null);
    assert_eq!(record["status"], "waitingForSalesforce");
    assert_eq!(record["position"], made["position"]);
    assert_eq!(record["fields"]["last_name"], "Ng");
    assert_eq!(record["fields"]["topics"], json!(["News", "Offers"]));
    let feed = gateway.get_json("partner", "/v1/changes").await;
    assert_eq!(feed["changes"][0]["id"], made["id"]);
    assert!(
        feed["changes"][0].get("status").is_none(),
        "lists say nothing of Salesforce"
    );
    let connection = gateway.get_json("partner", "/v1/connection").await;
    assert_eq!(connection["outbox"]["waiting"], 1, "{connection}");
    let metrics = gateway.get("partner", "/metrics").await.text().await.unwrap();
    for line in [
        "causeway_outbox_links{connection=\"acme\"} 1",
        "causeway_salesforce_calls_cap{connection=\"acme\"} 5000",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn rows_are_answered_in_order_and_a_wrong_one_is_refused_alone() {
    let gateway = both_ways("delete").await;
    let rows = json!({"mode": "upsert", "records": [
        {"key": "a", "fields": {"last_name": "One"}},
        7,
        {"key": "b", "fields": {"last_name": "Two", "emial": "x@example.com"}},
        {"key": "c", "fields": {"last_name": 7, "birthday": "yesterday"}},
        {"key": "d", "fields": {"email": "x@example.com"}},
        {"key": "e", "feilds": {}},
        {"id": "x", "changedAt": "yesterday", "ifPosition": "5", "owner": 7, "fields": []},
        {"key": "f", "fields": {"last_name": "Three", "account": {"id": "999999"}}},
        {"key": "g", "owner": "u-unknown", "fields": {"last_name": "Five"}},
        {"key": "h", "fields": {"last_name": "Four"}},
    ]});
    let answer = accepted(&gateway, CONTACTS, &rows).await;
    let results = answer["results"].as_array().unwrap();
    assert_eq!(results.len(), 10, "{answer}");
    for (row, expected) in [
        (1, vec![(Value::Null, "wrong-type")]),
        (2, vec![(json!("fields.emial"), "unknown-field")]),
        (
            3,
            vec![
                (json!("fields.last_name"), "wrong-type"),
                (json!("fields.birthday"), "wrong-type"),
            ],
        ),
        (4, vec![(json!("fields.last_name"), "required")]),
        (
            5,
            vec![(json!("feilds"), "unknown-field"), (json!("fields"), "required")],
        ),
        (
            6,
            vec![
                (json!("id"), "wrong-type"),
                (json!("ifPosition"), "wrong-type"),
                (json!("changedAt"), "wrong-type"),
                (json!("owner"), "wrong-type"),
                (json!("fields"), "wrong-type"),
            ],
        ),
    ] {
        let result = &results[row];
        assert_eq!(result["outcome"], "refused", "{result}");
        assert_eq!(result["status"], Value::Null, "{result}");
        let problems: Vec<(Value, &str)> = result["problems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|problem| {
                assert!(!problem["message"].as_str().unwrap().is_empty());
                (problem["field"].clone(), problem["code"].as_str().unwrap())
            })
            .collect();
        assert_eq!(problems, expected, "row {row}");
    }
    assert_eq!(results[7]["problems"][0]["field"], "fields.account", "{answer}");
    assert_eq!(results[8]["outcome"], "refused", "{answer}");
    assert_eq!(results[8]["problems"][0]["field"], "owner", "{answer}");
    for (row, key) in [(0, "a"), (9, "h")] {
        assert_eq!(results[row]["outcome"], "created", "{answer}");
        assert_eq!(results[row]["key"], key);
    }
    assert_eq!(
        (answer["accepted"].as_u64(), answer["refused"].as_u64()),
        (Some(2), Some(8))
    );
    let page = gateway.get_json("partner", CONTACTS).await;
    assert_eq!(page["records"].as_array().unwrap().len(), 2, "{page}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_record_is_found_by_its_number_or_the_partners_own_and_the_mode_is_kept() {
    let gateway = both_ways("delete").await;
    let row = |name: &str| json!({"key": "crm-1", "fields": {"last_name": name}});
    let only = async |mode: &str, name: &str| {
        let body = json!({"mode": mode, "records": [row(name)]});
        accepted(&gateway, CONTACTS, &body).await["results"][0].clone()
    };
    let refused = only("updateOnly", "Ng").await;
    assert_eq!(refused["problems"][0]["code"], "not-found", "{refused}");
    let made = only("createOnly", "Ng").await;
    assert_eq!(made["outcome"], "created", "{made}");
    let refused = only("createOnly", "Nguyen").await;
    assert_eq!(refused["problems"][0]["code"], "exists", "{refused}");
    let edited = only("updateOnly", "Nguyen").await;
    assert_eq!(edited["outcome"], "updated", "{edited}");
    assert_eq!(edited["id"], made["id"]);
    let again = post_one(
        &gateway,
        "contact",
        json!({"id": made["id"], "fields": {"email": "ng@example.com"}}),
    )
    .await;
    assert_eq!(again["outcome"], "updated", "{again}");
    assert!(again["position"].as_i64() > edited["position"].as_i64());
    let path = format!("{CONTACTS}/{}", made["id"].as_str().unwrap());
    let record = gateway.get_json("partner", &path).await;
    assert_eq!(record["fields"]["last_name"], "Nguyen");
    assert_eq!(record["fields"]["email"], "ng@example.com");
    assert_eq!(record["key"], "crm-1");
    gateway.stop().await;
}

#[tokio::test]
async fn an_edit_of_a_state_that_has_passed_is_refused() {
    let gateway = both_ways("delete").await;
    let made = post_one(&gateway, "contact", json!({"fields": {"last_name": "Ng"}})).await;
    let edit = |position: &Value, name: &str| json!({"id": made["id"], "ifPosition": position, "fields": {"last_name": name}});
    let edited = post_one(&gateway, "contact", edit(&made["position"], "Nguyen")).await;
    assert_eq!(edited["outcome"], "updated", "{edited}");
    let late = post_one(&gateway, "contact", edit(&made["position"], "Late")).await;
    assert_eq!(late["outcome"], "refused", "{late}");
    assert_eq!(late["problems"][0]["code"], "precondition-failed", "{late}");
    assert_eq!(late["position"], edited["position"]);
    gateway.stop().await;
}

#[tokio::test]
async fn an_idempotency_key_gets_the_first_answer_again_and_stands_for_nothing_else() {
    let gateway = both_ways("delete").await;
    let body = |name: &str| json!({"records": [{"fields": {"last_name": name}}, {"fields": {}}]});
    let post =
        async |path: &str, body: &Value| send(&gateway, Method::POST, path, Some(body), Some("key-1")).await;
    let first = post(CONTACTS, &body("Ng")).await;
    assert_eq!(first.status(), StatusCode::ACCEPTED);
    let first: Value = first.json().await.unwrap();
    assert_eq!(first["accepted"], 1, "{first}");
    let again = post(CONTACTS, &body("Ng")).await;
    assert_eq!(again.status(), StatusCode::ACCEPTED);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    problem(post(CONTACTS, &body("Nguyen")).await, "idempotency-key-reused").await;
    problem(
        post("/v1/records/account", &body("Ng")).await,
        "idempotency-key-reused",
    )
    .await;
    let page = gateway.get_json("partner", CONTACTS).await;
    assert_eq!(page["records"].as_array().unwrap().len(), 1, "{page}");

    let id = first["results"][0]["id"].as_str().unwrap();
    let delete = async |id: &str| {
        let path = format!("{CONTACTS}/{id}");
        send(&gateway, Method::DELETE, &path, None, Some("key-2")).await
    };
    let first: Value = delete(id).await.json().await.unwrap();
    assert_eq!(first["outcome"], "deleted", "{first}");
    assert_eq!(delete(id).await.json::<Value>().await.unwrap(), first);
    problem(delete("4711").await, "idempotency-key-reused").await;
    gateway.stop().await;
}

#[tokio::test]
async fn references_name_records_of_either_side() {
    let gateway = both_ways("delete").await;
    let account = post_one(&gateway, "account", json!({"fields": {"name": "Acme"}})).await;
    let by_number = post_one(
        &gateway,
        "contact",
        json!({"fields": {"last_name": "Ng", "account": {"id": account["id"]}}}),
    )
    .await;
    let by_salesforce = post_one(
        &gateway,
        "contact",
        json!({"fields": {"last_name": "Ba", "account": {"salesforceId": "001ZM000001n4n5"}}}),
    )
    .await;
    let shown = async |made: &Value| {
        let path = format!("{CONTACTS}/{}", made["id"].as_str().unwrap());
        gateway.get_json("partner", &path).await["fields"]["account"].clone()
    };
    assert_eq!(
        shown(&by_number).await,
        json!({"id": account["id"], "object": "account", "salesforceId": null})
    );
    assert_eq!(
        shown(&by_salesforce).await,
        json!({"id": null, "object": null, "salesforceId": "001ZM000001n4n5YAA"})
    );
    for wrong in [
        json!({"id": by_number["id"]}),
        json!({"id": account["id"], "salesforceId": "001ZM000001n4n5"}),
        json!({"name": "Acme"}),
        json!({"id": {"id": "1"}}),
        json!({}),
        json!("Acme"),
    ] {
        let row = json!({"fields": {"last_name": "Ng", "account": wrong}});
        let refused = post_one(&gateway, "contact", row).await;
        assert_eq!(refused["outcome"], "refused", "{wrong}: {refused}");
        assert_eq!(
            refused["problems"][0]["field"], "fields.account",
            "{wrong}: {refused}"
        );
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_deleted_record_shows_nothing_of_its_values_and_can_come_back() {
    let gateway = both_ways("delete").await;
    gateway
        .push_and_settle(json!([contact(
            NG,
            1,
            json!({"LastName": "Ng", "OwnerId": "0058a00000rBqb8"})
        )]))
        .await;
    let page = gateway.get_json("partner", CONTACTS).await;
    let id = page["records"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("{CONTACTS}/{id}");
    let record = gateway.get_json("partner", &path).await;
    assert_eq!(record["status"], "upToDate", "{record}");

    let deleted = send(&gateway, Method::DELETE, &path, None, None).await;
    assert_eq!(deleted.status(), StatusCode::ACCEPTED);
    let deleted: Value = deleted.json().await.unwrap();
    assert_eq!(deleted["outcome"], "deleted", "{deleted}");
    assert_eq!(deleted["id"], id);
    let record = gateway.get_json("partner", &path).await;
    assert_eq!(record["presence"], "deleted", "{record}");
    assert_eq!(record["status"], "waitingForSalesforce", "{record}");
    assert_eq!(record["fields"], json!({}));
    for nothing in ["key", "owner", "salesforceId"] {
        assert_eq!(record.get(nothing), Some(&Value::Null), "{nothing}");
    }
    let feed = gateway.get_json("partner", "/v1/changes").await;
    assert_eq!(feed["changes"][0]["fields"], json!({}), "{feed}");
    let page = gateway.get_json("partner", CONTACTS).await;
    assert_eq!(page["records"], json!([]));
    let edit = json!({"id": id, "fields": {"last_name": "Nguyen"}});
    let refused = post_one(&gateway, "contact", edit).await;
    assert_eq!(refused["problems"][0]["code"], "deleted", "{refused}");

    let undelete = format!("{path}/undelete");
    let restored = send(&gateway, Method::POST, &undelete, None, None).await;
    assert_eq!(restored.status(), StatusCode::ACCEPTED);
    let restored: Value = restored.json().await.unwrap();
    assert_eq!(restored["outcome"], "restored", "{restored}");
    let record = gateway.get_json("partner", &path).await;
    assert_eq!(record["presence"], "live", "{record}");
    assert_eq!(record["fields"]["last_name"], "Ng");
    gateway.stop().await;
}

#[tokio::test]
async fn many_records_are_deleted_at_once_and_each_is_answered() {
    let gateway = both_ways("delete").await;
    let rows = json!({"records": [{"key": "a", "fields": {"last_name": "A"}},
        {"key": "b", "fields": {"last_name": "B"}}, {"key": "c", "fields": {"last_name": "C"}}]});
    let made = accepted(&gateway, CONTACTS, &rows).await;
    let deletes = json!({"records": [{"id": made["results"][0]["id"]}, {"key": "b"}, {"key": "unknown"}, {},
        {"id": "4711"}, {"id": made["results"][2]["id"], "fields": {}}]});
    let answer = accepted(&gateway, &format!("{CONTACTS}/deletes"), &deletes).await;
    let outcomes: Vec<&str> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(
        outcomes,
        ["deleted", "deleted", "refused", "refused", "refused", "refused"],
        "{answer}"
    );
    assert_eq!(
        answer["results"][2]["problems"][0]["code"], "not-found",
        "{answer}"
    );
    assert_eq!(answer["results"][3]["problems"][0]["field"], "id", "{answer}");
    assert_eq!(
        answer["results"][4]["problems"][0]["code"], "not-found",
        "{answer}"
    );
    assert_eq!(answer["results"][5]["problems"][0]["field"], "fields", "{answer}");
    let page = gateway.get_json("partner", CONTACTS).await;
    assert_eq!(page["records"].as_array().unwrap().len(), 1, "{page}");
    gateway.stop().await;
}

#[tokio::test]
async fn a_mapping_that_carries_nothing_to_salesforce_takes_nothing_from_partners() {
    let gateway = Gateway::start().await;
    gateway.map_accounts_and_contacts().await;
    let refused = post_one(&gateway, "contact", json!({"fields": {"last_name": "Ng"}})).await;
    assert_eq!(refused["problems"][0]["code"], "one-way", "{refused}");
    gateway
        .push_and_settle(json!([contact(
            NG,
            1,
            json!({"LastName": "Ng", "OwnerId": "0058a00000rBqb8"})
        )]))
        .await;
    let page = gateway.get_json("partner", CONTACTS).await;
    let path = format!("{CONTACTS}/{}", page["records"][0]["id"].as_str().unwrap());
    let refusal = problem(
        send(&gateway, Method::DELETE, &path, None, None).await,
        "record-refused",
    )
    .await;
    assert_eq!(refusal["status"], 409);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_belongs_to_others_is_not_found() {
    let gateway = both_ways("delete").await;
    let made = post_one(&gateway, "contact", json!({"fields": {"last_name": "Ng"}})).await;
    let id = made["id"].as_str().unwrap();
    for path in ["4711", "0", "-1", "x", "%00"] {
        let path = format!("{CONTACTS}/{path}");
        for (method, path) in [
            (Method::DELETE, path.clone()),
            (Method::POST, format!("{path}/undelete")),
        ] {
            let answer = send(&gateway, method.clone(), &path, None, None).await;
            problem(answer, "record-not-found").await;
        }
    }
    for (method, path) in [
        (Method::DELETE, format!("/v1/records/account/{id}")),
        (Method::POST, format!("/v1/records/account/{id}/undelete")),
    ] {
        problem(
            send(&gateway, method, &path, None, None).await,
            "record-not-found",
        )
        .await;
    }
    let unmapped = json!({"records": []});
    for path in ["/v1/records/lead", "/v1/records/lead/deletes", "/v1/records/%00"] {
        let answer = send(&gateway, Method::POST, path, Some(&unmapped), None).await;
        problem(answer, "object-not-found").await;
    }
    let stranger = gateway
        .http
        .delete(format!("{}{CONTACTS}/{id}", gateway.url()))
        .bearer_auth(hs256(&gateway.claims("other-partner"), SECRET))
        .send()
        .await
        .unwrap();
    problem(stranger, "object-not-found").await;
    let record = gateway.get_json("partner", &format!("{CONTACTS}/{id}")).await;
    assert_eq!(record["presence"], "live");
    gateway.stop().await;
}

#[tokio::test]
async fn values_that_no_field_can_have_are_refused_row_by_row() {
    let gateway = both_ways("delete").await;
    let many: Vec<String> = (0..501).map(|number| format!("\"o{number}\"")).collect();
    for (fields, field) in [
        (r#"{"last_name":"N\u0000g"}"#.to_owned(), "fields.last_name"),
        (r#"{"last_name":"\ud800"}"#.to_owned(), "fields.last_name"),
        (r#"{"last_name":["Ng"]}"#.to_owned(), "fields.last_name"),
        (r#"{"last_name":{"id":"1"}}"#.to_owned(), "fields.last_name"),
        (
            r#"{"last_name":"Ng","topics":[["News"]]}"#.to_owned(),
            "fields.topics",
        ),
        (
            r#"{"last_name":"Ng","topics":["N\u0000"]}"#.to_owned(),
            "fields.topics",
        ),
        (
            format!(r#"{{"last_name":"Ng","topics":[{}]}}"#, many.join(",")),
            "fields.topics",
        ),
        (
            r#"{"last_name":"Ng","account":{"id":"\u0000"}}"#.to_owned(),
            "fields.account",
        ),
        (r#"{"last_name":"Ng","amount":1e400}"#.to_owned(), "fields.amount"),
    ] {
        let body = format!(r#"{{"records":[{{"fields":{fields}}},{{"fields":{{"last_name":"Fine"}}}}]}}"#);
        let answer = raw(&gateway, CONTACTS, body).await;
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["results"][0]["problems"][0]["field"], field, "{answer}");
        assert_eq!(answer["results"][1]["outcome"], "created", "{answer}");
    }
    let unknown: Vec<String> = (0..100_000).map(|number| format!("\"f{number}\":1")).collect();
    let body = format!(r#"{{"records":[{{"fields":{{{}}}}}]}}"#, unknown.join(","));
    let answer: Value = raw(&gateway, CONTACTS, body).await.json().await.unwrap();
    let problems = answer["results"][0]["problems"].as_array().unwrap().len();
    assert_eq!(problems, 20, "so many are named and no more");
    for key in [r#"" ""#, r#""a\u0000""#, &format!("\"{}\"", "k".repeat(256)), "7"] {
        let body = format!(r#"{{"records":[{{"key":{key},"fields":{{"last_name":"Ng"}}}}]}}"#);
        let answer: Value = raw(&gateway, CONTACTS, body).await.json().await.unwrap();
        assert_eq!(answer["results"][0]["problems"][0]["field"], "key", "{answer}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_refused_as_a_whole() {
    let gateway = both_ways("delete").await;
    let rows: Vec<&str> = vec!["{}"; 1_001];
    for (body, kind) in [
        (
            r#"{"records":[{"fields":{"$serde_json::private::Number":"1"}}]}"#.to_owned(),
            "malformed-request",
        ),
        (
            format!(r#"{{"records":[{}1{}]}}"#, "[".repeat(20), "]".repeat(20)),
            "body-too-deep",
        ),
        (r#"{"records":["#.to_owned(), "body-not-json"),
        ("[]".to_owned(), "invalid-fields"),
        ("{}".to_owned(), "invalid-fields"),
        (r#"{"records":{}}"#.to_owned(), "invalid-fields"),
        (r#"{"records":[],"mode":"replace"}"#.to_owned(), "invalid-fields"),
        (r#"{"records":[],"mode":7}"#.to_owned(), "invalid-fields"),
        (r#"{"records":[],"objects":[]}"#.to_owned(), "invalid-fields"),
        (format!(r#"{{"records":[{}]}}"#, rows.join(",")), "invalid-fields"),
    ] {
        problem(raw(&gateway, CONTACTS, body).await, kind).await;
    }
    let key = "k".repeat(201);
    let answer = send(
        &gateway,
        Method::POST,
        CONTACTS,
        Some(&json!({"records": []})),
        Some(&key),
    )
    .await;
    problem(answer, "invalid-parameters").await;
    let answer = accepted(&gateway, CONTACTS, &json!({"records": [], "mode": null})).await;
    assert_eq!(answer["results"], json!([]));
    gateway.stop().await;
}

async fn raw(gateway: &Gateway, path: &str, body: String) -> reqwest::Response {
    gateway
        .http
        .post(format!("{}{path}", gateway.url()))
        .bearer_auth(gateway.token("partner"))
        .header("content-type", "application/json")
        .body(body)
        .send()
        .await
        .unwrap()
}
