// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use emulated_org::access::{PermissionSetDefinition, RecordTypeAccess, RecordTypeDefinition};
use serde_json::{Value as Json, json};

use super::super::client::V;
use super::Nina;

fn named(name: &str) -> RecordTypeDefinition {
    RecordTypeDefinition {
        full_name: name.to_owned(),
        ..RecordTypeDefinition::default()
    }
}

fn visible(name: &str, default: bool) -> RecordTypeAccess {
    RecordTypeAccess {
        record_type: format!("Contact.{name}"),
        visible: true,
        default,
        person_account_default: false,
    }
}

async fn with_patients() -> (Nina, String, String) {
    let nina = Nina::start().await;
    let org = nina.client.org.org();
    let patient = org
        .add_record_type("Contact", &named("Patient"))
        .expect("a record type");
    let doctor = org
        .add_record_type("Contact", &named("Doctor"))
        .expect("a record type");
    let profile = PermissionSetDefinition {
        record_type_visibilities: vec![visible("Patient", true)],
        ..PermissionSetDefinition::default()
    };
    org.add_profile("Standard User", &profile).expect("the profile");
    (nina, patient.to_string(), doctor.to_string())
}

#[tokio::test]
async fn record_types_are_records_and_a_field_of_their_object() {
    let (nina, patient, doctor) = with_patients().await;
    let found = nina
        .query("SELECT Id, DeveloperName FROM RecordType WHERE SobjectType = 'Contact' ORDER BY Id")
        .await;
    assert_eq!(
        found.iter().map(|row| &row["Id"]).collect::<Vec<_>>(),
        [&json!(patient), &json!(doctor)]
    );
    nina.client.create("Contact", json!({ "LastName": "Berg" })).await;
    let contacts = nina
        .query("SELECT RecordTypeId, RecordType.DeveloperName FROM Contact")
        .await;
    assert_eq!(
        contacts[0]["RecordType"]["DeveloperName"], "Patient",
        "the profile's default"
    );
    assert_eq!(contacts[0]["RecordTypeId"], json!(patient));
}

#[tokio::test]
async fn a_record_type_that_is_not_the_users_is_refused() {
    let (mut nina, patient, doctor) = with_patients().await;
    let path = format!("{V}/sobjects/Contact");
    let body = json!({ "LastName": "Berg", "RecordTypeId": doctor });
    let (status, code, message, fields) = nina.client.post(&path, &body).await.error();
    assert_eq!((status, code.as_str()), (400, "INVALID_CROSS_REFERENCE_KEY"));
    assert_eq!(
        message,
        format!("Record Type ID: this ID value isn't valid for the user: {doctor}")
    );
    assert_eq!(fields, ["RecordTypeId"]);
    let id = nina
        .as_admin(async |client| client.create("Contact", body.clone()).await)
        .await;
    // A record keeps a type that its editor could not choose.
    let kept = json!({ "LastName": "Bergmann", "RecordTypeId": doctor });
    assert_eq!(
        nina.client.patch(&format!("{path}/{id}"), &kept).await.status,
        204
    );
    assert_eq!(
        nina.client
            .patch(&format!("{path}/{id}"), &json!({ "RecordTypeId": patient }))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn describe_and_layouts_say_what_the_user_may_choose() {
    let (nina, patient, doctor) = with_patients().await;
    let info = |answer: &Json, list: &str, id: &str| {
        let infos = answer[list].as_array().expect("a list");
        infos
            .iter()
            .find(|info| info["recordTypeId"] == id)
            .expect("an entry")
            .clone()
    };
    let describe = nina
        .client
        .get(&format!("{V}/sobjects/Contact/describe"))
        .await
        .json();
    let (own, other) = (
        info(&describe, "recordTypeInfos", &patient),
        info(&describe, "recordTypeInfos", &doctor),
    );
    assert_eq!(
        (&own["available"], &own["defaultRecordTypeMapping"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        (&other["available"], &other["defaultRecordTypeMapping"]),
        (&json!(false), &json!(false))
    );
    let layouts = nina
        .client
        .get(&format!("{V}/sobjects/Contact/describe/layouts"))
        .await
        .json();
    assert_eq!(
        info(&layouts, "recordTypeMappings", &patient)["available"],
        json!(true)
    );
    assert_eq!(layouts["layouts"].as_array().map(Vec::len), Some(1));
    let one = nina
        .client
        .get(&format!("{V}/sobjects/Contact/describe/layouts/{patient}"))
        .await;
    assert_eq!(one.status, 200, "{}", one.text);
    let none = nina
        .client
        .get(&format!(
            "{V}/sobjects/Contact/describe/layouts/012000000000009AAA"
        ))
        .await;
    assert_eq!(none.status, 404);
}
