// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use emulated_org::access::PermissionSetDefinition;
use emulated_org::schema::Sharing;
use serde_json::json;

use super::super::client::V;
use super::{Nina, contact};

async fn with_private_accounts() -> (Nina, String, String) {
    let mut nina = Nina::start().await;
    nina.client
        .org
        .org()
        .set_sharing("Account", Sharing::Private)
        .expect("an object");
    let foreign = nina
        .as_admin(async |client| client.create("Account", json!({ "Name": "Foreign" })).await)
        .await;
    let own = nina.client.create("Account", json!({ "Name": "Own" })).await;
    (nina, own, foreign)
}

#[tokio::test]
async fn private_rows_are_their_owners_on_every_reading_path() {
    let (nina, own, foreign) = with_private_accounts().await;
    let found = nina.query("SELECT Id FROM Account").await;
    assert_eq!(
        found.iter().map(|row| &row["Id"]).collect::<Vec<_>>(),
        [&json!(own)]
    );
    assert_eq!(
        nina.query(&format!("SELECT Id FROM Account WHERE Id = '{foreign}'"))
            .await
            .len(),
        0
    );
    let counted = nina.query("SELECT COUNT(Id) n FROM Account").await;
    assert_eq!(counted[0]["n"], json!(1));
    let path = format!("{V}/sobjects/Account/{foreign}");
    assert_eq!(
        nina.client.get(&path).await.refusal(),
        (404, "NOT_FOUND".to_owned())
    );
    let collected = nina
        .client
        .get(&format!(
            "{V}/composite/sobjects/Account?ids={foreign},{own}&fields=Name"
        ))
        .await
        .json();
    assert_eq!(
        (&collected[0], &collected[1]["Name"]),
        (&json!(null), &json!("Own"))
    );
    let now = nina.client.org.clock().now();
    let (start, end) = (
        now - chrono::TimeDelta::hours(1),
        now + chrono::TimeDelta::hours(1),
    );
    let span = |moment: chrono::DateTime<chrono::Utc>| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    nina.client
        .org
        .clock()
        .advance(std::time::Duration::from_hours(1));
    let updated = format!(
        "{V}/sobjects/Account/updated?start={}&end={}",
        span(start),
        span(end)
    );
    assert_eq!(nina.client.get(&updated).await.json()["ids"], json!([own]));
}

