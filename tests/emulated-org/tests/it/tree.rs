//! Records and their children in one request.

#![cfg(test)]

use serde_json::{Value as Json, json};

use crate::client::{Client, V};

pub fn node(object: &str, reference: &str, fields: Json) -> Json {
    let mut node = json!({ "attributes": { "type": object, "referenceId": reference } });
    for (name, value) in fields.as_object().expect("fields") {
        node[name] = value.clone();
    }
    node
}

fn accounts(client: &Client) -> usize {
    client.org.org().read().table("Account").expect("accounts").len()
}

#[tokio::test]
async fn children_are_made_under_their_parents() {
    let client = Client::start().await;
    let contacts = json!({ "records": [
        node("Contact", "c1", json!({ "LastName": "One" })),
        node("Contact", "c2", json!({ "LastName": "Two" })),
    ] });
    let first = node("Account", "a1", json!({ "name": "First", "Contacts": contacts }));
    let second = node("Account", "a2", json!({ "Name": "Second" }));
    let answer = client
        .post(
            &format!("{V}/composite/tree/Account"),
            &json!({ "records": [first, second] }),
        )
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["hasErrors"], false);
    let results = body["results"].as_array().expect("results");
    let references: Vec<&Json> = results.iter().map(|result| &result["referenceId"]).collect();
    assert_eq!(references, ["a1", "c1", "c2", "a2"]);
    let id = |at: usize| results[at]["id"].as_str().expect("an id");
    assert_eq!(client.read("Contact", id(2)).await["AccountId"], id(0));
    assert_eq!(client.read("Contact", id(2)).await["LastName"], "Two");
    assert_eq!(client.read("Account", id(3)).await["Name"], "Second");
}

#[tokio::test]
async fn one_wrong_record_takes_the_whole_tree_back_and_is_the_only_one_named() {
    let client = Client::start().await;
    let before = accounts(&client);
    let wrong = node("Contact", "c1", json!({ "LastName": "One", "Email": "123" }));
    let records = [
        node("Account", "a1", json!({ "Name": "First" })),
        node(
            "Account",
            "a2",
            json!({ "Name": "Second", "Contacts": { "records": [wrong] } }),
        ),
    ];
    let answer = client
        .post(
            &format!("{V}/composite/tree/Account"),
            &json!({ "records": records }),
        )
        .await;
    let errors = json!([{
        "statusCode": "INVALID_EMAIL_ADDRESS",
        "message": "Email: invalid email address: 123",
        "fields": ["Email"],
    }]);
    let expected = json!({ "hasErrors": true, "results": [{ "referenceId": "c1", "errors": errors }] });
    assert_eq!((answer.status, answer.json()), (400, expected));
    assert_eq!(accounts(&client), before);
}

#[tokio::test]
async fn references_must_be_given_once_each() {
    let client = Client::start().await;
    let path = format!("{V}/composite/tree/Account");
    let bare = json!({ "attributes": { "type": "Account" }, "Name": "A" });
    let twice = node("Account", "same", json!({ "Name": "A" }));
    let other = node("Contact", "c", json!({ "LastName": "C" }));
    let cases = [
        (
            vec![bare],
            "Include a reference ID for each record in the request.",
        ),
        (
            vec![twice.clone(), twice],
            "Duplicate ReferenceId provided in the request.",
        ),
        (
            vec![other],
            "Include attributes with type Account for this record.",
        ),
    ];
    for (records, message) in cases {
        let answer = client.post(&path, &json!({ "records": records })).await;
        let error = answer.json()["results"][0]["errors"][0].clone();
        assert_eq!(
            (answer.status, &error["statusCode"], &error["message"]),
            (400, &json!("INVALID_INPUT"), &json!(message))
        );
    }
}

#[tokio::test]
async fn references_that_only_a_client_can_resolve_are_no_ids() {
    let client = Client::start().await;
    let contact = node(
        "Contact",
        "c1",
        json!({ "LastName": "One", "AccountId": "@AccountRef1" }),
    );
    let answer = client
        .post(
            &format!("{V}/composite/tree/Contact"),
            &json!({ "records": [contact] }),
        )
        .await;
    let error = answer.json()["results"][0]["errors"][0].clone();
    assert_eq!(
        (answer.status, &error["statusCode"]),
        (400, &json!("MALFORMED_ID"))
    );
}

#[tokio::test]
async fn trees_are_bounded_in_size_and_depth() {
    let client = Client::start().await;
    let path = format!("{V}/composite/tree/Account");
    let many = |count: usize| -> Vec<Json> {
        (0..count)
            .map(|at| node("Account", &format!("a{at}"), json!({ "Name": "A" })))
            .collect()
    };
    assert_eq!(
        client.post(&path, &json!({ "records": many(200) })).await.status,
        201
    );
    let over = client.post(&path, &json!({ "records": many(201) })).await;
    assert_eq!(over.refusal(), (400, "EXCEEDED_ID_LIMIT".to_owned()));

    let chain = |levels: usize| {
        let mut inner = node("Account", &format!("l{levels}"), json!({ "Name": "A" }));
        for level in (1..levels).rev() {
            let children = json!({ "records": [inner] });
            inner = node(
                "Account",
                &format!("l{level}"),
                json!({ "Name": "A", "ChildAccounts": children }),
            );
        }
        json!({ "records": [inner] })
    };
    assert_eq!(client.post(&path, &chain(5)).await.status, 201);
    assert_eq!(
        client.post(&path, &chain(6)).await.refusal(),
        (400, "INVALID_INPUT".to_owned())
    );
    assert_eq!(
        client.post(&path, &json!({ "records": [] })).await.refusal(),
        (400, "MISSING_ARGUMENT".to_owned())
    );
    let unknown = node(
        "Account",
        "a",
        json!({ "Name": "A", "Nonsenses": { "records": [] } }),
    );
    assert_eq!(
        client
            .post(&path, &json!({ "records": [unknown] }))
            .await
            .refusal(),
        (400, "INVALID_FIELD".to_owned())
    );
}
