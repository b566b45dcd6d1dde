//! Apex sources: kept, read as records, and handed to whoever checks and runs them.

#![cfg(test)]

use std::sync::Arc;

use emulated_org::Options;
use emulated_org::metadata::{ApexCheck, ApexDeployment, ApexProblem};
use serde_json::json;

use super::{NAMESPACE, Zip};
use crate::client::{Client, V};

pub(super) const GREETER: &str = "/* says it */\npublic class Greeter {\n    // politely\n}";

pub(super) fn trigger(name: &str, body: &str) -> Zip {
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
    fn check(&self, deployment: &ApexDeployment<'_>) -> Vec<ApexProblem> {
        let loud = deployment
            .sources
            .iter()
            .filter(|source| source.body.contains('!'));
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
        .deploy(Zip::new().class("Greeter", "public class Greeter { /* ! */ }"))
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

/// apex-ls itself, where `APEX_CHECKER` names the folder of its archives; Java has to run then. `scripts/test` does so.
#[tokio::test]
async fn the_type_checkers_errors_are_component_failures() {
    let Some(archives) = std::env::var_os("APEX_CHECKER").map(std::path::PathBuf::from) else {
        eprintln!("skipped: the type checker needs Java and its folder in APEX_CHECKER");
        return;
    };
    assert!(archives.is_dir(), "{} is no folder", archives.display());
    let client = Client::start_with(Options {
        apex_checker: Some(archives),
        is_sandbox: true,
        ..Options::default()
    })
    .await;
    let field = format!(
        "<CustomObject xmlns=\"{NAMESPACE}\"><fields><fullName>Tier__c</fullName><label>Tier</label><length>20</length><type>Text</type></fields></CustomObject>"
    );
    let zip = |text: &str| {
        Zip::new()
            .class("Greeter", text)
            .file("objects/Account.object", &field)
            .names("CustomField", "Account.Tier__c")
    };
    client
        .succeeds(zip(
            "public class Greeter { String tier = new Account(Tier__c = 'Gold').Tier__c; }",
        ))
        .await;
    // The compiler refuses this when it is reached; the checker knows that there is no such method.
    let wrong = "public class Greeter {\n    void mail() { Messaging.sendPigeon('home'); }\n}";
    let result = client.deploy(zip(wrong)).await;
    let failure = &result["details"]["componentFailures"][0];
    assert_eq!(
        (&failure["fileName"], &failure["lineNumber"]),
        (&json!("classes/Greeter.cls"), &json!(2)),
        "{result:#}"
    );
    let problem = failure["problem"].as_str().expect("a problem");
    assert!(problem.contains("sendPigeon"), "{problem}");
}

pub(super) const GREETER_TEST: &str = "@IsTest
private class GreeterTest {
    @IsTest static void greets() { System.assertEquals('hello', Greeter.greet()); }
    @IsTest static void saves() { insert new Lead(LastName = 'L', Company = 'C'); }
}";

fn greeter(says: &str) -> Zip {
    let text = format!("public class Greeter {{ public static String greet() {{ return '{says}'; }} }}");
    Zip::new()
        .class("Greeter", &text)
        .class("GreeterTest", GREETER_TEST)
}

#[tokio::test]
async fn tests_that_fail_refuse_the_deployment() {
    let client = Client::start().await;
    let options =
        || json!({ "rollbackOnError": true, "testLevel": "RunSpecifiedTests", "runTests": ["GreeterTest"] });
    let result = client.deploy_with(greeter("bye"), options()).await;
    assert_eq!(
        (
            &result["status"],
            &result["numberTestErrors"],
            &result["numberTestsTotal"]
        ),
        (&json!("Failed"), &json!(1), &json!(2)),
        "{result:#}"
    );
    let failure = &result["details"]["runTestResult"]["failures"][0];
    assert_eq!(
        (
            &failure["methodName"],
            &failure["message"],
            &failure["stackTrace"]
        ),
        (
            &json!("greets"),
            &json!("System.AssertException: Assertion Failed: Expected: hello, Actual: bye"),
            &json!("Class.GreeterTest.greets: line 3, column 1")
        )
    );
    assert!(client.org.org().metadata.apex_sources().is_empty());
    let result = client.deploy_with(greeter("hello"), options()).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
    let tests = &result["details"]["runTestResult"];
    assert_eq!(
        (
            &tests["numTestsRun"],
            &tests["numFailures"],
            &tests["successes"][1]["methodName"]
        ),
        (&json!(2), &json!(0), &json!("saves"))
    );
    assert_eq!(
        (
            &tests["codeCoverage"][0]["name"],
            &tests["codeCoverage"][0]["numLocationsNotCovered"]
        ),
        (&json!("Greeter"), &json!(0)),
        "{tests:#}"
    );
    let found = client
        .get(&format!("{V}/query?q=SELECT+Id+FROM+Lead"))
        .await
        .json();
    assert_eq!(found["totalSize"], 0, "tests leave nothing behind");
}

/// Source: Apex Developer Guide, Code Coverage Best Practices.
#[tokio::test]
async fn production_asks_for_three_quarters_of_the_code_to_be_covered() {
    let client = Client::start().await;
    let zip = Zip::new().class(
        "Greeter",
        "public class Greeter {\n public static void one() {\n Integer i = 1;\n }\n public static void two() {\n Integer i = 2;\n }\n}",
    );
    let zip = zip.class(
        "GreeterTest",
        "@IsTest private class GreeterTest { @IsTest static void t() { Greeter.one(); } }",
    );
    let result = client
        .deploy_with(
            zip,
            json!({ "rollbackOnError": true, "testLevel": "RunLocalTests" }),
        )
        .await;
    assert_eq!(result["status"], "Failed", "{result:#}");
    assert_eq!(
        result["details"]["runTestResult"]["codeCoverageWarnings"][0]["message"],
        "Average test coverage across all Apex Classes and Triggers is 50%, at least 75% test coverage is required."
    );
}

#[tokio::test]
async fn what_does_not_compile_is_a_component_failure_with_its_place() {
    let client = Client::start().await;
    let broken = "public class Greeter {\n    Integer x = 'text';\n}";
    let result = client.deploy(Zip::new().class("Greeter", broken)).await;
    let failure = &result["details"]["componentFailures"][0];
    assert_eq!(
        (&failure["fileName"], &failure["lineNumber"], &failure["problem"]),
        (
            &json!("classes/Greeter.cls"),
            &json!(2),
            &json!("Illegal assignment from String to Integer")
        ),
        "{result:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deployed_runs_from_then_on() {
    let client = Client::start_with(Options {
        is_sandbox: true,
        ..Options::default()
    })
    .await;
    let shout = |how: &str| {
        Zip::new()
            .class("Shout", &format!("public class Shout {{ public static String of(String s) {{ return s{how}; }} }}"))
            .file("triggers/Loud.trigger", "trigger Loud on Lead (before insert) { for (Lead l : Trigger.new) { l.LastName = Shout.of(l.LastName); } }")
            .file("triggers/Loud.trigger-meta.xml", &format!("<ApexTrigger xmlns=\"{NAMESPACE}\"><apiVersion>68.0</apiVersion><status>Active</status></ApexTrigger>"))
            .names("ApexTrigger", "Loud")
    };
    client.succeeds(shout(".toUpperCase()")).await;
    let make = || client.create("Lead", json!({ "LastName": "quiet", "Company": "C" }));
    assert_eq!(client.read("Lead", &make().await).await["LastName"], "QUIET");
    client.succeeds(shout(" + '!'")).await;
    assert_eq!(client.read("Lead", &make().await).await["LastName"], "quiet!");
    // What uses a method holds it.
    let result = client
        .deploy(Zip::new().class("Shout", "public class Shout { }"))
        .await;
    assert_eq!(result["status"], "Failed", "{result:#}");
    assert_eq!(client.read("Lead", &make().await).await["LastName"], "quiet!");
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
