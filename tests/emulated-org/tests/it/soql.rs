//! Queries over HTTP.
// Clippy knows test code by this mark alone; helpers beside the tests may fail loudly as well.
#![cfg(test)]

mod aggregates;
mod children;
mod clauses;
mod dates;
mod joins;

use std::time::Duration;

use emulated_org::{Clock, Options, RecordId, Value};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};

/// An organisation whose clock stands still and whose sessions outlast its query locators.
async fn start() -> Client {
    let clock = Clock::fixed("2026-02-18T12:00:00Z".parse().unwrap());
    Client::start_with(Options {
        clock,
        session_timeout: Duration::from_hours(72),
        ..Options::default()
    })
    .await
}

fn seed_accounts(client: &Client, names: impl IntoIterator<Item = String>) -> Vec<RecordId> {
    let rows = names.into_iter().map(|name| vec![("Name", Value::text(name))]);
    client.org.seed("Account", rows).unwrap()
}

fn query_request(client: &Client, soql: &str) -> reqwest::RequestBuilder {
    client
        .request(Method::GET, &format!("{V}/query"))
        .query(&[("q", soql)])
}

async fn query(client: &Client, soql: &str) -> Json {
    client.send(query_request(client, soql)).await.json()
}

fn names(page: &Json) -> Vec<&str> {
    page["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["Name"].as_str().unwrap())
        .collect()
}

/// Code and message of a query that is refused.
async fn refusal(client: &Client, soql: &str) -> (String, String) {
    let answer = client.send(query_request(client, soql)).await;
    assert_eq!(answer.status, 400, "{soql}: {}", answer.text);
    let (_, code, message, _) = answer.error();
    (code, message)
}

fn refused_locator(answer: &Answer) -> bool {
    let refusal = json!([{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]);
    answer.status == 400 && answer.json() == refusal
}

#[tokio::test]
async fn a_record_has_attributes_and_its_fields_in_the_order_asked_for() {
    let client = start().await;
    let moment = "2026-02-17T10:00:00Z".parse().unwrap();
    let fields = vec![
        ("Name", Value::text("Ärzte \"Nord\" GmbH")),
        ("NumberOfEmployees", Value::Number(12.into())),
        ("AnnualRevenue", Value::Number(1_100.into())),
        ("BillingCity", Value::text("Köln")),
        ("CreatedDate", Value::DateTime(moment)),
    ];
    let id = client.org.seed("Account", [fields]).unwrap()[0];
    let soql = "SELECT Name, Id, NumberOfEmployees, AnnualRevenue, IsDeleted, CreatedDate, Industry, \
                BillingAddress, ShippingAddress FROM Account";
    let answer = query(&client, soql).await;
    let record = json!({
        "attributes": {"type": "Account", "url": format!("/services/data/v68.0/sobjects/Account/{id}")},
        "Name": "Ärzte \"Nord\" GmbH",
        "Id": id.as_str(),
        "NumberOfEmployees": 12,
        "AnnualRevenue": 1100.0,
        "IsDeleted": false,
        "CreatedDate": "2026-02-17T10:00:00.000+0000",
        "Industry": null,
        "BillingAddress": {
            "city": "Köln", "country": null, "geocodeAccuracy": null, "latitude": null, "longitude": null,
            "postalCode": null, "state": null, "street": null,
        },
        "ShippingAddress": null,
    });
    assert_eq!(answer, json!({"totalSize": 1, "done": true, "records": [record]}));
    let keys: Vec<&String> = answer["records"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys[..4], ["attributes", "Name", "Id", "NumberOfEmployees"]);
}

#[tokio::test]
async fn parents_are_nested_with_attributes_and_missing_ones_are_null() {
    let client = start().await;
    let account = seed_accounts(&client, ["Acme".to_owned()])[0];
    let contact = |name: &str, account: Value| vec![("LastName", Value::text(name)), ("AccountId", account)];
    let contacts = [contact("Ann", Value::Id(account)), contact("Ben", Value::Null)];
    client.org.seed("Contact", contacts).unwrap();
    let answer = query(
        &client,
        "SELECT LastName, Account.Name, Account.Owner.Username, Account.Industry FROM Contact",
    )
    .await;
    let admin = client.org.org().admin;
    let root = "/services/data/v68.0/sobjects";
    let records = &answer["records"];
    assert_eq!(
        records[0]["Account"],
        json!({
            "attributes": {"type": "Account", "url": format!("{root}/Account/{account}")},
            "Name": "Acme",
            "Owner": {
                "attributes": {"type": "User", "url": format!("{root}/User/{admin}")},
                "Username": client.org.admin_username(),
            },
            "Industry": null,
        })
    );
    assert_eq!(records[1]["LastName"], "Ben");
    assert_eq!(records[1].as_object().unwrap().get("Account"), Some(&Json::Null));
}

#[tokio::test]
async fn a_parent_of_several_objects_is_called_name_and_tells_its_type() {
    let client = start().await;
    let account = seed_accounts(&client, ["Acme".to_owned()])[0];
    let lead = [
        ("LastName", Value::text("Lee")),
        ("Company", Value::text("Lee Ltd")),
    ];
    let lead = client.org.seed("Lead", [lead.to_vec()]).unwrap()[0];
    let task = |field: &'static str, id| vec![("Subject", Value::text(field)), (field, Value::Id(id))];
    client
        .org
        .seed("Task", [task("WhatId", account), task("WhoId", lead)])
        .unwrap();
    let answer = query(
        &client,
        "SELECT What.Name, What.Type, Who.Name, Who.Type FROM Task ORDER BY Subject",
    )
    .await;
    let records = &answer["records"];
    let root = "/services/data/v68.0/sobjects";
    assert_eq!(
        records[0]["What"],
        json!({
            "attributes": {"type": "Name", "url": format!("{root}/Account/{account}")},
            "Name": "Acme",
            "Type": "Account",
        })
    );
    assert_eq!(
        (&records[0]["Who"], &records[1]["What"]),
        (&Json::Null, &Json::Null)
    );
    assert_eq!(
        (&records[1]["Who"]["Name"], &records[1]["Who"]["Type"]),
        (&json!("Lee"), &json!("Lead"))
    );
    let filtered = query(
        &client,
        "SELECT Subject FROM Task WHERE What.Type = 'Account' AND What.Name = 'acme'",
    )
    .await;
    assert_eq!(filtered["totalSize"], 1);
}

#[tokio::test]
async fn a_long_result_is_read_in_pages_by_locator() {
    let client = start().await;
    seed_accounts(&client, (0..450).map(|index| format!("A{index:03}")));
    let batch = |request: reqwest::RequestBuilder| request.header("Sforce-Query-Options", "batchSize=200");
    let request = query_request(&client, "SELECT Name FROM Account ORDER BY Name");
    let mut page = client.send(batch(request)).await.json();
    let mut sizes = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    loop {
        assert_eq!(page["totalSize"], 450);
        sizes.push(names(&page).len());
        seen.extend(names(&page).into_iter().map(str::to_owned));
        let Some(next) = page.get("nextRecordsUrl") else {
            break;
        };
        assert_eq!(page["done"], false);
        let next = next.as_str().unwrap();
        let locator = next.strip_prefix("/services/data/v68.0/query/01g").unwrap();
        assert!(locator.ends_with(&format!("-{}", seen.len())), "{next}");
        page = client.send(batch(client.request(Method::GET, next))).await.json();
    }
    assert_eq!(page["done"], true);
    assert_eq!(sizes, [200, 200, 50]);
    assert_eq!(
        seen,
        (0..450).map(|index| format!("A{index:03}")).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_page_has_two_thousand_rows_and_batch_sizes_are_drawn_into_their_range() {
    let client = start().await;
    seed_accounts(&client, (0..2_001).map(|index| format!("A{index}")));
    for (header, rows) in [
        (None, 2_000),
        (Some("batchSize=5"), 200),
        (Some("batchSize=9999"), 2_000),
    ] {
        let mut request = query_request(&client, "SELECT Name FROM Account");
        if let Some(header) = header {
            request = request.header("Sforce-Query-Options", header);
        }
        assert_eq!(
            names(&client.send(request).await.json()).len(),
            rows,
            "{header:?}"
        );
    }
}

#[tokio::test]
async fn locators_serve_their_user_for_two_days() {
    let client = start().await;
    seed_accounts(&client, (0..2_500).map(|index| format!("A{index}")));
    let first = query(&client, "SELECT Name FROM Account").await;
    let next = first["nextRecordsUrl"].as_str().unwrap().to_owned();

    client
        .org
        .clock()
        .advance(Duration::from_hours(48) - Duration::from_secs(1));
    assert_eq!(names(&client.get(&next).await.json()).len(), 500);
    client.org.clock().advance(Duration::from_secs(1));
    assert!(refused_locator(&client.get(&next).await));
}

#[tokio::test]
async fn locators_of_others_and_made_up_ones_are_refused() {
    let client = start().await;
    seed_accounts(&client, (0..2_500).map(|index| format!("A{index}")));
    let first = query(&client, "SELECT Name FROM Account").await;
    let next = first["nextRecordsUrl"].as_str().unwrap().to_owned();

    let token = client.token_of_another_user();
    let stranger = client.http.get(client.url(&next)).bearer_auth(token);
    assert!(refused_locator(&client.send(stranger).await));

    for made_up in ["nonsense", "01g000000000001AAA-1", "01g000000000001AAA"] {
        assert!(
            refused_locator(&client.get(&format!("{V}/query/{made_up}")).await),
            "{made_up}"
        );
    }
    assert!(refused_locator(
        &client.get(&next.replace("-2000", "-2500")).await
    ));
    assert_eq!(
        names(&client.get(&next.replace("-2000", "-2499")).await.json()),
        ["A2499"]
    );
}

#[tokio::test]
async fn an_eleventh_open_result_closes_the_oldest() {
    let client = start().await;
    seed_accounts(&client, (0..2_001).map(|index| format!("A{index}")));
    let mut locators = Vec::new();
    for _ in 0..11 {
        let page = query(&client, "SELECT Name FROM Account").await;
        locators.push(page["nextRecordsUrl"].as_str().unwrap().to_owned());
    }
    assert!(refused_locator(&client.get(&locators[0]).await));
    assert_eq!(client.get(&locators[1]).await.status, 200);
}

#[tokio::test]
async fn query_all_sees_the_recycle_bin_and_query_does_not() {
    let client = start().await;
    let ids = seed_accounts(&client, ["Kept".to_owned(), "Gone".to_owned()]);
    let deleted = client.delete(&format!("{V}/sobjects/Account/{}", ids[1])).await;
    assert_eq!(deleted.status, 204);
    let soql = "SELECT Name, IsDeleted FROM Account ORDER BY Name";
    assert_eq!(names(&query(&client, soql).await), ["Kept"]);
    let all = client
        .request(Method::GET, &format!("{V}/queryAll"))
        .query(&[("q", soql)]);
    let all = client.send(all).await.json();
    assert_eq!(names(&all), ["Gone", "Kept"]);
    assert_eq!(all["records"][0]["IsDeleted"], true);
}

#[tokio::test]
async fn count_answers_a_number_without_records() {
    let client = start().await;
    seed_accounts(&client, ["A1".to_owned(), "A2".to_owned(), "B".to_owned()]);
    let answer = query(&client, "select count() from account where name like 'a%'").await;
    assert_eq!(answer, json!({"totalSize": 2, "done": true, "records": []}));
}

#[tokio::test]
async fn refusals_are_arrays_of_code_and_message() {
    let client = start().await;
    for (soql, code, message) in [
        (
            "SELECT Id FORM Account",
            "MALFORMED_QUERY",
            "unexpected token: 'Account'",
        ),
        (
            "SELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'",
            "INVALID_FIELD",
            "\nSELECT Id FROM Account WHERE CreatedDate > '2026-01-01T00:00:00Z'\n                             ^\n\
             ERROR at Row:1:Column:30\nvalue of filter criterion for field 'CreatedDate' must be of type dateTime \
             and should not be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Account OFFSET 2001",
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Maximum SOQL offset allowed is 2000",
        ),
    ] {
        let answer = client.send(query_request(&client, soql)).await;
        assert_eq!(answer.status, 400, "{soql}");
        assert_eq!(
            answer.json(),
            json!([{"message": message, "errorCode": code}]),
            "{soql}"
        );
    }
}

#[tokio::test]
async fn requests_that_say_nothing_to_query_or_no_number_are_refused() {
    let client = start().await;
    assert_eq!(
        client.get(&format!("{V}/query")).await.refusal(),
        (400, "MALFORMED_QUERY".to_owned())
    );
    let request = query_request(&client, "SELECT Id FROM Account");
    let answer = client
        .send(request.header("Sforce-Query-Options", "batchSize=many"))
        .await;
    assert_eq!(answer.refusal(), (400, "INVALID_QUERY_OPTIONS".to_owned()));
}

#[tokio::test]
async fn a_query_in_the_form_of_a_url_may_use_plus_for_spaces() {
    let client = start().await;
    seed_accounts(&client, ["A+B".to_owned(), "A B".to_owned()]);
    let answer = client
        .get(&format!(
            "{V}/query/?q=SELECT+Name+FROM+Account+WHERE+Name+=+'A%2BB'"
        ))
        .await;
    assert_eq!(names(&answer.json()), ["A+B"]);
}
