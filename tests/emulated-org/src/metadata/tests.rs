//! The tests of a deployment, and whether they cover enough.
//!
//! Source: Metadata API Developer Guide, deploy(), Running Tests in a Deployment; Apex Developer Guide, Code Coverage
//! Best Practices: 75 % of all Apex, and something of every trigger, before it goes into production.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::apex::TestLevel;
use super::apply::{add_custom_permissions, forget};
use super::custom_metadata::add_custom_metadata;
use super::deploy::Attempt;
use super::package::Package;
use super::result::{CoverageWarning, Outcome};
use crate::apex::{TestGround, test_methods};
use crate::id::RecordId;
use crate::org::Org;

/// Runs the tests of a level as if the deployment had gone through; the result goes into the outcome.
pub(super) fn run(
    org: &Org,
    attempt: &Attempt,
    user: RecordId,
    level: &TestLevel,
    outcome: &mut Outcome,
) -> Result<(), (&'static str, String)> {
    let Some(installed) = &attempt.installed else {
        return Ok(());
    };
    let names = match level {
        TestLevel::Specified(names) => Some(names),
        _ => None,
    };
    let known: BTreeSet<_> = test_methods(&installed.program)
        .into_iter()
        .map(|(class, ..)| class.to_ascii_lowercase())
        .collect();
    if let Some(missing) = names
        .into_iter()
        .flatten()
        .find(|name| !known.contains(&name.to_ascii_lowercase()))
    {
        // The words are believed.
        let text = format!("runTests: no test class named {missing} found");
        return Err(("INVALID_OPERATION", text));
    }
    let before = org.schema();
    let schema = Arc::new(attempt.schema.clone());
    let ground = TestGround {
        installed,
        schema: &schema,
        user,
    };
    let wanted = |class: &str, _: &str| {
        names.is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(class)))
    };
    outcome.tests = org.run_tests_on(&ground, wanted, |everything| {
        let mut data = org.read().for_tests(everything);
        forget(&mut data, &before, &attempt.package.doomed);
        data.adopt(&schema);
        add_custom_permissions(org, &mut data, &schema, &attempt.package.components);
        add_custom_metadata(org, &mut data, &schema, &attempt.package.components);
        data
    });
    if outcome.tests.failed() == 0 && org.is_production() {
        outcome.coverage_warnings = uncovered(attempt, level, outcome);
    }
    Ok(())
}

/// What is asked for when nothing is: in production the tests of the organisation, where the package has Apex
/// (Metadata API Developer Guide, Running Tests in a Deployment).
pub(super) fn default_level(org: &Org, package: &Package) -> TestLevel {
    let is_apex = |kind: &str| matches!(kind, "ApexClass" | "ApexTrigger");
    if org.is_production() && package.components.iter().any(|component| is_apex(component.kind)) {
        TestLevel::Local
    } else {
        TestLevel::None
    }
}

/// Every trigger that is deployed needs some coverage of its own.
fn untouched_triggers(attempt: &Attempt, outcome: &Outcome) -> Vec<CoverageWarning> {
    let coverage = outcome.tests.coverage();
    let triggers = attempt.package.components.iter();
    let triggers = triggers.filter(|component| component.kind == "ApexTrigger");
    let untouched = triggers.filter(|trigger| {
        let lines = coverage.get(trigger.name.as_str());
        lines.is_some_and(|(yes, no)| yes.is_empty() && !no.is_empty())
    });
    let warnings = untouched.map(|trigger| CoverageWarning {
        name: Some(trigger.name.clone()),
        message: "Test coverage of selected Apex Trigger is 0%, at least 1% test coverage is required"
            .to_owned(),
    });
    warnings.collect()
}

fn uncovered(attempt: &Attempt, level: &TestLevel, outcome: &Outcome) -> Vec<CoverageWarning> {
    const ENOUGH: usize = 75;
    let coverage = outcome.tests.coverage();
    let deployed = |name: &str| {
        let mut components = attempt.package.components.iter();
        components.any(|component| component.source().is_some() && component.name == name)
    };
    let percent = |covered: usize, all: usize| (covered * 100).checked_div(all).unwrap_or(100);
    let mut warnings = Vec::new();
    if matches!(level, TestLevel::Specified(_)) {
        for (name, (yes, no)) in &coverage {
            let share = percent(yes.len(), yes.len() + no.len());
            if deployed(name) && share < ENOUGH {
                warnings.push(CoverageWarning {
                    name: Some(name.to_string()),
                    message: format!(
                        "Test coverage of selected Apex Class and Trigger is {share}%, at least {ENOUGH}% test \
                         coverage is required"
                    ),
                });
            }
        }
        return warnings;
    }
    warnings.extend(untouched_triggers(attempt, outcome));
    let (covered, all) = coverage.values().fold((0, 0), |(covered, all), (yes, no)| {
        (covered + yes.len(), all + yes.len() + no.len())
    });
    let share = percent(covered, all);
    if share < ENOUGH {
        warnings.push(CoverageWarning {
            name: None,
            message: format!(
                "Average test coverage across all Apex Classes and Triggers is {share}%, at least {ENOUGH}% test \
                 coverage is required."
            ),
        });
    }
    warnings
}
