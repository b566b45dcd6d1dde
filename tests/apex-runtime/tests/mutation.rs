//! What mistakes are put into a class.

#![expect(clippy::expect_used, reason = "a test may fail loudly")]

use std::sync::Arc;

use apex_runtime::mutation::{Mutant, mutants};
use apex_runtime::{NoOrg, Program, Schema, Source, TestFilter};

fn of(body: &str) -> Vec<Mutant> {
    let source = Source::class("Sample", format!("class Sample {{\n{body}\n}}"));
    mutants(&source).expect("a class that can be read")
}

fn names(body: &str) -> Vec<String> {
    of(body).into_iter().map(|mutant| mutant.name).collect()
}

#[test]
fn a_condition_is_always_true_always_false_and_negated() {
    let found = names("static void run(Boolean on) { if (on) { act(); go(); } }");
    assert_eq!(
        found,
        [
            "Sample.run: on -> true",
            "Sample.run: on -> false",
            "Sample.run: on -> !(on)",
            "Sample.run: act(); left out",
            "Sample.run: go(); left out",
        ]
    );
}

#[test]
fn a_comparison_moves_its_edge_and_turns_round() {
    let found = names("static Boolean isMany(Integer n) { return n > 9; }");
    assert_eq!(
        found,
        [
            "Sample.isMany: return n > 9; left out",
            "Sample.isMany: n > 9 -> n >= 9",
            "Sample.isMany: n > 9 -> n <= 9",
            "Sample.isMany: n > 9 -> n > 10",
        ]
    );
}

#[test]
fn of_a_chain_each_operand_is_left_out_once() {
    let found = names("static Boolean all(Boolean a, Boolean b, Boolean c) { return a && b && c; }");
    let dropped: Vec<_> = found
        .iter()
        .filter(|name| !name.contains('|') && !name.contains('!') && !name.contains("left out"))
        .collect();
    assert_eq!(
        dropped,
        [
            "Sample.all: a && b -> b",
            "Sample.all: a && b -> a",
            "Sample.all: a && b && c -> a && b",
        ]
    );
}

#[test]
fn what_a_method_returns_is_replaced_by_its_type() {
    let by_type = [
        ("Boolean", "isOn()", "!(isOn())"),
        ("String", "name", "''"),
        ("Integer", "size", "0"),
        ("List<Id>", "ids", "new List<Id>()"),
        ("Account", "account", "null"),
    ];
    for (ty, value, other) in by_type {
        let found = names(&format!("static {ty} give() {{ return {value}; }}"));
        let wanted = format!("Sample.give: {value} -> {other}");
        assert!(found.contains(&wanted), "{wanted} is not in {found:?}");
    }
    assert_eq!(
        names("static Account none() { return null; }"),
        ["Sample.none: return null; left out"]
    );
}

#[test]
fn what_catches_and_what_comes_at_last_may_do_nothing() {
    let found =
        names("static void run() { try { act(); } catch (Exception e) { note(); } finally { end(); } }");
    assert_eq!(
        found,
        [
            "Sample.run: act(); left out",
            "Sample.run: { note(); } left out",
            "Sample.run: { end(); } left out",
        ]
    );
}

#[test]
fn a_trigger_misses_each_of_its_events() {
    let source = Source::trigger(
        "Hears",
        "trigger Hears on Account(after insert, after delete) { act(); }",
    );
    let found = mutants(&source).expect("a trigger that can be read");
    let texts: Vec<_> = found.iter().map(|mutant| mutant.text_of(&source)).collect();
    assert!(texts.contains(&"trigger Hears on Account( after delete) { act(); }".to_owned()));
    assert!(texts.contains(&"trigger Hears on Account(after insert) { act(); }".to_owned()));
}

#[test]
fn debug_logs_and_annotations_and_queries_are_left_alone() {
    let body = "@TestVisible(reason = 1) static void run() { System.debug(1 + 2); for (Account a : [SELECT Id FROM \
                Account LIMIT 3]) { } }";
    assert_eq!(
        names(body),
        ["Sample.run: for (Account a : [SELECT Id FROM Account LIMIT 3]) { } left out"]
    );
}

#[test]
fn a_catch_that_only_writes_a_log_is_left_alone() {
    let found =
        names("static void run() { try { act(); } catch (Exception e) { /* why */ System.debug(e); } }");
    assert_eq!(found, ["Sample.run: act(); left out"]);
}

#[test]
fn equal_mistakes_are_numbered_by_their_places() {
    let found = names("static void run() { act(); act(); }");
    assert_eq!(
        found,
        ["Sample.run: act(); left out", "Sample.run: act(); left out (2)",]
    );
}

#[test]
fn a_mutant_knows_the_lines_that_run_it() {
    let found = of("static Integer run(Integer n) {\n  return n +\n    1;\n}");
    assert!(found.iter().all(|mutant| mutant.lines == (3..=4)), "{found:?}");
}

#[test]
fn tests_of_the_edge_catch_every_mutant_of_a_small_method_and_others_do_not() {
    let source = Source::class(
        "Edge",
        "public class Edge { public static Boolean isMany(Integer n) { return n > 9; } }",
    );
    let caught = |tests: &str| {
        let tests = Source::class("EdgeTest", format!("@IsTest class EdgeTest {{ {tests} }}"));
        let found = mutants(&source).expect("a class that can be read");
        let (mut viable, mut caught) = (0, 0);
        for mutant in &found {
            let changed = Source::class("Edge", mutant.text_of(&source));
            let Ok(program) = Program::compile(&[changed, tests.clone()], &Arc::new(Schema::default()))
            else {
                continue;
            };
            viable += 1;
            let run = program.run_tests(&NoOrg::default(), &TestFilter::default());
            caught += usize::from(run.results.iter().any(|result| result.failure.is_some()));
        }
        (viable, caught)
    };
    let middle =
        "@IsTest static void far() { Assert.isTrue(Edge.isMany(99)); Assert.isFalse(Edge.isMany(0)); }";
    let edge =
        "@IsTest static void near() { Assert.isTrue(Edge.isMany(10)); Assert.isFalse(Edge.isMany(9)); }";
    assert_eq!(caught(middle), (3, 1));
    assert_eq!(caught(edge), (3, 3));
}

#[test]
fn an_endless_loop_ends_at_the_statements_that_are_allowed() {
    let source = Source::class(
        "LoopTest",
        "@IsTest class LoopTest { @IsTest static void runs() { Integer n = 0; while (true) { n++; } } }",
    );
    let program = Program::compile(&[source], &Arc::new(Schema::default())).expect("a class that compiles");
    let run = program
        .with_most_steps(10_000)
        .run_tests(&NoOrg::default(), &TestFilter::default());
    let failures: Vec<_> = run.results.iter().filter_map(|r| r.failure.as_ref()).collect();
    assert!(
        failures
            .iter()
            .all(|failure| failure.message.contains("CPU time limit"))
    );
    assert_eq!(failures.len(), 1);
}
