// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use emulated_org::access::PermissionSetDefinition;
use serde_json::json;

use super::super::client::V;
use super::{Nina, contact};

#[tokio::test]
async fn an_object_without_read_is_as_good_as_absent() {
    let nina = Nina::start().await;
    nina.restrict();
    let (code, message) = nina.refused("SELECT Id FROM Contact").await;
    assert_eq!(code, "INVALID_TYPE");
    assert!(
        message.contains("sObject type 'Contact' is not supported."),
        "{message}"
    );
    let absent = (404, "NOT_FOUND".to_owned());
    for path in [
        "sobjects/Contact/describe",
        "sobjects/Contact",
        "sobjects/Contact/003000000000001AAA",
    ] {
        assert_eq!(
            nina.client.get(&format!("{V}/{path}")).await.refusal(),
            absent,
            "{path}"
        );
    }
    let post = nina
        .client
        .post(&format!("{V}/sobjects/Contact"), &contact("Berg"))
        .await;
    assert_eq!(post.refusal(), absent);
    let global = nina.client.get(&format!("{V}/sobjects")).await.json();
    let names: Vec<_> = global["sobjects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|object| &object["name"])
        .collect();
    assert!(
        !names.contains(&&json!("Contact")) && names.contains(&&json!("User")),
        "{names:?}"
    );
    let job = json!({ "object": "Contact", "operation": "insert" });
    assert_eq!(
        nina.client
            .post(&format!("{V}/jobs/ingest"), &job)
            .await
            .refusal(),
        (400, "INVALIDENTITY".to_owned())
    );
    let job = json!({ "query": "SELECT Id FROM Contact", "operation": "query" });
    assert_eq!(
        nina.client.post(&format!("{V}/jobs/query"), &job).await.refusal(),
        (400, "INVALID_TYPE".to_owned())
    );
}

#[tokio::test]
async fn looking_is_not_making_changing_or_deleting() {
    let mut nina = Nina::start().await;
    let id = nina
        .as_admin(async |client| client.create("Contact", contact("Berg")).await)
        .await;
    nina.restrict();
    nina.grant(
        "Look",
        &PermissionSetDefinition::default().with_object("Contact", "RV"),
    );
    assert_eq!(nina.query("SELECT Id FROM Contact").await.len(), 1);
    let path = format!("{V}/sobjects/Contact");
    let made = nina.client.post(&path, &contact("Berg")).await;
    assert_eq!(
        made.refusal(),
        (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY".to_owned())
    );
    let readonly = (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned());
    let changed = nina
        .client
        .patch(&format!("{path}/{id}"), &contact("Bergmann"))
        .await;
    assert_eq!(changed.refusal(), readonly);
    assert_eq!(
        nina.client.delete(&format!("{path}/{id}")).await.refusal(),
        readonly
    );
    let row = json!({ "attributes": { "type": "Contact" }, "id": id, "LastName": "Bergmann" });
    let rows = nina
        .client
        .patch(&format!("{V}/composite/sobjects"), &json!({ "records": [row] }))
        .await
        .json();
    assert_eq!(
        rows[0]["errors"][0]["statusCode"],
        "INSUFFICIENT_ACCESS_OR_READONLY"
    );
    let describe = nina
        .client
        .get(&format!("{V}/sobjects/Contact/describe"))
        .await
        .json();
    for flag in ["createable", "updateable", "deletable"] {
        assert_eq!(describe[flag], json!(false), "{flag}");
    }
    assert_eq!(describe["queryable"], json!(true));
}

#[tokio::test]
async fn permissions_are_records_and_take_effect_at_once() {
    let mut nina = Nina::start().await;
    nina.restrict();
    let user = nina.id.clone();
    let set = nina
        .as_admin(async |client| {
            let set = client
                .create("PermissionSet", json!({ "Name": "Readers", "Label": "Readers" }))
                .await;
            let given = json!({ "ParentId": set, "SobjectType": "Contact", "PermissionsRead": true });
            client.create("ObjectPermissions", given).await;
            client
                .create(
                    "PermissionSetAssignment",
                    json!({ "PermissionSetId": set, "AssigneeId": user }),
                )
                .await;
            set
        })
        .await;
    assert_eq!(nina.query("SELECT Id FROM Contact").await.len(), 0);
    let assigned =
        format!("SELECT PermissionSet.Name FROM PermissionSetAssignment WHERE AssigneeId = '{user}'");
    let assigned = nina.query(&assigned).await;
    assert_eq!(assigned[0]["PermissionSet"]["Name"], "Readers");
    let objects = format!(
        "SELECT SobjectType FROM ObjectPermissions WHERE ParentId = '{set}' AND PermissionsRead = true"
    );
    assert_eq!(nina.query(&objects).await[0]["SobjectType"], "Contact");
    // Those without "Manage Users" give themselves nothing.
    let own = json!({ "ParentId": set, "SobjectType": "Lead", "PermissionsRead": true });
    let refused = nina
        .client
        .post(&format!("{V}/sobjects/ObjectPermissions"), &own)
        .await
        .refusal();
    assert_eq!(refused.1, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY");
}

#[tokio::test]
async fn profiles_own_permission_sets_that_say_what_they_give() {
    let nina = Nina::start().await;
    let granted = nina
        .query(
            "SELECT SobjectType FROM ObjectPermissions WHERE Parent.Profile.Name = 'Standard User' AND SobjectType = \
             'Contact' AND PermissionsEdit = true",
        )
        .await;
    assert_eq!(granted.len(), 1);
    let fields = nina
        .query(
            "SELECT Field FROM FieldPermissions WHERE Parent.Profile.Name = 'Standard User' AND Field = 'Contact.Email'",
        )
        .await;
    assert_eq!(fields.len(), 1);
}

#[tokio::test]
async fn users_without_the_api_permission_are_told_so() {
    let mut nina = Nina::start().await;
    let user = nina.id.clone();
    nina.client
        .org
        .org()
        .add_profile("Offline", &PermissionSetDefinition::default())
        .expect("a profile");
    nina.client
        .org
        .org()
        .set_profile(super::NINA, "Offline")
        .expect("set");
    assert_eq!(
        nina.client.get(&format!("{V}/sobjects")).await.refusal(),
        (403, "API_DISABLED_FOR_ORG".to_owned())
    );
    nina.client.token = nina.admin_token.clone();
    assert_eq!(
        nina.client.get(&format!("{V}/sobjects/User/{user}")).await.status,
        200
    );
}

#[tokio::test]
async fn hard_deleting_by_bulk_needs_its_permission() {
    let nina = Nina::start().await;
    let job = json!({ "object": "Contact", "operation": "hardDelete" });
    let path = format!("{V}/jobs/ingest");
    assert_eq!(
        nina.client.post(&path, &job).await.refusal(),
        (400, "FEATURENOTENABLED".to_owned())
    );
    nina.grant(
        "Purgers",
        &PermissionSetDefinition::default().with_permission("BulkApiHardDelete"),
    );
    assert_eq!(nina.client.post(&path, &job).await.status, 200);
}

#[tokio::test]
async fn the_integration_user_may_do_nothing_without_its_permission_set() {
    let mut nina = Nina::start().await;
    let org = nina.client.org.org();
    let user = org
        .read()
        .table("User")
        .expect("users")
        .rows()
        .nth(1)
        .expect("the integration user")
        .id();
    assert!(org.access_of(user).is_unlimited());
    org.unassign_permission_set("Integration_Full_Access", nina.client.org.integration_username())
        .expect("taken");
    let access = org.access_of(user);
    assert!(!access.is_unlimited() && access.has_permission("ApiEnabled"));
    assert!(access.schema().object("Contact").is_none());
    nina.as_admin(async |client| client.create("Contact", contact("Berg")).await)
        .await;
}

#[tokio::test]
async fn users_change_what_is_said_of_themselves_but_not_what_they_may() {
    let nina = Nina::start().await;
    let path = format!("{V}/sobjects/User/{}", nina.id);
    assert_eq!(
        nina.client
            .patch(&path, &json!({ "Phone": "+47 1" }))
            .await
            .status,
        204
    );
    let profile = nina
        .query("SELECT Id FROM Profile WHERE Name = 'System Administrator'")
        .await;
    let promoted = nina
        .client
        .patch(&path, &json!({ "ProfileId": profile[0]["Id"] }))
        .await;
    assert_eq!(
        promoted.refusal(),
        (400, "INVALID_FIELD_FOR_INSERT_UPDATE".to_owned())
    );
    let admin = nina.client.org.org().admin;
    let other = nina
        .client
        .patch(
            &format!("{V}/sobjects/User/{admin}"),
            &json!({ "Phone": "+47 1" }),
        )
        .await;
    assert_eq!(
        other.refusal(),
        (403, "INSUFFICIENT_ACCESS_OR_READONLY".to_owned())
    );
}
