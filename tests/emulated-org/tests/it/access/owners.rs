// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]
use emulated_org::access::QueueDefinition;
use emulated_org::schema::Sharing;
use serde_json::json;

use super::super::client::V;
use super::{NINA, Nina};

fn lead(owner: &str) -> serde_json::Value {
    json!({ "LastName": "Berg", "Company": "Berg AS", "OwnerId": owner })
}

#[tokio::test]
async fn a_queue_owns_records_of_the_objects_it_serves() {
    let mut nina = Nina::start().await;
    let queue = QueueDefinition {
        name: "Inbound".to_owned(),
        objects: vec!["Lead".to_owned()],
        members: vec![NINA.to_owned()],
    };
    let queue = nina
        .client
        .org
        .org()
        .add_queue(&queue)
        .expect("a queue")
        .to_string();
    nina.as_admin(async |client| client.create("Lead", lead(&queue)).await)
        .await;
    let found = nina
        .query("SELECT OwnerId, Owner.Name, Owner.Type FROM Lead")
        .await;
    assert_eq!(found[0]["Owner"]["Type"], "Group", "{found:?}");
    assert_eq!(
        (&found[0]["OwnerId"], &found[0]["Owner"]["Name"]),
        (&json!(queue), &json!("Inbound"))
    );
    assert_eq!(
        nina.query("SELECT Id FROM Lead WHERE Owner.Type = 'Group'")
            .await
            .len(),
        1
    );
    let served = nina
        .query("SELECT SobjectType FROM QueueSobject WHERE Queue.Type = 'Queue'")
        .await;
    assert_eq!(served[0]["SobjectType"], "Lead");
    let account = json!({ "Name": "Berg AS", "OwnerId": queue });
    let refused = nina
        .client
        .post(&format!("{V}/sobjects/Account"), &account)
        .await
        .error();
    assert_eq!(
        (refused.1.as_str(), refused.3),
        ("FIELD_INTEGRITY_EXCEPTION", vec!["OwnerId".to_owned()])
    );
}

#[tokio::test]
async fn a_group_that_is_no_queue_for_the_object_owns_nothing() {
    let mut nina = Nina::start().await;
    let queue = QueueDefinition {
        name: "Idle".to_owned(),
        ..QueueDefinition::default()
    };
    let queue = nina
        .client
        .org
        .org()
        .add_queue(&queue)
        .expect("a queue")
        .to_string();
    let group = nina
        .as_admin(async |client| {
            client
                .create("Group", json!({ "Name": "All", "Type": "Regular" }))
                .await
        })
        .await;
    for owner in [queue, group] {
        let refused = nina
            .client
            .post(&format!("{V}/sobjects/Lead"), &lead(&owner))
            .await
            .error();
        assert_eq!((refused.0, refused.1.as_str()), (400, "INVALID_OPERATION"));
        assert_eq!(refused.2, "Queue not associated with this SObject type");
    }
}

#[tokio::test]
async fn members_of_a_queue_see_what_it_owns_privately() {
    let mut nina = Nina::start().await;
    let org = nina.client.org.org();
    org.set_sharing("Lead", Sharing::Private).expect("an object");
    let queue = QueueDefinition {
        name: "Inbound".to_owned(),
        objects: vec!["Lead".to_owned()],
        members: Vec::new(),
    };
    let queue = org.add_queue(&queue).expect("a queue").to_string();
    let user = nina.id.clone();
    let id = nina
        .as_admin(async |client| client.create("Lead", lead(&queue)).await)
        .await;
    assert_eq!(nina.query("SELECT Id FROM Lead").await.len(), 0);
    nina.as_admin(async |client| {
        client
            .create("GroupMember", json!({ "GroupId": queue, "UserOrGroupId": user }))
            .await
    })
    .await;
    assert_eq!(nina.query("SELECT Id FROM Lead").await.len(), 1);
    let path = format!("{V}/sobjects/Lead/{id}");
    assert_eq!(
        nina.client.patch(&path, &json!({ "OwnerId": user })).await.status,
        204
    );
}
