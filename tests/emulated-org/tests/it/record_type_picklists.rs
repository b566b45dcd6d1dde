//! Picklist values by record type, from metadata.
#![cfg(test)]

use emulated_org::Options;
use reqwest::Method;
use serde_json::json;

use super::client::{Client, V};

#[tokio::test]
async fn a_record_type_gives_its_default_and_refuses_what_it_has_not() {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/sfdx/record_type_picklists"
    );
    let client = Client::start_with(Options {
        sfdx_source: vec![folder.into()],
        ..Options::default()
    })
    .await;
    let find = client
        .request(Method::GET, &format!("{V}/query"))
        .query(&[("q", "SELECT Id FROM RecordType WHERE DeveloperName = 'Partner'")]);
    let found = client.send(find).await.json();
    let partner = found["records"][0]["Id"]
        .as_str()
        .expect("the record type")
        .to_owned();

    let contact = client
        .create("Contact", json!({"LastName": "Doe", "RecordTypeId": partner}))
        .await;
    assert_eq!(client.read("Contact", &contact).await["Tier__c"], "Silver");
    let path = format!("{V}/sobjects/Contact/{contact}");
    let refused = client.patch(&path, &json!({"Tier__c": "Gold"})).await;
    assert_eq!(
        refused.error(),
        (
            400,
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST".to_owned(),
            "Tier: bad value for restricted picklist field: Gold".to_owned(),
            vec!["Tier__c".to_owned()]
        )
    );
    assert_eq!(
        client.patch(&path, &json!({"Tier__c": "On/Off"})).await.status,
        204
    );
    let layouts = client
        .get(&format!("{V}/sobjects/Contact/describe/layouts"))
        .await
        .json();
    let mappings = layouts["recordTypeMappings"]
        .as_array()
        .expect("mappings")
        .clone();
    let mapping = mappings
        .iter()
        .find(|mapping| mapping["recordTypeId"] == partner)
        .expect("the record type");
    let picklist = &mapping["picklistsForRecordType"][0];
    assert_eq!(picklist["picklistName"], "Tier__c");
    assert_eq!(picklist["picklistValues"].as_array().map(Vec::len), Some(2));
    // Without the type the whole picklist may be chosen from.
    let master = client
        .create("Contact", json!({"LastName": "Roe", "Tier__c": "Gold"}))
        .await;
    assert_eq!(client.read("Contact", &master).await["Tier__c"], "Gold");
}
