//! What is said of a deployment, for both protocols.
//!
//! Source: Metadata API Developer Guide, DeployResult, DeployDetails, DeployMessage, RunTestsResult.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value as Json, json};

use super::name_of;
use crate::apex::TestOutcome;
use crate::metadata::{Deploy, DeployOptions, Message, Outcome, TestLevel};
use crate::org::Org;

/// How moments are written.
pub(super) type Moment = fn(DateTime<Utc>) -> String;

/// As SOAP has moments.
pub(super) fn soap_moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// As REST has them.
pub(super) fn rest_moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// The `DeployResult`.
pub(super) fn deploy_result(org: &Org, deploy: &Deploy, details: bool, moment: Moment) -> Json {
    let now = org.clock.now();
    let status = deploy.status(now);
    let mut result = Map::new();
    let mut put = |name: &str, value: Json| {
        result.insert(name.to_owned(), value);
    };
    if let Some(user) = deploy.canceled_by {
        put("canceledBy", json!(user.as_str()));
        put("canceledByName", json!(name_of(org, user)));
    }
    put("checkOnly", json!(deploy.options.check_only));
    if status.is_done() {
        put("completedDate", json!(moment(deploy.ends)));
    }
    put("createdBy", json!(deploy.user.as_str()));
    put("createdByName", json!(name_of(org, deploy.user)));
    put("createdDate", json!(moment(deploy.created)));
    let none = Outcome::default();
    let outcome = deploy.outcome.as_ref().unwrap_or(&none);
    if details {
        put("details", details_of(org, outcome, deploy, moment));
    }
    put("done", json!(status.is_done()));
    if let Some((code, text)) = &outcome.error {
        put("errorMessage", json!(format!("{code}: {text}")));
        put("errorStatusCode", json!(code));
    }
    put("id", json!(deploy.id.as_str()));
    put("ignoreWarnings", json!(deploy.options.ignore_warnings));
    let last = if status.is_done() {
        deploy.ends
    } else {
        deploy.created
    };
    put("lastModifiedDate", json!(moment(last)));
    let is_component = |message: &&Message| !message.component_type.is_empty();
    let errors = outcome.failures().count();
    let deployed = outcome.successes().filter(is_component).count();
    put("numberComponentErrors", json!(errors));
    put("numberComponentsDeployed", json!(deployed));
    put("numberComponentsTotal", json!(errors + deployed));
    put("numberTestErrors", json!(outcome.tests.failed()));
    put(
        "numberTestsCompleted",
        json!(outcome.tests.results.len() - outcome.tests.failed()),
    );
    put("numberTestsTotal", json!(outcome.tests.results.len()));
    put("rollbackOnError", json!(deploy.options.rollback_on_error));
    put("runTestsEnabled", json!(runs_tests(&deploy.options)));
    if now >= deploy.starts {
        put("startDate", json!(moment(deploy.starts)));
    }
    put("status", json!(status.name()));
    put(
        "success",
        json!(status.is_done() && deploy.outcome.as_ref().is_some_and(Outcome::success)),
    );
    Json::Object(result)
}

fn runs_tests(options: &DeployOptions) -> bool {
    options
        .test_level
        .as_ref()
        .is_some_and(|level| *level != TestLevel::None)
}

fn details_of(org: &Org, outcome: &Outcome, deploy: &Deploy, moment: Moment) -> Json {
    let list = |messages: Vec<&Message>| -> Json {
        messages
            .into_iter()
            .map(|message| message_of(message, deploy, moment))
            .collect()
    };
    let mut successes = list(outcome.successes().collect());
    // The manifest is a component of its own here.
    if outcome.error.is_none()
        && deploy.outcome.is_some()
        && let Some(successes) = successes.as_array_mut()
        && !outcome
            .failures()
            .any(|message| message.file_name == "package.xml" && message.component_type.is_empty())
    {
        successes.push(message_of(&manifest(), deploy, moment));
    }
    json!({
        "componentFailures": list(outcome.failures().collect()),
        "componentSuccesses": successes,
        "runTestResult": tests_of(org, outcome),
    })
}

fn manifest() -> Message {
    Message {
        component_type: String::new(),
        full_name: "package.xml".to_owned(),
        file_name: "package.xml".to_owned(),
        problem: None,
        warning: false,
        success: true,
        created: false,
        changed: true,
        deleted: false,
        id: None,
    }
}

fn message_of(message: &Message, deploy: &Deploy, moment: Moment) -> Json {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Json| {
        entry.insert(name.to_owned(), value);
    };
    put("changed", json!(message.changed));
    let problem = message.problem.as_ref();
    if let Some(column) = problem.and_then(|problem| problem.column) {
        put("columnNumber", json!(column));
    }
    put("componentType", json!(message.component_type));
    put("created", json!(message.created));
    put("createdDate", json!(moment(deploy.ends)));
    put("deleted", json!(message.deleted));
    put("fileName", json!(message.file_name));
    put("fullName", json!(message.full_name));
    if let Some(id) = &message.id {
        put("id", json!(id));
    }
    if let Some(line) = problem.and_then(|problem| problem.line) {
        put("lineNumber", json!(line));
    }
    if let Some(problem) = problem {
        put("problem", json!(problem.text));
        put(
            "problemType",
            json!(if message.warning { "Warning" } else { "Error" }),
        );
    }
    put("success", json!(message.success));
    put("warning", json!(message.warning));
    Json::Object(entry)
}

