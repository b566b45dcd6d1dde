//! Objects, fields and value sets that deployments make and change.

#![cfg(test)]

use serde_json::json;

use super::{Zip, text_field};
use crate::client::{Client, V};

const VENUE: &str = "<deploymentStatus>Deployed</deploymentStatus><label>Venue</label><nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Venues</pluralLabel><sharingModel>ReadWrite</sharingModel>";

fn venue(fields: &str) -> Zip {
    Zip::new()
        .object("Venue__c", &format!("{fields}{VENUE}"), &[])
        .names("CustomObject", "Venue__c")
}

#[tokio::test]
async fn a_custom_object_with_its_fields_takes_records() {
    let client = Client::start().await;
    let lookup = "<fields><fullName>Account__c</fullName><label>Account</label><referenceTo>Account</referenceTo><relationshipName>Venues</relationshipName><type>Lookup</type></fields>";
    client
        .succeeds(venue(&format!("{}{lookup}", text_field("Code__c"))))
        .await;
    let account = client.create("Account", json!({ "Name": "Northwind" })).await;
    let id = client
        .create(
            "Venue__c",
            json!({ "Name": "Hall", "Code__c": "H", "Account__c": account }),
        )
        .await;
    assert!(id.starts_with('a'));
    let found = client
        .get(&format!(
            "{V}/query?q=SELECT+(SELECT+Code__c+FROM+Venues__r)+FROM+Account"
        ))
        .await;
    assert_eq!(
        found.json()["records"][0]["Venues__r"]["records"][0]["Code__c"],
        "H",
        "{}",
        found.text
    );
}

#[tokio::test]
async fn deploying_again_changes_fields_and_keeps_their_values() {
    let client = Client::start().await;
    client
        .succeeds(venue(&format!(
            "{}{}",
            text_field("Code__c"),
            text_field("City__c")
        )))
        .await;
    let id = client
        .create(
            "Venue__c",
            json!({ "Name": "Hall", "Code__c": "H", "City__c": "Oslo" }),
        )
        .await;
    let unchanged = client
        .succeeds(venue(&format!(
            "{}{}",
            text_field("Code__c"),
            text_field("City__c")
        )))
        .await;
    let successes = unchanged["details"]["componentSuccesses"]
        .as_array()
        .expect("successes");
    let named = |name: &str| {
        successes
            .iter()
            .find(|one| one["fullName"] == name)
            .expect("listed")
            .clone()
    };
    assert_eq!(named("Venue__c.Code__c")["changed"], false);
    let longer = "<fields><fullName>Code__c</fullName><label>Code of the venue</label><length>80</length><type>Text</type></fields>";
    client
        .succeeds(venue(&format!("{longer}{}", text_field("Fax__c"))))
        .await;
    let long = "H".repeat(60);
    client
        .patch(
            &format!("{V}/sobjects/Venue__c/{id}"),
            &json!({ "Code__c": long, "Fax__c": "1" }),
        )
        .await;
    let read = client.read("Venue__c", &id).await;
    assert_eq!(
        (&read["Code__c"], &read["City__c"], &read["Fax__c"]),
        (&json!(long), &json!("Oslo"), &json!("1"))
    );
}

#[tokio::test]
async fn global_value_sets_serve_fields_of_later_deployments() {
    let client = Client::start().await;
    client
        .succeeds(Zip::new().xml(
            "GlobalValueSet",
            "globalValueSets/Styles.globalValueSet",
            "<customValue><fullName>Hall</fullName><default>true</default><label>Hall</label></customValue><masterLabel>Styles</masterLabel><sorted>false</sorted>",
        ))
        .await;
    let style = "<fields><fullName>Style__c</fullName><label>Style</label><type>Picklist</type><valueSet><restricted>true</restricted><valueSetName>Styles</valueSetName></valueSet></fields>";
    client
        .succeeds(Zip::new().object("Account", style, &[("CustomField", "Style__c")]))
        .await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    assert_eq!(client.read("Account", &id).await["Style__c"], "Hall");
    let missing = style.replace("Styles", "Nowhere").replace("Style__c", "Other__c");
    let (_, name, problem) = client
        .fails(Zip::new().object("Account", &missing, &[("CustomField", "Other__c")]))
        .await;
    assert_eq!(name, "Account.Other__c");
    assert_eq!(
        problem,
        "In field: valueSetName - no GlobalValueSet named Nowhere found"
    );
}

