//! What Bulk API 2.0 query jobs have found: CSV in pages.
#![cfg(test)]

use std::time::Duration;

use emulated_org::Value;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{column, completed, create, seed_accounts, start};
use crate::client::V;

#[tokio::test]
async fn results_are_csv_with_every_value_in_quotes() {
    let client = start().await;
    let moment = "2026-02-17T10:00:00.250Z".parse().unwrap();
    let fields = vec![
        ("Name", Value::text("Ärzte \"Nord\", GmbH")),
        ("BillingStreet", Value::text("Hof 1\nLinks")),
        ("AnnualRevenue", Value::Number(1_100.into())),
        ("NumberOfEmployees", Value::Number(12.into())),
        ("CreatedDate", Value::DateTime(moment)),
    ];
    let account = client.org.seed("Account", [fields]).unwrap()[0];
    let contact = |name: &str, account: Value| vec![("LastName", Value::text(name)), ("AccountId", account)];
    let contacts = [contact("Ann", Value::Id(account)), contact("Ben", Value::Null)];
    let contacts = client.org.seed("Contact", contacts).unwrap();

    let soql = "SELECT id, Name, BillingStreet, AnnualRevenue, NumberOfEmployees, CreatedDate, IsDeleted, Industry \
                FROM Account";
    let job = completed(&client, soql).await;
    let page = client.get(&format!("{job}/results")).await;
    assert_eq!(
        page.text,
        format!(
            "\"Id\",\"Name\",\"BillingStreet\",\"AnnualRevenue\",\"NumberOfEmployees\",\"CreatedDate\",\"IsDeleted\",\
             \"Industry\"\n\"{account}\",\"Ärzte \"\"Nord\"\", GmbH\",\"Hof 1\nLinks\",\"1100.0\",\"12\",\
             \"2026-02-17T10:00:00.000Z\",\"false\",\"\"\n"
        )
    );
    assert_eq!(page.header("content-type"), "text/csv; charset=UTF-8");
    assert_eq!(
        (
            page.header("sforce-numberofrecords"),
            page.header("sforce-locator")
        ),
        ("1", "null")
    );

    let soql = "SELECT Id, Account.Name FROM Contact ORDER BY LastName";
    let job = json!({"operation": "query", "query": soql, "columnDelimiter": "TAB", "lineEnding": "CRLF"});
    let job = create(&client, job).await;
    client.org.clock().advance(Duration::from_mins(3));
    let page = client.get(&format!("{job}/results")).await;
    let [ann, ben] = [contacts[0], contacts[1]];
    assert_eq!(
        page.text,
        format!("\"Id\"\t\"Account.Name\"\r\n\"{ann}\"\t\"Ärzte \"\"Nord\"\", GmbH\"\r\n\"{ben}\"\t\"\"\r\n")
    );
}

