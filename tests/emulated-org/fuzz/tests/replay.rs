//! Every input that fuzzing found worth keeping, played again.

#![cfg(test)]

use std::fs;
use std::path::Path;

use emulated_org_fuzz::{csv, json, soql};

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    assert!(
        paths.len() >= 20,
        "the corpus of {target} has {} inputs",
        paths.len()
    );
    for path in paths {
        let input = fs::read(&path).expect("an input");
        println!("{}", path.display());
        check(&input);
    }
}

#[test]
fn queries_are_answered() {
    replay("soql", soql::check);
}

#[test]
fn tables_are_loaded_or_refused() {
    replay("csv", csv::check);
}

#[test]
fn bodies_are_taken_or_refused() {
    replay("json", json::check);
}
