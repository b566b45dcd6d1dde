//! What waits for a person, what lost, and what a person decides.

use causeway_store::throwaway_postgres::ThrowawayPostgres;
use reqwest::Method;
use serde_json::{Value, json};

use crate::gateway::{Gateway, problem};
use crate::two_ways::{accepted, both_ways, contact, map_both_ways, post_one, send};

const NG: &str = "003ZM000001n4n1YAA";
const BA: &str = "003ZM000001n4n2YAA";

#[tokio::test]
async fn a_value_that_lost_is_listed_and_can_be_brought_back() {
    let gateway = both_ways("delete").await;
    let birthday = json!({"LastName": "Ng", "Birthdate": "1970-01-01", "OwnerId": "0058a00000rBqb8"});
    gateway
        .push_and_settle(json!([
            contact(NG, 1, birthday.clone()),
            contact(BA, 1, birthday)
        ]))
        .await;
    let (ng, ba) = (record_of(&gateway, NG).await, record_of(&gateway, BA).await);
    for (record, day) in [(&ng, "1971-01-01"), (&ba, "1972-01-01")] {
        // The mapping says that Salesforce owns the birthday.
        let row = json!({"id": record, "fields": {"birthday": day}});
        let edited = post_one(&gateway, "contact", row).await;
        assert_ne!(edited["outcome"], "refused", "{edited}");
    }

    let page = gateway.get_json("partner", "/v1/conflicts?limit=1").await;
    assert_eq!(page["conflicts"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(
        page["conflicts"][0]["record"],
        json!(ba),
        "the newest comes first"
    );
    assert_eq!(page["hasMore"], true);
    let next = page["next"].as_str().unwrap();
    let page = gateway
        .get_json("partner", &format!("/v1/conflicts?limit=1&cursor={next}"))
        .await;
    assert_eq!(page["hasMore"], false);
    let conflict = &page["conflicts"][0];
    assert_eq!(conflict["record"], json!(ng));
    assert_eq!(conflict["object"], "contact");
    assert_eq!(conflict["field"], "birthday");
    assert_eq!(conflict["salesforceField"], "Birthdate");
    assert_eq!(conflict["rule"], "salesforce");
    assert_eq!(conflict["cause"], "salesforceWins");
    assert_eq!(
        conflict["lost"],
        json!({"side": "partner", "value": "1971-01-01"})
    );
    assert_eq!(conflict["partnerAfter"], "1970-01-01");
    let of_one = gateway
        .get_json("partner", &format!("/v1/conflicts?record={ng}"))
        .await;
    assert_eq!(of_one["conflicts"], json!([conflict]));

    let id = conflict["id"].as_str().unwrap();
    accepted(&gateway, &format!("/v1/conflicts/{id}/restore"), &json!({})).await;
    let record = gateway
        .get_json("partner", &format!("/v1/records/contact/{ng}"))
        .await;
    assert_eq!(record["fields"]["birthday"], "1971-01-01", "{record}");
    assert_eq!(record["status"], "waitingForSalesforce", "{record}");
    let history = gateway
        .get_json("partner", &format!("/v1/records/contact/{ng}/history"))
        .await;
    let newest = &history["history"][0];
    assert_eq!(newest["cause"], "restored", "{history}");
    assert_eq!(newest["source"], "person");
    assert_eq!(newest["client"], "partner");
    gateway.stop().await;
}

#[tokio::test]
async fn conflicts_that_are_none_are_not_found() {
    let gateway = both_ways("delete").await;
    for id in ["4711", "0", "-1", "x"] {
        let path = format!("/v1/conflicts/{id}/restore");
        problem(
            send(&gateway, Method::POST, &path, None, None).await,
            "conflict-not-found",
        )
        .await;
    }
    for query in ["record=x", "record=0", "cursor=x", "limit=0", "field=email"] {
        let answer = gateway.get("partner", &format!("/v1/conflicts?{query}")).await;
        problem(answer, "invalid-parameters").await;
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_partners_delete_waits_for_a_person_where_the_policy_is_to_ask() {
    let gateway = both_ways("ask").await;
    let fields = json!({"LastName": "Ng", "OwnerId": "0058a00000rBqb8"});
    gateway
        .push_and_settle(json!([contact(NG, 1, fields.clone()), contact(BA, 1, fields)]))
        .await;
    let ids = [record_of(&gateway, NG).await, record_of(&gateway, BA).await];
    let rows: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let answer = accepted(&gateway, "/v1/records/contact/deletes", &json!({"records": rows})).await;
    for result in answer["results"].as_array().unwrap() {
        assert_eq!(result["status"], "held", "{answer}");
        assert_eq!(result["held"]["reason"], "partnerDeleteAsked", "{answer}");
    }
    let held = gateway.get_json("partner", "/v1/held").await;
    let links: Vec<String> = held["held"]
        .as_array()
        .unwrap()
        .iter()
        .map(|held| {
            assert_eq!(held["reason"], "partnerDeleteAsked", "{held}");
            held["id"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(links.len(), 2, "{held}");
    let record = gateway
        .get_json("partner", &format!("/v1/records/contact/{}", ids[0]))
        .await;
    assert_eq!(record["status"], "held", "{record}");
    assert_eq!(record["held"]["reason"], "partnerDeleteAsked");
    assert_eq!(record["held"]["id"], json!(links[0]));

    // A retry is no answer to the question.
    let retry = format!("/v1/held/{}/retry", links[0]);
    let answer = send(&gateway, Method::POST, &retry, None, None).await;
    assert_eq!(answer.status().as_u16() / 100, 4);
    for (link, delete_too) in [(&links[0], true), (&links[1], false)] {
        let path = format!("/v1/held/{link}/delete");
        accepted(&gateway, &path, &json!({"deleteToo": delete_too})).await;
    }
    let held = gateway.get_json("partner", "/v1/held").await;
    assert_eq!(held["held"], json!([]));
    let record = gateway
        .get_json("partner", &format!("/v1/records/contact/{}", ids[0]))
        .await;
    assert_eq!(record["status"], "waitingForSalesforce", "{record}");
    let path = format!("/v1/held/{}/delete", links[0]);
    let answer = send(
        &gateway,
        Method::POST,
        &path,
        Some(&json!({"deleteToo": true})),
        None,
    )
    .await;
    problem(answer, "held-not-found").await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_held_record_is_tried_again_alone_or_with_all_of_its_reason() {
    let gateway = both_ways("delete").await;
    let wrong = json!({"LastName": null, "OwnerId": "0058a00000rBqb8"});
    gateway
        .push_and_settle(json!([contact(NG, 1, wrong.clone()), contact(BA, 1, wrong)]))
        .await;
    let held = gateway.get_json("partner", "/v1/held").await;
    let found = held["held"].as_array().unwrap();
    assert_eq!(found.len(), 2, "{held}");
    let link = found[0]["id"].as_str().unwrap();
    let path = format!("/v1/held/{link}/delete");
    let answer = send(
        &gateway,
        Method::POST,
        &path,
        Some(&json!({"deleteToo": true})),
        None,
    )
    .await;
    problem(answer, "other-decision").await;
    accepted(&gateway, &format!("/v1/held/{link}/retry"), &json!({})).await;
    let retried = accepted(&gateway, "/v1/held/retry", &json!({"reason": "flipping"})).await;
    assert_eq!(retried, json!({"retried": 0, "next": null}));
    let retried = accepted(&gateway, "/v1/held/retry", &json!({"reason": "conversion"})).await;
    assert!(retried["retried"].as_u64() >= Some(1), "{retried}");
    gateway.stop().await;
}

#[tokio::test]
async fn decisions_that_cannot_be_read_are_refused() {
    let gateway = both_ways("delete").await;
    for (path, body, fields) in [
        ("/v1/held/1/delete", json!({}), vec!["deleteToo"]),
        (
            "/v1/held/1/delete",
            json!({"deleteToo": "yes", "why": 1}),
            vec!["deleteToo", "why"],
        ),
        ("/v1/held/1/delete", json!([]), vec!["(whole)"]),
        ("/v1/held/retry", json!({"reason": "deleteAsked"}), vec!["reason"]),
        (
            "/v1/held/retry",
            json!({"reason": "refused", "cursor": "x"}),
            vec!["cursor"],
        ),
    ] {
        let answer = send(&gateway, Method::POST, path, Some(&body), None).await;
        let document = problem(answer, "invalid-fields").await;
        let named: Vec<&str> = document["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["field"].as_str().unwrap())
            .collect();
        assert_eq!(named, fields, "{path}: {document}");
    }
    for path in ["/v1/held/4711/retry", "/v1/held/x/retry"] {
        problem(
            send(&gateway, Method::POST, path, None, None).await,
            "held-not-found",
        )
        .await;
    }
    let body = json!({"deleteToo": true});
    for path in ["/v1/held/4711/delete", "/v1/held/0/delete"] {
        let answer = send(&gateway, Method::POST, path, Some(&body), None).await;
        problem(answer, "held-not-found").await;
    }
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_conflicts_and_decisions_are_the_same_on_postgresql() {
    let url = ThrowawayPostgres::shared().unwrap().database().unwrap();
    let gateway = Gateway::start_on(&format!("[store]\nurl = \"{url}\"\n")).await;
    map_both_ways(&gateway, "ask").await;
    let fields = json!({"LastName": "Ng", "Birthdate": "1970-01-01", "OwnerId": "0058a00000rBqb8"});
    gateway.push_and_settle(json!([contact(NG, 1, fields)])).await;
    let ng = record_of(&gateway, NG).await;
    let body = json!({"records": [
        {"key": "crm-1", "fields": {"last_name": "Ba", "topics": ["News"]}},
        {"id": ng, "fields": {"birthday": "1971-01-01"}},
        {"key": "crm-2", "fields": {"last_name": 7}},
    ]});
    let post = async || {
        let answer = send(
            &gateway,
            Method::POST,
            "/v1/records/contact",
            Some(&body),
            Some("k-1"),
        )
        .await;
        answer.json::<Value>().await.unwrap()
    };
    let first = post().await;
    assert_eq!(first["results"][0]["outcome"], "created", "{first}");
    assert_eq!(first["results"][2]["outcome"], "refused", "{first}");
    assert_eq!(post().await, first);

    let conflicts = gateway
        .get_json("partner", &format!("/v1/conflicts?record={ng}"))
        .await;
    let id = conflicts["conflicts"][0]["id"].as_str().unwrap();
    accepted(&gateway, &format!("/v1/conflicts/{id}/restore"), &json!({})).await;
    let path = format!("/v1/records/contact/{ng}");
    let record = gateway.get_json("partner", &path).await;
    assert_eq!(record["fields"]["birthday"], "1971-01-01", "{record}");

    let deletes = json!({"records": [{"id": ng}]});
    let answer = accepted(&gateway, "/v1/records/contact/deletes", &deletes).await;
    assert_eq!(answer["results"][0]["status"], "held", "{answer}");
    let record = gateway.get_json("partner", &path).await;
    let link = record["held"]["id"].as_str().unwrap();
    accepted(
        &gateway,
        &format!("/v1/held/{link}/delete"),
        &json!({"deleteToo": true}),
    )
    .await;
    let record = gateway.get_json("partner", &path).await;
    assert_eq!(record["status"], "waitingForSalesforce", "{record}");
    assert_eq!(record["presence"], "deleted");
    gateway.stop().await;
}

/// The number of the contact behind a Salesforce record.
async fn record_of(gateway: &Gateway, id: &str) -> String {
    let page = gateway
        .get_json("partner", &format!("/v1/records/contact?salesforceId={id}"))
        .await;
    assert_eq!(page["records"].as_array().unwrap().len(), 1, "{page}");
    page["records"][0]["id"].as_str().unwrap().to_owned()
}
