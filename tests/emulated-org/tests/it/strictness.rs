//! What a lax server would take.

#![cfg(test)]

use serde_json::json;

use crate::client::{Client, V};
use crate::crud::with_keys;
use crate::validation::{opportunity, refused};

#[tokio::test]
async fn numbers_and_moments_in_forms_that_only_lax_parsers_take_are_refused() {
    let client = Client::start().await;
    let parser_error = (400, "JSON_PARSER_ERROR".to_owned());
    for fields in [
        json!({ "AnnualRevenue": "1_000" }),
        json!({ "NumberOfEmployees": 5.0 }),
        json!({ "NumberOfEmployees": 5.5 }),
    ] {
        let mut account = fields.clone();
        account["Name"] = json!("A");
        let answer = client.post(&format!("{V}/sobjects/Account"), &account).await;
        assert_eq!(answer.refusal(), parser_error, "{fields}");
    }
    for day in ["2026- 1- 1", "+026-01-01", "2026-1-001", "2026-01-01 x"] {
        let answer = client
            .post(
                &format!("{V}/sobjects/Opportunity"),
                &opportunity(json!({ "CloseDate": day })),
            )
            .await;
        assert_eq!(answer.refusal(), parser_error, "{day}");
    }
    for start in [
        "2026-1-1T9:0:0Z",
        "2026-01-01T09:00Z",
        "2026-01-01 09:00:00Z",
        " 2026-01-01T 9:00:00Z",
    ] {
        let event = json!({ "ActivityDateTime": start, "DurationInMinutes": 5 });
        let answer = client.post(&format!("{V}/sobjects/Event"), &event).await;
        assert_eq!(answer.refusal(), parser_error, "{start}");
    }
}

#[tokio::test]
async fn a_parent_is_named_by_id_or_by_relationship_never_by_both() {
    let client = with_keys().await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let contacts = format!("{V}/sobjects/Contact");
    for parent in [json!(null), json!({ "Id": account })] {
        let both = json!({ "LastName": "C", "AccountId": account, "Account": parent });
        let (status, code, message, fields) = client.post(&contacts, &both).await.error();
        assert_eq!((status, code.as_str()), (400, "INVALID_FIELD"));
        assert_eq!(
            message,
            "Cannot specify both an external ID reference Account and a salesforce id, AccountId"
        );
        assert_eq!(fields, ["AccountId"]);
    }
    let twice = json!({ "LastName": "C", "Account": { "Id": account }, "account": { "Id": account } });
    assert_eq!(
        client.post(&contacts, &twice).await.refusal(),
        (400, "JSON_PARSER_ERROR".to_owned())
    );
    let child = client
        .create("Contact", json!({ "LastName": "C", "AccountId": account }))
        .await;
    let path = format!("{contacts}/{child}");
    assert_eq!(client.patch(&path, &json!({ "Account": null })).await.status, 204);
    assert!(client.read("Contact", &child).await["AccountId"].is_null());
}

#[tokio::test]
async fn a_field_with_a_default_is_not_emptied_by_a_null() {
    let client = Client::start().await;
    let lead = json!({ "LastName": "L", "Company": "C" });
    let task = json!({ "Subject": "S" });
    for (object, field, fields) in [
        ("Account", "OwnerId", json!({ "Name": "A" })),
        ("Lead", "Status", lead),
        ("Task", "Status", task.clone()),
        ("Task", "Priority", task),
    ] {
        let id = client.create(object, fields.clone()).await;
        let path = format!("{V}/sobjects/{object}/{id}");
        let (status, code, message, named) = client.patch(&path, &json!({ field: null })).await.error();
        assert_eq!(
            (status, code.as_str()),
            (400, "REQUIRED_FIELD_MISSING"),
            "{object}.{field}"
        );
        assert_eq!(message, format!("Required fields are missing: [{field}]"));
        assert_eq!(named, [field]);
        assert!(!client.read(object, &id).await[field].is_null());
    }
    let null_status = json!({ "Subject": "S", "Status": null });
    assert_eq!(
        refused(&client, "Task", &null_status).await.1,
        "REQUIRED_FIELD_MISSING"
    );
}

#[tokio::test]
async fn an_activity_of_a_lead_is_about_nothing_else() {
    let client = Client::start().await;
    let lead = client
        .create("Lead", json!({ "LastName": "L", "Company": "C" }))
        .await;
    let account = client.create("Account", json!({ "Name": "A" })).await;
    let both = json!({ "Subject": "S", "WhoId": lead, "WhatId": account });
    let (status, code, _, fields) = refused(&client, "Task", &both).await;
    assert_eq!((status, code.as_str()), (400, "FIELD_INTEGRITY_EXCEPTION"));
    assert_eq!(fields, ["WhoId", "WhatId"]);
    let task = client
        .create("Task", json!({ "Subject": "S", "WhoId": lead }))
        .await;
    let path = format!("{V}/sobjects/Task/{task}");
    let later = client.patch(&path, &json!({ "WhatId": account })).await;
    assert_eq!(later.refusal().1, "FIELD_INTEGRITY_EXCEPTION");
}

