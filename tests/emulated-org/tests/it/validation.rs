//! What may not be stored, and in what words it is refused.

#![cfg(test)]

use emulated_org::NewUser;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::crud::with_keys;

const OPPORTUNITY: &str = r#"{"Name":"Deal","StageName":"Prospecting","CloseDate":"2026-12-01"}"#;

pub fn opportunity(change: Json) -> Json {
    let mut fields: Json = serde_json::from_str(OPPORTUNITY).expect("an object");
    for (name, value) in change.as_object().expect("an object") {
        fields[name] = value.clone();
    }
    fields
}

pub async fn refused(client: &Client, object: &str, fields: &Json) -> (u16, String, String, Vec<String>) {
    client
        .post(&format!("{V}/sobjects/{object}"), fields)
        .await
        .error()
}

#[tokio::test]
async fn missing_required_fields_are_all_named() {
    let client = Client::start().await;
    let (status, code, message, fields) = refused(&client, "Lead", &json!({ "FirstName": "Eve" })).await;
    assert_eq!((status, code.as_str()), (400, "REQUIRED_FIELD_MISSING"));
    assert_eq!(message, "Required fields are missing: [LastName, Company]");
    assert_eq!(fields, ["LastName", "Company"]);

    let id = client.create("Account", json!({ "Name": "A" })).await;
    for nothing in [json!(null), json!(""), json!("  ")] {
        let answer = client
            .patch(&format!("{V}/sobjects/Account/{id}"), &json!({ "Name": nothing }))
            .await;
        assert_eq!(answer.refusal(), (400, "REQUIRED_FIELD_MISSING".to_owned()));
    }
}

#[tokio::test]
async fn columns_that_do_not_exist_or_cannot_be_written_are_refused() {
    let client = Client::start().await;
    let unknown = refused(&client, "Account", &json!({ "Name": "A", "Nonsense__c": 1 })).await;
    assert_eq!(unknown.1, "INVALID_FIELD");
    assert_eq!(
        unknown.2,
        "No such column 'Nonsense__c' on sobject of type Account"
    );

    let stamps = json!({ "Name": "A", "CreatedDate": "2020-01-01T00:00:00Z", "IsDeleted": false });
    let (status, code, message, fields) = refused(&client, "Account", &stamps).await;
    assert_eq!((status, code.as_str()), (400, "INVALID_FIELD_FOR_INSERT_UPDATE"));
    assert!(
        message.starts_with("Unable to create/update fields: IsDeleted, CreatedDate. Please check"),
        "{message}"
    );
    assert_eq!(fields, ["IsDeleted", "CreatedDate"]);
    for field in ["SystemModstamp", "LastModifiedById", "BillingAddress"] {
        let answer = refused(&client, "Account", &json!({ "Name": "A", field: null })).await;
        assert_eq!(answer.1, "INVALID_FIELD_FOR_INSERT_UPDATE", "{field}");
    }
    let with_id = refused(
        &client,
        "Account",
        &json!({ "Name": "A", "Id": "001000000000001" }),
    )
    .await;
    assert_eq!(
        (with_id.1.as_str(), with_id.2.as_str()),
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "cannot specify Id in an insert call"
        )
    );
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let in_body = client
        .patch(&format!("{V}/sobjects/Account/{id}"), &json!({ "id": id }))
        .await
        .error();
    assert_eq!(
        in_body.2,
        "The Id field should not be specified in the sobject data."
    );
}

#[tokio::test]
async fn values_of_another_type_are_refused_while_the_body_is_read() {
    let client = Client::start().await;
    let cases = [
        ("Name", json!(5), "string from VALUE_NUMBER_INT value 5"),
        ("Name", json!(true), "string from VALUE_TRUE value true"),
        ("Name", json!(["x"]), "string from START_ARRAY value ["),
        ("Amount", json!("much"), "currency from VALUE_STRING value much"),
        ("Amount", json!(true), "currency from VALUE_TRUE value true"),
        (
            "CloseDate",
            json!("01/31/2026"),
            "date from VALUE_STRING value 01/31/2026",
        ),
        (
            "CloseDate",
            json!("2026-02-30"),
            "date from VALUE_STRING value 2026-02-30",
        ),
        (
            "CloseDate",
            json!(20261201),
            "date from VALUE_NUMBER_INT value 20261201",
        ),
        ("IsPrivate", json!("yes"), "boolean from VALUE_STRING value yes"),
        ("IsPrivate", json!(1), "boolean from VALUE_NUMBER_INT value 1"),
    ];
    for (field, value, expected) in cases {
        let (status, code, message, _) =
            refused(&client, "Opportunity", &opportunity(json!({ field: value }))).await;
        assert_eq!((status, code.as_str()), (400, "JSON_PARSER_ERROR"), "{field}");
        let expected = format!(
            "Cannot deserialize instance of {expected} or request may be missing a required field at [line:1, column:"
        );
        assert!(message.starts_with(&expected), "{message}");
    }
    let fraction = refused(
        &client,
        "Account",
        &json!({ "Name": "A", "NumberOfEmployees": 1.5 }),
    )
    .await;
    assert!(
        fraction
            .2
            .starts_with("Cannot deserialize instance of int from VALUE_NUMBER_FLOAT value 1.5"),
        "{}",
        fraction.2
    );
    let numbers_as_text = opportunity(json!({ "Amount": "12.5", "IsPrivate": "true" }));
    let id = client.create("Opportunity", numbers_as_text).await;
    let stored = client.read("Opportunity", &id).await;
    assert_eq!(
        (stored["Amount"].to_string(), &stored["IsPrivate"]),
        ("12.5".to_owned(), &json!(true))
    );
}

