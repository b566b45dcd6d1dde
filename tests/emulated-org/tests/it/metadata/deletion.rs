//! Deployments that delete.

#![cfg(test)]

use serde_json::json;

use super::{NAMESPACE, Zip, text_field};
use crate::client::{Client, V};

pub fn destructive(kind: &str, name: &str) -> Zip {
    let manifest = format!(
        "<Package xmlns=\"{NAMESPACE}\"><types><members>{name}</members><name>{kind}</name></types></Package>"
    );
    Zip::new().file("destructiveChanges.xml", &manifest)
}

#[tokio::test]
async fn classes_are_deleted() {
    let client = Client::start().await;
    client
        .succeeds(Zip::new().class("Greeter", "public class Greeter { }"))
        .await;
    let result = client.succeeds(destructive("ApexClass", "Greeter")).await;
    let deleted = &result["details"]["componentSuccesses"][0];
    assert_eq!(
        (&deleted["fullName"], &deleted["deleted"]),
        (&json!("Greeter"), &json!(true))
    );
    let found = client
        .get(&format!("{V}/query?q=SELECT+Id+FROM+ApexClass"))
        .await
        .json();
    assert_eq!(found["totalSize"], 0);
    assert!(client.org.org().metadata.apex_sources().is_empty());
}

#[tokio::test]
async fn a_deleted_field_takes_its_values_along_and_leaves_the_others() {
    let client = Client::start().await;
    let fields = [text_field("First__c"), text_field("Second__c")].concat();
    let parts = [("CustomField", "First__c"), ("CustomField", "Second__c")];
    client
        .succeeds(Zip::new().object("Account", &fields, &parts))
        .await;
    let id = client
        .create(
            "Account",
            json!({ "Name": "A", "First__c": "1", "Second__c": "2" }),
        )
        .await;
    client
        .succeeds(destructive("CustomField", "Account.First__c"))
        .await;
    let read = client.read("Account", &id).await;
    assert_eq!(
        (&read["Name"], &read["Second__c"], read.get("First__c")),
        (&json!("A"), &json!("2"), None)
    );
    let query = client
        .get(&format!("{V}/query?q=SELECT+First__c+FROM+Account"))
        .await;
    assert_eq!(query.refusal().1, "INVALID_FIELD");
}

#[tokio::test]
async fn what_is_in_use_is_not_deleted() {
    let client = Client::start().await;
    let page = format!(
        "<ApexPage xmlns=\"{NAMESPACE}\"><apiVersion>68.0</apiVersion><label>Hello</label></ApexPage>"
    );
    client
        .succeeds(
            Zip::new()
                .class("Greeter", "public class Greeter { }")
                .file(
                    "pages/Hello.page",
                    "<apex:page controller=\"Greeter\">Hello</apex:page>",
                )
                .file("pages/Hello.page-meta.xml", &page)
                .names("ApexPage", "Hello"),
        )
        .await;
    let (kind, name, problem) = client.fails(destructive("ApexClass", "Greeter")).await;
    assert_eq!((kind.as_str(), name.as_str()), ("ApexClass", "Greeter"));
    assert_eq!(
        problem,
        "This component is referenced elsewhere in Salesforce. Remove the usage and try again. : ApexPage - Hello"
    );
}

#[tokio::test]
async fn what_is_not_there_is_warned_of() {
    let client = Client::start().await;
    let result = client.succeeds(destructive("ApexClass", "Ghost")).await;
    let warning = &result["details"]["componentSuccesses"][0];
    assert_eq!(
        (&warning["problemType"], &warning["problem"]),
        (&json!("Warning"), &json!("No ApexClass named: Ghost found"))
    );
}

#[tokio::test]
async fn objects_are_deleted_unless_others_look_up_to_them() {
    let client = Client::start().await;
    let venue = "<label>Venue</label><nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Venues</pluralLabel>";
    let lookup = "<fields><fullName>Venue__c</fullName><label>Venue</label><referenceTo>Venue__c</referenceTo><type>Lookup</type></fields>";
    client
        .succeeds(
            Zip::new()
                .object("Venue__c", venue, &[])
                .names("CustomObject", "Venue__c")
                .object("Account", lookup, &[("CustomField", "Venue__c")]),
        )
        .await;
    client.create("Venue__c", json!({ "Name": "Hall" })).await;
    let (_, _, problem) = client.fails(destructive("CustomObject", "Venue__c")).await;
    assert!(problem.ends_with(": CustomField - Account.Venue__c"), "{problem}");
    client
        .succeeds(destructive("CustomField", "Account.Venue__c"))
        .await;
    client.succeeds(destructive("CustomObject", "Venue__c")).await;
    let gone = client.get(&format!("{V}/query?q=SELECT+Id+FROM+Venue__c")).await;
    assert_eq!(gone.refusal().1, "INVALID_TYPE");
    let (_, _, problem) = client.fails(destructive("CustomObject", "Account")).await;
    assert_eq!(problem, "Cannot delete what is standard: Account");
}