#[tokio::test]
async fn no_account_stands_above_itself() {
    let client = Client::start().await;
    let top = client.create("Account", json!({ "Name": "Top" })).await;
    let middle = client
        .create("Account", json!({ "Name": "Middle", "ParentId": top }))
        .await;
    let low = client
        .create("Account", json!({ "Name": "Low", "ParentId": middle }))
        .await;
    let path = |id: &str| format!("{V}/sobjects/Account/{id}");
    for parent in [&top, &middle, &low] {
        let answer = client.patch(&path(&top), &json!({ "ParentId": parent })).await;
        assert_eq!(answer.refusal(), (400, "CIRCULAR_DEPENDENCY".to_owned()));
    }
    assert_eq!(
        client
            .patch(&path(&low), &json!({ "ParentId": top }))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn attributes_speak_of_the_record_they_stand_in() {
    let client = Client::start().await;
    let accounts = format!("{V}/sobjects/Account");
    for (attributes, code) in [
        (json!({ "type": "Contact" }), "INVALID_TYPE"),
        (json!(5), "JSON_PARSER_ERROR"),
        (json!(null), "JSON_PARSER_ERROR"),
    ] {
        let answer = client
            .post(&accounts, &json!({ "Name": "A", "attributes": attributes }))
            .await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{attributes}");
    }
    let id = client
        .create(
            "Account",
            json!({ "Name": "A", "attributes": { "type": "account", "url": "x" } }),
        )
        .await;
    let twice = json!({ "attributes": { "type": "Account" }, "id": id, "Id": id, "Name": "B" });
    let answer = client
        .patch(&format!("{V}/composite/sobjects"), &json!({ "records": [twice] }))
        .await;
    assert_eq!(answer.refusal(), (400, "JSON_PARSER_ERROR".to_owned()));
}

#[tokio::test]
async fn places_and_chances_keep_within_their_bounds() {
    let client = Client::start().await;
    for (object, field, wrong, right) in [
        ("Account", "BillingLatitude", json!(90.1), json!(-90)),
        ("Account", "BillingLatitude", json!(-91), json!(90)),
        ("Account", "ShippingLongitude", json!(180.5), json!(-180)),
        ("Opportunity", "Probability", json!(101), json!(100)),
        ("Opportunity", "Probability", json!(-1), json!(0)),
    ] {
        let record = |value| match object {
            "Account" => json!({ "Name": "A", field: value }),
            _ => opportunity(json!({ field: value })),
        };
        let (status, code, _, fields) = refused(&client, object, &record(wrong.clone())).await;
        assert_eq!(
            (status, code.as_str()),
            (400, "NUMBER_OUTSIDE_VALID_RANGE"),
            "{wrong}"
        );
        assert_eq!(fields, [field]);
        client.create(object, record(right)).await;
    }
}

#[tokio::test]
async fn the_moments_of_an_event_agree_and_span_two_weeks_at_most() {
    let client = Client::start().await;
    let start = "2026-12-01T09:00:00Z";
    for wrong in [
        json!({ "StartDateTime": start, "EndDateTime": "2026-12-01T10:00:00Z", "DurationInMinutes": 59 }),
        json!({ "StartDateTime": start, "ActivityDateTime": "2026-12-01T10:00:00Z", "DurationInMinutes": 5 }),
        json!({ "StartDateTime": start, "DurationInMinutes": 14 * 24 * 60 + 1 }),
        json!({ "StartDateTime": start, "EndDateTime": "2026-12-15T09:00:01Z" }),
    ] {
        let answer = refused(&client, "Event", &wrong).await;
        assert_eq!(
            (answer.0, answer.1.as_str()),
            (400, "FIELD_INTEGRITY_EXCEPTION"),
            "{wrong}"
        );
    }
    let out_of_range = json!({ "StartDateTime": start, "DurationInMinutes": 2_147_483_648_u32 });
    let (_, code, _, fields) = refused(&client, "Event", &out_of_range).await;
    assert_eq!(
        (code.as_str(), fields),
        ("NUMBER_OUTSIDE_VALID_RANGE", vec!["DurationInMinutes".to_owned()])
    );
    for right in [
        json!({ "StartDateTime": start, "EndDateTime": "2026-12-01T10:00:00Z", "DurationInMinutes": 60 }),
        json!({ "StartDateTime": start, "ActivityDateTime": start, "DurationInMinutes": 14 * 24 * 60 }),
    ] {
        let id = client.create("Event", right).await;
        let longer = json!({ "DurationInMinutes": 90 });
        let path = format!("{V}/sobjects/Event/{id}");
        assert_eq!(client.patch(&path, &longer).await.status, 204);
        assert_eq!(
            client.read("Event", &id).await["EndDateTime"],
            "2026-12-01T10:30:00.000+0000"
        );
    }
}
