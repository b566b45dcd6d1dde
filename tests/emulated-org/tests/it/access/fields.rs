// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use emulated_org::access::PermissionSetDefinition;
use serde_json::json;

use super::super::client::V;
use super::{Nina, contact};

fn names_alone() -> PermissionSetDefinition {
    PermissionSetDefinition::default()
        .with_object("Contact", "CREDV")
        .with_field("Contact.Title", false)
        .with_field("Contact.Department", true)
}

#[tokio::test]
async fn a_field_without_read_is_as_good_as_absent() {
    let mut nina = Nina::start().await;
    let id = nina
        .as_admin(async |client| {
            let fields =
                json!({ "LastName": "Berg", "Email": "b@example.com", "MailingCity": "Oslo", "Title": "Dr" });
            client.create("Contact", fields).await
        })
        .await;
    nina.restrict();
    nina.grant("Names", &names_alone());
    for soql in [
        "SELECT Email FROM Contact",
        "SELECT Id FROM Contact WHERE Email = null",
        "SELECT Id FROM Contact ORDER BY Email",
        "SELECT COUNT(Id) FROM Contact GROUP BY Email",
    ] {
        let (code, message) = nina.refused(soql).await;
        assert_eq!(code, "INVALID_FIELD", "{soql}");
        assert!(
            message.contains("No such column 'Email' on entity 'Contact'"),
            "{message}"
        );
    }
    let record = nina.client.read("Contact", &id).await;
    let names = ["Email", "MailingCity", "MailingAddress", "AccountId"];
    assert!(names.iter().all(|name| record.get(*name).is_none()), "{record}");
    assert_eq!(record["Title"], "Dr");
    let all = nina.query("SELECT FIELDS(STANDARD) FROM Contact").await;
    assert!(all[0].get("Email").is_none() && all[0]["LastName"] == "Berg");
    let describe = nina
        .client
        .get(&format!("{V}/sobjects/Contact/describe"))
        .await
        .json();
    let fields = describe["fields"].as_array().expect("fields");
    let field = |name: &str| fields.iter().find(|field| field["name"] == name);
    assert!(names.iter().all(|name| field(name).is_none()));
    assert_eq!(
        field("Title").map(|title| (&title["createable"], &title["updateable"])),
        Some((&json!(false), &json!(false)))
    );
    assert_eq!(
        field("Department").map(|department| &department["updateable"]),
        Some(&json!(true))
    );
    let asked = nina
        .client
        .get(&format!("{V}/sobjects/Contact/{id}?fields=Email"))
        .await;
    assert_eq!(asked.refusal(), (400, "INVALID_FIELD".to_owned()));
    let collected = nina
        .client
        .get(&format!("{V}/composite/sobjects/Contact?ids={id}&fields=Email"))
        .await;
    assert_eq!(collected.refusal(), (400, "INVALID_FIELD".to_owned()));
    let (code, _) = nina.refused("SELECT Account.Name FROM Contact").await;
    assert_eq!(code, "INVALID_FIELD");
}

#[tokio::test]
async fn a_field_without_edit_is_not_written_on_any_path() {
    let nina = Nina::start().await;
    nina.restrict();
    nina.grant("Names", &names_alone());
    let path = format!("{V}/sobjects/Contact");
    let id = nina
        .client
        .create("Contact", json!({ "LastName": "Berg", "Department": "Sales" }))
        .await;
    let with_title = json!({ "LastName": "Berg", "Title": "Dr" });
    let expected = (
        400,
        "INVALID_FIELD_FOR_INSERT_UPDATE".to_owned(),
        "Unable to create/update fields: Title. Please check the security settings of this field and verify that it is \
         read/write for your profile or permission set."
            .to_owned(),
        vec!["Title".to_owned()],
    );
    assert_eq!(nina.client.post(&path, &with_title).await.error(), expected);
    assert_eq!(
        nina.client
            .patch(&format!("{path}/{id}"), &with_title)
            .await
            .error(),
        expected
    );
    let row = json!({ "attributes": { "type": "Contact" }, "LastName": "Berg", "Title": "Dr" });
    let rows = nina
        .client
        .post(&format!("{V}/composite/sobjects"), &json!({ "records": [row] }))
        .await
        .json();
    assert_eq!(
        rows[0]["errors"][0]["statusCode"],
        "INVALID_FIELD_FOR_INSERT_UPDATE"
    );
    assert_eq!(rows[0]["errors"][0]["fields"], json!(["Title"]));
    let node =
        json!({ "attributes": { "type": "Contact", "referenceId": "a" }, "LastName": "Berg", "Title": "Dr" });
    let tree = nina
        .client
        .post(
            &format!("{V}/composite/tree/Contact"),
            &json!({ "records": [node] }),
        )
        .await
        .json();
    assert_eq!(
        tree["results"][0]["errors"][0]["statusCode"], "INVALID_FIELD_FOR_INSERT_UPDATE",
        "{tree}"
    );
    // What cannot even be read is no field at all.
    let (status, code, message, _) = nina
        .client
        .post(&path, &json!({ "LastName": "Berg", "Email": "b@example.com" }))
        .await
        .error();
    assert_eq!((status, code.as_str()), (400, "INVALID_FIELD"));
    assert!(message.starts_with("No such column 'Email'"), "{message}");
}

