//! Several requests in one: `/composite` and `/composite/batch`.

#![cfg(test)]

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Client, V};

pub fn subrequest(method: &str, path: &str, reference_id: &str, body: Json) -> Json {
    let mut subrequest =
        json!({ "method": method, "url": format!("{V}/{path}"), "referenceId": reference_id });
    if !body.is_null() {
        subrequest["body"] = body;
    }
    subrequest
}

pub async fn composite(client: &Client, all_or_none: bool, subrequests: Vec<Json>) -> Answer {
    let body = json!({ "allOrNone": all_or_none, "compositeRequest": subrequests });
    client.post(&format!("{V}/composite"), &body).await
}

pub fn statuses(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let results = answer.json()["compositeResponse"]
        .as_array()
        .cloned()
        .expect("results");
    results
        .iter()
        .map(|result| result["httpStatusCode"].as_u64().expect("a status"))
        .collect()
}

async fn count(client: &Client, object: &str) -> u64 {
    let answer = client
        .get(&format!("{V}/query?q=SELECT+COUNT()+FROM+{object}"))
        .await;
    answer.json()["totalSize"].as_u64().expect("a count")
}

const ROLLED_BACK: &str =
    "The transaction was rolled back since another operation in the same transaction failed.";

#[tokio::test]
async fn later_subrequests_refer_to_earlier_answers() {
    let client = Client::start().await;
    let answer = composite(
        &client,
        true,
        vec![
            subrequest(
                "POST",
                "sobjects/Account",
                "parent",
                json!({ "Name": "Kern & Söhne" }),
            ),
            subrequest(
                "POST",
                "sobjects/Contact/",
                "child",
                json!({ "LastName": "Kern", "AccountId": "@{parent.id}" }),
            ),
            subrequest(
                "GET",
                "query/?q=SELECT Id, Account.Name FROM Contact WHERE Id = '@{child.id}'",
                "found",
                Json::Null,
            ),
            subrequest(
                "GET",
                "query?q=SELECT+Id+FROM+Account+WHERE+Name+=+'@{found.records[0].Account.Name}'",
                "again",
                Json::Null,
            ),
            subrequest(
                "PATCH",
                "sobjects/Account/@{again.records[0].Id}",
                "changed",
                json!({ "Phone": "1" }),
            ),
        ],
    )
    .await;
    assert_eq!(statuses(&answer), [201, 201, 200, 200, 204], "{}", answer.text);
    let results = &answer.json()["compositeResponse"];
    let parent = results[0]["body"]["id"].as_str().expect("an id");
    assert_eq!(
        results[0]["httpHeaders"],
        json!({ "Location": format!("{V}/sobjects/Account/{parent}") })
    );
    assert_eq!(results[4]["body"], Json::Null);
    assert_eq!(results[1]["referenceId"], "child");
    assert_eq!(client.read("Account", parent).await["Phone"], "1");
}

#[tokio::test]
async fn all_or_none_takes_everything_back() {
    let client = Client::start().await;
    let kept = client.create("Account", json!({ "Name": "Before" })).await;
    let gone = client.create("Contact", json!({ "LastName": "Stays" })).await;
    let answer = composite(
        &client,
        true,
        vec![
            subrequest("POST", "sobjects/Account", "made", json!({ "Name": "Made" })),
            subrequest(
                "PATCH",
                &format!("sobjects/Account/{kept}"),
                "changed",
                json!({ "Name": "After" }),
            ),
            subrequest(
                "DELETE",
                &format!("sobjects/Contact/{gone}"),
                "deleted",
                Json::Null,
            ),
            subrequest("POST", "sobjects/Contact", "wrong", json!({ "FirstName": "No" })),
            subrequest("POST", "sobjects/Contact", "late", json!({ "LastName": "Late" })),
        ],
    )
    .await;
    assert_eq!(statuses(&answer), [400; 5]);
    let results = &answer.json()["compositeResponse"];
    assert_eq!(results[3]["body"][0]["errorCode"], "REQUIRED_FIELD_MISSING");
    for halted in [0, 1, 2, 4] {
        let error = json!([{ "message": ROLLED_BACK, "errorCode": "PROCESSING_HALTED" }]);
        assert_eq!(results[halted]["body"], error);
        assert_eq!(results[halted]["httpHeaders"], json!({}));
    }
    assert_eq!(client.read("Account", &kept).await["Name"], "Before");
    assert_eq!(client.read("Contact", &gone).await["LastName"], "Stays");
    assert_eq!(
        (count(&client, "Account").await, count(&client, "Contact").await),
        (1, 1)
    );
    let again = client
        .patch(
            &format!("{V}/sobjects/Account/{kept}"),
            &json!({ "Name": "Free" }),
        )
        .await;
    assert_eq!(again.status, 204, "its rows are no longer locked");
}

