//! The page at the root, and the JSON behind it.

#![cfg(test)]

use emulated_org::{Edition, Options};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Client, V};

#[tokio::test]
async fn the_page_runs_nothing_but_the_files_of_this_server() {
    let client = Client::start().await;
    let page = client.send(client.http.get(client.url("/"))).await;
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{}",
        page.header("content-type")
    );
    let policy = page.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self';"),
        "{policy}"
    );
    for forbidden in ["<style", "onclick", "style=", "http://", "https://"] {
        assert!(!page.text.contains(forbidden), "{forbidden}");
    }
    for (path, media_type) in [
        ("/emulator/page.css", "text/css"),
        ("/emulator/page.js", "text/javascript"),
    ] {
        assert!(page.text.contains(path));
        let file = client.send(client.http.get(client.url(path))).await;
        assert_eq!(file.status, 200, "{path}");
        assert!(file.header("content-type").starts_with(media_type), "{path}");
        // Text of the organisation goes into the page as text.
        assert!(!file.text.contains("innerHTML"), "{path}");
    }
    assert_eq!(
        client.org.request_log().total(),
        1,
        "the page is no request of a client's: the only one is the login"
    );
}

#[tokio::test]
async fn the_overview_tells_what_the_organisation_is_and_holds() {
    let client = Client::start_with(Options {
        edition: Edition::Developer,
        ..Options::default()
    })
    .await;
    let gone = client.create("Account", json!({ "Name": "Gone" })).await;
    client.create("Account", json!({ "Name": "Stays" })).await;
    client.delete(&format!("{V}/sobjects/Account/{gone}")).await;

    let org = client
        .knob(Method::GET, "/emulator/org", &json!(null))
        .await
        .json();
    assert_eq!(org["edition"], "Developer");
    assert_eq!(org["name"], "Northwind Instruments");
    assert_eq!(org["id"], client.org.organization_id().as_str());
    assert_eq!(org["apiVersions"], json!([31, 68]));
    assert_eq!(org["concurrentLongRequests"], json!({ "used": 0, "maximum": 5 }));
    let calls = json!({ "name": "DailyApiRequests", "used": 3, "maximum": 15_000 });
    assert!(
        org["allocations"]
            .as_array()
            .expect("allocations")
            .contains(&calls),
        "{org}"
    );

    let objects = client
        .knob(Method::GET, "/emulator/objects", &json!(null))
        .await
        .json();
    let accounts = find(&objects, "name", "Account");
    assert_eq!(
        accounts,
        json!({ "name": "Account", "label": "Accounts", "custom": false, "records": 1, "deleted": 1 })
    );

    client.org.freeze_user(client.org.integration_username(), true);
    let users = client
        .knob(Method::GET, "/emulator/users", &json!(null))
        .await
        .json();
    let integration = find(&users, "username", client.org.integration_username());
    assert_eq!(integration["isFrozen"], true);
    assert_eq!(integration["isActive"], true);
}

#[tokio::test]
async fn the_log_tells_what_each_request_cost() {
    let client = Client::start().await;
    client.get(&format!("{V}/sobjects")).await;
    let subrequests: Vec<Json> = (0..3)
        .map(|_| json!({ "method": "GET", "url": "v68.0/limits" }))
        .collect();
    let batch = json!({ "batchRequests": subrequests });
    let answer = client.post(&format!("{V}/composite/batch"), &batch).await;
    assert_eq!(answer.header("sforce-limit-info"), "api-usage=4/110000");
    client.get("/services/data").await;
    let log = client
        .knob(Method::GET, "/emulator/requests?last=3", &json!(null))
        .await
        .json();
    assert_eq!(log["total"], 4, "the login is one");
    let latest = log["latest"].as_array().expect("requests");
    let costs: Vec<&Json> = latest.iter().map(|request| &request["apiCalls"]).collect();
    assert_eq!(costs, [1, 3, 0]);
    assert!(latest.iter().all(|request| request["microseconds"].is_u64()));
}

#[tokio::test]
async fn the_faults_that_are_set_are_told_as_they_are_set() {
    let client = Client::start().await;
    let faults = json!({
        "delayMilliseconds": 1,
        "cutAfterNextWrites": 2,
        "cutNextResultPages": 3,
        "answerNext": { "requests": 4, "status": 503, "code": "SERVER_UNAVAILABLE" },
        "chaos": { "percent": 5, "seed": 6, "kinds": ["delay"], "client": "victim", "mostDelayMilliseconds": 7 },
        "lockedRows": { "percent": 8, "seed": 9 },
        "holdLocksMilliseconds": 10,
        "lateCommits": { "percent": 11, "milliseconds": 12, "seed": 13 },
        "longRequests": 14,
    });
    client.knob(Method::POST, "/emulator/faults", &faults).await;
    let told = client
        .knob(Method::GET, "/emulator/faults", &json!(null))
        .await
        .json();
    let mut expected = faults;
    expected["answerNext"] = json!([expected["answerNext"]]);
    assert_eq!(told["active"], expected);

    client
        .knob(Method::DELETE, "/emulator/faults", &json!(null))
        .await;
    let told = client
        .knob(Method::GET, "/emulator/faults", &json!(null))
        .await
        .json();
    let nothing = json!({
        "delayMilliseconds": 0,
        "cutAfterNextWrites": 0,
        "cutNextResultPages": 0,
        "answerNext": [],
        "chaos": null,
        "lockedRows": null,
        "holdLocksMilliseconds": 0,
        "lateCommits": null,
        "longRequests": 0,
    });
    assert_eq!(told["active"], nothing);
}

fn find(list: &Json, key: &str, value: &str) -> Json {
    let entries = list.as_array().expect("a list");
    let entry = entries.iter().find(|entry| entry[key] == value);
    entry.unwrap_or_else(|| panic!("no {value} in {list}")).clone()
}