#[tokio::test]
async fn private_rows_are_their_owners_on_every_writing_path() {
    let (nina, own, foreign) = with_private_accounts().await;
    let path = format!("{V}/sobjects/Account");
    let renamed = json!({ "Name": "Mine" });
    assert_eq!(
        nina.client
            .patch(&format!("{path}/{foreign}"), &renamed)
            .await
            .refusal(),
        (404, "NOT_FOUND".to_owned())
    );
    assert_eq!(
        nina.client.delete(&format!("{path}/{foreign}")).await.refusal(),
        (404, "NOT_FOUND".to_owned())
    );
    assert_eq!(
        nina.client.patch(&format!("{path}/{own}"), &renamed).await.status,
        204
    );
    let row = json!({ "attributes": { "type": "Account" }, "id": foreign, "Name": "Mine" });
    let rows = nina
        .client
        .patch(&format!("{V}/composite/sobjects"), &json!({ "records": [row] }))
        .await
        .json();
    assert_eq!(
        rows[0]["errors"][0]["statusCode"],
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
    let rows = nina
        .client
        .delete(&format!("{V}/composite/sobjects?ids={foreign}"))
        .await
        .json();
    assert_eq!(
        rows[0]["errors"][0]["statusCode"],
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
    let contact = json!({ "LastName": "Berg", "AccountId": foreign });
    let refused = nina
        .client
        .post(&format!("{V}/sobjects/Contact"), &contact)
        .await
        .refusal();
    assert_eq!(
        refused,
        (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY".to_owned())
    );
}

#[tokio::test]
async fn what_hangs_on_a_private_parent_follows_it() {
    let (mut nina, own, foreign) = with_private_accounts().await;
    nina.client
        .org
        .org()
        .set_sharing("Contact", Sharing::ControlledByParent)
        .expect("an object");
    let (hidden, shown) = nina
        .as_admin(async |client| {
            let hidden = client
                .create("Contact", json!({ "LastName": "Hidden", "AccountId": foreign }))
                .await;
            let shown = client
                .create("Contact", json!({ "LastName": "Shown", "AccountId": own }))
                .await;
            (hidden, shown)
        })
        .await;
    let found = nina.query("SELECT Id FROM Contact").await;
    assert_eq!(
        found.iter().map(|row| &row["Id"]).collect::<Vec<_>>(),
        [&json!(shown)]
    );
    assert_eq!(
        nina.client
            .get(&format!("{V}/sobjects/Contact/{hidden}"))
            .await
            .status,
        404
    );
    let path = format!("{V}/sobjects/Contact/{shown}");
    assert_eq!(nina.client.patch(&path, &contact("Changed")).await.status, 204);
    let children = nina
        .query("SELECT Name, (SELECT LastName FROM Contacts) FROM Account")
        .await;
    assert_eq!(children[0]["Contacts"]["totalSize"], json!(1));
    let joined = nina
        .query("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)")
        .await;
    assert_eq!(joined.len(), 1);
}

#[tokio::test]
async fn a_parent_that_is_not_seen_reads_as_null() {
    let (mut nina, _, foreign) = with_private_accounts().await;
    nina.as_admin(async |client| {
        client
            .create("Contact", json!({ "LastName": "Open", "AccountId": foreign }))
            .await
    })
    .await;
    let found = nina.query("SELECT LastName, Account.Name FROM Contact").await;
    assert_eq!(
        (&found[0]["LastName"], &found[0]["Account"]),
        (&json!("Open"), &json!(null))
    );
}

#[tokio::test]
async fn view_all_and_modify_all_open_private_rows() {
    let (nina, _, foreign) = with_private_accounts().await;
    nina.grant(
        "Viewers",
        &PermissionSetDefinition::default().with_object("Account", "RV"),
    );
    assert_eq!(nina.query("SELECT Id FROM Account").await.len(), 2);
    let path = format!("{V}/sobjects/Account/{foreign}");
    let renamed = json!({ "Name": "Renamed" });
    let refused = nina.client.patch(&path, &renamed).await.refusal();
    assert_eq!(refused, (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned()));
    nina.grant(
        "Modifiers",
        &PermissionSetDefinition::default().with_object("Account", "CREDM"),
    );
    assert_eq!(nina.client.patch(&path, &renamed).await.status, 204);
}

#[tokio::test]
async fn view_all_data_opens_every_row_and_field_level_security_stays() {
    let (nina, _, _) = with_private_accounts().await;
    nina.restrict();
    nina.grant(
        "Auditors",
        &PermissionSetDefinition::default().with_permission("ViewAllData"),
    );
    assert_eq!(nina.query("SELECT Id, Name FROM Account").await.len(), 2);
    assert_eq!(
        nina.refused("SELECT Industry FROM Account").await.0,
        "INVALID_FIELD"
    );
}

#[tokio::test]
async fn others_rows_are_read_or_changed_but_not_deleted_or_given_away() {
    let mut nina = Nina::start().await;
    let foreign = nina
        .as_admin(async |client| client.create("Account", json!({ "Name": "Foreign" })).await)
        .await;
    let path = format!("{V}/sobjects/Account/{foreign}");
    let readonly = (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned());
    assert_eq!(
        nina.client
            .patch(&path, &json!({ "Name": "Changed" }))
            .await
            .status,
        204
    );
    assert_eq!(nina.client.delete(&path).await.refusal(), readonly);
    let taken = json!({ "OwnerId": nina.id });
    assert_eq!(nina.client.patch(&path, &taken).await.refusal(), readonly);
    nina.client
        .org
        .org()
        .set_sharing("Account", Sharing::Read)
        .expect("an object");
    assert_eq!(nina.client.get(&path).await.status, 200);
    assert_eq!(
        nina.client
            .patch(&path, &json!({ "Name": "Again" }))
            .await
            .refusal(),
        readonly
    );
}