#[tokio::test]
async fn without_all_or_none_only_what_depends_on_a_failure_is_left_out() {
    let client = Client::start().await;
    let answer = composite(
        &client,
        false,
        vec![
            subrequest("POST", "sobjects/Account", "wrong", json!({ "Phone": "1" })),
            subrequest(
                "POST",
                "sobjects/Contact",
                "child",
                json!({ "LastName": "Child", "AccountId": "@{wrong.id}" }),
            ),
            subrequest("POST", "sobjects/Contact", "free", json!({ "LastName": "Free" })),
        ],
    )
    .await;
    assert_eq!(statuses(&answer), [400, 400, 201]);
    let error = &answer.json()["compositeResponse"][1]["body"][0];
    assert_eq!(error["errorCode"], "PROCESSING_HALTED");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.starts_with("Invalid reference specified. No value for wrong.id found in wrong."),
        "{message}"
    );
    assert_eq!(count(&client, "Contact").await, 1);
}

#[tokio::test]
async fn a_collection_with_a_refused_record_takes_the_rest_back() {
    let client = Client::start().await;
    let records = json!({ "allOrNone": false, "records": [
        { "attributes": { "type": "Account" }, "Name": "Good" },
        { "attributes": { "type": "Account" }, "Phone": "1" },
    ] });
    let subrequests = |all_or_none| {
        let subrequests = vec![
            subrequest("POST", "composite/sobjects", "rows", records.clone()),
            subrequest("POST", "sobjects/Contact", "one", json!({ "LastName": "One" })),
        ];
        composite(&client, all_or_none, subrequests)
    };
    let answer = subrequests(true).await;
    assert_eq!(statuses(&answer), [200, 400]);
    let results = &answer.json()["compositeResponse"];
    let success: Vec<&Json> = (0..2).map(|row| &results[0]["body"][row]["success"]).collect();
    assert_eq!(
        success,
        [true, false],
        "as the guide shows, although it is taken back"
    );
    assert_eq!(results[1]["body"][0]["errorCode"], "PROCESSING_HALTED");
    assert_eq!(
        (count(&client, "Account").await, count(&client, "Contact").await),
        (0, 0)
    );

    assert_eq!(statuses(&subrequests(false).await), [200, 201]);
    assert_eq!(
        (count(&client, "Account").await, count(&client, "Contact").await),
        (1, 1)
    );
}

#[tokio::test]
async fn subrequests_have_headers_and_versions_of_their_own() {
    let client = Client::start().await;
    let later = (client.org.clock().now() + Duration::from_hours(1))
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let answer = composite(
        &client,
        false,
        vec![
            json!({ "method": "GET", "url": "/services/data/v60.0/sobjects/Account/describe", "referenceId": "a",
                "httpHeaders": { "If-Modified-Since": later } }),
            json!({ "method": "POST", "url": "/services/data/v60.0/sobjects/Account", "referenceId": "b",
                "body": { "Name": "Older" } }),
        ],
    )
    .await;
    assert_eq!(statuses(&answer), [304, 201]);
    let location = &answer.json()["compositeResponse"][1]["httpHeaders"]["Location"];
    assert!(
        location
            .as_str()
            .is_some_and(|location| location.starts_with("/services/data/v60.0/"))
    );
    for header in ["Authorization", "accept", "Content-Type"] {
        let body = json!({ "compositeRequest": [{ "method": "GET", "url": format!("{V}/sobjects"),
            "referenceId": "a", "httpHeaders": { header: "x" } }] });
        assert_eq!(
            client.post(&format!("{V}/composite"), &body).await.status,
            400,
            "{header}"
        );
    }
}

#[tokio::test]
async fn what_can_be_told_wrong_before_is_refused_whole() {
    let client = Client::start().await;
    let good = || subrequest("POST", "sobjects/Account", "good", json!({ "Name": "Never" }));
    let wrong = [
        subrequest("post", "sobjects/Account", "x", json!({ "Name": "x" })),
        json!({ "method": "GET", "url": "/sobjects/Account", "referenceId": "x" }),
        json!({ "method": "GET", "url": "/services/data/v99.0/sobjects", "referenceId": "x" }),
        json!({ "method": "GET", "url": format!("{V}/sobjects") }),
        json!({ "method": "GET", "url": format!("{V}/sobjects"), "referenceId": "x", "richInput": {} }),
        subrequest("GET", "sobjects", "x[1]", Json::Null),
        subrequest("GET", "sobjects", "_x", Json::Null),
        subrequest("GET", "sobjects", "good", Json::Null),
    ];
    for wrong in wrong {
        let answer = composite(&client, false, vec![good(), wrong.clone()]).await;
        assert!(
            [400, 404].contains(&answer.refusal().0),
            "{wrong}: {}",
            answer.text
        );
    }
    assert_eq!(composite(&client, false, Vec::new()).await.status, 400);
    assert_eq!(count(&client, "Account").await, 0);
}

