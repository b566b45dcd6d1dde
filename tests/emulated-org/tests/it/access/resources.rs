//! Permissions are the same whichever way a record comes.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::path::PathBuf;
use std::time::Duration;

use chrono::TimeDelta;
use emulated_org::access::PermissionSetDefinition;
use emulated_org::bulk::ProcessingTime;
use emulated_org::schema::Sharing;
use emulated_org::{Clock, Options};
use serde_json::{Value as Json, json};

use super::Nina;
use crate::bulk_classic;
use crate::client::{Client, V};
use crate::composite::{composite, subrequest};
use crate::tree::node;

/// Nina, who may read contacts, and of their fields `Partner_Id__c` and `Phone`.
async fn reader() -> Nina {
    let nina = Nina::start_with(Options {
        clock: Clock::fixed("2026-02-18T12:00:00Z".parse().expect("a moment")),
        sfdx_source: vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sfdx/partner")],
        ..Options::default()
    })
    .await;
    let times = ProcessingTime {
        waiting: TimeDelta::seconds(1),
        running: TimeDelta::seconds(1),
    };
    nina.client.org.org().bulk.set_processing_time(times);
    nina.client.org.org().ingest.set_processing_time(times);
    nina.restrict();
    nina.grant(
        "Look",
        &PermissionSetDefinition::default()
            .with_object("Contact", "R")
            .with_field("Contact.Partner_Id__c", true)
            .with_field("Contact.Phone", false),
    );
    nina
}

/// Lets Nina make and edit contacts besides.
fn may_write(nina: &Nina) {
    nina.grant(
        "Write",
        &PermissionSetDefinition::default().with_object("Contact", "RCE"),
    );
}

/// Status and code of the only subrequest.
async fn within(nina: &Nina, method: &str, path: &str, body: Json) -> (u64, String) {
    let answer = composite(&nina.client, false, vec![subrequest(method, path, "a", body)]).await;
    let result = &answer.json()["compositeResponse"][0];
    let code = result["body"][0]["errorCode"].as_str().unwrap_or_default();
    (
        result["httpStatusCode"].as_u64().expect("a status"),
        code.to_owned(),
    )
}

/// The error of the only row of a batch of the first Bulk API.
async fn batch(nina: &Nina, job: Json, csv: &str) -> String {
    let job = bulk_classic::create(&nina.client, job).await;
    let batch = bulk_classic::add(&nina.client, &job, csv).await;
    nina.client.org.clock().advance(Duration::from_secs(3));
    let results = bulk_classic::get(&nina.client, &format!("{batch}/result")).await;
    assert_eq!(results.status, 200, "{}", results.text);
    let mut reader = csv::Reader::from_reader(results.text.as_bytes());
    let rows: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(rows.len(), 1, "{}", results.text);
    rows[0][3].split(':').next().unwrap_or_default().to_owned()
}

const KEYED: &str = "sobjects/Contact/Partner_Id__c/c1";
const NO_CREATE: &str = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY";
const READ_ONLY: &str = "INVALID_FIELD_FOR_INSERT_UPDATE";
const NO_ACCESS: &str = "INSUFFICIENT_ACCESS_OR_READONLY";

fn upsert_job() -> Json {
    let mut job = bulk_classic::job("upsert", "Contact");
    job["externalIdFieldName"] = json!("Partner_Id__c");
    job
}

#[tokio::test]
async fn who_may_only_look_makes_no_record_by_any_resource() {
    let nina = reader().await;
    let berg = json!({ "LastName": "Berg" });
    let refused = (400, NO_CREATE.to_owned());
    assert_eq!(
        within(&nina, "POST", "sobjects/Contact", berg.clone()).await,
        refused
    );
    assert_eq!(within(&nina, "PATCH", KEYED, berg.clone()).await, refused);
    let upsert = nina.client.patch(&format!("{V}/{KEYED}"), &berg).await;
    assert_eq!(upsert.refusal(), (400, NO_CREATE.to_owned()));
    let tree = json!({ "records": [node("Contact", "c", berg)] });
    let tree = nina
        .client
        .post(&format!("{V}/composite/tree/Contact"), &tree)
        .await;
    assert_eq!(tree.status, 400);
    assert_eq!(tree.json()["results"][0]["errors"][0]["statusCode"], NO_CREATE);
    // Bulk jobs are for objects that the user may write to in some way.
    nina.grant(
        "Edit",
        &PermissionSetDefinition::default().with_object("Contact", "RE"),
    );
    let insert = bulk_classic::job("insert", "Contact");
    assert_eq!(batch(&nina, insert, "LastName\nBerg\n").await, NO_CREATE);
    assert_eq!(
        batch(&nina, upsert_job(), "Partner_Id__c,LastName\nc1,Berg\n").await,
        NO_CREATE
    );
    let contacts = nina
        .client
        .org
        .org()
        .read()
        .table("Contact")
        .map_or(0, |table| table.len());
    assert_eq!(contacts, 0);
}

