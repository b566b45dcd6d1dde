// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use emulated_org::Options;
use serde_json::{Value as Json, json};

use super::super::client::V;
use super::Nina;

async fn with_person_accounts() -> Nina {
    Nina::start_with(Options {
        person_accounts: true,
        ..Options::default()
    })
    .await
}

async fn person_type(nina: &Nina) -> Json {
    let found = nina
        .query("SELECT Id FROM RecordType WHERE IsPersonType = true")
        .await;
    found[0]["Id"].clone()
}

#[tokio::test]
async fn a_person_account_is_an_account_and_a_contact() {
    let nina = with_person_accounts().await;
    let person = person_type(&nina).await;
    let fields = json!({
        "RecordTypeId": person, "FirstName": "Ada", "LastName": "Berg", "PersonEmail": "ada@example.com",
        "PersonMailingCity": "Oslo", "Phone": "+47 1",
    });
    let id = nina.client.create("Account", fields).await;
    let account = nina.client.read("Account", &id).await;
    assert_eq!(
        (&account["Name"], &account["IsPersonAccount"]),
        (&json!("Ada Berg"), &json!(true))
    );
    assert_eq!(account["PersonMailingAddress"]["city"], "Oslo");
    let contacts = nina
        .query("SELECT Id, Name, Email, MailingCity, Phone, AccountId, IsPersonAccount FROM Contact")
        .await;
    assert_eq!(contacts.len(), 1);
    let contact = &contacts[0];
    assert_eq!(
        (&contact["Id"], &contact["AccountId"]),
        (&account["PersonContactId"], &json!(id))
    );
    assert_eq!(
        (&contact["Name"], &contact["Email"], &contact["Phone"]),
        (&json!("Ada Berg"), &json!("ada@example.com"), &json!("+47 1"))
    );
    assert_eq!(
        (&contact["MailingCity"], &contact["IsPersonAccount"]),
        (&json!("Oslo"), &json!(true))
    );
    let path = format!("{V}/sobjects/Account/{id}");
    let changed = json!({ "LastName": "Bergmann", "PersonEmail": null });
    assert_eq!(nina.client.patch(&path, &changed).await.status, 204);
    let contact = &nina.query("SELECT Id, Name, Email FROM Contact").await[0];
    assert_eq!(
        (&contact["Name"], &contact["Email"]),
        (&json!("Ada Bergmann"), &json!(null))
    );
    assert_eq!(nina.client.delete(&path).await.status, 204);
    assert_eq!(nina.query("SELECT Id FROM Contact").await.len(), 0);
}

#[tokio::test]
async fn a_last_name_alone_makes_a_person() {
    let nina = with_person_accounts().await;
    let id = nina.client.create("Account", json!({ "LastName": "Berg" })).await;
    assert_eq!(
        nina.client.read("Account", &id).await["RecordTypeId"],
        person_type(&nina).await
    );
}

#[tokio::test]
async fn persons_and_businesses_have_their_own_fields() {
    let nina = with_person_accounts().await;
    let person = person_type(&nina).await;
    let path = format!("{V}/sobjects/Account");
    for (body, wrong) in [
        (
            json!({ "RecordTypeId": person, "LastName": "Berg", "Name": "Berg" }),
            "Name",
        ),
        (
            json!({ "Name": "Berg AS", "PersonEmail": "b@example.com" }),
            "PersonEmail",
        ),
    ] {
        let (status, code, message, fields) = nina.client.post(&path, &body).await.error();
        assert_eq!((status, code.as_str()), (400, "INVALID_FIELD_FOR_INSERT_UPDATE"));
        assert_eq!(
            message,
            format!("Account: bad field names on insert/update call: {wrong}")
        );
        assert_eq!(fields, [wrong]);
    }
    let nameless = nina
        .client
        .post(&path, &json!({ "RecordTypeId": person, "FirstName": "Ada" }))
        .await;
    assert_eq!(nameless.refusal(), (400, "REQUIRED_FIELD_MISSING".to_owned()));
    let business = nina.client.create("Account", json!({ "Name": "Berg AS" })).await;
    let account = nina.client.read("Account", &business).await;
    assert_eq!(
        (&account["IsPersonAccount"], &account["PersonContactId"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(nina.query("SELECT Id FROM Contact").await.len(), 0);
}

#[tokio::test]
async fn the_contact_of_a_person_is_written_through_its_account_alone() {
    let mut nina = with_person_accounts().await;
    nina.client.create("Account", json!({ "LastName": "Berg" })).await;
    let contact = nina.query("SELECT Id FROM Contact").await[0]["Id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("{V}/sobjects/Contact/{contact}");
    let refused = (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned());
    assert_eq!(
        nina.client
            .patch(&path, &json!({ "Title": "Dr" }))
            .await
            .refusal(),
        refused
    );
    let by_admin = nina
        .as_admin(async |client| client.delete(&path).await.refusal())
        .await;
    assert_eq!(by_admin, refused);
}