#[tokio::test]
async fn there_are_25_subrequests_and_5_queries_or_collections_at_most() {
    let client = Client::start().await;
    let accounts = |number: usize| {
        (0..number)
            .map(|at| {
                subrequest(
                    "POST",
                    "sobjects/Account",
                    &format!("r{at}"),
                    json!({ "Name": "x" }),
                )
            })
            .collect::<Vec<_>>()
    };
    let answer = composite(&client, false, accounts(26)).await;
    let expected = json!([{ "body": [{ "message": "The request can’t contain more than 25 operations.",
        "errorCode": "LIMIT_EXCEEDED" }], "httpHeaders": {}, "httpStatusCode": 400, "referenceId": null }]);
    assert_eq!(answer.json()["compositeResponse"], expected);
    assert_eq!(count(&client, "Account").await, 0);
    assert_eq!(
        statuses(&composite(&client, false, accounts(25)).await),
        [201; 25]
    );

    let queries = |number: usize| {
        (0..number)
            .map(|at| {
                subrequest(
                    "GET",
                    "query?q=SELECT+Id+FROM+Lead",
                    &format!("q{at}"),
                    Json::Null,
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(statuses(&composite(&client, false, queries(5)).await), [200; 5]);
    let answer = composite(&client, false, queries(6)).await;
    assert_eq!(
        answer.json()["compositeResponse"][0]["body"][0]["errorCode"],
        "LIMIT_EXCEEDED"
    );
}

#[tokio::test]
async fn a_composite_counts_once_and_a_batch_once_for_each_subrequest() {
    let client = Client::start().await;
    let used = |answer: &Answer| {
        let header = answer.header("sforce-limit-info").to_owned();
        let used = header
            .strip_prefix("api-usage=")
            .and_then(|rest| rest.split_once('/'));
        used.expect("usage").0.parse::<u64>().expect("a number")
    };
    let before = used(&client.get(&format!("{V}/limits")).await);
    let subrequests = (0..3)
        .map(|at| subrequest("GET", "sobjects", &format!("r{at}"), Json::Null))
        .collect();
    let answer = composite(&client, false, subrequests).await;
    assert_eq!(used(&answer), before + 1);
    let limits = json!({ "method": "GET", "url": "v68.0/limits" });
    let batch = json!({ "batchRequests": [limits, limits, limits] });
    let answer = client.post(&format!("{V}/composite/batch"), &batch).await;
    assert_eq!(used(&answer), before + 4);
}

#[tokio::test]
async fn subrequests_reach_only_the_documented_resources() {
    let client = Client::start().await;
    for path in [
        "limits",
        "jobs/query",
        "composite",
        "composite/batch",
        "composite/tree/Account",
        "",
    ] {
        let answer = composite(&client, false, vec![subrequest("GET", path, "a", Json::Null)]).await;
        assert_eq!(statuses(&answer), [404], "{path}");
    }
    let batch =
        json!({ "batchRequests": [{ "method": "GET", "url": "v68.0/composite/sobjects/Account?ids=1" }] });
    let answer = client.post(&format!("{V}/composite/batch"), &batch).await.json();
    assert_eq!(answer["results"][0]["statusCode"], 404);
}

#[tokio::test]
async fn the_composite_resources_are_listed() {
    let client = Client::start().await;
    for path in ["composite", "composite/"] {
        let answer = client.get(&format!("{V}/{path}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["batch"], format!("{V}/composite/batch"));
    }
    assert_eq!(client.delete(&format!("{V}/composite")).await.status, 405);
    let head = client.request(Method::HEAD, &format!("{V}/composite"));
    assert_eq!(client.send(head).await.status, 200);
}

#[tokio::test]
async fn a_batch_goes_on_after_a_failure_unless_told_to_halt() {
    let client = Client::start().await;
    let id = client.create("Account", json!({ "Name": "Before" })).await;
    let requests = json!([
        { "method": "PATCH", "url": format!("v68.0/sobjects/Account/{id}"), "richInput": { "Name": "After" } },
        { "method": "GET", "url": format!("v60.0/sobjects/account/{id}?fields=Name") },
        { "method": "GET", "url": "v68.0/sobjects/Nothing__c" },
        { "method": "DELETE", "url": format!("v68.0/sobjects/Account/{id}") },
    ]);
    let statuses = |answer: &Json| -> Vec<u64> {
        let results = answer["results"].as_array().expect("results");
        results
            .iter()
            .map(|result| result["statusCode"].as_u64().expect("a status"))
            .collect()
    };
    let halting = json!({ "batchRequests": requests, "haltOnError": true });
    let answer = client
        .post(&format!("{V}/composite/batch"), &halting)
        .await
        .json();
    assert_eq!(statuses(&answer), [204, 200, 404, 412]);
    assert_eq!(answer["hasErrors"], true);
    assert_eq!(answer["results"][1]["result"]["Name"], "After");
    assert_eq!(answer["results"][0]["result"], Json::Null);
    assert_eq!(
        answer["results"][3]["result"][0]["errorCode"],
        "BATCH_PROCESSING_HALTED"
    );
    let going_on = json!({ "batchRequests": requests });
    let answer = client
        .post(&format!("{V}/composite/batch"), &going_on)
        .await
        .json();
    assert_eq!(statuses(&answer), [204, 200, 404, 204]);
}

#[tokio::test]
async fn a_batch_takes_versions_from_34_to_its_own() {
    let client = Client::start().await;
    let ask = |outer: &'static str, inner: &'static str| {
        let body = json!({ "batchRequests": [{ "method": "GET", "url": format!("{inner}/limits") }] });
        client.post_owned(format!("/services/data/{outer}/composite/batch"), body)
    };
    assert_eq!(ask("v40.0", "v34.0").await.status, 200);
    for (outer, inner) in [
        ("v40.0", "v41.0"),
        ("v40.0", "v33.0"),
        ("v40.0", "/services/data/v40.0"),
    ] {
        assert!(ask(outer, inner).await.status >= 400, "{outer} {inner}");
    }
    assert_eq!(ask("v33.0", "v33.0").await.status, 404);
}

#[tokio::test]
async fn a_composite_knows_who_asks_and_writes_in_that_name() {
    let mut client = Client::start().await;
    client.token = client.token_of_another_user();
    let answer = composite(
        &client,
        true,
        vec![subrequest(
            "POST",
            "sobjects/Account",
            "a",
            json!({ "Name": "Nina's" }),
        )],
    )
    .await;
    assert_eq!(statuses(&answer), [201]);
    let id = answer.json()["compositeResponse"][0]["body"]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let nina = client
        .get(&format!(
            "{V}/query?q=SELECT+Id+FROM+User+WHERE+FirstName+=+'Nina'"
        ))
        .await
        .json();
    assert_eq!(
        client.read("Account", &id).await["CreatedById"],
        nina["records"][0]["Id"]
    );
    client.token = "00D!none".to_owned();
    assert_eq!(composite(&client, true, Vec::new()).await.status, 401);
}

#[tokio::test]
async fn what_is_taken_back_sets_nothing_in_motion() {
    let client = Client::start().await;
    let flow = json!({ "object": "Account", "then": { "afterSave": {
        "update": { "set": { "Rating": "Warm" } },
        "as": client.org.admin_username(), "afterMilliseconds": 1_000,
    } } });
    let set = client.knob(Method::POST, "/emulator/rules", &flow).await;
    assert_eq!(set.status, 204, "{}", set.text);
    let account = || subrequest("POST", "sobjects/Account", "a", json!({ "Name": "A" }));
    let wrong = subrequest("POST", "sobjects/Contact", "wrong", json!({ "FirstName": "No" }));
    let answer = composite(&client, true, vec![account(), wrong]).await;
    assert_eq!(statuses(&answer), [400, 400]);
    assert!(client.org.org().agenda.is_empty());
    assert_eq!(statuses(&composite(&client, true, vec![account()]).await), [201]);
    assert_eq!(client.org.org().agenda.len(), 1);
}

#[tokio::test]
async fn a_locked_row_takes_the_rest_back() {
    let client = Client::start().await;
    client.org.org().row_locks.refuse(100, 1);
    let account = |reference_id| subrequest("POST", "sobjects/Account", reference_id, json!({ "Name": "A" }));
    let answer = composite(&client, true, vec![account("a"), account("b")]).await;
    assert_eq!(statuses(&answer), [400, 400]);
    let results = &answer.json()["compositeResponse"];
    assert_eq!(results[0]["body"][0]["errorCode"], "UNABLE_TO_LOCK_ROW");
    assert_eq!(results[1]["body"][0]["errorCode"], "PROCESSING_HALTED");
}
