//! What the Bulk API refuses, and in which words.
#![cfg(test)]

use reqwest::Method;
use serde_json::{Value as Json, json};

use super::{JOB, NAMESPACE, add, create, element, get, job, post, post_json, request, start, wait};

#[tokio::test]
async fn errors_are_written_as_the_request_is() {
    let client = start().await;
    let missing = format!("{JOB}/750000000000001AAA");
    let xml = get(&client, &missing).await;
    assert_eq!((xml.status, xml.header("content-type")), (400, "application/xml"));
    assert!(xml.text.contains(&format!("<error\n   xmlns=\"{NAMESPACE}\">")));
    assert_eq!(element(&xml, "exceptionCode"), "InvalidJob");
    // tap-salesforce compares the whole header.
    let asked = request(&client, Method::GET, &missing).header("content-type", "application/json");
    let json = client.send(asked).await;
    assert_eq!(
        (json.status, json.header("content-type")),
        (400, "application/json")
    );
    assert_eq!(json.json()["exceptionCode"], "InvalidJob");
    assert!(json.json()["exceptionMessage"].is_string());
}

#[tokio::test]
async fn the_session_stands_in_its_own_header() {
    let client = start().await;
    let body = job("insert", "Account");
    for request in [
        client.http.post(client.url(JOB)),
        client.http.post(client.url(JOB)).bearer_auth(&client.token),
        client
            .http
            .post(client.url(JOB))
            .header("X-SFDC-Session", "00Dnothing"),
    ] {
        let refused = client.send(request.json(&body)).await;
        assert_eq!(
            (refused.status, refused.json()),
            (
                400,
                json!({ "exceptionCode": "InvalidSessionId", "exceptionMessage": "Invalid session id" })
            )
        );
    }
    let retired = request(&client, Method::POST, "/services/async/30.0/job").json(&body);
    let retired = client.send(retired).await;
    assert_eq!(
        (retired.status, &retired.json()["exceptionCode"]),
        (400, &json!("InvalidVersion"))
    );
}

#[tokio::test]
async fn what_a_job_may_be_is_checked_when_it_is_created() {
    let client = start().await;
    let with = |name: &str, value: Json| {
        let mut body = job("insert", "Account");
        body[name] = value;
        body
    };
    for (body, code) in [
        (with("object", Json::Null), "InvalidJob"),
        (with("object", json!("Nope")), "InvalidEntity"),
        (with("operation", json!("merge")), "InvalidJob"),
        (with("operation", json!("hardDelete")), "FeatureNotEnabled"),
        (with("operation", json!("upsert")), "InvalidJob"),
        (with("contentType", json!("csv")), "InvalidJob"),
        (with("contentType", json!("XML")), "InvalidJob"),
        (with("contentType", Json::Null), "InvalidJob"),
        (with("concurrencyMode", json!("parallel")), "InvalidJob"),
        (with("nonsense", json!("x")), "InvalidJob"),
        (json!([]), "InvalidJob"),
    ] {
        let refused = post_json(&client, JOB, &body).await;
        assert_eq!(
            (refused.status, &refused.json()["exceptionCode"]),
            (400, &json!(code)),
            "{body}"
        );
    }
    for body in [
        "<jobInfo><object>Account</object></jobInfo>".to_owned(),
        format!("<jobInfo xmlns=\"{NAMESPACE}\"><object>Account"),
        "nonsense".to_owned(),
    ] {
        let refused = post(&client, JOB, "application/xml", &body).await;
        assert_eq!(element(&refused, "exceptionCode"), "InvalidXML", "{body}");
    }
}

#[tokio::test]
async fn batches_that_cannot_be_taken_are_refused_and_wrong_ones_fail() {
    let client = start().await;
    let insert = create(&client, job("insert", "Account")).await;
    let path = format!("{insert}/batch");
    let other_type = post(&client, &path, "application/json", "[]").await;
    assert_eq!(other_type.json()["exceptionCode"], "InvalidBatch");
    let empty = post(&client, &path, "text/csv", "").await;
    assert_eq!(element(&empty, "exceptionCode"), "InvalidBatch");
    let large = post(&client, &path, "text/csv", &"x".repeat(10_000_001)).await;
    assert_eq!(
        element(&large, "exceptionMessage"),
        "Failed to read request. Exceeded max size limit of 10000000"
    );
    let query = create(&client, job("query", "Account")).await;
    let rows: String = (0..10_001).map(|row| format!("n{row}\n")).collect();
    let mut failing = Vec::new();
    for (job, body, message) in [
        (
            &insert,
            "Name,Nope\nA,b\n",
            "InvalidBatch : Field name not found : Nope",
        ),
        (
            &insert,
            &format!("Name\n{rows}"),
            "InvalidBatch : Exceeded number of records: 10001. Number of records should be less than or equal to 10000",
        ),
        (
            &query,
            "SELECT Id FROM Contact",
            "InvalidBatch : Failed to process query: INVALID_TYPE_FOR_OPERATION: The root entity of the requested query \
             (Contact) does not match the entity of the requested Bulk API Job (Account).",
        ),
        (
            &query,
            "SELECT BillingAddress FROM Account",
            "FeatureNotEnabled : Failed to process query: FUNCTIONALITY_NOT_ENABLED: Selecting compound data not \
             supported in Bulk Query",
        ),
    ] {
        failing.push((add(&client, job, body).await, message));
    }
    wait(&client, 3);
    for (batch, message) in failing {
        let shown = get(&client, &batch).await;
        assert_eq!(
            (
                element(&shown, "state").as_str(),
                element(&shown, "stateMessage").as_str()
            ),
            ("Failed", message)
        );
    }
    assert_eq!(element(&get(&client, &insert).await, "numberBatchesFailed"), "2");
}

#[tokio::test]
async fn jobs_of_others_and_paths_and_methods_that_are_none_are_refused() {
    let client = start().await;
    let job = create(&client, job("query", "Account")).await;
    let other = client.token_of_another_user();
    let asked = client.http.get(client.url(&job)).header("X-SFDC-Session", &other);
    assert_eq!(element(&client.send(asked).await, "exceptionCode"), "InvalidUser");
    let path = get(&client, "/services/async/68.0/jobs").await;
    assert_eq!(element(&path, "exceptionCode"), "InvalidUrl");
    let method = client.send(request(&client, Method::DELETE, &job)).await;
    assert_eq!(
        (method.status, element(&method, "exceptionCode")),
        (405, "MethodNotAllowed".to_owned())
    );
    let batch = get(&client, &format!("{job}/batch/751000000000001AAA")).await;
    assert_eq!(element(&batch, "exceptionCode"), "InvalidBatch");
}
