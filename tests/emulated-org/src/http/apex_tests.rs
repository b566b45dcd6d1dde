//! Test runs of the Tooling API.
//!
//! Source: Tooling API Developer Guide, runTestsSynchronous and runTestsAsynchronous. What the Salesforce CLI sends is
//! taken; suites and flow tests are not supported.

use std::thread;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::body::JsonBody;
use super::control::parse;
use super::{ApiError, Caller, resource};
use crate::apex::test_records::Selection;
use crate::apex::{TestOutcome, TestReport};
use crate::id::RecordId;
use crate::org::Org;

/// Adds the routes below `/services/data/{version}`.
pub fn configure(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/tooling/runTestsSynchronous", "POST").route(web::post().to(run_now)))
        .service(resource("/tooling/runTestsAsynchronous", "POST").route(web::post().to(enqueue)));
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    tests: Option<Vec<WantedClass>>,
    class_names: Option<String>,
    #[serde(alias = "classids")]
    class_ids: Option<String>,
    suite_names: Option<String>,
    #[serde(alias = "suiteids")]
    suite_ids: Option<String>,
    test_level: Option<String>,
    category: Option<Vec<String>>,
    max_failed_tests: Option<i64>,
    skip_code_coverage: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WantedClass {
    class_name: Option<String>,
    class_id: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    test_methods: Vec<String>,
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "INVALID_INPUT", message)
}

impl Wanted {
    fn selection(self, org: &Org) -> Result<Selection, ApiError> {
        for (given, name) in [(&self.suite_names, "suiteNames"), (&self.suite_ids, "suiteids")] {
            if given.as_ref().is_some_and(|given| !given.is_empty()) {
                return Err(invalid(format!("not supported: {name}")));
            }
        }
        if self.max_failed_tests.is_some_and(|most| most >= 0) {
            return Err(invalid("not supported: maxFailedTests"));
        }
        let of_flows = |category: &String| !category.eq_ignore_ascii_case("apex");
        if let Some(category) = self.category.iter().flatten().find(|category| of_flows(category)) {
            return Err(invalid(format!("not supported: category {category}")));
        }
        if let Some(level) = &self.test_level
            && !matches!(
                level.as_str(),
                "RunSpecifiedTests" | "RunLocalTests" | "RunAllTestsInOrg"
            )
        {
            return Err(invalid(format!("not supported: testLevel {level}")));
        }
        let split = |names: Option<String>| -> Vec<String> {
            let names = names.unwrap_or_default();
            let names = names.split(',').map(|name| name.trim().to_owned());
            names.filter(|name| !name.is_empty()).collect()
        };
        let mut classes = Vec::new();
        for name in split(self.class_names) {
            classes.push((named(org, &name)?, Vec::new()));
        }
        for id in split(self.class_ids) {
            classes.push((by_id(org, &id)?, Vec::new()));
        }
        for class in self.tests.into_iter().flatten() {
            if class.namespace.is_some_and(|namespace| !namespace.is_empty()) {
                return Err(invalid("not supported: tests of a namespace"));
            }
            let name = match (class.class_name, class.class_id) {
                (Some(name), _) => named(org, &name)?,
                (None, Some(id)) => by_id(org, &id)?,
                (None, None) => return Err(invalid("className or classId is needed")),
            };
            classes.push((name, class.test_methods));
        }
        let all = matches!(
            self.test_level.as_deref(),
            Some("RunLocalTests" | "RunAllTestsInOrg")
        );
        if classes.is_empty() && !all {
            return Err(invalid("No tests are named"));
        }
        Ok(Selection {
            classes: (!classes.is_empty()).then_some(classes),
            without_coverage: self.skip_code_coverage,
        })
    }
}

/// A test class; the words are those that the Salesforce CLI's users report.
fn named(org: &Org, name: &str) -> Result<String, ApiError> {
    if org.has_test_class(name) {
        return Ok(name.to_owned());
    }
    Err(invalid(format!(
        "This class name's value is invalid: {name}. Provide the name of an Apex class that has test methods."
    )))
}

fn by_id(org: &Org, id: &str) -> Result<String, ApiError> {
    let name = RecordId::parse(id).and_then(|id| org.class_named_by(id));
    named(org, name.as_deref().unwrap_or(id))
}

pub(super) fn admit(org: &Org, caller: &Caller) -> Result<(), ApiError> {
    if org.access_of(caller.user).has_permission("AuthorApex") {
        return Ok(());
    }
    let message = "insufficient access rights: Apex is run with the permission AuthorApex";
    Err(ApiError::new(403, "INSUFFICIENT_ACCESS", message))
}

async fn run_now(caller: Caller, org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    admit(&org, &caller)?;
    let selection = parse::<Wanted>(&body)?.selection(&org)?;
    let run = {
        let org = org.clone();
        move || org.run_tests_now(caller.user, &selection)
    };
    let report = web::block(run)
        .await
        .map_err(|error| ApiError::new(500, "UNKNOWN_EXCEPTION", error.to_string()))?;
    Ok(HttpResponse::Ok().json(answer(&org, &report)))
}

async fn enqueue(caller: Caller, org: web::Data<Org>, body: JsonBody) -> Result<HttpResponse, ApiError> {
    admit(&org, &caller)?;
    let selection = parse::<Wanted>(&body)?.selection(&org)?;
    let enqueued = org
        .enqueue_tests(caller.user, selection)
        .ok_or_else(|| ApiError::new(500, "UNKNOWN_EXCEPTION", "The test run could not be recorded"))?;
    let job = enqueued.job;
    let org = org.into_inner();
    thread::spawn(move || org.run_enqueued_tests(&enqueued));
    Ok(HttpResponse::Ok().json(job.as_str()))
}

fn answer(org: &Org, report: &TestReport) -> Json {
    let plain = |result: &TestOutcome| {
        json!({
            "id": org.class_id(&result.class).map(|id| id.as_str().to_owned()),
            "methodName": &*result.method,
            "name": &*result.class,
            "namespace": null,
            "seeAllData": false,
            "time": result.milliseconds,
        })
    };
    let (mut failures, mut successes) = (Vec::new(), Vec::new());
    for result in &report.results {
        let mut entry = plain(result);
        match (&result.failure, entry.as_object_mut()) {
            (Some(failure), Some(members)) => {
                members.insert("message".to_owned(), json!(failure.message));
                members.insert("stackTrace".to_owned(), json!(failure.stack));
                members.insert("packageName".to_owned(), json!(&*result.class));
                members.insert("type".to_owned(), json!("Class"));
                failures.push(entry);
            }
            _ => successes.push(entry),
        }
    }
    json!({
        "apexLogId": null,
        "codeCoverage": [],
        "codeCoverageWarnings": [],
        "failures": failures,
        "flowCoverage": [],
        "flowCoverageWarnings": [],
        "numFailures": report.failed(),
        "numTestsRun": report.results.len(),
        "successes": successes,
        "totalTime": report.milliseconds,
    })
}
