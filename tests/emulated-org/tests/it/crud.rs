//! Records one at a time: made, read, changed, deleted, by id and by external id.

#![cfg(test)]

use chrono::DateTime;
use emulated_org::schema::{Field, FieldType};
use emulated_org::{Clock, Options};
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

/// An organisation whose accounts have a unique external id `Key__c`, an external id that may repeat,
/// `Group__c`, and a number as an external id, `Number__c`.
pub async fn with_keys() -> Client {
    let clock = Clock::fixed(DateTime::from_timestamp(1_795_000_000, 0).expect("a moment"));
    let client = Client::start_with(Options {
        clock,
        ..Options::default()
    })
    .await;
    let text = |name: &str, unique: bool| Field {
        name: name.to_owned(),
        label: name.trim_end_matches("__c").to_owned(),
        length: 80,
        custom: true,
        external_id: true,
        id_lookup: true,
        unique,
        ..Field::default()
    };
    let number = Field {
        kind: FieldType::Double,
        precision: 18,
        ..text("Number__c", true)
    };
    let change = client.org.org().change_schema(|schema| {
        for field in [text("Key__c", true), text("Group__c", false), number] {
            schema.add_field("Account", field)?;
        }
        Ok(())
    });
    change.expect("the fields are added");
    client
}

#[tokio::test]
async fn a_new_record_gets_an_id_a_location_and_its_system_fields() {
    let client = with_keys().await;
    let answer = client
        .post(
            &format!("{V}/sobjects/account"),
            &json!({ "Name": "Müller & Söhne" }),
        )
        .await;
    let id = answer.id();
    assert_eq!(answer.json(), json!({ "id": id, "success": true, "errors": [] }));
    assert_eq!(answer.header("location"), format!("{V}/sobjects/Account/{id}"));
    assert!(id.starts_with("001") && id.len() == 18, "{id}");

    let record = client.read("Account", &id).await;
    assert_eq!(
        record["attributes"],
        json!({ "type": "Account", "url": format!("{V}/sobjects/Account/{id}") })
    );
    let stamp = "2026-11-18T11:06:40.000+0000";
    for field in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
        assert_eq!(record[field], stamp, "{field}");
    }
    let admin = client.get("/services/oauth2/userinfo").await.json()["user_id"].clone();
    for field in ["OwnerId", "CreatedById", "LastModifiedById"] {
        assert_eq!(record[field], admin, "{field}");
    }
    assert_eq!(record["IsDeleted"], false);
    assert_eq!(record["Name"], "Müller & Söhne");
    assert_eq!(
        record["Phone"],
        Json::Null,
        "every field is there, unset ones as null"
    );
}

#[tokio::test]
async fn a_change_moves_the_stamps_and_nothing_else() {
    let client = with_keys().await;
    let id = client
        .create("Account", json!({ "Name": "A", "Phone": "1" }))
        .await;
    client
        .org
        .clock()
        .advance(std::time::Duration::from_millis(61_500));
    let answer = client
        .patch(
            &format!("{V}/sobjects/Account/{id}"),
            &json!({ "phone": null, "Site": "HQ" }),
        )
        .await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let fifteen = id.get(..15).expect("an id");
    let record = client.read("Account", fifteen).await;
    assert_eq!(
        (&record["Phone"], &record["Site"], &record["Name"]),
        (&Json::Null, &json!("HQ"), &json!("A"))
    );
    assert_eq!(record["CreatedDate"], "2026-11-18T11:06:40.000+0000");
    for field in ["LastModifiedDate", "SystemModstamp"] {
        assert_eq!(
            record[field], "2026-11-18T11:07:41.000+0000",
            "whole seconds: {field}"
        );
    }
}

