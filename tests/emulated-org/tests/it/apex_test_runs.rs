//! Test runs of the Tooling API, as the Salesforce CLI asks for them.
#![cfg(test)]

use std::time::Duration;

use apex_runtime::Source;
use serde_json::{Value as Json, json};

use crate::access::Nina;
use crate::client::{Client, V};

const GREETER: &str = "public class Greeter {
    public static String greet(Boolean loud) {
        if (loud) {
            return 'HELLO';
        }
        return 'hello';
    }
}";
const TESTS: &str = "@IsTest
private class GreeterTest {
    @IsTest static void greets() { System.assertEquals('hello', Greeter.greet(false)); }
    @IsTest static void fails() { System.assertEquals('HI', Greeter.greet(true)); }
    @IsTest(SeeAllData=true) static void sees() { System.assertEquals(1, [SELECT COUNT() FROM Account]); }
    @IsTest static void doesNot() { System.assertEquals(0, [SELECT COUNT() FROM Account]); }
}";

async fn client() -> Client {
    let client = Client::start().await;
    let sources = vec![
        Source::class("Greeter", GREETER),
        Source::class("GreeterTest", TESTS),
    ];
    client.org.org().set_apex(sources).expect("the sources compile");
    client.create("Account", json!({ "Name": "Acme" })).await;
    client
}