#[tokio::test]
async fn fields_that_salesforce_would_not_make_are_refused() {
    let client = Client::start().await;
    for (field, problem) in [
        (
            "<fields><fullName>X__c</fullName><label>X</label><colour>red</colour><type>Text</type></fields>",
            "Error parsing file: Element {http://soap.sforce.com/2006/04/metadata}colour invalid at this location in type CustomField",
        ),
        (
            "<fields><fullName>X__c</fullName><label>X</label><label>Y</label><type>Text</type></fields>",
            "Error parsing file: Element label is duplicated at this location in type CustomField",
        ),
        (
            "<fields><fullName>X__c</fullName><label>X</label><type>Sparkle</type></fields>",
            "Error parsing file: 'Sparkle' is not a valid value for the enum 'type'",
        ),
        (
            "<fields><fullName>X__c</fullName><label>X</label><required>maybe</required><type>Text</type></fields>",
            "Error parsing file: 'maybe' is not a valid value for the type xsd:boolean",
        ),
        (
            "<fields><fullName>X__c</fullName><label>X</label><type>Text</type></fields>",
            "length is missing; give 1 to 255",
        ),
        (
            "<fields><fullName>X__c</fullName><label>X</label><referenceTo>Ghost__c</referenceTo><type>Lookup</type></fields>",
            "referenceTo value of 'Ghost__c' does not resolve to a valid sObject type",
        ),
        (
            "<fields><fullName>X__c</fullName><formula>Ghost__c + 1</formula><label>X</label><precision>18</precision><scale>0</scale><type>Number</type></fields>",
            "Field Ghost__c does not exist. Check spelling.",
        ),
    ] {
        let (_, _, found) = client
            .fails(Zip::new().object("Account", field, &[("CustomField", "X__c")]))
            .await;
        assert_eq!(found, problem, "{field}");
    }
    let (kind, name, problem) = client
        .fails(Zip::new().object("Ghost__c", &text_field("X__c"), &[("CustomField", "X__c")]))
        .await;
    assert_eq!((kind.as_str(), name.as_str()), ("CustomField", "Ghost__c.X__c"));
    assert_eq!(
        problem,
        "Entity of type 'CustomObject' named 'Ghost__c' cannot be found"
    );
}

#[tokio::test]
async fn a_field_keeps_its_type() {
    let client = Client::start().await;
    client
        .succeeds(Zip::new().object("Account", &text_field("Tier__c"), &[("CustomField", "Tier__c")]))
        .await;
    let date = "<fields><fullName>Tier__c</fullName><label>Tier</label><type>Date</type></fields>";
    let (_, _, problem) = client
        .fails(Zip::new().object("Account", date, &[("CustomField", "Tier__c")]))
        .await;
    assert_eq!(
        problem,
        "Cannot change the type of Account.Tier__c from string to date"
    );
}

#[tokio::test]
async fn record_types_are_records_that_others_may_have() {
    let client = Client::start().await;
    let partner = "<recordTypes><fullName>Partner</fullName><active>true</active><label>Partner account</label></recordTypes>";
    client
        .succeeds(Zip::new().object("Account", partner, &[("RecordType", "Partner")]))
        .await;
    client.succeeds(venue(partner)).await;
    let query = "SELECT+Id,Name+FROM+RecordType+WHERE+DeveloperName='Partner'+AND+SobjectType='Account'";
    let found = client.get(&format!("{V}/query?q={query}")).await.json();
    assert_eq!(found["records"][0]["Name"], "Partner account", "{found:#}");
    let id = &found["records"][0]["Id"];
    client
        .create("Account", json!({ "Name": "Northwind", "RecordTypeId": id }))
        .await;
    let described = client.get(&format!("{V}/sobjects/Account/describe")).await.json();
    let infos = described["recordTypeInfos"].as_array().expect("record types");
    assert!(
        infos
            .iter()
            .any(|info| info["developerName"] == "Partner" && info["recordTypeId"] == *id)
    );
}
