// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use std::fs;
use std::path::Path;

use emulated_org::Options;
use serde_json::json;

use super::super::client::V;
use super::{NINA, Nina};

fn write(folder: &Path, name: &str, root: &str, elements: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"http://soap.sforce.com/2006/04/metadata\">{elements}</{root}>\n"
    );
    fs::write(path, text).expect("written");
}

fn source(folder: &Path) {
    write(
        folder,
        "objects/Invoice__c/Invoice__c.object-meta.xml",
        "CustomObject",
        "<label>Invoice</label><pluralLabel>Invoices</pluralLabel><nameField><label>Number</label><type>Text</type>\
         </nameField><deploymentStatus>Deployed</deploymentStatus><sharingModel>Private</sharingModel>",
    );
    write(
        folder,
        "objects/Invoice__c/fields/Note__c.field-meta.xml",
        "CustomField",
        "<fullName>Note__c</fullName><label>Note</label><type>Text</type><length>80</length>",
    );
    write(
        folder,
        "objects/Invoice__c/recordTypes/Late.recordType-meta.xml",
        "RecordType",
        "<fullName>Late</fullName><active>true</active><label>Late invoice</label>",
    );
    write(
        folder,
        "permissionsets/Clerk.permissionset-meta.xml",
        "PermissionSet",
        "<label>Clerk</label><hasActivationRequired>false</hasActivationRequired>\
         <classAccesses><apexClass>InvoiceController</apexClass><enabled>true</enabled></classAccesses>\
         <customPermissions><enabled>true</enabled><name>Reopen</name></customPermissions>\
         <fieldPermissions><editable>true</editable><field>Invoice__c.Note__c</field><readable>true</readable></fieldPermissions>\
         <objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>\
         <allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Invoice__c</object>\
         <viewAllRecords>false</viewAllRecords></objectPermissions>\
         <recordTypeVisibilities><recordType>Invoice__c.Late</recordType><visible>true</visible></recordTypeVisibilities>\
         <tabSettings><tab>Invoice__c</tab><visibility>Visible</visibility></tabSettings>\
         <userPermissions><enabled>true</enabled><name>ViewSetup</name></userPermissions>",
    );
    write(
        folder,
        "profiles/Admin.profile-meta.xml",
        "Profile",
        "<custom>false</custom><tabVisibilities><tab>Invoice__c</tab><visibility>DefaultOn</visibility></tabVisibilities>",
    );
    write(
        folder,
        "queues/Inbound.queue-meta.xml",
        "Queue",
        "<doesSendEmailToMembers>false</doesSendEmailToMembers><name>Inbound</name>\
         <queueSobject><sobjectType>Invoice__c</sobjectType></queueSobject>",
    );
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("emulated-org-{name}-{}", std::process::id()));
    drop(fs::remove_dir_all(&folder));
    folder
}

#[tokio::test]
async fn permission_sets_come_from_metadata() {
    let folder = folder("access");
    source(&folder);
    let options = Options {
        sfdx_source: vec![folder.clone()],
        ..Options::default()
    };
    let mut nina = Nina::start_with(options).await;
    assert_eq!(nina.refused("SELECT Id FROM Invoice__c").await.0, "INVALID_TYPE");
    let org = nina.client.org.org();
    org.assign_permission_set("Clerk", NINA).expect("assigned");
    let access = org.access_of(emulated_org::RecordId::parse(&nina.id).expect("an id"));
    assert!(access.has_class("invoicecontroller") && !access.has_class("Other"));
    assert!(access.has_custom_permission("Reopen") && access.has_permission("ViewSetup"));
    assert_eq!(access.tab("Invoice__c"), Some("Visible"));
    nina.as_admin(async |client| client.create("Invoice__c", json!({ "Name": "Foreign" })).await)
        .await;
    let late = nina
        .query("SELECT Id FROM RecordType WHERE DeveloperName = 'Late'")
        .await[0]["Id"]
        .clone();
    nina.client
        .create(
            "Invoice__c",
            json!({ "Name": "1", "Note__c": "own", "RecordTypeId": late }),
        )
        .await;
    let found = nina
        .query("SELECT Name, Note__c, RecordType.Name FROM Invoice__c")
        .await;
    assert_eq!(found.len(), 1, "the object is private");
    assert_eq!(found[0]["RecordType"]["Name"], "Late invoice");
    let queue = nina.query("SELECT Id FROM Group WHERE Name = 'Inbound'").await[0]["Id"].clone();
    nina.client
        .create("Invoice__c", json!({ "Name": "2", "OwnerId": queue }))
        .await;
    let id = nina.query("SELECT Id FROM Invoice__c").await[0]["Id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let deleted = nina
        .client
        .delete(&format!("{V}/sobjects/Invoice__c/{id}"))
        .await
        .refusal();
    assert_eq!(deleted, (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned()));
    drop(fs::remove_dir_all(folder));
}

#[tokio::test]
async fn a_permission_set_that_names_what_is_not_there_is_refused() {
    let folder = folder("unknown-access");
    write(
        &folder,
        "permissionsets/Clerk.permissionset-meta.xml",
        "PermissionSet",
        "<label>Clerk</label><fieldPermissions><editable>true</editable><field>Contact.Shoe__c</field><readable>true\
         </readable></fieldPermissions>",
    );
    let options = Options {
        sfdx_source: vec![folder.clone()],
        ..Options::default()
    };
    let refused = emulated_org::EmulatedOrg::start(options)
        .await
        .err()
        .expect("refused")
        .to_string();
    assert!(
        refused.contains("Clerk.permissionset-meta.xml: field Contact.Shoe__c does not exist"),
        "{refused}"
    );
    drop(fs::remove_dir_all(folder));
}

#[tokio::test]
async fn the_knob_does_what_metadata_does() {
    let nina = Nina::start().await;
    let body = json!({
        "sharing": { "Account": "Private" },
        "recordTypes": [{ "object": "Lead", "fullName": "Patient" }],
        "permissionSets": [{
            "name": "Viewers",
            "objectPermissions": [{ "object": "Account", "allowRead": true, "viewAllRecords": true }],
            "customPermissions": [{ "name": "Reopen", "enabled": true }],
        }],
        "assign": [{ "permissionSet": "Viewers", "username": NINA }],
        "setProfile": { NINA: "Minimum Access - API Only Integrations" },
    });
    let answer = nina
        .client
        .knob(reqwest::Method::POST, "/emulator/access", &body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.json()["ids"]["Lead.Patient"].is_string());
    assert_eq!(nina.query("SELECT Id FROM Account").await.len(), 0);
    assert_eq!(nina.refused("SELECT Id FROM Lead").await.0, "INVALID_TYPE");
    let wrong = json!({ "assign": [{ "permissionSet": "Nobody", "username": NINA }] });
    let refused = nina
        .client
        .knob(reqwest::Method::POST, "/emulator/access", &wrong)
        .await
        .error();
    assert_eq!(
        (refused.0, refused.2.as_str()),
        (400, "permission set Nobody does not exist")
    );
}
