//! Mappings both ways, and partners that write through them.

use causeway_core::mapping::SalesforceType;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{Gateway, object};

/// Salesforce user who owns what nobody else does.
const DEFAULT_OWNER: &str = "0058a00000rBqb8";

/// A gateway with accounts and contacts mapped both ways. `partner_deletes`: what a delete by the partner does.
pub async fn both_ways(partner_deletes: &str) -> Gateway {
    let gateway = Gateway::start().await;
    map_both_ways(&gateway, partner_deletes).await;
    gateway
}

/// Maps accounts and contacts both ways, as [`both_ways`] does.
pub async fn map_both_ways(gateway: &Gateway, partner_deletes: &str) {
    let account = object(
        "Account",
        &[
            ("Name", SalesforceType::String, &[]),
            ("Partner_Id__c", SalesforceType::String, &[]),
            ("MasterRecordId", SalesforceType::Reference, &["Account"]),
        ],
    );
    let mut contact = object(
        "Contact",
        &[
            ("LastName", SalesforceType::String, &[]),
            ("Email", SalesforceType::Email, &[]),
            ("Birthdate", SalesforceType::Date, &[]),
            ("Amount__c", SalesforceType::Currency, &[]),
            ("Topics__c", SalesforceType::Multipicklist, &[]),
            ("AccountId", SalesforceType::Reference, &["Account"]),
            ("Partner_Id__c", SalesforceType::String, &[]),
            ("MasterRecordId", SalesforceType::Reference, &["Contact"]),
        ],
    );
    for field in contact.fields.values_mut() {
        field.nillable = field.name != "LastName";
        if field.name == "Topics__c" {
            field.picklist_values = vec!["News".to_owned(), "Offers".to_owned()];
        }
    }
    gateway
        .map(
            json!({"partnerObject": "account", "salesforceObject": "Account", "direction": "both",
                "defaultOwner": "u-1", "salesforceDefaultOwner": DEFAULT_OWNER, "externalId": "Partner_Id__c",
                "partnerDeletePolicy": partner_deletes,
                "fields": [{"partner": "name", "type": "Text", "salesforce": "Name", "rule": "mostRecent"}]}),
            account,
        )
        .await;
    gateway
        .map(
            json!({"partnerObject": "contact", "salesforceObject": "Contact", "direction": "both",
                "defaultOwner": "u-1", "salesforceDefaultOwner": DEFAULT_OWNER, "externalId": "Partner_Id__c",
                "partnerDeletePolicy": partner_deletes,
                "fields": [
                    {"partner": "last_name", "type": "Text", "salesforce": "LastName", "required": true,
                        "rule": "mostRecent"},
                    {"partner": "email", "type": "Email", "salesforce": "Email", "rule": "mostRecent"},
                    {"partner": "birthday", "type": "Date", "salesforce": "Birthdate", "rule": "salesforce"},
                    {"partner": "amount", "type": "Currency", "salesforce": "Amount__c", "rule": "partner"},
                    {"partner": "topics", "type": "MultiChoice", "salesforce": "Topics__c", "rule": "mostRecent"},
                    {"partner": "account", "type": "Reference", "salesforce": "AccountId", "rule": "mostRecent"}]}),
            contact,
        )
        .await;
}

/// Sends a request as the client `partner`.
pub async fn send(
    gateway: &Gateway,
    method: Method,
    path: &str,
    body: Option<&Value>,
    key: Option<&str>,
) -> Response {
    let mut request = gateway
        .http
        .request(method, format!("{}{path}", gateway.url()))
        .bearer_auth(gateway.token("partner"));
    if let Some(body) = body {
        request = request.json(body);
    }
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    request.send().await.unwrap()
}

/// Posts, which must be accepted, and gives the answer.
pub async fn accepted(gateway: &Gateway, path: &str, body: &Value) -> Value {
    let answer = send(gateway, Method::POST, path, Some(body), None).await;
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert_eq!(status, StatusCode::ACCEPTED, "{path}: {text}");
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Posts one row of an object, and gives its result.
pub async fn post_one(gateway: &Gateway, object: &str, row: Value) -> Value {
    let answer = accepted(
        gateway,
        &format!("/v1/records/{object}"),
        &json!({"records": [row]}),
    )
    .await;
    answer["results"][0].clone()
}

/// The change of a contact that no partner made, as the package would push it, read `second` seconds after 06:04.
pub fn contact(id: &str, second: u32, mut fields: Value) -> Value {
    let stamp = format!("2026-11-22T06:04:{second:02}.000Z");
    // Without it nobody could tell that the record is not one of the gateway's own.
    fields["Partner_Id__c"] = Value::Null;
    json!({"object": "Contact", "operation": "update", "id": id, "systemModstamp": stamp, "observedAt": stamp,
        "fields": fields})
}