#[tokio::test]
async fn pages_are_read_by_locator_each_with_the_header_as_often_as_wanted() {
    let client = start().await;
    let names: Vec<String> = (0..25).map(|index| format!("A{index:02}")).collect();
    seed_accounts(&client, names.clone());
    let job = completed(&client, "SELECT Name FROM Account ORDER BY Name").await;
    let mut path = format!("{job}/results?maxRecords=10");
    let mut pages = Vec::new();
    loop {
        let page = client.get(&path).await;
        assert!(page.text.starts_with("\"Name\"\n"), "{}", page.text);
        assert_eq!(
            page.header("sforce-numberofrecords"),
            column(&page).len().to_string()
        );
        let locator = page.header("sforce-locator").to_owned();
        pages.push((path.clone(), column(&page)));
        if locator == "null" {
            break;
        }
        path = format!("{job}/results?locator={locator}&maxRecords=10");
    }
    assert_eq!(
        pages.iter().map(|(_, rows)| rows.len()).collect::<Vec<_>>(),
        [10, 10, 5]
    );
    assert_eq!(
        pages
            .iter()
            .flat_map(|(_, rows)| rows.clone())
            .collect::<Vec<_>>(),
        names
    );
    let (again, rows) = &pages[1];
    assert_eq!(&column(&client.get(again).await), rows);

    for wrong in [
        "locator=nonsense",
        "locator=MjU",
        "maxRecords=0",
        "maxRecords=many",
    ] {
        assert_eq!(
            client.get(&format!("{job}/results?{wrong}")).await.status,
            400,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_page_without_a_wanted_size_has_the_size_that_was_set() {
    let client = start().await;
    seed_accounts(&client, (0..5).map(|index| format!("A{index}")));
    client.org.org().bulk.set_page_rows(2);
    let job = completed(&client, "SELECT Name FROM Account").await;
    assert_eq!(column(&client.get(&format!("{job}/results")).await), ["A0", "A1"]);
    let listed = client.get(&format!("{job}/resultPages")).await.json();
    let pages = listed["resultPages"].as_array().unwrap();
    let mut rows = Vec::new();
    for page in pages {
        rows.extend(column(&client.get(page["resultUrl"].as_str().unwrap()).await));
    }
    assert_eq!((pages.len(), &listed["done"]), (3, &json!(true)));
    assert_eq!(rows, ["A0", "A1", "A2", "A3", "A4"]);
    let older = format!("{job}/resultPages").replace("v68.0", "v57.0");
    assert_eq!(client.get(&older).await.status, 404);
}

#[tokio::test]
async fn result_pages_are_listed_five_at_a_time() {
    let client = start().await;
    seed_accounts(&client, (0..12).map(|index| format!("A{index:02}")));
    let job = completed(&client, "SELECT Name FROM Account").await;
    let first = client
        .get(&format!("{job}/resultPages?maxRecords=2"))
        .await
        .json();
    assert_eq!(
        (first["resultPages"].as_array().unwrap().len(), &first["done"]),
        (5, &json!(false))
    );
    let second = client.get(first["nextRecordsUrl"].as_str().unwrap()).await.json();
    assert_eq!(
        (second["resultPages"].as_array().unwrap().len(), &second["done"]),
        (1, &json!(true))
    );
    let mut rows = Vec::new();
    for list in [&first, &second] {
        for page in list["resultPages"].as_array().unwrap() {
            rows.extend(column(&client.get(page["resultUrl"].as_str().unwrap()).await));
        }
    }
    let names: Vec<String> = (0..12).map(|index| format!("A{index:02}")).collect();
    assert_eq!(rows, names, "pages do not overlap");
}

#[tokio::test]
async fn results_are_read_with_the_version_of_the_job() {
    let client = start().await;
    seed_accounts(&client, ["Acme".to_owned()]);
    let job = completed(&client, "SELECT Name FROM Account").await;
    let older = format!("{job}/results").replace("v68.0", "v67.0");
    assert_eq!(client.get(&older).await.status, 409);
    assert_eq!(client.get(&format!("{job}/results")).await.status, 200);
}

#[tokio::test]
async fn a_page_of_many_pieces_has_every_row_once() {
    let client = start().await;
    let street = "Am \"Hang\", Haus, ".repeat(12);
    let rows = (0..8_000).map(|index| {
        vec![
            ("Name", Value::text(format!("A{index:05}"))),
            ("BillingStreet", Value::text(street.as_str())),
        ]
    });
    client.org.seed("Account", rows).unwrap();
    let job = completed(&client, "SELECT Name, BillingStreet FROM Account").await;
    let page = client.get(&format!("{job}/results")).await;
    assert!(page.text.len() > 8 * 128 * 1024, "{}", page.text.len());
    assert_eq!(page.header("sforce-numberofrecords"), "8000");
    assert_eq!(
        column(&page),
        (0..8_000).map(|index| format!("A{index:05}")).collect::<Vec<_>>()
    );
    let mut reader = csv::Reader::from_reader(page.text.as_bytes());
    assert!(reader.records().all(|row| row.unwrap()[1] == *street.trim_end()));
}

#[tokio::test]
async fn a_page_can_be_cut_in_the_middle_of_its_body() {
    let client = start().await;
    for rows in [3_usize, 20_000] {
        let name = |index: usize| format!("{rows}-{index:06} {}", "x".repeat(40));
        seed_accounts(&client, (0..rows).map(name));
        let soql = format!("SELECT Name FROM Account WHERE Name LIKE '{rows}-%'");
        let job = completed(&client, &soql).await;
        let path = format!("{job}/results");
        let faults = json!({ "cutNextResultPages": 1 });
        let set = client.knob(Method::POST, "/emulator/faults", &faults).await;
        assert_eq!(set.status, 204);

        let mut torn = client.send_only(client.request(Method::GET, &path)).await;
        assert_eq!(torn.status().as_u16(), 200);
        assert_eq!(
            torn.headers()["sforce-numberofrecords"],
            rows.to_string().as_str()
        );
        let mut body = Vec::new();
        let broken = loop {
            match torn.chunk().await {
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken, "the body must not look complete");
        let whole = client.get(&path).await.text;
        assert!(whole.as_bytes().starts_with(&body) && !body.ends_with(b"\n"));
        assert!(body.len() > whole.len() / 3 && body.len() < whole.len() * 3 / 4);
    }
}

#[tokio::test]
async fn other_processes_set_how_long_jobs_take_and_how_large_pages_are() {
    let client = start().await;
    seed_accounts(&client, (0..5).map(|index| format!("A{index}")));
    let knob = async |body: Json| client.knob(Method::POST, "/emulator/bulk", &body).await.status;
    let settings = json!({ "waitingMilliseconds": 1_000, "runningMilliseconds": 4_000, "pageRows": 3 });
    assert_eq!(knob(settings).await, 204);
    let job = create(
        &client,
        json!({ "operation": "query", "query": "SELECT Name FROM Account" }),
    )
    .await;
    for (seconds, state) in [(0, "UploadComplete"), (1, "InProgress"), (4, "JobComplete")] {
        client.org.clock().advance(Duration::from_secs(seconds));
        assert_eq!(super::state(&client, &job).await, state);
    }
    assert_eq!(column(&client.get(&format!("{job}/results")).await).len(), 3);
    assert_eq!(
        knob(json!({ "pageRows": 4 })).await,
        204,
        "the other settings stay"
    );
    assert_eq!(column(&client.get(&format!("{job}/results")).await).len(), 4);
    for wrong in [
        json!({ "pageRows": 0 }),
        json!({ "waitingMilliseconds": -1 }),
        json!({ "typo": 1 }),
    ] {
        assert_eq!(knob(wrong.clone()).await, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get_without_its_body() {
    let client = start().await;
    seed_accounts(&client, ["Acme".to_owned()]);
    let job = completed(&client, "SELECT Name FROM Account").await;
    let query = format!("{V}/query?q=SELECT+Id+FROM+Account");
    for path in [
        &format!("{V}/jobs/query"),
        &job,
        &format!("{job}/results"),
        &query,
    ] {
        let head = client.send(client.request(Method::HEAD, path)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
    }
}
