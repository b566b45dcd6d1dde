//! What the organisation fills in itself: defaults, and fields computed from others.
#![cfg(test)]

use emulated_org::Value;
use emulated_org::schema::{Field, FieldType, PicklistValue};
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::validation::{opportunity, refused};

#[tokio::test]
async fn restricted_picklists_take_their_values_only_and_defaults_fill_in() {
    let client = Client::start().await;
    let value = |value: &str, default_value| PicklistValue {
        value: value.to_owned(),
        default_value,
        ..PicklistValue::default()
    };
    let tier = Field {
        name: "Tier__c".to_owned(),
        label: "Tier".to_owned(),
        kind: FieldType::Picklist,
        length: 255,
        custom: true,
        restricted_picklist: true,
        picklist_values: vec![value("Gold", false), value("Silver", true)],
        ..Field::default()
    };
    client
        .org
        .org()
        .change_schema(|schema| schema.add_field("Account", tier))
        .expect("the field is added");
    let (_, code, message, _) = refused(&client, "Account", &json!({ "Name": "A", "Tier__c": "Tin" })).await;
    assert_eq!(code, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
    assert_eq!(message, "Tier: bad value for restricted picklist field: Tin");
    let id = client.create("Account", json!({ "Name": "A" })).await;
    assert_eq!(client.read("Account", &id).await["Tier__c"], "Silver");
    let none = client
        .create("Account", json!({ "Name": "A", "Tier__c": null }))
        .await;
    assert_eq!(
        client.read("Account", &none).await["Tier__c"],
        Json::Null,
        "an explicit null is no default"
    );
    // Standard picklists are open.
    client
        .create("Account", json!({ "Name": "A", "Industry": "Alchemy" }))
        .await;
}

#[tokio::test]
async fn names_of_people_are_made_of_their_parts() {
    let client = Client::start().await;
    let id = client
        .create(
            "Contact",
            json!({ "Salutation": "Dr.", "FirstName": " Ana ", "LastName": "Ruiz" }),
        )
        .await;
    assert_eq!(client.read("Contact", &id).await["Name"], "Ana Ruiz");
    client
        .patch(
            &format!("{V}/sobjects/Contact/{id}"),
            &json!({ "FirstName": null }),
        )
        .await;
    assert_eq!(client.read("Contact", &id).await["Name"], "Ruiz");
    let named = client
        .patch(&format!("{V}/sobjects/Contact/{id}"), &json!({ "Name": "X" }))
        .await;
    assert_eq!(
        named.refusal(),
        (400, "INVALID_FIELD_FOR_INSERT_UPDATE".to_owned())
    );
}

#[tokio::test]
async fn a_stage_decides_what_an_opportunity_counts_as() {
    let client = Client::start().await;
    let id = client
        .create("Opportunity", opportunity(json!({ "Amount": 200 })))
        .await;
    let facts = |record: &Json| {
        [
            "IsClosed",
            "IsWon",
            "Probability",
            "ForecastCategoryName",
            "ForecastCategory",
            "ExpectedRevenue",
        ]
        .map(|name| record[name].to_string().replace('"', ""))
    };
    let open = client.read("Opportunity", &id).await;
    assert_eq!(
        facts(&open),
        ["false", "false", "10.0", "Pipeline", "Pipeline", "20.0"]
    );
    assert_eq!(
        (
            open["FiscalYear"].to_string().as_str(),
            open["FiscalQuarter"].to_string().as_str()
        ),
        ("2026", "4")
    );
    let path = format!("{V}/sobjects/Opportunity/{id}");
    client.patch(&path, &json!({ "Probability": 35 })).await;
    client
        .patch(&path, &json!({ "StageName": "Prospecting", "Name": "Deal 2" }))
        .await;
    assert_eq!(
        facts(&client.read("Opportunity", &id).await)[2],
        "35.0",
        "the same stage again resets nothing"
    );
    client.patch(&path, &json!({ "StageName": "Closed Won" })).await;
    assert_eq!(
        facts(&client.read("Opportunity", &id).await),
        ["true", "true", "100.0", "Closed", "Closed", "200.0"]
    );
    client.patch(&path, &json!({ "StageName": "Closed Lost" })).await;
    assert_eq!(
        facts(&client.read("Opportunity", &id).await),
        ["true", "false", "0.0", "Omitted", "Omitted", "0.0"]
    );
}

#[tokio::test]
async fn a_task_closes_with_its_status_and_an_event_needs_its_time() {
    let client = Client::start().await;
    let task = client.create("Task", json!({ "Subject": "Call" })).await;
    let open = client.read("Task", &task).await;
    assert_eq!(
        (&open["Status"], &open["IsClosed"], &open["Priority"]),
        (&json!("Not Started"), &json!(false), &json!("Normal"))
    );
    client
        .patch(
            &format!("{V}/sobjects/Task/{task}"),
            &json!({ "Status": "Completed", "Priority": "High" }),
        )
        .await;
    let closed = client.read("Task", &task).await;
    assert_eq!(
        (&closed["IsClosed"], &closed["IsHighPriority"]),
        (&json!(true), &json!(true))
    );

    let timeless = refused(&client, "Event", &json!({ "Subject": "Meet" })).await;
    assert_eq!(timeless.1, "REQUIRED_FIELD_MISSING");
    let start = "2026-11-22T09:00:00.000+0000";
    let event = client
        .create(
            "Event",
            json!({ "Subject": "Meet", "StartDateTime": start, "DurationInMinutes": 45 }),
        )
        .await;
    let stored = client.read("Event", &event).await;
    assert_eq!(stored["EndDateTime"], "2026-11-22T09:45:00.000+0000");
    assert_eq!(stored["ActivityDateTime"], start);
    let backwards =
        json!({ "Subject": "Meet", "StartDateTime": start, "EndDateTime": "2026-11-22T08:00:00Z" });
    assert_eq!(
        refused(&client, "Event", &backwards).await.1,
        "FIELD_INTEGRITY_EXCEPTION"
    );
}

#[tokio::test]
async fn seeds_go_through_the_same_rules_and_may_set_audit_fields() {
    let client = Client::start().await;
    let at = chrono::DateTime::from_timestamp(1_600_000_000, 0).expect("a moment");
    let row = vec![("Name", Value::text(" A ")), ("CreatedDate", Value::DateTime(at))];
    let ids = client.org.seed("Account", [row]).expect("a record");
    let stored = client.read("Account", ids[0].as_str()).await;
    assert_eq!(stored["Name"], "A");
    for field in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
        assert_eq!(stored[field], "2020-09-13T12:26:40.000+0000", "{field}");
    }
    for wrong in [
        vec![],
        vec![("Name", Value::text("x".repeat(256)))],
        vec![("Nonsense", Value::Null)],
    ] {
        assert!(client.org.seed("Account", [wrong.clone()]).is_err(), "{wrong:?}");
    }
}

#[tokio::test]
async fn activities_are_of_their_plain_subtype_unless_another_is_given() {
    let client = Client::start().await;
    let event = json!({ "ActivityDateTime": "2026-12-01T09:00:00Z", "DurationInMinutes": 30 });
    for (object, field, fields, stored) in [
        ("Task", "TaskSubtype", json!({ "Subject": "S" }), "Task"),
        (
            "Task",
            "TaskSubtype",
            json!({ "Subject": "S", "TaskSubtype": null }),
            "Task",
        ),
        (
            "Task",
            "TaskSubtype",
            json!({ "Subject": "S", "TaskSubtype": "Call" }),
            "Call",
        ),
        ("Event", "EventSubtype", event, "Event"),
    ] {
        let id = client.create(object, fields.clone()).await;
        assert_eq!(client.read(object, &id).await[field], stored, "{fields}");
        let path = format!("{V}/sobjects/{object}/{id}");
        assert_eq!(client.patch(&path, &json!({ "Subject": "T" })).await.status, 204);
        assert_eq!(client.read(object, &id).await[field], stored, "{fields}");
    }
}
