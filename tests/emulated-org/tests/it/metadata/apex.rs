//! Apex sources: kept, read as records, and handed to whoever checks and runs them.

#![cfg(test)]

use std::sync::Arc;

use emulated_org::metadata::{ApexCheck, ApexProblem, ApexSource, TestLevel, TestRun, TestRunner};
use serde_json::json;

use super::{NAMESPACE, Zip};
use crate::client::{Client, V};

const GREETER: &str = "/* says it */\npublic class Greeter {\n    // politely\n}";

fn trigger(name: &str, body: &str) -> Zip {
    let meta = format!(
        "<ApexTrigger xmlns=\"{NAMESPACE}\"><apiVersion>68.0</apiVersion><status>Active</status></ApexTrigger>"
    );
    Zip::new()
        .file(&format!("triggers/{name}.trigger"), body)
        .file(&format!("triggers/{name}.trigger-meta.xml"), &meta)
        .names("ApexTrigger", name)
}

#[tokio::test]
async fn classes_are_records() {
    let client = Client::start().await;
    client.succeeds(Zip::new().class("Greeter", GREETER)).await;
    let query =
        "SELECT+Id,Name,Body,ApiVersion,Status,LengthWithoutComments,NamespacePrefix,IsValid+FROM+ApexClass";
    for path in ["query", "tooling/query"] {
        let found = client.get(&format!("{V}/{path}?q={query}")).await.json();
        let class = &found["records"][0];
        assert_eq!(
            (&class["Name"], &class["Body"], &class["ApiVersion"]),
            (&json!("Greeter"), &json!(GREETER), &json!(68.0)),
            "{found:#}"
        );
        assert_eq!(
            (
                &class["Status"],
                &class["LengthWithoutComments"],
                &class["NamespacePrefix"]
            ),
            (&json!("Active"), &json!(30), &json!(null))
        );
        assert!(class["Id"].as_str().expect("an id").starts_with("01p"));
    }
    let sources = client.org.org().metadata.apex_sources();
    assert_eq!(
        (
            sources[0].name.as_str(),
            sources[0].body.as_str(),
            sources[0].api_version.as_str()
        ),
        ("Greeter", GREETER, "68.0")
    );
    client
        .succeeds(Zip::new().class("Greeter", "public class Greeter { }"))
        .await;
    let found = client
        .get(&format!("{V}/query?q=SELECT+Body+FROM+ApexClass"))
        .await
        .json();
    assert_eq!(
        (&found["totalSize"], &found["records"][0]["Body"]),
        (&json!(1), &json!("public class Greeter { }"))
    );
}

#[tokio::test]
async fn triggers_are_records_of_their_object_and_events() {
    let client = Client::start().await;
    client
        .succeeds(trigger(
            "OnLead",
            "trigger OnLead on Lead (before insert, after update) { }",
        ))
        .await;
    let query =
        "SELECT+Name,TableEnumOrId,UsageBeforeInsert,UsageAfterInsert,UsageAfterUpdate+FROM+ApexTrigger";
    let found = client.get(&format!("{V}/tooling/query?q={query}")).await.json();
    let trigger_row = &found["records"][0];
    assert_eq!(trigger_row["TableEnumOrId"], "Lead", "{found:#}");
    let usage =
        ["UsageBeforeInsert", "UsageAfterInsert", "UsageAfterUpdate"].map(|name| trigger_row[name] == true);
    assert_eq!(usage, [true, false, true]);
    for (body, problem) in [
        (
            "trigger OnGhost on Ghost__c (before insert) { }",
            "Invalid type: Ghost__c",
        ),
        (
            "trigger Other on Lead (before insert) { }",
            "Invalid name in trigger: the file is called OnGhost, the trigger Other",
        ),
    ] {
        assert_eq!(client.fails(trigger("OnGhost", body)).await.2, problem);
    }
}

struct NoShouting;

impl ApexCheck for NoShouting {
    fn check(&self, sources: &[ApexSource]) -> Vec<ApexProblem> {
        let loud = sources.iter().filter(|source| source.body.contains('!'));
        loud.map(|source| ApexProblem {
            file: source.file.clone(),
            line: 3,
            column: 7,
            message: "Unexpected token '!'.".to_owned(),
        })
        .collect()
    }
}

#[tokio::test]
async fn what_a_checker_finds_are_component_failures() {
    let client = Client::start().await;
    client.org.org().metadata.set_apex_check(Arc::new(NoShouting));
    let result = client
        .deploy(Zip::new().class("Greeter", "public class Greeter { ! }"))
        .await;
    let failure = &result["details"]["componentFailures"][0];
    assert_eq!(
        (&failure["fullName"], &failure["fileName"]),
        (&json!("Greeter"), &json!("classes/Greeter.cls"))
    );
    assert_eq!(
        (
            &failure["lineNumber"],
            &failure["columnNumber"],
            &failure["problem"]
        ),
        (&json!(3), &json!(7), &json!("Unexpected token '!'."))
    );
    client.succeeds(Zip::new().class("Greeter", GREETER)).await;
}

struct OneFails;

impl TestRunner for OneFails {
    fn run(&self, sources: &[ApexSource], level: &TestLevel) -> TestRun {
        assert_eq!(level, &TestLevel::Specified(vec!["GreeterTest".to_owned()]));
        TestRun {
            run: sources.len(),
            failures: vec![emulated_org::metadata::TestFailure {
                class: "GreeterTest".to_owned(),
                method: "greets".to_owned(),
                message: "System.AssertException: Assertion Failed".to_owned(),
                stack_trace: "Class.GreeterTest.greets: line 3, column 1".to_owned(),
            }],
            total_time: 12,
        }
    }
}

#[tokio::test]
async fn tests_that_fail_refuse_the_deployment() {
    let client = Client::start().await;
    client.org.org().metadata.set_test_runner(Arc::new(OneFails));
    let zip = Zip::new().class("Greeter", GREETER);
    let result = client
        .deploy_with(
            zip,
            json!({ "rollbackOnError": true, "testLevel": "RunSpecifiedTests", "runTests": ["GreeterTest"] }),
        )
        .await;
    assert_eq!(
        (&result["status"], &result["numberTestErrors"]),
        (&json!("Failed"), &json!(1)),
        "{result:#}"
    );
    assert_eq!(
        result["details"]["runTestResult"]["failures"][0]["methodName"],
        "greets"
    );
    assert!(client.org.org().metadata.apex_sources().is_empty());
}

#[tokio::test]
async fn a_class_carries_the_name_of_its_file_and_its_description() {
    let client = Client::start().await;
    let (_, _, problem) = client
        .fails(Zip::new().class("Greeter", "public class Other { }"))
        .await;
    assert_eq!(
        problem,
        "Class name must match the file's: Other in classes/Greeter.cls"
    );
    let bare = Zip::new()
        .file("classes/Greeter.cls", GREETER)
        .names("ApexClass", "Greeter");
    assert_eq!(
        client.fails(bare).await.2,
        "Missing metadata file: classes/Greeter.cls-meta.xml"
    );
    let label = Zip::new().class(
        "Greeter",
        "public class Greeter {\n String s = System.Label.Ghost;\n}",
    );
    assert_eq!(
        client.fails(label).await.2,
        "External string does not exist: Ghost"
    );
}