#[tokio::test]
async fn bulk_jobs_see_and_write_the_callers_fields() {
    let nina = Nina::start().await;
    nina.restrict();
    nina.grant("Names", &names_alone());
    let job = json!({ "query": "SELECT Email FROM Contact", "operation": "query" });
    assert_eq!(
        nina.client.post(&format!("{V}/jobs/query"), &job).await.refusal(),
        (400, "INVALID_FIELD".to_owned())
    );
    let results = |csv: &'static str| {
        let nina = &nina;
        async move {
            let job = json!({ "object": "Contact", "operation": "insert" });
            let job = nina.client.post(&format!("{V}/jobs/ingest"), &job).await.json()["id"]
                .as_str()
                .expect("a job")
                .to_owned();
            let upload = nina
                .client
                .request(reqwest::Method::PUT, &format!("{V}/jobs/ingest/{job}/batches"));
            nina.client
                .send(upload.header("Content-Type", "text/csv").body(csv))
                .await;
            nina.client
                .patch(
                    &format!("{V}/jobs/ingest/{job}"),
                    &json!({ "state": "UploadComplete" }),
                )
                .await;
            for _ in 0..200 {
                let state = nina.client.get(&format!("{V}/jobs/ingest/{job}")).await.json();
                if state["state"] == "JobComplete" || state["state"] == "Failed" {
                    let failed = nina
                        .client
                        .get(&format!("{V}/jobs/ingest/{job}/failedResults"))
                        .await
                        .text;
                    return format!("{}{failed}", state["errorMessage"].as_str().unwrap_or_default());
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            panic!("the job goes on and on")
        }
    };
    let unwritable = results("LastName,Title\nBerg,Dr\n").await;
    assert!(
        unwritable.contains("INVALID_FIELD_FOR_INSERT_UPDATE"),
        "{unwritable}"
    );
    let unknown = results("LastName,Email\nBerg,b@example.com\n").await;
    assert!(unknown.contains("Email"), "{unknown}");
    assert_eq!(nina.query("SELECT Id FROM Contact").await.len(), 0);
}

#[tokio::test]
async fn custom_fields_are_nobodys_until_granted() {
    let mut nina = Nina::start().await;
    let org = nina.client.org.org();
    org.change_schema(|schema| {
        let field = emulated_org::schema::Field {
            name: "Score__c".to_owned(),
            label: "Score".to_owned(),
            custom: true,
            permissionable: true,
            length: 10,
            ..emulated_org::schema::Field::default()
        };
        schema.add_field("Contact", field)
    })
    .expect("a field");
    assert_eq!(
        nina.refused("SELECT Score__c FROM Contact").await.0,
        "INVALID_FIELD"
    );
    nina.as_admin(async |client| {
        client
            .create("Contact", json!({ "LastName": "Berg", "Score__c": "9" }))
            .await
    })
    .await;
    nina.grant(
        "Scores",
        &PermissionSetDefinition::default().with_field("Contact.Score__c", false),
    );
    assert_eq!(
        nina.query("SELECT Score__c FROM Contact").await[0]["Score__c"],
        "9"
    );
    let refused = nina
        .client
        .post(
            &format!("{V}/sobjects/Contact"),
            &json!({ "LastName": "Berg", "Score__c": "1" }),
        )
        .await;
    assert_eq!(refused.refusal().1, "INVALID_FIELD_FOR_INSERT_UPDATE");
    nina.client.create("Contact", contact("Berg")).await;
}

#[tokio::test]
async fn a_describe_that_a_client_holds_is_sent_anew_once_permissions_change() {
    let mut nina = Nina::start().await;
    nina.restrict();
    nina.grant(
        "Look",
        &PermissionSetDefinition::default().with_object("Contact", "R"),
    );
    let path = format!("{V}/sobjects/Contact/describe");
    let first = nina.client.get(&path).await;
    assert!(
        first.status == 200 && !first.text.contains("\"Title\""),
        "{}",
        first.text
    );
    let held = first.header("last-modified").to_owned();
    let again = async |client: &crate::client::Client| {
        let request = client.request(reqwest::Method::GET, &path);
        client.send(request.header("If-Modified-Since", &held)).await
    };
    assert_eq!(again(&nina.client).await.status, 304);
    nina.client.org.clock().advance(std::time::Duration::from_secs(5));
    assert_eq!(again(&nina.client).await.status, 304, "nothing has changed");
    nina.grant(
        "Titles",
        &PermissionSetDefinition::default().with_field("Contact.Title", false),
    );
    let anew = again(&nina.client).await;
    assert!(
        anew.status == 200 && anew.text.contains("\"Title\""),
        "{}",
        anew.status
    );
    let of_admin = nina.as_admin(async |client| again(client).await.status).await;
    assert_eq!(of_admin, 304, "what others see has not changed");
    nina.restrict();
    let org = nina.client.org.org();
    org.unassign_permission_set("Look", super::NINA).expect("taken");
    assert_eq!(again(&nina.client).await.refusal(), (404, "NOT_FOUND".to_owned()));
}