#[tokio::test]
async fn a_read_may_name_its_fields() {
    let client = with_keys().await;
    let id = client
        .create(
            "Account",
            json!({ "Name": "A", "BillingCity": "Ulm", "BillingCountry": "DE" }),
        )
        .await;
    let record = client
        .get(&format!("{V}/sobjects/Account/{id}?fields=name,BillingAddress"))
        .await
        .json();
    let keys: Vec<&String> = record.as_object().expect("a record").keys().collect();
    assert_eq!(keys, ["attributes", "Name", "BillingAddress", "Id"]);
    assert_eq!(record["BillingAddress"]["city"], "Ulm");
    assert_eq!(record["BillingAddress"]["country"], "DE");
    assert_eq!(record["BillingAddress"]["street"], Json::Null);
    let whole = client.read("Account", &id).await;
    assert_eq!(
        whole["ShippingAddress"],
        Json::Null,
        "an address without any part is null"
    );

    let unknown = client
        .get(&format!("{V}/sobjects/Account/{id}?fields=Name,Nonsense"))
        .await;
    let (status, code, message, _) = unknown.error();
    assert_eq!((status, code.as_str()), (400, "INVALID_FIELD"));
    assert_eq!(message, "No such column 'Nonsense' on sobject of type Account");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let client = with_keys().await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let contact = client.create("Contact", json!({ "LastName": "C" })).await;
    let not_found = (404, "NOT_FOUND".to_owned());
    for path in [
        "Nonsense",
        "Nonsense/001000000000001",
        "Account/001000000000001AAA",
        "Account/nonsense",
    ] {
        assert_eq!(
            client.get(&format!("{V}/sobjects/{path}")).await.refusal(),
            not_found,
            "{path}"
        );
    }
    assert_eq!(
        client
            .get(&format!("{V}/sobjects/Account/{contact}"))
            .await
            .refusal(),
        not_found
    );
    assert_eq!(client.get(&format!("{V}/nonsense")).await.refusal(), not_found);
    let put = client
        .send(client.request(reqwest::Method::PUT, &format!("{V}/sobjects/Account/{id}")))
        .await;
    let (status, code, message, _) = put.error();
    assert_eq!((status, code.as_str()), (405, "METHOD_NOT_ALLOWED"));
    assert!(message.starts_with("HTTP Method 'PUT' not allowed."), "{message}");
}