#[tokio::test]
async fn an_object_that_is_not_read_is_absent_from_every_resource() {
    let nina = reader().await;
    let absent = (404, "NOT_FOUND".to_owned());
    let lead = json!({ "LastName": "Berg", "Company": "Berg AS" });
    assert_eq!(within(&nina, "POST", "sobjects/Lead", lead.clone()).await, absent);
    assert_eq!(
        within(&nina, "GET", "sobjects/Lead/describe", Json::Null).await,
        absent
    );
    let tree = json!({ "records": [node("Lead", "l", lead)] });
    let tree = nina.client.post(&format!("{V}/composite/tree/Lead"), &tree).await;
    assert_eq!(tree.refusal(), (404, "NOT_FOUND".to_owned()));
    let job = bulk_classic::post_json(
        &nina.client,
        "/services/async/68.0/job",
        &bulk_classic::job("insert", "Lead"),
    )
    .await;
    assert!(
        job.status == 400 && job.text.contains("InvalidEntity"),
        "{}",
        job.text
    );
}

#[tokio::test]
async fn a_field_that_may_not_be_edited_is_refused_by_every_resource() {
    let nina = reader().await;
    may_write(&nina);
    let phone = json!({ "LastName": "Berg", "Phone": "1" });
    let refused = (400, READ_ONLY.to_owned());
    assert_eq!(
        within(&nina, "POST", "sobjects/Contact", phone.clone()).await,
        refused
    );
    assert_eq!(within(&nina, "PATCH", KEYED, phone.clone()).await, refused);
    assert_eq!(
        nina.client.patch(&format!("{V}/{KEYED}"), &phone).await.refusal(),
        (400, READ_ONLY.to_owned())
    );
    let tree = json!({ "records": [node("Contact", "c", phone)] });
    let tree = nina
        .client
        .post(&format!("{V}/composite/tree/Contact"), &tree)
        .await;
    assert_eq!(
        tree.json()["results"][0]["errors"][0]["statusCode"],
        READ_ONLY,
        "{}",
        tree.text
    );
    let csv = "Partner_Id__c,LastName,Phone\nc1,Berg,1\n";
    assert_eq!(batch(&nina, upsert_job(), csv).await, READ_ONLY);
    // A field that is not even read does not exist.
    let title = json!({ "LastName": "Berg", "Title": "Dr" });
    assert_eq!(
        within(&nina, "PATCH", KEYED, title).await,
        (400, "INVALID_FIELD".to_owned())
    );
    let made = nina
        .client
        .patch(&format!("{V}/{KEYED}"), &json!({ "LastName": "Berg" }))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn private_rows_of_others_are_neither_found_nor_changed_by_any_resource() {
    let mut nina = reader().await;
    may_write(&nina);
    nina.client
        .org
        .org()
        .set_sharing("Contact", Sharing::Private)
        .expect("an object");
    let id = nina
        .as_admin(async |client| {
            client
                .create("Contact", json!({ "LastName": "Admin", "Partner_Id__c": "c1" }))
                .await
        })
        .await;
    let absent = (404, "NOT_FOUND".to_owned());
    let by_id = format!("sobjects/Contact/{id}");
    let mine = json!({ "LastName": "Mine" });
    assert_eq!(within(&nina, "GET", &by_id, Json::Null).await, absent);
    assert_eq!(within(&nina, "GET", KEYED, Json::Null).await, absent);
    assert_eq!(within(&nina, "PATCH", &by_id, mine.clone()).await, absent);
    assert_eq!(within(&nina, "DELETE", &by_id, Json::Null).await, absent);
    let upsert = nina.client.patch(&format!("{V}/{KEYED}"), &mine).await;
    assert_eq!(upsert.refusal(), (403, NO_ACCESS.to_owned()));
    assert_eq!(
        batch(&nina, upsert_job(), "Partner_Id__c,LastName\nc1,Mine\n").await,
        NO_ACCESS
    );
    let update = bulk_classic::job("update", "Contact");
    assert_eq!(
        batch(&nina, update, &format!("Id,LastName\n{id},Mine\n")).await,
        NO_ACCESS
    );
    let kept = nina
        .as_admin(async |client| client.read("Contact", &id).await)
        .await;
    assert_eq!(kept["LastName"], "Admin");
}

#[tokio::test]
async fn the_first_bulk_api_is_closed_to_users_without_the_api() {
    let nina = Nina::start().await;
    let path = "/services/async/68.0/job";
    let job = bulk_classic::job("insert", "Contact");
    assert_eq!(
        bulk_classic::post_json(&nina.client, path, &job).await.status,
        201
    );
    let closed = PermissionSetDefinition {
        user_permissions: Vec::new(),
        ..PermissionSetDefinition::default()
    };
    let org = nina.client.org.org();
    org.add_profile("No API", &closed).expect("a profile");
    org.set_profile(super::NINA, "No API").expect("the profile");
    let refused = bulk_classic::post_json(&nina.client, path, &job).await;
    assert!(
        refused.status == 400 && refused.text.contains("FeatureNotEnabled"),
        "{}",
        refused.text
    );
}

/// Salesforce's records of what permission sets open (Object Reference, SetupEntityAccess).
#[tokio::test]
async fn access_to_classes_and_custom_permissions_are_records_that_count() {
    let client = Client::start().await;
    let permission = "<CustomPermission xmlns=\"http://soap.sforce.com/2006/04/metadata\"><label>Skip</label></CustomPermission>";
    let set = "<PermissionSet xmlns=\"http://soap.sforce.com/2006/04/metadata\"><label>Loader</label>
        <classAccesses><apexClass>Loads</apexClass><enabled>true</enabled></classAccesses>
        <customPermissions><enabled>true</enabled><name>Skip</name></customPermissions></PermissionSet>";
    let zip = crate::metadata::Zip::new()
        .class("Loads", "public class Loads { }")
        .file("customPermissions/Skip.customPermission", permission)
        .names("CustomPermission", "Skip")
        .file("permissionsets/Loader.permissionset", set)
        .names("PermissionSet", "Loader");
    client.succeeds(zip).await;
    let query = "SELECT+SetupEntityType,Parent.Name+FROM+SetupEntityAccess+ORDER+BY+SetupEntityType";
    let found = client.get(&format!("{V}/query?q={query}")).await.json();
    let kinds: Vec<_> = found["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|row| (row["SetupEntityType"].clone(), row["Parent"]["Name"].clone()))
        .collect();
    assert_eq!(
        kinds,
        [
            (json!("ApexClass"), json!("Loader")),
            (json!("CustomPermission"), json!("Loader"))
        ]
    );
    let org = client.org.org();
    org.assign_permission_set("Loader", "integration@northwind.example")
        .expect("assigned");
    let query = "SELECT+Id+FROM+User+WHERE+Username='integration@northwind.example'";
    let found = client.get(&format!("{V}/query?q={query}")).await.json();
    let user = found["records"][0]["Id"].as_str().expect("an id");
    let user = emulated_org::RecordId::parse(user).expect("an id");
    assert!(org.access_of(user).has_custom_permission("Skip"));
    let query = "SELECT+Id+FROM+SetupEntityAccess+WHERE+SetupEntityType='CustomPermission'";
    let found = client.get(&format!("{V}/query?q={query}")).await.json();
    let id = found["records"][0]["Id"].as_str().expect("an id");
    let answer = client
        .delete(&format!("{V}/sobjects/SetupEntityAccess/{id}"))
        .await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert!(!org.access_of(user).has_custom_permission("Skip"));
    assert!(org.access_of(user).has_class("Loads"));
}