fn tests_of(org: &Org, outcome: &Outcome) -> Json {
    let tests = &outcome.tests;
    let id_of = |name: &str| {
        let kinds = ["ApexClass", "ApexTrigger"];
        let mut known = kinds.iter().filter_map(|kind| org.metadata.component(kind, name));
        known
            .next()
            .map_or_else(String::new, |stored| stored.id.as_str().to_owned())
    };
    let (failures, successes): (Vec<_>, Vec<_>) =
        tests.results.iter().partition(|result| result.failure.is_some());
    let plain = |result: &TestOutcome| {
        json!({
            "id": id_of(&result.class),
            "methodName": &*result.method,
            "name": &*result.class,
            "namespace": null,
            "seeAllData": false,
            "time": result.milliseconds,
        })
    };
    let failed = |result: &TestOutcome| {
        let mut entry = plain(result);
        if let (Some(entry), Some(failure)) = (entry.as_object_mut(), &result.failure) {
            entry.insert("message".to_owned(), json!(failure.message));
            entry.insert("stackTrace".to_owned(), json!(failure.stack));
            entry.insert("packageName".to_owned(), json!(&*result.class));
            entry.insert("type".to_owned(), json!("Class"));
        }
        entry
    };
    let coverage = tests.coverage().into_iter().map(|(name, (yes, no))| {
        let lines = no
            .iter()
            .map(|line| json!({ "column": 0, "line": line, "numExecutions": 0, "time": 0 }));
        let is_trigger = org.metadata.component("ApexTrigger", &name).is_some();
        json!({
            "id": id_of(&name),
            "locationsNotCovered": lines.collect::<Vec<_>>(),
            "name": &*name,
            "namespace": null,
            "numLocations": yes.len() + no.len(),
            "numLocationsNotCovered": no.len(),
            "type": if is_trigger { "Trigger" } else { "Class" },
        })
    });
    let warnings = outcome.coverage_warnings.iter().map(|warning| {
        json!({
            "id": warning.name.as_deref().map(id_of),
            "message": warning.message,
            "name": warning.name,
            "namespace": null,
        })
    });
    json!({
        "codeCoverage": coverage.collect::<Vec<_>>(),
        "codeCoverageWarnings": warnings.collect::<Vec<_>>(),
        "failures": failures.into_iter().map(failed).collect::<Vec<_>>(),
        "numFailures": tests.failed(),
        "numTestsRun": tests.results.len(),
        "successes": successes.into_iter().map(plain).collect::<Vec<_>>(),
        "totalTime": tests.milliseconds,
    })
}

/// The `DeployOptions`, as they are repeated.
pub(super) fn options_of(options: &DeployOptions) -> Json {
    let run_tests = match &options.test_level {
        Some(TestLevel::Specified(classes)) => json!(classes),
        _ => Json::Null,
    };
    json!({
        "allowMissingFiles": options.allow_missing_files,
        "autoUpdatePackage": options.auto_update_package,
        "checkOnly": options.check_only,
        "ignoreWarnings": options.ignore_warnings,
        "performRetrieve": options.perform_retrieve,
        "purgeOnDelete": options.purge_on_delete,
        "rollbackOnError": options.rollback_on_error,
        "runTests": run_tests,
        "singlePackage": options.single_package,
        "testLevel": options.test_level.as_ref().map(TestLevel::name),
    })
}

/// Reads one element of the `DeployOptions`; whether there is one of this name.
pub(super) fn set_option(
    options: &mut DeployOptions,
    run_tests: &mut Vec<String>,
    name: &str,
    value: &str,
) -> Result<bool, String> {
    let is = value == "true";
    match name {
        "allowMissingFiles" => options.allow_missing_files = is,
        "autoUpdatePackage" => options.auto_update_package = is,
        "checkOnly" => options.check_only = is,
        "ignoreWarnings" => options.ignore_warnings = is,
        "performRetrieve" => options.perform_retrieve = is,
        "purgeOnDelete" => options.purge_on_delete = is,
        "rollbackOnError" => options.rollback_on_error = is,
        "singlePackage" => options.single_package = is,
        "runTests" => {
            run_tests.push(value.to_owned());
            return Ok(true);
        }
        "testLevel" => {
            options.test_level = Some(match value {
                "NoTestRun" => TestLevel::None,
                "RunSpecifiedTests" => TestLevel::Specified(Vec::new()),
                "RunLocalTests" => TestLevel::Local,
                "RunAllTestsInOrg" => TestLevel::All,
                "RunRelevantTests" => TestLevel::Relevant,
                _ => return Err(format!("'{value}' is not a valid value for the enum 'TestLevel'")),
            });
            return Ok(true);
        }
        _ => return Ok(false),
    }
    if !matches!(value, "true" | "false") {
        return Err(format!("'{value}' is not a valid value for the type xsd:boolean"));
    }
    Ok(true)
}

/// Puts tests that are named to the level that asks for them.
pub(super) fn complete(org: &Org, options: &mut DeployOptions, run_tests: Vec<String>) -> Result<(), String> {
    if options.test_level == Some(TestLevel::None) && org.is_production() {
        return Err("testLevel of NoTestRun cannot be used in production organizations".to_owned());
    }
    match &mut options.test_level {
        Some(TestLevel::Specified(classes)) if run_tests.is_empty() => {
            classes.clear();
            Err("RunSpecifiedTests needs at least one class in runTests".to_owned())
        }
        Some(TestLevel::Specified(classes)) => {
            *classes = run_tests;
            Ok(())
        }
        _ if run_tests.is_empty() => Ok(()),
        _ => Err("runTests can be used only with a testLevel of RunSpecifiedTests".to_owned()),
    }
}
