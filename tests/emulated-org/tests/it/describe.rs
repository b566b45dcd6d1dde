//! Versions, resources and metadata.

#![cfg(test)]

use std::time::Duration;

use emulated_org::Options;
use emulated_org::schema::Field;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

#[tokio::test]
async fn versions_are_listed_to_anyone_and_counted_for_nobody() {
    let client = Client::start().await;
    let answer = client.send(client.http.get(client.url("/services/data"))).await;
    assert_eq!((answer.status, answer.header("sforce-limit-info")), (200, ""));
    let versions = answer.json();
    let latest = versions
        .as_array()
        .and_then(|list| list.last())
        .expect("versions");
    let expected = json!({ "label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0" });
    assert_eq!(latest, &expected);
    let with_slash = client.send(client.http.get(client.url("//services/data/"))).await;
    assert_eq!(with_slash.status, 200, "doubled and trailing slashes are borne");
}

#[tokio::test]
async fn versions_that_are_retired_or_unknown_are_told_apart() {
    let client = Client::start_with(Options {
        api_versions: 62..=67,
        ..Options::default()
    })
    .await;
    assert_eq!(client.get("/services/data/v62.0/limits").await.status, 200);
    assert_eq!(client.get("/services/data/v20.0/limits").await.status, 410);
    for unknown in ["v68.0", "v61.0", "v68", "68.0", "vx.0"] {
        let answer = client.get(&format!("/services/data/{unknown}/limits")).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn a_version_lists_its_resources() {
    let client = Client::start().await;
    let resources = client.get(V).await.json();
    for (name, path) in resources.as_object().expect("resources") {
        assert_eq!(path, &json!(format!("{V}/{name}")));
    }
    assert_eq!(resources["sobjects"], format!("{V}/sobjects"));
}

#[tokio::test]
async fn the_global_describe_lists_every_object() {
    let client = Client::start().await;
    let body = client.get(&format!("{V}/sobjects")).await.json();
    assert_eq!(
        (&body["encoding"], &body["maxBatchSize"]),
        (&json!("UTF-8"), &json!(200))
    );
    let objects = body["sobjects"].as_array().expect("objects");
    let names: Vec<&str> = objects
        .iter()
        .filter_map(|object| object["name"].as_str())
        .collect();
    for name in [
        "Account",
        "Contact",
        "Lead",
        "Opportunity",
        "Task",
        "Event",
        "User",
        "Profile",
        "Organization",
        "RecordType",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    let account = objects
        .iter()
        .find(|object| object["name"] == "Account")
        .expect("Account");
    assert_eq!(
        (&account["keyPrefix"], &account["createable"]),
        (&json!("001"), &json!(true))
    );
    assert_eq!(
        account["urls"]["describe"],
        format!("{V}/sobjects/Account/describe")
    );
}

#[tokio::test]
async fn a_describe_has_every_documented_key() {
    let client = Client::start().await;
    let body = client.get(&format!("{V}/sobjects/Account/describe")).await.json();
    for key in [
        "fields",
        "childRelationships",
        "recordTypeInfos",
        "supportedScopes",
        "urls",
        "labelPlural",
        "keyPrefix",
    ] {
        assert!(!body[key].is_null(), "{key}");
    }
    let keys = "name,label,type,soapType,length,byteLength,precision,scale,digits,nillable,createable,updateable,\
                defaultedOnCreate,defaultValue,defaultValueFormula,externalId,idLookup,unique,caseSensitive,autoNumber,\
                calculated,calculatedFormula,custom,filterable,groupable,sortable,aggregatable,permissionable,referenceTo,\
                relationshipName,relationshipOrder,cascadeDelete,restrictedDelete,writeRequiresMasterRead,\
                polymorphicForeignKey,picklistValues,restrictedPicklist,dependentPicklist,controllerName,\
                compoundFieldName,nameField,namePointing,htmlFormatted,encrypted,mask,maskType,searchPrefilterable,\
                queryByDistance,displayLocationInDecimal,highScaleNumber,extraTypeInfo,inlineHelpText,\
                aiPredictionField,formulaTreatNullNumberAsZero";
    let fields = body["fields"].as_array().expect("fields");
    for field in fields {
        for key in keys.split(',') {
            assert!(field.get(key).is_some(), "{} lacks {key}", field["name"]);
        }
    }
    let field = |name: &str| {
        fields
            .iter()
            .find(|field| field["name"] == name)
            .unwrap_or_else(|| panic!("{name}"))
    };
    let name = field("Name");
    assert_eq!(
        (&name["type"], &name["length"], &name["byteLength"]),
        (&json!("string"), &json!(255), &json!(765))
    );
    assert_eq!(
        (&name["nillable"], &name["soapType"]),
        (&json!(false), &json!("xsd:string"))
    );
    assert_eq!(field("OwnerId")["referenceTo"], json!(["User"]));
    let values = field("Industry")["picklistValues"].as_array().expect("values");
    assert!(
        values
            .iter()
            .any(|value| value["value"] == "Banking" && value["active"] == true)
    );
    let contacts = body["childRelationships"].as_array().expect("children").iter();
    let contacts: Vec<&Json> = contacts
        .filter(|child| child["relationshipName"] == "Contacts")
        .collect();
    assert_eq!(
        (&contacts[0]["childSObject"], &contacts[0]["field"]),
        (&json!("Contact"), &json!("AccountId"))
    );
    assert_eq!(body["recordTypeInfos"][0]["developerName"], "Master");
}

#[tokio::test]
async fn unchanged_metadata_is_not_sent_again() {
    let client = Client::start().await;
    let path = format!("{V}/sobjects/Account/describe");
    let first = client.get(&path).await;
    let last_modified = first.header("last-modified").to_owned();
    assert!(last_modified.ends_with(" GMT"), "{last_modified}");
    let ask = || {
        client.send(
            client
                .request(reqwest::Method::GET, &path)
                .header("If-Modified-Since", &last_modified),
        )
    };
    let unchanged = ask().await;
    assert_eq!((unchanged.status, unchanged.text.as_str()), (304, ""));

    client.org.clock().advance(Duration::from_secs(5));
    let field = Field {
        name: "New__c".to_owned(),
        custom: true,
        length: 10,
        ..Field::default()
    };
    client
        .org
        .org()
        .change_schema(|schema| schema.add_field("Account", field))
        .expect("the field is added");
    let changed = ask().await;
    assert_eq!(changed.status, 200);
    assert!(changed.text.contains("\"New__c\""));
}

#[tokio::test]
async fn head_requests_get_the_head_alone() {
    let client = Client::start().await;
    let head = client
        .send(client.request(reqwest::Method::HEAD, &format!("{V}/sobjects/Account/describe")))
        .await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("sforce-limit-info"), "api-usage=1/110000");
}
