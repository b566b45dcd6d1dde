//! People at work: in whose name records change, and what only the pages can do.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};
use crate::ingest::start;

pub const NINA: &str = "nina@northwind.example";

/// Nina, who works in the organisation; her id.
pub async fn nina(client: &Client) -> String {
    let user = json!({ "firstName": "Nina", "lastName": "Berg", "username": NINA });
    let made = client.knob(Method::POST, "/emulator/users", &user).await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Lets Nina delete what others own.
pub fn may_all(client: &Client) {
    let org = client.org.org();
    org.set_profile(NINA, "System Administrator").unwrap();
}

/// Lets Nina do something; the result.
pub async fn does(client: &Client, deed: Json) -> Json {
    let acts = json!({ "as": NINA, "deeds": [deed] });
    let answer = client.knob(Method::POST, "/emulator/people", &acts).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()[0].clone()
}

pub async fn done(client: &Client, deed: Json) -> String {
    let result = does(client, deed).await;
    assert_eq!(result["success"], true, "{result}");
    result["id"].as_str().unwrap().to_owned()
}

async fn code(client: &Client, deed: Json) -> String {
    let result = does(client, deed).await;
    assert_eq!(result["success"], false, "{result}");
    result["errors"][0]["statusCode"].as_str().unwrap().to_owned()
}

pub async fn query_all(client: &Client, soql: &str) -> Vec<Json> {
    let request = client
        .request(Method::GET, &format!("{V}/queryAll"))
        .query(&[("q", soql)]);
    let answer = client.send(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().unwrap().clone()
}

/// One field of each row, by SOQL over live and deleted rows.
async fn all(client: &Client, object: &str, field: &str) -> Vec<(String, Json)> {
    query_all(client, &format!("SELECT Id, {field} FROM {object} ORDER BY Id"))
        .await
        .iter()
        .map(|row| (row["Id"].as_str().unwrap().to_owned(), row[field].clone()))
        .collect()
}

#[tokio::test]
async fn a_record_tells_who_made_it_and_who_changed_it_last() {
    let client = start().await;
    let nina = nina(&client).await;
    let admin = client.org.org().admin.to_string();
    let id = client.create("Account", json!({ "Name": "A" })).await;
    client.org.clock().advance(Duration::from_secs(5));
    done(
        &client,
        json!({ "update": { "id": id, "fields": { "Name": "B", "Phone": null } } }),
    )
    .await;
    let stored = client.read("Account", &id).await;
    assert_eq!(
        ["Name", "CreatedById", "LastModifiedById", "SystemModstamp"].map(|name| stored[name].clone()),
        [
            json!("B"),
            json!(admin),
            json!(nina),
            json!("2026-02-18T12:00:05.000+0000")
        ]
    );
    client
        .patch(&format!("{V}/sobjects/Account/{id}"), &json!({ "Name": "C" }))
        .await;
    assert_eq!(
        client.read("Account", &id).await["LastModifiedById"],
        json!(admin)
    );
    let own = done(
        &client,
        json!({ "create": { "object": "Lead", "fields": { "LastName": "L", "Company": "C" } } }),
    )
    .await;
    let stored = client.read("Lead", &own).await;
    assert_eq!(
        (&stored["CreatedById"], &stored["OwnerId"]),
        (&json!(nina), &json!(nina))
    );

    let token = client
        .knob(Method::POST, "/emulator/tokens", &json!({ "username": NINA }))
        .await
        .json();
    let as_nina = client
        .http
        .patch(client.url(&format!("{V}/sobjects/Account/{id}")))
        .bearer_auth(token["access_token"].as_str().unwrap())
        .json(&json!({ "Name": "D" }));
    assert_eq!(client.send(as_nina).await.status, 204);
    assert_eq!(client.read("Account", &id).await["LastModifiedById"], json!(nina));

    assert_eq!(
        code(&client, json!({ "delete": { "id": "nonsense" } })).await,
        "MALFORMED_ID"
    );
    assert_eq!(
        code(
            &client,
            json!({ "create": { "object": "Account", "fields": { "Nope": 1 } } })
        )
        .await,
        "INVALID_FIELD"
    );
    let stranger = json!({ "as": "nobody@example.com", "deeds": [] });
    assert_eq!(
        client
            .knob(Method::POST, "/emulator/people", &stranger)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn an_account_takes_its_people_and_deals_into_the_bin_and_brings_them_back() {
    let client = start().await;
    nina(&client).await;
    may_all(&client);
    let account = client
        .create("Account", json!({ "Name": "A", "Partner_Id__c": "a" }))
        .await;
    let child = client
        .create("Account", json!({ "Name": "B", "ParentId": account }))
        .await;
    let contact = client
        .create(
            "Contact",
            json!({ "LastName": "C", "AccountId": account, "Partner_Id__c": "c" }),
        )
        .await;
    let early = client
        .create("Contact", json!({ "LastName": "E", "AccountId": account }))
        .await;
    client
        .create(
            "Opportunity",
            json!({ "Name": "O", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-01" }),
        )
        .await;
    client.delete(&format!("{V}/sobjects/Contact/{early}")).await;
    client.org.clock().advance(Duration::from_secs(60));
    done(&client, json!({ "delete": { "id": account } })).await;
    let deleted = async |object: &str| -> Vec<bool> {
        all(&client, object, "IsDeleted")
            .await
            .iter()
            .map(|(_, deleted)| deleted.as_bool().unwrap())
            .collect()
    };
    assert_eq!(deleted("Account").await, [true, false]);
    assert_eq!(deleted("Contact").await, [true, true]);
    assert_eq!(deleted("Opportunity").await, [true]);
    assert_eq!(client.read("Account", &child).await["ParentId"], Json::Null);
    let stamp = &all(&client, "Contact", "SystemModstamp").await[0].1;
    assert_eq!(stamp, "2026-02-18T12:01:00.000+0000");

    done(&client, json!({ "undelete": { "id": account } })).await;
    assert_eq!(deleted("Account").await, [false, false]);
    assert_eq!(
        deleted("Contact").await,
        [false, true],
        "what was in the bin before stays there"
    );
    assert_eq!(deleted("Opportunity").await, [false]);
    assert_eq!(client.read("Account", &child).await["ParentId"], json!(account));
    assert_eq!(
        client.read("Contact", &contact).await["AccountId"],
        json!(account)
    );
    assert_eq!(
        client
            .get(&format!("{V}/sobjects/Contact/Partner_Id__c/c"))
            .await
            .status,
        200,
        "found by its key again"
    );
    assert_eq!(
        code(&client, json!({ "undelete": { "id": account } })).await,
        "UNDELETE_FAILED"
    );

    client.delete(&format!("{V}/sobjects/Account/{account}")).await;
    client
        .create("Account", json!({ "Name": "New", "Partner_Id__c": "a" }))
        .await;
    assert_eq!(
        code(&client, json!({ "undelete": { "id": account } })).await,
        "DUPLICATE_VALUE"
    );
    done(&client, json!({ "hardDelete": { "id": account } })).await;
    assert_eq!(deleted("Account").await, [false, false]);
    assert_eq!(deleted("Contact").await, [true]);
    assert_eq!(
        code(&client, json!({ "undelete": { "id": account } })).await,
        "UNDELETE_FAILED"
    );
}

#[tokio::test]
async fn a_merge_leaves_one_record_that_the_others_name() {
    let client = start().await;
    nina(&client).await;
    may_all(&client);
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "D"] {
        ids.push(client.create("Account", json!({ "Name": name })).await);
    }
    let [master, second, third, fourth] = [0, 1, 2, 3].map(|at| ids[at].clone());
    let contact = client
        .create("Contact", json!({ "LastName": "P", "AccountId": second }))
        .await;
    let merge =
        |losers: Json| json!({ "merge": { "master": master, "losers": losers, "fields": { "Phone": "1" } } });
    assert_eq!(code(&client, merge(json!([]))).await, "INVALID_ID_FIELD");
    assert_eq!(code(&client, merge(json!([master]))).await, "INVALID_ID_FIELD");
    assert_eq!(
        code(&client, merge(json!([second, third, fourth]))).await,
        "INVALID_ID_FIELD"
    );
    client.org.clock().advance(Duration::from_secs(60));
    done(&client, merge(json!([second, third]))).await;
    let masters = all(&client, "Account", "MasterRecordId").await;
    let expected = [
        (master.clone(), Json::Null),
        (second.clone(), json!(master)),
        (third, json!(master)),
        (fourth, Json::Null),
    ];
    assert_eq!(masters, expected);
    assert_eq!(client.read("Account", &master).await["Phone"], "1");
    let moved = client.read("Contact", &contact).await;
    assert_eq!(
        (
            &moved["AccountId"],
            &moved["LastModifiedDate"],
            &moved["SystemModstamp"]
        ),
        (
            &json!(master),
            &json!("2026-02-18T12:00:00.000+0000"),
            &json!("2026-02-18T12:01:00.000+0000")
        ),
        "nobody edited the contact"
    );
    let gone = client.get(&format!("{V}/sobjects/Account/{second}")).await;
    assert_eq!(gone.refusal(), (404, "ENTITY_IS_DELETED".to_owned()));
    let filter = format!("SELECT Id FROM Account WHERE IsDeleted = true AND MasterRecordId = '{master}'");
    assert_eq!(query_all(&client, &filter).await.len(), 2);

    done(&client, json!({ "undelete": { "id": second } })).await;
    assert_eq!(
        client.read("Account", &second).await["MasterRecordId"],
        Json::Null
    );
    assert_eq!(client.read("Contact", &contact).await["AccountId"], json!(master));
    let opportunity = json!({ "create": { "object": "Opportunity", "fields": { "Name": "O", "StageName": "Prospecting", "CloseDate": "2026-12-01" } } });
    let opportunity = done(&client, opportunity).await;
    let wrong = json!({ "merge": { "master": opportunity, "losers": [opportunity] } });
    assert_eq!(code(&client, wrong).await, "INVALID_TYPE_FOR_OPERATION");
}

#[tokio::test]
async fn a_converted_lead_names_its_records_and_takes_no_edit() {
    let client = start().await;
    nina(&client).await;
    let lead = json!({
        "LastName": "Lovelace", "FirstName": "Ada", "Company": "Engines", "Email": "ada@engines.example",
        "Phone": "1", "City": "London", "Partner_Id__c": "l1",
    });
    let lead = client.create("Lead", lead).await;
    let task = client
        .create("Task", json!({ "Subject": "Call", "WhoId": lead }))
        .await;
    assert_eq!(
        code(
            &client,
            json!({ "convertLead": { "id": lead, "status": "Nonsense" } })
        )
        .await,
        "INVALID_STATUS"
    );
    done(&client, json!({ "convertLead": { "id": lead } })).await;
    let stored = client.read("Lead", &lead).await;
    assert_eq!(
        (
            &stored["IsConverted"],
            &stored["ConvertedDate"],
            stored["IsDeleted"].as_bool()
        ),
        (&json!(true), &json!("2026-02-18"), Some(false))
    );
    let converted = |object: &str| {
        stored[format!("Converted{object}Id")]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let account = client.read("Account", &converted("Account")).await;
    assert_eq!(
        (&account["Name"], &account["BillingCity"]),
        (&json!("Engines"), &json!("London"))
    );
    let contact = client.read("Contact", &converted("Contact")).await;
    assert_eq!(
        ["FirstName", "LastName", "Email", "AccountId", "Partner_Id__c"].map(|name| contact[name].clone()),
        [
            json!("Ada"),
            json!("Lovelace"),
            json!("ada@engines.example"),
            account["Id"].clone(),
            Json::Null
        ]
    );
    let opportunity = client.read("Opportunity", &converted("Opportunity")).await;
    assert_eq!(
        (&opportunity["Name"], &opportunity["CloseDate"]),
        (&json!("Engines"), &json!("2026-03-31"))
    );
    let task = client.read("Task", &task).await;
    assert_eq!(
        (&task["WhoId"], &task["AccountId"]),
        (&contact["Id"], &account["Id"])
    );

    let refused = (400, "CANNOT_UPDATE_CONVERTED_LEAD".to_owned());
    let path = format!("{V}/sobjects/Lead/{lead}");
    assert_eq!(
        client.patch(&path, &json!({ "Phone": "2" })).await.refusal(),
        refused
    );
    let by_key = format!("{V}/sobjects/Lead/Partner_Id__c/l1");
    assert_eq!(
        client.patch(&by_key, &json!({ "Phone": "2" })).await.refusal(),
        refused
    );
    let about = json!({ "Subject": "Call", "WhoId": lead });
    assert_eq!(
        client.post(&format!("{V}/sobjects/Task"), &about).await.refusal(),
        refused
    );
    assert_eq!(
        code(&client, json!({ "convertLead": { "id": lead } })).await,
        "CANNOT_UPDATE_CONVERTED_LEAD"
    );

    let second = client
        .create("Lead", json!({ "LastName": "B", "Company": "Engines" }))
        .await;
    let known = json!({
        "id": second, "account": account["Id"], "contact": contact["Id"], "withoutOpportunity": true,
    });
    done(&client, json!({ "convertLead": known })).await;
    let stored = client.read("Lead", &second).await;
    assert_eq!(
        [
            "ConvertedAccountId",
            "ConvertedContactId",
            "ConvertedOpportunityId"
        ]
        .map(|name| stored[name].clone()),
        [account["Id"].clone(), contact["Id"].clone(), Json::Null]
    );
}

#[tokio::test]
async fn a_transaction_that_commits_late_shows_old_stamps_and_locks_its_rows() {
    let client = start().await;
    nina(&client).await;
    let id = client.create("Account", json!({ "Name": "A" })).await;
    let acts = json!({
        "as": NINA,
        "deeds": [
            { "update": { "id": id, "fields": { "Name": "Late" } } },
            { "create": { "object": "Account", "fields": { "Name": "" } } },
        ],
        "commitAfterMilliseconds": 90_000,
    });
    client.org.clock().advance(Duration::from_secs(10));
    let begun = client.knob(Method::POST, "/emulator/people", &acts).await.json();
    let ticket = begun[0]["ticket"].as_u64().expect("a ticket").to_string();
    let failed = begun[1]["ticket"].as_u64().expect("a ticket").to_string();
    client.org.clock().advance(Duration::from_secs(60));
    assert_eq!(client.read("Account", &id).await["Name"], "A");
    let blocked = client
        .patch(&format!("{V}/sobjects/Account/{id}"), &json!({ "Name": "Mine" }))
        .await;
    assert_eq!(blocked.refusal(), (400, "UNABLE_TO_LOCK_ROW".to_owned()));
    client.org.clock().advance(Duration::from_secs(30));
    let stored = client.read("Account", &id).await;
    assert_eq!(
        (&stored["Name"], &stored["SystemModstamp"]),
        (&json!("Late"), &json!("2026-02-18T12:00:10.000+0000")),
        "seen at 12:01:40"
    );
    let results = client
        .knob(Method::GET, "/emulator/people/late", &json!({}))
        .await
        .json();
    assert_eq!(results[&ticket]["success"], true, "{results}");
    assert_eq!(
        results[&failed]["errors"][0]["statusCode"],
        "REQUIRED_FIELD_MISSING"
    );
    let free = client
        .patch(&format!("{V}/sobjects/Account/{id}"), &json!({ "Name": "Mine" }))
        .await;
    assert_eq!(free.status, 204);
}

#[tokio::test]
async fn a_share_of_what_people_do_commits_late_when_asked() {
    let client = start().await;
    nina(&client).await;
    let late = json!({ "lateCommits": { "percent": 30, "milliseconds": 5_000, "seed": 3 } });
    assert_eq!(
        client.knob(Method::POST, "/emulator/faults", &late).await.status,
        204
    );
    let deeds: Vec<Json> = (0..100)
        .map(|row| json!({ "create": { "object": "Account", "fields": { "Name": format!("A{row}") } } }))
        .collect();
    let acts = json!({ "as": NINA, "deeds": deeds });
    let results = client.knob(Method::POST, "/emulator/people", &acts).await.json();
    let late = results
        .as_array()
        .unwrap()
        .iter()
        .filter(|result| result.get("ticket").is_some());
    let late = late.count();
    assert!((10..=50).contains(&late), "{late} of 100");
    assert_eq!(all(&client, "Account", "Name").await.len(), 100 - late);
    client.org.clock().advance(Duration::from_secs(5));
    assert_eq!(all(&client, "Account", "Name").await.len(), 100);
}