async fn tooling(client: &Client, soql: &str) -> Vec<Json> {
    let path = format!("{V}/tooling/query?q={}", soql.replace(' ', "+"));
    let answer = client.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["records"].as_array().cloned().expect("records")
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_run_at_once_with_their_results_and_coverage() {
    let client = client().await;
    let body = json!({ "tests": [{ "className": "GreeterTest" }], "testLevel": "RunSpecifiedTests", "skipCodeCoverage": false });
    let answer = client
        .post(&format!("{V}/tooling/runTestsSynchronous"), &body)
        .await
        .json();
    assert_eq!(
        (&answer["numTestsRun"], &answer["numFailures"]),
        (&json!(4), &json!(1)),
        "{answer:#}"
    );
    let failure = &answer["failures"][0];
    assert_eq!(
        (&failure["methodName"], &failure["message"]),
        (
            &json!("fails"),
            &json!("System.AssertException: Assertion Failed: Expected: HI, Actual: HELLO")
        )
    );
    assert_eq!(
        tooling(&client, "SELECT PercentCovered FROM ApexOrgWideCoverage").await[0]["PercentCovered"],
        100
    );
    let test = failure["id"].as_str().expect("the class's id");
    let covered = tooling(
        &client,
        &format!("SELECT ApexTestClassId, ApexClassOrTrigger.Id, ApexClassOrTrigger.Name, TestMethodName, NumLinesCovered, NumLinesUncovered, Coverage FROM ApexCodeCoverage WHERE ApexTestClassId IN ('{test}')"),
    )
    .await;
    let greets = covered
        .iter()
        .find(|row| row["TestMethodName"] == "greets")
        .expect("coverage of one method");
    assert_eq!(
        (&greets["ApexClassOrTrigger"]["Name"], &greets["Coverage"]),
        (
            &json!("Greeter"),
            &json!({ "coveredLines": [3, 6], "uncoveredLines": [4] })
        )
    );
    let id = greets["ApexClassOrTrigger"]["Id"].as_str().expect("an id");
    let aggregate = tooling(
        &client,
        &format!("SELECT ApexClassOrTrigger.Id, ApexClassOrTrigger.Name, NumLinesCovered, NumLinesUncovered, Coverage FROM ApexCodeCoverageAggregate WHERE ApexClassorTriggerId IN ('{id}')"),
    )
    .await;
    assert_eq!(
        (
            &aggregate[0]["NumLinesCovered"],
            &aggregate[0]["NumLinesUncovered"]
        ),
        (&json!(3), &json!(0))
    );
    // Data API queries know nothing of coverage.
    let path = format!("{V}/query?q=SELECT+PercentCovered+FROM+ApexOrgWideCoverage");
    assert_eq!(client.get(&path).await.error().1, "INVALID_TYPE");
}

#[tokio::test(flavor = "multi_thread")]
async fn tests_run_later_and_leave_records() {
    let client = client().await;
    let body = json!({ "tests": [{ "className": "GreeterTest", "testMethods": ["greets", "fails"] }], "testLevel": "RunSpecifiedTests" });
    let job = client
        .post(&format!("{V}/tooling/runTestsAsynchronous"), &body)
        .await
        .json();
    let job = job.as_str().expect("the job's id").to_owned();
    assert!(job.starts_with("707"));
    let summary = format!(
        "SELECT AsyncApexJobId, Status, ClassesCompleted, ClassesEnqueued, MethodsEnqueued, StartTime, EndTime, TestTime, TestSetupTime, UserId FROM ApexTestRunResult WHERE AsyncApexJobId = '{job}'"
    );
    let mut run = tooling(&client, &summary).await;
    for _ in 0..400 {
        if !["Queued", "Processing"].contains(&run[0]["Status"].as_str().expect("a status")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
        run = tooling(&client, &summary).await;
    }
    assert_eq!(
        (
            &run[0]["Status"],
            &run[0]["MethodsEnqueued"],
            &run[0]["ClassesCompleted"]
        ),
        (&json!("Failed"), &json!(2), &json!(1)),
        "{run:#?}"
    );
    let items = tooling(
        &client,
        &format!("SELECT Id, Status, ApexClassId, TestRunResultId, ParentJobId FROM ApexTestQueueItem WHERE ParentJobId = '{job}'"),
    )
    .await;
    assert_eq!((items.len(), &items[0]["Status"]), (1, &json!("Completed")));
    let item = items[0]["Id"].as_str().expect("an id");
    let results = tooling(
        &client,
        &format!("SELECT Id, QueueItemId, StackTrace, Message, RunTime, TestTimestamp, AsyncApexJobId, MethodName, Outcome, ApexLogId, IsTestSetup, ApexClass.Id, ApexClass.Name, ApexClass.NamespacePrefix FROM ApexTestResult WHERE QueueItemId IN ('{item}') ORDER BY MethodName"),
    )
    .await;
    let outcomes: Vec<_> = results
        .iter()
        .map(|row| (&row["MethodName"], &row["Outcome"]))
        .collect();
    assert_eq!(
        outcomes,
        [
            (&json!("fails"), &json!("Fail")),
            (&json!("greets"), &json!("Pass"))
        ]
    );
    assert_eq!(
        (&results[0]["StackTrace"], &results[0]["ApexClass"]["Name"]),
        (
            &json!("Class.GreeterTest.fails: line 4, column 1"),
            &json!("GreeterTest")
        )
    );
}

#[tokio::test]
async fn what_cannot_be_run_is_refused() {
    let client = client().await;
    for (body, message) in [
        (
            json!({ "tests": [{ "className": "Ghost" }] }),
            "This class name's value is invalid: Ghost. Provide the name of an Apex class that has test methods.",
        ),
        (json!({ "suiteNames": "All" }), "not supported: suiteNames"),
        (
            json!({ "testLevel": "RunLocalTests", "category": ["Flow"] }),
            "not supported: category Flow",
        ),
        (json!({}), "No tests are named"),
    ] {
        let refused = client
            .post(&format!("{V}/tooling/runTestsAsynchronous"), &body)
            .await;
        let (status, code, told, _) = refused.error();
        assert_eq!((status, &*code, &*told), (400, "INVALID_INPUT", message));
    }
    let nina = Nina::start().await;
    let body = json!({ "testLevel": "RunLocalTests" });
    let refused = nina
        .client
        .post(&format!("{V}/tooling/runTestsSynchronous"), &body)
        .await;
    assert_eq!(refused.refusal(), (403, "INSUFFICIENT_ACCESS".to_owned()));
}
