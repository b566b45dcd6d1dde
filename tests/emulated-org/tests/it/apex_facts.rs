//! What Salesforce documents of Apex and the package relies on: each file of `apex-runtime/tests/facts` is one fact.
#![cfg(test)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use apex_runtime::{Source, TestFilter};
use emulated_org::{Options, Org};

#[test]
fn the_facts_that_the_package_relies_on_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../apex-runtime/tests/facts");
    let mut sources = Vec::new();
    let mut failing = BTreeMap::new();
    for entry in fs::read_dir(&folder).expect("the facts") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("readable");
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("cls") => {
                // The first line of a fact that no test survives says how it ends.
                let ends = text
                    .lines()
                    .next()
                    .and_then(|line| line.strip_prefix("// fails: "));
                if let Some(words) = ends {
                    failing.insert(name.clone(), words.to_owned());
                }
                sources.push(Source::class(name, text));
            }
            Some("trigger") => sources.push(Source::trigger(name, text)),
            _ => {}
        }
    }
    let options = Options {
        sfdx_source: vec![folder.join("metadata")],
        ..Options::default()
    };
    let org = Org::new(&options).expect("an organisation");
    org.set_apex(sources).expect("the facts compile");
    let report = org.run_apex_tests(&TestFilter::default());
    let mut wrong = Vec::new();
    for result in &report.results {
        let ended = result.failure.as_ref().map(|failure| failure.message.clone());
        let expected = failing.get(&*result.class);
        if ended.as_deref() != expected.map(String::as_str) {
            wrong.push(format!("{}.{}: {ended:?}", result.class, result.method));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(report.results.len() >= 20, "{} facts", report.results.len());
}