#[tokio::test]
async fn a_check_box_is_never_null() {
    let client = Client::start().await;
    let id = client.create("Opportunity", opportunity(json!({}))).await;
    let answer = client
        .patch(
            &format!("{V}/sobjects/Opportunity/{id}"),
            &json!({ "IsPrivate": null }),
        )
        .await;
    let (status, code, message, fields) = answer.error();
    assert_eq!((status, code.as_str()), (400, "INVALID_TYPE_ON_FIELD_IN_RECORD"));
    assert_eq!(
        (message.as_str(), fields),
        (
            "Private: value not of required type: ",
            vec!["IsPrivate".to_owned()]
        )
    );
}

#[tokio::test]
async fn text_that_is_too_long_is_refused_and_text_is_trimmed() {
    let client = Client::start().await;
    let long = "x".repeat(256);
    let (_, code, message, fields) = refused(&client, "Account", &json!({ "Name": long })).await;
    assert_eq!(code, "STRING_TOO_LONG");
    assert_eq!(
        message,
        format!("Account Name: data value too large: {long} (max length=255)")
    );
    assert_eq!(fields, ["Name"]);

    let padded = format!("  {}\n", "x".repeat(255));
    let id = client
        .create(
            "Account",
            json!({ "Name": padded, "Site": " ", "Description": "\ttwo  words " }),
        )
        .await;
    let stored = client.read("Account", &id).await;
    assert_eq!(stored["Name"], "x".repeat(255));
    assert_eq!(stored["Site"], Json::Null, "empty text is no text");
    assert_eq!(stored["Description"], "two  words");
}

#[tokio::test]
async fn numbers_keep_to_precision_and_scale_exactly() {
    let client = Client::start().await;
    for (given, stored) in [
        ("1100.04", "1100.04"),
        ("0.005", "0.01"),
        ("5", "5.0"),
        ("9999999999999999.99", "9999999999999999.99"),
    ] {
        let amount: Json = serde_json::from_str(given).expect("a number");
        let id = client
            .create("Opportunity", opportunity(json!({ "Amount": amount })))
            .await;
        assert_eq!(
            client.read("Opportunity", &id).await["Amount"].to_string(),
            stored,
            "{given}"
        );
    }
    let too_large: Json = serde_json::from_str("10000000000000000").expect("a number");
    let (_, code, message, fields) = refused(
        &client,
        "Opportunity",
        &opportunity(json!({ "Amount": too_large })),
    )
    .await;
    assert_eq!(
        (code.as_str(), fields),
        ("NUMBER_OUTSIDE_VALID_RANGE", vec!["Amount".to_owned()])
    );
    assert!(
        message.starts_with("Amount: value outside of valid range on numeric field: "),
        "{message}"
    );
    let id = client
        .create("Account", json!({ "Name": "A", "NumberOfEmployees": 12 }))
        .await;
    assert_eq!(
        client.read("Account", &id).await["NumberOfEmployees"].to_string(),
        "12"
    );
}

#[tokio::test]
async fn addresses_that_are_none_are_refused() {
    let client = Client::start().await;
    let (_, code, message, fields) =
        refused(&client, "Contact", &json!({ "LastName": "C", "Email": "123" })).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("INVALID_EMAIL_ADDRESS", "Email: invalid email address: 123")
    );
    assert_eq!(fields, ["Email"]);
}

