//! Records of custom metadata types that deployments bring, and what requests see of them and of definitions.

#![cfg(test)]

use serde_json::{Value as Json, json};

use super::{NAMESPACE, Zip};
use crate::client::{Client, V};

const TYPE: &str = "<fields><fullName>Limit__c</fullName><label>Limit</label><precision>6</precision><scale>0</scale><type>Number</type></fields><fields><fullName>On__c</fullName><label>On</label><defaultValue>false</defaultValue><type>Checkbox</type></fields><fields><fullName>Object__c</fullName><label>Object</label><referenceTo>EntityDefinition</referenceTo><relationshipName>Rates</relationshipName><type>MetadataRelationship</type></fields><fields><fullName>Base__c</fullName><label>Base</label><referenceTo>Rate__mdt</referenceTo><relationshipName>Rates</relationshipName><type>MetadataRelationship</type></fields><label>Rate</label><pluralLabel>Rates</pluralLabel>";

fn record(zip: Zip, name: &str, inside: &str) -> Zip {
    let text = format!(
        "<CustomMetadata xmlns=\"{NAMESPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\">{inside}</CustomMetadata>"
    );
    zip.file(&format!("customMetadata/Rate.{name}.md"), &text)
        .names("CustomMetadata", &format!("Rate.{name}"))
}

fn values(label: &str, values: &[(&str, &str)]) -> String {
    let values: String = values
        .iter()
        .map(|(field, value)| format!("<values><field>{field}</field><value>{value}</value></values>"))
        .collect();
    format!("<label>{label}</label><protected>false</protected>{values}")
}

fn with_type() -> Zip {
    Zip::new()
        .object("Rate__mdt", TYPE, &[])
        .names("CustomObject", "Rate__mdt")
}

async fn query(client: &Client, text: &str) -> Json {
    let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let answer = client.get(&format!("{V}/query?q={text}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].clone()
}

#[tokio::test]
async fn records_are_deployed_changed_and_deleted() {
    let client = Client::start().await;
    let low = values(
        "Low",
        &[("Limit__c", "5"), ("On__c", "true"), ("Object__c", "Account")],
    );
    let high = values("High", &[("Limit__c", "50"), ("Base__c", "Low")]);
    // One names the other, whichever comes first.
    let zip = record(record(with_type(), "High", &high), "Low", &low);
    client.succeeds(zip).await;
    let text = "SELECT DeveloperName, Limit__c, On__c, Object__r.QualifiedApiName, Base__r.MasterLabel \
                FROM Rate__mdt ORDER BY DeveloperName";
    let found = query(&client, text).await;
    assert_eq!(found[0]["DeveloperName"], "High");
    assert_eq!(found[0]["Base__r"]["MasterLabel"], "Low");
    assert_eq!(found[0]["On__c"], false);
    assert_eq!(found[1]["Limit__c"], 5.0);
    assert_eq!(found[1]["On__c"], true);
    assert_eq!(found[1]["Object__r"]["QualifiedApiName"], "Account");
    assert!(
        found[1]["Object__r"]["attributes"]["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/sobjects/EntityDefinition/Account")),
        "{found:#}"
    );

    let changed = values("Lower", &[("Limit__c", "4")]);
    client.succeeds(record(Zip::new(), "Low", &changed)).await;
    let found = query(
        &client,
        "SELECT MasterLabel, Limit__c, On__c FROM Rate__mdt WHERE DeveloperName = 'Low'",
    )
    .await;
    assert_eq!(
        (&found[0]["MasterLabel"], &found[0]["Limit__c"]),
        (&json!("Lower"), &json!(4.0))
    );
    assert_eq!(found.as_array().map(Vec::len), Some(1));

    client
        .succeeds(super::deletion::destructive("CustomMetadata", "Rate.High"))
        .await;
    let found = query(&client, "SELECT DeveloperName FROM Rate__mdt").await;
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found:#}");
}

#[tokio::test]
async fn what_a_record_may_not_hold_is_refused_as_its_component() {
    let client = Client::start().await;
    client.succeeds(with_type()).await;
    let good = || values("One", &[]);
    for (name, inside, problem) in [
        (
            "One",
            values("One", &[("Limit__c", "many")]),
            "Invalid value for custom field Rate__mdt.Limit__c: many",
        ),
        (
            "One",
            values("One", &[("On__c", "perhaps")]),
            "Invalid value for custom field Rate__mdt.On__c: perhaps",
        ),
        (
            "One",
            values("One", &[("Object__c", "Ghost__c")]),
            "Invalid value for custom field Rate__mdt.Object__c: Ghost__c",
        ),
        (
            "One",
            values("One", &[("Base__c", "Ghost")]),
            "In field: value - no CustomMetadata named Rate.Ghost found",
        ),
        (
            "One",
            values("One", &[("Ghost__c", "1")]),
            "In field: field - no CustomField named Rate__mdt.Ghost__c found",
        ),
        (
            "Two__Words",
            good(),
            "Custom Metadata Record Name: Two__Words must begin with a letter, hold letters, digits and single \
             underscores alone and be no longer than 40 characters",
        ),
    ] {
        let refused = client.fails(record(Zip::new(), name, &inside)).await;
        let expected = (
            "CustomMetadata".to_owned(),
            format!("Rate.{name}"),
            problem.to_owned(),
        );
        assert_eq!(refused, expected);
    }
    let (_, name, problem) = client
        .fails(record(Zip::new(), "One", "<protected>false</protected>"))
        .await;
    assert_eq!(name, "Rate.One");
    assert!(problem.contains("label"), "{problem}");
    assert_eq!(query(&client, "SELECT Id FROM Rate__mdt").await, json!([]));
}

#[tokio::test]
async fn a_type_has_its_own_fields_alone() {
    let client = Client::start().await;
    let money = "<fields><fullName>Fee__c</fullName><label>Fee</label><precision>6</precision><scale>2</scale><type>Currency</type></fields><label>Fee</label><pluralLabel>Fees</pluralLabel>";
    let zip = Zip::new()
        .object("Fee__mdt", money, &[])
        .names("CustomObject", "Fee__mdt");
    let (_, name, problem) = client.fails(zip).await;
    assert_eq!(
        (name.as_str(), problem.as_str()),
        (
            "Fee__mdt.Fee__c",
            "type: custom metadata types have no such fields"
        )
    );
}

#[tokio::test]
async fn records_are_read_and_never_written_by_requests() {
    let client = Client::start().await;
    client
        .succeeds(record(with_type(), "Low", &values("Low", &[("Limit__c", "5")])))
        .await;
    let made = client
        .post(
            &format!("{V}/sobjects/Rate__mdt"),
            &json!({ "DeveloperName": "Other", "MasterLabel": "Other" }),
        )
        .await;
    assert!((400..500).contains(&made.status), "{}", made.text);
    let id = query(&client, "SELECT Id FROM Rate__mdt").await[0]["Id"].clone();
    let path = format!("{V}/sobjects/Rate__mdt/{}", id.as_str().expect("an id"));
    assert_eq!(client.get(&path).await.json()["Limit__c"], 5.0);
    let changed = client.patch(&path, &json!({ "Limit__c": 6 })).await;
    assert!((400..500).contains(&changed.status), "{}", changed.text);
    assert!((400..500).contains(&client.delete(&path).await.status));
    assert_eq!(client.get(&path).await.json()["Limit__c"], 5.0);
}

#[tokio::test]
async fn definitions_are_queried_as_documented() {
    let client = Client::start().await;
    client.succeeds(with_type()).await;
    let fields = query(
        &client,
        "SELECT QualifiedApiName, Label FROM FieldDefinition \
         WHERE EntityDefinition.QualifiedApiName = 'Rate__mdt' AND QualifiedApiName = 'Limit__c'",
    )
    .await;
    assert_eq!(fields[0]["Label"], "Limit");
    let by_id = query(
        &client,
        "SELECT QualifiedApiName FROM FieldDefinition WHERE DurableId = 'Account.Name'",
    )
    .await;
    assert_eq!(by_id[0]["QualifiedApiName"], "Name");
    for (text, code) in [
        (
            "SELECT Label FROM FieldDefinition",
            "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION",
        ),
        (
            "SELECT COUNT() FROM EntityDefinition",
            "EXTERNAL_OBJECT_UNSUPPORTED_EXCEPTION",
        ),
        ("SELECT IsCustomizable FROM EntityDefinition", "INVALID_FIELD"),
    ] {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let answer = client.get(&format!("{V}/query?q={text}")).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()));
    }
}

