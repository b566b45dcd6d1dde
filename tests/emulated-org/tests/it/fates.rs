//! What becomes of records besides being edited: which automation sees it, and what readers by stamps are told.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::ingest::start;
use crate::people::{done, may_all, nina, query_all};

/// An account with a contact, and a flow that titles every contact it sees saved.
async fn family(client: &Client) -> (String, String) {
    nina(client).await;
    may_all(client);
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let contact = client
        .create("Contact", json!({ "LastName": "C", "AccountId": account }))
        .await;
    let flow = json!({ "object": "Contact", "then": { "beforeSave": { "set": { "Title": "Seen" } } } });
    let set = client.knob(Method::POST, "/emulator/rules", &flow).await;
    assert_eq!(set.status, 204, "{}", set.text);
    client.org.clock().advance(Duration::from_mins(1));
    (account, contact)
}

/// The ids that a replication call lists between noon and now.
async fn listed(client: &Client, object: &str, call: &str) -> Vec<String> {
    let end = client.org.clock().now().format("%Y-%m-%dT%H:%M:%SZ");
    let path = format!("{V}/sobjects/{object}/{call}/?start=2026-02-18T12:00:00Z&end={end}");
    let answer = client.get(&path).await.json();
    let rows = match call {
        "updated" => &answer["ids"],
        _ => &answer["deletedRecords"],
    };
    let rows = rows.as_array().unwrap_or_else(|| panic!("{answer}")).iter();
    rows.map(|row| row.as_str().or(row["id"].as_str()).expect("an id").to_owned())
        .collect()
}

async fn gone(client: &Client, object: &str, id: &str) -> (u16, String) {
    client.get(&format!("{V}/sobjects/{object}/{id}")).await.refusal()
}

#[tokio::test]
async fn children_that_a_merge_moves_fire_nothing_but_carry_a_new_stamp() {
    let client = start().await;
    let (loser, contact) = family(&client).await;
    let master = client.create("Account", json!({ "Name": "B" })).await;
    done(
        &client,
        json!({ "merge": { "master": master, "losers": [loser] } }),
    )
    .await;
    let moved = client.read("Contact", &contact).await;
    assert_eq!(
        (&moved["AccountId"], &moved["Title"]),
        (&json!(master), &Json::Null)
    );
    assert_eq!(moved["SystemModstamp"], "2026-02-18T12:01:00.000+0000");
    client.org.clock().advance(Duration::from_mins(2));
    assert_eq!(listed(&client, "Contact", "updated").await, [contact]);
    assert_eq!(
        listed(&client, "Account", "deleted").await,
        std::slice::from_ref(&loser)
    );
    let named = query_all(
        &client,
        "SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true",
    )
    .await;
    assert_eq!(
        (&named[0]["Id"], &named[0]["MasterRecordId"]),
        (&json!(loser), &json!(master))
    );
}

#[tokio::test]
async fn a_delete_cascades_without_firing_and_is_told_of_every_record() {
    let client = start().await;
    let (account, contact) = family(&client).await;
    assert_eq!(
        client
            .delete(&format!("{V}/sobjects/Account/{account}"))
            .await
            .status,
        204
    );
    let deleted = (404, "ENTITY_IS_DELETED".to_owned());
    assert_eq!(gone(&client, "Account", &account).await, deleted);
    assert_eq!(gone(&client, "Contact", &contact).await, deleted);
    client.org.clock().advance(Duration::from_mins(2));
    assert_eq!(
        listed(&client, "Account", "deleted").await,
        std::slice::from_ref(&account)
    );
    assert_eq!(
        listed(&client, "Contact", "deleted").await,
        std::slice::from_ref(&contact)
    );
    assert!(listed(&client, "Contact", "updated").await.is_empty());

    done(&client, json!({ "undelete": { "id": account } })).await;
    client.org.clock().advance(Duration::from_mins(2));
    assert!(listed(&client, "Contact", "deleted").await.is_empty());
    assert_eq!(
        listed(&client, "Contact", "updated").await,
        std::slice::from_ref(&contact)
    );
    let back = client.read("Contact", &contact).await;
    assert_eq!(
        (&back["AccountId"], &back["Title"]),
        (&json!(account), &Json::Null)
    );
}

#[tokio::test]
async fn what_is_deleted_for_good_is_unknown_to_reads_and_queries() {
    let client = start().await;
    let (account, contact) = family(&client).await;
    done(&client, json!({ "hardDelete": { "id": account } })).await;
    let absent = (404, "NOT_FOUND".to_owned());
    assert_eq!(gone(&client, "Account", &account).await, absent);
    assert_eq!(gone(&client, "Contact", &contact).await, absent);
    assert!(query_all(&client, "SELECT Id FROM Account").await.is_empty());
    let undelete = crate::people::does(&client, json!({ "undelete": { "id": account } })).await;
    assert_eq!(undelete["success"], false, "{undelete}");
    let child = json!({ "LastName": "C", "AccountId": account });
    let orphan = client.post(&format!("{V}/sobjects/Contact"), &child).await;
    assert_eq!(orphan.refusal(), (400, "INVALID_CROSS_REFERENCE_KEY".to_owned()));
}

#[tokio::test]
async fn a_converted_lead_stays_readable_and_its_records_are_new() {
    let client = start().await;
    nina(&client).await;
    may_all(&client);
    let lead = client
        .create("Lead", json!({ "LastName": "L", "Company": "Engines" }))
        .await;
    client.org.clock().advance(Duration::from_mins(1));
    done(
        &client,
        json!({ "convertLead": { "id": lead, "withoutOpportunity": true } }),
    )
    .await;
    let converted = client.read("Lead", &lead).await;
    assert_eq!(
        (
            &converted["IsConverted"],
            &converted["IsDeleted"],
            &converted["ConvertedOpportunityId"]
        ),
        (&json!(true), &json!(false), &Json::Null)
    );
    assert_eq!(converted["SystemModstamp"], "2026-02-18T12:01:00.000+0000");
    for (object, field) in [
        ("Account", "ConvertedAccountId"),
        ("Contact", "ConvertedContactId"),
    ] {
        let id = converted[field].as_str().expect("an id");
        let made = client.read(object, id).await;
        assert_eq!(made["CreatedDate"], "2026-02-18T12:01:00.000+0000", "{object}");
    }
    let edit = client
        .patch(&format!("{V}/sobjects/Lead/{lead}"), &json!({ "Company": "X" }))
        .await;
    assert_eq!(edit.refusal(), (400, "CANNOT_UPDATE_CONVERTED_LEAD".to_owned()));
}
