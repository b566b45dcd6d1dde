//! The package's own Apex tests, run in the emulated org, with what Salesforce asks of a package's coverage and more.

use std::path::Path;

use apex_runtime::TestFilter;
use emulated_org::{Options, Org};

/// Percent of lines that tests reach. Salesforce asks for 75 before a version can be promoted.
const LEAST_COVERED: usize = 90;

#[test]
fn the_packages_tests_pass_and_reach_its_lines_and_every_trigger() {
    let force_app = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../force-app");
    let org = Org::new(&Options {
        sfdx_source: vec![force_app],
        ..Options::default()
    })
    .unwrap();
    let run = org.run_apex_tests(&TestFilter::default());
    let failures: Vec<String> = run
        .results
        .iter()
        .filter_map(|result| {
            let failure = result.failure.as_ref()?;
            Some(format!("{}.{}: {}", result.class, result.method, failure.message))
        })
        .collect();
    assert_eq!(failures, Vec::<String>::new());
    assert!(run.results.len() > 90, "only {} tests ran", run.results.len());
    let coverage = run.coverage();
    let (mut reached, mut lines) = (0, 0);
    for (file, (yes, no)) in &coverage {
        assert!(!yes.is_empty(), "no test reaches {file}");
        reached += yes.len();
        lines += yes.len() + no.len();
    }
    for object in ["Account", "Contact", "Lead", "Opportunity", "Task"] {
        let trigger = format!("{object}Capture");
        assert!(
            coverage.keys().any(|file| **file == *trigger),
            "{trigger} was not run"
        );
    }
    assert!(
        reached * 100 >= lines * LEAST_COVERED,
        "tests reach {reached} of {lines} lines"
    );
}