#[tokio::test]
async fn tests_of_a_deployment_see_its_records_and_its_field_sets() {
    let client = Client::start().await;
    let account = "<fieldSets><fullName>Short</fullName><description>x</description><displayedFields><field>Name</field><isFieldManaged>false</isFieldManaged><isRequired>false</isRequired></displayedFields><label>Short</label></fieldSets>";
    let test = "@IsTest class RateTest { @IsTest static void sees() {
        Assert.areEqual('Low', Rate__mdt.getInstance('Low').MasterLabel);
        Assert.areEqual(1, Account.SObjectType.getDescribe().fieldSets.getMap().get('short').getFields().size());
    } }";
    let zip = record(with_type(), "Low", &values("Low", &[]))
        .object("Account", account, &[("FieldSet", "Short")])
        .class("RateTest", test);
    let options = json!({
        "rollbackOnError": true, "singlePackage": true, "checkOnly": true, "testLevel": "RunLocalTests",
    });
    let result = client.deploy_with(zip, options).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
    assert_eq!(
        result["details"]["runTestResult"]["numTestsRun"]
            .to_string()
            .trim_matches('"'),
        "1"
    );
}

#[tokio::test]
async fn an_unknown_type_or_field_of_one_does_not_compile() {
    let client = Client::start().await;
    let unknown = "public class Reader { public static List<SObject> all() { return [SELECT Id FROM Ghost__mdt]; } Ghost__mdt one; }";
    let (_, name, problem) = client.fails(Zip::new().class("Reader", unknown)).await;
    assert_eq!(name, "Reader");
    assert!(problem.contains("Ghost__mdt"), "{problem}");
    let field = "public class Reader { public static Object one(Rate__mdt rate) { return rate.Ghost__c; } }";
    let (_, _, problem) = client.fails(with_type().class("Reader", field)).await;
    assert!(problem.contains("Ghost__c"), "{problem}");
    let written = "public class Writer { public static void one(Rate__mdt rate) { insert rate; } }";
    let (_, _, problem) = client.fails(with_type().class("Writer", written)).await;
    assert_eq!(problem, "DML operation Insert not allowed on Rate__mdt");
}
