//! Runs `language/*.cls` (each documented behaviour as a small test class) and `wrong/*.cls` (programs that
//! must be refused, with the expected words in their first line).

#![expect(clippy::expect_used, reason = "a test may fail loudly")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use apex_runtime::{
    ChildRelationship, FieldKind, NoOrg, Program, SObjectField, SObjectType, Schema, Source, TestFilter,
};

fn files(folder: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut found: Vec<_> = fs::read_dir(path)
        .expect("the folder of Apex files")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "cls" || e == "trigger"))
        .collect();
    found.sort();
    found
}

fn source(path: &Path) -> Source {
    let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
    let text = fs::read_to_string(path).expect("readable");
    if path.extension().is_some_and(|e| e == "trigger") {
        return Source::trigger(name, text);
    }
    Source::class(name, text)
}

fn field(name: &str, kind: FieldKind) -> SObjectField {
    SObjectField {
        name: name.into(),
        label: name.into(),
        kind,
        nillable: true,
        relationship_name: None,
        reference_to: Vec::new(),
        length: 255,
        createable: true,
        updateable: true,
        calculated: false,
        ..SObjectField::default()
    }
}

fn lookup(name: &str, relationship: &str, to: &str) -> SObjectField {
    SObjectField {
        relationship_name: Some(relationship.into()),
        reference_to: vec![to.into()],
        ..field(name, FieldKind::Reference)
    }
}

fn object(name: &str, prefix: &str, fields: Vec<SObjectField>) -> SObjectType {
    let mut all = vec![field("Id", FieldKind::Id), field("Name", FieldKind::Text)];
    all.extend(fields);
    SObjectType {
        name: name.into(),
        label: name.into(),
        label_plural: format!("{name}s"),
        key_prefix: Some(prefix.into()),
        fields: all,
        ..SObjectType::default()
    }
}

fn schema() -> Arc<Schema> {
    let mut account = object(
        "Account",
        "001",
        vec![
            field("Phone", FieldKind::Text),
            field("AnnualRevenue", FieldKind::Decimal),
            field("Active__c", FieldKind::Boolean),
            field("NumberOfEmployees", FieldKind::Integer),
            lookup("ParentId", "Parent", "Account"),
        ],
    );
    account.children.push(ChildRelationship {
        name: "Contacts".into(),
        child: "Contact".into(),
        field: "AccountId".into(),
        cascade_delete: false,
    });
    let contact = object(
        "Contact",
        "003",
        vec![
            field("LastName", FieldKind::Text),
            field("Birthdate", FieldKind::Date),
            lookup("AccountId", "Account", "Account"),
        ],
    );
    Arc::new(Schema::new([account, contact]))
}

#[test]
fn documented_behaviour_holds() {
    let schema = schema();
    let mut failures = Vec::new();
    let mut passed = 0;
    for path in files("language") {
        let source = source(&path);
        let program = match Program::compile(std::slice::from_ref(&source), &schema) {
            Ok(program) => program,
            Err(errors) => {
                failures.extend(errors.iter().map(|error| format!("does not compile: {error}")));
                continue;
            }
        };
        let run = program.run_tests(&NoOrg::default(), &TestFilter::default());
        assert!(!run.results.is_empty(), "{} has no test methods", source.name);
        for result in run.results {
            match result.failure {
                None => passed += 1,
                Some(f) => failures.push(format!(
                    "{}.{}: {}\n{}",
                    result.class, result.method, f.message, f.stack
                )),
            }
        }
    }
    println!("{passed} documented behaviours hold");
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// The first line says what is expected: `// compile: 5: words` or `// run: 7: words`.
#[test]
fn wrong_programs_are_refused() {
    let schema = schema();
    let mut failures = Vec::new();
    for path in files("wrong") {
        let source = source(&path);
        let expected = source.text.lines().next().unwrap_or_default().to_owned();
        let (when, rest) = expected
            .trim_start_matches("// ")
            .split_once(": ")
            .expect("when: line: words");
        let (line, words) = rest.split_once(": ").expect("line: words");
        let line: u32 = line.parse().expect("a line number");
        let compiled = Program::compile(std::slice::from_ref(&source), &schema);
        let found: Vec<(u32, String)> = match (&compiled, when) {
            (Err(errors), _) => errors.iter().map(|e| (e.at.line, e.message.clone())).collect(),
            (Ok(program), "run") => {
                let run = program.run_tests(&NoOrg::default(), &TestFilter::default());
                run.results
                    .into_iter()
                    .filter_map(|r| r.failure)
                    .map(|f| (f.line, f.message))
                    .collect()
            }
            (Ok(_), _) => Vec::new(),
        };
        let matches = compiled.is_err() == (when == "compile")
            && found
                .iter()
                .any(|(at, message)| *at == line && message.contains(words));
        if !matches {
            failures.push(format!("{}: expected {expected}, found {found:?}", source.name));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