#[tokio::test]
async fn a_deleted_record_lies_in_the_recycle_bin() {
    let client = with_keys().await;
    let id = client
        .create("Account", json!({ "Name": "A", "Key__c": "k" }))
        .await;
    let path = format!("{V}/sobjects/Account/{id}");
    assert_eq!(client.delete(&path).await.status, 204);
    let deleted = (404, "ENTITY_IS_DELETED".to_owned());
    assert_eq!(client.get(&path).await.refusal(), deleted);
    assert_eq!(
        client.patch(&path, &json!({ "Name": "B" })).await.refusal(),
        deleted
    );
    assert_eq!(client.delete(&path).await.refusal(), deleted);
    // What lies in the recycle bin keeps no key.
    assert_eq!(
        client.get(&format!("{V}/sobjects/Account/Key__c/k")).await.status,
        404
    );
    client
        .create("Account", json!({ "Name": "A again", "Key__c": "k" }))
        .await;

    assert_eq!(client.org.org().purge_recycle_bin(), 1);
    assert_eq!(client.get(&path).await.refusal(), (404, "NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn deleting_an_account_takes_its_contacts_and_opportunities_along_and_frees_its_subsidiaries() {
    let client = with_keys().await;
    let account = client.create("Account", json!({ "Name": "Parent" })).await;
    let child = client
        .create("Account", json!({ "Name": "Subsidiary", "ParentId": account }))
        .await;
    let contact = client
        .create("Contact", json!({ "LastName": "C", "AccountId": account }))
        .await;
    let stage =
        json!({ "Name": "O", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-01" });
    let opportunity = client.create("Opportunity", stage).await;
    let task = client
        .create("Task", json!({ "Subject": "Call", "WhatId": opportunity }))
        .await;
    assert_eq!(
        client.read("Task", &task).await["AccountId"],
        account,
        "a task belongs to the deal's account"
    );

    client.org.clock().advance(std::time::Duration::from_secs(60));
    assert_eq!(
        client
            .delete(&format!("{V}/sobjects/Account/{account}"))
            .await
            .status,
        204
    );
    for (object, id) in [("Contact", contact), ("Opportunity", opportunity), ("Task", task)] {
        let answer = client.get(&format!("{V}/sobjects/{object}/{id}")).await;
        assert_eq!(
            answer.refusal(),
            (404, "ENTITY_IS_DELETED".to_owned()),
            "{object}"
        );
    }
    let child = client.read("Account", &child).await;
    assert_eq!(child["ParentId"], Json::Null);
    assert_ne!(
        child["SystemModstamp"], child["LastModifiedDate"],
        "the system touched it, nobody edited it"
    );
}

#[tokio::test]
async fn an_upsert_makes_then_changes_and_says_which() {
    let client = with_keys().await;
    let path = format!("{V}/sobjects/Account/Key__c/no-1");
    let made = client.patch(&path, &json!({ "Name": "A" })).await;
    let id = made.id();
    assert_eq!(
        made.json(),
        json!({ "id": id, "success": true, "errors": [], "created": true })
    );
    let changed = client.patch(&path, &json!({ "Name": "B" })).await;
    assert_eq!(changed.status, 200);
    assert_eq!(
        changed.json(),
        json!({ "id": id, "success": true, "errors": [], "created": false })
    );
    assert_eq!(client.read("Account", &id).await["Key__c"], "no-1");
    // Keys are found without regard to case.
    let shouted = client
        .patch(
            &format!("{V}/sobjects/Account/KEY__C/NO-1"),
            &json!({ "Name": "C" }),
        )
        .await;
    assert_eq!((shouted.status, &shouted.json()["id"]), (200, &json!(id)));
    let old = client
        .patch(
            "/services/data/v45.0/sobjects/Account/Key__c/no-1",
            &json!({ "Name": "D" }),
        )
        .await;
    assert_eq!(
        (old.status, old.text.as_str()),
        (204, ""),
        "before version 46 an update had no body"
    );
    let by_id = client
        .patch(&format!("{V}/sobjects/Account/Id/{id}"), &json!({ "Name": "E" }))
        .await;
    assert_eq!(by_id.status, 200);
}

#[tokio::test]
async fn external_ids_of_any_text_and_type_find_their_record() {
    let client = with_keys().await;
    for key in ["a/b", "50% + 1", "ключ?&=#", "日本 語", "a.b;c"] {
        let encoded: String = url::form_urlencoded::byte_serialize(key.as_bytes())
            .collect::<String>()
            .replace('+', "%20");
        let path = format!("{V}/sobjects/Account/Key__c/{encoded}");
        let made = client.patch(&path, &json!({ "Name": key })).await;
        assert_eq!(made.status, 201, "{key}: {}", made.text);
        let read = client.get(&path).await;
        assert_eq!((read.status, &read.json()["Key__c"]), (200, &json!(key)), "{key}");
        assert_eq!(client.delete(&path).await.status, 204, "{key}");
        assert_eq!(client.get(&path).await.status, 404, "{key}");
    }
    let number = client
        .patch(
            &format!("{V}/sobjects/Account/Number__c/7"),
            &json!({ "Name": "Seven" }),
        )
        .await;
    assert_eq!(number.status, 201);
    assert_eq!(
        client
            .get(&format!("{V}/sobjects/Account/Number__c/7.0"))
            .await
            .status,
        200
    );
    let wrong = client.get(&format!("{V}/sobjects/Account/Number__c/seven")).await;
    assert_eq!(wrong.refusal(), (400, "INVALID_FIELD".to_owned()));
}

#[tokio::test]
async fn a_key_that_fits_several_records_is_left_to_the_caller() {
    let client = with_keys().await;
    let ids = [
        client
            .create("Account", json!({ "Name": "A", "Group__c": "g" }))
            .await,
        client
            .create("Account", json!({ "Name": "B", "Group__c": "G" }))
            .await,
    ];
    let path = format!("{V}/sobjects/Account/Group__c/g");
    let urls = json!(ids.map(|id| format!("{V}/sobjects/Account/{id}")));
    for answer in [
        client.patch(&path, &json!({ "Name": "C" })).await,
        client.get(&path).await,
        client.delete(&path).await,
    ] {
        assert_eq!((answer.status, answer.json()), (300, urls.clone()));
    }
    assert_eq!(
        client
            .get(&format!("{V}/sobjects/Account/Group__c/none"))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn an_upsert_refuses_what_its_path_already_says_and_keys_that_are_none() {
    let client = with_keys().await;
    let path = format!("{V}/sobjects/Account/Key__c/k");
    for (body, field) in [
        (json!({ "Name": "A", "key__c": "k" }), "Key__c"),
        (json!({ "Id": "001000000000001" }), "Id"),
    ] {
        let (status, code, message, _) = client.patch(&path, &body).await.error();
        assert_eq!((status, code.as_str()), (400, "INVALID_FIELD"));
        assert_eq!(
            message,
            format!("The {field} field should not be specified in the sobject data.")
        );
    }
    let unknown = client
        .patch(&format!("{V}/sobjects/Account/Phone/1"), &json!({ "Name": "A" }))
        .await;
    assert_eq!(unknown.refusal(), (404, "NOT_FOUND".to_owned()));
    let update_only = client
        .patch(&format!("{path}?updateOnly=true"), &json!({ "Name": "A" }))
        .await;
    assert_eq!(update_only.refusal(), (404, "NOT_FOUND".to_owned()));
    assert_eq!(client.get(&path).await.status, 404, "nothing was made");
}

#[tokio::test]
async fn a_parent_may_be_named_by_its_external_id() {
    let client = with_keys().await;
    let account = client
        .create("Account", json!({ "Name": "A", "Key__c": "k" }))
        .await;
    let contact = client
        .create(
            "Contact",
            json!({ "LastName": "C", "Account": { "Key__c": "k" } }),
        )
        .await;
    assert_eq!(client.read("Contact", &contact).await["AccountId"], account);
    let path = format!("{V}/sobjects/Contact/{contact}");
    assert_eq!(client.patch(&path, &json!({ "Account": null })).await.status, 204);
    assert_eq!(client.read("Contact", &contact).await["AccountId"], Json::Null);

    let refused = [
        (
            json!({ "Key__c": "x" }),
            "Foreign key external ID: x not found for field Key__c in entity Account",
        ),
        (
            json!({ "Phone": "1" }),
            "Field name provided, Phone is not an External ID or indexed field for Account",
        ),
        (
            json!({}),
            "The nested Account must name exactly one external ID field and its value",
        ),
    ];
    for (parent, expected) in refused {
        let (status, code, message, _) = client.patch(&path, &json!({ "Account": parent })).await.error();
        assert_eq!(
            (status, code.as_str(), message.as_str()),
            (400, "INVALID_FIELD", expected)
        );
    }
    // The owner of a task may be several things, so the type must be said.
    let owner = json!({ "attributes": { "type": "User" }, "Username": client.org.integration_username() });
    let owned = client
        .create("Account", json!({ "Name": "Owned", "Owner": owner }))
        .await;
    let owner = client.read("Account", &owned).await["OwnerId"]
        .as_str()
        .expect("an owner")
        .to_owned();
    assert_eq!(
        client.read("User", &owner).await["Username"],
        client.org.integration_username()
    );
}

#[tokio::test]
async fn basic_information_shows_the_object_and_recent_records() {
    let client = with_keys().await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let body = client.get(&format!("{V}/sobjects/Account")).await.json();
    assert_eq!(body["objectDescribe"]["name"], "Account");
    assert_eq!(body["recentItems"][0]["Id"], id);
    assert_eq!(body["recentItems"][0]["Name"], "A");
}

#[tokio::test]
async fn an_unchanged_record_is_not_sent_again() {
    let client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "Held" })).await;
    let path = format!("{V}/sobjects/Account/{id}");
    let ask = |since: &'static str| {
        client.send(
            client
                .request(reqwest::Method::GET, &path)
                .header("If-Modified-Since", since),
        )
    };
    let unchanged = ask("Tue, 01 Jan 2999 00:00:00 GMT").await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));
    let changed = ask("Tue, 01 Jan 2019 00:00:00 GMT").await;
    assert_eq!(changed.json()["Name"], "Held");
    assert_eq!(ask("no date at all").await.status, 200);
}
