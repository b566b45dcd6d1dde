//! Switches about what refusals say.
#![cfg(test)]

use emulated_org::access::{PermissionSetDefinition, QueueDefinition};
use emulated_org::schema::Sharing;
use serde_json::{Value as Json, json};

use super::turn;
use crate::access::Nina;
use crate::client::{Client, V};
use crate::crud::with_keys;

/// What one request is told with a switch off and on: status and code.
async fn both(
    client: &Client,
    name: &str,
    ask: impl AsyncFn(&Client) -> (u16, String),
) -> [(u16, String); 2] {
    turn(client, name, false).await;
    let off = ask(client).await;
    turn(client, name, true).await;
    [off, ask(client).await]
}

fn answers(off: (u16, &str), on: (u16, &str)) -> [(u16, String); 2] {
    [(off.0, off.1.to_owned()), (on.0, on.1.to_owned())]
}

#[tokio::test]
async fn a_deleted_record_has_one_of_two_statuses() {
    let client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let path = format!("{V}/sobjects/Account/{id}");
    assert_eq!(client.delete(&path).await.status, 204);
    let expected = answers((404, "ENTITY_IS_DELETED"), (400, "ENTITY_IS_DELETED"));
    let name = "deletedRecordsAs400";
    assert_eq!(
        both(&client, name, async |client| client.get(&path).await.refusal()).await,
        expected
    );
    assert_eq!(
        both(&client, name, async |client| client.delete(&path).await.refusal()).await,
        expected
    );
    let within = both(&client, name, async |client| {
        let request = json!({ "compositeRequest": [{ "method": "GET", "url": path, "referenceId": "a" }] });
        let answer = client.post(&format!("{V}/composite"), &request).await.json();
        let answer = &answer["compositeResponse"][0];
        let status = answer["httpStatusCode"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        (
            status.expect("a status"),
            answer["body"][0]["errorCode"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    });
    assert_eq!(within.await, expected, "subrequests alike");
}

#[tokio::test]
async fn missing_rights_have_one_of_two_statuses() {
    let mut nina = Nina::start().await;
    let org = nina.client.org.org();
    org.set_sharing("Account", Sharing::Private).expect("an object");
    let foreign = nina
        .as_admin(async |client| client.create("Account", json!({ "Name": "A" })).await)
        .await;
    let foreign_user = format!("{V}/sobjects/User/{}", nina.client.org.org().admin);
    let phone = json!({ "Phone": "1" });
    let code = "INSUFFICIENT_ACCESS_OR_READONLY";
    assert_eq!(
        both(&nina.client, "insufficientAccessAs400", async |client| {
            client.patch(&foreign_user, &phone).await.refusal()
        })
        .await,
        answers((403, code), (400, code))
    );
    let contact = json!({ "LastName": "Berg", "AccountId": foreign });
    let code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY";
    assert_eq!(
        both(&nina.client, "crossReferenceAccessAs403", async |client| {
            client
                .post(&format!("{V}/sobjects/Contact"), &contact)
                .await
                .refusal()
        })
        .await,
        answers((400, code), (403, code))
    );
}

#[tokio::test]
async fn who_may_look_but_not_make_is_told_one_of_two_codes() {
    let nina = Nina::start().await;
    nina.restrict();
    nina.grant(
        "Look",
        &PermissionSetDefinition::default().with_object("Contact", "RV"),
    );
    let contact = json!({ "LastName": "Berg" });
    assert_eq!(
        both(
            &nina.client,
            "createRefusalsAsInsufficientAccess",
            async |client| {
                client
                    .post(&format!("{V}/sobjects/Contact"), &contact)
                    .await
                    .refusal()
            }
        )
        .await,
        answers(
            (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
            (403, "INSUFFICIENT_ACCESS_OR_READONLY")
        )
    );
}

#[tokio::test]
async fn a_deleted_parent_and_a_wrong_queue_have_one_of_two_codes_each() {
    let client = Client::start().await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    client.delete(&format!("{V}/sobjects/Account/{account}")).await;
    let post = async |client: &Client, object: &str, fields: &Json| {
        client
            .post(&format!("{V}/sobjects/{object}"), fields)
            .await
            .refusal()
    };
    let orphan = json!({ "LastName": "Berg", "AccountId": account });
    assert_eq!(
        both(&client, "deletedParentsAsUnknown", async |client| post(
            client, "Contact", &orphan
        )
        .await)
        .await,
        answers((400, "ENTITY_IS_DELETED"), (400, "INVALID_CROSS_REFERENCE_KEY"))
    );
    let queue = QueueDefinition {
        name: "Idle".to_owned(),
        objects: vec!["Task".to_owned()],
        ..QueueDefinition::default()
    };
    let queue = client.org.org().add_queue(&queue).expect("a queue").to_string();
    let lead = json!({ "LastName": "Berg", "Company": "Berg AS", "OwnerId": queue });
    assert_eq!(
        both(&client, "wrongQueuesAsIntegrityErrors", async |client| post(
            client, "Lead", &lead
        )
        .await)
        .await,
        answers((400, "INVALID_OPERATION"), (400, "FIELD_INTEGRITY_EXCEPTION"))
    );
}

#[tokio::test]
async fn messages_name_the_record_at_fault_or_do_not() {
    let client = with_keys().await;
    let first = client
        .create("Account", json!({ "Name": "A", "Key__c": "k" }))
        .await;
    let short = first.get(..15).expect("an id").to_owned();
    let twice = json!({ "Name": "B", "Key__c": "k" });
    let message = async |fields: &Json| {
        client
            .post(&format!("{V}/sobjects/Account"), fields)
            .await
            .error()
            .2
    };
    assert_eq!(
        message(&twice).await,
        format!("duplicate value found: Key__c duplicates value on record with id: {short}")
    );
    turn(&client, "duplicateValuesWithoutRecord", true).await;
    assert_eq!(
        message(&twice).await,
        "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    );
    client.org.org().row_locks.refuse(100, 1);
    let child = json!({ "Name": "C", "ParentId": first });
    let words = "unable to obtain exclusive access to this record";
    assert_eq!(message(&child).await, format!("{words} or 1 records: {short}"));
    turn(&client, "lockRefusalsWithoutRecord", true).await;
    assert_eq!(message(&child).await, words);
}

#[tokio::test]
async fn an_upsert_may_repeat_its_key_or_not() {
    let client = with_keys().await;
    let path = format!("{V}/sobjects/Account/Key__c/k1");
    let same = json!({ "Name": "A", "key__c": "k1" });
    assert_eq!(
        client.patch(&path, &same).await.refusal(),
        (400, "INVALID_FIELD".to_owned())
    );
    turn(&client, "upsertsMayRepeatTheirKey", true).await;
    let made = client.patch(&path, &same).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let other = json!({ "Name": "A", "Key__c": "k2" });
    assert_eq!(
        client.patch(&path, &other).await.refusal(),
        (400, "INVALID_FIELD".to_owned())
    );
}
