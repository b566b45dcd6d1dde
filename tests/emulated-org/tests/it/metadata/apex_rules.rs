//! What a deployment with Apex has to keep to, and what comes with it.

#![cfg(test)]

use emulated_org::Options;
use serde_json::json;

use super::apex::{GREETER, GREETER_TEST, trigger};
use super::{NAMESPACE, Zip};
use crate::client::Client;

#[tokio::test]
async fn a_class_with_jobs_that_wait_is_not_changed() {
    let client = Client::start().await;
    let nightly = |more: &str| {
        let text = format!(
            "public class Nightly implements Schedulable {{ public void execute(SchedulableContext c) {{ }} {more} }}"
        );
        Zip::new().class("Nightly", &text)
    };
    let options =
        || json!({ "rollbackOnError": true, "testLevel": "RunSpecifiedTests", "runTests": ["NightlyTest"] });
    let test =
        "@IsTest private class NightlyTest { @IsTest static void runs() { new Nightly().execute(null); } }";
    let result = client
        .deploy_with(nightly("").class("NightlyTest", test), options())
        .await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
    let org = client.org.org();
    let schedule = "System.schedule('nightly', '0 0 3 * * ?', new Nightly());";
    org.run_anonymous_apex(org.admin, schedule).expect("it runs");
    let result = client.deploy_with(nightly("Integer more;"), options()).await;
    let failure = &result["details"]["componentFailures"][0];
    assert_eq!(
        (&failure["fullName"], &failure["problem"]),
        (
            &json!("Nightly"),
            &json!("Schedulable class has jobs pending or in progress")
        ),
        "{result:#}"
    );
    org.run_anonymous_apex(org.admin, "System.abortJob([SELECT Id FROM CronTrigger].Id);")
        .expect("it runs");
    let result = client.deploy_with(nightly("Integer more;"), options()).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
}

#[tokio::test]
async fn a_class_that_a_scheduled_class_names_is_not_changed_either() {
    let client = Client::start_with(Options {
        is_sandbox: true,
        ..Options::default()
    })
    .await;
    let class = |name: &str, text: &str| Zip::new().class(name, text);
    let farthest = |more: &str| class("Farthest", &format!("public class Farthest {{ {more} }}"));
    let apart = |more: &str| class("Apart", &format!("public class Apart {{ {more} }}"));
    let first = farthest("")
        .class("Apart", "public class Apart { }")
        .class("Helper", "public class Helper { public Farthest next; }")
        .class(
            "Nightly",
            "public class Nightly implements Schedulable {\n\
             public void execute(SchedulableContext c) { new Helper(); /* Apart */ String s = 'Apart'; } }",
        );
    let result = client.deploy(first).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
    let org = client.org.org();
    let schedule = "System.schedule('nightly', '0 0 3 * * ?', new Nightly());";
    org.run_anonymous_apex(org.admin, schedule).expect("it runs");
    let result = client.deploy(farthest("Integer more;")).await;
    let failure = &result["details"]["componentFailures"][0];
    assert_eq!(
        (&failure["fullName"], &failure["problem"]),
        (
            &json!("Farthest"),
            &json!("Schedulable class has jobs pending or in progress")
        ),
        "{result:#}"
    );
    let result = client.deploy(apart("Integer more;")).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
    org.run_anonymous_apex(org.admin, "System.abortJob([SELECT Id FROM CronTrigger].Id);")
        .expect("it runs");
    let result = client.deploy(farthest("Integer more;")).await;
    assert_eq!(result["status"], "Succeeded", "{result:#}");
}

#[tokio::test]
async fn production_runs_its_tests_unless_told_otherwise_and_wants_every_trigger_touched() {
    let client = Client::start().await;
    let untested = Zip::new().class(
        "Greeter",
        "public class Greeter { public static String greet() { return 'hello'; } }",
    );
    let result = client.deploy(untested).await;
    let warning = &result["details"]["runTestResult"]["codeCoverageWarnings"][0];
    assert_eq!(
        (&result["status"], &warning["message"]),
        (
            &json!("Failed"),
            &json!(
                "Average test coverage across all Apex Classes and Triggers is 0%, at least 75% test coverage is required."
            )
        ),
        "{result:#}"
    );
    let silent = trigger(
        "Silent",
        "trigger Silent on Account (before delete) { Integer i = 0; }",
    );
    let tested = "public class Greeter { public static String greet() { String a = 'hel'; String b = 'lo'; String c = a + b; String d = c; return d; } }";
    let tested = tested.replace("; ", ";\n");
    let with_trigger = silent
        .class("Greeter", &tested)
        .class("GreeterTest", GREETER_TEST);
    let result = client.deploy(with_trigger).await;
    let warning = &result["details"]["runTestResult"]["codeCoverageWarnings"][0];
    assert_eq!(
        (&result["status"], &warning["name"], &warning["message"]),
        (
            &json!("Failed"),
            &json!("Silent"),
            &json!("Test coverage of selected Apex Trigger is 0%, at least 1% test coverage is required")
        ),
        "{result:#}"
    );
    let refused = client
        .begin_deploy(
            Zip::new().class("Greeter", GREETER).build(),
            json!({ "testLevel": "NoTestRun" }),
        )
        .await;
    assert!(
        refused
            .text
            .contains("testLevel of NoTestRun cannot be used in production organizations"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn labels_come_by_deployment() {
    let client = Client::start().await;
    let labels = |text: &str| {
        let file = format!(
            "<CustomLabels xmlns=\"{NAMESPACE}\"><labels><fullName>Hello</fullName><language>en_US</language><protected>false</protected><shortDescription>Hello</shortDescription><value>{text}</value></labels></CustomLabels>"
        );
        Zip::new()
            .file("labels/CustomLabels.labels", &file)
            .names("CustomLabel", "Hello")
    };
    client.succeeds(labels("Good day")).await;
    let org = client.org.org();
    let said = |text: &str| {
        let text = format!("Assert.areEqual('{text}', System.Label.Hello);");
        org.run_anonymous_apex(org.admin, &text).expect("it runs");
    };
    said("Good day");
    let speaker = Zip::new().class(
        "Speaker",
        "public class Speaker { public static final String SAID = System.Label.Hello; }",
    );
    let test = "@IsTest private class SpeakerTest { @IsTest static void speaks() { Assert.areEqual('Good day', Speaker.SAID); } }";
    client.succeeds(speaker.class("SpeakerTest", test)).await;
    said("Good day");
}
