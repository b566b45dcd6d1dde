//! The interface's description is the interface.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::gateway::{ALL_SCOPES, Gateway, SECRET, hs256, problem};

#[tokio::test]
async fn the_committed_document_is_the_one_that_is_served() {
    let gateway = Gateway::start().await;
    let url = format!("{}/openapi.json", gateway.url());
    let served = gateway.http.get(&url).send().await.unwrap().text().await.unwrap();
    let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    assert!(
        committed.trim() == served.trim(),
        "docs/openapi.json is out of date; write it anew: cargo run -p causeway -- openapi > docs/openapi.json"
    );
    gateway.stop().await;
}

#[tokio::test]
async fn every_described_operation_is_there_and_asks_for_the_scope_it_names() {
    let gateway = Gateway::start().await;
    let document = document();
    let mut protected = 0;
    for (path, method, operation) in operations(&document) {
        let url = format!(
            "{}{}",
            gateway.url(),
            path.replace("{object}", "contact").replace("{id}", "1")
        );
        let method: Method = method.to_uppercase().parse().unwrap();
        let answer = gateway.http.request(method.clone(), &url).send().await.unwrap();
        let scopes = &operation["security"][0]["bearer"];
        if scopes.is_null() {
            assert_ne!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
            assert_ne!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
            continue;
        }
        protected += 1;
        problem(answer, "missing-token").await;
        let scope = scopes[0].as_str().unwrap();
        assert_eq!(scopes.as_array().unwrap().len(), 1, "{method} {path}");
        let others: Vec<&str> = ALL_SCOPES.into_iter().filter(|other| *other != scope).collect();
        let mut claims = gateway.claims("partner");
        claims["scope"] = json!(others.join(" "));
        let answer = gateway
            .http
            .request(method.clone(), &url)
            .bearer_auth(hs256(&claims, SECRET))
            .send()
            .await
            .unwrap();
        let refusal = problem(answer, "insufficient-scope").await;
        assert_eq!(
            refusal["detail"],
            format!("this needs the scope {scope}"),
            "{method} {path}"
        );
    }
    assert!(protected >= 21, "only {protected} operations are protected");
    gateway.stop().await;
}

#[test]
fn every_error_is_described_as_a_problem_and_every_problem_is_listed() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            described.insert(status.clone());
            let content = &response["content"];
            if status.as_str() < "400" {
                continue;
            }
            // What people read inside a frame is a page, also where it tells of a failure.
            if path == "/embed/open/{code}" {
                assert!(content["text/html"].is_object(), "{method} {path} {status}");
                continue;
            }
            let oauth = path == "/oauth/token" && status == "400";
            let schema = if oauth {
                &content["application/json"]["schema"]["$ref"]
            } else {
                &content["application/problem+json"]["schema"]["$ref"]
            };
            let expected = if oauth { "TokenError" } else { "Problem" };
            assert_eq!(
                schema,
                &json!(format!("#/components/schemas/{expected}")),
                "{method} {path} {status}"
            );
        }
    }
    for status in [
        "200", "201", "202", "204", "400", "401", "403", "404", "408", "409", "410", "413", "415", "422",
        "500", "503", "507",
    ] {
        assert!(described.contains(status), "{status}");
    }
    let description = document["info"]["description"].as_str().unwrap();
    for kind in causeway::http::problem::ProblemKind::ALL {
        assert!(
            description.contains(&format!("`urn:causeway:problem:{}`", kind.id())),
            "{}",
            kind.id()
        );
    }
}

#[test]
fn every_schema_that_is_named_exists_and_every_field_is_described() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut named = Vec::new();
    references(&document, &mut named);
    for name in named {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        assert!(schemas.contains_key(name), "{name}");
    }
    for (name, schema) in schemas {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            // What may be null is described where it is not.
            let described = std::iter::once(property)
                .chain(property["oneOf"].as_array().into_iter().flatten())
                .any(|form| form["description"].is_string());
            assert!(described, "{name}.{field}");
        }
    }
    assert_eq!(
        document["components"]["securitySchemes"]["bearer"]["scheme"],
        "bearer"
    );
}

fn document() -> Value {
    serde_json::from_str(&causeway::http::openapi_json().unwrap()).unwrap()
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
        })
        .collect()
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(name)) = members.get("$ref") {
                found.push(name);
            }
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
