//! Child subqueries.
#![cfg(test)]

use emulated_org::{RecordId, Value};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{names, query, query_request, refusal, seed_accounts, start};
use crate::client::{Client, V};

fn seed_contacts(client: &Client, account: RecordId, names: impl IntoIterator<Item = String>) {
    let rows = names
        .into_iter()
        .map(|name| vec![("LastName", Value::text(name)), ("AccountId", Value::Id(account))]);
    client.org.seed("Contact", rows).unwrap();
}

fn last_names(page: &Json) -> Vec<&str> {
    let records = page["records"].as_array().unwrap_or_else(|| panic!("{page}"));
    records
        .iter()
        .map(|record| record["LastName"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn children_stand_in_their_parent_as_a_result_of_their_own_and_none_are_null() {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Acme".to_owned(), "Lonely".to_owned()]);
    seed_contacts(&client, accounts[0], ["Ann", "Ben", "Cid"].map(str::to_owned));
    let soql = "SELECT Name, (SELECT LastName, Account.Name FROM Contacts WHERE LastName != 'Ben' \
                ORDER BY LastName DESC LIMIT 5) FROM Account ORDER BY Name";
    let answer = query(&client, soql).await;
    assert_eq!(answer["totalSize"], 2);
    let contacts = &answer["records"][0]["Contacts"];
    assert_eq!(
        (&contacts["totalSize"], &contacts["done"]),
        (&json!(2), &json!(true)),
        "{answer}"
    );
    assert_eq!(last_names(contacts), ["Cid", "Ann"]);
    let first = &contacts["records"][0];
    assert_eq!(first["attributes"]["type"], "Contact");
    assert_eq!(first["Account"]["Name"], "Acme");
    let lonely = answer["records"][1].as_object().unwrap();
    assert_eq!(lonely.get("Contacts"), Some(&Json::Null));
}

#[tokio::test]
async fn subqueries_name_the_relationship_not_the_object() {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Acme".to_owned()]);
    seed_contacts(&client, accounts[0], ["Ann".to_owned()]);
    for soql in [
        "SELECT Id, (SELECT LastName FROM Account.Contacts) FROM Account",
        "SELECT Id, (SELECT Contact.LastName FROM a.contacts) FROM Account a",
    ] {
        let answer = query(&client, soql).await;
        assert_eq!(last_names(&answer["records"][0]["Contacts"]), ["Ann"], "{soql}");
    }
    let (code, message) = refusal(&client, "SELECT Id, (SELECT Id FROM Contact) FROM Account").await;
    assert_eq!(code, "INVALID_TYPE");
    assert_eq!(
        message,
        "\nSELECT Id, (SELECT Id FROM Contact) FROM Account\n                           ^\n\
         ERROR at Row:1:Column:28\nDidn't understand relationship 'Contact' in FROM part of query call. If you are \
         attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. \
         Please reference your WSDL or the describe call for the appropriate names."
    );
}

#[tokio::test]
async fn deleted_children_show_only_to_those_who_ask_for_all() {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Acme".to_owned()]);
    seed_contacts(&client, accounts[0], ["Ann".to_owned()]);
    let gone = client
        .create(
            "Contact",
            json!({ "LastName": "Ben", "AccountId": accounts[0].as_str() }),
        )
        .await;
    client.delete(&format!("{V}/sobjects/Contact/{gone}")).await;
    let soql = "SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account";
    let live = query(&client, soql).await;
    assert_eq!(last_names(&live["records"][0]["Contacts"]), ["Ann"]);
    let all = client
        .request(Method::GET, &format!("{V}/queryAll"))
        .query(&[("q", soql)]);
    let all = client.send(all).await.json();
    assert_eq!(last_names(&all["records"][0]["Contacts"]), ["Ann", "Ben"]);
}

#[tokio::test]
async fn many_children_have_pages_of_their_own() {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Acme".to_owned()]);
    seed_contacts(&client, accounts[0], (0..450).map(|index| format!("C{index:03}")));
    let batch = |request: reqwest::RequestBuilder| request.header("Sforce-Query-Options", "batchSize=200");
    let soql = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account";
    let answer = client.send(batch(query_request(&client, soql))).await.json();
    assert_eq!((&answer["totalSize"], &answer["done"]), (&json!(1), &json!(true)));
    let mut page = answer["records"][0]["Contacts"].clone();
    let mut seen: Vec<String> = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 450);
        seen.extend(last_names(&page).into_iter().map(str::to_owned));
        let Some(next) = page.get("nextRecordsUrl") else {
            break;
        };
        let next = next.as_str().unwrap();
        assert!(next.starts_with("/services/data/v68.0/query/01g"), "{next}");
        page = client.send(batch(client.request(Method::GET, next))).await.json();
    }
    assert_eq!(
        seen,
        (0..450).map(|index| format!("C{index:03}")).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn children_count_towards_the_rows_of_a_page() {
    let client = start().await;
    let accounts = seed_accounts(&client, (0..30).map(|index| format!("A{index:02}")));
    for account in &accounts {
        seed_contacts(&client, *account, (0..19).map(|index| format!("C{index}")));
    }
    let soql = "SELECT Name, (SELECT LastName FROM Contacts) FROM Account ORDER BY Name";
    let batch = |request: reqwest::RequestBuilder| request.header("Sforce-Query-Options", "batchSize=200");
    let first = client.send(batch(query_request(&client, soql))).await.json();
    assert_eq!((&first["totalSize"], names(&first).len()), (&json!(30), 10));
    let next = first["nextRecordsUrl"].as_str().unwrap();
    let second = client.send(batch(client.request(Method::GET, next))).await.json();
    assert_eq!(names(&second)[0], "A10");
    assert_eq!(second["records"][0]["Contacts"]["totalSize"], 19);
}

#[tokio::test]
async fn children_have_children_since_version_58() {
    let client = start().await;
    let accounts = seed_accounts(&client, ["Acme".to_owned()]);
    let opportunity = client
        .create(
            "Contact",
            json!({ "LastName": "Ann", "AccountId": accounts[0].as_str() }),
        )
        .await;
    client
        .create("Task", json!({ "Subject": "Call", "WhoId": opportunity }))
        .await;
    let soql = "SELECT Id, (SELECT LastName, (SELECT Subject FROM Tasks) FROM Contacts) FROM Account";
    let answer = query(&client, soql).await;
    let tasks = &answer["records"][0]["Contacts"]["records"][0]["Tasks"];
    assert_eq!(tasks["records"][0]["Subject"], "Call", "{answer}");
    let old = client
        .request(Method::GET, "/services/data/v57.0/query")
        .query(&[("q", soql)]);
    let (status, code, message, _) = client.send(old).await.error();
    assert_eq!((status, code.as_str()), (400, "MALFORMED_QUERY"));
    assert_eq!(
        message,
        "SOQL statements cannot query aggregate relationships more than 1 level away from the root entity object."
    );
}

#[tokio::test]
async fn columns_are_described_with_parents_and_children_below_them() {
    let client = start().await;
    let soql =
        "SELECT Id, Owner.Name, Owner.Email, NumberOfEmployees, (SELECT LastName FROM Contacts) FROM Account";
    let request = query_request(&client, soql).query(&[("columns", "true")]);
    let answer = client.send(request).await.json();
    assert_eq!(
        (&answer["entityName"], &answer["keyPrefix"], &answer["idSelected"]),
        (&json!("Account"), &json!("001"), &json!(true))
    );
    let shape = |columns: &Json| -> Vec<(String, bool, usize)> {
        let columns = columns.as_array().unwrap();
        let shape = columns.iter().map(|column| {
            let below = column["joinColumns"].as_array().unwrap().len();
            let name = column["columnName"].as_str().unwrap().to_owned();
            (name, column["aggregate"] == json!(true), below)
        });
        shape.collect()
    };
    let expected = [
        ("Id", false, 0),
        ("Owner", false, 2),
        ("NumberOfEmployees", false, 0),
        ("Contacts", true, 1),
    ];
    assert_eq!(
        shape(&answer["columnMetadata"]),
        expected.map(|(name, aggregate, below)| (name.to_owned(), aggregate, below))
    );
    assert_eq!(answer["columnMetadata"][2]["apexType"], "Integer");
    let grouped = "SELECT Industry, COUNT(Id) n, MAX(CreatedDate) FROM Account GROUP BY Industry";
    let request = query_request(&client, grouped).query(&[("columns", "true")]);
    let answer = client.send(request).await.json();
    assert_eq!(answer["groupBy"], true);
    let columns = answer["columnMetadata"].as_array().unwrap();
    let columns: Vec<_> = columns
        .iter()
        .map(|column| {
            (
                &column["columnName"],
                &column["displayName"],
                &column["aggregate"],
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            (&json!("Industry"), &json!("Industry"), &json!(false)),
            (&json!("n"), &json!("COUNT(Id)"), &json!(true)),
            (&json!("expr0"), &json!("MAX(CreatedDate)"), &json!(true)),
        ]
    );
}