#[tokio::test]
async fn references_must_lead_to_a_live_record_of_the_right_object() {
    let client = Client::start().await;
    let contact = client.create("Contact", json!({ "LastName": "C" })).await;
    let gone = client.create("Account", json!({ "Name": "Gone" })).await;
    client.delete(&format!("{V}/sobjects/Account/{gone}")).await;
    let cases = [
        (
            "@AccountRef1",
            "MALFORMED_ID",
            "Account ID: id value of incorrect type: @AccountRef1".to_owned(),
        ),
        (
            &contact,
            "FIELD_INTEGRITY_EXCEPTION",
            format!("Account ID: id value of incorrect type: {contact}"),
        ),
        (
            "001000000000001",
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id".to_owned(),
        ),
        (&gone, "ENTITY_IS_DELETED", "entity is deleted".to_owned()),
    ];
    for (target, code, message) in cases {
        let answer = refused(
            &client,
            "Contact",
            &json!({ "LastName": "C", "AccountId": target }),
        )
        .await;
        assert_eq!(
            (answer.1.as_str(), answer.2, answer.3),
            (code, message, vec!["AccountId".to_owned()])
        );
    }
}

#[tokio::test]
async fn an_owner_must_be_an_active_user() {
    let client = Client::start().await;
    let user = NewUser {
        first_name: "Ines".to_owned(),
        last_name: "Active".to_owned(),
        username: "ines@northwind.example".to_owned(),
        is_active: false,
    };
    let inactive = client.org.create_user(&user).expect("a user");
    let (_, code, message, fields) = refused(
        &client,
        "Account",
        &json!({ "Name": "A", "OwnerId": inactive.as_str() }),
    )
    .await;
    assert_eq!(code, "INACTIVE_OWNER_OR_USER");
    assert_eq!(
        message,
        format!(
            "operation performed with inactive user [{}] as owner of account",
            inactive.as_str15()
        )
    );
    assert_eq!(fields, ["OwnerId"]);
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let by_account = refused(&client, "Account", &json!({ "Name": "A", "OwnerId": account })).await;
    assert_eq!(by_account.1, "FIELD_INTEGRITY_EXCEPTION");
}

#[tokio::test]
async fn unique_values_are_unique_without_regard_to_case() {
    let client = with_keys().await;
    let holder = client
        .create("Account", json!({ "Name": "A", "Key__c": "Key" }))
        .await;
    let expected = format!(
        "duplicate value found: Key__c duplicates value on record with id: {}",
        holder.get(..15).expect("an id")
    );
    let (_, code, message, fields) =
        refused(&client, "Account", &json!({ "Name": "B", "Key__c": "kEY " })).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("DUPLICATE_VALUE", expected.as_str())
    );
    assert_eq!(fields, ["Key__c"]);
    let other = client
        .create("Account", json!({ "Name": "B", "Key__c": "other" }))
        .await;
    let change = |key: &'static str| {
        client.patch_owned(format!("{V}/sobjects/Account/{other}"), json!({ "Key__c": key }))
    };
    assert_eq!(change("key").await.refusal(), (400, "DUPLICATE_VALUE".to_owned()));
    assert_eq!(
        change("OTHER").await.status,
        204,
        "a record does not collide with itself"
    );
    // Many records may have no key.
    client
        .create("Account", json!({ "Name": "C", "Key__c": null }))
        .await;
    client
        .create("Account", json!({ "Name": "D", "Key__c": "" }))
        .await;

    let taken = NewUser {
        first_name: "Ada".to_owned(),
        last_name: "Second".to_owned(),
        username: client.org.admin_username().to_uppercase(),
        is_active: true,
    };
    let refusal = client
        .org
        .create_user(&taken)
        .expect_err("the username is taken")
        .to_string();
    assert!(refusal.contains("DUPLICATE_USERNAME"), "{refusal}");
}

#[tokio::test]
async fn several_wrong_values_are_all_named() {
    let client = Client::start().await;
    let answer = client
        .post(
            &format!("{V}/sobjects/Contact"),
            &json!({ "LastName": "C", "Email": "x", "Phone": "1".repeat(41) }),
        )
        .await;
    let body = answer.json();
    let codes: Vec<&Json> = body
        .as_array()
        .expect("errors")
        .iter()
        .map(|error| &error["errorCode"])
        .collect();
    assert_eq!(
        (answer.status, codes),
        (
            400,
            vec![&json!("INVALID_EMAIL_ADDRESS"), &json!("STRING_TOO_LONG")]
        )
    );
}

#[tokio::test]
async fn what_cannot_be_made_or_deleted_is_refused() {
    let client = Client::start().await;
    let organization = refused(&client, "Organization", &json!({ "Name": "Second" })).await;
    assert_eq!(organization.1, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
    let user = client.get("/services/oauth2/userinfo").await.json()["user_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let answer = client.delete(&format!("{V}/sobjects/User/{user}")).await;
    assert_eq!(
        answer.refusal(),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned())
    );
}
